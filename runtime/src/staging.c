#include "staging.h"

#include <string.h>

#include "buffer.h"
#include "device.h"
#include "stream.h"

static const uint64_t LEAST_BYTES = UINT64_C(64) << 10;
static const uint64_t PIECE_BYTES = UINT64_C(8) << 20;
static const uint64_t STEP_BYTES =
	256; /* where the next small write starts; apart from its neighbour's non-coherent atom */

enum kiln_status kiln_staging_init(struct kiln_staging *staging)
{
	KILN_TRY(kiln_mutex_init(&staging->upload.lock));
	staging->upload.lock_ready = true;
	KILN_TRY(kiln_mutex_init(&staging->readback.lock));
	staging->readback.lock_ready = true;
	return KILN_OK;
}

static void finish_lane(struct kiln_staging_lane *lane)
{
	for (uint32_t i = 0; i < 2; i++) {
		if (lane->buffers[i])
			kiln_buffer_free(lane->buffers[i]);
		lane->buffers[i] = NULL;
	}
	if (lane->lock_ready)
		kiln_mutex_finish(&lane->lock);
	lane->lock_ready = false;
}

void kiln_staging_finish(struct kiln_staging *staging)
{
	finish_lane(&staging->upload);
	finish_lane(&staging->readback);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Makes sure that a buffer of the lane exists and holds `bytes`, which are at most one piece. */
static enum kiln_status provide(struct kiln_stream *stream, struct kiln_buffer **slot, uint64_t bytes,
                                enum kiln_memory kind)
{
	struct kiln_buffer *larger;
	uint64_t size = LEAST_BYTES;

	if (*slot && (*slot)->bytes >= bytes)
		return KILN_OK;
	while (size < bytes)
		size *= 2;
	KILN_TRY(kiln_buffer_new(stream->device, size, kind, "staging", &larger));
	if (*slot)
		kiln_buffer_retire(*slot);
	*slot = larger;
	return KILN_OK;
}

/* Finds room that no enqueued copy reads: behind the last write, or in the other buffer once the device is
 * done with it. */
static enum kiln_status find_room(struct kiln_stream *stream, struct kiln_staging_lane *lane, uint64_t bytes)
{
	struct kiln_buffer *current = lane->buffers[lane->turn];
	uint32_t other = lane->turn ^ 1;

	if (current && lane->filled <= current->bytes && bytes <= current->bytes - lane->filled)
		return KILN_OK;
	KILN_TRY(provide(stream, &lane->buffers[other], bytes, KILN_MEMORY_UPLOAD));
	KILN_TRY(kiln_stream_wait_buffer_device(lane->buffers[other], true));
	lane->turn = other; /* only now: before, what is in it may still be read */
	lane->filled = 0;
	return KILN_OK;
}

enum kiln_status kiln_staging_room(struct kiln_stream *stream, uint64_t bytes, struct kiln_buffer **out_buffer,
                                   uint64_t *out_at)
{
	struct kiln_staging_lane *lane = &stream->staging.upload;

	KILN_TRY(find_room(stream, lane, bytes));
	*out_buffer = lane->buffers[lane->turn];
	*out_at = lane->filled;
	return KILN_OK;
}

enum kiln_status kiln_staging_fill(struct kiln_stream *stream, uint64_t at, uint64_t bytes)
{
	struct kiln_staging_lane *lane = &stream->staging.upload;

	lane->filled = (at + bytes + STEP_BYTES - 1) & ~(STEP_BYTES - 1);
	return kiln_memory_flush(stream->device, &lane->buffers[lane->turn]->memory, at, bytes);
}

static enum kiln_status write_piece(struct kiln_stream *stream, struct kiln_buffer *target, uint64_t offset,
                                    const void *data, uint64_t bytes)
{
	struct kiln_buffer *staging;
	uint64_t at;

	KILN_TRY(kiln_staging_room(stream, bytes, &staging, &at));
	memcpy((unsigned char *)staging->memory.data + at, data, (size_t)bytes);
	KILN_TRY(kiln_staging_fill(stream, at, bytes));
	return kiln_stream_record_copy(stream, staging, at, target, offset, bytes);
}

enum kiln_status kiln_staging_write(struct kiln_stream *stream, struct kiln_buffer *target, uint64_t offset,
                                    const void *data, uint64_t bytes)
{
	struct kiln_staging_lane *lane = &stream->staging.upload;
	enum kiln_status status = KILN_OK;
	uint64_t piece;

	kiln_mutex_lock(&lane->lock);
	for (uint64_t done = 0; done < bytes && status == KILN_OK; done += piece) {
		piece = least(bytes - done, PIECE_BYTES);
		status =
			write_piece(stream, target, offset + done, (const unsigned char *)data + done, piece);
	}
	kiln_mutex_unlock(&lane->lock);
	return status;
}

enum kiln_status kiln_staging_readback(struct kiln_stream *stream, uint32_t turn, uint64_t bytes,
                                       struct kiln_buffer **out_buffer)
{
	struct kiln_buffer **slot = &stream->staging.readback.buffers[turn];

	KILN_TRY(provide(stream, slot, bytes, KILN_MEMORY_READBACK));
	*out_buffer = *slot;
	return KILN_OK;
}

/* Enqueues the copy of one piece into its lane buffer. */
static enum kiln_status fetch_piece(struct kiln_stream *stream, struct kiln_buffer *source, uint64_t offset,
                                    uint64_t bytes, uint32_t turn)
{
	struct kiln_buffer *staging;

	KILN_TRY(kiln_staging_readback(stream, turn, bytes, &staging));
	return kiln_stream_record_copy(stream, source, offset, staging, 0, bytes);
}

static enum kiln_status collect_piece(struct kiln_stream *stream, void *out_data, uint64_t bytes,
                                      uint32_t turn)
{
	struct kiln_buffer *staging = stream->staging.readback.buffers[turn];

	KILN_TRY(kiln_stream_wait_buffer_device(staging, false));
	KILN_TRY(kiln_memory_invalidate(stream->device, &staging->memory, 0, bytes));
	memcpy(out_data, staging->memory.data, (size_t)bytes);
	return KILN_OK;
}

/* The next piece is enqueued before the host waits for this one, so that one submission brings two. */
static enum kiln_status read_pieces(struct kiln_stream *stream, struct kiln_buffer *source, uint64_t offset,
                                    void *out_data, uint64_t bytes)
{
	uint32_t turn = 0;

	KILN_TRY(fetch_piece(stream, source, offset, least(bytes, PIECE_BYTES), turn));
	for (uint64_t done = 0; done < bytes; turn ^= 1) {
		uint64_t piece = least(bytes - done, PIECE_BYTES);
		uint64_t next = done + piece;

		if (next < bytes)
			KILN_TRY(fetch_piece(stream, source, offset + next, least(bytes - next, PIECE_BYTES),
			                     turn ^ 1));
		KILN_TRY(collect_piece(stream, (unsigned char *)out_data + done, piece, turn));
		done = next;
	}
	return KILN_OK;
}

enum kiln_status kiln_staging_read(struct kiln_stream *stream, struct kiln_buffer *source, uint64_t offset,
                                   void *out_data, uint64_t bytes)
{
	struct kiln_staging_lane *lane = &stream->staging.readback;
	enum kiln_status status;

	if (!bytes)
		return KILN_OK;
	kiln_mutex_lock(&lane->lock);
	status = read_pieces(stream, source, offset, out_data, bytes);
	kiln_mutex_unlock(&lane->lock);
	return status;
}
