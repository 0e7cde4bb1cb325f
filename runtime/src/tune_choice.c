#include "tune_choice.h"

#include <base/alloc.h>
#include <base/error.h>
#include <base/log.h>

#include "device.h"
#include "kernel_variant.h"
#include "tune_record.h"
#include "tune_variant.h"

bool kiln_kernel_is_tunable(const struct kiln_kernel *kernel)
{
	const struct kiln_workgroup_dim *dims = kernel->interface.entry->workgroup;
	bool any = kernel->resizable;

	if (kernel->variants[KILN_VARIANT_PREFERRED].choice.source == KILN_WORKGROUP_EXPLICIT)
		return false;
	for (int d = 0; d < 3; d++)
		any |= dims[d].specialised;
	for (int t = 0; t < KILN_TUNABLES; t++)
		any |= kernel->tunables.constants[t].declared;
	return any;
}

/* A record helps or does nothing: where its configuration cannot be had, the kernel runs as without. */
static struct kiln_variant *make_variant(struct kiln_kernel *kernel, const struct kiln_tune_config *config,
                                         const char **note)
{
	struct kiln_variant *variant = NULL;

	if (kiln_tune_variant_create(kernel, config, &variant) == KILN_OK) {
		variant->choice.note = *note;
		return variant;
	}
	kiln_log(KILN_LOG_INFO, "kernel '%s': an autotune record is not used: %s", kernel->name,
	         kiln_error_message());
	*note = "the autotune record does not fit this kernel or device";
	return NULL;
}

/* The kernel's lock is held. */
static struct kiln_tuned *add(struct kiln_kernel *kernel, uint32_t bucket, struct kiln_variant *variant,
                              const char *note)
{
	struct kiln_tuned *tuned = kiln_alloc_zero(1, sizeof(*tuned));

	if (!tuned) {
		kiln_tune_variant_destroy(kernel, &variant);
		return NULL;
	}
	tuned->bucket = bucket;
	tuned->variant = variant;
	tuned->note = note;
	tuned->next = kernel->tuned;
	kernel->tuned = tuned;
	atomic_store_explicit(&kernel->tuned_last, tuned, memory_order_release);
	return tuned;
}

static struct kiln_tuned *look_up(struct kiln_kernel *kernel, uint32_t bucket)
{
	struct kiln_tune_record record;
	struct kiln_tune_config config;
	struct kiln_variant *variant = NULL;
	const char *note;

	if (kiln_tune_record_find(kernel, bucket, &record, &note)) {
		config = kiln_tune_config_of(kernel, &record);
		variant = make_variant(kernel, &config, &note);
	}
	return add(kernel, bucket, variant, note);
}

struct kiln_tuned *kiln_tuned_of(struct kiln_kernel *kernel, uint32_t bucket)
{
	struct kiln_tuned *tuned;

	kiln_mutex_lock(&kernel->lock);
	tuned = kernel->tuned;
	while (tuned && tuned->bucket != bucket)
		tuned = tuned->next;
	if (tuned)
		atomic_store_explicit(&kernel->tuned_last, tuned, memory_order_release);
	else
		tuned = look_up(kernel, bucket);
	kiln_mutex_unlock(&kernel->lock);
	return tuned;
}

void kiln_tuned_refresh(struct kiln_kernel *kernel, uint32_t bucket)
{
	kiln_mutex_lock(&kernel->lock);
	(void)look_up(kernel, bucket);
	atomic_store_explicit(&kernel->by_bucket, true, memory_order_relaxed);
	kiln_mutex_unlock(&kernel->lock);
}

void kiln_tuned_adopt(struct kiln_kernel *kernel, uint32_t bucket, const struct kiln_tune_config *config)
{
	const char *note = "";
	struct kiln_variant *variant = config ? make_variant(kernel, config, &note) : NULL;

	kiln_mutex_lock(&kernel->lock);
	(void)add(kernel, bucket, variant, note);
	atomic_store_explicit(&kernel->by_bucket, true, memory_order_relaxed);
	kiln_mutex_unlock(&kernel->lock);
}

void kiln_tuned_finish(struct kiln_kernel *kernel)
{
	while (kernel->tuned) {
		struct kiln_tuned *next = kernel->tuned->next;

		kiln_tune_variant_destroy(kernel, &kernel->tuned->variant);
		kiln_free(kernel->tuned);
		kernel->tuned = next;
	}
}
