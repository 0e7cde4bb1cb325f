// C = A * B, row-major. A workgroup computes a block of C through shared memory, TILE_X * TILE_Y values a thread, then the
// block as many blocks on as there are workgroups: the result does not depend on how large they are or how many.
// buffers: a (float[rows*depth], read), b (float[depth*columns], read), c (float[rows*columns], write)
// push:    struct { uint32_t rows, columns, depth; }
// threads: any number, in x and y; columns, rows gives every value a thread of its own
// spec:    0 and 1 workgroup size, 2 TILE_X (1) and 3 TILE_Y (1): values of C a thread computes, 4 TILE_Z (8): how much of
//          `depth` is held at once
#version 450

layout(local_size_x = 8, local_size_x_id = 0, local_size_y = 8, local_size_y_id = 1) in;
layout(constant_id = 2) const uint TILE_X = 1;
layout(constant_id = 3) const uint TILE_Y = 1;
layout(constant_id = 4) const uint TILE_Z = 8;

layout(set = 0, binding = 0) readonly buffer A { float a[]; };
layout(set = 0, binding = 1) readonly buffer B { float b[]; };
layout(set = 0, binding = 2) writeonly buffer C { float c[]; };
layout(push_constant) uniform Push { uint rows, columns, depth; };

const uint WIDE = gl_WorkGroupSize.x * TILE_X;
const uint HIGH = gl_WorkGroupSize.y * TILE_Y;

shared float tile_a[HIGH * TILE_Z];
shared float tile_b[TILE_Z * WIDE];

float sums[TILE_X * TILE_Y];

// Beyond the border of a matrix lie zeroes.
void load(uint top, uint left, uint k)
{
	uint lane = gl_LocalInvocationIndex;
	uint lanes = gl_WorkGroupSize.x * gl_WorkGroupSize.y;
	for (uint i = lane; i < HIGH * TILE_Z; i += lanes) {
		uint row = top + i / TILE_Z, at = k + i % TILE_Z;
		tile_a[i] = row < rows && at < depth ? a[row * depth + at] : 0.0;
	}
	for (uint i = lane; i < TILE_Z * WIDE; i += lanes) {
		uint at = k + i / WIDE, column = left + i % WIDE;
		tile_b[i] = at < depth && column < columns ? b[at * columns + column] : 0.0;
	}
}

void multiply()
{
	uvec2 local = gl_LocalInvocationID.xy;
	for (uint k = 0; k < TILE_Z; k++)
		for (uint y = 0; y < TILE_Y; y++)
			for (uint x = 0; x < TILE_X; x++)
				sums[y * TILE_X + x] += tile_a[(y * gl_WorkGroupSize.y + local.y) * TILE_Z + k] *
				                        tile_b[k * WIDE + x * gl_WorkGroupSize.x + local.x];
}

void store(uint top, uint left)
{
	for (uint y = 0; y < TILE_Y; y++)
		for (uint x = 0; x < TILE_X; x++) {
			uint row = top + y * gl_WorkGroupSize.y + gl_LocalInvocationID.y;
			uint column = left + x * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
			if (row < rows && column < columns)
				c[row * columns + column] = sums[y * TILE_X + x];
		}
}

void main()
{
	uint across = (columns + WIDE - 1) / WIDE, down = (rows + HIGH - 1) / HIGH;
	uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
	uint groups = gl_NumWorkGroups.x * gl_NumWorkGroups.y;

	for (uint block = group; block < across * down; block += groups) {
		uint top = block / across * HIGH, left = block % across * WIDE;
		for (uint i = 0; i < TILE_X * TILE_Y; i++)
			sums[i] = 0.0;
		for (uint k = 0; k < depth; k += TILE_Z) {
			load(top, left, k);
			barrier();
			multiply();
			barrier();
		}
		store(top, left);
	}
}
