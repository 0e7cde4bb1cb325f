/* What every SPIR-V opcode is to reflection. The core table has one entry per opcode, the extensions are
 * ranges. Source: the machine-readable grammar of SPIR-V 1.6 revision 2; from later registries the KHR
 * cooperative matrix (4456-4460), untyped pointers (4417-4426), replicated composites (4461-4463), and
 * NVIDIA's matrix and vector extensions. It is kept here rather than taken from the system's headers because
 * the digest depends on it: the same module must not get another identity from a build against newer headers.
 */
#include "spirv_ops.h"

#include <stdbool.h>
#include <stddef.h>

#define ROW(letter, class)                                       \
	enum {                                                   \
		letter##0 = SPIRV_OP(class, SPIRV_RESULT_NONE),  \
		letter##1 = SPIRV_OP(class, SPIRV_RESULT_ID),    \
		letter##2 = SPIRV_OP(class, SPIRV_RESULT_TYPED), \
	}

ROW(A, SPIRV_CLASS_ANNOTATION);
ROW(C, SPIRV_CLASS_CHAIN);
ROW(D, SPIRV_CLASS_DEBUG);
ROW(E, SPIRV_CLASS_EXT_INST);
ROW(F, SPIRV_CLASS_FUNCTION);
ROW(I, SPIRV_CLASS_IMAGE);
ROW(K, SPIRV_CLASS_CONSTANT);
ROW(L, SPIRV_CLASS_MEMORY);
ROW(M, SPIRV_CLASS_MODULE);
ROW(P, SPIRV_CLASS_PURE);
ROW(Q, SPIRV_CLASS_ATOMIC);
ROW(T, SPIRV_CLASS_TYPE);
ROW(V, SPIRV_CLASS_VARIABLE);
ROW(X, SPIRV_CLASS_OTHER);
enum { X3 = SPIRV_OP(SPIRV_CLASS_OTHER, SPIRV_RESULT_UNKNOWN) };

const uint8_t kiln_spirv_core_ops[SPIRV_CORE_OPS] = {
	/*   0 */ D0, P2, D0, D0, D0, D0, D0, D1,
	/*   8 */ D0, X3, M0, M1, E2, X3, M0, M0,
	/*  16 */ M0, M0, X3, T1, T1, T1, T1, T1,
	/*  24 */ T1, T1, T1, T1, T1, T1, T1, T1,
	/*  32 */ T1, T1, T1, T1, T1, T1, T1, T0,
	/*  40 */ X3, K2, K2, K2, K2, X2, K2, X3,
	/*  48 */ K2, K2, K2, K2, K2, X3, F2, F2,
	/*  56 */ F0, F2, X3, V2, L2, L2, L0, L0,
	/*  64 */ L0, C2, C2, C2, L2, X2, C2, A0,
	/*  72 */ A0, A1, A0, A0, X3, P2, P2, P2,
	/*  80 */ X2, P2, P2, C2, P2, X3, I2, I2,
	/*  88 */ I2, I2, I2, I2, I2, I2, I2, I2,
	/*  96 */ I2, I2, I2, I0, I2, I2, I2, I2,
	/* 104 */ I2, I2, I2, I2, X3, P2, P2, P2,
	/* 112 */ P2, P2, P2, P2, P2, X2, P2, P2,
	/* 120 */ X2, X2, X2, X2, X2, X3, P2, P2,
	/* 128 */ P2, P2, P2, P2, P2, P2, P2, P2,
	/* 136 */ P2, P2, P2, P2, P2, P2, P2, P2,
	/* 144 */ P2, P2, P2, P2, P2, P2, P2, P2,
	/* 152 */ P2, X3, P2, P2, P2, P2, P2, P2,
	/* 160 */ P2, P2, P2, P2, P2, P2, P2, P2,
	/* 168 */ P2, X2, P2, P2, P2, P2, P2, P2,
	/* 176 */ P2, P2, P2, P2, P2, P2, P2, P2,
	/* 184 */ P2, P2, P2, P2, P2, P2, P2, P2,
	/* 192 */ X3, X3, P2, P2, P2, P2, P2, P2,
	/* 200 */ P2, P2, P2, P2, P2, P2, X3, P2,
	/* 208 */ P2, P2, P2, P2, P2, P2, P2, P2,
	/* 216 */ X3, X3, P0, P0, P0, P0, X3, X3,
	/* 224 */ P0, P0, X3, Q2, Q0, Q2, Q2, Q2,
	/* 232 */ Q2, Q2, Q2, Q2, Q2, Q2, Q2, Q2,
	/* 240 */ Q2, Q2, Q2, X3, X3, X2, P0, P0,
	/* 248 */ P1, P0, P0, P0, P0, P0, X0, P0,
	/* 256 */ P0, P0, X3, X2, X0, P2, P2, P2,
	/* 264 */ P2, P2, P2, P2, P2, P2, P2, P2,
	/* 272 */ X3, X3, X2, X2, X2, X2, X2, X2,
	/* 280 */ X0, X0, X2, X2, X2, X2, X2, X0,
	/* 288 */ X0, X3, X3, X2, X2, X2, X2, X2,
	/* 296 */ X2, X0, X0, X2, X2, X0, X0, X2,
	/* 304 */ X2, I2, I2, I2, I2, I2, I2, I2,
	/* 312 */ I2, I2, I2, I2, I2, D0, Q2, Q0,
	/* 320 */ I2, X2, T1, X2, X2, X2, X2, T1,
	/* 328 */ X2, X0, D0, M0, A0, P2, P2, P2,
	/* 336 */ P2, P2, P2, P2, P2, P2, P2, P2,
	/* 344 */ P2, P2, P2, P2, P2, P2, P2, P2,
	/* 352 */ P2, P2, P2, P2, P2, P2, P2, P2,
	/* 360 */ P2, P2, P2, P2, P2, P2, P2, X3,
	/* 368 */ X3, X3, X3, X3, X3, X3, X3, X3,
	/* 376 */ X3, X3, X3, X3, X3, X3, X3, X3,
	/* 384 */ X3, X3, X3, X3, X3, X3, X3, X3,
	/* 392 */ X3, X3, X3, X3, X3, X3, X3, X3,
	/* 400 */ P2, X2, X2, X2,
};

