#version 450
layout(local_size_x_id = 0) in;
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Total { uint total; };
layout(push_constant) uniform Push { uint n; };

void main()
{
	if (gl_GlobalInvocationID.x < n)
		atomicAdd(total, 1);
}
