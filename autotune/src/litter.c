#include "litter.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PREFIX ".tmp."
#define ABANDONED_S 60

struct broom {
	const struct kiln_fs *fs;
	int dir;
};

/* ".tmp.<process>.<counter>", and nothing else: the folder may be anybody's. */
static bool is_of_the_dead(const char *name)
{
	const char *number = name + sizeof(PREFIX) - 1;
	char *end;
	long pid;

	if (strncmp(name, PREFIX, sizeof(PREFIX) - 1) != 0 || !isdigit((unsigned char)*number))
		return false;
	pid = strtol(number, &end, 10);
	if (pid <= 0 || pid > INT_MAX || *end != '.' || end[1] == '\0' ||
	    end[1 + strspn(end + 1, "0123456789")] != '\0')
		return false;
	return kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

static bool visit(void *user, const char *name)
{
	const struct broom *broom = user;
	struct stat facts;

	/* A process of that number may live where it cannot be seen from here; it would not take a minute. */
	if (is_of_the_dead(name) && broom->fs->fstatat(broom->fs->user, broom->dir, name, &facts) == 0 &&
	    S_ISREG(facts.st_mode) && facts.st_uid == geteuid() &&
	    (int64_t)facts.st_mtime < (int64_t)time(NULL) - ABANDONED_S)
		(void)broom->fs->unlinkat(broom->fs->user, broom->dir, name, 0);
	return true;
}

void kiln_litter_remove(const struct kiln_fs *fs, int dir)
{
	(void)fs->list(fs->user, dir, visit, &(struct broom){fs, dir});
}
