/* The memory pool over an invented driver: block growth, fallback, limits, and what happens when memory
 * runs out. */
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

#include <base/alloc.h>

#include "device.h"
#include "memory.h"

#define LOCAL VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT
#define VISIBLE VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT
#define COHERENT VK_MEMORY_PROPERTY_HOST_COHERENT_BIT
#define CACHED VK_MEMORY_PROPERTY_HOST_CACHED_BIT
#define MIB(n) ((uint64_t)(n) << 20)

/* The driver: remembers what was asked, and fails on demand. */
static struct driver {
	uint64_t room[2]; /* bytes left in each heap */
	uint32_t live, calls;
	uint64_t last_bytes;
	uint32_t last_type;
	bool last_has_address;
	VkResult map_result;
	VkMappedMemoryRange flushed, invalidated;
} driver;

struct fake_memory {
	uint64_t bytes;
	uint32_t heap;
	unsigned char *data;
};

static struct kiln_device device;

static VKAPI_ATTR VkResult VKAPI_CALL fake_allocate(VkDevice handle, const VkMemoryAllocateInfo *info,
                                                    const VkAllocationCallbacks *callbacks,
                                                    VkDeviceMemory *out_memory)
{
	uint32_t heap = device.memory.limits.properties.memoryTypes[info->memoryTypeIndex].heapIndex;
	struct fake_memory *memory;

	(void)handle;
	(void)callbacks;
	driver.calls++;
	driver.last_bytes = info->allocationSize;
	driver.last_type = info->memoryTypeIndex;
	driver.last_has_address = info->pNext != NULL;
	if (info->allocationSize > driver.room[heap])
		return VK_ERROR_OUT_OF_DEVICE_MEMORY;
	memory = calloc(1, sizeof(*memory));
	assert_non_null(memory);
	*memory = (struct fake_memory){info->allocationSize, heap, malloc(info->allocationSize)};
	assert_non_null(memory->data);
	driver.room[heap] -= info->allocationSize;
	driver.live++;
	*out_memory = (VkDeviceMemory)(uintptr_t)memory;
	return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL fake_free(VkDevice handle, VkDeviceMemory memory,
                                            const VkAllocationCallbacks *callbacks)
{
	struct fake_memory *fake = (struct fake_memory *)(uintptr_t)memory;

	(void)handle;
	(void)callbacks;
	driver.room[fake->heap] += fake->bytes;
	driver.live--;
	free(fake->data);
	free(fake);
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_map(VkDevice handle, VkDeviceMemory memory, VkDeviceSize offset,
                                               VkDeviceSize bytes, VkMemoryMapFlags flags, void **out_data)
{
	(void)handle;
	(void)flags;
	assert_int_equal(offset, 0);
	assert_true(bytes == VK_WHOLE_SIZE);
	if (driver.map_result == VK_SUCCESS)
		*out_data = ((struct fake_memory *)(uintptr_t)memory)->data;
	return driver.map_result;
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_flush(VkDevice handle, uint32_t count,
                                                 const VkMappedMemoryRange *ranges)
{
	(void)handle;
	assert_int_equal(count, 1);
	driver.flushed = ranges[0];
	return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL fake_invalidate(VkDevice handle, uint32_t count,
                                                      const VkMappedMemoryRange *ranges)
{
	(void)handle;
	assert_int_equal(count, 1);
	driver.invalidated = ranges[0];
	return VK_SUCCESS;
}

/* A card with 1 GiB of its own and 1 GiB of the host's: type 0 local, type 1 visible, type 2 visible,
 * cached, not coherent. */
static struct kiln_memory_limits card(void)
{
	return (struct kiln_memory_limits){
		.properties =
			{
				.memoryTypeCount = 3,
				.memoryTypes = {{LOCAL, 0}, {VISIBLE | COHERENT, 1}, {VISIBLE | CACHED, 1}},
				.memoryHeapCount = 2,
				.memoryHeaps = {{MIB(1024), VK_MEMORY_HEAP_DEVICE_LOCAL_BIT}, {MIB(1024), 0}},
			},
		.non_coherent_atom = 64,
		.max_allocations = 16,
	};
}

static void open_card(const struct kiln_memory_limits *limits)
{
	memset(&device, 0, sizeof(device));
	driver = (struct driver){.room = {MIB(1024), MIB(1024)}};
	device.vk.vkAllocateMemory = fake_allocate;
	device.vk.vkFreeMemory = fake_free;
	device.vk.vkMapMemory = fake_map;
	device.vk.vkFlushMappedMemoryRanges = fake_flush;
	device.vk.vkInvalidateMappedMemoryRanges = fake_invalidate;
	assert_int_equal(kiln_memory_pool_init(&device.memory, limits), KILN_OK);
}

static int setup(void **state)
{
	struct kiln_memory_limits limits = card();

	(void)state;
	open_card(&limits);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	kiln_alloc_hook(NULL, NULL);
	kiln_memory_finish(&device);
	assert_int_equal(driver.live, 0);
	return 0;
}

static enum kiln_status take(uint64_t bytes, enum kiln_memory kind, struct kiln_allocation *out_allocation)
{
	VkMemoryRequirements requirements = {.size = bytes, .alignment = 64, .memoryTypeBits = ~0u};

	return kiln_memory_allocate(&device, &requirements, kind, out_allocation);
}

static void first_block_is_small(void **state)
{
	struct kiln_allocation a, b;

	(void)state;
	assert_int_equal(take(1000, KILN_MEMORY_DEVICE, &a), KILN_OK);
	assert_int_equal(driver.last_bytes, MIB(4));
	assert_int_equal(driver.last_type, 0);
	assert_null(a.data);
	assert_true(a.local);
	assert_int_equal(take(1000, KILN_MEMORY_DEVICE, &b), KILN_OK);
	assert_int_equal(driver.calls, 1);
	assert_true(a.offset != b.offset);
	kiln_memory_free(&device, &a);
	kiln_memory_free(&device, &b);
	assert_null(a.block);
}

static void blocks_grow_with_demand(void **state)
{
	const uint64_t sizes[] = {4, 4, 8, 16, 32, 64, 64};
	struct kiln_allocation allocations[192];
	uint32_t count = 0, seen = 0;

	(void)state;
	for (; count < 192; count++) {
		uint32_t calls = driver.calls;

		assert_int_equal(take(MIB(1), KILN_MEMORY_DEVICE, &allocations[count]), KILN_OK);
		if (driver.calls > calls)
			assert_int_equal(driver.last_bytes, MIB(sizes[seen++]));
	}
	assert_int_equal(seen, 7);
	while (count)
		kiln_memory_free(&device, &allocations[--count]);
}

static void large_request_gets_its_own_block_and_gives_it_back(void **state)
{
	struct kiln_allocation allocation;

	(void)state;
	assert_int_equal(take(MIB(100) + 1, KILN_MEMORY_DEVICE, &allocation), KILN_OK);
	assert_int_equal(driver.last_bytes, MIB(100) + 256);
	assert_int_equal(allocation.offset, 0);
	kiln_memory_free(&device, &allocation);
	assert_int_equal(driver.live, 0);
}

static void one_empty_block_is_kept(void **state)
{
	struct kiln_allocation a, b;

	(void)state;
	for (uint32_t i = 0; i < 10; i++) {
		assert_int_equal(take(1000, KILN_MEMORY_DEVICE, &a), KILN_OK);
		kiln_memory_free(&device, &a);
	}
	assert_int_equal(driver.calls, 1);
	assert_int_equal(take(MIB(4), KILN_MEMORY_DEVICE, &a), KILN_OK);
	assert_int_equal(take(MIB(3), KILN_MEMORY_DEVICE, &b), KILN_OK);
	assert_int_equal(driver.live, 2);
	kiln_memory_free(&device, &a);
	kiln_memory_free(&device, &b);
	assert_int_equal(driver.live, 1);
}

static void host_kinds_are_mapped(void **state)
{
	struct kiln_allocation upload, readback;

	(void)state;
	assert_int_equal(take(5000, KILN_MEMORY_UPLOAD, &upload), KILN_OK);
	assert_int_equal(driver.last_type, 1);
	assert_int_equal(take(5000, KILN_MEMORY_READBACK, &readback), KILN_OK);
	assert_int_equal(driver.last_type, 2);
	memset(upload.data, 1, 5000);
	memset(readback.data, 2, 5000);
	assert_true(upload.coherent && !upload.cached);
	assert_true(readback.cached && !readback.coherent);
	kiln_memory_free(&device, &upload);
	kiln_memory_free(&device, &readback);
}

static void full_device_falls_back_to_host_memory(void **state)
{
	struct kiln_allocation allocation;

	(void)state;
	driver.room[0] = MIB(1);
	assert_int_equal(take(MIB(2), KILN_MEMORY_DEVICE, &allocation), KILN_OK);
	assert_false(allocation.local);
	assert_true(device.memory.fallback_reported);
	kiln_memory_free(&device, &allocation);
}

static void tight_memory_gives_just_what_is_needed(void **state)
{
	struct kiln_allocation allocation;

	(void)state;
	driver.room[0] = MIB(1);
	assert_int_equal(take(1000, KILN_MEMORY_DEVICE, &allocation), KILN_OK);
	assert_int_equal(driver.last_bytes, 1024);
	assert_true(allocation.local);
	kiln_memory_free(&device, &allocation);
	assert_int_equal(driver.live, 0);
}

static void kept_block_makes_way_when_memory_is_short(void **state)
{
	struct kiln_allocation small, large;

	(void)state;
	assert_int_equal(take(1000, KILN_MEMORY_DEVICE, &small), KILN_OK);
	kiln_memory_free(&device, &small);
	assert_int_equal(driver.live, 1);
	driver.room[0] = MIB(98);
	assert_int_equal(take(MIB(100), KILN_MEMORY_DEVICE, &large), KILN_OK);
	assert_true(large.local);
	assert_int_equal(driver.live, 1);
	kiln_memory_free(&device, &large);
}

static void exhausted_memory_is_a_sentence(void **state)
{
	struct kiln_allocation allocation = {.bytes = 77};

	(void)state;
	driver.room[0] = driver.room[1] = 0;
	assert_int_equal(take(MIB(2), KILN_MEMORY_DEVICE, &allocation), KILN_ERR_OUT_OF_DEVICE_MEMORY);
	assert_int_equal(allocation.bytes, 77);
	assert_non_null(strstr(kiln_error_message(), "2097152 bytes"));
	assert_non_null(strstr(
		kiln_error_message(),
		"heap 0 (device-local): 819 of 819 MiB left in the budget by estimate, 0 taken by Kiln"));
	assert_non_null(strstr(kiln_error_message(), "Fix: "));
	driver.room[0] = MIB(64);
	assert_int_equal(take(MIB(2), KILN_MEMORY_DEVICE, &allocation), KILN_OK);
	kiln_memory_free(&device, &allocation);
}

static void request_over_the_heap_never_reaches_the_driver(void **state)
{
	struct kiln_allocation allocation;

	(void)state;
	assert_int_equal(take(MIB(2048), KILN_MEMORY_DEVICE, &allocation), KILN_ERR_OUT_OF_DEVICE_MEMORY);
	assert_int_equal(driver.calls, 0);
}

static void allocation_count_limit_is_respected(void **state)
{
	struct kiln_memory_limits limits = card();
	struct kiln_allocation allocations[3];

	(void)state;
	limits.max_allocations = 2;
	kiln_memory_finish(&device);
	open_card(&limits);
	assert_int_equal(take(MIB(40), KILN_MEMORY_DEVICE, &allocations[0]), KILN_OK);
	assert_int_equal(take(MIB(40), KILN_MEMORY_DEVICE, &allocations[1]), KILN_OK);
	assert_int_equal(take(MIB(40), KILN_MEMORY_DEVICE, &allocations[2]), KILN_ERR_OUT_OF_DEVICE_MEMORY);
	assert_non_null(strstr(kiln_error_message(),
	                       "more allocation than the device allows (2, maxMemoryAllocationCount)"));
	assert_int_equal(driver.calls, 2);
	kiln_memory_free(&device, &allocations[0]);
	assert_int_equal(take(MIB(40), KILN_MEMORY_DEVICE, &allocations[2]), KILN_OK);
	kiln_memory_free(&device, &allocations[1]);
	kiln_memory_free(&device, &allocations[2]);
}

static void failed_mapping_frees_the_memory(void **state)
{
	struct kiln_allocation allocation;

	(void)state;
	driver.map_result = VK_ERROR_MEMORY_MAP_FAILED;
	assert_int_equal(take(1000, KILN_MEMORY_UPLOAD, &allocation), KILN_ERR_OUT_OF_MEMORY);
	assert_int_equal(driver.live, 0);
	assert_int_equal(device.memory.allocation_count, 0);
	assert_int_equal(device.memory.heap_bytes[1], 0);
}

static void device_without_memory_types_is_refused(void **state)
{
	struct kiln_memory_limits none = {.max_allocations = 16};
	struct kiln_allocation allocation;

	(void)state;
	kiln_memory_finish(&device);
	open_card(&none);
	assert_int_equal(device.memory.max_bytes, 0);
	assert_int_equal(take(1000, KILN_MEMORY_DEVICE, &allocation), KILN_ERR_UNSUPPORTED);
}

static int allow_some(void *user)
{
	uint32_t *left = user;

	return *left ? (int)(*left)-- : 0;
}

static void every_failed_host_allocation_is_survived(void **state)
{
	struct kiln_allocation allocation;
	enum kiln_status status = KILN_ERR_INTERNAL;

	(void)state;
	for (uint32_t allowed = 0; status != KILN_OK; allowed++) {
		uint32_t left = allowed;

		kiln_alloc_hook(allow_some, &left);
		status = take(1000, KILN_MEMORY_DEVICE, &allocation);
		kiln_alloc_hook(NULL, NULL);
		assert_true(status == KILN_OK || status == KILN_ERR_OUT_OF_MEMORY);
		assert_int_equal(driver.live, status == KILN_OK);
		assert_true(allowed < 8);
	}
	kiln_memory_free(&device, &allocation);
}

static void flush_covers_whole_atoms_of_this_allocation_only(void **state)
{
	struct kiln_allocation a, b, c;

	(void)state;
	assert_int_equal(take(100, KILN_MEMORY_READBACK, &a), KILN_OK);
	assert_int_equal(take(1000, KILN_MEMORY_READBACK, &b), KILN_OK);
	assert_int_equal(take(100, KILN_MEMORY_READBACK, &c), KILN_OK);
	assert_int_equal(kiln_memory_flush(&device, &b, 300, 10), KILN_OK);
	assert_int_equal(driver.flushed.offset % 64, 0);
	assert_int_equal(driver.flushed.size % 64, 0);
	assert_true(driver.flushed.offset <= b.offset + 300);
	assert_true(driver.flushed.offset + driver.flushed.size >= b.offset + 310);

	assert_int_equal(kiln_memory_invalidate(&device, &b, 0, 1000), KILN_OK);
	assert_int_equal(driver.invalidated.offset, b.offset);
	assert_true(driver.invalidated.size >= 1000);
	assert_true(driver.invalidated.offset + driver.invalidated.size <= c.offset || c.offset < b.offset);
	kiln_memory_free(&device, &a);
	kiln_memory_free(&device, &b);
	kiln_memory_free(&device, &c);
}

static void coherent_memory_is_never_flushed(void **state)
{
	struct kiln_allocation allocation;

	(void)state;
	assert_int_equal(take(1000, KILN_MEMORY_UPLOAD, &allocation), KILN_OK);
	assert_int_equal(kiln_memory_flush(&device, &allocation, 0, 1000), KILN_OK);
	assert_int_equal(kiln_memory_invalidate(&device, &allocation, 0, 1000), KILN_OK);
	assert_int_equal(driver.flushed.size, 0);
	assert_int_equal(driver.invalidated.size, 0);
	kiln_memory_free(&device, &allocation);
}

static void large_atom_widens_the_granule(void **state)
{
	struct kiln_memory_limits limits = card();
	struct kiln_allocation a, b;

	(void)state;
	limits.non_coherent_atom = 4096;
	kiln_memory_finish(&device);
	open_card(&limits);
	assert_int_equal(take(1, KILN_MEMORY_READBACK, &a), KILN_OK);
	assert_int_equal(take(1, KILN_MEMORY_READBACK, &b), KILN_OK);
	assert_int_equal(a.offset % 4096, 0);
	assert_int_equal(b.offset % 4096, 0);
	kiln_memory_free(&device, &a);
	kiln_memory_free(&device, &b);
}

static void limits_bound_one_buffer(void **state)
{
	struct kiln_memory_limits limits = card();

	(void)state;
	assert_int_equal(device.memory.max_bytes, MIB(1024));
	limits.max_allocation_bytes = MIB(512);
	kiln_memory_finish(&device);
	open_card(&limits);
	assert_int_equal(device.memory.max_bytes, MIB(512));
	limits.max_buffer_bytes = MIB(128) + 3;
	kiln_memory_finish(&device);
	open_card(&limits);
	assert_int_equal(device.memory.max_bytes, MIB(128));
}

static void device_addresses_are_asked_for_only_when_enabled(void **state)
{
	struct kiln_allocation allocation;

	(void)state;
	assert_int_equal(take(MIB(40), KILN_MEMORY_DEVICE, &allocation), KILN_OK);
	assert_false(driver.last_has_address);
	kiln_memory_free(&device, &allocation);
	device.memory.device_address = true;
	assert_int_equal(take(MIB(40), KILN_MEMORY_DEVICE, &allocation), KILN_OK);
	assert_true(driver.last_has_address);
	kiln_memory_free(&device, &allocation);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(allocation_count_limit_is_respected),
		CASE(blocks_grow_with_demand),
		CASE(coherent_memory_is_never_flushed),
		CASE(device_addresses_are_asked_for_only_when_enabled),
		CASE(device_without_memory_types_is_refused),
		CASE(every_failed_host_allocation_is_survived),
		CASE(exhausted_memory_is_a_sentence),
		CASE(failed_mapping_frees_the_memory),
		CASE(first_block_is_small),
		CASE(flush_covers_whole_atoms_of_this_allocation_only),
		CASE(full_device_falls_back_to_host_memory),
		CASE(host_kinds_are_mapped),
		CASE(kept_block_makes_way_when_memory_is_short),
		CASE(large_atom_widens_the_granule),
		CASE(large_request_gets_its_own_block_and_gives_it_back),
		CASE(limits_bound_one_buffer),
		CASE(one_empty_block_is_kept),
		CASE(request_over_the_heap_never_reaches_the_driver),
		CASE(tight_memory_gives_just_what_is_needed),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
