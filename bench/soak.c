/* A long day in a short time: millions of launches on several streams, with buffers, streams, kernels and graphs made and
 * destroyed all along. What the process holds after the warm-up is what it may hold at the end: memory, descriptors of the
 * operating system, and the right results. Exit code 1 when anything has grown. */
#include <dirent.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kiln/kiln.h>

#include "common.h"
#include "dispatch_raw.h"

#define STREAMS 3u
#define BUFFERS 96u
#define GRAPH_LAUNCHES 40u
#define STREAM_LAUNCHES 120u
#define GROWTH_BYTES (4u << 20) /* what an allocator may keep for itself */

struct soak {
	struct kiln_device *device;
	struct kiln_kernel *kernel;
	struct kiln_stream *streams[STREAMS];
	struct kiln_buffer *buffers[BUFFERS];
	uint64_t random, launches, buffers_made, graphs_made, streams_made;
};

struct holdings {
	uint64_t bytes, files;
};

static void try(enum kiln_status status)
{
	if (status != KILN_OK)
		bench_die("%s: %s", kiln_status_name(status), kiln_error_message());
}

static uint32_t pick(struct soak *soak, uint32_t below)
{
	soak->random = soak->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(soak->random >> 33) % below;
}

static struct holdings look(void)
{
	struct holdings holdings = {0};
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	if (!file || fscanf(file, "%*u %lu", &pages) != 1)
		bench_skip("no /proc/self/statm here");
	fclose(file);
	holdings.bytes = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
	DIR *folder = opendir("/proc/self/fd");
	while (folder && readdir(folder))
		holdings.files++;
	if (folder)
		closedir(folder);
	return holdings;
}

/* ---- What happens all along ---- */

/* In place of an older one, which may well be in use. */
static void renew_buffer(struct soak *soak, uint32_t index)
{
	kiln_buffer_destroy(&soak->buffers[index]);
	try(kiln_buffer_create(
		soak->device,
		&(struct kiln_buffer_params){.bytes = DISPATCH_BUFFER_BYTES << pick(soak, 8)},
		&soak->buffers[index]));
	soak->buffers_made++;
}

static void renew_stream(struct soak *soak, uint32_t index)
{
	kiln_stream_destroy(&soak->streams[index]);
	try(kiln_stream_create(soak->device, NULL, &soak->streams[index]));
	soak->streams_made++;
}

static void launch_some(struct soak *soak, struct kiln_stream *stream, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct dispatch_push push = {DISPATCH_THREADS, i};
		uint32_t source = pick(soak, BUFFERS), target = (source + 1 + pick(soak, BUFFERS - 1)) % BUFFERS;
		try(kiln_stream_launch(
			stream, soak->kernel,
			&(struct kiln_launch_params){.threads = {DISPATCH_THREADS},
		                                     .buffers = {soak->buffers[source], soak->buffers[target]},
		                                     .push = &push,
		                                     .push_bytes = sizeof push}));
	}
	soak->launches += count;
}

static void copy_some(struct soak *soak, struct kiln_stream *stream)
{
	uint32_t words[16] = {0}, source = pick(soak, BUFFERS), target = (source + 1) % BUFFERS;
	try(kiln_stream_upload(stream, soak->buffers[source], 0, words, sizeof words));
	try(kiln_stream_copy(stream, soak->buffers[source], 0, soak->buffers[target], 64, 64));
	try(kiln_stream_fill(stream, soak->buffers[target], 0, 64, 7));
	try(kiln_stream_download(stream, soak->buffers[target], 0, words, sizeof words));
	try(kiln_stream_wait(stream, KILN_WAIT_FOREVER));
	if (words[0] != 7 || words[15] != 7)
		bench_die("a download is wrong after %llu launches", (unsigned long long)soak->launches);
}

/* Destroyed with a launch in flight. */
static void use_graph(struct soak *soak, struct kiln_stream *stream)
{
	struct kiln_graph *graph = NULL;
	struct dispatch_push push = {DISPATCH_THREADS, 1};
	struct kiln_arg argument = {.buffer = soak->buffers[pick(soak, BUFFERS)]};
	try(kiln_graph_begin(stream));
	launch_some(soak, stream, GRAPH_LAUNCHES);
	try(kiln_graph_end(stream, &graph));
	try(kiln_graph_launch(graph, stream, NULL));
	try(kiln_graph_set_push(graph, pick(soak, GRAPH_LAUNCHES), &push, sizeof push));
	try(kiln_graph_set_arg(graph, pick(soak, GRAPH_LAUNCHES), 0, &argument));
	try(kiln_graph_launch(graph, stream, NULL));
	kiln_graph_destroy(&graph);
	soak->launches += GRAPH_LAUNCHES;
	soak->graphs_made++;
}

