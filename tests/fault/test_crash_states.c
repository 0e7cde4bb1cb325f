/* Power cuts. What the cache does to the disk is recorded, and from the record come the states a cut can leave at any
 * moment: what was synced is there, everything else may be there or not, each piece for itself: names, sizes, blocks
 * of content. All subsets of what was not synced for up to three entries, each single loss (and each single survivor)
 * and random subsets for more. Each state is laid out as files and opened with the cache: an entry must be what the
 * scenario allows at that moment (the old one, the new one, or a miss), and work must go on.
 * COUNT bounds the states that are laid out for one scenario, chosen at random from all of them; 0 = all. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attack.h"
#include "crash_state.h"
#include "fixture.h"

#define ENTRIES_MAX 72
#define CUTS_MAX 1024
#define SUBSET_MAX 24     /* of so many changes all subsets are tried */
#define ALL_SUBSETS_MAX 3 /* entries */
#define MISS 1u
#define VERSION(v) (1u << (v))

/* A moment the power may go, and what each entry may be then. */
struct cut {
	size_t changes, syncs;
	uint8_t allowed[ENTRIES_MAX];
};

/* One scenario on its way. */
struct play {
	const char *name;
	struct temp_dir dir;
	const char *below; /* the root, below the folder */
	char root[400];
	unsigned entries;
	size_t payload_bytes;
	struct kiln_cache *cache;
	struct recording_fs recording;
	struct cut cuts[CUTS_MAX];
	size_t cut_count, syncs_seen;
	uint64_t random;
};

struct scenario {
	const char *name, *below;
	unsigned entries;
	size_t payload_bytes;
	void (*run)(struct play *play);
};

/* ---- Entries ---- */

/* Of three, two share a folder and one is content. */
static bool is_content(unsigned entry)
{
	return entry % 3 == 2;
}

static enum kiln_status write_entry(struct kiln_cache *cache, const struct play *play, unsigned entry,
                                    unsigned version, bool later)
{
	static uint8_t payload[RECORDING_BLOCK * RECORDING_BLOCKS_MAX];
	struct kiln_pipeline_key key = sample_key(entry / 3, 64 + entry % 3);
	struct kiln_fingerprint device = sample_device(1);
	struct kiln_digest content = kiln_digest_of(&entry, sizeof entry);
	struct kiln_cache_entry sample = sample_entry(payload, play->payload_bytes + 10 * version);

	attack_payload(payload, sample.payload_bytes, entry, version);
	if (is_content(entry))
		return later ? kiln_cache_content_write_later(cache, &content, &sample, NULL)
		             : kiln_cache_content_write(cache, &content, &sample);
	return later ? kiln_cache_write_later(cache, &key, &device, &sample, NULL)
	             : kiln_cache_write(cache, &key, &device, &sample);
}

/* MISS, or VERSION() of what was found. */
static unsigned read_entry(struct kiln_cache *cache, const struct play *play, unsigned entry)
{
	struct kiln_pipeline_key key = sample_key(entry / 3, 64 + entry % 3);
	struct kiln_fingerprint device = sample_device(1);
	struct kiln_digest content = kiln_digest_of(&entry, sizeof entry);
	struct kiln_cache_entry found = {0};
	enum kiln_status status = is_content(entry) ? kiln_cache_content_read(cache, &content, &found)
	                                            : kiln_cache_read(cache, &key, &device, &found);
	uint64_t version = 0;

	attack_check(status == KILN_OK || status == KILN_ERR_NOT_FOUND || status == KILN_ERR_DAMAGED,
	             "%s: a read stops with %s: %s", play->name, kiln_status_name(status),
	             kiln_error_message());
	if (status == KILN_OK)
		attack_check(attack_payload_is(found.payload, found.payload_bytes, entry, &version) &&
		                     version < 8,
		             "%s: a wrong payload was accepted", play->name);
	kiln_cache_entry_finish(&found);
	return status == KILN_OK ? VERSION(version) : MISS;
}

