// A sum in one launch: each subgroup adds in registers, then its first lane adds once to memory.
// Integers, so that the order of the atomics cannot change the result.
// buffers: values (uint[], read), total (uint[1], read and write): start it at 0
// push:    struct { uint32_t n; }
// threads: n
#version 450
#extension GL_KHR_shader_subgroup_arithmetic : require

layout(local_size_x = 64, local_size_x_id = 0) in;

layout(set = 0, binding = 0) readonly buffer Values { uint values[]; };
layout(set = 0, binding = 1) buffer Total { uint total; };
layout(push_constant) uniform Push { uint n; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	uint sum = subgroupAdd(i < n ? values[i] : 0u);
	if (subgroupElect())
		atomicAdd(total, sum);
}
