/* What a program can tell a stream, checked. Launches: launch.c. */
#include <kiln/stream.h>

#include <inttypes.h>

#include <base/alloc.h>
#include <base/error.h>

#include "buffer.h"
#include "device.h"
#include "graph.h"
#include "stream.h"
#include "stream_slot.h"

static enum kiln_status check_stream(const struct kiln_stream *stream, const char *call)
{
	KILN_CHECK(stream, "%s: the stream is NULL. Fix: create one with kiln_stream_create()", call);
	return kiln_device_check(stream->device);
}

/* What a graph could not repeat. */
static enum kiln_status check_now(const struct kiln_stream *stream, const char *call)
{
	KILN_TRY(check_stream(stream, call));
	if (!atomic_load_explicit(&stream->graph, memory_order_relaxed))
		return KILN_OK;
	return kiln_error(KILN_ERR_UNSUPPORTED,
	                  "%s: stream '%s' is recording a graph, and graphs hold launches, copies and fills "
	                  "only. Fix: call it before kiln_graph_begin() or after kiln_graph_end()",
	                  call, stream->name);
}

static enum kiln_status check_device(const struct kiln_stream *stream, const struct kiln_buffer *buffer,
                                     const char *call)
{
	if (buffer->device == stream->device)
		return KILN_OK;
	return kiln_error(
		KILN_ERR_FOREIGN_OBJECT,
		"%s: buffer \"%s\" belongs to another device than stream '%s'. Fix: create it on the "
		"stream's",
		call, buffer->name, stream->name);
}

/* ---- Fills and copies ---- */

static enum kiln_status fill(struct kiln_stream *stream, struct kiln_buffer *buffer, const char *call,
                             uint64_t offset, uint64_t bytes, uint32_t value)
{
	KILN_TRY(kiln_buffer_check_range(buffer, call, offset, bytes));
	KILN_CHECK(offset % 4 == 0,
	           "%s: offset %" PRIu64 " of buffer \"%s\" is not a multiple of 4. Fix: fill "
	           "whole 32-bit words, and write the rest with kiln_buffer_write()",
	           call, offset, buffer->name);
	KILN_CHECK(bytes % 4 == 0,
	           "%s: %" PRIu64 " bytes of buffer \"%s\" are not a multiple of 4. Fix: fill "
	           "whole 32-bit words, and write the rest with kiln_buffer_write()",
	           call, bytes, buffer->name);
	KILN_TRY(check_device(stream, buffer, call));
	KILN_TRY(kiln_buffer_check_writable(buffer, call));
	if (!bytes)
		return KILN_OK;
	KILN_TRY(kiln_stream_record_fill(stream, buffer, offset, bytes, value));
	if (!kiln_stream_graph(stream))
		kiln_contents_filled(buffer, offset, bytes, value);
	return KILN_OK;
}

enum kiln_status kiln_buffer_fill(struct kiln_buffer *buffer, uint64_t offset, uint64_t bytes, uint32_t value)
{
	KILN_CHECK(buffer,
	           "kiln_buffer_fill: the buffer is NULL. Fix: pass one that kiln_buffer_create() gave");
	return fill(&buffer->device->stream, buffer, "kiln_buffer_fill", offset, bytes, value);
}

enum kiln_status kiln_stream_fill(struct kiln_stream *stream, struct kiln_buffer *buffer, uint64_t offset,
                                  uint64_t bytes, uint32_t value)
{
	KILN_TRY(check_stream(stream, "kiln_stream_fill"));
	return fill(stream, buffer, "kiln_stream_fill", offset, bytes, value);
}

/* The names messages begin with. */
struct copy_call {
	const char *call, *source, *target;
};

