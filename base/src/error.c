#include <base/error.h>

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/log.h>

#define MESSAGE_BYTES 2048

static _Thread_local char last_message[MESSAGE_BYTES];

#define ROW(status, text)             \
	{                             \
		status, #status, text \
	}

static const struct {
	enum kiln_status status;
	const char *name;
	const char *text;
} table[] = {
	ROW(KILN_OK, "Success."),
	ROW(KILN_ERR_INVALID_ARGUMENT, "An argument is one that no call of this kind could accept."),
	ROW(KILN_ERR_UNSUPPORTED, "The request is sound, but this build or device cannot do it."),
	ROW(KILN_ERR_CANCELLED, "The caller's own callback asked to stop."),
	ROW(KILN_ERR_OUT_OF_MEMORY, "The host has no memory left for this."),
	ROW(KILN_ERR_TIMEOUT, "A bounded wait ended before what it waited for."),
	ROW(KILN_ERR_THREAD, "The system refused a thread or a lock."),
	ROW(KILN_ERR_NOT_FOUND, "There is no such entry, record or file."),
	ROW(KILN_ERR_DAMAGED, "Stored content failed its check and was removed."),
	ROW(KILN_ERR_IO, "The system could not read or write a file."),
	ROW(KILN_ERR_PERMISSION, "A file may not be accessed, or has an owner Kiln does not trust."),
	ROW(KILN_ERR_NO_SPACE, "The disk or the quota is full."),
	ROW(KILN_ERR_READ_ONLY, "The file system or the mode is read-only."),
	ROW(KILN_ERR_NOT_A_DIRECTORY, "A file stands where a folder should."),
	ROW(KILN_ERR_TOO_LARGE, "Something is over a size bound that protects this process."),
	ROW(KILN_ERR_TOML_SYNTAX, "The autotune store is not TOML."),
	ROW(KILN_ERR_TOML_TYPE, "A known key of the autotune store holds another type or is missing."),
	ROW(KILN_ERR_TOML_SCHEMA, "The autotune store was written by a newer Kiln."),
	ROW(KILN_ERR_TOML_HOSTILE, "The autotune store's size, line length or nesting is beyond the guards."),
	ROW(KILN_ERR_SPIRV_MAGIC, "The first word is not SPIR-V's."),
	ROW(KILN_ERR_SPIRV_BYTE_SWAPPED, "The module is SPIR-V of the other endianness."),
	ROW(KILN_ERR_SPIRV_TRUNCATED, "The module ends inside the header or an instruction."),
	ROW(KILN_ERR_SPIRV_LENGTH, "The module has an instruction or count of absurd length."),
	ROW(KILN_ERR_SPIRV_INVALID, "The module breaks a rule of SPIR-V."),
	ROW(KILN_ERR_SPIRV_ENTRY_POINT, "The module has no compute entry point of that name."),
	ROW(KILN_ERR_SPIRV_CAPABILITY, "The module needs a capability the device lacks."),
	ROW(KILN_ERR_SPECIALIZATION, "A specialisation constant's id is unknown or its size is wrong."),
	ROW(KILN_ERR_NO_LOADER, "There is no Vulkan loader on this machine."),
	ROW(KILN_ERR_NO_DRIVER, "There is a Vulkan loader, but no driver."),
	ROW(KILN_ERR_NO_DEVICE, "There are drivers, but not the device that was asked for."),
	ROW(KILN_ERR_NO_COMPUTE, "The device has no compute queue."),
	ROW(KILN_ERR_COMPILE_ONLY, "The device compiles but cannot launch."),
	ROW(KILN_ERR_TOO_FEW_BUFFERS, "The launch gives fewer buffers than the kernel binds."),
	ROW(KILN_ERR_TOO_MANY_BUFFERS, "The launch gives more buffers than the kernel binds."),
	ROW(KILN_ERR_NULL_BUFFER, "A buffer the kernel binds is NULL."),
	ROW(KILN_ERR_BUFFER_ACCESS, "The kernel writes a buffer that was created read-only."),
	ROW(KILN_ERR_BUFFER_TOO_SHORT, "A buffer is shorter than the block the kernel declares."),
	ROW(KILN_ERR_PUSH_MISSING, "The kernel declares push constants and the launch gives none."),
	ROW(KILN_ERR_PUSH_TOO_SHORT, "The launch gives fewer push-constant bytes than the kernel declares."),
	ROW(KILN_ERR_PUSH_TOO_LONG, "The launch gives more push-constant bytes than the kernel declares."),
	ROW(KILN_ERR_THREADS_LIMIT, "The launch has more workgroups than the device can count."),
	ROW(KILN_ERR_WORKGROUP_LIMIT, "The workgroup is beyond the device's limits."),
	ROW(KILN_ERR_FOREIGN_OBJECT, "A buffer or kernel belongs to another device."),
	ROW(KILN_ERR_IMAGE_MISMATCH, "An image is not what the kernel declares, or given where a buffer belongs."),
	ROW(KILN_ERR_DEVICE_LOST, "The device is lost; it must be reopened, or closed and opened again."),
	ROW(KILN_ERR_OUT_OF_DEVICE_MEMORY, "The device has no memory left for this."),
	ROW(KILN_ERR_DRIVER, "A Vulkan call failed in the driver."),
	ROW(KILN_ERR_EXPECTED_WARM, "A pipeline was compiled although KILN_CACHE_EXPECT=warm forbids it."),
	ROW(KILN_ERR_CONTENTS_LOST, "A buffer's contents went with a lost device; they must be written again."),
	ROW(KILN_ERR_INTERNAL, "Kiln contradicts itself: a bug in Kiln."),
};

