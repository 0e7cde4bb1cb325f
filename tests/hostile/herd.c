#include "herd.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/clock.h>

#define PATIENCE_S 300
#define CHILD_S 15 /* longer than anybody waits */
#define HEAD_START_US 3000

struct shared {
	atomic_uint ready, go, victims_go;
	uint64_t start_ns;
	struct {
		unsigned outcomes[KILN_OUTCOME_UNKNOWN + 1];
		unsigned failed;
		unsigned lease_waits, lease_timeouts;
		uint64_t ns;
	} each[HERD_MAX];
};

static bool resolve(struct kiln_device *device, const struct herd *herd, unsigned number, enum kiln_outcome *out_outcome)
{
	const struct kiln_spec_value constant = {.id = 0, .size = 4, .value = 2 * number + 3};
	const struct kiln_kernel_params params = {
		.spirv = herd->spirv,
		.spirv_bytes = herd->spirv_bytes,
		.spec = &constant,
		.spec_count = herd->by_constant ? 1 : 0,
		.workgroup = {herd->by_constant ? 0 : number + 1},
		.guarded = true,
	};
	struct kiln_kernel *kernel = NULL;
	struct kiln_build build;
	bool good = kiln_kernel_create(device, &params, &kernel) == KILN_OK && kiln_kernel_resolve(kernel, &build) == KILN_OK;

	if (good)
		*out_outcome = build.outcome;
	else
		fprintf(stderr, "  kernel %u: %s\n", number, kiln_error_message());
	kiln_kernel_destroy(&kernel);
	return good;
}

static struct kiln_device *begin(const struct herd *herd)
{
	struct kiln_device *device = NULL;

	setenv("KILN_CACHE_DIR", herd->cache, 1);
	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL); /* cmocka's handlers would go on with the next test */
	alarm(PATIENCE_S);
	if (kiln_device_open(NULL, &device) != KILN_OK) {
		fprintf(stderr, "  %s\n", kiln_error_message());
		_exit(1);
	}
	return device;
}

static _Noreturn void run_one(const struct herd *herd, struct shared *shared, unsigned me)
{
	const atomic_uint *gate = me < herd->victims ? &shared->victims_go : &shared->go;
	struct kiln_device *device = begin(herd);
	struct kiln_cache_counters counters;
	enum kiln_outcome outcome;

	if (herd->before)
		herd->before(herd);
	atomic_fetch_add(&shared->ready, 1);
	while (!atomic_load(gate))
		usleep(200);
	for (unsigned i = 0; i < herd->kernels; i++) {
		if (resolve(device, herd, i, &outcome))
			shared->each[me].outcomes[outcome]++;
		else
			shared->each[me].failed++;
	}
	shared->each[me].ns = kiln_now_ns() - shared->start_ns;
	counters = kiln_cache_counters(kiln_device_cache(device));
	shared->each[me].lease_waits = (unsigned)counters.lease_waits;
	shared->each[me].lease_timeouts = (unsigned)counters.lease_timeouts;
	kiln_device_close(&device);
	exit(0);
}

static void gather(const struct shared *shared, unsigned first, unsigned processes, struct herd_result *result)
{
	for (unsigned i = first; i < processes; i++) {
		for (unsigned k = 0; k <= KILN_OUTCOME_UNKNOWN; k++)
			result->outcomes[k] += shared->each[i].outcomes[k];
		result->failed += shared->each[i].failed;
		result->lease_waits += shared->each[i].lease_waits;
		result->lease_timeouts += shared->each[i].lease_timeouts;
		if (shared->each[i].ns > result->longest_ns)
			result->longest_ns = shared->each[i].ns;
	}
}

/* In the order of their numbers: the first to start is the first to compile. */
static void kill_victims(const struct herd *herd, const pid_t *ids)
{
	unsigned seed = herd->seed;

	for (unsigned i = 0; i < herd->victims; i++) {
		usleep((unsigned)rand_r(&seed) % (herd->killing_us / herd->victims + 1));
		(void)kill(ids[i], SIGKILL);
	}
}

/* Whether it did what was expected of it: a victim may also be through before its time. */
static bool ended_well(pid_t id, bool victim, struct herd_result *result)
{
	int status;

	if (waitpid(id, &status, 0) != id)
		return false;
	if (WIFEXITED(status))
		return WEXITSTATUS(status) == 0;
	if (!victim || WTERMSIG(status) != SIGKILL)
		return false;
	result->killed++;
	return true;
}

void herd_run(const struct herd *herd, struct herd_result *out_result)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned processes = herd->processes ? herd->processes : HERD_MAX;
	pid_t ids[HERD_MAX];
	int status;

	memset(out_result, 0, sizeof(*out_result));
	fflush(NULL);
	for (unsigned i = 0; i < processes; i++) {
		ids[i] = fork();
		if (ids[i] == 0)
			run_one(herd, shared, i);
	}
	while (atomic_load(&shared->ready) < processes && waitpid(-1, &status, WNOHANG) <= 0)
		usleep(1000);
	shared->start_ns = kiln_now_ns();
	atomic_store(&shared->victims_go, 1);
	if (herd->victims)
		usleep(HEAD_START_US);
	atomic_store(&shared->go, 1);
	kill_victims(herd, ids);
	if (herd->meanwhile)
		herd->meanwhile(herd);
	for (unsigned i = 0; i < processes; i++)
		if (!ended_well(ids[i], i < herd->victims, out_result))
			out_result->failed++;
	gather(shared, herd->victims, processes, out_result);
	munmap(shared, sizeof(*shared));
}

int herd_scout(const struct herd *herd)
{
	struct kiln_device *device;
	enum kiln_outcome outcome;
	pid_t id;

	fflush(NULL);
	id = fork();
	if (id != 0)
		return id;
	device = begin(herd);
	if (herd->before)
		herd->before(herd);
	(void)resolve(device, herd, 0, &outcome);
	for (;;)
		pause();
}

static void *fork_soon(void *unused)
{
	(void)unused;
	usleep(10000);
	if (fork() == 0) {
		close(STDOUT_FILENO); /* whoever reads this test's output shall not wait for it */
		close(STDERR_FILENO);
		sleep(CHILD_S); /* has every descriptor, and so any lease that was held */
		_exit(0);
	}
	return NULL;
}

void herd_fork_soon(const struct herd *herd)
{
	pthread_t thread;

	(void)herd;
	if (pthread_create(&thread, NULL, fork_soon, NULL) == 0)
		pthread_detach(thread);
}

unsigned herd_kernels(int argc, char **argv, unsigned otherwise)
{
	int asked = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 0;

	return asked >= 1 && asked <= HERD_KERNELS_MAX ? (unsigned)asked : otherwise;
}

unsigned herd_seed(int argc, char **argv)
{
	unsigned seed = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;

	return seed ? seed : (unsigned)kiln_now_ns() | 1;
}
