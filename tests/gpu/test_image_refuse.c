/* Images that are asked for or bound wrongly: each mistake has a status and a sentence that names what and why. */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "device.h"
#include "image_blur_spv.h"
#include "image_copy_f_spv.h"
#include "image_filter_spv.h"
#include "image_layers_spv.h"
#include "image_line_spv.h"
#include "image_step_spv.h"
#include "image_swap_spv.h"
#include "image_volume_spv.h"

static void says(const char *text)
{
	if (strstr(kiln_error_message(), text))
		return;
	print_error("expected '%s' in: %s\n", text, kiln_error_message());
	fail();
}

static enum kiln_status create(const struct kiln_image_params *params)
{
	struct kiln_image *image = NULL;
	enum kiln_status status = kiln_image_create(gpu_device, params, &image);

	if (status != KILN_OK)
		assert_null(image);
	kiln_image_destroy(&image);
	return status;
}

static struct kiln_image *image_of(enum kiln_format format, uint32_t width, uint32_t height, uint32_t depth)
{
	const struct kiln_image_params params = {format, width, height, depth, .name = "subject"};
	struct kiln_image *image = NULL;

	gpu_ok(kiln_image_create(gpu_device, &params, &image));
	return image;
}

/* ---- Creating ---- */

static void impossible_images_are_refused(void **state)
{
	struct kiln_image *image = NULL;
	uint32_t texel = 0;

	(void)state;
	GPU_NEEDS_LAUNCH();
	gpu_refused(create(NULL), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(create(&(struct kiln_image_params){.width = 4}), KILN_ERR_INVALID_ARGUMENT);
	says(".format is 0");
	gpu_refused(create(&(struct kiln_image_params){.format = KILN_FORMAT_R8}), KILN_ERR_INVALID_ARGUMENT);
	says(".width is 0");
	gpu_refused(create(&(struct kiln_image_params){KILN_FORMAT_R8, 4, 0, 2}), KILN_ERR_INVALID_ARGUMENT);
	says(".height is 0");
	gpu_refused(create(&(struct kiln_image_params){KILN_FORMAT_R32UI, 1, 2, .contents = &texel, .contents_bytes = 4}),
	            KILN_ERR_INVALID_ARGUMENT);
	says("reach over 8");
	gpu_refused(kiln_image_create(NULL, &(struct kiln_image_params){KILN_FORMAT_R8, 4}, &image), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_image_create(gpu_device, &(struct kiln_image_params){KILN_FORMAT_R8, 4}, NULL),
	            KILN_ERR_INVALID_ARGUMENT);
	assert_null(kiln_image_info(NULL));
	assert_int_equal(kiln_device_format_uses(NULL, KILN_FORMAT_R8), 0);
	gpu_assert_usable();
}

static void too_large_names_the_limit(void **state)
{
	const VkPhysicalDeviceLimits *l = &gpu_device->limits;
	const struct { struct kiln_image_params params; const char *limit; } cases[] = {
		{{KILN_FORMAT_R8, l->maxImageDimension1D + 1}, "maxImageDimension1D"},
		{{KILN_FORMAT_R8, l->maxImageDimension2D + 1, 1}, "maxImageDimension2D"},
		{{KILN_FORMAT_R8, 1, l->maxImageDimension2D + 1}, "maxImageDimension2D"},
		{{KILN_FORMAT_R8, 1, 1, l->maxImageDimension3D + 1}, "maxImageDimension3D"},
		{{KILN_FORMAT_R8, UINT32_MAX, UINT32_MAX, UINT32_MAX}, "maxImageDimension3D"},
	};

	(void)state;
	GPU_NEEDS_LAUNCH();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char number[16];

		gpu_refused(create(&cases[i].params), KILN_ERR_TOO_LARGE);
		says(cases[i].limit);
		snprintf(number, sizeof number, "is %u", strstr(cases[i].limit, "1D")   ? l->maxImageDimension1D
		                                        : strstr(cases[i].limit, "2D") ? l->maxImageDimension2D
		                                                                       : l->maxImageDimension3D);
		says(number);
	}
	/* every side allowed, and more bytes than there can be */
	enum kiln_status status = create(&(struct kiln_image_params){KILN_FORMAT_RGBA32F, l->maxImageDimension3D,
	                                                             l->maxImageDimension3D, l->maxImageDimension3D});
	gpu_refused(status, KILN_OK);
	assert_true(status == KILN_ERR_TOO_LARGE || status == KILN_ERR_OUT_OF_DEVICE_MEMORY);
	gpu_assert_usable();
}

