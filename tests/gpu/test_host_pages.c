/* Buffers that work in the caller's own pages, on a real driver, under validation; and again with memory that pretends not to
 * be coherent. */
#include "host_pages.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "modes_confirm_spv.h"
#include "modes_tally_spv.h"
#include "saxpy_spv.h"
#include "step_spv.h"

static void count_release(void *user)
{
	atomic_fetch_add((atomic_uint *)user, 1);
}

static struct kiln_buffer *from(void *pages, uint64_t bytes, atomic_uint *releases)
{
	struct kiln_host_params params = {.pages = pages, .bytes = bytes, .name = "pages"};
	struct kiln_buffer *buffer = NULL;

	if (releases) {
		params.released = count_release;
		params.released_user = releases;
	}
	gpu_ok(kiln_buffer_from_host(gpu_device, &params, &buffer));
	assert_int_equal(kiln_buffer_bytes(buffer), bytes);
	assert_true(kiln_buffer_is_in_place(buffer));
	return buffer;
}

static void step(struct kiln_stream *stream, struct kiln_kernel *kernel, struct kiln_buffer *buffer,
                 uint32_t k)
{
	const uint32_t push[2] = {(uint32_t)kiln_buffer_bytes(buffer) / 4, k};

	gpu_ok(kiln_stream_launch(stream, kernel,
	                          &(struct kiln_launch_params){.threads = {push[0]},
	                                                       .buffers = {buffer},
	                                                       .push = push,
	                                                       .push_bytes = sizeof(push)}));
}

static void model_step(uint32_t *words, uint32_t count, uint32_t k)
{
	for (uint32_t i = 0; i < count; i++)
		words[i] = words[i] * 1664525u + k + i;
}

/* A second mapping of the same memory, which Kiln never hears of, sees what the kernel wrote. */
static void kernel_writes_straight_into_the_callers_pages(void **state)
{
	struct kiln_stream *stream = kiln_device_stream(gpu_device);
	struct kiln_memory_report before, after;
	struct kiln_kernel *kernel;
	struct kiln_buffer *buffer;
	uint32_t *pages, *model = malloc(BYTES);
	const uint32_t *other;
	void *mapped = NULL;
	int file;

	(void)state;
	assert_non_null(model);
	NEEDS_IMPORT();
	kernel = GPU_KERNEL(step_spv);
	file = memfd_create("pages", 0);
	assert_true(file >= 0 && ftruncate(file, BYTES) == 0);
	pages = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	other = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, file, 0);
	assert_true(pages != MAP_FAILED && other != MAP_FAILED && other != pages);
	for (uint32_t i = 0; i < WORDS; i++)
		pages[i] = model[i] = i * 7u;

	gpu_ok(kiln_device_memory(gpu_device, &before));
	buffer = from(pages, BYTES, NULL);
	gpu_ok(kiln_device_memory(gpu_device, &after));
	assert_ptr_equal(buffer->memory.data, pages);
	assert_int_equal(after.imported, before.imported + BYTES);
	assert_int_equal(after.allocations, before.allocations + 1);
	assert_int_equal(after.total.allocated, before.total.allocated); /* no memory beside them */
	step(stream, kernel, buffer, 1);
	model_step(model, WORDS, 1);
	gpu_ok(kiln_buffer_map(buffer, &mapped));
	assert_ptr_equal(mapped, pages);
	assert_memory_equal(other, model, BYTES);
	for (uint32_t i = 0; i < WORDS; i += 3) /* and the kernel sees what the host writes there */
		pages[i] = model[i] = i;
	kiln_buffer_unmap(buffer);
	step(stream, kernel, buffer, 2);
	model_step(model, WORDS, 2);
	gpu_ok(kiln_buffer_map(buffer, &mapped));
	assert_memory_equal(other, model, BYTES);
	kiln_buffer_unmap(buffer);
	kiln_buffer_destroy(&buffer);
	assert_memory_equal(other, model, BYTES);
	gpu_ok(kiln_device_memory(gpu_device, &after));
	assert_int_equal(after.imported, before.imported);
	assert_int_equal(after.allocations, before.allocations);
	drop_pages(pages, BYTES);
	drop_pages(other, BYTES);
	close(file);
	free(model);
	kiln_kernel_destroy(&kernel);
}

