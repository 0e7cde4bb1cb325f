/* What of a device that exists may be used: from invented lists of its creation, without a device. */
#include "test.h"

#include <string.h>

#include "import_setup.h"

#define V11 VK_API_VERSION_1_1
#define V12 VK_API_VERSION_1_2
#define V13 VK_API_VERSION_1_3

static VkPhysicalDeviceTimelineSemaphoreFeatures timeline(const void *next)
{
	return (VkPhysicalDeviceTimelineSemaphoreFeatures){
		VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES, (void *)next, VK_TRUE};
}

static struct kiln_device_setup setup_of(const struct kiln_vulkan_import *import, uint32_t api)
{
	struct kiln_device_setup setup;

	if (kiln_import_setup(import, api, &setup) != KILN_OK)
		fail_msg("%s", kiln_error_message());
	return setup;
}

static void assert_refused(const struct kiln_vulkan_import *import, uint32_t api, enum kiln_status expected,
                           const char *names)
{
	struct kiln_device_setup setup;

	assert_int_equal(kiln_import_setup(import, api, &setup), expected);
	assert_non_null(strstr(kiln_error_message(), "Fix: "));
	if (!strstr(kiln_error_message(), names))
		fail_msg("\"%s\" is not named by: %s", names, kiln_error_message());
}

static void the_same_feature_counts_in_every_form(void **state)
{
	VkPhysicalDevice16BitStorageFeatures single =
		{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES,
	         .storageBuffer16BitAccess = VK_TRUE};
	VkPhysicalDeviceVulkan11Features whole =
		{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES,
	         .storageBuffer16BitAccess = VK_TRUE};
	VkPhysicalDeviceTimelineSemaphoreFeatures chains[2] = {timeline(&single), timeline(&whole)};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct kiln_device_setup setup =
			setup_of(&(struct kiln_vulkan_import){.features = &chains[i]}, V12);

		assert_true(setup.features.v11.storageBuffer16BitAccess);
		assert_true(setup.features.v12.timelineSemaphore);
		assert_false(setup.features.v11.uniformAndStorageBuffer16BitAccess);
	}
}

static void core_features_come_alone_or_in_the_chain(void **state)
{
	VkPhysicalDeviceFeatures core = {.shaderInt64 = VK_TRUE, .robustBufferAccess = VK_TRUE};
	VkPhysicalDeviceFeatures2 chained = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
	                                     .features = core};
	VkPhysicalDeviceTimelineSemaphoreFeatures alone = timeline(NULL), chain = timeline(&chained);
	const struct kiln_vulkan_import forms[2] = {{.features = &alone, .core_features = &core},
	                                            {.features = &chain}};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct kiln_device_setup setup = setup_of(&forms[i], V12);

		assert_true(setup.features.core.features.shaderInt64);
		assert_true(setup.features.core.features.robustBufferAccess);
		assert_false(setup.features.core.features.shaderInt16);
	}
	assert_refused(&(struct kiln_vulkan_import){.features = &chain, .core_features = &core}, V12,
	               KILN_ERR_INVALID_ARGUMENT, "VkPhysicalDeviceFeatures2");
}

/* What Kiln does not use is not passed on as something a kernel may declare. */
static void what_kiln_does_not_know_is_left_out(void **state)
{
	VkPhysicalDeviceMeshShaderFeaturesEXT mesh =
		{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MESH_SHADER_FEATURES_EXT, .meshShader = VK_TRUE};
	VkPhysicalDeviceFeatures core = {.geometryShader = VK_TRUE};
	VkPhysicalDeviceTimelineSemaphoreFeatures chain = timeline(&mesh);
	struct kiln_device_setup setup =
		setup_of(&(struct kiln_vulkan_import){.features = &chain, .core_features = &core}, V12);

	(void)state;
	assert_false(setup.features.core.features.geometryShader);
	assert_int_equal(setup.extension_count, 0);
}

static void a_feature_needs_its_version_or_its_extension(void **state)
{
	static const char *const names[] = {VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME};
	VkPhysicalDeviceTimelineSemaphoreFeatures chain = timeline(NULL);
	struct kiln_vulkan_import import = {.features = &chain};

	(void)state;
	assert_refused(&import, V11, KILN_ERR_INVALID_ARGUMENT, "VK_KHR_timeline_semaphore");
	assert_true(setup_of(&import, V12).features.v12.timelineSemaphore);
	import.extensions = names;
	import.extension_count = 1;
	assert_true(setup_of(&import, V11).features.v12.timelineSemaphore);
}

