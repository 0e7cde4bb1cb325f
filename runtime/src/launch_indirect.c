/* Indirect launches. The host never sees the counts, and a count beyond the device's limits is undefined in Vulkan: so a
 * kernel of one thread copies them to where only Kiln writes, or refuses them. */
#include "launch_mode.h"

#include <stdio.h>
#include <string.h>

#include <base/error.h>

#include "buffer.h"
#include "device.h"
#include "graph.h"
#include "kernel.h"

enum { REFUSALS = 8, COUNTS_BYTES = 12 };

/* What indirect.comp writes. */
struct report {
	uint32_t refused, pad[3];       /* how many, ever */
	uint32_t refusals[REFUSALS][4]; /* launch, x, y, z; the last ones, in turns */
};

struct push {
	uint32_t at, launch, size[3], limit[3];
};

static uint64_t round_up(uint64_t value, uint64_t step)
{
	return (value + step - 1) / step * step;
}

/* ---- Preparing ---- */

static enum kiln_status make_report(struct kiln_device *device, struct kiln_buffer **out_report)
{
	struct kiln_buffer *report;
	enum kiln_status status;

	KILN_TRY(kiln_buffer_new(device, sizeof(struct report), KILN_MEMORY_READBACK, "indirect report",
	                         &report));
	memset(report->memory.data, 0, sizeof(struct report));
	status = kiln_memory_flush(device, &report->memory, 0, sizeof(struct report));
	if (status != KILN_OK) {
		kiln_buffer_free(report);
		return status;
	}
	*out_report = report;
	return KILN_OK;
}

static enum kiln_status provide(struct kiln_device *device, struct kiln_stream_modes *modes)
{
	modes->slot_bytes = round_up(COUNTS_BYTES, device->limits.minStorageBufferOffsetAlignment);
	if (!modes->groups)
		KILN_TRY(kiln_buffer_new(device, KILN_INDIRECT_SLOTS * modes->slot_bytes, KILN_MEMORY_DEVICE,
		                         "indirect counts", &modes->groups));
	return modes->report ? KILN_OK : make_report(device, &modes->report);
}

static enum kiln_status check(struct kiln_stream *stream, const struct kiln_kernel *kernel,
                              const struct kiln_launch_params *params)
{
	const struct kiln_graph_place place = kiln_graph_place(stream);
	const struct kiln_arg *at = &params->indirect;

	KILN_TRY(kiln_mode_check(kernel, KILN_FEATURE_INDIRECT_DISPATCH, "kiln_launch"));
	KILN_CHECK(!params->threads[0] && !params->threads[1] && !params->threads[2],
	           "kernel '%s': both .threads and .indirect are set. Fix: leave .threads 0", kernel->name);
	KILN_CHECK(at->offset % 4 == 0,
	           "kernel '%s': .indirect offset %llu is not a multiple of 4. Fix: align the counts",
	           kernel->name, (unsigned long long)at->offset);
	KILN_CHECK(at->bytes == 0 || at->bytes == COUNTS_BYTES,
	           "kernel '%s': .indirect has %llu bytes; three counts are 12. Fix: leave .bytes 0",
	           kernel->name, (unsigned long long)at->bytes);
	KILN_TRY(kiln_buffer_check_range(at->buffer, "kiln_launch, .indirect", at->offset, COUNTS_BYTES));
	KILN_TRY(kiln_graph_contents_check(&place, at->buffer, "kiln_launch, .indirect", at->offset,
	                                   COUNTS_BYTES));
	if (at->buffer->device != stream->device)
		return kiln_error(
			KILN_ERR_FOREIGN_OBJECT,
			"kernel '%s': the .indirect buffer \"%s\" belongs to another device. Fix: create "
			"it on the kernel's",
			kernel->name, at->buffer->name);
	return KILN_OK;
}

static void note(struct kiln_stream_modes *modes, const struct kiln_kernel *kernel, bool threads)
{
	struct kiln_indirect_note *fresh = &modes->notes[modes->launches % KILN_INDIRECT_SLOTS];

	fresh->launch = modes->launches;
	fresh->threads = threads;
	(void)snprintf(fresh->kernel, sizeof(fresh->kernel), "%s", kernel->name);
}

static enum kiln_status make_safe(struct kiln_stream *stream, struct kiln_stream_modes *modes,
                                  const struct kiln_arg *counts, const struct push *sizes,
                                  struct kiln_stream_binding *out_groups)
{
	uint64_t alignment = stream->device->limits.minStorageBufferOffsetAlignment;
	uint64_t begin = counts->offset / alignment * alignment;
	uint64_t slot = modes->launches % KILN_INDIRECT_SLOTS * modes->slot_bytes;
	const struct kiln_stream_binding bindings[3] = {
		{counts->buffer, begin, counts->offset + COUNTS_BYTES - begin, KILN_ACCESS_READ},
		{modes->groups, slot, COUNTS_BYTES, KILN_ACCESS_WRITE},
		{modes->report, 0, sizeof(struct report), KILN_ACCESS_READ | KILN_ACCESS_WRITE},
	};
	struct push push = *sizes;

