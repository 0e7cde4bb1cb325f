#include "tune_intent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/hash.h>

/* ---- Opening ---- */

static bool name_file(char *out_name, size_t bytes, const char *store_path, const char *adapter)
{
	struct kiln_hasher hasher;
	struct kiln_digest digest;
	char hex[KILN_DIGEST_HEX];

	kiln_hash_init(&hasher, "kiln tuner of");
	kiln_hash_string(&hasher, adapter);
	digest = kiln_hash_finish(&hasher);
	kiln_hex_encode(&digest, hex);
	return (size_t)snprintf(out_name, bytes, "%s.tuning-%.12s", store_path, hex) < bytes;
}

static enum kiln_status make_folder(const struct kiln_fs *fs, const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[4096];

	if (!slash || slash == path)
		return KILN_OK;
	(void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	return kiln_fs_make_dirs(fs, folder);
}

enum kiln_status kiln_tune_intent_open(struct kiln_tune_intent *intent, const struct kiln_fs *fs,
                                       const char *store_path, const char *adapter, bool durable)
{
	char name[4096 + 32];

	*intent = (struct kiln_tune_intent){.fs = fs, .fd = -1, .durable = durable};
	if (!store_path)
		return KILN_OK;
	if (!name_file(name, sizeof(name), store_path, adapter))
		return kiln_error(
			KILN_ERR_INVALID_ARGUMENT,
			"the autotune store's path is longer than %zu bytes. Fix: use a shorter one",
			sizeof(name));
	KILN_TRY(make_folder(fs, name));
	intent->fd = fs->openat(fs->user, AT_FDCWD, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (intent->fd < 0)
		return kiln_error_errno(errno, "cannot open the tuner's lock %s", name);
	return KILN_OK;
}

void kiln_tune_intent_close(struct kiln_tune_intent *intent)
{
	if (!intent->fs || intent->fd < 0)
		return;
	if (intent->line)
		(void)intent->fs->unmap(intent->fs->user, intent->line, KILN_TUNE_INTENT_BYTES);
	intent->line = NULL;
	(void)intent->fs->close(intent->fs->user, intent->fd);
	intent->fd = -1;
	intent->held = false;
}

/* ---- The name ---- */

/* What is written to a shared mapping outlives a killed process without a system call; only a trial that may take the
 * machine down needs the disk to know. */
static enum kiln_status sync_line(struct kiln_tune_intent *intent)
{
	if (intent->durable && intent->fs->fdatasync(intent->fs->user, intent->fd) != 0)
		return kiln_error_errno(errno, "cannot note which configuration is about to run");
	return KILN_OK;
}

/* The first byte comes last: a line that begins is whole. */
enum kiln_status kiln_tune_intent_note(struct kiln_tune_intent *intent, const struct kiln_tune_record *base,
                                       const char *config)
{
	const uint32_t *wg = base->workgroup_size, *tile = base->tile;
	char line[KILN_TUNE_INTENT_BYTES] = "";
	char hex[KILN_TUNE_KEY_HEX];

	if (!intent->line)
		return KILN_OK;
	kiln_tune_key_encode(&base->key, hex);
	(void)snprintf(line, sizeof(line), "%s %u %u %u %u %u %u %u %u|%.*s\n", hex, base->bucket, wg[0],
	               wg[1], wg[2], base->unroll, tile[0], tile[1], tile[2], KILN_TUNE_INTENT_TEXT - 1,
	               config);
	memcpy(intent->line + 1, line + 1, sizeof(line) - 1);
	atomic_thread_fence(memory_order_seq_cst);
	*(volatile char *)intent->line = line[0];
	return sync_line(intent);
}

enum kiln_status kiln_tune_intent_clear(struct kiln_tune_intent *intent)
{
	if (!intent->line)
		return KILN_OK;
	*(volatile char *)intent->line = '\0';
	return sync_line(intent);
}

static bool parse(const char *line, struct kiln_tune_remains *out_remains)
{
	struct kiln_tune_record *base = &out_remains->base;
	char hex[KILN_TUNE_KEY_HEX];
	int used = 0;

	if (sscanf(line, "%32s %u %u %u %u %u %u %u %u|%n", hex, &base->bucket, &base->workgroup_size[0],
	           &base->workgroup_size[1], &base->workgroup_size[2], &base->unroll, &base->tile[0],
	           &base->tile[1], &base->tile[2], &used) != 9 ||
	    used == 0 || !kiln_tune_key_decode(hex, &base->key))
		return false;
	return (size_t)snprintf(out_remains->config, sizeof(out_remains->config), "%s", line + used) <
	       sizeof(out_remains->config);
}

static void read_remains(const struct kiln_tune_intent *intent, struct kiln_tune_remains *out_remains)
{
	char line[KILN_TUNE_INTENT_BYTES];
	char *end;

	*out_remains = (struct kiln_tune_remains){0};
	memcpy(line, intent->line, sizeof(line));
	end = memchr(line, '\n', sizeof(line));
	if (!end)
		return;
	*end = '\0';
	out_remains->found = line[0] && parse(line, out_remains);
}

/* The file has its length, and its mapping, from the first holder on. */
static enum kiln_status map_line(struct kiln_tune_intent *intent)
{
	static const char nothing[KILN_TUNE_INTENT_BYTES];
	const struct kiln_fs *fs = intent->fs;
	struct stat facts;

	if (intent->line)
		return KILN_OK;
	if (fs->fstat(fs->user, intent->fd, &facts) != 0)
		return kiln_error_errno(errno, "cannot look at the tuner's file");
	if (!S_ISREG(facts.st_mode))
		return kiln_error(KILN_ERR_PERMISSION, "the tuner's file is no regular file. Fix: remove it");
	if (facts.st_size < KILN_TUNE_INTENT_BYTES &&
	    kiln_fs_write_all(fs, intent->fd, nothing, sizeof(nothing)) != 0)
		return kiln_error_errno(errno, "cannot write the tuner's file");
	intent->line = fs->map(fs->user, intent->fd, KILN_TUNE_INTENT_BYTES);
	if (!intent->line)
		return kiln_error_errno(errno, "cannot map the tuner's file");
	return KILN_OK;
}

/* ---- The lock ---- */

static void sleep_ms(unsigned ms)
{
	const struct timespec time = {.tv_nsec = (long)ms * 1000000};

	(void)nanosleep(&time, NULL);
}

static enum kiln_status take_lock(struct kiln_tune_intent *intent, uint64_t wait_ns)
{
	uint64_t start = kiln_now_ns();

	for (unsigned ms = 1;; ms = ms < 10 ? ms + 1 : 10) {
		if (intent->fs->try_lock(intent->fs->user, intent->fd, 0, 1) == 0)
			return KILN_OK;
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return kiln_error_errno(errno, "cannot lock the tuner's file");
		if (intent->keep_waiting && !intent->keep_waiting(intent->user))
			return kiln_error(
				KILN_ERR_CANCELLED,
				"tuning was stopped while it waited for another tuner. Fix: none needed");
		if (kiln_now_ns() - start >= wait_ns)
			return kiln_error(
				KILN_ERR_TIMEOUT,
				"another tuner is at work on this device. Fix: wait for it, or try again later");
		sleep_ms(ms);
	}
}

enum kiln_status kiln_tune_intent_take(struct kiln_tune_intent *intent, uint64_t wait_ns,
                                       struct kiln_tune_remains *out_remains)
{
	enum kiln_status status;

	*out_remains = (struct kiln_tune_remains){0};
	if (intent->fd < 0 || intent->held)
		return KILN_OK;
	KILN_TRY(take_lock(intent, wait_ns));
	intent->held = true;
	status = map_line(intent);
	if (status == KILN_OK)
		read_remains(intent, out_remains);
	else
		kiln_tune_intent_release(intent);
	return status;
}

void kiln_tune_intent_release(struct kiln_tune_intent *intent)
{
	if (intent->fd < 0 || !intent->held)
		return;
	(void)intent->fs->unlock(intent->fs->user, intent->fd, 0, 1);
	intent->held = false;
}
