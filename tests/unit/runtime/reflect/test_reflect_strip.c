/* Stripping and the program digest: names and lines change neither words nor digest, anything else does. */
#include "reflect_test.h"

#include <string.h>

#include <base/hash.h>

static struct spirv_build build;

enum { WITH_NAMES = 1, WITH_LINES = 2, WITH_NOPS = 4 };

/* The same module with more or less around it; bound 60. */
static void build_variant(uint32_t with)
{
	spirv_open(&build, 0x00010300);
	spirv_local_size(&build, 4, 1, 1);
	if (with & WITH_NAMES) {
		OP(&build, SpvOpString, 50), spirv_text(&build, "file.comp");
		OP(&build, SpvOpSourceExtension), spirv_text(&build, "GL_EXT_x");
		OP(&build, SpvOpSource, SpvSourceLanguageGLSL, 460);
		OP(&build, SpvOpSourceContinued), spirv_text(&build, "void main");
		OP(&build, SpvOpName, ID_MAIN), spirv_text(&build, "main");
		OP(&build, SpvOpName, 20), spirv_text(&build, "Pair");
		OP(&build, SpvOpMemberName, 20, 0), spirv_text(&build, "first");
		OP(&build, SpvOpModuleProcessed), spirv_text(&build, "by hand");
	}
	spirv_types(&build);
	OP(&build, SpvOpTypeStruct, 20, ID_UINT);
	spirv_function(&build, ID_MAIN, 30);
	if (with & WITH_LINES) {
		OP(&build, SpvOpLine, ID_MAIN, 3, 1);
		OP0(&build, SpvOpNoLine);
	}
	if (with & WITH_NOPS)
		OP0(&build, SpvOpNop);
	spirv_function_end(&build);
	build.words[3] = 31; /* exact, as front ends write it */
	if (with & WITH_NAMES)
		build.words[3] = 51;
}

static void debug_instructions_do_not_change_the_words(void **state)
{
	struct kiln_reflection *plain;

	(void)state;
	build_variant(0);
	plain = reflect(&build);
	assert_int_equal(plain->word_count, build.count);
	assert_memory_equal(plain->words, build.words, build.count * 4);
	for (uint32_t with = 1; with < 8; with++) {
		struct kiln_reflection *other;

		build_variant(with);
		other = reflect(&build);
		assert_int_equal(other->word_count, plain->word_count);
		assert_memory_equal(other->words, plain->words, plain->word_count * 4);
		assert_true(kiln_digest_equal(&other->program, &plain->program));
		kiln_reflection_destroy(&other);
	}
	kiln_reflection_destroy(&plain);
}

/* As spirv-opt: only when something went. */
static void bound_is_set_anew_only_when_something_was_stripped(void **state)
{
	struct kiln_reflection *reflection;

	(void)state;
	for (uint32_t with = 0; with < 8; with++) {
		build_variant(with);
		build.words[3] = 400;
		reflection = reflect(&build);
		assert_int_equal(reflection->words[3], (with & (WITH_NAMES | WITH_LINES)) != 0 ? 31 : 400);
		kiln_reflection_destroy(&reflection);
	}
}

static void bound_stays_when_an_instruction_is_unknown(void **state)
{
	struct kiln_reflection *reflection;

	(void)state;
	spirv_open(&build, 0x00010300);
	spirv_local_size(&build, 1, 1, 1);
	OP(&build, SpvOpName, ID_MAIN), spirv_text(&build, "main");
	spirv_types(&build);
	OP(&build, 9999, 599); /* may define id 599 */
	spirv_close(&build);
	build.words[3] = 600;
	reflection = reflect(&build);
	assert_int_equal(reflection->words[3], 600);
	kiln_reflection_destroy(&reflection);
}

static void digest_covers_every_kept_word(void **state)
{
	struct kiln_digest plain, other;

	(void)state;
	build_variant(0);
	assert_status(kiln_program_digest(build.words, build.count * 4, &plain), KILN_OK);
	build.words[2] ^= 1; /* the generator: drivers look at it */
	assert_status(kiln_program_digest(build.words, build.count * 4, &other), KILN_OK);
	assert_false(kiln_digest_equal(&plain, &other));
	build.words[2] ^= 1;
	build.words[17] ^= 1; /* local size */
	assert_status(kiln_program_digest(build.words, build.count * 4, &other), KILN_OK);
	assert_false(kiln_digest_equal(&plain, &other));
}

static void digest_is_the_documented_one(void **state)
{
	struct kiln_hasher hasher;
	struct kiln_digest expected, digest;

	(void)state;
	build_variant(0);
	kiln_hash_init(&hasher, "kiln program v1");
	kiln_hash_field64(&hasher, build.words, build.count * 4);
	expected = kiln_hash_finish(&hasher);
	assert_status(kiln_program_digest(build.words, build.count * 4, &digest), KILN_OK);
	assert_memory_equal(digest.bytes, expected.bytes, KILN_DIGEST_BYTES);
}

