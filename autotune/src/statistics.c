#include <autotune/statistics.h>

#include <math.h>
#include <string.h>

bool kiln_stat_usable(double ns)
{
	return isfinite(ns) && ns > 0 && ns < 86400e9;
}

/* Shell sort: qsort()'s calls were most of what a simulated trial took. Gaps: Ciura, 2001. */
static void sort(double *values, size_t count)
{
	static const size_t gaps[] = {132, 57, 23, 10, 4, 1};

	for (size_t g = 0; g < sizeof(gaps) / sizeof(gaps[0]); g++)
		for (size_t i = gaps[g]; i < count; i++) {
			double value = values[i];
			size_t at = i;

			for (; at >= gaps[g] && values[at - gaps[g]] > value; at -= gaps[g])
				values[at] = values[at - gaps[g]];
			values[at] = value;
		}
}

static size_t sorted(const double *values, size_t count, double out_sorted[KILN_STAT_VALUES])
{
	if (count > KILN_STAT_VALUES)
		count = KILN_STAT_VALUES;
	memcpy(out_sorted, values, count * sizeof(*values));
	sort(out_sorted, count);
	return count;
}

static double middle(const double *sorted_values, size_t count)
{
	if (count == 0)
		return 0;
	return (sorted_values[(count - 1) / 2] + sorted_values[count / 2]) / 2;
}

double kiln_stat_median(const double *values, size_t count)
{
	double copy[KILN_STAT_VALUES];

	count = sorted(values, count, copy);
	return middle(copy, count);
}

double kiln_stat_fast(const double *values, size_t count)
{
	double copy[KILN_STAT_VALUES];

	count = sorted(values, count, copy);
	return middle(copy, (count + 1) / 2);
}

double kiln_stat_shortest(const double *values, size_t count)
{
	double copy[KILN_STAT_VALUES], sum = 0;
	size_t quarter;

	count = sorted(values, count, copy);
	quarter = (count + 3) / 4;
	for (size_t i = 0; i < quarter; i++)
		sum += copy[i];
	return quarter != 0 ? sum / (double)quarter : 0;
}

/* From the spread below the median alone: spikes make samples slower, never faster. For a normal distribution a quarter
 * quantile of n values has the standard error 1.36 sigma / sqrt(n), and the distance of the quarter quantile from the
 * median is 0.674 sigma. */
double kiln_stat_error(const double *values, size_t count)
{
	double copy[KILN_STAT_VALUES], fast, spread;

	count = sorted(values, count, copy);
	fast = middle(copy, (count + 1) / 2);
	if (count < 3 || fast <= 0)
		return 1;
	spread = fmax(middle(copy, count) - fast, fast - copy[0]);
	return 1.36 * spread / 0.674 / fast / sqrt((double)count);
}

double kiln_stat_slow_share(const double *values, size_t count, double margin)
{
	double fast = kiln_stat_fast(values, count);
	size_t slow = 0;

	for (size_t i = 0; i < count; i++)
		slow += values[i] > fast * (1 + margin);
	return count != 0 ? (double)slow / (double)count : 0;
}

double kiln_stat_drift(const double *values, size_t count)
{
	double first, last;

	if (count < 9)
		return 0;
	first = kiln_stat_fast(values, count / 3);
	last = kiln_stat_fast(values + count - count / 3, count / 3);
	return first > 0 && last > 0 ? fmax(first, last) / fmin(first, last) - 1 : 0;
}

uint64_t kiln_stat_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void kiln_stat_shuffle(size_t *items, size_t count, uint64_t *state)
{
	for (size_t i = count; i > 1; i--) {
		size_t j = (size_t)(kiln_stat_random(state) % i);
		size_t item = items[i - 1];

		items[i - 1] = items[j];
		items[j] = item;
	}
}
