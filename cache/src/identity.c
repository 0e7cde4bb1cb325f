/* The pipeline identity and the content key: digests over whole tuples. */
#include <cache/key.h>

#include <base/error.h>
#include <cache/domains.h>

static struct kiln_digest hash_tuple(const struct kiln_pipeline_identity *identity)
{
	struct kiln_hasher hasher;

	kiln_hash_init(&hasher, KILN_DOMAIN_IDENTITY);
	kiln_hash_string(&hasher, "program");
	kiln_hash_digest(&hasher, &identity->program);
	kiln_hash_string(&hasher, "policy");
	kiln_hash_digest(&hasher, &identity->policy);
	kiln_hash_string(&hasher, "device");
	kiln_hash_digest(&hasher, &identity->device);
	return kiln_hash_finish(&hasher);
}

struct kiln_pipeline_identity kiln_pipeline_identity_canon(const struct kiln_pipeline_key *canon,
                                                           const struct kiln_fingerprint *fingerprint)
{
	struct kiln_pipeline_identity identity = {
		.program = canon->program,
		.policy = kiln_policy_digest_canon(canon),
		.device = kiln_fingerprint_digest(fingerprint),
	};

	identity.digest = hash_tuple(&identity);
	return identity;
}

enum kiln_status kiln_pipeline_identity(const struct kiln_pipeline_key *key,
                                        const struct kiln_fingerprint *fingerprint,
                                        struct kiln_pipeline_identity *out_identity)
{
	struct kiln_canon_key canon;

	KILN_CHECK(
		fingerprint != NULL && out_identity != NULL,
		"kiln_pipeline_identity was given NULL; expected a fingerprint and a place for the identity. "
		"Fix: pass both");
	KILN_TRY(kiln_key_canon(key, &canon));
	*out_identity = kiln_pipeline_identity_canon(&canon.key, fingerprint);
	return KILN_OK;
}

static const char *or_else(const char *text, const char *otherwise)
{
	return text != NULL ? text : otherwise;
}

/* Here even the numbers carry a length: the rule for content keys knows no exception. */
static void hash_number(struct kiln_hasher *hasher, uint32_t value)
{
	kiln_hash_u32(hasher, sizeof value);
	kiln_hash_u32(hasher, value);
}

struct kiln_digest kiln_content_key(const struct kiln_content *content)
{
	struct kiln_hasher hasher;

	kiln_hash_init(&hasher, KILN_DOMAIN_CONTENT);
	hash_number(&hasher, KILN_PIPELINE_KEY_VERSION);
	kiln_hash_string(&hasher, or_else(content->backend, "vulkan"));
	kiln_hash_string(&hasher, or_else(content->driver_version, ""));
	kiln_hash_string(&hasher, or_else(content->device_generation, ""));
	hash_number(&hasher, content->features.bits);
	kiln_hash_field64(&hasher, content->payload, content->payload_bytes);
	return kiln_hash_finish(&hasher);
}
