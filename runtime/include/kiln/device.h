/* Finding and opening a device. One device owns its Vulkan instance, queue, memory and pipelines. */
#ifndef KILN_DEVICE_H
#define KILN_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kiln/autotune.h>
#include <kiln/cache.h>
#include <kiln/identity.h>
#include <kiln/status.h>

KILN_BEGIN_DECLS

struct kiln_device;

enum kiln_device_type {
	KILN_DEVICE_OTHER = 0,
	KILN_DEVICE_INTEGRATED = 1,
	KILN_DEVICE_DISCRETE = 2,
	KILN_DEVICE_VIRTUAL = 3,
	KILN_DEVICE_CPU = 4,
};

/** Facts about a device. Sizes are bytes, workgroup numbers are threads, counts are workgroups. */
struct kiln_device_info {
	uint32_t index;             /* position in the loader's list: what KILN_DEVICE=<index> names */
	char name[256];
	char driver_name[256];
	char driver_info[256];
	uint32_t driver_id;         /* VkDriverId */
	uint32_t driver_version;    /* vendor encoding */
	uint32_t api_version;       /* VK_MAKE_API_VERSION encoding */
	enum kiln_device_type type;
	uint32_t vendor_id;
	uint32_t device_id;
	uint8_t uuid[16];           /* deviceUUID */
	char adapter[272];          /* adapter id of the autotune store */

	int64_t score;              /* higher is better; negative = cannot be used */
	char why[160];              /* the score in words, or why it cannot be used */
	bool can_compute;           /* has a compute queue */
	bool can_launch;            /* has memory too; false: compile and prewarm only */

	uint32_t max_workgroup_size[3];
	uint32_t max_workgroup_threads;
	uint32_t max_workgroup_count[3];
	uint32_t max_shared_bytes;
	uint32_t max_push_bytes;
	uint64_t max_storage_buffer_bytes;
	uint32_t max_bindings;      /* per kernel */
	uint32_t subgroup_size;
	uint32_t timestamp_bits;    /* 0 = none */
	double timestamp_period_ns; /* of one tick; 0 when the driver's value is unusable */
	uint64_t device_memory_bytes; /* sum of device-local heaps */
	uint64_t host_memory_bytes;   /* sum of the others */
	bool has_async_queue;         /* KILN_QUEUE_ASYNC is a queue of its own */
};

/** Lists every device of every driver, best score first.
 *  Returns: KILN_ERR_NO_LOADER, KILN_ERR_NO_DRIVER, KILN_ERR_OUT_OF_MEMORY; *out_count 0 never comes with KILN_OK.
 *  Ownership: the caller kiln_device_list_free()s the array.  Threads: any.  Blocks: loads drivers, tens of ms. */
KILN_API enum kiln_status kiln_device_list(struct kiln_device_info **out_infos, size_t *out_count);
/** Frees the array and sets NULL; NULL and *infos NULL are fine. */
KILN_API void kiln_device_list_free(struct kiln_device_info **infos);

enum kiln_validation {
	KILN_VALIDATION_DEFAULT = 0, /* KILN_VALIDATION from the environment, else off */
	KILN_VALIDATION_OFF,
	KILN_VALIDATION_ON,          /* Khronos layer with synchronisation validation, messages to the log */
};

struct kiln_device_params {
	const char *select;         /* index, part of the name, UUID, "gpu" or "cpu"; NULL = KILN_DEVICE, else the best score */
	struct kiln_cache *cache;   /* borrowed, must outlive the device; NULL = the default cache, opened and closed here */
	struct kiln_store *store;   /* borrowed, must outlive the device; NULL = KILN_AUTOTUNE_STORE, else autotune.toml in the
	                               root of .cache where that is given, else the default store, opened and closed here.
	                               KILN_AUTOTUNE=off: none of them */
	bool no_cache;              /* no persistence, whatever the environment says */
	bool no_autotune;           /* no store, whatever the environment says */
	bool expect_warm;           /* a compile is an error (also KILN_CACHE_EXPECT=warm) */
	bool manifest_sidecars;     /* write the manifest of every pipeline that is made beside its cache entry, as .json */
	enum kiln_validation validation;
	enum kiln_robustness robustness;
	uint64_t slice_budget_ns;   /* longer launches are sliced, see slice.h; 0 = 100 ms, KILN_SLICE_NEVER = no launch is */
};

