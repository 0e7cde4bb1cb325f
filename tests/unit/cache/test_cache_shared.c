/* One cache, many threads; one root, many processes: every read is a whole entry or a miss. */
#include <kiln/cache.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "test.h"

#define KEYS 6
#define ROUNDS 100 /* replacing a file makes ext4 write it out at once: about 2 ms each */
#define PAYLOAD 3000

/* A payload of one letter from end to end: a mixture of two writes would show. */
static enum kiln_status write_letter(struct kiln_cache *cache, unsigned program, unsigned round)
{
	char payload[PAYLOAD + 1];

	memset(payload, 'a' + (int)(round % 26), PAYLOAD);
	payload[PAYLOAD - round % 100] = '\0';
	return write_text(cache, program, 64, 1, payload);
}

/* Whether a read gives one letter throughout, or a miss. */
static bool read_letter(struct kiln_cache *cache, unsigned program, bool *out_found)
{
	struct kiln_pipeline_key key = sample_key(program, 64);
	struct kiln_fingerprint device = sample_device(1);
	struct kiln_cache_entry entry = {0};
	enum kiln_status status = kiln_cache_read(cache, &key, &device, &entry);
	const char *payload = entry.payload;
	bool whole = status == KILN_OK || status == KILN_ERR_NOT_FOUND;

	*out_found = status == KILN_OK;
	for (size_t i = 1; i < entry.payload_bytes; i++)
		whole = whole && payload[i] == payload[0];
	kiln_cache_entry_finish(&entry);
	return whole;
}

/* ---- Threads ---- */

enum role { WRITER, READER, FLUSHER, DROPPER };

struct worker {
	struct kiln_thread thread;
	struct kiln_cache *cache;
	enum role role;
	unsigned rounds;
	unsigned failures, found;
};

static void work_once(struct worker *worker, unsigned round)
{
	struct kiln_pipeline_identity identity = sample_identity(round % KEYS, 64, 1);
	struct kiln_cache_evidence evidence;
	bool found = false;

	switch (worker->role) {
	case WRITER:
		worker->failures += write_letter(worker->cache, round % KEYS, round) != KILN_OK;
		break;
	case READER:
		worker->failures += !read_letter(worker->cache, round % KEYS, &found);
		worker->found += found;
		break;
	case FLUSHER:
		if (round % 50 == 0)
			worker->failures += kiln_cache_flush(worker->cache) != KILN_OK;
		worker->failures += kiln_cache_counters(worker->cache).damaged != 0;
		break;
	case DROPPER:
		if (round % 20 == 0)
			worker->failures += kiln_cache_invalidate(worker->cache, &identity, NULL) != KILN_OK;
		worker->failures += kiln_cache_evidence(worker->cache, &identity, &evidence) != KILN_OK;
		break;
	}
}

static void *work(void *user)
{
	struct worker *worker = user;

	for (unsigned round = 0; round < worker->rounds; round++)
		work_once(worker, round);
	return NULL;
}

static void threads_share_a_cache(void **state)
{
	struct cache_fixture *fixture = *state;
	static const enum role roles[] = {WRITER, WRITER, READER, READER, READER, FLUSHER, DROPPER};
	struct worker workers[7];
	struct kiln_cache_counters counters;
	unsigned found = 0;

	for (unsigned key = 0; key < KEYS; key++)
		assert_status(write_letter(fixture->cache, key, 0), KILN_OK);
	for (size_t i = 0; i < 7; i++) {
		workers[i] = (struct worker){.cache = fixture->cache, .role = roles[i], .rounds = ROUNDS};
		assert_status(kiln_thread_start(&workers[i].thread, work, &workers[i]), KILN_OK);
	}
	for (size_t i = 0; i < 7; i++) {
		kiln_thread_join(&workers[i].thread);
		found += workers[i].found;
	}
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(workers[i].failures, 0);
	counters = kiln_cache_counters(fixture->cache);
	assert_int_equal(counters.damaged + counters.read_errors + counters.write_errors, 0);
	assert_int_equal(counters.writes, 2 * ROUNDS + KEYS);
	assert_int_equal(counters.reads, 3 * ROUNDS);
	assert_int_equal(counters.found, found);
	assert_true(found > ROUNDS);
	assert_int_equal(count_temp_files(fixture->root), 0);
	assert_status(kiln_cache_flush(fixture->cache), KILN_OK);
}

/* ---- Damage under way ---- */

