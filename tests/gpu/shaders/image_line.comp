#version 450
/* One dimension, and an array of bindings: each line gets its number and its neighbour's texel. */
layout(local_size_x = 16) in;
layout(set = 0, binding = 2, r32f) uniform image1D lines[3];

void main()
{
	int at = int(gl_GlobalInvocationID.x);
	float a, b, c;
	if (at >= imageSize(lines[0]))
		return;
	a = imageLoad(lines[0], at).x;
	b = imageLoad(lines[1], at).x;
	c = imageLoad(lines[2], at).x;
	imageStore(lines[0], at, vec4(b + 1));
	imageStore(lines[1], at, vec4(c + 2));
	imageStore(lines[2], at, vec4(a + 3));
}