static enum kiln_status copy(struct kiln_stream *stream, const struct copy_call *names,
                             struct kiln_buffer *source, uint64_t source_offset, struct kiln_buffer *target,
                             uint64_t target_offset, uint64_t bytes)
{
	const struct kiln_graph_place place = kiln_graph_place(stream);
	uint64_t apart =
		source_offset < target_offset ? target_offset - source_offset : source_offset - target_offset;

	KILN_TRY(kiln_buffer_check_range(source, names->source, source_offset, bytes));
	KILN_TRY(kiln_buffer_check_range(target, names->target, target_offset, bytes));
	if (source->device != target->device)
		return kiln_error(
			KILN_ERR_FOREIGN_OBJECT,
			"%s: buffer \"%s\" belongs to another device than buffer \"%s\". Fix: read it and "
			"write it through host memory",
			names->call, source->name, target->name);
	KILN_CHECK(
		source != target || apart >= bytes,
		"%s: %" PRIu64 " bytes at offsets %" PRIu64 " and %" PRIu64
		" of buffer \"%s\" overlap. Fix: copy through another buffer, or in pieces of at most %" PRIu64
		" bytes",
		names->call, bytes, source_offset, target_offset, source->name, apart);
	KILN_TRY(check_device(stream, source, names->call));
	KILN_TRY(kiln_buffer_check_writable(target, names->call));
	if (!bytes)
		return KILN_OK;
	KILN_TRY(kiln_graph_contents_check(&place, source, names->call, source_offset, bytes));
	KILN_TRY(kiln_stream_record_copy(stream, source, source_offset, target, target_offset, bytes));
	if (!kiln_stream_graph(stream))
		kiln_contents_copied(target, target_offset, bytes);
	return KILN_OK;
}

enum kiln_status kiln_buffer_copy(struct kiln_buffer *source, uint64_t source_offset,
                                  struct kiln_buffer *target, uint64_t target_offset, uint64_t bytes)
{
	static const struct copy_call names = {"kiln_buffer_copy", "kiln_buffer_copy, source",
	                                       "kiln_buffer_copy, target"};

	KILN_TRY(kiln_buffer_check_range(source, names.source, 0, 0));
	return copy(&source->device->stream, &names, source, source_offset, target, target_offset, bytes);
}

enum kiln_status kiln_stream_copy(struct kiln_stream *stream, struct kiln_buffer *source,
                                  uint64_t source_offset, struct kiln_buffer *target, uint64_t target_offset,
                                  uint64_t bytes)
{
	static const struct copy_call names = {"kiln_stream_copy", "kiln_stream_copy, source",
	                                       "kiln_stream_copy, target"};

	KILN_TRY(check_stream(stream, names.call));
	return copy(stream, &names, source, source_offset, target, target_offset, bytes);
}

/* ---- Host bytes ---- */

#define DIRECT_STREAMS 8u /* that may have used a buffer the host copies by itself */
/* What a download may take of the host's memory until it is waited for. */
static const uint64_t LARGEST_ASYNC_DOWNLOAD = UINT64_C(64) << 20;

/* What nothing unfinished touches needs no device, and nobody can tell the difference: but for those that the stream waits
 * for and Kiln does not see. */
static bool is_idle(struct kiln_stream *stream, struct kiln_buffer *buffer, bool for_write)
{
	struct kiln_ticket tickets[DIRECT_STREAMS];
	uint32_t count;

	if (!buffer->memory.data || atomic_load_explicit(&buffer->mapped, memory_order_relaxed) ||
	    kiln_stream_is_held(stream))
		return false;
	count = kiln_buffer_tickets(buffer, for_write, tickets, DIRECT_STREAMS);
	for (uint32_t i = 0; i < count; i++)
		if (!kiln_ticket_is_done_own(buffer->device, tickets[i]))
			return false;
	return count < DIRECT_STREAMS;
}

/* An earlier download may still be on its way to the same place. */
static bool has_steps(const struct kiln_stream *stream)
{
	return atomic_load_explicit(&stream->steps.pending, memory_order_relaxed) != 0;
}

static bool may_get_directly(struct kiln_stream *stream, struct kiln_buffer *buffer, uint64_t bytes)
{
	return kiln_buffer_is_read_directly(buffer, bytes) && !has_steps(stream) &&
	       is_idle(stream, buffer, false);
}

enum kiln_status kiln_stream_upload(struct kiln_stream *stream, struct kiln_buffer *buffer, uint64_t offset,
                                    const void *data, uint64_t bytes)
{
	KILN_TRY(check_now(stream, "kiln_stream_upload"));
	KILN_TRY(kiln_buffer_check_range(buffer, "kiln_stream_upload", offset, bytes));
	KILN_TRY(kiln_buffer_check_writable(buffer, "kiln_stream_upload"));
	KILN_TRY(check_device(stream, buffer, "kiln_stream_upload"));
	KILN_CHECK(data || !bytes,
	           "kiln_stream_upload: data is NULL. Fix: pass the %" PRIu64 " bytes to write", bytes);
	if (!bytes)
		return KILN_OK;
	if (is_idle(stream, buffer, true))
		KILN_TRY(kiln_buffer_put(buffer, offset, data, bytes));
	else
		KILN_TRY(kiln_staging_write(stream, buffer, offset, data, bytes));
	kiln_contents_wrote(buffer, offset, data, bytes);
	return KILN_OK;
}

