#include "pipeline_cache.h"

#include <base/alloc.h>
#include <base/log.h>

#include "blob.h"
#include "device.h"

enum kiln_status kiln_pipeline_cache_create(struct kiln_device *device, const void *blob, size_t blob_bytes,
                                            VkPipelineCache *out_cache)
{
	/* Size 0 with a pointer crashes some drivers. */
	VkPipelineCacheCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO,
		.initialDataSize = blob ? blob_bytes : 0,
		.pInitialData = blob_bytes ? blob : NULL,
	};
	enum kiln_status status = KILN_OK;

	KILN_VK_NEW(device, status, out, *out_cache,
	            device->vk.vkCreatePipelineCache(device->handle, &info, NULL, out_cache));
out:
	return status;
}

/* ---- Taking the data out ---- */

#define ATTEMPTS 3 /* to catch data that grows between asking for its size and for itself */

/* What the driver says, and as much of it as there is. A blob is the caller's. */
struct data {
	size_t asked, got;
	void *bytes;
};

static VkResult get(struct kiln_device *device, VkPipelineCache cache, struct data *data)
{
	VkResult result = device->vk.vkGetPipelineCacheData(device->handle, cache, &data->asked, NULL);

	if (result != VK_SUCCESS)
		return result;
	if (data->asked == 0 || data->asked > KILN_BLOB_MAX)
		return VK_ERROR_UNKNOWN;
	data->bytes = kiln_alloc_zero(1, data->asked);
	if (!data->bytes)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	data->got = data->asked;
	return device->vk.vkGetPipelineCacheData(device->handle, cache, &data->got, data->bytes);
}

/* Data that has grown meanwhile is asked for again. Some drivers say the same of data that has not, and whoever stored it saw
 * crashes: such a driver is not asked again. */
static VkResult get_whole(struct kiln_device *device, VkPipelineCache cache, struct data *out_data)
{
	size_t before = 0;
	VkResult result;

	for (int i = 0; i < ATTEMPTS; i++) {
		*out_data = (struct data){0};
		result = get(device, cache, out_data);
		if (result != VK_INCOMPLETE)
			return result;
		kiln_free(out_data->bytes);
		out_data->bytes = NULL;
		if (out_data->asked <= before) {
			atomic_store_explicit(&device->incomplete, true, memory_order_relaxed);
			break;
		}
		before = out_data->asked;
	}
	return VK_INCOMPLETE;
}

static void note_incomplete(struct kiln_device *device)
{
	if (atomic_fetch_add_explicit(&device->unkept, 1, memory_order_relaxed) == 0)
		kiln_log(
			KILN_LOG_WARN,
			"pipeline cache: the driver does not give its cache data whole (VK_INCOMPLETE); such pipelines "
			"are not stored");
}

/* The size is asked first and what comes back is checked: lavapipe reports success and leaves a too-large size alone,
 * others return more, less, or VK_INCOMPLETE, which is never kept. */
void *kiln_pipeline_cache_extract(struct kiln_device *device, VkPipelineCache cache, size_t *out_bytes)
{
	struct data data = {0};
	VkResult result = VK_INCOMPLETE;

	if (!atomic_load_explicit(&device->incomplete, memory_order_relaxed))
		result = get_whole(device, cache, &data);
	if (result == VK_INCOMPLETE)
		note_incomplete(device);
	if (result == VK_SUCCESS && data.got <= data.asked &&
	    kiln_blob_fits(data.bytes, data.got, &device->blob_device)) {
		*out_bytes = data.got;
		return data.bytes;
	}
	if (result == VK_SUCCESS)
		kiln_log(KILN_LOG_WARN, "the driver's pipeline cache data is unusable and is not kept");
	kiln_free(data.bytes);
	return NULL;
}
