/* Regions of images, and how they lie in host memory. */
#include "image.h"

#include <inttypes.h>
#include <string.h>

#include <base/error.h>

static enum kiln_status check_range(const char *name, const char *call, char axis, uint32_t at, uint32_t size,
                                    uint32_t limit)
{
	KILN_CHECK(
		at < limit && size <= limit - at,
		"%s: %u texels from %u on along %c reach beyond image \"%s\", which has %u there. Fix: keep "
		"the region within the image",
		call, size, at, axis, name, limit);
	return KILN_OK;
}

static enum kiln_status check_pitches(const struct kiln_image_part *part, const char *name, const char *call)
{
	uint64_t slice = part->row_pitch * (part->size[1] - 1) + part->row_bytes;

	KILN_CHECK(part->row_pitch >= part->row_bytes && part->row_pitch <= UINT32_MAX,
	           "%s: a row pitch of %" PRIu64 " bytes, where a row of image \"%s\" has %" PRIu64
	           ". Fix: pass the distance of two rows in bytes, below 4 GiB, or 0",
	           call, part->row_pitch, name, part->row_bytes);
	KILN_CHECK(part->slice_pitch >= slice && part->slice_pitch <= UINT64_MAX >> 24,
	           "%s: a slice pitch of %" PRIu64
	           " bytes, where a slice of image \"%s\" reaches over %" PRIu64
	           ". Fix: pass the distance of two slices in bytes, below 1 TiB, or 0",
	           call, part->slice_pitch, name, slice);
	return KILN_OK;
}

static uint64_t reach(const struct kiln_image_part *part)
{
	return part->slice_pitch * (part->size[2] - 1) + part->row_pitch * (part->size[1] - 1) +
	       part->row_bytes;
}

enum kiln_status kiln_image_part_of(const struct kiln_image_info *info, const char *name, const char *call,
                                    const struct kiln_image_region *region, uint64_t bytes,
                                    struct kiln_image_part *out_part)
{
	static const struct kiln_image_region all;
	const struct kiln_image_region *r = region ? region : &all;
	const uint32_t limits[3] = {info->width, info->height, info->depth};
	struct kiln_image_part part = {.at = {r->x, r->y, r->z}, .size = {r->width, r->height, r->depth}};

	for (int d = 0; d < 3; d++) {
		if (part.size[d] == 0 && part.at[d] < limits[d])
			part.size[d] = limits[d] - part.at[d];
		KILN_TRY(check_range(name, call, "xyz"[d], part.at[d], part.size[d], limits[d]));
	}
	part.row_bytes = (uint64_t)part.size[0] * info->texel_bytes;
	part.row_pitch = r->row_pitch ? r->row_pitch : part.row_bytes;
	part.slice_pitch = r->slice_pitch ? r->slice_pitch : part.row_pitch * part.size[1];
	KILN_TRY(check_pitches(&part, name, call));
	KILN_CHECK(bytes >= reach(&part),
	           "%s: %" PRIu64 " bytes, where %u x %u x %u texels of image \"%s\" (%s) reach over %" PRIu64
	           ". Fix: pass all of them, or a smaller region",
	           call, bytes, part.size[0], part.size[1], part.size[2], name,
	           kiln_format_name(info->format), reach(&part));
	*out_part = part;
	return KILN_OK;
}

bool kiln_image_piece(const struct kiln_image_part *whole, uint64_t most, uint64_t *next,
                      struct kiln_image_part *out_piece)
{
	uint64_t rows = most / whole->row_bytes ? most / whole->row_bytes : 1;
	uint32_t height = whole->size[1], y = (uint32_t)(*next % height), z = (uint32_t)(*next / height);

	if (z >= whole->size[2])
		return false;
	*out_piece = *whole;
	out_piece->at[1] += y;
	out_piece->at[2] += z;
	if (y == 0 && rows >= height) {
		uint64_t slices = rows / height, left = whole->size[2] - z;

		out_piece->size[2] = (uint32_t)(slices < left ? slices : left);
	} else {
		out_piece->size[1] = (uint32_t)(rows < height - y ? rows : height - y);
		out_piece->size[2] = 1;
	}
	*next += (uint64_t)out_piece->size[1] * out_piece->size[2];
	return true;
}

uint64_t kiln_image_part_bytes(const struct kiln_image_part *part)
{
	return part->row_bytes * part->size[1] * part->size[2];
}

/* Where a row of the piece lies in the caller's memory. */
static uint64_t row_at(const struct kiln_image_part *whole, const struct kiln_image_part *piece, uint32_t y,
                       uint32_t z)
{
	return (piece->at[2] - whole->at[2] + z) * whole->slice_pitch +
	       (piece->at[1] - whole->at[1] + y) * whole->row_pitch;
}

void kiln_image_gather(const struct kiln_image_part *whole, const struct kiln_image_part *piece,
                       const void *data, void *out_tight)
{
	unsigned char *to = out_tight;

	for (uint32_t z = 0; z < piece->size[2]; z++)
		for (uint32_t y = 0; y < piece->size[1]; y++, to += whole->row_bytes)
			memcpy(to, (const unsigned char *)data + row_at(whole, piece, y, z),
			       (size_t)whole->row_bytes);
}

void kiln_image_scatter(const struct kiln_image_part *whole, const struct kiln_image_part *piece,
                        const void *tight, void *out_data)
{
	const unsigned char *from = tight;

	for (uint32_t z = 0; z < piece->size[2]; z++)
		for (uint32_t y = 0; y < piece->size[1]; y++, from += whole->row_bytes)
			memcpy((unsigned char *)out_data + row_at(whole, piece, y, z), from,
			       (size_t)whole->row_bytes);
}
