/* Speculation: mark, count, scan, list, confirm. The list is in ascending order, so that one run is like another, and the
 * steps need no workgroup to wait for another. */
#include <kiln/launch.h>

#include <inttypes.h>
#include <string.h>

#include <base/error.h>

#include "buffer.h"
#include "device.h"
#include "graph.h"
#include "kernel.h"
#include "launch.h"
#include "launch_mode.h"

/* As in marks.glsl. */
enum { BLOCK_ITEMS = 128 * 4 * 32 };
/* The list: how many there are, where the scan leaves the confirmer's workgroup counts, the items. */
enum { LIST_HEAD_BYTES = 16, COUNTS_BYTES = 12 };

struct job {
	struct kiln_stream *stream;
	const struct kiln_speculate_params *params;
	struct kiln_stream_modes *modes;
	uint32_t words;  /* of marks */
	uint32_t blocks; /* of marks, each one's sum is a word */
};

/* ---- Checks ---- */

static enum kiln_status check_kernel(const struct kiln_stream *stream, const struct kiln_kernel *kernel)
{
	KILN_TRY(kiln_mode_check(kernel, KILN_FEATURE_SPECULATIVE, "kiln_speculate"));
	if (kernel->device == stream->device)
		return KILN_OK;
	return kiln_error(
		KILN_ERR_FOREIGN_OBJECT,
		"kiln_speculate: kernel '%s' belongs to another device than stream '%s'. Fix: create it on the "
		"stream's",
		kernel->name, stream->name);
}

static enum kiln_status check_survivors(const struct kiln_stream *stream, const struct kiln_arg *survivors)
{
	if (!survivors->buffer)
		return KILN_OK;
	KILN_TRY(kiln_buffer_check_range(survivors->buffer, "kiln_speculate, .survivors", survivors->offset,
	                                 4));
	KILN_TRY(kiln_buffer_check_writable(survivors->buffer, "kiln_speculate, .survivors"));
	KILN_CHECK(survivors->offset % 4 == 0,
	           "kiln_speculate: .survivors offset %" PRIu64 " is not a multiple of 4. Fix: align it",
	           survivors->offset);
	if (survivors->buffer->device == stream->device)
		return KILN_OK;
	return kiln_error(
		KILN_ERR_FOREIGN_OBJECT,
		"kiln_speculate: the .survivors buffer belongs to another device. Fix: create it on the "
		"stream's");
}

static enum kiln_status check_count(const struct kiln_stream *stream, uint32_t count)
{
	const struct kiln_device *device = stream->device;
	uint64_t most = device->limits.maxStorageBufferRange;
	const char *why = "maxStorageBufferRange";

	if (most > device->memory.max_bytes) {
		most = device->memory.max_bytes;
		why = device->memory.max_why;
	}
	most = (most - LIST_HEAD_BYTES) / 4;
	if (count <= most)
		return KILN_OK;
	return kiln_error(KILN_ERR_TOO_LARGE,
	                  "kiln_speculate: %u items; this device lists at most %" PRIu64
	                  " at once (%s). Fix: speculate on parts of them",
	                  count, most, why);
}

/* Where the confirmer's threads go: its workgroup's first dimension. */
static enum kiln_status confirmer_threads(const struct kiln_speculate_params *params, uint32_t *out_threads)
{
	const uint32_t threads[3] = {params->count, 1, 1};
	const struct kiln_variant *variant = kiln_kernel_variant(params->confirmer, threads);
	const uint32_t *size = variant->choice.size;

	KILN_CHECK(
		size[1] == 1 && size[2] == 1,
		"kiln_speculate: the workgroup of confirmer '%s' is %u x %u x %u. Fix: give it one dimension",
		params->confirmer->name, size[0], size[1], size[2]);
	*out_threads = size[0];
	return KILN_OK;
}

static enum kiln_status check(struct kiln_stream *stream, const struct kiln_speculate_params *params)
{
	const uint32_t *threads = params->confirmer_launch.threads;

