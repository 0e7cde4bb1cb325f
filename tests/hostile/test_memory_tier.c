/* The memory tier on a device: its bounds from the environment, what counts how much, invalidation on both tiers, look-ups by
 * key, and SPIR-V that is the caller's only during the call. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <kiln/kiln.h>

#include "place.h"
#include "test.h"

#include "count_spv.h"
#include "saxpy_spv.h"

enum { COUNT = 300 };

static struct place place;
static struct kiln_device *device;

static void begin(const char *script)
{
	place_create(&place);
	setenv("HOSTILE", script, 1);
	setenv("HOSTILE_LOG", place.log, 1);
	setenv("KILN_CACHE_DIR", place.cache, 1);
	assert_status(kiln_device_open(NULL, &device), KILN_OK);
}

static void end(void)
{
	kiln_device_close(&device);
	assert_int_equal(place_events(&place, "misuse"), 0);
	place_remove(&place);
	unsetenv("KILN_PIPELINE_CACHE_ENTRIES");
	unsetenv("KILN_PIPELINE_CACHE_BYTES");
}

/* Of saxpy at so many threads; 0 = of count. */
static struct kiln_kernel *create(uint32_t width)
{
	const struct kiln_kernel_params saxpy = {
		.spirv = saxpy_spv,
		.spirv_bytes = sizeof(saxpy_spv),
		.workgroup = {width},
		.guarded = true,
	};
	const struct kiln_kernel_params count = {.spirv = count_spv, .spirv_bytes = sizeof(count_spv)};
	struct kiln_kernel *kernel = NULL;

	assert_status(kiln_kernel_create(device, width ? &saxpy : &count, &kernel), KILN_OK);
	return kernel;
}

static struct kiln_build resolve_held(struct kiln_kernel *kernel)
{
	struct kiln_build build;

	assert_status(kiln_kernel_resolve(kernel, &build), KILN_OK);
	return build;
}

/* By a kernel of its own. */
static enum kiln_outcome resolve(uint32_t width)
{
	struct kiln_kernel *kernel = create(width);
	enum kiln_outcome outcome = resolve_held(kernel).outcome;

	kiln_kernel_destroy(&kernel);
	return outcome;
}

static size_t words_of_saxpy(void)
{
	struct kiln_kernel *kernel = create(1);
	size_t bytes = kiln_kernel_reflection(kernel)->word_count * sizeof(uint32_t);

	kiln_kernel_destroy(&kernel);
	return bytes;
}

/* ---- Bounds ---- */

static void limit(const char *name, const char *value)
{
	setenv(name, value, 1);
}

static void limit_number(const char *name, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	limit(name, text);
}

/* Exactly so many of these pipelines fit: one more, and the first is gone. */
static void assert_room_for(uint32_t count)
{
	for (uint32_t i = 1; i <= count; i++)
		(void)resolve(i);
	for (uint32_t i = 1; i <= count; i++)
		assert_int_equal(resolve(i), KILN_OUTCOME_MEMORY);
	(void)resolve(count + 1);
	assert_int_not_equal(resolve(1), KILN_OUTCOME_MEMORY); /* takes the place of the second */
	for (uint32_t i = 3; i <= count + 1; i++)
		assert_int_equal(resolve(i), KILN_OUTCOME_MEMORY);
}

static void entries_are_bounded_by_the_environment(void **state)
{
	(void)state;
	for (uint32_t count = 1; count < 6; count += 2) {
		limit_number("KILN_PIPELINE_CACHE_ENTRIES", count);
		begin("");
		assert_room_for(count);
		end();
	}
}

static void bytes_are_counted_as_blobs(void **state)
{
	uint64_t blob;
	struct kiln_kernel *kernel;

	(void)state;
	begin("");
	kernel = create(1);
	blob = resolve_held(kernel).blob_bytes;
	kiln_kernel_destroy(&kernel);
	assert_true(blob > 32);
	end();
	for (uint64_t spare = 0; spare < blob; spare += blob - 1) {
		limit_number("KILN_PIPELINE_CACHE_BYTES", 3 * blob + spare);
		begin("");
		assert_room_for(3);
		end();
	}
}

