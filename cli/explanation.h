/* explanation.h - what `agop explain` found out, for all ways of telling it. */
#ifndef CLI_EXPLANATION_H
#define CLI_EXPLANATION_H

#include <jansson.h>

#include "cli.h"

typedef struct explanation {
    agop_model  *m;
    agop_table  *t;      /* the rows that are explained */
    int64_t      rows, columns, top;
    int64_t     *number; /* of the rows, in DATA, from 1 */
    int64_t     *output; /* what is explained of each: a target or a class */
    int          what;   /* AGOP_VALUE or AGOP_PROBA: where outputs have their names */
    int          each;   /* rows are told one by one */
    const char  *method;
    const char **name;   /* of the columns */
    int64_t     *place;  /* of the columns, in t */
    double      *part, *base, *value; /* rows x columns, rows, rows */
    int64_t      neighbours;
    agop_neighbour *near; /* rows x neighbours */
    double      *mean;   /* mean |part| of each column */
    int64_t     *order;  /* columns by that, the largest first */
} explanation;

enum { MOST_POINTS = 20 };

typedef struct curve { /* along a column, or a direction of several */
    const char *name;      /* the column, or the direction as a sentence */
    int64_t     column, points;
    double     *direction; /* a number per feature, or NULL */
    double      share;     /* of the trace of the AGOP, that the direction has */
    const char *level[MOST_POINTS]; /* of texts, else NULL */
    double      grid[MOST_POINTS], mean[MOST_POINTS], low[MOST_POINTS], high[MOST_POINTS];
} curve;

/* A cell of a row as text: at most 80 bytes. */
void    explanation_cell(char text[80], const explanation *x, int64_t row, int64_t column);
/* Columns to show. */
int64_t explanation_shown(const explanation *x, int64_t otherwise);

/* explain_partial.c: curves of these columns, or of `wanted` directions if columns is NULL, and all that is told of
 * them. */
int     explanation_partial(run *r, const explanation *x, const char *columns, int64_t wanted, const char *path,
                            int kind);

/* explain_picture.c: for png_or_svg; of one row its contributions, else the means of all rows. 0; -1: no memory. */
typedef struct curves_picture {
    const explanation *x;
    const curve       *c;
    int64_t            curves;
} curves_picture;

int draw_explanation(FILE *f, const void *what);
int draw_curves(FILE *f, const void *what);

void    explanation_print(FILE *f, const explanation *x);
void    explanation_csv(FILE *f, const explanation *x);
json_t *explanation_json(const explanation *x);

#endif
