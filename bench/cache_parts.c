#include "cache_parts.h"

const struct bench_series *pair_divide(struct pair *pair)
{
	double raw = bench_median(&pair->raw);
	if (raw > 0)
		bench_add(&pair->ratio, bench_median(&pair->ours) / raw);
	return &pair->ratio;
}

void pair_finish(struct pair *pair)
{
	bench_finish(&pair->raw);
	bench_finish(&pair->ours);
	bench_finish(&pair->ratio);
}

void parts_try(enum kiln_status status)
{
	if (status != KILN_OK)
		bench_die("%s: %s", kiln_status_name(status), kiln_error_message());
}

double parts_us_since(uint64_t start_ns)
{
	return (double)(bench_now_ns() - start_ns) / 1e3;
}

struct kiln_cache *parts_open(const char *root)
{
	struct kiln_cache *cache = NULL;
	parts_try(kiln_cache_open(&(struct kiln_cache_params){.root = root,
	                                                      .mode = KILN_CACHE_READ_WRITE,
	                                                      .packs = ""},
	                          &cache));
	return cache;
}

struct kiln_pipeline_key parts_key(uint32_t program, uint32_t variant)
{
	return (struct kiln_pipeline_key){
		.program = kiln_digest_of(&program, sizeof program),
		.push_bytes = variant,
		.workgroup = {64, 1, 1},
	};
}

struct kiln_fingerprint parts_device(void)
{
	return kiln_fingerprint_from_parts(0x1002, 1, "driver 1", "benchmark");
}

struct kiln_pipeline_identity parts_identity(uint32_t program, uint32_t variant)
{
	struct kiln_pipeline_key key = parts_key(program, variant);
	struct kiln_fingerprint device = parts_device();
	struct kiln_pipeline_identity identity;
	parts_try(kiln_pipeline_identity(&key, &device, &identity));
	return identity;
}

void parts_put(struct kiln_cache *cache, const struct kiln_pipeline_key *key, const void *payload,
               size_t bytes)
{
	struct kiln_cache_entry entry = {.payload = payload, .payload_bytes = bytes, .compile_ns = 1000000};
	struct kiln_fingerprint device = parts_device();
	parts_try(kiln_cache_write(cache, key, &device, &entry));
}

void parts_fill(uint8_t *out_payload, size_t bytes)
{
	uint32_t random = 1;
	for (size_t i = 0; i < bytes; i++) {
		random = random * 1664525u + 1013904223u;
		out_payload[i] = (uint8_t)(random >> 24);
	}
}
