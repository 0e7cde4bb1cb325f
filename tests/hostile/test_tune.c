/* Tuning on a device that hangs, is lost, takes the process down, or lies about the time. One process = one tuning; what it
 * leaves in the store is what the next one knows. */
#include "place.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kiln/kiln.h>

#include "saxpy_spv.h"
#include "test.h"

enum { COUNT = 2000, OWN = 64, SIZES = 16, PATIENCE_S = 100 };

/* Larger workgroups are faster, and nobody can miss it. */
#define SPEED "group_us=30"

struct seen {
	enum kiln_status status;
	char message[512];
	uint32_t winner; /* width */
	bool provisional;
	double default_ns;
	size_t tried;
	enum kiln_tune_verdict verdicts[SIZES]; /* by log2 of the width */
	uint32_t used;                          /* width of a launch afterwards */
	bool buffers_same;
	bool reported;
	unsigned launches; /* until there was a record */
	int signal; /* that ended the process; 0 = none */
};

static struct kiln_store *store_of(const struct place *place)
{
	struct kiln_store *store = NULL;
	char path[400];

	(void)snprintf(path, sizeof(path), "%s/autotune.toml", place->dir.path);
	assert_int_equal(kiln_store_open(path, &store), KILN_OK);
	return store;
}

static void tell_report(const struct kiln_tune_report *report, struct seen *seen)
{
	seen->winner = report->candidates[report->winner].config.workgroup[0];
	seen->provisional = report->provisional;
	seen->default_ns = report->candidates[0].ns;
	seen->tried = report->tried;
	for (size_t i = 0; i < report->candidate_count; i++) {
		uint32_t width = report->candidates[i].config.workgroup[0];

		seen->verdicts[31 - __builtin_clz(width)] = report->candidates[i].verdict;
	}
}

struct work {
	struct kiln_device *device;
	struct kiln_kernel *kernel;
	struct kiln_buffer *x, *y;
	float in[COUNT], out[COUNT];
};

static enum kiln_status make(struct work *work)
{
	const struct kiln_buffer_params params = {.bytes = sizeof(work->in), .contents = work->in};

	for (int i = 0; i < COUNT; i++)
		work->in[i] = (float)i;
	KILN_TRY(kiln_kernel_create(work->device,
	                            &(struct kiln_kernel_params){.spirv = saxpy_spv,
	                                                         .spirv_bytes = sizeof(saxpy_spv),
	                                                         .guarded = true},
	                            &work->kernel));
	KILN_TRY(kiln_buffer_create(work->device, &params, &work->x));
	return kiln_buffer_create(work->device, &params, &work->y);
}

static enum kiln_status tune(struct work *work, struct seen *seen)
{
	const struct {
		uint32_t n;
		float a;
	} push = {COUNT, 2.0f};
	struct kiln_tune_params params = {
		.launch = {.threads = {COUNT},
	                   .buffers = {work->x, work->y},
	                   .push = &push,
	                   .push_bytes = sizeof(push)},
		.method = KILN_TUNE_EXHAUSTIVE,
		.budget_ns = 30000000000u,
		.timeout_ns = 1500000000u,
	};
	struct kiln_tune_report *report = NULL;
	enum kiln_status status;
	struct kiln_build build;

	status = kiln_tune(work->kernel, &params, &report);
	seen->reported = report != NULL;
	if (report)
		tell_report(report, seen);
	kiln_tune_report_destroy(&report);
	KILN_TRY(status);
	KILN_TRY(kiln_kernel_resolve_for(work->kernel, params.launch.threads, &build));
	seen->used = build.workgroup[0];
	KILN_TRY(kiln_buffer_read(work->y, 0, work->out, sizeof(work->out)));
	seen->buffers_same = memcmp(work->in, work->out, sizeof(work->in)) == 0;
	return KILN_OK;
}

enum { MANY = 9000 };

/* One launch after the other, as a program makes them, until something was recorded. */
static enum kiln_status launch_until_recorded(struct work *work, struct kiln_store *store, struct seen *seen)
{
	const struct {
		uint32_t n;
		float a;
	} push = {COUNT, 0.0f};
	const struct kiln_launch_params launch = {.threads = {COUNT},
	                                          .buffers = {work->x, work->y},
	                                          .push = &push,
	                                          .push_bytes = sizeof(push)};
	struct kiln_build build;

	while (seen->launches < MANY && kiln_store_is_empty(store)) {
		KILN_TRY(kiln_launch(work->kernel, &launch));
		seen->launches++;
	}
	KILN_TRY(kiln_kernel_resolve_for(work->kernel, launch.threads, &build));
	seen->used = build.workgroup[0];
	KILN_TRY(kiln_buffer_read(work->y, 0, work->out, sizeof(work->out)));
	seen->buffers_same = memcmp(work->in, work->out, sizeof(work->in)) == 0;
	return KILN_OK;
}

