/* Packs: out and in again, byte by byte damaged, planted by others, and under a secret. */
#include <kiln/cache.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cache/pack.h>

#include "failing_alloc.h"
#include "failing_fs.h"
#include "fixture.h"
#include "test.h"

static struct path beside(const struct cache_fixture *fixture, const char *name)
{
	struct path path;

	snprintf(path.text, sizeof path.text, "%s/%s", fixture->dir.path, name);
	return path;
}

static struct kiln_cache *open_with(const struct cache_fixture *fixture, const char *root, const char *packs,
                                    const char *secret_file)
{
	struct path path = beside(fixture, root);
	const struct kiln_cache_params params = {.root = path.text,
	                                         .mode = KILN_CACHE_READ_WRITE,
	                                         .packs = packs,
	                                         .secret_file = secret_file};
	struct kiln_cache *cache = NULL;

	assert_status(kiln_cache_open(&params, &cache), KILN_OK);
	return cache;
}

static enum kiln_status put_content(struct kiln_cache *cache)
{
	struct kiln_digest key = kiln_digest_of("glsl", 4);
	struct kiln_cache_entry entry = sample_entry("spirv", 5);

	return kiln_cache_content_write(cache, &key, &entry);
}

static enum kiln_status get_content(struct kiln_cache *cache)
{
	struct kiln_digest key = kiln_digest_of("glsl", 4);
	struct kiln_cache_entry entry = {0};
	enum kiln_status status = kiln_cache_content_read(cache, &key, &entry);

	if (status == KILN_OK && (entry.payload_bytes != 5 || memcmp(entry.payload, "spirv", 5) != 0))
		status = KILN_ERR_INTERNAL;
	kiln_cache_entry_finish(&entry);
	return status;
}

/* Programs 1 and 2 on devices 1 and 2, and one content entry. */
static void fill(struct kiln_cache *cache)
{
	for (unsigned i = 0; i < 4; i++)
		assert_status(write_text(cache, 1 + i / 2, 64, 1 + i % 2, "payload"), KILN_OK);
	assert_status(put_content(cache), KILN_OK);
}

static struct kiln_cache_pack_report export_all(struct kiln_cache *cache, const char *path)
{
	struct kiln_cache_pack_report report;

	assert_status(kiln_cache_export(cache, path, NULL, &report), KILN_OK);
	return report;
}

static struct kiln_cache_pack_report import_all(struct kiln_cache *cache, const char *path)
{
	struct kiln_cache_pack_report report;

	assert_status(kiln_cache_import(cache, path, NULL, &report), KILN_OK);
	return report;
}

static void exported_entries_are_found_where_they_are_imported(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path pack = beside(fixture, "a.pack"), again = beside(fixture, "b.pack");
	struct kiln_cache *other = open_with(fixture, "other", "", NULL);
	struct kiln_cache_pack_report report;
	static uint8_t bytes[2][8192];
	size_t length;

	fill(fixture->cache);
	report = export_all(fixture->cache, pack.text);
	assert_int_equal(report.entries, 5);
	assert_int_equal(report.skipped, 0);
	report = import_all(other, pack.text);
	assert_int_equal(report.entries, 5);
	assert_int_equal(report.present, 0);
	for (unsigned i = 0; i < 4; i++)
		assert_status(read_text(other, 1 + i / 2, 64, 1 + i % 2, "payload"), KILN_OK);
	assert_status(get_content(other), KILN_OK);
	report = import_all(other, pack.text);
	assert_int_equal(report.entries, 0);
	assert_int_equal(report.present, 5);
	/* The same entries make the same pack. */
	export_all(other, again.text);
	length = load_file(pack.text, bytes[0], sizeof bytes[0]);
	assert_int_equal(load_file(again.text, bytes[1], sizeof bytes[1]), length);
	assert_memory_equal(bytes[0], bytes[1], length);
	assert_int_equal(temp_dir_count(&fixture->dir), 4);
	assert_status(kiln_cache_flush(other), KILN_OK);
	kiln_cache_close(&other);
}

