// A polynomial by Horner's rule, over and over: arithmetic and next to no memory. UNROLL values a thread.
#version 450

layout(local_size_x = 64, local_size_x_id = 0) in;
layout(constant_id = 1) const uint UNROLL = 1;

layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) writeonly buffer Y { float y[]; };
layout(push_constant) uniform Push { uint n, steps; };

void main()
{
	uint size = gl_WorkGroupSize.x * UNROLL;
	for (uint block = gl_WorkGroupID.x * size; block < n; block += gl_NumWorkGroups.x * size)
		for (uint k = 0; k < UNROLL; k++) {
			uint i = block + k * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
			if (i >= n)
				continue;
			float value = x[i], sum = 0.5;
			for (uint s = 0; s < steps; s++)
				sum = fract(sum * value + 0.25) * 1.0009765625;
			y[i] = sum;
		}
}
