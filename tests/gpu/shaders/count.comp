#version 450
/* How many threads ran, inside n and altogether. */
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Out { uint inside; uint all; };
layout(push_constant) uniform Push { uint n; };

void main()
{
	atomicAdd(all, 1u);
	if (gl_GlobalInvocationID.x < n)
		atomicAdd(inside, 1u);
}
