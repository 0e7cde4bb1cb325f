/* Streams of one's own: order within them, order between them where they touch the same bytes, tickets, host steps. */
#include "harness.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "saxpy_spv.h"
#include "shift_spv.h"
#include "step_spv.h"

#define N 4096u
#define SECOND UINT64_C(1000000000)

struct push {
	uint32_t n, k;
};

static struct kiln_stream *stream_new(const char *name)
{
	struct kiln_stream *stream = NULL;

	gpu_ok(kiln_stream_create(gpu_device, &(struct kiln_stream_params){.name = name}, &stream));
	return stream;
}

static void launch_range(struct kiln_stream *stream, struct kiln_kernel *kernel, const struct kiln_arg *args,
                         size_t count, uint32_t n, uint32_t k)
{
	struct push push = {n, k};

	gpu_ok(kiln_stream_launch(stream, kernel,
	                          &(struct kiln_launch_params){.threads = {n},
	                                                       .args = args,
	                                                       .arg_count = count,
	                                                       .push = &push,
	                                                       .push_bytes = sizeof push}));
}

static void launch(struct kiln_stream *stream, struct kiln_kernel *kernel, struct kiln_buffer *a,
                   struct kiln_buffer *b, uint32_t k)
{
	const struct kiln_arg args[2] = {{.buffer = a}, {.buffer = b}};

	launch_range(stream, kernel, args, b ? 2 : 1, N, k);
}

static void step_on_host(uint32_t *data, uint32_t n, uint32_t k)
{
	for (uint32_t i = 0; i < n; i++)
		data[i] = data[i] * 1664525u + k + i;
}

static void shift_on_host(const uint32_t *from, uint32_t *to, uint32_t k)
{
	for (uint32_t i = 0; i < N; i++)
		to[i] = from[(i + k) % N] * 3u + k;
}

static void assert_holds(struct kiln_buffer *buffer, const uint32_t *expected)
{
	uint32_t *got = gpu_read(buffer, N);

	assert_memory_equal(got, expected, N * 4);
	free(got);
}

static void a_chain_on_a_stream_of_ones_own_keeps_its_order(void **state)
{
	static uint32_t host[N];
	struct kiln_stream *stream;
	struct kiln_kernel *step;
	struct kiln_buffer *data;

	(void)state;
	GPU_NEEDS_LAUNCH();
	stream = stream_new("chain");
	step = GPU_KERNEL(step_spv);
	data = gpu_buffer(N * 4, NULL);
	memset(host, 0, sizeof host);
	for (uint32_t k = 0; k < 700; k++) {
		launch(stream, step, data, NULL, k);
		step_on_host(host, N, k);
	}
	assert_holds(data, host); /* the default stream's read orders after the other stream */
	kiln_stream_destroy(&stream);
	assert_null(stream);
	kiln_buffer_destroy(&data);
	kiln_kernel_destroy(&step);
}

/* Two streams take turns on the same two buffers: every hand-over is a dependency in the other direction. */
static void streams_that_share_buffers_are_ordered_by_the_calls(void **state)
{
	static uint32_t host[2][N];
	struct kiln_stream *streams[2];
	struct kiln_kernel *shift;
	struct kiln_buffer *buffers[2];

	(void)state;
	GPU_NEEDS_LAUNCH();
	shift = GPU_KERNEL(shift_spv);
	for (uint32_t i = 0; i < N; i++)
		host[0][i] = i;
	buffers[0] = gpu_buffer_counting(N, 0);
	buffers[1] = gpu_buffer(N * 4, NULL);
	streams[0] = stream_new("even");
	streams[1] = stream_new("odd");
	for (uint32_t k = 0; k < 300; k++) {
		uint32_t turn = (k / 3) & 1;

		launch(streams[turn], shift, buffers[k & 1], buffers[~k & 1], k);
		shift_on_host(host[k & 1], host[~k & 1], k);
	}
	assert_holds(buffers[0], host[0]);
	assert_holds(buffers[1], host[1]);
	for (int i = 0; i < 2; i++) {
		kiln_stream_destroy(&streams[i]);
		kiln_buffer_destroy(&buffers[i]);
	}
	kiln_kernel_destroy(&shift);
}

