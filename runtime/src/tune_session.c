#include "tune_session.h"

#include <math.h>
#include <string.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/error.h>

#include "buffer.h"
#include "device.h"
#include "tune_kernel_space.h"
#include "tune_measure.h"
#include "tune_record.h"
#include "tune_variant.h"

#define DEFAULT_TIMEOUT_NS UINT64_C(10000000000)
#define TIMEOUT_TIMES \
	200.0 /* of the default's time: so much slower a configuration may be and not be taken for hung */
#define LONGEST_BUILD_NS \
	UINT64_C(600000000000) /* of a pipeline: the host's clock does not leap, drivers do take their time */
#define FLUSH_BYTES (UINT64_C(64) << 20) /* beyond the caches of anything we know of */

/* ---- Time ---- */

uint64_t kiln_tune_session_spent(const struct kiln_tune_session *session)
{
	return session->active_ns + (session->active_since ? kiln_now_ns() - session->active_since : 0);
}

static void enter(struct kiln_tune_session *session)
{
	session->active_since = kiln_now_ns();
}

static void leave(struct kiln_tune_session *session)
{
	session->active_ns = kiln_tune_session_spent(session);
	session->active_since = 0;
}

static uint64_t now(void *user)
{
	return kiln_tune_session_spent(user);
}

/* ---- Beginning ---- */

uint64_t kiln_tune_timeout(double default_ns)
{
	return (uint64_t)fmin(fmax(TIMEOUT_TIMES * default_ns, (double)DEFAULT_TIMEOUT_NS), 3600e9);
}

static enum kiln_status copy_params(struct kiln_tune_session *session, const struct kiln_tune_params *params)
{
	session->params = *params;
	session->tolerance =
		(struct kiln_tune_tolerance){params->tolerance_absolute, params->tolerance_relative};
	for (int d = 0; d < 3; d++)
		session->threads[d] = params->launch.threads[d] || d == 0 ? params->launch.threads[d] : 1;
	if (params->launch.push_bytes == 0 || !params->launch.push)
		return KILN_OK;
	session->push = kiln_memdup(params->launch.push, params->launch.push_bytes);
	if (!session->push)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory tuning a kernel. Fix: free memory and call again");
	session->params.launch.push = session->push;
	return KILN_OK;
}

static enum kiln_status make_space(struct kiln_tune_session *session)
{
	struct kiln_tune_kernel_space space = {
		.kernel = session->kernel,
		.allow = session->params.allow,
		.user = session->params.user,
	};

	memcpy(space.threads, session->threads, sizeof(space.threads));
	KILN_TRY(kiln_tune_kernel_space(&space, &session->space));
	session->attempts = kiln_alloc_zero(kiln_space_count(session->space), sizeof(*session->attempts));
	if (!session->attempts)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory tuning a kernel. Fix: free memory and call again");
	session->base = kiln_tune_record_base(session->kernel, kiln_tune_bucket(session->threads),
	                                      kiln_space_config(session->space, 0));
	return KILN_OK;
}

static enum kiln_status make_tools(struct kiln_tune_session *session)
{
	const struct kiln_entry_point *entry = session->attempts[0].variant->interface.entry;

	if (session->params.cold)
		KILN_TRY(kiln_buffer_new(session->kernel->device, FLUSH_BYTES, KILN_MEMORY_DEVICE,
		                         "tuner's flush", &session->flush));
	session->smears = entry->shared_bytes > 0;
	if (!session->smears)
		return KILN_OK;
	return kiln_tune_tool_smear(&session->smear, &session->lane, entry->shared_bytes);
}

static enum kiln_status begin(struct kiln_tune_session *session, const struct kiln_tune_params *params)
{
	struct kiln_device *device = session->kernel->device;

	KILN_TRY(copy_params(session, params));
	KILN_TRY(kiln_tune_lane_init(&session->lane, device,
	                             params->timeout_ns ? params->timeout_ns : DEFAULT_TIMEOUT_NS));
	KILN_TRY(make_space(session));
	KILN_TRY(kiln_tune_copy_buffers(session));
	KILN_TRY(kiln_tune_attempt_build(session, 0));
	KILN_TRY(make_tools(session));
	KILN_TRY(kiln_tune_keep_default(session));
	if (!params->timeout_ns)
		session->lane.timeout_ns = kiln_tune_timeout(session->default_ns);
	return KILN_OK;
}

/* Only what holds Vulkan objects goes; the next step finds that the lane has gone. */
static void lose(void *object)
{
	struct kiln_tune_session *session = object;
	size_t count = session->attempts ? kiln_space_count(session->space) : 0;

	for (size_t i = 0; i < count; i++)
		kiln_tune_trial_finish(&session->attempts[i].trial, &session->lane);
	kiln_tune_trial_finish(&session->smear.trial, &session->lane);
	kiln_tune_lane_lose(&session->lane);
}