static void stubs_are_counted_as_their_spirv(void **state)
{
	size_t words;

	(void)state;
	begin("data_header_only");
	words = words_of_saxpy();
	end();
	for (size_t spare = 0; spare < words; spare += words - 1) {
		limit_number("KILN_PIPELINE_CACHE_BYTES", 3 * words + spare);
		begin("data_header_only");
		assert_room_for(3);
		end();
	}
}

static void pipeline_without_a_blob_is_counted_as_its_spirv(void **state)
{
	size_t words;

	(void)state;
	begin("data_incomplete");
	words = words_of_saxpy();
	end();
	limit_number("KILN_PIPELINE_CACHE_BYTES", 2 * words);
	begin("data_incomplete");
	assert_room_for(2);
	end();
}

static void limits_that_are_no_positive_integers_keep_the_default(void **state)
{
	static const char *const values[] = {"0", "-1", "1.5", "1x", "x", "", " ", "99999999999999999999999"};

	(void)state;
	for (unsigned i = 0; i < sizeof(values) / sizeof(*values); i++) {
		limit("KILN_PIPELINE_CACHE_ENTRIES", values[i]);
		limit("KILN_PIPELINE_CACHE_BYTES", values[i]);
		begin("");
		for (uint32_t width = 1; width <= 256; width++)
			(void)resolve(width);
		for (uint32_t width = 1; width <= 256; width++)
			assert_int_equal(resolve(width), KILN_OUTCOME_MEMORY);
		(void)resolve(257);
		assert_int_not_equal(resolve(1), KILN_OUTCOME_MEMORY);
		end();
	}
}

static void kernel_keeps_what_is_evicted_and_frees_it_last(void **state)
{
	struct kiln_kernel *kernel;

	(void)state;
	limit("KILN_PIPELINE_CACHE_ENTRIES", "1");
	begin("");
	kernel = create(1);
	(void)resolve_held(kernel);
	(void)resolve(2);
	(void)resolve(3);
	assert_int_equal(place_events(&place, "pipeline_destroy"), 1);
	assert_int_equal(resolve_held(kernel).outcome, KILN_OUTCOME_MEMORY);
	kiln_kernel_destroy(&kernel);
	assert_int_equal(place_events(&place, "pipeline_destroy"), 2);
	end();
}

/* ---- Launches ---- */

static struct kiln_buffer *x, *y;
static float numbers[COUNT];

static void create_buffers(void)
{
	const struct kiln_buffer_params params = {.bytes = sizeof(numbers), .contents = numbers};

	for (int i = 0; i < COUNT; i++)
		numbers[i] = (float)i;
	assert_status(kiln_buffer_create(device, &params, &x), KILN_OK);
	assert_status(kiln_buffer_create(device, &params, &y), KILN_OK);
}

static void destroy_buffers(void)
{
	kiln_buffer_destroy(&x);
	kiln_buffer_destroy(&y);
}

static enum kiln_status launch(struct kiln_kernel *kernel)
{
	const struct {
		uint32_t n;
		float a;
	} push = {COUNT, 1.0f};

	return kiln_launch(kernel, &(struct kiln_launch_params){
					   .threads = {COUNT},
					   .buffers = {x, y},
					   .push = &push,
					   .push_bytes = sizeof(push),
				   });
}

static void assert_launched(unsigned times)
{
	float out[COUNT];

	assert_status(kiln_buffer_read(y, 0, out, sizeof(out)), KILN_OK);
	for (int i = 0; i < COUNT; i++)
		assert_true(out[i] == (float)(1 + times) * numbers[i]);
}

/* ---- Invalidation ---- */

static unsigned compiles(void)
{
	return place_events(&place, "compile ");
}

static struct kiln_pipeline_identity identity_of(struct kiln_kernel *kernel)
{
	struct kiln_build build;

	assert_status(kiln_kernel_describe(kernel, &build), KILN_OK);
	return build.identity;
}

