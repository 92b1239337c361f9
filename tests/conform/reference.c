/* reference.c - the plain loops; see reference.h. Nothing here is fast, shared with the library, or clever. */
#include "reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- a pair ---- */

typedef struct pair {
    double d;       /* the sum: L2: squared distance; SUM: what the mean falls short */
    double d_error; /* absolute */
    double s;       /* d^(q/order) */
    double s_relative;
    double k, k_error;
    int    coincide; /* numeric coordinates and categories */
} pair;

static int32_t level_of(const ref_kernel *k, const ref_points *p, int64_t i, int32_t g)
{
    int32_t c = p->code[i * p->g + g];
    return c >= 0 && c < k->levels[g] ? c : k->levels[g];
}

/* Of the powers that are summed. */
static double order_of(const ref_kernel *k)
{
    return k->kind == AGOP__L2 ? 2 : k->kind == AGOP__LPQ ? k->p : k->q;
}

double ref_term(const ref_kernel *k, double difference)
{
    double v = pow(fabs(difference), order_of(k));
    return k->kind == AGOP__SUM ? -expm1(-v * pow(k->L, -k->q)) : v;
}

static void finish_sum(const ref_kernel *k, pair *p, double eps)
{
    double base = 1 - k->share * p->d;

    p->k       = pow(base, k->power);
    p->k_error = k->power * pow(base + k->share * p->d_error, k->power - 1) * k->share * p->d_error +
                 eps * (k->power + 8) * p->k;
}

static pair measure(const ref_kernel *k, const ref_points *x, int64_t i, const ref_points *z, int64_t j, double eps,
                    double near)
{
    const double *a = x->u + i * x->r, *b = z->u + j * z->r;
    double        norms = 0, numeric = 0, scale = pow(k->L, -k->q), terms = (double)x->r + 8;
    pair          p = {0};

    for (int64_t t = 0; t < x->r; t++) {
        double diff = fabs(a[t] - b[t]);
        norms += a[t] * a[t] + b[t] * b[t];
        numeric += ref_term(k, diff);
    }
    /* squares may come from |u|^2 + |z|^2 - 2 u.z, unless that is nearly all cancellation */
    int by_squares = order_of(k) == 2 && k->kind != AGOP__SUM;
    p.d_error      = eps * terms * (by_squares && numeric > 0.5 * near * norms ? norms : numeric);
    p.d            = numeric;
    for (int32_t g = 0; g < k->groups; g++) {
        double t = k->table[g][level_of(k, x, i, g) * (k->levels[g] + 1) + level_of(k, z, j, g)];
        p.d += t;
        p.d_error += eps * terms * t;
    }
    p.coincide   = p.d == 0;
    if (k->kind == AGOP__SUM) {
        p.d_error += 4 * eps * terms; /* of 1 - exp(.), each */
        finish_sum(k, &p, eps);
        return p;
    }
    p.s          = pow(p.d, k->q / order_of(k));
    p.s_relative = p.d > 0 ? p.d_error / p.d * k->q / order_of(k) + 8 * eps : 0;
    p.k          = exp(-scale * p.s);
    /* dk = k d(scale s), plus the exponential's own rounding; a result below the normal numbers may be 0 */
    p.k_error = p.d > 0 ? p.k * (scale * p.s * p.s_relative + 4 * eps) + 1.2e-38 : 0;
    return p;
}

void ref_pair(const ref_kernel *k, const ref_points *x, int64_t i, const ref_points *z, int64_t j, double eps,
              double near, double *value, double *tolerance)
{
    pair p     = measure(k, x, i, z, j, eps, near);
    *value     = p.k;
    *tolerance = p.k_error;
}

void ref_apply(const ref_kernel *k, const ref_points *x, const ref_points *z, const double *A, int64_t c, double eps,
               double near, double *Y, double *tolerance)
{
    memset(Y, 0, (size_t)(x->n * c) * sizeof *Y);
    memset(tolerance, 0, (size_t)(x->n * c) * sizeof *Y);
    for (int64_t i = 0; i < x->n; i++)
        for (int64_t j = 0; j < z->n; j++) {
            pair p = measure(k, x, i, z, j, eps, near);
            for (int64_t o = 0; o < c; o++) {
                double a = A[j * c + o];
                Y[i * c + o] += a * p.k;
                tolerance[i * c + o] += fabs(a) * (p.k_error + eps * p.k * (8 + sqrt((double)z->n)));
            }
        }
}

/* ---- gradients ---- */

static double sign_of(double d)
{
    return (d > 0) - (d < 0);
}

/* The weight of a pair in a gradient. */
static double weight(const ref_kernel *k, const pair *p, double *error)
{
    double factor = -k->q * pow(k->L, -k->q), order = order_of(k), base = 1 - k->share * p->d, w;

    if (k->kind == AGOP__L1) {
        *error = fabs(factor) * p->k_error;
        return factor * p->k;
    }
    if (k->kind == AGOP__SUM) {
        factor *= k->share * k->power;
        *error = k->power == 1 ? 0
                               : fabs(factor) * (k->power - 1) * k->share * p->d_error *
                                     pow(base + k->share * p->d_error, k->power - 2);
        return factor * pow(base, k->power - 1);
    }
    w      = p->coincide ? 0 : factor * pow(p->d, (k->q - order) / order) * p->k;
    *error = p->coincide ? 0 : fabs(w) * (p->k_error / p->k + fabs(k->q - order) / order * p->d_error / p->d);
    return w;
}

