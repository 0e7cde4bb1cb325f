/* Kiln's own kernels, for launch modes. They are resolved with the first kernel made for a mode that needs them, so that a
 * launch compiles nothing, and kept in the cache like any other. */
#ifndef RUNTIME_LAUNCH_HELPER_H
#define RUNTIME_LAUNCH_HELPER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <base/thread.h>
#include <kiln/status.h>

struct kiln_device;
struct kiln_pipeline;
struct kiln_program;
struct kiln_stream;
struct kiln_stream_binding;

enum kiln_helper {
	KILN_HELPER_INDIRECT,
	KILN_HELPER_MARKS_COUNT,
	KILN_HELPER_MARKS_SCAN,
	KILN_HELPER_MARKS_LIST,
	KILN_HELPERS,
};

struct kiln_helpers {
	struct kiln_mutex lock;
	bool lock_ready;
	atomic_uint modes; /* KILN_FEATURE_*: whose helpers are ready. Not 0: some dispatch may be indirect */
	struct kiln_program *programs[KILN_HELPERS];   /* acquired */
	struct kiln_pipeline *pipelines[KILN_HELPERS]; /* referenced */
};

enum kiln_status kiln_helpers_init(struct kiln_helpers *helpers);
/* Before the programs and the pipelines' tier. Zeroed memory is fine. */
void kiln_helpers_finish(struct kiln_device *device);

/* Lets the pipelines go: their device is gone. They are made again as at first. */
void kiln_helpers_lose(struct kiln_device *device);

/* Makes what these launch modes need ready.  Returns: as kiln_kernel_resolve(). */
enum kiln_status kiln_helpers_ready(struct kiln_device *device, uint32_t modes);

/* Enqueues one that is ready. */
enum kiln_status kiln_helper_launch(struct kiln_stream *stream, enum kiln_helper helper,
                                    const struct kiln_stream_binding *bindings, uint32_t count,
                                    const void *push, uint32_t push_bytes, uint32_t groups);

#endif
