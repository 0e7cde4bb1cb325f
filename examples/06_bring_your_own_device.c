/* The cache alone. A plain Vulkan program, with a device of its own and no Kiln device, keeps its pipelines through
 * kiln/cache.h: checked, shared with other processes, and off limits after a crash of the driver. The two functions
 * below are all there is to it; the rest of the file is Vulkan as anybody would write it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

#include <kiln/cache.h>
#include <kiln/shaders/saxpy.h>

#define SKIP 77 /* exit code: nothing here that could run it */

struct vulkan {
	VkInstance instance;
	VkPhysicalDevice physical;
	VkDevice device;
	VkDescriptorSetLayout sets;
	VkPipelineLayout layout;
};

static VkPipeline compile(const struct vulkan *vulkan, VkPipelineCache cache);
static VkPipelineCache new_cache(const struct vulkan *vulkan, const void *blob, size_t bytes);

/* The key says everything that can change the compiled code, the fingerprint which device and driver it is for. */
static void identify(const struct vulkan *vulkan, struct kiln_pipeline_key *key, struct kiln_fingerprint *fingerprint)
{
	VkPhysicalDeviceProperties facts;
	char driver[2 * VK_UUID_SIZE + 16];
	vkGetPhysicalDeviceProperties(vulkan->physical, &facts);
	int length = snprintf(driver, sizeof driver, "%08x ", facts.driverVersion);
	for (unsigned i = 0; i < VK_UUID_SIZE; i++)
		length += snprintf(driver + length, sizeof driver - (size_t)length, "%02x", facts.pipelineCacheUUID[i]);
	*fingerprint = kiln_fingerprint_from_parts(facts.vendorID, facts.deviceID, driver, "my program 1");
	const struct kiln_layout_binding bindings[] = {
		{0, 0, KILN_BINDING_STORAGE_BUFFER, 1, KILN_ACCESS_READ, KILN_STAGE_COMPUTE},
		{0, 1, KILN_BINDING_STORAGE_BUFFER, 1, KILN_ACCESS_READ | KILN_ACCESS_WRITE, KILN_STAGE_COMPUTE},
	};
	*key = (struct kiln_pipeline_key){
		.program = kiln_digest_of(kiln_shader_saxpy, sizeof kiln_shader_saxpy),
		.push_bytes = 8,
		.workgroup = {64, 1, 1},
		.features = {KILN_FEATURE_PUSH_CONSTANTS},
	};
	kiln_layout_digest(bindings, 2, &key->layout);
}

/* From disk, else compiled and kept. NULL for `cache` works and keeps nothing. */
static VkPipeline load_or_compile(const struct vulkan *vulkan, struct kiln_cache *cache, const char **out_how)
{
	struct kiln_pipeline_key key;
	struct kiln_fingerprint fingerprint;
	struct kiln_pipeline_identity identity;
	struct kiln_cache_entry entry = {0};
	identify(vulkan, &key, &fingerprint);
	kiln_pipeline_identity(&key, &fingerprint, &identity);
	bool found = kiln_cache_read(cache, &key, &fingerprint, &entry) == KILN_OK;
	/* While the driver has the blob, a note says so: should it crash, the entry is not loaded again. */
	struct kiln_cache_note note = {0};
	if (found)
		note = kiln_cache_note_begin(cache, &identity);
	VkPipelineCache vk_cache = new_cache(vulkan, entry.payload, entry.payload_bytes);
	VkPipeline pipeline = compile(vulkan, vk_cache);
	kiln_cache_note_end(cache, note, pipeline != VK_NULL_HANDLE);
	kiln_cache_entry_finish(&entry);
	size_t bytes = 0;
	if (!found && vkGetPipelineCacheData(vulkan->device, vk_cache, &bytes, NULL) == VK_SUCCESS && bytes) {
		void *blob = malloc(bytes);
		if (blob && vkGetPipelineCacheData(vulkan->device, vk_cache, &bytes, blob) == VK_SUCCESS) {
			entry = (struct kiln_cache_entry){.payload = blob, .payload_bytes = bytes};
			kiln_cache_write(cache, &key, &fingerprint, &entry);
		}
		free(blob);
	}
	vkDestroyPipelineCache(vulkan->device, vk_cache, NULL);
	*out_how = found ? "loaded" : "compiled";
	return pipeline;
}

/* ---- Vulkan as anybody would write it ---- */

static void check(VkResult result, const char *call, int code)
{
	if (result == VK_SUCCESS)
		return;
	fprintf(stderr, "%s failed: VkResult %d. Fix: see that a Vulkan driver is installed and works\n", call, result);
	exit(code);
}

