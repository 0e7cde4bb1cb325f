// The device's side of a work queue (kiln/launch.h): include it into a kernel made for KILN_FEATURE_PERSISTENT_THREAD.
//
//   #define KILN_QUEUE_BINDING 0     where the queue's buffer is bound; KILN_QUEUE_SET is 0 unless defined
//   #define KILN_QUEUE_ITEM_WORDS 2  as in kiln_work_queue_params
//   #include "kiln_work_queue.glsl"
//
//   uint item[KILN_QUEUE_ITEM_WORDS];
//   bool mine;
//   while (kiln_queue_pull(item, mine)) { ... }       an item for each invocation; those for whom there was none: !mine
//   while (kiln_queue_pull_group(item)) { ... }       one item for the whole workgroup
//   kiln_queue_push(wanted, item)                     pushes where `wanted`
//
// All three are for uniform control flow: every invocation of a workgroup calls them, the same number of times.
//
// Every item is pulled exactly once, and what was written to coherent buffers before it was pushed is seen by whoever pulls
// it. No workgroup waits for another, which on some devices might not run before this one ends: who finds nothing to pull
// leaves. All the same one launch empties the queue, unless .pulls bounds it: an item that is reserved and not written yet is
// passed over by others, but the workgroup that pushes it looks for work again later, so push only while you go on to pull.
#ifndef KILN_WORK_QUEUE_GLSL
#define KILN_WORK_QUEUE_GLSL

#ifndef KILN_QUEUE_SET
#define KILN_QUEUE_SET 0
#endif
// How often a workgroup that finds nothing looks again before it leaves: work may just be on its way.
#ifndef KILN_QUEUE_PATIENCE
#define KILN_QUEUE_PATIENCE 8
#endif

// Item number n lies in place n % capacity, and is there once the place's ticket is n + 1. A workgroup pulls by reading as many
// items as are there, and then moving `head` past them: if others have moved it meanwhile, what it read does not count. It
// pushes by moving `tail`, never further than `capacity` from `head`, and writing items before tickets.
//
// Loops end at their heads only, and memory barriers stand in uniform control flow only: Lavapipe (Mesa 22.3) and SwiftShader
// give values that leave a loop elsewhere to all invocations as the last one left them, and in Lavapipe a memory barrier is
// an execution barrier too. Lavapipe also ends every loop once an invocation has made 65535 turns of all its loops together,
// wherever it is then: hence .pulls.
layout(set = KILN_QUEUE_SET, binding = KILN_QUEUE_BINDING) coherent buffer KilnWorkQueue {
	uint capacity; // a power of two
	uint item_words;
	uint pulls; // of a workgroup in one launch; 0 = any number
	uint mistaken;
	uint pad_a[12];
	uint head; // number of the next item to pull
	uint pad_b[15];
	uint tail; // number of the next item to push
	uint pad_c[15];
	uint refused;
	uint pad_d[15];
	uint words[]; // tickets, then items
} kiln_queue_;

shared uint kiln_queue_first_; // item of this turn
shared uint kiln_queue_count_; // of items
shared bool kiln_queue_won_;

uint kiln_queue_pulled_ = 0;

uint kiln_queue_place_(uint number)
{
	return number & (kiln_queue_.capacity - 1u);
}

uint kiln_queue_item_at_(uint number)
{
	return kiln_queue_.capacity + kiln_queue_place_(number) * KILN_QUEUE_ITEM_WORDS;
}

bool kiln_queue_fits_()
{
	if (kiln_queue_.item_words != KILN_QUEUE_ITEM_WORDS)
		kiln_queue_.mistaken = KILN_QUEUE_ITEM_WORDS;
	return kiln_queue_.item_words == KILN_QUEUE_ITEM_WORDS;
}

void kiln_queue_sync_()
{
	memoryBarrierBuffer();
	memoryBarrierShared();
	barrier();
}

bool kiln_queue_there_(uint number)
{
	return atomicAdd(kiln_queue_.words[kiln_queue_place_(number)], 0u) == number + 1u;
}

