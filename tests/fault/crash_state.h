/* One state a power cut may leave, out of what recording_fs.h recorded. */
#ifndef TESTS_CRASH_STATE_H
#define TESTS_CRASH_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recording_fs.h"

struct crash_state {
	int link[RECORDING_NAMES]; /* node, -1 = none */
	uint64_t bytes[RECORDING_NODES];
	uint64_t blocks[RECORDING_NODES];
};

/* The first `changes` changes, as far as `applied` says so. */
void crash_state_make(const struct recording_fs *recording, size_t changes, const bool *applied,
                      struct crash_state *out_state);

/* Of what can be seen: two states of the same sum are laid out as the same files. */
uint64_t crash_state_hash(const struct recording_fs *recording, const struct crash_state *state);

/* One more value for such a sum. */
uint64_t crash_mix(uint64_t sum, uint64_t value);

/* Makes the files of it below `base`, which must not exist. Temp files get the number of a dead process. */
void crash_state_lay_out(const struct recording_fs *recording, const struct crash_state *state, const char *base);

#endif
