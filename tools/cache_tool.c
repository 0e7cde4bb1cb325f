#include "cache_tool.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "json.h"
#include "progress.h"

enum kiln_exit kiln_cache_tool_root(struct kiln_tool *tool, char out_root[KILN_ROOT_BYTES])
{
	if (kiln_cache_default_root(out_root, KILN_ROOT_BYTES) < KILN_ROOT_BYTES)
		return KILN_EXIT_OK;
	return kiln_tool_fail(tool, KILN_EXIT_FILE,
	                      "the cache root's path is longer than %d bytes. Fix: set KILN_CACHE_DIR",
	                      KILN_ROOT_BYTES - 1);
}

enum kiln_exit kiln_cache_tool_open(struct kiln_tool *tool, bool change, struct kiln_cache **out_cache)
{
	struct kiln_cache_params params = {.mode = change ? KILN_CACHE_DEFAULT : KILN_CACHE_READ_ONLY};
	char root[KILN_ROOT_BYTES];
	enum kiln_exit code = kiln_cache_tool_root(tool, root);
	enum kiln_status status;

	if (code)
		return code;
	params.root = root;
	if (tool->json)
		kiln_json_text(tool->root, "root", root);
	status = kiln_cache_open(&params, out_cache);
	if (status)
		return kiln_tool_fail_status(tool, status);
	if (!*out_cache)
		return kiln_tool_fail(tool, KILN_EXIT_FILE, "the cache is off, so nothing is changed in it. Fix: unset KILN_CACHE");
	return KILN_EXIT_OK;
}

enum kiln_exit kiln_cache_tool_run(struct kiln_cache_job *job, int argc, char **argv, struct kiln_parse *parse,
                                   enum kiln_exit (*work)(struct kiln_cache_job *job))
{
	struct kiln_parse none = {0};
	enum kiln_exit code;

	if (!parse)
		parse = &none;
	if (!kiln_options_parse(job->tool, argc, argv, parse))
		return parse->code;
	job->operand = parse->first < argc ? argv[parse->first] : NULL;
	code = kiln_cache_tool_open(job->tool, job->change, &job->cache);
	if (!code)
		code = work(job);
	kiln_progress_stop();
	kiln_cache_close(&job->cache);
	return code;
}

void kiln_cache_tool_report(struct kiln_tool *tool, const struct kiln_cache_fact *facts)
{
	for (const struct kiln_cache_fact *fact = facts; fact->name; fact++)
		if (tool->json)
			kiln_json_u64(tool->root, fact->name, fact->value);
		else if (fact->words && fact->value)
			printf("; %" PRIu64 " %s", fact->value, fact->words);
	if (!tool->json)
		putchar('\n');
}

static bool step(void *user, const char *phase, uint64_t done, uint64_t total)
{
	(void)user;
	kiln_progress_of((size_t)done, (size_t)total, phase);
	return !kiln_interrupted();
}

struct kiln_cache_progress kiln_cache_tool_progress(void)
{
	kiln_interrupt_watch();
	kiln_progress_start("cache", 0);
	return (struct kiln_cache_progress){.step = step};
}

enum kiln_exit kiln_cache_tool_end(struct kiln_tool *tool, enum kiln_status status, const char *kept)
{
	kiln_progress_stop();
	if (status == KILN_ERR_CANCELLED)
		return kiln_tool_fail(tool, KILN_EXIT_INTERRUPTED, "interrupted; %s", kept);
	return status ? kiln_tool_fail_status(tool, status) : KILN_EXIT_OK;
}

struct walk {
	bool (*visit)(void *user, const struct kiln_cache_listing *listing);
	void *user;
	size_t done;
};

static bool walk_one(void *user, const struct kiln_cache_listing *listing)
{
	struct walk *walk = user;

	kiln_progress_of(++walk->done, 0, "entries");
	return !kiln_interrupted() && walk->visit(walk->user, listing);
}

enum kiln_exit kiln_cache_tool_list(struct kiln_tool *tool, struct kiln_cache *cache, const struct kiln_digest *program,
                                    bool (*visit)(void *user, const struct kiln_cache_listing *listing), void *user)
{
	struct walk walk = {.visit = visit, .user = user};
	enum kiln_status status;

	kiln_cache_tool_progress();
	status = program ? kiln_cache_list_program(cache, program, walk_one, &walk)
	                 : kiln_cache_list(cache, walk_one, &walk);
	return kiln_cache_tool_end(tool, kiln_interrupted() ? KILN_ERR_CANCELLED : status, "nothing was changed");
}

