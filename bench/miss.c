/* What a miss costs on top of the compile it ends in: looking, the lease, the reason, the culprit's name, keeping the blob.
 * On RADV's real compiler with null hardware, Mesa's own disk cache off; the yardstick is the same compile by hand with a
 * VkPipelineCache of its own, whose data is fetched, in the same rounds. The cache holds other entries of the program, and
 * remembers that the one looked for was there: the longest way a miss can take. */
#include <stdio.h>
#include <stdlib.h>

#include <kiln/kiln.h>

#include "big_spv.h"
#include "common.h"
#include "little_spv.h"
#include "raw_compute.h"
#include "small_spv.h"

#define OTHERS 8 /* entries of the same program. Each name in the folder costs a listing half a microsecond */
#define LIMIT_US 100.0
#define LIMIT_SHARE 0.01 /* of the compile, if that is more */

enum { BIG, SMALL, LITTLE, SUBJECTS };

struct subject {
	const char *name;
	struct kiln_device *device;
	const uint32_t *spirv;
	size_t spirv_bytes;
	struct bench_series raw, ours;  /* ms: the whole */
	struct bench_series excess;     /* us: ours less raw, round by round */
	struct bench_series raw_on_top; /* us: the cache object and its data, by hand */
	struct bench_series on_top;     /* us: resolve less what the driver took to create the pipeline */
	struct bench_series share;      /* of on_top in its limit */
	struct bench_series told, told_share; /* the same two for a resolve that reports */
};

