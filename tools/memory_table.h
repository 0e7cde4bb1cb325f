/* What `kiln info` says of a device's memory. */
#ifndef TOOLS_MEMORY_TABLE_H
#define TOOLS_MEMORY_TABLE_H

#include <cjson/cJSON.h>
#include <kiln/kiln.h>

/* Lines like those around them in `kiln info`; nothing for a device without memory. */
void kiln_memory_print(struct kiln_device *device);
void kiln_memory_json(cJSON *object, struct kiln_device *device);

#endif
