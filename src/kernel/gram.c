/* gram.c - AGOP without gradients. With W the m x n weights of gradients, rows times sqrt(w_i), and V = W alpha,
 *
 *   sum_i w_i sum_o g g' = Z' D Z - Z' T X - X' T' Z + X' H X,    D = diag(sum_o V_io^2)
 *   T = W o (V alpha'),   H = (W'W) o (alpha alpha')
 *
 * Z the mapped rows where gradients are taken, X the mapped centres: outputs have collapsed into n x n matrices, so the
 * cost is m n^2 + 2 m n e + n^2 e, whatever their number. Everything on the right is B + B' with
 *
 *   B = Z' (D Z / 2 - T X) + X' Y,   Y = (lower triangle of H, half its diagonal) X
 *
 * T is made in panels of rows and H in panels of columns; only W is held whole. Where gradients are taken at the
 * centres themselves, and all rows weigh the same, W is symmetric and everything is X' S X with S = D - T - T' + H,
 * of which panels of the lower triangle are enough. For a categorical group X and Z are its one-hot codes.
 *
 * On matrix units W is rounded to bf16 before anything is made of it. W'W, the largest product, is then exact
 * but for sums in float32, and the whole is the AGOP of those weights: nothing that cancels has been rounded on one
 * side only. T and H, which do not fit into bf16, are multiplied in single precision. */
#include <math.h>

#include "base/memory.h"
#include "kernel/gradient.h"

enum { PANEL = 512 };

typedef struct gram {
    agop_ctx            *ctx;
    const agop__average *a;
    int64_t              m, n, c;
    int32_t              blocks;
    agop__tile           W, V, P, Q, ones; /* P, Q: panels */
    agop__tile          *Z, *X, *Y;        /* one per block */
    agop__tile          *B;                /* e_b x e_b, or 1 x e_b where only the diagonal is wanted */
    double              *root, *V_host, *host;
    double               near; /* trace of Z' D Z */
    int                  symmetric;
} gram;

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

double agop__gram_bytes(int64_t m, int64_t n, int64_t e, int32_t dtype)
{
    double size = dtype == AGOP_F32 ? 4 : 8, longer = (double)(m > n ? m : n);
    return size * ((double)m * (double)n + 2.0 * PANEL * longer + 3.0 * (double)n * (double)e) + 8.0 * PANEL * longer;
}

/* ---- life ---- */

static void close_gram(gram *g)
{
    agop_ctx *ctx = g->ctx;

    for (int32_t b = 0; b < g->blocks; b++) {
        if (b > 0 && g->Z) /* those of block 0 belong to the caller */
            op_release(ctx, &g->Z[b]);
        if (b > 0 && g->X)
            op_release(ctx, &g->X[b]);
        if (g->Y)
            op_release(ctx, &g->Y[b]);
        if (g->B)
            op_release(ctx, &g->B[b]);
    }
    op_release(ctx, &g->W);
    op_release(ctx, &g->V);
    op_release(ctx, &g->P);
    op_release(ctx, &g->Q);
    op_release(ctx, &g->ones);
    free(g->Z);
    free(g->X);
    free(g->Y);
    free(g->B);
    free(g->root);
    free(g->V_host);
    free(g->host);
}

/* Codes of group b - 1 as ones and zeros. */
static agop_status one_hot(agop__tile *out, const gram *g, const agop__points *p, int32_t b, int64_t levels)
{
    agop_ctx   *ctx    = g->ctx;
    int64_t     rows   = p->u.rows, groups = g->blocks - 1;
    int32_t    *code   = agop__malloc(rows * groups, sizeof *code);
    float      *values = agop__calloc(rows * levels, sizeof *values);
    agop_status st     = AGOP_OK;

    if (!code || !values) {
        st = agop__fail_memory(&ctx->err, 4.0 * (double)(rows * levels), "categories");
        goto done;
    }
    TRY(op_get(ctx, code, groups, AGOP__I32, &p->code));
    for (int64_t i = 0; i < rows; i++) {
        int32_t level = code[i * groups + b - 1];
        if (level >= 0 && level < levels)
            values[i * levels + level] = 1;
    }
    TRY(op_alloc(ctx, out, rows, levels, g->a->map->dtype));
    TRY(op_put(ctx, out, values, levels, AGOP_F32));
done:
    free(values);
    free(code);
    return st;
}

