/* gradient.c - AGOP by gradients: tiles of rows, one tile of gradients at a time; see gradient.h.
 *
 * In the mapped coordinates u = F'x the gradient with respect to x is F times the one with respect to u, so the outer
 * products are summed in u and turned once at the end: M' = F (sum g g') F'. For a categorical group the backend gives
 * S = sum_j alpha_j w_ij (e_i - e_j); its gradient is height M_g S, hence M_g' = height^2 M_g (sum S S') M_g. */
#include "kernel/gradient.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

/* Sums of outer products in the backend's coordinates, shaped like a full metric; and sums of gradients. */
typedef struct sums {
    agop__metric outer;
    double      *mean; /* outputs x coordinates, or NULL */
    double       weight;
} sums;

/* sum += G_b' G_b for every block and output of one tile of gradients. */
static agop_status add_outer(sums *s, agop_ctx *ctx, const agop__tile *G, int64_t outputs, double *host)
{
    int64_t     e  = agop__metric_size(&s->outer), first = 0;
    agop__tile  A  = {0};
    agop_status st = AGOP_OK;

    for (int32_t b = 0; b < s->outer.blocks; b++) {
        int64_t d = s->outer.block[b].d;
        if (d == 0)
            continue;
        TRY(op_alloc(ctx, &A, d, d, G->dtype));
        for (int64_t o = 0; o < outputs; o++) {
            agop__tile g = op_cols(ctx, G, o * e + first, d);
            TRY(op_gemm(ctx, 1, 0, 1.0, &g, &g, o ? 1.0 : 0.0, &A));
        }
        TRY(op_get(ctx, host, d, AGOP_F64, &A));
        for (int64_t i = 0; i < d * d; i++)
            s->outer.block[b].m[i] += host[i];
        op_release(ctx, &A);
        first += d;
    }
done:
    op_release(ctx, &A);
    return st;
}

/* sum of w_i G_i for every column: w' G, where the rows of G already carry sqrt(w_i) and v = sqrt(w_i). */
static agop_status add_mean(sums *s, agop_ctx *ctx, const agop__tile *G, const agop__tile *v, double *host)
{
    agop__tile  row = {0};
    agop_status st;

    TRY(op_alloc(ctx, &row, 1, G->cols, G->dtype));
    TRY(op_gemm(ctx, 1, 0, 1.0, v, G, 0.0, &row));
    TRY(op_get(ctx, host, G->cols, AGOP_F64, &row));
    for (int64_t i = 0; i < G->cols; i++)
        s->mean[i] += host[i];
done:
    op_release(ctx, &row);
    return st;
}

static agop_status all_tiles(sums *s, const agop__map *map, const agop__points *x, const double *weight,
                             const agop__points *z, const agop__tile *alpha, double started)
{
    agop_ctx   *ctx = map->ctx;
    int64_t     n = x->u.rows, e = agop__metric_size(&s->outer), c = alpha->cols, widest = c * e;
    int64_t     step = 4194304 / (c * e + 1); /* gradients of a tile: at most 16 or 32 MB */
    agop__tile  G = {0}, v = {0};
    double     *host = NULL, *root = NULL;
    agop_status st = AGOP_OK;

    step = step < 64 ? 64 : step > 2048 ? 2048 : step;
    step = step > n ? n : step;
    for (int32_t b = 0; b < s->outer.blocks; b++) {
        int64_t d = s->outer.block[b].d;
        widest    = d * d > widest ? d * d : widest;
    }
    host = agop__malloc(widest, sizeof *host);
    root = agop__malloc(step, sizeof *root);
    if (!host || !root) {
        st = agop__fail_memory(&ctx->err, 8.0 * (double)widest, "gradients");
        goto done;
    }
    TRY(op_alloc(ctx, &G, step, c * e, map->dtype));
    TRY(op_alloc(ctx, &v, step, 1, map->dtype));
    for (int64_t i = 0; i < n; i += step) {
        int64_t      count = n - i < step ? n - i : step;
        agop__points xi    = agop__points_rows(x, ctx, i, count);
        agop__tile   Gi = op_rows(ctx, &G, 0, count), vi = op_rows(ctx, &v, 0, count);
        if (agop__tell(ctx, "metric", 0, 0, started, NULL)) {
            st = agop__fail(&ctx->err, AGOP_E_STOPPED, "stopped while averaging gradients");
            goto done;
        }
        for (int64_t r = 0; r < count; r++) {
            root[r] = weight ? sqrt(weight[i + r]) : 1;
            s->weight += weight ? weight[i + r] : 1;
        }
        TRY(op_put(ctx, &vi, root, 1, AGOP_F64));
        TRY(op_gradient(ctx, &Gi, &map->kernel, &xi, z, alpha));
        if (weight)
            TRY(op_scale_rows(ctx, &Gi, &vi));
        TRY(add_outer(s, ctx, &Gi, c, host));
        if (s->mean)
            TRY(add_mean(s, ctx, &Gi, &vi, host));
    }
done:
    op_release(ctx, &v);
    op_release(ctx, &G);
    free(root);
    free(host);
    return st;
}

