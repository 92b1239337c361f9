/* dual.c - the AGOP of a table with more coordinates than rows; nothing is d x d.
 *
 * The metric is thin, M = B'B + D. Every gradient of the machine lies in the span of the rows of P = X M (n x d),
 * because grad f_o(x_i) = sum_j alpha_jo w_ij (p_i - p_j). So AGOP = P' S P with S n x n, and with S = L L' the next
 * metric is thin again: B <- L' P, D <- 0. Where D is zero already, P = (X B') B, and S may be taken in the r
 * coordinates u = B x, where the ordinary routes make it: B <- L' B. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "kernel/gradient.h"

enum { CHUNK = 1024 }; /* coordinates of P at a time */

/* ---- S where the metric has a diagonal part ---- */

typedef struct span {
    agop_ctx            *ctx;
    const agop__average *a;
    int64_t              m, n, c;
    double              *W, *V, *alpha, *root, *S; /* m x n, m x c, n x c, m, n x n; rows of W and V times sqrt(w) */
    double               weight;
} span;

static void close_span(span *s)
{
    free(s->W);
    free(s->V);
    free(s->alpha);
    free(s->root);
    free(s->S);
}

static agop_status open_span(span *s)
{
    agop_ctx   *ctx = s->ctx;
    agop__tile  W   = {0};
    agop_status st  = AGOP_OK;

    s->W     = agop__malloc(s->m * s->n, sizeof *s->W);
    s->V     = agop__malloc(s->m * s->c, sizeof *s->V);
    s->alpha = agop__malloc(s->n * s->c, sizeof *s->alpha);
    s->root  = agop__malloc(s->m, sizeof *s->root);
    s->S     = agop__malloc(s->n * s->n, sizeof *s->S);
    if (!s->W || !s->V || !s->alpha || !s->root || !s->S) {
        st = agop__fail_memory(&ctx->err, 8.0 * (double)s->n * (double)(s->n + s->m), "the AGOP");
        goto done;
    }
    TRY(op_alloc(ctx, &W, s->m, s->n, s->a->map->dtype));
    TRY(op_weights(ctx, &W, &s->a->map->kernel, s->a->x, s->a->z));
    TRY(op_get(ctx, s->W, s->n, AGOP_F64, &W));
    TRY(op_get(ctx, s->alpha, s->c, AGOP_F64, s->a->alpha));
    for (int64_t i = 0; i < s->m; i++) {
        double w   = s->a->weight ? s->a->weight[i] : 1;
        s->root[i] = sqrt(w);
        s->weight += w;
        for (int64_t j = 0; s->a->weight && j < s->n; j++)
            s->W[i * s->n + j] *= s->root[i];
    }
done:
    op_release(ctx, &W);
    return st;
}

/* V = W alpha and the lower triangle of S = W'W, both in double: squares of single numbers would lose half of their
 * digits. */
static agop_status square_weights(span *s)
{
    agop_ctx   *ctx = s->ctx;
    agop__tile  W = {0}, A = {0}, V = {0}, S = {0};
    agop_status st;

    TRY(op_alloc(ctx, &W, s->m, s->n, AGOP_F64));
    TRY(op_put(ctx, &W, s->W, s->n, AGOP_F64));
    TRY(op_alloc(ctx, &A, s->n, s->c, AGOP_F64));
    TRY(op_put(ctx, &A, s->alpha, s->c, AGOP_F64));
    TRY(op_alloc(ctx, &V, s->m, s->c, AGOP_F64));
    TRY(op_gemm(ctx, 0, 0, 1.0, &W, &A, 0.0, &V));
    TRY(op_get(ctx, s->V, s->c, AGOP_F64, &V));
    TRY(op_alloc(ctx, &S, s->n, s->n, AGOP_F64));
    TRY(op_syrk(ctx, 1, 1.0, &W, 0.0, &S));
    TRY(op_get(ctx, s->S, s->n, AGOP_F64, &S));
done:
    op_release(ctx, &S);
    op_release(ctx, &V);
    op_release(ctx, &A);
    op_release(ctx, &W);
    return st;
}

static double dot(const double *a, const double *b, int64_t c)
{
    double sum = 0;
    for (int64_t o = 0; o < c; o++)
        sum += a[o] * b[o];
    return sum;
}

