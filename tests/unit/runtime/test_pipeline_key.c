/* Full keys as the memory tier tells them apart. */
#include "test.h"

#include <string.h>

#include <base/alloc.h>

#include "pipeline_key.h"

static const struct kiln_spec_value constants[] = {{0, 4, 64}, {3, 2, 7}};

static struct kiln_pipeline_key sample(void)
{
	return (struct kiln_pipeline_key){
		.key_version = 1,
		.backend = "vulkan",
		.program.bytes = {1, 2, 3},
		.entry = "main",
		.layout.bytes = {4, 5, 6},
		.push_bytes = 8,
		.workgroup = {64, 2, 1},
		.spec = constants,
		.spec_count = 2,
		.subgroup_size = 32,
		.robustness = 1,
		.create_flags = 1,
		.features.bits = 3,
	};
}

static void assert_differs(const struct kiln_pipeline_key *key)
{
	const struct kiln_pipeline_key other = sample();

	assert_false(kiln_key_equal(key, &other));
	assert_false(kiln_key_equal(&other, key));
}

#define ASSERT_TOLD_APART(field, value)                      \
	do {                                                 \
		struct kiln_pipeline_key changed = sample(); \
		changed.field = (value);                     \
		assert_differs(&changed);                    \
	} while (0)

static void keys_differ_by_each_of_their_fields(void **state)
{
	const struct kiln_spec_value other_id[] = {{1, 4, 64}, {3, 2, 7}},
				     other_size[] = {{0, 8, 64}, {3, 2, 7}},
				     other_value[] = {{0, 4, 64}, {3, 2, 8}};

	(void)state;
	ASSERT_TOLD_APART(key_version, 2);
	ASSERT_TOLD_APART(backend, "other");
	ASSERT_TOLD_APART(backend, NULL);
	ASSERT_TOLD_APART(program.bytes[0], 9);
	ASSERT_TOLD_APART(program.bytes[31], 9);
	ASSERT_TOLD_APART(entry, "mail");
	ASSERT_TOLD_APART(entry, "main2");
	ASSERT_TOLD_APART(entry, NULL);
	ASSERT_TOLD_APART(layout.bytes[31], 9);
	ASSERT_TOLD_APART(push_bytes, 12);
	ASSERT_TOLD_APART(workgroup[0], 32);
	ASSERT_TOLD_APART(workgroup[1], 1);
	ASSERT_TOLD_APART(workgroup[2], 2);
	ASSERT_TOLD_APART(spec, other_id);
	ASSERT_TOLD_APART(spec, other_size);
	ASSERT_TOLD_APART(spec, other_value);
	ASSERT_TOLD_APART(spec_count, 1);
	ASSERT_TOLD_APART(subgroup_size, 64);
	ASSERT_TOLD_APART(robustness, 0);
	ASSERT_TOLD_APART(create_flags, 0);
	ASSERT_TOLD_APART(features.bits, 1);
}

static void equal_keys_in_other_memory_are_equal(void **state)
{
	char entry[] = "main", backend[] = "vulkan";
	struct kiln_spec_value spec[2];
	struct kiln_pipeline_key key = sample(), twin = sample();

	(void)state;
	memcpy(spec, constants, sizeof(spec));
	twin.entry = entry;
	twin.backend = backend;
	twin.spec = spec;
	assert_true(kiln_key_equal(&key, &twin));
	assert_int_equal(kiln_key_hash(&key), kiln_key_hash(&twin));
}

static void copy_outlives_what_it_was_made_of(void **state)
{
	char entry[] = "main";
	struct kiln_spec_value spec[2];
	struct kiln_pipeline_key key = sample(), *copy;
	const struct kiln_pipeline_key expected = sample();

	(void)state;
	memcpy(spec, constants, sizeof(spec));
	key.entry = entry;
	key.spec = spec;
	copy = kiln_key_copy(&key);
	memset(entry, 0xff, sizeof(entry));
	memset(spec, 0xff, sizeof(spec));
	assert_non_null(copy);
	assert_true(kiln_key_equal(copy, &expected));
	kiln_free(copy);
}

static void key_with_nothing_in_it_is_copied_too(void **state)
{
	const struct kiln_pipeline_key key = {0};
	struct kiln_pipeline_key *copy = kiln_key_copy(&key);

	(void)state;
	assert_non_null(copy);
	assert_true(kiln_key_equal(copy, &key));
	assert_int_equal(kiln_key_hash(copy), kiln_key_hash(&key));
	kiln_free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copy_outlives_what_it_was_made_of),
		cmocka_unit_test(equal_keys_in_other_memory_are_equal),
		cmocka_unit_test(key_with_nothing_in_it_is_copied_too),
		cmocka_unit_test(keys_differ_by_each_of_their_fields),
	};

	return cmocka_run_group_tests_name("pipeline key", tests, NULL, NULL);
}
