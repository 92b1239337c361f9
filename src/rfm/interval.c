/* interval.c - prediction intervals by conformal calibration (Lei et al. 2018; Barber et al. 2021), and sets of classes
 * (Sadinle, Lei, Wasserman 2019); see interval.h.
 *
 * Of classes the score is 1 - p of the true one, and the set all classes with 1 - p <= q and the likeliest one. For
 * numbers:
 * f(x) +- q s(x), with q the ceil((n + 1) level)-th smallest of n scores |y - f| / s of rows that f, or a function like
 * it, had not seen: a new row exchangeable with them has a score that is as likely to fall into any of the n + 1 gaps
 * between them. The residuals are those by which the search judges itself (path.c, stack.c, tree.c), so they cost
 * nothing. s is 1 (the constant form), or how large residuals are around x (the local form): the exponential of a
 * kernel ridge regression of log |y - f| on the judged rows, of which each row's own part is left out where its score
 * is made. What s looks at, and how closely, is chosen by the interval score (Gneiting & Raftery 2007), which charges
 * for width and for what lies outside. */
#include "rfm/interval.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/sort.h"
#include "rfm/fit.h"

enum { FEWEST_FOR_SCALE = 40, RIDGES = 3, LOOKS = 2, MEDIAN_ROWS = 500 };
/* In units of k(x, x) = 1. log |residual| is mostly noise (its variance is pi^2/8 for normal residuals of one size). */
static const double ridge_grid[RIDGES] = {1, 5, 25};
#define JUDGED_AT .9 /* the level whose interval score decides */
#define FLOOR .1     /* residuals count as no smaller than this share of their mean: log 0 would rule the fit */

/* ---- quantiles ---- */

/* The 1-based rank that the interval of this level takes; above `rows` where there are too few. A level such as 0.9 is
 * not exact in binary, and (rows + 1) level is meant to be whole where it is in decimals. */
static double rank_of(int64_t rows, double level)
{
    return ceil((double)(rows + 1) * level * (1 - 1e-12));
}

double agop__quantile(const agop__quantiles *q, int64_t k, double level)
{
    int64_t knots = agop__knots(q->rows), rank = (int64_t)rank_of(q->rows, level);
    double  at = floor((double)(rank > 1 ? rank - 1 : 0) * (double)knots / (double)q->rows);

    return q->value[k * knots + ((int64_t)at < knots ? (int64_t)at : knots - 1)];
}

/* scores: targets x rows; they are sorted. */
static agop_status keep_quantiles(agop__quantiles *out, double *scores, int64_t targets, int64_t rows, agop__err *e)
{
    int64_t knots = agop__knots(rows);

    out->value = agop__malloc(targets * knots, sizeof *out->value);
    if (!out->value)
        return agop__fail_memory(e, 8.0 * (double)(targets * knots), "quantiles");
    out->rows = rows;
    for (int64_t k = 0; k < targets; k++) {
        qsort(scores + k * rows, (size_t)rows, sizeof *scores, agop__rising);
        for (int64_t j = 0; j < knots; j++)
            out->value[k * knots + j] = scores[k * rows + ((j + 1) * rows + knots - 1) / knots - 1];
    }
    return AGOP_OK;
}

/* ---- how large residuals are around x ---- */

/* Some of the honest rows, and what was tried on them. c targets. */
typedef struct scaling {
    const agop__fit *f;
    int64_t          n, c;
    double          *size;   /* |y - f|, c x n */
    double          *log_s;  /* n x c: log of size less its mean; what the machine learns */
    double          *centre; /* c: that mean */
    double          *alpha, *loo, *score; /* of one attempt; score: c x n */
    double           least;  /* interval score of the best attempt, in that of the constant form */
} scaling;

/* Mean over rows of 2 q s + 2 / (1 - level) (size - q s)+, with q made of these rows themselves. s: c x n, or NULL for
 * 1; score is room for size / s. */
static double interval_score(double *score, const scaling *a, const double *s, int64_t k)
{
    double sum = 0, q, rank = fmin((double)a->n, rank_of(a->n, JUDGED_AT));

    for (int64_t i = 0; i < a->n; i++)
        score[i] = a->size[k * a->n + i] / (s ? s[k * a->n + i] : 1);
    q = agop__select(score, a->n, (int64_t)rank - 1);
    for (int64_t i = 0; i < a->n; i++) {
        double half = q * (s ? s[k * a->n + i] : 1);
        sum += 2 * half + 2 / (1 - JUDGED_AT) * fmax(0, a->size[k * a->n + i] - half);
    }
    return sum / (double)a->n;
}

