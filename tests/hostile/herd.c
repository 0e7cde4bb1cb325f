#include "herd.h"

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

struct shared {
	atomic_uint ready, go;
	uint64_t start_ns;
	struct {
		unsigned outcomes[KILN_OUTCOME_UNKNOWN + 1];
		unsigned failed;
		uint64_t ns;
	} each[HERD_MAX];
};

static bool resolve(struct kiln_device *device, const struct herd *herd, unsigned number, enum kiln_outcome *out_outcome)
{
	const struct kiln_kernel_params params = {
		.spirv = herd->spirv,
		.spirv_bytes = herd->spirv_bytes,
		.workgroup = {number + 1, 1, 1},
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
	struct kiln_device *device = begin(herd);
	enum kiln_outcome outcome;

	if (herd->before)
		herd->before(herd);
	atomic_fetch_add(&shared->ready, 1);
	while (!atomic_load(&shared->go))
		usleep(200);
	for (unsigned i = 0; i < herd->kernels; i++) {
		if (resolve(device, herd, i, &outcome))
			shared->each[me].outcomes[outcome]++;
		else
			shared->each[me].failed++;
	}
	shared->each[me].ns = kiln_now_ns() - shared->start_ns;
	kiln_device_close(&device);
	exit(0);
}

static void gather(const struct shared *shared, unsigned processes, struct herd_result *result)
{
	for (unsigned i = 0; i < processes; i++) {
		for (unsigned k = 0; k <= KILN_OUTCOME_UNKNOWN; k++)
			result->outcomes[k] += shared->each[i].outcomes[k];
		result->failed += shared->each[i].failed;
		if (shared->each[i].ns > result->longest_ns)
			result->longest_ns = shared->each[i].ns;
	}
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
	atomic_store(&shared->go, 1);
	if (herd->meanwhile)
		herd->meanwhile(herd);
	for (unsigned i = 0; i < processes; i++)
		if (waitpid(ids[i], &status, 0) != ids[i] || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
			out_result->failed++;
	gather(shared, processes, out_result);
	munmap(shared, sizeof(*shared));
}

int herd_scout(const struct herd *herd)
{
	enum kiln_outcome outcome;
	pid_t id;

	fflush(NULL);
	id = fork();
	if (id != 0)
		return id;
	(void)resolve(begin(herd), herd, 0, &outcome);
	for (;;)
		pause();
}

unsigned herd_kernels(int argc, char **argv, unsigned otherwise)
{
	int asked = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 0;

	return asked >= 1 && asked <= HERD_KERNELS_MAX ? (unsigned)asked : otherwise;
}
