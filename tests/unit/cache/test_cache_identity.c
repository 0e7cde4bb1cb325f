/* Feature flags, layouts, keys, policies, fingerprints, identities and content keys: every fact counts,
 * once. */
#include <kiln/identity.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/alloc.h>
#include <cache/key.h>

#include "failing_alloc.h"
#include "fixture.h"
#include "test.h"

static void assert_digest_hex(const struct kiln_digest *digest, const char *expected)
{
	char hex[KILN_DIGEST_HEX];

	kiln_hex_encode(digest, hex);
	assert_string_equal(hex, expected);
}

static struct kiln_digest policy_of(const struct kiln_pipeline_key *key)
{
	struct kiln_digest digest;

	assert_status(kiln_policy_digest(key, &digest), KILN_OK);
	return digest;
}

static int same_policy(const struct kiln_pipeline_key *a, const struct kiln_pipeline_key *b)
{
	struct kiln_digest x = policy_of(a), y = policy_of(b);

	return kiln_digest_equal(&x, &y);
}

/* ---- Feature flags ---- */

static void features_contain_and_unite(void **state)
{
	struct kiln_features f16 = {KILN_FEATURE_F16}, bf16 = {KILN_FEATURE_BF16}, none = {0};
	struct kiln_features both = kiln_features_union(f16, bf16);

	(void)state;
	assert_int_equal(kiln_features_bits(both), 6);
	assert_true(kiln_features_contains(both, f16));
	assert_true(kiln_features_contains(both, both));
	assert_true(kiln_features_contains(none, none));
	assert_false(kiln_features_contains(f16, both));
	assert_false(kiln_features_contains(none, f16));
}

static void feature_bits_are_pinned_and_named(void **state)
{
	static const char *const names[] = {"subgroup_ops",      "f16",           "bf16",
	                                    "tensor_cores",      "async_compute", "push_constants",
	                                    "indirect_dispatch", "speculative",   "persistent_thread"};

	(void)state;
	for (unsigned i = 0; i < 9; i++)
		assert_string_equal(kiln_feature_name(i), names[i]);
	assert_null(kiln_feature_name(9));
	assert_null(kiln_feature_name(31));
	assert_null(kiln_feature_name(4000000000u));
	assert_int_equal(KILN_FEATURE_PERSISTENT_THREAD, 256);
	assert_int_equal(KILN_FEATURE_TENSOR_CORES, 8);
}

static void features_print_reserved_bits_and_cut_text(void **state)
{
	char text[64];

	(void)state;
	assert_int_equal(kiln_features_print((struct kiln_features){0}, text, sizeof text), 4);
	assert_string_equal(text, "none");
	assert_int_equal(kiln_features_print((struct kiln_features){0x80000003u}, text, sizeof text), 22);
	assert_string_equal(text, "subgroup_ops|f16|bit31");
	assert_int_equal(kiln_features_print((struct kiln_features){3}, text, 6), 16);
	assert_string_equal(text, "subgr");
	assert_int_equal(kiln_features_print((struct kiln_features){3}, NULL, 0), 16);
}

/* ---- Layout ---- */

static const struct kiln_layout_binding bindings[] = {
	{.set = 0, .binding = 0, .type = KILN_BINDING_STORAGE_BUFFER, .count = 1, .access = 1, .stages = 1},
	{.set = 0, .binding = 1, .type = KILN_BINDING_STORAGE_BUFFER, .count = 1, .access = 3, .stages = 1},
	{.set = 1, .binding = 0, .type = KILN_BINDING_STORAGE_IMAGE, .count = 4, .access = 2, .stages = 1},
};

static struct kiln_digest layout_of(const struct kiln_layout_binding *list, size_t count)
{
	struct kiln_digest digest;

	assert_status(kiln_layout_digest(list, count, &digest), KILN_OK);
	return digest;
}

static void layout_order_does_not_matter(void **state)
{
	struct kiln_layout_binding mixed[3] = {bindings[2], bindings[0], bindings[1]};
	struct kiln_digest a = layout_of(bindings, 3), b = layout_of(mixed, 3);

	(void)state;
	assert_true(kiln_digest_equal(&a, &b));
}

