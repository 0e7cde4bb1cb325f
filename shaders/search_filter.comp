// Marks where a text may match a needle with some typos. Cut into one piece more than there are typos, the needle has a piece
// that is whole in every match, shifted by no more than the typos: so this looks for the pieces' first bytes alone.
// buffers: text (bytes), the marks (kiln_speculate()'s)
// push:    struct { uint32_t end, length, typos; char needle[64]; }
// threads: one for each 32 bytes; made for KILN_FEATURE_SPECULATIVE
#version 450
#extension GL_GOOGLE_include_directive : require
#include "search.glsl"
#define KILN_PREFILTER 1
#include "kiln_speculate.glsl"

// Bits low to high of 32, as far as they are in there.
uint range_of(int low, int high)
{
	uint from = uint(max(low, 0)), to = uint(min(high, 31));

	return low > 31 || high < 0 ? 0 : (0xffffffffu >> (31 - (to - from))) << from;
}

void main()
{
	int first = int(gl_GlobalInvocationID.x) * 32, slack = int(typos);
	uint marks = 0;

	if (first >= int(end))
		return;
	for (uint piece = 0; piece <= typos; piece++) {
		uint begin = piece * length / (typos + 1), bytes = (piece + 1) * length / (typos + 1) - begin;
		uint mask = bytes >= 4 ? 0xffffffffu : (1u << (8 * bytes)) - 1;
		uint wanted = needle_at(begin) & mask;

		for (int at = -slack; at < 32 + slack; at++) {
			int byte = first + int(begin) + at;

			if (byte >= 0 && (bytes_at(uint(byte)) & mask) == wanted)
				marks |= range_of(at - slack, at + slack);
		}
	}
	kiln_survive_block(gl_GlobalInvocationID.x, marks);
}
