#include "describe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "dtype.h"
#include "json.h"
#include "text_table.h"

const char *kiln_access_name(uint32_t access)
{
	static const char *const names[] = {"unused", "read", "write", "read write"};

	return names[access & 3];
}

const char *kiln_constant_print(const struct kiln_spec_constant *constant, char out_text[KILN_CONSTANT_BYTES])
{
	bool bfloat = constant->type == KILN_SPEC_BF16; /* the first half of an f32 */
	enum kiln_dtype type = bfloat ? KILN_DTYPE_F32 : kiln_dtype_of_spec(constant->type);
	uint8_t bytes[8];

	kiln_dtype_store_integer(KILN_DTYPE_U64, constant->default_value << (bfloat ? 16 : 0), bytes);
	if (constant->type == KILN_SPEC_BOOL)
		snprintf(out_text, KILN_CONSTANT_BYTES, "%s", constant->default_value ? "true" : "false");
	else
		kiln_dtype_print(type, bytes, out_text, KILN_CONSTANT_BYTES);
	return out_text;
}

static void print_dim(const struct kiln_workgroup_dim *dim)
{
	if (dim->specialised)
		printf("%u (constant %u)", dim->size, dim->spec_id);
	else
		printf("%u", dim->size);
}

static bool is_image(const struct kiln_binding *binding)
{
	uint32_t type = binding->layout.type;

	return type == KILN_BINDING_STORAGE_IMAGE || type == KILN_BINDING_SAMPLED_IMAGE ||
	       type == KILN_BINDING_COMBINED_IMAGE_SAMPLER;
}

/* "2D rgba8"; what a sampled image's texels are read as has no format. */
static void describe_image(const struct kiln_binding_image *image, char *out_text, size_t bytes)
{
	char dimensions[16] = "cube";

	if (image->dimensions)
		snprintf(dimensions, sizeof dimensions, "%uD", image->dimensions);
	snprintf(out_text, bytes, " %s%s%s %s", dimensions, image->arrayed ? " array" : "",
	         image->multisampled ? " multisampled" : "",
	         image->format ? kiln_image_format_name(image->format) : kiln_spec_type_name(image->component));
}

static void print_bindings(const struct kiln_entry_point *entry)
{
	static const char *const titles[] = {">set",       ">binding", "type", ">count", "access",
	                                     ">min bytes", ">stride",  "name", NULL};
	struct kiln_text_table table;

	if (!entry->binding_count)
		return;
	kiln_text_table_init(&table, titles);
	for (size_t i = 0; i < entry->binding_count; i++) {
		const struct kiln_binding *binding = &entry->bindings[i];
		char image[64] = "";

		if (is_image(binding))
			describe_image(&binding->image, image, sizeof image);
		kiln_text_table_add(&table, "%u", binding->layout.set);
		kiln_text_table_add(&table, "%u", binding->layout.binding);
		kiln_text_table_add(&table, "%s%s", kiln_binding_type_name(binding->layout.type), image);
		kiln_text_table_add(&table, binding->layout.count ? "%u" : "any", binding->layout.count);
		kiln_text_table_add(&table, "%s", kiln_access_name(binding->layout.access));
		kiln_text_table_add(&table, "%" PRIu64, binding->min_bytes);
		kiln_text_table_add(&table, binding->runtime_stride ? "%" PRIu64 : "-",
		                    binding->runtime_stride);
		kiln_text_table_add(&table, "%s", binding->name ? binding->name : "");
	}
	kiln_text_table_print(&table, 4, stdout);
	kiln_text_table_finish(&table);
}

static void print_entry(const struct kiln_entry_point *entry)
{
	char features[256];

	printf("\nentry point ");
	kiln_print_clean(entry->name, stdout);
	printf("\n  workgroup       ");
	for (int i = 0; i < 3; i++) {
		printf("%s", i ? " x " : "");
		print_dim(&entry->workgroup[i]);
	}
	kiln_features_print(entry->features, features, sizeof features);
	printf("\n  push constants  ");
	if (entry->push_bytes)
		printf("%u bytes from offset %u\n", entry->push_bytes, entry->push_offset);
	else
		printf("none\n");
	printf("  shared memory   %" PRIu64 " bytes\n", entry->shared_bytes);
	printf("  features        %s\n", features);
	printf("  bindings        %zu\n", entry->binding_count);
	print_bindings(entry);
}

static void print_constants(const struct kiln_reflection *reflection)
{
	static const char *const titles[] = {">id", "type", ">default", "name", NULL};
	struct kiln_text_table table;
	char value[KILN_CONSTANT_BYTES];

	printf("\nspecialisation constants  %zu\n", reflection->constant_count);
	if (!reflection->constant_count)
		return;
	kiln_text_table_init(&table, titles);
	for (size_t i = 0; i < reflection->constant_count; i++) {
		const struct kiln_spec_constant *constant = &reflection->constants[i];

		kiln_text_table_add(&table, "%u", constant->id);
		kiln_text_table_add(&table, "%s", kiln_spec_type_name(constant->type));
		kiln_text_table_add(&table, "%s", kiln_constant_print(constant, value));
		kiln_text_table_add(&table, "%s", constant->name ? constant->name : "");
	}
	kiln_text_table_print(&table, 4, stdout);
	kiln_text_table_finish(&table);
}

static bool is_wanted(const struct kiln_entry_point *entry, const char *only_entry)
{
	return !only_entry || !strcmp(entry->name, only_entry);
}

