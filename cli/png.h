/* png.h - an SVG as PNG, by the program rsvg-convert. */
#ifndef CLI_PNG_H
#define CLI_PNG_H

#include <stdio.h>

struct run;

/* A picture that draw writes as SVG (-1: no memory), as that or as PNG. 0, or an exit code with the sentence said. */
int png_or_svg(struct run *r, FILE *f, int png, int (*draw)(FILE *, const void *), const void *what);

#endif
