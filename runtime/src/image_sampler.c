#include "image_sampler.h"

#include <string.h>

#include "debug_name.h"
#include "device.h"
#include "slot_sets.h"

#define ADDRESSES 3u

enum kiln_status kiln_samplers_init(struct kiln_device *device)
{
	struct kiln_samplers *samplers = &device->samplers;

	KILN_TRY(kiln_mutex_init(&samplers->lock));
	samplers->lock_ready = true;
	atomic_init(&samplers->tracked.references, 1);
	atomic_init(&samplers->tracked.use.owner, KILN_OWNER_NOBODY);
	samplers->tracked.id = kiln_object_id();
	samplers->tracked.device = device;
	memcpy(samplers->tracked.name, "sampler", sizeof("sampler"));
	return KILN_OK;
}

void kiln_samplers_lose(struct kiln_device *device)
{
	for (uint32_t i = 0; i < KILN_SAMPLERS; i++) {
		VkSampler handle = atomic_exchange(&device->samplers.handles[i], VK_NULL_HANDLE);

		if (handle)
			device->vk.vkDestroySampler(device->handle, handle, NULL);
	}
}

void kiln_samplers_finish(struct kiln_device *device)
{
	struct kiln_samplers *samplers = &device->samplers;

	kiln_samplers_lose(device);
	if (samplers->lock_ready)
		kiln_mutex_finish(&samplers->lock);
	samplers->lock_ready = false;
}

uint32_t kiln_sampler_number(const struct kiln_sampler *sampler)
{
	if ((unsigned)sampler->filter > KILN_FILTER_LINEAR || (unsigned)sampler->address >= ADDRESSES)
		return KILN_SAMPLERS;
	return (uint32_t)sampler->filter * ADDRESSES + (uint32_t)sampler->address;
}

bool kiln_sampler_is_linear(uint32_t number)
{
	return number / ADDRESSES == KILN_FILTER_LINEAR;
}

static enum kiln_status create(struct kiln_device *device, uint32_t number, VkSampler *out_handle)
{
	static const VkSamplerAddressMode modes[ADDRESSES] = {
		[KILN_ADDRESS_CLAMP] = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE,
		[KILN_ADDRESS_REPEAT] = VK_SAMPLER_ADDRESS_MODE_REPEAT,
		[KILN_ADDRESS_MIRROR] = VK_SAMPLER_ADDRESS_MODE_MIRRORED_REPEAT,
	};
	VkFilter filter = kiln_sampler_is_linear(number) ? VK_FILTER_LINEAR : VK_FILTER_NEAREST;
	VkSamplerAddressMode mode = modes[number % ADDRESSES];
	const VkSamplerCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO,
		.magFilter = filter,
		.minFilter = filter,
		.mipmapMode = VK_SAMPLER_MIPMAP_MODE_NEAREST,
		.addressModeU = mode,
		.addressModeV = mode,
		.addressModeW = mode,
	};
	enum kiln_status status = KILN_OK;

	KILN_VK(device, status, out, device->vk.vkCreateSampler(device->handle, &info, NULL, out_handle));
	kiln_debug_name(device, VK_OBJECT_TYPE_SAMPLER, (uint64_t)(uintptr_t)*out_handle, "sampler %u",
	                (unsigned)number);
out:
	return status;
}

enum kiln_status kiln_sampler_ready(struct kiln_device *device, uint32_t number)
{
	struct kiln_samplers *samplers = &device->samplers;
	enum kiln_status status = KILN_OK;
	VkSampler handle;

	if (atomic_load_explicit(&samplers->handles[number], memory_order_acquire))
		return KILN_OK;
	kiln_mutex_lock(&samplers->lock);
	if (!atomic_load_explicit(&samplers->handles[number], memory_order_relaxed)) {
		status = create(device, number, &handle);
		if (status == KILN_OK)
			atomic_store_explicit(&samplers->handles[number], handle, memory_order_release);
	}
	kiln_mutex_unlock(&samplers->lock);
	return status;
}

VkSampler kiln_sampler_handle(const struct kiln_device *device, uint32_t number)
{
	return atomic_load_explicit(&device->samplers.handles[number], memory_order_acquire);
}
