/* A kernel at the configurations of a tuner, and at those of records: what is compiled, under which key, and what is refused. */
#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "kernel.h"
#include "kernel_variant.h"
#include "tune_variant.h"

#include "literal_spv.h"
#include "reduce_spv.h"
#include "tile_spv.h"

static struct kiln_kernel *literal(struct kiln_kernel_params params)
{
	struct kiln_kernel *kernel = NULL;

	params.spirv = literal_spv;
	params.spirv_bytes = sizeof(literal_spv);
	gpu_ok(kiln_kernel_create(gpu_device, &params, &kernel));
	return kernel;
}

static void assert_counts(struct kiln_kernel *kernel, uint32_t n)
{
	struct kiln_buffer *out = gpu_buffer((uint64_t)n * 4, NULL);
	uint32_t *got;

	gpu_ok(kiln_launch(kernel, &(struct kiln_launch_params){
					   .threads = {n}, .buffers = {out}, .push = &n, .push_bytes = sizeof(n)}));
	got = gpu_read(out, n);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(got[i], i * 3 + 1);
	free(got);
	kiln_buffer_destroy(&out);
}

static void literal_size_is_changed_where_the_caller_allows_it(void **state)
{
	static const uint32_t sizes[] = {1, 16, 64, 100, 128};
	struct kiln_kernel *plain = literal((struct kiln_kernel_params){.guarded = true});
	struct kiln_build was, is;

	(void)state;
	gpu_ok(kiln_kernel_describe(plain, &was));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct kiln_kernel *kernel = literal((struct kiln_kernel_params){
			.guarded = true, .resizable = true, .workgroup = {sizes[i]}});

		gpu_ok(kiln_kernel_resolve(kernel, &is));
		assert_int_equal(is.workgroup[0], sizes[i]);
		assert_memory_equal(&is.tune_key, &was.tune_key, sizeof(is.tune_key));
		assert_int_equal(memcmp(&is.identity.program, &was.identity.program, sizeof(is.identity.program)) == 0,
		                 sizes[i] == 64);
		if (gpu_info()->can_launch)
			assert_counts(kernel, 1000);
		kiln_kernel_destroy(&kernel);
	}
	kiln_kernel_destroy(&plain);
}

static void literal_size_stays_where_the_kernel_depends_on_it(void **state)
{
	struct kiln_kernel *kernel = NULL;
	struct kiln_kernel_params params = {
		.spirv = literal_spv, .spirv_bytes = sizeof(literal_spv), .workgroup = {32}};

	(void)state;
	gpu_refused(kiln_kernel_create(gpu_device, &params, &kernel), KILN_ERR_INVALID_ARGUMENT);
	assert_null(kernel);
}

/* ---- Configurations ---- */

static struct kiln_kernel *tiled(struct kiln_device *device, const struct kiln_spec_value *spec, size_t count)
{
	struct kiln_kernel *kernel = NULL;
	struct kiln_kernel_params params = {
		.spirv = tile_spv, .spirv_bytes = sizeof(tile_spv), .spec = spec, .spec_count = count};

	gpu_ok(kiln_kernel_create(device, &params, &kernel));
	return kernel;
}

static uint64_t constant_of(const struct kiln_pipeline_key *key, uint32_t id)
{
	for (size_t i = 0; i < key->spec_count; i++)
		if (key->spec[i].id == id)
			return key->spec[i].value;
	return 0;
}

static struct kiln_tune_config config_of(uint32_t x, uint32_t tile_x, uint32_t tile_y)
{
	return (struct kiln_tune_config){
		.workgroup = {x},
		.constant_count = 2,
		.constants = {{1, tile_x}, {2, tile_y}},
	};
}

static void variant_is_what_its_configuration_says(void **state)
{
	struct kiln_kernel *kernel = tiled(gpu_device, NULL, 0);
	struct kiln_tune_config config = config_of(32, 8, 16);
	struct kiln_variant *variant = NULL, *again = NULL;

	(void)state;
	gpu_ok(kiln_tune_variant_create(kernel, &config, &variant));
	assert_int_equal(variant->key.workgroup[0], 32);
	assert_int_equal(constant_of(&variant->key, 0), 32);
	assert_int_equal(constant_of(&variant->key, 1), 8);
	assert_int_equal(constant_of(&variant->key, 2), 16);
	assert_int_equal(variant->interface.entry->shared_bytes, 8 * 16 * 4);
	assert_null(variant->program);
	gpu_ok(kiln_kernel_ready(kernel, variant));
	assert_non_null(atomic_load(&variant->pipeline));
	gpu_ok(kiln_tune_variant_create(kernel, &config, &again));
	assert_memory_equal(&again->identity, &variant->identity, sizeof(again->identity));
	gpu_ok(kiln_kernel_ready(kernel, again));
	assert_int_equal(again->resolution.outcome, KILN_OUTCOME_MEMORY);
	kiln_tune_variant_destroy(kernel, &variant);
	kiln_tune_variant_destroy(kernel, &again);
	assert_null(again);
	kiln_kernel_destroy(&kernel);
}

