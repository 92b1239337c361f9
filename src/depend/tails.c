/* tails.c - tails of a weighted sum of chi-squares, of the largest and of the mean of many correlated normal numbers,
 * and from them the significance of a score; see tails.h and docs/ids.md. */
#include "depend/tails.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "backend/backend.h"
#include "base/clones.h"
#include "table/table.h"

#define PI      3.14159265358979323846
#define LOG10_E 0.43429448190325182765

/* ---- one normal, gamma or t number ---- */

/* Mills' ratio (1 - Phi(z)) / phi(z): beyond 10 the continued fraction, of which 20 levels are more than enough. */
static double mills(double z)
{
    double tail = z;

    if (z < 10)
        return .5 * erfc(z * M_SQRT1_2) * sqrt(2 * PI) * exp(.5 * z * z);
    for (int k = 20; k > 0; k--)
        tail = z + k / tail;
    return 1 / tail;
}

static double log_tail_of_mills(double z, double m)
{
    return log(m) - .5 * z * z - .5 * log(2 * PI);
}

static double log_normal_tail(double z)
{
    return z < -3 ? log1p(-.5 * erfc(-z * M_SQRT1_2)) : log_tail_of_mills(z, mills(z));
}

double agop__normal_log10p(double z)
{
    return LOG10_E * log_normal_tail(z);
}

/* 1 + x/(a+1) + x^2/((a+1)(a+2)) + ...: the lower incomplete gamma function times a x^-a e^x. */
static double gamma_series(double a, double x)
{
    double sum = 1, term = 1;

    for (int k = 1; k < 100000 && term > 1e-17 * sum; k++) {
        term *= x / (a + k);
        sum += term;
    }
    return sum;
}

/* The upper incomplete gamma function times x^-a e^x, by Lentz's form of Legendre's continued fraction. */
static double gamma_fraction(double a, double x)
{
    double b = x + 1 - a, c = 1e300, d = 1 / b, h = d, step = 2;

    for (int k = 1; k < 100000 && fabs(step - 1) > 1e-16; k++) {
        double top = -k * (k - a);
        b += 2;
        d    = 1 / (top * d + b);
        c    = b + top / c;
        step = c * d;
        h *= step;
    }
    return h;
}

double agop__gamma_log10p(double shape, double x)
{
    int    sign;
    double log_front;

    if (!(x > 0))
        return 0;
    log_front = shape * log(x) - x - lgamma_r(shape, &sign);
    if (x < shape + 1)
        return LOG10_E * log1p(-fmin(1, exp(log_front - log(shape)) * gamma_series(shape, x)));
    return LOG10_E * (log_front + log(gamma_fraction(shape, x)));
}

/* Hill's expansion (Communications of the ACM 13, 1970, algorithm 395) of the normal number with the tail of |t|;
 * log_ratio = log(1 + t^2 / freedom). Its error falls with the fifth power of 1 / freedom. */
static double hill(double log_ratio, double freedom)
{
    double a = freedom - .5, b = 48 * a * a, s = a * log_ratio, z = sqrt(s);

    return z + z * (s + 3 - (((4 * s + 33) * s + 240) * s + 855) / (10 * (b + .8 * s * s + 100))) / b;
}

/* The continued fraction of the incomplete beta function I_x(a, b), x < (a + 1) / (a + b + 2) (Lentz's form). */
static double beta_fraction(double a, double b, double x)
{
    double c = 1, d = 1 / (1 - (a + b) * x / (a + 1)), h = d, step = 2;

    for (int m = 1; m < 10000 && fabs(step - 1) > 1e-16; m++) {
        double up = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 / (1 + up * d);
        c = 1 + up / c;
        h *= d * c;
        up   = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d    = 1 / (1 + up * d);
        c    = 1 + up / c;
        step = d * c;
        h *= step;
    }
    return h;
}

double agop__t_log10p(double t, double freedom)
{
    double log_ratio = log1p(t * t / freedom), a = .5 * freedom, x = exp(-log_ratio), log_front;
    int    sign;

    if (isinf(log_ratio))
        return -INFINITY;
    if (freedom > 1000)
        return LOG10_E * (log(2) + log_normal_tail(hill(log_ratio, freedom)));
    log_front = lgamma_r(a + .5, &sign) - lgamma_r(a, &sign) - .5 * log(PI) - a * log_ratio;
    if (x < (a + 1) / (a + 2.5)) /* P = I_x(a, 1/2) */
        return LOG10_E * (log_front + .5 * log1p(-x) - log(a) + log(beta_fraction(a, .5, x)));
    return LOG10_E * log1p(-2 * exp(log_front) * sqrt(-expm1(-log_ratio)) * beta_fraction(.5, a, -expm1(-log_ratio)));
}

