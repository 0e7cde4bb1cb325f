/* Prewarming: reports in order, twins, failures among good ones, cancellation, and that what was made stays in memory. Then
 * what resolving again counts and tells. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kiln/kiln.h>

#include "place.h"
#include "test.h"

#include "saxpy_spv.h"

enum { COUNT = 24 };

static struct place place;
static struct kiln_device *device;
static struct kiln_kernel_params kernels[COUNT];
static struct kiln_prewarm_report reports[COUNT];
static const uint32_t no_spirv[8];

static void open_device(void)
{
	assert_status(kiln_device_open(NULL, &device), KILN_OK);
}

static void begin(const char *script)
{
	place_create(&place);
	setenv("HOSTILE", script, 1);
	setenv("HOSTILE_LOG", place.log, 1);
	setenv("KILN_CACHE_DIR", place.cache, 1);
	open_device();
	for (unsigned i = 0; i < COUNT; i++)
		kernels[i] = (struct kiln_kernel_params){
			.spirv = saxpy_spv,
			.spirv_bytes = sizeof(saxpy_spv),
			.workgroup = {i + 1, 1, 1},
			.guarded = true,
		};
	memset(reports, 0, sizeof(reports));
}

static void end(void)
{
	kiln_prewarm_reports_finish(reports, COUNT);
	kiln_device_close(&device);
	assert_int_equal(place_events(&place, "misuse"), 0);
	place_remove(&place);
}

static unsigned compiles(void)
{
	return place_events(&place, "compile saxpy\n");
}

/* Creates and resolves kernel `number` alone. */
static struct kiln_build resolve(unsigned number)
{
	struct kiln_kernel *kernel = NULL;
	struct kiln_build build;

	assert_status(kiln_kernel_create(device, &kernels[number], &kernel), KILN_OK);
	assert_status(kiln_kernel_resolve(kernel, &build), KILN_OK);
	kiln_kernel_destroy(&kernel);
	build.policy = build.workgroup_note = NULL;
	return build;
}

static void prewarm_all(unsigned threads)
{
	assert_status(kiln_prewarm(device, kernels, COUNT, &(struct kiln_prewarm_params){.threads = threads}, reports), KILN_OK);
}

static void assert_reports(enum kiln_outcome outcome, enum kiln_hit hit)
{
	for (unsigned i = 0; i < COUNT; i++) {
		char size[32];

		(void)snprintf(size, sizeof(size), "\"workgroup\":[%u,1,1]", i + 1);
		assert_int_equal(reports[i].status, KILN_OK);
		assert_int_equal(reports[i].outcome, outcome);
		assert_int_equal(reports[i].cache_hit, hit);
		assert_null(reports[i].message);
		assert_non_null(strstr(reports[i].manifest, size)); /* and so in the order of the kernels */
	}
}

static void every_kernel_is_reported_in_order_and_stays_in_memory(void **state)
{
	static const unsigned threads[] = {0, 1, 4, 1000};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		begin("compile_ms=2");
		prewarm_all(threads[i]);
		assert_reports(KILN_OUTCOME_COMPILED, KILN_HIT_FALSE);
		assert_int_equal(compiles(), COUNT);
		for (unsigned k = 0; k < COUNT; k++) {
			struct kiln_build build = resolve(k);

			assert_int_equal(build.outcome, KILN_OUTCOME_MEMORY);
			assert_memory_equal(&build.identity.digest, &reports[k].pipeline_id, sizeof(struct kiln_digest));
		}
		assert_int_equal(compiles(), COUNT);
		end();
	}
}

static void warm_before_the_call_is_told_from_memory_and_from_disk(void **state)
{
	(void)state;
	begin("");
	prewarm_all(4);
	kiln_prewarm_reports_finish(reports, COUNT);
	prewarm_all(4);
	assert_reports(KILN_OUTCOME_MEMORY, KILN_HIT_TRUE);
	kiln_prewarm_reports_finish(reports, COUNT);
	kiln_device_close(&device);
	open_device();
	prewarm_all(4);
	assert_reports(KILN_OUTCOME_DISK, KILN_HIT_TRUE);
	assert_int_equal(compiles(), COUNT);
	end();
}

static void twins_are_compiled_once_and_were_not_warm_before(void **state)
{
	(void)state;
	begin("compile_ms=5");
	for (unsigned i = 0; i < COUNT; i++)
		kernels[i].workgroup[0] = 8 + i % 2;
	prewarm_all(8);
	assert_int_equal(compiles(), 2);
	for (unsigned i = 0; i < COUNT; i++) {
		assert_int_equal(reports[i].cache_hit, KILN_HIT_FALSE);
		assert_memory_equal(&reports[i].pipeline_id, &reports[i % 2].pipeline_id, sizeof(struct kiln_digest));
	}
	end();
}

