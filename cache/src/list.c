/* Listing: every entry, or those of one program, verified, in path order. */
#include <cache/store.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>

struct lister {
	const struct kiln_cache *cache;
	const struct kiln_digest *program; /* NULL = everything */
	char program_hex[KILN_DIGEST_HEX];
	bool (*visit)(void *user, const struct kiln_cache_listing *listing);
	void *user;
	enum kiln_status status;
};

static enum kiln_status status_of(enum kiln_verdict verdict)
{
	switch (verdict) {
	case KILN_VERDICT_GOOD:
		return KILN_OK;
	case KILN_VERDICT_OTHER_VERSION:
		return KILN_ERR_UNSUPPORTED;
	case KILN_VERDICT_TOO_LARGE:
		return KILN_ERR_TOO_LARGE;
	default:
		return KILN_ERR_DAMAGED;
	}
}

/* Whether the entry lies where its subject belongs. Fills *out_identity for a pipeline. */
static bool lies_right(const struct kiln_subject *subject, const char *path,
                       struct kiln_pipeline_identity *out_identity)
{
	struct kiln_place place;

	if (subject->kind == KILN_KIND_CONTENT) {
		kiln_place_content(subject->content, &place);
	} else {
		*out_identity = kiln_pipeline_identity_canon(subject->key, subject->fingerprint);
		kiln_place_pipeline(out_identity, &place);
	}
	return strcmp(place.path, path) == 0;
}

enum kiln_status kiln_entry_describe(const struct kiln_cache *cache, const char *path, const uint8_t *data,
                                     size_t bytes, struct kiln_cache_listing *listing,
                                     struct kiln_subject_copy *copy, struct kiln_pipeline_identity *identity)
{
	struct kiln_entry_view view;
	const char *why;
	enum kiln_status status = status_of(kiln_entry_decode_as(data, bytes, 0, cache->max_entry_bytes,
	                                                         &cache->seal, &view, &why));

	if (status == KILN_OK)
		status = kiln_subject_decode(view.kind, view.subject, view.subject_bytes, copy);
	if (status != KILN_OK)
		return status;
	if (!lies_right(&copy->subject, path, identity))
		return KILN_ERR_DAMAGED;
	listing->entry = kiln_entry_of_view(&view);
	listing->content_key = copy->subject.content;
	listing->fingerprint = copy->subject.fingerprint;
	listing->key = copy->subject.key;
	listing->identity = copy->subject.key != NULL ? identity : NULL;
	return KILN_OK;
}

/* What can be said of a file that cannot be opened. */
static void look_at(const struct kiln_cache *cache, const char *path, struct stat *out_facts)
{
	if (cache->fs->fstatat(cache->fs->user, cache->root_fd, path, out_facts) != 0)
		*out_facts = (struct stat){0};
}

/* Names hold half of the digest. */
static bool is_wanted(const struct lister *lister, const struct kiln_cache_listing *listing)
{
	return lister->program == NULL || listing->identity == NULL ||
	       kiln_digest_equal(&listing->identity->program, lister->program);
}

static bool list_file(struct lister *lister, const char *full_path, const char *path)
{
	struct kiln_cache_listing listing = {.path = full_path};
	struct kiln_pipeline_identity identity;
	struct kiln_subject_copy copy = {0};
	struct kiln_file file;
	bool go_on;

	listing.status = kiln_file_load(lister->cache, path, &file);
	if (listing.status == KILN_ERR_NOT_FOUND) /* gone since the folder was listed */
		return true;
	if (file.facts.st_mode == 0)
		look_at(lister->cache, path, &file.facts);
	listing.bytes = (uint64_t)file.facts.st_size;
	listing.last_use_s = (int64_t)file.facts.st_mtime;
	if (listing.status == KILN_OK)
		listing.status = kiln_entry_describe(lister->cache, path, file.data, file.bytes, &listing,
		                                     &copy, &identity);
	go_on = !is_wanted(lister, &listing) || lister->visit(lister->user, &listing);
	kiln_subject_copy_finish(&copy);
	kiln_file_finish(lister->cache, &file);
	return go_on;
}

/* The names of one folder that are looked at. */
struct choice {
	const struct lister *lister;
	enum kiln_kind kind;
};

static bool is_chosen(const void *user, const char *name)
{
	const struct choice *choice = user;

	return kiln_name_is_entry(choice->kind, name) &&
	       (choice->lister->program == NULL ||
	        memcmp(name, choice->lister->program_hex, KILN_NAME_PART) == 0);
}

static bool list_names(struct lister *lister, const struct kiln_shard *shard, const struct kiln_names *names)
{
	struct kiln_writer full_path = {0};
	size_t above = strlen(lister->cache->root) + 1;
	bool go_on = true;

	for (size_t i = 0; i < names->count && go_on; i++) {
		full_path.bytes = 0;
		kiln_write_format(&full_path, "%s/%s/%s", lister->cache->root, shard->dir, names->sorted[i]);
		kiln_write_u8(&full_path, 0);
		if (full_path.bad) {
			lister->status = kiln_error(KILN_ERR_OUT_OF_MEMORY,
			                            "no memory to list the cache. Fix: free some");
			break;
		}
		go_on = list_file(lister, (const char *)full_path.data, (const char *)full_path.data + above);
	}
	kiln_writer_finish(&full_path);
	return go_on && lister->status == KILN_OK;
}

static bool list_shard(void *user, const struct kiln_shard *shard)
{
	struct lister *lister = user;
	struct choice choice = {.lister = lister, .kind = shard->kind};
	struct kiln_names names;
	bool go_on;

	lister->status = kiln_dir_names(lister->cache, shard->dir, is_chosen, &choice, &names);
	if (lister->status != KILN_OK)
		return false;
	go_on = list_names(lister, shard, &names);
	kiln_names_finish(&names);
	return go_on;
}

enum kiln_status kiln_cache_list(struct kiln_cache *cache,
                                 bool (*visit)(void *user, const struct kiln_cache_listing *listing),
                                 void *user)
{
	struct lister lister = {.cache = cache, .visit = visit, .user = user};

	KILN_CHECK(visit != NULL, "kiln_cache_list was given nothing to call. Fix: pass a function");
	if (cache == NULL)
		return KILN_OK;
	kiln_later_drain(cache);
	KILN_TRY(kiln_shards_visit(cache, list_shard, &lister));
	return lister.status;
}

enum kiln_status kiln_cache_list_program(struct kiln_cache *cache, const struct kiln_digest *program,
                                         bool (*visit)(void *user, const struct kiln_cache_listing *listing),
                                         void *user)
{
	struct lister lister = {.cache = cache, .program = program, .visit = visit, .user = user};
	struct kiln_shard shard = {.kind = KILN_KIND_PIPELINE};

	KILN_CHECK(program != NULL && visit != NULL,
	           "kiln_cache_list_program was given NULL; expected a program's digest and a function. "
	           "Fix: pass both");
	if (cache == NULL)
		return KILN_OK;
	kiln_later_drain(cache);
	kiln_hex_encode(program, lister.program_hex);
	shard.number = program->bytes[0];
	kiln_shard_dir(shard.kind, shard.number, shard.dir);
	list_shard(&lister, &shard);
	return lister.status;
}
