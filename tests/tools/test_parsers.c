/* The kiln command's parsers: numbers, types, patterns, file names, npy and png. No device, no file. */
#ifdef NDEBUG
#error "tests must not be built with NDEBUG"
#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dtype.h"
#include "file_spec.h"
#include "npy.h"
#include "number.h"
#include "pattern.h"
#include "png.h"
#include "typed_list.h"

static struct kiln_why why;

static void numbers_are_the_whole_text_or_nothing(void **state)
{
	static const char *const bad[] = {"",   " 1", "1 ",  "+1",  "-1",
	                                  "1x", "0x", "0xg", "1.0", "18446744073709551616"};
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(kiln_number_u64(bad[i], strlen(bad[i]), &value));
	assert_true(kiln_number_u64("18446744073709551615", 20, &value) && value == UINT64_MAX);
	assert_true(kiln_number_u64("0xFf", 4, &value) && value == 255);
}

static void signed_numbers_end_at_their_range(void **state)
{
	int64_t value;

	(void)state;
	assert_true(kiln_number_i64("-9223372036854775808", 20, &value) && value == INT64_MIN);
	assert_true(kiln_number_i64("9223372036854775807", 19, &value) && value == INT64_MAX);
	assert_false(kiln_number_i64("9223372036854775808", 19, &value));
	assert_false(kiln_number_i64("--1", 3, &value));
}

static void extents_have_suffixes_and_up_to_three_parts(void **state)
{
	static const char *const bad[] = {"",  "x",   "1x", "x1",           "1x2x3x4",
	                                  "0", "4x0", "1k", "17179869184G", "4294967296x4294967296"};
	uint64_t extents[3];
	unsigned count;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(kiln_number_extents(bad[i], strlen(bad[i]), extents, &count));
	assert_true(kiln_number_extents("64K", 3, extents, &count) && count == 1 && extents[0] == 65536);
	assert_true(kiln_number_extents("640x480", 7, extents, &count) && count == 2 && extents[1] == 480);
	assert_true(kiln_number_extents("0x10x2", 6, extents, &count) && count == 2 && extents[0] == 16);
}

static void triples_fill_up_with_ones(void **state)
{
	uint32_t triple[3];

	(void)state;
	assert_true(kiln_number_triple("7", triple) && triple[0] == 7 && triple[1] == 1 && triple[2] == 1);
	assert_true(kiln_number_triple("1K,2x3", triple) && triple[0] == 1024 && triple[1] == 2 &&
	            triple[2] == 3);
	assert_false(kiln_number_triple("", triple));
	assert_false(kiln_number_triple("1,,2", triple));
	assert_false(kiln_number_triple("1,2,3,4", triple));
	assert_false(kiln_number_triple("4294967296", triple));
}

static void durations_have_one_unit_and_are_above_0(void **state)
{
	static const char *const bad[] = {"",   "5",  "s",   "0s", "-1d",  "1y",
	                                  "1 d", " 1d", "1dd", "1.5h", "+1d", "9223372036854775808s"};
	int64_t seconds = 7;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (kiln_number_duration(bad[i], &seconds))
			fail_msg("'%s' is taken for a duration", bad[i]);
	assert_int_equal(seconds, 7);
	assert_true(kiln_number_duration("90s", &seconds) && seconds == 90);
	assert_true(kiln_number_duration("90m", &seconds) && seconds == 5400);
	assert_true(kiln_number_duration("12h", &seconds) && seconds == 43200);
	assert_true(kiln_number_duration("30d", &seconds) && seconds == 2592000);
	assert_true(kiln_number_duration("8w", &seconds) && seconds == 4838400);
	assert_true(kiln_number_duration("9223372036854775807s", &seconds) && seconds == INT64_MAX);
	assert_false(kiln_number_duration("9223372036854775807m", &seconds));
}

static void every_half_survives_the_way_through_double(void **state)
{
	(void)state;
	for (uint32_t half = 0; half < 65536; half++) {
		double value = kiln_half_to_double((uint16_t)half);

		if (isnan(value))
			assert_true(isnan(kiln_half_to_double(kiln_half_from_double(value))));
		else
			assert_int_equal(kiln_half_from_double(value), half);
	}
}

