#include "text_table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 16

void kiln_text_table_init(struct kiln_text_table *table, const char *const *titles)
{
	*table = (struct kiln_text_table){.titles = titles};
	while (titles[table->columns] && table->columns < COLUMNS_MAX)
		table->columns++;
}

void kiln_text_table_finish(struct kiln_text_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = (struct kiln_text_table){0};
}

static int is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

void kiln_text_table_add(struct kiln_text_table *table, const char *format, ...)
{
	va_list arguments;
	char *text;
	int length;

	if (table->count == table->capacity) {
		size_t capacity = table->capacity ? 2 * table->capacity : 64;
		char **cells = realloc(table->cells, capacity * sizeof *cells);

		if (!cells)
			return;
		table->cells = cells;
		table->capacity = capacity;
	}
	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	for (char *at = text; *at; at++)
		if (is_control(*at))
			*at = '?';
	table->cells[table->count++] = text;
}

/* Columns on screen: UTF-8 continuation bytes take none. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

static void print_cell(const char *text, size_t width, int right, int last, FILE *file)
{
	int padding = (int)(width - width_of(text));

	if (right)
		fprintf(file, "%*s%s", padding, "", text);
	else
		fprintf(file, "%s%*s", text, last ? 0 : padding, "");
	fputs(last ? "\n" : "  ", file);
}

void kiln_text_table_print(const struct kiln_text_table *table, int indent, FILE *file)
{
	size_t widths[COLUMNS_MAX], columns = table->columns;
	int right[COLUMNS_MAX];

	for (size_t c = 0; c < columns; c++) {
		right[c] = table->titles[c][0] == '>';
		widths[c] = width_of(table->titles[c] + right[c]);
		for (size_t i = c; i < table->count; i += columns)
			if (width_of(table->cells[i]) > widths[c])
				widths[c] = width_of(table->cells[i]);
	}
	fprintf(file, "%*s", indent, "");
	for (size_t c = 0; c < columns; c++)
		print_cell(table->titles[c] + right[c], widths[c], right[c], c + 1 == columns, file);
	for (size_t i = 0; i + columns <= table->count; i += columns) {
		fprintf(file, "%*s", indent, "");
		for (size_t c = 0; c < columns; c++)
			print_cell(table->cells[i + c], widths[c], right[c], c + 1 == columns, file);
	}
}

const char *kiln_pretty_ns(uint64_t ns, char out_text[KILN_PRETTY_BYTES])
{
	if (ns < 1000)
		snprintf(out_text, KILN_PRETTY_BYTES, "%" PRIu64 " ns", ns);
	else if (ns < 1000000)
		snprintf(out_text, KILN_PRETTY_BYTES, "%.1f us", (double)ns / 1e3);
	else if (ns < 1000000000)
		snprintf(out_text, KILN_PRETTY_BYTES, "%.2f ms", (double)ns / 1e6);
	else
		snprintf(out_text, KILN_PRETTY_BYTES, "%.2f s", (double)ns / 1e9);
	return out_text;
}

const char *kiln_pretty_size(uint64_t bytes, char out_text[KILN_PRETTY_BYTES])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	size_t unit = 0;

	for (; value >= 1024 && unit + 1 < sizeof units / sizeof units[0]; unit++)
		value /= 1024;
	snprintf(out_text, KILN_PRETTY_BYTES, unit && value < 100 ? "%.1f %s" : "%.0f %s", value,
	         units[unit]);
	return out_text;
}

void kiln_print_clean(const char *text, FILE *file)
{
	for (; *text; text++)
		fputc(is_control(*text) && *text != '\n' ? '?' : *text, file);
}
