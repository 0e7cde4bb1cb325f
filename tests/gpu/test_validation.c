/* That zero validation messages mean something: a deliberate mistake, made behind Kiln's back, is counted
 * and logged. */
#include "harness.h"

#include <string.h>

#include "device.h"

static unsigned heard;

static void on_log(void *user, enum kiln_log_level level, const char *message)
{
	(void)user;
	heard += level <= KILN_LOG_WARN && strncmp(message, "vulkan: ", 8) == 0;
}

static void a_mistake_is_counted_and_logged(void **state)
{
	(void)state;
	kiln_log_set(on_log, NULL, KILN_LOG_WARN);
	struct kiln_device *device = gpu_open(NULL);
	assert_int_equal(kiln_device_counters(device).validation_messages, 0);

	VkDescriptorSetLayout layout = VK_NULL_HANDLE;
	VkDescriptorSetLayoutBinding twice[2] = {
		{3, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
		{3, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
	};
	VkDescriptorSetLayoutCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
		.bindingCount = 2,
		.pBindings = twice,
	};
	if (device->vk.vkCreateDescriptorSetLayout(device->handle, &info, NULL, &layout) == VK_SUCCESS)
		device->vk.vkDestroyDescriptorSetLayout(device->handle, layout, NULL);

	assert_true(kiln_device_counters(device).validation_messages > 0);
	assert_true(heard > 0);
	kiln_device_close(&device);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mistake_is_counted_and_logged),
	};
	return GPU_MAIN("validation", tests, false);
}
