/* A device that is lost and reopened, on real drivers: results are right, nothing is compiled that the cache holds, and the
 * validation layer has nothing to say. The loss is a call that says so. */
#include "harness.h"

#include <string.h>

#include "device.h"
#include "image_filter_spv.h"
#include "modes_confirm_spv.h"
#include "modes_counts_spv.h"
#include "modes_tally_spv.h"
#include "slice_ids_spv.h"
#include "step_spv.h"
#include "tune_run.h"

#include <kiln/vulkan.h> /* last: it would declare Vulkan's functions */

#define N 4096u

struct push {
	uint32_t n, k;
};

/* ---- The loss ---- */

static struct VolkDeviceTable real;
static unsigned strike; /* which call from now on, 0 = none */

static bool strikes(void)
{
	return strike > 0 && --strike == 0;
}

static VKAPI_ATTR VkResult VKAPI_CALL submit(VkQueue queue, uint32_t count, const VkSubmitInfo *infos,
                                             VkFence fence)
{
	return strikes() ? VK_ERROR_DEVICE_LOST : real.vkQueueSubmit(queue, count, infos, fence);
}

static VKAPI_ATTR VkResult VKAPI_CALL wait_fences(VkDevice device, uint32_t count, const VkFence *fences,
                                                  VkBool32 all, uint64_t timeout_ns)
{
	return strikes() ? VK_ERROR_DEVICE_LOST
	                 : real.vkWaitForFences(device, count, fences, all, timeout_ns);
}

/* A reopened device has a function table of its own. */
static void arm(struct kiln_device *device, bool waits, unsigned call)
{
	real = device->vk;
	if (waits)
		device->vk.vkWaitForFences = wait_fences;
	else
		device->vk.vkQueueSubmit = submit;
	strike = call;
}

/* ---- Its victim ---- */

struct victim {
	struct kiln_device *device;
	struct kiln_stream *stream;
	struct kiln_kernel *step;
	struct kiln_buffer *kept, *plain; /* shadowed, and not */
	uint32_t start[N], got[N];
};

static struct victim v;

static struct kiln_kernel *kernel_of(const void *words, size_t bytes, uint32_t modes)
{
	struct kiln_kernel *kernel = NULL;

	gpu_ok(kiln_kernel_create(v.device,
	                          &(struct kiln_kernel_params){.spirv = words,
	                                                       .spirv_bytes = bytes,
	                                                       .name = "victim",
	                                                       .modes = modes},
	                          &kernel));
	return kernel;
}

/* `pretend`: as in a device whose memory the host does not see. */
static void set_up(const struct kiln_device_params *params, unsigned pretend)
{
	memset(&v, 0, sizeof v);
	for (uint32_t i = 0; i < N; i++)
		v.start[i] = i * 7 + 1;
	v.device = gpu_open(params);
	v.device->memory.pretend = pretend;
	gpu_ok(kiln_stream_create(v.device, &(struct kiln_stream_params){.name = "work"}, &v.stream));
	v.step = kernel_of(step_spv, sizeof step_spv, 0);
	gpu_ok(kiln_buffer_create(v.device,
	                          &(struct kiln_buffer_params){.bytes = sizeof v.start,
	                                                       .contents = v.start,
	                                                       .shadowed = true,
	                                                       .name = "kept"},
	                          &v.kept));
	gpu_ok(kiln_buffer_create(v.device,
	                          &(struct kiln_buffer_params){.bytes = sizeof v.start, .name = "plain"},
	                          &v.plain));
}

static void tear_down(void)
{
	kiln_buffer_destroy(&v.kept);
	kiln_buffer_destroy(&v.plain);
	kiln_kernel_destroy(&v.step);
	kiln_stream_destroy(&v.stream);
	gpu_close(&v.device);
}

static enum kiln_status launch(struct kiln_stream *stream, struct kiln_buffer *data, uint32_t k)
{
	const struct push push = {N, k};

	return kiln_stream_launch(stream, v.step,
	                          &(struct kiln_launch_params){.threads = {N},
	                                                       .buffers = {data},
	                                                       .push = &push,
	                                                       .push_bytes = sizeof push});
}

