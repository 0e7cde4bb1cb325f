#version 450
/* Reads one image through a sampler that repeats it, shifted, and writes another. */
layout(local_size_x = 8, local_size_y = 8) in;
layout(set = 0, binding = 0) uniform usampler2D source;
layout(set = 1, binding = 0, r32ui) uniform writeonly uimage2D target;
layout(push_constant) uniform Push { uint k; };

void main()
{
	ivec2 at = ivec2(gl_GlobalInvocationID.xy), size = imageSize(target);
	if (any(greaterThanEqual(at, size)))
		return;
	vec2 from = (vec2(at + ivec2(k % 7u, k % 5u)) + 0.5) / vec2(size);
	imageStore(target, at, uvec4(textureLod(source, from, 0).x * 3u + k));
}
