/* A lost device, made to work again in place. */
#include <kiln/loss.h>

#include <string.h>

#include <base/error.h>
#include <base/log.h>

#include "device.h"
#include "device_features.h"
#include "loader.h"
#include "memory_block.h"

/* ---- May it be? ---- */

static enum kiln_status check(struct kiln_device *device)
{
	if (kiln_device_is_inherited(device))
		return kiln_device_check(device);
	if (device->imported || atomic_load_explicit(&device->lends, memory_order_relaxed))
		return kiln_error(
			KILN_ERR_UNSUPPORTED,
			"kiln_device_reopen: Vulkan handles of device '%s' are in the program's hands. "
			"Fix: close it, and open or import another",
			device->info.name);
	if (atomic_load_explicit(&device->abandoned, memory_order_relaxed))
		return kiln_error(
			KILN_ERR_UNSUPPORTED,
			"kiln_device_reopen: device '%s' hangs, and nothing of it may be freed. Fix: close "
			"it and open another, in a new process if that hangs too",
			device->info.name);
	return KILN_OK;
}

/* The adapter behind the handle is the one that was chosen, with the driver that the keys of the cache name. */
static enum kiln_status check_adapter(const struct kiln_device *device)
{
	VkPhysicalDeviceIDProperties id = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES};
	VkPhysicalDeviceProperties2 properties = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
		.pNext = &id,
	};

	device->instance.vkGetPhysicalDeviceProperties2(device->physical, &properties);
	if (memcmp(id.deviceUUID, device->info.uuid, sizeof(device->info.uuid)) == 0 &&
	    properties.properties.driverVersion == device->info.driver_version)
		return KILN_OK;
	return kiln_error(
		KILN_ERR_NO_DEVICE,
		"kiln_device_reopen: where device '%s' was, another adapter or driver is. Fix: close it "
		"and open another",
		device->info.name);
}

/* ---- Out with the old ---- */

static bool everything(const void *user, const struct kiln_pipeline_identity *identity)
{
	(void)user, (void)identity;
	return true;
}

/* Nothing of the lost device is used once this returns, and nothing of it is left but the device itself. */
static enum kiln_status let_go(struct kiln_device *device, struct kiln_reopening *reopening)
{
	if (device->info.can_launch)
		(void)kiln_device_idle(device);
	KILN_TRY(kiln_streams_lose(device));
	kiln_helpers_lose(device);
	reopening->pipelines += kiln_pipeline_tier_drop(&device->pipelines, everything, NULL);
	kiln_retirement_collect(&device->retirement, UINT64_MAX);
	kiln_parts_lose(device);
	kiln_samplers_lose(device);
	kiln_programs_drop_modules(&device->programs);
	kiln_timelines_finish(device);
	kiln_mutex_lock(&device->memory.lock);
	(void)kiln_memory_blocks_trim(device);
	kiln_mutex_unlock(&device->memory.lock);
	if (!device->memory.blocks)
		return KILN_OK;
	return kiln_error(
		KILN_ERR_INTERNAL,
		"kiln_device_reopen: memory of lost device '%s' is in use by what cannot follow it. Fix: "
		"close it and open another",
		device->info.name);
}

static void replace(struct kiln_device *device, VkDevice handle)
{
	device->vk.vkDestroyDevice(device->handle, NULL);
	device->handle = handle;
	kiln_loader_device_table(device->instance.get, device->instance.handle, handle, &device->vk);
	for (uint32_t i = 0; i < device->queue_count; i++)
		device->queues[i].handle = VK_NULL_HANDLE;
}

/* ---- In with the new ---- */

static void begin_alone(struct kiln_device *device)
{
	kiln_mutex_lock(&device->loss.lock);
	atomic_store(&device->reopener, kiln_loss_thread());
	kiln_mutex_unlock(&device->loss.lock);
}

/* Unless it was lost again meanwhile. */
static void end_alone(struct kiln_device *device, bool whole)
{
	kiln_mutex_lock(&device->loss.lock);
	if (atomic_load(&device->reopener) && whole) {
		device->loss.facts.lost = false;
		device->loss.facts.reopens++;
		atomic_store_explicit(&device->lost, KILN_OK, memory_order_release);
	}
	atomic_store(&device->reopener, NULL); /* last: see kiln_device_is_given_up() */
	kiln_mutex_unlock(&device->loss.lock);
}

/* For other threads it stays lost until all is there, and for all when something cannot be brought back: half of the buffers
 * would be worse than none. */
static enum kiln_status bring_back(struct kiln_device *device, struct kiln_reopening *reopening)
{
	enum kiln_status status;

	begin_alone(device);
	status = kiln_parts_restore(device, reopening);
	if (status == KILN_OK)
		status = kiln_streams_wait(device);
	end_alone(device, status == KILN_OK);
	return status == KILN_OK ? kiln_device_check(device) : status;
}

/* The new device comes first: where there is none, nothing has changed. */
static enum kiln_status reopen(struct kiln_device *device, struct kiln_reopening *reopening)
{
	VkDevice handle = VK_NULL_HANDLE;
	struct kiln_device_setup setup;
	enum kiln_status status;

	KILN_TRY(check_adapter(device));
	KILN_TRY(kiln_features_choose(&device->instance, device->physical,
	                              device->robustness == KILN_ROBUSTNESS_BUFFERS, &setup));
	KILN_TRY(kiln_device_create_vulkan(device, &setup, &handle));
	status = let_go(device, reopening);
	if (status != KILN_OK) {
		struct VolkDeviceTable vk;

		kiln_loader_device_table(device->instance.get, device->instance.handle, handle, &vk);
		vk.vkDestroyDevice(handle, NULL);
		return status;
	}
	replace(device, handle);
	return bring_back(device, reopening);
}

enum kiln_status kiln_device_reopen(struct kiln_device *device, struct kiln_reopening *out_reopening)
{
	struct kiln_reopening reopening = {0};
	enum kiln_status status = KILN_OK;

	KILN_CHECK(device, "kiln_device_reopen: the device is NULL. Fix: open one with kiln_device_open()");
	KILN_TRY(check(device));
	kiln_mutex_lock(&device->reopening);
	if (atomic_load_explicit(&device->lost, memory_order_acquire) != KILN_OK) {
		status = reopen(device, &reopening);
		if (status == KILN_OK)
			kiln_log(KILN_LOG_WARN, "device '%s' was lost and is reopened", device->info.name);
	}
	kiln_mutex_unlock(&device->reopening);
	if (status == KILN_OK && out_reopening)
		*out_reopening = reopening;
	return status;
}
