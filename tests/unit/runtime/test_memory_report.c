/* How much memory is left: what a driver tells, what is guessed where it does not, and that every limit is named. */
#ifdef NDEBUG
#error "tests need assert()"
#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "device.h"
#include "memory.h"
#include "memory_report.h"

#define LOCAL VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT
#define VISIBLE VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT
#define COHERENT VK_MEMORY_PROPERTY_HOST_COHERENT_BIT
#define MIB(n) ((uint64_t)(n) << 20)

/* The driver: a card of 1 GiB with a budget, and 2 GiB of the host's. */
static struct kiln_device device;
static VkResult allocate_result;
static uint64_t budget[2], usage[2];

static VKAPI_ATTR void VKAPI_CALL fake_properties2(VkPhysicalDevice physical,
                                                   VkPhysicalDeviceMemoryProperties2 *properties)
{
	VkPhysicalDeviceMemoryBudgetPropertiesEXT *told = properties->pNext;

	(void)physical;
	assert_int_equal(properties->sType, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2);
	assert_int_equal(told->sType, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT);
	for (int i = 0; i < 2; i++) {
		told->heapBudget[i] = budget[i];
		told->heapUsage[i] = usage[i];
	}
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_allocate(VkDevice handle, const VkMemoryAllocateInfo *info,
                                                    const VkAllocationCallbacks *callbacks,
                                                    VkDeviceMemory *out_memory)
{
	(void)handle;
	(void)callbacks;
	if (allocate_result == VK_SUCCESS)
		*out_memory = (VkDeviceMemory)(uintptr_t)malloc(info->allocationSize);
	return allocate_result;
}

static VKAPI_ATTR void VKAPI_CALL fake_free(VkDevice handle, VkDeviceMemory memory,
                                            const VkAllocationCallbacks *callbacks)
{
	(void)handle;
	(void)callbacks;
	free((void *)(uintptr_t)memory);
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_map(VkDevice handle, VkDeviceMemory memory, VkDeviceSize offset,
                                               VkDeviceSize bytes, VkMemoryMapFlags flags, void **out_data)
{
	(void)handle;
	(void)offset;
	(void)bytes;
	(void)flags;
	*out_data = (void *)(uintptr_t)memory;
	return VK_SUCCESS;
}

static struct kiln_memory_limits card(void)
{
	return (struct kiln_memory_limits){
		.properties =
			{
				.memoryTypeCount = 2,
				.memoryTypes = {{LOCAL, 0}, {VISIBLE | COHERENT, 1}},
				.memoryHeapCount = 2,
				.memoryHeaps = {{MIB(1024), VK_MEMORY_HEAP_DEVICE_LOCAL_BIT}, {MIB(2048), 0}},
			},
		.max_allocations = 16,
	};
}

static int setup(void **state)
{
	struct kiln_memory_limits limits = card();

	(void)state;
	memset(&device, 0, sizeof(device));
	device.info.type = KILN_DEVICE_DISCRETE;
	device.vk.vkAllocateMemory = fake_allocate;
	device.vk.vkFreeMemory = fake_free;
	device.vk.vkMapMemory = fake_map;
	device.instance.vkGetPhysicalDeviceMemoryProperties2 = fake_properties2;
	allocate_result = VK_SUCCESS;
	assert_int_equal(kiln_memory_pool_init(&device.memory, &limits), KILN_OK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kiln_memory_finish(&device);
	return 0;
}

static enum kiln_status take(uint64_t bytes, enum kiln_memory kind, struct kiln_allocation *out_allocation)
{
	VkMemoryRequirements requirements = {.size = bytes, .alignment = 64, .memoryTypeBits = ~0u};

	return kiln_memory_allocate(&device, &requirements, kind, out_allocation);
}

static void driver_tells_budget_and_usage(void **state)
{
	struct kiln_allocation local, host;
	struct kiln_memory_report report;

	(void)state;
	device.has_memory_budget = true;
	budget[0] = MIB(700);
	budget[1] = MIB(1500);
	usage[0] = MIB(123);
	usage[1] = MIB(45);
	assert_int_equal(take(MIB(40), KILN_MEMORY_DEVICE, &local), KILN_OK);
	assert_int_equal(take(1000, KILN_MEMORY_UPLOAD, &host), KILN_OK);
	kiln_memory_report(&device, &report);
	assert_false(report.estimated);
	assert_int_equal(report.heap_count, 2);
	assert_true(report.heaps[0].device_local && !report.heaps[1].device_local);
	assert_int_equal(report.heaps[0].size, MIB(1024));
	assert_int_equal(report.heaps[0].budget, MIB(700));
	assert_int_equal(report.heaps[0].usage, MIB(123));
	assert_int_equal(report.heaps[0].allocated, MIB(40));
	assert_int_equal(report.heaps[0].used, MIB(40));
	assert_int_equal(report.heaps[1].allocated, MIB(4));
	assert_int_equal(report.heaps[1].used, 1024);
	assert_int_equal(report.total.size, MIB(3072));
	assert_int_equal(report.total.budget, MIB(2200));
	assert_int_equal(report.total.usage, MIB(168));
	assert_int_equal(report.total.allocated, MIB(44));
	assert_int_equal(report.total.used, MIB(40) + 1024);
	assert_int_equal(report.allocations, 2);
	assert_int_equal(report.max_allocations, 16);
	kiln_memory_free(&device, &local);
	kiln_memory_free(&device, &host);
	kiln_memory_report(&device, &report);
	assert_int_equal(report.heaps[0].allocated, 0);
	assert_int_equal(report.heaps[1].allocated, MIB(4)); /* kept for the next buffer */
	assert_int_equal(report.heaps[1].used, 0);
}

static void silence_of_the_driver_is_an_estimate_that_says_so(void **state)
{
	struct kiln_allocation local;
	struct kiln_memory_report report;

	(void)state;
	assert_int_equal(take(MIB(40), KILN_MEMORY_DEVICE, &local), KILN_OK);
	kiln_memory_report(&device, &report);
	assert_true(report.estimated);
	assert_int_equal(report.heaps[0].budget, MIB(1024) / 5 * 4);
	assert_int_equal(report.heaps[0].usage, MIB(40));
	assert_true(report.heaps[1].budget <= MIB(2048));
	assert_true(report.heaps[1].budget > 0);
	assert_int_equal(report.heaps[1].usage, 0);
	kiln_memory_free(&device, &local);
}

static void device_without_memory_has_an_empty_report(void **state)
{
	struct kiln_memory_report report;

	(void)state;
	memset(&device.memory.limits, 0, sizeof(device.memory.limits));
	kiln_memory_report(&device, &report);
	assert_int_equal(report.heap_count, 0);
	assert_int_equal(report.total.size, 0);
	assert_false(report.total.device_local);
}

static void estimate_is_what_is_held_and_what_is_available(void **state)
{
	(void)state;
	assert_int_equal(kiln_memory_estimate(1000, 100, 300), 400);
	assert_int_equal(kiln_memory_estimate(1000, 100, 899), 999);
	assert_int_equal(kiln_memory_estimate(1000, 100, 901), 1000);
	assert_int_equal(kiln_memory_estimate(1000, 0, 0), 0);
	assert_int_equal(kiln_memory_estimate(1000, 1001, 0), 1000);
	assert_int_equal(kiln_memory_estimate(1000, 100, UINT64_MAX), 800);
	assert_true(kiln_memory_estimate(UINT64_MAX, UINT64_MAX - 5, 4) == UINT64_MAX - 1);
}

static void meminfo_is_read_or_refused(void **state)
{
	uint64_t bytes = 7;

	(void)state;
	assert_true(kiln_meminfo_available("MemTotal:  9 kB\nMemAvailable:    5678 kB\nBuffers: 1 kB\n",
	                                   &bytes));
	assert_int_equal(bytes, 5678 * 1024);
	bytes = 7;
	assert_false(kiln_meminfo_available("", &bytes));
	assert_false(kiln_meminfo_available("MemFree: 5 kB\n", &bytes));
	assert_false(kiln_meminfo_available("NotMemAvailable: 5 kB\n", &bytes));
	assert_false(kiln_meminfo_available("MemAvailable:", &bytes));
	assert_false(kiln_meminfo_available("MemAvailable: 5", &bytes)); /* cut */
	assert_false(kiln_meminfo_available("MemAvailable: 5 MB\n", &bytes));
	assert_false(kiln_meminfo_available("MemAvailable: 18446744073709551615 kB\n", &bytes));
	assert_int_equal(bytes, 7);
}

static void exhausted_memory_names_what_was_asked_and_what_is_left(void **state)
{
	struct kiln_allocation allocation;

	(void)state;
	device.has_memory_budget = true;
	budget[0] = MIB(700);
	usage[0] = MIB(650);
	budget[1] = MIB(100);
	usage[1] = MIB(120); /* over it */
	allocate_result = VK_ERROR_OUT_OF_DEVICE_MEMORY;
	assert_int_equal(take(MIB(60), KILN_MEMORY_DEVICE, &allocation), KILN_ERR_OUT_OF_DEVICE_MEMORY);
	assert_non_null(strstr(kiln_error_message(), "62914560 bytes of device memory that were asked for"));
	assert_non_null(strstr(kiln_error_message(),
	                       "heap 0 (device-local): 50 of 700 MiB left in the budget, 0 taken"));
	assert_non_null(strstr(kiln_error_message(), "heap 1: 0 of 100 MiB left in the budget"));
	assert_null(strstr(kiln_error_message(), "estimate"));
	assert_non_null(strstr(kiln_error_message(), "Fix: "));
}

static void largest_buffer_is_bounded_by_the_least_limit_which_has_a_name(void **state)
{
	const struct {
		uint64_t allocation, buffer, expected;
		const char *why;
	} rows[] = {
		{0, 0, MIB(2048), "the size of its largest heap"},
		{MIB(4096), MIB(4096), MIB(2048), "the size of its largest heap"},
		{MIB(512), MIB(600), MIB(512), "maxMemoryAllocationSize"},
		{MIB(512), MIB(300), MIB(300), "maxBufferSize"},
		{0, MIB(300) + 3, MIB(300), "maxBufferSize"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kiln_memory_limits limits = card();

		limits.max_allocation_bytes = rows[i].allocation;
		limits.max_buffer_bytes = rows[i].buffer;
		kiln_memory_finish(&device);
		assert_int_equal(kiln_memory_pool_init(&device.memory, &limits), KILN_OK);
		assert_int_equal(device.memory.max_bytes, rows[i].expected);
		assert_string_equal(device.memory.max_why, rows[i].why);
	}
}

static void imported_pages_are_never_finer_than_the_atom(void **state)
{
	struct kiln_memory_limits limits = card();

	(void)state;
	limits.import_alignment = 64;
	limits.non_coherent_atom = 1024;
	kiln_memory_finish(&device);
	assert_int_equal(kiln_memory_pool_init(&device.memory, &limits), KILN_OK);
	assert_int_equal(device.memory.limits.import_alignment, 1024);
	limits.import_alignment = 0;
	kiln_memory_finish(&device);
	assert_int_equal(kiln_memory_pool_init(&device.memory, &limits), KILN_OK);
	assert_int_equal(device.memory.limits.import_alignment, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(device_without_memory_has_an_empty_report),
		CASE(driver_tells_budget_and_usage),
		CASE(estimate_is_what_is_held_and_what_is_available),
		CASE(exhausted_memory_names_what_was_asked_and_what_is_left),
		CASE(imported_pages_are_never_finer_than_the_atom),
		CASE(largest_buffer_is_bounded_by_the_least_limit_which_has_a_name),
		CASE(meminfo_is_read_or_refused),
		CASE(silence_of_the_driver_is_an_estimate_that_says_so),
	};

	return cmocka_run_group_tests_name("memory report", tests, NULL, NULL);
}
