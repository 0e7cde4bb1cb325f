#include "save.h"

#include <errno.h>
#include <fcntl.h>

#include <base/alloc.h>
#include <base/error.h>

#include "bad.h"
#include "compose.h"
#include "fields.h"
#include "guard.h"
#include "litter.h"
#include "load.h"
#include "quick.h"
#include "write.h"

static enum kiln_status context(const struct kiln_save *save, enum kiln_status status)
{
	return status == KILN_OK ? KILN_OK : kiln_error_context(status, "autotune store %s", save->path);
}

static enum kiln_status out_of_memory(const struct kiln_save *save)
{
	return kiln_error(KILN_ERR_OUT_OF_MEMORY,
	                  "autotune store %s: out of memory while saving it. Fix: free memory and save again",
	                  save->path);
}

static enum kiln_status read_in(const struct kiln_save *save, int dir, char **out_text, size_t *out_bytes)
{
	uint8_t *data = NULL;
	size_t bytes = 0;
	enum kiln_status status =
		kiln_fs_read_file(save->fs, dir, save->name, KILN_GUARD_FILE_BYTES, &data, &bytes);

	if (status == KILN_ERR_TOO_LARGE)
		status = KILN_ERR_TOML_HOSTILE;
	if (status != KILN_OK && status != KILN_ERR_NOT_FOUND)
		return context(save, status);
	*out_text = (char *)data;
	*out_bytes = bytes;
	return KILN_OK;
}

enum kiln_status kiln_save_read(const struct kiln_save *save, char **out_text, size_t *out_bytes)
{
	int dir = kiln_fs_open_dir(save->fs, AT_FDCWD, save->folder, false);
	enum kiln_status status;

	if (dir < 0 && errno == ENOENT) {
		*out_text = NULL;
		*out_bytes = 0;
		return KILN_OK;
	}
	if (dir < 0)
		return context(save, kiln_error_errno(errno, "cannot open folder '%s'", save->folder));
	status = read_in(save, dir, out_text, out_bytes);
	save->fs->close(save->fs->user, dir);
	return status;
}

enum kiln_status kiln_save_load(const struct kiln_save *save, struct kiln_records *out_records)
{
	struct kiln_toml *toml = NULL;
	enum kiln_status status;
	char *text = NULL;
	size_t bytes = 0;

	KILN_TRY(kiln_save_read(save, &text, &bytes));
	status = kiln_quick_load(text, bytes, save->strings, out_records);
	if (status == KILN_ERR_OUT_OF_MEMORY)
		status = kiln_error(status,
		                    "autotune store %s: out of memory while reading it. Fix: free memory and "
		                    "call again",
		                    save->path);
	if (status == KILN_ERR_NOT_FOUND) {
		kiln_records_finish(out_records);
		status = kiln_load_toml(save->path, text, bytes, &toml);
		if (status == KILN_OK)
			status = kiln_load_records(save->path, toml, save->strings, out_records);
	}
	kiln_toml_free(toml);
	kiln_free(text);
	return status;
}

/* A put replaces. Only what others found to hang or to be wrong meanwhile stays known. */
static bool replay_put(struct kiln_strings *strings, const struct kiln_entry *own,
                       struct kiln_records *merged)
{
	const struct kiln_entry *there = kiln_records_find(merged, &own->record.key, own->record.adapter);
	size_t source = there != NULL ? there->source : KILN_NO_SOURCE;
	uint32_t foreign = there != NULL ? there->foreign : 0;
	struct kiln_tune_record record = own->record;

	if (there != NULL && !own->anew &&
	    !kiln_bad_union(strings, record.bad, there->record.bad, &record.bad))
		return false;
	/* Where the file has something of somebody else's under the name of a field, ours goes unwritten. */
	kiln_record_yield(&record, foreign);
	if (!kiln_records_set(merged, &record, source, KILN_PENDING_PUT))
		return false;
	kiln_records_find(merged, &record.key, record.adapter)->foreign = foreign;
	return true;
}

static bool replay_forget(const struct kiln_entry *own, struct kiln_records *merged)
{
	const struct kiln_entry *there = kiln_records_find(merged, &own->record.key, own->record.adapter);

	return there == NULL || kiln_records_set(merged, &own->record, there->source, KILN_PENDING_FORGET);
}

/* Ours wins, whatever others wrote meanwhile. */
static bool replay(struct kiln_strings *strings, const struct kiln_records *mine, struct kiln_records *merged)
{
	for (size_t i = 0; i < mine->count; i++) {
		const struct kiln_entry *own = &mine->entries[i];

		if (own->pending == KILN_PENDING_PUT && !replay_put(strings, own, merged))
			return false;
		if (own->pending == KILN_PENDING_FORGET && !replay_forget(own, merged))
			return false;
	}
	return true;
}

static bool same_record(const struct kiln_tune_record *a, const struct kiln_tune_record *b)
{
	/* Kept strings are equal exactly when they are the same. */
	for (int i = 0; i < 3; i++) {
		if (a->workgroup_size[i] != b->workgroup_size[i] || a->tile[i] != b->tile[i])
			return false;
	}
	return a->unroll == b->unroll && a->recorded_at == b->recorded_at && a->driver == b->driver &&
	       a->bucket == b->bucket && a->rounds == b->rounds && a->status == b->status &&
	       a->bad == b->bad && kiln_ratio_units(a->ratio_default) == kiln_ratio_units(b->ratio_default);
}

