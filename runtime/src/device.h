/* A device from the inside. */
#ifndef RUNTIME_DEVICE_H
#define RUNTIME_DEVICE_H

#include <stdatomic.h>

#include <base/thread.h>
#include <kiln/device.h>

#include "blob.h"
#include "capability.h"
#include "device_loss.h"
#include "device_part.h"
#include "image_sampler.h"
#include "info.h"
#include "instance.h"
#include "launch_helper.h"
#include "memory.h"
#include "pipeline_tier.h"
#include "program.h"
#include "stream.h"
#include "timestamp.h"
#include "trace.h"
#include "vulkan_api.h"

/* What was tuned, or refused, by launches of this device's kernels: each at most once. */
struct kiln_tuned_keys {
	struct kiln_mutex lock;
	bool lock_ready;
	struct kiln_tune_key *keys;
	size_t count;
};

struct kiln_device {
	atomic_uint references; /* the handle the caller holds, and one for each buffer and kernel */

	struct kiln_instance instance;
	VkPhysicalDevice physical;
	VkDevice handle;
	bool imported;     /* instance and device are the program's, see vulkan.h */
	atomic_bool lends; /* the program has handles: all streams signal timelines */
	struct VolkDeviceTable vk;
	struct kiln_device_queue queues[2]; /* the main one, and the one beside it where there is one */
	uint32_t queue_count;
	VkPhysicalDeviceLimits limits;
	bool has_timeline; /* timeline semaphores */
	bool has_feedback; /* pipeline creation feedback */
	bool has_cache_control;
	uint32_t rebindable; /* 1 << KILN_BINDING_*: what sets that recorded commands bind may change; pipeline.h */
	bool has_memory_budget;
	bool has_host_import; /* of the caller's pages as memory */
	bool has_subgroup_control;
	uint32_t min_subgroup_size, max_subgroup_size;
	uint32_t max_workgroup_subgroups;        /* where a subgroup size is asked for */
	struct kiln_capability_set capabilities; /* what a kernel may declare */
	struct kiln_blob_device blob_device;     /* what a cache blob of this device says in its header */

	struct kiln_device_info info;
	struct kiln_fingerprint fingerprint;
	enum kiln_robustness robustness;
	bool expect_warm;
	uint64_t slice_budget_ns; /* KILN_SLICE_NEVER = launches are never sliced */
	bool sidecars;            /* manifests are written beside entries */
	atomic_bool named;        /* the cache knows what this device is called */
	atomic_bool stub_blobs;   /* this driver was seen to keep no code in its cache blobs */
	atomic_bool incomplete;   /* ... to give cache data that it says itself is not whole */

	struct kiln_cache *cache; /* NULL = no persistence */
	struct kiln_store *store; /* NULL = no records */
	bool owns_cache, owns_store;

	struct kiln_memory_pool memory;
	struct kiln_samplers samplers;
	struct kiln_programs programs;
	struct kiln_pipeline_tier pipelines;
	struct kiln_helpers helpers;
	struct kiln_stream stream; /* the default one */
	struct kiln_mutex order;   /* uses of shared buffers, see stream.h */
	struct kiln_mutex streams_lock;
	bool streams_ready;
	struct kiln_stream *streams;     /* all of them */
	struct kiln_timeline *timelines; /* that no stream has; guarded by streams_lock */
	uint64_t next_stream;            /* id */
	atomic_uint stream_count;
	struct kiln_retirement retirement;

	struct kiln_timestamps timestamps;
	struct kiln_device_watch watch; /* who looks on: traces and labels */

	uint32_t process; /* kiln_process_generation() of the one that opened it */
	atomic_bool abandoned; /* lost, and never idle again: nothing of it may be waited for or freed */
	atomic_int lost;       /* an enum kiln_status once the device is lost: latched, sticky */
	struct kiln_loss loss; /* what is known of it */
	struct kiln_parts parts;
	struct kiln_mutex reopening; /* taken before everything else */
	bool reopening_ready;
	_Atomic(const void *) reopener; /* kiln_loss_thread() of the one for which a lost device works already; NULL = none */
	atomic_uint_fast64_t failed, rejected, unkept;
	atomic_uint_fast64_t launches, submits, barriers; /* of streams that are gone */

	int autotune_mode; /* KILN_AUTOTUNE_MODE_* */
	struct kiln_tuned_keys tuned_keys;
	atomic_uint_fast64_t tune_floor_ns; /* what the shortest dispatch takes; 0 = not measured yet */
};

/* Keep and drop a reference; the last drop destroys. */
void kiln_device_reference(struct kiln_device *device);
void kiln_device_unreference(struct kiln_device *device);

/* Like kiln_vk_error(), and latches device loss. */
enum kiln_status kiln_device_vk_error(struct kiln_device *device, VkResult result, const char *call);

/* Makes a device of the instance, and the physical and logical device, that `set_up` takes from `how`. */
typedef enum kiln_status kiln_device_vulkan_fn(struct kiln_device *device,
                                               const struct kiln_device_params *params, const void *how);
enum kiln_status kiln_device_make(const struct kiln_device_params *params, kiln_device_vulkan_fn *set_up,
                                  const void *how, struct kiln_device **out_device);
/* vkCreateDevice on device->physical, with device->queues. */
enum kiln_status kiln_device_create_vulkan(const struct kiln_device *device,
                                           const struct kiln_device_setup *setup, VkDevice *out_handle);
/* What `set_up` ends with, device->handle and device->vk being there. */
void kiln_device_take(struct kiln_device *device, const struct kiln_physical *physical,
                      const struct kiln_device_setup *setup);

/* The program has handles of it from now on. */
static inline void kiln_device_lend(struct kiln_device *device)
{
	atomic_store_explicit(&device->lends, true, memory_order_relaxed);
}

/* Nobody else on the queue, outside of Kiln included. */
void kiln_device_queue_lock(struct kiln_device_queue *queue);
void kiln_device_queue_unlock(struct kiln_device_queue *queue);

/* Fetches the queue's handle at its first use. */
void kiln_device_queue_ready(struct kiln_device *device, struct kiln_device_queue *queue);

/* vkDeviceWaitIdle with nobody on the queues; of an imported device, its own queues are idle. */
VkResult kiln_device_idle(struct kiln_device *device);

/* Latches device loss that no Vulkan call told of; see device_loss.h. */
void kiln_device_lose(struct kiln_device *device);

/* Latches device loss for a device that will not come back to idle: what it holds is left to the process' end. */
void kiln_device_abandon(struct kiln_device *device);

/* KILN_OK, or the sticky KILN_ERR_DEVICE_LOST with its message. */
enum kiln_status kiln_device_check(struct kiln_device *device);

/* Was it opened by a process that this one was forked off from? Then none of its locks may be taken and nothing of the
 * driver's be called: it counts as lost, and what is destroyed of it is only forgotten. */
bool kiln_device_is_inherited(const struct kiln_device *device);

/* Lost, and nobody is reopening it. */
bool kiln_device_is_given_up(const struct kiln_device *device);

/* KILN_ERR_COMPILE_ONLY with its message when the device cannot launch. */
enum kiln_status kiln_device_check_launch(struct kiln_device *device);

#endif