/* S = (W'W) o (alpha alpha') - T - T' + diag(sum_o V_io^2), T = W o (V alpha'), over the total weight. */
static void finish_span(span *s)
{
    int64_t n = s->n, m = s->m, c = s->c;

    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) {
            const double *ai = s->alpha + i * c, *aj = s->alpha + j * c;
            double        v = s->S[i * n + j] * dot(ai, aj, c);
            if (i < m)
                v -= s->W[i * n + j] * dot(s->V + i * c, aj, c);
            if (j < m)
                v -= s->W[j * n + i] * dot(s->V + j * c, ai, c);
            if (i == j && i < m)
                v += dot(s->V + i * c, s->V + i * c, c);
            s->S[i * n + j] = s->S[j * n + i] = v / s->weight;
        }
}

/* Centred gradients: S -= sum_o e_o e_o', with P' e_o the mean gradient of output o. */
static agop_status centre_span(span *s)
{
    int64_t n = s->n, c = s->c;
    double *e = agop__calloc(n, sizeof *e);

    if (!e)
        return agop__fail_memory(&s->ctx->err, 8.0 * (double)n, "gradients");
    for (int64_t o = 0; o < c; o++) {
        memset(e, 0, (size_t)n * sizeof *e);
        for (int64_t i = 0; i < s->m; i++) {
            for (int64_t j = 0; j < n; j++)
                e[j] -= s->alpha[j * c + o] * s->root[i] * s->W[i * n + j] / s->weight;
            e[i] += s->root[i] * s->V[i * c + o] / s->weight;
        }
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < n; j++)
                s->S[i * n + j] -= e[i] * e[j];
    }
    free(e);
    return AGOP_OK;
}

/* A group's block in the backend's coordinates: E' S E with E its one-hot codes. */
static agop_status group_block(agop__metric *out, const span *s, int32_t b)
{
    agop_ctx   *ctx    = s->ctx;
    int64_t     groups = s->a->map->kernel.groups, levels = out->block[b].d;
    int32_t    *code   = agop__malloc(s->n * groups, sizeof *code);
    double     *A      = agop__calloc(levels * levels, sizeof *A);
    agop_status st     = AGOP_OK;

    if (!code || !A) {
        st = agop__fail_memory(&ctx->err, 8.0 * (double)(levels * levels), "categories");
        goto done;
    }
    TRY(op_get(ctx, code, groups, AGOP__I32, &s->a->z->code));
    for (int64_t i = 0; i < s->n; i++)
        for (int64_t j = 0; j < s->n; j++) {
            int32_t a = code[i * groups + b - 1], z = code[j * groups + b - 1];
            if (a >= 0 && a < levels && z >= 0 && z < levels)
                A[a * levels + z] += s->S[i * s->n + j];
        }
    TRY(agop__turn_group(out, ctx, s->a->metric, b, s->a->height, AGOP__L2, A));
done:
    free(A);
    free(code);
    return st;
}

/* ---- the next factor ---- */

/* Columns first .. first+count-1 of P = X M: u_F B + u_root o root, u being the mapped centres. */
static agop_status span_rows(agop__tile *P, const agop__average *a, int64_t first, int64_t count, double *host,
                             double *more)
{
    const agop__map *map = a->map;
    agop_ctx        *ctx = map->ctx;
    int64_t          n = a->z->u.rows, r = map->mapped - map->numeric;
    agop__tile       u = op_cols(ctx, &a->z->u, r + first, count);
    agop_status      st;

    TRY(op_get(ctx, host, count, AGOP_F64, &u));
    for (int64_t k = 0; k < n * count; k++)
        host[k] *= map->root[first + k % count];
    if (r > 0) {
        agop__tile B = op_cols(ctx, &map->F, first, count), left = op_cols(ctx, &a->z->u, 0, r);
        TRY(op_gemm(ctx, 0, 0, 1.0, &left, &B, 0.0, P));
        TRY(op_get(ctx, more, count, AGOP_F64, P));
        for (int64_t k = 0; k < n * count; k++)
            host[k] += more[k];
    }
    TRY(op_put(ctx, P, host, count, AGOP_F64));
done:
    return st;
}

