#version 450
/* result[i] = source[i] + source[(i + 1) % n] through shared memory, n counted by the way, and one of many ways to get that wrong, which shows
 * only where the workgroup is larger than the kernel's own, or, for one, where it is unrolled. */
layout(local_size_x_id = 0) in;
layout(local_size_x = 16) in;
layout(constant_id = 1) const uint FAULT = 0u;
layout(constant_id = 2) const uint UNROLL = 1u;
layout(set = 0, binding = 0) readonly buffer In { uint source[]; };
layout(set = 0, binding = 1) writeonly buffer Out { uint result[]; };
layout(set = 0, binding = 2) buffer Count { uint count[]; };
layout(set = 0, binding = 3) buffer Other { uint other[]; };
layout(push_constant) uniform Push { uint n; };
shared uint values[1024];
shared uint odd;

void main()
{
	uint size = gl_WorkGroupSize.x, t = gl_LocalInvocationID.x, i = gl_GlobalInvocationID.x;
	uint fault = size > 16u || (FAULT == 6u && UNROLL > 1u) ? FAULT : 0u;
	uint mine = i < n ? source[i] : 0u;
	uint next = i + 1u < n ? source[i + 1u] : source[0];

	values[t] = mine;
	if (t == 0u && fault != 7u) /* 7: workgroup memory that nobody initialised */
		odd = 0u;
	bool inside = t + 1u < size && i + 1u < n;
	if (fault == 2u && inside) /* 2: no barrier before its neighbour is read */
		next = values[t + 1u];
	barrier();
	if (fault != 2u && inside)
		next = values[t + 1u];
	uint one = i < n ? 1u : 0u;
	if (fault == 1u) /* 1: a race */
		odd = odd + one;
	else
		atomicAdd(odd, one);
	barrier();
	if (t == 0u)
		atomicAdd(count[0], odd);
	if (fault == 12u && t == 0u) /* 12: writes where it has no business */
		other[gl_WorkGroupID.x % 16u] = 0xdeadu;
	if (i >= n) {
		if (fault == 4u && i == n) /* 4: out of bounds by one */
			result[i] = 1u;
		return;
	}
	if (fault == 5u && i >= n - n % size) /* 5: an ignored tail */
		return;
	if (fault == 6u && i % UNROLL == UNROLL - 1u && i + UNROLL > n) /* 6: a wrong unroll remainder */
		return;
	if (fault == 8u && (gl_WorkGroupID.x & 1u) == 1u && t == size - 1u) /* 8: results left undone */
		return;
	if (fault == 3u && i + 1u < n && t == size - 1u) /* 3: off by one */
		next = source[i];
	if (fault == 9u && i == n / 2u) /* 9: one bit */
		mine ^= 1u;
	if (fault == 10u && t == 0u) /* 10: counted twice */
		atomicAdd(count[0], 1u);
	if (fault == 11u) /* 11: depends on how many workgroups there are */
		mine += gl_NumWorkGroups.x;
	if (fault == 13u && i == n - 1u) /* 13: reads beyond the end */
		next = source[i + 1u];
	result[i] = mine + next;
}
