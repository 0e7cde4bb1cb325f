#include "tune_run.h"

#include <stdio.h>
#include <string.h>

#include <autotune/decision.h>
#include <base/alloc.h>
#include <base/error.h>
#include <base/log.h>

#include "device.h"
#include "tune_choice.h"
#include "tune_record.h"

enum kiln_status kiln_tune_run_open(struct kiln_device *device, struct kiln_tune_intent *intent)
{
	/* A trial on a CPU device can take its process down, and no more. */
	return kiln_tune_intent_open(intent, &kiln_fs_posix, kiln_store_path(device->store),
	                             device->info.adapter, device->info.type != KILN_DEVICE_CPU);
}

enum kiln_status kiln_tune_run_take(struct kiln_device *device, struct kiln_tune_intent *intent,
                                    uint64_t wait_ns)
{
	struct kiln_tune_remains remains;

	KILN_TRY(kiln_tune_intent_take(intent, wait_ns, &remains));
	if (!remains.found || !kiln_tune_record_hung(device, &remains.base, remains.config))
		return KILN_OK; /* what could not be saved stays noted until the next trial */
	return kiln_tune_intent_clear(intent);
}

enum kiln_status kiln_tune_run_start(struct kiln_tune_session *session, uint64_t budget_ns)
{
	enum kiln_tune_verdict *known =
		kiln_tune_record_known(session->kernel, session->base.bucket, session->space,
	                               session->tolerance.absolute == 0 && session->tolerance.relative == 0);
	enum kiln_status status = kiln_tune_session_start(session, known, budget_ns);

	kiln_free(known);
	return status;
}

/* ---- The end ---- */

/* The device is gone, and with it whether what was measured holds. The name of the culprit must not go too. */
static enum kiln_status end_lost(struct kiln_tune_session *session)
{
	char text[KILN_TUNE_INTENT_TEXT];

	(void)kiln_tune_config_text(kiln_space_config(session->space, session->lost_by), text, sizeof(text));
	if (session->params.no_record || kiln_tune_record_hung(session->kernel->device, &session->base, text))
		(void)kiln_tune_intent_clear(session->intent);
	return kiln_error(KILN_ERR_DEVICE_LOST,
	                  "device '%s' was lost while kernel '%s' ran at %s, which is not tried again. Fix: "
	                  "open the device again; the kernel then runs as before",
	                  session->kernel->device->info.name, session->kernel->name, text);
}

/* The report is plain data of ours until it is the caller's. */
static struct kiln_tune_candidate *candidates_of(const struct kiln_tune_report *report)
{
	return (struct kiln_tune_candidate *)(uintptr_t)report->candidates;
}

/* What was compared with a winner that is none any more. */
static void crown_default(struct kiln_tune_report *report)
{
	struct kiln_tune_candidate *candidates = candidates_of(report);

	for (size_t i = 1; i < report->candidate_count; i++) {
		enum kiln_tune_verdict *verdict = &candidates[i].verdict;

		if (*verdict == KILN_TUNE_TIE || *verdict == KILN_TUNE_SLOWER)
			*verdict = candidates[i].ratio < KILN_DECISION_GAIN   ? KILN_TUNE_UNSURE
			           : candidates[i].ratio <= KILN_DECISION_TIE ? KILN_TUNE_TIE
			                                                      : KILN_TUNE_SLOWER;
	}
	candidates[0].verdict = KILN_TUNE_WON;
	report->winner = 0;
	report->provisional = true;
}

static void dethrone(struct kiln_tune_report *report, enum kiln_tune_outcome outcome)
{
	struct kiln_tune_candidate *candidates = candidates_of(report);
	bool wrong = outcome == KILN_OUTCOME_WRONG;
	char text[96];

	(void)kiln_tune_config_text(&candidates[report->winner].config, text, sizeof(text));
	candidates[report->winner].verdict = wrong ? KILN_TUNE_WRONG : KILN_TUNE_FAILED;
	crown_default(report);
	(void)snprintf(report->reason, sizeof(report->reason),
	               "the default stays: %s was fastest, and %s when it was run again", text,
	               wrong ? "gave another result" : "failed");
}

/* Whichever step it was lost in. */
static void blame(const struct kiln_tune_session *session, struct kiln_tune_report *report)
{
	candidates_of(report)[session->lost_by].verdict = KILN_TUNE_HUNG;
	crown_default(report);
	(void)snprintf(report->reason, sizeof(report->reason),
	               "the default stays: the device was lost while a configuration ran");
}

#define LAST_PROOFS 3 /* a race that was won twice is lost sooner or later */

static void prove_winner(struct kiln_tune_session *session, struct kiln_tune_report *report)
{
	enum kiln_tune_outcome outcome = KILN_OUTCOME_OK;

	for (int i = 0; i < LAST_PROOFS && report->winner != 0 && outcome == KILN_OUTCOME_OK; i++)
		outcome = kiln_tune_session_prove(session, report->winner);
	if (outcome != KILN_OUTCOME_OK)
		dethrone(report, outcome);
}

/* The record of another bucket, or of every size, may say otherwise than that the default stays. */
static bool runs_the_default(const struct kiln_kernel *kernel)
{
	return kernel->variants[KILN_VARIANT_PREFERRED].choice.source != KILN_WORKGROUP_STORE;
}

static void keep(struct kiln_tune_session *session, struct kiln_tune_report *report)
{
	struct kiln_kernel *kernel = session->kernel;
	uint32_t bucket = session->base.bucket;
	bool kept, is_default = report->winner == 0;
	size_t length = strlen(report->reason);

	if (session->params.no_record)
		return;
	report->recorded = kiln_tune_record_report(kernel, bucket, report, &kept) && !kept;
	if (kept)
		(void)snprintf(report->reason + length, sizeof(report->reason) - length,
		               "; what was recorded before stays");
	else
		kiln_tuned_adopt(kernel, bucket,
		                 is_default && runs_the_default(kernel)
		                         ? NULL
		                         : &report->candidates[report->winner].config);
}

enum kiln_status kiln_tune_run_end(struct kiln_tune_session *session, struct kiln_tune_report **out_report)
{
	struct kiln_tune_report *report = NULL;
	enum kiln_status status = kiln_search_report(session->search, &report);

	if (status == KILN_OK && session->lost_by == KILN_SPACE_NONE)
		prove_winner(session, report);
	if (session->lost_by != KILN_SPACE_NONE) {
		if (report)
			blame(session, report);
		*out_report = report;
		return end_lost(session);
	}
	KILN_TRY(status);
	keep(session, report);
	kiln_log(KILN_LOG_INFO, "tuned '%s': %s", session->kernel->name, report->reason);
	*out_report = report;
	return KILN_OK;
}
