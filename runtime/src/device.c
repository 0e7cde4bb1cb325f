#include "device.h"

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>
#include <base/log.h>
#include <base/settings.h>

#include "fingerprint.h"
#include "info.h"
#include "loader.h"
#include "process.h"
#include "select.h"
#include "slice.h"

/* ---- Sticky state ---- */

void kiln_device_lose(struct kiln_device *device)
{
	kiln_loss_latch(device, NULL, VK_SUCCESS, NULL);
}

void kiln_device_abandon(struct kiln_device *device)
{
	atomic_store_explicit(&device->abandoned, true, memory_order_relaxed);
	kiln_device_lose(device);
}

enum kiln_status kiln_device_vk_error(struct kiln_device *device, VkResult result, const char *call)
{
	if (result != VK_ERROR_DEVICE_LOST)
		return kiln_vk_error(result, call);
	kiln_loss_latch(device, NULL, result, call);
	return kiln_loss_error(device);
}

bool kiln_device_is_inherited(const struct kiln_device *device)
{
	return device->process != kiln_process_generation();
}

enum kiln_status kiln_device_check(struct kiln_device *device)
{
	if (kiln_device_is_inherited(device))
		return kiln_error(KILN_ERR_DEVICE_LOST,
		                  "device '%s' was opened before this process was forked off, and drivers do "
		                  "not follow into a child. Fix: open a device in this process",
		                  device->info.name);
	if (atomic_load_explicit(&device->lost, memory_order_acquire) == KILN_OK ||
	    atomic_load_explicit(&device->reopener, memory_order_relaxed) == kiln_loss_thread())
		return KILN_OK;
	return kiln_loss_error(device);
}

enum kiln_status kiln_device_check_launch(struct kiln_device *device)
{
	if (device->info.can_launch)
		return KILN_OK;
	return kiln_error(
		KILN_ERR_COMPILE_ONLY,
		"device '%s' can compile but has no memory to launch with. Fix: choose another device (`kiln info` "
		"lists them)",
		device->info.name);
}

/* ---- Opening ---- */

static bool wants_validation(enum kiln_validation validation)
{
	if (validation == KILN_VALIDATION_DEFAULT)
		return kiln_setting_choice(&kiln_env_process, KILN_SETTING_VALIDATION) != 0;
	return validation == KILN_VALIDATION_ON;
}

/* A wish in the parameters that matches nothing is an error; one in the environment is a warning and the best device. */
static enum kiln_status choose(const struct kiln_physical *devices, size_t count, const char *select,
                               size_t *out_index)
{
	struct kiln_device_info *infos = kiln_alloc_zero(count, sizeof(*infos));
	const char *wish = select ? select : kiln_setting_text(&kiln_env_process, KILN_SETTING_DEVICE);
	enum kiln_status status;

	if (!infos)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory choosing a device. Fix: free memory and call again");
	for (size_t i = 0; i < count; i++)
		infos[i] = devices[i].info;
	status = kiln_device_select(infos, count, wish, out_index);
	if (status != KILN_OK && wish && !select) {
		kiln_log(KILN_LOG_WARN, "KILN_DEVICE is ignored: %s", kiln_error_message());
		status = kiln_device_select(infos, count, NULL, out_index);
	}
	kiln_free(infos);
	return status;
}

static void copy_queues(struct kiln_device *device, const struct kiln_physical *physical)
{
	device->physical = physical->handle;
	device->queues[0].family = physical->queue_family;
	device->queues[1].family = physical->async_family;
	device->queues[1].index = physical->async_index;
	device->queue_count = physical->has_async ? 2 : 1;
}

static uint32_t rebindable(const VkPhysicalDeviceVulkan12Features *use)
{
	uint32_t types = 0;

	if (use->descriptorBindingStorageBufferUpdateAfterBind)
		types |= 1u << KILN_BINDING_STORAGE_BUFFER;
	if (use->descriptorBindingUniformBufferUpdateAfterBind)
		types |= 1u << KILN_BINDING_UNIFORM_BUFFER;
	return types;
}

