/* Kernels that cannot be right: each its own status and a sentence that says how to fix it, and everything
 * stays usable. */
#include "harness.h"

#include <string.h>

#include "matrix_spv.h"
#include "reduce_spv.h"
#include "saxpy_spv.h"
#include "spec_spv.h"
#include "wide_spv.h"

static enum kiln_status create(const struct kiln_kernel_params *params)
{
	struct kiln_kernel *kernel = NULL;
	enum kiln_status status = kiln_kernel_create(gpu_device, params, &kernel);
	assert_true((status == KILN_OK) == (kernel != NULL));
	kiln_kernel_destroy(&kernel);
	return status;
}

static enum kiln_status create_words(const uint32_t *words, size_t bytes)
{
	return create(&(struct kiln_kernel_params){.spirv = words, .spirv_bytes = bytes});
}

static uint32_t *copy(void)
{
	uint32_t *words = malloc(sizeof saxpy_spv);
	assert_non_null(words);
	memcpy(words, saxpy_spv, sizeof saxpy_spv);
	return words;
}

static void module_cut_at_any_word_is_refused(void **state)
{
	(void)state;
	const size_t count = sizeof saxpy_spv / 4;
	for (size_t words = 0; words < count; words++) {
		uint32_t *cut =
			malloc(words * 4 + 4); /* exact size: a read beyond it is seen by the sanitizer */
		assert_non_null(cut);
		memcpy(cut, saxpy_spv, words * 4);
		enum kiln_status status = create_words(cut, words * 4);
		/* The cut between the last function's instructions leaves a whole module only at its very end. */
		gpu_refused(status, KILN_OK);
		assert_true(status == KILN_ERR_INVALID_ARGUMENT ||
		            (status <= KILN_ERR_SPIRV_MAGIC && status >= KILN_ERR_SPIRV_CAPABILITY));
		free(cut);
	}
	gpu_assert_usable();
}

static void module_cut_inside_a_word_is_refused(void **state)
{
	(void)state;
	for (size_t less = 1; less < 4; less++)
		gpu_refused(create_words(saxpy_spv, sizeof saxpy_spv - less), KILN_OK);
	gpu_assert_usable();
}

static void wrong_magic_is_refused(void **state)
{
	(void)state;
	uint32_t *words = copy();
	words[0] = 0x464c457f; /* an ELF file */
	gpu_refused(create_words(words, sizeof saxpy_spv), KILN_ERR_SPIRV_MAGIC);
	free(words);
	gpu_assert_usable();
}

static void byte_swapped_module_is_refused(void **state)
{
	(void)state;
	uint32_t *words = copy();
	for (size_t i = 0; i < sizeof saxpy_spv / 4; i++)
		words[i] = __builtin_bswap32(words[i]);
	gpu_refused(create_words(words, sizeof saxpy_spv), KILN_ERR_SPIRV_BYTE_SWAPPED);
	free(words);
	gpu_assert_usable();
}

static void absurd_lengths_are_refused(void **state)
{
	(void)state;
	uint32_t *words = copy();
	words[5] = (words[5] & 0xffffu) | 0xffff0000u; /* first instruction: 65535 words */
	enum kiln_status status = create_words(words, sizeof saxpy_spv);
	gpu_refused(status, KILN_OK);
	assert_true(status == KILN_ERR_SPIRV_LENGTH || status == KILN_ERR_SPIRV_TRUNCATED);
	words[5] &= 0xffffu; /* 0 words: a loop for a careless reader */
	gpu_refused(create_words(words, sizeof saxpy_spv), KILN_ERR_SPIRV_LENGTH);
	memcpy(words, saxpy_spv, sizeof saxpy_spv);
	words[3] = 0xffffffffu; /* id bound */
	gpu_refused(create_words(words, sizeof saxpy_spv), KILN_ERR_SPIRV_LENGTH);
	free(words);
	gpu_assert_usable();
}

static void missing_entry_point_is_refused(void **state)
{
	(void)state;
	gpu_refused(create(&(struct kiln_kernel_params){.spirv = saxpy_spv,
	                                                .spirv_bytes = sizeof saxpy_spv,
	                                                .entry = "mian"}),
	            KILN_ERR_SPIRV_ENTRY_POINT);
	assert_non_null(strstr(kiln_error_message(), "mian"));
	gpu_assert_usable();
}

static void capability_the_device_lacks_is_refused(void **state)
{
	(void)state;
	struct kiln_kernel_params params = {.spirv = matrix_spv, .spirv_bytes = sizeof matrix_spv};
	if (gpu_info()->type == KILN_DEVICE_DISCRETE && gpu_info()->can_launch)
		gpu_skip(__func__, "a discrete GPU may have cooperative matrices");
	gpu_refused(create(&params), KILN_ERR_SPIRV_CAPABILITY);
	gpu_assert_usable();
}

static void unknown_specialisation_id_is_refused(void **state)
{
	(void)state;
	const struct kiln_spec_value value = {.id = 77, .size = 4, .value = 1};
	gpu_refused(create(&(struct kiln_kernel_params){.spirv = spec_spv,
	                                                .spirv_bytes = sizeof spec_spv,
	                                                .spec = &value,
	                                                .spec_count = 1}),
	            KILN_ERR_SPECIALIZATION);
	assert_non_null(strstr(kiln_error_message(), "77"));
	gpu_assert_usable();
}

