/* kiln cache show: everything known of one entry. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache_tool.h"
#include "commands.h"
#include "json.h"
#include "text_table.h"
#include "tool.h"

struct search {
	struct kiln_cache_job job;
	const char *wanted;
	cJSON *array; /* of those that match */
	size_t found;
	bool print;
};

static void print_digest(const char *label, const struct kiln_digest *digest)
{
	char hex[KILN_DIGEST_HEX];

	kiln_hex_encode(digest, hex);
	printf("  %-10s %s\n", label, hex);
}

static void print_pipeline(const struct kiln_cache_listing *entry)
{
	char *policy = kiln_policy_line(entry->key);

	print_digest("pipeline", &entry->identity->digest);
	print_digest("program", &entry->identity->program);
	print_digest("device", &entry->identity->device);
	printf("  %-10s vendor %04x, device %04x\n", "made for", entry->fingerprint->vendor_id,
	       entry->fingerprint->device_id);
	print_digest("driver", &entry->fingerprint->driver);
	printf("  %-10s %s\n", "policy", policy ? policy : "");
	free(policy);
}

static void print_entry(const struct kiln_cache_listing *entry)
{
	char text[KILN_PRETTY_BYTES], file[KILN_PRETTY_BYTES], when[KILN_TIME_BYTES];

	kiln_print_clean(entry->path, stdout);
	putchar('\n');
	if (entry->status) {
		printf("  %-10s %s\n", "unreadable", kiln_status_text(entry->status));
		return;
	}
	if (entry->key)
		print_pipeline(entry);
	else
		print_digest("content", entry->content_key);
	printf("  %-10s %s%s, the file %s\n", "payload", kiln_pretty_size(entry->entry.payload_bytes, text),
	       entry->entry.flags & KILN_ENTRY_STUB ? " (a stub: no code in it)" : "",
	       kiln_pretty_size(entry->bytes, file));
	printf("  %-10s %s\n", "compile", kiln_pretty_ns(entry->entry.compile_ns, text));
	printf("  %-10s %s", "created", kiln_print_time(entry->entry.created_s, when));
	printf(", by Kiln ");
	kiln_print_clean(entry->entry.kiln_version, stdout);
	printf("\n  %-10s %s\n", "last use", kiln_print_time(entry->last_use_s, when));
}

static bool matches(const char *wanted, const struct kiln_cache_listing *entry)
{
	if (!kiln_is_hex_prefix(wanted))
		return !strcmp(entry->path, wanted);
	if (entry->status)
		return false;
	return kiln_has_hex_prefix(entry->key ? &entry->identity->digest : entry->content_key, wanted);
}

static bool visit(void *user, const struct kiln_cache_listing *entry)
{
	struct search *search = user;

	if (!matches(search->wanted, entry))
		return true;
	search->found++;
	if (search->array)
		kiln_listing_json(kiln_json_append(search->array), entry);
	else
		print_entry(entry);
	return true;
}

static enum kiln_exit look_for(struct kiln_cache_job *job)
{
	struct search *search = (struct search *)job;
	enum kiln_exit code;

	search->wanted = job->operand;
	if (!kiln_is_hex_prefix(search->wanted) && search->wanted[0] != '/')
		return kiln_tool_fail(job->tool, KILN_EXIT_USAGE,
		                      "'%s' is neither 4 to 64 hexadecimal digits nor an absolute path. "
		                      "Fix: take an id from kiln cache ls",
		                      search->wanted);
	search->array = job->tool->json ? kiln_json_array(job->tool->root, "entries") : NULL;
	code = kiln_cache_tool_list(job->tool, job->cache, NULL, visit, search);
	if (!code && !search->found)
		code = kiln_tool_fail(job->tool, KILN_EXIT_FILE, "no entry of '%s' is '%s'. Fix: see kiln cache ls",
		                      kiln_cache_root(job->cache), search->wanted);
	return code;
}

static enum kiln_exit run(struct kiln_tool *tool, int argc, char **argv)
{
	struct kiln_parse parse = {.min_operands = 1, .max_operands = 1};
	struct search search = {.job = {.tool = tool}};

	return kiln_cache_tool_run(&search.job, argc, argv, &parse, look_for);
}

static const struct kiln_option *const tables[] = {kiln_options_common, NULL};

const struct kiln_command kiln_command_cache_show = {
	.name = "cache show",
	.arguments = "ID|PATH",
	.summary = "show everything about one entry",
	.description = "ID is a pipeline id or content key, or its first digits (at least 4); every entry that\n"
		       "begins so is shown. PATH is that of an entry's file.",
	.examples = "kiln cache show 3f0c9d2ab1e4\nkiln cache show 3f0c --json",
	.options = tables,
	.run = run,
};