static void every_layout_field_changes_the_digest(void **state)
{
	struct kiln_digest whole = layout_of(bindings, 3);

	(void)state;
	for (size_t binding = 0; binding < 3; binding++) {
		for (size_t field = 0; field < 6; field++) {
			struct kiln_layout_binding changed[3];
			struct kiln_digest digest;

			memcpy(changed, bindings, sizeof changed);
			((uint32_t *)&changed[binding])[field] += 8;
			digest = layout_of(changed, 3);
			assert_false(kiln_digest_equal(&whole, &digest));
		}
	}
	for (size_t count = 0; count < 3; count++) {
		struct kiln_digest digest = layout_of(bindings, count);

		assert_false(kiln_digest_equal(&whole, &digest));
	}
}

static void duplicate_binding_is_refused(void **state)
{
	struct kiln_layout_binding twice[3] = {bindings[0], bindings[1], bindings[0]};
	struct kiln_digest digest = {{7}};

	(void)state;
	twice[2].type = KILN_BINDING_UNIFORM_BUFFER;
	assert_status(kiln_layout_digest(twice, 3, &digest), KILN_ERR_INVALID_ARGUMENT);
	assert_non_null(strstr(kiln_error_message(), "set 0, binding 0 twice"));
	assert_non_null(strstr(kiln_error_message(), "Fix: "));
	assert_int_equal(digest.bytes[0], 7);
}

static void unsorted_layout_reports_a_failed_allocation(void **state)
{
	struct kiln_layout_binding mixed[2] = {bindings[1], bindings[0]};
	struct kiln_digest digest;
	enum kiln_status status;

	(void)state;
	failing_alloc_begin(1);
	status = kiln_layout_digest(mixed, 2, &digest);
	assert_true(failing_alloc_end());
	assert_int_equal(status, KILN_ERR_OUT_OF_MEMORY);
}

/* ---- Key and policy ---- */

static void every_field_but_the_program_changes_the_policy(void **state)
{
	const struct kiln_pipeline_key whole = sample_key(1, 64);
	const struct kiln_spec_value longer[] = {whole.spec[0], whole.spec[1], {.id = 9, .size = 4}};
	struct kiln_spec_value other_id[] = {whole.spec[0], whole.spec[1]};
	struct kiln_spec_value other_size[] = {whole.spec[0], whole.spec[1]};
	struct kiln_spec_value other_value[] = {whole.spec[0], whole.spec[1]};
	struct kiln_pipeline_key changed[24];
	size_t count = 0;

	(void)state;
	other_id[0].id = 1;
	other_size[0].size = 8;
	other_value[1].value++;
#define CHANGE(assignment)                   \
	do {                                 \
		changed[count] = whole;      \
		changed[count++].assignment; \
	} while (0)
	CHANGE(key_version = 2);
	CHANGE(backend = "metal");
	CHANGE(backend = "");
	CHANGE(entry = "main");
	CHANGE(entry = "");
	CHANGE(layout.bytes[31] ^= 1);
	CHANGE(push_bytes = 12);
	CHANGE(workgroup[0] = 1);
	CHANGE(workgroup[1] = 1);
	CHANGE(workgroup[2] = 2);
	CHANGE(spec_count = 1);
	CHANGE(spec_count = 0);
	CHANGE(spec = other_id);
	CHANGE(spec = other_size);
	CHANGE(spec = other_value);
	changed[count] = whole;
	changed[count].spec = longer;
	changed[count++].spec_count = 3;
	CHANGE(subgroup_size = 0);
	CHANGE(robustness = KILN_ROBUSTNESS_OFF);
	CHANGE(create_flags |= KILN_CREATE_PUSH_DESCRIPTORS);
	CHANGE(create_flags = 0);
	CHANGE(features.bits ^= 1u << 20);
#undef CHANGE
	for (size_t i = 0; i < count; i++) {
		assert_false(same_policy(&whole, &changed[i]));
		for (size_t j = 0; j < i; j++)
			assert_false(same_policy(&changed[j], &changed[i]));
	}
	changed[0] = whole;
	changed[0].program.bytes[0] ^= 1;
	assert_true(same_policy(&whole, &changed[0]));
}

