/* Bytes to the device and back against plain host memory, by every way there is: straight into mapped memory, through staging
 * in pieces that overlap, at the borders of a piece, at odd addresses, and none at all. Each as the driver is, and again with
 * memory made worse. */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "buffer.h"
#include "device.h"

#define PIECE (UINT64_C(8) << 20) /* of staging */
#define TOTAL (3 * PIECE + 4096)

/* As programs may: in any way, and all must agree. */
enum way { BUFFER_CALLS, STREAM_CALLS, OTHER_STREAM, WAYS };

static const struct {
	const char *name;
	unsigned pretend;
} modes[] = {
	{"as it is", 0},
	{"hidden from the host", KILN_PRETEND_NOT_VISIBLE},
	{"not coherent", KILN_PRETEND_NOT_COHERENT},
	{"not coherent, slow to read", KILN_PRETEND_NOT_COHERENT | KILN_PRETEND_NOT_CACHED},
	{"hidden, staging not coherent", KILN_PRETEND_NOT_VISIBLE | KILN_PRETEND_NOT_COHERENT},
};

static struct world {
	struct kiln_buffer *buffer;
	struct kiln_stream *stream;
	unsigned char *model, *data, *got;
	uint64_t seed;
} w;

static uint64_t draw(uint64_t below)
{
	w.seed ^= w.seed << 13;
	w.seed ^= w.seed >> 7;
	w.seed ^= w.seed << 17;
	return w.seed % below;
}

/* No two words are the same, so nothing can be swapped unseen. */
static void draw_bytes(unsigned char *data, uint64_t bytes)
{
	uint64_t word = draw(UINT64_MAX);

	for (uint64_t i = 0; i < bytes; i += 8, word += UINT64_C(0x9e3779b97f4a7c15))
		memcpy(data + i, &word, bytes - i < 8 ? bytes - i : 8);
}

static void make(unsigned pretend)
{
	gpu_device->memory.pretend = pretend;
	w = (struct world){.seed = 0xbadc0ffee};
	w.model = malloc(TOTAL);
	w.data = malloc(TOTAL);
	w.got = malloc(TOTAL);
	assert_true(w.model && w.data && w.got);
	draw_bytes(w.model, TOTAL);
	w.buffer = gpu_buffer(TOTAL, w.model);
	gpu_ok(kiln_stream_create(gpu_device, NULL, &w.stream));
	assert_true(!w.buffer->memory.data || !(pretend & KILN_PRETEND_NOT_VISIBLE));
}

static void drop(void)
{
	kiln_stream_destroy(&w.stream);
	kiln_buffer_destroy(&w.buffer);
	free(w.model);
	free(w.data);
	free(w.got);
	gpu_device->memory.pretend = 0;
}

static void put(enum way way, uint64_t offset, uint64_t bytes)
{
	draw_bytes(w.data, bytes);
	if (way == BUFFER_CALLS)
		gpu_ok(kiln_buffer_write(w.buffer, offset, w.data, bytes));
	else
		gpu_ok(kiln_stream_upload(way == STREAM_CALLS ? kiln_device_stream(gpu_device) : w.stream,
		                          w.buffer, offset, w.data, bytes));
	memcpy(w.model + offset, w.data, bytes);
	memset(w.data, 0xee, bytes); /* the caller's again at once */
}

/* Nothing beside the bytes that were asked for is written. */
static void get(enum way way, uint64_t offset, uint64_t bytes)
{
	struct kiln_stream *stream = way == STREAM_CALLS ? kiln_device_stream(gpu_device) : w.stream;

	memset(w.got, 0x11, bytes);
	if (way == BUFFER_CALLS) {
		gpu_ok(kiln_buffer_read(w.buffer, offset, w.got, bytes));
	} else {
		gpu_ok(kiln_stream_download(stream, w.buffer, offset, w.got, bytes));
		gpu_ok(kiln_stream_wait(stream, KILN_WAIT_FOREVER));
	}
	if (memcmp(w.got, w.model + offset, bytes) != 0)
		fail_msg("%llu bytes at %llu, way %d, differ", (unsigned long long)bytes,
		         (unsigned long long)offset, (int)way);
}

