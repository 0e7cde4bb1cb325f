#include "visit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "saxpy_spv.h"

enum { COUNT = 1000, HALF = 500, PATIENCE_S = 60 };

/* ---- The work ---- */

struct work {
	struct kiln_device *device;
	struct kiln_kernel *kernel;
	struct kiln_buffer *x, *y, *z;
	float x_in[COUNT], y_in[COUNT], y_out[COUNT], z_out[COUNT];
};

static enum kiln_status resolve(struct work *work, struct attempt *attempt)
{
	struct kiln_build build;

	KILN_TRY(kiln_kernel_create(work->device,
	                            &(struct kiln_kernel_params){
					    .spirv = saxpy_spv,
					    .spirv_bytes = sizeof(saxpy_spv),
				    },
	                            &work->kernel));
	KILN_TRY(kiln_kernel_resolve(work->kernel, &build));
	attempt->outcome = build.outcome;
	attempt->miss = build.miss_reason;
	return KILN_OK;
}

static enum kiln_status create_buffers(struct work *work)
{
	const struct kiln_buffer_params x = {.bytes = sizeof(work->x_in), .contents = work->x_in};
	const struct kiln_buffer_params y = {.bytes = sizeof(work->y_in), .contents = work->y_in};
	const struct kiln_buffer_params z = {.bytes = sizeof(work->z_out), .memory = KILN_MEMORY_READBACK};

	KILN_TRY(kiln_buffer_create(work->device, &x, &work->x));
	KILN_TRY(kiln_buffer_create(work->device, &y, &work->y));
	return kiln_buffer_create(work->device, &z, &work->z);
}

/* y = 2 x + y; z = y; the upper half of y = 0; z[0] = 7 */
static enum kiln_status run(struct work *work)
{
	const struct {
		uint32_t n;
		float a;
	} push = {COUNT, 2.0f};
	const float seven = 7.0f;

	for (int i = 0; i < COUNT; i++) {
		work->x_in[i] = (float)i;
		work->y_in[i] = 1.0f;
	}
	KILN_TRY(create_buffers(work));
	KILN_TRY(kiln_launch(work->kernel, &(struct kiln_launch_params){
						   .threads = {COUNT},
						   .buffers = {work->x, work->y},
						   .push = &push,
						   .push_bytes = sizeof(push),
					   }));
	KILN_TRY(kiln_buffer_copy(work->y, 0, work->z, 0, sizeof(work->y_out)));
	KILN_TRY(kiln_buffer_fill(work->y, HALF * sizeof(float), HALF * sizeof(float), 0));
	KILN_TRY(kiln_buffer_write(work->z, 0, &seven, sizeof(seven)));
	KILN_TRY(kiln_buffer_read(work->y, 0, work->y_out, sizeof(work->y_out)));
	return kiln_buffer_read(work->z, 0, work->z_out, sizeof(work->z_out));
}

static bool right(const struct work *work)
{
	for (int i = 0; i < COUNT; i++) {
		float y = 2.0f * (float)i + 1.0f;

		if (work->y_out[i] != (i < HALF ? y : 0.0f) || work->z_out[i] != (i == 0 ? 7.0f : y))
			return false;
	}
	return true;
}

static enum step stop(struct attempt *attempt, enum step step, enum kiln_status status)
{
	attempt->status = status;
	(void)snprintf(attempt->message, sizeof(attempt->message), "%s", kiln_error_message());
	return step;
}

static enum step try(struct work *work, struct attempt *attempt)
{
	enum kiln_status status = work->device ? KILN_OK : kiln_device_open(NULL, &work->device);

	if (status != KILN_OK)
		return stop(attempt, STEP_OPEN, status);
	status = resolve(work, attempt);
	if (status != KILN_OK)
		return stop(attempt, STEP_RESOLVE, status);
	status = run(work);
	if (status != KILN_OK)
		return stop(attempt, STEP_RUN, status);
	return right(work) ? STEP_DONE : STEP_WRONG;
}

