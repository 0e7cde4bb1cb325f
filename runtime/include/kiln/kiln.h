/* Kiln: compute kernels from C on Vulkan, with pipelines that are compiled once and stay warm.
 *
 * In the order a program meets them:
 *   device.h    find and open a device
 *   buffer.h    memory it can see
 *   image.h     the same as texels, with samplers
 *   memory.h    how much there is of it, and buffers of one's own pages
 *   kernel.h    SPIR-V -> pipeline -> launch, and the report of how it became ready
 *   stream.h    launches and copies in order, tickets, callbacks
 *   graph.h     many launches recorded once
 *   launch.h    launches counted on the device, work queues, speculation
 *   slice.h     long launches in parts, with progress, that can be stopped
 *   loss.h      when the device is lost: what is known, and how to go on
 *   tune.h      which workgroup size, unroll depth and tile it runs fastest at
 *   timer.h     what launches take on the device
 *   trace.h     what happened when, as a Chrome trace
 *   statistics.h  what the driver says of a pipeline
 *   audit.h     how well the cache serves
 *   glsl.h      GLSL -> SPIR-V at run time
 *   cache.h     the disk cache, usable alone
 *   autotune.h  the store of what tuning found
 *   reflect.h   what a SPIR-V module declares
 *   identity.h  what makes a pipeline this pipeline
 *   vulkan.h    a VkDevice that exists, and Kiln's handles for other Vulkan code; not included here
 *   status.h log.h env.h digest.h
 *
 * Ownership in one rule: what you create you destroy, what you are handed belongs to the object it came from.
 * Threads in one rule: every function may be called from any thread, but for those that say "one at a time" of an object, and
 * nothing may use an object while it is being destroyed.
 * Errors in one rule: beside those a function names, KILN_ERR_INVALID_ARGUMENT for what it cannot be given, KILN_ERR_FOREIGN_OBJECT for
 * an object of another device, KILN_ERR_DEVICE_LOST and KILN_ERR_OUT_OF_MEMORY. */
#ifndef KILN_KILN_H
#define KILN_KILN_H

#include <kiln/audit.h>
#include <kiln/autotune.h>
#include <kiln/buffer.h>
#include <kiln/cache.h>
#include <kiln/device.h>
#include <kiln/digest.h>
#include <kiln/env.h>
#include <kiln/glsl.h>
#include <kiln/graph.h>
#include <kiln/identity.h>
#include <kiln/image.h>
#include <kiln/kernel.h>
#include <kiln/launch.h>
#include <kiln/log.h>
#include <kiln/loss.h>
#include <kiln/memory.h>
#include <kiln/reflect.h>
#include <kiln/slice.h>
#include <kiln/statistics.h>
#include <kiln/status.h>
#include <kiln/stream.h>
#include <kiln/timer.h>
#include <kiln/trace.h>
#include <kiln/tune.h>

#endif
