/* Which entry comes nearest to one that is not there, and in what it differs. */
#include <cache/evidence.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/error.h>
#include <cache/diff.h>
#include <cache/later.h>

#define LOOKS_MAX 4     /* some 5 us each: a miss is to cost little beside its compile */
#define HEAD_BYTES 2048 /* header and key; a key with so many constants that it is longer is passed over */

struct search {
	struct kiln_cache *cache;
	const struct kiln_pipeline_identity *identity;
	struct kiln_diff_side now;
	char policy[KILN_DIGEST_HEX], device[KILN_DIGEST_HEX]; /* in hex once and for all */
	char driver[KILN_CACHE_DEVICE_NAME_MAX + 1];
	char names[LOOKS_MAX][KILN_PLACE_MAX];
	unsigned count,
		related; /* the second is part of the first: with the policy or the device in common */
	unsigned looks;
	struct kiln_cache_nearest best;
	int64_t best_use_s;
};

/* ---- Comparing ---- */

/* The name is only looked up where there are two drivers to tell apart. */
static void name_drivers(struct search *search, struct kiln_diff_side *was,
                         char out_driver[KILN_CACHE_DEVICE_NAME_MAX + 1])
{
	out_driver[0] = '\0';
	was->driver = out_driver;
	if (kiln_digest_equal(&was->device->driver, &search->now.device->driver))
		return;
	kiln_cache_device_name(search->cache, was->device, out_driver, KILN_CACHE_DEVICE_NAME_MAX + 1);
	if (search->driver[0] == '\0')
		kiln_cache_device_name(search->cache, search->now.device, search->driver,
		                       sizeof search->driver);
}

static void compare(struct search *search, const struct kiln_subject *other,
                    const struct kiln_pipeline_identity *identity, int64_t use_s)
{
	char driver[KILN_CACHE_DEVICE_NAME_MAX + 1], text[sizeof search->best.difference];
	struct kiln_diff_side was = {.key = other->key, .device = other->fingerprint};
	unsigned fields;

	name_drivers(search, &was, driver);
	kiln_diff_print(&was, &search->now, text, sizeof text, &fields);
	if (fields == 0 ||
	    (search->best.fields != 0 && (fields > search->best.fields ||
	                                  (fields == search->best.fields && use_s <= search->best_use_s))))
		return;
	search->best.fields = fields;
	search->best.pipeline_id = identity->digest;
	search->best_use_s = use_s;
	memcpy(search->best.difference, text, sizeof text);
}

/* What lies where its key belongs was written by one of us, or copied whole; a name has half of each digest. */
static void judge(struct search *search, const char *name, const uint8_t *encoded, size_t bytes,
                  int64_t use_s)
{
	struct kiln_pipeline_identity identity;
	struct kiln_subject_copy copy;
	struct kiln_place place;

	if (kiln_subject_decode(KILN_KIND_PIPELINE, encoded, bytes, &copy) != KILN_OK)
		return;
	identity = kiln_pipeline_identity_canon(&copy.key.key, &copy.fingerprint);
	kiln_place_pipeline(&identity, &place);
	if (strcmp(place.name, name) == 0 && kiln_digest_equal(&identity.program, &search->identity->program))
		compare(search, &copy.subject, &identity, use_s);
	kiln_subject_copy_finish(&copy);
}

/* ---- Candidates ---- */

static bool is_related(const struct search *search, const char *name)
{
	return memcmp(name + KILN_NAME_POLICY, search->policy, KILN_NAME_PART) == 0 ||
	       memcmp(name + KILN_NAME_DEVICE, search->device, KILN_NAME_PART) == 0;
}

/* Related ones are kept at the front. */
static void collect(void *user, const char *name)
{
	struct search *search = user;
	bool related = is_related(search, name);
	unsigned place = related ? search->related : search->count;

	if (place >= LOOKS_MAX)
		return;
	if (related && search->count < LOOKS_MAX)
		memcpy(search->names[search->count], search->names[place], KILN_PLACE_MAX);
	snprintf(search->names[place], KILN_PLACE_MAX, "%s", name);
	search->related += related;
	search->count += search->count < LOOKS_MAX;
}

