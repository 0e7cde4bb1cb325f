/* Buffers on a real driver, under validation: every test runs as the driver is, and again with memory made
 * worse (hidden from the host, not coherent, not cached), so that staging, flushing and slow reads are
 * covered everywhere.
 *
 * The device is the one KILN_DEVICE and the loader's environment choose. Needs the runtime's private
 * headers. */
#ifdef NDEBUG
#error "tests need assert()"
#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <base/alloc.h>
#include <base/thread.h>
#include <kiln/kiln.h>
#include <kiln/log.h>

#include "buffer.h"
#include "device.h"

#define MIB(n) ((uint64_t)(n) << 20)

static struct kiln_device *device;
static unsigned pretend;
static atomic_uint
	complaints; /* of the validation layer, those about leaks while a device goes down included */

static void on_log(void *user, enum kiln_log_level level, const char *message)
{
	if (strncmp(message, "vulkan: ", 8) == 0 && level <= KILN_LOG_WARN)
		atomic_fetch_add(&complaints, 1);
	kiln_log_stderr(user, level, message);
}

static struct kiln_device *open_device(void)
{
	struct kiln_device_params params = {
		.no_cache = true,
		.no_autotune = true,
		.validation = KILN_VALIDATION_ON,
	};
	struct kiln_device *opened = NULL;

	if (kiln_device_open(&params, &opened) != KILN_OK)
		fail_msg("no device: %s", kiln_error_message());
	opened->memory.pretend = pretend;
	return opened;
}

static int setup(void **state)
{
	(void)state;
	device = open_device();
	return 0;
}

static int teardown(void **state)
{
	uint64_t messages = kiln_device_counters(device).validation_messages;

	(void)state;
	kiln_device_close(&device);
	assert_int_equal(messages, 0);
	assert_int_equal(atomic_exchange(&complaints, 0), 0);
	return 0;
}

static void succeed(enum kiln_status status)
{
	if (status != KILN_OK)
		fail_msg("%s: %s", kiln_status_name(status), kiln_error_message());
}

/* The call failed as it should, and said what to do about it. */
static void refused(enum kiln_status status, enum kiln_status expected, const char *word)
{
	assert_int_equal(status, expected);
	if (!strstr(kiln_error_message(), word) || !strstr(kiln_error_message(), "Fix: "))
		fail_msg("no \"%s\" in: %s", word, kiln_error_message());
}

static struct kiln_buffer *make(uint64_t bytes, const void *contents, enum kiln_memory memory)
{
	struct kiln_buffer_params params = {.bytes = bytes,
	                                    .contents = contents,
	                                    .memory = memory,
	                                    .name = "test"};
	struct kiln_buffer *buffer = NULL;

	succeed(kiln_buffer_create(device, &params, &buffer));
	assert_int_equal(kiln_buffer_bytes(buffer), bytes);
	return buffer;
}

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static unsigned char *noise(uint64_t bytes, uint64_t seed)
{
	unsigned char *data = malloc(bytes + 8);

	assert_non_null(data);
	for (uint64_t i = 0; i < bytes; i += 8) {
		uint64_t word = random_next(&seed);

		memcpy(data + i, &word, 8);
	}
	return data;
}

static void assert_holds(struct kiln_buffer *buffer, const unsigned char *expected)
{
	uint64_t bytes = kiln_buffer_bytes(buffer);
	unsigned char *data = malloc(bytes);

	assert_non_null(data);
	memset(data, 0xee, bytes);
	succeed(kiln_buffer_read(buffer, 0, data, bytes));
	for (uint64_t i = 0; memcmp(data, expected, bytes) != 0 && i < bytes; i++) {
		if (data[i] != expected[i])
			fail_msg("byte %llu of %llu is %02x, not %02x", (unsigned long long)i,
			         (unsigned long long)bytes, data[i], expected[i]);
	}
	free(data);
}

