#include "program.h"

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

/* Four independent multiply lanes, so that 6 KB hash in a fraction of a microsecond. The last step mixes the lanes, because
 * the table takes its slot from the first eight bytes. */
static struct kiln_digest quick_hash(const void *bytes, size_t byte_count)
{
	uint64_t lane[4] = {0x9e3779b97f4a7c15u, 0xbf58476d1ce4e5b9u, 0x94d049bb133111ebu, byte_count};
	const uint8_t *at = bytes;
	struct kiln_digest digest;

	for (; byte_count >= 32; at += 32, byte_count -= 32) {
		uint64_t words[4];

		memcpy(words, at, 32);
		for (int i = 0; i < 4; i++) {
			lane[i] = (lane[i] ^ words[i]) * 0xff51afd7ed558ccdu;
			lane[i] ^= lane[i] >> 32;
		}
	}
	for (; byte_count > 0; at++, byte_count--)
		lane[0] = (lane[0] ^ *at) * 0xc4ceb9fe1a85ec53u;
	lane[0] ^= (lane[1] << 17 | lane[1] >> 47) ^ (lane[2] << 31 | lane[2] >> 33) ^
	           (lane[3] << 47 | lane[3] >> 17);
	lane[0] = (lane[0] ^ lane[0] >> 29) * 0xff51afd7ed558ccdu;
	memcpy(digest.bytes, lane, sizeof(digest.bytes));
	return digest;
}

static void destroy(struct kiln_program *program)
{
	if (!program)
		return;
	kiln_reflection_destroy(&program->reflection);
	kiln_free(program->layouts);
	if (!program->lent)
		kiln_free((void *)(uintptr_t)program->bytes);
	kiln_free(program);
}

static enum kiln_status digest_layout(const struct kiln_entry_point *entry, struct kiln_digest *out_digest)
{
	struct kiln_layout_binding *bindings = kiln_alloc_zero(entry->binding_count + 1, sizeof(*bindings));
	enum kiln_status status;

	if (!bindings)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory describing a kernel. Fix: free memory and call again");
	for (size_t i = 0; i < entry->binding_count; i++)
		bindings[i] = entry->bindings[i].layout;
	status = kiln_layout_digest(bindings, entry->binding_count, out_digest);
	kiln_free(bindings);
	return status;
}

static enum kiln_status digest_layouts(struct kiln_program *program)
{
	const struct kiln_reflection *r = program->reflection;

	program->layouts = kiln_alloc_zero(r->entry_count, sizeof(*program->layouts));
	if (!program->layouts)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory describing a kernel. Fix: free memory and call again");
	for (size_t i = 0; i < r->entry_count; i++)
		KILN_TRY(digest_layout(&r->entries[i], &program->layouts[i]));
	return KILN_OK;
}

static enum kiln_status create(const void *bytes, size_t byte_count, bool lend,
                               const struct kiln_digest *quick, struct kiln_program **out_program)
{
	struct kiln_program *program = kiln_alloc_zero(1, sizeof(*program));
	enum kiln_status status = KILN_ERR_OUT_OF_MEMORY;

	if (!program)
		return kiln_error(status,
		                  "out of memory reflecting a kernel. Fix: free memory and call again");
	program->quick = *quick;
	program->byte_count = byte_count;
	program->lent = lend;
	program->bytes = lend ? bytes : kiln_memdup(bytes, byte_count);
	if (!program->bytes) {
		status = kiln_error(
			status, "out of memory copying %zu bytes of SPIR-V. Fix: free memory and call again",
			byte_count);
		goto fail;
	}
	status = kiln_reflect(program->bytes, byte_count, &program->reflection);
	if (status == KILN_OK)
		status = digest_layouts(program);
	if (status != KILN_OK)
		goto fail;
	*out_program = program;
	return KILN_OK;
fail:
	destroy(program);
	return status;
}

enum kiln_status kiln_programs_init(struct kiln_programs *programs)
{
	KILN_TRY(kiln_mutex_init(&programs->lock));
	programs->lock_ready = true;
	return KILN_OK;
}

void kiln_programs_finish(struct kiln_programs *programs)
{
	const struct kiln_table_slot *slot;
	size_t cursor = 0;

	while ((slot = kiln_table_next(&programs->table, &cursor)) != NULL)
		destroy(slot->value);
	kiln_table_finish(&programs->table);
	if (programs->lock_ready)
		kiln_mutex_finish(&programs->lock);
	programs->lock_ready = false;
}

static struct kiln_program *oldest_unused(const struct kiln_programs *programs)
{
	const struct kiln_table_slot *slot;
	struct kiln_program *oldest = NULL;
	size_t cursor = 0;

	while ((slot = kiln_table_next(&programs->table, &cursor)) != NULL) {
		struct kiln_program *program = slot->value;

		if (program->references == 0 && (!oldest || program->last_use < oldest->last_use))
			oldest = program;
	}
	return oldest;
}

static void trim(struct kiln_programs *programs)
{
	while (programs->table.count > KILN_PROGRAMS_MAX || programs->bytes > KILN_PROGRAM_BYTES_MAX) {
		struct kiln_program *victim = oldest_unused(programs);

		if (!victim)
			return;
		(void)kiln_table_remove(&programs->table, &victim->quick);
		programs->bytes -= victim->byte_count;
		destroy(victim);
	}
}

static bool in_table(const struct kiln_programs *programs, const struct kiln_program *program)
{
	return kiln_table_get(&programs->table, &program->quick) == program;
}

