#version 450
#extension GL_GOOGLE_include_directive : require
/* As modes_mark, a thread to 32 items. */
#define KILN_PREFILTER 1
#include "kiln_speculate.glsl"

layout(local_size_x = 64, local_size_x_id = 0) in;
layout(set = 0, binding = 0) readonly buffer Values { uint values[]; };
layout(push_constant) uniform Push { uint n, below; };

void main()
{
	uint block = gl_GlobalInvocationID.x, bits = 0u;
	for (uint i = 0; i < 32u; i++)
		if (block * 32u + i >= n || values[block * 32u + i] % 1000u < below)
			bits |= 1u << i;
	kiln_survive_block(block, bits);
}
