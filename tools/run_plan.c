/* Which binding gets what, and how many threads that makes. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "number.h"
#include "pattern.h"
#include "run.h"

static bool is_buffer(const struct kiln_binding *binding)
{
	return (binding->layout.type == KILN_BINDING_STORAGE_BUFFER ||
	        binding->layout.type == KILN_BINDING_UNIFORM_BUFFER) &&
	       binding->layout.count == 1;
}

static enum kiln_exit list_bindings(struct kiln_run *run)
{
	const struct kiln_entry_point *entry = run->entry;

	if (entry->binding_count > KILN_BUFFERS_MAX)
		return kiln_tool_fail(run->tool, KILN_EXIT_BAD_LAUNCH,
		                      "the kernel binds %zu buffers, expected at most %d. Fix: bind fewer",
		                      entry->binding_count, KILN_BUFFERS_MAX);
	for (size_t i = 0; i < entry->binding_count; i++) {
		const struct kiln_binding *binding = &entry->bindings[i];

		if (!is_buffer(binding) && !kiln_run_is_image(binding))
			return kiln_tool_fail(
				run->tool, KILN_EXIT_BAD_LAUNCH,
				"binding %zu (set %u, binding %u) is %s%s; kiln run binds single "
				"buffers and two-dimensional images of pictures only. Fix: use a storage buffer in the kernel",
				i, binding->layout.set, binding->layout.binding,
				binding->layout.count == 1 ? "" : "an array of ",
				kiln_binding_type_name(binding->layout.type));
		run->buffers[i].binding = binding;
	}
	run->buffer_count = entry->binding_count;
	return KILN_EXIT_OK;
}

/* "INDEX=..." or "NAME=...": the buffer meant, and the text behind '='. NULL without one. */
static struct kiln_run_buffer *find_prefix(struct kiln_run *run, const char *text, const char **out_rest)
{
	const char *equals = strchr(text, '=');
	size_t length = equals ? (size_t)(equals - text) : 0;
	uint64_t index;

	if (!length)
		return NULL;
	*out_rest = equals + 1;
	if (kiln_number_u64(text, length, &index))
		return index < run->buffer_count ? &run->buffers[index] : NULL;
	for (size_t i = 0; i < run->buffer_count; i++) {
		const char *name = run->buffers[i].binding->name;

		if (name && strlen(name) == length && !memcmp(name, text, length))
			return &run->buffers[i];
	}
	return NULL;
}

static struct kiln_run_buffer *next_free(struct kiln_run *run)
{
	for (size_t i = 0; i < run->buffer_count; i++)
		if (!run->buffers[i].input)
			return &run->buffers[i];
	return NULL;
}

/* "7=..." with a number too high must not count as a file of that name. */
static bool has_index(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits && text[digits] == '=';
}

static enum kiln_exit assign_input(struct kiln_run *run, const char *text)
{
	const char *rest = text;
	struct kiln_run_buffer *buffer = find_prefix(run, text, &rest);

	if (!buffer && !has_index(text)) {
		rest = text;
		buffer = next_free(run);
	}
	if (!buffer)
		return kiln_tool_fail(run->tool, KILN_EXIT_BAD_LAUNCH,
		                      "--in '%s' has no binding left: the kernel binds %zu. "
		                      "Fix: see kiln reflect for the bindings in order",
		                      text, run->buffer_count);
	if (buffer->input)
		return kiln_tool_fail(run->tool, KILN_EXIT_USAGE,
		                      "binding %zu is given twice: '%s' and '%s'. Fix: drop one",
		                      (size_t)(buffer - run->buffers), buffer->input, rest);
	buffer->input = rest;
	return KILN_EXIT_OK;
}

static enum kiln_exit assign_output(struct kiln_run *run, const char *text)
{
	const char *rest = text;
	struct kiln_run_buffer *buffer = find_prefix(run, text, &rest);
	struct kiln_why why;

