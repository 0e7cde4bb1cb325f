/* The policy: everything in the key but the program, as a digest and as a line of text. */
#include <cache/key.h>

#include <string.h>

#include <base/error.h>
#include <cache/domains.h>
#include <cache/text.h>

struct kiln_digest kiln_policy_digest_canon(const struct kiln_pipeline_key *canon)
{
	struct kiln_hasher hasher;
	struct kiln_sink sink = kiln_sink_hash(&hasher);

	kiln_hash_init(&hasher, KILN_DOMAIN_POLICY);
	kiln_policy_walk(canon, &sink);
	return kiln_hash_finish(&hasher);
}

enum kiln_status kiln_policy_digest(const struct kiln_pipeline_key *key, struct kiln_digest *out_digest)
{
	struct kiln_canon_key canon;

	KILN_CHECK(out_digest != NULL,
	           "kiln_policy_digest has nowhere to put the digest. Fix: pass out_digest");
	KILN_TRY(kiln_key_canon(key, &canon));
	*out_digest = kiln_policy_digest_canon(&canon.key);
	return KILN_OK;
}

static void print_spec(struct kiln_text *text, const struct kiln_pipeline_key *key)
{
	if (key->spec_count == 0)
		kiln_text_add(text, "none");
	for (size_t i = 0; i < key->spec_count; i++)
		kiln_text_format(text, "%s%u:u%u=%llu", i > 0 ? "," : "", key->spec[i].id,
		                 key->spec[i].size * 8, (unsigned long long)key->spec[i].value);
}

/* Fields that nearly always have one value appear only with another: the line stays readable, and
 * distinct. */
static void print_rare(struct kiln_text *text, const struct kiln_pipeline_key *key)
{
	static const char *const create_names[] = {"push_descriptors", "update_after_bind", "dispatch_base"};

	if (key->robustness == KILN_ROBUSTNESS_BUFFERS)
		kiln_text_add(text, " robust=buffers");
	else if (key->robustness != KILN_ROBUSTNESS_OFF)
		kiln_text_format(text, " robust=%u", key->robustness);
	if (key->create_flags != 0) {
		kiln_text_add(text, " create=");
		kiln_text_flags(text, key->create_flags, create_names, 3);
	}
	if (strcmp(key->backend, "vulkan") != 0) {
		kiln_text_add(text, " backend=");
		kiln_text_escaped(text, key->backend);
	}
	if (key->key_version != 1)
		kiln_text_format(text, " key=%u", key->key_version);
}

size_t kiln_policy_print(const struct kiln_pipeline_key *key, char *out_text, size_t bytes)
{
	struct kiln_text text = kiln_text_start(out_text, bytes);
	struct kiln_canon_key canon;
	const struct kiln_pipeline_key *k = &canon.key;
	char layout[KILN_DIGEST_HEX], features[512];

	if (kiln_key_canon(key, &canon) != KILN_OK)
		return 0;
	kiln_text_add(&text, "entry=");
	kiln_text_escaped(&text, k->entry);
	kiln_text_format(&text, " wg=%ux%ux%u", k->workgroup[0], k->workgroup[1], k->workgroup[2]);
	if (k->subgroup_size == 0)
		kiln_text_add(&text, " sg=auto");
	else
		kiln_text_format(&text, " sg=%u", k->subgroup_size);
	kiln_hex_encode(&k->layout, layout);
	kiln_text_format(&text, " push=%u layout=%s spec=", k->push_bytes, layout);
	print_spec(&text, k);
	kiln_features_print(k->features, features, sizeof features);
	kiln_text_format(&text, " flags=%s", features);
	print_rare(&text, k);
	return text.length;
}
