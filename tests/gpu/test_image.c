/* Images as arguments of kernels: filters, dimensions, arrays, samplers, formats. */
#include "harness.h"
#include "images.h"

#include <math.h>
#include <string.h>

#include "image_blur_spv.h"
#include "image_copy_f_spv.h"
#include "image_copy_i_spv.h"
#include "image_copy_u_spv.h"
#include "image_filter_spv.h"
#include "image_line_spv.h"
#include "image_swap_spv.h"
#include "image_volume_spv.h"

static bool can(enum kiln_format format, uint32_t uses)
{
	return (kiln_device_format_uses(gpu_device, format) & uses) == uses;
}

/* ---- Sampled into storage ---- */

enum { W = 37, H = 23 };

static uint32_t wrap(int at, uint32_t size, enum kiln_address address)
{
	int n = (int)size;

	if (address == KILN_ADDRESS_CLAMP)
		return at < 0 ? 0 : at >= n ? size - 1 : (uint32_t)at;
	if (address == KILN_ADDRESS_REPEAT)
		return (uint32_t)((at + n) % n);
	return at < 0 ? (uint32_t)(-at - 1) : at >= n ? (uint32_t)(2 * n - 1 - at) : (uint32_t)at;
}

static double mean_of(const uint8_t *texels, int x, int y, int channel, enum kiln_address address)
{
	double sum = 0;

	for (int dy = -1; dy <= 1; dy++)
		for (int dx = -1; dx <= 1; dx++)
			sum += texels[(wrap(y + dy, H, address) * W + wrap(x + dx, W, address)) * 4 + (uint32_t)channel];
	return sum / 9;
}

static void blur_of_a_sampled_image_is_the_mean(void **state)
{
	static const enum kiln_address addresses[] = {KILN_ADDRESS_CLAMP, KILN_ADDRESS_REPEAT, KILN_ADDRESS_MIRROR};
	static uint8_t texels[W * H * 4], got[W * H * 4];
	uint32_t seed = 1;

	(void)state;
	GPU_NEEDS_LAUNCH();
	for (size_t i = 0; i < sizeof texels; i++)
		texels[i] = (uint8_t)rubbish(&seed);
	struct kiln_kernel *blur = GPU_KERNEL(image_blur_spv);
	struct kiln_image *source = image_of(KILN_FORMAT_RGBA8, W, H, 0, texels, sizeof texels);
	struct kiln_image *target = image_of(KILN_FORMAT_RGBA8, W, H, 0, NULL, 0);
	for (size_t a = 0; a < 3; a++) {
		const struct kiln_arg args[] = {
			{.image = source, .sampler = {.address = addresses[a]}},
			{.image = target},
		};
		gpu_ok(launch(kiln_device_stream(gpu_device), blur, args, 2, (uint32_t[3]){W, H, 1}, NULL, 0));
		gpu_ok(kiln_image_read(target, NULL, got, sizeof got));
		for (int i = 0; i < W * H * 4; i++)
			assert_true(fabs(got[i] - mean_of(texels, i / 4 % W, i / 4 / W, i % 4, addresses[a])) <= 0.6);
	}
	kiln_image_destroy(&source);
	kiln_image_destroy(&target);
	kiln_kernel_destroy(&blur);
}

/* ---- Dimensions ---- */

