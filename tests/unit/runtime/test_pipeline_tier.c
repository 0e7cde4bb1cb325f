/* The memory tier without Vulkan: its pipelines are empty, and a device that is only its tables counts when one is destroyed. */
#include "test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/error.h>

#include "device.h"
#include "pipeline.h"
#include "pipeline_key.h"

static struct kiln_device device;
static atomic_uint destroyed;

static VKAPI_ATTR void VKAPI_CALL count_destroyed(VkDevice vk, VkPipeline pipeline,
                                                  const VkAllocationCallbacks *allocator)
{
	(void)vk;
	(void)pipeline;
	(void)allocator;
	atomic_fetch_add(&destroyed, 1);
}

static void begin(uint64_t max_entries, uint64_t max_bytes)
{
	memset(&device, 0, sizeof(device));
	atomic_store(&destroyed, 0);
	device.vk.vkDestroyPipeline = count_destroyed;
	assert_status(kiln_streams_init(&device), KILN_OK);
	assert_status(kiln_pipeline_tier_init(&device.pipelines, max_entries, max_bytes), KILN_OK);
}

/* Every pipeline is destroyed in the end. */
static void end(unsigned built)
{
	kiln_pipeline_tier_finish(&device.pipelines);
	assert_null(device.pipelines.alive);
	assert_int_equal(atomic_load(&destroyed), built);
	kiln_streams_finish(&device);
}

/* ---- Pipelines by number; the thousands are their program ---- */

static struct kiln_pipeline_key key_of(unsigned number)
{
	struct kiln_pipeline_key key = {.entry = "main", .workgroup = {number % 1000 + 1, 1, 1}};

	memcpy(key.program.bytes, &(unsigned){number / 1000}, sizeof(unsigned));
	return key;
}

static struct kiln_pipeline_identity identity_of(unsigned number)
{
	struct kiln_pipeline_identity identity = {.program = key_of(number).program};

	memcpy(identity.digest.bytes, &number, sizeof(number));
	return identity;
}

static struct kiln_pipeline *make(unsigned number, size_t weight)
{
	struct kiln_pipeline_key key = key_of(number);
	struct kiln_pipeline *pipeline = kiln_alloc_zero(1, sizeof(*pipeline));

	atomic_init(&pipeline->references, 1);
	pipeline->device = &device;
	pipeline->identity = identity_of(number);
	pipeline->handle = (VkPipeline)(uintptr_t)1;
	pipeline->key = kiln_key_copy(&key);
	pipeline->key_hash = kiln_key_hash(&key);
	pipeline->weight = weight;
	return pipeline;
}

static struct kiln_pipeline *acquire(unsigned number, struct kiln_tier_build *build,
                                     struct kiln_pipeline_identity *identity)
{
	struct kiln_pipeline_key key = key_of(number);

	*identity = identity_of(number);
	return kiln_pipeline_tier_acquire(&device.pipelines, &key, identity, build);
}

/* The caller has a reference. */
static struct kiln_pipeline *build(unsigned number, size_t weight)
{
	struct kiln_pipeline *pipeline = make(number, weight);
	struct kiln_pipeline_identity identity;
	struct kiln_tier_build job;

	assert_null(acquire(number, &job, &identity));
	kiln_pipeline_tier_publish(&device.pipelines, &job, pipeline);
	return pipeline;
}

static void put(unsigned number, size_t weight)
{
	kiln_pipeline_unreference(build(number, weight));
}

/* A hit counts as a use. */
static bool use(unsigned number)
{
	struct kiln_pipeline_key key = key_of(number);
	struct kiln_pipeline_identity identity = identity_of(number);
	struct kiln_pipeline *pipeline = kiln_pipeline_tier_find(&device.pipelines, &key, &identity);

	if (pipeline)
		assert_int_equal(memcmp(&pipeline->identity, &identity, sizeof(identity)), 0);
	kiln_pipeline_unreference(pipeline);
	return pipeline != NULL;
}

/* Without using it. */
static bool has(unsigned number)
{
	struct kiln_pipeline_identity identity = identity_of(number);

	return kiln_table_get(&device.pipelines.table, &identity.digest) != NULL;
}

