/* What the driver was told to do, in the order of the calls: what tests/oracle/happens.h judges. The driver is loaded into
 * the program that uses it, so a test finds these two functions in it by name:
 *
 *	hostile_trace_begin()  starts anew; everything submitted by any device of the process is noted
 *	hostile_trace_end()    stops, and hands the events over: free() them
 *
 * Commands are noted when they are submitted, with what they are bound to by then. Bytes are named by the address the device
 * sees them at, so that two buffers in turn on the same memory are the same bytes. The host's accesses are seen where memory
 * is not coherent (HOSTILE=non_coherent): flushing is writing, invalidating is reading. */
#ifndef HOSTILE_TRACE_H
#define HOSTILE_TRACE_H

#include <stddef.h>
#include <stdint.h>

enum trace_kind {
	TRACE_SUBMIT = 1, /* batch `object` begins on `queue` */
	TRACE_WAIT,       /* the batch's `stages_after` wait until semaphore `object` has reached `value` */
	TRACE_ACCESS,     /* command `number` touches [begin, end) at `stages` with `access` */
	TRACE_BARRIER, /* command `number`; memory of [begin, end). Several in one command: several events */
	TRACE_SIGNAL,  /* the batch, and all before it on the queue, bring semaphore `object` to `value` */
	TRACE_DONE,    /* the host has learnt that batch `object` is done, by whatever call */
	TRACE_HOST,    /* the host touches [begin, end) with `access` */
};

struct trace_event {
	enum trace_kind kind;
	uint32_t queue;
	uint64_t number;                     /* of the command; one command may be several events */
	uint64_t begin, end;                 /* bytes; 0 to UINT64_MAX = all memory */
	uint32_t stages, access;             /* VkPipelineStageFlags, VkAccessFlags */
	uint32_t stages_after, access_after; /* of a barrier or a wait */
	uint64_t object, value;
	char name[16]; /* of the command, for messages */
};

#define HOSTILE_TRACE_BEGIN "hostile_trace_begin"
#define HOSTILE_TRACE_END "hostile_trace_end"

typedef void hostile_trace_begin_function(void);
typedef size_t hostile_trace_end_function(struct trace_event **out_events);

#endif