static void use_kernel(struct soak *soak)
{
	struct kiln_kernel *kernel = NULL;
	try(kiln_kernel_create(soak->device,
	                       &(struct kiln_kernel_params){.spirv = dispatch_kernel,
	                                                    .spirv_bytes = dispatch_kernel_bytes},
	                       &kernel));
	try(kiln_kernel_resolve(kernel, NULL));
	kiln_kernel_destroy(&kernel);
}

/* What is enqueued here is waited for two rounds later at the latest. */
static void round_of(struct soak *soak, uint64_t round)
{
	for (uint32_t i = 0; i < STREAMS; i++) {
		launch_some(soak, soak->streams[i], STREAM_LAUNCHES);
		renew_buffer(soak, pick(soak, BUFFERS));
	}
	if (round % 4 == 0)
		copy_some(soak, soak->streams[pick(soak, STREAMS)]);
	if (round % 16 == 0)
		use_graph(soak, soak->streams[pick(soak, STREAMS)]);
	if (round % 64 == 0) {
		renew_stream(soak, pick(soak, STREAMS));
		use_kernel(soak);
	}
	if (round % 2 == 0)
		try(kiln_device_wait(soak->device));
}

/* ---- The whole ---- */

static void open_all(struct soak *soak)
{
	soak->random = 1;
	try(kiln_device_open(&(struct kiln_device_params){.no_cache = true, .no_autotune = true}, &soak->device));
	try(kiln_kernel_create(soak->device,
	                       &(struct kiln_kernel_params){.spirv = dispatch_kernel,
	                                                    .spirv_bytes = dispatch_kernel_bytes},
	                       &soak->kernel));
	for (uint32_t i = 0; i < BUFFERS; i++)
		renew_buffer(soak, i);
	for (uint32_t i = 0; i < STREAMS; i++)
		renew_stream(soak, i);
}

static void close_all(struct soak *soak)
{
	for (uint32_t i = 0; i < STREAMS; i++)
		kiln_stream_destroy(&soak->streams[i]);
	for (uint32_t i = 0; i < BUFFERS; i++)
		kiln_buffer_destroy(&soak->buffers[i]);
	kiln_kernel_destroy(&soak->kernel);
	kiln_device_close(&soak->device);
}

static void report(const struct soak *soak, const char *when, struct holdings holdings)
{
	printf("%-8s %10llu launches %8llu buffers %6llu graphs %5llu streams   %7.1f MiB  %llu files\n", when,
	       (unsigned long long)soak->launches, (unsigned long long)soak->buffers_made,
	       (unsigned long long)soak->graphs_made, (unsigned long long)soak->streams_made,
	       (double)holdings.bytes / (1 << 20), (unsigned long long)holdings.files);
	fflush(stdout);
}

/* A fifth of the way warms up: pools and allocators reach their sizes there. */
static bool run(struct soak *soak, uint64_t launches)
{
	struct holdings warm = {0}, now;
	uint64_t next = launches / 5;
	for (uint64_t round = 0; soak->launches < launches; round++) {
		round_of(soak, round);
		if (soak->launches < next)
			continue;
		try(kiln_device_wait(soak->device));
		now = look();
		if (!warm.bytes)
			warm = now;
		report(soak, warm.bytes == now.bytes && next == launches / 5 ? "warm" : "", now);
		next += launches / 5;
	}
	try(kiln_device_wait(soak->device));
	now = look();
	report(soak, "end", now);
	return now.bytes <= warm.bytes + GROWTH_BYTES && now.files <= warm.files;
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{"help", no_argument, NULL, 'h'},
		{"launches", required_argument, NULL, 'n'},
		{NULL, 0, NULL, 0},
	};
	static struct soak soak;
	uint64_t launches = 1000000;
	int name;
	while ((name = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (name == 'n')
			launches = strtoull(optarg, NULL, 10);
		else {
			fprintf(name == 'h' ? stdout : stderr,
			        "soak: launches, buffers, graphs and streams without end, and nothing grows\n\n"
			        "usage: soak [--launches N (default 1000000)]\n");
			return name == 'h' ? 0 : 2;
		}
	}
	if (launches < 10000 || optind != argc)
		bench_die("bad arguments: at least 10000 launches, see --help");
	if (!bench_use_driver("lvp_icd"))
		bench_skip("no lavapipe");
	setenv("LP_NUM_THREADS", "0", 0);
	open_all(&soak);
	bool steady = run(&soak, launches);
	close_all(&soak);
	printf("%s\n", steady ? "nothing grew" : "it grew");
	return steady ? 0 : 1;
}
