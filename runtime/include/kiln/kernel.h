/* Kernels: SPIR-V with its interface checked, resolved to a pipeline, launched by thread count. */
#ifndef KILN_KERNEL_H
#define KILN_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kiln/buffer.h>
#include <kiln/device.h>
#include <kiln/image.h>
#include <kiln/reflect.h>

KILN_BEGIN_DECLS

struct kiln_kernel;

struct kiln_kernel_params {
	const void *spirv;                  /* 4-byte aligned */
	size_t spirv_bytes;
	const char *entry;                  /* NULL = "main", or the only one there is */
	const struct kiln_spec_value *spec; /* specialisation; ids not listed keep their defaults */
	size_t spec_count;
	uint32_t workgroup[3];              /* threads; 0 = store, else the kernel's own size. Needs a size that is
	                                       specialisable or `resizable`; a value in .spec for a dimension's constant
	                                       counts as given here */
	uint32_t subgroup_size;             /* 0 = the driver's choice */
	bool guarded;                       /* the kernel ignores threads beyond those asked for (`if (i < n)`), so a size
	                                       that rounds threads up further than its own default is safe */
	bool resizable;                     /* the kernel does not depend on its workgroup size, so that one that is literal
	                                       in the module may be changed there: see kiln_reflect_resize() */
	const struct kiln_tunable_id *tunables; /* constants to tune that have no name, or another one */
	size_t tunable_count;
	const char *name;                   /* for messages and manifests; copied; NULL = the entry point */
	uint32_t modes;                     /* launch modes the pipeline is built for, KILN_FEATURE_INDIRECT_DISPATCH,
	                                       _SPECULATIVE, _PERSISTENT_THREAD, _ASYNC_COMPUTE; part of its key. The
	                                       first three can be launched only by kernels made with them, see launch.h */
	bool borrow;                        /* keep no copy of .spirv, only the words the driver gets. Saves the copy of a module
	                                       that is used once: bytes the device has no copy of are parsed again each time.
	                                       Either way they are only read during the call */
};

/** Reflects and checks the module; compiles nothing yet. The same bytes seen before are recognised, not parsed again.
 *  Returns: KILN_ERR_SPIRV_*, KILN_ERR_SPECIALIZATION, KILN_ERR_WORKGROUP_LIMIT, KILN_ERR_PUSH_TOO_LONG, KILN_ERR_UNSUPPORTED (more
 *  sets or descriptors than the device takes, unsized arrays of them, a subgroup size it has not), KILN_ERR_INVALID_ARGUMENT,
 *  KILN_ERR_DEVICE_LOST, KILN_ERR_OUT_OF_MEMORY.
 *  Ownership: the caller destroys it.  Threads: any.  Blocks: no. */
KILN_API enum kiln_status kiln_kernel_create(struct kiln_device *device, const struct kiln_kernel_params *params,
                                             struct kiln_kernel **out_kernel);
/** Frees once no launch uses it and sets NULL; NULL and *kernel NULL are fine. */
KILN_API void kiln_kernel_destroy(struct kiln_kernel **kernel);

/** Facts of the module and of the kernel's entry point.  Ownership: the kernel's. */
KILN_API const struct kiln_reflection *kiln_kernel_reflection(const struct kiln_kernel *kernel);
KILN_API const struct kiln_entry_point *kiln_kernel_entry(const struct kiln_kernel *kernel);

/** How a pipeline came to be ready, from evidence only. */
enum kiln_outcome {
	KILN_OUTCOME_MEMORY = 1, /* compiled or loaded before by this device */
	KILN_OUTCOME_DISK,       /* our blob, and the driver says it used it */
	KILN_OUTCOME_DRIVER,     /* the driver had it without our blob */
	KILN_OUTCOME_COMPILED,   /* the driver says it compiled */
	KILN_OUTCOME_UNKNOWN,    /* the driver gives no evidence */
};

enum kiln_hit {
	KILN_HIT_UNKNOWN = -1, /* printed as null */
	KILN_HIT_FALSE = 0,
	KILN_HIT_TRUE = 1,
};

/** Why a pipeline was not found in memory or on disk. */
enum kiln_miss_reason {
	KILN_MISS_NONE = 0, /* it was found */
	KILN_MISS_EMPTY_CACHE,
	KILN_MISS_PROGRAM_CHANGED,
	KILN_MISS_DISPATCH_POLICY_CHANGED,
	KILN_MISS_DEVICE_OR_RUNTIME_CHANGED,
	KILN_MISS_KEY_ABSENT,
};

/** The reason that evidence supports. The widest thing that matches decides: nothing at all, no such program, no such
 *  policy, no such device, or all three and still no usable entry. Pure. */
