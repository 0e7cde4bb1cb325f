/* Images and samplers: a picture of yours, or one that is rendered here, is blurred through a sampler that mixes texels,
 * rows first and then columns, and its edges are found. Kernels see images, not bytes: the sampler turns texels into
 * numbers, knows what lies beyond the border, and answers between texels. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <kiln/kiln.h>
#include <kiln/shaders/blur_image.h>
#include <kiln/shaders/scene.h>
#include <kiln/shaders/sobel_image.h>

#include "example.h"
#include "picture.h"

static const char HELP[] =
	"usage: 16_image [options] [PICTURE.png]\n"
	"Blurs the picture, finds the edges of what is left, and writes all three side by side.\n"
	"Without a picture it renders one, of pots before a kiln.\n"
	"  -o, --output F    where to write (blurred.png)\n"
	"  -g, --sigma S     how wide the blur is, in pixels, 0.3 to 30 (2)\n"
	"  -s, --size N      pixels a side of the rendered picture (512)\n"
	"  -h, --help        this text\n";

struct scene_push { uint32_t width, height, samples, seed; };
struct blur_push { float along_x, along_y, sigma; };
struct sobel_push { float gain; };

enum { SOURCE, BLURRED, EDGES, STAGES, ROWS = STAGES, IMAGES }; /* ROWS is half way between the first two */

static enum kiln_status step(struct kiln_device *device, const struct kiln_kernel_params *params,
                             const struct kiln_launch_params *launch)
{
	struct kiln_kernel *kernel = NULL;
	enum kiln_status status;
	TRY(kiln_kernel_create(device, params, &kernel));
	TRY(example_run(device, kernel, params->name, launch));
done:
	kiln_kernel_destroy(&kernel);
	return status;
}

/* From one image, through a sampler, to another. */
static enum kiln_status filter(struct kiln_device *device, struct kiln_kernel_params kernel, struct kiln_image *from,
                               enum kiln_filter how, struct kiln_image *to, const void *push, uint32_t push_bytes)
{
	const struct kiln_image_info *size = kiln_image_info(to);
	const struct kiln_arg args[] = {{.image = from, .sampler = {how, KILN_ADDRESS_CLAMP}}, {.image = to}};
	return step(device, &kernel, &(struct kiln_launch_params){
		.threads = {size->width, size->height}, .args = args, .arg_count = 2, .push = push, .push_bytes = push_bytes});
}

/* A kernel that writes a buffer, as example 03 has it; the picture goes through the host. */
static enum kiln_status render(struct kiln_device *device, struct picture *picture)
{
	struct scene_push push = {picture->width, picture->height, 12, 7};
	struct kiln_buffer_params params = {.bytes = (uint64_t)push.width * push.height * sizeof(uint32_t)};
	struct kiln_buffer *pixels = NULL;
	enum kiln_status status;
	TRY(kiln_buffer_create(device, &params, &pixels));
	TRY(step(device, &(struct kiln_kernel_params){KILN_SHADER(scene)}, &(struct kiln_launch_params){
		.threads = {push.width, push.height}, .buffers = {pixels}, .push = &push, .push_bytes = sizeof push}));
	TRY(kiln_buffer_read(pixels, 0, picture->pixels, params.bytes));
done:
	kiln_buffer_destroy(&pixels);
	return status;
}

static enum kiln_status run(struct picture *stages, bool rendered, float sigma)
{
	struct kiln_device *device = NULL;
	struct kiln_image *images[IMAGES] = {NULL};
	struct blur_push rows = {1, 0, sigma}, columns = {0, 1, sigma};
	struct sobel_push sobel = {1};
	struct kiln_image_params params = {.format = KILN_FORMAT_RGBA8,
	                                   .width = stages->width, .height = stages->height,
	                                   .contents_bytes = (uint64_t)stages->width * stages->height * 4};
	enum kiln_status status;

