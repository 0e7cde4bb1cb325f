#version 450
layout(local_size_x = 4, local_size_y = 4, local_size_z = 4) in;
layout(set = 0, binding = 0) writeonly buffer Out { uint result[]; };
layout(push_constant) uniform Push { uvec3 size; };

void main()
{
	uvec3 at = gl_GlobalInvocationID;
	if (all(lessThan(at, size)))
		result[(at.z * size.y + at.y) * size.x + at.x] = at.z << 20 | at.y << 10 | at.x;
}
