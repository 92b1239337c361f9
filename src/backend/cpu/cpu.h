/* cpu.h - what the files of the cpu backend share.
 *
 *   cpu.c           the table of operations, opening, memory, put and get
 *   cpu_dense.c     BLAS and LAPACK: gemm, syrk, mirror, factor, solve, diagonal of the inverse, eigenvectors
 *   cpu_dense16.c   round16, gemm16, syrk16: products of bf16 numbers, over cpu_units.c, which is oneDNN
 *   cpu_dense8.c    gemm8, row_products: products of numbers rounded to bytes, over cpu_bytes_*.c
 *   cpu_terms.c     terms and strength: features of single variables, and how strongly they go together
 *   cpu_cells.c     cell_products: products of features of sparse variables
 *   cpu_points.c    kernel, kernel_lower, kernel_apply, gradient: tiles over the inner loops
 *   cpu_kernel.*    the inner loops, per instruction set and precision; cpu_dispatch.c chooses among them */
#ifndef AGOP_CPU_H
#define AGOP_CPU_H

#include "backend/backend.h"
#include "backend/cpu/cpu_bytes.h"
#include "backend/cpu/cpu_kernel.h"
#include "backend/cpu/cpu_units.h"

typedef struct agop__cpu {
    int                           threads;
    const agop__cpu_loops *const *loops; /* by agop__double_of() */
    agop__units                  *units; /* NULL until it was asked for */
    const agop__byte_loops       *bytes; /* NULL: none here */
} agop__cpu;

static inline int agop__double_of(int32_t dtype) { return dtype == AGOP_F64; }
static inline int64_t agop__dtype_bytes(int32_t dtype) { return dtype == AGOP_F64 ? 8 : 4; }
/* Element (i,j) of a tile. */
static inline void *agop__at(const agop__tile *t, int64_t i, int64_t j)
{
    return (char *)t->mem + (i * t->ld + j) * agop__dtype_bytes(t->dtype);
}

/* ---- threads (cpu.c); the only place that speaks OpenMP ---- */

/* fn(arg, t, of) on `threads` threads, t = 0 .. of-1; `of` may be smaller than asked. BLAS inside is serial. */
void agop__cpu_parallel(int threads, void (*fn)(void *arg, int t, int of), void *arg);
/* Around BLAS calls outside of agop__cpu_parallel: OpenBLAS takes its thread count from the caller's OpenMP
 * setting, which is put back afterwards. */
int  agop__blas_begin(int threads);
void agop__blas_end(int before);

/* ---- dense (cpu_dense.c) ---- */

/* BLAS counts in int: refuse what does not fit. */
agop_status agop__blas_int(int *out, int64_t value, agop__err *e);
/* C = a op(A) op(B) + b C on arrays of one dtype, sizes known to fit. */
void agop__cpu_gemm_raw(int32_t dtype, int ta, int tb, int64_t m, int64_t n, int64_t k, double a, const void *A,
                        int64_t lda, const void *B, int64_t ldb, double b, void *C, int64_t ldc);

agop_status agop__cpu_gemm(void *self, int ta, int tb, double a, const agop__tile *A, const agop__tile *B, double b,
                           agop__tile *C, agop__err *e);
agop_status agop__cpu_syrk(void *self, int ta, double a, const agop__tile *A, double b, agop__tile *C, agop__err *e);
agop_status agop__cpu_mirror(void *self, agop__tile *C, agop__err *e);
agop_status agop__cpu_multiply(void *self, agop__tile *A, const agop__tile *B, agop__err *e);
agop_status agop__cpu_add(void *self, agop__tile *A, double w, const agop__tile *B, agop__err *e);
agop_status agop__cpu_scale_rows(void *self, agop__tile *A, const agop__tile *v, agop__err *e);
agop_status agop__cpu_add_diagonal(void *self, agop__tile *A, double value, const agop__tile *weight, agop__err *e);
agop_status agop__cpu_cholesky(void *self, agop__tile *A, int64_t *bad_row, agop__err *e);
agop_status agop__cpu_solve(void *self, const agop__tile *L, agop__tile *B, agop__err *e);
agop_status agop__cpu_inverse_diagonal(void *self, agop__tile *L, agop__tile *d, agop__err *e);
agop_status agop__cpu_eigh(void *self, agop__tile *A, agop__tile *w, agop__tile *V, int64_t top, agop__err *e);

