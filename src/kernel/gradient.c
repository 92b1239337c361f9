/* gradient.c - AGOP: the route is chosen, sums are made (here by gradients, a tile of rows at a time; by gram.c
 * otherwise), and turned into a metric; see gradient.h.
 *
 * In the mapped coordinates u = F'x the gradient with respect to x is F times the one with respect to u, so the outer
 * products are summed in u and turned once at the end: M' = F (sum g g') F'. For a categorical group of l2 the backend
 * gives S = sum_j alpha_j w_ij (e_i - e_j); its gradient is height M_g S, hence M_g' = height^2 M_g (sum S S') M_g. For
 * other kernels it gives the gradient in coordinates M_g^(1/2) x, like F. */
#include "kernel/gradient.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

/* ---- the cheaper route ---- */

/* An entry of the panels of the Gram route is written, multiplied and read back: memory traffic, as flops. */
#define PANEL_ENTRY 160.0

/* What a product takes on matrix units: between what gradients and plain products were measured at (docs/adr/0017). */
#define UNITS_SHARE 0.6

double agop__route_cost(int route, int64_t m, int64_t n, int64_t e, int64_t c, int units)
{
    double rows = (double)m, centres = (double)n, coordinates = (double)e, outputs = (double)c;
    double share = units ? UNITS_SHARE : 1;

    if (route == AGOP__ROUTE_GRADIENTS)
        return share * (2 * rows * centres * coordinates * outputs + 2 * rows * coordinates * coordinates * outputs);
    return share * rows * centres * centres + (2 * rows + centres) * centres * coordinates +
           2 * (rows + centres) * coordinates * coordinates + (2 * rows + centres) * centres * outputs +
           PANEL_ENTRY * (2 * rows * centres + centres * centres / 2);
}

int agop__route_choose(int64_t m, int64_t n, int64_t e, int64_t c, int units)
{
    return agop__route_cost(AGOP__ROUTE_GRAM, m, n, e, c, units) <
                   agop__route_cost(AGOP__ROUTE_GRADIENTS, m, n, e, c, units)
               ? AGOP__ROUTE_GRAM
               : AGOP__ROUTE_GRADIENTS;
}

/* ---- by gradients ---- */

/* Sums of squares of every column of one tile of gradients, which is overwritten. */
static agop_status add_squares(agop__sums *s, agop_ctx *ctx, agop__tile *G, int64_t outputs, const agop__tile *ones,
                               double *host)
{
    int64_t     e   = agop__metric_size(&s->outer), at = 0;
    agop__tile  sum = {0}, one = op_rows(ctx, ones, 0, G->rows);
    agop_status st;

    TRY(op_alloc(ctx, &sum, 1, G->cols, G->dtype));
    TRY(op_multiply(ctx, G, G));
    TRY(op_gemm(ctx, 1, 0, 1.0, &one, G, 0.0, &sum));
    TRY(op_get(ctx, host, G->cols, AGOP_F64, &sum));
    for (int32_t b = 0; b < s->outer.blocks; b++)
        for (int64_t i = 0; i < s->outer.block[b].d; i++, at++)
            for (int64_t o = 0; o < outputs; o++)
                s->outer.block[b].m[i] += host[o * e + at];
done:
    op_release(ctx, &sum);
    return st;
}

/* sum += G_b' G_b for every block and output of one tile of gradients. */
static agop_status add_outer(agop__sums *s, agop_ctx *ctx, const agop__tile *G, int64_t outputs, int units,
                             double *host)
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
            if (units)
                TRY(op_gemm16(ctx, 1, 0, 1.0, &g, &g, o ? 1.0 : 0.0, &A));
            else
                TRY(op_syrk(ctx, 1, 1.0, &g, o ? 1.0 : 0.0, &A));
        }
        if (!units)
            TRY(op_mirror(ctx, &A));
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
static agop_status add_mean(agop__sums *s, agop_ctx *ctx, const agop__tile *G, const agop__tile *v, double *host)
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

