/* Every system call and every allocation of every operation fails once, and, as a disk that has gone, from then on:
 * with ENOSPC, EIO, EROFS, EACCES and EMFILE; and all reads and writes are cut short. What must hold: success or a
 * status with its sentence, no wrong payload, no entry lost that the operation does not remove, no descriptor lost, no
 * temp file left, and the next operation works. COUNT > 1 goes through ever more error numbers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attack.h"
#include "failing_alloc.h"
#include "failing_fs.h"
#include "fixture.h"

#define KEYS 5 /* and one more content entry */
#define PAYLOAD_BYTES 700
#define LATER_S 7200 /* when litter of the living counts as abandoned */

static const int errors[] = {EIO, ENOSPC, EROFS, EACCES, EMFILE, ENOMEM, EDQUOT, ENFILE, ESTALE};
#define ERRORS_OF_TEST 5
#define ERRORS (sizeof errors / sizeof errors[0])

/* What operations work on. */
struct world {
	const struct cache_fixture *fixture;
	char pack[320], out_pack[320];
	struct kiln_cache *cache; /* on the file system that fails; NULL while opening is what is tried */
	const struct kiln_fs *fs;
};

enum effect {
	KEEPS = 0,
	MAY_REMOVE = 1,
	ON_CLOSED = 2, /* opens for itself */
};

struct operation {
	const char *name;
	enum kiln_status (*run)(struct world *world);
	unsigned effect;
	unsigned damaged; /* entry 0 is damaged first */
};

/* ---- Entries ---- */

static struct kiln_digest content_key(void)
{
	return kiln_digest_of("some content", 12);
}

static enum kiln_status write_key(struct kiln_cache *cache, unsigned number, uint64_t version)
{
	uint8_t payload[PAYLOAD_BYTES] = {0};
	struct kiln_pipeline_key key = sample_key(number, 64);
	struct kiln_fingerprint device = sample_device(1);
	struct kiln_digest content = content_key();
	struct kiln_cache_entry entry = sample_entry(payload, sizeof payload);

	attack_payload(payload, sizeof payload, number, version);
	if (number == KEYS)
		return kiln_cache_content_write(cache, &content, &entry);
	return kiln_cache_write(cache, &key, &device, &entry);
}

static enum kiln_status read_key(struct kiln_cache *cache, unsigned number)
{
	struct kiln_pipeline_key key = sample_key(number, 64);
	struct kiln_fingerprint device = sample_device(1);
	struct kiln_digest content = content_key();
	struct kiln_cache_entry entry = {0};
	enum kiln_status status = number == KEYS ? kiln_cache_content_read(cache, &content, &entry)
	                                         : kiln_cache_read(cache, &key, &device, &entry);

	if (status == KILN_OK)
		attack_check(entry.payload_bytes == PAYLOAD_BYTES &&
		                     attack_payload_is(entry.payload, entry.payload_bytes, number, NULL),
		             "a wrong payload was accepted");
	kiln_cache_entry_finish(&entry);
	return status;
}

/* ---- Operations ---- */

static enum kiln_status op_open(struct world *world)
{
	const struct kiln_cache_params params = {.root = world->fixture->root, .mode = KILN_CACHE_READ_WRITE};
	struct kiln_cache *cache = NULL;
	enum kiln_status status =
		kiln_cache_open_on(&(struct kiln_cache_host){.fs = world->fs}, &params, &cache);

	attack_check((status == KILN_OK) == (cache != NULL), "open: %s", kiln_status_name(status));
	kiln_cache_close(&cache);
	return status;
}

static enum kiln_status op_open_read_only(struct world *world)
{
	const struct kiln_cache_params params = {.root = world->fixture->root, .mode = KILN_CACHE_READ_ONLY};
	struct kiln_cache *cache = NULL;
	enum kiln_status status =
		kiln_cache_open_on(&(struct kiln_cache_host){.fs = world->fs}, &params, &cache);

	if (status == KILN_OK)
		status = read_key(cache, 1);
	kiln_cache_close(&cache);
	return status;
}

/* A miss is no failure here: operations before this one may have removed it. */
static enum kiln_status op_read(struct world *world)
{
	enum kiln_status status = read_key(world->cache, 1);

	return status == KILN_OK ? read_key(world->cache, KEYS) : status;
}