static void open_device(struct vulkan *vulkan)
{
	VkApplicationInfo app = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_1};
	VkInstanceCreateInfo instance = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &app};
	check(vkCreateInstance(&instance, NULL, &vulkan->instance), "vkCreateInstance", SKIP);
	uint32_t count = 1;
	VkResult result = vkEnumeratePhysicalDevices(vulkan->instance, &count, &vulkan->physical);
	check(result == VK_INCOMPLETE ? VK_SUCCESS : result, "vkEnumeratePhysicalDevices", SKIP);
	check(count ? VK_SUCCESS : VK_ERROR_INITIALIZATION_FAILED, "finding a device", SKIP);
	VkQueueFamilyProperties families[16];
	uint32_t family = 0, family_count = 16;
	vkGetPhysicalDeviceQueueFamilyProperties(vulkan->physical, &family_count, families);
	while (family < family_count && !(families[family].queueFlags & VK_QUEUE_COMPUTE_BIT))
		family++;
	float priority = 1;
	VkDeviceQueueCreateInfo queue = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
	                                 .queueFamilyIndex = family,
	                                 .queueCount = 1,
	                                 .pQueuePriorities = &priority};
	VkDeviceCreateInfo device = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
	                             .queueCreateInfoCount = 1,
	                             .pQueueCreateInfos = &queue};
	check(vkCreateDevice(vulkan->physical, &device, NULL, &vulkan->device), "vkCreateDevice", SKIP);
}

static void create_layout(struct vulkan *vulkan)
{
	const VkDescriptorSetLayoutBinding bindings[] = {
		{0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
		{1, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
	};
	VkDescriptorSetLayoutCreateInfo sets = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
	                                        .bindingCount = 2,
	                                        .pBindings = bindings};
	check(vkCreateDescriptorSetLayout(vulkan->device, &sets, NULL, &vulkan->sets), "vkCreateDescriptorSetLayout", 1);
	VkPushConstantRange push = {VK_SHADER_STAGE_COMPUTE_BIT, 0, 8};
	VkPipelineLayoutCreateInfo layout = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
	                                     .setLayoutCount = 1,
	                                     .pSetLayouts = &vulkan->sets,
	                                     .pushConstantRangeCount = 1,
	                                     .pPushConstantRanges = &push};
	check(vkCreatePipelineLayout(vulkan->device, &layout, NULL, &vulkan->layout), "vkCreatePipelineLayout", 1);
}

static VkPipelineCache new_cache(const struct vulkan *vulkan, const void *blob, size_t bytes)
{
	VkPipelineCacheCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO,
	                                  .initialDataSize = bytes,
	                                  .pInitialData = blob};
	VkPipelineCache cache;
	check(vkCreatePipelineCache(vulkan->device, &info, NULL, &cache), "vkCreatePipelineCache", 1);
	return cache;
}

static VkPipeline compile(const struct vulkan *vulkan, VkPipelineCache cache)
{
	VkShaderModuleCreateInfo code = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
	                                 .codeSize = sizeof kiln_shader_saxpy,
	                                 .pCode = kiln_shader_saxpy};
	VkComputePipelineCreateInfo info = {.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
	                                    .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
	                                              .stage = VK_SHADER_STAGE_COMPUTE_BIT,
	                                              .pName = "main"},
	                                    .layout = vulkan->layout};
	VkPipeline pipeline;
	check(vkCreateShaderModule(vulkan->device, &code, NULL, &info.stage.module), "vkCreateShaderModule", 1);
	check(vkCreateComputePipelines(vulkan->device, cache, 1, &info, NULL, &pipeline), "vkCreateComputePipelines", 1);
	vkDestroyShaderModule(vulkan->device, info.stage.module, NULL);
	return pipeline;
}

static void close_device(struct vulkan *vulkan)
{
	vkDestroyPipelineLayout(vulkan->device, vulkan->layout, NULL);
	vkDestroyDescriptorSetLayout(vulkan->device, vulkan->sets, NULL);
	vkDestroyDevice(vulkan->device, NULL);
	vkDestroyInstance(vulkan->instance, NULL);
}

int main(int argc, char **argv)
{
	struct kiln_cache_params params = {.root = argc > 1 ? argv[1] : NULL};
	struct kiln_cache *cache = NULL;
	struct vulkan vulkan;
	const char *how;
	if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
		bool asked = !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h");
		fprintf(asked ? stdout : stderr,
		        "usage: 06_bring_your_own_device [FOLDER]\n"
		        "Makes a pipeline with plain Vulkan, and keeps it in FOLDER (Kiln's cache) for the next run.\n");
		return asked ? 0 : 2;
	}
	if (kiln_cache_open(&params, &cache) != KILN_OK)
		fprintf(stderr, "going on without a cache: %s\n", kiln_error_message());
	open_device(&vulkan);
	create_layout(&vulkan);
	VkPipeline pipeline = load_or_compile(&vulkan, cache, &how);
	printf("pipeline %s\n", how);
	vkDestroyPipeline(vulkan.device, pipeline, NULL);
	close_device(&vulkan);
	kiln_cache_close(&cache);
	return 0;
}
