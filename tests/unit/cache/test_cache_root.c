/* Opening: which roots are made, taken, or refused, and with what sentence. */
#include <kiln/cache.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failing_fs.h"
#include "fixture.h"
#include "test.h"

#define OTHER_USER 65534

static enum kiln_status open_at(const char *root, enum kiln_cache_mode mode, struct kiln_cache **out_cache)
{
	return kiln_cache_open(&(struct kiln_cache_params){.root = root, .mode = mode}, out_cache);
}

/* Refused with a sentence that names the path and a fix; *out_cache untouched. */
static void assert_refused(const char *root, enum kiln_cache_mode mode, enum kiln_status expected)
{
	struct kiln_cache *cache = (struct kiln_cache *)&cache;

	assert_status(open_at(root, mode, &cache), expected);
	assert_ptr_equal(cache, &cache);
	assert_non_null(strstr(kiln_error_message(), root));
	assert_non_null(strstr(kiln_error_message(), "Fix: "));
}

static void assert_opens(const char *root, enum kiln_cache_mode mode)
{
	struct kiln_cache *cache = NULL;

	assert_status(open_at(root, mode, &cache), KILN_OK);
	kiln_cache_close(&cache);
}

static unsigned mode_of(const char *path)
{
	struct stat facts;

	assert_int_equal(stat(path, &facts), 0);
	return facts.st_mode & 07777;
}

static void missing_root_is_made_for_its_owner_only(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *cache = NULL;
	char deep[400], v1[420];

	snprintf(deep, sizeof deep, "%s/a/b/c///", fixture->dir.path);
	assert_status(open_at(deep, KILN_CACHE_READ_WRITE, &cache), KILN_OK);
	deep[strlen(deep) - 3] = '\0';
	assert_string_equal(kiln_cache_root(cache), deep);
	snprintf(v1, sizeof v1, "%s/v1", deep);
	assert_int_equal(mode_of(deep), 0700);
	assert_int_equal(mode_of(v1), 0700);
	kiln_cache_close(&cache);
}

static void missing_root_is_an_empty_cache_when_read_only(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *cache = NULL;
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	struct kiln_cache_evidence evidence;
	char root[400];

	snprintf(root, sizeof root, "%s/absent", fixture->dir.path);
	assert_status(open_at(root, KILN_CACHE_READ_ONLY, &cache), KILN_OK);
	assert_non_null(cache);
	assert_false(file_exists(root));
	assert_status(read_text(cache, 1, 64, 1, ""), KILN_ERR_NOT_FOUND);
	assert_status(kiln_cache_evidence(cache, &identity, &evidence), KILN_OK);
	assert_int_equal(evidence.total_entries, 0);
	assert_int_equal(kiln_cache_counters(cache).not_found, 1);
	kiln_cache_close(&cache);
}

static void off_gives_no_cache_and_touches_nothing(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *cache = (struct kiln_cache *)fixture;
	char root[400];

	snprintf(root, sizeof root, "%s/off", fixture->dir.path);
	assert_status(open_at(root, KILN_CACHE_OFF, &cache), KILN_OK);
	assert_null(cache);
	setenv("KILN_CACHE", "off", 1);
	cache = (struct kiln_cache *)fixture;
	assert_status(open_at(root, KILN_CACHE_DEFAULT, &cache), KILN_OK);
	assert_null(cache);
	unsetenv("KILN_CACHE");
	assert_false(file_exists(root));
}

static void environment_chooses_mode_and_root(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_cache *cache = NULL;
	char root[400];

	snprintf(root, sizeof root, "%s/by-env", fixture->dir.path);
	setenv("KILN_CACHE_DIR", root, 1);
	setenv("KILN_CACHE", "ro", 1);
	assert_status(kiln_cache_open(NULL, &cache), KILN_OK);
	assert_string_equal(kiln_cache_root(cache), root);
	assert_status(write_text(cache, 1, 64, 1, "x"), KILN_OK);
	assert_int_equal(kiln_cache_counters(cache).write_skips, 1);
	kiln_cache_close(&cache);
	setenv("KILN_CACHE", "nonsense", 1);
	assert_status(kiln_cache_open(NULL, &cache), KILN_OK);
	assert_status(write_text(cache, 1, 64, 1, "x"), KILN_OK);
	assert_int_equal(kiln_cache_counters(cache).writes, 1);
	kiln_cache_close(&cache);
	unsetenv("KILN_CACHE");
	unsetenv("KILN_CACHE_DIR");
}

