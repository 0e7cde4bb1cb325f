/* When a device is lost: what is known of it, and how to go on with the same device.
 *
 * A device is lost when the driver gives it up: a kernel that never ends, an access out of bounds, a reset, a fault. From
 * then on every call returns KILN_ERR_DEVICE_LOST at once, and the message says which kernel and launch were under way. */
#ifndef KILN_LOSS_H
#define KILN_LOSS_H

#include <stdbool.h>
#include <stdint.h>

#include <kiln/device.h>

KILN_BEGIN_DECLS

enum kiln_fault_access {
	KILN_FAULT_UNKNOWN = 0,
	KILN_FAULT_READ,        /* of an address that is not valid */
	KILN_FAULT_WRITE,
	KILN_FAULT_EXECUTE,
	KILN_FAULT_INSTRUCTION, /* where the program was: it did what is not valid, or came from there */
};

/** An address the driver names; it is exact to a multiple of `precision` bytes. */
struct kiln_fault_address {
	enum kiln_fault_access access;
	uint64_t address;
	uint64_t precision; /* a power of two; 0 = not told */
};

/** What only the vendor's tools understand. */
struct kiln_fault_vendor {
	char description[128];
	uint64_t code, data;
};

#define KILN_FAULTS_MAX 8

/** Plain data about the last loss of a device. Text of the driver's is printable ASCII. */
struct kiln_device_loss {
	bool lost;        /* now; false: it was reopened since */
	uint32_t reopens; /* so far */
	char call[64];    /* the Vulkan call that found it; "" = Kiln gave the device up without one */

	char kernel[64];       /* the first that was under way; "" = not known, or there was none */
	char last_kernel[64];  /* the last of the same submission */
	char stream[32];       /* its name */
	uint64_t stream_id;    /* kiln_ticket.stream; 0 = not known, and so is what follows */
	uint64_t ticket;       /* kiln_ticket.value: the oldest submission that was not done */
	uint64_t first_launch; /* launches of the stream in it, from 1; 0 = it had none */
	uint64_t last_launch;
	bool submitted;        /* it had reached the device; false: it was lost before */

	bool has_fault; /* VK_EXT_device_fault answered; what follows is its */
	char description[256];
	struct kiln_fault_address addresses[KILN_FAULTS_MAX];
	struct kiln_fault_vendor vendors[KILN_FAULTS_MAX];
	uint32_t address_count, vendor_count; /* in the arrays */
	uint32_t address_total, vendor_total; /* that the driver had */
};

/** Returns: KILN_ERR_NOT_FOUND when the device was never lost, KILN_ERR_INVALID_ARGUMENT.
 *  Threads: any.  Blocks: no. */
KILN_API enum kiln_status kiln_device_loss(struct kiln_device *device, struct kiln_device_loss *out_loss);

/** What kiln_device_reopen() brought back. */
struct kiln_reopening {
	uint64_t restored_buffers, restored_bytes; /* .shadowed ones, from their shadows */
	uint64_t empty_buffers; /* others, and images: to be written before anything may read them */
	uint64_t pipelines;     /* dropped; each comes back from the disk cache when its kernel is launched or resolved next */
};

/** Makes a lost device work again, in place: the same handle, the same adapter, the same settings. Its Vulkan device is
 *  replaced by a new one. What was made from it:
 *    kernels    work as before. Their pipelines come from the disk cache at the next resolve or launch;
 *    buffers    keep their handles. Those created with .shadowed hold what the host last wrote to them; the others are empty:
 *               reading them, or passing them to a kernel, is KILN_ERR_CONTENTS_LOST until every byte was written, filled
 *               or copied to. Addresses that kiln_buffer_map() gave are no longer valid;
 *    images     keep their handles and are empty, until all texels are written with one call;
 *    streams    work as before, and are empty: what was enqueued and not done is gone, downloads and callbacks with it;
 *    tickets    given before are KILN_ERR_DEVICE_LOST, done or not, as long as their stream exists; kiln_ticket_is_done() is
 *               false;
 *    graphs     are not brought back: launching one is KILN_ERR_DEVICE_LOST. Record it again;
 *    timers     work as before; a reading of before is KILN_ERR_DEVICE_LOST.
 *  A device that is not lost is left alone, and that is KILN_OK. A tuning that was under way ends.
 *  Returns: KILN_ERR_DEVICE_LOST, KILN_ERR_DRIVER, KILN_ERR_OUT_OF_MEMORY, KILN_ERR_OUT_OF_DEVICE_MEMORY ...: it stays lost,
 *  and this may be called again. KILN_ERR_UNSUPPORTED, and KILN_ERR_NO_DEVICE where another adapter or driver is there now:
 *  close it and open another. That is so for a device that hangs for good (a trial launch of the tuner that never ended),
 *  and for one whose Vulkan handles the program has (vulkan.h).
 *  `out_reopening` may be NULL, and is written on success.
 *  Threads: any one; of calls at the same time the second finds the device reopened. Calls of other threads that began before
 *  the device was lost must have returned, and nothing may be destroyed meanwhile; what they call meanwhile returns
 *  KILN_ERR_DEVICE_LOST as before.
 *  Blocks: until the lost device lets go, tens of ms for the new one, and while shadows are copied. */
KILN_API enum kiln_status kiln_device_reopen(struct kiln_device *device, struct kiln_reopening *out_reopening);

KILN_END_DECLS

#endif
