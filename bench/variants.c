/* 200 variants of one kernel, on RADV's real compiler with null hardware: a first process compiles them, further ones find
 * them on disk. Kiln's cache against one monolithic VkPipelineCache file, each process a new one, the warm ones in turn.
 * Mesa's own disk cache is off. Neither side's instance and device are counted. */
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "big_spv.h"
#include "common.h"
#include "little_spv.h"
#include "variants.h"

#define SPEED_UP_LIMIT 500.0
#define FIRST_LIMIT 5.0
#define BIG_LIMIT 1.0
#define LITTLE_LIMIT 3.0

extern char **environ;

enum { RAW, KILN, SIDES };
enum { BIG, LITTLE, KERNELS };

static const char *const sides[SIDES] = {"raw", "kiln"};

static const struct variants_kernel kernels[KERNELS] = {
	[BIG] = {"big", big_spv, sizeof big_spv},
	[LITTLE] = {"little", little_spv, sizeof little_spv},
};

static unsigned count = VARIANTS_MAX;

/* ---- A process of its own for each contender; it sends its report through standard output ---- */

static void contend(int side, int kernel, const char *folder)
{
	struct variants_report report = {0};
	if (side == KILN)
		variants_kiln(&kernels[kernel], count, folder, &report);
	else
		variants_raw(&kernels[kernel], count, folder, &report);
	if (fwrite(&report, sizeof report, 1, stdout) != 1 || fflush(stdout) != 0)
		bench_die("cannot send the report");
}