static const uint64_t sizes[] = {1, 3, 4, 5, 255, 4096, 100001, (UINT64_C(20) << 20) + 13};
static const enum kiln_memory kinds[] = {KILN_MEMORY_DEVICE, KILN_MEMORY_UPLOAD, KILN_MEMORY_READBACK};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void contents_come_back(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < COUNT(sizes); i++) {
		for (uint32_t k = 0; k < COUNT(kinds); k++) {
			unsigned char *data = noise(sizes[i], 7 + i);
			struct kiln_buffer *buffer = make(sizes[i], data, kinds[k]);

			assert_holds(buffer, data);
			kiln_buffer_destroy(&buffer);
			assert_null(buffer);
			free(data);
		}
	}
}

/* also where the memory held something else before */
static void fresh_buffer_reads_as_zeroes(void **state)
{
	unsigned char *zeroes = calloc(1, sizes[COUNT(sizes) - 1]);

	(void)state;
	assert_non_null(zeroes);
	for (uint32_t i = 0; i < COUNT(sizes); i++) {
		for (uint32_t k = 0; k < COUNT(kinds); k++) {
			unsigned char *dirt = noise(sizes[i], 99 + i);
			struct kiln_buffer *buffer = make(sizes[i], dirt, kinds[k]);

			kiln_buffer_destroy(&buffer);
			buffer = make(sizes[i], NULL, kinds[k]);
			assert_holds(buffer, zeroes);
			kiln_buffer_destroy(&buffer);
			free(dirt);
		}
	}
	free(zeroes);
}

static void part_is_written_and_read(void **state)
{
	unsigned char *data = noise(100000, 5), part[1000];
	struct kiln_buffer *buffer = make(100000, data, KILN_MEMORY_DEVICE);

	(void)state;
	memset(data + 33333, 0xab, 777);
	succeed(kiln_buffer_write(buffer, 33333, data + 33333, 777));
	succeed(kiln_buffer_read(buffer, 33001, part, 1000));
	assert_memory_equal(part, data + 33001, 1000);
	succeed(kiln_buffer_read(buffer, 99999, part, 1));
	assert_int_equal(part[0], data[99999]);
	assert_holds(buffer, data);
	kiln_buffer_destroy(&buffer);
	free(data);
}

static void written_data_may_be_reused_at_once(void **state)
{
	unsigned char data[4096], expected[4096];
	struct kiln_buffer *buffer = make(sizeof(data), NULL, KILN_MEMORY_DEVICE);

	(void)state;
	memset(data, 0x11, sizeof(data));
	memcpy(expected, data, sizeof(data));
	succeed(kiln_buffer_write(buffer, 0, data, sizeof(data)));
	memset(data, 0x22, sizeof(data));
	assert_holds(buffer, expected);
	kiln_buffer_destroy(&buffer);
}

static void fill_sets_words(void **state)
{
	uint32_t expected[1024] = {0};
	struct kiln_buffer *buffer = make(sizeof(expected), NULL, KILN_MEMORY_DEVICE);

	(void)state;
	succeed(kiln_buffer_fill(buffer, 0, sizeof(expected), 0x01020304));
	succeed(kiln_buffer_fill(buffer, 400, 800, 0xdeadbeef));
	for (uint32_t i = 0; i < 1024; i++)
		expected[i] = i >= 100 && i < 300 ? 0xdeadbeef : 0x01020304;
	assert_holds(buffer, (const unsigned char *)expected);
	kiln_buffer_destroy(&buffer);
}

static void copy_moves_bytes_of_any_alignment(void **state)
{
	unsigned char *a = noise(5000, 1), *b = noise(6000, 2);
	struct kiln_buffer *source = make(5000, a, KILN_MEMORY_UPLOAD);
	struct kiln_buffer *target = make(6000, b, KILN_MEMORY_DEVICE);

	(void)state;
	succeed(kiln_buffer_copy(source, 3, target, 1001, 4001));
	memcpy(b + 1001, a + 3, 4001);
	succeed(kiln_buffer_copy(target, 0, target, 5500, 500)); /* within one buffer, apart */
	memcpy(b + 5500, b, 500);
	succeed(kiln_buffer_copy(target, 500, target, 0, 500)); /* touching is not overlapping */
	memcpy(b, b + 500, 500);
	assert_holds(target, b);
	assert_holds(source, a);
	kiln_buffer_destroy(&source);
	kiln_buffer_destroy(&target);
	free(a);
	free(b);
}

