/* A stream for each of eight threads. The driver is built with whatever the tests are built with, so that ThreadSanitizer
 * (-Db_sanitize=thread) judges every access of host and device to shared bytes. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <kiln/kiln.h>

#include "place.h"
#include "random_program.h"
#include "test.h"

enum { THREADS = 8, ROUNDS = 40, COUNT = 256, LAUNCHES = 3, SHARED = 2, RIVAL_ROUNDS = 4000 };

static struct place place;

/* What the threads show one another. */
struct board {
	pthread_mutex_t lock;
	struct kiln_ticket tickets[THREADS];
};

/* cmocka's assertions belong to the main thread: workers count. */
struct worker {
	pthread_t thread;
	uint32_t number, wrong;
	struct kiln_device *device;
	struct kiln_stream *stream;
	struct kiln_buffer **shared;
	struct board *board;
	uint32_t in[COUNT], out[COUNT], expected[COUNT];
};

static enum kiln_status step(struct worker *worker, struct kiln_kernel *kernel, struct kiln_buffer *buffer,
                             uint32_t k)
{
	const uint32_t push[2] = {COUNT, k};

	return kiln_stream_launch(worker->stream, kernel,
	                          &(struct kiln_launch_params){
					  .threads = {COUNT},
					  .buffers = {buffer},
					  .push = push,
					  .push_bytes = sizeof(push),
				  });
}

static void step_on_host(uint32_t *data, uint32_t k)
{
	for (uint32_t i = 0; i < COUNT; i++)
		data[i] = data[i] * 1664525u + k + i;
}

static struct kiln_ticket ticket_of(struct worker *worker, uint32_t number)
{
	struct kiln_ticket ticket;

	pthread_mutex_lock(&worker->board->lock);
	ticket = worker->board->tickets[number % THREADS];
	pthread_mutex_unlock(&worker->board->lock);
	return ticket;
}

/* Its own ticket to the board; another's is waited for, by the device or by the host. */
static enum kiln_status meet(struct worker *worker, uint32_t round)
{
	struct kiln_ticket ticket, other = ticket_of(worker, worker->number + round);

	KILN_TRY(kiln_stream_submit(worker->stream, &ticket));
	pthread_mutex_lock(&worker->board->lock);
	worker->board->tickets[worker->number] = ticket;
	pthread_mutex_unlock(&worker->board->lock);
	(void)kiln_ticket_is_done(worker->device, other);
	if (round % 3 == 0)
		return kiln_stream_after(worker->stream, other);
	return round % 3 == 1 ? kiln_ticket_wait(worker->device, other, KILN_WAIT_FOREVER) : KILN_OK;
}

/* A buffer and kernels of its own, some launches, a download in two of three; destroyed while in flight. */
static enum kiln_status one_round(struct worker *worker, uint32_t round)
{
	struct program_kernels kernels = {0};
	struct kiln_buffer *own = NULL;
	enum kiln_status status = program_kernels_create(worker->device, &kernels);

	for (uint32_t i = 0; i < COUNT; i++)
		worker->in[i] = worker->expected[i] = worker->number * 1000 + round + i;
	if (status == KILN_OK)
		status = kiln_buffer_create(worker->device,
		                            &(struct kiln_buffer_params){.bytes = sizeof(worker->in),
		                                                         .contents = worker->in},
		                            &own);
	for (uint32_t k = 0; k < LAUNCHES && status == KILN_OK; k++) {
		step_on_host(worker->expected, k + round);
		status = step(worker, kernels.step, own, k + round);
		if (status == KILN_OK)
			status = step(worker, kernels.step, worker->shared[(k + round) % SHARED], 0);
	}
	if (status == KILN_OK && round % 3 != 2)
		status = kiln_stream_download(worker->stream, own, 0, worker->out, sizeof(worker->out));
	kiln_buffer_destroy(&own);
	program_kernels_destroy(&kernels);
	return status == KILN_OK ? meet(worker, round) : status;
}

static void *work(void *data)
{
	struct worker *worker = data;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		worker->wrong += one_round(worker, round) != KILN_OK;
		if (round % 3 == 2)
			continue;
		worker->wrong += kiln_stream_wait(worker->stream, KILN_WAIT_FOREVER) != KILN_OK;
		worker->wrong += memcmp(worker->out, worker->expected, sizeof(worker->out)) != 0;
	}
	worker->wrong += kiln_stream_wait(worker->stream, KILN_WAIT_FOREVER) != KILN_OK;
	if (worker->number % 2)
		kiln_stream_destroy(&worker->stream);
	return NULL;
}

static void assert_shared(struct kiln_buffer *buffer)
{
	uint32_t expected[COUNT] = {0}, got[COUNT];

	/* all steps are the same, so only their number matters */
	for (uint32_t i = 0; i < THREADS * ROUNDS * LAUNCHES / SHARED; i++)
		step_on_host(expected, 0);
	assert_status(kiln_buffer_read(buffer, 0, got, sizeof(got)), KILN_OK);
	assert_memory_equal(got, expected, sizeof(got));
}

