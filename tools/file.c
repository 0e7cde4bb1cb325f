#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_READ 65536u

/* Room for `bytes` and a NUL. */
static bool grow(uint8_t **data, size_t bytes)
{
	uint8_t *grown = realloc(*data, bytes + 1);

	if (grown)
		*data = grown;
	return grown != NULL;
}

static size_t first_capacity(int fd, size_t max_bytes)
{
	struct stat facts;

	if (fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_size >= 0 &&
	    (uintmax_t)facts.st_size < max_bytes)
		return (size_t)facts.st_size + 1; /* one more, to meet the end without growing */
	return max_bytes < FIRST_READ ? max_bytes + 1 : FIRST_READ;
}

static bool read_open(int fd, const char *path, size_t max_bytes, uint8_t **data, size_t *out_bytes,
                      struct kiln_why *why)
{
	size_t capacity = first_capacity(fd, max_bytes), bytes = 0;

	for (;;) {
		ssize_t got;

		if (!grow(data, capacity))
			return kiln_why(
				why, "cannot read '%s': out of memory at %zu bytes. Fix: use a smaller file",
				path, capacity);
		got = read(fd, *data + bytes, capacity - bytes);
		if (got < 0 && errno != EINTR)
			return kiln_why(why, "cannot read '%s': %s. Fix: give a readable file", path,
			                strerror(errno));
		if (got == 0)
			break;
		bytes += got > 0 ? (size_t)got : 0;
		if (bytes > max_bytes)
			return kiln_why(why, "'%s' is longer than %zu bytes. Fix: split it", path, max_bytes);
		if (bytes == capacity)
			capacity = capacity > max_bytes / 2 ? max_bytes + 1 : 2 * capacity;
	}
	(*data)[bytes] = '\0';
	*out_bytes = bytes;
	return true;
}

bool kiln_file_read(const char *path, size_t max_bytes, uint8_t **out_data, size_t *out_bytes,
                    struct kiln_why *why)
{
	uint8_t *data = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return kiln_why(why, "cannot open '%s': %s. Fix: check the path", path, strerror(errno));
	ok = read_open(fd, path, max_bytes, &data, out_bytes, why);
	close(fd);
	if (ok)
		*out_data = data;
	else
		free(data);
	return ok;
}

static bool write_all(int fd, const uint8_t *data, size_t bytes)
{
	while (bytes) {
		ssize_t done = write(fd, data, bytes);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		data += done;
		bytes -= (size_t)done;
	}
	return true;
}

/* Closing reports what network file systems find out late. */
static bool write_and_close(int fd, const void *data, size_t bytes)
{
	bool ok = write_all(fd, data, bytes);
	int error = errno;

	if (close(fd) < 0 && ok)
		return false;
	errno = error;
	return ok;
}

/* `create`: what a link points to in vain. Asked for on a pipe in /tmp, systems refuse it. */
static bool write_direct(const char *path, bool create, const void *data, size_t bytes)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | (create ? O_CREAT : 0), 0666);

	return fd >= 0 && write_and_close(fd, data, bytes);
}

/* mkstemp makes files private; a result file should have the usual mode. */
static mode_t usual_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

static bool write_renamed(const char *path, mode_t mode, const void *data, size_t bytes)
{
	size_t length = strlen(path);
	char *temp = malloc(length + sizeof ".XXXXXX");
	int fd = -1, error;
	bool ok = false;

	if (temp) {
		memcpy(temp, path, length);
		memcpy(temp + length, ".XXXXXX", sizeof ".XXXXXX");
		fd = mkstemp(temp);
	}
	if (fd >= 0) {
		fchmod(fd, mode);
		ok = write_and_close(fd, data, bytes) && rename(temp, path) == 0;
		error = errno;
		if (!ok)
			unlink(temp);
		errno = error;
	}
	free(temp);
	return ok;
}

bool kiln_file_write(const char *path, const void *data, size_t bytes, struct kiln_why *why)
{
	struct stat facts;
	bool there = lstat(path, &facts) == 0, is_link = there && S_ISLNK(facts.st_mode);
	char *target = is_link ? realpath(path, NULL) : NULL; /* a rename would replace the link */
	bool ok;

	if (is_link)
		there = stat(path, &facts) == 0;
	if (there ? !S_ISREG(facts.st_mode) : is_link)
		ok = write_direct(path, !there, data, bytes);
	else
		ok = write_renamed(target ? target : path, there ? facts.st_mode & 0777 : usual_mode(), data,
		                   bytes);
	if (!ok)
		(void)kiln_why(why, "cannot write '%s': %s. Fix: name a file in a folder you can write to",
		               path, strerror(errno));
	free(target);
	return ok;
}

bool kiln_file_has_extension(const char *path, const char *extension)
{
	size_t length = strlen(path), tail = strlen(extension);

	return length > tail && !strcasecmp(path + length - tail, extension);
}