/* Everything at once against plain host memory: what is enqueued happens in order. */
static void random_operations_happen_in_order(void **state)
{
	enum { BYTES = 30000, BUFFERS = 3, STEPS = 1500 };
	static unsigned char model[BUFFERS][BYTES], scratch[BYTES];
	struct kiln_buffer *buffers[BUFFERS];
	uint64_t seed = 0xfeedface12345;

	(void)state;
	for (uint32_t i = 0; i < BUFFERS; i++) {
		memset(model[i], 0, BYTES);
		buffers[i] = make(BYTES, NULL, KILN_MEMORY_DEVICE);
	}
	for (uint32_t step = 0; step < STEPS; step++) {
		uint32_t a = random_next(&seed) % BUFFERS,
			 b = (a + 1 + random_next(&seed) % (BUFFERS - 1)) % BUFFERS;
		uint64_t bytes = 1 + random_next(&seed) % (random_next(&seed) % 2 ? 200 : BYTES);
		uint64_t at = random_next(&seed) % (BYTES - bytes + 1),
			 from = random_next(&seed) % (BYTES - bytes + 1);

		switch (random_next(&seed) % 8) {
		case 0:
		case 1:
		case 2:
			for (uint64_t i = 0; i < bytes; i++)
				scratch[i] = (unsigned char)(step + i);
			succeed(kiln_buffer_write(buffers[a], at, scratch, bytes));
			memcpy(model[a] + at, scratch, bytes);
			break;
		case 3:
		case 4:
			succeed(kiln_buffer_copy(buffers[b], from, buffers[a], at, bytes));
			memcpy(model[a] + at, model[b] + from, bytes);
			break;
		case 5:
		case 6:
			at &= ~UINT64_C(3);
			bytes &= ~UINT64_C(3);
			succeed(kiln_buffer_fill(buffers[a], at, bytes, (step & 0xff) * 0x01010101u));
			memset(model[a] + at, (int)(step & 0xff), bytes);
			break;
		default:
			succeed(kiln_buffer_read(buffers[a], at, scratch, bytes));
			assert_memory_equal(scratch, model[a] + at, bytes);
		}
	}
	for (uint32_t i = 0; i < BUFFERS; i++) {
		assert_holds(buffers[i], model[i]);
		kiln_buffer_destroy(&buffers[i]);
	}
}

static void staging_stays_small(void **state)
{
	uint64_t bytes = MIB(40) + 1;
	unsigned char *data = noise(bytes, 3);
	struct kiln_buffer *buffer = make(bytes, data, KILN_MEMORY_DEVICE);

	(void)state;
	assert_holds(buffer, data);
	memset(data + 1, 0x5a, bytes - 2);
	succeed(kiln_buffer_write(buffer, 1, data + 1, bytes - 2));
	assert_holds(buffer, data);
	for (uint32_t i = 0; i < 2; i++) {
		struct kiln_buffer *up = device->stream.staging.upload.buffers[i];
		struct kiln_buffer *down = device->stream.staging.readback.buffers[i];

		/* used when the host cannot reach the memory, and only then */
		assert_true((up != NULL) == (buffer->memory.data == NULL));
		assert_true((down != NULL) == (buffer->memory.data == NULL || !buffer->memory.cached));
		assert_true(!up || up->bytes <= MIB(8));
		assert_true(!down || down->bytes <= MIB(8));
	}
	kiln_buffer_destroy(&buffer);
	free(data);
}

