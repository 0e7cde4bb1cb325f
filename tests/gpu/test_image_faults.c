/* Memory that runs out at any moment of an image's life, on the host and in the driver: a status each time, nothing leaks,
 * nothing is half made, everything works afterwards. */
#include "harness.h"

#include <stdatomic.h>
#include <string.h>

#include <base/alloc.h>

#include "device.h"
#include "image.h"
#include "image_blur_spv.h"

enum { SIDE = 24, BYTES = SIDE * SIDE * 4 };

/* ---- The faults ---- */

static struct VolkDeviceTable real;
static unsigned calls, fail_at;

static bool strikes(void)
{
	return ++calls == fail_at;
}

/* As Vulkan has it, what a failed creation leaves behind is undefined. */
#define FAILING(name, info_type, handle_type)                                                                   \
	static VKAPI_ATTR VkResult VKAPI_CALL name(VkDevice device, const info_type *info,                      \
	                                           const VkAllocationCallbacks *callbacks, handle_type *out)    \
	{                                                                                                       \
		if (!strikes())                                                                                 \
			return real.vk##name(device, info, callbacks, out);                                     \
		memset(out, 0x5a, sizeof *out);                                                                 \
		return VK_ERROR_OUT_OF_DEVICE_MEMORY;                                                           \
	}
FAILING(CreateImage, VkImageCreateInfo, VkImage)
FAILING(CreateImageView, VkImageViewCreateInfo, VkImageView)
FAILING(CreateSampler, VkSamplerCreateInfo, VkSampler)
FAILING(CreateBuffer, VkBufferCreateInfo, VkBuffer)
FAILING(CreateDescriptorPool, VkDescriptorPoolCreateInfo, VkDescriptorPool)
FAILING(CreateCommandPool, VkCommandPoolCreateInfo, VkCommandPool)
FAILING(CreateFence, VkFenceCreateInfo, VkFence)
FAILING(AllocateMemory, VkMemoryAllocateInfo, VkDeviceMemory)

static VKAPI_ATTR VkResult VKAPI_CALL BindImageMemory(VkDevice device, VkImage image, VkDeviceMemory memory,
                                                      VkDeviceSize offset)
{
	return strikes() ? VK_ERROR_OUT_OF_DEVICE_MEMORY : real.vkBindImageMemory(device, image, memory, offset);
}

static VKAPI_ATTR VkResult VKAPI_CALL AllocateDescriptorSets(VkDevice device, const VkDescriptorSetAllocateInfo *info,
                                                             VkDescriptorSet *out_sets)
{
	return strikes() ? VK_ERROR_OUT_OF_DEVICE_MEMORY : real.vkAllocateDescriptorSets(device, info, out_sets);
}

static VKAPI_ATTR VkResult VKAPI_CALL QueueSubmit(VkQueue queue, uint32_t count, const VkSubmitInfo *infos, VkFence fence)
{
	return strikes() ? VK_ERROR_OUT_OF_DEVICE_MEMORY : real.vkQueueSubmit(queue, count, infos, fence);
}

static void arm(struct kiln_device *device)
{
	real = device->vk;
#define ARM(name) device->vk.vk##name = name
	ARM(AllocateDescriptorSets);
	ARM(AllocateMemory);
	ARM(BindImageMemory);
	ARM(CreateBuffer);
	ARM(CreateCommandPool);
	ARM(CreateDescriptorPool);
	ARM(CreateFence);
	ARM(CreateImage);
	ARM(CreateImageView);
	ARM(CreateSampler);
	ARM(QueueSubmit);
#undef ARM
	calls = 0;
}

static atomic_uint allocations;

static int allow(void *user)
{
	(void)user;
	return atomic_fetch_add(&allocations, 1) + 1 != fail_at;
}

/* ---- Their victim ---- */

struct objects {
	struct kiln_image *source, *target;
	struct kiln_stream *stream;
	uint8_t read[BYTES], downloaded[BYTES];
};

/* The blur of a picture of one colour is that picture. */
static enum kiln_status use_images(struct kiln_device *device, struct kiln_kernel *blur, struct objects *o)
{
	static uint8_t texels[BYTES];
	const struct kiln_image_params params = {KILN_FORMAT_RGBA8, SIDE, SIDE};

