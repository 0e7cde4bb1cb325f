// The Mandelbrot set, coloured by how fast a point escapes.
// buffers: target (uint[], write): RGBA8 pixels
// push:    struct { uint32_t width, height; float centre_x, centre_y, span; uint32_t iterations; }
//          span: height of the view in the complex plane
// threads: width, height
// spec:    0 and 1 workgroup size, 2 SAMPLES (2): SAMPLES * SAMPLES points per pixel
#version 450
#extension GL_GOOGLE_include_directive : require
#include "pixel.glsl"

layout(local_size_x = 8, local_size_x_id = 0, local_size_y = 8, local_size_y_id = 1) in;
layout(constant_id = 2) const uint SAMPLES = 2;

layout(set = 0, binding = 0) writeonly buffer Target { uint target[]; };
layout(push_constant) uniform Push { uint width, height; float centre_x, centre_y, span; uint iterations; };

// A smooth palette: night blue, ice, sand, ember, and round again. Inigo Quilez, "Palettes", 2000.
vec3 palette(float t) { return 0.5 + 0.5 * cos(6.2831853 * (t + vec3(0.50, 0.60, 0.70))); }

vec3 colour_of(vec2 c)
{
	vec2 z = vec2(0.0);
	uint steps = 0;
	// Escaping far beyond the radius of 2 makes the fraction of a step below accurate.
	while (steps < iterations && dot(z, z) < 65536.0) {
		z = vec2(z.x * z.x - z.y * z.y, 2.0 * z.x * z.y) + c;
		steps++;
	}
	if (steps == iterations)
		return vec3(0.0);
	float smooth_steps = float(steps) + 4.0 - log2(log2(dot(z, z)));
	return palette(0.18 * sqrt(max(smooth_steps, 0.0)));
}

void main()
{
	uvec2 id = gl_GlobalInvocationID.xy;
	if (id.x >= width || id.y >= height)
		return;

	float scale = span / float(height);
	vec3 sum = vec3(0.0);
	for (uint i = 0; i < SAMPLES * SAMPLES; i++) {
		vec2 inside = (vec2(i % SAMPLES, i / SAMPLES) + 0.5) / float(SAMPLES);
		vec2 away = (vec2(id) + inside - 0.5 * vec2(width, height)) * scale;
		sum += colour_of(vec2(centre_x + away.x, centre_y - away.y));
	}
	target[id.y * width + id.x] = pixel_pack(sum / float(SAMPLES * SAMPLES));
}
