#include "hazard.h"

#include <kiln/identity.h>

bool kiln_hazard(const struct kiln_buffer_use *use, uint32_t access, uint64_t epoch)
{
	return use->write_epoch == epoch || ((access & KILN_ACCESS_WRITE) && use->read_epoch == epoch);
}

void kiln_hazard_note(struct kiln_buffer_use *use, uint32_t access, uint64_t epoch, uint64_t ticket)
{
	use->ticket = ticket;
	if (!(access & KILN_ACCESS_WRITE)) {
		use->read_epoch = epoch;
		return;
	}
	use->write_epoch = epoch;
	use->write_ticket = ticket;
}