/* Under the stream's lock: the step belongs to what is recorded now, or to what was submitted last. */
static void add_step(struct kiln_stream *stream, struct kiln_host_step *step)
{
	kiln_mutex_lock(&stream->lock);
	step->ticket = stream->recording ? stream->next_ticket : stream->next_ticket - 1;
	kiln_host_steps_add(&stream->steps, step);
	kiln_mutex_unlock(&stream->lock);
}

static enum kiln_status new_step(struct kiln_host_step **out_step)
{
	*out_step = kiln_alloc_zero(1, sizeof(**out_step));
	return *out_step ? KILN_OK
	                 : kiln_error(KILN_ERR_OUT_OF_MEMORY,
	                              "out of memory enqueuing. Fix: free memory and call again");
}

enum kiln_status kiln_stream_download(struct kiln_stream *stream, struct kiln_buffer *buffer, uint64_t offset,
                                      void *out_data, uint64_t bytes)
{
	struct kiln_host_step *step;
	enum kiln_status status;

	KILN_TRY(check_now(stream, "kiln_stream_download"));
	KILN_TRY(kiln_buffer_check_range(buffer, "kiln_stream_download", offset, bytes));
	KILN_TRY(check_device(stream, buffer, "kiln_stream_download"));
	KILN_CHECK(out_data || !bytes,
	           "kiln_stream_download: out_data is NULL. Fix: pass room for %" PRIu64 " bytes", bytes);
	if (!bytes)
		return KILN_OK;
	KILN_TRY(kiln_contents_check(buffer, "kiln_stream_download", offset, bytes));
	if (may_get_directly(stream, buffer, bytes))
		return kiln_buffer_get(buffer, offset, out_data, bytes);
	if (bytes > LARGEST_ASYNC_DOWNLOAD && !has_steps(stream))
		return kiln_staging_read(stream, buffer, offset, out_data, bytes);
	KILN_TRY(new_step(&step));
	step->out_data = out_data;
	step->bytes = bytes;
	status = kiln_buffer_new(stream->device, bytes, KILN_MEMORY_READBACK, "download", &step->staging);
	if (status == KILN_OK)
		status = kiln_stream_record_copy(stream, buffer, offset, step->staging, 0, bytes);
	if (status == KILN_OK) {
		add_step(stream, step);
		return KILN_OK;
	}
	if (step->staging)
		kiln_buffer_retire(step->staging);
	kiln_free(step);
	return status;
}

enum kiln_status kiln_stream_callback(struct kiln_stream *stream, void (*call)(void *user), void *user)
{
	struct kiln_host_step *step;

	KILN_TRY(check_now(stream, "kiln_stream_callback"));
	KILN_CHECK(call, "kiln_stream_callback: the function is NULL. Fix: pass what to call");
	KILN_TRY(new_step(&step));
	step->call = call;
	step->user = user;
	add_step(stream, step);
	return KILN_OK;
}

/* ---- Order ---- */

static enum kiln_status depend_on(struct kiln_stream *stream, struct kiln_stream *other, uint64_t ticket)
{
	struct kiln_stream_dependency dependency;
	struct kiln_stream_slot *slot;
	enum kiln_status status;
	bool held = kiln_stream_is_held(other);

	KILN_TRY(kiln_stream_reach(stream, other, ticket, &dependency));
	if (!dependency.number)
		return KILN_OK;
	KILN_TRY(kiln_stream_begin(stream, &slot));
	status = kiln_stream_depend(stream, &dependency, &slot);
	if (status == KILN_OK && held)
		kiln_stream_hold(stream, slot);
	kiln_stream_end(stream, status == KILN_OK);
	return status;
}

enum kiln_status kiln_stream_after(struct kiln_stream *stream, struct kiln_ticket ticket)
{
	struct kiln_stream *other;
	enum kiln_status status = KILN_OK;

	KILN_TRY(check_now(stream, "kiln_stream_after"));
	KILN_TRY(kiln_ticket_find(stream->device, ticket, "kiln_stream_after", &other));
	if (!other)
		return KILN_OK;
	status = kiln_ticket_check(other, ticket);
	if (status == KILN_OK && other != stream) /* a stream is in order with itself */
		status = depend_on(stream, other, ticket.value);
	kiln_stream_unreference(other);
	return status;
}
