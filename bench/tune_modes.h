/* What the modes of bench/tune share. */
#ifndef BENCH_TUNE_MODES_H
#define BENCH_TUNE_MODES_H

#include "common.h"
#include "tune_kernels.h"

#define TUNE_CONFIG_BYTES 128
#define TUNE_ANSWER_BYTES 256
#define TUNE_LAUNCHES 100 /* of one run of tuning by launching */

struct tune_settings {
	const char *mode, *kernel, *driver, *folder;
	unsigned trials, hogs, rounds;
	uint64_t budget_ns; /* 0 = the tuner's own */
	uint32_t scale;
	bool json;
};

/* A row of a table for people, or an object of JSON. */
void tune_row(const struct tune_settings *settings, const char *kernel);
void tune_row_number(const struct tune_settings *settings, const char *name, double value);
void tune_row_word(const struct tune_settings *settings, const char *name, const char *value);
void tune_row_end(const struct tune_settings *settings);

/* Processes that burn a core each. */
void tune_hogs_start(const struct tune_settings *settings);
void tune_hogs_stop(void);

struct kiln_device *tune_device_open(void);
/* A short name for files and tables. */
const char *tune_driver_name(const struct kiln_device *device);
struct kiln_tune_report *tune_once(const struct tune_settings *settings, const struct tune_place *place);

/* This program again, with the word "child" and caches that were never used: what it prints, one line. `what` is "tune"
 * (milliseconds and the choice) or "launch" (milliseconds of TUNE_LAUNCHES). */
void tune_fresh_process(const char *what, const struct tune_settings *settings, const char *kernel,
                        char out_answer[TUNE_ANSWER_BYTES]);
/* What such a process does. */
int tune_child(char **argv);

/* The modes, for one kernel each. */
void tune_spaces(const struct tune_settings *settings, struct kiln_device *device,
                 const struct tune_kernel *kernel);
void tune_regret(const struct tune_settings *settings, struct kiln_device *device,
                 const struct tune_kernel *kernel);
void tune_repeat(const struct tune_settings *settings, struct kiln_device *device,
                 const struct tune_kernel *kernel);
void tune_time(const struct tune_settings *settings, struct kiln_device *device,
               const struct tune_kernel *kernel);
void tune_launches(const struct tune_settings *settings, struct kiln_device *device,
                   const struct tune_kernel *kernel);

#endif
