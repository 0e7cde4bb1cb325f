/* A root somebody has tampered with: at every place of it lies, in turn, everything that may lie there instead: links,
 * FIFOs, sockets, devices, folders, files of other users, of everybody, hard links, a file of 10 GiB without content.
 * Then everything is done that a cache does. What must hold: nothing hangs, nothing outside of the root is read as an
 * entry, written or removed, each refusal has its sentence, a root that cannot be trusted is refused, and whatever does
 * not need the place works on. As superuser, else without what only the superuser can plant. COUNT rounds. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"
#include "fixture.h"

#define SOMEONE 12345
#define BOUND_S 10
#define SPARSE_BYTES (INT64_C(10) << 30)
#define MEMORY_KILOBYTES (300L << 10)
#define KEYS 4 /* 0 is the one that is attacked */
#define CANARY "not to be touched"

enum thing {
	LINK_TO_FILE,
	LINK_TO_FOLDER,
	LINK_TO_NOTHING,
	LINK_TO_ITSELF,
	FIFO,
	SOCKET,
	ZERO_DEVICE,
	BLOCK_DEVICE,
	FOLDER,
	FOREIGN_FILE,
	FOREIGN_FOLDER,
	OPEN_FOLDER, /* everybody may write it */
	OPEN_FILE, /* so that it holds what they like */
	HARD_LINK,
	EMPTY_FILE,
	SPARSE_FILE,
	THINGS
};

static const char *const thing_names[THINGS] = {
	"a link to a file",  "a link to a folder", "a dangling link",   "a link to itself",
	"a FIFO",            "a socket",           "a device",          "a block device",
	"a folder",          "a foreign file",     "a foreign folder",  "a folder open to all",
	"a file open to all", "a hard link",       "an empty file",     "a sparse file",
};

enum place { ENTRY, CONTENT_ENTRY, TEMP, SHARD, CONTENT_FOLDER, NOTES, LEASE, QUARANTINE, LAYOUT, ROOT, PLACES };

static const char *const place_names[PLACES] = {"entry", "content", "temp", "shard", "content folder", "notes",
                                                "lease", "quarantine", "layout", "root"};

struct world {
	const struct cache_fixture *fixture;
	enum place place;
	enum thing thing;
	struct kiln_cache *cache;
	char outside[256], canary[320], entry_outside[512]; /* beside the root */
	const char *doing;
	unsigned refused;
	uint8_t good[4096]; /* the file of entry 0 */
	size_t good_bytes;
};

static struct world world;

static void hung(int signal_number)
{
	(void)signal_number;
	attack_failed(__FILE__, __LINE__, "%s at the place of the %s: %s hangs", thing_names[world.thing],
	              place_names[world.place], world.doing);
}

#define check(condition, ...)                                                                             \
	do {                                                                                              \
		if (!(condition)) {                                                                       \
			fprintf(stderr, "%s at the place of the %s, %s: ", thing_names[world.thing],      \
			        place_names[world.place], world.doing);                                   \
			attack_failed(__FILE__, __LINE__, __VA_ARGS__);                                   \
		}                                                                                         \
	} while (0)

/* ---- Planting ---- */

static struct kiln_digest content_key(void)
{
	return kiln_digest_of("some content", 12);
}

static void path_of_place(enum place place, char *out_path, size_t bytes)
{
	struct path entry = path_of(world.fixture, 0, 64, 1);
	const char *root = world.fixture->root;
	struct kiln_digest content = content_key();
	const char *name = strrchr(entry.text, '/') + 1;

	switch (place) {
	case ENTRY:
		snprintf(out_path, bytes, "%s", entry.text);
		break;
	case CONTENT_ENTRY:
		kiln_cache_content_path_for(root, &content, out_path, bytes);
		break;
	case TEMP:
		snprintf(out_path, bytes, "%.*s.tmp.1.0", (int)(name - entry.text), entry.text);
		break;
	case SHARD:
		snprintf(out_path, bytes, "%.*s", (int)(name - 1 - entry.text), entry.text);
		break;
	case ROOT:
		snprintf(out_path, bytes, "%s", root);
		break;
	default:
		snprintf(out_path, bytes, "%s/%s", root,
		         place == CONTENT_FOLDER ? "v1/c"
		         : place == NOTES        ? "v1/notes"
		         : place == LEASE        ? "v1/lease"
		         : place == QUARANTINE   ? "v1/quarantine"
		                                 : "v1");
		break;
	}
}

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *where)
{
	(void)facts, (void)kind, (void)where;
	return remove(path);
}

