/* Programs of random operations on a few images and buffers, on several streams, some of them in graphs, against the same
 * on the host: results decide about every order and every barrier. */
#include "harness.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "image_mix_spv.h"
#include "image_step_spv.h"
#include "image_swap_spv.h"

enum { SIDE = 16, N = SIDE * SIDE, IMAGES = 4, BUFFERS = 2, STREAMS = 3, PROGRAMS = 40, OPERATIONS = 60, DOWNLOADS = 24 };

static struct {
	uint32_t seed;
	struct kiln_kernel *step, *mix, *swap;
	struct kiln_stream *streams[STREAMS];
	struct kiln_image *images[IMAGES];
	struct kiln_buffer *buffers[BUFFERS];
	uint32_t texels[IMAGES][N], words[BUFFERS][N]; /* as they should be */
	uint32_t got[DOWNLOADS][N], want[DOWNLOADS][N];
	uint32_t downloads;
} p;

static uint32_t dice(uint32_t sides)
{
	p.seed = p.seed * 1664525u + 1013904223u;
	return (p.seed >> 10) % sides;
}

static struct kiln_stream *any_stream(void)
{
	return p.streams[dice(STREAMS)];
}

static void launch(struct kiln_stream *stream, struct kiln_kernel *kernel, const struct kiln_arg *args, size_t count,
                   uint32_t k)
{
	gpu_ok(kiln_stream_launch(stream, kernel,
	                          &(struct kiln_launch_params){.threads = {SIDE, SIDE},
	                                                       .args = args,
	                                                       .arg_count = count,
	                                                       .push = &k,
	                                                       .push_bytes = 4}));
}

static void step(struct kiln_stream *stream, uint32_t k)
{
	uint32_t at = dice(IMAGES);

	launch(stream, p.step, &(struct kiln_arg){.image = p.images[at]}, 1, k);
	for (uint32_t i = 0; i < N; i++)
		p.texels[at][i] = p.texels[at][i] * 1664525u + k + i % SIDE + 31 * (i / SIDE);
}

static void mix(struct kiln_stream *stream, uint32_t k)
{
	uint32_t from = dice(IMAGES), to = (from + 1 + dice(IMAGES - 1)) % IMAGES;

	launch(stream, p.mix,
	       (struct kiln_arg[]){{.image = p.images[from], .sampler = {.address = KILN_ADDRESS_REPEAT}},
	                           {.image = p.images[to]}},
	       2, k);
	for (uint32_t i = 0; i < N; i++)
		p.texels[to][i] =
			p.texels[from][(i / SIDE + k % 5) % SIDE * SIDE + (i % SIDE + k % 7) % SIDE] * 3 + k;
}

static void swap(struct kiln_stream *stream, uint32_t k)
{
	uint32_t image = dice(IMAGES), buffer = dice(BUFFERS);

	launch(stream, p.swap, (struct kiln_arg[]){{.buffer = p.buffers[buffer]}, {.image = p.images[image]}}, 2, k);
	for (uint32_t i = 0; i < N; i++) {
		uint32_t old = p.texels[image][i];
		p.texels[image][i] = p.words[buffer][i] + k;
		p.words[buffer][i] = old;
	}
}

static void upload(struct kiln_stream *stream, uint32_t k)
{
	uint32_t at = dice(IMAGES), x = dice(SIDE), y = dice(SIDE), data[N];
	const struct kiln_image_region region = {x, y, 0, 1 + dice(SIDE - x), 1 + dice(SIDE - y)};

	for (uint32_t i = 0; i < N; i++)
		data[i] = k * 7919 + i;
	gpu_ok(kiln_stream_upload_image(stream, p.images[at], &region, data, sizeof data));
	for (uint32_t i = 0; i < region.width * region.height; i++)
		p.texels[at][(y + i / region.width) * SIDE + x + i % region.width] = data[i];
}

static void download(struct kiln_stream *stream)
{
	uint32_t at = dice(IMAGES);

	if (p.downloads == DOWNLOADS)
		return;
	memcpy(p.want[p.downloads], p.texels[at], sizeof p.texels[at]);
	gpu_ok(kiln_stream_download_image(stream, p.images[at], NULL, p.got[p.downloads++], sizeof p.got[0]));
}

