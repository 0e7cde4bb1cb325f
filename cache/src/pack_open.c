/* An open pack: trusted, its index in memory, its entries read one by one. */
#include <cache/pack.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/error.h>

/* Whose word we take for the code in a pack: the one place that decides. Ours and the superuser's, where
 * nobody else can have changed it; or whoever knows the secret, in which case index and entries are checked
 * under it. */
static enum kiln_status may_trust(const char *path, const struct stat *facts, const struct kiln_seal *seal)
{
	bool ours = facts->st_uid == geteuid() || facts->st_uid == 0;

	if (seal->keyed || (ours && (facts->st_mode & (S_IWGRP | S_IWOTH)) == 0))
		return KILN_OK;
	return kiln_error(
		KILN_ERR_PERMISSION,
		"the pack '%s' belongs to user %ld and has mode %04o; expected user %ld or 0, and that "
		"nobody else can write it. Fix: chown or chmod it, or seal it with a secret "
		"(KILN_CACHE_SECRET_FILE)",
		path, (long)facts->st_uid, (unsigned)(facts->st_mode & 07777), (long)geteuid());
}

static enum kiln_status open_file(const struct kiln_fs *fs, const char *path, int *out_fd)
{
	/* Not to hang on a FIFO; regular files do not care. */
	int fd = fs->openat(fs->user, AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0);

	if (fd < 0 && errno == ELOOP)
		return kiln_error(KILN_ERR_PERMISSION,
		                  "the pack '%s' is a symbolic link. Fix: name the file the link points to",
		                  path);
	if (fd < 0)
		return kiln_error_errno(errno, "cannot open the pack '%s'", path);
	*out_fd = fd;
	return KILN_OK;
}

/* Exactly so many bytes. */
static enum kiln_status read_at(const struct kiln_fs *fs, int fd, const char *path, uint8_t *data,
                                size_t bytes, uint64_t offset)
{
	while (bytes > 0) {
		ssize_t got = fs->pread(fs->user, fd, data, bytes, offset);

		if (got < 0)
			return kiln_error_errno(errno, "cannot read the pack '%s'", path);
		if (got == 0)
			return kiln_error(KILN_ERR_DAMAGED,
			                  "the pack '%s' ends before its content does. Fix: copy it again",
			                  path);
		data += got;
		offset += (uint64_t)got;
		bytes -= (size_t)got;
	}
	return KILN_OK;
}

static enum kiln_status refuse(enum kiln_status status, const char *path, const char *why)
{
	return kiln_error(status, "the pack '%s' cannot be used: %s. Fix: export it again", path, why);
}

/* Under a secret only what that secret sealed counts, and without one nothing a secret sealed can be
 * checked. */
static enum kiln_status check_seal(const char *path, const struct kiln_pack_trailer *trailer,
                                   const struct kiln_seal *seal)
{
	if (trailer->keyed != seal->keyed)
		return kiln_error(KILN_ERR_PERMISSION,
		                  "the pack '%s' is sealed %s a secret, and this process has %s. Fix: set "
		                  "the secret (KILN_CACHE_SECRET_FILE or KILN_CACHE_SECRET) as it was when "
		                  "the pack was exported",
		                  path, trailer->keyed ? "with" : "without", seal->keyed ? "one" : "none");
	if (seal->keyed && memcmp(trailer->seal_id, seal->id, sizeof seal->id) != 0)
		return kiln_error(
			KILN_ERR_PERMISSION,
			"the pack '%s' is sealed with another secret. Fix: set the secret (KILN_CACHE_SECRET_FILE "
			"or KILN_CACHE_SECRET) as it was when the pack was exported",
			path);
	return KILN_OK;
}