static void survivors_are_not_counted_into_pages_nobody_may_write(void **state)
{
	struct kiln_host_params host = {.bytes = BYTES, .read_only = true, .name = "file"};
	const uint32_t push[2] = {100, 1000};
	struct kiln_speculate_params params = {0};
	struct kiln_buffer *pages = NULL, *values, *others[2];

	(void)state;
	NEEDS_IMPORT();
	host.pages = new_pages(BYTES);
	gpu_ok(kiln_buffer_from_host(gpu_device, &host, &pages));
	values = gpu_buffer(400, NULL);
	for (int i = 0; i < 2; i++)
		others[i] = gpu_buffer(400, NULL);
	gpu_ok(kiln_kernel_create(gpu_device,
	                          &(struct kiln_kernel_params){.spirv = modes_confirm_spv,
	                                                       .spirv_bytes = sizeof modes_confirm_spv,
	                                                       .modes = KILN_FEATURE_SPECULATIVE},
	                          &params.confirmer));
	params.confirmer_launch = (struct kiln_launch_params){
		.buffers = {values, others[0], others[1]}, .push = push, .push_bytes = sizeof(push)};
	params.survivors = (struct kiln_arg){.buffer = pages};
	for (params.count = 0; params.count <= 100; params.count += 100) {
		gpu_refused(kiln_speculate(kiln_device_stream(gpu_device), &params), KILN_ERR_BUFFER_ACCESS);
		assert_non_null(strstr(kiln_error_message(), "survivors"));
	}
	kiln_buffer_destroy(&pages);
	kiln_buffer_destroy(&values);
	for (int i = 0; i < 2; i++)
		kiln_buffer_destroy(&others[i]);
	kiln_kernel_destroy(&params.confirmer);
	gpu_ok(kiln_device_wait(gpu_device));
	drop_pages(host.pages, BYTES);
}

/* The contents may be a file's, that nobody may write. */
static void pages_of_a_file_are_read_by_a_kernel(void **state)
{
	const struct {
		uint32_t n;
		float a;
	} push = {WORDS, 2.0f};
	struct kiln_host_params params = {.bytes = BYTES, .read_only = true, .name = "file"};
	struct kiln_launch_params launch = {.threads = {WORDS}, .push = &push, .push_bytes = sizeof(push)};
	struct kiln_buffer *x = NULL, *y;
	struct kiln_kernel *kernel;
	float *numbers = malloc(BYTES);
	FILE *file;

	(void)state;
	assert_non_null(numbers);
	NEEDS_IMPORT();
	kernel = GPU_KERNEL(saxpy_spv);
	y = gpu_buffer(BYTES, NULL);
	for (uint32_t i = 0; i < WORDS; i++)
		numbers[i] = (float)i;
	file = tmpfile();
	assert_true(file && fwrite(numbers, 1, BYTES, file) == BYTES && fflush(file) == 0);
	params.pages = mmap(NULL, BYTES, PROT_READ, MAP_PRIVATE, fileno(file), 0);
	assert_true(params.pages != MAP_FAILED);
	gpu_ok(kiln_buffer_from_host(gpu_device, &params, &x));
	gpu_refused(kiln_buffer_write(x, 0, numbers, 4), KILN_ERR_BUFFER_ACCESS);
	gpu_refused(kiln_buffer_fill(x, 0, 4, 1), KILN_ERR_BUFFER_ACCESS);
	gpu_refused(kiln_buffer_copy(y, 0, x, 0, 4), KILN_ERR_BUFFER_ACCESS);
	launch.buffers[0] = x;
	launch.buffers[1] = y;
	gpu_ok(kiln_launch(kernel, &launch));
	launch.buffers[0] = y;
	launch.buffers[1] = x;
	gpu_refused(kiln_launch(kernel, &launch), KILN_ERR_BUFFER_ACCESS);
	gpu_ok(kiln_buffer_read(y, 0, numbers, BYTES));
	for (uint32_t i = 0; i < WORDS; i++)
		assert_true(numbers[i] == 2.0f * (float)i);
	kiln_buffer_destroy(&x);
	kiln_buffer_destroy(&y);
	drop_pages(params.pages, BYTES);
	fclose(file);
	free(numbers);
	kiln_kernel_destroy(&kernel);
}

