#version 450
layout(local_size_x = 1) in;
layout(set = 0, binding = 0, r32f) uniform writeonly image2DArray layers;

void main()
{
	imageStore(layers, ivec3(0), vec4(1));
}
