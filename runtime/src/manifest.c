/* The manifest of a built pipeline: eleven flat fields, written by hand so that the library needs no JSON parser. */
#include <base/alloc.h>
#include <base/bytes.h>

#include "device.h"
#include "kernel.h"

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
static void write_text(struct kiln_writer *json, const char *text)
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

static void write_field(struct kiln_writer *json, const char *name, const char *text)
{
	kiln_write_format(json, ",\"%s\":", name);
	write_text(json, text);
}

static const char *hit_text(enum kiln_hit hit)
{
	return hit == KILN_HIT_TRUE ? "true" : hit == KILN_HIT_FALSE ? "false" : "null";
}

char *kiln_manifest_print(const struct kiln_kernel *kernel, const struct kiln_variant *variant)
{
	const uint32_t *wg = variant->choice.size;
	struct kiln_writer json = {0};
	char id[KILN_DIGEST_HEX], program[KILN_DIGEST_HEX];

	kiln_hex_encode(&variant->identity.digest, id);
	kiln_hex_encode(&variant->identity.program, program);
	kiln_write_format(&json, "{\"schema\":1,\"backend_id\":\"vulkan\"");
	write_field(&json, "pipeline_id", id);
	write_field(&json, "program_digest", program);
	write_field(&json, "dispatch_policy", variant->policy);
	kiln_write_format(&json, ",\"cache_hit\":%s", hit_text(variant->resolution.cache_hit));
	write_field(&json, "outcome", kiln_outcome_name(variant->resolution.outcome));
	write_field(&json, "kernel", kernel->name);
	write_field(&json, "device", kernel->device->info.name);
	kiln_write_format(&json, ",\"workgroup\":[%u,%u,%u]", wg[0], wg[1], wg[2]);
	kiln_write_format(&json, ",\"compile_ns\":%llu}", (unsigned long long)variant->resolution.compile_ns);
	kiln_write_u8(&json, '\0');
	if (json.bad) {
		kiln_writer_finish(&json);
		return NULL;
	}
	return (char *)json.data;
}
