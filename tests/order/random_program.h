/* Random programs over a few buffers and streams, with a sequential model in C. A program follows from its seed alone. */
#ifndef TESTS_ORDER_RANDOM_PROGRAM_H
#define TESTS_ORDER_RANDOM_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include <kiln/kiln.h>

#define PROGRAM_BUFFERS 4u
#define PROGRAM_STREAMS 4u
#define PROGRAM_WORDS 1024u /* of a buffer */
#define PROGRAM_OPS 64u

enum program_kind {
	PROGRAM_STEP, /* launches: shaders/NAME.comp */
	PROGRAM_MOVE,
	PROGRAM_SUM,
	PROGRAM_COPY,
	PROGRAM_FILL,
	PROGRAM_UPLOAD,
	PROGRAM_DOWNLOAD,
	PROGRAM_READ, /* kiln_buffer_read(), kiln_buffer_write(): they wait */
	PROGRAM_WRITE,
	PROGRAM_SUBMIT,
	PROGRAM_WAIT,   /* for a stream */
	PROGRAM_AFTER,  /* of another stream's last ticket */
	PROGRAM_TICKET, /* is waited for */
	PROGRAM_KINDS,
};

struct program_range {
	uint32_t buffer, begin, count; /* words */
};

struct program_op {
	enum program_kind kind;
	uint32_t stream, other; /* 0 is the default stream */
	struct program_range a, b, c;
	uint32_t k;
};

struct program {
	uint64_t seed;
	uint32_t streams, op_count;
	struct program_op ops[PROGRAM_OPS];
};

struct program_params {
	uint32_t streams; /* at most; 0 = PROGRAM_STREAMS */
	uint32_t ops;     /* at most; 0 = PROGRAM_OPS */
	bool no_waits;    /* of the host */
};

void program_make(uint64_t seed, const struct program_params *params, struct program *out_program);
void program_print(const struct program *program);

/* ---- Running one ---- */

struct program_kernels {
	struct kiln_kernel *step, *move, *sum;
};

enum kiln_status program_kernels_create(struct kiln_device *device, struct program_kernels *out_kernels);
void program_kernels_destroy(struct program_kernels *kernels);

struct program_run {
	enum kiln_status status; /* of the first call that failed; the rest was not run */
	uint32_t stopped;        /* at this operation; op_count = none of them */
	uint32_t wrong;          /* reads, downloads and buffers that are not what the model says */
	char message[512];
};

/* Creates streams and buffers, runs all, compares, and destroys everything in an order that follows from the seed. */
void program_run(const struct program *program, struct kiln_device *device,
                 const struct program_kernels *kernels, struct program_run *out_run);

#endif
