#version 450
/* Leaves a pattern in workgroup memory for whoever reads it before writing it. What is read back at the end, from a place no
 * compiler knows, is only there to make the writes worth doing. */
layout(local_size_x = 64) in;
layout(constant_id = 0) const uint WORDS = 4096u;
layout(set = 0, binding = 0) buffer Result { uint result[]; };
layout(push_constant) uniform Push { uint pattern; };
shared uint words[WORDS];

void main()
{
	for (uint i = gl_LocalInvocationID.x; i < WORDS; i += 64u)
		words[i] = pattern;
	if (words[pattern % WORDS] == 1u)
		result[0] = 1u;
}
