#include "tune_picture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text_table.h"

#define FONT "Inter, 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif"
#define INK "#1c1f24"
#define SOFT "#5b626d"
#define PALE "#c4c9d1"
#define MARGIN 48.0
#define WIDTH_MIN 1040.0
#define TOP 128.0
#define LETTER 7.6 /* width of one at 14 px, on average */

struct box {
	double x, y, w, h;
};

struct sheet {
	const struct kiln_tune_story *story;
	const struct kiln_tune_grid *grid;
	FILE *file;
	double width, height;
	struct box plot; /* where cells or bars are */
	double cell_w, cell_h;
};

/* ---- Small things ---- */

static void put_text(FILE *file, const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			fputc('?', file);
		else if (*text == '<' || *text == '>' || *text == '&' || *text == '"')
			fprintf(file, "&#%d;", *text);
		else
			fputc(*text, file);
	}
}

/* `anchor`: start, middle or end; `weight`: 400 or 600. */
static void text_at(FILE *file, double x, double y, double size, const char *color, const char *anchor,
                    int weight, const char *text)
{
	fprintf(file,
	        "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%.1f\" fill=\"%s\" text-anchor=\"%s\" font-weight=\"%d\">",
	        x, y, size, color, anchor, weight);
	put_text(file, text);
	fputs("</text>\n", file);
}

static size_t letters(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += (*text & 0xc0) != 0x80;
	return count;
}

/* From blue (faster) over white (the default's time) to orange (slower): told apart with every kind of colour blindness. */
static const unsigned char ramp[][3] = {{0x0b, 0x3c, 0x78}, {0x2b, 0x74, 0xb8}, {0x8f, 0xbf, 0xe3},
                                        {0xf3, 0xf4, 0xf5}, {0xf8, 0xc9, 0x8a}, {0xe0, 0x83, 0x2b},
                                        {0x9a, 0x44, 0x06}};
#define RAMP_STEPS (sizeof ramp / sizeof ramp[0] - 1)
#define RAMP_OCTAVES 2.0 /* on either side: a quarter to four times the default's time */

static double place_on_ramp(double ratio)
{
	double place = 0.5 + log2(ratio > 0 ? ratio : 1) / (2 * RAMP_OCTAVES);

	return place < 0 ? 0 : place > 1 ? 1 : place;
}

static void color_at(double place, double out_rgb[3])
{
	double at = place * RAMP_STEPS;
	size_t step = at >= RAMP_STEPS ? RAMP_STEPS - 1 : (size_t)at;

	for (int c = 0; c < 3; c++)
		out_rgb[c] = ramp[step][c] + (at - (double)step) * (ramp[step + 1][c] - ramp[step][c]);
}

static const char *color_of(double ratio, char out_text[8])
{
	double rgb[3];

	color_at(place_on_ramp(ratio), rgb);
	snprintf(out_text, 8, "#%02x%02x%02x", (unsigned)lround(rgb[0]) & 255, (unsigned)lround(rgb[1]) & 255,
	         (unsigned)lround(rgb[2]) & 255);
	return out_text;
}

static const char *ink_on(double ratio)
{
	double rgb[3];

	color_at(place_on_ramp(ratio), rgb);
	return 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] < 140 ? "#ffffff" : INK;
}

static void rect(FILE *file, struct box box, const char *fill, const char *more)
{
	fprintf(file,
	        "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"3\" fill=\"%s\" %s/>\n",
	        box.x, box.y, box.w, box.h, fill, more);
}

static void star(FILE *file, double x, double y, double radius, const char *color)
{
	fprintf(file, "<polygon fill=\"%s\" points=\"", color);
	for (int i = 0; i < 10; i++) {
		double angle = M_PI * (i / 5.0 - 0.5), r = i % 2 ? 0.42 * radius : radius;

		fprintf(file, "%.2f,%.2f ", x + r * cos(angle), y + r * sin(angle));
	}
	fputs("\"/>\n", file);
}

static void equals(FILE *file, double x, double y, const char *color)
{
	for (int i = -1; i <= 1; i += 2)
		fprintf(file,
		        "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" stroke-width=\"1.8\"/>\n",
		        x - 4, y + i * 2.2, x + 4, y + i * 2.2, color);
}

static bool is_unusable(const struct kiln_tune_candidate *candidate)
{
	return candidate->verdict >= KILN_TUNE_BELOW_FLOOR;
}

static const char *unusable_word(enum kiln_tune_verdict verdict)
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

