/* Tuning on a real driver: what wins is right, is recorded and is used; and nobody's buffers change. */
#include "harness.h"

#include <ftw.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "modes_confirm_spv.h"
#include "modes_mark_spv.h"
#include "modes_tree_spv.h"
#include "reduce_spv.h"
#include "tune_scale_spv.h"
#include "tune_total_spv.h"

/* ---- A device with a store of its own, and work for it ---- */

struct place {
	char *folder;
	char path[600];
	struct kiln_store *store;
	struct kiln_device *device;
};

static void enter(struct place *place)
{
	gpu_ok(kiln_store_open(place->path, &place->store));
	place->device = gpu_open(&(struct kiln_device_params){.store = place->store});
}

static void leave(struct place *place)
{
	gpu_close(&place->device);
	kiln_store_close(&place->store);
}

static void open_place(struct place *place)
{
	place->folder = gpu_folder();
	snprintf(place->path, sizeof place->path, "%s/tuned/autotune.toml", place->folder);
	enter(place);
}

static void close_place(struct place *place)
{
	leave(place);
	free(place->folder);
}

struct work {
	struct kiln_kernel *kernel;
	struct kiln_buffer *in, *out;
	uint32_t push[2];
	struct kiln_launch_params launch;
};

static struct kiln_buffer *counting(struct kiln_device *device, uint32_t count)
{
	struct kiln_buffer *buffer = NULL;
	uint32_t *data = malloc(count * 4u);
	assert_non_null(data);
	for (uint32_t i = 0; i < count; i++)
		data[i] = i;
	gpu_ok(kiln_buffer_create(device, &(struct kiln_buffer_params){.bytes = count * 4u, .contents = data},
	                          &buffer));
	free(data);
	return buffer;
}

/* The sum of 0 to n - 1: integers, by barriers in shared memory. */
static void begin_total(struct work *work, struct kiln_device *device, uint32_t n, uint32_t workgroup)
{
	*work = (struct work){0};
	gpu_ok(kiln_kernel_create(device,
	                          &(struct kiln_kernel_params){.spirv = tune_total_spv,
	                                                       .spirv_bytes = sizeof tune_total_spv,
	                                                       .workgroup = {workgroup},
	                                                       .guarded = true},
	                          &work->kernel));
	work->in = counting(device, n);
	gpu_ok(kiln_buffer_create(device, &(struct kiln_buffer_params){.bytes = 4}, &work->out));
	work->push[0] = n;
	work->launch = (struct kiln_launch_params){
		.threads = {n}, .buffers = {work->in, work->out}, .push = work->push, .push_bytes = 4};
}

static uint32_t sum_to(uint32_t n)
{
	return (uint32_t)((uint64_t)n * (n - 1) / 2);
}

static void end(struct work *work)
{
	kiln_buffer_destroy(&work->in);
	kiln_buffer_destroy(&work->out);
	kiln_kernel_destroy(&work->kernel);
}

/* The count bounds it, not the time, so that the same is tried however loaded the machine is. */
enum { FEW = 6 };
static struct kiln_tune_params thorough(const struct work *work)
{
	return (struct kiln_tune_params){
		.launch = work->launch,
		.method = KILN_TUNE_EXHAUSTIVE,
		.max_configs = FEW,
		.budget_ns = 60000000000u,
	};
}

static struct kiln_tune_report *tune(const struct work *work, const struct kiln_tune_params *params)
{
	struct kiln_tune_report *report = NULL;
	gpu_ok(kiln_tune(work->kernel, params, &report));
	return report;
}

static struct kiln_build build_for(const struct work *work)
{
	struct kiln_build build;
	gpu_ok(kiln_kernel_resolve_for(work->kernel, work->launch.threads, &build));
	return build;
}

static int remembered_files;

static int count_file(const char *path, const struct stat *facts, int kind, struct FTW *walk)
{
	(void)path, (void)facts, (void)walk;
	remembered_files += kind == FTW_F;
	return 0;
}

static int files_below(const char *folder)
{
	remembered_files = 0;
	nftw(folder, count_file, 16, FTW_PHYS);
	return remembered_files;
}

static bool remember(void *user, const struct kiln_tune_record *record)
{
	*(struct kiln_tune_record *)user = *record;
	return true;
}

/* ---- Recording and using ---- */

