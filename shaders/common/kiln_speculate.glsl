// The device's side of kiln_speculate() (kiln/launch.h): include it into kernels made for KILN_FEATURE_SPECULATIVE. What
// Kiln binds is the kernel's last argument, in (set, binding) order.
//
//   #define KILN_PREFILTER 2    the binding; KILN_SPECULATE_SET is 0 unless defined
//   #include "kiln_speculate.glsl"
//   ... if (may_matter(item)) kiln_survive(item);
//
//   #define KILN_CONFIRMER 2
//   #include "kiln_speculate.glsl"
//   uint item;
//   if (kiln_survivor(item)) ...
#ifndef KILN_SPECULATE_GLSL
#define KILN_SPECULATE_GLSL

#ifndef KILN_SPECULATE_SET
#define KILN_SPECULATE_SET 0
#endif

#ifdef KILN_PREFILTER
layout(set = KILN_SPECULATE_SET, binding = KILN_PREFILTER) buffer KilnMarks { uint kiln_marks_[]; };

// Any invocation may mark any item, and any number of times.
void kiln_survive(uint item)
{
	atomicOr(kiln_marks_[item / 32u], 1u << (item % 32u));
}

// Items 32 * block + i survive where bit i is set: without an atomic, for an invocation that has all 32 to itself. Bits
// beyond the last item do not matter.
void kiln_survive_block(uint block, uint bits)
{
	if (block < kiln_marks_.length())
		kiln_marks_[block] = bits;
}
#endif

#ifdef KILN_CONFIRMER
layout(set = KILN_SPECULATE_SET, binding = KILN_CONFIRMER) readonly buffer KilnSurvivors {
	uint kiln_survivor_count_;
	uint kiln_survivor_pad_[3];
	uint kiln_survivors_[];
};

// false: this invocation has none.
bool kiln_survivor(out uint item)
{
	bool has = gl_GlobalInvocationID.x < kiln_survivor_count_;

	item = has ? kiln_survivors_[gl_GlobalInvocationID.x] : 0u;
	return has;
}
#endif

#endif
