/* ids_picture.h - pictures of agop ids: pairs as scatter plots, scores as a map, programs as a network. */
#ifndef CLI_IDS_PICTURE_H
#define CLI_IDS_PICTURE_H

#include <stdio.h>

#include "cli.h"

/* Before long work: do --picture-of and the rest fit together? */
int picture_check(run *r, int kind);

/* The pairs that are told, the strongest first. */
typedef struct pairs_picture {
    const agop_table *x, *y; /* y: the table of side 1 */
    const agop_ids   *d;
    const agop_pair  *pair;
    int64_t           pairs;
    agop_ctx         *ctx;
    int               winners; /* 1: the score is one of functions */
} pairs_picture;

int picture_of_pairs(run *r, FILE *f, int kind, const pairs_picture *p); /* kind: of result_file.h */
int picture_of_programs(run *r, FILE *f, int kind, const agop_ids *d, const agop_programs *p);

/* ---- the drawings, each for png_or_svg: 0, or -1: no memory ---- */

/* Those that Spearman's correlation sees least of first: means of one along the other, and what the score has found */
int draw_scatter(FILE *f, const void *what); /* pairs_picture */

typedef struct scores_picture {
    const agop_ids *d;
    const double   *score; /* all x all */
    int64_t         all, shown;
    const int64_t  *variable; /* shown */
} scores_picture;
int draw_heatmap(FILE *f, const void *what); /* scores_picture */

typedef struct network_picture {
    const agop_ids      *d;
    const agop_programs *p;
    const agop_pair     *pair; /* what ties them */
    int64_t              pairs;
    int                  any_sign; /* 0: only pairs that rise together */
} network_picture;
int draw_network(FILE *f, const void *what); /* network_picture */

#endif
