/* Adding to a JSON object. Every string is made valid UTF-8 first: names come from files. NULL objects are
 * fine, so that out of memory is noticed once, when the answer is printed. */
#ifndef TOOLS_JSON_H
#define TOOLS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <kiln/digest.h>

/* Bytes of the well-formed UTF-8 sequence `text` begins with; 0 when it is none. */
size_t kiln_utf8_length(const char *text);

cJSON *kiln_json_string(const char *text);                              /* NULL text = null */
void kiln_json_text(cJSON *object, const char *name, const char *text); /* NULL text = null */
void kiln_json_bool(cJSON *object, const char *name, bool value);
void kiln_json_u64(cJSON *object, const char *name, uint64_t value); /* exact, unlike a double */
void kiln_json_i64(cJSON *object, const char *name, int64_t value);
void kiln_json_u32s(cJSON *object, const char *name, const uint32_t *values, size_t count);
void kiln_json_u64s(cJSON *object, const char *name, const uint64_t *values, size_t count);
void kiln_json_digest(cJSON *object, const char *name, const struct kiln_digest *digest);
cJSON *kiln_json_array(cJSON *object, const char *name);
cJSON *kiln_json_object(cJSON *object, const char *name);
cJSON *kiln_json_append(cJSON *array); /* a new object at the end of an array */

#endif
