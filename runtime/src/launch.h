/* What kiln_launch() checks before anything is enqueued, for others that launch and for what changes one later. */
#ifndef RUNTIME_LAUNCH_H
#define RUNTIME_LAUNCH_H

#include <kiln/kernel.h>

#include "stream.h"

struct kiln_graph_place;
struct kiln_slice_call;

/* Checks and completes argument `index`, counted in (set, binding, array element) order, for a launch at that place, graph.h;
 * NULL = in no graph. */
enum kiln_status kiln_launch_check_argument(const struct kiln_kernel *kernel,
                                            const struct kiln_entry_point *entry, size_t index,
                                            const struct kiln_graph_place *place,
                                            struct kiln_stream_binding *given);

/* What kiln_stream_launch() does. `groups`, if not NULL, is where Kiln wrote workgroup counts that are safe: they count
 * instead of params->threads, which bound them. */
enum kiln_status kiln_launch_on(struct kiln_stream *stream, struct kiln_kernel *kernel,
                                const struct kiln_launch_params *params,
                                const struct kiln_stream_binding *groups);
/* The same; `call`, if not NULL, is about slices and excludes `groups`. */
enum kiln_status kiln_launch_with(struct kiln_stream *stream, struct kiln_kernel *kernel,
                                  const struct kiln_launch_params *params,
                                  const struct kiln_stream_binding *groups,
                                  const struct kiln_slice_call *call);
struct kiln_variant;

struct kiln_launch_arguments {
	struct kiln_stream_binding bindings[KILN_BUFFERS_MAX + 1]; /* and behind them the counts of an indirect launch */
	uint32_t count;
};

/* Number, type, access and length of the buffers, and the push constants, against the kernel's interface. `place` as above. */
enum kiln_status kiln_launch_check(const struct kiln_kernel *kernel, const struct kiln_variant *variant,
                                   const struct kiln_launch_params *params,
                                   const struct kiln_graph_place *place,
                                   struct kiln_launch_arguments *out_arguments);
/* The push constants alone. */
enum kiln_status kiln_launch_check_push(const struct kiln_kernel *kernel, uint32_t expected,
                                        const struct kiln_launch_params *params);

/* Threads in whole workgroups. KILN_ERR_THREADS_LIMIT. */
enum kiln_status kiln_launch_groups(const struct kiln_kernel *kernel, const uint32_t threads[3],
                                    const uint32_t size[3], uint32_t out_groups[3]);

#endif
