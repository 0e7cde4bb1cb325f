// Inclusive prefix sum inside each workgroup (Hillis and Steele, 1986), and each workgroup's total.
// For more than one workgroup: scan `totals` too, then run scan_add.
// buffers: values (uint[], read and write), totals (uint[], write): one per workgroup
// push:    struct { uint32_t n; }
// threads: n
#version 450

layout(local_size_x = 64, local_size_x_id = 0) in;

layout(set = 0, binding = 0) buffer Values { uint values[]; };
layout(set = 0, binding = 1) writeonly buffer Totals { uint totals[]; };
layout(push_constant) uniform Push { uint n; };

shared uint sums[gl_WorkGroupSize.x];

void main()
{
	uint i = gl_GlobalInvocationID.x;
	uint lane = gl_LocalInvocationID.x;

	sums[lane] = i < n ? values[i] : 0u;
	barrier();
	for (uint step = 1; step < gl_WorkGroupSize.x; step *= 2) {
		uint before = lane >= step ? sums[lane - step] : 0u;
		barrier();
		sums[lane] += before;
		barrier();
	}
	if (i < n)
		values[i] = sums[lane];
	if (lane == gl_WorkGroupSize.x - 1)
		totals[gl_WorkGroupID.x] = sums[lane];
}
