/* Tables of names for printing and for messages. */
#include <kiln/reflect.h>

#include "spirv_ops.h"

const char *kiln_spec_type_name(uint32_t type)
{
	static const char *const names[] = {
		[KILN_SPEC_BOOL] = "bool", [KILN_SPEC_I8] = "i8",   [KILN_SPEC_U8] = "u8",
		[KILN_SPEC_I16] = "i16",   [KILN_SPEC_U16] = "u16", [KILN_SPEC_I32] = "i32",
		[KILN_SPEC_U32] = "u32",   [KILN_SPEC_I64] = "i64", [KILN_SPEC_U64] = "u64",
		[KILN_SPEC_F16] = "f16",   [KILN_SPEC_F32] = "f32", [KILN_SPEC_F64] = "f64",
		[KILN_SPEC_BF16] = "bf16",
	};

	return type > 0 && type < sizeof(names) / sizeof(names[0]) ? names[type] : "?";
}

/* In the order of SpvImageFormat. */
const char *kiln_image_format_name(uint32_t format)
{
	static const char *const names[] = {
		"unknown",        "rgba32f",     "rgba16f",    "r32f",
		"rgba8",          "rgba8_snorm", "rg32f",      "rg16f",
		"r11f_g11f_b10f", "r16f",        "rgba16",     "rgb10_a2",
		"rg16",           "rg8",         "r16",        "r8",
		"rgba16_snorm",   "rg16_snorm",  "rg8_snorm",  "r16_snorm",
		"r8_snorm",       "rgba32i",     "rgba16i",    "rgba8i",
		"r32i",           "rg32i",       "rg16i",      "rg8i",
		"r16i",           "r8i",         "rgba32ui",   "rgba16ui",
		"rgba8ui",        "r32ui",       "rgb10_a2ui", "rg32ui",
		"rg16ui",         "rg8ui",       "r16ui",      "r8ui",
		"r64ui",          "r64i",
	};

	return format < sizeof(names) / sizeof(names[0]) ? names[format] : "?";
}

const char *kiln_binding_type_name(uint32_t type)
{
	static const char *const names[] = {
		[KILN_BINDING_STORAGE_BUFFER] = "storage_buffer",
		[KILN_BINDING_UNIFORM_BUFFER] = "uniform_buffer",
		[KILN_BINDING_STORAGE_IMAGE] = "storage_image",
		[KILN_BINDING_SAMPLED_IMAGE] = "sampled_image",
		[KILN_BINDING_COMBINED_IMAGE_SAMPLER] = "combined_image_sampler",
		[KILN_BINDING_SAMPLER] = "sampler",
		[KILN_BINDING_UNIFORM_TEXEL_BUFFER] = "uniform_texel_buffer",
		[KILN_BINDING_STORAGE_TEXEL_BUFFER] = "storage_texel_buffer",
		[KILN_BINDING_ACCELERATION_STRUCTURE] = "acceleration_structure",
	};

	return type > 0 && type < sizeof(names) / sizeof(names[0]) ? names[type] : "?";
}

