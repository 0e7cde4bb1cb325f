/* How long a pipeline takes to become ready, on RADV's real compiler with null hardware: cold, from our
 * disk cache, and from memory; hand-written Vulkan with its own VkPipelineCache file in the same rounds.
 * Mesa's own disk cache is off. Each round opens fresh devices, so that nothing but the file is warm. */
#include <stdio.h>
#include <stdlib.h>

#include <kiln/kiln.h>

#include "big_spv.h"
#include "common.h"
#include "raw_compute.h"
#include "small_spv.h"
#include "wordy_spv.h"

#define DISK_LIMIT_US 150.0
#define SPEED_UP_LIMIT 300.0
#define MEMORY_LIMIT_US 5.0
#define MEMORY_PER_ROUND 200

/* Two kernels that cost the driver alike: `big` says much in 3 KB of SPIR-V, `wordy` is unrolled to 48 KB, which all have
 * to be read before they are known. */
enum { BIG, WORDY, SUBJECTS };

struct subject {
	const uint32_t *spirv;
	size_t spirv_bytes;
	struct bench_series raw_cold, raw_disk, raw_speed_up;
	struct bench_series cold, disk, disk_resolve, speed_up;
};

struct bench {
	struct raw_compute raw;
	char *folder, *raw_file, *kiln_root;
	struct subject subjects[SUBJECTS];
	struct bench_series raw_memory, memory;
	unsigned odd; /* resolves whose outcome was not the expected one */
};

static void try(enum kiln_status status)
{
	if (status != KILN_OK)
		bench_die("%s: %s", kiln_status_name(status), kiln_error_message());
}

static double us_since(uint64_t start)
{
	return (double)(bench_now_ns() - start) / 1e3;
}

static struct kiln_device *open_kiln(struct bench *bench, struct kiln_cache **cache)
{
	struct kiln_device *device = NULL;
	try(kiln_cache_open(&(struct kiln_cache_params){.root = bench->kiln_root,
	                                                .mode = KILN_CACHE_READ_WRITE},
	                    cache));
	try(kiln_device_open(&(struct kiln_device_params){.cache = *cache, .no_autotune = true}, &device));
	return device;
}

/* One create + resolve of a kernel on a device of its own, in microseconds. */
static double resolve_once(struct bench *bench, const struct subject *subject, enum kiln_outcome expect, double *out_resolve_us)
{
	struct kiln_cache *cache = NULL;
	struct kiln_kernel *kernel = NULL;
	struct kiln_build build;
	struct kiln_device *device = open_kiln(bench, &cache);

	uint64_t start = bench_now_ns();
	try(kiln_kernel_create(device,
	                       &(struct kiln_kernel_params){.spirv = subject->spirv,
		                                                    .spirv_bytes = subject->spirv_bytes},
	                       &kernel));
	uint64_t created = bench_now_ns();
	try(kiln_kernel_resolve(kernel, &build));
	*out_resolve_us = us_since(created);
	double us = us_since(start);

	bench->odd += build.outcome != expect;
	if (expect == KILN_OUTCOME_DISK) /* the next round starts cold */
		try(kiln_cache_invalidate_program(cache, &build.identity.program, NULL));
	kiln_kernel_destroy(&kernel);
	kiln_device_close(&device);
	kiln_cache_close(&cache);
	return us;
}

static void round_kiln(struct bench *bench, struct subject *subject)
{
	double resolve_us;
	double cold = resolve_once(bench, subject, KILN_OUTCOME_COMPILED, &resolve_us);
	double disk = resolve_once(bench, subject, KILN_OUTCOME_DISK, &resolve_us);
	bench_add(&subject->cold, cold / 1e3);
	bench_add(&subject->disk, disk);
	bench_add(&subject->disk_resolve, resolve_us);
	bench_add(&subject->speed_up, cold / disk);
}

static void round_raw(struct bench *bench, struct subject *subject)
{
	struct raw_device device = {0};
	raw_device_open(&bench->raw, &device);
	uint64_t start = bench_now_ns();
	raw_store(&device, subject->spirv, subject->spirv_bytes, bench->raw_file);
	double cold = us_since(start);
	raw_device_close(&device);

	raw_device_open(&bench->raw, &device);
	start = bench_now_ns();
	VkPipeline pipeline = raw_load(&device, subject->spirv, subject->spirv_bytes, bench->raw_file);
	double disk = us_since(start);
	vkDestroyPipeline(device.handle, pipeline, NULL);
	raw_device_close(&device);

	bench_add(&subject->raw_cold, cold / 1e3);
	bench_add(&subject->raw_disk, disk);
	bench_add(&subject->raw_speed_up, cold / disk);
}

/* A kernel object made again from bytes that are known, its pipeline alive. */
static void memory_kiln(struct bench *bench, struct kiln_device *device)
{
	for (int i = 0; i < MEMORY_PER_ROUND; i++) {
		struct kiln_kernel *kernel = NULL;
		struct kiln_build build;
		uint64_t start = bench_now_ns();
		try(kiln_kernel_create(device,
		                       &(struct kiln_kernel_params){.spirv = small_spv,
		                                                    .spirv_bytes = sizeof small_spv},
		                       &kernel));
		try(kiln_kernel_resolve(kernel, &build));
		bench_add(&bench->memory, us_since(start));
		bench->odd += build.outcome != KILN_OUTCOME_MEMORY;
		kiln_kernel_destroy(&kernel);
	}
}