static void defaults_equal_their_explicit_values(void **state)
{
	struct kiln_pipeline_key implicit = {.workgroup = {64, 1, 1}};
	struct kiln_pipeline_key explicit = {.key_version = 1,
	                                     .backend = "vulkan",
	                                     .entry = "main",
	                                     .workgroup = {64, 1, 1}};

	(void)state;
	assert_true(same_policy(&implicit, &explicit));
}

static void spec_order_and_unused_value_bytes_do_not_matter(void **state)
{
	const struct kiln_spec_value sorted[] = {
		{.id = 1, .size = 1, .value = 0xfe},
		{.id = 2, .size = 2, .value = 0xfffe},
		{.id = 3, .size = 4, .value = 0xfffffffe},
		{.id = 4, .size = 8, .value = UINT64_MAX - 1},
	};
	/* As a sign-extended -2 arrives. */
	const struct kiln_spec_value mixed[] = {
		{.id = 4, .size = 8, .value = UINT64_MAX - 1},
		{.id = 2, .size = 2, .value = UINT64_MAX - 1},
		{.id = 1, .size = 1, .value = UINT64_MAX - 1},
		{.id = 3, .size = 4, .value = UINT64_MAX - 1},
	};
	struct kiln_pipeline_key a = {.spec = sorted, .spec_count = 4}, b = {.spec = mixed, .spec_count = 4};
	char x[512], y[512];

	(void)state;
	assert_true(same_policy(&a, &b));
	kiln_policy_print(&a, x, sizeof x);
	kiln_policy_print(&b, y, sizeof y);
	assert_string_equal(x, y);
	assert_non_null(strstr(x, "spec=1:u8=254,2:u16=65534,3:u32=4294967294,4:u64=18446744073709551614 "));
}

static void assert_refused(const struct kiln_pipeline_key *key, const char *sentence)
{
	struct kiln_digest digest = {{7}};
	char text[8] = "old";

	assert_status(kiln_policy_digest(key, &digest), KILN_ERR_INVALID_ARGUMENT);
	assert_non_null(strstr(kiln_error_message(), sentence));
	assert_non_null(strstr(kiln_error_message(), "Fix: "));
	assert_int_equal(digest.bytes[0], 7);
	assert_int_equal(kiln_policy_print(key, text, sizeof text), 0);
	assert_string_equal(text, "");
}

static void duplicate_and_malformed_constants_are_refused(void **state)
{
	const struct kiln_spec_value twice[] = {{.id = 5, .size = 4},
	                                        {.id = 1, .size = 4},
	                                        {.id = 5, .size = 4}};
	const struct kiln_spec_value neighbours[] = {{.id = 5, .size = 4}, {.id = 5, .size = 4, .value = 1}};
	const struct kiln_spec_value three_bytes = {.id = 5, .size = 3};
	struct kiln_spec_value *many = calloc(KILN_SPEC_VALUES_MAX + 1, sizeof *many);

	(void)state;
	for (uint32_t i = 0; i <= KILN_SPEC_VALUES_MAX; i++)
		many[i] = (struct kiln_spec_value){.id = KILN_SPEC_VALUES_MAX - i, .size = 4};
	assert_refused(&(struct kiln_pipeline_key){.spec = twice, .spec_count = 3},
	               "constant 5 is given twice");
	assert_refused(&(struct kiln_pipeline_key){.spec = neighbours, .spec_count = 2},
	               "constant 5 is given twice");
	assert_refused(&(struct kiln_pipeline_key){.spec = &three_bytes, .spec_count = 1}, "size of 3 bytes");
	assert_refused(&(struct kiln_pipeline_key){.spec = many, .spec_count = KILN_SPEC_VALUES_MAX + 1},
	               "too many specialisation constants");
	policy_of(&(struct kiln_pipeline_key){.spec = many, .spec_count = KILN_SPEC_VALUES_MAX});
	free(many);
}

static void overlong_names_are_refused(void **state)
{
	char entry[KILN_ENTRY_POINT_MAX + 2], backend[KILN_BACKEND_MAX + 2];

	(void)state;
	memset(entry, 'e', sizeof entry);
	memset(backend, 'b', sizeof backend);
	entry[KILN_ENTRY_POINT_MAX + 1] = '\0';
	backend[KILN_BACKEND_MAX + 1] = '\0';
	assert_refused(&(struct kiln_pipeline_key){.entry = entry}, "at most 255 bytes");
	assert_refused(&(struct kiln_pipeline_key){.backend = backend}, "at most 31 bytes");
	entry[KILN_ENTRY_POINT_MAX] = '\0';
	backend[KILN_BACKEND_MAX] = '\0';
	policy_of(&(struct kiln_pipeline_key){.entry = entry, .backend = backend});
}

