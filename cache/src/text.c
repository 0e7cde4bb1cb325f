#include <cache/text.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct kiln_text kiln_text_start(char *out, size_t bytes)
{
	if (out == NULL)
		bytes = 0;
	if (bytes > 0)
		out[0] = '\0';
	return (struct kiln_text){.out = out, .bytes = bytes};
}

static void add_bytes(struct kiln_text *text, const char *more, size_t length)
{
	if (text->length + 1 < text->bytes) {
		size_t room = text->bytes - 1 - text->length;
		size_t taken = length < room ? length : room;

		memcpy(text->out + text->length, more, taken);
		text->out[text->length + taken] = '\0';
	}
	text->length += length;
}

void kiln_text_add(struct kiln_text *text, const char *more)
{
	add_bytes(text, more, strlen(more));
}

void kiln_text_format(struct kiln_text *text, const char *format, ...)
{
	size_t used = text->length < text->bytes ? text->length : text->bytes;
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(used < text->bytes ? text->out + used : NULL, text->bytes - used, format, args);
	va_end(args);
	if (length > 0)
		text->length += (size_t)length;
}

void kiln_text_escaped(struct kiln_text *text, const char *more)
{
	for (; *more != '\0'; more++) {
		unsigned char byte = (unsigned char)*more;

		if (byte <= ' ' || byte >= 0x7f || byte == '%' || byte == '=')
			kiln_text_format(text, "%%%02x", byte);
		else
			add_bytes(text, more, 1);
	}
}

void kiln_text_flags(struct kiln_text *text, uint32_t bits, const char *const *names, size_t count)
{
	const char *border = "";

	if (bits == 0)
		kiln_text_add(text, "none");
	for (unsigned bit = 0; bit < 32; bit++) {
		if ((bits & (UINT32_C(1) << bit)) == 0)
			continue;
		if (bit < count && names[bit] != NULL)
			kiln_text_format(text, "%s%s", border, names[bit]);
		else
			kiln_text_format(text, "%sbit%u", border, bit);
		border = "|";
	}
}
