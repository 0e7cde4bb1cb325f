#include "tune_sheet.h"

#include <string.h>

bool kiln_tune_is_unusable(const struct kiln_tune_candidate *candidate)
{
	return candidate->verdict >= KILN_TUNE_BELOW_FLOOR;
}

const char *kiln_tune_unusable_word(enum kiln_tune_verdict verdict)
{
	switch (verdict) {
	case KILN_TUNE_WRONG:
		return "wrong";
	case KILN_TUNE_HUNG:
		return "hung";
	case KILN_TUNE_BELOW_FLOOR:
		return "too short";
	default:
		return "failed";
	}
}

const char *kiln_ratio_text(double ratio, char out_text[16])
{
	snprintf(out_text, 16, ratio < 9.995 ? "%.2f" : ratio < 99.95 ? "%.1f" : "%.0f", ratio);
	return out_text;
}

/* As kiln_pretty_ns(), with the sign a picture can have. */
const char *kiln_time_text(double ns, char out_text[KILN_TIME_TEXT_BYTES])
{
	char plain[KILN_PRETTY_BYTES], *unit;

	kiln_pretty_ns((uint64_t)ns, plain);
	unit = strstr(plain, " us");
	snprintf(out_text, KILN_TIME_TEXT_BYTES, "%.*s%s", (int)(unit ? unit - plain : KILN_PRETTY_BYTES),
	         plain, unit ? " \xc2\xb5s" : "");
	return out_text;
}

size_t kiln_tune_longest(char (*labels)[KILN_TUNE_LABEL_BYTES], size_t count)
{
	size_t most = 0;

	for (size_t i = 0; i < count; i++)
		if (kiln_svg_letters(labels[i]) > most)
			most = kiln_svg_letters(labels[i]);
	return most;
}
