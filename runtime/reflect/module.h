/* What one walk over a SPIR-V module leaves behind, before it is made into a result. Everything is found by
 * id in one array; every table grows with what the module holds, never with what it claims. */
#ifndef REFLECT_MODULE_H
#define REFLECT_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kiln/reflect.h>

#include "spirv_ops.h"

/* SPIR-V's universal limit on the id bound (2.17). The id array is allocated zeroed and touched only where
 * ids are used, so a small file that claims the maximum costs address space, not memory. */
#define SPIRV_ID_BOUND_MAX 0x3fffffu
#define SPIRV_HEADER_WORDS 5u
#define SPIRV_NONE UINT32_MAX

/* Bounds on what a hostile module can make of few words: steps through call graphs, and (entry point,
 * variable) pairs. Real modules stay below a thousandth of either. */
#define SPIRV_WALK_MAX (1u << 24)
#define SPIRV_REACH_MAX (1u << 18)

#define SPIRV_VECTOR(type)       \
	struct {                 \
		type *items;     \
		size_t count;    \
		size_t capacity; \
	}

/* Makes room for one more item; false when out of memory. */
#define SPIRV_ROOM(vector)                     \
	((vector).count < (vector).capacity || \
	 kiln_spirv_grow(&(vector).items, &(vector).capacity, sizeof(*(vector).items)))

/* What an id stands for. The index beside it points into the table of that kind. */
enum spirv_kind {
	SPIRV_KIND_NONE,    /* nothing we follow; not defined while `at` is 0 */
	SPIRV_KIND_PENDING, /* referred to, not yet defined; index: 1 when by more than a name */
	SPIRV_KIND_DEBUG,   /* defined by an instruction that is stripped */
	SPIRV_KIND_FORWARD, /* announced by OpTypeForwardPointer; index: 1 for a physical pointer */
	SPIRV_KIND_TYPE,
	SPIRV_KIND_VALUE,     /* scalar constant */
	SPIRV_KIND_COMPOSITE, /* composite constant */
	SPIRV_KIND_ROOT,      /* a module-scope variable, or a pointer or handle got from it */
	SPIRV_KIND_FUNCTION,
	SPIRV_KIND_SET, /* extended instruction set; index: enum spirv_set */
};

enum spirv_set {
	SPIRV_SET_PLAIN,
	SPIRV_SET_PRINTF,
	SPIRV_SET_EMPTIED,  /* its instructions are stripped, the import stays */
	SPIRV_SET_STRIPPED, /* its instructions and the import are stripped */
};

struct spirv_id {
	uint32_t at; /* word offset of the defining instruction; 0 = not defined */
	uint32_t index : 28;
	uint32_t kind : 4;
	uint32_t decoration; /* 1 + index of the first; 0 = none */
	uint32_t name;       /* word offset of OpName; 0 = none */
};

/* Only decorations that reflection reads are kept. */
struct spirv_decoration {
	uint32_t next; /* 1 + index; 0 = last */
	uint32_t at;
	uint32_t what;   /* SpvDecoration */
	uint32_t member; /* SPIRV_NONE: of the id itself */
	uint32_t value;  /* first literal, 0 when there is none */
};

enum spirv_type_kind {
	SPIRV_TYPE_OPAQUE,
	SPIRV_TYPE_BOOL,
	SPIRV_TYPE_INT,
	SPIRV_TYPE_FLOAT,
	SPIRV_TYPE_VECTOR,
	SPIRV_TYPE_MATRIX,
	SPIRV_TYPE_ARRAY,
	SPIRV_TYPE_RUNTIME_ARRAY,
	SPIRV_TYPE_STRUCT,
	SPIRV_TYPE_POINTER,
	SPIRV_TYPE_IMAGE,
	SPIRV_TYPE_SAMPLED_IMAGE,
	SPIRV_TYPE_SAMPLER,
	SPIRV_TYPE_ACCELERATION_STRUCTURE,
};

#define SPIRV_TYPE_SIGNED (1u << 0)
#define SPIRV_TYPE_BF16 (1u << 1)
#define SPIRV_TYPE_LOOSE (1u << 2) /* lacks the offsets and strides that make it a block */
#define SPIRV_TYPE_BLOCK (1u << 3)
#define SPIRV_TYPE_BUFFER_BLOCK (1u << 4)
#define SPIRV_TYPE_NON_WRITABLE (1u << 5) /* every member */
#define SPIRV_TYPE_NON_READABLE (1u << 6)
#define SPIRV_TYPE_SPEC_SIZED (1u << 7) /* a specialisation constant decides the size */
#define SPIRV_TYPE_WRAPPED (1u << 8)    /* a product in the size went beyond its type */