static void mapped_buffer_is_shared_with_the_device(void **state)
{
	(void)state;
	for (uint32_t k = 1; k < COUNT(kinds); k++) {
		struct kiln_buffer *buffer = make(4096, NULL, kinds[k]);
		struct kiln_buffer *copy = make(4096, NULL, KILN_MEMORY_DEVICE);
		unsigned char expected[4096];
		void *data = NULL;

		succeed(kiln_buffer_fill(buffer, 0, 4096, 0x77777777));
		succeed(kiln_buffer_map(buffer, &data));
		memset(expected, 0x77, sizeof(expected));
		assert_memory_equal(data, expected, sizeof(expected));
		memset(data, 0x33, 100);
		memset(expected, 0x33, 100);
		kiln_buffer_unmap(buffer);
		kiln_buffer_unmap(buffer); /* nothing */
		succeed(kiln_buffer_copy(buffer, 0, copy, 0, 4096));
		assert_holds(copy, expected);
		kiln_buffer_destroy(&buffer);
		kiln_buffer_destroy(&copy);
	}
	kiln_buffer_unmap(NULL);
}

static void memory_hidden_from_the_host_cannot_be_mapped(void **state)
{
	struct kiln_buffer *buffer = make(64, NULL, KILN_MEMORY_DEVICE);
	void *data = &buffer;

	(void)state;
	if (buffer->memory.data) {
		succeed(kiln_buffer_map(buffer, &data));
		assert_ptr_equal(data, buffer->memory.data);
		kiln_buffer_unmap(buffer);
	} else {
		refused(kiln_buffer_map(buffer, &data), KILN_ERR_UNSUPPORTED, "cannot see");
		assert_ptr_equal(data, &buffer);
	}
	kiln_buffer_destroy(&buffer);
}

static void buffer_destroyed_in_flight_is_still_read_by_the_device(void **state)
{
	unsigned char *data = noise(MIB(1), 8);
	struct kiln_buffer *target = make(MIB(1), NULL, KILN_MEMORY_DEVICE);

	(void)state;
	for (uint32_t i = 0; i < 20; i++) {
		struct kiln_buffer *source = make(MIB(1), data, KILN_MEMORY_UPLOAD);

		succeed(kiln_buffer_copy(source, 0, target, 0, MIB(1)));
		kiln_buffer_destroy(&source);
	}
	assert_holds(target, data);
	kiln_buffer_destroy(&target);
	free(data);
}

static void destroyed_memory_is_used_again(void **state)
{
	struct kiln_buffer *buffer;
	uint32_t allocations = 0;

	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		buffer = make(MIB(2), NULL, KILN_MEMORY_DEVICE);
		succeed(kiln_buffer_fill(buffer, 0, MIB(2), i));
		kiln_buffer_destroy(&buffer);
		succeed(kiln_device_wait(device));
		if (i == 10)
			allocations = device->memory.allocation_count;
	}
	assert_int_equal(device->memory.allocation_count, allocations);
}

static void read_only_binds_kernels_not_the_host(void **state)
{
	struct kiln_buffer_params params = {.bytes = 16, .read_only = true};
	struct kiln_buffer *buffer = NULL;
	unsigned char expected[16];

	(void)state;
	succeed(kiln_buffer_create(device, &params, &buffer));
	succeed(kiln_buffer_fill(buffer, 0, 16, 0x09090909));
	memset(expected, 9, sizeof(expected));
	assert_holds(buffer, expected);
	memset(expected, 4, sizeof(expected));
	succeed(kiln_buffer_write(buffer, 0, expected, 16));
	assert_holds(buffer, expected);
	kiln_buffer_destroy(&buffer);
}