static void specialisation_of_the_wrong_size_is_refused(void **state)
{
	(void)state;
	const struct kiln_spec_value value = {.id = 0, .size = 8, .value = 1};
	gpu_refused(create(&(struct kiln_kernel_params){.spirv = spec_spv,
	                                                .spirv_bytes = sizeof spec_spv,
	                                                .spec = &value,
	                                                .spec_count = 1}),
	            KILN_ERR_SPECIALIZATION);
	gpu_assert_usable();
}

static void specialisation_given_twice_is_refused(void **state)
{
	(void)state;
	const struct kiln_spec_value values[] = {{0, 4, 1}, {0, 4, 2}};
	gpu_refused(create(&(struct kiln_kernel_params){.spirv = spec_spv,
	                                                .spirv_bytes = sizeof spec_spv,
	                                                .spec = values,
	                                                .spec_count = 2}),
	            KILN_OK);
	gpu_assert_usable();
}

static void workgroup_beyond_the_limits_is_refused(void **state)
{
	(void)state;
	struct kiln_kernel_params params = {.spirv = spec_spv, .spirv_bytes = sizeof spec_spv};
	for (int i = 0; i < 3; i++) {
		memset(params.workgroup, 0, sizeof params.workgroup);
		params.workgroup[i] = gpu_info()->max_workgroup_size[i] + 1;
		gpu_refused(create(&params), KILN_ERR_WORKGROUP_LIMIT);
	}
	params.workgroup[0] = gpu_info()->max_workgroup_threads;
	params.workgroup[1] = 2;
	params.workgroup[2] = 1;
	gpu_refused(create(&params), KILN_ERR_WORKGROUP_LIMIT);
	params.workgroup[0] = params.workgroup[1] = params.workgroup[2] =
		0x80000000u; /* the product wraps to 0 */
	gpu_refused(create(&params), KILN_ERR_WORKGROUP_LIMIT);
	gpu_assert_usable();
}

static void fixed_workgroup_beyond_the_limits_is_refused(void **state)
{
	(void)state;
	gpu_refused(create_words(wide_spv, sizeof wide_spv), KILN_ERR_WORKGROUP_LIMIT);
	gpu_assert_usable();
}

static void workgroup_wish_against_a_fixed_size_is_refused(void **state)
{
	(void)state;
	gpu_refused(create(&(struct kiln_kernel_params){.spirv = reduce_spv,
	                                                .spirv_bytes = sizeof reduce_spv,
	                                                .workgroup = {128, 1, 1}}),
	            KILN_OK);
	gpu_assert_usable();
}

static void bad_arguments_are_refused(void **state)
{
	(void)state;
	struct kiln_kernel *kernel = NULL;
	struct kiln_kernel_params good = {.spirv = saxpy_spv, .spirv_bytes = sizeof saxpy_spv};
	gpu_refused(kiln_kernel_create(NULL, &good, &kernel), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_kernel_create(gpu_device, NULL, &kernel), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(kiln_kernel_create(gpu_device, &good, NULL), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(create_words(NULL, 1000), KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(create_words((const uint32_t *)((const char *)saxpy_spv + 2), sizeof saxpy_spv - 4),
	            KILN_ERR_INVALID_ARGUMENT);
	gpu_refused(create(&(struct kiln_kernel_params){.spirv = saxpy_spv,
	                                                .spirv_bytes = sizeof saxpy_spv,
	                                                .spec_count = 3}),
	            KILN_ERR_INVALID_ARGUMENT);
	assert_null(kernel);
	kiln_kernel_destroy(NULL);
	kiln_kernel_destroy(&kernel);
	gpu_assert_usable();
}

static void every_flipped_bit_is_refused_or_reflected_without_harm(void **state)
{
	(void)state;
	uint32_t *words = copy();
	for (size_t i = 0; i < sizeof saxpy_spv / 4; i++) {
		for (unsigned bit = 0; bit < 32; bit += 5) {
			struct kiln_reflection *reflection = NULL;
			words[i] ^= 1u << bit;
			if (kiln_reflect(words, sizeof saxpy_spv, &reflection) == KILN_OK)
				kiln_reflection_destroy(&reflection);
			words[i] ^= 1u << bit;
		}
	}
	free(words);
	gpu_assert_usable();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(absurd_lengths_are_refused),
		cmocka_unit_test(bad_arguments_are_refused),
		cmocka_unit_test(byte_swapped_module_is_refused),
		cmocka_unit_test(capability_the_device_lacks_is_refused),
		cmocka_unit_test(every_flipped_bit_is_refused_or_reflected_without_harm),
		cmocka_unit_test(fixed_workgroup_beyond_the_limits_is_refused),
		cmocka_unit_test(missing_entry_point_is_refused),
		cmocka_unit_test(module_cut_at_any_word_is_refused),
		cmocka_unit_test(module_cut_inside_a_word_is_refused),
		cmocka_unit_test(specialisation_given_twice_is_refused),
		cmocka_unit_test(specialisation_of_the_wrong_size_is_refused),
		cmocka_unit_test(unknown_specialisation_id_is_refused),
		cmocka_unit_test(workgroup_beyond_the_limits_is_refused),
		cmocka_unit_test(workgroup_wish_against_a_fixed_size_is_refused),
		cmocka_unit_test(wrong_magic_is_refused),
	};
	return GPU_MAIN("refuse_kernel", tests, true);
}