static void root_others_can_write_is_refused(void **state)
{
	struct cache_fixture *fixture = *state;
	static const unsigned modes[] = {0777, 0770, 0720, 0702, 01777};

	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		assert_int_equal(chmod(fixture->root, modes[i]), 0);
		assert_refused(fixture->root, KILN_CACHE_READ_WRITE, KILN_ERR_PERMISSION);
		assert_non_null(strstr(kiln_error_message(), "chmod go-w"));
		assert_refused(fixture->root, KILN_CACHE_READ_ONLY, KILN_ERR_PERMISSION);
	}
	assert_int_equal(chmod(fixture->root, 0755), 0);
	assert_opens(fixture->root, KILN_CACHE_READ_WRITE);
}

static void layout_folder_others_can_write_is_refused(void **state)
{
	struct cache_fixture *fixture = *state;
	char v1[400];

	snprintf(v1, sizeof v1, "%s/v1", fixture->root);
	assert_int_equal(chmod(v1, 0777), 0);
	assert_refused(fixture->root, KILN_CACHE_READ_WRITE, KILN_ERR_PERMISSION);
	assert_non_null(strstr(kiln_error_message(), v1));
}

static void skip_unless_superuser(void)
{
	if (geteuid() == 0)
		return;
	print_message("skipped: only the superuser can give files away\n");
	skip();
}

static void root_of_someone_else_is_refused(void **state)
{
	struct cache_fixture *fixture = *state;

	skip_unless_superuser();
	assert_int_equal(chown(fixture->root, OTHER_USER, 0), 0);
	assert_refused(fixture->root, KILN_CACHE_READ_WRITE, KILN_ERR_PERMISSION);
	assert_non_null(strstr(kiln_error_message(), "belongs to user 65534"));
	assert_refused(fixture->root, KILN_CACHE_READ_ONLY, KILN_ERR_PERMISSION);
}

static void linked_root_is_refused(void **state)
{
	struct cache_fixture *fixture = *state;
	char link[400], slash[402];

	snprintf(link, sizeof link, "%s/link", fixture->dir.path);
	snprintf(slash, sizeof slash, "%s/", link);
	assert_int_equal(symlink(fixture->root, link), 0);
	assert_refused(link, KILN_CACHE_READ_WRITE, KILN_ERR_PERMISSION);
	assert_non_null(strstr(kiln_error_message(), "symbolic link"));
	assert_refused(link, KILN_CACHE_READ_ONLY, KILN_ERR_PERMISSION);
	assert_int_equal(open_at(slash, KILN_CACHE_READ_WRITE, &fixture->cache), KILN_ERR_PERMISSION);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(symlink("/nonexistent/kiln", link), 0);
	assert_refused(link, KILN_CACHE_READ_WRITE, KILN_ERR_PERMISSION);
}

static void file_in_the_place_of_a_folder_is_told(void **state)
{
	struct cache_fixture *fixture = *state;
	char file[400], below[440], other[400];

	snprintf(file, sizeof file, "%s/file", fixture->dir.path);
	save_file(file, "x", 1);
	assert_refused(file, KILN_CACHE_READ_WRITE, KILN_ERR_NOT_A_DIRECTORY);
	assert_refused(file, KILN_CACHE_READ_ONLY, KILN_ERR_NOT_A_DIRECTORY);
	snprintf(below, sizeof below, "%s/pipelines", file);
	assert_refused(below, KILN_CACHE_READ_WRITE, KILN_ERR_NOT_A_DIRECTORY);
	snprintf(other, sizeof other, "%s/other", fixture->dir.path);
	assert_int_equal(mkdir(other, 0700), 0);
	snprintf(below, sizeof below, "%s/v1", other);
	save_file(below, "x", 1);
	assert_refused(other, KILN_CACHE_READ_WRITE, KILN_ERR_NOT_A_DIRECTORY);
}

static void file_in_the_place_of_a_shard_is_an_error_and_the_cache_goes_on(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	char shard[400];

	snprintf(shard, sizeof shard, "%s/v1/%02x", fixture->root, identity.program.bytes[0]);
	save_file(shard, "x", 1);
	assert_status(write_text(fixture->cache, 1, 64, 1, "x"), KILN_ERR_NOT_A_DIRECTORY);
	assert_non_null(strstr(kiln_error_message(), shard));
	assert_status(read_text(fixture->cache, 1, 64, 1, ""), KILN_ERR_NOT_A_DIRECTORY);
	assert_int_equal(kiln_cache_counters(fixture->cache).read_errors, 1);
	assert_int_equal(kiln_cache_counters(fixture->cache).write_errors, 1);
	assert_status(write_text(fixture->cache, 2, 64, 1, "y"), KILN_OK);
	assert_status(read_text(fixture->cache, 2, 64, 1, "y"), KILN_OK);
}

