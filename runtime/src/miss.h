/* Why a pipeline was not there: pure classification of evidence. */
#ifndef RUNTIME_MISS_H
#define RUNTIME_MISS_H

#include <kiln/kernel.h>

/* The widest thing that matches decides: nothing at all, no such program, no such policy, no such device, or all three
 * and still no usable entry. */
enum kiln_miss_reason kiln_miss_classify(const struct kiln_cache_evidence *evidence);

#endif