/* The z with log(1 - Phi(z)) = log_p <= log(1/2), by Newton's steps from `near`; 1 - Phi(z) < exp(-z^2 / 2) / 2. */
static double normal_of_tail(double log_p, double near)
{
    double most = sqrt(fmax(0, -2 * (log_p + log(2)))), z = fmin(near, most), step = 1;

    for (int k = 0; k < 8 && fabs(step) > 1e-8; k++) { /* the next one would be of the order of its square */
        double m = mills(z);
        step     = m * (log_tail_of_mills(z, m) - log_p);
        z        = fmin(most, fmax(0, z + step));
    }
    return z;
}

/* log P(G > z) of a gamma number of mean 0, variance 1 and skewness 2 / root, on its left side where root < 0: for
 * nearly normal ones by Lugannani and Rice's formula in Barndorff-Nielsen's form. */
static double log_skewed_tail(double z, double root)
{
    double shape = root * root, t = z / root, w;

    if (t <= -1 + 1e-9)
        return -INFINITY;
    if (root > 0 && shape < 50)
        return agop__gamma_log10p(shape, shape * (1 + t)) / LOG10_E;
    w = sqrt(2 * shape * (t - log1p(t)));
    return log_normal_tail(w + log(fabs(t * root) / w) / w);
}

/* size: |r| sqrt(n - 1); normal: the z of its tail without skewness. */
static double skewed_z(double size, double normal, int64_t n, double skew)
{
    double root = 2 * sqrt((double)n) / skew, z, up, down;

    if (!(size > 0))
        return 0;
    if (!(skew > 1e-2))
        return normal;
    z = size * pow(normal / size, 1 / (1 + .25 * skew * skew));
    if (z < 1e-3 * root && z < .01) /* the formula below would divide nothing by nothing */
        return z;
    up   = log_skewed_tail(z, root);
    down = log_skewed_tail(z, -root);
    return normal_of_tail(fmin(-log(2), up + log1p(exp(down - up)) - log(2)), z);
}

static double size_of(double r, int64_t n)
{
    return fabs(r) * sqrt((double)(n - 1));
}

static double student_z(double r, int64_t n)
{
    return hill(-log1p(-fmin(r * r, 1 - 1e-15)), (double)(n - 2));
}

/* Under permutation r has the variance 1 / (n - 1) and the skewness skew / sqrt(n): a gamma number (Pearson's type III,
 * Mielke and Berry 2007). Without skewness it is Student's: the passage between the two weighs the excess kurtosis of
 * either, -6 / n and 3/2 skew^2 / n. */
double agop__correlation_z(double r, int64_t n, double skew)
{
    return skewed_z(size_of(r, n), student_z(r, n), n, skew);
}

/* ---- a weighted sum of chi-squares ---- */

/* The sum is Q = sum w_k chi^2_1, w <= 1/2. With h(s) = -1/2 sum log(1 - 2 w_k s) - s x - log s,
 *     P(Q > x) = 1/(2 pi i) int exp h(s) ds   over a path from below to above that crosses the axis in 0 < c < 1;
 * crossing at c < 0, with log(-s), it is P(Q < x). It crosses where h is least on the axis: there the integrand is
 * largest, nothing cancels, and the tail comes with all digits however small it is. */
typedef struct saddle {
    int    count;
    double x, c, second, third; /* where the path crosses; derivatives of h there */
    double v[AGOP__TERMS_MOST * AGOP__TERMS_MOST]; /* 2 w_k / (1 - 2 w_k c) */
} saddle;

static double slope(const double *w, int count, double x, double s)
{
    double g = -x - 1 / s;

    for (int k = 0; k < count; k++)
        g += w[k] / (1 - 2 * w[k] * s);
    return g;
}

/* h' rises on either side of the pole: bisection. */
static double crossing(const double *w, int count, double x, int upper)
{
    double low = upper ? 0 : -1, high = upper ? 1 : 0;

    while (!upper && slope(w, count, x, low) > 0)
        low *= 2;
    for (int k = 0; k < 60; k++) {
        double middle = .5 * (low + high);
        if (slope(w, count, x, middle) < 0)
            low = middle;
        else
            high = middle;
    }
    return .5 * (low + high);
}

static void set_saddle(saddle *a, const double *w, int count, double x, int upper)
{
    a->count = count;
    a->x     = x;
    a->c     = crossing(w, count, x, upper);
    a->second = 1 / (a->c * a->c);
    a->third  = -2 / (a->c * a->c * a->c);
    for (int k = 0; k < count; k++) {
        double v = a->v[k] = 2 * w[k] / (1 - 2 * w[k] * a->c);
        a->second += .5 * v * v;
        a->third += v * v * v;
    }
}

/* Re exp(h(s) - h(c)) ds/d(iy) on the parabola s = c + iy + b y^2. The factors of 1 - v delta are multiplied up; each
 * adds an angle below pi, so the product has gone round once whenever its imaginary part falls below 0. */
