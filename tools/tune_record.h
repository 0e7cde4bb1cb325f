/* Records of the store of tuned configurations: choosing some, and showing them. */
#ifndef TOOLS_TUNE_RECORD_H
#define TOOLS_TUNE_RECORD_H

#include "program.h"
#include "text_table.h"
#include "tool.h"

#define KILN_TUNE_PATH_BYTES 4096

/* Opens the store of `path`, NULL = what the environment gives, and reads it; reports failures. `must_exist`: a missing file
 * is one. */
enum kiln_exit kiln_tune_store_open(struct kiln_tool *tool, const char *path, bool must_exist,
                                    struct kiln_store **out_store);

/* The second half of a kernel's keys, whatever the size tuned for. */
struct kiln_tune_half {
	uint8_t bytes[KILN_TUNE_KEY_BYTES / 2];
};

/* Which records are meant. Zero-initialised: all. */
struct kiln_tune_choice {
	const char *which;             /* digits a key begins with, or a kernel file */
	const char *adapter;           /* exactly, or part of it; NULL = any */
	struct kiln_tune_half *halves; /* one for each entry point; NULL = `which` is no kernel */
	size_t half_count;
};

/* Understands `which` and reports when it cannot be. NULL = all. `glsl` says how to compile it where it is GLSL. */
enum kiln_exit kiln_tune_choice_make(struct kiln_tool *tool, const char *which, const char *adapter,
                                     struct kiln_glsl_args *glsl, struct kiln_tune_choice *out_choice);
void kiln_tune_choice_finish(struct kiln_tune_choice *choice);
bool kiln_tune_choice_has(const struct kiln_tune_choice *choice, const struct kiln_tune_record *record);

/* For every record that is meant. */
enum kiln_exit kiln_tune_choice_each(struct kiln_tool *tool, struct kiln_store *store,
                                     const struct kiln_tune_choice *choice,
                                     bool (*visit)(void *user, const struct kiln_tune_record *record),
                                     void *user, size_t *out_count);

void kiln_tune_record_json(cJSON *object, const struct kiln_tune_record *record);
extern const char *const kiln_tune_record_titles[];
void kiln_tune_record_row(struct kiln_text_table *table, const struct kiln_tune_record *record);

/* "any size", "65536 to 131071 threads". */
#define KILN_TUNE_SIZE_BYTES 64
const char *kiln_tune_bucket_text(uint32_t bucket, char out_text[KILN_TUNE_SIZE_BYTES]);

#endif
