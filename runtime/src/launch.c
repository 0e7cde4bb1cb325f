#include "launch.h"

#include <string.h>

#include <base/error.h>

#include "buffer.h"
#include "device.h"
#include "graph.h"
#include "image.h"
#include "kernel.h"
#include "launch.h"
#include "launch_mode.h"
#include "slice.h"
#include "tune_launch.h"

/* ---- Arguments ---- */

static enum kiln_status wrong_count(const struct kiln_kernel *kernel, size_t expected, size_t given)
{
	bool few = given < expected;

	return kiln_error(
		few ? KILN_ERR_TOO_FEW_BUFFERS : KILN_ERR_TOO_MANY_BUFFERS,
		"kernel '%s' takes %zu buffers and %zu were given. Fix: %s, in (set, binding) order",
		kernel->name, expected, given, few ? "pass one for each binding" : "leave the others out");
}

/* One more than a launch can take, where the list is not terminated. */
static size_t count_buffers(const struct kiln_launch_params *params)
{
	size_t count = 0;

	while (count < KILN_BUFFERS_MAX + 1 && params->buffers[count])
		count++;
	return count;
}

/* A NULL with a buffer behind it is a buffer that was not made, not the end of the list. */
static bool is_hole(const struct kiln_launch_params *params, size_t at, size_t expected)
{
	for (size_t i = at + 1; i < expected; i++)
		if (params->buffers[i])
			return true;
	return false;
}

static enum kiln_status gather(const struct kiln_kernel *kernel, uint32_t expected,
                               const struct kiln_launch_params *params,
                               struct kiln_launch_arguments *out_arguments)
{
	size_t count = params->args ? params->arg_count : count_buffers(params);

	if (params->args && params->buffers[0])
		return kiln_error(KILN_ERR_INVALID_ARGUMENT,
		                  "kiln_launch: both .buffers and .args are set. Fix: use one of them");
	if (expected > KILN_BUFFERS_MAX)
		return kiln_error(KILN_ERR_UNSUPPORTED,
		                  "kernel '%s' has %u bindings; a launch passes at most %d. Fix: merge "
		                  "some buffers",
		                  kernel->name, expected, KILN_BUFFERS_MAX);
	if (!params->args && count < expected && is_hole(params, count, expected))
		return kiln_error(KILN_ERR_NULL_BUFFER,
		                  "kernel '%s' takes %u buffers, and number %zu is NULL with others behind "
		                  "it. Fix: pass a buffer for every binding",
		                  kernel->name, expected, count);
	if (count != expected)
		return wrong_count(kernel, expected, count);
	out_arguments->count = (uint32_t)count;
	for (size_t i = 0; i < count && !params->args; i++)
		out_arguments->bindings[i] = (struct kiln_stream_binding){.buffer = params->buffers[i]};
	for (size_t i = 0; i < count && params->args; i++)
		KILN_TRY(kiln_launch_take_argument(&params->args[i], i, &out_arguments->bindings[i]));
	return KILN_OK;
}

/* ---- Checking one argument against its binding ---- */

struct slot {
	const struct kiln_kernel *kernel;
	const struct kiln_binding *binding;
	size_t index; /* of the argument */
	const struct kiln_graph_place *place;
};

#define AT_SLOT(slot)                                                             \
	(slot)->index, (slot)->binding->name ? (slot)->binding->name : "unnamed", \
		(slot)->binding->layout.set, (slot)->binding->layout.binding, (slot)->kernel->name
#define SLOT_FORMAT "buffer %zu ('%s', set %u binding %u of kernel '%s')"

static enum kiln_status check_range(const struct slot *slot, struct kiln_stream_binding *given)
{
	const VkPhysicalDeviceLimits *limits = &slot->kernel->device->limits;
	bool uniform = slot->binding->layout.type == KILN_BINDING_UNIFORM_BUFFER;
	uint64_t alignment =
		uniform ? limits->minUniformBufferOffsetAlignment : limits->minStorageBufferOffsetAlignment;
	uint64_t limit = uniform ? limits->maxUniformBufferRange : limits->maxStorageBufferRange;

