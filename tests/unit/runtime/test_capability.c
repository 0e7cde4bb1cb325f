/* What SPIR-V a device may be given, on invented devices. */
#include "test.h"

#include <string.h>

#include <spirv/unified1/spirv.h>

#include "capability.h"

static struct kiln_capability_set set_of(uint32_t api_version)
{
	return (struct kiln_capability_set){.api_version = api_version};
}

static enum kiln_status check(const struct kiln_capability_set *set, const struct kiln_reflection *reflection)
{
	enum kiln_status status = kiln_capability_check(set, reflection, "k", "d");

	if (status != KILN_OK)
		assert_non_null(strstr(kiln_error_message(), "Fix: "));
	return status;
}

static void each_vulkan_version_takes_its_spirv_version(void **state)
{
	static const struct {
		uint32_t api, most;
	} rows[] = {
		{VK_API_VERSION_1_1, 0x10300}, {VK_API_VERSION_1_2, 0x10500}, {VK_API_VERSION_1_3, 0x10600},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kiln_capability_set set = set_of(rows[i].api);
		struct kiln_reflection reflection = {.version = rows[i].most};

		assert_int_equal(check(&set, &reflection), KILN_OK);
		reflection.version += 0x100;
		assert_int_equal(check(&set, &reflection), KILN_ERR_SPIRV_CAPABILITY);
	}
}

static void a_size_given_by_ids_needs_maintenance4(void **state)
{
	static const uint32_t words[] = {
		SpvMagicNumber, 0x10300, 0, 10, 0,
		2u << 16 | SpvOpCapability, SpvCapabilityShader,
		6u << 16 | SpvOpExecutionModeId, 1, SpvExecutionModeLocalSizeId, 2, 3, 4,
		5u << 16 | SpvOpFunction, 5, 1, 0, 6,
	};
	struct kiln_capability_set set = set_of(VK_API_VERSION_1_1);
	struct kiln_reflection reflection = {.version = 0x10300, .words = words, .word_count = sizeof(words) / 4};

	(void)state;
	assert_int_equal(check(&set, &reflection), KILN_ERR_SPIRV_CAPABILITY);
	assert_non_null(strstr(kiln_error_message(), "maintenance4"));
	set.features.v13.maintenance4 = 1;
	assert_int_equal(check(&set, &reflection), KILN_OK);
}

static void a_capability_needs_its_feature(void **state)
{
	uint32_t capability = SpvCapabilityInt64;
	struct kiln_capability_set set = set_of(VK_API_VERSION_1_3);
	struct kiln_reflection reflection = {.version = 0x10000, .capabilities = &capability, .capability_count = 1};

	(void)state;
	assert_int_equal(check(&set, &reflection), KILN_ERR_SPIRV_CAPABILITY);
	assert_non_null(strstr(kiln_error_message(), "shaderInt64"));
	set.features.core.features.shaderInt64 = 1;
	assert_int_equal(check(&set, &reflection), KILN_OK);
}

static void a_capability_unknown_to_vulkan_is_refused(void **state)
{
	static const uint32_t unknown[] = {SpvCapabilityKernel, SpvCapabilitySampledRect, 0x7fff0000};
	struct kiln_capability_set set;

	(void)state;
	memset(&set, 0xff, sizeof(set)); /* a device that has everything */
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		struct kiln_reflection reflection = {.version = 0x10000, .capabilities = &unknown[i], .capability_count = 1};

		assert_int_equal(check(&set, &reflection), KILN_ERR_SPIRV_CAPABILITY);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_vulkan_version_takes_its_spirv_version),
		cmocka_unit_test(a_size_given_by_ids_needs_maintenance4),
		cmocka_unit_test(a_capability_needs_its_feature),
		cmocka_unit_test(a_capability_unknown_to_vulkan_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