struct bench {
	struct raw_compute raw;
	struct kiln_cache *cache;
	struct subject subjects[SUBJECTS];
	unsigned odd;
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

static double by_hand(struct bench *bench, struct subject *subject)
{
	struct raw_device device = {0};
	size_t blob_bytes = 0;
	raw_device_open(&bench->raw, &device);

	uint64_t start = bench_now_ns();
	VkPipelineCache cache = raw_cache_create(&device, NULL, 0);
	uint64_t create = bench_now_ns();
	VkPipeline pipeline = raw_pipeline_create(&device, cache, subject->spirv, subject->spirv_bytes);
	double create_us = us_since(create);
	if (vkGetPipelineCacheData(device.handle, cache, &blob_bytes, NULL) != VK_SUCCESS)
		bench_die("the driver gives no cache data");
	void *blob = malloc(blob_bytes);
	if (!blob || vkGetPipelineCacheData(device.handle, cache, &blob_bytes, blob) != VK_SUCCESS)
		bench_die("the driver gives no cache data");
	vkDestroyPipelineCache(device.handle, cache, NULL);
	double us = us_since(start);

	free(blob);
	vkDestroyPipeline(device.handle, pipeline, NULL);
	raw_device_close(&device);
	bench_add(&subject->raw_on_top, us - create_us);
	return us;
}

/* Entries of the program that differ in one field. */
static void write_others(struct bench *bench, struct subject *subject, const struct kiln_build *build)
{
	for (uint32_t i = 0; i < OTHERS; i++) {
		struct kiln_pipeline_key other = *build->key;
		other.push_bytes = 1000 + i;
		try(kiln_cache_write(bench->cache, &other, kiln_device_fingerprint(subject->device),
		                     &(struct kiln_cache_entry){.payload = subject->spirv,
		                                                .payload_bytes = 1000}));
	}
}

/* `told`: with a report, for which the reason is found. */
static double by_kiln(struct bench *bench, struct subject *subject, bool told)
{
	struct kiln_kernel *kernel = NULL;
	struct kiln_build build;
	struct kiln_pipeline_facts facts;
	try(kiln_kernel_create(subject->device,
	                       &(struct kiln_kernel_params){.spirv = subject->spirv,
	                                                    .spirv_bytes = subject->spirv_bytes,
	                                                    .name = subject->name},
	                       &kernel));
	try(kiln_kernel_describe(kernel, &build));
	if (subject->ours.count == 0)
		write_others(bench, subject, &build);

	uint64_t start = bench_now_ns();
	try(kiln_kernel_resolve(kernel, told ? &build : NULL));
	double us = us_since(start);

	try(kiln_resolve_key(subject->device, build.key, &facts));
	double compile_us = (double)facts.compile_ns / 1e3;
	bench->odd +=
		compile_us == 0 || (told && (build.outcome != KILN_OUTCOME_COMPILED || !build.miss_text[0]));
	double limit = compile_us * LIMIT_SHARE > LIMIT_US ? compile_us * LIMIT_SHARE : LIMIT_US;
	bench_add(told ? &subject->told : &subject->on_top, us - compile_us);
	bench_add(told ? &subject->told_share : &subject->share, (us - compile_us) / limit);
	try(kiln_cache_flush(
		bench->cache)); /* the queue is not what is measured, so it is empty at the start */
	try(kiln_device_invalidate(subject->device, &build.identity, NULL));
	kiln_kernel_destroy(&kernel);
	return us;
}

/* Each goes first as often as the other. */
static void round_of(struct bench *bench, struct subject *subject, unsigned round)
{
	double raw = round % 2 ? by_hand(bench, subject) : 0;
	double ours = by_kiln(bench, subject, false);
	by_kiln(bench, subject, true);
	if (round % 2 == 0)
		raw = by_hand(bench, subject);
	bench_add(&subject->raw, raw / 1e3);
	bench_add(&subject->ours, ours / 1e3);
	bench_add(&subject->excess, ours - raw);
}

static void report(struct bench *bench, const struct bench_options *options)
{
	struct bench_result results[6 * SUBJECTS];
	char names[6 * SUBJECTS][64];
	size_t count = 0;

	for (int i = 0; i < SUBJECTS; i++) {
		struct subject *s = &bench->subjects[i];
		const struct bench_result lines[] = {
			{"cold resolve", "ms", &s->raw, &s->ours, 0, NULL},
			{"more than by hand", "us", NULL, &s->excess, 0, NULL},
			{"on top of the compile", "us", &s->raw_on_top, &s->on_top, 0, NULL},
			{"the same of max(100 us, 1 %)", "x", NULL, &s->share, 1.0, "median at most"},
			{"with its reason in a report", "us", NULL, &s->told, 0, NULL},
			{"the same of max(100 us, 1 %)", "x", NULL, &s->told_share, 1.0, "median at most"},
		};
		for (size_t line = 0; line < sizeof lines / sizeof *lines; line++) {
			snprintf(names[count], sizeof names[count], "%s: %s", s->name, lines[line].name);
			results[count] = lines[line];
			results[count].name = names[count];
			count++;
		}
	}
	bench_print("miss", options, results, count);
	if (bench->odd)
		fprintf(stderr, "miss: %u resolves did not compile, or did not say why\n", bench->odd);
}

int main(int argc, char **argv)
{
	struct bench bench = {
		.subjects = {
			[BIG] = {.name = "big", .spirv = big_spv, .spirv_bytes = sizeof big_spv},
			[SMALL] = {.name = "small", .spirv = small_spv, .spirv_bytes = sizeof small_spv},
			[LITTLE] = {.name = "little", .spirv = little_spv, .spirv_bytes = sizeof little_spv},
		}};
	struct bench_options options = bench_parse(argc, argv, "What a miss costs beside its compile.", 30);
	char *folder = bench_make_folder(), *root = bench_path(folder, "cache");

	if (!bench_use_driver("radeon_icd"))
		bench_skip("no RADV manifest. Fix: install mesa-vulkan-drivers, or set VK_DRIVER_FILES");
	setenv("RADV_FORCE_FAMILY", "NAVI21", 0);
	setenv("MESA_SHADER_CACHE_DISABLE", "true", 1);
	raw_open(&bench.raw);
	try(kiln_cache_open(&(struct kiln_cache_params){.root = root, .mode = KILN_CACHE_READ_WRITE},
	                    &bench.cache));
	for (int i = 0; i < SUBJECTS; i++)
		try(kiln_device_open(&(struct kiln_device_params){.cache = bench.cache, .no_autotune = true},
		                     &bench.subjects[i].device));
	for (unsigned round = 0; round < options.rounds; round++)
		for (int i = 0; i < SUBJECTS; i++)
			round_of(&bench, &bench.subjects[i], round);
	report(&bench, &options);
	for (int i = 0; i < SUBJECTS; i++) {
		kiln_device_close(&bench.subjects[i].device);
		bench_finish(&bench.subjects[i].raw);
		bench_finish(&bench.subjects[i].ours);
		bench_finish(&bench.subjects[i].excess);
		bench_finish(&bench.subjects[i].raw_on_top);
		bench_finish(&bench.subjects[i].on_top);
		bench_finish(&bench.subjects[i].share);
		bench_finish(&bench.subjects[i].told);
		bench_finish(&bench.subjects[i].told_share);
	}
	kiln_cache_close(&bench.cache);
	raw_close(&bench.raw);
	bench_remove_folder(folder);
	free(root);
	free(folder);
	return bench.odd ? 1 : 0;
}
