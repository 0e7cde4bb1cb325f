#version 450
/* Shared memory that grows with the tile. */
layout(local_size_x_id = 0) in;
layout(local_size_x = 64) in;
layout(constant_id = 1) const uint TILE_X = 4u;
layout(constant_id = 2) const uint TILE_Y = 4u;
layout(constant_id = 3) const uint UNROLL = 1u;
layout(constant_id = 4) const float SCALE = 2.0;
layout(set = 0, binding = 0) writeonly buffer Out { float result[]; };
shared float tile[TILE_X * TILE_Y];

void main()
{
	for (uint k = gl_LocalInvocationID.x; k < TILE_X * TILE_Y; k += gl_WorkGroupSize.x)
		tile[k] = SCALE * float(UNROLL);
	barrier();
	if (gl_GlobalInvocationID.x == 0u)
		result[0] = tile[0];
}