/* Imports `set`, has one string used by it and one that is not, one call outside and one inside of main. */
static struct kiln_reflection *reflect_set(const char *set)
{
	spirv_begin(&build, 0x00010300);
	OP(&build, SpvOpCapability, SpvCapabilityShader);
	OP(&build, SpvOpExtInstImport, 40), spirv_text(&build, set);
	OP(&build, SpvOpMemoryModel, 0, 1);
	spirv_entry(&build, ID_MAIN, "main");
	spirv_local_size(&build, 1, 1, 1);
	OP(&build, SpvOpString, 41), spirv_text(&build, "used %u");
	OP(&build, SpvOpString, 42), spirv_text(&build, "unused");
	spirv_types(&build);
	OP(&build, SpvOpExtInst, ID_VOID, 43, 40, 1, 41);
	spirv_function(&build, ID_MAIN, 30);
	OP(&build, SpvOpExtInst, ID_VOID, 44, 40, 1, 41, ID_ONE);
	spirv_function_end(&build);
	return reflect(&build);
}

static size_t count_opcode(const struct kiln_reflection *reflection, uint32_t opcode)
{
	size_t count = 0;

	for (size_t at = 5; at < reflection->word_count; at += reflection->words[at] >> 16)
		count += (reflection->words[at] & 0xffff) == opcode;
	return count;
}

static void non_semantic_sets_go_and_printing_stays(void **state)
{
	/* imports, strings, instructions left */
	static const struct {
		const char *set;
		size_t imports, strings, instructions;
	} cases[] = {
		{"NonSemantic.Shader.DebugInfo.100", 0, 0, 0},
		{"NonSemantic.Something", 0, 0, 0},
		{"NonSemantic.DebugPrintf", 1, 1, 2},
		{"OpenCL.DebugInfo.100", 1, 0, 0},
		{"GLSL.std.450", 1, 0, 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct kiln_reflection *reflection = reflect_set(cases[i].set);

		assert_int_equal(count_opcode(reflection, SpvOpExtInstImport), cases[i].imports);
		assert_int_equal(count_opcode(reflection, SpvOpString), cases[i].strings);
		assert_int_equal(count_opcode(reflection, SpvOpExtInst), cases[i].instructions);
		kiln_reflection_destroy(&reflection);
	}
}

static void stripped_words_reflect_to_themselves(void **state)
{
	struct kiln_reflection *once, *twice = NULL;

	(void)state;
	once = reflect_set("NonSemantic.DebugPrintf");
	assert_status(kiln_reflect(once->words, once->word_count * 4, &twice), KILN_OK);
	assert_int_equal(once->word_count, twice->word_count);
	assert_memory_equal(once->words, twice->words, once->word_count * 4);
	assert_true(kiln_digest_equal(&once->program, &twice->program));
	kiln_reflection_destroy(&once);
	kiln_reflection_destroy(&twice);
}

static void what_stays_cannot_lean_on_what_goes(void **state)
{
	(void)state;
	spirv_open(&build, 0x00010300);
	spirv_local_size(&build, 1, 1, 1);
	OP(&build, SpvOpString, 20), spirv_text(&build, "text");
	OP(&build, SpvOpDecorate, 20, SpvDecorationRelaxedPrecision);
	spirv_types(&build);
	spirv_close(&build);
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "refers to id 20, which is debug information");

	spirv_begin(&build, 0x00010300);
	OP(&build, SpvOpCapability, SpvCapabilityShader);
	OP(&build, SpvOpExtInstImport, 20), spirv_text(&build, "NonSemantic.Something");
	OP(&build, SpvOpMemoryModel, 0, 1);
	spirv_entry(&build, ID_MAIN, "main");
	spirv_types(&build);
	OP(&build, SpvOpTypePointer, 21, SpvStorageClassWorkgroup, 20);
	spirv_close(&build);
	refuse_saying(&build, KILN_ERR_SPIRV_INVALID, "refers to id 20, which is debug information");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(debug_instructions_do_not_change_the_words),
		cmocka_unit_test(bound_is_set_anew_only_when_something_was_stripped),
		cmocka_unit_test(bound_stays_when_an_instruction_is_unknown),
		cmocka_unit_test(digest_covers_every_kept_word),
		cmocka_unit_test(digest_is_the_documented_one),
		cmocka_unit_test(non_semantic_sets_go_and_printing_stays),
		cmocka_unit_test(stripped_words_reflect_to_themselves),
		cmocka_unit_test(what_stays_cannot_lean_on_what_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
