/* What a reopened device needs to know, without one: which bytes of a buffer are missing, and what a fault says. */
#include <stdlib.h>
#include <string.h>

#include <base/alloc.h>

#include "buffer_contents.h"
#include "device_fault.h"
#include "test.h"

enum { SIZE = 64, ROUNDS = 20000 };

static struct kiln_missing missing_all(void)
{
	struct kiln_missing missing = {kiln_alloc_zero(1, sizeof(struct kiln_byte_range)), 1, 1};

	assert_non_null(missing.ranges);
	missing.ranges[0] = (struct kiln_byte_range){0, SIZE};
	return missing;
}

static bool model_find(const bool *missing, struct kiln_byte_range range)
{
	for (uint64_t i = range.begin; i < range.end; i++)
		if (missing[i])
			return true;
	return false;
}

static struct kiln_byte_range random_range(void)
{
	uint64_t begin = (uint64_t)rand() % SIZE, bytes = 1 + (uint64_t)rand() % 12;

	return (struct kiln_byte_range){begin, begin + bytes < SIZE ? begin + bytes : SIZE};
}

static void written_bytes_are_no_longer_missing_and_others_are(void **state)
{
	(void)state;
	srand(1);
	for (int round = 0; round < ROUNDS / 20; round++) {
		struct kiln_missing missing = missing_all();
		bool model[SIZE];

		memset(model, true, sizeof(model));
		for (int i = 0; i < 20; i++) {
			struct kiln_byte_range written = random_range(), asked = random_range(), first;

			assert_true(kiln_missing_remove(&missing, written));
			memset(model + written.begin, false, (size_t)(written.end - written.begin));
			assert_int_equal(kiln_missing_find(&missing, asked, &first),
			                 model_find(model, asked));
			for (uint32_t r = 0; r < missing.count; r++) {
				assert_true(missing.ranges[r].begin < missing.ranges[r].end);
				assert_true(r == 0 || missing.ranges[r - 1].end < missing.ranges[r].begin);
			}
		}
		kiln_free(missing.ranges);
	}
}

static void nothing_is_missing_once_all_is_written(void **state)
{
	struct kiln_missing missing = missing_all();
	struct kiln_byte_range first;

	(void)state;
	for (uint64_t i = 0; i < SIZE; i += 2)
		assert_true(kiln_missing_remove(&missing, (struct kiln_byte_range){i, i + 1}));
	assert_int_equal(missing.count, SIZE / 2);
	assert_true(kiln_missing_remove(&missing, (struct kiln_byte_range){0, SIZE}));
	assert_int_equal(missing.count, 0);
	assert_false(kiln_missing_find(&missing, (struct kiln_byte_range){0, SIZE}, &first));
	kiln_free(missing.ranges);
}

static void drivers_text_is_cut_and_cleaned(void **state)
{
	char text[8];

	(void)state;
	kiln_fault_text(text, sizeof(text), "ab\n\x7f\xc3z", 6);
	assert_string_equal(text, "ab???z");
	kiln_fault_text(text, sizeof(text), "1234567890", 10);
	assert_string_equal(text, "1234567");
	kiln_fault_text(text, sizeof(text), "12345", 3);
	assert_string_equal(text, "123");
}

static void fault_that_is_too_long_for_the_message_is_cut(void **state)
{
	struct kiln_device_loss loss = {.has_fault = true, .address_count = 8, .vendor_count = 8};
	char text[100] = "";

	(void)state;
	memset(loss.description, 'x', sizeof(loss.description) - 1);
	kiln_fault_print(&loss, text, sizeof(text));
	assert_int_equal(strlen(text), sizeof(text) - 1);
	text[0] = '\0';
	loss.has_fault = false;
	kiln_fault_print(&loss, text, sizeof(text));
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_bytes_are_no_longer_missing_and_others_are),
		cmocka_unit_test(nothing_is_missing_once_all_is_written),
		cmocka_unit_test(drivers_text_is_cut_and_cleaned),
		cmocka_unit_test(fault_that_is_too_long_for_the_message_is_cut),
	};

	return cmocka_run_group_tests_name("reopen", tests, NULL, NULL);
}
