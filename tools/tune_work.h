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

/* Takes the ids of all these tables; `user` is a struct kiln_tune_work. */
bool kiln_tune_work_take(void *user, int id, const char *value);

/* Tunes, shows progress, and saves to --report; reports failures itself. Without a report, only_missing found a record. */
enum kiln_exit kiln_tune_work_run(struct kiln_tune_work *work, struct kiln_tune_story *out_story);

/* The whole of kiln tune explain and plot: parses, tunes without recording or loads what --from says, and shows it. */
enum kiln_exit kiln_tune_work_tell(struct kiln_tool *tool, int argc, char **argv,
                                   enum kiln_exit (*show)(struct kiln_tune_work *work,
                                                          const struct kiln_tune_story *story));
void kiln_tune_work_finish(struct kiln_tune_work *work);

#endif
