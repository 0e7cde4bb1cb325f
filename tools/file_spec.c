#include "file_spec.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "npy.h"
#include "number.h"

static const struct {
	const char *prefix, *extension;
	enum kiln_file_kind kind;
} kinds[] = {
	{"raw:", NULL, KILN_FILE_RAW},
	{"npy:", ".npy", KILN_FILE_NPY},
	{"png:", ".png", KILN_FILE_PNG},
};

#define KINDS (sizeof kinds / sizeof kinds[0])

/* Takes one ":..." off the end of the path if it says something; false when it is part of the name. */
static bool take_suffix(struct kiln_file_spec *spec)
{
	char *colon = strrchr(spec->path, ':');
	const char *suffix = colon ? colon + 1 : "";
	size_t length = strlen(suffix);

	if (!colon || colon == spec->path)
		return false;
	if (!spec->type && !spec->pixels && kiln_dtype_find(suffix, length))
		spec->type = kiln_dtype_find(suffix, length);
	else if (!spec->type && !spec->pixels && kiln_pixel_format_find(suffix))
		spec->pixels = kiln_pixel_format_find(suffix);
	else if (spec->dims || spec->type || spec->pixels ||
	         !kiln_number_extents(suffix, length, spec->extents, &spec->dims))
		return false;
	*colon = '\0';
	return true;
}

bool kiln_file_spec_parse(const char *text, struct kiln_file_spec *out_spec, struct kiln_why *why)
{
	struct kiln_file_spec spec = {.kind = KILN_FILE_RAW};
	bool prefixed = false;

	for (size_t i = 0; i < KINDS && !prefixed; i++) {
		if (strncmp(text, kinds[i].prefix, strlen(kinds[i].prefix)))
			continue;
		spec.kind = kinds[i].kind;
		text += strlen(kinds[i].prefix);
		prefixed = true;
	}
	if (strlen(text) >= sizeof spec.path)
		return kiln_why(why, "a path is longer than %zu bytes. Fix: use a shorter one",
		                sizeof spec.path - 1);
	memcpy(spec.path, text, strlen(text) + 1);
	while (take_suffix(&spec))
		;
	if (!spec.path[0])
		return kiln_why(why, "a file name is empty. Fix: name a file");
	for (size_t i = 1; i < KINDS && !prefixed; i++)
		if (kiln_file_has_extension(spec.path, kinds[i].extension))
			spec.kind = kinds[i].kind;
	if (spec.pixels && spec.kind != KILN_FILE_PNG)
		return kiln_why(why, "'%s': pixels (%s) are for PNG. Fix: give a type such as f32", spec.path,
		                spec.pixels->name);
	if (spec.type && spec.kind == KILN_FILE_PNG)
		return kiln_why(why, "'%s': a PNG holds pixels, not %s. Fix: use " KILN_PIXEL_FORMAT_NAMES,
		                spec.path, kiln_dtype_name(spec.type));
	*out_spec = spec;
	return true;
}

static void apply_shape(const struct kiln_file_spec *spec, struct kiln_array *array)
{
	array->dims = spec->dims > 1 ? spec->dims : 0;
	for (unsigned i = 0; i < spec->dims; i++)
		array->shape[i] = spec->extents[spec->dims - 1 - i];
}

static bool check_shape(const struct kiln_file_spec *spec, const struct kiln_array *array,
                        struct kiln_why *why)
{
	uint64_t bytes = kiln_dtype_size(array->type);

	for (unsigned i = 0; i < spec->dims; i++)
		if (__builtin_mul_overflow(bytes, spec->extents[i], &bytes))
			bytes = UINT64_MAX;
	if (spec->dims && bytes != array->bytes)
		return kiln_why(why,
		                "'%s': the size given takes %" PRIu64
		                " bytes of %s, the data has %zu. Fix: correct the size, or leave "
		                "it out",
		                spec->path, bytes, kiln_dtype_name(array->type), array->bytes);
	if (array->bytes % kiln_dtype_size(array->type))
		return kiln_why(why, "'%s': %zu bytes are no whole number of %s. Fix: give another type",
		                spec->path, array->bytes, kiln_dtype_name(array->type));
	return true;
}