static void export_takes_what_was_asked_for(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path pack = beside(fixture, "a.pack");
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 2);
	struct kiln_cache_export_params params = {.program = &identity.program};
	struct kiln_cache_pack_report report;

	fill(fixture->cache);
	assert_status(kiln_cache_export(fixture->cache, pack.text, &params, &report), KILN_OK);
	assert_int_equal(report.entries, 2);
	assert_int_equal(report.skipped, 3);
	params.device = &identity.device;
	assert_status(kiln_cache_export(fixture->cache, pack.text, &params, &report), KILN_OK);
	assert_int_equal(report.entries, 1);
	params.program = NULL;
	assert_status(kiln_cache_export(fixture->cache, pack.text, &params, &report), KILN_OK);
	assert_int_equal(report.entries, 2);
}

static void damage_is_neither_exported_nor_imported(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path pack = beside(fixture, "a.pack");
	struct kiln_cache *other = open_with(fixture, "other", "", NULL);
	struct kiln_cache_pack_report report;
	static uint8_t bytes[8192];
	size_t length;

	fill(fixture->cache);
	save_file(path_of(fixture, 1, 64, 1).text, "damaged", 7);
	report = export_all(fixture->cache, pack.text);
	assert_int_equal(report.entries, 4);
	assert_int_equal(report.skipped, 1);
	length = load_file(pack.text, bytes, sizeof bytes);
	bytes[KILN_PACK_HEADER_BYTES + 100] ^= 1; /* in the first entry */
	save_file(pack.text, bytes, length);
	report = import_all(other, pack.text);
	assert_int_equal(report.entries, 3);
	assert_int_equal(report.skipped, 1);
	kiln_cache_close(&other);
}

/* ---- Damage ---- */

static void small_pack(const struct cache_fixture *fixture, uint8_t *out_bytes, size_t capacity,
                       size_t *out_length)
{
	struct path pack = beside(fixture, "good.pack");

	assert_status(write_text(fixture->cache, 1, 64, 1, "payload"), KILN_OK);
	assert_status(put_content(fixture->cache), KILN_OK);
	export_all(fixture->cache, pack.text);
	*out_length = load_file(pack.text, out_bytes, capacity);
}

/* Through the layer of an empty cache. Returns how many of both entries are found; none is ever wrong. */
static unsigned find_in(const struct cache_fixture *fixture, const uint8_t *bytes, size_t length)
{
	struct path pack = beside(fixture, "bad.pack");
	struct kiln_cache *cache = open_with(fixture, "empty", pack.text, NULL);
	enum kiln_status pipeline, content;

	save_file(pack.text, bytes, length);
	pipeline = read_text(cache, 1, 64, 1, "payload");
	content = get_content(cache);
	assert_true(pipeline == KILN_OK || pipeline == KILN_ERR_NOT_FOUND || pipeline == KILN_ERR_DAMAGED);
	assert_true(content == KILN_OK || content == KILN_ERR_NOT_FOUND || content == KILN_ERR_DAMAGED);
	assert_int_equal(kiln_cache_counters(cache).read_errors, 0);
	assert_int_equal(kiln_cache_counters(cache).layer_found, kiln_cache_counters(cache).found);
	kiln_cache_close(&cache);
	return (pipeline == KILN_OK) + (content == KILN_OK);
}

