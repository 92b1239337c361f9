/* ops.h - the seam as seen from above: backend.h's operations called through a context, failures told there. */
#ifndef AGOP_BACKEND_OPS_H
#define AGOP_BACKEND_OPS_H

#include "backend/backend.h"

static inline agop_status op_alloc(agop_ctx *ctx, agop__tile *out, int64_t rows, int64_t cols, int32_t dtype)
{
    return ctx->be->alloc(ctx->self, out, rows, cols, dtype, &ctx->err);
}
static inline void op_release(agop_ctx *ctx, agop__tile *t)
{
    ctx->be->release(ctx->self, t);
}
static inline agop__tile op_rows(agop_ctx *ctx, const agop__tile *t, int64_t first, int64_t count)
{
    return ctx->be->rows(ctx->self, t, first, count);
}
static inline agop__tile op_cols(agop_ctx *ctx, const agop__tile *t, int64_t first, int64_t count)
{
    return ctx->be->cols(ctx->self, t, first, count);
}
static inline agop_status op_put(agop_ctx *ctx, agop__tile *dst, const void *host, int64_t ld, int32_t dtype)
{
    return ctx->be->put(ctx->self, dst, host, ld, dtype, &ctx->err);
}
static inline agop_status op_get(agop_ctx *ctx, void *host, int64_t ld, int32_t dtype, const agop__tile *src)
{
    return ctx->be->get(ctx->self, host, ld, dtype, src, &ctx->err);
}
static inline agop_status op_gemm(agop_ctx *ctx, int ta, int tb, double a, const agop__tile *A, const agop__tile *B,
                                  double b, agop__tile *C)
{
    return ctx->be->gemm(ctx->self, ta, tb, a, A, B, b, C, &ctx->err);
}
static inline agop_status op_syrk(agop_ctx *ctx, int ta, double a, const agop__tile *A, double b, agop__tile *C)
{
    return ctx->be->syrk(ctx->self, ta, a, A, b, C, &ctx->err);
}
static inline agop_status op_mirror(agop_ctx *ctx, agop__tile *C)
{
    return ctx->be->mirror(ctx->self, C, &ctx->err);
}
static inline agop_status op_kernel(agop_ctx *ctx, agop__tile *K, const agop__kernel *k, const agop__points *x,
                                    const agop__points *z)
{
    return ctx->be->kernel(ctx->self, K, k, x, z, &ctx->err);
}
static inline agop_status op_kernel_lower(agop_ctx *ctx, agop__tile *K, const agop__kernel *k, const agop__points *x)
{
    return ctx->be->kernel_lower(ctx->self, K, k, x, &ctx->err);
}
static inline agop_status op_kernel_apply(agop_ctx *ctx, agop__tile *Y, const agop__kernel *k, const agop__points *x,
                                          const agop__points *z, const agop__tile *A)
{
    return ctx->be->kernel_apply(ctx->self, Y, k, x, z, A, &ctx->err);
}
static inline agop_status op_kernel_symm(agop_ctx *ctx, agop__tile *Y, const agop__kernel *k, const agop__points *x,
                                         const agop__tile *K, const agop__tile *A)
{
    return ctx->be->kernel_symm(ctx->self, Y, k, x, K, A, &ctx->err);
}
static inline agop_status op_gradient(agop_ctx *ctx, agop__tile *G, const agop__kernel *k, const agop__points *x,
                                      const agop__points *z, const agop__tile *A)
{
    return ctx->be->gradient(ctx->self, G, k, x, z, A, &ctx->err);
}
static inline agop_status op_terms(agop_ctx *ctx, agop__tile *Z, const agop__terms *t, const agop__tile *X)
{
    return ctx->be->terms(ctx->self, Z, t, X, &ctx->err);
}
static inline agop_status op_term_sums(agop_ctx *ctx, agop__tile *s, const agop__terms *t, const agop__tile *X)
{
    return ctx->be->term_sums(ctx->self, s, t, X, &ctx->err);
}
static inline agop_status op_strength(agop_ctx *ctx, agop__tile *S, const agop__tile *G, int32_t K, int32_t L,
                                      int norm, int pairwise)
{
    return ctx->be->strength(ctx->self, S, G, K, L, norm, pairwise, &ctx->err);
}
static inline agop_status op_cell_products(agop_ctx *ctx, agop__tile *G, const agop__terms *s, const agop__cells *X,
                                           const agop__terms *t, const agop__cells *Y, int64_t rows, int64_t panel,
                                           int own)
{
    return ctx->be->cell_products(ctx->self, G, s, X, t, Y, rows, panel, own, &ctx->err);
}
static inline agop_status op_weights(agop_ctx *ctx, agop__tile *W, const agop__kernel *k, const agop__points *x,
                                     const agop__points *z)
{
    return ctx->be->weights(ctx->self, W, k, x, z, &ctx->err);
}
static inline agop_status op_units(agop_ctx *ctx)
{
    return ctx->be->units(ctx->self, &ctx->err);
}
static inline agop_status op_round16(agop_ctx *ctx, agop__tile *A)
{
    return ctx->be->round16(ctx->self, A, &ctx->err);
}
static inline agop_status op_gemm16(agop_ctx *ctx, int ta, int tb, double a, const agop__tile *A, const agop__tile *B,
                                    double b, agop__tile *C)
{
    return ctx->be->gemm16(ctx->self, ta, tb, a, A, B, b, C, &ctx->err);
}
static inline agop_status op_syrk16(agop_ctx *ctx, const agop__tile *A, double b, agop__tile *C)
{
    return ctx->be->syrk16(ctx->self, A, b, C, &ctx->err);
}
static inline int op_bytes(agop_ctx *ctx)
{
    return ctx->be->bytes(ctx->self);
}
static inline agop_status op_gemm8(agop_ctx *ctx, const agop__tile *A, const agop__tile *B, double b, agop__tile *C,
                                   int lower, uint64_t seed, agop__tile *step, agop__tile *other)
{
    return ctx->be->gemm8(ctx->self, A, B, b, C, lower, seed, step, other, &ctx->err);
}
static inline agop_status op_row_products(agop_ctx *ctx, agop__tile *s, const agop__tile *A, const agop__tile *B,
                                          const agop__tile *pairs)
{
    return ctx->be->row_products(ctx->self, s, A, B, pairs, &ctx->err);
}
static inline agop_status op_multiply(agop_ctx *ctx, agop__tile *A, const agop__tile *B)
{
    return ctx->be->multiply(ctx->self, A, B, &ctx->err);
}
static inline agop_status op_add(agop_ctx *ctx, agop__tile *A, double w, const agop__tile *B)
{
    return ctx->be->add(ctx->self, A, w, B, &ctx->err);
}
static inline agop_status op_scale_rows(agop_ctx *ctx, agop__tile *A, const agop__tile *v)
{
    return ctx->be->scale_rows(ctx->self, A, v, &ctx->err);
}
static inline agop_status op_add_diagonal(agop_ctx *ctx, agop__tile *A, double value, const agop__tile *weight)
{
    return ctx->be->add_diagonal(ctx->self, A, value, weight, &ctx->err);
}
static inline agop_status op_cholesky(agop_ctx *ctx, agop__tile *A, int64_t *bad_row)
{
    return ctx->be->cholesky(ctx->self, A, bad_row, &ctx->err);
}
static inline agop_status op_solve(agop_ctx *ctx, const agop__tile *L, agop__tile *B)
{
    return ctx->be->solve(ctx->self, L, B, &ctx->err);
}
static inline agop_status op_inverse_diagonal(agop_ctx *ctx, agop__tile *L, agop__tile *d)
{
    return ctx->be->inverse_diagonal(ctx->self, L, d, &ctx->err);
}
static inline agop_status op_eigh(agop_ctx *ctx, agop__tile *A, agop__tile *w, agop__tile *V, int64_t top)
{
    return ctx->be->eigh(ctx->self, A, w, V, top, &ctx->err);
}

#endif
