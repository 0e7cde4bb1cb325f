#include "tune_scratch.h"

#include <inttypes.h>
#include <string.h>

#include <base/alloc.h>
#include <base/error.h>
#include <kiln/reflect.h>

#include "buffer.h"
#include "device.h"

/* As f32 both are NaN, which no tolerance forgives; as integers both are large. */
const uint32_t kiln_tune_poison[KILN_TUNE_PATTERNS] = {0xffe5a5a5u, 0x7fda5a5au};

uint64_t kiln_tune_area_bytes(const struct kiln_tune_area *area)
{
	return area->end - area->begin;
}

uint64_t kiln_tune_area_padded(const struct kiln_tune_area *area)
{
	return (kiln_tune_area_bytes(area) + 3) & ~UINT64_C(3);
}

bool kiln_tune_area_is_output(const struct kiln_tune_area *area)
{
	return area->access & KILN_ACCESS_WRITE;
}

static bool is_in_place(const struct kiln_tune_area *area)
{
	return kiln_tune_area_is_output(area) && (area->access & KILN_ACCESS_READ);
}

/* ---- Which arguments share an area ---- */

static bool overlaps(const struct kiln_tune_area *area, const struct kiln_tune_argument *argument)
{
	return argument->buffer && area->source == argument->buffer && argument->offset < area->end &&
	       argument->offset + argument->bytes > area->begin;
}

static void join(struct kiln_tune_area *area, const struct kiln_tune_argument *argument)
{
	if (argument->offset < area->begin)
		area->begin = argument->offset;
	if (argument->offset + argument->bytes > area->end)
		area->end = argument->offset + argument->bytes;
	area->access |= argument->access;
}

/* An argument may bridge areas that were apart before: they are joined until nothing overlaps. */
static void add_argument(struct kiln_tune_scratch *scratch, const struct kiln_tune_argument *argument)
{
	struct kiln_tune_argument whole = *argument;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < scratch->area_count; i++) {
		struct kiln_tune_area *area = &scratch->areas[i];

		if (!overlaps(area, &whole)) {
			scratch->areas[kept++] = *area;
			continue;
		}
		join(area, &whole);
		whole.offset = area->begin;
		whole.bytes = area->end - area->begin;
		whole.access = area->access;
	}
	scratch->areas[kept] = (struct kiln_tune_area){
		.source = whole.buffer,
		.begin = whole.offset,
		.end = whole.offset + whole.bytes,
		.access = whole.access,
	};
	scratch->area_count = kept + 1;
}

static struct kiln_tune_area *area_of(struct kiln_tune_scratch *scratch,
                                      const struct kiln_tune_argument *argument, uint32_t *next_made_up)
{
	for (uint32_t i = 0; i < scratch->area_count; i++) {
		if (!argument->buffer && !scratch->areas[i].source && i >= *next_made_up) {
			*next_made_up = i + 1;
			return &scratch->areas[i];
		}
		if (overlaps(&scratch->areas[i], argument))
			return &scratch->areas[i];
	}
	return NULL;
}

static void bind(struct kiln_tune_scratch *scratch, const struct kiln_tune_argument *arguments,
                 uint32_t count, bool extend)
{
	const VkPhysicalDeviceLimits *limits = &scratch->lane->device->limits;
	uint32_t next_made_up = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct kiln_tune_area *area = area_of(scratch, &arguments[i], &next_made_up);
		struct kiln_stream_binding *binding = &scratch->bindings[i];
		uint64_t longer = kiln_tune_area_padded(area) - (arguments[i].offset - area->begin) +
		                  KILN_TUNE_CANARY_BYTES;

		*binding = (struct kiln_stream_binding){
			.buffer = area->work,
			.offset = KILN_TUNE_CANARY_BYTES + arguments[i].offset - area->begin,
			.bytes = arguments[i].bytes,
			.access = arguments[i].access,
		};
		if (extend && !arguments[i].uniform &&
		    arguments[i].offset + arguments[i].bytes == area->end &&
		    longer <= limits->maxStorageBufferRange)
			binding->bytes = longer;
	}
	scratch->binding_count = count;
}

/* ---- Making ---- */

/* Plain numbers around 1, different from word to word: no zeroes that hide a forgotten product, no NaN. */
static enum kiln_status make_up(struct kiln_buffer *target, uint64_t offset, uint64_t bytes)
{
	float *values = kiln_alloc((size_t)bytes);
	uint32_t state = 0x9e3779b9u;
	enum kiln_status status;

	if (!values)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory making up %" PRIu64
		                  " bytes of input. Fix: tune with smaller buffers",
		                  bytes);
	for (uint64_t i = 0; i < bytes / 4; i++) {
		state = state * 1664525u + 1013904223u;
		values[i] = 0.5f + (float)(state >> 8) / 16777216.0f;
	}
	status = kiln_buffer_write(target, offset, values, bytes);
	kiln_free(values);
	return status;
}

