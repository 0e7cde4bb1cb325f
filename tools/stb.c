#include <stdlib.h>

_Thread_local size_t kiln_stb_allocation_max;

static void *bounded_realloc(void *memory, size_t bytes)
{
	return bytes <= kiln_stb_allocation_max ? realloc(memory, bytes) : NULL;
}

#define STBI_MALLOC(bytes) bounded_realloc(NULL, bytes)
#define STBI_REALLOC(memory, bytes) bounded_realloc(memory, bytes)
#define STBI_FREE(memory) free(memory)
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include "stb.h"
