/* solve.c - the direct solver, and which one solves; see solve.h. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "solve/cg.h"

enum { REFINEMENTS = 3 };

/* ---- life ---- */

double agop__system_bytes(int64_t n, int32_t dtype)
{
    return (double)n * (double)n * (dtype == AGOP_F32 ? 4.0 : 8.0);
}

agop_status agop__system_prepare(agop__system *s, int32_t dtype)
{
    agop_status st;

    s->dtype = dtype;
    TRY(agop__map_make(&s->map, s->ctx, s->metric, &s->shape, dtype));
    TRY(agop__map_points(&s->points, &s->map, s->x, s->x_dtype, s->code, s->n));
done:
    if (st != AGOP_OK)
        agop__system_close(s);
    return st;
}

void agop__system_release_matrix(agop__system *s)
{
    op_release(s->ctx, &s->K);
    s->values = 0;
}

void agop__system_close(agop__system *s)
{
    if (!s->ctx)
        return;
    agop__system_release_matrix(s);
    agop__points_free(&s->points, s->ctx);
    agop__map_free(&s->map);
}

agop_status agop__system_bandwidth(agop__system *s, double bandwidth)
{
    s->values          = 0;
    s->shape.bandwidth = bandwidth;
    return agop__map_bandwidth(&s->map, bandwidth);
}

/* Everything again in double. */
agop_status agop__widen(agop__system *s, double ridge, int matrix_free)
{
    double bytes = agop__system_bytes(s->n, AGOP_F64);

    agop__system_release_matrix(s); /* makes room; the rest stays, for another ridge in single */
    if (!matrix_free && (double)agop__held_bytes() + bytes > (double)s->memory)
        return agop__fail(&s->ctx->err, AGOP_E_NUMERIC,
                          "single precision does not solve the kernel system and double needs %.1f GB, over the limit of "
                          "%.1f GB: raise ridge (now %g)",
                          bytes / 1e9, (double)s->memory / 1e9, ridge);
    agop__system_close(s);
    return agop__system_prepare(s, AGOP_F64);
}

/* ---- one factorisation ---- */

static agop_status put_weight(agop__tile *w, agop__system *s)
{
    agop_status st = AGOP_OK;
    if (!s->weight)
        return AGOP_OK;
    TRY(op_alloc(s->ctx, w, s->n, 1, s->dtype));
    TRY(op_put(s->ctx, w, s->weight, 1, AGOP_F64));
done:
    return st;
}

agop_status agop__factor(agop__solution *out, agop__system *s, double ridge)
{
    agop_ctx   *ctx     = s->ctx;
    double      started = agop__now();
    int64_t     row     = -1;
    agop__tile  w       = {0};
    agop_status st;

    if (!s->K.mem)
        TRY(op_alloc(ctx, &s->K, s->n, s->n, s->dtype));
    s->values = 0;
    TRY(put_weight(&w, s));
    TRY(op_kernel_lower(ctx, &s->K, &s->map.kernel, &s->points));
    TRY(op_add_diagonal(ctx, &s->K, ridge, w.mem ? &w : NULL));
    out->seconds_kernel += agop__now() - started;
    started = agop__now();
    st      = op_cholesky(ctx, &s->K, &row);
    out->seconds_solve += agop__now() - started;
    if (st == AGOP_E_NUMERIC)
        st = agop__fail(&ctx->err, st, "the kernel matrix is not positive definite at row %lld: raise ridge (now %g)",
                        (long long)row + 1, ridge);
done:
    op_release(ctx, &w);
    return st;
}

/* delta = (L L')^-1 r, host arrays n x c. */
agop_status agop__back_substitute(double *delta, agop__system *s, const double *r)
{
    agop_ctx   *ctx = s->ctx;
    agop__tile  B   = {0};
    agop_status st;

    TRY(op_alloc(ctx, &B, s->n, s->c, s->dtype));
    TRY(op_put(ctx, &B, r, s->c, AGOP_F64));
    TRY(op_solve(ctx, &s->K, &B));
    TRY(op_get(ctx, delta, s->c, AGOP_F64, &B));
done:
    op_release(ctx, &B);
    return st;
}

