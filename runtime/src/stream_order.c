#include "stream_order.h"

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

#include "buffer.h"
#include "device.h"
#include "stream_slot.h"

void kiln_buffer_use_finish(struct kiln_buffer_use *use)
{
	kiln_free(use->shared);
	use->shared = NULL;
}

static uint64_t owner_of(const struct kiln_buffer *buffer)
{
	return atomic_load_explicit(&buffer->use.owner, memory_order_acquire);
}

/* The first stream to use a buffer gets it. */
static bool owns(const struct kiln_stream *stream, struct kiln_buffer *buffer)
{
	uint_fast64_t owner = owner_of(buffer);

	if (owner == stream->id)
		return true;
	if (owner != 0)
		return owner == KILN_OWNER_NOBODY;
	if (atomic_compare_exchange_strong(&buffer->use.owner, &owner, stream->id))
		return true;
	return owner == stream->id;
}

/* What a graph uses may be hundreds of buffers that no cache holds any more: they come side by side, not one after another. */
static void fetch_ahead(const struct kiln_stream_binding *bindings, uint32_t count)
{
#if defined(__GNUC__)
	for (uint32_t i = 0; i < count; i++) {
		const struct kiln_buffer_use *use = &bindings[i].buffer->use;

		__builtin_prefetch(&use->owner, 1);
		__builtin_prefetch(&use->own.ranges[0].write_ticket, 1);
	}
#else
	(void)bindings, (void)count;
#endif
}

static bool owns_all(const struct kiln_stream *stream, const struct kiln_stream_binding *bindings,
                     uint32_t count)
{
	if (count > KILN_BUFFERS_MAX)
		fetch_ahead(bindings, count);
	for (uint32_t i = 0; i < count; i++)
		if (!owns(stream, bindings[i].buffer))
			return false;
	return true;
}

/* ---- Shared buffers, under device->order ---- */

static enum kiln_status add_shared(struct kiln_buffer_use *use, uint64_t stream,
                                   const struct kiln_stream_use *known)
{
	if (use->shared_count == use->shared_room) {
		uint32_t room = use->shared_room ? 2 * use->shared_room : 4;
		struct kiln_shared_use *more = kiln_realloc(use->shared, room * sizeof(*more));

		if (!more)
			return kiln_error(KILN_ERR_OUT_OF_MEMORY,
			                  "out of memory sharing a buffer between streams. Fix: free memory "
			                  "and call again");
		use->shared = more;
		use->shared_room = room;
	}
	use->shared[use->shared_count].stream = stream;
	use->shared[use->shared_count++].use = *known;
	return KILN_OK;
}

static enum kiln_status share(struct kiln_device *device, struct kiln_buffer *buffer)
{
	uint64_t id = owner_of(buffer);
	struct kiln_stream *owner;
	enum kiln_status status;

	if (id == KILN_OWNER_SHARED)
		return KILN_OK;
	owner = kiln_stream_find(device, id);
	if (owner)
		kiln_mutex_lock(&owner->lock);
	status = owner ? add_shared(&buffer->use, id, &buffer->use.own) : KILN_OK;
	if (status == KILN_OK)
		atomic_store_explicit(&buffer->use.owner, KILN_OWNER_SHARED, memory_order_release);
	if (owner) {
		kiln_mutex_unlock(&owner->lock);
		kiln_stream_unreference(owner);
	}
	return status;
}

static struct kiln_stream_use *shared_use(struct kiln_buffer *buffer, uint64_t stream)
{
	for (uint32_t i = 0; i < buffer->use.shared_count; i++)
		if (buffer->use.shared[i].stream == stream)
			return &buffer->use.shared[i].use;
	return NULL;
}

/* Every buffer of the operation is shared, and knows this stream. */
static enum kiln_status share_all(struct kiln_stream *stream, const struct kiln_stream_binding *bindings,
                                  uint32_t count)
{
	static const struct kiln_stream_use nothing;

	for (uint32_t i = 0; i < count; i++) {
		struct kiln_buffer *buffer = bindings[i].buffer;

		if (owns(stream, buffer))
			continue;
		KILN_TRY(share(stream->device, buffer));
		if (!shared_use(buffer, stream->id))
			KILN_TRY(add_shared(&buffer->use, stream->id, &nothing));
	}
	return KILN_OK;
}

/* ---- Waiting for other streams, under device->order and with no stream locked ---- */

/* What stands for the other's ticket, which is submitted and not known to be done. Nothing where only the host can wait. */
static struct kiln_stream_dependency stand_in(const struct kiln_stream *stream,
                                              const struct kiln_stream *other, uint64_t ticket)
{
	struct kiln_stream_dependency on = {0};

	if (other->queue != stream->queue) {
		if (!other->timeline || ticket < other->timeline_from)
			return on;
		on.timeline = other->timeline->handle;
		on.value = other->timeline_base + ticket;
	}
	for (uint32_t i = 0; i < KILN_STREAM_SLOTS; i++)
		if (other->slots[i].pending && other->slots[i].ticket == ticket)
			on.number = other->slots[i].number;
	return on;
}

