/* Long launches, in slices.
 *
 * Displays and drivers take a device for hung that works on one submission for seconds, and reset it. Kiln learns how long a
 * kernel's workgroups take, and hands a launch that would be longer than a budget (kiln_device_params.slice_budget_ns) to the
 * device in parts. They are one operation: what is enqueued before is done before, what is enqueued after waits for all of
 * it, and no barrier stands between them. To other threads that use the same buffers meanwhile, each part is a launch.
 *
 * Launches of up to 4096 workgroups, and launches known to be short, are enqueued as ever. The first launch of a kernel with
 * more (or, without loops in its code, more than a million) begins with small slices that are waited for, until its time is
 * known; later ones wait only while two slices are ahead. A kernel sees its own grid throughout: gl_WorkGroupID and
 * gl_NumWorkGroups are what they are without slices.
 *
 * Not sliced are launches with counts on the device, and kernels whose workgroups may depend on one
 * another: such that declare coherent or volatile memory, order memory beyond the workgroup, or look at the results of atomics
 * in a loop; nor those that use gl_NumWorkGroups in a way that cannot be replaced. The log says so once for a kernel. */
#ifndef KILN_SLICE_H
#define KILN_SLICE_H

#include <stdbool.h>
#include <stdint.h>

#include <kiln/stream.h>

KILN_BEGIN_DECLS

#define KILN_SLICE_NEVER UINT64_MAX /* a budget: launches are never sliced */

struct kiln_slice_params {
	uint64_t budget_ns; /* how long a slice may take, about; 0 = the device's. Below 1 ms counts as 1 ms */
	/* Called on this thread as slices are done, last with done == total; may be NULL. false = stop: what is not with the
	 * device yet is not launched. It may enqueue work on other streams, and must not wait for this one. */
	bool (*progress)(void *user, uint64_t done_groups, uint64_t total_groups);
	void *user;
};

/** What became of a sliced launch. */
struct kiln_slice_report {
	uint64_t done_groups; /* a prefix of the grid, in the order x, y, z */
	uint64_t total_groups;
	uint64_t slices;      /* submissions it took */
	uint64_t longest_ns;  /* of those that were measured */
	uint64_t group_ps;    /* what a workgroup takes, in picoseconds, as far as known; 0 = not */
	const char *whole;    /* why it was not sliced, static text; NULL = it was, or was short enough */
};

/** Launches, in slices where need be, and waits: for jobs of seconds that show how far they are and can be stopped. `slice`
 *  NULL = defaults. `out_report` may be NULL; it is written whenever something was launched.
 *  Returns: as kiln_stream_launch(); KILN_ERR_CANCELLED after progress() said so; KILN_ERR_UNSUPPORTED while a graph is being
 *  recorded and for indirect launches.  Threads: any.  Blocks: until it is done. */
KILN_API enum kiln_status kiln_stream_launch_sliced(struct kiln_stream *stream, struct kiln_kernel *kernel,
                                                    const struct kiln_launch_params *params,
                                                    const struct kiln_slice_params *slice,
                                                    struct kiln_slice_report *out_report);

KILN_END_DECLS

#endif
