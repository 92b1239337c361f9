/* png.h - an SVG as PNG, by the program rsvg-convert. */
#ifndef CLI_PNG_H
#define CLI_PNG_H

#include <stdio.h>

struct run;

/* `svg` is a file opened for reading and writing, written in full; the PNG goes to `out`. 0, or an exit code with
 * the sentence said. */
int png_render(struct run *r, FILE *svg, FILE *out);

#endif