static double on_path(const saddle *a, double b, double y)
{
    double re = 1, im = 0, turns = 0, log_size, angle;

    for (int k = 0; k < a->count; k++) {
        double u = 1 - a->v[k] * b * y * y, t = a->v[k] * y, next = re * u - im * t;
        turns += im >= 0 && re * t + im * u < 0;
        im = re * t + im * u;
        re = next;
    }
    log_size = -.25 * log(re * re + im * im) - a->x * b * y * y - log(hypot(1 + b * y * y / a->c, y / a->c));
    angle    = .5 * (atan2(im, re) + 2 * PI * turns) - a->x * y - atan2(y / a->c, 1 + b * y * y / a->c);
    return exp(log_size) * (cos(angle) + 2 * b * y * sin(angle));
}

/* The trapezoidal rule converges geometrically on an analytic path: the step is halved until nothing changes. The
 * parabola follows the steepest descent to the third order, but always opens to the right, where exp(-s x) falls. */
static double log_integral(const saddle *a)
{
    double width = 1 / sqrt(a->second), step = width, sum = .5, before = 0, h = -a->c * a->x - log(fabs(a->c));
    double b = fmax(a->third / (6 * a->second), .1 / fmax(1 - a->c, width));

    for (int k = 0; k < a->count; k++)
        h += .5 * log(a->v[k] > 0 ? 1 + a->v[k] * a->c : 1); /* 1 / (1 - 2 w c) = 1 + v c */
    for (int halving = 0; halving < 12 && fabs(sum * step - before) > 1e-13 * fabs(before); halving++) {
        double value = 1, first = halving ? .5 * step : step;
        before = halving ? sum * step : 0;
        for (double y = first; fabs(value) > 1e-17 && y < 1e4 * width; y += step)
            sum += value = on_path(a, b, y);
        step = first;
    }
    return h + log(fmax(sum * step / PI, 0));
}

double agop__chi2_sum_log10p(const double *weight, int count, double x)
{
    double w[AGOP__TERMS_MOST * AGOP__TERMS_MOST], top = 0, mean = 0;
    int    kept = 0;
    saddle a;

    for (int k = 0; k < count; k++)
        top = fmax(top, weight[k]);
    if (!(x > 0) || !(top > 0))
        return x > 0 ? -INFINITY : 0;
    for (int k = 0; k < count; k++)
        if (weight[k] > 1e-14 * top) {
            w[kept] = .5 * weight[k] / top;
            mean += w[kept++];
        }
    x *= .5 / top;
    set_saddle(&a, w, kept, x, x > mean);
    if (x > mean)
        return LOG10_E * log_integral(&a);
    return LOG10_E * log1p(-fmin(1, exp(log_integral(&a))));
}

/* ---- the largest of many normal numbers ---- */

/* P(some |Z_k| > u) = sum_k P(|Z_k| > u) E[1 / N given |Z_k| > u], N of them beyond u (Adler, Blanchet and Liu, Annals
 * of Applied Probability 22, 2012): the sum of single tails, and an average of numbers between 0 and 1 that says how
 * much they overlap. The average is taken over POINTS points of a rank-one lattice, the same ones for every pair: Z
 * without what Z_k says of it, to which |Z_k| is added at evenly spaced levels of its tail. */
enum { POINTS = 127, GENERATOR = 3 }; /* a prime and a primitive root of it: GENERATOR^k differ for k < POINTS - 1 */
enum { ROOM = 128, LANES = 16 };       /* points with those that fill the last vector; sums that do not wait */

/* (1 - Phi(z)) / phi(z) to 1 %, without an exponential: between Birnbaum's (1942) bound and the truth. */
static inline float quick_mills(float z)
{
    return 4 / (3 * z + sqrtf(z * z + 8));
}

/* level[s] >= u > 0 with (1 - Phi(level)) / (1 - Phi(u)) = exp(log_share[s]): one of Newton's steps from where Mills'
 * ratio would be the same, off by .02 at u = .3, by .001 at 2. A point of a lattice needs no more. The logarithm that
 * the step asks for is of a number between 1/3 and 1, and a few terms of its series are enough. */
AGOP__CLONES static void levels_beyond(float *level, float u, const float *log_share)
{
    float start = quick_mills(u);

    for (int s = 0; s < POINTS; s++) {
        float z = sqrtf(u * u - 2 * log_share[s]), m = quick_mills(z), t = (m - start) / (m + start), t2 = t * t;
        float next = z + 2 * m * t * (1 + t2 * (1 / 3.f + t2 * (1 / 5.f + t2 * (1 / 7.f))));
        level[s]   = next > u ? next : u;
    }
}

