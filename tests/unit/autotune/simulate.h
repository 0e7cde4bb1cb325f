/* A device made of a table: true times from a file, noise from a model, a clock that advances with what is measured. */
#ifndef TESTS_SIMULATE_H
#define TESTS_SIMULATE_H

#include <autotune/search.h>

#define SIMULATED_ROWS KILN_SPACE_CONFIGS

struct simulated_row {
	struct kiln_tune_config config;
	double ns;
};

/* A recorded or synthetic space; the format stands in spaces/make_synthetic.py. */
struct simulated_space {
	char name[64];
	struct simulated_row rows[SIMULATED_ROWS];
	size_t row_count;
	struct kiln_space *space;
	double times[SIMULATED_ROWS]; /* by index in the space */
	double best;
};

struct simulated_noise {
	double sigma;  /* of every sample, log-normal */
	double spike;  /* share of samples that take 1.5 to 4 times as long */
	double drift;  /* slow wave over the run, as a share of the time */
	double mode;   /* second speed of the machine, as a share; it stays in one for tens of samples */
	double hog;    /* share of the time that another program takes a core, in bursts */
	double jitter; /* of a sample while it does */
};

extern const struct simulated_noise simulated_idle, simulated_hog, simulated_bimodal, simulated_silent;

struct simulated_device {
	const struct simulated_space *space;
	struct simulated_noise noise;
	uint64_t random, now;
	uint64_t compile_ns; /* of one proof */
	uint64_t budget_ns;  /* of the search; 0: none */
	double phase, mode_now, hog_now;
	bool null; /* all configurations take the default's time */
	size_t measured;
};

/* Loads every spaces/<name>.csv of the folder in order of name; aborts with a message on a file that is none. */
size_t simulated_load(const char *folder, struct simulated_space **out_spaces);
void simulated_free(struct simulated_space **spaces, size_t count);

void simulated_device_init(struct simulated_device *device, const struct simulated_space *space,
                           const struct simulated_noise *noise, uint64_t seed);
struct kiln_search_calls simulated_calls(struct simulated_device *device);

/* A search with the defaults of a small kernel; the caller destroys the report. */
struct kiln_tune_report *simulated_run(struct simulated_device *device, enum kiln_tune_method method);

#endif
