/* Programs: reflected modules, shared by the kernels made from the same bytes. The same bytes are recognised by a quick
 * hash and compared whole, before anything is parsed. */
#ifndef RUNTIME_PROGRAM_H
#define RUNTIME_PROGRAM_H

#include <stdint.h>

#include <base/table.h>
#include <base/thread.h>
#include <kiln/reflect.h>

#include "vulkan_api.h"

struct kiln_program {
	struct kiln_digest quick; /* of the raw bytes; only a table key, compared bytes decide */
	const void *bytes;        /* as the caller gave them; NULL = lent for a call that is over */
	bool lent;                /* the bytes are the caller's, and the program one kernel's alone */
	size_t byte_count;
	struct kiln_reflection *reflection;
	struct kiln_digest *layouts; /* layout digest of each entry point */
	VkShaderModule
		module; /* kept for kernels that share the program, see below; guarded by the table's lock */
	unsigned references; /* guarded by the table's lock */
	uint64_t last_use;
};

/* Unused programs are kept, up to these bounds, for the next kernel made from the same bytes. */
#define KILN_PROGRAMS_MAX 256
#define KILN_PROGRAM_BYTES_MAX (64u << 20)

struct kiln_programs {
	struct kiln_mutex lock;
	bool lock_ready;
	struct kiln_table table;
	size_t bytes;
	uint64_t clock;
	void (*drop_module)(void *user, VkShaderModule module); /* gives it back to the driver */
	void *user;
};

enum kiln_status kiln_programs_init(struct kiln_programs *programs);
void kiln_programs_finish(struct kiln_programs *programs);

/* Finds or reflects; the caller holds one reference. `lend`: bytes that are not known are not copied, and the caller ends that
 * with kiln_program_end_loan() before it gives them back. */
enum kiln_status kiln_programs_acquire(struct kiln_programs *programs, const void *bytes, size_t byte_count,
                                       bool lend, struct kiln_program **out_program);
/* Does nothing for a program with a copy of its own. NULL is fine. */
void kiln_program_end_loan(struct kiln_program *program);
void kiln_programs_release(struct kiln_programs *programs, struct kiln_program *program);

/* Drivers digest a module's whole text when it is made, which is a third of what a small kernel takes from disk to ready. So
 * the variants of one program share it, as long as there are several; for a lone kernel it would only be memory.
 * The program's kept module, valid for as long as the caller holds a reference; VK_NULL_HANDLE = none. */
VkShaderModule kiln_programs_module(struct kiln_programs *programs, const struct kiln_program *program);
/* Returns: whether the module was taken over, as it is of use to others. */
bool kiln_programs_keep_module(struct kiln_programs *programs, const struct kiln_program *program,
                               VkShaderModule module);

/* Gives every module back: the device they were made for is gone. */
void kiln_programs_drop_modules(struct kiln_programs *programs);

/* The entry point of a program with its sizes computed for these constants. Where no size depends on constants this is the
 * program's own and nothing is owned. */
struct kiln_interface {
	const struct kiln_entry_point *entry; /* NULL when there is none of that name */
	struct kiln_digest layout;
	struct kiln_reflection *owned;
};

enum kiln_status kiln_interface_init(struct kiln_interface *out_interface, const struct kiln_program *program,
                                     const char *entry, const struct kiln_spec_value *spec,
                                     size_t spec_count);
void kiln_interface_finish(struct kiln_interface *interface);

#endif
