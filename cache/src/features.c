#include <kiln/identity.h>

#include <cache/text.h>

/* Index = bit number. */
static const char *const names[] = {
	"subgroup_ops",      "f16",           "bf16",
	"tensor_cores",      "async_compute", "push_constants",
	"indirect_dispatch", "speculative",   "persistent_thread",
};

#define NAME_COUNT (sizeof names / sizeof names[0])

bool kiln_features_contains(struct kiln_features all, struct kiln_features some)
{
	return (all.bits & some.bits) == some.bits;
}

struct kiln_features kiln_features_union(struct kiln_features a, struct kiln_features b)
{
	return (struct kiln_features){.bits = a.bits | b.bits};
}

uint32_t kiln_features_bits(struct kiln_features features)
{
	return features.bits;
}

const char *kiln_feature_name(unsigned bit)
{
	return bit < NAME_COUNT ? names[bit] : NULL;
}

size_t kiln_features_print(struct kiln_features features, char *out_text, size_t bytes)
{
	struct kiln_text text = kiln_text_start(out_text, bytes);

	kiln_text_flags(&text, features.bits, names, NAME_COUNT);
	return text.length;
}
