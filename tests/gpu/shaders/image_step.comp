#version 450
/* One step of a chain that only the right order gives. */
layout(local_size_x = 8, local_size_y = 8) in;
layout(set = 0, binding = 0, r32ui) uniform uimage2D data;
layout(push_constant) uniform Push { uint k; };

void main()
{
	ivec2 at = ivec2(gl_GlobalInvocationID.xy);
	if (all(lessThan(at, imageSize(data))))
		imageStore(data, at, uvec4(imageLoad(data, at).x * 1664525u + k + uint(at.x + 31 * at.y)));
}