static void policy_line_reads_as_documented(void **state)
{
	const struct kiln_spec_value spec = {.id = 0, .size = 4, .value = 64};
	struct kiln_pipeline_key key = {
		.workgroup = {64, 1, 1},
		.push_bytes = 8,
		.spec = &spec,
		.spec_count = 1,
		.features = {KILN_FEATURE_PUSH_CONSTANTS},
	};
	const char *plain = "entry=main wg=64x1x1 sg=auto push=8 "
			    "layout=0000000000000000000000000000000000000000000000000000000000000000 "
			    "spec=0:u32=64 flags=push_constants";
	char text[512];

	(void)state;
	assert_int_equal(kiln_policy_print(&key, text, sizeof text), strlen(plain));
	assert_string_equal(text, plain);
	assert_int_equal(kiln_policy_print(&key, text, 11), strlen(plain));
	assert_string_equal(text, "entry=main");
	assert_int_equal(kiln_policy_print(&key, NULL, 0), strlen(plain));
	key = sample_key(1, 64);
	key.entry = "a b=\xc3\xa4%";
	key.backend = "metal 3";
	key.key_version = 2;
	kiln_policy_print(&key, text, sizeof text);
	assert_non_null(strstr(text, "entry=a%20b%3d%c3%a4%25 wg=64x2x1 sg=32 "));
	assert_non_null(strstr(text, " flags=f16|push_constants robust=buffers create=dispatch_base "
	                             "backend=metal%203 key=2"));
}

/* ---- String and digest tell the same ---- */

struct told {
	char text[400];
	struct kiln_digest digest;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(((const struct told *)a)->text, ((const struct told *)b)->text);
}

static int by_digest(const void *a, const void *b)
{
	return memcmp(&((const struct told *)a)->digest, &((const struct told *)b)->digest,
	              sizeof(struct kiln_digest));
}

static uint32_t pick(uint32_t *seed, uint32_t count)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % count;
}

/* Few values per field, so that many keys are equal and many differ in one field only; some values are made
 * to imitate the text around them. */
static void generate_key(uint32_t *seed, struct kiln_spec_value spec[3], struct kiln_pipeline_key *out_key)
{
	static const char *const entries[] = {NULL, "main", "main wg=64x1x1", "m", "main%20wg", ""};
	static const char *const backends[] = {NULL, "vulkan", "metal", "vulkan key=2", NULL, NULL};
	static const uint32_t sizes[] = {1, 2, 4, 8};
	*out_key = (struct kiln_pipeline_key){
		.key_version = pick(seed, 3),
		.backend = backends[pick(seed, 6)],
		.entry = entries[pick(seed, 6)],
		.push_bytes = pick(seed, 2) * 8,
		.workgroup = {1 + pick(seed, 2), 1 + pick(seed, 2), 1},
		.spec = spec,
		.spec_count = pick(seed, 4),
		.subgroup_size = pick(seed, 2) * 32,
		.robustness = pick(seed, 3),
		.create_flags = pick(seed, 3),
		.features = {pick(seed, 2) == 0 ? 0 : 1u << pick(seed, 12)},
	};
	out_key->program.bytes[3] = (uint8_t)pick(seed, 256);
	out_key->layout.bytes[5] = (uint8_t)pick(seed, 2);
	for (uint32_t i = 0, first = pick(seed, 3); i < 3; i++)
		spec[i] = (struct kiln_spec_value){.id = (first + i) % 3,
		                                   .size = sizes[pick(seed, 4)],
		                                   .value = pick(seed, 2) == 0 ? 1 : 257};
}

