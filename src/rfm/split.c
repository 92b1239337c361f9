/* split.c - the direction at whose median a node of a tree is split (xRFM, arXiv 2508.10053).
 *
 * All rules are products with two matrices that are never formed: A, the AGOP of a small fit on a sample of the node's
 * rows, and C = X'X / n, the covariance of those rows.
 *   agop         top eigenvector of A                          power iteration with A
 *   agop_random  normal vector of covariance A                 B'z for A = B'B
 *   pca          top component of rows mapped by A^(1/2)       power iteration with A C: its eigenvectors are A^(1/2) u
 *   pca_random   random component of rows mapped by A^(1/2)    A X'z
 *   linear       coefficients of a ridge regression            X'X + I, see linear.h
 *   fixed        given */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "rfm/fit.h"
#include "rfm/linear.h"

enum { POWER_STEPS = 200, SMALL_ITERS = 2 };

/* The sample, and room for two vectors. */
typedef struct sample {
    agop__fit    part;
    agop__design design; /* its rows as a matrix */
    int64_t   n, e;   /* rows, coordinates */
    double   *X;      /* n x e, centred */
    double   *w, *t;  /* e, n */
} sample;

static double normal(agop__rng *r)
{
    double u = agop__rng_uniform(r);
    return sqrt(-2 * log(1 - u)) * cos(6.283185307179586 * agop__rng_uniform(r));
}

static void normals(double *v, int64_t n, agop__rng *r)
{
    for (int64_t i = 0; i < n; i++)
        v[i] = normal(r);
}

/* 0: v is zero or no number. */
static int normalise(double *v, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += v[i] * v[i];
    if (!(sum > 0) || !isfinite(sum))
        return 0;
    for (int64_t i = 0; i < n; i++)
        v[i] /= sqrt(sum);
    return 1;
}

/* ---- the sample ---- */

static void fill_rows(sample *s)
{
    agop__design_take(s->X, &s->design, 0, s->n, 0, s->e);
    for (int64_t j = 0; j < s->e; j++) {
        double mean = 0;
        for (int64_t i = 0; i < s->n; i++)
            mean += s->X[i * s->e + j] / (double)s->n;
        for (int64_t i = 0; i < s->n; i++)
            s->X[i * s->e + j] -= mean;
    }
}

static agop_status take_sample(sample *s, const agop__fit *f, agop_ctx *ctx, const agop_settings *settings,
                               const int64_t *index, int64_t n, agop__rng *rng)
{
    int64_t     want = n < f->plan.split_rows ? n : f->plan.split_rows;
    int64_t    *chosen = agop__malloc(n, sizeof *chosen);
    agop_status st = AGOP_OK;

    if (!chosen)
        return agop__fail_memory(&ctx->err, 8.0 * (double)n, "a sample of rows");
    memcpy(chosen, index, (size_t)n * sizeof *chosen);
    for (int64_t i = 0; i < want; i++) { /* the first steps of a shuffle */
        int64_t j = i + agop__rng_below(rng, n - i), t = chosen[i];
        chosen[i] = chosen[j];
        chosen[j] = t;
    }
    TRY(agop__fit_part(&s->part, f, ctx, settings, chosen, want, NULL, 0));
    TRY(agop__design_open(&s->design, ctx, f->schema, 1));
    agop__design_rows(&s->design, s->part.rows.x, s->part.rows.code, f->plan.dtype, want);
    s->n = want;
    s->e = s->design.e;
    s->w = agop__calloc(s->e, sizeof *s->w);
    s->t = agop__calloc(s->n, sizeof *s->t);
    s->X = agop__calloc(s->n * s->e, sizeof *s->X);
    if (!s->w || !s->t || !s->X) {
        st = agop__fail_memory(&ctx->err, 8.0 * (double)(s->n * s->e), "a sample of rows");
        goto done;
    }
    fill_rows(s);
done:
    free(chosen);
    return st;
}

static void close_sample(sample *s)
{
    agop__design_close(&s->design);
    agop__fit_free(&s->part);
    free(s->X);
    free(s->w);
    free(s->t);
}

/* s->part.agop: of a few iterations on all rows of the sample, nobody judging. */
static agop_status small_fit(sample *s, const agop__metric *start)
{
    agop__plan *p = &s->part.plan;

    p->last          = 1;
    p->coarse        = 0;
    p->all_rows      = 0;
    p->shrink        = p->shrink_given ? p->shrink : .5;
    p->shrink_given  = 1;
    p->iters         = start ? 1 : SMALL_ITERS;
    p->time_limit    = 0;
    s->part.rows.learn  = s->n;
    s->part.rows.judge  = s->n;
    s->part.rows.judges = 0;
    s->part.start       = start;
    return agop__fit_metric(&s->part);
}

/* ---- products ---- */

/* out = X'(X v) / n */
static void times_C(double *out, sample *s, const double *v)
{
    for (int64_t i = 0; i < s->n; i++) {
        double sum = 0;
        for (int64_t j = 0; j < s->e; j++)
            sum += s->X[i * s->e + j] * v[j];
        s->t[i] = sum / (double)s->n;
    }
    memset(out, 0, (size_t)s->e * sizeof *out);
    for (int64_t i = 0; i < s->n; i++)
        for (int64_t j = 0; j < s->e; j++)
            out[j] += s->t[i] * s->X[i * s->e + j];
}

