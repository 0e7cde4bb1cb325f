/* Kernels made ready in a batch: workers take the next one each until none is left or the caller has enough. */
#include <signal.h>
#include <string.h>

#include <base/alloc.h>
#include <base/error.h>
#include <base/table.h>
#include <base/thread.h>

#include "device.h"
#include "kernel.h"

#define THREADS_MAX 256u

struct batch {
	struct kiln_device *device;
	const struct kiln_kernel_params *kernels;
	size_t count;
	struct kiln_prewarm_params params;
	struct kiln_prewarm_report *reports;

	struct kiln_mutex
		lock; /* of what follows; held while the caller's callback runs, so that it runs once at a time */
	size_t next, done;
	bool cancelled;
};

/* ---- One kernel ---- */

static char *copy_text(const char *text)
{
	return text ? kiln_memdup(text, strlen(text) + 1) : NULL;
}

/* The size for launches that another would round up further is made ready too: a launch then compiles nothing. */
static enum kiln_status resolve(struct kiln_kernel *kernel, struct kiln_prewarm_report *report)
{
	struct kiln_variant *own = &kernel->variants[KILN_VARIANT_OWN];
	struct kiln_build build;

	KILN_TRY(kiln_kernel_resolve(kernel, &build));
	report->pipeline_id = build.identity.digest;
	report->outcome = build.outcome;
	report->cache_hit = build.cache_hit;
	report->manifest = copy_text(kiln_kernel_manifest(kernel));
	return own->spec ? kiln_kernel_ready(kernel, own) : KILN_OK;
}

static void warm(const struct batch *batch, size_t number)
{
	struct kiln_prewarm_report *report = &batch->reports[number];
	struct kiln_kernel *kernel = NULL;

	report->status = kiln_kernel_create(batch->device, &batch->kernels[number], &kernel);
	if (report->status == KILN_OK)
		report->status = resolve(kernel, report);
	if (report->status != KILN_OK)
		report->message = copy_text(kiln_error_message());
	kiln_kernel_destroy(&kernel);
}

/* ---- The workers ---- */

static void *work(void *user)
{
	struct batch *batch = user;

	kiln_mutex_lock(&batch->lock);
	while (batch->next < batch->count && !batch->cancelled) {
		size_t number = batch->next++;

		kiln_mutex_unlock(&batch->lock);
		warm(batch, number);
		kiln_mutex_lock(&batch->lock);
		batch->done++;
		/* Who has enough is not asked again. */
		if (batch->params.progress && !batch->cancelled)
			batch->cancelled =
				!batch->params.progress(batch->params.user, batch->done, batch->count);
	}
	kiln_mutex_unlock(&batch->lock);
	return NULL;
}

static size_t choose_threads(const struct batch *batch)
{
	size_t threads = batch->params.threads ? batch->params.threads : kiln_cpu_count();

	if (threads > THREADS_MAX)
		threads = THREADS_MAX;
	return threads < batch->count ? threads : batch->count;
}

/* The caller's thread is one of them, so that all is done even where the system gives no other. The program's signals are not
 * for the others to handle. */
static void run(struct batch *batch)
{
	size_t wanted = choose_threads(batch), started = 0;
	struct kiln_thread threads[THREADS_MAX];
	sigset_t all, kept;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &kept);
	while (started + 1 < wanted && kiln_thread_start(&threads[started], work, batch) == KILN_OK)
		started++;
	pthread_sigmask(SIG_SETMASK, &kept, NULL);
	(void)work(batch);
	while (started > 0)
		kiln_thread_join(&threads[--started]);
}

/* ---- The reports ---- */

/* Of kernels with one pipeline all but one find it in memory, where this call has just put it. It was as warm for them as for
 * that one. */
static void settle_twins(struct kiln_prewarm_report *reports, size_t count)
{
	struct kiln_table makers = {0};

	for (size_t i = 0; i < count; i++)
		if (reports[i].outcome && reports[i].outcome != KILN_OUTCOME_MEMORY)
			(void)kiln_table_put(&makers, &reports[i].pipeline_id, &reports[i]);
	for (size_t i = 0; i < count; i++) {
		const struct kiln_prewarm_report *maker;

		if (reports[i].outcome != KILN_OUTCOME_MEMORY)
			continue;
		maker = kiln_table_get(&makers, &reports[i].pipeline_id);
		if (maker)
			reports[i].cache_hit = maker->cache_hit;
	}
	kiln_table_finish(&makers);
}

static enum kiln_status conclude(const struct batch *batch)
{
	for (size_t i = 0; i < batch->next; i++)
		if (batch->reports[i].status != KILN_OK)
			return kiln_error(batch->reports[i].status, "kernel %zu of %zu to prewarm: %s", i,
			                  batch->count,
			                  batch->reports[i].message ? batch->reports[i].message
			                                            : "out of memory");
	if (batch->next < batch->count)
		return kiln_error(KILN_ERR_CANCELLED,
		                  "prewarming was stopped by its progress callback after %zu of %zu kernels. "
		                  "Fix: none needed; what was made stays warm",
		                  batch->done, batch->count);
	return KILN_OK;
}

enum kiln_status kiln_prewarm(struct kiln_device *device, const struct kiln_kernel_params *kernels,
                              size_t count, const struct kiln_prewarm_params *params,
                              struct kiln_prewarm_report *out_reports)
{
	struct batch batch = {.device = device, .kernels = kernels, .count = count};
	enum kiln_status status;

	KILN_CHECK(device, "kiln_prewarm: the device is NULL. Fix: open one with kiln_device_open()");
	KILN_CHECK(kernels || count == 0, "kiln_prewarm: %zu kernels at NULL. Fix: pass their parameters",
	           count);
	if (count == 0)
		return KILN_OK;
	if (params)
		batch.params = *params;
	KILN_TRY(kiln_device_check(device));
	batch.reports = kiln_alloc_zero(count, sizeof(*batch.reports));
	if (!batch.reports)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory prewarming %zu kernels. Fix: free memory and call again",
		                  count);
	for (size_t i = 0; i < count; i++)
		batch.reports[i] = (struct kiln_prewarm_report){.status = KILN_ERR_CANCELLED,
		                                                .cache_hit = KILN_HIT_UNKNOWN};
	status = kiln_mutex_init(&batch.lock);
	if (status == KILN_OK) {
		run(&batch);
		kiln_mutex_finish(&batch.lock);
		settle_twins(batch.reports, count);
		status = conclude(&batch);
	}
	if (out_reports)
		memcpy(out_reports, batch.reports, count * sizeof(*out_reports));
	else
		kiln_prewarm_reports_finish(batch.reports, count);
	kiln_free(batch.reports);
	return status;
}

void kiln_prewarm_reports_finish(struct kiln_prewarm_report *reports, size_t count)
{
	for (size_t i = 0; reports && i < count; i++) {
		kiln_free(reports[i].manifest);
		kiln_free(reports[i].message);
		reports[i].manifest = reports[i].message = NULL;
	}
}
