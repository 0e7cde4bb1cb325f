/* GLSL through the cache: a warm start takes the same words and never opens the front end's module; whatever could
 * change the words is noticed. Each compile is a process of its own, as the module stays open for good. */
#include <kiln/cache.h>
#include <kiln/glsl.h>

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/clock.h>

#include "glsl_loader.h"
#include "temp_dir.h"
#include "test.h"

static const char source[] = "#version 450\n"
			     "#extension GL_GOOGLE_include_directive : enable\n"
			     "#include \"one.glsl\"\n"
			     "layout(local_size_x = 64) in;\n"
			     "layout(binding = 0) buffer B { float b[]; };\n"
			     "void main() { b[0] = ONE; }\n";

struct folder {
	struct temp_dir dir;
	char first[300], second[300], main[300], cache[300];
};

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[600];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int set_up(void **state)
{
	struct folder *folder = calloc(1, sizeof *folder);

	temp_dir_create(&folder->dir);
	snprintf(folder->first, sizeof folder->first, "%s/first", folder->dir.path);
	snprintf(folder->second, sizeof folder->second, "%s/second", folder->dir.path);
	snprintf(folder->main, sizeof folder->main, "%s/main.comp", folder->dir.path);
	snprintf(folder->cache, sizeof folder->cache, "%s/cache", folder->dir.path);
	if (mkdir(folder->first, 0700) || mkdir(folder->second, 0700))
		return -1;
	write_file(folder->second, "one.glsl", "#include \"two.glsl\"\n#define ONE TWO\n");
	write_file(folder->second, "two.glsl", "#define TWO 2.0\n");
	*state = folder;
	return 0;
}

static int tear_down(void **state)
{
	temp_dir_remove(&((struct folder *)*state)->dir);
	free(*state);
	return 0;
}

static bool module_is_open(void)
{
	char line[4096];
	FILE *maps = fopen("/proc/self/maps", "r");
	bool found = false;

	while (maps && fgets(line, sizeof line, maps))
		found = found || strstr(line, "libkiln-glsl");
	if (maps)
		fclose(maps);
	return found;
}

struct outcome {
	enum kiln_status status;
	bool opened; /* the module */
	struct kiln_digest words;
};

struct change {
	const char *text, *define, *file_name;
	size_t path_count;
	uint32_t spirv_version;
	bool no_cache;
	enum kiln_cache_mode mode;
};

static struct outcome compile_here(const struct folder *folder, const struct change *change)
{
	const char *const paths[] = {folder->first, folder->second};
	const struct kiln_glsl_define define = {"X", change->define};
	struct kiln_glsl_params params = {
		.source = change->text ? change->text : source,
		.file_name = change->file_name ? change->file_name : folder->main,
		.include_paths = paths,
		.include_path_count = change->path_count ? change->path_count : 2,
		.defines = &define,
		.define_count = change->define != NULL,
		.spirv_version = change->spirv_version,
	};
	struct kiln_cache_params place = {.root = folder->cache,
	                                  .mode = change->mode ? change->mode : KILN_CACHE_READ_WRITE};
	struct outcome outcome = {0};
	uint32_t *words = NULL;
	size_t bytes = 0;

	if (!change->no_cache && kiln_cache_open(&place, &params.cache) != KILN_OK)
		abort();
	outcome.status = kiln_glsl_compile(&params, &words, &bytes);
	outcome.opened = module_is_open();
	if (words)
		outcome.words = kiln_digest_of(words, bytes);
	kiln_glsl_free(&words);
	kiln_cache_close(&params.cache);
	return outcome;
}

/* A child that compiles once the gate is closed (NULL = at once), and says how it went. */
struct child {
	pid_t pid;
	int answer;
};

static struct child start(const struct folder *folder, struct change change, const int *gate)
{
	struct child child;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	child.pid = fork();
	assert_true(child.pid >= 0);
	if (child.pid == 0) {
		struct outcome outcome;
		char byte;

		alarm(60);
		if (gate) {
			close(gate[1]);
			if (read(gate[0], &byte, 1) != 0)
				_exit(3);
		}
		outcome = compile_here(folder, &change);
		_exit(write(ends[1], &outcome, sizeof outcome) != sizeof outcome);
	}
	close(ends[1]);
	child.answer = ends[0];
	return child;
}

static struct outcome finish(const struct child *child)
{
	struct outcome outcome;
	int status;

	assert_int_equal(read(child->answer, &outcome, sizeof outcome), sizeof outcome);
	close(child->answer);
	assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
	assert_int_equal(status, 0);
	return outcome;
}

