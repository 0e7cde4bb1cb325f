/* Entries under a MAC, and the secret file. */
#include <kiln/cache.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cache/entry.h>

#include "failing_fs.h"
#include "fixture.h"
#include "test.h"

#define OTHER_USER 65534
#define GOLDEN_SECRET "correct horse battery staple\n"

static struct path secret_path(const struct cache_fixture *fixture, const char *name)
{
	struct path path;

	snprintf(path.text, sizeof path.text, "%s/%s", fixture->dir.path, name);
	return path;
}

static struct path save_secret(const struct cache_fixture *fixture, const char *name, const char *secret)
{
	struct path path = secret_path(fixture, name);

	save_file(path.text, secret, strlen(secret));
	assert_int_equal(chmod(path.text, 0600), 0);
	return path;
}

static enum kiln_status open_with(const struct cache_fixture *fixture, const char *secret_file,
                                  struct kiln_cache **out_cache)
{
	return kiln_cache_open(&(struct kiln_cache_params){.root = fixture->root,
	                                                   .mode = KILN_CACHE_READ_WRITE,
	                                                   .secret_file = secret_file},
	                       out_cache);
}

static struct kiln_cache *open_sealed(const struct cache_fixture *fixture, const char *secret)
{
	struct path path = save_secret(fixture, "secret", secret);
	struct kiln_cache *cache = NULL;

	assert_status(open_with(fixture, path.text, &cache), KILN_OK);
	return cache;
}

/* ---- What a MAC does ---- */

static void sealed_entry_comes_back_under_its_secret(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_digest key = kiln_digest_of("artefact", 8);
	struct kiln_cache_entry entry = sample_entry("words", 5), found = {0};
	struct kiln_cache *cache = open_sealed(fixture, "sixteen bytes ok");

	assert_status(write_text(cache, 1, 64, 1, "payload"), KILN_OK);
	assert_status(kiln_cache_content_write(cache, &key, &entry), KILN_OK);
	kiln_cache_close(&cache);
	cache = open_sealed(fixture, "sixteen bytes ok");
	assert_status(read_text(cache, 1, 64, 1, "payload"), KILN_OK);
	assert_status(kiln_cache_content_read(cache, &key, &found), KILN_OK);
	assert_int_equal(found.payload_bytes, 5);
	assert_memory_equal(found.payload, "words", 5);
	kiln_cache_entry_finish(&found);
	kiln_cache_close(&cache);
}

/* The reader misses, the entry stays, and its own cache still finds it. */
static void assert_stays_a_miss(struct kiln_cache *writer, struct kiln_cache *reader)
{
	uint64_t before = kiln_cache_counters(reader).other_version;

	assert_status(write_text(writer, 1, 64, 1, "payload"), KILN_OK);
	assert_status(read_text(reader, 1, 64, 1, ""), KILN_ERR_NOT_FOUND);
	assert_int_equal(kiln_cache_counters(reader).other_version, before + 1);
	assert_status(read_text(writer, 1, 64, 1, "payload"), KILN_OK);
}

static void entry_of_another_secret_or_none_is_a_miss_that_stays(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *a = open_sealed(fixture, "secret of cache a");
	struct kiln_cache *b = open_sealed(fixture, "secret of cache b");

	assert_stays_a_miss(a, b);
	assert_stays_a_miss(b, a);
	assert_stays_a_miss(fixture->cache, a);
	assert_stays_a_miss(a, fixture->cache);
	assert_int_equal(kiln_cache_counters(a).damaged + kiln_cache_counters(b).damaged, 0);
	kiln_cache_close(&a);
	kiln_cache_close(&b);
}

static void every_byte_of_the_secret_counts(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *a = open_sealed(fixture, "sixteen bytes ok");
	struct kiln_cache *b = open_sealed(fixture, "sixteen bytes ok\n");

	assert_stays_a_miss(a, b);
	kiln_cache_close(&a);
	kiln_cache_close(&b);
}

