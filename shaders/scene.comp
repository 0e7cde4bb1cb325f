// Renders a still life, four pots before the mouth of a kiln, by tracing rays through distance fields. Every
// light is an area sampled at random, so few samples leave the grain that bilateral.comp is there to take
// away.
// buffers: target (uint[], write): RGBA8 pixels
// push:    struct { uint32_t width, height, samples, seed; }
// threads: width, height
// Source of the method: John C. Hart, "Sphere Tracing", The Visual Computer 12, 1996.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "pixel.glsl"
#include "random.glsl"

layout(local_size_x = 8, local_size_x_id = 0, local_size_y = 8, local_size_y_id = 1) in;
layout(constant_id = 2) const int STEPS = 96;

layout(set = 0, binding = 0) writeonly buffer Target { uint target[]; };
layout(push_constant) uniform Push { uint width, height, samples, seed; };

const float FAR = 16.0;
const float WALL = -1.7;                   // z of the brick wall
const vec2 MOUTH = vec2(1.15, 1.25);       // half width and springing height of the arch
const vec3 WINDOW = vec3(-3.0, 4.4, 4.2);   // centre of a square of daylight, up and left behind the camera
const float WINDOW_HALF = 1.2;
const vec3 WINDOW_COLOUR = vec3(50.0, 52.0, 56.0);
const vec3 WORKSHOP = vec3(0.030, 0.036, 0.048); // the dim room behind the camera
const vec3 FIRE_COLOUR = vec3(9.5, 3.1, 0.75);

// What a ray meets. Materials: 0 floor, 1 bricks, 2 celadon, 3 moon jar, 4 tea bowl, 5 bottle, 6 fire.
struct hit { float distance; int material; };

float wave(float y, float from, float to) { return smoothstep(from, to, y); }

// A pot is a curve turned about an axis: radius by height, hollow above `floor_y`.
float turned(vec2 q, float radius, float top, float slack)
{
	float wall = abs(q.x - radius + 0.02) - 0.02;
	return max(q.y < 0.06 ? q.x - radius : wall, max(q.y - top, -q.y)) * slack;
}

float vase(vec3 p)
{
	float y = p.y;
	float r = 0.20 + 0.24 * wave(y, 0.0, 0.75) - 0.34 * wave(y, 0.75, 1.38) + 0.12 * wave(y, 1.45, 1.62);
	return turned(vec2(length(p.xz), y), r, 1.62, 0.7);
}

float jar(vec3 p)
{
	float body = length((p - vec3(0.0, 0.56, 0.0)) * vec3(1.0, 1.06, 1.0)) - 0.58;
	vec2 q = vec2(length(p.xz), p.y);
	float neck = max(abs(q.x - 0.24) - 0.02, abs(q.y - 1.12) - 0.06);
	float mouth = max(q.x - 0.22, 0.9 - q.y);
	return 0.9 * min(max(max(body, -p.y), -mouth), neck);
}

float bowl(vec3 p)
{
	float y = p.y;
	float r = 0.17 + 0.26 * sqrt(clamp((y - 0.05) / 0.36, 0.0, 1.0));
	return turned(vec2(length(p.xz), y), y < 0.05 ? 0.17 : r, 0.40, 0.6);
}

float bottle(vec3 p)
{
	float y = p.y;
	float r = 0.22 + 0.10 * wave(y, 0.0, 0.25) - 0.25 * wave(y, 0.32, 0.80) + 0.05 * wave(y, 0.98, 1.08);
	return turned(vec2(length(p.xz), y), r, 1.08, 0.7);
}

hit nearer(hit a, float distance, int material)
{
	return distance < a.distance ? hit(distance, material) : a;
}

// Distance to the arch's outline in the plane of the wall; negative inside.
float arch(vec2 p)
{
	vec2 up = vec2(p.x, max(p.y - MOUTH.y, 0.0));
	return length(up) - MOUTH.x;
}

hit map(vec3 p)
{
	hit h = hit(p.y, 0);
	float wall = max(p.z - WALL, -arch(p.xy)) * 0.9;
	h = nearer(h, wall, 1);
	h = nearer(h, p.z - (WALL - 0.9), 6);
	h = nearer(h, vase(p - vec3(-1.20, 0.0, -0.15)), 2);
	h = nearer(h, jar(p - vec3(-0.02, 0.0, -0.50)), 3);
	h = nearer(h, bowl(p - vec3(0.62, 0.0, 0.55)), 4);
	h = nearer(h, bottle(p - vec3(1.22, 0.0, -0.30)), 5);
	return h;
}

hit march(vec3 from, vec3 along, float limit)
{
	float t = 0.0;
	for (int i = 0; i < STEPS && t < limit; i++) {
		hit h = map(from + t * along);
		if (h.distance < 0.0008 * (1.0 + t))
			return hit(t, h.material);
		t += h.distance;
	}
	return hit(limit, -1);
}

