/* A store in a folder of its own, and the few things every test of it says. */
#ifndef TESTS_STORE_TEST_H
#define TESTS_STORE_TEST_H

#include "test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kiln/autotune.h>

#include "temp_dir.h"

struct place {
	struct temp_dir dir;
	char path[512];
};

#define LLVMPIPE "vulkan-llvmpipe-llvm-15.0.6-256-bits"
#define NOTICEABLE "a-second-adapter"

static inline void place_create(struct place *place)
{
	temp_dir_create(&place->dir);
	snprintf(place->path, sizeof(place->path), "%s/autotune.toml", place->dir.path);
}

static inline void place_remove(struct place *place)
{
	temp_dir_remove(&place->dir);
}

static inline void write_file(const char *path, const void *data, size_t bytes)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, bytes, file), bytes);
	assert_int_equal(fclose(file), 0);
}

static inline void write_text(const char *path, const char *text)
{
	write_file(path, text, strlen(text));
}

/* NUL-terminated; the caller frees. NULL for a missing file. */
static inline char *read_text(const char *path)
{
	FILE *file = fopen(path, "rb");
	char *text;
	size_t bytes;

	if (file == NULL)
		return NULL;
	text = malloc((size_t)8 << 20);
	assert_non_null(text);
	bytes = fread(text, 1, ((size_t)8 << 20) - 1, file);
	text[bytes] = '\0';
	fclose(file);
	return text;
}

static inline void assert_file_is(const char *path, const char *expected)
{
	char *text = read_text(path);

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

static inline struct kiln_tune_key key_of(uint32_t number)
{
	struct kiln_tune_key key = {{0}};

	for (int i = 0; i < 4; i++)
		key.bytes[12 + i] = (uint8_t)(number >> (8 * (3 - i)));
	return key;
}

static inline struct kiln_tune_record record_of(uint32_t number)
{
	return (struct kiln_tune_record){
		.key = key_of(number),
		.adapter = LLVMPIPE,
		.workgroup_size = {64, 2, 1},
		.unroll = 4,
		.tile = {16, 16, 1},
		.recorded_at = "2026-05-02",
	};
}

static inline struct kiln_store *open_store(const char *path)
{
	struct kiln_store *store = NULL;

	assert_status(kiln_store_open(path, &store), KILN_OK);
	return store;
}

static inline void put(struct kiln_store *store, uint32_t number, uint32_t workgroup)
{
	struct kiln_tune_record record = record_of(number);

	record.workgroup_size[0] = workgroup;
	assert_status(kiln_store_put(store, &record), KILN_OK);
}

/* workgroup_size[0] of a record, 0 when there is none */
static inline uint32_t workgroup_of(struct kiln_store *store, uint32_t number)
{
	struct kiln_tune_key key = key_of(number);
	struct kiln_tune_record record;
	enum kiln_status status = kiln_store_get(store, &key, LLVMPIPE, &record);

	if (status == KILN_ERR_NOT_FOUND)
		return 0;
	assert_status(status, KILN_OK);
	return record.workgroup_size[0];
}

static inline void save(struct kiln_store *store)
{
	bool wrote = false;

	assert_status(kiln_store_save_if_dirty(store, &wrote), KILN_OK);
	assert_true(wrote);
	assert_false(kiln_store_is_dirty(store));
}

static inline bool has_temp_file(const struct place *place)
{
	char command[600];

	snprintf(command, sizeof(command), "ls -A '%s' | grep -q '^\\.tmp'", place->dir.path);
	return system(command) == 0;
}

#endif