static bool never(const void *user, const struct kiln_pipeline_identity *identity)
{
	(void)user;
	(void)identity;
	return false;
}

static bool is_program(const void *user, const struct kiln_pipeline_identity *identity)
{
	return memcmp(user, identity->program.bytes, sizeof(unsigned)) == 0;
}

static size_t drop_program(unsigned program)
{
	return kiln_pipeline_tier_drop(&device.pipelines, is_program, &program);
}

/* ---- Bounds ---- */

static void least_recently_used_goes_first(void **state)
{
	(void)state;
	begin(3, UINT64_MAX);
	put(1, 1);
	put(2, 1);
	put(3, 1);
	assert_true(use(1));
	put(4, 1);
	assert_false(has(2));
	assert_true(use(3));
	put(5, 1);
	assert_false(has(1));
	assert_true(has(3) && has(4) && has(5));
	put(6, 1);
	assert_false(has(4));
	assert_true(has(3) && has(5) && has(6));
	assert_int_equal(atomic_load(&destroyed), 3);
	end(6);
}

static void uses_since_the_last_insertion_have_an_order(void **state)
{
	(void)state;
	begin(4, UINT64_MAX);
	for (unsigned i = 1; i <= 4; i++)
		put(i, 1);
	assert_true(use(4) && use(2) && use(1) && use(3));
	put(5, 1);
	assert_false(has(4));
	put(6, 1);
	assert_false(has(2));
	put(7, 1);
	assert_false(has(1));
	put(8, 1);
	assert_false(has(3));
	end(8);
}

/* Against a list that is simply kept in order. Of the uses in one epoch the first counts, so each gets an epoch of its own. */
static void order_of_eviction_is_that_of_a_plain_list(void **state)
{
	enum { BOUND = 7, KEYS = 12, STEPS = 4000 };
	unsigned order[BOUND + 1], count = 0, built = 0, seed = (unsigned)kiln_now_ns();

	(void)state;
	print_message("seed %u\n", seed);
	srand(seed);
	begin(BOUND, UINT64_MAX);
	for (int step = 0; step < STEPS; step++) {
		unsigned number = (unsigned)rand() % KEYS, at = 0;

		while (at < count && order[at] != number)
			at++;
		(void)kiln_pipeline_tier_drop(&device.pipelines, never, NULL);
		assert_int_equal(use(number), at < count);
		if (at == count) {
			put(number, 1);
			built++;
			at = count < BOUND ? count++ : BOUND - 1;
		}
		memmove(order + 1, order, at * sizeof(*order));
		order[0] = number;
		for (unsigned i = 0; i < count; i++)
			assert_true(has(order[i]));
		assert_int_equal(device.pipelines.table.count, count);
	}
	end(built);
}

static void bytes_are_bounded_like_entries(void **state)
{
	(void)state;
	begin(100, 1000);
	put(1, 400);
	put(2, 400);
	put(3, 200);
	assert_true(has(1) && has(2) && has(3));
	put(4, 1);
	assert_false(has(1));
	assert_int_equal(device.pipelines.bytes, 601);
	put(5, 900);
	assert_true(has(4) && has(5));
	assert_false(has(2) || has(3));
	assert_int_equal(device.pipelines.bytes, 901);
	end(5);
}

static void pipeline_over_the_bound_is_not_kept_and_costs_nobody_his_place(void **state)
{
	struct kiln_pipeline *large;

	(void)state;
	begin(100, 1000);
	put(1, 500);
	large = build(2, 1001);
	assert_true(has(1));
	assert_false(has(2));
	assert_int_equal(device.pipelines.bytes, 500);
	assert_int_equal(atomic_load(&destroyed), 0);
	kiln_pipeline_unreference(large);
	assert_int_equal(atomic_load(&destroyed), 1);
	put(3, 1000);
	assert_true(has(3));
	end(3);
}

static void more_pipelines_than_places_in_front_are_all_found(void **state)
{
	enum { COUNT = 20000 }; /* of 16384 places */

	(void)state;
	begin(COUNT, UINT64_MAX);
	for (unsigned i = 0; i < COUNT; i++)
		put(i, 1);
	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned i = 0; i < COUNT; i++)
			assert_true(use(i));
	end(COUNT);
}