/* Source: the SPIR-V registry, section 3.31; without what only graphics stages or OpenCL can declare. */
static const struct {
	uint32_t value;
	const char *name;
} capabilities[] = {
	{0, "Matrix"},
	{1, "Shader"},
	{4, "Addresses"},
	{5, "Linkage"},
	{6, "Kernel"},
	{9, "Float16"},
	{10, "Float64"},
	{11, "Int64"},
	{12, "Int64Atomics"},
	{18, "Groups"},
	{22, "Int16"},
	{25, "ImageGatherExtended"},
	{27, "StorageImageMultisample"},
	{28, "UniformBufferArrayDynamicIndexing"},
	{29, "SampledImageArrayDynamicIndexing"},
	{30, "StorageBufferArrayDynamicIndexing"},
	{31, "StorageImageArrayDynamicIndexing"},
	{34, "ImageCubeArray"},
	{39, "Int8"},
	{41, "SparseResidency"},
	{42, "MinLod"},
	{43, "Sampled1D"},
	{44, "Image1D"},
	{45, "SampledCubeArray"},
	{46, "SampledBuffer"},
	{47, "ImageBuffer"},
	{48, "ImageMSArray"},
	{49, "StorageImageExtendedFormats"},
	{50, "ImageQuery"},
	{51, "DerivativeControl"},
	{55, "StorageImageReadWithoutFormat"},
	{56, "StorageImageWriteWithoutFormat"},
	{61, "GroupNonUniform"},
	{62, "GroupNonUniformVote"},
	{63, "GroupNonUniformArithmetic"},
	{64, "GroupNonUniformBallot"},
	{65, "GroupNonUniformShuffle"},
	{66, "GroupNonUniformShuffleRelative"},
	{67, "GroupNonUniformClustered"},
	{68, "GroupNonUniformQuad"},
	{71, "UniformDecoration"},
	{4423, "SubgroupBallotKHR"},
	{4428, "WorkgroupMemoryExplicitLayoutKHR"},
	{4429, "WorkgroupMemoryExplicitLayout8BitAccessKHR"},
	{4430, "WorkgroupMemoryExplicitLayout16BitAccessKHR"},
	{4431, "SubgroupVoteKHR"},
	{4433, "StorageBuffer16BitAccess"},
	{4434, "UniformAndStorageBuffer16BitAccess"},
	{4435, "StoragePushConstant16"},
	{4436, "StorageInputOutput16"},
	{4437, "DeviceGroup"},
	{4441, "VariablePointersStorageBuffer"},
	{4442, "VariablePointers"},
	{4448, "StorageBuffer8BitAccess"},
	{4449, "UniformAndStorageBuffer8BitAccess"},
	{4450, "StoragePushConstant8"},
	{4464, "DenormPreserve"},
	{4465, "DenormFlushToZero"},
	{4466, "SignedZeroInfNanPreserve"},
	{4467, "RoundingModeRTE"},
	{4468, "RoundingModeRTZ"},
	{4471, "RayQueryProvisionalKHR"},
	{4472, "RayQueryKHR"},
	{4473, "UntypedPointersKHR"},
	{5008, "Float16ImageAMD"},
	{5016, "Int64ImageEXT"},
	{5055, "ShaderClockKHR"},
	{5116, "BFloat16TypeKHR"},
	{5117, "BFloat16DotProductKHR"},
	{5118, "BFloat16CooperativeMatrixKHR"},
	{5288, "ComputeDerivativeGroupQuadsNV"},
	{5297, "GroupNonUniformPartitionedNV"},
	{5301, "ShaderNonUniform"},
	{5302, "RuntimeDescriptorArray"},
	{5304, "UniformTexelBufferArrayDynamicIndexing"},
	{5305, "StorageTexelBufferArrayDynamicIndexing"},
	{5306, "UniformBufferArrayNonUniformIndexing"},
	{5307, "SampledImageArrayNonUniformIndexing"},
	{5308, "StorageBufferArrayNonUniformIndexing"},
	{5309, "StorageImageArrayNonUniformIndexing"},
	{5311, "UniformTexelBufferArrayNonUniformIndexing"},
	{5312, "StorageTexelBufferArrayNonUniformIndexing"},
	{5345, "VulkanMemoryModel"},
	{5346, "VulkanMemoryModelDeviceScope"},
	{5347, "PhysicalStorageBufferAddresses"},
	{5350, "ComputeDerivativeGroupLinearNV"},
	{5357, "CooperativeMatrixNV"},
	{5373, "ShaderSMBuiltinsNV"},
	{5379, "DemoteToHelperInvocation"},
	{5383, "ShaderInvocationReorderNV"},
	{5394, "CooperativeVectorNV"},
	{5404, "AtomicFloat16VectorNV"},
	{5430, "CooperativeMatrixReductionsNV"},
	{5431, "CooperativeMatrixConversionsNV"},
	{5432, "CooperativeMatrixPerElementOperationsNV"},
	{5433, "CooperativeMatrixTensorAddressingNV"},
	{5434, "CooperativeMatrixBlockLoadsNV"},
	{5439, "TensorAddressingNV"},
	{5612, "AtomicFloat32MinMaxEXT"},
	{5613, "AtomicFloat64MinMaxEXT"},
	{5616, "AtomicFloat16MinMaxEXT"},
	{5629, "ExpectAssumeKHR"},
	{6016, "DotProductInputAll"},
	{6017, "DotProductInput4x8Bit"},
	{6018, "DotProductInput4x8BitPacked"},
	{6019, "DotProduct"},
	{6022, "CooperativeMatrixKHR"},
	{6024, "ReplicatedCompositesEXT"},
	{6025, "BitInstructions"},
	{6026, "GroupNonUniformRotateKHR"},
	{6029, "FloatControls2"},
	{6033, "AtomicFloat32AddEXT"},
	{6034, "AtomicFloat64AddEXT"},
	{6095, "AtomicFloat16AddEXT"},
	{6400, "GroupUniformArithmeticKHR"},
};

const char *kiln_capability_name(uint32_t capability)
{
	size_t low = 0, high = sizeof(capabilities) / sizeof(capabilities[0]);

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (capabilities[middle].value < capability)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == sizeof(capabilities) / sizeof(capabilities[0]) || capabilities[low].value != capability)
		return "?";
	return capabilities[low].name;
}