	if (given->offset >= given->buffer->bytes || given->bytes > given->buffer->bytes - given->offset)
		return kiln_error(
			KILN_ERR_INVALID_ARGUMENT,
			SLOT_FORMAT
			": the range of %llu bytes at offset %llu leaves the %llu bytes of '%s'. Fix: "
			"keep the range inside the buffer",
			AT_SLOT(slot), (unsigned long long)given->bytes, (unsigned long long)given->offset,
			(unsigned long long)given->buffer->bytes, given->buffer->name);
	/* alignments are powers of two, and a division costs as much as all the rest */
	if ((given->offset & (alignment - 1)) != 0)
		return kiln_error(
			KILN_ERR_INVALID_ARGUMENT,
			SLOT_FORMAT
			": offset %llu is not a multiple of %llu, which this device needs (%s). Fix: align "
			"the offset",
			AT_SLOT(slot), (unsigned long long)given->offset, (unsigned long long)alignment,
			uniform ? "minUniformBufferOffsetAlignment" : "minStorageBufferOffsetAlignment");
	if (given->bytes == 0)
		given->bytes = given->buffer->bytes - given->offset;
	if (given->bytes > limit)
		return kiln_error(
			KILN_ERR_TOO_LARGE,
			SLOT_FORMAT
			" is %llu bytes; this device binds at most %llu at once (%s). Fix: launch on parts of "
			"the buffer through .args",
			AT_SLOT(slot), (unsigned long long)given->bytes, (unsigned long long)limit,
			uniform ? "maxUniformBufferRange" : "maxStorageBufferRange");
	return KILN_OK;
}

static enum kiln_status check_length(const struct slot *slot, const struct kiln_stream_binding *given)
{
	if (given->bytes >= slot->binding->min_bytes)
		return KILN_OK;
	return kiln_error(KILN_ERR_BUFFER_TOO_SHORT,
	                  SLOT_FORMAT
	                  " must hold at least %llu bytes, and %llu were bound. Fix: make the buffer larger",
	                  AT_SLOT(slot), (unsigned long long)slot->binding->min_bytes,
	                  (unsigned long long)given->bytes);
}

/* Of Kiln's own buffers there is none that may not. */
static enum kiln_status check_usage(const struct slot *slot, const struct kiln_buffer *buffer)
{
	if (!buffer->imported || slot->binding->layout.type != KILN_BINDING_UNIFORM_BUFFER ||
	    (buffer->imported & VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT))
		return KILN_OK;
	return kiln_error(KILN_ERR_UNSUPPORTED,
	                  SLOT_FORMAT
	                  " is a uniform buffer, and '%s' was imported without VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT. "
	                  "Fix: create it with that too, or copy it into a buffer of Kiln's",
	                  AT_SLOT(slot), buffer->name);
}

static enum kiln_status check_argument(const struct slot *slot, struct kiln_stream_binding *given)
{
	uint32_t type = slot->binding->layout.type;

	if (type != KILN_BINDING_STORAGE_BUFFER && type != KILN_BINDING_UNIFORM_BUFFER)
		return kiln_launch_check_image(slot->kernel, slot->binding, slot->index, given);
	if (!given->buffer)
		return kiln_error(KILN_ERR_NULL_BUFFER,
		                  SLOT_FORMAT " is NULL. Fix: pass a buffer for every binding",
		                  AT_SLOT(slot));
	if (given->buffer->device != slot->kernel->device)
		return kiln_error(KILN_ERR_FOREIGN_OBJECT,
		                  SLOT_FORMAT " belongs to another device. Fix: create it on the kernel's",
		                  AT_SLOT(slot));
	if (given->buffer->image)
		return kiln_error(KILN_ERR_IMAGE_MISMATCH,
		                  SLOT_FORMAT " is a buffer, and image \"%s\" was given. Fix: pass a buffer",
		                  AT_SLOT(slot), given->buffer->name);
	if (given->buffer->read_only && (slot->binding->layout.access & KILN_ACCESS_WRITE))
		return kiln_error(KILN_ERR_BUFFER_ACCESS,
		                  SLOT_FORMAT
		                  " is written by the kernel, but '%s' was created read-only. Fix: create it "
		                  "without .read_only, or declare the binding readonly",
		                  AT_SLOT(slot), given->buffer->name);
	KILN_TRY(check_usage(slot, given->buffer));
	KILN_TRY(check_range(slot, given));
	KILN_TRY(kiln_graph_contents_check(slot->place, given->buffer, "kiln_launch", given->offset,
	                                   given->bytes));
	given->access = slot->binding->layout.access;
	return check_length(slot, given);
}

enum kiln_status kiln_launch_check_argument(const struct kiln_kernel *kernel,
                                            const struct kiln_entry_point *entry, size_t index,
                                            const struct kiln_graph_place *place,
                                            struct kiln_stream_binding *given)
{
	size_t at = 0;

