#include <stdarg.h>
#include <stdio.h>

#include <base/alloc.h>
#include <kiln/tune_report.h>

const char *kiln_tune_verdict_name(enum kiln_tune_verdict verdict)
{
	static const char *const names[] = {
		[KILN_TUNE_NOT_TRIED] = "not tried",
		[KILN_TUNE_DEFAULT] = "default",
		[KILN_TUNE_WON] = "won",
		[KILN_TUNE_TIE] = "tie",
		[KILN_TUNE_SLOWER] = "slower",
		[KILN_TUNE_UNSURE] = "unsure",
		[KILN_TUNE_CUT_EARLY] = "cut early",
		[KILN_TUNE_BELOW_FLOOR] = "below the clock's floor",
		[KILN_TUNE_FAILED] = "failed",
		[KILN_TUNE_WRONG] = "wrong output",
		[KILN_TUNE_HUNG] = "hung",
	};

	return (unsigned)verdict < sizeof(names) / sizeof(names[0]) ? names[verdict] : "?";
}

const char *kiln_tune_method_name(enum kiln_tune_method method)
{
	static const char *const names[] = {
		[KILN_TUNE_RACE] = "race",
		[KILN_TUNE_EXHAUSTIVE] = "exhaustive",
		[KILN_TUNE_RANDOM] = "random",
	};

	return (unsigned)method < sizeof(names) / sizeof(names[0]) ? names[method] : "?";
}

bool kiln_tune_verdict_is_final(enum kiln_tune_verdict verdict)
{
	return verdict == KILN_TUNE_WRONG || verdict == KILN_TUNE_HUNG;
}

struct text {
	char *out;
	size_t room, length;
};

KILN_PRINTF(2, 3)
static void append(struct text *text, const char *format, ...)
{
	size_t left = text->length < text->room ? text->room - text->length : 0;
	va_list args;
	int wrote;

	va_start(args, format);
	wrote = vsnprintf(left != 0 ? text->out + text->length : NULL, left, format, args);
	va_end(args);
	text->length += wrote > 0 ? (size_t)wrote : 0;
}

size_t kiln_tune_config_text(const struct kiln_tune_config *config, char *out_text, size_t bytes)
{
	struct text text = {out_text, bytes, 0};

	append(&text, "%ux%ux%u", config->workgroup[0], config->workgroup[1], config->workgroup[2]);
	if (config->unroll > 1)
		append(&text, " unroll %u", config->unroll);
	if (config->tile[0] != 0)
		append(&text, " tile %ux%ux%u", config->tile[0], config->tile[1], config->tile[2]);
	for (uint32_t i = 0; i < config->constant_count && i < KILN_TUNE_CONSTANTS; i++)
		if (!config->constants[i].named)
			append(&text, " #%u=%u", config->constants[i].id, config->constants[i].value);
	return text.length;
}

void kiln_tune_report_destroy(struct kiln_tune_report **report)
{
	if (report == NULL)
		return;
	/* One block: candidates and samples lie behind the report. */
	kiln_free(*report);
	*report = NULL;
}