static void attempt(struct work *work, struct attempt *attempt)
{
	attempt->stopped = try(work, attempt);
	kiln_kernel_destroy(&work->kernel);
	kiln_buffer_destroy(&work->x);
	kiln_buffer_destroy(&work->y);
	kiln_buffer_destroy(&work->z);
}

/* ---- The process ---- */

static void on_log(void *user, enum kiln_log_level level, const char *message)
{
	struct visit *seen = user;

	if (level <= KILN_LOG_WARN)
		seen->warnings++;
	fprintf(stderr, "  kiln: %s\n", message);
}

static _Noreturn void work_here(const struct place *place, const char *script, struct visit *seen)
{
	static struct work work;
	struct kiln_device_info *infos = NULL;
	size_t count = 0;

	setenv("HOSTILE", script, 1);
	setenv("HOSTILE_LOG", place->log, 1);
	setenv("KILN_CACHE_DIR", place->cache, 1);
	kiln_log_set(on_log, seen, KILN_LOG_WARN);
	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL); /* cmocka's handlers would go on with the next test */
	alarm(PATIENCE_S);
	attempt(&work, &seen->first);
	attempt(&work, &seen->second);
	if (work.device)
		seen->info = *kiln_device_info(work.device);
	kiln_device_close(&work.device);
	if (kiln_device_list(&infos, &count) == KILN_OK)
		seen->devices = (unsigned)count;
	kiln_device_list_free(&infos);
	exit(0);
}

/* Runs it and gives the number of rules that struck. */
static unsigned enter(const struct place *place, const char *script, struct visit *out_visit)
{
	struct visit *seen =
		mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned strikes = place_events(place, "strike");
	int status;
	pid_t process;

	assert_true(seen != MAP_FAILED);
	fflush(NULL);
	process = fork();
	assert_true(process >= 0);
	if (process == 0)
		work_here(place, script, seen);
	assert_int_equal(waitpid(process, &status, 0), process);
	seen->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	*out_visit = *seen;
	munmap(seen, sizeof(*seen));
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		fail_msg("the process exited with %d", WEXITSTATUS(status)); /* as sanitizers do */
	assert_int_equal(place_events(place, "misuse"), 0);
	return place_events(place, "strike") - strikes;
}

void visit(const struct place *place, const char *script, struct visit *out_visit)
{
	(void)enter(place, script, out_visit);
	while (*script) {
		char line[80];

		(void)snprintf(line, sizeof(line), "strike %.*s\n", (int)strcspn(script, "=@,"), script);
		if (!place_events(place, line))
			fail_msg("the driver had no occasion to do: %s", line);
		script += strcspn(script, ",");
		script += *script == ',';
	}
}

void visit_in_peace(const struct place *place, const char *script, struct visit *out_visit)
{
	assert_int_equal(enter(place, script, out_visit), 0);
}

/* ---- Assertions ---- */

static const char *step_name(enum step step)
{
	static const char *const names[] = {"done", "open", "resolve", "run", "wrong result"};

	return names[step];
}

void assert_attempt(const struct attempt *attempt, enum step stopped, enum kiln_status status)
{
	if (attempt->stopped != stopped || attempt->status != status)
		fail_msg("expected %s %s, got %s %s: %s", step_name(stopped), kiln_status_name(status),
		         step_name(attempt->stopped), kiln_status_name(attempt->status), attempt->message);
	if (status != KILN_OK && !strstr(attempt->message, "Fix: "))
		fail_msg("%s comes without a fix: %s", kiln_status_name(status), attempt->message);
}

void assert_outcome(const struct attempt *attempt, enum kiln_outcome outcome)
{
	assert_string_equal(kiln_outcome_name(attempt->outcome), kiln_outcome_name(outcome));
}

void assert_good(const struct visit *visit, enum kiln_outcome outcome)
{
	assert_int_equal(visit->signal, 0);
	assert_attempt(&visit->first, STEP_DONE, KILN_OK);
	assert_outcome(&visit->first, outcome);
	assert_attempt(&visit->second, STEP_DONE, KILN_OK);
	assert_outcome(&visit->second, KILN_OUTCOME_MEMORY);
}
