/* An image from the inside.
 *
 * To streams, graphs and the retirement an image is the buffer that it carries: its memory, its name, and what streams know
 * of its uses are kept there. So hazards, order between streams and life need no rules of their own. In a binding, `offset` is
 * the number of the sampler that an image is seen through and `bytes` is KILN_IMAGE_TRACKED: whatever the sampler, any two
 * uses overlap.
 *
 * Between operations an image is in VK_IMAGE_LAYOUT_GENERAL, and so it is for every launch. Sampled and storage use then mix
 * freely, also in one launch, barriers stay what they are for buffers, and a recorded graph holds whatever came before it. A
 * transfer takes the image into the layout of its own and back, each time in the same command as a whole barrier: what follows
 * needs none of its own. Both changes write, as far as other operations are concerned, whichever way the texels go. */
#ifndef RUNTIME_IMAGE_H
#define RUNTIME_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kiln/image.h>

#include "buffer.h"
#include "image_sampler.h"
#include "vulkan_api.h"

struct kiln_arg;
struct kiln_binding;
struct kiln_kernel;
struct kiln_stream_binding;

#define KILN_IMAGE_TRACKED KILN_SAMPLERS

struct kiln_image {
	struct kiln_buffer tracked; /* first: freeing it frees the image */
	VkImage handle;
	VkImageView view;
	VkImageType type;
	struct kiln_image_info info;
	bool fresh; /* no operation has touched it: its layout is not set yet. Only while it is being created */
};

/* ---- image_format.c: pure ---- */

struct kiln_format_row {
	const char *name;
	VkFormat format;
	uint32_t spirv; /* SpvImageFormat; 0 = not among them */
	uint32_t bytes; /* of a texel */
	char kind;      /* what reading gives: 'f', 'i' or 'u' */
};

/* NULL for a value that is no format. */
const struct kiln_format_row *kiln_format_row(enum kiln_format format);

/* ---- image_region.c: pure ---- */

/* A region with everything spelled out. */
struct kiln_image_part {
	uint32_t at[3], size[3]; /* texels */
	uint64_t row_bytes;
	uint64_t row_pitch, slice_pitch; /* of the host's memory */
};

/* Fills in what `region` (may be NULL) leaves open, and checks it against the image and the host's `bytes`. */
enum kiln_status kiln_image_part_of(const struct kiln_image_info *info, const char *name, const char *call,
                                    const struct kiln_image_region *region, uint64_t bytes,
                                    struct kiln_image_part *out_part);
/* The next piece of `whole`, of at most `most` bytes or one row: whole slices, or rows of one slice. `next` counts rows over
 * all slices from 0; false = there is none left. */
bool kiln_image_piece(const struct kiln_image_part *whole, uint64_t most, uint64_t *next,
                      struct kiln_image_part *out_piece);
/* Bytes of a piece without padding. */
uint64_t kiln_image_part_bytes(const struct kiln_image_part *part);
/* Between the caller's memory, where `whole` begins, and one of the pieces without padding. */
void kiln_image_gather(const struct kiln_image_part *whole, const struct kiln_image_part *piece,
                       const void *data, void *out_tight);
void kiln_image_scatter(const struct kiln_image_part *whole, const struct kiln_image_part *piece,
                        const void *tight, void *out_data);

/* ---- image_check.c ---- */

/* May the device have it? Asked when it is described and before it is made. */
enum kiln_status kiln_image_check(const struct kiln_image *image);
VkImageUsageFlags kiln_image_usage(const struct kiln_image *image);

/* ---- image.c ---- */

/* Destroys the Vulkan objects, not the memory: part of freeing `tracked`. */
void kiln_image_drop(struct kiln_image *image);
/* Makes them, and the memory, on the device that was reopened; every texel is zero. */
enum kiln_status kiln_image_restore(struct kiln_image *image);

/* ---- image_record.c ---- */

enum kiln_status kiln_image_record_clear(struct kiln_stream *stream, struct kiln_image *image);
/* Between the image and bytes without padding, from byte `at` of the buffer on: a multiple of 16. */
enum kiln_status kiln_image_record_copy(struct kiln_stream *stream, struct kiln_image *image,
                                        const struct kiln_image_part *part, struct kiln_buffer *staging,
                                        uint64_t at, bool to_image);

/* ---- image_transfer.c ---- */

/* The part was checked. */
enum kiln_status kiln_image_upload(struct kiln_stream *stream, struct kiln_image *image,
                                   const struct kiln_image_part *part, const void *data);

/* ---- launch_image.c ---- */

/* What streams know the argument by; not checked against a kernel. */
enum kiln_status kiln_launch_take_argument(const struct kiln_arg *arg, size_t index,
                                           struct kiln_stream_binding *out_binding);
/* Checks and completes an argument whose binding is an image or a sampler. */
enum kiln_status kiln_launch_check_image(const struct kiln_kernel *kernel, const struct kiln_binding *binding,
                                         size_t index, struct kiln_stream_binding *given);

#endif
