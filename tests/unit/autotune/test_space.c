#include "search_test.h"

#include <string.h>

#include <autotune/space.h>

#include "failing_alloc.h"

static struct kiln_space *make(const struct kiln_space_params *params)
{
	struct kiln_space *space = NULL;

	assert_status(kiln_space_create(params, &space), KILN_OK);
	return space;
}

static struct kiln_space_axis axis(uint32_t roles, uint32_t id, uint32_t value, uint32_t low, uint32_t high)
{
	struct kiln_space_axis made = {.roles = roles,
	                               .has_constant = true,
	                               .id = id,
	                               .default_value = value};

	kiln_space_powers(&made, low, high);
	return made;
}

static void the_default_is_first_and_every_limit_holds(void **state)
{
	const struct kiln_space_axis axes[] = {axis(KILN_ROLE_WORKGROUP_X, 0, 64, 1, 1024),
	                                       axis(KILN_ROLE_WORKGROUP_Y, 1, 1, 1, 1024),
	                                       axis(KILN_ROLE_UNROLL, 2, 1, 1, 8)};
	struct kiln_space *space = make(&(struct kiln_space_params){.axes = axes,
	                                                            .axis_count = 3,
	                                                            .max_workgroup = {256, 128, 64},
	                                                            .max_threads = 512});

	(void)state;
	assert_int_equal(kiln_space_config(space, 0)->workgroup[0], 64);
	assert_int_equal(kiln_space_config(space, 0)->unroll, 1);
	assert_true(kiln_space_count(space) > 100);
	for (size_t i = 0; i < kiln_space_count(space); i++) {
		const struct kiln_tune_config *config = kiln_space_config(space, i);

		assert_true(config->workgroup[0] <= 256 && config->workgroup[1] <= 128);
		assert_true(config->workgroup[0] * config->workgroup[1] <= 512);
		assert_int_equal(config->workgroup[2], 1);
		assert_int_equal(config->constant_count, 3);
		assert_int_equal(config->constants[2].id, 2);
		assert_int_equal(config->constants[2].value, config->unroll);
	}
	kiln_space_destroy(&space);
	assert_null(space);
}

static bool odd_sum(void *user, const struct kiln_tune_config *config)
{
	(void)user;
	return (config->workgroup[0] + config->unroll) % 2 == 1;
}

static uint64_t shared(void *user, const struct kiln_tune_config *config)
{
	(void)user;
	return config->tile[0] == 8 ? UINT64_MAX : 4 * config->tile[0] * config->tile[1];
}

static void rules_shared_memory_and_the_caller_cut(void **state)
{
	const struct kiln_space_axis axes[] = {axis(KILN_ROLE_WORKGROUP_X, 0, 8, 1, 64),
	                                       axis(KILN_ROLE_TILE_X | KILN_ROLE_TILE_Y, 1, 16, 1, 64)};
	const struct kiln_space_axis plain[] = {axis(KILN_ROLE_WORKGROUP_X, 0, 8, 1, 64),
	                                        axis(KILN_ROLE_UNROLL, 1, 1, 1, 4)};
	const struct kiln_space_rule rules[] = {{.axis = 0, .of = 1},
	                                        {.axis = 1, .of = KILN_SPACE_NONE, .number = 96}};
	struct kiln_space *space = make(&(struct kiln_space_params){.axes = axes,
	                                                            .axis_count = 2,
	                                                            .rules = rules,
	                                                            .rule_count = 2,
	                                                            .shared_bytes = shared,
	                                                            .max_shared_bytes = 2048});

	(void)state;
	for (size_t i = 0; i < kiln_space_count(space); i++) {
		const struct kiln_tune_config *config = kiln_space_config(space, i);

		assert_int_equal(config->tile[0] % config->workgroup[0], 0);
		assert_int_equal(96 % config->tile[0], 0);
		assert_int_equal(config->tile[0], config->tile[1]);
		assert_int_equal(config->tile[2], 1);
		assert_true(config->tile[0] <= 16 && config->tile[0] != 8);
	}
	assert_int_equal(kiln_space_count(space), 5 + 3 + 2 + 1); /* tiles of 16, 4, 2 and 1 */
	kiln_space_destroy(&space);
	space = make(&(struct kiln_space_params){.axes = plain, .axis_count = 2, .allow = odd_sum});
	for (size_t i = 0; i < kiln_space_count(space); i++)
		assert_true(odd_sum(NULL, kiln_space_config(space, i)));
	kiln_space_destroy(&space);
}