/* out's factor = L' times the basis: the rows of P, or of B where the metric has no diagonal part. L: k x k, host. */
static agop_status next_factor(agop__metric *out, const agop__average *a, const double *L, int64_t k)
{
    const agop__map *map  = a->map;
    agop_ctx        *ctx  = map->ctx;
    int64_t          d    = map->numeric;
    size_t           size = out->dtype == AGOP_F32 ? 4 : 8;
    double          *host = NULL, *more = NULL;
    agop__tile       lower = {0}, P = {0}, B = {0};
    agop_status      st;

    TRY(agop__metric_widen(out, k, &ctx->err));
    host = agop__malloc(k * CHUNK, sizeof *host); /* for span_rows */
    more = agop__malloc(k * CHUNK, sizeof *more);
    if (!host || !more) {
        st = agop__fail_memory(&ctx->err, 16.0 * CHUNK * (double)k, "the factor of the metric");
        goto done;
    }
    TRY(op_alloc(ctx, &lower, k, k, map->dtype));
    TRY(op_put(ctx, &lower, L, k, AGOP_F64));
    for (int64_t first = 0; first < d; first += CHUNK) {
        int64_t count = d - first < CHUNK ? d - first : CHUNK;
        TRY(op_alloc(ctx, &B, k, count, map->dtype));
        if (map->root) {
            TRY(op_alloc(ctx, &P, k, count, map->dtype));
            TRY(span_rows(&P, a, first, count, host, more));
            TRY(op_gemm(ctx, 1, 0, 1.0, &lower, &P, 0.0, &B));
            op_release(ctx, &P);
        } else {
            agop__tile part = op_cols(ctx, &map->F, first, count);
            TRY(op_gemm(ctx, 1, 0, 1.0, &lower, &part, 0.0, &B));
        }
        TRY(op_get(ctx, (char *)out->block[0].factor + (size_t)first * size, d, out->dtype, &B));
        op_release(ctx, &B);
    }
done:
    op_release(ctx, &B);
    op_release(ctx, &P);
    op_release(ctx, &lower);
    free(more);
    free(host);
    return st;
}

/* 0: all of A is zero, a function that is flat. */
static int is_live(const double *A, int64_t k)
{
    for (int64_t i = 0; i < k; i++)
        if (A[i * k + i] > 0)
            return 1;
    return 0;
}

static agop_status by_span(agop__metric *out, agop__average *a)
{
    span        s = {.ctx = a->map->ctx, .a = a, .m = a->x->u.rows, .n = a->z->u.rows, .c = a->alpha->cols};
    agop_status st;

    a->units = AGOP__UNITS_OFF; /* here all is double */
    TRY(open_span(&s));
    TRY(square_weights(&s));
    finish_span(&s);
    if (a->centre)
        TRY(centre_span(&s));
    for (int32_t b = 1; b < out->blocks; b++)
        TRY(group_block(out, &s, b));
    free(s.W); /* room for the factor */
    s.W = NULL;
    if (!is_live(s.S, s.n))
        goto done;
    TRY(agop__factor_psd(s.S, s.ctx, s.n));
    TRY(next_factor(out, a, s.S, s.n));
done:
    close_span(&s);
    return st;
}

static agop_status by_coordinates(agop__metric *out, agop__average *a)
{
    const agop__map *map = a->map;
    agop_ctx        *ctx = map->ctx;
    agop__sums       s   = {0};
    agop_status      st;

    TRY(agop__metric_zero(&s.outer, map->mapped, map->kernel.groups, map->levels, 0, &ctx->err));
    TRY(agop__average_sums(&s, a));
    for (int32_t b = 1; b < out->blocks; b++)
        TRY(agop__turn_group(out, ctx, a->metric, b, a->height, AGOP__L2, s.outer.block[b].m));
    if (!is_live(s.outer.block[0].m, map->mapped))
        goto done;
    TRY(agop__factor_psd(s.outer.block[0].m, ctx, map->mapped));
    TRY(next_factor(out, a, s.outer.block[0].m, map->mapped));
done:
    free(s.mean);
    agop__metric_free(&s.outer);
    return st;
}

agop_status agop__average_thin(agop__metric *out, agop__average *a)
{
    const agop__map *map = a->map;
    agop_ctx        *ctx = map->ctx;
    agop_status      st;

    if (agop__tell(ctx, "metric", 0, 0, a->started, NULL))
        return agop__fail(&ctx->err, AGOP_E_STOPPED, "stopped while averaging gradients");
    TRY(agop__metric_thin(out, map->numeric, map->kernel.groups, map->levels, map->dtype, &ctx->err));
    for (int32_t b = 0; b < out->blocks; b++) {
        int64_t d = out->block[b].d;
        memset(out->block[b].m, 0, (size_t)(b ? d * d : d) * sizeof(double));
    }
    TRY(map->root ? by_span(out, a) : by_coordinates(out, a));
    a->route = AGOP__ROUTE_DUAL;
done:
    if (st != AGOP_OK)
        agop__metric_free(out);
    return st;
}
