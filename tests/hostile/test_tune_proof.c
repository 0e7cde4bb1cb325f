/* Proofs that fail and come back: what is noted of them, and what becomes of the others when it is the
 * winner's last one. */
#include "tuning.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "saxpy_spv.h"
#include "unrolled_spv.h"

enum { OWN = 64, CONFIGS = 16, REFUSALS = 12 };

struct seen {
	enum kiln_status status;
	char reason[240];
	struct candidate {
		uint32_t width, unroll;
		enum kiln_tune_verdict verdict;
		double ratio;
		size_t samples;
	} candidates[CONFIGS];
	size_t count, winner;
	bool provisional;
	uint32_t used; /* width of a launch afterwards */
};

static void tell(const struct kiln_tune_report *report, struct seen *seen)
{
	(void)snprintf(seen->reason, sizeof(seen->reason), "%s", report->reason);
	seen->count = report->candidate_count < CONFIGS ? report->candidate_count : CONFIGS;
	seen->winner = report->winner;
	seen->provisional = report->provisional;
	for (size_t i = 0; i < seen->count; i++) {
		const struct kiln_tune_candidate *candidate = &report->candidates[i];

		seen->candidates[i] = (struct candidate){
			.width = candidate->config.workgroup[0],
			.unroll = candidate->config.unroll,
			.verdict = candidate->verdict,
			.ratio = candidate->ratio,
			.samples = candidate->sample_count,
		};
	}
}

static void tune(struct tuning *tuning, const struct kiln_tune_params *params, struct seen *seen)
{
	struct kiln_tune_report *report = NULL;
	struct kiln_build build;

	seen->status = kiln_tune(tuning->kernel, params, &report);
	if (report)
		tell(report, seen);
	if (seen->status != KILN_OK)
		(void)fprintf(stderr, "%s\n", kiln_error_message());
	kiln_tune_report_destroy(&report);
	if (kiln_kernel_resolve_for(tuning->kernel, params->launch.threads, &build) == KILN_OK)
		seen->used = build.workgroup[0];
}

/* ---- The note ---- */

/* 3 ms each, so that each sample is one submission. */
#define SLOW "group_us=100"

static void tune_one(struct tuning *tuning, void *seen)
{
	const struct kiln_tune_params params = {
		.launch = tuning->launch,
		.method = KILN_TUNE_EXHAUSTIVE,
		.max_configs = 2,
		.budget_ns = 2000000000u,
	};

	tune(tuning, &params, seen);
}

static void run_one(const struct place *place, const char *script, struct seen *seen)
{
	const struct tuning_process process = {
		.script = script,
		.mode = "use",
		.spirv = saxpy_spv,
		.spirv_bytes = sizeof(saxpy_spv),
		.work = tune_one,
	};

	tuning_run(place, &process, seen, sizeof(*seen));
}

/* Before the second configuration was compiled, which its proof follows. */
static unsigned submissions_before_the_proof(void)
{
	unsigned submissions = 0, compiles = 0;
	struct place place;
	struct seen seen;
	char line[512];
	FILE *log;

	place_create(&place);
	run_one(&place, SLOW, &seen);
	assert_int_equal(seen.status, KILN_OK);
	log = fopen(place.log, "r");
	assert_non_null(log);
	while (compiles < 2 && fgets(line, sizeof(line), log)) {
		compiles += strncmp(line, "compile ", 8) == 0;
		submissions += strncmp(line, "submit\n", 7) == 0;
	}
	fclose(log);
	assert_int_equal(compiles, 2);
	place_remove(&place);
	return submissions;
}

/* Was it the proof that was refused? */
static bool refuse(unsigned submission)
{
	struct place place;
	struct seen seen, next;
	char script[80];

	place_create(&place);
	(void)snprintf(script, sizeof(script), SLOW ",submit_oom@%u", submission);
	run_one(&place, script, &seen);
	run_one(&place, SLOW, &next);
	assert_int_equal(next.status, KILN_OK);
	for (size_t i = 0; i < next.count; i++)
		assert_int_not_equal(next.candidates[i].verdict, KILN_TUNE_HUNG);
	place_remove(&place);
	return seen.status == KILN_OK && seen.candidates[1].verdict == KILN_TUNE_FAILED &&
	       seen.candidates[1].samples == 0;
}

