/* Named points in a stream's work. */
#include <kiln/stream.h>

#include <base/error.h>

#include "device.h"
#include "stream.h"
#include "stream_slot.h"
#include "trace.h"

enum kiln_status kiln_stream_marker(struct kiln_stream *stream, const char *name)
{
	const struct kiln_operation operation = {.kind = KILN_TRACE_MARKER, .name = name};
	struct kiln_stream_slot *slot;
	struct kiln_watching watching;

	KILN_CHECK(stream,
	           "kiln_stream_marker: the stream is NULL. Fix: create one with kiln_stream_create()");
	KILN_CHECK(name, "kiln_stream_marker: the name is NULL. Fix: pass what the point is called");
	KILN_TRY(kiln_device_check(stream->device));
	if (kiln_stream_graph(stream))
		return kiln_error(
			KILN_ERR_UNSUPPORTED,
			"kiln_stream_marker: stream '%s' is recording a graph, and graphs hold launches, "
			"copies and fills only. Fix: call it before kiln_graph_begin() or after "
			"kiln_graph_end()",
			stream->name);
	watching = kiln_watching(&stream->device->watch);
	if (!watching.on || !stream->device->info.can_launch)
		return KILN_OK;
	KILN_TRY(kiln_stream_begin(stream, &slot));
	kiln_watch_begin(&watching, stream, slot, &operation);
	kiln_watch_end(&watching, stream, slot);
	kiln_stream_end(stream, 1);
	return KILN_OK;
}
