/* Tuning: measuring on this device which workgroup size, unroll depth and tile a kernel runs fastest at, and keeping the
 * answer in the device's store, where launches of this and later processes find it.
 *
 * A configuration is timed only after it has proved itself: its whole output on copies of the buffers is the default's. What
 * computes wrongly, hangs or takes the device down is noted in the store and never tried again. The winner is at least 3 %
 * faster than the default in at least 9 of 10 paired rounds; else the default is what is recorded.
 *
 * KILN_AUTOTUNE says what launches do by themselves: `off` touches nothing; `use`, the default, takes what the store has;
 * `tune` also tunes what it has not, on the default stream, see kiln_launch(); `retune` tunes everything anew, once in each process. */
#ifndef KILN_TUNE_H
#define KILN_TUNE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kiln/kernel.h>
#include <kiln/tune_report.h>

KILN_BEGIN_DECLS

struct kiln_tune_progress {
	size_t configs_done;                 /* proved or given up */
	size_t configs_budget;               /* how many there may be */
	size_t space_count;                  /* how many configurations the kernel has */
	const struct kiln_tune_config *best; /* fastest so far; valid during the call */
	double best_ratio;                   /* of its time to the default's; 1 until something is known */
	uint64_t spent_ns;
	uint64_t eta_ns; /* a guess at what is left; UINT64_MAX = no idea yet */
	bool final;      /* in the paired rounds at the end */
};

struct kiln_tune_params {
	/* What to tune for, as for kiln_launch(). The buffers are copied and come out of this untouched. */
	struct kiln_launch_params launch;
	/* Instead of launch.buffers and launch.args: buffers of these sizes (bytes, in binding order) with made-up contents,
	 * f32 from 0.5 to 1.5. For kernels whose control flow does not depend on their data. */
	const uint64_t *buffer_bytes;
	size_t buffer_count;

	/* 0 = 1 s; the time of 400 launches where that is more, up to 10 s; never less than that of 60. What has begun is finished,
	 * so it may be passed by one configuration. */
	uint64_t budget_ns;
	size_t max_configs;          /* the default included; 0 = a quarter of the space, at least 8 */
	enum kiln_tune_method method;
	uint64_t timeout_ns;         /* of one trial; 0 = 10 s, or 200 times the default where that is more. Then the device counts as hung */
	uint64_t lock_wait_ns;       /* for another process that tunes on this device; 0 = 10 s */

	/* How far outputs may differ, as f32: absolute + relative * |expected|. Both 0 = not in a bit. */
	double tolerance_absolute, tolerance_relative;

	bool only_missing; /* a usable record is left alone, and *out_report is NULL */
	bool no_record;    /* measure, and leave store and kernel as they are */
	bool cold;         /* caches are flushed before each dispatch: for kernels that run rarely */

	/* false = not this configuration. May be NULL. */
	bool (*allow)(void *user, const struct kiln_tune_config *config);
	/* After each step, and now and then while another tuner is waited for, when all there is is `spent_ns`; false = stop.
	 * May be NULL. */
	bool (*progress)(void *user, const struct kiln_tune_progress *progress);
	void *user;
};

#define kiln_tune KILN_ABI(kiln_tune)
/** Tunes the kernel for launches like this one, and makes it use what was found. What is tuned: workgroup dimensions set by
 *  specialisation constants (or literal ones of a kernel declared resizable), UNROLL, TILE_X, TILE_Y and TILE_Z. A kernel that
 *  is not declared guarded is never launched with more threads than its own size makes of these.
 *  The record holds for problem sizes of the same bucket, kiln_tune_bucket().
 *  *out_report (may be NULL) explains every configuration.
 *  Returns: KILN_ERR_UNSUPPORTED when there is nothing to tune, when the caller fixed the workgroup size, or when the kernel's
 *  results are not the same from run to run; what kiln_launch() says of the launch's parameters; KILN_ERR_TIMEOUT when another
 *  process tunes on this device for too long, or when the kernel as it is takes longer than `timeout_ns`, which gives the device up; KILN_ERR_CANCELLED, and nothing is recorded then; KILN_ERR_DEVICE_LOST when a
 *  configuration hung the device, after it was noted - *out_report is then set all the same, and gives that configuration the
 *  verdict KILN_TUNE_HUNG; KILN_ERR_COMPILE_ONLY, KILN_ERR_OUT_OF_MEMORY,
 *  KILN_ERR_OUT_OF_DEVICE_MEMORY. A store that cannot be written is logged, no error:
 *  report->recorded says whether it was. What is provisional is not recorded where a result stands that is settled, or faster.
 *  Ownership: kiln_tune_report_destroy() the report, wherever there is one.  Threads: any; others may launch meanwhile, which blurs the measurement.
 *  Blocks: yes, for about the budget. */
KILN_API enum kiln_status kiln_tune(struct kiln_kernel *kernel, const struct kiln_tune_params *params,
                                    struct kiln_tune_report **out_report);

KILN_END_DECLS

#endif
