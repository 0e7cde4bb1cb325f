#include "attack.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <kiln/status.h>

static struct attack current;

uint64_t attack_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

struct attack attack_begin(const char *name, int argc, char **argv, unsigned count)
{
	current = (struct attack){.name = name, .count = count, .seed = attack_now_ns() % 1000000000};
	if (argc > 1)
		current.count = (unsigned)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		current.seed = strtoull(argv[2], NULL, 10);
	/* The cache's own settings are no part of the attack. */
	unsetenv("KILN_CACHE_SECRET");
	unsetenv("KILN_CACHE_SECRET_FILE");
	unsetenv("KILN_CACHE_MAX_BYTES");
	unsetenv("KILN_CACHE_PACKS");
	if (access("/dev/shm", W_OK | X_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);
	printf("%s: count %u, seed %" PRIu64 "\n", name, current.count, current.seed);
	fflush(stdout);
	return current;
}

int attack_end(const struct attack *attack, const char *format, ...)
{
	va_list arguments;

	printf("%s: ", attack->name);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	return 0;
}

void attack_failed(const char *file, int line, const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	fprintf(stderr, "%s: FAILED at %s:%d: ", current.name, file, line);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, " (count %u, seed %" PRIu64 ")\n", current.count, current.seed);
	_exit(1);
}

uint64_t attack_random(uint64_t *state)
{
	/* SplitMix64, public domain, by Sebastiano Vigna. */
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static void fill(uint8_t *out, size_t bytes, unsigned key, uint64_t version)
{
	uint64_t state = version * 31 + key, word;

	for (size_t i = 0; i < bytes; i += sizeof word) {
		word = attack_random(&state);
		memcpy(out + i, &word, bytes - i < sizeof word ? bytes - i : sizeof word);
	}
}

void attack_payload(uint8_t *out, size_t bytes, unsigned key, uint64_t version)
{
	uint64_t head[2] = {key, version};

	memcpy(out, head, ATTACK_PAYLOAD_MIN);
	fill(out + ATTACK_PAYLOAD_MIN, bytes - ATTACK_PAYLOAD_MIN, key, version);
}

bool attack_payload_is(const void *payload, size_t bytes, unsigned key, uint64_t *out_version)
{
	uint8_t *expected;
	uint64_t head[2];
	bool same;

	if (bytes < ATTACK_PAYLOAD_MIN)
		return false;
	memcpy(head, payload, sizeof head);
	expected = malloc(bytes);
	attack_payload(expected, bytes, key, head[1]);
	same = memcmp(expected, payload, bytes) == 0;
	free(expected);
	if (out_version != NULL)
		*out_version = head[1];
	return same;
}
