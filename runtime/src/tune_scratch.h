/* Copies of a launch's buffers that trials may spoil. Each copy stands between two canaries; before every trial it gets
 * fresh contents, and what the kernel only writes gets poison. The outputs of the default are kept, and those of every other
 * configuration compared with them whole. */
#ifndef RUNTIME_TUNE_SCRATCH_H
#define RUNTIME_TUNE_SCRATCH_H

#include <stdbool.h>
#include <stdint.h>

#include <kiln/kernel.h>

#include "stream.h"
#include "tune_compare.h"
#include "tune_lane.h"

/* How often a proof is run, each time with other poison: what happens to be right with one is not with the next. */
#define KILN_TUNE_PATTERNS 2u

/* One argument of the launch that is tuned for. */
struct kiln_tune_argument {
	struct kiln_buffer *buffer; /* whose contents are copied; NULL = contents are made up */
	uint64_t offset, bytes;
	uint32_t access; /* KILN_ACCESS_* */
	bool uniform;    /* a uniform buffer: bound exactly as long as it is */
};

/* A copy of what one or, where they overlap in one buffer, several arguments bind. */
struct kiln_tune_area {
	const struct kiln_buffer *source; /* only compared */
	uint64_t begin, end;              /* of the range in `source` */
	uint32_t access;
	struct kiln_buffer *work;     /* canary, contents, canary */
	struct kiln_buffer *fresh;    /* the contents; NULL where the kernel does not both read and write */
	struct kiln_buffer *readback; /* NULL where the host reads `work` itself */
	void *kept[KILN_TUNE_PATTERNS];
};

#define KILN_TUNE_CANARY_BYTES UINT64_C(4096) /* a multiple of every alignment a device may ask for */

/* What canaries, and buffers that are only written, hold before a trial. */
extern const uint32_t kiln_tune_poison[KILN_TUNE_PATTERNS];

uint64_t kiln_tune_area_bytes(const struct kiln_tune_area *area);
uint64_t kiln_tune_area_padded(const struct kiln_tune_area *area); /* in whole words */
bool kiln_tune_area_is_output(const struct kiln_tune_area *area);

struct kiln_tune_scratch {
	struct kiln_tune_lane *lane;
	struct kiln_tune_area areas[KILN_BUFFERS_MAX];
	uint32_t area_count;
	struct kiln_stream_binding bindings[KILN_BUFFERS_MAX]; /* what a trial binds */
	uint32_t binding_count;
	bool resets; /* some buffer is both read and written: trials are not alike without a reset in between */
	bool writes; /* some buffer is written at all */
};

/* Copies the buffers' contents through the device's stream and waits. `extend`: bind the canaries behind storage buffers too,
 * so that a write just beyond the end meets one even where the driver drops writes outside the bound range; only for kernels
 * that never ask how long a buffer is. */
enum kiln_status kiln_tune_scratch_init(struct kiln_tune_scratch *scratch, struct kiln_tune_lane *lane,
                                        const struct kiln_tune_argument *arguments, uint32_t count,
                                        bool extend);
/* Frees everything, unless the lane is stuck. Zeroed memory is fine. */
void kiln_tune_scratch_finish(struct kiln_tune_scratch *scratch);

/* Records into the lane: contents and poison as before the first launch. Ends with a barrier. */
void kiln_tune_scratch_reset(struct kiln_tune_scratch *scratch, uint32_t pattern);

/* After a trial: keeps the outputs as what is right. KILN_ERR_INVALID_ARGUMENT when a canary is gone. */
enum kiln_status kiln_tune_scratch_keep(struct kiln_tune_scratch *scratch, uint32_t pattern);

/* After a trial: *out_why is empty when outputs are as kept and the canaries stand, else what is wrong. */
enum kiln_status kiln_tune_scratch_check(struct kiln_tune_scratch *scratch, uint32_t pattern,
                                         const struct kiln_tune_tolerance *tolerance, char *out_why,
                                         size_t why_bytes);

#endif
