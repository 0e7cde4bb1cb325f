/* A folder of its own for each test, removed with everything in it. */
#ifndef TESTS_TEMP_DIR_H
#define TESTS_TEMP_DIR_H

struct temp_dir {
	char path[256];
	int fd; /* the folder itself, for *at() calls */
};

void temp_dir_create(struct temp_dir *dir); /* below $TMPDIR or /tmp; aborts on failure */
void temp_dir_remove(struct temp_dir *dir);
unsigned temp_dir_count(const struct temp_dir *dir); /* names in it, hidden ones too */

#endif