static void invalidated_kernel_is_resolved_through_every_tier_again(void **state)
{
	struct kiln_kernel *kernel, *other;
	struct kiln_pipeline_identity identity;
	struct kiln_invalidated report;

	(void)state;
	begin("");
	kernel = create(1);
	other = create(2);
	(void)resolve_held(kernel);
	(void)resolve_held(other);
	identity = identity_of(kernel);
	assert_status(kiln_cache_flush(kiln_device_cache(device)), KILN_OK);
	assert_int_equal(place_entries(&place), 2);
	assert_status(kiln_device_invalidate(device, &identity, &report), KILN_OK);
	assert_int_equal(report.entries, 1);
	assert_int_equal(report.pipelines, 1);
	assert_int_equal(place_entries(&place), 1);
	assert_int_equal(resolve_held(other).outcome, KILN_OUTCOME_MEMORY);
	assert_int_equal(resolve_held(kernel).outcome, KILN_OUTCOME_COMPILED);
	assert_int_equal(resolve_held(kernel).outcome, KILN_OUTCOME_MEMORY);
	assert_int_equal(compiles(), 3);
	assert_status(kiln_device_invalidate(device, &identity, NULL), KILN_OK);
	assert_int_equal(resolve(1), KILN_OUTCOME_COMPILED); /* by another kernel of that key */
	assert_int_equal(resolve_held(kernel).outcome, KILN_OUTCOME_MEMORY);
	kiln_kernel_destroy(&kernel);
	kiln_kernel_destroy(&other);
	end();
}

static void entry_not_written_yet_is_invalidated_too(void **state)
{
	struct kiln_kernel *kernel;
	struct kiln_pipeline_identity identity;

	(void)state;
	begin("");
	kernel = create(1);
	(void)resolve_held(kernel);
	identity = identity_of(kernel);
	assert_status(kiln_device_invalidate(device, &identity, NULL), KILN_OK);
	assert_int_equal(resolve_held(kernel).outcome, KILN_OUTCOME_COMPILED);
	kiln_kernel_destroy(&kernel);
	end();
}

static void invalidation_by_program_mask_and_device_reaches_memory(void **state)
{
	static const uint8_t neither[] = {0, 0, 1}, second[] = {0, 1};
	struct kiln_kernel *saxpy[2], *count;
	struct kiln_digest programs[2];
	struct kiln_invalidated report;

	(void)state;
	begin("");
	saxpy[0] = create(1);
	saxpy[1] = create(2);
	count = create(0);
	programs[0] = identity_of(saxpy[0]).program;
	programs[1] = identity_of(count).program;
	for (int i = 0; i < 2; i++)
		(void)resolve_held(saxpy[i]);
	(void)resolve_held(count);

	assert_status(kiln_device_invalidate_program(device, &programs[0], &report), KILN_OK);
	assert_int_equal(report.pipelines, 2);
	assert_int_equal(resolve_held(count).outcome, KILN_OUTCOME_MEMORY);
	for (int i = 0; i < 2; i++)
		assert_int_equal(resolve_held(saxpy[i]).outcome, KILN_OUTCOME_COMPILED);

	assert_status(kiln_device_invalidate_mask(device, programs, 2, neither, 3, &report), KILN_OK);
	assert_int_equal(report.pipelines, 0);
	assert_status(kiln_device_invalidate_mask(device, programs, 2, second, 2, &report), KILN_OK);
	assert_int_equal(report.pipelines, 1);
	assert_int_equal(resolve_held(saxpy[0]).outcome, KILN_OUTCOME_MEMORY);
	assert_int_equal(resolve_held(count).outcome, KILN_OUTCOME_COMPILED);

	assert_status(kiln_device_invalidate_all(device, &report), KILN_OK);
	assert_int_equal(report.pipelines, 3);
	assert_int_equal(place_entries(&place), 0);
	assert_int_equal(resolve_held(saxpy[1]).outcome, KILN_OUTCOME_COMPILED);
	assert_int_equal(resolve_held(count).outcome, KILN_OUTCOME_COMPILED);
	for (int i = 0; i < 2; i++)
		kiln_kernel_destroy(&saxpy[i]);
	kiln_kernel_destroy(&count);
	end();
}

