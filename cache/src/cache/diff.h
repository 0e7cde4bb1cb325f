/* kiln_key_diff_print() with drivers by name. */
#ifndef CACHE_DIFF_H
#define CACHE_DIFF_H

#include <kiln/identity.h>

/* One side of a comparison. */
struct kiln_diff_side {
	const struct kiln_pipeline_key *key; /* canonical */
	const struct kiln_fingerprint *device;
	const char *driver; /* what it is called; "" = not known */
};

/* As kiln_key_diff_print(). Two drivers of one name are told apart by their digests. */
size_t kiln_diff_print(const struct kiln_diff_side *was, const struct kiln_diff_side *now, char *out_text,
                       size_t bytes, unsigned *out_fields);

#endif
