/* What the tests of the tuner's pure half share. */
#ifndef TESTS_SEARCH_TEST_H
#define TESTS_SEARCH_TEST_H

#ifdef NDEBUG
#error "tests need assertions"
#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <kiln/status.h>

#define assert_near(a, b) assert_true((a) - (b) < 1e-9 && (b) - (a) < 1e-9)
#define assert_status(got, expected) assert_string_equal(kiln_status_name(got), kiln_status_name(expected))

#endif
