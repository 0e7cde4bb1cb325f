/* COUNT times a process that reads, writes, flushes, invalidates, collects and lists is killed at a random moment and
 * replaced; eight of them work on one root, and one more only reads and is never killed. What must hold all the time:
 * a read gives nothing or a whole payload that was written for that key, never damage, never an error, and soon. In
 * the end: every entry good, nothing left behind once gc has run. */
#include <dirent.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"
#include "fixture.h"

#define WORKERS 8
#define KEYS 24 /* from here on content */
#define CONTENTS 8
#define NOTED_KEYS 6 /* the last of KEYS: on a device of their own, with notes for the driver */
#define PAYLOAD_MAX 30000
#define READ_BOUND_NS UINT64_C(2000000000)
#define LEASE_BOUND_NS UINT64_C(2000000)

/* Shared by all processes. */
struct tally {
	_Atomic uint64_t reads, found, writes, flushes, removals, collections, leases, longest_read_ns;
};

static struct tally *tally;

/* Half of each version, so that a payload of another run or of nobody is not accepted. */
static uint32_t run_tag(const struct attack *attack)
{
	uint64_t state = attack->seed;

	return (uint32_t)attack_random(&state);
}

struct worker {
	const struct attack *attack;
	const char *root;
	uint64_t random;
	struct kiln_cache *cache;
};

static unsigned device_of(unsigned number)
{
	return number < KEYS - NOTED_KEYS ? 1 : 2;
}

static void count_longest(uint64_t ns)
{
	uint64_t longest = tally->longest_read_ns;

	while (ns > longest && !atomic_compare_exchange_weak(&tally->longest_read_ns, &longest, ns))
		;
}

static void check_payload(const struct worker *worker, const struct kiln_cache_entry *entry, unsigned number)
{
	uint64_t version;

	attack_check(attack_payload_is(entry->payload, entry->payload_bytes, number, &version) &&
	                     version >> 32 == run_tag(worker->attack),
	             "a read of key %u gave a payload that nobody wrote for it", number);
}

static void read_one(const struct worker *worker, unsigned number)
{
	struct kiln_pipeline_key key = sample_key(number, 64);
	struct kiln_fingerprint device = sample_device(device_of(number));
	struct kiln_digest content = kiln_digest_of(&number, sizeof number);
	struct kiln_cache_entry entry = {0};
	uint64_t start = attack_now_ns();
	enum kiln_status status = number < KEYS ? kiln_cache_read(worker->cache, &key, &device, &entry)
	                                        : kiln_cache_content_read(worker->cache, &content, &entry);

	count_longest(attack_now_ns() - start);
	tally->reads++;
	attack_check(status == KILN_OK || status == KILN_ERR_NOT_FOUND, "a read of key %u: %s: %s", number,
	             kiln_status_name(status), kiln_error_message());
	if (status != KILN_OK)
		return;
	check_payload(worker, &entry, number);
	tally->found++;
	if (number < KEYS && device_of(number) == 2) {
		struct kiln_pipeline_identity identity = sample_identity(number, 64, 2);
		struct kiln_cache_note note = kiln_cache_note_begin(worker->cache, &identity);

		kiln_cache_note_end(worker->cache, note, true);
	}
	kiln_cache_entry_finish(&entry);
}

static void write_one(struct worker *worker, unsigned number)
{
	static uint8_t payload[PAYLOAD_MAX];
	uint64_t version = (uint64_t)run_tag(worker->attack) << 32 | (uint32_t)attack_random(&worker->random);
	size_t bytes = ATTACK_PAYLOAD_MIN + attack_below(&worker->random, PAYLOAD_MAX - ATTACK_PAYLOAD_MIN);
	struct kiln_pipeline_key key = sample_key(number, 64);
	struct kiln_fingerprint device = sample_device(device_of(number));
	struct kiln_digest content = kiln_digest_of(&number, sizeof number);
	struct kiln_cache_entry entry = sample_entry(payload, bytes);
	bool later = attack_below(&worker->random, 4) == 0;
	enum kiln_status status;

	attack_payload(payload, bytes, number, version);
	if (number < KEYS)
		status = later ? kiln_cache_write_later(worker->cache, &key, &device, &entry, NULL)
		               : kiln_cache_write(worker->cache, &key, &device, &entry);
	else
		status = later ? kiln_cache_content_write_later(worker->cache, &content, &entry, NULL)
		               : kiln_cache_content_write(worker->cache, &content, &entry);
	attack_check(status == KILN_OK, "a write of key %u: %s: %s", number, kiln_status_name(status),
	             kiln_error_message());
	tally->writes++;
}

