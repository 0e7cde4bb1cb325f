/* What the driver is told to do wrong. HOSTILE is a comma-separated list of rules,
 *
 *     name[=value][@call]      such as  HOSTILE=compile_oom_host@2,compile_ms=20
 *
 * read at vkCreateInstance and in force for that instance. A rule with @call strikes only at that call, counted
 * from 1 among the calls it could strike at; one without strikes at all of them. An unknown name or a malformed
 * rule aborts: a misspelled test would otherwise pass.
 *
 * HOSTILE_LOG names a file that gets one line for each event, appended in one write, so that events of several
 * processes can be counted:
 *     strike RULE        a rule took effect
 *     misuse SENTENCE    the driver's user broke a rule of Vulkan
 *     device_create, module, submit, cache_create BYTES, cache_data BYTES, compile ENTRY, hit ENTRY, dispatch ENTRY,
 *     pipeline_destroy
 *
 * What was submitted can be had in full too: trace.h.
 */
#ifndef HOSTILE_SCRIPT_H
#define HOSTILE_SCRIPT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* RULE(enumerator, name): in the order of a run */
#define HOSTILE_RULES(RULE)                                                                                 \
	/* Facts: what the device says about itself. */                                                     \
	RULE(API, "api")                       /* =10, 11, 12: an older Vulkan than 1.3 */                  \
	RULE(CPU, "cpu")                       /* device type */                                            \
	RULE(CACHE_UUID, "cache_uuid")         /* =N: another pipelineCacheUUID */                          \
	RULE(DEVICE_UUID, "device_uuid")       /* =N */                                                     \
	RULE(DRIVER_UUID, "driver_uuid")       /* =N */                                                     \
	RULE(DRIVER_VERSION, "driver_version") /* =N */                                                     \
	RULE(DISCRETE, "discrete")             /* device memory that the host cannot see */                 \
	RULE(NON_COHERENT, "non_coherent")     /* the host must flush and invalidate, or loses data */      \
	RULE(NO_MEMORY_TYPES, "no_memory_types")                                                            \
	RULE(NO_COMPUTE, "no_compute")       /* transfer queues only */                                     \
	RULE(TWO_FAMILIES, "two_families")   /* transfer, then compute */                                   \
	RULE(ASYNC_FAMILY, "async_family")   /* two families that compute */                                \
	RULE(NO_TIMELINE, "no_timeline")     /* semaphores */                                               \
	RULE(FAMILIES_GROW, "families_grow") /* claims a million more queue families than it wrote */       \
	RULE(FAMILIES_FILL, "families_fill") /* writes as many as there is room for */                      \
	RULE(TIMESTAMP_INFINITE, "timestamp_infinite")                                                      \
	RULE(TIMESTAMP_BITS, "timestamp_bits") /* =N: valid bits, and counters that wrap within milliseconds */ \
	RULE(TIMESTAMP_NONE, "timestamp_none") /* no valid bits */                                          \
	RULE(TIMESTAMP_ZERO, "timestamp_zero") /* every stamp is 0 */                                       \
	RULE(TIMESTAMP_BACK, "timestamp_back") /* each stamp is an hour before the last */                  \
	RULE(TIMESTAMP_LEAP, "timestamp_leap") /* the stamp is an hour later */                             \
	RULE(FAULT, "fault")             /* VK_EXT_device_fault is there */                                 \
	RULE(FAULT_LIES, "fault_lies")   /* [=N at first] ... and claims a million, in texts without an end */  \
	RULE(FAULT_FAILS, "fault_fails") /* ... and has no answer */                                        \
	RULE(TWICE, "twice") /* lists the same device twice */                                              \
	RULE(NO_DEVICE, "no_device")                                                                        \
	/* Memory, submission, waiting. */                                                                  \
	RULE(DEVICE_OOM_HOST, "device_oom_host") /* vkCreateDevice */                                       \
	RULE(DEVICE_OOM_DEVICE, "device_oom_device")                                                        \
	RULE(DEVICE_LOST, "device_lost")       /* vkCreateDevice fails with it */                           \
	RULE(ALLOC_OOM_HOST, "alloc_oom_host") /* vkAllocateMemory */                                       \
	RULE(ALLOC_OOM_DEVICE, "alloc_oom_device")                                                          \
	RULE(MAP_FAILS, "map_fails")                                                                        \
	RULE(BUFFER_OOM, "buffer_oom")       /* vkCreateBuffer */                                           \
	RULE(COMMANDS_OOM, "commands_oom")   /* vkCreateCommandPool, vkAllocateCommandBuffers */            \
	RULE(BEGIN_OOM, "begin_oom")         /* vkBeginCommandBuffer */                                     \
	RULE(RESET_OOM, "reset_oom")         /* vkResetCommandPool */                                       \
	RULE(SEMAPHORE_OOM, "semaphore_oom") /* vkCreateSemaphore */                                        \
	RULE(FENCE_FAILS, "fence_fails")     /* vkCreateFence */                                            \
	RULE(POOL_OOM, "pool_oom")           /* vkCreateDescriptorPool */                                   \
	RULE(SETS_OOM, "sets_oom")           /* vkAllocateDescriptorSets: out of pool memory */             \
	RULE(END_OOM, "end_oom")             /* vkEndCommandBuffer: what was recorded is lost */            \
	RULE(SUBMIT_OOM, "submit_oom")                                                                      \
	RULE(SUBMIT_LOST, "submit_lost")                                                                    \
	RULE(SUBMIT_MS, "submit_ms")     /* =N: vkQueueSubmit hangs so long */                              \
	RULE(DISPATCH_MS, "dispatch_ms") /* =N: a dispatch takes so long */                                 \
	RULE(LAZY, "lazy")               /* [=N] works only when waited for [or at every N-th look] */      \
	RULE(HANG, "hang")               /* [=N] a batch never ends [but N ms later the device is lost] */  \
	RULE(FENCE_DEAD, "fence_dead")   /* a batch is done and its fence is never signalled */             \
	RULE(GROUP_US, "group_us")       /* =N: a dispatch takes so long for each workgroup */              \
	RULE(SIZE_HANGS, "size_hangs")   /* =N: dispatches of N threads in a workgroup never end */         \
	RULE(SIZE_LOST, "size_lost")     /* =N: they lose the device */                                     \
	RULE(SIZE_KILLED, "size_killed") /* =N: they take the process down, SIGKILL */                      \
	RULE(WAIT_LOST, "wait_lost")     /* the device is lost while waiting for a fence */                 \
	RULE(WAIT_OOM, "wait_oom")                                                                          \
	RULE(WAIT_UNKNOWN, "wait_unknown") /* VK_ERROR_UNKNOWN */                                           \
	RULE(WAIT_TIMEOUT, "wait_timeout") /* VK_TIMEOUT (positive) long before the time is up */           \
	/* Compiling. */                                                                                    \
	RULE(MODULE_OOM, "module_oom") /* vkCreateShaderModule */                                           \
	RULE(COMPILE_MS, "compile_ms") /* =N: each compile takes so long */                                 \
	RULE(COMPILE_OOM_HOST, "compile_oom_host")                                                          \
	RULE(COMPILE_OOM_DEVICE, "compile_oom_device")                                                      \
	RULE(COMPILE_UNKNOWN, "compile_unknown") /* VK_ERROR_UNKNOWN */                                     \
	RULE(COMPILE_LOST, "compile_lost")                                                                  \
	RULE(COMPILE_REQUIRED,                                                                              \
	     "compile_required") /* VK_PIPELINE_COMPILE_REQUIRED (positive), no pipeline */                 \
	RULE(COMPILE_FORBIDDEN, "compile_forbidden") /* compiles although the flags forbid it */            \
	RULE(COMPILE_NULL, "compile_null")           /* VK_SUCCESS without a pipeline */                    \
	RULE(FEEDBACK_NONE, "feedback_none")         /* writes nothing */                                   \
	RULE(FEEDBACK_INVALID, "feedback_invalid")   /* without the valid bit, whatever else is set */      \
	RULE(FEEDBACK_STAGE_ONLY, "feedback_stage_only")                                                    \
	RULE(FEEDBACK_WHOLE_ONLY, "feedback_whole_only")                                                    \
	RULE(FEEDBACK_LIES_HIT, "feedback_lies_hit")                                                        \
	RULE(FEEDBACK_LIES_MISS, "feedback_lies_miss")                                                      \
	/* Pipeline caches: in. */                                                                          \
	RULE(CACHE_OOM_HOST, "cache_oom_host") /* vkCreatePipelineCache */                                  \
	RULE(CACHE_OOM_DEVICE, "cache_oom_device")                                                          \
	RULE(CACHE_MS, "cache_ms")                   /* =N: hangs so long */                                \
	RULE(CACHE_REJECTS, "cache_rejects")         /* ignores the blob, says VK_SUCCESS */                \
	RULE(CACHE_CRASH, "cache_crash")             /* [=MARK] SIGSEGV when given a blob [of that mark] */ \
	RULE(CACHE_CRASH_EMPTY, "cache_crash_empty") /* SIGSEGV at size 0 with a pointer */                 \
	/* Pipeline caches: out, vkGetPipelineCacheData. */                                                 \
	RULE(MARK, "mark")                         /* =N: written into every blob */                        \
	RULE(DATA_EMPTY, "data_empty")             /* size 0 */                                             \
	RULE(DATA_HEADER_ONLY, "data_header_only") /* no code, as lavapipe and SwiftShader */               \
	RULE(DATA_INCOMPLETE, "data_incomplete")   /* VK_INCOMPLETE, though everything fitted */            \
	RULE(DATA_GROWS, "data_grows")             /* an entry more after the size was told */              \
	RULE(DATA_OVERCLAIMS, "data_overclaims")   /* success, and a size beyond the buffer */              \
	RULE(DATA_PADDED, "data_padded")           /* asks for 4 KiB too much and leaves the size alone */  \
	RULE(DATA_UNTOUCHED, "data_untouched")     /* success, nothing written */                           \
	RULE(DATA_SHORT, "data_short")             /* 20 bytes: less than the header must have */           \
	RULE(DATA_HUGE, "data_huge")               /* 65 MiB */                                             \
	RULE(DATA_WRONG_UUID, "data_wrong_uuid")                                                            \
	RULE(DATA_WRONG_VENDOR, "data_wrong_vendor")                                                        \
	RULE(DATA_OOM_HOST, "data_oom_host")                                                                \
	RULE(DATA_OOM_DEVICE, "data_oom_device")

enum hostile_rule {
#define ENUMERATOR(rule, name) HOSTILE_##rule,
	HOSTILE_RULES(ENUMERATOR)
#undef ENUMERATOR
		HOSTILE_RULE_COUNT,
};

struct hostile_script {
	struct {
		bool set;
		uint32_t value;    /* 0 = none */
		uint32_t call;     /* 0 = every one */
		atomic_uint calls; /* so far */
	} rules[HOSTILE_RULE_COUNT];
	int log; /* -1 = none */
};

void hostile_script_init(struct hostile_script *script);
void hostile_script_finish(struct hostile_script *script);

/* Does the rule take effect now? Counts the call, logs the strike. */
bool hostile_strikes(struct hostile_script *script, enum hostile_rule rule);
/* The rule's value if it strikes, else 0. */
uint32_t hostile_value(struct hostile_script *script, enum hostile_rule rule);
/* Sleeps for the rule's value in ms if it strikes. */
void hostile_pause(struct hostile_script *script, enum hostile_rule rule);

__attribute__((format(printf, 2, 3))) void hostile_log(struct hostile_script *script, const char *format,
                                                       ...);

/* Dies like a driver does. */
_Noreturn void hostile_crash(void);

#endif
