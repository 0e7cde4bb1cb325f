/* The search's callbacks, on the device: building a configuration, proving it, timing it. */
#ifndef RUNTIME_TUNE_MEASURE_H
#define RUNTIME_TUNE_MEASURE_H

#include "tune_session.h"

/* Checks the launch as kiln_launch() would, and copies what it binds. */
enum kiln_status kiln_tune_copy_buffers(struct kiln_tune_session *session);

/* Makes the configuration's pipeline and descriptor sets. */
enum kiln_status kiln_tune_attempt_build(struct kiln_tune_session *session, size_t config);

/* Runs the default with each poison and keeps its outputs. KILN_ERR_UNSUPPORTED when it disagrees with itself. */
enum kiln_status kiln_tune_keep_default(struct kiln_tune_session *session);

/* What the shortest dispatch takes on this device by the lane's clock: a single workgroup of the default, or less where another
 * kernel's took less. */
enum kiln_status kiln_tune_floor(struct kiln_tune_session *session, double *out_ns);

/* struct kiln_search_calls; `user` is the session. */
enum kiln_tune_outcome kiln_tune_prove(void *user, size_t config);
struct kiln_measurement kiln_tune_measure(void *user, size_t config, uint32_t dispatches);

#endif
