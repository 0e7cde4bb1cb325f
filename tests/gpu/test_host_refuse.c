/* Pages that cannot be worked on in place: each reason its own status and sentence, or a copy where the caller asked for one;
 * and what a report of the memory says. */
#include "host_pages.h"

#include <stdatomic.h>
#include <stdio.h>

#include <base/alloc.h>

static void assert_says(const char *text)
{
	if (!strstr(kiln_error_message(), text))
		fail_msg("no \"%s\" in: %s", text, kiln_error_message());
}

static void count_release(void *user)
{
	atomic_fetch_add((atomic_uint *)user, 1);
}

/* An error as it is, a buffer of its own with .copy_instead. */
static void refused(void *pages, uint64_t bytes, enum kiln_status expected, const char *text)
{
	atomic_uint releases = 0;
	struct kiln_host_params params = {
		.pages = pages,
		.bytes = bytes,
		.name = "victim",
		.released = count_release,
		.released_user = &releases,
	};
	struct kiln_buffer *buffer = NULL;
	unsigned char *got = malloc(bytes);

	assert_non_null(got);
	gpu_refused(kiln_buffer_from_host(gpu_device, &params, &buffer), expected);
	assert_says(text);
	assert_null(buffer);
	assert_int_equal(atomic_load(&releases), 0);
	params.copy_instead = true;
	gpu_ok(kiln_buffer_from_host(gpu_device, &params, &buffer));
	assert_int_equal(atomic_load(&releases), 1); /* the pages are not needed any more */
	assert_false(kiln_buffer_is_in_place(buffer));
	assert_int_equal(imported_now(), 0);
	gpu_ok(kiln_buffer_read(buffer, 0, got, bytes));
	assert_memory_equal(got, pages, bytes);
	kiln_buffer_destroy(&buffer);
	gpu_ok(kiln_device_wait(gpu_device));
	assert_int_equal(atomic_load(&releases), 1);
	free(got);
}

static unsigned char *marked_pages(void)
{
	unsigned char *pages = new_pages(BYTES);

	memset(pages, 0x5a, BYTES);
	return pages;
}

static void pages_that_are_not_aligned_are_refused_or_copied(void **state)
{
	unsigned char *pages;
	uint64_t alignment;
	char text[64];

	(void)state;
	NEEDS_IMPORT();
	alignment = kiln_device_import_alignment(gpu_device);
	assert_true(alignment > 4 && (alignment & (alignment - 1)) == 0);
	pages = marked_pages();
	snprintf(text, sizeof(text), "whole units of %llu bytes", (unsigned long long)alignment);
	refused(pages + 4, BYTES - alignment, KILN_ERR_INVALID_ARGUMENT, text);
	refused(pages, BYTES - 4, KILN_ERR_INVALID_ARGUMENT, "minImportedHostPointerAlignment");
	refused(pages, 1, KILN_ERR_INVALID_ARGUMENT, "\"victim\"");
	refused(pages + alignment / 2, alignment, KILN_ERR_INVALID_ARGUMENT, text);
	drop_pages(pages, BYTES);
}

static void device_without_the_extension_refuses_or_copies(void **state)
{
	uint64_t alignment = gpu_device->memory.limits.import_alignment;
	bool had = gpu_device->has_host_import;
	unsigned char *pages;

	(void)state;
	GPU_NEEDS_LAUNCH();
	pages = marked_pages();
	gpu_device->memory.limits.import_alignment = 0;
	assert_int_equal(kiln_device_import_alignment(gpu_device), 0);
	gpu_device->has_host_import = true;
	refused(pages, BYTES, KILN_ERR_UNSUPPORTED, "its driver takes no buffers there");
	gpu_device->has_host_import = false;
	refused(pages, BYTES, KILN_ERR_UNSUPPORTED, "no VK_EXT_external_memory_host");
	gpu_device->has_host_import = had;
	gpu_device->memory.limits.import_alignment = alignment;
	drop_pages(pages, BYTES);
}

/* ---- Drivers that say no ---- */

static VkResult answer;

static VKAPI_ATTR VkResult VKAPI_CALL fake_host_properties(VkDevice device,
                                                           VkExternalMemoryHandleTypeFlagBits kind,
                                                           const void *pages,
                                                           VkMemoryHostPointerPropertiesEXT *properties)
{
	(void)device;
	(void)kind;
	(void)pages;
	properties->memoryTypeBits = 0;
	return answer;
}

static PFN_vkAllocateMemory real_allocate;

/* Refuses imports alone. */
static VKAPI_ATTR VkResult VKAPI_CALL fake_allocate(VkDevice device, const VkMemoryAllocateInfo *info,
                                                    const VkAllocationCallbacks *callbacks,
                                                    VkDeviceMemory *out_memory)
{
	const VkBaseInStructure *next = info->pNext;

	if (next && next->sType == VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT)
		return answer;
	return real_allocate(device, info, callbacks, out_memory);
}