struct spirv_type {
	uint32_t at;
	uint16_t kind; /* enum spirv_type_kind */
	uint16_t flags;
	uint32_t element; /* type index of component, column, element or image; of a pointer: the pointee's
	                     *id* */
	uint32_t count;   /* components, columns, elements; 0 = run-time */
	uint32_t leaf;    /* arrays: type index below all array levels; others: itself */
	uint32_t lowest;  /* structs: lowest member offset */
	uint64_t flat;    /* arrays: elements over all levels, 0 = run-time; others: 1 */
	uint64_t size;    /* bytes with the declared layout */
	uint64_t extent;  /* the same without the padding at the very end */
	uint64_t tight;   /* bytes without any padding */
	uint64_t stride;  /* of a run-time array, or of the one that ends the struct */
};

struct spirv_value {
	uint64_t bits;
	uint32_t type;
	uint32_t spec_id; /* SPIRV_NONE: not directly specialisable */
	bool known;       /* `bits` is right */
	bool specialised; /* depends on a specialisation constant */
	bool wrapped;     /* a product on the way went beyond its type */
};

struct spirv_variable {
	uint32_t id;
	uint32_t at;
	uint32_t storage;      /* SpvStorageClass */
	uint32_t type;         /* type index */
	uint32_t leaf;         /* type index, below descriptor arrays */
	uint32_t set, binding; /* SPIRV_NONE: not decorated */
	uint32_t built_in;     /* SPIRV_NONE: none */
	uint32_t allowed;      /* KILN_ACCESS_* that qualifiers leave */
	uint32_t last_use;     /* index into uses, SPIRV_NONE = none */
	uint32_t reached_by;   /* 1 + entry point that reached it last */
	uint32_t reach;        /* index of that record */
	const char *name;      /* in the result's memory, once it is being built */
	bool claimed;          /* some entry point uses it */
	bool escaped;          /* its address is in some variable from the start */
};

struct spirv_use {
	uint32_t variable;
	uint32_t function;
	uint32_t access;
};

/* Uses and calls of one function are runs in the module's tables, up to the next function's. */
struct spirv_function {
	uint32_t first_use;
	uint32_t first_call;
	uint32_t visited_by; /* 1 + entry point */
};

struct spirv_entry {
	uint32_t at;
	uint32_t model;    /* SpvExecutionModel */
	uint32_t function; /* id */
	uint32_t name;     /* word offset */
	uint32_t name_bytes;
	uint32_t interface; /* word offset of the first interface id */
	uint32_t first_reach;
	uint32_t reach_count;
};

struct spirv_mode {
	uint32_t function; /* id */
	uint32_t at;       /* OpExecutionMode LocalSize or OpExecutionModeId LocalSizeId */
};

struct spirv_reach {
	uint32_t variable;
	uint32_t access;
};

struct spirv_member {
	uint32_t offset; /* SPIRV_NONE: not decorated */
	uint32_t matrix_stride;
	bool row_major, non_writable, non_readable;
};

struct spirv_module {
	const uint32_t *words;
	uint32_t count;
	uint32_t bound;
	uint32_t version;

	struct spirv_id *ids;
	SPIRV_VECTOR(struct spirv_decoration) decorations;
	SPIRV_VECTOR(struct spirv_type) types;
	SPIRV_VECTOR(struct spirv_member) members; /* scratch of the struct at hand */
	SPIRV_VECTOR(struct spirv_value) values;
	SPIRV_VECTOR(uint32_t) constants; /* word offsets of those with a SpecId */
	SPIRV_VECTOR(struct spirv_variable) variables;
	SPIRV_VECTOR(struct spirv_function) functions;
	SPIRV_VECTOR(struct spirv_use) uses;
	SPIRV_VECTOR(uint32_t) calls; /* ids of callees */
	SPIRV_VECTOR(struct spirv_entry) entries;
	SPIRV_VECTOR(struct spirv_mode) modes;
	SPIRV_VECTOR(uint32_t) capabilities;
	SPIRV_VECTOR(uint32_t) extensions; /* word offsets */
	SPIRV_VECTOR(uint32_t) stack;      /* scratch of the call-graph walk */
	SPIRV_VECTOR(struct spirv_reach) reached;
	SPIRV_VECTOR(uint32_t) unclaimed;  /* variables no entry point uses */
	uint64_t capability_seen[8];       /* the first 512, and */
	uint64_t capability_seen_high[64]; /* 4096 to 8191 */

