/* Symbol visibility, version, and the guard against mixing a header with another library. */
#ifndef KILN_EXPORT_H
#define KILN_EXPORT_H

#define KILN_VERSION_MAJOR 0
#define KILN_VERSION_MINOR 1
#define KILN_VERSION_PATCH 0
#define KILN_VERSION "0.1.0"

#if defined(__GNUC__) || defined(__clang__)
#define KILN_API __attribute__((visibility("default")))
#define KILN_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define KILN_NODISCARD __attribute__((warn_unused_result))
#else
#define KILN_API
#define KILN_PRINTF(fmt, args)
#define KILN_NODISCARD
#endif

/* The functions every program must call first carry the ABI in their symbol, so a header of one
 * version and a library of another fail at link time, not at run time. */
#define KILN_ABI(name) name##_v0_1

#ifdef __cplusplus
#define KILN_BEGIN_DECLS extern "C" {
#define KILN_END_DECLS }
#else
#define KILN_BEGIN_DECLS
#define KILN_END_DECLS
#endif

#endif