static void memory_raw(struct bench *bench, const struct raw_device *device, VkPipelineCache cache)
{
	for (int i = 0; i < MEMORY_PER_ROUND; i++) {
		uint64_t start = bench_now_ns();
		VkPipeline pipeline = raw_pipeline_create(device, cache, small_spv, sizeof small_spv);
		bench_add(&bench->raw_memory, us_since(start));
		vkDestroyPipeline(device->handle, pipeline, NULL);
	}
}

static void measure_memory(struct bench *bench, unsigned rounds)
{
	struct kiln_cache *cache = NULL;
	struct kiln_kernel *first = NULL;
	struct kiln_device *device = open_kiln(bench, &cache);
	try(kiln_kernel_create(device,
	                       &(struct kiln_kernel_params){.spirv = small_spv,
	                                                    .spirv_bytes = sizeof small_spv},
	                       &first));
	try(kiln_kernel_resolve(first, NULL));

	struct raw_device raw = {0};
	raw_device_open(&bench->raw, &raw);
	VkPipelineCache raw_cache = raw_cache_create(&raw, NULL, 0);
	VkPipeline raw_first = raw_pipeline_create(&raw, raw_cache, small_spv, sizeof small_spv);

	for (unsigned round = 0; round < rounds; round++) {
		memory_raw(bench, &raw, raw_cache);
		memory_kiln(bench, device);
	}

	vkDestroyPipeline(raw.handle, raw_first, NULL);
	vkDestroyPipelineCache(raw.handle, raw_cache, NULL);
	raw_device_close(&raw);
	kiln_kernel_destroy(&first);
	kiln_device_close(&device);
	kiln_cache_close(&cache);
}

static void report(struct bench *bench, const struct bench_options *options)
{
	struct subject *big = &bench->subjects[BIG], *wordy = &bench->subjects[WORDY];
	const char *most = "median at most", *least = "median at least";
	const struct bench_result results[] = {
		{"big, cold: create + resolve", "ms", &big->raw_cold, &big->cold, 0, NULL},
		{"big, disk: create + resolve", "us", &big->raw_disk, &big->disk, DISK_LIMIT_US, most},
		{"big, disk: resolve alone", "us", NULL, &big->disk_resolve, DISK_LIMIT_US, most},
		{"big, cold / disk", "x", &big->raw_speed_up, &big->speed_up, SPEED_UP_LIMIT, least},
		{"wordy, cold: create + resolve", "ms", &wordy->raw_cold, &wordy->cold, 0, NULL},
		{"wordy, disk: create + resolve", "us", &wordy->raw_disk, &wordy->disk, DISK_LIMIT_US, most},
		{"wordy, disk: resolve alone", "us", NULL, &wordy->disk_resolve, DISK_LIMIT_US, most},
		{"wordy, cold / disk", "x", &wordy->raw_speed_up, &wordy->speed_up, SPEED_UP_LIMIT, least},
		{"small, memory: create + resolve", "us", &bench->raw_memory, &bench->memory, MEMORY_LIMIT_US, most},
	};

	bench_print("resolve", options, results, sizeof results / sizeof *results);
	if (bench->odd)
		fprintf(stderr, "resolve: %u resolves had another outcome than the benchmark is about\n", bench->odd);
}

static void finish(struct bench *bench)
{
	for (int i = 0; i < SUBJECTS; i++) {
		struct subject *s = &bench->subjects[i];
		struct bench_series *all[] = {&s->raw_cold, &s->raw_disk,     &s->raw_speed_up, &s->cold,
		                              &s->disk,     &s->disk_resolve, &s->speed_up};

		for (size_t n = 0; n < sizeof all / sizeof *all; n++)
			bench_finish(all[n]);
	}
	bench_finish(&bench->raw_memory);
	bench_finish(&bench->memory);
	bench_remove_folder(bench->folder);
	free(bench->raw_file);
	free(bench->kiln_root);
	free(bench->folder);
}

int main(int argc, char **argv)
{
	struct bench_options options = bench_parse(
		argc, argv,
		"Resolve: cold, from the disk cache and from memory, Kiln against raw Vulkan, on RADV null hardware.",
		30);
	struct bench bench = {
		.subjects = {
			[BIG] = {big_spv, sizeof big_spv},
			[WORDY] = {wordy_spv, sizeof wordy_spv},
		},
	};
	if (!bench_use_driver("radeon_icd"))
		bench_skip("no RADV manifest. Fix: install mesa-vulkan-drivers, or set VK_DRIVER_FILES");
	setenv("RADV_FORCE_FAMILY", "NAVI21", 0);
	setenv("MESA_SHADER_CACHE_DISABLE", "true", 1);
	kiln_log_set(kiln_log_stderr, NULL, 0);
	bench.folder = bench_make_folder();
	bench.raw_file = bench_path(bench.folder, "raw.bin");
	bench.kiln_root = bench_path(bench.folder, "kiln");
	raw_open(&bench.raw);

	for (unsigned round = 0; round < options.rounds; round++) {
		for (int i = 0; i < SUBJECTS; i++) {
			round_raw(&bench, &bench.subjects[i]);
			round_kiln(&bench, &bench.subjects[i]);
		}
	}
	measure_memory(&bench, options.rounds);
	report(&bench, &options);

	raw_close(&bench.raw);
	finish(&bench);
	return bench.odd ? 1 : 0;
}
