/* Compares Kiln's reflection with SPIRV-Cross's on every .spv file in the folders and files given.
 *
 *   reflect_oracle [--cut] [--least N] PATH...
 *
 * A NAME.strip beside NAME.spv must equal the stripped words. A NAME.frozen is what SPIRV-Cross reads in its
 * place, for sizes it cannot work out; specialisation is then not compared. With --cut, every proper prefix
 * of every module must be refused as well. Prints what differs; the exit status is 1 when anything does or
 * fewer than N modules were compared. */
#include <dirent.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <kiln/reflect.h>
#include <spirv_cross_c.h>

#ifdef NDEBUG
#error "tests need assertions"
#endif

#define BINDINGS_MAX 256

struct module {
	const char *path;
	uint32_t *words;
	size_t bytes;
	spvc_compiler compiler;
	spvc_context context;
	struct kiln_reflection *ours;
	bool frozen;
	int differences;
};

static struct {
	unsigned modules, unread, stripped, cuts, entries, bindings, constants, different;
} totals;

__attribute__((format(printf, 2, 3))) static void differ(struct module *module, const char *format, ...)
{
	va_list arguments;

	printf("%s: ", module->path);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	module->differences++;
}

static uint32_t *read_words(const char *path, size_t *out_bytes)
{
	FILE *file = fopen(path, "rb");
	uint32_t *words = NULL;
	struct stat facts;

	if (file == NULL)
		return NULL;
	if (fstat(fileno(file), &facts) == 0 && (words = malloc((size_t)facts.st_size + 4)) != NULL)
		*out_bytes = fread(words, 1, (size_t)facts.st_size, file);
	fclose(file);
	return words;
}

/* ---- What SPIRV-Cross says, in our terms ---- */

static uint32_t constant_u32(struct module *module, SpvId id)
{
	return spvc_constant_get_scalar_u32(spvc_compiler_get_constant_handle(module->compiler, id), 0, 0);
}

static uint32_t count_of(struct module *module, spvc_type type)
{
	uint64_t count = 1;

	for (unsigned i = 0; i < spvc_type_get_num_array_dimensions(type); i++) {
		SpvId size = spvc_type_get_array_dimension(type, i);

		count *= spvc_type_array_dimension_is_literal(type, i) ? size : constant_u32(module, size);
	}
	return (uint32_t)count;
}

static uint32_t type_of(spvc_resource_type kind, spvc_type type)
{
	bool texel = spvc_type_get_basetype(type) == SPVC_BASETYPE_IMAGE ||
	                             spvc_type_get_basetype(type) == SPVC_BASETYPE_SAMPLED_IMAGE
	                     ? spvc_type_get_image_dimension(type) == SpvDimBuffer
	                     : false;

	switch (kind) {
	case SPVC_RESOURCE_TYPE_UNIFORM_BUFFER:
		return KILN_BINDING_UNIFORM_BUFFER;
	case SPVC_RESOURCE_TYPE_STORAGE_BUFFER:
		return KILN_BINDING_STORAGE_BUFFER;
	case SPVC_RESOURCE_TYPE_STORAGE_IMAGE:
		return texel ? KILN_BINDING_STORAGE_TEXEL_BUFFER : KILN_BINDING_STORAGE_IMAGE;
	case SPVC_RESOURCE_TYPE_SAMPLED_IMAGE:
		return texel ? KILN_BINDING_UNIFORM_TEXEL_BUFFER : KILN_BINDING_COMBINED_IMAGE_SAMPLER;
	case SPVC_RESOURCE_TYPE_SEPARATE_IMAGE:
		return texel ? KILN_BINDING_UNIFORM_TEXEL_BUFFER : KILN_BINDING_SAMPLED_IMAGE;
	case SPVC_RESOURCE_TYPE_SEPARATE_SAMPLERS:
		return KILN_BINDING_SAMPLER;
	case SPVC_RESOURCE_TYPE_ACCELERATION_STRUCTURE:
		return KILN_BINDING_ACCELERATION_STRUCTURE;
	default:
		return 0;
	}
}

