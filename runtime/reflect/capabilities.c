/* What the module declares it needs, as questions. */
#include "module.h"

bool kiln_spirv_has_capability(const struct spirv_module *module, uint32_t capability)
{
	if (capability < 512)
		return (module->capability_seen[capability / 64] >> (capability % 64) & 1) != 0;
	capability -= 4096;
	return (module->capability_seen_high[capability / 64] >> (capability % 64) & 1) != 0;
}

bool kiln_spirv_has_subgroups(const struct spirv_module *module)
{
	static const uint32_t subgroup[] = {
		SpvCapabilityGroups,
		SpvCapabilitySubgroupBallotKHR,
		SpvCapabilitySubgroupVoteKHR,
		SpvCapabilityGroupNonUniformPartitionedNV,
		SpvCapabilityGroupNonUniformRotateKHR,
		SpvCapabilitySubgroupShuffleINTEL,
		SpvCapabilityGroupUniformArithmeticKHR,
	};

	for (uint32_t capability = SpvCapabilityGroupNonUniform;
	     capability <= SpvCapabilityGroupNonUniformQuad; capability++)
		if (kiln_spirv_has_capability(module, capability))
			return true;
	for (size_t i = 0; i < sizeof(subgroup) / sizeof(subgroup[0]); i++)
		if (kiln_spirv_has_capability(module, subgroup[i]))
			return true;
	return false;
}