static void nothing_is_nothing(void **state)
{
	struct kiln_buffer *buffer = make(16, NULL, KILN_MEMORY_DEVICE), *none = NULL;

	(void)state;
	succeed(kiln_buffer_read(buffer, 16, NULL, 0));
	succeed(kiln_buffer_write(buffer, 16, NULL, 0));
	succeed(kiln_buffer_fill(buffer, 16, 0, 1));
	succeed(kiln_buffer_copy(buffer, 0, buffer, 0, 0));
	assert_int_equal(kiln_device_counters(device).submits, 0);
	kiln_buffer_destroy(&none);
	kiln_buffer_destroy(NULL);
	assert_int_equal(kiln_buffer_bytes(NULL), 0);
	kiln_buffer_destroy(&buffer);
}

static void two_devices_do_not_mix(void **state)
{
	struct kiln_device *first = device, *second = open_device();
	struct kiln_buffer *a = make(16, NULL, KILN_MEMORY_DEVICE), *b;

	(void)state;
	device = second;
	b = make(16, NULL, KILN_MEMORY_DEVICE);
	refused(kiln_buffer_copy(a, 0, b, 0, 16), KILN_ERR_FOREIGN_OBJECT, "another device");
	kiln_buffer_destroy(&b);
	device = first;
	assert_int_equal(kiln_device_counters(second).validation_messages, 0);
	kiln_device_close(&second);
	kiln_buffer_destroy(&a);
}

static void buffer_keeps_its_device_alive(void **state)
{
	unsigned char *data = noise(100000, 4);
	struct kiln_device *second = open_device(), *first = device;
	struct kiln_buffer *buffer;

	(void)state;
	device = second;
	buffer = make(100000, data, KILN_MEMORY_DEVICE);
	device = first;
	kiln_device_close(&second);
	assert_null(second);
	assert_holds(buffer, data);
	succeed(kiln_buffer_fill(buffer, 0, 100000, 1)); /* still in flight when the last reference goes */
	kiln_buffer_destroy(&buffer);
	free(data);
}

struct worker {
	struct kiln_thread thread;
	uint64_t seed;
	bool right;
};

static void *churn(void *user)
{
	struct worker *worker = user;
	unsigned char *data = noise(50000, worker->seed), *back = malloc(50000);
	struct kiln_buffer_params params = {.contents = data};
	uint64_t seed = worker->seed;

	worker->right = back != NULL;
	for (uint32_t i = 0; i < 100 && worker->right; i++) {
		struct kiln_buffer *a = NULL, *b = NULL;

		params.bytes = 1 + random_next(&seed) % 50000;
		params.memory = kinds[i % 3];
		worker->right =
			kiln_buffer_create(device, &params, &a) == KILN_OK &&
			kiln_buffer_create(device, &(struct kiln_buffer_params){.bytes = params.bytes}, &b) ==
				KILN_OK &&
			kiln_buffer_copy(a, 0, b, 0, params.bytes) == KILN_OK &&
			kiln_buffer_read(b, 0, back, params.bytes) == KILN_OK &&
			memcmp(back, data, params.bytes) == 0;
		kiln_buffer_destroy(&a);
		kiln_buffer_destroy(&b);
	}
	free(data);
	free(back);
	return NULL;
}

static void threads_share_a_device(void **state)
{
	struct worker workers[4];

	(void)state;
	for (uint32_t i = 0; i < COUNT(workers); i++) {
		workers[i].seed = 1000 + i;
		succeed(kiln_thread_start(&workers[i].thread, churn, &workers[i]));
	}
	for (uint32_t i = 0; i < COUNT(workers); i++)
		kiln_thread_join(&workers[i].thread);
	for (uint32_t i = 0; i < COUNT(workers); i++)
		assert_true(workers[i].right);
}

static int allow_some(void *user)
{
	uint32_t *left = user;

	return *left ? (int)(*left)-- : 0;
}

