/* Images to and from the host, in regions and pieces, and in order with launches: on a stream, in graphs, destroyed in flight. */
#include "harness.h"
#include "images.h"

#include <string.h>

#include "image_mix_spv.h"
#include "image_step_spv.h"

/* ---- Regions and pitches ---- */

static void region_is_written_and_read_with_pitches(void **state)
{
	enum { X = 11, Y = 7, Z = 5, RW = 4, RH = 3, RD = 2, PITCH = 25, SLICE = 110 };
	static uint8_t model[Z][Y][X], got[Z][Y][X], host[RD * SLICE], back[RD * SLICE];
	const struct kiln_image_region region = {3, 2, 1, RW, RH, RD, PITCH, SLICE};

	(void)state;
	GPU_NEEDS_LAUNCH();
	struct kiln_image *image = image_of(KILN_FORMAT_R8UI, X, Y, Z, NULL, 0);
	memset(model, 0, sizeof model);
	for (size_t i = 0; i < sizeof host; i++)
		host[i] = (uint8_t)(i + 1);
	for (int z = 0; z < RD; z++)
		for (int y = 0; y < RH; y++)
			memcpy(&model[1 + z][2 + y][3], &host[z * SLICE + y * PITCH], RW);
	gpu_ok(kiln_image_write(image, &region, host, SLICE * (RD - 1) + PITCH * (RH - 1) + RW));
	gpu_ok(kiln_image_read(image, NULL, got, sizeof got));
	assert_memory_equal(got, model, sizeof got);

	memset(back, 0xaa, sizeof back);
	gpu_ok(kiln_image_read(image, &region, back, sizeof back));
	for (int i = 0; i < RD * SLICE; i++) {
		bool inside = i % SLICE / PITCH < RH && i % SLICE % PITCH < RW;
		assert_int_equal(back[i], inside ? host[i] : 0xaa);
	}
	kiln_image_destroy(&image);
}

/* More than two pieces of staging in each direction: rows, and whole slices. */
static void large_images_go_in_pieces(void **state)
{
	static const uint32_t sizes[][3] = {{2048, 2500, 0}, {512, 600, 17}};

	(void)state;
	GPU_NEEDS_LAUNCH();
	for (size_t s = 0; s < 2; s++) {
		const uint32_t *size = sizes[s];
		uint64_t count = (uint64_t)size[0] * size[1] * (size[2] ? size[2] : 1);
		uint32_t *texels = malloc(count * 4), *got = malloc(count * 4), seed = 3;

		assert_true(texels && got);
		for (uint64_t i = 0; i < count; i++)
			texels[i] = rubbish(&seed);
		struct kiln_image *image = image_of(KILN_FORMAT_R32UI, size[0], size[1], size[2], texels, count * 4);
		gpu_ok(kiln_image_read(image, NULL, got, count * 4));
		assert_memory_equal(got, texels, count * 4);
		kiln_image_destroy(&image);
		free(texels);
		free(got);
	}
}

/* ---- Order ---- */

enum { SIDE = 16, N = SIDE * SIDE };

static void step_on_host(uint32_t *data, uint32_t k)
{
	for (uint32_t i = 0; i < N; i++)
		data[i] = data[i] * 1664525u + k + i % SIDE + 31 * (i / SIDE);
}

static void mix_on_host(const uint32_t *from, uint32_t *to, uint32_t k)
{
	for (uint32_t i = 0; i < N; i++)
		to[i] = from[(i / SIDE + k % 5) % SIDE * SIDE + (i % SIDE + k % 7) % SIDE] * 3 + k;
}

static const uint32_t all_threads[3] = {SIDE, SIDE, 1};

/* Launches, uploads and downloads of one image: each needs the one before. */
static void launches_and_transfers_keep_their_order(void **state)
{
	static uint32_t host[N], fresh[N], got[8][N], want[8][N];
	struct kiln_stream *stream = NULL;
	struct kiln_device_counters before, after;

	(void)state;
	GPU_NEEDS_LAUNCH();
	struct kiln_kernel *step = GPU_KERNEL(image_step_spv);
	struct kiln_image *image = image_of(KILN_FORMAT_R32UI, SIDE, SIDE, 0, NULL, 0);
	gpu_ok(kiln_stream_create(gpu_device, NULL, &stream));
	memset(host, 0, sizeof host);
	before = kiln_device_counters(gpu_device);
	for (uint32_t k = 0; k < 8; k++) {
		const struct kiln_image_region half = {.y = k % 2 * SIDE / 2, .height = SIDE / 2};

		for (uint32_t i = 0; i < N / 2; i++)
			host[k % 2 * N / 2 + i] = fresh[i] = k * 1000 + i;
		gpu_ok(kiln_stream_upload_image(stream, image, &half, fresh, N / 2 * 4));
		memset(fresh, 0xff, sizeof fresh); /* reused on return */
		gpu_ok(launch(stream, step, &(struct kiln_arg){.image = image}, 1, all_threads, &k, 4));
		step_on_host(host, k);
		memcpy(want[k], host, sizeof host);
		gpu_ok(kiln_stream_download_image(stream, image, NULL, got[k], sizeof got[k]));
	}
	after = kiln_device_counters(gpu_device);
	gpu_ok(kiln_stream_wait(stream, KILN_WAIT_FOREVER));
	assert_memory_equal(got, want, sizeof got);
	assert_true(after.barriers - before.barriers >= 8 * 2);
	kiln_stream_destroy(&stream);
	kiln_image_destroy(&image);
	kiln_kernel_destroy(&step);
}