static void in_every_mode(void (*test)(void))
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		print_message("  %s\n", modes[i].name);
		make(modes[i].pretend);
		test();
		get(BUFFER_CALLS, 0, TOTAL);
		drop();
	}
}

/* ---- Borders ---- */

static void borders(void)
{
	static const int64_t off[] = {-4, -1, 0, 1, 4};
	static const uint64_t at[] = {0, 1, 3, 4, 255, 256, 257};

	for (uint64_t pieces = 1; pieces <= 2; pieces++)
		for (size_t o = 0; o < sizeof(off) / sizeof(off[0]); o++) {
			size_t turn = (size_t)pieces + o;
			uint64_t bytes = (uint64_t)((int64_t)(pieces * PIECE) + off[o]);
			uint64_t offset = at[turn % (sizeof(at) / sizeof(at[0]))];

			put((enum way)(turn % WAYS), offset, bytes);
			get((enum way)((turn + 1) % WAYS), offset, bytes);
		}
}

static void transfers_around_the_size_of_a_piece_are_whole(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	in_every_mode(borders);
}

/* ---- Odd addresses ---- */

static void odd(void)
{
	for (uint64_t offset = 0; offset < 9; offset++)
		for (uint64_t bytes = 1; bytes < 9; bytes++) {
			put((enum way)((offset + bytes) % WAYS), PIECE - 4 + offset, bytes);
			get((enum way)((offset * bytes) % WAYS), PIECE - 4 + offset, bytes);
			/* what lies around is what it was */
			get(BUFFER_CALLS, PIECE - 16, 40);
		}
	put(BUFFER_CALLS, TOTAL - 1, 1);
	put(STREAM_CALLS, TOTAL - 3, 2);
	get(OTHER_STREAM, TOTAL - 5, 5);
}

static void odd_offsets_and_sizes_touch_nothing_else(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	in_every_mode(odd);
}

/* ---- Nothing ---- */

static void nothing(void)
{
	uint64_t submits = kiln_device_counters(gpu_device).submits;
	uint64_t offsets[] = {0, 1, TOTAL / 2, TOTAL};

	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		gpu_ok(kiln_buffer_write(w.buffer, offsets[i], NULL, 0));
		gpu_ok(kiln_buffer_read(w.buffer, offsets[i], NULL, 0));
		gpu_ok(kiln_stream_upload(w.stream, w.buffer, offsets[i], NULL, 0));
		gpu_ok(kiln_stream_download(w.stream, w.buffer, offsets[i], NULL, 0));
	}
	gpu_ok(kiln_stream_wait(w.stream, KILN_WAIT_FOREVER));
	assert_int_equal(kiln_device_counters(gpu_device).submits, submits);
#ifndef KILN_DEBUG_ABORT
	gpu_refused(kiln_buffer_write(w.buffer, TOTAL + 1, NULL, 0), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_stream_download(w.stream, w.buffer, TOTAL + 1, NULL, 0), KILN_ERR_INVALID_ARGUMENT);
#endif
}

static void no_bytes_are_no_work(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	in_every_mode(nothing);
}

/* ---- Overlap ---- */

/* Many uploads are under way before the first is waited for, more than the ring holds, and each has its bytes. */
static void pour(void)
{
	const struct kiln_staging_lane *lane = &w.stream->staging.upload;

	for (uint32_t i = 0; i < 12; i++)
		put(i % 3 ? OTHER_STREAM : STREAM_CALLS, draw(TOTAL - PIECE), PIECE / 2 + draw(PIECE / 2));
	for (uint32_t i = 0; i < 300; i++)
		put(OTHER_STREAM, draw(TOTAL - 5000), 1 + draw(5000));
	for (uint32_t i = 0; i < 2; i++) /* and two pieces are all it takes */
		assert_true(!lane->buffers[i] || lane->buffers[i]->bytes <= PIECE);
}

static void uploads_in_flight_keep_their_bytes(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	in_every_mode(pour);
}