static void linked_shard_is_not_written_through(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	char shard[400], target[400];

	snprintf(shard, sizeof shard, "%s/v1/%02x", fixture->root, identity.program.bytes[0]);
	snprintf(target, sizeof target, "%s/target", fixture->dir.path);
	assert_int_equal(mkdir(target, 0700), 0);
	assert_int_equal(symlink(target, shard), 0);
	assert_int_not_equal(write_text(fixture->cache, 1, 64, 1, "x"), KILN_OK);
	assert_int_equal(rmdir(target), 0); /* still empty */
}

static void linked_foreign_or_special_entry_is_refused_and_replaced(void **state)
{
	struct cache_fixture *fixture = *state;
	struct path path = path_of(fixture, 1, 64, 1);
	char target[400];

	snprintf(target, sizeof target, "%s/target", fixture->dir.path);
	assert_status(write_text(fixture->cache, 1, 64, 1, "x"), KILN_OK);
	assert_int_equal(rename(path.text, target), 0);
	assert_int_equal(symlink(target, path.text), 0);
	assert_status(read_text(fixture->cache, 1, 64, 1, ""), KILN_ERR_PERMISSION);
	assert_non_null(strstr(kiln_error_message(), "symbolic link"));
	assert_status(write_text(fixture->cache, 1, 64, 1, "new"), KILN_OK);
	assert_status(read_text(fixture->cache, 1, 64, 1, "new"), KILN_OK);
	assert_true(file_exists(target));
	unlink(path.text);
	assert_int_equal(mkfifo(path.text, 0600), 0);
	assert_status(read_text(fixture->cache, 1, 64, 1, ""), KILN_ERR_PERMISSION);
	assert_status(write_text(fixture->cache, 1, 64, 1, "new"), KILN_OK);
	assert_int_equal(kiln_cache_counters(fixture->cache).read_errors, 2);
	skip_unless_superuser();
	assert_int_equal(chown(path.text, OTHER_USER, 0), 0);
	assert_status(read_text(fixture->cache, 1, 64, 1, ""), KILN_ERR_PERMISSION);
	assert_true(file_exists(path.text));
}

/* ---- In a child of its own: as another user, or with file systems of its own ---- */

#define CANNOT 77

static int run_child(int (*child)(const struct cache_fixture *fixture), const struct cache_fixture *fixture)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(child(fixture));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void assert_child(int (*child)(const struct cache_fixture *fixture),
                         const struct cache_fixture *fixture)
{
	int result = run_child(child, fixture);

	if (result == CANNOT) {
		print_message("skipped: this system allows no mounts or other users to the test\n");
		skip();
	}
	assert_int_equal(result, 0);
}

/* In a child: the first thing that does not hold ends it, with its line as the exit code. */
#define MUST(condition)                                                                     \
	do {                                                                                \
		if (!(condition)) {                                                         \
			fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, \
			        kiln_error_message());                                      \
			return 1;                                                           \
		}                                                                           \
	} while (0)

static int unwritable_child(const struct cache_fixture *fixture)
{
	struct kiln_cache *cache = NULL;
	char root[400];

	if (geteuid() == 0 && seteuid(OTHER_USER) != 0)
		return CANNOT;
	/* Not ours to write: the folder above has mode 0555. */
	snprintf(root, sizeof root, "%s/closed/pipelines", fixture->dir.path);
	MUST(open_at(root, KILN_CACHE_READ_WRITE, &cache) == KILN_ERR_PERMISSION);
	MUST(strstr(kiln_error_message(), root) != NULL && strstr(kiln_error_message(), "Fix: ") != NULL);
	/* Ours, and closed: it cannot take the layout's folder. */
	snprintf(root, sizeof root, "%s/own", fixture->dir.path);
	MUST(mkdir(root, 0500) == 0);
	MUST(open_at(root, KILN_CACHE_READ_WRITE, &cache) == KILN_ERR_PERMISSION);
	MUST(strstr(kiln_error_message(), root) != NULL);
	/* The superuser's caches may be read, not written. */
	if (getuid() == 0) {
		MUST(open_at(fixture->root, KILN_CACHE_READ_WRITE, &cache) == KILN_ERR_PERMISSION);
		MUST(open_at(fixture->root, KILN_CACHE_READ_ONLY, &cache) == KILN_OK);
		MUST(read_text(cache, 1, 64, 1, "x") == KILN_OK);
		MUST(read_text(cache, 2, 64, 1, "x") == KILN_ERR_PERMISSION);
		kiln_cache_close(&cache);
	}
	return 0;
}

