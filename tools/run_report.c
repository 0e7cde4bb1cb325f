/* What a run leaves: files, and the report. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "build_report.h"
#include "describe.h"
#include "file.h"
#include "json.h"
#include "run.h"
#include "session.h"
#include "text_table.h"

/* A picture without a size of its own is as large as the picture that came in, else one pixel per thread. */
static void picture_size(const struct kiln_run *run, const struct kiln_run_buffer *buffer, uint32_t *width,
                         uint32_t *height)
{
	*width = run->threads[0];
	*height = run->threads[1];
	for (size_t i = 0; i < run->buffer_count; i++) {
		if (run->buffers[i].array.width) {
			*width = run->buffers[i].array.width;
			*height = run->buffers[i].array.height;
			break;
		}
	}
	if (buffer->array.width) {
		*width = buffer->array.width;
		*height = buffer->array.height;
	}
}

static enum kiln_exit write_manifest(struct kiln_run *run)
{
	const char *manifest = kiln_kernel_manifest(run->kernel);
	struct kiln_why why;

	if (!run->options.manifest || !manifest)
		return KILN_EXIT_OK;
	if (kiln_file_write(run->options.manifest, manifest, strlen(manifest), &why))
		return KILN_EXIT_OK;
	return kiln_tool_fail(run->tool, KILN_EXIT_FILE, "--manifest: %s", why.text);
}

enum kiln_exit kiln_run_write(struct kiln_run *run)
{
	struct kiln_why why;

	for (size_t i = 0; i < run->buffer_count; i++) {
		const struct kiln_run_buffer *buffer = &run->buffers[i];
		uint32_t width, height;

		picture_size(run, buffer, &width, &height);
		if (buffer->output &&
		    !kiln_file_spec_write(&buffer->target, &buffer->array, width, height, &why))
			return kiln_tool_fail(run->tool, KILN_EXIT_FILE, "--out %zu=%s", i, why.text);
	}
	return write_manifest(run);
}

/* Nearest rank: the smallest time that `percent` of all are not above. */
static uint64_t percentile(const struct kiln_run *run, unsigned percent)
{
	size_t rank = (run->time_count * percent + 99) / 100;

	return run->times_ns[rank ? rank - 1 : 0];
}

static void buffers_json(const struct kiln_run *run)
{
	cJSON *array = kiln_json_array(run->tool->root, "buffers");

	for (size_t i = 0; i < run->buffer_count; i++) {
		const struct kiln_run_buffer *buffer = &run->buffers[i];
		cJSON *object = kiln_json_append(array);

		kiln_json_u64(object, "index", i);
		kiln_json_u64(object, "set", buffer->binding->layout.set);
		kiln_json_u64(object, "binding", buffer->binding->layout.binding);
		kiln_json_text(object, "name", buffer->binding->name);
		kiln_json_text(object, "access", kiln_access_name(buffer->binding->layout.access));
		kiln_json_text(object, "type", kiln_dtype_name(buffer->array.type));
		kiln_json_u64s(object, "shape", buffer->array.shape, buffer->array.dims);
		kiln_json_u64(object, "bytes", buffer->array.bytes);
		kiln_json_text(object, "source", buffer->source);
		kiln_json_text(object, "out", buffer->output ? buffer->target.path : NULL);
		kiln_json_text(object, "preview", *buffer->preview ? buffer->preview : NULL);
	}
}

static void report_json(struct kiln_run *run)
{
	cJSON *root = run->tool->root, *time;

	kiln_json_text(root, "file", run->file);
	kiln_json_text(root, "entry", run->entry->name);
	kiln_session_json(run->tool, run->device);
	kiln_build_json(root, &run->build);
	kiln_json_u32s(root, "threads", run->threads, 3);
	kiln_json_text(root, "threads_source", *run->threads_source ? run->threads_source : "--threads");
	kiln_json_u64(root, "launches", run->time_count + 1);
	time = kiln_json_object(root, "time_ns");
	kiln_json_u64(time, "first", run->first_ns);
	if (run->time_count) {
		kiln_json_u64(time, "min", run->times_ns[0]);
		kiln_json_u64(time, "median", percentile(run, 50));
		kiln_json_u64(time, "p99", percentile(run, 99));
	}
	kiln_json_u64(root, "validation_messages", kiln_device_counters(run->device).validation_messages);
	buffers_json(run);
	kiln_manifest_json(root, run->kernel);
}

