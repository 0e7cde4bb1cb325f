#include "workgroup.h"

#include <string.h>

#include <base/error.h>

void kiln_workgroup_default(const struct kiln_entry_point *entry, const struct kiln_spec_value *spec,
                            size_t spec_count, uint32_t out_size[3])
{
	for (int d = 0; d < 3; d++) {
		out_size[d] = entry->workgroup[d].size;
		for (size_t i = 0; i < spec_count && entry->workgroup[d].specialised; i++)
			if (spec[i].id == entry->workgroup[d].spec_id)
				out_size[d] = (uint32_t)spec[i].value;
	}
}

static bool within(const uint32_t size[3], const struct kiln_workgroup_limits *limits)
{
	uint64_t threads = 1;

	for (int d = 0; d < 3; d++) {
		if (size[d] == 0 || size[d] > limits->size[d])
			return false;
		threads *= size[d];
		if (threads > limits->threads)
			return false;
	}
	return true;
}

enum kiln_status kiln_workgroup_check(const uint32_t size[3], const struct kiln_workgroup_limits *limits)
{
	if (within(size, limits))
		return KILN_OK;
	return kiln_error(
		KILN_ERR_WORKGROUP_LIMIT,
		"a workgroup of %ux%ux%u threads is beyond the device's limits: at most %ux%ux%u "
		"(maxComputeWorkGroupSize) and %u in all (maxComputeWorkGroupInvocations). Fix: ask for a smaller "
		"workgroup",
		size[0], size[1], size[2], limits->size[0], limits->size[1], limits->size[2],
		limits->threads);
}

static bool any_specialised(const struct kiln_entry_point *entry)
{
	return entry->workgroup[0].specialised || entry->workgroup[1].specialised ||
	       entry->workgroup[2].specialised;
}

static bool all_literal(const struct kiln_entry_point *entry)
{
	return !any_specialised(entry) && !entry->workgroup[0].derived && !entry->workgroup[1].derived &&
	       !entry->workgroup[2].derived;
}

bool kiln_workgroup_reachable(const struct kiln_entry_point *entry, const uint32_t own[3], bool resizable,
                              const uint32_t size[3])
{
	if (resizable && all_literal(entry))
		return true;
	for (int d = 0; d < 3; d++) {
		if (!entry->workgroup[d].specialised && size[d] != own[d])
			return false;
		for (int e = 0; e < d; e++)
			if (entry->workgroup[d].specialised && entry->workgroup[e].specialised &&
			    entry->workgroup[d].spec_id == entry->workgroup[e].spec_id && size[d] != size[e])
				return false;
	}
	return true;
}

/* As kiln_workgroup_reachable(), but derived dimensions may say anything: they follow the others. */
static bool can_follow(const struct kiln_entry_point *entry, const uint32_t own[3], bool resizable,
                       const uint32_t size[3])
{
	uint32_t given[3];

	for (int d = 0; d < 3; d++)
		given[d] = entry->workgroup[d].derived ? own[d] : size[d];
	return kiln_workgroup_reachable(entry, own, resizable, given);
}

static bool all_ones(const struct kiln_entry_point *entry, const uint32_t own[3])
{
	for (int d = 0; d < 3; d++)
		if (entry->workgroup[d].specialised && own[d] != 1)
			return false;
	return true;
}

static void take(struct kiln_workgroup_choice *choice, const uint32_t size[3],
                 enum kiln_workgroup_source source)
{
	memcpy(choice->size, size, sizeof(choice->size));
	choice->source = source;
}

/* The size when neither the caller nor the store has a say. */
static void take_own(struct kiln_workgroup_choice *choice, const struct kiln_entry_point *entry,
                     const uint32_t own[3], const struct kiln_workgroup_limits *limits)
{
	const uint32_t rule[3] = {64, own[1], own[2]};

	if (!any_specialised(entry))
		take(choice, own, KILN_WORKGROUP_FIXED);
	else if (entry->workgroup[0].specialised && all_ones(entry, own) && within(rule, limits) &&
	         kiln_workgroup_reachable(entry, own, false, rule))
		take(choice, rule, KILN_WORKGROUP_RULE);
	else
		take(choice, own, KILN_WORKGROUP_KERNEL);
}

