// A literal workgroup size, which nobody can change: writes each thread's place in its group.
// buffers: target (uint[], write)    push: struct { uint32_t n; }    threads: n
#version 450

layout(local_size_x = 32) in;

layout(set = 0, binding = 0) writeonly buffer Target { uint target[]; };
layout(push_constant) uniform Push { uint n; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i < n)
		target[i] = gl_LocalInvocationID.x;
}
