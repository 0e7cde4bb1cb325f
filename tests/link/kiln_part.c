#include "kiln_part.h"

#include <stdio.h>

#include <kiln/kiln.h>

#include "saxpy_spv.h"

#define N 1000u

static enum kiln_status run(struct kiln_device **device, struct kiln_kernel **kernel, struct kiln_buffer **x,
                            struct kiln_buffer **y, float *result)
{
	float ones[N];
	struct {
		uint32_t n;
		float a;
	} push = {N, 2.0f};
	for (unsigned i = 0; i < N; i++)
		ones[i] = 1.0f;
	KILN_TRY(kiln_device_open(NULL, device));
	KILN_TRY(kiln_kernel_create(*device,
	                            &(struct kiln_kernel_params){.spirv = saxpy_spv,
	                                                         .spirv_bytes = sizeof saxpy_spv},
	                            kernel));
	KILN_TRY(kiln_buffer_create(*device,
	                            &(struct kiln_buffer_params){.bytes = sizeof ones, .contents = ones}, x));
	KILN_TRY(kiln_buffer_create(*device,
	                            &(struct kiln_buffer_params){.bytes = sizeof ones, .contents = ones}, y));
	KILN_TRY(kiln_launch(*kernel, &(struct kiln_launch_params){.threads = {N},
	                                                           .buffers = {*x, *y},
	                                                           .push = &push,
	                                                           .push_bytes = sizeof push}));
	return kiln_buffer_read(*y, 0, result, sizeof ones);
}

int use_kiln(void)
{
	struct kiln_device *device = NULL;
	struct kiln_kernel *kernel = NULL;
	struct kiln_buffer *x = NULL, *y = NULL;
	float result[N] = {0};
	int wrong = 0;

	enum kiln_status status = run(&device, &kernel, &x, &y, result);
	if (status != KILN_OK)
		fprintf(stderr, "%s: %s\n", kiln_status_name(status), kiln_error_message());
	for (unsigned i = 0; i < N; i++)
		wrong |= result[i] != 3.0f;
	kiln_kernel_destroy(&kernel);
	kiln_buffer_destroy(&x);
	kiln_buffer_destroy(&y);
	kiln_device_close(&device);
	if (wrong)
		fprintf(stderr, "Kiln's result is wrong\n");
	return status != KILN_OK || wrong;
}
