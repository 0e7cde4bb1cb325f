/* GLSL at run time: needs the module of the build tree, no device. */
#ifdef NDEBUG
#error "tests must not be built with NDEBUG"
#endif

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kiln/glsl.h>

#include "glsl_loader.h"

#define SPIRV_MAGIC 0x07230203u

static char folder[] = "/tmp/kiln-glsl-XXXXXX";

static const char good[] = "#version 450\n"
			   "layout(local_size_x = 64) in;\n"
			   "layout(set = 0, binding = 0) buffer B { float data[]; };\n"
			   "void main() { data[gl_GlobalInvocationID.x] *= 2.0; }\n";

static void write_file(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
}

static enum kiln_status compile(const struct kiln_glsl_params *params)
{
	uint32_t *words = NULL;
	size_t bytes = 0;
	enum kiln_status status = kiln_glsl_compile(params, &words, &bytes);

	if (status == KILN_OK) {
		assert_true(bytes > 20 && bytes % 4 == 0);
		assert_int_equal(words[0], SPIRV_MAGIC);
	} else {
		assert_null(words);
		assert_int_equal(bytes, 0);
	}
	kiln_glsl_free(&words);
	assert_null(words);
	return status;
}

static enum kiln_status compile_in_folder(const char *source)
{
	const char *paths[] = {folder};
	char name[64];

	snprintf(name, sizeof name, "%s/main.comp", folder);
	return compile(&(struct kiln_glsl_params){.source = source,
	                                          .file_name = name,
	                                          .include_paths = paths,
	                                          .include_path_count = 1});
}

static void assert_message_has(const char *part)
{
	if (!strstr(kiln_error_message(), part))
		fail_msg("expected '%s' in: %s", part, kiln_error_message());
}

static void shader_becomes_spirv_of_the_asked_version(void **state)
{
	const uint32_t versions[] = {0, 0x00010000, 0x00010300, 0x00010400, 0x00010500, 0x00010600};

	(void)state;
	for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
		uint32_t *words = NULL;
		size_t bytes = 0;

		assert_int_equal(kiln_glsl_compile(&(struct kiln_glsl_params){.source = good,
		                                                              .spirv_version = versions[i]},
		                                   &words, &bytes),
		                 KILN_OK);
		assert_int_equal(words[0], SPIRV_MAGIC);
		assert_int_equal(words[1], versions[i] ? versions[i] : 0x00010300);
		kiln_glsl_free(&words);
	}
}

static void same_source_gives_same_words(void **state)
{
	uint32_t *a = NULL, *b = NULL;
	size_t a_bytes = 0, b_bytes = 0;

	(void)state;
	assert_int_equal(kiln_glsl_compile(&(struct kiln_glsl_params){.source = good}, &a, &a_bytes),
	                 KILN_OK);
	assert_int_equal(kiln_glsl_compile(&(struct kiln_glsl_params){.source = good}, &b, &b_bytes),
	                 KILN_OK);
	assert_int_equal(a_bytes, b_bytes);
	assert_memory_equal(a, b, a_bytes);
	kiln_glsl_free(&a);
	kiln_glsl_free(&b);
}

static void refused_shader_names_file_and_line(void **state)
{
	(void)state;
	assert_int_equal(compile(&(struct kiln_glsl_params){
				 .source = "#version 450\nvoid main() {\n\tnonsense = 1;\n}\n",
				 .file_name = "wrong.comp"}),
	                 KILN_ERR_INVALID_ARGUMENT);
	assert_message_has("wrong.comp:3");
	assert_message_has("nonsense");
	assert_message_has("Fix:");
}

static void defines_reach_the_shader(void **state)
{
	static const char source[] =
		"#version 450\n#if WIDTH != 32 || FLAG != 1\n#error not defined\n#endif\nvoid main() {}\n";
	const struct kiln_glsl_define defines[] = {{"WIDTH", "32"}, {"FLAG", NULL}};

	(void)state;
	assert_int_equal(compile(&(struct kiln_glsl_params){.source = source}), KILN_ERR_INVALID_ARGUMENT);
	assert_int_equal(compile(&(struct kiln_glsl_params){.source = source,
	                                                    .defines = defines,
	                                                    .define_count = 2}),
	                 KILN_OK);
}

static void define_that_is_no_single_line_is_refused(void **state)
{
	const struct kiln_glsl_define bad[] = {{"A B", "1"},
	                                       {"1A", "1"},
	                                       {"", "1"},
	                                       {NULL, "1"},
	                                       {"A", "1\n#error smuggled"},
	                                       {"A", "1\\"}};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(compile(&(struct kiln_glsl_params){.source = good,
		                                                    .defines = &bad[i],
		                                                    .define_count = 1}),
		                 KILN_ERR_INVALID_ARGUMENT);
		assert_message_has("Fix:");
	}
}

static void includes_are_found_beside_the_file_and_in_the_paths(void **state)
{
	(void)state;
	write_file("outer.glsl", "#include \"sub/inner.glsl\"\n");
	write_file("sub/inner.glsl", "#include \"beside.glsl\"\nconst int INNER = BESIDE;\n");
	write_file("sub/beside.glsl", "const int BESIDE = 7;\n");
	assert_int_equal(
		compile_in_folder("#version 450\n#include \"outer.glsl\"\nint x = INNER;\nvoid main() {}\n"),
		KILN_OK);
	assert_int_equal(
		compile_in_folder("#version 450\n#include <outer.glsl>\nint x = INNER;\nvoid main() {}\n"),
		KILN_OK);
	/* Not beside the file, and no include path. */
	assert_int_equal(compile(&(struct kiln_glsl_params){
				 .source = "#version 450\n#include \"outer.glsl\"\nvoid main() {}\n",
				 .file_name = "elsewhere/main.comp"}),
	                 KILN_ERR_INVALID_ARGUMENT);
	assert_message_has("outer.glsl");
}

