#include "common.h"

#include <errno.h>
#include <ftw.h>
#include <getopt.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void bench_die(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(1);
}

void bench_skip(const char *reason)
{
	fprintf(stderr, "SKIP %s: %s\n", program_invocation_short_name, reason);
	exit(77);
}

struct bench_options bench_parse(int argc, char **argv, const char *what, unsigned default_rounds)
{
	static const struct option names[] = {
		{"help", no_argument, NULL, 'h'},
		{"json", no_argument, NULL, 'j'},
		{"rounds", required_argument, NULL, 'r'},
		{NULL, 0, NULL, 0},
	};
	struct bench_options options = {.rounds = default_rounds};
	int name;
	while ((name = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (name == 'j') {
			options.json = true;
		} else if (name == 'r') {
			options.rounds = (unsigned)strtoul(optarg, NULL, 10);
		} else {
			fprintf(name == 'h' ? stdout : stderr,
			        "%s\n\nusage: %s [--rounds N (default %u)] [--json]\n", what,
			        program_invocation_short_name, default_rounds);
			exit(name == 'h' ? 0 : 2);
		}
	}
	if (options.rounds == 0 || optind != argc)
		bench_die("bad arguments, see --help");
	return options;
}

uint64_t bench_now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void bench_add(struct bench_series *series, double value)
{
	if (series->count == series->capacity) {
		size_t capacity = series->capacity ? series->capacity * 2 : 64;
		double *values = realloc(series->values, capacity * sizeof *values);
		if (!values)
			bench_die("out of memory");
		series->values = values;
		series->capacity = capacity;
	}
	series->values[series->count++] = value;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double bench_percentile(const struct bench_series *series, double percent)
{
	if (series->count == 0)
		return 0;
	double *sorted = malloc(series->count * sizeof *sorted);
	if (!sorted)
		bench_die("out of memory");
	memcpy(sorted, series->values, series->count * sizeof *sorted);
	qsort(sorted, series->count, sizeof *sorted, compare);
	size_t rank = (size_t)(percent / 100.0 * (double)series->count + 0.999999);
	double value = sorted[rank == 0 ? 0 : rank - 1 < series->count ? rank - 1 : series->count - 1];
	free(sorted);
	return value;
}

double bench_median(const struct bench_series *series)
{
	return bench_percentile(series, 50);
}

void bench_finish(struct bench_series *series)
{
	free(series->values);
	*series = (struct bench_series){0};
}

static double ratio(const struct bench_result *result)
{
	double raw = bench_median(result->raw);
	return raw > 0 ? bench_median(result->ours) / raw : 0;
}

static void print_json(const char *bench, const struct bench_options *options,
                       const struct bench_result *results, size_t count)
{
	printf("{\"bench\": \"%s\", \"rounds\": %u, \"results\": [", bench, options->rounds);
	for (size_t i = 0; i < count; i++) {
		const struct bench_result *result = &results[i];
		printf("%s\n  {\"name\": \"%s\", \"unit\": \"%s\", \"samples\": %zu, \"median\": %.6g, \"p99\": %.6g",
		       i ? "," : "", result->name, result->unit, result->ours->count,
		       bench_median(result->ours), bench_percentile(result->ours, 99));
		if (result->raw)
			printf(", \"raw_median\": %.6g, \"raw_p99\": %.6g, \"ratio\": %.6g",
			       bench_median(result->raw), bench_percentile(result->raw, 99), ratio(result));
		if (result->limit > 0)
			printf(", \"limit\": %.6g, \"limit_on\": \"%s\"", result->limit, result->limit_what);
		printf("}");
	}
	printf("\n]}\n");
}

static void print_table(const struct bench_options *options, const struct bench_result *results, size_t count)
{
	printf("%-34s %-4s %10s %10s %10s %10s %9s  (%u rounds, interleaved)\n", "", "unit", "raw p50",
	       "raw p99", "kiln p50", "kiln p99", "ratio", options->rounds);
	for (size_t i = 0; i < count; i++) {
		const struct bench_result *result = &results[i];
		printf("%-34s %-4s ", result->name, result->unit);
		if (result->raw)
			printf("%10.3f %10.3f ", bench_median(result->raw),
			       bench_percentile(result->raw, 99));
		else
			printf("%10s %10s ", "-", "-");
		printf("%10.3f %10.3f ", bench_median(result->ours), bench_percentile(result->ours, 99));
		if (result->raw)
			printf("%9.3f", ratio(result));
		else
			printf("%9s", "-");
		if (result->limit > 0)
			printf("  promised: %s %g %s", result->limit_what, result->limit, result->unit);
		printf("\n");
	}
}

void bench_print(const char *bench, const struct bench_options *options, const struct bench_result *results,
                 size_t count)
{
	if (options->json)
		print_json(bench, options, results, count);
	else
		print_table(options, results, count);
}

static bool glob_driver(const char *folder, const char *stem)
{
	char pattern[512];
	snprintf(pattern, sizeof pattern, "%s/%s*.json", folder, stem);
	glob_t found = {0};
	bool ok = glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc > 0;
	if (ok) {
		setenv("VK_DRIVER_FILES", found.gl_pathv[0], 1);
		setenv("VK_ICD_FILENAMES", found.gl_pathv[0], 1);
	}
	globfree(&found);
	return ok;
}

bool bench_use_driver(const char *stem)
{
	static const char *const folders[] = {
		"/usr/share/vulkan/icd.d",
		"/etc/vulkan/icd.d",
		"/usr/local/share/vulkan/icd.d",
	};
	if (getenv("VK_DRIVER_FILES") || getenv("VK_ICD_FILENAMES"))
		return true;
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		if (glob_driver(folders[i], stem))
			return true;
	}
	return false;
}

char *bench_path(const char *folder, const char *name)
{
	char *path = NULL;
	if (asprintf(&path, "%s/%s", folder, name) < 0)
		bench_die("out of memory");
	return path;
}

char *bench_make_folder(void)
{
	const char *base = getenv("TMPDIR");
	char *path = bench_path(base && *base ? base : "/tmp", "kiln-bench-XXXXXX");
	if (!mkdtemp(path))
		bench_die("cannot make %s: %s", path, strerror(errno));
	return path;
}

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *walk)
{
	(void)facts, (void)kind, (void)walk;
	return remove(path);
}

void bench_remove_folder(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