/* Whether the record has kept what is not ours. */
static bool kept_unknown(const struct kiln_toml *old, const struct kiln_entry *entry,
                         const struct kiln_toml *new, size_t new_index)
{
	const char *own[2 + KILN_FIELDS] = {KILN_FIELD_KEY, KILN_FIELD_ADAPTER};
	size_t count = 2;

	for (size_t i = 0; i < KILN_FIELDS; i++)
		if (!(entry->foreign & 1u << i))
			own[count++] = kiln_fields[i].name;
	return kiln_toml_same(old, entry->source, new, new_index, own, count);
}

/* Whether the new text says what `merged` says, and nothing unknown in the old one was lost on the way. */
static bool holds(const struct kiln_toml *old, const struct kiln_records *merged, const struct kiln_toml *new,
                  const struct kiln_records *reread)
{
	static const char *const root[] = {KILN_FIELD_SCHEMA, KILN_FIELD_RECORD};

	if (reread->live != merged->live ||
	    !kiln_toml_same(old, KILN_TOML_ROOT, new, KILN_TOML_ROOT, root, 2))
		return false;
	for (size_t i = 0; i < merged->count; i++) {
		const struct kiln_entry *entry = &merged->entries[i];
		const struct kiln_entry *there =
			kiln_records_find(reread, &entry->record.key, entry->record.adapter);

		if (!entry->live)
			continue;
		if (there == NULL || !same_record(&entry->record, &there->record))
			return false;
		if (entry->source != KILN_NO_SOURCE && !kept_unknown(old, entry, new, there->source))
			return false;
	}
	return true;
}

/* Reads the text back before it replaces a good file: one that this or another Kiln could not read is
 * never written. */
static enum kiln_status verify(const struct kiln_save *save, const struct kiln_toml *old,
                               const struct kiln_records *merged, const struct kiln_writer *text)
{
	struct kiln_records reread = {0};
	struct kiln_toml *new = NULL;
	enum kiln_status status = kiln_load_toml(save->path, (const char *)text->data, text->bytes, &new);

	if (status == KILN_OK)
		status = kiln_load_records(save->path, new, save->strings, &reread);
	if (status == KILN_OK && !holds(old, merged, new, &reread))
		status = kiln_error(KILN_ERR_INTERNAL, "the new text does not read back as it was meant. "
		                                       "Fix: report this with the file");
	kiln_records_finish(&reread);
	kiln_toml_free(new);
	if (status == KILN_OK || status == KILN_ERR_OUT_OF_MEMORY)
		return status;
	return kiln_error_context(status,
	                          "the file was left as it is, because what would be written is refused");
}

enum kiln_status kiln_save_merge(const struct kiln_save *save, const char *text, size_t bytes,
                                 const struct kiln_records *mine, struct kiln_records *merged,
                                 struct kiln_writer *out_text)
{
	struct kiln_toml *old = NULL;
	enum kiln_status status = kiln_load_toml(save->path, text, bytes, &old);

	if (status == KILN_OK)
		status = kiln_load_records(save->path, old, save->strings, merged);
	if (status == KILN_OK &&
	    (!replay(save->strings, mine, merged) || kiln_compose(text, bytes, merged, out_text) != KILN_OK))
		status = out_of_memory(save);
	if (status == KILN_OK)
		status = verify(save, old, merged, out_text);
	kiln_toml_free(old);
	return status;
}

static enum kiln_status rewrite(const struct kiln_save *save, int dir, const struct kiln_records *mine,
                                struct kiln_records *merged)
{
	struct kiln_writer new_text = {0};
	char *text = NULL;
	size_t bytes = 0;
	enum kiln_status status = read_in(save, dir, &text, &bytes);

	if (status == KILN_OK)
		status = kiln_save_merge(save, text, bytes, mine, merged, &new_text);
	if (status == KILN_OK)
		status = context(save, kiln_fs_install(save->fs, dir, save->name, new_text.data,
		                                       new_text.bytes, true));
	kiln_writer_finish(&new_text);
	kiln_free(text);
	return status;
}

/* The lock lives on a file of its own, which stays: the data file is replaced by each save, and a lock on
 * a file that has been replaced excludes nobody. */
static enum kiln_status lock(const struct kiln_save *save, int dir, int *out_fd)
{
	const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
	int fd = save->fs->openat(save->fs->user, dir, save->lock_name, flags, 0600);
	enum kiln_status status;

	if (fd >= 0 && save->fs->lock(save->fs->user, fd) == 0) {
		*out_fd = fd;
		return KILN_OK;
	}
	status = kiln_error_errno(errno, "cannot lock '%s'", save->lock_name);
	if (fd >= 0)
		save->fs->close(save->fs->user, fd);
	return context(save, status);
}

enum kiln_status kiln_save_merged(const struct kiln_save *save, const struct kiln_records *mine,
                                  struct kiln_records *out_merged)
{
	struct kiln_records merged = {0};
	enum kiln_status status = context(save, kiln_fs_make_dirs(save->fs, save->folder));
	int lock_fd = -1;
	int dir;

	if (status != KILN_OK)
		return status;
	dir = kiln_fs_open_dir(save->fs, AT_FDCWD, save->folder, false);
	if (dir < 0)
		return context(save, kiln_error_errno(errno, "cannot open folder '%s'", save->folder));
	status = lock(save, dir, &lock_fd);
	if (status == KILN_OK) {
		status = rewrite(save, dir, mine, &merged);
		if (status == KILN_OK)
			kiln_litter_remove(save->fs, dir);
		save->fs->close(save->fs->user, lock_fd);
	}
	save->fs->close(save->fs->user, dir);
	if (status != KILN_OK) {
		kiln_records_finish(&merged);
		return status;
	}
	kiln_records_settle(&merged);
	*out_merged = merged;
	return KILN_OK;
}