/* A write between a download and its wait is not in it. */
static void cross(void)
{
	unsigned char *first = malloc(PIECE), *second = malloc(PIECE), *before = malloc(PIECE);

	assert_true(first && second && before);
	memcpy(before, w.model + 5, PIECE);
	gpu_ok(kiln_stream_fill(w.stream, w.buffer, TOTAL - 4, 4, 7)); /* so that it is not idle */
	memset(w.model + TOTAL - 4, 0, 4);
	w.model[TOTAL - 4] = 7;
	gpu_ok(kiln_stream_download(w.stream, w.buffer, 5, first, PIECE));
	put(OTHER_STREAM, 1, PIECE);
	gpu_ok(kiln_stream_download(w.stream, w.buffer, 5, second, PIECE));
	put(OTHER_STREAM, 3, PIECE);
	gpu_ok(kiln_stream_wait(w.stream, KILN_WAIT_FOREVER));
	assert_memory_equal(first, before, PIECE);
	assert_memory_not_equal(second, before, PIECE);
	gpu_ok(kiln_buffer_read(w.buffer, 0, w.got, PIECE));
	assert_memory_equal(w.got, w.model, PIECE);
	free(first);
	free(second);
	free(before);
}

static void download_holds_the_bytes_of_its_moment(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	in_every_mode(cross);
}

/* ---- Large ---- */

#define LARGE ((UINT64_C(72) << 20) + 5)

static void large_download_takes_no_memory_of_its_size(void **state)
{
	struct kiln_memory_report before, after;
	unsigned char *data = malloc(LARGE), *got = malloc(LARGE);
	struct kiln_stream *stream = NULL;
	struct kiln_buffer *buffer;

	(void)state;
	GPU_NEEDS_LAUNCH();
	assert_true(data && got);
	w.seed = 99;
	draw_bytes(data, LARGE);
	gpu_device->memory.pretend = KILN_PRETEND_NOT_VISIBLE;
	gpu_ok(kiln_stream_create(gpu_device, NULL, &stream));
	buffer = gpu_buffer(LARGE, data);
	gpu_ok(kiln_device_memory(gpu_device, &before));
	gpu_ok(kiln_stream_download(stream, buffer, 0, got, LARGE));
	gpu_ok(kiln_device_memory(gpu_device, &after));
	assert_memory_equal(got, data, LARGE);
	assert_true(after.total.allocated - before.total.allocated <= 4 * PIECE);
	/* behind another one it must wait for its turn, and is right all the same */
	memset(got, 0, LARGE);
	gpu_ok(kiln_stream_download(stream, buffer, LARGE - PIECE, got, PIECE));
	gpu_ok(kiln_stream_download(stream, buffer, 0, got, LARGE));
	gpu_ok(kiln_stream_wait(stream, KILN_WAIT_FOREVER));
	assert_memory_equal(got, data, LARGE);
	gpu_device->memory.pretend = 0;
	kiln_stream_destroy(&stream);
	kiln_buffer_destroy(&buffer);
	free(data);
	free(got);
}

/* ---- All at once ---- */

static void mix(void)
{
	for (uint32_t i = 0; i < 150; i++) {
		bool large = draw(16) == 0;
		uint64_t bytes = large ? PIECE - 8 + draw(PIECE) : 1 + draw(70000);
		uint64_t offset = draw(TOTAL - bytes + 1);

		switch (draw(3)) {
		case 0:
			get((enum way)draw(WAYS), offset, bytes);
			break;
		case 1:
			offset &= ~UINT64_C(3);
			bytes &= ~UINT64_C(3);
			gpu_ok(kiln_stream_fill(w.stream, w.buffer, offset, bytes, i * 0x01010101u));
			memset(w.model + offset, (int)i, bytes);
			break;
		default:
			put((enum way)draw(WAYS), offset, bytes);
		}
	}
}

static void random_transfers_agree_with_the_model(void **state)
{
	(void)state;
	GPU_NEEDS_LAUNCH();
	in_every_mode(mix);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(download_holds_the_bytes_of_its_moment),
		cmocka_unit_test(large_download_takes_no_memory_of_its_size),
		cmocka_unit_test(no_bytes_are_no_work),
		cmocka_unit_test(odd_offsets_and_sizes_touch_nothing_else),
		cmocka_unit_test(random_transfers_agree_with_the_model),
		cmocka_unit_test(transfers_around_the_size_of_a_piece_are_whole),
		cmocka_unit_test(uploads_in_flight_keep_their_bytes),
	};

	return GPU_MAIN("transfer", tests, true);
}
