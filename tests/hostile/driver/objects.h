/* The driver's objects. Vulkan's handle types are pointers to structs nobody defines but the driver: here. */
#ifndef HOSTILE_OBJECTS_H
#define HOSTILE_OBJECTS_H

#include <pthread.h>
#include <stddef.h>
#include <time.h>

/* vkCreateDevice() and the rest are defined under their own names, hidden in this library. */
#include <vulkan/vulkan.h>

#include <vulkan/vk_icd.h>

#include "script.h"
#include "trace.h"

_Static_assert(sizeof(void *) == 8, "handles are pointers on 64-bit machines only");

#define HOSTILE_VENDOR 0xbad1u
#define HOSTILE_DEVICE 0x0001u
#define HOSTILE_BINDINGS 16u /* of one set layout */
#define HOSTILE_SETS 4u
#define HOSTILE_PUSH_BYTES 128u
#define HOSTILE_ATOM 256u /* nonCoherentAtomSize */
#define HOSTILE_QUEUES 2u /* one of each family */

/* ---- Instance and device. Dispatchable objects start with what the loader keeps in them. ---- */

struct VkPhysicalDevice_T {
	VK_LOADER_DATA loader;
	struct hostile_script *script;
};

struct VkInstance_T {
	VK_LOADER_DATA loader;
	struct hostile_script script;
	struct VkPhysicalDevice_T physical[2];
};

/* One semaphore of a batch. */
struct hostile_point {
	VkSemaphore semaphore;
	uint64_t value;
	VkPipelineStageFlags stages; /* of a wait */
};

struct hostile_submission {
	struct hostile_submission *next;
	uint64_t number; /* of the batch, from 1, on all queues of the device together */
	VkFence fence;
	uint32_t wait_count, signal_count, command_count;
	struct hostile_point *waits, *signals; /* behind the commands */
	bool hangs, keeps_fence;
	uint32_t reset_ms; /* of one that hangs: then the device is lost; 0 = never */
	VkCommandBuffer commands[];
};

/* Submissions are executed in order by a thread of the queue's own: who does not wait sees nothing, and
 * ThreadSanitizer sees who does not wait. */
struct VkQueue_T {
	VK_LOADER_DATA loader;
	VkDevice device;
	uint32_t number;
	pthread_t thread;
	struct hostile_submission *first, **last;
	uint64_t submitted, done; /* batches; of `done` and before, nothing runs any more */
	bool busy;
};

struct VkDevice_T {
	VK_LOADER_DATA loader;
	struct hostile_script *script;
	VkPhysicalDevice physical;
	struct VkQueue_T queues[HOSTILE_QUEUES];
	pthread_mutex_t lock; /* of the queues, all fences and semaphores */
	pthread_cond_t changed;
	uint64_t last_stamp; /* the queue's thread's */
	bool lost, stop;                     /* under the lock, as the next two */
	uint64_t last_batch, last_semaphore; /* numbers */
	uint64_t demanded;                   /* a lazy device works up to this batch */
	uint32_t looks;                      /* at fences */
	atomic_uint alive;                   /* objects made and not destroyed */
};

struct VkFence_T {
	bool signalled, in_flight; /* under the device's lock */
	bool told;                 /* the host knows that it is signalled */
	const struct VkQueue_T *queue;
	uint64_t batch;
};

/* Always a timeline: nobody here asks for another kind. */
struct VkSemaphore_T {
	uint64_t id, value; /* under the device's lock */
	uint64_t promised;  /* by what was submitted */
};

/* Every object of a device comes from here: zeroed, counted. NULL = out of memory. */
void *hostile_new(VkDevice device, size_t bytes);
void hostile_delete(VkDevice device, void *object);

/* The queue's thread: pthread_create()'s argument is the queue. */
void *hostile_serve(void *queue);
/* Under the device's lock: somebody waits for this batch. */
void hostile_demand(VkDevice device, uint64_t batch);

struct timespec hostile_time_from_now(uint64_t ns);

/* True once the device is lost. */
bool hostile_is_lost(VkDevice device);
/* Loses the device. Nothing the user made is touched once this returns. */
VkResult hostile_lose(VkDevice device);

/* Fills a blob's 32 bytes of VkPipelineCacheHeaderVersionOne. */
void hostile_cache_header(VkPhysicalDevice physical, uint8_t header[32]);

/* ---- Memory ---- */

struct VkDeviceMemory_T {
	uint8_t *bytes; /* what the device sees */
	uint8_t *host;  /* what the host sees; the same where coherent, NULL where invisible */
	VkDeviceSize size;
	bool mapped;
};

struct VkBuffer_T {
	VkDeviceSize size;
	uint8_t *bytes; /* where it is bound */
};

/* ---- Descriptors ---- */

