#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RFC 3629: no overlong forms, no surrogates. */
size_t kiln_utf8_length(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t length = *at < 0x80                  ? 1
	                : *at >= 0xc2 && *at < 0xe0 ? 2
	                : (*at & 0xf0) == 0xe0      ? 3
	                : *at >= 0xf0 && *at < 0xf5 ? 4
	                                            : 0;

	for (size_t i = 1; i < length; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] >= 0xa0) ||
	    (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] >= 0x90))
		return 0;
	return length;
}

cJSON *kiln_json_string(const char *text)
{
	char *clean, *to;
	cJSON *string;

	if (!text)
		return cJSON_CreateNull();
	to = clean = malloc(3 * strlen(text) + 1);
	if (!clean)
		return NULL;
	while (*text) {
		size_t length = kiln_utf8_length(text);

		memcpy(to, length ? text : "\xef\xbf\xbd",
		       length ? length : 3); /* U+FFFD for what is no UTF-8 */
		to += length ? length : 3;
		text += length ? length : 1;
	}
	*to = '\0';
	string = cJSON_CreateString(clean);
	free(clean);
	return string;
}

void kiln_json_text(cJSON *object, const char *name, const char *text)
{
	cJSON_AddItemToObject(object, name, kiln_json_string(text));
}

void kiln_json_bool(cJSON *object, const char *name, bool value)
{
	cJSON_AddBoolToObject(object, name, value);
}

static cJSON *number(uint64_t magnitude, bool negative)
{
	char text[24];

	snprintf(text, sizeof text, "%s%" PRIu64, negative ? "-" : "", magnitude);
	return cJSON_CreateRaw(text);
}

void kiln_json_u64(cJSON *object, const char *name, uint64_t value)
{
	cJSON_AddItemToObject(object, name, number(value, false));
}

void kiln_json_i64(cJSON *object, const char *name, int64_t value)
{
	cJSON_AddItemToObject(object, name,
	                      number(value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0));
}

void kiln_json_u32s(cJSON *object, const char *name, const uint32_t *values, size_t count)
{
	cJSON *array = cJSON_AddArrayToObject(object, name);

	for (size_t i = 0; i < count; i++)
		cJSON_AddItemToArray(array, number(values[i], false));
}

void kiln_json_u64s(cJSON *object, const char *name, const uint64_t *values, size_t count)
{
	cJSON *array = cJSON_AddArrayToObject(object, name);

	for (size_t i = 0; i < count; i++)
		cJSON_AddItemToArray(array, number(values[i], false));
}

void kiln_json_digest(cJSON *object, const char *name, const struct kiln_digest *digest)
{
	char hex[KILN_DIGEST_HEX];

	kiln_hex_encode(digest, hex);
	cJSON_AddStringToObject(object, name, hex);
}

cJSON *kiln_json_array(cJSON *object, const char *name)
{
	return cJSON_AddArrayToObject(object, name);
}

cJSON *kiln_json_object(cJSON *object, const char *name)
{
	return cJSON_AddObjectToObject(object, name);
}

cJSON *kiln_json_append(cJSON *array)
{
	cJSON *object = cJSON_CreateObject();

	cJSON_AddItemToArray(array, object);
	return object;
}
