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

#endif