static agop_status open_blocks(gram *g, const agop__metric *outer)
{
    agop_ctx   *ctx   = g->ctx;
    int32_t     dtype = g->a->map->dtype;
    agop_status st    = AGOP_OK;

    g->blocks = outer->blocks;
    g->Z      = agop__calloc(g->blocks, sizeof *g->Z);
    g->X      = agop__calloc(g->blocks, sizeof *g->X);
    g->Y      = agop__calloc(g->blocks, sizeof *g->Y);
    g->B      = agop__calloc(g->blocks, sizeof *g->B);
    if (!g->Z || !g->X || !g->Y || !g->B)
        return agop__fail_memory(&ctx->err, 0, "the AGOP");
    for (int32_t b = 0; b < g->blocks; b++) {
        int64_t d = outer->block[b].d;
        if (b == 0) {
            g->Z[0] = g->a->x->u;
            g->X[0] = g->a->z->u;
        } else {
            TRY(one_hot(&g->Z[b], g, g->a->x, b, d));
            TRY(one_hot(&g->X[b], g, g->a->z, b, d));
        }
        TRY(op_alloc(ctx, &g->Y[b], g->n, d, dtype));
        TRY(op_alloc(ctx, &g->B[b], outer->diagonal ? 1 : d, d, dtype));
    }
done:
    return st;
}

static agop_status fill_host(agop__tile *t, agop_ctx *ctx, int64_t rows, int32_t dtype, const double *values)
{
    agop_status st;

    TRY(op_alloc(ctx, t, rows, 1, dtype));
    TRY(op_put(ctx, t, values, 1, AGOP_F64));
done:
    return st;
}

/* W, its rows times sqrt(w), and V = W alpha. */
static agop_status open_weights(gram *g)
{
    const agop__average *a     = g->a;
    agop_ctx            *ctx   = g->ctx;
    int32_t              dtype = a->map->dtype;
    int64_t              longer = g->m > g->n ? g->m : g->n;
    agop__tile           root   = {0};
    agop__kernel         kernel = agop__known_kernel(a);
    agop_status          st     = AGOP_OK;

    g->root   = agop__malloc(longer, sizeof *g->root);
    g->V_host = agop__malloc(g->m * g->c, sizeof *g->V_host);
    if (!g->root || !g->V_host) {
        st = agop__fail_memory(&ctx->err, 8.0 * (double)longer, "the AGOP");
        goto done;
    }
    for (int64_t i = 0; i < longer; i++)
        g->root[i] = 1;
    TRY(fill_host(&g->ones, ctx, longer, dtype, g->root));
    for (int64_t i = 0; i < g->m; i++)
        g->root[i] = a->weight ? sqrt(a->weight[i]) : 1;
    TRY(op_alloc(ctx, &g->W, g->m, g->n, dtype));
    TRY(op_weights(ctx, &g->W, &kernel, a->x, a->z));
    if (a->weight) {
        TRY(fill_host(&root, ctx, g->m, dtype, g->root));
        TRY(op_scale_rows(ctx, &g->W, &root));
    }
    if (a->units == AGOP__UNITS_ON)
        TRY(op_round16(ctx, &g->W));
    TRY(op_alloc(ctx, &g->V, g->m, g->c, dtype));
    TRY(op_gemm(ctx, 0, 0, 1.0, &g->W, a->alpha, 0.0, &g->V));
    TRY(op_get(ctx, g->V_host, g->c, AGOP_F64, &g->V));
done:
    op_release(ctx, &root);
    return st;
}

/* ---- the two halves of B ---- */

/* B_b (+)= Z' R, or only its diagonal, for which R is overwritten. */
static agop_status add_product(gram *g, int32_t b, const agop__tile *Z, agop__tile *R, int first)
{
    agop_ctx   *ctx = g->ctx;
    agop__tile  ones;
    agop_status st;

    if (!g->a->metric->diagonal)
        return op_gemm(ctx, 1, 0, 1.0, Z, R, first ? 0.0 : 1.0, &g->B[b]);
    ones = op_rows(ctx, &g->ones, 0, R->rows);
    TRY(op_multiply(ctx, R, Z));
    TRY(op_gemm(ctx, 1, 0, 1.0, &ones, R, first ? 0.0 : 1.0, &g->B[b]));
done:
    return st;
}

static double square_of(const gram *g, int64_t i)
{
    double square = 0;
    for (int64_t o = 0; o < g->c; o++)
        square += g->V_host[i * g->c + o] * g->V_host[i * g->c + o];
    return square;
}