struct VkDescriptorSetLayout_T {
	uint32_t count;
	VkDescriptorSetLayoutBinding bindings[HOSTILE_BINDINGS];
};

struct VkPipelineLayout_T {
	uint32_t set_count;
	struct VkDescriptorSetLayout_T sets[HOSTILE_SETS];
	uint32_t push_bytes;
};

struct hostile_range {
	uint8_t *bytes; /* NULL = nothing bound */
	size_t size;
	bool uniform;
};

struct VkDescriptorSet_T {
	struct VkDescriptorSet_T *next;                /* of the same pool */
	struct hostile_range ranges[HOSTILE_BINDINGS]; /* by binding; the first element of an array */
};

struct VkDescriptorPool_T {
	uint32_t max_sets, used_sets;
	struct VkDescriptorSet_T *sets;
};

/* ---- Pipelines ---- */

struct VkShaderModule_T {
	size_t word_count;
	uint32_t words[];
};

struct hostile_dispatch {
	const struct hostile_range *sets[HOSTILE_SETS];
	const uint8_t *push;
	uint32_t threads; /* in all dimensions together */
};

typedef void (*hostile_kernel)(const struct hostile_dispatch *dispatch);

/* The C function that stands for the entry point of this name; NULL = dispatches of it do nothing. */
hostile_kernel hostile_find_kernel(const char *entry);

enum { HOSTILE_READS = 1, HOSTILE_WRITES = 2 };

/* What it does to a binding; of an entry point nobody knows, everything. */
uint32_t hostile_kernel_access(const char *entry, uint32_t set, uint32_t binding);

struct VkPipeline_T {
	hostile_kernel kernel;
	char entry[64];
	uint32_t group_threads;
	atomic_uint pending; /* dispatches of it that are submitted and not done */
};

struct hostile_key {
	uint64_t half[2];
};

struct VkPipelineCache_T {
	pthread_mutex_t lock;
	struct hostile_key *keys;
	uint32_t count;
	bool given_blob;
};

bool hostile_cache_has(VkPipelineCache cache, const struct hostile_key *key);
void hostile_cache_add(VkPipelineCache cache, const struct hostile_key *key);

/* ---- Queries ---- */

#define HOSTILE_QUERIES 8u

struct VkQueryPool_T {
	uint64_t stamps[HOSTILE_QUERIES];
	bool available[HOSTILE_QUERIES];
};

/* Takes a stamp as the script says. */
void hostile_stamp(VkDevice device, VkQueryPool pool, uint32_t query);

/* ---- Commands ---- */

struct hostile_command {
	enum { HOSTILE_FILL, HOSTILE_COPY, HOSTILE_DISPATCH, HOSTILE_BARRIER, HOSTILE_STAMP, HOSTILE_RESET } kind;
	union {
		struct {
			VkBuffer buffer;
			VkDeviceSize offset, bytes;
			uint32_t value;
		} fill;
		struct {
			VkBuffer source, target;
			VkBufferCopy region;
		} copy;
		struct {
			VkQueryPool pool;
			uint32_t first, count;
		} query;
		struct {
			VkPipeline pipeline;
			VkDescriptorSet sets[HOSTILE_SETS];
			uint8_t push[HOSTILE_PUSH_BYTES];
			uint32_t groups;
		} dispatch;
		struct {
			VkPipelineStageFlags stages, stages_after;
			VkAccessFlags access, access_after;
			const uint8_t *begin; /* NULL = all memory */
			VkDeviceSize bytes;
			bool same_command; /* as the barrier before */
		} barrier;
	};
};

struct VkCommandBuffer_T {
	VK_LOADER_DATA loader;
	VkDevice device;
	struct VkCommandBuffer_T *next; /* of the same pool */
	enum { HOSTILE_INITIAL, HOSTILE_RECORDING, HOSTILE_ENDED } state;
	unsigned in_flight; /* how often; under the device's lock */
	bool one_time, simultaneous;
	struct hostile_command *commands;
	uint32_t count, capacity;
	struct hostile_command dispatch; /* the next one, so far */
};

struct VkCommandPool_T {
	struct VkCommandBuffer_T *buffers;
};

/* At their submission: pipelines are in use from here on. */
void hostile_note_pending(VkCommandBuffer commands);
/* On the queue's thread. */
void hostile_execute(VkCommandBuffer commands);

/* ---- The record, see trace.h ---- */

/* Under the device's lock, before anything of the batch runs. */
void hostile_trace_batch(const struct VkQueue_T *queue, const struct hostile_submission *batch);
/* The host knows that the batch is done; 0 = there was none. */
void hostile_trace_done(const struct VkQueue_T *queue, uint64_t batch);
void hostile_trace_host(const uint8_t *bytes, size_t size, uint32_t access);

#endif
