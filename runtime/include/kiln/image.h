/* Images: texels with a format, in one, two or three dimensions. Kernels read and write them as storage images, and read
 * them through samplers. Sizes of images count texels; offsets and sizes of host memory count bytes. */
#ifndef KILN_IMAGE_H
#define KILN_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <kiln/device.h>

KILN_BEGIN_DECLS

struct kiln_image;
struct kiln_stream;

/** Formats have the names of GLSL's format qualifiers: channels, bits of each, and how they are read. No suffix: 0 to 1;
 *  _SNORM: -1 to 1; F: floating point; I and UI: integers. _SRGB is only sampled: reading makes it linear. */
enum kiln_format {
	KILN_FORMAT_R8 = 1,
	KILN_FORMAT_RG8,
	KILN_FORMAT_RGBA8,
	KILN_FORMAT_R16,
	KILN_FORMAT_RG16,
	KILN_FORMAT_RGBA16,
	KILN_FORMAT_R8_SNORM,
	KILN_FORMAT_RG8_SNORM,
	KILN_FORMAT_RGBA8_SNORM,
	KILN_FORMAT_R16_SNORM,
	KILN_FORMAT_RG16_SNORM,
	KILN_FORMAT_RGBA16_SNORM,
	KILN_FORMAT_R16F,
	KILN_FORMAT_RG16F,
	KILN_FORMAT_RGBA16F,
	KILN_FORMAT_R32F,
	KILN_FORMAT_RG32F,
	KILN_FORMAT_RGBA32F,
	KILN_FORMAT_R8I,
	KILN_FORMAT_RG8I,
	KILN_FORMAT_RGBA8I,
	KILN_FORMAT_R16I,
	KILN_FORMAT_RG16I,
	KILN_FORMAT_RGBA16I,
	KILN_FORMAT_R32I,
	KILN_FORMAT_RG32I,
	KILN_FORMAT_RGBA32I,
	KILN_FORMAT_R8UI,
	KILN_FORMAT_RG8UI,
	KILN_FORMAT_RGBA8UI,
	KILN_FORMAT_R16UI,
	KILN_FORMAT_RG16UI,
	KILN_FORMAT_RGBA16UI,
	KILN_FORMAT_R32UI,
	KILN_FORMAT_RG32UI,
	KILN_FORMAT_RGBA32UI,
	KILN_FORMAT_RGB10_A2,
	KILN_FORMAT_R11F_G11F_B10F,
	KILN_FORMAT_RGBA8_SRGB,
};

/** "rgba8", "r32f"; "?" for a value that is none.  Ownership: static. */
KILN_API const char *kiln_format_name(enum kiln_format format);
/** Bytes of one texel; 0 for a value that is none. */
KILN_API uint32_t kiln_format_bytes(enum kiln_format format);

/* What a device does with images of a format. */
#define KILN_IMAGE_STORAGE (1u << 0) /* kernels read and write it as a storage image */
#define KILN_IMAGE_SAMPLED (1u << 1) /* kernels read it through a sampler, or texel by texel as a sampled image */
#define KILN_IMAGE_LINEAR (1u << 2)  /* a sampler may mix neighbouring texels */

/** KILN_IMAGE_* that the device has for this format; 0 = none at all, or a device that is NULL.  Threads: any. */
KILN_API uint32_t kiln_device_format_uses(struct kiln_device *device, enum kiln_format format);

struct kiln_image_params {
	enum kiln_format format;
	uint32_t width;          /* texels, at least 1 */
	uint32_t height;         /* 0 = one-dimensional */
	uint32_t depth;          /* 0 = one- or two-dimensional */
	const void *contents;    /* whole rows from the top, without padding; NULL = zeroes */
	uint64_t contents_bytes; /* of `contents` */
	bool read_only;          /* kernels may only read it; a kernel that writes it is refused */
	const char *name;        /* for messages; copied; NULL = "image" */
};

/** Creates an image holding `contents`, or zeroes, for every use its format has on this device. It stays in one layout, that
 *  is good for all of them: one launch may read it through a sampler and write it as a storage image.
 *  Returns: KILN_ERR_UNSUPPORTED when the device has no use for the format; KILN_ERR_TOO_LARGE, naming the limit;
 *  KILN_ERR_INVALID_ARGUMENT, KILN_ERR_OUT_OF_DEVICE_MEMORY, KILN_ERR_OUT_OF_MEMORY, KILN_ERR_COMPILE_ONLY.
 *  Ownership: the caller destroys it.  Threads: any.  Blocks: while the contents are copied. */
