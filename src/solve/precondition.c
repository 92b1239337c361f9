/* precondition.c - randomly pivoted Cholesky, a block of pivots at a time, and P^-1; see cg.h. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "solve/cg.h"

enum { BLOCK = 256, CHUNK = 4096 };
#define JITTER 1e-6 /* of the trace of a block: what single precision leaves of a pivot that depends on the others */
#define SPANNED 1e-7 /* of the trace of K: nothing is left to approximate */

typedef struct pivoting {
    agop__system *s;
    agop__tile    F;        /* n x room */
    int64_t       rank, room;
    double       *left;     /* diagonal of K - F F', n */
    int64_t       pivot[BLOCK], pivots;
    agop__rng     rng;
} pivoting;

/* Rows drawn by what is left of their diagonal; a row drawn twice counts once. */
static double draw_pivots(pivoting *p)
{
    double  at[BLOCK] = {0}, total = 0, sum = 0;
    int64_t want = p->room - p->rank < BLOCK ? p->room - p->rank : BLOCK, k = 0;

    for (int64_t i = 0; i < p->s->n; i++)
        total += p->left[i];
    for (int64_t i = 0; i < want; i++) { /* sorted as they come: the spacings of uniform points */
        sum += -log(1 - agop__rng_uniform(&p->rng));
        at[i] = sum;
    }
    sum += -log(1 - agop__rng_uniform(&p->rng));
    for (int64_t i = 0; i < want; i++)
        at[i] *= total / sum;
    p->pivots = 0;
    sum       = 0;
    for (int64_t i = 0; i < p->s->n && k < want; i++) {
        int64_t before = k;
        sum += p->left[i];
        while (k < want && at[k] < sum)
            k++;
        if (k > before)
            p->pivot[p->pivots++] = i;
    }
    return total;
}

/* A (b x b, row-major) becomes the inverse of its Cholesky factor. */
static void invert_factor(double *A, int64_t b)
{
    double trace = 0;

    for (int64_t i = 0; i < b; i++)
        trace += A[i * b + i];
    for (int64_t j = 0; j < b; j++) { /* the factor */
        double d = A[j * b + j] + JITTER * trace / (double)b;
        for (int64_t k = 0; k < j; k++)
            d -= A[j * b + k] * A[j * b + k];
        d = sqrt(fmax(d, JITTER * trace / (double)b));
        A[j * b + j] = d;
        for (int64_t i = j + 1; i < b; i++) {
            double v = A[i * b + j];
            for (int64_t k = 0; k < j; k++)
                v -= A[i * b + k] * A[j * b + k];
            A[i * b + j] = v / d;
        }
    }
    for (int64_t j = 0; j < b; j++) { /* its inverse, column by column, rows below the diagonal from the top */
        A[j * b + j] = 1 / A[j * b + j];
        for (int64_t i = j + 1; i < b; i++) {
            double v = 0;
            for (int64_t k = j; k < i; k++)
                v -= A[i * b + k] * A[k * b + j];
            A[i * b + j] = v / A[i * b + i];
        }
        for (int64_t i = 0; i < j; i++)
            A[i * b + j] = 0;
    }
}

/* Columns of K at the pivots. */
static agop_status pivot_columns(agop__tile *G, pivoting *p)
{
    agop__system *s = p->s;
    int64_t       numeric = s->map.numeric, groups = s->map.kernel.groups, b = p->pivots;
    size_t        width = (size_t)numeric * (s->x_dtype == AGOP_F32 ? 4 : 8);
    char         *x = agop__aligned(b, width ? width : 1);
    int32_t      *code = agop__malloc(b * groups, sizeof *code);
    agop__points  points = {0};
    agop_status   st;

    if (!x || !code) {
        st = agop__fail_memory(&s->ctx->err, (double)b * (double)width, "the pivots");
        goto done;
    }
    for (int64_t k = 0; k < b; k++) {
        memcpy(x + (size_t)k * width, (const char *)s->x + (size_t)p->pivot[k] * width, width);
        if (groups > 0)
            memcpy(code + k * groups, s->code + p->pivot[k] * groups, (size_t)groups * sizeof *code);
    }
    TRY(agop__map_points(&points, &s->map, x, s->x_dtype, code, b));
    TRY(op_alloc(s->ctx, G, s->n, b, s->dtype));
    TRY(op_kernel(s->ctx, G, &s->map.kernel, &s->points, &points));
done:
    agop__points_free(&points, s->ctx);
    free(code);
    free(x);
    return st;
}

