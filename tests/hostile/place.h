/* Where the visits of one test meet: a cache folder, and a log of the driver's events. */
#ifndef TESTS_HOSTILE_PLACE_H
#define TESTS_HOSTILE_PLACE_H

#include <sys/stat.h>

#include "temp_dir.h"

struct place {
	struct temp_dir dir;
	char cache[300], log[300];
};

void place_create(struct place *place);
void place_remove(struct place *place);
unsigned place_entries(const struct place *place);  /* in the cache */
struct stat place_entry(const struct place *place); /* facts of the only entry's file */
const char *place_entry_path(void);                 /* of the entry last met by these two */
/* Lines of the driver's log that start with this. */
unsigned place_events(const struct place *place, const char *start);

#endif