#define kiln_device_open KILN_ABI(kiln_device_open)
/** Opens a device; `params` NULL = the best one, cache and tuning on. A cache or store that cannot be used is logged once
 *  and the device works without it. A device that can only compile opens too: launching on it is KILN_ERR_COMPILE_ONLY.
 *  Returns: KILN_ERR_NO_LOADER, KILN_ERR_NO_DRIVER, KILN_ERR_NO_DEVICE, KILN_ERR_NO_COMPUTE, KILN_ERR_DRIVER, KILN_ERR_INVALID_ARGUMENT,
 *  KILN_ERR_OUT_OF_MEMORY.
 *  Ownership: the caller closes it.
 *  Threads: any; several devices may be open at once.  Blocks: loads drivers, tens of ms. */
KILN_API enum kiln_status kiln_device_open(const struct kiln_device_params *params, struct kiln_device **out_device);

/** Waits for the device, saves the store, frees everything and sets NULL. NULL is fine. Cache entries are with the operating
 *  system then, and survive the process; kiln_cache_flush() first makes them survive a power cut too, for some ms each.
 *  Buffers and kernels still alive keep the device alive until they are destroyed: in any order.
 *  In a child forked off after the device was opened every call returns KILN_ERR_DEVICE_LOST, and closing and destroying only
 *  set NULL: open a device in the child. */
KILN_API void kiln_device_close(struct kiln_device **device);

/** Ownership: the device's.  Threads: any.  Blocks: no. NULL for NULL. */
KILN_API const struct kiln_device_info *kiln_device_info(const struct kiln_device *device);
KILN_API const struct kiln_fingerprint *kiln_device_fingerprint(const struct kiln_device *device);
/** NULL when the device runs without. */
KILN_API struct kiln_cache *kiln_device_cache(const struct kiln_device *device);
KILN_API struct kiln_store *kiln_device_store(const struct kiln_device *device);

/** Submits what is enqueued and waits until the device has done it.
 *  Returns: KILN_ERR_DEVICE_LOST, sticky until kiln_device_reopen() (loss.h).  Threads: any.  Blocks: yes. */
KILN_API enum kiln_status kiln_device_wait(struct kiln_device *device);

/** Resolves counted by outcome since the device was opened. */
struct kiln_device_counters {
	uint64_t memory, disk, driver, compiled, unknown;
	uint64_t failed;
	uint64_t launches, submits, barriers;
	uint64_t validation_messages; /* warnings and errors of the validation layer */
	uint64_t rejected;            /* of `compiled`: our blob was whole, and the driver compiled all the same. Always 0 where
	                                 all is well: an alarm */
	uint64_t unkept;              /* pipelines whose cache data the driver did not give whole (VK_INCOMPLETE): not stored. Once
	                                 it does so for data that did not grow, it is not asked again by this device */
};

/** Threads: any.  Blocks: no. */
KILN_API struct kiln_device_counters kiln_device_counters(const struct kiln_device *device);

/** What an invalidation found. */
struct kiln_invalidated {
	size_t entries;   /* removed from the cache, for good once it is flushed */
	size_t pipelines; /* dropped from memory, those included that only kernels still held */
};

/** As kiln_cache_invalidate() and its like on the device's cache, and on its memory tier too: whatever was made before is not
 *  used by a resolve or launch that begins after this. Kernels that have such a pipeline resolve again at their next launch;
 *  launches under way keep theirs. kiln_cache_invalidate() alone leaves the pipelines in memory, as it does in other devices
 *  and processes. `out_report` may be NULL, and is written on failure too.
 *  Returns: KILN_ERR_INVALID_ARGUMENT, or of the cache KILN_ERR_READ_ONLY, KILN_ERR_IO ...: memory is done with all the same.
 *  Threads: any.  Blocks: on the disk. */
KILN_API enum kiln_status kiln_device_invalidate(struct kiln_device *device, const struct kiln_pipeline_identity *identity,
                                                 struct kiln_invalidated *out_report);
/** Every policy of a program. In the cache, of every device. */
KILN_API enum kiln_status kiln_device_invalidate_program(struct kiln_device *device, const struct kiln_digest *program,
                                                         struct kiln_invalidated *out_report);
/** Every policy of programs[i], on this device, where mask[i] != 0; mask entries beyond program_count are ignored. */
KILN_API enum kiln_status kiln_device_invalidate_mask(struct kiln_device *device, const struct kiln_digest *programs,
                                                      size_t program_count, const uint8_t *mask, size_t mask_count,
                                                      struct kiln_invalidated *out_report);
/** Everything of this device: of this driver in this version. */
KILN_API enum kiln_status kiln_device_invalidate_all(struct kiln_device *device, struct kiln_invalidated *out_report);

KILN_END_DECLS

#endif
