/* What "warm" means. Three kernels become ready three times: first with an empty cache, then again on the
 * same device, then on the device opened anew, as the next start of the program would find it. Kiln reports
 * from the driver's own evidence where each pipeline came from, and how long that took. Nothing is launched,
 * so devices that can only compile do as well. */
#include <ftw.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include <kiln/kiln.h>
#include <kiln/shaders/bilateral.h>
#include <kiln/shaders/saxpy.h>
#include <kiln/shaders/scene.h>

#include "example.h"

#define KERNELS 3

static const char HELP[] =
	"usage: 04_warm_start [options]\n"
	"Shows how kernels become ready, and how fast: cold, on the same device again, and on it opened anew.\n"
	"  -c, --cache DIR  keep the cache in DIR, so that a second run is warm at once (a folder for this run)\n"
	"  -h, --help       this text\n";

static const struct kiln_kernel_params PARAMS[KERNELS] = {
	{KILN_SHADER(saxpy)},
	{KILN_SHADER(bilateral)},
	{KILN_SHADER(scene)},
};

/* Makes every kernel of PARAMS ready once. */
static enum kiln_status round_of(struct kiln_device *device, struct kiln_build builds[KERNELS])
{
	struct kiln_kernel *kernel = NULL;
	enum kiln_status status = KILN_OK;

	for (int i = 0; i < KERNELS; i++) {
		TRY(kiln_kernel_create(device, &PARAMS[i], &kernel));
		TRY(kiln_kernel_resolve(kernel, &builds[i]));
		kiln_kernel_destroy(&kernel);
	}
done:
	kiln_kernel_destroy(&kernel);
	return status;
}

/* Opens the device with this cache and goes round once or twice; closing it drops everything but the cache on
 * disk. */
static enum kiln_status open_and_resolve(struct kiln_cache *cache, struct kiln_build *first,
                                         struct kiln_build *again)
{
	struct kiln_device *device = NULL;
	enum kiln_status status;

	TRY(kiln_device_open(&(struct kiln_device_params){.cache = cache, .no_autotune = true}, &device));
	if (again)
		printf("device     %s\n", kiln_device_info(device)->name);
	TRY(round_of(device, first));
	if (again)
		TRY(round_of(device, again));
done:
	kiln_device_close(&device);
	return status;
}

static enum kiln_status three_rounds(const char *folder, struct kiln_build rounds[3][KERNELS])
{
	struct kiln_cache *cache = NULL;
	enum kiln_status status;

	struct kiln_cache_params params = {.root = folder, .mode = KILN_CACHE_READ_WRITE};
	TRY(kiln_cache_open(&params, &cache));
	TRY(open_and_resolve(cache, rounds[0], rounds[1]));
	TRY(kiln_cache_flush(cache)); /* what was stored now survives a power cut as well */
	TRY(open_and_resolve(cache, rounds[2], NULL));
done:
	kiln_cache_close(&cache);
	return status;
}

/* Prints the table. True when each round went as it must: the cold one missed, the second came from memory,
 * and the third from disk if the driver gave Kiln any code to keep. */
static bool report(struct kiln_build rounds[3][KERNELS], bool cold)
{
	bool correct = true, stub = false;
	char time[EXAMPLE_TIME_BYTES];
	printf("%-10s %-20s %-20s %s\n", "kernel", cold ? "empty cache" : "cache as it was", "same device again",
	       "device opened anew");
	for (int i = 0; i < KERNELS; i++) {
		printf("%-10s ", PARAMS[i].name);
		for (int r = 0; r < 3; r++)
			printf("%-9s %-11s", kiln_outcome_name(rounds[r][i].outcome),
			       example_time((double)rounds[r][i].resolve_ns, time));
		printf("\n");
		stub = stub || rounds[2][i].stub;
		enum kiln_outcome reopened = rounds[2][i].outcome;
		correct = correct && (!cold || rounds[0][i].cache_hit != KILN_HIT_TRUE) &&
		          rounds[1][i].outcome == KILN_OUTCOME_MEMORY &&
		          (rounds[2][i].stub ? reopened != KILN_OUTCOME_DISK : reopened != KILN_OUTCOME_COMPILED);
	}
	if (stub)
		printf("This driver's cache data has no code in it, so opening the device anew compiles again.\n");
	return correct;
}

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *place)
{
	(void)facts, (void)kind, (void)place;
	return remove(path);
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = {
		{"cache", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const char *folder = NULL, *temporary = getenv("TMPDIR");
	char own_folder[4096];
	int option;
	while ((option = getopt_long(argc, argv, "c:h", OPTIONS, NULL)) != -1) {
		switch (option) {
		case 'c': folder = optarg; break;
		default: example_usage(HELP, option == 'h' ? 0 : 2);
		}
	}
	example_arguments(argc, argv, 0);
	bool own = folder == NULL;
	snprintf(own_folder, sizeof own_folder, "%s/kiln-warm-start-XXXXXX", temporary ? temporary : "/tmp");
	if (own)
		folder = mkdtemp(own_folder);
	if (!folder) {
		perror(own_folder);
		return EXIT_FAILURE;
	}
	/* Mesa's own disk cache would answer too and hide the difference; the caller's word still counts. */
	setenv("MESA_SHADER_CACHE_DISABLE", "true", 0);
	kiln_log_set(kiln_log_stderr, NULL, 0);

	struct kiln_build rounds[3][KERNELS] = {0};
	enum kiln_status status = three_rounds(folder, rounds);
	int code = example_exit(status, status == KILN_OK && report(rounds, own));
	if (own)
		nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return code;
}
