#include "compose.h"

#include <base/alloc.h>

#include "blocks.h"
#include "fields.h"
#include "lex.h"
#include "write.h"

#define SAME_LINE_COMMENT 200 /* bytes; a longer one gets a line of its own */

struct compose {
	struct kiln_blocks blocks;
	struct kiln_writer *out;
};

/* ---- Text that is there already ---- */

static void end_line(struct kiln_writer *out)
{
	if (out->bytes != 0 && out->data[out->bytes - 1] != '\n')
		kiln_write_u8(out, '\n');
}

/* One blank line between blocks, none at the top. */
static void begin_block(struct kiln_writer *out)
{
	end_line(out);
	if (out->bytes != 0)
		kiln_write_u8(out, '\n');
}

static void copy(const struct compose *compose, size_t begin, size_t end)
{
	kiln_write_bytes(compose->out, compose->blocks.text + begin, end - begin);
}

/* Without the blank lines at its end. */
static void copy_block(const struct compose *compose, const struct kiln_block *block)
{
	struct kiln_lex lex = {.text = compose->blocks.text, .bytes = block->end, .at = block->begin};
	struct kiln_item item;
	size_t end = block->begin;

	while (kiln_item_next(&lex, &item))
		end = item.kind != KILN_ITEM_BLANK ? item.end : end;
	if (end == block->begin)
		return;
	begin_block(compose->out);
	copy(compose, block->begin, end);
}

/* The comments of a statement that is about to go: the first behind what replaces it, the others below. */
static void copy_comments(const struct compose *compose, const struct kiln_item *item)
{
	struct kiln_lex lex = {.text = compose->blocks.text, .bytes = item->end, .at = item->first};
	bool same_line = compose->out->bytes != 0 && compose->out->data[compose->out->bytes - 1] != '\n';
	enum kiln_lex_kind unit;

	while ((unit = kiln_lex_next(&lex)) != KILN_LEX_END) {
		if (unit != KILN_LEX_COMMENT)
			continue;
		if (same_line && lex.at - lex.start <= SAME_LINE_COMMENT)
			kiln_write_u8(compose->out, ' ');
		else
			end_line(compose->out);
		copy(compose, lex.start, lex.at);
		same_line = false;
	}
	end_line(compose->out);
}

static bool is_key(const struct compose *compose, size_t begin, size_t end, const char *name)
{
	size_t after = kiln_key_match(compose->blocks.text, end, begin, name);

	return after != 0 && after < end && compose->blocks.text[after] == '=';
}

/* KILN_FIELDS for a statement that is none of them. */
static size_t field_of(const struct compose *compose, const struct kiln_item *item)
{
	size_t i = 0;

	if (item->kind != KILN_ITEM_STATEMENT)
		return KILN_FIELDS;
	while (i < KILN_FIELDS && !is_key(compose, item->first, item->end, kiln_fields[i].name))
		i++;
	return i;
}

struct layout {
	bool has[KILN_FIELDS];
	size_t last; /* end of the last statement of ours */
	size_t end;  /* without blank lines */
};

static struct layout survey(const struct compose *compose, const struct kiln_block *block)
{
	struct kiln_lex lex = {.text = compose->blocks.text, .bytes = block->end, .at = block->begin};
	struct layout layout = {.last = block->end, .end = block->begin};
	struct kiln_item item;

	while (kiln_item_next(&lex, &item)) {
		size_t field = field_of(compose, &item);

		if (item.kind != KILN_ITEM_BLANK)
			layout.end = item.end;
		if (field == KILN_FIELDS)
			continue;
		layout.has[field] = true;
		layout.last = item.end;
	}
	return layout;
}

static void write_missing(const struct compose *compose, const struct layout *layout,
                          const struct kiln_tune_record *record)
{
	end_line(compose->out);
	for (size_t i = 0; i < KILN_FIELDS; i++) {
		if (!layout->has[i])
			kiln_write_field(compose->out, &kiln_fields[i], record);
	}
}

/* A record of the file with new values: each goes where the old one was. */
static void update_block(const struct compose *compose, const struct kiln_block *block,
                         const struct kiln_entry *entry)
{
	const struct kiln_tune_record *record = &entry->record;
	struct kiln_lex lex = {.text = compose->blocks.text, .bytes = block->end, .at = block->begin};
	struct layout layout = survey(compose, block);
	struct kiln_item item;

	begin_block(compose->out);
	while (lex.at < layout.end && kiln_item_next(&lex, &item)) {
		size_t field = field_of(compose, &item);

		if (field == KILN_FIELDS || (entry->foreign & 1u << field)) {
			copy(compose, item.begin, item.end);
		} else {
			kiln_fields[field].write(compose->out, record);
			copy_comments(compose, &item);
		}
		if (item.end == layout.last)
			write_missing(compose, &layout, record);
	}
}