static void null_is_refused_and_no_cache_is_fine(void **state)
{
	struct kiln_digest program = {{0}};
	struct kiln_kernel *kernel;
	struct kiln_invalidated report;

	(void)state;
	begin("");
	assert_status(kiln_device_invalidate(device, NULL, NULL), KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_device_invalidate(NULL, NULL, NULL), KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_device_invalidate_program(device, NULL, NULL), KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_device_invalidate_program(NULL, &program, NULL), KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_device_invalidate_mask(device, NULL, 1, NULL, 0, NULL), KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_device_invalidate_mask(device, NULL, 0, NULL, 0, NULL), KILN_OK);
	assert_status(kiln_device_invalidate_all(NULL, NULL), KILN_ERR_INVALID_ARGUMENT);
	kiln_device_close(&device);
	assert_status(kiln_device_open(&(struct kiln_device_params){.no_cache = true}, &device), KILN_OK);
	kernel = create(1);
	(void)resolve_held(kernel);
	assert_status(kiln_device_invalidate_all(device, &report), KILN_OK);
	assert_int_equal(report.entries, 0);
	assert_int_equal(report.pipelines, 1);
	assert_int_equal(resolve_held(kernel).outcome, KILN_OUTCOME_COMPILED);
	kiln_kernel_destroy(&kernel);
	end();
}

static void memory_is_invalidated_where_the_cache_cannot_be(void **state)
{
	struct kiln_kernel *kernel;
	struct kiln_invalidated report = {0};

	(void)state;
	begin("");
	assert_int_equal(resolve(1), KILN_OUTCOME_COMPILED);
	kiln_device_close(&device);
	setenv("KILN_CACHE", "ro", 1);
	assert_status(kiln_device_open(NULL, &device), KILN_OK);
	setenv("KILN_CACHE", "rw", 1);
	kernel = create(1);
	assert_int_equal(resolve_held(kernel).outcome, KILN_OUTCOME_DISK);
	assert_status(kiln_device_invalidate_all(device, &report), KILN_ERR_READ_ONLY);
	assert_int_equal(report.pipelines, 1);
	assert_int_equal(resolve_held(kernel).outcome, KILN_OUTCOME_DISK);
	kiln_kernel_destroy(&kernel);
	end();
}

static void launch_after_invalidation_uses_a_new_pipeline(void **state)
{
	struct kiln_kernel *kernel;

	(void)state;
	begin("");
	create_buffers();
	kernel = create(64);
	assert_status(launch(kernel), KILN_OK);
	assert_int_equal(compiles(), 1);
	assert_status(kiln_device_invalidate_all(device, NULL), KILN_OK);
	assert_status(launch(kernel), KILN_OK);
	assert_int_equal(compiles(), 2);
	assert_status(launch(kernel), KILN_OK);
	assert_int_equal(compiles(), 2);
	assert_launched(3);
	kiln_kernel_destroy(&kernel);
	destroy_buffers();
	end();
}

static void launch_under_way_keeps_the_pipeline_that_is_invalidated(void **state)
{
	struct kiln_kernel *kernel;

	(void)state;
	begin("dispatch_ms=100");
	create_buffers();
	kernel = create(64);
	for (unsigned i = 0; i < 3; i++) {
		assert_status(launch(kernel), KILN_OK);
		assert_status(kiln_device_invalidate_all(device, NULL), KILN_OK);
		(void)resolve_held(kernel);
	}
	assert_int_equal(place_events(&place, "pipeline_destroy"), 0); /* recorded, or running */
	assert_launched(3);
	assert_status(kiln_device_wait(device), KILN_OK);
	assert_int_equal(place_events(&place, "pipeline_destroy"), 3);
	kiln_kernel_destroy(&kernel);
	destroy_buffers();
	end();
}

static void failed_successor_leaves_the_kernel_to_try_again(void **state)
{
	struct kiln_kernel *kernel;

	(void)state;
	begin("compile_oom_host@2");
	create_buffers();
	kernel = create(64);
	assert_status(launch(kernel), KILN_OK);
	assert_status(kiln_device_invalidate_all(device, NULL), KILN_OK);
	assert_status(launch(kernel), KILN_ERR_OUT_OF_MEMORY);
	assert_launched(1);
	assert_int_equal(resolve_held(kernel).outcome, KILN_OUTCOME_COMPILED);
	assert_status(launch(kernel), KILN_OK);
	assert_launched(2);
	kiln_kernel_destroy(&kernel);
	destroy_buffers();
	end();
}

