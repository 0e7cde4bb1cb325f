#version 450
/* A fixed part of 64 bytes in front of the run-time array. */
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Data { uint fixed_part[16]; uint rest[]; };

void main()
{
	if (gl_GlobalInvocationID.x == 0u) {
		fixed_part[15] = 1u;
		rest[0] = uint(rest.length());
	}
}