static void remove_all(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int make_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), here = open(".", O_RDONLY | O_CLOEXEC), result;
	const char *name = strrchr(path, '/');
	char dir[512];

	/* The address has little room. */
	snprintf(dir, sizeof dir, "%.*s", (int)(name - path), path);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", name + 1);
	result = chdir(dir) == 0 ? bind(fd, (struct sockaddr *)&address, sizeof address) : -1;
	if (fchdir(here) != 0)
		result = -1;
	close(here);
	close(fd);
	return result;
}

static int make_file(const char *path, int64_t bytes, uid_t owner)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int result = fd >= 0 && ftruncate(fd, bytes) == 0 && fchown(fd, owner, owner) == 0 ? 0 : -1;

	close(fd);
	return result;
}

static int make_folder(const char *path, uid_t owner, mode_t mode)
{
	return mkdir(path, 0700) == 0 && chmod(path, mode) == 0 && chown(path, owner, owner) == 0 ? 0 : -1;
}

/* A good entry, were it not for its mode. */
static int copy_entry(const char *path)
{
	save_file(path, world.good, world.good_bytes);
	return chmod(path, 0666);
}

static int make_thing(const char *path)
{
	char self[300];

	switch (world.thing) {
	case LINK_TO_FILE:
		return symlink(world.canary, path);
	case LINK_TO_FOLDER:
		return symlink(world.outside, path);
	case LINK_TO_NOTHING:
		snprintf(self, sizeof self, "%s.missing", world.fixture->dir.path);
		return symlink(self, path);
	case LINK_TO_ITSELF:
		return symlink(strrchr(path, '/') + 1, path);
	case FIFO:
		return mkfifo(path, 0600);
	case SOCKET:
		return make_socket(path);
	case ZERO_DEVICE:
		return mknod(path, S_IFCHR | 0600, makedev(1, 5));
	case BLOCK_DEVICE:
		return mknod(path, S_IFBLK | 0600, makedev(7, 250));
	case FOLDER:
		return make_folder(path, geteuid(), 0700);
	case FOREIGN_FILE:
		return make_file(path, 4000, SOMEONE);
	case FOREIGN_FOLDER:
		return make_folder(path, SOMEONE, 0755);
	case OPEN_FOLDER:
		return make_folder(path, geteuid(), 0777);
	case OPEN_FILE:
		return copy_entry(path);
	case HARD_LINK:
		return link(world.canary, path);
	case EMPTY_FILE:
		return make_file(path, 0, geteuid());
	default:
		return make_file(path, SPARSE_BYTES, geteuid());
	}
}

/* What an attacker would like to see touched. */
static void make_outside(void)
{
	struct path entry = path_of(world.fixture, 0, 64, 1);

	snprintf(world.outside, sizeof world.outside, "%.200s/outside", world.fixture->dir.path);
	snprintf(world.canary, sizeof world.canary, "%s/canary", world.fixture->dir.path);
	snprintf(world.entry_outside, sizeof world.entry_outside, "%s%s", world.outside, strrchr(entry.text, '/'));
	remove_all(world.outside);
	remove(world.canary);
	check(mkdir(world.outside, 0700) == 0, "cannot make a folder");
	save_file(world.canary, CANARY, sizeof CANARY);
	save_file(world.entry_outside, CANARY, sizeof CANARY);
}

static bool is_canary(const char *path)
{
	uint8_t data[64] = {0};
	struct stat facts;

	return lstat(path, &facts) == 0 && S_ISREG(facts.st_mode) &&
	       load_file(path, data, sizeof data) == sizeof CANARY && memcmp(data, CANARY, sizeof CANARY) == 0;
}

static void check_outside(void)
{
	struct temp_dir outside;

	memcpy(outside.path, world.outside, sizeof outside.path);
	check(is_canary(world.canary), "a file outside was touched");
	check(is_canary(world.entry_outside), "an entry's name outside was touched");
	check(temp_dir_count(&outside) == 1, "something was put outside");
}

/* ---- What a cache does ---- */

static enum kiln_status write_key(unsigned number)
{
	uint8_t payload[200] = {0};
	struct kiln_digest content = content_key();
	struct kiln_pipeline_key key = sample_key(number, 64);
	struct kiln_fingerprint device = sample_device(1);
	struct kiln_cache_entry entry = sample_entry(payload, sizeof payload);

	attack_payload(payload, sizeof payload, number, 1);
	return number == KEYS ? kiln_cache_content_write(world.cache, &content, &entry)
	                      : kiln_cache_write(world.cache, &key, &device, &entry);
}

