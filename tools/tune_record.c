#include "tune_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "json.h"
#include "program.h"
#include "tune_story.h"

#define PREFIX_MIN 4

/* An explicit cache root carries the store with it. */
void kiln_default_store_path(char *out_path, size_t bytes)
{
	const char *explicit_root = getenv("KILN_CACHE_DIR");
	char root[KILN_TUNE_PATH_BYTES];

	kiln_cache_default_root(root, sizeof root);
	kiln_store_default_path(explicit_root && *explicit_root ? root : NULL, out_path, bytes);
}

enum kiln_exit kiln_tune_store_open(struct kiln_tool *tool, const char *path, bool must_exist,
                                    struct kiln_store **out_store)
{
	char own[KILN_TUNE_PATH_BYTES];
	struct kiln_store *store = NULL;
	enum kiln_status status;

	if (!path) {
		kiln_default_store_path(own, sizeof own);
		path = own;
	}
	if (must_exist && access(path, F_OK) != 0)
		return kiln_tool_fail(tool, KILN_EXIT_FILE,
		                      "there is no file '%s'. Fix: name one that exists", path);
	status = kiln_store_open(path, &store);
	if (!status)
		status = kiln_store_load(store);
	if (status) {
		kiln_store_close(&store);
		return kiln_tool_fail_status(tool, status);
	}
	*out_store = store;
	return KILN_EXIT_OK;
}

/* ---- Choosing ---- */

static bool is_key_prefix(const char *text)
{
	size_t length = strlen(text);

	return length >= PREFIX_MIN && length < KILN_TUNE_KEY_HEX &&
	       strspn(text, "0123456789abcdef") == length;
}

/* What all records of an entry point share: shader hash and binding signature, byte by byte. */
static enum kiln_status half_of(const struct kiln_reflection *reflection,
                                const struct kiln_entry_point *entry, struct kiln_tune_half *out_half)
{
	struct kiln_layout_binding *bindings =
		calloc(entry->binding_count ? entry->binding_count : 1, sizeof *bindings);
	struct kiln_digest layout;
	enum kiln_status status = KILN_ERR_OUT_OF_MEMORY;

	for (size_t i = 0; bindings && i < entry->binding_count; i++)
		bindings[i] = entry->bindings[i].layout;
	if (bindings)
		status = kiln_layout_digest(bindings, entry->binding_count, &layout);
	for (size_t i = 0; !status && i < sizeof out_half->bytes; i++)
		out_half->bytes[i] = reflection->program.bytes[i] ^ layout.bytes[i];
	free(bindings);
	return status;
}

static enum kiln_exit halves_of(struct kiln_tool *tool, const char *file, struct kiln_glsl_args *glsl,
                                struct kiln_tune_choice *choice)
{
	struct kiln_program_file program = {0};
	enum kiln_status status = KILN_OK;
	enum kiln_exit code = kiln_program_load(tool, file, glsl, &program);

	if (code)
		return code;
	choice->half_count = program.reflection->entry_count;
	choice->halves = calloc(choice->half_count, sizeof *choice->halves);
	if (!choice->halves)
		status = KILN_ERR_OUT_OF_MEMORY;
	for (size_t i = 0; !status && i < choice->half_count; i++)
		status = half_of(program.reflection, &program.reflection->entries[i], &choice->halves[i]);
	if (status)
		code = kiln_tool_fail_status(tool, status);
	kiln_program_finish(&program);
	return code;
}

enum kiln_exit kiln_tune_choice_make(struct kiln_tool *tool, const char *which, const char *adapter,
                                     struct kiln_glsl_args *glsl, struct kiln_tune_choice *out_choice)
{
	struct kiln_tune_choice choice = {.which = which, .adapter = adapter};
	enum kiln_exit code = KILN_EXIT_OK;

	if (which && (!is_key_prefix(which) || access(which, F_OK) == 0)) {
		if (access(which, F_OK) != 0 && strspn(which, "0123456789abcdefABCDEF") == strlen(which))
			return kiln_tool_fail(
				tool, KILN_EXIT_USAGE,
				"'%s' is neither 4 to 32 lowercase digits of a key nor a kernel file. "
				"Fix: see kiln tune ls",
				which);
		code = halves_of(tool, which, glsl, &choice);
	}
	if (code)
		kiln_tune_choice_finish(&choice);
	*out_choice = choice;
	return code;
}

void kiln_tune_choice_finish(struct kiln_tune_choice *choice)
{
	free(choice->halves);
	*choice = (struct kiln_tune_choice){0};
}

static bool has_half(const struct kiln_tune_choice *choice, const struct kiln_tune_record *record)
{
	const uint8_t *half = record->key.bytes + sizeof choice->halves->bytes;

	for (size_t i = 0; i < choice->half_count; i++)
		if (!memcmp(half, choice->halves[i].bytes, sizeof choice->halves->bytes))
			return true;
	return false;
}