static void failing_kernels_leave_the_good_ones_alone(void **state)
{
	(void)state;
	begin("");
	kernels[3].spirv = no_spirv;
	kernels[3].spirv_bytes = sizeof(no_spirv);
	kernels[5].entry = "absent";
	assert_status(kiln_prewarm(device, kernels, COUNT, NULL, reports), reports[3].status);
	assert_non_null(strstr(kiln_error_message(), "kernel 3 of 24"));
	assert_non_null(strstr(kiln_error_message(), "Fix: "));
	for (unsigned i = 0; i < COUNT; i++) {
		bool bad = i == 3 || i == 5;

		assert_int_equal(reports[i].status == KILN_OK, !bad);
		assert_int_equal(reports[i].message != NULL, bad);
		assert_int_equal(reports[i].manifest == NULL, bad);
		assert_int_equal(reports[i].outcome, bad ? 0 : KILN_OUTCOME_COMPILED);
	}
	assert_int_equal(reports[5].status, KILN_ERR_SPIRV_ENTRY_POINT);
	end();
}

static void failed_compile_is_reported_and_leaves_nothing(void **state)
{
	(void)state;
	begin("compile_unknown@1");
	assert_status(kiln_prewarm(device, kernels, 2, &(struct kiln_prewarm_params){.threads = 1}, reports), KILN_ERR_DRIVER);
	assert_int_equal(reports[0].status, KILN_ERR_DRIVER);
	assert_int_equal(reports[0].cache_hit, KILN_HIT_UNKNOWN);
	assert_int_equal(reports[1].status, KILN_OK);
	assert_int_equal(resolve(0).outcome, KILN_OUTCOME_COMPILED);
	end();
}

struct watch {
	unsigned calls, inside;
	size_t last, enough;
	bool wrong;
};

/* Unlocked: calls must not overlap, as a thread sanitizer sees too. */
static bool on_progress(void *user, size_t done, size_t total)
{
	struct watch *watch = user;

	watch->wrong = watch->wrong || ++watch->inside != 1 || done != watch->last + 1 || total != COUNT;
	watch->last = done;
	watch->calls++;
	watch->inside--;
	return done < watch->enough;
}

static void progress_counts_every_kernel_once(void **state)
{
	struct watch watch = {.enough = COUNT + 1};
	const struct kiln_prewarm_params params = {.threads = 8, .progress = on_progress, .user = &watch};

	(void)state;
	begin("compile_ms=1");
	assert_status(kiln_prewarm(device, kernels, COUNT, &params, reports), KILN_OK);
	assert_int_equal(watch.calls, COUNT);
	assert_false(watch.wrong);
	end();
}

static void cancelled_batch_leaves_the_rest_undone(void **state)
{
	struct watch watch = {.enough = 5};
	const struct kiln_prewarm_params params = {.threads = 2, .progress = on_progress, .user = &watch};
	unsigned done = 0;

	(void)state;
	begin("compile_ms=5");
	assert_status(kiln_prewarm(device, kernels, COUNT, &params, reports), KILN_ERR_CANCELLED);
	assert_int_equal(watch.calls, 5);
	for (unsigned i = 0; i < COUNT; i++) {
		assert_true(reports[i].status == KILN_OK || reports[i].status == KILN_ERR_CANCELLED);
		assert_int_equal(reports[i].status == KILN_OK, i < 5 || (i == 5 && reports[5].status == KILN_OK));
		done += reports[i].status == KILN_OK;
	}
	assert_int_equal(compiles(), done);
	assert_int_equal(resolve(COUNT - 1).outcome, KILN_OUTCOME_COMPILED);
	end();
}

static void enough_at_the_last_kernel_is_success(void **state)
{
	struct watch watch = {.enough = COUNT};
	const struct kiln_prewarm_params params = {.threads = 1, .progress = on_progress, .user = &watch};

	(void)state;
	begin("");
	assert_status(kiln_prewarm(device, kernels, COUNT, &params, NULL), KILN_OK);
	end();
}

static void null_and_nothing(void **state)
{
	struct watch watch = {.enough = COUNT};
	const struct kiln_prewarm_params params = {.progress = on_progress, .user = &watch};

	(void)state;
	begin("");
	assert_status(kiln_prewarm(device, NULL, 0, &params, NULL), KILN_OK);
	assert_status(kiln_prewarm(device, kernels, 0, NULL, reports), KILN_OK);
	assert_int_equal(watch.calls, 0);
	assert_status(kiln_prewarm(NULL, kernels, 1, NULL, NULL), KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_prewarm(device, NULL, 1, NULL, NULL), KILN_ERR_INVALID_ARGUMENT);
	kiln_prewarm_reports_finish(NULL, 3);
	end();
}

static void cold_kernel_is_an_error_where_warm_ones_are_expected(void **state)
{
	(void)state;
	begin("");
	kiln_device_close(&device);
	assert_status(kiln_device_open(&(struct kiln_device_params){.expect_warm = true}, &device), KILN_OK);
	assert_status(kiln_prewarm(device, kernels, 2, NULL, reports), KILN_ERR_EXPECTED_WARM);
	assert_int_equal(reports[1].status, KILN_ERR_EXPECTED_WARM);
	assert_int_equal(compiles(), 0);
	end();
}