static const struct kiln_part_class session_parts = {lose, NULL};

enum kiln_status kiln_tune_session_init(struct kiln_tune_session *session, struct kiln_kernel *kernel,
                                        const struct kiln_tune_params *params,
                                        struct kiln_tune_intent *intent)
{
	enum kiln_status status;

	*session = (struct kiln_tune_session){.kernel = kernel, .intent = intent, .lost_by = KILN_SPACE_NONE};
	enter(session);
	status = begin(session, params);
	leave(session);
	if (status == KILN_OK)
		kiln_part_add(kernel->device, &session->part, &session_parts, session);
	else
		kiln_tune_session_finish(session);
	return status;
}

/* ---- Searching ---- */

static bool tell(void *user, const struct kiln_search_progress *progress)
{
	struct kiln_tune_session *session = user;
	const struct kiln_tune_progress told = {
		.configs_done = progress->configs_done,
		.configs_budget = progress->configs_budget,
		.space_count = progress->space_count,
		.best = kiln_space_config(session->space, progress->best),
		.best_ratio = progress->best_ratio,
		.spent_ns = progress->spent_ns,
		.eta_ns = progress->eta_ns,
		.final = progress->final,
	};

	return !session->params.progress || session->params.progress(session->params.user, &told);
}

static uint64_t seed_of(const struct kiln_tune_key *key)
{
	uint64_t seed = 0;

	for (int i = 0; i < KILN_TUNE_KEY_BYTES; i++)
		seed = seed * UINT64_C(0x100000001b3) ^ key->bytes[i];
	return seed;
}

#define FLOOR_TIMES 10 /* a sample must be so much longer than what the clock can tell */

static enum kiln_status start(struct kiln_tune_session *session, const enum kiln_tune_verdict *known,
                              uint64_t budget_ns)
{
	struct kiln_search_params params = {
		.space = session->space,
		.calls = {.prove = kiln_tune_prove,
	                  .measure = kiln_tune_measure,
	                  .now_ns = now,
	                  .progress = tell,
	                  .user = session},
		.method = session->params.method,
		.seed = seed_of(&session->base.key),
		.max_configs = session->params.max_configs,
		.longest_step_ns = LONGEST_BUILD_NS + 4 * session->lane.timeout_ns,
		.known = known,
	};
	uint64_t spent = kiln_tune_session_spent(session);
	double floor_ns;

	KILN_TRY(kiln_tune_floor(session, &floor_ns));
	params.min_sample_ns = FLOOR_TIMES * floor_ns;
	params.budget_ns = budget_ns > spent ? budget_ns - spent : 1;
	return kiln_search_create(&params, &session->search);
}

enum kiln_status kiln_tune_session_start(struct kiln_tune_session *session,
                                         const enum kiln_tune_verdict *known, uint64_t budget_ns)
{
	enum kiln_status status;

	enter(session);
	status = start(session, known, budget_ns);
	leave(session);
	return status;
}

enum kiln_status kiln_tune_session_step(struct kiln_tune_session *session, bool *out_done)
{
	enum kiln_status status;

	if (session->lane.gone)
		return kiln_tune_lane_begin(&session->lane);
	enter(session);
	status = kiln_search_step(session->search, out_done);
	leave(session);
	return status;
}

enum kiln_tune_outcome kiln_tune_session_prove(struct kiln_tune_session *session, size_t config)
{
	enum kiln_tune_outcome outcome;

	enter(session);
	outcome = kiln_tune_prove(session, config);
	leave(session);
	return outcome;
}

/* ---- Ending ---- */

void kiln_tune_session_finish(struct kiln_tune_session *session)
{
	size_t count = session->attempts ? kiln_space_count(session->space) : 0;

	if (session->kernel)
		kiln_part_remove(session->kernel->device, &session->part);
	kiln_search_destroy(&session->search);
	for (size_t i = 0; i < count; i++) {
		kiln_tune_trial_finish(&session->attempts[i].trial, &session->lane);
		if (!session->lane.stuck)
			kiln_tune_variant_destroy(session->kernel, &session->attempts[i].variant);
	}
	kiln_free(session->attempts);
	if (session->smear.kernel)
		kiln_tune_tool_finish(&session->smear, &session->lane);
	if (session->flush && !session->lane.stuck)
		kiln_buffer_retire(session->flush);
	if (session->scratch.lane)
		kiln_tune_scratch_finish(&session->scratch);
	kiln_tune_lane_finish(&session->lane);
	kiln_space_destroy(&session->space);
	kiln_free(session->push);
	memset(session, 0, sizeof(*session));
}
