/* kiln info: what there is, what would be chosen and why, and where things are kept. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "commands.h"
#include "json.h"
#include "memory_table.h"
#include "session.h"
#include "text_table.h"
#include "tool.h"

#define PATH_BYTES 4096

static void device_json(cJSON *object, const struct kiln_device_info *info, bool chosen)
{
	char uuid[33];
	cJSON *limits;

	for (int i = 0; i < 16; i++)
		snprintf(uuid + 2 * i, 3, "%02x", info->uuid[i]);
	kiln_json_u64(object, "index", info->index);
	kiln_json_bool(object, "chosen", chosen);
	kiln_json_text(object, "name", info->name);
	kiln_json_text(object, "type", kiln_device_type_name(info->type));
	kiln_json_i64(object, "score", info->score);
	kiln_json_text(object, "why", info->why);
	kiln_json_bool(object, "can_compute", info->can_compute);
	kiln_json_bool(object, "can_launch", info->can_launch);
	kiln_json_text(object, "adapter", info->adapter);
	kiln_json_text(object, "uuid", uuid);
	kiln_json_u64(object, "vendor_id", info->vendor_id);
	kiln_json_u64(object, "device_id", info->device_id);
	kiln_json_u64(object, "driver_id", info->driver_id);
	kiln_json_text(object, "driver_name", info->driver_name);
	kiln_json_text(object, "driver_info", info->driver_info);
	kiln_json_u64(object, "driver_version", info->driver_version);
	kiln_json_u64(object, "api_version", info->api_version);
	limits = kiln_json_object(object, "limits");
	kiln_json_u32s(limits, "max_workgroup_size", info->max_workgroup_size, 3);
	kiln_json_u64(limits, "max_workgroup_threads", info->max_workgroup_threads);
	kiln_json_u32s(limits, "max_workgroup_count", info->max_workgroup_count, 3);
	kiln_json_u64(limits, "max_shared_bytes", info->max_shared_bytes);
	kiln_json_u64(limits, "max_push_bytes", info->max_push_bytes);
	kiln_json_u64(limits, "max_storage_buffer_bytes", info->max_storage_buffer_bytes);
	kiln_json_u64(limits, "max_bindings", info->max_bindings);
	kiln_json_u64(limits, "subgroup_size", info->subgroup_size);
	kiln_json_u64(limits, "timestamp_bits", info->timestamp_bits);
	cJSON_AddNumberToObject(limits, "timestamp_period_ns", info->timestamp_period_ns);
	kiln_json_u64(limits, "device_memory_bytes", info->device_memory_bytes);
	kiln_json_u64(limits, "host_memory_bytes", info->host_memory_bytes);
}

static void device_table(const struct kiln_device_info *infos, size_t count,
                         const struct kiln_device_info *chosen)
{
	static const char *const titles[] = {"",    ">index", "name", "type", "driver",
	                                     "can", ">score", "why",  NULL};
	struct kiln_text_table table;

	if (!count) {
		printf("Devices: none\n");
		return;
	}
	kiln_text_table_init(&table, titles);
	for (size_t i = 0; i < count; i++) {
		const struct kiln_device_info *info = &infos[i];

		kiln_text_table_add(&table, "%s", chosen && chosen->index == info->index ? "*" : "");
		kiln_text_table_add(&table, "%u", info->index);
		kiln_text_table_add(&table, "%s", info->name);
		kiln_text_table_add(&table, "%s", kiln_device_type_name(info->type));
		kiln_text_table_add(&table, "%s%s%s", info->driver_name, *info->driver_info ? " " : "",
		                    info->driver_info);
		kiln_text_table_add(&table, "%s",
		                    info->can_launch    ? "launch"
		                    : info->can_compute ? "compile"
		                                        : "nothing");
		kiln_text_table_add(&table, "%" PRId64, info->score);
		kiln_text_table_add(&table, "%s", info->why);
	}
	printf("Devices, best score first (* = chosen):\n");
	kiln_text_table_print(&table, 2, stdout);
	kiln_text_table_finish(&table);
}

static void print_limits(const struct kiln_device_info *info, struct kiln_device *device)
{
	char a[KILN_PRETTY_BYTES], b[KILN_PRETTY_BYTES];

	printf("\nChosen: %u ", info->index);
	kiln_print_clean(info->name, stdout);
	printf("\n  api               %u.%u.%u\n", info->api_version >> 22 & 127,
	       info->api_version >> 12 & 1023, info->api_version & 4095);
	printf("  adapter           %s\n", info->adapter);
	printf("  workgroup size    %u x %u x %u, at most %u threads\n", info->max_workgroup_size[0],
	       info->max_workgroup_size[1], info->max_workgroup_size[2], info->max_workgroup_threads);
	printf("  workgroup count   %u x %u x %u\n", info->max_workgroup_count[0],
	       info->max_workgroup_count[1], info->max_workgroup_count[2]);
	printf("  subgroup size     %u\n", info->subgroup_size);
	printf("  shared memory     %s\n", kiln_pretty_size(info->max_shared_bytes, a));
	printf("  push constants    %s\n", kiln_pretty_size(info->max_push_bytes, a));
	printf("  storage buffer    %s, %u bindings\n", kiln_pretty_size(info->max_storage_buffer_bytes, a),
	       info->max_bindings);
	printf("  memory            %s device, %s host\n", kiln_pretty_size(info->device_memory_bytes, a),
	       kiln_pretty_size(info->host_memory_bytes, b));
	kiln_memory_print(device);
	printf("  timestamps        ");
	if (info->timestamp_bits && info->timestamp_period_ns > 0)
		printf("%u bits, %g ns\n", info->timestamp_bits, info->timestamp_period_ns);
	else
		printf("none\n");
}

static bool exists(const char *path)
{
	struct stat facts;

	return stat(path, &facts) == 0;
}

static const char *env_value(const char *name)
{
	for (size_t i = 0; i < kiln_env_count(); i++) {
		struct kiln_env_fact fact = kiln_env_fact(i);

		if (!strcmp(fact.name, name))
			return fact.value && *fact.value && fact.valid ? fact.value : fact.default_value;
	}
	return "";
}

static void report_cache(struct kiln_tool *tool)
{
	char root[PATH_BYTES];
	const char *mode = env_value("KILN_CACHE");
	cJSON *object;

	kiln_cache_default_root(root, sizeof root);
	if (!tool->json) {
		printf("\nCache: ");
		kiln_print_clean(root, stdout);
		printf(" (%s%s)\n", mode, exists(root) ? "" : ", not there yet");
		return;
	}
	object = kiln_json_object(tool->root, "cache");
	kiln_json_text(object, "root", root);
	kiln_json_bool(object, "exists", exists(root));
	kiln_json_text(object, "mode", mode);
}

static void report_store(struct kiln_tool *tool)
{
	char path[PATH_BYTES];
	struct kiln_store *store = NULL;
	enum kiln_status status;
	size_t records;
	cJSON *object;

	kiln_default_store_path(path, sizeof path);
	status = kiln_store_open(path, &store);
	if (!status)
		status = kiln_store_load(store);
	records = kiln_store_len(store);
	if (!tool->json) {
		printf("Store: ");
		kiln_print_clean(path, stdout);
		printf(" (%s, ", env_value("KILN_AUTOTUNE"));
		if (status)
			kiln_print_clean(kiln_error_message(), stdout);
		else
			printf("%zu record%s", records, records == 1 ? "" : "s");
		printf(")\n");
	} else {
		object = kiln_json_object(tool->root, "store");
		kiln_json_text(object, "path", path);
		kiln_json_bool(object, "exists", exists(path));
		kiln_json_text(object, "mode", env_value("KILN_AUTOTUNE"));
		kiln_json_u64(object, "records", records);
		kiln_json_text(object, "error", status ? kiln_error_message() : NULL);
	}
	kiln_store_close(&store);
}

/* Opening is how a device is chosen; without cache and store it touches nothing. */
static enum kiln_exit choose(struct kiln_tool *tool, struct kiln_device_params *params,
                             struct kiln_device **out_device)
{
	params->no_cache = true;
	params->no_autotune = true;
	return kiln_session_open(tool, params, out_device);
}

