/* Why a pipeline was not there: its class, kiln_miss_classify(), and the culprit in words. */
#ifndef RUNTIME_MISS_H
#define RUNTIME_MISS_H

#include <kiln/kernel.h>

struct kiln_device;

struct kiln_miss {
	enum kiln_miss_reason reason; /* NONE = it was found, and the text is "" */
	char text[640];
};

/* A sentence's part for people: what became of the entry, else the field that moved and its two values, else the class in
 * words. Pure. */
void kiln_miss_print(const struct kiln_cache_explanation *explanation, enum kiln_miss_reason reason,
                     char *out_text, size_t bytes);

/* Of an entry that the cache does not have. */
void kiln_miss_explain(struct kiln_device *device, const struct kiln_pipeline_key *key,
                       const struct kiln_pipeline_identity *identity, struct kiln_miss *out_miss);
/* Of an entry that is or was there and is of no use. */
void kiln_miss_unusable(const char *why, struct kiln_miss *out_miss);

#endif
