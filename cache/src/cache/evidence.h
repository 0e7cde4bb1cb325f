/* Gathering evidence, and the names met on the way. */
#ifndef CACHE_EVIDENCE_H
#define CACHE_EVIDENCE_H

#include <cache/store.h>

/* kiln_cache_evidence() of an open cache. `related` (may be NULL) is told the names in the root of entries of the same
 * program, those that wait to be written not included. */
enum kiln_status kiln_evidence_gather(struct kiln_cache *cache, const struct kiln_pipeline_identity *identity,
                                      void (*related)(void *user, const char *name), void *user,
                                      struct kiln_cache_evidence *out_evidence);

#endif
