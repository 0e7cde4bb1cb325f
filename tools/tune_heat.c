/* Two tunables: a heat map. */
#include "tune_sheet.h"

#include <math.h>

static void cell_marks(const struct kiln_tune_sheet *sheet, const struct kiln_tune_candidate *candidate,
                       struct kiln_svg_box box)
{
	const char *ink = kiln_ratio_ink(candidate->ratio);
	double x = box.x + box.w - 9, y = box.y + 9;

	if (candidate == &sheet->story->report->candidates[0])
		kiln_svg_rect(sheet->file, (struct kiln_svg_box){box.x + 2, box.y + 2, box.w - 4, box.h - 4},
		              "none",
		              "stroke=\"" KILN_SVG_INK "\" stroke-width=\"1.6\" stroke-dasharray=\"4 3\"");
	if (candidate == &sheet->story->report->candidates[sheet->story->report->winner]) {
		kiln_svg_rect(sheet->file, box, "none", "stroke=\"" KILN_SVG_INK "\" stroke-width=\"3\"");
		kiln_svg_star(sheet->file, x - 1, y + 1, 6.5, ink);
	} else if (candidate->verdict == KILN_TUNE_TIE) {
		kiln_svg_equals(sheet->file, x, y, ink);
	}
}

static void draw_cell(const struct kiln_tune_sheet *sheet, const struct kiln_tune_candidate *candidate,
                      struct kiln_svg_box box)
{
	double x = box.x + box.w / 2, y = box.y + box.h / 2, size = sheet->cell_w >= 50 ? 14 : 11.5;
	char color[8], text[16];

	if (!candidate)
		return;
	if (candidate->verdict == KILN_TUNE_NOT_TRIED) {
		kiln_svg_rect(sheet->file, box, "#f7f8f9", "");
		fprintf(sheet->file,
		        "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"1.8\" fill=\"" KILN_SVG_PALE "\"/>\n", x, y);
		return;
	}
	if (kiln_tune_is_unusable(candidate) || candidate->ratio <= 0) {
		kiln_svg_rect(sheet->file, box, "url(#hatch)",
		              "stroke=\"" KILN_SVG_PALE "\" stroke-width=\"1\"");
		kiln_svg_text(sheet->file, x, y + size * 0.35, size - 1.5, KILN_SVG_SOFT, "middle", 600,
		              kiln_tune_unusable_word(candidate->verdict));
		return;
	}
	kiln_svg_rect(sheet->file, box, kiln_ratio_color(candidate->ratio, color), "");
	kiln_svg_text(sheet->file, x, y + size * 0.35, size, kiln_ratio_ink(candidate->ratio), "middle",
	              candidate->verdict == KILN_TUNE_WON ? 600 : 400,
	              kiln_ratio_text(candidate->ratio, text));
	cell_marks(sheet, candidate, box);
}

static void draw_cells(const struct kiln_tune_sheet *sheet)
{
	const struct kiln_tune_grid *grid = sheet->grid;

	for (size_t r = 0; r < grid->rows; r++)
		for (size_t c = 0; c < grid->columns; c++)
			draw_cell(sheet, grid->cells[r * grid->columns + c],
			          (struct kiln_svg_box){sheet->plot.x + (double)c * sheet->cell_w + 1.5,
			                                sheet->plot.y + (double)r * sheet->cell_h + 1.5,
			                                sheet->cell_w - 3, sheet->cell_h - 3});
}

static void draw_labels(const struct kiln_tune_sheet *sheet)
{
	const struct kiln_tune_grid *grid = sheet->grid;
	double bottom = sheet->plot.y + sheet->plot.h, middle = sheet->plot.y + sheet->plot.h / 2;

	for (size_t c = 0; c < grid->columns; c++)
		kiln_svg_text(sheet->file, sheet->plot.x + ((double)c + 0.5) * sheet->cell_w, bottom + 20, 14,
		              KILN_SVG_INK, "middle", 400, grid->x_labels[c]);
	for (size_t r = 0; r < grid->rows; r++)
		kiln_svg_text(sheet->file, sheet->plot.x - 10,
		              sheet->plot.y + ((double)r + 0.5) * sheet->cell_h + 5, 14, KILN_SVG_INK, "end",
		              400, grid->y_labels[r]);
	kiln_svg_text(sheet->file, sheet->plot.x + sheet->plot.w / 2, bottom + 44, 14, KILN_SVG_SOFT,
	              "middle", 600, grid->x_title);
	fprintf(sheet->file, "<g transform=\"rotate(-90 %.1f %.1f)\">", KILN_SHEET_MARGIN + 6, middle);
	kiln_svg_text(sheet->file, KILN_SHEET_MARGIN + 6, middle, 14, KILN_SVG_SOFT, "middle", 600,
	              grid->y_title);
	fputs("</g>\n", sheet->file);
}

void kiln_tune_lay_heat_out(struct kiln_tune_sheet *sheet)
{
	const struct kiln_tune_grid *grid = sheet->grid;
	double left = KILN_SHEET_MARGIN + 30 +
	              KILN_SVG_LETTER * (double)kiln_tune_longest(grid->y_labels, grid->rows) + 10;
	double least = KILN_SVG_LETTER * (double)kiln_tune_longest(grid->x_labels, grid->columns) + 10;

	sheet->cell_w = fmin(fmax((KILN_SHEET_WIDTH_MIN - left - KILN_SHEET_MARGIN) / (double)grid->columns,
	                          fmax(least, 46)),
	                     110);
	sheet->cell_h = fmin(fmax(380 / (double)grid->rows, 34), 56);
	sheet->plot = (struct kiln_svg_box){left, KILN_SHEET_TOP, sheet->cell_w * (double)grid->columns,
	                                    sheet->cell_h * (double)grid->rows};
	sheet->width = fmax(KILN_SHEET_WIDTH_MIN, left + sheet->plot.w + KILN_SHEET_MARGIN);
	sheet->height = sheet->plot.y + sheet->plot.h + 66;
}

void kiln_tune_draw_heat(const struct kiln_tune_sheet *sheet)
{
	draw_cells(sheet);
	draw_labels(sheet);
}
