#include "outside.h"

#include <string.h>

#include <base/log.h>

#include "harness.h"
#include "loader.h"

#define VK(call) assert_int_equal((call), VK_SUCCESS)

/* ---- Instance and device ---- */

static VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                                 VkDebugUtilsMessageTypeFlagsEXT types,
                                                 const VkDebugUtilsMessengerCallbackDataEXT *data, void *user)
{
	(void)severity, (void)user;
	if (types & ~(VkDebugUtilsMessageTypeFlagsEXT)VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT)
		kiln_log(KILN_LOG_ERROR, "vulkan: outside: %s", data->pMessage); /* the harness counts it */
	return VK_FALSE;
}

#define INSTANCE(outside, name) ((PFN_##name)(outside)->get((outside)->instance, #name))

static void create_instance(struct outside *outside)
{
	static const char *const layers[] = {"VK_LAYER_KHRONOS_validation"};
	static const char *const extensions[] = {VK_EXT_DEBUG_UTILS_EXTENSION_NAME};
	static const VkValidationFeatureEnableEXT enables[] = {
		VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT,
	};
	VkValidationFeaturesEXT validation = {
		.sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
		.enabledValidationFeatureCount = 1,
		.pEnabledValidationFeatures = enables,
	};
	VkDebugUtilsMessengerCreateInfoEXT messenger = {
		.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
		.pNext = &validation,
		.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
	                           VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
		.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT |
	                       VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT |
	                       VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT,
		.pfnUserCallback = on_message,
	};
	VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
	                                 .apiVersion = VK_API_VERSION_1_2};
	VkInstanceCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
		.pNext = &messenger,
		.pApplicationInfo = &application,
		.enabledLayerCount = 1,
		.ppEnabledLayerNames = layers,
		.enabledExtensionCount = 1,
		.ppEnabledExtensionNames = extensions,
	};
	VK(INSTANCE(outside, vkCreateInstance)(&info, NULL, &outside->instance));
	messenger.pNext = NULL;
	VK(INSTANCE(outside, vkCreateDebugUtilsMessengerEXT)(outside->instance, &messenger, NULL,
	                                                     &outside->messenger));
}

static void choose_physical(struct outside *outside)
{
	VkQueueFamilyProperties *families;
	uint32_t count = 1;
	VkResult result =
		INSTANCE(outside, vkEnumeratePhysicalDevices)(outside->instance, &count, &outside->physical);

	assert_true(result >= 0 && count == 1);
	INSTANCE(outside, vkGetPhysicalDeviceMemoryProperties)(outside->physical, &outside->memory);
	INSTANCE(outside, vkGetPhysicalDeviceQueueFamilyProperties)(outside->physical, &count, NULL);
	families = calloc(count, sizeof *families);
	assert_non_null(families);
	INSTANCE(outside, vkGetPhysicalDeviceQueueFamilyProperties)(outside->physical, &count, families);
	while (outside->family < count && !(families[outside->family].queueFlags & VK_QUEUE_COMPUTE_BIT))
		outside->family++;
	assert_true(outside->family < count);
	free(families);
}

static void create_device(struct outside *outside, enum outside_features features)
{
	const float priority = 1;
	VkPhysicalDeviceFeatures2 have = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
	VkDeviceQueueCreateInfo queue = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
		.queueFamilyIndex = outside->family,
		.queueCount = 1,
		.pQueuePriorities = &priority,
	};
	VkDeviceCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
		.pNext = &outside->features,
		.queueCreateInfoCount = 1,
		.pQueueCreateInfos = &queue,
		.pEnabledFeatures = &outside->core,
	};
	VkPhysicalDeviceVulkan12Features offered = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};

	have.pNext = &offered;
	INSTANCE(outside, vkGetPhysicalDeviceFeatures2)(outside->physical, &have);
	outside->features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
	if (features == OUTSIDE_ALL) {
		outside->features = offered;
		outside->core = have.features;
		outside->core.robustBufferAccess =
			VK_FALSE; /* not every device has it with update-after-bind */
	}
	outside->features.timelineSemaphore = features != OUTSIDE_NONE && offered.timelineSemaphore;
	outside->can_launch = outside->features.timelineSemaphore && outside->memory.memoryTypeCount > 0;
	VK(INSTANCE(outside, vkCreateDevice)(outside->physical, &info, NULL, &outside->device));
	kiln_loader_device_table(outside->get, outside->instance, outside->device, &outside->vk);
	outside->vk.vkGetDeviceQueue(outside->device, outside->family, 0, &outside->queue);
}