/* ---- Transfers ---- */

static void regions_beyond_the_image_are_refused(void **state)
{
	static const struct { struct kiln_image_region region; uint64_t bytes; const char *text; } cases[] = {
		{{.x = 8}, 4096, "along x"},
		{{.x = 7, .width = 2}, 4096, "along x"},
		{{.y = UINT32_MAX, .height = 2}, 4096, "along y"},
		{{.z = 1}, 4096, "along z"},
		{{.depth = 2}, 4096, "along z"},
		{{0}, 8 * 6 * 4 - 1, "reach over 192"},
		{{.row_pitch = 31}, 4096, "row pitch of 31"},
		{{.row_pitch = UINT64_MAX}, UINT64_MAX, "row pitch"},
		{{.row_pitch = 40}, 5 * 40 + 31, "reach over 232"},
		{{.slice_pitch = 191}, 4096, "slice pitch of 191"},
		{{.slice_pitch = UINT64_MAX}, UINT64_MAX, "slice pitch"},
	};
	static uint8_t data[4096];

	(void)state;
	GPU_NEEDS_LAUNCH();
	struct kiln_image *image = image_of(KILN_FORMAT_RGBA8, 8, 6, 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		gpu_refused(kiln_image_write(image, &cases[i].region, data, cases[i].bytes), KILN_ERR_INVALID_ARGUMENT);
		says(cases[i].text);
		says("subject");
		gpu_refused(kiln_image_read(image, &cases[i].region, data, cases[i].bytes), KILN_ERR_INVALID_ARGUMENT);
		gpu_refused(kiln_stream_upload_image(kiln_device_stream(gpu_device), image, &cases[i].region, data, cases[i].bytes),
		            KILN_ERR_INVALID_ARGUMENT);
		gpu_refused(kiln_stream_download_image(kiln_device_stream(gpu_device), image, &cases[i].region, data,
		                                       cases[i].bytes),
		            KILN_ERR_INVALID_ARGUMENT);
	}
	gpu_refused(kiln_image_write(NULL, NULL, data, 1), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_image_read(image, NULL, NULL, 192), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_stream_upload_image(NULL, image, NULL, data, 192), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_stream_download_image(NULL, image, NULL, data, 192), KILN_ERR_INVALID_ARGUMENT);
	kiln_image_destroy(&image);
	gpu_assert_usable();
}

/* ---- Binding ---- */

static enum kiln_status launch(struct kiln_kernel *kernel, const struct kiln_arg *args, size_t count)
{
	const uint32_t push[3] = {0};

	return kiln_launch(kernel, &(struct kiln_launch_params){.threads = {8, 8},
	                                                        .args = args,
	                                                        .arg_count = count,
	                                                        .push = push,
	                                                        .push_bytes = kiln_kernel_entry(kernel)->push_bytes});
}

