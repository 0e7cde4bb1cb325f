// One specialisation constant of each common type: writes their values.
// buffers: target (float[5], write)    threads: 1
#version 450
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

layout(local_size_x = 1, local_size_x_id = 0) in;
layout(constant_id = 1) const bool SWITCH = true;
layout(constant_id = 2) const int SIGNED = -2;
layout(constant_id = 3) const uint UNSIGNED = 3;
layout(constant_id = 4) const float REAL = 4.5;
layout(constant_id = 5) const uint64_t WIDE = 5;

layout(set = 0, binding = 0) writeonly buffer Target { float target[5]; };

void main()
{
	target[0] = SWITCH ? 1.0 : 0.0;
	target[1] = float(SIGNED);
	target[2] = float(UNSIGNED);
	target[3] = REAL;
	target[4] = float(WIDE);
}
