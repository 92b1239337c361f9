/* svg.h - what all pictures are made of: text, lines, labels of bars, scales. */
#ifndef CLI_SVG_H
#define CLI_SVG_H

#include <stdint.h>
#include <stdio.h>

#include "order.h"

enum {
    WIDTH  = 1000,
    MARGIN = 28,
    GAP    = 36, /* between the two columns of panels */
    PANEL  = (WIDTH - 2 * MARGIN - GAP) / 2,
    ROW    = 19, /* from one bar to the next */
    BAR    = 13,
    GUTTER = 170, /* most room for labels */
    TITLE  = 30,
    UNDER  = 17, /* a line below the title */
    SPACE  = 22, /* between panels */
    AXIS   = 44  /* ticks, their numbers, what they are */
};

#define INK        "#222222"
#define FAINT      "#d9d9d9"
#define IMPORTANCE "#3b6fa0"
#define POSITIVE   "#b2182b"
#define NEGATIVE   "#2166ac"

/* The opening of a picture and its title, or NULL; it ends with "</svg>". */
void svg_begin(FILE *f, double height, const char *title);
/* anchor: "start", "middle" or "end"; rest: further attributes, or "". */
void svg_text(FILE *f, double x, double y, const char *anchor, const char *rest, const char *s);
void svg_line(FILE *f, double x1, double y1, double x2, double y2, const char *colour);
/* A label that ends at x, with the whole name on hovering when it had to be cut. */
void svg_label(FILE *f, double x, double y, double most, const char *name);
void svg_title(FILE *f, double x, double y, const char *s);
void svg_under(FILE *f, double x, double y, double most, const char *s); /* the line below it, cut to that width */
/* 1, 2 or 5 times a power of ten, so that about `count` steps reach `top`. */
double svg_step(double top, int count);
/* Room for the labels of the first rows. */
double svg_gutter(const char *const *name, const ranked *r, int64_t rows);

/* Signed bars: of positive numbers alone to the right, else to both sides of 0. */
typedef struct svg_bars {
    const char        *title, *under, *axis; /* under: a smaller line below the title, or NULL */
    const char *const *name;
    const double      *value;
    const ranked      *order;
    int64_t            rows;    /* so many of the order */
    int                numbers; /* are written beside the bars */
} svg_bars;

void svg_bar_panel(FILE *f, const svg_bars *b, double x, double y, double width);
/* A number as people write it, with a true minus. */
void svg_number(FILE *f, double x, double y, const char *anchor, double v);

#endif