KILN_API enum kiln_miss_reason kiln_miss_classify(const struct kiln_cache_evidence *evidence);

/** Where a workgroup size came from. */
enum kiln_workgroup_source {
	KILN_WORKGROUP_EXPLICIT = 1, /* the caller's */
	KILN_WORKGROUP_STORE,        /* an autotune record */
	KILN_WORKGROUP_KERNEL,       /* the module's own default */
	KILN_WORKGROUP_RULE,         /* 64x1x1, where every specialisable dimension defaults to 1 */
	KILN_WORKGROUP_FIXED,        /* a literal size in the module */
};

/** What the last resolve of a kernel did. */
struct kiln_build {
	enum kiln_outcome outcome;
	enum kiln_hit cache_hit;
	enum kiln_miss_reason miss_reason;
	const char *miss_text;         /* the culprit, for people: "wg 64x1x1 -> 128x1x1", "its entry was evicted ..."; "" */
	uint32_t workgroup[3];
	enum kiln_workgroup_source workgroup_source;
	const char *workgroup_note;    /* why a record was not used, or "" */
	uint64_t resolve_ns;           /* the whole resolve */
	uint64_t compile_ns;           /* inside the driver; 0 when nothing was created */
	uint64_t blob_bytes;           /* of the driver's cache blob; 0 = none */
	bool stub;                     /* the driver's blob carries no code */
	struct kiln_pipeline_identity identity;
	const struct kiln_pipeline_key *key; /* what the identity is made of; the kernel's */
	const char *policy;            /* canonical one-line policy string */
	struct kiln_tune_key tune_key; /* with info->adapter: the record that decides the workgroup */
};

/** Makes the kernel's pipeline ready: memory, else disk, else compile and store. A launch does this by itself.
 *  `out_build` may be NULL, which also saves finding the reason of a miss; its strings are the kernel's, valid until it is destroyed or resolved again.
 *  Returns: KILN_ERR_EXPECTED_WARM, KILN_ERR_DRIVER, KILN_ERR_OUT_OF_MEMORY, ...; nothing is left behind then.
 *  Threads: any; the same key twice at once compiles once.  Blocks: while compiling. */
KILN_API enum kiln_status kiln_kernel_resolve(struct kiln_kernel *kernel, struct kiln_build *out_build);

/** As kiln_kernel_resolve(), for the workgroup size a launch of these threads takes: a kernel that is not declared guarded has
 *  two, see kiln_launch(). `threads` NULL = the preferred one; y and z 0 mean 1. */
KILN_API enum kiln_status kiln_kernel_resolve_for(struct kiln_kernel *kernel, const uint32_t threads[3],
                                                  struct kiln_build *out_build);

/** Facts of a pipeline in memory. */
struct kiln_pipeline_facts {
	struct kiln_pipeline_identity identity;
	uint64_t compile_ns; /* inside the driver, when it was made */
	uint64_t blob_bytes; /* of the driver's cache blob; 0 = none */
	bool stub;           /* the driver's blob carries no code */
};

/** Resolves by full key, from memory alone: is this pipeline ready on this device? Counts as a use of it and as an outcome
 *  MEMORY. The key of kiln_build is found quickest: others may say the same in other words (constants in another order).
 *  `out_facts` may be NULL.  Returns: KILN_ERR_NOT_FOUND, counted nowhere; KILN_ERR_INVALID_ARGUMENT.
 *  Threads: any, without a lock on a hit.  Blocks: no. */
KILN_API enum kiln_status kiln_resolve_key(struct kiln_device *device, const struct kiln_pipeline_key *key,
                                           struct kiln_pipeline_facts *out_facts);

/** What a resolve would ask the cache for: workgroup, identity, key, policy and tune key. All else in *out_build is 0;
 *  strings as above.  Returns: KILN_ERR_OUT_OF_MEMORY.  Threads: any.  Blocks: no. */
KILN_API enum kiln_status kiln_kernel_describe(struct kiln_kernel *kernel, struct kiln_build *out_build);

/** Manifest (JSON, schema 1) of the last resolve; NULL before.  Ownership: the kernel's. */
KILN_API const char *kiln_kernel_manifest(struct kiln_kernel *kernel);

struct kiln_prewarm_params {
	unsigned threads; /* 0 = one for each processor the process may use */
	/* Called after each kernel, from any of the threads, one call at a time; may be NULL. false = enough: kernels that
	 * are not begun stay undone. Must not prewarm itself. */
	bool (*progress)(void *user, size_t done, size_t total);
	void *user;
};

/** What became of one kernel of a batch. */
struct kiln_prewarm_report {
	enum kiln_status status;        /* KILN_ERR_CANCELLED = not begun */
	struct kiln_digest pipeline_id; /* as below, only where the pipeline was made */
	enum kiln_hit cache_hit;        /* was it warm before this call? */
	enum kiln_outcome outcome;      /* 0 = none */
	char *manifest;                 /* JSON, schema 1 */
	char *message;                  /* of a failure */
};

