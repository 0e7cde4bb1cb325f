/* The record of the driver (driver/trace.h), from the side of a test. */
#ifndef TESTS_HOSTILE_TRACING_H
#define TESTS_HOSTILE_TRACING_H

#include <stddef.h>

#include "trace.h"

void tracing_begin(void);
/* The events since; free() them. */
size_t tracing_end(struct trace_event **out_events);

#endif
