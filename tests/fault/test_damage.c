/* Every single flipped bit and every shorter length of an entry file of about 4 KB. COUNT rounds, each with another
 * payload, and in turn a pipeline and content, plainly sealed and under a secret. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attack.h"
#include "fixture.h"

#define PAYLOAD_BYTES 3600
#define KEY 1u

struct target {
	struct kiln_cache *cache;
	bool content;
	struct kiln_pipeline_key key;
	struct kiln_fingerprint device;
	struct kiln_digest digest;
	char path[512];
	uint8_t file[8192];
	size_t bytes;
	unsigned damaged, kept;
};

static enum kiln_status read_target(struct target *target)
{
	struct kiln_cache_entry entry = {0};
	enum kiln_status status =
		target->content ? kiln_cache_content_read(target->cache, &target->digest, &entry)
				: kiln_cache_read(target->cache, &target->key, &target->device, &entry);

	if (status == KILN_OK)
		attack_check(entry.payload_bytes == PAYLOAD_BYTES &&
		                     attack_payload_is(entry.payload, entry.payload_bytes, KEY, NULL),
		             "a wrong payload was accepted");
	kiln_cache_entry_finish(&entry);
	return status;
}

static void write_target(struct target *target, uint64_t version)
{
	static uint8_t payload[PAYLOAD_BYTES];
	struct kiln_cache_entry entry = sample_entry(payload, sizeof payload);

	attack_payload(payload, sizeof payload, KEY, version);
	if (target->content)
		assert_status(kiln_cache_content_write(target->cache, &target->digest, &entry), KILN_OK);
	else
		assert_status(kiln_cache_write(target->cache, &target->key, &target->device, &entry),
		              KILN_OK);
}

static void put_file(const struct target *target, const uint8_t *data, size_t bytes)
{
	int fd = open(target->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	attack_check(fd >= 0 && write(fd, data, bytes) == (ssize_t)bytes && close(fd) == 0, "cannot write %s",
	             target->path);
}

/* Format, key version, kind; compression, seal, and under a secret also which one: another version's or another
 * owner's entry, and not ours to judge. It is a miss, and stays until somebody writes a good one over it. */
static bool says_whose_it_is(size_t byte, bool keyed)
{
	return (byte >= 8 && byte < 20) || (byte >= 24 && byte < 28) ||
	       (keyed && byte >= KILN_ENTRY_HEADER_BYTES &&
	        byte < KILN_ENTRY_HEADER_BYTES + KILN_SEAL_ID_BYTES);
}

static void flip_every_bit(struct target *target, bool keyed)
{
	for (size_t bit = 0; bit < target->bytes * 8; bit++) {
		bool stays = says_whose_it_is(bit / 8, keyed);
		enum kiln_status status;

		target->file[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		put_file(target, target->file, target->bytes);
		target->file[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		status = read_target(target);
		attack_check(status == (stays ? KILN_ERR_NOT_FOUND : KILN_ERR_DAMAGED), "bit %zu flipped: %s",
		             bit, kiln_status_name(status));
		attack_check(file_exists(target->path) == stays, "bit %zu flipped: the entry %s", bit,
		             stays ? "is gone" : "is still there");
		target->damaged += !stays;
		target->kept += stays;
	}
}

static void cut_at_every_length(struct target *target)
{
	for (size_t bytes = 0; bytes < target->bytes; bytes++) {
		enum kiln_status status;

		put_file(target, target->file, bytes);
		status = read_target(target);
		attack_check(status == KILN_ERR_DAMAGED && !file_exists(target->path),
		             "cut to %zu bytes: %s, and the entry is %s", bytes, kiln_status_name(status),
		             file_exists(target->path) ? "still there" : "gone");
		target->damaged++;
	}
}

static void open_target(struct target *target, const struct cache_fixture *fixture, bool keyed)
{
	char secret[300];

	snprintf(secret, sizeof secret, "%s/secret", fixture->dir.path);
	save_file(secret, "sixteen bytes or more", 21);
	chmod(secret, 0600);
	assert_status(kiln_cache_open(&(struct kiln_cache_params){.root = fixture->root,
	                                                          .mode = KILN_CACHE_READ_WRITE,
	                                                          .secret_file = keyed ? secret : NULL},
	                              &target->cache),
	              KILN_OK);
	target->key = sample_key(KEY, 64);
	target->device = sample_device(1);
	target->digest = kiln_digest_of("content", 7);
	if (target->content)
		kiln_cache_content_path_for(fixture->root, &target->digest, target->path,
		                            sizeof target->path);
	else
		snprintf(target->path, sizeof target->path, "%s", path_of(fixture, KEY, 64, 1).text);
}

static void attack_once(const struct cache_fixture *fixture, unsigned round, uint64_t version,
                        unsigned sum[2])
{
	struct target target = {.content = (round & 1) != 0};
	bool keyed = (round & 2) != 0;
	struct kiln_cache_counters counters;

	open_target(&target, fixture, keyed);
	write_target(&target, version);
	target.bytes = load_file(target.path, target.file, sizeof target.file);
	flip_every_bit(&target, keyed);
	write_target(&target, version); /* over one that stayed */
	assert_status(read_target(&target), KILN_OK);
	cut_at_every_length(&target);
	counters = kiln_cache_counters(target.cache);
	attack_check(counters.damaged == target.damaged && counters.other_version == target.kept,
	             "counted %llu damaged and %llu of another version", (unsigned long long)counters.damaged,
	             (unsigned long long)counters.other_version);
	attack_check(count_temp_files(fixture->root) == 0, "temp files are left");
	kiln_cache_close(&target.cache);
	sum[0] += target.damaged;
	sum[1] += target.kept;
}

int main(int argc, char **argv)
{
	struct attack attack = attack_begin("damage", argc, argv, 1);
	uint64_t random = attack.seed;
	unsigned sum[2] = {0, 0};
	void *state;

	cache_setup(&state);
	for (unsigned round = 0; round < attack.count; round++)
		attack_once(state, round, attack_random(&random), sum);
	cache_teardown(&state);
	return attack_end(
		&attack,
		"%u flipped bits and cut lengths: 0 accepted; %u damaged entries removed, %u flips that name "
		"another version were misses and written over",
		sum[0] + sum[1], sum[0], sum[1]);
}
