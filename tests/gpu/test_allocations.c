/* Every allocation of a device's whole life fails once: a status each time, nothing leaks, everything works afterwards. */
#include "harness.h"

#include <stdatomic.h>

#include <base/alloc.h>

#include "saxpy_spv.h"

static atomic_uint allocations;
static unsigned fail_at;

static int allow(void *user)
{
	(void)user;
	return atomic_fetch_add(&allocations, 1) + 1 != fail_at;
}

struct objects {
	struct kiln_device *device;
	struct kiln_kernel *kernel;
	struct kiln_buffer *x, *y;
};

static enum kiln_status launch_and_read(struct objects *o, bool *out_right)
{
	const struct { uint32_t n; float a; } push = { 100, 2.0f };
	float ones[100], got[100];
	for (int i = 0; i < 100; i++)
		ones[i] = 1.0f;
	const struct kiln_buffer_params params = { .bytes = sizeof ones, .contents = ones };
	KILN_TRY(kiln_buffer_create(o->device, &params, &o->x));
	KILN_TRY(kiln_buffer_create(o->device, &params, &o->y));
	KILN_TRY(kiln_launch(o->kernel, &(struct kiln_launch_params){
						.threads = { 100 }, .buffers = { o->x, o->y }, .push = &push, .push_bytes = sizeof push }));
	KILN_TRY(kiln_buffer_read(o->y, 0, got, sizeof got));
	for (int i = 0; i < 100; i++)
		*out_right &= got[i] == 3.0f;
	return KILN_OK;
}

static enum kiln_status whole_life(struct kiln_cache *cache, struct objects *o, bool *out_right)
{
	struct kiln_build build;
	const struct kiln_device_params device = { .cache = cache, .validation = KILN_VALIDATION_OFF };
	const struct kiln_spec_value spec = { .id = 0, .size = 4, .value = 64 };
	const struct kiln_kernel_params kernel = {
		.spirv = saxpy_spv, .spirv_bytes = sizeof saxpy_spv, .spec = &spec, .spec_count = 1,
	};
	KILN_TRY(kiln_device_open(&device, &o->device));
	KILN_TRY(kiln_kernel_create(o->device, &kernel, &o->kernel));
	KILN_TRY(kiln_kernel_resolve(o->kernel, &build));
	*out_right = build.policy && build.policy[0];
	(void)kiln_kernel_manifest(o->kernel);
	return kiln_device_info(o->device)->can_launch ? launch_and_read(o, out_right) : KILN_OK;
}

static void every_allocation_may_fail(void **state)
{
	(void)state;
	char *root = gpu_folder();
	unsigned refused = 0;
	for (fail_at = 1;; fail_at++) {
		struct kiln_cache *cache = NULL;
		struct objects o = { 0 };
		bool right = true, failed;
		gpu_ok(kiln_cache_open(&(struct kiln_cache_params){ .root = root, .mode = KILN_CACHE_READ_WRITE }, &cache));
		allocations = 0;
		kiln_alloc_hook(allow, NULL);
		enum kiln_status status = whole_life(cache, &o, &right);
		kiln_buffer_destroy(&o.x);
		kiln_buffer_destroy(&o.y);
		kiln_kernel_destroy(&o.kernel);
		kiln_device_close(&o.device);
		kiln_alloc_hook(NULL, NULL);
		failed = allocations >= fail_at;
		kiln_cache_close(&cache);
		assert_true(right);
		if (!failed) {
			gpu_ok(status);
			break;
		}
		if (status != KILN_OK)
			gpu_refused(status, KILN_ERR_OUT_OF_MEMORY);
		refused += status != KILN_OK;
	}
	print_message("%u allocations, %u of them indispensable\n", fail_at - 1, refused);
	assert_true(refused > 10);
	gpu_assert_usable();
	free(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_allocation_may_fail),
	};
	return GPU_MAIN("allocations", tests, true);
}
