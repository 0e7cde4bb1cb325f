/* toml++ behind C: parse a text, ask for values by name, compare what is left over. The one C++ file of
 * the project implements this and lets no exception out. The text must have passed kiln_toml_guard(). */
#ifndef AUTOTUNE_TOML_READ_H
#define AUTOTUNE_TOML_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kiln/status.h>

#include "fault.h"

#ifdef __cplusplus
extern "C" {
#endif

struct kiln_toml;

/* Parses. Returns: KILN_OK, KILN_ERR_TOML_SYNTAX with *out_fault filled, KILN_ERR_OUT_OF_MEMORY; sets no
 * message.
 * Ownership: kiln_toml_free(). The text is not needed afterwards. */
enum kiln_status kiln_toml_parse(const char *text, size_t bytes, struct kiln_toml **out_toml,
                                 struct kiln_fault *out_fault);
void kiln_toml_free(struct kiln_toml *toml); /* NULL is fine */

enum kiln_toml_kind {
	KILN_TOML_MISSING,
	KILN_TOML_STRING,
	KILN_TOML_INTEGER,
	KILN_TOML_FLOAT,
	KILN_TOML_ARRAY,
	KILN_TOML_DATE, /* local date, or a date-time's date */
	KILN_TOML_OTHER,
};

struct kiln_toml_value {
	enum kiln_toml_kind kind;
	const char *kind_name; /* for messages: "a string" */
	uint32_t line, column; /* 0 when missing */
	const char *text;      /* STRING, not NUL-terminated; the document's */
	size_t bytes;
	size_t count;       /* ARRAY: elements */
	int64_t numbers[3]; /* INTEGER: the first; ARRAY: the first elements when integers_only */
	double real;        /* FLOAT */
	bool integers_only; /* ARRAY */
	bool strings_only;  /* ARRAY */
	bool tables_only;   /* ARRAY */
	char date[16];      /* DATE: YYYY-MM-DD */
};

#define KILN_TOML_ROOT SIZE_MAX

/* Value `name` of the root table, or of element `index` of the top-level array "record". */
struct kiln_toml_value kiln_toml_get(const struct kiln_toml *toml, size_t index, const char *name);
/* Element `at` of the array `name` of element `index` of "record". */
struct kiln_toml_value kiln_toml_element(const struct kiln_toml *toml, size_t index, const char *name, size_t at);
/* Where element `index` of "record" begins. */
struct kiln_toml_value kiln_toml_record(const struct kiln_toml *toml, size_t index);

/* Whether two tables hold the same keys and values, `except` left out; bit for bit, so NaN equals NaN. */
bool kiln_toml_same(const struct kiln_toml *a, size_t index_a, const struct kiln_toml *b, size_t index_b,
                    const char *const *except, size_t except_count);

#ifdef __cplusplus
}
#endif

#endif
