/* What kiln_tune() and the tuning of launches have in common: the lock, what a dead tuner left behind, and the end of a run. */
#ifndef RUNTIME_TUNE_RUN_H
#define RUNTIME_TUNE_RUN_H

#include "tune_session.h"

/* Opens the tuner's file of the kernel's device. Without a store there is none. */
enum kiln_status kiln_tune_run_open(struct kiln_device *device, struct kiln_tune_intent *intent);

/* Takes the lock and notes in the store what its last holder died of. */
enum kiln_status kiln_tune_run_take(struct kiln_device *device, struct kiln_tune_intent *intent,
                                    uint64_t wait_ns);

/* Starts the search of a session; what earlier runs found bad is not tried. `budget_ns` counts from the session's beginning. */
enum kiln_status kiln_tune_run_start(struct kiln_tune_session *session, uint64_t budget_ns);

/* When the search is done: proves the winner once more, records, and makes the kernel use it. KILN_ERR_DEVICE_LOST when a
 * configuration took the device, after it was noted; *out_report is set even then, or NULL for want of memory. */
enum kiln_status kiln_tune_run_end(struct kiln_tune_session *session, struct kiln_tune_report **out_report);

#endif
