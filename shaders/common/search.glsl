// What the two kernels of the search with typos share: the text, and what is searched for.
#ifndef SEARCH_GLSL
#define SEARCH_GLSL

#define NEEDLE_BYTES 64

layout(local_size_x = 64, local_size_x_id = 0) in;

layout(set = 0, binding = 0) readonly buffer Text { uint text[]; }; // four bytes to a word
layout(push_constant) uniform Push {
	uint end;    // bytes of text
	uint length; // of the needle, bytes
	uint typos;  // at most
	uint needle[NEEDLE_BYTES / 4];
};

// Four bytes from byte `at` on; 0 beyond the end of the buffer.
uint bytes_at(uint at)
{
	uint word = at / 4, shift = 8 * (at % 4);
	uint low = word < text.length() ? text[word] : 0, high = word + 1 < text.length() ? text[word + 1] : 0;

	return shift == 0 ? low : low >> shift | high << (32 - shift);
}

uint needle_at(uint at)
{
	uint word = at / 4, shift = 8 * (at % 4);
	uint high = word + 1 < NEEDLE_BYTES / 4 ? needle[word + 1] : 0;

	return shift == 0 ? needle[word] : needle[word] >> shift | high << (32 - shift);
}

#endif
