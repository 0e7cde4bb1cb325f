/* TOML cut into its smallest units, without judging them: where strings, comments and lines begin and end
 * is all that the guard and the rewriter need. On text the parser accepts, the two agree; on other text
 * nothing is promised but that every byte is seen once. */
#ifndef AUTOTUNE_LEX_H
#define AUTOTUNE_LEX_H

#include <stdbool.h>
#include <stddef.h>

enum kiln_lex_kind {
	KILN_LEX_END,
	KILN_LEX_NEWLINE,
	KILN_LEX_BLANK,       /* spaces, tabs, carriage returns */
	KILN_LEX_COMMENT,     /* from '#' up to the newline */
	KILN_LEX_STRING,      /* any of the four, quotes included */
	KILN_LEX_PUNCTUATION, /* one of [ ] { } , = . */
	KILN_LEX_WORD,        /* a run of anything else */
};

struct kiln_lex {
	const char *text;
	size_t bytes;
	size_t start; /* the last unit is [start, at) */
	size_t at;
};

enum kiln_lex_kind kiln_lex_next(struct kiln_lex *lex);

enum kiln_item_kind {
	KILN_ITEM_BLANK,
	KILN_ITEM_COMMENT,
	KILN_ITEM_HEADER,    /* [table] or [[array]] */
	KILN_ITEM_STATEMENT, /* key = value, over as many lines as the value takes */
};

/* One logical line: [begin, end), newline included. */
struct kiln_item {
	enum kiln_item_kind kind;
	size_t begin;
	size_t first; /* the first byte that is not blank */
	size_t end;
};

/* false at the end of the text. */
bool kiln_item_next(struct kiln_lex *lex, struct kiln_item *out_item);

/* Whether the first key segment at or after `at` is `name` (plain ASCII), however it is quoted and
 * escaped.
 * Returns: the offset of the first byte after it that is not blank ('=', '.' or ']'), or 0 for another
 * key. */
size_t kiln_key_match(const char *text, size_t bytes, size_t at, const char *name);

#endif
