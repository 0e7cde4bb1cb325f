/* A cheap look everywhere, a costly one where it may pay. Finds where a text holds a needle with some typos: wrong, missing or
 * additional bytes. A quick kernel marks the few places where some piece of the needle stands as it is, and the exact one, edit
 * distance, looks at those alone: same matches, a fraction of the time. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kiln/kiln.h>
#include <kiln/shaders/search_confirm.h>
#include <kiln/shaders/search_filter.h>

#include "example.h"

#define NEEDLE_BYTES 64
#define PIECE_BYTES (1u << 20) /* of text, searched at a time */
#define MATCHES_MAX 65536      /* in one piece */
#define SHOWN 8

static const char HELP[] = "usage: 12_speculative_filter [options] [FILE]\n"
			   "Finds the needle in FILE (default: 2 MiB of an invented log), typos allowed.\n"
			   "  -s, --search TEXT  the needle, up to 64 bytes (\"connection refused\")\n"
			   "  -t, --typos N      at most so many (2)\n"
			   "  -h, --help         this text\n";

struct push {
	uint32_t end, length, typos;
	char needle[NEEDLE_BYTES];
};

struct text {
	char *bytes;
	size_t size;
};

struct match {
	uint32_t position, typos;
};

/* What one search found, and how. */
struct search {
	struct match *matches;
	size_t count, survivors;
	double ms;
};

struct device {
	struct kiln_device *handle;
	struct kiln_kernel *filter, *confirm;
	struct kiln_buffer *text, *matches, *survivors;
};

/* ---- The text ---- */

/* Lines of chosen words; one in some thousand has a needle, in many spellings. */
static bool invent(struct text *text, const char *needle)
{
	static const char *const WORDS[] = {"accepted", "closed",   "retrying", "from", "worker",     "timeout", "peer",
	                                    "10.0.0.7", "in 31 ms", "queue",    "disk", "GET /index", "204",     "user"};
	uint32_t state = 7;
	size_t length = strlen(needle);

	text->size = 2 << 20;
	text->bytes = malloc(text->size);
	for (size_t at = 0; text->bytes && at < text->size;) {
		char word[NEEDLE_BYTES + 2];
		state = state * 1664525u + 1013904223u;
		bool planted = (state >> 16) % 4096 == 0;
		int bytes = snprintf(word, sizeof word, "%s%c", planted ? needle : WORDS[(state >> 20) % 14],
		                     (state >> 12) % 8 ? ' ' : '\n');
		if (planted && (state >> 8) % 4) /* a typo or none */
			word[(state >> 10) % length] = 'x';
		for (int i = 0; i < bytes && at < text->size; i++)
			text->bytes[at++] = word[i];
	}
	return text->bytes != NULL;
}

static bool read_file(const char *path, struct text *text)
{
	FILE *file = fopen(path, "rb");
	long size = file && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;

	if (size > 0 && (unsigned long)size < UINT32_MAX) {
		rewind(file);
		text->size = (size_t)size;
		text->bytes = malloc(text->size);
	}
	bool whole = text->bytes && fread(text->bytes, 1, text->size, file) == text->size;
	if (!whole)
		fprintf(stderr, "%s cannot be read. Fix: name a file that is not empty and below 4 GiB\n", path);
	if (file)
		fclose(file);
	return whole;
}

/* ---- Searching ---- */

static enum kiln_status add_matches(struct device *device, uint32_t begin, struct search *search)
{
	uint32_t head[2], zeroes[2] = {0};
	struct match *more;

	KILN_TRY(kiln_buffer_read(device->matches, 0, head, sizeof head));
	if (head[0] > MATCHES_MAX) {
		fprintf(stderr, "%u matches in one piece of text. Fix: allow fewer typos\n", head[0]);
		return KILN_ERR_TOO_LARGE;
	}
	more = realloc(search->matches, (search->count + head[0] + 1) * sizeof *more);
	if (!more)
		return KILN_ERR_OUT_OF_MEMORY;
	search->matches = more;
	more += search->count;
	search->count += head[0];
	KILN_TRY(kiln_buffer_read(device->matches, sizeof head, more, head[0] * sizeof *more));
	for (uint32_t i = 0; i < head[0]; i++)
		more[i].position += begin;
	return kiln_buffer_write(device->matches, 0, zeroes, sizeof zeroes);
}

/* Positions begin .. begin + count; `filtered` false: the exact kernel looks at all of them. */
static enum kiln_status search_piece(struct device *device, const struct text *text, uint32_t begin, uint32_t count,
                                     struct push push, bool filtered, struct search *search)
{
	size_t left = text->size - begin, need = (size_t)count + push.length + push.typos;
	uint32_t survivors;

	push.end = (uint32_t)(left < need ? left : need);
	KILN_TRY(kiln_buffer_write(device->text, 0, text->bytes + begin, push.end));
	double start = example_ms();
	KILN_TRY(kiln_speculate(kiln_device_stream(device->handle), &(struct kiln_speculate_params){
		.prefilter = filtered ? device->filter : NULL,
		.prefilter_launch = {
			.threads = {(count + 31) / 32},
			.buffers = {device->text},
			.push = &push,
			.push_bytes = sizeof push,
		},
		.confirmer = device->confirm,
		.confirmer_launch = {
			.buffers = {device->text, device->matches},
			.push = &push,
			.push_bytes = sizeof push,
		},
		.count = count,
		.survivors = {.buffer = device->survivors},
	}));
	KILN_TRY(kiln_buffer_read(device->survivors, 0, &survivors, sizeof survivors));
	search->ms += example_ms() - start;
	search->survivors += survivors;
	return add_matches(device, begin, search);
}

static int by_position(const void *a, const void *b)
{
	uint32_t left = ((const struct match *)a)->position, right = ((const struct match *)b)->position;
	return left < right ? -1 : left > right;
}