static void what_was_found_is_recorded_and_used_by_the_next_start(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct place place;
	struct work work;
	uint32_t winner[3];
	open_place(&place);
	begin_total(&work, place.device, 20000, 0);
	struct kiln_tune_params params = thorough(&work);
	struct kiln_tune_report *report = tune(&work, &params);
	memcpy(winner, report->candidates[report->winner].config.workgroup, sizeof winner);
	if (report->tried != FEW)
		fprintf(stderr, "tried %zu of %zu: %s\n", report->tried, report->candidate_count, report->reason);
	assert_int_equal(report->tried, FEW);
	assert_true(report->reason[0]);
	kiln_tune_report_destroy(&report);
	assert_memory_equal(build_for(&work).workgroup, winner, sizeof winner);
	end(&work);
	leave(&place);

	enter(&place);
	begin_total(&work, place.device, 20000, 0);
	struct kiln_build build = build_for(&work);
	assert_memory_equal(build.workgroup, winner, sizeof winner);
	assert_int_equal(build.workgroup_source, KILN_WORKGROUP_STORE);
	assert_string_equal(build.workgroup_note, "");
	gpu_ok(kiln_launch(work.kernel, &work.launch));
	uint32_t *sum = gpu_read(work.out, 1);
	assert_int_equal(sum[0], sum_to(20000));
	free(sum);
	end(&work);
	close_place(&place);
}

static void record_says_how_it_came_to_be(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct place place;
	struct work work;
	struct kiln_tune_record record = {0};
	open_place(&place);
	begin_total(&work, place.device, 20000, 0);
	struct kiln_tune_params params = thorough(&work);
	struct kiln_tune_report *report = tune(&work, &params);
	assert_int_equal(kiln_store_len(place.store), 1);
	gpu_ok(kiln_store_each(place.store, remember, &record));
	assert_string_equal(record.adapter, gpu_info()->adapter);
	assert_int_equal(record.bucket, kiln_tune_bucket(work.launch.threads));
	assert_non_null(record.driver);
	assert_non_null(strstr(record.driver, ": "));
	assert_int_equal(record.rounds, report->rounds);
	assert_true(record.status != KILN_TUNE_UNSTATED);
	if (report->winner != 0)
		assert_true(record.ratio_default > 0 && record.ratio_default < 1);
	kiln_tune_report_destroy(&report);
	end(&work);
	close_place(&place);
}

static void other_problem_sizes_use_the_nearest_bucket_and_say_so(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct place place;
	struct work work;
	open_place(&place);
	begin_total(&work, place.device, 20000, 0);
	struct kiln_tune_params params = thorough(&work);
	params.allow = NULL;
	struct kiln_tune_report *report = tune(&work, &params);
	uint32_t winner = report->candidates[report->winner].config.workgroup[0];
	kiln_tune_report_destroy(&report);
	work.launch.threads[0] = 500000;
	struct kiln_build build = build_for(&work);
	assert_int_equal(build.workgroup[0], winner);
	assert_int_equal(build.workgroup_source, KILN_WORKGROUP_STORE);
	assert_true(build.workgroup_note[0]);
	end(&work);
	close_place(&place);
}

/* Cut short: it knows less than what stands there. */
static void hasty_result_replaces_no_settled_record(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct place place;
	struct work work;
	open_place(&place);
	begin_total(&work, place.device, 5000, 0);
	struct kiln_tune_params params = thorough(&work);
	struct kiln_tune_report *report = tune(&work, &params);
	struct kiln_tune_record record = {0};
	struct kiln_tune_key key;
	kiln_tune_report_destroy(&report);
	gpu_ok(kiln_store_each(place.store, remember, &record));
	key = record.key;
	record.status = KILN_TUNE_TUNED;
	record.workgroup_size[0] = 32;
	record.ratio_default = 0.5;
	record.bad = NULL;
	gpu_ok(kiln_store_put(place.store, &record));
	params.budget_ns = 1;
	report = tune(&work, &params);
	assert_true(report->provisional);
	assert_false(report->recorded);
	assert_non_null(strstr(report->reason, "what was recorded before stays"));
	kiln_tune_report_destroy(&report);
	gpu_ok(kiln_store_get(place.store, &key, gpu_info()->adapter, &record));
	assert_int_equal(record.workgroup_size[0], 32);
	assert_int_equal(record.status, KILN_TUNE_TUNED);
	end(&work);
	close_place(&place);
}

