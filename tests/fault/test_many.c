/* What a large cache costs: opening it, asking it for evidence, counting and collecting it. Prints, asserts
 * little. usage: test_many [COUNT] entries; `make campaign` gives 100000 */
#include <kiln/cache.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <base/clock.h>

#include "fixture.h"
#include "test.h"

#define SAMPLES 300

static unsigned entries = 2000;

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void print_samples(const char *what, uint64_t *samples_ns)
{
	qsort(samples_ns, SAMPLES, sizeof *samples_ns, by_value);
	print_message("%-44s p50 %8.1f us  p99 %8.1f us\n", what, (double)samples_ns[SAMPLES / 2] / 1e3,
	              (double)samples_ns[SAMPLES * 99 / 100] / 1e3);
}

static void measure_open(const struct cache_fixture *fixture, const char *name, const char *what)
{
	uint64_t samples_ns[SAMPLES];
	char root[400];

	snprintf(root, sizeof root, "%s/%s", fixture->dir.path, name);
	for (unsigned i = 0; i < SAMPLES; i++) {
		const struct kiln_cache_params params = {.root = root, .mode = KILN_CACHE_READ_WRITE};
		struct kiln_cache *cache = NULL;
		uint64_t start_ns = kiln_now_ns();

		assert_status(kiln_cache_open(&params, &cache), KILN_OK);
		samples_ns[i] = kiln_now_ns() - start_ns;
		kiln_cache_close(&cache);
	}
	print_samples(what, samples_ns);
}

static void measure_evidence(struct kiln_cache *cache, unsigned first, const char *what)
{
	uint64_t samples_ns[SAMPLES];

	for (unsigned i = 0; i < SAMPLES; i++) {
		struct kiln_pipeline_identity identity = sample_identity(first + i, 65, 2);
		struct kiln_cache_evidence evidence;
		uint64_t start_ns = kiln_now_ns();

		assert_status(kiln_cache_evidence(cache, &identity, &evidence), KILN_OK);
		samples_ns[i] = kiln_now_ns() - start_ns;
	}
	print_samples(what, samples_ns);
}

static long peak_kib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static struct kiln_cache_gc_report collect(struct kiln_cache *cache, uint64_t max_bytes, const char *what)
{
	const struct kiln_cache_gc_params params = {.max_bytes = max_bytes};
	struct kiln_cache_gc_report report;
	uint64_t start_ns = kiln_now_ns();
	long before_kib = peak_kib();

	assert_status(kiln_cache_gc(cache, &params, &report), KILN_OK);
	print_message("%-44s %.3f s, peak RSS %ld -> %ld KiB; %llu of %llu entries removed\n", what,
	              (double)(kiln_now_ns() - start_ns) / 1e9, before_kib, peak_kib(),
	              (unsigned long long)report.removed, (unsigned long long)report.entries);
	return report;
}

static void large_cache_is_measured(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache_gc_report report;
	struct kiln_cache_stat stat;
	uint64_t start_ns = kiln_now_ns();

	for (unsigned i = 0; i < entries; i++)
		assert_status(write_text(fixture->cache, i, 64, 1, "payload"), KILN_OK);
	print_message("%u entries written in %.1f s\n", entries, (double)(kiln_now_ns() - start_ns) / 1e9);
	measure_open(fixture, "empty", "open, empty");
	measure_open(fixture, "pipelines", "open, full");
	measure_evidence(fixture->cache, 0, "evidence, program known");
	measure_evidence(fixture->cache, 1u << 30, "evidence, program unknown");
	report = collect(fixture->cache, UINT64_MAX, "gc within its budget");
	assert_int_equal(report.entries, entries);
	collect(fixture->cache, report.bytes - 1, "gc, one entry over");
	report = collect(fixture->cache, report.bytes / 2, "gc, down to a half");
	assert_true(report.removed > entries / 2 - 3);
	start_ns = kiln_now_ns();
	assert_status(kiln_cache_stat(fixture->cache, &stat), KILN_OK);
	print_message("%-44s %.3f s\n", "stat of the rest", (double)(kiln_now_ns() - start_ns) / 1e9);
	assert_int_equal(stat.pipelines, report.entries - report.removed);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(large_cache_is_measured, cache_setup, cache_teardown),
	};

	if (argc > 1)
		entries = (unsigned)strtoul(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