/* ---- Order ---- */

enum { BUFFERS = 4, STREAMS = 2 };

struct world {
	struct kiln_kernel *kernel;
	struct kiln_stream *streams[STREAMS];
	struct kiln_buffer *buffers[BUFFERS]; /* the first two in the caller's pages */
	unsigned char *pages[BUFFERS];
	unsigned char *model[BUFFERS], *scratch;
	uint64_t seed;
};

static uint64_t draw(struct world *w, uint64_t below)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 7;
	w->seed ^= w->seed << 17;
	return w->seed % below;
}

static void random_operation(struct world *w, uint32_t number)
{
	struct kiln_stream *stream = w->streams[draw(w, STREAMS)];
	uint32_t a = (uint32_t)draw(w, BUFFERS), b = (a + 1) % BUFFERS;
	uint64_t bytes = 1 + draw(w, BYTES), at = draw(w, BYTES - bytes + 1);
	uint64_t from_at = draw(w, BYTES - bytes + 1);
	int byte = (int)(number & 255);

	switch (draw(w, 7)) {
	case 0:
		memset(w->scratch, byte, bytes);
		gpu_ok(kiln_stream_upload(stream, w->buffers[a], at, w->scratch, bytes));
		memset(w->model[a] + at, byte, bytes);
		break;
	case 1:
	case 2:
		gpu_ok(kiln_stream_copy(stream, w->buffers[b], from_at, w->buffers[a], at, bytes));
		memcpy(w->model[a] + at, w->model[b] + from_at, bytes);
		break;
	case 3:
		at &= ~UINT64_C(3);
		bytes &= ~UINT64_C(3);
		gpu_ok(kiln_stream_fill(stream, w->buffers[a], at, bytes, (uint32_t)byte * 0x01010101u));
		memset(w->model[a] + at, byte, bytes);
		break;
	case 4:
		gpu_ok(kiln_buffer_read(w->buffers[a], at, w->scratch, bytes));
		assert_memory_equal(w->scratch, w->model[a] + at, bytes);
		break;
	default:
		step(stream, w->kernel, w->buffers[a], number);
		model_step((uint32_t *)(void *)w->model[a], WORDS, number);
	}
}

static void imported_buffers_are_ordered_like_any_other(void **state)
{
	struct world w = {.seed = 0x5eed5eed};

	(void)state;
	NEEDS_IMPORT();
	w.kernel = GPU_KERNEL(step_spv);
	w.scratch = malloc(BYTES);
	assert_non_null(w.scratch);
	for (int i = 0; i < STREAMS; i++)
		gpu_ok(kiln_stream_create(gpu_device, NULL, &w.streams[i]));
	for (int i = 0; i < BUFFERS; i++) {
		w.model[i] = calloc(1, BYTES);
		assert_non_null(w.model[i]);
		w.pages[i] = new_pages(BYTES);
		w.buffers[i] = i < 2 ? from(w.pages[i], BYTES, NULL) : gpu_buffer(BYTES, NULL);
	}
	for (uint32_t number = 0; number < 400; number++)
		random_operation(&w, number);
	for (int i = 0; i < BUFFERS; i++) {
		gpu_ok(kiln_buffer_read(w.buffers[i], 0, w.pages[i], BYTES));
		assert_memory_equal(w.pages[i], w.model[i], BYTES);
		kiln_buffer_destroy(&w.buffers[i]);
		drop_pages(w.pages[i], BYTES);
		free(w.model[i]);
	}
	for (int i = 0; i < STREAMS; i++)
		kiln_stream_destroy(&w.streams[i]);
	free(w.scratch);
	kiln_kernel_destroy(&w.kernel);
}

