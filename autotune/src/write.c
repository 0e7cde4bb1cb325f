#include "write.h"

#include <inttypes.h>

#include "fields.h"

/* `text` is UTF-8: printable ASCII when it was put, anything TOML can hold when it came from a file. */
static void write_string(struct kiln_writer *out, const char *name, const char *text)
{
	kiln_write_format(out, "%s = \"", name);
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c == 0x7f) {
			kiln_write_format(out, "\\u%04X", c);
			continue;
		}
		if (c == '"' || c == '\\')
			kiln_write_u8(out, '\\');
		kiln_write_u8(out, c);
	}
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

static void write_driver(struct kiln_writer *out, const struct kiln_tune_record *record)
{
	if (record->driver != NULL)
		write_string(out, KILN_FIELD_DRIVER, record->driver);
}

const struct kiln_field kiln_fields[KILN_FIELDS] = {
	{KILN_FIELD_WORKGROUP_SIZE, write_workgroup_size},
	{KILN_FIELD_UNROLL, write_unroll},
	{KILN_FIELD_TILE, write_tile},
	{KILN_FIELD_RECORDED_AT, write_recorded_at},
	{KILN_FIELD_DRIVER, write_driver},
};

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
