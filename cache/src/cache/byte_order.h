/* Little-endian words in shared memory. */
#ifndef CACHE_BYTE_ORDER_H
#define CACHE_BYTE_ORDER_H

#include <stdint.h>

/* To little-endian and back. */
static inline uint64_t kiln_le64(uint64_t value)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return __builtin_bswap64(value);
#else
	return value;
#endif
}

#endif