/* Reads of one image and writes of others: no barrier in between. */
static void launches_that_share_only_what_they_read_need_no_barrier(void **state)
{
	enum { TARGETS = 6 };
	struct kiln_device_counters before, after;
	struct kiln_image *targets[TARGETS];

	(void)state;
	GPU_NEEDS_LAUNCH();
	struct kiln_kernel *mix = GPU_KERNEL(image_mix_spv);
	struct kiln_image *source = image_of(KILN_FORMAT_R32UI, SIDE, SIDE, 0, NULL, 0);
	for (int i = 0; i < TARGETS; i++)
		targets[i] = image_of(KILN_FORMAT_R32UI, SIDE, SIDE, 0, NULL, 0);
	gpu_ok(kiln_device_wait(gpu_device));
	before = kiln_device_counters(gpu_device);
	for (uint32_t i = 0; i < TARGETS; i++) {
		/* whatever the sampler */
		const struct kiln_arg args[] = {{.image = source, .sampler = {.address = i % 3}}, {.image = targets[i]}};
		gpu_ok(launch(kiln_device_stream(gpu_device), mix, args, 2, all_threads, &i, 4));
	}
	after = kiln_device_counters(gpu_device);
	assert_int_equal(after.barriers - before.barriers, 0);
	/* and now one that writes what all of them read, and one that reads it seen through another sampler */
	gpu_ok(launch(kiln_device_stream(gpu_device), mix,
	              (struct kiln_arg[]){{.image = targets[0]}, {.image = source}}, 2, all_threads, &(uint32_t){1}, 4));
	gpu_ok(launch(kiln_device_stream(gpu_device), mix,
	              (struct kiln_arg[]){{.image = source, .sampler = {.address = KILN_ADDRESS_MIRROR}},
	                                  {.image = targets[1]}},
	              2, all_threads, &(uint32_t){1}, 4));
	after = kiln_device_counters(gpu_device);
	assert_int_equal(after.barriers - before.barriers, 2);
	for (int i = 0; i < TARGETS; i++)
		kiln_image_destroy(&targets[i]);
	kiln_image_destroy(&source);
	kiln_kernel_destroy(&mix);
}

static void images_destroyed_in_flight_finish_their_work(void **state)
{
	static uint32_t host[2][N], got[N];

	(void)state;
	GPU_NEEDS_LAUNCH();
	struct kiln_kernel *mix = GPU_KERNEL(image_mix_spv);
	struct kiln_image *last = image_of(KILN_FORMAT_R32UI, SIDE, SIDE, 0, NULL, 0);
	memset(host, 0, sizeof host);
	for (uint32_t k = 0; k < 60; k++) {
		struct kiln_image *next = image_of(KILN_FORMAT_R32UI, SIDE, SIDE, 0, NULL, 0);
		const struct kiln_arg args[] = {{.image = last, .sampler = {.address = KILN_ADDRESS_REPEAT}}, {.image = next}};

		gpu_ok(launch(kiln_device_stream(gpu_device), mix, args, 2, all_threads, &k, 4));
		mix_on_host(host[k % 2], host[~k % 2], k);
		kiln_image_destroy(&last);
		assert_null(last);
		last = next;
	}
	gpu_ok(kiln_image_read(last, NULL, got, sizeof got));
	assert_memory_equal(got, host[0], sizeof got);
	kiln_image_destroy(&last);
	kiln_image_destroy(&last);
	kiln_image_destroy(NULL);
	kiln_kernel_destroy(&mix);
}

/* ---- Graphs ---- */

