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

/* The size is asked first and what comes back is checked: lavapipe reports success and leaves a too-large size alone,
 * others return more, less, or VK_INCOMPLETE, which is never kept. */
void *kiln_pipeline_cache_extract(struct kiln_device *device, VkPipelineCache cache, size_t *out_bytes)
{
	size_t asked = 0, got;
	void *blob;

	if (device->vk.vkGetPipelineCacheData(device->handle, cache, &asked, NULL) != VK_SUCCESS ||
	    asked == 0 || asked > KILN_BLOB_MAX)
		return NULL;
	blob = kiln_alloc_zero(1, asked);
	if (!blob)
		return NULL;
	got = asked;
	if (device->vk.vkGetPipelineCacheData(device->handle, cache, &got, blob) == VK_SUCCESS &&
	    got <= asked && kiln_blob_fits(blob, got, &device->blob_device)) {
		*out_bytes = got;
		return blob;
	}
	kiln_log(KILN_LOG_WARN, "the driver's pipeline cache data is unusable and is not kept");
	kiln_free(blob);
	return NULL;
}
