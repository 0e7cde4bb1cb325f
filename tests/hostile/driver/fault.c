/* What the device says of its end: VK_EXT_device_fault. */
#include <string.h>

#include "objects.h"

enum { FAULT_ADDRESSES = 1, FAULT_VENDORS = 1, CLAIMED = 1000000 };

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void fill(const struct hostile_script *script, VkDeviceFaultInfoEXT *info, uint32_t addresses,
                 uint32_t vendors)
{
	static const char told[] = "page fault\n\033[31m in kernel";
	bool lies = script->rules[HOSTILE_FAULT_LIES].set;

	memset(info->description, 'x', sizeof(info->description)); /* of a liar, without an end */
	if (!lies)
		memcpy(info->description, told, sizeof(told));
	for (uint32_t i = 0; i < addresses; i++)
		info->pAddressInfos[i] =
			(VkDeviceFaultAddressInfoEXT){VK_DEVICE_FAULT_ADDRESS_TYPE_WRITE_INVALID_EXT,
		                                      0xdead0000u + i, 4096};
	for (uint32_t i = 0; i < vendors; i++) {
		info->pVendorInfos[i] = (VkDeviceFaultVendorInfoEXT){"queue stopped", 7, 9};
		if (lies)
			memset(info->pVendorInfos[i].description, '\a', VK_MAX_DESCRIPTION_SIZE);
	}
}

VKAPI_ATTR VkResult VKAPI_CALL vkGetDeviceFaultInfoEXT(VkDevice device, VkDeviceFaultCountsEXT *counts,
                                                       VkDeviceFaultInfoEXT *info)
{
	struct hostile_script *script = device->script;
	bool lies = script->rules[HOSTILE_FAULT_LIES].set;
	uint32_t claimed = info || !script->rules[HOSTILE_FAULT_LIES].value
	                           ? CLAIMED
	                           : script->rules[HOSTILE_FAULT_LIES].value;
	uint32_t addresses = lies ? claimed : FAULT_ADDRESSES, vendors = lies ? claimed : FAULT_VENDORS;

	if (!hostile_is_lost(device))
		hostile_log(script, "misuse the device is asked for its fault and is not lost");
	hostile_log(script, info ? "fault_info" : "fault_counts");
	if (hostile_strikes(script, HOSTILE_FAULT_FAILS))
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	if (info) {
		fill(script, info, least(counts->addressInfoCount, addresses),
		     least(counts->vendorInfoCount, vendors));
		/* A liar says that it wrote what there was no room for. */
		if (!lies) {
			counts->addressInfoCount = least(counts->addressInfoCount, addresses);
			counts->vendorInfoCount = least(counts->vendorInfoCount, vendors);
			return VK_SUCCESS;
		}
	}
	counts->addressInfoCount = addresses;
	counts->vendorInfoCount = vendors;
	counts->vendorBinarySize = 0;
	return info ? VK_INCOMPLETE : VK_SUCCESS;
}