static void error_in_an_include_names_the_include(void **state)
{
	(void)state;
	write_file("broken.glsl", "\n\nint broken = ;\n");
	assert_int_equal(compile_in_folder("#version 450\n#include \"broken.glsl\"\nvoid main() {}\n"),
	                 KILN_ERR_INVALID_ARGUMENT);
	assert_message_has("broken.glsl:3");
}

static void circle_of_includes_is_an_error(void **state)
{
	(void)state;
	write_file("circle.glsl", "#include \"circle.glsl\"\n");
	assert_int_equal(compile_in_folder("#version 450\n#include \"circle.glsl\"\nvoid main() {}\n"),
	                 KILN_ERR_TOO_LARGE);
	assert_message_has("circle.glsl");
	assert_message_has("Fix:");
}

static void oversized_include_is_an_error(void **state)
{
	char path[256];

	(void)state;
	write_file("huge.glsl", "\n");
	snprintf(path, sizeof path, "%s/huge.glsl", folder);
	assert_int_equal(truncate(path, 5 << 20), 0);
	assert_int_equal(compile_in_folder("#version 450\n#include \"huge.glsl\"\nvoid main() {}\n"),
	                 KILN_ERR_TOO_LARGE);
	assert_message_has("huge.glsl");
}

static void folder_or_fifo_is_no_include(void **state)
{
	char path[256];

	(void)state;
	snprintf(path, sizeof path, "%s/fifo.glsl", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(compile_in_folder("#version 450\n#include \"fifo.glsl\"\nvoid main() {}\n"),
	                 KILN_ERR_INVALID_ARGUMENT);
	assert_int_equal(compile_in_folder("#version 450\n#include \"sub\"\nvoid main() {}\n"),
	                 KILN_ERR_INVALID_ARGUMENT);
}

static void bad_arguments_are_refused(void **state)
{
	uint32_t *words = NULL;
	size_t bytes = 0;

	(void)state;
	assert_int_equal(kiln_glsl_compile(NULL, &words, &bytes), KILN_ERR_INVALID_ARGUMENT);
	assert_int_equal(kiln_glsl_compile(&(struct kiln_glsl_params){.source = good}, NULL, &bytes),
	                 KILN_ERR_INVALID_ARGUMENT);
	assert_int_equal(compile(&(struct kiln_glsl_params){0}), KILN_ERR_INVALID_ARGUMENT);
	assert_int_equal(compile(&(struct kiln_glsl_params){.source = good, .define_count = 1}),
	                 KILN_ERR_INVALID_ARGUMENT);
	assert_int_equal(compile(&(struct kiln_glsl_params){.source = good, .include_path_count = 1}),
	                 KILN_ERR_INVALID_ARGUMENT);
	assert_int_equal(compile(&(struct kiln_glsl_params){.source = good, .spirv_version = 0x00010700}),
	                 KILN_ERR_INVALID_ARGUMENT);
	assert_int_equal(compile(&(struct kiln_glsl_params){.source = ""}), KILN_ERR_INVALID_ARGUMENT);
	kiln_glsl_free(NULL);
}

static void *compile_many(void *user)
{
	for (int i = 0; i < 10; i++) {
		uint32_t *words = NULL;
		size_t bytes = 0;

		if (kiln_glsl_compile(&(struct kiln_glsl_params){.source = good}, &words, &bytes) != KILN_OK)
			return user;
		kiln_glsl_free(&words);
	}
	return NULL;
}

static void threads_compile_at_once(void **state)
{
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, compile_many, folder), 0);
	for (int i = 0; i < 4; i++) {
		void *failed;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
}

static int set_up(void **state)
{
	char sub[64];

	(void)state;
	kiln_glsl_module_path(KILN_TEST_GLSL_MODULE);
	if (!mkdtemp(folder))
		return -1;
	snprintf(sub, sizeof sub, "%s/sub", folder);
	return mkdir(sub, 0700);
}

static int tear_down(void **state)
{
	static const char *const names[] = {"outer.glsl",  "sub/inner.glsl", "sub/beside.glsl", "broken.glsl",
	                                    "circle.glsl", "huge.glsl",      "fifo.glsl",       "sub"};
	char path[256];

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		remove(path);
	}
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shader_becomes_spirv_of_the_asked_version),
		cmocka_unit_test(same_source_gives_same_words),
		cmocka_unit_test(refused_shader_names_file_and_line),
		cmocka_unit_test(defines_reach_the_shader),
		cmocka_unit_test(define_that_is_no_single_line_is_refused),
		cmocka_unit_test(includes_are_found_beside_the_file_and_in_the_paths),
		cmocka_unit_test(error_in_an_include_names_the_include),
		cmocka_unit_test(circle_of_includes_is_an_error),
		cmocka_unit_test(oversized_include_is_an_error),
		cmocka_unit_test(folder_or_fifo_is_no_include),
		cmocka_unit_test(bad_arguments_are_refused),
		cmocka_unit_test(threads_compile_at_once),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
