/* Which memory types are tried in which order, on invented devices. */
#ifdef NDEBUG
#error "tests need assert()"
#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "memory_type.h"

#define LOCAL VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT
#define VISIBLE VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT
#define COHERENT VK_MEMORY_PROPERTY_HOST_COHERENT_BIT
#define CACHED VK_MEMORY_PROPERTY_HOST_CACHED_BIT
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)

static const VkMemoryHeap local_8g = {GIB(8), VK_MEMORY_HEAP_DEVICE_LOCAL_BIT};
static const VkMemoryHeap system_16g = {GIB(16), 0};
static const VkMemoryHeap window_256m = {MIB(256), VK_MEMORY_HEAP_DEVICE_LOCAL_BIT};

/* an NVIDIA-like card behind a classic 256 MiB window */
static VkPhysicalDeviceMemoryProperties discrete(void)
{
	return (VkPhysicalDeviceMemoryProperties){
		.memoryTypeCount = 5,
		.memoryTypes = {{0, 1},
	                        {LOCAL, 0},
	                        {VISIBLE | COHERENT, 1},
	                        {VISIBLE | COHERENT | CACHED, 1},
	                        {LOCAL | VISIBLE | COHERENT, 2}},
		.memoryHeapCount = 3,
		.memoryHeaps = {local_8g, system_16g, window_256m},
	};
}

/* the same card with a resizable window: the whole memory is host-visible */
static VkPhysicalDeviceMemoryProperties resizable(void)
{
	VkPhysicalDeviceMemoryProperties properties = discrete();

	properties.memoryTypes[4].heapIndex = 0;
	properties.memoryHeapCount = 2;
	return properties;
}

/* Intel- and Apple-like: one heap */
static VkPhysicalDeviceMemoryProperties integrated(void)
{
	return (VkPhysicalDeviceMemoryProperties){
		.memoryTypeCount = 2,
		.memoryTypes = {{LOCAL | VISIBLE | COHERENT, 0}, {LOCAL | VISIBLE | COHERENT | CACHED, 0}},
		.memoryHeapCount = 1,
		.memoryHeaps = {local_8g},
	};
}

static VkPhysicalDeviceMemoryProperties apple(void)
{
	return (VkPhysicalDeviceMemoryProperties){
		.memoryTypeCount = 3,
		.memoryTypes = {{LOCAL, 0},
	                        {LOCAL | VISIBLE | COHERENT | CACHED, 0},
	                        {LOCAL | VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT, 0}},
		.memoryHeapCount = 1,
		.memoryHeaps = {local_8g},
	};
}

/* lavapipe and SwiftShader: one type that is everything */
static VkPhysicalDeviceMemoryProperties software(void)
{
	return (VkPhysicalDeviceMemoryProperties){
		.memoryTypeCount = 1,
		.memoryTypes = {{LOCAL | VISIBLE | COHERENT | CACHED, 0}},
		.memoryHeapCount = 1,
		.memoryHeaps = {{GIB(2), VK_MEMORY_HEAP_DEVICE_LOCAL_BIT}},
	};
}

static void assert_order(VkPhysicalDeviceMemoryProperties properties, enum kiln_memory kind,
                         uint32_t type_bits, uint32_t count, const uint32_t *types)
{
	struct kiln_memory_candidates candidates;

	kiln_memory_type_order(&properties, kind, type_bits, &candidates);
	assert_int_equal(candidates.count, count);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(candidates.types[i], types[i]);
}

#define ORDER(properties, kind, bits, ...)                                                         \
	assert_order(properties, kind, bits, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), \
	             (uint32_t[]){__VA_ARGS__})

static void small_window_is_left_alone(void **state)
{
	(void)state;
	ORDER(discrete(), KILN_MEMORY_DEVICE, ~0u, 1, 4, 3, 2, 0);
}

static void whole_memory_window_saves_staging(void **state)
{
	(void)state;
	ORDER(resizable(), KILN_MEMORY_DEVICE, ~0u, 4, 1, 3, 2, 0);
}

static void upload_is_write_combined_system_memory(void **state)
{
	(void)state;
	ORDER(discrete(), KILN_MEMORY_UPLOAD, ~0u, 2, 3, 4);
	ORDER(resizable(), KILN_MEMORY_UPLOAD, ~0u, 2, 3, 4);
}

static void readback_is_cached_system_memory(void **state)
{
	(void)state;
	ORDER(discrete(), KILN_MEMORY_READBACK, ~0u, 3, 2, 4);
}

static void unified_memory_is_mapped_directly(void **state)
{
	(void)state;
	ORDER(integrated(), KILN_MEMORY_DEVICE, ~0u, 1, 0);
	ORDER(integrated(), KILN_MEMORY_UPLOAD, ~0u, 0, 1);
	ORDER(integrated(), KILN_MEMORY_READBACK, ~0u, 1, 0);
	ORDER(apple(), KILN_MEMORY_DEVICE, ~0u, 1, 0);
	ORDER(apple(), KILN_MEMORY_UPLOAD, ~0u, 1);
	ORDER(apple(), KILN_MEMORY_READBACK, ~0u, 1);
}

static void one_type_serves_everything(void **state)
{
	(void)state;
	ORDER(software(), KILN_MEMORY_DEVICE, ~0u, 0);
	ORDER(software(), KILN_MEMORY_UPLOAD, ~0u, 0);
	ORDER(software(), KILN_MEMORY_READBACK, ~0u, 0);
}

