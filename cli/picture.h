/* picture.h - what a model looks at, drawn as SVG. */
#ifndef CLI_PICTURE_H
#define CLI_PICTURE_H

#include <stdint.h>
#include <stdio.h>

typedef struct picture {
    const char        *title;   /* one line above everything, or NULL */
    int64_t            columns; /* with importances that sum to 1, in any order */
    const char *const *column;
    const double      *importance;
    int64_t            features;
    const char *const *feature;
    int                vectors;       /* eigenvectors of the AGOP, the strongest first; at most 3 are drawn */
    const double      *share;         /* of the trace, per vector */
    const double      *loading;       /* vectors x features */
    int64_t            height, width; /* 0, or columns are the cells of an image, row by row */
} picture;

/* 0; -1: no memory. What goes wrong in writing stays in f (ferror). */
int picture_write(FILE *f, const void *p); /* a picture, for png_or_svg */

#endif