/* A graph of some launches, launched once or twice and forgotten: the host does the same each time. */
static void in_graph(void)
{
	struct kiln_stream *stream = p.streams[1 + dice(STREAMS - 1)];
	uint32_t launches = 1 + dice(4), times = 1 + dice(2), seed;
	struct kiln_graph *graph = NULL;

	gpu_ok(kiln_graph_begin(stream));
	seed = p.seed;
	for (uint32_t i = 0; i < launches; i++)
		dice(2) ? step(stream, i) : mix(stream, i);
	gpu_ok(kiln_graph_end(stream, &graph));
	gpu_ok(kiln_graph_launch(graph, stream, NULL));
	for (uint32_t t = 1; t < times; t++) {
		struct kiln_graph *same = NULL;

		p.seed = seed;
		gpu_ok(kiln_graph_begin(stream)); /* recorded for the host's side of it */
		for (uint32_t i = 0; i < launches; i++)
			dice(2) ? step(stream, i) : mix(stream, i);
		gpu_ok(kiln_graph_end(stream, &same));
		kiln_graph_destroy(&same);
		gpu_ok(kiln_graph_launch(graph, stream, NULL));
	}
	kiln_graph_destroy(&graph);
}

/* Another image in the place of one that may be in flight. */
static void replace(void)
{
	uint32_t at = dice(IMAGES), contents[N];

	for (uint32_t i = 0; i < N; i++)
		contents[i] = dice(UINT32_C(1) << 16);
	kiln_image_destroy(&p.images[at]);
	gpu_ok(kiln_image_create(gpu_device,
	                         &(struct kiln_image_params){KILN_FORMAT_R32UI, SIDE, SIDE, .contents = contents,
	                                                     .contents_bytes = sizeof contents},
	                         &p.images[at]));
	memcpy(p.texels[at], contents, sizeof contents);
}

static void operate(uint32_t k)
{
	switch (dice(12)) {
	case 0: case 1: case 2: step(any_stream(), k); break;
	case 3: case 4: case 5: mix(any_stream(), k); break;
	case 6: case 7: swap(any_stream(), k); break;
	case 8: upload(any_stream(), k); break;
	case 9: download(any_stream()); break;
	case 10: dice(3) ? (void)0 : in_graph(); break;
	default: dice(2) ? replace() : (void)kiln_stream_submit(any_stream(), NULL);
	}
}

static void begin(uint32_t program)
{
	p.seed = program * 2654435761u + 1;
	p.downloads = 0;
	memset(p.texels, 0, sizeof p.texels);
	memset(p.words, 0, sizeof p.words);
	for (int i = 0; i < IMAGES; i++)
		gpu_ok(kiln_image_create(gpu_device, &(struct kiln_image_params){KILN_FORMAT_R32UI, SIDE, SIDE}, &p.images[i]));
	for (int i = 0; i < BUFFERS; i++)
		p.buffers[i] = gpu_buffer(N * 4, NULL);
}

static void end(uint32_t program)
{
	uint32_t got[N];

	for (int i = 0; i < STREAMS; i++)
		gpu_ok(kiln_stream_wait(p.streams[i], KILN_WAIT_FOREVER));
	for (uint32_t i = 0; i < p.downloads; i++)
		if (memcmp(p.got[i], p.want[i], sizeof p.got[i]) != 0)
			fail_msg("program %u: download %u is wrong", program, i);
	for (int i = 0; i < IMAGES; i++) {
		gpu_ok(kiln_image_read(p.images[i], NULL, got, sizeof got));
		if (memcmp(got, p.texels[i], sizeof got) != 0)
			fail_msg("program %u: image %d is wrong", program, i);
		kiln_image_destroy(&p.images[i]);
	}
	for (int i = 0; i < BUFFERS; i++) {
		gpu_ok(kiln_buffer_read(p.buffers[i], 0, got, sizeof got));
		if (memcmp(got, p.words[i], sizeof got) != 0)
			fail_msg("program %u: buffer %d is wrong", program, i);
		kiln_buffer_destroy(&p.buffers[i]);
	}
}

