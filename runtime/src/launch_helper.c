#include "launch_helper.h"

#include "device.h"
#include "pipeline.h"
#include "resolve.h"

#include "kernel_indirect.h"
#include "kernel_marks_count.h"
#include "kernel_marks_list.h"
#include "kernel_marks_scan.h"

static const struct {
	const char *name;
	const uint32_t *words;
	size_t bytes;
	uint32_t mode;
} sources[KILN_HELPERS] = {
	[KILN_HELPER_INDIRECT] = {"kiln_indirect", kiln_kernel_indirect, sizeof(kiln_kernel_indirect),
                                  KILN_FEATURE_INDIRECT_DISPATCH},
	[KILN_HELPER_MARKS_COUNT] = {"kiln_marks_count", kiln_kernel_marks_count,
                                     sizeof(kiln_kernel_marks_count), KILN_FEATURE_SPECULATIVE},
	[KILN_HELPER_MARKS_SCAN] = {"kiln_marks_scan", kiln_kernel_marks_scan, sizeof(kiln_kernel_marks_scan),
                                    KILN_FEATURE_SPECULATIVE},
	[KILN_HELPER_MARKS_LIST] = {"kiln_marks_list", kiln_kernel_marks_list, sizeof(kiln_kernel_marks_list),
                                    KILN_FEATURE_SPECULATIVE},
};

enum kiln_status kiln_helpers_init(struct kiln_helpers *helpers)
{
	KILN_TRY(kiln_mutex_init(&helpers->lock));
	helpers->lock_ready = true;
	return KILN_OK;
}

void kiln_helpers_finish(struct kiln_device *device)
{
	struct kiln_helpers *helpers = &device->helpers;

	for (int i = 0; i < KILN_HELPERS; i++) {
		kiln_pipeline_unreference(helpers->pipelines[i]);
		kiln_programs_release(&device->programs, helpers->programs[i]);
	}
	if (helpers->lock_ready)
		kiln_mutex_finish(&helpers->lock);
	*helpers = (struct kiln_helpers){0};
}

void kiln_helpers_lose(struct kiln_device *device)
{
	struct kiln_helpers *helpers = &device->helpers;

	for (int i = 0; i < KILN_HELPERS; i++) {
		kiln_pipeline_unreference(helpers->pipelines[i]);
		helpers->pipelines[i] = NULL;
	}
	atomic_store(&helpers->modes, 0);
}

/* Their workgroups are literal, and they are not specialised. */
static enum kiln_status resolve(struct kiln_device *device, const struct kiln_program *program,
                                const char *name, struct kiln_pipeline **out_pipeline)
{
	const struct kiln_entry_point *entry = &program->reflection->entries[0];
	struct kiln_pipeline_key key = {
		.program = program->reflection->program,
		.entry = entry->name,
		.layout = program->layouts[0],
		.push_bytes = entry->push_bytes,
		.robustness = device->robustness,
		.features = entry->features,
	};
	struct kiln_pipeline_identity identity;
	struct kiln_resolution resolution;

	for (int d = 0; d < 3; d++)
		key.workgroup[d] = entry->workgroup[d].size;
	KILN_TRY(kiln_pipeline_identity(&key, &device->fingerprint, &identity));
	KILN_TRY(kiln_resolve(device, program, &key, &identity, name, false, &resolution));
	*out_pipeline = resolution.pipeline;
	return KILN_OK;
}

static enum kiln_status ready(struct kiln_device *device, uint32_t modes)
{
	struct kiln_helpers *helpers = &device->helpers;

	for (int i = 0; i < KILN_HELPERS; i++) {
		if (!(sources[i].mode & modes) || helpers->pipelines[i])
			continue;
		if (!helpers->programs[i])
			KILN_TRY(kiln_programs_acquire(&device->programs, sources[i].words, sources[i].bytes,
			                               false, &helpers->programs[i]));
		KILN_TRY(resolve(device, helpers->programs[i], sources[i].name, &helpers->pipelines[i]));
	}
	return KILN_OK;
}

enum kiln_status kiln_helpers_ready(struct kiln_device *device, uint32_t modes)
{
	struct kiln_helpers *helpers = &device->helpers;
	enum kiln_status status;

	modes &= KILN_FEATURE_INDIRECT_DISPATCH | KILN_FEATURE_SPECULATIVE;
	if ((atomic_load_explicit(&helpers->modes, memory_order_acquire) & modes) == modes)
		return KILN_OK;
	kiln_mutex_lock(&helpers->lock);
	status = ready(device, modes);
	if (status == KILN_OK)
		atomic_fetch_or_explicit(&helpers->modes, modes, memory_order_release);
	kiln_mutex_unlock(&helpers->lock);
	return status;
}

enum kiln_status kiln_helper_launch(struct kiln_stream *stream, enum kiln_helper helper,
                                    const struct kiln_stream_binding *bindings, uint32_t count,
                                    const void *push, uint32_t push_bytes, uint32_t groups)
{
	const struct kiln_helpers *helpers = &stream->device->helpers;

	return kiln_stream_record_launch(stream,
	                                 &(struct kiln_stream_launch){
						 .pipeline = helpers->pipelines[helper],
						 .entry = &helpers->programs[helper]->reflection->entries[0],
						 .bindings = bindings,
						 .binding_count = count,
						 .push = push,
						 .push_bytes = push_bytes,
						 .groups = {groups, 1, 1},
						 .own = true,
					 });
}