	TRY(example_open(&device));
	example_table();
	if (rendered)
		TRY(render(device, &stages[SOURCE]));
	for (int i = 0; i < IMAGES; i++) {
		params.contents = i == SOURCE ? stages[SOURCE].pixels : NULL;
		TRY(kiln_image_create(device, &params, &images[i]));
	}
	TRY(filter(device, (struct kiln_kernel_params){KILN_SHADER(blur_image)}, images[SOURCE], KILN_FILTER_LINEAR,
	           images[ROWS], &rows, sizeof rows));
	TRY(filter(device, (struct kiln_kernel_params){KILN_SHADER(blur_image)}, images[ROWS], KILN_FILTER_LINEAR,
	           images[BLURRED], &columns, sizeof columns));
	TRY(filter(device, (struct kiln_kernel_params){KILN_SHADER(sobel_image)}, images[BLURRED], KILN_FILTER_NEAREST,
	           images[EDGES], &sobel, sizeof sobel));
	for (int i = BLURRED; i < STAGES; i++)
		TRY(kiln_image_read(images[i], NULL, stages[i].pixels, params.contents_bytes));
done:
	for (int i = 0; i < IMAGES; i++)
		kiln_image_destroy(&images[i]);
	kiln_device_close(&device);
	return status;
}

/* The processor's blur of one pixel: both directions at once. */
static void blur_pixel(const struct picture *source, uint32_t x, uint32_t y, float sigma, float out_rgb[3])
{
	int radius = ((int)ceilf(3 * sigma) + 1) / 2 * 2;
	double sum[3] = {0}, total = 0;
	for (int dy = -radius; dy <= radius; dy++)
		for (int dx = -radius; dx <= radius; dx++) {
			int64_t u = (int64_t)x + dx, v = (int64_t)y + dy;
			u = u < 0 ? 0 : u < source->width ? u : source->width - 1;
			v = v < 0 ? 0 : v < source->height ? v : source->height - 1;
			uint32_t pixel = source->pixels[v * source->width + u];
			double weight = exp(-0.5 * (dx * dx + dy * dy) / ((double)sigma * sigma));
			for (int c = 0; c < 3; c++)
				sum[c] += weight * (pixel >> (8 * c) & 255) / 255;
			total += weight;
		}
	for (int c = 0; c < 3; c++)
		out_rgb[c] = (float)(sum[c] / total);
}

static bool check(const struct picture *stages, float sigma)
{
	size_t wrong = 0, count = (size_t)stages->width * stages->height;
	float rgb[3];
	for (size_t i = 0; i < count; i += 97) {
		uint32_t x = (uint32_t)(i % stages->width), y = (uint32_t)(i / stages->width);
		blur_pixel(&stages[SOURCE], x, y, sigma, rgb);
		wrong += !picture_matches(&stages[BLURRED], x, y, rgb);
		picture_sobel(&stages[BLURRED], x, y, 1.0f, rgb);
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
		{"sigma", required_argument, NULL, 'g'},
		{"size", required_argument, NULL, 's'},
		{NULL, 0, NULL, 0},
	};
	const char *output = "blurred.png";
	uint32_t size = 512;
	float sigma = 2;
	int option;
	while ((option = getopt_long(argc, argv, "g:ho:s:", OPTIONS, NULL)) != -1) {
		switch (option) {
		case 'g': sigma = (float)example_number("--sigma", optarg, 0.3, 30); break;
		case 'o': output = optarg; break;
		case 's': size = example_count("--size", optarg, 8, 4096); break;
		default: example_usage(HELP, option == 'h' ? 0 : 2);
		}
	}
	example_arguments(argc, argv, 1);

	struct picture stages[STAGES] = {0}, joined = {0};
	const char *input = optind < argc ? argv[optind] : NULL;
	bool ready = input ? picture_read(&stages[SOURCE], input) : picture_create(stages, size, size);
	for (int i = BLURRED; i < STAGES; i++)
		ready = ready && picture_create(&stages[i], stages[SOURCE].width, stages[SOURCE].height);
	int code = EXIT_FAILURE;
	if (ready) {
		enum kiln_status status = run(stages, !input, sigma);
		code = example_exit(status, status == KILN_OK && check(stages, sigma));
	}
	const struct picture *panels[] = {&stages[SOURCE], &stages[BLURRED], &stages[EDGES]};
	if (code == EXIT_SUCCESS) {
		bool written = picture_join(&joined, panels, 3, 8) && picture_write(&joined, output);
		if (written)
			printf("picture    %s: as it was, blurred, edges\n", output);
		else
			code = EXIT_FAILURE;
	}
	for (int i = 0; i < STAGES; i++)
		picture_destroy(&stages[i]);
	picture_destroy(&joined);
	return code;
}
