#include "test.h"

#include <string.h>

#include <base/alloc.h>
#include <base/bytes.h>

#include "failing_alloc.h"

static void write_everything(struct kiln_writer *writer)
{
	struct kiln_digest digest = {.bytes = {[0] = 0xaa, [31] = 0xbb}};

	kiln_write_u8(writer, 0x12);
	kiln_write_u16(writer, 0x3456);
	kiln_write_u32(writer, 0x789abcde);
	kiln_write_u64(writer, 0x0123456789abcdef);
	kiln_write_digest(writer, &digest);
	kiln_write_blob(writer, "\0\1\2", 3);
	kiln_write_string(writer, "hello");
}

static void integers_are_little_endian(void **state)
{
	static const uint8_t expected[] = {0x12, 0x56, 0x34, 0xde, 0xbc, 0x9a, 0x78, 0xef,
	                                   0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01};
	struct kiln_writer writer = {0};

	(void)state;
	write_everything(&writer);
	assert_false(writer.bad);
	assert_memory_equal(writer.data, expected, sizeof(expected));
	assert_int_equal(writer.bytes, sizeof(expected) + 32 + (4 + 3) + (4 + 5));
	kiln_writer_finish(&writer);
	assert_null(writer.data);
}

static void what_was_written_reads_back(void **state)
{
	struct kiln_writer writer = {0};
	struct kiln_reader reader;
	size_t bytes;
	char *text;

	(void)state;
	write_everything(&writer);
	kiln_reader_init(&reader, writer.data, writer.bytes);
	assert_int_equal(kiln_read_u8(&reader), 0x12);
	assert_int_equal(kiln_read_u16(&reader), 0x3456);
	assert_int_equal(kiln_read_u32(&reader), 0x789abcde);
	assert_true(kiln_read_u64(&reader) == 0x0123456789abcdef);
	assert_int_equal(kiln_read_digest(&reader).bytes[31], 0xbb);
	assert_memory_equal(kiln_read_blob(&reader, &bytes), "\0\1\2", 3);
	assert_int_equal(bytes, 3);
	text = kiln_read_string(&reader, 5);
	assert_string_equal(text, "hello");
	assert_false(reader.bad);
	assert_int_equal(reader.left, 0);
	kiln_free(text);
	kiln_writer_finish(&writer);
}

/* Each read on a buffer of every shorter length: bad, zero, and never a byte beyond (address sanitizer). */
static void short_input_is_bad_and_reads_zero(void **state)
{
	(void)state;
	for (size_t bytes = 0; bytes < 8; bytes++) {
		uint8_t *exact = kiln_memdup("\xff\xff\xff\xff\xff\xff\xff\xff", bytes);
		struct kiln_reader reader;

		kiln_reader_init(&reader, exact, bytes);
		assert_true(kiln_read_u64(&reader) == 0);
		assert_true(reader.bad);
		kiln_free(exact);
	}
}

static void bad_reader_stays_bad(void **state)
{
	struct kiln_reader reader;
	size_t bytes = 99;

	(void)state;
	kiln_reader_init(&reader, "abc", 3);
	assert_int_equal(kiln_read_u32(&reader), 0);
	assert_int_equal(kiln_read_u8(&reader), 0);
	assert_null(kiln_read_bytes(&reader, 0));
	assert_null(kiln_read_blob(&reader, &bytes));
	assert_int_equal(bytes, 0);
	assert_null(kiln_read_string(&reader, 100));
	assert_int_equal(kiln_read_digest(&reader).bytes[0], 0);
}

static void empty_reader_over_null_reads_no_bytes(void **state)
{
	struct kiln_reader reader;

	(void)state;
	kiln_reader_init(&reader, NULL, 0);
	kiln_read_bytes(&reader, 0);
	assert_false(reader.bad);
	assert_null(kiln_read_bytes(&reader, 1));
	assert_true(reader.bad);
}

static char *read_string(const void *data, size_t bytes, size_t max, bool *out_bad)
{
	struct kiln_reader reader;
	char *text;

	kiln_reader_init(&reader, data, bytes);
	text = kiln_read_string(&reader, max);
	*out_bad = reader.bad;
	return text;
}