static void three_dimensions_are_turned_round(void **state)
{
	enum { X = 7, Y = 5, Z = 6, N = X * Y * Z };
	uint32_t texels[N], got[N];
	const uint32_t k = 5;

	(void)state;
	GPU_NEEDS_LAUNCH();
	for (uint32_t i = 0; i < N; i++)
		texels[i] = i * 2654435761u;
	struct kiln_kernel *volume = GPU_KERNEL(image_volume_spv);
	struct kiln_image *source = image_of(KILN_FORMAT_R32UI, X, Y, Z, texels, sizeof texels);
	struct kiln_image *target = image_of(KILN_FORMAT_R32UI, X, Y, Z, NULL, 0);
	assert_int_equal(kiln_image_info(source)->dimensions, 3);
	assert_int_equal(kiln_image_info(source)->bytes, sizeof texels);
	gpu_ok(launch(kiln_device_stream(gpu_device), volume, (struct kiln_arg[]){{.image = source}, {.image = target}}, 2,
	              (uint32_t[3]){X, Y, Z}, &k, 4));
	gpu_ok(kiln_image_read(target, NULL, got, sizeof got));
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(got[i], texels[N - 1 - i] + k);
	kiln_image_destroy(&source);
	kiln_image_destroy(&target);
	kiln_kernel_destroy(&volume);
}

static void array_of_lines_takes_one_image_for_each_element(void **state)
{
	enum { X = 50 };
	float texels[3][X], got[3][X];
	struct kiln_image *lines[3];
	struct kiln_arg args[3] = {{0}};

	(void)state;
	GPU_NEEDS_LAUNCH();
	struct kiln_kernel *kernel = GPU_KERNEL(image_line_spv);
	for (int l = 0; l < 3; l++) {
		for (int x = 0; x < X; x++)
			texels[l][x] = (float)(100 * l + x);
		lines[l] = image_of(KILN_FORMAT_R32F, X, 0, 0, texels[l], sizeof texels[l]);
		assert_int_equal(kiln_image_info(lines[l])->dimensions, 1);
		args[l].image = lines[l];
	}
	gpu_ok(launch(kiln_device_stream(gpu_device), kernel, args, 3, (uint32_t[3]){X, 1, 1}, NULL, 0));
	for (int l = 0; l < 3; l++)
		gpu_ok(kiln_image_read(lines[l], NULL, got[l], sizeof got[l]));
	for (int l = 0; l < 3; l++)
		for (int x = 0; x < X; x++)
			assert_true(got[l][x] == texels[(l + 1) % 3][x] + (float)(l + 1));
	for (int l = 0; l < 3; l++)
		kiln_image_destroy(&lines[l]);
	kiln_kernel_destroy(&kernel);
}

/* ---- A sampler apart ---- */

static void lone_sampler_mixes_between_texels(void **state)
{
	enum { N = 33 };
	const float texels[4] = {0, 8, 2, 4};
	const struct { uint32_t n; float first, step; } push = {N, 0.125f, 0.75f / (N - 1)};
	float got[N];

	(void)state;
	GPU_NEEDS_LAUNCH();
	if (!can(KILN_FORMAT_R32F, KILN_IMAGE_LINEAR | KILN_IMAGE_STORAGE))
		gpu_skip(__func__, "this device does not mix texels of r32f");
	struct kiln_kernel *filter = GPU_KERNEL(image_filter_spv);
	struct kiln_image *source = image_of(KILN_FORMAT_R32F, 4, 1, 0, texels, sizeof texels);
	struct kiln_buffer *values = gpu_buffer(sizeof got, NULL);
	for (int linear = 0; linear < 2; linear++) {
		const struct kiln_arg args[] = {
			{.sampler = {.filter = linear ? KILN_FILTER_LINEAR : KILN_FILTER_NEAREST}},
			{.image = source},
			{.buffer = values},
		};
		gpu_ok(launch(kiln_device_stream(gpu_device), filter, args, 3, (uint32_t[3]){N, 1, 1}, &push, sizeof push));
		gpu_ok(kiln_buffer_read(values, 0, got, sizeof got));
		for (int i = 0; i < N; i++) {
			float at = 3.0f * (float)i / (N - 1), part = at - floorf(at);
			int left = (int)at, right = left < 3 ? left + 1 : 3;

			if (linear)
				assert_true(fabsf(got[i] - (texels[left] * (1 - part) + texels[right] * part)) < 0.06f);
			else if (fabsf(part - 0.5f) > 0.01f)
				assert_true(got[i] == texels[part > 0.5f ? right : left]);
		}
	}
	kiln_buffer_destroy(&values);
	kiln_image_destroy(&source);
	kiln_kernel_destroy(&filter);
}