static void policy_text_and_digest_cover_the_same_facts(void **state)
{
	enum { COUNT = 6000 };
	struct told *told = calloc(COUNT, sizeof *told);
	struct kiln_spec_value spec[3];
	uint32_t seed = 1;
	unsigned equal = 0, distinct = 0;

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		struct kiln_pipeline_key key;

		generate_key(&seed, spec, &key);
		if (i % 2 == 1) /* something equal to meet */
			key = (struct kiln_pipeline_key){.push_bytes = (uint32_t)i % 64, .entry = key.entry};
		told[i].digest = policy_of(&key);
		assert_in_range(kiln_policy_print(&key, told[i].text, sizeof told[i].text), 1,
		                sizeof told[i].text - 1);
	}
	qsort(told, COUNT, sizeof *told, by_text);
	for (size_t i = 1; i < COUNT; i++) {
		int text_equal = by_text(&told[i - 1], &told[i]) == 0;

		assert_int_equal(text_equal, by_digest(&told[i - 1], &told[i]) == 0);
		equal += text_equal;
	}
	qsort(told, COUNT, sizeof *told, by_digest);
	for (size_t i = 1; i < COUNT; i++) {
		int digest_equal = by_digest(&told[i - 1], &told[i]) == 0;

		assert_int_equal(digest_equal, by_text(&told[i - 1], &told[i]) == 0);
		distinct += !digest_equal;
	}
	/* The set must have had both kinds of pair to prove anything. */
	assert_true(equal > 1000 && distinct > 1000);
	free(told);
}

/* ---- Encoding ---- */

static void encode(const struct kiln_pipeline_key *key, struct kiln_writer *out)
{
	struct kiln_sink sink = kiln_sink_write(out);
	struct kiln_canon_key canon;

	assert_status(kiln_key_canon(key, &canon), KILN_OK);
	kiln_key_walk(&canon.key, &sink);
	assert_false(out->bad);
}

static enum kiln_status decode(const void *data, size_t bytes, struct kiln_key_copy *out_copy)
{
	struct kiln_reader reader;
	enum kiln_status status;

	kiln_reader_init(&reader, data, bytes);
	status = kiln_key_decode(&reader, out_copy);
	if (status == KILN_OK && reader.left != 0) {
		kiln_key_copy_finish(out_copy);
		return KILN_ERR_DAMAGED;
	}
	return status;
}

static void encoded_key_comes_back_whole(void **state)
{
	struct kiln_pipeline_key key = sample_key(3, 128);
	struct kiln_writer bytes = {0}, again = {0};
	struct kiln_key_copy copy;

	(void)state;
	key.key_version = 9;
	encode(&key, &bytes);
	assert_true(bytes.bytes <= KILN_KEY_BYTES_MAX);
	assert_status(decode(bytes.data, bytes.bytes, &copy), KILN_OK);
	encode(&copy.key, &again);
	assert_int_equal(bytes.bytes, again.bytes);
	assert_memory_equal(bytes.data, again.data, bytes.bytes);
	assert_string_equal(copy.key.entry, "saxpy");
	assert_string_equal(copy.key.backend, "vulkan");
	assert_int_equal(copy.key.key_version, 9);
	assert_int_equal(copy.key.spec_count, 2);
	assert_true(copy.key.spec[1].value == UINT64_C(0x0123456789abcdef));
	assert_int_equal(copy.key.workgroup[0], 128);
	assert_int_equal(copy.key.features.bits, key.features.bits);
	assert_true(kiln_digest_equal(&copy.key.program, &key.program));
	kiln_key_copy_finish(&copy);
	kiln_writer_finish(&bytes);
	kiln_writer_finish(&again);
}

static void largest_key_fits_its_bound_exactly(void **state)
{
	struct kiln_spec_value *spec = calloc(KILN_SPEC_VALUES_MAX, sizeof *spec);
	char entry[KILN_ENTRY_POINT_MAX + 1] = {0}, backend[KILN_BACKEND_MAX + 1] = {0};
	struct kiln_pipeline_key key = {.entry = entry,
	                                .backend = backend,
	                                .spec = spec,
	                                .spec_count = KILN_SPEC_VALUES_MAX};
	struct kiln_writer bytes = {0};
	struct kiln_key_copy copy;

	(void)state;
	memset(entry, 'e', sizeof entry - 1);
	memset(backend, 'b', sizeof backend - 1);
	for (uint32_t i = 0; i < KILN_SPEC_VALUES_MAX; i++)
		spec[i] = (struct kiln_spec_value){.id = i, .size = 8, .value = i};
	encode(&key, &bytes);
	assert_int_equal(bytes.bytes, KILN_KEY_BYTES_MAX);
	assert_status(decode(bytes.data, bytes.bytes, &copy), KILN_OK);
	kiln_key_copy_finish(&copy);
	kiln_writer_finish(&bytes);
	free(spec);
}

