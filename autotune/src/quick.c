#include "quick.h"

#include <stdbool.h>
#include <string.h>

#include "bad.h"
#include "fields.h"
#include "guard.h"
#include "write.h"

enum { AT_KEY = KILN_FIELDS, AT_ADAPTER, FIELDS_ALL };

#define REQUIRED                                                                                 \
	(1u << AT_KEY | 1u << AT_ADAPTER | 1u << KILN_AT_WORKGROUP_SIZE | 1u << KILN_AT_UNROLL | \
	 1u << KILN_AT_TILE)

struct quick {
	const char *at;
	const char *end;
	struct kiln_strings *strings;
	bool out_of_memory;
	struct kiln_tune_record record;
	uint32_t seen; /* fields of the record, a bit each */
	size_t number; /* of the record */
};

/* ---- Parts of a line ---- */

static bool skip(struct quick *quick, const char *text)
{
	size_t bytes = strlen(text);

	if ((size_t)(quick->end - quick->at) < bytes || memcmp(quick->at, text, bytes) != 0)
		return false;
	quick->at += bytes;
	return true;
}

/* Printable ASCII between quotes that needs no escapes, one character at least. */
static bool quoted(struct quick *quick, const char **out_text, size_t *out_bytes)
{
	const char *begin;

	if (!skip(quick, "\""))
		return false;
	begin = quick->at;
	while (quick->at < quick->end && *quick->at >= 0x20 && *quick->at <= 0x7e && *quick->at != '"' &&
	       *quick->at != '\\')
		quick->at++;
	*out_text = begin;
	*out_bytes = (size_t)(quick->at - begin);
	return *out_bytes != 0 && skip(quick, "\"");
}

static bool keep(struct quick *quick, const char **out_text)
{
	const char *text;
	size_t bytes;

	if (!quoted(quick, &text, &bytes))
		return false;
	*out_text = kiln_strings_keep(quick->strings, text, bytes);
	quick->out_of_memory |= *out_text == NULL;
	return *out_text != NULL;
}

/* Decimal digits without a leading zero. */
static bool number(struct quick *quick, uint64_t low, uint64_t high, uint32_t *out_number)
{
	const char *begin = quick->at;
	uint64_t value = 0;

	while (quick->at < quick->end && *quick->at >= '0' && *quick->at <= '9' && quick->at - begin < 11)
		value = value * 10 + (uint64_t)(*quick->at++ - '0');
	if (quick->at == begin || (*begin == '0' && quick->at - begin > 1) || value < low || value > high)
		return false;
	*out_number = (uint32_t)value;
	return true;
}

static bool three(struct quick *quick, uint64_t low, uint32_t out_three[3])
{
	const uint64_t high = KILN_SIZE_MAX;

	return skip(quick, "[") && number(quick, low, high, &out_three[0]) && skip(quick, ", ") &&
	       number(quick, low, high, &out_three[1]) && skip(quick, ", ") &&
	       number(quick, low, high, &out_three[2]) && skip(quick, "]");
}

static bool tile(struct quick *quick)
{
	uint32_t *three_of = quick->record.tile;

	return three(quick, 0, three_of) && (three_of[0] != 0) == (three_of[1] != 0) &&
	       (three_of[0] != 0) == (three_of[2] != 0);
}

/* Four decimals, no more and no less. */
static bool ratio(struct quick *quick)
{
	uint32_t whole, units = 0;

	if (!number(quick, 0, (uint64_t)KILN_RATIO_MAX - 1, &whole) || !skip(quick, "."))
		return false;
	for (int i = 0; i < 4; i++) {
		if (quick->at == quick->end || *quick->at < '0' || *quick->at > '9')
			return false;
		units = units * 10 + (uint32_t)(*quick->at++ - '0');
	}
	quick->record.ratio_default = kiln_ratio_of((uint64_t)whole * KILN_RATIO_UNIT + units);
	return true;
}

static bool status(struct quick *quick)
{
	const char *text;
	size_t bytes;

	if (!quoted(quick, &text, &bytes))
		return false;
	for (int i = KILN_TUNE_TUNED; i <= KILN_TUNE_TENTATIVE; i++) {
		const char *name = kiln_tune_status_name((enum kiln_tune_status)i);

		if (strlen(name) == bytes && memcmp(name, text, bytes) == 0)
			quick->record.status = (enum kiln_tune_status)i;
	}
	return true;
}

static bool key(struct quick *quick)
{
	char hex[KILN_TUNE_KEY_HEX] = {0};
	const char *text;
	size_t bytes;

	if (!quoted(quick, &text, &bytes) || bytes != KILN_TUNE_KEY_HEX - 1)
		return false;
	memcpy(hex, text, bytes);
	return kiln_tune_key_decode(hex, &quick->record.key);
}