/* One program for both. */
static void run_on_host_memory(bool copy_instead, uint32_t *words, uint32_t count)
{
	struct kiln_host_params params = {.pages = words, .bytes = count * 4u, .copy_instead = copy_instead};
	struct kiln_kernel *kernel = GPU_KERNEL(step_spv);
	struct kiln_buffer *buffer = NULL;

	gpu_ok(kiln_buffer_from_host(gpu_device, &params, &buffer));
	for (uint32_t i = 0; i < 3; i++) {
		step(kiln_device_stream(gpu_device), kernel, buffer, i);
		gpu_ok(kiln_buffer_read(buffer, 0, words, count * 4u));
		words[0]++;
		gpu_ok(kiln_buffer_write(buffer, 0, words, count * 4u));
	}
	kiln_buffer_destroy(&buffer);
	kiln_kernel_destroy(&kernel);
}

static void reading_and_writing_in_place_is_the_same_on_pages_and_copies(void **state)
{
	uint32_t *pages = new_pages(BYTES), *model = calloc(1, BYTES);

	(void)state;
	assert_non_null(model);
	GPU_NEEDS_LAUNCH();
	pages_pretend();
	for (uint32_t i = 0; i < 3; i++) {
		model_step(model, WORDS, i);
		model[0]++;
	}
	if (kiln_device_import_alignment(gpu_device)) {
		run_on_host_memory(false, pages, WORDS);
		assert_memory_equal(pages, model, BYTES);
		memset(pages, 0, BYTES);
	}
	run_on_host_memory(true, pages + 1, WORDS - 2); /* neither address nor size is aligned */
	assert_memory_equal(pages + 1, model, BYTES - 8);
	assert_int_equal(pages[0], 0);
	assert_int_equal(pages[WORDS - 1], 0);
	free(model);
	drop_pages(pages, BYTES);
}

/* ---- Ends ---- */

/* Work for the device that ends in the buffer. */
static void enqueue_copies(struct kiln_buffer *source, struct kiln_buffer *target)
{
	uint64_t bytes = kiln_buffer_bytes(target);

	for (uint32_t k = 0; k < 4; k++) {
		gpu_ok(kiln_buffer_fill(source, 0, bytes, k));
		gpu_ok(kiln_buffer_copy(source, 0, target, 0, bytes));
	}
}

static void destroying_waits_until_the_device_has_left_the_pages(void **state)
{
	const uint64_t bytes = UINT64_C(16) << 20;
	struct kiln_buffer *other;

	(void)state;
	NEEDS_IMPORT();
	other = gpu_buffer(bytes, NULL);
	for (int i = 0; i < 8; i++) {
		unsigned char *pages = new_pages(bytes);
		struct kiln_buffer *buffer = from(pages, bytes, NULL);

		enqueue_copies(other, buffer);
		kiln_buffer_destroy(&buffer);
		assert_int_equal(imported_now(), 0);
		assert_int_equal(pages[0], 3); /* all of it is done */
		assert_int_equal(pages[bytes - 4], 3);
		drop_pages(pages, bytes); /* a driver that is not done dies here */
	}
	kiln_buffer_destroy(&other);
}

static PFN_vkQueueSubmit submit_well;
static unsigned submits_to_fail;

static VKAPI_ATTR VkResult VKAPI_CALL out_of_memory(VkQueue queue, uint32_t count, const VkSubmitInfo *infos,
                                                    VkFence fence)
{
	if (submits_to_fail == 0)
		return submit_well(queue, count, infos, fence);
	submits_to_fail--;
	return VK_ERROR_OUT_OF_DEVICE_MEMORY;
}

