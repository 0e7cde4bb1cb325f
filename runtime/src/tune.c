#include <kiln/tune.h>

#include <base/error.h>

#include "device.h"
#include "tune_choice.h"
#include "tune_record.h"
#include "tune_run.h"

#define DEFAULT_BUDGET_NS UINT64_C(1000000000)
#define DEFAULT_LOCK_WAIT_NS UINT64_C(10000000000)

static enum kiln_status check(const struct kiln_kernel *kernel, const struct kiln_tune_params *params)
{
	KILN_CHECK(kernel, "kiln_tune: the kernel is NULL. Fix: create one with kiln_kernel_create()");
	KILN_CHECK(params, "kiln_tune: the parameters are NULL. Fix: pass at least .launch");
	KILN_CHECK(params->launch.threads[0],
	           "kiln_tune: .launch.threads is 0. Fix: pass the threads of a launch to tune for");
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

static enum kiln_status search(struct kiln_kernel *kernel, const struct kiln_tune_params *params,
                               struct kiln_tune_intent *intent, struct kiln_tune_report **out_report)
{
	struct kiln_tune_session session;
	enum kiln_status status;
	bool done = false;

	KILN_TRY(kiln_tune_session_init(&session, kernel, params, intent));
	status = kiln_tune_run_start(&session, params->budget_ns ? params->budget_ns : DEFAULT_BUDGET_NS);
	while (status == KILN_OK && !done)
		status = kiln_tune_session_step(&session, &done);
	if (status == KILN_OK)
		status = kiln_tune_run_end(&session, out_report);
	kiln_tune_session_finish(&session);
	return status;
}

enum kiln_status kiln_tune(struct kiln_kernel *kernel, const struct kiln_tune_params *params,
                           struct kiln_tune_report **out_report)
{
	struct kiln_tune_report *report = NULL;
	struct kiln_tune_intent intent;
	enum kiln_status status = KILN_OK;

	KILN_TRY(check(kernel, params));
	if (params->only_missing &&
	    kiln_tune_record_settled(kernel, kiln_tune_bucket(params->launch.threads)))
		goto done;
	KILN_TRY(kiln_tune_run_open(kernel->device, &intent));
	status = kiln_tune_run_take(kernel->device, &intent,
	                            params->lock_wait_ns ? params->lock_wait_ns : DEFAULT_LOCK_WAIT_NS);
	if (status == KILN_OK)
		status = search(kernel, params, &intent, &report);
	kiln_tune_intent_close(&intent);
	/* A lost device leaves a report too: of what it was lost by. */
	if (status != KILN_OK && !report)
		return status;
done:
	if (out_report)
		*out_report = report;
	else
		kiln_tune_report_destroy(&report);
	return status;
}