static void only_missing_leaves_a_record_alone(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct place place;
	struct work work;
	struct kiln_tune_record record = {0};
	open_place(&place);
	begin_total(&work, place.device, 5000, 0);
	struct kiln_tune_params params = thorough(&work);
	struct kiln_tune_report *report = tune(&work, &params);
	kiln_tune_report_destroy(&report);
	gpu_ok(kiln_store_each(place.store, remember, &record));
	record.status = KILN_TUNE_TUNED; /* even if load was in the way */
	gpu_ok(kiln_store_put(place.store, &record));
	params.only_missing = true;
	assert_null(tune(&work, &params));
	record.status = KILN_TUNE_TENTATIVE;
	gpu_ok(kiln_store_put(place.store, &record));
	report = tune(&work, &params);
	assert_non_null(report);
	kiln_tune_report_destroy(&report);
	end(&work);
	close_place(&place);
}

static void without_recording_nothing_is_left(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct place place;
	struct work work;
	open_place(&place);
	begin_total(&work, place.device, 5000, 0);
	struct kiln_tune_params params = thorough(&work);
	params.no_record = true;
	struct kiln_tune_report *report = tune(&work, &params);
	kiln_tune_report_destroy(&report);
	assert_true(kiln_store_is_empty(place.store));
	assert_int_equal(build_for(&work).workgroup_source, KILN_WORKGROUP_KERNEL);
	end(&work);
	close_place(&place);
}

/* ---- Harm ---- */

static void buffers_of_the_caller_are_bit_identical_afterwards(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct place place;
	enum { N = 10001 };
	open_place(&place);
	struct work work = {.push = {N}};
	const float factor = 0.5f;
	memcpy(&work.push[1], &factor, 4);
	gpu_ok(kiln_kernel_create(place.device,
	                          &(struct kiln_kernel_params){.spirv = tune_scale_spv,
	                                                       .spirv_bytes = sizeof tune_scale_spv,
	                                                       .guarded = true},
	                          &work.kernel));
	work.in = counting(place.device, N + 100);
	const struct kiln_arg arg = {.buffer = work.in, .bytes = N * 4};
	work.launch = (struct kiln_launch_params){
		.threads = {N}, .args = &arg, .arg_count = 1, .push = work.push, .push_bytes = 8};
	struct kiln_tune_params params = thorough(&work);
	struct kiln_tune_report *report = tune(&work, &params);
	assert_int_equal(report->tried, FEW);
	for (size_t i = 0; i < report->candidate_count; i++)
		assert_int_not_equal(report->candidates[i].verdict, KILN_TUNE_WRONG);
	kiln_tune_report_destroy(&report);
	uint32_t *data = gpu_read(work.in, N + 100);
	for (uint32_t i = 0; i < N + 100; i++)
		assert_int_equal(data[i], i);
	free(data);
	end(&work);
	close_place(&place);
}

static void made_up_contents_need_no_buffers(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct place place;
	struct work work;
	const uint64_t sizes[] = {20000, 4};
	open_place(&place);
	begin_total(&work, place.device, 5000, 0);
	struct kiln_tune_params params = {
		.launch = {.threads = {5000}, .push = work.push, .push_bytes = 4},
		.buffer_bytes = sizes,
		.buffer_count = 2,
		.max_configs = 2,
		.budget_ns = 60000000000u,
	};
	struct kiln_tune_report *report = tune(&work, &params);
	assert_int_equal(report->tried, 2);
	kiln_tune_report_destroy(&report);
	params.buffer_count = 1;
	gpu_refused(kiln_tune(work.kernel, &params, NULL), KILN_ERR_TOO_FEW_BUFFERS);
	end(&work);
	close_place(&place);
}

static void cold_caches_are_another_way_to_measure(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct place place;
	struct work work;
	open_place(&place);
	begin_total(&work, place.device, 5000, 0);
	struct kiln_tune_params params = {
		.launch = work.launch, .cold = true, .max_configs = 2, .budget_ns = 60000000000u};
	struct kiln_tune_report *report = tune(&work, &params);
	assert_true(report->candidates[0].sample_count > 0);
	kiln_tune_report_destroy(&report);
	end(&work);
	close_place(&place);
}

static bool enough(void *user, const struct kiln_tune_progress *progress)
{
	unsigned *calls = user;
	assert_non_null(progress->best);
	return ++*calls < 3;
}