/* The interval score of scales s, as a share of that of the constant form, mean over the targets. */
static double compare(const scaling *a, const double *s)
{
    double sum = 0;

    for (int64_t k = 0; k < a->c; k++)
        sum += interval_score(a->score + k * a->n, a, s, k) / interval_score(a->score + k * a->n, a, NULL, k);
    return sum / (double)a->c;
}

/* What is learned, and its centre. 0: a target without any error. */
static int take_logs(scaling *a)
{
    for (int64_t k = 0; k < a->c; k++) {
        double *size = a->size + k * a->n, mean = 0;
        for (int64_t i = 0; i < a->n; i++)
            mean += size[i] / (double)a->n;
        if (!(mean > 0) || !isfinite(mean))
            return 0;
        a->centre[k] = 0;
        for (int64_t i = 0; i < a->n; i++) {
            a->log_s[i * a->c + k] = log(fmax(size[i], FLOOR * mean));
            a->centre[k] += a->log_s[i * a->c + k] / (double)a->n;
        }
        for (int64_t i = 0; i < a->n; i++)
            a->log_s[i * a->c + k] -= a->centre[k];
    }
    return 1;
}

/* One ridge; the best attempt so far becomes the machine in `one`, its scores those in v. */
static agop_status try_ridge(agop__intervals *v, agop__member *one, scaling *a, agop__system *s, double ridge)
{
    agop__solution found = {.alpha = a->alpha, .loo = a->loo};
    double         better;
    agop_status    st = agop__solve(&found, s, ridge, AGOP__UNCHECKED);

    if (st == AGOP_E_NUMERIC)
        return AGOP_OK; /* no candidate */
    TRY(st);
    for (int64_t i = 0; i < a->n; i++) /* s of every row without itself, in place of what is left out of it */
        for (int64_t k = 0; k < a->c; k++)
            a->score[k * a->n + i] = exp(a->centre[k] + a->log_s[i * a->c + k] - a->loo[i * a->c + k]);
    memcpy(a->loo, a->score, (size_t)(a->n * a->c) * sizeof *a->loo);
    better = compare(a, a->loo);
    if (!(better < a->least))
        goto done;
    a->least   = better;
    one->ridge = ridge;
    one->shape = s->shape;
    memcpy(one->alpha, a->alpha, (size_t)(a->n * a->c) * sizeof *one->alpha);
    agop__metric_free(&one->metric);
    TRY(agop__metric_copy(&one->metric, s->metric, &a->f->ctx->err));
    for (int64_t i = 0; i < a->n * a->c; i++)
        a->score[i] = a->size[i] / a->loo[i];
    free(v->scaled.value);
    v->scaled = (agop__quantiles){0};
    TRY(keep_quantiles(&v->scaled, a->score, a->c, a->n, &a->f->ctx->err));
done:
    return st;
}

/* Where errors grow: along what the function depends on (the diagonal of its AGOP), or along what it does not (the
 * identity). */
static agop_status look_by(agop__metric *out, const agop__fit *f, int look)
{
    const agop__schema *s = f->schema;

    if (look == 1)
        return agop__metric_identity(out, s->numeric, s->groups, s->group_levels, 1, &f->ctx->err);
    return agop__metric_diagonal_of(out, &f->agop, &f->ctx->err);
}

/* All ridges under one metric, with a bandwidth of two median distances. */
static agop_status try_metric(agop__intervals *v, agop__leaf *leaf, scaling *a, const agop__metric *m)
{
    const agop__fit *f = a->f;
    agop__system     s = {.ctx = f->ctx, .metric = m, .x = leaf->x, .code = leaf->code, .Y = a->log_s,
                          .n = a->n, .c = a->c, .x_dtype = f->plan.dtype, .memory = f->plan.memory,
                          .shape = {.kind = AGOP__L2, .exponent = 1, .bandwidth = 1, .height = sqrt(.5)},
                          .solver = AGOP__SOLVER_DIRECT};
    double           median = 1;
    agop__points     sample;
    agop_status      st;

    TRY(agop__system_prepare(&s, f->plan.dtype));
    sample = agop__points_rows(&s.points, f->ctx, 0, a->n < MEDIAN_ROWS ? a->n : MEDIAN_ROWS);
    TRY(agop__median_distance(&median, &s.map, &sample));
    s.shape.bandwidth = 2 * median;
    agop__system_bandwidth(&s, s.shape.bandwidth);
    for (int k = 0; k < RIDGES; k++)
        TRY(try_ridge(v, leaf->member, a, &s, ridge_grid[k]));
done:
    agop__system_close(&s);
    return st;
}

