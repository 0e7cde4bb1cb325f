/* What a program can ask of slicing, checked. */
#include "slice.h"

#include <base/error.h>

#include "device.h"
#include "launch.h"
#include "launch_mode.h"

#define CALL "kiln_stream_launch_sliced"
#define BUDGET_NS 100000000u

uint64_t kiln_slice_budget(uint64_t asked_ns)
{
	if (asked_ns == 0)
		return BUDGET_NS;
	return asked_ns < KILN_SLICE_BUDGET_MIN_NS ? KILN_SLICE_BUDGET_MIN_NS : asked_ns;
}

enum kiln_status kiln_stream_launch_sliced(struct kiln_stream *stream, struct kiln_kernel *kernel,
                                           const struct kiln_launch_params *params,
                                           const struct kiln_slice_params *slice,
                                           struct kiln_slice_report *out_report)
{
	struct kiln_slice_report report = {0};
	const struct kiln_slice_call call = {slice ? *slice : (struct kiln_slice_params){0}, &report};
	enum kiln_status status;

	KILN_CHECK(stream, CALL ": the stream is NULL. Fix: pass kiln_device_stream(), or one of your own");
	KILN_CHECK(kernel, CALL ": the kernel is NULL. Fix: create one with kiln_kernel_create()");
	KILN_CHECK(params, CALL ": the parameters are NULL. Fix: pass at least .threads");
	if (kernel->device != stream->device)
		return kiln_error(
			KILN_ERR_FOREIGN_OBJECT,
			"kernel '%s' belongs to another device than stream '%s'. Fix: create it on the "
			"stream's",
			kernel->name, stream->name);
	KILN_TRY(kiln_mode_check_stream(stream, CALL));
	if (params->indirect.buffer)
		return kiln_error(
			KILN_ERR_UNSUPPORTED,
			CALL
			": kernel '%s' takes its counts from a buffer, and slices are counted on the host. "
			"Fix: set .threads, or use kiln_stream_launch()",
			kernel->name);
	status = kiln_launch_with(stream, kernel, params, NULL, &call);
	if (out_report && (status == KILN_OK || report.slices))
		*out_report = report;
	return status;
}
