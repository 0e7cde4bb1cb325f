/* Processes that all start at once and resolve the same kernels, and what became of each resolve. Nothing of the
 * driver is assumed, so that any can be run under it. */
#ifndef TESTS_HOSTILE_HERD_H
#define TESTS_HOSTILE_HERD_H

#include <kiln/kiln.h>

enum { HERD_MAX = 16, HERD_KERNELS_MAX = 64 };

struct herd {
	const void *spirv;
	size_t spirv_bytes;
	/* What makes one kernel of the module many: its specialisation constant 0, a uint; else its workgroup's width. */
	bool by_constant;
	const char *cache;  /* root */
	unsigned processes; /* 0 = HERD_MAX */
	unsigned kernels;
	/* So many are killed, each at a random moment of `killing_us`; they start first, so that they are those who compile. */
	unsigned victims, killing_us, seed;
	/* What a process does before its first resolve; may be NULL. A scout does it too. */
	void (*before)(const struct herd *herd);
	/* What the parent does once all have started; may be NULL. */
	void (*meanwhile)(const struct herd *herd);
};

struct herd_result {
	unsigned outcomes[KILN_OUTCOME_UNKNOWN + 1]; /* of all processes together, without the victims */
	unsigned failed;                             /* resolves, and processes that ended badly */
	unsigned lease_waits, lease_timeouts;        /* of all processes together, without the victims */
	unsigned killed;                             /* before they were through */
	uint64_t longest_ns;                         /* of one process, from the start to its last resolve */
};

void herd_run(const struct herd *herd, struct herd_result *out_result);

/* Starts one process that resolves the first kernel of the herd and then waits to be killed. */
int herd_scout(const struct herd *herd);

/* For `before`: forks a child soon, most likely in the middle of a compile, that sleeps with all it has inherited for
 * longer than anybody waits. */
void herd_fork_soon(const struct herd *herd);

/* How many kernels the command line asks for. */
unsigned herd_kernels(int argc, char **argv, unsigned otherwise);

/* The second number of the command line, else a new one. */
unsigned herd_seed(int argc, char **argv);

#endif
