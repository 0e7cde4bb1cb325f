#version 450
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) uniform Facts { vec4 scale; uint n; uint offset; } facts;
layout(set = 0, binding = 1) buffer Data { vec4 data[]; };

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i < facts.n)
		data[i] = data[i] * facts.scale + float(facts.offset);
}
