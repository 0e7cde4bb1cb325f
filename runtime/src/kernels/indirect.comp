// Turns the counts a user's buffer holds into workgroup counts the device can take: the very same, or nothing and an entry
// in the report, which the host reads after a wait.
#version 450

layout(local_size_x = 1) in;

layout(set = 0, binding = 0) readonly buffer Counts { uint counts[]; };
layout(set = 0, binding = 1) writeonly buffer Groups { uint groups[]; };
layout(set = 0, binding = 2) buffer Report { uint refused; uint pad[3]; uvec4 refusals[]; };
layout(push_constant) uniform Push {
	uint at;       // of the first count
	uint launch;   // number of this launch
	uint size[3];  // what one workgroup counts for
	uint limit[3]; // workgroups
};

void main()
{
	uint n[3] = uint[](counts[at], counts[at + 1], counts[at + 2]);
	uint g[3];
	bool fits = true;

	for (int d = 0; d < 3; d++) {
		g[d] = n[d] / size[d] + (n[d] % size[d] != 0 ? 1 : 0);
		fits = fits && g[d] <= limit[d];
	}
	for (int d = 0; d < 3; d++)
		groups[d] = fits ? g[d] : 0;
	if (!fits)
		refusals[atomicAdd(refused, 1) % refusals.length()] = uvec4(launch, n[0], n[1], n[2]);
}
