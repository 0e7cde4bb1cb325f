/* Where a text is wrong and why: filled by whoever finds it, turned into a sentence in one place. */
#ifndef AUTOTUNE_FAULT_H
#define AUTOTUNE_FAULT_H

#include <stddef.h>
#include <stdint.h>

struct kiln_fault {
	uint32_t line;   /* from 1 */
	uint32_t column; /* from 1, in characters */
	char what[384];  /* what is wrong, what was expected, got; printable ASCII, no full stop */
	const char *fix; /* static; NULL for the general advice */
};

/* Line and column of byte `at`. */
void kiln_fault_place(struct kiln_fault *fault, const char *text, size_t at);

#endif
