/* Fresh processes: whether they choose the same, how long they take, and what tuning by launching costs. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tune_modes.h"

#define KERNEL_MS 1.0 /* what a launch lasts at least, for tuning by launching */

extern char **environ;

/* ---- Fresh processes: this program again, with the word "child" ---- */

/* What a child prints, one line. Its caches and its store are in `folder`. */
static void run_child(const char *folder, const char *what, const struct tune_settings *settings,
                      const char *kernel, char out_answer[TUNE_ANSWER_BYTES])
{
	char scale[16], budget[24];
	char *argv[] = {
		(char *)"/proc/self/exe", (char *)"child", (char *)what, (char *)kernel, scale, budget, NULL};
	ssize_t got = 0, more;
	int ends[2], status = 0;
	posix_spawn_file_actions_t actions;
	pid_t pid;

	snprintf(scale, sizeof scale, "%u", settings->scale);
	snprintf(budget, sizeof budget, "%llu", (unsigned long long)settings->budget_ns);
	setenv("KILN_CACHE_DIR", folder, 1);
	if (pipe(ends) != 0)
		bench_die("pipe: %s", strerror(errno));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, ends[0]);
	if (posix_spawn(&pid, argv[0], &actions, NULL, argv, environ) != 0)
		bench_die("cannot start %s", argv[0]);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	while (got < TUNE_ANSWER_BYTES - 1 &&
	       (more = read(ends[0], out_answer + got, (size_t)(TUNE_ANSWER_BYTES - 1 - got))) > 0)
		got += more;
	out_answer[got] = '\0';
	close(ends[0]);
	waitpid(pid, &status, 0);
	if (status != 0 || !got)
		bench_die("a child failed on %s", kernel);
	out_answer[strcspn(out_answer, "\n")] = '\0';
}

/* The same with caches that were never used. */
void tune_fresh_process(const char *what, const struct tune_settings *settings, const char *kernel,
                        char out_answer[TUNE_ANSWER_BYTES])
{
	char *folder = bench_make_folder();

	run_child(folder, what, settings, kernel, out_answer);
	bench_remove_folder(folder);
	free(folder);
}

/* "tune": milliseconds, and the choice. */
static void child_tune(const struct tune_settings *settings, struct tune_place *place)
{
	uint64_t start = bench_now_ns();
	struct kiln_tune_report *report = tune_once(settings, place);
	double ms = (double)(bench_now_ns() - start) / 1e6;
	char text[TUNE_CONFIG_BYTES];

	kiln_tune_config_text(&report->candidates[report->winner].config, text, sizeof text);
	printf("%.3f %s\n", ms, text);
	kiln_tune_report_destroy(&report);
}

/* "launch": milliseconds of all launches, each waited for. */
static void child_launch(struct tune_place *place)
{
	uint64_t start = bench_now_ns();

	for (int i = 0; i < TUNE_LAUNCHES; i++) {
		tune_check(kiln_launch(place->handle, &place->launch), "launch");
		tune_check(kiln_device_wait(place->device), "wait");
	}
	printf("%.3f\n", (double)(bench_now_ns() - start) / 1e6);
}

int tune_child(char **argv)
{
	struct tune_settings settings = {.scale = (uint32_t)strtoul(argv[4], NULL, 10),
	                                 .budget_ns = strtoull(argv[5], NULL, 10)};
	const struct tune_kernel *kernel = tune_kernel_find(argv[3]);
	struct kiln_device *device = tune_device_open();
	struct tune_place place;

	if (!kernel)
		bench_die("no kernel '%s'", argv[3]);
	tune_place_open(&place, device, kernel, settings.scale);
	if (!strcmp(argv[2], "tune"))
		child_tune(&settings, &place);
	else
		child_launch(&place);
	tune_place_close(&place);
	kiln_device_close(&device);
	return 0;
}

/* ---- repeat, time ---- */

void tune_repeat(const struct tune_settings *settings, struct kiln_device *device,
                 const struct tune_kernel *kernel)
{
	char(*answers)[TUNE_ANSWER_BYTES] = calloc(settings->trials, sizeof *answers);
	unsigned most = 0;
	size_t which = 0;

	(void)device;
	if (!answers)
		bench_die("out of memory");
	tune_hogs_start(settings);
	for (unsigned i = 0; i < settings->trials; i++)
		tune_fresh_process("tune", settings, kernel->name, answers[i]);
	tune_hogs_stop();
	for (unsigned i = 0; i < settings->trials; i++) {
		unsigned same = 0;

		for (unsigned j = 0; j < settings->trials; j++)
			same += !strcmp(strchr(answers[i], ' '), strchr(answers[j], ' '));
		if (same > most) {
			most = same;
			which = i;
		}
	}
	tune_row(settings, kernel->name);
	tune_row_number(settings, "processes", settings->trials);
	tune_row_number(settings, "same", most);
	tune_row_word(settings, "choice", strchr(answers[which], ' ') + 1);
	for (unsigned i = 0; i < settings->trials; i++)
		if (strcmp(strchr(answers[i], ' '), strchr(answers[which], ' ')) != 0)
			tune_row_word(settings, "other", strchr(answers[i], ' ') + 1);
	tune_row_end(settings);
	free(answers);
}

