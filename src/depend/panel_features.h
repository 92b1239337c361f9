/* panel_features.h - features of panels of variables, as the backend makes them: what scores and tails are made of.
 * Private to this folder. */
#ifndef AGOP_DEPEND_PANEL_FEATURES_H
#define AGOP_DEPEND_PANEL_FEATURES_H

#include "depend/ids.h"

/* All rows; of sparse variables those that are not 0, one after another; the cell 0. */
enum { AGOP__CELLS, AGOP__NONZEROS, AGOP__ZERO };

/* Rows first .. first + n - 1 of what is looked at of all units of a group. */
typedef struct agop__taking {
    const agop__side     *s;
    const agop__block    *g;
    const agop__ids_plan *plan;
    int64_t               first, n;
    int                   what;
} agop__taking;

/* Panels of b from number `at` on whose values are taken together: some, so that threads have enough to share; of
 * sparse ones each for itself, because some have more non-zeros than others. */
agop__block agop__group_at(const agop__block *b, int64_t at);
int64_t     agop__group_units(const agop__side *s, const agop__block *g); /* 0: all its variables are categories that no
                                                                             row has */

typedef struct agop__room { /* values of a group, units x rows, on both sides of the seam */
    double    *host;
    agop__tile x;
} agop__room;

/* For n rows at most of any group of s, and of t. */
agop_status agop__room_open(agop__room *r, agop_ctx *ctx, const agop__side *s, const agop__side *t, int64_t n);
void        agop__room_close(agop__room *r, agop_ctx *ctx);
agop_status agop__take_values(agop__room *r, agop_ctx *ctx, const agop__taking *t);

/* Values of one panel of what was taken, and the terms that are made of them. */
typedef struct agop__laid {
    agop__tile  x, shift, factor;
    agop__terms terms;
} agop__laid;

agop_status agop__lay_out(agop__laid *l, agop_ctx *ctx, agop__room *r, const agop__taking *t, const agop__panel *p);
void        agop__take_up(agop__laid *l, agop_ctx *ctx);
/* Z: the features of what t says of its group, pairwise as op_terms has them, panel after panel. */
agop_status agop__group_features(agop__tile *Z, agop_ctx *ctx, agop__room *r, const agop__taking *t, int pairwise);
/* Of all rows first .. first + n - 1 of a block. */
agop_status agop__block_features(agop__tile *Z, agop_ctx *ctx, agop__room *r, const agop__side *s, const agop__block *b,
                                 int pairwise, int64_t first, int64_t n, const agop__ids_plan *plan);

/* moments.c: shifts and factors of all panels; what else is asked of them, tails and rounding. */
agop_status agop__learn_features(agop__side *s, agop_ctx *ctx, const agop__ids_plan *plan);

#endif
