/* A device that is lost, wherever, and reopened: it works again with what it had, compiles nothing, is never silently wrong, and
 * no rule of Vulkan is broken. What is known of the loss is told. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kiln/kiln.h>
#include <kiln/vulkan.h>

#include "place.h"
#include "random_program.h"
#include "test.h"

enum { COUNT = 256, BYTES = COUNT * 4, TRIES = 8 };

static struct place place;

struct scene {
	struct kiln_device *device;
	struct program_kernels kernels;
	struct kiln_stream *streams[2];
	struct kiln_buffer *kept, *plain; /* shadowed, and not */
	uint32_t start[COUNT];
};

/* The first visit fills the cache of the place. */
static void open_scene(struct scene *scene, const char *script)
{
	*scene = (struct scene){0};
	for (uint32_t i = 0; i < COUNT; i++)
		scene->start[i] = 7 * i + 1;
	setenv("HOSTILE", script, 1);
	assert_status(kiln_device_open(&(struct kiln_device_params){.no_autotune = true}, &scene->device),
	              KILN_OK);
	assert_status(program_kernels_create(scene->device, &scene->kernels), KILN_OK);
	for (int i = 0; i < 2; i++)
		assert_status(kiln_stream_create(scene->device, NULL, &scene->streams[i]), KILN_OK);
}

static enum kiln_status make_buffers(struct scene *scene)
{
	const struct kiln_buffer_params kept = {.bytes = BYTES,
	                                        .contents = scene->start,
	                                        .shadowed = true,
	                                        .name = "kept"};
	const struct kiln_buffer_params plain = {.bytes = BYTES, .name = "plain"};

	if (!scene->kept)
		KILN_TRY(kiln_buffer_create(scene->device, &kept, &scene->kept));
	return scene->plain ? KILN_OK : kiln_buffer_create(scene->device, &plain, &scene->plain);
}

static void close_scene(struct scene *scene)
{
	kiln_buffer_destroy(&scene->plain);
	for (int i = 0; i < 2; i++)
		kiln_stream_destroy(&scene->streams[i]);
	program_kernels_destroy(&scene->kernels);
	kiln_buffer_destroy(&scene->kept);
	kiln_device_close(&scene->device);
	assert_int_equal(place_events(&place, "misuse"), 0);
}

static enum kiln_status launch(struct scene *scene, int stream, struct kiln_buffer *buffer, uint32_t k)
{
	const uint32_t push[2] = {COUNT, k};

	return kiln_stream_launch(scene->streams[stream], scene->kernels.step,
	                          &(struct kiln_launch_params){
					  .threads = {COUNT},
					  .buffers = {buffer},
					  .push = push,
					  .push_bytes = sizeof(push),
				  });
}

static uint32_t step_on_host(uint32_t word, uint32_t i, uint32_t k)
{
	return word * 1664525u + k + i;
}

/* Two streams on the shadowed buffer, a copy of it, and both read back. Begins with what the host wrote. */
static enum kiln_status day(struct scene *scene, uint32_t *out_kept, uint32_t *out_plain)
{
	KILN_TRY(make_buffers(scene));
	KILN_TRY(kiln_buffer_write(scene->kept, 0, scene->start, BYTES));
	KILN_TRY(kiln_buffer_fill(scene->plain, 0, BYTES, 5));
	KILN_TRY(launch(scene, 0, scene->kept, 1));
	KILN_TRY(launch(scene, 0, scene->plain, 2));
	KILN_TRY(kiln_stream_submit(scene->streams[0], NULL));
	KILN_TRY(launch(scene, 1, scene->kept, 3));
	KILN_TRY(kiln_stream_wait(scene->streams[1], KILN_WAIT_FOREVER));
	KILN_TRY(kiln_buffer_read(scene->kept, 0, out_kept, BYTES));
	return kiln_buffer_read(scene->plain, 0, out_plain, BYTES);
}

static void assert_day(const struct scene *scene, const uint32_t *kept, const uint32_t *plain)
{
	for (uint32_t i = 0; i < COUNT; i++) {
		assert_int_equal(kept[i], step_on_host(step_on_host(scene->start[i], i, 1), i, 3));
		assert_int_equal(plain[i], step_on_host(5, i, 2));
	}
}

static void assert_lost(struct scene *scene)
{
	struct kiln_device_loss loss;
	uint32_t word;

	assert_status(kiln_device_wait(scene->device), KILN_ERR_DEVICE_LOST);
	assert_non_null(strstr(kiln_error_message(), "kiln_device_reopen()"));
	if (scene->kept)
		assert_status(kiln_buffer_read(scene->kept, 0, &word, 4), KILN_ERR_DEVICE_LOST);
	assert_status(kiln_device_loss(scene->device, &loss), KILN_OK);
	assert_true(loss.lost);
}

/* Returns how often the device was lost on the way to right results. */
static unsigned survive(struct scene *scene)
{
	uint32_t kept[COUNT], plain[COUNT];
	enum kiln_status status;
	unsigned losses = 0;

	while ((status = day(scene, kept, plain)) != KILN_OK) {
		assert_status(status, KILN_ERR_DEVICE_LOST);
		assert_true(++losses < TRIES);
		assert_lost(scene);
		while (kiln_device_reopen(scene->device, NULL) != KILN_OK)
			assert_true(++losses < TRIES);
	}
	assert_day(scene, kept, plain);
	return losses;
}

/* ---- Wherever it is lost ---- */

