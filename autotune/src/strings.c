#include "strings.h"

#include <string.h>

#include <base/alloc.h>

uint64_t kiln_strings_hash(const char *text, size_t bytes)
{
	uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */

	for (size_t i = 0; i < bytes; i++)
		hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
	return hash ^ hash >> 32;
}

void kiln_strings_finish(struct kiln_strings *strings)
{
	for (size_t i = 0; i < strings->capacity; i++)
		kiln_free(strings->slots[i]);
	kiln_free(strings->slots);
	*strings = (struct kiln_strings){0};
}

/* The slot that holds the text, or the free one where it belongs. */
static char **find_slot(char **slots, size_t capacity, const char *text, size_t bytes)
{
	size_t i = kiln_strings_hash(text, bytes) & (capacity - 1);

	while (slots[i] != NULL && (strncmp(slots[i], text, bytes) != 0 || slots[i][bytes] != '\0'))
		i = (i + 1) & (capacity - 1);
	return &slots[i];
}

static int grow(struct kiln_strings *strings)
{
	size_t capacity = strings->capacity != 0 ? strings->capacity * 2 : 16;
	char **slots = kiln_alloc_zero(capacity, sizeof(*slots));

	if (slots == NULL)
		return -1;
	for (size_t i = 0; i < strings->capacity; i++) {
		char *text = strings->slots[i];

		if (text != NULL)
			*find_slot(slots, capacity, text, strlen(text)) = text;
	}
	kiln_free(strings->slots);
	strings->slots = slots;
	strings->capacity = capacity;
	return 0;
}

const char *kiln_strings_keep(struct kiln_strings *strings, const char *text, size_t bytes)
{
	char **slot;

	if (strings->count * 2 >= strings->capacity && grow(strings) != 0)
		return NULL;
	slot = find_slot(strings->slots, strings->capacity, text, bytes);
	if (*slot != NULL)
		return *slot;
	*slot = kiln_alloc(bytes + 1);
	if (*slot == NULL)
		return NULL;
	memcpy(*slot, text, bytes);
	(*slot)[bytes] = '\0';
	strings->count++;
	return *slot;
}
