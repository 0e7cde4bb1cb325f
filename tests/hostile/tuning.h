/* One process that tunes or is tuned on the hostile driver, with the store of its place. Nothing is asserted
 * there: it tells what it saw through memory that it shares with the test. */
#ifndef TESTS_HOSTILE_TUNING_H
#define TESTS_HOSTILE_TUNING_H

#include <kiln/kiln.h>

#include "place.h"
#include "test.h"

enum { TUNING_THREADS = 2000 };

struct tuning {
	struct kiln_store *store;
	struct kiln_device *device;
	struct kiln_kernel *kernel;
	struct kiln_launch_params launch; /* y += 0 x: the buffers stay as they are */
	struct kiln_buffer *x, *y;
};

struct tuning_process {
	const char *script; /* driver/script.h */
	const char *mode;   /* KILN_AUTOTUNE */
	const void *spirv;  /* takes what saxpy takes */
	size_t spirv_bytes;
	void (*work)(struct tuning *tuning, void *seen);
};

/* Runs the work in a process of its own. `seen`: plain data that begins as zeroes. Asserts that the process
 * could begin, ended by itself, and broke no rule of Vulkan. */
void tuning_run(const struct place *place, const struct tuning_process *process, void *seen, size_t bytes);

#endif