/* What is the same for every pair. */
static pthread_once_t lattice_made = PTHREAD_ONCE_INIT;
static struct {
    int32_t step[POINTS];                 /* GENERATOR^k: how coordinate k goes through the points */
    int32_t place[POINTS - 1][POINTS];    /* where it is at each of them, from 0 on */
    float   walk[POINTS - 1][2 * POINTS]; /* normal numbers in that order, twice */
    float   log_share[POINTS];            /* of a tail, evenly */
} lattice;

/* The normal quantiles of (s + 1/2) / POINTS, scaled to variance 1; the middle one is not quite 0, so that a point has
 * a direction even in one dimension. */
static void make_lattice(void)
{
    double z[POINTS], squares = 0;

    for (int s = 0; s < POINTS; s++) {
        z[s] = s == POINTS / 2 ? 1e-3 : agop__normal_quantile((s + .5) / POINTS);
        squares += z[s] * z[s];
        lattice.log_share[s] = (float)log((s + .5) / POINTS);
    }
    lattice.step[0] = 1;
    for (int k = 0; k < POINTS - 1; k++) {
        lattice.step[k + 1] = lattice.step[k] * GENERATOR % POINTS;
        for (int s = 0; s < 2 * POINTS; s++) {
            lattice.place[k][s % POINTS] = lattice.step[k] * (s % POINTS) % POINTS;
            lattice.walk[k][s]           = (float)(z[lattice.place[k][s % POINTS]] * sqrt(POINTS / squares));
        }
    }
}

/* Points of a normal vector h with independent entries, one for each product of eigenvalues that is not negligible;
 * g = sqrt(stretch) h; Z = root_x G root_y'. */
typedef struct cloud {
    int    terms;                                         /* of Z, those of x by those of y */
    int    size;                                          /* of h */
    float  Z[AGOP__TERMS_MOST * AGOP__TERMS_MOST][ROOM];
    double plain[POINTS], stretched[POINTS];              /* |h|^2, |g|^2, of a stretched one */
} cloud;

/* Is g_kl worth a coordinate of its own? */
static int matters(const agop__null *x, const agop__null *y, int k, int l)
{
    return x->eigen[k] * y->eigen[l] > 1e-8 * x->eigen[0] * y->eigen[0];
}

/* The POINTS values of a normal vector's coordinate; every `turn` has other points. */
static const float *lattice_points(int own, int turn)
{
    int k = own % (POINTS - 1), first = own * (own + 37 * turn) % POINTS;

    return lattice.walk[k] + first * lattice.step[POINTS - 1 - k] % POINTS; /* the inverse of step[k] */
}

AGOP__CLONES static void add_times(float *restrict z, float a, const float *restrict g)
{
    for (int s = 0; s < ROOM; s++)
        z[s] += a * g[s];
}

/* out[j] = sum_l root_y[j][l] g_kl, of one k. stretch: by coordinate; NULL for 1. */
static void mix_second(float (*out)[ROOM], cloud *c, const agop__null *x, const agop__null *y, const double *stretch,
                       int k, int turn)
{
    float g[ROOM] = {0};

    memset(out, 0, (size_t)y->terms * sizeof *out);
    for (int l = 0; l < y->terms; l++) {
        int          own = k * y->terms + l;
        double       s2  = stretch ? stretch[own] : 1;
        const float *h   = lattice_points(own, turn);
        if (!matters(x, y, k, l))
            continue;
        c->size++;
        for (int s = 0; s < POINTS; s++)
            g[s] = (float)sqrt(s2) * h[s];
        for (int s = 0; stretch && s < POINTS; s++) {
            c->plain[s] += (double)(h[s] * h[s]);
            c->stretched[s] += s2 * (double)(h[s] * h[s]);
        }
        for (int j = 0; j < y->terms; j++) {
            float a = (float)y->root[j * y->terms + l];
            add_times(out[j], a, g);
        }
    }
}

static void make_cloud(cloud *c, const agop__null *x, const agop__null *y, const double *stretch, int turn)
{
    float mixed[AGOP__TERMS_MOST][ROOM];

    pthread_once(&lattice_made, make_lattice);
    memset(c->plain, 0, sizeof c->plain);
    memset(c->stretched, 0, sizeof c->stretched);
    c->size  = 0;
    c->terms = x->terms * y->terms;
    memset(c->Z, 0, (size_t)c->terms * sizeof *c->Z);
    for (int k = 0; k < x->terms; k++) {
        mix_second(mixed, c, x, y, stretch, k, turn);
        for (int i = 0; i < x->terms; i++)
            for (int j = 0; j < y->terms; j++) {
                float  a = (float)x->root[i * x->terms + k];
                float *z = c->Z[i * y->terms + j];
                add_times(z, a, mixed[j]);
            }
    }
}

/* Of the points, those at which a term is beyond its u, where |Z_k + a_k shift|; and the sum of 1 / N, N such terms,
 * over all points. What fills the last vector is beyond nothing, and counts as 1 in the sum. */
