/* Aligned columns on a terminal. Cells are filled row by row; control characters in them are made visible
 * as '?', because names come from files and drivers. */
#ifndef TOOLS_TEXT_TABLE_H
#define TOOLS_TEXT_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <kiln/export.h>

struct kiln_text_table {
	const char *const *titles; /* a leading '>' aligns the column right; NULL-terminated */
	size_t columns;
	char **cells;
	size_t count, capacity;
};

void kiln_text_table_init(struct kiln_text_table *table, const char *const *titles);
/* The next cell; out of memory drops it. */
void kiln_text_table_add(struct kiln_text_table *table, const char *format, ...) KILN_PRINTF(2, 3);
/* Prints the titles and every row, each line indented by `indent`. */
void kiln_text_table_print(const struct kiln_text_table *table, int indent, FILE *file);
void kiln_text_table_finish(struct kiln_text_table *table);

/* For one value at a time: "1.23 ms", "4.0 KiB", and text with its control characters made visible. */
#define KILN_PRETTY_BYTES 24
const char *kiln_pretty_ns(uint64_t ns, char out_text[KILN_PRETTY_BYTES]);
const char *kiln_pretty_size(uint64_t bytes, char out_text[KILN_PRETTY_BYTES]);
void kiln_print_clean(const char *text, FILE *file);

#endif