	push.at = (uint32_t)((counts->offset - begin) / 4);
	push.launch = modes->launches;
	KILN_TRY(kiln_helper_launch(stream, KILN_HELPER_INDIRECT, bindings, 3, &push, sizeof(push), 1));
	*out_groups = (struct kiln_stream_binding){modes->groups, slot, COUNTS_BYTES, KILN_ACCESS_READ};
	return KILN_OK;
}

static enum kiln_status enqueue(struct kiln_stream *stream, struct kiln_stream_modes *modes,
                                const struct push *push, const struct kiln_launch_params *params,
                                struct kiln_stream_launch *launch, struct kiln_stream_binding *counts)
{
	KILN_TRY(provide(stream->device, modes));
	modes->launches++;
	note(modes, launch->kernel, params->indirect_threads);
	KILN_TRY(make_safe(stream, modes, &params->indirect, push, counts));
	return kiln_stream_record_launch(stream, launch);
}

/* The modes stay locked from one command to the other: the counts' place may not be given to another launch between. */
enum kiln_status kiln_indirect_launch(struct kiln_stream *stream, const uint32_t workgroup[3],
                                      const struct kiln_launch_params *params,
                                      struct kiln_stream_launch *launch, struct kiln_stream_binding *counts)
{
	struct push push = {.size = {1, 1, 1}};
	struct kiln_graph *graph = kiln_stream_graph(stream);
	struct kiln_stream_modes *modes;
	enum kiln_status status;
	uint32_t first;

	KILN_TRY(check(stream, launch->kernel, params));
	KILN_TRY(kiln_helpers_ready(stream->device, KILN_FEATURE_INDIRECT_DISPATCH));
	KILN_TRY(kiln_stream_modes_get(stream, &modes));
	memcpy(push.limit, stream->device->info.max_workgroup_count, sizeof(push.limit));
	if (params->indirect_threads)
		memcpy(push.size, workgroup, sizeof(push.size));
	kiln_mutex_lock(&modes->lock);
	first = kiln_graph_group_begin(graph);
	status = enqueue(stream, modes, &push, params, launch, counts);
	kiln_graph_group_end(graph, first, false, status);
	kiln_mutex_unlock(&modes->lock);
	return status;
}

/* ---- Reporting ---- */

static enum kiln_status describe(const struct kiln_stream *stream, const struct kiln_stream_modes *modes,
                                 const struct report *report, uint32_t fresh)
{
	const uint32_t *last = report->refusals[(report->refused - 1) % REFUSALS];
	const struct kiln_indirect_note *note = &modes->notes[last[0] % KILN_INDIRECT_SLOTS];
	const uint32_t *limit = stream->device->info.max_workgroup_count;
	bool known = note->launch == last[0];

	return kiln_error(
		KILN_ERR_THREADS_LIMIT,
		"kernel '%s': an indirect launch asked for %u x %u x %u %s; this device counts to %u x %u x %u "
		"workgroups (maxComputeWorkGroupCount), so it launched nothing (%u such launches since the last "
		"wait). Fix: bound the counts where they are written",
		known ? note->kernel : "of an earlier launch", last[1], last[2], last[3],
		!known          ? "in all"
		: note->threads ? "threads"
				: "workgroups",
		limit[0], limit[1], limit[2], fresh);
}

/* Work that is still in flight may add to the report: what is missed now is told after a later wait. */
static enum kiln_status tell(struct kiln_stream *stream, struct kiln_stream_modes *modes)
{
	enum kiln_status status;
	struct report report;
	uint32_t told;

	if (!modes->report)
		return KILN_OK;
	status = kiln_memory_invalidate(stream->device, &modes->report->memory, 0, sizeof(report));
	memcpy(&report, modes->report->memory.data, sizeof(report));
	told = atomic_exchange_explicit(&modes->reported, report.refused, memory_order_relaxed);
	if (status == KILN_OK && report.refused != told)
		status = describe(stream, modes, &report, report.refused - told);
	return status;
}

/* Of graphs too, which are forgotten once nobody else knows them. */
static enum kiln_status tell_all(struct kiln_stream *stream, struct kiln_stream_modes *modes)
{
	enum kiln_status status = tell(stream, modes);

	for (uint32_t i = 0; i < modes->graph_count && status == KILN_OK; i++) {
		struct kiln_stream_modes *graph = modes->graphs[i];
		bool alone = atomic_load_explicit(&graph->references, memory_order_acquire) == 1;

		kiln_mutex_lock(&graph->lock);
		status = tell(stream, graph);
		kiln_mutex_unlock(&graph->lock);
		if (!alone)
			continue;
		modes->graphs[i--] = modes->graphs[--modes->graph_count];
		kiln_modes_unreference(graph);
	}
	return status;
}

enum kiln_status kiln_indirect_report(struct kiln_stream *stream)
{
	struct kiln_stream_modes *modes = atomic_load_explicit(&stream->modes, memory_order_acquire);
	enum kiln_status status;

	if (!modes)
		return KILN_OK;
	kiln_mutex_lock(&modes->lock);
	status = tell_all(stream, modes);
	kiln_mutex_unlock(&modes->lock);
	return status;
}
