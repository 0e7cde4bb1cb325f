// One bit for each item, and the blocks of items that one workgroup looks through. The block's size is known to
// launch_speculate.c too.
#define THREADS 128
#define THREAD_WORDS 4
#define BLOCK_WORDS (THREADS * THREAD_WORDS)

layout(local_size_x = THREADS) in;

layout(set = 0, binding = 0) readonly buffer Marks { uint marks[]; };

// Bits beyond the last item may be anything.
uint marks_of(uint word, uint count)
{
	uint first = word * 32;

	if (first >= count)
		return 0;
	return count - first >= 32 ? marks[word] : marks[word] & ((1u << (count - first)) - 1);
}
