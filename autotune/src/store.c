#include "store.h"

#include <stdio.h>
#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

#include "path.h"
#include "save.h"
#include "store_state.h"

/* ---- Opening and closing ---- */

enum kiln_status kiln_store_out_of_memory(void)
{
	return kiln_error(KILN_ERR_OUT_OF_MEMORY,
	                  "autotune store: out of memory. Fix: free memory and call again");
}

static char *with_suffix(const char *text, const char *suffix)
{
	size_t bytes = strlen(text) + strlen(suffix) + 1;
	char *joined = kiln_alloc(bytes);

	if (joined != NULL)
		snprintf(joined, bytes, "%s%s", text, suffix);
	return joined;
}

/* "a/b.toml" -> "a", "b.toml", "b.toml.lock" */
static bool split_path(struct kiln_store *store, const char *path)
{
	const char *slash = strrchr(path, '/');

	store->path = kiln_strdup(path);
	store->name = kiln_strdup(slash != NULL ? slash + 1 : path);
	store->folder = kiln_strdup(slash == NULL ? "." : slash == path ? "/" : path);
	if (store->path == NULL || store->name == NULL || store->folder == NULL)
		return false;
	if (slash != NULL && slash != path)
		store->folder[slash - path] = '\0';
	store->lock_name = with_suffix(store->name, ".lock");
	return store->lock_name != NULL;
}

static void destroy(struct kiln_store *store)
{
	kiln_records_finish(&store->records);
	kiln_strings_finish(&store->strings);
	kiln_free(store->refusal_message);
	kiln_free(store->lock_name);
	kiln_free(store->name);
	kiln_free(store->folder);
	kiln_free(store->path);
	kiln_free(store);
}

enum kiln_status kiln_store_open_on(const char *path, const struct kiln_fs *fs,
                                    const struct kiln_clock *clock, struct kiln_store **out_store)
{
	struct kiln_store *store;
	enum kiln_status status;

	KILN_CHECK(out_store != NULL, "kiln_store_open: out_store is NULL, expected where to put the store. "
	                              "Fix: pass the address of a pointer");
	KILN_CHECK(path != NULL && kiln_names_a_file(path),
	           "kiln_store_open: path is '%s', expected the path of a file. Fix: add a file name to it",
	           path != NULL ? path : "(null)");
	store = kiln_alloc_zero(1, sizeof(*store));
	if (store == NULL)
		return kiln_store_out_of_memory();
	store->fs = fs;
	store->clock = clock;
	status = split_path(store, path) ? kiln_mutex_init(&store->mutex) : kiln_store_out_of_memory();
	if (status != KILN_OK) {
		destroy(store);
		return status;
	}
	*out_store = store;
	return KILN_OK;
}

enum kiln_status kiln_store_open(const char *path, struct kiln_store **out_store)
{
	enum kiln_status status;
	size_t bytes;
	char *chosen;

	if (path != NULL)
		return kiln_store_open_on(path, &kiln_fs_posix, &kiln_clock_system, out_store);
	bytes = kiln_store_default_path(NULL, NULL, 0) + 1;
	chosen = kiln_alloc(bytes);
	if (chosen == NULL)
		return kiln_store_out_of_memory();
	kiln_store_default_path(NULL, chosen, bytes);
	status = kiln_store_open_on(chosen, &kiln_fs_posix, &kiln_clock_system, out_store);
	kiln_free(chosen);
	return status;
}

void kiln_store_close(struct kiln_store **store)
{
	if (store == NULL || *store == NULL)
		return;
	kiln_mutex_finish(&(*store)->mutex);
	destroy(*store);
	*store = NULL;
}

const char *kiln_store_path(const struct kiln_store *store)
{
	return store != NULL ? store->path : NULL;
}

/* ---- The file, under the mutex ---- */

static struct kiln_save save_of(struct kiln_store *store)
{
	return (struct kiln_save){
		.fs = store->fs,
		.path = store->path,
		.folder = store->folder,
		.name = store->name,
		.lock_name = store->lock_name,
		.strings = &store->strings,
	};
}

/* What the text is does not change by asking again; a full memory or an interrupted disk may. */
static bool is_final(enum kiln_status status)
{
	return status == KILN_ERR_TOML_SYNTAX || status == KILN_ERR_TOML_TYPE ||
	       status == KILN_ERR_TOML_SCHEMA || status == KILN_ERR_TOML_HOSTILE;
}

