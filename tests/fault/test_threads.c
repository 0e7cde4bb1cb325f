/* Sixteen threads on one cache object, doing everything there is, COUNT times each, next to one that opens and closes
 * caches of its own on the same root. Clean under the thread sanitizer (-Db_sanitize=thread); without it the results
 * are checked all the same. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/thread.h>

#include "attack.h"
#include "fixture.h"

#define THREADS 16
#define KEYS 12 /* and as many content entries */
#define PAYLOAD_MAX 6000

struct worker {
	struct kiln_thread thread;
	struct kiln_cache *cache;
	const char *root;
	uint64_t random;
	unsigned rounds, number;
	unsigned reads, found, writes;
};

static void read_one(struct worker *worker, unsigned number)
{
	struct kiln_pipeline_key key = sample_key(number, 64);
	struct kiln_fingerprint device = sample_device(1);
	struct kiln_digest content = kiln_digest_of(&number, sizeof number);
	struct kiln_cache_entry entry = {0};
	enum kiln_status status = number < KEYS ? kiln_cache_read(worker->cache, &key, &device, &entry)
	                                        : kiln_cache_content_read(worker->cache, &content, &entry);

	attack_check(status == KILN_OK || status == KILN_ERR_NOT_FOUND, "a read: %s", kiln_error_message());
	worker->reads++;
	worker->found += status == KILN_OK;
	if (status == KILN_OK)
		attack_check(attack_payload_is(entry.payload, entry.payload_bytes, number, NULL),
		             "a read of key %u gave a wrong payload", number);
	kiln_cache_entry_finish(&entry);
}

static void write_one(struct worker *worker, unsigned number)
{
	uint8_t payload[PAYLOAD_MAX] = {0};
	size_t bytes = ATTACK_PAYLOAD_MIN + attack_below(&worker->random, PAYLOAD_MAX - ATTACK_PAYLOAD_MIN);
	struct kiln_pipeline_key key = sample_key(number, 64);
	struct kiln_fingerprint device = sample_device(1);
	struct kiln_digest content = kiln_digest_of(&number, sizeof number);
	struct kiln_cache_entry entry = sample_entry(payload, bytes);
	bool later = attack_below(&worker->random, 2) != 0;
	enum kiln_status status;

	attack_payload(payload, bytes, number, attack_random(&worker->random));
	if (number < KEYS)
		status = later ? kiln_cache_write_later(worker->cache, &key, &device, &entry, NULL)
		               : kiln_cache_write(worker->cache, &key, &device, &entry);
	else
		status = later ? kiln_cache_content_write_later(worker->cache, &content, &entry, NULL)
		               : kiln_cache_content_write(worker->cache, &content, &entry);
	attack_check(status == KILN_OK, "a write: %s", kiln_error_message());
	worker->writes++;
}

static bool listed(void *user, const struct kiln_cache_listing *listing)
{
	(void)user;
	attack_check(listing->status == KILN_OK, "list: %s is %s", listing->path,
	             kiln_status_name(listing->status));
	return true;
}

static void take_care(struct worker *worker, unsigned number)
{
	struct kiln_pipeline_identity identity = sample_identity(number % KEYS, 64, 1);
	struct kiln_cache_evidence evidence;
	struct kiln_cache_stat stat;
	size_t removed;

	switch (attack_below(&worker->random, 9)) {
	case 0:
		assert_status(kiln_cache_flush(worker->cache), KILN_OK);
		break;
	case 1:
		assert_status(kiln_cache_invalidate(worker->cache, &identity, &removed), KILN_OK);
		break;
	case 2:
		assert_status(kiln_cache_invalidate_program(worker->cache, &identity.program, &removed), KILN_OK);
		break;
	case 3:
		assert_status(kiln_cache_gc(worker->cache,
		                            &(struct kiln_cache_gc_params){.max_bytes = KEYS * 4096}, NULL),
		              KILN_OK);
		break;
	case 4:
		assert_status(kiln_cache_list(worker->cache, listed, NULL), KILN_OK);
		break;
	case 5:
		assert_status(kiln_cache_stat(worker->cache, &stat), KILN_OK);
		break;
	case 6:
		assert_status(kiln_cache_verify(worker->cache,
		                                &(struct kiln_cache_verify_params){.remove = true}, NULL),
		              KILN_OK);
		break;
	case 7:
		assert_status(kiln_cache_evidence(worker->cache, &identity, &evidence), KILN_OK);
		break;
	default:
		kiln_cache_quarantined(worker->cache, &identity);
		kiln_cache_suspended(worker->cache, &identity.device);
		break;
	}
}