/* ---- Formats ---- */

static char kind_of(enum kiln_format format)
{
	const char *name = kiln_format_name(format);
	size_t length = strlen(name);

	return length > 2 && name[length - 2] == 'u' && name[length - 1] == 'i' ? 'u' : name[length - 1] == 'i' ? 'i' : 'f';
}

/* Bytes that every reading and writing of the format keeps: no numbers that are none, nothing that two codes stand for. */
static void fill_texels(enum kiln_format format, uint8_t *texels, size_t bytes)
{
	const char *name = kiln_format_name(format);
	uint32_t seed = format;

	for (size_t i = 0; i < bytes; i++) {
		texels[i] = (uint8_t)rubbish(&seed);
		if (strstr(name, "16f") && i % 2 == 1)
			texels[i] = (uint8_t)(0x3c | (texels[i] & 0x83)); /* of moderate size */
		if (strstr(name, "32f") && i % 4 == 3)
			texels[i] = 0x40;
		if (strcmp(name, "r11f_g11f_b10f") == 0)
			texels[i] = (uint8_t[4]){0xc0, 0x03, 0x1e, 0x78}[i % 4]; /* 1, 1, 1 */
		if (strstr(name, "snorm") && texels[i] == 0x80)
			texels[i] = 0x81;
	}
}

static void copy_format(enum kiln_format format, struct kiln_kernel *const kernels[3], unsigned *launched)
{
	enum { X = 13, Y = 9 };
	uint8_t texels[X * Y * 16], got[X * Y * 16];
	size_t bytes = (size_t)X * Y * kiln_format_bytes(format);
	char kind = kind_of(format);
	struct kiln_image *source, *target;

	fill_texels(format, texels, bytes);
	source = image_of(format, X, Y, 0, texels, bytes);
	target = image_of(format, X, Y, 0, NULL, 0);
	memset(got, 0xee, sizeof got);
	gpu_ok(kiln_image_read(target, NULL, got, bytes));
	for (size_t i = 0; i < bytes; i++)
		assert_int_equal(got[i], 0);
	if (can(format, KILN_IMAGE_STORAGE | KILN_IMAGE_SAMPLED)) {
		const struct kiln_arg args[] = {{.image = source}, {.image = target}};

		gpu_ok(launch(kiln_device_stream(gpu_device), kernels[kind == 'f' ? 0 : kind == 'i' ? 1 : 2], args, 2,
		              (uint32_t[3]){X, Y, 1}, NULL, 0));
		gpu_ok(kiln_image_read(target, NULL, got, bytes));
		if (memcmp(got, texels, bytes) != 0)
			print_error("format %s\n", kiln_format_name(format));
		assert_memory_equal(got, texels, bytes);
		++*launched;
	}
	gpu_ok(kiln_image_read(source, NULL, got, bytes));
	assert_memory_equal(got, texels, bytes);
	kiln_image_destroy(&source);
	kiln_image_destroy(&target);
}

static void every_format_comes_back_as_it_went(void **state)
{
	unsigned formats = 0, launched = 0;

	(void)state;
	GPU_NEEDS_LAUNCH();
	struct kiln_kernel *kernels[3] = {NULL};
	if (kiln_kernel_create(gpu_device, &(struct kiln_kernel_params){.spirv = image_copy_f_spv, .spirv_bytes = sizeof image_copy_f_spv},
	                       &kernels[0]) == KILN_ERR_SPIRV_CAPABILITY)
		gpu_skip(__func__, "this device writes no images without a declared format");
	kernels[1] = GPU_KERNEL(image_copy_i_spv);
	kernels[2] = GPU_KERNEL(image_copy_u_spv);
	for (enum kiln_format format = KILN_FORMAT_R8; kiln_format_bytes(format); format++) {
		if (!kiln_device_format_uses(gpu_device, format))
			continue;
		copy_format(format, kernels, &launched);
		formats++;
	}
	print_message("%u formats, %u of them through a kernel\n", formats, launched);
	assert_true(formats >= 20 && launched >= 12);
	for (int i = 0; i < 3; i++)
		kiln_kernel_destroy(&kernels[i]);
}

