// Three dimensions: writes x + 100 * y + 10000 * z into a dense array.
// buffers: target (uint[], write)    push: struct { uint32_t size[3]; }    threads: size
#version 450

layout(local_size_x = 4, local_size_x_id = 0, local_size_y = 4, local_size_y_id = 1, local_size_z = 4,
       local_size_z_id = 2) in;

layout(set = 0, binding = 0) writeonly buffer Target { uint target[]; };
layout(push_constant) uniform Push { uvec3 size; };

void main()
{
	uvec3 id = gl_GlobalInvocationID;
	if (all(lessThan(id, size)))
		target[(id.z * size.y + id.y) * size.x + id.x] = id.x + 100u * id.y + 10000u * id.z;
}