static void lost_at(const char *rule, unsigned call, const char *with, unsigned *losses)
{
	struct scene scene;
	char script[96];

	(void)snprintf(script, sizeof(script), "%s@%u%s", rule, call, with);
	open_scene(&scene, script);
	*losses += survive(&scene);
	*losses += survive(&scene); /* a late one strikes here */
	close_scene(&scene);
}

static void loss_at_every_submission_and_wait_is_survived(void **state)
{
	static const char *const rules[] = {"submit_lost", "wait_lost"};
	static const char *const facts[] =
		{"", ",discrete", ",async_family", ",no_timeline,discrete", ",non_coherent", ",lazy"};

	(void)state;
	for (size_t r = 0; r < 2; r++)
		for (size_t f = 0; f < sizeof(facts) / sizeof(facts[0]); f++) {
			unsigned losses = 0;

			for (unsigned call = 1; call <= 10; call++)
				lost_at(rules[r], call, facts[f], &losses);
			assert_true(losses >= 2);
		}
}

static void loss_while_compiling_is_survived(void **state)
{
	unsigned losses = 0;

	(void)state;
	setenv("KILN_CACHE", "off", 1); /* else nothing would compile */
	lost_at("compile_lost", 1, "", &losses);
	setenv("KILN_CACHE", "rw", 1);
	assert_int_equal(losses, 1);
}

static void device_that_hangs_and_is_reset_is_survived(void **state)
{
	struct scene scene;

	(void)state;
	open_scene(&scene, "hang=50@1");
	assert_int_equal(survive(&scene), 1);
	close_scene(&scene);
}

/* The second loss strikes while shadows are copied back: that takes submissions where the host cannot see the memory. */
static void loss_while_reopening_is_survived(void **state)
{
	unsigned losses = 0, twice = 0;

	(void)state;
	for (unsigned call = 2; call <= 14; call++) {
		unsigned before = losses;

		lost_at("submit_lost", call, ",discrete,wait_lost@1", &losses);
		twice += losses - before > 1;
	}
	assert_true(twice >= 3);
}

static void loss_while_reopening_is_the_one_that_is_told(void **state)
{
	uint32_t words[COUNT];
	unsigned told = 0;

	(void)state;
	for (unsigned call = 2; call <= 14; call++) {
		struct kiln_device_loss before, loss;
		struct scene scene;
		char script[96];

		(void)snprintf(script, sizeof(script), "submit_lost@%u,discrete,wait_lost@1", call);
		open_scene(&scene, script);
		assert_status(day(&scene, words, words), KILN_ERR_DEVICE_LOST);
		assert_status(kiln_device_loss(scene.device, &before), KILN_OK);
		if (kiln_device_reopen(scene.device, NULL) != KILN_OK) {
			assert_status(kiln_device_loss(scene.device, &loss), KILN_OK);
			assert_true(loss.lost);
			assert_int_equal(loss.reopens, 0);
			assert_string_not_equal(loss.call,
			                        before.call); /* one in a submission, one in a wait */
			told++;
		}
		close_scene(&scene);
	}
	assert_true(told >= 1);
}

/* ---- Reopening that fails ---- */

static void lose(struct scene *scene)
{
	assert_status(make_buffers(scene), KILN_OK);
	assert_status(launch(scene, 0, scene->kept, 1), KILN_OK);
	assert_status(kiln_stream_wait(scene->streams[0], KILN_WAIT_FOREVER), KILN_ERR_DEVICE_LOST);
}

static void reopening_that_fails_changes_nothing_and_can_be_tried_again(void **state)
{
	static const struct {
		const char *rule;
		enum kiln_status status;
	} rows[] = {
		{"submit_lost@1,device_lost@2", KILN_ERR_DEVICE_LOST},
		{"submit_lost@1,device_oom_host@2", KILN_ERR_OUT_OF_MEMORY},
		{"submit_lost@1,device_oom_device@2", KILN_ERR_OUT_OF_DEVICE_MEMORY},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kiln_reopening reopening = {.pipelines = 99};
		struct kiln_device_loss before, after;
		struct scene scene;

		open_scene(&scene, rows[i].rule);
		lose(&scene);
		assert_status(kiln_device_loss(scene.device, &before), KILN_OK);
		assert_status(kiln_device_reopen(scene.device, &reopening), rows[i].status);
		assert_non_null(strstr(kiln_error_message(), "Fix: "));
		assert_int_equal(reopening.pipelines, 99);
		assert_lost(&scene);
		assert_status(kiln_device_loss(scene.device, &after), KILN_OK);
		assert_memory_equal(&before, &after, sizeof(before));
		assert_status(kiln_device_reopen(scene.device, &reopening), KILN_OK);
		assert_int_equal(survive(&scene), 0);
		close_scene(&scene);
	}
}

static void reopening_without_memory_leaves_it_lost_and_can_be_tried_again(void **state)
{
	static const char *const rules[] = {"buffer_oom", "alloc_oom_device", "alloc_oom_host", "fence_fails",
	                                    "commands_oom"};
	unsigned failed = 0;

	(void)state;
	for (size_t r = 0; r < sizeof(rules) / sizeof(rules[0]); r++)
		for (unsigned call = 1; call <= 10; call++) {
			uint32_t words[COUNT];
			struct scene scene;
			char script[96];

			(void)snprintf(script, sizeof(script), "submit_lost@1,discrete,%s@%u", rules[r],
			               call);
			open_scene(&scene, script);
			if (day(&scene, words, words) == KILN_ERR_DEVICE_LOST)
				while (kiln_device_reopen(scene.device, NULL) != KILN_OK) {
					assert_lost(&scene);
					assert_true(++failed < 60);
					if (failed % 2)
						break; /* closed as it is */
				}
			close_scene(&scene);
		}
	assert_true(failed >= 3);
}