/* ---- the residual ---- */

agop_status agop__residual(double *r, double *worst, agop__system *s, double ridge, const double *alpha, int32_t real)
{
    agop_ctx   *ctx = s->ctx;
    agop__tile  A = {0}, Y = {0};
    agop_status st;

    TRY(op_alloc(ctx, &A, s->n, s->c, real));
    TRY(op_alloc(ctx, &Y, s->n, s->c, real));
    TRY(op_put(ctx, &A, alpha, s->c, AGOP_F64));
    TRY(op_kernel_symm(ctx, &Y, &s->map.kernel, &s->points, NULL, &A));
    TRY(op_get(ctx, r, s->c, AGOP_F64, &Y));
    *worst = 0;
    for (int64_t o = 0; o < s->c; o++) {
        double above = 0, below = 0;
        for (int64_t i = 0; i < s->n; i++) {
            int64_t k = i * s->c + o;
            r[k]      = s->Y[k] - r[k] - ridge / (s->weight ? s->weight[i] : 1) * alpha[k];
            above += r[k] * r[k];
            below += s->Y[k] * s->Y[k];
        }
        double share = below > 0 ? sqrt(above / below) : sqrt(above);
        if (!(share <= *worst)) /* NaN counts as worst */
            *worst = share;
    }
done:
    op_release(ctx, &Y);
    op_release(ctx, &A);
    return st;
}

/* Look, and mend with the factor at hand while that helps. */
static agop_status refine(agop__solution *out, agop__system *s, double ridge, int check)
{
    int64_t     size = s->n * s->c;
    double     *r = agop__malloc(size, sizeof *r), *delta = agop__malloc(size, sizeof *delta), before;
    agop_status st = AGOP_OK;

    if (!r || !delta) {
        st = agop__fail_memory(&s->ctx->err, 16.0 * (double)size, "the residual");
        goto done;
    }
    if (check == AGOP__ROUGHLY) {
        TRY(agop__residual(r, &out->residual, s, ridge, out->alpha, s->dtype));
        if (out->residual <= AGOP__SOLVE_ROUGH)
            goto done;
    }
    TRY(agop__residual(r, &out->residual, s, ridge, out->alpha, AGOP_F64));
    while (out->residual > s->tolerance && out->refinements < REFINEMENTS) {
        TRY(agop__back_substitute(delta, s, r));
        for (int64_t i = 0; i < size; i++)
            out->alpha[i] += delta[i];
        out->refinements++;
        before = out->residual;
        TRY(agop__residual(r, &out->residual, s, ridge, out->alpha, AGOP_F64));
        if (!(out->residual < .5 * before)) { /* no progress: the last step back if it made things worse */
            if (!(out->residual <= before)) {
                for (int64_t i = 0; i < size; i++)
                    out->alpha[i] -= delta[i];
                out->residual = before;
            }
            break;
        }
    }
done:
    free(delta);
    free(r);
    return st;
}

/* Column i of L^-1 is zero above row i, so the last rows of the diagonal of (L L')^-1 need the inverse of the lower
 * right block of L only: the sums of squares of its columns. */
agop_status agop__inverse_diagonal(double *diag, agop__system *s, int64_t first)
{
    agop_ctx   *ctx = s->ctx;
    int64_t     m   = s->n - first;
    agop__tile  d = {0}, corner;
    agop_status st;

    corner = op_rows(ctx, &s->K, first, m);
    corner = op_cols(ctx, &corner, first, m);
    TRY(op_alloc(ctx, &d, m, 1, AGOP_F64));
    TRY(op_inverse_diagonal(ctx, &corner, &d));
    TRY(op_get(ctx, diag, 1, AGOP_F64, &d));
done:
    op_release(ctx, &d);
    return st;
}

