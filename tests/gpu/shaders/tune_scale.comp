#version 450
/* In place, unrolled: every thread takes UNROLL neighbours, and as many threads as there are neighbourhoods do all. */
layout(local_size_x_id = 0) in;
layout(local_size_x = 1) in;
layout(constant_id = 1) const uint UNROLL = 1u;
layout(set = 0, binding = 0) buffer Data { float data[]; };
layout(push_constant) uniform Push { uint n; float a; };

void main()
{
	uint threads = gl_NumWorkGroups.x * gl_WorkGroupSize.x;
	for (uint first = gl_GlobalInvocationID.x * UNROLL; first < n; first += threads * UNROLL)
		for (uint k = 0u; k < UNROLL; k++)
			if (first + k < n)
				data[first + k] = data[first + k] * a + 1.0;
}