static void *damage(void *user)
{
	struct worker *worker = user;

	for (unsigned round = 0; round < worker->rounds; round++) {
		worker->failures += write_letter(worker->cache, 0, round) != KILN_OK;
		if (round % 3 == 0 && round + 1 < worker->rounds) {
			struct kiln_pipeline_identity identity = sample_identity(0, 64, 1);
			char path[512], temp[512];

			/* As a crashed system leaves it: a whole name, a cut content. */
			kiln_cache_path_for(kiln_cache_root(worker->cache), &identity, path, sizeof path);
			snprintf(temp, sizeof temp, "%s/cut", kiln_cache_root(worker->cache));
			save_file(temp, "cut", 3);
			worker->failures += rename(temp, path) != 0;
		}
	}
	return NULL;
}

static void *read_damaged(void *user)
{
	struct worker *worker = user;

	for (unsigned round = 0; round < worker->rounds; round++) {
		enum kiln_status status = read_text(worker->cache, 0, 64, 1, "never");

		/* INTERNAL: found with another payload, which is what a good entry is here. */
		worker->failures += status != KILN_ERR_DAMAGED && status != KILN_ERR_NOT_FOUND &&
		                    status != KILN_ERR_INTERNAL;
	}
	return NULL;
}

static void droppers_and_writers_of_one_entry_end_with_a_good_one(void **state)
{
	struct cache_fixture *fixture = *state;
	struct worker writer = {.cache = fixture->cache, .rounds = ROUNDS};
	struct worker readers[2] = {{.cache = fixture->cache, .rounds = 3 * ROUNDS},
	                            {.cache = fixture->cache, .rounds = 3 * ROUNDS}};
	bool found;

	assert_status(kiln_thread_start(&writer.thread, damage, &writer), KILN_OK);
	for (size_t i = 0; i < 2; i++)
		assert_status(kiln_thread_start(&readers[i].thread, read_damaged, &readers[i]), KILN_OK);
	kiln_thread_join(&writer.thread);
	for (size_t i = 0; i < 2; i++)
		kiln_thread_join(&readers[i].thread);
	assert_int_equal(writer.failures + readers[0].failures + readers[1].failures, 0);
	/* The last round wrote a good entry, after which nothing damaged came: no reader may have taken it
	 * away. */
	assert_true(read_letter(fixture->cache, 0, &found));
	assert_true(found);
	assert_int_equal(count_temp_files(fixture->root), 0);
}

/* ---- Processes ---- */

static int hammer(const struct cache_fixture *fixture, unsigned seed)
{
	struct kiln_cache *cache = open_again(fixture, KILN_CACHE_READ_WRITE, 0);
	unsigned failures = 0;
	bool found;

	for (unsigned round = 0; round < ROUNDS; round++) {
		failures += write_letter(cache, (round + seed) % KEYS, round * seed) != KILN_OK;
		failures += !read_letter(cache, round % KEYS, &found);
	}
	failures += kiln_cache_counters(cache).damaged != 0;
	failures += kiln_cache_flush(cache) != KILN_OK;
	kiln_cache_close(&cache);
	return failures == 0 ? 0 : 1;
}

static void processes_share_a_root(void **state)
{
	struct cache_fixture *fixture = *state;
	pid_t children[2];
	bool found;

	/* Both make the root's folders at once. */
	snprintf(fixture->root, sizeof fixture->root, "%s/fresh/pipelines", fixture->dir.path);
	for (unsigned i = 0; i < 2; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0)
			_exit(hammer(fixture, i + 1));
	}
	for (unsigned i = 0; i < 2; i++) {
		int status;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	kiln_cache_close(&fixture->cache);
	fixture->cache = open_again(fixture, KILN_CACHE_READ_WRITE, 0);
	for (unsigned key = 0; key < KEYS; key++) {
		assert_true(read_letter(fixture->cache, key, &found));
		assert_true(found);
	}
	assert_int_equal(count_temp_files(fixture->root), 0);
}

static void killed_writer_leaves_whole_entries_only(void **state)
{
	struct cache_fixture *fixture = *state;

	for (unsigned i = 0; i < 10; i++) {
		pid_t child = fork();
		bool found;

		assert_true(child >= 0);
		if (child == 0) {
			for (unsigned round = 0;; round++)
				write_letter(fixture->cache, round % KEYS, round);
		}
		usleep(3000 + i * 700);
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, NULL, 0), child);
		for (unsigned key = 0; key < KEYS; key++)
			assert_true(read_letter(fixture->cache, key, &found));
	}
	assert_int_equal(kiln_cache_counters(fixture->cache).damaged, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cache_setup, cache_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(droppers_and_writers_of_one_entry_end_with_a_good_one),
		TEST(killed_writer_leaves_whole_entries_only),
		TEST(processes_share_a_root),
		TEST(threads_share_a_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
