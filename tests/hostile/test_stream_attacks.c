/* Programs of three streams under a driver, or an allocator, that fails once: at every call there is, one after the other.
 * Every time the results are right, or a status says what to do; nothing is lost, used too early or destroyed too early.
 *
 *	hostile_stream_attacks [PROGRAMS [SEED]]     2 programs for each failure */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kiln/kiln.h>

#include "failing_alloc.h"
#include "place.h"
#include "random_program.h"
#include "test.h"

static unsigned programs = 2;
static uint64_t seed = 20;

static struct place place;

static const struct kiln_device_params no_files = {.no_cache = true, .no_autotune = true};

struct outcome {
	enum kiln_status status;
	char message[512];
	uint32_t wrong;
};

static void keep(struct outcome *outcome, enum kiln_status status)
{
	outcome->status = status;
	(void)snprintf(outcome->message, sizeof(outcome->message), "%s", kiln_error_message());
}

/* A device's whole life. */
static struct outcome live(const struct program *program)
{
	struct outcome outcome = {0};
	struct kiln_device *device = NULL;
	struct program_kernels kernels = {0};
	struct program_run run = {0};
	enum kiln_status status = kiln_device_open(&no_files, &device);

	if (status == KILN_OK)
		status = program_kernels_create(device, &kernels);
	if (status != KILN_OK)
		keep(&outcome, status);
	else
		program_run(program, device, &kernels, &run);
	if (status == KILN_OK && run.status != KILN_OK) {
		outcome.status = run.status;
		memcpy(outcome.message, run.message, sizeof(outcome.message));
	}
	outcome.wrong = run.wrong;
	program_kernels_destroy(&kernels);
	kiln_device_close(&device);
	return outcome;
}

static struct program three_streams(uint64_t number)
{
	struct program program;

	do
		program_make(number += 1000, &(struct program_params){.streams = 3, .ops = 40}, &program);
	while (program.streams < 3 || program.op_count < 25);
	return program;
}

static void assert_clean(const struct outcome *outcome, const char *what, unsigned n)
{
	if (outcome->wrong)
		fail_msg("%s@%u: %u results are wrong", what, n, outcome->wrong);
	if (outcome->status != KILN_OK && !strstr(outcome->message, "Fix: "))
		fail_msg("%s@%u: %s comes without a fix: %s", what, n, kiln_status_name(outcome->status),
		         outcome->message);
	if (place_events(&place, "misuse"))
		fail_msg("%s@%u: the driver was misused, see %s", what, n, place.log);
}

/* ---- The driver fails ---- */

struct sweep {
	const char *rule;
	enum kiln_status status, other; /* what may come of it; KILN_OK: nothing but success */
};

#define LOST KILN_ERR_DEVICE_LOST
#define OOM KILN_ERR_OUT_OF_MEMORY
#define OODM KILN_ERR_OUT_OF_DEVICE_MEMORY

static const struct sweep sweeps[] = {
	{"alloc_oom_device", OODM, OODM},
	{"alloc_oom_host", OOM, OOM},
	{"begin_oom", OOM, OOM},
	{"buffer_oom", OODM, OODM},
	{"commands_oom", OOM, OODM},
	{"end_oom", OOM, LOST},
	{"fence_fails", OOM, OOM},
	{"map_fails", OOM, OOM},
	{"module_oom", OOM, OOM},
	{"pool_oom", OODM, OODM},
	{"reset_oom", OODM, OODM},
	{"semaphore_oom", KILN_OK, KILN_OK}, /* the host waits in its place */
	{"sets_oom", OODM, OODM},
	{"submit_lost", LOST, LOST},
	{"submit_oom", OODM, OODM},
	{"wait_lost", LOST, LOST},
	{"wait_oom", KILN_OK, KILN_OK},
	{"wait_timeout", KILN_OK, KILN_OK},
	{"wait_unknown", KILN_ERR_DRIVER, LOST},
};

enum { SWEEPS = sizeof(sweeps) / sizeof(sweeps[0]) };

/* Was there an n-th call to fail? */
static bool try_one(const struct sweep *sweep, const struct program *program, const char *memory, unsigned n,
                    unsigned *failures)
{
	struct outcome outcome;
	char script[80], strike[80];

	(void)snprintf(script, sizeof(script), "lazy=3%s,%s@%u", memory, sweep->rule, n);
	(void)snprintf(strike, sizeof(strike), "strike %s\n", sweep->rule);
	setenv("HOSTILE", script, 1);
	(void)remove(place.log);
	outcome = live(program);
	assert_clean(&outcome, sweep->rule, n);
	if (outcome.status != KILN_OK && outcome.status != sweep->status && outcome.status != sweep->other)
		fail_msg("%s: %s: %s", script, kiln_status_name(outcome.status), outcome.message);
	*failures += outcome.status != KILN_OK;
	return place_events(&place, strike) > 0;
}

static void fail_every_call(void **state)
{
	const struct sweep *sweep = *state;
	unsigned calls = 0, failures = 0;

	for (unsigned i = 0; i < programs; i++) {
		struct program program = three_streams(seed + i);

		for (unsigned n = 1;
		     try_one(sweep, &program, i % 2 ? ",discrete" : ",async_family", n, &failures); n++)
			calls++;
	}
	print_message("%s: %u calls failed one by one, %u times the program stopped\n", sweep->rule, calls,
	              failures);
	assert_true(calls > 0);
}

/* ---- The allocator fails ---- */

static void every_allocation_may_fail(void **state)
{
	unsigned refused = 0, total = 0;

	(void)state;
	setenv("HOSTILE", "lazy=3,discrete", 1);
	for (unsigned i = 0; i < programs; i++) {
		struct program program = three_streams(seed + i);
		bool failed = true;

		for (unsigned n = 1; failed; n++) {
			struct outcome outcome;

			(void)remove(place.log);
			failing_alloc_begin(n);
			outcome = live(&program);
			failed = failing_alloc_end();
			assert_clean(&outcome, "allocation", n);
			assert_true(outcome.status == KILN_OK || (failed && outcome.status == OOM));
			refused += outcome.status != KILN_OK;
			total += failed;
		}
	}
	print_message("%u allocations failed one by one, %u times the program stopped\n", total, refused);
	assert_true(refused > 10);
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[SWEEPS + 1];
	static char names[SWEEPS][64];
	int failed;

	if (argc > 1)
		programs = (unsigned)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		seed = strtoull(argv[2], NULL, 10);
	for (int i = 0; i < SWEEPS; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "%s_at_any_call_is_survived", sweeps[i].rule);
		tests[i] = (struct CMUnitTest){names[i], fail_every_call, NULL, NULL,
		                               (void *)(uintptr_t)&sweeps[i]};
	}
	tests[SWEEPS] = (struct CMUnitTest)cmocka_unit_test(every_allocation_may_fail);
	place_create(&place);
	setenv("HOSTILE_LOG", place.log, 1);
	setenv("KILN_CACHE_DIR", place.cache, 1);
	failed = _cmocka_run_group_tests("hostile stream attacks", tests, SWEEPS + 1, NULL, NULL);
	place_remove(&place);
	return failed;
}
