/* Full keys as the memory tier tells them apart: by a quick hash that is good for this process only, then field by field.
 * Keys that say the same in other words (constants in another order, a default spelled out) pass for different. Pure. */
#ifndef RUNTIME_PIPELINE_KEY_H
#define RUNTIME_PIPELINE_KEY_H

#include <kiln/identity.h>

uint64_t kiln_key_hash(const struct kiln_pipeline_key *key);
bool kiln_key_equal(const struct kiln_pipeline_key *a, const struct kiln_pipeline_key *b);

/* With all it points to, in one block; NULL = out of memory. Ownership: kiln_free(). */
struct kiln_pipeline_key *kiln_key_copy(const struct kiln_pipeline_key *key);

#endif