static bool parse_raw(const struct kiln_file_spec *spec, uint8_t **data, size_t bytes,
                      struct kiln_array *array, struct kiln_why *why)
{
	*array = (struct kiln_array){.data = *data, .bytes = bytes, .type = spec->type};
	if (!check_shape(spec, array, why))
		return false;
	apply_shape(spec, array);
	*data = NULL;
	return true;
}

static bool parse(const struct kiln_file_spec *spec, uint8_t **data, size_t bytes, struct kiln_array *array,
                  struct kiln_why *why)
{
	struct kiln_why inner;
	bool ok;

	if (spec->kind == KILN_FILE_RAW)
		return parse_raw(spec, data, bytes, array, why);
	if (spec->type || spec->dims)
		return kiln_why(why, "'%s': the file says its own type and size. Fix: leave them out",
		                spec->path);
	ok = spec->kind == KILN_FILE_NPY ? kiln_npy_parse(*data, bytes, array, &inner)
	                                 : kiln_png_parse(*data, bytes, spec->pixels, array, &inner);
	return ok || kiln_why(why, "'%s': %s", spec->path, inner.text);
}

bool kiln_file_spec_read(const struct kiln_file_spec *spec, struct kiln_array *out_array,
                         struct kiln_why *why)
{
	struct kiln_array array = {0};
	uint8_t *data = NULL;
	size_t bytes = 0;
	bool ok;

	if (!kiln_file_read(spec->path, KILN_ARRAY_BYTES_MAX, &data, &bytes, why))
		return false;
	ok = parse(spec, &data, bytes, &array, why);
	free(data);
	if (ok)
		*out_array = array;
	return ok;
}

static bool write_npy(const struct kiln_file_spec *spec, struct kiln_array array, struct kiln_why *why)
{
	size_t header_bytes;
	uint8_t *header, *file;
	bool ok;

	if (!array.type)
		return kiln_why(why,
		                "'%s': what type the elements have is not known. Fix: add it, such as %s:f32",
		                spec->path, spec->path);
	if (!check_shape(spec, &array, why))
		return false;
	if (spec->dims)
		apply_shape(spec, &array);
	header = kiln_npy_header(&array, &header_bytes);
	file = header ? realloc(header, header_bytes + array.bytes) : NULL;
	if (!file) {
		free(header);
		return kiln_why(why, "'%s': out of memory. Fix: write raw bytes", spec->path);
	}
	if (array.bytes)
		memcpy(file + header_bytes, array.data, array.bytes);
	ok = kiln_file_write(spec->path, file, header_bytes + array.bytes, why);
	free(file);
	return ok;
}

static bool write_png(const struct kiln_file_spec *spec, const struct kiln_array *array, uint32_t width,
                      uint32_t height, struct kiln_why *why)
{
	const struct kiln_pixel_format *format = spec->pixels;
	size_t bytes;
	uint8_t *file;
	bool ok;

	if (spec->dims && (spec->dims != 2 || spec->extents[0] > UINT32_MAX || spec->extents[1] > UINT32_MAX))
		return kiln_why(why, "'%s': a picture has a width and a height. Fix: write 640x480",
		                spec->path);
	if (spec->dims) {
		width = (uint32_t)spec->extents[0];
		height = (uint32_t)spec->extents[1];
	}
	if (!format)
		format = kiln_pixel_format_guess(array->type, width, height, array->bytes);
	if (!format ||
	    (uint64_t)width * height * format->channels * kiln_dtype_size(format->type) != array->bytes)
		return kiln_why(
			why,
			"'%s': %zu bytes are no picture of %u x %u %s pixels. Fix: say which, such as "
			"%s:rgba8:640x480",
			spec->path, array->bytes, width, height, format ? format->name : "known", spec->path);
	if (!kiln_png_encode(format, width, height, array->data, &file, &bytes, why))
		return false;
	ok = kiln_file_write(spec->path, file, bytes, why);
	free(file);
	return ok;
}

bool kiln_file_spec_write(const struct kiln_file_spec *spec, const struct kiln_array *array, uint32_t width,
                          uint32_t height, struct kiln_why *why)
{
	struct kiln_array typed = *array;

	if (spec->kind == KILN_FILE_PNG)
		return write_png(spec, array, width, height, why);
	if (spec->kind == KILN_FILE_RAW)
		return kiln_file_write(spec->path, array->data, array->bytes, why);
	if (spec->type) {
		typed.type = spec->type;
		if (spec->type != array->type)
			typed.dims = 0;
	}
	return write_npy(spec, typed, why);
}
