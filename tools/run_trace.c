/* kiln run --trace. */
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "run.h"

static int keep(void *user, const void *data, size_t bytes)
{
	struct kiln_array *traced = user;
	uint8_t *longer = realloc(traced->data, traced->bytes + bytes + 1);

	if (!longer)
		return 1;
	traced->data = longer;
	memcpy(traced->data + traced->bytes, data, bytes);
	traced->bytes += bytes;
	return 0;
}

enum kiln_exit kiln_run_trace_begin(struct kiln_run *run)
{
	const struct kiln_trace_params params = {.write = keep, .user = &run->traced};
	enum kiln_status status = KILN_OK;

	if (run->options.trace)
		status = kiln_trace_begin(run->device, &params, &run->trace);
	return status ? kiln_tool_fail_status(run->tool, status) : KILN_EXIT_OK;
}

enum kiln_exit kiln_run_trace_end(struct kiln_run *run)
{
	enum kiln_status status;
	struct kiln_why why;

	if (!run->trace)
		return KILN_EXIT_OK;
	status = kiln_trace_end(&run->trace);
	if (status)
		return kiln_tool_fail_status(run->tool, status);
	if (kiln_file_write(run->options.trace, run->traced.data, run->traced.bytes, &why))
		return KILN_EXIT_OK;
	return kiln_tool_fail(run->tool, KILN_EXIT_FILE, "--trace: %s", why.text);
}