static void halves_of_a_buffer_need_no_barrier(void **state)
{
	struct kiln_kernel *step;
	struct kiln_buffer *data;
	struct kiln_stream *stream;
	uint64_t before;

	(void)state;
	GPU_NEEDS_LAUNCH();
	step = GPU_KERNEL(step_spv);
	data = gpu_buffer_counting(N, 0);
	stream = stream_new("halves");
	before = kiln_device_counters(gpu_device).barriers;
	launch_range(stream, step, &(struct kiln_arg){data, 0, N * 2}, 1, N / 2, 1);
	launch_range(stream, step, &(struct kiln_arg){data, N * 2, N * 2}, 1, N / 2, 2);
	assert_int_equal(kiln_device_counters(gpu_device).barriers, before);
	launch_range(stream, step, &(struct kiln_arg){data, N, N * 2}, 1, N / 2, 3); /* both */
	assert_int_equal(kiln_device_counters(gpu_device).barriers, before + 1);
	kiln_stream_destroy(&stream);
	kiln_buffer_destroy(&data);
	kiln_kernel_destroy(&step);
}

static void tickets_tell_when_work_is_done(void **state)
{
	struct kiln_kernel *step;
	struct kiln_buffer *data;
	struct kiln_stream *stream;
	struct kiln_ticket first, second, never;

	(void)state;
	GPU_NEEDS_LAUNCH();
	step = GPU_KERNEL(step_spv);
	data = gpu_buffer_counting(N, 0);
	stream = stream_new("tickets");
	launch(stream, step, data, NULL, 1);
	gpu_ok(kiln_stream_submit(stream, &first));
	launch(stream, step, data, NULL, 2);
	gpu_ok(kiln_stream_submit(stream, &second));
	assert_true(second.value > first.value);
	gpu_ok(kiln_ticket_wait(gpu_device, second, 60 * SECOND));
	assert_true(kiln_ticket_is_done(gpu_device, first));
	assert_true(kiln_ticket_is_done(gpu_device, second));
	never = (struct kiln_ticket){second.stream, second.value + 1}; /* the next one, which nothing asked for yet */
	gpu_refused(kiln_ticket_wait(gpu_device, never, 0), KILN_ERR_INVALID_ARGUMENT);
	assert_false(kiln_ticket_is_done(gpu_device, never));
	kiln_stream_destroy(&stream);
	gpu_ok(kiln_ticket_wait(gpu_device, second, 0)); /* its stream is gone, and so its work is done */
	assert_true(kiln_ticket_is_done(gpu_device, (struct kiln_ticket){0}));
	kiln_buffer_destroy(&data);
	kiln_kernel_destroy(&step);
}

static void waiting_for_any_finds_one_that_is_done(void **state)
{
	struct kiln_kernel *step;
	struct kiln_buffer *data[3];
	struct kiln_stream *streams[3];
	struct kiln_ticket tickets[3];
	size_t index = 99;

	(void)state;
	GPU_NEEDS_LAUNCH();
	step = GPU_KERNEL(step_spv);
	for (uint32_t i = 0; i < 3; i++) {
		streams[i] = stream_new("any");
		data[i] = gpu_buffer_counting(N, 0);
		for (uint32_t k = 0; k < 1 + 50 * i; k++)
			launch(streams[i], step, data[i], NULL, k);
		gpu_ok(kiln_stream_submit(streams[i], &tickets[i]));
	}
	gpu_ok(kiln_ticket_wait_any(gpu_device, tickets, 3, 60 * SECOND, &index));
	assert_true(index < 3);
	assert_true(kiln_ticket_is_done(gpu_device, tickets[index]));
	gpu_refused(kiln_ticket_wait_any(gpu_device, tickets, 0, 0, &index), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_ticket_wait_any(gpu_device, tickets, 65, 0, &index), KILN_ERR_INVALID_ARGUMENT);
	for (int i = 0; i < 3; i++) {
		kiln_stream_destroy(&streams[i]);
		kiln_buffer_destroy(&data[i]);
	}
	kiln_kernel_destroy(&step);
}