/* ---- bf16 (cpu_dense16.c) ---- */

agop_status agop__cpu_units(void *self, agop__err *e);
agop_status agop__cpu_round16(void *self, agop__tile *A, agop__err *e);
agop_status agop__cpu_gemm16(void *self, int ta, int tb, double a, const agop__tile *A, const agop__tile *B, double b,
                             agop__tile *C, agop__err *e);
agop_status agop__cpu_syrk16(void *self, const agop__tile *A, double b, agop__tile *C, agop__err *e);
/* C = b C, all of it or its lower triangle; what it held does not matter where b is 0. (cpu_dense.c) */
void agop__cpu_scale(agop__tile *C, double b, int lower);
/* The sides of a product of tiles; AGOP_E_BUG where they do not belong together. */
agop_status agop__cpu_gemm_sides(int64_t mnk[3], int ta, int tb, const agop__tile *A, const agop__tile *B,
                                 const agop__tile *C, agop__err *e);

/* ---- bytes (cpu_dense8.c) ---- */

int         agop__cpu_bytes(void *self);
agop_status agop__cpu_gemm8(void *self, const agop__tile *A, const agop__tile *B, double b, agop__tile *C, int lower,
                            uint64_t seed, agop__tile *step, agop__tile *other, agop__err *e);
agop_status agop__cpu_row_products(void *self, agop__tile *s, const agop__tile *A, const agop__tile *B,
                                   const agop__tile *pairs, agop__err *e);

/* ---- dependence (cpu_terms.c) ---- */

agop_status agop__cpu_terms(void *self, agop__tile *Z, const agop__terms *t, const agop__tile *X, agop__err *e);
agop_status agop__cpu_term_sums(void *self, agop__tile *s, const agop__terms *t, const agop__tile *X, agop__err *e);
agop_status agop__cpu_strength(void *self, agop__tile *S, const agop__tile *G, int32_t K, int32_t L, int norm,
                               int pairwise, agop__err *e);

/* Terms of a variable: x itself is one. */
static inline int64_t agop__cpu_term_count(const agop__terms *t)
{
    return t->count ? t->count : 1;
}
/* Of variable a of w. */
void agop__cpu_variable_of(agop__cpu_variable *v, const agop__terms *t, int64_t a, int64_t w);

/* ---- sparse variables (cpu_cells.c) ---- */

agop_status agop__cpu_cell_products(void *self, agop__tile *G, const agop__terms *s, const agop__cells *X,
                                    const agop__terms *t, const agop__cells *Y, int64_t rows, int64_t panel, int own,
                                    agop__err *e);

/* ---- points (cpu_points.c) ---- */

agop_status agop__cpu_kernel(void *self, agop__tile *K, const agop__kernel *k, const agop__points *x,
                             const agop__points *z, agop__err *e);
agop_status agop__cpu_kernel_lower(void *self, agop__tile *K, const agop__kernel *k, const agop__points *x,
                                   agop__err *e);
agop_status agop__cpu_kernel_apply(void *self, agop__tile *Y, const agop__kernel *k, const agop__points *x,
                                   const agop__points *z, const agop__tile *A, agop__err *e);
agop_status agop__cpu_kernel_symm(void *self, agop__tile *Y, const agop__kernel *k, const agop__points *x,
                                  const agop__tile *K, const agop__tile *A, agop__err *e);
agop_status agop__cpu_gradient(void *self, agop__tile *G, const agop__kernel *k, const agop__points *x,
                               const agop__points *z, const agop__tile *A, agop__err *e);
agop_status agop__cpu_weights(void *self, agop__tile *W, const agop__kernel *k, const agop__points *x,
                              const agop__points *z, agop__err *e);

#endif
