#version 450
/* 128 bytes of push constants: all that Vulkan promises. */
layout(local_size_x = 32) in;
layout(set = 0, binding = 0) writeonly buffer Out { uint result[]; };
layout(push_constant) uniform Push { uint values[32]; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i < 32u)
		result[i] = values[i];
}
