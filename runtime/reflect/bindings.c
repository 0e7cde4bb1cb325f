/* Descriptors: what kind of resource a variable is, how many, how large, and which variables share one.
 * Source: Vulkan, "Shader Resource and Descriptor Type Correspondence". */
#include "module.h"

#include <stdlib.h>
#include <string.h>

#define FIX "Fix: check the module with spirv-val and compile it again."

static const char *name_of(const struct spirv_variable *variable)
{
	return variable->name != NULL ? variable->name : "";
}

enum kiln_status kiln_spirv_check_block(const struct spirv_module *module,
                                        const struct spirv_variable *variable)
{
	const struct spirv_type *leaf = &module->types.items[variable->leaf];

	if (leaf->kind != SPIRV_TYPE_STRUCT || !(leaf->flags & (SPIRV_TYPE_BLOCK | SPIRV_TYPE_BUFFER_BLOCK)))
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, variable->at,
		                       "buffer \"%s\" is not a struct decorated "
		                       "Block. " FIX,
		                       name_of(variable));
	if (leaf->flags & SPIRV_TYPE_LOOSE)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, variable->at,
		                       "block \"%s\" has members without Offset, "
		                       "ArrayStride or MatrixStride. " FIX,
		                       name_of(variable));
	return KILN_OK;
}

static uint32_t image_type(const struct spirv_module *module, const struct spirv_type *image)
{
	bool buffer = module->words[image->at + 3] == SpvDimBuffer;

	if (module->words[image->at + 3] == SpvDimSubpassData)
		return 0;
	switch (module->words[image->at + 7]) {
	case 1:
		return buffer ? KILN_BINDING_UNIFORM_TEXEL_BUFFER : KILN_BINDING_SAMPLED_IMAGE;
	case 2:
		return buffer ? KILN_BINDING_STORAGE_TEXEL_BUFFER : KILN_BINDING_STORAGE_IMAGE;
	default:
		return 0;
	}
}

/* 0 for what no compute shader can have. */
static uint32_t opaque_type(const struct spirv_module *module, const struct spirv_type *leaf)
{
	switch (leaf->kind) {
	case SPIRV_TYPE_SAMPLER:
		return KILN_BINDING_SAMPLER;
	case SPIRV_TYPE_ACCELERATION_STRUCTURE:
		return KILN_BINDING_ACCELERATION_STRUCTURE;
	case SPIRV_TYPE_IMAGE:
		return image_type(module, leaf);
	case SPIRV_TYPE_SAMPLED_IMAGE:
		/* A sampler buffer in SPIR-V before 1.6: the sampler is not real. */
		return image_type(module, &module->types.items[leaf->element]) ==
		                       KILN_BINDING_UNIFORM_TEXEL_BUFFER
		               ? KILN_BINDING_UNIFORM_TEXEL_BUFFER
		               : KILN_BINDING_COMBINED_IMAGE_SAMPLER;
	default:
		return 0;
	}
}

static uint32_t buffer_type(const struct spirv_variable *variable, const struct spirv_type *leaf)
{
	if (variable->storage == SpvStorageClassStorageBuffer || (leaf->flags & SPIRV_TYPE_BUFFER_BLOCK))
		return KILN_BINDING_STORAGE_BUFFER;
	return KILN_BINDING_UNIFORM_BUFFER;
}

static enum kiln_status image_of(const struct spirv_module *module, const struct spirv_type *leaf,
                                 struct kiln_binding_image *out_image)
{
	const struct spirv_type *image =
		leaf->kind == SPIRV_TYPE_SAMPLED_IMAGE ? &module->types.items[leaf->element] : leaf;
	const uint32_t *words = &module->words[image->at];
	uint32_t component, bytes;

	if (image->kind != SPIRV_TYPE_IMAGE)
		return KILN_OK;
	KILN_TRY(kiln_spirv_type_index(module, image->at, words[2], &component));
	*out_image = (struct kiln_binding_image){
		.dimensions = words[3] <= SpvDim3D ? words[3] - SpvDim1D + 1 : 0,
		.format = words[8],
		.component = kiln_spirv_spec_type(&module->types.items[component], &bytes),
		.arrayed = words[5] != 0,
		.multisampled = words[6] != 0,
	};
	return KILN_OK;
}