typedef struct beyond {
    float some, shares;
} beyond;

typedef float   floats __attribute__((vector_size(4 * LANES)));
typedef int32_t ints __attribute__((vector_size(4 * LANES)));

AGOP__CLONES static beyond look_beyond(const cloud *c, const float *a, const float *u, const float *shift)
{
    const ints all_but_sign = (ints){0} + INT32_MAX;
    floats     shares = {0}, z, by;
    ints       some   = {0};
    beyond     sum    = {0, 0};

    for (int first = 0; first < ROOM; first += LANES) {
        ints count = {0};
        memcpy(&by, shift + first, sizeof by);
        for (int k = 0; k < c->terms; k++) {
            memcpy(&z, c->Z[k] + first, sizeof z);
            z += a[k] * by;
            count -= (floats)((ints)z & all_but_sign) >= u[k];
        }
        some -= count > 0;
        shares += 1 / __builtin_convertvector(count - (count == 0), floats);
    }
    for (int l = 0; l < LANES; l++) {
        sum.some += (float)some[l];
        sum.shares += shares[l];
    }
    return sum;
}

AGOP__CLONES static void take_levels(float *restrict shift, const float *level, const int32_t *place, const float *z)
{
    for (int s = 0; s < POINTS; s++)
        shift[s] = level[place[s]] - z[s];
}

/* The average of 1 / N where Z_pq is beyond its u, the others keeping what they had apart from it. */
static double overlap(const cloud *c, const agop__null *x, const agop__null *y, const float *level, int p, int q,
                      const float *u)
{
    float shift[ROOM] = {0}, a[AGOP__TERMS_MOST * AGOP__TERMS_MOST];
    int   own = p * y->terms + q;

    take_levels(shift, level, lattice.place[(c->terms + own) % (POINTS - 1)], c->Z[own]);
    for (int i = 0; i < x->terms; i++)
        for (int j = 0; j < y->terms; j++)
            a[i * y->terms + j] = (float)(x->corr[p * x->terms + i] * y->corr[q * y->terms + j]);
    return ((double)look_beyond(c, a, u, shift).shares - (ROOM - POINTS)) / POINTS;
}

/* Is p so surely above `most` that so many of so few points are beyond? By eight standard deviations. */
static int often_beyond(const cloud *c, const float *u, double most)
{
    static const float none[AGOP__TERMS_MOST * AGOP__TERMS_MOST] = {0}; /* terms, and points */

    return (double)look_beyond(c, none, u, none).some / POINTS > most + 8 * sqrt(most * (1 - most) / POINTS);
}

double agop__max_log10p(const agop__null *x, const agop__null *y, const double *u, int levels, double limit)
{
    float  level[POINTS], bound[AGOP__TERMS_MOST * AGOP__TERMS_MOST];
    double sum = 0, least = INFINITY, done = -1, tail;
    cloud  c;

    for (int k = 0; k < levels; k++)
        least = fmin(least, u[k]);
    if (!(least > 0) || x->active * y->active == 0)
        return least > 0 ? -INFINITY : 0;
    for (int k = 0; k < x->terms * y->terms; k++)
        bound[k] = (float)u[k % levels] * (1 - 1e-5f); /* rounding of Z_pq itself */
    make_cloud(&c, x, y, NULL, 0);
    if (limit < 0 && often_beyond(&c, bound, pow(10, limit)))
        return 0;
    tail = log_normal_tail(least);
    for (int p = 0; p < x->terms; p++)
        for (int q = 0; q < y->terms; q++) {
            double here = u[(p * y->terms + q) % levels], share = exp(log_normal_tail(here) - tail);
            if (!(x->corr[p * x->terms + p] > 0 && y->corr[q * y->terms + q] > 0 && share > 1e-9))
                continue;
            if (here != done)
                levels_beyond(level, (float)here, lattice.log_share);
            done = here;
            sum += share * overlap(&c, x, y, level, p, q, bound);
        }
    return fmin(0, LOG10_E * (tail + log(2 * sum)));
}

/* ---- the sum of many sizes ---- */

/* S = sum |Z_ij| has no closed form. Z is linear in independent normal g; along a direction h, S grows with |g| alone,
 * whose tail is a chi's: P(S > x) is the average over directions of P(chi > x / S(h / |h|)). In a far tail few
 * directions count, those of large eigenvalues. They are drawn often by stretching: g_k gets the variance
 * 1 / (1 - tilt w_k / w_1), with the tilt at which the mean of S is x, and every direction as weight the ratio of the
 * densities of directions,
 *     prod stretch_k^(1/2) (|h|^2 / |g|^2)^(size / 2). */
enum { TURNS = 4 };

