#include "harness.h"

#include <errno.h>
#include <ftw.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "usable_spv.h"

#define LOG_BYTES 65536
#define SKIP_PROGRAM 77

struct kiln_device *gpu_device;

static char own_folder[512];
static unsigned folder_count;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static char log_text[LOG_BYTES];
static size_t log_used;
static unsigned warnings, validation_lines, skips;

const struct kiln_device_info *gpu_info(void)
{
	return kiln_device_info(gpu_device);
}

/* ---- The log: validation messages come through it, also those after a device's counters are gone ---- */

static void on_log(void *user, enum kiln_log_level level, const char *message)
{
	(void)user;
	pthread_mutex_lock(&log_lock);
	if (level <= KILN_LOG_WARN) {
		int written = snprintf(log_text + log_used, LOG_BYTES - log_used, "%s\n", message);
		if (written > 0 && log_used + (size_t)written < LOG_BYTES)
			log_used += (size_t)written;
		warnings++;
		if (strncmp(message, "vulkan: ", 8) == 0) {
			validation_lines++;
			fprintf(stderr, "VALIDATION %s\n", message);
		}
	}
	pthread_mutex_unlock(&log_lock);
}

unsigned gpu_warnings(void)
{
	return warnings;
}

bool gpu_logged(const char *text)
{
	pthread_mutex_lock(&log_lock);
	bool found = strstr(log_text, text) != NULL;
	pthread_mutex_unlock(&log_lock);
	return found;
}

void gpu_forget_log(void)
{
	pthread_mutex_lock(&log_lock);
	log_used = 0;
	log_text[0] = '\0';
	warnings = 0;
	pthread_mutex_unlock(&log_lock);
}

/* ---- Folders ---- */

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *walk)
{
	(void)facts, (void)kind, (void)walk;
	return remove(path);
}

/* What the person at the keyboard has set is not what is tested. */
static void forget_settings(void)
{
	for (size_t i = 0; i < kiln_env_count(); i++)
		unsetenv(kiln_env_fact(i).name);
}

static bool make_own_folder(const char *program)
{
	const char *base = getenv("TMPDIR");
	snprintf(own_folder, sizeof own_folder, "%s/kiln-%s-XXXXXX", base && *base ? base : "/tmp", program);
	if (!mkdtemp(own_folder))
		return false;
	char path[600];
	snprintf(path, sizeof path, "%s/xdg", own_folder);
	mkdir(path, 0700);
	setenv("XDG_CACHE_HOME", path, 1);
	snprintf(path, sizeof path, "%s/cache", own_folder);
	setenv("KILN_CACHE_DIR", path, 1);
	return true;
}

char *gpu_folder(void)
{
	char *path = NULL;
	assert_true(asprintf(&path, "%s/%u", own_folder, ++folder_count) > 0);
	assert_int_equal(mkdir(path, 0700), 0);
	return path;
}

/* ---- Devices ---- */

static int find_layer(struct dl_phdr_info *info, size_t size, void *found)
{
	(void)size;
	*(bool *)found |= strstr(info->dlpi_name, "khronos_validation") != NULL;
	return 0;
}

/* Zero messages mean nothing when nobody listens. */
static bool layer_is_loaded(void)
{
	bool found = false;
	dl_iterate_phdr(find_layer, &found);
	return found;
}

struct kiln_device *gpu_open(const struct kiln_device_params *params)
{
	struct kiln_device *device = NULL;
	struct kiln_device_params all = params ? *params : (struct kiln_device_params){0};
	all.validation = KILN_VALIDATION_ON;
	gpu_ok(kiln_device_open(&all, &device));
	assert_non_null(device);
	assert_true(layer_is_loaded());
	return device;
}

void gpu_close(struct kiln_device **device)
{
	struct kiln_device_counters counters = kiln_device_counters(*device);
	assert_int_equal(counters.validation_messages, 0);
	kiln_device_close(device);
	assert_null(*device);
}

/* ---- Assertions ---- */

void gpu_skip(const char *test, const char *reason)
{
	skips++;
	print_message("SKIP %s: %s\n", test, reason);
	skip();
}

void gpu_ok_(enum kiln_status status, const char *call, const char *file, int line)
{
	if (status == KILN_OK)
		return;
	print_error("%s\n  %s: %s\n", call, kiln_status_name(status), kiln_error_message());
	_fail(file, line);
}

