/* What tests of images have in common. */
#ifndef GPU_IMAGES_H
#define GPU_IMAGES_H

#include "harness.h"

static inline struct kiln_image *image_of(enum kiln_format format, uint32_t width, uint32_t height, uint32_t depth,
                                   const void *contents, uint64_t bytes)
{
	struct kiln_image *image = NULL;

	gpu_ok(kiln_image_create(gpu_device,
	                         &(struct kiln_image_params){.format = format,
	                                                     .width = width,
	                                                     .height = height,
	                                                     .depth = depth,
	                                                     .contents = contents,
	                                                     .contents_bytes = bytes},
	                         &image));
	return image;
}

static inline enum kiln_status launch(struct kiln_stream *stream, struct kiln_kernel *kernel, const struct kiln_arg *args,
                               size_t count, const uint32_t threads[3], const void *push, uint32_t push_bytes)
{
	return kiln_stream_launch(stream, kernel,
	                          &(struct kiln_launch_params){.threads = {threads[0], threads[1], threads[2]},
	                                                       .args = args,
	                                                       .arg_count = count,
	                                                       .push = push,
	                                                       .push_bytes = push_bytes});
}

static inline uint32_t rubbish(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

#endif
