// Random numbers without state in memory: the PCG hash of Jarzynski and Olano, "Hash Functions for GPU
// Rendering", JCGT 9(3), 2020.
#ifndef RANDOM_GLSL
#define RANDOM_GLSL

uint random_hash(uint value)
{
	uint state = value * 747796405u + 2891336453u;
	uint word = ((state >> ((state >> 28) + 4u)) ^ state) * 277803737u;
	return (word >> 22) ^ word;
}

// In [0, 1); advances the seed.
float random_next(inout uint seed)
{
	seed = random_hash(seed);
	return float(seed >> 8) * (1.0 / 16777216.0);
}

#endif
