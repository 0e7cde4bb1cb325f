#include "test.h"

#include <base/clock.h>
#include <base/thread.h>

struct shared {
	struct kiln_mutex mutex;
	struct kiln_cond cond;
	int value;
};

static int make_shared(void **state)
{
	static struct shared shared;

	shared = (struct shared){0};
	*state = &shared;
	return kiln_mutex_init(&shared.mutex) != KILN_OK || kiln_cond_init(&shared.cond) != KILN_OK;
}

static int finish_shared(void **state)
{
	struct shared *shared = *state;

	kiln_cond_finish(&shared->cond);
	kiln_mutex_finish(&shared->mutex);
	return 0;
}

static void *count_up(void *user)
{
	struct shared *shared = user;

	for (int i = 0; i < 10000; i++) {
		kiln_mutex_lock(&shared->mutex);
		shared->value++;
		kiln_mutex_unlock(&shared->mutex);
	}
	return NULL;
}

static void mutex_excludes(void **state)
{
	struct shared *shared = *state;
	struct kiln_thread threads[4];

	for (int i = 0; i < 4; i++)
		assert_int_equal(kiln_thread_start(&threads[i], count_up, shared), KILN_OK);
	for (int i = 0; i < 4; i++)
		kiln_thread_join(&threads[i]);
	assert_int_equal(shared->value, 40000);
}

static void *set_and_signal(void *user)
{
	struct shared *shared = user;

	kiln_mutex_lock(&shared->mutex);
	shared->value = 1;
	kiln_cond_signal(&shared->cond);
	kiln_mutex_unlock(&shared->mutex);
	return NULL;
}

static void signal_wakes_the_waiter(void **state)
{
	struct shared *shared = *state;
	struct kiln_thread thread;

	kiln_mutex_lock(&shared->mutex);
	assert_int_equal(kiln_thread_start(&thread, set_and_signal, shared), KILN_OK);
	while (shared->value == 0)
		assert_true(kiln_cond_wait_for(&shared->cond, &shared->mutex, UINT64_MAX));
	kiln_mutex_unlock(&shared->mutex);
	kiln_thread_join(&thread);
}

static void wait_ends_at_its_bound(void **state)
{
	struct shared *shared = *state;
	const uint64_t timeout_ns = 20000000;
	uint64_t start = kiln_now_ns();
	bool woken = true;

	kiln_mutex_lock(&shared->mutex);
	/* A spurious wake-up is allowed and proves nothing. */
	while (woken)
		woken = kiln_cond_wait_for(&shared->cond, &shared->mutex, timeout_ns);
	kiln_mutex_unlock(&shared->mutex);
	assert_true(kiln_now_ns() - start >= timeout_ns);
}

static void clock_never_goes_back(void **state)
{
	uint64_t last = kiln_now_ns();

	(void)state;
	for (int i = 0; i < 1000; i++) {
		uint64_t now = kiln_clock_system.monotonic_ns(kiln_clock_system.user);

		assert_true(now >= last);
		last = now;
	}
	/* After 2020, before 2100. */
	assert_in_range(kiln_clock_system.wall_s(kiln_clock_system.user), 1577836800, 4102444800);
}

static void there_is_at_least_one_cpu(void **state)
{
	(void)state;
	assert_in_range(kiln_cpu_count(), 1, 1 << 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(mutex_excludes, make_shared, finish_shared),
		cmocka_unit_test_setup_teardown(signal_wakes_the_waiter, make_shared, finish_shared),
		cmocka_unit_test_setup_teardown(wait_ends_at_its_bound, make_shared, finish_shared),
		cmocka_unit_test(clock_never_goes_back),
		cmocka_unit_test(there_is_at_least_one_cpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
