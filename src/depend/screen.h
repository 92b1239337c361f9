/* screen.h - the largest of the K L correlations of every pair of variables of two blocks, with few of them computed in
 * full: products of bytes say which it may be. Private to this folder; see docs/ids.md. */
#ifndef AGOP_DEPEND_SCREEN_H
#define AGOP_DEPEND_SCREEN_H

#include "depend/ids.h"

typedef struct agop__pick { /* a correlation that may be the largest of its pair */
    int32_t row[2]; /* features of either block */
    int32_t pair;   /* of variables u and v: u b->variables + v */
} agop__pick;

typedef struct agop__screen {
    const agop__side  *s, *t; /* the two blocks at hand */
    const agop__block *a, *b;
    agop__tile         step[2];   /* of the features of either block, f64 */
    agop__tile         rows, sum; /* what was picked, as numbers of features, and their products */
    float             *near;      /* products of bytes: some rows of them */
    float             *error[2];  /* step / 2; below 0: of a feature that does not vary */
    agop__pick        *pick;
    int64_t           *start, *picked; /* of a left panel and a strip of right ones: where its picks begin, and how many
                                          there are */
    int64_t            shares;         /* such panels and strips */
    double            *value;          /* of each pick */
} agop__screen;

/* For blocks of s and t of tables as long as that of s; *out is empty where none of them can be screened. */
agop_status agop__screen_open(agop__screen *out, agop_ctx *ctx, const agop__side *s, const agop__side *t);
void        agop__screen_close(agop__screen *x, agop_ctx *ctx);
int         agop__screen_fits(const agop__side *s, const agop__block *b); /* with another that does */

/* Of two blocks: begin; add_bytes for all rows, some at a time, and after the first of them perhaps try; pick;
 * add_picks for the same rows once more; join. */
agop_status agop__screen_begin(agop__screen *x, agop_ctx *ctx, const agop__side *s, const agop__block *a,
                               const agop__side *t, const agop__block *b);
/* G: the products; A and B: features in rows first, first + 1, ... of the tables; they are one where the blocks are. */
agop_status agop__screen_add_bytes(agop__screen *x, agop_ctx *ctx, agop__tile *G, const agop__tile *A,
                                   const agop__tile *B, int64_t first);
/* After so many rows: does it seem worth while? *few as below, of some of the pairs. */
agop_status agop__screen_try(int *few, agop__screen *x, agop_ctx *ctx, agop__tile *G, int64_t rows);
/* *few: 0 where so many may be the largest that it is faster to compute all of them. */
agop_status agop__screen_pick(int *few, agop__screen *x, agop_ctx *ctx, agop__tile *G);
agop_status agop__screen_add_picks(agop__screen *x, agop_ctx *ctx, const agop__tile *A, const agop__tile *B);
/* pairs (a->variables x b->variables): each becomes the size of its largest correlation, where that is larger. */
agop_status agop__screen_join(double *pairs, agop__screen *x, agop_ctx *ctx);

#endif
