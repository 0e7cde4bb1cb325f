/* Every device of every driver. */
#include <kiln/device.h>

#include <stdlib.h>

#include <base/alloc.h>
#include <base/error.h>

#include "info.h"

static int by_score(const void *a, const void *b)
{
	const struct kiln_device_info *left = a, *right = b;

	if (left->score != right->score)
		return left->score > right->score ? -1 : 1;
	return left->index < right->index ? -1 : 1;
}

enum kiln_status kiln_device_list(struct kiln_device_info **out_infos, size_t *out_count)
{
	struct kiln_instance instance;
	struct kiln_physical *devices = NULL;
	struct kiln_device_info *infos = NULL;
	size_t count = 0;
	enum kiln_status status;

	KILN_CHECK(out_infos && out_count,
	           "kiln_device_list: an output is NULL. Fix: pass the addresses of both");
	KILN_TRY(kiln_instance_init(&instance, false));
	status = kiln_physical_list(&instance, &devices, &count);
	if (status != KILN_OK)
		goto out;
	infos = kiln_alloc_zero(count, sizeof(*infos));
	if (!infos) {
		status = kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                    "out of memory listing devices. Fix: free memory and call again");
		goto out;
	}
	for (size_t i = 0; i < count; i++)
		infos[i] = devices[i].info;
	qsort(infos, count, sizeof(*infos), by_score);
	*out_infos = infos;
	*out_count = count;
out:
	kiln_free(devices);
	kiln_instance_finish(&instance);
	return status;
}

void kiln_device_list_free(struct kiln_device_info **infos)
{
	if (!infos)
		return;
	kiln_free(*infos);
	*infos = NULL;
}
