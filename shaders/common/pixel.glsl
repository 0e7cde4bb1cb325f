// Pixels of a picture: 8-bit RGBA in one uint, red in the low byte, rows from the top.
#ifndef PIXEL_GLSL
#define PIXEL_GLSL

vec4 pixel_unpack(uint pixel) { return unpackUnorm4x8(pixel); }

uint pixel_pack(vec3 colour) { return packUnorm4x8(vec4(clamp(colour, 0.0, 1.0), 1.0)); }

// Linear light to the sRGB curve, IEC 61966-2-1.
vec3 srgb_encode(vec3 linear)
{
	vec3 low = linear * 12.92;
	vec3 high = 1.055 * pow(max(linear, vec3(0.0)), vec3(1.0 / 2.4)) - 0.055;
	return mix(high, low, lessThanEqual(linear, vec3(0.0031308)));
}

#endif
