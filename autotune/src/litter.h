/* What killed saves leave beside the store. */
#ifndef AUTOTUNE_LITTER_H
#define AUTOTUNE_LITTER_H

#include <base/fs.h>

/* Removes temporary files, ".tmp.<pid>.<counter>", of processes that are gone and that were last written a minute ago or
 * longer. The store's lock is held, so none of them is of a save of this store that is under way: this only cares for others that
 * share the folder. What cannot be removed stays. */
void kiln_litter_remove(const struct kiln_fs *fs, int dir);

#endif
