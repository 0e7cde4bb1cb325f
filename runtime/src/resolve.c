#include "resolve.h"

#include <stdio.h>

#include <base/alloc.h>
#include <base/error.h>
#include <base/log.h>

#include "blob.h"
#include "device.h"
#include "miss.h"
#include "pipeline_key.h"

enum kiln_outcome kiln_outcome_of(const struct kiln_compile_evidence *evidence, bool offered)
{
	if (offered && evidence->has_feedback && evidence->cache_hit)
		return KILN_OUTCOME_DISK;
	/* Found by whom? Without our blob it was the driver, with it only feedback can tell. */
	if (evidence->found)
		return offered && !evidence->has_feedback ? KILN_OUTCOME_UNKNOWN : KILN_OUTCOME_DRIVER;
	/* A hit in a cache object that was created empty is no evidence of anything. */
	return evidence->has_feedback && !evidence->cache_hit ? KILN_OUTCOME_COMPILED : KILN_OUTCOME_UNKNOWN;
}

enum kiln_hit kiln_hit_of(enum kiln_outcome outcome)
{
	switch (outcome) {
	case KILN_OUTCOME_MEMORY:
	case KILN_OUTCOME_DISK:
		return KILN_HIT_TRUE;
	case KILN_OUTCOME_DRIVER:
	case KILN_OUTCOME_COMPILED:
		return KILN_HIT_FALSE;
	case KILN_OUTCOME_UNKNOWN:
		break;
	}
	return KILN_HIT_UNKNOWN;
}

/* What the disk had for this key. */
struct disk_find {
	enum kiln_status status;
	struct kiln_cache_entry entry;
	bool usable; /* a blob worth offering to the driver */
	bool spoilt; /* there was one, and it was no good */
};

static void look_on_disk(struct kiln_device *device, const struct kiln_pipeline_key *key,
                         const struct kiln_pipeline_identity *identity, struct disk_find *find)
{
	*find = (struct disk_find){0};
	find->status =
		kiln_cache_read_known(device->cache, key, &device->fingerprint, identity, &find->entry);
	find->spoilt = find->status == KILN_ERR_DAMAGED;
	if (find->status != KILN_OK) {
		if (find->status != KILN_ERR_NOT_FOUND)
			kiln_log(KILN_LOG_WARN, "pipeline cache: %s; compiling instead",
			         kiln_error_message());
		return;
	}
	if (find->entry.flags & KILN_ENTRY_STUB) {
		atomic_store_explicit(&device->stub_blobs, true, memory_order_relaxed);
		return;
	}
	find->usable = kiln_blob_fits(find->entry.payload, find->entry.payload_bytes, &device->blob_device);
	if (find->usable)
		return;
	find->spoilt = true;
	kiln_log(KILN_LOG_WARN, "pipeline cache: an entry's blob is of another device; it is dropped");
	(void)kiln_cache_invalidate(device->cache, identity, NULL);
}

static void why_missed(struct kiln_device *device, const struct kiln_pipeline_key *key,
                       const struct kiln_pipeline_identity *identity, const struct disk_find *find,
                       struct kiln_miss *miss)
{
	if (find->usable)
		return;
	/* What was dropped just now left no evidence; a stub is of no use and all the evidence there can be. */
	if (find->status == KILN_ERR_DAMAGED)
		kiln_miss_unusable("its entry was damaged, and removed", miss);
	else if (find->spoilt)
		kiln_miss_unusable("its entry had the blob of another device, and was removed", miss);
	else if (find->status == KILN_OK)
		kiln_miss_unusable("its entry holds no code, as this driver gives none", miss);
	else
		kiln_miss_explain(device, key, identity, miss);
}

/* Finding the reason takes longer than finding nothing; where nobody would hear of it, nobody waits for it. */
static bool is_anyone_listening(const struct kiln_device *device, bool told)
{
	return told || device->expect_warm || kiln_log_wants(KILN_LOG_INFO);
}

static enum kiln_status refuse_cold(const char *kernel, const struct kiln_miss *miss)
{
	return kiln_error(
		KILN_ERR_EXPECTED_WARM,
		"kernel '%s' was expected to be warm and would be compiled: %s (%s). Fix: warm the cache with "
		"`kiln compile`, or unset KILN_CACHE_EXPECT",
		kernel, kiln_miss_reason_name(miss->reason), miss->text);
}

#define LEASE_BOUND_NS 10000000000u /* a few times what the slowest compile we know of takes */

/* Of several processes that miss one key at once, one compiles and the others wait for its entry. A driver that keeps no code
 * in its blobs has nothing worth waiting for: CPU drivers, as far as we know them, and any that was seen to. */
static bool worth_a_lease(const struct kiln_device *device, const struct disk_find *find)
{
	return !find->usable && !device->expect_warm && device->info.type != KILN_DEVICE_CPU &&
	       !atomic_load_explicit(&device->stub_blobs, memory_order_relaxed);
}

