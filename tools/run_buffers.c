/* Host data to device buffers and back. */
#include <stdio.h>
#include <string.h>

#include "run.h"

#define PREVIEW_VALUES 4

/* Elsewhere KILN_ERR_TOO_LARGE is about a file; here the device's limit is. */
static enum kiln_exit cannot_create(struct kiln_run *run, size_t index, enum kiln_status status)
{
	enum kiln_exit code =
		status == KILN_ERR_TOO_LARGE ? KILN_EXIT_BAD_LAUNCH : kiln_exit_of_status(status);

	return kiln_tool_fail_for(run->tool, status, code, "binding %zu", index);
}

enum kiln_exit kiln_run_upload(struct kiln_run *run)
{
	for (size_t i = 0; i < run->buffer_count; i++) {
		struct kiln_run_buffer *buffer = &run->buffers[i];
		struct kiln_buffer_params params = {
			.bytes = buffer->array.bytes,
			.contents = buffer->array.data,
			.name = buffer->binding->name,
		};
		enum kiln_status status = kiln_run_is_image(buffer->binding)
		                                  ? kiln_run_upload_image(run, buffer)
		                                  : kiln_buffer_create(run->device, &params, &buffer->buffer);

		if (status)
			return cannot_create(run, i, status);
	}
	return KILN_EXIT_OK;
}

static void preview(struct kiln_run_buffer *buffer)
{
	const struct kiln_array *array = &buffer->array;
	size_t size = kiln_dtype_size(array->type), count = array->bytes / size, at = 0;

	for (size_t i = 0; array->type && i < count && i < PREVIEW_VALUES && at + 40 < sizeof buffer->preview;
	     i++) {
		at += (size_t)snprintf(buffer->preview + at, sizeof buffer->preview - at, "%s", i ? " " : "");
		at += (size_t)kiln_dtype_print(array->type, array->data + i * size, buffer->preview + at,
		                               sizeof buffer->preview - at);
	}
	if (at && count > PREVIEW_VALUES)
		snprintf(buffer->preview + at, sizeof buffer->preview - at, " ...");
}

/* A type said for the output holds for a buffer that came without one. */
static void learn_type(struct kiln_run_buffer *buffer)
{
	enum kiln_dtype said = buffer->target.type;

	if (buffer->output && said && !buffer->array.type && buffer->array.bytes % kiln_dtype_size(said) == 0)
		buffer->array.type = said;
}

enum kiln_exit kiln_run_download(struct kiln_run *run)
{
	for (size_t i = 0; i < run->buffer_count; i++) {
		struct kiln_run_buffer *buffer = &run->buffers[i];
		bool written = buffer->binding->layout.access & KILN_ACCESS_WRITE;
		enum kiln_status status;

		if (!buffer->output && !written)
			continue;
		status = buffer->image
		                 ? kiln_image_read(buffer->image, NULL, buffer->array.data, buffer->array.bytes)
		                 : kiln_buffer_read(buffer->buffer, 0, buffer->array.data, buffer->array.bytes);
		if (status)
			return kiln_tool_fail_status(run->tool, status);
		learn_type(buffer);
		preview(buffer);
	}
	return KILN_EXIT_OK;
}
