#version 450
#extension GL_KHR_memory_scope_semantics : enable
layout(local_size_x = 64) in;
#ifdef COHERENT
coherent
#endif
#ifdef VOLATILE
volatile
#endif
layout(set = 0, binding = 0) buffer Data { uint total; uint data[]; };
shared uint own;

uint take() { return atomicAdd(total, 1u); }

void main()
{
	uint i = gl_GlobalInvocationID.x;
#ifdef HISTOGRAM /* in a loop, and nobody looks at what it returns */
	for (uint k = 0; k < 64; k++)
		atomicAdd(data[(i + k) & 255u], 1u);
#endif
#ifdef COMPACT /* looked at, and in no loop */
	uint at = atomicAdd(total, 1u);
	uint sum = 0;
	for (uint k = 0; k < data[i]; k++)
		sum += k;
	data[at] = sum;
#endif
#ifdef SPIN
	while (atomicAdd(total, 0u) < gl_WorkGroupID.x)
		;
#endif
#ifdef PULL
	while (take() < 1000u)
		data[i]++;
#endif
#ifdef SHARED_SPIN
	while (atomicAdd(own, 1u) < 1000u)
		data[i]++;
#endif
#ifdef BARRIER
	data[i] = 1;
	memoryBarrierBuffer();
	data[i + 1]++;
#endif
#ifdef SHARED_BARRIER
	own = i;
	memoryBarrierShared();
	barrier();
	data[i] = own;
#endif
#ifdef ORDERED
	data[i] = atomicLoad(total, gl_ScopeDevice, gl_StorageSemanticsBuffer, gl_SemanticsAcquire);
#endif
#ifdef PLAIN
	data[i] = i;
#endif
}