static agop_status leave_one_out(agop__solution *out, agop__system *s)
{
    int64_t     k    = out->loo_first, m = s->n - k;
    double     *diag = agop__malloc(m, sizeof *diag);
    agop_status st;

    if (!diag)
        return agop__fail_memory(&s->ctx->err, 8.0 * (double)m, "leave-one-out residuals");
    st = agop__inverse_diagonal(diag, s, k);
    for (int64_t i = k * s->c; st == AGOP_OK && i < s->n * s->c; i++)
        out->loo[i] = out->alpha[i] / diag[i / s->c - k];
    free(diag);
    return st;
}

/* One factorisation in the system's present arithmetic. */
static agop_status direct(agop__solution *out, agop__system *s, double ridge, int check)
{
    double      started, enough;
    agop_status st;

    out->residual    = -1;
    out->refinements = 0;
    TRY(agop__factor(out, s, ridge));
    started = agop__now();
    TRY(agop__back_substitute(out->alpha, s, s->Y));
    if (check != AGOP__UNCHECKED)
        TRY(refine(out, s, ridge, check));
    enough = check == AGOP__ROUGHLY ? AGOP__SOLVE_ROUGH : fmax(AGOP__SOLVE_GOOD, s->tolerance);
    if (out->loo && !(out->residual > enough))
        TRY(leave_one_out(out, s));
    out->seconds_solve += agop__now() - started;
    if (out->residual > enough || isnan(out->residual))
        st = agop__fail(&s->ctx->err, AGOP_E_NUMERIC,
                        "the kernel system is solved only to a relative residual of %.1e: raise ridge (now %g)",
                        out->residual, ridge);
done:
    return st;
}

/* One attempt in the system's present arithmetic. */
static agop_status attempt(agop__solution *out, agop__system *s, double ridge, int check)
{
    int         slow = 0;
    agop_status st;

    out->matrix_free = 0;
    out->steps = out->rank = 0;
    if (!agop__cg_wanted(s, out, check))
        return direct(out, s, ridge, check);
    st = agop__cg(out, s, ridge, check, &slow);
    if (!slow)
        return st;
    agop__note(s->ctx, "conjugate gradients are slow at ridge %g: solving directly", ridge);
    out->steps = out->rank = 0;
    return direct(out, s, ridge, check);
}

agop_status agop__solve(agop__solution *out, agop__system *s, double ridge, int check)
{
    agop_status st;

    if (s->solver == AGOP__SOLVER_CG && out->loo)
        return agop__fail(&s->ctx->err, AGOP_E_BUG, "leave-one-out residuals by conjugate gradients");
    st = attempt(out, s, ridge, check);
    if (st != AGOP_E_NUMERIC || check == AGOP__UNCHECKED || s->dtype == AGOP_F64)
        return st;
    agop__note(s->ctx, "single precision does not suffice at ridge %g: solving in double", ridge);
    st = agop__widen(s, ridge, out->matrix_free);
    return st == AGOP_OK ? attempt(out, s, ridge, check) : st;
}

agop_status agop__apply(double *out, agop__system *s, const void *x, const int32_t *code, int64_t m,
                        const double *alpha)
{
    agop_ctx    *ctx = s->ctx;
    agop__points p   = {0};
    agop__tile   A = {0}, Y = {0};
    agop_status  st;

    TRY(agop__map_points(&p, &s->map, x, s->x_dtype, code, m));
    TRY(op_alloc(ctx, &A, s->n, s->c, s->dtype));
    TRY(op_put(ctx, &A, alpha, s->c, AGOP_F64));
    TRY(op_alloc(ctx, &Y, m, s->c, s->dtype));
    TRY(op_kernel_apply(ctx, &Y, &s->map.kernel, &p, &s->points, &A));
    TRY(op_get(ctx, out, s->c, AGOP_F64, &Y));
done:
    op_release(ctx, &Y);
    op_release(ctx, &A);
    agop__points_free(&p, ctx);
    return st;
}