static void start_contender(int side, int kernel, const char *folder, int out, pid_t *out_pid)
{
	char number[32], which[2][8];
	snprintf(number, sizeof number, "%u", count);
	snprintf(which[0], sizeof which[0], "%d", side);
	snprintf(which[1], sizeof which[1], "%d", kernel);
	char *argv[] = {"variants", "--contend", which[0], which[1], (char *)folder, number, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	int failed = posix_spawn(out_pid, "/proc/self/exe", &actions, NULL, argv, environ);
	if (failed)
		bench_die("cannot start a process: %s", strerror(failed));
	posix_spawn_file_actions_destroy(&actions);
}

static void process(int side, int kernel, const char *folder, struct variants_report *out_report)
{
	int ends[2], status = 0;
	pid_t pid;
	if (pipe(ends) != 0)
		bench_die("no pipe");
	start_contender(side, kernel, folder, ends[1], &pid);
	close(ends[1]);
	FILE *report = fdopen(ends[0], "r");
	if (!report || fread(out_report, sizeof *out_report, 1, report) != 1)
		bench_die("the process '%s %s' died", sides[side], kernels[kernel].name);
	fclose(report);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		bench_die("the process '%s %s' failed", sides[side], kernels[kernel].name);
}

/* ---- The contest over one kernel ---- */

struct contest {
	int kernel;
	struct bench_series cold_each[SIDES], warm_each[SIDES]; /* microseconds */
	struct bench_series total[SIDES], load[SIDES], first[SIDES];
	struct bench_series ready_total,
		speed_up;           /* Kiln's: resolves alone; the first process's over the others' */
	struct bench_series sooner; /* raw's first pipeline over Kiln's, round by round */
	struct bench_series share,
		whole_share; /* Kiln's total over raw's: its resolves alone, and with all else */
	double cold_ready[SIDES];
	unsigned odd;
};

static double sum(const double *values)
{
	double all = 0;
	for (unsigned i = 0; i < count; i++)
		all += values[i];
	return all;
}

static void add_all(struct bench_series *series, const double *values)
{
	for (unsigned i = 0; i < count; i++)
		bench_add(series, values[i]);
}

static void first_process(struct contest *contest, int side, const char *folder)
{
	struct variants_report report;
	fprintf(stderr, "variants: %u of the %s kernel, cold, %s ...", count, kernels[contest->kernel].name,
	        sides[side]);
	process(side, contest->kernel, folder, &report);
	fprintf(stderr, " %.2f s\n", report.total / 1e6);
	add_all(&contest->cold_each[side], report.make);
	contest->cold_ready[side] = sum(report.ready);
	contest->odd += report.warm != 0;
}

static void second_process(struct contest *contest, int side, const char *folder)
{
	struct variants_report report;
	process(side, contest->kernel, folder, &report);
	add_all(&contest->warm_each[side], report.ready);
	bench_add(&contest->total[side], report.total / 1e3);
	bench_add(&contest->load[side], report.load);
	bench_add(&contest->first[side], report.first);
	if (side == KILN) {
		double ready = sum(report.ready);
		bench_add(&contest->ready_total, ready / 1e3);
		bench_add(&contest->speed_up, contest->cold_ready[KILN] / ready);
	}
	contest->odd += report.warm != count;
}

static double last(const struct bench_series *series)
{
	return series->values[series->count - 1];
}

static void hold(struct contest *contest, unsigned rounds)
{
	char *folder = bench_make_folder();
	for (int side = 0; side < SIDES; side++)
		first_process(contest, side, folder);
	for (unsigned round = 0; round < rounds; round++) {
		for (int i = 0; i < SIDES; i++)
			second_process(contest, (int)((round + (unsigned)i) % SIDES), folder);
		bench_add(&contest->sooner, last(&contest->first[RAW]) / last(&contest->first[KILN]));
		bench_add(&contest->share, last(&contest->ready_total) / last(&contest->total[RAW]));
		bench_add(&contest->whole_share, last(&contest->total[KILN]) / last(&contest->total[RAW]));
	}
	bench_remove_folder(folder);
	free(folder);
}

static void finish(struct contest *contest)
{
	for (int side = 0; side < SIDES; side++) {
		bench_finish(&contest->cold_each[side]);
		bench_finish(&contest->warm_each[side]);
		bench_finish(&contest->total[side]);
		bench_finish(&contest->load[side]);
		bench_finish(&contest->first[side]);
	}
	bench_finish(&contest->ready_total);
	bench_finish(&contest->speed_up);
	bench_finish(&contest->sooner);
	bench_finish(&contest->share);
	bench_finish(&contest->whole_share);
}

/* ---- Result ---- */

static void report(const struct contest contests[KERNELS], const struct bench_options *options)
{
	const struct contest *b = &contests[BIG], *l = &contests[LITTLE];
	const char *most = "median at most", *least = "median at least";
	const struct bench_result results[] = {
		{"big, first process: each", "us", &b->cold_each[RAW], &b->cold_each[KILN], 0, NULL},
		{"big, second: each, ready", "us", &b->warm_each[RAW], &b->warm_each[KILN], 0, NULL},
		{"big, first / second, resolves", "x", NULL, &b->speed_up, SPEED_UP_LIMIT, least},
		{"big, second: load or open", "us", &b->load[RAW], &b->load[KILN], 0, NULL},
		{"big, second: first ready", "us", &b->first[RAW], &b->first[KILN], 0, NULL},
		{"big, first ready: raw / kiln", "x", NULL, &b->sooner, FIRST_LIMIT, least},
		{"big, second: all, resolves", "ms", &b->total[RAW], &b->ready_total, 0, NULL},
		{"big, all resolves / raw", "x", NULL, &b->share, BIG_LIMIT, most},
		{"big, second: all, whole", "ms", &b->total[RAW], &b->total[KILN], 0, NULL},
		{"big, all, whole / raw", "x", NULL, &b->whole_share, BIG_LIMIT, most},
		{"little, first process: each", "us", &l->cold_each[RAW], &l->cold_each[KILN], 0, NULL},
		{"little, second: each, ready", "us", &l->warm_each[RAW], &l->warm_each[KILN], 0, NULL},
		{"little, second: load or open", "us", &l->load[RAW], &l->load[KILN], 0, NULL},
		{"little, second: first ready", "us", &l->first[RAW], &l->first[KILN], 0, NULL},
		{"little, second: all, resolves", "ms", &l->total[RAW], &l->ready_total, 0, NULL},
		{"little, all resolves / raw", "x", NULL, &l->share, LITTLE_LIMIT, most},
		{"little, second: all, whole", "ms", &l->total[RAW], &l->total[KILN], 0, NULL},
		{"little, all, whole / raw", "x", NULL, &l->whole_share, 0, NULL},
	};
	bench_print("variants", options, results, sizeof results / sizeof *results);
}

/* "--variants N" before what all benchmarks know. */
static void take_count(int *argc, char ***argv)
{
	if (*argc < 3 || strcmp((*argv)[1], "--variants") != 0)
		return;
	count = (unsigned)strtoul((*argv)[2], NULL, 10);
	if (count < 2 || count > VARIANTS_MAX)
		bench_die("--variants takes 2 to %d", VARIANTS_MAX);
	(*argv)[2] = (*argv)[0];
	*argc -= 2;
	*argv += 2;
}

int main(int argc, char **argv)
{
	struct contest contests[KERNELS] = {0};
	unsigned odd = 0;

	if (argc == 6 && strcmp(argv[1], "--contend") == 0) {
		count = (unsigned)strtoul(argv[5], NULL, 10);
		contend(argv[2][0] - '0', argv[3][0] - '0', argv[4]);
		return 0;
	}
	take_count(&argc, &argv);
	struct bench_options options = bench_parse(
		argc, argv,
		"Variants of a kernel in a first and in further processes, Kiln against one monolithic cache file.\n"
		"--variants N (default 200) may come before the other options.",
		20);
	if (!bench_use_driver("radeon_icd"))
		bench_skip("no RADV manifest. Fix: install mesa-vulkan-drivers, or set VK_DRIVER_FILES");
	setenv("RADV_FORCE_FAMILY", "NAVI21", 0);
	setenv("MESA_SHADER_CACHE_DISABLE", "true", 1);

	for (int i = 0; i < KERNELS; i++) {
		contests[i].kernel = i;
		hold(&contests[i], options.rounds);
		odd += contests[i].odd;
	}
	report(contests, &options);
	if (odd)
		fprintf(stderr, "variants: %u processes were not as cold or warm as the benchmark is about\n",
		        odd);
	for (int i = 0; i < KERNELS; i++)
		finish(&contests[i]);
	return odd ? 1 : 0;
}