/* From what the host wrote: two launches on two streams, and a copy. */
static enum kiln_status work(void)
{
	KILN_TRY(kiln_buffer_write(v.kept, 0, v.start, sizeof v.start));
	KILN_TRY(launch(v.stream, v.kept, 3));
	KILN_TRY(kiln_stream_submit(v.stream, NULL));
	KILN_TRY(launch(kiln_device_stream(v.device), v.kept, 5));
	KILN_TRY(kiln_buffer_copy(v.kept, 0, v.plain, 0, sizeof v.start));
	KILN_TRY(kiln_stream_wait(v.stream, KILN_WAIT_FOREVER));
	return kiln_buffer_read(v.plain, 0, v.got, sizeof v.got);
}

static void assert_work(void)
{
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(v.got[i], (v.start[i] * 1664525u + 3 + i) * 1664525u + 5 + i);
}

/* ---- Tests ---- */

static void results_are_right_wherever_it_was_lost(void **state)
{
	unsigned losses = 0;

	(void)state;
	GPU_NEEDS_LAUNCH();
	for (int invisible = 0; invisible < 2; invisible++) {
		set_up(&(struct kiln_device_params){.no_cache = true},
		       invisible ? KILN_PRETEND_NOT_VISIBLE : 0);
		for (unsigned call = 1; call <= 8; call++) {
			enum kiln_status status;

			arm(v.device, call % 2, (call + 1) / 2);
			status = work();
			if (status != KILN_OK) {
				struct kiln_reopening reopening;

				gpu_refused(status, KILN_ERR_DEVICE_LOST);
				gpu_refused(kiln_device_wait(v.device), KILN_ERR_DEVICE_LOST);
				gpu_ok(kiln_device_reopen(v.device, &reopening));
				assert_int_equal(reopening.restored_buffers, 1);
				assert_int_equal(reopening.empty_buffers, 1);
				losses++;
				gpu_ok(work());
			}
			assert_work();
		}
		tear_down();
	}
	assert_true(losses >= 6);
}

static struct kiln_build resolve(struct kiln_kernel *kernel)
{
	struct kiln_build build;

	gpu_ok(kiln_kernel_resolve(kernel, &build));
	return build;
}

/* Drivers that keep no code in what they give for a cache compile in any case: as warm as a second device, then. */
static void reopened_device_is_as_warm_as_a_second_one(void **state)
{
	struct kiln_device_params params = {.validation = KILN_VALIDATION_ON};
	char *folder = gpu_folder();
	struct kiln_device_counters counters;
	struct kiln_cache *cache = NULL;
	enum kiln_outcome second;

	(void)state;
	gpu_ok(kiln_cache_open(&(struct kiln_cache_params){.root = folder}, &cache));
	params.cache = cache;
	for (int visit = 0; visit < 2; visit++) {
		v = (struct victim){.device = gpu_open(&params)};
		v.step = kernel_of(step_spv, sizeof step_spv, 0);
		second = resolve(v.step).outcome;
		if (visit == 0) {
			kiln_kernel_destroy(&v.step);
			gpu_close(&v.device);
		}
	}
	counters = kiln_device_counters(v.device);
	kiln_device_lose(v.device);
	gpu_refused(kiln_kernel_resolve(v.step, NULL), KILN_ERR_DEVICE_LOST);
	gpu_ok(kiln_device_reopen(v.device, NULL));
	assert_int_equal(resolve(v.step).outcome, second);
	assert_int_equal(kiln_device_counters(v.device).disk, 2 * counters.disk);
	assert_int_equal(kiln_device_counters(v.device).compiled, 2 * counters.compiled);
	assert_int_equal(kiln_device_counters(v.device).memory, counters.memory);
	assert_int_equal(resolve(v.step).outcome, KILN_OUTCOME_MEMORY);
	kiln_kernel_destroy(&v.step);
	gpu_close(&v.device);
	kiln_cache_close(&cache);
	free(folder);
}

struct tally {
	uint32_t threads, groups, hits[64];
};

/* Kiln's own kernels, and what streams keep for launch modes. */
static void launch_indirectly(struct kiln_kernel *writer, struct kiln_kernel *tally, struct kiln_buffer *counts,
                              struct kiln_buffer *data)
{
	const uint32_t push[4] = {0, 2, 1, 1};
	struct tally got;