static void every_truncated_key_is_refused(void **state)
{
	struct kiln_pipeline_key key = sample_key(3, 128);
	struct kiln_writer bytes = {0};

	(void)state;
	encode(&key, &bytes);
	for (size_t length = 0; length < bytes.bytes; length++) {
		/* A block of its own, so that the address sanitizer sees a read beyond. */
		uint8_t *cut = kiln_memdup(bytes.data, length);
		struct kiln_key_copy copy;

		assert_int_equal(decode(cut, length, &copy), KILN_ERR_DAMAGED);
		kiln_free(cut);
	}
	kiln_writer_finish(&bytes);
}

static void key_encodings_that_are_not_canonical_are_refused(void **state)
{
	/* program 32, version 4, backend 4+6, entry 4+5, layout 32, push 4, workgroup 12, count 4: constants
	 * at 107 */
	enum { ENTRY_TEXT = 50, SPEC_COUNT = 103, SPEC = 107 };
	static const struct {
		size_t at;
		uint8_t value;
	} edits[] = {
		{ENTRY_TEXT, 0},        /* a NUL inside a string */
		{ENTRY_TEXT - 3, 1},    /* 261 bytes of entry point */
		{SPEC_COUNT + 1, 0xff}, /* 65282 constants */
		{SPEC, 7},              /* id 7 twice */
		{SPEC, 8},              /* not sorted */
		{SPEC + 4, 3},          /* a size of 3 */
		{SPEC + 8 + 4, 1},      /* bytes beyond the size */
	};
	struct kiln_pipeline_key key = sample_key(3, 128);
	struct kiln_writer bytes = {0};
	struct kiln_key_copy copy;

	(void)state;
	encode(&key, &bytes);
	assert_int_equal(bytes.data[ENTRY_TEXT], 's');
	assert_int_equal(bytes.data[SPEC_COUNT], 2);
	assert_int_equal(bytes.data[SPEC + 16], 7);
	for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
		uint8_t kept = bytes.data[edits[i].at];

		bytes.data[edits[i].at] = edits[i].value;
		assert_int_equal(decode(bytes.data, bytes.bytes, &copy), KILN_ERR_DAMAGED);
		bytes.data[edits[i].at] = kept;
	}
	failing_alloc_begin(1);
	assert_int_equal(decode(bytes.data, bytes.bytes, &copy), KILN_ERR_OUT_OF_MEMORY);
	assert_true(failing_alloc_end());
	kiln_writer_finish(&bytes);
}

static void comparing_sees_every_difference(void **state)
{
	struct kiln_pipeline_key key = sample_key(3, 128);
	struct kiln_fingerprint device = sample_device(1);
	struct kiln_canon_key canon;
	struct kiln_subject subject = {.kind = KILN_KIND_PIPELINE, .key = &canon.key, .fingerprint = &device};
	struct kiln_writer bytes = {0};
	struct kiln_sink sink = kiln_sink_write(&bytes);

	(void)state;
	assert_status(kiln_key_canon(&key, &canon), KILN_OK);
	kiln_subject_walk(&subject, &sink);
	assert_true(kiln_subject_is(&subject, bytes.data, bytes.bytes));
	assert_false(kiln_subject_is(&subject, bytes.data, bytes.bytes - 1));
	kiln_write_u8(&bytes, 0);
	assert_false(kiln_subject_is(&subject, bytes.data, bytes.bytes));
	for (size_t i = 0; i < bytes.bytes - 1; i++) {
		bytes.data[i] ^= 0x10;
		assert_false(kiln_subject_is(&subject, bytes.data, bytes.bytes - 1));
		bytes.data[i] ^= 0x10;
	}
	kiln_writer_finish(&bytes);
}

/* ---- Fingerprint, identity, content ---- */

