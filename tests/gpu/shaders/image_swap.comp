#version 450
/* Exchanges an image and a buffer. */
layout(local_size_x = 8, local_size_y = 8) in;
layout(set = 0, binding = 0) buffer Words { uint words[]; };
layout(set = 0, binding = 1, r32ui) uniform uimage2D data;
layout(push_constant) uniform Push { uint k; };

void main()
{
	ivec2 at = ivec2(gl_GlobalInvocationID.xy), size = imageSize(data);
	if (any(greaterThanEqual(at, size)))
		return;
	uint i = uint(at.y * size.x + at.x), old = imageLoad(data, at).x;
	imageStore(data, at, uvec4(words[i] + k));
	words[i] = old;
}
