/* logistic.h - kernel logistic regression: classes by the logarithm of their probabilities.
 *
 * With B (K x K-1) the Helmert basis of the vectors that sum to zero and p the class frequencies, the outputs y of a
 * row (K-1 numbers) stand for the probabilities softmax(log p + B y): no output, and the frequencies are predicted. B
 * is orthonormal, so that the penalty treats all classes alike. The coefficients a of y = K a minimise
 *
 *   sum_i w_i log 1/P_i(class of i)  +  ridge/2 trace(a' K a),
 *
 * and at the minimum  W G = ridge a,  with rows g_i = B'(e_i - P_i) of G. The residual told is |W G - ridge a| / |W G|.
 *
 * Preconditioned conjugate gradients in the RKHS (Polak-Ribiere, exact line searches) whose preconditioner is a Newton
 * step: with h_i = (1 - |P_i|^2) / (K - 1), the mean curvature of row i's loss,
 *
 *   z = (K + ridge (W H)^-1)^-1 (W H)^-1 (W G - ridge a),   K z = (W H)^-1 (W G - ridge a - ridge z).
 *
 * For two classes that is Newton's own step; for more it stands in for the n (K-1) square system. One factorisation
 * serves all classes and several steps, and is made anew, by the curvature of the day, where they stop paying. */
#ifndef AGOP_SOLVE_LOGISTIC_H
#define AGOP_SOLVE_LOGISTIC_H

#include "solve/solve.h"

typedef struct agop__labels {
    const double *truth; /* n class numbers */
    const double *prior; /* frequencies p, one per class; borrowed, like the truth */
    int64_t       classes;
} agop__labels;

/* Entry (k, j) of the Helmert basis B. */
double agop__helmert(int64_t k, int64_t j);
/* P = softmax(log prior + B y): of one row; y holds classes - 1 numbers. */
void agop__softmax(double *P, const double *prior, int64_t classes, const double *y);

/* Solve to out->residual <= s->tolerance, always directly and never without checking; ridge > 0. s->Y is not looked at,
 * s->c is classes - 1. out->alpha comes with a guess where out->warm says so. out->loo, where wanted, becomes the
 * outputs f_-i(x_i) themselves, without row i, to one Newton step:
 *
 *   f_-i(x_i) = y_i - v_i a_i,   v_i = 1 / ((K + ridge (W H)^-1)^-1)_ii - ridge / (w_i h_i).
 *
 * out->steps counts gradient steps, out->refinements factorisations. */
agop_status agop__logistic(agop__solution *out, agop__system *s, const agop__labels *labels, double ridge);

/* w >= 0 of the least mean log-loss of softmax(log p + B sum_k w_k y_k); y[k]: n x classes - 1; weight may be NULL. */
agop_status agop__logistic_weights(double *w, const double *const *y, int count, const agop__labels *labels,
                                   const double *weight, int64_t n, agop__err *e);

#endif