	gpu_ok(kiln_buffer_fill(counts, 0, 64, 0));
	gpu_ok(kiln_buffer_fill(data, 0, sizeof(struct tally), 0));
	gpu_ok(kiln_launch(writer, &(struct kiln_launch_params){.threads = {1},
	                                                        .buffers = {counts},
	                                                        .push = push,
	                                                        .push_bytes = sizeof push}));
	gpu_ok(kiln_launch(tally, &(struct kiln_launch_params){.buffers = {data},
	                                                       .indirect = {.buffer = counts}}));
	gpu_ok(kiln_buffer_read(data, 0, &got, sizeof got));
	assert_int_equal(got.groups, 2);
	assert_int_equal(got.threads, 64);
}

static void indirect_launches_work_again(void **state)
{
	struct kiln_kernel *writer, *tally;
	struct kiln_buffer *counts = NULL, *data = NULL;

	(void)state;
	GPU_NEEDS_LAUNCH();
	set_up(&(struct kiln_device_params){.no_cache = true}, 0);
	writer = kernel_of(modes_counts_spv, sizeof modes_counts_spv, 0);
	tally = kernel_of(modes_tally_spv, sizeof modes_tally_spv, KILN_FEATURE_INDIRECT_DISPATCH);
	gpu_ok(kiln_buffer_create(v.device, &(struct kiln_buffer_params){.bytes = 64}, &counts));
	gpu_ok(kiln_buffer_create(v.device, &(struct kiln_buffer_params){.bytes = sizeof(struct tally)},
	                          &data));
	launch_indirectly(writer, tally, counts, data);
	arm(v.device, false, 1);
	gpu_ok(launch(kiln_device_stream(v.device), v.kept, 1));
	gpu_refused(kiln_device_wait(v.device), KILN_ERR_DEVICE_LOST);
	gpu_ok(kiln_device_reopen(v.device, NULL));
	gpu_refused(kiln_launch(tally, &(struct kiln_launch_params){.buffers = {v.kept},
	                                                            .indirect = {.buffer = counts}}),
	            KILN_ERR_CONTENTS_LOST);
	launch_indirectly(writer, tally, counts, data);
	kiln_buffer_destroy(&counts);
	kiln_buffer_destroy(&data);
	kiln_kernel_destroy(&writer);
	kiln_kernel_destroy(&tally);
	tear_down();
}

/* How many of `count` there were, at the buffer's start. */
static uint32_t survivors_of(struct kiln_kernel *confirm, struct kiln_buffer *order, uint32_t count,
                             struct kiln_buffer *survivors)
{
	const struct push push = {count, 0};
	uint32_t counted = 4711;

	gpu_ok(kiln_speculate(v.stream, &(struct kiln_speculate_params){
						.confirmer = confirm,
						.confirmer_launch = {.buffers = {v.kept, order, order},
	                                                             .push = &push,
	                                                             .push_bytes = sizeof push},
						.count = count,
						.survivors = {.buffer = survivors},
					}));
	gpu_ok(kiln_buffer_read(survivors, 0, &counted, sizeof counted));
	return counted;
}

/* The count is written for good, and is no part of what was lost. */
static void survivors_are_counted_into_a_buffer_whose_bytes_were_lost(void **state)
{
	struct kiln_kernel *confirm;
	struct kiln_buffer *order = NULL;
	uint32_t word;

	(void)state;
	GPU_NEEDS_LAUNCH();
	for (uint32_t count = 0; count <= N; count += N) {
		set_up(&(struct kiln_device_params){.no_cache = true}, 0);
		kiln_device_lose(v.device);
		gpu_ok(kiln_device_reopen(v.device, NULL));
		confirm = kernel_of(modes_confirm_spv, sizeof modes_confirm_spv, KILN_FEATURE_SPECULATIVE);
		gpu_ok(kiln_buffer_create(v.device, &(struct kiln_buffer_params){.bytes = N * 4}, &order));
		gpu_refused(kiln_buffer_read(v.plain, 0, &word, 4), KILN_ERR_CONTENTS_LOST);
		assert_int_equal(survivors_of(confirm, order, count, v.plain), count);
		gpu_refused(kiln_buffer_read(v.plain, 4, &word, 4), KILN_ERR_CONTENTS_LOST);
		kiln_buffer_destroy(&order);
		kiln_kernel_destroy(&confirm);
		tear_down();
	}
}

