/* What an import, an imported buffer and the calls around them refuse, each with its sentence. */
#include "outside.h"

#include <string.h>

#include "harness.h"
#include "step_spv.h"
#include "uniform_spv.h"

static struct outside outside;

/* The call failed with this status, and its sentence names what is wrong. */
static void assert_refused(enum kiln_status status, enum kiln_status expected, const char *names)
{
	gpu_refused(status, expected);
	if (!strstr(kiln_error_message(), names))
		fail_msg("\"%s\" is not named by: %s", names, kiln_error_message());
}

static void refuse(const struct kiln_vulkan_import *import, enum kiln_status expected, const char *names)
{
	struct kiln_device *device = NULL;

	assert_refused(kiln_device_import(import, &device), expected, names);
	assert_null(device);
}

static int open_outside(void **state)
{
	(void)state;
	outside_open(&outside, OUTSIDE_TIMELINE);
	return 0;
}

static int close_outside(void **state)
{
	(void)state;
	outside_close(&outside);
	return 0;
}

/* ---- Devices ---- */

static void a_handle_that_is_missing_is_named(void **state)
{
	struct kiln_vulkan_import import = outside.import;
	struct kiln_device *device = NULL;

	(void)state;
	assert_refused(kiln_device_import(NULL, &device), KILN_ERR_INVALID_ARGUMENT, "import is NULL");
	assert_refused(kiln_device_import(&import, NULL), KILN_ERR_INVALID_ARGUMENT, "out_device");
	import.instance = VK_NULL_HANDLE;
	refuse(&import, KILN_ERR_INVALID_ARGUMENT, ".instance is NULL");
	import = outside.import;
	import.physical_device = VK_NULL_HANDLE;
	refuse(&import, KILN_ERR_INVALID_ARGUMENT, ".physical_device is NULL");
	import = outside.import;
	import.device = VK_NULL_HANDLE;
	refuse(&import, KILN_ERR_INVALID_ARGUMENT, ".device is NULL");
	import = outside.import;
	import.get_instance_proc_addr = NULL;
	refuse(&import, KILN_ERR_INVALID_ARGUMENT, ".get_instance_proc_addr is NULL");
}

static PFN_vkVoidFunction VKAPI_CALL finds_nothing(VkInstance instance, const char *name)
{
	(void)instance, (void)name;
	return NULL;
}

static void handles_that_do_not_belong_together_are_refused(void **state)
{
	struct kiln_vulkan_import import = outside.import;

	(void)state;
	import.physical_device = (VkPhysicalDevice)&import; /* only compared */
	refuse(&import, KILN_ERR_INVALID_ARGUMENT, "none of the");
	import = outside.import;
	import.get_instance_proc_addr = finds_nothing;
	refuse(&import, KILN_ERR_INVALID_ARGUMENT, ".get_instance_proc_addr finds no");
}

static void a_version_that_is_too_old_is_named(void **state)
{
	struct kiln_vulkan_import import = outside.import;

	(void)state;
	import.api_version = 0;
	refuse(&import, KILN_ERR_INVALID_ARGUMENT, ".api_version is 0");
	import.api_version = VK_API_VERSION_1_0;
	refuse(&import, KILN_ERR_INVALID_ARGUMENT, "Vulkan 1.0");
	import.api_version = VK_API_VERSION_1_1; /* and a struct of 1.2 in the chain */
	refuse(&import, KILN_ERR_INVALID_ARGUMENT, "VkPhysicalDeviceVulkan12Features");
}

static void queues_that_cannot_be_are_refused(void **state)
{
	struct kiln_vulkan_queue queues[2] = {{.family = outside.family}, {.family = outside.family}};
	struct kiln_vulkan_import import = outside.import;

	(void)state;
	import.queues = NULL;
	refuse(&import, KILN_ERR_INVALID_ARGUMENT, ".queues is NULL");
	import.queues = queues;
	import.queue_count = 0;
	refuse(&import, KILN_ERR_INVALID_ARGUMENT, "0 queues");
	import.queue_count = 3;
	refuse(&import, KILN_ERR_INVALID_ARGUMENT, "3 queues");
	import.queue_count = 2;
	refuse(&import, KILN_ERR_INVALID_ARGUMENT, "twice");
	import.queue_count = 1;
	queues[0].family = 4096;
	refuse(&import, KILN_ERR_INVALID_ARGUMENT, "family 4096");
	queues[0].family = outside.family;
	queues[0].index = 999;
	refuse(&import, KILN_ERR_INVALID_ARGUMENT, "number 999");
	queues[0] = outside.queues[0];
	queues[0].unlock = NULL;
	refuse(&import, KILN_ERR_INVALID_ARGUMENT, "no .unlock");
}