static void configuration_that_was_refused_memory_is_not_hung_at_the_next_start(void **state)
{
	unsigned first = submissions_before_the_proof(), hits = 0;

	(void)state;
	/* A sample more or less: what is refused first is the default's, and last what follows the proof. */
	for (unsigned i = 0; i < REFUSALS; i++)
		hits += refuse(first + i > 4 ? first + i - 4 : 1);
	assert_true(hits >= 2);
}

/* ---- The winner's last proof ---- */

static bool sync_fails, was_final;

/* Takes the place of the C library's. */
int fdatasync(int fd)
{
	if (!sync_fails)
		return (int)syscall(SYS_fdatasync, fd);
	sync_fails = false;
	errno = EIO;
	return -1;
}

/* In the final rounds nothing is proved any more: what is noted next is the winner, once they are over. */
static bool let_the_next_note_fail(void *user, const struct kiln_tune_progress *progress)
{
	(void)user;
	sync_fails = sync_fails || (progress->final && !was_final);
	was_final = progress->final;
	return true;
}

static bool a_few(void *user, const struct kiln_tune_config *config)
{
	(void)user;
	return config->workgroup[0] >= 32 && config->workgroup[0] <= 256 && config->unroll <= 2;
}

static void tune_and_refuse_the_winner(struct tuning *tuning, void *seen)
{
	const struct kiln_tune_params params = {
		.launch = tuning->launch,
		.method = KILN_TUNE_EXHAUSTIVE,
		.budget_ns = 10000000000u,
		.allow = a_few,
		.progress = let_the_next_note_fail,
	};

	tune(tuning, &params, seen);
}

/* Against the default, whatever they were against the winner that was none. */
static enum kiln_tune_verdict against_the_default(double ratio)
{
	return ratio < 0.97 ? KILN_TUNE_UNSURE : ratio <= 1.03 ? KILN_TUNE_TIE : KILN_TUNE_SLOWER;
}

/* Returns whether it is faster than the default by what it was measured. */
static bool assert_compared_with_the_default(const struct candidate *candidate)
{
	(void)fprintf(stderr, "%ux1x1 unroll %u: ratio %.3f, %s\n", candidate->width, candidate->unroll,
	              candidate->ratio, kiln_tune_verdict_name(candidate->verdict));
	if (candidate->verdict != KILN_TUNE_CUT_EARLY)
		assert_int_equal(candidate->verdict, against_the_default(candidate->ratio));
	return candidate->verdict == KILN_TUNE_UNSURE;
}

/* 32 workgroups of 25 us each, and 3 ms for any launch: 128 takes nine tenths of that, 256 is fastest, 32
 * takes 1.2 times as long. On a loaded machine there may be no winner at first. */
static void dethrone(struct seen *seen)
{
	const struct tuning_process process = {
		.script = "dispatch_ms=3,group_us=25",
		.mode = "use",
		.spirv = unrolled_spv,
		.spirv_bytes = sizeof(unrolled_spv),
		.work = tune_and_refuse_the_winner,
	};
	struct place place;

	for (int tries = 0; tries < 5; tries++) {
		place_create(&place);
		tuning_run(&place, &process, seen, sizeof(*seen));
		(void)fprintf(stderr, "%s\n", seen->reason);
		place_remove(&place);
		if (strstr(seen->reason, "was fastest, and failed when it was run again"))
			return;
	}
	fail_msg("nothing has won");
}

static void what_a_failed_winner_was_compared_with_is_compared_with_the_default(void **state)
{
	struct seen seen;
	size_t failed = 0, faster = 0;

	(void)state;
	dethrone(&seen);
	assert_int_equal(seen.status, KILN_OK);
	assert_int_equal(seen.winner, 0);
	assert_true(seen.provisional);
	assert_int_equal(seen.used, OWN);
	assert_int_equal(seen.count, 8);
	assert_int_equal(seen.candidates[0].verdict, KILN_TUNE_WON);
	for (size_t i = 1; i < seen.count; i++)
		if (seen.candidates[i].verdict == KILN_TUNE_FAILED)
			failed++;
		else
			faster += assert_compared_with_the_default(&seen.candidates[i]);
	assert_int_equal(failed, 1);
	/* At least the winner's twin. */
	assert_true(faster > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configuration_that_was_refused_memory_is_not_hung_at_the_next_start),
		cmocka_unit_test(what_a_failed_winner_was_compared_with_is_compared_with_the_default),
	};

	return cmocka_run_group_tests_name("hostile tune proof", tests, NULL, NULL);
}