/* Dimensions without a wish follow one that has a wish and is set by the same constant, else keep their own size. */
static void fill_in(const struct kiln_entry_point *entry, const uint32_t own[3], const uint32_t wanted[3],
                    uint32_t out_size[3])
{
	const struct kiln_workgroup_dim *dims = entry->workgroup;

	for (int d = 0; d < 3; d++) {
		out_size[d] = wanted[d] ? wanted[d] : own[d];
		for (int e = 0; e < 3 && !wanted[d]; e++)
			if (wanted[e] && dims[d].specialised && dims[e].specialised &&
			    dims[d].spec_id == dims[e].spec_id)
				out_size[d] = wanted[e];
	}
}

enum kiln_status kiln_workgroup_choose(const struct kiln_entry_point *entry, const uint32_t own[3],
                                       const uint32_t wanted[3], const uint32_t record[3],
                                       const struct kiln_workgroup_limits *limits, bool resizable,
                                       struct kiln_workgroup_choice *out_choice)
{
	struct kiln_workgroup_choice choice = {.note = ""};
	uint32_t size[3];

	if (wanted[0] || wanted[1] || wanted[2]) {
		fill_in(entry, own, wanted, size);
		if (!kiln_workgroup_reachable(entry, own, resizable, size))
			return kiln_error(
				KILN_ERR_INVALID_ARGUMENT,
				"workgroup %ux%ux%u was asked for, but the kernel of %ux%ux%u fixes a dimension or sets two "
				"by one constant. Fix: declare each with local_size_x_id, set .resizable where the kernel does not "
				"depend on its size, or do not ask for one",
				size[0], size[1], size[2], own[0], own[1], own[2]);
		take(&choice, size, KILN_WORKGROUP_EXPLICIT);
	} else if (record && can_follow(entry, own, resizable, record) && within(record, limits)) {
		take(&choice, record, KILN_WORKGROUP_STORE);
	} else {
		if (record)
			choice.note = "the autotune record does not fit this kernel or device";
		take_own(&choice, entry, own, limits);
	}
	KILN_TRY(kiln_workgroup_check(choice.size, limits));
	*out_choice = choice;
	return KILN_OK;
}

bool kiln_workgroup_rounds_further(const uint32_t size[3], const uint32_t own[3], const uint32_t threads[3])
{
	for (int d = 0; d < 3; d++) {
		uint64_t mine = ((uint64_t)threads[d] + size[d] - 1) / size[d] * size[d];
		uint64_t theirs = ((uint64_t)threads[d] + own[d] - 1) / own[d] * own[d];

		if (mine > theirs)
			return true;
	}
	return false;
}

static const char *refusal(const struct kiln_workgroup_tuning *tuning, const uint32_t size[3],
                           const struct kiln_workgroup_limits *limits)
{
	if (!can_follow(tuning->entry, tuning->own, tuning->resizable, size))
		return "the module fixes this dimension, or sets two by one constant";
	if (!within(size, limits))
		return "the device does not take workgroups of this size";
	if (!tuning->guarded && tuning->threads[0] == 0)
		return "the number of threads is not known, and the kernel is not declared guarded";
	if (!tuning->guarded && kiln_workgroup_rounds_further(size, tuning->own, tuning->threads))
		return "it would round the threads up further, and the kernel is not declared guarded";
	if (!tuning->proven && !tuning->on_copies)
		return "its output at this size was not compared with the default's yet";
	return "";
}

bool kiln_workgroup_tunable(const struct kiln_workgroup_tuning *tuning, const uint32_t size[3],
                            const struct kiln_workgroup_limits *limits, const char **out_reason)
{
	bool own = memcmp(size, tuning->own, sizeof(tuning->own)) == 0;

	*out_reason = own ? "" : refusal(tuning, size, limits);
	return (*out_reason)[0] == '\0';
}