static uint32_t natural_access(uint32_t type)
{
	return type == KILN_BINDING_STORAGE_BUFFER || type == KILN_BINDING_STORAGE_IMAGE ||
	                       type == KILN_BINDING_STORAGE_TEXEL_BUFFER
	               ? KILN_ACCESS_READ | KILN_ACCESS_WRITE
	               : KILN_ACCESS_READ;
}

static uint32_t allowed(struct module *module, spvc_variable_id id, uint32_t type)
{
	uint32_t access = natural_access(type);
	const SpvDecoration *decorations = NULL;
	size_t count = 0;

	if (spvc_compiler_has_decoration(module->compiler, id, SpvDecorationNonWritable))
		access &= ~KILN_ACCESS_WRITE;
	if (spvc_compiler_has_decoration(module->compiler, id, SpvDecorationNonReadable))
		access &= ~KILN_ACCESS_READ;
	if (type != KILN_BINDING_STORAGE_BUFFER && type != KILN_BINDING_UNIFORM_BUFFER)
		return access;
	spvc_compiler_get_buffer_block_decorations(module->compiler, id, &decorations, &count);
	for (size_t i = 0; i < count; i++) {
		if (decorations[i] == SpvDecorationNonWritable)
			access &= ~KILN_ACCESS_WRITE;
		if (decorations[i] == SpvDecorationNonReadable)
			access &= ~KILN_ACCESS_READ;
	}
	return access;
}

static void sizes(struct module *module, spvc_type type, struct kiln_binding *binding)
{
	unsigned members = spvc_type_get_num_member_types(type), stride = 0;
	spvc_type last =
		spvc_compiler_get_type_handle(module->compiler, spvc_type_get_member_type(type, members - 1));
	size_t bytes = 0;

	spvc_compiler_get_declared_struct_size(module->compiler, type, &bytes);
	binding->min_bytes = bytes;
	if (spvc_type_get_num_array_dimensions(last) == 0)
		return;
	/* The outermost dimension is the last one; a literal 0 is a run-time array. */
	unsigned outer = spvc_type_get_num_array_dimensions(last) - 1;

	if (!spvc_type_array_dimension_is_literal(last, outer) ||
	    spvc_type_get_array_dimension(last, outer) != 0)
		return;
	spvc_compiler_type_struct_member_array_stride(module->compiler, type, members - 1, &stride);
	binding->runtime_stride = stride;
}

struct expected {
	struct kiln_binding bindings[BINDINGS_MAX];
	bool active[BINDINGS_MAX]; /* the entry point's code uses it */
	bool anyone[BINDINGS_MAX]; /* some entry point's code uses it */
	size_t count;
	size_t push_bytes;
};

static void add(struct expected *expected, const struct kiln_binding *binding)
{
	for (size_t i = 0; i < expected->count; i++) {
		struct kiln_binding *have = &expected->bindings[i];

		if (have->layout.set != binding->layout.set ||
		    have->layout.binding != binding->layout.binding)
			continue;
		have->allowed |= binding->allowed;
		have->min_bytes = binding->min_bytes > have->min_bytes ? binding->min_bytes : have->min_bytes;
		if (have->runtime_stride == 0 ||
		    (binding->runtime_stride != 0 && binding->runtime_stride < have->runtime_stride))
			have->runtime_stride = binding->runtime_stride;
		return;
	}
	if (expected->count < BINDINGS_MAX)
		expected->bindings[expected->count++] = *binding;
}

static const spvc_resource_type kinds[] = {
	SPVC_RESOURCE_TYPE_UNIFORM_BUFFER,         SPVC_RESOURCE_TYPE_STORAGE_BUFFER,
	SPVC_RESOURCE_TYPE_STORAGE_IMAGE,          SPVC_RESOURCE_TYPE_SAMPLED_IMAGE,
	SPVC_RESOURCE_TYPE_SEPARATE_IMAGE,         SPVC_RESOURCE_TYPE_SEPARATE_SAMPLERS,
	SPVC_RESOURCE_TYPE_ACCELERATION_STRUCTURE, SPVC_RESOURCE_TYPE_PUSH_CONSTANT,
};

