/* A kernel of up to a millisecond is tuned at once: that takes some tens of milliseconds, and it comes back soon. A longer one
 * earns its tuning: a twenty-fifth of the time its launches took may be spent, one step at a time, so that a program is never
 * more than that slower than without. */
#include "tune_launch.h"

#include <string.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/error.h>
#include <base/log.h>
#include <base/settings.h>

#include "device.h"
#include "kernel_variant.h"
#include "tune_record.h"
#include "tune_run.h"

#define SMALL_NS UINT64_C(1000000)         /* a launch that is tuned at once */
#define AT_ONCE_NS UINT64_C(50000000)      /* and how long that may take, */
#define AT_ONCE_MAX_NS UINT64_C(130000000) /* or where each configuration is slow to compile */
#define AT_ONCE_TIMES 4u                   /* in beginnings, each of which compiles too */
#define SHARE 25u                          /* what a longer one may spend: one part in so many */
#define BEGIN_TIMES 12u            /* launches that copying the buffers and running the default cost, about */
#define BEGIN_NS UINT64_C(5000000) /* and what it costs beside */
#define BUDGET_TIMES 200u          /* launches that a whole tuning of a longer one costs, at most */
#define LONGEST_NS UINT64_C(100000000) /* a launch that is tuned unasked, where there are watchdogs */
#define BUSY_TRIES 16u                 /* launches at which another tuner may be in the way */

enum stage {
	NEW,     /* not launched twice yet */
	EARNING, /* longer than a moment: launches are counted */
	RUNNING, /* a session is under way */
	DONE,
};

struct kiln_tuning {
	struct kiln_tuning *next;
	uint32_t bucket;
	atomic_int stage;
	atomic_flag busy; /* one launch at a time sees to it; others pass by */
	uint32_t timed, tries;
	uint64_t launch_ns; /* what one takes */
	uint64_t earned_ns, spent_ns;
	uint64_t step_ns; /* what the next one may take, by those before */
	struct kiln_tune_intent intent;
	struct kiln_tune_session session;
};

/* ---- Which buckets ---- */

/* Once in a process, whatever came of it: kernels are made and destroyed, and a refusal would be repeated each time. */
static bool claim(struct kiln_device *device, const struct kiln_tune_key *key)
{
	struct kiln_tuned_keys *keys = &device->tuned_keys;
	struct kiln_tune_key *grown;
	bool fresh = true;

	kiln_mutex_lock(&device->tuned_keys.lock);
	for (size_t i = 0; i < keys->count && fresh; i++)
		fresh = memcmp(&keys->keys[i], key, sizeof(*key)) != 0;
	grown = fresh ? kiln_realloc(keys->keys, (keys->count + 1) * sizeof(*grown)) : NULL;
	if (grown) {
		keys->keys = grown;
		keys->keys[keys->count++] = *key;
	}
	kiln_mutex_unlock(&device->tuned_keys.lock);
	return grown != NULL;
}

static struct kiln_tuning *add(struct kiln_kernel *kernel, uint32_t bucket)
{
	struct kiln_tuning *tuning = kiln_alloc_zero(1, sizeof(*tuning));
	struct kiln_tune_key key = kiln_kernel_tune_key(kernel, bucket);
	bool wanted = kernel->device->autotune_mode == KILN_AUTOTUNE_MODE_RETUNE ||
	              !kiln_tune_record_settled(kernel, bucket);

	if (!tuning)
		return NULL;
	tuning->bucket = bucket;
	tuning->intent.fd = -1;
	atomic_init(&tuning->stage, wanted && claim(kernel->device, &key) ? NEW : DONE);
	atomic_flag_clear(&tuning->busy);
	tuning->next = kernel->tunings;
	kernel->tunings = tuning;
	return tuning;
}

static struct kiln_tuning *tuning_of(struct kiln_kernel *kernel, uint32_t bucket)
{
	struct kiln_tuning *tuning = atomic_load_explicit(&kernel->tuning_last, memory_order_acquire);

	if (tuning && tuning->bucket == bucket)
		return tuning;
	kiln_mutex_lock(&kernel->lock);
	for (tuning = kernel->tunings; tuning && tuning->bucket != bucket;)
		tuning = tuning->next;
	if (!tuning)
		tuning = add(kernel, bucket);
	atomic_store_explicit(&kernel->tuning_last, tuning, memory_order_release);
	kiln_mutex_unlock(&kernel->lock);
	return tuning;
}

/* ---- Running ---- */