static void random_programs_do_what_the_host_does(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	p.step = GPU_KERNEL(image_step_spv);
	p.mix = GPU_KERNEL(image_mix_spv);
	p.swap = GPU_KERNEL(image_swap_spv);
	p.streams[0] = kiln_device_stream(gpu_device);
	for (int i = 1; i < STREAMS; i++)
		gpu_ok(kiln_stream_create(gpu_device,
		                          &(struct kiln_stream_params){.queue = i == 2 ? KILN_QUEUE_ASYNC : KILN_QUEUE_MAIN},
		                          &p.streams[i]));
	for (uint32_t program = 0; program < PROGRAMS; program++) {
		begin(program);
		for (uint32_t k = 0; k < OPERATIONS; k++)
			operate(k);
		end(program);
	}
	for (int i = 1; i < STREAMS; i++)
		kiln_stream_destroy(&p.streams[i]);
	kiln_kernel_destroy(&p.step);
	kiln_kernel_destroy(&p.mix);
	kiln_kernel_destroy(&p.swap);
}

/* ---- Threads ---- */

enum { THREADS = 4, TURNS = 40 };

struct worker {
	pthread_t thread;
	struct kiln_kernel *mix;
	struct kiln_image *source;
	uint32_t number;
	bool right;
};

static enum kiln_status work(struct worker *w, struct kiln_stream **stream, struct kiln_image **target)
{
	static const uint32_t zeroes[N];
	uint32_t got[N];

	KILN_TRY(kiln_stream_create(gpu_device, NULL, stream));
	KILN_TRY(kiln_image_create(gpu_device, &(struct kiln_image_params){KILN_FORMAT_R32UI, SIDE, SIDE}, target));
	for (uint32_t turn = 0; turn < TURNS; turn++) {
		const struct kiln_arg args[] = {
			{.image = w->source, .sampler = {.address = (w->number + turn) % 3}},
			{.image = *target},
		};
		uint32_t k = w->number * 1000 + turn;

		KILN_TRY(kiln_stream_upload_image(*stream, *target, NULL, zeroes, sizeof zeroes));
		KILN_TRY(kiln_stream_launch(*stream, w->mix,
		                            &(struct kiln_launch_params){.threads = {SIDE, SIDE},
		                                                         .args = args,
		                                                         .arg_count = 2,
		                                                         .push = &k,
		                                                         .push_bytes = 4}));
		KILN_TRY(kiln_stream_download_image(*stream, *target, NULL, got, sizeof got));
		KILN_TRY(kiln_stream_wait(*stream, KILN_WAIT_FOREVER));
		w->right &= got[0] == (k % 5 * SIDE + k % 7) * 3 + k;
	}
	return KILN_OK;
}

static void *worker_main(void *user)
{
	struct worker *w = user;
	struct kiln_stream *stream = NULL;
	struct kiln_image *target = NULL;

	w->right = true;
	if (work(w, &stream, &target) != KILN_OK) {
		print_error("%s\n", kiln_error_message());
		w->right = false;
	}
	kiln_image_destroy(&target);
	kiln_stream_destroy(&stream);
	return NULL;
}

static void threads_share_the_image_they_read(void **state)
{
	struct worker workers[THREADS];
	struct kiln_image *source = NULL;
	uint32_t texels[N];

	(void)state;
	GPU_NEEDS_LAUNCH();
	for (uint32_t i = 0; i < N; i++)
		texels[i] = i;
	struct kiln_kernel *kernel = GPU_KERNEL(image_mix_spv);
	gpu_ok(kiln_image_create(gpu_device,
	                         &(struct kiln_image_params){KILN_FORMAT_R32UI, SIDE, SIDE, .contents = texels,
	                                                     .contents_bytes = sizeof texels},
	                         &source));
	for (uint32_t i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.mix = kernel, .source = source, .number = i};
		assert_int_equal(pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]), 0);
	}
	for (uint32_t i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	for (uint32_t i = 0; i < THREADS; i++)
		assert_true(workers[i].right);
	kiln_image_destroy(&source);
	kiln_kernel_destroy(&kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_programs_do_what_the_host_does),
		cmocka_unit_test(threads_share_the_image_they_read),
	};
	return GPU_MAIN("image_random", tests, true);
}
