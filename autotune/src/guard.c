#include "guard.h"

#include <stdio.h>
#include <string.h>

#include "lex.h"

#define FEWER_FIX "forget records that are no longer needed"

void kiln_fault_place(struct kiln_fault *fault, const char *text, size_t at)
{
	fault->line = 1;
	fault->column = 1;
	for (size_t i = 0; i < at; i++) {
		if (text[i] == '\n') {
			fault->line++;
			fault->column = 1;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			fault->column++;
		}
	}
}

static enum kiln_status refuse(struct kiln_fault *fault, const char *text, size_t at, const char *fix)
{
	kiln_fault_place(fault, text, at);
	fault->fix = fix;
	return KILN_ERR_TOML_HOSTILE;
}

static enum kiln_status check_lines(const char *text, size_t bytes, struct kiln_fault *fault)
{
	size_t begin = 0;

	while (begin < bytes) {
		const char *newline = memchr(text + begin, '\n', bytes - begin);
		size_t end = newline != NULL ? (size_t)(newline - text) : bytes;

		if (end - begin > KILN_GUARD_LINE_BYTES) {
			snprintf(fault->what, sizeof(fault->what),
			         "the line has %zu bytes, expected at most %zu", end - begin,
			         KILN_GUARD_LINE_BYTES);
			return refuse(fault, text, begin, "break the line");
		}
		begin = end + 1;
	}
	return KILN_OK;
}

struct nesting {
	size_t depth;
	size_t dots; /* since the last other mark */
	size_t tables;
	bool fresh; /* only blanks since the line began */
};

/* Dots are counted between the other marks: no number or date has nearly as many as a key may have. */
static void count_mark(struct nesting *nesting, char mark)
{
	bool dotted_key = mark == '=' && nesting->dots > 0;
	bool header = mark == '[' && nesting->depth == 0 && nesting->fresh;

	nesting->tables += dotted_key || header;
	nesting->dots = mark == '.' ? nesting->dots + 1 : 0;
	if (mark == '[' || mark == '{')
		nesting->depth++;
	else if ((mark == ']' || mark == '}') && nesting->depth > 0)
		nesting->depth--;
}

/* NULL when all is well. */
static const char *excess(const struct nesting *nesting, char *what, size_t bytes)
{
	if (nesting->dots > KILN_GUARD_DOTS)
		snprintf(what, bytes, "a table header or dotted key has more than %d dots", KILN_GUARD_DOTS);
	else if (nesting->depth > KILN_GUARD_DEPTH)
		snprintf(what, bytes, "arrays and inline tables nest deeper than %d", KILN_GUARD_DEPTH);
	else if (nesting->tables > KILN_GUARD_TABLES)
		snprintf(what, bytes, "there are more than %d table headers and dotted keys",
		         KILN_GUARD_TABLES);
	else
		return NULL;
	return nesting->tables > KILN_GUARD_TABLES ? FEWER_FIX : "nest less deeply";
}

static enum kiln_status check_nesting(const char *text, size_t bytes, struct kiln_fault *fault)
{
	struct kiln_lex lex = {.text = text, .bytes = bytes};
	struct nesting nesting = {.fresh = true};
	enum kiln_lex_kind unit;

	while ((unit = kiln_lex_next(&lex)) != KILN_LEX_END) {
		const char *fix = NULL;

		if (unit == KILN_LEX_PUNCTUATION || unit == KILN_LEX_NEWLINE) {
			count_mark(&nesting, text[lex.start]);
			fix = excess(&nesting, fault->what, sizeof(fault->what));
		}
		if (fix != NULL)
			return refuse(fault, text, lex.start, fix);
		nesting.fresh = unit == KILN_LEX_NEWLINE || (unit == KILN_LEX_BLANK && nesting.fresh);
	}
	return KILN_OK;
}

enum kiln_status kiln_toml_guard(const char *text, size_t bytes, struct kiln_fault *out_fault)
{
	*out_fault = (struct kiln_fault){0};
	if (bytes > KILN_GUARD_FILE_BYTES) {
		snprintf(out_fault->what, sizeof(out_fault->what),
		         "the file has %zu bytes, expected at most %zu", bytes, KILN_GUARD_FILE_BYTES);
		return refuse(out_fault, text, 0, FEWER_FIX);
	}
	KILN_TRY(check_lines(text, bytes, out_fault));
	return check_nesting(text, bytes, out_fault);
}
