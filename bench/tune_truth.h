/* How fast every configuration really is, found without the tuner: launches as a program makes them, on the host's clock,
 * each round against the default and with the buffers somewhere else. The best of many looks better than it is: it is chosen
 * by every other round, and how fast a configuration is, the rounds between say. */
#ifndef BENCH_TUNE_TRUTH_H
#define BENCH_TUNE_TRUTH_H

#include "common.h"
#include "tune_kernels.h"

struct tune_truth {
	struct kiln_tune_config config;
	struct kiln_kernel *kernel; /* NULL = cannot be launched */
	struct bench_series ratios[2]; /* to the default next to it, by turns of the rounds */
	bool chosen;                   /* measured to the end however slow it looks */
	double ratio[2];               /* medians, as shares of the default's own; 0 = unusable */
};

struct tune_truths {
	struct tune_place *place;
	struct tune_truth *all; /* [0] is the default */
	size_t count;
	unsigned launches; /* in one sample */
	unsigned round;
	double default_ns;
};

/* Lists the space, and measures all of it in a few rounds. */
void tune_truth_open(struct tune_truths *truths, struct tune_place *place);
/* Measures what is near the best, and what was chosen, for so many rounds more. */
void tune_truth_refine(struct tune_truths *truths, unsigned rounds);
size_t tune_truth_find(const struct tune_truths *truths, const struct kiln_tune_config *config);
size_t tune_truth_best(const struct tune_truths *truths);
/* By the rounds that did not choose the best. */
double tune_truth_ratio(const struct tune_truths *truths, size_t at);
void tune_truth_close(struct tune_truths *truths);

#endif
