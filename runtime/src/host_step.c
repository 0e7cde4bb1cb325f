#include "host_step.h"

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

#include "buffer.h"
#include "stream.h"

enum kiln_status kiln_host_steps_init(struct kiln_host_steps *steps)
{
	KILN_TRY(kiln_mutex_init(&steps->running));
	steps->lock_ready = true;
	steps->last = &steps->first;
	return KILN_OK;
}

static void drop(struct kiln_host_step *step)
{
	if (step->staging)
		kiln_buffer_retire(step->staging);
	kiln_free(step);
}

void kiln_host_steps_finish(struct kiln_host_steps *steps)
{
	while (steps->first) {
		struct kiln_host_step *next = steps->first->next;

		drop(steps->first);
		steps->first = next;
	}
	steps->last = &steps->first;
	if (steps->lock_ready)
		kiln_mutex_finish(&steps->running);
	steps->lock_ready = false;
}

void kiln_host_steps_add(struct kiln_host_steps *steps, struct kiln_host_step *step)
{
	step->next = NULL;
	atomic_fetch_add_explicit(&steps->pending, 1, memory_order_relaxed);
	*steps->last = step;
	steps->last = &step->next;
}

static struct kiln_host_step *take(struct kiln_stream *stream)
{
	struct kiln_host_steps *steps = &stream->steps;
	struct kiln_host_step *step;

	kiln_mutex_lock(&stream->lock);
	step = steps->first;
	if (step && step->ticket > atomic_load_explicit(&stream->done_ticket, memory_order_relaxed))
		step = NULL;
	if (step) {
		steps->first = step->next;
		if (!steps->first)
			steps->last = &steps->first;
	}
	kiln_mutex_unlock(&stream->lock);
	return step;
}

static enum kiln_status run(const struct kiln_host_step *step)
{
	if (step->call) {
		step->call(step->user);
		return KILN_OK;
	}
	KILN_TRY(kiln_memory_invalidate(step->staging->device, &step->staging->memory, 0, step->bytes));
	memcpy(step->out_data, step->staging->memory.data, (size_t)step->bytes);
	return KILN_OK;
}

static _Thread_local bool running;

/* A wait by another thread returns only when the steps are done, so it waits for the lock. */
enum kiln_status kiln_host_steps_run(struct kiln_stream *stream, bool lost)
{
	struct kiln_host_step *step;
	enum kiln_status status = KILN_OK;

	if (running || atomic_load_explicit(&stream->steps.pending, memory_order_acquire) == 0)
		return KILN_OK;
	kiln_mutex_lock(&stream->steps.running);
	running = true;
	while ((step = take(stream))) {
		enum kiln_status one = lost ? KILN_OK : run(step);

		drop(step);
		atomic_fetch_sub_explicit(&stream->steps.pending, 1, memory_order_release);
		if (status == KILN_OK)
			status = one;
	}
	running = false;
	kiln_mutex_unlock(&stream->steps.running);
	return status;
}
