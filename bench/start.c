/* Process start to the first verified saxpy of 1 Mi floats: whole processes, raw Vulkan and Kiln in turn,
 * cold (every cache folder fresh) and warm (folders kept). The clock stops when the child says that it has
 * checked its result. */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"

#define LIMIT_MS 3.0 /* over raw */

extern char **environ;

enum { RAW, KILN, KILN_COPY, PROGRAMS };

static const struct {
	const char *file;
	const char *argument;
} programs[PROGRAMS] = {
	[RAW] = {"raw_saxpy", NULL},
	[KILN] = {"kiln_saxpy", NULL},
	[KILN_COPY] = {"kiln_saxpy", "copy"},
};

/* The folder of this program: the other two stand beside it. */
static const char *own_folder(void)
{
	static char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
	if (length < 0)
		bench_die("cannot read /proc/self/exe: %s", strerror(errno));
	path[length] = '\0';
	return dirname(path);
}

/* Every cache that can make a start warm lives below `folder`. */
static void use_caches(const char *folder)
{
	char *mesa = bench_path(folder, "mesa");
	mkdir(mesa, 0700);
	setenv("MESA_SHADER_CACHE_DIR", mesa, 1);
	setenv("XDG_CACHE_HOME", folder, 1);
	unsetenv("MESA_SHADER_CACHE_DISABLE");
	unsetenv("KILN_CACHE_DIR");
	unsetenv("KILN_AUTOTUNE_STORE");
	free(mesa);
}

/* Milliseconds until the child's word. */
static double time_one(int program)
{
	int ready[2];
	if (pipe(ready) != 0)
		bench_die("pipe: %s", strerror(errno));
	char fd[16];
	snprintf(fd, sizeof fd, "%d", ready[1]);
	setenv("BENCH_READY_FD", fd, 1);

	char *path = bench_path(own_folder(), programs[program].file);
	char *argv[] = {path, (char *)programs[program].argument, NULL};
	pid_t pid;
	char word = 0;
	int status = 0;
	uint64_t start = bench_now_ns();
	int failed = posix_spawn(&pid, path, NULL, NULL, argv, environ);
	if (failed)
		bench_die("cannot start %s: %s", path, strerror(failed));
	close(ready[1]);
	ssize_t got = read(ready[0], &word, 1);
	uint64_t end = bench_now_ns();
	waitpid(pid, &status, 0);
	if (got != 1 || status != 0)
		bench_die("%s failed (exit %d)", path, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	close(ready[0]);
	free(path);
	return (double)(end - start) / 1e6;
}

static double time_cold(int program)
{
	char *folder = bench_make_folder();
	use_caches(folder);
	double ms = time_one(program);
	bench_remove_folder(folder);
	free(folder);
	return ms;
}

/* The order turns by one every round, so that no program always follows the same one. */
static void measure_cold(struct bench_series series[PROGRAMS], unsigned rounds)
{
	for (unsigned round = 0; round < rounds; round++) {
		for (int i = 0; i < PROGRAMS; i++) {
			int program = (int)((round + (unsigned)i) % PROGRAMS);
			bench_add(&series[program], time_cold(program));
		}
	}
}

static void measure_warm(struct bench_series series[PROGRAMS], unsigned rounds)
{
	char *folder = bench_make_folder();
	use_caches(folder);
	for (int i = 0; i < PROGRAMS; i++)
		time_one(i);
	for (unsigned round = 0; round < rounds; round++) {
		for (int i = 0; i < PROGRAMS; i++) {
			int program = (int)((round + (unsigned)i) % PROGRAMS);
			bench_add(&series[program], time_one(program));
		}
	}
	bench_remove_folder(folder);
	free(folder);
}

/* Kiln minus raw, round by round: the load of a moment falls on both. */
static struct bench_series paired(const struct bench_series *ours, const struct bench_series *raw)
{
	struct bench_series difference = {0};
	for (size_t i = 0; i < ours->count; i++)
		bench_add(&difference, ours->values[i] - raw->values[i]);
	return difference;
}

int main(int argc, char **argv)
{
	struct bench_options options = bench_parse(
		argc, argv,
		"Process start to the first verified saxpy of 1 Mi floats, Kiln against raw Vulkan.", 30);
	if (!bench_use_driver("lvp_icd"))
		bench_skip("no lavapipe manifest. Fix: install mesa-vulkan-drivers, or set VK_DRIVER_FILES");

	struct bench_series cold[PROGRAMS] = {0}, warm[PROGRAMS] = {0};
	measure_warm(warm, options.rounds);
	measure_cold(cold, options.rounds);
	struct bench_series cold_more = paired(&cold[KILN], &cold[RAW]);
	struct bench_series warm_more = paired(&warm[KILN], &warm[RAW]);

	const struct bench_result results[] = {
		{"cold", "ms", &cold[RAW], &cold[KILN], 0, NULL},
		{"cold, kiln - raw in each round", "ms", NULL, &cold_more, LIMIT_MS, "median at most"},
		{"cold, host arrays copied", "ms", &cold[RAW], &cold[KILN_COPY], 0, NULL},
		{"warm", "ms", &warm[RAW], &warm[KILN], 0, NULL},
		{"warm, kiln - raw in each round", "ms", NULL, &warm_more, LIMIT_MS, "median at most"},
		{"warm, host arrays copied", "ms", &warm[RAW], &warm[KILN_COPY], 0, NULL},
	};
	bench_print("start", &options, results, sizeof results / sizeof *results);

	bench_finish(&cold_more);
	bench_finish(&warm_more);
	for (int i = 0; i < PROGRAMS; i++) {
		bench_finish(&cold[i]);
		bench_finish(&warm[i]);
	}
	return 0;
}
