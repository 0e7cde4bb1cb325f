/* Pictures as buffers: PNG only, through stb, with bounds checked before anything is decoded. */
#ifndef TOOLS_PNG_H
#define TOOLS_PNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "array.h"
#include "why.h"

/* How pixels lie in a buffer. */
struct kiln_pixel_format {
	const char *name;     /* "rgba8" */
	unsigned channels;    /* 1, 3 or 4 */
	enum kiln_dtype type; /* u8: 0...255; f32: 0...1, the same sRGB curve as in the file */
};

#define KILN_PIXEL_FORMAT_NAMES "gray8, rgb8, rgba8, gray32f, rgb32f or rgba32f"

/* NULL when `name` is no format. */
const struct kiln_pixel_format *kiln_pixel_format_find(const char *name);
/* The format that fits `bytes` bytes of `type` for a picture of this size; NULL when none does. Untyped
 * bytes count as u8. */
const struct kiln_pixel_format *kiln_pixel_format_guess(enum kiln_dtype type, uint32_t width, uint32_t height,
                                                        size_t bytes);

/* Decodes a whole file; `format` NULL = rgba8. */
bool kiln_png_parse(const void *file, size_t bytes, const struct kiln_pixel_format *format,
                    struct kiln_array *out_array, struct kiln_why *why);
/* Encodes width * height pixels at `pixels`. The caller free()s *out_file. */
bool kiln_png_encode(const struct kiln_pixel_format *format, uint32_t width, uint32_t height,
                     const void *pixels, uint8_t **out_file, size_t *out_bytes, struct kiln_why *why);

#endif
