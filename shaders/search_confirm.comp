// Lists where a text matches a needle with some typos: wrong, missing or additional bytes.
// buffers: text (bytes), matches (uint count, pad; uvec2[]: position, typos; in no order), the survivors (kiln_speculate()'s)
// push:    struct { uint32_t end, length, typos; char needle[64]; }
// threads: the survivors'; made for KILN_FEATURE_SPECULATIVE
#version 450
#extension GL_GOOGLE_include_directive : require
#include "search.glsl"
#define KILN_CONFIRMER 2
#include "kiln_speculate.glsl"

layout(set = 0, binding = 1) buffer Matches { uint count; uint pad; uvec2 matches[]; };

// The least typos with which some text that begins here is the needle: edit distance, a column for each byte of text.
uint distance_at(uint position)
{
	uint column[NEEDLE_BYTES + 1];
	uint best = length, last = min(end - position, length + typos);

	for (uint i = 0; i <= length; i++)
		column[i] = i;
	for (uint j = 1; j <= last; j++) {
		uint letter = bytes_at(position + j - 1) & 0xff, diagonal = column[0];

		column[0] = j;
		for (uint i = 1; i <= length; i++) {
			uint replaced = diagonal + ((needle_at(i - 1) & 0xff) == letter ? 0 : 1);

			diagonal = column[i];
			column[i] = min(replaced, min(column[i - 1], column[i]) + 1);
		}
		best = min(best, column[length]);
	}
	return best;
}

void main()
{
	uint position;

	if (!kiln_survivor(position))
		return;
	uint found = distance_at(position);
	if (found > typos)
		return;
	uint at = atomicAdd(count, 1);
	if (at < matches.length())
		matches[at] = uvec2(position, found);
}
