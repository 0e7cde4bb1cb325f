/* What a resolve costs that finds its pipeline in memory: by kernel handle, with a report, by full key, alone and on two
 * threads at once. On RADV null hardware, though no driver is called in what is measured. One sample is the mean of a batch,
 * because a clock costs more than a resolve. Throughput is told by the clock, which needs two idle processors, and by
 * the time each thread had of a processor, which tells whether they stand in each other's way all the same. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <kiln/kiln.h>

#include "common.h"
#include "small_spv.h"

#define BATCH 512u
#define BATCHES 40u              /* per round */
#define THREAD_RESOLVES 2000000u /* per round and thread */

#define HANDLE_LIMIT_NS 25.0
#define KEY_LIMIT_NS 80.0
#define THREADS_LIMIT 1.6

enum { HANDLE, REPORT, KEY, FACTS, WAYS };

struct bench {
	struct kiln_device *device;
	struct kiln_kernel *kernel;
	struct kiln_pipeline_key key;
	struct bench_series alone[WAYS], two[WAYS],
		two_processors[WAYS]; /* ns; throughput of two threads over one */
};

static void try(enum kiln_status status)
{
	if (status != KILN_OK)
		bench_die("%s: %s", kiln_status_name(status), kiln_error_message());
}

static void resolve_many(const struct bench *bench, int way, unsigned count)
{
	struct kiln_pipeline_facts facts;
	struct kiln_build build;

	for (unsigned i = 0; i < count; i++) {
		switch (way) {
		case HANDLE:
			try(kiln_kernel_resolve(bench->kernel, NULL));
			break;
		case REPORT:
			try(kiln_kernel_resolve(bench->kernel, &build));
			break;
		case KEY:
			try(kiln_resolve_key(bench->device, &bench->key, NULL));
			break;
		default:
			try(kiln_resolve_key(bench->device, &bench->key, &facts));
		}
	}
}

static void round_alone(struct bench *bench, int way)
{
	for (unsigned batch = 0; batch < BATCHES; batch++) {
		uint64_t start = bench_now_ns();

		resolve_many(bench, way, BATCH);
		bench_add(&bench->alone[way], (double)(bench_now_ns() - start) / BATCH);
	}
}

/* ---- Two threads ---- */

struct runner {
	const struct bench *bench;
	int way;
	pthread_barrier_t *start;
	pthread_t thread;
	uint64_t began, ended, processor_ns;
};

static uint64_t processor_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void *run(void *data)
{
	struct runner *runner = data;

	pthread_barrier_wait(runner->start);
	runner->began = bench_now_ns();
	runner->processor_ns = processor_now_ns();
	resolve_many(runner->bench, runner->way, THREAD_RESOLVES);
	runner->processor_ns = processor_now_ns() - runner->processor_ns;
	runner->ended = bench_now_ns();
	return NULL;
}

/* Resolves per ns of so many threads together: by the clock, and by what each had of a processor. */
struct throughput {
	double clock, processor;
};

static struct throughput measure_threads(const struct bench *bench, int way, unsigned threads)
{
	struct throughput sum = {0};
	struct runner runners[2];
	pthread_barrier_t start;
	uint64_t began = UINT64_MAX, ended = 0;

	pthread_barrier_init(&start, NULL, threads);
	for (unsigned i = 0; i < threads; i++) {
		runners[i] = (struct runner){.bench = bench, .way = way, .start = &start};
		if (pthread_create(&runners[i].thread, NULL, run, &runners[i]) != 0)
			bench_die("no thread");
	}
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(runners[i].thread, NULL);
		began = runners[i].began < began ? runners[i].began : began;
		ended = runners[i].ended > ended ? runners[i].ended : ended;
		sum.processor += THREAD_RESOLVES / (double)runners[i].processor_ns;
	}
	sum.clock = threads * (double)THREAD_RESOLVES / (double)(ended - began);
	pthread_barrier_destroy(&start);
	return sum;
}

static void round_threads(struct bench *bench, int way)
{
	struct throughput one = measure_threads(bench, way, 1);
	struct throughput two = measure_threads(bench, way, 2);

	bench_add(&bench->two[way], two.clock / one.clock);
	bench_add(&bench->two_processors[way], two.processor / one.processor);
}

/* ---- The device and its pipeline ---- */

static void open_all(struct bench *bench)
{
	struct kiln_build build;

	try(kiln_device_open(&(struct kiln_device_params){.no_cache = true, .no_autotune = true},
	                     &bench->device));
	try(kiln_kernel_create(bench->device,
	                       &(struct kiln_kernel_params){.spirv = small_spv,
	                                                    .spirv_bytes = sizeof small_spv},
	                       &bench->kernel));
	try(kiln_kernel_resolve(bench->kernel, &build));
	bench->key = *build.key;
}

static void report(const struct bench *bench, const struct bench_options *options)
{
	const char *most = "median at most", *least = "median at least";
	const struct bench_result results[] = {
		{"by handle", "ns", NULL, &bench->alone[HANDLE], HANDLE_LIMIT_NS, most},
		{"by handle, with a report", "ns", NULL, &bench->alone[REPORT], 0, NULL},
		{"by full key", "ns", NULL, &bench->alone[KEY], KEY_LIMIT_NS, most},
		{"by full key, with facts", "ns", NULL, &bench->alone[FACTS], KEY_LIMIT_NS, most},
		{"by handle, two threads / one", "x", NULL, &bench->two[HANDLE], THREADS_LIMIT, least},
		{"... by processor time", "x", NULL, &bench->two_processors[HANDLE], THREADS_LIMIT, least},
		{"by full key, two threads / one", "x", NULL, &bench->two[KEY], THREADS_LIMIT, least},
		{"... by processor time", "x", NULL, &bench->two_processors[KEY], THREADS_LIMIT, least},
	};

	bench_print("resolve_memory", options, results, sizeof results / sizeof *results);
}

int main(int argc, char **argv)
{
	struct bench_options options = bench_parse(
		argc, argv,
		"Resolve from memory: by kernel handle and by full key, on one thread and on two.", 30);
	struct bench bench = {0};

	if (!bench_use_driver("radeon_icd"))
		bench_skip("no RADV manifest. Fix: install mesa-vulkan-drivers, or set VK_DRIVER_FILES");
	setenv("RADV_FORCE_FAMILY", "NAVI21", 0);
	setenv("MESA_SHADER_CACHE_DISABLE", "true", 1);
	kiln_log_set(kiln_log_stderr, NULL, 0);
	open_all(&bench);
	for (unsigned round = 0; round < options.rounds; round++) {
		for (int way = 0; way < WAYS; way++)
			round_alone(&bench, way);
		round_threads(&bench, HANDLE);
		round_threads(&bench, KEY);
	}
	report(&bench, &options);
	for (int way = 0; way < WAYS; way++) {
		bench_finish(&bench.alone[way]);
		bench_finish(&bench.two[way]);
		bench_finish(&bench.two_processors[way]);
	}
	kiln_kernel_destroy(&bench.kernel);
	kiln_device_close(&bench.device);
	return 0;
}
