// Several sets and gaps in the numbering, a uniform block, and a fixed part before a run-time array.
// target[i] = factor * header.x + source[i]
// buffers: uniforms { float factor; float pad[3]; }, source { vec4 header; float[] } (read),
//          target (float[], write)
// push:    struct { uint32_t n; }    threads: n
#version 450

layout(local_size_x = 64, local_size_x_id = 0) in;

layout(set = 0, binding = 3) uniform Uniforms { float factor; };
layout(set = 1, binding = 0) readonly buffer Source { vec4 header; float source[]; };
layout(set = 1, binding = 5) writeonly buffer Target { float target[]; };
layout(push_constant) uniform Push { uint n; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i < n)
		target[i] = factor * header.x + source[i];
}