static void stop(struct kiln_tuning *tuning)
{
	if (atomic_load(&tuning->stage) == RUNNING)
		kiln_tune_session_finish(&tuning->session);
	kiln_tune_intent_close(&tuning->intent);
	atomic_store_explicit(&tuning->stage, DONE, memory_order_release);
}

static void give_up(struct kiln_kernel *kernel, struct kiln_tuning *tuning)
{
	kiln_log(KILN_LOG_INFO, "kernel '%s' is not tuned: %s", kernel->name, kiln_error_message());
	stop(tuning);
}

/* Another tuner on this device is no reason to wait, and after some launches none to ask again. */
static bool take(struct kiln_kernel *kernel, struct kiln_tuning *tuning)
{
	enum kiln_status status = KILN_OK;

	if (tuning->intent.fd < 0)
		status = kiln_tune_run_open(kernel->device, &tuning->intent);
	if (status == KILN_OK)
		status = kiln_tune_run_take(kernel->device, &tuning->intent, 0);
	if (status == KILN_OK)
		return true;
	if (status != KILN_ERR_TIMEOUT || ++tuning->tries > BUSY_TRIES)
		give_up(kernel, tuning);
	return false;
}

/* Another process may have tuned it, or found what hangs, since this one read the store. */
static bool is_done_elsewhere(struct kiln_kernel *kernel, struct kiln_tuning *tuning)
{
	(void)kiln_store_refresh(kernel->device->store);
	if (kernel->device->autotune_mode == KILN_AUTOTUNE_MODE_RETUNE ||
	    !kiln_tune_record_settled(kernel, tuning->bucket))
		return false;
	stop(tuning);
	return true;
}

static uint64_t budget_of(const struct kiln_tuning *tuning)
{
	uint64_t ns = AT_ONCE_TIMES * kiln_tune_session_spent(&tuning->session);

	if (tuning->launch_ns >= SMALL_NS)
		return BUDGET_TIMES * tuning->launch_ns;
	return ns < AT_ONCE_NS ? AT_ONCE_NS : ns < AT_ONCE_MAX_NS ? ns : AT_ONCE_MAX_NS;
}

static enum kiln_status start(struct kiln_kernel *kernel, struct kiln_tuning *tuning,
                              const struct kiln_launch_params *launch)
{
	const struct kiln_tune_params params = {
		.launch = *launch,
		.timeout_ns = kiln_tune_timeout((double)tuning->launch_ns),
	};
	enum kiln_status status;

	KILN_TRY(kiln_tune_session_init(&tuning->session, kernel, &params, &tuning->intent));
	status = kiln_tune_run_start(&tuning->session, budget_of(tuning));
	if (status != KILN_OK)
		kiln_tune_session_finish(&tuning->session);
	return status;
}

static bool begin(struct kiln_kernel *kernel, struct kiln_tuning *tuning,
                  const struct kiln_launch_params *launch)
{
	if (start(kernel, tuning, launch) != KILN_OK) {
		give_up(kernel, tuning);
		return false;
	}
	atomic_store(&tuning->stage, RUNNING);
	return true;
}

static void end(struct kiln_kernel *kernel, struct kiln_tuning *tuning)
{
	struct kiln_tune_report *report = NULL;

	if (kiln_tune_run_end(&tuning->session, &report) != KILN_OK)
		kiln_log(KILN_LOG_WARN, "kernel '%s' is not tuned: %s", kernel->name, kiln_error_message());
	kiln_tune_report_destroy(&report);
	stop(tuning);
}

/* One step, and the end if it was the last. False: there is no next. */
static bool step(struct kiln_kernel *kernel, struct kiln_tuning *tuning)
{
	uint64_t start = kiln_now_ns();
	bool done = false;

	if (kiln_tune_session_step(&tuning->session, &done) != KILN_OK) {
		give_up(kernel, tuning);
		return false;
	}
	if (done)
		end(kernel, tuning);
	start = kiln_now_ns() - start;
	tuning->spent_ns += start;
	/* One that was long is paid for by what it adds to `spent_ns`; it must not make all others wait for as much again. */
	tuning->step_ns = start > tuning->step_ns ? start : (3 * tuning->step_ns + start) / 4;
	return !done;
}

static void tune_at_once(struct kiln_kernel *kernel, struct kiln_tuning *tuning,
                         const struct kiln_launch_params *launch)
{
	if (!take(kernel, tuning) || is_done_elsewhere(kernel, tuning) || !begin(kernel, tuning, launch))
		return;
	while (step(kernel, tuning)) {
	}
}

/* ---- Earning ---- */

