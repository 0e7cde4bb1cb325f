/* A buffer from the inside. */
#ifndef RUNTIME_BUFFER_H
#define RUNTIME_BUFFER_H

#include <stdatomic.h>
#include <stdbool.h>

#include <kiln/buffer.h>

#include "memory.h"
#include "retire.h"
#include "stream.h"

struct kiln_buffer {
	struct kiln_device *device;    /* referenced by buffers of the caller, not by Kiln's own */
	VkBuffer handle;               /* of `bytes` rounded up to 4, so that a fill reaches the last byte */
	struct kiln_allocation memory; /* memory.data is the host address, NULL when not host-visible */
	uint64_t bytes;                /* as asked for */
	enum kiln_memory kind;
	bool read_only;
	atomic_bool mapped;          /* by kiln_buffer_map() */
	struct kiln_buffer_use use;  /* the stream's */
	struct kiln_retired retired; /* the stream's */
	char name[48];
};

/* A buffer without defined contents and without a device reference: what staging uses. The size was
 * checked. */
enum kiln_status kiln_buffer_new(struct kiln_device *device, uint64_t bytes, enum kiln_memory kind,
                                 const char *name, struct kiln_buffer **out_buffer);

/* Frees once no submission uses it any more. Neither touches the device's reference count, so that the
 * stream may free under its lock: kiln_buffer_destroy() drops the reference after it has retired the
 * buffer. */
void kiln_buffer_retire(struct kiln_buffer *buffer);
/* Frees at once: no submission uses it any more. */
void kiln_buffer_free(struct kiln_buffer *buffer);

#endif