static void strings_are_bounded_and_hold_no_nul(void **state)
{
	bool bad;
	char *text;

	(void)state;
	assert_null(read_string("\4\0\0\0abcd", 8, 3, &bad));
	assert_true(bad);
	assert_null(read_string("\4\0\0\0a\0cd", 8, 4, &bad));
	assert_true(bad);
	assert_null(read_string("\xff\xff\xff\xff"
	                        "abcd",
	                        8, SIZE_MAX, &bad));
	assert_true(bad);
	text = read_string("\0\0\0\0", 4, 0, &bad);
	assert_string_equal(text, "");
	assert_false(bad);
	kiln_free(text);
}

static void writer_grows_far(void **state)
{
	struct kiln_writer writer = {0};
	uint8_t chunk[1000];

	(void)state;
	memset(chunk, 7, sizeof(chunk));
	for (int i = 0; i < 1000; i++)
		kiln_write_bytes(&writer, chunk, sizeof(chunk));
	assert_false(writer.bad);
	assert_int_equal(writer.bytes, 1000000);
	assert_int_equal(writer.data[999999], 7);
	kiln_writer_finish(&writer);
}

static void writer_prints_without_prefix_or_nul(void **state)
{
	struct kiln_writer writer = {0};

	(void)state;
	kiln_write_format(&writer, "%d-%s", 42, "x");
	kiln_write_format(&writer, "%0300d", 1);
	assert_int_equal(writer.bytes, 304);
	assert_memory_equal(writer.data, "42-x000", 7);
	assert_int_equal(writer.data[303], '1');
	kiln_writer_finish(&writer);
}

static void failed_allocation_makes_the_writer_bad_for_good(void **state)
{
	struct kiln_writer writer = {0};

	(void)state;
	failing_alloc_begin(1);
	kiln_write_u32(&writer, 1);
	assert_true(failing_alloc_end());
	assert_true(writer.bad);
	kiln_write_u32(&writer, 2);
	kiln_write_format(&writer, "x");
	assert_true(writer.bad);
	assert_int_equal(writer.bytes, 0);
	kiln_writer_finish(&writer);
	assert_false(writer.bad);
}

static void absurd_write_is_bad_not_a_crash(void **state)
{
	struct kiln_writer writer = {0};

	(void)state;
	kiln_write_u8(&writer, 1);
	kiln_write_bytes(&writer, "x", SIZE_MAX - 1);
	assert_true(writer.bad);
	kiln_writer_finish(&writer);
}

static void failed_string_copy_makes_the_reader_bad(void **state)
{
	bool bad;

	(void)state;
	failing_alloc_begin(1);
	assert_null(read_string("\1\0\0\0a", 5, 9, &bad));
	assert_true(failing_alloc_end());
	assert_true(bad);
}

static void empty_blocks_are_no_failure(void **state)
{
	void *block = kiln_alloc(0);
	void *zeroed = kiln_alloc_zero(0, 8);
	void *copy = kiln_memdup(NULL, 0);

	(void)state;
	assert_non_null(block);
	assert_non_null(zeroed);
	assert_non_null(copy);
	block = kiln_realloc(block, 0);
	assert_non_null(block);
	kiln_free(block);
	kiln_free(zeroed);
	kiln_free(copy);
	kiln_free(NULL);
}

static void multiplication_overflow_fails(void **state)
{
	volatile size_t huge = SIZE_MAX / 2;

	(void)state;
	assert_null(kiln_alloc_zero(huge, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_are_little_endian),
		cmocka_unit_test(what_was_written_reads_back),
		cmocka_unit_test(short_input_is_bad_and_reads_zero),
		cmocka_unit_test(bad_reader_stays_bad),
		cmocka_unit_test(empty_reader_over_null_reads_no_bytes),
		cmocka_unit_test(strings_are_bounded_and_hold_no_nul),
		cmocka_unit_test(writer_grows_far),
		cmocka_unit_test(writer_prints_without_prefix_or_nul),
		cmocka_unit_test(failed_allocation_makes_the_writer_bad_for_good),
		cmocka_unit_test(absurd_write_is_bad_not_a_crash),
		cmocka_unit_test(failed_string_copy_makes_the_reader_bad),
		cmocka_unit_test(empty_blocks_are_no_failure),
		cmocka_unit_test(multiplication_overflow_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
