/* logistic.c - kernel logistic regression by preconditioned conjugate gradients; see logistic.h. */
#include "solve/logistic.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "solve/cg.h"

enum { FACTORS = 60, STEPS = 100, SEARCH = 40, SWEEPS = 200 };
#define FLATTEST 1e-7 /* a row's curvature is taken for so much at least, so that it can be divided by */
#define STALE .5      /* a factor is made anew once the logarithms of the curvatures are off by so much on average */

/* ---- one row ---- */

double agop__helmert(int64_t k, int64_t j)
{
    double m = (double)(j + 1);
    return k <= j ? 1 / sqrt(m * (m + 1)) : k == j + 1 ? -m / sqrt(m * (m + 1)) : 0;
}

/* z = B y, in the time of one pass: above the diagonal a column of B has one value. */
static void spread_out(double *z, const double *y, int64_t classes)
{
    double above = 0;

    for (int64_t k = classes - 1; k >= 0; k--) {
        z[k] = above;
        if (k > 0) {
            z[k] += agop__helmert(k, k - 1) * y[k - 1];
            above += agop__helmert(0, k - 1) * y[k - 1];
        }
    }
}

/* y = B' z. */
static void gather(double *y, const double *z, int64_t classes)
{
    double sum = 0;

    for (int64_t j = 0; j + 1 < classes; j++) {
        sum += z[j];
        y[j] = agop__helmert(0, j) * sum + agop__helmert(j + 1, j) * z[j + 1];
    }
}

void agop__softmax(double *P, const double *prior, int64_t classes, const double *y)
{
    double most = -INFINITY, sum = 0;

    spread_out(P, y, classes);
    for (int64_t k = 0; k < classes; k++) {
        P[k] = prior[k] > 0 ? P[k] + log(prior[k]) : -INFINITY; /* a class that was not there */
        most = fmax(most, P[k]);
    }
    for (int64_t k = 0; k < classes; k++)
        sum += P[k] = exp(P[k] - most);
    for (int64_t k = 0; k < classes; k++)
        P[k] /= sum;
}

/* ---- the state of a solve ---- */

typedef struct state {
    agop__system       *s;
    const agop__labels *labels;
    double              ridge, residual;
    const double       *weight;    /* of the rows, or NULL */
    double             *a, *y;     /* coefficients, and y = K a */
    double             *q, *last;  /* W G - ridge a: what is left of the gradient; and before the last step */
    double             *d, *Kd;    /* direction */
    double             *z, *Kz;    /* preconditioned q */
    double             *curvature; /* w_i h_i */
    double             *factored;  /* those that the factor at hand was made with: weights of the system */
    double             *P, *v, *g; /* of one row: probabilities, a direction in classes, a gradient */
} state;

static agop_status state_open(state *t, agop__system *s, const agop__labels *labels, double *alpha, double ridge)
{
    int64_t  size = s->n * s->c;
    double **all[] = {&t->y, &t->q, &t->last, &t->d, &t->Kd, &t->z, &t->Kz};
    int      bad = 0;

    *t = (state){.s = s, .labels = labels, .ridge = ridge, .weight = s->weight, .a = alpha};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        bad |= !(*all[k] = agop__calloc(size, sizeof(double)));
    t->curvature = agop__calloc(s->n, sizeof(double));
    t->factored  = agop__calloc(s->n, sizeof(double));
    t->P         = agop__malloc(3 * labels->classes, sizeof(double));
    if (bad || !t->curvature || !t->factored || !t->P)
        return agop__fail_memory(&s->ctx->err, 64.0 * (double)size, "a logistic fit");
    t->v = t->P + labels->classes;
    t->g = t->v + labels->classes;
    return AGOP_OK;
}

static void state_close(state *t)
{
    double *all[] = {t->y, t->q, t->last, t->d, t->Kd, t->z, t->Kz, t->curvature, t->factored, t->P};

    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        free(all[k]);
    if (t->s)
        t->s->weight = t->weight;
}

