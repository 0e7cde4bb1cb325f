// Edge-preserving smoothing: the bilateral filter of Tomasi and Manduchi, ICCV 1998. Each pixel becomes the
// mean of its neighbours, weighted by how near they are and by how alike.
// buffers: source (uint[], read), target (uint[], write): RGBA8 pixels
// push:    struct { uint32_t width, height; float sigma_space; float sigma_range; }
//          sigma_space in pixels, sigma_range in distance of colours from 0 to 1
// threads: width, height
// spec:    0 and 1 workgroup size, 2 RADIUS (4) in pixels
#version 450
#extension GL_GOOGLE_include_directive : require
#include "pixel.glsl"

layout(local_size_x = 8, local_size_x_id = 0, local_size_y = 8, local_size_y_id = 1) in;
layout(constant_id = 2) const int RADIUS = 4;

layout(set = 0, binding = 0) readonly buffer Source { uint source[]; };
layout(set = 0, binding = 1) writeonly buffer Target { uint target[]; };
layout(push_constant) uniform Push { uint width, height; float sigma_space; float sigma_range; };

void main()
{
	uvec2 id = gl_GlobalInvocationID.xy;
	if (id.x >= width || id.y >= height)
		return;

	ivec2 p = ivec2(id);
	ivec2 low = max(p - RADIUS, ivec2(0));
	ivec2 high = min(p + RADIUS, ivec2(width, height) - 1);
	float space = -0.5 / (sigma_space * sigma_space);
	float range = -0.5 / (sigma_range * sigma_range);
	vec3 centre = pixel_unpack(source[p.y * width + p.x]).rgb;

	vec3 sum = vec3(0.0);
	float weights = 0.0;
	for (int y = low.y; y <= high.y; y++) {
		for (int x = low.x; x <= high.x; x++) {
			vec3 colour = pixel_unpack(source[y * width + x]).rgb;
			vec3 apart = colour - centre;
			vec2 away = vec2(x, y) - vec2(p);
			float weight = exp(space * dot(away, away) + range * dot(apart, apart));
			sum += weight * colour;
			weights += weight;
		}
	}
	target[id.y * width + id.x] = pixel_pack(sum / weights); // the centre weighs 1
}
