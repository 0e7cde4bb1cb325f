#version 450
#extension GL_GOOGLE_include_directive : require
#define KILN_PREFILTER 1
#include "kiln_speculate.glsl"

layout(local_size_x = 64, local_size_x_id = 0) in;
layout(set = 0, binding = 0) readonly buffer Values { uint values[]; };
layout(push_constant) uniform Push { uint n, below; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i < n && values[i] % 1000u < below)
		kiln_survive(i);
}
