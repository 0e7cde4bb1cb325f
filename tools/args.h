/* Option values that need the kernel's interface to be understood. */
#ifndef TOOLS_ARGS_H
#define TOOLS_ARGS_H

#include <stddef.h>

#include "dtype.h"
#include "tool.h"

#define KILN_ARGS_SPEC_MAX 256

/* Adds to a list of option values; false after reporting that it is full. */
bool kiln_args_append(struct kiln_tool *tool, const char **list, size_t *count, size_t capacity,
                      const char *option, const char *value);

/* "X[,Y[,Z]]"; false after reporting that it is not. */
bool kiln_args_triple(struct kiln_tool *tool, const char *option, const char *value, uint32_t out_triple[3]);

/* The entry point `name` (NULL = "main" or the only one). Reports when there is none. */
enum kiln_exit kiln_args_entry(struct kiln_tool *tool, const struct kiln_reflection *reflection,
                               const char *name, const struct kiln_entry_point **out_entry);

/* The element type of an enum kiln_spec_type; booleans are u32. */
enum kiln_dtype kiln_dtype_of_spec(uint32_t spec_type);

/* "ID=VALUE", "ID=TYPE:VALUE", "NAME=VALUE", "NAME=TYPE:VALUE", against the module's constants. */
enum kiln_exit kiln_args_spec(struct kiln_tool *tool, const struct kiln_reflection *reflection,
                              const char *text, struct kiln_spec_value *out_value);

/* --push: a typed list, or @FILE. The caller finishes the array. */
struct kiln_array;
enum kiln_exit kiln_args_push(struct kiln_tool *tool, const char *text, struct kiln_array *out_array);

#endif
