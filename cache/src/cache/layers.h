/* What lies below the writable root: packs and cache folders that are read and never written. */
#ifndef CACHE_LAYERS_H
#define CACHE_LAYERS_H

#include <base/thread.h>
#include <cache/subject.h>

struct kiln_cache;
struct kiln_cache_entry;
struct kiln_cache_evidence;
struct kiln_cache_stat;
struct kiln_layer;

/* Named at opening, opened at the first miss: a process that only hits never pays for them. */
struct kiln_layers {
	char *list;              /* as in KILN_CACHE_PACKS; NULL = none */
	struct kiln_mutex mutex; /* of the opening */
	_Atomic bool opened;     /* from then on nothing below changes */
	struct kiln_layer *layers;
	size_t count;
	size_t refused;
};

/* `list` NULL = KILN_CACHE_PACKS; "" = none. */
enum kiln_status kiln_layers_init(struct kiln_layers *layers, const char *list);
void kiln_layers_finish(struct kiln_cache *cache);

/* Looks in each layer in turn. KILN_OK; NOT_FOUND; DAMAGED (some layer has it damaged, and none has it
 * whole); OUT_OF_MEMORY, IO ... (a layer that may have it cannot be read). Sets no counters. */
enum kiln_status kiln_layers_read(struct kiln_cache *cache, const struct kiln_subject *subject,
                                  const struct kiln_place *place, struct kiln_cache_entry *out_entry);

/* Adds what the layers know about an identity they do not hold. */
void kiln_layers_evidence(struct kiln_cache *cache, const struct kiln_pipeline_identity *identity,
                          struct kiln_cache_evidence *evidence);

/* Fills the part of `stat` about layers. */
void kiln_layers_count(struct kiln_cache *cache, struct kiln_cache_stat *stat);

#endif