/* Every `step`-th honest row becomes a centre of the machine for s. */
static agop_status take_rows(agop__leaf *leaf, scaling *a, const agop__honest *h, const double *size)
{
    const agop__schema *s = a->f->schema;
    size_t              width = (size_t)s->numeric * agop__element(a->f->plan.dtype);
    int64_t             c = a->c, n = a->n;

    leaf->n       = n;
    leaf->x       = agop__aligned(n * s->numeric, agop__element(a->f->plan.dtype));
    leaf->code    = agop__malloc(n * s->groups, sizeof *leaf->code);
    leaf->member  = agop__calloc(1, sizeof *leaf->member);
    leaf->members = leaf->member != NULL;
    a->size       = agop__malloc(5 * n * c, sizeof *a->size);
    if (leaf->member)
        leaf->member->alpha = agop__calloc(n * c, sizeof *leaf->member->alpha);
    if (!leaf->x || !leaf->code || !leaf->member || !leaf->member->alpha || !a->size)
        return agop__fail_memory(&a->f->ctx->err, (double)n * (double)width, "the sizes of residuals");
    leaf->member->weight = 1;
    a->log_s             = a->size + n * c;
    a->alpha             = a->log_s + n * c;
    a->loo               = a->alpha + n * c;
    a->score             = a->loo + n * c;
    for (int64_t i = 0; i < n; i++) {
        int64_t from = i * h->n / n;
        memcpy((char *)leaf->x + (size_t)i * width, (const char *)h->x + (size_t)from * width, width);
        memcpy(leaf->code + i * s->groups, h->code + from * s->groups, (size_t)s->groups * sizeof *leaf->code);
        for (int64_t k = 0; k < c; k++)
            a->size[k * n + i] = size[k * h->n + from];
    }
    return AGOP_OK;
}

static agop_status learn_scale(agop_model *m, const agop__fit *f, const agop__honest *h, const double *size)
{
    agop__intervals *v    = &m->intervals;
    agop__leaf       leaf = {0};
    agop__metric     look = {0};
    scaling          a    = {.f = f, .n = h->n < AGOP__SCALE_ROWS ? h->n : AGOP__SCALE_ROWS, .c = f->target->columns,
                             .least = INFINITY};
    agop_status      st;

    v->centre = agop__malloc(a.c, sizeof *v->centre);
    if (!v->centre)
        return agop__fail_memory(&f->ctx->err, 8.0 * (double)a.c, "the sizes of residuals");
    a.centre = v->centre;
    TRY(take_rows(&leaf, &a, h, size));
    if (!take_logs(&a))
        goto done;
    for (int k = 0; k < LOOKS; k++) {
        agop__metric_free(&look);
        TRY(look_by(&look, f, k));
        if (agop__metric_scale(&look))
            TRY(try_metric(v, &leaf, &a, &look));
    }
    if (v->scaled.rows) {
        m->scale = leaf;
        v->local = a.least < 1;
        memset(&leaf, 0, sizeof leaf);
    }
done:
    agop__metric_free(&look);
    agop__leaf_free(&leaf);
    free(a.size);
    return st;
}

/* ---- learning ---- */

/* |y - f| in units of the outputs, targets x rows. */
static void residuals(double *out, const agop__target *g, const agop__honest *h)
{
    int64_t c = g->columns;

    for (int64_t i = 0; i < h->n; i++)
        for (int64_t k = 0; k < c; k++)
            out[k * h->n + i] = fabs((h->truth[i * c + k] - g->mean[k]) / g->spread[k] - h->y[i * c + k]);
}