/* R = D Z / 2 - T X for rows i0 .. i0+count-1 of one block. */
static agop_status near_rows(gram *g, int32_t b, const agop__tile *T, int64_t i0, int64_t count)
{
    agop_ctx   *ctx = g->ctx;
    int64_t     d   = g->X[b].cols;
    agop__tile  Z = op_rows(ctx, &g->Z[b], i0, count), R = {0};
    agop_status st;

    TRY(op_alloc(ctx, &R, count, d, T->dtype));
    TRY(op_get(ctx, g->host, d, AGOP_F64, &Z));
    for (int64_t i = 0; i < count; i++) {
        double square = square_of(g, i0 + i);
        for (int64_t j = 0; j < d; j++) {
            g->near += square * g->host[i * d + j] * g->host[i * d + j];
            g->host[i * d + j] *= .5 * square;
        }
    }
    TRY(op_put(ctx, &R, g->host, d, AGOP_F64));
    TRY(op_gemm(ctx, 0, 0, -1.0, T, &g->X[b], 1.0, &R));
    TRY(add_product(g, b, &Z, &R, i0 == 0));
done:
    op_release(ctx, &R);
    return st;
}

static agop_status stopped(agop_ctx *ctx, double started)
{
    if (!agop__tell(ctx, "metric", 0, 0, started, NULL))
        return AGOP_OK;
    return agop__fail(&ctx->err, AGOP_E_STOPPED, "stopped while averaging gradients");
}

/* B = Z' (D Z / 2 - T X), by panels of rows. */
static agop_status near_part(gram *g)
{
    agop_ctx   *ctx = g->ctx;
    int64_t     widest = 0;
    agop_status st = AGOP_OK;

    for (int32_t b = 0; b < g->blocks; b++)
        widest = widest > g->X[b].cols ? widest : g->X[b].cols;
    g->host = agop__malloc(PANEL * widest, sizeof *g->host);
    if (!g->host)
        return agop__fail_memory(&ctx->err, 8.0 * PANEL * (double)widest, "the AGOP");
    TRY(op_alloc(ctx, &g->P, smaller(PANEL, g->m), g->n, g->W.dtype));
    for (int64_t i0 = 0; i0 < g->m; i0 += PANEL) {
        int64_t    count = smaller(PANEL, g->m - i0);
        agop__tile T = op_rows(ctx, &g->P, 0, count), V = op_rows(ctx, &g->V, i0, count),
                   W = op_rows(ctx, &g->W, i0, count);
        TRY(stopped(ctx, g->a->started));
        TRY(op_gemm(ctx, 0, 1, 1.0, &V, g->a->alpha, 0.0, &T));
        TRY(op_multiply(ctx, &T, &W));
        for (int32_t b = 0; b < g->blocks; b++)
            if (g->X[b].cols)
                TRY(near_rows(g, b, &T, i0, count));
    }
    op_release(ctx, &g->P);
done:
    return st;
}

/* C = a A'B of columns of W */
static agop_status weight_product(gram *g, double a, const agop__tile *A, const agop__tile *B, agop__tile *C)
{
    return (g->a->units == AGOP__UNITS_ON ? op_gemm16 : op_gemm)(g->ctx, 1, 0, a, A, B, 0.0, C);
}

/* P = H for columns j0 .. j0+count-1 and the rows from j0 on, the square on the diagonal halved. */
static agop_status far_panel(gram *g, agop__tile *P, int64_t j0, int64_t count)
{
    agop_ctx   *ctx  = g->ctx;
    int64_t     rows = g->n - j0;
    agop__tile  J = op_cols(ctx, &g->W, j0, count), top = op_rows(ctx, P, 0, count), Q = op_rows(ctx, &g->Q, 0, rows);
    agop__tile  below = op_cols(ctx, &g->W, j0 + count, rows - count), rest = op_rows(ctx, P, count, rows - count);
    agop__tile  alpha = op_rows(ctx, g->a->alpha, j0, rows), alpha_J = op_rows(ctx, g->a->alpha, j0, count);
    agop_status st;

    Q = op_cols(ctx, &Q, 0, count);
    TRY(weight_product(g, .5, &J, &J, &top));
    if (rows > count)
        TRY(weight_product(g, 1, &below, &J, &rest));
    TRY(op_gemm(ctx, 0, 1, 1.0, &alpha, &alpha_J, 0.0, &Q));
    TRY(op_multiply(ctx, P, &Q));
done:
    return st;
}

