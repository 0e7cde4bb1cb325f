#version 450
/* A sum by barriers and shared memory that is the same at every workgroup size: integers, added up by an atomic. */
layout(local_size_x_id = 0) in;
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer In { uint source[]; };
layout(set = 0, binding = 1) buffer Out { uint result[]; };
layout(push_constant) uniform Push { uint n; };
shared uint partial[1024];

void main()
{
	uint i = gl_GlobalInvocationID.x, t = gl_LocalInvocationID.x;
	partial[t] = i < n ? source[i] : 0u;
	barrier();
	for (uint step = gl_WorkGroupSize.x / 2u; step > 0u; step >>= 1) {
		if (t < step)
			partial[t] += partial[t + step];
		barrier();
	}
	if (t == 0u)
		atomicAdd(result[0], partial[0]);
}
