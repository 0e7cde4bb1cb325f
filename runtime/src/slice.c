#include "slice.h"

#include <inttypes.h>
#include <string.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/error.h>
#include <base/log.h>

#include "buffer.h"
#include "device.h"
#include "graph.h"
#include "launch.h"

#define DEPTH 2u /* slices in flight once the kernel's time is known */

struct part {
	uint64_t ticket, groups, begun_ns;
	bool alone; /* nothing else was in flight on the stream */
};

/* One launch on its way. */
struct job {
	struct kiln_stream *stream;
	struct kiln_kernel *kernel;
	struct kiln_variant *variant;
	struct kiln_slicing *slicing;
	struct kiln_stream_launch launch; /* of the next slice */
	const struct kiln_slice_call *call;
	struct kiln_slice_plan plan;
	struct kiln_slice_report report;
	struct part parts[DEPTH]; /* in flight, oldest first */
	uint32_t in_flight;
	bool probing; /* the kernel's time is not known well */
	bool idle;    /* nothing is in flight on the stream but our parts */
	bool prompt;  /* the last part was seen to end as it ended, at */
	uint64_t ended_ns;
	bool stopped;
	_Alignas(8) uint8_t push[KILN_SLICE_PUSH_MAX];
};

/* ---- One part ---- */

static void learn(struct job *job, uint64_t groups, uint64_t ns)
{
	kiln_slicing_learn(job->kernel, job->variant, job->slicing, groups, ns, job->probing);
	job->plan.group_ps = atomic_load_explicit(&job->slicing->group_ps, memory_order_relaxed);
	if (ns > job->report.longest_ns)
		job->report.longest_ns = ns;
	if (ns >= job->plan.budget_ns / 8)
		job->probing = false;
}

/* The device works on one part after another: a part that did not begin alone began when the one before ended, if that was
 * seen in time. */
static void measure(struct job *job, const struct part *part, bool waited)
{
	uint64_t now = kiln_now_ns();

	if (part->alone)
		learn(job, part->groups, now - part->begun_ns);
	else if (waited && job->prompt)
		learn(job, part->groups, now - job->ended_ns);
	job->prompt = waited || part->alone;
	job->ended_ns = now;
}

/* Waits for the oldest part in flight. */
static enum kiln_status finish_part(struct job *job)
{
	const struct kiln_slice_call *call = job->call;
	struct part part = job->parts[0];
	bool waited = !kiln_stream_reached(job->stream, part.ticket);

	if (waited)
		KILN_TRY(kiln_stream_wait_device(job->stream, part.ticket, KILN_WAIT_FOREVER));
	memmove(job->parts, job->parts + 1, --job->in_flight * sizeof(part));
	measure(job, &part, waited);
	job->idle = true; /* what came before it is done too */
	job->report.done_groups += part.groups;
	if (call && call->params.progress && !job->stopped)
		job->stopped = !call->params.progress(call->params.user, job->report.done_groups,
		                                      job->report.total_groups);
	return KILN_OK;
}

static enum kiln_status drain(struct job *job)
{
	while (job->in_flight)
		KILN_TRY(finish_part(job));
	return KILN_OK;
}

/* What is recorded is enqueued, whether or not it could be submitted: a second try goes on where the first one stopped. */
static enum kiln_status submit_part(struct job *job, bool *recorded)
{
	struct part part = {
		.groups = kiln_slice_total(job->launch.groups),
		.begun_ns = kiln_now_ns(),
		.alone = job->idle && job->in_flight == 0,
	};
	struct kiln_ticket ticket;

	if (!*recorded)
		KILN_TRY(kiln_stream_record_launch(job->stream, &job->launch));
	*recorded = true;
	KILN_TRY(kiln_stream_submit(job->stream, &ticket));
	job->launch.own = true; /* one launch, one count */
	job->launch.follows = ticket.value;
	job->report.slices++;
	part.ticket = ticket.value;
	job->parts[job->in_flight++] = part;
	return KILN_OK;
}

/* ---- All of them ---- */

static bool is_out_of_memory(enum kiln_status status)
{
	return status == KILN_ERR_OUT_OF_MEMORY || status == KILN_ERR_OUT_OF_DEVICE_MEMORY;
}

/* Where memory is out, the parts in flight are waited for: what they hold may be what is missing. */
static enum kiln_status submit_or_retry(struct job *job, const struct kiln_slice *slice)
{
	enum kiln_status status;
	bool recorded = false;

	memcpy(job->launch.groups, slice->groups, sizeof(slice->groups));
	job->launch.base = slice->base;
	status = submit_part(job, &recorded);
	if (!is_out_of_memory(status))
		return status;
	KILN_TRY(drain(job));
	status = submit_part(job, &recorded);
	if (!is_out_of_memory(status))
		return status;
	return kiln_error(status,
	                  "kernel '%s': out of memory after %" PRIu64 " of %" PRIu64
	                  " workgroups were launched. Fix: free memory and launch again",
	                  job->kernel->name, job->report.done_groups, job->report.total_groups);
}

/* What came before must not pass for time of the first part. */
static enum kiln_status settle(struct job *job)
{
	struct kiln_ticket ticket;

	KILN_TRY(kiln_stream_submit(job->stream, &ticket));
	KILN_TRY(kiln_stream_wait_device(job->stream, ticket.value, KILN_WAIT_FOREVER));
	job->idle = true;
	return KILN_OK;
}

static enum kiln_status run(struct job *job)
{
	struct kiln_slice slice;

