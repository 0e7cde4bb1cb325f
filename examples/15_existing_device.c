/* A program that has its Vulkan device already: Kiln works on it, in the program's own buffer, between two submissions of the
 * program's. What it passes is what it gave vkCreateDevice(), as Vulkan cannot be asked; what orders the two sides are
 * timeline semaphores, one in each direction. Kiln leaves, and the program goes on with its device. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vulkan/vulkan.h>

#include <kiln/kiln.h>
#include <kiln/shaders/saxpy.h>
#include <kiln/vulkan.h>

#include "example.h"

static const char HELP[] = "usage: 15_existing_device [options]\n"
			   "Launches a kernel of Kiln's on a VkDevice and a VkBuffer made by hand, and checks the result.\n"
			   "  -n, --count N       elements (100000)\n"
			   "  -d, --device WHICH  index or part of the name of the Vulkan device (the first)\n"
			   "  -h, --help          this text\n";

struct vulkan {
	VkInstance instance;
	VkPhysicalDevice physical;
	VkDevice device;
	VkQueue queue;
	uint32_t family;
	VkCommandPool pool;
	VkSemaphore timeline; /* the program's: 1 = its buffer is filled */
	VkBuffer data, result;
	VkDeviceMemory memory[2];
	const float *seen; /* what is in `result` */
	uint32_t n;
};

/* All that vkCreateDevice() is told beyond queues, and Kiln after it. */
static const VkPhysicalDeviceTimelineSemaphoreFeatures ENABLED = {
	.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES,
	.timelineSemaphore = VK_TRUE,
};

static void check(VkResult result, const char *call, int code)
{
	if (result >= 0)
		return;
	fprintf(stderr, "%s failed: VkResult %d. Fix: see that a Vulkan driver is installed and works\n", call, result);
	exit(code);
}

/* ---- The part to read: Kiln on the program's device ---- */

static void submit(const struct vulkan *vulkan, VkCommandBuffer commands, VkSemaphore wait, uint64_t wait_value,
                   VkSemaphore signal, uint64_t signal_value);
static VkCommandBuffer record(const struct vulkan *vulkan, VkBuffer fill, float value);

static enum kiln_status import_all(const struct vulkan *vulkan, struct kiln_device **out_device,
                                   struct kiln_buffer **out_data)
{
	const struct kiln_vulkan_queue queue = {.family = vulkan->family}; /* used by one thread here: no .lock */
	const struct kiln_vulkan_import import = {
		.instance = vulkan->instance,
		.physical_device = vulkan->physical,
		.device = vulkan->device,
		.get_instance_proc_addr = vkGetInstanceProcAddr,
		.api_version = VK_API_VERSION_1_2,
		.queues = &queue,
		.queue_count = 1,
		.features = &ENABLED,
	};
	const struct kiln_vulkan_buffer_import data = {
		.handle = vulkan->data,
		.bytes = vulkan->n * sizeof(float),
		.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
	                 VK_BUFFER_USAGE_TRANSFER_DST_BIT,
	};
	KILN_TRY(kiln_device_import(&import, out_device));
	return kiln_buffer_import(*out_device, &data, out_data);
}

/* data = 2 * x + data, after the program's fill and before its copy. */
static enum kiln_status work_together(const struct vulkan *vulkan, const float *x)
{
	struct kiln_device *device = NULL;
	struct kiln_kernel *kernel = NULL;
	struct kiln_buffer *ours = NULL, *data = NULL;
	struct kiln_ticket ticket;
	VkSemaphore semaphore;
	uint64_t value;
	const struct {
		float a;
		uint32_t n;
	} push = {2, vulkan->n};
	enum kiln_status status;

	TRY(import_all(vulkan, &device, &data));
	TRY(kiln_kernel_create(device, &(struct kiln_kernel_params){KILN_SHADER(saxpy)}, &kernel));
	TRY(kiln_buffer_create(device, &(struct kiln_buffer_params){.bytes = vulkan->n * sizeof *x, .contents = x}, &ours));

	submit(vulkan, record(vulkan, vulkan->data, 5), VK_NULL_HANDLE, 0, vulkan->timeline, 1);

	struct kiln_stream *stream = kiln_device_stream(device);
	TRY(kiln_stream_after_vulkan(stream, vulkan->timeline, 1));
	TRY(kiln_stream_launch(stream, kernel,
	                       &(struct kiln_launch_params){.threads = {vulkan->n},
	                                                    .buffers = {ours, data},
	                                                    .push = &push,
	                                                    .push_bytes = sizeof push}));
	TRY(kiln_stream_submit(stream, &ticket));
	TRY(kiln_ticket_vulkan(device, ticket, &semaphore, &value));

	submit(vulkan, record(vulkan, VK_NULL_HANDLE, 0), semaphore, value, VK_NULL_HANDLE, 0);
	check(vkQueueWaitIdle(vulkan->queue), "vkQueueWaitIdle", 1); /* before Kiln's semaphore goes */
done:
	kiln_kernel_destroy(&kernel);
	kiln_buffer_destroy(&ours);
	kiln_buffer_destroy(&data); /* the VkBuffer stays */
	kiln_device_close(&device); /* and so does the VkDevice */
	return status;
}

