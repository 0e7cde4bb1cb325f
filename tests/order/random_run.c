/* Running a program beside its model. */
#include "random_program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "move_spv.h"
#include "step_spv.h"
#include "sum_spv.h"

#define SECOND UINT64_C(1000000000)

/* ---- Kernels ---- */

static enum kiln_status create(struct kiln_device *device, const void *spirv, size_t bytes,
                               struct kiln_kernel **out_kernel)
{
	const struct kiln_kernel_params params = {.spirv = spirv, .spirv_bytes = bytes, .guarded = true};

	return kiln_kernel_create(device, &params, out_kernel);
}

enum kiln_status program_kernels_create(struct kiln_device *device, struct program_kernels *out_kernels)
{
	*out_kernels = (struct program_kernels){0};
	KILN_TRY(create(device, step_spv, sizeof(step_spv), &out_kernels->step));
	KILN_TRY(create(device, move_spv, sizeof(move_spv), &out_kernels->move));
	return create(device, sum_spv, sizeof(sum_spv), &out_kernels->sum);
}

void program_kernels_destroy(struct program_kernels *kernels)
{
	kiln_kernel_destroy(&kernels->step);
	kiln_kernel_destroy(&kernels->move);
	kiln_kernel_destroy(&kernels->sum);
}

/* ---- The run ---- */

struct download {
	uint32_t *got, *expected;
	uint32_t count;
};

struct run {
	const struct program *program;
	struct kiln_device *device;
	const struct program_kernels *kernels;
	struct kiln_stream *streams[PROGRAM_STREAMS]; /* 0 is the device's */
	struct kiln_ticket tickets[PROGRAM_STREAMS];
	struct kiln_buffer *buffers[PROGRAM_BUFFERS];
	uint32_t model[PROGRAM_BUFFERS][PROGRAM_WORDS];
	uint32_t scratch[PROGRAM_WORDS];
	struct download downloads[PROGRAM_OPS];
	uint32_t download_count, wrong;
};

static uint32_t *words(struct run *run, const struct program_range *range)
{
	return &run->model[range->buffer][range->begin];
}

static struct kiln_arg arg(struct run *run, const struct program_range *range, uint32_t count)
{
	return (struct kiln_arg){run->buffers[range->buffer], range->begin * 4u, count * 4u};
}

static enum kiln_status launch(struct run *run, const struct program_op *op, struct kiln_kernel *kernel,
                               const struct kiln_arg *args, size_t count)
{
	const uint32_t push[2] = {op->a.count, op->k};

	return kiln_stream_launch(run->streams[op->stream], kernel,
	                          &(struct kiln_launch_params){
					  .threads = {op->a.count},
					  .args = args,
					  .arg_count = count,
					  .push = push,
					  .push_bytes = sizeof(push),
				  });
}

static enum kiln_status step(struct run *run, const struct program_op *op)
{
	const struct kiln_arg args[1] = {arg(run, &op->a, op->a.count)};
	uint32_t *data = words(run, &op->a);

	for (uint32_t i = 0; i < op->a.count; i++)
		data[i] = data[i] * 1664525u + op->k + i;
	return launch(run, op, run->kernels->step, args, 1);
}

static enum kiln_status move(struct run *run, const struct program_op *op)
{
	const struct kiln_arg args[2] = {arg(run, &op->a, op->a.count), arg(run, &op->b, op->a.count)};
	const uint32_t *from = words(run, &op->a);
	uint32_t *to = words(run, &op->b);

	for (uint32_t i = 0; i < op->a.count; i++)
		to[i] = 3u * from[i] + op->k;
	return launch(run, op, run->kernels->move, args, 2);
}

static enum kiln_status sum(struct run *run, const struct program_op *op)
{
	const struct kiln_arg args[3] = {arg(run, &op->a, op->a.count), arg(run, &op->c, 4),
	                                 arg(run, &op->b, op->a.count)};
	const uint32_t *x = words(run, &op->a), *y = words(run, &op->c);
	uint32_t *sum = words(run, &op->b);

	for (uint32_t i = 0; i < op->a.count; i++)
		sum[i] = 5u * sum[i] + x[i] + op->k * y[0];
	return launch(run, op, run->kernels->sum, args, 3);
}

static enum kiln_status copy(struct run *run, const struct program_op *op)
{
	memcpy(words(run, &op->b), words(run, &op->a), op->a.count * sizeof(uint32_t));
	return kiln_stream_copy(run->streams[op->stream], run->buffers[op->a.buffer], op->a.begin * 4u,
	                        run->buffers[op->b.buffer], op->b.begin * 4u, op->a.count * 4u);
}

