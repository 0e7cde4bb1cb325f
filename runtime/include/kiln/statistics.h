/* What the driver's compiler tells about a kernel: registers, spills, instructions, subgroup size. */
#ifndef KILN_STATISTICS_H
#define KILN_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kiln/kernel.h>

KILN_BEGIN_DECLS

enum kiln_statistic_type {
	KILN_STATISTIC_BOOL = 0,
	KILN_STATISTIC_I64,
	KILN_STATISTIC_U64,
	KILN_STATISTIC_F64,
};

struct kiln_statistic {
	char name[64];         /* the driver's, such as "VGPRs" */
	char description[192]; /* the driver's */
	enum kiln_statistic_type type;
	union {
		bool boolean;
		int64_t i64;
		uint64_t u64;
		double f64;
	} value;
};

struct kiln_statistics {
	uint32_t subgroup_size; /* 0 = not told */
	size_t count;
	struct kiln_statistic *items; /* owned */
};

/** Compiles the kernel once more, with the driver collecting statistics, and gives them. They differ from driver to driver.
 *  The compile is neither cached nor used for launches: asking for statistics may change what a driver makes.
 *  Returns: KILN_ERR_UNSUPPORTED where the device has no VK_KHR_pipeline_executable_properties; the errors of
 *  kiln_kernel_resolve().
 *  Ownership: free them with kiln_statistics_finish().  Blocks: while compiling. */
KILN_API enum kiln_status kiln_kernel_statistics(struct kiln_kernel *kernel, struct kiln_statistics *out_statistics);

/** Frees what is owned; zeroed is fine. */
KILN_API void kiln_statistics_finish(struct kiln_statistics *statistics);

KILN_END_DECLS

#endif