void kiln_describe_print(const struct kiln_reflection *reflection, const char *only_entry)
{
	char program[KILN_DIGEST_HEX];

	kiln_hex_encode(&reflection->program, program);
	printf("program digest  %s\n", program);
	printf("SPIR-V          %u.%u, %zu words without debug instructions\n",
	       reflection->version >> 16 & 255, reflection->version >> 8 & 255, reflection->word_count);
	printf("capabilities   ");
	for (size_t i = 0; i < reflection->capability_count; i++)
		printf(" %s", kiln_capability_name(reflection->capabilities[i]));
	printf("\nextensions     ");
	for (size_t i = 0; i < reflection->extension_count; i++) {
		putchar(' ');
		kiln_print_clean(reflection->extensions[i], stdout);
	}
	printf("%s\n", reflection->extension_count ? "" : " none");
	for (size_t i = 0; i < reflection->entry_count; i++)
		if (is_wanted(&reflection->entries[i], only_entry))
			print_entry(&reflection->entries[i]);
	print_constants(reflection);
}

static void image_json(cJSON *object, const struct kiln_binding_image *image)
{
	kiln_json_u64(object, "dimensions", image->dimensions);
	kiln_json_text(object, "format", image->format ? kiln_image_format_name(image->format) : NULL);
	kiln_json_text(object, "component", kiln_spec_type_name(image->component));
	kiln_json_bool(object, "arrayed", image->arrayed);
	kiln_json_bool(object, "multisampled", image->multisampled);
}

static void binding_json(cJSON *object, const struct kiln_binding *binding)
{
	kiln_json_u64(object, "set", binding->layout.set);
	kiln_json_u64(object, "binding", binding->layout.binding);
	kiln_json_text(object, "type", kiln_binding_type_name(binding->layout.type));
	kiln_json_u64(object, "count", binding->layout.count);
	kiln_json_text(object, "access", kiln_access_name(binding->layout.access));
	kiln_json_u64(object, "min_bytes", binding->min_bytes);
	kiln_json_u64(object, "runtime_stride", binding->runtime_stride);
	kiln_json_text(object, "name", binding->name);
	if (is_image(binding))
		image_json(kiln_json_object(object, "image"), &binding->image);
}

static void workgroup_json(cJSON *object, const struct kiln_entry_point *entry)
{
	cJSON *dims = kiln_json_array(object, "workgroup");

	for (int i = 0; i < 3; i++) {
		const struct kiln_workgroup_dim *dim = &entry->workgroup[i];
		cJSON *item = kiln_json_append(dims);

		kiln_json_u64(item, "size", dim->size);
		if (dim->specialised)
			kiln_json_u64(item, "spec_id", dim->spec_id);
		else
			kiln_json_text(item, "spec_id", NULL);
	}
}

static void entry_json(cJSON *object, const struct kiln_entry_point *entry)
{
	char features[256];
	cJSON *bindings;

	kiln_features_print(entry->features, features, sizeof features);
	kiln_json_text(object, "name", entry->name);
	workgroup_json(object, entry);
	kiln_json_u64(object, "push_offset", entry->push_offset);
	kiln_json_u64(object, "push_bytes", entry->push_bytes);
	kiln_json_u64(object, "shared_bytes", entry->shared_bytes);
	kiln_json_text(object, "features", features);
	kiln_json_u64(object, "feature_bits", entry->features.bits);
	kiln_json_bool(object, "uses_num_workgroups", entry->uses_num_workgroups);
	kiln_json_bool(object, "uses_workgroup_id", entry->uses_workgroup_id);
	bindings = kiln_json_array(object, "bindings");
	for (size_t i = 0; i < entry->binding_count; i++)
		binding_json(kiln_json_append(bindings), &entry->bindings[i]);
}

static void constant_json(cJSON *object, const struct kiln_spec_constant *constant)
{
	char value[KILN_CONSTANT_BYTES];

	kiln_json_u64(object, "id", constant->id);
	kiln_json_text(object, "type", kiln_spec_type_name(constant->type));
	kiln_json_u64(object, "size", constant->size);
	kiln_json_text(object, "default", kiln_constant_print(constant, value));
	kiln_json_u64(object, "default_bits", constant->default_value);
	kiln_json_text(object, "name", constant->name);
}

void kiln_describe_json(cJSON *object, const struct kiln_reflection *reflection, const char *only_entry)
{
	cJSON *list;

	kiln_json_digest(object, "program_digest", &reflection->program);
	kiln_json_u64(object, "spirv_version", reflection->version);
	kiln_json_u64(object, "stripped_words", reflection->word_count);
	list = kiln_json_array(object, "capabilities");
	for (size_t i = 0; i < reflection->capability_count; i++) {
		cJSON *capability = kiln_json_append(list);

		kiln_json_u64(capability, "value", reflection->capabilities[i]);
		kiln_json_text(capability, "name", kiln_capability_name(reflection->capabilities[i]));
	}
	list = kiln_json_array(object, "extensions");
	for (size_t i = 0; i < reflection->extension_count; i++)
		cJSON_AddItemToArray(list, kiln_json_string(reflection->extensions[i]));
	list = kiln_json_array(object, "entry_points");
	for (size_t i = 0; i < reflection->entry_count; i++)
		if (is_wanted(&reflection->entries[i], only_entry))
			entry_json(kiln_json_append(list), &reflection->entries[i]);
	list = kiln_json_array(object, "constants");
	for (size_t i = 0; i < reflection->constant_count; i++)
		constant_json(kiln_json_append(list), &reflection->constants[i]);
}