/* 1 - p of the true class; 1 of a class that the fit never saw. */
static agop_status keep_doubts(agop_model *m, const double *p, const agop__honest *h, agop__err *e)
{
    int64_t     K     = m->target.classes.count;
    double     *doubt = agop__malloc(h->n, sizeof *doubt);
    agop_status st;

    if (!doubt)
        return agop__fail_memory(e, 8.0 * (double)h->n, "prediction sets");
    for (int64_t i = 0; i < h->n; i++)
        doubt[i] = h->truth[i] < 0 ? 1 : 1 - p[i * K + (int64_t)h->truth[i]];
    st = keep_quantiles(&m->intervals.constant, doubt, 1, h->n, e);
    free(doubt);
    return st;
}

agop_status agop__intervals_learn(agop_model *m, const agop__fit *f, const agop__honest *h, const double *p)
{
    const agop__target *g = f->target;
    double             *size;
    agop_status         st = AGOP_OK;

    if (h->n == 0)
        return AGOP_OK;
    if (g->classification)
        return keep_doubts(m, p, h, &f->ctx->err);
    size = agop__malloc(g->columns * h->n, sizeof *size);
    if (!size)
        return agop__fail_memory(&f->ctx->err, 8.0 * (double)(g->columns * h->n), "residuals");
    residuals(size, g, h);
    if (h->n >= FEWEST_FOR_SCALE && !f->stopped)
        TRY(learn_scale(m, f, h, size));
    TRY(keep_quantiles(&m->intervals.constant, size, g->columns, h->n, &f->ctx->err));
done:
    free(size);
    return st;
}

void agop__intervals_free(agop__intervals *v)
{
    free(v->constant.value);
    free(v->scaled.value);
    free(v->centre);
    memset(v, 0, sizeof *v);
}

/* ---- asking ---- */

agop_status agop__interval_check(int *form, const agop__intervals *v, const agop__target *g, double level,
                                 agop__err *e)
{
    int64_t rows = v->constant.rows;

    if (!(level > 0) || !(level < 1))
        return agop__fail(e, AGOP_E_PARAM, "an interval needs a level between 0 and 1, such as 0.9, not %g", level);
    if (*form != AGOP_INTERVAL_AUTO && *form != AGOP_INTERVAL_CONSTANT && *form != AGOP_INTERVAL_LOCAL)
        return agop__fail(e, AGOP_E_ARG, "there is no form %d of intervals", *form);
    if (g->classification && *form == AGOP_INTERVAL_LOCAL)
        return agop__fail(e, AGOP_E_UNSUPPORTED, "sets of classes are of one kind: leave the kind of intervals away");
    if (rows == 0)
        return agop__fail(e, AGOP_E_DATA, "this model has no %s, as no rows judged its fit: fit again without "
                          "--select last, with version 0.2 or later", g->classification ? "prediction sets"
                                                                                        : "intervals");
    if (*form == AGOP_INTERVAL_LOCAL && v->scaled.rows == 0)
        return agop__fail(e, AGOP_E_DATA, "this model has no local intervals, as its fit was stopped, judged by fewer "
                                          "than %d rows, or without error: take constant ones", FEWEST_FOR_SCALE);
    if (*form == AGOP_INTERVAL_AUTO)
        *form = v->local ? AGOP_INTERVAL_LOCAL : AGOP_INTERVAL_CONSTANT;
    rows = *form == AGOP_INTERVAL_LOCAL ? v->scaled.rows : rows;
    if (rank_of(rows, level) > (double)rows)
        return agop__fail(e, AGOP_E_PARAM, "%s of level %g needs more than the %lld rows that judged the fit: "
                          "take a level of at most %.6g", g->classification ? "a set" : "an interval", level, (long long)rows,
                          floor(1e6 * (double)rows / (double)(rows + 1)) / 1e6);
    return AGOP_OK;
}

int64_t agop__class_set(double *member, const double *p, int64_t classes, double q)
{
    int64_t count = 0, top = 0;

    for (int64_t k = 1; k < classes; k++)
        top = p[k] > p[top] ? k : top;
    for (int64_t k = 0; k < classes; k++) {
        member[k] = k == top || 1 - p[k] <= q;
        count += member[k] > 0;
    }
    return count;
}

double agop__half_width(const agop__intervals *v, const agop__target *g, int64_t k, double level, int form,
                        double log_s)
{
    if (form == AGOP_INTERVAL_CONSTANT)
        return g->spread[k] * agop__quantile(&v->constant, k, level);
    return g->spread[k] * agop__quantile(&v->scaled, k, level) * exp(v->centre[k] + log_s);
}
