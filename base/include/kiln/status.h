/* Status codes: what every Kiln call returns, and the sentence behind the last failure. */
#ifndef KILN_STATUS_H
#define KILN_STATUS_H

#include <kiln/export.h>

KILN_BEGIN_DECLS

/* 0 is success, errors are negative, values never change meaning.
 * "Retry" says whether the same call can succeed later without the caller changing anything. */
enum kiln_status {
	KILN_OK = 0,

	/* The caller. Retry: no. */
	KILN_ERR_INVALID_ARGUMENT = -1,  /* an argument that no call of this kind could accept */
	KILN_ERR_UNSUPPORTED = -2,       /* sound request, but this build or device cannot do it */
	KILN_ERR_CANCELLED = -3,         /* the caller's own callback asked to stop */

	/* The host. Retry: yes, once the condition has passed. */
	KILN_ERR_OUT_OF_MEMORY = -10,    /* host allocation failed */
	KILN_ERR_TIMEOUT = -11,          /* a bounded wait ended first */
	KILN_ERR_THREAD = -12,           /* the system refused a thread or lock */

	/* Files. */
	KILN_ERR_NOT_FOUND = -20,        /* no such entry, record or file. Retry: no */
	KILN_ERR_DAMAGED = -21,          /* content failed its check; removed where it may be. Retry: no, rebuild */
	KILN_ERR_IO = -22,               /* EIO, EMFILE and their kind. Retry: yes */
	KILN_ERR_PERMISSION = -23,       /* EACCES, or an owner Kiln does not trust. Retry: no */
	KILN_ERR_NO_SPACE = -24,         /* ENOSPC, EDQUOT. Retry: yes, once there is room */
	KILN_ERR_READ_ONLY = -25,        /* read-only file system or read-only mode. Retry: no */
	KILN_ERR_NOT_A_DIRECTORY = -26,  /* a file stands where a folder should. Retry: no */
	KILN_ERR_TOO_LARGE = -27,        /* over a size bound that protects this process. Retry: no */

	/* The autotune store. Retry: no; the file is left as it is. */
	KILN_ERR_TOML_SYNTAX = -30,      /* not TOML; the message has line and column */
	KILN_ERR_TOML_TYPE = -31,        /* a known key holds another type or is missing */
	KILN_ERR_TOML_SCHEMA = -32,      /* written by a newer Kiln */
	KILN_ERR_TOML_HOSTILE = -33,     /* size, line length or nesting beyond the guards */

	/* SPIR-V. Retry: no. Every message names the word offset. */
	KILN_ERR_SPIRV_MAGIC = -40,      /* the first word is not SPIR-V's */
	KILN_ERR_SPIRV_BYTE_SWAPPED = -41, /* SPIR-V of the other endianness */
	KILN_ERR_SPIRV_TRUNCATED = -42,  /* ends inside the header or an instruction */
	KILN_ERR_SPIRV_LENGTH = -43,     /* an instruction or count of absurd length */
	KILN_ERR_SPIRV_INVALID = -44,    /* breaks a rule of the format */
	KILN_ERR_SPIRV_ENTRY_POINT = -45, /* no compute entry point of that name */
	KILN_ERR_SPIRV_CAPABILITY = -46, /* needs a capability the device lacks */
	KILN_ERR_SPECIALIZATION = -47,   /* unknown constant id or wrong size */

	/* Finding a device. Retry: no. */
	KILN_ERR_NO_LOADER = -60,        /* no Vulkan loader on this machine */
	KILN_ERR_NO_DRIVER = -61,        /* a loader, but no driver */
	KILN_ERR_NO_DEVICE = -62,        /* drivers, but not the device that was asked for */
	KILN_ERR_NO_COMPUTE = -63,       /* that device has no compute queue */
	KILN_ERR_COMPILE_ONLY = -64,     /* the device compiles but cannot launch */

	/* Launching. Retry: no. Nothing was enqueued. */
	KILN_ERR_TOO_FEW_BUFFERS = -70,
	KILN_ERR_TOO_MANY_BUFFERS = -71,
	KILN_ERR_NULL_BUFFER = -72,
	KILN_ERR_BUFFER_ACCESS = -73,    /* the kernel writes what was created read-only */
	KILN_ERR_BUFFER_TOO_SHORT = -74,
	KILN_ERR_PUSH_MISSING = -75,
	KILN_ERR_PUSH_TOO_SHORT = -76,
	KILN_ERR_PUSH_TOO_LONG = -77,
	KILN_ERR_THREADS_LIMIT = -78,    /* more workgroups than the device can count */
	KILN_ERR_WORKGROUP_LIMIT = -79,  /* workgroup beyond the device's limits */
	KILN_ERR_FOREIGN_OBJECT = -80,   /* a buffer or kernel of another device */
	KILN_ERR_IMAGE_MISMATCH = -81,   /* an image where a buffer belongs or the reverse, or one of another shape or format */

	/* The driver. */
	KILN_ERR_DEVICE_LOST = -90,      /* sticky: every later call says the same. Retry: reopen */
	KILN_ERR_OUT_OF_DEVICE_MEMORY = -91, /* Retry: yes, after freeing */
	KILN_ERR_DRIVER = -92,           /* any other VkResult, named by the message. Retry: no */
	KILN_ERR_EXPECTED_WARM = -93,    /* KILN_CACHE_EXPECT=warm and the pipeline was compiled */
	KILN_ERR_CONTENTS_LOST = -94,    /* a buffer's bytes went with a lost device. Retry: yes, once they are written */

	KILN_ERR_INTERNAL = -100,        /* a bug in Kiln. Retry: no */
};

/** Name of a status, such as "KILN_ERR_DAMAGED".
 *  Returns: a static string; "KILN_ERR_UNKNOWN" for a value that is no status.
 *  Threads: any.  Blocks: no. */
KILN_API const char *kiln_status_name(enum kiln_status status);

/** What a status means, as one general sentence without the details of a case.
 *  Returns: a static string, never NULL.
 *  Threads: any.  Blocks: no. */
KILN_API const char *kiln_status_text(enum kiln_status status);

/** The sentence behind the last failed Kiln call of this thread: what, expected, got, `Fix:`.
 *  Returns: never NULL; "" when nothing has failed. Valid until this thread's next Kiln call.
 *  Threads: any; each thread has its own.  Blocks: no. */
KILN_API const char *kiln_error_message(void);

/** Runs one call; on failure returns its status from the enclosing function. */
#define KILN_TRY(call)                                        \
	do {                                                  \
		enum kiln_status kiln_try_status_ = (call);   \
		if (kiln_try_status_ != KILN_OK)              \
			return kiln_try_status_;              \
	} while (0)

KILN_END_DECLS

#endif