static void add_resource(struct module *module, spvc_resource_type kind,
                         const spvc_reflected_resource *resource, struct expected *expected)
{
	spvc_type base = spvc_compiler_get_type_handle(module->compiler, resource->base_type_id);
	spvc_type full = spvc_compiler_get_type_handle(module->compiler, resource->type_id);
	struct kiln_binding binding = {0};

	if (kind == SPVC_RESOURCE_TYPE_PUSH_CONSTANT) {
		spvc_compiler_get_declared_struct_size(module->compiler, base, &expected->push_bytes);
		return;
	}
	binding.layout.set =
		spvc_compiler_get_decoration(module->compiler, resource->id, SpvDecorationDescriptorSet);
	binding.layout.binding =
		spvc_compiler_get_decoration(module->compiler, resource->id, SpvDecorationBinding);
	binding.layout.type = type_of(kind, base);
	binding.layout.count = count_of(module, full);
	binding.allowed = allowed(module, resource->id, binding.layout.type);
	if (kind == SPVC_RESOURCE_TYPE_UNIFORM_BUFFER || kind == SPVC_RESOURCE_TYPE_STORAGE_BUFFER)
		sizes(module, base, &binding);
	add(expected, &binding);
}

static void collect(struct module *module, spvc_set active, struct expected *expected)
{
	spvc_resources resources;

	if (active != NULL)
		spvc_compiler_create_shader_resources_for_active_variables(module->compiler, &resources,
		                                                           active);
	else
		spvc_compiler_create_shader_resources(module->compiler, &resources);
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		const spvc_reflected_resource *list = NULL;
		size_t count = 0;

		spvc_resources_get_resource_list_for_type(resources, kinds[k], &list, &count);
		for (size_t i = 0; i < count; i++)
			add_resource(module, kinds[k], &list[i], expected);
	}
}

static bool holds(const struct expected *set, const struct kiln_binding *binding)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->bindings[i].layout.set == binding->layout.set &&
		    set->bindings[i].layout.binding == binding->layout.binding)
			return true;
	return false;
}

/* Resources the code of entry point `name` uses. */
static void collect_active(struct module *module, const char *name, struct expected *expected)
{
	spvc_set active;

	spvc_compiler_set_entry_point(module->compiler, name, SpvExecutionModelGLCompute);
	spvc_compiler_get_active_interface_variables(module->compiler, &active);
	collect(module, active, expected);
}

/* ---- Comparison ---- */

static void compare_binding(struct module *module, const struct kiln_entry_point *entry,
                            const struct kiln_binding *ours, const struct kiln_binding *theirs, bool active)
{
	const struct kiln_layout_binding *a = &ours->layout, *b = &theirs->layout;

	totals.bindings++;
	if (a->type != b->type || a->count != b->count)
		differ(module, "%s %u.%u: %u of %s, expected %u of %s", entry->name, a->set, a->binding,
		       a->count, kiln_binding_type_name(a->type), b->count, kiln_binding_type_name(b->type));
	if (ours->allowed != theirs->allowed)
		differ(module, "%s %u.%u: allowed %u, expected %u", entry->name, a->set, a->binding,
		       ours->allowed, theirs->allowed);
	if (ours->min_bytes != theirs->min_bytes || ours->runtime_stride != theirs->runtime_stride)
		differ(module, "%s %u.%u: %llu bytes and stride %llu, expected %llu and %llu", entry->name,
		       a->set, a->binding, (unsigned long long)ours->min_bytes,
		       (unsigned long long)ours->runtime_stride, (unsigned long long)theirs->min_bytes,
		       (unsigned long long)theirs->runtime_stride);
	if ((a->access & ~ours->allowed) != 0)
		differ(module, "%s %u.%u: access %u where %u is allowed", entry->name, a->set, a->binding,
		       a->access, ours->allowed);
	if ((a->access != 0) != active && ours->allowed != 0)
		differ(module, "%s %u.%u: access %u, but its code %s it", entry->name, a->set, a->binding,
		       a->access, active ? "uses" : "does not use");
}