/** Makes the pipelines of these kernels ready, on several threads, and keeps them in the memory tier (and on disk) within its
 *  bounds: kernels created of the same parameters then resolve from memory. A failing kernel does not stop the others.
 *  `params` NULL = defaults. `out_reports` (may be NULL) is one for each kernel, in order, and filled whatever is returned but
 *  for the errors marked *.
 *  Returns: the error of the first kernel, in order, that failed; else KILN_ERR_CANCELLED if any was left undone;
 *  KILN_ERR_INVALID_ARGUMENT*, KILN_ERR_DEVICE_LOST*, KILN_ERR_OUT_OF_MEMORY*. 0 kernels are KILN_OK.
 *  Ownership: kiln_prewarm_reports_finish() the reports.  Threads: any.  Blocks: until all is done. */
KILN_API enum kiln_status kiln_prewarm(struct kiln_device *device, const struct kiln_kernel_params *kernels, size_t count,
                                       const struct kiln_prewarm_params *params, struct kiln_prewarm_report *out_reports);
/** Frees what the reports own, not the array. NULL is fine. */
KILN_API void kiln_prewarm_reports_finish(struct kiln_prewarm_report *reports, size_t count);

/** "memory", "disk", "driver", "compiled", "unknown". */
KILN_API const char *kiln_outcome_name(enum kiln_outcome outcome);
/** Stable snake_case: "none", "empty_cache", "program_changed", "dispatch_policy_changed", "device_or_runtime_changed",
 *  "key_absent". */
KILN_API const char *kiln_miss_reason_name(enum kiln_miss_reason reason);
/** "explicit", "store", "kernel", "rule", "fixed". */
KILN_API const char *kiln_workgroup_source_name(enum kiln_workgroup_source source);

#define KILN_BUFFERS_MAX 32

/** One argument: a range of a buffer, an image, or a sampler. An array of bindings takes one for each element. */
struct kiln_arg {
	struct kiln_buffer *buffer;
	uint64_t offset; /* a multiple of the device's storage buffer alignment */
	uint64_t bytes;  /* 0 = to the end of the buffer */
	struct kiln_image *image;    /* instead of a buffer, for a storage image, a sampled one, or one with its sampler */
	struct kiln_sampler sampler; /* of a combined image sampler; alone, of a separate sampler */
};

struct kiln_launch_params {
	uint32_t threads[3];                             /* y and z 0 mean 1; x 0 launches nothing, successfully */
	struct kiln_buffer *buffers[KILN_BUFFERS_MAX + 1]; /* in (set, binding) order, NULL-terminated */
	const struct kiln_arg *args;                     /* the long form, instead of `buffers` */
	size_t arg_count;
	const void *push;                                /* push constants, exactly the kernel's push_bytes */
	uint32_t push_bytes;
	/* .indirect.buffer set: the launch reads three uint32_t at this place, x, y and z, when its turn comes, and .threads
	 * stays 0. They count workgroups, or with .indirect_threads threads, rounded up as usual. See launch.h. */
	struct kiln_arg indirect;
	bool indirect_threads;
};

/** Enqueues a launch after everything enqueued before; resolves the kernel first if needed. Threads are rounded up to whole
 *  workgroups, so kernels guard with `if (i < n)`; one that is not declared guarded keeps its own workgroup size wherever
 *  another would round up further.
 *  Under KILN_AUTOTUNE=tune, a launch whose problem size has no settled record of this driver is tuned for, on copies of its
 *  buffers: at once where it takes less than a millisecond, the first time or the second; else in steps, for a twenty-fifth of
 *  the time that its launches took. The copies are kept until it is done. `retune` does so once in each process whatever the
 *  store has. Launches that go in slices are not tuned, nor, on devices that are no CPU, those beyond 100 ms.
 *  Images are passed through .args; a kernel that takes any is not tuned, nor, by its launches, one whose .modes are indirect
 *  dispatch, speculation or a persistent thread.
 *  Returns: KILN_ERR_TOO_FEW_BUFFERS ... KILN_ERR_IMAGE_MISMATCH, each with a sentence; nothing is enqueued then.
 *  Ownership: buffers must live until the launch is done: destroying one early is safe, it is kept.
 *  Threads: any.  Blocks: only while resolving, or tuning, or for a fifth submission in flight (stream.h), or where a long
 *  launch goes in slices (slice.h). */
KILN_API enum kiln_status kiln_launch(struct kiln_kernel *kernel, const struct kiln_launch_params *params);

KILN_END_DECLS

#endif
