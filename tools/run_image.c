/* Pictures as images of a kernel. */
#include <stdio.h>
#include <stdlib.h>

#include "run.h"

/* What a picture's pixels are as texels; `spirv` is SPIR-V's number for the format. */
static const struct pixel_format {
	enum kiln_format format;
	uint32_t spirv;
	enum kiln_dtype type;
	unsigned channels;
} formats[] = {
	{KILN_FORMAT_RGBA8, 4, KILN_DTYPE_U8, 4}, /* first: what an image without a format is made of */
	{KILN_FORMAT_R8, 15, KILN_DTYPE_U8, 1},
	{KILN_FORMAT_RGBA32F, 1, KILN_DTYPE_F32, 4},
	{KILN_FORMAT_R32F, 3, KILN_DTYPE_F32, 1},
};

#define FORMATS (sizeof formats / sizeof formats[0])

static const struct pixel_format *declared(const struct kiln_binding *binding)
{
	for (size_t i = 0; i < FORMATS; i++)
		if (formats[i].spirv == binding->image.format)
			return &formats[i];
	return binding->image.format ? NULL : &formats[0];
}

static const struct pixel_format *format_of(const struct kiln_array *array)
{
	for (size_t i = 0; i < FORMATS; i++)
		if (formats[i].type == array->type && formats[i].channels == array->channels)
			return &formats[i];
	return NULL;
}

bool kiln_run_is_image(const struct kiln_binding *binding)
{
	uint32_t type = binding->layout.type;

	return (type == KILN_BINDING_STORAGE_IMAGE || type == KILN_BINDING_SAMPLED_IMAGE ||
	        type == KILN_BINDING_COMBINED_IMAGE_SAMPLER) &&
	       binding->layout.count == 1 && binding->image.dimensions == 2 && !binding->image.arrayed &&
	       !binding->image.multisampled && binding->image.component == KILN_SPEC_F32 && declared(binding);
}

static enum kiln_exit check_picture(struct kiln_run *run, const struct kiln_run_buffer *buffer)
{
	if (buffer->array.width && format_of(&buffer->array))
		return KILN_EXIT_OK;
	return kiln_tool_fail(
		run->tool, KILN_EXIT_BAD_LAUNCH,
		"binding %zu is an image, and '%s' is no picture of gray8, rgba8, gray32f or rgba32f. "
		"Fix: give a PNG file, as --in photo.png:rgba32f, or leave it out for zeros",
		(size_t)(buffer - run->buffers), buffer->input);
}

enum kiln_exit kiln_run_make_image(struct kiln_run *run, struct kiln_run_buffer *buffer)
{
	const struct pixel_format *pixels = declared(buffer->binding);
	struct kiln_array *array = &buffer->array;
	uint32_t width = run->threads[0] ? run->threads[0] : 1,
		 height = run->threads[1] ? run->threads[1] : 1;
	uint64_t bytes = (uint64_t)width * height;

	if (buffer->input)
		return check_picture(run, buffer);
	if (__builtin_mul_overflow(bytes, kiln_format_bytes(pixels->format), &bytes) ||
	    bytes > KILN_ARRAY_BYTES_MAX)
		return kiln_tool_fail(
			run->tool, KILN_EXIT_BAD_LAUNCH,
			"binding %zu: an image of %u x %u texels is over %llu bytes. Fix: use fewer threads",
			(size_t)(buffer - run->buffers), width, height,
			(unsigned long long)KILN_ARRAY_BYTES_MAX);
	array->data = calloc((size_t)bytes, 1);
	if (!array->data)
		return kiln_tool_fail(run->tool, KILN_EXIT_FAILURE, "out of memory. Fix: free some");
	array->bytes = (size_t)bytes;
	array->type = pixels->type;
	array->channels = pixels->channels;
	array->width = width;
	array->height = height;
	array->dims = pixels->channels == 1 ? 2 : 3;
	array->shape[0] = array->height;
	array->shape[1] = array->width;
	array->shape[2] = array->channels;
	snprintf(buffer->source, sizeof buffer->source, "zeros, made up");
	return KILN_EXIT_OK;
}

enum kiln_status kiln_run_upload_image(struct kiln_run *run, struct kiln_run_buffer *buffer)
{
	const struct kiln_image_params params = {
		.format = format_of(&buffer->array)->format,
		.width = buffer->array.width,
		.height = buffer->array.height,
		.contents = buffer->array.data,
		.contents_bytes = buffer->array.bytes,
		.name = buffer->binding->name,
	};

	return kiln_image_create(run->device, &params, &buffer->image);
}

struct kiln_arg kiln_run_argument(const struct kiln_run_buffer *buffer)
{
	struct kiln_arg arg = {.buffer = buffer->buffer, .image = buffer->image};

	if (buffer->image && (kiln_image_info(buffer->image)->uses & KILN_IMAGE_LINEAR))
		arg.sampler.filter = KILN_FILTER_LINEAR;
	return arg;
}
