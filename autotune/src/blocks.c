#include "blocks.h"

#include <stdint.h>
#include <string.h>

#include <base/alloc.h>

#include "fields.h"
#include "lex.h"

/* More room for one more element of `size` bytes. */
static bool reserve(void **array, size_t count, size_t *capacity, size_t size)
{
	size_t wanted = *capacity != 0 ? *capacity * 2 : 16;
	void *grown;

	if (count < *capacity)
		return true;
	grown = kiln_realloc(*array, wanted * size);
	if (grown == NULL)
		return false;
	*array = grown;
	*capacity = wanted;
	return true;
}

static bool add_block(struct kiln_blocks *blocks, enum kiln_block_kind kind, size_t begin, size_t end)
{
	void *array = blocks->blocks;

	if (!reserve(&array, blocks->count, &blocks->capacity, sizeof(*blocks->blocks)))
		return false;
	blocks->blocks = array;
	array = blocks->records;
	if (!reserve(&array, blocks->record_count, &blocks->record_capacity, sizeof(*blocks->records)))
		return false;
	blocks->records = array;
	if (kind == KILN_BLOCK_RECORD || kind == KILN_BLOCK_INLINE)
		blocks->records[blocks->record_count++] = blocks->count;
	blocks->blocks[blocks->count++] = (struct kiln_block){.kind = kind, .begin = begin, .end = end};
	return true;
}

static enum kiln_block_kind kind_of_header(const struct kiln_blocks *blocks, const struct kiln_item *item)
{
	size_t at = item->first + 1, after;

	if (at < item->end && blocks->text[at] == '[')
		at++;
	after = kiln_key_match(blocks->text, item->end, at, KILN_FIELD_RECORD);
	if (after == 0)
		return KILN_BLOCK_OTHER;
	return after < item->end && blocks->text[after] == '.' ? KILN_BLOCK_PART : KILN_BLOCK_RECORD;
}

/* Adds a block for each table of `record = [{...}, {...}]`. */
static bool add_inline_records(struct kiln_blocks *blocks, const struct kiln_item *item)
{
	struct kiln_lex lex = {.text = blocks->text, .bytes = item->end, .at = item->first};
	size_t depth = 0, begin = 0;
	enum kiln_lex_kind unit;

	while ((unit = kiln_lex_next(&lex)) != KILN_LEX_END) {
		char c = unit == KILN_LEX_PUNCTUATION ? blocks->text[lex.start] : '\0';

		if (c == '[' || c == '{') {
			if (++depth == 2)
				begin = lex.start;
		} else if (c == ']' || c == '}') {
			if (depth-- == 2 && !add_block(blocks, KILN_BLOCK_INLINE, begin, lex.at))
				return false;
		}
	}
	return true;
}

static bool is_inline_records(const struct kiln_blocks *blocks, const struct kiln_item *item)
{
	size_t after;

	if (item->kind != KILN_ITEM_STATEMENT)
		return false;
	after = kiln_key_match(blocks->text, item->end, item->first, KILN_FIELD_RECORD);
	return after != 0 && after < item->end && blocks->text[after] == '=';
}

/* The last block is open until the next one begins. */
static void close_last(struct kiln_blocks *blocks, size_t end)
{
	for (size_t i = blocks->count; i-- > 0;) {
		if (blocks->blocks[i].kind != KILN_BLOCK_INLINE) {
			blocks->blocks[i].end = end;
			return;
		}
	}
}

static bool split_item(struct kiln_blocks *blocks, const struct kiln_item *item, size_t *lead, bool *in_top)
{
	size_t begin = item->begin;

	if (item->kind == KILN_ITEM_COMMENT) {
		if (*lead == SIZE_MAX)
			*lead = item->begin;
		return true;
	}
	if (item->kind == KILN_ITEM_HEADER) {
		begin = *lead != SIZE_MAX ? *lead : item->begin;
		close_last(blocks, begin);
		*in_top = false;
	}
	*lead = SIZE_MAX;
	if (item->kind == KILN_ITEM_HEADER)
		return add_block(blocks, kind_of_header(blocks, item), begin, blocks->bytes);
	return !*in_top || !is_inline_records(blocks, item) || add_inline_records(blocks, item);
}

bool kiln_blocks_split(struct kiln_blocks *blocks, const char *text, size_t bytes)
{
	size_t mark = bytes >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
	struct kiln_lex lex = {.text = text, .bytes = bytes, .at = mark};
	struct kiln_item item;
	size_t lead = SIZE_MAX; /* where the comments directly above begin */
	bool in_top = true;

	*blocks = (struct kiln_blocks){.text = text, .bytes = bytes};
	if (!add_block(blocks, KILN_BLOCK_TOP, mark, bytes))
		return false;
	while (kiln_item_next(&lex, &item)) {
		if (!split_item(blocks, &item, &lead, &in_top))
			return false;
	}
	return true;
}

void kiln_blocks_finish(struct kiln_blocks *blocks)
{
	kiln_free(blocks->blocks);
	kiln_free(blocks->records);
	*blocks = (struct kiln_blocks){0};
}

/* Without the blanks around it; nothing when only blanks are left, as in {}. */
static void visit_pair(const char *text, size_t begin, size_t end,
                       void (*visit)(void *user, size_t begin, size_t end), void *user)
{
	while (begin < end && (text[begin] == ' ' || text[begin] == '\t'))
		begin++;
	while (end > begin && (text[end - 1] == ' ' || text[end - 1] == '\t'))
		end--;
	if (begin < end)
		visit(user, begin, end);
}

void kiln_blocks_pairs(const struct kiln_blocks *blocks, const struct kiln_block *block,
                       void (*visit)(void *user, size_t begin, size_t end), void *user)
{
	struct kiln_lex lex = {.text = blocks->text, .bytes = block->end - 1, .at = block->begin + 1};
	size_t depth = 0, begin = lex.at;
	enum kiln_lex_kind unit;

	while ((unit = kiln_lex_next(&lex)) != KILN_LEX_END) {
		char c = unit == KILN_LEX_PUNCTUATION ? blocks->text[lex.start] : '\0';

		if (c == '[' || c == '{')
			depth++;
		else if (c == ']' || c == '}')
			depth--;
		if (c != ',' || depth != 0)
			continue;
		visit_pair(blocks->text, begin, lex.start, visit, user);
		begin = lex.at;
	}
	visit_pair(blocks->text, begin, block->end - 1, visit, user);
}
