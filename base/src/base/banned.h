/* Forced into every C file of the tiers (see banned_args in base/meson.build): functions that cannot be used
 * safely do not compile. Their declarations come first, or the system's own headers would trip. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#undef alloca /* poisoning a macro is warned about */
#pragma GCC poison alloca atof atoi atol atoll gets sprintf stpcpy strcat strcpy strncat strtok vsprintf

#endif
