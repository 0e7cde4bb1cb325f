#version 450
/* saxpy, and UNROLL makes no difference to the hostile driver. */
layout(local_size_x_id = 0) in;
layout(local_size_x = 64) in;
layout(constant_id = 1) const uint UNROLL = 1u;
layout(set = 0, binding = 0) readonly buffer X { float x[]; };
layout(set = 0, binding = 1) buffer Y { float y[]; };
layout(push_constant) uniform Push { uint n; float a; };

void main()
{
	for (uint k = 0u; k < UNROLL; k++) {
		uint i = gl_GlobalInvocationID.x;
		if (k == 0u && i < n)
			y[i] = a * x[i] + y[i];
	}
}
