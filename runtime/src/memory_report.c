#include "memory_report.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/error.h>
#include <base/fs.h>

#include "device.h"
#include "memory_block.h"

_Static_assert(KILN_HEAPS_MAX == VK_MAX_MEMORY_HEAPS, "a report has room for every heap");

/* ---- Where the driver does not tell ---- */

bool kiln_meminfo_available(const char *text, uint64_t *out_bytes)
{
	static const char name[] = "MemAvailable:";
	const char *line = strstr(text, name);
	char *end;
	unsigned long long kib;

	if (!line || (line != text && line[-1] != '\n'))
		return false;
	line += sizeof(name) - 1;
	kib = strtoull(line, &end, 10);
	if (end == line || strncmp(end, " kB", 3) != 0 || kib > UINT64_MAX >> 10)
		return false;
	*out_bytes = (uint64_t)kib << 10;
	return true;
}

uint64_t kiln_memory_estimate(uint64_t size, uint64_t allocated, uint64_t available)
{
	if (available == UINT64_MAX)
		return size / 5 * 4;
	return size < allocated || available > size - allocated ? size : allocated + available;
}

static uint64_t host_available(void)
{
	const struct kiln_fs *fs = &kiln_fs_posix;
	int fd = fs->openat(fs->user, AT_FDCWD, "/proc/meminfo", O_RDONLY | O_CLOEXEC, 0);
	char text[1024];
	uint64_t bytes;
	ssize_t got;

	if (fd < 0)
		return UINT64_MAX;
	got = fs->read(fs->user, fd, text, sizeof(text) - 1); /* it stands among the first lines */
	fs->close(fs->user, fd);
	if (got <= 0)
		return UINT64_MAX;
	text[got] = '\0';
	return kiln_meminfo_available(text, &bytes) ? bytes : UINT64_MAX;
}

static void estimate(const struct kiln_device *device, struct kiln_memory_report *report)
{
	enum kiln_device_type type = device->info.type;
	bool shared = type == KILN_DEVICE_CPU || type == KILN_DEVICE_INTEGRATED;
	uint64_t available = host_available();

	report->estimated = true;
	for (uint32_t i = 0; i < report->heap_count; i++) {
		struct kiln_heap_memory *heap = &report->heaps[i];

		heap->usage = heap->allocated;
		heap->budget = kiln_memory_estimate(heap->size, heap->allocated,
		                                    shared || !heap->device_local ? available : UINT64_MAX);
	}
}

/* ---- Where it does ---- */

static void ask(const struct kiln_device *device, struct kiln_memory_report *report)
{
	VkPhysicalDeviceMemoryBudgetPropertiesEXT budget = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT,
	};
	VkPhysicalDeviceMemoryProperties2 properties = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2,
		.pNext = &budget,
	};

	device->instance.vkGetPhysicalDeviceMemoryProperties2(device->physical, &properties);
	for (uint32_t i = 0; i < report->heap_count; i++) {
		report->heaps[i].budget = budget.heapBudget[i];
		report->heaps[i].usage = budget.heapUsage[i];
	}
}

/* ---- Together ---- */

static void add_up(struct kiln_memory_report *report)
{
	struct kiln_heap_memory *total = &report->total;

	total->device_local = report->heap_count > 0;
	for (uint32_t i = 0; i < report->heap_count; i++) {
		const struct kiln_heap_memory *heap = &report->heaps[i];

		total->size += heap->size;
		total->budget += heap->budget;
		total->usage += heap->usage;
		total->allocated += heap->allocated;
		total->used += heap->used;
		total->device_local = total->device_local && heap->device_local;
	}
}

static void add_blocks(const struct kiln_memory_pool *pool, struct kiln_memory_report *report)
{
	for (const struct kiln_memory_block *block = pool->blocks; block; block = block->next) {
		if (block->pages)
			report->imported += block->bytes;
		else
			report->heaps[kiln_memory_type_heap(pool, block->type)].used +=
				block->ranges.used_bytes;
	}
}

void kiln_memory_report(struct kiln_device *device, struct kiln_memory_report *out_report)
{
	const struct kiln_memory_pool *pool = &device->memory;
	const VkPhysicalDeviceMemoryProperties *properties = &pool->limits.properties;

	memset(out_report, 0, sizeof(*out_report));
	out_report->heap_count = properties->memoryTypeCount ? properties->memoryHeapCount : 0;
	out_report->allocations = pool->allocation_count;
	out_report->max_allocations = pool->limits.max_allocations;
	for (uint32_t i = 0; i < out_report->heap_count; i++) {
		out_report->heaps[i].size = properties->memoryHeaps[i].size;
		out_report->heaps[i].device_local =
			properties->memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT;
		out_report->heaps[i].allocated = pool->heap_bytes[i];
	}
	add_blocks(pool, out_report);
	if (device->has_memory_budget)
		ask(device, out_report);
	else
		estimate(device, out_report);
	add_up(out_report);
}

void kiln_memory_describe(struct kiln_device *device, char *text, size_t size)
{
	struct kiln_memory_report report;
	size_t used = 0;

	kiln_memory_report(device, &report);
	text[0] = '\0';
	for (uint32_t i = 0; i < report.heap_count && used < size; i++) {
		const struct kiln_heap_memory *heap = &report.heaps[i];
		uint64_t left = heap->budget > heap->usage ? heap->budget - heap->usage : 0;
		int written = snprintf(text + used, size - used,
		                       "%sheap %u%s: %" PRIu64 " of %" PRIu64
		                       " MiB left in the budget%s, %" PRIu64 " taken by Kiln",
		                       i ? "; " : "", i, heap->device_local ? " (device-local)" : "",
		                       left >> 20, heap->budget >> 20, report.estimated ? " by estimate" : "",
		                       heap->allocated >> 20);

		used += written > 0 ? (size_t)written : size;
	}
}

enum kiln_status kiln_device_memory(struct kiln_device *device, struct kiln_memory_report *out_report)
{
	KILN_CHECK(device, "kiln_device_memory: the device is NULL. Fix: open one with kiln_device_open()");
	KILN_CHECK(out_report, "kiln_device_memory: out_report is NULL. Fix: pass where the report goes");
	KILN_TRY(kiln_device_check(device));
	kiln_mutex_lock(&device->memory.lock);
	kiln_memory_report(device, out_report);
	kiln_mutex_unlock(&device->memory.lock);
	return KILN_OK;
}