static void copy_facts(struct kiln_device *device, const struct kiln_physical *physical,
                       const struct kiln_device_setup *setup)
{
	copy_queues(device, physical);
	device->info = physical->info;
	device->limits = physical->limits;
	device->min_subgroup_size = physical->min_subgroup_size;
	device->max_subgroup_size = physical->max_subgroup_size;
	device->max_workgroup_subgroups = physical->max_workgroup_subgroups;
	device->has_timeline = setup->features.v12.timelineSemaphore;
	device->has_feedback = setup->feedback;
	device->has_cache_control = setup->features.v13.pipelineCreationCacheControl;
	device->has_memory_budget = setup->memory_budget;
	device->rebindable = rebindable(&setup->features.v12);
	device->has_host_import = setup->host_import;
	device->has_subgroup_control = setup->features.v13.subgroupSizeControl && physical->max_subgroup_size;
	device->capabilities.features = setup->features;
	device->capabilities.subgroup_operations = physical->subgroup_operations;
	device->capabilities.api_version = setup->api_version;
	device->blob_device.vendor_id = physical->info.vendor_id;
	device->blob_device.device_id = physical->info.device_id;
	memcpy(device->blob_device.cache_uuid, physical->cache_uuid, sizeof(device->blob_device.cache_uuid));
}

/* One entry for each family; returns how many. */
static uint32_t list_queues(const struct kiln_device *device, VkDeviceQueueCreateInfo queues[2])
{
	static const float priorities[2] = {1.0f, 1.0f};
	bool same = device->queue_count == 2 && device->queues[1].family == device->queues[0].family;

	queues[0] = queues[1] = (VkDeviceQueueCreateInfo){
		.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
		.queueFamilyIndex = device->queues[0].family,
		.queueCount = same ? 2 : 1,
		.pQueuePriorities = priorities,
	};
	queues[1].queueFamilyIndex = device->queues[1].family;
	return device->queue_count == 2 && !same ? 2 : 1;
}

enum kiln_status kiln_device_create_vulkan(const struct kiln_device *device,
                                           const struct kiln_device_setup *setup, VkDevice *out_handle)
{
	VkDeviceQueueCreateInfo queues[2];
	VkDeviceCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
		.pNext = &setup->features.core,
		.queueCreateInfoCount = list_queues(device, queues),
		.pQueueCreateInfos = queues,
		.enabledExtensionCount = setup->extension_count,
		.ppEnabledExtensionNames = setup->extensions,
	};
	VkDevice handle = VK_NULL_HANDLE; /* undefined after a failure, so it is not the device's yet */
	VkResult result = device->instance.vkCreateDevice(device->physical, &info, NULL, &handle);

	if (result < 0)
		return kiln_vk_error(result, "vkCreateDevice");
	*out_handle = handle;
	return KILN_OK;
}

static enum kiln_status create_device(struct kiln_device *device, const struct kiln_physical *physical,
                                      const struct kiln_device_setup *setup)
{
	copy_queues(device, physical);
	KILN_TRY(kiln_device_create_vulkan(device, setup, &device->handle));
	kiln_loader_device_table(device->instance.get, device->instance.handle, device->handle, &device->vk);
	return KILN_OK;
}

/* SwiftShader tells no version: the build-id of its library stands in for one. */
static void take_fingerprint(struct kiln_device *device, const struct kiln_physical *physical,
                             const struct kiln_device_setup *setup)
{
	char build_id[129];

	kiln_build_id((const void *)(uintptr_t)device->vk.vkQueueSubmit, build_id, sizeof(build_id));
	device->fingerprint =
		kiln_device_fingerprint_of(physical, setup, device->instance.validation, build_id);
}

void kiln_device_take(struct kiln_device *device, const struct kiln_physical *physical,
                      const struct kiln_device_setup *setup)
{
	copy_facts(device, physical, setup);
	take_fingerprint(device, physical, setup);
	kiln_timestamps_init(device, setup->calibrated_timestamps);
}

