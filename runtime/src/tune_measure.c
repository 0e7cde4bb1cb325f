#include "tune_measure.h"

#include <base/error.h>
#include <base/log.h>

#include "buffer.h"
#include "device.h"
#include "launch.h"
#include "tune_variant.h"

/* ---- Building ---- */

static enum kiln_status build(struct kiln_tune_session *session, size_t config,
                              struct kiln_tune_attempt *attempt)
{
	struct kiln_variant *variant;

	KILN_TRY(kiln_tune_variant_create(session->kernel, kiln_space_config(session->space, config),
	                                  &attempt->variant));
	variant = attempt->variant;
	if (variant->buffer_count != session->scratch.binding_count)
		return kiln_error(KILN_ERR_UNSUPPORTED,
		                  "the kernel's buffers depend on what is tuned. Fix: do not tune it");
	KILN_TRY(kiln_launch_groups(session->kernel, session->threads, variant->choice.size,
	                            attempt->trial.groups));
	KILN_TRY(kiln_kernel_ready(session->kernel, variant));
	attempt->trial.push = session->push;
	attempt->trial.push_bytes = variant->interface.entry->push_bytes;
	return kiln_tune_trial_init(&attempt->trial, &session->scratch, atomic_load(&variant->pipeline),
	                            variant->interface.entry);
}

enum kiln_status kiln_tune_attempt_build(struct kiln_tune_session *session, size_t config)
{
	struct kiln_tune_attempt *attempt = &session->attempts[config];
	enum kiln_status status;

	if (attempt->variant)
		return KILN_OK;
	status = build(session, config, attempt);
	if (status != KILN_OK)
		kiln_tune_variant_destroy(session->kernel, &attempt->variant);
	return status;
}

/* ---- Proving ---- */

/* As fresh as can be: buffers, and the workgroup memory that the last kernel left behind. */
static enum kiln_status run_once(struct kiln_tune_session *session, size_t config, uint32_t pattern,
                                 double *out_ns)
{
	struct kiln_tune_lane *lane = &session->lane;

	KILN_TRY(kiln_tune_lane_begin(lane));
	kiln_tune_scratch_reset(&session->scratch, pattern);
	if (session->smears) {
		session->smear.pattern = kiln_tune_poison[pattern];
		kiln_tune_trial_record(&session->smear.trial, lane, 1);
		kiln_tune_lane_barrier(lane);
	}
	kiln_tune_lane_stamp(lane, 0);
	kiln_tune_trial_record(&session->attempts[config].trial, lane, 1);
	kiln_tune_lane_stamp(lane, 1);
	return kiln_tune_lane_run(lane, out_ns);
}

static enum kiln_status check_once(struct kiln_tune_session *session, size_t config, uint32_t pattern,
                                   char *out_why, size_t why_bytes)
{
	KILN_TRY(run_once(session, config, pattern, NULL));
	return kiln_tune_scratch_check(&session->scratch, pattern, &session->tolerance, out_why, why_bytes);
}

enum kiln_status kiln_tune_keep_default(struct kiln_tune_session *session)
{
	char why[80];

	if (!session->scratch.writes)
		return kiln_error(
			KILN_ERR_UNSUPPORTED,
			"kernel '%s' writes no buffer, so no configuration of it can be proved right. "
			"Fix: let it write its result to a storage buffer",
			session->kernel->name);
	for (uint32_t pattern = 0; pattern < KILN_TUNE_PATTERNS; pattern++) {
		KILN_TRY(run_once(session, 0, pattern, &session->default_ns));
		KILN_TRY(kiln_tune_scratch_keep(&session->scratch, pattern));
	}
	for (uint32_t pattern = 0; pattern < KILN_TUNE_PATTERNS; pattern++) {
		KILN_TRY(check_once(session, 0, pattern, why, sizeof(why)));
		if (why[0])
			return kiln_error(
				KILN_ERR_UNSUPPORTED,
				"kernel '%s' gives another result each time it runs (%s), so no configuration of "
				"it can be proved right. Fix: set a tolerance, or do not tune it",
				session->kernel->name, why);
	}
	return KILN_OK;
}

static enum kiln_tune_outcome outcome_of(struct kiln_tune_session *session, size_t config,
                                         enum kiln_status status)
{
	char text[KILN_TUNE_INTENT_TEXT];

	if (status == KILN_OK)
		return KILN_OUTCOME_OK;
	(void)kiln_tune_config_text(kiln_space_config(session->space, config), text, sizeof(text));
	kiln_log(KILN_LOG_INFO, "tuning '%s': %s cannot be used: %s", session->kernel->name, text,
	         kiln_error_message());
	if (kiln_device_check(session->kernel->device) != KILN_OK) {
		session->lost_by = config;
		return KILN_OUTCOME_LOST;
	}
	return status == KILN_ERR_OUT_OF_MEMORY || status == KILN_ERR_OUT_OF_DEVICE_MEMORY
	               ? KILN_OUTCOME_NO_MEMORY
	               : KILN_OUTCOME_FAILED;
}

static enum kiln_status prove_noted(struct kiln_tune_session *session, size_t config, const char *text,
                                    char *out_why, size_t why_bytes)
{
	KILN_TRY(kiln_tune_intent_note(session->intent, &session->base, text));
	for (uint32_t pattern = 0; pattern < KILN_TUNE_PATTERNS; pattern++) {
		KILN_TRY(check_once(session, config, pattern, out_why, why_bytes));
		if (out_why[0])
			break;
	}
	return kiln_tune_intent_clear(session->intent);
}