static void print_buffers(const struct kiln_run *run)
{
	static const char *const titles[] =
		{">#", "name", "access", "contents", ">size", "from", "first values after", NULL};
	struct kiln_text_table table;
	char size[KILN_PRETTY_BYTES], shape[128];

	if (!run->buffer_count)
		return;
	kiln_text_table_init(&table, titles);
	for (size_t i = 0; i < run->buffer_count; i++) {
		const struct kiln_run_buffer *buffer = &run->buffers[i];

		kiln_array_describe(&buffer->array, shape, sizeof shape);
		kiln_text_table_add(&table, "%zu", i);
		kiln_text_table_add(&table, "%s", buffer->binding->name ? buffer->binding->name : "");
		kiln_text_table_add(&table, "%s", kiln_access_name(buffer->binding->layout.access));
		kiln_text_table_add(&table, "%s", shape);
		kiln_text_table_add(&table, "%s", kiln_pretty_size(buffer->array.bytes, size));
		kiln_text_table_add(&table, "%s", buffer->source);
		kiln_text_table_add(&table, "%s", buffer->preview);
	}
	kiln_text_table_print(&table, 2, stdout);
	kiln_text_table_finish(&table);
}

static void print_times(const struct kiln_run *run)
{
	char a[KILN_PRETTY_BYTES], b[KILN_PRETTY_BYTES], c[KILN_PRETTY_BYTES];

	printf("  time       first %s", kiln_pretty_ns(run->first_ns, a));
	if (run->time_count)
		printf("; %zu more: min %s, median %s, p99 %s", run->time_count,
		       kiln_pretty_ns(run->times_ns[0], a), kiln_pretty_ns(percentile(run, 50), b),
		       kiln_pretty_ns(percentile(run, 99), c));
	putchar('\n');
}

static void report_text(struct kiln_run *run)
{
	const struct kiln_build *build = &run->build;
	char a[KILN_PRETTY_BYTES], b[KILN_PRETTY_BYTES], id[KILN_DIGEST_SHORT];

	kiln_hex_short(&build->identity.digest, id);
	kiln_print_clean(run->file, stdout);
	printf(": ");
	kiln_print_clean(run->entry->name, stdout);
	printf(" on ");
	kiln_print_clean(kiln_device_info(run->device)->name, stdout);
	printf("\n  outcome    %s (cache hit: %s", kiln_outcome_name(build->outcome),
	       kiln_hit_name(build->cache_hit));
	if (build->miss_reason)
		printf(", %s", kiln_miss_reason_name(build->miss_reason));
	printf(")\n  resolve    %s", kiln_pretty_ns(build->resolve_ns, a));
	if (build->compile_ns)
		printf(", %s of it in the driver", kiln_pretty_ns(build->compile_ns, b));
	if (build->blob_bytes)
		printf(", blob %s%s", kiln_pretty_size(build->blob_bytes, b),
		       build->stub ? " (a stub: no code in it)" : "");
	printf("\n  pipeline   %s\n  workgroup  %ux%ux%u (%s)", id, build->workgroup[0], build->workgroup[1],
	       build->workgroup[2], kiln_workgroup_source_name(build->workgroup_source));
	if (build->workgroup_note && *build->workgroup_note)
		printf(": %s", build->workgroup_note);
	printf("\n  threads    %ux%ux%u%s%s%s\n", run->threads[0], run->threads[1], run->threads[2],
	       *run->threads_source ? " (" : "", run->threads_source, *run->threads_source ? ")" : "");
	print_times(run);
	print_buffers(run);
}

void kiln_run_report(struct kiln_run *run)
{
	if (run->tool->json)
		report_json(run);
	else
		report_text(run);
}