static const char *ratio_text(double ratio, char out_text[16])
{
	snprintf(out_text, 16, ratio < 9.995 ? "%.2f" : ratio < 99.95 ? "%.1f" : "%.0f", ratio);
	return out_text;
}

#define TIME_BYTES (KILN_PRETTY_BYTES + 1)

/* As kiln_pretty_ns(), with the sign a picture can have. */
static const char *time_text(double ns, char out_text[TIME_BYTES])
{
	char plain[KILN_PRETTY_BYTES], *unit;

	kiln_pretty_ns((uint64_t)ns, plain);
	unit = strstr(plain, " us");
	snprintf(out_text, TIME_BYTES, "%.*s%s", (int)(unit ? unit - plain : KILN_PRETTY_BYTES), plain,
	         unit ? " \xc2\xb5s" : "");
	return out_text;
}

/* ---- The heat map ---- */

static void cell_marks(const struct sheet *sheet, const struct kiln_tune_candidate *candidate, struct box box)
{
	const char *ink = ink_on(candidate->ratio);
	double x = box.x + box.w - 9, y = box.y + 9;

	if (candidate == &sheet->story->report->candidates[0])
		rect(sheet->file, (struct box){box.x + 2, box.y + 2, box.w - 4, box.h - 4}, "none",
		     "stroke=\"" INK "\" stroke-width=\"1.6\" stroke-dasharray=\"4 3\"");
	if (candidate == &sheet->story->report->candidates[sheet->story->report->winner]) {
		rect(sheet->file, box, "none", "stroke=\"" INK "\" stroke-width=\"3\"");
		star(sheet->file, x - 1, y + 1, 6.5, ink);
	} else if (candidate->verdict == KILN_TUNE_TIE) {
		equals(sheet->file, x, y, ink);
	}
}

static void draw_cell(const struct sheet *sheet, const struct kiln_tune_candidate *candidate, struct box box)
{
	double x = box.x + box.w / 2, y = box.y + box.h / 2, size = sheet->cell_w >= 50 ? 14 : 11.5;
	char color[8], text[16];

	if (!candidate)
		return;
	if (candidate->verdict == KILN_TUNE_NOT_TRIED) {
		rect(sheet->file, box, "#f7f8f9", "");
		fprintf(sheet->file, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"1.8\" fill=\"" PALE "\"/>\n", x, y);
		return;
	}
	if (is_unusable(candidate) || candidate->ratio <= 0) {
		rect(sheet->file, box, "url(#hatch)", "stroke=\"" PALE "\" stroke-width=\"1\"");
		text_at(sheet->file, x, y + size * 0.35, size - 1.5, SOFT, "middle", 600,
		        unusable_word(candidate->verdict));
		return;
	}
	rect(sheet->file, box, color_of(candidate->ratio, color), "");
	text_at(sheet->file, x, y + size * 0.35, size, ink_on(candidate->ratio), "middle",
	        candidate->verdict == KILN_TUNE_WON ? 600 : 400, ratio_text(candidate->ratio, text));
	cell_marks(sheet, candidate, box);
}

static void draw_cells(const struct sheet *sheet)
{
	const struct kiln_tune_grid *grid = sheet->grid;

	for (size_t r = 0; r < grid->rows; r++)
		for (size_t c = 0; c < grid->columns; c++)
			draw_cell(sheet, grid->cells[r * grid->columns + c],
			          (struct box){sheet->plot.x + (double)c * sheet->cell_w + 1.5,
			                       sheet->plot.y + (double)r * sheet->cell_h + 1.5,
			                       sheet->cell_w - 3, sheet->cell_h - 3});
}

static void draw_heat_labels(const struct sheet *sheet)
{
	const struct kiln_tune_grid *grid = sheet->grid;
	double bottom = sheet->plot.y + sheet->plot.h, middle = sheet->plot.y + sheet->plot.h / 2;

	for (size_t c = 0; c < grid->columns; c++)
		text_at(sheet->file, sheet->plot.x + ((double)c + 0.5) * sheet->cell_w, bottom + 20, 14, INK,
		        "middle", 400, grid->x_labels[c]);
	for (size_t r = 0; r < grid->rows; r++)
		text_at(sheet->file, sheet->plot.x - 10,
		        sheet->plot.y + ((double)r + 0.5) * sheet->cell_h + 5, 14, INK, "end", 400,
		        grid->y_labels[r]);
	text_at(sheet->file, sheet->plot.x + sheet->plot.w / 2, bottom + 44, 14, SOFT, "middle", 600,
	        grid->x_title);
	fprintf(sheet->file, "<g transform=\"rotate(-90 %.1f %.1f)\">", MARGIN + 6, middle);
	text_at(sheet->file, MARGIN + 6, middle, 14, SOFT, "middle", 600, grid->y_title);
	fputs("</g>\n", sheet->file);
}

