/* A reflected module as text and as JSON; shared by reflect and run. */
#ifndef TOOLS_DESCRIBE_H
#define TOOLS_DESCRIBE_H

#include <cjson/cJSON.h>
#include <kiln/kiln.h>

/* "read", "write", "read write", "unused". */
const char *kiln_access_name(uint32_t access);
/* A constant's default, in its own type. */
#define KILN_CONSTANT_BYTES 40
const char *kiln_constant_print(const struct kiln_spec_constant *constant,
                                char out_text[KILN_CONSTANT_BYTES]);

void kiln_describe_print(const struct kiln_reflection *reflection, const char *only_entry);
void kiln_describe_json(cJSON *object, const struct kiln_reflection *reflection, const char *only_entry);

#endif
