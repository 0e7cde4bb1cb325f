// A buffer reached through its address.
// push: struct { uint64_t address; uint32_t n; }    threads: n
#version 450
#extension GL_EXT_buffer_reference : require

layout(local_size_x = 64, local_size_x_id = 0) in;

layout(buffer_reference, std430, buffer_reference_align = 4) buffer Values { uint value[]; };
layout(push_constant) uniform Push { Values values; uint n; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i < n)
		values.value[i] = i;
}
