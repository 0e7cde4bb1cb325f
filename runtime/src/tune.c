#include <kiln/tune.h>

#include <math.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/log.h>

#include "device.h"
#include "tune_choice.h"
#include "tune_record.h"
#include "tune_run.h"

#define DEFAULT_BUDGET_NS UINT64_C(1000000000)
#define LONGER_BUDGET_NS UINT64_C(10000000000)
#define LONGER_BUDGET_TIMES 400.0 /* of the default's time: what settles on launches of milliseconds */
#define LEAST_BUDGET_TIMES 60.0   /* and of whole seconds: twenty go into ten paired rounds */
#define DEFAULT_LOCK_WAIT_NS UINT64_C(10000000000)

static enum kiln_status check(const struct kiln_kernel *kernel, const struct kiln_tune_params *params)
{
	KILN_CHECK(kernel, "kiln_tune: the kernel is NULL. Fix: create one with kiln_kernel_create()");
	KILN_CHECK(params, "kiln_tune: the parameters are NULL. Fix: pass at least .launch");
	KILN_CHECK(params->launch.threads[0],
	           "kiln_tune: .launch.threads is 0. Fix: pass the threads of a launch to tune for");
	KILN_CHECK(
		!params->launch.indirect.buffer,
		"kiln_tune: .launch.indirect is set, and only launches of given threads are tuned. Fix: tune for "
		"threads that are typical of it");
	KILN_CHECK((unsigned)params->method <= KILN_TUNE_RANDOM,
	           "kiln_tune: .method is %d. Fix: use one of enum kiln_tune_method", (int)params->method);
	KILN_CHECK(params->tolerance_absolute >= 0 && params->tolerance_relative >= 0,
	           "kiln_tune: a tolerance is negative or no number. Fix: pass 0 or more");
	KILN_CHECK(!params->buffer_bytes || (!params->launch.buffers[0] && !params->launch.args),
	           "kiln_tune: both buffers and sizes of buffers are given. Fix: use one of them");
	KILN_TRY(kiln_device_check(kernel->device));
	KILN_TRY(kiln_device_check_launch(kernel->device));
	if (kernel->variants[KILN_VARIANT_PREFERRED].choice.source != KILN_WORKGROUP_EXPLICIT)
		return KILN_OK;
	return kiln_error(
		KILN_ERR_UNSUPPORTED,
		"kernel '%s' was created with a workgroup size of the caller's choice, which stands "
		"above any record. Fix: create it without .workgroup",
		kernel->name);
}

static uint64_t budget_of(const struct kiln_tune_session *session)
{
	double ns = fmin(LONGER_BUDGET_TIMES * session->default_ns, (double)LONGER_BUDGET_NS);

	ns = fmax(fmax(ns, (double)DEFAULT_BUDGET_NS), LEAST_BUDGET_TIMES * session->default_ns);
	return session->params.budget_ns ? session->params.budget_ns : (uint64_t)fmin(ns, 3600e9);
}

static enum kiln_status search(struct kiln_kernel *kernel, const struct kiln_tune_params *params,
                               struct kiln_tune_intent *intent, struct kiln_tune_report **out_report)
{
	struct kiln_tune_session session;
	enum kiln_status status;
	bool done = false;

	KILN_TRY(kiln_tune_session_init(&session, kernel, params, intent));
	status = kiln_tune_run_start(&session, budget_of(&session));
	while (status == KILN_OK && !done)
		status = kiln_tune_session_step(&session, &done);
	if (status == KILN_OK)
		status = kiln_tune_run_end(&session, out_report);
	kiln_tune_session_finish(&session);
	return status;
}

struct waiting {
	const struct kiln_tune_params *params;
	uint64_t since_ns;
};

static bool keep_waiting(void *user)
{
	static const struct kiln_tune_config none;
	const struct waiting *waiting = user;
	const struct kiln_tune_progress nothing = {
		.best = &none,
		.best_ratio = 1,
		.spent_ns = kiln_now_ns() - waiting->since_ns,
		.eta_ns = UINT64_MAX,
	};

	return !waiting->params->progress || waiting->params->progress(waiting->params->user, &nothing);
}

/* Where no file can be made, locked or written, one can measure all the same. */
static enum kiln_status take(struct kiln_device *device, struct kiln_tune_intent *intent, uint64_t wait_ns,
                             struct waiting *waiting)
{
	enum kiln_status status = kiln_tune_run_open(device, intent);

	intent->keep_waiting = keep_waiting;
	intent->user = waiting;
	if (status == KILN_OK)
		status = kiln_tune_run_take(device, intent, wait_ns);
	if (status == KILN_OK || status == KILN_ERR_TIMEOUT || status == KILN_ERR_CANCELLED)
		return status;
	kiln_log(KILN_LOG_WARN, "tuning without a lock, and without memory of what hangs: %s",
	         kiln_error_message());
	kiln_tune_intent_close(intent);
	return KILN_OK;
}

/* With `only_missing`, is there nothing missing? */
static bool is_there(struct kiln_kernel *kernel, const struct kiln_tune_params *params)
{
	return params->only_missing &&
	       kiln_tune_record_settled(kernel, kiln_tune_bucket(params->launch.threads));
}

enum kiln_status kiln_tune(struct kiln_kernel *kernel, const struct kiln_tune_params *params,
                           struct kiln_tune_report **out_report)
{
	struct kiln_tune_report *report = NULL;
	struct waiting waiting = {params, kiln_now_ns()};
	struct kiln_tune_intent intent;
	enum kiln_status status = KILN_OK;

	if (out_report)
		*out_report = NULL;
	KILN_TRY(check(kernel, params));
	if (is_there(kernel, params))
		return KILN_OK;
	status = take(kernel->device, &intent,
	              params->lock_wait_ns ? params->lock_wait_ns : DEFAULT_LOCK_WAIT_NS, &waiting);
	/* Another process may have recorded, or found to hang, while this one waited for it. */
	if (status == KILN_OK)
		(void)kiln_store_refresh(kernel->device->store);
	if (status == KILN_OK && !is_there(kernel, params))
		status = search(kernel, params, &intent, &report);
	kiln_tune_intent_close(&intent);
	/* A lost device leaves a report too: of what it was lost by. */
	if (out_report)
		*out_report = report;
	else
		kiln_tune_report_destroy(&report);
	return status;
}
