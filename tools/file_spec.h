/* A file on the command line with what is said about its content:
 *   [raw:|npy:|png:]PATH[:TYPE|:PIXELS][:SIZE]      data.bin:f32   y.npy:f32:64x64   out.png:rgba8:640x480 */
#ifndef TOOLS_FILE_SPEC_H
#define TOOLS_FILE_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "array.h"
#include "png.h"
#include "why.h"

enum kiln_file_kind {
	KILN_FILE_RAW,
	KILN_FILE_NPY,
	KILN_FILE_PNG,
};

struct kiln_file_spec {
	char path[4096];
	enum kiln_file_kind kind;               /* from the prefix, else from the extension */
	enum kiln_dtype type;                   /* NONE = not said */
	const struct kiln_pixel_format *pixels; /* NULL = not said */
	uint64_t extents[3];                    /* width first */
	unsigned dims;                          /* 0 = not said */
};

bool kiln_file_spec_parse(const char *text, struct kiln_file_spec *out_spec, struct kiln_why *why);

/* Reads the file. The array has the said type when the file has none of its own. */
bool kiln_file_spec_read(const struct kiln_file_spec *spec, struct kiln_array *out_array,
                         struct kiln_why *why);
/* Writes `array`, its type and shape overridden by what the spec says; `width` and `height` are a
 * picture's size when the spec says none. A type or size that is needed and not known is an error. */
bool kiln_file_spec_write(const struct kiln_file_spec *spec, const struct kiln_array *array, uint32_t width,
                          uint32_t height, struct kiln_why *why);

#endif
