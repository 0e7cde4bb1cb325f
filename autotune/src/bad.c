#include "bad.h"

#include <stdbool.h>
#include <string.h>

#include <base/alloc.h>
#include <base/bytes.h>
#include <kiln/autotune.h>

#include "fields.h"

uint64_t kiln_ratio_units(double ratio)
{
	return ratio > 0 && ratio <= KILN_RATIO_MAX ? (uint64_t)(ratio * KILN_RATIO_UNIT + 0.5) : 0;
}

double kiln_ratio_of(uint64_t units)
{
	return (double)units / KILN_RATIO_UNIT;
}

const char *kiln_tune_status_name(enum kiln_tune_status status)
{
	switch (status) {
	case KILN_TUNE_TUNED:
		return "tuned";
	case KILN_TUNE_KEPT:
		return "default";
	case KILN_TUNE_TENTATIVE:
		return "provisional";
	case KILN_TUNE_UNSTATED:
		break;
	}
	return NULL;
}

/* ---- Lines ---- */

static bool has_line(const char *lines, const char *line, size_t bytes)
{
	while (lines != NULL) {
		size_t length = strcspn(lines, "\n");

		if (length == bytes && memcmp(lines, line, bytes) == 0)
			return true;
		lines = lines[length] != '\0' ? lines + length + 1 : NULL;
	}
	return false;
}

bool kiln_tune_bad_has(const char *bad, const char *line)
{
	return bad != NULL && line != NULL && has_line(bad, line, strlen(line));
}

/* Text that ends with a NUL all the time, so that it can be looked through while it grows. */
static void add_lines(struct kiln_writer *text, size_t *count, const char *lines)
{
	while (lines != NULL && *count < KILN_TUNE_BAD_LINES && !text->bad) {
		size_t length = strcspn(lines, "\n");

		if (length != 0 && !has_line(text->bytes != 0 ? (char *)text->data : NULL, lines, length)) {
			if (text->bytes != 0)
				text->data[text->bytes - 1] = '\n';
			kiln_write_bytes(text, lines, length);
			kiln_write_u8(text, 0);
			(*count)++;
		}
		lines = lines[length] != '\0' ? lines + length + 1 : NULL;
	}
}

bool kiln_bad_union(struct kiln_strings *strings, const char *newer, const char *older, const char **out_bad)
{
	struct kiln_writer text = {0};
	const char *kept = NULL;
	size_t count = 0;
	bool done;

	add_lines(&text, &count, newer);
	add_lines(&text, &count, older);
	if (text.bytes != 0 && !text.bad)
		kept = kiln_strings_keep(strings, (char *)text.data, text.bytes - 1);
	done = !text.bad && (text.bytes == 0 || kept != NULL);
	kiln_writer_finish(&text);
	if (done)
		*out_bad = kept;
	return done;
}
