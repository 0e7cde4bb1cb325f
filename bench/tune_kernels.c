#include "tune_kernels.h"

#include <stdlib.h>
#include <string.h>

#include <kiln/shaders/matmul_tiled.h>
#include <kiln/shaders/row_sums.h>

#include "common.h"
#include "tune_histogram_spv.h"
#include "tune_polynomial_spv.h"
#include "tune_stencil_spv.h"
#include "tune_stream_spv.h"

#define SPIRV(words) .spirv = words, .spirv_bytes = sizeof words, .guarded = true

/* ---- Sizes ---- */

static void set(struct tune_kernel *kernel, uint32_t x, uint32_t y, const uint32_t *push, uint32_t push_count)
{
	kernel->threads[0] = x;
	kernel->threads[1] = y;
	kernel->threads[2] = 1;
	kernel->push_bytes = push_count * 4;
	memcpy(kernel->push, push, kernel->push_bytes);
}

static void size_stream(struct tune_kernel *kernel, uint32_t scale)
{
	uint32_t n = 131072 * scale;

	set(kernel, n / 16, 1, &n, 1);
	kernel->buffer_count = 3;
	for (unsigned i = 0; i < 3; i++)
		kernel->buffer_bytes[i] = n * 4u;
}

static void size_row_sums(struct tune_kernel *kernel, uint32_t scale)
{
	uint32_t push[] = {64 * scale, 1024};

	set(kernel, push[0] * 64, 1, push, 2);
	kernel->buffer_count = 2;
	kernel->buffer_bytes[0] = (uint64_t)push[0] * push[1] * 4;
	kernel->buffer_bytes[1] = push[0] * 4;
}

static void size_matmul(struct tune_kernel *kernel, uint32_t scale)
{
	uint32_t push[] = {64 * scale, 64, 64};

	set(kernel, push[1], push[0], push, 3);
	kernel->buffer_count = 3;
	kernel->buffer_bytes[0] = (uint64_t)push[0] * push[2] * 4;
	kernel->buffer_bytes[1] = (uint64_t)push[2] * push[1] * 4;
	kernel->buffer_bytes[2] = (uint64_t)push[0] * push[1] * 4;
}

static void size_stencil(struct tune_kernel *kernel, uint32_t scale)
{
	uint32_t push[] = {256, 256 * scale};

	set(kernel, push[0], push[1], push, 2);
	kernel->buffer_count = 2;
	kernel->buffer_bytes[0] = kernel->buffer_bytes[1] = (uint64_t)push[0] * push[1] * 4;
}

static void size_histogram(struct tune_kernel *kernel, uint32_t scale)
{
	uint32_t n = 16384 * scale;

	set(kernel, n / 16, 1, &n, 1);
	kernel->buffer_count = 2;
	kernel->buffer_bytes[0] = n * 4u;
	kernel->buffer_bytes[1] = 1024;
}

static void size_polynomial(struct tune_kernel *kernel, uint32_t scale)
{
	uint32_t push[] = {8192 * scale, 64};

	set(kernel, push[0] / 4, 1, push, 2);
	kernel->buffer_count = 2;
	kernel->buffer_bytes[0] = kernel->buffer_bytes[1] = push[0] * 4;
}

/* Square tiles, groups of one to eight vectors: 4 096 configurations would take a day. */
static bool allow_matmul(void *user, const struct kiln_tune_config *config)
{
	uint32_t size = config->workgroup[0] * config->workgroup[1];

	(void)user;
	return config->tile[0] == config->tile[1] && config->workgroup[0] >= config->workgroup[1] &&
	       config->workgroup[0] <= 8 * config->workgroup[1] && size >= 4 && size <= 256 &&
	       config->tile[2] >= 4 && config->tile[2] <= 32;
}

const struct tune_kernel tune_kernels[] = {
	{.name = "stream", .params = {SPIRV(tune_stream_spv)}, .size = size_stream},
	{.name = "row_sums", .params = {KILN_SHADER(row_sums)}, .size = size_row_sums, .tolerance = 1e-5},
	{.name = "matmul",
         .params = {KILN_SHADER(matmul_tiled)},
         .size = size_matmul,
         .allow = allow_matmul,
         .tolerance = 1e-5},
	{.name = "stencil", .params = {SPIRV(tune_stencil_spv)}, .size = size_stencil},
	{.name = "histogram", .params = {SPIRV(tune_histogram_spv)}, .size = size_histogram},
	{.name = "polynomial", .params = {SPIRV(tune_polynomial_spv)}, .size = size_polynomial},
};
const size_t tune_kernel_count = sizeof tune_kernels / sizeof *tune_kernels;

const struct tune_kernel *tune_kernel_find(const char *name)
{
	for (size_t i = 0; i < tune_kernel_count; i++)
		if (!strcmp(name, tune_kernels[i].name))
			return &tune_kernels[i];
	return NULL;
}

void tune_check(enum kiln_status status, const char *what)
{
	if (status != KILN_OK)
		bench_die("%s: %s: %s", what, kiln_status_name(status), kiln_error_message());
}

/* Floats from 0.5 to 1.5, whose bits do for integers too. */
static void fill(float *data, uint64_t bytes)
{
	uint32_t state = 1;

	for (uint64_t i = 0; i < bytes / 4; i++) {
		state = state * 1664525u + 1013904223u;
		data[i] = 0.5f + (float)(state >> 8) / 16777216.0f;
	}
}

static struct kiln_buffer *create_buffer(const struct tune_place *place, unsigned at)
{
	bool is_result = at + 1 == place->kernel.buffer_count;
	uint64_t bytes = place->kernel.buffer_bytes[at];
	float *data = calloc(bytes / 4, 4);
	struct kiln_buffer *buffer = NULL;

	if (!data)
		bench_die("out of memory");
	if (!is_result)
		fill(data, bytes);
	tune_check(kiln_buffer_create(place->device,
	                              &(struct kiln_buffer_params){.bytes = bytes, .contents = data}, &buffer),
	           place->kernel.name);
	free(data);
	return buffer;
}

void tune_place_move(struct tune_place *place)
{
	struct kiln_buffer *old[TUNE_BUFFERS];

	/* The old ones go last, so that the new ones lie elsewhere. */
	memcpy(old, place->buffers, sizeof old);
	for (unsigned i = 0; i < place->kernel.buffer_count; i++)
		place->launch.buffers[i] = place->buffers[i] = create_buffer(place, i);
	for (unsigned i = 0; i < TUNE_BUFFERS; i++)
		kiln_buffer_destroy(&old[i]);
}

void tune_place_open(struct tune_place *place, struct kiln_device *device, const struct tune_kernel *kernel,
                     uint32_t scale)
{
	*place = (struct tune_place){.kernel = *kernel, .device = device};
	kernel->size(&place->kernel, scale);
	tune_check(kiln_kernel_create(device, &place->kernel.params, &place->handle), kernel->name);
	tune_place_move(place);
	memcpy(place->launch.threads, place->kernel.threads, sizeof place->launch.threads);
	place->launch.push = place->kernel.push;
	place->launch.push_bytes = place->kernel.push_bytes;
}

void tune_place_close(struct tune_place *place)
{
	for (unsigned i = 0; i < TUNE_BUFFERS; i++)
		kiln_buffer_destroy(&place->buffers[i]);
	kiln_kernel_destroy(&place->handle);
}

struct kiln_tune_params tune_params_of(const struct tune_place *place)
{
	return (struct kiln_tune_params){
		.launch = place->launch,
		.tolerance_relative = place->kernel.tolerance,
		.allow = place->kernel.allow,
		.no_record = true,
	};
}
