/* One tunable: bars. */
#include "tune_sheet.h"

#include <math.h>

static double highest_ratio(const struct kiln_tune_sheet *sheet)
{
	double most = 1;

	for (size_t i = 0; i < sheet->grid->columns; i++)
		if (!kiln_tune_is_unusable(sheet->grid->cells[i]))
			most = fmax(most, fmin(sheet->grid->cells[i]->ratio, 4));
	return most;
}

static void draw_interval(const struct kiln_tune_sheet *sheet, const struct kiln_tune_candidate *candidate,
                          double y, double scale)
{
	double low = sheet->plot.x + fmin(candidate->ratio_low * scale, sheet->plot.w);
	double high = sheet->plot.x + fmin(candidate->ratio_high * scale, sheet->plot.w);

	if (high - low < 2 || candidate->verdict == KILN_TUNE_CUT_EARLY)
		return;
	fprintf(sheet->file,
	        "<path d=\"M%.1f %.1fH%.1fM%.1f %.1fv8M%.1f %.1fv8\" stroke=\"" KILN_SVG_INK
	        "\" stroke-width=\"1.2\"/>\n",
	        low, y, high, low, y - 4, high, y - 4);
}

/* What is too long to show goes on behind it. */
static void draw_break(FILE *file, double x, double y, double height)
{
	for (int i = 0; i < 2; i++, x += 8)
		fprintf(file,
		        "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#ffffff\" "
		        "stroke-width=\"3\"/>\n",
		        x + 6, y, x, y + height);
}

static void draw_bar(const struct kiln_tune_sheet *sheet, const struct kiln_tune_candidate *candidate,
                     size_t row, double scale)
{
	double y = sheet->plot.y + (double)row * sheet->cell_h, middle = y + sheet->cell_h / 2;
	double length = fmin(candidate->ratio * scale, sheet->plot.w), end = sheet->plot.x + length;
	char color[8], text[64], time[KILN_TIME_TEXT_BYTES], number[16];
	bool best = candidate == &sheet->story->report->candidates[sheet->story->report->winner];

	kiln_svg_text(sheet->file, sheet->plot.x - 12, middle + 5, 14, KILN_SVG_INK, "end", best ? 600 : 400,
	              sheet->grid->x_labels[row]);
	if (candidate->verdict == KILN_TUNE_NOT_TRIED) {
		kiln_svg_text(sheet->file, sheet->plot.x + 8, middle + 5, 13, KILN_SVG_PALE, "start", 400,
		              "not tried");
		return;
	}
	if (kiln_tune_is_unusable(candidate) || candidate->ratio <= 0) {
		kiln_svg_rect(sheet->file, (struct kiln_svg_box){sheet->plot.x, y + 4, 90, sheet->cell_h - 8},
		              "url(#hatch)", "stroke=\"" KILN_SVG_PALE "\"");
		kiln_svg_text(sheet->file, sheet->plot.x + 45, middle + 5, 13, KILN_SVG_SOFT, "middle", 600,
		              kiln_tune_unusable_word(candidate->verdict));
		return;
	}
	kiln_svg_rect(sheet->file, (struct kiln_svg_box){sheet->plot.x, y + 4, length, sheet->cell_h - 8},
	              kiln_ratio_color(candidate->ratio, color),
	              best ? "stroke=\"" KILN_SVG_INK "\" stroke-width=\"2.5\""
	              : candidate == &sheet->story->report->candidates[0]
	                      ? "stroke=\"" KILN_SVG_INK "\" stroke-width=\"1.6\" stroke-dasharray=\"4 3\""
	                      : "stroke=\"" KILN_SVG_PALE "\" stroke-width=\"0.8\"");
	draw_interval(sheet, candidate, middle, scale);
	if (candidate->verdict != KILN_TUNE_CUT_EARLY)
		end = fmax(end, sheet->plot.x + fmin(candidate->ratio_high * scale, sheet->plot.w));
	/* Numbers of what is faster stand in one column, clear of the default's line. */
	end = fmax(end, sheet->plot.x + scale);
	if (candidate->ratio * scale > sheet->plot.w)
		draw_break(sheet->file, sheet->plot.x + sheet->plot.w - 24, y + 3, sheet->cell_h - 6);
	snprintf(text, sizeof text, "%s  (%s)", kiln_ratio_text(candidate->ratio, number),
	         kiln_time_text(candidate->ns, time));
	kiln_svg_text(sheet->file, end + 10, middle + 5, 14, KILN_SVG_INK, "start", best ? 600 : 400, text);
	end += 18 + KILN_SVG_LETTER * (double)kiln_svg_letters(text);
	if (best)
		kiln_svg_star(sheet->file, end + 4, middle, 7, KILN_SVG_INK);
	else if (candidate->verdict == KILN_TUNE_TIE)
		kiln_svg_equals(sheet->file, end + 4, middle, KILN_SVG_INK);
}

void kiln_tune_draw_bars(const struct kiln_tune_sheet *sheet)
{
	double most = highest_ratio(sheet), scale = sheet->plot.w / most, one = sheet->plot.x + scale;
	double bottom = sheet->plot.y + sheet->plot.h;

	fprintf(sheet->file,
	        "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"" KILN_SVG_SOFT
	        "\" stroke-width=\"1\" "
	        "stroke-dasharray=\"2 3\"/>\n",
	        one, sheet->plot.y - 4, one, bottom + 4);
	kiln_svg_text(sheet->file, one, bottom + 20, 13, KILN_SVG_SOFT, "middle", 400, "1 = the default");
	kiln_svg_text(sheet->file, sheet->plot.x, bottom + 20, 13, KILN_SVG_SOFT, "start", 400, "0");
	for (size_t i = 0; i < sheet->grid->columns; i++)
		draw_bar(sheet, sheet->grid->cells[i], i, scale);
	kiln_svg_text(sheet->file, sheet->plot.x - 12, sheet->plot.y - 10, 13, KILN_SVG_SOFT, "end", 600,
	              sheet->grid->x_title);
}

void kiln_tune_lay_bars_out(struct kiln_tune_sheet *sheet)
{
	double left =
		KILN_SHEET_MARGIN +
		KILN_SVG_LETTER * (double)kiln_tune_longest(sheet->grid->x_labels, sheet->grid->columns) + 20;

	left = fmax(left, KILN_SHEET_MARGIN + 16 + 8.6 * (double)kiln_svg_letters(sheet->grid->x_title));
	sheet->width = KILN_SHEET_WIDTH_MIN;
	sheet->cell_h = fmin(fmax(400 / (double)sheet->grid->columns, 26), 40);
	sheet->plot = (struct kiln_svg_box){left, KILN_SHEET_TOP + 12,
	                                    sheet->width - left - KILN_SHEET_MARGIN - 170,
	                                    sheet->cell_h * (double)sheet->grid->columns};
	sheet->height = sheet->plot.y + sheet->plot.h + 40;
}
