#include "picture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stb_image.h>
#include <stb_image_write.h>

#define SIDE_MAX 16384u

bool picture_create(struct picture *picture, uint32_t width, uint32_t height)
{
	*picture = (struct picture){.width = width, .height = height};
	picture->pixels = calloc((size_t)width * height, sizeof *picture->pixels);
	if (!picture->pixels)
		fprintf(stderr, "No memory for a picture of %u x %u pixels. Fix: ask for a smaller one.\n",
		        width, height);
	return picture->pixels != NULL;
}

bool picture_read(struct picture *picture, const char *path)
{
	int width = 0, height = 0, channels = 0;
	stbi_uc *bytes = stbi_load(path, &width, &height, &channels, 4);
	if (!bytes) {
		fprintf(stderr, "%s: not a picture that can be read: %s. Fix: give a PNG file.\n", path,
		        stbi_failure_reason());
		return false;
	}
	bool ok = (uint32_t)width <= SIDE_MAX && (uint32_t)height <= SIDE_MAX;
	if (!ok)
		fprintf(stderr, "%s: %d x %d pixels, more than %u a side. Fix: give a smaller picture.\n",
		        path, width, height, SIDE_MAX);
	ok = ok && picture_create(picture, (uint32_t)width, (uint32_t)height);
	if (ok)
		memcpy(picture->pixels, bytes, (size_t)width * (size_t)height * 4);
	stbi_image_free(bytes);
	return ok;
}

static void put(void *file, void *data, int bytes)
{
	(void)fwrite(data, 1, (size_t)bytes, file);
}

bool picture_write(const struct picture *picture, const char *path)
{
	FILE *file = fopen(path, "wb");
	bool written = file && stbi_write_png_to_func(put, file, (int)picture->width, (int)picture->height, 4,
	                                              picture->pixels, (int)picture->width * 4);
	/* A full disk shows when the last bytes leave. */
	written = file && !ferror(file) && written;
	if (file && fclose(file) != 0)
		written = false;
	if (!written)
		fprintf(stderr, "%s: cannot be written. Fix: name a file in a folder you may write to.\n",
		        path);
	return written;
}

void picture_destroy(struct picture *picture)
{
	free(picture->pixels);
	*picture = (struct picture){0};
}

bool picture_join(struct picture *joined, const struct picture *const *pictures, uint32_t count, uint32_t gap)
{
	uint32_t width = pictures[0]->width, height = pictures[0]->height;
	if (!picture_create(joined, count * (width + gap) + gap, height + 2 * gap))
		return false;
	for (size_t i = 0; i < (size_t)joined->width * joined->height; i++)
		joined->pixels[i] = 0xff181412u;
	for (uint32_t k = 0; k < count; k++)
		for (uint32_t y = 0; y < height; y++)
			memcpy(joined->pixels + (size_t)(y + gap) * joined->width + gap + k * (width + gap),
			       pictures[k]->pixels + (size_t)y * width, width * sizeof *joined->pixels);
	return true;
}

/* The nearest pixel inside the picture, as red, green, blue from 0 to 1. */
static void pixel_at(const struct picture *picture, int64_t x, int64_t y, float out_rgb[3])
{
	x = x < 0 ? 0 : x >= picture->width ? picture->width - 1 : x;
	y = y < 0 ? 0 : y >= picture->height ? picture->height - 1 : y;
	uint32_t pixel = picture->pixels[(size_t)y * picture->width + (size_t)x];
	for (int c = 0; c < 3; c++)
		out_rgb[c] = (float)(pixel >> 8 * c & 255) / 255.0f;
}

static bool inside(const struct picture *picture, int64_t x, int64_t y)
{
	return x >= 0 && y >= 0 && x < picture->width && y < picture->height;
}

void picture_bilateral(const struct picture *source, uint32_t x, uint32_t y, int radius, float sigma_space,
                       float sigma_range, float out_rgb[3])
{
	double sum[3] = {0}, weights = 0;
	float centre[3], colour[3];

	pixel_at(source, x, y, centre);
	for (int dy = -radius; dy <= radius; dy++) {
		for (int dx = -radius; dx <= radius; dx++) {
			if (!inside(source, (int64_t)x + dx, (int64_t)y + dy))
				continue;
			pixel_at(source, (int64_t)x + dx, (int64_t)y + dy, colour);
			double apart = 0, away = dx * dx + dy * dy;
			for (int c = 0; c < 3; c++)
				apart += (double)(colour[c] - centre[c]) * (colour[c] - centre[c]);
			double weight = exp(-0.5 * away / (sigma_space * sigma_space) -
			                    0.5 * apart / (sigma_range * sigma_range));
			for (int c = 0; c < 3; c++)
				sum[c] += weight * colour[c];
			weights += weight;
		}
	}
	for (int c = 0; c < 3; c++)
		out_rgb[c] = (float)(sum[c] / weights);
}

void picture_sobel(const struct picture *source, uint32_t x, uint32_t y, float gain, float out_rgb[3])
{
	static const float ACROSS[3][3] = {{-1, 0, 1}, {-2, 0, 2}, {-1, 0, 1}};
	float dx[3] = {0}, dy[3] = {0}, colour[3];

	for (int j = 0; j < 3; j++) {
		for (int i = 0; i < 3; i++) {
			pixel_at(source, (int64_t)x + i - 1, (int64_t)y + j - 1, colour);
			for (int c = 0; c < 3; c++) {
				dx[c] += ACROSS[j][i] * colour[c];
				dy[c] += ACROSS[i][j] * colour[c];
			}
		}
	}
	for (int c = 0; c < 3; c++)
		out_rgb[c] = fminf(gain * sqrtf(dx[c] * dx[c] + dy[c] * dy[c]), 1.0f);
}

bool picture_matches(const struct picture *picture, uint32_t x, uint32_t y, const float rgb[3])
{
	float got[3];
	pixel_at(picture, x, y, got);
	for (int c = 0; c < 3; c++)
		if (!(fabsf(got[c] - rgb[c]) <= 2.01f / 255.0f))
			return false;
	return true;
}