/* The same panel of D - T - T' + H; trace of Z' D Z on the way. */
static agop_status whole_panel(gram *g, agop__tile *P, int64_t j0, int64_t count)
{
    agop_ctx   *ctx  = g->ctx;
    int64_t     rows = g->n - j0;
    agop__tile  Q = op_rows(ctx, &g->Q, 0, rows), W = op_rows(ctx, &g->W, j0, rows), top, D = {0};
    agop__tile  alpha = op_rows(ctx, g->a->alpha, j0, rows), alpha_J = op_rows(ctx, g->a->alpha, j0, count);
    agop__tile  V = op_rows(ctx, &g->V, j0, rows), V_J = op_rows(ctx, &g->V, j0, count);
    double      D_host[PANEL];
    agop_status st;

    TRY(far_panel(g, P, j0, count));
    Q = op_cols(ctx, &Q, 0, count);
    W = op_cols(ctx, &W, j0, count);
    TRY(op_gemm(ctx, 0, 1, 1.0, &V, &alpha_J, 0.0, &Q));
    TRY(op_gemm(ctx, 0, 1, 1.0, &alpha, &V_J, 1.0, &Q));
    TRY(op_multiply(ctx, &Q, &W));
    top = op_rows(ctx, &Q, 0, count);
    TRY(op_add(ctx, &top, -.5, &top)); /* half of the square on the diagonal */
    TRY(op_add(ctx, P, -1, &Q));
    for (int64_t i = 0; i < count; i++)
        D_host[i] = 1 / square_of(g, j0 + i); /* infinite where there is nothing to add */
    TRY(fill_host(&D, ctx, count, P->dtype, D_host));
    top = op_rows(ctx, P, 0, count);
    TRY(op_add_diagonal(ctx, &top, .5, &D));
done:
    op_release(ctx, &D);
    return st;
}

/* Trace of Z' D Z. */
static agop_status trace_of_near(gram *g)
{
    agop_status st = AGOP_OK;

    for (int32_t b = 0; b < g->blocks; b++) {
        int64_t d = g->X[b].cols;
        double *x = agop__malloc(PANEL * d, sizeof *x);
        if (!x)
            return agop__fail_memory(&g->ctx->err, 8.0 * PANEL * (double)d, "the AGOP");
        for (int64_t i0 = 0; i0 < g->n && d && st == AGOP_OK; i0 += PANEL) {
            int64_t    count = smaller(PANEL, g->n - i0);
            agop__tile X     = op_rows(g->ctx, &g->X[b], i0, count);
            st               = op_get(g->ctx, x, d, AGOP_F64, &X);
            for (int64_t i = 0; i < count && st == AGOP_OK; i++) {
                double sum = 0;
                for (int64_t j = 0; j < d; j++)
                    sum += x[i * d + j] * x[i * d + j];
                g->near += square_of(g, i0 + i) * sum;
            }
        }
        free(x);
    }
    return st;
}

/* B += X' Y, by panels of columns of H, or of all of S. */
static agop_status far_part(gram *g)
{
    agop_ctx   *ctx = g->ctx;
    int64_t     width = smaller(PANEL, g->n);
    agop_status st;

    TRY(op_alloc(ctx, &g->P, g->n, width, g->W.dtype));
    TRY(op_alloc(ctx, &g->Q, g->n, width, g->W.dtype));
    for (int64_t j0 = 0; j0 < g->n; j0 += PANEL) {
        int64_t    count = smaller(PANEL, g->n - j0);
        agop__tile P     = op_rows(ctx, &g->P, 0, g->n - j0);
        P                = op_cols(ctx, &P, 0, count);
        TRY(stopped(ctx, g->a->started));
        TRY((g->symmetric ? whole_panel : far_panel)(g, &P, j0, count));
        for (int32_t b = 0; b < g->blocks; b++) {
            agop__tile Y = op_rows(ctx, &g->Y[b], j0, g->n - j0), X = op_rows(ctx, &g->X[b], j0, count);
            if (X.cols) /* the first panel reaches every row of Y */
                TRY(op_gemm(ctx, 0, 0, 1.0, &P, &X, j0 ? 1.0 : 0.0, &Y));
        }
    }
    for (int32_t b = 0; b < g->blocks; b++)
        if (g->X[b].cols)
            TRY(add_product(g, b, &g->X[b], &g->Y[b], g->symmetric));
done:
    return st;
}

/* ---- into the sums ---- */