static void resized_variant_has_a_program_of_its_own(void **state)
{
	struct kiln_kernel *kernel = literal((struct kiln_kernel_params){.guarded = true, .resizable = true});
	struct kiln_tune_config config = {.workgroup = {128}};
	struct kiln_variant *variant = NULL;

	(void)state;
	gpu_ok(kiln_tune_variant_create(kernel, &config, &variant));
	assert_non_null(variant->program);
	assert_int_equal(variant->interface.entry->workgroup[0].size, 128);
	assert_true(kiln_digest_equal(&variant->key.program, &variant->program->reflection->program));
	assert_false(kiln_digest_equal(&variant->key.program, &kernel->program->reflection->program));
	gpu_ok(kiln_kernel_ready(kernel, variant));
	kiln_tune_variant_destroy(kernel, &variant);
	kiln_kernel_destroy(&kernel);
}

static void configuration_that_cannot_be_is_refused(void **state)
{
	struct kiln_kernel *kernel = tiled(gpu_device, NULL, 0), *fixed;
	struct kiln_tune_config large = config_of(32, 1024, 1024), wide = config_of(1u << 20, 4, 4);
	struct kiln_tune_config unknown = {.constant_count = 1, .constants = {{9, 1}}};
	struct kiln_tune_config real = {.constant_count = 1, .constants = {{4, 1}}};
	struct kiln_tune_config flat = {.workgroup = {64, 2, 1}};
	struct kiln_variant *variant = NULL;
	struct kiln_kernel_params reduce = {
		.spirv = reduce_spv, .spirv_bytes = sizeof(reduce_spv), .resizable = true};

	(void)state;
	gpu_refused(kiln_tune_variant_create(kernel, &large, &variant), KILN_ERR_WORKGROUP_LIMIT);
	gpu_refused(kiln_tune_variant_create(kernel, &wide, &variant), KILN_ERR_WORKGROUP_LIMIT);
	gpu_refused(kiln_tune_variant_create(kernel, &unknown, &variant), KILN_ERR_SPECIALIZATION);
	gpu_refused(kiln_tune_variant_create(kernel, &real, &variant), KILN_ERR_SPECIALIZATION);
	gpu_refused(kiln_tune_variant_create(kernel, &flat, &variant), KILN_ERR_UNSUPPORTED);
	assert_null(variant);
	kiln_kernel_destroy(&kernel);
	gpu_ok(kiln_kernel_create(gpu_device, &reduce, &fixed));
	if (!kiln_kernel_entry(fixed)->workgroup[0].specialised)
		gpu_refused(kiln_tune_variant_create(fixed, &(struct kiln_tune_config){.workgroup = {32}}, &variant),
		            KILN_ERR_UNSUPPORTED);
	kiln_kernel_destroy(&fixed);
}

/* ---- Records ---- */

struct recorded {
	struct kiln_store *store;
	struct kiln_device *device;
	char *folder;
};

static void open_recorded(struct recorded *recorded)
{
	char path[600];

	recorded->folder = gpu_folder();
	snprintf(path, sizeof(path), "%s/autotune.toml", recorded->folder);
	gpu_ok(kiln_store_open(path, &recorded->store));
	recorded->device =
		gpu_open(&(struct kiln_device_params){.store = recorded->store, .no_cache = true});
}

static void close_recorded(struct recorded *recorded)
{
	gpu_close(&recorded->device);
	kiln_store_close(&recorded->store);
	free(recorded->folder);
}

static void record(const struct recorded *recorded, const struct kiln_kernel *kernel, uint32_t x, uint32_t tile_x,
                   uint32_t tile_y)
{
	struct kiln_tune_record record = {
		.key = kiln_kernel_tune_key(kernel, KILN_TUNE_ANY_SIZE),
		.adapter = kiln_device_info(recorded->device)->adapter,
		.workgroup_size = {x, 1, 1},
		.unroll = 2,
		.tile = {tile_x, tile_y, tile_x ? 1 : 0},
		.status = KILN_TUNE_TUNED,
	};

	gpu_ok(kiln_store_put(recorded->store, &record));
}

