/* What the driver knows of a fault: VK_EXT_device_fault. */
#ifndef RUNTIME_DEVICE_FAULT_H
#define RUNTIME_DEVICE_FAULT_H

#include <stddef.h>

#include <kiln/loss.h>

struct kiln_device;

/* Asks the driver, once the device is lost. Nothing changes where the extension is missing or has no answer. */
void kiln_fault_query(struct kiln_device *device, struct kiln_device_loss *loss);

/* Appends what it said to `text`: a part of a sentence that begins with ", ". Nothing without a fault. Pure. */
void kiln_fault_print(const struct kiln_device_loss *loss, char *text, size_t size);

/* Printable ASCII of a text that may not be terminated; others become '?'. Pure. */
void kiln_fault_text(char *target, size_t size, const char *source, size_t source_size);

#endif