/* outer_b = B + B' */
static agop_status take_outer(gram *g, agop__metric *outer)
{
    agop_ctx   *ctx = g->ctx;
    agop_status st  = AGOP_OK;

    for (int32_t b = 0; b < g->blocks; b++) {
        int64_t d = outer->block[b].d;
        double *m = outer->block[b].m;
        if (!d)
            continue;
        TRY(op_get(ctx, m, d, AGOP_F64, &g->B[b]));
        for (int64_t i = 0; i < d; i++) {
            if (outer->diagonal)
                m[i] = fmax(0, 2 * m[i]);
            for (int64_t j = 0; !outer->diagonal && j <= i; j++)
                m[i * d + j] = m[j * d + i] = m[i * d + j] + m[j * d + i];
        }
    }
done:
    return st;
}

/* Means of the block that begins at coordinate `first` += sign X' values (rows x c, host). */
static agop_status add_mean(agop__sums *s, const gram *g, const agop__tile *X, int64_t first, const double *values,
                            double sign)
{
    agop_ctx   *ctx = g->ctx;
    int64_t     e = agop__metric_size(&s->outer), d = X->cols;
    double     *host = agop__malloc(d * g->c, sizeof *host);
    agop__tile  F = {0}, R = {0};
    agop_status st = AGOP_OK;

    if (!host)
        return agop__fail_memory(&ctx->err, 8.0 * (double)(d * g->c), "gradients");
    TRY(op_alloc(ctx, &F, X->rows, g->c, g->W.dtype));
    TRY(op_put(ctx, &F, values, g->c, AGOP_F64));
    TRY(op_alloc(ctx, &R, d, g->c, g->W.dtype));
    TRY(op_gemm(ctx, 1, 0, 1.0, X, &F, 0.0, &R));
    TRY(op_get(ctx, host, g->c, AGOP_F64, &R));
    for (int64_t i = 0; i < d; i++)
        for (int64_t o = 0; o < g->c; o++)
            s->mean[o * e + first + i] += sign * host[i * g->c + o];
done:
    op_release(ctx, &R);
    op_release(ctx, &F);
    free(host);
    return st;
}

/* sum_i w_i g_i = Z' (w V) - X' (alpha o W'w) */
static agop_status take_mean(agop__sums *s, gram *g)
{
    agop_ctx   *ctx = g->ctx;
    double     *alpha = agop__malloc(g->n * g->c, sizeof *alpha), *sum = agop__malloc(g->n, sizeof *sum);
    agop__tile  root = {0}, t = {0};
    agop_status st = AGOP_OK;

    if (!alpha || !sum) {
        st = agop__fail_memory(&ctx->err, 8.0 * (double)(g->n * g->c), "gradients");
        goto done;
    }
    TRY(fill_host(&root, ctx, g->m, g->W.dtype, g->root));
    TRY(op_alloc(ctx, &t, g->n, 1, g->W.dtype));
    TRY(op_gemm(ctx, 1, 0, 1.0, &g->W, &root, 0.0, &t));
    TRY(op_get(ctx, sum, 1, AGOP_F64, &t));
    TRY(op_get(ctx, alpha, g->c, AGOP_F64, g->a->alpha));
    for (int64_t i = 0; i < g->n * g->c; i++)
        alpha[i] *= sum[i / g->c];
    for (int64_t i = 0; i < g->m * g->c; i++)
        g->V_host[i] *= g->root[i / g->c];
    for (int32_t b = 0, first = 0; b < g->blocks; first += (int32_t)g->X[b].cols, b++) {
        if (!g->X[b].cols)
            continue;
        TRY(add_mean(s, g, &g->Z[b], first, g->V_host, 1));
        TRY(add_mean(s, g, &g->X[b], first, alpha, -1));
    }
done:
    op_release(ctx, &t);
    op_release(ctx, &root);
    free(sum);
    free(alpha);
    return st;
}

agop_status agop__gram_sums(agop__sums *s, const agop__average *a)
{
    gram        g = {.ctx = a->map->ctx, .a = a, .m = a->x->u.rows, .n = a->z->u.rows, .c = a->alpha->cols};
    agop_status st;

    TRY(open_blocks(&g, &s->outer));
    TRY(open_weights(&g));
    g.symmetric = !a->weight && a->x == a->z;
    TRY(g.symmetric ? trace_of_near(&g) : near_part(&g));
    TRY(far_part(&g));
    TRY(take_outer(&g, &s->outer));
    if (s->mean)
        TRY(take_mean(s, &g));
    s->cancelled = g.near;
    for (int64_t i = 0; i < g.m; i++)
        s->weight += a->weight ? a->weight[i] : 1;
done:
    close_gram(&g);
    return st;
}