/* Two modules with one quick hash, or no memory for the table: the second lives outside of it. */
static void keep(struct kiln_programs *programs, struct kiln_program *program)
{
	if (kiln_table_get(&programs->table, &program->quick))
		return;
	if (kiln_table_put(&programs->table, &program->quick, program))
		programs->bytes += program->byte_count;
}

static struct kiln_program *use(struct kiln_programs *programs, struct kiln_program *program)
{
	program->references++;
	program->last_use = ++programs->clock;
	return program;
}

/* NULL when these bytes are not known. */
static struct kiln_program *use_known(struct kiln_programs *programs, const struct kiln_digest *quick,
                                      const void *bytes, size_t byte_count)
{
	struct kiln_program *program = kiln_table_get(&programs->table, quick);

	if (!program || program->byte_count != byte_count || memcmp(program->bytes, bytes, byte_count) != 0)
		return NULL;
	return use(programs, program);
}

enum kiln_status kiln_programs_acquire(struct kiln_programs *programs, const void *bytes, size_t byte_count,
                                       bool lend, struct kiln_program **out_program)
{
	struct kiln_digest quick = quick_hash(bytes, byte_count);
	struct kiln_program *known, *made = NULL;

	kiln_mutex_lock(&programs->lock);
	known = use_known(programs, &quick, bytes, byte_count);
	kiln_mutex_unlock(&programs->lock);
	if (known) {
		*out_program = known;
		return KILN_OK;
	}
	/* Unlocked, so that large modules are reflected side by side. Of two threads with the same one, the second drops its
	 * own. */
	KILN_TRY(create(bytes, byte_count, lend, &quick, &made));
	if (lend) {
		made->references = 1;
		*out_program = made;
		return KILN_OK;
	}
	kiln_mutex_lock(&programs->lock);
	known = use_known(programs, &quick, bytes, byte_count);
	if (!known) {
		keep(programs, made);
		known = use(programs, made);
		made = NULL;
		trim(programs);
	}
	kiln_mutex_unlock(&programs->lock);
	destroy(made);
	*out_program = known;
	return KILN_OK;
}

void kiln_program_end_loan(struct kiln_program *program)
{
	if (program && program->lent)
		program->bytes = NULL;
}

void kiln_programs_release(struct kiln_programs *programs, struct kiln_program *program)
{
	if (!program)
		return;
	kiln_mutex_lock(&programs->lock);
	if (--program->references == 0 && program->module) {
		programs->drop_module(programs->user, program->module);
		program->module = VK_NULL_HANDLE;
	}
	if (program->references == 0 && !in_table(programs, program))
		destroy(program);
	else
		trim(programs);
	kiln_mutex_unlock(&programs->lock);
}

VkShaderModule kiln_programs_module(struct kiln_programs *programs, const struct kiln_program *program)
{
	VkShaderModule module;

	kiln_mutex_lock(&programs->lock);
	module = program->module;
	kiln_mutex_unlock(&programs->lock);
	return module;
}

bool kiln_programs_keep_module(struct kiln_programs *programs, const struct kiln_program *program,
                               VkShaderModule module)
{
	bool keep;

	kiln_mutex_lock(&programs->lock);
	keep = program->references > 1 && !program->module && programs->drop_module;
	if (keep)
		((struct kiln_program *)(uintptr_t)program)->module = module;
	kiln_mutex_unlock(&programs->lock);
	return keep;
}

void kiln_programs_drop_modules(struct kiln_programs *programs)
{
	const struct kiln_table_slot *slot;
	size_t cursor = 0;

	kiln_mutex_lock(&programs->lock);
	while ((slot = kiln_table_next(&programs->table, &cursor)) != NULL) {
		struct kiln_program *program = slot->value;

		if (program->module)
			programs->drop_module(programs->user, program->module);
		program->module = VK_NULL_HANDLE;
	}
	kiln_mutex_unlock(&programs->lock);
}

/* The stripped words have the same interface, but for its names. */
static enum kiln_status specialise(const struct kiln_program *program, const struct kiln_spec_value *spec,
                                   size_t spec_count, struct kiln_reflection **out_reflection)
{
	const struct kiln_reflection *r = program->reflection;

	if (program->bytes)
		return kiln_reflect_specialized(program->bytes, program->byte_count, spec, spec_count,
		                                out_reflection);
	return kiln_reflect_specialized(r->words, r->word_count * sizeof(uint32_t), spec, spec_count,
	                                out_reflection);
}

enum kiln_status kiln_interface_init(struct kiln_interface *out_interface, const struct kiln_program *program,
                                     const char *entry, const struct kiln_spec_value *spec, size_t spec_count)
{
	struct kiln_interface interface = {0};
	enum kiln_status status = KILN_OK;

	interface.entry = kiln_reflection_entry(program->reflection, entry);
	if (interface.entry)
		interface.layout = program->layouts[interface.entry - program->reflection->entries];
	if (interface.entry && program->reflection->spec_sized && spec_count > 0) {
		KILN_TRY(specialise(program, spec, spec_count, &interface.owned));
		interface.entry = kiln_reflection_entry(interface.owned, interface.entry->name);
		status = digest_layout(interface.entry, &interface.layout);
	}
	if (status == KILN_OK)
		*out_interface = interface;
	else
		kiln_interface_finish(&interface);
	return status;
}

void kiln_interface_finish(struct kiln_interface *interface)
{
	kiln_reflection_destroy(&interface->owned);
	*interface = (struct kiln_interface){0};
}
