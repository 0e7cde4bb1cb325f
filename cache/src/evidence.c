/* What the names in a program's folder tell about a miss. */
#include <cache/evidence.h>

#include <string.h>

#include <base/error.h>
#include <cache/later.h>

/* The names looked for, in hex once and for all: a large folder has hundreds. */
struct search {
	char program[KILN_DIGEST_HEX], policy[KILN_DIGEST_HEX], device[KILN_DIGEST_HEX];
	struct kiln_cache_evidence found;
	void (*related)(void *user, const char *name); /* of the same program; NULL = nobody asks */
	void *user;
};

static bool has_part(const char *name, size_t offset, const char *hex)
{
	return memcmp(name + offset, hex, KILN_NAME_PART) == 0;
}

static bool count_name(void *user, const char *name)
{
	struct search *search = user;
	bool same_program = strncmp(name, search->program, KILN_NAME_PART) == 0;

	/* Of others one is enough to know that the cache is not empty. */
	if (!same_program && search->found.total_entries > 0)
		return true;
	if (!kiln_name_is_entry(KILN_KIND_PIPELINE, name))
		return true;
	search->found.total_entries++;
	if (!same_program)
		return true;
	search->found.same_program++;
	if (search->related != NULL)
		search->related(search->user, name);
	if (!has_part(name, KILN_NAME_POLICY, search->policy))
		return true;
	search->found.same_program_policy++;
	if (has_part(name, KILN_NAME_DEVICE, search->device))
		search->found.same_program_policy_device++;
	return true;
}

/* Is there any entry at all? */
struct probe {
	const struct kiln_cache *cache;
	enum kiln_status status;
	bool found;
};

static bool stop_at_entry(void *user, const char *name)
{
	struct probe *probe = user;

	probe->found = kiln_name_is_entry(KILN_KIND_PIPELINE, name);
	return !probe->found;
}

static bool probe_shard(void *user, const struct kiln_shard *shard)
{
	struct probe *probe = user;

	if (shard->kind == KILN_KIND_PIPELINE)
		probe->status = kiln_dir_visit(probe->cache, shard->dir, stop_at_entry, probe);
	return !probe->found && probe->status == KILN_OK;
}

static enum kiln_status any_entry(const struct kiln_cache *cache, uint64_t *out_total)
{
	struct probe probe = {.cache = cache};

	KILN_TRY(kiln_shards_visit(cache, probe_shard, &probe));
	if (probe.status == KILN_OK)
		*out_total = probe.found ? 1 : 0;
	return probe.status;
}

enum kiln_status kiln_evidence_gather(struct kiln_cache *cache, const struct kiln_pipeline_identity *identity,
                                      void (*related)(void *user, const char *name), void *user,
                                      struct kiln_cache_evidence *out_evidence)
{
	struct search search = {.related = related, .user = user};
	char dir[8];

	kiln_hex_encode(&identity->program, search.program);
	kiln_hex_encode(&identity->policy, search.policy);
	kiln_hex_encode(&identity->device, search.device);
	kiln_shard_dir(KILN_KIND_PIPELINE, identity->program.bytes[0], dir);
	KILN_TRY(kiln_dir_visit(cache, dir, count_name, &search));
	/* Replacing what lies there already, it may be counted twice. */
	search.related = NULL;
	kiln_later_visit(cache, count_name, &search);
	if (search.found.same_program_policy_device > 1)
		search.found.same_program_policy_device = 1;
	/* Only where the folder has nothing is the rest of the cache looked at, up to the first entry. */
	if (search.found.total_entries == 0)
		KILN_TRY(any_entry(cache, &search.found.total_entries));
	kiln_layers_evidence(cache, identity, &search.found);
	*out_evidence = search.found;
	return KILN_OK;
}

enum kiln_status kiln_cache_evidence(struct kiln_cache *cache, const struct kiln_pipeline_identity *identity,
                                     struct kiln_cache_evidence *out_evidence)
{
	KILN_CHECK(identity != NULL && out_evidence != NULL,
	           "kiln_cache_evidence was given NULL; expected an identity and a place for the evidence. "
	           "Fix: pass both");
	if (cache != NULL)
		return kiln_evidence_gather(cache, identity, NULL, NULL, out_evidence);
	*out_evidence = (struct kiln_cache_evidence){0};
	return KILN_OK;
}
