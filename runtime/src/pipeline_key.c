#include "pipeline_key.h"

#include <string.h>

#include <base/alloc.h>

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0xff51afd7ed558ccdu;
	return hash ^ hash >> 32;
}

static uint64_t first_eight(const struct kiln_digest *digest)
{
	uint64_t word;

	memcpy(&word, digest->bytes, sizeof(word));
	return word;
}

static uint64_t pair(uint32_t low, uint32_t high)
{
	return (uint64_t)high << 32 | low;
}

/* Digests are uniform, so a part of each is enough; what is left out only has to be compared. */
uint64_t kiln_key_hash(const struct kiln_pipeline_key *key)
{
	uint64_t hash = mix(first_eight(&key->program), first_eight(&key->layout));

	hash = mix(hash, pair(key->workgroup[0], key->workgroup[1]));
	hash = mix(hash, pair(key->workgroup[2], key->push_bytes));
	hash = mix(hash, pair(key->subgroup_size, key->robustness));
	hash = mix(hash, pair(key->create_flags, key->features.bits));
	for (const char *at = key->entry; at && *at; at++)
		hash = (hash ^ (uint8_t)*at) * 0x100000001b3u;
	for (size_t i = 0; i < key->spec_count; i++)
		hash = mix(hash ^ key->spec[i].id, key->spec[i].value);
	return mix(hash, key->spec_count);
}

static bool text_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool spec_equal(const struct kiln_pipeline_key *a, const struct kiln_pipeline_key *b)
{
	if (a->spec_count != b->spec_count)
		return false;
	for (size_t i = 0; i < a->spec_count; i++)
		if (a->spec[i].id != b->spec[i].id || a->spec[i].size != b->spec[i].size ||
		    a->spec[i].value != b->spec[i].value)
			return false;
	return true;
}

bool kiln_key_equal(const struct kiln_pipeline_key *a, const struct kiln_pipeline_key *b)
{
	return a->key_version == b->key_version && a->push_bytes == b->push_bytes &&
	       a->workgroup[0] == b->workgroup[0] && a->workgroup[1] == b->workgroup[1] &&
	       a->workgroup[2] == b->workgroup[2] && a->subgroup_size == b->subgroup_size &&
	       a->robustness == b->robustness && a->create_flags == b->create_flags &&
	       a->features.bits == b->features.bits && kiln_digest_equal(&a->program, &b->program) &&
	       kiln_digest_equal(&a->layout, &b->layout) && text_equal(a->backend, b->backend) &&
	       text_equal(a->entry, b->entry) && spec_equal(a, b);
}

static size_t text_bytes(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

static char *put_text(char **at, const char *text)
{
	size_t bytes = text_bytes(text);
	char *copy = bytes ? memcpy(*at, text, bytes) : NULL;

	*at += bytes;
	return copy;
}

struct kiln_pipeline_key *kiln_key_copy(const struct kiln_pipeline_key *key)
{
	size_t spec_bytes = key->spec_count * sizeof(*key->spec);
	struct kiln_pipeline_key *copy =
		kiln_alloc(sizeof(*copy) + spec_bytes + text_bytes(key->backend) + text_bytes(key->entry));
	char *at;

	if (!copy)
		return NULL;
	at = (char *)(copy + 1);
	*copy = *key;
	copy->spec = spec_bytes ? memcpy(at, key->spec, spec_bytes) : NULL;
	at += spec_bytes;
	copy->backend = put_text(&at, key->backend);
	copy->entry = put_text(&at, key->entry);
	return copy;
}
