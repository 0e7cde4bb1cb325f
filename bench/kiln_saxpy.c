/* Kiln's side of the start-up race: the same saxpy through the public API, cache and tuning on as they are
 * by default. With "copy" as argument, host arrays go in and out by copies instead of through the mapped
 * buffers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kiln/kiln.h>

#include "saxpy.h"
#include "saxpy_spv.h"

#define BYTES (SAXPY_COUNT * sizeof(float))

struct buffers {
	struct kiln_buffer *x, *y;
};

static enum kiln_status fill_mapped(struct kiln_device *device, struct buffers *buffers)
{
	struct kiln_buffer_params params = {.bytes = BYTES};
	void *x = NULL, *y = NULL;
	KILN_TRY(kiln_buffer_create(device, &params, &buffers->x));
	KILN_TRY(kiln_buffer_create(device, &params, &buffers->y));
	KILN_TRY(kiln_buffer_map(buffers->x, &x));
	KILN_TRY(kiln_buffer_map(buffers->y, &y));
	saxpy_fill(x, y);
	kiln_buffer_unmap(buffers->x);
	kiln_buffer_unmap(buffers->y);
	return KILN_OK;
}

static enum kiln_status fill_copied(struct kiln_device *device, struct buffers *buffers, float *host)
{
	saxpy_fill(host, host + SAXPY_COUNT);
	KILN_TRY(kiln_buffer_create(device, &(struct kiln_buffer_params){.bytes = BYTES, .contents = host},
	                            &buffers->x));
	return kiln_buffer_create(device,
	                          &(struct kiln_buffer_params){.bytes = BYTES,
	                                                       .contents = host + SAXPY_COUNT},
	                          &buffers->y);
}

static enum kiln_status result(struct buffers *buffers, float *host, const float **out_y)
{
	void *mapped = NULL;
	if (host) {
		KILN_TRY(kiln_buffer_read(buffers->y, 0, host, BYTES));
		*out_y = host;
		return KILN_OK;
	}
	KILN_TRY(kiln_buffer_map(buffers->y, &mapped));
	*out_y = mapped;
	return KILN_OK;
}

static enum kiln_status run(struct kiln_device **device, struct kiln_kernel **kernel, struct buffers *buffers,
                            float *host, bool *out_right)
{
	struct saxpy_push push = {SAXPY_COUNT, SAXPY_A};
	const float *y = NULL;

	KILN_TRY(kiln_device_open(NULL, device));
	saxpy_phase("device");
	if (host)
		KILN_TRY(fill_copied(*device, buffers, host));
	else
		KILN_TRY(fill_mapped(*device, buffers));
	saxpy_phase("memory");
	KILN_TRY(kiln_kernel_create(*device,
	                            &(struct kiln_kernel_params){.spirv = saxpy_spv,
	                                                         .spirv_bytes = sizeof saxpy_spv},
	                            kernel));
	KILN_TRY(kiln_kernel_resolve(*kernel, NULL));
	saxpy_phase("pipeline");
	KILN_TRY(kiln_launch(*kernel, &(struct kiln_launch_params){.threads = {SAXPY_COUNT},
	                                                           .buffers = {buffers->x, buffers->y},
	                                                           .push = &push,
	                                                           .push_bytes = sizeof push}));
	KILN_TRY(result(buffers, host, &y));
	saxpy_phase("run");
	*out_right = saxpy_check(y);
	saxpy_phase("check");
	return KILN_OK;
}

int main(int argc, char **argv)
{
	saxpy_phase("start");
	struct kiln_device *device = NULL;
	struct kiln_kernel *kernel = NULL;
	struct buffers buffers = {0};
	bool right = false;
	float *host = argc > 1 && strcmp(argv[1], "copy") == 0 ? malloc(2 * BYTES) : NULL;

	enum kiln_status status = run(&device, &kernel, &buffers, host, &right);
	if (status != KILN_OK)
		fprintf(stderr, "kiln_saxpy: %s: %s\n", kiln_status_name(status), kiln_error_message());
	else if (!right)
		fprintf(stderr, "kiln_saxpy: wrong result\n");
	else
		saxpy_done();

	kiln_kernel_destroy(&kernel);
	kiln_buffer_destroy(&buffers.x);
	kiln_buffer_destroy(&buffers.y);
	kiln_device_close(&device);
	free(host);
	return right ? 0 : 1;
}
