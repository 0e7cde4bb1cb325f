// Second half of a long prefix sum: adds to every block the scanned total of the blocks before it.
// buffers: values (uint[], read and write), totals (uint[], read): inclusive prefix sums of scan's totals
// push:    struct { uint32_t n, block; }  (block: the workgroup size scan ran with)
// threads: n
#version 450

layout(local_size_x = 64, local_size_x_id = 0) in;

layout(set = 0, binding = 0) buffer Values { uint values[]; };
layout(set = 0, binding = 1) readonly buffer Totals { uint totals[]; };
layout(push_constant) uniform Push { uint n, block; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i < n && i >= block)
		values[i] += totals[i / block - 1];
}
