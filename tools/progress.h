/* Two courtesies of long commands: a progress line on a terminal after the first second, and Ctrl-C that
 * is asked about between steps. */
#ifndef TOOLS_PROGRESS_H
#define TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Starts a line "label done/total, seconds" on stderr, redrawn while it runs, however long one step
 * blocks. `total` 0 = no count. One at a time; nothing at all unless stderr is a terminal. `label` must
 * live until the stop. */
void kiln_progress_start(const char *label, size_t total);
void kiln_progress_step(size_t done, const char *label);
/* The same where the total becomes known on the way, or changes. */
void kiln_progress_of(size_t done, size_t total, const char *label);
/* From here on there is no line. */
void kiln_progress_quiet(void);
/* Clears the line. Without a start: nothing. */
void kiln_progress_stop(void);

/* From here on the first Ctrl-C only sets the flag below; a second one ends the process at once, which is
 * safe too: every file appears by renaming. */
void kiln_interrupt_watch(void);
bool kiln_interrupted(void);

uint64_t kiln_tool_now_ns(void); /* monotonic */

#endif
