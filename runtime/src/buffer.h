/* A buffer from the inside. */
#ifndef RUNTIME_BUFFER_H
#define RUNTIME_BUFFER_H

#include <stdatomic.h>
#include <stdbool.h>

#include <kiln/buffer.h>

#include "buffer_contents.h"
#include "memory.h"
#include "retire.h"
#include "stream_order.h"

struct kiln_buffer {
	atomic_uint references;        /* the caller's handle, and one for each graph */
	uint64_t id;                   /* never reused */
	struct kiln_device *device;    /* referenced by buffers of the caller, not by Kiln's own */
	VkBuffer handle;               /* of `bytes` rounded up to 4, so that a fill reaches the last byte */
	struct kiln_allocation memory; /* memory.data is the host address, NULL when not host-visible */
	uint64_t bytes;                /* as asked for */
	enum kiln_memory kind;
	bool read_only;
	VkBufferUsageFlags imported;  /* the program's VkBuffer, of this usage; 0 = Kiln's own */
	void *pages;                  /* the caller's, imported; NULL = Kiln's memory */
	void (*released)(void *user); /* called when it is freed; may be NULL */
	void *released_user;
	atomic_bool mapped;          /* by kiln_buffer_map() */
	struct kiln_buffer_use use;  /* the streams' */
	struct kiln_retired retired; /* the streams' */
	struct kiln_image *image;    /* whose memory and uses these are, image.h; NULL = a buffer */
	struct kiln_buffer_contents contents;
	char name[48];
};

/* A buffer without defined contents and without a device reference: what staging uses. The size was
 * checked. */
enum kiln_status kiln_buffer_new(struct kiln_device *device, uint64_t bytes, enum kiln_memory kind,
                                 const char *name, struct kiln_buffer **out_buffer);

/* A buffer of the caller's aligned pages, without a device reference too. */
enum kiln_status kiln_buffer_new_of(struct kiln_device *device, void *pages, uint64_t bytes, const char *name,
                                    struct kiln_buffer **out_buffer);

/* KILN_ERR_TOO_LARGE, naming the limit. */
enum kiln_status kiln_buffer_check_bytes(const struct kiln_device *device, uint64_t bytes, const char *name);

/* What every buffer may be used for. */
VkBufferUsageFlags kiln_buffer_usage(const struct kiln_device *device);

/* Gives a buffer without them a VkBuffer and memory, and sets all bytes: to zeroes where `contents` is NULL. For buffers whose
 * device was reopened. */
enum kiln_status kiln_buffer_attach(struct kiln_buffer *buffer);
enum kiln_status kiln_buffer_set(struct kiln_buffer *buffer, const void *contents);

/* The buffer exists, the range lies in it, and its device is not lost; `call` is for the message. */
enum kiln_status kiln_buffer_check_range(const struct kiln_buffer *buffer, const char *call, uint64_t offset,
                                         uint64_t bytes);
/* KILN_ERR_BUFFER_ACCESS for pages of the caller's that nobody may write through Kiln. */
enum kiln_status kiln_buffer_check_writable(const struct kiln_buffer *buffer, const char *call);

/* Host copies into and out of memory the host sees; nothing in flight touches the range. */
enum kiln_status kiln_buffer_put(struct kiln_buffer *buffer, uint64_t offset, const void *data,
                                 uint64_t bytes);
enum kiln_status kiln_buffer_get(struct kiln_buffer *buffer, uint64_t offset, void *out_data, uint64_t bytes);
/* Whether kiln_buffer_get() is the fastest way to so many bytes. */
bool kiln_buffer_is_read_directly(const struct kiln_buffer *buffer, uint64_t bytes);

void kiln_buffer_reference(struct kiln_buffer *buffer);
/* Drops a reference of a graph's, or the caller's; the last retires the buffer, and drops its device. */
void kiln_buffer_unreference(struct kiln_buffer *buffer);

/* Frees once no submission uses it any more. Neither touches the device's reference count, so that the
 * stream may free under its lock: kiln_buffer_destroy() drops the reference after it has retired the
 * buffer. */
void kiln_buffer_retire(struct kiln_buffer *buffer);
/* Frees at once: no submission uses it any more. */
void kiln_buffer_free(struct kiln_buffer *buffer);

#endif
