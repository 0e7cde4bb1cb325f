// Edges: the length of the Sobel gradient, channel by channel.
// buffers: source (uint[], read), target (uint[], write): RGBA8 pixels
// push:    struct { uint32_t width, height; float gain; }
// threads: width, height
#version 450
#extension GL_GOOGLE_include_directive : require
#include "pixel.glsl"

layout(local_size_x = 8, local_size_x_id = 0, local_size_y = 8, local_size_y_id = 1) in;

layout(set = 0, binding = 0) readonly buffer Source { uint source[]; };
layout(set = 0, binding = 1) writeonly buffer Target { uint target[]; };
layout(push_constant) uniform Push { uint width, height; float gain; };

// Beyond the border the nearest pixel repeats.
vec3 at(ivec2 p)
{
	p = clamp(p, ivec2(0), ivec2(width, height) - 1);
	return pixel_unpack(source[p.y * width + p.x]).rgb;
}

void main()
{
	uvec2 id = gl_GlobalInvocationID.xy;
	if (id.x >= width || id.y >= height)
		return;

	ivec2 p = ivec2(id);
	vec3 nw = at(p + ivec2(-1, -1)), n = at(p + ivec2(0, -1)), ne = at(p + ivec2(1, -1));
	vec3 w = at(p + ivec2(-1, 0)), e = at(p + ivec2(1, 0));
	vec3 sw = at(p + ivec2(-1, 1)), s = at(p + ivec2(0, 1)), se = at(p + ivec2(1, 1));

	vec3 dx = (ne + 2.0 * e + se) - (nw + 2.0 * w + sw);
	vec3 dy = (sw + 2.0 * s + se) - (nw + 2.0 * n + ne);
	target[id.y * width + id.x] = pixel_pack(gain * sqrt(dx * dx + dy * dy));
}
