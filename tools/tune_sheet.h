/* The sheet that a heat map or bars are drawn on, and the words both use. */
#ifndef TOOLS_TUNE_SHEET_H
#define TOOLS_TUNE_SHEET_H

#include "svg.h"
#include "text_table.h"
#include "tune_axes.h"

#define KILN_SHEET_MARGIN 48.0
#define KILN_SHEET_WIDTH_MIN 1040.0
#define KILN_SHEET_TOP 128.0

struct kiln_tune_sheet {
	const struct kiln_tune_story *story;
	const struct kiln_tune_grid *grid;
	FILE *file;
	double width, height;
	struct kiln_svg_box plot; /* where cells or bars are */
	double cell_w, cell_h;
};

bool kiln_tune_is_unusable(const struct kiln_tune_candidate *candidate);
const char *kiln_tune_unusable_word(enum kiln_tune_verdict verdict);
const char *kiln_ratio_text(double ratio, char out_text[16]);

#define KILN_TIME_TEXT_BYTES (KILN_PRETTY_BYTES + 1)
const char *kiln_time_text(double ns, char out_text[KILN_TIME_TEXT_BYTES]);

/* Letters of the longest label. */
size_t kiln_tune_longest(char (*labels)[KILN_TUNE_LABEL_BYTES], size_t count);

/* Sets plot, cells and the height so far. */
void kiln_tune_lay_heat_out(struct kiln_tune_sheet *sheet);
void kiln_tune_draw_heat(const struct kiln_tune_sheet *sheet);
void kiln_tune_lay_bars_out(struct kiln_tune_sheet *sheet);
void kiln_tune_draw_bars(const struct kiln_tune_sheet *sheet);

#endif
