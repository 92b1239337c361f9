/* expand.c - categories as coordinates: see expand.h. */
#include "kernel/expand.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

static agop_status expand_group(agop__expansion *e, const agop__metric *m, const agop__shape *shape, int32_t g)
{
    agop_ctx           *ctx  = e->map.ctx;
    const agop__block  *b    = &m->block[g + 1];
    int64_t             size = m->diagonal ? b->d : b->d * b->d;
    double             *to   = e->level[g] = agop__malloc(size, sizeof *to);
    agop_status         st   = AGOP_OK;

    if (!to)
        return agop__fail_memory(&ctx->err, 8.0 * (double)size, "categories as coordinates");
    memcpy(to, b->m, (size_t)size * sizeof *to);
    if (!m->diagonal && b->d > 0)
        TRY((shape->kind == AGOP__L2 ? agop__factor_psd : agop__root_psd)(to, ctx, b->d));
    for (int64_t i = 0; i < size; i++)
        to[i] = shape->height * (m->diagonal ? sqrt(fmax(0, to[i])) : to[i]);
done:
    return st;
}

agop_status agop__expand(agop__expansion *out, agop_ctx *ctx, const agop__metric *m, const agop__shape *shape)
{
    agop_status st;

    memset(out, 0, sizeof *out);
    TRY(agop__map_make(&out->map, ctx, m, shape, AGOP_F64));
    out->diagonal      = m->diagonal;
    out->coordinates   = out->map.mapped;
    out->kernel        = out->map.kernel;
    out->kernel.groups = 0;
    out->level         = agop__calloc(m->blocks, sizeof *out->level);
    if (!out->level) {
        st = agop__fail_memory(&ctx->err, 0, "categories as coordinates");
        goto done;
    }
    for (int32_t g = 0; g < m->blocks - 1; g++) {
        TRY(expand_group(out, m, shape, g));
        out->coordinates += m->block[g + 1].d;
    }
done:
    if (st != AGOP_OK)
        agop__expansion_free(out);
    return st;
}

void agop__expansion_free(agop__expansion *e)
{
    for (int32_t g = 0; e->level && g < e->map.kernel.groups; g++)
        free(e->level[g]);
    free(e->level);
    agop__map_free(&e->map);
    memset(e, 0, sizeof *e);
}

/* u += share times the point of level t. */
static void add_level(double *u, const agop__expansion *e, int32_t g, int64_t t, double share)
{
    int64_t d = e->map.levels[g];

    if (e->diagonal)
        u[t] += share * e->level[g][t];
    for (int64_t j = 0; !e->diagonal && j < d; j++)
        u[j] += share * e->level[g][t * d + j];
}

agop_status agop__expand_rows(double *u, const agop__expansion *e, const void *x, int32_t x_dtype, const int32_t *code,
                              const double *share, int64_t n)
{
    agop__map    numeric = e->map; /* without groups; borrows */
    agop_ctx    *ctx     = e->map.ctx;
    agop__points p       = {0};
    int32_t      groups  = e->map.kernel.groups;
    agop_status  st      = AGOP_OK;

    memset(u, 0, (size_t)(n * e->coordinates) * sizeof *u);
    numeric.kernel.groups = 0;
    if (numeric.mapped > 0) {
        TRY(agop__map_points(&p, &numeric, x, x_dtype, NULL, n));
        TRY(op_get(ctx, u, e->coordinates, AGOP_F64, &p.u));
    }
    for (int64_t i = 0; i < n; i++) {
        double *to = u + i * e->coordinates + numeric.mapped;
        int64_t at = 0;
        for (int32_t g = 0; g < groups; at += e->map.levels[g], g++) {
            for (int64_t t = 0; share && t < e->map.levels[g]; t++)
                add_level(to + at, e, g, t, share[at + t]);
            if (!share && code[i * groups + g] >= 0 && code[i * groups + g] < e->map.levels[g])
                add_level(to + at, e, g, code[i * groups + g], 1);
        }
    }
done:
    agop__points_free(&p, ctx);
    return st;
}

/* Gradients (n x mapped, stride ld) by the numeric coordinates of x: u = F'x, thin: u = Fx and then root x. */
static agop_status turn_back(double *out, const agop__expansion *e, const double *G, int64_t n)
{
    const agop__map *map  = &e->map;
    agop_ctx        *ctx  = map->ctx;
    int64_t          d = map->numeric, rooted = map->live ? map->mapped : d;
    int64_t          from = map->root ? map->mapped - rooted : map->mapped;
    agop__tile       part = {0}, X = {0};
    agop_status      st   = AGOP_OK;

    memset(out, 0, (size_t)(n * d) * sizeof *out);
    if (map->F.mem) {
        TRY(op_alloc(ctx, &part, n, from, AGOP_F64));
        TRY(op_put(ctx, &part, G, e->coordinates, AGOP_F64));
        TRY(op_alloc(ctx, &X, n, d, AGOP_F64));
        TRY(op_gemm(ctx, 0, !map->thin, 1.0, &part, &map->F, 0.0, &X));
        TRY(op_get(ctx, out, d, AGOP_F64, &X));
    }
    for (int64_t i = 0; i < n && map->root; i++)
        for (int64_t j = 0; j < rooted; j++) {
            int64_t to = agop__map_coordinate(map, j);
            out[i * d + to] += map->root[to] * G[i * e->coordinates + from + j];
        }
done:
    op_release(ctx, &X);
    op_release(ctx, &part);
    return st;
}

agop_status agop__expand_parts(double *parts, const agop__expansion *e, const double *G, const double *dx,
                               const double *du, int64_t n)
{
    int64_t     d = e->map.numeric, groups = e->map.kernel.groups, width = d + groups;
    double     *g  = agop__malloc(n * d, sizeof *g);
    agop_status st = AGOP_OK;

    if (!g)
        return agop__fail_memory(&e->map.ctx->err, 8.0 * (double)(n * d), "gradients");
    if (d > 0)
        TRY(turn_back(g, e, G, n));
    for (int64_t i = 0; i < n; i++) {
        int64_t at = i * e->coordinates + e->map.mapped;
        for (int64_t j = 0; j < d; j++)
            parts[i * width + j] = g[i * d + j] * dx[i * d + j];
        for (int32_t b = 0; b < groups; b++) {
            double sum = 0;
            for (int64_t t = 0; t < e->map.levels[b]; t++, at++)
                sum += G[at] * du[at];
            parts[i * width + d + b] = sum;
        }
    }
done:
    free(g);
    return st;
}
