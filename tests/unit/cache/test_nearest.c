/* The named culprit: which entry comes nearest to one that is not there, and in which field it differs. */
#include <kiln/cache.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/clock.h>

#include "fixture.h"
#include "test.h"

static struct kiln_cache_nearest nearest(struct kiln_cache *cache, unsigned program, unsigned workgroup,
                                         unsigned device)
{
	struct kiln_pipeline_key key = sample_key(program, workgroup);
	struct kiln_fingerprint fingerprint = sample_device(device);
	struct kiln_cache_explanation found;

	assert_status(kiln_cache_explain(cache, &key, &fingerprint, &found), KILN_OK);
	return found.nearest;
}

static void nothing_is_near_in_an_empty_cache(void **state)
{
	struct cache_fixture *fixture = *state;

	assert_int_equal(nearest(fixture->cache, 1, 64, 1).fields, 0);
	assert_int_equal(nearest(NULL, 1, 64, 1).fields, 0);
	assert_status(write_text(fixture->cache, 2, 64, 1, "another program"), KILN_OK);
	assert_int_equal(nearest(fixture->cache, 1, 64, 1).fields, 0);
}

static void changed_workgroup_is_named_with_both_values(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	struct kiln_cache_nearest found;

	assert_status(write_text(fixture->cache, 1, 64, 1, "x"), KILN_OK);
	found = nearest(fixture->cache, 1, 128, 1);
	assert_int_equal(found.fields, 1);
	assert_string_equal(found.difference, "wg 64x2x1 -> 128x2x1");
	assert_true(kiln_digest_equal(&found.pipeline_id, &identity.digest));
}

static void changed_driver_is_named_by_its_name(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_key key = sample_key(1, 64);
	struct kiln_fingerprint old = kiln_fingerprint_from_parts(1, 2, "Mesa 22.3.6", ""),
				new = kiln_fingerprint_from_parts(1, 2, "Mesa 25.0.7", "");
	struct kiln_cache_entry entry = sample_entry("x", 1);
	struct kiln_cache_explanation found;

	assert_status(kiln_cache_write(fixture->cache, &key, &old, &entry), KILN_OK);
	/* Without names, or with the same one, digests have to do. */
	assert_status(kiln_cache_explain(fixture->cache, &key, &new, &found), KILN_OK);
	assert_int_equal(found.nearest.fields, 1);
	assert_memory_equal(found.nearest.difference, "driver ", 7);
	assert_null(strstr(found.nearest.difference, "Mesa"));
	kiln_cache_name_device(fixture->cache, &old, "Mesa 22.3.6");
	kiln_cache_name_device(fixture->cache, &new, "Mesa 25.0.7");
	assert_status(kiln_cache_explain(fixture->cache, &key, &new, &found), KILN_OK);
	assert_string_equal(found.nearest.difference, "driver Mesa 22.3.6 -> Mesa 25.0.7");
	kiln_cache_name_device(fixture->cache, &new, "Mesa 22.3.6");
	assert_status(kiln_cache_explain(fixture->cache, &key, &new, &found), KILN_OK);
	assert_null(strstr(found.nearest.difference, "Mesa"));
}

static void explanation_has_evidence_and_fate_too(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_key key = sample_key(1, 128);
	struct kiln_fingerprint device = sample_device(1);
	struct kiln_pipeline_identity identity = sample_identity(1, 128, 1);
	struct kiln_cache_explanation told;
	struct kiln_cache_evidence evidence;

	assert_status(write_text(fixture->cache, 1, 64, 1, "x"), KILN_OK);
	assert_status(write_text(fixture->cache, 1, 128, 1, "x"), KILN_OK);
	assert_status(kiln_cache_invalidate(fixture->cache, &identity, NULL), KILN_OK);
	assert_status(kiln_cache_explain(fixture->cache, &key, &device, &told), KILN_OK);
	assert_status(kiln_cache_evidence(fixture->cache, &identity, &evidence), KILN_OK);
	assert_memory_equal(&told.evidence, &evidence, sizeof evidence);
	assert_int_equal(told.evidence.same_program, 1);
	assert_int_equal(told.fate, KILN_CACHE_INVALIDATED);
	assert_true(told.fate_s > 1700000000);
	assert_string_equal(told.nearest.difference, "wg 64x2x1 -> 128x2x1");
	key.spec_count = KILN_SPEC_VALUES_MAX + 1;
	assert_status(kiln_cache_explain(fixture->cache, &key, &device, &told), KILN_ERR_INVALID_ARGUMENT);
}

