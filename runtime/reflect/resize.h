/* Changing a literal workgroup size: may it be done? */
#ifndef REFLECT_RESIZE_H
#define REFLECT_RESIZE_H

#include "module.h"

/* After kiln_spirv_walk() and kiln_spirv_sort_modes(). */
enum kiln_status kiln_spirv_check_resize(const struct spirv_module *module, const struct spirv_entry *entry);

#endif
