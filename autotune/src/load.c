#include "load.h"

#include <string.h>

#include <base/bytes.h>
#include <base/error.h>

#include "bad.h"
#include "fields.h"
#include "guard.h"
#include "write.h"

#define REPAIR "correct that line by hand, or delete the file to start an empty store"

struct load {
	const char *path;
	const struct kiln_toml *toml;
	size_t index;
	struct kiln_strings *strings;
};

static enum kiln_status out_of_memory(const char *path)
{
	return kiln_error(
		KILN_ERR_OUT_OF_MEMORY,
		"autotune store %s: out of memory while reading it. Fix: free memory and call again", path);
}

static enum kiln_status report(enum kiln_status status, const char *path, const struct kiln_fault *fault)
{
	return kiln_error(status, "autotune store %s, line %u, column %u: %s. Fix: %s", path, fault->line,
	                  fault->column, fault->what, fault->fix != NULL ? fault->fix : REPAIR);
}

enum kiln_status kiln_load_toml(const char *path, const char *text, size_t bytes, struct kiln_toml **out_toml)
{
	struct kiln_fault fault;
	enum kiln_status status = kiln_toml_guard(text, bytes, &fault);

	if (status == KILN_OK)
		status = kiln_toml_parse(text, bytes, out_toml, &fault);
	if (status == KILN_ERR_OUT_OF_MEMORY)
		return out_of_memory(path);
	return status == KILN_OK ? KILN_OK : report(status, path, &fault);
}

/* A field that is not what it must be. A missing one has no place of its own: the record's is named. */
static enum kiln_status wrong(const struct load *load, const char *field, const struct kiln_toml_value *value,
                              const char *expected, const char *got)
{
	struct kiln_toml_value place = value->line != 0 ? *value : kiln_toml_record(load->toml, load->index);

	return kiln_error(KILN_ERR_TOML_TYPE,
	                  "autotune store %s, line %u, column %u: `%s` is %s, expected %s. Fix: " REPAIR,
	                  load->path, place.line, place.column, field, got, expected);
}

static enum kiln_status wrong_kind(const struct load *load, const char *field,
                                   const struct kiln_toml_value *value, const char *expected)
{
	return wrong(load, field, value, expected,
	             value->kind == KILN_TOML_MISSING ? "missing" : value->kind_name);
}

static enum kiln_status keep_text(const struct load *load, const char *text, size_t bytes,
                                  const char **out_text)
{
	const char *kept = kiln_strings_keep(load->strings, text, bytes);

	if (kept == NULL)
		return out_of_memory(load->path);
	*out_text = kept;
	return KILN_OK;
}

static enum kiln_status check_text(const struct load *load, const char *field,
                                   const struct kiln_toml_value *value)
{
	if (value->kind != KILN_TOML_STRING)
		return wrong_kind(load, field, value, "a string");
	if (value->bytes == 0)
		return wrong(load, field, value, "some text", "empty");
	if (memchr(value->text, '\0', value->bytes) != NULL)
		return wrong(load, field, value, "text without a NUL", "text with a NUL");
	return KILN_OK;
}

static enum kiln_status load_key(const struct load *load, struct kiln_tune_key *out_key)
{
	struct kiln_toml_value value = kiln_toml_get(load->toml, load->index, KILN_FIELD_KEY);
	char hex[KILN_TUNE_KEY_HEX] = {0};

	KILN_TRY(check_text(load, KILN_FIELD_KEY, &value));
	if (value.bytes < sizeof(hex))
		memcpy(hex, value.text, value.bytes);
	if (!kiln_tune_key_decode(hex, out_key))
		return wrong(load, KILN_FIELD_KEY, &value, "32 lowercase hex digits", "another string");
	return KILN_OK;
}

static enum kiln_status load_adapter(const struct load *load, const char **out_adapter)
{
	struct kiln_toml_value value = kiln_toml_get(load->toml, load->index, KILN_FIELD_ADAPTER);

	KILN_TRY(check_text(load, KILN_FIELD_ADAPTER, &value));
	return keep_text(load, value.text, value.bytes, out_adapter);
}

static bool all_between(const struct kiln_toml_value *value, int64_t low, int64_t high)
{
	for (int i = 0; i < 3; i++) {
		if (value->numbers[i] < low || value->numbers[i] > high)
			return false;
	}
	return true;
}