static void lock_queue(void *user)
{
	struct outside *outside = user;

	pthread_mutex_lock(&outside->lock);
	assert_false(outside->locked);
	outside->locked = true;
	outside->locks++;
}

static void unlock_queue(void *user)
{
	struct outside *outside = user;

	assert_true(outside->locked);
	outside->locked = false;
	pthread_mutex_unlock(&outside->lock);
}

void outside_open(struct outside *outside, enum outside_features features)
{
	*outside = (struct outside){0};
	gpu_ok(kiln_loader_open(NULL, &outside->get));
	pthread_mutex_init(&outside->lock, NULL);
	create_instance(outside);
	choose_physical(outside);
	create_device(outside, features);
	outside->queues[0] = (struct kiln_vulkan_queue){.family = outside->family,
	                                                .lock = lock_queue,
	                                                .unlock = unlock_queue,
	                                                .user = outside};
	outside->import = (struct kiln_vulkan_import){
		.instance = outside->instance,
		.physical_device = outside->physical,
		.device = outside->device,
		.get_instance_proc_addr = outside->get,
		.api_version = VK_API_VERSION_1_2,
		.queues = outside->queues,
		.queue_count = 1,
		.features = &outside->features,
		.core_features = &outside->core,
		.debug_utils = true,
	};
}

void outside_close(struct outside *outside)
{
	outside->vk.vkDestroyDevice(outside->device, NULL);
	INSTANCE(outside, vkDestroyDebugUtilsMessengerEXT)(outside->instance, outside->messenger, NULL);
	INSTANCE(outside, vkDestroyInstance)(outside->instance, NULL);
	pthread_mutex_destroy(&outside->lock);
	*outside = (struct outside){0};
}

/* ---- Buffers ---- */

static uint32_t coherent_type(const struct outside *outside, uint32_t allowed)
{
	const VkMemoryPropertyFlags wanted =
		VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;

	for (uint32_t i = 0; i < outside->memory.memoryTypeCount; i++)
		if (allowed >> i & 1 && (outside->memory.memoryTypes[i].propertyFlags & wanted) == wanted)
			return i;
	fail_msg("every Vulkan device has coherent memory");
	return 0;
}

void outside_buffer_create(struct outside *outside, uint64_t bytes, struct outside_buffer *out_buffer)
{
	struct outside_buffer buffer = {
		.bytes = bytes,
		.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
	                 VK_BUFFER_USAGE_TRANSFER_DST_BIT,
	};
	VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
	                           .size = bytes,
	                           .usage = buffer.usage};
	VkMemoryAllocateInfo memory = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
	VkMemoryRequirements requirements;
	void *data;

	VK(outside->vk.vkCreateBuffer(outside->device, &info, NULL, &buffer.handle));
	outside->vk.vkGetBufferMemoryRequirements(outside->device, buffer.handle, &requirements);
	memory.allocationSize = requirements.size;
	memory.memoryTypeIndex = coherent_type(outside, requirements.memoryTypeBits);
	VK(outside->vk.vkAllocateMemory(outside->device, &memory, NULL, &buffer.memory));
	VK(outside->vk.vkBindBufferMemory(outside->device, buffer.handle, buffer.memory, 0));
	VK(outside->vk.vkMapMemory(outside->device, buffer.memory, 0, VK_WHOLE_SIZE, 0, &data));
	buffer.data = data;
	*out_buffer = buffer;
}

void outside_buffer_destroy(struct outside *outside, struct outside_buffer *buffer)
{
	outside->vk.vkDestroyBuffer(outside->device, buffer->handle, NULL);
	outside->vk.vkFreeMemory(outside->device, buffer->memory, NULL);
	*buffer = (struct outside_buffer){0};
}

/* ---- Semaphores ---- */

VkSemaphore outside_timeline(struct outside *outside)
{
	VkSemaphoreTypeCreateInfo type = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
	                                  .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
	VkSemaphoreCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
	VkSemaphore semaphore;

	VK(outside->vk.vkCreateSemaphore(outside->device, &info, NULL, &semaphore));
	return semaphore;
}