/* ---- Resolving again ---- */

enum { RESOLVERS = 8, TIMES = 5000 };

static void *resolve_often(void *kernel)
{
	uintptr_t failed = 0;

	for (int i = 0; i < TIMES; i++)
		failed += kiln_kernel_resolve(kernel, NULL) != KILN_OK;
	return (void *)failed;
}

static void resolves_from_memory_are_all_counted(void **state)
{
	pthread_t threads[RESOLVERS];
	struct kiln_kernel *kernel = NULL;
	struct kiln_device_counters counters;

	(void)state;
	begin("");
	assert_status(kiln_kernel_create(device, &kernels[0], &kernel), KILN_OK);
	for (int i = 0; i < RESOLVERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, resolve_often, kernel), 0);
	for (int i = 0; i < RESOLVERS; i++) {
		void *failed;

		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	counters = kiln_device_counters(device);
	assert_int_equal(counters.compiled, 1);
	assert_int_equal(counters.memory, RESOLVERS * TIMES - 1);
	kiln_kernel_destroy(&kernel);
	end();
}

static void manifest_is_of_the_last_resolve(void **state)
{
	struct kiln_kernel *kernel = NULL;

	(void)state;
	begin("");
	assert_status(kiln_kernel_create(device, &kernels[0], &kernel), KILN_OK);
	assert_null(kiln_kernel_manifest(kernel));
	assert_status(kiln_kernel_resolve(kernel, NULL), KILN_OK);
	assert_non_null(strstr(kiln_kernel_manifest(kernel), "\"outcome\":\"compiled\""));
	for (int i = 0; i < 2; i++) {
		assert_status(kiln_kernel_resolve(kernel, NULL), KILN_OK);
		assert_non_null(strstr(kiln_kernel_manifest(kernel), "\"outcome\":\"memory\""));
		assert_non_null(strstr(kiln_kernel_manifest(kernel), "\"compile_ns\":0"));
	}
	kiln_kernel_destroy(&kernel);
	end();
}

static void lost_device_is_told_by_resolving_again(void **state)
{
	struct kiln_kernel *first = NULL, *second = NULL;

	(void)state;
	begin("compile_lost@2");
	assert_status(kiln_kernel_create(device, &kernels[0], &first), KILN_OK);
	assert_status(kiln_kernel_create(device, &kernels[1], &second), KILN_OK);
	assert_status(kiln_kernel_resolve(first, NULL), KILN_OK);
	assert_status(kiln_kernel_resolve(second, NULL), KILN_ERR_DEVICE_LOST);
	assert_status(kiln_kernel_resolve(first, NULL), KILN_ERR_DEVICE_LOST);
	assert_status(kiln_prewarm(device, kernels, 1, NULL, NULL), KILN_ERR_DEVICE_LOST);
	kiln_kernel_destroy(&first);
	kiln_kernel_destroy(&second);
	end();
}

static void blobs_the_driver_rejects_are_counted(void **state)
{
	(void)state;
	begin("");
	assert_int_equal(resolve(0).outcome, KILN_OUTCOME_COMPILED);
	assert_int_equal(kiln_device_counters(device).rejected, 0);
	kiln_device_close(&device);
	setenv("HOSTILE", "cache_rejects", 1);
	open_device();
	assert_int_equal(resolve(0).outcome, KILN_OUTCOME_COMPILED);
	assert_int_equal(resolve(0).outcome, KILN_OUTCOME_MEMORY);
	assert_int_equal(resolve(1).outcome, KILN_OUTCOME_COMPILED); /* nothing was offered */
	assert_int_equal(kiln_device_counters(device).rejected, 1);
	assert_int_equal(kiln_device_counters(device).compiled, 2);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blobs_the_driver_rejects_are_counted),
		cmocka_unit_test(cancelled_batch_leaves_the_rest_undone),
		cmocka_unit_test(cold_kernel_is_an_error_where_warm_ones_are_expected),
		cmocka_unit_test(enough_at_the_last_kernel_is_success),
		cmocka_unit_test(every_kernel_is_reported_in_order_and_stays_in_memory),
		cmocka_unit_test(failed_compile_is_reported_and_leaves_nothing),
		cmocka_unit_test(failing_kernels_leave_the_good_ones_alone),
		cmocka_unit_test(lost_device_is_told_by_resolving_again),
		cmocka_unit_test(manifest_is_of_the_last_resolve),
		cmocka_unit_test(null_and_nothing),
		cmocka_unit_test(progress_counts_every_kernel_once),
		cmocka_unit_test(resolves_from_memory_are_all_counted),
		cmocka_unit_test(twins_are_compiled_once_and_were_not_warm_before),
		cmocka_unit_test(warm_before_the_call_is_told_from_memory_and_from_disk),
	};

	return cmocka_run_group_tests_name("hostile prewarm", tests, NULL, NULL);
}
