#version 450
/* Writes the counts of an indirect launch. */
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) buffer Counts { uint counts[]; };
layout(push_constant) uniform Push { uint at, x, y, z; };

void main()
{
	counts[at] = x;
	counts[at + 1] = y;
	counts[at + 2] = z;
}
