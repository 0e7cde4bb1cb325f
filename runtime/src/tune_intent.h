/* The file beside the store that a tuner of an adapter holds while it tunes: a lock, so that one tunes at a time, and the name
 * of the configuration whose first run has begun and not ended. The kernel's lock dies with its holder, the name does not:
 * whoever takes the lock and finds a name knows which configuration took its predecessor down.
 * Format: one line of text, "<tune key, 32 hex digits> <bucket> <default's workgroup, unroll and tile, 7 numbers>|<the
 * configuration in words>\n", padded with NUL to 256 bytes; a first byte of NUL = nothing was running. */
#ifndef RUNTIME_TUNE_INTENT_H
#define RUNTIME_TUNE_INTENT_H

#include <stdbool.h>
#include <stdint.h>

#include <base/fs.h>
#include <kiln/autotune.h>

#define KILN_TUNE_INTENT_BYTES 256
#define KILN_TUNE_INTENT_TEXT 128 /* of a configuration, NUL included */

struct kiln_tune_intent {
	const struct kiln_fs *fs;
	int fd;     /* -1 = not open */
	char *line; /* the file, mapped while somebody holds it; NULL = no file */
	bool held;
	bool durable; /* a trial may take the machine down, not only the process */
	/* Asked now and then while the lock is waited for; NULL = always. */
	bool (*keep_waiting)(void *user);
	void *user;
};

/* What an earlier holder left behind. */
struct kiln_tune_remains {
	bool found;
	struct kiln_tune_record base; /* key, bucket, and the default's configuration */
	char config[KILN_TUNE_INTENT_TEXT];
};

/* Opens the file of this store and adapter; makes it and the folder where they are missing. `store_path` NULL: no file, and
 * everything below succeeds without doing anything. */
enum kiln_status kiln_tune_intent_open(struct kiln_tune_intent *intent, const struct kiln_fs *fs,
                                       const char *store_path, const char *adapter, bool durable);
void kiln_tune_intent_close(struct kiln_tune_intent *intent);

/* Takes the lock, waiting at most `wait_ns`, and says what is left of a dead holder. KILN_ERR_TIMEOUT: another process, or
 * another device of this one, tunes. KILN_ERR_CANCELLED: `keep_waiting` said no. */
enum kiln_status kiln_tune_intent_take(struct kiln_tune_intent *intent, uint64_t wait_ns,
                                       struct kiln_tune_remains *out_remains);
void kiln_tune_intent_release(struct kiln_tune_intent *intent);

/* Before a configuration's first run, and after it came back. `base`: key, bucket and the default's configuration. */
enum kiln_status kiln_tune_intent_note(struct kiln_tune_intent *intent, const struct kiln_tune_record *base,
                                       const char *config);
enum kiln_status kiln_tune_intent_clear(struct kiln_tune_intent *intent);

#endif
