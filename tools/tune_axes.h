/* Laying the configurations of a report out on paper: which tunables are the columns, which the rows. */
#ifndef TOOLS_TUNE_AXES_H
#define TOOLS_TUNE_AXES_H

#include <stddef.h>

#include "tune_story.h"

#define KILN_TUNE_LABEL_BYTES 64

struct kiln_tune_grid {
	char (*x_labels)[KILN_TUNE_LABEL_BYTES], (*y_labels)[KILN_TUNE_LABEL_BYTES];
	char x_title[KILN_TUNE_LABEL_BYTES], y_title[KILN_TUNE_LABEL_BYTES];
	size_t columns, rows;                     /* 1 row: a bar chart */
	const struct kiln_tune_candidate **cells; /* by row; NULL = not a configuration of the kernel */
	size_t hidden;                            /* configurations that are not shown */
};

/* A grid of at most a slide's size: what was not tried goes first, then, as a bar chart, all but the best. false: out of
 * memory. The grid points into the story. */
bool kiln_tune_grid_make(const struct kiln_tune_story *story, struct kiln_tune_grid *out_grid);
void kiln_tune_grid_finish(struct kiln_tune_grid *grid);

#endif
