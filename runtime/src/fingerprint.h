/* The device fingerprint: everything about device, driver and set-up that can change compiled code. */
#ifndef RUNTIME_FINGERPRINT_H
#define RUNTIME_FINGERPRINT_H

#include "device_features.h"
#include "info.h"

/* `build_id` identifies the driver's library; only used when the driver gives no version text. NULL = unknown. */
struct kiln_fingerprint kiln_device_fingerprint_of(const struct kiln_physical *physical,
                                                   const struct kiln_device_setup *setup, bool validation,
                                                   const char *build_id);

/* A digest of the processor's model and instruction sets: what a CPU device depends on. */
struct kiln_digest kiln_processor_digest(void);

/* Hex build-id of the library that holds `address`; "" when it has none. */
void kiln_build_id(const void *address, char *out_hex, size_t bytes);

#endif
