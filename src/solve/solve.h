/* solve.h - kernel ridge regression: (K + ridge W^-1) alpha = Y, with W the row weights (1 where there are none).
 *
 * Two ways:
 *   direct   the lower triangle of K is built, factored in place (Cholesky, n^3/3) and solved; K is the only n x n
 *            array. In single precision the residual is then computed in double from recomputed kernel values;
 *            refinement steps with the single-precision factor mend it. Leave-one-out residuals come in closed form,
 *            e_i = alpha_i / ((K + ridge W^-1)^-1)_ii, from the triangular inverse.
 *   cg       conjugate gradients with a preconditioner of low rank (cg.c): some tens of products with K, which is kept
 *            where memory allows and computed again, tile by tile, where it does not.
 * Where single precision does not suffice for either, the system is widened to double. */
#ifndef AGOP_SOLVE_H
#define AGOP_SOLVE_H

#include "kernel/metric.h"

enum { AGOP__SOLVER_AUTO, AGOP__SOLVER_DIRECT, AGOP__SOLVER_CG };

/* Rows under one metric. Host arrays are borrowed. */
typedef struct agop__system {
    agop_ctx           *ctx;
    const agop__metric *metric;
    agop__shape         shape;
    const void         *x; /* n x numeric, x_dtype */
    const int32_t      *code;
    const double       *Y;      /* n x c */
    const double       *weight; /* n, or NULL */
    int64_t             n, c;
    int32_t             x_dtype;
    int64_t             memory; /* what the process may hold, in bytes: looked at before an n x n array is made */
    int                 solver; /* AGOP__SOLVER_... */
    double              tolerance; /* of the residual, see AGOP__CLOSELY */
    uint64_t            seed;      /* of the pivots that precondition */
    /* made here */
    int32_t      dtype; /* arithmetic now: single, or double after widening */
    agop__map    map;
    agop__points points;
    agop__tile   K;
    int          values; /* K holds kernel values (lower triangle), not a factor */
} agop__system;

/* Fill the fields above `made here`, then prepare; dtype is the arithmetic to begin with. */
agop_status agop__system_prepare(agop__system *s, int32_t dtype);
void        agop__system_close(agop__system *s); /* frees what was made; a zeroed system is fine */
/* The same rows under another bandwidth: cheap. */
agop_status agop__system_bandwidth(agop__system *s, double bandwidth);
/* Give the n x n array back while it is not needed. */
void agop__system_release_matrix(agop__system *s);
/* Bytes of the n x n array. */
double agop__system_bytes(int64_t n, int32_t dtype);

typedef struct agop__solution {
    double *alpha;          /* n x c, caller's */
    int     warm;           /* alpha comes with a guess, which conjugate gradients begin from */
    double *loo;            /* n x c leave-one-out residuals y_i - f_-i(x_i), caller's, or NULL: not wanted */
    int64_t loo_first;      /* only rows loo_first .. n-1 are wanted: the work falls with the cube of their share */
    double  residual;       /* |Y - (K + ridge W^-1) alpha| / |Y|, worst column; -1: not looked at */
    int     refinements;    /* steps taken */
    int64_t steps;          /* of conjugate gradients; 0: solved directly */
    int64_t rank;           /* of their preconditioner */
    int     matrix_free;    /* they computed kernel values again in every step */
    double  seconds_kernel; /* added to */
    double  seconds_solve;
} agop__solution;

/* How closely the residual is looked at.
 *   UNCHECKED  not at all; a failed factorisation is AGOP_E_NUMERIC at once (a candidate ridge that does not work)
 *   ROUGHLY    once, in the system's own precision, which is enough for a metric: above 2e-3 it becomes CLOSELY
 *   CLOSELY    in double, refined towards `tolerance`; above 1e-4 (or `tolerance`, if that is more) the system is
 *              widened to double */
enum { AGOP__UNCHECKED, AGOP__ROUGHLY, AGOP__CLOSELY };
/* Leave-one-out residuals need the direct way; which way `auto` takes is said in cg.h. */
agop_status agop__solve(agop__solution *out, agop__system *s, double ridge, int check);

/* out (m x c, host) = k(x, rows of s) alpha (host, n x c), for host rows x (x_dtype of s) and code. */
agop_status agop__apply(double *out, agop__system *s, const void *x, const int32_t *code, int64_t m,
                        const double *alpha);

#endif
