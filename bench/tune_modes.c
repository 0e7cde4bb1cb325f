/* Rows, load and devices, for every mode. */
#include "tune_modes.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOGS_MAX 64

/* ---- Results: a table for people, or a JSON object ---- */

static bool first_row = true;

void tune_row(const struct tune_settings *settings, const char *kernel)
{
	if (settings->json)
		printf("%s\n  {\"kernel\": \"%s\"", first_row ? "" : ",", kernel);
	else
		printf("%-12s", kernel);
	first_row = false;
}

void tune_row_number(const struct tune_settings *settings, const char *name, double value)
{
	if (settings->json)
		printf(", \"%s\": %.6g", name, value);
	else
		printf("  %s %.4g", name, value);
}

void tune_row_word(const struct tune_settings *settings, const char *name, const char *value)
{
	if (settings->json)
		printf(", \"%s\": \"%s\"", name, value);
	else
		printf("  %s %s", name, value);
}

void tune_row_end(const struct tune_settings *settings)
{
	printf(settings->json ? "}" : "\n");
	fflush(stdout);
}

/* ---- Load ---- */

static pid_t hogs[HOGS_MAX];
static unsigned hog_count;

void tune_hogs_start(const struct tune_settings *settings)
{
	while (hog_count < settings->hogs && hog_count < HOGS_MAX) {
		pid_t pid = fork();

		if (pid < 0)
			bench_die("cannot fork: %s", strerror(errno));
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (volatile unsigned long work = 0;; work++)
				;
		}
		hogs[hog_count++] = pid;
	}
}

void tune_hogs_stop(void)
{
	while (hog_count) {
		kill(hogs[--hog_count], SIGKILL);
		waitpid(hogs[hog_count], NULL, 0);
	}
}

/* ---- One device, one kernel ---- */

struct kiln_device *tune_device_open(void)
{
	struct kiln_device *device = NULL;
	enum kiln_status status = kiln_device_open(NULL, &device);

	if (status == KILN_ERR_NO_DRIVER || status == KILN_ERR_NO_LOADER)
		bench_skip(kiln_error_message());
	tune_check(status, "device");
	if (!kiln_device_info(device)->can_launch)
		bench_skip("this driver only compiles");
	return device;
}

/* A short name for files and tables. */
const char *tune_driver_name(const struct kiln_device *device)
{
	const char *name = kiln_device_info(device)->name;

	return strstr(name, "llvmpipe") ? "lavapipe" : strstr(name, "SwiftShader") ? "swiftshader" : "device";
}

struct kiln_tune_report *tune_once(const struct tune_settings *settings, const struct tune_place *place)
{
	struct kiln_tune_params params = tune_params_of(place);
	struct kiln_tune_report *report = NULL;

	params.budget_ns = settings->budget_ns;
	tune_check(kiln_tune(place->handle, &params, &report), place->kernel.name);
	return report;
}
