#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <base/error.h>

static const enum kiln_status every_status[] = {
	KILN_OK,
	KILN_ERR_INVALID_ARGUMENT,
	KILN_ERR_UNSUPPORTED,
	KILN_ERR_CANCELLED,
	KILN_ERR_OUT_OF_MEMORY,
	KILN_ERR_TIMEOUT,
	KILN_ERR_THREAD,
	KILN_ERR_NOT_FOUND,
	KILN_ERR_DAMAGED,
	KILN_ERR_IO,
	KILN_ERR_PERMISSION,
	KILN_ERR_NO_SPACE,
	KILN_ERR_READ_ONLY,
	KILN_ERR_NOT_A_DIRECTORY,
	KILN_ERR_TOO_LARGE,
	KILN_ERR_TOML_SYNTAX,
	KILN_ERR_TOML_TYPE,
	KILN_ERR_TOML_SCHEMA,
	KILN_ERR_TOML_HOSTILE,
	KILN_ERR_SPIRV_MAGIC,
	KILN_ERR_SPIRV_BYTE_SWAPPED,
	KILN_ERR_SPIRV_TRUNCATED,
	KILN_ERR_SPIRV_LENGTH,
	KILN_ERR_SPIRV_INVALID,
	KILN_ERR_SPIRV_ENTRY_POINT,
	KILN_ERR_SPIRV_CAPABILITY,
	KILN_ERR_SPECIALIZATION,
	KILN_ERR_NO_LOADER,
	KILN_ERR_NO_DRIVER,
	KILN_ERR_NO_DEVICE,
	KILN_ERR_NO_COMPUTE,
	KILN_ERR_COMPILE_ONLY,
	KILN_ERR_TOO_FEW_BUFFERS,
	KILN_ERR_TOO_MANY_BUFFERS,
	KILN_ERR_NULL_BUFFER,
	KILN_ERR_BUFFER_ACCESS,
	KILN_ERR_BUFFER_TOO_SHORT,
	KILN_ERR_PUSH_MISSING,
	KILN_ERR_PUSH_TOO_SHORT,
	KILN_ERR_PUSH_TOO_LONG,
	KILN_ERR_THREADS_LIMIT,
	KILN_ERR_WORKGROUP_LIMIT,
	KILN_ERR_FOREIGN_OBJECT,
	KILN_ERR_IMAGE_MISMATCH,
	KILN_ERR_DEVICE_LOST,
	KILN_ERR_OUT_OF_DEVICE_MEMORY,
	KILN_ERR_DRIVER,
	KILN_ERR_EXPECTED_WARM,
	KILN_ERR_CONTENTS_LOST,
	KILN_ERR_INTERNAL,
};

#define STATUSES (sizeof(every_status) / sizeof(every_status[0]))

static void every_status_has_its_own_name_and_sentence(void **state)
{
	(void)state;
	for (size_t i = 0; i < STATUSES; i++) {
		const char *name = kiln_status_name(every_status[i]);
		const char *text = kiln_status_text(every_status[i]);

		assert_string_not_equal(name, "KILN_ERR_UNKNOWN");
		assert_int_equal(text[strlen(text) - 1], '.');
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(name, kiln_status_name(every_status[j]));
			assert_string_not_equal(text, kiln_status_text(every_status[j]));
		}
	}
}

static void unknown_status_still_has_a_name(void **state)
{
	(void)state;
	assert_string_equal(kiln_status_name((enum kiln_status) - 12345), "KILN_ERR_UNKNOWN");
	assert_non_null(kiln_status_text((enum kiln_status)12345));
}

static void message_is_empty_until_something_fails(void **state)
{
	(void)state;
	assert_string_equal(kiln_error_message(), "");
}

static void message_holds_the_last_failure(void **state)
{
	(void)state;
	assert_int_equal(kiln_error(KILN_ERR_DAMAGED, "first %d", 1), KILN_ERR_DAMAGED);
	assert_int_equal(kiln_error(KILN_ERR_TIMEOUT, "second %s", "two"), KILN_ERR_TIMEOUT);
	assert_string_equal(kiln_error_message(), "second two");
}