static void slice(struct kiln_kernel *kernel, uint32_t *out_words)
{
	const uint32_t push[4] = {64, 16, 4, 1};
	struct kiln_slice_report report;

	gpu_ok(kiln_buffer_fill(v.plain, 0, sizeof v.got, 0));
	gpu_ok(kiln_stream_launch_sliced(v.stream, kernel,
	                                 &(struct kiln_launch_params){.threads = {64, 16, 4},
	                                                              .buffers = {v.plain},
	                                                              .push = push,
	                                                              .push_bytes = sizeof push},
	                                 &(struct kiln_slice_params){.budget_ns = 1}, &report));
	assert_true(report.slices > 1);
	gpu_ok(kiln_buffer_read(v.plain, 0, out_words, sizeof v.got));
}

static void sliced_launches_work_again(void **state)
{
	struct kiln_kernel *kernel;
	uint32_t before[N];

	(void)state;
	GPU_NEEDS_LAUNCH();
	set_up(&(struct kiln_device_params){.no_cache = true}, 0);
	kernel = kernel_of(slice_ids_spv, sizeof slice_ids_spv, 0);
	slice(kernel, before);
	arm(v.device, false, 2);
	gpu_refused(kiln_stream_launch_sliced(v.stream, kernel,
	                                      &(struct kiln_launch_params){.threads = {64, 16, 4},
	                                                                   .buffers = {v.plain},
	                                                                   .push = (uint32_t[4]){64, 16, 4, 1},
	                                                                   .push_bytes = 16},
	                                      &(struct kiln_slice_params){.budget_ns = 1}, NULL),
	            KILN_ERR_DEVICE_LOST);
	gpu_ok(kiln_device_reopen(v.device, NULL));
	slice(kernel, v.got);
	assert_memory_equal(v.got, before, sizeof before);
	kiln_kernel_destroy(&kernel);
	tear_down();
}

static int swallow(void *user, const void *data, size_t bytes)
{
	(void)user, (void)data, (void)bytes;
	return 0;
}

static void graphs_timers_and_traces_follow_or_say_so(void **state)
{
	struct kiln_graph *graph = NULL;
	struct kiln_timer *timer = NULL;
	struct kiln_trace *trace = NULL;
	bool times;
	uint64_t ns;

	(void)state;
	GPU_NEEDS_LAUNCH();
	set_up(&(struct kiln_device_params){.no_cache = true}, 0);
	gpu_ok(kiln_trace_begin(v.device, &(struct kiln_trace_params){.write = swallow}, &trace));
	times = kiln_timer_create(v.stream, &timer) == KILN_OK;
	gpu_ok(kiln_graph_begin(v.stream));
	gpu_ok(launch(v.stream, v.kept, 1));
	gpu_ok(launch(v.stream, v.kept, 2));
	gpu_ok(kiln_graph_end(v.stream, &graph));
	if (times)
		gpu_ok(kiln_timer_start(timer));
	gpu_ok(kiln_graph_launch(graph, v.stream, NULL));
	arm(v.device, true, 1);
	gpu_refused(kiln_stream_wait(v.stream, KILN_WAIT_FOREVER), KILN_ERR_DEVICE_LOST);
	assert_non_null(strstr(kiln_error_message(), "kernel 'victim'"));
	gpu_ok(kiln_device_reopen(v.device, NULL));
	gpu_refused(kiln_graph_launch(graph, v.stream, NULL), KILN_ERR_DEVICE_LOST);
	if (times) {
		gpu_refused(kiln_timer_stop(timer), KILN_ERR_INVALID_ARGUMENT);
		gpu_ok(kiln_timer_start(timer));
	}
	gpu_ok(work());
	assert_work();
	if (times) {
		gpu_ok(kiln_timer_stop(timer));
		gpu_ok(kiln_timer_read(timer, &ns));
	}
	gpu_ok(kiln_trace_end(&trace));
	kiln_timer_destroy(&timer);
	kiln_graph_destroy(&graph);
	tear_down();
}

