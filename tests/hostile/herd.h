/* Processes that all start at once and resolve the same kernels, and what became of each resolve. Nothing of the
 * driver is assumed, so that any can be run under it. */
#ifndef TESTS_HOSTILE_HERD_H
#define TESTS_HOSTILE_HERD_H

#include <kiln/kiln.h>

enum { HERD_MAX = 16, HERD_KERNELS_MAX = 64 };

struct herd {
	const void *spirv; /* its workgroup's width can be chosen: that makes the kernels */
	size_t spirv_bytes;
	const char *cache;  /* root */
	unsigned processes; /* 0 = HERD_MAX */
	unsigned kernels;
	/* What a process does before its first resolve; may be NULL. */
	void (*before)(const struct herd *herd);
	/* What the parent does once all have started; may be NULL. */
	void (*meanwhile)(const struct herd *herd);
};

struct herd_result {
	unsigned outcomes[KILN_OUTCOME_UNKNOWN + 1]; /* of all processes together */
	unsigned failed;                             /* resolves, and processes that ended badly */
	uint64_t longest_ns;                         /* of one process, from the start to its last resolve */
};

void herd_run(const struct herd *herd, struct herd_result *out_result);

/* Starts one process that resolves the first kernel of the herd and then waits to be killed. */
int herd_scout(const struct herd *herd);

/* How many kernels the command line asks for. */
unsigned herd_kernels(int argc, char **argv, unsigned otherwise);

#endif
