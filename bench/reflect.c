/* Reflection and digest of a module: 6 KB against a time, 1 MB against a rate; or of the .spv files given,
 * which is how to measure real ones. The built-in modules have the mix of a front end's output: names,
 * decorations, and functions of access chains, loads, arithmetic, stores and branches. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kiln/reflect.h>
#include <kiln/status.h>

#include "common.h"

#define LIMIT_SMALL_US 25.0
#define LIMIT_LARGE_US (1048576 / 500.0) /* 1 MiB at 500 MB/s */
#define ROUNDS 2000

struct writer {
	uint32_t *words;
	size_t count;
};

static void put(struct writer *writer, uint32_t opcode, const uint32_t *operands, uint32_t count)
{
	writer->words[writer->count++] = (count + 1) << 16 | opcode;
	for (uint32_t i = 0; i < count; i++)
		writer->words[writer->count++] = operands[i];
}

#define PUT(writer, opcode, ...) \
	put(writer, opcode, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

/* Ids of the module's declarations; bodies count up from BODY. */
enum { VOID = 1, FUNCTION_TYPE, FLOAT, UINT, ZERO, ARRAY, BLOCK, POINTER, ELEMENT, A, B, MAIN, BODY };

static void begin(struct writer *writer, uint32_t named)
{
	memcpy(writer->words, (const uint32_t[]){0x07230203, 0x00010300, 0x0008000b, 0, 0}, 20);
	writer->count = 5;
	PUT(writer, 17, 1);
	PUT(writer, 14, 0, 1);
	PUT(writer, 15, 5, MAIN, 0x6e69616d, 0);
	PUT(writer, 16, MAIN, 17, 64, 1, 1);
	for (uint32_t i = 0; i < named; i++) /* "value   " */
		PUT(writer, 5, BODY + 1 + i * 9, 0x756c6176, 0x20202065, 0);
	PUT(writer, 71, ARRAY, 6, 4);
	PUT(writer, 71, BLOCK, 2);
	PUT(writer, 72, BLOCK, 0, 35, 0);
	for (uint32_t i = 0; i < 2; i++) {
		PUT(writer, 71, A + i, 34, 0);
		PUT(writer, 71, A + i, 33, i);
	}
}

static void declare(struct writer *writer)
{
	PUT(writer, 19, VOID);
	PUT(writer, 33, FUNCTION_TYPE, VOID);
	PUT(writer, 22, FLOAT, 32);
	PUT(writer, 21, UINT, 32, 0);
	PUT(writer, 43, UINT, ZERO, 0);
	PUT(writer, 29, ARRAY, FLOAT);
	PUT(writer, 30, BLOCK, ARRAY);
	PUT(writer, 32, POINTER, 12, BLOCK);
	PUT(writer, 32, ELEMENT, 12, FLOAT);
	PUT(writer, 59, POINTER, A, 12);
	PUT(writer, 59, POINTER, B, 12);
}

/* Nine ids and 44 words. */
static void body(struct writer *writer, uint32_t id)
{
	PUT(writer, 249, id);
	PUT(writer, 248, id);
	PUT(writer, 65, ELEMENT, id + 1, A, ZERO, ZERO);
	PUT(writer, 61, FLOAT, id + 2, id + 1);
	PUT(writer, 133, FLOAT, id + 3, id + 2, id + 2);
	PUT(writer, 65, ELEMENT, id + 4, B, ZERO, ZERO);
	PUT(writer, 61, FLOAT, id + 5, id + 4);
	PUT(writer, 129, FLOAT, id + 6, id + 3, id + 5);
	PUT(writer, 127, FLOAT, id + 7, id + 6);
	PUT(writer, 62, id + 4, id + 7);
}

static struct writer make_module(size_t bytes)
{
	uint32_t bodies = (uint32_t)(bytes / 4 - 100) / 50;
	struct writer writer = {malloc(bytes + 4096), 0};
	uint32_t id = BODY;
	if (!writer.words)
		bench_die("out of memory");
	begin(&writer, bodies);
	declare(&writer);
	PUT(&writer, 54, VOID, MAIN, 0, FUNCTION_TYPE);
	PUT(&writer, 248, id + bodies * 9);
	for (uint32_t i = 0; i < bodies; i++, id += 9)
		body(&writer, id);
	PUT(&writer, 253);
	PUT(&writer, 56);
	writer.words[3] = id + 1;
	return writer;
}

static struct writer read_module(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct writer writer = {malloc(64 << 20), 0};
	if (!file || !writer.words)
		bench_die("cannot read %s", path);
	writer.count = fread(writer.words, 4, 16 << 20, file);
	fclose(file);
	return writer;
}

static double reflect_us(const struct writer *module)
{
	struct kiln_reflection *reflection = NULL;
	uint64_t start = bench_now_ns();
	if (kiln_reflect(module->words, module->count * 4, &reflection) != KILN_OK)
		bench_die("%s", kiln_error_message());
	double us = (double)(bench_now_ns() - start) / 1000;
	kiln_reflection_destroy(&reflection);
	return us;
}

static void measure(const struct bench_options *options, const struct writer *modules,
                    struct bench_result *results, struct bench_series *series, size_t count)
{
	for (unsigned round = 0; round < options->rounds; round++)
		for (size_t i = 0; i < count; i++)
			bench_add(&series[i], reflect_us(&modules[i]));
	for (size_t i = 0; i < count; i++)
		results[i].ours = &series[i];
	bench_print("reflect", options, results, count);
}

/* Takes the arguments that end in ".spv" out of the list. */
static size_t take_files(int *argc, char **argv, const char **out_files, size_t room)
{
	size_t count = 0;
	int kept = 1;
	for (int i = 1; i < *argc; i++) {
		const char *ending = strrchr(argv[i], '.');
		if (ending && strcmp(ending, ".spv") == 0 && count < room)
			out_files[count++] = argv[i];
		else
			argv[kept++] = argv[i];
	}
	*argc = kept;
	return count;
}

int main(int argc, char **argv)
{
	enum { ROOM = 16 };
	const char *files[ROOM];
	size_t count = take_files(&argc, argv, files, ROOM);
	struct bench_options options =
		bench_parse(argc, argv, "Reflection and digest of SPIR-V: [FILE.spv ...]", ROUNDS);
	struct writer modules[ROOM];
	struct bench_series series[ROOM] = {0};
	struct bench_result results[ROOM] = {0};
	for (size_t i = 0; i < count; i++) {
		modules[i] = read_module(files[i]);
		results[i] = (struct bench_result){.name = files[i], .unit = "us"};
	}
	if (count == 0) {
		modules[0] = make_module(6 << 10);
		results[0] =
			(struct bench_result){"module of 6 KiB", "us", NULL, NULL, LIMIT_SMALL_US, "median"};
		modules[1] = make_module(1 << 20);
		results[1] =
			(struct bench_result){"module of 1 MiB", "us", NULL, NULL, LIMIT_LARGE_US, "median"};
		count = 2;
	}
	measure(&options, modules, results, series, count);
	for (size_t i = 0; i < count; i++) {
		free(modules[i].words);
		bench_finish(&series[i]);
	}
	return 0;
}
