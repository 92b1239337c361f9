/* span.c - more columns than rows: iterations in the coordinates that the rows span.
 *
 * Once a metric is B'B, B being r x d with r at most the number of rows, distances need u = Bx only, and every later
 * metric is B'(M_u)B for a metric M_u of u. So the iterations go on with the rows u, which have r columns instead of d,
 * and an ordinary, full metric M_u; the last one is turned back. It is the same path: metrics are still divided by the
 * largest entry of the whole d x d matrix, which is found without forming it. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "rfm/fit.h"

enum { BLOCK = 256, COLUMNS = 1024, SKETCH = 32 };
#define ROUNDING 1e-4 /* of a sum of squares in single precision, and more */
#define UNSEEN_F32 1e-9 /* shares of a metric that change no distance by more than rounding does */
#define UNSEEN_F64 1e-15

/* ---- into the span ---- */

/* A metric of no diagonal part, with a factor. */
static int is_span(const agop__metric *m)
{
    if (!m->thin || m->block[0].r == 0)
        return 0;
    for (int64_t i = 0; i < m->block[0].d; i++)
        if (m->block[0].m[i] != 0)
            return 0;
    return 1;
}

/* u = Bx of all rows of f, r coordinates each. */
static agop_status map_rows(agop__span *s, const agop__fit *f)
{
    size_t       size = agop__element(f->plan.dtype), width = (size_t)f->schema->numeric * size;
    agop__points p    = {0};
    agop_status  st   = AGOP_OK;

    s->u = agop__aligned(f->rows.total * s->r, size);
    if (!s->u)
        return agop__fail_memory(&f->ctx->err, 8.0 * (double)(f->rows.total * s->r), "rows in their span");
    for (int64_t i = 0; i < f->rows.total; i += BLOCK) {
        int64_t count = f->rows.total - i < BLOCK ? f->rows.total - i : BLOCK;
        TRY(agop__map_points(&p, &s->map, (const char *)f->rows.x + (size_t)i * width, f->plan.dtype,
                             f->rows.code + i * f->schema->groups, count));
        TRY(op_get(f->ctx, (char *)s->u + (size_t)(i * s->r) * size, s->r, f->plan.dtype, &p.u));
        agop__points_free(&p, f->ctx);
    }
done:
    agop__points_free(&p, f->ctx);
    return st;
}

/* The identity for u, and the groups' blocks of m. */
static agop_status inner_metric(agop__metric *out, const agop__metric *m, const agop__fit *f, int64_t r)
{
    agop_status st = agop__metric_identity(out, r, f->schema->groups, f->schema->group_levels, 0, &f->ctx->err);

    for (int32_t b = 1; st == AGOP_OK && b < m->blocks; b++)
        memcpy(out->block[b].m, m->block[b].m, (size_t)(m->block[b].d * m->block[b].d) * sizeof(double));
    return st;
}

/* |B_j|^2 of every column. */
static agop_status column_squares(agop__span *s, agop_ctx *ctx, const agop__metric *m)
{
    int64_t d = m->block[0].d;

    s->square = agop__calloc(d, sizeof *s->square);
    if (!s->square)
        return agop__fail_memory(&ctx->err, 8.0 * (double)d, "a metric");
    for (int64_t k = 0; k < s->r; k++)
        for (int64_t j = 0; j < d; j++)
            s->square[j] += agop__factor_at(m, k * d + j) * agop__factor_at(m, k * d + j);
    return AGOP_OK;
}

static void close_span(agop__span *s)
{
    agop__map_free(&s->map);
    free(s->u);
    free(s->square);
    free(s);
}

