#include "memory_table.h"

#include <stdio.h>

#include "json.h"
#include "text_table.h"

static uint64_t left_of(const struct kiln_heap_memory *heap)
{
	return heap->budget > heap->usage ? heap->budget - heap->usage : 0;
}

void kiln_memory_print(struct kiln_device *device)
{
	char left[KILN_PRETTY_BYTES], budget[KILN_PRETTY_BYTES], size[KILN_PRETTY_BYTES];
	uint64_t alignment = kiln_device_import_alignment(device);
	struct kiln_memory_report report;

	if (kiln_device_memory(device, &report) != KILN_OK || !report.heap_count)
		return;
	for (uint32_t i = 0; i < report.heap_count; i++) {
		const struct kiln_heap_memory *heap = &report.heaps[i];

		printf("  memory heap %-5u %s, %s: %s left of a budget of %s%s\n", i,
		       kiln_pretty_size(heap->size, size), heap->device_local ? "device" : "host",
		       kiln_pretty_size(left_of(heap), left), kiln_pretty_size(heap->budget, budget),
		       report.estimated ? " (estimate)" : "");
	}
	if (alignment)
		printf("  host memory       in place, in units of %s\n", kiln_pretty_size(alignment, size));
	else
		printf("  host memory       copied only\n");
}

static void heap_json(cJSON *object, const struct kiln_heap_memory *heap)
{
	kiln_json_u64(object, "size", heap->size);
	kiln_json_u64(object, "budget", heap->budget);
	kiln_json_u64(object, "usage", heap->usage);
	kiln_json_u64(object, "left", left_of(heap));
	kiln_json_u64(object, "allocated", heap->allocated);
	kiln_json_u64(object, "used", heap->used);
	kiln_json_bool(object, "device_local", heap->device_local);
}

void kiln_memory_json(cJSON *object, struct kiln_device *device)
{
	struct kiln_memory_report report;
	cJSON *memory, *heaps;

	if (kiln_device_memory(device, &report) != KILN_OK)
		return;
	memory = kiln_json_object(object, "memory");
	kiln_json_bool(memory, "estimated", report.estimated);
	heaps = kiln_json_array(memory, "heaps");
	for (uint32_t i = 0; i < report.heap_count; i++)
		heap_json(kiln_json_append(heaps), &report.heaps[i]);
	heap_json(kiln_json_object(memory, "total"), &report.total);
	kiln_json_u64(memory, "imported", report.imported);
	kiln_json_u64(memory, "allocations", report.allocations);
	kiln_json_u64(memory, "max_allocations", report.max_allocations);
	kiln_json_u64(memory, "import_alignment", kiln_device_import_alignment(device));
}
