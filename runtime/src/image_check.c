/* What a device can do with a format, and how large an image may be. */
#include "image.h"

#include <inttypes.h>

#include <base/error.h>

#include "device.h"

static VkFormatFeatureFlags features_of(const struct kiln_device *device, const struct kiln_format_row *row)
{
	VkFormatProperties properties = {0};

	device->instance.vkGetPhysicalDeviceFormatProperties(device->physical, row->format, &properties);
	return properties.optimalTilingFeatures;
}

uint32_t kiln_device_format_uses(struct kiln_device *device, enum kiln_format format)
{
	const struct kiln_format_row *row = kiln_format_row(format);
	VkFormatFeatureFlags has;
	uint32_t uses = 0;

	if (!device || !row || kiln_device_is_inherited(device))
		return 0;
	has = features_of(device, row);
	if (!(has & VK_FORMAT_FEATURE_TRANSFER_SRC_BIT) || !(has & VK_FORMAT_FEATURE_TRANSFER_DST_BIT))
		return 0;
	if (has & VK_FORMAT_FEATURE_STORAGE_IMAGE_BIT)
		uses |= KILN_IMAGE_STORAGE;
	if (has & VK_FORMAT_FEATURE_SAMPLED_IMAGE_BIT)
		uses |= KILN_IMAGE_SAMPLED;
	if ((uses & KILN_IMAGE_SAMPLED) && (has & VK_FORMAT_FEATURE_SAMPLED_IMAGE_FILTER_LINEAR_BIT))
		uses |= KILN_IMAGE_LINEAR;
	return uses;
}

static enum kiln_status check_size(const struct kiln_image *image)
{
	const struct kiln_image_info *info = &image->info;
	const VkPhysicalDeviceLimits *l = &image->tracked.device->limits;
	const uint32_t limits[3] = {l->maxImageDimension1D, l->maxImageDimension2D, l->maxImageDimension3D};
	const uint32_t sizes[3] = {info->width, info->height, info->depth};
	static const char *const names[3] = {"width", "height", "depth"};

	for (int d = 0; d < 3; d++)
		if (sizes[d] > limits[info->dimensions - 1])
			return kiln_error(
				KILN_ERR_TOO_LARGE,
				"image \"%s\" has a %s of %u texels; this device's maxImageDimension%uD is %u. "
				"Fix: split it into several images",
				image->tracked.name, names[d], sizes[d], info->dimensions,
				limits[info->dimensions - 1]);
	return KILN_OK;
}

VkImageUsageFlags kiln_image_usage(const struct kiln_image *image)
{
	VkImageUsageFlags usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;

	if (image->info.uses & KILN_IMAGE_STORAGE)
		usage |= VK_IMAGE_USAGE_STORAGE_BIT;
	if (image->info.uses & KILN_IMAGE_SAMPLED)
		usage |= VK_IMAGE_USAGE_SAMPLED_BIT;
	return usage;
}

/* What the device has for this very combination of format, dimensions and uses. */
static enum kiln_status check_combination(const struct kiln_image *image)
{
	const struct kiln_device *device = image->tracked.device;
	const struct kiln_image_info *info = &image->info;
	VkImageFormatProperties most = {0};
	VkResult result = device->instance.vkGetPhysicalDeviceImageFormatProperties(
		device->physical, kiln_format_row(info->format)->format, image->type, VK_IMAGE_TILING_OPTIMAL,
		kiln_image_usage(image), 0, &most);

	if (result < 0 && result != VK_ERROR_FORMAT_NOT_SUPPORTED)
		return kiln_vk_error(result, "vkGetPhysicalDeviceImageFormatProperties");
	if (result < 0)
		return kiln_error(
			KILN_ERR_UNSUPPORTED,
			"device '%s' has no %u-dimensional images of format %s. Fix: use another format",
			device->info.name, info->dimensions, kiln_format_name(info->format));
	if (info->width > most.maxExtent.width || info->height > most.maxExtent.height ||
	    info->depth > most.maxExtent.depth)
		return kiln_error(
			KILN_ERR_TOO_LARGE,
			"image \"%s\" of %u x %u x %u texels is over this device's maxExtent of %u x %u x %u for "
			"format %s. Fix: split it into several images",
			image->tracked.name, info->width, info->height, info->depth, most.maxExtent.width,
			most.maxExtent.height, most.maxExtent.depth, kiln_format_name(info->format));
	if (info->bytes > most.maxResourceSize)
		return kiln_error(KILN_ERR_TOO_LARGE,
		                  "image \"%s\" of %" PRIu64
		                  " bytes is over this device's maxResourceSize of %" PRIu64
		                  ". Fix: split it into several images",
		                  image->tracked.name, info->bytes, (uint64_t)most.maxResourceSize);
	return KILN_OK;
}

enum kiln_status kiln_image_check(const struct kiln_image *image)
{
	if (!image->info.uses)
		return kiln_error(KILN_ERR_UNSUPPORTED,
		                  "device '%s' has no use for images of format %s. Fix: use another format; "
		                  "kiln_device_format_uses() tells which",
		                  image->tracked.device->info.name, kiln_format_name(image->info.format));
	KILN_TRY(check_size(image)); /* first: `bytes` is right where no side is too long */
	return check_combination(image);
}