static enum kiln_status fill(struct run *run, const struct program_op *op)
{
	uint32_t *data = words(run, &op->a);

	for (uint32_t i = 0; i < op->a.count; i++)
		data[i] = op->k;
	return kiln_stream_fill(run->streams[op->stream], run->buffers[op->a.buffer], op->a.begin * 4u,
	                        op->a.count * 4u, op->k);
}

/* Uploads and writes: from memory that is spoiled at once. */
static enum kiln_status give(struct run *run, const struct program_op *op)
{
	enum kiln_status status;

	for (uint32_t i = 0; i < op->a.count; i++)
		run->scratch[i] = words(run, &op->a)[i] = op->k * 77u + i * i;
	if (op->kind == PROGRAM_UPLOAD)
		status = kiln_stream_upload(run->streams[op->stream], run->buffers[op->a.buffer],
		                            op->a.begin * 4u, run->scratch, op->a.count * 4u);
	else
		status = kiln_buffer_write(run->buffers[op->a.buffer], op->a.begin * 4u, run->scratch,
		                           op->a.count * 4u);
	memset(run->scratch, 0xee, sizeof(run->scratch));
	return status;
}

static enum kiln_status download(struct run *run, const struct program_op *op)
{
	struct download *one = &run->downloads[run->download_count++];
	size_t bytes = op->a.count * sizeof(uint32_t);

	one->count = op->a.count;
	one->got = malloc(bytes);
	one->expected = malloc(bytes);
	if (!one->got || !one->expected)
		abort();
	memset(one->got, 0xdd, bytes);
	memcpy(one->expected, words(run, &op->a), bytes);
	return kiln_stream_download(run->streams[op->stream], run->buffers[op->a.buffer], op->a.begin * 4u,
	                            one->got, bytes);
}

static enum kiln_status read(struct run *run, const struct program_op *op)
{
	size_t bytes = op->a.count * sizeof(uint32_t);
	enum kiln_status status =
		kiln_buffer_read(run->buffers[op->a.buffer], op->a.begin * 4u, run->scratch, bytes);

	if (status == KILN_OK)
		run->wrong += memcmp(run->scratch, words(run, &op->a), bytes) != 0;
	return status;
}

static enum kiln_status order(struct run *run, const struct program_op *op)
{
	struct kiln_stream *stream = run->streams[op->stream];

	switch (op->kind) {
	case PROGRAM_SUBMIT:
		return kiln_stream_submit(stream, &run->tickets[op->stream]);
	case PROGRAM_WAIT:
		return kiln_stream_wait(stream, 60 * SECOND);
	case PROGRAM_AFTER:
		return kiln_stream_after(stream, run->tickets[op->other]);
	default:
		return kiln_ticket_wait(run->device, run->tickets[op->other], 60 * SECOND);
	}
}

static enum kiln_status run_op(struct run *run, const struct program_op *op)
{
	static enum kiln_status (*const calls[PROGRAM_KINDS])(struct run *, const struct program_op *) = {
		[PROGRAM_STEP] = step,    [PROGRAM_MOVE] = move,         [PROGRAM_SUM] = sum,
		[PROGRAM_COPY] = copy,    [PROGRAM_FILL] = fill,         [PROGRAM_UPLOAD] = give,
		[PROGRAM_WRITE] = give,   [PROGRAM_DOWNLOAD] = download, [PROGRAM_READ] = read,
		[PROGRAM_SUBMIT] = order, [PROGRAM_WAIT] = order,        [PROGRAM_AFTER] = order,
		[PROGRAM_TICKET] = order,
	};

	return calls[op->kind](run, op);
}

/* ---- Graphs ---- */

/* A third of the programs with several streams have what can be recorded go through graphs, whatever its stream: the model
 * is sequential. */
static uint32_t graph_length(const struct program *program, uint32_t first)
{
	uint32_t end = first;

	if (program->streams < 2 || program->seed % 3 != 0)
		return 0;
	while (end < program->op_count && program->ops[end].kind <= PROGRAM_FILL)
		end++;
	return end - first > 1 ? end - first : 0;
}

/* Recorded on one stream, launched on another. */
static enum kiln_status run_graph(struct run *run, uint32_t first, uint32_t count)
{
	const struct program *program = run->program;
	uint32_t stream = 1 + first % (program->streams - 1), other = (first + count) % program->streams;
	struct kiln_graph *graph = NULL;
	enum kiln_status status;