static enum kiln_status refuse(struct kiln_store *store, enum kiln_status status)
{
	if (!is_final(status))
		return status;
	store->refusal = status;
	store->refusal_message = kiln_strdup(kiln_error_message());
	return status;
}

/* Adds what the file has under what this store has changed already. */
static bool add_below(struct kiln_store *store, const struct kiln_records *file)
{
	for (size_t i = 0; i < file->count; i++) {
		const struct kiln_tune_record *record = &file->entries[i].record;

		if (kiln_records_find(&store->records, &record->key, record->adapter) != NULL)
			continue;
		if (!kiln_records_set(&store->records, record, KILN_NO_SOURCE, KILN_PENDING_NOTHING))
			return false;
	}
	return true;
}

enum kiln_status kiln_store_load_locked(struct kiln_store *store)
{
	struct kiln_save save = save_of(store);
	struct kiln_records file = {0};
	enum kiln_status status;

	if (store->loaded)
		return KILN_OK;
	if (store->refusal != KILN_OK)
		return kiln_error(store->refusal, "%s",
		                  store->refusal_message != NULL ? store->refusal_message
		                                                 : kiln_status_text(store->refusal));
	status = kiln_save_load(&save, &file);
	if (status == KILN_OK)
		status = add_below(store, &file) ? KILN_OK : kiln_store_out_of_memory();
	kiln_records_finish(&file);
	store->loaded = status == KILN_OK;
	return store->loaded ? KILN_OK : refuse(store, status);
}

enum kiln_status kiln_store_load(struct kiln_store *store)
{
	enum kiln_status status;

	if (store == NULL)
		return KILN_OK;
	kiln_mutex_lock(&store->mutex);
	status = kiln_store_load_locked(store);
	kiln_mutex_unlock(&store->mutex);
	return status;
}

/* It was said of a text that may be another by now. */
static void forget_refusal(struct kiln_store *store)
{
	store->refusal = KILN_OK;
	kiln_free(store->refusal_message);
	store->refusal_message = NULL;
}

/* What is to be saved. */
static bool copy_pending(const struct kiln_records *from, struct kiln_records *to)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct kiln_entry *entry = &from->entries[i];

		if (entry->pending == KILN_PENDING_NOTHING)
			continue;
		if (!kiln_records_set(to, &entry->record, KILN_NO_SOURCE, entry->pending))
			return false;
		kiln_records_find(to, &entry->record.key, entry->record.adapter)->anew = entry->anew;
	}
	return true;
}

static enum kiln_status refresh(struct kiln_store *store)
{
	struct kiln_records before = store->records;
	enum kiln_status status;

	store->records = (struct kiln_records){0};
	store->loaded = false;
	status = copy_pending(&before, &store->records) ? kiln_store_load_locked(store)
	                                                : kiln_store_out_of_memory();
	if (status == KILN_OK) {
		kiln_records_finish(&before);
		return KILN_OK;
	}
	kiln_records_finish(&store->records);
	store->records = before;
	store->loaded = true;
	return status;
}

enum kiln_status kiln_store_refresh(struct kiln_store *store)
{
	enum kiln_status status;

	if (store == NULL)
		return KILN_OK;
	kiln_mutex_lock(&store->mutex);
	forget_refusal(store);
	status = store->loaded ? refresh(store) : kiln_store_load_locked(store);
	kiln_mutex_unlock(&store->mutex);
	return status;
}

static enum kiln_status save(struct kiln_store *store)
{
	struct kiln_save save = save_of(store);
	struct kiln_records merged;

	KILN_TRY(kiln_save_merged(&save, &store->records, &merged));
	kiln_records_finish(&store->records);
	store->records = merged;
	store->loaded = true;
	/* Whoever mended the file meanwhile made this possible. */
	forget_refusal(store);
	return KILN_OK;
}

enum kiln_status kiln_store_save_if_dirty(struct kiln_store *store, bool *out_wrote)
{
	enum kiln_status status = KILN_OK;
	bool dirty = false;

	if (store != NULL) {
		kiln_mutex_lock(&store->mutex);
		dirty = store->records.pending != 0;
		status = dirty ? save(store) : KILN_OK;
		kiln_mutex_unlock(&store->mutex);
	}
	if (status == KILN_OK && out_wrote != NULL)
		*out_wrote = dirty;
	return status;
}
