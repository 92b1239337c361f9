/* reference.h - every operation of a backend as a plain loop in double, on host arrays.
 *
 * Beside each value stands how far a correct implementation in arithmetic of precision `eps` may be from it: the
 * rounding errors of the formula, bounded term by term, times a modest constant. */
#ifndef AGOP_TESTS_REFERENCE_H
#define AGOP_TESTS_REFERENCE_H

#include "backend/backend.h"

typedef struct ref_points {
    int64_t  n, r, g;
    double  *u;    /* n x r */
    int32_t *code; /* n x g */
} ref_points;

typedef struct ref_kernel {
    int32_t  kind, groups, levels[4];
    double   q, L, p; /* p of LPQ */
    double   share;   /* SUM */
    int32_t  power;
    double  *table[4]; /* (levels+1)^2, symmetric */
    double  *step[4];  /* levels, or (levels+1) x levels where points */
    int      points[4];
} ref_kernel;

/* What a difference of one coordinate adds to the sum. */
double ref_term(const ref_kernel *k, double difference);
/* k(x_i, z_j) and its tolerance; near: pairs up to near * (|u|^2 + |z|^2) apart come from differences. */
void ref_pair(const ref_kernel *k, const ref_points *x, int64_t i, const ref_points *z, int64_t j, double eps,
              double near, double *value, double *tolerance);
/* w_ij of an L2 gradient and its tolerance */
void ref_weight(const ref_kernel *k, const ref_points *x, int64_t i, const ref_points *z, int64_t j, double eps,
                double near, double *value, double *tolerance);
/* Y = k(x,z) A; x.n x c */
void ref_apply(const ref_kernel *k, const ref_points *x, const ref_points *z, const double *A, int64_t c, double eps,
               double near, double *Y, double *tolerance);
/* G as backend.h defines it, from its formulas; x.n x (c e) */
void ref_gradient(const ref_kernel *k, const ref_points *x, const ref_points *z, const double *A, int64_t c, double eps,
                  double near, double *G, double *tolerance);
/* C = a op(A) op(B) + b C, op(A) m x k; leading dimensions are the rows' lengths */
void ref_gemm(int ta, int tb, int64_t m, int64_t n, int64_t k, double a, const double *A, const double *B, double b,
              double *C, double eps, double *tolerance);
/* The lower factor of the symmetric A (n x n, lower triangle read), zeros above; the first bad row, or -1. */
int64_t ref_cholesky(const double *A, int64_t n, double *L);
/* B = (L L')^-1 B */
void ref_solve(const double *L, int64_t n, double *B, int64_t c);

#endif
