#include "launch_mode.h"

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

#include "buffer.h"
#include "device.h"
#include "graph.h"
#include "kernel.h"

#define MODES                                                                                     \
	(KILN_FEATURE_ASYNC_COMPUTE | KILN_FEATURE_INDIRECT_DISPATCH | KILN_FEATURE_SPECULATIVE | \
	 KILN_FEATURE_PERSISTENT_THREAD)

/* ---- Checks ---- */

enum kiln_status kiln_mode_check_params(const struct kiln_kernel_params *params)
{
	KILN_CHECK(
		(params->modes & ~MODES) == 0,
		"kiln_kernel_create: .modes 0x%x has bits that are no launch modes. Fix: combine "
		"KILN_FEATURE_ASYNC_COMPUTE, _INDIRECT_DISPATCH, _SPECULATIVE and _PERSISTENT_THREAD; the other "
		"features are read from the SPIR-V",
		params->modes);
	return KILN_OK;
}

static const char *mode_name(uint32_t mode)
{
	switch (mode) {
	case KILN_FEATURE_INDIRECT_DISPATCH:
		return "KILN_FEATURE_INDIRECT_DISPATCH";
	case KILN_FEATURE_SPECULATIVE:
		return "KILN_FEATURE_SPECULATIVE";
	default:
		return "KILN_FEATURE_PERSISTENT_THREAD";
	}
}

enum kiln_status kiln_mode_check(const struct kiln_kernel *kernel, uint32_t mode, const char *call)
{
	KILN_CHECK(kernel->modes & mode,
	           "%s: kernel '%s' was not made for this mode. Fix: create it with %s in .modes", call,
	           kernel->name, mode_name(mode));
	return KILN_OK;
}

enum kiln_status kiln_mode_check_stream(struct kiln_stream *stream, const char *call)
{
	if (!kiln_stream_graph(stream))
		return KILN_OK;
	return kiln_error(
		KILN_ERR_UNSUPPORTED,
		"%s: stream '%s' is recording a graph, and this waits for the device. Fix: call it before "
		"kiln_graph_begin() or after kiln_graph_end()",
		call, stream->name);
}

/* ---- What a stream or a graph keeps ---- */

static enum kiln_status new_modes(struct kiln_stream_modes **out_modes)
{
	struct kiln_stream_modes *modes = kiln_alloc_zero(1, sizeof(*modes));

	if (!modes)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory preparing a launch mode. Fix: free memory and call again");
	if (kiln_mutex_init(&modes->lock) != KILN_OK) {
		kiln_free(modes);
		return kiln_error(KILN_ERR_THREAD, "a stream's lock cannot be made. Fix: free memory");
	}
	atomic_init(&modes->references, 1);
	*out_modes = modes;
	return KILN_OK;
}

/* One thread records a graph. */
static enum kiln_status modes_of_graph(struct kiln_graph *graph, struct kiln_stream_modes **out_modes)
{
	if (!graph->modes) {
		KILN_TRY(new_modes(&graph->modes));
		graph->modes->keeps = true;
	}
	*out_modes = graph->modes;
	return KILN_OK;
}

static enum kiln_status modes_of_stream(struct kiln_stream *stream, struct kiln_stream_modes **out_modes)
{
	struct kiln_stream_modes *modes = atomic_load_explicit(&stream->modes, memory_order_acquire);
	struct kiln_stream_modes *fresh = NULL;

	if (!modes) {
		KILN_TRY(new_modes(&fresh));
		if (atomic_compare_exchange_strong(&stream->modes, &modes, fresh))
			modes = fresh;
		else
			kiln_modes_unreference(fresh);
	}
	*out_modes = modes;
	return KILN_OK;
}

enum kiln_status kiln_stream_modes_get(struct kiln_stream *stream, struct kiln_stream_modes **out_modes)
{
	struct kiln_graph *graph = kiln_stream_graph(stream);

	return graph ? modes_of_graph(graph, out_modes) : modes_of_stream(stream, out_modes);
}

enum kiln_status kiln_modes_replace(struct kiln_stream_modes *modes, struct kiln_buffer **slot,
                                    struct kiln_buffer *by)
{
	struct kiln_buffer **kept;

	if (*slot && modes->keeps) {
		kept = kiln_realloc(modes->kept, (modes->kept_count + 1u) * sizeof(struct kiln_buffer *));
		if (!kept)
			return kiln_error(KILN_ERR_OUT_OF_MEMORY,
			                  "out of memory preparing a launch mode. Fix: free memory and call "
			                  "again");
		modes->kept = kept;
		modes->kept[modes->kept_count++] = *slot;
	} else if (*slot) {
		kiln_buffer_retire(*slot);
	}
	*slot = by;
	return KILN_OK;
}

enum kiln_status kiln_stream_modes_tell(struct kiln_stream *stream, struct kiln_stream_modes *of_graph)
{
	struct kiln_stream_modes *modes, **graphs;
	enum kiln_status status = KILN_OK;
	uint32_t i = 0;

	if (!of_graph || !of_graph->report)
		return KILN_OK;
	KILN_TRY(modes_of_stream(stream, &modes));
	kiln_mutex_lock(&modes->lock);
	while (i < modes->graph_count && modes->graphs[i] != of_graph)
		i++;
	if (i == modes->graph_count) {
		graphs = kiln_realloc(modes->graphs, (i + 1u) * sizeof(struct kiln_stream_modes *));
		if (graphs) {
			modes->graphs = graphs;
			modes->graphs[modes->graph_count++] = of_graph;
			atomic_fetch_add_explicit(&of_graph->references, 1, memory_order_relaxed);
		} else {
			status = kiln_error(
				KILN_ERR_OUT_OF_MEMORY,
				"out of memory launching a graph. Fix: free memory and call again");
		}
	}
	kiln_mutex_unlock(&modes->lock);
	return status;
}

/* ---- Ends ---- */

static void drop(struct kiln_buffer **buffer)
{
	if (*buffer)
		kiln_buffer_free(*buffer);
	*buffer = NULL;
}

static void drop_scratch(struct kiln_stream_modes *modes)
{
	drop(&modes->groups);
	drop(&modes->marks);
	drop(&modes->sums);
	drop(&modes->survivors);
	drop(&modes->dispatch);
	while (modes->kept_count)
		drop(&modes->kept[--modes->kept_count]);
}

void kiln_modes_free_scratch(struct kiln_stream_modes *modes)
{
	if (!modes)
		return;
	kiln_mutex_lock(&modes->lock);
	drop_scratch(modes);
	kiln_mutex_unlock(&modes->lock);
}

void kiln_modes_unreference(struct kiln_stream_modes *modes)
{
	if (!modes || atomic_fetch_sub_explicit(&modes->references, 1, memory_order_acq_rel) != 1)
		return;
	drop_scratch(modes);
	drop(&modes->report);
	for (uint32_t i = 0; i < modes->graph_count; i++)
		kiln_modes_unreference(modes->graphs[i]);
	kiln_free(modes->graphs);
	kiln_free(modes->kept);
	kiln_mutex_finish(&modes->lock);
	kiln_free(modes);
}
