/* One misbehaviour at a time: the work is done and right, or a status says what to do; what the driver gave
 * is not kept unless it can be trusted; and the next process, with a driver that behaves, finds everything in
 * order. */
#include "visit.h"

struct scene {
	const char *name;
	const char *script;
	enum step stopped; /* the first attempt */
	enum kiln_status status;
	enum kiln_outcome outcome; /* 0: COMPILED, if it came to that */
	enum step stopped_again;   /* the second one, on the same device */
	enum kiln_status status_again;
	bool not_kept; /* the cache stays empty */
};

#define LOST KILN_ERR_DEVICE_LOST
#define OOM KILN_ERR_OUT_OF_MEMORY
#define OODM KILN_ERR_OUT_OF_DEVICE_MEMORY

static const struct scene scenes[] = {
	/* vkGetPipelineCacheData */
	{"cache_data_that_grows_between_the_calls_is_not_kept", "data_grows", .not_kept = true},
	{"cache_data_of_65_mib_is_not_kept", "data_huge", .not_kept = true},
	{"cache_data_of_another_device_is_not_kept", "data_wrong_uuid", .not_kept = true},
	{"cache_data_of_another_vendor_is_not_kept", "data_wrong_vendor", .not_kept = true},
	{"cache_data_of_size_zero_is_not_kept", "data_empty", .not_kept = true},
	{"cache_data_shorter_than_a_header_is_not_kept", "data_short", .not_kept = true},
	{"cache_data_that_is_incomplete_is_not_kept", "data_incomplete", .not_kept = true},
	{"cache_data_that_is_never_written_is_not_kept", "data_untouched", .not_kept = true},
	{"cache_data_that_claims_more_than_its_buffer_is_not_kept", "data_overclaims", .not_kept = true},
	{"cache_data_out_of_device_memory_costs_only_persistence", "data_oom_device", .not_kept = true},
	{"cache_data_out_of_host_memory_costs_only_persistence", "data_oom_host", .not_kept = true},
	{"cache_data_out_of_memory_at_the_second_call_costs_only_persistence", "data_oom_host@2",
         .not_kept = true},
	{"cache_data_with_padding_is_as_good_as_without", "data_padded"},

	/* vkCreateComputePipelines */
	{"compile_out_of_host_memory_is_a_status", "compile_oom_host", STEP_RESOLVE, OOM, 0, STEP_RESOLVE,
         OOM, true},
	{"compile_out_of_device_memory_is_a_status", "compile_oom_device", STEP_RESOLVE, OODM, 0,
         STEP_RESOLVE, OODM, true},
	{"compile_out_of_memory_once_can_be_retried", "compile_oom_host@1", STEP_RESOLVE, OOM},
	{"compile_error_without_a_name_is_a_status", "compile_unknown@1", STEP_RESOLVE, KILN_ERR_DRIVER},
	{"compile_where_it_was_forbidden_passes_for_the_drivers_own_cache", "compile_forbidden",
         .outcome = KILN_OUTCOME_DRIVER},
	{"compile_that_is_required_is_no_success", "compile_required@1", STEP_RESOLVE, KILN_ERR_DRIVER},
	{"compile_without_a_pipeline_is_no_success", "compile_null@1", STEP_RESOLVE, KILN_ERR_DRIVER},
	{"compile_that_loses_the_device_is_sticky", "compile_lost@1", STEP_RESOLVE, LOST, 0, STEP_RESOLVE,
         LOST, true},
	{"compile_that_takes_long_is_waited_for", "compile_ms=200"},
	{"module_out_of_memory_once_can_be_retried", "module_oom@1", STEP_RESOLVE, OOM},
	{"feedback_that_is_missing_is_no_evidence", "feedback_none", .outcome = KILN_OUTCOME_UNKNOWN},
	{"feedback_that_is_invalid_is_no_evidence", "feedback_invalid,feedback_lies_hit",
         .outcome = KILN_OUTCOME_UNKNOWN},
	{"feedback_on_the_stage_alone_counts", "feedback_stage_only"},
	{"feedback_on_the_pipeline_alone_counts", "feedback_whole_only"},
	{"feedback_of_a_hit_in_an_empty_cache_is_no_evidence", "feedback_lies_hit",
         .outcome = KILN_OUTCOME_UNKNOWN},

	/* vkCreatePipelineCache */
	{"cache_creation_that_takes_long_is_waited_for", "cache_ms=200"},
	{"cache_out_of_host_memory_costs_only_persistence", "cache_oom_host", .not_kept = true},
	{"cache_out_of_device_memory_costs_only_persistence", "cache_oom_device", .not_kept = true},

	/* vkCreateDevice */
	{"device_out_of_host_memory_is_a_status", "device_oom_host", STEP_OPEN, OOM, 0, STEP_OPEN, OOM, true},
	{"device_out_of_device_memory_is_a_status", "device_oom_device", STEP_OPEN, OODM, 0, STEP_OPEN, OODM,
         true},
	{"device_lost_at_birth_is_a_status", "device_lost", STEP_OPEN, LOST, 0, STEP_OPEN, LOST, true},

	/* Memory, submission, waiting */
	{"memory_out_on_the_device_is_a_status", "alloc_oom_device", STEP_RUN, OODM, 0, STEP_RUN, OODM},
	{"memory_out_on_the_host_is_a_status", "alloc_oom_host", STEP_RUN, OOM, 0, STEP_RUN, OOM},
	{"memory_out_once_is_tried_elsewhere", "alloc_oom_device@1"},
	{"memory_that_cannot_be_mapped_is_a_status", "map_fails", STEP_RUN, OOM, 0, STEP_RUN, OOM},
	{"memory_that_cannot_be_mapped_once_is_tried_elsewhere", "map_fails@1"},
	{"fence_that_fails_is_a_status", "fence_fails", STEP_RUN, OOM, 0, STEP_RUN, OOM},
	{"fence_that_fails_once_can_be_retried", "fence_fails@1", STEP_RUN, OOM},
	{"descriptor_pool_out_of_memory_once_can_be_retried", "pool_oom@1", STEP_RUN, OODM},
	{"descriptor_sets_out_of_memory_once_can_be_retried", "sets_oom@1", STEP_RUN, OODM},
	{"recording_that_cannot_be_ended_is_a_lost_device", "end_oom@1", STEP_RUN, OOM, 0, STEP_RESOLVE,
         LOST},
	{"submission_out_of_memory_can_be_retried", "submit_oom@1", STEP_RUN, OODM},
	{"submission_that_loses_the_device_is_sticky", "submit_lost@1", STEP_RUN, LOST, 0, STEP_RESOLVE,
         LOST},
	{"submission_that_takes_long_is_waited_for", "submit_ms=100"},
	{"later_submission_that_loses_the_device_is_sticky", "submit_lost@2", .stopped_again = STEP_RUN,
         .status_again = LOST},
	{"wait_that_loses_the_device_is_sticky", "wait_lost@1", STEP_RUN, LOST, 0, STEP_RESOLVE, LOST},
	{"wait_out_of_memory_is_waited_out", "wait_oom@1,dispatch_ms=100"},
	{"wait_that_fails_otherwise_is_a_lost_device", "wait_unknown@1,dispatch_ms=50", STEP_RUN,
         KILN_ERR_DRIVER, 0, STEP_RESOLVE, LOST},
	{"wait_that_times_out_early_is_waited_on", "wait_timeout@1,dispatch_ms=100"},
	{"dispatch_that_takes_long_is_waited_for", "dispatch_ms=100"},
};

