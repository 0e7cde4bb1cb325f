// Edges of an image: the length of the Sobel gradient, channel by channel.
// images:  source (sampled; its sampler says what lies beyond the border), target (rgba8, write)
// push:    struct { float gain; }
// threads: width, height of the target
#version 450
layout(local_size_x = 8, local_size_x_id = 0, local_size_y = 8, local_size_y_id = 1) in;

layout(set = 0, binding = 0) uniform sampler2D source;
layout(set = 0, binding = 1, rgba8) uniform writeonly image2D target;
layout(push_constant) uniform Push { float gain; };

void main()
{
	ivec2 id = ivec2(gl_GlobalInvocationID.xy), size = imageSize(target);
	if (any(greaterThanEqual(id, size)))
		return;

	vec3 at[9];
	for (int i = 0; i < 9; i++)
		at[i] = textureLod(source, (vec2(id + ivec2(i % 3, i / 3)) - 0.5) / vec2(size), 0).rgb;
	vec3 dx = (at[2] + 2.0 * at[5] + at[8]) - (at[0] + 2.0 * at[3] + at[6]);
	vec3 dy = (at[6] + 2.0 * at[7] + at[8]) - (at[0] + 2.0 * at[1] + at[2]);
	imageStore(target, id, vec4(gain * sqrt(dx * dx + dy * dy), 1.0));
}