	memset(texels, 77, sizeof texels);
	KILN_TRY(kiln_stream_create(device, NULL, &o->stream));
	KILN_TRY(kiln_image_create(device, &params, &o->source));
	KILN_TRY(kiln_image_create(device, &params, &o->target));
	KILN_TRY(kiln_stream_upload_image(o->stream, o->source, NULL, texels, sizeof texels));
	const struct kiln_arg args[] = {
		{.image = o->source, .sampler = {KILN_FILTER_LINEAR, KILN_ADDRESS_MIRROR}},
		{.image = o->target},
	};
	KILN_TRY(kiln_stream_launch(o->stream, blur,
	                            &(struct kiln_launch_params){.threads = {SIDE, SIDE}, .args = args, .arg_count = 2}));
	KILN_TRY(kiln_stream_download_image(o->stream, o->target, NULL, o->downloaded, BYTES));
	KILN_TRY(kiln_stream_wait(o->stream, KILN_WAIT_FOREVER));
	return kiln_image_read(o->target, NULL, o->read, BYTES);
}

static bool is_right(const struct objects *o)
{
	for (int i = 0; i < BYTES; i++)
		if (o->read[i] != 77 || o->downloaded[i] != 77)
			return false;
	return true;
}

/* One life with the failure; what was made is destroyed in any case, whatever is in flight. */
static enum kiln_status live(struct kiln_device *device, struct kiln_kernel *blur, bool *out_right)
{
	struct objects *o = calloc(1, sizeof *o);
	enum kiln_status status;

	assert_non_null(o);
	status = use_images(device, blur, o);
	*out_right = status != KILN_OK || is_right(o);
	kiln_image_destroy(&o->source);
	kiln_image_destroy(&o->target);
	kiln_stream_destroy(&o->stream);
	free(o);
	return status;
}

static struct kiln_device *open_device(struct kiln_kernel **out_blur)
{
	struct kiln_device *device = gpu_open(&(struct kiln_device_params){.no_cache = true});

	gpu_ok(kiln_kernel_create(device,
	                          &(struct kiln_kernel_params){.spirv = image_blur_spv, .spirv_bytes = sizeof image_blur_spv},
	                          out_blur));
	gpu_ok(kiln_kernel_resolve(*out_blur, NULL));
	return device;
}

static void close_device(struct kiln_device **device, struct kiln_kernel **blur)
{
	bool right;

	gpu_ok(live(*device, *blur, &right)); /* and all is well again */
	assert_true(right);
	kiln_kernel_destroy(blur);
	gpu_close(device);
}

/* What fails once, at `fail_at`. */
struct striker {
	void (*begin)(struct kiln_device *device);
	bool (*end)(struct kiln_device *device); /* has it struck? */
	enum kiln_status refusal;
	const char *what;
};

static void strike_at_each(const struct striker *striker)
{
	unsigned refused = 0;
	bool struck = true;

	for (fail_at = 1; struck; fail_at++) {
		struct kiln_kernel *blur = NULL;
		struct kiln_device *device = open_device(&blur);
		bool right;

		striker->begin(device);
		enum kiln_status status = live(device, blur, &right);
		struck = striker->end(device);
		assert_true(right);
		if (!struck)
			gpu_ok(status);
		else if (status != KILN_OK)
			gpu_refused(status, striker->refusal);
		refused += status != KILN_OK;
		close_device(&device, &blur);
	}
	print_message("%u %s, %u of them indispensable\n", fail_at - 2, striker->what, refused);
	assert_true(refused >= 8);
	gpu_assert_usable();
}

static bool disarm(struct kiln_device *device)
{
	device->vk = real;
	return calls >= fail_at;
}

static void every_call_of_the_driver_may_fail(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	strike_at_each(&(struct striker){arm, disarm, KILN_ERR_OUT_OF_DEVICE_MEMORY, "calls"});
}

static void hook_allocations(struct kiln_device *device)
{
	(void)device;
	atomic_store(&allocations, 0);
	kiln_alloc_hook(allow, NULL);
}

static bool unhook_allocations(struct kiln_device *device)
{
	(void)device;
	kiln_alloc_hook(NULL, NULL);
	return atomic_load(&allocations) >= fail_at;
}

