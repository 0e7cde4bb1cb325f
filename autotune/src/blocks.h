/* A store's text cut into the pieces a rewrite moves: whole tables, with their comments and unknown keys
 * as they are written. Only for text that kiln_load_toml() has accepted. */
#ifndef AUTOTUNE_BLOCKS_H
#define AUTOTUNE_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

enum kiln_block_kind {
	KILN_BLOCK_TOP,    /* what comes before the first header */
	KILN_BLOCK_RECORD, /* [[record]] and its keys */
	KILN_BLOCK_PART,   /* [record.x] or [[record.x]] of the record before it */
	KILN_BLOCK_INLINE, /* {...} of `record = [...]` */
	KILN_BLOCK_OTHER,  /* any other table */
};

struct kiln_block {
	enum kiln_block_kind kind;
	size_t begin; /* comments directly above the header included */
	size_t end;
};

struct kiln_blocks {
	const char *text;
	size_t bytes;
	struct kiln_block *blocks;
	size_t count;
	size_t capacity;
	size_t *records; /* index of the block of each record */
	size_t record_count;
	size_t record_capacity;
};

/* false = out of memory. A byte order mark is left out of every block. */
bool kiln_blocks_split(struct kiln_blocks *blocks, const char *text, size_t bytes);
void kiln_blocks_finish(struct kiln_blocks *blocks);

/* Calls `visit` for each "key = value" of an inline table, without the commas around it. */
void kiln_blocks_pairs(const struct kiln_blocks *blocks, const struct kiln_block *block,
                       void (*visit)(void *user, size_t begin, size_t end), void *user);

#endif
