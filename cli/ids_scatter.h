/* ids_scatter.h - one panel of the scatter plots: its dots, where they stand on the page, and the curve among them. */
#ifndef CLI_IDS_SCATTER_H
#define CLI_IDS_SCATTER_H

#include "ids_picture.h"

enum { PANEL_HIGH = 210, BINS = 20 };

typedef struct dots {
    int64_t     n;
    double     *x, *y;        /* rows that both have; by x */
    int64_t     first, every; /* those that are drawn */
    int         side;         /* of the pair x is on */
    const char *x_name, *y_name;
    double      mid[BINS], mean[BINS]; /* of equal numbers of rows */
    int         bins;
    double      explained; /* share of the variance of y */
} dots;

typedef struct frame {
    double left, top, width, low[2], high[2];
    double first[2], last[2]; /* of the dots */
} frame;

static inline double frame_x(const frame *a, double v)
{
    return a->left + (v - a->low[0]) / (a->high[0] - a->low[0]) * a->width;
}

static inline double frame_y(const frame *a, double v)
{
    return a->top + (a->high[1] - v) / (a->high[1] - a->low[1]) * PANEL_HIGH;
}

/* Where the winning functions are equal. 0, or -1: no memory. */
int draw_curve(FILE *f, const frame *a, const dots *d, const agop_ids *scores, const agop_winner *w,
               const char *stroke);

#endif