/* Reads the texels of a row of 16 through a sampler. */
static enum kiln_status look(struct kiln_kernel *filter, struct kiln_image *image)
{
	const struct {
		uint32_t n;
		float first, step;
	} push = {16, 1.0f / 32, 1.0f / 16};
	const struct kiln_arg args[3] = {
		{.sampler = {.filter = KILN_FILTER_NEAREST}}, {.image = image}, {.buffer = v.kept}};
	float seen[16];

	KILN_TRY(kiln_stream_launch(v.stream, filter,
	                            &(struct kiln_launch_params){.threads = {16},
	                                                         .args = args,
	                                                         .arg_count = 3,
	                                                         .push = &push,
	                                                         .push_bytes = sizeof push}));
	gpu_ok(kiln_buffer_read(v.kept, 0, seen, sizeof seen));
	for (uint32_t i = 0; i < 16; i++)
		assert_true(seen[i] == (float)i / 2);
	return KILN_OK;
}

static void images_are_empty_and_work_again(void **state)
{
	struct kiln_image *image = NULL;
	struct kiln_kernel *filter;
	float texels[16];

	(void)state;
	GPU_NEEDS_LAUNCH();
	set_up(&(struct kiln_device_params){.no_cache = true}, 0);
	filter = kernel_of(image_filter_spv, sizeof image_filter_spv, 0);
	for (uint32_t i = 0; i < 16; i++)
		texels[i] = (float)i / 2;
	gpu_ok(kiln_image_create(v.device,
	                         &(struct kiln_image_params){.format = KILN_FORMAT_R32F,
	                                                     .width = 16,
	                                                     .height = 1,
	                                                     .contents = texels,
	                                                     .contents_bytes = sizeof texels,
	                                                     .name = "picture"},
	                         &image));
	gpu_ok(look(filter, image));
	kiln_device_lose(v.device);
	gpu_ok(kiln_device_reopen(v.device, NULL));
	gpu_refused(look(filter, image), KILN_ERR_CONTENTS_LOST);
	assert_non_null(strstr(kiln_error_message(), "image \"picture\""));
	gpu_refused(kiln_image_read(image, NULL, texels, sizeof texels), KILN_ERR_CONTENTS_LOST);
	gpu_ok(kiln_image_write(image, NULL, texels, sizeof texels));
	gpu_ok(look(filter, image));
	kiln_image_destroy(&image);
	kiln_kernel_destroy(&filter);
	tear_down();
}

static void imported_pages_are_imported_again(void **state)
{
	struct kiln_buffer *buffer = NULL;
	struct kiln_reopening reopening;
	uint64_t alignment;
	uint32_t *pages;

	(void)state;
	GPU_NEEDS_LAUNCH();
	set_up(&(struct kiln_device_params){.no_cache = true}, 0);
	alignment = kiln_device_import_alignment(v.device);
	if (!alignment) {
		tear_down();
		gpu_skip(__func__, "this driver imports no pages");
	}
	pages = aligned_alloc(alignment, (sizeof v.start + alignment - 1) / alignment * alignment);
	memcpy(pages, v.start, sizeof v.start);
	gpu_ok(kiln_buffer_from_host(v.device,
	                             &(struct kiln_host_params){
					     .pages = pages,
					     .bytes = (sizeof v.start + alignment - 1) / alignment * alignment},
	                             &buffer));
	gpu_ok(launch(v.stream, buffer, 3));
	gpu_ok(kiln_stream_wait(v.stream, KILN_WAIT_FOREVER));
	kiln_device_lose(v.device);
	gpu_ok(kiln_device_reopen(v.device, &reopening));
	assert_int_equal(reopening.empty_buffers, 1); /* the plain one */
	gpu_ok(launch(v.stream, buffer, 5));
	gpu_ok(kiln_buffer_read(buffer, 0, v.got, sizeof v.got));
	assert_work();
	kiln_buffer_destroy(&buffer);
	tear_down();
	free(pages);
}