static void type_bits_are_obeyed(void **state)
{
	(void)state;
	ORDER(discrete(), KILN_MEMORY_DEVICE, 1u << 2 | 1u << 4, 4, 2);
	assert_order(discrete(), KILN_MEMORY_DEVICE, 0, 0, NULL);
}

static void no_memory_gives_no_candidates(void **state)
{
	VkPhysicalDeviceMemoryProperties none = {0};

	(void)state;
	assert_order(none, KILN_MEMORY_DEVICE, ~0u, 0, NULL);
	assert_order(none, KILN_MEMORY_UPLOAD, ~0u, 0, NULL);
	assert_order(none, KILN_MEMORY_READBACK, ~0u, 0, NULL);
}

static void host_kinds_never_get_invisible_memory(void **state)
{
	(void)state;
	assert_order(discrete(), KILN_MEMORY_UPLOAD, 1u << 0 | 1u << 1, 0, NULL);
	assert_order(discrete(), KILN_MEMORY_READBACK, 1u << 0 | 1u << 1, 0, NULL);
}

static void special_types_are_never_taken(void **state)
{
	VkPhysicalDeviceMemoryProperties properties = software();
	const VkMemoryPropertyFlags special[] = {
		VK_MEMORY_PROPERTY_PROTECTED_BIT,           VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT,
		VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD, VK_MEMORY_PROPERTY_DEVICE_UNCACHED_BIT_AMD,
		VK_MEMORY_PROPERTY_RDMA_CAPABLE_BIT_NV,     1u << 30,
	};

	(void)state;
	for (uint32_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		properties.memoryTypes[1 + i] =
			(VkMemoryType){LOCAL | VISIBLE | COHERENT | CACHED | special[i], 0};
	properties.memoryTypeCount = 7;
	ORDER(properties, KILN_MEMORY_DEVICE, ~0u, 0);
	ORDER(properties, KILN_MEMORY_UPLOAD, ~0u, 0);
	ORDER(properties, KILN_MEMORY_READBACK, ~0u, 0);
}

static void cached_beats_coherent_for_readback_only(void **state)
{
	VkPhysicalDeviceMemoryProperties properties = {
		.memoryTypeCount = 2,
		.memoryTypes = {{VISIBLE | COHERENT, 0}, {VISIBLE | CACHED, 0}},
		.memoryHeapCount = 1,
		.memoryHeaps = {{GIB(4), 0}},
	};

	(void)state;
	ORDER(properties, KILN_MEMORY_READBACK, ~0u, 1, 0);
	ORDER(properties, KILN_MEMORY_UPLOAD, ~0u, 0, 1);
}

static void equals_keep_the_drivers_order(void **state)
{
	VkPhysicalDeviceMemoryProperties properties = software();

	(void)state;
	for (uint32_t i = 1; i < 4; i++)
		properties.memoryTypes[i] = properties.memoryTypes[0];
	properties.memoryTypeCount = 4;
	ORDER(properties, KILN_MEMORY_DEVICE, ~0u, 0, 1, 2, 3);
}

static void nonsense_tables_are_survived(void **state)
{
	VkPhysicalDeviceMemoryProperties properties = software();

	(void)state;
	properties.memoryTypes[1] = (VkMemoryType){LOCAL, 9};
	properties.memoryTypes[2] = (VkMemoryType){LOCAL, 1};
	properties.memoryTypeCount = 3;
	properties.memoryHeapCount = 2; /* heap 1 holds nothing */
	ORDER(properties, KILN_MEMORY_DEVICE, ~0u, 0);
}

static void all_32_types_fit(void **state)
{
	VkPhysicalDeviceMemoryProperties properties = software();
	struct kiln_memory_candidates candidates;

	(void)state;
	for (uint32_t i = 0; i < VK_MAX_MEMORY_TYPES; i++)
		properties.memoryTypes[i] = (VkMemoryType){i % 2 ? LOCAL : LOCAL | VISIBLE | COHERENT, 0};
	properties.memoryTypeCount = VK_MAX_MEMORY_TYPES;
	kiln_memory_type_order(&properties, KILN_MEMORY_DEVICE, ~0u, &candidates);
	assert_int_equal(candidates.count, VK_MAX_MEMORY_TYPES);
	assert_int_equal(candidates.types[0], 0);
	assert_int_equal(candidates.types[15], 30);
	assert_int_equal(candidates.types[16], 1);
	assert_int_equal(candidates.types[31], 31);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_32_types_fit),
		cmocka_unit_test(cached_beats_coherent_for_readback_only),
		cmocka_unit_test(equals_keep_the_drivers_order),
		cmocka_unit_test(host_kinds_never_get_invisible_memory),
		cmocka_unit_test(no_memory_gives_no_candidates),
		cmocka_unit_test(nonsense_tables_are_survived),
		cmocka_unit_test(one_type_serves_everything),
		cmocka_unit_test(readback_is_cached_system_memory),
		cmocka_unit_test(small_window_is_left_alone),
		cmocka_unit_test(special_types_are_never_taken),
		cmocka_unit_test(type_bits_are_obeyed),
		cmocka_unit_test(unified_memory_is_mapped_directly),
		cmocka_unit_test(upload_is_write_combined_system_memory),
		cmocka_unit_test(whole_memory_window_saves_staging),
	};

	return cmocka_run_group_tests_name("memory_type", tests, NULL, NULL);
}