/* Power iteration with A, or with A C. 0: came to nothing. */
static int power(double *v, sample *s, int with_C, agop__rng *rng)
{
    normals(v, s->e, rng);
    for (int k = 0; k < POWER_STEPS; k++) {
        double change = 0, sign = 0;
        if (!normalise(v, s->e))
            return 0;
        if (with_C) {
            double *Cv = s->w;
            times_C(Cv, s, v);
            agop__metric_times(v, &s->part.agop, Cv); /* v is read no more */
            if (!normalise(v, s->e))
                return 0;
            continue;
        }
        agop__metric_times(s->w, &s->part.agop, v);
        if (!normalise(s->w, s->e))
            return 0;
        for (int64_t j = 0; j < s->e; j++)
            sign += s->w[j] * v[j];
        for (int64_t j = 0; j < s->e; j++) {
            change += (s->w[j] - v[j]) * (s->w[j] - v[j]);
            v[j] = s->w[j];
        }
        if (sign > 0 && change < 1e-12)
            break;
    }
    return 1;
}

/* v = B'z: full blocks by their Cholesky factor, others entry by entry. */
static agop_status random_of(double *v, const agop__metric *A, agop_ctx *ctx, agop__rng *rng)
{
    agop_status st = AGOP_OK;

    for (int32_t b = 0; b < A->blocks; b++) {
        const agop__block *k = &A->block[b];
        int64_t            d = k->d;
        double            *L = NULL;
        int                flat = A->diagonal || (A->thin && b == 0);
        for (int64_t i = 0; i < d && flat; i++)
            v[i] = sqrt(fmax(0, k->m[i])) * normal(rng);
        for (int64_t r = 0; r < k->r; r++) {
            double z = normal(rng);
            for (int64_t i = 0; i < d; i++)
                v[i] += z * agop__factor_at(A, r * d + i);
        }
        if (!flat && d > 0) {
            L = agop__malloc(d * d, sizeof *L);
            if (!L)
                return agop__fail_memory(&ctx->err, 8.0 * (double)(d * d), "a random direction");
            memcpy(L, k->m, (size_t)(d * d) * sizeof *L);
            st = agop__metric_at(A, b, 0) >= 0 ? agop__factor_psd(L, ctx, d) : AGOP_OK;
            memset(v, 0, (size_t)d * sizeof *v);
            for (int64_t j = 0; j < d && st == AGOP_OK; j++) {
                double z = normal(rng);
                for (int64_t i = j; i < d; i++)
                    v[i] += L[i * d + j] * z;
            }
            free(L);
            if (st == AGOP_E_NUMERIC) /* a block that is all zero: nothing looks at it */
                st = AGOP_OK;
            if (st != AGOP_OK)
                return st;
        }
        v += d;
    }
    return AGOP_OK;
}

/* Coefficients (X'X + I) v = X'y for the first output. */
static agop_status linear(double *v, sample *s, agop_ctx *ctx)
{
    int64_t      c = s->part.target->outputs;
    agop__linear l = {0};
    agop_status  st;

    TRY(agop__linear_learn(&l, ctx, &s->design, s->part.rows.Y, c, NULL, 1));
    for (int64_t j = 0; j < s->e; j++)
        v[j] = l.slope[j * c];
done:
    agop__linear_free(&l);
    return st;
}

agop_status agop__split_direction(double *v, const agop__fit *f, agop_ctx *ctx, const agop_settings *s,
                                  const int64_t *index, int64_t n, int rule, uint64_t seed, const agop__metric *start,
                                  const double *fixed)
{
    sample      m  = {0};
    int         ok = 1;
    agop__rng   rng;
    agop_status st;

    agop__rng_seed(&rng, seed, 77);
    TRY(take_sample(&m, f, ctx, s, index, n, &rng));
    if (rule != AGOP__SPLIT_LINEAR && rule != AGOP__SPLIT_FIXED)
        TRY(small_fit(&m, start));
    switch (rule) {
    case AGOP__SPLIT_AGOP: ok = power(v, &m, 0, &rng); break;
    case AGOP__SPLIT_PCA: ok = power(v, &m, 1, &rng); break;
    case AGOP__SPLIT_AGOP_RANDOM: TRY(random_of(v, &m.part.agop, ctx, &rng)); break;
    case AGOP__SPLIT_PCA_RANDOM:
        memset(m.w, 0, (size_t)m.e * sizeof *m.w);
        for (int64_t i = 0; i < m.n; i++) {
            double z = normal(&rng);
            for (int64_t j = 0; j < m.e; j++)
                m.w[j] += z * m.X[i * m.e + j];
        }
        agop__metric_times(v, &m.part.agop, m.w);
        break;
    case AGOP__SPLIT_LINEAR: TRY(linear(v, &m, ctx)); break;
    default: memcpy(v, fixed, (size_t)m.e * sizeof *v);
    }
    if (!ok || !normalise(v, m.e)) /* a flat function: a direction of chance splits as well as any */
        normals(v, m.e, &rng);
    /* a level's coordinate is `height` where it is present: directions are told for presence */
    for (int64_t j = f->schema->numeric; j < m.e && rule != AGOP__SPLIT_FIXED; j++)
        v[j] *= f->shape.height;
    (void)normalise(v, m.e);
done:
    close_sample(&m);
    return st;
}