bool kiln_is_hex_prefix(const char *text)
{
	size_t length = strspn(text, "0123456789abcdefABCDEF");

	return length >= 4 && length < KILN_DIGEST_HEX && text[length] == '\0';
}

bool kiln_has_hex_prefix(const struct kiln_digest *digest, const char *prefix)
{
	char hex[KILN_DIGEST_HEX];

	kiln_hex_encode(digest, hex);
	for (size_t i = 0; prefix[i]; i++)
		if (tolower((unsigned char)prefix[i]) != hex[i])
			return false;
	return true;
}

const char *kiln_print_time(int64_t seconds, char out_text[KILN_TIME_BYTES])
{
	time_t when = (time_t)seconds;
	struct tm parts;

	if (!gmtime_r(&when, &parts) || !strftime(out_text, KILN_TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &parts))
		snprintf(out_text, KILN_TIME_BYTES, "-");
	return out_text;
}

char *kiln_policy_line(const struct kiln_pipeline_key *key)
{
	size_t bytes = kiln_policy_print(key, NULL, 0) + 1;
	char *line = malloc(bytes);

	if (line)
		kiln_policy_print(key, line, bytes);
	return line;
}

const char *kiln_entries(uint64_t count)
{
	return count == 1 ? "entry" : "entries";
}

static void key_json(cJSON *object, const struct kiln_pipeline_key *key)
{
	cJSON *array;

	kiln_json_text(object, "entry", key->entry);
	kiln_json_u32s(object, "workgroup", key->workgroup, 3);
	kiln_json_u64(object, "subgroup_size", key->subgroup_size);
	kiln_json_u64(object, "push_bytes", key->push_bytes);
	kiln_json_digest(object, "layout_digest", &key->layout);
	array = kiln_json_array(object, "constants");
	for (size_t i = 0; i < key->spec_count; i++) {
		cJSON *constant = kiln_json_append(array);

		kiln_json_u64(constant, "id", key->spec[i].id);
		kiln_json_u64(constant, "size", key->spec[i].size);
		kiln_json_u64(constant, "value", key->spec[i].value);
	}
	kiln_json_u64(object, "feature_bits", key->features.bits);
	kiln_json_u64(object, "robustness", key->robustness);
	kiln_json_u64(object, "create_flags", key->create_flags);
	kiln_json_text(object, "backend", key->backend);
	kiln_json_u64(object, "key_version", key->key_version);
}

static void pipeline_json(cJSON *object, const struct kiln_cache_listing *listing)
{
	char *policy = kiln_policy_line(listing->key);

	kiln_json_digest(object, "pipeline_id", &listing->identity->digest);
	kiln_json_digest(object, "program_digest", &listing->identity->program);
	kiln_json_digest(object, "policy_digest", &listing->identity->policy);
	kiln_json_digest(object, "device_digest", &listing->identity->device);
	kiln_json_text(object, "dispatch_policy", policy);
	kiln_json_u64(object, "vendor_id", listing->fingerprint->vendor_id);
	kiln_json_u64(object, "device_id", listing->fingerprint->device_id);
	kiln_json_digest(object, "driver_digest", &listing->fingerprint->driver);
	key_json(kiln_json_object(object, "key"), listing->key);
	kiln_json_bool(object, "stub", listing->entry.flags & KILN_ENTRY_STUB);
	free(policy);
}

void kiln_listing_json(cJSON *object, const struct kiln_cache_listing *listing)
{
	char text[KILN_TIME_BYTES];

	kiln_json_text(object, "path", listing->path);
	kiln_json_u64(object, "file_bytes", listing->bytes);
	kiln_json_text(object, "last_use", kiln_print_time(listing->last_use_s, text));
	kiln_json_text(object, "status", kiln_status_name(listing->status));
	if (listing->status)
		return;
	kiln_json_text(object, "kind", listing->key ? "pipeline" : "content");
	if (listing->key)
		pipeline_json(object, listing);
	else
		kiln_json_digest(object, "content_key", listing->content_key);
	kiln_json_u64(object, "payload_bytes", listing->entry.payload_bytes);
	kiln_json_u64(object, "compile_ns", listing->entry.compile_ns);
	kiln_json_text(object, "created", kiln_print_time(listing->entry.created_s, text));
	kiln_json_text(object, "kiln_version", listing->entry.kiln_version);
}
