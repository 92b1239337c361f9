/* tails.h - how improbable an InterDependence Score is between independent columns, without permutations.
 *
 * Under independence sqrt(n) times the terms x terms correlations of two columns is asymptotically Gaussian, with the
 * covariance R_x (x) R_y of the features' own correlations. What is needed of one column is kept in an agop__null, so
 * that a pair costs a fraction of a millisecond. Everything is stated as log10 p: p may be far below the least double.
 * No function here allocates or fails: any number of threads may call them. */
#ifndef AGOP_DEPEND_TAILS_H
#define AGOP_DEPEND_TAILS_H

#include "backend/backend.h"

/* One column: the correlations of its features. */
typedef struct agop__null {
    int    terms, active;                            /* features; those that are not constant */
    double eigen[AGOP__TERMS_MOST];                  /* of the correlations, falling */
    double corr[AGOP__TERMS_MOST * AGOP__TERMS_MOST]; /* terms x terms */
    double root[AGOP__TERMS_MOST * AGOP__TERMS_MOST]; /* corr = root root' */
    double skew[AGOP__TERMS_MOST];                   /* sizes of the features' skewness, when it was told */
    double along;                                    /* variance of a sum of features, their signs well chosen */
} agop__null;

/* corr: terms x terms, 1 <= terms <= AGOP__TERMS_MOST; a constant feature has zeros in its row and column, its
 * diagonal entry too. Only the lower triangle is read; a diagonal above 0 is taken for 1. */
void agop__null_make(agop__null *out, const double *corr, int terms);
/* The third moments of the standardised features, mean ((phi - mean) / deviation)^3. Without them p is far too small
 * where few rows differ from all others: sparse columns, outliers. */
void agop__null_skew(agop__null *a, const double *skew);

/* log10 P(score of n independent rows >= score); norm: AGOP__STRENGTH_... of backend.h. 0 where there is
 * nothing to test: n < 4, or all features constant. Where p is above 10^limit, as of nearly all pairs, it may be any
 * number from limit to 0, which costs less; limit 0: always p. */
double agop__null_log10p(const agop__null *x, const agop__null *y, int64_t n, int norm, double score, double limit);

/* ---- the laws it stands on ---- */

/* A = V diag(eigen) V' of a symmetric n x n matrix by Jacobi's rotations; A is destroyed, eigenvalues fall, the
 * columns of V go with them. */
void agop__jacobi(double *A, double *eigen, double *V, int n);

/* sum_k weight_k chi^2_1 > x, weights >= 0 */
double agop__chi2_sum_log10p(const double *weight, int count, double x);
/* max |Z_ij| > u, of which there is one or as many as terms (levels), and mean |Z_ij| > m over all terms, where Z has
 * the covariance R_x (x) R_y; limit as above */
double agop__max_log10p(const agop__null *x, const agop__null *y, const double *u, int levels, double limit);
double agop__mean_log10p(const agop__null *x, const agop__null *y, double m);

double agop__normal_log10p(double z);            /* N(0,1) > z */
double agop__gamma_log10p(double shape, double x); /* Gamma(shape, 1) > x, x >= 0 */
double agop__t_log10p(double t, double freedom); /* |Student's t| > |t| */
/* The normal number whose two-sided p is that of a correlation r of n rows, n > 3; skew is the product of the sizes of
 * both skewnesses, 0 for normal rows. */
double agop__correlation_z(double r, int64_t n, double skew);

/* ---- many tests ---- */

/* (1 + greater) / (1 + permutations): never 0, valid for every number of permutations (Phipson and Smyth 2010). */
double agop__permutation_p(int64_t greater, int64_t permutations);
/* Benjamini and Hochberg's q in place of p, log10 both, rising; the `stored` least of `tests` p-values. When all
 * p below some T are stored, q below T are those of the whole list. */
void agop__false_discovery(double *log10p, int64_t stored, int64_t tests);

#endif