static size_t longest(char (*labels)[KILN_TUNE_LABEL_BYTES], size_t count)
{
	size_t most = 0;

	for (size_t i = 0; i < count; i++)
		if (letters(labels[i]) > most)
			most = letters(labels[i]);
	return most;
}

static void lay_heat_out(struct sheet *sheet)
{
	const struct kiln_tune_grid *grid = sheet->grid;
	double left = MARGIN + 30 + LETTER * (double)longest(grid->y_labels, grid->rows) + 10;
	double least = LETTER * (double)longest(grid->x_labels, grid->columns) + 10;

	sheet->cell_w = fmin(fmax((WIDTH_MIN - left - MARGIN) / (double)grid->columns, fmax(least, 46)), 110);
	sheet->cell_h = fmin(fmax(380 / (double)grid->rows, 34), 56);
	sheet->plot = (struct box){left, TOP, sheet->cell_w * (double)grid->columns,
	                           sheet->cell_h * (double)grid->rows};
	sheet->width = fmax(WIDTH_MIN, left + sheet->plot.w + MARGIN);
	sheet->height = sheet->plot.y + sheet->plot.h + 66;
}

/* ---- Bars ---- */

static double highest_ratio(const struct sheet *sheet)
{
	double most = 1;

	for (size_t i = 0; i < sheet->grid->columns; i++)
		if (!is_unusable(sheet->grid->cells[i]))
			most = fmax(most, fmin(sheet->grid->cells[i]->ratio, 4));
	return most;
}

