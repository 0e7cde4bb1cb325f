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

/* Bits of those that may be foreign. */
#define KILN_FACTS_MASK (((1u << KILN_FIELDS) - 1) & ~((1u << KILN_AT_BUCKET) - 1))

enum {
	KILN_AT_WORKGROUP_SIZE,
	KILN_AT_UNROLL,
	KILN_AT_TILE,
	KILN_AT_RECORDED_AT,
	KILN_AT_DRIVER,
	KILN_AT_BUCKET, /* from here on they may be foreign */
	KILN_AT_ROUNDS,
	KILN_AT_RATIO_DEFAULT,
	KILN_AT_STATUS,
	KILN_AT_BAD,
	KILN_FIELDS
};
extern const struct kiln_field kiln_fields[KILN_FIELDS];

/* Takes out of the record what these bits stand for. */
void kiln_record_yield(struct kiln_tune_record *record, uint32_t fields);

/* One line, or nothing. */
void kiln_write_field(struct kiln_writer *out, const struct kiln_field *field,
                      const struct kiln_tune_record *record);

/* A whole [[record]]. */
void kiln_write_record(struct kiln_writer *out, const struct kiln_tune_record *record);

#endif
