#version 450
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer In { uint source[]; };
layout(set = 0, binding = 1) writeonly buffer Out { uint result[]; };
layout(push_constant) uniform Push { uint n; };
shared uint partial[64];

void main()
{
	uint i = gl_GlobalInvocationID.x, t = gl_LocalInvocationID.x;
	partial[t] = i < n ? source[i] : 0u;
	barrier();
	for (uint step = 32u; step > 0u; step >>= 1) {
		if (t < step)
			partial[t] += partial[t + step];
		barrier();
	}
	if (t == 0u)
		result[gl_WorkGroupID.x] = partial[0];
}