static enum kiln_status open_vulkan(struct kiln_device *device, const struct kiln_device_params *params,
                                    const void *how)
{
	struct kiln_physical *devices = NULL;
	struct kiln_device_setup setup;
	size_t count = 0, index = 0;
	enum kiln_status status;

	(void)how;
	KILN_TRY(kiln_instance_init(&device->instance, wants_validation(params->validation)));
	status = kiln_physical_list(&device->instance, &devices, &count);
	if (status == KILN_OK)
		status = choose(devices, count, params->select, &index);
	if (status == KILN_OK)
		status = kiln_features_choose(&device->instance, devices[index].handle,
		                              params->robustness == KILN_ROBUSTNESS_BUFFERS, &setup);
	if (status == KILN_OK)
		status = create_device(device, &devices[index], &setup);
	if (status == KILN_OK)
		kiln_device_take(device, &devices[index], &setup);
	kiln_free(devices);
	return status;
}

/* Persistence is a comfort: without it the device works, and says so once. */
static void open_cache(struct kiln_device *device, const struct kiln_device_params *params)
{
	if (params->no_cache)
		return;
	device->cache = params->cache;
	if (device->cache)
		return;
	device->owns_cache = true;
	if (kiln_cache_open(NULL, &device->cache) != KILN_OK)
		kiln_log(KILN_LOG_WARN, "running without a pipeline cache: %s", kiln_error_message());
}

static void open_store(struct kiln_device *device, const struct kiln_device_params *params)
{
	const char *root = params->cache ? kiln_cache_root(params->cache)
	                                 : kiln_setting_text(&kiln_env_process, KILN_SETTING_CACHE_DIR);
	char path[4096];

	device->autotune_mode = params->no_autotune
	                                ? KILN_AUTOTUNE_MODE_OFF
	                                : kiln_setting_choice(&kiln_env_process, KILN_SETTING_AUTOTUNE);
	if (device->autotune_mode == KILN_AUTOTUNE_MODE_OFF)
		return;
	device->store = params->store;
	if (device->store)
		return;
	device->owns_store = true;
	if (kiln_store_default_path(root, path, sizeof(path)) >= sizeof(path))
		kiln_log(KILN_LOG_WARN,
		         "running without tuned sizes: the store's path is longer than %zu bytes",
		         sizeof(path));
	else if (kiln_store_open(path, &device->store) != KILN_OK ||
	         kiln_store_load(device->store) != KILN_OK)
		kiln_log(KILN_LOG_WARN, "running without tuned sizes: %s", kiln_error_message());
}

static void drop_module(void *user, VkShaderModule module)
{
	struct kiln_device *device = user;

	device->vk.vkDestroyShaderModule(device->handle, module, NULL);
}

static enum kiln_status init_tiers(struct kiln_device *device)
{
	uint64_t entries = kiln_setting_number(&kiln_env_process, KILN_SETTING_PIPELINE_CACHE_ENTRIES);
	uint64_t bytes = kiln_setting_number(&kiln_env_process, KILN_SETTING_PIPELINE_CACHE_BYTES);

	KILN_TRY(kiln_mutex_init(&device->tuned_keys.lock));
	device->tuned_keys.lock_ready = true;
	KILN_TRY(kiln_mutex_init(&device->reopening));
	device->reopening_ready = true;
	KILN_TRY(kiln_parts_init(&device->parts));
	KILN_TRY(kiln_loss_init(&device->loss));
	KILN_TRY(kiln_watch_init(device));
	KILN_TRY(kiln_streams_init(device));
	KILN_TRY(kiln_helpers_init(&device->helpers));
	KILN_TRY(kiln_programs_init(&device->programs));
	device->programs.drop_module = drop_module;
	device->programs.user = device;
	KILN_TRY(kiln_pipeline_tier_init(&device->pipelines, entries, bytes));
	KILN_TRY(kiln_samplers_init(device));
	KILN_TRY(kiln_memory_init(device));
	device->memory.device_address = device->capabilities.features.v12.bufferDeviceAddress;
	return KILN_OK;
}

