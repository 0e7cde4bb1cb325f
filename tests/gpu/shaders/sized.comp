#version 450
layout(local_size_x = 16) in;
layout(constant_id = 0) const uint N = 16u;
layout(set = 0, binding = 0) buffer Table { uint table[N * 2u]; };
shared uint part[N];

void main()
{
	uint t = gl_LocalInvocationID.x;
	part[t % N] = table[t % N];
	barrier();
	if (t == 0u)
		table[N] = part[N - 1u];
}