static void halves_round_to_even_and_overflow_to_infinity(void **state)
{
	(void)state;
	assert_int_equal(kiln_half_from_double(1 + 0x1p-11), 0x3c00);     /* tie, down to even */
	assert_int_equal(kiln_half_from_double(1 + 3 * 0x1p-11), 0x3c02); /* tie, up to even */
	assert_int_equal(kiln_half_from_double(65519.99), 0x7bff);
	assert_int_equal(kiln_half_from_double(65520), 0x7c00);
	assert_int_equal(kiln_half_from_double(0x1p-25), 0);
	assert_int_equal(kiln_half_from_double(-0x1.8p-25), 0x8001);
	assert_int_equal(kiln_half_from_double(0x1p-14 - 0x1p-26), 0x0400); /* rounds up into the normals */
}

static void bfloats_round_to_even_and_keep_what_is_no_number(void **state)
{
	(void)state;
	assert_int_equal(kiln_bfloat_from_bits(0x3f808000), 0x3f80); /* tie, down to even */
	assert_int_equal(kiln_bfloat_from_bits(0x3f818000), 0x3f82); /* tie, up to even */
	assert_int_equal(kiln_bfloat_from_bits(0xbdcccccd), 0xbdcd);
	assert_int_equal(kiln_bfloat_from_bits(0x7f7fffff), 0x7f80);
	assert_int_equal(kiln_bfloat_from_bits(0xff800000), 0xff80);
	assert_int_equal(kiln_bfloat_from_bits(0x7f800001), 0x7fc0);
	assert_int_equal(kiln_bfloat_from_bits(0xffffffff), 0xffff);
}

static void values_outside_their_type_are_refused(void **state)
{
	static const struct {
		enum kiln_dtype type;
		const char *good, *bad;
	} cases[] = {
		{KILN_DTYPE_U8, "255", "256"},        {KILN_DTYPE_I8, "-128", "-129"},
		{KILN_DTYPE_U16, "65535", "65536"},   {KILN_DTYPE_I16, "32767", "32768"},
		{KILN_DTYPE_U32, "0xffffffff", "-1"}, {KILN_DTYPE_I32, "-2147483648", "2147483648"},
		{KILN_DTYPE_U64, "1", "1.5"},         {KILN_DTYPE_F32, "-1e-3", "1e-3x"},
		{KILN_DTYPE_F64, "inf", ""},          {KILN_DTYPE_F16, "true", "yes"},
		{KILN_DTYPE_F64, "1e308", "1e309"},   {KILN_DTYPE_F32, "3.4028235e38", "3.4028236e38"},
		{KILN_DTYPE_F32, "-inf", "-1e39"},    {KILN_DTYPE_F16, "65519.9", "65520"},
		{KILN_DTYPE_F16, "nan", "1e999"},     {KILN_DTYPE_F16, "Infinity", "-70000"},
	};
	uint8_t bytes[8];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_true(kiln_dtype_parse(cases[i].type, cases[i].good, strlen(cases[i].good), bytes));
		assert_false(kiln_dtype_parse(cases[i].type, cases[i].bad, strlen(cases[i].bad), bytes));
	}
}

static void printed_values_keep_their_sign(void **state)
{
	static const uint8_t bytes[8] = {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	char text[40];

	(void)state;
	kiln_dtype_print(KILN_DTYPE_I8, bytes, text, sizeof text);
	assert_string_equal(text, "-2");
	kiln_dtype_print(KILN_DTYPE_I64, bytes, text, sizeof text);
	assert_string_equal(text, "-2");
	kiln_dtype_print(KILN_DTYPE_U16, bytes, text, sizeof text);
	assert_string_equal(text, "65534");
}

static void list_values_are_aligned_like_push_constants(void **state)
{
	static const uint8_t expected[] = {7, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0, 0,
	                                   0, 0, 0, 0, 1, 0, 0,    0,    0, 0, 0, 0};
	struct kiln_array array;

	(void)state;
	assert_true(kiln_typed_list("u8:7,f32:1,pad:1,u64:1", &array, &why));
	assert_int_equal(array.bytes, sizeof expected);
	assert_memory_equal(array.data, expected, sizeof expected);
	assert_int_equal(array.type, KILN_DTYPE_NONE);
	kiln_array_finish(&array);
	assert_true(kiln_typed_list("f32:1,2,3", &array, &why));
	assert_int_equal(array.type, KILN_DTYPE_F32);
	assert_int_equal(array.bytes, 12);
	kiln_array_finish(&array);
}

static void bad_lists_are_sentences(void **state)
{
	static const char *const bad[] = {"",      "1",         "f32:",   "f32:1,", "f32:1,,2",
	                                  "f33:1", "pad:65537", "pad:-1", "u8:1:2"};
	struct kiln_array array;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_false(kiln_typed_list(bad[i], &array, &why));
		assert_non_null(strstr(why.text, "Fix:"));
	}
}