static void a_struct_of_a_later_version_is_refused(void **state)
{
	VkPhysicalDeviceVulkan13Features later = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES};
	VkPhysicalDeviceTimelineSemaphoreFeatures chain = timeline(&later);
	struct kiln_vulkan_import import = {.features = &chain};

	(void)state;
	assert_refused(&import, V12, KILN_ERR_INVALID_ARGUMENT, "VkPhysicalDeviceVulkan13Features");
	(void)setup_of(&import, V13);
}

static void timelines_are_needed(void **state)
{
	VkPhysicalDeviceTimelineSemaphoreFeatures off = timeline(NULL);

	(void)state;
	off.timelineSemaphore = VK_FALSE;
	assert_refused(&(struct kiln_vulkan_import){0}, V12, KILN_ERR_UNSUPPORTED, "timelineSemaphore");
	assert_refused(&(struct kiln_vulkan_import){.features = &off}, V13, KILN_ERR_UNSUPPORTED,
	               "timelineSemaphore");
	assert_refused(&(struct kiln_vulkan_import){0}, V11, KILN_ERR_UNSUPPORTED,
	               "VK_KHR_timeline_semaphore");
}

static void an_extension_is_used_where_it_is_listed(void **state)
{
	static const char *const names[] = {VK_EXT_CALIBRATED_TIMESTAMPS_EXTENSION_NAME, "VK_KHR_swapchain",
	                                    VK_EXT_PIPELINE_CREATION_FEEDBACK_EXTENSION_NAME};
	VkPhysicalDeviceTimelineSemaphoreFeatures chain = timeline(NULL);
	struct kiln_vulkan_import import = {.features = &chain, .extensions = names};
	struct kiln_device_setup setup = setup_of(&import, V12);

	(void)state;
	assert_false(setup.calibrated_timestamps);
	assert_false(setup.feedback);
	assert_true(setup_of(&import, V13).feedback); /* part of 1.3 */
	import.extension_count = 3;
	setup = setup_of(&import, V12);
	assert_true(setup.calibrated_timestamps);
	assert_true(setup.feedback);
}

static void an_extension_list_with_a_hole_or_a_novel_is_refused(void **state)
{
	char novel[400];
	const char *names[2] = {"VK_KHR_swapchain", NULL};
	VkPhysicalDeviceTimelineSemaphoreFeatures chain = timeline(NULL);
	struct kiln_vulkan_import import = {.features = &chain, .extension_count = 2};

	(void)state;
	assert_refused(&import, V12, KILN_ERR_INVALID_ARGUMENT, ".extensions is NULL");
	import.extensions = names;
	assert_refused(&import, V12, KILN_ERR_INVALID_ARGUMENT, ".extensions[1] of 2 is NULL");
	memset(novel, 'x', sizeof(novel));
	names[1] = novel; /* has no end */
	assert_refused(&import, V12, KILN_ERR_INVALID_ARGUMENT, ".extensions[1] of 2 is no extension's name");
	names[1] = "";
	assert_refused(&import, V12, KILN_ERR_INVALID_ARGUMENT, ".extensions[1]");
}

static void a_ring_of_structs_is_refused(void **state)
{
	VkPhysicalDeviceTimelineSemaphoreFeatures chain = timeline(NULL);

	(void)state;
	chain.pNext = &chain;
	assert_refused(&(struct kiln_vulkan_import){.features = &chain}, V12, KILN_ERR_INVALID_ARGUMENT,
	               "ring");
}

/* ---- The digest that goes into the fingerprint ---- */

static struct kiln_digest digest_of(const struct kiln_vulkan_import *import)
{
	return setup_of(import, V13).application;
}

static void the_digest_tells_every_difference_and_no_padding(void **state)
{
	static const char *const names[] = {"VK_KHR_swapchain"};
	VkPhysicalDeviceTimelineSemaphoreFeatures chains[2];
	VkPhysicalDeviceMeshShaderFeaturesEXT mesh = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MESH_SHADER_FEATURES_EXT};
	VkPhysicalDeviceFeatures core = {.geometryShader = VK_TRUE};
	struct kiln_vulkan_import import = {.features = &chains[0]};
	struct kiln_digest first, other;

	(void)state;
	for (int i = 0; i < 2; i++) {
		memset(&chains[i], i ? 0xff : 0, sizeof(chains[i])); /* behind the last feature too */
		chains[i].sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES;
		chains[i].pNext = NULL;
		chains[i].timelineSemaphore = VK_TRUE;
	}
	first = digest_of(&import);
	import.features = &chains[1];
	other = digest_of(&import);
	assert_true(kiln_digest_equal(&first, &other));
	import.core_features = &core; /* Kiln does not use it, and drivers may */
	other = digest_of(&import);
	assert_false(kiln_digest_equal(&first, &other));
	import.core_features = NULL;
	import.extensions = names;
	import.extension_count = 1;
	other = digest_of(&import);
	assert_false(kiln_digest_equal(&first, &other));
	import.extension_count = 0;
	chains[1].pNext = &mesh;
	other = digest_of(&import);
	assert_false(kiln_digest_equal(&first, &other));
}