static void compare_bindings(struct module *module, const struct kiln_entry_point *entry,
                             const struct expected *expected, const struct expected *active)
{
	for (size_t i = 0; i < entry->binding_count; i++)
		if (!holds(expected, &entry->bindings[i]))
			differ(module, "%s: has %u.%u too many", entry->name, entry->bindings[i].layout.set,
			       entry->bindings[i].layout.binding);
	for (size_t i = 0; i < expected->count; i++) {
		const struct kiln_binding *theirs = &expected->bindings[i], *ours = NULL;

		for (size_t k = 0; k < entry->binding_count && ours == NULL; k++)
			if (entry->bindings[k].layout.set == theirs->layout.set &&
			    entry->bindings[k].layout.binding == theirs->layout.binding)
				ours = &entry->bindings[k];
		if (ours == NULL)
			differ(module, "%s: %u.%u is missing", entry->name, theirs->layout.set,
			       theirs->layout.binding);
		else
			compare_binding(module, entry, ours, theirs, holds(active, theirs));
	}
}

static void compare_workgroup(struct module *module, const struct kiln_entry_point *entry)
{
	spvc_specialization_constant theirs[3];

	spvc_compiler_get_work_group_size_specialization_constants(module->compiler, &theirs[0], &theirs[1],
	                                                           &theirs[2]);
	for (unsigned i = 0; i < 3; i++) {
		const struct kiln_workgroup_dim *ours = &entry->workgroup[i];
		uint32_t size =
			spvc_compiler_get_execution_mode_argument_by_index(module->compiler,
		                                                           SpvExecutionModeLocalSize, i);

		if (theirs[i].id != 0)
			size = constant_u32(module, theirs[i].id);
		if (ours->size != size)
			differ(module, "%s: workgroup[%u] is %u, expected %u", entry->name, i, ours->size,
			       size);
		if (module->frozen)
			continue;
		if (ours->specialised != (theirs[i].id != 0) ||
		    (ours->specialised && ours->spec_id != theirs[i].constant_id))
			differ(module, "%s: workgroup[%u] has spec id %d, expected %d", entry->name, i,
			       ours->specialised ? (int)ours->spec_id : -1,
			       theirs[i].id != 0 ? (int)theirs[i].constant_id : -1);
	}
}

/* For a module with one entry point, or with interface lists, everything SPIRV-Cross lists; else what the
 * entry point uses and what none uses. */
static void expect(struct module *module, const char *name, const struct expected *anyone,
                   struct expected *out)
{
	struct expected *all = calloc(1, sizeof(*all));

	spvc_compiler_set_entry_point(module->compiler, name, SpvExecutionModelGLCompute);
	collect(module, NULL, all);
	if (module->ours->version >= 0x00010400) {
		*out = *all;
	} else {
		collect_active(module, name, out);
		out->push_bytes = all->push_bytes;
		for (size_t i = 0; i < all->count; i++)
			if (!holds(anyone, &all->bindings[i]))
				add(out, &all->bindings[i]);
		/* Aliased descriptors: one variable of them may be used and another not. */
		for (size_t i = 0; i < all->count; i++)
			if (module->ours->entry_count == 1)
				add(out, &all->bindings[i]);
	}
	free(all);
}

static void compare_entries(struct module *module)
{
	struct expected *anyone = calloc(1, sizeof(*anyone));
	struct expected *active = calloc(1, sizeof(*active));
	struct expected *expected = calloc(1, sizeof(*expected));
	const spvc_entry_point *points = NULL;
	size_t count = 0;

	spvc_compiler_get_entry_points(module->compiler, &points, &count);
	if (count != module->ours->entry_count)
		differ(module, "%zu entry points, expected %zu", module->ours->entry_count, count);
	for (size_t i = 0; i < count; i++)
		collect_active(module, points[i].name, anyone);
	for (size_t i = 0; i < count; i++) {
		const struct kiln_entry_point *entry = kiln_reflection_entry(module->ours, points[i].name);

		totals.entries++;
		memset(active, 0, sizeof(*active));
		memset(expected, 0, sizeof(*expected));
		if (entry == NULL) {
			differ(module, "entry point %s is missing", points[i].name);
			continue;
		}
		expect(module, points[i].name, anyone, expected);
		collect_active(module, points[i].name, active);
		compare_bindings(module, entry, expected, active);
		compare_workgroup(module, entry);
		if (entry->push_bytes != expected->push_bytes)
			differ(module, "%s: %u bytes of push constants, expected %zu", entry->name,
			       entry->push_bytes, expected->push_bytes);
	}
	free(anyone);
	free(active);
	free(expected);
}