static void record_sets_workgroup_tile_and_unroll(void **state)
{
	struct recorded recorded;
	struct kiln_kernel *kernel;
	struct kiln_build build;

	(void)state;
	open_recorded(&recorded);
	kernel = tiled(recorded.device, NULL, 0);
	record(&recorded, kernel, 32, 8, 16);
	kiln_kernel_destroy(&kernel);
	kernel = tiled(recorded.device, NULL, 0);
	gpu_ok(kiln_kernel_resolve(kernel, &build));
	assert_int_equal(build.workgroup_source, KILN_WORKGROUP_STORE);
	assert_int_equal(build.workgroup[0], 32);
	assert_int_equal(constant_of(build.key, 1), 8);
	assert_int_equal(constant_of(build.key, 2), 16);
	assert_int_equal(constant_of(build.key, 3), 2);
	kiln_kernel_destroy(&kernel);
	close_recorded(&recorded);
}

static void record_without_a_tile_leaves_the_kernels(void **state)
{
	struct recorded recorded;
	struct kiln_kernel *kernel;
	struct kiln_build build;

	(void)state;
	open_recorded(&recorded);
	kernel = tiled(recorded.device, NULL, 0);
	record(&recorded, kernel, 32, 0, 0);
	kiln_kernel_destroy(&kernel);
	kernel = tiled(recorded.device, NULL, 0);
	gpu_ok(kiln_kernel_describe(kernel, &build));
	assert_int_equal(build.workgroup_source, KILN_WORKGROUP_STORE);
	assert_int_equal(constant_of(build.key, 1), 0);
	assert_int_equal(constant_of(build.key, 3), 2);
	kiln_kernel_destroy(&kernel);
	close_recorded(&recorded);
}

/* A record may be wrong for this device or edited by hand: it is passed over, and said to be. */
static void record_that_cannot_be_is_passed_over(void **state)
{
	struct recorded recorded;
	struct kiln_kernel *kernel;
	struct kiln_build build;

	(void)state;
	open_recorded(&recorded);
	kernel = tiled(recorded.device, NULL, 0);
	record(&recorded, kernel, 32, 1024, 1024);
	kiln_kernel_destroy(&kernel);
	kernel = tiled(recorded.device, NULL, 0);
	gpu_ok(kiln_kernel_resolve(kernel, &build));
	assert_int_equal(build.workgroup_source, KILN_WORKGROUP_KERNEL);
	assert_int_equal(build.workgroup[0], 64);
	assert_int_equal(constant_of(build.key, 1), 0);
	assert_string_not_equal(build.workgroup_note, "");
	kiln_kernel_destroy(&kernel);
	close_recorded(&recorded);
}

/* What the caller sets is fixed: the tuning of another value is not for it, and a record never changes it. */
static void callers_constants_stand(void **state)
{
	const struct kiln_spec_value unroll = {3, 4, 7};
	struct recorded recorded;
	struct kiln_kernel *kernel;
	struct kiln_build build;

	(void)state;
	open_recorded(&recorded);
	kernel = tiled(recorded.device, NULL, 0);
	record(&recorded, kernel, 32, 8, 16);
	kiln_kernel_destroy(&kernel);
	kernel = tiled(recorded.device, &unroll, 1);
	gpu_ok(kiln_kernel_describe(kernel, &build));
	assert_int_equal(build.workgroup_source, KILN_WORKGROUP_KERNEL);
	record(&recorded, kernel, 16, 8, 16);
	kiln_kernel_destroy(&kernel);
	kernel = tiled(recorded.device, &unroll, 1);
	gpu_ok(kiln_kernel_describe(kernel, &build));
	assert_int_equal(build.workgroup[0], 16);
	assert_int_equal(constant_of(build.key, 3), 7);
	kiln_kernel_destroy(&kernel);
	close_recorded(&recorded);
}

static void buckets_have_keys_of_their_own(void **state)
{
	struct kiln_kernel *kernel = tiled(gpu_device, NULL, 0);
	struct kiln_tune_key any = kiln_kernel_tune_key(kernel, KILN_TUNE_ANY_SIZE);
	struct kiln_tune_key some = kiln_kernel_tune_key(kernel, 21), same = kiln_kernel_tune_key(kernel, 21);

	(void)state;
	assert_memory_not_equal(&any, &some, sizeof(any));
	assert_memory_equal(&same, &some, sizeof(same));
	assert_memory_equal(&any, &kernel->tune_key, sizeof(any));
	kiln_kernel_destroy(&kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_have_keys_of_their_own),
		cmocka_unit_test(callers_constants_stand),
		cmocka_unit_test(configuration_that_cannot_be_is_refused),
		cmocka_unit_test(literal_size_is_changed_where_the_caller_allows_it),
		cmocka_unit_test(literal_size_stays_where_the_kernel_depends_on_it),
		cmocka_unit_test(record_sets_workgroup_tile_and_unroll),
		cmocka_unit_test(record_that_cannot_be_is_passed_over),
		cmocka_unit_test(record_without_a_tile_leaves_the_kernels),
		cmocka_unit_test(resized_variant_has_a_program_of_its_own),
		cmocka_unit_test(variant_is_what_its_configuration_says),
	};

	return GPU_MAIN("tune_variant", tests, true);
}