/* ---- Host steps ---- */

struct log {
	struct kiln_stream *stream;
	struct kiln_kernel *kernel;
	struct kiln_buffer *buffer;
	const uint32_t *downloaded;
	uint32_t seen;
	int calls, order[4];
};

static void note_first(void *user)
{
	struct log *log = user;

	log->order[log->calls++ & 3] = 1;
	log->seen = log->downloaded[7];
}

static void enqueue_more(void *user)
{
	struct log *log = user;

	log->order[log->calls++ & 3] = 2;
	launch(log->stream, log->kernel, log->buffer, NULL, 9);
}

static void downloads_and_callbacks_come_in_order_before_the_wait_returns(void **state)
{
	static uint32_t host[N], got[N];
	struct log log = {0};
	struct kiln_ticket ticket;

	(void)state;
	GPU_NEEDS_LAUNCH();
	log.stream = stream_new("steps");
	log.kernel = GPU_KERNEL(step_spv);
	log.buffer = gpu_buffer(N * 4, NULL);
	log.downloaded = got;
	memset(host, 0, sizeof host);
	memset(got, 0xff, sizeof got);
	launch(log.stream, log.kernel, log.buffer, NULL, 5);
	step_on_host(host, N, 5);
	gpu_ok(kiln_stream_download(log.stream, log.buffer, 0, got, sizeof got));
	gpu_ok(kiln_stream_callback(log.stream, note_first, &log));
	gpu_ok(kiln_stream_callback(log.stream, enqueue_more, &log));
	launch(log.stream, log.kernel, log.buffer, NULL, 6); /* after the download: not seen by it */
	gpu_ok(kiln_stream_submit(log.stream, &ticket));
	gpu_ok(kiln_ticket_wait(gpu_device, ticket, 60 * SECOND));
	assert_memory_equal(got, host, sizeof got);
	assert_int_equal(log.calls, 2);
	assert_int_equal(log.order[0], 1);
	assert_int_equal(log.order[1], 2);
	assert_int_equal(log.seen, host[7]);
	step_on_host(host, N, 6);
	step_on_host(host, N, 9); /* what the callback enqueued */
	assert_holds(log.buffer, host);
	kiln_stream_destroy(&log.stream);
	kiln_buffer_destroy(&log.buffer);
	kiln_kernel_destroy(&log.kernel);
}

static void an_upload_is_done_with_its_source_on_return(void **state)
{
	static uint32_t host[N], source[N];
	struct kiln_stream *stream;
	struct kiln_kernel *step;
	struct kiln_buffer *data;

	(void)state;
	GPU_NEEDS_LAUNCH();
	stream = stream_new("upload");
	step = GPU_KERNEL(step_spv);
	data = gpu_buffer(N * 4, NULL);
	for (uint32_t round = 0; round < 20; round++) {
		for (uint32_t i = 0; i < N; i++)
			source[i] = host[i] = i ^ round;
		gpu_ok(kiln_stream_upload(stream, data, 0, source, sizeof source));
		memset(source, 0xee, sizeof source);
		launch(stream, step, data, NULL, round);
		step_on_host(host, N, round);
	}
	assert_holds(data, host);
	kiln_stream_destroy(&stream);
	kiln_buffer_destroy(&data);
	kiln_kernel_destroy(&step);
}