static enum kiln_status type_and_size(const struct spirv_module *module,
                                      const struct spirv_variable *variable, struct kiln_binding *binding)
{
	const struct spirv_type *leaf = &module->types.items[variable->leaf];

	if (variable->storage == SpvStorageClassUniformConstant) {
		binding->layout.type = opaque_type(module, leaf);
		if (binding->layout.type == 0)
			return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, variable->at,
			                       "\"%s\" is of a type that is no descriptor "
			                       "of a compute shader. " FIX,
			                       name_of(variable));
		return image_of(module, leaf, &binding->image);
	}
	KILN_TRY(kiln_spirv_check_block(module, variable));
	binding->layout.type = buffer_type(variable, leaf);
	binding->min_bytes = leaf->size;
	binding->runtime_stride = leaf->stride;
	return KILN_OK;
}

enum kiln_status kiln_spirv_binding(const struct spirv_module *module, const struct spirv_variable *variable,
                                    uint32_t access, struct kiln_binding *out_binding)
{
	const struct spirv_type *type = &module->types.items[variable->type];

	if (variable->set == SPIRV_NONE || variable->binding == SPIRV_NONE)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, variable->at,
		                       "\"%s\" has no %s. Fix: declare it with "
		                       "layout(set = 0, binding = N).",
		                       name_of(variable),
		                       variable->binding == SPIRV_NONE ? "Binding" : "DescriptorSet");
	if (type->flat > UINT32_MAX)
		return kiln_spirv_fail(module, KILN_ERR_SPIRV_LENGTH, variable->at,
		                       "\"%s\" is an array of %llu descriptors; "
		                       "expected at most %u. Fix: declare fewer.",
		                       name_of(variable), (unsigned long long)type->flat, UINT32_MAX);
	*out_binding = (struct kiln_binding){
		.layout =
			{
				.set = variable->set,
				.binding = variable->binding,
				.count = (uint32_t)type->flat,
				.access = access | (variable->escaped ? variable->allowed : 0),
				.stages = KILN_STAGE_COMPUTE,
			},
		.allowed = variable->allowed,
		.name = variable->name,
	};
	return type_and_size(module, variable, out_binding);
}

static int compare_bindings(const void *a, const void *b)
{
	const struct kiln_binding *x = a, *y = b;

	if (x->layout.set != y->layout.set)
		return x->layout.set < y->layout.set ? -1 : 1;
	if (x->layout.binding != y->layout.binding)
		return x->layout.binding < y->layout.binding ? -1 : 1;
	/* Names lie in module order: the first declared comes first. */
	return (uintptr_t)x->name < (uintptr_t)y->name ? -1 : (uintptr_t)x->name > (uintptr_t)y->name;
}

static void join(struct kiln_binding *into, const struct kiln_binding *from)
{
	into->layout.access |= from->layout.access;
	into->allowed |= from->allowed;
	if (from->min_bytes > into->min_bytes)
		into->min_bytes = from->min_bytes;
	if (into->runtime_stride == 0 ||
	    (from->runtime_stride != 0 && from->runtime_stride < into->runtime_stride))
		into->runtime_stride = from->runtime_stride;
	if (into->name == NULL)
		into->name = from->name;
}

enum kiln_status kiln_spirv_merge(const struct spirv_module *module, const struct spirv_entry *entry,
                                  struct kiln_binding *bindings, size_t count, size_t *out_count)
{
	size_t kept = 0;

	if (count != 0)
		qsort(bindings, count, sizeof(*bindings), compare_bindings);
	for (size_t i = 0; i < count; i++) {
		struct kiln_binding *last = kept != 0 ? &bindings[kept - 1] : NULL;
		const struct kiln_layout_binding *layout = &bindings[i].layout;

		if (last == NULL || last->layout.set != layout->set ||
		    last->layout.binding != layout->binding) {
			bindings[kept++] = bindings[i];
			continue;
		}
		if (last->layout.type != layout->type || last->layout.count != layout->count)
			return kiln_spirv_fail(module, KILN_ERR_SPIRV_INVALID, entry->at,
			                       "set %u binding %u is declared as %u of %s "
			                       "and as %u of %s. Fix: give them different bindings.",
			                       layout->set, layout->binding, last->layout.count,
			                       kiln_binding_type_name(last->layout.type), layout->count,
			                       kiln_binding_type_name(layout->type));
		join(last, &bindings[i]);
	}
	*out_count = kept;
	return KILN_OK;
}
