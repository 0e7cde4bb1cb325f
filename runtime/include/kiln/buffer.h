/* Device memory. Sizes and offsets are bytes. */
#ifndef KILN_BUFFER_H
#define KILN_BUFFER_H

#include <stdbool.h>
#include <stdint.h>

#include <kiln/device.h>

KILN_BEGIN_DECLS

struct kiln_buffer;

enum kiln_memory {
	KILN_MEMORY_DEVICE = 0, /* fastest for kernels; also host-visible where the device has such memory */
	KILN_MEMORY_UPLOAD,     /* host-visible, meant to be written by the host */
	KILN_MEMORY_READBACK,   /* host-visible and host-cached, meant to be read by the host */
};

struct kiln_buffer_params {
	uint64_t bytes;         /* at least 1 */
	const void *contents;   /* NULL = zeroes */
	enum kiln_memory memory;
	bool read_only;         /* kernels may only read it; a kernel that writes it is refused */
	bool shadowed;          /* the host keeps a copy of what it wrote, for kiln_device_reopen() (loss.h): as much host memory
	                           again, and one more copy of what is created, written, uploaded, filled or unmapped. What
	                           kernels and copies write is not in it */
	const char *name;       /* for messages; copied; NULL = "buffer" */
};

/** Creates a buffer holding `contents`, or zeroes.
 *  Returns: KILN_ERR_INVALID_ARGUMENT, KILN_ERR_TOO_LARGE (over the device's limit), KILN_ERR_OUT_OF_DEVICE_MEMORY,
 *  KILN_ERR_COMPILE_ONLY.
 *  Ownership: the caller destroys it.  Threads: any.  Blocks: while the contents are copied. */
KILN_API enum kiln_status kiln_buffer_create(struct kiln_device *device, const struct kiln_buffer_params *params,
                                             struct kiln_buffer **out_buffer);
/** Frees once the device no longer uses it and sets NULL; NULL and *buffer NULL are fine.  Blocks: no, but for pages of the
 *  caller's own (memory.h). */
KILN_API void kiln_buffer_destroy(struct kiln_buffer **buffer);

/** Its size; 0 for NULL.  Threads: any.  Blocks: no. */
KILN_API uint64_t kiln_buffer_bytes(const struct kiln_buffer *buffer);

/** Reads after everything enqueued before, and waits for it. The range must lie inside the buffer.
 *  Returns: KILN_ERR_INVALID_ARGUMENT, KILN_ERR_DEVICE_LOST, KILN_ERR_CONTENTS_LOST after a reopening (loss.h).  Threads: any.  Blocks: yes. */
KILN_API enum kiln_status kiln_buffer_read(struct kiln_buffer *buffer, uint64_t offset, void *out_data, uint64_t bytes);

/** Writes after everything enqueued before; `data` may be reused on return.  Threads: any.  Blocks: while copying,
 *  and until launches that use the buffer are done. */
KILN_API enum kiln_status kiln_buffer_write(struct kiln_buffer *buffer, uint64_t offset, const void *data, uint64_t bytes);

/** Enqueues filling with a 32-bit pattern; offset and bytes are multiples of 4.  Blocks: as kiln_stream_fill() (stream.h). */
KILN_API enum kiln_status kiln_buffer_fill(struct kiln_buffer *buffer, uint64_t offset, uint64_t bytes, uint32_t value);

/** Enqueues a copy; ranges of one buffer must not overlap.  Blocks: as kiln_stream_copy() (stream.h). */
KILN_API enum kiln_status kiln_buffer_copy(struct kiln_buffer *source, uint64_t source_offset, struct kiln_buffer *target,
                                           uint64_t target_offset, uint64_t bytes);

/** Host address of the whole buffer, after everything enqueued before is done. The host and kernels must take turns: call
 *  kiln_buffer_unmap() before the next launch that uses it. Only for memory the host can see; of read-only pages that
 *  kiln_buffer_from_host() took, it may only be read.
 *  Returns: KILN_ERR_UNSUPPORTED when the buffer's memory is not host-visible.
 *  Ownership: the buffer's.  Threads: any.  Blocks: yes. */
KILN_API enum kiln_status kiln_buffer_map(struct kiln_buffer *buffer, void **out_data);
/** Makes host writes visible to the device. NULL or not mapped: nothing. */
KILN_API void kiln_buffer_unmap(struct kiln_buffer *buffer);

KILN_END_DECLS

#endif
