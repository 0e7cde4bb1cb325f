/* What the host does when a submission is done: the last copy of a download, a callback. In the order of the stream, on a
 * thread that waits. */
#ifndef RUNTIME_HOST_STEP_H
#define RUNTIME_HOST_STEP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <base/thread.h>
#include <kiln/status.h>

struct kiln_buffer;
struct kiln_stream;

struct kiln_host_step {
	struct kiln_host_step *next;
	uint64_t ticket;
	void (*call)(void *user); /* NULL = a download */
	void *user;
	struct kiln_buffer *staging; /* owned */
	void *out_data;
	uint64_t bytes;
};

struct kiln_host_steps {
	struct kiln_mutex running; /* held while steps run: they run one at a time */
	bool lock_ready;
	atomic_uint pending;                  /* not run to the end yet */
	struct kiln_host_step *first, **last; /* guarded by the stream's lock */
};

enum kiln_status kiln_host_steps_init(struct kiln_host_steps *steps);
/* Drops what never ran. */
void kiln_host_steps_finish(struct kiln_host_steps *steps);

/* Under the stream's lock: `step` runs once its ticket is done. */
void kiln_host_steps_add(struct kiln_host_steps *steps, struct kiln_host_step *step);
/* Runs what is due; the stream is not locked. A step may enqueue work and even wait: such a wait runs no steps itself. With
 * `lost`, downloads are dropped and nobody is called. */
enum kiln_status kiln_host_steps_run(struct kiln_stream *stream, bool lost);

#endif
