/* measures.h - what else says how strongly two columns go together: x and y of n rows without missing cells. */
#ifndef AGOP_DEPEND_MEASURES_H
#define AGOP_DEPEND_MEASURES_H

#include "base/status.h"

/* Where p has no closed form, or a column does not vary, log10p is NaN. */
typedef struct agop__measured {
    double value;
    double log10p; /* of a value at least as large between independent columns */
} agop__measured;

/* Each needs n >= 4. A column that does not vary has the value 0. Errors: no memory. */

/* Pearson's r; two-sided, Student's t. */
agop_status agop__pearson(agop__measured *out, const double *x, const double *y, int64_t n, agop__err *e);
/* Pearson's r of mid-ranks; the same p. */
agop_status agop__spearman(agop__measured *out, const double *x, const double *y, int64_t n, agop__err *e);
/* Both from columns that are known one by one, as all pairs of many are: v or, where `ranked`, its mid-ranks, of mean 0
 * and deviation 1, or all 0 where v does not vary. The mean product of two such columns is their correlation; out may
 * be v. And log10 of p of a correlation that large. */
agop_status agop__standard_column(double *out, const double *v, int64_t n, int ranked, agop__err *e);
double      agop__correlation_log10p(double r, int64_t n);
/* Distance correlation dCor (Szekely, Rizzo and Bakirov 2007) in O(n log n); or, unbiased, the bias-corrected dCor^2,
 * which is negative for half of all independent columns. p, of either, is an upper bound: chi-square (Shen, Panda and
 * Vogelstein 2022), valid below .05. */
agop_status agop__distance_correlation(agop__measured *out, const double *x, const double *y, int64_t n, int unbiased,
                                       agop__err *e);
/* Chatterjee's xi: how far y is a function of x. Equal x are put in an order drawn from seed. One-sided. */
agop_status agop__xi(agop__measured *out, const double *x, const double *y, int64_t n, uint64_t seed, agop__err *e);

typedef struct agop__hsic_how {
    int64_t  exact;    /* this many rows at most go through the n x n kernel matrices; more through features */
    int      features; /* random Fourier features of each column, even */
    uint64_t seed;     /* of the features, and of the rows whose distances give the bandwidth */
} agop__hsic_how;
/* HSIC_b with Gaussian kernels exp(-(x - z)^2 / (2 s^2)), s the median distance; p by the gamma law of the same
 * mean and variance (Gretton et al. 2008). */
agop_status agop__hsic(agop__measured *out, const double *x, const double *y, int64_t n, const agop__hsic_how *how,
                       agop__err *e);

#endif