static void device_that_is_not_lost_is_left_alone(void **state)
{
	struct kiln_reopening reopening = {.pipelines = 99};
	struct kiln_device_loss loss;
	struct scene scene;

	(void)state;
	open_scene(&scene, "cpu");
	assert_int_equal(survive(&scene), 0);
	assert_status(kiln_device_reopen(scene.device, &reopening), KILN_OK);
	assert_int_equal(reopening.pipelines, 0);
	assert_int_equal(reopening.empty_buffers, 0);
	assert_status(kiln_device_loss(scene.device, &loss), KILN_ERR_NOT_FOUND);
	assert_status(kiln_device_loss(scene.device, NULL), KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_device_reopen(NULL, NULL), KILN_ERR_INVALID_ARGUMENT);
	assert_int_equal(survive(&scene), 0);
	close_scene(&scene);
}

/* ---- What comes back ---- */

static void reopened_device_compiles_nothing(void **state)
{
	struct kiln_device_counters before, after;
	struct scene scene;

	(void)state;
	open_scene(&scene, "submit_lost@1");
	lose(&scene);
	before = kiln_device_counters(scene.device);
	assert_status(kiln_device_reopen(scene.device, NULL), KILN_OK);
	assert_int_equal(survive(&scene), 0);
	after = kiln_device_counters(scene.device);
	assert_int_equal(after.compiled, before.compiled);
	assert_int_equal(after.rejected, 0);
	assert_int_equal(after.disk, before.disk + 1); /* the one kernel that was used */
	close_scene(&scene);
}

/* Kernels of one program share its module. */
static void modules_that_kernels_share_are_made_again(void **state)
{
	struct program_kernels twins;
	struct scene scene;

	(void)state;
	open_scene(&scene, "submit_lost@1");
	assert_status(program_kernels_create(scene.device, &twins), KILN_OK);
	lose(&scene);
	assert_status(kiln_device_reopen(scene.device, NULL), KILN_OK);
	assert_int_equal(survive(&scene), 0);
	assert_status(kiln_kernel_resolve(twins.sum, NULL), KILN_OK);
	program_kernels_destroy(&twins);
	close_scene(&scene);
}

static void shadows_come_back_and_what_the_device_wrote_does_not(void **state)
{
	struct kiln_reopening reopening;
	uint32_t got[COUNT], word = 77;
	struct scene scene;

	(void)state;
	for (int discrete = 0; discrete < 2; discrete++) {
		open_scene(&scene, discrete ? "wait_lost@3,discrete" : "wait_lost@1");
		assert_status(make_buffers(&scene), KILN_OK);
		assert_status(kiln_buffer_write(scene.kept, 8, &word, 4), KILN_OK);
		assert_status(kiln_buffer_fill(scene.kept, 16, 8, 3), KILN_OK);
		assert_status(kiln_stream_upload(scene.streams[0], scene.kept, 32, &word, 4), KILN_OK);
		for (int i = 0; launch(&scene, 0, scene.kept, 1) == KILN_OK; i++) {
			(void)kiln_stream_wait(scene.streams[0], KILN_WAIT_FOREVER);
			assert_true(i < 20);
		}
		assert_status(kiln_device_reopen(scene.device, &reopening), KILN_OK);
		assert_int_equal(reopening.restored_buffers, 1);
		assert_int_equal(reopening.restored_bytes, BYTES);
		assert_int_equal(reopening.empty_buffers, 1);
		scene.start[2] = scene.start[8] = 77;
		scene.start[4] = scene.start[5] = 3;
		assert_status(kiln_buffer_read(scene.kept, 0, got, BYTES), KILN_OK);
		assert_memory_equal(got, scene.start, BYTES);
		close_scene(&scene);
	}
}

#define assert_empty(call)                                                  \
	do {                                                                \
		assert_status(call, KILN_ERR_CONTENTS_LOST);                \
		assert_non_null(strstr(kiln_error_message(), "\"plain\"")); \
		assert_non_null(strstr(kiln_error_message(), "Fix: "));     \
	} while (0)

static void what_has_no_shadow_says_so_until_it_is_written(void **state)
{
	uint32_t got[COUNT], words[COUNT];
	struct scene scene;
	void *mapped;

	(void)state;
	open_scene(&scene, "submit_lost@1");
	lose(&scene);
	assert_status(kiln_device_reopen(scene.device, NULL), KILN_OK);
	assert_empty(kiln_buffer_read(scene.plain, 0, got, 4));
	assert_empty(kiln_buffer_map(scene.plain, &mapped));
	assert_empty(kiln_stream_download(scene.streams[0], scene.plain, 0, got, 4));
	assert_empty(kiln_buffer_copy(scene.plain, 0, scene.kept, 0, 4));
	assert_empty(launch(&scene, 0, scene.plain, 1));

	/* in pieces, from the middle */
	memset(words, 9, sizeof(words));
	assert_status(kiln_buffer_write(scene.plain, 64, words, 64), KILN_OK);
	assert_status(kiln_buffer_read(scene.plain, 64, got, 64), KILN_OK);
	assert_empty(kiln_buffer_read(scene.plain, 60, got, 8));
	assert_status(kiln_buffer_copy(scene.kept, 0, scene.plain, 128, BYTES - 128), KILN_OK);
	assert_empty(launch(&scene, 0, scene.plain, 1));
	assert_status(kiln_stream_upload(scene.streams[0], scene.plain, 0, words, 32), KILN_OK);
	assert_empty(kiln_buffer_read(scene.plain, 0, got, BYTES));
	assert_status(kiln_buffer_fill(scene.plain, 32, 32, 0x09090909), KILN_OK);
	assert_status(kiln_buffer_read(scene.plain, 0, got, BYTES), KILN_OK);
	assert_memory_equal(got, words, 128);
	assert_memory_equal(&got[32], scene.start, BYTES - 128);
	assert_int_equal(survive(&scene), 0);
	close_scene(&scene);
}