static void progress_can_stop_it_and_nothing_is_recorded(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct place place;
	struct work work;
	unsigned calls = 0;
	open_place(&place);
	begin_total(&work, place.device, 5000, 0);
	struct kiln_tune_params params = thorough(&work);
	params.progress = enough;
	params.user = &calls;
	gpu_refused(kiln_tune(work.kernel, &params, NULL), KILN_ERR_CANCELLED);
	assert_int_equal(calls, 3);
	assert_true(kiln_store_is_empty(place.store));
	gpu_ok(kiln_launch(work.kernel, &work.launch));
	end(&work);
	close_place(&place);
}

static bool small_only(void *user, const struct kiln_tune_config *config)
{
	(void)user;
	return config->workgroup[0] <= 64;
}

static void caller_can_forbid_configurations(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct place place;
	struct work work;
	open_place(&place);
	begin_total(&work, place.device, 5000, 0);
	struct kiln_tune_params params = thorough(&work);
	params.allow = small_only;
	struct kiln_tune_report *report = tune(&work, &params);
	for (size_t i = 0; i < report->candidate_count; i++)
		assert_true(report->candidates[i].config.workgroup[0] <= 64);
	kiln_tune_report_destroy(&report);
	end(&work);
	close_place(&place);
}

static void more_workgroups_than_the_device_counts_are_no_configuration(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct place place;
	struct work work;
	uint32_t most = gpu_info()->max_workgroup_count[0], fewest = UINT32_MAX;
	if (most > 1000000)
		gpu_skip(__func__, "a launch with more workgroups than this device counts would take too long");
	open_place(&place);
	begin_total(&work, place.device, 2 * most + 1, 0);
	struct kiln_tune_params params = thorough(&work);
	params.max_configs = 1;
	struct kiln_tune_report *report = tune(&work, &params);
	for (size_t i = 0; i < report->candidate_count; i++)
		if (report->candidates[i].config.workgroup[0] < fewest)
			fewest = report->candidates[i].config.workgroup[0];
	assert_int_equal(fewest, 4);
	kiln_tune_report_destroy(&report);
	end(&work);
	close_place(&place);
}

/* ---- Refusals ---- */

static void what_cannot_be_tuned_is_refused(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct place place;
	struct work work;
	struct kiln_kernel *fixed = NULL;
	open_place(&place);
	begin_total(&work, place.device, 1000, 32);
	struct kiln_tune_params params = {.launch = work.launch};
	gpu_refused(kiln_tune(work.kernel, &params, NULL), KILN_ERR_UNSUPPORTED);
	gpu_refused(kiln_tune(NULL, &params, NULL), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_tune(work.kernel, NULL, NULL), KILN_ERR_INVALID_ARGUMENT);
	params.launch.threads[0] = 0;
	gpu_refused(kiln_tune(work.kernel, &params, NULL), KILN_ERR_INVALID_ARGUMENT);
	params = (struct kiln_tune_params){.launch = work.launch};
	gpu_ok(kiln_kernel_create(place.device,
	                          &(struct kiln_kernel_params){.spirv = reduce_spv,
	                                                       .spirv_bytes = sizeof reduce_spv},
	                          &fixed));
	gpu_refused(kiln_tune(fixed, &params, NULL), KILN_ERR_UNSUPPORTED);
	kiln_kernel_destroy(&fixed);
	end(&work);
	begin_total(&work, place.device, 1000, 0);
	params = (struct kiln_tune_params){.launch = work.launch};
	params.launch.buffers[1] = NULL;
	gpu_refused(kiln_tune(work.kernel, &params, NULL), KILN_ERR_TOO_FEW_BUFFERS);
	params = (struct kiln_tune_params){.launch = work.launch, .tolerance_relative = -1};
	gpu_refused(kiln_tune(work.kernel, &params, NULL), KILN_ERR_INVALID_ARGUMENT);
	assert_true(kiln_store_is_empty(place.store));
	end(&work);
	close_place(&place);
}

