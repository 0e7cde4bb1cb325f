#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/log.h>

struct catcher {
	unsigned count;
	enum kiln_log_level level;
	char message[3000];
};

static void catch (void *user, enum kiln_log_level level, const char *message)
{
	struct catcher *catcher = user;

	catcher->count++;
	catcher->level = level;
	snprintf(catcher->message, sizeof(catcher->message), "%s", message);
}

static int silence(void **state)
{
	(void)state;
	kiln_log_set(NULL, NULL, KILN_LOG_DEBUG);
	return 0;
}

static void kiln_starts_silent(void **state)
{
	(void)state;
	assert_false(kiln_log_wants(KILN_LOG_ERROR));
	kiln_log(KILN_LOG_ERROR, "nobody hears this");
}

static void message_reaches_the_callback(void **state)
{
	struct catcher catcher = {0};

	(void)state;
	kiln_log_set(catch, &catcher, KILN_LOG_INFO);
	kiln_log(KILN_LOG_INFO, "hello %d", 7);
	assert_int_equal(catcher.count, 1);
	assert_int_equal(catcher.level, KILN_LOG_INFO);
	assert_string_equal(catcher.message, "hello 7");
}

static void finer_messages_are_dropped(void **state)
{
	struct catcher catcher = {0};

	(void)state;
	kiln_log_set(catch, &catcher, KILN_LOG_WARN);
	kiln_log(KILN_LOG_INFO, "too fine");
	assert_int_equal(catcher.count, 0);
	assert_false(kiln_log_wants(KILN_LOG_INFO));
	assert_true(kiln_log_wants(KILN_LOG_WARN));
	assert_true(kiln_log_wants(KILN_LOG_ERROR));
}

static void null_callback_silences_again(void **state)
{
	struct catcher catcher = {0};

	(void)state;
	kiln_log_set(catch, &catcher, KILN_LOG_DEBUG);
	kiln_log_set(NULL, NULL, KILN_LOG_DEBUG);
	kiln_log(KILN_LOG_ERROR, "gone");
	assert_int_equal(catcher.count, 0);
}

static void level_zero_asks_the_environment(void **state)
{
	struct catcher catcher = {0};

	(void)state;
	setenv("KILN_LOG", "debug", 1);
	kiln_log_set(catch, &catcher, 0);
	assert_true(kiln_log_wants(KILN_LOG_DEBUG));
	setenv("KILN_LOG", "error", 1);
	kiln_log_set(catch, &catcher, 0);
	assert_false(kiln_log_wants(KILN_LOG_WARN));
	unsetenv("KILN_LOG");
	kiln_log_set(catch, &catcher, 0);
	assert_true(kiln_log_wants(KILN_LOG_WARN));
	assert_false(kiln_log_wants(KILN_LOG_INFO));
	assert_int_equal(catcher.count, 0);
}

static void rubbish_in_kiln_log_is_warned_about_through_the_log(void **state)
{
	struct catcher catcher = {0};

	(void)state;
	setenv("KILN_LOG", "loud", 1);
	kiln_log_set(catch, &catcher, 0);
	unsetenv("KILN_LOG");
	assert_int_equal(catcher.count, 1);
	assert_int_equal(catcher.level, KILN_LOG_WARN);
	assert_non_null(strstr(catcher.message, "KILN_LOG is 'loud'"));
}

static void endless_message_is_cut(void **state)
{
	struct catcher catcher = {0};
	char long_text[8000];

	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	kiln_log_set(catch, &catcher, KILN_LOG_ERROR);
	kiln_log(KILN_LOG_ERROR, "%s", long_text);
	assert_in_range(strlen(catcher.message), 1000, 2999);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kiln_starts_silent),
		cmocka_unit_test_teardown(message_reaches_the_callback, silence),
		cmocka_unit_test_teardown(finer_messages_are_dropped, silence),
		cmocka_unit_test_teardown(null_callback_silences_again, silence),
		cmocka_unit_test_teardown(level_zero_asks_the_environment, silence),
		cmocka_unit_test_teardown(rubbish_in_kiln_log_is_warned_about_through_the_log, silence),
		cmocka_unit_test_teardown(endless_message_is_cut, silence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