	const struct kiln_spec_value *overrides;
	size_t override_count;

	uint32_t section;        /* of the logical layout, last seen */
	uint32_t workgroup_size; /* id decorated BuiltIn WorkgroupSize, 0 = none */
	uint32_t pending;        /* ids referred to and not yet defined */
	uint32_t walked;
	bool in_function;
	bool needed;      /* the result of the instruction at hand was referred to before */
	bool pointer_phi; /* the function at hand chooses among pointers */
	bool unknown_ops; /* some instruction is not in our table */
	bool prints;      /* imports NonSemantic.DebugPrintf */
	bool strings_marked;
	bool has_f16, has_bf16;
	bool spec_sized; /* some size depends on a specialisation constant */

	uint32_t *stripped;
	uint32_t stripped_count;
	uint32_t kept_from;  /* start of the run that is not yet copied */
	uint32_t highest_id; /* among kept instructions */
	bool changed;        /* something was stripped */
};

/* scan.c: walks `count` words, fills the tables, writes the stripped words. The module is zeroed by this
 * call; kiln_spirv_finish() follows whatever it returns. */
enum kiln_status kiln_spirv_scan(struct spirv_module *module, const void *code, size_t bytes,
                                 const struct kiln_spec_value *overrides, size_t override_count);
void kiln_spirv_finish(struct spirv_module *module);

/* strip.c: called after an instruction was handled, and once at the end. */
enum kiln_status kiln_spirv_strip(struct spirv_module *module, uint32_t at, enum spirv_class class,
                                  enum spirv_result result);
void kiln_spirv_strip_end(struct spirv_module *module);

/* module.c: shared small parts. */
bool kiln_spirv_grow(void *items_field, size_t *capacity, size_t item_bytes);
enum kiln_status kiln_spirv_fail(const struct spirv_module *module, enum kiln_status status, uint32_t at,
                                 const char *format, ...) KILN_PRINTF(4, 5);
enum kiln_status kiln_spirv_out_of_memory(const struct spirv_module *module);
/* The instruction at `at` must have at least `words` words. */
enum kiln_status kiln_spirv_need(const struct spirv_module *module, uint32_t at, uint32_t words);
/* `id` must be one the header's bound allows. */
enum kiln_status kiln_spirv_check_id(const struct spirv_module *module, uint32_t at, uint32_t id);
/* Notes a reference that may be ahead of the definition; scan checks at the end that all were met. What a
 * name refers to may be stripped as the name is, what anything else refers to may not. */
enum kiln_status kiln_spirv_refer(struct spirv_module *module, uint32_t at, uint32_t id);
enum kiln_status kiln_spirv_refer_name(struct spirv_module *module, uint32_t at, uint32_t id);
/* The NUL-terminated string that starts at word `from` of the instruction at `at`, and its length. */
enum kiln_status kiln_spirv_string(const struct spirv_module *module, uint32_t at, uint32_t from,
                                   const char **out_text, uint32_t *out_bytes);

static inline uint32_t spirv_words_of(const struct spirv_module *module, uint32_t at)
{
	return module->words[at] >> 16;
}

static inline void spirv_define(struct spirv_module *module, uint32_t id, enum spirv_kind kind, size_t index)
{
	module->ids[id].kind = kind;
	module->ids[id].index = (uint32_t)index & 0xfffffffu;
}

/* order.c: may this instruction stand here? */
enum kiln_status kiln_spirv_check_order(struct spirv_module *module, uint32_t at, enum spirv_class class);

/* preamble.c */
enum kiln_status kiln_spirv_preamble(struct spirv_module *module, uint32_t at);

/* annotate.c */
enum kiln_status kiln_spirv_annotate(struct spirv_module *module, uint32_t at);
const struct spirv_decoration *kiln_spirv_first(const struct spirv_module *module, uint32_t id);
const struct spirv_decoration *kiln_spirv_next(const struct spirv_module *module,
                                               const struct spirv_decoration *decoration);

