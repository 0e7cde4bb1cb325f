#version 450
layout(local_size_x = 8, local_size_y = 8) in;
layout(set = 0, binding = 0) writeonly buffer Out { uint result[]; };
layout(push_constant) uniform Push { uint width; uint height; };

void main()
{
	uvec2 at = gl_GlobalInvocationID.xy;
	if (at.x < width && at.y < height)
		result[at.y * width + at.x] = at.y << 16 | at.x;
}
