/* What is around the heat map or the bars: title, legend, reason. */
#include "tune_picture.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "tune_sheet.h"

#define FONT "Inter, 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif"

/* What was cut ends with a whole character. */
static const char *whole(char *text)
{
	size_t at = strlen(text);

	while (at > 0 && (text[at - 1] & 0xc0) == 0x80)
		at--;
	if (at > 0 && !kiln_utf8_length(text + at - 1))
		text[at - 1] = '\0';
	return text;
}

static void draw_title(const struct kiln_tune_sheet *sheet)
{
	const struct kiln_tune_story *story = sheet->story;
	const struct kiln_tune_report *report = story->report;
	const struct kiln_tune_candidate *won = &report->candidates[report->winner];
	char name[KILN_TUNE_CONFIG_BYTES], text[640];

	if (report->winner && won->ratio > 0)
		snprintf(text, sizeof text, "%s: %.2f\xc3\x97 as fast with %s", story->kernel, 1 / won->ratio,
		         kiln_tune_config_short(&won->config, name));
	else
		snprintf(text, sizeof text, "%s: the default stays, %s", story->kernel,
		         kiln_tune_config_short(&report->candidates[0].config, name));
	kiln_svg_text(sheet->file, KILN_SHEET_MARGIN, 58, 26, KILN_SVG_INK, "start", 600, whole(text));
	snprintf(
		text, sizeof text,
		"%s  \xc2\xb7  %u\xc3\x97%u\xc3\x97%u threads  \xc2\xb7  %zu of %zu configurations tried  \xc2\xb7  %s%s",
		story->device, story->threads[0], story->threads[1], story->threads[2], report->tried,
		report->candidate_count, story->date, report->provisional ? "  \xc2\xb7  provisional" : "");
	kiln_svg_text(sheet->file, KILN_SHEET_MARGIN, 86, 14.5, KILN_SVG_SOFT, "start", 400, whole(text));
}

static void draw_scale(const struct kiln_tune_sheet *sheet, double x, double y, double width)
{
	static const char *const ticks[] = {"\xc2\xbc", "\xc2\xbd", "1", "2", "4"};

	kiln_svg_rect(sheet->file, (struct kiln_svg_box){x, y, width, 14}, "url(#ramp)", "");
	for (int i = 0; i < 5; i++)
		kiln_svg_text(sheet->file, x + width * i / 4.0, y + 31, 13, KILN_SVG_SOFT, "middle", 400,
		              ticks[i]);
	kiln_svg_text(sheet->file, x, y - 8, 13, KILN_SVG_SOFT, "start", 600, "time relative to the default");
}

/* One mark with its word; returns where the next one goes. */
static double key(const struct kiln_tune_sheet *sheet, double x, double y, int kind, const char *word)
{
	struct kiln_svg_box box = {x, y, 26, 18};

	switch (kind) {
	case 0:
		kiln_svg_rect(sheet->file, box, "#ffffff",
		              "stroke=\"" KILN_SVG_INK "\" stroke-width=\"2.5\"");
		kiln_svg_star(sheet->file, x + 13, y + 9.5, 6, KILN_SVG_INK);
		break;
	case 1:
		kiln_svg_rect(sheet->file, box, "#f3f4f5",
		              "stroke=\"" KILN_SVG_INK "\" stroke-width=\"1.6\" stroke-dasharray=\"4 3\"");
		break;
	case 2:
		kiln_svg_rect(sheet->file, box, "#ffffff", "stroke=\"" KILN_SVG_PALE "\"");
		kiln_svg_equals(sheet->file, x + 13, y + 9, KILN_SVG_INK);
		break;
	case 3:
		kiln_svg_rect(sheet->file, box, "url(#hatch)", "stroke=\"" KILN_SVG_PALE "\"");
		break;
	default:
		kiln_svg_rect(sheet->file, box, "#f7f8f9", "");
		fprintf(sheet->file,
		        "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"1.8\" fill=\"" KILN_SVG_PALE "\"/>\n", x + 13,
		        y + 9);
		break;
	}
	kiln_svg_text(sheet->file, x + 34, y + 14, 13, KILN_SVG_SOFT, "start", 400, word);
	return x + 34 + 6.6 * (double)kiln_svg_letters(word) + 22;
}

static bool any(const struct kiln_tune_sheet *sheet, bool (*is)(const struct kiln_tune_candidate *candidate))
{
	for (size_t i = 0; i < sheet->grid->columns * sheet->grid->rows; i++)
		if (sheet->grid->cells[i] && is(sheet->grid->cells[i]))
			return true;
	return false;
}

static bool is_tie(const struct kiln_tune_candidate *candidate)
{
	return candidate->verdict == KILN_TUNE_TIE;
}