static void *resolve_in_a_thread(void *kernel)
{
	return (void *)(uintptr_t)(kiln_kernel_resolve(kernel, NULL) != KILN_OK);
}

static void compile_under_way_is_good_for_its_caller_only(void **state)
{
	struct kiln_kernel *kernel;
	struct kiln_pipeline_identity identity;
	pthread_t thread;
	void *failed;

	(void)state;
	begin("compile_ms=200");
	kernel = create(1);
	identity = identity_of(kernel);
	assert_int_equal(pthread_create(&thread, NULL, resolve_in_a_thread, kernel), 0);
	while (compiles() == 0)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	assert_status(kiln_device_invalidate(device, &identity, NULL), KILN_OK);
	pthread_join(thread, &failed);
	assert_null(failed);
	assert_int_equal(compiles(), 1);
	assert_int_not_equal(resolve_held(kernel).outcome, KILN_OUTCOME_MEMORY);
	assert_int_equal(resolve_held(kernel).outcome, KILN_OUTCOME_MEMORY);
	kiln_kernel_destroy(&kernel);
	end();
}

/* Kernels that all threads share, and kernels of their own; pipelines are evicted, dropped and used all the while. */
enum { THREADS = 16, ROUNDS = 60, SHARED = 4 };

static struct kiln_kernel *shared[SHARED];

static enum kiln_status resolve_own(uint32_t width)
{
	const struct kiln_kernel_params params = {
		.spirv = saxpy_spv,
		.spirv_bytes = sizeof(saxpy_spv),
		.workgroup = {width},
		.guarded = true,
	};
	struct kiln_kernel *kernel = NULL;
	enum kiln_status status = kiln_kernel_create(device, &params, &kernel);

	if (status == KILN_OK)
		status = kiln_kernel_resolve(kernel, NULL);
	kiln_kernel_destroy(&kernel);
	return status;
}

static enum kiln_status invalidate_some(struct kiln_kernel *kernel, unsigned how)
{
	struct kiln_build build;

	enum kiln_status status = kiln_kernel_describe(kernel, &build);

	if (status != KILN_OK)
		return status;
	if (how % 3 == 0)
		return kiln_device_invalidate_all(device, NULL);
	if (how % 3 == 1)
		return kiln_device_invalidate_program(device, &build.identity.program, NULL);
	return kiln_device_invalidate(device, &build.identity, NULL);
}

static void *mix(void *data)
{
	unsigned number = (unsigned)(uintptr_t)data;
	uintptr_t wrong = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct kiln_kernel *kernel = shared[(i + number) % SHARED];
		struct kiln_build build;

		switch ((i * 7 + number) % 8) {
		case 0:
			wrong += invalidate_some(kernel, i) != KILN_OK;
			break;
		case 1:
			wrong += resolve_own(1 + (i + number) % 7) != KILN_OK;
			break;
		case 2:
			wrong += kiln_kernel_resolve(kernel, &build) != KILN_OK;
			break;
		case 3:
			wrong += kiln_kernel_describe(kernel, &build) != KILN_OK;
			(void)kiln_resolve_key(device, build.key, NULL);
			break;
		case 4:
			wrong += launch(kernel) != KILN_OK;
			break;
		default:
			wrong += kiln_kernel_resolve(kernel, NULL) != KILN_OK;
		}
	}
	return (void *)wrong;
}

static void threads_resolve_launch_evict_and_invalidate_at_once(void **state)
{
	pthread_t threads[THREADS];
	unsigned compiled, destroyed;

	(void)state;
	limit("KILN_PIPELINE_CACHE_ENTRIES", "3");
	begin("");
	create_buffers();
	for (unsigned i = 0; i < SHARED; i++)
		shared[i] = create(16u << i);
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, mix, (void *)i), 0);
	for (int i = 0; i < THREADS; i++) {
		void *wrong;

		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
	for (unsigned i = 0; i < SHARED; i++)
		kiln_kernel_destroy(&shared[i]);
	destroy_buffers();
	kiln_device_close(&device);
	compiled = place_events(&place, "compile ") + place_events(&place, "hit ");
	destroyed = place_events(&place, "pipeline_destroy");
	assert_true(compiled >= SHARED);
	assert_int_equal(destroyed, compiled);
	end();
}