static void work_can_be_ordered_by_hand(void **state)
{
	struct kiln_stream *first, *second;
	struct kiln_kernel *step;
	struct kiln_buffer *a, *b;
	struct kiln_ticket ticket;

	(void)state;
	GPU_NEEDS_LAUNCH();
	first = stream_new("first");
	second = stream_new("second");
	step = GPU_KERNEL(step_spv);
	a = gpu_buffer_counting(N, 0);
	b = gpu_buffer_counting(N, 0);
	for (uint32_t k = 0; k < 100; k++)
		launch(first, step, a, NULL, k);
	gpu_ok(kiln_stream_submit(first, &ticket));
	gpu_ok(kiln_stream_after(second, ticket));
	launch(second, step, b, NULL, 1);
	gpu_ok(kiln_stream_wait(second, 60 * SECOND));
	assert_true(kiln_ticket_is_done(gpu_device, ticket));
	gpu_refused(kiln_stream_after(second, (struct kiln_ticket){ticket.stream, ticket.value + 9}),
	            KILN_ERR_INVALID_ARGUMENT);
	kiln_stream_destroy(&first);
	kiln_stream_destroy(&second);
	kiln_buffer_destroy(&a);
	kiln_buffer_destroy(&b);
	kiln_kernel_destroy(&step);
}

/* ---- Threads ---- */

#define THREADS 4

struct worker {
	pthread_t thread;
	struct kiln_stream *stream;
	struct kiln_kernel *kernel;
	struct kiln_buffer *own, *shared;
	uint32_t seed, wrong;
};

static bool step_once(struct worker *worker, struct kiln_buffer *buffer, uint32_t k)
{
	struct push push = {N, k};

	return kiln_stream_launch(worker->stream, worker->kernel,
	                          &(struct kiln_launch_params){.threads = {N},
	                                                       .buffers = {buffer},
	                                                       .push = &push,
	                                                       .push_bytes = sizeof push}) == KILN_OK;
}

static void *work(void *data)
{
	struct worker *worker = data;

	for (uint32_t k = 0; k < 200; k++) {
		worker->wrong += !step_once(worker, worker->own, k + worker->seed);
		if (k % 8 == 0) /* whose turn it is nobody knows, but each is one whole turn */
			worker->wrong += !step_once(worker, worker->shared, 0);
		if (k % 50 == 49)
			worker->wrong += kiln_stream_wait(worker->stream, KILN_WAIT_FOREVER) != KILN_OK;
	}
	worker->wrong += kiln_stream_wait(worker->stream, KILN_WAIT_FOREVER) != KILN_OK;
	return NULL;
}