static void remove_some(struct worker *worker, unsigned number)
{
	struct kiln_pipeline_identity identity = sample_identity(number % KEYS, 64, device_of(number % KEYS));
	enum kiln_status status =
		attack_below(&worker->random, 2) == 0
			? kiln_cache_invalidate(worker->cache, &identity, NULL)
			: kiln_cache_invalidate_program(worker->cache, &identity.program, NULL);

	attack_check(status == KILN_OK, "an invalidation: %s", kiln_error_message());
	tally->removals++;
}

static void collect(struct worker *worker)
{
	struct kiln_cache_gc_params params = {.max_bytes =
	                                              1000 + attack_below(&worker->random, KEYS * 15000)};
	enum kiln_status status = kiln_cache_gc(worker->cache, &params, NULL);

	attack_check(status == KILN_OK, "gc: %s", kiln_error_message());
	tally->collections++;
}

static bool listed(void *user, const struct kiln_cache_listing *listing)
{
	(void)user;
	attack_check(listing->status == KILN_OK, "list: %s is %s", listing->path,
	             kiln_status_name(listing->status));
	return true;
}

static void hold_lease(const struct worker *worker, unsigned number)
{
	struct kiln_pipeline_identity identity = sample_identity(number % KEYS, 64, 1);
	struct kiln_cache_lease lease;

	assert_status(kiln_cache_lease_begin(worker->cache, &identity, LEASE_BOUND_NS, &lease), KILN_OK);
	tally->leases += lease.held;
	kiln_cache_lease_end(&lease);
}

static void open_cache(struct worker *worker)
{
	enum kiln_status status = kiln_cache_open(&(struct kiln_cache_params){.root = worker->root,
	                                                                      .mode = KILN_CACHE_READ_WRITE},
	                                          &worker->cache);

	attack_check(status == KILN_OK, "open: %s", kiln_error_message());
}

static void work_once(struct worker *worker)
{
	unsigned number = attack_below(&worker->random, KEYS + CONTENTS);
	unsigned dice = attack_below(&worker->random, 100);

	if (dice < 45) {
		read_one(worker, number);
	} else if (dice < 80) {
		write_one(worker, number);
	} else if (dice < 85) {
		assert_status(kiln_cache_flush(worker->cache), KILN_OK);
		tally->flushes++;
	} else if (dice < 90) {
		remove_some(worker, number);
	} else if (dice < 93) {
		collect(worker);
	} else if (dice < 97) {
		hold_lease(worker, number);
	} else if (dice < 98) {
		assert_status(kiln_cache_list(worker->cache, listed, NULL), KILN_OK);
	} else if (dice < 99) {
		assert_status(kiln_cache_verify(worker->cache,
		                                &(struct kiln_cache_verify_params){.remove = true}, NULL),
		              KILN_OK);
	} else {
		kiln_cache_close(&worker->cache);
		open_cache(worker);
	}
	attack_check(kiln_cache_counters(worker->cache).damaged == 0, "a damaged entry was found");
}

static pid_t start(const struct attack *attack, const char *root, uint64_t number, bool reads_only)
{
	pid_t parent = getpid(), child = fork();
	struct worker worker = {.attack = attack, .root = root, .random = attack->seed * 1000003 + number};

	attack_check(child >= 0, "cannot fork");
	if (child != 0)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	open_cache(&worker);
	for (;;) {
		if (reads_only)
			read_one(&worker, attack_below(&worker.random, KEYS + CONTENTS));
		else
			work_once(&worker);
	}
}

