/* Against the truth: recording whole spaces, and how much slower the tuner's choice is than the best of all. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tune_modes.h"
#include "tune_truth.h"

/* ---- spaces ---- */

static void print_config(FILE *file, const struct kiln_tune_config *config)
{
	fprintf(file, "%u,%u,%u,%u,%u,%u,%u", config->workgroup[0], config->workgroup[1],
	        config->workgroup[2], config->unroll, config->tile[0], config->tile[1], config->tile[2]);
}

static void write_space(const struct tune_truths *truths, const char *path)
{
	const struct kiln_device_info *info = kiln_device_info(truths->place->device);
	const char *class = info->type == KILN_DEVICE_CPU          ? "cpu"
	                    : info->type == KILN_DEVICE_INTEGRATED ? "integrated"
	                                                           : "discrete";
	FILE *file = fopen(path, "w");

	if (!file)
		bench_die("cannot write %s: %s", path, strerror(errno));
	fprintf(file, "# Measured by bench/tune spaces: %s on %s, %s %s.\n# device %s subgroup %u default ",
	        truths->place->kernel.name, info->name, info->driver_name, info->driver_info, class,
	        info->subgroup_size);
	print_config(file, &truths->all[0].config);
	fprintf(file, "\nwgx,wgy,wgz,unroll,tx,ty,tz,ns\n");
	for (size_t i = 0; i < truths->count; i++) {
		if (tune_truth_ratio(truths, i) <= 0)
			continue;
		print_config(file, &truths->all[i].config);
		fprintf(file, ",%.0f\n", tune_truth_ratio(truths, i) * truths->default_ns);
	}
	if (fclose(file) != 0)
		bench_die("cannot write %s: %s", path, strerror(errno));
}

void tune_spaces(const struct tune_settings *settings, struct kiln_device *device,
                 const struct tune_kernel *kernel)
{
	struct tune_place place;
	struct tune_truths truths;
	char path[512], text[TUNE_CONFIG_BYTES];
	size_t best;

	tune_place_open(&place, device, kernel, settings->scale);
	tune_truth_open(&truths, &place);
	tune_truth_refine(&truths, settings->rounds);
	best = tune_truth_best(&truths);
	snprintf(path, sizeof path, "%s/recorded_%s_%s.csv", settings->folder, tune_driver_name(device),
	         kernel->name);
	write_space(&truths, path);
	kiln_tune_config_text(&truths.all[best].config, text, sizeof text);
	tune_row(settings, kernel->name);
	tune_row_number(settings, "configs", (double)truths.count);
	tune_row_number(settings, "default_us", truths.default_ns / 1e3);
	tune_row_number(settings, "best_ratio", tune_truth_ratio(&truths, best));
	tune_row_word(settings, "best", text);
	tune_row_word(settings, "file", path);
	tune_row_end(settings);
	tune_truth_close(&truths);
	tune_place_close(&place);
}

/* ---- regret ---- */

static double share_within(const struct bench_series *series, double limit)
{
	size_t within = 0;

	for (size_t i = 0; i < series->count; i++)
		within += series->values[i] <= limit;
	return series->count ? 100.0 * (double)within / (double)series->count : 0;
}

/* The truth changes with what else the machine does: its rounds, without the hogs, lie between the trials. */
static void measure_truth(struct tune_truths *truths, const struct tune_settings *settings, unsigned trial)
{
	unsigned before = settings->rounds * trial / settings->trials;
	unsigned after = settings->rounds * (trial + 1) / settings->trials;

	if (before == after)
		return;
	tune_hogs_stop();
	tune_truth_refine(truths, after - before);
	tune_hogs_start(settings);
}

void tune_regret(const struct tune_settings *settings, struct kiln_device *device,
                 const struct tune_kernel *kernel)
{
	struct bench_series regret = {0}, tried = {0}, spent = {0};
	struct tune_place place;
	struct tune_truths truths;
	size_t *choices = calloc(settings->trials, sizeof *choices), provisional = 0, best;

	if (!choices)
		bench_die("out of memory");
	tune_place_open(&place, device, kernel, settings->scale);
	tune_truth_open(&truths, &place);
	tune_hogs_start(settings);
	for (unsigned i = 0; i < settings->trials; i++) {
		struct kiln_tune_report *report = tune_once(settings, &place);

		choices[i] = tune_truth_find(&truths, &report->candidates[report->winner].config);
		truths.all[choices[i]].chosen = true;
		provisional += report->provisional;
		bench_add(&tried, 100.0 * (double)report->tried / (double)report->candidate_count);
		bench_add(&spent, (double)report->spent_ns / 1e6);
		kiln_tune_report_destroy(&report);
		measure_truth(&truths, settings, i);
	}
	tune_hogs_stop();
	best = tune_truth_best(&truths);
	for (unsigned i = 0; i < settings->trials; i++)
		bench_add(&regret,
		          100.0 * (tune_truth_ratio(&truths, choices[i]) / tune_truth_ratio(&truths, best) -
		                   1));
	tune_row(settings, kernel->name);
	tune_row_number(settings, "configs", (double)truths.count);
	tune_row_number(settings, "best_ratio", tune_truth_ratio(&truths, best));
	tune_row_number(settings, "regret_p50_%", bench_median(&regret));
	tune_row_number(settings, "regret_p95_%", bench_percentile(&regret, 95));
	tune_row_number(settings, "within_3_%", share_within(&regret, 3));
	tune_row_number(settings, "within_5_%", share_within(&regret, 5));
	tune_row_number(settings, "tried_%", bench_percentile(&tried, 100));
	tune_row_number(settings, "spent_ms", bench_median(&spent));
	tune_row_number(settings, "provisional", (double)provisional);
	tune_row_end(settings);
	bench_finish(&regret);
	bench_finish(&tried);
	bench_finish(&spent);
	free(choices);
	tune_truth_close(&truths);
	tune_place_close(&place);
}
