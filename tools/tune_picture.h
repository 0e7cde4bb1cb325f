/* A tuning run as a picture for a slide: a heat map, or bars where only one thing was tuned. */
#ifndef TOOLS_TUNE_PICTURE_H
#define TOOLS_TUNE_PICTURE_H

#include <stdio.h>

#include "tune_axes.h"

/* Writes SVG 1.1 with nothing outside it: no fonts, styles or scripts to fetch. */
void kiln_tune_picture_write(const struct kiln_tune_story *story, const struct kiln_tune_grid *grid,
                             FILE *file);

#endif
