/* An image pipeline: an edge-preserving filter twice, then a Sobel filter, on a picture of yours or on a
 * noisy one that a fourth kernel renders. The kernels hand their pictures on through device buffers, and a
 * table says how Kiln got each of them ready: run it twice, and see. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include <kiln/kiln.h>
#include <kiln/shaders/bilateral.h>
#include <kiln/shaders/scene.h>
#include <kiln/shaders/sobel.h>

#include "example.h"
#include "picture.h"

#define RADIUS 4                     /* pixels: the default of bilateral's specialisation constant 2 */
#define SIGMA 2.5f                   /* pixels */
#define LESS(range) (0.67f * (range)) /* of the second pass: the grain is weaker then, so less may mix */

static const char HELP[] =
	"usage: 03_image [options] [PICTURE.png]\n"
	"Smooths the picture without blurring its edges, finds the edges, and writes all three side by side.\n"
	"Without a picture it renders one, of pots before a kiln.\n"
	"  -o, --output F    where to write (image.png)\n"
	"  -r, --range R     how different neighbours may be and still mix, 0.01 to 2 (0.15)\n"
	"  -s, --size N      pixels a side of the rendered picture (512)\n"
	"  -p, --samples N   light paths per pixel of the rendered picture (12)\n"
	"  -h, --help        this text\n";

struct scene_push { uint32_t width, height, samples, seed; };
struct bilateral_push { uint32_t width, height; float sigma_space, sigma_range; };
struct sobel_push { uint32_t width, height; float gain; };

enum { SOURCE, SMOOTH, FILTERED, EDGES, STAGES };

static enum kiln_status step(struct kiln_device *device, const struct kiln_kernel_params *params,
                             struct kiln_launch_params launch)
{
	struct kiln_kernel *kernel = NULL;
	enum kiln_status status;
	TRY(kiln_kernel_create(device, params, &kernel));
	TRY(example_run(device, kernel, params->name, &launch));
done:
	kiln_kernel_destroy(&kernel);
	return status;
}

/* The pipeline: buffer k is what stage k makes. stages[SOURCE] holds the given picture, or is
 * rendered here. */
static enum kiln_status run(struct picture *stages, uint32_t samples, float range)
{
	struct kiln_device *device = NULL;
	struct kiln_buffer *b[STAGES] = {NULL};
	uint32_t w = stages[SOURCE].width, h = stages[SOURCE].height;
	struct scene_push scene = {w, h, samples, 7};
	struct bilateral_push smooth = {w, h, SIGMA, range}, finish = {w, h, SIGMA, LESS(range)};
	struct sobel_push sobel = {w, h, 1.0f};
	struct kiln_buffer_params buffer = {.bytes = (uint64_t)w * h * sizeof(uint32_t)};
	enum kiln_status status;

	TRY(example_open(&device));
	for (int i = 0; i < STAGES; i++) {
		buffer.contents = i == SOURCE && !samples ? stages[SOURCE].pixels : NULL;
		TRY(kiln_buffer_create(device, &buffer, &b[i]));
	}
	example_table();
	if (samples)
		TRY(step(device, &(struct kiln_kernel_params){KILN_SHADER(scene)}, (struct kiln_launch_params){
			.threads = {w, h}, .buffers = {b[SOURCE]}, .push = &scene, .push_bytes = sizeof scene}));
	TRY(step(device, &(struct kiln_kernel_params){KILN_SHADER(bilateral)}, (struct kiln_launch_params){
		.threads = {w, h}, .buffers = {b[SOURCE], b[SMOOTH]}, .push = &smooth, .push_bytes = sizeof smooth}));
	TRY(step(device, &(struct kiln_kernel_params){KILN_SHADER(bilateral)}, (struct kiln_launch_params){
		.threads = {w, h}, .buffers = {b[SMOOTH], b[FILTERED]}, .push = &finish, .push_bytes = sizeof finish}));
	TRY(step(device, &(struct kiln_kernel_params){KILN_SHADER(sobel)}, (struct kiln_launch_params){
		.threads = {w, h}, .buffers = {b[FILTERED], b[EDGES]}, .push = &sobel, .push_bytes = sizeof sobel}));
	for (int i = 0; i < STAGES; i++)
		TRY(kiln_buffer_read(b[i], 0, stages[i].pixels, buffer.bytes));
done:
	for (int i = 0; i < STAGES; i++)
		kiln_buffer_destroy(&b[i]);
	kiln_device_close(&device);
	return status;
}

/* Compares every 97th pixel with the processor's answer. */
static bool check(const struct picture *stages, float range)
{
	size_t wrong = 0, count = (size_t)stages->width * stages->height;
	float rgb[3];
	for (size_t i = 0; i < count; i += 97) {
		uint32_t x = (uint32_t)(i % stages->width), y = (uint32_t)(i / stages->width);
		picture_bilateral(&stages[SOURCE], x, y, RADIUS, SIGMA, range, rgb);
		wrong += !picture_matches(&stages[SMOOTH], x, y, rgb);
		picture_bilateral(&stages[SMOOTH], x, y, RADIUS, SIGMA, LESS(range), rgb);
		wrong += !picture_matches(&stages[FILTERED], x, y, rgb);
		picture_sobel(&stages[FILTERED], x, y, 1.0f, rgb);
		wrong += !picture_matches(&stages[EDGES], x, y, rgb);
	}
	printf("check      every 97th pixel of each filter against the processor: %zu wrong\n", wrong);
	return wrong == 0;
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = {
		{"help", no_argument, NULL, 'h'},
		{"output", required_argument, NULL, 'o'},
		{"range", required_argument, NULL, 'r'},
		{"samples", required_argument, NULL, 'p'},
		{"size", required_argument, NULL, 's'},
		{NULL, 0, NULL, 0},
	};
	const char *output = "image.png";
	uint32_t size = 512, samples = 12;
	float range = 0.15f;
	int option;
	while ((option = getopt_long(argc, argv, "ho:p:r:s:", OPTIONS, NULL)) != -1) {
		switch (option) {
		case 'o': output = optarg; break;
		case 'p': samples = example_count("--samples", optarg, 1, 4096); break;
		case 'r': range = (float)example_number("--range", optarg, 0.01, 2); break;
		case 's': size = example_count("--size", optarg, 8, 4096); break;
		default: example_usage(HELP, option == 'h' ? 0 : 2);
		}
	}
	example_arguments(argc, argv, 1);

	struct picture stages[STAGES] = {0}, joined = {0};
	const char *input = optind < argc ? argv[optind] : NULL;
	bool ready = input ? picture_read(&stages[SOURCE], input) : picture_create(stages, size, size);
	for (int i = SMOOTH; i < STAGES; i++)
		ready = ready && picture_create(&stages[i], stages[SOURCE].width, stages[SOURCE].height);
	int code = EXIT_FAILURE;
	if (ready) {
		enum kiln_status status = run(stages, input ? 0 : samples, range);
		code = example_exit(status, status == KILN_OK && check(stages, range));
	}
	const struct picture *panels[] = {&stages[SOURCE], &stages[FILTERED], &stages[EDGES]};
	if (code == EXIT_SUCCESS) {
		bool written = picture_join(&joined, panels, 3, 8) && picture_write(&joined, output);
		if (written)
			printf("picture    %s: as it was, filtered, edges\n", output);
		else
			code = EXIT_FAILURE;
	}
	for (int i = 0; i < STAGES; i++)
		picture_destroy(&stages[i]);
	picture_destroy(&joined);
	return code;
}