struct inline_pairs {
	const struct compose *compose;
	uint32_t foreign;
};

static void copy_unknown_pair(void *user, size_t begin, size_t end)
{
	const struct inline_pairs *pairs = user;
	const struct compose *compose = pairs->compose;

	if (is_key(compose, begin, end, KILN_FIELD_KEY) || is_key(compose, begin, end, KILN_FIELD_ADAPTER))
		return;
	for (size_t i = 0; i < KILN_FIELDS; i++) {
		if (!(pairs->foreign & 1u << i) && is_key(compose, begin, end, kiln_fields[i].name))
			return;
	}
	copy(compose, begin, end);
	end_line(compose->out);
}

static void write_parts(const struct compose *compose, size_t block)
{
	for (size_t i = block + 1; i < compose->blocks.count; i++) {
		if (compose->blocks.blocks[i].kind == KILN_BLOCK_RECORD)
			return;
		if (compose->blocks.blocks[i].kind == KILN_BLOCK_PART)
			copy_block(compose, &compose->blocks.blocks[i]);
	}
}

static void write_entry(const struct compose *compose, const struct kiln_entry *entry)
{
	struct inline_pairs pairs = {compose, entry->foreign};
	struct kiln_tune_record record = entry->record;
	size_t index = entry->source != KILN_NO_SOURCE ? compose->blocks.records[entry->source] : 0;
	const struct kiln_block *block = &compose->blocks.blocks[index];

	if (entry->source == KILN_NO_SOURCE || block->kind == KILN_BLOCK_INLINE) {
		if (entry->pending != KILN_PENDING_PUT) { /* moved, not changed */
			pairs.foreign = KILN_FACTS_MASK;
			kiln_record_yield(&record, pairs.foreign);
		}
		begin_block(compose->out);
		kiln_write_record(compose->out, &record);
	} else if (entry->pending == KILN_PENDING_PUT) {
		update_block(compose, block, entry);
	} else {
		copy_block(compose, block);
	}
	if (entry->source == KILN_NO_SOURCE)
		return;
	if (block->kind == KILN_BLOCK_INLINE)
		kiln_blocks_pairs(&compose->blocks, block, copy_unknown_pair, &pairs);
	else
		write_parts(compose, index);
}

/* ---- The whole file ---- */

static bool top_has(const struct compose *compose, const char *name)
{
	const struct kiln_block *top = &compose->blocks.blocks[0];
	struct kiln_lex lex = {.text = compose->blocks.text, .bytes = top->end, .at = top->begin};
	struct kiln_item item;

	while (kiln_item_next(&lex, &item)) {
		if (item.kind == KILN_ITEM_STATEMENT && is_key(compose, item.first, item.end, name))
			return true;
	}
	return false;
}

/* `record = [...]` becomes [[record]] blocks further down; its comments stay here. */
static void write_top(struct compose *compose)
{
	const struct kiln_block *top = &compose->blocks.blocks[0];
	struct kiln_lex lex = {.text = compose->blocks.text, .bytes = top->end, .at = top->begin};
	struct layout layout = survey(compose, top);
	struct kiln_item item;

	if (!top_has(compose, KILN_FIELD_SCHEMA))
		kiln_write_format(compose->out, KILN_FIELD_SCHEMA " = %d\n", KILN_SCHEMA);
	while (lex.at < layout.end && kiln_item_next(&lex, &item)) {
		if (item.kind == KILN_ITEM_STATEMENT &&
		    is_key(compose, item.first, item.end, KILN_FIELD_RECORD))
			copy_comments(compose, &item);
		else
			copy(compose, item.begin, item.end);
	}
}

/* Tables that are not ours: those above the first record stay above, the others go below the last. */
static void write_others(const struct compose *compose, bool above)
{
	size_t first = compose->blocks.record_count != 0 ? compose->blocks.records[0] : compose->blocks.count;

	for (size_t i = 0; i < compose->blocks.count; i++) {
		if (compose->blocks.blocks[i].kind == KILN_BLOCK_OTHER && (i < first) == above)
			copy_block(compose, &compose->blocks.blocks[i]);
	}
}

enum kiln_status kiln_compose(const char *text, size_t bytes, const struct kiln_records *records,
                              struct kiln_writer *out_text)
{
	struct compose compose = {.out = out_text};
	struct kiln_entry **sorted = kiln_records_sorted(records);
	bool split = sorted != NULL && kiln_blocks_split(&compose.blocks, text, bytes);

	if (split) {
		write_top(&compose);
		write_others(&compose, true);
		for (size_t i = 0; i < records->live; i++)
			write_entry(&compose, sorted[i]);
		write_others(&compose, false);
		end_line(out_text);
	}
	kiln_blocks_finish(&compose.blocks);
	kiln_free(sorted);
	return split && !out_text->bad ? KILN_OK : KILN_ERR_OUT_OF_MEMORY;
}
