// C = A * B, row-major, through tiles in shared memory.
// buffers: a (float[rows*depth], read), b (float[depth*columns], read), c (float[rows*columns], write)
// push:    struct { uint32_t rows, columns, depth; }
// threads: columns, rows
// spec:    0 and 1 workgroup size, 2 TILE (16): how much of `depth` is held at once
#version 450

layout(local_size_x = 8, local_size_x_id = 0, local_size_y = 8, local_size_y_id = 1) in;
layout(constant_id = 2) const uint TILE = 16;

layout(set = 0, binding = 0) readonly buffer A { float a[]; };
layout(set = 0, binding = 1) readonly buffer B { float b[]; };
layout(set = 0, binding = 2) writeonly buffer C { float c[]; };
layout(push_constant) uniform Push { uint rows, columns, depth; };

shared float tile_a[gl_WorkGroupSize.y * TILE];
shared float tile_b[TILE * gl_WorkGroupSize.x];

// Beyond the border of a matrix lie zeroes.
float at_a(uint row, uint k)
{
	return row < rows && k < depth ? a[row * depth + k] : 0.0;
}

float at_b(uint k, uint column)
{
	return column < columns && k < depth ? b[k * columns + column] : 0.0;
}

void main()
{
	uvec2 size = gl_WorkGroupSize.xy;
	uvec2 local = gl_LocalInvocationID.xy;
	uint column = gl_GlobalInvocationID.x;
	uint row = gl_GlobalInvocationID.y;

	float sum = 0.0;
	for (uint k = 0; k < depth; k += TILE) {
		for (uint i = local.x; i < TILE; i += size.x)
			tile_a[local.y * TILE + i] = at_a(row, k + i);
		for (uint i = local.y; i < TILE; i += size.y)
			tile_b[i * size.x + local.x] = at_b(k + i, column);
		barrier();
		for (uint i = 0; i < TILE; i++)
			sum += tile_a[local.y * TILE + i] * tile_b[i * size.x + local.x];
		barrier();
	}
	if (row < rows && column < columns)
		c[row * columns + column] = sum;
}