static enum kiln_status op_read_damaged(struct world *world)
{
	enum kiln_status status = read_key(world->cache, 0);

	attack_check(status != KILN_OK, "damage was accepted");
	return status == KILN_ERR_DAMAGED || status == KILN_ERR_NOT_FOUND ? KILN_OK : status;
}

static enum kiln_status op_write(struct world *world)
{
	enum kiln_status status = write_key(world->cache, 1, 2);

	return status == KILN_OK ? write_key(world->cache, KEYS, 2) : status;
}

static enum kiln_status op_write_later(struct world *world)
{
	uint8_t payload[PAYLOAD_BYTES] = {0};
	struct kiln_pipeline_key key = sample_key(2, 64);
	struct kiln_fingerprint device = sample_device(1);
	struct kiln_cache_entry entry = sample_entry(payload, sizeof payload);
	enum kiln_status status;

	attack_payload(payload, sizeof payload, 2, 3);
	status = kiln_cache_write_later(world->cache, &key, &device, &entry, NULL);
	return status == KILN_OK ? kiln_cache_flush(world->cache) : status;
}

static enum kiln_status op_flush(struct world *world)
{
	enum kiln_status status = write_key(world->cache, 3, 4);

	return status == KILN_OK ? kiln_cache_flush(world->cache) : status;
}

static enum kiln_status op_invalidate(struct world *world)
{
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);

	return kiln_cache_invalidate(world->cache, &identity, NULL);
}

static enum kiln_status op_invalidate_device(struct world *world)
{
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	size_t removed = 0;

	return kiln_cache_invalidate_device(world->cache, &identity.device, &removed);
}

static bool accept(void *user, const struct kiln_cache_listing *listing)
{
	(void)listing;
	++*(unsigned *)user;
	return true;
}

static enum kiln_status op_list(struct world *world)
{
	unsigned count = 0;

	return kiln_cache_list(world->cache, accept, &count);
}

static enum kiln_status op_evidence(struct world *world)
{
	struct kiln_pipeline_identity near = sample_identity(1, 65, 1), far = sample_identity(99, 64, 1);
	struct kiln_cache_evidence evidence;
	enum kiln_status status = kiln_cache_evidence(world->cache, &near, &evidence);

	return status == KILN_OK ? kiln_cache_evidence(world->cache, &far, &evidence) : status;
}

static enum kiln_status op_gc(struct world *world)
{
	return kiln_cache_gc(world->cache, NULL, NULL);
}

static enum kiln_status op_gc_budget(struct world *world)
{
	return kiln_cache_gc(world->cache, &(struct kiln_cache_gc_params){.max_bytes = 9000}, NULL);
}

static enum kiln_status op_stat(struct world *world)
{
	struct kiln_cache_stat stat;

	return kiln_cache_stat(world->cache, &stat);
}

static enum kiln_status op_verify(struct world *world)
{
	return kiln_cache_verify(world->cache, &(struct kiln_cache_verify_params){.remove = true}, NULL);
}

static enum kiln_status op_clear(struct world *world)
{
	return kiln_cache_clear(world->cache, NULL);
}

static enum kiln_status op_export(struct world *world)
{
	return kiln_cache_export(world->cache, world->out_pack, NULL, NULL);
}

static enum kiln_status op_import(struct world *world)
{
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);

	/* So that there is something to import. */
	kiln_cache_invalidate(world->cache, &identity, NULL);
	return kiln_cache_import(world->cache, world->pack, NULL, NULL);
}

static enum kiln_status op_lease(struct world *world)
{
	struct kiln_pipeline_identity identity = sample_identity(1, 64, 1);
	struct kiln_cache_lease lease;
	enum kiln_status status = kiln_cache_lease_begin(world->cache, &identity, 1000000, &lease);

	kiln_cache_lease_end(&lease);
	return status;
}

static enum kiln_status op_forgive(struct world *world)
{
	return kiln_cache_forgive(world->cache);
}

