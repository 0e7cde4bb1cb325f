/* A look-up by full key, in memory alone. */
#include <base/error.h>

#include "device.h"
#include "pipeline.h"

static void tell(const struct kiln_pipeline *pipeline, struct kiln_pipeline_facts *out_facts)
{
	*out_facts = (struct kiln_pipeline_facts){
		.identity = pipeline->identity,
		.compile_ns = pipeline->compile_ns,
		.blob_bytes = pipeline->blob_bytes,
		.stub = pipeline->stub,
	};
}

/* A key in other words than the pipeline's own, or one whose place another has taken. */
static enum kiln_status resolve_key_by_identity(struct kiln_device *device,
                                                const struct kiln_pipeline_key *key,
                                                struct kiln_pipeline_facts *out_facts)
{
	struct kiln_pipeline_identity identity;
	struct kiln_pipeline *pipeline;

	KILN_TRY(kiln_pipeline_identity(key, &device->fingerprint, &identity));
	pipeline = kiln_pipeline_tier_find(&device->pipelines, key, &identity);
	if (!pipeline)
		return kiln_error(KILN_ERR_NOT_FOUND,
		                  "no pipeline of this key is in memory. Fix: resolve a kernel, or "
		                  "kiln_prewarm() it");
	if (out_facts)
		tell(pipeline, out_facts);
	kiln_pipeline_unreference(pipeline);
	kiln_pipeline_tier_count(&device->pipelines, KILN_OUTCOME_MEMORY);
	return KILN_OK;
}

enum kiln_status kiln_resolve_key(struct kiln_device *device, const struct kiln_pipeline_key *key,
                                  struct kiln_pipeline_facts *out_facts)
{
	const struct kiln_pipeline *pipeline;
	struct kiln_tier_reader reader;

	KILN_CHECK(device && key, "kiln_resolve_key: the device or the key is NULL. Fix: pass both");
	pipeline = kiln_pipeline_tier_look(&device->pipelines, key, &reader);
	if (!pipeline)
		return resolve_key_by_identity(device, key, out_facts);
	if (out_facts)
		tell(pipeline, out_facts);
	kiln_tier_leave(reader);
	kiln_pipeline_tier_count(&device->pipelines, KILN_OUTCOME_MEMORY);
	return KILN_OK;
}