static void fingerprint_keeps_the_borders_of_its_parts(void **state)
{
	struct kiln_fingerprint prints[] = {
		kiln_fingerprint_from_parts(1, 2, "ab", "cd"), kiln_fingerprint_from_parts(1, 2, "abc", "d"),
		kiln_fingerprint_from_parts(1, 2, "abcd", ""), kiln_fingerprint_from_parts(1, 2, "", "abcd"),
		kiln_fingerprint_from_parts(1, 2, NULL, NULL), kiln_fingerprint_from_parts(2, 1, "ab", "cd"),
		kiln_fingerprint_from_parts(1, 3, "ab", "cd"), kiln_fingerprint_from_parts(0, 2, "ab", "cd"),
	};
	struct kiln_fingerprint empty = kiln_fingerprint_from_parts(1, 2, "", "");
	struct kiln_digest a = kiln_fingerprint_digest(&prints[4]), b = kiln_fingerprint_digest(&empty);

	(void)state;
	assert_true(kiln_digest_equal(&a, &b));
	for (size_t i = 0; i < 8; i++) {
		for (size_t j = 0; j < i; j++) {
			a = kiln_fingerprint_digest(&prints[i]);
			b = kiln_fingerprint_digest(&prints[j]);
			assert_false(kiln_digest_equal(&a, &b));
		}
	}
}

static void identity_names_each_part_and_moves_with_each(void **state)
{
	struct kiln_pipeline_key key = sample_key(1, 64);
	struct kiln_fingerprint device = sample_device(1);
	struct kiln_pipeline_identity whole = sample_identity(1, 64, 1);
	struct kiln_pipeline_identity others[] = {sample_identity(2, 64, 1), sample_identity(1, 65, 1),
	                                          sample_identity(1, 64, 2)};
	struct kiln_digest policy = policy_of(&key), print = kiln_fingerprint_digest(&device);

	(void)state;
	assert_true(kiln_digest_equal(&whole.program, &key.program));
	assert_true(kiln_digest_equal(&whole.policy, &policy));
	assert_true(kiln_digest_equal(&whole.device, &print));
	for (size_t i = 0; i < 3; i++) {
		assert_false(kiln_digest_equal(&whole.digest, &others[i].digest));
		assert_int_equal(kiln_digest_equal(&whole.program, &others[i].program), i != 0);
		assert_int_equal(kiln_digest_equal(&whole.policy, &others[i].policy), i != 1);
		assert_int_equal(kiln_digest_equal(&whole.device, &others[i].device), i != 2);
	}
}

static void identity_of_a_refused_key_is_refused(void **state)
{
	const struct kiln_spec_value twice[] = {{.id = 5, .size = 4}, {.id = 5, .size = 4}};
	struct kiln_fingerprint device = sample_device(1);
	struct kiln_pipeline_identity identity = {.digest = {{7}}};

	(void)state;
	assert_status(kiln_pipeline_identity(&(struct kiln_pipeline_key){.spec = twice, .spec_count = 2},
	                                     &device, &identity),
	              KILN_ERR_INVALID_ARGUMENT);
	assert_int_equal(identity.digest.bytes[0], 7);
}

static void every_content_field_changes_the_key_and_borders_hold(void **state)
{
	const struct kiln_content contents[] = {
		{.driver_version = "ab", .device_generation = "cd", .payload = "xy", .payload_bytes = 2},
		{.driver_version = "abc", .device_generation = "d", .payload = "xy", .payload_bytes = 2},
		{.driver_version = "ab", .device_generation = "cdx", .payload = "y", .payload_bytes = 1},
		{.driver_version = "ab", .device_generation = "cd", .payload = "xy", .payload_bytes = 1},
		{.driver_version = "ab", .device_generation = "cd", .payload = "xz", .payload_bytes = 2},
		{.driver_version = "ab", .device_generation = "cd"},
		{.payload = "abcdxy", .payload_bytes = 6},
		{.backend = "glsl",
	         .driver_version = "ab",
	         .device_generation = "cd",
	         .payload = "xy",
	         .payload_bytes = 2},
		{.driver_version = "ab",
	         .device_generation = "cd",
	         .features = {1},
	         .payload = "xy",
	         .payload_bytes = 2},
	};
	struct kiln_content explicit = contents[0];
	struct kiln_digest a = kiln_content_key(&contents[0]), b;

	(void)state;
	explicit.backend = "vulkan";
	b = kiln_content_key(&explicit);
	assert_true(kiln_digest_equal(&a, &b));
	for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
		for (size_t j = 0; j < i; j++) {
			a = kiln_content_key(&contents[i]);
			b = kiln_content_key(&contents[j]);
			assert_false(kiln_digest_equal(&a, &b));
		}
	}
}

