/* Shapes and words of a picture, as SVG elements; and the colours of a time relative to another. */
#ifndef TOOLS_SVG_H
#define TOOLS_SVG_H

#include <stddef.h>
#include <stdio.h>

#define KILN_SVG_INK "#1c1f24"
#define KILN_SVG_SOFT "#5b626d"
#define KILN_SVG_PALE "#c4c9d1"
#define KILN_SVG_LETTER 7.6 /* width of one at 14 px, on average */

struct kiln_svg_box {
	double x, y, w, h;
};

/* Text as the content of an element. */
void kiln_svg_escape(FILE *file, const char *text);
/* `anchor`: start, middle or end; `weight`: 400 or 600. */
void kiln_svg_text(FILE *file, double x, double y, double size, const char *color, const char *anchor,
                   int weight, const char *text);
/* `more`: further attributes. */
void kiln_svg_rect(FILE *file, struct kiln_svg_box box, const char *fill, const char *more);
void kiln_svg_star(FILE *file, double x, double y, double radius, const char *color);
void kiln_svg_equals(FILE *file, double x, double y, const char *color);

/* Of UTF-8. */
size_t kiln_svg_letters(const char *text);

/* Of a ratio of times: below 1 is faster. */
const char *kiln_ratio_color(double ratio, char out_text[8]);
/* What can be read on that colour. */
const char *kiln_ratio_ink(double ratio);
/* All of them, as the stops of a gradient. */
void kiln_ratio_ramp(FILE *file);

#endif
