#include "simulate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <autotune/statistics.h>

const struct simulated_noise simulated_silent = {0};
const struct simulated_noise simulated_idle = {.sigma = 0.015, .spike = 0.02, .drift = 0.03};
const struct simulated_noise simulated_hog = {.sigma = 0.02,
                                              .spike = 0.02,
                                              .drift = 0.03,
                                              .hog = 0.4,
                                              .jitter = 0.15};
const struct simulated_noise simulated_bimodal = {.sigma = 0.01, .spike = 0.02, .drift = 0.02, .mode = 0.08};

static double uniform(struct simulated_device *device)
{
	return (double)(kiln_stat_random(&device->random) >> 11) / 9007199254740992.0;
}

static double normal(struct simulated_device *device)
{
	return sqrt(-2 * log(1 - uniform(device))) * cos(6.283185307179586 * uniform(device));
}

/* The other program comes and goes; while it is there, a sample loses part of a core. */
static double hog(struct simulated_device *device)
{
	const struct simulated_noise *noise = &device->noise;
	double change = device->hog_now > 0 ? 0.2 * (1 - noise->hog) : 0.2 * noise->hog;

	if (noise->hog > 0 && uniform(device) < change)
		device->hog_now = device->hog_now > 0 ? 0 : 0.2 + 0.6 * uniform(device);
	return device->hog_now > 0 ? (1 + device->hog_now) * exp(noise->jitter * normal(device)) : 1;
}

static double disturbance(struct simulated_device *device)
{
	const struct simulated_noise *noise = &device->noise;
	double factor = exp(noise->sigma * normal(device)) * hog(device);

	if (uniform(device) < noise->spike)
		factor *= 1.5 + 2.5 * uniform(device);
	if (noise->mode > 0 && uniform(device) < 0.03)
		device->mode_now = device->mode_now > 0 ? 0 : noise->mode;
	device->phase += 0.01;
	return factor * (1 + device->mode_now) * (1 + noise->drift * sin(device->phase));
}

static struct kiln_measurement measure(void *user, size_t config, uint32_t dispatches)
{
	struct simulated_device *device = user;
	double ns = device->space->times[device->null ? 0 : config] * dispatches * disturbance(device);

	device->measured++;
	device->now += (uint64_t)ns + 20000;
	return (struct kiln_measurement){KILN_OUTCOME_OK, ns};
}

static enum kiln_tune_outcome prove(void *user, size_t config)
{
	struct simulated_device *device = user;

	device->now += device->compile_ns + (uint64_t)device->space->times[config];
	return KILN_OUTCOME_OK;
}

static uint64_t now_ns(void *user)
{
	return ((struct simulated_device *)user)->now;
}

void simulated_device_init(struct simulated_device *device, const struct simulated_space *space,
                           const struct simulated_noise *noise, uint64_t seed)
{
	*device = (struct simulated_device){.space = space,
	                                    .noise = *noise,
	                                    .random = seed,
	                                    .now = 1000,
	                                    .compile_ns = 1500000};
	device->phase = 6.28 * uniform(device);
}

struct kiln_search_calls simulated_calls(struct simulated_device *device)
{
	return (struct kiln_search_calls){.prove = prove,
	                                  .measure = measure,
	                                  .now_ns = now_ns,
	                                  .user = device};
}

struct kiln_tune_report *simulated_run(struct simulated_device *device, enum kiln_tune_method method)
{
	struct kiln_tune_report *report = NULL;
	enum kiln_status status = kiln_search_run(
		&(struct kiln_search_params){
			.space = device->space->space,
			.calls = simulated_calls(device),
			.method = method,
			.seed = 1, /* of the key: every run of one kernel has the same */
			.min_sample_ns = 1000,
			.budget_ns = device->budget_ns,
		},
		&report);

	return status == KILN_OK ? report : NULL;
}
