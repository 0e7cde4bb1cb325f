/* What the examples share: leaving on the first error, reading an option's number, a table of what was done. */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include <kiln/kiln.h>

#define EXAMPLE_SKIP 77 /* exit code: nothing here that could run it */

/* Runs one call; on failure goes to `done` with `status` set. */
#define TRY(call)                          \
	do {                               \
		status = (call);           \
		if (status != KILN_OK)     \
			goto done;         \
	} while (0)

/* The exit code for how an example ended: 0, 1 for a failure or wrong output, 77 when no device could run it.
 * Says on stderr what failed. */
int example_exit(enum kiln_status status, bool correct);

/* A number between `low` and `high` from an option's text; leaves the program with exit code 2 for anything
 * else. */
double example_number(const char *option, const char *text, double low, double high);
/* The same for whole numbers. */
uint32_t example_count(const char *option, const char *text, uint32_t low, uint32_t high);

/* After getopt_long(): more arguments than that are a mistake; exits with code 2. */
void example_arguments(int argc, char **argv, int most);

/* Prints the help text and leaves the program: exit code 0 on stdout, 2 on stderr. */
_Noreturn void example_usage(const char *help, int code);

/* Milliseconds on a clock that only runs forward. */
double example_ms(void);

/* "40.2 ms", "0.52 us": in `out_text`, which it returns. */
#define EXAMPLE_TIME_BYTES 24
const char *example_time(double ns, char out_text[EXAMPLE_TIME_BYTES]);

/* Opens the device Kiln likes best, and prints which; one that cannot launch is KILN_ERR_COMPILE_ONLY. */
enum kiln_status example_open(struct kiln_device **out_device);

/* Resolves, launches and waits, and prints one row of the table below. */
enum kiln_status example_run(struct kiln_device *device, struct kiln_kernel *kernel, const char *name,
                             const struct kiln_launch_params *launch);
void example_table(void);

#endif