enum kiln_status kiln_device_make(const struct kiln_device_params *params, kiln_device_vulkan_fn *set_up,
                                  const void *how, struct kiln_device **out_device)
{
	static const struct kiln_device_params defaults;
	struct kiln_device *device;
	enum kiln_status status;

	if (!params)
		params = &defaults;
	KILN_CHECK(
		(unsigned)params->robustness <= KILN_ROBUSTNESS_BUFFERS,
		"kiln_device_open: .robustness is %d. Fix: pass KILN_ROBUSTNESS_OFF or KILN_ROBUSTNESS_BUFFERS",
		(int)params->robustness);
	device = kiln_alloc_zero(1, sizeof(*device));
	if (!device)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory opening a device. Fix: free memory and call again");
	atomic_init(&device->references, 1);
	device->process = kiln_process_generation();
	device->robustness = params->robustness;
	device->slice_budget_ns = kiln_slice_budget(params->slice_budget_ns);
	device->sidecars = params->manifest_sidecars;
	device->expect_warm =
		params->expect_warm || kiln_setting_choice(&kiln_env_process, KILN_SETTING_CACHE_EXPECT) != 0;
	status = set_up(device, params, how);
	if (status == KILN_OK)
		status = init_tiers(device);
	if (status != KILN_OK) {
		kiln_device_unreference(device);
		return status;
	}
	open_cache(device, params);
	open_store(device, params);
	*out_device = device;
	return KILN_OK;
}

enum kiln_status kiln_device_open(const struct kiln_device_params *params, struct kiln_device **out_device)
{
	KILN_CHECK(out_device,
	           "kiln_device_open: out_device is NULL. Fix: pass the address of a device pointer");
	return kiln_device_make(params, open_vulkan, NULL, out_device);
}

/* ---- Closing ---- */

/* What a device that hangs may still use stays, and with it all that Vulkan would wait for. */
static void abandon(struct kiln_device *device)
{
	if (device->owns_cache)
		kiln_cache_close(&device->cache);
	if (device->owns_store)
		kiln_store_close(&device->store);
}

static void destroy(struct kiln_device *device)
{
	if (atomic_load_explicit(&device->abandoned, memory_order_relaxed)) {
		abandon(device);
		return;
	}
	if (device->handle) {
		/* The tier's pipelines retire through the streams, so those go last. */
		kiln_helpers_finish(device);
		kiln_pipeline_tier_finish(&device->pipelines);
		kiln_programs_finish(&device->programs);
		kiln_streams_finish(device);
		kiln_samplers_finish(device);
		kiln_memory_finish(device);
		if (!device->imported)
			device->vk.vkDestroyDevice(device->handle, NULL);
	}
	if (device->owns_cache)
		kiln_cache_close(&device->cache);
	if (device->owns_store)
		kiln_store_close(&device->store);
	kiln_watch_finish(device);
	kiln_instance_finish(&device->instance);
	if (device->tuned_keys.lock_ready)
		kiln_mutex_finish(&device->tuned_keys.lock);
	if (device->reopening_ready)
		kiln_mutex_finish(&device->reopening);
	kiln_parts_finish(&device->parts);
	kiln_loss_finish(&device->loss);
	kiln_free(device->tuned_keys.keys);
	kiln_free(device);
}

void kiln_device_reference(struct kiln_device *device)
{
	atomic_fetch_add_explicit(&device->references, 1, memory_order_relaxed);
}

void kiln_device_unreference(struct kiln_device *device)
{
	if (atomic_fetch_sub_explicit(&device->references, 1, memory_order_acq_rel) == 1)
		destroy(device);
}

enum kiln_status kiln_device_wait(struct kiln_device *device)
{
	KILN_CHECK(device, "kiln_device_wait: the device is NULL. Fix: open one with kiln_device_open()");
	if (kiln_device_is_inherited(device))
		return kiln_device_check(device);
	return kiln_streams_wait(device);
}

void kiln_device_close(struct kiln_device **device)
{
	if (!device || !*device)
		return;
	if (kiln_device_is_inherited(*device)) {
		*device = NULL;
		return;
	}
	if (kiln_streams_drain(*device) != KILN_OK)
		kiln_log(KILN_LOG_WARN, "closing device '%s': %s", (*device)->info.name,
		         kiln_error_message());
	/* A graph that was retired before the loss keeps what in turn keeps the device. */
	if (!atomic_load_explicit(&(*device)->abandoned, memory_order_relaxed))
		kiln_streams_collect_alone(*device);
	if (kiln_store_save_if_dirty((*device)->store, NULL) != KILN_OK)
		kiln_log(KILN_LOG_WARN, "tuned sizes are not saved: %s", kiln_error_message());
	kiln_device_unreference(*device);
	*device = NULL;
}