/* In a child. */
static struct outcome compile(const struct folder *folder, struct change change)
{
	struct child child = start(folder, change, NULL);

	return finish(&child);
}

static struct outcome cold(const struct folder *folder, struct change change)
{
	struct outcome outcome = compile(folder, change);

	assert_int_equal(outcome.status, KILN_OK);
	assert_true(outcome.opened);
	return outcome;
}

static struct outcome warm(const struct folder *folder, struct change change)
{
	struct outcome outcome = compile(folder, change);

	assert_int_equal(outcome.status, KILN_OK);
	assert_false(outcome.opened);
	return outcome;
}

static void second_process_takes_the_words_without_the_front_end(void **state)
{
	struct outcome first = cold(*state, (struct change){0}), second = warm(*state, (struct change){0});

	assert_true(kiln_digest_equal(&first.words, &second.words));
	warm(*state, (struct change){.mode = KILN_CACHE_READ_ONLY});
	second = cold(*state, (struct change){.no_cache = true});
	assert_true(kiln_digest_equal(&first.words, &second.words));
}

static void without_a_cache_the_front_end_runs_each_time(void **state)
{
	cold(*state, (struct change){.no_cache = true});
	cold(*state, (struct change){.no_cache = true});
	cold(*state, (struct change){.mode = KILN_CACHE_READ_ONLY});
	cold(*state, (struct change){0});
}

static void changed_include_is_compiled_again(void **state)
{
	struct folder *folder = *state;
	struct outcome before = cold(folder, (struct change){0}), after;

	write_file(folder->second, "two.glsl", "#define TWO 3.0\n");
	after = cold(folder, (struct change){0});
	assert_false(kiln_digest_equal(&before.words, &after.words));
	warm(folder, (struct change){0});
	write_file(folder->second, "one.glsl", "#define ONE 3.0\n");
	cold(folder, (struct change){0});
	warm(folder, (struct change){0});
}

static void include_that_hides_the_old_one_is_noticed(void **state)
{
	struct folder *folder = *state;
	struct outcome before = cold(folder, (struct change){0}), after;
	char path[600];

	/* An earlier include path has one now, */
	write_file(folder->first, "one.glsl", "#define ONE 7.0\n");
	after = cold(folder, (struct change){0});
	assert_false(kiln_digest_equal(&before.words, &after.words));
	/* and now the shader's own folder, with the same text. */
	write_file(folder->dir.path, "one.glsl", "#define ONE 7.0\n");
	cold(folder, (struct change){0});
	warm(folder, (struct change){0});
	snprintf(path, sizeof path, "%s/one.glsl", folder->dir.path);
	assert_int_equal(unlink(path), 0);
	cold(folder, (struct change){0});
}

static void removed_include_is_an_error_again(void **state)
{
	struct folder *folder = *state;
	struct outcome outcome;
	char path[600];

	cold(folder, (struct change){0});
	snprintf(path, sizeof path, "%s/two.glsl", folder->second);
	assert_int_equal(unlink(path), 0);
	outcome = compile(folder, (struct change){0});
	assert_int_equal(outcome.status, KILN_ERR_INVALID_ARGUMENT);
	write_file(folder->second, "two.glsl", "#define TWO 2.0\n");
	warm(folder, (struct change){0});
}

static void everything_the_words_depend_on_is_in_the_key(void **state)
{
	struct folder *folder = *state;
	char other[300];
	const struct change changes[] = {
		{.text = "#version 450\nlayout(local_size_x = 32) in;\nvoid main() {}\n"},
		{.define = "1"},
		{.define = "2"},
		{.spirv_version = 0x00010500},
		{.file_name = other},
	};

	snprintf(other, sizeof other, "%s/other.comp", folder->dir.path);
	cold(folder, (struct change){0});
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
		cold(folder, changes[i]);
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
		warm(folder, changes[i]);
	warm(folder, (struct change){.spirv_version = 0x00010300}); /* the default, said aloud */
	assert_int_equal(compile(folder, (struct change){.path_count = 1}).status, KILN_ERR_INVALID_ARGUMENT);
}

static void refused_shader_is_not_kept(void **state)
{
	const struct change wrong = {.text = "#version 450\nvoid main() { oops; }\n"};

	for (int i = 0; i < 2; i++) {
		struct outcome outcome = compile(*state, wrong);

		assert_int_equal(outcome.status, KILN_ERR_INVALID_ARGUMENT);
		assert_true(outcome.opened);
	}
}

/* ---- Entries that are no record: intact for the cache, nonsense for us ---- */