static bool launches; /* instead of a call of kiln_tune() */

static void child(const struct place *place, const char *script, struct seen *seen)
{
	static struct work work;
	struct kiln_store *store = store_of(place);

	setenv("HOSTILE", script, 1);
	setenv("HOSTILE_LOG", place->log, 1);
	setenv("KILN_CACHE_DIR", place->cache, 1);
	alarm(PATIENCE_S);
	seen->status = kiln_device_open(&(struct kiln_device_params){.store = store}, &work.device);
	if (seen->status == KILN_OK)
		seen->status = make(&work);
	if (seen->status == KILN_OK)
		seen->status =
			launches ? launch_until_recorded(&work, store, seen) : tune(&work, seen);
	if (seen->status != KILN_OK)
		(void)snprintf(seen->message, sizeof(seen->message), "%s", kiln_error_message());
	kiln_buffer_destroy(&work.x);
	kiln_buffer_destroy(&work.y);
	kiln_kernel_destroy(&work.kernel);
	kiln_device_close(&work.device);
	kiln_store_close(&store);
}

static void run(const struct place *place, const char *script, struct seen *out_seen)
{
	struct seen *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0;
	pid_t pid;

	assert_ptr_not_equal(shared, MAP_FAILED);
	memset(shared, 0, sizeof(*shared));
	(void)fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		child(place, script, shared);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	*out_seen = *shared;
	out_seen->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	(void)munmap(shared, sizeof(*shared));
	if (place_events(place, "misuse"))
		(void)fprintf(stderr, "the driver was misused: see %s\n", place->log);
	assert_int_equal(place_events(place, "misuse"), 0);
}

static bool remember(void *user, const struct kiln_tune_record *record)
{
	char *bad = user;

	(void)snprintf(bad, 4096, "%s", record->bad ? record->bad : "");
	return true;
}

/* The bad configurations of the only record. */
static void read_bad(const struct place *place, char bad[4096])
{
	struct kiln_store *store = store_of(place);

	bad[0] = '\0';
	assert_int_equal(kiln_store_each(store, remember, bad), KILN_OK);
	assert_int_equal(kiln_store_len(store), 1);
	kiln_store_close(&store);
}

/* ---- The clock ---- */

static void assert_sane(const char *script, uint32_t least_winner)
{
	struct place place;
	struct seen seen;

	place_create(&place);
	run(&place, script, &seen);
	if (seen.status != KILN_OK)
		(void)fprintf(stderr, "%s: %s\n", script, seen.message);
	assert_int_equal(seen.status, KILN_OK);
	assert_true(seen.buffers_same);
	assert_true(seen.winner >= least_winner);
	assert_int_equal(seen.used, seen.winner);
	/* 32 workgroups of 30 us each */
	assert_true(seen.default_ns > 900e3);
	place_remove(&place);
}

static void larger_workgroups_win_where_they_are_faster(void **state)
{
	(void)state;
	assert_sane(SPEED, 256);
}

static void stamps_that_wrap_at_32_bits_are_understood(void **state)
{
	(void)state;
	assert_sane(SPEED ",timestamp_bits=32", 256);
}

static void device_without_stamps_is_timed_by_the_host(void **state)
{
	(void)state;
	assert_sane(SPEED ",timestamp_none", 128);
	assert_sane(SPEED ",timestamp_infinite", 128);
}

static void stamps_that_say_nothing_are_not_believed(void **state)
{
	(void)state;
	assert_sane(SPEED ",timestamp_zero", 128);
	assert_sane(SPEED ",timestamp_back", 128);
}

static void clock_that_leaps_spoils_a_sample_and_no_more(void **state)
{
	(void)state;
	assert_sane(SPEED ",timestamp_leap@40", 256);
	assert_sane(SPEED ",timestamp_leap@41", 256);
}

/* ---- Survival ---- */

static void assert_marked(const struct place *place, struct seen *seen, const char *line, unsigned log2_width)
{
	char bad[4096];

	read_bad(place, bad);
	assert_true(kiln_tune_bad_has(bad, line));
	run(place, SPEED, seen);
	assert_int_equal(seen->status, KILN_OK);
	assert_int_equal(seen->signal, 0);
	assert_int_equal(seen->verdicts[log2_width], KILN_TUNE_HUNG);
	assert_true(seen->winner >= 128);
	read_bad(place, bad);
	assert_true(kiln_tune_bad_has(bad, line));
}

