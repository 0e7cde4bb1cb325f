// The sum of the values of all threads before this one, and of all in `out_total`. In uniform control flow only.
shared uint scan_sums[THREADS];

uint scan_before(uint value, out uint out_total)
{
	uint i = gl_LocalInvocationIndex;
	uint sum = value;

	barrier();
	scan_sums[i] = sum;
	barrier();
	for (uint step = 1; step < THREADS; step *= 2) {
		uint left = i >= step ? scan_sums[i - step] : 0;

		barrier();
		sum += left;
		scan_sums[i] = sum;
		barrier();
	}
	out_total = scan_sums[THREADS - 1];
	return sum - value;
}