/* Computed by an independent implementation of FORMAT.md and BLAKE3. A change here makes every cache in the
 * field a miss: raise KILN_PIPELINE_KEY_VERSION, and only then change the numbers. */
static void digests_match_the_pinned_vectors(void **state)
{
	struct kiln_pipeline_key plain = {.workgroup = {64, 1, 1}}, full = sample_key(1, 64);
	struct kiln_fingerprint device = kiln_fingerprint_from_parts(0x1002, 0x73bf, "RADV 22.3.6", "kiln 1");
	struct kiln_digest layout = layout_of(bindings, 3), print = kiln_fingerprint_digest(&device), policy;
	struct kiln_pipeline_identity identity;
	struct kiln_digest content = kiln_content_key(&(struct kiln_content){.driver_version = "glslang 12",
	                                                                     .device_generation = "spv1.5",
	                                                                     .features = {2},
	                                                                     .payload = "void main(){}",
	                                                                     .payload_bytes = 13});

	(void)state;
	assert_digest_hex(&layout, "a104f2b3b2edb03465a88ca4e93e4dda7f88194e00e96c2b9c9e4421db151a00");
	policy = policy_of(&plain);
	assert_digest_hex(&policy, "14c7ab80c4f3807317e89e023c56f54970174e3e7408c8271b52025d12c9c446");
	policy = policy_of(&full);
	assert_digest_hex(&policy, "b553641df545e18ab98545c55ba0ea5f16c938f0e2ccecb68c8cdc18c75ebfbc");
	assert_digest_hex(&device.driver, "280c9567d6f6dd406a068cf19d4198a67c59d148bd607d38616e7403deb51994");
	assert_digest_hex(&print, "536112181abc97197b8704538ce272fef96cd98fc38388be49b7c8030cf65e07");
	assert_status(kiln_pipeline_identity(&plain, &device, &identity), KILN_OK);
	assert_digest_hex(&identity.digest,
	                  "20aee39a76043085c39dab8bf04cb1e9adaeb9dbc59f2a650b9b7aebe64e9d03");
	assert_digest_hex(&content, "e05e41c3af78e1efe1fce074ec51253018b267864a90866cda88dec0818c7ccb");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comparing_sees_every_difference),
		cmocka_unit_test(defaults_equal_their_explicit_values),
		cmocka_unit_test(digests_match_the_pinned_vectors),
		cmocka_unit_test(duplicate_and_malformed_constants_are_refused),
		cmocka_unit_test(duplicate_binding_is_refused),
		cmocka_unit_test(encoded_key_comes_back_whole),
		cmocka_unit_test(every_content_field_changes_the_key_and_borders_hold),
		cmocka_unit_test(every_field_but_the_program_changes_the_policy),
		cmocka_unit_test(every_layout_field_changes_the_digest),
		cmocka_unit_test(every_truncated_key_is_refused),
		cmocka_unit_test(feature_bits_are_pinned_and_named),
		cmocka_unit_test(features_contain_and_unite),
		cmocka_unit_test(features_print_reserved_bits_and_cut_text),
		cmocka_unit_test(fingerprint_keeps_the_borders_of_its_parts),
		cmocka_unit_test(identity_names_each_part_and_moves_with_each),
		cmocka_unit_test(identity_of_a_refused_key_is_refused),
		cmocka_unit_test(key_encodings_that_are_not_canonical_are_refused),
		cmocka_unit_test(largest_key_fits_its_bound_exactly),
		cmocka_unit_test(layout_order_does_not_matter),
		cmocka_unit_test(overlong_names_are_refused),
		cmocka_unit_test(policy_line_reads_as_documented),
		cmocka_unit_test(policy_text_and_digest_cover_the_same_facts),
		cmocka_unit_test(spec_order_and_unused_value_bytes_do_not_matter),
		cmocka_unit_test(unsorted_layout_reports_a_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
