#include "temp_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void temp_dir_create(struct temp_dir *dir)
{
	const char *base = getenv("TMPDIR");

	snprintf(dir->path, sizeof(dir->path), "%s/kiln-test-XXXXXX",
	         base != NULL && base[0] == '/' ? base : "/tmp");
	if (mkdtemp(dir->path) == NULL) {
		perror(dir->path);
		abort();
	}
	dir->fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir->fd < 0)
		abort();
}

static int unlock_entry(const char *path, const struct stat *facts, int kind, struct FTW *where)
{
	(void)where;
	/* Tests take away permissions. */
	if (kind == FTW_D || kind == FTW_DNR)
		chmod(path, facts->st_mode | 0700);
	return 0;
}

static int remove_entry(const char *path, const struct stat *facts, int kind, struct FTW *where)
{
	(void)facts;
	(void)kind;
	(void)where;
	return remove(path);
}

void temp_dir_remove(struct temp_dir *dir)
{
	close(dir->fd);
	nftw(dir->path, unlock_entry, 16, FTW_PHYS);
	nftw(dir->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

unsigned temp_dir_count(const struct temp_dir *dir)
{
	DIR *stream = opendir(dir->path);
	struct dirent *entry;
	unsigned count = 0;

	if (stream == NULL)
		abort();
	while ((entry = readdir(stream)) != NULL)
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(stream);
	return count;
}
