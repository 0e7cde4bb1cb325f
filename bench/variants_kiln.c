#include "variants.h"

#include <stdlib.h>

#include <kiln/kiln.h>

#include "common.h"

static void try(enum kiln_status status)
{
	if (status != KILN_OK)
		bench_die("%s: %s", kiln_status_name(status), kiln_error_message());
}

static double us_between(uint64_t start, uint64_t end)
{
	return (double)(end - start) / 1e3;
}

static struct kiln_kernel *make(struct kiln_device *device, const struct variants_kernel *kernel,
                                unsigned number, struct variants_report *report)
{
	const struct kiln_spec_value value = {.id = 0, .size = 4, .value = variants_value(number)};
	struct kiln_kernel *made = NULL;
	uint64_t start = bench_now_ns();
	try(kiln_kernel_create(device,
	                       &(struct kiln_kernel_params){.spirv = kernel->spirv,
	                                                    .spirv_bytes = kernel->spirv_bytes,
	                                                    .spec = &value,
	                                                    .spec_count = 1},
	                       &made));
	uint64_t created = bench_now_ns();
	try(kiln_kernel_resolve(made, NULL));
	uint64_t end = bench_now_ns();

	report->make[number] = us_between(start, end);
	report->ready[number] = us_between(created, end);
	return made;
}

void variants_kiln(const struct variants_kernel *kernel, unsigned count, const char *folder,
                   struct variants_report *out_report)
{
	struct kiln_kernel *kernels[VARIANTS_MAX];
	struct kiln_cache *cache = NULL;
	struct kiln_device *device = NULL;
	char *root = bench_path(folder, "kiln");

	kiln_log_set(kiln_log_stderr, NULL, 0);
	uint64_t start = bench_now_ns();
	try(kiln_cache_open(&(struct kiln_cache_params){.root = root, .mode = KILN_CACHE_READ_WRITE},
	                    &cache));
	out_report->load = us_between(start, bench_now_ns());
	/* Stands beside vkCreateDevice(), which raw does not count either. */
	try(kiln_device_open(&(struct kiln_device_params){.cache = cache, .no_autotune = true}, &device));

	start = bench_now_ns();
	for (unsigned i = 0; i < count; i++) {
		kernels[i] = make(device, kernel, i, out_report);
		if (i == 0)
			out_report->first = out_report->load + us_between(start, bench_now_ns());
	}
	out_report->total = out_report->load + us_between(start, bench_now_ns());

	out_report->warm = kiln_device_counters(device).disk;
	for (unsigned i = 0; i < count; i++)
		kiln_kernel_destroy(&kernels[i]);
	kiln_device_close(&device);
	kiln_cache_close(&cache);
	free(root);
}