static void busy_tuner_of_the_same_device_is_waited_for_and_reported(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct place place;
	struct work work;
	char path[900];
	open_place(&place);
	begin_total(&work, place.device, 1000, 0);
	struct kiln_tune_params params = {.launch = work.launch, .lock_wait_ns = 50000000u};
	gpu_ok(kiln_tune(work.kernel, &params, NULL)); /* makes the file */
	FILE *names = NULL;
	snprintf(path, sizeof path, "ls %s/tuned/autotune.toml.tuning-*", place.folder);
	names = popen(path, "r");
	assert_non_null(names);
	assert_non_null(fgets(path, sizeof path, names));
	pclose(names);
	path[strcspn(path, "\n")] = '\0';
	int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
	gpu_refused(kiln_tune(work.kernel, &params, NULL), KILN_ERR_TIMEOUT);
	close(fd);
	gpu_ok(kiln_tune(work.kernel, &params, NULL));
	end(&work);
	close_place(&place);
}

/* ---- What earlier runs and other machines say ---- */

static struct kiln_tune_record record_of(const struct work *work, const char *driver, uint32_t width)
{
	struct kiln_build build;
	gpu_ok(kiln_kernel_describe(work->kernel, &build));
	return (struct kiln_tune_record){
		.key = build.tune_key,
		.adapter = gpu_info()->adapter,
		.workgroup_size = {width, 1, 1},
		.unroll = 1,
		.driver = driver,
	};
}

static void record_of_another_machine_is_not_used(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct place place;
	struct work work;
	open_place(&place);
	begin_total(&work, place.device, 1000, 0);
	struct kiln_tune_record record = record_of(&work, "another driver: 1.0", 32);
	gpu_ok(kiln_store_put(place.store, &record));
	end(&work);
	begin_total(&work, place.device, 1000, 0);
	struct kiln_build build = build_for(&work);
	assert_int_equal(build.workgroup[0], 64);
	assert_true(build.workgroup_note[0]);
	end(&work);
	record.driver = NULL; /* another tool's: there is nothing to doubt */
	gpu_ok(kiln_store_put(place.store, &record));
	begin_total(&work, place.device, 1000, 0);
	assert_int_equal(build_for(&work).workgroup[0], 32);
	end(&work);
	close_place(&place);
}

static void what_hung_before_is_not_tried_again(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct place place;
	struct work work;
	struct kiln_tune_record record = {0};
	open_place(&place);
	begin_total(&work, place.device, 5000, 0);
	struct kiln_tune_params params = thorough(&work);
	struct kiln_tune_report *report = tune(&work, &params);
	kiln_tune_report_destroy(&report);
	gpu_ok(kiln_store_each(place.store, remember, &record));
	record.bad = "hung 32x1x1\nwrong 16x1x1";
	gpu_ok(kiln_store_put(place.store, &record));
	report = tune(&work, &params);
	for (size_t i = 0; i < report->candidate_count; i++) {
		const struct kiln_tune_candidate *candidate = &report->candidates[i];
		if (candidate->config.workgroup[0] == 32)
			assert_int_equal(candidate->verdict, KILN_TUNE_HUNG);
		else if (candidate->config.workgroup[0] == 16)
			assert_int_equal(candidate->verdict, KILN_TUNE_WRONG);
		else
			continue;
		assert_int_equal(candidate->sample_count, 0);
	}
	kiln_tune_report_destroy(&report);
	/* What was wrong to the bit may be right within a tolerance; what hung, hangs. */
	params.tolerance_relative = 1e-3;
	report = tune(&work, &params);
	for (size_t i = 0; i < report->candidate_count; i++) {
		const struct kiln_tune_candidate *candidate = &report->candidates[i];
		if (candidate->config.workgroup[0] == 32)
			assert_int_equal(candidate->verdict, KILN_TUNE_HUNG);
		if (candidate->config.workgroup[0] == 16)
			assert_int_not_equal(candidate->verdict, KILN_TUNE_WRONG);
	}
	kiln_tune_report_destroy(&report);
	end(&work);
	close_place(&place);
}

/* A pipe in its place can be opened, and is nothing that a note could be written to. */
static void put_a_pipe_in_place_of_the_tuners_file(const char *store_path)
{
	char pattern[700];
	glob_t found;
	snprintf(pattern, sizeof pattern, "%s.tuning-*", store_path);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_int_equal(found.gl_pathc, 1);
	assert_int_equal(unlink(found.gl_pathv[0]), 0);
	assert_int_equal(mkfifo(found.gl_pathv[0], 0600), 0);
	globfree(&found);
}