/* ---- By full key ---- */

static void key_of_a_pipeline_in_memory_finds_its_facts(void **state)
{
	struct kiln_kernel *kernel;
	struct kiln_pipeline_facts facts;
	struct kiln_build build;

	(void)state;
	begin("");
	kernel = create(8);
	assert_status(kiln_kernel_describe(kernel, &build), KILN_OK);
	assert_status(kiln_resolve_key(device, build.key, &facts), KILN_ERR_NOT_FOUND);
	assert_non_null(strstr(kiln_error_message(), "Fix: "));
	build = resolve_held(kernel);
	assert_status(kiln_resolve_key(device, build.key, &facts), KILN_OK);
	assert_memory_equal(&facts.identity, &build.identity, sizeof(facts.identity));
	assert_int_equal(facts.blob_bytes, build.blob_bytes);
	assert_true(facts.compile_ns > 0);
	assert_false(facts.stub);
	assert_status(kiln_resolve_key(device, build.key, NULL), KILN_OK);
	assert_int_equal(kiln_device_counters(device).memory, 2);
	assert_int_equal(kiln_device_counters(device).failed, 0);
	assert_status(kiln_device_invalidate(device, &build.identity, NULL), KILN_OK);
	assert_status(kiln_resolve_key(device, build.key, &facts), KILN_ERR_NOT_FOUND);
	assert_status(kiln_resolve_key(NULL, build.key, &facts), KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_resolve_key(device, NULL, &facts), KILN_ERR_INVALID_ARGUMENT);
	kiln_kernel_destroy(&kernel);
	end();
}

static void key_in_other_words_finds_the_same_pipeline(void **state)
{
	struct kiln_kernel *kernel;
	struct kiln_pipeline_facts facts;
	struct kiln_pipeline_key key;
	struct kiln_build build;

	(void)state;
	begin("");
	kernel = create(8);
	build = resolve_held(kernel);
	key = *build.key;
	key.backend = "vulkan";
	key.key_version = KILN_PIPELINE_KEY_VERSION;
	assert_status(kiln_resolve_key(device, &key, &facts), KILN_OK);
	assert_memory_equal(&facts.identity, &build.identity, sizeof(facts.identity));
	key.workgroup[0]++;
	assert_status(kiln_resolve_key(device, &key, &facts), KILN_ERR_NOT_FOUND);
	kiln_kernel_destroy(&kernel);
	end();
}

/* ---- Whose the SPIR-V is ---- */

static struct kiln_kernel *create_from_a_copy(bool borrow)
{
	static uint32_t copy[sizeof(saxpy_spv) / sizeof(uint32_t)];
	const struct kiln_kernel_params params = {
		.spirv = copy,
		.spirv_bytes = sizeof(copy),
		.workgroup = {64},
		.guarded = true,
		.borrow = borrow,
	};
	struct kiln_kernel *kernel = NULL;

	memcpy(copy, saxpy_spv, sizeof(copy));
	assert_status(kiln_kernel_create(device, &params, &kernel), KILN_OK);
	memset(copy, 0xee, sizeof(copy));
	return kernel;
}

static void assert_works_without_the_callers_bytes(bool borrow)
{
	struct kiln_kernel *kernel, *twin;

	begin("");
	create_buffers();
	kernel = create_from_a_copy(borrow);
	twin = create_from_a_copy(borrow);
	assert_status(launch(kernel), KILN_OK);
	assert_status(launch(twin), KILN_OK);
	assert_launched(2);
	assert_int_equal(compiles(), 1); /* they are one program all the same */
	assert_status(kiln_device_invalidate_all(device, NULL), KILN_OK);
	assert_status(launch(kernel), KILN_OK);
	assert_launched(3);
	assert_string_equal(kiln_kernel_entry(kernel)->name, "saxpy");
	kiln_kernel_destroy(&kernel);
	kiln_kernel_destroy(&twin);
	destroy_buffers();
	end();
}

