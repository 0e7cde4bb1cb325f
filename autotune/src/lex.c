#include "lex.h"

#include <stdint.h>
#include <string.h>

static bool is_punctuation(char c)
{
	return c == '[' || c == ']' || c == '{' || c == '}' || c == ',' || c == '=' || c == '.';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool is_word(char c)
{
	return !is_punctuation(c) && !is_blank(c) && c != '\n' && c != '#' && c != '"' && c != '\'';
}

static bool three_quotes(const struct kiln_lex *lex, size_t at, char quote)
{
	return lex->bytes - at >= 3 && lex->text[at] == quote && lex->text[at + 1] == quote &&
	       lex->text[at + 2] == quote;
}

/* Ends after the closing quote, or before the newline that cuts the string short. */
static void skip_line_string(struct kiln_lex *lex, char quote)
{
	for (lex->at++; lex->at < lex->bytes && lex->text[lex->at] != '\n'; lex->at++) {
		if (lex->text[lex->at] == quote) {
			lex->at++;
			return;
		}
		if (quote == '"' && lex->text[lex->at] == '\\' && lex->at + 1 < lex->bytes &&
		    lex->text[lex->at + 1] != '\n')
			lex->at++;
	}
}

static void skip_block_string(struct kiln_lex *lex, char quote)
{
	for (lex->at += 3; lex->at < lex->bytes; lex->at++) {
		if (quote == '"' && lex->text[lex->at] == '\\' && lex->at + 1 < lex->bytes) {
			lex->at++;
		} else if (three_quotes(lex, lex->at, quote)) {
			lex->at += 3;
			/* """a""""" is a"" : up to two quotes before the closing three belong to the
			 * content. */
			for (int i = 0; i < 2 && lex->at < lex->bytes && lex->text[lex->at] == quote; i++)
				lex->at++;
			return;
		}
	}
}

static void skip_string(struct kiln_lex *lex)
{
	char quote = lex->text[lex->at];

	if (three_quotes(lex, lex->at, quote))
		skip_block_string(lex, quote);
	else
		skip_line_string(lex, quote);
}

static void skip_while(struct kiln_lex *lex, bool (*wanted)(char c))
{
	while (lex->at < lex->bytes && wanted(lex->text[lex->at]))
		lex->at++;
}

static bool is_not_newline(char c)
{
	return c != '\n';
}

enum kiln_lex_kind kiln_lex_next(struct kiln_lex *lex)
{
	char c;

	lex->start = lex->at;
	if (lex->at >= lex->bytes)
		return KILN_LEX_END;
	c = lex->text[lex->at];
	if (c == '"' || c == '\'') {
		skip_string(lex);
		return KILN_LEX_STRING;
	}
	if (c == '#') {
		skip_while(lex, is_not_newline);
		return KILN_LEX_COMMENT;
	}
	if (is_blank(c)) {
		skip_while(lex, is_blank);
		return KILN_LEX_BLANK;
	}
	if (is_word(c)) {
		skip_while(lex, is_word);
		return KILN_LEX_WORD;
	}
	lex->at++;
	return c == '\n' ? KILN_LEX_NEWLINE : KILN_LEX_PUNCTUATION;
}

static enum kiln_item_kind kind_of_first(const struct kiln_lex *lex, enum kiln_lex_kind unit)
{
	if (unit == KILN_LEX_COMMENT)
		return KILN_ITEM_COMMENT;
	if (unit == KILN_LEX_PUNCTUATION && lex->text[lex->start] == '[')
		return KILN_ITEM_HEADER;
	return KILN_ITEM_STATEMENT;
}

static void track_depth(const struct kiln_lex *lex, size_t *depth)
{
	char c = lex->text[lex->start];

	if (c == '[' || c == '{')
		(*depth)++;
	else if ((c == ']' || c == '}') && *depth > 0)
		(*depth)--;
}

bool kiln_item_next(struct kiln_lex *lex, struct kiln_item *out_item)
{
	struct kiln_item item = {.kind = KILN_ITEM_BLANK, .begin = lex->at, .first = lex->at};
	size_t depth = 0;

	if (lex->at >= lex->bytes)
		return false;
	for (;;) {
		enum kiln_lex_kind unit = kiln_lex_next(lex);

		if (unit == KILN_LEX_END || (unit == KILN_LEX_NEWLINE && depth == 0))
			break;
		if (unit == KILN_LEX_PUNCTUATION)
			track_depth(lex, &depth);
		if (unit == KILN_LEX_BLANK || item.kind != KILN_ITEM_BLANK)
			continue;
		item.kind = kind_of_first(lex, unit);
		item.first = lex->start;
	}
	item.end = lex->at;
	*out_item = item;
	return true;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The character of \uXXXX or \UXXXXXXXX whose digits start at *at; 0 when malformed. */
static uint32_t unicode_escape(const char *text, size_t end, size_t *at, int digits)
{
	uint32_t value = 0;

	for (int i = 0; i < digits; i++, (*at)++) {
		int digit = *at < end ? hex_value(text[*at]) : -1;

		if (digit < 0)
			return 0;
		value = value << 4 | (uint32_t)digit;
	}
	return value;
}

/* Other escapes give characters that no known name holds. */
static uint32_t next_character(const char *text, size_t end, size_t *at, bool escapes)
{
	uint32_t c = (unsigned char)text[(*at)++];

	if (!escapes || c != '\\' || *at >= end)
		return c;
	c = (unsigned char)text[(*at)++];
	if (c == 'u')
		return unicode_escape(text, end, at, 4);
	return c == 'U' ? unicode_escape(text, end, at, 8) : 0;
}

static bool segment_is(const char *text, size_t begin, size_t end, bool escapes, const char *name)
{
	size_t at = begin;

	for (; *name != '\0'; name++) {
		if (at >= end || next_character(text, end, &at, escapes) != (unsigned char)*name)
			return false;
	}
	return at == end;
}

size_t kiln_key_match(const char *text, size_t bytes, size_t at, const char *name)
{
	struct kiln_lex lex = {.text = text, .bytes = bytes, .at = at};
	enum kiln_lex_kind unit;
	size_t trim;
	bool match;

	do
		unit = kiln_lex_next(&lex);
	while (unit == KILN_LEX_BLANK);
	if (unit != KILN_LEX_WORD && unit != KILN_LEX_STRING)
		return 0;
	trim = unit == KILN_LEX_STRING ? 1 : 0;
	if (lex.at - lex.start < 2 * trim)
		return 0;
	match = segment_is(text, lex.start + trim, lex.at - trim, trim != 0 && text[lex.start] == '"', name);
	skip_while(&lex, is_blank);
	return match ? lex.at : 0;
}
