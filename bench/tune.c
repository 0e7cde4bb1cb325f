/* The tuner on real devices: how near it comes to what measuring everything would have found, whether it says the same
 * again, how long it takes, and whether tuning by launching ever costs more than it gives. --help lists the modes. */
#include <getopt.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tune_modes.h"

#define SPACE_ROUNDS 40

static const char HELP[] =
	"Measures the tuner on a device.\n\n"
	"usage: tune MODE [options]\n"
	"  spaces    measure every configuration of every kernel, and write FOLDER/recorded_DRIVER_KERNEL.csv\n"
	"  regret    how much slower the choice is than the best of all, over the trials\n"
	"  repeat    how often fresh processes choose the same\n"
	"  time      wall time of tuning a small kernel, pipelines included, with Mesa's shader cache and without\n"
	"  launches  100 launches with KILN_AUTOTUNE=tune against as many of the default\n\n"
	"  --kernel NAME    one kernel: stream, row_sums, matmul, stencil, histogram, polynomial (all)\n"
	"  --driver NAME    lavapipe or swiftshader (what the environment says, else lavapipe)\n"
	"  --trials N       (200 for regret, 20 otherwise)\n"
	"  --rounds N       of measuring the truth, between the trials (40)\n"
	"  --budget MS      of each tuning run (its default)\n"
	"  --scale N        times the work of each launch (1)\n"
	"  --hog N          processes that burn a core each while tuning (0)\n"
	"  --folder DIR     where spaces go (.)\n"
	"  --json\n";

/* ---- Choosing ---- */

static const struct {
	const char *name;
	unsigned trials;
	void (*run)(const struct tune_settings *settings, struct kiln_device *device,
	            const struct tune_kernel *kernel);
} modes[] = {
	{"spaces", 1, tune_spaces}, {"regret", 200, tune_regret},    {"repeat", 20, tune_repeat},
	{"time", 20, tune_time},    {"launches", 20, tune_launches},
};

/* Chromium's driver stands where no loader looks. */
static bool use_swiftshader(void)
{
	glob_t found = {0};
	bool ok = glob("/usr/lib*/*/vk_swiftshader_icd.json", 0, NULL, &found) == 0 && found.gl_pathc > 0;

	if (ok) {
		setenv("VK_DRIVER_FILES", found.gl_pathv[0], 1);
		setenv("VK_ICD_FILENAMES", found.gl_pathv[0], 1);
	}
	globfree(&found);
	return ok;
}

static void use_driver(const char *name)
{
	bool ok;

	if (name && !strcmp(name, "swiftshader")) {
		ok = use_swiftshader();
	} else {
		if (name) {
			unsetenv("VK_DRIVER_FILES");
			unsetenv("VK_ICD_FILENAMES");
		}
		ok = (!name || !strcmp(name, "lavapipe")) && bench_use_driver("lvp_icd");
	}
	if (!ok)
		bench_skip("no manifest of that driver. Fix: install it, or set VK_DRIVER_FILES");
}

static struct tune_settings parse(int argc, char **argv)
{
	static const struct option names[] = {
		{"budget", required_argument, NULL, 'b'},
		{"driver", required_argument, NULL, 'd'},
		{"folder", required_argument, NULL, 'f'},
		{"help", no_argument, NULL, 'h'},
		{"hog", required_argument, NULL, 'o'},
		{"json", no_argument, NULL, 'j'},
		{"kernel", required_argument, NULL, 'k'},
		{"rounds", required_argument, NULL, 'r'},
		{"scale", required_argument, NULL, 's'},
		{"trials", required_argument, NULL, 't'},
		{NULL, 0, NULL, 0},
	};
	struct tune_settings settings = {.folder = ".", .rounds = SPACE_ROUNDS, .scale = 1};
	int name;

	while ((name = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (name) {
		case 'b':
			settings.budget_ns = strtoull(optarg, NULL, 10) * 1000000u;
			break;
		case 'd':
			settings.driver = optarg;
			break;
		case 'f':
			settings.folder = optarg;
			break;
		case 'j':
			settings.json = true;
			break;
		case 'k':
			settings.kernel = optarg;
			break;
		case 'o':
			settings.hogs = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'r':
			settings.rounds = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 's':
			settings.scale = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 't':
			settings.trials = (unsigned)strtoul(optarg, NULL, 10);
			break;
		default:
			fputs(HELP, name == 'h' ? stdout : stderr);
			exit(name == 'h' ? 0 : 2);
		}
	}
	if (optind + 1 != argc || !settings.scale || (settings.kernel && !tune_kernel_find(settings.kernel)))
		bench_die("bad arguments, see --help");
	settings.mode = argv[optind];
	return settings;
}

int main(int argc, char **argv)
{
	struct tune_settings settings;
	size_t mode = 0;
	char *folder;

	kiln_log_set(kiln_log_stderr, NULL, 0);
	if (argc == 6 && !strcmp(argv[1], "child"))
		return tune_child(argv);
	settings = parse(argc, argv);
	while (mode < sizeof modes / sizeof *modes && strcmp(settings.mode, modes[mode].name) != 0)
		mode++;
	if (mode == sizeof modes / sizeof *modes)
		bench_die("'%s' is no mode, see --help", settings.mode);
	if (!settings.trials)
		settings.trials = modes[mode].trials;
	use_driver(settings.driver);
	folder = bench_make_folder();
	setenv("KILN_CACHE_DIR", folder, 1);
	struct kiln_device *device = tune_device_open();
	if (settings.json)
		printf("{\"bench\": \"tune\", \"mode\": \"%s\", \"driver\": \"%s\", \"trials\": %u, \"hogs\": %u, \"results\": [",
		       settings.mode, tune_driver_name(device), settings.trials, settings.hogs);
	else
		printf("%s on %s: %u trials, %u hogs\n", settings.mode, kiln_device_info(device)->name,
		       settings.trials, settings.hogs);
	for (size_t i = 0; i < tune_kernel_count; i++)
		if (!settings.kernel || !strcmp(settings.kernel, tune_kernels[i].name))
			modes[mode].run(&settings, device, &tune_kernels[i]);
	if (settings.json)
		printf("\n]}\n");
	kiln_device_close(&device);
	bench_remove_folder(folder);
	free(folder);
	return 0;
}
