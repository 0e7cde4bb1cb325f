/* For resize_against_spirv_val.py: reads lines "IN OUT X Y Z", writes IN with that workgroup size of its first entry point to
 * OUT, and prints "resized", or why not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kiln/reflect.h>

#ifdef NDEBUG
#error "tests need assertions"
#endif

static uint32_t *read_words(const char *path, size_t *out_bytes)
{
	FILE *file = fopen(path, "rb");
	size_t room = (size_t)16 << 20;
	uint32_t *words = malloc(room);

	if (!file || !words) {
		fprintf(stderr, "cannot read %s\n", path);
		exit(2);
	}
	*out_bytes = fread(words, 1, room, file);
	fclose(file);
	return words;
}

static void write_words(const char *path, const uint32_t *words, size_t count)
{
	FILE *file = fopen(path, "wb");

	if (!file || fwrite(words, 4, count, file) != count || fclose(file) != 0) {
		fprintf(stderr, "cannot write %s\n", path);
		exit(2);
	}
}

static void resize(const char *in, const char *out, const uint32_t size[3])
{
	struct kiln_reflection *reflection = NULL;
	size_t bytes, count = 0;
	uint32_t *code = read_words(in, &bytes);
	uint32_t *words = malloc(bytes + KILN_RESIZE_WORDS * 4);
	enum kiln_status status = kiln_reflect(code, bytes, &reflection);

	if (words && status == KILN_OK)
		status = kiln_reflect_resize(code, bytes, reflection->entries[0].name, size, words, &count);
	printf("%s\n", status == KILN_OK ? "resized" : kiln_error_message());
	if (status == KILN_OK)
		write_words(out, words, count);
	kiln_reflection_destroy(&reflection);
	free(words);
	free(code);
}

int main(void)
{
	char line[8192], in[4000], out[4000];
	uint32_t size[3];

	while (fgets(line, sizeof(line), stdin))
		if (sscanf(line, "%3999s %3999s %u %u %u", in, out, &size[0], &size[1], &size[2]) == 5)
			resize(in, out, size);
	return 0;
}
