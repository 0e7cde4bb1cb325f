// Counts into 256 bins: atomics in shared memory, then one on the result for each bin and block; UNROLL words a thread.
#version 450

layout(local_size_x = 64, local_size_x_id = 0) in;
layout(constant_id = 1) const uint UNROLL = 4;

layout(set = 0, binding = 0) readonly buffer Data { uint data[]; };
layout(set = 0, binding = 1) buffer Bins { uint bins[256]; };
layout(push_constant) uniform Push { uint n; };

shared uint counts[256];

void count(uint word)
{
	for (uint shift = 0; shift < 32; shift += 8)
		atomicAdd(counts[(word >> shift) & 255u], 1);
}

void main()
{
	uint size = gl_WorkGroupSize.x, lane = gl_LocalInvocationID.x;
	for (uint bin = lane; bin < 256; bin += size)
		counts[bin] = 0;
	barrier();
	for (uint block = gl_WorkGroupID.x * size * UNROLL; block < n; block += gl_NumWorkGroups.x * size * UNROLL)
		for (uint k = 0; k < UNROLL; k++) {
			uint i = block + k * size + lane;
			if (i < n)
				count(data[i]);
		}
	barrier();
	for (uint bin = lane; bin < 256; bin += size)
		if (counts[bin] != 0)
			atomicAdd(bins[bin], counts[bin]);
}
