/* What a pipeline is, as plain data: feature flags, bind-group layout, pipeline key, device fingerprint, and
 * the digests made of them. Pure: no file, no driver, no clock, so every function here may be called by any
 * thread and blocks on nothing. Rules and domain strings: cache/FORMAT.md. */
#ifndef KILN_IDENTITY_H
#define KILN_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kiln/digest.h>
#include <kiln/status.h>

KILN_BEGIN_DECLS

/** Mixed into every persistent key: raising it makes every existing entry a miss. */
#define KILN_PIPELINE_KEY_VERSION 1u

/* ---- Feature flags: the assumptions compiled into a pipeline. Bits from 9 up are reserved, additive.
 * ---- */

#define KILN_FEATURE_SUBGROUP_OPS (1u << 0)
#define KILN_FEATURE_F16 (1u << 1)
#define KILN_FEATURE_BF16 (1u << 2)
#define KILN_FEATURE_TENSOR_CORES (1u << 3) /* cooperative matrix */
#define KILN_FEATURE_ASYNC_COMPUTE (1u << 4)
#define KILN_FEATURE_PUSH_CONSTANTS (1u << 5)
#define KILN_FEATURE_INDIRECT_DISPATCH (1u << 6)
#define KILN_FEATURE_SPECULATIVE (1u << 7)       /* fused prefilter and confirmer */
#define KILN_FEATURE_PERSISTENT_THREAD (1u << 8) /* device-side work queue */

struct kiln_features {
	uint32_t bits;
};

/** Whether `all` has every bit of `some`; both together; the word itself.  Threads: any.  Blocks: no. */
KILN_API bool kiln_features_contains(struct kiln_features all, struct kiln_features some);
KILN_API struct kiln_features kiln_features_union(struct kiln_features a, struct kiln_features b);
KILN_API uint32_t kiln_features_bits(struct kiln_features features);
/** Name of one bit index, such as "subgroup_ops"; NULL for a reserved bit. */
KILN_API const char *kiln_feature_name(unsigned bit);
/** Writes "subgroup_ops|f16", "none" for no bits, reserved bits as "bit9". At most `bytes`, always
 *  NUL-terminated.
 *  Returns: the length the whole text needs, without NUL. */
KILN_API size_t kiln_features_print(struct kiln_features features, char *out_text, size_t bytes);

/* ---- Bind-group layout ---- */

/* Values are Kiln's own and pinned: they are hashed. */
enum kiln_binding_type {
	KILN_BINDING_STORAGE_BUFFER = 1,
	KILN_BINDING_UNIFORM_BUFFER = 2,
	KILN_BINDING_STORAGE_IMAGE = 3,
	KILN_BINDING_SAMPLED_IMAGE = 4,
	KILN_BINDING_COMBINED_IMAGE_SAMPLER = 5,
	KILN_BINDING_SAMPLER = 6,
	KILN_BINDING_UNIFORM_TEXEL_BUFFER = 7,
	KILN_BINDING_STORAGE_TEXEL_BUFFER = 8,
	KILN_BINDING_ACCELERATION_STRUCTURE = 9,
};

#define KILN_ACCESS_READ 1u
#define KILN_ACCESS_WRITE 2u
#define KILN_STAGE_COMPUTE 1u

/** One binding, structurally: never a driver handle. */
struct kiln_layout_binding {
	uint32_t set;
	uint32_t binding;
	uint32_t type;   /* enum kiln_binding_type */
	uint32_t count;  /* array elements, 1 when not an array, 0 = run-time sized */
	uint32_t access; /* KILN_ACCESS_*; 0 = declared and never touched */
	uint32_t stages; /* KILN_STAGE_* */
};

/** Digest of a layout; the order of `bindings` does not matter.
 *  Returns: KILN_ERR_INVALID_ARGUMENT when two entries name the same (set, binding); KILN_ERR_OUT_OF_MEMORY,
 *  for unsorted bindings only. */
KILN_API enum kiln_status kiln_layout_digest(const struct kiln_layout_binding *bindings, size_t count,
                                             struct kiln_digest *out_digest);

/* ---- Pipeline key ---- */

/** One specialisation constant: its value is the low `size` bytes of `value`; higher ones are ignored. */
struct kiln_spec_value {
	uint32_t id;
	uint32_t size; /* bytes: 1, 2, 4 or 8; booleans are 4 */
	uint64_t value;
};

enum kiln_robustness {
	KILN_ROBUSTNESS_OFF = 0,
	KILN_ROBUSTNESS_BUFFERS = 1, /* out-of-bounds buffer accesses are defined */
};

#define KILN_CREATE_PUSH_DESCRIPTORS (1u << 0)
#define KILN_CREATE_UPDATE_AFTER_BIND (1u << 1)
#define KILN_CREATE_DISPATCH_BASE (1u << 2)

