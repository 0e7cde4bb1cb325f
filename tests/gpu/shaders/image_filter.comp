#version 450
/* A sampler and an image apart, read between texels. */
layout(local_size_x = 16) in;
layout(set = 0, binding = 0) uniform sampler how;
layout(set = 0, binding = 1) uniform texture2D source;
layout(set = 0, binding = 2) buffer Out { float values[]; };
layout(push_constant) uniform Push { uint n; float first; float step; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i < n)
		values[i] = textureLod(sampler2D(source, how), vec2(first + step * float(i), 0.5), 0).x;
}