/* ---- In use ---- */

static void pipeline_in_use_is_destroyed_by_its_last_user(void **state)
{
	struct kiln_pipeline *held, *twice;

	(void)state;
	begin(1, UINT64_MAX);
	held = build(1, 1);
	twice = held;
	kiln_pipeline_reference(twice);
	put(2, 1);
	assert_false(has(1));
	assert_int_equal(atomic_load(&destroyed), 0);
	kiln_pipeline_unreference(held);
	assert_int_equal(atomic_load(&destroyed), 0);
	kiln_pipeline_unreference(twice);
	assert_int_equal(atomic_load(&destroyed), 1);
	end(2);
}

static void pipeline_of_a_submission_is_destroyed_after_it(void **state)
{
	(void)state;
	begin(1, UINT64_MAX);
	put(1, 1);
	atomic_store(&device.stream.oldest, 0); /* began before anything was retired, and is not done */
	put(2, 1);
	put(3, 1);
	assert_int_equal(atomic_load(&destroyed), 0);
	atomic_store(&device.stream.oldest, 1); /* began after the first was retired */
	put(4, 1);
	assert_int_equal(atomic_load(&destroyed), 1);
	atomic_store(&device.stream.oldest, UINT64_MAX);
	put(5, 1);
	assert_int_equal(atomic_load(&destroyed), 4);
	end(5);
}

static void *put_another(void *data)
{
	(void)data;
	put(2, 1);
	return NULL;
}

static void pipeline_being_read_is_destroyed_after_the_reader_left(void **state)
{
	struct kiln_pipeline_key key = key_of(1);
	const struct kiln_pipeline *seen;
	struct kiln_tier_reader reader;
	pthread_t thread;

	(void)state;
	begin(1, UINT64_MAX);
	put(1, 1);
	seen = kiln_pipeline_tier_look(&device.pipelines, &key, &reader);
	assert_non_null(seen);
	pthread_create(&thread, NULL, put_another, NULL);
	nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
	assert_int_equal(atomic_load(&destroyed), 0);
	assert_int_equal(seen->weight, 1);
	kiln_tier_leave(reader);
	pthread_join(thread, NULL);
	assert_int_equal(atomic_load(&destroyed), 1);
	assert_null(kiln_pipeline_tier_look(&device.pipelines, &key, &reader));
	end(2);
}

/* ---- Builds ---- */

enum { WAITERS = 8 };

static atomic_uint builders, joined;

static void *acquire_one(void *data)
{
	const bool *fails = data;
	struct kiln_pipeline_identity identity;
	struct kiln_tier_build job;
	struct kiln_pipeline *pipeline = acquire(1, &job, &identity);

	if (!pipeline) {
		unsigned before = atomic_fetch_add(&builders, 1);

		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
		if (*fails && before < 3) {
			kiln_pipeline_tier_abandon(&device.pipelines, &job);
			return NULL;
		}
		pipeline = make(1, 1);
		kiln_pipeline_tier_publish(&device.pipelines, &job, pipeline);
	} else {
		atomic_fetch_add(&joined, 1);
	}
	kiln_pipeline_unreference(pipeline);
	return NULL;
}

static void assert_joins(bool fails, unsigned expected_builders)
{
	pthread_t threads[WAITERS];

	begin(4, UINT64_MAX);
	atomic_store(&builders, 0);
	atomic_store(&joined, 0);
	for (int i = 0; i < WAITERS; i++)
		pthread_create(&threads[i], NULL, acquire_one, &fails);
	for (int i = 0; i < WAITERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&builders), expected_builders);
	assert_int_equal(atomic_load(&joined), WAITERS - expected_builders);
	assert_null(device.pipelines.builds);
	end(1);
}

static void builds_of_one_key_are_joined(void **state)
{
	(void)state;
	assert_joins(false, 1);
}

static void failed_build_leaves_nothing_and_is_taken_over(void **state)
{
	(void)state;
	assert_joins(true, 4);
}