static void check_pattern(const char *text, const void *data, size_t bytes)
{
	const struct kiln_pattern_room room = {.bytes = 8, .element = 2};
	struct kiln_array array;

	assert_true(kiln_pattern_make(text, &room, &array, &why));
	assert_int_equal(array.bytes, bytes);
	assert_memory_equal(array.data, data, bytes);
	kiln_array_finish(&array);
}

static void patterns_make_what_they_say(void **state)
{
	(void)state;
	check_pattern("zeros", (uint8_t[8]){0}, 8);
	check_pattern("zeros:3", (uint8_t[6]){0}, 6);
	check_pattern("zeros:u8:3", (uint8_t[3]){0}, 3);
	check_pattern("const:u16:513", (uint8_t[]){1, 2, 1, 2, 1, 2, 1, 2}, 8);
	check_pattern("iota:u8:4:254", (uint8_t[]){254, 255, 0, 1}, 4);
	check_pattern("iota:i16:2:-1:-1", (uint8_t[]){255, 255, 254, 255}, 4);
	check_pattern("iota:f32:auto:1:0.5", (float[]){1, 1.5f}, 8);
	check_pattern("data:u8:1,2", (uint8_t[]){1, 2}, 2);
}

/* SplitMix64's published first output for seed 1234567; this pins the sequence for good. */
static void random_numbers_never_change(void **state)
{
	const struct kiln_pattern_room room = {0};
	const uint64_t first = 6457827717110365317u, second = 3203168211198807973u;
	struct kiln_array array;

	(void)state;
	assert_true(kiln_pattern_make("random:u64:2:1234567", &room, &array, &why));
	assert_memory_equal(array.data, &first, 8);
	assert_memory_equal(array.data + 8, &second, 8);
	kiln_array_finish(&array);
}

static void bad_patterns_are_sentences(void **state)
{
	static const char *const bad[] = {"zeros:f33:1",      "const:f32",   "const:u8:256:4",  "iota",
	                                  "iota:f32:1:2:3:4", "iota:u8:4:x", "random:f32:4:-1", "zeros:0",
	                                  "zeros:u64:1G",     "const:f32:1", "what:f32:1"};
	const struct kiln_pattern_room room = {0};
	struct kiln_array array;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_false(kiln_pattern_make(bad[i], &room, &array, &why));
		assert_non_null(strstr(why.text, "Fix:"));
	}
}

static void file_names_may_hold_colons(void **state)
{
	struct kiln_file_spec spec;

	(void)state;
	assert_true(kiln_file_spec_parse("a:b:out.npy:f32:4x2", &spec, &why));
	assert_string_equal(spec.path, "a:b:out.npy");
	assert_int_equal(spec.kind, KILN_FILE_NPY);
	assert_int_equal(spec.type, KILN_DTYPE_F32);
	assert_true(spec.dims == 2 && spec.extents[0] == 4);
	assert_true(kiln_file_spec_parse("png:picture:rgba32f", &spec, &why));
	assert_true(spec.kind == KILN_FILE_PNG && spec.pixels && spec.pixels->channels == 4);
	assert_string_equal(spec.path, "picture");
	assert_true(kiln_file_spec_parse("raw:x.npy", &spec, &why) && spec.kind == KILN_FILE_RAW);
	assert_false(kiln_file_spec_parse("", &spec, &why));
	assert_false(kiln_file_spec_parse("x.png:f32", &spec, &why));
	assert_false(kiln_file_spec_parse("x.npy:rgba8", &spec, &why));
}

static void every_npy_type_survives_the_way_out_and_in(void **state)
{
	(void)state;
	for (int type = KILN_DTYPE_U8; type < KILN_DTYPE_COUNT; type++) {
		uint8_t data[48] = {1, 2, 3, 4, 5, 6, 7, 8};
		struct kiln_array array = {.data = data,
		                           .type = (enum kiln_dtype)type,
		                           .shape = {2, 3},
		                           .dims = 2};
		struct kiln_array again;
		size_t header_bytes;
		uint8_t file[512], *header;

		array.bytes = 6 * kiln_dtype_size(array.type);
		header = kiln_npy_header(&array, &header_bytes);
		assert_non_null(header);
		memcpy(file, header, header_bytes);
		memcpy(file + header_bytes, data, array.bytes);
		free(header);
		assert_true(kiln_npy_parse(file, header_bytes + array.bytes, &again, &why));
		assert_true(again.type == array.type && again.dims == 2 && again.shape[0] == 2 &&
		            again.shape[1] == 3);
		assert_memory_equal(again.data, data, array.bytes);
		kiln_array_finish(&again);
	}
}