static void stretch_by(double *stretch, const agop__null *x, const agop__null *y, double tilt)
{
    for (int k = 0; k < x->terms; k++)
        for (int l = 0; l < y->terms; l++)
            stretch[k * y->terms + l] =
                matters(x, y, k, l) ? 1 / (1 - tilt * x->eigen[k] * y->eigen[l] / (x->eigen[0] * y->eigen[0])) : 1;
}

static double mean_of_sum(const agop__null *x, const agop__null *y, const double *stretch)
{
    double sum = 0;

    for (int i = 0; i < x->terms; i++)
        for (int j = 0; j < y->terms; j++) {
            double variance = 0;
            for (int k = 0; k < x->terms; k++)
                for (int l = 0; l < y->terms; l++) {
                    double a = x->root[i * x->terms + k] * y->root[j * y->terms + l];
                    variance += stretch[k * y->terms + l] * a * a;
                }
            sum += sqrt(2 / PI * variance);
        }
    return sum;
}

/* log(1 - tilt) by bisection: the mean goes to infinity where the tilt goes to 1. */
static void find_stretch(double *stretch, const agop__null *x, const agop__null *y, double sum)
{
    double low = -35, high = 0;

    for (int step = 0; step < 20; step++) {
        double middle = .5 * (low + high);
        stretch_by(stretch, x, y, -expm1(middle));
        if (mean_of_sum(x, y, stretch) > sum)
            low = middle;
        else
            high = middle;
    }
}

static double log_weight(const cloud *c, int s, double log_stretch)
{
    return .5 * (log_stretch + c->size * log(c->plain[s] / c->stretched[s]));
}

double agop__mean_log10p(const agop__null *x, const agop__null *y, double m)
{
    double stretch[AGOP__TERMS_MOST * AGOP__TERMS_MOST], part[TURNS * POINTS], log_stretch = 0, top = -INFINITY, p = 0;
    int    count = x->terms * y->terms;
    cloud  c;

    if (!(m > 0) || x->active * y->active == 0)
        return m > 0 ? -INFINITY : 0;
    find_stretch(stretch, x, y, m * count);
    for (int k = 0; k < count; k++)
        log_stretch += log(stretch[k]);
    for (int turn = 0; turn < TURNS; turn++) {
        make_cloud(&c, x, y, stretch, turn);
        for (int s = 0; s < POINTS; s++) {
            double sum = 0, *here = &part[turn * POINTS + s], far;
            for (int k = 0; k < count; k++)
                sum += fabs((double)c.Z[k][s]);
            far   = .5 * m * m * count * count * c.stretched[s] / (sum * sum);
            *here = agop__gamma_log10p(.5 * c.size, far) / LOG10_E + log_weight(&c, s, log_stretch);
            top   = fmax(top, *here);
        }
    }
    for (int k = 0; k < TURNS * POINTS; k++)
        p += exp(part[k] - top);
    return fmin(0, LOG10_E * (top + log(p / (TURNS * POINTS))));
}

/* ---- one column ---- */

/* The angle that makes A_pq zero (Golub and Van Loan, Matrix Computations, 8.5.2). */
static void rotate(double *A, double *V, int n, int p, int q)
{
    double tau = (A[q * n + q] - A[p * n + p]) / (2 * A[p * n + q]);
    double t = (tau < 0 ? -1 : 1) / (fabs(tau) + sqrt(1 + tau * tau)), c = 1 / sqrt(1 + t * t), s = t * c;

    for (int k = 0; k < n; k++) {
        double a = A[k * n + p], b = A[k * n + q], v = V[k * n + p], w = V[k * n + q];
        A[k * n + p] = c * a - s * b;
        A[k * n + q] = s * a + c * b;
        V[k * n + p] = c * v - s * w;
        V[k * n + q] = s * v + c * w;
    }
    for (int k = 0; k < n; k++) {
        double a = A[p * n + k], b = A[q * n + k];
        A[p * n + k] = c * a - s * b;
        A[q * n + k] = s * a + c * b;
    }
}

static void swap_columns(double *V, int n, int p, int q)
{
    for (int k = 0; k < n; k++) {
        double v     = V[k * n + p];
        V[k * n + p] = V[k * n + q];
        V[k * n + q] = v;
    }
}

void agop__jacobi(double *A, double *eigen, double *V, int n)
{
    int turned = 1;

    for (int k = 0; k < n * n; k++)
        V[k] = k % (n + 1) == 0;
    for (int sweep = 0; sweep < 50 && turned; sweep++) {
        turned = 0;
        for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++)
                if (fabs(A[p * n + q]) > 1e-17 * (fabs(A[p * n + p]) + fabs(A[q * n + q]))) {
                    rotate(A, V, n, p, q);
                    turned = 1;
                }
    }
    for (int p = 0; p < n; p++)
        eigen[p] = A[p * n + p];
    for (int p = 0; p < n; p++)
        for (int q = p + 1; q < n; q++)
            if (eigen[q] > eigen[p]) {
                double e = eigen[p];
                eigen[p] = eigen[q];
                eigen[q] = e;
                swap_columns(V, n, p, q);
            }
}

