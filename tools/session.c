#include "session.h"

#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "json.h"

#define PATH_BYTES 4096

const struct kiln_option kiln_options_device[] = {
	{"device", 'd', "WHICH",
         "index, part of the name, UUID, gpu or cpu\n(default: KILN_DEVICE, else the best score)",
         KILN_OPT_DEVICE},
	{0},
};

const struct kiln_option kiln_options_warm[] = {
	{"expect-warm", 0, NULL, "a compile is an error (exit status 3) that names its reason",
         KILN_OPT_EXPECT_WARM},
	{0},
};

const struct kiln_option kiln_options_work[] = {
	{"no-cache", 0, NULL, "keep and read nothing on disk", KILN_OPT_NO_CACHE},
	{"no-autotune", 0, NULL, "do not look at the store of tuned sizes", KILN_OPT_NO_AUTOTUNE},
	{"validation", 0, NULL, "Khronos validation layer; its messages go to standard error",
         KILN_OPT_VALIDATION},
	{0},
};

bool kiln_session_take(struct kiln_device_params *params, int id, const char *value)
{
	switch (id) {
	case KILN_OPT_DEVICE:
		params->select = value;
		return true;
	case KILN_OPT_EXPECT_WARM:
		params->expect_warm = true;
		return true;
	case KILN_OPT_NO_CACHE:
		params->no_cache = true;
		return true;
	case KILN_OPT_NO_AUTOTUNE:
		params->no_autotune = true;
		return true;
	case KILN_OPT_VALIDATION:
		params->validation = KILN_VALIDATION_ON;
		return true;
	default:
		return false;
	}
}

enum kiln_exit kiln_session_open(struct kiln_tool *tool, const struct kiln_device_params *params,
                                 struct kiln_device **out_device)
{
	enum kiln_status status = kiln_device_open(params, out_device);

	return status ? kiln_tool_fail_status(tool, status) : KILN_EXIT_OK;
}

bool kiln_session_env_is(const char *name, const char *word)
{
	const char *value = getenv(name);

	return value && !strcmp(value, word);
}

/* By itself, a device that is given a cache takes the store that lies in the cache's folder. */
static void open_store(struct kiln_tool *tool, struct kiln_device_params *params)
{
	char path[PATH_BYTES];

	if (params->no_autotune || kiln_session_env_is("KILN_AUTOTUNE", "off"))
		return;
	kiln_default_store_path(path, sizeof path);
	if (!kiln_store_open(path, &params->store) && !kiln_store_load(params->store))
		return;
	kiln_tool_note(tool, "running without tuned sizes: %s", kiln_error_message());
	params->no_autotune = true;
}

enum kiln_exit kiln_session_open_on(struct kiln_tool *tool, struct kiln_cache *cache, struct kiln_device_params *params,
                                    struct kiln_device **out_device)
{
	params->cache = cache;
	if (cache)
		open_store(tool, params);
	return kiln_session_open(tool, params, out_device);
}

void kiln_session_close(struct kiln_device_params *params, struct kiln_device **device)
{
	kiln_device_close(device);
	kiln_store_close(&params->store);
	kiln_cache_close(&params->cache);
}

const char *kiln_device_type_name(enum kiln_device_type type)
{
	static const char *const names[] = {"other", "integrated", "discrete", "virtual", "cpu"};

	return (unsigned)type < sizeof names / sizeof names[0] ? names[type] : "other";
}

void kiln_session_json(struct kiln_tool *tool, const struct kiln_device *device)
{
	const struct kiln_device_info *info = kiln_device_info(device);
	struct kiln_digest fingerprint = kiln_fingerprint_digest(kiln_device_fingerprint(device));
	cJSON *object = kiln_json_object(tool->root, "device");

	kiln_json_u64(object, "index", info->index);
	kiln_json_text(object, "name", info->name);
	kiln_json_text(object, "type", kiln_device_type_name(info->type));
	kiln_json_text(object, "driver_name", info->driver_name);
	kiln_json_text(object, "driver_info", info->driver_info);
	kiln_json_text(object, "adapter", info->adapter);
	kiln_json_digest(object, "fingerprint", &fingerprint);
}
