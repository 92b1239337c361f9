/* mixture.c - the average gradient outer product of a weighted sum of kernel machines.
 *
 * Their metrics, and so their mapped coordinates, differ: gradients are turned to the encoded coordinates first, added,
 * and then multiplied out. In a machine's own coordinates g, the gradient with respect to x is F g, and that of a
 * category's levels height M_g S for l2, M_g^(1/2) S for others (gradient.c). */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "kernel/gradient.h"

enum { STEP = 256 }; /* rows at a time */

/* out (count x d, host, stride ld) += columns first .. first+d-1 of G, which is count x c e, times P' (d x d), or
 * column by column times root; row i times w[i * c]. live: the columns of out, and entries of root, that those are;
 * NULL: all. */
static agop_status add_turned(double *out, int64_t ld, const double *w, int64_t c, agop_ctx *ctx, const agop__tile *G,
                              int64_t first, int64_t d, const agop__tile *P, const double *root, const int64_t *live,
                              double *host)
{
    agop__tile  part = op_cols(ctx, G, first, d), turned = {0};
    agop_status st;

    if (P) {
        TRY(op_alloc(ctx, &turned, G->rows, d, G->dtype));
        TRY(op_gemm(ctx, 0, 1, 1.0, &part, P, 0.0, &turned));
    }
    TRY(op_get(ctx, host, d, AGOP_F64, P ? &turned : &part));
    for (int64_t i = 0; i < G->rows; i++)
        for (int64_t j = 0; j < d; j++) {
            int64_t to = live ? live[j] : j;
            out[i * ld + to] += w[i * c] * host[i * d + j] * (root ? root[to] : 1);
        }
done:
    op_release(ctx, &turned);
    return st;
}

/* What turns the levels of group b: a tile, or a diagonal. */
static agop_status group_turn(agop__tile *P, double **root, const agop__average *a, int32_t b)
{
    agop_ctx   *ctx = a->map->ctx;
    int64_t     d   = a->metric->block[b].d;
    agop_status st;

    TRY(agop__group_turn(root, ctx, a->metric, b, a->height, a->map->kernel.kind));
    if (a->metric->diagonal)
        goto done;
    TRY(op_alloc(ctx, P, d, d, a->map->dtype));
    TRY(op_put(ctx, P, *root, d, AGOP_F64));
    free(*root);
    *root = NULL;
done:
    return st;
}

/* total (count x c e, host) += w times the gradients of one machine at rows i .. i+count-1, times its slopes there. */
static agop_status add_machine(double *total, double w, const agop__average *a, int64_t i, int64_t count, double *host)
{
    agop_ctx    *ctx = a->map->ctx;
    const agop__map *map = a->map;
    int64_t      e = agop__metric_size(a->metric), c = a->alpha->cols, first = map->numeric;
    int64_t      left = map->numeric - map->mapped, wide = e - left; /* out of a row of G */
    agop__points x = agop__points_rows(a->x, ctx, i, count);
    agop__tile   G = {0}, P = {0};
    double      *root = NULL, *each = agop__malloc(count * c, sizeof *each); /* w, and slopes */
    agop_status  st;

    if (!each)
        return agop__fail_memory(&ctx->err, 8.0 * (double)(count * c), "gradients");
    for (int64_t k = 0; k < count * c; k++)
        each[k] = a->slope ? w * a->slope[i * c + k] : w;
    TRY(op_alloc(ctx, &G, count, c * wide, map->dtype));
    TRY(op_gradient(ctx, &G, &map->kernel, &x, a->z, a->alpha));
    for (int64_t o = 0; o < c && map->mapped; o++)
        TRY(add_turned(total + o * e, c * e, each + o, c, ctx, &G, o * wide, map->mapped, map->root ? NULL : &map->F,
                       map->root, map->live, host));
    for (int32_t b = 1; b < a->metric->blocks; b++) {
        TRY(group_turn(&P, &root, a, b));
        for (int64_t o = 0; o < c; o++)
            TRY(add_turned(total + o * e + first, c * e, each + o, c, ctx, &G, o * wide + first - left,
                           a->metric->block[b].d, P.mem ? &P : NULL, root, NULL, host));
        op_release(ctx, &P);
        free(root);
        root = NULL;
        first += a->metric->block[b].d;
    }
done:
    free(each);
    free(root);
    op_release(ctx, &P);
    op_release(ctx, &G);
    return st;
}