/* It must have worked until then. */
static void kill_one(pid_t child)
{
	int status;

	kill(child, SIGKILL);
	attack_check(waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
	                     WTERMSIG(status) == SIGKILL,
	             "a worker ended before it was killed: status %#x", (unsigned)status);
}

static void run(const struct attack *attack, const char *root)
{
	pid_t children[WORKERS + 1];
	uint64_t random = attack->seed, started = 0;

	for (; started < WORKERS; started++)
		children[started] = start(attack, root, started, false);
	children[WORKERS] = start(attack, root, started++, true);
	for (unsigned i = 0; i < attack->count; i++) {
		unsigned victim = attack_below(&random, WORKERS);

		usleep(200 + attack_below(&random, 8000));
		kill_one(children[victim]);
		children[victim] = start(attack, root, started++, false);
	}
	for (unsigned i = 0; i <= WORKERS; i++)
		kill_one(children[i]);
}

static unsigned leftovers;

static int look(const char *path, const struct stat *facts, int kind, struct FTW *where)
{
	const char *name = path + where->base;
	pid_t pid;

	(void)facts, (void)kind;
	if (strncmp(name, ".tmp.", 5) != 0)
		return 0;
	/* A number that was given to somebody else since looks alive, and its file stays for an hour. */
	pid = (pid_t)strtol(name + 5, NULL, 10);
	leftovers += pid <= 0 || kill(pid, 0) != 0;
	return 0;
}

static unsigned count_leftovers(const char *root)
{
	leftovers = 0;
	nftw(root, look, 16, FTW_PHYS);
	return leftovers;
}

static unsigned check_end(const struct attack *attack, const char *root,
                          struct kiln_cache_gc_report *out_report)
{
	struct worker worker = {.attack = attack, .root = root};
	struct kiln_cache_verify_report verified;

	open_cache(&worker);
	assert_status(kiln_cache_verify(worker.cache, NULL, &verified), KILN_OK);
	attack_check(verified.damaged + verified.errors + verified.foreign + verified.other_version == 0,
	             "verify found %" PRIu64 " damaged, %" PRIu64 " foreign entries", verified.damaged,
	             verified.foreign);
	for (unsigned number = 0; number < KEYS + CONTENTS; number++)
		read_one(&worker, number);
	assert_status(kiln_cache_gc(worker.cache, NULL, out_report), KILN_OK);
	kiln_cache_close(&worker.cache);
	attack_check(count_leftovers(root) == 0, "%u temp files are left after gc", leftovers);
	return (unsigned)verified.good;
}

int main(int argc, char **argv)
{
	struct attack attack = attack_begin("kill", argc, argv, 60);
	struct kiln_cache_gc_report report;
	struct temp_dir dir;
	char root[300];
	unsigned good;

	tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	attack_check(tally != MAP_FAILED, "no memory");
	temp_dir_create(&dir);
	snprintf(root, sizeof root, "%s/pipelines", dir.path);
	run(&attack, root);
	good = check_end(&attack, root, &report);
	attack_check(tally->longest_read_ns < READ_BOUND_NS, "a read took %.1f ms",
	             (double)tally->longest_read_ns / 1e6);
	attack_check(tally->found > 0 && tally->writes > 0, "nothing was done");
	temp_dir_remove(&dir);
	return attack_end(&attack,
	                  "%u kills among %" PRIu64 " reads (%" PRIu64 " found, longest %.1f ms), %" PRIu64
	                  " writes, %" PRIu64 " flushes, %" PRIu64 " removals, %" PRIu64
	                  " collections, %" PRIu64 " leases: 0 damaged, %u good entries at the end, %" PRIu64
	                  " leftovers of the dead, 0 after gc",
	                  attack.count, tally->reads, tally->found, (double)tally->longest_read_ns / 1e6,
	                  tally->writes, tally->flushes, tally->removals, tally->collections, tally->leases,
	                  good, report.litter);
}