vec3 normal(vec3 p)
{
	const vec2 e = vec2(1.0, -1.0) * 0.0009;
	return normalize(e.xyy * map(p + e.xyy).distance + e.yyx * map(p + e.yyx).distance +
	                 e.yxy * map(p + e.yxy).distance + e.xxx * map(p + e.xxx).distance);
}

// Light from a point of an area: falls off with the square of the distance, blocked or not.
vec3 lit(vec3 p, vec3 n, vec3 source, vec3 colour)
{
	vec3 away = source - p;
	float distance = length(away);
	vec3 along = away / distance;
	float facing = dot(n, along);
	if (facing <= 0.0)
		return vec3(0.0);
	if (march(p + 0.006 * n, along, distance - 0.02).material >= 0)
		return vec3(0.0);
	return colour * facing / max(distance * distance, 0.25); // nearer, a light would only speckle
}

// The fire flickers: three octaves of value noise.
float noise(vec2 p)
{
	vec2 cell = floor(p), f = p - cell;
	f = f * f * (3.0 - 2.0 * f);
	uvec2 c = uvec2(ivec2(cell) + 512);
	float corner[4];
	for (uint i = 0; i < 4; i++)
		corner[i] = float(random_hash((c.x + (i & 1u)) * 8191u + c.y + (i >> 1)) >> 8) / 16777216.0;
	return mix(mix(corner[0], corner[1], f.x), mix(corner[2], corner[3], f.x), f.y);
}

vec3 fire(vec3 p)
{
	vec2 q = vec2(p.x * 2.6, p.y * 1.3);
	float n = 0.55 * noise(q + vec2(0.0, -1.0)) + 0.3 * noise(2.1 * q) + 0.15 * noise(4.3 * q);
	float heat = clamp(1.28 - 0.46 * p.y + 0.9 * (n - 0.5) - 0.22 * p.x * p.x, 0.0, 1.4);
	return vec3(1.9, 0.62, 0.12) * heat * heat + vec3(0.7, 0.55, 0.30) * pow(heat, 6.0);
}

vec3 bricks(vec3 p, vec3 n)
{
	float ring = arch(p.xy);
	float round_arch = atan(p.x, p.y - MOUTH.y) * 4.6;
	bool inner = n.z < 0.5; // the depth of the wall, seen in the mouth
	vec2 q = vec2((inner ? p.z : p.x) * 2.3, p.y * 5.6);
	if (p.y > MOUTH.y && ring < 0.28) // the stones of the arch stand on end
		q = inner ? vec2(p.z * 2.3, round_arch) : vec2(round_arch, 1.0 + ring / 0.28);
	float row = floor(q.y);
	q.x += 0.5 * mod(row, 2.0);
	vec2 inside = abs(fract(q) - 0.5);
	float mortar = smoothstep(0.42, 0.47, max(inside.x * 0.93 + 0.02, inside.y));
	uint brick = uint(int(floor(q.x)) + 64) * 977u + uint(int(row) + 64);
	float tint = random_next(brick);
	vec3 clay = mix(vec3(0.34, 0.13, 0.08), vec3(0.52, 0.24, 0.14), tint) * (0.85 + 0.3 * noise(q * 9.0));
	return mix(clay, vec3(0.22, 0.19, 0.17), mortar);
}

// Colour in rgb, how glossy the glaze is in a.
vec4 surface(int material, vec3 p, vec3 n)
{
	if (material == 0) {
		vec2 slab = abs(fract(p.xz * 0.8 + vec2(0.5, 0.1)) - 0.5);
		float joint = smoothstep(0.487, 0.494, max(slab.x, slab.y));
		vec3 slate = mix(vec3(0.085, 0.080, 0.085), vec3(0.02), joint);
		return vec4(slate * (0.7 + 0.6 * noise(p.xz * 7.0)), 0.5);
	}
	if (material == 1)
		return vec4(bricks(p, n), 0.0);
	if (material == 2) {
		float belly = smoothstep(0.2, 0.5, p.y) * smoothstep(1.0, 0.7, p.y);
		float pooled = 0.75 + 0.25 * sin(p.y * 42.0) * belly;
		return vec4(mix(vec3(0.20, 0.42, 0.33), vec3(0.42, 0.64, 0.52), pooled), 1.0);
	}
	if (material == 3) {
		float band = min(abs(p.y - 0.86), abs(p.y - 0.80));
		float foot = abs(p.y - 0.16);
		float ink = 1.0 - smoothstep(0.010, 0.016, min(band - 0.004, foot));
		return vec4(mix(vec3(0.78, 0.75, 0.68), vec3(0.05, 0.10, 0.34), ink), 0.9);
	}
	if (material == 4) {
		float turn = atan(p.z - 0.55, p.x - 0.62);
		float rim = smoothstep(0.22, 0.40, p.y + 0.05 * noise(vec2(turn * 6.0, 0.0)));
		return vec4(mix(vec3(0.035, 0.022, 0.018), vec3(0.55, 0.22, 0.05), rim * rim), 0.5);
	}
	float run = p.y - 0.10 - 0.16 * noise(vec2(atan(p.z + 0.30, p.x - 1.22) * 3.2, 1.0));
	return vec4(mix(vec3(0.42, 0.27, 0.17), vec3(0.46, 0.045, 0.030), smoothstep(0.0, 0.03, run)), 0.9);
}

