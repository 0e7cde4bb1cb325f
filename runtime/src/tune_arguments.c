/* The buffers of the launch that is tuned for, or their sizes, and the copies made of them. */
#include <base/error.h>

#include "device.h"
#include "launch.h"
#include "tune_measure.h"

static enum kiln_status check_size(const struct kiln_tune_session *session, size_t at,
                                   const struct kiln_binding *binding)
{
	const VkPhysicalDeviceLimits *limits = &session->kernel->device->limits;
	uint64_t bytes = session->params.buffer_bytes[at],
		 least = binding->min_bytes ? binding->min_bytes : 1;
	uint64_t most = binding->layout.type == KILN_BINDING_UNIFORM_BUFFER ? limits->maxUniformBufferRange
	                                                                    : limits->maxStorageBufferRange;

	if (bytes < least)
		return kiln_error(
			KILN_ERR_BUFFER_TOO_SHORT,
			"buffer %zu of kernel '%s' must hold at least %llu bytes, and %llu were given. "
			"Fix: give a larger size",
			at, session->kernel->name, (unsigned long long)least, (unsigned long long)bytes);
	if (bytes > most)
		return kiln_error(
			KILN_ERR_TOO_LARGE,
			"buffer %zu of kernel '%s' is to hold %llu bytes, and the device binds at most %llu. "
			"Fix: give a smaller size",
			at, session->kernel->name, (unsigned long long)bytes, (unsigned long long)most);
	return KILN_OK;
}

static enum kiln_status check_made_up(const struct kiln_tune_session *session,
                                      const struct kiln_variant *variant)
{
	const struct kiln_entry_point *entry = variant->interface.entry;
	const struct kiln_tune_params *params = &session->params;
	size_t at = 0;

	if (params->buffer_count != variant->buffer_count)
		return kiln_error(
			params->buffer_count < variant->buffer_count ? KILN_ERR_TOO_FEW_BUFFERS
								     : KILN_ERR_TOO_MANY_BUFFERS,
			"kernel '%s' takes %u buffers and %zu sizes were given. Fix: give one for each binding",
			session->kernel->name, variant->buffer_count, params->buffer_count);
	for (size_t i = 0; i < entry->binding_count; i++)
		for (uint32_t e = 0; e < entry->bindings[i].layout.count; e++, at++)
			KILN_TRY(check_size(session, at, &entry->bindings[i]));
	return kiln_launch_check_push(session->kernel, entry->push_bytes, &params->launch);
}

/* Trials run on copies of buffers, and images have none. */
static enum kiln_status check_buffers_only(const struct kiln_kernel *kernel,
                                           const struct kiln_entry_point *entry)
{
	for (size_t i = 0; i < entry->binding_count; i++)
		if (entry->bindings[i].layout.type != KILN_BINDING_STORAGE_BUFFER &&
		    entry->bindings[i].layout.type != KILN_BINDING_UNIFORM_BUFFER)
			return kiln_error(
				KILN_ERR_UNSUPPORTED,
				"kernel '%s' takes a %s, and only kernels of buffers are tuned. Fix: give the "
				"workgroup size in kiln_kernel_params, or tune a form of it that takes buffers",
				kernel->name, kiln_binding_type_name(entry->bindings[i].layout.type));
	return KILN_OK;
}

/* What the launch binds, with what the kernel does to it. */
static enum kiln_status take_arguments(const struct kiln_tune_session *session,
                                       const struct kiln_variant *variant,
                                       struct kiln_tune_argument *out_arguments, uint32_t *out_count)
{
	const struct kiln_entry_point *entry = variant->interface.entry;
	const struct kiln_tune_params *params = &session->params;
	struct kiln_launch_arguments given = {0};
	size_t at = 0;

	KILN_TRY(check_buffers_only(session->kernel, entry));
	if (params->buffer_bytes)
		KILN_TRY(check_made_up(session, variant));
	else
		KILN_TRY(kiln_launch_check(session->kernel, variant, &params->launch, NULL, &given));
	for (size_t i = 0; i < entry->binding_count; i++)
		for (uint32_t e = 0; e < entry->bindings[i].layout.count; e++, at++)
			out_arguments[at] = (struct kiln_tune_argument){
				.buffer = params->buffer_bytes ? NULL : given.bindings[at].buffer,
				.offset = params->buffer_bytes ? 0 : given.bindings[at].offset,
				.bytes = params->buffer_bytes ? params->buffer_bytes[at]
			                                      : given.bindings[at].bytes,
				.access = entry->bindings[i].layout.access,
				.uniform = entry->bindings[i].layout.type == KILN_BINDING_UNIFORM_BUFFER,
			};
	*out_count = (uint32_t)at;
	return KILN_OK;
}

/* Does any code ask how long a buffer is? Then it must be bound as long as it is. */
static bool asks_length(const struct kiln_reflection *reflection)
{
	const uint32_t array_length = 68; /* OpArrayLength */

	for (size_t at = 5; at < reflection->word_count && reflection->words[at] >> 16;
	     at += reflection->words[at] >> 16)
		if ((reflection->words[at] & 0xffff) == array_length)
			return true;
	return false;
}

enum kiln_status kiln_tune_copy_buffers(struct kiln_tune_session *session)
{
	struct kiln_kernel *kernel = session->kernel;
	struct kiln_tune_argument arguments[KILN_BUFFERS_MAX];
	uint32_t count;

	/* Checked against what a launch would use: sizes and numbers of bindings can depend on constants. */
	KILN_TRY(take_arguments(session, &kernel->variants[KILN_VARIANT_PREFERRED], arguments, &count));
	return kiln_tune_scratch_init(&session->scratch, &session->lane, arguments, count,
	                              kernel->device->robustness == KILN_ROBUSTNESS_OFF &&
	                                      !asks_length(kernel->program->reflection));
}