static struct kiln_cache *open_cache(const struct play *play, const char *root, const struct kiln_fs *fs)
{
	struct kiln_cache *cache = NULL;
	const struct kiln_cache_params params = {.root = root, .mode = KILN_CACHE_READ_WRITE};
	enum kiln_status status = kiln_cache_open_on(&(struct kiln_cache_host){.fs = fs}, &params, &cache);

	attack_check(status == KILN_OK, "%s: cannot open: %s", play->name, kiln_error_message());
	return cache;
}

/* ---- Playing ---- */

static void add_cut(struct play *play, size_t changes, size_t syncs, const uint8_t *allowed)
{
	struct cut *cut = &play->cuts[play->cut_count++];

	attack_check(play->cut_count <= CUTS_MAX, "%s: too many cuts", play->name);
	cut->changes = changes;
	cut->syncs = syncs;
	memcpy(cut->allowed, allowed, sizeof cut->allowed);
}

/* What may be found if the power went at any moment since the last call. A state that an earlier moment can leave is one
 * that a later one can leave too, unless a sync came between: so the moments before each sync, and the last. */
static void moments(struct play *play, const uint8_t *allowed)
{
	const struct recording_fs *recording = &play->recording;

	for (; play->syncs_seen < recording->sync_count; play->syncs_seen++)
		add_cut(play, recording->syncs[play->syncs_seen].ended, play->syncs_seen, allowed);
	add_cut(play, recording->change_count, recording->sync_count, allowed);
}

static void moments_all(struct play *play, unsigned allowed)
{
	uint8_t each[ENTRIES_MAX];

	memset(each, (int)allowed, sizeof each);
	moments(play, each);
}

static void write_all(struct play *play, unsigned version)
{
	for (unsigned entry = 0; entry < play->entries; entry++)
		assert_status(write_entry(play->cache, play, entry, version, false), KILN_OK);
}

static void flush(struct play *play)
{
	assert_status(kiln_cache_flush(play->cache), KILN_OK);
}

static void open_root(struct play *play)
{
	play->cache = open_cache(play, play->root, &play->recording.fs);
}

/* The first entries in a root that is new itself, and so is what it lies in. */
static void new_root(struct play *play)
{
	open_root(play);
	moments_all(play, MISS);
	write_all(play, 1);
	moments_all(play, MISS | VERSION(1));
	flush(play);
	moments_all(play, MISS | VERSION(1));
	moments_all(play, VERSION(1));
}

/* One process makes the root and dies; another, which finds it there, writes and flushes. */
static void root_of_another(struct play *play)
{
	open_root(play);
	kiln_cache_close(&play->cache);
	new_root(play);
}

static void first_write(struct play *play)
{
	open_root(play);
	recording_fs_settle(&play->recording);
	write_all(play, 1);
	moments_all(play, MISS | VERSION(1));
	flush(play);
	moments_all(play, MISS | VERSION(1));
	/* From here on it must be there, whatever happens to others. */
	moments_all(play, VERSION(1));
}

static void written_later(struct play *play)
{
	open_root(play);
	recording_fs_settle(&play->recording);
	for (unsigned entry = 0; entry < play->entries; entry++)
		assert_status(write_entry(play->cache, play, entry, 1, true), KILN_OK);
	flush(play);
	moments_all(play, MISS | VERSION(1));
	moments_all(play, VERSION(1));
}

static void overwrite(struct play *play)
{
	open_root(play);
	write_all(play, 1);
	flush(play);
	/* Nothing settled: what the first flush forgot would show. */
	play->syncs_seen = play->recording.sync_count;
	moments_all(play, VERSION(1));
	write_all(play, 2);
	moments_all(play, MISS | VERSION(1) | VERSION(2));
	flush(play);
	moments_all(play, MISS | VERSION(1) | VERSION(2));
	moments_all(play, VERSION(2));
}