static enum kiln_status load_three(const struct load *load, const char *field, bool zero_too,
                                   uint32_t out_three[3])
{
	const char *expected = zero_too ? "three integers, all 0 or all from 1 to 2147483648"
	                                : "three integers from 1 to 2147483648";
	struct kiln_toml_value value = kiln_toml_get(load->toml, load->index, field);

	if (value.kind != KILN_TOML_ARRAY)
		return wrong_kind(load, field, &value, expected);
	if (value.count != 3)
		return wrong(load, field, &value, expected, "an array of another length");
	if (!value.integers_only)
		return wrong(load, field, &value, expected, "an array of something else");
	if (!all_between(&value, 1, KILN_SIZE_MAX) && !(zero_too && all_between(&value, 0, 0)))
		return wrong(load, field, &value, expected, "out of range");
	for (int i = 0; i < 3; i++)
		out_three[i] = (uint32_t)value.numbers[i];
	return KILN_OK;
}

static enum kiln_status load_unroll(const struct load *load, uint32_t *out_unroll)
{
	static const char expected[] = "an integer from 1 to 2147483648";
	struct kiln_toml_value value = kiln_toml_get(load->toml, load->index, KILN_FIELD_UNROLL);

	if (value.kind != KILN_TOML_INTEGER)
		return wrong_kind(load, KILN_FIELD_UNROLL, &value, expected);
	if (value.numbers[0] < 1 || value.numbers[0] > KILN_SIZE_MAX)
		return wrong(load, KILN_FIELD_UNROLL, &value, expected, "out of range");
	*out_unroll = (uint32_t)value.numbers[0];
	return KILN_OK;
}

/* People write dates without quotes, and then TOML has a type of its own for them. */
static enum kiln_status load_recorded_at(const struct load *load, const char **out_date)
{
	struct kiln_toml_value value = kiln_toml_get(load->toml, load->index, KILN_FIELD_RECORDED_AT);

	if (value.kind == KILN_TOML_MISSING)
		return KILN_OK;
	if (value.kind == KILN_TOML_DATE)
		return keep_text(load, value.date, strlen(value.date), out_date);
	KILN_TRY(check_text(load, KILN_FIELD_RECORDED_AT, &value));
	return keep_text(load, value.text, value.bytes, out_date);
}

static enum kiln_status load_driver(const struct load *load, const char **out_driver)
{
	struct kiln_toml_value value = kiln_toml_get(load->toml, load->index, KILN_FIELD_DRIVER);

	if (value.kind == KILN_TOML_MISSING)
		return KILN_OK;
	KILN_TRY(check_text(load, KILN_FIELD_DRIVER, &value));
	return keep_text(load, value.text, value.bytes, out_driver);
}

/* ---- Fields that another tool may have a use of its own for: what is not of our shape is somebody else's ---- */

static uint32_t load_number(const struct load *load, size_t at, int64_t most, uint32_t *foreign)
{
	struct kiln_toml_value value = kiln_toml_get(load->toml, load->index, kiln_fields[at].name);

	if (value.kind == KILN_TOML_MISSING)
		return 0;
	if (value.kind == KILN_TOML_INTEGER && value.numbers[0] >= 0 && value.numbers[0] <= most)
		return (uint32_t)value.numbers[0];
	*foreign |= 1u << at;
	return 0;
}

static double load_ratio(const struct load *load, uint32_t *foreign)
{
	struct kiln_toml_value value = kiln_toml_get(load->toml, load->index, KILN_FIELD_RATIO_DEFAULT);

	if (value.kind == KILN_TOML_MISSING)
		return 0;
	if (value.kind == KILN_TOML_INTEGER)
		value.real = (double)value.numbers[0];
	else if (value.kind != KILN_TOML_FLOAT)
		value.real = -1;
	if (!(value.real >= 0 && value.real <= KILN_RATIO_MAX))
		*foreign |= 1u << KILN_AT_RATIO_DEFAULT;
	return kiln_ratio_of(kiln_ratio_units(value.real));
}

/* A word we do not know is a later Kiln's, and ours to replace. */
static enum kiln_tune_status load_status(const struct load *load, uint32_t *foreign)
{
	struct kiln_toml_value value = kiln_toml_get(load->toml, load->index, KILN_FIELD_STATUS);

	if (value.kind != KILN_TOML_MISSING && value.kind != KILN_TOML_STRING)
		*foreign |= 1u << KILN_AT_STATUS;
	for (int status = KILN_TUNE_TUNED; value.kind == KILN_TOML_STRING && status <= KILN_TUNE_TENTATIVE;
	     status++) {
		const char *name = kiln_tune_status_name((enum kiln_tune_status)status);

		if (strlen(name) == value.bytes && memcmp(name, value.text, value.bytes) == 0)
			return (enum kiln_tune_status)status;
	}
	return KILN_TUNE_UNSTATED;
}

static bool is_line(const struct kiln_toml_value *value)
{
	if (value->bytes == 0 || value->bytes > KILN_TUNE_BAD_LINE_BYTES)
		return false;
	for (size_t i = 0; i < value->bytes; i++)
		if (value->text[i] < 0x20 || value->text[i] > 0x7e)
			return false;
	return true;
}

