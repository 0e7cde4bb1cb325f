/* A compiled pipeline, and the one function that compiles. It reads the key and the program the key names, nothing else:
 * what is not in the key cannot influence the code. */
#ifndef RUNTIME_PIPELINE_H
#define RUNTIME_PIPELINE_H

#include <stdatomic.h>

#include <kiln/kernel.h>

#include "device_part.h"
#include "program.h"
#include "retire.h"
#include "vulkan_api.h"

struct kiln_device;

#define KILN_SETS_MAX 8

struct kiln_pipeline {
	atomic_uint references;
	struct kiln_device *device; /* not referenced: the device outlives its pipelines */
	uint64_t id;                /* never reused */
	struct kiln_pipeline_identity identity;
	VkPipeline handle;
	VkPipelineLayout layout;
	VkDescriptorSetLayout sets[KILN_SETS_MAX];
	uint32_t set_count;
	bool rebindable; /* its sets may be written after commands that bind them were recorded */
	struct kiln_retired retired; /* the streams' */
	struct kiln_part part;
	char name[64]; /* of the kernel it was made for first */

	/* facts of how it came to be, for manifests */
	uint64_t compile_ns;
	uint64_t blob_bytes;
	bool stub;

	/* the memory tier's; the first three never change once it is published */
	struct kiln_pipeline_key *key; /* owned; NULL = out of memory, and found by its identity only */
	uint64_t key_hash;
	size_t weight;              /* bytes it counts for */
	bool published;             /* the tier knows it, until it is freed */
	atomic_bool dropped;        /* invalidated: good for who has it, and nobody may come by it again */
	atomic_uint_fast64_t epoch; /* the last one it was used in */
	atomic_uint_fast64_t used;  /* number of the first use in that epoch */
	uint64_t placed;            /* number of the use that its place in the order of uses is by */
	struct kiln_pipeline *lru_newer, *lru_older;
	struct kiln_pipeline *alive_next, **alive_at;
};

/* The evidence of one compile. */
struct kiln_compile_evidence {
	bool has_feedback; /* the driver filled pipeline or stage feedback */
	bool cache_hit;    /* ... and said that our cache object served it */
	bool loaded;       /* the driver took the blob it was offered, whatever it did with it */
	bool found;        /* it made the pipeline although it was forbidden to compile */
	uint64_t ns;       /* vkCreateComputePipelines */
	void *blob;        /* the driver's cache data, checked; NULL = none. kiln_free() it */
	size_t blob_bytes;
};

struct kiln_compile {
	const struct kiln_pipeline_key *key;
	const struct kiln_program *program;
	const void *blob; /* verified cache data to offer the driver; NULL = none */
	size_t blob_bytes;
	bool statistics; /* the driver collects some; such a pipeline touches no cache and is not launched */
	const char *name; /* of the kernel, for debuggers; NULL = its entry point's */
	bool warm_only; /* KILN_ERR_EXPECTED_WARM instead of a compile, from drivers that can be forbidden to */
};

enum kiln_status kiln_pipeline_compile(struct kiln_device *device, const struct kiln_compile *compile,
                                       struct kiln_pipeline **out_pipeline,
                                       struct kiln_compile_evidence *out_evidence);

/* For kiln_pipeline_compile(): fills the pipeline's set layouts and layout. */
enum kiln_status kiln_pipeline_layout_create(struct kiln_pipeline *pipeline,
                                             const struct kiln_entry_point *entry,
                                             const struct kiln_pipeline_key *key);

/* Of an enum kiln_binding_type. */
VkDescriptorType kiln_descriptor_type(uint32_t type);

/* What every pool of sets is created with: some pipelines' sets may be rebindable. */
VkDescriptorPoolCreateFlags kiln_descriptor_pool_flags(const struct kiln_device *device);

void kiln_pipeline_reference(struct kiln_pipeline *pipeline);
/* The last drop frees it once no submission uses it. NULL is fine. */
void kiln_pipeline_unreference(struct kiln_pipeline *pipeline);
/* Frees at once: no submission uses it. */
void kiln_pipeline_free(struct kiln_pipeline *pipeline);

#endif