static void root_that_cannot_be_written_is_refused(void **state)
{
	struct cache_fixture *fixture = *state;
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	char closed[400];

	assert_status(write_text(fixture->cache, 1, 64, 1, "x"), KILN_OK);
	assert_status(write_text(fixture->cache, 2, 64, 1, "x"), KILN_OK);
	assert_int_equal(chmod(path_of(fixture, 1, 64, 1).text, 0644), 0);
	assert_int_equal(chmod(fixture->root, 0755), 0);
	snprintf(closed, sizeof closed, "%s/v1", fixture->root);
	assert_int_equal(chmod(closed, 0755), 0);
	for (unsigned program = 1; program <= 2; program++) {
		identity = sample_identity(program, 64, 1);
		snprintf(closed, sizeof closed, "%s/v1/%02x", fixture->root, identity.program.bytes[0]);
		assert_int_equal(chmod(closed, 0755), 0);
	}
	snprintf(closed, sizeof closed, "%s/closed", fixture->dir.path);
	assert_int_equal(mkdir(closed, 0555), 0);
	assert_int_equal(chmod(fixture->dir.path, 0777), 0);
	assert_child(unwritable_child, fixture);
}

static int tell(const char *file, const char *format, long id)
{
	char text[64];
	int length = snprintf(text, sizeof text, format, id, id);
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	int told = fd >= 0 && write(fd, text, (size_t)length) == length;

	close(fd);
	return told ? 0 : -1;
}

/* In a new user namespace nobody is anybody until this is said. */
static int map_ids(long user, long group)
{
	if (tell("/proc/self/uid_map", "%ld %ld 1", user) != 0 ||
	    tell("/proc/self/setgroups", "deny", 0) != 0)
		return -1;
	return tell("/proc/self/gid_map", "%ld %ld 1", group);
}

/* A file system of `kilobytes` on `path`, seen by this process alone. */
static int mount_small(const char *path, unsigned kilobytes)
{
	char options[64];
	uid_t user = geteuid();
	gid_t group = getegid();

	snprintf(options, sizeof options, "size=%uk,mode=700", kilobytes);
	if (unshare(CLONE_NEWNS | (user == 0 ? 0 : CLONE_NEWUSER)) != 0)
		return -1;
	if (user != 0 && map_ids((long)user, (long)group) != 0)
		return -1;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return -1;
	return mount("none", path, "tmpfs", 0, options);
}

static int full_disk_child(const struct cache_fixture *fixture)
{
	static char big[50000];
	struct kiln_cache *cache = NULL;
	enum kiln_status status = KILN_OK;
	unsigned stored = 0, found = 0;

	memset(big, 'b', sizeof big - 1);
	if (mount_small(fixture->dir.path, 1024) != 0)
		return CANNOT;
	MUST(open_at(fixture->root, KILN_CACHE_READ_WRITE, &cache) == KILN_OK);
	for (; stored < 100 && status == KILN_OK; stored += status == KILN_OK)
		status = write_text(cache, stored, 64, 1, big);
	MUST(status == KILN_ERR_NO_SPACE && stored > 0);
	MUST(strstr(kiln_error_message(), "Fix: ") != NULL);
	MUST(count_temp_files(fixture->root) == 0);
	MUST(kiln_cache_counters(cache).write_errors == 1 && kiln_cache_counters(cache).writes == stored);
	/* One collection made room for some more, and took what it needed for that. */
	for (unsigned i = 0; i < stored; i++) {
		status = read_text(cache, i, 64, 1, big);
		MUST(status == KILN_OK || status == KILN_ERR_NOT_FOUND);
		found += status == KILN_OK;
	}
	MUST(found > 0 && found < stored);
	MUST(kiln_cache_counters(cache).no_space == 1);
	/* Replacing what is there needs room too, and the old entry stays. */
	MUST(write_text(cache, stored - 1, 64, 1, big) == KILN_ERR_NO_SPACE);
	MUST(read_text(cache, stored - 1, 64, 1, big) == KILN_OK);
	MUST(kiln_cache_flush(cache) == KILN_OK);
	/* Room again: writing works again. */
	MUST(unlink(path_of(fixture, stored - 1, 64, 1).text) == 0);
	MUST(write_text(cache, stored, 64, 1, big) == KILN_OK);
	kiln_cache_close(&cache);
	return 0;
}

