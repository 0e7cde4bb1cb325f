#include "test.h"

#include <string.h>

#include <kiln/status.h>

#include "select.h"

#define GIB (1024ull * 1024 * 1024)

enum { LAVAPIPE, NULL_RADV, NVIDIA, NVIDIA_SECOND, INTEL, DISPLAY_ONLY, COUNT };

static void invent(struct kiln_device_info infos[COUNT])
{
	static const struct {
		const char *name;
		enum kiln_device_type type;
		bool compute, launch;
		uint64_t memory;
	} rows[COUNT] = {
		[LAVAPIPE] = {"llvmpipe (LLVM 15.0.6, 256 bits)", KILN_DEVICE_CPU, true, true, 24 * GIB},
		[NULL_RADV] = {"AMD RADV NAVI21", KILN_DEVICE_DISCRETE, true, false, 0},
		[NVIDIA] = {"NVIDIA H200", KILN_DEVICE_DISCRETE, true, true, 140 * GIB},
		[NVIDIA_SECOND] = {"NVIDIA H200", KILN_DEVICE_DISCRETE, true, true, 140 * GIB},
		[INTEL] = {"Intel(R) UHD Graphics", KILN_DEVICE_INTEGRATED, true, true, 16 * GIB},
		[DISPLAY_ONLY] = {"Old Display", KILN_DEVICE_DISCRETE, false, false, 2 * GIB},
	};

	memset(infos, 0, COUNT * sizeof(*infos));
	for (uint32_t i = 0; i < COUNT; i++) {
		infos[i].index = i;
		strncpy(infos[i].name, rows[i].name, sizeof(infos[i].name) - 1);
		infos[i].type = rows[i].type;
		infos[i].can_compute = rows[i].compute;
		infos[i].can_launch = rows[i].launch;
		infos[i].device_memory_bytes = rows[i].memory;
		memset(infos[i].uuid, (int)(0x10 * i + 1), sizeof(infos[i].uuid));
		kiln_device_score(&infos[i]);
	}
}

static size_t selected(const char *select)
{
	struct kiln_device_info infos[COUNT];
	size_t index = COUNT;

	invent(infos);
	assert_int_equal(kiln_device_select(infos, COUNT, select, &index), KILN_OK);
	return index;
}

static enum kiln_status refusal(const char *select)
{
	struct kiln_device_info infos[COUNT];
	size_t index = 99;
	enum kiln_status status;

	invent(infos);
	status = kiln_device_select(infos, COUNT, select, &index);
	assert_int_equal(index, 99);
	assert_non_null(strstr(kiln_error_message(), "Fix:"));
	return status;
}

static void without_a_wish_the_first_of_the_best_is_taken(void **state)
{
	(void)state;
	assert_int_equal(selected(NULL), NVIDIA);
	assert_int_equal(selected(""), NVIDIA);
}

static void a_device_that_launches_beats_one_that_only_compiles(void **state)
{
	struct kiln_device_info infos[COUNT];
	size_t index;

	(void)state;
	invent(infos);
	assert_int_equal(kiln_device_select(infos, 2, NULL, &index), KILN_OK);
	assert_int_equal(index, LAVAPIPE);
	assert_int_equal(kiln_device_select(infos + NULL_RADV, 1, NULL, &index), KILN_OK);
	assert_int_equal(index, 0);
}

static void a_wish_may_be_index_name_uuid_or_kind(void **state)
{
	(void)state;
	assert_int_equal(selected("0"), LAVAPIPE);
	assert_int_equal(selected("3"), NVIDIA_SECOND);
	assert_int_equal(selected("uhd"), INTEL);
	assert_int_equal(selected("LLVMPIPE"), LAVAPIPE);
	assert_int_equal(selected("cpu"), LAVAPIPE);
	assert_int_equal(selected("gpu"), NVIDIA);
	assert_int_equal(selected("31313131-3131-3131-3131-313131313131"), NVIDIA_SECOND);
	assert_int_equal(selected("41414141414141414141414141414141"), INTEL);
}

static void an_index_is_the_loaders_even_in_a_sorted_list(void **state)
{
	struct kiln_device_info infos[COUNT], swapped[2];
	size_t index;

	(void)state;
	invent(infos);
	swapped[0] = infos[NVIDIA];
	swapped[1] = infos[LAVAPIPE];
	assert_int_equal(kiln_device_select(swapped, 2, "0", &index), KILN_OK);
	assert_int_equal(index, 1);
}

static void what_matches_nothing_is_an_error_that_lists_what_there_is(void **state)
{
	(void)state;
	assert_int_equal(refusal("geforce"), KILN_ERR_NO_DEVICE);
	assert_non_null(strstr(kiln_error_message(), "llvmpipe"));
	assert_int_equal(refusal("17"), KILN_ERR_NO_DEVICE);
	assert_int_equal(refusal("ffffffff-ffff-ffff-ffff-ffffffffffff"), KILN_ERR_NO_DEVICE);
}

static void a_device_without_compute_is_refused_by_name(void **state)
{
	(void)state;
	assert_int_equal(refusal("Old"), KILN_ERR_NO_COMPUTE);
	assert_int_equal(refusal("5"), KILN_ERR_NO_COMPUTE);
}

static void the_score_is_explained(void **state)
{
	struct kiln_device_info infos[COUNT];

	(void)state;
	invent(infos);
	assert_string_equal(infos[NVIDIA].why, "10000 for launching, 5000 for a discrete GPU, 140 for GiB of device memory");
	assert_non_null(strstr(infos[NULL_RADV].why, "compiles only"));
	assert_true(infos[DISPLAY_ONLY].score < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_wish_the_first_of_the_best_is_taken),
		cmocka_unit_test(a_device_that_launches_beats_one_that_only_compiles),
		cmocka_unit_test(a_wish_may_be_index_name_uuid_or_kind),
		cmocka_unit_test(an_index_is_the_loaders_even_in_a_sorted_list),
		cmocka_unit_test(what_matches_nothing_is_an_error_that_lists_what_there_is),
		cmocka_unit_test(a_device_without_compute_is_refused_by_name),
		cmocka_unit_test(the_score_is_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
