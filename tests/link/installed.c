/* A program outside the tree: what a newcomer writes first. Argument: a saxpy.spv. */
#include <kiln/kiln.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	static _Alignas(4) char spirv[65536];
	float x[4] = {1, 2, 3, 4}, y[4] = {0};
	struct {
		uint32_t n;
		float a;
	} push = {4, 10.0f};
	struct kiln_device *dev = NULL;
	struct kiln_kernel *saxpy = NULL;
	struct kiln_buffer *bx = NULL, *by = NULL;
	FILE *file = fopen(argv[argc - 1], "rb");
	size_t size = file ? fread(spirv, 1, sizeof spirv, file) : 0;
	if (kiln_device_open(NULL, &dev) ||
	    kiln_kernel_create(dev, &(struct kiln_kernel_params){.spirv = spirv, .spirv_bytes = size},
	                       &saxpy) ||
	    kiln_buffer_create(dev, &(struct kiln_buffer_params){.bytes = sizeof x, .contents = x}, &bx) ||
	    kiln_buffer_create(dev, &(struct kiln_buffer_params){.bytes = sizeof y, .contents = y}, &by) ||
	    kiln_launch(saxpy, &(struct kiln_launch_params){.threads = {4},
	                                                    .buffers = {bx, by},
	                                                    .push = &push,
	                                                    .push_bytes = sizeof push}) ||
	    kiln_buffer_read(by, 0, y, sizeof y))
		return printf("failed: %s\n", kiln_error_message()), 1;
	printf("%g %g %g %g\n", y[0], y[1], y[2], y[3]);
	kiln_kernel_destroy(&saxpy), kiln_buffer_destroy(&bx), kiln_buffer_destroy(&by),
		kiln_device_close(&dev);
	return !(y[0] == 10 && y[1] == 20 && y[2] == 30 && y[3] == 40);
}
