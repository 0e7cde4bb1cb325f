/* Tuning one kernel for one launch: the options of kiln run, those of the search, and the run itself. */
#ifndef TOOLS_TUNE_WORK_H
#define TOOLS_TUNE_WORK_H

#include "run.h"
#include "tune_story.h"

struct kiln_tune_work {
	struct kiln_run run; /* what to launch */
	uint64_t budget_ns;
	uint32_t configs;
	enum kiln_tune_method method;
	double relative, absolute; /* --tolerance */
	bool cold, resizable, only_missing, no_record;
	bool measures;      /* an option was given that a saved report has no use for */
	const char *report; /* file to save to */
	const char *from;   /* file to read instead of measuring */
	const char *output;
};

/* What beside kiln_options_launch says how to search. */
extern const struct kiln_option kiln_options_search[];
extern const struct kiln_option kiln_options_from[];
/* What launch options are for in the help of these commands. */
#define KILN_TUNE_LAUNCH_HELP                                                                                \
	"Buffers, threads and constants are given as to kiln run. Without any --in, buffers hold made-up\n"  \
	"f32 from 0.5 to 1.5. Tuned are the workgroup dimensions set by specialisation constants, and\n"     \
	"constants named UNROLL, TILE_X, TILE_Y and TILE_Z. A configuration is timed only after its whole\n" \
	"output was the default's."

/* The whole of kiln tune run, explain and plot: parses, tunes or loads what --from says, saves to --report, and shows it; the
 * device is still open then. Progress and failures are shown before. Only what is `recording` needs a kernel and changes the
 * store; it alone may show a story without a report, where --only-missing found a record. */
enum kiln_exit kiln_tune_work_main(struct kiln_tool *tool, int argc, char **argv, bool recording,
                                   enum kiln_exit (*show)(struct kiln_tune_work *work,
                                                          const struct kiln_tune_story *story));

#endif
