/* metric.h - the metric M of d(x,z)^2 = (x-z)' M (x-z), and rows made ready for distances under it.
 *
 * M is block diagonal: one block for the numeric coordinates and one for every categorical group (xRFM, arXiv
 * 2508.10053, treats categories so). A block is full (d x d) or diagonal (d numbers); the numeric one may be thin, M =
 * B'B + D with B r x d, which is how tables with more coordinates than rows are learned (the dual, dual.c). Blocks
 * live in host memory; rows live in the backend. */
#ifndef AGOP_KERNEL_METRIC_H
#define AGOP_KERNEL_METRIC_H

#include "backend/ops.h"

typedef struct agop__block {
    int64_t d;
    double *m;      /* d x d row-major; d numbers when the metric is diagonal or the block is thin */
    int64_t r;      /* thin: rows of the factor */
    void   *factor; /* thin: r x d, M = factor' factor + diag(m) */
} agop__block;

typedef struct agop__metric {
    int          diagonal;
    int          thin;  /* block 0 is: for tables with more coordinates than rows, where no d x d array may be formed */
    int32_t      dtype; /* of the factor */
    int32_t      blocks; /* 1 + groups; block 0 is numeric */
    agop__block *block;
} agop__metric;

/* levels: `groups` counts. All zero / the identity. */
agop_status agop__metric_zero(agop__metric *out, int64_t numeric, int32_t groups, const int32_t *levels, int diagonal,
                              agop__err *e);
agop_status agop__metric_identity(agop__metric *out, int64_t numeric, int32_t groups, const int32_t *levels,
                                  int diagonal, agop__err *e);
/* The identity with a thin numeric block: no factor yet, a diagonal of ones. */
agop_status agop__metric_thin(agop__metric *out, int64_t numeric, int32_t groups, const int32_t *levels, int32_t dtype,
                              agop__err *e);
/* Room for r rows in the factor of a thin metric, in place of what is there. */
agop_status agop__metric_widen(agop__metric *m, int64_t r, agop__err *e);
/* The diagonal of a block: d numbers. */
void        agop__metric_diagonal(double *out, const agop__metric *m, int32_t block);
/* Entry k of the factor, counted through its rows. */
static inline double agop__factor_at(const agop__metric *m, int64_t k)
{
    return m->dtype == AGOP_F32 ? (double)((const float *)m->block[0].factor)[k] : ((double *)m->block[0].factor)[k];
}
agop_status agop__metric_copy(agop__metric *out, const agop__metric *m, agop__err *e);
void        agop__metric_free(agop__metric *m);
int64_t     agop__metric_size(const agop__metric *m); /* coordinates in all blocks */
double      agop__metric_at(const agop__metric *m, int32_t block, int64_t i); /* diagonal entry i of a block */

/* The diagonal of m, as a diagonal metric. */
agop_status agop__metric_diagonal_of(agop__metric *out, const agop__metric *m, agop__err *e);

/* out += w m, two metrics of one shape; thin factors are put one below the other. */
agop_status agop__metric_add(agop__metric *out, const agop__metric *m, double w, agop__err *e);
/* M <- w M, w > 0 */
void agop__metric_scale_by(agop__metric *m, double w);
/* out = M v over all blocks, agop__metric_size numbers each. */
void agop__metric_times(double *out, const agop__metric *m, const double *v);

/* A diagonal entry that rounding left below zero (of a coordinate that does not matter) becomes zero, with its row and
 * column: a metric is positive semi-definite. Not for thin metrics, which are so by their form. */
void agop__metric_mend(agop__metric *m);
/* Divide by the largest entry, which is on the diagonal because M is positive semi-definite. 0: M is zero. */
int agop__metric_scale(agop__metric *m);
/* M <- (1-s) M + s diag(M), then .95 M + .05 mean(diag M) I; s = 0 does nothing. */
void agop__metric_shrink(agop__metric *m, double s);

/* A (d x d, positive semi-definite, host) becomes its lower triangular factor L, A = L L'. */
agop_status agop__factor_psd(double *A, agop_ctx *ctx, int64_t d);
/* The same A becomes its symmetric root. A radial kernel cannot tell the two apart; others see the axes, and theirs
 * are those of M^(1/2) x (xRFM). */
agop_status agop__root_psd(double *A, agop_ctx *ctx, int64_t d);

/* What a kernel is, apart from the metric. `height` is that of one-hot coordinates. */
typedef struct agop__shape {
    int32_t kind; /* AGOP__L2, AGOP__L1, AGOP__LPQ, AGOP__SUM */
    double  exponent, bandwidth, height;
    double  norm;      /* LPQ: p */
    double  const_mix; /* SUM: k = (const_mix + (1 - const_mix) mean_j exp(-|u_xj - u_zj|^q / L^q))^power */
    int32_t power;
} agop__shape;

/* The metric taken apart for the backend: M = F F' for the numeric block, tables of squared distances (L2), of powers
 * (L1, LPQ) or of what a mean of kernels falls short (SUM) for the groups. Made once per metric and precision; rows of
 * any number of tables can then be mapped. */
typedef struct agop__map {
    agop_ctx    *ctx;
    int32_t      dtype;
    agop__tile   F;        /* factor of the numeric block, numeric x numeric (u = F'x); thin: r x numeric (u = F x) */
    double      *root;     /* square roots of its diagonal part, where it has one (always, where F is empty) */
    int64_t      numeric;  /* coordinates of x */
    int64_t      all;      /* and the levels of all groups */
    int64_t      mapped;   /* coordinates of u: of F, then of the root */
    int64_t     *live;     /* of a diagonal metric with zeros: the coordinates of x that u has; NULL: all */
    int          thin;
    int32_t     *levels;
    agop__kernel kernel;   /* tables filled in; pass it to the backend */
    agop__tile  *tables, *steps;
} agop__map;

/* The coordinate of x behind coordinate i of u, where the metric is diagonal. */
static inline int64_t agop__map_coordinate(const agop__map *map, int64_t i)
{
    return map->live ? map->live[i] : i;
}

agop_status agop__map_make(agop__map *out, agop_ctx *ctx, const agop__metric *m, const agop__shape *shape,
                           int32_t dtype);
void        agop__map_free(agop__map *map);
/* The same map under another bandwidth, which the tables of SUM depend on. */
agop_status agop__map_bandwidth(agop__map *map, double bandwidth);
/* Rows of host arrays x (n x numeric, of x_dtype) and code (n x groups) as points u = F' x. */
agop_status agop__map_points(agop__points *out, const agop__map *map, const void *x, int32_t x_dtype,
                             const int32_t *code, int64_t n);
void        agop__points_free(agop__points *p, agop_ctx *ctx);
agop__points agop__points_rows(const agop__points *p, agop_ctx *ctx, int64_t first, int64_t count);

/* Median over all pairs of the points of the distance that the bandwidth divides (SUM: of the power mean of the
 * differences that it divides); never 0 (1 where all coincide). For
 * samples of about a thousand. */
agop_status agop__median_distance(double *out, const agop__map *map, const agop__points *p);

#endif