	KILN_CHECK(params->confirmer, "kiln_speculate: the confirmer is NULL. Fix: pass a kernel");
	KILN_TRY(kiln_device_check(stream->device));
	KILN_TRY(kiln_device_check_launch(stream->device));
	KILN_TRY(check_kernel(stream, params->confirmer));
	if (params->prefilter)
		KILN_TRY(check_kernel(stream, params->prefilter));
	KILN_CHECK(
		!threads[0] && !threads[1] && !threads[2],
		"kiln_speculate: .confirmer_launch.threads are set. Fix: leave them 0, the survivors count");
	KILN_CHECK(!params->prefilter_launch.indirect.buffer && !params->confirmer_launch.indirect.buffer,
	           "kiln_speculate: .indirect is set. Fix: leave it out");
	KILN_TRY(check_count(stream, params->count));
	return check_survivors(stream, &params->survivors);
}

/* ---- Scratch memory: the stream's, reused ---- */

static enum kiln_status provide(const struct job *job, struct kiln_buffer **slot, uint64_t bytes,
                                const char *name)
{
	struct kiln_buffer *larger;
	enum kiln_status status;

	if (*slot && (*slot)->bytes >= bytes)
		return KILN_OK;
	KILN_TRY(kiln_buffer_new(job->stream->device, bytes, KILN_MEMORY_DEVICE, name, &larger));
	status = kiln_modes_replace(job->modes, slot, larger);
	if (status != KILN_OK)
		kiln_buffer_free(larger);
	return status;
}

static enum kiln_status provide_all(struct job *job)
{
	struct kiln_device *device = job->stream->device;
	uint64_t sums = (uint64_t)job->blocks * 4;

	KILN_TRY(provide(job, &job->modes->marks, (uint64_t)job->words * 4, "survivor marks"));
	KILN_TRY(provide(job, &job->modes->sums, sums, "survivor sums"));
	if (!job->modes->dispatch)
		KILN_TRY(kiln_buffer_new(device, COUNTS_BYTES, KILN_MEMORY_DEVICE, "survivor dispatch",
		                         &job->modes->dispatch));
	return provide(job, &job->modes->survivors, LIST_HEAD_BYTES + (uint64_t)job->params->count * 4,
	               "survivors");
}

/* ---- Steps ---- */

/* The user's launch with Kiln's argument behind the others. */
static enum kiln_status launch(const struct job *job, struct kiln_kernel *kernel,
                               const struct kiln_launch_params *given, uint32_t threads,
                               const struct kiln_arg *last, const struct kiln_stream_binding *groups)
{
	struct kiln_arg args[KILN_BUFFERS_MAX + 1] = {{0}};
	struct kiln_launch_params params = *given;
	size_t count = 0;

	KILN_CHECK(!given->args || (given->arg_count < KILN_BUFFERS_MAX && !given->buffers[0]),
	           "kiln_speculate: kernel '%s' was given %zu .args%s. Fix: pass at most %d, or .buffers",
	           kernel->name, given->arg_count, given->buffers[0] ? " and .buffers" : "",
	           KILN_BUFFERS_MAX - 1);
	if (given->args && given->arg_count)
		memcpy(args, given->args, given->arg_count * sizeof(*args));
	count = given->args ? given->arg_count : 0;
	while (!given->args && count < KILN_BUFFERS_MAX && given->buffers[count]) {
		args[count].buffer = given->buffers[count];
		count++;
	}
	args[count++] = *last;
	memset(params.buffers, 0, sizeof(params.buffers));
	params.args = args;
	params.arg_count = count;
	if (!params.threads[0])
		params.threads[0] = threads;
	return kiln_launch_on(job->stream, kernel, &params, groups);
}

/* Without a prefilter, everything is marked. */
static enum kiln_status mark(const struct job *job)
{
	const struct kiln_speculate_params *params = job->params;
	const struct kiln_arg marks = {job->modes->marks, 0, (uint64_t)job->words * 4};

	KILN_TRY(kiln_stream_record_fill(job->stream, marks.buffer, 0, marks.bytes,
	                                 params->prefilter ? 0 : UINT32_MAX));
	if (!params->prefilter)
		return KILN_OK;
	return launch(job, params->prefilter, &params->prefilter_launch, params->count, &marks, NULL);
}

