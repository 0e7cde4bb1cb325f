#include "build_report.h"

#include "json.h"

const char *kiln_hit_name(enum kiln_hit hit)
{
	return hit == KILN_HIT_TRUE ? "yes" : hit == KILN_HIT_FALSE ? "no" : "unknown";
}

void kiln_build_json(cJSON *object, const struct kiln_build *build)
{
	char key[KILN_TUNE_KEY_HEX];

	kiln_tune_key_encode(&build->tune_key, key);
	kiln_json_text(object, "outcome", kiln_outcome_name(build->outcome));
	if (build->cache_hit == KILN_HIT_UNKNOWN)
		kiln_json_text(object, "cache_hit", NULL);
	else
		kiln_json_bool(object, "cache_hit", build->cache_hit == KILN_HIT_TRUE);
	kiln_json_text(object, "miss_reason", kiln_miss_reason_name(build->miss_reason));
	kiln_json_u32s(object, "workgroup", build->workgroup, 3);
	kiln_json_text(object, "workgroup_source", kiln_workgroup_source_name(build->workgroup_source));
	kiln_json_text(object, "workgroup_note", build->workgroup_note);
	kiln_json_text(object, "tune_key", key);
	kiln_json_u64(object, "resolve_ns", build->resolve_ns);
	kiln_json_u64(object, "compile_ns", build->compile_ns);
	kiln_json_u64(object, "blob_bytes", build->blob_bytes);
	kiln_json_bool(object, "stub", build->stub);
	kiln_json_digest(object, "pipeline_id", &build->identity.digest);
	kiln_json_digest(object, "program_digest", &build->identity.program);
	kiln_json_text(object, "dispatch_policy", build->policy);
}

void kiln_manifest_json(cJSON *object, struct kiln_kernel *kernel)
{
	const char *manifest = kiln_kernel_manifest(kernel);

	/* As it is: parsed into doubles its 64-bit numbers would change. */
	cJSON_AddItemToObject(object, "manifest", manifest ? cJSON_CreateRaw(manifest) : cJSON_CreateNull());
}
