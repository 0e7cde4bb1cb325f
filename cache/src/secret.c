/* The secret, from a file or the environment, and the key made of it. */
#include <cache/secret.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <base/error.h>
#include <base/hash.h>
#include <cache/domains.h>

/* Through a volatile pointer, or it is a dead store. */
static void wipe(void *memory, size_t bytes)
{
	volatile uint8_t *at = memory;

	while (bytes-- > 0)
		*at++ = 0;
}

static struct kiln_digest derive(const char *domain, const void *data, size_t bytes)
{
	struct kiln_hasher hasher;
	struct kiln_digest digest;

	kiln_hash_init(&hasher, domain);
	kiln_hash_raw(&hasher, data, bytes);
	digest = kiln_hash_finish(&hasher);
	wipe(&hasher, sizeof hasher);
	return digest;
}

/* One key per use: keyed BLAKE3 takes no domain. */
static void derive_key(const char *context, const struct kiln_digest *key, uint8_t out_key[KILN_DIGEST_BYTES])
{
	struct kiln_hasher hasher;
	struct kiln_digest derived;

	kiln_hash_init_derived(&hasher, context);
	kiln_hash_digest(&hasher, key);
	derived = kiln_hash_finish(&hasher);
	memcpy(out_key, derived.bytes, sizeof derived.bytes);
	wipe(&hasher, sizeof hasher);
	wipe(&derived, sizeof derived);
}

struct kiln_seal kiln_seal_from(const void *secret, size_t bytes)
{
	struct kiln_digest key = derive(KILN_DOMAIN_SECRET, secret, bytes);
	struct kiln_digest id = derive(KILN_DOMAIN_SECRET_ID, key.bytes, sizeof key.bytes);
	struct kiln_seal seal = {.keyed = true};

	derive_key(KILN_CONTEXT_ENTRY_KEY, &key, seal.entry_key);
	derive_key(KILN_CONTEXT_PACK_KEY, &key, seal.pack_key);
	memcpy(seal.id, id.bytes, sizeof seal.id);
	wipe(&key, sizeof key);
	return seal;
}

void kiln_seal_forget(struct kiln_seal *seal)
{
	wipe(seal, sizeof *seal);
}

static enum kiln_status open_secret(const struct kiln_fs *fs, const char *path, int *out_fd)
{
	/* Not to hang on a FIFO. */
	int fd = fs->openat(fs->user, AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0);

	if (fd < 0 && errno == ELOOP)
		return kiln_error(KILN_ERR_PERMISSION,
		                  "the cache secret '%s' is a symbolic link; expected a file. "
		                  "Fix: name the file itself (KILN_CACHE_SECRET_FILE)",
		                  path);
	if (fd < 0)
		return kiln_error_errno(errno, "cannot open the cache secret '%s'", path);
	*out_fd = fd;
	return KILN_OK;
}

static enum kiln_status check_secret(const char *path, const struct stat *facts)
{
	if (!S_ISREG(facts->st_mode) || facts->st_uid != geteuid())
		return kiln_error(KILN_ERR_PERMISSION,
		                  "the cache secret '%s' is not a regular file of user %ld (owner %ld). "
		                  "Fix: make it one",
		                  path, (long)geteuid(), (long)facts->st_uid);
	if ((facts->st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return kiln_error(KILN_ERR_PERMISSION,
		                  "others may use the cache secret '%s' (mode %04o); expected 0600. "
		                  "Fix: chmod 600",
		                  path, (unsigned)(facts->st_mode & 07777));
	if (facts->st_size < KILN_SECRET_BYTES_MIN || facts->st_size > KILN_SECRET_BYTES_MAX)
		return kiln_error(KILN_ERR_INVALID_ARGUMENT,
		                  "the cache secret '%s' has %lld bytes; expected %d to %d. "
		                  "Fix: write 32 random bytes into it",
		                  path, (long long)facts->st_size, KILN_SECRET_BYTES_MIN,
		                  KILN_SECRET_BYTES_MAX);
	return KILN_OK;
}

static enum kiln_status read_secret(const struct kiln_fs *fs, int fd, const char *path, uint8_t *data,
                                    size_t wanted)
{
	for (size_t done = 0; done < wanted;) {
		ssize_t got = fs->read(fs->user, fd, data + done, wanted - done);

		if (got < 0)
			return kiln_error_errno(errno, "cannot read the cache secret '%s'", path);
		if (got == 0)
			return kiln_error(KILN_ERR_IO,
			                  "the cache secret '%s' ended while it was read. Fix: try again",
			                  path);
		done += (size_t)got;
	}
	return KILN_OK;
}

enum kiln_status kiln_seal_load(const struct kiln_fs *fs, const char *path, struct kiln_seal *out_seal)
{
	uint8_t secret[KILN_SECRET_BYTES_MAX];
	enum kiln_status status;
	struct stat facts;
	int fd = -1;

	KILN_TRY(open_secret(fs, path, &fd));
	status = KILN_OK;
	if (fs->fstat(fs->user, fd, &facts) != 0)
		status = kiln_error_errno(errno, "cannot look at the cache secret '%s'", path);
	if (status == KILN_OK)
		status = check_secret(path, &facts);
	if (status == KILN_OK)
		status = read_secret(fs, fd, path, secret, (size_t)facts.st_size);
	fs->close(fs->user, fd);
	if (status == KILN_OK)
		*out_seal = kiln_seal_from(secret, (size_t)facts.st_size);
	wipe(secret, sizeof secret);
	return status;
}

enum kiln_status kiln_seal_choose(const struct kiln_fs *fs, const char *path,
                                  const struct kiln_env_source *env, struct kiln_seal *out_seal)
{
	const char *file = path != NULL ? path : kiln_setting_text(env, KILN_SETTING_CACHE_SECRET_FILE);
	const char *secret = path == NULL ? kiln_setting_text(env, KILN_SETTING_CACHE_SECRET) : NULL;

	if (secret != NULL && file != NULL)
		return kiln_error(
			KILN_ERR_INVALID_ARGUMENT,
			"KILN_CACHE_SECRET and KILN_CACHE_SECRET_FILE are both set; expected one of them. "
			"Fix: unset the other");
	if (secret == NULL)
		return file != NULL ? kiln_seal_load(fs, file, out_seal) : KILN_OK;
	if (strlen(secret) < KILN_SECRET_BYTES_MIN || strlen(secret) > KILN_SECRET_BYTES_MAX)
		return kiln_error(
			KILN_ERR_INVALID_ARGUMENT,
			"KILN_CACHE_SECRET has %zu bytes; expected %d to %d. Fix: set it to 32 random "
			"bytes in hexadecimal",
			strlen(secret), KILN_SECRET_BYTES_MIN, KILN_SECRET_BYTES_MAX);
	*out_seal = kiln_seal_from(secret, strlen(secret));
	return KILN_OK;
}
