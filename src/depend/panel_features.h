/* panel_features.h - features of a panel of variables, as the backend makes them: what scores and tails are made of.
 * Private to this folder. */
#ifndef AGOP_DEPEND_PANEL_FEATURES_H
#define AGOP_DEPEND_PANEL_FEATURES_H

#include "depend/ids.h"

/* All rows; of sparse variables those that are not 0, one after another; the cell 0. */
enum { AGOP__CELLS, AGOP__NONZEROS, AGOP__ZERO };

typedef struct agop__taking {
    const agop__side     *s;
    const agop__panel    *panel;
    const agop__ids_plan *plan;
    double               *to; /* units x n */
    int64_t               first, n;
    int                   what;
} agop__taking;

typedef struct agop__room { /* values of a panel, on both sides of the seam */
    double    *host;
    agop__tile x;
} agop__room;

agop_status agop__room_open(agop__room *r, agop_ctx *ctx, int64_t n);
void        agop__room_close(agop__room *r, agop_ctx *ctx);

/* Scaled values of a panel, and the terms that are made of them. */
typedef struct agop__laid {
    agop__tile  x, shift, factor;
    agop__terms terms;
} agop__laid;

agop_status agop__lay_out(agop__laid *l, agop_ctx *ctx, agop__room *r, const agop__taking *t, const agop__block *b);
void        agop__take_up(agop__laid *l, agop_ctx *ctx);
/* Z: the features, pairwise as op_terms has them. */
agop_status agop__spread_panel(agop__tile *Z, agop_ctx *ctx, agop__room *r, const agop__taking *t,
                               const agop__block *b, int pairwise);

/* moments.c: shifts and factors of all panels; what else is asked of them, tails and rounding. */
agop_status agop__learn_features(agop__side *s, agop_ctx *ctx, const agop__ids_plan *plan);

#endif
