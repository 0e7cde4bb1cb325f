/* The store with its seams open, for tests. */
#ifndef AUTOTUNE_STORE_H
#define AUTOTUNE_STORE_H

#include <base/clock.h>
#include <base/fs.h>
#include <kiln/autotune.h>

/* As kiln_store_open() with a path. `fs` and `clock` must outlive the store. */
enum kiln_status kiln_store_open_on(const char *path, const struct kiln_fs *fs,
                                    const struct kiln_clock *clock, struct kiln_store **out_store);

#endif
