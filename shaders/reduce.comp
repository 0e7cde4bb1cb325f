// One step of a sum: every workgroup adds ITEMS values per thread and writes one partial sum.
// buffers: values (float[], read), sums (float[], write): one per workgroup
// push:    struct { uint32_t n; }
// threads: ceil(n / ITEMS); launch again on `sums` until one is left
// spec:    0 workgroup size, 1 ITEMS (8)
#version 450

layout(local_size_x = 64, local_size_x_id = 0) in;
layout(constant_id = 1) const uint ITEMS = 8;

layout(set = 0, binding = 0) readonly buffer Values { float values[]; };
layout(set = 0, binding = 1) writeonly buffer Sums { float sums[]; };
layout(push_constant) uniform Push { uint n; };

shared float partial[gl_WorkGroupSize.x];

void main()
{
	uint size = gl_WorkGroupSize.x;
	uint lane = gl_LocalInvocationID.x;
	uint first = gl_WorkGroupID.x * size * ITEMS + lane;

	float sum = 0.0;
	for (uint k = 0; k < ITEMS; k++) {
		uint i = first + k * size; // neighbours read neighbours
		if (i < n)
			sum += values[i];
	}
	partial[lane] = sum;
	barrier();

	// Halving rounds up, so that sizes which are no power of two lose nothing.
	for (uint live = size; live > 1;) {
		uint keep = (live + 1) / 2;
		if (lane + keep < live)
			partial[lane] += partial[lane + keep];
		live = keep;
		barrier();
	}
	if (lane == 0)
		sums[gl_WorkGroupID.x] = partial[0];
}
