#include <base/alloc.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static struct {
	int (*allow)(void *user);
	void *user;
} hook;

static int allowed(void)
{
	return hook.allow == NULL || hook.allow(hook.user);
}

void kiln_alloc_hook(int (*allow)(void *user), void *user)
{
	hook.allow = allow;
	hook.user = user;
}

void *kiln_alloc(size_t bytes)
{
	/* malloc(0) may be NULL, which callers would take for a failure. */
	return allowed() ? malloc(bytes != 0 ? bytes : 1) : NULL;
}

void *kiln_alloc_zero(size_t count, size_t bytes)
{
	if (count == 0 || bytes == 0)
		count = bytes = 1;
	/* calloc() checks too, but the sanitizers' one ends the process instead of failing. */
	if (count > SIZE_MAX / bytes)
		return NULL;
	return allowed() ? calloc(count, bytes) : NULL;
}

void *kiln_realloc(void *memory, size_t bytes)
{
	return allowed() ? realloc(memory, bytes != 0 ? bytes : 1) : NULL;
}

void *kiln_memdup(const void *data, size_t bytes)
{
	void *copy = kiln_alloc(bytes);

	if (copy != NULL && bytes != 0)
		memcpy(copy, data, bytes);
	return copy;
}

char *kiln_strdup(const char *text)
{
	return kiln_memdup(text, strlen(text) + 1);
}

void kiln_free(void *memory)
{
	free(memory);
}