static enum kiln_status list(const struct job *job, uint32_t group_threads)
{
	const uint32_t scan[2] = {job->blocks, group_threads};
	const uint32_t count = job->params->count;
	const struct kiln_stream_modes *modes = job->modes;
	uint64_t list_bytes = LIST_HEAD_BYTES + (uint64_t)count * 4;
	struct kiln_stream_binding bindings[3] = {
		{modes->marks, 0, (uint64_t)job->words * 4, KILN_ACCESS_READ},
		{modes->sums, 0, (uint64_t)job->blocks * 4, KILN_ACCESS_WRITE},
		{modes->survivors, 0, list_bytes, KILN_ACCESS_WRITE},
	};
	const struct kiln_stream_binding scanned[3] = {
		{modes->sums, 0, (uint64_t)job->blocks * 4, KILN_ACCESS_READ | KILN_ACCESS_WRITE},
		{modes->survivors, 0, LIST_HEAD_BYTES, KILN_ACCESS_WRITE},
		{modes->dispatch, 0, COUNTS_BYTES, KILN_ACCESS_WRITE},
	};

	KILN_TRY(kiln_helper_launch(job->stream, KILN_HELPER_MARKS_COUNT, bindings, 2, &count, 4,
	                            job->blocks));
	KILN_TRY(kiln_helper_launch(job->stream, KILN_HELPER_MARKS_SCAN, scanned, 3, scan, sizeof(scan), 1));
	bindings[1].access = KILN_ACCESS_READ;
	return kiln_helper_launch(job->stream, KILN_HELPER_MARKS_LIST, bindings, 3, &count, 4, job->blocks);
}

static enum kiln_status tell(const struct job *job)
{
	const struct kiln_arg *to = &job->params->survivors;

	if (!to->buffer)
		return KILN_OK;
	KILN_TRY(kiln_stream_record_copy(job->stream, job->modes->survivors, 0, to->buffer, to->offset, 4));
	if (!kiln_stream_graph(job->stream))
		kiln_contents_copied(to->buffer, to->offset, 4);
	return KILN_OK;
}

static enum kiln_status tell_of_none(struct kiln_stream *stream, const struct kiln_arg *to)
{
	if (!to->buffer)
		return KILN_OK;
	KILN_TRY(kiln_stream_record_fill(stream, to->buffer, to->offset, 4, 0));
	if (!kiln_stream_graph(stream))
		kiln_contents_filled(to->buffer, to->offset, 4, 0);
	return KILN_OK;
}

static enum kiln_status run(struct job *job)
{
	const struct kiln_speculate_params *params = job->params;
	struct kiln_stream_binding groups = {.bytes = COUNTS_BYTES, .access = KILN_ACCESS_READ};
	struct kiln_arg survivors = {.bytes = LIST_HEAD_BYTES + (uint64_t)params->count * 4};
	uint32_t group_threads = 0;

	KILN_TRY(confirmer_threads(params, &group_threads));
	KILN_TRY(provide_all(job));
	KILN_TRY(mark(job));
	KILN_TRY(list(job, group_threads));
	groups.buffer = job->modes->dispatch;
	survivors.buffer = job->modes->survivors;
	KILN_TRY(launch(job, params->confirmer, &params->confirmer_launch, params->count, &survivors,
	                &groups));
	return tell(job);
}

enum kiln_status kiln_speculate(struct kiln_stream *stream, const struct kiln_speculate_params *params)
{
	struct job job = {.stream = stream, .params = params};
	enum kiln_status status;
	uint32_t first;

	KILN_CHECK(stream, "kiln_speculate: the stream is NULL. Fix: create one with kiln_stream_create()");
	KILN_CHECK(params,
	           "kiln_speculate: the parameters are NULL. Fix: pass at least .confirmer and .count");
	KILN_TRY(check(stream, params));
	if (params->count == 0)
		return tell_of_none(stream, &params->survivors);
	job.words = (params->count - 1) / 32 + 1;
	job.blocks = (params->count - 1) / BLOCK_ITEMS + 1;
	KILN_TRY(kiln_helpers_ready(stream->device, KILN_FEATURE_SPECULATIVE));
	KILN_TRY(kiln_stream_modes_get(stream, &job.modes));
	kiln_mutex_lock(&job.modes->lock);
	first = kiln_graph_group_begin(kiln_stream_graph(stream));
	status = run(&job);
	kiln_graph_group_end(kiln_stream_graph(stream), first, true, status);
	kiln_mutex_unlock(&job.modes->lock);
	return status;
}
