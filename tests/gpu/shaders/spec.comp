#version 450
layout(local_size_x_id = 10, local_size_y_id = 11, local_size_z_id = 12) in;
layout(constant_id = 0) const uint A = 7u;
layout(constant_id = 1) const float B = 1.5;
layout(constant_id = 2) const bool C = false;
layout(constant_id = 3) const int D = -3;
layout(set = 0, binding = 0) writeonly buffer Out { uint result[]; };

void main()
{
	if (gl_GlobalInvocationID != uvec3(0u))
		return;
	result[0] = A;
	result[1] = floatBitsToUint(B);
	result[2] = C ? 1u : 0u;
	result[3] = uint(D);
	result[4] = gl_WorkGroupSize.x;
	result[5] = gl_WorkGroupSize.y;
	result[6] = gl_WorkGroupSize.z;
}