/* Rows of a tile at the pivots, into a host array of pivots x cols. */
static agop_status pivot_rows(double *out, pivoting *p, const agop__tile *t)
{
    agop_status st = AGOP_OK;

    for (int64_t k = 0; k < p->pivots; k++) {
        agop__tile row = op_rows(p->s->ctx, t, p->pivot[k], 1);
        TRY(op_get(p->s->ctx, out + k * t->cols, t->cols, AGOP_F64, &row));
    }
done:
    return st;
}

/* G <- G - F F(pivots)' */
static agop_status take_away(agop__tile *G, pivoting *p)
{
    agop_ctx   *ctx  = p->s->ctx;
    double     *rows = agop__malloc(p->pivots * p->rank, sizeof *rows);
    agop__tile  F    = op_cols(ctx, &p->F, 0, p->rank), at = {0};
    agop_status st;

    if (!rows) {
        st = agop__fail_memory(&ctx->err, 8.0 * (double)(p->pivots * p->rank), "the preconditioner");
        goto done;
    }
    TRY(pivot_rows(rows, p, &F));
    TRY(op_alloc(ctx, &at, p->pivots, p->rank, p->s->dtype));
    TRY(op_put(ctx, &at, rows, p->rank, AGOP_F64));
    TRY(op_gemm(ctx, 0, 1, -1, &F, &at, 1, G));
done:
    op_release(ctx, &at);
    free(rows);
    return st;
}

/* left -= squares of the new columns */
static agop_status update_left(pivoting *p, const agop__tile *added)
{
    int64_t     b = added->cols, n = p->s->n;
    double     *v = agop__malloc(CHUNK * b, sizeof *v);
    agop_status st = AGOP_OK;

    if (!v)
        return agop__fail_memory(&p->s->ctx->err, 8.0 * CHUNK * (double)b, "the preconditioner");
    for (int64_t i = 0; i < n; i += CHUNK) {
        int64_t    m    = n - i < CHUNK ? n - i : CHUNK;
        agop__tile part = op_rows(p->s->ctx, added, i, m);
        TRY(op_get(p->s->ctx, v, b, AGOP_F64, &part));
        for (int64_t k = 0; k < m; k++) {
            double sum = 0;
            for (int64_t j = 0; j < b; j++)
                sum += v[k * b + j] * v[k * b + j];
            p->left[i + k] = fmax(0, p->left[i + k] - sum);
        }
    }
    for (int64_t k = 0; k < p->pivots; k++) /* what rounding leaves there would be drawn again */
        p->left[p->pivot[k]] = 0;
done:
    free(v);
    return st;
}

/* Columns for the pivots drawn: G L^-T, where G(pivots) = L L'. */
static agop_status add_columns(pivoting *p)
{
    agop_ctx   *ctx = p->s->ctx;
    int64_t     b   = p->pivots;
    double     *A   = agop__malloc(b * b, sizeof *A);
    agop__tile  G = {0}, L = {0}, added;
    agop_status st;

    if (!A) {
        st = agop__fail_memory(&ctx->err, 8.0 * (double)(b * b), "the preconditioner");
        goto done;
    }
    TRY(pivot_columns(&G, p));
    if (p->rank > 0)
        TRY(take_away(&G, p));
    TRY(pivot_rows(A, p, &G));
    invert_factor(A, b);
    TRY(op_alloc(ctx, &L, b, b, p->s->dtype));
    TRY(op_put(ctx, &L, A, b, AGOP_F64));
    added = op_cols(ctx, &p->F, p->rank, b);
    TRY(op_gemm(ctx, 0, 1, 1, &G, &L, 0, &added));
    TRY(update_left(p, &added));
    p->rank += b;
done:
    op_release(ctx, &L);
    op_release(ctx, &G);
    free(A);
    return st;
}

