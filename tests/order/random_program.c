/* Making programs up. */
#include "random_program.h"

#include <stdio.h>
#include <string.h>

#define UNIT 64u /* words: where a launch's range may begin, for the alignment of its binding */

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint32_t below(uint64_t *state, uint32_t limit)
{
	return (uint32_t)(next(state) % limit);
}

/* Half of them start and end where others do. */
static struct program_range range(uint64_t *state, uint32_t least_unit)
{
	struct program_range made = {.buffer = below(state, PROGRAM_BUFFERS)};
	uint32_t units = PROGRAM_WORDS / UNIT;

	made.begin = below(state, units) * UNIT;
	made.count = (1 + below(state, units - made.begin / UNIT)) * UNIT;
	if (below(state, 2) == 0)
		made.begin = made.begin / 256 * 256, made.count = 256;
	if (below(state, 4) == 0)
		made.begin = 0, made.count = PROGRAM_WORDS;
	if (least_unit == 1 && below(state, 2) == 0)
		made.begin += below(state, UNIT), made.count -= UNIT - 1;
	return made;
}

static bool overlap(const struct program_range *a, const struct program_range *b)
{
	return a->buffer == b->buffer && a->begin < b->begin + b->count && b->begin < a->begin + a->count;
}

/* As long as `like`, and not on its bytes. */
static struct program_range apart(uint64_t *state, const struct program_range *like, uint32_t least_unit)
{
	for (int i = 0; i < 8; i++) {
		struct program_range made = range(state, least_unit);

		made.count = like->count;
		if (made.begin + made.count > PROGRAM_WORDS)
			made.begin = (PROGRAM_WORDS - made.count) / UNIT * UNIT;
		if (!overlap(&made, like))
			return made;
	}
	return (struct program_range){(like->buffer + 1) % PROGRAM_BUFFERS, 0, like->count};
}

static void fill_ranges(uint64_t *state, struct program_op *op)
{
	uint32_t least = op->kind <= PROGRAM_SUM ? UNIT : 1;

	op->a = range(state, least);
	op->b = apart(state, &op->a, least);
	do {
		op->c = range(state, UNIT);
		op->c.count = 1;
	} while (op->kind == PROGRAM_SUM && overlap(&op->c, &op->b));
}

static enum program_kind kind_of(uint64_t *state, const struct program_params *params, uint32_t streams)
{
	static const uint8_t shares[PROGRAM_KINDS] = {
		[PROGRAM_STEP] = 20,  [PROGRAM_MOVE] = 20,  [PROGRAM_SUM] = 12,     [PROGRAM_COPY] = 14,
		[PROGRAM_FILL] = 8,   [PROGRAM_UPLOAD] = 6, [PROGRAM_DOWNLOAD] = 5, [PROGRAM_READ] = 2,
		[PROGRAM_WRITE] = 2,  [PROGRAM_SUBMIT] = 6, [PROGRAM_WAIT] = 2,     [PROGRAM_AFTER] = 3,
		[PROGRAM_TICKET] = 2,
	};
	uint32_t at = below(state, 102);
	int kind = 0;

	while (kind < PROGRAM_KINDS - 1 && at >= shares[kind])
		at -= shares[kind++];
	if (params->no_waits &&
	    (kind == PROGRAM_READ || kind == PROGRAM_WRITE || kind == PROGRAM_WAIT || kind == PROGRAM_TICKET))
		kind = PROGRAM_STEP;
	if (streams == 1 && kind == PROGRAM_AFTER)
		kind = PROGRAM_SUBMIT;
	return (enum program_kind)kind;
}

void program_make(uint64_t seed, const struct program_params *params, struct program *out_program)
{
	uint64_t state = seed;
	uint32_t ops = params->ops ? params->ops : PROGRAM_OPS;

	memset(out_program, 0, sizeof(*out_program));
	out_program->seed = seed;
	out_program->streams = 1 + below(&state, params->streams ? params->streams : PROGRAM_STREAMS);
	out_program->op_count = 1 + below(&state, ops);
	for (uint32_t i = 0; i < out_program->op_count; i++) {
		struct program_op *op = &out_program->ops[i];

		op->kind = kind_of(&state, params, out_program->streams);
		op->stream = below(&state, out_program->streams);
		op->other = below(&state, out_program->streams);
		op->k = below(&state, 1000);
		fill_ranges(&state, op);
	}
}

void program_print(const struct program *program)
{
	static const char *const names[PROGRAM_KINDS] = {"step",   "move",     "sum",   "copy",  "fill",
	                                                 "upload", "download", "read",  "write", "submit",
	                                                 "wait",   "after",    "ticket"};

	fprintf(stderr, "program %llu: %u streams, %u operations\n", (unsigned long long)program->seed,
	        program->streams, program->op_count);
	for (uint32_t i = 0; i < program->op_count; i++) {
		const struct program_op *op = &program->ops[i];

		fprintf(stderr, "  %2u stream %u %-8s a %u:%u+%u b %u:%u+%u c %u:%u other %u k %u\n", i,
		        op->stream, names[op->kind], op->a.buffer, op->a.begin, op->a.count, op->b.buffer,
		        op->b.begin, op->b.count, op->c.buffer, op->c.begin, op->other, op->k);
	}
}