/* Whoever can write the file but has no secret can mend every digest but this one. */
static void forged_entry_is_damage_and_goes(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *cache = open_sealed(fixture, "sixteen bytes ok");
	struct path path = path_of(fixture, 1, 64, 1);
	struct kiln_digest plain;
	uint8_t data[1000];
	size_t bytes;

	assert_status(write_text(cache, 1, 64, 1, "payload"), KILN_OK);
	bytes = load_file(path.text, data, sizeof data);
	data[bytes - KILN_DIGEST_BYTES - 1] ^= 1;
	plain = kiln_entry_seal(data, bytes - KILN_DIGEST_BYTES);
	memcpy(data + bytes - KILN_DIGEST_BYTES, plain.bytes, sizeof plain.bytes);
	save_file(path.text, data, bytes);
	assert_status(read_text(cache, 1, 64, 1, ""), KILN_ERR_DAMAGED);
	assert_false(file_exists(path.text));
	kiln_cache_close(&cache);
}

static bool take_status(void *user, const struct kiln_cache_listing *listing)
{
	*(enum kiln_status *)user = listing->status;
	return true;
}

static void listing_tells_which_entries_are_ours(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *cache = open_sealed(fixture, "sixteen bytes ok");
	enum kiln_status seen = KILN_ERR_INTERNAL;

	assert_status(write_text(cache, 1, 64, 1, "payload"), KILN_OK);
	assert_status(kiln_cache_list(cache, take_status, &seen), KILN_OK);
	assert_int_equal(seen, KILN_OK);
	assert_status(kiln_cache_list(fixture->cache, take_status, &seen), KILN_OK);
	assert_int_equal(seen, KILN_ERR_UNSUPPORTED);
	kiln_cache_close(&cache);
}

/* ---- The format ---- */

struct sealed {
	struct kiln_digest content;
	struct kiln_cache_entry entry;
	struct kiln_subject subject;
	struct kiln_seal seal;
	struct kiln_writer bytes;
};

static void make_sealed(struct sealed *sealed)
{
	*sealed = (struct sealed){
		.content = kiln_digest_of("content", 7),
		.entry = {.payload = "spir-v words",
	                  .payload_bytes = 12,
	                  .compile_ns = 59000000,
	                  .created_s = 1777680000,
	                  .kiln_version = "0.1.0"},
		.seal = kiln_seal_from(GOLDEN_SECRET, strlen(GOLDEN_SECRET)),
	};
	sealed->subject = (struct kiln_subject){.kind = KILN_KIND_CONTENT, .content = &sealed->content};
	kiln_entry_encode_as(&sealed->subject, &sealed->entry, &sealed->seal, &sealed->bytes);
	assert_false(sealed->bytes.bad);
}

static enum kiln_verdict decode(const struct sealed *sealed, const uint8_t *data, size_t bytes,
                                struct kiln_entry_view *view)
{
	const char *why;

	return kiln_entry_decode_as(data, bytes, 0, UINT64_MAX, &sealed->seal, view, &why);
}

static void golden_sealed_entry_is_read_and_written_to_the_byte(void **state)
{
	struct sealed sealed;
	struct kiln_entry_view view;
	uint8_t data[400];
	size_t bytes = load_file(KILN_TEST_GOLDEN "/sealed_v2.bin", data, sizeof data);

	(void)state;
	make_sealed(&sealed);
	assert_int_equal(sealed.bytes.bytes, bytes);
	assert_memory_equal(sealed.bytes.data, data, bytes);
	assert_int_equal(decode(&sealed, data, bytes, &view), KILN_VERDICT_GOOD);
	assert_int_equal(view.payload_bytes, 12);
	assert_memory_equal(view.payload, "spir-v words", 12);
	assert_true(kiln_subject_is(&sealed.subject, view.subject, view.subject_bytes));
	kiln_writer_finish(&sealed.bytes);
}

static void every_flipped_bit_of_a_sealed_entry_is_noticed(void **state)
{
	struct sealed sealed;
	struct kiln_entry_view view;

	(void)state;
	make_sealed(&sealed);
	for (size_t bit = 0; bit < 8 * sealed.bytes.bytes; bit++) {
		enum kiln_verdict verdict;

		sealed.bytes.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		verdict = decode(&sealed, sealed.bytes.data, sealed.bytes.bytes, &view);
		/* Format, key version, kind, compression, seal; and the key's name. */
		if ((bit / 8 >= 8 && bit / 8 < 20) || (bit / 8 >= 24 && bit / 8 < 28) ||
		    (bit / 8 >= 80 && bit / 8 < 88))
			assert_int_not_equal(verdict, KILN_VERDICT_GOOD);
		else
			assert_int_equal(verdict, KILN_VERDICT_DAMAGED);
		sealed.bytes.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	}
	kiln_writer_finish(&sealed.bytes);
}

