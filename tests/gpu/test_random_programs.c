/* Random programs on a real driver, compared with their sequential model.
 *
 *	gpu_random_programs [PROGRAMS [SEED]]     60 and a seed of the clock's; the seed is printed */
#include "harness.h"

#include <time.h>

#include "random_program.h"

static unsigned programs = 60;
static uint64_t seed;

static void run_one(const struct program *program, const struct program_kernels *kernels)
{
	struct program_run run;

	program_run(program, gpu_device, kernels, &run);
	if (run.status == KILN_OK && !run.wrong)
		return;
	program_print(program);
	fail_msg("program %llu: operation %u: %s, %u wrong: %s", (unsigned long long)program->seed,
	         run.stopped, kiln_status_name(run.status), run.wrong, run.message);
}

static void random_programs_give_what_the_model_gives(void **state)
{
	struct program_kernels kernels;
	struct kiln_device_counters before = kiln_device_counters(gpu_device), after;

	(void)state;
	GPU_NEEDS_LAUNCH();
	gpu_ok(program_kernels_create(gpu_device, &kernels));
	for (unsigned i = 0; i < programs; i++) {
		struct program program;

		program_make(seed + i, &(struct program_params){0}, &program);
		run_one(&program, &kernels);
	}
	program_kernels_destroy(&kernels);
	after = kiln_device_counters(gpu_device);
	print_message("%u programs from seed %llu: 0 differences; %llu launches, %llu submissions, %llu barriers, "
	              "%llu validation messages\n",
	              programs, (unsigned long long)seed,
	              (unsigned long long)(after.launches - before.launches),
	              (unsigned long long)(after.submits - before.submits),
	              (unsigned long long)(after.barriers - before.barriers),
	              (unsigned long long)after.validation_messages);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_programs_give_what_the_model_gives),
	};

	if (argc > 1)
		programs = (unsigned)strtoul(argv[1], NULL, 10);
	seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)time(NULL) * 1000003;
	return GPU_MAIN("random_programs", tests, true);
}