enum kiln_status kiln_stream_reach(struct kiln_stream *stream, struct kiln_stream *other, uint64_t ticket,
                                   struct kiln_stream_dependency *out_dependency)
{
	enum kiln_status status = KILN_OK;
	bool done;

	*out_dependency = (struct kiln_stream_dependency){0};
	kiln_mutex_lock(&other->lock);
	if (ticket == other->next_ticket)
		status = kiln_stream_submit_locked(other, NULL);
	done = ticket <= atomic_load_explicit(&other->done_ticket, memory_order_relaxed) ||
	       ticket >= other->next_ticket; /* noted, and never recorded */
	if (status == KILN_OK && !done)
		*out_dependency = stand_in(stream, other, ticket);
	kiln_mutex_unlock(&other->lock);
	if (status != KILN_OK || done || out_dependency->number)
		return status;
	return kiln_stream_wait_device(other, ticket, KILN_WAIT_FOREVER);
}

struct dependencies {
	struct kiln_stream_dependency *list;
	uint32_t count, room;
};

static enum kiln_status add_dependency(struct dependencies *all, const struct kiln_stream_dependency *one)
{
	if (all->count == all->room) {
		uint32_t room = all->room ? 2 * all->room : 8;
		struct kiln_stream_dependency *more = kiln_realloc(all->list, room * sizeof(*more));

		if (!more)
			return kiln_error(KILN_ERR_OUT_OF_MEMORY,
			                  "out of memory ordering streams. Fix: free memory and call again");
		all->list = more;
		all->room = room;
	}
	all->list[all->count++] = *one;
	return KILN_OK;
}

static enum kiln_status gather_one(struct kiln_stream *stream, const struct kiln_stream_binding *binding,
                                   const struct kiln_shared_use *shared, struct dependencies *all)
{
	struct kiln_byte_range range = {binding->offset, binding->offset + binding->bytes};
	uint64_t ticket = kiln_hazard_foreign(&shared->use, range, binding->access);
	struct kiln_stream_dependency dependency;
	struct kiln_stream *other;
	enum kiln_status status;

	if (ticket == 0 || shared->stream == stream->id)
		return KILN_OK;
	other = kiln_stream_find(stream->device, shared->stream);
	if (!other)
		return KILN_OK;
	status = kiln_stream_reach(stream, other, ticket, &dependency);
	kiln_stream_unreference(other);
	if (status == KILN_OK && dependency.number)
		status = add_dependency(all, &dependency);
	return status;
}

static enum kiln_status gather(struct kiln_stream *stream, const struct kiln_stream_binding *bindings,
                               uint32_t count, struct dependencies *all)
{
	for (uint32_t i = 0; i < count; i++) {
		struct kiln_buffer *buffer = bindings[i].buffer;

		if (owner_of(buffer) != KILN_OWNER_SHARED)
			continue;
		for (uint32_t j = 0; j < buffer->use.shared_count; j++)
			KILN_TRY(gather_one(stream, &bindings[i], &buffer->use.shared[j], all));
	}
	return KILN_OK;
}

/* ---- Back to one owner, with the stream locked as well ---- */

static bool others_are_done(const struct kiln_stream *stream, const struct kiln_buffer *buffer)
{
	for (uint32_t i = 0; i < buffer->use.shared_count; i++) {
		const struct kiln_shared_use *shared = &buffer->use.shared[i];
		struct kiln_stream *other;
		bool done;

		if (shared->stream == stream->id)
			continue;
		other = kiln_stream_find(stream->device, shared->stream);
		done = !other ||
		       shared->use.ticket <= atomic_load_explicit(&other->done_ticket, memory_order_acquire);
		if (other)
			kiln_stream_unreference(other);
		if (!done)
			return false;
	}
	return true;
}

/* A buffer that was filled by one stream and lives in another soon costs no more than any. */
static void adopt(struct kiln_stream *stream, const struct kiln_stream_binding *bindings, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct kiln_buffer *buffer = bindings[i].buffer;

		if (owner_of(buffer) != KILN_OWNER_SHARED || !others_are_done(stream, buffer))
			continue;
		buffer->use.own = *shared_use(buffer, stream->id);
		buffer->use.shared_count = 0;
		atomic_store_explicit(&buffer->use.owner, stream->id, memory_order_release);
	}
}

static enum kiln_status open_ordered(struct kiln_stream *stream, const struct kiln_stream_binding *bindings,
                                     uint32_t count, struct kiln_stream_slot **out_slot)
{
	struct dependencies all = {0};
	enum kiln_status status;

	KILN_TRY(share_all(stream, bindings, count));
	status = gather(stream, bindings, count, &all);
	if (status == KILN_OK)
		status = kiln_stream_begin(stream, out_slot);
	for (uint32_t i = 0; i < all.count && status == KILN_OK; i++) {
		status = kiln_stream_depend(stream, &all.list[i], out_slot);
		if (status != KILN_OK)
			kiln_stream_end(stream, 0);
	}
	kiln_free(all.list);
	if (status == KILN_OK)
		adopt(stream, bindings, count);
	return status;
}

/* ---- One operation ---- */

