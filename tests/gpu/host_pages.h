/* What the tests of buffers in the caller's pages share. */
#ifndef TESTS_GPU_HOST_PAGES_H
#define TESTS_GPU_HOST_PAGES_H

#include "harness.h"

#include <string.h>
#include <sys/mman.h>

#include "buffer.h"
#include "device.h"

#define WORDS 16384u
#define BYTES (WORDS * 4u)

static bool incoherent; /* pretend that memory must be flushed */

static inline void pages_pretend(void)
{
	gpu_device->memory.pretend = incoherent ? KILN_PRETEND_NOT_COHERENT : 0;
}

/* SwiftShader imports well and says that it does not: Kiln believes it, and the tests look all the same. */
static inline bool pages_can_be_imported(void)
{
	uint64_t *alignment = &gpu_device->memory.limits.import_alignment;

	if (!*alignment && gpu_device->has_host_import && strstr(gpu_info()->name, "SwiftShader"))
		*alignment = 4096;
	return *alignment != 0;
}

#define NEEDS_IMPORT()                                                                        \
	do {                                                                                  \
		GPU_NEEDS_LAUNCH();                                                           \
		if (!pages_can_be_imported())                                                 \
			gpu_skip(__func__, "this driver imports no host memory for buffers"); \
		pages_pretend();                                                              \
	} while (0)

static inline void *new_pages(uint64_t bytes)
{
	void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(pages != MAP_FAILED);
	return pages;
}

static inline void drop_pages(const void *pages, uint64_t bytes)
{
	assert_int_equal(munmap((void *)(uintptr_t)pages, bytes), 0);
}

static inline uint64_t imported_now(void)
{
	struct kiln_memory_report report;

	gpu_ok(kiln_device_memory(gpu_device, &report));
	return report.imported;
}

#endif
