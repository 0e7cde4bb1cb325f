/* What a buffer holds when its device was lost and reopened: the copy the host kept of it, or nothing until it is written. */
#ifndef RUNTIME_BUFFER_CONTENTS_H
#define RUNTIME_BUFFER_CONTENTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <base/thread.h>
#include <kiln/loss.h>

#include "device_part.h"
#include "hazard.h"

struct kiln_buffer;

/* Bytes that nobody wrote since the device was reopened, in ascending order. */
struct kiln_missing {
	struct kiln_byte_range *ranges;
	uint32_t count, room;
};

/* Takes bytes out. False = out of memory: some that were written still count as missing. Pure. */
bool kiln_missing_remove(struct kiln_missing *missing, struct kiln_byte_range written);
/* The first missing bytes inside the range; false = none are. Pure. */
bool kiln_missing_find(const struct kiln_missing *missing, struct kiln_byte_range range,
                       struct kiln_byte_range *out_first);

/* Part of a buffer. Zeroed = no shadow, nothing missing. */
struct kiln_buffer_contents {
	struct kiln_part part;
	unsigned char *shadow;       /* what the host last wrote; NULL = none is kept */
	atomic_bool has_missing;     /* `missing` is not empty */
	struct kiln_missing missing; /* guarded by the device's list of parts */
};

/* Makes it a part of its device. */
void kiln_contents_init(struct kiln_buffer *buffer);
void kiln_contents_finish(struct kiln_buffer *buffer);
/* From here on the host keeps a copy, of zeroes at first. */
enum kiln_status kiln_contents_shadow(struct kiln_buffer *buffer);

/* The host wrote, filled, or has written through a mapping; or other bytes were copied there. */
void kiln_contents_wrote(struct kiln_buffer *buffer, uint64_t offset, const void *data, uint64_t bytes);
void kiln_contents_filled(struct kiln_buffer *buffer, uint64_t offset, uint64_t bytes, uint32_t value);
void kiln_contents_unmapped(struct kiln_buffer *buffer);
void kiln_contents_copied(struct kiln_buffer *buffer, uint64_t offset, uint64_t bytes);

enum kiln_status kiln_contents_refuse(struct kiln_buffer *buffer, const char *call, uint64_t offset,
                                      uint64_t bytes);

/* KILN_ERR_CONTENTS_LOST where some of the bytes are missing; `call` is for the message. */
#define kiln_contents_check(buffer, call, offset, bytes)                             \
	(atomic_load_explicit(&(buffer)->contents.has_missing, memory_order_relaxed) \
	         ? kiln_contents_refuse((buffer), (call), (offset), (bytes))         \
	         : KILN_OK)

#endif