static void driver_that_knows_no_memory_type_for_the_pages_is_believed(void **state)
{
	PFN_vkGetMemoryHostPointerPropertiesEXT real = gpu_device->vk.vkGetMemoryHostPointerPropertiesEXT;
	unsigned char *pages;

	(void)state;
	NEEDS_IMPORT();
	pages = marked_pages();
	gpu_device->vk.vkGetMemoryHostPointerPropertiesEXT = fake_host_properties;
	answer = VK_ERROR_INVALID_EXTERNAL_HANDLE;
	refused(pages, BYTES, KILN_ERR_UNSUPPORTED, "cannot work in the 65536 bytes");
	answer = VK_SUCCESS;
	refused(pages, BYTES, KILN_ERR_UNSUPPORTED, "cannot work in the 65536 bytes");
	gpu_device->vk.vkGetMemoryHostPointerPropertiesEXT = real;
	drop_pages(pages, BYTES);
}

static void driver_that_does_not_import_the_pages_is_believed(void **state)
{
	static const struct {
		VkResult result;
		enum kiln_status status;
		const char *text;
	} rows[] = {
		{VK_ERROR_INVALID_EXTERNAL_HANDLE, KILN_ERR_UNSUPPORTED, "cannot work in the 65536 bytes"},
		{VK_ERROR_OUT_OF_DEVICE_MEMORY, KILN_ERR_OUT_OF_DEVICE_MEMORY,
	         "no room to import 65536 bytes"},
		{VK_ERROR_OUT_OF_DEVICE_MEMORY, KILN_ERR_OUT_OF_DEVICE_MEMORY, "left in the budget"},
		{VK_ERROR_OUT_OF_HOST_MEMORY, KILN_ERR_OUT_OF_MEMORY, "host memory ran out"},
		{VK_ERROR_TOO_MANY_OBJECTS, KILN_ERR_OUT_OF_DEVICE_MEMORY, "maxMemoryAllocationCount"},
	};
	unsigned char *pages;

	(void)state;
	NEEDS_IMPORT();
	pages = marked_pages();
	real_allocate = gpu_device->vk.vkAllocateMemory;
	gpu_device->vk.vkAllocateMemory = fake_allocate;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		answer = rows[i].result;
		refused(pages, BYTES, rows[i].status, rows[i].text);
	}
	gpu_device->vk.vkAllocateMemory = real_allocate;
	drop_pages(pages, BYTES);
	gpu_assert_usable();
}

static void limits_hold_for_pages_too(void **state)
{
	struct kiln_memory_pool *pool = &gpu_device->memory;
	struct kiln_host_params params = {.bytes = BYTES, .copy_instead = true, .name = "victim"};
	struct kiln_buffer *buffer = NULL;
	uint32_t count = pool->limits.max_allocations;
	uint64_t most = pool->max_bytes;

	(void)state;
	NEEDS_IMPORT();
	params.pages = new_pages(BYTES);
	pool->max_bytes = BYTES - 4;
	gpu_refused(kiln_buffer_from_host(gpu_device, &params, &buffer), KILN_ERR_TOO_LARGE);
	assert_says("over the device's limit of 65532 bytes");
	pool->max_bytes = most;
	params.copy_instead = false;
	pool->limits.max_allocations = pool->allocation_count;
	gpu_refused(kiln_buffer_from_host(gpu_device, &params, &buffer), KILN_ERR_OUT_OF_DEVICE_MEMORY);
	assert_says("maxMemoryAllocationCount");
	pool->limits.max_allocations = count;
	assert_null(buffer);
	drop_pages(params.pages, BYTES);
}

static int allow_some(void *user)
{
	uint32_t *left = user;

	return *left ? (int)(*left)-- : 0;
}

static void every_failed_host_allocation_is_survived(void **state)
{
	bool done = false;

	(void)state;
	NEEDS_IMPORT();
	for (uint32_t allowed = 0; !done; allowed++) {
		struct kiln_host_params params = {.pages = new_pages(BYTES), .bytes = BYTES};
		struct kiln_buffer *buffer = NULL;
		uint32_t left = allowed;
		enum kiln_status status;

		kiln_alloc_hook(allow_some, &left);
		status = kiln_buffer_from_host(gpu_device, &params, &buffer);
		kiln_alloc_hook(NULL, NULL);
		done = status == KILN_OK;
		if (!done)
			assert_int_equal(status, KILN_ERR_OUT_OF_MEMORY);
		kiln_buffer_destroy(&buffer);
		assert_int_equal(imported_now(), 0);
		drop_pages(params.pages, BYTES);
		assert_true(allowed < 50);
	}
}

