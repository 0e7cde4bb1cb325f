#include "fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

struct kiln_pipeline_key sample_key(unsigned program, unsigned workgroup)
{
	static const struct kiln_spec_value spec[] = {
		{.id = 0, .size = 4, .value = 64},
		{.id = 7, .size = 8, .value = UINT64_C(0x0123456789abcdef)},
	};

	return (struct kiln_pipeline_key){
		.program = kiln_digest_of(&program, sizeof program),
		.entry = "saxpy",
		.layout = kiln_digest_of("layout", 6),
		.push_bytes = 8,
		.workgroup = {workgroup, 2, 1},
		.spec = spec,
		.spec_count = 2,
		.subgroup_size = 32,
		.robustness = KILN_ROBUSTNESS_BUFFERS,
		.create_flags = KILN_CREATE_DISPATCH_BASE,
		.features = {KILN_FEATURE_F16 | KILN_FEATURE_PUSH_CONSTANTS},
	};
}

struct kiln_fingerprint sample_device(unsigned number)
{
	return kiln_fingerprint_from_parts(0x10005, number, "Mesa 22.3.6", "kiln 0.1.0");
}

struct kiln_pipeline_identity sample_identity(unsigned program, unsigned workgroup, unsigned device)
{
	struct kiln_pipeline_key key = sample_key(program, workgroup);
	struct kiln_fingerprint fingerprint = sample_device(device);
	struct kiln_pipeline_identity identity;

	if (kiln_pipeline_identity(&key, &fingerprint, &identity) != KILN_OK)
		abort();
	return identity;
}

struct kiln_cache_entry sample_entry(const void *payload, size_t bytes)
{
	return (struct kiln_cache_entry){
		.payload = payload,
		.payload_bytes = bytes,
		.flags = KILN_ENTRY_STUB,
		.compile_ns = 59000000,
		.created_s = 1777680000,
	};
}

int cache_setup(void **state)
{
	struct cache_fixture *fixture = calloc(1, sizeof *fixture);

	temp_dir_create(&fixture->dir);
	snprintf(fixture->root, sizeof fixture->root, "%s/pipelines", fixture->dir.path);
	fixture->cache = open_again(fixture, KILN_CACHE_READ_WRITE, 0);
	*state = fixture;
	return 0;
}

int cache_teardown(void **state)
{
	struct cache_fixture *fixture = *state;

	kiln_cache_close(&fixture->cache);
	temp_dir_remove(&fixture->dir);
	free(fixture);
	return 0;
}

struct kiln_cache *open_again(const struct cache_fixture *fixture, enum kiln_cache_mode mode,
                              uint64_t max_entry_bytes)
{
	struct kiln_cache *cache = NULL;

	assert_status(kiln_cache_open(&(struct kiln_cache_params){.root = fixture->root,
	                                                          .mode = mode,
	                                                          .max_entry_bytes = max_entry_bytes},
	                              &cache),
	              KILN_OK);
	return cache;
}

struct kiln_cache *open_on(const struct cache_fixture *fixture, const struct kiln_fs *fs)
{
	const struct kiln_cache_params params = {.root = fixture->root, .mode = KILN_CACHE_READ_WRITE};
	struct kiln_cache *cache = NULL;

	assert_status(kiln_cache_open_on(&(struct kiln_cache_host){.fs = fs}, &params, &cache), KILN_OK);
	return cache;
}

enum kiln_status write_text(struct kiln_cache *cache, unsigned program, unsigned workgroup, unsigned device,
                            const char *text)
{
	struct kiln_pipeline_key key = sample_key(program, workgroup);
	struct kiln_fingerprint fingerprint = sample_device(device);
	struct kiln_cache_entry entry = sample_entry(text, strlen(text));

	return kiln_cache_write(cache, &key, &fingerprint, &entry);
}

enum kiln_status read_text(struct kiln_cache *cache, unsigned program, unsigned workgroup, unsigned device,
                           const char *text)
{
	struct kiln_pipeline_key key = sample_key(program, workgroup);
	struct kiln_fingerprint fingerprint = sample_device(device);
	struct kiln_cache_entry entry = {0};
	enum kiln_status status = kiln_cache_read(cache, &key, &fingerprint, &entry);

	if (status == KILN_OK &&
	    (entry.payload_bytes != strlen(text) || memcmp(entry.payload, text, entry.payload_bytes) != 0))
		status = KILN_ERR_INTERNAL; /* never: a wrong payload */
	kiln_cache_entry_finish(&entry);
	return status;
}

struct path path_of(const struct cache_fixture *fixture, unsigned program, unsigned workgroup,
                    unsigned device)
{
	struct kiln_pipeline_identity identity = sample_identity(program, workgroup, device);
	struct path path;

	if (kiln_cache_path_for(fixture->root, &identity, path.text, sizeof path.text) >= sizeof path.text)
		abort();
	return path;
}

int file_exists(const char *path)
{
	struct stat facts;

	return lstat(path, &facts) == 0;
}

size_t load_file(const char *path, uint8_t *out_data, size_t capacity)
{
	FILE *file = fopen(path, "rb");
	size_t bytes;

	if (file == NULL) {
		perror(path);
		abort();
	}
	bytes = fread(out_data, 1, capacity, file);
	fclose(file);
	return bytes;
}

void save_file(const char *path, const void *data, size_t bytes)
{
	FILE *file = fopen(path, "wb");

	/* Whatever the umask is: the cache reads nothing that others can write. */
	if (file == NULL || fchmod(fileno(file), 0600) != 0 || fwrite(data, 1, bytes, file) != bytes ||
	    fclose(file) != 0) {
		perror(path);
		abort();
	}
}

static unsigned temp_files;

static int look(const char *path, const struct stat *facts, int kind, struct FTW *where)
{
	(void)facts;
	(void)kind;
	temp_files += strncmp(path + where->base, ".tmp", 4) == 0;
	return 0;
}

unsigned count_temp_files(const char *folder)
{
	temp_files = 0;
	nftw(folder, look, 16, FTW_PHYS);
	return temp_files;
}