static uint64_t default_bits(spvc_constant constant, uint32_t size, bool boolean)
{
	double wide = spvc_constant_get_scalar_fp64(constant, 0, 0);
	uint64_t bits;

	memcpy(&bits, &wide, sizeof(bits));
	if (boolean)
		return (bits & 1) != 0;
	return size < 8 ? bits & ((UINT64_C(1) << (size * 8)) - 1) : bits;
}

static void compare_constants(struct module *module)
{
	const spvc_specialization_constant *theirs = NULL;
	size_t count = 0, matched = 0, distinct = 0;

	if (module->frozen)
		return;
	spvc_compiler_get_specialization_constants(module->compiler, &theirs, &count);
	for (size_t i = 0; i < count; i++) {
		spvc_constant constant = spvc_compiler_get_constant_handle(module->compiler, theirs[i].id);
		spvc_type type =
			spvc_compiler_get_type_handle(module->compiler, spvc_constant_get_type(constant));
		bool boolean = spvc_type_get_basetype(type) == SPVC_BASETYPE_BOOLEAN;
		uint32_t size = boolean ? 4 : spvc_type_get_bit_width(type) / 8;

		for (size_t k = 0; k < module->ours->constant_count; k++) {
			const struct kiln_spec_constant *ours = &module->ours->constants[k];

			if (ours->id != theirs[i].constant_id)
				continue;
			matched++;
			totals.constants++;
			if (ours->size != size ||
			    ours->default_value != default_bits(constant, size, boolean))
				differ(module, "constant %u: %u bytes, default %llx; expected %u, %llx",
				       ours->id, ours->size, (unsigned long long)ours->default_value, size,
				       (unsigned long long)default_bits(constant, size, boolean));
		}
	}
	for (size_t i = 0; i < count; i++) {
		size_t before = 0;

		while (theirs[before].constant_id != theirs[i].constant_id)
			before++;
		distinct += before == i;
	}
	if (matched != count || distinct != module->ours->constant_count)
		differ(module, "%zu constants, expected %zu", module->ours->constant_count, distinct);
}

static void compare_declarations(struct module *module)
{
	const SpvCapability *capabilities = NULL;
	const char **extensions = NULL;
	size_t count = 0, distinct = 0;

	spvc_compiler_get_declared_capabilities(module->compiler, &capabilities, &count);
	for (size_t i = 0; i < count; i++) {
		size_t before = 0;

		while (before < i && capabilities[before] != capabilities[i])
			before++;
		if (before < i)
			continue;
		if (distinct >= module->ours->capability_count ||
		    module->ours->capabilities[distinct] != capabilities[i])
			differ(module, "capability %zu is not %u", distinct, capabilities[i]);
		distinct++;
	}
	if (distinct != module->ours->capability_count)
		differ(module, "%zu capabilities, expected %zu", module->ours->capability_count, distinct);
	spvc_compiler_get_declared_extensions(module->compiler, &extensions, &count);
	if (count != module->ours->extension_count)
		differ(module, "%zu extensions, expected %zu", module->ours->extension_count, count);
	for (size_t i = 0; i < count && i < module->ours->extension_count; i++)
		if (strcmp(extensions[i], module->ours->extensions[i]) != 0)
			differ(module, "extension %s, expected %s", module->ours->extensions[i],
			       extensions[i]);
}

/* NAME.ending beside NAME.spv; NULL when there is none. */
static uint32_t *read_sibling(const struct module *module, const char *ending, size_t *out_bytes)
{
	char path[4096];

	snprintf(path, sizeof(path), "%.*s.%s", (int)(strlen(module->path) - 4), module->path, ending);
	return read_words(path, out_bytes);
}

static void compare_stripped(struct module *module)
{
	size_t bytes = 0;
	uint32_t *words = read_sibling(module, "strip", &bytes);

	if (words == NULL)
		return;
	totals.stripped++;
	if (bytes != module->ours->word_count * 4 || memcmp(words, module->ours->words, bytes) != 0)
		differ(module, "stripped to %zu words, expected those of spirv-opt (%zu)",
		       module->ours->word_count, bytes / 4);
	free(words);
}

