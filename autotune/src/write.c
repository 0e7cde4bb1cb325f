#include "write.h"

#include <inttypes.h>
#include <string.h>

#include "bad.h"
#include "fields.h"

/* `text` is UTF-8: printable ASCII when it was put, anything TOML can hold when it came from a file. */
static void write_escaped(struct kiln_writer *out, const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < 0x20 || c == 0x7f) {
			kiln_write_format(out, "\\u%04X", c);
			continue;
		}
		if (c == '"' || c == '\\')
			kiln_write_u8(out, '\\');
		kiln_write_u8(out, c);
	}
}

static void write_string(struct kiln_writer *out, const char *name, const char *text)
{
	kiln_write_format(out, "%s = \"", name);
	write_escaped(out, text, strlen(text));
	kiln_write_u8(out, '"');
}

static void write_three(struct kiln_writer *out, const char *name, const uint32_t three[3])
{
	kiln_write_format(out, "%s = [%" PRIu32 ", %" PRIu32 ", %" PRIu32 "]", name, three[0], three[1],
	                  three[2]);
}

static void write_workgroup_size(struct kiln_writer *out, const struct kiln_tune_record *record)
{
	write_three(out, KILN_FIELD_WORKGROUP_SIZE, record->workgroup_size);
}

static void write_unroll(struct kiln_writer *out, const struct kiln_tune_record *record)
{
	kiln_write_format(out, KILN_FIELD_UNROLL " = %" PRIu32, record->unroll);
}

static void write_tile(struct kiln_writer *out, const struct kiln_tune_record *record)
{
	write_three(out, KILN_FIELD_TILE, record->tile);
}

static void write_recorded_at(struct kiln_writer *out, const struct kiln_tune_record *record)
{
	if (record->recorded_at != NULL)
		write_string(out, KILN_FIELD_RECORDED_AT, record->recorded_at);
}

static void write_number(struct kiln_writer *out, const char *name, uint32_t number)
{
	if (number != 0)
		kiln_write_format(out, "%s = %" PRIu32, name, number);
}

static void write_bucket(struct kiln_writer *out, const struct kiln_tune_record *record)
{
	write_number(out, KILN_FIELD_BUCKET, record->bucket);
}

static void write_rounds(struct kiln_writer *out, const struct kiln_tune_record *record)
{
	write_number(out, KILN_FIELD_ROUNDS, record->rounds);
}

static void write_ratio_default(struct kiln_writer *out, const struct kiln_tune_record *record)
{
	uint64_t ratio = kiln_ratio_units(record->ratio_default);

	if (ratio != 0)
		kiln_write_format(out, KILN_FIELD_RATIO_DEFAULT " = %" PRIu64 ".%04" PRIu64,
		                  ratio / KILN_RATIO_UNIT, ratio % KILN_RATIO_UNIT);
}

static void write_status(struct kiln_writer *out, const struct kiln_tune_record *record)
{
	if (kiln_tune_status_name(record->status) != NULL)
		write_string(out, KILN_FIELD_STATUS, kiln_tune_status_name(record->status));
}

/* One line for each, so that no line nears the bound on them. */
static void write_bad(struct kiln_writer *out, const struct kiln_tune_record *record)
{
	const char *line = record->bad;

	if (line == NULL)
		return;
	kiln_write_format(out, KILN_FIELD_BAD " = [\n");
	while (line != NULL) {
		size_t bytes = strcspn(line, "\n");

		kiln_write_format(out, "  \"");
		write_escaped(out, line, bytes);
		kiln_write_format(out, "\",\n");
		line = line[bytes] != '\0' ? line + bytes + 1 : NULL;
	}
	kiln_write_u8(out, ']');
}

static void write_driver(struct kiln_writer *out, const struct kiln_tune_record *record)
{
	if (record->driver != NULL)
		write_string(out, KILN_FIELD_DRIVER, record->driver);
}

const struct kiln_field kiln_fields[KILN_FIELDS] = {
	[KILN_AT_WORKGROUP_SIZE] = {KILN_FIELD_WORKGROUP_SIZE, write_workgroup_size},
	[KILN_AT_UNROLL] = {KILN_FIELD_UNROLL, write_unroll},
	[KILN_AT_TILE] = {KILN_FIELD_TILE, write_tile},
	[KILN_AT_RECORDED_AT] = {KILN_FIELD_RECORDED_AT, write_recorded_at},
	[KILN_AT_DRIVER] = {KILN_FIELD_DRIVER, write_driver},
	[KILN_AT_BUCKET] = {KILN_FIELD_BUCKET, write_bucket},
	[KILN_AT_ROUNDS] = {KILN_FIELD_ROUNDS, write_rounds},
	[KILN_AT_RATIO_DEFAULT] = {KILN_FIELD_RATIO_DEFAULT, write_ratio_default},
	[KILN_AT_STATUS] = {KILN_FIELD_STATUS, write_status},
	[KILN_AT_BAD] = {KILN_FIELD_BAD, write_bad},
};

void kiln_record_yield(struct kiln_tune_record *record, uint32_t foreign)
{
	if (foreign & 1u << KILN_AT_BUCKET)
		record->bucket = 0;
	if (foreign & 1u << KILN_AT_ROUNDS)
		record->rounds = 0;
	if (foreign & 1u << KILN_AT_RATIO_DEFAULT)
		record->ratio_default = 0;
	if (foreign & 1u << KILN_AT_STATUS)
		record->status = KILN_TUNE_UNSTATED;
	if (foreign & 1u << KILN_AT_BAD)
		record->bad = NULL;
}

void kiln_write_field(struct kiln_writer *out, const struct kiln_field *field,
                      const struct kiln_tune_record *record)
{
	size_t before = out->bytes;

	field->write(out, record);
	if (out->bytes != before)
		kiln_write_u8(out, '\n');
}

void kiln_write_record(struct kiln_writer *out, const struct kiln_tune_record *record)
{
	char hex[KILN_TUNE_KEY_HEX];

	kiln_tune_key_encode(&record->key, hex);
	kiln_write_format(out, "[[" KILN_FIELD_RECORD "]]\n" KILN_FIELD_KEY " = \"%s\"\n", hex);
	write_string(out, KILN_FIELD_ADAPTER, record->adapter);
	kiln_write_u8(out, '\n');
	for (size_t i = 0; i < KILN_FIELDS; i++)
		kiln_write_field(out, &kiln_fields[i], record);
}
