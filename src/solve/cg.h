/* cg.h - what the ways of solving share, and the iterative one. Private to this folder.
 *
 * Preconditioner (precondition.c): K ~ F F' by randomly pivoted Cholesky (Chen, Epperly, Tropp, Webber, arXiv
 * 2207.06503; as preconditioner arXiv 2304.12465), and
 *
 *   P = F F' + D,   D_i = ridge / w_i + trace(K - F F') / n
 *
 * The second part of D matters: a Laplace kernel has a long tail of eigenvalues far above any usual ridge, and with D =
 * ridge alone that tail would be all condition number. P^-1 is by Woodbury, with an array of rank x rank. */
#ifndef AGOP_SOLVE_CG_H
#define AGOP_SOLVE_CG_H

#include "solve/solve.h"

#define AGOP__SOLVE_GOOD 1e-4  /* a residual, in double, that is taken */
#define AGOP__SOLVE_ROUGH 2e-3 /* for coefficients of which only the average of squared slopes is wanted */

typedef struct agop__preconditioner {
    agop_ctx  *ctx;
    int64_t    n, rank;
    agop__tile F;     /* n x rank, rows divided by the roots of D */
    agop__tile C;     /* Cholesky factor of I + F'F */
    double    *scale; /* 1 / root of D */
} agop__preconditioner;

/* rank: at most; fewer where the rows span less. */
agop_status agop__precondition(agop__preconditioner *out, agop__system *s, double ridge, int64_t rank);
/* z = P^-1 r, host arrays n x c. */
agop_status agop__precondition_apply(double *z, agop__preconditioner *p, const double *r, int64_t c);
void        agop__precondition_free(agop__preconditioner *p);

/* solve.c: s->K becomes the factor of K + ridge W^-1. */
agop_status agop__factor(agop__solution *out, agop__system *s, double ridge);
/* delta = (L L')^-1 r, host arrays n x c. */
agop_status agop__back_substitute(double *delta, agop__system *s, const double *r);
/* Rows first .. n-1 of the diagonal of (L L')^-1; the factor is lost. */
agop_status agop__inverse_diagonal(double *diag, agop__system *s, int64_t first);
/* Everything again in double. */
agop_status agop__widen(agop__system *s, double ridge, int matrix_free);
/* r = Y - (K + ridge W^-1) alpha from kernel values computed again in precision `real`, and its share of Y,
 * worst column. */
agop_status agop__residual(double *r, double *worst, agop__system *s, double ridge, const double *alpha, int32_t real);

/* Is this solve one for conjugate gradients? By `solver`; auto: from 4000 rows on, or where K does not fit, and never
 * where leave-one-out residuals are wanted or nobody checks. */
int agop__cg_wanted(const agop__system *s, const agop__solution *out, int check);
/* Solve. AGOP_E_NUMERIC: not to the residual that `check` asks for. *slow: they were left because n/200 steps did not
 * suffice, where the direct way is open and will be faster; s->K holds the lower triangle of K. */
agop_status agop__cg(agop__solution *out, agop__system *s, double ridge, int check, int *slow);

#endif