static agop_status by_gradients(agop__sums *s, const agop__average *a)
{
    agop_ctx   *ctx = a->map->ctx;
    int32_t     dtype = a->map->dtype;
    int64_t     n = a->x->u.rows, e = agop__metric_size(&s->outer), c = a->alpha->cols, widest = c * e;
    int64_t     step = 4194304 / (c * e + 1); /* gradients of a tile: at most 16 or 32 MB */
    int         units  = a->units == AGOP__UNITS_ON;
    agop__kernel kernel = agop__known_kernel(a);
    agop__tile  G = {0}, v = {0}, ones = {0};
    double     *host = NULL, *root = NULL;
    agop_status st = AGOP_OK;

    kernel.bf16 = units;
    step = step < 64 ? 64 : step > 2048 ? 2048 : step;
    step = step > n ? n : step;
    for (int32_t b = 0; b < s->outer.blocks && !s->outer.diagonal; b++) {
        int64_t d = s->outer.block[b].d;
        widest    = d * d > widest ? d * d : widest;
    }
    host = agop__malloc(widest, sizeof *host);
    root = agop__malloc(step, sizeof *root);
    if (!host || !root) {
        st = agop__fail_memory(&ctx->err, 8.0 * (double)widest, "gradients");
        goto done;
    }
    for (int64_t r = 0; r < step; r++)
        root[r] = 1;
    TRY(op_alloc(ctx, &G, step, c * e, dtype));
    TRY(op_alloc(ctx, &v, step, 1, dtype));
    TRY(op_alloc(ctx, &ones, step, 1, dtype));
    TRY(op_put(ctx, &ones, root, 1, AGOP_F64));
    for (int64_t i = 0; i < n; i += step) {
        int64_t      count = n - i < step ? n - i : step;
        agop__points xi    = agop__points_rows(a->x, ctx, i, count);
        agop__tile   Gi = op_rows(ctx, &G, 0, count), vi = op_rows(ctx, &v, 0, count);
        if (agop__tell(ctx, "metric", 0, 0, a->started, NULL)) {
            st = agop__fail(&ctx->err, AGOP_E_STOPPED, "stopped while averaging gradients");
            goto done;
        }
        for (int64_t r = 0; r < count; r++) {
            root[r] = a->weight ? sqrt(a->weight[i + r]) : 1;
            s->weight += a->weight ? a->weight[i + r] : 1;
        }
        TRY(op_put(ctx, &vi, root, 1, AGOP_F64));
        kernel.first = i;
        TRY(op_gradient(ctx, &Gi, &kernel, &xi, a->z, a->alpha));
        if (a->weight)
            TRY(op_scale_rows(ctx, &Gi, &vi));
        if (s->mean)
            TRY(add_mean(s, ctx, &Gi, &vi, host));
        TRY(s->outer.diagonal ? add_squares(s, ctx, &Gi, c, &ones, host) : add_outer(s, ctx, &Gi, c, units, host));
    }
done:
    op_release(ctx, &ones);
    op_release(ctx, &v);
    op_release(ctx, &G);
    free(root);
    free(host);
    return st;
}

/* ---- from sums to the metric ---- */

