#include "tuning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_S = 60 };

static const struct {
	uint32_t n;
	float a;
} push = {TUNING_THREADS, 0.0f};

static enum kiln_status make(struct tuning *tuning, const struct tuning_process *process)
{
	static const float contents[TUNING_THREADS];
	const struct kiln_kernel_params kernel = {
		.spirv = process->spirv,
		.spirv_bytes = process->spirv_bytes,
		.guarded = true,
	};
	const struct kiln_buffer_params buffer = {.bytes = sizeof(contents), .contents = contents};

	KILN_TRY(kiln_device_open(&(struct kiln_device_params){.store = tuning->store}, &tuning->device));
	KILN_TRY(kiln_kernel_create(tuning->device, &kernel, &tuning->kernel));
	KILN_TRY(kiln_buffer_create(tuning->device, &buffer, &tuning->x));
	KILN_TRY(kiln_buffer_create(tuning->device, &buffer, &tuning->y));
	tuning->launch = (struct kiln_launch_params){
		.threads = {TUNING_THREADS},
		.buffers = {tuning->x, tuning->y},
		.push = &push,
		.push_bytes = sizeof(push),
	};
	return KILN_OK;
}

static void finish(struct tuning *tuning)
{
	kiln_buffer_destroy(&tuning->x);
	kiln_buffer_destroy(&tuning->y);
	kiln_kernel_destroy(&tuning->kernel);
	kiln_device_close(&tuning->device);
	kiln_store_close(&tuning->store);
}

static int child(const struct place *place, const struct tuning_process *process, void *seen)
{
	struct tuning tuning = {0};
	char path[400];

	(void)snprintf(path, sizeof(path), "%s/autotune.toml", place->dir.path);
	setenv("HOSTILE", process->script, 1);
	setenv("HOSTILE_LOG", place->log, 1);
	setenv("KILN_AUTOTUNE", process->mode, 1);
	setenv("KILN_CACHE_DIR", place->cache, 1);
	alarm(PATIENCE_S);
	if (kiln_store_open(path, &tuning.store) != KILN_OK || make(&tuning, process) != KILN_OK) {
		(void)fprintf(stderr, "%s: %s\n", process->script, kiln_error_message());
		return 1;
	}
	process->work(&tuning, seen);
	finish(&tuning);
	return 0;
}

void tuning_run(const struct place *place, const struct tuning_process *process, void *seen, size_t bytes)
{
	void *shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0;
	pid_t pid;

	assert_ptr_not_equal(shared, MAP_FAILED);
	(void)fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(child(place, process, shared));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	memcpy(seen, shared, bytes);
	(void)munmap(shared, bytes);
	assert_int_equal(status, 0);
	if (place_events(place, "misuse"))
		(void)fprintf(stderr, "the driver was misused: see %s\n", place->log);
	assert_int_equal(place_events(place, "misuse"), 0);
}