static void look_with_lease(struct kiln_device *device, const struct kiln_pipeline_key *key,
                            const struct kiln_pipeline_identity *identity, struct disk_find *find,
                            struct kiln_cache_lease *lease)
{
	look_on_disk(device, key, identity, find);
	if (!device->cache || !worth_a_lease(device, find) ||
	    kiln_cache_lease_begin(device->cache, identity, LEASE_BOUND_NS, lease) != KILN_OK ||
	    !lease->look_again)
		return;
	kiln_cache_entry_finish(&find->entry);
	look_on_disk(device, key, identity, find);
	if (find->usable) /* nothing is left to wait for */
		kiln_cache_lease_end(lease);
}

/* For who misses the entry with another driver. Once is enough. */
static void name_device(struct kiln_device *device)
{
	const struct kiln_device_info *info = &device->info;
	char name[KILN_CACHE_DEVICE_NAME_MAX];

	if (!device->cache || atomic_exchange_explicit(&device->named, true, memory_order_relaxed))
		return;
	if (info->driver_info[0])
		(void)snprintf(name, sizeof(name), "%.80s %.120s", info->driver_name, info->driver_info);
	else
		(void)snprintf(name, sizeof(name), "%.80s %u", info->driver_name, info->driver_version);
	kiln_cache_name_device(device->cache, &device->fingerprint, name);
}

/* Takes the lease over: it ends once the entry is in place. */
static void store(struct kiln_device *device, const struct kiln_pipeline_key *key,
                  const struct disk_find *find, const struct kiln_compile_evidence *evidence,
                  struct kiln_cache_lease *lease)
{
	bool stub = kiln_blob_is_stub(evidence->blob_bytes);
	struct kiln_cache_entry entry = {
		.payload = evidence->blob,
		.payload_bytes = evidence->blob_bytes,
		.flags = stub ? KILN_ENTRY_STUB : 0,
		.compile_ns = evidence->ns,
	};

	/* SwiftShader's blobs grow by a header with every load and save: a stub is written once and never fed back. A blob
	 * that was offered is replaced only on evidence that the driver had to compile. */
	if (!evidence->blob || (stub && find->status == KILN_OK && (find->entry.flags & KILN_ENTRY_STUB)) ||
	    (find->usable && kiln_outcome_of(evidence, true) != KILN_OUTCOME_COMPILED))
		return;
	if (stub)
		atomic_store_explicit(&device->stub_blobs, true, memory_order_relaxed);
	name_device(device);
	if (kiln_cache_write_later(device->cache, key, &device->fingerprint, &entry, lease) != KILN_OK)
		kiln_log(KILN_LOG_WARN, "pipeline cache: %s; going on without storing it",
		         kiln_error_message());
}

static void describe(struct kiln_pipeline *pipeline, const struct kiln_pipeline_key *key,
                     const struct kiln_pipeline_identity *identity, const struct kiln_program *program,
                     const struct disk_find *find, const struct kiln_compile_evidence *evidence)
{
	size_t words = program->reflection->word_count * sizeof(uint32_t);

	pipeline->identity = *identity;
	pipeline->key = kiln_key_copy(key);
	pipeline->key_hash = kiln_key_hash(key);
	pipeline->blob_bytes =
		find->usable && evidence->cache_hit ? find->entry.payload_bytes : evidence->blob_bytes;
	pipeline->stub = pipeline->blob_bytes > 0 && kiln_blob_is_stub(pipeline->blob_bytes);
	pipeline->weight = pipeline->stub || !pipeline->blob_bytes ? words : pipeline->blob_bytes;
}

/* Our blob was whole and the driver compiled all the same: worth a word, for it means start-up is not what it could be. */
static void note_rejected(struct kiln_device *device, const char *kernel, struct kiln_miss *miss)
{
	kiln_miss_unusable("the driver did not use the stored blob", miss);
	atomic_fetch_add_explicit(&device->rejected, 1, memory_order_relaxed);
	kiln_log(KILN_LOG_WARN,
	         "pipeline cache: the driver did not use the stored blob of kernel '%s' and compiled it",
	         kernel);
}

/* The reason, where KILN_CACHE_EXPECT=warm is broken. */
static enum kiln_status check_warm(const struct kiln_device *device, const char *kernel,
                                   const struct kiln_resolution *resolution, const struct kiln_miss *miss)
{
	if (!device->expect_warm || resolution->outcome != KILN_OUTCOME_COMPILED)
		return KILN_OK;
	return refuse_cold(kernel, miss);
}

/* Out of memory costs the words. */
static void tell_miss(const char *kernel, const struct kiln_miss *miss, struct kiln_resolution *resolution)
{
	resolution->miss_reason = miss->reason;
	if (!miss->reason)
		return;
	resolution->miss_text = kiln_strdup(miss->text);
	kiln_log(KILN_LOG_INFO, "kernel '%s' was not in the cache (%s): %s; %s, %llu us", kernel,
	         kiln_miss_reason_name(miss->reason), miss->text, kiln_outcome_name(resolution->outcome),
	         (unsigned long long)(resolution->compile_ns / 1000));
}

