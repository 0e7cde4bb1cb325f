/* Reflecting what a test has built: right away, or expecting a certain failure. */
#ifndef TESTS_REFLECT_TEST_H
#define TESTS_REFLECT_TEST_H

#include <test.h>

#include <kiln/reflect.h>
#include <spirv_build.h>

static inline struct kiln_reflection *reflect(const struct spirv_build *build)
{
	struct kiln_reflection *reflection = NULL;

	assert_status(kiln_reflect(build->words, build->count * 4, &reflection), KILN_OK);
	return reflection;
}

/* It fails with `status`, names a word, says what to do, and writes nothing. */
static inline void refuse_bytes(const void *code, size_t bytes, enum kiln_status status)
{
	struct kiln_reflection *reflection = NULL;

	assert_status(kiln_reflect(code, bytes, &reflection), status);
	assert_null(reflection);
	assert_non_null(strstr(kiln_error_message(), "SPIR-V word "));
	assert_non_null(strstr(kiln_error_message(), "Fix: "));
}

static inline void refuse(const struct spirv_build *build, enum kiln_status status)
{
	refuse_bytes(build->words, build->count * 4, status);
}

/* The same, and the message has `text` in it. */
static inline void refuse_saying(const struct spirv_build *build, enum kiln_status status, const char *text)
{
	refuse(build, status);
	if (strstr(kiln_error_message(), text) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", kiln_error_message(), text);
}

#endif