static void endless_loop_is_noted_and_not_tried_again(void **state)
{
	struct place place;
	struct seen seen;

	(void)state;
	place_create(&place);
	run(&place, SPEED ",size_hangs=256", &seen);
	assert_int_equal(seen.signal, 0);
	assert_int_equal(seen.status, KILN_ERR_DEVICE_LOST);
	assert_non_null(strstr(seen.message, "256x1x1"));
	/* Said, and not only noted. */
	assert_true(seen.reported);
	assert_int_equal(seen.verdicts[8], KILN_TUNE_HUNG);
	assert_int_equal(seen.winner, OWN);
	assert_true(seen.provisional);
	assert_non_null(strstr(seen.message, "Fix: "));
	assert_marked(&place, &seen, "hung 256x1x1", 8);
	place_remove(&place);
}

static void lost_device_is_noted_and_not_tried_again(void **state)
{
	struct place place;
	struct seen seen;

	(void)state;
	place_create(&place);
	run(&place, SPEED ",size_lost=512", &seen);
	assert_int_equal(seen.status, KILN_ERR_DEVICE_LOST);
	assert_marked(&place, &seen, "hung 512x1x1", 9);
	place_remove(&place);
}

/* The killed process could save nothing: what it had noted is read by the next one that tunes, and only by that. */
static void configuration_that_killed_its_process_is_hung_at_the_next_start(void **state)
{
	struct place place;
	struct kiln_store *store;
	struct seen seen;
	char bad[4096];

	(void)state;
	place_create(&place);
	run(&place, SPEED ",size_killed=128", &seen);
	assert_int_equal(seen.signal, SIGKILL);
	store = store_of(&place);
	assert_true(kiln_store_is_empty(store));
	kiln_store_close(&store);
	run(&place, SPEED ",size_killed=128", &seen);
	assert_int_equal(seen.signal, 0);
	assert_int_equal(seen.status, KILN_OK);
	assert_int_equal(seen.verdicts[7], KILN_TUNE_HUNG);
	read_bad(&place, bad);
	assert_true(kiln_tune_bad_has(bad, "hung 128x1x1"));
	run(&place, SPEED ",size_killed=128", &seen);
	assert_int_equal(seen.signal, 0);
	assert_int_equal(seen.verdicts[7], KILN_TUNE_HUNG);
	place_remove(&place);
}

/* ---- Launches that are too long to be tuned at once ---- */

/* 32 workgroups of 35 us each: 1.1 ms. A twenty-fifth of that may be spent, so that nothing is tuned before some hundred
 * launches; and whatever the search comes across - some configurations take sixty times as long - it ends. The launches are
 * not waited for: those that have queued up are not the tuner's time. */
static void long_launches_earn_their_tuning_and_get_it(void **state)
{
	struct place place;
	struct seen seen;

	(void)state;
	place_create(&place);
	launches = true;
	setenv("KILN_AUTOTUNE", "tune", 1);
	run(&place, "group_us=35", &seen);
	setenv("KILN_AUTOTUNE", "use", 1);
	launches = false;
	if (seen.status != KILN_OK)
		(void)fprintf(stderr, "%s\n", seen.message);
	assert_int_equal(seen.status, KILN_OK);
	(void)fprintf(stderr, "recorded after %u launches, width %u\n", seen.launches, seen.used);
	assert_true(seen.launches > 100);
	assert_true(seen.launches < MANY);
	assert_true(seen.used >= OWN);
	assert_true(seen.buffers_same);
	place_remove(&place);
}

static void device_of_the_same_name_shares_the_record(void **state)
{
	struct place place;
	struct kiln_store *store;
	struct seen seen;

	(void)state;
	place_create(&place);
	run(&place, SPEED ",twice", &seen);
	assert_int_equal(seen.status, KILN_OK);
	setenv("KILN_DEVICE", "1", 1);
	run(&place, SPEED ",twice", &seen);
	unsetenv("KILN_DEVICE");
	assert_int_equal(seen.status, KILN_OK);
	store = store_of(&place);
	assert_int_equal(kiln_store_len(store), 1);
	kiln_store_close(&store);
	place_remove(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clock_that_leaps_spoils_a_sample_and_no_more),
		cmocka_unit_test(configuration_that_killed_its_process_is_hung_at_the_next_start),
		cmocka_unit_test(device_of_the_same_name_shares_the_record),
		cmocka_unit_test(device_without_stamps_is_timed_by_the_host),
		cmocka_unit_test(endless_loop_is_noted_and_not_tried_again),
		cmocka_unit_test(larger_workgroups_win_where_they_are_faster),
		cmocka_unit_test(long_launches_earn_their_tuning_and_get_it),
		cmocka_unit_test(lost_device_is_noted_and_not_tried_again),
		cmocka_unit_test(stamps_that_say_nothing_are_not_believed),
		cmocka_unit_test(stamps_that_wrap_at_32_bits_are_understood),
	};

	return cmocka_run_group_tests_name("hostile tune", tests, NULL, NULL);
}