/* max e'Re over signs e, from those of the first eigenvector uphill: at least the largest eigenvalue's part of it. */
static double best_signs(const agop__null *a)
{
    double e[AGOP__TERMS_MOST] = {0}, best = 0;

    for (int i = 0; i < a->terms; i++)
        e[i] = a->root[i * a->terms] < 0 ? -1 : 1;
    for (int step = 0; step < 10; step++) {
        double next[AGOP__TERMS_MOST] = {0}, sum = 0;
        for (int i = 0; i < a->terms; i++) {
            double Re = 0;
            for (int j = 0; j < a->terms; j++)
                Re += a->corr[i * a->terms + j] * e[j];
            sum += Re * e[i];
            next[i] = Re < 0 ? -1 : 1;
        }
        best = fmax(best, sum);
        memcpy(e, next, sizeof e);
    }
    return best;
}

/* An eigenvector's sign is anyone's guess, but points of a lattice are other ones for the other sign: its first part
 * that is not small is positive. */
static void settle_sign(double *V, int n, int k)
{
    double most = 0;
    int    i    = 0;

    for (int j = 0; j < n; j++)
        most = fmax(most, fabs(V[j * n + k]));
    while (fabs(V[i * n + k]) < .3 * most)
        i++;
    if (V[i * n + k] < 0)
        for (int j = 0; j < n; j++)
            V[j * n + k] = -V[j * n + k];
}

void agop__null_make(agop__null *out, const double *corr, int terms)
{
    double A[AGOP__TERMS_MOST * AGOP__TERMS_MOST];

    *out = (agop__null){.terms = terms};
    for (int i = 0; i < terms; i++)
        for (int j = 0; j < terms; j++) {
            double r = i > j ? corr[i * terms + j] : corr[j * terms + i];
            out->corr[i * terms + j] = A[i * terms + j] = i == j ? r > 0 : r;
        }
    for (int i = 0; i < terms; i++)
        out->active += out->corr[i * terms + i] > 0;
    agop__jacobi(A, out->eigen, out->root, terms);
    for (int j = 0; j < terms; j++) {
        settle_sign(out->root, terms, j);
        out->eigen[j] = fmax(0, out->eigen[j]);
        for (int i = 0; i < terms; i++)
            out->root[i * terms + j] *= sqrt(out->eigen[j]);
    }
    out->along = best_signs(out);
}

void agop__null_skew(agop__null *a, const double *skew)
{
    for (int i = 0; i < a->terms; i++)
        a->skew[i] = a->corr[i * a->terms + i] > 0 ? fabs(skew[i]) : 0;
}

/* ---- a score ---- */

/* From n rows to infinitely many, for the sum of squares q. With m_k the canonical correlations of the two sets of
 * features and a_k = lambda_k mu_k, q is at most sum a_k m_k^2; m has the density prod (1 - m_k^2)^(n/2) for normal
 * features, so q is as improbable as exp -n/2 g(q), g = -log prod (1 - m_k^2) where that is least. There
 * 1 - m_k^2 = min(1, 1 / (t a_k)): the first `used` ones are above 0, and t = used / (their a's sum - q). The Gaussian
 * limit has n q / (2 a_1) in the place of n/2 g. a falls; q > 0. Besides g its second derivative: g' = t, and q rises
 * with t by used / t^2. */
static double improbability(double *second, const double *a, int count, double q)
{
    double t = 0, sum = 0, g = 0;
    int    used = 0;

    do {
        sum += a[used++];
        t = used / fmax(sum - q, 1e-15 * sum);
    } while (used < count && t * a[used] > 1);
    for (int k = 0; k < used; k++)
        g += log(t * a[k]);
    *second = t * t / used;
    return g;
}

static double sum_of_squares(const agop__null *a)
{
    double sum = 0;

    for (int k = 0; k < a->terms; k++)
        sum += a->eigen[k] * a->eigen[k];
    return sum;
}

/* Of the first eigenvector, as its features'. */
static double first_skew(const agop__null *a)
{
    double sum = 0;

    for (int k = 0; k < a->terms && a->eigen[0] > 0; k++)
        sum += a->root[k * a->terms] * a->root[k * a->terms] * a->skew[k] / a->eigen[0];
    return sum;
}

static double largest_skew(const agop__null *a)
{
    double most = 0;

    for (int k = 0; k < a->terms; k++)
        most = fmax(most, a->skew[k]);
    return most;
}

/* What n q would be for infinitely many rows: proportional to g, and scaled to the same mean. The mean of q is
 * active_x active_y / (n - 1) for columns of any kind; of g it is taken to the second order, with the variance of q
 * in the limit. */
