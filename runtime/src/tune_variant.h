/* A kernel at a configuration that a tuner chose: its constants, its key, its pipeline. */
#ifndef RUNTIME_TUNE_VARIANT_H
#define RUNTIME_TUNE_VARIANT_H

#include <kiln/tune_report.h>

#include "kernel.h"

/* The configuration of a record for this kernel, constants included. What the record says of tunables that the kernel does
 * not have, or that its caller set, is left out. */
struct kiln_tune_config kiln_tune_config_of(const struct kiln_kernel *kernel,
                                            const struct kiln_tune_record *record);

/* Builds the variant of a configuration from its `workgroup` (a dimension of 0 keeps the kernel's own) and its `constants`,
 * which win over the caller's; `unroll` and `tile` are not read, they are among the constants. Compiles nothing:
 * kiln_kernel_ready() makes the pipeline through memory, disk and compile like any other, and `variant->pipeline` is NULL
 * before. A literal workgroup size is changed in the module when the kernel is declared resizable and the module cannot see
 * it: the variant then has a program, and so a key, of its own; the tune key stays the kernel's.
 * Returns: KILN_ERR_WORKGROUP_LIMIT for a size or shared memory beyond the device, KILN_ERR_SPECIALIZATION for a constant
 * the module does not have or that is no 32-bit integer, KILN_ERR_UNSUPPORTED for a size this kernel cannot take, each with
 * its sentence; KILN_ERR_OUT_OF_MEMORY.
 * Ownership: kiln_tune_variant_destroy(), before the kernel's.  Threads: any. */
enum kiln_status kiln_tune_variant_create(struct kiln_kernel *kernel, const struct kiln_tune_config *config,
                                          struct kiln_variant **out_variant);

/* Drops its pipeline, once no submission uses it, and sets NULL. NULL is fine. */
void kiln_tune_variant_destroy(struct kiln_kernel *kernel, struct kiln_variant **variant);

#endif