static void run_under(const char *script)
{
	const struct kiln_device_params params = {.no_cache = true, .no_autotune = true};
	struct worker *workers = calloc(THREADS, sizeof(*workers));
	struct board board = {.lock = PTHREAD_MUTEX_INITIALIZER};
	struct kiln_device *device = NULL;
	struct kiln_buffer *shared[SHARED] = {NULL};

	assert_non_null(workers);
	place_create(&place);
	setenv("HOSTILE", script, 1);
	setenv("HOSTILE_LOG", place.log, 1);
	setenv("KILN_CACHE_DIR", place.cache, 1);
	assert_status(kiln_device_open(&params, &device), KILN_OK);
	for (int i = 0; i < SHARED; i++)
		assert_status(kiln_buffer_create(device, &(struct kiln_buffer_params){.bytes = COUNT * 4},
		                                 &shared[i]),
		              KILN_OK);
	for (uint32_t i = 0; i < THREADS; i++) {
		workers[i] =
			(struct worker){.number = i, .device = device, .shared = shared, .board = &board};
		assert_status(kiln_stream_create(device, NULL, &workers[i].stream), KILN_OK);
	}
	for (uint32_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	for (uint32_t i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	for (uint32_t i = 0; i < THREADS; i++)
		assert_int_equal(workers[i].wrong, 0);
	for (int i = 0; i < SHARED; i++) {
		assert_shared(shared[i]);
		kiln_buffer_destroy(&shared[i]);
	}
	for (uint32_t i = 0; i < THREADS; i++)
		kiln_stream_destroy(&workers[i].stream);
	kiln_device_close(&device);
	free(workers);
	assert_int_equal(place_events(&place, "misuse"), 0);
	place_remove(&place);
}

static void threads_with_a_stream_each_share_buffers_and_tickets(void **state)
{
	(void)state;
	run_under("");
}

static void threads_share_memory_the_host_cannot_see(void **state)
{
	(void)state;
	run_under("discrete,non_coherent");
}

static void threads_share_a_device_that_works_only_when_waited_for(void **state)
{
	(void)state;
	run_under("lazy=7");
}

static void threads_share_a_device_without_timelines(void **state)
{
	(void)state;
	run_under("no_timeline");
}

/* ---- Two threads that begin and end graphs of one stream ---- */

struct rival {
	struct kiln_stream *stream;
	atomic_uint *arrived;
	uint32_t begun, ended, wrong;
};

/* Both leave at once: a barrier that sleeps would wake them one after the other. */
static void meet_rival(atomic_uint *arrived)
{
	unsigned before = atomic_fetch_add(arrived, 1);

	while (atomic_load(arrived) / 2 == before / 2)
		if (before % 64 == 0)
			sched_yield();
}

static void *rival_rounds(void *data)
{
	struct rival *self = data;

	for (uint32_t round = 0; round < RIVAL_ROUNDS; round++) {
		struct kiln_graph *graph = NULL;
		enum kiln_status status;

		meet_rival(self->arrived);
		status = kiln_graph_begin(self->stream);
		self->begun += status == KILN_OK;
		self->wrong += status != KILN_OK && status != KILN_ERR_INVALID_ARGUMENT;
		meet_rival(self->arrived);
		status = kiln_graph_end(self->stream, &graph);
		self->ended += status == KILN_OK;
		self->wrong += status != KILN_OK && status != KILN_ERR_INVALID_ARGUMENT;
		kiln_graph_destroy(&graph);
	}
	return NULL;
}

static void of_two_threads_one_begins_a_graph_and_one_ends_it(void **state)
{
	const struct kiln_device_params params = {.no_cache = true, .no_autotune = true};
	struct kiln_device *device = NULL;
	struct kiln_stream *stream = NULL;
	atomic_uint arrived = 0;
	struct rival rivals[2];
	pthread_t other;

	(void)state;
	setenv("HOSTILE", "", 1);
	assert_status(kiln_device_open(&params, &device), KILN_OK);
	assert_status(kiln_stream_create(device, NULL, &stream), KILN_OK);
	for (int i = 0; i < 2; i++)
		rivals[i] = (struct rival){.stream = stream, .arrived = &arrived};
	assert_int_equal(pthread_create(&other, NULL, rival_rounds, &rivals[1]), 0);
	rival_rounds(&rivals[0]);
	pthread_join(other, NULL);
	assert_int_equal(rivals[0].wrong + rivals[1].wrong, 0);
	assert_int_equal(rivals[0].begun + rivals[1].begun, RIVAL_ROUNDS);
	assert_int_equal(rivals[0].ended + rivals[1].ended, RIVAL_ROUNDS);
	kiln_stream_destroy(&stream);
	kiln_device_close(&device);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_two_threads_one_begins_a_graph_and_one_ends_it),
		cmocka_unit_test(threads_share_a_device_that_works_only_when_waited_for),
		cmocka_unit_test(threads_share_a_device_without_timelines),
		cmocka_unit_test(threads_share_memory_the_host_cannot_see),
		cmocka_unit_test(threads_with_a_stream_each_share_buffers_and_tickets),
	};

	return cmocka_run_group_tests_name("hostile stream threads", tests, NULL, NULL);
}