	if (!buffer)
		return kiln_tool_fail(
			run->tool, KILN_EXIT_BAD_LAUNCH,
			"--out '%s' names no binding: the kernel binds %zu. "
			"Fix: write --out INDEX=FILE with an index from kiln reflect, counted from 0",
			text, run->buffer_count);
	if (buffer->output)
		return kiln_tool_fail(run->tool, KILN_EXIT_USAGE,
		                      "binding %zu is written twice. Fix: drop one --out",
		                      (size_t)(buffer - run->buffers));
	if (!kiln_file_spec_parse(rest, &buffer->target, &why))
		return kiln_tool_fail(run->tool, KILN_EXIT_USAGE, "--out: %s", why.text);
	buffer->output = rest;
	return KILN_EXIT_OK;
}

static enum kiln_exit assign(struct kiln_run *run)
{
	enum kiln_exit code = list_bindings(run);

	/* Indexed inputs first, so that the others fill what is left. */
	for (size_t i = 0; !code && i < run->options.input_count; i++) {
		const char *rest;

		if (has_index(run->options.inputs[i]) || find_prefix(run, run->options.inputs[i], &rest))
			code = assign_input(run, run->options.inputs[i]);
	}
	for (size_t i = 0; !code && i < run->options.input_count; i++) {
		const char *rest;

		if (!has_index(run->options.inputs[i]) && !find_prefix(run, run->options.inputs[i], &rest))
			code = assign_input(run, run->options.inputs[i]);
	}
	for (size_t i = 0; !code && i < run->options.output_count; i++)
		code = assign_output(run, run->options.outputs[i]);
	return code;
}

static void describe_source(struct kiln_run_buffer *buffer)
{
	snprintf(buffer->source, sizeof buffer->source, "%s", buffer->input);
}

/* What needs no number of threads: files, and patterns with a count. */
static enum kiln_exit load_fixed(struct kiln_run *run, struct kiln_run_buffer *buffer)
{
	const struct kiln_pattern_room room = {.element = buffer->binding->runtime_stride};
	struct kiln_file_spec spec;
	struct kiln_why why;

	if (kiln_pattern_is(buffer->input) && kiln_pattern_is_automatic(buffer->input))
		return KILN_EXIT_OK;
	describe_source(buffer);
	if (kiln_pattern_is(buffer->input)) {
		if (kiln_pattern_make(buffer->input, &room, &buffer->array, &why))
			return KILN_EXIT_OK;
		return kiln_tool_fail(run->tool, KILN_EXIT_USAGE, "--in: %s", why.text);
	}
	if (!kiln_file_spec_parse(buffer->input, &spec, &why))
		return kiln_tool_fail(run->tool, KILN_EXIT_USAGE, "--in: %s", why.text);
	if (!kiln_file_spec_read(&spec, &buffer->array, &why))
		return kiln_tool_fail(run->tool, KILN_EXIT_FILE, "--in: %s", why.text);
	if (!buffer->array.bytes)
		return kiln_tool_fail(
			run->tool, KILN_EXIT_BAD_LAUNCH,
			"--in: '%s' holds 0 elements. Fix: give at least one, or no file for zeros",
			buffer->input);
	return KILN_EXIT_OK;
}

/* Elements of the trailing array that `bytes` hold. */
static uint64_t elements_in(const struct kiln_binding *binding, uint64_t bytes)
{
	if (!binding->runtime_stride || bytes < binding->min_bytes)
		return 0;
	return (bytes - binding->min_bytes) / binding->runtime_stride;
}

static bool threads_from(struct kiln_run *run, const struct kiln_run_buffer *buffer)
{
	size_t index = (size_t)(buffer - run->buffers);
	uint64_t elements = elements_in(buffer->binding, buffer->array.bytes);

	if (!buffer->array.data)
		return false;
	if (buffer->array.width) {
		run->threads[0] = buffer->array.width;
		run->threads[1] = buffer->array.height;
		snprintf(run->threads_source, sizeof run->threads_source, "one per pixel of binding %zu",
		         index);
		return true;
	}
	if (!elements || elements > UINT32_MAX)
		return false;
	run->threads[0] = (uint32_t)elements;
	snprintf(run->threads_source, sizeof run->threads_source, "one per element of binding %zu", index);
	return true;
}

