/* Read-only layers: opened at the first miss, immutable from then on. */
#include <cache/layers.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <base/alloc.h>
#include <base/error.h>
#include <base/log.h>
#include <base/settings.h>
#include <cache/pack.h>
#include <cache/store.h>

/* One or the other. */
struct kiln_layer {
	struct kiln_pack pack;   /* fd -1 when it is a folder */
	struct kiln_cache *root; /* NULL when it is a pack */
};

enum kiln_status kiln_layers_init(struct kiln_layers *layers, const char *list)
{
	if (list == NULL)
		list = kiln_setting_text(&kiln_env_process, KILN_SETTING_CACHE_PACKS);
	KILN_TRY(kiln_mutex_init(&layers->mutex));
	if (list == NULL || list[0] == '\0')
		return KILN_OK;
	layers->list = kiln_strdup(list);
	if (layers->list != NULL)
		return KILN_OK;
	kiln_mutex_finish(&layers->mutex);
	return kiln_error(KILN_ERR_OUT_OF_MEMORY, "no memory for a cache. Fix: free some and open it again");
}

void kiln_layers_finish(struct kiln_cache *cache)
{
	struct kiln_layers *layers = &cache->layers;

	for (size_t i = 0; i < layers->count; i++) {
		if (layers->layers[i].root != NULL)
			kiln_cache_close(&layers->layers[i].root);
		else
			kiln_pack_finish(&layers->layers[i].pack);
	}
	kiln_free(layers->layers);
	kiln_free(layers->list);
	if (!kiln_cache_is_inherited(cache))
		kiln_mutex_finish(&layers->mutex);
}

/* ---- Opening ---- */

static enum kiln_status open_folder(struct kiln_cache *cache, const char *path, struct kiln_layer *layer)
{
	const struct kiln_cache_host host = {.fs = cache->fs, .clock = cache->clock, .seal = &cache->seal};
	const struct kiln_cache_params params = {.root = path,
	                                         .mode = KILN_CACHE_READ_ONLY,
	                                         .packs = "", /* layers have none of their own */
	                                         .max_entry_bytes = cache->max_entry_bytes};

	return kiln_cache_open_on(&host, &params, &layer->root);
}

static enum kiln_status open_layer(struct kiln_cache *cache, const char *path, struct kiln_layer *layer)
{
	struct stat facts;

	*layer = (struct kiln_layer){.pack = {.fd = -1}};
	if (cache->fs->fstatat(cache->fs->user, AT_FDCWD, path, &facts) != 0)
		return kiln_error_errno(errno, "cannot look at the cache layer '%s'", path);
	if (S_ISDIR(facts.st_mode))
		return open_folder(cache, path, layer);
	return kiln_pack_open(cache->fs, path, &cache->seal, &layer->pack);
}

static size_t count_names(const char *list)
{
	size_t count = 1;

	for (; *list != '\0'; list++)
		count += *list == ':';
	return count;
}

/* The list is cut apart in place, and put together again. */
static void open_each(struct kiln_cache *cache, struct kiln_layers *layers)
{
	char *at = layers->list;

	while (at != NULL) {
		char *colon = strchr(at, ':');

		if (colon != NULL)
			*colon = '\0';
		if (at[0] != '\0') {
			if (open_layer(cache, at, &layers->layers[layers->count]) == KILN_OK) {
				layers->count++;
			} else {
				layers->refused++;
				kiln_log(KILN_LOG_WARN, "the cache '%s' does without the layer '%s': %s",
				         cache->root, at, kiln_error_message());
			}
		}
		if (colon != NULL)
			*colon = ':';
		at = colon != NULL ? colon + 1 : NULL;
	}
}

/* In a forked child nobody may ever let go of it: then there are no layers. */
static bool lock(struct kiln_cache *cache)
{
	if (kiln_cache_is_inherited(cache))
		return kiln_mutex_try_lock(&cache->layers.mutex);
	kiln_mutex_lock(&cache->layers.mutex);
	return true;
}

/* Returns whether there are layers to look at. */
static bool open_once(struct kiln_cache *cache)
{
	struct kiln_layers *layers = &cache->layers;

	if (layers->list == NULL)
		return false;
	if (!atomic_load_explicit(&layers->opened, memory_order_acquire) && lock(cache)) {
		if (!layers->opened && layers->layers == NULL)
			layers->layers = kiln_alloc_zero(count_names(layers->list), sizeof *layers->layers);
		if (!layers->opened && layers->layers != NULL) {
			open_each(cache, layers);
			atomic_store_explicit(&layers->opened, true, memory_order_release);
		}
		kiln_mutex_unlock(&layers->mutex);
	}
	/* Without memory for the list there are none this time. */
	return atomic_load_explicit(&layers->opened, memory_order_acquire) && layers->count > 0;
}

/* ---- Reading ---- */