agop_status agop__span_enter(agop__fit *f, agop__metric *m)
{
    agop__metric inner = {0};
    agop__span  *s;
    agop_status  st;

    if (f->span || !f->plan.thin || !is_span(m))
        return AGOP_OK;
    s = agop__calloc(1, sizeof *s);
    if (!s)
        return agop__fail_memory(&f->ctx->err, 0, "rows in their span");
    s->r = m->block[0].r;
    TRY(agop__map_make(&s->map, f->ctx, m, &f->shape, f->plan.dtype));
    TRY(map_rows(s, f));
    TRY(column_squares(s, f->ctx, m));
    TRY(inner_metric(&inner, m, f, s->r));
    agop__metric_free(m); /* the map holds its factor */
    *m                = inner;
    s->x              = f->rows.x;
    s->full           = f->schema;
    s->inside         = *f->schema;
    s->inside.numeric = s->r;
    f->rows.x         = s->u;
    f->schema         = &s->inside;
    f->span           = s;
    f->plan.thin      = 0;
    return AGOP_OK;
done:
    agop__metric_free(&inner);
    close_span(s);
    return st;
}

/* ---- the largest entry of B'(M_u)B ---- */

/* L (r x most): the first columns of a pivoted Cholesky factor of A, until what is left has no more than `share` of its
 * trace. Their number, and the trace of what is left; left: room for r numbers. */
static int64_t factor(double *L, double *rest, double *left, const double *A, int64_t r, int64_t most, double share)
{
    double  trace = 0;
    int64_t k     = 0;

    for (int64_t i = 0; i < r; i++)
        trace += left[i] = A[i * r + i];
    *rest = trace;
    memset(L, 0, (size_t)(r * most) * sizeof *L);
    for (; k < most && *rest > share * trace; k++) {
        int64_t p = 0;
        double  root;
        for (int64_t i = 1; i < r; i++)
            p = left[i] > left[p] ? i : p;
        root  = sqrt(left[p]);
        *rest = 0;
        for (int64_t i = 0; i < r; i++) {
            double v = A[i * r + p];
            for (int64_t j = 0; j < k; j++)
                v -= L[i * most + j] * L[p * most + j];
            L[i * most + k] = v / root;
            left[i]         = i == p ? 0 : fmax(0, left[i] - L[i * most + k] * L[i * most + k]);
            *rest += left[i];
        }
    }
    return k;
}

/* b'A b for column j of B. */
static agop_status entry_of(double *out, const agop__span *s, agop_ctx *ctx, const double *A, int64_t j, double *b)
{
    int64_t     r      = s->r;
    agop__tile  column = op_cols(ctx, &s->map.F, j, 1);
    double      sum    = 0;
    agop_status st     = op_get(ctx, b, 1, AGOP_F64, &column);

    for (int64_t i = 0; i < r; i++) {
        double row = 0;
        for (int64_t k = 0; k < r; k++)
            row += A[i * r + k] * b[k];
        sum += b[i] * row;
    }
    *out = sum;
    return st;
}

/* It is on the diagonal. A few columns of a factor say of almost all columns of B that they cannot have it: what the
 * factor leaves out adds at most its trace times |B_j|^2. The others are looked at one by one. */
static agop_status largest(double *out, const agop__span *s, agop_ctx *ctx, const double *A)
{
    int64_t     r = s->r, d = s->full->numeric, count = SKETCH < r ? SKETCH : r;
    double     *L = agop__malloc(r * count, sizeof *L), *b = agop__malloc(r, sizeof *b);
    double     *seen = agop__calloc(d, sizeof *seen), *Z = agop__malloc(count * d, sizeof *Z), rest, one;
    agop__tile  tL = {0}, tZ = {0};
    agop_status st = AGOP_OK;

    *out = 0;
    if (!L || !b || !seen || !Z) {
        st = agop__fail_memory(&ctx->err, 8.0 * (double)(count * d), "a metric");
        goto done;
    }
    (void)factor(L, &rest, b, A, r, count, 0);
    TRY(op_alloc(ctx, &tL, r, count, s->map.dtype));
    TRY(op_put(ctx, &tL, L, count, AGOP_F64));
    TRY(op_alloc(ctx, &tZ, count, d, s->map.dtype));
    TRY(op_gemm(ctx, 1, 0, 1.0, &tL, &s->map.F, 0.0, &tZ));
    TRY(op_get(ctx, Z, d, AGOP_F64, &tZ));
    for (int64_t k = 0; k < count; k++)
        for (int64_t j = 0; j < d; j++)
            seen[j] += Z[k * d + j] * Z[k * d + j];
    for (int64_t j = 0; j < d; j++)
        *out = fmax(*out, (1 - ROUNDING) * seen[j]);
    for (int64_t j = 0; j < d; j++)
        if ((1 + ROUNDING) * seen[j] + rest * s->square[j] >= *out) {
            TRY(entry_of(&one, s, ctx, A, j, b));
            *out = fmax(*out, one);
        }
done:
    op_release(ctx, &tZ);
    op_release(ctx, &tL);
    free(Z);
    free(seen);
    free(b);
    free(L);
    return st;
}