/* A picture says most about the launch, so it goes before plain arrays. */
static bool derive_threads(struct kiln_run *run)
{
	run->threads[1] = run->threads[2] = 1;
	for (size_t i = 0; i < run->buffer_count; i++)
		if (run->buffers[i].array.width && threads_from(run, &run->buffers[i]))
			return true;
	for (size_t i = 0; i < run->buffer_count; i++)
		if (threads_from(run, &run->buffers[i]))
			return true;
	return false;
}

static enum kiln_exit settle_threads(struct kiln_run *run)
{
	if (run->options.has_threads) {
		memcpy(run->threads, run->options.threads, sizeof run->threads);
		return KILN_EXIT_OK;
	}
	if (derive_threads(run))
		return KILN_EXIT_OK;
	return kiln_tool_fail(run->tool, KILN_EXIT_BAD_LAUNCH,
	                      "how many threads is not said, and no input says how many elements there are. "
	                      "Fix: add --threads X[,Y[,Z]], or a count to a pattern");
}

static uint64_t total_threads(const struct kiln_run *run)
{
	uint64_t total = run->threads[0];

	if (__builtin_mul_overflow(total, run->threads[1], &total) ||
	    __builtin_mul_overflow(total, run->threads[2], &total))
		return UINT64_MAX;
	return total;
}

/* One element per thread behind the fixed part; UINT64_MAX when that overflows. */
static uint64_t bytes_for_threads(const struct kiln_run *run, const struct kiln_binding *binding)
{
	uint64_t bytes;

	if (__builtin_mul_overflow(binding->runtime_stride, total_threads(run), &bytes) ||
	    __builtin_add_overflow(bytes, binding->min_bytes, &bytes))
		return UINT64_MAX;
	return bytes ? bytes : 4; /* an empty block still needs a buffer */
}

static enum kiln_exit load_sized(struct kiln_run *run, struct kiln_run_buffer *buffer)
{
	const struct kiln_pattern_room room = {
		.bytes = bytes_for_threads(run, buffer->binding),
		.element = 1,
	};
	struct kiln_why why;

	if (buffer->input)
		describe_source(buffer);
	else
		snprintf(buffer->source, sizeof buffer->source, "zeros, made up");
	if (kiln_pattern_make(buffer->input ? buffer->input : "zeros", &room, &buffer->array, &why))
		return KILN_EXIT_OK;
	return kiln_tool_fail(run->tool, KILN_EXIT_BAD_LAUNCH, "binding %zu: %s",
	                      (size_t)(buffer - run->buffers), why.text);
}

/* Too short for one element per thread is right only for kernels that guard: say it, do not forbid it. */
static void note_short(const struct kiln_run *run, const struct kiln_run_buffer *buffer)
{
	uint64_t elements = elements_in(buffer->binding, buffer->array.bytes);

	if (buffer->binding->runtime_stride && elements < total_threads(run))
		kiln_tool_note(run->tool,
		               "binding %zu has %" PRIu64 " elements for %" PRIu64
		               " threads: right only if the kernel checks "
		               "its index",
		               (size_t)(buffer - run->buffers), elements, total_threads(run));
}

enum kiln_exit kiln_run_plan(struct kiln_run *run)
{
	enum kiln_exit code = assign(run);

	for (size_t i = 0; !code && i < run->buffer_count; i++)
		if (run->buffers[i].input)
			code = load_fixed(run, &run->buffers[i]);
	if (!code)
		code = settle_threads(run);
	for (size_t i = 0; !code && i < run->buffer_count; i++) {
		if (kiln_run_is_image(run->buffers[i].binding))
			code = kiln_run_make_image(run, &run->buffers[i]);
		else if (!run->buffers[i].array.data)
			code = load_sized(run, &run->buffers[i]);
		if (!code)
			note_short(run, &run->buffers[i]);
	}
	return code;
}
