/* Sixteen processes commit records to one autotune store. Built twice: as test_store_commits for COUNT commits in all, and with
 * KILLS as test_store_kill for COUNT times kill -9 at random moments, among workers that commit without end. What must hold all
 * the time: whoever reads the file reads a whole store; a commit that was reported done is never lost, nor is what another
 * process found to hang. */
#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kiln/autotune.h>

#include "attack.h"
#include "temp_dir.h"

#define WORKERS 16
#define KILLED_WORKERS 3 /* so that a third of the kills meet the process that holds the lock and writes */
#define KEYS 24          /* of each worker, in the pass with kills */
#define ADAPTER "vulkan-attack"

/* Shared by all processes. */
struct tally {
	_Atomic uint32_t done[WORKERS][KEYS]; /* version of the last commit of a key that was reported done */
	_Atomic uint32_t begun[WORKERS][KEYS];
	_Atomic uint64_t commits, reads, longest_save_ns;
};

static struct tally *tally;

struct worker {
	unsigned number;
	const char *path;
	uint64_t random;
};

static struct kiln_tune_record record_of(unsigned worker, unsigned key, uint32_t version, char bad[64])
{
	struct kiln_tune_record record = {
		.adapter = ADAPTER,
		.workgroup_size = {worker + 1, key + 1, 1},
		.unroll = version,
		.recorded_at = "2026-05-02",
		.bucket = key % KILN_TUNE_BUCKET_MAX,
		.rounds = version,
		.status = KILN_TUNE_TUNED,
		.bad = bad,
	};

	record.key.bytes[0] = (uint8_t)worker;
	memcpy(record.key.bytes + 4, &key, sizeof(key));
	snprintf(bad, 64, "hung %ux1x1", version % 8 + 1);
	return record;
}

static void check(enum kiln_status status, const char *what)
{
	attack_check(status == KILN_OK, "%s: %s: %s", what, kiln_status_name(status), kiln_error_message());
}

static void commit(const struct worker *worker, struct kiln_store *store, unsigned key, uint32_t version)
{
	char bad[64];
	struct kiln_tune_record record = record_of(worker->number, key, version, bad);
	uint64_t start = attack_now_ns(), longest;
	bool wrote = false;

	check(kiln_store_put(store, &record), "put");
	check(kiln_store_save_if_dirty(store, &wrote), "save");
	attack_check(wrote, "a dirty store was not written");
	tally->commits++;
	longest = tally->longest_save_ns;
	start = attack_now_ns() - start;
	while (start > longest && !atomic_compare_exchange_weak(&tally->longest_save_ns, &longest, start))
		;
}

static struct kiln_store *open_store(const char *path)
{
	struct kiln_store *store = NULL;

	check(kiln_store_open(path, &store), "open");
	return store;
}

/* ---- Commits ---- */

static void commit_share(const struct worker *worker, unsigned commits)
{
	struct kiln_store *store = open_store(worker->path);

	for (unsigned i = 0; i < commits; i++)
		commit(worker, store, i, i + 1);
	kiln_store_close(&store);
}

static int run_commits(const struct attack *attack, const char *path)
{
	unsigned share = (attack->count + WORKERS - 1) / WORKERS, found = 0;
	struct kiln_store *store;
	pid_t children[WORKERS];

	for (unsigned i = 0; i < WORKERS; i++) {
		struct worker worker = {.number = i, .path = path};

		children[i] = fork();
		attack_check(children[i] >= 0, "cannot fork");
		if (children[i] != 0)
			continue;
		commit_share(&worker, share);
		_exit(0);
	}
	for (unsigned i = 0; i < WORKERS; i++) {
		int status;

		attack_check(waitpid(children[i], &status, 0) == children[i] && status == 0, "worker %u: %#x",
		             i, (unsigned)status);
	}
	store = open_store(path);
	for (unsigned i = 0; i < WORKERS * share; i++) {
		char bad[64];
		struct kiln_tune_record record = record_of(i / share, i % share, 1, bad), got;

		found += kiln_store_get(store, &record.key, ADAPTER, &got) == KILN_OK &&
		         got.unroll == i % share + 1 && got.rounds == got.unroll;
	}
	kiln_store_close(&store);
	attack_check(found == WORKERS * share, "%u of %u commits are in the file", found, WORKERS * share);
	return attack_end(attack, "%u commits from %u processes, all there; the longest took %.1f ms", found,
	                  WORKERS, (double)tally->longest_save_ns / 1e6);
}

/* ---- Kills ---- */