static void every_truncation_of_a_sealed_entry_is_damage(void **state)
{
	struct sealed sealed;
	struct kiln_entry_view view;

	(void)state;
	make_sealed(&sealed);
	for (size_t bytes = 0; bytes < sealed.bytes.bytes; bytes++) {
		uint8_t *cut = malloc(bytes > 0 ? bytes : 1);

		memcpy(cut, sealed.bytes.data, bytes);
		assert_int_equal(decode(&sealed, cut, bytes, &view), KILN_VERDICT_DAMAGED);
		free(cut);
	}
	kiln_writer_finish(&sealed.bytes);
}

/* ---- The file ---- */

static void assert_secret_refused(const struct cache_fixture *fixture, const char *path,
                                  enum kiln_status expected)
{
	struct kiln_cache *cache = NULL;

	assert_status(open_with(fixture, path, &cache), expected);
	assert_null(cache);
	assert_non_null(strstr(kiln_error_message(), path));
	assert_non_null(strstr(kiln_error_message(), "Fix: "));
}

static void secret_of_a_wrong_length_is_refused(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *cache = NULL;
	char longest[KILN_SECRET_BYTES_MAX + 2];
	struct path path;

	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	path = save_secret(fixture, "secret", longest);
	assert_secret_refused(fixture, path.text, KILN_ERR_INVALID_ARGUMENT);
	path = save_secret(fixture, "secret", longest + 1);
	assert_status(open_with(fixture, path.text, &cache), KILN_OK);
	kiln_cache_close(&cache);
	path = save_secret(fixture, "secret", "fifteen bytes..");
	assert_secret_refused(fixture, path.text, KILN_ERR_INVALID_ARGUMENT);
	path = save_secret(fixture, "secret", "");
	assert_secret_refused(fixture, path.text, KILN_ERR_INVALID_ARGUMENT);
}

static void secret_others_may_use_is_refused(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path path = save_secret(fixture, "secret", "sixteen bytes ok");
	static const mode_t modes[] = {0640, 0604, 0620, 0602, 0666};

	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		assert_int_equal(chmod(path.text, modes[i]), 0);
		assert_secret_refused(fixture, path.text, KILN_ERR_PERMISSION);
	}
	assert_int_equal(chmod(path.text, 0600), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(path.text, OTHER_USER, 0), 0);
		assert_secret_refused(fixture, path.text, KILN_ERR_PERMISSION);
	}
}

static void secret_that_is_no_plain_file_is_refused(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path target = save_secret(fixture, "target", "sixteen bytes ok");
	struct path path = secret_path(fixture, "odd");

	assert_secret_refused(fixture, path.text, KILN_ERR_NOT_FOUND);
	assert_int_equal(symlink(target.text, path.text), 0);
	assert_secret_refused(fixture, path.text, KILN_ERR_PERMISSION);
	assert_int_equal(unlink(path.text), 0);
	assert_int_equal(mkfifo(path.text, 0600), 0);
	assert_secret_refused(fixture, path.text, KILN_ERR_PERMISSION);
	assert_secret_refused(fixture, fixture->dir.path, KILN_ERR_PERMISSION);
}

static void environment_names_the_secret_file(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path path = save_secret(fixture, "secret", "sixteen bytes ok");
	struct kiln_cache *cache = NULL, *sealed = NULL;

	assert_status(open_with(fixture, path.text, &sealed), KILN_OK);
	assert_status(write_text(sealed, 1, 64, 1, "payload"), KILN_OK);
	kiln_cache_close(&sealed);
	setenv("KILN_CACHE_SECRET_FILE", path.text, 1);
	cache = open_again(fixture, KILN_CACHE_READ_WRITE, 0);
	assert_status(read_text(cache, 1, 64, 1, "payload"), KILN_OK);
	kiln_cache_close(&cache);
	setenv("KILN_CACHE_SECRET_FILE", "/nonexistent/secret", 1);
	assert_status(open_with(fixture, NULL, &cache), KILN_ERR_NOT_FOUND);
	assert_null(cache);
	/* The parameter goes first. */
	assert_status(open_with(fixture, path.text, &cache), KILN_OK);
	kiln_cache_close(&cache);
	unsetenv("KILN_CACHE_SECRET_FILE");
}

