/* Points in a stream's work. */
#include <kiln/stream.h>

#include <base/clock.h>
#include <base/error.h>

#include "device.h"
#include "stream.h"

enum kiln_status kiln_ticket_find(struct kiln_device *device, struct kiln_ticket ticket, const char *call,
                                  struct kiln_stream **out_stream)
{
	uint64_t given;

	KILN_CHECK(device, "%s: the device is NULL. Fix: open one with kiln_device_open()", call);
	*out_stream = NULL;
	if (kiln_device_is_inherited(device))
		return kiln_device_check(device);
	if (ticket.stream == 0)
		return KILN_OK;
	if (ticket.stream >> KILN_STREAM_ID_BITS != device->stream.id >> KILN_STREAM_ID_BITS)
		return kiln_error(KILN_ERR_FOREIGN_OBJECT,
		                  "%s: the ticket is of another device than '%s'. Fix: wait for it on the device that "
		                  "gave it",
		                  call, device->info.name);
	*out_stream = kiln_stream_find(device, ticket.stream);
	if (!*out_stream)
		return kiln_stream_was(device, ticket.stream)
		               ? KILN_OK
		               : kiln_error(KILN_ERR_INVALID_ARGUMENT,
		                            "%s: there never was a stream of number %llu. Fix: pass a ticket that "
		                            "kiln_stream_submit() gave",
		                            call, (unsigned long long)ticket.stream);
	kiln_mutex_lock(&(*out_stream)->lock);
	/* The next one is given to what needs it before it is submitted, once something is recorded. */
	given = (*out_stream)->next_ticket - ((*out_stream)->recording == NULL);
	kiln_mutex_unlock(&(*out_stream)->lock);
	if (ticket.value <= given)
		return KILN_OK;
	kiln_stream_unreference(*out_stream);
	return kiln_error(KILN_ERR_INVALID_ARGUMENT,
	                  "%s: stream %llu never gave ticket %llu, its last is %llu. Fix: pass one that "
	                  "kiln_stream_submit() gave",
	                  call, (unsigned long long)ticket.stream, (unsigned long long)ticket.value,
	                  (unsigned long long)given);
}

enum kiln_status kiln_ticket_check(const struct kiln_stream *stream, struct kiln_ticket ticket)
{
	if (ticket.value == 0 || ticket.value > atomic_load_explicit(&stream->gone, memory_order_relaxed))
		return KILN_OK;
	return kiln_error(
		KILN_ERR_DEVICE_LOST,
		"submission %llu of stream '%s' was given before device '%s' was lost and reopened. "
		"Fix: submit the work again",
		(unsigned long long)ticket.value, stream->name, stream->device->info.name);
}

/* `own`: Kiln's, for which done is done. */
static enum kiln_status wait(struct kiln_device *device, struct kiln_ticket ticket, uint64_t timeout_ns,
                             bool own)
{
	struct kiln_stream *stream = NULL;
	enum kiln_status status = KILN_OK;

	KILN_TRY(kiln_ticket_find(device, ticket, "kiln_ticket_wait", &stream));
	if (!stream)
		return kiln_device_check(device);
	if (!own)
		status = kiln_ticket_check(stream, ticket);
	if (status == KILN_OK)
		status = kiln_stream_wait_ticket(stream, ticket.value, timeout_ns);
	kiln_stream_unreference(stream);
	return status;
}

enum kiln_status kiln_ticket_wait(struct kiln_device *device, struct kiln_ticket ticket, uint64_t timeout_ns)
{
	return wait(device, ticket, timeout_ns, false);
}

enum kiln_status kiln_ticket_wait_own(struct kiln_device *device, struct kiln_ticket ticket,
                                      uint64_t timeout_ns)
{
	return wait(device, ticket, timeout_ns, true);
}

enum kiln_status kiln_ticket_wait_device(struct kiln_device *device, struct kiln_ticket ticket)
{
	struct kiln_stream *stream = NULL;
	enum kiln_status status;

	KILN_TRY(kiln_ticket_find(device, ticket, "kiln_ticket_wait", &stream));
	if (!stream)
		return kiln_device_check(device);
	status = kiln_stream_wait_device(stream, ticket.value, KILN_WAIT_FOREVER);
	kiln_stream_unreference(stream);
	return status;
}

static bool is_done(struct kiln_device *device, struct kiln_ticket ticket, bool own)
{
	struct kiln_stream *stream = NULL;
	bool done;

	if (!device || kiln_device_check(device) != KILN_OK ||
	    kiln_ticket_find(device, ticket, "kiln_ticket_is_done", &stream) != KILN_OK)
		return false;
	if (!stream)
		return true;
	done = kiln_stream_reached(stream, ticket.value) &&
	       (own || kiln_ticket_check(stream, ticket) == KILN_OK);
	kiln_stream_unreference(stream);
	return done;
}

bool kiln_ticket_is_done(struct kiln_device *device, struct kiln_ticket ticket)
{
	return is_done(device, ticket, false);
}

bool kiln_ticket_is_done_own(struct kiln_device *device, struct kiln_ticket ticket)
{
	return is_done(device, ticket, true);
}

static bool find_done(struct kiln_device *device, const struct kiln_ticket *tickets, size_t count,
                      size_t *out_index)
{
	for (size_t i = 0; i < count; i++)
		if (kiln_ticket_is_done(device, tickets[i])) {
			*out_index = i;
			return true;
		}
	return false;
}

/* Vulkan waits for any of several fences, but a fence may be reset once its submission is done: so a ticket at a time, in
 * slices that grow. */
enum kiln_status kiln_ticket_wait_any(struct kiln_device *device, const struct kiln_ticket *tickets,
                                      size_t count, uint64_t timeout_ns, size_t *out_index)
{
	uint64_t start = kiln_now_ns(), slice = 20000;

	KILN_CHECK(device, "kiln_ticket_wait_any: the device is NULL. Fix: open one with kiln_device_open()");
	KILN_CHECK(tickets && count > 0 && count <= 64,
	           "kiln_ticket_wait_any: %zu tickets. Fix: pass 1 to 64", count);
	KILN_CHECK(out_index, "kiln_ticket_wait_any: out_index is NULL. Fix: pass where the index goes");
	for (size_t turn = 0; !find_done(device, tickets, count, out_index); turn = (turn + 1) % count) {
		uint64_t spent = kiln_now_ns() - start;
		enum kiln_status status;

		KILN_TRY(kiln_device_check(device));
		if (spent >= timeout_ns)
			return kiln_error(KILN_ERR_TIMEOUT,
			                  "none of %zu tickets was done in time. Fix: wait again, or longer",
			                  count);
		status = kiln_ticket_wait(device, tickets[turn],
		                          slice < timeout_ns - spent ? slice : timeout_ns - spent);
		if (status != KILN_OK && status != KILN_ERR_TIMEOUT)
			return status;
		if (slice < 1000000)
			slice *= 2;
	}
	return kiln_ticket_wait(device, tickets[*out_index], 0);
}
