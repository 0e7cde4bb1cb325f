/* volk's own code, compiled here so that its symbols are hidden with ours. */
#define VK_NO_PROTOTYPES
#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#pragma GCC diagnostic ignored "-Wshadow"
#endif
#define VOLK_IMPLEMENTATION
#include <volk.h>