static void build_that_failed_leaves_nothing(void **state)
{
	struct kiln_pipeline_identity identity;
	struct kiln_cache_evidence evidence = {0};
	struct kiln_tier_build job;

	(void)state;
	begin(4, UINT64_MAX);
	assert_null(acquire(1, &job, &identity));
	kiln_pipeline_tier_abandon(&device.pipelines, &job);
	kiln_pipeline_tier_evidence(&device.pipelines, &identity, &evidence);
	assert_int_equal(evidence.total_entries, 0);
	assert_int_equal(device.pipelines.bytes, 0);
	assert_null(device.pipelines.builds);
	assert_false(use(1));
	end(0);
}

/* Memory adds what it has to what the disk knows. */
static void pipelines_in_memory_are_evidence_too(void **state)
{
	struct kiln_pipeline_identity same = identity_of(1003), other = identity_of(3000);
	struct kiln_cache_evidence evidence = {.total_entries = 1};

	(void)state;
	begin(4, UINT64_MAX);
	put(1001, 1);
	put(1002, 1);
	put(2001, 1);
	kiln_pipeline_tier_evidence(&device.pipelines, &same, &evidence);
	assert_int_equal(evidence.total_entries, 4);
	assert_int_equal(evidence.same_program, 2);
	assert_int_equal(evidence.same_program_policy, 2); /* these identities all have the same */
	evidence = (struct kiln_cache_evidence){0};
	same.policy.bytes[0] = 1;
	kiln_pipeline_tier_evidence(&device.pipelines, &same, &evidence);
	assert_int_equal(evidence.same_program, 2);
	assert_int_equal(evidence.same_program_policy, 0);
	evidence = (struct kiln_cache_evidence){0};
	kiln_pipeline_tier_evidence(&device.pipelines, &other, &evidence);
	assert_int_equal(evidence.total_entries, 3);
	assert_int_equal(evidence.same_program, 0);
	end(3);
}

/* ---- Invalidation ---- */

static void dropping_takes_what_matches_and_nothing_else(void **state)
{
	(void)state;
	begin(100, UINT64_MAX);
	for (unsigned i = 0; i < 4; i++) {
		put(1000 + i, 10);
		put(2000 + i, 1);
	}
	assert_int_equal(drop_program(1), 4);
	assert_int_equal(atomic_load(&destroyed), 4);
	assert_int_equal(device.pipelines.bytes, 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_false(use(1000 + i));
		assert_true(use(2000 + i));
	}
	assert_int_equal(drop_program(1), 0);
	put(1001, 1);
	assert_true(use(1001));
	end(9);
}

static void dropping_reaches_pipelines_that_only_their_users_have(void **state)
{
	struct kiln_pipeline *evicted, *kept;
	uint64_t epoch;

	(void)state;
	begin(1, UINT64_MAX);
	evicted = build(1001, 1);
	kept = build(2001, 1);
	assert_false(has(1001));
	epoch = kiln_pipeline_tier_epoch(&device.pipelines);
	assert_int_equal(drop_program(1), 1);
	assert_true(atomic_load(&evicted->dropped));
	assert_false(atomic_load(&kept->dropped));
	assert_int_not_equal(kiln_pipeline_tier_epoch(&device.pipelines), epoch);
	kiln_pipeline_unreference(evicted);
	kiln_pipeline_unreference(kept);
	end(2);
}

static void build_under_way_is_dropped_with_the_others(void **state)
{
	struct kiln_pipeline_identity identity[2];
	struct kiln_tier_build jobs[2];
	struct kiln_pipeline *dropped, *kept;

	(void)state;
	begin(10, UINT64_MAX);
	assert_null(acquire(1001, &jobs[0], &identity[0]));
	assert_null(acquire(2001, &jobs[1], &identity[1]));
	assert_int_equal(drop_program(1), 0);
	kiln_pipeline_tier_publish(&device.pipelines, &jobs[0], dropped = make(1001, 1));
	kiln_pipeline_tier_publish(&device.pipelines, &jobs[1], kept = make(2001, 1));
	assert_true(atomic_load(&dropped->dropped));
	assert_false(has(1001));
	assert_true(has(2001));
	kiln_pipeline_unreference(dropped);
	kiln_pipeline_unreference(kept);
	put(1001, 1);
	assert_true(use(1001));
	end(3);
}

