#include "device.h"

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>
#include <base/log.h>
#include <base/process.h>
#include <base/settings.h>

#include "loader.h"
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