void outside_signal(struct outside *outside, VkSemaphore semaphore, uint64_t value)
{
	VkSemaphoreSignalInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO,
	                              .semaphore = semaphore,
	                              .value = value};

	VK(outside->vk.vkSignalSemaphore(outside->device, &info));
}

/* ---- Submissions ---- */

static void record(struct outside *outside, VkCommandBuffer commands, const struct outside_work *work)
{
	VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
	                                  .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
	VkMemoryBarrier to_host = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
	                           .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
	                           .dstAccessMask = VK_ACCESS_HOST_READ_BIT};

	VK(outside->vk.vkBeginCommandBuffer(commands, &begin));
	if (work->source)
		outside->vk.vkCmdCopyBuffer(commands, work->source, work->target, 1,
		                            &(VkBufferCopy){.size = work->bytes});
	else
		outside->vk.vkCmdFillBuffer(commands, work->target, 0, work->bytes, work->value);
	outside->vk.vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT,
	                                 0, 1, &to_host, 0, NULL, 0, NULL);
	VK(outside->vk.vkEndCommandBuffer(commands));
}

static VkCommandBuffer new_commands(struct outside *outside, struct outside_running *running)
{
	VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
	                                .queueFamilyIndex = outside->family};
	VkCommandBufferAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
	                                    .commandBufferCount = 1};
	VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
	VkCommandBuffer commands;

	VK(outside->vk.vkCreateCommandPool(outside->device, &pool, NULL, &running->pool));
	info.commandPool = running->pool;
	VK(outside->vk.vkAllocateCommandBuffers(outside->device, &info, &commands));
	VK(outside->vk.vkCreateFence(outside->device, &fence, NULL, &running->fence));
	return commands;
}

void outside_start(struct outside *outside, const struct outside_work *work,
                   struct outside_running *out_running)
{
	const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_TRANSFER_BIT;
	VkCommandBuffer commands = new_commands(outside, out_running);
	VkTimelineSemaphoreSubmitInfo values = {
		.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
		.waitSemaphoreValueCount = work->wait ? 1 : 0,
		.pWaitSemaphoreValues = &work->wait_value,
		.signalSemaphoreValueCount = work->signal ? 1 : 0,
		.pSignalSemaphoreValues = &work->signal_value,
	};
	VkSubmitInfo info = {
		.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
		.pNext = work->wait || work->signal ? &values : NULL,
		.waitSemaphoreCount = work->wait ? 1 : 0,
		.pWaitSemaphores = &work->wait,
		.pWaitDstStageMask = &stage,
		.commandBufferCount = 1,
		.pCommandBuffers = &commands,
		.signalSemaphoreCount = work->signal ? 1 : 0,
		.pSignalSemaphores = &work->signal,
	};

	record(outside, commands, work);
	lock_queue(outside);
	VK(outside->vk.vkQueueSubmit(outside->queue, 1, &info, out_running->fence));
	unlock_queue(outside);
}

void outside_finish(struct outside *outside, struct outside_running *running)
{
	VK(outside->vk.vkWaitForFences(outside->device, 1, &running->fence, VK_TRUE, UINT64_MAX));
	outside->vk.vkDestroyFence(outside->device, running->fence, NULL);
	outside->vk.vkDestroyCommandPool(outside->device, running->pool, NULL);
}

void outside_run(struct outside *outside, const struct outside_work *work)
{
	struct outside_running running;

	outside_start(outside, work, &running);
	outside_finish(outside, &running);
}

void outside_assert_usable(struct outside *outside)
{
	enum { WORDS = 1024 };
	struct outside_buffer a, b;

	outside_buffer_create(outside, WORDS * 4, &a);
	outside_buffer_create(outside, WORDS * 4, &b);
	memset(b.data, 0, WORDS * 4);
	outside_run(outside,
	            &(struct outside_work){.target = a.handle, .bytes = WORDS * 4, .value = 0xfeedu});
	outside_run(outside,
	            &(struct outside_work){.source = a.handle, .target = b.handle, .bytes = WORDS * 4});
	for (int i = 0; i < WORDS; i++)
		assert_int_equal(b.data[i], 0xfeedu);
	outside_buffer_destroy(outside, &a);
	outside_buffer_destroy(outside, &b);
}