void gpu_refused_(enum kiln_status status, enum kiln_status expected, const char *call, const char *file,
                  int line)
{
	const char *message = kiln_error_message();
	bool right = expected == KILN_OK ? status < 0 : status == expected;
	if (right && strstr(message, "Fix: "))
		return;
	print_error("%s\n  expected %s and a sentence with \"Fix: \"\n  got %s: %s\n", call,
	            expected == KILN_OK ? "an error" : kiln_status_name(expected), kiln_status_name(status),
	            message);
	_fail(file, line);
}

void gpu_assert_usable(void)
{
	enum { COUNT = 1000 };
	struct {
		uint32_t n;
		float a;
	} push = {COUNT, 3.0f};
	struct kiln_kernel *kernel = GPU_KERNEL(usable_spv);
	gpu_ok(kiln_kernel_resolve(kernel, NULL));
	if (gpu_info()->can_launch) {
		float ones[COUNT], result[COUNT];
		for (int i = 0; i < COUNT; i++)
			ones[i] = 1.0f;
		struct kiln_buffer *x = gpu_buffer(sizeof ones, ones), *y = gpu_buffer(sizeof ones, ones);
		gpu_ok(kiln_launch(kernel, &(struct kiln_launch_params){.threads = {COUNT},
		                                                        .buffers = {x, y},
		                                                        .push = &push,
		                                                        .push_bytes = sizeof push}));
		gpu_ok(kiln_buffer_read(y, 0, result, sizeof result));
		for (int i = 0; i < COUNT; i++)
			assert_true(result[i] == 4.0f);
		kiln_buffer_destroy(&x);
		kiln_buffer_destroy(&y);
	}
	kiln_kernel_destroy(&kernel);
}

/* ---- Shorthands ---- */

struct kiln_kernel *gpu_kernel(const void *words, size_t bytes)
{
	struct kiln_kernel *kernel = NULL;
	gpu_ok(kiln_kernel_create(gpu_device,
	                          &(struct kiln_kernel_params){.spirv = words, .spirv_bytes = bytes},
	                          &kernel));
	return kernel;
}

struct kiln_buffer *gpu_buffer(uint64_t bytes, const void *contents)
{
	struct kiln_buffer *buffer = NULL;
	gpu_ok(kiln_buffer_create(gpu_device,
	                          &(struct kiln_buffer_params){.bytes = bytes, .contents = contents},
	                          &buffer));
	return buffer;
}

struct kiln_buffer *gpu_buffer_counting(uint32_t count, uint32_t first)
{
	uint32_t *words = malloc(count * sizeof *words);
	assert_non_null(words);
	for (uint32_t i = 0; i < count; i++)
		words[i] = first + i;
	struct kiln_buffer *buffer = gpu_buffer(count * sizeof *words, words);
	free(words);
	return buffer;
}

uint32_t *gpu_read(struct kiln_buffer *buffer, uint32_t count)
{
	uint32_t *words = malloc(count * sizeof *words);
	assert_non_null(words);
	gpu_ok(kiln_buffer_read(buffer, 0, words, count * sizeof *words));
	return words;
}

/* ---- The program ---- */

static int open_shared(void **state)
{
	(void)state;
	gpu_device = gpu_open(NULL);
	print_message("device: %s (%s)\n", gpu_info()->name, gpu_info()->driver_info);
	return 0;
}

static int close_shared(void **state)
{
	(void)state;
	gpu_close(&gpu_device);
	return 0;
}

static bool driver_is_installed(void)
{
	const char *manifest = getenv("VK_DRIVER_FILES");
	return !manifest || access(manifest, R_OK) == 0 || strchr(manifest, ':');
}

int gpu_main(const char *program, const struct CMUnitTest *tests, size_t count, bool open)
{
	const char *driver = getenv("KILN_TEST_DRIVER");
	if (!driver_is_installed()) {
		printf("SKIP %s: the driver %s is not installed. Fix: tools/setup.sh\n", program,
		       driver ? driver : "?");
		return SKIP_PROGRAM;
	}
	forget_settings();
	if (!make_own_folder(program)) {
		fprintf(stderr, "%s: cannot make a folder: %s\n", program, strerror(errno));
		return 1;
	}
	kiln_log_set(on_log, NULL, KILN_LOG_WARN);
	int failed = _cmocka_run_group_tests(program, tests, count, open ? open_shared : NULL,
	                                     open ? close_shared : NULL);
	nftw(own_folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	printf("%s on %s: %zu tests, %d failed, %u skipped, %u validation messages\n", program,
	       driver ? driver : "?", count, failed, skips, validation_lines);
	return failed || validation_lines ? 1 : 0;
}