/* What was enqueued is submitted later, and the pages are its own until then. */
static void destroying_waits_although_a_submission_finds_no_memory(void **state)
{
	struct kiln_buffer *buffer, *other;
	unsigned char *pages;

	(void)state;
	NEEDS_IMPORT();
	submit_well = gpu_device->vk.vkQueueSubmit;
	gpu_device->vk.vkQueueSubmit = out_of_memory;
	other = gpu_buffer(BYTES, NULL);
	for (unsigned failures = 1; failures <= 3; failures++) {
		pages = new_pages(BYTES);
		buffer = from(pages, BYTES, NULL);
		enqueue_copies(other, buffer);
		submits_to_fail = failures;
		kiln_buffer_destroy(&buffer);
		assert_int_equal(submits_to_fail, 0);
		assert_int_equal(imported_now(), 0);
		assert_int_equal(pages[BYTES - 4], 3);
		drop_pages(pages, BYTES);
	}
	gpu_device->vk.vkQueueSubmit = submit_well;
	kiln_buffer_destroy(&other);
}

/* A launch from counts beyond the limits is told of once, by a wait of the program. */
static void destroying_leaves_what_was_refused_to_the_wait(void **state)
{
	const uint32_t counts[3] = {UINT32_MAX, 1, 1};
	struct kiln_kernel_params params = {.spirv = modes_tally_spv,
	                                    .spirv_bytes = sizeof modes_tally_spv,
	                                    .modes = KILN_FEATURE_INDIRECT_DISPATCH};
	struct kiln_buffer *buffer, *place, *other;
	struct kiln_kernel *kernel = NULL;
	unsigned char *pages;

	(void)state;
	NEEDS_IMPORT();
	if (gpu_info()->max_workgroup_count[0] == UINT32_MAX)
		gpu_skip(__func__, "this device takes any count");
	gpu_ok(kiln_kernel_create(gpu_device, &params, &kernel));
	place = gpu_buffer(sizeof counts, counts);
	other = gpu_buffer(BYTES, NULL);
	pages = new_pages(BYTES);
	buffer = from(pages, BYTES, NULL);
	gpu_ok(kiln_launch(kernel,
	                   &(struct kiln_launch_params){.buffers = {buffer}, .indirect = {.buffer = place}}));
	enqueue_copies(other, buffer);
	kiln_buffer_destroy(&buffer);
	assert_int_equal(imported_now(), 0);
	assert_int_equal(pages[BYTES - 4], 3);
	drop_pages(pages, BYTES);
	gpu_refused(kiln_device_wait(gpu_device), KILN_ERR_THREADS_LIMIT);
	kiln_buffer_destroy(&other);
	kiln_buffer_destroy(&place);
	kiln_kernel_destroy(&kernel);
}

static void release_is_called_once_the_device_has_left_the_pages(void **state)
{
	const uint64_t bytes = UINT64_C(16) << 20;
	struct kiln_buffer *buffer, *other;
	atomic_uint releases = 0;
	unsigned char *pages;

	(void)state;
	NEEDS_IMPORT();
	pages = new_pages(bytes);
	other = gpu_buffer(bytes, NULL);
	buffer = from(pages, bytes, &releases);
	enqueue_copies(other, buffer);
	kiln_buffer_destroy(&buffer); /* waits for nothing: what is enqueued is not even submitted */
	assert_int_equal(atomic_load(&releases), 0);
	gpu_ok(kiln_device_wait(gpu_device));
	assert_int_equal(atomic_load(&releases), 1);
	assert_int_equal(imported_now(), 0);
	assert_int_equal(pages[bytes - 4], 3);
	drop_pages(pages, bytes);
	kiln_buffer_destroy(&other);
}