static void fewest_fields_win(void **state)
{
	struct cache_fixture *fixture = *state;

	assert_status(write_text(fixture->cache, 1, 32, 2, "two fields"), KILN_OK);
	assert_status(write_text(fixture->cache, 1, 64, 2, "one field"), KILN_OK);
	assert_string_equal(nearest(fixture->cache, 1, 64, 1).difference, "device 10005:0002 -> 10005:0001");
	/* An exact match is no culprit. */
	assert_string_equal(nearest(fixture->cache, 1, 64, 2).difference, "wg 32x2x1 -> 64x2x1");
}

/* With more entries than are looked at, those that share a name's part are not missed. */
static void related_entries_are_looked_at_first(void **state)
{
	struct cache_fixture *fixture = *state;

	for (unsigned i = 0; i < 200; i++)
		assert_status(write_text(fixture->cache, 1, 1000 + i, 10 + i, "far"), KILN_OK);
	assert_status(write_text(fixture->cache, 1, 64, 2, "near"), KILN_OK);
	assert_string_equal(nearest(fixture->cache, 1, 64, 1).difference, "device 10005:0002 -> 10005:0001");
}

static void entry_that_waits_to_be_written_counts(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_key key = sample_key(1, 64);
	struct kiln_fingerprint device = sample_device(1);
	struct kiln_cache_entry entry = sample_entry("x", 1);

	assert_status(kiln_cache_write_later(fixture->cache, &key, &device, &entry, NULL), KILN_OK);
	assert_string_equal(nearest(fixture->cache, 1, 128, 1).difference, "wg 64x2x1 -> 128x2x1");
}

static void entry_under_a_secret_is_compared_too(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path secret;
	struct kiln_cache *cache = NULL;

	snprintf(secret.text, sizeof secret.text, "%s/secret", fixture->dir.path);
	save_file(secret.text, "sixteen bytes at least", 22);
	assert_status(kiln_cache_open(&(struct kiln_cache_params){.root = fixture->root,
	                                                          .mode = KILN_CACHE_READ_WRITE,
	                                                          .secret_file = secret.text},
	                              &cache),
	              KILN_OK);
	assert_status(write_text(cache, 1, 64, 1, "x"), KILN_OK);
	assert_string_equal(nearest(cache, 1, 128, 1).difference, "wg 64x2x1 -> 128x2x1");
	kiln_cache_close(&cache);
}

/* Cut and flipped entries, and things that are no files, tell nothing or the truth. */
static void damaged_entries_tell_nothing_wrong(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path path = path_of(fixture, 1, 64, 1);
	uint8_t whole[4096];
	size_t bytes;
	int fd;

	assert_status(write_text(fixture->cache, 1, 64, 1, "x"), KILN_OK);
	bytes = load_file(path.text, whole, sizeof whole);
	fd = open(path.text, O_WRONLY);
	for (size_t bit = 0; bit < 8 * bytes; bit++) {
		struct kiln_cache_nearest found;

		whole[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(pwrite(fd, whole, bytes, 0), bytes);
		found = nearest(fixture->cache, 1, 128, 1);
		if (found.fields != 0)
			assert_string_equal(found.difference, "wg 64x2x1 -> 128x2x1");
		whole[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t cut = bytes; cut-- > 0;) {
		assert_int_equal(ftruncate(fd, (off_t)cut), 0);
		(void)nearest(fixture->cache, 1, 128, 1);
	}
	close(fd);
	remove(path.text);
	assert_int_equal(mkfifo(path.text, 0600), 0);
	assert_int_equal(nearest(fixture->cache, 1, 128, 1).fields, 0);
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void looking_is_bounded(void **state)
{
	struct cache_fixture *fixture = *state;
	uint64_t samples_ns[200];

	for (unsigned i = 0; i < 300; i++)
		assert_status(write_text(fixture->cache, 1, 1000 + i, 1, "x"), KILN_OK);
	for (unsigned i = 0; i < 200; i++) {
		uint64_t start_ns = kiln_now_ns();

		nearest(fixture->cache, 1, 64, 1);
		samples_ns[i] = kiln_now_ns() - start_ns;
	}
	qsort(samples_ns, 200, sizeof *samples_ns, by_value);
	print_message("explanation among 300 entries: p50 %.1f us, p99 %.1f us\n", (double)samples_ns[100] / 1e3,
	              (double)samples_ns[198] / 1e3);
	assert_true(samples_ns[100] < 2000000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, cache_setup, cache_teardown)
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_near_in_an_empty_cache),
		TEST(changed_workgroup_is_named_with_both_values),
		TEST(changed_driver_is_named_by_its_name),
		TEST(explanation_has_evidence_and_fate_too),
		TEST(fewest_fields_win),
		TEST(related_entries_are_looked_at_first),
		TEST(entry_that_waits_to_be_written_counts),
		TEST(entry_under_a_secret_is_compared_too),
		TEST(damaged_entries_tell_nothing_wrong),
		TEST(looking_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
