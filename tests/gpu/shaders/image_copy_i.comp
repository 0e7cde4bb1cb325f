#version 450
#extension GL_EXT_samplerless_texture_functions : require
/* Texel by texel from any format to the same one. */
layout(local_size_x = 8, local_size_y = 8) in;
layout(set = 0, binding = 0) uniform itexture2D source;
layout(set = 0, binding = 1) uniform writeonly iimage2D target;

void main()
{
	ivec2 at = ivec2(gl_GlobalInvocationID.xy);
	if (all(lessThan(at, imageSize(target))))
		imageStore(target, at, texelFetch(source, at, 0));
}