static enum kiln_status judge(struct kiln_cache *cache, const struct kiln_pack *pack,
                              const struct kiln_subject *subject, const struct kiln_place *place,
                              uint8_t *data, size_t bytes, struct kiln_cache_entry *out_entry)
{
	struct kiln_entry_view view;
	const char *why;

	switch (kiln_entry_decode_as(data, bytes, kiln_subject_key_version(subject), cache->max_entry_bytes,
	                             &cache->seal, &view, &why)) {
	case KILN_VERDICT_GOOD:
		break;
	case KILN_VERDICT_OTHER_VERSION:
	case KILN_VERDICT_TOO_LARGE:
		return KILN_ERR_NOT_FOUND;
	default:
		goto damaged;
	}
	why = "it holds another key than its name says";
	if (view.kind != subject->kind || !kiln_subject_is(subject, view.subject, view.subject_bytes))
		goto damaged;
	*out_entry = kiln_entry_of_view(&view);
	out_entry->payload = view.payload;
	out_entry->memory = data;
	return KILN_OK;
damaged:
	if (!atomic_exchange(&cache->damage_logged, true))
		kiln_log(
			KILN_LOG_WARN,
			"entry '%s' of the pack '%s' is damaged: %s. It stays and counts as a miss; further "
			"ones are not logged",
			place->path, pack->path, why);
	return kiln_error(KILN_ERR_DAMAGED,
	                  "entry '%s' of the pack '%s' is damaged: %s. Fix: export the pack again",
	                  place->path, pack->path, why);
}

static enum kiln_status read_pack(struct kiln_cache *cache, const struct kiln_pack *pack,
                                  const struct kiln_subject *subject, const struct kiln_place *place,
                                  struct kiln_cache_entry *out_entry)
{
	struct kiln_pack_record record;
	enum kiln_status status;
	uint8_t *data;

	if (!kiln_pack_find(pack, place, &record))
		return KILN_ERR_NOT_FOUND;
	if (record.bytes > cache->max_entry_bytes + KILN_ENTRY_OVERHEAD_MAX)
		return KILN_ERR_NOT_FOUND;
	KILN_TRY(kiln_pack_load(pack, &record, &data));
	status = judge(cache, pack, subject, place, data, record.bytes, out_entry);
	if (status != KILN_OK)
		kiln_free(data);
	return status;
}

enum kiln_status kiln_layers_read(struct kiln_cache *cache, const struct kiln_subject *subject,
                                  const struct kiln_place *place, struct kiln_cache_entry *out_entry)
{
	enum kiln_status worst = KILN_ERR_NOT_FOUND;

	if (!open_once(cache))
		return worst;
	for (size_t i = 0; i < cache->layers.count; i++) {
		const struct kiln_layer *layer = &cache->layers.layers[i];
		_Atomic uint64_t *counter;
		enum kiln_status status =
			layer->root != NULL
				? kiln_subject_read(layer->root, subject, place, out_entry, &counter)
				: read_pack(cache, &layer->pack, subject, place, out_entry);

		if (status == KILN_OK)
			return status;
		if (status != KILN_ERR_NOT_FOUND)
			worst = status;
	}
	return worst;
}

/* ---- Counting ---- */

static void add_evidence(const struct kiln_pack *pack, const struct kiln_pipeline_identity *identity,
                         struct kiln_cache_evidence *evidence)
{
	/* The counts of names that share the first 0, 16, 32 and 48 bytes. */
	uint64_t *const counts[] = {&evidence->total_entries, &evidence->same_program,
	                            &evidence->same_program_policy, &evidence->same_program_policy_device};
	uint8_t name[KILN_PACK_NAME_BYTES];
	struct kiln_place place;

	kiln_place_pipeline(identity, &place);
	kiln_pack_name_of(&place, name);
	for (size_t part = 0; part < 4; part++)
		*counts[part] +=
			kiln_pack_count(pack->index, pack->count, KILN_KIND_PIPELINE, name, 16 * part, NULL);
}

void kiln_layers_evidence(struct kiln_cache *cache, const struct kiln_pipeline_identity *identity,
                          struct kiln_cache_evidence *evidence)
{
	if (!open_once(cache))
		return;
	for (size_t i = 0; i < cache->layers.count; i++) {
		const struct kiln_layer *layer = &cache->layers.layers[i];
		struct kiln_cache_evidence more;

		if (layer->root == NULL) {
			add_evidence(&layer->pack, identity, evidence);
		} else if (kiln_cache_evidence(layer->root, identity, &more) == KILN_OK) {
			evidence->total_entries += more.total_entries;
			evidence->same_program += more.same_program;
			evidence->same_program_policy += more.same_program_policy;
			evidence->same_program_policy_device += more.same_program_policy_device;
		}
	}
	/* The same entry in two layers is one. */
	if (evidence->same_program_policy_device > 1)
		evidence->same_program_policy_device = 1;
}

void kiln_layers_count(struct kiln_cache *cache, struct kiln_cache_stat *stat)
{
	open_once(cache);
	stat->layers = cache->layers.count;
	stat->layers_refused = cache->layers.refused;
	for (size_t i = 0; i < cache->layers.count; i++)
		stat->layer_entries += cache->layers.layers[i].pack.count;
}