static void secret_in_the_environment_is_that_of_a_file_of_the_same_bytes(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path path = save_secret(fixture, "secret", "sixteen bytes ok");
	struct path other = save_secret(fixture, "other", "another secret....");
	struct kiln_cache *by_value = NULL, *by_file = NULL, *by_other = NULL;

	setenv("KILN_CACHE_SECRET", "sixteen bytes ok", 1);
	assert_status(open_with(fixture, NULL, &by_value), KILN_OK);
	assert_status(write_text(by_value, 1, 64, 1, "payload"), KILN_OK);
	assert_stays_a_miss(by_value, fixture->cache);
	/* The parameter goes first. */
	assert_status(open_with(fixture, other.text, &by_other), KILN_OK);
	assert_stays_a_miss(by_value, by_other);
	unsetenv("KILN_CACHE_SECRET");
	assert_status(open_with(fixture, path.text, &by_file), KILN_OK);
	assert_status(read_text(by_file, 1, 64, 1, "payload"), KILN_OK);
	kiln_cache_close(&by_value);
	kiln_cache_close(&by_file);
	kiln_cache_close(&by_other);
}

static void assert_environment_refused(const struct cache_fixture *fixture, const char *secret)
{
	struct kiln_cache *cache = NULL;

	setenv("KILN_CACHE_SECRET", secret, 1);
	assert_status(open_with(fixture, NULL, &cache), KILN_ERR_INVALID_ARGUMENT);
	assert_null(cache);
	assert_non_null(strstr(kiln_error_message(), "KILN_CACHE_SECRET"));
	assert_non_null(strstr(kiln_error_message(), "Fix: "));
	assert_null(strstr(kiln_error_message(), secret));
	unsetenv("KILN_CACHE_SECRET");
}

static void secret_in_the_environment_of_a_wrong_length_is_refused_and_not_shown(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *cache = NULL;
	char longest[KILN_SECRET_BYTES_MAX + 2];

	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_environment_refused(fixture, "fifteen bytes..");
	assert_environment_refused(fixture, longest);
	setenv("KILN_CACHE_SECRET", longest + 1, 1);
	assert_status(open_with(fixture, NULL, &cache), KILN_OK);
	kiln_cache_close(&cache);
	/* As every variable: empty is unset. */
	setenv("KILN_CACHE_SECRET", "", 1);
	cache = open_again(fixture, KILN_CACHE_READ_WRITE, 0);
	assert_false(cache->seal.keyed);
	kiln_cache_close(&cache);
	unsetenv("KILN_CACHE_SECRET");
}

static void two_secrets_in_the_environment_are_refused(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path path = save_secret(fixture, "secret", "sixteen bytes ok");
	struct kiln_cache *cache = NULL;

	setenv("KILN_CACHE_SECRET_FILE", path.text, 1);
	assert_environment_refused(fixture, "sixteen bytes ok");
	/* The parameter settles it. */
	setenv("KILN_CACHE_SECRET", "another secret....", 1);
	assert_status(open_with(fixture, path.text, &cache), KILN_OK);
	kiln_cache_close(&cache);
	unsetenv("KILN_CACHE_SECRET");
	unsetenv("KILN_CACHE_SECRET_FILE");
}