enum { SCENES = sizeof(scenes) / sizeof(scenes[0]) };

static enum kiln_outcome outcome_of(const struct scene *scene)
{
	if (scene->outcome || scene->stopped == STEP_OPEN || scene->stopped == STEP_RESOLVE)
		return scene->outcome;
	return KILN_OUTCOME_COMPILED;
}

static void play(void **state)
{
	const struct scene *scene = *state;
	struct place place;
	struct visit seen;

	place_create(&place);
	visit(&place, scene->script, &seen);
	assert_int_equal(seen.signal, 0);
	assert_attempt(&seen.first, scene->stopped, scene->status);
	assert_outcome(&seen.first, outcome_of(scene));
	assert_attempt(&seen.second, scene->stopped_again, scene->status_again);
	assert_int_equal(place_entries(&place), scene->not_kept ? 0 : 1);

	visit(&place, "", &seen);
	assert_good(&seen, scene->not_kept ? KILN_OUTCOME_COMPILED : KILN_OUTCOME_DISK);
	visit(&place, "", &seen);
	assert_good(&seen, KILN_OUTCOME_DISK);
	assert_int_equal(place_entries(&place), 1);
	place_remove(&place);
}

int main(void)
{
	struct CMUnitTest tests[SCENES];

	for (int i = 0; i < SCENES; i++)
		tests[i] =
			(struct CMUnitTest){scenes[i].name, play, NULL, NULL, (void *)(uintptr_t)&scenes[i]};
	return _cmocka_run_group_tests("hostile misbehaviour", tests, SCENES, NULL, NULL);
}
