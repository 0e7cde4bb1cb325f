/* JSON strings, for the few files the library writes by hand. */
#ifndef RUNTIME_JSON_TEXT_H
#define RUNTIME_JSON_TEXT_H

#include <base/bytes.h>

/* The text as a JSON string with its quotes: valid UTF-8 whatever the text is, with U+FFFD for each byte that is not. */
void kiln_write_json_text(struct kiln_writer *json, const char *text);

#endif