static bool is_right(const struct vulkan *vulkan, const float *x, float a, float b)
{
	uint32_t wrong = 0;
	for (uint32_t i = 0; i < vulkan->n; i++)
		wrong += vulkan->seen[i] != a * x[i] + b;
	return wrong == 0;
}

/* ---- Vulkan as anybody would write it ---- */

/* Fills a buffer; none given: copies the data to where the host sees it. */
static VkCommandBuffer record(const struct vulkan *vulkan, VkBuffer fill, float value)
{
	VkCommandBufferAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
	                                    .commandPool = vulkan->pool,
	                                    .commandBufferCount = 1};
	VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
	VkMemoryBarrier to_host = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
	                           .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
	                           .dstAccessMask = VK_ACCESS_HOST_READ_BIT};
	VkCommandBuffer commands;
	uint32_t bits;
	memcpy(&bits, &value, sizeof bits);
	check(vkAllocateCommandBuffers(vulkan->device, &info, &commands), "vkAllocateCommandBuffers", 1);
	check(vkBeginCommandBuffer(commands, &begin), "vkBeginCommandBuffer", 1);
	if (fill)
		vkCmdFillBuffer(commands, fill, 0, VK_WHOLE_SIZE, bits);
	else
		vkCmdCopyBuffer(commands, vulkan->data, vulkan->result, 1,
		                &(VkBufferCopy){.size = vulkan->n * sizeof(float)});
	vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &to_host, 0, NULL,
	                     0, NULL);
	check(vkEndCommandBuffer(commands), "vkEndCommandBuffer", 1);
	return commands;
}

static void submit(const struct vulkan *vulkan, VkCommandBuffer commands, VkSemaphore wait, uint64_t wait_value,
                   VkSemaphore signal, uint64_t signal_value)
{
	const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_TRANSFER_BIT;
	VkTimelineSemaphoreSubmitInfo values = {.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
	                                        .waitSemaphoreValueCount = wait ? 1 : 0,
	                                        .pWaitSemaphoreValues = &wait_value,
	                                        .signalSemaphoreValueCount = signal ? 1 : 0,
	                                        .pSignalSemaphoreValues = &signal_value};
	VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
	                     .pNext = &values,
	                     .waitSemaphoreCount = wait ? 1 : 0,
	                     .pWaitSemaphores = &wait,
	                     .pWaitDstStageMask = &stage,
	                     .commandBufferCount = 1,
	                     .pCommandBuffers = &commands,
	                     .signalSemaphoreCount = signal ? 1 : 0,
	                     .pSignalSemaphores = &signal};
	check(vkQueueSubmit(vulkan->queue, 1, &info, VK_NULL_HANDLE), "vkQueueSubmit", 1);
}

static VkPhysicalDevice choose(const struct vulkan *vulkan, const char *which)
{
	VkPhysicalDevice devices[16];
	uint32_t count = 16;
	check(vkEnumeratePhysicalDevices(vulkan->instance, &count, devices), "vkEnumeratePhysicalDevices", EXAMPLE_SKIP);
	for (uint32_t i = 0; i < count; i++) {
		VkPhysicalDeviceProperties facts;
		char *end = NULL;
		vkGetPhysicalDeviceProperties(devices[i], &facts);
		if (facts.apiVersion < VK_API_VERSION_1_2)
			continue;
		if (!which || strstr(facts.deviceName, which) || (strtoul(which, &end, 10) == i && end != which && !*end)) {
			printf("device     %s, opened by the program\n", facts.deviceName);
			return devices[i];
		}
	}
	fprintf(stderr, "No Vulkan 1.2 device %s%s. Fix: see `kiln info` for what there is\n", which ? "is named " : "at all",
	        which ? which : "");
	exit(which ? 2 : EXAMPLE_SKIP);
}

static void create_device(struct vulkan *vulkan)
{
	VkQueueFamilyProperties families[16];
	uint32_t count = 16;
	vkGetPhysicalDeviceQueueFamilyProperties(vulkan->physical, &count, families);
	while (vulkan->family < count && !(families[vulkan->family].queueFlags & VK_QUEUE_COMPUTE_BIT))
		vulkan->family++;
	VkDeviceQueueCreateInfo queue = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
	                                 .queueFamilyIndex = vulkan->family,
	                                 .queueCount = 1,
	                                 .pQueuePriorities = &(float){1}};
	VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
	                           .pNext = &ENABLED,
	                           .queueCreateInfoCount = 1,
	                           .pQueueCreateInfos = &queue};
	check(vkCreateDevice(vulkan->physical, &info, NULL, &vulkan->device), "vkCreateDevice", EXAMPLE_SKIP);
	vkGetDeviceQueue(vulkan->device, vulkan->family, 0, &vulkan->queue);
	VkSemaphoreTypeCreateInfo type = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
	                                  .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
	VkSemaphoreCreateInfo semaphore = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
	VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
	                                .queueFamilyIndex = vulkan->family};
	check(vkCreateSemaphore(vulkan->device, &semaphore, NULL, &vulkan->timeline), "vkCreateSemaphore", EXAMPLE_SKIP);
	check(vkCreateCommandPool(vulkan->device, &pool, NULL, &vulkan->pool), "vkCreateCommandPool", 1);
}

