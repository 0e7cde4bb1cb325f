/* kiln tune plot: a tuning run as a picture. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "file.h"
#include "json.h"
#include "session.h"
#include "tune_picture.h"
#include "tune_work.h"

static enum kiln_exit write_picture(struct kiln_tool *tool, const struct kiln_tune_story *story,
                                    const struct kiln_tune_grid *grid, const char *path)
{
	char *data = NULL;
	size_t bytes = 0;
	struct kiln_why why;
	enum kiln_exit code = KILN_EXIT_OK;
	FILE *file = open_memstream(&data, &bytes);

	if (file)
		kiln_tune_picture_write(story, grid, file);
	if (!file || fclose(file) != 0 || !bytes)
		code = kiln_tool_fail(tool, KILN_EXIT_FAILURE,
		                      "out of memory for the picture. Fix: free some");
	else if (!kiln_file_write(path, data, bytes, &why))
		code = kiln_tool_fail(tool, KILN_EXIT_FILE, "--output: %s", why.text);
	free(data);
	return code;
}

static enum kiln_exit plot(struct kiln_tune_work *work, const struct kiln_tune_story *story)
{
	struct kiln_tool *tool = work->run.tool;
	const char *path = work->output ? work->output : "tune.svg";
	struct kiln_tune_grid grid;
	enum kiln_exit code;

	if (!kiln_tune_grid_make(story, &grid))
		return kiln_tool_fail(tool, KILN_EXIT_FAILURE,
		                      "out of memory for the picture. Fix: free some");
	code = write_picture(tool, story, &grid, path);
	if (!code && tool->json) {
		kiln_json_text(tool->root, "file", path);
		kiln_json_text(tool->root, "kind", grid.rows == 1 ? "bars" : "heat map");
		kiln_json_u64(tool->root, "columns", grid.columns);
		kiln_json_u64(tool->root, "rows", grid.rows);
		kiln_json_u64(tool->root, "hidden", grid.hidden);
	} else if (!code && !tool->quiet) {
		kiln_tune_story_print(story);
		printf("  picture    %s\n", path);
	}
	kiln_tune_grid_finish(&grid);
	return code;
}

static enum kiln_exit run_command(struct kiln_tool *tool, int argc, char **argv)
{
	return kiln_tune_work_main(tool, argc, argv, false, plot);
}

static const struct kiln_option own[] = {
	{"output", 'o', "FILE", "where to write the SVG (default: tune.svg)", KILN_OPT_OUT},
	{0},
};

static const struct kiln_option *const tables[] = {own,
                                                   kiln_options_from,
                                                   kiln_options_launch,
                                                   kiln_options_search,
                                                   kiln_options_device,
                                                   kiln_options_glsl,
                                                   kiln_options_common,
                                                   NULL};

const struct kiln_command kiln_command_tune_plot = {
	.name = "tune plot",
	.arguments = "[FILE.spv|FILE.comp]",
	.summary = "draw a heat map or bar chart of the configurations (SVG)",
	.description =
		"Tunes as kiln tune run does and records nothing, or draws a run saved with --report. Two tunables give\n"
		"a heat map, one gives bars; numbers are times relative to the default, so that lower is better.\n"
		"\n" KILN_TUNE_LAUNCH_HELP,
	.examples =
		"kiln tune plot saxpy.spv --threads 1M --push f32:2,u32:1048576 --method exhaustive --budget 5s\n"
		"kiln tune plot --from matmul.json --output matmul.svg",
	.options = tables,
	.run = run_command,
};