#define KILN_ENTRY_POINT_MAX 255 /* bytes without NUL */
#define KILN_BACKEND_MAX 31      /* bytes without NUL */
#define KILN_SPEC_VALUES_MAX 1024

/** Everything that can change the compiled code. Two keys that differ in any field are different pipelines.
 *  Pointers are borrowed. `backend` NULL means "vulkan", `entry` NULL "main", `key_version` 0 the present
 *  one. */
struct kiln_pipeline_key {
	uint32_t key_version;
	const char *backend;
	struct kiln_digest program;
	const char *entry;
	struct kiln_digest layout;
	uint32_t push_bytes;
	uint32_t workgroup[3];
	const struct kiln_spec_value *spec; /* any order; hashed and encoded sorted by id */
	size_t spec_count;
	uint32_t subgroup_size; /* 0 = the driver's choice */
	uint32_t robustness;    /* enum kiln_robustness */
	uint32_t create_flags;  /* KILN_CREATE_* */
	struct kiln_features features;
};

/** Digest of all fields but the program. Same facts as kiln_policy_print().
 *  Returns: KILN_ERR_INVALID_ARGUMENT for a duplicate spec id, too many constants, a bad spec size, or an
 *  over-long entry point or backend.  Threads: any.  Blocks: no. */
KILN_API enum kiln_status kiln_policy_digest(const struct kiln_pipeline_key *key,
                                             struct kiln_digest *out_digest);

/** The canonical one-line form, equal for two keys exactly when their policy digests are:
 *  "entry=main wg=64x1x1 sg=auto push=8 layout=<64 hex> spec=0:u32=64,1:u16=3 flags=push_constants", then,
 *  only where they differ from the usual, " robust=buffers", " create=push_descriptors|...", " backend=..."
 *  and " key=...". Bytes that could be mistaken for borders are percent-escaped.
 *  Writes at most `bytes`, always NUL-terminated.  Returns: the length the whole text needs, without NUL; 0
 *  (and "") for a key that kiln_policy_digest() refuses.  Threads: any.  Blocks: no. */
KILN_API size_t kiln_policy_print(const struct kiln_pipeline_key *key, char *out_text, size_t bytes);

/* ---- Device fingerprint ---- */

/** Which device and driver compiled code is good for. */
struct kiln_fingerprint {
	uint32_t vendor_id;
	uint32_t device_id;
	struct kiln_digest driver;
};

/** From parts, for callers without a Kiln device. The strings are hashed as they are; NULL means "". */
KILN_API struct kiln_fingerprint kiln_fingerprint_from_parts(uint32_t vendor_id, uint32_t device_id,
                                                             const char *driver, const char *runtime);
/** Digest of the three parts: the device component of a pipeline identity. */
KILN_API struct kiln_digest kiln_fingerprint_digest(const struct kiln_fingerprint *fingerprint);

/* ---- Pipeline identity and content key ---- */

struct kiln_pipeline_identity {
	struct kiln_digest digest; /* of the three below; its hex is the pipeline_id */
	struct kiln_digest program;
	struct kiln_digest policy;
	struct kiln_digest device; /* kiln_fingerprint_digest() */
};

KILN_API enum kiln_status kiln_pipeline_identity(const struct kiln_pipeline_key *key,
                                                 const struct kiln_fingerprint *fingerprint,
                                                 struct kiln_pipeline_identity *out_identity);

/** The fields in which two pipelines differ, the old value first: "wg 64x1x1 -> 128x1x1, driver 0123456789ab ->
 *  ba9876543210"; "" when there are none. Without both fingerprints only the keys are compared. *out_fields (may be
 *  NULL) counts the fields: the fewer, the nearer.
 *  Writes at most `bytes`, always NUL-terminated.  Returns: the length the whole text needs, without NUL; 0 (and "")
 *  also for a key that kiln_policy_digest() refuses.  Threads: any.  Blocks: no. */
KILN_API size_t kiln_key_diff_print(const struct kiln_pipeline_key *was, const struct kiln_fingerprint *was_on,
                                    const struct kiln_pipeline_key *now, const struct kiln_fingerprint *now_on,
                                    char *out_text, size_t bytes, unsigned *out_fields);

/** What a content key is made of, for artefacts that are no pipelines (SPIR-V compiled from GLSL, say). */
struct kiln_content {
	const char *backend;           /* NULL = "vulkan" */
	const char *driver_version;    /* free text, NULL = "" */
	const char *device_generation; /* free text, NULL = "" */
	struct kiln_features features;
	const void *payload;
	size_t payload_bytes;
};

KILN_API struct kiln_digest kiln_content_key(const struct kiln_content *content);

KILN_END_DECLS

#endif