static enum kiln_status load_index(struct kiln_pack *pack, const char *path,
                                   const struct kiln_pack_trailer *trailer, const uint8_t *trailer_bytes,
                                   const struct kiln_seal *seal)
{
	size_t bytes = (size_t)trailer->count * KILN_PACK_RECORD_BYTES;
	enum kiln_status status;
	const char *why;

	pack->index = kiln_alloc(bytes);
	if (pack->index == NULL)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "no memory for the index of the pack '%s' (%zu bytes). Fix: free some",
		                  path, bytes);
	KILN_TRY(read_at(pack->fs, pack->fd, path, pack->index, bytes, trailer->index_offset));
	status = kiln_pack_check_index(trailer, pack->index, trailer_bytes, seal, &why);
	if (status != KILN_OK)
		return refuse(status, path, why);
	pack->count = trailer->count;
	return KILN_OK;
}

static enum kiln_status attach(struct kiln_pack *pack, const char *path, const struct kiln_seal *seal)
{
	uint8_t header[KILN_PACK_HEADER_BYTES], trailer_bytes[KILN_PACK_TRAILER_BYTES];
	struct kiln_pack_trailer trailer;
	enum kiln_status status;
	struct stat facts;
	uint64_t bytes;
	const char *why;

	if (pack->fs->fstat(pack->fs->user, pack->fd, &facts) != 0)
		return kiln_error_errno(errno, "cannot look at the pack '%s'", path);
	if (!S_ISREG(facts.st_mode))
		return kiln_error(KILN_ERR_PERMISSION, "'%s' is not a regular file. Fix: name a pack", path);
	KILN_TRY(may_trust(path, &facts, seal));
	bytes = (uint64_t)facts.st_size;
	if (bytes < sizeof header + sizeof trailer_bytes)
		return refuse(KILN_ERR_DAMAGED, path, "it is shorter than any pack");
	KILN_TRY(read_at(pack->fs, pack->fd, path, header, sizeof header, 0));
	KILN_TRY(read_at(pack->fs, pack->fd, path, trailer_bytes, sizeof trailer_bytes,
	                 bytes - sizeof trailer_bytes));
	status = kiln_pack_check_ends(header, trailer_bytes, bytes, &trailer, &why);
	if (status != KILN_OK)
		return refuse(status, path, why);
	KILN_TRY(check_seal(path, &trailer, seal));
	return load_index(pack, path, &trailer, trailer_bytes, seal);
}

enum kiln_status kiln_pack_open(const struct kiln_fs *fs, const char *path, const struct kiln_seal *seal,
                                struct kiln_pack *out_pack)
{
	struct kiln_pack pack = {.fs = fs, .fd = -1};
	enum kiln_status status = open_file(fs, path, &pack.fd);

	if (status == KILN_OK) {
		pack.path = kiln_strdup(path);
		if (pack.path == NULL)
			status = kiln_error(KILN_ERR_OUT_OF_MEMORY,
			                    "no memory for the pack '%s'. Fix: free some", path);
	}
	if (status == KILN_OK)
		status = attach(&pack, path, seal);
	if (status == KILN_OK)
		*out_pack = pack;
	else
		kiln_pack_finish(&pack);
	return status;
}

void kiln_pack_finish(struct kiln_pack *pack)
{
	if (pack->fd >= 0)
		pack->fs->close(pack->fs->user, pack->fd);
	kiln_free(pack->index);
	kiln_free(pack->path);
	*pack = (struct kiln_pack){.fd = -1};
}

bool kiln_pack_find(const struct kiln_pack *pack, const struct kiln_place *place,
                    struct kiln_pack_record *out_record)
{
	uint8_t name[KILN_PACK_NAME_BYTES];
	size_t at;

	kiln_pack_name_of(place, name);
	if (kiln_pack_count(pack->index, pack->count, place->kind, name, sizeof name, &at) == 0)
		return false;
	*out_record = kiln_pack_record_at(pack->index, at);
	return true;
}

enum kiln_status kiln_pack_load(const struct kiln_pack *pack, const struct kiln_pack_record *record,
                                uint8_t **out_data)
{
	uint8_t *data = kiln_alloc(record->bytes);
	enum kiln_status status;

	if (data == NULL)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "no memory for an entry of the pack '%s' (%u bytes). Fix: free some",
		                  pack->path, record->bytes);
	status = read_at(pack->fs, pack->fd, pack->path, data, record->bytes, record->offset);
	if (status == KILN_OK)
		*out_data = data;
	else
		kiln_free(data);
	return status;
}
