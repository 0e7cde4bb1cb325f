#include "glsl_include.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <base/alloc.h>
#include <base/error.h>
#include <base/fs.h>

struct kiln_glsl_included {
	struct kiln_glsl_include file;
	char *path;
	uint8_t *data;
	struct kiln_glsl_included *next;
};

void kiln_glsl_includes_finish(struct kiln_glsl_includes *includes)
{
	while (includes->first) {
		struct kiln_glsl_included *next = includes->first->next;
		kiln_free(includes->first->path);
		kiln_free(includes->first->data);
		kiln_free(includes->first);
		includes->first = next;
	}
}

KILN_PRINTF(3, 4)
static void fail(struct kiln_glsl_includes *includes, enum kiln_status status, const char *format, ...)
{
	va_list arguments;

	if (includes->failure)
		return;
	includes->failure = status;
	va_start(arguments, format);
	vsnprintf(includes->failure_message, sizeof includes->failure_message, format, arguments);
	va_end(arguments);
}

/* "<folder>/<name>", or the name alone when it is absolute or the folder empty. */
static char *join(const char *folder, size_t folder_length, const char *name)
{
	size_t bytes = folder_length + strlen(name) + 2;
	char *path;

	if (name[0] == '/' || !folder_length)
		return kiln_strdup(name);
	path = kiln_alloc(bytes);
	if (path)
		snprintf(path, bytes, "%.*s/%s", (int)folder_length, folder, name);
	return path;
}

static struct kiln_glsl_included *keep(struct kiln_glsl_includes *includes, char *path, uint8_t *data,
                                       size_t bytes)
{
	struct kiln_glsl_included *included = kiln_alloc_zero(1, sizeof *included);

	if (!included)
		return NULL;
	included->file = (struct kiln_glsl_include){.name = path, .text = (const char *)data, .bytes = bytes};
	included->path = path;
	included->data = data;
	included->next = includes->first;
	includes->first = included;
	includes->total_bytes += bytes;
	return included;
}

static bool read_all(int fd, uint8_t *data, size_t bytes)
{
	for (size_t done = 0; done < bytes;) {
		ssize_t got = kiln_fs_posix.read(kiln_fs_posix.user, fd, data + done, bytes - done);

		if (got <= 0)
			return false;
		done += (size_t)got;
	}
	return true;
}

/* Takes over `path` on success. Header files belong to whoever wrote them: links and other owners are fine
 * here, unlike in the cache. */
static struct kiln_glsl_included *load_open(struct kiln_glsl_includes *includes, int fd, char *path)
{
	struct kiln_glsl_included *included = NULL;
	struct stat facts;
	uint8_t *data;

	if (kiln_fs_posix.fstat(kiln_fs_posix.user, fd, &facts) < 0 || !S_ISREG(facts.st_mode))
		return NULL;
	if ((uintmax_t)facts.st_size > KILN_GLSL_INCLUDE_BYTES ||
	    (uintmax_t)facts.st_size > KILN_GLSL_INCLUDE_TOTAL - includes->total_bytes) {
		fail(includes, KILN_ERR_TOO_LARGE,
		     "included file '%s' has %jd bytes, expected at most %u in one file and %u in all. "
		     "Fix: include less",
		     path, (intmax_t)facts.st_size, KILN_GLSL_INCLUDE_BYTES, KILN_GLSL_INCLUDE_TOTAL);
		return NULL;
	}
	data = kiln_alloc((size_t)facts.st_size + 1);
	if (data && read_all(fd, data, (size_t)facts.st_size))
		included = keep(includes, path, data, (size_t)facts.st_size);
	if (!included) {
		kiln_free(data);
		fail(includes, KILN_ERR_IO,
		     "cannot read included file '%s'. Fix: see that it is readable and not changing", path);
	}
	return included;
}

static struct kiln_glsl_included *load(struct kiln_glsl_includes *includes, const char *folder,
                                       size_t folder_length, const char *name)
{
	struct kiln_glsl_included *included = NULL;
	char *path = join(folder, folder_length, name);
	int fd = -1;

	/* O_NONBLOCK: a FIFO of that name must not hang us. */
	if (path)
		fd = kiln_fs_posix.openat(kiln_fs_posix.user, AT_FDCWD, path,
		                          O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
	if (fd >= 0) {
		included = load_open(includes, fd, path);
		kiln_fs_posix.close(kiln_fs_posix.user, fd);
	}
	if (!included)
		kiln_free(path);
	return included;
}

const struct kiln_glsl_include *kiln_glsl_include_find(struct kiln_glsl_includes *includes, const char *name,
                                                       const char *includer, size_t depth, bool local)
{
	struct kiln_glsl_included *included = NULL;

	if (depth > KILN_GLSL_INCLUDE_DEPTH) {
		fail(includes, KILN_ERR_TOO_LARGE,
		     "'%s' includes '%s' at depth %zu, expected at most %d. "
		     "Fix: break the circle of includes",
		     includer, name, depth, KILN_GLSL_INCLUDE_DEPTH);
		return NULL;
	}
	if (local) {
		const char *slash = strrchr(includer, '/');

		included = load(includes, includer, slash ? (size_t)(slash - includer) : 0, name);
	}
	for (size_t i = 0; !local && !included && i < includes->path_count; i++)
		included = load(includes, includes->paths[i], strlen(includes->paths[i]), name);
	return included ? &included->file : NULL;
}