static void arguments_of_the_wrong_kind_are_refused(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct kiln_kernel *swap = GPU_KERNEL(image_swap_spv), *filter = GPU_KERNEL(image_filter_spv);
	struct kiln_image *image = image_of(KILN_FORMAT_R32UI, 8, 8, 0), *line = image_of(KILN_FORMAT_R32F, 8, 1, 0);
	struct kiln_buffer *buffer = gpu_buffer(256, NULL);

	gpu_refused(launch(swap, (struct kiln_arg[]){{.buffer = buffer}, {.buffer = buffer}}, 2), KILN_ERR_IMAGE_MISMATCH);
	says("is a storage_image, and the buffer");
	gpu_refused(launch(swap, (struct kiln_arg[]){{.image = image}, {.image = image}}, 2), KILN_ERR_IMAGE_MISMATCH);
	says("is a buffer, and image \"subject\"");
	gpu_refused(launch(swap, (struct kiln_arg[]){{.buffer = buffer}, {0}}, 2), KILN_ERR_NULL_BUFFER);
	says("storage_image");
	gpu_refused(launch(swap, (struct kiln_arg[]){{0}, {.image = image}}, 2), KILN_ERR_NULL_BUFFER);
	gpu_refused(launch(swap, (struct kiln_arg[]){{.buffer = buffer}, {.image = image, .buffer = buffer}}, 2),
	            KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(launch(swap, (struct kiln_arg[]){{.buffer = buffer}, {.image = image, .bytes = 4}}, 2),
	            KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(launch(swap, (struct kiln_arg[]){{.buffer = buffer}}, 1), KILN_ERR_TOO_FEW_BUFFERS);
	gpu_refused(kiln_launch(swap, &(struct kiln_launch_params){.threads = {8, 8},
	                                                           .buffers = {buffer, buffer},
	                                                           .push = &(uint32_t){0},
	                                                           .push_bytes = 4}),
	            KILN_ERR_IMAGE_MISMATCH);
	says(".args");
	gpu_refused(launch(filter, (struct kiln_arg[]){{.image = line}, {.image = line}, {.buffer = buffer}}, 3),
	            KILN_ERR_IMAGE_MISMATCH);
	says("is a sampler");
	gpu_refused(launch(filter, (struct kiln_arg[]){{.sampler = {.filter = 2}}, {.image = line}, {.buffer = buffer}}, 3),
	            KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(launch(filter, (struct kiln_arg[]){{.sampler = {.address = 3}}, {.image = line}, {.buffer = buffer}}, 3),
	            KILN_ERR_INVALID_ARGUMENT);
	gpu_ok(launch(swap, (struct kiln_arg[]){{.buffer = buffer}, {.image = image}}, 2));
	kiln_buffer_destroy(&buffer);
	kiln_image_destroy(&image);
	kiln_image_destroy(&line);
	kiln_kernel_destroy(&swap);
	kiln_kernel_destroy(&filter);
	gpu_assert_usable();
}

static void images_of_another_shape_or_format_are_refused(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	struct kiln_kernel *step = GPU_KERNEL(image_step_spv), *volume = GPU_KERNEL(image_volume_spv),
			   *line = GPU_KERNEL(image_line_spv), *layers = GPU_KERNEL(image_layers_spv);
	struct kiln_image *flat = image_of(KILN_FORMAT_R32UI, 8, 8, 0), *deep = image_of(KILN_FORMAT_R32UI, 8, 8, 8),
			  *wide = image_of(KILN_FORMAT_RG32UI, 8, 8, 0), *real = image_of(KILN_FORMAT_R32F, 8, 8, 0);

	gpu_refused(launch(step, &(struct kiln_arg){.image = deep}, 1), KILN_ERR_IMAGE_MISMATCH);
	says("is 2-dimensional, and image \"subject\" has 3 dimensions");
	gpu_refused(launch(volume, (struct kiln_arg[]){{.image = flat}, {.image = deep}}, 2), KILN_ERR_IMAGE_MISMATCH);
	gpu_refused(launch(line, (struct kiln_arg[]){{.image = real}, {.image = real}, {.image = real}}, 3),
	            KILN_ERR_IMAGE_MISMATCH);
	says("is 1-dimensional");
	gpu_refused(launch(step, &(struct kiln_arg){.image = real}, 1), KILN_ERR_IMAGE_MISMATCH);
	says("unsigned integers");
	gpu_refused(launch(step, &(struct kiln_arg){.image = wide}, 1), KILN_ERR_IMAGE_MISMATCH);
	says("format r32ui, and image \"subject\" has rg32ui");
	gpu_refused(launch(layers, &(struct kiln_arg){.image = real}, 1), KILN_ERR_UNSUPPORTED);
	says("layered");
	gpu_ok(launch(step, &(struct kiln_arg){.image = flat}, 1));
	kiln_image_destroy(&flat);
	kiln_image_destroy(&deep);
	kiln_image_destroy(&wide);
	kiln_image_destroy(&real);
	kiln_kernel_destroy(&step);
	kiln_kernel_destroy(&volume);
	kiln_kernel_destroy(&line);
	kiln_kernel_destroy(&layers);
	gpu_assert_usable();
}

static void uses_an_image_is_not_made_for_are_refused(void **state)
{
	const struct kiln_image_params read_only = {KILN_FORMAT_R32UI, 8, 8, .read_only = true};
	struct kiln_image *image = NULL;
	bool checked = false;

	(void)state;
	GPU_NEEDS_LAUNCH();
	struct kiln_kernel *step = GPU_KERNEL(image_step_spv), *blur = GPU_KERNEL(image_blur_spv);
	gpu_ok(kiln_image_create(gpu_device, &read_only, &image));
	gpu_refused(launch(step, &(struct kiln_arg){.image = image}, 1), KILN_ERR_BUFFER_ACCESS);
	kiln_image_destroy(&image);

	/* a format that cannot be mixed, seen linearly */
	struct kiln_image *target = image_of(KILN_FORMAT_RGBA8, 8, 8, 0);
	for (enum kiln_format format = KILN_FORMAT_R8; kiln_format_bytes(format) && !checked; format++) {
		const char *name = kiln_format_name(format);
		uint32_t uses = kiln_device_format_uses(gpu_device, format);

		if (!(uses & KILN_IMAGE_SAMPLED) || (uses & KILN_IMAGE_LINEAR) || name[strlen(name) - 1] == 'i')
			continue;
		image = image_of(format, 8, 8, 0);
		gpu_refused(launch(blur, (struct kiln_arg[]){{.image = image, .sampler = {.filter = KILN_FILTER_LINEAR}},
		                                             {.image = target}}, 2),
		            KILN_ERR_UNSUPPORTED);
		says("KILN_FILTER_NEAREST");
		kiln_image_destroy(&image);
		checked = true;
	}
	/* one that cannot be stored to */
	if (kiln_device_format_uses(gpu_device, KILN_FORMAT_RGBA8_SRGB) == (KILN_IMAGE_SAMPLED | KILN_IMAGE_LINEAR)) {
		struct kiln_kernel *copy = GPU_KERNEL(image_copy_f_spv);

		image = image_of(KILN_FORMAT_RGBA8_SRGB, 8, 8, 0);
		gpu_refused(launch(copy, (struct kiln_arg[]){{.image = target}, {.image = image}}, 2), KILN_ERR_UNSUPPORTED);
		says("storage image");
		gpu_ok(launch(copy, (struct kiln_arg[]){{.image = image}, {.image = target}}, 2));
		kiln_image_destroy(&image);
		kiln_kernel_destroy(&copy);
	}
	kiln_image_destroy(&target);
	kiln_kernel_destroy(&step);
	kiln_kernel_destroy(&blur);
	gpu_assert_usable();
}

static void images_of_another_device_are_refused(void **state)
{
	const struct kiln_image_params params = {KILN_FORMAT_R32UI, 8, 8};
	struct kiln_image *image = NULL;
	uint32_t texels[64];

	(void)state;
	GPU_NEEDS_LAUNCH();
	struct kiln_device *other = gpu_open(&(struct kiln_device_params){.no_cache = true});
	struct kiln_kernel *step = GPU_KERNEL(image_step_spv);
	gpu_ok(kiln_image_create(other, &params, &image));
	gpu_refused(launch(step, &(struct kiln_arg){.image = image}, 1), KILN_ERR_FOREIGN_OBJECT);
	gpu_refused(kiln_stream_upload_image(kiln_device_stream(gpu_device), image, NULL, texels, sizeof texels),
	            KILN_ERR_FOREIGN_OBJECT);
	gpu_refused(kiln_stream_download_image(kiln_device_stream(gpu_device), image, NULL, texels, sizeof texels),
	            KILN_ERR_FOREIGN_OBJECT);
	/* a device that is closed while an image of it lives stays until it is gone */
	gpu_close(&other);
	gpu_ok(kiln_image_read(image, NULL, texels, sizeof texels));
	kiln_image_destroy(&image);
	kiln_kernel_destroy(&step);
	gpu_assert_usable();
}

static void kernels_of_images_are_not_tuned(void **state)
{
	struct kiln_tune_report *report = NULL;

	(void)state;
	GPU_NEEDS_LAUNCH();
	const struct kiln_kernel_params resizable = {
		.spirv = image_step_spv, .spirv_bytes = sizeof image_step_spv, .guarded = true, .resizable = true,
	};
	struct kiln_kernel *step = NULL;
	struct kiln_image *image = image_of(KILN_FORMAT_R32UI, 8, 8, 0);
	gpu_ok(kiln_kernel_create(gpu_device, &resizable, &step));
	const struct kiln_arg arg = {.image = image};
	const struct kiln_tune_params params = {
		.launch = {.threads = {8, 8}, .args = &arg, .arg_count = 1, .push = &(uint32_t){1}, .push_bytes = 4},
	};

	gpu_refused(kiln_tune(step, &params, &report), KILN_ERR_UNSUPPORTED);
	says("storage_image");
	kiln_tune_report_destroy(&report);
	kiln_image_destroy(&image);
	kiln_kernel_destroy(&step);
	gpu_assert_usable();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments_of_the_wrong_kind_are_refused),
		cmocka_unit_test(images_of_another_device_are_refused),
		cmocka_unit_test(images_of_another_shape_or_format_are_refused),
		cmocka_unit_test(impossible_images_are_refused),
		cmocka_unit_test(kernels_of_images_are_not_tuned),
		cmocka_unit_test(regions_beyond_the_image_are_refused),
		cmocka_unit_test(too_large_names_the_limit),
		cmocka_unit_test(uses_an_image_is_not_made_for_are_refused),
	};
	return GPU_MAIN("image_refuse", tests, true);
}