/* What is owned can only become shared with this stream locked, so it is looked at again under the lock. */
enum kiln_status kiln_stream_open(struct kiln_stream *stream, const struct kiln_stream_binding *bindings,
                                  uint32_t count, struct kiln_stream_slot **out_slot, bool *out_ordered)
{
	enum kiln_status status;

	KILN_TRY(kiln_stream_begin(stream, out_slot));
	*out_ordered = !owns_all(stream, bindings, count);
	if (!*out_ordered)
		return KILN_OK;
	kiln_stream_end(stream, 0);
	kiln_mutex_lock(&stream->device->order);
	status = open_ordered(stream, bindings, count, out_slot);
	if (status != KILN_OK)
		kiln_mutex_unlock(&stream->device->order);
	return status;
}

void kiln_stream_close(struct kiln_stream *stream, uint32_t commands, bool ordered)
{
	kiln_stream_end(stream, commands);
	if (ordered)
		kiln_mutex_unlock(&stream->device->order);
}

/* NULL = nothing is remembered. */
static struct kiln_stream_use *use_of(struct kiln_stream *stream, struct kiln_buffer *buffer)
{
	return owner_of(buffer) == stream->id ? &buffer->use.own : shared_use(buffer, stream->id);
}

static struct kiln_access access_of(const struct kiln_stream *stream,
                                    const struct kiln_stream_binding *binding, uint64_t ticket)
{
	return (struct kiln_access){
		.range = {binding->offset, binding->offset + binding->bytes},
		.access = binding->access,
		.epoch = stream->epoch,
		.ticket = ticket,
		.done = atomic_load_explicit(&stream->done_ticket, memory_order_relaxed),
	};
}

void kiln_stream_note(struct kiln_stream *stream, struct kiln_stream_slot *slot,
                      const struct kiln_stream_binding *bindings, uint32_t count)
{
	uint64_t done = atomic_load_explicit(&stream->done_ticket, memory_order_relaxed);

	for (uint32_t i = 0; i < count; i++) {
		struct kiln_access access = access_of(stream, &bindings[i], slot->ticket);

		struct kiln_stream_use *use = use_of(stream, bindings[i].buffer);

		if (use)
			kiln_hazard_note(use, &access, done);
	}
}

void kiln_stream_order(struct kiln_stream *stream, struct kiln_stream_slot *slot,
                       const struct kiln_stream_binding *bindings, uint32_t count)
{
	bool hazard = false;

	for (uint32_t i = 0; i < count && !hazard; i++) {
		struct kiln_access access = access_of(stream, &bindings[i], slot->ticket);

		const struct kiln_stream_use *use = use_of(stream, bindings[i].buffer);

		hazard = use && kiln_hazard(use, &access);
	}
	if (hazard)
		kiln_stream_barrier(stream, slot);
	kiln_stream_note(stream, slot, bindings, count);
}

/* ---- Facts ---- */

/* These two are false where the buffer has changed hands before its guard was locked: what was enqueued is noted elsewhere
 * by now. */
static bool tickets_of_shared(struct kiln_buffer *buffer, bool for_write, struct kiln_ticket *out_tickets,
                              uint32_t room, uint32_t *out_count)
{
	bool still;

	*out_count = 0;
	kiln_mutex_lock(&buffer->device->order);
	still = owner_of(buffer) == KILN_OWNER_SHARED;
	for (uint32_t i = 0; still && i < buffer->use.shared_count && *out_count < room; i++) {
		const struct kiln_shared_use *shared = &buffer->use.shared[i];

		out_tickets[(*out_count)++] =
			(struct kiln_ticket){shared->stream,
		                             for_write ? shared->use.ticket : shared->use.write_ticket};
	}
	kiln_mutex_unlock(&buffer->device->order);
	return still;
}

static bool ticket_of_owner(struct kiln_buffer *buffer, uint64_t id, bool for_write,
                            struct kiln_ticket *out_ticket, uint32_t *out_count)
{
	struct kiln_stream *owner = kiln_stream_find(buffer->device, id);
	const struct kiln_stream_use *use = &buffer->use.own;
	bool still;

	*out_count = 0;
	if (!owner)
		return owner_of(buffer) == id;
	kiln_mutex_lock(&owner->lock);
	still = owner_of(buffer) == id;
	if (still)
		out_ticket[(*out_count)++] =
			(struct kiln_ticket){id, for_write ? use->ticket : use->write_ticket};
	kiln_mutex_unlock(&owner->lock);
	kiln_stream_unreference(owner);
	return still;
}

/* What comes to be enqueued meanwhile is the other thread's, and this call does not order after it. */
uint32_t kiln_buffer_tickets(struct kiln_buffer *buffer, bool for_write, struct kiln_ticket *out_tickets,
                             uint32_t room)
{
	uint32_t count = 0;
	bool still;

	do {
		uint64_t id = owner_of(buffer);

		if (id == 0 || room == 0)
			return 0;
		still = id == KILN_OWNER_SHARED
		                ? tickets_of_shared(buffer, for_write, out_tickets, room, &count)
		                : ticket_of_owner(buffer, id, for_write, out_tickets, &count);
	} while (!still);
	return count;
}