static const struct operation operations[] = {
	{"clear", op_clear, MAY_REMOVE, 0},
	{"evidence", op_evidence, KEEPS, 0},
	{"export", op_export, KEEPS, 0},
	{"flush", op_flush, KEEPS, 0},
	{"forgive", op_forgive, KEEPS, 0},
	{"gc", op_gc, KEEPS, 0},
	{"gc over budget", op_gc_budget, MAY_REMOVE, 0},
	{"import", op_import, MAY_REMOVE, 0},
	{"invalidate", op_invalidate, MAY_REMOVE, 0},
	{"invalidate a device", op_invalidate_device, MAY_REMOVE, 0},
	{"lease", op_lease, KEEPS, 0},
	{"list", op_list, KEEPS, 0},
	{"open", op_open, ON_CLOSED, 0},
	{"open read-only", op_open_read_only, ON_CLOSED, 0},
	{"read", op_read, KEEPS, 0},
	{"read damage", op_read_damaged, KEEPS, 1},
	{"stat", op_stat, KEEPS, 0},
	{"verify", op_verify, KEEPS, 0},
	{"verify damage", op_verify, KEEPS, 1},
	{"write", op_write, KEEPS, 0},
	{"write later", op_write_later, KEEPS, 0},
};
#define OPERATIONS (sizeof operations / sizeof operations[0])

/* ---- Before and after ---- */

/* All entries are there and good, through a cache that does not fail. */
static void repair(const struct cache_fixture *fixture)
{
	for (unsigned number = 0; number <= KEYS; number++) {
		enum kiln_status status = read_key(fixture->cache, number);

		if (status == KILN_OK)
			continue;
		attack_check(status == KILN_ERR_NOT_FOUND || status == KILN_ERR_DAMAGED, "repair: %s",
		             kiln_error_message());
		assert_status(write_key(fixture->cache, number, 1), KILN_OK);
	}
}

static void prepare(const struct world *world, const struct operation *operation)
{
	repair(world->fixture);
	if (operation->damaged != 0)
		save_file(path_of(world->fixture, 0, 64, 1).text, "damage", 6);
}

static void open_for(struct world *world, const struct operation *operation, const struct kiln_fs *fs)
{
	world->fs = fs;
	world->cache = (operation->effect & ON_CLOSED) == 0 ? open_on(world->fixture, fs) : NULL;
}

static void check_status(const struct operation *operation, enum kiln_status status, const char *after)
{
	if (status != KILN_OK)
		attack_check(strstr(kiln_error_message(), "Fix: ") != NULL,
		             "%s with %s failing: %s without a sentence: '%s'", operation->name, after,
		             kiln_status_name(status), kiln_error_message());
}

static void check_entries(const struct world *world, const struct operation *operation, const char *after)
{
	for (unsigned number = operation->damaged; number <= KEYS; number++) {
		enum kiln_status status = read_key(world->fixture->cache, number);

		attack_check(status == KILN_OK ||
		                     (status == KILN_ERR_NOT_FOUND && (operation->effect & MAY_REMOVE) != 0),
		             "%s with %s failing: entry %u is lost: %s", operation->name, after, number,
		             kiln_error_message());
	}
}

/* Where unlink itself failed, or everything, a temp file may stay; gc takes it once its writer must have given up. */
static void check_litter(const struct world *world, const struct operation *operation, const char *after,
                         bool excused)
{
	const struct kiln_cache_gc_params params = {.now_s = kiln_clock_system.wall_s(NULL) + LATER_S};

	if (excused)
		assert_status(kiln_cache_gc(world->fixture->cache, &params, NULL), KILN_OK);
	/* Packs lie where the user wants them. */
	attack_check(count_temp_files(excused ? world->fixture->root : world->fixture->dir.path) == 0,
	             "%s with %s failing: temp files are left", operation->name, after);
}

/* ---- System calls ---- */