/* A cache that was asked to be sealed is sealed, or does not open. */
/* A layer is under the cache's secret, which the parameters chose: what the environment says is not asked. */
static void layer_is_opened_under_the_secret_of_the_parameters(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path secret = save_secret(fixture, "secret", GOLDEN_SECRET),
		    root = secret_path(fixture, "upper");
	struct kiln_cache_params params = {.root = root.text,
	                                   .mode = KILN_CACHE_READ_WRITE,
	                                   .packs = fixture->root,
	                                   .secret_file = secret.text};
	struct kiln_cache *cache = open_sealed(fixture, GOLDEN_SECRET);
	struct kiln_cache_stat stat;

	assert_status(write_text(cache, 1, 64, 1, "payload"), KILN_OK);
	kiln_cache_close(&cache);
	for (unsigned i = 0; i < 2; i++) {
		setenv("KILN_CACHE_SECRET_FILE", "/nonexistent/secret", 1);
		if (i == 1)
			setenv("KILN_CACHE_SECRET", "another secret....", 1);
		assert_status(kiln_cache_open(&params, &cache), KILN_OK);
		assert_status(read_text(cache, 1, 64, 1, "payload"), KILN_OK);
		assert_status(kiln_cache_stat(cache, &stat), KILN_OK);
		unsetenv("KILN_CACHE_SECRET");
		unsetenv("KILN_CACHE_SECRET_FILE");
		assert_int_equal(stat.layers, 1);
		assert_int_equal(stat.layers_refused, 0);
		kiln_cache_close(&cache);
	}
}

static void no_failing_call_opens_it_without_its_seal(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path path = save_secret(fixture, "secret", "sixteen bytes ok");
	unsigned n, opened = 0;
	bool failed = true;

	for (n = 1; failed; n++) {
		struct kiln_cache_params params = {.root = fixture->root,
		                                   .mode = KILN_CACHE_READ_WRITE,
		                                   .secret_file = path.text};
		struct kiln_cache *cache = NULL;
		struct failing_fs failing;

		failing_fs_init(&failing, &kiln_fs_posix, n, EIO);
		if (kiln_cache_open_on(&(struct kiln_cache_host){.fs = &failing.fs}, &params, &cache) ==
		    KILN_OK) {
			opened++;
			assert_true(cache->seal.keyed);
		}
		failed = failing.failed;
		failing.fail_at = 0;
		kiln_cache_close(&cache);
		assert_int_equal(failing_fs_open_files(&failing), 0);
	}
	assert_true(n > 8 && opened >= 1 && opened < n - 4);
}

static void short_reads_of_the_secret_are_continued(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path path = save_secret(fixture, "secret", GOLDEN_SECRET);
	struct kiln_seal expected = kiln_seal_from(GOLDEN_SECRET, strlen(GOLDEN_SECRET)), seal;
	struct failing_fs failing;

	failing_fs_init(&failing, &kiln_fs_posix, 0, 0);
	failing.largest_write = 3;
	assert_status(kiln_seal_load(&failing.fs, path.text, &seal), KILN_OK);
	assert_memory_equal(seal.entry_key, expected.entry_key, sizeof seal.entry_key);
	assert_memory_equal(seal.pack_key, expected.pack_key, sizeof seal.pack_key);
	assert_memory_equal(seal.id, expected.id, sizeof seal.id);
	kiln_seal_forget(&seal);
	for (size_t i = 0; i < sizeof seal.entry_key; i++)
		assert_int_equal(seal.entry_key[i] | seal.pack_key[i], 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cache_setup, cache_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(entry_of_another_secret_or_none_is_a_miss_that_stays),
		TEST(environment_names_the_secret_file),
		TEST(every_byte_of_the_secret_counts),
		cmocka_unit_test(every_flipped_bit_of_a_sealed_entry_is_noticed),
		cmocka_unit_test(every_truncation_of_a_sealed_entry_is_damage),
		TEST(forged_entry_is_damage_and_goes),
		cmocka_unit_test(golden_sealed_entry_is_read_and_written_to_the_byte),
		TEST(layer_is_opened_under_the_secret_of_the_parameters),
		TEST(listing_tells_which_entries_are_ours),
		TEST(no_failing_call_opens_it_without_its_seal),
		TEST(sealed_entry_comes_back_under_its_secret),
		TEST(secret_in_the_environment_is_that_of_a_file_of_the_same_bytes),
		TEST(secret_in_the_environment_of_a_wrong_length_is_refused_and_not_shown),
		TEST(secret_of_a_wrong_length_is_refused),
		TEST(secret_others_may_use_is_refused),
		TEST(secret_that_is_no_plain_file_is_refused),
		TEST(short_reads_of_the_secret_are_continued),
		TEST(two_secrets_in_the_environment_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