static void without_a_usable_tuners_file_it_tunes_all_the_same(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct place place;
	struct work work;
	open_place(&place);
	begin_total(&work, place.device, 5000, 0);
	struct kiln_tune_params params = thorough(&work);
	struct kiln_tune_report *report = tune(&work, &params);
	kiln_tune_report_destroy(&report);
	put_a_pipe_in_place_of_the_tuners_file(place.path);
	gpu_forget_log();
	report = tune(&work, &params);
	assert_int_equal(report->tried, FEW);
	assert_true(gpu_logged("tuning without a lock"));
	kiln_tune_report_destroy(&report);
	gpu_forget_log();
	end(&work);
	close_place(&place);
}

/* ---- Modes ---- */

/* A device as the environment would have it, with a store in `folder`. */
static struct kiln_device *open_in_mode(const char *mode, const char *folder)
{
	char path[700];
	snprintf(path, sizeof path, "%s/autotune.toml", folder);
	setenv("KILN_AUTOTUNE", mode, 1);
	setenv("KILN_AUTOTUNE_STORE", path, 1);
	struct kiln_device *device = gpu_open(&(struct kiln_device_params){.no_cache = true});
	unsetenv("KILN_AUTOTUNE");
	unsetenv("KILN_AUTOTUNE_STORE");
	return device;
}

static uint32_t width_after_launches(const char *mode, const char *folder, int launches)
{
	struct kiln_device *device = open_in_mode(mode, folder);
	struct work work;
	begin_total(&work, device, 500, 0);
	for (int i = 0; i < launches; i++)
		gpu_ok(kiln_launch(work.kernel, &work.launch));
	uint32_t *sum = gpu_read(work.out, 1);
	assert_int_equal(sum[0], (uint32_t)(sum_to(500) * (unsigned)launches));
	free(sum);
	uint32_t width = build_for(&work).workgroup[0];
	end(&work);
	gpu_close(&device);
	return width;
}

/* What tests/gpu/gpu_tune --launch MODE FOLDER does: open, launch thrice, close. */
static const char *child_mode, *child_folder;

static void launch_in_mode(void **state)
{
	(void)state;
	(void)width_after_launches(child_mode, child_folder, 3);
}

/* Runs that under strace; the lines that name the folder, or -1 where nothing can be traced. */
static int calls_that_name(const char *folder, const char *mode)
{
	char command[2000], line[4096];
	int count = 0;
	snprintf(command, sizeof command,
	         "ASAN_OPTIONS=detect_leaks=0 strace -f -e trace=%%file -o %s.trace /proc/%d/exe --launch %s %s "
	         "> %s.log 2>&1",
	         folder, (int)getpid(), mode, folder, folder);
	if (system("strace -o /dev/null true 2> /dev/null") != 0)
		return -1;
	assert_int_equal(system(command), 0);
	snprintf(line, sizeof line, "%s.trace", folder);
	FILE *trace = fopen(line, "r");
	assert_non_null(trace);
	while (fgets(line, sizeof line, trace))
		count += strstr(line, folder) && !strstr(line, "execve(");
	fclose(trace);
	return count;
}

static void off_makes_no_system_call_on_the_store(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	char *folder = gpu_folder();
	int off = calls_that_name(folder, "off");
	if (off < 0) {
		free(folder);
		gpu_skip(__func__, "strace is not there, or may not trace. Fix: tools/setup.sh --dev");
	}
	assert_int_equal(off, 0);
	/* And this is how it looks where the store is read. */
	assert_true(calls_that_name(folder, "use") > 0);
	free(folder);
}

static void off_touches_nothing(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	char *folder = gpu_folder();
	assert_int_equal(width_after_launches("off", folder, 3), 64);
	assert_int_equal(files_below(folder), 0);
	free(folder);
}

static struct kiln_tune_record only_record(const char *folder)
{
	struct kiln_store *store = NULL;
	struct kiln_tune_record record = {0};
	char path[700];
	snprintf(path, sizeof path, "%s/autotune.toml", folder);
	gpu_ok(kiln_store_open(path, &store));
	gpu_ok(kiln_store_each(store, remember, &record));
	kiln_store_close(&store);
	record.adapter = record.driver = record.bad = NULL; /* went with the store */
	return record;
}

/* As if it had been settled long ago. */
static void settle(const char *folder, uint32_t rounds)
{
	struct kiln_store *store = NULL;
	struct kiln_tune_record record = {0};
	char path[700];
	snprintf(path, sizeof path, "%s/autotune.toml", folder);
	gpu_ok(kiln_store_open(path, &store));
	gpu_ok(kiln_store_each(store, remember, &record));
	record.status = KILN_TUNE_KEPT;
	record.rounds = rounds;
	gpu_ok(kiln_store_put(store, &record));
	gpu_ok(kiln_store_save_if_dirty(store, NULL));
	kiln_store_close(&store);
}

