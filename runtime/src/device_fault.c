#include "device_fault.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "device.h"

/* ---- Asking ---- */

void kiln_fault_text(char *target, size_t size, const char *source, size_t source_size)
{
	size_t at = 0;

	for (; at + 1 < size && at < source_size && source[at]; at++)
		target[at] = source[at] >= ' ' && source[at] <= '~' ? source[at] : '?';
	target[at] = '\0';
}

static enum kiln_fault_access access_of(VkDeviceFaultAddressTypeEXT type)
{
	switch (type) {
	case VK_DEVICE_FAULT_ADDRESS_TYPE_READ_INVALID_EXT:
		return KILN_FAULT_READ;
	case VK_DEVICE_FAULT_ADDRESS_TYPE_WRITE_INVALID_EXT:
		return KILN_FAULT_WRITE;
	case VK_DEVICE_FAULT_ADDRESS_TYPE_EXECUTE_INVALID_EXT:
		return KILN_FAULT_EXECUTE;
	case VK_DEVICE_FAULT_ADDRESS_TYPE_INSTRUCTION_POINTER_UNKNOWN_EXT:
	case VK_DEVICE_FAULT_ADDRESS_TYPE_INSTRUCTION_POINTER_INVALID_EXT:
	case VK_DEVICE_FAULT_ADDRESS_TYPE_INSTRUCTION_POINTER_FAULT_EXT:
		return KILN_FAULT_INSTRUCTION;
	default:
		return KILN_FAULT_UNKNOWN;
	}
}

/* The counts come back from a driver that has just failed: no more is believed than there was room for. */
static uint32_t at_most(uint32_t count, uint32_t room)
{
	return count < room ? count : room;
}

static void keep(struct kiln_device_loss *loss, const VkDeviceFaultInfoEXT *info,
                 const VkDeviceFaultCountsEXT *counts)
{
	loss->has_fault = true;
	kiln_fault_text(loss->description, sizeof(loss->description), info->description,
	                sizeof(info->description));
	loss->address_count = at_most(counts->addressInfoCount, KILN_FAULTS_MAX);
	for (uint32_t i = 0; i < loss->address_count; i++)
		loss->addresses[i] = (struct kiln_fault_address){
			access_of(info->pAddressInfos[i].addressType),
			info->pAddressInfos[i].reportedAddress,
			info->pAddressInfos[i].addressPrecision,
		};
	loss->vendor_count = at_most(counts->vendorInfoCount, KILN_FAULTS_MAX);
	for (uint32_t i = 0; i < loss->vendor_count; i++) {
		const VkDeviceFaultVendorInfoEXT *told = &info->pVendorInfos[i];

		kiln_fault_text(loss->vendors[i].description, sizeof(loss->vendors[i].description),
		                told->description, sizeof(told->description));
		loss->vendors[i].code = told->vendorFaultCode;
		loss->vendors[i].data = told->vendorFaultData;
	}
}

void kiln_fault_query(struct kiln_device *device, struct kiln_device_loss *loss)
{
	VkDeviceFaultAddressInfoEXT addresses[KILN_FAULTS_MAX] = {{0}};
	VkDeviceFaultVendorInfoEXT vendors[KILN_FAULTS_MAX] = {{{0}, 0, 0}};
	VkDeviceFaultCountsEXT counts = {.sType = VK_STRUCTURE_TYPE_DEVICE_FAULT_COUNTS_EXT};
	VkDeviceFaultInfoEXT info = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_FAULT_INFO_EXT,
		.pAddressInfos = addresses,
		.pVendorInfos = vendors,
	};
	uint32_t address_room, vendor_room;

	if (!device->capabilities.features.fault.deviceFault || !device->vk.vkGetDeviceFaultInfoEXT ||
	    device->vk.vkGetDeviceFaultInfoEXT(device->handle, &counts, NULL) < 0)
		return;
	loss->address_total = counts.addressInfoCount;
	loss->vendor_total = counts.vendorInfoCount;
	counts.addressInfoCount = address_room = at_most(counts.addressInfoCount, KILN_FAULTS_MAX);
	counts.vendorInfoCount = vendor_room = at_most(counts.vendorInfoCount, KILN_FAULTS_MAX);
	counts.vendorBinarySize = 0;
	if (device->vk.vkGetDeviceFaultInfoEXT(device->handle, &counts, &info) <
	    0) /* VK_INCOMPLETE is an answer */
		return;
	counts.addressInfoCount = at_most(counts.addressInfoCount, address_room);
	counts.vendorInfoCount = at_most(counts.vendorInfoCount, vendor_room);
	keep(loss, &info, &counts);
}

/* ---- Telling ---- */

static const char *access_name(enum kiln_fault_access access)
{
	switch (access) {
	case KILN_FAULT_READ:
		return "invalid read at";
	case KILN_FAULT_WRITE:
		return "invalid write at";
	case KILN_FAULT_EXECUTE:
		return "invalid jump to";
	case KILN_FAULT_INSTRUCTION:
		return "program at";
	default:
		return "address";
	}
}

static void append(char *text, size_t size, const char *piece)
{
	size_t used = strnlen(text, size);

	if (used < size)
		(void)snprintf(text + used, size - used, "%s", piece);
}

void kiln_fault_print(const struct kiln_device_loss *loss, char *text, size_t size)
{
	char piece[320];

	if (!loss->has_fault)
		return;
	(void)snprintf(piece, sizeof(piece), ", the driver says \"%.255s\"", loss->description);
	append(text, size, piece);
	for (uint32_t i = 0; i < loss->address_count; i++) {
		(void)snprintf(piece, sizeof(piece), ", %s 0x%" PRIx64 " (to %" PRIu64 " bytes)",
		               access_name(loss->addresses[i].access), loss->addresses[i].address,
		               loss->addresses[i].precision);
		append(text, size, piece);
	}
	for (uint32_t i = 0; i < loss->vendor_count; i++) {
		(void)snprintf(piece, sizeof(piece), ", vendor's \"%.127s\" 0x%" PRIx64 " 0x%" PRIx64,
		               loss->vendors[i].description, loss->vendors[i].code, loss->vendors[i].data);
		append(text, size, piece);
	}
}
