/* One launch, whole and in 64 slices, in turns: what being friendly to the watchdog costs. */
#include <stdio.h>
#include <stdlib.h>

#include <kiln/kiln.h>

#include "common.h"
#include "slice_spv.h"

#define THREADS (1u << 20)
#define SLICES 64u

struct push {
	uint32_t n, steps;
};

static void check(enum kiln_status status)
{
	if (status != KILN_OK)
		bench_die("%s", kiln_error_message());
}

struct setting {
	struct kiln_device *device;
	struct kiln_kernel *kernel;
	struct kiln_launch_params params;
};

static double launch(const struct setting *setting, uint64_t budget_ns, uint64_t *out_slices)
{
	struct kiln_slice_params slice = {.budget_ns = budget_ns};
	struct kiln_slice_report report;
	uint64_t start = bench_now_ns();

	check(kiln_stream_launch_sliced(kiln_device_stream(setting->device), setting->kernel, &setting->params,
	                                &slice, &report));
	*out_slices = report.slices;
	return (double)(bench_now_ns() - start) / 1e6;
}

int main(int argc, char **argv)
{
	struct bench_options options = bench_parse(argc, argv, "One launch whole and in 64 slices.", 15);
	struct bench_series whole = {0}, sliced = {0}, slices = {0};
	struct push push = {THREADS, 3000};
	struct setting setting = {.params = {.threads = {THREADS}, .push = &push, .push_bytes = sizeof push}};
	struct kiln_buffer *buffer = NULL;
	uint64_t count;
	double ms;

	if (!bench_use_driver("lvp_icd"))
		bench_skip("lavapipe is not installed");
	check(kiln_device_open(&(struct kiln_device_params){.no_cache = true}, &setting.device));
	check(kiln_kernel_create(setting.device,
	                         &(struct kiln_kernel_params){.spirv = slice_spv, .spirv_bytes = sizeof slice_spv},
	                         &setting.kernel));
	check(kiln_buffer_create(setting.device, &(struct kiln_buffer_params){.bytes = THREADS * 4}, &buffer));
	setting.params.buffers[0] = buffer;
	check(kiln_buffer_fill(buffer, 0, THREADS * 4, 1));
	(void)launch(&setting, 10000000, &count); /* it learns */
	ms = launch(&setting, KILN_SLICE_NEVER, &count);
	for (unsigned i = 0; i < options.rounds; i++) {
		ms = launch(&setting, KILN_SLICE_NEVER, &count);
		bench_add(&whole, ms);
		bench_add(&sliced, launch(&setting, (uint64_t)(ms * 1e6 / SLICES), &count));
		bench_add(&slices, (double)count);
	}
	bench_print("slice", &options,
	            (struct bench_result[]){
			    {"launch_in_slices", "ms", &whole, &sliced, 0.95, "raw median / ours"},
			    {"slices", "", NULL, &slices, 0, NULL},
		    },
	            2);
	kiln_buffer_destroy(&buffer);
	kiln_kernel_destroy(&setting.kernel);
	kiln_device_close(&setting.device);
	bench_finish(&whole);
	bench_finish(&sliced);
	bench_finish(&slices);
	return 0;
}