static enum kiln_status read_key(unsigned number)
{
	struct kiln_digest content = content_key();
	struct kiln_pipeline_key key = sample_key(number, 64);
	struct kiln_fingerprint device = sample_device(1);
	struct kiln_cache_entry entry = {0};
	enum kiln_status status = number == KEYS ? kiln_cache_content_read(world.cache, &content, &entry)
	                                         : kiln_cache_read(world.cache, &key, &device, &entry);

	if (status == KILN_OK)
		check(attack_payload_is(entry.payload, entry.payload_bytes, number, NULL), "a wrong payload was accepted");
	kiln_cache_entry_finish(&entry);
	return status;
}

/* Starts a step: its name, for sentences, and an alarm in case it hangs. */
static bool step(const char *doing)
{
	world.doing = doing;
	alarm(BOUND_S);
	return true;
}

/* Ends it: success, or a refusal with a sentence. */
static enum kiln_status done(enum kiln_status status)
{
	alarm(0);
	if (status != KILN_OK && status != KILN_ERR_NOT_FOUND && status != KILN_ERR_DAMAGED)
		world.refused++;
	if (status != KILN_OK)
		check(kiln_error_message()[0] != '\0' &&
		              (status == KILN_ERR_NOT_FOUND || strstr(kiln_error_message(), "Fix: ") != NULL),
		      "%s without a sentence: '%s'", kiln_status_name(status), kiln_error_message());
	return status;
}

#define STEP(call) (step(#call), done(call))

static bool listed(void *user, const struct kiln_cache_listing *listing)
{
	(void)user, (void)listing;
	return true;
}

/* Entries that have nothing to do with the place. */
static void check_others(void)
{
	unsigned first = world.place >= LAYOUT ? KEYS : 1;

	step("reading other entries");
	for (unsigned number = first; number < KEYS; number++) {
		struct path other = path_of(world.fixture, number, 64, 1);

		check(read_key(number) == KILN_OK, "entry %s is not found any more: %s", other.text,
		      kiln_error_message());
	}
	alarm(0);
}

/* What a read of an entry says when this lies in its place. */
static void check_refusal(enum kiln_status status)
{
	enum kiln_status expected = KILN_ERR_PERMISSION;

	if (world.thing == SPARSE_FILE || world.thing == FOREIGN_FOLDER || world.thing == OPEN_FOLDER ||
	    world.thing == FOLDER || world.thing == SOCKET || world.thing == BLOCK_DEVICE)
		return; /* another failure, all the same to us, as long as it is one */
	if (world.thing == HARD_LINK || world.thing == EMPTY_FILE)
		expected = KILN_ERR_DAMAGED;
	check(status == expected, "the read says %s: %s", kiln_status_name(status), kiln_error_message());
}

static void use(void)
{
	struct kiln_pipeline_identity identity = sample_identity(0, 64, 1);
	struct kiln_cache_evidence evidence;
	struct kiln_cache_lease lease;
	struct kiln_cache_stat stat;
	enum kiln_status status;
	char pack[320];

	snprintf(pack, sizeof pack, "%s/pack", world.fixture->dir.path);
	status = STEP(read_key(0));
	if (world.place == ENTRY) {
		check(status != KILN_OK, "it was accepted as an entry");
		check_refusal(status);
	}
	STEP(read_key(KEYS));
	STEP(kiln_cache_list(world.cache, listed, NULL));
	STEP(kiln_cache_evidence(world.cache, &identity, &evidence));
	STEP(kiln_cache_stat(world.cache, &stat));
	STEP(kiln_cache_verify(world.cache, NULL, NULL));
	STEP(kiln_cache_export(world.cache, pack, NULL, NULL));
	STEP(kiln_cache_gc(world.cache, NULL, NULL));
	check_outside();
	STEP(kiln_cache_lease_begin(world.cache, &identity, 1000000, &lease));
	kiln_cache_lease_end(&lease);
	kiln_cache_note_end(world.cache, kiln_cache_note_begin(world.cache, &identity), true);
	STEP(write_key(1));
	status = STEP(kiln_cache_flush(world.cache));
	check(status == KILN_OK || world.place >= SHARD, "flush: %s", kiln_error_message());
	check_others();
	STEP(kiln_cache_invalidate_program(world.cache, &identity.program, NULL));
	STEP(kiln_cache_invalidate(world.cache, &identity, NULL));
	STEP(kiln_cache_forgive(world.cache));
	STEP(kiln_cache_verify(world.cache, &(struct kiln_cache_verify_params){.remove = true}, NULL));
	check_outside();
	status = STEP(write_key(0));
	if (status == KILN_OK) {
		step("reading what was written");
		check(read_key(0) == KILN_OK || world.place == QUARANTINE, "a write did not help: %s",
		      kiln_error_message());
	}
	status = STEP(write_key(KEYS));
	if (status == KILN_OK)
		check(read_key(KEYS) == KILN_OK, "a write of content did not help: %s", kiln_error_message());
	check_others();
	STEP(kiln_cache_import(world.cache, pack, NULL, NULL));
	STEP(kiln_cache_gc(world.cache, &(struct kiln_cache_gc_params){.max_bytes = 1}, NULL));
	STEP(kiln_cache_clear(world.cache, NULL));
	check_outside();
	remove(pack);
}

