#include "svg.h"

#include <math.h>

#include "json.h"

void kiln_svg_escape(FILE *file, const char *text)
{
	size_t length;

	for (; *text; text += length ? length : 1) {
		length = kiln_utf8_length(text);
		if (!length)
			fputs("\xef\xbf\xbd", file); /* U+FFFD for what is no UTF-8 */
		else if ((unsigned char)*text < 0x20 || *text == 0x7f)
			fputc('?', file);
		else if (*text == '<' || *text == '>' || *text == '&' || *text == '"')
			fprintf(file, "&#%d;", *text);
		else
			fwrite(text, 1, length, file);
	}
}

void kiln_svg_text(FILE *file, double x, double y, double size, const char *color, const char *anchor,
                   int weight, const char *text)
{
	fprintf(file,
	        "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%.1f\" fill=\"%s\" text-anchor=\"%s\" font-weight=\"%d\">",
	        x, y, size, color, anchor, weight);
	kiln_svg_escape(file, text);
	fputs("</text>\n", file);
}

size_t kiln_svg_letters(const char *text)
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

const char *kiln_ratio_color(double ratio, char out_text[8])
{
	double rgb[3];

	color_at(place_on_ramp(ratio), rgb);
	snprintf(out_text, 8, "#%02x%02x%02x", (unsigned)lround(rgb[0]) & 255, (unsigned)lround(rgb[1]) & 255,
	         (unsigned)lround(rgb[2]) & 255);
	return out_text;
}

const char *kiln_ratio_ink(double ratio)
{
	double rgb[3];

	color_at(place_on_ramp(ratio), rgb);
	return 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] < 140 ? "#ffffff" : KILN_SVG_INK;
}

void kiln_svg_rect(FILE *file, struct kiln_svg_box box, const char *fill, const char *more)
{
	fprintf(file,
	        "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"3\" fill=\"%s\" %s/>\n",
	        box.x, box.y, box.w, box.h, fill, more);
}

void kiln_svg_star(FILE *file, double x, double y, double radius, const char *color)
{
	fprintf(file, "<polygon fill=\"%s\" points=\"", color);
	for (int i = 0; i < 10; i++) {
		double angle = M_PI * (i / 5.0 - 0.5), r = i % 2 ? 0.42 * radius : radius;

		fprintf(file, "%.2f,%.2f ", x + r * cos(angle), y + r * sin(angle));
	}
	fputs("\"/>\n", file);
}

void kiln_svg_equals(FILE *file, double x, double y, const char *color)
{
	for (int i = -1; i <= 1; i += 2)
		fprintf(file,
		        "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" stroke-width=\"1.8\"/>\n",
		        x - 4, y + i * 2.2, x + 4, y + i * 2.2, color);
}

void kiln_ratio_ramp(FILE *file)
{
	char color[8];

	for (size_t i = 0; i <= RAMP_STEPS; i++)
		fprintf(file, "<stop offset=\"%.3f\" stop-color=\"%s\"/>", (double)i / RAMP_STEPS,
		        kiln_ratio_color(exp2((2.0 * (double)i / RAMP_STEPS - 1) * RAMP_OCTAVES), color));
}