static uint32_t u32_at(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Offsets of FORMAT.md's "An entry". What is no entry decodes to nothing. */
static void judge_head(struct search *search, const char *name, const uint8_t *head, size_t bytes,
                       int64_t use_s)
{
	size_t start = KILN_ENTRY_HEADER_BYTES, subject;
	struct kiln_entry_head facts;

	if (bytes < KILN_ENTRY_HEADER_BYTES || !kiln_entry_head(head, &facts) || !facts.known_version)
		return;
	start += head[26] == 1 ? KILN_SEAL_ID_BYTES : 0;
	subject = u32_at(head + 28);
	if (start <= bytes && subject <= bytes - start)
		judge(search, name, head + start, subject, use_s);
}

static void look(struct search *search, const char *name)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
	const struct kiln_fs *fs = search->cache->fs;
	uint8_t head[HEAD_BYTES];
	char path[KILN_PLACE_MAX + 8], dir[8];
	struct stat facts;
	ssize_t got = 0;
	int fd;

	kiln_shard_dir(KILN_KIND_PIPELINE, search->identity->program.bytes[0], dir);
	snprintf(path, sizeof path, "%s/%s", dir, name);
	fd = fs->openat(fs->user, search->cache->root_fd, path, flags, 0);
	if (fd < 0)
		return;
	if (fs->fstat(fs->user, fd, &facts) == 0 && S_ISREG(facts.st_mode))
		got = fs->pread(fs->user, fd, head, sizeof head, 0);
	fs->close(fs->user, fd);
	if (got > 0)
		judge_head(search, name, head, (size_t)got, (int64_t)facts.st_mtime);
}

/* What waits to be written is the newest there is. */
static bool look_at_queued(void *user, const struct kiln_place *place, const uint8_t *subject, size_t bytes)
{
	struct search *search = user;

	if (place->kind != KILN_KIND_PIPELINE ||
	    !kiln_name_part_is(place->name, KILN_NAME_PROGRAM, &search->identity->program))
		return true;
	judge(search, place->name, subject, bytes, INT64_MAX);
	return ++search->looks < LOOKS_MAX;
}

static enum kiln_status run(struct search *search, struct kiln_cache_explanation *explanation)
{
	KILN_TRY(kiln_evidence_gather(search->cache, search->identity, collect, search,
	                              &explanation->evidence));
	kiln_later_visit_subjects(search->cache, look_at_queued, search);
	for (unsigned i = 0; i < search->count; i++)
		look(search, search->names[i]);
	explanation->nearest = search->best;
	explanation->fate = kiln_cache_fate(search->cache, search->identity, &explanation->fate_s);
	return KILN_OK;
}

static void start(struct search *search, struct kiln_cache *cache, const struct kiln_pipeline_key *key,
                  const struct kiln_fingerprint *fingerprint, const struct kiln_pipeline_identity *identity)
{
	search->cache = cache;
	search->identity = identity;
	search->now = (struct kiln_diff_side){key, fingerprint, search->driver};
	search->driver[0] = '\0';
	search->count = search->related = search->looks = 0;
	search->best = (struct kiln_cache_nearest){0};
	search->best_use_s = 0;
	kiln_hex_encode(&identity->policy, search->policy);
	kiln_hex_encode(&identity->device, search->device);
}

enum kiln_status kiln_cache_explain(struct kiln_cache *cache, const struct kiln_pipeline_key *key,
                                    const struct kiln_fingerprint *fingerprint,
                                    struct kiln_cache_explanation *out_explanation)
{
	struct kiln_cache_explanation explanation = {0};
	struct kiln_pipeline_identity identity;
	struct kiln_canon_key canon;
	struct search search;

	KILN_CHECK(fingerprint != NULL && out_explanation != NULL,
	           "kiln_cache_explain was given NULL; expected a fingerprint and a place for the answer. "
	           "Fix: pass both");
	KILN_TRY(kiln_key_canon(key, &canon));
	if (cache != NULL) {
		identity = kiln_pipeline_identity_canon(&canon.key, fingerprint);
		start(&search, cache, &canon.key, fingerprint, &identity);
		KILN_TRY(run(&search, &explanation));
	}
	*out_explanation = explanation;
	return KILN_OK;
}