static void threads_with_a_stream_each_get_right_results(void **state)
{
	static uint32_t host[N];
	struct worker workers[THREADS];
	struct kiln_buffer *shared;

	(void)state;
	GPU_NEEDS_LAUNCH();
	shared = gpu_buffer(N * 4, NULL);
	for (uint32_t i = 0; i < THREADS; i++)
		workers[i] = (struct worker){.stream = stream_new("worker"),
		                             .kernel = GPU_KERNEL(step_spv),
		                             .own = gpu_buffer(N * 4, NULL),
		                             .shared = shared,
		                             .seed = i};
	for (uint32_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	for (uint32_t i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	for (uint32_t i = 0; i < THREADS; i++) {
		assert_int_equal(workers[i].wrong, 0);
		memset(host, 0, sizeof host);
		for (uint32_t k = 0; k < 200; k++)
			step_on_host(host, N, k + i);
		assert_holds(workers[i].own, host);
	}
	memset(host, 0, sizeof host);
	for (uint32_t k = 0; k < THREADS * 25; k++)
		step_on_host(host, N, 0);
	assert_holds(shared, host);
	for (uint32_t i = 0; i < THREADS; i++) {
		kiln_stream_destroy(&workers[i].stream);
		kiln_buffer_destroy(&workers[i].own);
		kiln_kernel_destroy(&workers[i].kernel);
	}
	kiln_buffer_destroy(&shared);
}

static void a_stream_destroyed_with_work_in_flight_finishes_it(void **state)
{
	static uint32_t host[N];
	struct kiln_stream *stream;
	struct kiln_kernel *step;
	struct kiln_buffer *data;

	(void)state;
	GPU_NEEDS_LAUNCH();
	stream = stream_new("short");
	step = GPU_KERNEL(step_spv);
	data = gpu_buffer(N * 4, NULL);
	memset(host, 0, sizeof host);
	for (uint32_t k = 0; k < 50; k++) {
		launch(stream, step, data, NULL, k);
		step_on_host(host, N, k);
	}
	kiln_stream_destroy(&stream);
	assert_holds(data, host);
	kiln_stream_destroy(&stream); /* NULL by now */
	kiln_buffer_destroy(&data);
	kiln_kernel_destroy(&step);
}

static void the_default_stream_is_the_devices(void **state)
{
	struct kiln_stream *stream = kiln_device_stream(gpu_device), *kept = stream;

	(void)state;
	assert_non_null(stream);
	kiln_stream_destroy(&kept);
	assert_ptr_equal(kiln_device_stream(gpu_device), stream);
	assert_null(kiln_device_stream(NULL));
	gpu_assert_usable();
}

static void mistakes_are_refused_with_a_sentence(void **state)
{
	struct kiln_stream *stream = NULL;
	struct kiln_ticket ticket;
	uint32_t word = 0;

	(void)state;
	GPU_NEEDS_LAUNCH();
	gpu_refused(kiln_stream_create(NULL, NULL, &stream), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_stream_create(gpu_device, NULL, NULL), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_stream_create(gpu_device, &(struct kiln_stream_params){.queue = (enum kiln_queue)7},
	                               &stream),
	            KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_stream_submit(NULL, &ticket), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_stream_wait(NULL, 0), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_stream_after(NULL, (struct kiln_ticket){0}), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_stream_fill(NULL, NULL, 0, 0, 0), KILN_ERR_INVALID_ARGUMENT);
	stream = stream_new("mistakes");
	gpu_refused(kiln_stream_callback(stream, NULL, NULL), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_stream_upload(stream, NULL, 0, &word, 4), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_stream_download(stream, NULL, 0, &word, 4), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_stream_launch(stream, NULL, NULL), KILN_ERR_INVALID_ARGUMENT);
	kiln_stream_destroy(&stream);
	kiln_stream_destroy(NULL);
	gpu_assert_usable();
}

/* What a callback gets. */
struct caller {
	struct kiln_stream *stream;
	struct kiln_buffer *buffer;
	uint32_t word;
	unsigned calls, wrong;
};

/* The fill makes the buffer busy, so that the upload goes through the stream's staging. */
static void upload_word(void *user)
{
	struct caller *caller = user;

	caller->calls++;
	caller->wrong += kiln_stream_fill(caller->stream, caller->buffer, 0, 8, 1) != KILN_OK;
	caller->wrong += kiln_stream_upload(caller->stream, caller->buffer, 4, &caller->word, 4) != KILN_OK;
}

/* Another thread's upload of much, from inside a callback. */
struct uploader {
	struct caller caller;
	pthread_t thread;
	struct kiln_buffer *large;
	uint32_t *data;
	uint64_t bytes;
	enum kiln_status status;
};

static void *upload_much(void *data)
{
	struct uploader *uploader = data;

	uploader->status = kiln_stream_upload(uploader->caller.stream, uploader->large, 0, uploader->data,
	                                      uploader->bytes);
	return NULL;
}

/* The other has the staging by the time this wants it. */
static void upload_beside_much(void *user)
{
	struct uploader *uploader = user;

	uploader->caller.wrong +=
		kiln_stream_fill(uploader->caller.stream, uploader->large, 0, uploader->bytes, 1) != KILN_OK;
	uploader->caller.wrong += pthread_create(&uploader->thread, NULL, upload_much, uploader) != 0;
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	upload_word(&uploader->caller);
}

static void a_callback_uploads_while_another_thread_uploads_much(void **state)
{
	struct uploader uploader = {.bytes = UINT64_C(40) << 20, .caller = {.word = 7}};
	uint32_t got[2];

	(void)state;
	GPU_NEEDS_LAUNCH();
	uploader.data = malloc(uploader.bytes);
	assert_non_null(uploader.data);
	memset(uploader.data, 3, uploader.bytes);
	uploader.caller.stream = stream_new("uploads");
	uploader.caller.buffer = gpu_buffer(8, NULL);
	uploader.large = gpu_buffer(uploader.bytes, NULL);
	for (int i = 0; i < 8; i++) {
		gpu_ok(kiln_stream_callback(uploader.caller.stream, upload_beside_much, &uploader));
		gpu_ok(kiln_stream_wait(uploader.caller.stream, KILN_WAIT_FOREVER));
		pthread_join(uploader.thread, NULL);
		gpu_ok(uploader.status);
	}
	assert_int_equal(uploader.caller.calls, 8);
	assert_int_equal(uploader.caller.wrong, 0);
	gpu_ok(kiln_buffer_read(uploader.caller.buffer, 0, got, sizeof(got)));
	assert_int_equal(got[1], 7);
	gpu_ok(kiln_buffer_read(uploader.large, uploader.bytes - 8, got, sizeof(got)));
	assert_int_equal(got[1], 0x03030303);
	kiln_buffer_destroy(&uploader.large);
	kiln_buffer_destroy(&uploader.caller.buffer);
	kiln_stream_destroy(&uploader.caller.stream);
	free(uploader.data);
}

/* More than is staged at a time: the upload waits for room, and the callback is due by then. */
static void a_callback_uploads_on_a_stream_that_uploads_much(void **state)
{
	const uint32_t words = 10u << 20;
	struct caller caller = {.word = 7};
	uint32_t *data = malloc(words * 4u), got[2];
	struct kiln_buffer *large;

	(void)state;
	assert_non_null(data);
	GPU_NEEDS_LAUNCH();
	caller.stream = stream_new("uploads");
	caller.buffer = gpu_buffer(8, NULL);
	large = gpu_buffer(words * 4u, NULL);
	for (uint32_t i = 0; i < words; i++)
		data[i] = i;
	gpu_ok(kiln_stream_fill(caller.stream, large, 0, words * 4u, 1));
	gpu_ok(kiln_stream_callback(caller.stream, upload_word, &caller));
	gpu_ok(kiln_stream_upload(caller.stream, large, 0, data, words * 4u));
	gpu_ok(kiln_stream_wait(caller.stream, KILN_WAIT_FOREVER));
	assert_int_equal(caller.calls, 1);
	assert_int_equal(caller.wrong, 0);
	memset(data, 0, words * 4u);
	gpu_ok(kiln_buffer_read(large, 0, data, words * 4u));
	for (uint32_t i = 0; i < words; i++)
		assert_int_equal(data[i], i);
	gpu_ok(kiln_buffer_read(caller.buffer, 0, got, sizeof(got)));
	assert_int_equal(got[0], 1);
	assert_int_equal(got[1], 7);
	kiln_buffer_destroy(&large);
	kiln_buffer_destroy(&caller.buffer);
	kiln_stream_destroy(&caller.stream);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_callback_uploads_on_a_stream_that_uploads_much),
		cmocka_unit_test(a_callback_uploads_while_another_thread_uploads_much),
		cmocka_unit_test(a_chain_on_a_stream_of_ones_own_keeps_its_order),
		cmocka_unit_test(a_stream_destroyed_with_work_in_flight_finishes_it),
		cmocka_unit_test(an_upload_is_done_with_its_source_on_return),
		cmocka_unit_test(downloads_and_callbacks_come_in_order_before_the_wait_returns),
		cmocka_unit_test(halves_of_a_buffer_need_no_barrier),
		cmocka_unit_test(mistakes_are_refused_with_a_sentence),
		cmocka_unit_test(streams_that_share_buffers_are_ordered_by_the_calls),
		cmocka_unit_test(the_default_stream_is_the_devices),
		cmocka_unit_test(threads_with_a_stream_each_get_right_results),
		cmocka_unit_test(tickets_tell_when_work_is_done),
		cmocka_unit_test(waiting_for_any_finds_one_that_is_done),
		cmocka_unit_test(work_can_be_ordered_by_hand),
	};
	return GPU_MAIN("streams", tests, true);
}
