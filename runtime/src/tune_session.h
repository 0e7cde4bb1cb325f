/* One tuning run: the launch it is for, on copies, and the search over its configurations. It goes in steps of one proof or
 * one sample, so that it can be spread over a program's real work. */
#ifndef RUNTIME_TUNE_SESSION_H
#define RUNTIME_TUNE_SESSION_H

#include <autotune/search.h>
#include <kiln/tune.h>

#include "kernel.h"
#include "tune_intent.h"
#include "tune_tool.h"

struct kiln_tune_attempt {
	struct kiln_variant *variant; /* NULL = not built */
	struct kiln_tune_trial trial;
};

struct kiln_tune_session {
	struct kiln_kernel *kernel; /* borrowed */
	struct kiln_tune_params params;
	uint32_t threads[3];
	struct kiln_tune_record base; /* key, bucket, and the default's configuration */
	void *push;
	struct kiln_tune_tolerance tolerance;

	struct kiln_tune_lane lane;
	struct kiln_tune_scratch scratch;
	struct kiln_tune_tool smear;
	bool smears;                     /* the kernel has workgroup memory */
	struct kiln_buffer *flush;       /* what empties the caches; NULL = they stay */
	struct kiln_tune_intent *intent; /* borrowed, held by the caller */

	struct kiln_space *space;
	struct kiln_search *search;
	struct kiln_tune_attempt *attempts; /* of the space's configurations */
	size_t lost_by;    /* the configuration that took the device; KILN_SPACE_NONE = none */
	double default_ns; /* of one dispatch, roughly */

	struct kiln_part part;

	uint64_t active_ns, active_since; /* time inside steps; since 0 = not inside one */
};

/* Copies the launch's buffers, runs the default and keeps what it does. Everything `params` points to but the callbacks' user
 * is copied. `known`: verdicts of earlier runs are asked for once the space is there. */
enum kiln_status kiln_tune_session_init(struct kiln_tune_session *session, struct kiln_kernel *kernel,
                                        const struct kiln_tune_params *params,
                                        struct kiln_tune_intent *intent);
/* How long one trial may take where nobody said: ten seconds, or what a configuration that is merely slow needs. */
uint64_t kiln_tune_timeout(double default_ns);
/* Makes the search. `known` as in struct kiln_search_params; `budget_ns` counts from the session's beginning. */
enum kiln_status kiln_tune_session_start(struct kiln_tune_session *session,
                                         const enum kiln_tune_verdict *known, uint64_t budget_ns);
enum kiln_status kiln_tune_session_step(struct kiln_tune_session *session, bool *out_done);

/* Runs a configuration's proof anew: what won was right once, and must be again. */
enum kiln_tune_outcome kiln_tune_session_prove(struct kiln_tune_session *session, size_t config);

void kiln_tune_session_finish(struct kiln_tune_session *session);

/* Time spent inside the session so far. */
uint64_t kiln_tune_session_spent(const struct kiln_tune_session *session);

#endif
