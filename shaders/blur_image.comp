// One direction of a Gaussian blur of an image, two texels for each look: the sampler mixes neighbours.
// images:  source (sampled, KILN_FILTER_LINEAR), target (rgba8, write), of any two sizes
// push:    struct { float along_x, along_y, sigma; }: 1, 0 = rows; 0, 1 = columns; sigma in texels
// threads: width, height of the target
#version 450
layout(local_size_x = 8, local_size_x_id = 0, local_size_y = 8, local_size_y_id = 1) in;

layout(set = 0, binding = 0) uniform sampler2D source;
layout(set = 0, binding = 1, rgba8) uniform writeonly image2D target;
layout(push_constant) uniform Push { float along_x, along_y, sigma; };

float weight(int distance)
{
	return exp(-0.5 * float(distance * distance) / (sigma * sigma));
}

void main()
{
	ivec2 id = ivec2(gl_GlobalInvocationID.xy), size = imageSize(target);
	if (any(greaterThanEqual(id, size)))
		return;

	vec2 along = vec2(along_x, along_y) / vec2(textureSize(source, 0)), at = (vec2(id) + 0.5) / vec2(size);
	vec4 sum = textureLod(source, at, 0);
	float total = 1.0;
	for (int i = 1; i <= int(ceil(3.0 * sigma)); i += 2) {
		float near = weight(i), both = near + weight(i + 1);
		vec2 off = along * (float(i) + 1.0 - near / both);
		sum += both * (textureLod(source, at + off, 0) + textureLod(source, at - off, 0));
		total += 2.0 * both;
	}
	imageStore(target, id, sum / total);
}
