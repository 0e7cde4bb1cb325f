/* What every test file includes first: cmocka with the headers it forgets. */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#ifdef NDEBUG
#error "Tests need assertions. Fix: configure with -Db_ndebug=false, or -Dtests=disabled for a release build"
#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define assert_status(call, expected)                                                                   \
	do {                                                                                            \
		enum kiln_status assert_status_ = (call);                                               \
		if (assert_status_ != (expected))                                                       \
			fail_msg("%s is %s (%s), expected %s", #call, kiln_status_name(assert_status_), \
			         kiln_error_message(), kiln_status_name(expected));                     \
	} while (0)

#endif
