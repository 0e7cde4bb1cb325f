/* The sub-allocator of device memory against a naive model: any sequence of takings and freeings gives ranges that are aligned,
 * inside and apart; it fails only when truly nothing fits; and what was freed is whole again. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include <base/alloc.h>

#include "suballoc.h"

enum { GRANULES = 512, LIVE = GRANULES };

struct model {
	unsigned char taken[GRANULES]; /* one for each granule */
	struct kiln_suballoc_range live[LIVE];
	uint32_t count;
	uint64_t granule;
};

static bool fits(const struct model *model, uint64_t bytes, uint64_t alignment)
{
	uint64_t granules = bytes / model->granule + (bytes % model->granule != 0);
	uint64_t step = alignment > model->granule ? alignment / model->granule : 1;

	if (bytes > GRANULES * model->granule)
		return false;
	for (uint64_t start = 0; start + granules <= GRANULES; start += step)
		if (!memchr(model->taken + start, 1, granules))
			return true;
	return false;
}

static void mark(struct model *model, const struct kiln_suballoc_range *range, unsigned char value)
{
	unsigned char *first = model->taken + range->offset / model->granule;
	uint64_t granules = range->bytes / model->granule;

	assert(!memchr(first, value, granules));
	memset(first, value, granules);
}

static void take(struct kiln_suballoc *block, struct model *model, uint64_t bytes, uint64_t alignment)
{
	bool possible = fits(model, bytes, alignment);
	struct kiln_suballoc_range range;

	assert(kiln_suballoc_take(block, bytes, alignment, &range) == possible);
	if (!possible)
		return;
	assert(range.bytes >= bytes && range.bytes - bytes < model->granule);
	assert(range.offset % alignment == 0 && range.offset % model->granule == 0);
	assert(range.bytes % model->granule == 0);
	assert(range.offset + range.bytes <= GRANULES * model->granule);
	mark(model, &range, 1);
	model->live[model->count++] = range;
}

static void give(struct kiln_suballoc *block, struct model *model, uint32_t pick)
{
	struct kiln_suballoc_range range = model->live[pick];

	kiln_suballoc_free(block, range.node);
	model->live[pick] = model->live[--model->count];
	mark(model, &range, 0);
}

/* Three bytes an operation: what, and how much or which. */
static void operate(struct kiln_suballoc *block, struct model *model, const uint8_t *data)
{
	uint64_t amount = data[1] | (uint64_t)data[2] << 8;

	switch (data[0] & 3) {
	case 0:
	case 1:
		take(block, model, 1 + amount * model->granule / 64, UINT64_C(1) << (data[0] >> 2 & 15));
		break;
	case 2: /* sizes beyond reason */
		take(block, model, UINT64_MAX >> (data[1] & 63), UINT64_C(1) << (data[0] >> 2));
		break;
	default:
		if (model->count)
			give(block, model, (uint32_t)(amount % model->count));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct model model;
	struct kiln_suballoc block;
	struct kiln_suballoc_range all;

	if (bytes < 1)
		return 0;
	memset(&model, 0, sizeof(model));
	model.granule = UINT64_C(1) << (data[0] % 13);
	if (!kiln_suballoc_init(&block, GRANULES * model.granule + data[0] % model.granule, model.granule))
		return 0;
	for (size_t at = 1; at + 3 <= bytes; at += 3) {
		operate(&block, &model, data + at);
		assert(kiln_suballoc_check(&block));
		assert(block.used_count == model.count);
	}
	while (model.count)
		give(&block, &model, model.count - 1);
	assert(kiln_suballoc_check(&block) && block.used_bytes == 0);
	assert(kiln_suballoc_take(&block, GRANULES * model.granule, 1, &all) && all.offset == 0);
	kiln_suballoc_finish(&block);
	return 0;
}