	if (job->probing || job->call)
		KILN_TRY(settle(job));
	while (!job->stopped && kiln_slice_next(&job->plan, &slice)) {
		KILN_TRY(submit_or_retry(job, &slice));
		while (job->in_flight >= (job->probing && !job->plan.done ? 1 : DEPTH) ||
		       (job->in_flight && kiln_stream_reached(job->stream, job->parts[0].ticket)))
			KILN_TRY(finish_part(job));
	}
	return job->call ? drain(job) : KILN_OK;
}

static enum kiln_status run_sliced(struct job *job)
{
	enum kiln_status status = run(job);

	if (status == KILN_OK && job->stopped && job->report.done_groups < job->report.total_groups)
		status = kiln_error(KILN_ERR_CANCELLED,
		                    "kernel '%s' was stopped after %" PRIu64 " of %" PRIu64
		                    " workgroups. Fix: launch it again, or let progress() return true",
		                    job->kernel->name, job->report.done_groups, job->report.total_groups);
	return status;
}

/* ---- Whole ---- */

static enum kiln_status run_whole(struct job *job, const char *reason)
{
	const struct kiln_slice_call *call = job->call;
	uint64_t total = job->report.total_groups, begun_ns;
	struct kiln_ticket ticket;

	job->report.whole = reason;
	if (!call)
		return kiln_stream_record_launch(job->stream, &job->launch);
	KILN_TRY(settle(job));
	begun_ns = kiln_now_ns();
	KILN_TRY(kiln_stream_record_launch(job->stream, &job->launch));
	KILN_TRY(kiln_stream_submit(job->stream, &ticket));
	job->report.slices = 1;
	KILN_TRY(kiln_stream_wait_device(job->stream, ticket.value, KILN_WAIT_FOREVER));
	job->report.longest_ns = kiln_now_ns() - begun_ns;
	job->report.done_groups = total;
	kiln_slicing_learn(job->kernel, job->variant, job->slicing, total, job->report.longest_ns, false);
	if (call->params.progress)
		(void)call->params.progress(call->params.user, total, total);
	return KILN_OK;
}

static void say_once(const struct job *job, const char *reason)
{
	if (!atomic_exchange_explicit(&job->slicing->said, true, memory_order_relaxed))
		kiln_log(KILN_LOG_INFO, "kernel '%s' is not sliced, however long it takes: %s",
		         job->kernel->name, reason);
}

/* ---- Which ---- */

static uint64_t budget_of(const struct job *job)
{
	uint64_t asked = job->call ? job->call->params.budget_ns : 0;
	uint64_t budget = asked ? kiln_slice_budget(asked) : job->kernel->device->slice_budget_ns;

	return budget == KILN_SLICE_NEVER ? 0 : budget;
}

/* Workgroups that keep the device's processors busy. */
static uint64_t floor_of(const struct kiln_device *device)
{
	return device->info.type == KILN_DEVICE_CPU ? 4 : KILN_SLICE_FIRST;
}

/* Why the launch goes whole; NULL = it does not. */
static const char *why_whole(const struct job *job, uint64_t budget)
{
	uint64_t known = atomic_load_explicit(&job->slicing->group_ps, memory_order_relaxed);

	if (job->slicing->reason)
		return job->slicing->reason;
	if (job->slicing->program && job->slicing->interface.entry->push_bytes > KILN_SLICE_PUSH_MAX)
		return "its push constants leave no room for gl_NumWorkGroups";
	if (budget == 0)
		return "the budget is KILN_SLICE_NEVER";
	if (!job->call && known == 0 &&
	    job->report.total_groups <=
	            atomic_load_explicit(&job->variant->short_groups, memory_order_relaxed))
		return ""; /* no loops */
	return known && job->report.total_groups <= kiln_slice_fitting(known, budget) ? "" : NULL;
}

static enum kiln_status decide(struct job *job)
{
	uint64_t budget = budget_of(job);
	enum kiln_status status;
	const char *why;

	KILN_TRY(kiln_slicing_get(job->kernel, job->variant, &job->slicing));
	why = why_whole(job, budget);
	if (job->slicing->reason)
		say_once(job, job->slicing->reason);
	if (why)
		return run_whole(job, *why ? why : NULL);
	status = kiln_slicing_ready(job->kernel, job->variant, job->slicing);
	if (status == KILN_ERR_EXPECTED_WARM) { /* the kernel itself is warm: that is what was promised */
		say_once(job, "its pipeline for slices is not in the cache");
		return run_whole(job, "its pipeline for slices is not in the cache");
	}
	KILN_TRY(status);
	if (kiln_stream_graph(job->stream))
		return kiln_graph_add_sliced(kiln_stream_graph(job->stream), &job->launch, job->variant);
	kiln_slice_plan_init(&job->plan, job->launch.groups, budget, floor_of(job->kernel->device),
	                     atomic_load_explicit(&job->slicing->group_ps, memory_order_relaxed));
	job->probing = job->plan.group_ps == 0;
	kiln_slicing_push(job->slicing, &job->launch, job->push);
	job->launch.current = &job->slicing->pipeline;
	return run_sliced(job);
}

enum kiln_status kiln_slice_launch(struct kiln_stream *stream, struct kiln_variant *variant,
                                   struct kiln_stream_launch *launch, const struct kiln_slice_call *call)
{
	struct job job = {
		.stream = stream,
		.kernel = launch->kernel,
		.variant = variant,
		.launch = *launch,
		.call = call,
		.report.total_groups = kiln_slice_total(launch->groups),
	};
	enum kiln_status status;

	status = decide(&job);
	if (job.slicing)
		job.report.group_ps = atomic_load_explicit(&job.slicing->group_ps, memory_order_relaxed);
	if (call && call->report)
		*call->report = job.report;
	return status;
}
