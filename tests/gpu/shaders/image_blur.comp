#version 450
/* The mean of nine neighbours, through a sampler that says what lies beyond the border. */
layout(local_size_x = 8, local_size_y = 8) in;
layout(set = 0, binding = 0) uniform sampler2D source;
layout(set = 0, binding = 1, rgba8) uniform writeonly image2D target;

void main()
{
	ivec2 at = ivec2(gl_GlobalInvocationID.xy), size = imageSize(target);
	vec4 sum = vec4(0);
	if (any(greaterThanEqual(at, size)))
		return;
	for (int y = -1; y <= 1; y++)
		for (int x = -1; x <= 1; x++)
			sum += textureLod(source, (vec2(at + ivec2(x, y)) + 0.5) / vec2(size), 0);
	imageStore(target, at, sum / 9);
}
