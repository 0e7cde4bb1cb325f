#version 450
/* A kernel big enough that compiling it hurts: about 50 KB of code. Unrolled rounds whose constants all differ, so that no
 * compiler can fold them back into a loop. */
layout(local_size_x = 64) in;
layout(constant_id = 0) const uint SEED = 1u;
layout(set = 0, binding = 0) readonly buffer In { uvec4 source[]; };
layout(set = 0, binding = 1) buffer Out { uvec4 result[]; };
layout(push_constant) uniform Push { uint n; uint key; };

uvec4 twist(uvec4 v, uint k)
{
	v = v * (k | 1u) + v.yzwx;
	if ((v.x & 64u) != 0u)
		v ^= v >> (k & 15u | 1u);
	else if (v.y > v.z + key)
		v += v.wxyz;
	return v ^ (v << (k >> 4 & 7u | 1u));
}

#define R1(c) v = twist(v, (c) * 2654435761u + SEED)
#define R4(c) R1(c); R1(c + 1u); R1(c + 2u); R1(c + 3u)
#define R16(c) R4(c); R4(c + 4u); R4(c + 8u); R4(c + 12u)
#define R64(c) R16(c); R16(c + 16u); R16(c + 32u); R16(c + 48u)

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i >= n)
		return;
	uvec4 v = source[i] + key;
	R64(0u);
	R64(64u);
	R64(128u);
	R64(192u);
	result[i] = v;
}
