/* Cutting one block of memory into ranges. Pure: it hands out offsets and never touches the memory itself.
 * Free ranges are kept in 512 size classes (8 per power of two) with bitmaps over them, as in M. Masmano
 * and others, "TLSF: a new dynamic memory allocator for real-time systems" (2004); neighbours are linked,
 * so freeing coalesces at once. Not thread-safe. */
#ifndef RUNTIME_SUBALLOC_H
#define RUNTIME_SUBALLOC_H

#include <stdbool.h>
#include <stdint.h>

#define KILN_SUBALLOC_CLASSES 512

struct kiln_suballoc_node {
	uint64_t offset, bytes;
	uint32_t before, after;  /* neighbours by address */
	uint32_t previous, next; /* of the same size class while free; `next` chains unused nodes */
	bool used;
};

struct kiln_suballoc {
	uint64_t bytes;      /* of the block */
	uint64_t granule;    /* every offset and size is a multiple of it; a power of two */
	uint64_t used_bytes; /* granules counted whole */
	uint32_t used_count;
	struct kiln_suballoc_node *nodes;
	uint32_t node_count, node_capacity;
	uint32_t unused; /* chain of nodes that stand for nothing */
	uint32_t heads[KILN_SUBALLOC_CLASSES];
	uint64_t filled[KILN_SUBALLOC_CLASSES / 64]; /* bit = class has a free range */
};

struct kiln_suballoc_range {
	uint64_t offset;
	uint64_t bytes; /* rounded up to granules */
	uint32_t node;  /* what kiln_suballoc_free() takes */
};

/* `bytes` is rounded down to whole granules and must hold at least one.
 * False when host memory is out, and then there is nothing to finish. */
bool kiln_suballoc_init(struct kiln_suballoc *block, uint64_t bytes, uint64_t granule);
void kiln_suballoc_finish(struct kiln_suballoc *block); /* zeroed memory is fine */

/* Takes `bytes` (at least 1) at a multiple of `alignment` (a power of two). False when no free range holds
 * it or host memory is out; the block is unchanged then. It fails only if truly no free range fits. */
bool kiln_suballoc_take(struct kiln_suballoc *block, uint64_t bytes, uint64_t alignment,
                        struct kiln_suballoc_range *out_range);
/* Needs no memory, cannot fail. */
void kiln_suballoc_free(struct kiln_suballoc *block, uint32_t node);

/* For tests: whether lists, neighbours and counters agree. */
bool kiln_suballoc_check(const struct kiln_suballoc *block);

#endif