static void what_is_not_enabled_is_named(void **state)
{
	struct kiln_vulkan_import import = outside.import;

	(void)state;
	import.features = NULL;
	refuse(&import, KILN_ERR_UNSUPPORTED, "timelineSemaphore");
	assert_non_null(strstr(kiln_error_message(), "VkPhysicalDeviceTimelineSemaphoreFeatures"));
	import.api_version = VK_API_VERSION_1_1;
	refuse(&import, KILN_ERR_UNSUPPORTED, "VK_KHR_timeline_semaphore");
}

static void a_device_made_without_timelines_is_refused_and_stays_usable(void **state)
{
	struct outside without;

	(void)state;
	outside_open(&without, OUTSIDE_NONE);
	refuse(&without.import, KILN_ERR_UNSUPPORTED, "timelineSemaphore");
	if (outside.can_launch)
		outside_assert_usable(&without);
	outside_close(&without);
}

static void lists_that_claim_too_much_are_refused(void **state)
{
	static const char *const surface[] = {VK_KHR_SURFACE_EXTENSION_NAME};
	static const char *const hole[] = {NULL};
	VkPhysicalDeviceVulkan12Features features = outside.features;
	VkPhysicalDeviceFeatures2 twice = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
	VkPhysicalDeviceShaderClockFeaturesKHR clock = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_CLOCK_FEATURES_KHR};
	VkPhysicalDeviceCooperativeMatrixFeaturesNV matrix =
		{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_NV,
	         .cooperativeMatrix = VK_TRUE};
	struct kiln_vulkan_import import = outside.import;

	(void)state;
	features.timelineSemaphore = VK_TRUE;
	import.features = &features;
	import.extension_count = 1;
	refuse(&import, KILN_ERR_INVALID_ARGUMENT, ".extensions is NULL");
	import.extensions = hole;
	refuse(&import, KILN_ERR_INVALID_ARGUMENT, ".extensions[0] of 1 is NULL");
	import.extensions = surface;
	refuse(&import, outside.can_launch ? KILN_ERR_INVALID_ARGUMENT : KILN_OK, "VK_KHR_surface");
	import.extension_count = 0;
	features.pNext = &clock;
	refuse(&import, KILN_ERR_INVALID_ARGUMENT, "VK_KHR_shader_clock");
	features.pNext = &matrix;
	refuse(&import, KILN_ERR_INVALID_ARGUMENT, "VK_NV_cooperative_matrix");
	features.pNext = &twice;
	refuse(&import, KILN_ERR_INVALID_ARGUMENT, "allows one of them");
	features.pNext = &features;
	refuse(&import, KILN_ERR_INVALID_ARGUMENT, "ring");
}

/* One of these is missing everywhere Kiln was tested. */
static void a_feature_the_device_does_not_have_is_named(void **state)
{
	PFN_vkGetPhysicalDeviceFeatures2 get =
		(PFN_vkGetPhysicalDeviceFeatures2)outside.get(outside.instance,
	                                                      "vkGetPhysicalDeviceFeatures2");
	VkPhysicalDeviceVulkan12Features offered = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
	VkPhysicalDeviceFeatures2 have = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
	                                  .pNext = &offered};
	VkPhysicalDeviceVulkan12Features features = outside.features;
	VkPhysicalDeviceFeatures core = {.shaderResourceMinLod = VK_TRUE};
	struct kiln_vulkan_import import = outside.import;

	(void)state;
	get(outside.physical, &have);
	features.timelineSemaphore = VK_TRUE;
	import.features = &features;
	if (!offered.timelineSemaphore) {
		refuse(&import, KILN_ERR_INVALID_ARGUMENT, "timelineSemaphore is passed as enabled");
		return;
	}
	if (!have.features.shaderResourceMinLod) {
		import.core_features = &core;
		refuse(&import, KILN_ERR_INVALID_ARGUMENT, "shaderResourceMinLod is passed as enabled");
		return;
	}
	features.shaderSharedInt64Atomics = VK_TRUE;
	if (offered.shaderSharedInt64Atomics) {
		gpu_skip(__func__, "this device has every feature that is claimed");
		return;
	}
	refuse(&import, KILN_ERR_INVALID_ARGUMENT, "shaderSharedInt64Atomics is passed as enabled");
}

static void parameters_of_an_instance_are_refused(void **state)
{
	struct kiln_device_params params = {.select = "cpu"};
	struct kiln_vulkan_import import = outside.import;

	(void)state;
	import.params = &params;
	refuse(&import, KILN_ERR_INVALID_ARGUMENT, ".params->select is \"cpu\"");
	params = (struct kiln_device_params){.validation = KILN_VALIDATION_ON};
	refuse(&import, KILN_ERR_INVALID_ARGUMENT, ".params->validation");
	params = (struct kiln_device_params){.robustness = KILN_ROBUSTNESS_BUFFERS};
	refuse(&import, KILN_OK, outside.can_launch ? "robustBufferAccess" : "Fix: ");
}

