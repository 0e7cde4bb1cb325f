/* Images: their Vulkan objects and their life. */
#include "image.h"

#include <inttypes.h>
#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

#include "debug_name.h"
#include "device.h"
#include "slot_sets.h"

/* ---- Vulkan objects ---- */

static enum kiln_status create_handle(struct kiln_image *image)
{
	struct kiln_device *device = image->tracked.device;
	const uint32_t families[2] = {device->queues[0].family, device->queues[1].family};
	VkImageCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
		.imageType = image->type,
		.format = kiln_format_row(image->info.format)->format,
		.extent = {image->info.width, image->info.height, image->info.depth},
		.mipLevels = 1,
		.arrayLayers = 1,
		.samples = VK_SAMPLE_COUNT_1_BIT,
		.tiling = VK_IMAGE_TILING_OPTIMAL,
		.usage = kiln_image_usage(image),
		.sharingMode = VK_SHARING_MODE_EXCLUSIVE,
		.initialLayout = VK_IMAGE_LAYOUT_UNDEFINED,
	};
	enum kiln_status status = KILN_OK;

	/* Both queues work on it without handing it over. */
	if (device->queue_count == 2 && families[0] != families[1]) {
		info.sharingMode = VK_SHARING_MODE_CONCURRENT;
		info.queueFamilyIndexCount = 2;
		info.pQueueFamilyIndices = families;
	}
	KILN_VK_NEW(device, status, out, image->handle,
	            device->vk.vkCreateImage(device->handle, &info, NULL, &image->handle));
	kiln_debug_name(device, VK_OBJECT_TYPE_IMAGE, (uint64_t)(uintptr_t)image->handle, "%s",
	                image->tracked.name);
out:
	return status;
}

/* An image and a buffer on one page of bufferImageGranularity could hurt each other: an image takes whole pages. */
static VkMemoryRequirements whole_pages(const struct kiln_image *image)
{
	const struct kiln_device *device = image->tracked.device;
	VkDeviceSize page = device->limits.bufferImageGranularity;
	VkMemoryRequirements requirements;

	device->vk.vkGetImageMemoryRequirements(device->handle, image->handle, &requirements);
	if (requirements.alignment < page)
		requirements.alignment = page;
	if (page > 1)
		requirements.size = (requirements.size + page - 1) / page * page;
	return requirements;
}

static enum kiln_status attach_memory(struct kiln_image *image)
{
	struct kiln_device *device = image->tracked.device;
	struct kiln_allocation *memory = &image->tracked.memory;
	VkMemoryRequirements requirements = whole_pages(image);
	uint64_t most = device->memory.limits.max_allocation_bytes;
	enum kiln_status status;

	if (most && requirements.size > most)
		return kiln_error(KILN_ERR_TOO_LARGE,
		                  "an image that takes %" PRIu64
		                  " bytes is over this device's maxMemoryAllocationSize of "
		                  "%" PRIu64 ". Fix: split it into several images",
		                  (uint64_t)requirements.size, most);
	status = kiln_memory_allocate(device, &requirements, KILN_MEMORY_DEVICE, memory);
	if (status != KILN_OK)
		goto out;
	KILN_VK(device, status, out,
	        device->vk.vkBindImageMemory(device->handle, image->handle, memory->memory, memory->offset));
	return KILN_OK;
out:
	kiln_memory_free(device, memory);
	return status;
}

/* What was destroyed but is still in flight may hold the memory that is missing: one more try once it is gone. */
static enum kiln_status attach_patiently(struct kiln_image *image)
{
	enum kiln_status status = attach_memory(image);

	if (status != KILN_ERR_OUT_OF_DEVICE_MEMORY)
		return status;
	KILN_TRY(kiln_streams_idle(image->tracked.device));
	return attach_memory(image);
}

static enum kiln_status create_view(struct kiln_image *image)
{
	struct kiln_device *device = image->tracked.device;
	static const VkImageViewType types[3] = {VK_IMAGE_VIEW_TYPE_1D, VK_IMAGE_VIEW_TYPE_2D,
	                                         VK_IMAGE_VIEW_TYPE_3D};
	const VkImageViewCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
		.image = image->handle,
		.viewType = types[image->info.dimensions - 1],
		.format = kiln_format_row(image->info.format)->format,
		.subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1},
	};
	enum kiln_status status = KILN_OK;

	KILN_VK_NEW(device, status, out, image->view,
	            device->vk.vkCreateImageView(device->handle, &info, NULL, &image->view));
	kiln_debug_name(device, VK_OBJECT_TYPE_IMAGE_VIEW, (uint64_t)(uintptr_t)image->view, "%s",
	                image->tracked.name);
out:
	return status;
}

void kiln_image_drop(struct kiln_image *image)
{
	struct kiln_device *device = image->tracked.device;

	if (image->view)
		device->vk.vkDestroyImageView(device->handle, image->view, NULL);
	if (image->handle)
		device->vk.vkDestroyImage(device->handle, image->handle, NULL);
	image->view = VK_NULL_HANDLE;
	image->handle = VK_NULL_HANDLE;
}

