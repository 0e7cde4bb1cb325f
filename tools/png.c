#include "png.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "stb.h"

#define PIXELS_MAX (64u << 20)

static const struct kiln_pixel_format formats[] = {
	{"gray8", 1, KILN_DTYPE_U8},    {"rgb8", 3, KILN_DTYPE_U8},    {"rgba8", 4, KILN_DTYPE_U8},
	{"gray32f", 1, KILN_DTYPE_F32}, {"rgb32f", 3, KILN_DTYPE_F32}, {"rgba32f", 4, KILN_DTYPE_F32},
};

#define FORMATS (sizeof formats / sizeof formats[0])
#define RGBA8 2

const struct kiln_pixel_format *kiln_pixel_format_find(const char *name)
{
	for (size_t i = 0; i < FORMATS; i++)
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	return NULL;
}

const struct kiln_pixel_format *kiln_pixel_format_guess(enum kiln_dtype type, uint32_t width, uint32_t height,
                                                        size_t bytes)
{
	enum kiln_dtype wanted = type == KILN_DTYPE_F32 ? KILN_DTYPE_F32 : KILN_DTYPE_U8;

	for (size_t i = 0; i < FORMATS; i++)
		if (formats[i].type == wanted &&
		    (uint64_t)width * height * formats[i].channels * kiln_dtype_size(wanted) == bytes)
			return &formats[i];
	return NULL;
}

/* Rows of up to 8 bytes per pixel (16-bit RGBA) and a filter byte each. The inflating buffer doubles as it
 * grows. */
static size_t decode_bound(int width, int height)
{
	return 2 * ((size_t)width * 8 + 1) * (size_t)height + (1u << 20);
}

static bool check_header(const void *file, size_t bytes, int *out_width, int *out_height,
                         struct kiln_why *why)
{
	int channels;

	kiln_stb_allocation_max = 1u << 20;
	if (bytes > INT_MAX || !stbi_info_from_memory(file, (int)bytes, out_width, out_height, &channels))
		return kiln_why(
			why,
			"png: no PNG picture in these %zu bytes. Fix: convert the picture to PNG, or give "
			"raw:FILE for plain "
			"bytes",
			bytes);
	if ((uint64_t)*out_width * (uint64_t)*out_height > PIXELS_MAX)
		return kiln_why(
			why, "png: %d x %d pixels, expected at most %u in all. Fix: scale the picture down",
			*out_width, *out_height, PIXELS_MAX);
	return true;
}

static bool to_floats(const uint8_t *pixels, size_t count, struct kiln_array *array)
{
	array->data = malloc(count * sizeof(float));
	if (!array->data)
		return false;
	for (size_t i = 0; i < count; i++)
		kiln_dtype_store_float(KILN_DTYPE_F32, pixels[i] / 255.0, array->data + i * sizeof(float));
	return true;
}

static bool fill_array(struct kiln_array *array, const struct kiln_pixel_format *format,
                       const uint8_t *pixels, int width, int height)
{
	size_t count = (size_t)width * (size_t)height * format->channels;

	array->type = format->type;
	array->width = (uint32_t)width;
	array->height = (uint32_t)height;
	array->channels = format->channels;
	array->shape[0] = (uint64_t)height;
	array->shape[1] = (uint64_t)width;
	array->shape[2] = format->channels;
	array->dims = format->channels == 1 ? 2 : 3;
	array->bytes = count * kiln_dtype_size(format->type);
	if (format->type == KILN_DTYPE_F32)
		return to_floats(pixels, count, array);
	array->data = malloc(count);
	if (array->data)
		memcpy(array->data, pixels, count);
	return array->data != NULL;
}

bool kiln_png_parse(const void *file, size_t bytes, const struct kiln_pixel_format *format,
                    struct kiln_array *out_array, struct kiln_why *why)
{
	struct kiln_array array = {0};
	int width, height, channels;
	uint8_t *pixels;
	bool ok;

	if (!check_header(file, bytes, &width, &height, why))
		return false;
	format = format ? format : &formats[RGBA8];
	kiln_stb_allocation_max = decode_bound(width, height);
	pixels = stbi_load_from_memory(file, (int)bytes, &width, &height, &channels, (int)format->channels);
	if (!pixels)
		return kiln_why(why, "png: cannot decode the picture: %s. Fix: it is damaged; save it again",
		                stbi_failure_reason());
	ok = fill_array(&array, format, pixels, width, height);
	free(pixels);
	if (!ok)
		return kiln_why(why, "png: out of memory for %zu bytes. Fix: scale the picture down",
		                array.bytes);
	*out_array = array;
	return true;
}

/* Values outside 0...1 and NaN are clamped. */
static uint8_t *to_bytes(const uint8_t *pixels, size_t count)
{
	uint8_t *bytes = malloc(count);

	for (size_t i = 0; bytes && i < count; i++) {
		float value;

		memcpy(&value, pixels + i * sizeof value, sizeof value);
		bytes[i] = value >= 1 ? 255 : value > 0 ? (uint8_t)(value * 255 + 0.5f) : 0;
	}
	return bytes;
}

bool kiln_png_encode(const struct kiln_pixel_format *format, uint32_t width, uint32_t height,
                     const void *pixels, uint8_t **out_file, size_t *out_bytes, struct kiln_why *why)
{
	uint8_t *converted = NULL, *file = NULL;
	int length = 0;

	if (!width || !height || (uint64_t)width * height > PIXELS_MAX)
		return kiln_why(why, "png: %u x %u pixels, expected 1 to %u in all. Fix: give another size",
		                width, height, PIXELS_MAX);
	if (format->type == KILN_DTYPE_F32)
		converted = to_bytes(pixels, (size_t)width * height * format->channels);
	if (converted || format->type != KILN_DTYPE_F32)
		file = stbi_write_png_to_mem(converted ? converted : pixels, (int)(width * format->channels),
		                             (int)width, (int)height, (int)format->channels, &length);
	free(converted);
	if (!file)
		return kiln_why(why, "png: out of memory for %u x %u pixels. Fix: write raw bytes", width,
		                height);
	*out_file = file;
	*out_bytes = (size_t)length;
	return true;
}
