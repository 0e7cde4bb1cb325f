#include "hazard.h"

#include <kiln/identity.h>

static bool overlap(struct kiln_byte_range a, struct kiln_byte_range b)
{
	return a.begin < b.end && b.begin < a.end;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static bool writes(uint32_t access)
{
	return (access & KILN_ACCESS_WRITE) != 0;
}

/* Of this epoch, and not known to be done. */
static bool is_open(uint64_t epoch, uint64_t ticket, const struct kiln_access *access)
{
	return epoch == access->epoch && (access->done == 0 || ticket > access->done);
}

bool kiln_hazard(const struct kiln_stream_use *use, const struct kiln_access *access)
{
	for (uint32_t i = 0; i < use->count; i++) {
		const struct kiln_range_use *old = &use->ranges[i];

		if (!overlap(old->range, access->range))
			continue;
		if (is_open(old->write_epoch, old->write_ticket, access))
			return true;
		if (writes(access->access) && is_open(old->read_epoch, old->read_ticket, access))
			return true;
	}
	return false;
}

uint64_t kiln_hazard_foreign(const struct kiln_stream_use *use, struct kiln_byte_range range, uint32_t access)
{
	uint64_t ticket = 0;

	for (uint32_t i = 0; i < use->count; i++) {
		const struct kiln_range_use *old = &use->ranges[i];

		if (!overlap(old->range, range))
			continue;
		ticket = later(ticket, old->write_ticket);
		if (writes(access))
			ticket = later(ticket, old->read_ticket);
	}
	return ticket;
}

static void stamp(struct kiln_range_use *range, const struct kiln_access *access)
{
	if (writes(access->access)) {
		range->write_epoch = access->epoch;
		range->write_ticket = access->ticket;
	} else {
		range->read_epoch = access->epoch;
		range->read_ticket = access->ticket;
	}
}

static struct kiln_range_use *find(struct kiln_stream_use *use, struct kiln_byte_range range)
{
	for (uint32_t i = 0; i < use->count; i++)
		if (use->ranges[i].range.begin == range.begin && use->ranges[i].range.end == range.end)
			return &use->ranges[i];
	return NULL;
}

/* What neither this stream nor another can conflict with any more. */
static void forget(struct kiln_stream_use *use, uint64_t epoch, uint64_t done_ticket)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < use->count; i++) {
		const struct kiln_range_use *range = &use->ranges[i];

		if (later(range->read_epoch, range->write_epoch) < epoch &&
		    later(range->read_ticket, range->write_ticket) <= done_ticket)
			continue;
		use->ranges[kept++] = *range;
	}
	use->count = kept;
}

static struct kiln_byte_range hull(struct kiln_byte_range a, struct kiln_byte_range b)
{
	return (struct kiln_byte_range){a.begin < b.begin ? a.begin : b.begin, later(a.end, b.end)};
}

static void join(struct kiln_range_use *into, const struct kiln_range_use *other)
{
	into->range = hull(into->range, other->range);
	into->read_epoch = later(into->read_epoch, other->read_epoch);
	into->write_epoch = later(into->write_epoch, other->write_epoch);
	into->read_ticket = later(into->read_ticket, other->read_ticket);
	into->write_ticket = later(into->write_ticket, other->write_ticket);
}

/* The range whose hull with the new one adds the fewest bytes. */
static struct kiln_range_use *nearest(struct kiln_stream_use *use, struct kiln_byte_range range)
{
	struct kiln_range_use *best = &use->ranges[0];
	uint64_t least = UINT64_MAX;

	for (uint32_t i = 0; i < use->count; i++) {
		struct kiln_byte_range both = hull(use->ranges[i].range, range);
		uint64_t bytes =
			both.end - both.begin - (use->ranges[i].range.end - use->ranges[i].range.begin);

		if (bytes < least) {
			least = bytes;
			best = &use->ranges[i];
		}
	}
	return best;
}

void kiln_hazard_note(struct kiln_stream_use *use, const struct kiln_access *access, uint64_t done_ticket)
{
	struct kiln_range_use fresh = {.range = access->range};
	struct kiln_range_use *known = find(use, access->range);

	use->ticket = access->ticket;
	if (writes(access->access))
		use->write_ticket = access->ticket;
	if (known) {
		stamp(known, access);
		return;
	}
	if (use->count == KILN_USE_RANGES)
		forget(use, access->epoch, done_ticket);
	stamp(&fresh, access);
	if (use->count < KILN_USE_RANGES)
		use->ranges[use->count++] = fresh;
	else
		join(nearest(use, access->range), &fresh);
}