#ifndef KILN_DEBUG_ABORT
static void each_mistake_has_its_own_sentence(void **state)
{
	struct kiln_host_params params = {.pages = &params, .bytes = 4096};
	struct kiln_memory_report report;
	struct kiln_buffer *buffer = NULL;

	(void)state;
	gpu_refused(kiln_buffer_from_host(NULL, &params, &buffer), KILN_ERR_INVALID_ARGUMENT);
	assert_says("device is NULL");
	gpu_refused(kiln_buffer_from_host(gpu_device, NULL, &buffer), KILN_ERR_INVALID_ARGUMENT);
	assert_says("parameters are NULL");
	gpu_refused(kiln_buffer_from_host(gpu_device, &params, NULL), KILN_ERR_INVALID_ARGUMENT);
	assert_says("out_buffer is NULL");
	params.pages = (void *)(UINTPTR_MAX - 4095);
	params.bytes = 8192;
	gpu_refused(kiln_buffer_from_host(gpu_device, &params, &buffer), KILN_ERR_INVALID_ARGUMENT);
	assert_says("leave the address space");
	params.pages = NULL;
	gpu_refused(kiln_buffer_from_host(gpu_device, &params, &buffer), KILN_ERR_INVALID_ARGUMENT);
	assert_says(".pages is NULL");
	params = (struct kiln_host_params){.pages = &params};
	gpu_refused(kiln_buffer_from_host(gpu_device, &params, &buffer), KILN_ERR_INVALID_ARGUMENT);
	assert_says(".bytes is 0");
	gpu_refused(kiln_device_memory(NULL, &report), KILN_ERR_INVALID_ARGUMENT);
	assert_says("device is NULL");
	gpu_refused(kiln_device_memory(gpu_device, NULL), KILN_ERR_INVALID_ARGUMENT);
	assert_says("out_report is NULL");
	assert_int_equal(kiln_device_import_alignment(NULL), 0);
	assert_false(kiln_buffer_is_in_place(NULL));
}
#endif

static void compile_only_device_says_so(void **state)
{
	struct kiln_host_params params = {.pages = &params, .bytes = 4096, .copy_instead = true};
	struct kiln_memory_report report;
	struct kiln_buffer *buffer = NULL;

	(void)state;
	if (gpu_info()->can_launch)
		gpu_skip(__func__, "this device can launch");
	gpu_refused(kiln_buffer_from_host(gpu_device, &params, &buffer), KILN_ERR_COMPILE_ONLY);
	assert_int_equal(kiln_device_import_alignment(gpu_device), 0);
	gpu_ok(kiln_device_memory(gpu_device, &report));
	assert_int_equal(report.heap_count, 0);
	assert_int_equal(report.total.size, 0);
}

static void report_counts_what_buffers_take(void **state)
{
	const uint64_t bytes = UINT64_C(48) << 20;
	struct kiln_memory_report before, with, after;
	struct kiln_buffer *buffer;

	(void)state;
	GPU_NEEDS_LAUNCH();
	gpu_ok(kiln_device_memory(gpu_device, &before));
	buffer = gpu_buffer(bytes, NULL);
	gpu_ok(kiln_device_memory(gpu_device, &with));
	kiln_buffer_destroy(&buffer);
	gpu_ok(kiln_device_wait(gpu_device));
	gpu_ok(kiln_device_memory(gpu_device, &after));
	assert_true(before.heap_count > 0);
	assert_int_equal(with.total.used, before.total.used + bytes);
	assert_int_equal(with.total.allocated, before.total.allocated + bytes);
	assert_int_equal(with.allocations, before.allocations + 1);
	assert_int_equal(after.total.allocated, before.total.allocated);
	assert_true(with.estimated != gpu_device->has_memory_budget);
	for (uint32_t i = 0; i < with.heap_count; i++) {
		const struct kiln_heap_memory *heap = &with.heaps[i];

		assert_true(heap->used <= heap->allocated && heap->allocated <= heap->size);
		assert_true(heap->budget <= heap->size && heap->budget > 0);
		assert_true(!with.estimated || heap->usage == heap->allocated);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compile_only_device_says_so),
		cmocka_unit_test(device_without_the_extension_refuses_or_copies),
		cmocka_unit_test(driver_that_does_not_import_the_pages_is_believed),
		cmocka_unit_test(driver_that_knows_no_memory_type_for_the_pages_is_believed),
#ifndef KILN_DEBUG_ABORT
		cmocka_unit_test(each_mistake_has_its_own_sentence),
#endif
		cmocka_unit_test(every_failed_host_allocation_is_survived),
		cmocka_unit_test(limits_hold_for_pages_too),
		cmocka_unit_test(pages_that_are_not_aligned_are_refused_or_copied),
		cmocka_unit_test(report_counts_what_buffers_take),
	};

	return GPU_MAIN("host_refuse", tests, true);
}