static void hold(struct worker *worker, unsigned number)
{
	struct kiln_pipeline_identity identity = sample_identity(number % KEYS, 64, 1);
	struct kiln_cache_note note;
	struct kiln_cache_lease lease;

	assert_status(kiln_cache_lease_begin(worker->cache, &identity, 1000000, &lease), KILN_OK);
	note = kiln_cache_note_begin(worker->cache, &identity);
	kiln_cache_note_end(worker->cache, note, true);
	kiln_cache_lease_end(&lease);
}

static void *work(void *user)
{
	struct worker *worker = user;

	for (unsigned round = 0; round < worker->rounds; round++) {
		unsigned number = attack_below(&worker->random, 2 * KEYS);
		unsigned dice = attack_below(&worker->random, 100);

		if (dice < 60)
			read_one(worker, number);
		else if (dice < 85)
			write_one(worker, number);
		else if (dice < 90)
			hold(worker, number);
		else
			take_care(worker, number);
		attack_check(kiln_cache_counters(worker->cache).damaged == 0, "a damaged entry was found");
	}
	return NULL;
}

/* Another program, as it were: its opening sweeps the notes while ours are in use. */
static void *come_and_go(void *user)
{
	struct worker *worker = user;

	for (unsigned round = 0; round < worker->rounds / 8 + 1; round++) {
		assert_status(kiln_cache_open(&(struct kiln_cache_params){.root = worker->root,
		                                                          .mode = KILN_CACHE_READ_WRITE},
		                              &worker->cache),
		              KILN_OK);
		attack_check(kiln_cache_counters(worker->cache).set_aside == 0, "a living owner's note was swept");
		write_one(worker, attack_below(&worker->random, 2 * KEYS));
		read_one(worker, attack_below(&worker->random, 2 * KEYS));
		kiln_cache_close(&worker->cache);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct attack attack = attack_begin("threads", argc, argv, 500);
	static struct worker workers[THREADS + 1];
	struct cache_fixture *fixture;
	struct kiln_cache_counters counters;
	uint64_t reads = 0, found = 0, writes = 0;
	void *state;

	cache_setup(&state);
	fixture = state;
	for (unsigned i = 0; i <= THREADS; i++) {
		workers[i] = (struct worker){.cache = fixture->cache,
		                             .root = fixture->root,
		                             .random = attack.seed * 1000003 + i,
		                             .rounds = attack.count,
		                             .number = i};
		assert_status(kiln_thread_start(&workers[i].thread, i < THREADS ? work : come_and_go, &workers[i]),
		              KILN_OK);
	}
	for (unsigned i = 0; i <= THREADS; i++) {
		kiln_thread_join(&workers[i].thread);
		if (i == THREADS)
			break;
		reads += workers[i].reads;
		found += workers[i].found;
		writes += workers[i].writes;
	}
	assert_status(kiln_cache_flush(fixture->cache), KILN_OK);
	counters = kiln_cache_counters(fixture->cache);
	attack_check(counters.reads == reads && counters.found == found,
	             "%" PRIu64 " reads, %" PRIu64 " found; counted %" PRIu64 " and %" PRIu64, reads, found,
	             counters.reads, counters.found);
	attack_check(counters.write_errors + counters.read_errors + counters.damaged + counters.later_drops == 0,
	             "errors were counted");
	attack_check(count_temp_files(fixture->root) == 0, "temp files are left");
	cache_teardown(&state);
	return attack_end(&attack, "%d threads and one guest: %" PRIu64 " reads (%" PRIu64 " found), %" PRIu64
	                           " writes: 0 wrong, 0 errors",
	                  THREADS, reads, found, writes);
}
