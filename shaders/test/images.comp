// Images beside buffers: a sampled picture into a storage image.
#version 450

layout(local_size_x = 8, local_size_x_id = 0, local_size_y = 8, local_size_y_id = 1) in;

layout(set = 0, binding = 0) uniform sampler2D source;
layout(set = 0, binding = 1, rgba8) uniform writeonly image2D target;

void main()
{
	ivec2 p = ivec2(gl_GlobalInvocationID.xy);
	ivec2 size = imageSize(target);
	if (all(lessThan(p, size)))
		imageStore(target, p, textureLod(source, (vec2(p) + 0.5) / vec2(size), 0.0));
}