	for (size_t i = 0; i < entry->binding_count; at += entry->bindings[i++].layout.count)
		if (index - at < entry->bindings[i].layout.count)
			return check_argument(&(struct slot){kernel, &entry->bindings[i], index, place},
			                      given);
	return kiln_error(KILN_ERR_INVALID_ARGUMENT,
	                  "kernel '%s' has %zu arguments, and number %zu was meant. Fix: count from 0, in "
	                  "(set, binding) order",
	                  kernel->name, at, index);
}

static enum kiln_status check_arguments(const struct kiln_kernel *kernel,
                                        const struct kiln_entry_point *entry,
                                        const struct kiln_graph_place *place,
                                        struct kiln_launch_arguments *arguments)
{
	size_t at = 0;

	for (size_t i = 0; i < entry->binding_count; i++)
		for (uint32_t element = 0; element < entry->bindings[i].layout.count; element++, at++)
			KILN_TRY(check_argument(&(struct slot){kernel, &entry->bindings[i], at, place},
			                        &arguments->bindings[at]));
	return KILN_OK;
}

/* ---- Push constants and threads ---- */

enum kiln_status kiln_launch_check_push(const struct kiln_kernel *kernel, uint32_t expected,
                                        const struct kiln_launch_params *params)
{
	if (expected > 0 && (!params->push || params->push_bytes == 0))
		return kiln_error(
			KILN_ERR_PUSH_MISSING,
			"kernel '%s' takes %u bytes of push constants and none were given. Fix: set .push and .push_bytes",
			kernel->name, expected);
	if (params->push_bytes < expected)
		return kiln_error(
			KILN_ERR_PUSH_TOO_SHORT,
			"kernel '%s' takes %u bytes of push constants and %u were given. Fix: pass the whole block",
			kernel->name, expected, params->push_bytes);
	if (params->push_bytes > expected)
		return kiln_error(
			KILN_ERR_PUSH_TOO_LONG,
			"kernel '%s' takes %u bytes of push constants and %u were given. Fix: pass exactly the block, "
			"without trailing padding",
			kernel->name, expected, params->push_bytes);
	return KILN_OK;
}

enum kiln_status kiln_launch_groups(const struct kiln_kernel *kernel, const uint32_t threads[3],
                                    const uint32_t size[3], uint32_t out_groups[3])
{
	const uint32_t *limit = kernel->device->info.max_workgroup_count;

	for (int d = 0; d < 3; d++) {
		uint32_t groups =
			size[d] == 1 ? threads[d] : threads[d] / size[d] + (threads[d] % size[d] != 0);

		if (groups > limit[d])
			return kiln_error(
				KILN_ERR_THREADS_LIMIT,
				"kernel '%s': %u threads in dimension %c are %u workgroups of %u; this device counts to "
				"%u (maxComputeWorkGroupCount). Fix: use a larger workgroup, more dimensions, or several launches",
				kernel->name, threads[d], "xyz"[d], groups, size[d], limit[d]);
		out_groups[d] = groups;
	}
	return KILN_OK;
}

enum kiln_status kiln_launch_check(const struct kiln_kernel *kernel, const struct kiln_variant *variant,
                                   const struct kiln_launch_params *params,
                                   const struct kiln_graph_place *place,
                                   struct kiln_launch_arguments *out_arguments)
{
	const struct kiln_entry_point *entry = variant->interface.entry;

	KILN_TRY(gather(kernel, variant->buffer_count, params, out_arguments));
	KILN_TRY(check_arguments(kernel, entry, place, out_arguments));
	return kiln_launch_check_push(kernel, entry->push_bytes, params);
}

/* What a launch comes with from inside; both may be NULL. */
struct extras {
	const struct kiln_stream_binding *groups; /* counts that Kiln wrote */
	const struct kiln_slice_call *call;
};