static bool affords(const struct kiln_tuning *tuning, uint64_t ns)
{
	return tuning->earned_ns >= tuning->spent_ns + ns;
}

static void begin_earned(struct kiln_kernel *kernel, struct kiln_tuning *tuning,
                         const struct kiln_launch_params *launch)
{
	uint64_t start;

	if (!take(kernel, tuning) || is_done_elsewhere(kernel, tuning))
		return;
	/* What is waited for are the program's own launches, however many have queued up: they are not the tuner's. */
	if (kiln_stream_wait(&kernel->device->stream, KILN_WAIT_FOREVER) == KILN_OK) {
		start = kiln_now_ns();
		(void)begin(kernel, tuning, launch);
		tuning->spent_ns += kiln_now_ns() - start;
	}
	kiln_tune_intent_release(&tuning->intent);
	tuning->step_ns = BEGIN_NS + 2 * tuning->launch_ns;
}

/* There is nothing left to do but to end, which costs little. */
static bool is_spent(const struct kiln_tuning *tuning)
{
	return kiln_tune_session_spent(&tuning->session) >= budget_of(tuning);
}

static bool may_step(const struct kiln_tuning *tuning)
{
	return affords(tuning, tuning->step_ns) || is_spent(tuning);
}

static void spend(struct kiln_kernel *kernel, struct kiln_tuning *tuning)
{
	if (!may_step(tuning) || !take(kernel, tuning))
		return;
	if (kiln_stream_wait(&kernel->device->stream, KILN_WAIT_FOREVER) == KILN_OK)
		while (may_step(tuning) && step(kernel, tuning)) {
		}
	kiln_tune_intent_release(&tuning->intent);
}

/* ---- The launch ---- */

void kiln_tune_launch_begin(struct kiln_kernel *kernel, const uint32_t threads[3],
                            struct kiln_tune_launch *out_launch)
{
	struct kiln_tuning *tuning = tuning_of(kernel, kiln_tune_bucket(threads));

	*out_launch = (struct kiln_tune_launch){0};
	if (!tuning || atomic_load_explicit(&tuning->stage, memory_order_acquire) == DONE ||
	    atomic_flag_test_and_set(&tuning->busy))
		return;
	out_launch->tuning = tuning;
	if (atomic_load(&tuning->stage) == NEW &&
	    kiln_stream_wait(&kernel->device->stream, KILN_WAIT_FOREVER) == KILN_OK)
		out_launch->start_ns = kiln_now_ns();
}

/* The tuner submits launches whole, and tries configurations many times slower than the default: on a device that others
 * watch over, that is not to be done unasked. */
static bool is_too_long(const struct kiln_device *device, uint64_t launch_ns)
{
	return device->info.type != KILN_DEVICE_CPU && launch_ns > LONGEST_NS;
}

/* The first launch has the driver's compiling in it; the second one tells what it takes. */
static void judge(struct kiln_kernel *kernel, struct kiln_tuning *tuning,
                  const struct kiln_launch_params *params, uint64_t start_ns)
{
	if (!start_ns || kiln_stream_wait(&kernel->device->stream, KILN_WAIT_FOREVER) != KILN_OK)
		return;
	tuning->launch_ns = kiln_now_ns() - start_ns;
	if (tuning->launch_ns < SMALL_NS)
		tune_at_once(kernel, tuning, params);
	else if (++tuning->timed == 2)
		atomic_store(&tuning->stage, is_too_long(kernel->device, tuning->launch_ns) ? DONE : EARNING);
}

void kiln_tune_launch_end(struct kiln_kernel *kernel, const struct kiln_launch_params *params,
                          struct kiln_tune_launch *launch)
{
	struct kiln_tuning *tuning = launch->tuning;

	if (!tuning)
		return;
	tuning->earned_ns += params ? tuning->launch_ns / SHARE : 0;
	switch (params ? atomic_load(&tuning->stage) : DONE) {
	case NEW:
		judge(kernel, tuning, params, launch->start_ns);
		break;
	case EARNING:
		if (affords(tuning, BEGIN_NS + BEGIN_TIMES * tuning->launch_ns))
			begin_earned(kernel, tuning, params);
		break;
	case RUNNING:
		spend(kernel, tuning);
		break;
	default:
		break;
	}
	atomic_flag_clear(&tuning->busy);
}

void kiln_tuning_finish(struct kiln_kernel *kernel)
{
	while (kernel->tunings) {
		struct kiln_tuning *next = kernel->tunings->next;

		stop(kernel->tunings);
		kiln_free(kernel->tunings);
		kernel->tunings = next;
	}
}
