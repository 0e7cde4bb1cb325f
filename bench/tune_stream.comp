// y = a * x + y, UNROLL elements a thread, with any number of threads.
#version 450

layout(local_size_x = 64, local_size_x_id = 0) in;
layout(constant_id = 1) const uint UNROLL = 1;

layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) readonly buffer Y { float y[]; };
layout(set = 0, binding = 2) writeonly buffer Z { float z[]; };
layout(push_constant) uniform Push { uint n; };

void main()
{
	uint size = gl_WorkGroupSize.x * UNROLL;
	for (uint block = gl_WorkGroupID.x * size; block < n; block += gl_NumWorkGroups.x * size)
		for (uint k = 0; k < UNROLL; k++) {
			uint i = block + k * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
			if (i < n)
				z[i] = 1.5 * x[i] + y[i];
		}
}