static double unlimited(const agop__null *x, const agop__null *y, int64_t n, double q)
{
    double a[AGOP__TERMS_MOST] = {0}, most = 0, rows = (double)(n - 1), mean = x->active * y->active / rows;
    double second, mean_g;
    int    count = x->active < y->active ? x->active : y->active;

    for (int k = 0; k < count; k++)
        most += a[k] = x->eigen[k] * y->eigen[k];
    if (mean > .5 * most) /* too few rows for this many features */
        return q * rows;
    mean_g = improbability(&second, a, count, mean) + second * sum_of_squares(x) * sum_of_squares(y) / (rows * rows);
    return mean * rows * improbability(&second, a, count, q) / mean_g;
}

/* x in units of the largest weight. */
static double squares_log10p(const agop__null *x, const agop__null *y, double in_first)
{
    double weight[AGOP__TERMS_MOST * AGOP__TERMS_MOST] = {0};

    for (int i = 0; i < x->terms; i++)
        for (int j = 0; j < y->terms; j++)
            weight[i * y->terms + j] = x->eigen[i] * y->eigen[j] / (x->eigen[0] * y->eigen[0]);
    return agop__chi2_sum_log10p(weight, x->terms * y->terms, in_first);
}

/* z of one term is linear in r: by how much its skewness shortens it, for the two norms that are made of many. */
static double shortened(const agop__null *x, const agop__null *y, int64_t n, double z)
{
    double r = sqrt(-expm1(-z * z / ((double)n - 2.5))), skew = first_skew(x) * first_skew(y);

    return fmin(1, agop__correlation_z(r, n, skew) / agop__correlation_z(r, n, 0));
}

static double largest_log10p(const agop__null *x, const agop__null *y, int64_t n, double score, double limit)
{
    double u[AGOP__TERMS_MOST * AGOP__TERMS_MOST] = {0}, size = size_of(score, n), normal = student_z(score, n);
    int    count = x->terms * y->terms, levels = largest_skew(x) * largest_skew(y) > 0 ? count : 1;

    for (int k = 0; k < levels; k++)
        u[k] = skewed_z(size, normal, n, x->skew[k / y->terms] * y->skew[k % y->terms]);
    return agop__max_log10p(x, y, u, levels, limit);
}

/* The longest part of a mean or a root mean square: the sum of the terms with the best signs, or the first chi-square;
 * as a normal number, all of the score being in it. */
static double main_z(const agop__null *x, const agop__null *y, int64_t n, int norm, double score)
{
    double terms = x->terms * y->terms, used = x->active * y->active / terms;

    if (norm == AGOP__STRENGTH_MEAN)
        return used * terms * agop__correlation_z(fmin(1, score / used), n, 0) / sqrt(x->along * y->along);
    return sqrt(unlimited(x, y, n, terms * score * score) / (x->eigen[0] * y->eigen[0]));
}

/* One of the terms, the sum of the terms with one choice of signs, the first of the chi-squares: each is one normal
 * number, and exceeds what the whole exceeds less often. */
static double lower_bound(const agop__null *x, const agop__null *y, int64_t n, int norm, double score)
{
    double z;

    if (norm == AGOP__STRENGTH_MAX)
        z = agop__correlation_z(score, n, largest_skew(x) * largest_skew(y));
    else {
        z = main_z(x, y, n, norm, score);
        z *= shortened(x, y, n, z);
    }
    return LOG10_E * (log(2) + log_normal_tail(z));
}

double agop__null_log10p(const agop__null *x, const agop__null *y, int64_t n, int norm, double score, double limit)
{
    double least, z, weight, p;

    if (n < 4 || x->active * y->active == 0 || !(score > 0))
        return 0;
    least = lower_bound(x, y, n, norm, score);
    if (least >= limit)
        return fmin(0, least);
    if (norm == AGOP__STRENGTH_MAX)
        return fmax(least, largest_log10p(x, y, n, score, limit));
    z      = main_z(x, y, n, norm, score);
    weight = shortened(x, y, n, z);
    if (norm == AGOP__STRENGTH_MEAN)
        p = agop__mean_log10p(x, y, weight * z * sqrt(x->along * y->along) / (x->terms * y->terms));
    else
        p = squares_log10p(x, y, weight * weight * z * z);
    return fmax(least, p);
}

/* ---- many tests ---- */

double agop__permutation_p(int64_t greater, int64_t permutations)
{
    return (1 + (double)greater) / (1 + (double)permutations);
}

void agop__false_discovery(double *log10p, int64_t stored, int64_t tests)
{
    double least = 0;

    for (int64_t i = stored - 1; i >= 0; i--)
        log10p[i] = least = fmin(least, log10p[i] + log10((double)tests / (double)(i + 1)));
}
