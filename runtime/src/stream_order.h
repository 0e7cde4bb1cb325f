/* Which stream a buffer belongs to, and what happens when a second one uses it. The rules stand in stream.h. */
#ifndef RUNTIME_STREAM_ORDER_H
#define RUNTIME_STREAM_ORDER_H

#include "stream.h"

#define KILN_OWNER_SHARED UINT64_MAX
#define KILN_OWNER_NOBODY (UINT64_MAX - 1) /* nothing is remembered: there is nothing to order */

/* What a shared buffer remembers of one stream. */
struct kiln_shared_use {
	uint64_t stream;
	struct kiln_stream_use use;
};

/* Part of a buffer. Zero-initialised = never used. */
struct kiln_buffer_use {
	atomic_uint_fast64_t
		owner; /* 0, a stream's id, or KILN_OWNER_SHARED. From a stream's id it changes only under
	                                    device->order and that stream's lock */
	struct kiln_stream_use own;     /* guarded by the owner's lock */
	struct kiln_shared_use *shared; /* guarded by device->order */
	uint32_t shared_count, shared_room;
};

void kiln_buffer_use_finish(struct kiln_buffer_use *use);

/* Between begin and end the stream is locked and records one operation on these bindings, which is ordered after what other
 * streams do on the same bytes; the barrier inside the stream is recorded. After a failure nothing is locked. */
enum kiln_status kiln_stream_open(struct kiln_stream *stream, const struct kiln_stream_binding *bindings,
                                  uint32_t count, struct kiln_stream_slot **out_slot, bool *out_ordered);
void kiln_stream_close(struct kiln_stream *stream, uint32_t commands, bool ordered);

/* Remembers the accesses and records the barrier they need: call it when nothing of the operation can fail any more. */
void kiln_stream_order(struct kiln_stream *stream, struct kiln_stream_slot *slot,
                       const struct kiln_stream_binding *bindings, uint32_t count);

/* Remembers them alone: what comes before them is ordered already. */
void kiln_stream_note(struct kiln_stream *stream, struct kiln_stream_slot *slot,
                      const struct kiln_stream_binding *bindings, uint32_t count);

/* Last submissions that touch (or with !for_write: write) the buffer, at most `room`; returns how many. */
uint32_t kiln_buffer_tickets(struct kiln_buffer *buffer, bool for_write, struct kiln_ticket *out_tickets,
                             uint32_t room);

#endif
