#include "json_text.h"

/* Bytes of the character at `at`; 0 = not UTF-8. */
static size_t character(const unsigned char *at)
{
	size_t bytes = at[0] < 0x80   ? 1
	               : at[0] < 0xc2 ? 0
	               : at[0] < 0xe0 ? 2
	               : at[0] < 0xf0 ? 3
	               : at[0] < 0xf5 ? 4
	                              : 0;
	/* The second byte's bounds keep out overlong forms, surrogates, and what lies beyond U+10FFFF. */
	unsigned char low = at[0] == 0xe0 ? 0xa0 : at[0] == 0xf0 ? 0x90 : 0x80;
	unsigned char high = at[0] == 0xed ? 0x9f : at[0] == 0xf4 ? 0x8f : 0xbf;

	if (bytes > 1 && (at[1] < low || at[1] > high))
		return 0;
	for (size_t i = 2; i < bytes; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	return bytes;
}

/* A JSON string. Names come from SPIR-V and drivers, and may have been cut inside a character. */
void kiln_write_json_text(struct kiln_writer *json, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	kiln_write_u8(json, '"');
	while (*at) {
		size_t bytes = character(at);

		if (*at == '"' || *at == '\\')
			kiln_write_format(json, "\\%c", *at);
		else if (bytes == 0 || *at < 0x20)
			kiln_write_format(json, "\\u%04x", bytes ? *at : 0xfffdu);
		else
			kiln_write_bytes(json, at, bytes);
		at += bytes ? bytes : 1;
	}
	kiln_write_u8(json, '"');
}
