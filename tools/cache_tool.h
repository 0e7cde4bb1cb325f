/* What the cache commands share: opening, Ctrl-C and progress, walking the entries, and words for them. */
#ifndef TOOLS_CACHE_TOOL_H
#define TOOLS_CACHE_TOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "tool.h"

/* The root the environment gives. */
#define KILN_ROOT_BYTES 4096
enum kiln_exit kiln_cache_tool_root(struct kiln_tool *tool, char out_root[KILN_ROOT_BYTES]);

/* Opens the cache: to look, without creating or changing anything and whatever KILN_CACHE says; to change it, as
 * KILN_CACHE allows. Adds "root" to the answer. */
enum kiln_exit kiln_cache_tool_open(struct kiln_tool *tool, bool change, struct kiln_cache **out_cache);

/* A command on the cache, first member of its own struct. */
struct kiln_cache_job {
	struct kiln_tool *tool;
	bool change; /* the cache, and not only look at it; options may decide */

	struct kiln_cache *cache;
	const char *operand; /* the first one, if there is one */
};

/* Parses the command line, opens the cache, works and closes it. `parse` NULL = neither options nor operands. */
enum kiln_exit kiln_cache_tool_run(struct kiln_cache_job *job, int argc, char **argv, struct kiln_parse *parse,
                                   enum kiln_exit (*work)(struct kiln_cache_job *job));

/* A number of a report: a member of the answer and, unless it is 0, a clause: "; 3" and the words. */
struct kiln_cache_fact {
	const char *name; /* NULL ends a list */
	uint64_t value;
	const char *words; /* NULL = no clause */
};

/* Under --json all facts, else the clauses that are true, which end the line that the caller began. */
void kiln_cache_tool_report(struct kiln_tool *tool, const struct kiln_cache_fact *facts);

/* For long calls: the progress line, and cancelling on Ctrl-C, which is watched from here on. */
struct kiln_cache_progress kiln_cache_tool_progress(void);
/* Ends the line; reports a failure. KILN_EXIT_INTERRUPTED for a cancelled call, `kept` saying what that means. */
enum kiln_exit kiln_cache_tool_end(struct kiln_tool *tool, enum kiln_status status, const char *kept);

/* kiln_cache_list(), or kiln_cache_list_program() where `program` is not NULL, with both. */
enum kiln_exit kiln_cache_tool_list(struct kiln_tool *tool, struct kiln_cache *cache, const struct kiln_digest *program,
                                    bool (*visit)(void *user, const struct kiln_cache_listing *listing), void *user);

/* Digits of a digest, as the tables print them: 4 to 64 hexadecimal ones. */
bool kiln_is_hex_prefix(const char *text);
bool kiln_has_hex_prefix(const struct kiln_digest *digest, const char *prefix);

/* "2026-05-02T10:00:00Z". */
#define KILN_TIME_BYTES 32
const char *kiln_print_time(int64_t seconds, char out_text[KILN_TIME_BYTES]);
/* The policy line; the caller free()s it. NULL = out of memory. */
char *kiln_policy_line(const struct kiln_pipeline_key *key);
/* "1 entry", "2 entries". */
const char *kiln_entries(uint64_t count);

/* Everything known of one entry. */
void kiln_listing_json(cJSON *object, const struct kiln_cache_listing *listing);

#endif