/* What is removed stays away once that is flushed, and nobody else suffers. */
static void invalidate(struct play *play)
{
	struct kiln_pipeline_identity identity = sample_identity(0, 64, 1);
	uint8_t allowed[ENTRIES_MAX];

	open_root(play);
	write_all(play, 1);
	flush(play);
	recording_fs_settle(&play->recording);
	play->syncs_seen = play->recording.sync_count;
	assert_status(kiln_cache_invalidate(play->cache, &identity, NULL), KILN_OK);
	assert_status(write_entry(play->cache, play, 1, 2, false), KILN_OK);
	memset(allowed, VERSION(1), sizeof allowed);
	allowed[0] = MISS | VERSION(1);
	allowed[1] = MISS | VERSION(1) | VERSION(2);
	moments(play, allowed);
	flush(play);
	moments(play, allowed);
	allowed[0] = MISS;
	allowed[1] = VERSION(2);
	moments(play, allowed);
}

/* A damaged entry goes by way of another name; a good one comes in its place; then all are collected. */
static void damage_and_collect(struct play *play)
{
	struct kiln_pipeline_identity identity = sample_identity(0, 64, 1);
	struct kiln_place place;
	uint8_t allowed[ENTRIES_MAX];

	open_root(play);
	write_all(play, 1);
	kiln_place_pipeline(&identity, &place);
	assert_status(kiln_entry_install(play->cache, &place, "not an entry", 12), KILN_OK);
	flush(play);
	recording_fs_settle(&play->recording);
	play->syncs_seen = play->recording.sync_count;
	memset(allowed, VERSION(1), sizeof allowed);
	allowed[0] = MISS;
	moments(play, allowed);
	attack_check(read_entry(play->cache, play, 0) == MISS, "damage was accepted");
	moments(play, allowed);
	assert_status(write_entry(play->cache, play, 0, 2, false), KILN_OK);
	allowed[0] = MISS | VERSION(2);
	moments(play, allowed);
	assert_status(kiln_cache_gc(play->cache, &(struct kiln_cache_gc_params){.max_bytes = 1}, NULL),
	              KILN_OK);
	memset(allowed, MISS | VERSION(1), sizeof allowed);
	allowed[0] = MISS | VERSION(2);
	moments(play, allowed);
	flush(play);
	moments(play, allowed);
	moments_all(play, MISS);
}

/* ---- One of them ---- */

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *where)
{
	(void)facts, (void)kind, (void)where;
	return remove(path);
}

