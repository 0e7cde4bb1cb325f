/* A kernel from the inside. */
#ifndef RUNTIME_KERNEL_H
#define RUNTIME_KERNEL_H

#include <stdatomic.h>

#include <kiln/kernel.h>

#include "program.h"
#include "resolve.h"
#include "workgroup.h"

/* The kernel at one workgroup size. A kernel has the size it prefers, and its own size for launches whose threads another
 * size would round up further. */
struct kiln_variant {
	struct kiln_workgroup_choice choice;
	struct kiln_program *program; /* acquired where it is not the kernel's: a resized copy; else NULL */
	struct kiln_interface interface; /* at this size: shared arrays may depend on it */
	uint32_t buffer_count;           /* arguments a launch takes: array bindings count their elements */
	struct kiln_spec_value *spec;    /* what the key points to */
	struct kiln_pipeline_key key;
	struct kiln_pipeline_identity identity;
	/* referenced; NULL before the first resolve. Replaced once it was invalidated: what a thread loads is safe to use
	 * with the kernel's lock held, or with the stream's, under which pipelines are retired. */
	_Atomic(struct kiln_pipeline *) pipeline;
	atomic_uint_fast64_t epoch; /* the memory tier's when the pipeline was last seen not to be dropped */

	atomic_uint_fast64_t short_groups;      /* up to so many workgroups a launch is not looked at; slice.h */
	_Atomic(struct kiln_slicing *) slicing; /* NULL before a launch of many; set once */

	atomic_bool resolved_again; /* since what is below was written */

	/* the last resolve, guarded by the kernel's lock */
	struct kiln_resolution resolution; /* its pipeline is not used here */
	uint64_t resolve_ns;
	char *miss_text; /* of the last miss; may be NULL */
	char *policy;
	char *manifest;
};

enum { KILN_VARIANT_PREFERRED, KILN_VARIANT_OWN, KILN_VARIANT_COUNT };

struct kiln_tuned;
struct kiln_tuning;

struct kiln_kernel {
	atomic_uint references;          /* the caller's handle, and one for each graph */
	struct kiln_device *device;      /* referenced */
	struct kiln_program *program;    /* acquired */
	struct kiln_interface interface; /* with the caller's constants */
	struct kiln_spec_value *spec;    /* the caller's, sorted by id */
	size_t spec_count;
	uint32_t own[3]; /* the size with the caller's constants and nothing else */
	uint32_t subgroup_size;
	uint32_t modes; /* KILN_FEATURE_* of the launch modes */
	bool guarded;
	bool resizable; /* a literal workgroup size may be changed */
	struct kiln_tunables tunables;
	struct kiln_tune_key tune_key; /* of records that hold for every problem size */
	char name[64];

	struct kiln_mutex lock;
	bool lock_ready;
	struct kiln_variant variants[KILN_VARIANT_COUNT];

	atomic_bool by_bucket;    /* launches look at what `tuned` says of their problem size */
	struct kiln_tuned *tuned; /* tune_choice.h; guarded by the lock, and nothing leaves it */
	_Atomic(struct kiln_tuned *) tuned_last; /* what the last launch looked at */
	bool tunes_itself;                       /* KILN_AUTOTUNE=tune or retune */
	struct kiln_tuning *tunings;             /* tune_launch.c; as `tuned` */
	_Atomic(struct kiln_tuning *) tuning_last;

	_Atomic(struct kiln_variant *)
		reported; /* what the last resolve asked for was about; NULL = the preferred */
};

void kiln_kernel_reference(struct kiln_kernel *kernel);

/* The variant for this many threads; NULL = unknown, the preferred one. */
struct kiln_variant *kiln_kernel_variant(struct kiln_kernel *kernel, const uint32_t threads[3]);

/* Resolves the variant unless it has its pipeline already. */
enum kiln_status kiln_kernel_ready(struct kiln_kernel *kernel, struct kiln_variant *variant);

/* JSON, schema 1. NULL = out of memory. Ownership: kiln_free(). */
char *kiln_manifest_print(const struct kiln_kernel *kernel, const struct kiln_variant *variant);

#endif