/* ---- Life ---- */

static void describe(struct kiln_image *image, const struct kiln_image_params *params)
{
	struct kiln_image_info *info = &image->info;

	info->format = params->format;
	info->dimensions = params->depth ? 3 : params->height ? 2 : 1;
	info->width = params->width;
	info->height = params->height ? params->height : 1;
	info->depth = params->depth ? params->depth : 1;
	info->texel_bytes = kiln_format_bytes(params->format);
	info->bytes = (uint64_t)info->width * info->height * info->depth * info->texel_bytes;
	info->uses = kiln_device_format_uses(image->tracked.device, params->format);
	image->type = (VkImageType)(VK_IMAGE_TYPE_1D + info->dimensions - 1);
	image->fresh = true;
}

static struct kiln_image *new_image(struct kiln_device *device, const struct kiln_image_params *params)
{
	struct kiln_image *image = kiln_alloc_zero(1, sizeof(*image));
	const char *name = params->name ? params->name : "image";

	if (!image)
		return NULL;
	atomic_init(&image->tracked.references, 1);
	image->tracked.image = image;
	image->tracked.id = kiln_object_id();
	image->tracked.device = device;
	image->tracked.bytes = 2 * KILN_IMAGE_TRACKED;
	image->tracked.read_only = params->read_only;
	memcpy(image->tracked.name, name, strnlen(name, sizeof(image->tracked.name) - 1));
	describe(image, params);
	return image;
}

static enum kiln_status make(struct kiln_image *image)
{
	KILN_TRY(kiln_image_check(image));
	KILN_TRY(create_handle(image));
	KILN_TRY(attach_patiently(image));
	return create_view(image);
}

enum kiln_status kiln_image_restore(struct kiln_image *image)
{
	image->fresh = true;
	KILN_TRY(make(image));
	return kiln_image_record_clear(&image->tracked.device->stream, image);
}

static enum kiln_status fill(struct kiln_image *image, const struct kiln_image_params *params)
{
	struct kiln_stream *stream = &image->tracked.device->stream;
	struct kiln_image_part all;

	if (!params->contents)
		return kiln_image_record_clear(stream, image);
	KILN_TRY(kiln_image_part_of(&image->info, image->tracked.name, "kiln_image_create, .contents", NULL,
	                            params->contents_bytes, &all));
	return kiln_image_upload(stream, image, &all, params->contents);
}

static enum kiln_status check_create(struct kiln_device *device, const struct kiln_image_params *params,
                                     struct kiln_image **out_image)
{
	KILN_CHECK(device,
	           "kiln_image_create: the device is NULL. Fix: pass the one kiln_device_open() gave");
	KILN_CHECK(params,
	           "kiln_image_create: the parameters are NULL. Fix: pass at least .format and .width");
	KILN_CHECK(out_image, "kiln_image_create: out_image is NULL. Fix: pass where the image goes");
	KILN_CHECK(kiln_format_row(params->format),
	           "kiln_image_create: .format is %d, which is none. Fix: pass one of enum kiln_format",
	           (int)params->format);
	KILN_CHECK(params->width, "kiln_image_create: .width is 0. Fix: pass the size in texels, at least 1");
	KILN_CHECK(params->height || !params->depth,
	           "kiln_image_create: .depth is %u and .height is 0. Fix: pass the height too, at least 1",
	           params->depth);
	KILN_TRY(kiln_device_check(device));
	return kiln_device_check_launch(device);
}

enum kiln_status kiln_image_create(struct kiln_device *device, const struct kiln_image_params *params,
                                   struct kiln_image **out_image)
{
	struct kiln_image *image;
	enum kiln_status status;

	KILN_TRY(check_create(device, params, out_image));
	image = new_image(device, params);
	if (!image)
		return kiln_error(
			KILN_ERR_OUT_OF_MEMORY,
			"host memory ran out while creating an image. Fix: free memory and call again");
	status = make(image);
	if (status != KILN_OK) {
		kiln_error_context(status, "image \"%s\"", image->tracked.name);
		kiln_buffer_free(&image->tracked);
		return status;
	}
	kiln_contents_init(&image->tracked);
	kiln_device_reference(device);
	status = fill(image, params);
	if (status != KILN_OK) {
		kiln_image_destroy(&image);
		return status;
	}
	*out_image = image;
	return KILN_OK;
}

void kiln_image_destroy(struct kiln_image **image)
{
	struct kiln_buffer *tracked = image && *image ? &(*image)->tracked : NULL;

	if (tracked)
		*image = NULL;
	kiln_buffer_destroy(&tracked);
}

const struct kiln_image_info *kiln_image_info(const struct kiln_image *image)
{
	return image ? &image->info : NULL;
}
