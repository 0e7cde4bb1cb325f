/* Every domain-separation string of this tier, in one place so that no two digests can share one.
 * A digest whose definition changes gets a new string; the list is repeated in cache/FORMAT.md. */
#ifndef CACHE_DOMAINS_H
#define CACHE_DOMAINS_H

#define KILN_DOMAIN_LAYOUT "kiln bind group layout v1"
#define KILN_DOMAIN_POLICY "kiln policy v1"
#define KILN_DOMAIN_DRIVER_PARTS "kiln driver from parts v1"
#define KILN_DOMAIN_FINGERPRINT "kiln device fingerprint v1"
#define KILN_DOMAIN_IDENTITY "kiln pipeline identity v1"
#define KILN_DOMAIN_CONTENT "kiln content key v1"
#define KILN_DOMAIN_GONE "kiln gone v1"
#define KILN_DOMAIN_SECRET "kiln cache secret v1"
#define KILN_DOMAIN_SECRET_ID "kiln cache secret id v1"

/* Contexts of BLAKE3's key-derivation mode, where nothing is hashed before the bytes they are for. */
#define KILN_CONTEXT_ENTRY "kiln 2026-11 cache entry v2"
#define KILN_CONTEXT_ENTRY_KEY "kiln 2026-11 cache entry key v2"
#define KILN_CONTEXT_PACK "kiln 2026-11 cache pack v2"
#define KILN_CONTEXT_PACK_KEY "kiln 2026-11 cache pack key v2"

#endif