/* Every prefix, at every byte of the last words too, from memory of exactly that size. */
static void cut(struct module *module)
{
	for (size_t bytes = 0; bytes < module->bytes; bytes += bytes + 8 < module->bytes ? 4 : 1) {
		struct kiln_reflection *reflection = NULL;
		struct kiln_digest digest;
		uint32_t *words = malloc(bytes + 1);

		memcpy(words, module->words, bytes);
		if (kiln_reflect(words, bytes, &reflection) == KILN_OK ||
		    kiln_program_digest(words, bytes, &digest) == KILN_OK)
			differ(module, "its first %zu of %zu bytes were accepted", bytes, module->bytes);
		kiln_reflection_destroy(&reflection);
		free(words);
		totals.cuts++;
	}
}

static bool open_theirs(struct module *module)
{
	size_t bytes = module->bytes;
	uint32_t *frozen = read_sibling(module, "frozen", &bytes);
	spvc_parsed_ir ir;
	bool opened;

	module->frozen = frozen != NULL;
	opened = spvc_context_create(&module->context) == SPVC_SUCCESS &&
	         spvc_context_parse_spirv(module->context, frozen != NULL ? frozen : module->words, bytes / 4,
	                                  &ir) == SPVC_SUCCESS &&
	         spvc_context_create_compiler(module->context, SPVC_BACKEND_NONE, ir,
	                                      SPVC_CAPTURE_MODE_TAKE_OWNERSHIP,
	                                      &module->compiler) == SPVC_SUCCESS;
	free(frozen);
	return opened;
}

/* SPIRV-Cross knows no cooperative matrices; nothing else is excused. */
static bool is_beyond_them(const struct module *module)
{
	for (size_t i = 0; i < module->ours->entry_count; i++)
		if (module->ours->entries[i].features.bits & KILN_FEATURE_TENSOR_CORES)
			return true;
	return false;
}

static void compare_theirs(struct module *module)
{
	if (open_theirs(module)) {
		totals.modules++;
		compare_entries(module);
		compare_constants(module);
		compare_declarations(module);
	} else if (is_beyond_them(module)) {
		totals.unread++;
	} else {
		differ(module, "SPIRV-Cross cannot read it: %s",
		       spvc_context_get_last_error_string(module->context));
	}
}

static void compare(const char *path, bool with_cuts)
{
	struct module module = {.path = path};

	module.words = read_words(path, &module.bytes);
	if (module.words == NULL) {
		differ(&module, "cannot be read");
	} else if (kiln_reflect(module.words, module.bytes, &module.ours) != KILN_OK) {
		differ(&module, "%s", kiln_error_message());
	} else {
		compare_theirs(&module);
		compare_stripped(&module);
		if (with_cuts)
			cut(&module);
	}
	totals.different += module.differences != 0;
	kiln_reflection_destroy(&module.ours);
	if (module.context != NULL)
		spvc_context_destroy(module.context);
	free(module.words);
}

static int only_spirv(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 4 && strcmp(entry->d_name + length - 4, ".spv") == 0;
}

static void compare_path(const char *path, bool with_cuts)
{
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, only_spirv, alphasort);

	if (count < 0)
		compare(path, with_cuts);
	for (int i = 0; i < count; i++) {
		char inner[4096];

		snprintf(inner, sizeof(inner), "%s/%s", path, entries[i]->d_name);
		compare(inner, with_cuts);
		free(entries[i]);
	}
	free(entries);
}

int main(int argc, char **argv)
{
	unsigned long least = 1;
	bool with_cuts = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--cut") == 0)
			with_cuts = true;
		else if (strcmp(argv[i], "--least") == 0 && i + 1 < argc)
			least = strtoul(argv[++i], NULL, 10);
		else
			compare_path(argv[i], with_cuts);
	}
	printf("%u modules compared (%u entry points, %u bindings, %u constants), %u with cooperative matrices are beyond "
	       "SPIRV-Cross, %u stripped as spirv-opt does, %u prefixes; %u modules differ\n",
	       totals.modules, totals.entries, totals.bindings, totals.constants, totals.unread,
	       totals.stripped, totals.cuts, totals.different);
	return totals.different != 0 || totals.modules < least;
}