struct spoil {
	struct kiln_cache *cache;
	size_t keep; /* bytes of the payload; SIZE_MAX = all */
	size_t flip; /* byte to change; SIZE_MAX = none */
	struct kiln_digest key;
	size_t bytes;
};

static bool first_content(void *user, const struct kiln_cache_listing *listing)
{
	struct spoil *spoil = user;

	if (!listing->content_key)
		return true;
	spoil->key = *listing->content_key;
	spoil->bytes = listing->entry.payload_bytes;
	return false;
}

static void replace(const struct folder *folder, size_t keep, size_t flip)
{
	struct kiln_cache_params place = {.root = folder->cache, .mode = KILN_CACHE_READ_WRITE};
	struct spoil spoil = {0};
	struct kiln_cache_entry entry = {0}, other;
	uint8_t *copy;

	assert_status(kiln_cache_open(&place, &spoil.cache), KILN_OK);
	assert_status(kiln_cache_list(spoil.cache, first_content, &spoil), KILN_OK);
	assert_status(kiln_cache_content_read(spoil.cache, &spoil.key, &entry), KILN_OK);
	copy = malloc(entry.payload_bytes + 1);
	memcpy(copy, entry.payload, entry.payload_bytes);
	other = (struct kiln_cache_entry){.payload = copy, .payload_bytes = entry.payload_bytes};
	if (keep < other.payload_bytes)
		other.payload_bytes = keep;
	if (flip < other.payload_bytes)
		copy[flip] ^= 0x40;
	assert_status(kiln_cache_content_write(spoil.cache, &spoil.key, &other), KILN_OK);
	free(copy);
	kiln_cache_entry_finish(&entry);
	kiln_cache_close(&spoil.cache);
}

static void entry_that_is_no_record_is_compiled_again(void **state)
{
	const size_t cuts[] = {0, 7, 40, 200};
	struct outcome good = cold(*state, (struct change){0}), again;

	for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
		replace(*state, cuts[i], SIZE_MAX);
		again = cold(*state, (struct change){0});
		assert_true(kiln_digest_equal(&good.words, &again.words));
	}
	for (size_t flip = 0; flip < 60; flip += 12) {
		struct outcome outcome;

		replace(*state, SIZE_MAX, flip);
		outcome = compile(*state, (struct change){0});
		assert_int_equal(outcome.status, KILN_OK);
		assert_true(kiln_digest_equal(&good.words, &outcome.words));
	}
}

/* ---- Single flight: a child that ran the front end has its module open ---- */

#define HERD 16
#define MS UINT64_C(1000000)

/* Starts them all at once; how many ran the front end. All must end alike. */
static unsigned herd(const struct folder *folder, struct change change, enum kiln_status expected)
{
	struct child children[HERD];
	struct outcome outcomes[HERD];
	unsigned runs = 0;
	int gate[2];

	assert_int_equal(pipe(gate), 0);
	for (unsigned i = 0; i < HERD; i++)
		children[i] = start(folder, change, gate);
	close(gate[0]);
	close(gate[1]);
	for (unsigned i = 0; i < HERD; i++) {
		outcomes[i] = finish(&children[i]);
		assert_int_equal(outcomes[i].status, expected);
		assert_true(kiln_digest_equal(&outcomes[i].words, &outcomes[0].words));
		runs += outcomes[i].opened;
	}
	return runs;
}

static void processes_that_miss_at_once_run_the_front_end_once(void **state)
{
	struct folder *folder = *state;

	assert_int_equal(herd(folder, (struct change){0}, KILN_OK), 1);
	assert_int_equal(herd(folder, (struct change){0}, KILN_OK), 0);
	/* An entry that is good no more lies there all the while. */
	write_file(folder->second, "two.glsl", "#define TWO 3.0\n");
	assert_int_equal(herd(folder, (struct change){0}, KILN_OK), 1);
}

static void processes_with_a_refused_shader_all_hear_why(void **state)
{
	const struct change wrong = {.text = "#version 450\nvoid main() { oops; }\n"};

	assert_int_equal(herd(*state, wrong, KILN_ERR_INVALID_ARGUMENT), HERD);
}

/* The key of the one entry there is, which is removed. */
static struct kiln_digest take_only_entry(const struct folder *folder)
{
	struct kiln_cache_params place = {.root = folder->cache, .mode = KILN_CACHE_READ_WRITE};
	struct spoil spoil = {0};
	char path[600];

	assert_status(kiln_cache_open(&place, &spoil.cache), KILN_OK);
	assert_status(kiln_cache_list(spoil.cache, first_content, &spoil), KILN_OK);
	kiln_cache_content_path_for(folder->cache, &spoil.key, path, sizeof path);
	assert_int_equal(unlink(path), 0);
	kiln_cache_close(&spoil.cache);
	return spoil.key;
}

