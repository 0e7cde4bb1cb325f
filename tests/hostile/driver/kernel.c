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

/* The next three share their push: uint n, k. */
static uint32_t k_of(const struct hostile_dispatch *dispatch)
{
	uint32_t k;

	memcpy(&k, dispatch->push + 4, sizeof(k));
	return k;
}

/* data = 1664525 data + k + i */
static void step(const struct hostile_dispatch *dispatch)
{
	uint32_t n = limit(dispatch), k = k_of(dispatch);
	uint32_t *data = words(dispatch, 0, &n);

	for (uint32_t i = 0; i < n; i++)
		data[i] = data[i] * 1664525u + k + i;
}

/* to = 3 from + k */
static void move(const struct hostile_dispatch *dispatch)
{
	uint32_t n = limit(dispatch), k = k_of(dispatch);
	const uint32_t *from = words(dispatch, 0, &n);
	uint32_t *to = words(dispatch, 1, &n);

	for (uint32_t i = 0; i < n; i++)
		to[i] = 3u * from[i] + k;
}

/* sum = 5 sum + x + k y; y is a uniform buffer of one word */
static void sum(const struct hostile_dispatch *dispatch)
{
	uint32_t n = limit(dispatch), k = k_of(dispatch), one = 1;
	const uint32_t *x = words(dispatch, 0, &n);
	const uint32_t *y = words(dispatch, 1, &one);
	uint32_t *sum = words(dispatch, 2, &n);

	for (uint32_t i = 0; i < n && one; i++)
		sum[i] = 5u * sum[i] + x[i] + k * y[0];
}

static const struct {
	const char *entry;
	hostile_kernel kernel;
	uint8_t access[3]; /* to the bindings of set 0 */
} kernels[] = {
	{"count", count, {HOSTILE_READS | HOSTILE_WRITES}},
	{"move", move, {HOSTILE_READS, HOSTILE_WRITES}},
	{"saxpy", saxpy, {HOSTILE_READS, HOSTILE_READS | HOSTILE_WRITES}},
	{"step", step, {HOSTILE_READS | HOSTILE_WRITES}},
	{"sum", sum, {HOSTILE_READS, HOSTILE_READS, HOSTILE_READS | HOSTILE_WRITES}},
};

enum { KERNELS = sizeof(kernels) / sizeof(kernels[0]) };

hostile_kernel hostile_find_kernel(const char *entry)
{
	for (size_t i = 0; i < KERNELS; i++)
		if (strcmp(kernels[i].entry, entry) == 0)
			return kernels[i].kernel;
	return NULL;
}

uint32_t hostile_kernel_access(const char *entry, uint32_t set, uint32_t binding)
{
	for (size_t i = 0; i < KERNELS; i++)
		if (strcmp(kernels[i].entry, entry) == 0)
			return set == 0 && binding < sizeof(kernels[i].access) ? kernels[i].access[binding]
			                                                       : 0;
	return HOSTILE_READS | HOSTILE_WRITES;
}