/* The lines joined as kiln_bad_union() takes them, in place of a list. */
static bool bad(struct quick *quick)
{
	struct kiln_writer text = {0};
	bool right = skip(quick, "[\n");

	while (right && skip(quick, "  ")) {
		const char *line;
		size_t bytes;

		right = quoted(quick, &line, &bytes) && bytes <= KILN_TUNE_BAD_LINE_BYTES &&
		        skip(quick, ",\n");
		if (!right)
			break;
		kiln_write_bytes(&text, line, bytes);
		kiln_write_u8(&text, '\n');
	}
	right = right && skip(quick, "]");
	kiln_write_u8(&text, 0);
	quick->out_of_memory |= right && (text.bad || !kiln_bad_union(quick->strings, (char *)text.data, NULL,
	                                                              &quick->record.bad));
	kiln_writer_finish(&text);
	return right && !quick->out_of_memory;
}

/* ---- Lines ---- */

static bool value(struct quick *quick, size_t field)
{
	struct kiln_tune_record *record = &quick->record;

	switch (field) {
	case KILN_AT_WORKGROUP_SIZE:
		return three(quick, 1, record->workgroup_size);
	case KILN_AT_UNROLL:
		return number(quick, 1, KILN_SIZE_MAX, &record->unroll);
	case KILN_AT_TILE:
		return tile(quick);
	case KILN_AT_RECORDED_AT:
		return keep(quick, &record->recorded_at);
	case KILN_AT_DRIVER:
		return keep(quick, &record->driver);
	case KILN_AT_BUCKET:
		return number(quick, 0, KILN_TUNE_BUCKET_MAX, &record->bucket);
	case KILN_AT_ROUNDS:
		return number(quick, 0, KILN_SIZE_MAX, &record->rounds);
	case KILN_AT_RATIO_DEFAULT:
		return ratio(quick);
	case KILN_AT_STATUS:
		return status(quick);
	case KILN_AT_BAD:
		return bad(quick);
	case AT_KEY:
		return key(quick);
	default:
		return keep(quick, &record->adapter);
	}
}

static const char *name_of(size_t field)
{
	return field < KILN_FIELDS ? kiln_fields[field].name
	       : field == AT_KEY   ? KILN_FIELD_KEY
	                           : KILN_FIELD_ADAPTER;
}

/* A field of the record at hand, each once. */
static bool field_line(struct quick *quick)
{
	for (size_t i = 0; i < FIELDS_ALL; i++) {
		const char *begin = quick->at;

		if (skip(quick, name_of(i)) && skip(quick, " = ")) {
			bool once = !(quick->seen & 1u << i);

			quick->seen |= 1u << i;
			return once && quick->number != 0 && value(quick, i);
		}
		quick->at = begin;
	}
	return false;
}

static bool finish_record(struct quick *quick, struct kiln_records *records)
{
	if (quick->number == 0)
		return true;
	if ((quick->seen & REQUIRED) != REQUIRED)
		return false;
	quick->out_of_memory |=
		!kiln_records_set(records, &quick->record, quick->number - 1, KILN_PENDING_NOTHING);
	quick->record = (struct kiln_tune_record){0};
	quick->seen = 0;
	return !quick->out_of_memory;
}

static bool comment(struct quick *quick)
{
	if (!skip(quick, "#"))
		return false;
	while (quick->at < quick->end && *quick->at >= 0x20 && *quick->at <= 0x7e)
		quick->at++;
	return true;
}

static bool line(struct quick *quick, struct kiln_records *records)
{
	const char *begin = quick->at;
	bool right;

	if (skip(quick, "\n"))
		return true;
	if (skip(quick, "[[" KILN_FIELD_RECORD "]]")) {
		right = finish_record(quick, records) && ++quick->number <= KILN_GUARD_TABLES;
	} else {
		right = comment(quick) || field_line(quick);
	}
	/* Of a field over several lines this is more than the longest of them. */
	return right && skip(quick, "\n") &&
	       ((size_t)(quick->at - begin) <= KILN_GUARD_LINE_BYTES || begin[0] == 'b');
}

enum kiln_status kiln_quick_load(const char *text, size_t bytes, struct kiln_strings *strings,
                                 struct kiln_records *records)
{
	struct quick quick = {.at = text, .end = text + bytes, .strings = strings};
	bool right = bytes <= KILN_GUARD_FILE_BYTES && skip(&quick, KILN_FIELD_SCHEMA " = 1\n");

	while (right && quick.at < quick.end)
		right = line(&quick, records);
	right = right && finish_record(&quick, records);
	if (quick.out_of_memory)
		return KILN_ERR_OUT_OF_MEMORY;
	return right ? KILN_OK : KILN_ERR_NOT_FOUND;
}
