#version 450
#extension GL_EXT_samplerless_texture_functions : require
/* Three dimensions: a sampled image, texel by texel, into a storage image, in the order of the axes turned round. */
layout(local_size_x = 4, local_size_y = 2, local_size_z = 2) in;
layout(set = 0, binding = 0) uniform utexture3D source;
layout(set = 0, binding = 1, r32ui) uniform writeonly uimage3D target;
layout(push_constant) uniform Push { uint k; };

void main()
{
	ivec3 at = ivec3(gl_GlobalInvocationID), size = imageSize(target);
	if (all(lessThan(at, size)))
		imageStore(target, at, uvec4(texelFetch(source, size - 1 - at, 0).x + k));
}