static void every_allocation_may_fail(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	strike_at_each(&(struct striker){hook_allocations, unhook_allocations, KILN_ERR_OUT_OF_MEMORY, "allocations"});
}

/* ---- What other devices ask for ---- */

static VkImageCreateInfo asked;
static uint32_t asked_families[2];

static VKAPI_ATTR VkResult VKAPI_CALL note_image(VkDevice device, const VkImageCreateInfo *info,
                                                 const VkAllocationCallbacks *callbacks, VkImage *out_image)
{
	(void)device, (void)callbacks, (void)out_image;
	asked = *info;
	if (info->queueFamilyIndexCount == 2)
		memcpy(asked_families, info->pQueueFamilyIndices, sizeof asked_families);
	return VK_ERROR_OUT_OF_DEVICE_MEMORY;
}

/* Queues of two families work on an image without handing it over. */
static void image_of_two_families_belongs_to_both(void **state)
{
	const struct kiln_image_params params = {KILN_FORMAT_RGBA8, SIDE, SIDE};
	struct kiln_image *image = NULL;

	(void)state;
	GPU_NEEDS_LAUNCH();
	struct kiln_device *device = gpu_open(&(struct kiln_device_params){.no_cache = true});
	const struct VolkDeviceTable table = device->vk;
	const struct kiln_device_queue second = device->queues[1];
	uint32_t count = device->queue_count;

	device->vk.vkCreateImage = note_image;
	device->queue_count = 1;
	gpu_refused(kiln_image_create(device, &params, &image), KILN_ERR_OUT_OF_DEVICE_MEMORY);
	assert_int_equal(asked.sharingMode, VK_SHARING_MODE_EXCLUSIVE);
	device->queue_count = 2;
	device->queues[1].family = device->queues[0].family + 1;
	gpu_refused(kiln_image_create(device, &params, &image), KILN_ERR_OUT_OF_DEVICE_MEMORY);
	assert_int_equal(asked.sharingMode, VK_SHARING_MODE_CONCURRENT);
	assert_int_equal(asked_families[0], device->queues[0].family);
	assert_int_equal(asked_families[1], device->queues[1].family);
	device->vk = table;
	device->queues[1] = second;
	device->queue_count = count;
	gpu_close(&device);
}

/* Where buffers and images may not share a page, they do not. */
static void images_take_pages_of_their_own(void **state)
{
	enum { COUNT = 24, PAGE = 1 << 15 };
	struct kiln_image *images[COUNT] = {NULL};
	struct kiln_buffer *buffers[COUNT] = {NULL};

	(void)state;
	GPU_NEEDS_LAUNCH();
	struct kiln_device *device = gpu_open(&(struct kiln_device_params){.no_cache = true});
	device->limits.bufferImageGranularity = PAGE;
	for (uint32_t i = 0; i < COUNT; i++) {
		gpu_ok(kiln_image_create(device, &(struct kiln_image_params){KILN_FORMAT_R8, 1 + i * 31, 1 + i}, &images[i]));
		gpu_ok(kiln_buffer_create(device, &(struct kiln_buffer_params){.bytes = 1 + i * 1000}, &buffers[i]));
	}
	for (uint32_t i = 0; i < COUNT; i++) {
		const struct kiln_allocation *image = &images[i]->tracked.memory;
		uint64_t first = image->offset / PAGE, last = (image->offset + image->bytes - 1) / PAGE;

		for (uint32_t j = 0; j < COUNT; j++) {
			const struct kiln_allocation *buffer = &buffers[j]->memory;

			if (buffer->memory != image->memory)
				continue;
			assert_true((buffer->offset + buffer->bytes - 1) / PAGE < first || buffer->offset / PAGE > last);
		}
	}
	for (uint32_t i = 0; i < COUNT; i++) {
		kiln_image_destroy(&images[i]);
		kiln_buffer_destroy(&buffers[i]);
	}
	gpu_close(&device);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(every_call_of_the_driver_may_fail),
		cmocka_unit_test(image_of_two_families_belongs_to_both),
		cmocka_unit_test(images_take_pages_of_their_own),
	};
	return GPU_MAIN("image_faults", tests, true);
}