/* Removes the file that a tuner locks; false: none had begun since. */
static bool forget_tuners(const char *folder)
{
	char pattern[700];
	glob_t found;
	bool any;
	snprintf(pattern, sizeof pattern, "%s/autotune.toml.tuning-*", folder);
	any = glob(pattern, 0, NULL, &found) == 0;
	for (size_t i = 0; any && i < found.gl_pathc; i++)
		unlink(found.gl_pathv[i]);
	globfree(&found);
	return any;
}

static void tune_leaves_a_settled_record_alone_and_retune_tunes_again(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	enum { ROUNDS = 54321 };
	char *folder = gpu_folder();
	/* A loaded machine makes a small kernel look long. */
	for (int tries = 0; tries < 20 && files_below(folder) == 0; tries++)
		(void)width_after_launches("tune", folder, 4);
	settle(folder, ROUNDS);
	(void)forget_tuners(folder);
	(void)width_after_launches("tune", folder, 4);
	assert_int_equal(only_record(folder).rounds, ROUNDS);
	assert_false(forget_tuners(folder));
	/* Whether the new result is recorded is the load's word: what is provisional replaces nothing that is settled. */
	bool again = false;
	for (int tries = 0; tries < 20 && !again; tries++) {
		(void)width_after_launches("retune", folder, 4);
		again = forget_tuners(folder);
	}
	assert_true(again);
	assert_true(only_record(folder).rounds == ROUNDS || only_record(folder).status != KILN_TUNE_TENTATIVE);
	free(folder);
}

static void use_writes_nothing(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	char *folder = gpu_folder();
	assert_int_equal(width_after_launches("use", folder, 3), 64);
	assert_int_equal(files_below(folder), 0);
	free(folder);
}

static void tune_records_at_the_first_launches_and_results_stay_right(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	char *folder = gpu_folder();
	uint32_t width = 0;
	/* A loaded machine makes a small kernel look long. */
	for (int tries = 0; tries < 20 && files_below(folder) == 0; tries++)
		width = width_after_launches("tune", folder, 4);
	assert_true(files_below(folder) >= 1);
	assert_int_equal(width_after_launches("use", folder, 1), width);
	free(folder);
}

static struct kiln_kernel *kernel_for(struct kiln_device *device, const void *words, size_t bytes, uint32_t mode)
{
	struct kiln_kernel *kernel = NULL;
	gpu_ok(kiln_kernel_create(device,
	                          &(struct kiln_kernel_params){.spirv = words,
	                                                       .spirv_bytes = bytes,
	                                                       .guarded = true,
	                                                       .modes = mode},
	                          &kernel));
	return kernel;
}

/* The default stream's lock for speculation is held while the launch is recorded, and a tuner waits for that stream. */
static void speculation_is_not_tuned_in_the_middle(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	enum { COUNT = 500, BELOW = 300 };
	const uint32_t push[2] = {COUNT, BELOW};
	char *folder = gpu_folder();
	struct kiln_device *device = open_in_mode("tune", folder);
	struct kiln_kernel *mark =
		kernel_for(device, modes_mark_spv, sizeof modes_mark_spv, KILN_FEATURE_SPECULATIVE);
	struct kiln_kernel *confirm =
		kernel_for(device, modes_confirm_spv, sizeof modes_confirm_spv, KILN_FEATURE_SPECULATIVE);
	struct kiln_buffer *buffers[3] = {counting(device, COUNT), counting(device, COUNT)};
	struct kiln_speculate_params params = {
		.prefilter = mark,
		.prefilter_launch = {.buffers = {buffers[0]}, .push = push, .push_bytes = sizeof push},
		.confirmer = confirm,
		.confirmer_launch = {.buffers = {buffers[0], buffers[1]},
	                             .push = push,
	                             .push_bytes = sizeof push},
		.count = COUNT,
	};
	gpu_ok(kiln_buffer_create(device, &(struct kiln_buffer_params){.bytes = COUNT * 4}, &buffers[2]));
	params.confirmer_launch.buffers[2] = buffers[2];
	alarm(100);
	for (int i = 0; i < 4; i++)
		gpu_ok(kiln_speculate(kiln_device_stream(device), &params));
	uint32_t *order = gpu_read(buffers[2], COUNT);
	alarm(0);
	for (uint32_t i = 0; i < COUNT; i++)
		assert_int_equal(order[i], i < BELOW ? i : 0);
	free(order);
	assert_int_equal(files_below(folder), 0);
	for (int i = 0; i < 3; i++)
		kiln_buffer_destroy(&buffers[i]);
	kiln_kernel_destroy(&mark);
	kiln_kernel_destroy(&confirm);
	gpu_close(&device);
	free(folder);
}