// The glint of the window, with its bars, in a mirror at p that sends a ray along `along`.
vec3 glint(vec3 p, vec3 n, vec3 along)
{
	if (along.z <= 0.0)
		return vec3(0.0);
	float t = (WINDOW.z - p.z) / along.z;
	vec2 at = abs((p + t * along - WINDOW).xy) / WINDOW_HALF;
	if (max(at.x, at.y) > 1.0 || min(at.x, at.y) < 0.07)
		return vec3(0.0);
	if (march(p + 0.006 * n, along, t).material >= 0)
		return vec3(0.0);
	return WINDOW_COLOUR / (4.0 * WINDOW_HALF * WINDOW_HALF);
}

// A random direction about n, weighted by its cosine.
vec3 scattered(vec3 n, inout uint seed)
{
	float z = 1.0 - 2.0 * random_next(seed), turn = 6.2831853 * random_next(seed);
	return normalize(n * 1.001 + vec3(sqrt(1.0 - z * z) * vec2(cos(turn), sin(turn)), z));
}

// Light from both lamps at a point.
vec3 direct(vec3 p, vec3 n, inout uint seed)
{
	vec4 r = vec4(random_next(seed), random_next(seed), random_next(seed), random_next(seed));
	vec3 window = WINDOW + WINDOW_HALF * vec3(2.0 * r.xy - 1.0, 0.0);
	vec3 flame = vec3(0.9 * MOUTH.x * (2.0 * r.z - 1.0), 0.1 + 1.7 * r.w, WALL - 0.25);
	return lit(p, n, window, WINDOW_COLOUR) + lit(p, n, flame, FIRE_COLOUR * 0.55);
}

vec3 trace(vec3 from, vec3 along, inout uint seed)
{
	vec3 light = vec3(0.0), weight = vec3(1.0);
	for (int bounce = 0; bounce < 3; bounce++) {
		hit h = march(from, along, FAR);
		if (h.material < 0)
			return light + weight * WORKSHOP;
		vec3 p = from + h.distance * along;
		if (h.material == 6) // where it is only reflected, bounded: rare bright paths speckle
			return light + min(weight * fire(p), vec3(bounce == 0 ? 9.0 : 1.2));

		vec3 n = normal(p);
		vec4 s = surface(h.material, p, n);
		light += weight * s.rgb * direct(p, n, seed) * 0.3183;

		// Schlick's approximation decides between a reflection in the glaze and light scattered below
		// it.
		float grazing = 0.04 + 0.96 * pow(1.0 - max(dot(n, -along), 0.0), 5.0);
		float mirror = s.a * grazing;
		if (s.a > 0.8)
			light += weight * mirror * glint(p, n, reflect(along, n));
		float chance = clamp(mirror * 2.0, 0.1, 0.9) * step(0.01, s.a);
		from = p + 0.006 * n;
		if (random_next(seed) < chance) {
			float roughness = h.material == 0 ? 0.05 : 0.012;
			along = normalize(reflect(along, n) + roughness * scattered(n, seed));
			weight *= mirror / chance;
		} else {
			along = scattered(n, seed);
			weight *= s.rgb * (1.0 - mirror) / (1.0 - chance);
		}
	}
	return light;
}

// Filmic tone curve. Krzysztof Narkowicz, "ACES Filmic Tone Mapping Curve", 2016.
vec3 tone(vec3 x) { return clamp((x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14), 0.0, 1.0); }

void main()
{
	uvec2 id = gl_GlobalInvocationID.xy;
	if (id.x >= width || id.y >= height)
		return;

	const vec3 eye = vec3(0.25, 1.55, 5.2);
	const vec3 forward = normalize(vec3(0.02, 0.82, -0.4) - eye);
	const vec3 right = normalize(cross(forward, vec3(0.0, 1.0, 0.0)));
	const vec3 up = cross(right, forward);

	uint random = random_hash(seed ^ random_hash(id.y * width + id.x));
	vec3 sum = vec3(0.0);
	for (uint i = 0; i < samples; i++) {
		vec2 jitter = vec2(random_next(random), random_next(random));
		vec2 at = (vec2(id) + jitter - 0.5 * vec2(width, height)) / float(height);
		vec3 along = normalize(2.1 * forward + 1.24 * (at.x * right - at.y * up));
		sum += trace(eye, along, random);
	}
	target[id.y * width + id.x] = pixel_pack(srgb_encode(tone(sum / float(max(samples, 1u)))));
}