/* d term / d difference, without what is in the weight; L2 knows squares only. */
static double slope_of(const ref_kernel *k, double d)
{
    double f = d == 0 ? 0 : pow(fabs(d), order_of(k) - 1) * sign_of(d);
    return k->kind == AGOP__SUM ? f * exp(-pow(fabs(d) / k->L, k->q)) : f;
}

void ref_weight(const ref_kernel *k, const ref_points *x, int64_t i, const ref_points *z, int64_t j, double eps,
                double near, double *value, double *tolerance)
{
    pair p = measure(k, x, i, z, j, eps, near);
    *value = weight(k, &p, tolerance);
    *tolerance += 8 * eps * fabs(*value);
}

/* One pair's share in the coordinates of one output. */
static void add_gradient(const ref_kernel *k, const ref_points *x, int64_t i, const ref_points *z, int64_t j, double a,
                         const pair *p, double eps, double *g, double *tolerance)
{
    double w_error, w = weight(k, p, &w_error), sum_eps = eps * (16 + sqrt((double)z->n));

    for (int64_t t = 0; t < x->r; t++) {
        double u = x->u[i * x->r + t], v = z->u[j * z->r + t], d = u - v, slope = d, size = fabs(u) + fabs(v);
        if (k->kind != AGOP__L2) {
            slope = slope_of(k, d);
            if (order_of(k) < 2 || k->kind == AGOP__SUM)
                size = fabs(slope); /* differences are taken directly */
        }
        g[t] += a * w * slope;
        tolerance[t] += fabs(a) * (fabs(w) * size * sum_eps + w_error * fabs(slope));
    }
    for (int32_t b = 0, at = (int32_t)x->r; b < k->groups; at += k->levels[b], b++) {
        int32_t cx = level_of(k, x, i, b), cz = level_of(k, z, j, b);
        for (int32_t t = 0; t < k->levels[b]; t++) {
            double f = (cx == t) - (cz == t), touched = (cx == t) + (cz == t) > 0;
            if (k->points[b]) {
                f       = slope_of(k, k->step[b][cx * k->levels[b] + t] - k->step[b][cz * k->levels[b] + t]);
                /* "no level" is what is left of the sum over all */
                touched = fabs(f) + fabs(slope_of(k, k->step[b][cx * k->levels[b] + t] -
                                                         k->step[b][k->levels[b] * k->levels[b] + t])) * k->levels[b];
            } else if (k->kind != AGOP__L2) {
                f *= slope_of(k, k->step[b][t]);
                touched *= slope_of(k, k->step[b][t]);
            }
            g[at + t] += a * w * f;
            /* where both are level t the two sums only cancel */
            tolerance[at + t] += fabs(a) * touched * (fabs(w) * sum_eps + w_error);
        }
    }
}

void ref_gradient(const ref_kernel *k, const ref_points *x, const ref_points *z, const double *A, int64_t c, double eps,
                  double near, double *G, double *tolerance)
{
    int64_t e = x->r;

    for (int32_t g = 0; g < k->groups; g++)
        e += k->levels[g];
    memset(G, 0, (size_t)(x->n * c * e) * sizeof *G);
    memset(tolerance, 0, (size_t)(x->n * c * e) * sizeof *G);
    for (int64_t i = 0; i < x->n; i++)
        for (int64_t j = 0; j < z->n; j++) {
            pair p = measure(k, x, i, z, j, eps, near);
            for (int64_t o = 0; o < c; o++)
                add_gradient(k, x, i, z, j, A[j * c + o], &p, eps, G + (i * c + o) * e, tolerance + (i * c + o) * e);
        }
}

/* ---- dense ---- */

void ref_gemm(int ta, int tb, int64_t m, int64_t n, int64_t k, double a, const double *A, const double *B, double b,
              double *C, double eps, double *tolerance)
{
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = 0, size = 0;
            for (int64_t t = 0; t < k; t++) {
                double product = (ta ? A[t * m + i] : A[i * k + t]) * (tb ? B[j * k + t] : B[t * n + j]);
                sum += product;
                size += fabs(product);
            }
            tolerance[i * n + j] = eps * ((double)k + 4) * (fabs(a) * size + fabs(b * C[i * n + j]));
            C[i * n + j]         = a * sum + b * C[i * n + j];
        }
}

int64_t ref_cholesky(const double *A, int64_t n, double *L)
{
    memset(L, 0, (size_t)(n * n) * sizeof *L);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) {
            double s = A[i * n + j];
            for (int64_t t = 0; t < j; t++)
                s -= L[i * n + t] * L[j * n + t];
            if (i == j && !(s > 0))
                return i;
            L[i * n + j] = i == j ? sqrt(s) : s / L[j * n + j];
        }
    return -1;
}

void ref_solve(const double *L, int64_t n, double *B, int64_t c)
{
    for (int64_t o = 0; o < c; o++) {
        for (int64_t i = 0; i < n; i++) {
            for (int64_t t = 0; t < i; t++)
                B[i * c + o] -= L[i * n + t] * B[t * c + o];
            B[i * c + o] /= L[i * n + i];
        }
        for (int64_t i = n - 1; i >= 0; i--) {
            for (int64_t t = i + 1; t < n; t++)
                B[i * c + o] -= L[t * n + i] * B[t * c + o];
            B[i * c + o] /= L[i * n + i];
        }
    }
}