static enum kiln_status compile(struct kiln_device *device, const struct kiln_compile *job,
                                const struct kiln_pipeline_identity *identity, const char *kernel,
                                const struct kiln_miss *miss, struct kiln_resolution *resolution,
                                struct kiln_compile_evidence *evidence)
{
	static const struct kiln_miss refused = {KILN_MISS_KEY_ABSENT,
	                                         "the driver did not use the stored blob"};
	struct kiln_cache_note note = {0};
	enum kiln_status status;

	if (job->warm_only && !job->blob && !device->has_cache_control)
		return refuse_cold(kernel, miss);
	/* Drivers do crash on blobs: should this one, the next process finds the note and sets the entry aside. */
	if (job->blob)
		note = kiln_cache_note_begin(device->cache, identity);
	status = kiln_pipeline_compile(device, job, &resolution->pipeline, evidence);
	if (job->blob)
		kiln_cache_note_end(device->cache, note, status == KILN_OK && evidence->loaded);
	if (status == KILN_ERR_EXPECTED_WARM)
		return refuse_cold(kernel, job->blob ? &refused : miss);
	return status;
}

static enum kiln_status build(struct kiln_device *device, const struct kiln_program *program,
                              const struct kiln_pipeline_key *key,
                              const struct kiln_pipeline_identity *identity, const char *kernel, bool told,
                              struct kiln_resolution *resolution)
{
	struct kiln_compile job = {.key = key,
	                           .program = program,
	                           .name = kernel,
	                           .warm_only = device->expect_warm};
	struct kiln_compile_evidence evidence = {0};
	struct kiln_cache_lease lease = {0};
	struct disk_find find;
	struct kiln_miss miss;
	enum kiln_status status;

	miss.reason = KILN_MISS_NONE;
	miss.text[0] = '\0';
	look_with_lease(device, key, identity, &find, &lease);
	if (find.usable) {
		job.blob = find.entry.payload;
		job.blob_bytes = find.entry.payload_bytes;
	}
	if (is_anyone_listening(device, told))
		why_missed(device, key, identity, &find, &miss);
	status = compile(device, &job, identity, kernel, &miss, resolution, &evidence);
	if (status != KILN_OK)
		goto out;
	describe(resolution->pipeline, key, identity, program, &find, &evidence);
	resolution->outcome = kiln_outcome_of(&evidence, find.usable);
	resolution->compile_ns = evidence.ns;
	if (find.usable && resolution->outcome == KILN_OUTCOME_COMPILED)
		note_rejected(device, kernel, &miss);
	status = check_warm(device, kernel, resolution, &miss);
	if (status == KILN_OK) {
		tell_miss(kernel, &miss, resolution);
		store(device, key, &find, &evidence, &lease);
	} else {
		kiln_pipeline_unreference(resolution->pipeline);
	}
out:
	kiln_cache_lease_end(&lease);
	kiln_free(evidence.blob);
	kiln_cache_entry_finish(&find.entry);
	return status;
}

enum kiln_status kiln_resolve(struct kiln_device *device, const struct kiln_program *program,
                              const struct kiln_pipeline_key *key,
                              const struct kiln_pipeline_identity *identity, const char *kernel_name,
                              bool told, struct kiln_resolution *out_resolution)
{
	struct kiln_resolution resolution = {.outcome = KILN_OUTCOME_MEMORY};
	const uint64_t traced = kiln_trace_now(&device->watch);
	enum kiln_status status = KILN_OK;
	struct kiln_tier_build job;

	resolution.pipeline = kiln_pipeline_tier_acquire(&device->pipelines, key, identity, &job);
	if (!resolution.pipeline) {
		status = build(device, program, key, identity, kernel_name, told, &resolution);
		if (status == KILN_OK)
			kiln_pipeline_tier_publish(&device->pipelines, &job, resolution.pipeline);
		else
			kiln_pipeline_tier_abandon(&device->pipelines, &job);
	}
	kiln_trace_host(device, KILN_TRACE_RESOLVE, kernel_name, traced, 0);
	if (status != KILN_OK) {
		atomic_fetch_add_explicit(&device->failed, 1, memory_order_relaxed);
		return status;
	}
	kiln_pipeline_tier_count(&device->pipelines, resolution.outcome);
	resolution.cache_hit = kiln_hit_of(resolution.outcome);
	*out_resolution = resolution;
	return KILN_OK;
}

void kiln_resolution_held(struct kiln_pipeline *pipeline, struct kiln_resolution *out_resolution)
{
	*out_resolution = (struct kiln_resolution){
		.pipeline = pipeline,
		.outcome = KILN_OUTCOME_MEMORY,
		.cache_hit = kiln_hit_of(KILN_OUTCOME_MEMORY),
	};
}
