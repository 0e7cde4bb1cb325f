/* What a resolve did, for people and as JSON; shared by run and compile. */
#ifndef TOOLS_BUILD_REPORT_H
#define TOOLS_BUILD_REPORT_H

#include <cjson/cJSON.h>
#include <kiln/kiln.h>

/* "yes", "no", "unknown". */
const char *kiln_hit_name(enum kiln_hit hit);
void kiln_build_json(cJSON *object, const struct kiln_build *build);
/* The manifest as an object under "manifest"; null when there is none. */
void kiln_manifest_json(cJSON *object, struct kiln_kernel *kernel);

#endif