static void formats_have_glsl_names_and_sizes(void **state)
{
	static const struct { enum kiln_format format; const char *name; uint32_t bytes; } cases[] = {
		{KILN_FORMAT_R8, "r8", 1},           {KILN_FORMAT_RGBA8, "rgba8", 4},
		{KILN_FORMAT_RG16, "rg16", 4},       {KILN_FORMAT_RGBA16_SNORM, "rgba16_snorm", 8},
		{KILN_FORMAT_RGBA32F, "rgba32f", 16}, {KILN_FORMAT_RG32I, "rg32i", 8},
		{KILN_FORMAT_R16UI, "r16ui", 2},     {KILN_FORMAT_RGB10_A2, "rgb10_a2", 4},
		{KILN_FORMAT_RGBA8_SRGB, "rgba8_srgb", 4},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_string_equal(kiln_format_name(cases[i].format), cases[i].name);
		assert_int_equal(kiln_format_bytes(cases[i].format), cases[i].bytes);
	}
	assert_string_equal(kiln_format_name((enum kiln_format)0), "?");
	assert_string_equal(kiln_format_name((enum kiln_format)1000), "?");
	assert_int_equal(kiln_device_format_uses(gpu_device, (enum kiln_format)0), 0);
}

/* ---- Facts ---- */

static void reflection_tells_what_an_image_binding_declares(void **state)
{
	(void)state;
	struct kiln_kernel *blur = GPU_KERNEL(image_blur_spv), *swap = GPU_KERNEL(image_swap_spv),
			   *line = GPU_KERNEL(image_line_spv), *volume = GPU_KERNEL(image_volume_spv);
	const struct kiln_binding *at = kiln_kernel_entry(blur)->bindings;

	assert_int_equal(at[0].layout.type, KILN_BINDING_COMBINED_IMAGE_SAMPLER);
	assert_int_equal(at[0].image.dimensions, 2);
	assert_int_equal(at[0].image.component, KILN_SPEC_F32);
	assert_int_equal(at[1].image.format, 4); /* SpvImageFormatRgba8 */
	assert_int_equal(at[1].layout.access, KILN_ACCESS_WRITE);
	at = kiln_kernel_entry(swap)->bindings;
	assert_int_equal(at[0].image.dimensions, 0);
	assert_int_equal(at[1].image.component, KILN_SPEC_U32);
	assert_int_equal(at[1].layout.access, KILN_ACCESS_READ | KILN_ACCESS_WRITE);
	at = kiln_kernel_entry(line)->bindings;
	assert_int_equal(at[0].image.dimensions, 1);
	assert_int_equal(at[0].layout.count, 3);
	assert_int_equal(kiln_kernel_entry(volume)->bindings[0].image.dimensions, 3);
	kiln_kernel_destroy(&blur);
	kiln_kernel_destroy(&swap);
	kiln_kernel_destroy(&line);
	kiln_kernel_destroy(&volume);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(array_of_lines_takes_one_image_for_each_element),
		cmocka_unit_test(blur_of_a_sampled_image_is_the_mean),
		cmocka_unit_test(every_format_comes_back_as_it_went),
		cmocka_unit_test(formats_have_glsl_names_and_sizes),
		cmocka_unit_test(lone_sampler_mixes_between_texels),
		cmocka_unit_test(reflection_tells_what_an_image_binding_declares),
		cmocka_unit_test(three_dimensions_are_turned_round),
	};
	return GPU_MAIN("image", tests, true);
}
