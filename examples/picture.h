/* Pictures in host memory: 8-bit RGBA pixels, rows from the top; PNG through stb. */
#ifndef PICTURE_H
#define PICTURE_H

#include <stdbool.h>
#include <stdint.h>

struct picture {
	uint32_t width, height; /* pixels */
	uint32_t *pixels;       /* red in the low byte */
};

/* All false after saying on stderr what went wrong. */
bool picture_create(struct picture *picture, uint32_t width, uint32_t height);
bool picture_read(struct picture *picture, const char *path); /* PNG, JPEG or anything else stb reads */
bool picture_write(const struct picture *picture, const char *path);
void picture_destroy(struct picture *picture);

/* Lays pictures of one size side by side, `gap` pixels of near-black around each. */
bool picture_join(struct picture *joined, const struct picture *const *pictures, uint32_t count, uint32_t gap);

/* The processor's own answer for one pixel, to check a kernel against: red, green, blue from 0 to 1. */
void picture_bilateral(const struct picture *source, uint32_t x, uint32_t y, int radius, float sigma_space,
                       float sigma_range, float out_rgb[3]);
void picture_sobel(const struct picture *source, uint32_t x, uint32_t y, float gain, float out_rgb[3]);

/* True when the pixel is within two steps of 255 of `rgb` in every channel. */
bool picture_matches(const struct picture *picture, uint32_t x, uint32_t y, const float rgb[3]);

#endif
