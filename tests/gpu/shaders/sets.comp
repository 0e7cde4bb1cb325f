#version 450
/* Three sets with a hole, bindings with holes, declared out of order. */
layout(local_size_x = 64) in;
layout(set = 3, binding = 2) writeonly buffer Out { uint result[]; };
layout(set = 1, binding = 5) readonly buffer B { uint b[]; };
layout(set = 0, binding = 1) readonly buffer A1 { uint a1[]; };
layout(set = 0, binding = 0) readonly buffer A0 { uint a0[]; };
layout(push_constant) uniform Push { uint n; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i < n)
		result[i] = a0[i] + 10u * a1[i] + 100u * b[i];
}
