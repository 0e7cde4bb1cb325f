#include "launch_mode.h"

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

#include "buffer.h"
#include "device.h"
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
		"%s: stream '%s' is recording a graph, and this launch mode cannot be recorded. Fix: "
		"launch it before kiln_graph_begin() or after kiln_graph_end()",
		call, stream->name);
}

/* ---- What a stream keeps ---- */

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
	*out_modes = modes;
	return KILN_OK;
}

enum kiln_status kiln_stream_modes_get(struct kiln_stream *stream, struct kiln_stream_modes **out_modes)
{
	struct kiln_stream_modes *modes = atomic_load_explicit(&stream->modes, memory_order_acquire);
	struct kiln_stream_modes *fresh = NULL;

	if (!modes) {
		KILN_TRY(new_modes(&fresh));
		if (atomic_compare_exchange_strong(&stream->modes, &modes, fresh))
			modes = fresh;
		else
			kiln_stream_modes_finish(fresh);
	}
	*out_modes = modes;
	return KILN_OK;
}

static void drop(struct kiln_buffer *buffer)
{
	if (buffer)
		kiln_buffer_free(buffer);
}

void kiln_stream_modes_finish(struct kiln_stream_modes *modes)
{
	if (!modes)
		return;
	drop(modes->groups);
	drop(modes->report);
	drop(modes->marks);
	drop(modes->sums);
	drop(modes->survivors);
	drop(modes->dispatch);
	kiln_mutex_finish(&modes->lock);
	kiln_free(modes);
}