/* A child that holds the entry's lease as if it compiled, until it is killed. */
static pid_t start_holder(const struct folder *folder, const struct kiln_digest *key)
{
	struct kiln_cache_params place = {.root = folder->cache, .mode = KILN_CACHE_READ_WRITE};
	struct kiln_cache_lease lease;
	struct kiln_cache *cache;
	int ends[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(60);
		if (kiln_cache_open(&place, &cache) != KILN_OK ||
		    kiln_cache_content_lease_begin(cache, key, 0, &lease) != KILN_OK || !lease.held ||
		    write(ends[1], "y", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	return pid;
}

static void end_holder(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void killed_holder_leaves_the_front_end_to_one_other(void **state)
{
	struct folder *folder = *state;
	struct outcome before = cold(folder, (struct change){0}), after;
	struct kiln_digest key = take_only_entry(folder);
	pid_t holder = start_holder(folder, &key);
	struct child children[4];
	unsigned runs = 0;

	for (unsigned i = 0; i < 4; i++)
		children[i] = start(folder, (struct change){0}, NULL);
	usleep(100000);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(waitpid(children[i].pid, NULL, WNOHANG), 0);
	end_holder(holder);
	for (unsigned i = 0; i < 4; i++) {
		after = finish(&children[i]);
		assert_int_equal(after.status, KILN_OK);
		assert_true(kiln_digest_equal(&after.words, &before.words));
		runs += after.opened;
	}
	assert_int_equal(runs, 1);
}

static void holder_that_hangs_costs_a_bound_and_no_more(void **state)
{
	struct folder *folder = *state;
	struct kiln_digest key;
	uint64_t start_ns, took_ns;
	pid_t holder;

	cold(folder, (struct change){0});
	key = take_only_entry(folder);
	holder = start_holder(folder, &key);
	start_ns = kiln_now_ns();
	cold(folder, (struct change){0});
	took_ns = kiln_now_ns() - start_ns;
	assert_true(took_ns > 4000 * MS && took_ns < 20000 * MS);
	/* What it compiled is there for the others, though the holder still has the lease. */
	warm(folder, (struct change){0});
	end_holder(holder);
}

static void *compile_in_a_thread(void *user)
{
	struct kiln_glsl_params *params = user;
	uint32_t *words = NULL;
	size_t bytes = 0;
	enum kiln_status status = kiln_glsl_compile(params, &words, &bytes);

	kiln_glsl_free(&words);
	return status == KILN_OK && bytes > 0 ? params : NULL;
}

/* In a child, as the front end's module stays open. The exit status is the number of entries written. */
static void threads_that_miss_at_once_run_the_front_end_once(void **state)
{
	struct folder *folder = *state;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		const char *const paths[] = {folder->first, folder->second};
		struct kiln_cache_params place = {.root = folder->cache, .mode = KILN_CACHE_READ_WRITE};
		struct kiln_glsl_params params = {
			.source = source, .file_name = folder->main, .include_paths = paths, .include_path_count = 2};
		pthread_t threads[HERD];
		void *good;

		alarm(60);
		if (kiln_cache_open(&place, &params.cache) != KILN_OK)
			_exit(100);
		for (unsigned i = 0; i < HERD; i++)
			if (pthread_create(&threads[i], NULL, compile_in_a_thread, &params))
				_exit(101);
		for (unsigned i = 0; i < HERD; i++)
			if (pthread_join(threads[i], &good) || !good)
				_exit(102);
		kiln_cache_flush(params.cache);
		_exit((int)kiln_cache_counters(params.cache).writes);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(second_process_takes_the_words_without_the_front_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_a_cache_the_front_end_runs_each_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(changed_include_is_compiled_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(include_that_hides_the_old_one_is_noticed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(removed_include_is_an_error_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(everything_the_words_depend_on_is_in_the_key, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refused_shader_is_not_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(entry_that_is_no_record_is_compiled_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(processes_that_miss_at_once_run_the_front_end_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(processes_with_a_refused_shader_all_hear_why, set_up, tear_down),
		cmocka_unit_test_setup_teardown(killed_holder_leaves_the_front_end_to_one_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(holder_that_hangs_costs_a_bound_and_no_more, set_up, tear_down),
		cmocka_unit_test_setup_teardown(threads_that_miss_at_once_run_the_front_end_once, set_up, tear_down),
	};

	kiln_glsl_module_path(KILN_TEST_GLSL_MODULE);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
