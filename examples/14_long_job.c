/* A job of many seconds: the area of the Mandelbrot set, by counting. One launch, which Kiln hands to the device in slices:
 * a progress bar shows how far it is, Ctrl-C stops it cleanly between two slices, and no watchdog minds. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <kiln/kiln.h>
#include <kiln/shaders/mandelbrot.h>

#include "example.h"

static const char HELP[] =
	"usage: 14_long_job [options]\n"
	"Measures the area of the Mandelbrot set: 1.50659.\n"
	"  -n, --points N       N x N points (2048)\n"
	"  -i, --iterations N   steps before a point counts as inside (20000)\n"
	"  -b, --budget MS      how long a slice may take (100)\n"
	"  -h, --help           this text\n"
	"Ctrl-C stops it: exit code 130.\n";

#define SPAN 2.6f /* of the square that is looked at */

struct push {
	uint32_t width, height;
	float centre_x, centre_y, span;
	uint32_t iterations;
};

struct job {
	struct push push;
	uint64_t budget_ns;
	struct kiln_slice_report report;
	double area, ms;
};

static volatile sig_atomic_t stop;

static void on_interrupt(int signal)
{
	(void)signal;
	stop = 1;
}

/* Between two slices, on our own thread. */
static bool progress(void *user, uint64_t done, uint64_t total)
{
	enum { WIDTH = 50 };
	int full = (int)(done * WIDTH / total);

	if (*(const bool *)user)
		fprintf(stderr, "\r[%.*s%*s] %3d %%", full, "##################################################",
		        WIDTH - full, "", (int)(done * 100 / total));
	if (*(const bool *)user && done == total)
		fputc('\n', stderr);
	return !stop;
}

/* Points that never left are black. */
static double area_of(const uint32_t *pixels, uint64_t count)
{
	uint64_t inside = 0;

	for (uint64_t i = 0; i < count; i++)
		inside += (pixels[i] & 0xffffff) == 0;
	return (double)inside / (double)count * SPAN * SPAN;
}

static enum kiln_status work(struct job *job)
{
	uint64_t count = (uint64_t)job->push.width * job->push.height;
	struct kiln_spec_value spec = {.id = 2, .size = 4, .value = 1}; /* one point per pixel */
	bool bar = isatty(STDERR_FILENO);
	struct kiln_slice_params slice = {.budget_ns = job->budget_ns, .progress = progress, .user = &bar};
	struct kiln_device *device = NULL;
	struct kiln_kernel *kernel = NULL;
	struct kiln_buffer *buffer = NULL;
	uint32_t *pixels = malloc(count * sizeof *pixels);
	double start;
	enum kiln_status status = pixels ? KILN_OK : KILN_ERR_OUT_OF_MEMORY;

	if (!pixels)
		goto done;
	TRY(example_open(&device));
	TRY(kiln_kernel_create(device, &(struct kiln_kernel_params){
		KILN_SHADER(mandelbrot), .spec = &spec, .spec_count = 1,
	}, &kernel));
	TRY(kiln_buffer_create(device, &(struct kiln_buffer_params){
		.bytes = count * sizeof *pixels, .memory = KILN_MEMORY_READBACK,
	}, &buffer));
	struct kiln_launch_params launch = {
		.threads = {job->push.width, job->push.height},
		.buffers = {buffer},
		.push = &job->push,
		.push_bytes = sizeof job->push,
	};
	start = example_ms();
	status = kiln_stream_launch_sliced(kiln_device_stream(device), kernel, &launch, &slice, &job->report);
	job->ms = example_ms() - start;
	if (status == KILN_ERR_CANCELLED && bar)
		fputc('\n', stderr);
	if (status != KILN_OK)
		goto done;
	TRY(kiln_buffer_read(buffer, 0, pixels, count * sizeof *pixels));
	job->area = area_of(pixels, count);
done:
	kiln_buffer_destroy(&buffer);
	kiln_kernel_destroy(&kernel);
	kiln_device_close(&device);
	free(pixels);
	return status;
}

static void print(const struct job *job)
{
	char all[EXAMPLE_TIME_BYTES], longest[EXAMPLE_TIME_BYTES];

	printf("slices     %llu in %s, the longest %s\n", (unsigned long long)job->report.slices,
	       example_time(job->ms * 1e6, all), example_time((double)job->report.longest_ns, longest));
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = {
		{"budget", required_argument, NULL, 'b'}, {"help", no_argument, NULL, 'h'},
		{"iterations", required_argument, NULL, 'i'}, {"points", required_argument, NULL, 'n'},
		{NULL, 0, NULL, 0},
	};
	struct job job = {.push = {2048, 2048, -0.75f, 0, SPAN, 20000}, .budget_ns = 100000000};
	struct sigaction interrupt = {.sa_handler = on_interrupt};
	int option;

	while ((option = getopt_long(argc, argv, "b:hi:n:", OPTIONS, NULL)) != -1) {
		switch (option) {
		case 'b': job.budget_ns = (uint64_t)(example_number("--budget", optarg, 1, 1e5) * 1e6); break;
		case 'i': job.push.iterations = example_count("--iterations", optarg, 1, 1000000000); break;
		case 'n': job.push.width = job.push.height = example_count("--points", optarg, 16, 16384); break;
		default: example_usage(HELP, option == 'h' ? 0 : 2);
		}
	}
	example_arguments(argc, argv, 0);
	sigaction(SIGINT, &interrupt, NULL);
	enum kiln_status status = work(&job);
	if (status == KILN_ERR_CANCELLED) {
		print(&job);
		printf("stopped    after %llu of %llu workgroups, %.1f %%\n",
		       (unsigned long long)job.report.done_groups, (unsigned long long)job.report.total_groups,
		       100.0 * (double)job.report.done_groups / (double)job.report.total_groups);
		return 130;
	}
	/* Few steps leave too many points inside, few points make it coarse: both are far from the truth by less. */
	int code = example_exit(status, job.area > 1.4 && job.area < 2.2);
	if (code == EXIT_SUCCESS) {
		print(&job);
		printf("area       %.4f, 1.5066 by others\n", job.area);
	}
	return code;
}
