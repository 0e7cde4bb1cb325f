#ifndef RUNTIME_KERNEL_VARIANT_H
#define RUNTIME_KERNEL_VARIANT_H

#include <stddef.h>
#include <stdint.h>

#include <kiln/autotune.h>
#include <kiln/identity.h>
#include <kiln/tune_report.h>

#include "workgroup.h"

struct kiln_kernel;
struct kiln_program;
struct kiln_variant;

struct kiln_spec_value *kiln_spec_find(struct kiln_spec_value *values, size_t count,
                                       uint32_t id); /* NULL = absent */

struct kiln_workgroup_limits kiln_kernel_workgroup_limits(const struct kiln_kernel *kernel);

/* Under which key the autotune store holds records of this kernel for a problem-size bucket, kiln_tune_bucket(); 0: for every
 * size. Needs kernel->own. */
struct kiln_tune_key kiln_kernel_tune_key(const struct kiln_kernel *kernel, uint32_t bucket);

/* Builds the key and all else of a variant whose `choice` is made, with these constants over the caller's: first of all the
 * resized copy of the program, where a literal size is to be another. kiln_variant_finish() follows whatever it returns.
 * Returns: KILN_ERR_SPECIALIZATION for a constant that the module does not have or that is no 32-bit integer. */
enum kiln_status kiln_variant_build(const struct kiln_kernel *kernel, struct kiln_variant *variant,
                                    const struct kiln_tune_constant *constants, size_t constant_count);
void kiln_variant_finish(const struct kiln_kernel *kernel, struct kiln_variant *variant);

/* Where the variant's code is: its own program or the kernel's. */
struct kiln_program *kiln_variant_program(const struct kiln_kernel *kernel,
                                          const struct kiln_variant *variant);

/* Chooses the sizes and builds the keys of kernel->variants. `wanted`: the caller's, 0 = no wish. */
enum kiln_status kiln_kernel_choose(struct kiln_kernel *kernel, const uint32_t wanted[3]);

#endif