static double weight_of(const state *t, int64_t i)
{
    return t->weight ? t->weight[i] : 1;
}

static double dot(const double *a, const double *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* y = K a, from kernel values computed in double. */
static agop_status outputs(state *t)
{
    agop_ctx   *ctx = t->s->ctx;
    agop__tile  A = {0}, Y = {0};
    agop_status st;

    TRY(op_alloc(ctx, &A, t->s->n, t->s->c, AGOP_F64));
    TRY(op_alloc(ctx, &Y, t->s->n, t->s->c, AGOP_F64));
    TRY(op_put(ctx, &A, t->a, t->s->c, AGOP_F64));
    TRY(op_kernel_symm(ctx, &Y, &t->s->map.kernel, &t->s->points, NULL, &A));
    TRY(op_get(ctx, t->y, t->s->c, AGOP_F64, &Y));
done:
    op_release(ctx, &Y);
    op_release(ctx, &A);
    return st;
}

/* q, the curvatures and the residual where the state is. */
static void look(state *t)
{
    int64_t K = t->labels->classes, c = t->s->c;
    double  left = 0, all = 0;

    for (int64_t i = 0; i < t->s->n; i++) {
        double w = weight_of(t, i), square = 0;
        agop__softmax(t->P, t->labels->prior, K, t->y + i * c);
        for (int64_t k = 0; k < K; k++) {
            square += t->P[k] * t->P[k];
            t->v[k] = (t->labels->truth[i] == (double)k) - t->P[k];
        }
        gather(t->g, t->v, K);
        t->curvature[i] = w * fmax(FLATTEST, (1 - square) / (double)c);
        for (int64_t o = 0; o < c; o++) {
            double g        = w * t->g[o];
            t->q[i * c + o] = g - t->ridge * t->a[i * c + o];
            left += t->q[i * c + o] * t->q[i * c + o];
            all += g * g;
        }
    }
    t->residual = all > 0 ? sqrt(left / all) : sqrt(left);
}

/* A new factor, by the curvature where the state is. */
static agop_status renew(agop__solution *out, state *t)
{
    memcpy(t->factored, t->curvature, (size_t)t->s->n * sizeof *t->factored);
    t->s->weight = t->factored;
    out->refinements++;
    return agop__factor(out, t->s, t->ridge);
}

/* Are the curvatures no longer those of the factor? */
static int stale(const state *t)
{
    double sum = 0;

    for (int64_t i = 0; i < t->s->n; i++)
        sum += fabs(log(t->curvature[i] / t->factored[i]));
    return sum > STALE * (double)t->s->n;
}

/* z, and K z without a product by K. */
static agop_status precondition(state *t)
{
    int64_t     c = t->s->c;
    agop_status st;

    for (int64_t i = 0; i < t->s->n * c; i++)
        t->Kz[i] = t->q[i] / t->factored[i / c];
    TRY(agop__back_substitute(t->z, t->s, t->Kz));
    for (int64_t i = 0; i < t->s->n * c; i++)
        t->Kz[i] -= t->ridge / t->factored[i / c] * t->z[i];
done:
    return st;
}

/* First and second derivative of the objective at a + step d. */
static void along(double *first, double *second, state *t, double step, double aKd, double dKd)
{
    int64_t K = t->labels->classes, c = t->s->c;

    *first  = t->ridge * (aKd + step * dKd);
    *second = t->ridge * dKd;
    for (int64_t i = 0; i < t->s->n; i++) {
        const double *v    = t->Kd + i * c;
        double        mean = 0, square = 0, w = weight_of(t, i);
        for (int64_t o = 0; o < c; o++)
            t->g[o] = t->y[i * c + o] + step * v[o];
        agop__softmax(t->P, t->labels->prior, K, t->g);
        spread_out(t->v, v, K);
        for (int64_t k = 0; k < K; k++) {
            mean += t->P[k] * t->v[k];
            square += t->P[k] * t->v[k] * t->v[k];
        }
        *first += w * (mean - t->v[(int64_t)t->labels->truth[i]]);
        *second += w * (square - mean * mean);
    }
}

/* The step to the least of the objective along d, by Newton's method in a bracket. 0: there is none ahead. */
static double search(state *t)
{
    int64_t size = t->s->n * t->s->c;
    double  aKd = dot(t->a, t->Kd, size), dKd = dot(t->d, t->Kd, size), start = -dot(t->q, t->Kd, size);
    double  low = 0, high = INFINITY, step = 1, first, second;

    if (!(start < 0))
        return 0;
    for (int k = 0; k < SEARCH; k++) {
        double next;
        along(&first, &second, t, step, aKd, dKd);
        if (fabs(first) <= -1e-3 * start)
            break;
        *(first < 0 ? &low : &high) = step;
        next = second > 0 ? step - first / second : INFINITY;
        if (!(next > low && next < high) || next > 4 * step)
            next = isfinite(high) ? .5 * (low + high) : 4 * step;
        step = next;
    }
    return isfinite(step) ? step : 0;
}

/* Steps with the factor at hand until it is stale; `limit`: the residual that is enough. */
static agop_status descend(state *t, agop__solution *out, double limit)
{
    int64_t     size = t->s->n * t->s->c;
    double      before = 0, started = agop__now();
    agop_status st = AGOP_OK;

    for (int k = 0; k < STEPS && t->residual > limit; k++) {
        double now, beta, step;
        TRY(precondition(t));
        now  = dot(t->q, t->Kz, size);
        beta = k > 0 && before > 0 ? fmax(0, (now - dot(t->last, t->Kz, size)) / before) : 0;
        for (int64_t i = 0; i < size; i++) {
            t->d[i]  = t->z[i] + beta * t->d[i];
            t->Kd[i] = t->Kz[i] + beta * t->Kd[i];
        }
        before = now;
        memcpy(t->last, t->q, (size_t)size * sizeof *t->q);
        step = search(t);
        for (int64_t i = 0; i < size; i++) {
            t->a[i] += step * t->d[i];
            t->y[i] += step * t->Kd[i];
        }
        out->steps++;
        look(t);
        if (step <= 0 || stale(t))
            break;
    }
done:
    out->seconds_solve += agop__now() - started;
    return st;
}

/* ---- leaving one out ---- */

static agop_status left_out(agop__solution *out, state *t)
{
    agop__system *s     = t->s;
    int64_t       first = out->loo_first, m = s->n - first;
    double        started, *diag = agop__malloc(m, sizeof *diag);
    agop_status   st = AGOP_OK;

    if (!diag)
        return agop__fail_memory(&s->ctx->err, 8.0 * (double)m, "leave-one-out outputs");
    TRY(renew(out, t));
    started = agop__now();
    TRY(agop__inverse_diagonal(diag, s, first));
    for (int64_t i = first; i < s->n; i++) {
        double v = fmax(0, 1 / diag[i - first] - t->ridge / t->factored[i]);
        for (int64_t o = i * s->c; o < (i + 1) * s->c; o++)
            out->loo[o] = t->y[o] - v * t->a[o];
    }
    out->seconds_solve += agop__now() - started;
done:
    free(diag);
    return st;
}

/* ---- all of it ---- */

/* In the system's present arithmetic. Steps carry y along; before a residual is believed y is computed again, and from
 * there it goes on where that was not the truth. */
static agop_status attempt(agop__solution *out, agop__system *s, const agop__labels *labels, double ridge)
{
    state       t;
    double      told = INFINITY; /* the last residual that was looked at in earnest */
    agop_status st;

    TRY(state_open(&t, s, labels, out->alpha, ridge));
    TRY(outputs(&t));
    look(&t);
    for (int k = 0; k < FACTORS && t.residual > s->tolerance; k++) {
        TRY(renew(out, &t));
        TRY(descend(&t, out, .5 * s->tolerance));
        if (t.residual > s->tolerance)
            continue;
        TRY(outputs(&t));
        look(&t);
        if (!(t.residual < .5 * told))
            break;
        told = t.residual;
    }
    out->residual = t.residual;
    if (!(t.residual <= fmax(AGOP__SOLVE_GOOD, s->tolerance))) {
        st = agop__fail(&s->ctx->err, AGOP_E_NUMERIC,
                        "the logistic fit is solved only to a relative residual of %.1e: raise ridge (now %g)",
                        t.residual, ridge);
        goto done;
    }
    if (out->loo)
        TRY(left_out(out, &t));
done:
    state_close(&t);
    return st;
}

agop_status agop__logistic(agop__solution *out, agop__system *s, const agop__labels *labels, double ridge)
{
    agop_status st;

    if (!out->warm)
        memset(out->alpha, 0, (size_t)(s->n * s->c) * sizeof *out->alpha);
    out->refinements = 0;
    out->steps       = 0;
    st               = attempt(out, s, labels, ridge);
    if (st != AGOP_E_NUMERIC || s->dtype == AGOP_F64)
        return st;
    agop__note(s->ctx, "single precision does not suffice at ridge %g: solving in double", ridge);
    st = agop__widen(s, ridge, 0);
    return st == AGOP_OK ? attempt(out, s, labels, ridge) : st;
}

/* ---- a sum of several ---- */

typedef struct mixing {
    const double *const *y;
    int                  count;
    const agop__labels  *labels;
    const double        *weight;
    int64_t              n;
    double              *P, *v, *sum; /* of one row */
} mixing;

/* Log-loss of the sum with weights w, and its two derivatives by w[k]. */
static double sum_loss(double *first, double *second, const mixing *m, const double *w, int k)
{
    int64_t K    = m->labels->classes, c = K - 1;
    double  loss = 0;

    *first = *second = 0;
    for (int64_t i = 0; i < m->n; i++) {
        double  mean = 0, square = 0, share = m->weight ? m->weight[i] : 1;
        int64_t is = (int64_t)m->labels->truth[i];
        for (int64_t o = 0; o < c; o++) {
            m->sum[o] = 0;
            for (int j = 0; j < m->count; j++)
                m->sum[o] += w[j] * m->y[j][i * c + o];
        }
        agop__softmax(m->P, m->labels->prior, K, m->sum);
        spread_out(m->v, m->y[k] + i * c, K);
        for (int64_t l = 0; l < K; l++) {
            mean += m->P[l] * m->v[l];
            square += m->P[l] * m->v[l] * m->v[l];
        }
        if (is < 0)
            continue; /* of a class that the fit never saw */
        loss -= share * log(fmax(m->P[is], 1e-300));
        *first += share * (mean - m->v[is]);
        *second += share * (square - mean * mean);
    }
    return loss;
}

/* A Newton step in w[k], shortened until the loss falls. Returns how far it went. */
static double improve(double *w, const mixing *m, int k)
{
    double first, second, unused, before = w[k], loss = sum_loss(&first, &second, m, w, k);
    double to = second > 0 ? fmax(0, before - first / second) : before;

    for (int half = 0; half < SEARCH; half++) {
        w[k] = to;
        if (sum_loss(&unused, &second, m, w, k) <= loss)
            return fabs(to - before);
        to = .5 * (to + before);
    }
    w[k] = before;
    return 0;
}

agop_status agop__logistic_weights(double *w, const double *const *y, int count, const agop__labels *labels,
                                   const double *weight, int64_t n, agop__err *e)
{
    mixing m = {.y = y, .count = count, .labels = labels, .weight = weight, .n = n,
                .P = agop__malloc(3 * labels->classes, sizeof(double))};

    if (!m.P)
        return agop__fail_memory(e, 24.0 * (double)labels->classes, "weights");
    m.v   = m.P + labels->classes;
    m.sum = m.v + labels->classes;
    for (int k = 0; k < count; k++)
        w[k] = 1.0 / count;
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        double moved = 0;
        for (int k = 0; k < count; k++)
            moved = fmax(moved, improve(w, &m, k));
        if (moved < 1e-6)
            break;
    }
    free(m.P);
    return AGOP_OK;
}
