/* The two stb libraries as Kiln's command uses them: PNG in memory, nothing else. */
#ifndef TOOLS_STB_H
#define TOOLS_STB_H

#include <stddef.h>

#define STBI_NO_STDIO
#define STBI_ONLY_PNG
#define STBI_WRITE_NO_STDIO
#include <stb_image.h>
#include <stb_image_write.h>

/* stb trusts the compressed stream for how much to inflate, whatever the picture's dimensions say. No
 * single allocation of the reader goes over this; set it from the dimensions before decoding. */
extern _Thread_local size_t kiln_stb_allocation_max;

/* In stb_image_write.h's implementation, and declared nowhere. */
unsigned char *stbi_write_png_to_mem(const unsigned char *pixels, int stride_bytes, int x, int y, int n,
                                     int *out_len);

#endif
