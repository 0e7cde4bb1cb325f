#include "npy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"

#define MAGIC "\x93NUMPY"
#define MAGIC_BYTES 6
#define HEADER_MAX (1u << 20)
#define ALIGNMENT 64 /* of the data in the file */

/* The header is a Python dict literal; this reads the part of Python it uses. */
struct scanner {
	const char *at, *end;
};

static void skip_blanks(struct scanner *scan)
{
	while (scan->at < scan->end && memchr(" \t\r\n", *scan->at, 4))
		scan->at++;
}

static bool take(struct scanner *scan, char c)
{
	skip_blanks(scan);
	if (scan->at == scan->end || *scan->at != c)
		return false;
	scan->at++;
	return true;
}

/* 'text' or "text" without escapes: no header key or type needs one. */
static bool take_string(struct scanner *scan, const char **out_text, size_t *out_length)
{
	char quote = take(scan, '\'') ? '\'' : take(scan, '"') ? '"' : '\0';
	const char *start = scan->at, *close;

	if (!quote)
		return false;
	close = memchr(start, quote, (size_t)(scan->end - start));
	if (!close || memchr(start, '\\', (size_t)(close - start)))
		return false;
	*out_text = start;
	*out_length = (size_t)(close - start);
	scan->at = close + 1;
	return true;
}

static bool take_word(struct scanner *scan, const char *word)
{
	size_t length = strlen(word);

	skip_blanks(scan);
	if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, word, length))
		return false;
	scan->at += length;
	return true;
}