const char *kiln_spirv_op_name(uint16_t opcode)
{
	switch (opcode) {
	case SpvOpNop:
		return "OpNop";
	case SpvOpUndef:
		return "OpUndef";
	case SpvOpSourceContinued:
		return "OpSourceContinued";
	case SpvOpSource:
		return "OpSource";
	case SpvOpSourceExtension:
		return "OpSourceExtension";
	case SpvOpName:
		return "OpName";
	case SpvOpMemberName:
		return "OpMemberName";
	case SpvOpString:
		return "OpString";
	case SpvOpLine:
		return "OpLine";
	case SpvOpExtension:
		return "OpExtension";
	case SpvOpExtInstImport:
		return "OpExtInstImport";
	case SpvOpExtInst:
		return "OpExtInst";
	case SpvOpMemoryModel:
		return "OpMemoryModel";
	case SpvOpEntryPoint:
		return "OpEntryPoint";
	case SpvOpExecutionMode:
		return "OpExecutionMode";
	case SpvOpCapability:
		return "OpCapability";
	case SpvOpTypeVoid:
		return "OpTypeVoid";
	case SpvOpTypeBool:
		return "OpTypeBool";
	case SpvOpTypeInt:
		return "OpTypeInt";
	case SpvOpTypeFloat:
		return "OpTypeFloat";
	case SpvOpTypeVector:
		return "OpTypeVector";
	case SpvOpTypeMatrix:
		return "OpTypeMatrix";
	case SpvOpTypeImage:
		return "OpTypeImage";
	case SpvOpTypeSampler:
		return "OpTypeSampler";
	case SpvOpTypeSampledImage:
		return "OpTypeSampledImage";
	case SpvOpTypeArray:
		return "OpTypeArray";
	case SpvOpTypeRuntimeArray:
		return "OpTypeRuntimeArray";
	case SpvOpTypeStruct:
		return "OpTypeStruct";
	case SpvOpTypeOpaque:
		return "OpTypeOpaque";
	case SpvOpTypePointer:
		return "OpTypePointer";
	case SpvOpTypeFunction:
		return "OpTypeFunction";
	case SpvOpTypeForwardPointer:
		return "OpTypeForwardPointer";
	case SpvOpConstantTrue:
		return "OpConstantTrue";
	case SpvOpConstantFalse:
		return "OpConstantFalse";
	case SpvOpConstant:
		return "OpConstant";
	case SpvOpConstantComposite:
		return "OpConstantComposite";
	case SpvOpConstantNull:
		return "OpConstantNull";
	case SpvOpSpecConstantTrue:
		return "OpSpecConstantTrue";
	case SpvOpSpecConstantFalse:
		return "OpSpecConstantFalse";
	case SpvOpSpecConstant:
		return "OpSpecConstant";
	case SpvOpSpecConstantComposite:
		return "OpSpecConstantComposite";
	case SpvOpSpecConstantOp:
		return "OpSpecConstantOp";
	case SpvOpFunction:
		return "OpFunction";
	case SpvOpFunctionParameter:
		return "OpFunctionParameter";
	case SpvOpFunctionEnd:
		return "OpFunctionEnd";
	case SpvOpFunctionCall:
		return "OpFunctionCall";
	case SpvOpVariable:
		return "OpVariable";
	case SpvOpImageTexelPointer:
		return "OpImageTexelPointer";
	case SpvOpLoad:
		return "OpLoad";
	case SpvOpStore:
		return "OpStore";
	case SpvOpCopyMemory:
		return "OpCopyMemory";
	case SpvOpCopyMemorySized:
		return "OpCopyMemorySized";
	case SpvOpAccessChain:
		return "OpAccessChain";
	case SpvOpInBoundsAccessChain:
		return "OpInBoundsAccessChain";
	case SpvOpPtrAccessChain:
		return "OpPtrAccessChain";
	case SpvOpArrayLength:
		return "OpArrayLength";
	case SpvOpDecorate:
		return "OpDecorate";
	case SpvOpMemberDecorate:
		return "OpMemberDecorate";
	case SpvOpDecorationGroup:
		return "OpDecorationGroup";
	case SpvOpGroupDecorate:
		return "OpGroupDecorate";
	case SpvOpGroupMemberDecorate:
		return "OpGroupMemberDecorate";
	case SpvOpVectorShuffle:
		return "OpVectorShuffle";
	case SpvOpCompositeConstruct:
		return "OpCompositeConstruct";
	case SpvOpCompositeExtract:
		return "OpCompositeExtract";
	case SpvOpCopyObject:
		return "OpCopyObject";
	case SpvOpSampledImage:
		return "OpSampledImage";
	case SpvOpImageFetch:
		return "OpImageFetch";
	case SpvOpImageRead:
		return "OpImageRead";
	case SpvOpImageWrite:
		return "OpImageWrite";
	case SpvOpImage:
		return "OpImage";
	case SpvOpBitcast:
		return "OpBitcast";
	case SpvOpIAdd:
		return "OpIAdd";
	case SpvOpPhi:
		return "OpPhi";
	case SpvOpLoopMerge:
		return "OpLoopMerge";
	case SpvOpSelectionMerge:
		return "OpSelectionMerge";
	case SpvOpLabel:
		return "OpLabel";
	case SpvOpBranch:
		return "OpBranch";
	case SpvOpBranchConditional:
		return "OpBranchConditional";
	case SpvOpSwitch:
		return "OpSwitch";
	case SpvOpReturn:
		return "OpReturn";
	case SpvOpReturnValue:
		return "OpReturnValue";
	case SpvOpUnreachable:
		return "OpUnreachable";
	case SpvOpModuleProcessed:
		return "OpModuleProcessed";
	case SpvOpExecutionModeId:
		return "OpExecutionModeId";
	case SpvOpDecorateId:
		return "OpDecorateId";
	default:
		return NULL;
	}
}