static void spirv_may_be_overwritten_after_create(void **state)
{
	(void)state;
	assert_works_without_the_callers_bytes(false);
}

static void borrowed_spirv_is_given_back_by_create(void **state)
{
	(void)state;
	assert_works_without_the_callers_bytes(true);
}

/* ---- Cache data that is not whole ---- */

static unsigned questions(void)
{
	return place_events(&place, "cache_data 0\n");
}

static void driver_whose_data_is_never_whole_is_not_asked_again(void **state)
{
	unsigned asked;

	(void)state;
	begin("data_incomplete");
	(void)resolve(1);
	asked = questions();
	assert_int_equal(asked, 2);
	for (uint32_t width = 2; width < 6; width++)
		(void)resolve(width);
	assert_int_equal(questions(), asked);
	assert_int_equal(kiln_device_counters(device).unkept, 5);
	assert_status(kiln_cache_flush(kiln_device_cache(device)), KILN_OK);
	assert_int_equal(place_entries(&place), 0);
	end();
}

static void data_that_grew_is_asked_for_again(void **state)
{
	(void)state;
	begin("data_grows@1");
	(void)resolve(1);
	assert_int_equal(questions(), 2);
	assert_int_equal(kiln_device_counters(device).unkept, 0);
	assert_status(kiln_cache_flush(kiln_device_cache(device)), KILN_OK);
	assert_int_equal(place_entries(&place), 1);
	end();
}

static void data_that_keeps_growing_is_given_up_after_three_questions(void **state)
{
	(void)state;
	begin("data_grows");
	(void)resolve(1);
	assert_int_equal(questions(), 3);
	(void)resolve(2); /* another object may be done growing */
	assert_int_equal(questions(), 6);
	assert_int_equal(kiln_device_counters(device).unkept, 2);
	assert_status(kiln_cache_flush(kiln_device_cache(device)), KILN_OK);
	assert_int_equal(place_entries(&place), 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(borrowed_spirv_is_given_back_by_create),
		cmocka_unit_test(bytes_are_counted_as_blobs),
		cmocka_unit_test(compile_under_way_is_good_for_its_caller_only),
		cmocka_unit_test(data_that_grew_is_asked_for_again),
		cmocka_unit_test(data_that_keeps_growing_is_given_up_after_three_questions),
		cmocka_unit_test(driver_whose_data_is_never_whole_is_not_asked_again),
		cmocka_unit_test(entries_are_bounded_by_the_environment),
		cmocka_unit_test(entry_not_written_yet_is_invalidated_too),
		cmocka_unit_test(failed_successor_leaves_the_kernel_to_try_again),
		cmocka_unit_test(invalidated_kernel_is_resolved_through_every_tier_again),
		cmocka_unit_test(invalidation_by_program_mask_and_device_reaches_memory),
		cmocka_unit_test(kernel_keeps_what_is_evicted_and_frees_it_last),
		cmocka_unit_test(key_in_other_words_finds_the_same_pipeline),
		cmocka_unit_test(key_of_a_pipeline_in_memory_finds_its_facts),
		cmocka_unit_test(launch_after_invalidation_uses_a_new_pipeline),
		cmocka_unit_test(launch_under_way_keeps_the_pipeline_that_is_invalidated),
		cmocka_unit_test(limits_that_are_no_positive_integers_keep_the_default),
		cmocka_unit_test(memory_is_invalidated_where_the_cache_cannot_be),
		cmocka_unit_test(null_is_refused_and_no_cache_is_fine),
		cmocka_unit_test(pipeline_without_a_blob_is_counted_as_its_spirv),
		cmocka_unit_test(spirv_may_be_overwritten_after_create),
		cmocka_unit_test(stubs_are_counted_as_their_spirv),
		cmocka_unit_test(threads_resolve_launch_evict_and_invalidate_at_once),
	};

	return cmocka_run_group_tests_name("hostile memory tier", tests, NULL, NULL);
}
