/* Which constants of an entry point may be tuned. */
#include <kiln/reflect.h>

#include <string.h>

#include <base/error.h>

#define DEFAULT_MAX (UINT64_C(1) << 31)

static const char *const names[KILN_TUNABLES] = {"UNROLL", "TILE_X", "TILE_Y", "TILE_Z"};

static bool sets_workgroup(const struct kiln_entry_point *entry, uint32_t spec_id)
{
	for (int d = 0; d < 3; d++)
		if (entry->workgroup[d].specialised && entry->workgroup[d].spec_id == spec_id)
			return true;
	return false;
}

/* "" for a constant that may be tuned. */
static const char *fault_of(const struct kiln_entry_point *entry, const struct kiln_spec_constant *constant)
{
	if (constant->type != KILN_SPEC_I32 && constant->type != KILN_SPEC_U32)
		return "it is no 32-bit integer";
	if (constant->default_value == 0 || constant->default_value > DEFAULT_MAX)
		return "its default is not from 1 to 2147483648";
	if (sets_workgroup(entry, constant->id))
		return "it sets the workgroup size too";
	return "";
}

static void take(struct kiln_tunable_constant *tunable, const struct kiln_spec_constant *constant)
{
	*tunable = (struct kiln_tunable_constant){
		.declared = true,
		.spec_id = constant->id,
		.default_value = (uint32_t)constant->default_value,
		.name = constant->name,
		.note = "",
	};
}

static void find_by_name(const struct kiln_reflection *reflection, const struct kiln_entry_point *entry,
                         const char *name, struct kiln_tunable_constant *out_tunable)
{
	const struct kiln_spec_constant *found = NULL;

	*out_tunable = (struct kiln_tunable_constant){.note = ""};
	for (size_t i = 0; i < reflection->constant_count; i++) {
		const struct kiln_spec_constant *constant = &reflection->constants[i];

		if (constant->name == NULL || strcmp(constant->name, name) != 0)
			continue;
		if (found != NULL) {
			out_tunable->note = "two constants have this name";
			return;
		}
		found = constant;
	}
	if (found == NULL)
		return;
	out_tunable->note = fault_of(entry, found);
	if (out_tunable->note[0] == '\0')
		take(out_tunable, found);
}

static enum kiln_status find_by_id(const struct kiln_reflection *reflection,
                                   const struct kiln_entry_point *entry, const struct kiln_tunable_id *wanted,
                                   struct kiln_tunable_constant *out_tunable)
{
	const char *fault = "the module declares no such constant";

	for (size_t i = 0; i < reflection->constant_count; i++) {
		if (reflection->constants[i].id != wanted->spec_id)
			continue;
		fault = fault_of(entry, &reflection->constants[i]);
		if (fault[0] == '\0') {
			take(out_tunable, &reflection->constants[i]);
			return KILN_OK;
		}
	}
	return kiln_error(
		KILN_ERR_SPECIALIZATION,
		"Specialisation constant %u cannot be tuned as %s: %s. Fix: name the id of an int or "
		"uint constant.",
		wanted->spec_id, names[wanted->tunable], fault);
}

/* No two tunables are one constant, and none is given twice. */
static enum kiln_status check_ids(const struct kiln_tunable_id *ids, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		KILN_CHECK(ids[i].tunable < KILN_TUNABLES,
		           "kiln_reflection_tunables: tunable %u is unknown. Fix: use enum kiln_tunable.",
		           ids[i].tunable);
		for (size_t k = 0; k < i; k++)
			KILN_CHECK(ids[i].tunable != ids[k].tunable && ids[i].spec_id != ids[k].spec_id,
			           "kiln_reflection_tunables: %s and %s are given as constants %u and %u. "
			           "Fix: give each once, with a constant of its own.",
			           names[ids[k].tunable], names[ids[i].tunable], ids[k].spec_id,
			           ids[i].spec_id);
	}
	return KILN_OK;
}

/* An id that the caller gave to one tunable is no longer another's by name. */
static void yield(struct kiln_tunables *tunables, const struct kiln_tunable_id *id)
{
	for (uint32_t i = 0; i < KILN_TUNABLES; i++)
		if (i != id->tunable && tunables->constants[i].declared &&
		    tunables->constants[i].spec_id == id->spec_id)
			tunables->constants[i] = (struct kiln_tunable_constant){
				.note = "its constant was given to another tunable"};
}

enum kiln_status kiln_reflection_tunables(const struct kiln_reflection *reflection,
                                          const struct kiln_entry_point *entry,
                                          const struct kiln_tunable_id *ids, size_t id_count,
                                          struct kiln_tunables *out_tunables)
{
	struct kiln_tunables tunables;

	KILN_CHECK(
		reflection != NULL && entry != NULL && out_tunables != NULL,
		"kiln_reflection_tunables: reflection, entry or out_tunables is NULL. Fix: pass all three.");
	KILN_CHECK(ids != NULL || id_count == 0,
	           "kiln_reflection_tunables was promised %zu ids and given none. Fix: pass them, or 0.",
	           id_count);
	KILN_TRY(check_ids(ids, id_count));
	for (uint32_t i = 0; i < KILN_TUNABLES; i++)
		find_by_name(reflection, entry, names[i], &tunables.constants[i]);
	for (size_t i = 0; i < id_count; i++) {
		yield(&tunables, &ids[i]);
		KILN_TRY(find_by_id(reflection, entry, &ids[i], &tunables.constants[ids[i].tunable]));
	}
	*out_tunables = tunables;
	return KILN_OK;
}