static void report_devices(struct kiln_tool *tool, const struct kiln_device_info *infos, size_t count,
                           struct kiln_device *device)
{
	const struct kiln_device_info *chosen = kiln_device_info(device);
	cJSON *array, *object;

	if (!tool->json) {
		device_table(infos, count, chosen);
		if (chosen)
			print_limits(chosen, device);
		return;
	}
	array = kiln_json_array(tool->root, "devices");
	for (size_t i = 0; i < count; i++) {
		bool is_chosen = chosen && chosen->index == infos[i].index;

		object = kiln_json_append(array);
		device_json(object, &infos[i], is_chosen);
		if (is_chosen)
			kiln_memory_json(object, device);
	}
}

static bool take(void *user, int id, const char *value)
{
	return kiln_session_take(user, id, value);
}

static enum kiln_exit run(struct kiln_tool *tool, int argc, char **argv)
{
	struct kiln_device_params params = {0};
	struct kiln_parse parse = {.take = take, .user = &params};
	struct kiln_device_info *infos = NULL;
	struct kiln_device *device = NULL;
	size_t count = 0;
	enum kiln_exit code;
	enum kiln_status status;

	if (!kiln_options_parse(tool, argc, argv, &parse))
		return parse.code;
	if (!tool->json)
		printf("Kiln %s\n\n", KILN_VERSION);
	status = kiln_device_list(&infos, &count);
	code = status ? kiln_tool_fail_status(tool, status) : choose(tool, &params, &device);
	report_devices(tool, infos, count, device);
	report_cache(tool);
	report_store(tool);
	kiln_device_close(&device);
	kiln_device_list_free(&infos);
	return code;
}

static const struct kiln_option *const tables[] = {kiln_options_device, kiln_options_common, NULL};

const struct kiln_command kiln_command_info = {
	.name = "info",
	.arguments = "",
	.summary = "list devices, what would be chosen and why, and where the cache and the store are",
	.description =
		"Changes nothing. On a machine without a Vulkan driver it says so, shows the paths all the same,\n"
		"and exits with status 4.",
	.examples = "kiln info\nkiln info --device cpu\nkiln info --json | jq '.devices[] | select(.chosen)'",
	.options = tables,
	.run = run,
};
