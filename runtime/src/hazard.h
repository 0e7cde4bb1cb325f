/* Which uses of a buffer need a barrier between them, or another stream to be waited for. Pure: plain numbers, tested without
 * a device.
 *
 * Recording a barrier starts a new epoch of its stream, and epochs count from 1. Bytes written in this epoch may not be
 * touched again before the next one, bytes read in this epoch may not be written. A barrier orders everything before it with
 * everything after, so starting an epoch only where a hazard asks for one gives the fewest barriers there can be. Submission
 * order makes barriers reach across a stream's submissions, so epochs do too. What the host knows to be done needs none: it is
 * done before anything that is submitted from now on.
 *
 * What is remembered per stream is a few byte ranges. More than fit are joined, which can only ask for a barrier too many. */
#ifndef RUNTIME_HAZARD_H
#define RUNTIME_HAZARD_H

#include <stdbool.h>
#include <stdint.h>

#define KILN_USE_RANGES 6u

struct kiln_byte_range {
	uint64_t begin, end; /* end is one past the last */
};

/* Bytes that a stream used, and when last. 0 = never. */
struct kiln_range_use {
	struct kiln_byte_range range;
	uint64_t read_epoch, write_epoch;
	uint64_t read_ticket, write_ticket; /* submissions; they count from 1 */
};

/* What one stream did to a buffer. Zero-initialised = nothing. */
struct kiln_stream_use {
	uint64_t ticket;       /* last submission that touches it */
	uint64_t write_ticket; /* last submission that writes it */
	uint32_t count;
	struct kiln_range_use ranges[KILN_USE_RANGES];
};

/* One access, at a point of the stream. `access`: KILN_ACCESS_*; what is bound and never touched counts as read. */
struct kiln_access {
	struct kiln_byte_range range;
	uint32_t access;
	uint64_t epoch, ticket;
	uint64_t done; /* submissions up to this one are known to be; 0 = none */
};

/* Does it need a barrier before it? Of `access`, the ticket is not looked at. */
bool kiln_hazard(const struct kiln_stream_use *use, const struct kiln_access *access);

/* The submission of this stream, 0 = none, that must be done before another stream may access these bytes. */
uint64_t kiln_hazard_foreign(const struct kiln_stream_use *use, struct kiln_byte_range range,
                             uint32_t access);

/* Remembers the access. Ranges of submissions up to `done_ticket` may be forgotten where room is needed, those of earlier
 * epochs than the access's are no hazard to its own stream any more. */
void kiln_hazard_note(struct kiln_stream_use *use, const struct kiln_access *access, uint64_t done_ticket);

#endif