static void graph_replays_images_and_takes_others(void **state)
{
	static uint32_t host[3][N], got[N];
	struct kiln_stream *stream = NULL;
	struct kiln_graph *graph = NULL;
	struct kiln_image *images[3];
	uint32_t k = 3;

	(void)state;
	GPU_NEEDS_LAUNCH();
	struct kiln_kernel *step = GPU_KERNEL(image_step_spv), *mix = GPU_KERNEL(image_mix_spv);
	memset(host, 0, sizeof host);
	for (int i = 0; i < 3; i++)
		images[i] = image_of(KILN_FORMAT_R32UI, SIDE, SIDE, 0, NULL, 0);
	gpu_ok(kiln_stream_create(gpu_device, NULL, &stream));
	gpu_ok(kiln_graph_begin(stream));
	gpu_ok(launch(stream, step, &(struct kiln_arg){.image = images[0]}, 1, all_threads, &k, 4));
	gpu_ok(launch(stream, mix,
	              (struct kiln_arg[]){{.image = images[0], .sampler = {.address = KILN_ADDRESS_REPEAT}},
	                                  {.image = images[1]}},
	              2, all_threads, &k, 4));
	gpu_refused(kiln_stream_upload_image(stream, images[0], NULL, host[0], sizeof host[0]), KILN_ERR_UNSUPPORTED);
	gpu_refused(kiln_stream_download_image(stream, images[0], NULL, got, sizeof got), KILN_ERR_UNSUPPORTED);
	gpu_ok(kiln_graph_end(stream, &graph));
	assert_int_equal(kiln_graph_counters(graph).barriers, 1);
	for (int i = 0; i < 5; i++) {
		gpu_ok(kiln_graph_launch(graph, stream, NULL));
		step_on_host(host[0], k);
		mix_on_host(host[0], host[1], k);
	}
	/* the second launch writes another image, and is refused a buffer */
	gpu_refused(kiln_graph_set_arg(graph, 1, 1, &(struct kiln_arg){0}), KILN_ERR_NULL_BUFFER);
	gpu_ok(kiln_graph_set_arg(graph, 1, 1, &(struct kiln_arg){.image = images[2]}));
	gpu_ok(kiln_graph_launch(graph, stream, NULL));
	step_on_host(host[0], k);
	mix_on_host(host[0], host[2], k);
	for (int i = 0; i < 3; i++) {
		gpu_ok(kiln_image_read(images[i], NULL, got, sizeof got));
		assert_memory_equal(got, host[i], sizeof got);
	}
	for (int i = 0; i < 3; i++)
		kiln_image_destroy(&images[i]); /* the graph keeps them */
	gpu_ok(kiln_graph_launch(graph, stream, NULL));
	gpu_ok(kiln_stream_wait(stream, KILN_WAIT_FOREVER));
	kiln_graph_destroy(&graph);
	kiln_stream_destroy(&stream);
	kiln_kernel_destroy(&step);
	kiln_kernel_destroy(&mix);
}

/* ---- Memory ---- */

/* Images and buffers side by side in one pool of memory: neither touches the other. */
static void images_and_buffers_share_memory_without_touching(void **state)
{
	enum { PAIRS = 40 };
	static uint32_t host[N], got[N];
	struct kiln_image *images[PAIRS];
	struct kiln_buffer *buffers[PAIRS];

	(void)state;
	GPU_NEEDS_LAUNCH();
	for (uint32_t i = 0; i < PAIRS; i++) {
		for (uint32_t j = 0; j < N; j++)
			host[j] = i * N + j;
		images[i] = image_of(KILN_FORMAT_R32UI, SIDE, SIDE, 0, host, sizeof host);
		buffers[i] = gpu_buffer_counting(i + 1, i * 7);
	}
	for (uint32_t i = 0; i < PAIRS; i++) {
		gpu_ok(kiln_image_read(images[i], NULL, got, sizeof got));
		for (uint32_t j = 0; j < N; j++)
			assert_int_equal(got[j], i * N + j);
		uint32_t *words = gpu_read(buffers[i], i + 1);
		for (uint32_t j = 0; j <= i; j++)
			assert_int_equal(words[j], i * 7 + j);
		free(words);
		kiln_image_destroy(&images[i]);
		kiln_buffer_destroy(&buffers[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(graph_replays_images_and_takes_others),
		cmocka_unit_test(images_and_buffers_share_memory_without_touching),
		cmocka_unit_test(images_destroyed_in_flight_finish_their_work),
		cmocka_unit_test(large_images_go_in_pieces),
		cmocka_unit_test(launches_and_transfers_keep_their_order),
		cmocka_unit_test(launches_that_share_only_what_they_read_need_no_barrier),
		cmocka_unit_test(region_is_written_and_read_with_pitches),
	};
	return GPU_MAIN("image_order", tests, true);
}
