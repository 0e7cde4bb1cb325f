/* Appends text to a caller's buffer that may be too short, and counts what all of it needs. */
#ifndef CACHE_TEXT_H
#define CACHE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include <kiln/export.h>

struct kiln_text {
	char *out;
	size_t bytes;  /* of `out`, NUL included; 0 = measure only */
	size_t length; /* of the whole text so far, without NUL */
};

/* The buffer holds "" afterwards, unless it has no byte at all. */
struct kiln_text kiln_text_start(char *out, size_t bytes);
void kiln_text_add(struct kiln_text *text, const char *more);
void kiln_text_format(struct kiln_text *text, const char *format, ...) KILN_PRINTF(2, 3);
/* Percent-escapes whatever could be mistaken for the text around it. */
void kiln_text_escaped(struct kiln_text *text, const char *more);
/* "name|name|bit9", "none" for no bits; `names` may hold NULL. */
void kiln_text_flags(struct kiln_text *text, uint32_t bits, const char *const *names, size_t count);

#endif
