#include "place.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>

#include "test.h"

void place_create(struct place *place)
{
	temp_dir_create(&place->dir);
	(void)snprintf(place->cache, sizeof(place->cache), "%s/cache", place->dir.path);
	(void)snprintf(place->log, sizeof(place->log), "%s/log", place->dir.path);
}

void place_remove(struct place *place)
{
	temp_dir_remove(&place->dir);
}

static unsigned entries_met;
static char entry_met[4096];

static int meet(const char *path, const struct stat *facts, int kind, struct FTW *where)
{
	size_t length = strlen(path);

	(void)facts;
	(void)where;
	if (kind != FTW_F || length < 4 || strcmp(path + length - 4, ".bin") != 0)
		return 0;
	entries_met++;
	(void)snprintf(entry_met, sizeof(entry_met), "%s", path);
	return 0;
}

unsigned place_entries(const struct place *place)
{
	entries_met = 0;
	(void)nftw(place->cache, meet, 16, FTW_PHYS); /* no folder: no entries */
	return entries_met;
}

struct stat place_entry(const struct place *place)
{
	struct stat facts;

	assert_int_equal(place_entries(place), 1);
	assert_int_equal(stat(entry_met, &facts), 0);
	return facts;
}

const char *place_entry_path(void)
{
	return entry_met;
}

unsigned place_events(const struct place *place, const char *start)
{
	FILE *file = fopen(place->log, "r");
	unsigned count = 0;
	char line[512];

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		count += strncmp(line, start, strlen(start)) == 0;
	fclose(file);
	return count;
}