/* ---- What is done with a device ---- */

static void refuse_buffer(struct kiln_device *device, const struct kiln_vulkan_buffer_import *import,
                          enum kiln_status expected, const char *names)
{
	struct kiln_buffer *buffer = NULL;

	assert_refused(kiln_buffer_import(device, import, &buffer), expected, names);
	assert_null(buffer);
}

static void refuse_usages(struct kiln_device *device, const struct kiln_vulkan_buffer_import *good)
{
	struct kiln_vulkan_buffer_import import = *good;

	import.usage = good->usage & ~(VkBufferUsageFlags)VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
	refuse_buffer(device, &import, KILN_ERR_UNSUPPORTED, "VK_BUFFER_USAGE_STORAGE_BUFFER_BIT");
	import.usage = good->usage & ~(VkBufferUsageFlags)VK_BUFFER_USAGE_TRANSFER_SRC_BIT;
	refuse_buffer(device, &import, KILN_ERR_UNSUPPORTED, "VK_BUFFER_USAGE_TRANSFER_SRC_BIT");
	import.usage = good->usage & ~(VkBufferUsageFlags)VK_BUFFER_USAGE_TRANSFER_DST_BIT;
	refuse_buffer(device, &import, KILN_ERR_UNSUPPORTED, "VK_BUFFER_USAGE_TRANSFER_DST_BIT");
}

static void refuse_at_launch(struct kiln_device *device, struct kiln_buffer *buffer)
{
	const struct kiln_kernel_params params = {.spirv = uniform_spv, .spirv_bytes = sizeof uniform_spv};
	const uint32_t push[2] = {1, 1};
	struct kiln_kernel *kernel = NULL;

	gpu_ok(kiln_kernel_create(device, &params, &kernel));
	assert_refused(kiln_launch(kernel,
	                           &(struct kiln_launch_params){.threads = {1}, .buffers = {buffer, buffer}}),
	               KILN_ERR_UNSUPPORTED, "VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT");
	kiln_kernel_destroy(&kernel);
	gpu_ok(kiln_kernel_create(device,
	                          &(struct kiln_kernel_params){.spirv = step_spv,
	                                                       .spirv_bytes = sizeof step_spv},
	                          &kernel));
	assert_refused(kiln_launch(kernel, &(struct kiln_launch_params){.threads = {1},
	                                                                .buffers = {buffer},
	                                                                .push = push,
	                                                                .push_bytes = sizeof push}),
	               KILN_ERR_BUFFER_ACCESS, "read-only");
	kiln_kernel_destroy(&kernel);
}

static void a_vkbuffer_that_does_not_fit_is_refused(void **state)
{
	struct kiln_device *device = NULL;
	struct kiln_vulkan_buffer_import good, import;
	struct outside_buffer buffer;
	struct kiln_buffer *ours = NULL;

	(void)state;
	if (!outside.can_launch) {
		gpu_skip(__func__, "this device cannot be imported");
		return;
	}
	gpu_ok(kiln_device_import(&outside.import, &device));
	outside_buffer_create(&outside, 4096, &buffer);
	good = import = (struct kiln_vulkan_buffer_import){.handle = buffer.handle,
	                                                   .bytes = buffer.bytes,
	                                                   .usage = buffer.usage,
	                                                   .read_only = true};
	refuse_buffer(NULL, &good, KILN_ERR_INVALID_ARGUMENT, "device is NULL");
	refuse_buffer(device, NULL, KILN_ERR_INVALID_ARGUMENT, "import is NULL");
	assert_refused(kiln_buffer_import(device, &good, NULL), KILN_ERR_INVALID_ARGUMENT, "out_buffer");
	import.handle = VK_NULL_HANDLE;
	refuse_buffer(device, &import, KILN_ERR_INVALID_ARGUMENT, ".handle is NULL");
	import = good;
	import.bytes = 0;
	refuse_buffer(device, &import, KILN_ERR_INVALID_ARGUMENT, ".bytes is 0");
	import.bytes = buffer.bytes * 1024;
	refuse_buffer(device, &import, KILN_ERR_TOO_LARGE, "VkBufferCreateInfo.size");
	import = good;
	import.sharing = (VkSharingMode)5;
	refuse_buffer(device, &import, KILN_ERR_INVALID_ARGUMENT, ".sharing is 5");
	refuse_usages(device, &good);
	gpu_ok(kiln_buffer_import(device, &good, &ours));
	refuse_at_launch(device, ours);
	kiln_buffer_destroy(&ours);
	kiln_device_close(&device);
	outside_buffer_destroy(&outside, &buffer);
}