void tune_time(const struct tune_settings *settings, struct kiln_device *device,
               const struct tune_kernel *kernel)
{
	struct bench_series with = {0}, without = {0};
	char *mesa = bench_make_folder(), answer[TUNE_ANSWER_BYTES];

	(void)device;
	tune_hogs_start(settings);
	for (unsigned i = 0; i <= settings->trials; i++) {
		setenv("MESA_SHADER_CACHE_DIR", mesa, 1);
		unsetenv("MESA_SHADER_CACHE_DISABLE");
		tune_fresh_process("tune", settings, kernel->name, answer);
		if (i) /* the first fills Mesa's cache */
			bench_add(&with, strtod(answer, NULL));
		setenv("MESA_SHADER_CACHE_DISABLE", "true", 1);
		tune_fresh_process("tune", settings, kernel->name, answer);
		if (i)
			bench_add(&without, strtod(answer, NULL));
	}
	tune_hogs_stop();
	tune_row(settings, kernel->name);
	tune_row_number(settings, "mesa_cache_p50_ms", bench_median(&with));
	tune_row_number(settings, "mesa_cache_p95_ms", bench_percentile(&with, 95));
	tune_row_number(settings, "no_mesa_cache_p50_ms", bench_median(&without));
	tune_row_number(settings, "no_mesa_cache_p95_ms", bench_percentile(&without, 95));
	tune_row_end(settings);
	bench_finish(&with);
	bench_finish(&without);
	bench_remove_folder(mesa);
	free(mesa);
}

/* ---- launches ---- */

/* The smallest scale at which one launch of the default lasts long enough. */
static uint32_t scale_for(struct kiln_device *device, const struct tune_kernel *kernel, double *out_ms)
{
	for (uint32_t scale = 1;; scale *= 2) {
		struct bench_series times = {0};
		struct tune_place place;

		tune_place_open(&place, device, kernel, scale);
		for (int i = 0; i < 12; i++) {
			uint64_t start = bench_now_ns();

			tune_check(kiln_launch(place.handle, &place.launch), "launch");
			tune_check(kiln_device_wait(device), "wait");
			if (i > 1)
				bench_add(&times, (double)(bench_now_ns() - start) / 1e6);
		}
		*out_ms = bench_percentile(&times, 10);
		bench_finish(&times);
		tune_place_close(&place);
		if (*out_ms >= KERNEL_MS || scale >= 256)
			return scale;
	}
}

void tune_launches(const struct tune_settings *given, struct kiln_device *device,
                   const struct tune_kernel *kernel)
{
	struct bench_series ratios = {0}, tuned = {0}, plain = {0};
	struct tune_settings settings = *given;
	char answer[TUNE_ANSWER_BYTES];
	double ms;

	settings.scale = scale_for(device, kernel, &ms);
	tune_hogs_start(&settings);
	for (unsigned i = 0; i < settings.trials; i++) {
		double with, without;

		setenv("KILN_AUTOTUNE", "off", 1);
		tune_fresh_process("launch", &settings, kernel->name, answer);
		without = strtod(answer, NULL);
		setenv("KILN_AUTOTUNE", "tune", 1);
		tune_fresh_process("launch", &settings, kernel->name, answer);
		with = strtod(answer, NULL);
		unsetenv("KILN_AUTOTUNE");
		bench_add(&plain, without);
		bench_add(&tuned, with);
		bench_add(&ratios, with / without);
	}
	tune_hogs_stop();
	tune_row(given, kernel->name);
	tune_row_number(given, "launch_ms", ms);
	tune_row_number(given, "default_p50_ms", bench_median(&plain));
	tune_row_number(given, "tune_p50_ms", bench_median(&tuned));
	tune_row_number(given, "ratio_p50", bench_median(&ratios));
	tune_row_number(given, "ratio_p95", bench_percentile(&ratios, 95));
	tune_row_end(given);
	bench_finish(&ratios);
	bench_finish(&tuned);
	bench_finish(&plain);
}
