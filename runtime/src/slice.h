/* Long launches in parts, so that no watchdog takes the device for hung: each part is a submission of its own, and about as
 * long as the budget. How long a workgroup takes is learned from parts that were waited for. */
#ifndef RUNTIME_SLICE_H
#define RUNTIME_SLICE_H

#include <stdatomic.h>

#include <kiln/slice.h>

#include "kernel.h"
#include "stream.h"

/* ---- The plan: pure ---- */

#define KILN_SLICE_FREE \
	4096u /* workgroups that are launched whole, whatever they do: a few rounds of a device */
#define KILN_SLICE_FREE_FLAT (1u << 20) /* the same for a kernel without loops */
#define KILN_SLICE_FIRST 64u            /* workgroups of the first slice of an unknown kernel */
#define KILN_SLICE_GROWTH 2u            /* a slice is at most so many times the one before */
#define KILN_SLICES_MAX (1u << 16)      /* about: slices get longer than the budget instead */
#define KILN_SLICE_BUDGET_MIN_NS 1000000u

struct kiln_slice {
	uint32_t base[3], groups[3];
};

struct kiln_slice_plan {
	uint32_t groups[3]; /* of the launch */
	uint32_t at[3];     /* first workgroup not handed out yet */
	bool done;
	uint64_t total, handed;
	uint64_t budget_ns;
	uint64_t floor;    /* a smaller slice would leave processors idle */
	uint64_t group_ps; /* what is known of the kernel, may be changed between slices; 0 = nothing */
	uint64_t last;     /* workgroups of the last slice */
};

/* x * y * z; saturates. */
uint64_t kiln_slice_total(const uint32_t groups[3]);
/* `budget_ns` 0 = one slice. */
void kiln_slice_plan_init(struct kiln_slice_plan *plan, const uint32_t groups[3], uint64_t budget_ns,
                          uint64_t floor, uint64_t group_ps);
/* The next slice: whole planes, else whole rows of one plane, else part of a row. False when nothing is left. */
bool kiln_slice_next(struct kiln_slice_plan *plan, struct kiln_slice *out_slice);

/* What one more measurement makes of what is known: slower counts at once, faster little by little, for a launch that is
 * taken for short is not looked at again. `first`: what was known came from smaller slices, and is worth nothing. */
uint64_t kiln_slice_lesson(uint64_t known_ps, uint64_t groups, uint64_t ns, bool first);
/* Workgroups that take no longer than the budget. */
uint64_t kiln_slice_fitting(uint64_t group_ps, uint64_t budget_ns);

/* ---- A kernel's slices ---- */

/* Made when a variant is first launched with many workgroups. */
struct kiln_slicing {
	const char *reason; /* why it cannot be sliced; NULL = it can */
	atomic_bool said;
	atomic_uint_fast64_t group_ps; /* 0 = not known */
	const struct kiln_program *base; /* the variant's */
	struct kiln_program *program;    /* changed, see rebase.h; NULL = `base` */
	struct kiln_interface interface;
	uint32_t counts_at; /* where the changed program expects the number of workgroups */
	struct kiln_pipeline_key key;
	struct kiln_pipeline_identity identity;
	/* referenced; replaced once it was invalidated, under the kernel's lock: as kiln_variant.pipeline */
	_Atomic(struct kiln_pipeline *) pipeline;
	atomic_uint_fast64_t epoch; /* the memory tier's when the pipeline was last seen not to be dropped */
	uint64_t beside; /* the variant's own pipeline then; guarded by the kernel's lock */
};

/* What a launch of so many workgroups needs to know before it takes the usual way. */
static inline bool kiln_slice_is_short(const struct kiln_variant *variant, const uint32_t groups[3])
{
	uint64_t plane = (uint64_t)groups[0] * groups[1];

	if (plane <= KILN_SLICE_FREE && plane * groups[2] <= KILN_SLICE_FREE)
		return true;
	return kiln_slice_total(groups) <= atomic_load_explicit(&variant->short_groups, memory_order_relaxed);
}

/* What a budget of the caller's stands for: 0 = the usual one. */
uint64_t kiln_slice_budget(uint64_t asked_ns);

/* NULL is fine. */
void kiln_slicing_free(const struct kiln_kernel *kernel, struct kiln_slicing *slicing);

/* The call of kiln_stream_launch_sliced(); NULL = a launch that became too long. */
struct kiln_slice_call {
	struct kiln_slice_params params;
	struct kiln_slice_report *report;
};

/* Launches, whole or in slices. `launch` is complete but for its pipeline. */
enum kiln_status kiln_slice_launch(struct kiln_stream *stream, struct kiln_variant *variant,
                                   struct kiln_stream_launch *launch, const struct kiln_slice_call *call);

/* slice_variant.c: what is to be known of the variant; *out_slicing->reason says whether it can be sliced. */
enum kiln_status kiln_slicing_get(struct kiln_kernel *kernel, struct kiln_variant *variant,
                                  struct kiln_slicing **out_slicing);
/* Makes the pipeline for slices, where there is none or what there is was invalidated. */
enum kiln_status kiln_slicing_ready(struct kiln_kernel *kernel, const struct kiln_variant *variant,
                                    struct kiln_slicing *slicing);
#define KILN_SLICE_PUSH_MAX 512u
/* Gives the launch the push constants of a changed program: its own, and behind them its grid. */
void kiln_slicing_push(const struct kiln_slicing *slicing, struct kiln_stream_launch *launch,
                       uint8_t push[KILN_SLICE_PUSH_MAX]);
/* One measurement. Threads: any. */
void kiln_slicing_learn(struct kiln_kernel *kernel, struct kiln_variant *variant,
                        struct kiln_slicing *slicing, uint64_t groups, uint64_t ns, bool first);

#endif