static void graph_holds_the_pages(void **state)
{
	struct kiln_stream *stream = NULL;
	uint32_t *pages, *model = calloc(1, BYTES);
	struct kiln_graph *graph = NULL;
	struct kiln_kernel *kernel;
	struct kiln_buffer *buffer;
	atomic_uint releases = 0;

	(void)state;
	assert_non_null(model);
	NEEDS_IMPORT();
	kernel = GPU_KERNEL(step_spv);
	pages = new_pages(BYTES);
	buffer = from(pages, BYTES, &releases);
	gpu_ok(kiln_stream_create(gpu_device, NULL, &stream));
	gpu_ok(kiln_graph_begin(stream));
	step(stream, kernel, buffer, 9);
	gpu_ok(kiln_graph_end(stream, &graph));
	gpu_ok(kiln_graph_launch(graph, stream, NULL));
	kiln_buffer_destroy(&buffer);
	gpu_ok(kiln_device_wait(gpu_device));
	assert_int_equal(atomic_load(&releases), 0);
	assert_int_equal(imported_now(), BYTES);
	gpu_ok(kiln_graph_launch(graph, stream, NULL));
	model_step(model, WORDS, 9);
	model_step(model, WORDS, 9);
	kiln_graph_destroy(&graph);
	gpu_ok(kiln_device_wait(gpu_device));
	assert_int_equal(atomic_load(&releases), 1);
	assert_int_equal(imported_now(), 0);
	assert_memory_equal(pages, model, BYTES);
	kiln_stream_destroy(&stream);
	drop_pages(pages, BYTES);
	free(model);
	kiln_kernel_destroy(&kernel);
}

static VKAPI_ATTR VkResult VKAPI_CALL lost(VkQueue queue, uint32_t count, const VkSubmitInfo *infos,
                                           VkFence fence)
{
	(void)queue;
	(void)count;
	(void)infos;
	(void)fence;
	return VK_ERROR_DEVICE_LOST;
}

static void pages_survive_a_device_that_is_lost_and_reopened(void **state)
{
	struct kiln_stream *stream = kiln_device_stream(gpu_device);
	uint32_t *pages, *model = calloc(1, BYTES);
	struct kiln_kernel *kernel;
	struct kiln_buffer *buffer;

	(void)state;
	assert_non_null(model);
	NEEDS_IMPORT();
	kernel = GPU_KERNEL(step_spv);
	pages = new_pages(BYTES);
	buffer = from(pages, BYTES, NULL);
	step(stream, kernel, buffer, 3);
	gpu_ok(kiln_device_wait(gpu_device));
	model_step(model, WORDS, 3);
	gpu_device->vk.vkQueueSubmit = lost; /* the reopened device has a table of its own */
	step(stream, kernel, buffer, 4);
	gpu_refused(kiln_device_wait(gpu_device), KILN_ERR_DEVICE_LOST);
	gpu_ok(kiln_device_reopen(gpu_device, NULL));
	pages_pretend();
	assert_true(kiln_buffer_is_in_place(buffer));
	assert_int_equal(imported_now(), BYTES);
	step(stream, kernel, buffer, 5);
	model_step(model, WORDS, 5);
	gpu_ok(kiln_buffer_read(buffer, 0, pages, BYTES));
	assert_memory_equal(pages, model, BYTES);
	kiln_buffer_destroy(&buffer);
	assert_int_equal(imported_now(), 0);
	drop_pages(pages, BYTES);
	free(model);
	kiln_kernel_destroy(&kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(destroying_leaves_what_was_refused_to_the_wait),
		cmocka_unit_test(destroying_waits_although_a_submission_finds_no_memory),
		cmocka_unit_test(destroying_waits_until_the_device_has_left_the_pages),
		cmocka_unit_test(graph_holds_the_pages),
		cmocka_unit_test(imported_buffers_are_ordered_like_any_other),
		cmocka_unit_test(kernel_writes_straight_into_the_callers_pages),
		cmocka_unit_test(pages_of_a_file_are_read_by_a_kernel),
		cmocka_unit_test(survivors_are_not_counted_into_pages_nobody_may_write),
		cmocka_unit_test(pages_survive_a_device_that_is_lost_and_reopened),
		cmocka_unit_test(reading_and_writing_in_place_is_the_same_on_pages_and_copies),
		cmocka_unit_test(release_is_called_once_the_device_has_left_the_pages),
	};
	int code = GPU_MAIN("host_pages", tests, true);

	incoherent = true;
	return code ? code : GPU_MAIN("host_pages_not_coherent", tests, true);
}