#define ROWS (sizeof(table) / sizeof(table[0]))

const char *kiln_status_name(enum kiln_status status)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (table[i].status == status)
			return table[i].name;
	}
	return "KILN_ERR_UNKNOWN";
}

const char *kiln_status_text(enum kiln_status status)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (table[i].status == status)
			return table[i].text;
	}
	return "This is no status of this version of Kiln.";
}

const char *kiln_error_message(void)
{
	return last_message;
}

enum kiln_status kiln_error(enum kiln_status status, const char *format, ...)
{
	char message[MESSAGE_BYTES];
	va_list args;

	/* Not straight into last_message: an argument may be kiln_error_message() itself. */
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	memcpy(last_message, message, sizeof(message));
	return status;
}

enum kiln_status kiln_status_of_errno(int errnum)
{
	switch (errnum) {
	case EACCES:
	case EPERM:
		return KILN_ERR_PERMISSION;
	case EDQUOT:
	case ENOSPC:
		return KILN_ERR_NO_SPACE;
	case EFBIG:
		return KILN_ERR_TOO_LARGE;
	case ENOENT:
		return KILN_ERR_NOT_FOUND;
	case ENOMEM:
		return KILN_ERR_OUT_OF_MEMORY;
	case ENOTDIR:
		return KILN_ERR_NOT_A_DIRECTORY;
	case EROFS:
		return KILN_ERR_READ_ONLY;
	default:
		return KILN_ERR_IO;
	}
}

static const char *errno_fix(enum kiln_status status)
{
	switch (status) {
	case KILN_ERR_PERMISSION:
		return "check the owner and the mode of this path, or choose another one";
	case KILN_ERR_NO_SPACE:
		return "free some space on this disk, or choose a path on another one";
	case KILN_ERR_TOO_LARGE:
		return "choose a file system without this size limit";
	case KILN_ERR_NOT_FOUND:
		return "check the spelling of the path, or create it first";
	case KILN_ERR_OUT_OF_MEMORY:
		return "free memory and call again";
	case KILN_ERR_NOT_A_DIRECTORY:
		return "move away the file that stands where a folder should, or choose another path";
	case KILN_ERR_READ_ONLY:
		return "choose a path on a file system that can be written";
	default:
		return "call again; if it stays, check the disk and the limit on open files (ulimit -n)";
	}
}

enum kiln_status kiln_error_errno(int errnum, const char *format, ...)
{
	enum kiln_status status = kiln_status_of_errno(errnum);
	char what[MESSAGE_BYTES / 2];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return kiln_error(status, "%s: %s. Fix: %s", what, strerror(errnum), errno_fix(status));
}

enum kiln_status kiln_error_context(enum kiln_status status, const char *format, ...)
{
	char context[MESSAGE_BYTES / 2];
	va_list args;

	va_start(args, format);
	vsnprintf(context, sizeof(context), format, args);
	va_end(args);
	return kiln_error(status, "%s: %s", context, last_message);
}

void kiln_debug_abort(const char *condition)
{
#ifdef KILN_DEBUG_ABORT
	kiln_log(KILN_LOG_ERROR, "argument check failed: %s", condition);
	abort();
#else
	(void)condition;
#endif
}
