/* Between a tuning run and the store: what is recorded, what of it may be used on this device, and which configurations are
 * known to be bad. */
#ifndef RUNTIME_TUNE_RECORD_H
#define RUNTIME_TUNE_RECORD_H

#include <autotune/search.h>

#include "kernel.h"
#include "tune_intent.h"

#define KILN_TUNE_DRIVER_BYTES 256

/* What a record says of the device beside its adapter: "driver name: version", and on a CPU device "; cpu <digest> x<processors>".
 * Printable ASCII. */
void kiln_tune_driver_text(const struct kiln_device_info *info, char out_text[KILN_TUNE_DRIVER_BYTES]);

/* How far a record's driver text is this device's own. */
enum kiln_tune_driver_match {
	KILN_TUNE_DRIVER_SAME, /* or the record does not say */
	KILN_TUNE_DRIVER_OTHER_VERSION,
	KILN_TUNE_DRIVER_OTHER, /* another driver, or another machine's processor */
};

/* Pure. `recorded` may be NULL. */
enum kiln_tune_driver_match kiln_tune_driver_compare(const char *recorded, const char *here);

/* A record of this kernel with this configuration and nothing measured. */
struct kiln_tune_record kiln_tune_record_base(const struct kiln_kernel *kernel, uint32_t bucket,
                                              const struct kiln_tune_config *config);

/* May the record be used here? Not what was made with another driver, or on another machine. */
bool kiln_tune_record_fits(const struct kiln_kernel *kernel, const struct kiln_tune_record *record);
#define KILN_TUNE_NOTE_OTHER "the autotune record was made with another driver or on another machine"

/* The kernel's record for this bucket, or the nearest one's. *out_note: why it is not the one asked for, or, where there is
 * none that may be used, why not; static, "" = nothing to say. False: none. */
bool kiln_tune_record_find(struct kiln_kernel *kernel, uint32_t bucket, struct kiln_tune_record *out_record,
                           const char **out_note);

/* Does the bucket's own record leave nothing to do? Not one that is missing, provisional, or of another driver. */
bool kiln_tune_record_settled(struct kiln_kernel *kernel, uint32_t bucket);

/* Verdicts of earlier runs for each configuration of the space: kiln_free() them. NULL: none known, or no memory. What was
 * wrong counts only where outputs must be `exact` now: with a tolerance it may be right. */
enum kiln_tune_verdict *kiln_tune_record_known(struct kiln_kernel *kernel, uint32_t bucket,
                                               const struct kiln_space *space, bool exact);

/* Writes what a run found, and saves. What is provisional replaces nothing that was settled with this driver, and nothing
 * provisional that is faster: *out_kept then, and only what was found bad is added. False: no store, or it could not be saved,
 * which is logged. */
bool kiln_tune_record_report(struct kiln_kernel *kernel, uint32_t bucket,
                             const struct kiln_tune_report *report, bool *out_kept);

/* Notes that this configuration took its process down, and saves. The record stays what it was; where there is none of this
 * driver, or it is this very configuration, it says the default. False: it could not be saved. */
bool kiln_tune_record_hung(struct kiln_device *device, const struct kiln_tune_record *base,
                           const char *config);

#endif