static void the_calls_around_it_check_their_arguments(void **state)
{
	struct kiln_ticket ticket;
	struct kiln_device *device = NULL;
	struct kiln_vulkan_device vulkan;
	struct kiln_vulkan_buffer buffer;
	struct kiln_graph *graph = NULL;
	struct kiln_stream *stream;
	VkSemaphore semaphore;
	uint64_t value;

	(void)state;
	assert_refused(kiln_device_vulkan(NULL, &vulkan), KILN_ERR_INVALID_ARGUMENT, "device is NULL");
	assert_refused(kiln_buffer_vulkan(NULL, &buffer), KILN_ERR_INVALID_ARGUMENT, "buffer is NULL");
	assert_refused(kiln_stream_after_vulkan(NULL, VK_NULL_HANDLE, 0), KILN_ERR_INVALID_ARGUMENT,
	               "stream is NULL");
	kiln_vulkan_queue_lock(NULL, KILN_QUEUE_MAIN);
	kiln_vulkan_queue_unlock(NULL, KILN_QUEUE_MAIN);
	if (!outside.can_launch) {
		gpu_skip(__func__, "this device cannot be imported");
		return;
	}
	gpu_ok(kiln_device_import(&outside.import, &device));
	stream = kiln_device_stream(device);
	assert_refused(kiln_device_vulkan(device, NULL), KILN_ERR_INVALID_ARGUMENT, "out_vulkan");
	assert_refused(kiln_stream_after_vulkan(stream, VK_NULL_HANDLE, 0), KILN_ERR_INVALID_ARGUMENT,
	               "semaphore is NULL");
	assert_refused(kiln_ticket_vulkan(device, (struct kiln_ticket){1, 0}, NULL, &value),
	               KILN_ERR_INVALID_ARGUMENT, "output is NULL");
	assert_refused(kiln_ticket_vulkan(NULL, (struct kiln_ticket){1, 0}, &semaphore, &value),
	               KILN_ERR_INVALID_ARGUMENT, "device is NULL");
	gpu_ok(kiln_stream_submit(stream, &ticket));
	ticket.value = 99;
	assert_refused(kiln_ticket_vulkan(device, ticket, &semaphore, &value), KILN_ERR_INVALID_ARGUMENT,
	               "never gave ticket 99");
	ticket.stream += 1000;
	assert_refused(kiln_ticket_vulkan(device, ticket, &semaphore, &value), KILN_ERR_INVALID_ARGUMENT,
	               "never was a stream");
	semaphore = outside_timeline(&outside);
	gpu_ok(kiln_stream_create(device, NULL, &stream));
	gpu_ok(kiln_graph_begin(stream));
	assert_refused(kiln_stream_after_vulkan(stream, semaphore, 1), KILN_ERR_UNSUPPORTED, "graph");
	gpu_ok(kiln_graph_end(stream, &graph));
	kiln_graph_destroy(&graph);
	kiln_stream_destroy(&stream);
	outside.vk.vkDestroySemaphore(outside.device, semaphore, NULL);
	kiln_device_close(&device);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_handle_that_is_missing_is_named, open_outside,
	                                        close_outside),
		cmocka_unit_test_setup_teardown(handles_that_do_not_belong_together_are_refused, open_outside,
	                                        close_outside),
		cmocka_unit_test_setup_teardown(a_version_that_is_too_old_is_named, open_outside,
	                                        close_outside),
		cmocka_unit_test_setup_teardown(queues_that_cannot_be_are_refused, open_outside,
	                                        close_outside),
		cmocka_unit_test_setup_teardown(what_is_not_enabled_is_named, open_outside, close_outside),
		cmocka_unit_test_setup_teardown(a_device_made_without_timelines_is_refused_and_stays_usable,
	                                        open_outside, close_outside),
		cmocka_unit_test_setup_teardown(lists_that_claim_too_much_are_refused, open_outside,
	                                        close_outside),
		cmocka_unit_test_setup_teardown(a_feature_the_device_does_not_have_is_named, open_outside,
	                                        close_outside),
		cmocka_unit_test_setup_teardown(parameters_of_an_instance_are_refused, open_outside,
	                                        close_outside),
		cmocka_unit_test_setup_teardown(a_vkbuffer_that_does_not_fit_is_refused, open_outside,
	                                        close_outside),
		cmocka_unit_test_setup_teardown(the_calls_around_it_check_their_arguments, open_outside,
	                                        close_outside),
	};

	return GPU_MAIN("import_refuse", tests, false);
}