/* By the time anybody could tune, there is nothing left in the queue. */
static void launch_that_drains_a_queue_is_not_tuned(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	enum { NODES = 121 };
	const struct kiln_work_queue_params params = {.capacity = 128, .item_words = 2};
	char *folder = gpu_folder();
	struct kiln_device *device = open_in_mode("tune", folder);
	struct kiln_kernel *tree =
		kernel_for(device, modes_tree_spv, sizeof modes_tree_spv, KILN_FEATURE_PERSISTENT_THREAD);
	struct kiln_buffer *visits = NULL;
	struct kiln_work_queue *queue = NULL;
	gpu_ok(kiln_buffer_create(device, &(struct kiln_buffer_params){.bytes = NODES * 4}, &visits));
	gpu_ok(kiln_work_queue_create(device, &params, &queue));
	const struct kiln_launch_params launch = {.buffers = {kiln_work_queue_buffer(queue), visits}};
	for (int i = 0; i < 4; i++) {
		gpu_ok(kiln_work_queue_push(queue, (uint32_t[]){0, 4}, 1));
		gpu_ok(kiln_work_queue_launch(kiln_device_stream(device), queue, tree, &launch));
	}
	uint32_t *got = gpu_read(visits, NODES);
	for (uint32_t i = 0; i < NODES; i++)
		assert_int_equal(got[i], 4);
	free(got);
	assert_int_equal(files_below(folder), 0);
	kiln_work_queue_destroy(&queue);
	kiln_buffer_destroy(&visits);
	kiln_kernel_destroy(&tree);
	gpu_close(&device);
	free(folder);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest launch[] = {cmocka_unit_test(launch_in_mode)};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffers_of_the_caller_are_bit_identical_afterwards),
		cmocka_unit_test(busy_tuner_of_the_same_device_is_waited_for_and_reported),
		cmocka_unit_test(caller_can_forbid_configurations),
		cmocka_unit_test(more_workgroups_than_the_device_counts_are_no_configuration),
		cmocka_unit_test(cold_caches_are_another_way_to_measure),
		cmocka_unit_test(made_up_contents_need_no_buffers),
		cmocka_unit_test(off_makes_no_system_call_on_the_store),
		cmocka_unit_test(off_touches_nothing),
		cmocka_unit_test(hasty_result_replaces_no_settled_record),
		cmocka_unit_test(only_missing_leaves_a_record_alone),
		cmocka_unit_test(other_problem_sizes_use_the_nearest_bucket_and_say_so),
		cmocka_unit_test(progress_can_stop_it_and_nothing_is_recorded),
		cmocka_unit_test(record_of_another_machine_is_not_used),
		cmocka_unit_test(record_says_how_it_came_to_be),
		cmocka_unit_test(launch_that_drains_a_queue_is_not_tuned),
		cmocka_unit_test(speculation_is_not_tuned_in_the_middle),
		cmocka_unit_test(tune_leaves_a_settled_record_alone_and_retune_tunes_again),
		cmocka_unit_test(tune_records_at_the_first_launches_and_results_stay_right),
		cmocka_unit_test(use_writes_nothing),
		cmocka_unit_test(what_cannot_be_tuned_is_refused),
		cmocka_unit_test(what_hung_before_is_not_tried_again),
		cmocka_unit_test(what_was_found_is_recorded_and_used_by_the_next_start),
		cmocka_unit_test(without_a_usable_tuners_file_it_tunes_all_the_same),
		cmocka_unit_test(without_recording_nothing_is_left),
	};
	if (argc == 4 && strcmp(argv[1], "--launch") == 0) {
		child_mode = argv[2];
		child_folder = argv[3];
		return GPU_MAIN("tune_launch", launch, false);
	}
	return GPU_MAIN("tune", tests, true);
}
