#include "tracing.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

/* The same library as the loader's: dlopen() counts references. */
static void *find(const char *name)
{
	void *driver = dlopen(HOSTILE_DRIVER, RTLD_NOW | RTLD_LOCAL);
	void *function = driver ? dlsym(driver, name) : NULL;

	if (!function) {
		fprintf(stderr, "%s\n", dlerror());
		abort();
	}
	return function;
}

void tracing_begin(void)
{
	((hostile_trace_begin_function *)(uintptr_t)find(HOSTILE_TRACE_BEGIN))();
}

size_t tracing_end(struct trace_event **out_events)
{
	return ((hostile_trace_end_function *)(uintptr_t)find(HOSTILE_TRACE_END))(out_events);
}
