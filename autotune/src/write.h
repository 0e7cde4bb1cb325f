/* The text of a record's own fields. */
#ifndef AUTOTUNE_WRITE_H
#define AUTOTUNE_WRITE_H

#include <base/bytes.h>
#include <kiln/autotune.h>

/* What a put changes in a record that is there already; key and adapter are what found it. */
struct kiln_field {
	const char *name;
	/* "name = value" without a newline; nothing when the record has no value for it. */
	void (*write)(struct kiln_writer *out, const struct kiln_tune_record *record);
};

#define KILN_FIELDS 5
extern const struct kiln_field kiln_fields[KILN_FIELDS];

/* One line, or nothing. */
void kiln_write_field(struct kiln_writer *out, const struct kiln_field *field,
                      const struct kiln_tune_record *record);

/* A whole [[record]]. */
void kiln_write_record(struct kiln_writer *out, const struct kiln_tune_record *record);

#endif
