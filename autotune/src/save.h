/* One save: what is in the file now, with this store's changes on top, back into the file. */
#ifndef AUTOTUNE_SAVE_H
#define AUTOTUNE_SAVE_H

#include <base/bytes.h>
#include <base/fs.h>

#include "records.h"
#include "strings.h"

struct kiln_save {
	const struct kiln_fs *fs;
	const char *path; /* for messages */
	const char *folder;
	const char *name; /* of the file in it */
	const char *lock_name;
	struct kiln_strings *strings;
};

/* The file's text, *out_text NULL and 0 bytes when there is no file. Takes no lock.
 * Returns: KILN_OK, KILN_ERR_TOML_HOSTILE when too large, or what kiln_fs_read_file() gives; sets the
 * message.
 * Ownership: *out_text is kiln_free()d by the caller. */
enum kiln_status kiln_save_read(const struct kiln_save *save, char **out_text, size_t *out_bytes);

/* Adds the records of the file to `out_records`, which is empty. A missing file is an empty store. */
enum kiln_status kiln_save_load(const struct kiln_save *save, struct kiln_records *out_records);

/* The step of a save that touches no file: from the old text and what is pending in `mine` to the new
 * text, which has been read back and holds what it must. `merged` starts empty and becomes the records of
 * the new text.
 * Returns: what loading gives, for the old text or the new one; KILN_ERR_INTERNAL when the new one says
 * something else.
 * Ownership: *merged and *out_text are the caller's to finish, also on failure. */
enum kiln_status kiln_save_merge(const struct kiln_save *save, const char *text, size_t bytes,
                                 const struct kiln_records *mine, struct kiln_records *merged,
                                 struct kiln_writer *out_text);

/* Locks, re-reads, replays what is pending in `mine`, replaces the file. On success *out_merged is what
 * the file holds now; nothing in it is pending. On failure the file is as it was, unless only making it
 * durable failed.
 * Ownership: kiln_records_finish() by the caller. */
enum kiln_status kiln_save_merged(const struct kiln_save *save, const struct kiln_records *mine,
                                  struct kiln_records *out_merged);

#endif