/* Fails the first, second, third ... host allocation until everything succeeds. */
static void every_failed_host_allocation_is_survived(void **state)
{
	unsigned char data[300], back[300];
	bool done = false;

	(void)state;
	memset(data, 0x42, sizeof(data));
	for (uint32_t allowed = 0; !done; allowed++) {
		struct kiln_buffer_params params = {.bytes = sizeof(data), .contents = data};
		struct kiln_buffer *buffer = NULL;
		uint32_t left = allowed;
		enum kiln_status status;

		kiln_alloc_hook(allow_some, &left);
		status = kiln_buffer_create(device, &params, &buffer);
		if (status == KILN_OK)
			status = kiln_buffer_read(buffer, 0, back, sizeof(back));
		kiln_alloc_hook(NULL, NULL);
		if (status != KILN_OK)
			assert_int_equal(status, KILN_ERR_OUT_OF_MEMORY);
		else
			assert_memory_equal(back, data, sizeof(data));
		done = status == KILN_OK;
		kiln_buffer_destroy(&buffer);
		assert_true(allowed < 100);
	}
}

/* The loss itself is invented; what matters is that everything says so, and that nothing in flight is
 * forgotten. */
static void lost_device_is_reported_by_every_call(void **state)
{
	struct kiln_buffer_params params = {.bytes = 16};
	struct kiln_buffer *a = make(MIB(1), NULL, KILN_MEMORY_UPLOAD),
			   *b = make(MIB(1), NULL, KILN_MEMORY_DEVICE);
	struct kiln_buffer *none = NULL;
	unsigned char data[16];
	void *mapped = NULL;

	(void)state;
	succeed(kiln_buffer_copy(a, 0, b, 0, MIB(1)));
	atomic_store(&device->lost, KILN_ERR_DEVICE_LOST);
	refused(kiln_buffer_create(device, &params, &none), KILN_ERR_DEVICE_LOST, "lost");
	refused(kiln_buffer_read(b, 0, data, 16), KILN_ERR_DEVICE_LOST, "lost");
	refused(kiln_buffer_write(b, 0, data, 16), KILN_ERR_DEVICE_LOST, "lost");
	refused(kiln_buffer_fill(b, 0, 16, 1), KILN_ERR_DEVICE_LOST, "lost");
	refused(kiln_buffer_copy(a, 0, b, 0, 16), KILN_ERR_DEVICE_LOST, "lost");
	refused(kiln_buffer_map(a, &mapped), KILN_ERR_DEVICE_LOST, "lost");
	assert_null(none);
	kiln_buffer_destroy(&a);
	kiln_buffer_destroy(&b);
}

#ifndef KILN_DEBUG_ABORT
static void create_refuses_bad_arguments(void **state)
{
	struct kiln_buffer_params params = {.bytes = 16, .name = "victim"};
	struct kiln_buffer *buffer = NULL;

	(void)state;
	refused(kiln_buffer_create(NULL, &params, &buffer), KILN_ERR_INVALID_ARGUMENT, "device is NULL");
	refused(kiln_buffer_create(device, NULL, &buffer), KILN_ERR_INVALID_ARGUMENT, "parameters are NULL");
	refused(kiln_buffer_create(device, &params, NULL), KILN_ERR_INVALID_ARGUMENT, "out_buffer is NULL");
	params.bytes = 0;
	refused(kiln_buffer_create(device, &params, &buffer), KILN_ERR_INVALID_ARGUMENT, ".bytes is 0");
	params.bytes = 16;
	params.memory = 3;
	refused(kiln_buffer_create(device, &params, &buffer), KILN_ERR_INVALID_ARGUMENT, ".memory is 3");
	params.memory = KILN_MEMORY_DEVICE;
	assert_null(buffer);
}

