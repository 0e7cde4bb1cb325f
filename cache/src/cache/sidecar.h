/* Manifests beside their entries: "<name>.json" for "<name>.bin". Read by people and other programs, never by us. */
#ifndef CACHE_SIDECAR_H
#define CACHE_SIDECAR_H

#include <cache/store.h>

#define KILN_SIDECAR_PATH_MAX (KILN_PLACE_MAX + 1)

/* Of an entry's name or path. */
void kiln_sidecar_path(const char *entry, char out_path[KILN_SIDECAR_PATH_MAX]);
/* Whether it is the name of a sidecar; writes the entry's. */
bool kiln_name_is_sidecar(const char *name, char out_entry[KILN_PLACE_MAX]);
/* Removes the sidecar of an entry that is gone, if it has one. What stays is litter an hour later. */
void kiln_sidecar_remove(const struct kiln_cache *cache, int dir, const char *entry);
/* What it takes from the disk; 0 = there is none. */
uint64_t kiln_sidecar_bytes(const struct kiln_cache *cache, int dir, const char *entry);

#endif