static bool take_number(struct scanner *scan, uint64_t *out_value)
{
	const char *start;

	skip_blanks(scan);
	for (start = scan->at; scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9'; scan->at++)
		;
	return kiln_number_u64(start, (size_t)(scan->at - start), out_value);
}

/* "(3, 4)", "(3,)", "()". */
static bool take_shape(struct scanner *scan, struct kiln_array *array)
{
	array->dims = 0;
	if (!take(scan, '('))
		return false;
	while (!take(scan, ')')) {
		if (array->dims == KILN_ARRAY_DIMS || !take_number(scan, &array->shape[array->dims]))
			return false;
		array->dims++;
		take_word(scan, "L"); /* Python 2 wrote long integers so */
		if (!take(scan, ',')) {
			if (!take(scan, ')'))
				return false;
			break;
		}
	}
	return true;
}

static const struct {
	const char *code;
	enum kiln_dtype type;
} codes[] = {
	{"u1", KILN_DTYPE_U8},  {"i1", KILN_DTYPE_I8},  {"u2", KILN_DTYPE_U16}, {"i2", KILN_DTYPE_I16},
	{"u4", KILN_DTYPE_U32}, {"i4", KILN_DTYPE_I32}, {"u8", KILN_DTYPE_U64}, {"i8", KILN_DTYPE_I64},
	{"f2", KILN_DTYPE_F16}, {"f4", KILN_DTYPE_F32}, {"f8", KILN_DTYPE_F64}, {"b1", KILN_DTYPE_U8},
};

static bool find_type(const char *descr, size_t length, enum kiln_dtype *out_type, struct kiln_why *why)
{
	for (size_t i = 0; length == 3 && i < sizeof codes / sizeof codes[0]; i++) {
		if (memcmp(descr + 1, codes[i].code, 2))
			continue;
		if (descr[0] == '<' || (descr[0] == '|' && codes[i].code[1] == '1')) {
			*out_type = codes[i].type;
			return true;
		}
		if (descr[0] == '>')
			return kiln_why(why,
			                "npy: type '%.3s' is big-endian, expected little-endian. "
			                "Fix: save a.astype(a.dtype.newbyteorder('<'))",
			                descr);
	}
	return kiln_why(why,
	                "npy: type '%.*s' is not one of <f2 <f4 <f8, <i1 to <i8, <u1 to <u8, |b1. "
	                "Fix: convert with a.astype(...) before saving",
	                length > 40 ? 40 : (int)length, descr);
}

struct header {
	const char *descr;
	size_t descr_length;
	bool has_order, fortran, has_shape;
};

static bool take_entry(struct scanner *scan, struct header *header, struct kiln_array *array)
{
	const char *key;
	size_t length;

	if (!take_string(scan, &key, &length) || !take(scan, ':'))
		return false;
	if (length == 5 && !memcmp(key, "descr", 5))
		return !header->descr && take_string(scan, &header->descr, &header->descr_length);
	if (length == 13 && !memcmp(key, "fortran_order", 13)) {
		if (header->has_order)
			return false;
		header->has_order = true;
		header->fortran = take_word(scan, "True");
		return header->fortran || take_word(scan, "False");
	}
	if (length == 5 && !memcmp(key, "shape", 5)) {
		if (header->has_shape)
			return false;
		header->has_shape = true;
		return take_shape(scan, array);
	}
	return false;
}

static bool parse_dict(struct scanner *scan, struct header *header, struct kiln_array *array)
{
	if (!take(scan, '{'))
		return false;
	while (!take(scan, '}')) {
		if (!take_entry(scan, header, array))
			return false;
		if (!take(scan, ',')) {
			if (!take(scan, '}'))
				return false;
			break;
		}
	}
	skip_blanks(scan);
	return scan->at == scan->end && header->descr && header->has_order && header->has_shape;
}

/* Bytes the shape asks for; false when that is more than any file may have. */
static bool expected_bytes(const struct kiln_array *array, uint64_t *out_bytes)
{
	uint64_t bytes = kiln_dtype_size(array->type);

	for (unsigned i = 0; i < array->dims; i++)
		if (__builtin_mul_overflow(bytes, array->shape[i], &bytes))
			return false;
	*out_bytes = bytes;
	return bytes <= KILN_ARRAY_BYTES_MAX;
}

/* Finds the dict. *out_data is the offset of what follows. */
static bool find_dict(const uint8_t *file, size_t bytes, struct scanner *out_scan, size_t *out_data,
                      struct kiln_why *why)
{
	size_t prefix = MAGIC_BYTES + 2, length;

	if (bytes < prefix + 2 || memcmp(file, MAGIC, MAGIC_BYTES))
		return kiln_why(
			why,
			"npy: the file does not start with \\x93NUMPY. Fix: give a file numpy.save() wrote, "
			"or raw:FILE for plain bytes");
	if (file[6] < 1 || file[6] > 3 || file[7] != 0 || (file[6] > 1 && bytes < prefix + 4))
		return kiln_why(
			why,
			"npy: format version %u.%u, expected 1.0, 2.0 or 3.0. Fix: save it with numpy.save()",
			file[6], file[7]);
	length = file[8] | (size_t)file[9] << 8;
	if (file[6] > 1)
		length |= (size_t)file[10] << 16 | (size_t)file[11] << 24;
	prefix += file[6] > 1 ? 4 : 2;
	if (length > HEADER_MAX || length > bytes - prefix)
		return kiln_why(
			why,
			"npy: a header of %zu bytes in a file of %zu. Fix: it is cut short or no npy; save it "
			"again",
			length, bytes);
	*out_scan = (struct scanner){.at = (const char *)file + prefix,
	                             .end = (const char *)file + prefix + length};
	*out_data = prefix + length;
	return true;
}

static bool copy_data(struct kiln_array *array, const uint8_t *data, size_t bytes, struct kiln_why *why)
{
	uint64_t expected;

	if (!expected_bytes(array, &expected))
		return kiln_why(why, "npy: the shape asks for more than %llu bytes. Fix: split the array",
		                KILN_ARRAY_BYTES_MAX);
	if (expected != bytes)
		return kiln_why(why,
		                "npy: the shape asks for %" PRIu64 " bytes of data, the file has %zu. "
		                "Fix: it is damaged or holds more than one array; save it again",
		                expected, bytes);
	array->bytes = bytes;
	if (!bytes)
		return true;
	array->data = malloc(bytes);
	if (!array->data)
		return kiln_why(why, "npy: out of memory for %zu bytes. Fix: use a smaller array", bytes);
	memcpy(array->data, data, bytes);
	return true;
}

bool kiln_npy_parse(const void *file, size_t bytes, struct kiln_array *out_array, struct kiln_why *why)
{
	struct kiln_array array = {0};
	struct header header = {0};
	struct scanner scan;
	size_t data = 0;

	if (!find_dict(file, bytes, &scan, &data, why))
		return false;
	if (!parse_dict(&scan, &header, &array))
		return kiln_why(why,
		                "npy: the header is not {'descr': ..., 'fortran_order': ..., 'shape': ...} "
		                "at byte %zu. "
		                "Fix: save a plain array, without structured types, with numpy.save()",
		                (size_t)(scan.at - (const char *)file));
	if (!find_type(header.descr, header.descr_length, &array.type, why))
		return false;
	if (header.fortran && array.dims > 1)
		return kiln_why(why, "npy: the array is in Fortran order, expected C order. "
		                     "Fix: save numpy.ascontiguousarray(a)");
	if (!copy_data(&array, (const uint8_t *)file + data, bytes - data, why))
		return false;
	*out_array = array;
	return true;
}

static const char *code_of(enum kiln_dtype type)
{
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (codes[i].type == type)
			return codes[i].code;
	return "u1";
}

static int print_dict(const struct kiln_array *array, char *text, size_t bytes)
{
	size_t size = kiln_dtype_size(array->type);
	int length = snprintf(text, bytes, "{'descr': '%c%s', 'fortran_order': False, 'shape': (",
	                      size == 1 ? '|' : '<', code_of(array->type));

	if (!array->dims)
		length += snprintf(text + length, bytes - (size_t)length, "%zu,", array->bytes / size);
	for (unsigned i = 0; i < array->dims; i++)
		length += snprintf(text + length, bytes - (size_t)length, "%" PRIu64 ",%s", array->shape[i],
		                   i + 1 < array->dims ? " " : "");
	return length + snprintf(text + length, bytes - (size_t)length, "), }");
}

uint8_t *kiln_npy_header(const struct kiln_array *array, size_t *out_bytes)
{
	char text[80 + 24 * KILN_ARRAY_DIMS];
	size_t length = (size_t)print_dict(array, text, sizeof text);
	size_t prefix = MAGIC_BYTES + 4;
	size_t total = (prefix + length + 1 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	uint8_t *header = malloc(total);

	if (!header)
		return NULL;
	memset(header, ' ', total);
	memcpy(header, MAGIC "\x01\x00", MAGIC_BYTES + 2);
	header[8] = (uint8_t)(total - prefix);
	header[9] = (uint8_t)((total - prefix) >> 8);
	memcpy(header + prefix, text, length);
	header[total - 1] = '\n';
	*out_bytes = total;
	return header;
}
