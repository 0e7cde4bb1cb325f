// Five-point average of a picture, one thread a pixel.
#version 450

layout(local_size_x = 8, local_size_x_id = 0, local_size_y = 8, local_size_y_id = 1) in;

layout(set = 0, binding = 0) readonly buffer From { float from[]; };
layout(set = 0, binding = 1) writeonly buffer To { float to[]; };
layout(push_constant) uniform Push { uint width, height; };

float at(uint x, uint y)
{
	return from[min(y, height - 1) * width + min(x, width - 1)];
}

void main()
{
	uint x = gl_GlobalInvocationID.x, y = gl_GlobalInvocationID.y;
	if (x >= width || y >= height)
		return;
	float around = at(max(x, 1u) - 1, y) + at(x + 1, y) + at(x, max(y, 1u) - 1) + at(x, y + 1);
	to[y * width + x] = 0.5 * at(x, y) + 0.125 * around;
}
