/* Which uses of a buffer need a barrier between them. Pure: plain numbers, tested without a device.
 *
 * Recording a barrier starts a new epoch, and epochs count from 1. A buffer written in this epoch may not be touched again
 * before the next one, a buffer read in this epoch may not be written. Submission order on one queue makes barriers reach
 * across submissions, so epochs do too. */
#ifndef RUNTIME_HAZARD_H
#define RUNTIME_HAZARD_H

#include <stdbool.h>
#include <stdint.h>

/* What the stream remembers of a buffer, guarded by its lock. Zero-initialised = never used. */
struct kiln_buffer_use {
	uint64_t ticket;       /* last submission that touches it; they count from 1 */
	uint64_t write_ticket; /* last submission that writes it */
	uint64_t read_epoch;   /* of the last read */
	uint64_t write_epoch;  /* of the last write */
};

/* `access`: KILN_ACCESS_*; a buffer that is bound and never touched counts as read. */
bool kiln_hazard(const struct kiln_buffer_use *use, uint32_t access, uint64_t epoch);
void kiln_hazard_note(struct kiln_buffer_use *use, uint32_t access, uint64_t epoch, uint64_t ticket);

#endif
