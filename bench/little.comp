#version 450
/* About 2 KB of compiled code and driver data: the size of an ordinary small kernel. Each SEED makes another one. */
layout(local_size_x = 64) in;
layout(constant_id = 0) const uint SEED = 1u;
layout(set = 0, binding = 0) readonly buffer In { vec4 source[]; };
layout(set = 0, binding = 1) buffer Out { vec4 result[]; };
layout(push_constant) uniform Push { uint n; uint key; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i >= n)
		return;
	vec4 v = source[i];
	vec4 left = source[max(i, 1u) - 1u], right = source[min(i + 1u, n - 1u)];
	uint bits = (i ^ key) * 2654435761u + SEED;
	bits ^= bits >> 15;
	v = mix(v, (left + right) * 0.5, float(bits & 255u) / 255.0);
	v = (v * (2.51 * v + 0.03)) / (v * (2.43 * v + 0.59) + 0.14);
	result[i] = clamp(v, vec4(0.0), vec4(float(SEED)));
}