static void a_default_beyond_the_limits_stays(void **state)
{
	const struct kiln_space_axis axes[] = {axis(KILN_ROLE_WORKGROUP_X, 0, 100, 32, 1024)};
	struct kiln_space *space =
		make(&(struct kiln_space_params){.axes = axes, .axis_count = 1, .max_threads = 64});

	(void)state;
	assert_int_equal(kiln_space_count(space), 3);
	assert_int_equal(kiln_space_config(space, 0)->workgroup[0], 100);
	kiln_space_destroy(&space);
}

static void a_huge_space_is_cut_the_same_way_every_time(void **state)
{
	struct kiln_space_axis axes[KILN_SPACE_AXES];
	struct kiln_space *space, *again;

	(void)state;
	for (size_t i = 0; i < KILN_SPACE_AXES; i++) {
		axes[i] =
			(struct kiln_space_axis){.id = (uint32_t)i, .has_constant = true, .default_value = 7};
		for (uint32_t v = 0; v < KILN_SPACE_VALUES; v++)
			axes[i].values[axes[i].value_count++] = UINT32_MAX - 3 * v;
	}
	space = make(&(struct kiln_space_params){.axes = axes,
	                                         .axis_count = KILN_SPACE_AXES,
	                                         .max_configs = 100});
	again = make(&(struct kiln_space_params){.axes = axes,
	                                         .axis_count = KILN_SPACE_AXES,
	                                         .max_configs = 100});
	assert_int_equal(kiln_space_count(space), 100);
	assert_true(kiln_space_dropped(space) > 0);
	for (size_t i = 0; i < 100; i++)
		assert_memory_equal(kiln_space_config(space, i), kiln_space_config(again, i),
		                    sizeof(struct kiln_tune_config));
	for (size_t i = 0; i < KILN_SPACE_AXES; i++)
		assert_int_equal(kiln_space_config(space, 0)->constants[i].value, 7);
	kiln_space_destroy(&space);
	kiln_space_destroy(&again);
}

static void the_start_follows_the_device_class(void **state)
{
	const struct kiln_space_axis axes[] = {axis(KILN_ROLE_WORKGROUP_X, 0, 1024, 1, 1024)};
	struct kiln_space_params params = {.axes = axes,
	                                   .axis_count = 1,
	                                   .device = KILN_SPACE_CPU,
	                                   .subgroup_size = 8};
	const struct {
		enum kiln_space_device device;
		uint32_t subgroup, threads;
	} cases[] = {{KILN_SPACE_CPU, 8, 16},
	             {KILN_SPACE_CPU, 4, 8},
	             {KILN_SPACE_INTEGRATED, 16, 64},
	             {KILN_SPACE_DISCRETE, 32, 128},
	             {KILN_SPACE_DISCRETE, 64, 256}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct kiln_space *space;

		params.device = cases[i].device;
		params.subgroup_size = cases[i].subgroup;
		space = make(&params);
		assert_int_equal(kiln_space_config(space, kiln_space_start(space))->workgroup[0],
		                 cases[i].threads);
		kiln_space_destroy(&space);
	}
}

static void simpler_ones_come_first(void **state)
{
	const struct kiln_space_axis axes[] = {axis(KILN_ROLE_WORKGROUP_X, 0, 64, 1, 1024),
	                                       axis(KILN_ROLE_UNROLL, 1, 1, 1, 8)};
	struct kiln_space *space = make(&(struct kiln_space_params){.axes = axes, .axis_count = 2});
	unsigned differing = 0;

	(void)state;
	for (size_t i = 0; i < kiln_space_count(space); i++) {
		const struct kiln_tune_config *config = kiln_space_config(space, i);
		unsigned now = (config->workgroup[0] != 64) + (config->unroll != 1);

		assert_true(now >= differing);
		differing = now;
	}
	assert_int_equal(differing, 2);
	kiln_space_destroy(&space);
}

