#version 450
/* About 6 KB of SPIR-V: the size of an ordinary image or simulation kernel. */
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer In { vec4 source[]; };
layout(set = 0, binding = 1) buffer Out { vec4 result[]; };
layout(push_constant) uniform Push { uint n; uint width; float sigma; float gain; };

float weight(vec4 a, vec4 b, float distance)
{
	vec4 d = a - b;
	return exp(-dot(d.rgb, d.rgb) * sigma - distance);
}

uint at(int x, int y)
{
	int w = int(width), h = int(n / width);
	return uint(clamp(y, 0, h - 1) * w + clamp(x, 0, w - 1));
}

vec4 tone(vec4 c)
{
	vec3 x = max(c.rgb * gain, vec3(0.0));
	vec3 mapped = (x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14);
	float grey = dot(mapped, vec3(0.2126, 0.7152, 0.0722));
	return vec4(mix(vec3(grey), mapped, 0.9), c.a);
}

void main()
{
	uint i = gl_GlobalInvocationID.x;
	if (i >= n)
		return;
	int x = int(i % width), y = int(i / width);
	vec4 centre = source[i], sum = centre;
	float total = 1.0;
	for (int dy = -2; dy <= 2; dy++) {
		for (int dx = -2; dx <= 2; dx++) {
			vec4 other = source[at(x + dx, y + dy)];
			float w = weight(centre, other, float(dx * dx + dy * dy) * 0.1);
			sum += other * w;
			total += w;
		}
	}
	vec4 left = source[at(x - 1, y)], right = source[at(x + 1, y)];
	float edge = length(right.rgb - left.rgb);
	result[i] = tone(sum / total) * (1.0 - 0.2 * edge);
}