bool kiln_tune_choice_has(const struct kiln_tune_choice *choice, const struct kiln_tune_record *record)
{
	char key[KILN_TUNE_KEY_HEX];

	if (choice->adapter && !strstr(record->adapter, choice->adapter))
		return false;
	if (choice->halves)
		return has_half(choice, record);
	kiln_tune_key_encode(&record->key, key);
	return !choice->which || !strncmp(key, choice->which, strlen(choice->which));
}

struct walk {
	const struct kiln_tune_choice *choice;
	bool (*visit)(void *user, const struct kiln_tune_record *record);
	void *user;
	size_t count;
};

static bool walk_one(void *user, const struct kiln_tune_record *record)
{
	struct walk *walk = user;

	if (!kiln_tune_choice_has(walk->choice, record))
		return true;
	walk->count++;
	return walk->visit(walk->user, record);
}

enum kiln_exit kiln_tune_choice_each(struct kiln_tool *tool, struct kiln_store *store,
                                     const struct kiln_tune_choice *choice,
                                     bool (*visit)(void *user, const struct kiln_tune_record *record),
                                     void *user, size_t *out_count)
{
	struct walk walk = {.choice = choice, .visit = visit, .user = user};
	enum kiln_status status = kiln_store_each(store, walk_one, &walk);

	if (status)
		return kiln_tool_fail_status(tool, status);
	*out_count = walk.count;
	return KILN_EXIT_OK;
}

/* ---- Showing ---- */

const char *kiln_tune_bucket_text(uint32_t bucket, char out_text[KILN_TUNE_SIZE_BYTES])
{
	if (bucket == KILN_TUNE_ANY_SIZE)
		snprintf(out_text, KILN_TUNE_SIZE_BYTES, "any size");
	else if (bucket > 63)
		snprintf(out_text, KILN_TUNE_SIZE_BYTES, "2^%u threads on", bucket - 1);
	else if (bucket == 1)
		snprintf(out_text, KILN_TUNE_SIZE_BYTES, "1 thread");
	else
		snprintf(out_text, KILN_TUNE_SIZE_BYTES, "%" PRIu64 " to %" PRIu64 " threads",
		         UINT64_C(1) << (bucket - 1), (UINT64_C(1) << bucket) - 1);
	return out_text;
}

static void add_bad(cJSON *object, const char *bad)
{
	cJSON *array = kiln_json_array(object, "bad");

	while (bad && *bad) {
		size_t length = strcspn(bad, "\n");
		char line[KILN_TUNE_BAD_LINE_BYTES + 1];

		snprintf(line, sizeof line, "%.*s", (int)(length < sizeof line ? length : sizeof line - 1),
		         bad);
		if (*line)
			cJSON_AddItemToArray(array, kiln_json_string(line));
		bad += length + (bad[length] == '\n');
	}
}

void kiln_tune_record_json(cJSON *object, const struct kiln_tune_record *record)
{
	char key[KILN_TUNE_KEY_HEX];

	kiln_tune_key_encode(&record->key, key);
	kiln_json_text(object, "key", key);
	kiln_json_text(object, "adapter", record->adapter);
	kiln_json_u32s(object, "workgroup_size", record->workgroup_size, 3);
	kiln_json_u64(object, "unroll", record->unroll);
	kiln_json_u32s(object, "tile", record->tile, 3);
	kiln_json_text(object, "recorded_at", record->recorded_at);
	kiln_json_text(object, "driver", record->driver);
	kiln_json_u64(object, "bucket", record->bucket);
	kiln_json_u64(object, "rounds", record->rounds);
	if (record->ratio_default > 0)
		cJSON_AddNumberToObject(object, "ratio_default", record->ratio_default);
	else
		cJSON_AddNullToObject(object, "ratio_default");
	kiln_json_text(object, "status", kiln_tune_status_name(record->status));
	add_bad(object, record->bad);
}

const char *const kiln_tune_record_titles[] = {"key",   "adapter", "workgroup", ">unroll",  "tile",
                                               ">size", ">ratio",  "status",    "recorded", NULL};

void kiln_tune_record_row(struct kiln_text_table *table, const struct kiln_tune_record *record)
{
	const uint32_t *size = record->workgroup_size, *tile = record->tile;
	const char *status = kiln_tune_status_name(record->status);
	char key[KILN_TUNE_KEY_HEX];

	kiln_tune_key_encode(&record->key, key);
	kiln_text_table_add(table, "%s", key);
	kiln_text_table_add(table, "%s", record->adapter);
	kiln_text_table_add(table, "%ux%ux%u", size[0], size[1], size[2]);
	kiln_text_table_add(table, "%u", record->unroll);
	if (tile[0] || tile[1] || tile[2])
		kiln_text_table_add(table, "%ux%ux%u", tile[0], tile[1], tile[2]);
	else
		kiln_text_table_add(table, "-");
	if (record->bucket)
		kiln_text_table_add(table, "2^%u", record->bucket - 1);
	else
		kiln_text_table_add(table, "any");
	if (record->ratio_default > 0)
		kiln_text_table_add(table, "%.3f", record->ratio_default);
	else
		kiln_text_table_add(table, "-");
	kiln_text_table_add(table, "%s", status ? status : "-");
	kiln_text_table_add(table, "%s", record->recorded_at ? record->recorded_at : "-");
}
