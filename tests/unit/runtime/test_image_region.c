/* Parts of images: which are refused, how they are cut into pieces, and where their rows lie. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include <kiln/reflect.h>

#include "image.h"

static const struct kiln_image_info whole = {KILN_FORMAT_RGBA8, 3, 9, 7, 5, 4, 9 * 7 * 5 * 4, 0};

static struct kiln_image_part part_of(const struct kiln_image_region *region)
{
	struct kiln_image_part part;

	assert_status(kiln_image_part_of(&whole, "it", "call", region, 1 << 20, &part), KILN_OK);
	return part;
}

static void what_is_left_open_reaches_to_the_end(void **state)
{
	struct kiln_image_part part = part_of(NULL);

	(void)state;
	assert_int_equal(kiln_image_part_bytes(&part), whole.bytes);
	assert_int_equal(part.row_pitch, 36);
	assert_int_equal(part.slice_pitch, 36 * 7);
	part = part_of(&(struct kiln_image_region){.x = 8, .y = 2, .z = 4, .row_pitch = 100});
	assert_int_equal(part.size[0], 1);
	assert_int_equal(part.size[1], 5);
	assert_int_equal(part.size[2], 1);
	assert_int_equal(part.slice_pitch, 500);
	assert_int_equal(kiln_image_part_bytes(&part), 20);
}

static void host_memory_must_reach_to_the_last_texel(void **state)
{
	const struct kiln_image_region region = {1, 1, 1, 2, 3, 4, 50, 200};
	const uint64_t reach = 3 * 200 + 2 * 50 + 8;
	struct kiln_image_part part;

	(void)state;
	assert_status(kiln_image_part_of(&whole, "it", "call", &region, reach, &part), KILN_OK);
	assert_status(kiln_image_part_of(&whole, "it", "call", &region, reach - 1, &part), KILN_ERR_INVALID_ARGUMENT);
}

/* Whatever the size of a piece: every row once, in order, and never more than was asked for or one row. */
static void pieces_cover_every_row_once(void **state)
{
	struct kiln_image_part part = part_of(&(struct kiln_image_region){2, 1, 1, 5, 6, 4, 0, 0});

	(void)state;
	for (uint64_t most = 1; most < 700; most += 3) {
		uint64_t next = 0, rows = 0;
		struct kiln_image_part piece;

		while (kiln_image_piece(&part, most, &next, &piece)) {
			assert_int_equal((piece.at[2] - 1) * 6 + piece.at[1] - 1, rows);
			assert_true(piece.size[2] == 1 || (piece.size[1] == 6 && piece.at[1] == 1));
			assert_int_equal(piece.at[0], 2);
			assert_int_equal(piece.size[0], 5);
			assert_true(kiln_image_part_bytes(&piece) <= (most > 20 ? most : 20));
			rows += (uint64_t)piece.size[1] * piece.size[2];
			assert_int_equal(rows, next);
		}
		assert_int_equal(rows, 24);
	}
}

static void scattering_is_gathering_turned_round(void **state)
{
	struct kiln_image_part part = part_of(&(struct kiln_image_region){2, 1, 1, 5, 6, 4, 23, 140});
	uint8_t data[4 * 140], back[sizeof(data)], tight[5 * 4 * 6 * 4];
	struct kiln_image_part piece;
	uint64_t next = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + 1);
	memset(back, 0, sizeof(back));
	while (kiln_image_piece(&part, 70, &next, &piece)) {
		memset(tight, 0, sizeof(tight));
		kiln_image_gather(&part, &piece, data, tight);
		kiln_image_scatter(&part, &piece, tight, back);
	}
	for (size_t i = 0; i < sizeof(data); i++) {
		bool inside = i % 140 / 23 < 6 && i % 140 % 23 < 20;

		assert_int_equal(back[i], inside ? data[i] : 0);
	}
}

static void formats_are_the_shaders(void **state)
{
	unsigned declared = 0;

	(void)state;
	for (enum kiln_format format = KILN_FORMAT_R8; kiln_format_bytes(format); format++) {
		const struct kiln_format_row *row = kiln_format_row(format);

		if (row->spirv)
			assert_string_equal(row->name, kiln_image_format_name(row->spirv));
		declared += row->spirv != 0;
	}
	assert_int_equal(declared, 38);
	assert_string_equal(kiln_image_format_name(0), "unknown");
	assert_string_equal(kiln_image_format_name(42), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_are_the_shaders),
		cmocka_unit_test(host_memory_must_reach_to_the_last_texel),
		cmocka_unit_test(pieces_cover_every_row_once),
		cmocka_unit_test(scattering_is_gathering_turned_round),
		cmocka_unit_test(what_is_left_open_reaches_to_the_end),
	};
	return cmocka_run_group_tests_name("image_region", tests, NULL, NULL);
}
