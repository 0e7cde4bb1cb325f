/* How much memory a device has and how much of it is left, and buffers made of the caller's own pages. Sizes are bytes. */
#ifndef KILN_MEMORY_H
#define KILN_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include <kiln/buffer.h>

KILN_BEGIN_DECLS

#define KILN_HEAPS_MAX 16

struct kiln_heap_memory {
	uint64_t size;
	uint64_t budget;    /* what this process may hold of it before allocations fail or get slow; what it holds is included */
	uint64_t usage;     /* what this process holds of it, other libraries' memory included where the driver tells */
	uint64_t allocated; /* what Kiln took of it for this device */
	uint64_t used;      /* the part of `allocated` that lies in buffers; the rest waits for the next ones */
	bool device_local;
};

struct kiln_memory_report {
	struct kiln_heap_memory heaps[KILN_HEAPS_MAX];
	uint32_t heap_count;          /* 0 = the device can only compile */
	struct kiln_heap_memory total; /* the sum; its device_local is that of all heaps */
	bool estimated;               /* budget and usage are Kiln's guess: the driver lacks VK_EXT_memory_budget. Usage is then
	                               * Kiln's own for this device; the budget is `usage` and what the system has available for a
	                               * heap in the host's memory, four fifths of any other */
	uint64_t imported;            /* bytes of kiln_buffer_from_host(); they are in no heap's `allocated` */
	uint32_t allocations;         /* of the driver's, imports included */
	uint32_t max_allocations;     /* maxMemoryAllocationCount */
};

/** What there is now. Other processes change it at any time: it is advice, not a reservation.
 *  Returns: KILN_ERR_INVALID_ARGUMENT, KILN_ERR_DEVICE_LOST.  Threads: any.  Blocks: no; asks the driver, or reads
 *  /proc/meminfo. */
KILN_API enum kiln_status kiln_device_memory(struct kiln_device *device, struct kiln_memory_report *out_report);

/** What the address and size of imported pages must be multiples of; 0 = this device cannot import any.  Threads: any. */
KILN_API uint64_t kiln_device_import_alignment(const struct kiln_device *device);

struct kiln_host_params {
	void *pages;       /* a multiple of kiln_device_import_alignment() */
	uint64_t bytes;    /* a multiple of it too, at least 1 */
	bool copy_instead; /* what cannot be worked on in place is copied into a buffer of its own, of any address and size,
	                    * instead of an error: kiln_buffer_is_in_place() tells */
	/* Kernels may only read it, and so may everything here; needed for pages that the process itself may not write. */
	bool read_only;
	const char *name;  /* for messages; copied; NULL = "buffer" */

	/* Called once when the pages are the caller's again: by the thread that finds it so, inside of some call of Kiln, which
	 * it must not call itself. NULL = kiln_buffer_destroy() waits for the device. */
	void (*released)(void *user);
	void *released_user;
};

/** Makes a buffer of memory that is there already: kernels and copies work in the caller's pages, nothing is copied. The
 *  contents are kept. The pages may be of any kind that the driver takes: mmap(), aligned_alloc(), a file that is mapped;
 *  not every driver takes all of them.
 *
 *  It is ordered with other work as any buffer is; two buffers of the same pages know nothing of each other. While work that
 *  uses the buffer is enqueued and not waited for, the pages belong to the device. The host looks at them between
 *  kiln_buffer_map(), which waits and gives their own address, and kiln_buffer_unmap(). kiln_buffer_read() into the pages
 *  themselves waits and copies nothing, and so does kiln_buffer_write() from them: a program written so works the same on a
 *  copy.
 *
 *  Returns: KILN_ERR_INVALID_ARGUMENT (also for pages that are not aligned), KILN_ERR_UNSUPPORTED (no
 *  VK_EXT_external_memory_host, or the driver refuses these pages), KILN_ERR_TOO_LARGE, KILN_ERR_OUT_OF_DEVICE_MEMORY,
 *  KILN_ERR_OUT_OF_MEMORY, KILN_ERR_COMPILE_ONLY, KILN_ERR_DEVICE_LOST. With .copy_instead only what a copy cannot mend.
 *  Ownership: the pages stay the caller's, who leaves them mapped until .released is called. Without it: until
 *  kiln_buffer_destroy() has returned, which waits for the device then, without being a wait that runs callbacks or tells of
 *  refused launches; where a graph holds the buffer, the device is lost, or the driver finds no memory for seconds to take the
 *  work that uses it (an error in the log says so), until the device is closed. A copy leaves the pages alone from the start,
 *  and .released is called before this returns.
 *  Threads: any.  Blocks: no; a copy: while it is made. */
KILN_API enum kiln_status kiln_buffer_from_host(struct kiln_device *device, const struct kiln_host_params *params,
                                                struct kiln_buffer **out_buffer);

/** Whether the buffer works in the caller's pages.  Threads: any. */
KILN_API bool kiln_buffer_is_in_place(const struct kiln_buffer *buffer);

KILN_END_DECLS

#endif
