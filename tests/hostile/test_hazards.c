/* Random programs, and what the device was told to do for them: every two accesses of the same bytes, at least one of them a
 * write, are ordered; of what orders them little could be left out.
 *
 *	hostile_hazards [PROGRAMS [SEED]]     1000 and a seed of the clock's; the seed is printed */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <kiln/kiln.h>

#include "happens.h"
#include "place.h"
#include "random_program.h"
#include "test.h"
#include "tracing.h"

static unsigned programs = 1000;
static uint64_t seed;

/* How the driver behaves: eager or not, and what memory it has. Where memory is not coherent the host's accesses are seen. */
/* clang-format off */
static const char *const scripts[] = {
	"lazy,non_coherent",
	"lazy,discrete,non_coherent",
	"lazy=2,discrete,non_coherent",
	"lazy=3,non_coherent",
	"lazy=5,no_timeline,non_coherent",
	"lazy=2,async_family,non_coherent",
	"lazy=3,async_family,discrete,non_coherent",
	"async_family,no_timeline",
	"lazy",
	"non_coherent",
	"",
};
/* clang-format on */

enum { LAZY = 2, SCRIPTS = sizeof(scripts) / sizeof(scripts[0]) };

static struct place place;
static struct kiln_device *devices[SCRIPTS];
static struct program_kernels kernels[SCRIPTS];

static int open_devices(void **state)
{
	const struct kiln_device_params params = {.no_cache = true, .no_autotune = true};

	(void)state;
	place_create(&place);
	setenv("HOSTILE_LOG", place.log, 1);
	setenv("KILN_CACHE_DIR", place.cache, 1);
	for (int i = 0; i < SCRIPTS; i++) {
		setenv("HOSTILE", scripts[i], 1);
		assert_status(kiln_device_open(&params, &devices[i]), KILN_OK);
		assert_status(program_kernels_create(devices[i], &kernels[i]), KILN_OK);
	}
	return 0;
}

static int close_devices(void **state)
{
	(void)state;
	for (int i = 0; i < SCRIPTS; i++) {
		program_kernels_destroy(&kernels[i]);
		kiln_device_close(&devices[i]);
	}
	assert_int_equal(place_events(&place, "misuse"), 0);
	place_remove(&place);
	return 0;
}

/* ---- One program ---- */

struct record {
	struct trace_event *events;
	size_t count;
};

static struct record record(const struct program *program, unsigned script)
{
	struct program_run run;
	struct record record;

	tracing_begin();
	program_run(program, devices[script], &kernels[script], &run);
	record.count = tracing_end(&record.events);
	if (run.status != KILN_OK || run.wrong) {
		program_print(program);
		fail_msg("program %llu under '%s': operation %u: %s, %u wrong: %s",
		         (unsigned long long)program->seed, scripts[script], run.stopped,
		         kiln_status_name(run.status), run.wrong, run.message);
	}
	return record;
}

static size_t assert_all_ordered(const struct program *program, unsigned script, const struct record *record)
{
	struct happens found = happens_check(record->events, record->count, NULL, 0);

	if (found.unordered) {
		program_print(program);
		happens_explain(record->events, record->count, &found);
		fail_msg("program %llu under '%s': %zu unordered pairs", (unsigned long long)program->seed,
		         scripts[script], found.unordered);
	}
	return found.conflicts;
}

static void add(struct happens_removal *sum, const struct record *record, enum happens_part part)
{
	struct happens_removal one = happens_without_each(record->events, record->count, part);

	sum->removed += one.removed;
	sum->caught += one.caught;
	sum->redundant += one.redundant;
}

/* ---- Many ---- */

static void no_pair_is_unordered_and_every_barrier_is_missed(void **state)
{
	struct happens_removal one_stream = {0}, barriers = {0}, waits = {0}, to_host = {0};
	size_t conflicts = 0, commands = 0;

	(void)state;
	for (unsigned i = 0; i < programs; i++) {
		struct program program;
		struct record made;

		program_make(seed + i, &(struct program_params){0}, &program);
		made = record(&program, i % SCRIPTS);
		conflicts += assert_all_ordered(&program, i % SCRIPTS, &made);
		commands += made.count;
		add(program.streams == 1 ? &one_stream : &barriers, &made, HAPPENS_BARRIERS);
		add(&waits, &made, HAPPENS_WAITS);
		add(&to_host, &made, HAPPENS_TO_HOST);
		free(made.events);
	}
	print_message("%u programs from seed %llu: %zu events, %zu conflicting pairs, 0 unordered\n",
	              programs, (unsigned long long)seed, commands, conflicts);
	print_message(
		"left out one at a time, caught of all: barriers of one stream %zu of %zu, of several %zu of "
		"%zu, semaphore waits %zu of %zu, barriers to the host %zu of %zu\n",
		one_stream.caught, one_stream.removed, barriers.caught, barriers.removed, waits.caught,
		waits.removed, to_host.caught, to_host.removed);
	assert_true(conflicts > programs);
}

struct small {
	struct happens_removal removal;
	size_t fewest, above; /* programs above it */
};

static void count_small(struct program *program, unsigned script, struct small *sum)
{
	struct record made = record(program, script);
	size_t has, least;

	(void)assert_all_ordered(program, script, &made);
	has = happens_count(made.events, made.count, HAPPENS_BARRIERS);
	least = happens_fewest_barriers(made.events, made.count);
	assert_true(has >= least);
	sum->fewest += least;
	sum->above += has > least;
	add(&sum->removal, &made, HAPPENS_BARRIERS);
	free(made.events);
}

static struct small run_small(const struct program_params *params)
{
	struct small sum = {0};

	for (unsigned i = 0; i < programs; i++) {
		struct program program;

		program_make(seed + i, params, &program);
		count_small(&program, i % LAZY, &sum);
		if (sum.above && params->no_waits) {
			program_print(&program);
			break;
		}
	}
	print_message(
		"%u programs of at most 6 operations on one stream%s: %zu barriers, the fewest are %zu, %zu "
		"programs have more; left out one at a time %zu are caught\n",
		programs, params->no_waits ? "" : ", host waiting in between", sum.removal.removed,
		sum.fewest, sum.above, sum.removal.caught);
	return sum;
}

/* A barrier is recorded when its operation is. What the host learns between that and the submission can make it superfluous
 * afterwards, as nobody could know: so the host waits for nothing in between, and the driver tells of nothing unasked. */
static void small_programs_have_the_fewest_barriers_there_can_be(void **state)
{
	const struct program_params params = {.streams = 1, .ops = 6, .no_waits = true};
	struct small sum = run_small(&params);

	(void)state;
	assert_int_equal(sum.removal.removed, sum.fewest);
	assert_int_equal(sum.removal.caught, sum.removal.removed);
}

static void waits_of_the_host_save_barriers(void **state)
{
	const struct program_params params = {.streams = 1, .ops = 6};
	struct small sum = run_small(&params);

	(void)state;
	assert_true(sum.above * 50 <= programs); /* by hindsight alone */
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_pair_is_unordered_and_every_barrier_is_missed),
		cmocka_unit_test(small_programs_have_the_fewest_barriers_there_can_be),
		cmocka_unit_test(waits_of_the_host_save_barriers),
	};

	if (argc > 1)
		programs = (unsigned)strtoul(argv[1], NULL, 10);
	seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)time(NULL) * 1000003;
	return cmocka_run_group_tests_name("hostile hazards", tests, open_devices, close_devices);
}
