#include "test.h"

#include <string.h>

#include <kiln/autotune.h>

#include "escape.h"

static void assert_key_is(struct kiln_tune_key key, const char *expected)
{
	char hex[KILN_TUNE_KEY_HEX];

	kiln_tune_key_encode(&key, hex);
	assert_string_equal(hex, expected);
}

static void key_folds_as_specified(void **state)
{
	const uint32_t workgroup[3] = {128, 1, 1};

	(void)state;
	assert_key_is(kiln_tune_key(0xdeadbeef, 0xfacefeed, workgroup, 1),
	              "81000100010000000240632400000000");
}

static void every_part_of_the_key_counts(void **state)
{
	const uint32_t none[3] = {0, 0, 0};

	(void)state;
	assert_key_is(kiln_tune_key(0, 0, none, 0x0102030405060708), "08070605040302010000000000000000");
	assert_key_is(kiln_tune_key(0x0102030405060708, 0, none, 0), "00000000000000000807060504030201");
	assert_key_is(kiln_tune_key(0, 0x0102030405060708, none, 0), "00000000000000000807060504030201");
	assert_key_is(kiln_tune_key(0, 0, (const uint32_t[3]){0x10203, 0, 0}, 0),
	              "03020100000000000000000000000000");
	assert_key_is(kiln_tune_key(0, 0, (const uint32_t[3]){0, 0x10203, 0}, 0),
	              "00000302010000000000000000000000");
	assert_key_is(kiln_tune_key(0, 0, (const uint32_t[3]){0, 0, 0x10203}, 0),
	              "00000000030201000000000000000000");
}

static void key_survives_its_text(void **state)
{
	struct kiln_tune_key key, back;
	char hex[KILN_TUNE_KEY_HEX];

	(void)state;
	for (int i = 0; i < KILN_TUNE_KEY_BYTES; i++)
		key.bytes[i] = (uint8_t)(i * 37 + 200);
	kiln_tune_key_encode(&key, hex);
	assert_int_equal(strlen(hex), 32);
	assert_true(kiln_tune_key_decode(hex, &back));
	assert_memory_equal(&key, &back, sizeof(key));
}

static void other_texts_are_no_keys(void **state)
{
	static const char *const texts[] = {
		NULL,
		"",
		"8100010001000000024063240000000",
		"810001000100000002406324000000000",
		"8100010001000000024063240000000G",
		"8100010001000000024063240000000A",
		"8100010001000000 240632400000000",
	};
	struct kiln_tune_key key = {{42}};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(kiln_tune_key_decode(texts[i], &key));
	assert_int_equal(key.bytes[0], 42);
}

static void assert_adapter(const char *name, const char *expected)
{
	char id[128];

	assert_int_equal(kiln_adapter_id(name, id, sizeof(id)), strlen(expected));
	assert_string_equal(id, expected);
}

static void adapter_ids_are_plain(void **state)
{
	(void)state;
	assert_adapter("llvmpipe (LLVM 15.0.6, 256 bits)", "vulkan-llvmpipe-llvm-15.0.6-256-bits");
	assert_adapter("NVIDIA GeForce RTX 4090", "vulkan-nvidia-geforce-rtx-4090");
	assert_adapter("AMD Radeon\xE2\x84\xA2 (RADV NAVI21)", "vulkan-amd-radeon-radv-navi21");
	assert_adapter("  a  ", "vulkan-a");
	assert_adapter("(a)-(b)", "vulkan-a-b");
	assert_adapter("()", "vulkan");
	assert_adapter("", "vulkan");
	assert_adapter(NULL, "vulkan");
}

static void adapter_id_says_the_room_it_needs(void **state)
{
	char id[10];

	(void)state;
	assert_int_equal(kiln_adapter_id("llvmpipe", NULL, 0), 15);
	assert_int_equal(kiln_adapter_id("llvmpipe", id, sizeof(id)), 15);
	assert_string_equal(id, "vulkan-ll");
}

static void driver_text_is_escaped_once(void **state)
{
	char once[64], twice[64];

	(void)state;
	assert_int_equal(kiln_escape("Mesa\t22.3\n100%\x7f\xC3\xA9", once, sizeof(once)), 29);
	assert_string_equal(once, "Mesa%0922.3%0A100%25%7F%C3%A9");
	kiln_escape(once, twice, sizeof(twice));
	assert_string_equal(twice, once);
	kiln_escape("Mesa 22.3.6 (100%)", once, sizeof(once));
	assert_string_equal(once, "Mesa 22.3.6 (100%)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adapter_id_says_the_room_it_needs),
		cmocka_unit_test(adapter_ids_are_plain),
		cmocka_unit_test(driver_text_is_escaped_once),
		cmocka_unit_test(every_part_of_the_key_counts),
		cmocka_unit_test(key_folds_as_specified),
		cmocka_unit_test(key_survives_its_text),
		cmocka_unit_test(other_texts_are_no_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
