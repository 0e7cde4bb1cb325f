/* What differs between two pipelines: field by field, for people who wonder why one is not the other. */
#include <cache/diff.h>

#include <string.h>

#include <cache/key.h>
#include <cache/text.h>

struct diff {
	struct kiln_text text;
	unsigned fields; /* that differ */
};

/* Starts the words about one more field. */
static struct kiln_text *begin(struct diff *diff, const char *name)
{
	kiln_text_format(&diff->text, "%s%s ", diff->fields++ ? ", " : "", name);
	return &diff->text;
}

static void digests(struct diff *diff, const char *name, const struct kiln_digest *was, const struct kiln_digest *now)
{
	char before[KILN_DIGEST_SHORT], after[KILN_DIGEST_SHORT];

	if (kiln_digest_equal(was, now))
		return;
	kiln_hex_short(was, before);
	kiln_hex_short(now, after);
	kiln_text_format(begin(diff, name), "%s -> %s", before, after);
}

static void strings(struct diff *diff, const char *name, const char *was, const char *now)
{
	struct kiln_text *text;

	if (strcmp(was, now) == 0)
		return;
	text = begin(diff, name);
	kiln_text_escaped(text, was);
	kiln_text_add(text, " -> ");
	kiln_text_escaped(text, now);
}

static void numbers(struct diff *diff, const char *name, uint32_t was, uint32_t now)
{
	if (was != now)
		kiln_text_format(begin(diff, name), "%u -> %u", was, now);
}

static void workgroups(struct diff *diff, const uint32_t was[3], const uint32_t now[3])
{
	if (memcmp(was, now, 3 * sizeof *was) != 0)
		kiln_text_format(begin(diff, "wg"), "%ux%ux%u -> %ux%ux%u", was[0], was[1], was[2], now[0], now[1],
		                 now[2]);
}

static void subgroup(struct kiln_text *text, uint32_t size)
{
	if (size == 0)
		kiln_text_add(text, "auto");
	else
		kiln_text_format(text, "%u", size);
}

static void subgroups(struct diff *diff, uint32_t was, uint32_t now)
{
	struct kiln_text *text;

	if (was == now)
		return;
	text = begin(diff, "sg");
	subgroup(text, was);
	kiln_text_add(text, " -> ");
	subgroup(text, now);
}

static void constant(struct kiln_text *text, const struct kiln_spec_value *value, const struct kiln_spec_value *other)
{
	if (value == NULL)
		kiln_text_add(text, "default");
	else if (other != NULL && other->size != value->size)
		kiln_text_format(text, "u%u=%llu", 8 * value->size, (unsigned long long)value->value);
	else
		kiln_text_format(text, "%llu", (unsigned long long)value->value);
}

static void one_constant(struct diff *diff, const struct kiln_spec_value *was, const struct kiln_spec_value *now)
{
	struct kiln_text *text;

	if (was != NULL && now != NULL && was->size == now->size && was->value == now->value)
		return;
	text = begin(diff, "spec");
	kiln_text_format(text, "%u: ", was != NULL ? was->id : now->id);
	constant(text, was, now);
	kiln_text_add(text, " -> ");
	constant(text, now, was);
}

/* Both sorted by id: one walk over the two. */
static void constants(struct diff *diff, const struct kiln_pipeline_key *was, const struct kiln_pipeline_key *now)
{
	size_t i = 0, j = 0;

	while (i < was->spec_count || j < now->spec_count) {
		const struct kiln_spec_value *a = i < was->spec_count ? &was->spec[i] : NULL;
		const struct kiln_spec_value *b = j < now->spec_count ? &now->spec[j] : NULL;

		if (a != NULL && b != NULL && a->id != b->id)
			*(a->id < b->id ? &b : &a) = NULL;
		one_constant(diff, a, b);
		i += a != NULL;
		j += b != NULL;
	}
}

static void features(struct diff *diff, struct kiln_features was, struct kiln_features now)
{
	char before[512], after[512];

	if (was.bits == now.bits)
		return;
	kiln_features_print(was, before, sizeof before);
	kiln_features_print(now, after, sizeof after);
	kiln_text_format(begin(diff, "flags"), "%s -> %s", before, after);
}

static void keys(struct diff *diff, const struct kiln_pipeline_key *was, const struct kiln_pipeline_key *now)
{
	digests(diff, "program", &was->program, &now->program);
	strings(diff, "entry", was->entry, now->entry);
	workgroups(diff, was->workgroup, now->workgroup);
	subgroups(diff, was->subgroup_size, now->subgroup_size);
	numbers(diff, "push", was->push_bytes, now->push_bytes);
	digests(diff, "layout", &was->layout, &now->layout);
	constants(diff, was, now);
	features(diff, was->features, now->features);
	numbers(diff, "robust", was->robustness, now->robustness);
	numbers(diff, "create", was->create_flags, now->create_flags);
	strings(diff, "backend", was->backend, now->backend);
	numbers(diff, "key", was->key_version, now->key_version);
}

static void drivers(struct diff *diff, const struct kiln_diff_side *was, const struct kiln_diff_side *now)
{
	if (kiln_digest_equal(&was->device->driver, &now->device->driver))
		return;
	if (was->driver[0] != '\0' && now->driver[0] != '\0' && strcmp(was->driver, now->driver) != 0)
		kiln_text_format(begin(diff, "driver"), "%s -> %s", was->driver, now->driver);
	else
		digests(diff, "driver", &was->device->driver, &now->device->driver);
}

static void devices(struct diff *diff, const struct kiln_diff_side *was, const struct kiln_diff_side *now)
{
	const struct kiln_fingerprint *a = was->device, *b = now->device;

	if (a->vendor_id != b->vendor_id || a->device_id != b->device_id)
		kiln_text_format(begin(diff, "device"), "%04x:%04x -> %04x:%04x", a->vendor_id, a->device_id,
		                 b->vendor_id, b->device_id);
	drivers(diff, was, now);
}

size_t kiln_diff_print(const struct kiln_diff_side *was, const struct kiln_diff_side *now, char *out_text,
                       size_t bytes, unsigned *out_fields)
{
	struct diff diff = {.text = kiln_text_start(out_text, bytes)};

	keys(&diff, was->key, now->key);
	if (was->device != NULL && now->device != NULL)
		devices(&diff, was, now);
	if (out_fields != NULL)
		*out_fields = diff.fields;
	return diff.text.length;
}

size_t kiln_key_diff_print(const struct kiln_pipeline_key *was, const struct kiln_fingerprint *was_on,
                           const struct kiln_pipeline_key *now, const struct kiln_fingerprint *now_on,
                           char *out_text, size_t bytes, unsigned *out_fields)
{
	struct kiln_canon_key before, after;

	(void)kiln_text_start(out_text, bytes);
	if (out_fields != NULL)
		*out_fields = 0;
	if (kiln_key_canon(was, &before) != KILN_OK || kiln_key_canon(now, &after) != KILN_OK)
		return 0;
	return kiln_diff_print(&(struct kiln_diff_side){&before.key, was_on, ""},
	                       &(struct kiln_diff_side){&after.key, now_on, ""}, out_text, bytes, out_fields);
}