/* D, F scaled by it, and the factor of I + F'F. */
static agop_status finish(agop__preconditioner *out, pivoting *p, double ridge)
{
    agop_ctx   *ctx = out->ctx;
    double      mean = 0;
    int64_t     row;
    agop__tile  scale = {0}, F;
    agop_status st;

    out->scale = agop__malloc(out->n, sizeof *out->scale);
    if (!out->scale)
        return agop__fail_memory(&ctx->err, 8.0 * (double)out->n, "the preconditioner");
    for (int64_t i = 0; i < out->n; i++)
        mean += p->left[i] / (double)out->n;
    mean = fmax(mean, SPANNED);
    for (int64_t i = 0; i < out->n; i++)
        out->scale[i] = 1 / sqrt(mean + ridge / (p->s->weight ? p->s->weight[i] : 1));
    out->rank = p->rank;
    out->F    = p->F;
    memset(&p->F, 0, sizeof p->F);
    F = op_cols(ctx, &out->F, 0, out->rank);
    TRY(op_alloc(ctx, &scale, out->n, 1, out->F.dtype));
    TRY(op_put(ctx, &scale, out->scale, 1, AGOP_F64));
    TRY(op_scale_rows(ctx, &F, &scale));
    TRY(op_alloc(ctx, &out->C, out->rank, out->rank, out->F.dtype));
    TRY(op_syrk(ctx, 1, 1, &F, 0, &out->C));
    TRY(op_add_diagonal(ctx, &out->C, 1, NULL));
    TRY(op_cholesky(ctx, &out->C, &row));
done:
    op_release(ctx, &scale);
    return st;
}

agop_status agop__precondition(agop__preconditioner *out, agop__system *s, double ridge, int64_t rank)
{
    pivoting    p = {.s = s, .room = rank < s->n ? rank : s->n};
    agop_status st;

    *out = (agop__preconditioner){.ctx = s->ctx, .n = s->n};
    agop__rng_seed(&p.rng, s->seed, 0x63670000);
    p.left = agop__malloc(s->n, sizeof *p.left);
    if (!p.left) {
        st = agop__fail_memory(&s->ctx->err, 8.0 * (double)s->n, "the preconditioner");
        goto done;
    }
    for (int64_t i = 0; i < s->n; i++)
        p.left[i] = 1; /* k(x,x) */
    TRY(op_alloc(s->ctx, &p.F, s->n, p.room, s->dtype));
    while (p.rank < p.room) {
        if (draw_pivots(&p) <= SPANNED * (double)s->n || p.pivots == 0)
            break;
        TRY(add_columns(&p));
    }
    TRY(finish(out, &p, ridge));
done:
    op_release(s->ctx, &p.F);
    free(p.left);
    if (st != AGOP_OK)
        agop__precondition_free(out);
    return st;
}

/* D^-1 r - D^-1 F (D + ...)^-1 ...: with rows of F and r divided by the roots of D, v - F (I + F'F)^-1 F'v. */
agop_status agop__precondition_apply(double *z, agop__preconditioner *p, const double *r, int64_t c)
{
    agop_ctx   *ctx = p->ctx;
    agop__tile  F   = op_cols(ctx, &p->F, 0, p->rank), V = {0}, T = {0};
    agop_status st;

    for (int64_t i = 0; i < p->n * c; i++)
        z[i] = r[i] * p->scale[i / c];
    TRY(op_alloc(ctx, &V, p->n, c, p->F.dtype));
    TRY(op_alloc(ctx, &T, p->rank, c, p->F.dtype));
    TRY(op_put(ctx, &V, z, c, AGOP_F64));
    TRY(op_gemm(ctx, 1, 0, 1, &F, &V, 0, &T));
    TRY(op_solve(ctx, &p->C, &T));
    TRY(op_gemm(ctx, 0, 0, -1, &F, &T, 1, &V));
    TRY(op_get(ctx, z, c, AGOP_F64, &V));
    for (int64_t i = 0; i < p->n * c; i++)
        z[i] *= p->scale[i / c];
done:
    op_release(ctx, &T);
    op_release(ctx, &V);
    return st;
}

void agop__precondition_free(agop__preconditioner *p)
{
    if (!p->ctx)
        return;
    op_release(p->ctx, &p->F);
    op_release(p->ctx, &p->C);
    free(p->scale);
    *p = (agop__preconditioner){0};
}
