#ifndef RUNTIME_KERNEL_VARIANT_H
#define RUNTIME_KERNEL_VARIANT_H

#include <stddef.h>
#include <stdint.h>

#include <kiln/identity.h>

struct kiln_kernel;

struct kiln_spec_value *kiln_spec_find(struct kiln_spec_value *values, size_t count,
                                       uint32_t id); /* NULL = absent */

/* Computes kernel->tune_key: under which key the autotune store holds records for it. Needs kernel->own. */
void kiln_kernel_tune(struct kiln_kernel *kernel);

/* Chooses the sizes and builds the keys of kernel->variants. `wanted`: the caller's, 0 = no wish. */
enum kiln_status kiln_kernel_choose(struct kiln_kernel *kernel, const uint32_t wanted[3]);

#endif