static void mapped_bytes_are_kept_when_they_are_unmapped(void **state)
{
	struct scene scene;
	uint32_t *mapped, got;

	(void)state;
	open_scene(&scene, "submit_lost@1");
	assert_status(make_buffers(&scene), KILN_OK);
	assert_status(kiln_buffer_map(scene.kept, (void **)&mapped), KILN_OK);
	mapped[3] = 4711;
	kiln_buffer_unmap(scene.kept);
	lose(&scene);
	assert_status(kiln_device_reopen(scene.device, NULL), KILN_OK);
	assert_status(kiln_buffer_read(scene.kept, 12, &got, 4), KILN_OK);
	assert_int_equal(got, 4711);
	close_scene(&scene);
}

static void tickets_of_before_are_lost_and_new_ones_are_not(void **state)
{
	struct kiln_ticket old, fresh, both[2];
	VkSemaphore semaphore;
	struct scene scene;
	uint64_t value;
	size_t index;

	(void)state;
	open_scene(&scene, "submit_lost@2");
	assert_status(make_buffers(&scene), KILN_OK);
	assert_status(launch(&scene, 0, scene.kept, 1), KILN_OK);
	assert_status(kiln_stream_submit(scene.streams[0], &old), KILN_OK);
	assert_status(launch(&scene, 1, scene.plain, 1), KILN_OK);
	assert_status(kiln_stream_submit(scene.streams[1], NULL), KILN_ERR_DEVICE_LOST);
	assert_status(kiln_ticket_wait(scene.device, old, KILN_WAIT_FOREVER), KILN_ERR_DEVICE_LOST);
	assert_status(kiln_device_reopen(scene.device, NULL), KILN_OK);
	assert_status(kiln_ticket_wait(scene.device, old, KILN_WAIT_FOREVER), KILN_ERR_DEVICE_LOST);
	assert_non_null(strstr(kiln_error_message(), "reopened"));
	assert_status(kiln_stream_after(scene.streams[1], old), KILN_ERR_DEVICE_LOST);
	assert_status(kiln_stream_after(scene.streams[0], old), KILN_ERR_DEVICE_LOST); /* its own */
	assert_status(kiln_ticket_vulkan(scene.device, old, &semaphore, &value), KILN_ERR_DEVICE_LOST);
	assert_false(kiln_ticket_is_done(scene.device, old));
	assert_status(launch(&scene, 0, scene.kept, 1), KILN_OK);
	assert_status(kiln_stream_submit(scene.streams[0], &fresh), KILN_OK);
	both[0] = old;
	both[1] = fresh;
	assert_status(kiln_ticket_wait(scene.device, fresh, KILN_WAIT_FOREVER), KILN_OK);
	assert_true(kiln_ticket_is_done(scene.device, fresh));
	assert_status(kiln_ticket_wait_any(scene.device, both, 2, KILN_WAIT_FOREVER, &index), KILN_OK);
	assert_int_equal(index, 1);
	close_scene(&scene);
}

static void called(void *user)
{
	++*(int *)user;
}

static void downloads_and_callbacks_of_before_never_come(void **state)
{
	uint32_t got[4] = {1, 2, 3, 4};
	struct scene scene;
	int calls = 0;

	(void)state;
	open_scene(&scene, "submit_lost@1,discrete,lazy");
	assert_status(make_buffers(&scene), KILN_OK);
	assert_status(kiln_stream_download(scene.streams[0], scene.kept, 0, got, sizeof(got)),
	              KILN_ERR_DEVICE_LOST);
	assert_status(kiln_device_reopen(scene.device, NULL), KILN_OK);
	close_scene(&scene);

	open_scene(&scene, "submit_lost@2,discrete,lazy");
	assert_status(make_buffers(&scene), KILN_OK);
	assert_status(kiln_stream_download(scene.streams[0], scene.kept, 0, got, sizeof(got)), KILN_OK);
	assert_status(kiln_stream_callback(scene.streams[0], called, &calls), KILN_OK);
	assert_status(kiln_stream_submit(scene.streams[0], NULL), KILN_ERR_DEVICE_LOST);
	assert_status(kiln_device_reopen(scene.device, NULL), KILN_OK);
	assert_status(kiln_stream_wait(scene.streams[0], KILN_WAIT_FOREVER), KILN_OK);
	assert_int_equal(calls, 0);
	assert_int_equal(got[0], 1);
	assert_status(kiln_stream_download(scene.streams[0], scene.kept, 0, got, sizeof(got)), KILN_OK);
	assert_status(kiln_stream_callback(scene.streams[0], called, &calls), KILN_OK);
	assert_status(kiln_stream_wait(scene.streams[0], KILN_WAIT_FOREVER), KILN_OK);
	assert_int_equal(calls, 1);
	assert_memory_equal(got, scene.start, sizeof(got));
	close_scene(&scene);
}

