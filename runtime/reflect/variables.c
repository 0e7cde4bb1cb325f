/* Module-scope variables: descriptors, push constants, workgroup memory, built-in inputs. Others are left
 * alone. */
#include "module.h"

#define FIX "Fix: check the module with spirv-val and compile it again."

static bool is_followed(uint32_t storage)
{
	return storage == SpvStorageClassUniformConstant || storage == SpvStorageClassUniform ||
	       storage == SpvStorageClassStorageBuffer || storage == SpvStorageClassPushConstant ||
	       storage == SpvStorageClassWorkgroup || storage == SpvStorageClassInput;
}

/* What the storage class and the type leave open before qualifiers: a uniform can only be read. */
static uint32_t natural_access(const struct spirv_module *module, const struct spirv_variable *variable)
{
	const struct spirv_type *leaf = &module->types.items[variable->leaf];

	if (variable->storage == SpvStorageClassStorageBuffer)
		return KILN_ACCESS_READ | KILN_ACCESS_WRITE;
	if (variable->storage == SpvStorageClassUniform && (leaf->flags & SPIRV_TYPE_BUFFER_BLOCK))
		return KILN_ACCESS_READ | KILN_ACCESS_WRITE;
	if (leaf->kind == SPIRV_TYPE_IMAGE && module->words[leaf->at + 7] == 2) /* without a sampler */
		return KILN_ACCESS_READ | KILN_ACCESS_WRITE;
	return KILN_ACCESS_READ;
}

static void apply_decorations(const struct spirv_module *module, struct spirv_variable *variable)
{
	const struct spirv_decoration *decoration = kiln_spirv_first(module, variable->id);
	uint32_t flags = module->types.items[variable->leaf].flags;

	if (flags & SPIRV_TYPE_NON_WRITABLE)
		variable->allowed &= ~KILN_ACCESS_WRITE;
	if (flags & SPIRV_TYPE_NON_READABLE)
		variable->allowed &= ~KILN_ACCESS_READ;
	for (; decoration != NULL; decoration = kiln_spirv_next(module, decoration)) {
		switch (decoration->what) {
		case SpvDecorationDescriptorSet:
			variable->set = decoration->value;
			break;
		case SpvDecorationBinding:
			variable->binding = decoration->value;
			break;
		case SpvDecorationBuiltIn:
			variable->built_in = decoration->value;
			break;
		case SpvDecorationNonWritable:
			variable->allowed &= ~KILN_ACCESS_WRITE;
			break;
		case SpvDecorationNonReadable:
			variable->allowed &= ~KILN_ACCESS_READ;
			break;
		default:
			break;
		}
	}
}

/* The type a variable holds: what its pointer type points to, which by now must be declared. */
static enum kiln_status pointee(const struct spirv_module *module, uint32_t at, uint32_t *out_index)
{
	uint32_t storage = module->words[at + 3];
	uint32_t index;
	const struct spirv_type *pointer;

	KILN_TRY(kiln_spirv_type_index(module, at, module->words[at + 1], &index));
	pointer = &module->types.items[index];
	if (pointer->kind != SPIRV_TYPE_POINTER || module->words[pointer->at + 2] != storage)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, at,
		                       "id %u is no pointer type of storage class %u. " FIX,
		                       module->words[at + 1], storage);
	return kiln_spirv_type_index(module, at, pointer->element, out_index);
}

/* A variable whose address another one starts with: who follows that pointer is not tracked. */
static void note_initializer(struct spirv_module *module, uint32_t at)
{
	uint32_t id = spirv_words_of(module, at) > 4 ? module->words[at + 4] : 0;

	if (id < module->bound && module->ids[id].kind == SPIRV_KIND_ROOT)
		module->variables.items[module->ids[id].index].escaped = true;
}

enum kiln_status kiln_spirv_variable(struct spirv_module *module, uint32_t at)
{
	struct spirv_variable *variable;
	const struct spirv_type *type;
	uint32_t index;

	KILN_TRY(kiln_spirv_need(module, at, 4));
	note_initializer(module, at);
	if (!is_followed(module->words[at + 3]))
		return KILN_OK;
	KILN_TRY(pointee(module, at, &index));
	if (!SPIRV_ROOM(module->variables))
		return kiln_spirv_out_of_memory(module);
	type = &module->types.items[index];
	variable = &module->variables.items[module->variables.count];
	*variable = (struct spirv_variable){
		.id = module->words[at + 2],
		.at = at,
		.storage = module->words[at + 3],
		.type = index,
		.leaf = type->leaf,
		.set = SPIRV_NONE,
		.binding = SPIRV_NONE,
		.built_in = SPIRV_NONE,
		.last_use = SPIRV_NONE,
	};
	variable->allowed = natural_access(module, variable);
	apply_decorations(module, variable);
	spirv_define(module, variable->id, SPIRV_KIND_ROOT, module->variables.count++);
	return KILN_OK;
}
