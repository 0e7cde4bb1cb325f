/* A store's text: guarded, parsed, rewritten with a record put, replaced and forgotten, and read back.
 * What the rewrite must keep is checked by kiln_save_merge() itself, so that a status is all that can go
 * wrong here. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <base/alloc.h>

#include "load.h"
#include "save.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int condition)
{
	if (!condition)
		abort();
}

static struct kiln_tune_record new_record(void)
{
	return (struct kiln_tune_record){
		.key = {{7}},
		.workgroup_size = {64, 1, 1},
		.unroll = 2,
		.tile = {0, 0, 0},
	};
}

/* Replaces the first record of the file, forgets the second, adds one. */
static void plan(struct kiln_strings *strings, const struct kiln_records *file, struct kiln_records *mine)
{
	struct kiln_tune_record record = new_record();

	record.adapter = kiln_strings_keep(strings, "fuzz", 4);
	record.recorded_at = kiln_strings_keep(strings, "2026-05-02", 10);
	check(kiln_records_set(mine, &record, KILN_NO_SOURCE, KILN_PENDING_PUT));
	if (file->count > 0) {
		record.key = file->entries[0].record.key;
		record.adapter = file->entries[0].record.adapter;
		check(kiln_records_set(mine, &record, KILN_NO_SOURCE, KILN_PENDING_PUT));
	}
	if (file->count > 1)
		check(kiln_records_set(mine, &file->entries[1].record, KILN_NO_SOURCE, KILN_PENDING_FORGET));
}

static void rewrite(const struct kiln_save *save, const char *text, size_t bytes,
                    const struct kiln_records *file)
{
	struct kiln_records mine = {0}, merged = {0}, again = {0};
	struct kiln_writer once = {0}, twice = {0};
	enum kiln_status status;

	plan(save->strings, file, &mine);
	status = kiln_save_merge(save, text, bytes, &mine, &merged, &once);
	/* Escapes can make a line too long for the guard, and then nothing is written. */
	check(status == KILN_OK || status == KILN_ERR_TOML_HOSTILE);
	if (status == KILN_OK) {
		check(kiln_save_merge(save, (const char *)once.data, once.bytes, &mine, &again, &twice) ==
		      KILN_OK);
		check(twice.bytes == once.bytes && memcmp(once.data, twice.data, once.bytes) == 0);
	}
	kiln_writer_finish(&once);
	kiln_writer_finish(&twice);
	kiln_records_finish(&mine);
	kiln_records_finish(&merged);
	kiln_records_finish(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kiln_strings strings = {0};
	struct kiln_records file = {0};
	struct kiln_toml *toml = NULL;
	const struct kiln_save save = {.path = "fuzz.toml", .strings = &strings};
	char *text = kiln_memdup(data, size);
	enum kiln_status status = kiln_load_toml(save.path, text, size, &toml);

	if (status == KILN_OK)
		status = kiln_load_records(save.path, toml, &strings, &file);
	kiln_toml_free(toml);
	if (status == KILN_OK)
		rewrite(&save, text, size, &file);
	kiln_records_finish(&file);
	kiln_strings_finish(&strings);
	kiln_free(text);
	return 0;
}