/* Returns whether a call failed. */
static bool fail_call(struct world *world, const struct operation *operation, unsigned n, int errnum,
                      bool forever)
{
	struct failing_fs failing;
	enum kiln_status status;
	const char *after;
	bool failed;

	prepare(world, operation);
	failing_fs_init(&failing, &kiln_fs_posix, 0, errnum);
	open_for(world, operation, &failing.fs);
	failing.calls = 0;
	failing.forever = forever;
	failing.fail_at = n;
	status = operation->run(world);
	failed = failing.failed;
	after = failed ? failing.failed_call : "nothing";
	attack_check(failed || status == KILN_OK, "%s fails by itself: %s", operation->name,
	             kiln_error_message());
	check_status(operation, status, after);
	failing.fail_at = 0;
	if (world->cache != NULL)
		attack_check(write_key(world->cache, 4, n) == KILN_OK && read_key(world->cache, 4) == KILN_OK,
		             "%s with %s failing: the cache does not recover: %s", operation->name, after,
		             kiln_error_message());
	kiln_cache_close(&world->cache);
	attack_check(failing_fs_open_files(&failing) == 0, "%s with %s failing: %d descriptors are lost",
	             operation->name, after, failing_fs_open_files(&failing));
	check_entries(world, operation, after);
	check_litter(world, operation, after, forever || strcmp(after, "unlinkat") == 0);
	return failed;
}

static unsigned fail_calls(struct world *world, size_t error_count)
{
	unsigned tried = 0;

	for (size_t i = 0; i < OPERATIONS; i++) {
		for (size_t e = 0; e < error_count * 2; e++) {
			unsigned n = 1;

			while (fail_call(world, &operations[i], n, errors[e / 2], e % 2 != 0))
				n++;
			tried += n - 1;
		}
	}
	return tried;
}

static unsigned cut_calls_short(struct world *world)
{
	static const size_t largest[] = {1, 7, 300};
	unsigned calls = 0;

	for (size_t i = 0; i < OPERATIONS * 3; i++) {
		const struct operation *operation = &operations[i / 3];
		struct failing_fs failing;

		prepare(world, operation);
		failing_fs_init(&failing, &kiln_fs_posix, 0, EIO);
		open_for(world, operation, &failing.fs);
		failing.largest_write = largest[i % 3];
		attack_check(operation->run(world) == KILN_OK, "%s with short reads and writes: %s",
		             operation->name, kiln_error_message());
		calls += failing.calls;
		kiln_cache_close(&world->cache);
		check_entries(world, operation, "short calls");
		check_litter(world, operation, "short calls", false);
	}
	return calls;
}

/* ---- Memory ---- */

static bool fail_allocation(struct world *world, const struct operation *operation, unsigned n)
{
	enum kiln_status status;
	bool failed;

	prepare(world, operation);
	open_for(world, operation, &kiln_fs_posix);
	failing_alloc_begin(n);
	status = operation->run(world);
	failed = failing_alloc_end();
	attack_check(status == KILN_OK || (failed && status == KILN_ERR_OUT_OF_MEMORY),
	             "%s with allocation %u failing: %s", operation->name, n, kiln_status_name(status));
	check_status(operation, status, "an allocation");
	if (world->cache != NULL)
		attack_check(write_key(world->cache, 4, n) == KILN_OK, "%s with allocation %u failing: %s",
		             operation->name, n, kiln_error_message());
	kiln_cache_close(&world->cache);
	check_entries(world, operation, "an allocation");
	check_litter(world, operation, "an allocation", false);
	return failed;
}

static unsigned fail_allocations(struct world *world)
{
	unsigned tried = 0;

	for (size_t i = 0; i < OPERATIONS; i++) {
		unsigned n = 1;

		while (fail_allocation(world, &operations[i], n))
			n++;
		tried += n - 1;
	}
	return tried;
}

int main(int argc, char **argv)
{
	struct attack attack = attack_begin("failing_calls", argc, argv, ERRORS_OF_TEST);
	struct world world = {0};
	unsigned calls, allocations, cut;
	void *state;

	cache_setup(&state);
	world.fixture = state;
	snprintf(world.pack, sizeof world.pack, "%s/pack", world.fixture->dir.path);
	snprintf(world.out_pack, sizeof world.out_pack, "%s/out", world.fixture->dir.path);
	repair(world.fixture);
	assert_status(kiln_cache_export(world.fixture->cache, world.pack, NULL, NULL), KILN_OK);
	calls = fail_calls(&world, attack.count < ERRORS ? attack.count : ERRORS);
	cut = cut_calls_short(&world);
	allocations = fail_allocations(&world);
	cache_teardown(&state);
	return attack_end(
		&attack,
		"%zu operations: %u failed calls, %u calls cut short, %u failed allocations: 0 wrong payloads, "
		"0 entries lost, 0 leaks",
		OPERATIONS, calls, cut, allocations);
}
