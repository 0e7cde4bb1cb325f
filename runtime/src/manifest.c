/* The manifest of a built pipeline: eleven flat fields, written by hand so that the library needs no JSON parser. */
#include <base/alloc.h>
#include <base/bytes.h>

#include "device.h"
#include "json_text.h"
#include "kernel.h"

static void write_field(struct kiln_writer *json, const char *name, const char *text)
{
	kiln_write_format(json, ",\"%s\":", name);
	kiln_write_json_text(json, text);
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