static void draw_interval(const struct sheet *sheet, const struct kiln_tune_candidate *candidate, double y,
                          double scale)
{
	double low = sheet->plot.x + fmin(candidate->ratio_low * scale, sheet->plot.w);
	double high = sheet->plot.x + fmin(candidate->ratio_high * scale, sheet->plot.w);

	if (high - low < 2 || candidate->verdict == KILN_TUNE_CUT_EARLY)
		return;
	fprintf(sheet->file,
	        "<path d=\"M%.1f %.1fH%.1fM%.1f %.1fv8M%.1f %.1fv8\" stroke=\"" INK
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

static void draw_bar(const struct sheet *sheet, const struct kiln_tune_candidate *candidate, size_t row,
                     double scale)
{
	double y = sheet->plot.y + (double)row * sheet->cell_h, middle = y + sheet->cell_h / 2;
	double length = fmin(candidate->ratio * scale, sheet->plot.w), end = sheet->plot.x + length;
	char color[8], text[64], time[TIME_BYTES], number[16];
	bool best = candidate == &sheet->story->report->candidates[sheet->story->report->winner];

	text_at(sheet->file, sheet->plot.x - 12, middle + 5, 14, INK, "end", best ? 600 : 400,
	        sheet->grid->x_labels[row]);
	if (candidate->verdict == KILN_TUNE_NOT_TRIED) {
		text_at(sheet->file, sheet->plot.x + 8, middle + 5, 13, PALE, "start", 400, "not tried");
		return;
	}
	if (is_unusable(candidate) || candidate->ratio <= 0) {
		rect(sheet->file, (struct box){sheet->plot.x, y + 4, 90, sheet->cell_h - 8}, "url(#hatch)",
		     "stroke=\"" PALE "\"");
		text_at(sheet->file, sheet->plot.x + 45, middle + 5, 13, SOFT, "middle", 600,
		        unusable_word(candidate->verdict));
		return;
	}
	rect(sheet->file, (struct box){sheet->plot.x, y + 4, length, sheet->cell_h - 8},
	     color_of(candidate->ratio, color),
	     best ? "stroke=\"" INK "\" stroke-width=\"2.5\""
	     : candidate == &sheet->story->report->candidates[0]
	             ? "stroke=\"" INK "\" stroke-width=\"1.6\" stroke-dasharray=\"4 3\""
	             : "stroke=\"" PALE "\" stroke-width=\"0.8\"");
	draw_interval(sheet, candidate, middle, scale);
	if (candidate->verdict != KILN_TUNE_CUT_EARLY)
		end = fmax(end, sheet->plot.x + fmin(candidate->ratio_high * scale, sheet->plot.w));
	/* Numbers of what is faster stand in one column, clear of the default's line. */
	end = fmax(end, sheet->plot.x + scale);
	if (candidate->ratio * scale > sheet->plot.w)
		draw_break(sheet->file, sheet->plot.x + sheet->plot.w - 24, y + 3, sheet->cell_h - 6);
	snprintf(text, sizeof text, "%s  (%s)", ratio_text(candidate->ratio, number),
	         time_text(candidate->ns, time));
	text_at(sheet->file, end + 10, middle + 5, 14, INK, "start", best ? 600 : 400, text);
	end += 18 + LETTER * (double)letters(text);
	if (best)
		star(sheet->file, end + 4, middle, 7, INK);
	else if (candidate->verdict == KILN_TUNE_TIE)
		equals(sheet->file, end + 4, middle, INK);
}

static void draw_bars(const struct sheet *sheet)
{
	double most = highest_ratio(sheet), scale = sheet->plot.w / most, one = sheet->plot.x + scale;
	double bottom = sheet->plot.y + sheet->plot.h;

	fprintf(sheet->file,
	        "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"" SOFT
	        "\" stroke-width=\"1\" "
	        "stroke-dasharray=\"2 3\"/>\n",
	        one, sheet->plot.y - 4, one, bottom + 4);
	text_at(sheet->file, one, bottom + 20, 13, SOFT, "middle", 400, "1 = the default");
	text_at(sheet->file, sheet->plot.x, bottom + 20, 13, SOFT, "start", 400, "0");
	for (size_t i = 0; i < sheet->grid->columns; i++)
		draw_bar(sheet, sheet->grid->cells[i], i, scale);
	text_at(sheet->file, sheet->plot.x - 12, sheet->plot.y - 10, 13, SOFT, "end", 600,
	        sheet->grid->x_title);
}

static void lay_bars_out(struct sheet *sheet)
{
	double left = MARGIN + LETTER * (double)longest(sheet->grid->x_labels, sheet->grid->columns) + 20;

	left = fmax(left, MARGIN + 16 + 8.6 * (double)letters(sheet->grid->x_title));
	sheet->width = WIDTH_MIN;
	sheet->cell_h = fmin(fmax(400 / (double)sheet->grid->columns, 26), 40);
	sheet->plot = (struct box){left, TOP + 12, sheet->width - left - MARGIN - 170,
	                           sheet->cell_h * (double)sheet->grid->columns};
	sheet->height = sheet->plot.y + sheet->plot.h + 40;
}

/* ---- What is around it ---- */

static void draw_title(const struct sheet *sheet)
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
	text_at(sheet->file, MARGIN, 58, 26, INK, "start", 600, text);
	snprintf(
		text, sizeof text,
		"%s  \xc2\xb7  %u\xc3\x97%u\xc3\x97%u threads  \xc2\xb7  %zu of %zu configurations tried  \xc2\xb7  %s%s",
		story->device, story->threads[0], story->threads[1], story->threads[2], report->tried,
		report->candidate_count, story->date, report->provisional ? "  \xc2\xb7  provisional" : "");
	text_at(sheet->file, MARGIN, 86, 14.5, SOFT, "start", 400, text);
}

static void draw_scale(const struct sheet *sheet, double x, double y, double width)
{
	static const char *const ticks[] = {"\xc2\xbc", "\xc2\xbd", "1", "2", "4"};

	rect(sheet->file, (struct box){x, y, width, 14}, "url(#ramp)", "");
	for (int i = 0; i < 5; i++)
		text_at(sheet->file, x + width * i / 4.0, y + 31, 13, SOFT, "middle", 400, ticks[i]);
	text_at(sheet->file, x, y - 8, 13, SOFT, "start", 600, "time relative to the default");
}

/* One mark with its word; returns where the next one goes. */
static double key(const struct sheet *sheet, double x, double y, int kind, const char *word)
{
	struct box box = {x, y, 26, 18};

	switch (kind) {
	case 0:
		rect(sheet->file, box, "#ffffff", "stroke=\"" INK "\" stroke-width=\"2.5\"");
		star(sheet->file, x + 13, y + 9.5, 6, INK);
		break;
	case 1:
		rect(sheet->file, box, "#f3f4f5",
		     "stroke=\"" INK "\" stroke-width=\"1.6\" stroke-dasharray=\"4 3\"");
		break;
	case 2:
		rect(sheet->file, box, "#ffffff", "stroke=\"" PALE "\"");
		equals(sheet->file, x + 13, y + 9, INK);
		break;
	case 3:
		rect(sheet->file, box, "url(#hatch)", "stroke=\"" PALE "\"");
		break;
	default:
		rect(sheet->file, box, "#f7f8f9", "");
		fprintf(sheet->file, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"1.8\" fill=\"" PALE "\"/>\n",
		        x + 13, y + 9);
		break;
	}
	text_at(sheet->file, x + 34, y + 14, 13, SOFT, "start", 400, word);
	return x + 34 + 6.6 * (double)letters(word) + 22;
}

static bool any(const struct sheet *sheet, bool (*is)(const struct kiln_tune_candidate *candidate))
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

static bool has_gaps(const struct sheet *sheet)
{
	for (size_t i = 0; i < sheet->grid->columns * sheet->grid->rows; i++)
		if (!sheet->grid->cells[i])
			return true;
	return false;
}

static void draw_legend(struct sheet *sheet)
{
	double x = MARGIN + 8, y = sheet->height + 30;
	char hidden[64] = "", text[160];

	draw_scale(sheet, x, y, 210);
	x += 250;
	x = key(sheet, x, y - 4, 0, "chosen");
	x = key(sheet, x, y - 4, 1, "default");
	if (any(sheet, is_tie))
		x = key(sheet, x, y - 4, 2, "ties with it");
	if (any(sheet, is_unusable))
		x = key(sheet, x, y - 4, 3, "unusable");
	if (any(sheet, is_untried))
		x = key(sheet, x, y - 4, 4, "not tried");
	if (sheet->grid->hidden)
		snprintf(hidden, sizeof hidden, "%zu more configurations are not shown.",
		         sheet->grid->hidden);
	snprintf(text, sizeof text, "%s%s%s", hidden, *hidden ? " " : "",
	         has_gaps(sheet) ? "What is blank cannot be launched." : "");
	text_at(sheet->file, MARGIN + 258, y + 31, 13, SOFT, "start", 400, text);
	sheet->height = y + 58;
}

/* The reason, in as many lines as it takes. */
static void draw_reason(struct sheet *sheet)
{
	size_t room = (size_t)((sheet->width - 2 * MARGIN) / 6.6);
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
		text_at(sheet->file, MARGIN, sheet->height + 10, 13, SOFT, "start", 400, line);
		sheet->height += 20;
		at += cut;
		at += *at == ' ';
	}
	sheet->height += 22;
}

