/* The samplers of a device: one of each kind, made when it is first used. Where they are bound alone, they stand behind a
 * buffer that streams leave untracked. */
#ifndef RUNTIME_IMAGE_SAMPLER_H
#define RUNTIME_IMAGE_SAMPLER_H

#include <stdatomic.h>
#include <stdbool.h>

#include <base/thread.h>
#include <kiln/image.h>

#include "buffer.h"
#include "vulkan_api.h"

#define KILN_SAMPLERS 6u /* filters times what lies beyond the border */

struct kiln_samplers {
	struct kiln_mutex lock;
	bool lock_ready;
	_Atomic(VkSampler) handles[KILN_SAMPLERS];
	struct kiln_buffer tracked; /* never freed, never waited for */
};

enum kiln_status kiln_samplers_init(struct kiln_device *device);
/* Nothing uses them any more. Zeroed memory is fine. */
void kiln_samplers_finish(struct kiln_device *device);

/* Destroys them; each is made again when it is next used. */
void kiln_samplers_lose(struct kiln_device *device);

/* Its number; KILN_SAMPLERS and above = no such sampler. */
uint32_t kiln_sampler_number(const struct kiln_sampler *sampler);
bool kiln_sampler_is_linear(uint32_t number);
/* Makes it, unless it is there. */
enum kiln_status kiln_sampler_ready(struct kiln_device *device, uint32_t number);
/* One that is ready. */
VkSampler kiln_sampler_handle(const struct kiln_device *device, uint32_t number);

#endif
