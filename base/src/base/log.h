#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include <kiln/log.h>

bool kiln_log_wants(enum kiln_log_level level);
void kiln_log(enum kiln_log_level level, const char *format, ...) KILN_PRINTF(2, 3);

#endif