static enum kiln_status load_bad(const struct load *load, const char **out_bad, uint32_t *foreign)
{
	struct kiln_toml_value list = kiln_toml_get(load->toml, load->index, KILN_FIELD_BAD);
	struct kiln_writer text = {0};
	bool kept;

	if (list.kind == KILN_TOML_MISSING)
		return KILN_OK;
	if (list.kind != KILN_TOML_ARRAY || !list.strings_only) {
		*foreign |= 1u << KILN_AT_BAD;
		return KILN_OK;
	}
	for (size_t i = 0; i < list.count; i++) {
		struct kiln_toml_value line = kiln_toml_element(load->toml, load->index, KILN_FIELD_BAD, i);

		if (!is_line(&line))
			*foreign |= 1u << KILN_AT_BAD;
		kiln_write_bytes(&text, line.text, line.bytes);
		kiln_write_u8(&text, '\n');
	}
	kiln_write_u8(&text, 0);
	kept = !text.bad && (*foreign & 1u << KILN_AT_BAD ||
	                     kiln_bad_union(load->strings, (char *)text.data, NULL, out_bad));
	kiln_writer_finish(&text);
	return kept ? KILN_OK : out_of_memory(load->path);
}

static enum kiln_status load_record(const struct load *load, struct kiln_tune_record *record,
                                    uint32_t *foreign)
{
	KILN_TRY(load_key(load, &record->key));
	KILN_TRY(load_adapter(load, &record->adapter));
	KILN_TRY(load_three(load, KILN_FIELD_WORKGROUP_SIZE, false, record->workgroup_size));
	KILN_TRY(load_unroll(load, &record->unroll));
	KILN_TRY(load_three(load, KILN_FIELD_TILE, true, record->tile));
	record->bucket = load_number(load, KILN_AT_BUCKET, KILN_TUNE_BUCKET_MAX, foreign);
	record->rounds = load_number(load, KILN_AT_ROUNDS, KILN_SIZE_MAX, foreign);
	record->ratio_default = load_ratio(load, foreign);
	record->status = load_status(load, foreign);
	KILN_TRY(load_bad(load, &record->bad, foreign));
	KILN_TRY(load_recorded_at(load, &record->recorded_at));
	return load_driver(load, &record->driver);
}

static enum kiln_status wrong_root(const char *path, const char *field, const struct kiln_toml_value *value,
                                   const char *expected)
{
	return kiln_error(KILN_ERR_TOML_TYPE,
	                  "autotune store %s, line %u, column %u: `%s` is %s, expected %s. Fix: " REPAIR,
	                  path, value->line, value->column, field, value->kind_name, expected);
}

static enum kiln_status check_schema(const char *path, const struct kiln_toml *toml)
{
	struct kiln_toml_value value = kiln_toml_get(toml, KILN_TOML_ROOT, KILN_FIELD_SCHEMA);

	if (value.kind == KILN_TOML_MISSING)
		return KILN_OK;
	if (value.kind != KILN_TOML_INTEGER)
		return wrong_root(path, KILN_FIELD_SCHEMA, &value, "an integer");
	if (value.numbers[0] < 0 || value.numbers[0] > KILN_SCHEMA)
		return kiln_error(
			KILN_ERR_TOML_SCHEMA,
			"autotune store %s, line %u, column %u: `schema` is %lld, expected 0 to %d. Fix: "
			"update Kiln, or name another file in KILN_AUTOTUNE_STORE",
			path, value.line, value.column, (long long)value.numbers[0], KILN_SCHEMA);
	return KILN_OK;
}

enum kiln_status kiln_load_records(const char *path, const struct kiln_toml *toml,
                                   struct kiln_strings *strings, struct kiln_records *records)
{
	struct kiln_toml_value list = kiln_toml_get(toml, KILN_TOML_ROOT, KILN_FIELD_RECORD);
	struct load load = {.path = path, .toml = toml, .strings = strings};

	KILN_TRY(check_schema(path, toml));
	if (list.kind == KILN_TOML_MISSING)
		return KILN_OK;
	if (list.kind != KILN_TOML_ARRAY || !list.tables_only)
		return wrong_root(path, KILN_FIELD_RECORD, &list, "an array of tables, [[record]]");
	for (; load.index < list.count; load.index++) {
		struct kiln_tune_record record = {0};
		uint32_t foreign = 0;

		KILN_TRY(load_record(&load, &record, &foreign));
		if (!kiln_records_set(records, &record, load.index, KILN_PENDING_NOTHING))
			return out_of_memory(path);
		if (foreign != 0)
			kiln_records_find(records, &record.key, record.adapter)->foreign = foreign;
	}
	return KILN_OK;
}