/* types.c, struct.c */
enum kiln_status kiln_spirv_type(struct spirv_module *module, uint32_t at);
enum kiln_status kiln_spirv_struct(struct spirv_module *module, uint32_t at, struct spirv_type *type);
/* The type an instruction names; it must have been declared before. */
enum kiln_status kiln_spirv_type_index(const struct spirv_module *module, uint32_t at, uint32_t id,
                                       uint32_t *out_index);
uint64_t kiln_spirv_add(uint64_t a, uint64_t b); /* both saturate */
uint64_t kiln_spirv_multiply(uint64_t a, uint64_t b);

/* constants.c, evaluate.c */
enum kiln_status kiln_spirv_constant(struct spirv_module *module, uint32_t at);
/* NULL when `id` is no scalar constant declared before. */
const struct spirv_value *kiln_spirv_value(const struct spirv_module *module, uint32_t id);
/* Type of a specialisation constant (enum kiln_spec_type, 0 = not one) and its size in bytes. */
uint32_t kiln_spirv_spec_type(const struct spirv_type *type, uint32_t *out_bytes);
void kiln_spirv_evaluate(const struct spirv_module *module, uint32_t at, struct spirv_value *value);
/* `bits` cut to the width of `type`; sign-extended from it to 64 bits. */
uint64_t kiln_spirv_mask(const struct spirv_type *type, uint64_t bits);
int64_t kiln_spirv_extend(const struct spirv_type *type, uint64_t bits);

/* variables.c */
enum kiln_status kiln_spirv_variable(struct spirv_module *module, uint32_t at);

/* functions.c */
enum kiln_status kiln_spirv_function(struct spirv_module *module, uint32_t at);
enum kiln_status kiln_spirv_body(struct spirv_module *module, uint32_t at, enum spirv_class class);

/* reach.c: which variables each entry point reaches; fills `reached` and `unclaimed`. */
enum kiln_status kiln_spirv_walk(struct spirv_module *module);

/* workgroup.c; sort once before. */
void kiln_spirv_sort_modes(struct spirv_module *module);
enum kiln_status kiln_spirv_workgroup(const struct spirv_module *module, const struct spirv_entry *entry,
                                      struct kiln_workgroup_dim out_dims[3]);
/* First mode of the function that sets a size, NULL when it has none. */
const struct spirv_mode *kiln_spirv_mode(const struct spirv_module *module, uint32_t function);

/* bindings.c: the descriptor behind a variable. */
enum kiln_status kiln_spirv_binding(const struct spirv_module *module, const struct spirv_variable *variable,
                                    uint32_t access, struct kiln_binding *out_binding);
/* Is it a block with a complete layout? Fails with a sentence otherwise. */
enum kiln_status kiln_spirv_check_block(const struct spirv_module *module,
                                        const struct spirv_variable *variable);
/* Sorts by (set, binding) and merges variables that alias one descriptor. */
enum kiln_status kiln_spirv_merge(const struct spirv_module *module, const struct spirv_entry *entry,
                                  struct kiln_binding *bindings, size_t count, size_t *out_count);

/* shared.c: workgroup memory of an entry point, saturating; false when the size of some array wrapped around. */
bool kiln_spirv_shared(const struct spirv_module *module, const struct spirv_entry *entry,
                       uint64_t *out_bytes);

/* The compute entry point that kiln_reflection_entry() finds by this name; fails with a sentence. */
enum kiln_status kiln_spirv_find_entry(const struct spirv_module *module, const char *name,
                                       const struct spirv_entry **out_entry);
bool kiln_spirv_has_capability(const struct spirv_module *module, uint32_t capability);
/* Some capability for operations among the invocations of a subgroup. */
bool kiln_spirv_has_subgroups(const struct spirv_module *module);

/* entry.c: everything of one entry point but its name. `bindings` has room for all it can reach. */
enum kiln_status kiln_spirv_entry(const struct spirv_module *module, const struct spirv_entry *entry,
                                  struct kiln_binding *bindings, struct kiln_entry_point *out_entry);

/* reflect.c: the arguments every call takes; and do the values the module was scanned with fit it? */
enum kiln_status kiln_spirv_check_code(const char *function, const void *code, const void *out);
enum kiln_status kiln_spirv_check_values(const struct spirv_module *module);

/* build.c */
enum kiln_status kiln_spirv_build(struct spirv_module *module, struct kiln_reflection **out_reflection);

#endif