static VkBuffer create_buffer(struct vulkan *vulkan, VkDeviceMemory *out_memory)
{
	VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
	                           .size = vulkan->n * sizeof(float),
	                           .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
	                                    VK_BUFFER_USAGE_TRANSFER_DST_BIT};
	const VkMemoryPropertyFlags wanted = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
	VkMemoryAllocateInfo memory = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
	VkPhysicalDeviceMemoryProperties types;
	VkMemoryRequirements needs;
	VkBuffer buffer;
	check(vkCreateBuffer(vulkan->device, &info, NULL, &buffer), "vkCreateBuffer", 1);
	vkGetBufferMemoryRequirements(vulkan->device, buffer, &needs);
	vkGetPhysicalDeviceMemoryProperties(vulkan->physical, &types);
	memory.allocationSize = needs.size;
	while (memory.memoryTypeIndex < types.memoryTypeCount &&
	       (!(needs.memoryTypeBits >> memory.memoryTypeIndex & 1) ||
	        (types.memoryTypes[memory.memoryTypeIndex].propertyFlags & wanted) != wanted))
		memory.memoryTypeIndex++;
	check(memory.memoryTypeIndex < types.memoryTypeCount ? VK_SUCCESS : VK_ERROR_FEATURE_NOT_PRESENT,
	      "finding memory", EXAMPLE_SKIP);
	check(vkAllocateMemory(vulkan->device, &memory, NULL, out_memory), "vkAllocateMemory", 1);
	check(vkBindBufferMemory(vulkan->device, buffer, *out_memory, 0), "vkBindBufferMemory", 1);
	return buffer;
}

static void open_vulkan(struct vulkan *vulkan, const char *which)
{
	VkApplicationInfo app = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_2};
	VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &app};
	void *seen;
	check(vkCreateInstance(&info, NULL, &vulkan->instance), "vkCreateInstance", EXAMPLE_SKIP);
	vulkan->physical = choose(vulkan, which);
	create_device(vulkan);
	vulkan->data = create_buffer(vulkan, &vulkan->memory[0]);
	vulkan->result = create_buffer(vulkan, &vulkan->memory[1]);
	check(vkMapMemory(vulkan->device, vulkan->memory[1], 0, VK_WHOLE_SIZE, 0, &seen), "vkMapMemory", 1);
	vulkan->seen = seen;
}

static void close_vulkan(struct vulkan *vulkan)
{
	vkDestroyBuffer(vulkan->device, vulkan->data, NULL);
	vkDestroyBuffer(vulkan->device, vulkan->result, NULL);
	vkFreeMemory(vulkan->device, vulkan->memory[0], NULL);
	vkFreeMemory(vulkan->device, vulkan->memory[1], NULL);
	vkDestroySemaphore(vulkan->device, vulkan->timeline, NULL);
	vkDestroyCommandPool(vulkan->device, vulkan->pool, NULL);
	vkDestroyDevice(vulkan->device, NULL);
	vkDestroyInstance(vulkan->instance, NULL);
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = {
		{"count", required_argument, NULL, 'n'},
		{"device", required_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct vulkan vulkan = {.n = 100000};
	const char *which = NULL;
	int option;
	while ((option = getopt_long(argc, argv, "d:hn:", OPTIONS, NULL)) != -1) {
		switch (option) {
		case 'd': which = optarg; break;
		case 'n': vulkan.n = example_count("--count", optarg, 1, 4000000); break;
		default: example_usage(HELP, option == 'h' ? 0 : 2);
		}
	}
	example_arguments(argc, argv, 0);

	enum kiln_status status = KILN_ERR_OUT_OF_MEMORY;
	bool correct = false;
	float *x = calloc(vulkan.n, sizeof *x);
	if (!x)
		goto done;
	for (uint32_t i = 0; i < vulkan.n; i++)
		x[i] = (float)(i % 1000);
	kiln_log_set(kiln_log_stderr, NULL, 0);
	open_vulkan(&vulkan, which);
	status = work_together(&vulkan, x);
	correct = status == KILN_OK && is_right(&vulkan, x, 2, 5);
	printf("with Kiln  %u values are 2 x + 5: %s\n", vulkan.n, correct ? "right" : "wrong");

	submit(&vulkan, record(&vulkan, vulkan.result, 9), VK_NULL_HANDLE, 0, VK_NULL_HANDLE, 0);
	check(vkQueueWaitIdle(vulkan.queue), "vkQueueWaitIdle", 1);
	bool alone = is_right(&vulkan, x, 0, 9);
	printf("without    the device goes on: %s\n", alone ? "right" : "wrong");
	correct = correct && alone;
	close_vulkan(&vulkan);
done:
	free(x);
	return example_exit(status, correct);
}
