// The sum of every row of a matrix. A workgroup adds up one row, then the one as many rows on as there are workgroups,
// so that the result does not depend on how large they are or how many.
// buffers: values (float[rows*columns], read), sums (float[rows], write)
// push:    struct { uint32_t rows, columns; }
// threads: any number; rows * 64 gives every row a workgroup of its own
// spec:    0 workgroup size, 1 UNROLL (1): values a thread takes at once
#version 450

layout(local_size_x = 64, local_size_x_id = 0) in;
layout(constant_id = 1) const uint UNROLL = 1;

layout(set = 0, binding = 0) readonly buffer Values { float values[]; };
layout(set = 0, binding = 1) writeonly buffer Sums { float sums[]; };
layout(push_constant) uniform Push { uint rows, columns; };

shared float partial[gl_WorkGroupSize.x];

float row_part(uint row)
{
	uint size = gl_WorkGroupSize.x;
	float sum = 0.0;
	for (uint first = gl_LocalInvocationID.x; first < columns; first += size * UNROLL)
		for (uint k = 0; k < UNROLL; k++) {
			uint column = first + k * size; // neighbours read neighbours
			if (column < columns)
				sum += values[row * columns + column];
		}
	return sum;
}

void main()
{
	uint lane = gl_LocalInvocationID.x;

	for (uint row = gl_WorkGroupID.x; row < rows; row += gl_NumWorkGroups.x) {
		partial[lane] = row_part(row);
		barrier();
		// Halving rounds up, so that sizes which are no power of two lose nothing.
		for (uint live = gl_WorkGroupSize.x; live > 1;) {
			uint keep = (live + 1) / 2;
			if (lane + keep < live)
				partial[lane] += partial[lane + keep];
			live = keep;
			barrier();
		}
		if (lane == 0)
			sums[row] = partial[0];
		barrier();
	}
}