static void work(struct worker *worker)
{
	struct kiln_store *store = open_store(worker->path);

	for (;;) {
		unsigned key = attack_below(&worker->random, KEYS);
		uint32_t version = tally->begun[worker->number][key] + 1;

		if (attack_below(&worker->random, 8) == 0) {
			kiln_store_close(&store);
			store = open_store(worker->path);
		}
		tally->begun[worker->number][key] = version;
		commit(worker, store, key, version);
		tally->done[worker->number][key] = version;
	}
}

static pid_t start(const struct attack *attack, const char *path, unsigned number, uint64_t serial)
{
	pid_t parent = getpid(), child = fork();
	struct worker worker = {.number = number, .path = path, .random = attack->seed * 1000003 + serial};

	attack_check(child >= 0, "cannot fork");
	if (child != 0)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	work(&worker);
	return 0;
}

static void kill_one(pid_t child)
{
	int status;

	kill(child, SIGKILL);
	attack_check(waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
	                     WTERMSIG(status) == SIGKILL,
	             "a worker ended before it was killed: status %#x", (unsigned)status);
}

/* What is reported done before the file is read must be in it; what is in it must have been begun. */
static void check_file(const char *path)
{
	static uint32_t done[WORKERS][KEYS];
	struct kiln_store *store = open_store(path);

	for (unsigned i = 0; i < WORKERS * KEYS; i++)
		done[i / KEYS][i % KEYS] = tally->done[i / KEYS][i % KEYS];
	check(kiln_store_load(store), "a store after a kill");
	for (unsigned i = 0; i < WORKERS * KEYS; i++) {
		unsigned worker = i / KEYS, key = i % KEYS;
		char bad[64];
		struct kiln_tune_record record = record_of(worker, key, 1, bad), got;
		enum kiln_status status = kiln_store_get(store, &record.key, ADAPTER, &got);

		attack_check(status == KILN_OK || (status == KILN_ERR_NOT_FOUND && done[worker][key] == 0),
		             "key %u of worker %u is lost", key, worker);
		if (status != KILN_OK)
			continue;
		(void)record_of(worker, key, got.unroll, bad);
		attack_check(got.unroll >= done[worker][key] && got.unroll <= tally->begun[worker][key] &&
		                     got.rounds == got.unroll && got.workgroup_size[1] == key + 1 &&
		                     kiln_tune_bad_has(got.bad, bad),
		             "key %u of worker %u is version %u, %u was done", key, worker, got.unroll,
		             done[worker][key]);
	}
	kiln_store_close(&store);
	tally->reads++;
}

static unsigned leftovers(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	unsigned count = 0;

	attack_check(dir != NULL, "cannot open %s", folder);
	while ((entry = readdir(dir)) != NULL)
		count += strncmp(entry->d_name, ".tmp.", 5) == 0;
	closedir(dir);
	return count;
}

static int run_kills(const struct attack *attack, const char *folder, const char *path)
{
	pid_t children[KILLED_WORKERS];
	uint64_t random = attack->seed, serial = 0;
	unsigned litter = 0, written = 0;

	for (unsigned i = 0; i < KILLED_WORKERS; i++)
		children[i] = start(attack, path, i, serial++);
	for (unsigned i = 0; i < attack->count; i++) {
		unsigned victim = attack_below(&random, KILLED_WORKERS);

		usleep(200 + attack_below(&random, 9000));
		kill_one(children[victim]);
		check_file(path);
		if (leftovers(folder) > litter) {
			litter = leftovers(folder);
			written++;
		}
		children[victim] = start(attack, path, victim, serial++);
	}
	for (unsigned i = 0; i < KILLED_WORKERS; i++)
		kill_one(children[i]);
	check_file(path);
	attack_check(tally->commits > 0, "nothing was committed");
	return attack_end(
		attack,
		"%u kills among %" PRIu64 " commits of %u processes: 0 of %" PRIu64
		" reads found a corrupt store, 0 commits lost, longest save %.1f ms; at least %u kills hit a write",
		attack->count, tally->commits, KILLED_WORKERS, tally->reads,
		(double)tally->longest_save_ns / 1e6, written);
}

int main(int argc, char **argv)
{
	struct attack attack =
		attack_begin(KILLS ? "store_kill" : "store_commits", argc, argv, KILLS ? 60 : 320);
	struct temp_dir dir;
	char path[300];
	int result;

	tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	attack_check(tally != MAP_FAILED, "no memory");
	temp_dir_create(&dir);
	snprintf(path, sizeof path, "%s/autotune.toml", dir.path);
	result = KILLS ? run_kills(&attack, dir.path, path) : run_commits(&attack, path);
	temp_dir_remove(&dir);
	return result;
}