static void no_flipped_bit_yields_a_payload(void **state)
{
	struct cache_fixture *fixture = *state;
	static uint8_t bytes[4096];
	unsigned found[3] = {0};
	size_t length;

	small_pack(fixture, bytes, sizeof bytes, &length);
	assert_int_equal(find_in(fixture, bytes, length), 2);
	for (size_t bit = 0; bit < 8 * length; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		found[find_in(fixture, bytes, length)]++;
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	/* A flip in one entry costs that entry, one in the rest costs both, and none goes unnoticed. */
	assert_int_equal(found[2], 0);
	assert_int_equal(found[0],
	                 8 * (KILN_PACK_HEADER_BYTES + 2 * KILN_PACK_RECORD_BYTES + KILN_PACK_TRAILER_BYTES));
	assert_int_equal(found[0] + found[1], 8 * length);
}

static void every_truncated_or_lengthened_pack_is_refused(void **state)
{
	struct cache_fixture *fixture = *state;
	static uint8_t bytes[4096];
	size_t length;

	small_pack(fixture, bytes, sizeof bytes, &length);
	for (size_t cut = 0; cut < length; cut++)
		assert_int_equal(find_in(fixture, bytes, cut), 0);
	assert_int_equal(find_in(fixture, bytes, length + 1), 0);
	assert_int_equal(find_in(fixture, bytes, length), 2);
}

/* An index made to fit its digest, telling lies. */
static void lying_index_is_refused(void **state)
{
	const struct kiln_seal plain = {0};
	struct kiln_pack_record good[2] = {{.kind = KILN_KIND_PIPELINE, .offset = 16, .bytes = 200},
	                                   {.kind = KILN_KIND_CONTENT, .offset = 216, .bytes = 112}};
	enum { GOOD, KIND, NAME, SHORT, BEFORE, AFTER, OVERFLOW, ORDER, TWICE, LIES };

	(void)state;
	for (int lie = GOOD; lie < LIES; lie++) {
		struct kiln_pack_record records[2] = {good[0], good[1]};
		struct kiln_pack_trailer trailer;
		struct kiln_writer pack = {0};
		const uint8_t *end;
		const char *why;

		if (lie == KIND)
			records[1].kind = 3;
		if (lie == NAME)
			records[1].name[32] = 1;
		if (lie == SHORT)
			records[0].bytes = 111;
		if (lie == BEFORE)
			records[0].offset = 15;
		if (lie == AFTER)
			records[1].offset = 217;
		if (lie == OVERFLOW)
			records[1].offset = UINT64_MAX - 50;
		if (lie == ORDER)
			records[0].kind = KILN_KIND_CONTENT, records[0].name[0] = 1;
		if (lie == TWICE)
			records[1] = records[0];
		kiln_pack_write_header(&pack);
		while (pack.bytes < 328)
			kiln_write_u8(&pack, 0);
		kiln_pack_write_end(&pack, records, 2, 328, &plain);
		end = pack.data + pack.bytes - KILN_PACK_TRAILER_BYTES;
		assert_status(kiln_pack_check_ends(pack.data, end, pack.bytes, &trailer, &why), KILN_OK);
		assert_int_equal(trailer.count, 2);
		assert_status(kiln_pack_check_index(&trailer, pack.data + 328, end, &plain, &why),
		              lie == GOOD ? KILN_OK : KILN_ERR_DAMAGED);
		kiln_writer_finish(&pack);
	}
}

/* ---- Whom to trust ---- */

static void pack_others_could_have_written_is_refused(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path pack = beside(fixture, "a.pack"), link = beside(fixture, "link"),
		    fifo = beside(fixture, "fifo");

	fill(fixture->cache);
	export_all(fixture->cache, pack.text);
	assert_int_equal(symlink(pack.text, link.text), 0);
	assert_int_equal(mkfifo(fifo.text, 0600), 0);
	assert_int_equal(chmod(pack.text, 0664), 0);
	assert_status(kiln_cache_import(fixture->cache, pack.text, NULL, NULL), KILN_ERR_PERMISSION);
	assert_non_null(strstr(kiln_error_message(), "Fix: "));
	assert_int_equal(chmod(pack.text, 0646), 0);
	assert_status(kiln_cache_import(fixture->cache, pack.text, NULL, NULL), KILN_ERR_PERMISSION);
	assert_int_equal(chmod(pack.text, 0644), 0);
	assert_status(kiln_cache_import(fixture->cache, pack.text, NULL, NULL), KILN_OK);
	assert_status(kiln_cache_import(fixture->cache, link.text, NULL, NULL), KILN_ERR_PERMISSION);
	assert_status(kiln_cache_import(fixture->cache, fifo.text, NULL, NULL), KILN_ERR_PERMISSION);
	assert_status(kiln_cache_import(fixture->cache, fixture->root, NULL, NULL), KILN_ERR_PERMISSION);
	assert_status(kiln_cache_import(fixture->cache, "/nowhere/at/all", NULL, NULL), KILN_ERR_NOT_FOUND);
	if (geteuid() == 0) {
		assert_int_equal(chown(pack.text, 12345, 0), 0);
		assert_status(kiln_cache_import(fixture->cache, pack.text, NULL, NULL), KILN_ERR_PERMISSION);
	}
}

static void secret_vouches_for_packs_from_elsewhere(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path pack = beside(fixture, "a.pack"), plain = beside(fixture, "plain.pack");
	struct path ours = beside(fixture, "ours"), theirs = beside(fixture, "theirs");
	struct kiln_cache *writer, *same, *other;
	static uint8_t bytes[8192];
	size_t length;

	save_file(ours.text, "0123456789abcdef", 16);
	save_file(theirs.text, "fedcba9876543210", 16);
	assert_int_equal(chmod(ours.text, 0600) | chmod(theirs.text, 0600), 0);
	writer = open_with(fixture, "writer", "", ours.text);
	same = open_with(fixture, "same", "", ours.text);
	other = open_with(fixture, "third", "", theirs.text);
	fill(writer);
	fill(fixture->cache);
	export_all(writer, pack.text);
	export_all(fixture->cache, plain.text);
	assert_int_equal(chmod(pack.text, 0666), 0);
	assert_int_equal(import_all(same, pack.text).entries, 5);
	assert_status(read_text(same, 1, 64, 1, "payload"), KILN_OK);
	assert_status(kiln_cache_import(other, pack.text, NULL, NULL), KILN_ERR_PERMISSION);
	assert_status(kiln_cache_import(same, plain.text, NULL, NULL), KILN_ERR_PERMISSION);
	assert_int_equal(chmod(pack.text, 0644), 0);
	assert_status(kiln_cache_import(fixture->cache, pack.text, NULL, NULL), KILN_ERR_PERMISSION);
	/* Whoever does not know the secret can change nothing. */
	length = load_file(pack.text, bytes, sizeof bytes);
	bytes[length - KILN_PACK_TRAILER_BYTES - 1] ^= 1;
	save_file(pack.text, bytes, length);
	assert_status(kiln_cache_import(same, pack.text, NULL, NULL), KILN_ERR_DAMAGED);
	kiln_cache_close(&writer);
	kiln_cache_close(&same);
	kiln_cache_close(&other);
}

/* ---- Arguments, cancelling, failures ---- */

static bool stop(void *user, const char *phase, uint64_t done, uint64_t total)
{
	(void)done, (void)total;
	*(const char **)user = phase;
	return false;
}

/* An earlier version, another secret's, damage, a link: they only hide the entry. */
static void what_the_cache_cannot_read_is_imported_over(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path pack = beside(fixture, "a.pack"), target = beside(fixture, "target");
	struct path entry = path_of(fixture, 1, 64, 1);
	struct kiln_cache_pack_report report;
	static uint8_t bytes[4096];
	size_t length;

	fill(fixture->cache);
	export_all(fixture->cache, pack.text);
	for (unsigned i = 0; i < 4; i++) {
		length = load_file(i == 0 ? KILN_TEST_GOLDEN "/pipeline_v1.bin" : entry.text, bytes,
		                   sizeof bytes);
		if (i == 1)
			bytes[length - 1] ^= 1;
		if (i == 2)
			bytes[26] ^= 1; /* under a secret's seal */
		save_file(i == 3 ? target.text : entry.text, bytes, length);
		if (i == 3)
			assert_int_equal(unlink(entry.text) | symlink(target.text, entry.text), 0);
		report = import_all(fixture->cache, pack.text);
		assert_int_equal(report.entries, 1);
		assert_int_equal(report.present, 4);
		assert_status(read_text(fixture->cache, 1, 64, 1, "payload"), KILN_OK);
	}
}

static void packs_mind_modes_and_cancellation(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path pack = beside(fixture, "a.pack"), other = beside(fixture, "b.pack");
	struct kiln_cache *reader = open_again(fixture, KILN_CACHE_READ_ONLY, 0);
	struct kiln_cache *empty = open_with(fixture, "other", "", NULL);
	const char *phase = NULL;
	struct kiln_cache_progress progress = {stop, &phase};
	struct kiln_cache_export_params params = {.progress = progress};

	assert_int_equal(export_all(fixture->cache, pack.text).entries, 0);
	assert_int_equal(import_all(fixture->cache, pack.text).entries, 0);
	for (unsigned i = 0; i < 512; i++)
		assert_status(write_text(fixture->cache, i, 64, 1, "x"), KILN_OK);
	assert_int_equal(export_all(reader, pack.text).entries, 512);
	assert_status(kiln_cache_import(reader, pack.text, NULL, NULL), KILN_ERR_READ_ONLY);
	assert_status(kiln_cache_export(fixture->cache, other.text, &params, NULL), KILN_ERR_CANCELLED);
	assert_string_equal(phase, "export");
	assert_false(file_exists(other.text));
	assert_status(kiln_cache_import(empty, pack.text, &progress, NULL), KILN_ERR_CANCELLED);
	assert_string_equal(phase, "import");
	assert_status(kiln_cache_export(NULL, other.text, NULL, NULL), KILN_OK);
	assert_status(kiln_cache_import(NULL, other.text, NULL, NULL), KILN_OK);
	assert_status(kiln_cache_export(fixture->cache, "", NULL, NULL), KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_cache_import(fixture->cache, NULL, NULL, NULL), KILN_ERR_INVALID_ARGUMENT);
	kiln_cache_close(&reader);
	kiln_cache_close(&empty);
}

static void export_replaces_files_only(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path pipe = beside(fixture, "pipe"), link = beside(fixture, "link"), pack = beside(fixture, "a.pack");

	fill(fixture->cache);
	assert_int_equal(mkfifo(pipe.text, 0600), 0);
	assert_int_equal(symlink(pack.text, link.text), 0);
	assert_status(kiln_cache_export(fixture->cache, pipe.text, NULL, NULL), KILN_ERR_PERMISSION);
	assert_non_null(strstr(kiln_error_message(), "a pipe"));
	assert_status(kiln_cache_export(fixture->cache, link.text, NULL, NULL), KILN_ERR_PERMISSION);
	assert_status(kiln_cache_export(fixture->cache, pack.text, NULL, NULL), KILN_OK);
	assert_status(kiln_cache_export(fixture->cache, pack.text, NULL, NULL), KILN_OK);
}

static void export_survives_every_failing_call_and_keeps_the_old_pack(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path pack = beside(fixture, "a.pack");
	bool failed = true;

	fill(fixture->cache);
	for (unsigned n = 1; failed; n++) {
		struct failing_fs failing;
		struct kiln_cache *cache;
		enum kiln_status status;
		struct stat facts;

		save_file(pack.text, "old", 3);
		failing_fs_init(&failing, &kiln_fs_posix, 0, n % 2 != 0 ? EIO : ENOSPC);
		cache = open_on(fixture, &failing.fs);
		failing.calls = 0;
		failing.fail_at = n;
		status = kiln_cache_export(cache, pack.text, NULL, NULL);
		failed = failing.failed;
		failing.fail_at = 0;
		assert_true(failed || status == KILN_OK);
		assert_int_equal(stat(pack.text, &facts), 0);
		/* An old pack, or the new one whose folder could not be synced, or which lacks what could
		 * not be read. */
		if (facts.st_size != 3)
			import_all(cache, pack.text);
		else
			assert_true(status != KILN_OK && strstr(kiln_error_message(), "Fix: ") != NULL);
		/* Only where removing it is what failed. */
		if (!failed || strcmp(failing.failed_call, "unlinkat") != 0)
			assert_int_equal(temp_dir_count(&fixture->dir), 2);
		kiln_cache_close(&cache);
		assert_int_equal(failing_fs_open_files(&failing), 0);
	}
}

static void import_survives_every_failing_call(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path pack = beside(fixture, "a.pack");
	bool failed = true;

	fill(fixture->cache);
	export_all(fixture->cache, pack.text);
	for (unsigned n = 1; failed; n++) {
		struct failing_fs failing;
		struct kiln_cache *cache;
		struct kiln_cache_pack_report report;
		enum kiln_status status;

		assert_status(kiln_cache_clear(fixture->cache, NULL), KILN_OK);
		failing_fs_init(&failing, &kiln_fs_posix, 0, EIO);
		failing.largest_write = 100;
		cache = open_on(fixture, &failing.fs);
		failing.calls = 0;
		failing.fail_at = n;
		status = kiln_cache_import(cache, pack.text, NULL, &report);
		failed = failing.failed;
		failing.fail_at = 0;
		assert_true(failed || status == KILN_OK);
		assert_status(kiln_cache_import(cache, pack.text, NULL, NULL), KILN_OK);
		assert_status(read_text(cache, 1, 64, 1, "payload"), KILN_OK);
		assert_status(get_content(cache), KILN_OK);
		assert_int_equal(count_temp_files(fixture->root), 0);
		kiln_cache_close(&cache);
		assert_int_equal(failing_fs_open_files(&failing), 0);
	}
}

static void packs_survive_every_failing_allocation(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path pack = beside(fixture, "a.pack");

	fill(fixture->cache);
	export_all(fixture->cache, pack.text);
	for (unsigned importing = 0; importing < 2; importing++) {
		bool failed = true;

		for (unsigned n = 1; failed; n++) {
			enum kiln_status status;

			if (importing)
				assert_status(kiln_cache_clear(fixture->cache, NULL), KILN_OK);
			failing_alloc_begin(n);
			status = importing ? kiln_cache_import(fixture->cache, pack.text, NULL, NULL)
			                   : kiln_cache_export(fixture->cache, pack.text, NULL, NULL);
			failed = failing_alloc_end();
			assert_true(status == KILN_OK || status == KILN_ERR_OUT_OF_MEMORY);
			assert_true(failed || status == KILN_OK);
			assert_int_equal(temp_dir_count(&fixture->dir), 2);
			import_all(fixture->cache, pack.text);
			assert_status(read_text(fixture->cache, 2, 64, 2, "payload"), KILN_OK);
		}
	}
}

/* Made by an independent implementation of FORMAT.md. */
static void pack_of_version_2_can_be_read_for_ever(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path pack = beside(fixture, "golden.pack");
	struct kiln_cache_pack_report report;
	static uint8_t bytes[4096];
	size_t length = load_file(KILN_TEST_GOLDEN "/pack_v2.bin", bytes, sizeof bytes);

	save_file(pack.text, bytes, length);
	assert_int_equal(chmod(pack.text, 0644), 0);
	report = import_all(fixture->cache, pack.text);
	assert_int_equal(report.entries, 2);
	assert_int_equal(report.skipped, 0);
	/* And written again it has the same bytes. */
	export_all(fixture->cache, pack.text);
	assert_int_equal(load_file(pack.text, bytes + 2048, 2048), length);
	assert_memory_equal(bytes, bytes + 2048, length);
}

static void golden_pack_under_a_secret_is_read_and_written_to_the_byte(void **state)
{
	static const char secret[] = "correct horse battery staple\n";
	struct cache_fixture *fixture = *state;
	struct path pack = beside(fixture, "golden.pack"), key = beside(fixture, "secret");
	struct kiln_cache *cache;
	uint8_t bytes[2][1024];
	size_t length = load_file(KILN_TEST_GOLDEN "/pack_sealed_v2.bin", bytes[0], sizeof bytes[0]);

	save_file(key.text, secret, strlen(secret));
	assert_int_equal(chmod(key.text, 0600), 0);
	save_file(pack.text, bytes[0], length);
	cache = open_with(fixture, "sealed", "", key.text);
	assert_int_equal(import_all(cache, pack.text).entries, 1);
	export_all(cache, pack.text);
	assert_int_equal(load_file(pack.text, bytes[1], sizeof bytes[1]), length);
	assert_memory_equal(bytes[0], bytes[1], length);
	kiln_cache_close(&cache);
}

static void pack_of_version_1_is_refused_with_a_sentence(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path pack = beside(fixture, "old.pack");
	uint8_t bytes[1024];
	size_t length = load_file(KILN_TEST_GOLDEN "/pack_v1.bin", bytes, sizeof bytes);

	save_file(pack.text, bytes, length);
	assert_int_equal(chmod(pack.text, 0600), 0);
	assert_status(kiln_cache_import(fixture->cache, pack.text, NULL, NULL), KILN_ERR_UNSUPPORTED);
	assert_non_null(strstr(kiln_error_message(), "another format version"));
	assert_non_null(strstr(kiln_error_message(), "Fix: export it again"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cache_setup, cache_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(damage_is_neither_exported_nor_imported),
		TEST(every_truncated_or_lengthened_pack_is_refused),
		TEST(export_survives_every_failing_call_and_keeps_the_old_pack),
		TEST(export_replaces_files_only),
		TEST(export_takes_what_was_asked_for),
		TEST(exported_entries_are_found_where_they_are_imported),
		TEST(golden_pack_under_a_secret_is_read_and_written_to_the_byte),
		TEST(import_survives_every_failing_call),
		cmocka_unit_test(lying_index_is_refused),
		TEST(no_flipped_bit_yields_a_payload),
		TEST(pack_of_version_1_is_refused_with_a_sentence),
		TEST(pack_of_version_2_can_be_read_for_ever),
		TEST(pack_others_could_have_written_is_refused),
		TEST(packs_mind_modes_and_cancellation),
		TEST(packs_survive_every_failing_allocation),
		TEST(secret_vouches_for_packs_from_elsewhere),
		TEST(what_the_cache_cannot_read_is_imported_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