static void steps_lead_to_neighbours_and_back(void **state)
{
	const struct kiln_space_axis axes[] = {axis(KILN_ROLE_UNROLL, 1, 1, 1, 8),
	                                       axis(KILN_ROLE_WORKGROUP_X, 0, 64, 32, 128)};
	struct kiln_space *space = make(&(struct kiln_space_params){.axes = axes, .axis_count = 2});
	size_t up = kiln_space_step(space, 0, 0, 1), wide = kiln_space_step(space, up, 1, 1);

	(void)state;
	/* The workgroup is the first axis to walk, wherever the caller put it. */
	assert_int_equal(kiln_space_config(space, up)->workgroup[0], 128);
	assert_int_equal(kiln_space_config(space, wide)->unroll, 2);
	assert_int_equal(kiln_space_step(space, up, 0, 1), KILN_SPACE_NONE);
	assert_int_equal(kiln_space_step(space, up, 0, -1), 0);
	assert_int_equal(kiln_space_distance(space, 0, wide), 2);
	assert_int_equal(kiln_space_find(space, kiln_space_config(space, wide)), wide);
	assert_int_equal(kiln_space_find(space, &(struct kiln_tune_config){.unroll = 77}), KILN_SPACE_NONE);
	kiln_space_destroy(&space);
}

static void nonsense_is_refused(void **state)
{
	struct kiln_space_axis zero = {.roles = KILN_ROLE_WORKGROUP_X, .default_value = 0};
	struct kiln_space_axis many = {.default_value = 1, .value_count = KILN_SPACE_VALUES + 1};
	const struct kiln_space_axis fine = axis(KILN_ROLE_UNROLL, 0, 1, 1, 4);
	const struct kiln_space_rule rule = {.axis = 1, .of = KILN_SPACE_NONE, .number = 4};
	struct kiln_space *space = NULL;

	(void)state;
	assert_status(kiln_space_create(NULL, &space), KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_space_create(&(struct kiln_space_params){0}, &space), KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_space_create(&(struct kiln_space_params){.axes = &zero, .axis_count = 1}, &space),
	              KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_space_create(&(struct kiln_space_params){.axes = &many, .axis_count = 1}, &space),
	              KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_space_create(&(struct kiln_space_params){.axes = &fine, .axis_count = 13}, &space),
	              KILN_ERR_INVALID_ARGUMENT);
	assert_status(kiln_space_create(&(struct kiln_space_params){.axes = &fine,
	                                                            .axis_count = 1,
	                                                            .rules = &rule,
	                                                            .rule_count = 1},
	                                &space),
	              KILN_ERR_INVALID_ARGUMENT);
	assert_null(space);
}

static void every_failing_allocation_is_an_error(void **state)
{
	const struct kiln_space_axis fine = axis(KILN_ROLE_UNROLL, 0, 1, 1, 4);

	(void)state;
	for (unsigned n = 1;; n++) {
		struct kiln_space *space = NULL;
		enum kiln_status status;

		failing_alloc_begin(n);
		status = kiln_space_create(&(struct kiln_space_params){.axes = &fine, .axis_count = 1},
		                           &space);
		kiln_space_destroy(&space);
		if (!failing_alloc_end())
			break;
		assert_status(status, KILN_ERR_OUT_OF_MEMORY);
	}
}

static void a_configuration_can_be_read(void **state)
{
	const struct kiln_tune_config config =
		{{8, 4, 1}, 2, {16, 16, 1}, 2, {{.id = 3, .value = 8, .named = true}, {.id = 9, .value = 8}}};
	char text[64];

	(void)state;
	assert_int_equal(kiln_tune_config_text(&config, text, sizeof(text)), 32);
	assert_string_equal(text, "8x4x1 unroll 2 tile 16x16x1 #9=8");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_default_is_first_and_every_limit_holds),
		cmocka_unit_test(rules_shared_memory_and_the_caller_cut),
		cmocka_unit_test(a_default_beyond_the_limits_stays),
		cmocka_unit_test(a_huge_space_is_cut_the_same_way_every_time),
		cmocka_unit_test(the_start_follows_the_device_class),
		cmocka_unit_test(simpler_ones_come_first),
		cmocka_unit_test(steps_lead_to_neighbours_and_back),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(every_failing_allocation_is_an_error),
		cmocka_unit_test(a_configuration_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