static void record(struct scene *scene, struct kiln_graph **out_graph)
{
	assert_status(kiln_graph_begin(scene->streams[0]), KILN_OK);
	assert_status(launch(scene, 0, scene->kept, 1), KILN_OK);
	assert_status(kiln_graph_end(scene->streams[0], out_graph), KILN_OK);
}

static void graphs_of_before_are_refused_and_can_be_recorded_again(void **state)
{
	const uint32_t push[2] = {COUNT, 2};
	struct kiln_graph *graph, *unfinished = NULL;
	struct scene scene;

	(void)state;
	open_scene(&scene, "submit_lost@1");
	assert_status(make_buffers(&scene), KILN_OK);
	record(&scene, &graph);
	assert_status(kiln_graph_begin(scene.streams[1]), KILN_OK);
	assert_status(launch(&scene, 1, scene.kept, 1), KILN_OK);
	assert_status(kiln_graph_launch(graph, scene.streams[0], NULL), KILN_ERR_DEVICE_LOST);
	assert_status(kiln_device_reopen(scene.device, NULL), KILN_OK);
	assert_status(kiln_graph_launch(graph, scene.streams[0], NULL), KILN_ERR_DEVICE_LOST);
	assert_non_null(strstr(kiln_error_message(), "record it again"));
	assert_status(kiln_graph_set_push(graph, 0, push, sizeof(push)), KILN_ERR_DEVICE_LOST);
	assert_status(kiln_graph_end(scene.streams[1], &unfinished), KILN_ERR_DEVICE_LOST);
	assert_null(unfinished);
	kiln_graph_destroy(&graph);
	record(&scene, &graph);
	assert_status(kiln_graph_launch(graph, scene.streams[0], NULL), KILN_OK);
	assert_status(kiln_stream_wait(scene.streams[0], KILN_WAIT_FOREVER), KILN_OK);
	kiln_graph_destroy(&graph);
	assert_int_equal(survive(&scene), 0);
	close_scene(&scene);
}

/* Nothing of the driver's is called: another thread may be reopening. The recording is over all the same. */
static void graph_that_is_ended_on_a_lost_device_is_refused(void **state)
{
	struct kiln_graph *unfinished = NULL;
	struct scene scene;

	(void)state;
	open_scene(&scene, "submit_lost@1");
	assert_status(make_buffers(&scene), KILN_OK);
	assert_status(kiln_graph_begin(scene.streams[1]), KILN_OK);
	assert_status(launch(&scene, 1, scene.kept, 1), KILN_OK);
	lose(&scene);
	assert_status(kiln_graph_end(scene.streams[1], &unfinished), KILN_ERR_DEVICE_LOST);
	assert_null(unfinished);
	assert_status(kiln_device_reopen(scene.device, NULL), KILN_OK);
	assert_status(kiln_graph_end(scene.streams[1], &unfinished),
	              KILN_ERR_INVALID_ARGUMENT); /* it had ended */
	assert_int_equal(survive(&scene), 0);
	close_scene(&scene);
}

/* Recording does nothing, so the bytes are there for what the graph does after it, and for others once it was launched. */
static void fills_and_copies_of_a_graph_count_as_writing(void **state)
{
	const uint64_t half = BYTES / 2;
	struct kiln_graph *graph;
	uint32_t got[COUNT];
	struct scene scene;

	(void)state;
	open_scene(&scene, "submit_lost@1");
	lose(&scene);
	assert_status(kiln_device_reopen(scene.device, NULL), KILN_OK);
	assert_status(kiln_graph_begin(scene.streams[0]), KILN_OK);
	assert_empty(kiln_stream_copy(scene.streams[0], scene.plain, 0, scene.kept, 0, 4));
	assert_status(kiln_stream_fill(scene.streams[0], scene.plain, 0, half, 5), KILN_OK);
	assert_empty(launch(&scene, 0, scene.plain, 2));
	assert_empty(kiln_stream_copy(scene.streams[0], scene.plain, half - 4, scene.kept, 0, 8));
	assert_status(kiln_stream_copy(scene.streams[0], scene.plain, 0, scene.plain, half, half), KILN_OK);
	assert_status(launch(&scene, 0, scene.plain, 2), KILN_OK);
	assert_empty(launch(&scene, 1, scene.plain, 2)); /* another stream does none of it */
	assert_status(kiln_graph_end(scene.streams[0], &graph), KILN_OK);
	assert_empty(kiln_buffer_read(scene.plain, 0, got, 4));
	assert_status(kiln_graph_launch(graph, scene.streams[0], NULL), KILN_OK);
	assert_status(kiln_buffer_read(scene.plain, 0, got, BYTES), KILN_OK);
	for (uint32_t i = 0; i < COUNT; i++)
		assert_int_equal(got[i], step_on_host(5, i, 2));
	kiln_graph_destroy(&graph);
	assert_int_equal(survive(&scene), 0);
	close_scene(&scene);
}