static void npy_cut_anywhere_is_a_sentence(void **state)
{
	struct kiln_array array = {.type = KILN_DTYPE_F32, .bytes = 16}, out;
	size_t header_bytes;
	uint8_t *header = kiln_npy_header(&array, &header_bytes);

	(void)state;
	assert_non_null(header);
	for (size_t bytes = 0; bytes <= header_bytes; bytes++) {
		uint8_t *exact = malloc(bytes ? bytes : 1); /* so that a sanitizer sees one byte too far */

		assert_non_null(exact);
		memcpy(exact, header, bytes);
		why.text[0] = '\0';
		assert_false(kiln_npy_parse(exact, bytes, &out, &why));
		assert_non_null(strstr(why.text, "Fix:"));
		free(exact);
	}
	free(header);
}

static void every_pixel_format_survives_the_way_out_and_in(void **state)
{
	static const char *const names[] = {"gray8", "rgb8", "rgba8", "gray32f", "rgb32f", "rgba32f"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const struct kiln_pixel_format *format = kiln_pixel_format_find(names[i]);
		size_t count = 5 * 3 * format->channels, bytes;
		uint8_t pixels[5 * 3 * 4 * 4], *file;
		struct kiln_array array;

		for (size_t p = 0; p < count; p++) {
			if (format->type == KILN_DTYPE_F32)
				kiln_dtype_store_float(KILN_DTYPE_F32, (double)(p * 4) / 255, pixels + 4 * p);
			else
				pixels[p] = (uint8_t)(p * 4);
		}
		assert_true(kiln_png_encode(format, 5, 3, pixels, &file, &bytes, &why));
		assert_true(kiln_png_parse(file, bytes, format, &array, &why));
		assert_true(array.width == 5 && array.height == 3 && array.type == format->type);
		assert_int_equal(array.bytes, count * kiln_dtype_size(format->type));
		assert_memory_equal(array.data, pixels, array.bytes);
		assert_ptr_equal(kiln_pixel_format_guess(array.type, 5, 3, array.bytes), format);
		kiln_array_finish(&array);
		free(file);
	}
}

static void float_pixels_are_clamped(void **state)
{
	const float pixels[4] = {-1, 2, NAN, 0.5f};
	const struct kiln_pixel_format *format = kiln_pixel_format_find("gray32f");
	const uint8_t expected[4] = {0, 255, 0, 128};
	struct kiln_array array;
	uint8_t *file;
	size_t bytes;

	(void)state;
	assert_true(kiln_png_encode(format, 4, 1, pixels, &file, &bytes, &why));
	assert_true(kiln_png_parse(file, bytes, kiln_pixel_format_find("gray8"), &array, &why));
	assert_memory_equal(array.data, expected, 4);
	kiln_array_finish(&array);
	free(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_the_whole_text_or_nothing),
		cmocka_unit_test(signed_numbers_end_at_their_range),
		cmocka_unit_test(extents_have_suffixes_and_up_to_three_parts),
		cmocka_unit_test(triples_fill_up_with_ones),
		cmocka_unit_test(durations_have_one_unit_and_are_above_0),
		cmocka_unit_test(every_half_survives_the_way_through_double),
		cmocka_unit_test(halves_round_to_even_and_overflow_to_infinity),
		cmocka_unit_test(bfloats_round_to_even_and_keep_what_is_no_number),
		cmocka_unit_test(values_outside_their_type_are_refused),
		cmocka_unit_test(printed_values_keep_their_sign),
		cmocka_unit_test(list_values_are_aligned_like_push_constants),
		cmocka_unit_test(bad_lists_are_sentences),
		cmocka_unit_test(patterns_make_what_they_say),
		cmocka_unit_test(random_numbers_never_change),
		cmocka_unit_test(bad_patterns_are_sentences),
		cmocka_unit_test(file_names_may_hold_colons),
		cmocka_unit_test(every_npy_type_survives_the_way_out_and_in),
		cmocka_unit_test(npy_cut_anywhere_is_a_sentence),
		cmocka_unit_test(every_pixel_format_survives_the_way_out_and_in),
		cmocka_unit_test(float_pixels_are_clamped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