static enum kiln_status fill_area(struct kiln_tune_area *area)
{
	struct kiln_buffer *target = area->fresh ? area->fresh : area->work;
	uint64_t offset = area->fresh ? 0 : KILN_TUNE_CANARY_BYTES;

	if (kiln_tune_area_is_output(area) && !area->fresh)
		return KILN_OK;
	if (!area->source)
		return make_up(target, offset, kiln_tune_area_padded(area));
	return kiln_stream_record_copy(&target->device->stream, (struct kiln_buffer *)(uintptr_t)area->source,
	                               area->begin, target, offset, kiln_tune_area_bytes(area));
}

static enum kiln_status make_area(struct kiln_device *device, struct kiln_tune_area *area)
{
	uint64_t whole = 2 * KILN_TUNE_CANARY_BYTES + kiln_tune_area_padded(area);

	KILN_TRY(kiln_buffer_new(device, whole, KILN_MEMORY_DEVICE, "tuner's copy", &area->work));
	if (is_in_place(area))
		KILN_TRY(kiln_buffer_new(device, kiln_tune_area_padded(area), KILN_MEMORY_DEVICE,
		                         "tuner's original", &area->fresh));
	if (kiln_tune_area_is_output(area) && !(area->work->memory.data && area->work->memory.cached))
		KILN_TRY(kiln_buffer_new(device, whole, KILN_MEMORY_READBACK, "tuner's output",
		                         &area->readback));
	for (uint32_t i = 0; i < KILN_TUNE_PATTERNS && kiln_tune_area_is_output(area); i++) {
		area->kept[i] = kiln_alloc((size_t)kiln_tune_area_bytes(area));
		if (!area->kept[i])
			return kiln_error(KILN_ERR_OUT_OF_MEMORY,
			                  "out of memory keeping %" PRIu64
			                  " bytes of output. Fix: tune with smaller buffers",
			                  kiln_tune_area_bytes(area));
	}
	return fill_area(area);
}

static enum kiln_status make(struct kiln_tune_scratch *scratch)
{
	struct kiln_device *device = scratch->lane->device;

	for (uint32_t i = 0; i < scratch->area_count; i++) {
		struct kiln_tune_area *area = &scratch->areas[i];

		KILN_TRY(make_area(device, area));
		scratch->resets |= is_in_place(area);
		scratch->writes |= kiln_tune_area_is_output(area);
	}
	return kiln_stream_wait(&device->stream, KILN_WAIT_FOREVER);
}

enum kiln_status kiln_tune_scratch_init(struct kiln_tune_scratch *scratch, struct kiln_tune_lane *lane,
                                        const struct kiln_tune_argument *arguments, uint32_t count,
                                        bool extend)
{
	enum kiln_status status;

	*scratch = (struct kiln_tune_scratch){.lane = lane};
	for (uint32_t i = 0; i < count; i++)
		add_argument(scratch, &arguments[i]);
	status = make(scratch);
	if (status == KILN_OK)
		bind(scratch, arguments, count, extend);
	else
		kiln_tune_scratch_finish(scratch);
	return status;
}

void kiln_tune_scratch_finish(struct kiln_tune_scratch *scratch)
{
	for (uint32_t i = 0; i < scratch->area_count; i++) {
		struct kiln_tune_area *area = &scratch->areas[i];
		struct kiln_buffer *buffers[] = {area->work, area->fresh, area->readback};

		for (int b = 0; b < 3 && !scratch->lane->stuck; b++)
			if (buffers[b])
				kiln_buffer_retire(buffers[b]);
		for (uint32_t p = 0; p < KILN_TUNE_PATTERNS; p++)
			kiln_free(area->kept[p]);
	}
	memset(scratch, 0, sizeof(*scratch));
}

/* ---- Before a trial ---- */

void kiln_tune_scratch_reset(struct kiln_tune_scratch *scratch, uint32_t pattern)
{
	struct kiln_device *device = scratch->lane->device;
	VkCommandBuffer commands = scratch->lane->commands;

	for (uint32_t i = 0; i < scratch->area_count; i++) {
		const struct kiln_tune_area *area = &scratch->areas[i];
		const VkBufferCopy contents = {0, KILN_TUNE_CANARY_BYTES, kiln_tune_area_padded(area)};
		uint64_t back = KILN_TUNE_CANARY_BYTES + kiln_tune_area_padded(area);
		bool all = kiln_tune_area_is_output(area) && !area->fresh;

		device->vk.vkCmdFillBuffer(commands, area->work->handle, 0,
		                           all ? back : KILN_TUNE_CANARY_BYTES, kiln_tune_poison[pattern]);
		device->vk.vkCmdFillBuffer(commands, area->work->handle, back, KILN_TUNE_CANARY_BYTES,
		                           kiln_tune_poison[pattern]);
		if (area->fresh)
			device->vk.vkCmdCopyBuffer(commands, area->fresh->handle, area->work->handle, 1,
			                           &contents);
	}
	kiln_tune_lane_barrier(scratch->lane);
}