/* What comes before the operation counts, and what comes after it does not. */
static void argument_of_a_graph_may_be_what_it_writes_before(void **state)
{
	struct kiln_graph *graph;
	uint32_t got[COUNT];
	struct scene scene;

	(void)state;
	open_scene(&scene, "submit_lost@1");
	lose(&scene);
	assert_status(kiln_device_reopen(scene.device, NULL), KILN_OK);
	assert_status(kiln_graph_begin(scene.streams[0]), KILN_OK);
	assert_status(launch(&scene, 0, scene.kept, 1), KILN_OK);
	assert_status(kiln_stream_fill(scene.streams[0], scene.plain, 0, BYTES, 6), KILN_OK);
	assert_status(launch(&scene, 0, scene.kept, 3), KILN_OK);
	assert_status(kiln_graph_end(scene.streams[0], &graph), KILN_OK);
	assert_empty(kiln_graph_set_arg(graph, 0, 0, &(struct kiln_arg){.buffer = scene.plain}));
	assert_status(kiln_graph_set_arg(graph, 2, 0, &(struct kiln_arg){.buffer = scene.plain}), KILN_OK);
	assert_status(kiln_graph_launch(graph, scene.streams[0], NULL), KILN_OK);
	assert_status(kiln_buffer_read(scene.plain, 0, got, BYTES), KILN_OK);
	for (uint32_t i = 0; i < COUNT; i++)
		assert_int_equal(got[i], step_on_host(6, i, 3));
	kiln_graph_destroy(&graph);
	close_scene(&scene);
}

/* As those of the stream's own do. */
static void shadows_hold_what_a_graph_filled(void **state)
{
	struct kiln_graph *graph;
	uint32_t got[COUNT];
	struct scene scene;

	(void)state;
	open_scene(&scene, "wait_lost@1");
	assert_status(make_buffers(&scene), KILN_OK);
	assert_status(kiln_graph_begin(scene.streams[0]), KILN_OK);
	assert_status(kiln_stream_fill(scene.streams[0], scene.kept, 16, 8, 3), KILN_OK);
	assert_status(kiln_graph_end(scene.streams[0], &graph), KILN_OK);
	assert_status(kiln_graph_launch(graph, scene.streams[0], NULL), KILN_OK);
	kiln_graph_destroy(&graph);
	assert_status(kiln_stream_wait(scene.streams[0], KILN_WAIT_FOREVER), KILN_ERR_DEVICE_LOST);
	assert_status(kiln_device_reopen(scene.device, NULL), KILN_OK);
	scene.start[4] = scene.start[5] = 3;
	assert_status(kiln_buffer_read(scene.kept, 0, got, BYTES), KILN_OK);
	assert_memory_equal(got, scene.start, BYTES);
	close_scene(&scene);
}

static void timers_work_again(void **state)
{
	struct kiln_timer *timer;
	struct scene scene;
	uint64_t ns;

	(void)state;
	open_scene(&scene, "submit_lost@1");
	assert_status(make_buffers(&scene), KILN_OK);
	assert_status(kiln_timer_create(scene.streams[0], &timer), KILN_OK);
	assert_status(kiln_timer_start(timer), KILN_OK);
	assert_status(launch(&scene, 0, scene.kept, 1), KILN_OK);
	assert_status(kiln_timer_stop(timer), KILN_OK);
	assert_status(kiln_timer_read(timer, &ns), KILN_ERR_DEVICE_LOST);
	assert_status(kiln_device_reopen(scene.device, NULL), KILN_OK);
	assert_status(kiln_timer_read(timer, &ns), KILN_ERR_DEVICE_LOST);
	assert_status(kiln_timer_start(timer), KILN_OK);
	assert_status(launch(&scene, 0, scene.kept, 1), KILN_OK);
	assert_status(kiln_timer_stop(timer), KILN_OK);
	assert_status(kiln_stream_wait(scene.streams[0], KILN_WAIT_FOREVER), KILN_OK);
	kiln_timer_destroy(&timer);
	close_scene(&scene);
}

/* Its timestamps went with the device, whether the stream ends before the loss or after the reopening. */
static void timers_of_before_are_refused_when_their_stream_is_gone(void **state)
{
	struct kiln_timer *timer;
	struct scene scene;
	uint64_t ns;

	(void)state;
	for (int late = 0; late < 2; late++) {
		open_scene(&scene, "submit_lost@2");
		assert_status(make_buffers(&scene), KILN_OK);
		assert_status(kiln_timer_create(scene.streams[0], &timer), KILN_OK);
		assert_status(kiln_timer_start(timer), KILN_OK);
		assert_status(kiln_timer_stop(timer), KILN_OK);
		assert_status(kiln_stream_wait(scene.streams[0], KILN_WAIT_FOREVER), KILN_OK);
		if (!late)
			kiln_stream_destroy(&scene.streams[0]);
		assert_status(launch(&scene, 1, scene.kept, 1), KILN_OK);
		assert_status(kiln_stream_wait(scene.streams[1], KILN_WAIT_FOREVER), KILN_ERR_DEVICE_LOST);
		assert_status(kiln_device_reopen(scene.device, NULL), KILN_OK);
		kiln_stream_destroy(&scene.streams[0]);
		assert_status(kiln_timer_read(timer, &ns), KILN_ERR_DEVICE_LOST);
		assert_non_null(strstr(kiln_error_message(), "Fix: "));
		kiln_timer_destroy(&timer);
		close_scene(&scene);
	}
}

/* ---- Other threads ---- */

static void *lose_it(void *user)
{
	lose(user);
	return NULL;
}

static void *reopen_it(void *user)
{
	assert_status(kiln_device_reopen(((struct scene *)user)->device, NULL), KILN_OK);
	return NULL;
}