/* A name that stays noted is a configuration that did not come back. */
static enum kiln_status prove(struct kiln_tune_session *session, size_t config, char *out_why,
                              size_t why_bytes)
{
	char text[KILN_TUNE_INTENT_TEXT];
	enum kiln_status status;

	out_why[0] = '\0';
	KILN_TRY(kiln_tune_attempt_build(session, config));
	(void)kiln_tune_config_text(kiln_space_config(session->space, config), text, sizeof(text));
	status = prove_noted(session, config, text, out_why, why_bytes);
	/* It failed, but it came back. */
	if (status != KILN_OK && kiln_device_check(session->kernel->device) == KILN_OK)
		(void)kiln_tune_intent_clear(session->intent);
	KILN_TRY(status);
	if (out_why[0])
		kiln_log(KILN_LOG_INFO, "tuning '%s': %s is wrong: %s", session->kernel->name, text, out_why);
	return KILN_OK;
}

enum kiln_tune_outcome kiln_tune_prove(void *user, size_t config)
{
	struct kiln_tune_session *session = user;
	char why[80];
	enum kiln_tune_outcome outcome =
		outcome_of(session, config, prove(session, config, why, sizeof(why)));

	return outcome == KILN_OUTCOME_OK && why[0] ? KILN_OUTCOME_WRONG : outcome;
}

/* ---- Timing ---- */

static void flush_caches(struct kiln_tune_session *session)
{
	struct kiln_tune_lane *lane = &session->lane;

	lane->device->vk.vkCmdFillBuffer(lane->commands, session->flush->handle, 0, VK_WHOLE_SIZE, 0);
	kiln_tune_lane_barrier(lane);
}

/* What goes before the stamps goes into a submission of its own where the host's clock would see it. */
static enum kiln_status prepare(struct kiln_tune_session *session)
{
	struct kiln_tune_lane *lane = &session->lane;

	KILN_TRY(kiln_tune_lane_begin(lane));
	if (!session->scratch.resets && !session->flush)
		return KILN_OK;
	if (session->scratch.resets)
		kiln_tune_scratch_reset(&session->scratch, 0);
	if (session->flush)
		flush_caches(session);
	if (kiln_tune_lane_has_stamps(lane))
		return KILN_OK;
	KILN_TRY(kiln_tune_lane_run(lane, NULL));
	return kiln_tune_lane_begin(lane);
}

static enum kiln_status time_batch(struct kiln_tune_session *session, size_t config, uint32_t dispatches,
                                   double *out_ns)
{
	struct kiln_tune_lane *lane = &session->lane;

	KILN_TRY(prepare(session));
	kiln_tune_lane_stamp(lane, 0);
	kiln_tune_trial_record(&session->attempts[config].trial, lane, dispatches);
	kiln_tune_lane_stamp(lane, 1);
	return kiln_tune_lane_run(lane, out_ns);
}

/* With cold caches, and where a dispatch starts from what the last one left, each is a batch of its own: configurations whose
 * samples have different numbers of them are then still given the same work. */
static enum kiln_status time_all(struct kiln_tune_session *session, size_t config, uint32_t dispatches,
                                 double *out_ns)
{
	uint32_t batch = session->flush || session->scratch.resets ? 1 : dispatches;
	double ns;

	*out_ns = 0;
	for (uint32_t done = 0; done < dispatches && *out_ns >= 0; done += batch) {
		KILN_TRY(time_batch(session, config, batch, &ns));
		*out_ns = ns > 0 ? *out_ns + ns : -1;
	}
	return KILN_OK;
}

struct kiln_measurement kiln_tune_measure(void *user, size_t config, uint32_t dispatches)
{
	struct kiln_tune_session *session = user;
	struct kiln_measurement measurement = {0};

	measurement.outcome =
		outcome_of(session, config, time_all(session, config, dispatches, &measurement.ns));
	if (measurement.outcome == KILN_OUTCOME_OK && measurement.ns <= 0)
		measurement.outcome = KILN_OUTCOME_REJECTED;
	return measurement;
}

/* ---- The floor ---- */

#define FLOOR_SAMPLES 8

static enum kiln_status sample_floor(struct kiln_tune_session *session, const struct kiln_tune_trial *one,
                                     double *out_ns)
{
	struct kiln_tune_lane *lane = &session->lane;

	KILN_TRY(kiln_tune_lane_begin(lane));
	kiln_tune_lane_stamp(lane, 0);
	kiln_tune_trial_record(one, lane, 1);
	kiln_tune_lane_stamp(lane, 1);
	return kiln_tune_lane_run(lane, out_ns);
}

enum kiln_status kiln_tune_floor(struct kiln_tune_session *session, double *out_ns)
{
	atomic_uint_fast64_t *known = &session->kernel->device->tune_floor_ns;
	uint64_t least = atomic_load_explicit(known, memory_order_relaxed);
	struct kiln_tune_trial one = session->attempts[0].trial;
	double ns;

	for (int d = 0; d < 3; d++)
		one.groups[d] = 0;
	for (int i = 0; i < FLOOR_SAMPLES; i++) {
		KILN_TRY(sample_floor(session, &one, &ns));
		if (ns >= 1 && (least == 0 || ns < (double)least))
			least = (uint64_t)ns;
	}
	atomic_store_explicit(known, least, memory_order_relaxed);
	*out_ns = (double)least;

	return KILN_OK;
}
