#include "example.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static bool nothing_to_run_on(enum kiln_status status)
{
	return status == KILN_ERR_NO_LOADER || status == KILN_ERR_NO_DRIVER ||
	       status == KILN_ERR_COMPILE_ONLY;
}

int example_exit(enum kiln_status status, bool correct)
{
	if (status != KILN_OK) {
		const char *message = kiln_error_message();
		fprintf(stderr, "%s\n", *message ? message : kiln_status_text(status));
		return nothing_to_run_on(status) ? EXAMPLE_SKIP : EXIT_FAILURE;
	}
	if (!correct)
		fprintf(stderr, "The result is wrong.\n");
	return correct ? EXIT_SUCCESS : EXIT_FAILURE;
}

double example_number(const char *option, const char *text, double low, double high)
{
	char *end = NULL;
	double value = strtod(text, &end);
	if (end == text || *end || !isfinite(value) || value < low || value > high) {
		fprintf(stderr, "%s takes a number from %g to %g, not '%s'. Fix: see --help.\n", option, low,
		        high, text);
		exit(2);
	}
	return value;
}

uint32_t example_count(const char *option, const char *text, uint32_t low, uint32_t high)
{
	char *end = NULL;
	unsigned long long value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || value < low || value > high) {
		fprintf(stderr, "%s takes a whole number from %u to %u, not '%s'. Fix: see --help.\n", option, low,
		        high, text);
		exit(2);
	}
	return (uint32_t)value;
}

void example_arguments(int argc, char **argv, int most)
{
	if (argc - optind <= most)
		return;
	fprintf(stderr, "'%s' is one argument too many. Fix: see --help.\n", argv[optind + most]);
	exit(2);
}

_Noreturn void example_usage(const char *help, int code)
{
	fputs(help, code ? stderr : stdout);
	exit(code);
}

double example_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

const char *example_time(double ns, char out_text[EXAMPLE_TIME_BYTES])
{
	static const char *const UNITS[] = {"ns", "us", "ms", "s"};
	int unit = 0;
	for (; ns >= 1000 && unit < 3; unit++)
		ns /= 1000;
	int digits = unit == 0 || ns >= 100 ? 0 : ns >= 10 ? 1 : 2;
	snprintf(out_text, EXAMPLE_TIME_BYTES, "%.*f %s", digits, ns, UNITS[unit]);
	return out_text;
}

enum kiln_status example_open(struct kiln_device **out_device)
{
	struct kiln_device *device = NULL;

	kiln_log_set(kiln_log_stderr, NULL, 0);
	KILN_TRY(kiln_device_open(NULL, &device));
	const struct kiln_device_info *info = kiln_device_info(device);
	printf("device     %s, %s %s\n", info->name, info->driver_name, info->driver_info);
	if (!info->can_launch) {
		fprintf(stderr,
		        "%s compiles kernels but cannot launch them, so there is nothing to show on it.\n",
		        info->name);
		kiln_device_close(&device);
		exit(EXAMPLE_SKIP);
	}
	*out_device = device;
	return KILN_OK;
}

void example_table(void)
{
	printf("%-11s %-10s %-8s %-9s %-25s %9s %9s\n", "kernel", "workgroup", "from", "outcome",
	       "why not cached", "resolve", "run");
}

enum kiln_status example_run(struct kiln_device *device, struct kiln_kernel *kernel, const char *name,
                             const struct kiln_launch_params *launch)
{
	struct kiln_build build;
	char size[40], resolve_time[EXAMPLE_TIME_BYTES], run_time[EXAMPLE_TIME_BYTES];

	KILN_TRY(kiln_kernel_resolve_for(kernel, launch->threads, &build));
	double start = example_ms();
	KILN_TRY(kiln_launch(kernel, launch));
	KILN_TRY(kiln_device_wait(device));
	double run = example_ms() - start;

	snprintf(size, sizeof size, "%ux%ux%u", build.workgroup[0], build.workgroup[1], build.workgroup[2]);
	printf("%-11s %-10s %-8s %-9s %-25s %9s %9s\n", name, size,
	       kiln_workgroup_source_name(build.workgroup_source), kiln_outcome_name(build.outcome),
	       build.miss_reason == KILN_MISS_NONE ? "-" : kiln_miss_reason_name(build.miss_reason),
	       example_time((double)build.resolve_ns, resolve_time), example_time(run * 1e6, run_time));
	return KILN_OK;
}