static bool is_untried(const struct kiln_tune_candidate *candidate)
{
	return candidate->verdict == KILN_TUNE_NOT_TRIED;
}

static bool has_gaps(const struct kiln_tune_sheet *sheet)
{
	for (size_t i = 0; i < sheet->grid->columns * sheet->grid->rows; i++)
		if (!sheet->grid->cells[i])
			return true;
	return false;
}

static void draw_legend(struct kiln_tune_sheet *sheet)
{
	double x = KILN_SHEET_MARGIN + 8, y = sheet->height + 30;
	char hidden[64] = "", text[160];

	draw_scale(sheet, x, y, 210);
	x += 250;
	x = key(sheet, x, y - 4, 0, "chosen");
	x = key(sheet, x, y - 4, 1, "default");
	if (any(sheet, is_tie))
		x = key(sheet, x, y - 4, 2, "ties with it");
	if (any(sheet, kiln_tune_is_unusable))
		x = key(sheet, x, y - 4, 3, "unusable");
	if (any(sheet, is_untried))
		x = key(sheet, x, y - 4, 4, "not tried");
	if (sheet->grid->hidden)
		snprintf(hidden, sizeof hidden, "%zu more configurations are not shown.",
		         sheet->grid->hidden);
	snprintf(text, sizeof text, "%s%s%s", hidden, *hidden ? " " : "",
	         has_gaps(sheet) ? "What is blank cannot be launched." : "");
	kiln_svg_text(sheet->file, KILN_SHEET_MARGIN + 258, y + 31, 13, KILN_SVG_SOFT, "start", 400, text);
	sheet->height = y + 58;
}

/* The reason, in as many lines as it takes. */
static void draw_reason(struct kiln_tune_sheet *sheet)
{
	size_t room = (size_t)((sheet->width - 2 * KILN_SHEET_MARGIN) / 6.6);
	char reason[sizeof sheet->story->report->reason + 1], line[sizeof reason];
	const char *at = reason;

	snprintf(reason, sizeof reason, "%s.", sheet->story->report->reason);
	if (*reason >= 'a' && *reason <= 'z')
		*reason = (char)(*reason - 'a' + 'A');
	while (*at) {
		size_t length = strlen(at), cut = length;

		if (length > room) {
			for (cut = room; cut && at[cut] != ' '; cut--)
				;
			cut = cut ? cut : room;
		}
		snprintf(line, sizeof line, "%.*s", (int)(cut < sizeof line ? cut : sizeof line - 1), at);
		kiln_svg_text(sheet->file, KILN_SHEET_MARGIN, sheet->height + 10, 13, KILN_SVG_SOFT, "start",
		              400, line);
		sheet->height += 20;
		at += cut;
		at += *at == ' ';
	}
	sheet->height += 22;
}

static void write_head(const struct kiln_tune_sheet *sheet)
{
	fprintf(sheet->file,
	        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" "
	        "font-family=\"" FONT "\">\n<title>",
	        sheet->width, sheet->height, sheet->width, sheet->height);
	kiln_svg_escape(sheet->file, sheet->story->kernel);
	fputs(" tuned on ", sheet->file);
	kiln_svg_escape(sheet->file, sheet->story->device);
	fputs("</title>\n<defs>\n<linearGradient id=\"ramp\">", sheet->file);
	kiln_ratio_ramp(sheet->file);
	fputs("</linearGradient>\n"
	      "<pattern id=\"hatch\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
	      "<rect width=\"7\" height=\"7\" fill=\"#ffffff\"/><rect width=\"1.4\" height=\"7\" fill=\"#dfe2e6\"/></pattern>\n"
	      "</defs>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
	      sheet->file);
}

/* Draws everything below the head, and learns the height. */
static void draw(struct kiln_tune_sheet *sheet)
{
	bool bars = sheet->grid->rows == 1;

	(bars ? kiln_tune_lay_bars_out : kiln_tune_lay_heat_out)(sheet);
	draw_title(sheet);
	(bars ? kiln_tune_draw_bars : kiln_tune_draw_heat)(sheet);
	draw_legend(sheet);
	draw_reason(sheet);
}

void kiln_tune_picture_write(const struct kiln_tune_story *story, const struct kiln_tune_grid *grid,
                             FILE *file)
{
	struct kiln_tune_sheet sheet = {.story = story, .grid = grid};
	char *body = NULL;
	size_t bytes = 0;

	/* The height stands in the first line and is known at the last. */
	sheet.file = open_memstream(&body, &bytes);
	if (!sheet.file)
		return;
	draw(&sheet);
	if (fclose(sheet.file) == 0 && body) {
		sheet.file = file;
		write_head(&sheet);
		fwrite(body, 1, bytes, file);
		fputs("</svg>\n", file);
	}
	free(body);
}
