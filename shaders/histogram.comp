// Counts bytes: 256 bins, first in shared memory, then one atomic per bin and workgroup.
// buffers: data (uint[], read): four bytes each; bins (uint[256], read and write): start them at 0
// push:    struct { uint32_t n; }  (uints, not bytes)
// threads: n
#version 450

layout(local_size_x = 64, local_size_x_id = 0) in;

layout(set = 0, binding = 0) readonly buffer Data { uint data[]; };
layout(set = 0, binding = 1) buffer Bins { uint bins[256]; };
layout(push_constant) uniform Push { uint n; };

shared uint counts[256];

void main()
{
	for (uint bin = gl_LocalInvocationID.x; bin < 256; bin += gl_WorkGroupSize.x)
		counts[bin] = 0;
	barrier();

	uint i = gl_GlobalInvocationID.x;
	if (i < n) {
		uint word = data[i];
		for (uint shift = 0; shift < 32; shift += 8)
			atomicAdd(counts[(word >> shift) & 255u], 1);
	}
	barrier();

	for (uint bin = gl_LocalInvocationID.x; bin < 256; bin += gl_WorkGroupSize.x)
		if (counts[bin] != 0)
			atomicAdd(bins[bin], counts[bin]);
}
