/* Which process this is, without asking the system: a forked child has a driver without threads, and locks that may be held
 * for ever by threads that it does not have. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stdint.h>

/* Differs between a process and those it was forked off from. */
uint32_t kiln_process_generation(void);

#endif