	KILN_TRY(kiln_graph_begin(run->streams[stream]));
	for (uint32_t i = first; i < first + count; i++) {
		struct program_op op = program->ops[i];

		op.stream = stream;
		KILN_TRY(run_op(run, &op));
	}
	KILN_TRY(kiln_graph_end(run->streams[stream], &graph));
	status = kiln_graph_launch(graph, run->streams[other], &run->tickets[other]);
	kiln_graph_destroy(&graph); /* in flight */
	return status;
}

/* Gives how many operations it was. */
static uint32_t run_next(struct run *run, uint32_t at, enum kiln_status *out_status)
{
	uint32_t graph = graph_length(run->program, at);

	*out_status = graph ? run_graph(run, at, graph) : run_op(run, &run->program->ops[at]);
	return *out_status == KILN_OK ? (graph ? graph : 1) : 0;
}

/* ---- Before and after ---- */

/* On a device with one queue it is all the same. */
static enum kiln_queue queue_of(uint32_t stream)
{
	return stream % 2 ? KILN_QUEUE_ASYNC : KILN_QUEUE_MAIN;
}

static enum kiln_status begin(struct run *run)
{
	run->streams[0] = kiln_device_stream(run->device);
	for (uint32_t i = 1; i < run->program->streams; i++)
		KILN_TRY(kiln_stream_create(run->device, &(struct kiln_stream_params){.queue = queue_of(i)},
		                            &run->streams[i]));
	for (uint32_t i = 0; i < PROGRAM_BUFFERS; i++) {
		for (uint32_t j = 0; j < PROGRAM_WORDS; j++)
			run->model[i][j] = i * PROGRAM_WORDS + j;
		KILN_TRY(kiln_buffer_create(run->device,
		                            &(struct kiln_buffer_params){.bytes = sizeof(run->model[i]),
		                                                         .contents = run->model[i]},
		                            &run->buffers[i]));
	}
	return KILN_OK;
}

static enum kiln_status compare(struct run *run)
{
	for (uint32_t i = 0; i < run->program->streams; i++)
		KILN_TRY(kiln_stream_wait(run->streams[i], 60 * SECOND));
	for (uint32_t i = 0; i < run->download_count; i++) {
		const struct download *one = &run->downloads[i];

		run->wrong += memcmp(one->got, one->expected, one->count * sizeof(uint32_t)) != 0;
	}
	for (uint32_t i = 0; i < PROGRAM_BUFFERS; i++) {
		KILN_TRY(kiln_buffer_read(run->buffers[i], 0, run->scratch, sizeof(run->scratch)));
		run->wrong += memcmp(run->scratch, run->model[i], sizeof(run->scratch)) != 0;
	}
	return KILN_OK;
}

/* Any order is as good as any other. */
static void destroy_all(struct run *run)
{
	uint64_t seed = run->program->seed;

	for (uint32_t i = 0; i < 8; i++) {
		uint32_t turn = (i * 3 + (uint32_t)(seed % 8)) % 8;

		if (turn < PROGRAM_BUFFERS)
			kiln_buffer_destroy(&run->buffers[turn]);
		else
			kiln_stream_destroy(&run->streams[turn - PROGRAM_BUFFERS]);
	}
	/* what is downloaded into lives until that is done or given up; what fails fails once */
	if (kiln_device_wait(run->device) != KILN_OK)
		(void)kiln_device_wait(run->device);
	for (uint32_t i = 0; i < run->download_count; i++) {
		free(run->downloads[i].got);
		free(run->downloads[i].expected);
	}
}

void program_run(const struct program *program, struct kiln_device *device,
                 const struct program_kernels *kernels, struct program_run *out_run)
{
	struct run *run = calloc(1, sizeof(*run));

	if (!run)
		abort();
	*run = (struct run){.program = program, .device = device, .kernels = kernels};
	*out_run = (struct program_run){.status = begin(run)};
	while (out_run->status == KILN_OK && out_run->stopped < program->op_count)
		out_run->stopped += run_next(run, out_run->stopped, &out_run->status);
	if (out_run->status == KILN_OK)
		out_run->status = compare(run);
	if (out_run->status != KILN_OK)
		(void)snprintf(out_run->message, sizeof(out_run->message), "%s", kiln_error_message());
	out_run->wrong = run->wrong;
	destroy_all(run);
	free(run);
}
