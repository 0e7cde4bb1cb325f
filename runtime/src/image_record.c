/* What a stream is told to do with images beside launching: each between two barriers that change the layout. */
#include "image.h"

#include "device.h"
#include "stream.h"
#include "stream_order.h"
#include "stream_slot.h"
#include "trace.h"

static const VkImageSubresourceRange whole = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};

static void change_layout(struct kiln_stream *stream, struct kiln_stream_slot *slot,
                          const struct kiln_image *image, VkImageLayout from, VkImageLayout to)
{
	const VkImageMemoryBarrier barrier = {
		.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
		.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
		.dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
	                         VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
		.oldLayout = from,
		.newLayout = to,
		.srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
		.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
		.image = image->handle,
		.subresourceRange = whole,
	};

	kiln_stream_barrier_and(stream, slot, &barrier);
}

struct transfer {
	struct kiln_image *image;
	VkImageLayout layout;
	struct kiln_stream_binding bindings[2]; /* the image, and what lies at the other end */
	uint32_t binding_count;
	struct kiln_operation operation;
};

/* The accesses belong between the two barriers: they are noted after the first, and the second is another epoch. */
static void begin(struct kiln_watching *watching, struct kiln_stream *stream, struct kiln_stream_slot *slot,
                  const struct transfer *transfer)
{
	change_layout(stream, slot, transfer->image,
	              transfer->image->fresh ? VK_IMAGE_LAYOUT_UNDEFINED : VK_IMAGE_LAYOUT_GENERAL,
	              transfer->layout);
	transfer->image->fresh = false;
	kiln_stream_note(stream, slot, transfer->bindings, transfer->binding_count);
	if (watching->on)
		kiln_watch_begin(watching, stream, slot, &transfer->operation);
}

static void end(struct kiln_watching *watching, struct kiln_stream *stream, struct kiln_stream_slot *slot,
                const struct transfer *transfer)
{
	if (watching->on)
		kiln_watch_end(watching, stream, slot);
	change_layout(stream, slot, transfer->image, transfer->layout, VK_IMAGE_LAYOUT_GENERAL);
}

enum kiln_status kiln_image_record_clear(struct kiln_stream *stream, struct kiln_image *image)
{
	static const VkClearColorValue zero;
	struct kiln_watching watching = kiln_watching(&stream->device->watch);
	struct transfer transfer = {
		.image = image,
		.layout = VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
		.bindings = {{.buffer = &image->tracked,
	                      .bytes = KILN_IMAGE_TRACKED,
	                      .access = KILN_ACCESS_WRITE}},
		.binding_count = 1,
		.operation = {KILN_TRACE_FILL, "clear image", transfer.bindings, 1, {0}},
	};
	struct kiln_stream_slot *slot;
	bool ordered;

	KILN_TRY(kiln_stream_open(stream, transfer.bindings, 1, &slot, &ordered));
	begin(&watching, stream, slot, &transfer);
	stream->device->vk.vkCmdClearColorImage(slot->commands, image->handle, transfer.layout, &zero, 1,
	                                        &whole);
	end(&watching, stream, slot, &transfer);
	kiln_stream_close(stream, 1, ordered);
	return KILN_OK;
}

static void copy(struct kiln_device *device, VkCommandBuffer commands, const struct kiln_image *image,
                 const struct kiln_image_part *part, const struct kiln_buffer *staging, uint64_t at,
                 bool to_image)
{
	const VkBufferImageCopy region = {
		.bufferOffset = at,
		.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
		.imageOffset = {(int32_t)part->at[0], (int32_t)part->at[1], (int32_t)part->at[2]},
		.imageExtent = {part->size[0], part->size[1], part->size[2]},
	};

	if (to_image)
		device->vk.vkCmdCopyBufferToImage(commands, staging->handle, image->handle,
		                                  VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &region);
	else
		device->vk.vkCmdCopyImageToBuffer(commands, image->handle,
		                                  VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, staging->handle, 1,
		                                  &region);
}

enum kiln_status kiln_image_record_copy(struct kiln_stream *stream, struct kiln_image *image,
                                        const struct kiln_image_part *part, struct kiln_buffer *staging,
                                        uint64_t at, bool to_image)
{
	struct kiln_watching watching = kiln_watching(&stream->device->watch);
	struct transfer transfer = {
		.image = image,
		.layout = to_image ? VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL
	                           : VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
		.bindings = {{.buffer = &image->tracked,
	                      .bytes = KILN_IMAGE_TRACKED,
	                      .access = KILN_ACCESS_WRITE},
	                     {.buffer = staging,
	                      .offset = at,
	                      .bytes = kiln_image_part_bytes(part),
	                      .access = to_image ? KILN_ACCESS_READ : KILN_ACCESS_WRITE}},
		.binding_count = 2,
		.operation = {KILN_TRACE_COPY, "copy image", transfer.bindings, 2, {0}},
	};
	struct kiln_stream_slot *slot;
	bool ordered;

	KILN_TRY(kiln_stream_open(stream, transfer.bindings, 2, &slot, &ordered));
	begin(&watching, stream, slot, &transfer);
	copy(stream->device, slot->commands, image, part, staging, at, to_image);
	end(&watching, stream, slot, &transfer);
	kiln_stream_close(stream, 1, ordered);
	return KILN_OK;
}
