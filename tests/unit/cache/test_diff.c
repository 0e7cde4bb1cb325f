/* The diff of two pipelines: every field of the key is told, and equal ones are silent. */
#include <kiln/identity.h>

#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "test.h"

static const struct kiln_spec_value constants[] = {{3, 4, 7}, {5, 2, 1}};

static struct kiln_pipeline_key base_key(void)
{
	return (struct kiln_pipeline_key){
		.workgroup = {64, 1, 1},
		.push_bytes = 8,
		.spec = constants,
		.spec_count = 2,
		.features = {KILN_FEATURE_PUSH_CONSTANTS},
	};
}

static void assert_diff(const struct kiln_pipeline_key *now, const char *expected, unsigned expected_fields)
{
	struct kiln_pipeline_key was = base_key();
	char text[1024];
	unsigned fields = 99;

	assert_int_equal(kiln_key_diff_print(&was, NULL, now, NULL, text, sizeof text, &fields), strlen(expected));
	assert_string_equal(text, expected);
	assert_int_equal(fields, expected_fields);
}

static void equal_keys_differ_in_nothing(void **state)
{
	const struct kiln_spec_value turned[] = {{5, 2, 0xffff0001}, {3, 4, 7}};
	struct kiln_pipeline_key key = base_key();

	(void)state;
	assert_diff(&key, "", 0);
	key.entry = "main";
	key.backend = "vulkan";
	key.key_version = KILN_PIPELINE_KEY_VERSION;
	key.spec = turned; /* another order, and bytes that do not count */
	assert_diff(&key, "", 0);
}

#define CHANGED(expected, change)                      \
	do {                                           \
		struct kiln_pipeline_key k = base_key(); \
		change;                                \
		assert_diff(&k, expected, 1);          \
	} while (0)

static void every_field_has_its_words(void **state)
{
	const struct kiln_spec_value other[] = {{3, 4, 8}, {5, 2, 1}}, wider[] = {{3, 8, 7}, {5, 2, 1}};
	const struct kiln_spec_value more[] = {{3, 4, 7}, {4, 4, 9}, {5, 2, 1}};

	(void)state;
	CHANGED("program 000000000000 -> ab0000000000", k.program.bytes[0] = 0xab);
	CHANGED("entry main -> a%20b", k.entry = "a b");
	CHANGED("wg 64x1x1 -> 128x1x1", k.workgroup[0] = 128);
	CHANGED("wg 64x1x1 -> 64x1x2", k.workgroup[2] = 2);
	CHANGED("sg auto -> 32", k.subgroup_size = 32);
	CHANGED("push 8 -> 16", k.push_bytes = 16);
	CHANGED("layout 000000000000 -> 0000000000cd", k.layout.bytes[5] = 0xcd);
	CHANGED("spec 3: 7 -> 8", k.spec = other);
	CHANGED("spec 3: u32=7 -> u64=7", k.spec = wider);
	CHANGED("spec 5: 1 -> default", k.spec_count = 1);
	CHANGED("spec 4: default -> 9", (k.spec = more, k.spec_count = 3));
	CHANGED("flags push_constants -> push_constants|speculative", k.features.bits |= KILN_FEATURE_SPECULATIVE);
	CHANGED("robust 0 -> 1", k.robustness = KILN_ROBUSTNESS_BUFFERS);
	CHANGED("create 0 -> 4", k.create_flags = KILN_CREATE_DISPATCH_BASE);
	CHANGED("backend vulkan -> other", k.backend = "other");
	CHANGED("key 1 -> 2", k.key_version = 2);
}

static void several_fields_are_told_in_order(void **state)
{
	struct kiln_pipeline_key key = base_key();

	(void)state;
	key.workgroup[0] = 128;
	key.push_bytes = 16;
	key.spec_count = 0;
	assert_diff(&key, "wg 64x1x1 -> 128x1x1, push 8 -> 16, spec 3: 7 -> default, spec 5: 1 -> default", 4);
}

static void device_and_driver_are_told_apart(void **state)
{
	struct kiln_pipeline_key key = base_key();
	struct kiln_fingerprint was = {.vendor_id = 0x10de, .device_id = 0x2204}, now = was;
	char text[256];
	unsigned fields;

	(void)state;
	assert_int_equal(kiln_key_diff_print(&key, &was, &key, &now, text, sizeof text, &fields), 0);
	assert_int_equal(fields, 0);
	now.driver.bytes[0] = 0x12;
	kiln_key_diff_print(&key, &was, &key, &now, text, sizeof text, &fields);
	assert_string_equal(text, "driver 000000000000 -> 120000000000");
	now.device_id = 0x73bf;
	kiln_key_diff_print(&key, &was, &key, &now, text, sizeof text, &fields);
	assert_string_equal(text, "device 10de:2204 -> 10de:73bf, driver 000000000000 -> 120000000000");
	assert_int_equal(fields, 2);
}

/* Whatever the policy digest tells apart has words, and only that. */
static void differing_digests_and_words_go_together(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		for (unsigned j = 0; j < 12; j++) {
			struct kiln_pipeline_key a = sample_key(i / 4, i % 4), b = sample_key(j / 4, j % 4);
			struct kiln_fingerprint device = sample_device(0);
			struct kiln_pipeline_identity x, y;
			unsigned fields;

			assert_status(kiln_pipeline_identity(&a, &device, &x), KILN_OK);
			assert_status(kiln_pipeline_identity(&b, &device, &y), KILN_OK);
			kiln_key_diff_print(&a, &device, &b, &device, NULL, 0, &fields);
			assert_int_equal(fields == 0, kiln_digest_equal(&x.digest, &y.digest));
		}
	}
}

static void short_buffer_is_cut_and_the_length_told(void **state)
{
	struct kiln_pipeline_key was = base_key(), now = base_key();
	char text[8];

	(void)state;
	now.push_bytes = 16;
	assert_int_equal(kiln_key_diff_print(&was, NULL, &now, NULL, text, sizeof text, NULL), 12);
	assert_string_equal(text, "push 8 ");
	assert_int_equal(kiln_key_diff_print(&was, NULL, &now, NULL, NULL, 0, NULL), 12);
}

static void bad_key_has_no_words(void **state)
{
	const struct kiln_spec_value twice[] = {{1, 4, 1}, {1, 4, 2}};
	struct kiln_pipeline_key was = base_key(), now = base_key();
	char text[8] = "x";
	unsigned fields = 9;

	(void)state;
	now.spec = twice;
	assert_int_equal(kiln_key_diff_print(&was, NULL, &now, NULL, text, sizeof text, &fields), 0);
	assert_string_equal(text, "");
	assert_int_equal(fields, 0);
	assert_int_equal(kiln_key_diff_print(NULL, NULL, &now, NULL, text, sizeof text, &fields), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_keys_differ_in_nothing),
		cmocka_unit_test(every_field_has_its_words),
		cmocka_unit_test(several_fields_are_told_in_order),
		cmocka_unit_test(device_and_driver_are_told_apart),
		cmocka_unit_test(differing_digests_and_words_go_together),
		cmocka_unit_test(short_buffer_is_cut_and_the_length_told),
		cmocka_unit_test(bad_key_has_no_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