static enum kiln_status launch(struct kiln_stream *stream, struct kiln_kernel *kernel,
                               const struct kiln_launch_params *params, const uint32_t threads[3],
                               const struct extras *extras)
{
	const struct kiln_graph_place place = kiln_graph_place(stream);
	bool indirect = params->indirect.buffer != NULL;
	struct kiln_launch_arguments arguments;
	struct kiln_stream_launch work;
	struct kiln_variant *variant = kiln_kernel_variant(kernel, indirect ? NULL : threads);

	KILN_CHECK(!params->indirect.image,
	           "kernel '%s': .indirect.image is set, and counts are read from a buffer. Fix: set .indirect.buffer",
	           kernel->name);
	KILN_TRY(kiln_launch_check(kernel, variant, params, &place, &arguments));
	work = (struct kiln_stream_launch){
		.kernel = kernel,
		.current = &variant->pipeline,
		.entry = variant->interface.entry,
		.bindings = arguments.bindings,
		.binding_count = arguments.count,
		.push = params->push,
		.push_bytes = variant->interface.entry->push_bytes,
		.indirect = extras->groups || indirect,
	};
	KILN_TRY(kiln_launch_groups(kernel, threads, variant->choice.size, work.groups));
	if (threads[0] == 0 && !indirect)
		return KILN_OK;
	KILN_TRY(kiln_kernel_ready(kernel, variant));
	if (indirect)
		return kiln_indirect_launch(stream, variant->choice.size, params, &work,
		                            &arguments.bindings[arguments.count]);
	if (extras->groups)
		arguments.bindings[arguments.count] = *extras->groups;
	if (extras->call || (!extras->groups && !kiln_slice_is_short(variant, work.groups)))
		return kiln_slice_launch(stream, variant, &work, extras->call);
	return kiln_stream_record_launch(stream, &work);
}

/* One that tunes itself has the launch in the middle of it. */
static enum kiln_status launch_and_tune(struct kiln_stream *stream, struct kiln_kernel *kernel,
                                        const struct kiln_launch_params *params, const uint32_t threads[3])
{
	static const struct extras none;
	struct kiln_tune_launch tune;
	enum kiln_status status;

	kiln_tune_launch_begin(kernel, threads, &tune);
	status = launch(stream, kernel, params, threads, &none);
	kiln_tune_launch_end(kernel, status == KILN_OK ? params : NULL, &tune);
	return status;
}

/* Tuning waits for the launch, which only the default stream may do unasked. */
static bool tunes(const struct kiln_stream *stream, const struct kiln_kernel *kernel,
                  const struct kiln_launch_params *params, const struct extras *extras)
{
	return kernel->tunes_itself && stream == &kernel->device->stream && params->threads[0] != 0 &&
	       !params->indirect.buffer && !extras->groups && !extras->call;
}

enum kiln_status kiln_launch_on(struct kiln_stream *stream, struct kiln_kernel *kernel,
                                const struct kiln_launch_params *params,
                                const struct kiln_stream_binding *groups)
{
	return kiln_launch_with(stream, kernel, params, groups, NULL);
}

enum kiln_status kiln_launch_with(struct kiln_stream *stream, struct kiln_kernel *kernel,
                                  const struct kiln_launch_params *params,
                                  const struct kiln_stream_binding *groups,
                                  const struct kiln_slice_call *call)
{
	const struct extras extras = {groups, call};
	uint32_t threads[3];

	KILN_TRY(kiln_device_check(kernel->device));
	KILN_TRY(kiln_device_check_launch(kernel->device));
	for (int d = 0; d < 3; d++)
		threads[d] = params->threads[d] || d == 0 ? params->threads[d] : 1;
	if (tunes(stream, kernel, params, &extras))
		return launch_and_tune(stream, kernel, params, threads);
	return launch(stream, kernel, params, threads, &extras);
}

enum kiln_status kiln_launch(struct kiln_kernel *kernel, const struct kiln_launch_params *params)
{
	KILN_CHECK(kernel, "kiln_launch: the kernel is NULL. Fix: create one with kiln_kernel_create()");
	KILN_CHECK(params, "kiln_launch: the parameters are NULL. Fix: pass at least .threads");
	return kiln_launch_on(&kernel->device->stream, kernel, params, NULL);
}

enum kiln_status kiln_stream_launch(struct kiln_stream *stream, struct kiln_kernel *kernel,
                                    const struct kiln_launch_params *params)
{
	KILN_CHECK(stream,
	           "kiln_stream_launch: the stream is NULL. Fix: create one with kiln_stream_create()");
	KILN_CHECK(kernel,
	           "kiln_stream_launch: the kernel is NULL. Fix: create one with kiln_kernel_create()");
	KILN_CHECK(params, "kiln_stream_launch: the parameters are NULL. Fix: pass at least .threads");
	if (kernel->device != stream->device)
		return kiln_error(
			KILN_ERR_FOREIGN_OBJECT,
			"kernel '%s' belongs to another device than stream '%s'. Fix: create it on the "
			"stream's",
			kernel->name, stream->name);
	return kiln_launch_on(stream, kernel, params, NULL);
}
