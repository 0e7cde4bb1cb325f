/* What the attacks share: a seed and a count from outside, a check that says what went wrong, and one line of result.
 *
 *	test_kill [COUNT [SEED]]
 *
 * COUNT defaults to what fits `make test`, SEED to something new each time. Both are printed first, and the same two
 * give the same run, as far as the scheduler has no part in it. */
#ifndef TESTS_ATTACK_H
#define TESTS_ATTACK_H

#include <stdbool.h>
#include <stdint.h>

#include <kiln/export.h>

#include "test.h"

struct attack {
	const char *name;
	unsigned count;
	uint64_t seed;
};

/* Prints name, count and seed. Scratch folders of temp_dir.h lie in memory from here on, where there is such a place. */
struct attack attack_begin(const char *name, int argc, char **argv, unsigned count);

/* "name: ...", the result. Returns the exit status of success. */
int attack_end(const struct attack *attack, const char *format, ...) KILN_PRINTF(2, 3);

/* Says what went wrong, and with which seed, and ends the program. */
void attack_failed(const char *file, int line, const char *format, ...) KILN_PRINTF(3, 4);
#define attack_check(condition, ...)                                      \
	do {                                                              \
		if (!(condition))                                         \
			attack_failed(__FILE__, __LINE__, __VA_ARGS__); \
	} while (0)

/* The next of a series; any start will do. */
uint64_t attack_random(uint64_t *state);
static inline unsigned attack_below(uint64_t *state, unsigned bound)
{
	return (unsigned)(attack_random(state) % bound);
}

uint64_t attack_now_ns(void);

/* A payload that says what it is: key number and version, then bytes that follow from both. */
void attack_payload(uint8_t *out, size_t bytes, unsigned key, uint64_t version);
/* Whether it is one of that key's; *out_version (may be NULL) is which. */
bool attack_payload_is(const void *payload, size_t bytes, unsigned key, uint64_t *out_version);
#define ATTACK_PAYLOAD_MIN 16

#endif
