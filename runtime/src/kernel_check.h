/* May this kernel run on this device? Each mistake has its own status and sentence. */
#ifndef RUNTIME_KERNEL_CHECK_H
#define RUNTIME_KERNEL_CHECK_H

#include <kiln/status.h>

struct kiln_kernel;
struct kiln_variant;

/* Capabilities against the device, the caller's constants against the module. Needs program, name and spec. */
enum kiln_status kiln_kernel_check_spec(const struct kiln_kernel *kernel);

/* Bindings, push constants, shared memory and subgroups against the device. Needs the variant's interface and final size;
 * counts variant->buffer_count. */
enum kiln_status kiln_kernel_check_variant(const struct kiln_kernel *kernel, struct kiln_variant *variant);

#endif
