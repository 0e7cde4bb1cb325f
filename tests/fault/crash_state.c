#include "crash_state.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attack.h"

#define DEAD "99999999" /* a process number nobody has */

static void apply(struct crash_state *state, const struct change *change)
{
	switch (change->kind) {
	case CHANGE_LINK:
		state->link[change->name] = (int)change->node;
		break;
	case CHANGE_UNLINK:
		state->link[change->name] = -1;
		break;
	case CHANGE_SIZE:
		state->bytes[change->node] = change->bytes;
		break;
	case CHANGE_BLOCK:
		state->blocks[change->node] |= UINT64_C(1) << change->block;
		break;
	}
}

void crash_state_make(const struct recording_fs *recording, size_t changes, const bool *applied,
                       struct crash_state *out_state)
{
	for (size_t i = 0; i < recording->name_count; i++)
		out_state->link[i] = -1;
	memset(out_state->bytes, 0, recording->node_count * sizeof out_state->bytes[0]);
	memset(out_state->blocks, 0, recording->node_count * sizeof out_state->blocks[0]);
	for (size_t i = 0; i < changes; i++) {
		if (applied[i])
			apply(out_state, &recording->changes[i]);
	}
}

uint64_t crash_mix(uint64_t sum, uint64_t value)
{
	uint64_t state = sum ^ value * UINT64_C(0xff51afd7ed558ccd);

	return attack_random(&state);
}

static uint64_t hash_file(const struct crash_state *state, unsigned node)
{
	uint64_t blocks = (state->bytes[node] + RECORDING_BLOCK - 1) / RECORDING_BLOCK;
	uint64_t there = blocks < 64 ? (UINT64_C(1) << blocks) - 1 : UINT64_MAX;

	return crash_mix(state->bytes[node], state->blocks[node] & there);
}

/* Of what can be seen: two states of the same sum are laid out as the same files. */
uint64_t crash_state_hash(const struct recording_fs *recording, const struct crash_state *state)
{
	bool reached[RECORDING_NODES] = {true};
	uint64_t sum = 0;

	for (size_t i = 0; i < recording->name_count; i++) {
		const struct recorded_name *name = &recording->names[i];
		int node = state->link[i];

		if (node < 0 || !reached[name->parent])
			continue;
		reached[node] = true;
		sum = crash_mix(sum, i * RECORDING_NODES + (unsigned)node);
		if (!recording->nodes[node].is_dir && strncmp(name->text, ".tmp.", 5) != 0)
			sum = crash_mix(sum, hash_file(state, (unsigned)node));
	}
	return sum;
}

/* ---- Laying it out ---- */

static void put_file(const struct recorded_node *node, const struct crash_state *state, unsigned number, int dir,
                     const char *name)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	attack_check(fd >= 0 && ftruncate(fd, (off_t)state->bytes[number]) == 0, "cannot make %s", name);
	for (uint64_t at = 0; at < state->bytes[number] && !node->coarse; at += RECORDING_BLOCK) {
		uint64_t left = state->bytes[number] - at;
		size_t bytes = left < RECORDING_BLOCK ? (size_t)left : RECORDING_BLOCK;

		if ((state->blocks[number] >> (at / RECORDING_BLOCK) & 1) != 0)
			attack_check(pwrite(fd, node->data + at, bytes, (off_t)at) == (ssize_t)bytes,
			             "cannot write %s", name);
	}
	close(fd);
}

/* Whoever wrote it is dead by now. */
static void rename_temp(const char *name, char *out_name, size_t bytes)
{
	const char *counter = strncmp(name, ".tmp.", 5) == 0 ? strchr(name + 5, '.') : NULL;

	if (counter != NULL)
		snprintf(out_name, bytes, ".tmp." DEAD "%s", counter);
	else
		snprintf(out_name, bytes, "%s", name);
}

void crash_state_lay_out(const struct recording_fs *recording, const struct crash_state *state, const char *base)
{
	int dirs[RECORDING_NODES];

	for (size_t i = 0; i < recording->node_count; i++)
		dirs[i] = -1;
	attack_check(mkdir(base, 0700) == 0, "cannot make %s", base);
	dirs[0] = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < recording->name_count; i++) {
		unsigned parent = recording->names[i].parent;
		int node = state->link[i];
		char name[160];

		if (node < 0 || dirs[parent] < 0)
			continue;
		rename_temp(recording->names[i].text, name, sizeof name);
		if (!recording->nodes[node].is_dir) {
			put_file(&recording->nodes[node], state, (unsigned)node, dirs[parent], name);
			continue;
		}
		attack_check(mkdirat(dirs[parent], name, 0700) == 0, "cannot make %s", name);
		dirs[node] = openat(dirs[parent], name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	for (size_t i = 0; i < recording->node_count; i++) {
		if (dirs[i] >= 0)
			close(dirs[i]);
	}
}
