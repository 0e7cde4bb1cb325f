/* The "machine code": a C function for each entry point the tests use. All are bounded by what is bound, and
 * by the threads that were dispatched: too few workgroups leave results undone. */
#include <string.h>

#include "objects.h"

/* Elements of 4 bytes that binding `binding` of set 0 holds. */
static uint32_t *words(const struct hostile_dispatch *dispatch, uint32_t binding, uint32_t *count)
{
	const struct hostile_range *range = dispatch->sets[0] ? &dispatch->sets[0][binding] : NULL;

	if (!range || !range->bytes) {
		*count = 0;
		return NULL;
	}
	if (range->size / 4 < *count)
		*count = (uint32_t)(range->size / 4);
	return (uint32_t *)(void *)range->bytes;
}

static uint32_t limit(const struct hostile_dispatch *dispatch)
{
	uint32_t n;

	memcpy(&n, dispatch->push, sizeof(n));
	return n < dispatch->threads ? n : dispatch->threads;
}

/* push: uint n, float a; y = a x + y */
static void saxpy(const struct hostile_dispatch *dispatch)
{
	uint32_t n = limit(dispatch);
	const float *x = (const float *)words(dispatch, 0, &n);
	float *y = (float *)words(dispatch, 1, &n);
	float a;

	memcpy(&a, dispatch->push + 4, sizeof(a));
	for (uint32_t i = 0; i < n; i++)
		y[i] = a * x[i] + y[i];
}

/* push: uint n; every thread below n adds 1 to the first word */
static void count(const struct hostile_dispatch *dispatch)
{
	uint32_t one = 1;
	uint32_t *total = words(dispatch, 0, &one);

	if (total)
		*total += limit(dispatch);
}

hostile_kernel hostile_find_kernel(const char *entry)
{
	static const struct {
		const char *entry;
		hostile_kernel kernel;
	} kernels[] = {
		{"count", count},
		{"saxpy", saxpy},
	};

	for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
		if (strcmp(kernels[i].entry, entry) == 0)
			return kernels[i].kernel;
	return NULL;
}