/* ---- All at once: for ThreadSanitizer, and for what is left over ---- */

enum { THREADS = 16, ROUNDS = 1500, NUMBERS = 10 };

static atomic_uint built, wrong;

static void resolve_some(unsigned number)
{
	struct kiln_pipeline_identity identity;
	struct kiln_tier_build job;
	struct kiln_pipeline *pipeline = acquire(number, &job, &identity);

	if (!pipeline && number % 7 == 0 && atomic_load(&built) % 5 == 0) {
		kiln_pipeline_tier_abandon(&device.pipelines, &job);
		return;
	}
	if (!pipeline) {
		pipeline = make(number, 100 + number % 50);
		atomic_fetch_add(&built, 1);
		kiln_pipeline_tier_publish(&device.pipelines, &job, pipeline);
	}
	wrong += memcmp(&pipeline->identity, &identity, sizeof(identity)) != 0;
	kiln_pipeline_unreference(pipeline);
}

static void look_at_some(unsigned number)
{
	struct kiln_pipeline_key key = key_of(number);
	struct kiln_pipeline_identity identity = identity_of(number);
	struct kiln_tier_reader reader;
	const struct kiln_pipeline *pipeline = kiln_pipeline_tier_look(&device.pipelines, &key, &reader);

	if (!pipeline)
		return;
	wrong += memcmp(&pipeline->identity, &identity, sizeof(identity)) != 0;
	kiln_tier_leave(reader);
}

static void *mix(void *data)
{
	unsigned state = 2654435761u * (1 + (unsigned)(uintptr_t)data);

	for (int i = 0; i < ROUNDS; i++) {
		unsigned number;

		state = state * 1664525u + 1013904223u;
		number = 1000 * (state >> 16 & 1) + (state >> 20) % NUMBERS;
		if ((state >> 8) % 64 == 0)
			(void)drop_program(number / 1000);
		else if ((state >> 8) % 3 == 0)
			resolve_some(number);
		else
			look_at_some(number);
		kiln_pipeline_tier_count(&device.pipelines, KILN_OUTCOME_MEMORY);
	}
	return NULL;
}

static void threads_resolve_evict_and_invalidate_at_once(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	begin(NUMBERS, 1500);
	atomic_store(&built, 0);
	atomic_store(&wrong, 0);
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, mix, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&wrong), 0);
	assert_true(device.pipelines.table.count <= NUMBERS);
	assert_true(device.pipelines.bytes <= 1500);
	assert_null(device.pipelines.builds);
	assert_int_equal(kiln_pipeline_tier_counted(&device.pipelines, KILN_OUTCOME_MEMORY),
	                 THREADS * ROUNDS);
	end(atomic_load(&built));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(build_that_failed_leaves_nothing),
		cmocka_unit_test(build_under_way_is_dropped_with_the_others),
		cmocka_unit_test(builds_of_one_key_are_joined),
		cmocka_unit_test(bytes_are_bounded_like_entries),
		cmocka_unit_test(dropping_reaches_pipelines_that_only_their_users_have),
		cmocka_unit_test(dropping_takes_what_matches_and_nothing_else),
		cmocka_unit_test(failed_build_leaves_nothing_and_is_taken_over),
		cmocka_unit_test(least_recently_used_goes_first),
		cmocka_unit_test(more_pipelines_than_places_in_front_are_all_found),
		cmocka_unit_test(order_of_eviction_is_that_of_a_plain_list),
		cmocka_unit_test(pipeline_being_read_is_destroyed_after_the_reader_left),
		cmocka_unit_test(pipeline_in_use_is_destroyed_by_its_last_user),
		cmocka_unit_test(pipeline_of_a_submission_is_destroyed_after_it),
		cmocka_unit_test(pipeline_over_the_bound_is_not_kept_and_costs_nobody_his_place),
		cmocka_unit_test(pipelines_in_memory_are_evidence_too),
		cmocka_unit_test(threads_resolve_evict_and_invalidate_at_once),
		cmocka_unit_test(uses_since_the_last_insertion_have_an_order),
	};

	return cmocka_run_group_tests_name("pipeline tier", tests, NULL, NULL);
}
