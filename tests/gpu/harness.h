/* What every GPU test program shares: one device under validation, a private cache folder, refusals that
 * must say how to fix them, and skips that say why.
 *
 * The driver is chosen outside, by VK_DRIVER_FILES; KILN_TEST_DRIVER is its name, for messages. A program
 * whose driver is not installed exits with 77. Every program ends by asserting that the validation layer
 * had nothing to say. */
#ifndef TESTS_GPU_HARNESS_H
#define TESTS_GPU_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <kiln/kiln.h>

#ifdef NDEBUG
#error "test programs need assertions. Fix: configure with -Db_ndebug=false"
#endif

/* The program's device, opened before the first test and closed after the last. */
extern struct kiln_device *gpu_device;
const struct kiln_device_info *gpu_info(void);

/* Runs the tests; what main() returns. `open` false: gpu_device stays NULL. */
int gpu_main(const char *program, const struct CMUnitTest *tests, size_t count, bool open);
#define GPU_MAIN(program, tests, open) gpu_main((program), (tests), sizeof(tests) / sizeof *(tests), (open))

/* Opens another device with validation on and a cache of its own choice; asserts success. */
struct kiln_device *gpu_open(const struct kiln_device_params *params);
/* Closes and asserts that its validation messages are 0. */
void gpu_close(struct kiln_device **device);

/* Prints "SKIP test: reason" and skips. */
void gpu_skip(const char *test, const char *reason);
#define GPU_NEEDS_LAUNCH()                                                                 \
	do {                                                                               \
		if (!gpu_info()->can_launch)                                               \
			gpu_skip(__func__, "this device only compiles, it cannot launch"); \
	} while (0)

/* The call must succeed; a failure prints its sentence. */
void gpu_ok_(enum kiln_status status, const char *call, const char *file, int line);
#define gpu_ok(call) gpu_ok_((call), #call, __FILE__, __LINE__)

/* The call must fail with `expected` (KILN_OK = any error) and a sentence that says how to fix it. */
void gpu_refused_(enum kiln_status status, enum kiln_status expected, const char *call, const char *file,
                  int line);
#define gpu_refused(call, expected) gpu_refused_((call), (expected), #call, __FILE__, __LINE__)

/* Everything is still usable: a saxpy on the program's device is right, or on a device that only compiles,
 * it resolves. */
void gpu_assert_usable(void);

struct kiln_kernel *gpu_kernel(const void *words, size_t bytes);
#define GPU_KERNEL(spv) gpu_kernel((spv), sizeof(spv))
struct kiln_buffer *gpu_buffer(uint64_t bytes, const void *contents);
/* A buffer of `count` words that count up from `first`. */
struct kiln_buffer *gpu_buffer_counting(uint32_t count, uint32_t first);
uint32_t *gpu_read(struct kiln_buffer *buffer, uint32_t count); /* heap, the caller frees */

/* Log lines of warning level and above since the program started, and whether one of them contains `text`. */
unsigned gpu_warnings(void);
bool gpu_logged(const char *text);
void gpu_forget_log(void);

/* A fresh private folder below the program's own, removed with it. The caller frees the path. */
char *gpu_folder(void);

#endif
