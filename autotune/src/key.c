/* The names records go by: the folded key and the adapter id. */
#include <kiln/autotune.h>

#include <string.h>

#include "escape.h"

static void xor_u64(uint8_t *bytes, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		bytes[i] ^= (uint8_t)(value >> (8 * i));
}

struct kiln_tune_key kiln_tune_key(uint64_t shader_hash, uint64_t binding_signature,
                                   const uint32_t default_workgroup[3], uint64_t spec_hash)
{
	struct kiln_tune_key key = {{0}};
	uint64_t fold = (uint64_t)default_workgroup[0] ^ (uint64_t)default_workgroup[1] << 16 ^
	                (uint64_t)default_workgroup[2] << 32;

	xor_u64(key.bytes, spec_hash);
	xor_u64(key.bytes, fold);
	xor_u64(key.bytes + 8, shader_hash);
	xor_u64(key.bytes + 8, binding_signature);
	return key;
}

void kiln_tune_key_encode(const struct kiln_tune_key *key, char out_hex[KILN_TUNE_KEY_HEX])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < KILN_TUNE_KEY_BYTES; i++) {
		out_hex[2 * i] = digits[key->bytes[i] >> 4];
		out_hex[2 * i + 1] = digits[key->bytes[i] & 15];
	}
	out_hex[2 * KILN_TUNE_KEY_BYTES] = '\0';
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool kiln_tune_key_decode(const char *hex, struct kiln_tune_key *out_key)
{
	struct kiln_tune_key key;

	if (hex == NULL || strnlen(hex, KILN_TUNE_KEY_HEX) != 2 * KILN_TUNE_KEY_BYTES)
		return false;
	for (int i = 0; i < KILN_TUNE_KEY_BYTES; i++) {
		int high = digit_value(hex[2 * i]), low = digit_value(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		key.bytes[i] = (uint8_t)(high << 4 | low);
	}
	*out_key = key;
	return true;
}

/* 0 for what becomes a dash. */
static char adapter_char(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ? c : 0;
}

struct sink {
	char *text;
	size_t bytes;
	size_t length;
};

static void put_char(struct sink *sink, char c)
{
	if (sink->length + 1 < sink->bytes)
		sink->text[sink->length] = c;
	sink->length++;
}

static size_t end_text(struct sink *sink)
{
	if (sink->bytes != 0)
		sink->text[sink->length < sink->bytes ? sink->length : sink->bytes - 1] = '\0';
	return sink->length;
}

size_t kiln_adapter_id(const char *device_name, char *out_id, size_t bytes)
{
	struct sink sink = {.text = out_id, .bytes = bytes};
	bool gap = true; /* the dash of "vulkan-", or one owed before the next character */

	for (const char *at = "vulkan"; *at != '\0'; at++)
		put_char(&sink, *at);
	for (const char *at = device_name != NULL ? device_name : ""; *at != '\0'; at++) {
		char c = adapter_char(*at);

		if (c != 0 && gap)
			put_char(&sink, '-');
		if (c != 0)
			put_char(&sink, c);
		gap = c == 0;
	}
	return end_text(&sink);
}

bool kiln_is_printable(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text < 0x20 || *text > 0x7e)
			return false;
	}
	return true;
}

size_t kiln_escape(const char *text, char *out_text, size_t bytes)
{
	static const char digits[] = "0123456789ABCDEF";
	struct sink sink = {.text = out_text, .bytes = bytes};
	bool verbatim = kiln_is_printable(text);

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (verbatim || (c >= 0x20 && c <= 0x7e && c != '%')) {
			put_char(&sink, *text);
			continue;
		}
		put_char(&sink, '%');
		put_char(&sink, digits[c >> 4]);
		put_char(&sink, digits[c & 15]);
	}
	return end_text(&sink);
}
