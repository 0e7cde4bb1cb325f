/* Host bytes to and from memory the host cannot see, or reads too slowly, through a few reused buffers of each stream:
 * however much is copied, at most 16 MiB in each direction is ever allocated for it. */
#ifndef RUNTIME_STAGING_H
#define RUNTIME_STAGING_H

#include <stdbool.h>
#include <stdint.h>

#include <base/thread.h>
#include <kiln/status.h>

struct kiln_buffer;
struct kiln_stream;

/* Two buffers that take turns: the host works on one while the device copies the other. */
struct kiln_staging_lane {
	struct kiln_mutex lock; /* taken before the stream's and the pool's */
	bool lock_ready;
	struct kiln_buffer *buffers[2]; /* made when first needed, replaced by larger ones */
	uint32_t turn;
	uint64_t filled; /* bytes of buffers[turn] that enqueued copies read */
};

struct kiln_staging {
	struct kiln_staging_lane upload, readback;
};

enum kiln_status kiln_staging_init(struct kiln_staging *staging);
/* Nothing enqueued may use the buffers any more. Zeroed memory is fine. */
void kiln_staging_finish(struct kiln_staging *staging);

/* Enqueues writing `data`, which may be reused on return. The range lies in `target`. */
enum kiln_status kiln_staging_write(struct kiln_stream *stream, struct kiln_buffer *target, uint64_t offset,
                                    const void *data, uint64_t bytes);
/* Reads after everything enqueued before, and waits for it. The range lies in `source`. */
enum kiln_status kiln_staging_read(struct kiln_stream *stream, struct kiln_buffer *source, uint64_t offset,
                                   void *out_data, uint64_t bytes);

/* For copies that are more than a range, those of images. The caller holds the lane's lock from the first to the last piece. */

/* Room for `bytes` in an upload buffer that no enqueued copy reads; where it begins is a multiple of 256. */
enum kiln_status kiln_staging_room(struct kiln_stream *stream, uint64_t bytes, struct kiln_buffer **out_buffer,
                                   uint64_t *out_at);
/* The room was written: the device may read it, and what comes next lies behind it. */
enum kiln_status kiln_staging_fill(struct kiln_stream *stream, uint64_t at, uint64_t bytes);
/* One of the two readback buffers, of at least so many bytes, which nothing enqueued uses once its last contents were read. */
enum kiln_status kiln_staging_readback(struct kiln_stream *stream, uint32_t turn, uint64_t bytes,
                                       struct kiln_buffer **out_buffer);

#endif
