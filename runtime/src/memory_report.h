/* How much memory there is, and how much of it is left. */
#ifndef RUNTIME_MEMORY_REPORT_H
#define RUNTIME_MEMORY_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kiln/memory.h>

struct kiln_device;

/* Under the pool's lock. */
void kiln_memory_report(struct kiln_device *device, struct kiln_memory_report *out_report);

/* "heap 0 (device-local): 244 of 256 MiB left in the budget, 12 taken by Kiln; heap 1 ...". Under the pool's lock. */
void kiln_memory_describe(struct kiln_device *device, char *text, size_t size);

/* MemAvailable of a text like /proc/meminfo, in bytes; false when it is not there. Pure. */
bool kiln_meminfo_available(const char *text, uint64_t *out_bytes);

/* The budget of a heap that the driver says nothing about, of which Kiln holds `allocated`. `available` is what the host
 * has, for heaps in its memory; UINT64_MAX = unknown, or another heap. Pure. */
uint64_t kiln_memory_estimate(uint64_t size, uint64_t allocated, uint64_t available);

#endif