static void loss_of_one_thread_is_reopened_by_others(void **state)
{
	struct kiln_device_loss loss;
	pthread_t threads[4];
	struct scene scene;

	(void)state;
	open_scene(&scene, "wait_lost@1,discrete");
	assert_int_equal(pthread_create(&threads[0], NULL, lose_it, &scene), 0);
	pthread_join(threads[0], NULL);
	assert_lost(&scene);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, reopen_it, &scene), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_status(kiln_device_loss(scene.device, &loss), KILN_OK);
	assert_false(loss.lost);
	assert_int_equal(loss.reopens, 1);
	assert_int_equal(survive(&scene), 0);
	close_scene(&scene);
}

static atomic_bool reopened;

struct ignorant {
	struct scene *scene;
	uint64_t at; /* the bytes of this thread, which it may write when the device is back */
};

/* As threads do that were not told. */
static void *go_on(void *user)
{
	const struct ignorant *self = user;
	struct scene *scene = self->scene;
	uint32_t words[4] = {0};

	while (!atomic_load(&reopened)) {
		const enum kiln_status seen[] = {
			launch(scene, 0, scene->kept, 1),
			kiln_stream_wait(scene->streams[0], KILN_WAIT_FOREVER),
			kiln_stream_submit(scene->streams[1], NULL),
			kiln_buffer_read(scene->plain, self->at, words, 4),
			kiln_buffer_write(scene->plain, self->at, words, 4),
			kiln_stream_download(scene->streams[1], scene->kept, 0, words, sizeof(words)),
			kiln_kernel_resolve(scene->kernels.sum, NULL),
			kiln_device_wait(scene->device),
		};

		for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++)
			if (seen[i] != KILN_OK && seen[i] != KILN_ERR_DEVICE_LOST &&
			    seen[i] != KILN_ERR_CONTENTS_LOST)
				return (void *)(uintptr_t)-seen[i];
	}
	return NULL;
}

static void calls_of_other_threads_are_lost_while_one_reopens(void **state)
{
	struct ignorant ignorants[4];
	pthread_t threads[4];
	struct scene scene;
	void *wrong;

	(void)state;
	for (int round = 0; round < 20; round++) {
		open_scene(&scene,
		           round % 2 ? "submit_lost@1,discrete,submit_ms=1" : "wait_lost@1,submit_ms=1");
		assert_status(make_buffers(&scene), KILN_OK);
		while (launch(&scene, 0, scene.kept, 1) == KILN_OK)
			(void)kiln_stream_wait(scene.streams[0], KILN_WAIT_FOREVER);
		atomic_store(&reopened, false);
		for (int i = 0; i < 4; i++) {
			ignorants[i] = (struct ignorant){&scene, 64 * (uint64_t)i};
			assert_int_equal(pthread_create(&threads[i], NULL, go_on, &ignorants[i]), 0);
		}
		assert_status(kiln_device_reopen(scene.device, NULL), KILN_OK);
		atomic_store(&reopened, true);
		for (int i = 0; i < 4; i++) {
			pthread_join(threads[i], &wrong);
			assert_null(wrong);
		}
		assert_int_equal(survive(&scene), 0);
		close_scene(&scene);
	}
}

/* ---- What is told ---- */

static void message_names_kernel_and_launch(void **state)
{
	struct kiln_device_loss loss;
	struct kiln_ticket ticket;
	struct scene scene;

	(void)state;
	open_scene(&scene, "hang=50@2");
	assert_status(make_buffers(&scene), KILN_OK);
	assert_status(launch(&scene, 0, scene.kept, 1), KILN_OK);
	assert_status(kiln_stream_wait(scene.streams[0], KILN_WAIT_FOREVER), KILN_OK);
	assert_status(launch(&scene, 0, scene.kept, 1), KILN_OK);
	assert_status(launch(&scene, 0, scene.kept, 1), KILN_OK);
	assert_status(kiln_stream_submit(scene.streams[0], &ticket), KILN_OK);
	assert_status(kiln_stream_wait(scene.streams[0], KILN_WAIT_FOREVER), KILN_ERR_DEVICE_LOST);
	assert_non_null(strstr(kiln_error_message(), "kernel 'step', launches 2 to 3"));
	assert_non_null(strstr(kiln_error_message(), "submission 2 of stream 'stream'"));
	assert_status(kiln_device_loss(scene.device, &loss), KILN_OK);
	assert_string_equal(loss.kernel, "step");
	assert_string_equal(loss.last_kernel, "step");
	assert_string_equal(loss.call, "vkWaitForFences");
	assert_int_equal(loss.first_launch, 2);
	assert_int_equal(loss.last_launch, 3);
	assert_int_equal(loss.stream_id, ticket.stream);
	assert_int_equal(loss.ticket, ticket.value);
	assert_true(loss.submitted);
	assert_false(loss.has_fault);
	assert_status(launch(&scene, 1, scene.plain, 1), KILN_ERR_DEVICE_LOST); /* the same, ever after */
	assert_non_null(strstr(kiln_error_message(), "kernel 'step', launches 2 to 3"));
	close_scene(&scene);
}

