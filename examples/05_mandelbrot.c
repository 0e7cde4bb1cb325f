/* A picture from nothing: one thread per pixel, in two dimensions, and a PNG at the end. Shows a launch by
 * width and height, a specialisation constant, and reading a buffer back. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <kiln/kiln.h>
#include <kiln/shaders/mandelbrot.h>

#include "example.h"
#include "picture.h"

static const char HELP[] =
	"usage: 05_mandelbrot [options]\n"
	"Draws the Mandelbrot set and writes it as PNG.\n"
	"  -x, --real X         centre of the view (-0.7436)\n"
	"  -y, --imaginary Y    (0.1318)\n"
	"  -s, --span S         height of the view (0.006); 2.6 with centre -0.65, 0 shows all of it\n"
	"  -i, --iterations N   steps before a point counts as inside (600)\n"
	"  -W, --width N        pixels (1024)\n"
	"  -H, --height N       pixels (640)\n"
	"  -a, --samples N      N x N points per pixel (2)\n"
	"  -o, --output F       where to write (mandelbrot.png)\n"
	"  -h, --help           this text\n";

struct push {
	uint32_t width, height;
	float centre_x, centre_y, span;
	uint32_t iterations;
};

static enum kiln_status draw(const struct push *push, uint32_t samples, struct picture *picture)
{
	struct kiln_device *device = NULL;
	struct kiln_kernel *kernel = NULL;
	struct kiln_buffer *pixels = NULL;
	uint64_t bytes = (uint64_t)push->width * push->height * sizeof *picture->pixels;
	/* The kernel's constant 2 is compiled in: its loop over the points of a pixel has a fixed length. */
	struct kiln_spec_value spec = {.id = 2, .size = 4, .value = samples};
	enum kiln_status status;

	TRY(example_open(&device));
	TRY(kiln_kernel_create(device, &(struct kiln_kernel_params){
		KILN_SHADER(mandelbrot), .spec = &spec, .spec_count = 1,
	}, &kernel));
	/* Only read back, so memory that the processor reads fast is the right one. */
	struct kiln_buffer_params readback = {.bytes = bytes, .memory = KILN_MEMORY_READBACK};
	TRY(kiln_buffer_create(device, &readback, &pixels));
	example_table();
	TRY(example_run(device, kernel, "mandelbrot", &(struct kiln_launch_params){
		.threads = {push->width, push->height}, .buffers = {pixels}, .push = push, .push_bytes = sizeof *push,
	}));
	TRY(kiln_buffer_read(pixels, 0, picture->pixels, bytes));
done:
	kiln_buffer_destroy(&pixels);
	kiln_kernel_destroy(&kernel);
	kiln_device_close(&device);
	return status;
}

/* One pixel on the processor, in the kernel's own arithmetic. */
static void expected_pixel(const struct push *push, uint32_t samples, uint32_t x, uint32_t y, float rgb[3])
{
	static const float PHASE[3] = {0.50f, 0.60f, 0.70f};
	float scale = push->span / (float)push->height, points = (float)(samples * samples);

	rgb[0] = rgb[1] = rgb[2] = 0;
	for (uint32_t i = 0; i < samples * samples; i++) {
		float in_x = ((float)(i % samples) + 0.5f) / (float)samples;
		float in_y = ((float)(i / samples) + 0.5f) / (float)samples;
		float cx = push->centre_x + ((float)x + in_x - 0.5f * (float)push->width) * scale;
		float cy = push->centre_y - ((float)y + in_y - 0.5f * (float)push->height) * scale;
		float zx = 0, zy = 0;
		uint32_t steps = 0;
		for (; steps < push->iterations && zx * zx + zy * zy < 65536.0f; steps++) {
			float next = zx * zx - zy * zy + cx;
			zy = 2 * zx * zy + cy;
			zx = next;
		}
		if (steps == push->iterations)
			continue;
		float t = 0.18f * sqrtf(fmaxf((float)steps + 4 - log2f(log2f(zx * zx + zy * zy)), 0));
		for (int c = 0; c < 3; c++)
			rgb[c] += (0.5f + 0.5f * cosf(6.2831853f * (t + PHASE[c]))) / points;
	}
}

/* Near the border of the set the last bit of a coordinate decides a pixel, so only those are compared that
 * stay the same when the view moves by one bit. */
static bool check(const struct push *push, uint32_t samples, const struct picture *picture)
{
	struct push moved = *push;
	size_t compared = 0, differ = 0, count = (size_t)push->width * push->height;

	moved.centre_x = nextafterf(push->centre_x, 10);
	for (size_t i = 0; i < count; i += 1009) {
		float rgb[3], other[3];
		uint32_t x = (uint32_t)(i % push->width), y = (uint32_t)(i / push->width);
		expected_pixel(push, samples, x, y, rgb);
		expected_pixel(&moved, samples, x, y, other);
		if (fabsf(rgb[0] - other[0]) + fabsf(rgb[1] - other[1]) + fabsf(rgb[2] - other[2]) > 0.01f)
			continue;
		differ += !picture_matches(picture, x, y, rgb);
		compared++;
	}
	printf("check      %zu pixels against the processor, %zu differ\n", compared, differ);
	return differ * 50 <= compared;
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = {
		{"height", required_argument, NULL, 'H'}, {"help", no_argument, NULL, 'h'},
		{"imaginary", required_argument, NULL, 'y'}, {"iterations", required_argument, NULL, 'i'},
		{"output", required_argument, NULL, 'o'}, {"real", required_argument, NULL, 'x'},
		{"samples", required_argument, NULL, 'a'}, {"span", required_argument, NULL, 's'},
		{"width", required_argument, NULL, 'W'}, {NULL, 0, NULL, 0},
	};
	struct push push = {1024, 640, -0.7436f, 0.1318f, 0.006f, 600};
	const char *output = "mandelbrot.png";
	uint32_t samples = 2;
	int option;
	while ((option = getopt_long(argc, argv, "H:W:a:hi:o:s:x:y:", OPTIONS, NULL)) != -1) {
		switch (option) {
		case 'H': push.height = example_count("--height", optarg, 1, 16384); break;
		case 'W': push.width = example_count("--width", optarg, 1, 16384); break;
		case 'a': samples = example_count("--samples", optarg, 1, 16); break;
		case 'i': push.iterations = example_count("--iterations", optarg, 1, 1000000); break;
		case 'o': output = optarg; break;
		case 's': push.span = (float)example_number("--span", optarg, 1e-5, 100); break;
		case 'x': push.centre_x = (float)example_number("--real", optarg, -10, 10); break;
		case 'y': push.centre_y = (float)example_number("--imaginary", optarg, -10, 10); break;
		default: example_usage(HELP, option == 'h' ? 0 : 2);
		}
	}
	example_arguments(argc, argv, 0);
	struct picture picture;
	if (!picture_create(&picture, push.width, push.height))
		return EXIT_FAILURE;
	enum kiln_status status = draw(&push, samples, &picture);
	int code = example_exit(status, status == KILN_OK && check(&push, samples, &picture));
	if (code == EXIT_SUCCESS && !picture_write(&picture, output))
		code = EXIT_FAILURE;
	if (code == EXIT_SUCCESS)
		printf("picture    %s, %u x %u\n", output, push.width, push.height);
	picture_destroy(&picture);
	return code;
}
