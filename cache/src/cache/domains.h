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
#define KILN_DOMAIN_ENTRY "kiln cache entry v1"
#define KILN_DOMAIN_PACK "kiln cache pack v1"
#define KILN_DOMAIN_SECRET "kiln cache secret v1"
#define KILN_DOMAIN_SECRET_ID "kiln cache secret id v1"

#endif
