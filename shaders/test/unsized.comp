// Every dimension defaults to 1, so the runtime's rule picks the size: writes the size it was built with.
// buffers: target (uint[], write)    push: struct { uint32_t n; }    threads: n
#version 450

layout(local_size_x_id = 0) in;

layout(set = 0, binding = 0) writeonly buffer Target { uint target[]; };
layout(push_constant) uniform Push { uint n; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i < n)
		target[i] = gl_WorkGroupSize.x;
}