/* Divide by the total weight and take the mean gradient's outer product away. */
void agop__average_divide(agop__sums *s, int64_t outputs)
{
    int64_t e = agop__metric_size(&s->outer), first = 0;
    for (int32_t b = 0; b < s->outer.blocks; b++) {
        int64_t d = s->outer.block[b].d, across = s->outer.diagonal ? 1 : d;
        for (int64_t i = 0; i < d; i++)
            for (int64_t j = 0; j < across; j++) {
                int64_t column = s->outer.diagonal ? i : j;
                double *m      = &s->outer.block[b].m[i * across + j];
                *m /= s->weight;
                for (int64_t o = 0; s->mean && o < outputs; o++)
                    *m -= s->mean[o * e + first + i] / s->weight * (s->mean[o * e + first + column] / s->weight);
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

    if (map->root) { /* out is zero where a coordinate is not live */
        for (int64_t i = 0; i < map->mapped; i++) {
            int64_t r = agop__map_coordinate(map, i);
            if (out->diagonal)
                m[r] = map->root[r] * map->root[r] * A[i];
            for (int64_t j = 0; !out->diagonal && j < map->mapped; j++) {
                int64_t c    = agop__map_coordinate(map, j);
                m[r * d + c] = map->root[r] * A[i * map->mapped + j] * map->root[c];
            }
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

agop_status agop__group_turn(double **out, agop_ctx *ctx, const agop__metric *m, int32_t b, double height, int32_t kind)
{
    int64_t     d = m->block[b].d, count = m->diagonal ? d : d * d;
    double     *P = agop__malloc(count, sizeof *P);
    agop_status st = AGOP_OK;

    *out = P;
    if (!P)
        return agop__fail_memory(&ctx->err, 8.0 * (double)count, "gradients");
    memcpy(P, m->block[b].m, (size_t)count * sizeof *P);
    if (kind != AGOP__L2 && !m->diagonal)
        return agop__root_psd(P, ctx, d);
    for (int64_t i = 0; i < count; i++)
        P[i] = kind == AGOP__L2 ? height * P[i] : sqrt(P[i]);
    return st;
}

agop_status agop__turn_group(agop__metric *out, agop_ctx *ctx, const agop__metric *m, int32_t b, double height,
                             int32_t kind, const double *A)
{
    int64_t     d  = m->block[b].d;
    double     *to = out->block[b].m, *P = NULL;
    agop_status st;

    TRY(agop__group_turn(&P, ctx, m, b, height, kind));
    for (int64_t i = 0; out->diagonal && i < d; i++)
        to[i] = P[i] * P[i] * A[i];
    if (!out->diagonal)
        TRY(sandwich(to, ctx, P, A, d));
done:
    free(P);
    return st;
}

/* The route: as asked, or the cheaper one that fits into memory. */
static agop_status settle_route(agop__average *a, int64_t coordinates)
{
    agop__err *e = &a->map->ctx->err;
    int64_t    m = a->x->u.rows, n = a->z->u.rows;
    int        l2 = a->map->kernel.kind == AGOP__L2;
    double     units = a->units == AGOP__UNITS_ON ? AGOP__UNITS_BYTES : 0;
    double     bytes = agop__gram_bytes(m, n, coordinates, a->map->dtype) + (double)agop__held_bytes() + units;
    int        fits  = a->memory <= 0 || bytes <= (double)a->memory;

    if (a->route == AGOP__ROUTE_GRAM && !l2)
        return agop__fail(e, AGOP_E_BUG, "the Gram route for another kernel than l2");
    if (a->route == AGOP__ROUTE_GRAM && !fits)
        return agop__fail(e, AGOP_E_NOMEM, "the Gram route needs %.1f GB, over the limit of %.1f GB: take --agop-route "
                          "gradients", bytes / 1e9, (double)a->memory / 1e9);
    if (a->route == AGOP__ROUTE_AUTO)
        a->route = l2 && fits ? agop__route_choose(m, n, coordinates, a->alpha->cols, a->units == AGOP__UNITS_ON)
                              : AGOP__ROUTE_GRADIENTS;
    return AGOP_OK;
}

/* The Gram route subtracts squares, so rounding is larger by the square of what gradients lose. Single precision keeps
 * four digits while the terms are at most so many times what is left of them. */
#define MOST_CANCELLED 500

static int keeps_digits(const agop__sums *s, int32_t dtype)
{
    double left = 0;
    for (int32_t b = 0; b < s->outer.blocks; b++)
        for (int64_t i = 0; i < s->outer.block[b].d; i++)
            left += agop__metric_at(&s->outer, b, i);
    return dtype == AGOP_F64 || s->cancelled <= MOST_CANCELLED * left;
}

static void clear(agop__sums *s, int64_t outputs)
{
    for (int32_t b = 0; b < s->outer.blocks; b++) {
        int64_t d = s->outer.block[b].d;
        memset(s->outer.block[b].m, 0, (size_t)(s->outer.diagonal ? d : d * d) * sizeof(double));
    }
    if (s->mean)
        memset(s->mean, 0, (size_t)(outputs * agop__metric_size(&s->outer)) * sizeof *s->mean);
    s->weight = 0;
}

/* Units and route depend on each other: a route is chosen as if they could be used, and anew if a trial forbids it. */
static agop_status settle(agop__average *a, int64_t e)
{
    int         route = a->route, units = a->units;
    agop_status st;

    TRY(agop__units_begin(a, e));
    TRY(settle_route(a, e));
    if (a->units == AGOP__UNITS_OFF || units == AGOP__UNITS_ON)
        goto done;
    TRY(agop__units_try(a, e));
    if (a->units == AGOP__UNITS_OFF) {
        a->route = route;
        TRY(settle_route(a, e));
    }
done:
    return st;
}

agop_status agop__average_sums(agop__sums *s, agop__average *a)
{
    agop_ctx   *ctx   = a->map->ctx;
    int         asked = a->route != AGOP__ROUTE_AUTO, units = a->units;
    agop_status st;

    TRY(settle(a, agop__metric_size(&s->outer)));
    if (a->centre) {
        s->mean = agop__calloc(a->alpha->cols * agop__metric_size(&s->outer), sizeof *s->mean);
        if (!s->mean) {
            st = agop__fail_memory(&ctx->err, 0, "gradients");
            goto done;
        }
    }
    if (a->route == AGOP__ROUTE_GRAM) {
        TRY(agop__gram_sums(s, a));
        if (!asked && !keeps_digits(s, a->map->dtype)) {
            a->route = AGOP__ROUTE_GRADIENTS;
            if (units == AGOP__UNITS_AUTO) /* which was tried for the other route */
                a->units = AGOP__UNITS_OFF;
            clear(s, a->alpha->cols);
        }
    }
    if (a->route == AGOP__ROUTE_GRADIENTS)
        TRY(by_gradients(s, a));
    agop__average_divide(s, a->alpha->cols);
done:
    return st;
}

agop_status agop__average_gradient(agop__metric *out, agop__average *a)
{
    const agop__map    *map = a->map;
    const agop__metric *m   = a->metric;
    agop_ctx           *ctx = map->ctx;
    agop__sums          s   = {0};
    agop_status         st;

    memset(out, 0, sizeof *out);
    if (m->thin)
        return agop__average_thin(out, a);
    TRY(agop__metric_zero(&s.outer, map->mapped, map->kernel.groups, map->levels, m->diagonal, &ctx->err));
    TRY(agop__metric_zero(out, map->numeric, map->kernel.groups, map->levels, m->diagonal, &ctx->err));
    TRY(agop__average_sums(&s, a));
    if (map->mapped)
        TRY(turn_numeric(out, map, s.outer.block[0].m));
    for (int32_t b = 1; b < out->blocks; b++)
        TRY(agop__turn_group(out, ctx, m, b, a->height, map->kernel.kind, s.outer.block[b].m));
    agop__metric_mend(out);
done:
    free(s.mean);
    agop__metric_free(&s.outer);
    if (st != AGOP_OK)
        agop__metric_free(out);
    return st;
}