static void tuning_that_was_under_way_ends(void **state)
{
	const struct push push = {N, 1};
	struct kiln_tune_params params = {
		.launch = {.threads = {N}, .push = &push, .push_bytes = sizeof push}};
	struct kiln_tune_intent intent = {.fd = -1};
	static struct kiln_tune_session session;
	struct kiln_kernel *kernel = NULL;
	bool done = false;

	(void)state;
	GPU_NEEDS_LAUNCH();
	set_up(&(struct kiln_device_params){.no_cache = true}, 0);
	params.launch.buffers[0] = v.kept;
	gpu_ok(kiln_kernel_create(v.device,
	                          &(struct kiln_kernel_params){.spirv = step_spv,
	                                                       .spirv_bytes = sizeof step_spv,
	                                                       .resizable = true,
	                                                       .guarded = true},
	                          &kernel));
	gpu_ok(kiln_tune_session_init(&session, kernel, &params, &intent));
	gpu_ok(kiln_tune_run_start(&session, UINT64_C(10000000000)));
	gpu_ok(kiln_tune_session_step(&session, &done));
	kiln_device_lose(v.device);
	gpu_ok(kiln_device_reopen(v.device, NULL));
	gpu_refused(kiln_tune_session_step(&session, &done), KILN_ERR_CANCELLED);
	kiln_tune_session_finish(&session);
	kiln_kernel_destroy(&kernel);
	gpu_ok(work());
	assert_work();
	tear_down();
}

static void other_adapter_is_refused(void **state)
{
	(void)state;
	v = (struct victim){.device = gpu_open(&(struct kiln_device_params){.no_cache = true})};
	kiln_device_lose(v.device);
	v.device->info.uuid[3] ^= 1;
	gpu_refused(kiln_device_reopen(v.device, NULL), KILN_ERR_NO_DEVICE);
	gpu_refused(kiln_device_wait(v.device), KILN_ERR_DEVICE_LOST);
	v.device->info.uuid[3] ^= 1;
	gpu_ok(kiln_device_reopen(v.device, NULL));
	gpu_ok(kiln_device_wait(v.device));
	gpu_close(&v.device);
}

static void device_whose_handles_are_lent_is_not_reopened(void **state)
{
	struct kiln_vulkan_device vulkan;

	(void)state;
	v = (struct victim){.device = gpu_open(&(struct kiln_device_params){.no_cache = true})};
	gpu_ok(kiln_device_vulkan(v.device, &vulkan));
	kiln_device_lose(v.device);
	gpu_refused(kiln_device_reopen(v.device, NULL), KILN_ERR_UNSUPPORTED);
	gpu_close(&v.device);
}

static void objects_are_destroyed_in_any_order(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	for (int reopened = 0; reopened < 2; reopened++) {
		set_up(&(struct kiln_device_params){.no_cache = true}, 0);
		gpu_ok(work());
		arm(v.device, false, 1);
		gpu_ok(launch(v.stream, v.kept, 1));
		gpu_refused(kiln_stream_wait(v.stream, KILN_WAIT_FOREVER), KILN_ERR_DEVICE_LOST);
		kiln_buffer_destroy(&v.plain); /* of the lost device */
		if (reopened)
			gpu_ok(kiln_device_reopen(v.device, NULL));
		kiln_stream_destroy(&v.stream);
		assert_int_equal(kiln_device_counters(v.device).validation_messages, 0);
		kiln_device_close(&v.device);
		kiln_kernel_destroy(&v.step); /* never resolved again */
		kiln_buffer_destroy(&v.kept);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results_are_right_wherever_it_was_lost),
		cmocka_unit_test(reopened_device_is_as_warm_as_a_second_one),
		cmocka_unit_test(indirect_launches_work_again),
		cmocka_unit_test(survivors_are_counted_into_a_buffer_whose_bytes_were_lost),
		cmocka_unit_test(sliced_launches_work_again),
		cmocka_unit_test(graphs_timers_and_traces_follow_or_say_so),
		cmocka_unit_test(images_are_empty_and_work_again),
		cmocka_unit_test(imported_pages_are_imported_again),
		cmocka_unit_test(tuning_that_was_under_way_ends),
		cmocka_unit_test(other_adapter_is_refused),
		cmocka_unit_test(device_whose_handles_are_lent_is_not_reopened),
		cmocka_unit_test(objects_are_destroyed_in_any_order),
	};

	return GPU_MAIN("reopen", tests, true);
}
