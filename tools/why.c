#include "why.h"

#include <stdarg.h>
#include <stdio.h>

void kiln_why_set(struct kiln_why *why, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why->text, sizeof why->text, format, arguments);
	va_end(arguments);
}
