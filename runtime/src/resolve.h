/* From a key to a ready pipeline: memory, else disk, else compile and store. */
#ifndef RUNTIME_RESOLVE_H
#define RUNTIME_RESOLVE_H

#include "pipeline.h"

struct kiln_resolution {
	struct kiln_pipeline *pipeline; /* referenced for the caller */
	enum kiln_outcome outcome;
	enum kiln_hit cache_hit;
	enum kiln_miss_reason miss_reason;
	char *miss_text;     /* the caller's to kiln_free(); NULL = nothing missed, or no memory */
	uint64_t compile_ns; /* inside the driver; 0 for MEMORY */
};

/* `told`: somebody asks for the reason of a miss. Else miss_reason is NONE, and finding it costs nothing. */
enum kiln_status kiln_resolve(struct kiln_device *device, const struct kiln_program *program,
                              const struct kiln_pipeline_key *key,
                              const struct kiln_pipeline_identity *identity, const char *kernel_name,
                              bool told, struct kiln_resolution *out_resolution);

/* What a resolve says of a pipeline the caller holds already: whether the memory tier still has it too does not matter. */
void kiln_resolution_held(struct kiln_pipeline *pipeline, struct kiln_resolution *out_resolution);

/* Pure: the outcome that evidence supports. `offered`: our blob went to the driver. */
enum kiln_outcome kiln_outcome_of(const struct kiln_compile_evidence *evidence, bool offered);
enum kiln_hit kiln_hit_of(enum kiln_outcome outcome);

#endif
