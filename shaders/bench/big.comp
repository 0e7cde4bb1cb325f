// A kernel that is expensive to build and nothing else: rounds of integer mixing whose constants and branches
// all differ, so that no compiler can fold them back together. About 60 ms and 50 KB under RADV's compiler,
// from little SPIR-V: the driver does the unrolling.
// buffers: data (uvec4[], read and write)
// push:    struct { uint32_t n, key; }
// threads: n
#version 450
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 64, local_size_x_id = 0) in;

layout(set = 0, binding = 0) buffer Data { uvec4 data[]; };
layout(push_constant) uniform Push { uint n, key; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i >= n)
		return;
	uvec4 v = data[i] + key;
	[[unroll]] for (uint round = 1; round <= 290; round++) {
		uint k = round * 2654435761u;
		v = v * (k | 1u) + v.yzwx;
		if ((v.x & 64u) != 0)
			v ^= v >> ((k & 15u) | 1u);
		else if (v.y > v.z + key)
			v += v.wxyz;
		v ^= v << (((k >> 4) & 7u) | 1u);
	}
	data[i] = v;
}
