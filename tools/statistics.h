/* What the driver's compiler tells about kernels: kiln compile --statistics. */
#ifndef TOOLS_STATISTICS_H
#define TOOLS_STATISTICS_H

#include <kiln/kiln.h>

#include "text_table.h"
#include "tool.h"

/* The table's titles, ending with NULL. */
extern const char *const kiln_statistics_titles[];

/* Adds the kernel's rows to the table, and to `object`, which may be NULL. */
enum kiln_exit kiln_statistics_note(struct kiln_tool *tool, struct kiln_kernel *kernel, const char *file,
                                    const char *entry, struct kiln_text_table *table, cJSON *object);

#endif