static void full_disk_is_an_error_that_leaves_the_rest_readable(void **state)
{
	assert_child(full_disk_child, *state);
}

static int no_room_child(const struct cache_fixture *fixture)
{
	struct kiln_cache *cache = NULL;
	char root[400];

	if (mount_small(fixture->dir.path, 4) != 0)
		return CANNOT;
	snprintf(root, sizeof root, "%s/file", fixture->dir.path);
	save_file(root, root, sizeof root);
	if (mount(NULL, fixture->dir.path, NULL, MS_REMOUNT, "size=4k,nr_inodes=2") != 0)
		return CANNOT;
	MUST(open_at(fixture->root, KILN_CACHE_READ_WRITE, &cache) == KILN_ERR_NO_SPACE);
	MUST(strstr(kiln_error_message(), fixture->root) != NULL &&
	     strstr(kiln_error_message(), "Fix: ") != NULL);
	return 0;
}

static void full_disk_refuses_a_new_root(void **state)
{
	assert_child(no_room_child, *state);
}

static int read_only_child(const struct cache_fixture *fixture)
{
	struct kiln_cache *cache = NULL, *fresh = NULL;
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	char root[400];
	size_t removed;

	if (mount_small(fixture->dir.path, 256) != 0)
		return CANNOT;
	MUST(open_at(fixture->root, KILN_CACHE_READ_WRITE, &cache) == KILN_OK);
	MUST(write_text(cache, 1, 64, 1, "x") == KILN_OK);
	MUST(write_text(cache, 2, 64, 1, "x") == KILN_OK);
	save_file(path_of(fixture, 2, 64, 1).text, "damaged", 7);
	kiln_cache_close(&cache);
	MUST(mount(NULL, fixture->dir.path, NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0);
	/* A new root cannot be; a filled one can be read. */
	snprintf(root, sizeof root, "%s/other", fixture->dir.path);
	MUST(open_at(root, KILN_CACHE_READ_WRITE, &fresh) == KILN_ERR_READ_ONLY && fresh == NULL);
	MUST(strstr(kiln_error_message(), root) != NULL && strstr(kiln_error_message(), "Fix: ") != NULL);
	MUST(open_at(fixture->root, KILN_CACHE_READ_WRITE, &cache) == KILN_OK);
	MUST(read_text(cache, 1, 64, 1, "x") == KILN_OK);
	MUST(read_text(cache, 2, 64, 1, "x") == KILN_ERR_DAMAGED);
	MUST(strstr(kiln_error_message(), "cannot be removed") != NULL);
	MUST(write_text(cache, 3, 64, 1, "x") == KILN_ERR_READ_ONLY);
	MUST(write_text(cache, 1, 64, 1, "y") == KILN_ERR_READ_ONLY);
	MUST(kiln_cache_invalidate(cache, &identity, &removed) == KILN_ERR_READ_ONLY && removed == 0);
	MUST(kiln_cache_flush(cache) == KILN_OK);
	MUST(read_text(cache, 1, 64, 1, "x") == KILN_OK);
	kiln_cache_close(&cache);
	return 0;
}

static void read_only_file_system_can_be_read(void **state)
{
	assert_child(read_only_child, *state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cache_setup, cache_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(environment_chooses_mode_and_root),
		TEST(file_in_the_place_of_a_folder_is_told),
		TEST(file_in_the_place_of_a_shard_is_an_error_and_the_cache_goes_on),
		TEST(full_disk_is_an_error_that_leaves_the_rest_readable),
		TEST(full_disk_refuses_a_new_root),
		TEST(layout_folder_others_can_write_is_refused),
		TEST(linked_foreign_or_special_entry_is_refused_and_replaced),
		TEST(linked_root_is_refused),
		TEST(linked_shard_is_not_written_through),
		TEST(missing_root_is_an_empty_cache_when_read_only),
		TEST(missing_root_is_made_for_its_owner_only),
		TEST(off_gives_no_cache_and_touches_nothing),
		TEST(read_only_file_system_can_be_read),
		TEST(root_of_someone_else_is_refused),
		TEST(root_others_can_write_is_refused),
		TEST(root_that_cannot_be_written_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