/* Sums of outer products, and of gradients, of `count` rows. */
static agop_status add_rows(agop__sums *s, agop_ctx *ctx, const double *total, const double *weight, int64_t count,
                            int64_t c, int32_t dtype)
{
    int64_t     e = agop__metric_size(&s->outer), first = 0;
    double     *A = NULL;
    agop__tile  G = {0}, M = {0};
    agop_status st = AGOP_OK;

    for (int64_t i = 0; i < count; i++) {
        double w = weight ? weight[i] : 1;
        s->weight += w;
        for (int64_t k = 0; k < c * e && s->mean; k++)
            s->mean[k] += w * total[i * c * e + k];
    }
    for (int32_t b = 0; b < s->outer.blocks; b++) {
        int64_t d = s->outer.block[b].d;
        double *m = s->outer.block[b].m;
        for (int64_t i = 0; i < count && s->outer.diagonal; i++)
            for (int64_t o = 0; o < c; o++)
                for (int64_t j = 0; j < d; j++) {
                    double g = total[(i * c + o) * e + first + j];
                    m[j] += (weight ? weight[i] : 1) * g * g;
                }
        if (!s->outer.diagonal && d > 0) { /* the rows of all outputs below each other */
            A = agop__malloc(d * (count * c > d ? count * c : d), sizeof *A);
            if (!A) {
                st = agop__fail_memory(&ctx->err, 8.0 * (double)(d * d), "gradients");
                goto done;
            }
            for (int64_t r = 0; r < count * c; r++)
                for (int64_t j = 0; j < d; j++)
                    A[r * d + j] = (weight ? sqrt(weight[r / c]) : 1) * total[r * e + first + j];
            TRY(op_alloc(ctx, &G, count * c, d, dtype));
            TRY(op_alloc(ctx, &M, d, d, dtype));
            TRY(op_put(ctx, &G, A, d, AGOP_F64));
            TRY(op_syrk(ctx, 1, 1.0, &G, 0.0, &M));
            TRY(op_mirror(ctx, &M));
            TRY(op_get(ctx, A, d, AGOP_F64, &M));
            for (int64_t k = 0; k < d * d; k++)
                m[k] += A[k];
            op_release(ctx, &M);
            op_release(ctx, &G);
            free(A);
            A = NULL;
        }
        first += d;
    }
done:
    op_release(ctx, &M);
    op_release(ctx, &G);
    free(A);
    return st;
}

agop_status agop__average_mixture(agop__metric *out, agop__average *const *a, const double *weight, int64_t count,
                                  int diagonal)
{
    const agop__map *map   = a[0]->map;
    agop_ctx        *ctx   = map->ctx;
    int64_t          n     = a[0]->x->u.rows, e = agop__metric_size(a[0]->metric), c = a[0]->alpha->cols;
    double          *total = agop__malloc(STEP * c * e, sizeof *total), *host = agop__malloc(STEP * e, sizeof *host);
    agop__sums       s     = {0};
    agop_status      st;

    TRY(agop__metric_zero(&s.outer, map->numeric, map->kernel.groups, map->levels, diagonal, &ctx->err));
    s.mean = a[0]->centre ? agop__calloc(c * e, sizeof *s.mean) : NULL;
    if (!total || !host || (a[0]->centre && !s.mean)) {
        st = agop__fail_memory(&ctx->err, 8.0 * STEP * (double)(c * e), "gradients");
        goto done;
    }
    for (int64_t i = 0; i < n; i += STEP) {
        int64_t rows = n - i < STEP ? n - i : STEP;
        if (agop__tell(ctx, "metric", 0, 0, a[0]->started, NULL)) {
            st = agop__fail(&ctx->err, AGOP_E_STOPPED, "stopped while averaging gradients");
            goto done;
        }
        memset(total, 0, (size_t)(rows * c * e) * sizeof *total);
        for (int64_t k = 0; k < count; k++)
            TRY(add_machine(total, weight[k], a[k], i, rows, host));
        TRY(add_rows(&s, ctx, total, a[0]->weight ? a[0]->weight + i : NULL, rows, c, map->dtype));
    }
    agop__average_divide(&s, c);
    agop__metric_mend(&s.outer);
    *out = s.outer;
    memset(&s.outer, 0, sizeof s.outer);
done:
    agop__metric_free(&s.outer);
    free(s.mean);
    free(host);
    free(total);
    return st;
}