KILN_API enum kiln_status kiln_image_create(struct kiln_device *device, const struct kiln_image_params *params,
                                            struct kiln_image **out_image);
/** Frees once the device no longer uses it and sets NULL; NULL and *image NULL are fine.  Blocks: no. */
KILN_API void kiln_image_destroy(struct kiln_image **image);

struct kiln_image_info {
	enum kiln_format format;
	uint32_t dimensions;           /* 1 to 3 */
	uint32_t width, height, depth; /* texels, 1 where the image has no such dimension */
	uint32_t texel_bytes;
	uint64_t bytes;                /* of all texels without padding: what a whole write or read moves */
	uint32_t uses;                 /* KILN_IMAGE_* */
};

/** Facts of the image; NULL for NULL.  Ownership: the image's. */
KILN_API const struct kiln_image_info *kiln_image_info(const struct kiln_image *image);

/** Part of an image, and how its rows lie in host memory. */
struct kiln_image_region {
	uint32_t x, y, z;              /* texels */
	uint32_t width, height, depth; /* texels; 0 = to the end of the image */
	uint64_t row_pitch;            /* bytes from one row to the next; 0 = rows follow each other */
	uint64_t slice_pitch;          /* bytes from one two-dimensional slice to the next; 0 = slices follow each other */
};

/** Writes after everything enqueued before; `data` may be reused on return. `region` NULL = the whole image without padding.
 *  `bytes` is what there is at `data`, and must reach to the region's last texel.
 *  Returns: KILN_ERR_INVALID_ARGUMENT, KILN_ERR_DEVICE_LOST, KILN_ERR_OUT_OF_MEMORY, KILN_ERR_OUT_OF_DEVICE_MEMORY.
 *  Threads: any.  Blocks: while copying, and for room to stage in when much is in flight. */
KILN_API enum kiln_status kiln_image_write(struct kiln_image *image, const struct kiln_image_region *region, const void *data,
                                           uint64_t bytes);

/** Reads after everything enqueued before, and waits for it. What lies between the rows of `out_data` is left as it is.
 *  Returns: as kiln_image_write(); after another error than KILN_ERR_INVALID_ARGUMENT some rows may be written.
 *  Threads: any.  Blocks: yes. */
KILN_API enum kiln_status kiln_image_read(struct kiln_image *image, const struct kiln_image_region *region, void *out_data,
                                          uint64_t bytes);

/** As kiln_image_write(), on this stream.  Returns: also KILN_ERR_UNSUPPORTED while the stream records a graph. */
KILN_API enum kiln_status kiln_stream_upload_image(struct kiln_stream *stream, struct kiln_image *image,
                                                   const struct kiln_image_region *region, const void *data, uint64_t bytes);

/** Enqueues reading the region into `out_data`, which is complete once a ticket taken afterwards is done and was waited for,
 *  as for kiln_stream_download().  Returns: as kiln_stream_upload_image().
 *  Ownership: `out_data` must live until then.  Blocks: no. */
KILN_API enum kiln_status kiln_stream_download_image(struct kiln_stream *stream, struct kiln_image *image,
                                                     const struct kiln_image_region *region, void *out_data, uint64_t bytes);

enum kiln_filter {
	KILN_FILTER_NEAREST = 0,
	KILN_FILTER_LINEAR, /* needs KILN_IMAGE_LINEAR of the image's format */
};

/** What lies beyond the border. */
enum kiln_address {
	KILN_ADDRESS_CLAMP = 0, /* the texel at the border */
	KILN_ADDRESS_REPEAT,    /* the image again */
	KILN_ADDRESS_MIRROR,    /* the image mirrored */
};

/** How a kernel sees an image through a sampler, with coordinates from 0 to 1. A value: the device keeps one Vulkan sampler
 *  of each kind, made when it is first used. */
struct kiln_sampler {
	enum kiln_filter filter;
	enum kiln_address address;
};

KILN_END_DECLS

#endif
