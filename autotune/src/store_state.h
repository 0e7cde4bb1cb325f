/* The store's insides, shared by the file that opens and saves and the one that looks up. */
#ifndef AUTOTUNE_STORE_STATE_H
#define AUTOTUNE_STORE_STATE_H

#include <base/clock.h>
#include <base/fs.h>
#include <base/thread.h>

#include "records.h"
#include "strings.h"

struct kiln_store {
	const struct kiln_fs *fs;
	const struct kiln_clock *clock;
	char *path;
	char *folder;
	char *name;
	char *lock_name;
	struct kiln_mutex mutex; /* over everything below */
	struct kiln_strings strings;
	struct kiln_records records;
	bool loaded;
	enum kiln_status refusal; /* why the file's text cannot be used; KILN_OK = not known to be so */
	char *refusal_message;
};

/* kiln_store_load() with the mutex held. */
enum kiln_status kiln_store_load_locked(struct kiln_store *store);

enum kiln_status kiln_store_out_of_memory(void);

#endif
