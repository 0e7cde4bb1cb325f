/* What a trial left behind. */
#include <stdio.h>
#include <string.h>

#include <base/error.h>

#include "buffer.h"
#include "device.h"
#include "tune_scratch.h"

/* Where the host reads through another buffer, all outputs are copied there in one go. */
static enum kiln_status fetch(struct kiln_tune_scratch *scratch)
{
	struct kiln_tune_lane *lane = scratch->lane;
	bool any = false;

	for (uint32_t i = 0; i < scratch->area_count; i++)
		any |= scratch->areas[i].readback != NULL;
	if (!any)
		return KILN_OK;
	KILN_TRY(kiln_tune_lane_begin(lane));
	for (uint32_t i = 0; i < scratch->area_count; i++) {
		const struct kiln_tune_area *area = &scratch->areas[i];
		const VkBufferCopy whole = {0, 0, 2 * KILN_TUNE_CANARY_BYTES + kiln_tune_area_padded(area)};

		if (area->readback)
			lane->device->vk.vkCmdCopyBuffer(lane->commands, area->work->handle,
			                                 area->readback->handle, 1, &whole);
	}
	return kiln_tune_lane_run(lane, NULL);
}

static enum kiln_status look(const struct kiln_tune_area *area, const uint8_t **out_data)
{
	const struct kiln_buffer *buffer = area->readback ? area->readback : area->work;

	KILN_TRY(kiln_memory_invalidate(buffer->device, &buffer->memory, 0,
	                                2 * KILN_TUNE_CANARY_BYTES + kiln_tune_area_padded(area)));
	*out_data = buffer->memory.data;
	return KILN_OK;
}

static bool canaries_stand(const struct kiln_tune_area *area, const uint8_t *data, uint32_t pattern)
{
	const uint8_t *back = data + KILN_TUNE_CANARY_BYTES + kiln_tune_area_padded(area);

	return kiln_tune_compare_pattern(data, KILN_TUNE_CANARY_BYTES, kiln_tune_poison[pattern]) ==
	               KILN_TUNE_CANARY_BYTES &&
	       kiln_tune_compare_pattern(back, KILN_TUNE_CANARY_BYTES, kiln_tune_poison[pattern]) ==
	               KILN_TUNE_CANARY_BYTES;
}

enum kiln_status kiln_tune_scratch_keep(struct kiln_tune_scratch *scratch, uint32_t pattern)
{
	KILN_TRY(fetch(scratch));
	for (uint32_t i = 0; i < scratch->area_count; i++) {
		struct kiln_tune_area *area = &scratch->areas[i];
		const uint8_t *data;

		if (!kiln_tune_area_is_output(area))
			continue;
		KILN_TRY(look(area, &data));
		if (!canaries_stand(area, data, pattern))
			return kiln_error(KILN_ERR_INVALID_ARGUMENT,
			                  "the kernel as it is writes outside buffer %u, so nothing can be "
			                  "compared with it. Fix: guard the kernel's writes (`if (i < n)`), "
			                  "or make the buffer larger",
			                  i);
		memcpy(area->kept[pattern], data + KILN_TUNE_CANARY_BYTES,
		       (size_t)kiln_tune_area_bytes(area));
	}
	return KILN_OK;
}

static void explain(const struct kiln_tune_area *area, uint32_t index, const uint8_t *data, uint32_t pattern,
                    const struct kiln_tune_tolerance *tolerance, char *out_why, size_t why_bytes)
{
	size_t length = (size_t)kiln_tune_area_bytes(area);
	size_t at = kiln_tune_compare(area->kept[pattern], data + KILN_TUNE_CANARY_BYTES, length, tolerance);

	if (!canaries_stand(area, data, pattern))
		(void)snprintf(out_why, why_bytes, "it writes outside buffer %u", index);
	else if (at < length)
		(void)snprintf(out_why, why_bytes, "buffer %u differs from byte %zu on", index, at);
}

enum kiln_status kiln_tune_scratch_check(struct kiln_tune_scratch *scratch, uint32_t pattern,
                                         const struct kiln_tune_tolerance *tolerance, char *out_why,
                                         size_t why_bytes)
{
	out_why[0] = '\0';
	KILN_TRY(fetch(scratch));
	for (uint32_t i = 0; i < scratch->area_count && !out_why[0]; i++) {
		const uint8_t *data;

		if (!kiln_tune_area_is_output(&scratch->areas[i]))
			continue;
		KILN_TRY(look(&scratch->areas[i], &data));
		explain(&scratch->areas[i], i, data, pattern, tolerance, out_why, why_bytes);
	}
	return KILN_OK;
}