/* Divide by the total weight and take the mean gradient's outer product away. */
static void average(sums *s, int64_t outputs)
{
    int64_t e = agop__metric_size(&s->outer), first = 0;
    for (int32_t b = 0; b < s->outer.blocks; b++) {
        int64_t d = s->outer.block[b].d;
        for (int64_t i = 0; i < d; i++)
            for (int64_t j = 0; j < d; j++) {
                double *m = &s->outer.block[b].m[i * d + j];
                *m /= s->weight;
                for (int64_t o = 0; s->mean && o < outputs; o++)
                    *m -= s->mean[o * e + first + i] / s->weight * (s->mean[o * e + first + j] / s->weight);
            }
        first += d;
    }
}

/* out = P A P' in double for d x d host matrices; P lower triangular or symmetric. */
static agop_status sandwich(double *out, agop_ctx *ctx, const double *P, const double *A, int64_t d)
{
    agop__tile  p = {0}, a = {0}, t = {0};
    agop_status st;

    TRY(op_alloc(ctx, &p, d, d, AGOP_F64));
    TRY(op_alloc(ctx, &a, d, d, AGOP_F64));
    TRY(op_alloc(ctx, &t, d, d, AGOP_F64));
    TRY(op_put(ctx, &p, P, d, AGOP_F64));
    TRY(op_put(ctx, &a, A, d, AGOP_F64));
    TRY(op_gemm(ctx, 0, 0, 1.0, &p, &a, 0.0, &t));
    TRY(op_gemm(ctx, 0, 1, 1.0, &t, &p, 0.0, &a));
    TRY(op_get(ctx, out, d, AGOP_F64, &a));
    for (int64_t i = 0; i < d; i++) /* symmetric to the last bit */
        for (int64_t j = 0; j < i; j++)
            out[i * d + j] = out[j * d + i] = .5 * (out[i * d + j] + out[j * d + i]);
done:
    op_release(ctx, &t);
    op_release(ctx, &a);
    op_release(ctx, &p);
    return st;
}

/* Block 0 from mapped coordinates back to x. */
static agop_status turn_numeric(agop__metric *out, const agop__map *map, const double *A)
{
    agop_ctx   *ctx = map->ctx;
    int64_t     d   = map->numeric;
    double     *F   = NULL, *m = out->block[0].m;
    agop_status st  = AGOP_OK;

    if (map->root) {
        for (int64_t i = 0; i < d; i++) {
            if (out->diagonal)
                m[i] = map->root[i] * map->root[i] * A[i * d + i];
            for (int64_t j = 0; !out->diagonal && j < d; j++)
                m[i * d + j] = map->root[i] * A[i * d + j] * map->root[j];
        }
        return AGOP_OK;
    }
    F = agop__malloc(d * d, sizeof *F);
    if (!F)
        return agop__fail_memory(&ctx->err, 8.0 * (double)(d * d), "the metric");
    TRY(op_get(ctx, F, d, AGOP_F64, &map->F));
    TRY(sandwich(m, ctx, F, A, d));
done:
    free(F);
    return st;
}

static agop_status turn_group(agop__metric *out, agop_ctx *ctx, const agop__metric *m, int32_t b, double height,
                              int32_t kind, const double *A)
{
    int64_t     d  = m->block[b].d;
    double     *to = out->block[b].m;
    agop_status st = AGOP_OK;

    if (out->diagonal) {
        for (int64_t i = 0; i < d; i++) {
            double w = agop__metric_at(m, b, i);
            to[i]    = kind == AGOP__L1 ? w * A[i * d + i] : height * height * w * w * A[i * d + i];
        }
        return AGOP_OK;
    }
    TRY(sandwich(to, ctx, m->block[b].m, A, d));
    for (int64_t i = 0; i < d * d; i++)
        to[i] *= height * height;
done:
    return st;
}

agop_status agop__average_gradient(agop__metric *out, const agop__map *map, const agop__metric *m, double height,
                                   const agop__points *x, const double *weight, const agop__points *z,
                                   const agop__tile *alpha, int centre, double started)
{
    agop_ctx   *ctx = map->ctx;
    sums        s   = {0};
    agop_status st;

    memset(out, 0, sizeof *out);
    TRY(agop__metric_zero(&s.outer, map->numeric, map->kernel.groups, map->levels, 0, &ctx->err));
    TRY(agop__metric_zero(out, map->numeric, map->kernel.groups, map->levels, m->diagonal, &ctx->err));
    if (centre) {
        s.mean = agop__calloc(alpha->cols * agop__metric_size(&s.outer), sizeof *s.mean);
        if (!s.mean) {
            st = agop__fail_memory(&ctx->err, 0, "gradients");
            goto done;
        }
    }
    TRY(all_tiles(&s, map, x, weight, z, alpha, started));
    average(&s, alpha->cols);
    if (map->numeric)
        TRY(turn_numeric(out, map, s.outer.block[0].m));
    for (int32_t b = 1; b < out->blocks; b++)
        TRY(turn_group(out, ctx, m, b, height, map->kernel.kind, s.outer.block[b].m));
done:
    free(s.mean);
    agop__metric_free(&s.outer);
    if (st != AGOP_OK)
        agop__metric_free(out);
    return st;
}