static void ranges_are_checked_without_overflow(void **state)
{
	unsigned char data[32] = {0};
	struct kiln_buffer *buffer = make(16, NULL, KILN_MEMORY_DEVICE),
			   *other = make(32, NULL, KILN_MEMORY_DEVICE);
	const uint64_t bad[][2] = {{0, 17},        {16, 1},         {17, 0},
	                           {15, 2},        {UINT64_MAX, 1}, {UINT64_MAX - 3, 8},
	                           {4, UINT64_MAX}};

	(void)state;
	for (uint32_t i = 0; i < COUNT(bad); i++) {
		uint64_t at = bad[i][0], bytes = bad[i][1];

		refused(kiln_buffer_read(buffer, at, data, bytes), KILN_ERR_INVALID_ARGUMENT, "reach beyond");
		refused(kiln_buffer_write(buffer, at, data, bytes), KILN_ERR_INVALID_ARGUMENT,
		        "reach beyond");
		refused(kiln_buffer_fill(buffer, at, bytes, 0), KILN_ERR_INVALID_ARGUMENT, "reach beyond");
		refused(kiln_buffer_copy(buffer, at, other, 0, bytes), KILN_ERR_INVALID_ARGUMENT,
		        "reach beyond");
		refused(kiln_buffer_copy(other, 0, buffer, at, bytes), KILN_ERR_INVALID_ARGUMENT,
		        "reach beyond");
	}
	refused(kiln_buffer_copy(buffer, 9, other, 0, 8), KILN_ERR_INVALID_ARGUMENT,
	        "kiln_buffer_copy, source");
	refused(kiln_buffer_copy(other, 0, buffer, 9, 8), KILN_ERR_INVALID_ARGUMENT,
	        "kiln_buffer_copy, target");
	assert_holds(buffer, data);
	kiln_buffer_destroy(&buffer);
	kiln_buffer_destroy(&other);
}

static void each_mistake_has_its_own_sentence(void **state)
{
	struct kiln_buffer *buffer = make(64, NULL, KILN_MEMORY_DEVICE);
	unsigned char data[64] = {0};

	(void)state;
	refused(kiln_buffer_read(NULL, 0, data, 1), KILN_ERR_INVALID_ARGUMENT,
	        "kiln_buffer_read: the buffer is NULL");
	refused(kiln_buffer_write(NULL, 0, data, 1), KILN_ERR_INVALID_ARGUMENT,
	        "kiln_buffer_write: the buffer is NULL");
	refused(kiln_buffer_fill(NULL, 0, 4, 1), KILN_ERR_INVALID_ARGUMENT,
	        "kiln_buffer_fill: the buffer is NULL");
	refused(kiln_buffer_copy(NULL, 0, buffer, 0, 4), KILN_ERR_INVALID_ARGUMENT,
	        "source: the buffer is NULL");
	refused(kiln_buffer_copy(buffer, 0, NULL, 0, 4), KILN_ERR_INVALID_ARGUMENT,
	        "target: the buffer is NULL");
	refused(kiln_buffer_map(NULL, (void **)&buffer), KILN_ERR_INVALID_ARGUMENT,
	        "kiln_buffer_map: the buffer is NULL");
	refused(kiln_buffer_map(buffer, NULL), KILN_ERR_INVALID_ARGUMENT, "out_data is NULL");
	refused(kiln_buffer_read(buffer, 0, NULL, 1), KILN_ERR_INVALID_ARGUMENT, "out_data is NULL");
	refused(kiln_buffer_write(buffer, 0, NULL, 1), KILN_ERR_INVALID_ARGUMENT, "data is NULL");
	refused(kiln_buffer_fill(buffer, 2, 4, 1), KILN_ERR_INVALID_ARGUMENT, "offset 2");
	refused(kiln_buffer_fill(buffer, 4, 6, 1), KILN_ERR_INVALID_ARGUMENT, "6 bytes");
	refused(kiln_buffer_copy(buffer, 0, buffer, 8, 16), KILN_ERR_INVALID_ARGUMENT, "overlap");
	refused(kiln_buffer_copy(buffer, 8, buffer, 8, 1), KILN_ERR_INVALID_ARGUMENT, "overlap");
	assert_holds(buffer, data);
	kiln_buffer_destroy(&buffer);
}
#endif

