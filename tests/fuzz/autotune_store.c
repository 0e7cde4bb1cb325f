/* A store's text: guarded, parsed, rewritten with a record put, replaced and forgotten, and read back.
 * What the rewrite must keep is checked by kiln_save_merge() itself, so that a status is all that can go
 * wrong here. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <base/alloc.h>

#include "load.h"
#include "quick.h"
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

static void check_entry(const struct kiln_entry *entry, const struct kiln_entry *other)
{
	const struct kiln_tune_record *a = &entry->record, *b = &other->record;

	check(memcmp(a->workgroup_size, b->workgroup_size, sizeof(a->workgroup_size)) == 0 &&
	      memcmp(a->tile, b->tile, sizeof(a->tile)) == 0 && a->unroll == b->unroll);
	check(a->recorded_at == b->recorded_at && a->driver == b->driver && a->bad == b->bad);
	check(a->bucket == b->bucket && a->rounds == b->rounds && a->status == b->status &&
	      a->ratio_default == b->ratio_default && entry->foreign == 0 && other->foreign == 0);
}

static void check_same(const struct kiln_records *quick, const struct kiln_records *file)
{
	check(quick->live == file->live);
	for (size_t i = 0; i < quick->count; i++) {
		const struct kiln_entry *entry = &quick->entries[i];
		const struct kiln_entry *other =
			kiln_records_find(file, &entry->record.key, entry->record.adapter);

		check(other != NULL && other->live);
		check_entry(entry, other);
	}
}

/* What the short way reads, the parser reads too, and the same. */
static void read_quickly(const char *text, size_t bytes, struct kiln_strings *strings,
                         enum kiln_status status, const struct kiln_records *file)
{
	struct kiln_records quick = {0};

	if (kiln_quick_load(text, bytes, strings, &quick) == KILN_OK) {
		check(status == KILN_OK);
		check_same(&quick, file);
	}
	kiln_records_finish(&quick);
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
		read_quickly((const char *)once.data, once.bytes, save->strings, KILN_OK, &again);
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
	read_quickly(text, size, &strings, status, &file);
	if (status == KILN_OK)
		rewrite(&save, text, size, &file);
	kiln_records_finish(&file);
	kiln_strings_finish(&strings);
	kiln_free(text);
	return 0;
}
