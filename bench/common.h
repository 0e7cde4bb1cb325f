/* What every benchmark needs: a clock, series with median and p99, options, JSON, and the choice of a driver.
 * Benchmarks see only Kiln's public headers, so this is their own small floor. */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bench_options {
	unsigned rounds; /* 0 = the benchmark's own default */
	bool json;
};

/* Parses --rounds N, --json, --help; exits on anything else. `what` is the help's first line. */
struct bench_options bench_parse(int argc, char **argv, const char *what, unsigned default_rounds);

uint64_t bench_now_ns(void); /* monotonic */

/* Samples in the order they came. Zero-initialised is empty. */
struct bench_series {
	double *values;
	size_t count;
	size_t capacity;
};

void bench_add(struct bench_series *series, double value);
double bench_median(const struct bench_series *series);
double bench_percentile(const struct bench_series *series, double percent); /* nearest rank */
void bench_finish(struct bench_series *series);

/* One line of the result: ours against the yardstick, measured in the same rounds. */
struct bench_result {
	const char *name;
	const char *unit;
	const struct bench_series *raw; /* NULL = no yardstick */
	const struct bench_series *ours;
	double limit; /* the promise, in `unit`; 0 = none */
	const char *
		limit_what; /* what the promise is about: "median", "median - raw median", "raw median / ours" */
};

/* Prints a table for people, or one JSON object. */
void bench_print(const char *bench, const struct bench_options *options, const struct bench_result *results,
                 size_t count);

/* Points the loader at the manifest whose file name begins with `stem` ("lvp_icd", "radeon_icd"), unless
 * the environment chooses a driver already. Returns: false when there is no such manifest. */
bool bench_use_driver(const char *stem);

/* Makes a private folder under $TMPDIR; exits on failure. The caller frees the path. */
char *bench_make_folder(void);
void bench_remove_folder(const char *path);

/* "a/b" on the heap; exits when out of memory. */
char *bench_path(const char *folder, const char *name);

/* Prints "<program>: <message>" and exits with status 1. */
_Noreturn void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same with status 77, which a test runner counts as skipped: the machine lacks what is measured. */
_Noreturn void bench_skip(const char *reason);

#endif