static void too_large_is_said_before_anything_is_tried(void **state)
{
	struct kiln_buffer_params params = {.bytes = UINT64_MAX, .name = "giant"};
	struct kiln_buffer *buffer = NULL;

	(void)state;
	refused(kiln_buffer_create(device, &params, &buffer), KILN_ERR_TOO_LARGE, "\"giant\"");
	params.bytes = device->memory.max_bytes + 1;
	refused(kiln_buffer_create(device, &params, &buffer), KILN_ERR_TOO_LARGE, "limit");
	assert_null(buffer);
}

static void long_name_is_cut(void **state)
{
	struct kiln_buffer_params params = {.bytes = 16};
	struct kiln_buffer *buffer = NULL;
	char name[200];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	params.name = name;
	succeed(kiln_buffer_create(device, &params, &buffer));
	assert_int_equal(strlen(buffer->name), sizeof(buffer->name) - 1);
	kiln_buffer_destroy(&buffer);
}

static void compile_only_device_says_so(void **state)
{
	struct kiln_buffer_params params = {.bytes = 16};
	struct kiln_buffer *buffer = NULL;

	(void)state;
	refused(kiln_buffer_create(device, &params, &buffer), KILN_ERR_COMPILE_ONLY, "compile");
	assert_null(buffer);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static int run_as(const char *name, unsigned mode)
{
	const struct CMUnitTest tests[] = {
		CASE(buffer_destroyed_in_flight_is_still_read_by_the_device),
		CASE(buffer_keeps_its_device_alive),
		CASE(contents_come_back),
		CASE(copy_moves_bytes_of_any_alignment),
#ifndef KILN_DEBUG_ABORT
		CASE(create_refuses_bad_arguments),
		CASE(each_mistake_has_its_own_sentence),
		CASE(ranges_are_checked_without_overflow),
#endif
		CASE(destroyed_memory_is_used_again),
		CASE(every_failed_host_allocation_is_survived),
		CASE(fill_sets_words),
		CASE(fresh_buffer_reads_as_zeroes),
		CASE(long_name_is_cut),
		CASE(lost_device_is_reported_by_every_call),
		CASE(mapped_buffer_is_shared_with_the_device),
		CASE(memory_hidden_from_the_host_cannot_be_mapped),
		CASE(nothing_is_nothing),
		CASE(part_is_written_and_read),
		CASE(random_operations_happen_in_order),
		CASE(read_only_binds_kernels_not_the_host),
		CASE(staging_stays_small),
		CASE(threads_share_a_device),
		CASE(too_large_is_said_before_anything_is_tried),
		CASE(two_devices_do_not_mix),
		CASE(written_data_may_be_reused_at_once),
	};

	pretend = mode;
	return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

static int run_compile_only(void)
{
	const struct CMUnitTest tests[] = {
		CASE(compile_only_device_says_so),
	};

	printf("SKIP 24 tests, four times each: the device can only compile\n");
	return cmocka_run_group_tests_name("buffer (compile-only device)", tests, NULL, NULL);
}

int main(void)
{
	struct kiln_device_params params = {.no_cache = true, .no_autotune = true};
	enum kiln_status status = kiln_device_open(&params, &device);
	bool can_launch;

	kiln_log_set(on_log, NULL, KILN_LOG_WARN);
	if (status != KILN_OK) {
		printf("SKIP everything: %s\n", kiln_error_message());
		return status == KILN_ERR_NO_LOADER || status == KILN_ERR_NO_DRIVER ? 77 : 1;
	}
	can_launch = kiln_device_info(device)->can_launch;
	printf("device: %s\n", kiln_device_info(device)->name);
	kiln_device_close(&device);
	if (!can_launch)
		return run_compile_only();
	return run_as("buffer", 0) +
	       run_as("buffer (memory hidden from the host)", KILN_PRETEND_NOT_VISIBLE) +
	       run_as("buffer (memory not coherent)", KILN_PRETEND_NOT_COHERENT) +
	       run_as("buffer (memory not coherent, slow to read)",
	              KILN_PRETEND_NOT_COHERENT | KILN_PRETEND_NOT_CACHED);
}