static void fault_is_asked_for_once_and_told_without_control_characters(void **state)
{
	struct kiln_device_loss loss;
	struct scene scene;
	unsigned before;

	(void)state;
	open_scene(&scene, "submit_lost@1,fault");
	before = place_events(&place, "fault_info");
	lose(&scene);
	assert_non_null(strstr(kiln_error_message(), "page fault??[31m in kernel"));
	assert_non_null(strstr(kiln_error_message(), "invalid write at 0xdead0000 (to 4096 bytes)"));
	assert_non_null(strstr(kiln_error_message(), "\"queue stopped\" 0x7 0x9"));
	assert_lost(&scene);
	assert_int_equal(place_events(&place, "fault_info"), before + 1);
	assert_status(kiln_device_loss(scene.device, &loss), KILN_OK);
	assert_true(loss.has_fault);
	assert_string_equal(loss.description, "page fault??[31m in kernel");
	assert_int_equal(loss.address_count, 1);
	assert_int_equal(loss.addresses[0].access, KILN_FAULT_WRITE);
	assert_int_equal(loss.addresses[0].address, 0xdead0000u);
	assert_int_equal(loss.addresses[0].precision, 4096);
	assert_int_equal(loss.vendor_count, 1);
	assert_int_equal(loss.vendors[0].code, 7);
	assert_int_equal(loss.vendors[0].data, 9);
	assert_status(kiln_device_reopen(scene.device, NULL), KILN_OK);
	assert_int_equal(survive(&scene), 0);
	close_scene(&scene);
}

static void fault_that_lies_is_bounded(void **state)
{
	struct kiln_device_loss loss;
	struct scene scene;

	(void)state;
	open_scene(&scene, "submit_lost@1,fault,fault_lies");
	lose(&scene);
	assert_non_null(strstr(kiln_error_message(), "Fix: "));
	assert_status(kiln_device_loss(scene.device, &loss), KILN_OK);
	assert_int_equal(loss.address_count, KILN_FAULTS_MAX);
	assert_int_equal(loss.vendor_count, KILN_FAULTS_MAX);
	assert_int_equal(loss.address_total, 1000000);
	assert_int_equal(strlen(loss.description), sizeof(loss.description) - 1);
	assert_int_equal(strspn(loss.vendors[7].description, "?"), sizeof(loss.vendors[7].description) - 1);
	assert_status(kiln_device_reopen(scene.device, NULL), KILN_OK);
	close_scene(&scene);
}

static void fault_that_grows_is_bounded_by_what_it_was(void **state)
{
	struct kiln_device_loss loss;
	struct scene scene;

	(void)state;
	open_scene(&scene, "submit_lost@1,fault,fault_lies=2");
	lose(&scene);
	assert_status(kiln_device_loss(scene.device, &loss), KILN_OK);
	assert_int_equal(loss.address_total, 2);
	assert_int_equal(loss.address_count, 2);
	assert_int_equal(loss.vendor_count, 2);
	close_scene(&scene);
}

static void fault_without_an_answer_says_nothing(void **state)
{
	struct kiln_device_loss loss;
	struct scene scene;

	(void)state;
	for (int call = 1; call <= 2; call++) {
		open_scene(&scene, call == 1 ? "submit_lost@1,fault,fault_fails@1"
		                             : "submit_lost@1,fault,fault_fails@2");
		lose(&scene);
		assert_null(strstr(kiln_error_message(), "driver says"));
		assert_status(kiln_device_loss(scene.device, &loss), KILN_OK);
		assert_false(loss.has_fault);
		close_scene(&scene);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loss_at_every_submission_and_wait_is_survived),
		cmocka_unit_test(loss_while_compiling_is_survived),
		cmocka_unit_test(device_that_hangs_and_is_reset_is_survived),
		cmocka_unit_test(loss_while_reopening_is_survived),
		cmocka_unit_test(loss_while_reopening_is_the_one_that_is_told),
		cmocka_unit_test(reopening_that_fails_changes_nothing_and_can_be_tried_again),
		cmocka_unit_test(reopening_without_memory_leaves_it_lost_and_can_be_tried_again),
		cmocka_unit_test(device_that_is_not_lost_is_left_alone),
		cmocka_unit_test(reopened_device_compiles_nothing),
		cmocka_unit_test(modules_that_kernels_share_are_made_again),
		cmocka_unit_test(shadows_come_back_and_what_the_device_wrote_does_not),
		cmocka_unit_test(what_has_no_shadow_says_so_until_it_is_written),
		cmocka_unit_test(mapped_bytes_are_kept_when_they_are_unmapped),
		cmocka_unit_test(tickets_of_before_are_lost_and_new_ones_are_not),
		cmocka_unit_test(downloads_and_callbacks_of_before_never_come),
		cmocka_unit_test(graphs_of_before_are_refused_and_can_be_recorded_again),
		cmocka_unit_test(timers_of_before_are_refused_when_their_stream_is_gone),
		cmocka_unit_test(graph_that_is_ended_on_a_lost_device_is_refused),
		cmocka_unit_test(fills_and_copies_of_a_graph_count_as_writing),
		cmocka_unit_test(argument_of_a_graph_may_be_what_it_writes_before),
		cmocka_unit_test(shadows_hold_what_a_graph_filled),
		cmocka_unit_test(timers_work_again),
		cmocka_unit_test(loss_of_one_thread_is_reopened_by_others),
		cmocka_unit_test(calls_of_other_threads_are_lost_while_one_reopens),
		cmocka_unit_test(message_names_kernel_and_launch),
		cmocka_unit_test(fault_is_asked_for_once_and_told_without_control_characters),
		cmocka_unit_test(fault_that_lies_is_bounded),
		cmocka_unit_test(fault_that_grows_is_bounded_by_what_it_was),
		cmocka_unit_test(fault_without_an_answer_says_nothing),
	};
	int failed;

	place_create(&place);
	setenv("HOSTILE_LOG", place.log, 1);
	setenv("KILN_CACHE_DIR", place.cache, 1);
	failed = cmocka_run_group_tests_name("hostile reopen", tests, NULL, NULL);
	place_remove(&place);
	return failed;
}
