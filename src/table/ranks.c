/* ranks.c - where a value stands among the training values: mid-ranks, normal scores.
 *
 * The normal score of a value is the normal quantile of (r - 1/2)/n, r its rank from 1 to n, the mean of the
 * ranks over ties. A column keeps a table of at most AGOP__MOST_KNOTS values and their scores; between two of them
 * the score is interpolated, outside it is flat, so that no later value is stranger than the strangest one seen. */
#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/memory.h"
#include "table/table.h"

/* ---- the inverse of the normal distribution function ---- */

/* a[7] x^7 + ... + a[0] */
static double polynomial(const double a[8], double x)
{
    double y = a[7];
    for (int i = 6; i >= 0; i--)
        y = y * x + a[i];
    return y;
}

/* Wichura, Algorithm AS 241 (PPND16), Applied Statistics 37 (1988): three rational approximations, for the middle,
 * the tail, and the far tail, each good to about 1e-16. */
double agop__normal_quantile(double p)
{
    static const double a[8] = {3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3,
                                1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                3.3430575583588128105e+4, 2.5090809287301226727e+3};
    static const double b[8] = {1.0,
                                4.2313330701600911252e+1,
                                6.8718700749205790830e+2,
                                5.3941960214247511077e+3,
                                2.1213794301586595867e+4,
                                3.9307895800092710610e+4,
                                2.8729085735721942674e+4,
                                5.2264952788528545610e+3};
    static const double c[8] = {1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                                3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                                2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static const double d[8] = {1.0,
                                2.05319162663775882187e0,
                                1.67638483018380384940e0,
                                6.89767334985100004550e-1,
                                1.48103976427480074590e-1,
                                1.51986665636164571966e-2,
                                5.47593808499534494600e-4,
                                1.05075007164441684324e-9};
    static const double f[8] = {6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
                                2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double g[8] = {1.0,
                                5.99832206555887937690e-1,
                                1.36929880922735805310e-1,
                                1.48753612908506148525e-2,
                                7.86869131145613259100e-4,
                                1.84631831751005468180e-5,
                                1.42151175831644588870e-7,
                                2.04426310338993978564e-15};
    double              q    = p - 0.5, r, x;

    if (fabs(q) <= 0.425) {
        r = 0.180625 - q * q;
        return q * polynomial(a, r) / polynomial(b, r);
    }
    r = sqrt(-log(q < 0 ? p : 1 - p));
    if (r <= 5)
        x = polynomial(c, r - 1.6) / polynomial(d, r - 1.6);
    else
        x = polynomial(f, r - 5) / polynomial(g, r - 5);
    return q < 0 ? -x : x;
}

/* ---- the quantile table ---- */

/* First index in sorted[0..n) whose value is not below v (above: is above v). */
static int64_t bound(const double *sorted, int64_t n, double v, int above)
{
    int64_t low = 0, high = n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (above ? sorted[middle] <= v : sorted[middle] < v)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int64_t count_distinct(const double *sorted, int64_t n)
{
    int64_t distinct = n > 0;
    for (int64_t i = 1; i < n; i++)
        distinct += sorted[i] != sorted[i - 1];
    return distinct;
}

/* The knots themselves: f->knot and f->knots. */
static void pick_knots(agop__field *f, const double *sorted, int64_t n, int64_t distinct)
{
    f->knots = 0;
    if (distinct <= AGOP__MOST_KNOTS) {
        for (int64_t i = 0; i < n; i++)
            if (i == 0 || sorted[i] != sorted[i - 1])
                f->knot[f->knots++] = sorted[i];
        return;
    }
    for (int64_t k = 0; k < AGOP__MOST_KNOTS; k++) {
        double at = (double)k * (double)(n - 1) / (AGOP__MOST_KNOTS - 1);
        double v  = sorted[(int64_t)(at + 0.5)];
        if (f->knots == 0 || v != f->knot[f->knots - 1]) /* many ties can fill several places */
            f->knot[f->knots++] = v;
    }
}

agop_status agop__learn_knots(agop__field *f, const double *sorted, int64_t n, int scores, int ranks)
{
    int64_t distinct = count_distinct(sorted, n);
    int64_t room     = distinct < AGOP__MOST_KNOTS ? distinct : AGOP__MOST_KNOTS;

    f->knot  = agop__malloc(room, sizeof(double));
    f->score = scores ? agop__malloc(room, sizeof(double)) : NULL;
    f->rank  = ranks ? agop__malloc(room, sizeof(double)) : NULL;
    if (!f->knot || (scores && !f->score) || (ranks && !f->rank))
        return AGOP_E_NOMEM;
    pick_knots(f, sorted, n, distinct);
    for (int64_t k = 0; k < f->knots; k++) {
        double first = (double)bound(sorted, n, f->knot[k], 0), after = (double)bound(sorted, n, f->knot[k], 1);
        double p = (first + after) / (2 * (double)n); /* ranks first+1 .. after have the mean (first+after+1)/2 */
        if (f->score)
            f->score[k] = agop__normal_quantile(p);
        if (f->rank)
            f->rank[k] = sqrt(3.0) * (2 * p - 1); /* uniform on [-sqrt(3), sqrt(3)] has variance 1 */
    }
    return AGOP_OK;
}

enum { TOGETHER = 16 }; /* searches that do not wait for each other */

AGOP__CLONES static void interpolate_some(double *v, const double *restrict knot, const double *restrict y,
                                          int64_t knots)
{
    int64_t low[TOGETHER] = {0};
    double  least = knot[0], most = knot[knots - 1];

    for (int64_t length = knots - 1; length > 1;) { /* knot[low] <= v < knot[low + length], or v is outside */
        int64_t half = length / 2;
        for (int i = 0; i < TOGETHER; i++)
            low[i] += knot[low[i] + half] <= v[i] ? half : 0;
        length -= half;
    }
    for (int i = 0; i < TOGETHER; i++) {
        double from = knot[low[i]], base = y[low[i]];
        double inside = base + (v[i] - from) / (knot[low[i] + 1] - from) * (y[low[i] + 1] - base);
        v[i]          = v[i] <= least ? y[0] : v[i] >= most ? y[knots - 1] : inside;
    }
}

void agop__interpolate(double *v, const double *knot, const double *y, int64_t knots, int64_t n)
{
    double some[TOGETHER];

    if (knots == 1) {
        for (int64_t i = 0; i < n; i++)
            v[i] = isnan(v[i]) ? v[i] : y[0];
        return;
    }
    for (int64_t i = 0; i < n; i += TOGETHER) {
        int64_t now = n - i < TOGETHER ? n - i : TOGETHER;
        for (int64_t k = 0; k < TOGETHER; k++)
            some[k] = k < now ? v[i + k] : (double)NAN;
        interpolate_some(some, knot, y, knots);
        memcpy(v + i, some, (size_t)now * sizeof *v);
    }
}