static void message_may_quote_the_previous_message(void **state)
{
	(void)state;
	kiln_error(KILN_ERR_IO, "inner");
	kiln_error(KILN_ERR_IO, "outer (%s) end", kiln_error_message());
	assert_string_equal(kiln_error_message(), "outer (inner) end");
}

static void context_goes_in_front(void **state)
{
	(void)state;
	kiln_error(KILN_ERR_IO, "disk is gone");
	assert_int_equal(kiln_error_context(KILN_ERR_IO, "while reading %s", "x"), KILN_ERR_IO);
	assert_string_equal(kiln_error_message(), "while reading x: disk is gone");
}

static void endless_message_is_cut(void **state)
{
	char long_text[8000];

	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	kiln_error(KILN_ERR_IO, "%s", long_text);
	assert_in_range(strlen(kiln_error_message()), 1000, 4000);
	kiln_error_context(KILN_ERR_IO, "%s", long_text);
	kiln_error_errno(EIO, "%s", long_text);
	assert_non_null(strstr(kiln_error_message(), "Fix: "));
}

static void errno_becomes_status_and_advice(void **state)
{
	static const struct {
		int errnum;
		enum kiln_status status;
	} cases[] = {
		{EACCES, KILN_ERR_PERMISSION}, {EPERM, KILN_ERR_PERMISSION},
		{ENOSPC, KILN_ERR_NO_SPACE},   {EDQUOT, KILN_ERR_NO_SPACE},
		{EROFS, KILN_ERR_READ_ONLY},   {ENOTDIR, KILN_ERR_NOT_A_DIRECTORY},
		{ENOENT, KILN_ERR_NOT_FOUND},  {ENOMEM, KILN_ERR_OUT_OF_MEMORY},
		{EFBIG, KILN_ERR_TOO_LARGE},   {EIO, KILN_ERR_IO},
		{EMFILE, KILN_ERR_IO},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(kiln_error_errno(cases[i].errnum, "cannot do %s", "it"), cases[i].status);
		assert_ptr_equal(strstr(kiln_error_message(), "cannot do it: "), kiln_error_message());
		assert_non_null(strstr(kiln_error_message(), strerror(cases[i].errnum)));
		assert_non_null(strstr(kiln_error_message(), ". Fix: "));
	}
}

static enum kiln_status check(int value)
{
	KILN_CHECK(value > 0, "value is %d, expected a positive one. Fix: raise it", value);
	return KILN_OK;
}

static enum kiln_status try(int value)
{
	KILN_TRY(check(value));
	return KILN_ERR_INTERNAL;
}

static void failed_check_returns_from_the_function(void **state)
{
	(void)state;
#ifdef KILN_DEBUG_ABORT
	print_message("skip: this build aborts where a check fails\n");
	skip();
#endif
	assert_int_equal(try(0), KILN_ERR_INVALID_ARGUMENT);
	assert_string_equal(kiln_error_message(), "value is 0, expected a positive one. Fix: raise it");
	assert_int_equal(try(1), KILN_ERR_INTERNAL);
}

static void *fail_elsewhere(void *user)
{
	(void)user;
	assert_string_equal(kiln_error_message(), "");
	kiln_error(KILN_ERR_IO, "theirs");
	return NULL;
}

static void each_thread_has_its_own_message(void **state)
{
	pthread_t thread;

	(void)state;
	kiln_error(KILN_ERR_IO, "ours");
	assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, NULL), 0);
	pthread_join(thread, NULL);
	assert_string_equal(kiln_error_message(), "ours");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_is_empty_until_something_fails),
		cmocka_unit_test(every_status_has_its_own_name_and_sentence),
		cmocka_unit_test(unknown_status_still_has_a_name),
		cmocka_unit_test(message_holds_the_last_failure),
		cmocka_unit_test(message_may_quote_the_previous_message),
		cmocka_unit_test(context_goes_in_front),
		cmocka_unit_test(endless_message_is_cut),
		cmocka_unit_test(errno_becomes_status_and_advice),
		cmocka_unit_test(failed_check_returns_from_the_function),
		cmocka_unit_test(each_thread_has_its_own_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