static enum kiln_status search_all(struct device *device, const struct text *text, const struct push *push,
                                   bool filtered, struct search *search)
{
	for (size_t begin = 0; begin < text->size; begin += PIECE_BYTES) {
		size_t left = text->size - begin;
		KILN_TRY(search_piece(device, text, (uint32_t)begin, (uint32_t)(left < PIECE_BYTES ? left : PIECE_BYTES),
		                      *push, filtered, search));
	}
	qsort(search->matches, search->count, sizeof *search->matches, by_position);
	return KILN_OK;
}

static enum kiln_status open_device(struct device *device)
{
	struct kiln_kernel_params filter = {KILN_SHADER(search_filter), .modes = KILN_FEATURE_SPECULATIVE};
	struct kiln_kernel_params confirm = {KILN_SHADER(search_confirm), .modes = KILN_FEATURE_SPECULATIVE};
	struct kiln_buffer_params text = {.bytes = PIECE_BYTES + 4 * NEEDLE_BYTES};
	struct kiln_buffer_params matches = {.bytes = 8 + MATCHES_MAX * sizeof(struct match)};

	KILN_TRY(example_open(&device->handle));
	KILN_TRY(kiln_kernel_create(device->handle, &filter, &device->filter));
	KILN_TRY(kiln_kernel_create(device->handle, &confirm, &device->confirm));
	KILN_TRY(kiln_kernel_resolve(device->filter, NULL)); /* so that compiling is not timed */
	KILN_TRY(kiln_kernel_resolve(device->confirm, NULL));
	KILN_TRY(kiln_buffer_create(device->handle, &text, &device->text));
	KILN_TRY(kiln_buffer_create(device->handle, &matches, &device->matches));
	return kiln_buffer_create(device->handle, &(struct kiln_buffer_params){.bytes = 4}, &device->survivors);
}

static void close_device(struct device *device)
{
	kiln_buffer_destroy(&device->text);
	kiln_buffer_destroy(&device->matches);
	kiln_buffer_destroy(&device->survivors);
	kiln_kernel_destroy(&device->filter);
	kiln_kernel_destroy(&device->confirm);
	kiln_device_close(&device->handle);
}

/* ---- Reporting ---- */

/* One place matches at several positions next to each other: the best of them is shown. */
static void show(const struct text *text, const struct push *push, const struct search *search)
{
	size_t shown = 0, places = 0;
	for (size_t i = 0, best = 0; i < search->count; i++) {
		best = search->matches[i].typos < search->matches[best].typos ? i : best;
		if (i + 1 < search->count &&
		    search->matches[i + 1].position - search->matches[i].position <= push->typos)
			continue;
		uint32_t at = search->matches[best].position;
		size_t bytes = text->size - at < push->length ? text->size - at : push->length;
		if (shown++ < SHOWN)
			printf("  at %-10u '%.*s'\n", at, (int)bytes, text->bytes + at);
		places++;
		best = i + 1;
	}
	printf("matches    %zu positions, %zu places\n", search->count, places);
}

static bool report(const struct text *text, const struct push *push, const struct search *some,
                   const struct search *all)
{
	printf("text       %zu bytes\n", text->size);
	printf("needle     '%.*s', %u typos at most\n", (int)push->length, push->needle, push->typos);
	show(text, push, some);
	printf("survivors  %zu of %zu, %.3f %%\n", some->survivors, all->survivors,
	       100.0 * (double)some->survivors / (double)all->survivors);
	printf("time       %.1f ms, looking everywhere %.1f ms: %.1f times\n", some->ms, all->ms, all->ms / some->ms);
	return some->count == all->count &&
	       (some->count == 0 || memcmp(some->matches, all->matches, some->count * sizeof *some->matches) == 0);
}

static void take_needle(const char *text, struct push *push)
{
	push->length = (uint32_t)strlen(text);
	if (push->length < 1 || push->length > NEEDLE_BYTES) {
		fprintf(stderr, "--search takes 1 to %d bytes. Fix: see --help.\n", NEEDLE_BYTES);
		exit(2);
	}
	memcpy(push->needle, text, push->length);
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = {
		{"help", no_argument, NULL, 'h'},
		{"search", required_argument, NULL, 's'},
		{"typos", required_argument, NULL, 't'},
		{NULL, 0, NULL, 0},
	};
	const char *needle = "connection refused";
	struct push push = {.typos = 2};
	int option;
	while ((option = getopt_long(argc, argv, "hs:t:", OPTIONS, NULL)) != -1) {
		switch (option) {
		case 's': needle = optarg; break;
		case 't': push.typos = example_count("--typos", optarg, 0, 8); break;
		default: example_usage(HELP, option == 'h' ? 0 : 2);
		}
	}
	example_arguments(argc, argv, 1);
	take_needle(needle, &push);
	if (push.length <= push.typos) {
		fprintf(stderr, "%u typos leave nothing of '%s'. Fix: search for more, or allow fewer.\n", push.typos, needle);
		return 2;
	}

	struct text text = {0};
	struct search some = {0}, all = {0};
	struct device device = {0};
	enum kiln_status status = KILN_ERR_OUT_OF_MEMORY;
	bool correct = false;
	if (optind < argc && !read_file(argv[optind], &text)) {
		free(text.bytes);
		return EXIT_FAILURE;
	}
	if (optind == argc && !invent(&text, needle))
		goto done;
	TRY(open_device(&device));
	TRY(search_all(&device, &text, &push, true, &some));
	TRY(search_all(&device, &text, &push, false, &all));
	correct = report(&text, &push, &some, &all);
done:
	close_device(&device);
	free(some.matches);
	free(all.matches);
	free(text.bytes);
	return example_exit(status, correct);
}