/* Laid out, opened, judged, worked with. */
static void check_state(const struct play *play, const struct cut *cut, const struct crash_state *state,
                        size_t number)
{
	char base[300], root[400];
	struct kiln_cache *cache;

	snprintf(base, sizeof base, "%s-%zu", play->dir.path, number);
	snprintf(root, sizeof root, "%s/%s", base, play->below);
	crash_state_lay_out(&play->recording, state, base);
	cache = open_cache(play, root, NULL);
	for (unsigned entry = 0; entry < play->entries; entry++) {
		unsigned found = read_entry(cache, play, entry);

		attack_check((found & cut->allowed[entry]) != 0,
		             "%s: after %zu changes and %zu syncs entry %u is %#x, allowed %#x; see %s",
		             play->name, cut->changes, cut->syncs, entry, found, cut->allowed[entry], base);
	}
	for (unsigned entry = 0; entry < play->entries && entry < 3; entry++) {
		attack_check(write_entry(cache, play, entry, 7, false) == KILN_OK, "%s: cannot write: %s",
		             play->name, kiln_error_message());
		attack_check(read_entry(cache, play, entry) == VERSION(7), "%s: a write did not help",
		             play->name);
	}
	attack_check(kiln_cache_gc(cache, NULL, NULL) == KILN_OK && count_temp_files(base) == 0,
	             "%s: gc left something in %s", play->name, base);
	kiln_cache_close(&cache);
	nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- All of them ---- */

/* A state to come back to: a moment, and which of what was not synced then is there. */
struct choice {
	uint32_t cut;
	uint32_t subset;
};

/* States, each once for what is allowed in it. */
struct choices {
	struct choice *all;
	size_t count, capacity;
	uint64_t *seen; /* an open-addressed set of hashes, 0 = free */
	size_t seen_capacity, tried;
};

static bool is_new(struct choices *choices, uint64_t hash)
{
	size_t at = hash % choices->seen_capacity;

	while (choices->seen[at] != 0 && choices->seen[at] != hash)
		at = (at + 1) % choices->seen_capacity;
	if (choices->seen[at] == hash)
		return false;
	choices->seen[at] = hash;
	return true;
}

static void add_choice(struct choices *choices, struct choice choice)
{
	if (choices->count == choices->capacity) {
		choices->capacity = choices->capacity * 2 + 1024;
		choices->all = realloc(choices->all, choices->capacity * sizeof *choices->all);
	}
	attack_check(choices->count < choices->seen_capacity / 2, "too many states");
	choices->all[choices->count++] = choice;
}

/* What each change is at that moment: on the disk, or number `pending` of those that may be lost. */
static size_t list_pending(const struct play *play, const struct cut *cut, bool *applied, size_t *pending)
{
	size_t count = 0;

	for (size_t i = 0; i < cut->changes; i++) {
		applied[i] = recording_is_durable(&play->recording, i, cut->syncs);
		if (!applied[i])
			pending[count++] = i;
	}
	return count;
}

static uint64_t hash_allowed(const struct play *play, const struct cut *cut)
{
	uint64_t sum = 1;

	for (unsigned entry = 0; entry < play->entries; entry++)
		sum = crash_mix(sum, cut->allowed[entry]);
	return sum;
}

static void choose_subsets(const struct play *play, uint32_t number, struct choices *choices)
{
	const struct cut *cut = &play->cuts[number];
	bool applied[RECORDING_CHANGES];
	size_t pending[RECORDING_CHANGES];
	size_t count = list_pending(play, cut, applied, pending);
	uint64_t allowed = hash_allowed(play, cut);
	static struct crash_state state;

	attack_check(count <= SUBSET_MAX, "%s: %zu changes are not synced: too many for all subsets",
	             play->name, count);
	for (uint32_t subset = 0; subset < UINT32_C(1) << count; subset++) {
		for (size_t i = 0; i < count; i++)
			applied[pending[i]] = (subset >> i & 1) != 0;
		crash_state_make(&play->recording, cut->changes, applied, &state);
		choices->tried++;
		if (is_new(choices, crash_mix(crash_state_hash(&play->recording, &state), allowed) | 1))
			add_choice(choices, (struct choice){.cut = number, .subset = subset});
	}
}

/* Returns how many were checked: all, or `bound` of them. */
static size_t check_choices(struct play *play, struct choices *choices, size_t bound)
{
	size_t count = bound != 0 && bound < choices->count ? bound : choices->count;
	bool applied[RECORDING_CHANGES];
	size_t pending[RECORDING_CHANGES];
	static struct crash_state state;

	for (size_t i = 0; i < count; i++) {
		size_t other = i + attack_random(&play->random) % (choices->count - i);
		struct choice choice = choices->all[other];
		const struct cut *cut = &play->cuts[choice.cut];
		size_t lost = list_pending(play, cut, applied, pending);

		choices->all[other] = choices->all[i];
		for (size_t j = 0; j < lost; j++)
			applied[pending[j]] = (choice.subset >> j & 1) != 0;
		crash_state_make(&play->recording, cut->changes, applied, &state);
		check_state(play, cut, &state, i);
	}
	return count;
}

static size_t check_all_subsets(struct play *play, size_t bound)
{
	struct choices choices = {.seen_capacity = (size_t)1 << 22};
	size_t checked;

	choices.seen = calloc(choices.seen_capacity, sizeof *choices.seen);
	for (size_t i = 0; i < play->cut_count; i++)
		choose_subsets(play, (uint32_t)i, &choices);
	checked = check_choices(play, &choices, bound);
	printf("crash_states: %s: %zu subsets at %zu moments are %zu states; %zu checked\n", play->name,
	       choices.tried, play->cut_count, choices.count, checked);
	free(choices.all);
	free(choices.seen);
	return checked;
}

/* ---- More than all subsets could be tried of ---- */

enum loss { LOSE_ONE, KEEP_ONE, LOSE_SOME };

static void check_loss(struct play *play, const struct cut *cut, enum loss loss, size_t which, size_t number)
{
	bool applied[RECORDING_CHANGES];
	size_t pending[RECORDING_CHANGES];
	size_t count = list_pending(play, cut, applied, pending);
	static struct crash_state state;

	for (size_t i = 0; i < count; i++) {
		if (loss == LOSE_SOME)
			applied[pending[i]] = attack_below(&play->random, 2) != 0;
		else
			applied[pending[i]] = (i == which) == (loss == KEEP_ONE);
	}
	crash_state_make(&play->recording, cut->changes, applied, &state);
	check_state(play, cut, &state, number);
}

static size_t check_single_losses(struct play *play, size_t bound)
{
	bool applied[RECORDING_CHANGES];
	size_t pending[RECORDING_CHANGES];
	size_t total = 0, checked = 0;

	for (size_t i = 0; i < play->cut_count; i++)
		total += 2 * list_pending(play, &play->cuts[i], applied, pending) + 1;
	for (size_t i = 0; i < play->cut_count; i++) {
		size_t count = list_pending(play, &play->cuts[i], applied, pending);

		for (size_t j = 0; j <= 2 * count; j++) {
			/* As many as are wanted, spread over all. */
			if (bound != 0 && bound < total && attack_random(&play->random) % total >= bound)
				continue;
			check_loss(play, &play->cuts[i],
			           j == 2 * count ? LOSE_SOME
			           : j % 2 == 0   ? LOSE_ONE
			                          : KEEP_ONE,
			           j / 2, checked++);
		}
	}
	printf("crash_states: %s: %zu single losses, single survivors and random subsets at %zu moments; %zu checked\n",
	       play->name, total, play->cut_count, checked);
	return checked;
}

/* ---- Scenarios ---- */

static const struct scenario scenarios[] = {
	{"one entry in a new root", "a/b/pipelines", 1, 9000, new_root},
	{"one entry in the new root of another", "a/b/pipelines", 1, 5000, root_of_another},
	{"three entries", "pipelines", 3, 5000, first_write},
	{"three entries, written later", "pipelines", 3, 1000, written_later},
	{"three entries over old ones", "pipelines", 3, 1000, overwrite},
	{"invalidation next to a write", "pipelines", 3, 1000, invalidate},
	{"damage, then a collection", "pipelines", 3, 1000, damage_and_collect},
	{"eight entries", "pipelines", 8, 5000, first_write},
	{"eight entries over old ones", "pipelines", 8, 5000, overwrite},
	{"seventy entries", "pipelines", 70, 1000, first_write},
};

static size_t check_scenario(const struct scenario *scenario, const struct attack *attack)
{
	static struct play play;
	size_t checked;

	memset(&play, 0, sizeof play);
	play.name = scenario->name;
	play.below = scenario->below;
	play.entries = scenario->entries;
	play.payload_bytes = scenario->payload_bytes;
	play.random = attack->seed;
	temp_dir_create(&play.dir);
	snprintf(play.root, sizeof play.root, "%s/%s", play.dir.path, play.below);
	recording_fs_init(&play.recording, play.dir.path);
	scenario->run(&play);
	kiln_cache_close(&play.cache);
	checked = scenario->entries <= ALL_SUBSETS_MAX ? check_all_subsets(&play, attack->count)
	                                               : check_single_losses(&play, attack->count);
	recording_fs_finish(&play.recording);
	temp_dir_remove(&play.dir);
	return checked;
}

int main(int argc, char **argv)
{
	struct attack attack = attack_begin("crash_states", argc, argv, 300);
	size_t checked = 0;

	for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
		checked += check_scenario(&scenarios[i], &attack);
	return attack_end(&attack,
	                  "%zu crash states opened: 0 wrong payloads, 0 flushed entries lost, 0 failures",
	                  checked);
}
