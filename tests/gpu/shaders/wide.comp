#version 450
/* A workgroup no device of this decade takes. */
layout(local_size_x = 1024, local_size_y = 1024) in;
layout(set = 0, binding = 0) buffer Data { uint data[]; };

void main()
{
	data[gl_GlobalInvocationID.x] = 1u;
}
