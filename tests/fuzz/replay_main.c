/* Feeds files, or every file of folders, to a fuzz target: the corpus replayed in every build. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static unsigned replayed;

static int replay_file(const char *path, size_t bytes)
{
	FILE *file = fopen(path, "rb");
	/* Exactly as long as the input, so that the address sanitizer sees a read beyond it. */
	uint8_t *data = malloc(bytes != 0 ? bytes : 1);

	if (file == NULL || data == NULL || fread(data, 1, bytes, file) != bytes) {
		fprintf(stderr, "cannot read %s\n", path);
		exit(2);
	}
	fclose(file);
	LLVMFuzzerTestOneInput(data, bytes);
	free(data);
	replayed++;
	return 0;
}

static int replay(const char *path);

static int replay_folder(const char *path)
{
	struct dirent **names;
	int count = scandir(path, &names, NULL, alphasort);
	int failures = count < 0;

	for (int i = 0; i < count; i++) {
		char inner[4096];

		if (names[i]->d_name[0] != '.') {
			snprintf(inner, sizeof(inner), "%s/%s", path, names[i]->d_name);
			failures += replay(inner);
		}
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	return failures;
}

static int replay(const char *path)
{
	struct stat facts;

	if (stat(path, &facts) != 0) {
		fprintf(stderr, "no such file or folder: %s\n", path);
		return 1;
	}
	return S_ISDIR(facts.st_mode) ? replay_folder(path) : replay_file(path, (size_t)facts.st_size);
}

int main(int argc, char **argv)
{
	int failures = 0;

	for (int i = 1; i < argc; i++)
		failures += replay(argv[i]);
	printf("replayed %u inputs\n", replayed);
	/* An empty corpus proves nothing. */
	return failures == 0 && replayed > 0 ? 0 : 1;
}