agop_status agop__span_scale(int *alive, agop__metric *m, const agop__span *s, agop_ctx *ctx)
{
    double      top;
    agop_status st = largest(&top, s, ctx, m->block[0].m);

    for (int32_t b = 1; b < m->blocks; b++)
        for (int64_t i = 0; i < m->block[b].d; i++)
            top = fmax(top, agop__metric_at(m, b, i));
    *alive = top > 0 && isfinite(top);
    if (*alive)
        agop__metric_scale_by(m, 1 / top);
    return st;
}

/* ---- and back ---- */

/* M_u = L L' becomes the thin metric of factor L'B, of as many rows as the precision of the arithmetic can tell apart:
 * metrics that were learned have few directions. */
static agop_status expand(agop__metric *m, const agop__span *s, agop_ctx *ctx)
{
    int64_t      r = s->r, d = s->full->numeric, k;
    int32_t      dtype = s->map.dtype;
    agop__metric out   = {0};
    agop__tile   L = {0}, R = {0}, few;
    double      *host = agop__malloc(r * r, sizeof *host), *left = agop__malloc(r, sizeof *left), rest;
    agop_status  st;

    if (!host || !left) {
        st = agop__fail_memory(&ctx->err, 8.0 * (double)(r * r), "a metric");
        goto done;
    }
    k = factor(host, &rest, left, m->block[0].m, r, r, dtype == AGOP_F32 ? UNSEEN_F32 : UNSEEN_F64);
    k = k > 0 ? k : 1; /* a metric of zeros has a factor of zeros */
    TRY(agop__metric_thin(&out, d, s->full->groups, s->full->group_levels, dtype, &ctx->err));
    memset(out.block[0].m, 0, (size_t)d * sizeof(double));
    for (int32_t b = 1; b < out.blocks; b++)
        memcpy(out.block[b].m, m->block[b].m, (size_t)(out.block[b].d * out.block[b].d) * sizeof(double));
    TRY(agop__metric_widen(&out, k, &ctx->err));
    TRY(op_alloc(ctx, &L, r, r, dtype));
    TRY(op_put(ctx, &L, host, r, AGOP_F64));
    few = op_cols(ctx, &L, 0, k);
    for (int64_t first = 0; first < d; first += COLUMNS) {
        int64_t    count = d - first < COLUMNS ? d - first : COLUMNS;
        agop__tile B     = op_cols(ctx, &s->map.F, first, count);
        TRY(op_alloc(ctx, &R, k, count, dtype));
        TRY(op_gemm(ctx, 1, 0, 1.0, &few, &B, 0.0, &R));
        TRY(op_get(ctx, (char *)out.block[0].factor + (size_t)first * agop__element(dtype), d, dtype, &R));
        op_release(ctx, &R);
    }
    agop__metric_free(m);
    *m = out;
    memset(&out, 0, sizeof out);
done:
    op_release(ctx, &R);
    op_release(ctx, &L);
    agop__metric_free(&out);
    free(left);
    free(host);
    return st;
}

agop_status agop__span_leave(agop__fit *f)
{
    agop__span *s  = f->span;
    agop_status st = AGOP_OK;

    if (!s)
        return AGOP_OK;
    f->rows.x    = s->x;
    f->schema    = s->full;
    f->span      = NULL;
    f->plan.thin = 1;
    if (f->metric.block && !f->metric.thin)
        st = expand(&f->metric, s, f->ctx);
    if (st == AGOP_OK && f->agop.block && !f->agop.thin)
        st = expand(&f->agop, s, f->ctx);
    close_span(s);
    return st;
}
