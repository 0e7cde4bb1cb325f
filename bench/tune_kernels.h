/* The kernels that tuning is measured on: six of different nature, each with data of its own. */
#ifndef BENCH_TUNE_KERNELS_H
#define BENCH_TUNE_KERNELS_H

#include <kiln/kiln.h>

#define TUNE_BUFFERS 3

struct tune_kernel {
	const char *name;
	struct kiln_kernel_params params;
	/* Fills in what the size of the problem decides; `scale` 1 is a few tenths of a millisecond. */
	void (*size)(struct tune_kernel *kernel, uint32_t scale);
	bool (*allow)(void *user, const struct kiln_tune_config
	                                  *config); /* keeps the space to what can be measured in full */
	double tolerance;

	uint32_t threads[3], push[4], push_bytes;
	uint64_t buffer_bytes[TUNE_BUFFERS];
	unsigned buffer_count;
};

extern const struct tune_kernel tune_kernels[];
extern const size_t tune_kernel_count;

/* NULL = none of that name. */
const struct tune_kernel *tune_kernel_find(const char *name);

/* A kernel on a device, ready to launch. Everything exits on failure. */
struct tune_place {
	struct tune_kernel kernel;
	struct kiln_device *device;
	struct kiln_kernel *handle;
	struct kiln_buffer *buffers[TUNE_BUFFERS];
	struct kiln_launch_params launch;
};

void tune_place_open(struct tune_place *place, struct kiln_device *device, const struct tune_kernel *kernel,
                     uint32_t scale);
/* Puts the buffers at other addresses: where they lie is worth a few percent. */
void tune_place_move(struct tune_place *place);
void tune_place_close(struct tune_place *place);

/* What kiln_tune() takes, with its own budget and nothing recorded. */
struct kiln_tune_params tune_params_of(const struct tune_place *place);

/* Ends the program with Kiln's own sentence unless `status` is KILN_OK. */
void tune_check(enum kiln_status status, const char *what);

#endif