/* ---- One of all ---- */

static enum kiln_status open_mode(enum kiln_cache_mode mode)
{
	return kiln_cache_open(&(struct kiln_cache_params){.root = world.fixture->root, .mode = mode}, &world.cache);
}

static void fill(void)
{
	world.doing = "filling";
	remove_all(world.fixture->root);
	check(open_mode(KILN_CACHE_READ_WRITE) == KILN_OK, "open: %s", kiln_error_message());
	for (unsigned number = 0; number <= KEYS; number++)
		check(write_key(number) == KILN_OK, "write: %s", kiln_error_message());
	world.good_bytes = load_file(path_of(world.fixture, 0, 64, 1).text, world.good, sizeof world.good);
	kiln_cache_close(&world.cache);
}

/* The driver dies with entry 0, so that the next opening wants to set it aside. */
static void crash(void)
{
	struct kiln_pipeline_identity identity = sample_identity(0, 64, 1);
	pid_t child = fork();

	if (child == 0) {
		if (open_mode(KILN_CACHE_READ_WRITE) == KILN_OK)
			kiln_cache_note_begin(world.cache, &identity);
		_exit(0);
	}
	check(child > 0 && waitpid(child, NULL, 0) == child, "cannot fork");
}

/* Only a plain folder of our own will do; the folder of this layout may also be missing. */
static bool must_be_refused(void)
{
	return world.place >= LAYOUT && world.thing != FOLDER;
}

static bool attack_with(enum kiln_cache_mode mode)
{
	char path[512];
	enum kiln_status status;

	make_outside();
	fill();
	path_of_place(world.place, path, sizeof path);
	if (world.place == QUARANTINE)
		crash();
	remove_all(path);
	world.doing = "planting";
	if (make_thing(path) != 0) {
		check(geteuid() != 0, "cannot plant: %s", strerror(errno));
		return false;
	}
	status = STEP(open_mode(mode));
	check((status != KILN_OK) == must_be_refused(), "opening: %s: %s", kiln_status_name(status),
	      kiln_error_message());
	if (status == KILN_OK && mode == KILN_CACHE_READ_WRITE) {
		use();
	} else if (status == KILN_OK) {
		STEP(read_key(0));
		STEP(read_key(KEYS));
		STEP(kiln_cache_list(world.cache, listed, NULL));
		check_others();
	}
	kiln_cache_close(&world.cache);
	check_outside();
	remove_all(path);
	return true;
}

static unsigned attack_all(unsigned *out_skipped)
{
	unsigned tried = 0;

	for (unsigned place = 0; place < PLACES; place++) {
		for (unsigned thing = 0; thing < THINGS * 2; thing++) {
			world.place = place;
			world.thing = thing / 2;
			if (attack_with(thing % 2 == 0 ? KILN_CACHE_READ_WRITE : KILN_CACHE_READ_ONLY))
				tried++;
			else
				++*out_skipped;
		}
	}
	return tried;
}

int main(int argc, char **argv)
{
	struct attack attack = attack_begin("surroundings", argc, argv, 1);
	unsigned tried = 0, skipped = 0;
	struct rusage usage;
	void *state;

	signal(SIGALRM, hung);
	cache_setup(&state);
	world.fixture = state;
	for (unsigned round = 0; round < attack.count; round++)
		tried += attack_all(&skipped);
	getrusage(RUSAGE_SELF, &usage);
	attack_check(usage.ru_maxrss < MEMORY_KILOBYTES, "%ld KiB of memory were used", usage.ru_maxrss);
	cache_teardown(&state);
	return attack_end(&attack,
	                  "%u plantings (%u need the superuser), %u refusals, each with a sentence: 0 hangs, 0 touched "
	                  "outside, %ld MiB of memory at most",
	                  tried, skipped, world.refused, usage.ru_maxrss >> 10);
}