static void write_head(const struct sheet *sheet)
{
	char color[8];

	fprintf(sheet->file,
	        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" "
	        "font-family=\"" FONT "\">\n<title>",
	        sheet->width, sheet->height, sheet->width, sheet->height);
	put_text(sheet->file, sheet->story->kernel);
	fputs(" tuned on ", sheet->file);
	put_text(sheet->file, sheet->story->device);
	fputs("</title>\n<defs>\n<linearGradient id=\"ramp\">", sheet->file);
	for (size_t i = 0; i <= RAMP_STEPS; i++)
		fprintf(sheet->file, "<stop offset=\"%.3f\" stop-color=\"%s\"/>", (double)i / RAMP_STEPS,
		        color_of(exp2((2.0 * (double)i / RAMP_STEPS - 1) * RAMP_OCTAVES), color));
	fputs("</linearGradient>\n"
	      "<pattern id=\"hatch\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
	      "<rect width=\"7\" height=\"7\" fill=\"#ffffff\"/><rect width=\"1.4\" height=\"7\" fill=\"#dfe2e6\"/></pattern>\n"
	      "</defs>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
	      sheet->file);
}

/* Draws everything below the head, and learns the height. */
static void draw(struct sheet *sheet)
{
	bool bars = sheet->grid->rows == 1;

	(bars ? lay_bars_out : lay_heat_out)(sheet);
	draw_title(sheet);
	if (bars) {
		draw_bars(sheet);
	} else {
		draw_cells(sheet);
		draw_heat_labels(sheet);
	}
	draw_legend(sheet);
	draw_reason(sheet);
}

void kiln_tune_picture_write(const struct kiln_tune_story *story, const struct kiln_tune_grid *grid,
                             FILE *file)
{
	struct sheet sheet = {.story = story, .grid = grid};
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