// Pulls at most that many items for the workgroup, and gives each invocation its own, or all the same one; returns how many.
uint kiln_queue_take_(uint most, bool same, out uint item[KILN_QUEUE_ITEM_WORDS])
{
	uint lane = gl_LocalInvocationIndex, mine = same ? 0u : lane;
	uint looks = KILN_QUEUE_PATIENCE, taken = 0u;

	for (uint i = 0u; i < KILN_QUEUE_ITEM_WORDS; i++)
		item[i] = 0u;
	if (!kiln_queue_fits_() || (kiln_queue_.pulls != 0u && kiln_queue_pulled_ >= kiln_queue_.pulls))
		looks = 0u;
	kiln_queue_pulled_++;
	while (looks > 0u && taken == 0u) {
		kiln_queue_sync_(); // all are done with the items before, and have pushed what they push
		if (lane == 0u) {
			// Workgroups pass here one after another: of two that have pushed, and then find the other's item not
			// there, one must have been second, and sees it.
			atomicAdd(kiln_queue_.tail, 0u);
			kiln_queue_first_ = atomicAdd(kiln_queue_.head, 0u);
			kiln_queue_count_ = most;
		}
		kiln_queue_sync_();
		uint first = kiln_queue_first_;
		if (lane < most && !kiln_queue_there_(first + lane))
			atomicMin(kiln_queue_count_, lane);
		kiln_queue_sync_();
		uint count = kiln_queue_count_;
		for (uint i = 0u; mine < count && i < KILN_QUEUE_ITEM_WORDS; i++)
			item[i] = kiln_queue_.words[kiln_queue_item_at_(first + mine) + i];
		kiln_queue_sync_(); // read first: once the head has moved, the places may be written again
		if (lane == 0u) {
			uint seen;
			if (count > 0u)
				seen = atomicCompSwap(kiln_queue_.head, first, first + count);
			else
				seen = atomicAdd(kiln_queue_.head, 0u);
			kiln_queue_won_ = seen == first;
		}
		kiln_queue_sync_();
		bool won = kiln_queue_won_; // else others moved on, and there may be more behind
		taken = won ? count : 0u;
		looks -= won && count == 0u ? 1u : 0u;
	}
	return taken;
}

// The same for the whole workgroup: false: leave. There is nothing to pull now, or it has had its share of the launch. A macro,
// because the workgroup's size may be declared behind this file.
#define kiln_queue_pull(item, mine) \
	kiln_queue_pull_(gl_WorkGroupSize.x * gl_WorkGroupSize.y * gl_WorkGroupSize.z, item, mine)

bool kiln_queue_pull_(uint most, out uint item[KILN_QUEUE_ITEM_WORDS], out bool mine)
{
	uint count = kiln_queue_take_(most, false, item);

	mine = gl_LocalInvocationIndex < count;
	return count > 0u;
}

// All invocations of the workgroup get the same item.
bool kiln_queue_pull_group(out uint item[KILN_QUEUE_ITEM_WORDS])
{
	return kiln_queue_take_(1u, true, item) > 0u;
}

// Moves the tail by as many as there is room for, at most `wanted`; by one invocation.
uint kiln_queue_reserve_(uint wanted, out uint first)
{
	uint count = 0u;
	bool settled = wanted == 0u;

	first = 0u;
	while (!settled) {
		uint head = atomicAdd(kiln_queue_.head, 0u);
		first = atomicAdd(kiln_queue_.tail, 0u);
		uint used = first - head; // too many where the tail was read too early: then nothing below succeeds
		count = used >= kiln_queue_.capacity ? 0u : min(wanted, kiln_queue_.capacity - used);
		if (count > 0u)
			settled = atomicCompSwap(kiln_queue_.tail, first, first + count) == first;
		else
			settled = atomicAdd(kiln_queue_.head, 0u) == head && int(used) >= 0;
	}
	return count;
}

// Pushes where `wanted`. false: there was no room. The refusal is counted; what becomes of the item is up to the kernel.
bool kiln_queue_push(bool wanted, uint item[KILN_QUEUE_ITEM_WORDS])
{
	uint mine = 0u;

	if (!kiln_queue_fits_())
		wanted = false;
	kiln_queue_sync_();
	if (gl_LocalInvocationIndex == 0u)
		kiln_queue_count_ = 0u;
	kiln_queue_sync_();
	if (wanted)
		mine = atomicAdd(kiln_queue_count_, 1u);
	kiln_queue_sync_();
	uint all = kiln_queue_count_;
	kiln_queue_sync_();
	if (gl_LocalInvocationIndex == 0u) {
		uint first, count = kiln_queue_reserve_(all, first);
		if (count < all)
			atomicAdd(kiln_queue_.refused, all - count);
		kiln_queue_first_ = first;
		kiln_queue_count_ = count;
	}
	kiln_queue_sync_(); // whoever pulled the places' last items has read them
	bool reserved = wanted && mine < kiln_queue_count_;
	uint number = kiln_queue_first_ + mine;
	for (uint i = 0u; reserved && i < KILN_QUEUE_ITEM_WORDS; i++)
		kiln_queue_.words[kiln_queue_item_at_(number) + i] = item[i];
	memoryBarrierBuffer();
	if (reserved)
		atomicExchange(kiln_queue_.words[kiln_queue_place_(number)], number + 1u);
	return reserved || !wanted;
}

#endif