/* ---- Features and the physical device ---- */

static void excess_is_named_where_the_device_was_asked(void **state)
{
	struct kiln_device_features use = {0}, have = {0};

	(void)state;
	assert_null(kiln_features_excess(&use, &have));
	use.core.features.shaderFloat64 = VK_TRUE;
	assert_string_equal(kiln_features_excess(&use, &have), "shaderFloat64");
	have.core.features.shaderFloat64 = VK_TRUE;
	use.v12.shaderInt8 = VK_TRUE;
	assert_null(kiln_features_excess(&use, &have)); /* below 1.2 nobody knows */
	have.v12.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
	assert_string_equal(kiln_features_excess(&use, &have), "shaderInt8");
	have.v12.shaderInt8 = VK_TRUE;
	use.v13.maintenance4 = VK_TRUE;
	assert_null(kiln_features_excess(&use, &have));
	have.v13.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES;
	assert_string_equal(kiln_features_excess(&use, &have), "maintenance4");
}

/* ---- Queues ---- */

static void no_call(void *user)
{
	(void)user;
}

static void assert_queues(const struct kiln_vulkan_queue *queues, uint32_t count, enum kiln_status expected,
                          const char *names)
{
	static const VkQueueFamilyProperties families[] = {
		{.queueFlags = VK_QUEUE_TRANSFER_BIT, .queueCount = 1},
		{.queueFlags = VK_QUEUE_COMPUTE_BIT, .queueCount = 2},
		{.queueFlags = VK_QUEUE_COMPUTE_BIT | VK_QUEUE_GRAPHICS_BIT, .queueCount = 1},
	};
	const struct kiln_vulkan_import import = {.queues = queues, .queue_count = count};

	assert_int_equal(kiln_import_check_queues(&import, families, 3), expected);
	if (expected == KILN_OK)
		return;
	assert_non_null(strstr(kiln_error_message(), "Fix: "));
	assert_non_null(strstr(kiln_error_message(), names));
}

static void queues_exist_compute_and_differ(void **state)
{
	struct kiln_vulkan_queue queues[2] = {{.family = 1}, {.family = 1, .index = 1}};

	(void)state;
	assert_queues(queues, 2, KILN_OK, NULL);
	queues[1].index = 0;
	assert_queues(queues, 2, KILN_ERR_INVALID_ARGUMENT, "twice");
	assert_queues(queues, 1, KILN_OK, NULL);
	queues[1].index = 2;
	assert_queues(queues, 2, KILN_ERR_INVALID_ARGUMENT, "number 2 of family 1");
	queues[1] = (struct kiln_vulkan_queue){.family = 2};
	assert_queues(queues, 2, KILN_OK, NULL);
	queues[1].family = 0;
	assert_queues(queues, 2, KILN_ERR_NO_COMPUTE, "family 0");
	queues[0].family = 3;
	assert_queues(queues, 1, KILN_ERR_INVALID_ARGUMENT, "3 families");
}

static void locks_come_in_pairs(void **state)
{
	struct kiln_vulkan_queue queue = {.family = 1, .lock = no_call};

	(void)state;
	assert_queues(&queue, 1, KILN_ERR_INVALID_ARGUMENT, "no .unlock");
	queue.unlock = no_call;
	assert_queues(&queue, 1, KILN_OK, NULL);
	queue.lock = NULL;
	assert_queues(&queue, 1, KILN_ERR_INVALID_ARGUMENT, "no .lock");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_feature_counts_in_every_form),
		cmocka_unit_test(core_features_come_alone_or_in_the_chain),
		cmocka_unit_test(what_kiln_does_not_know_is_left_out),
		cmocka_unit_test(a_feature_needs_its_version_or_its_extension),
		cmocka_unit_test(a_struct_of_a_later_version_is_refused),
		cmocka_unit_test(timelines_are_needed),
		cmocka_unit_test(an_extension_is_used_where_it_is_listed),
		cmocka_unit_test(an_extension_list_with_a_hole_or_a_novel_is_refused),
		cmocka_unit_test(a_ring_of_structs_is_refused),
		cmocka_unit_test(the_digest_tells_every_difference_and_no_padding),
		cmocka_unit_test(excess_is_named_where_the_device_was_asked),
		cmocka_unit_test(queues_exist_compute_and_differ),
		cmocka_unit_test(locks_come_in_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