static const struct {
	uint16_t first, last;
	uint8_t op;
} extended[] = {
	{4416, 4416, X0}, {4417, 4417, T1}, {4418, 4425, X2}, {4426, 4426, X0}, {4428, 4432, X2},
	{4433, 4433, E2}, {4445, 4446, X0}, {4447, 4447, X2}, {4448, 4449, X0}, {4450, 4455, X2},
	{4456, 4456, T1}, {4457, 4457, L2}, {4458, 4458, L0}, {4459, 4460, X2}, {4461, 4462, K2},
	{4463, 4463, X2}, {4472, 4472, T1}, {4473, 4476, X0}, {4477, 4477, X2}, {4479, 4479, X2},
	{5000, 5007, X2}, {5011, 5012, X2}, {5056, 5056, X2}, {5249, 5251, X0}, {5252, 5255, X2},
	{5256, 5256, X0}, {5257, 5258, X2}, {5259, 5264, X0}, {5265, 5265, X2}, {5266, 5266, X0},
	{5267, 5278, X2}, {5279, 5280, X0}, {5281, 5281, T1}, {5283, 5283, X2}, {5288, 5288, T1},
	{5289, 5289, X2}, {5290, 5291, X0}, {5292, 5293, X2}, {5294, 5295, X0}, {5296, 5296, X2},
	{5299, 5299, X0}, {5302, 5302, X2}, {5303, 5303, X0}, {5334, 5334, X2}, {5335, 5339, X0},
	{5341, 5341, T1}, {5344, 5344, X0}, {5358, 5358, T1}, {5359, 5359, L2}, {5360, 5360, L0},
	{5361, 5362, X2}, {5364, 5365, X0}, {5366, 5367, X2}, {5368, 5368, X0}, {5369, 5369, X2},
	{5370, 5371, T1}, {5372, 5379, X2}, {5380, 5380, X0}, {5381, 5382, X2}, {5390, 5396, X2},
	{5397, 5397, M0}, {5571, 5575, X2}, {5576, 5576, X0}, {5577, 5577, X2}, {5578, 5578, X0},
	{5580, 5580, X2}, {5581, 5581, X0}, {5585, 5598, X2}, {5600, 5601, X2}, {5609, 5611, X2},
	{5614, 5615, Q2}, {5630, 5630, X0}, {5631, 5631, X2}, {5632, 5633, A0}, {5699, 5699, X2},
	{5700, 5712, T1}, {5713, 5816, X2}, {5818, 5819, X2}, {5820, 5820, X0}, {5840, 5843, X2},
	{5846, 5882, X2}, {5887, 5887, X0}, {5911, 5913, X1}, {5923, 5934, X2}, {5938, 5938, X2},
	{5946, 5947, X2}, {5949, 5949, X2}, {6016, 6032, X2}, {6035, 6035, Q2}, {6086, 6086, T1},
	{6090, 6090, T0}, {6091, 6092, X0}, {6142, 6143, X0}, {6401, 6408, X2},
};

uint8_t kiln_spirv_extended_op(uint16_t opcode)
{
	size_t low = 0, high = sizeof(extended) / sizeof(extended[0]);

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (opcode > extended[middle].last)
			low = middle + 1;
		else if (opcode < extended[middle].first)
			high = middle;
		else
			return extended[middle].op;
	}
	return X3;
}
