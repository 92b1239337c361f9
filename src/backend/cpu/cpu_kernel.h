/* cpu_kernel.h - the inner loops behind a tile, as one table per instruction set and precision.
 *
 * A tile is m rows by n columns of scratch memory that stays in cache, rows `ld` apart, ld a multiple of
 * AGOP__PAD; columns n .. padded(n) are computed like the others and never stored. In the table's precision
 * (REAL), `void *` is an array of REAL; points come in their own dtype and are widened where REAL is wider. */
#ifndef AGOP_CPU_KERNEL_H
#define AGOP_CPU_KERNEL_H

#include <stdint.h>

#include "backend/backend.h"

#define AGOP__PAD        16 /* lanes of the widest vector */
#define AGOP__FEW_LEVELS 32 /* a table of so many rows is looked up once per tile */

/* How a distance becomes the kernel's exponent: k = exp(-scale * D^power), D the sum that the tile holds; or, for SUM,
 * k = (1 - share * D)^times. */
typedef struct agop__shape {
    int32_t kind;
    double  q;
    double  order; /* of the sum: 2, q or p */
    double  power; /* q/order; SUM: 1 */
    double  scale; /* L^-q */
    double  share; /* SUM */
    int32_t times;
    int     term;  /* of a coordinate's difference d */
} agop__shape;

enum { AGOP__TERM_SQUARE, AGOP__TERM_ABS, AGOP__TERM_POWER, /* |d|^order */
       AGOP__TERM_FALL, AGOP__TERM_FALL_POWER /* 1 - exp(-scale |d|), 1 - exp(-scale |d|^order) */ };

#define AGOP__PADDED_TERMS(terms) (((terms) + 7) / 8 * 8) /* whole vectors of any width */

/* What features of one variable are made of. */
typedef struct agop__cpu_variable {
    int64_t terms;
    int     plain; /* 1: the one feature is x itself */
    double  rate, shift[AGOP__TERMS_MOST], factor[AGOP__TERMS_MOST];
    double  root[AGOP__TERMS_MOST]; /* 1 / sqrt(k) */
} agop__cpu_variable;

/* Features of sparse variables, observation after observation. */
typedef struct agop__cell_rows {
    int64_t  terms;         /* of a variable */
    int32_t *start;         /* observations + 1 */
    int32_t *variable;      /* of each cell, rising within an observation */
    double  *z;             /* cells x terms, and padded terms more that may be read */
} agop__cell_rows;

typedef struct agop__cpu_loops {
    const char *isa; /* "baseline", "avx2", "avx512" */

    /* y = exp(x), x <= 0; y = x^c, x >= 0. For the tests of accuracy. */
    void (*exp)(void *y, const void *x, int64_t n);
    void (*pow)(void *y, const void *x, double c, int64_t n);

    /* squares[i] = |row i|^2, summed in double. */
    void (*norms)(void *squares, const void *points, int32_t dtype, int64_t ld, int64_t rows, int64_t cols);
    /* out (cols x ldo) = points (rows x cols) transposed, zeros in columns rows .. ldo-1. */
    void (*pack)(void *out, int64_t ldo, const void *points, int32_t dtype, int64_t ld, int64_t rows, int64_t cols);
    /* out (rows x ldo) = points, in REAL. */
    void (*widen)(void *out, int64_t ldo, const void *points, int32_t dtype, int64_t ld, int64_t rows, int64_t cols);

    /* D (+)= sum_k term(u[i][k] - zt[k][j]), k = 0 .. cols-1; `add`: keep what is there. */
    void (*direct)(void *D, int64_t ld, int64_t m, int64_t n, const void *u, int64_t ldu, const void *zt, int64_t ldz,
                   int64_t cols, const agop__shape *s, int add);
    /* D holds -2 u.z: make it |u - z|^2, from differences where that is nearly all cancellation. 0: gave up, because
     * that is so for so many pairs that `direct` is the faster way to the whole tile. */
    int (*squares)(void *D, int64_t ld, int64_t m, int64_t n, const void *unorm, const void *znorm, const void *u,
                   int64_t ldu, const void *z, int64_t ldz, int32_t dtype, int64_t cols);
    /* D[i][j] += table[xcode[i]][zcode[j]]; the table is side x side, codes are within it. expanded: room for
     * AGOP__FEW_LEVELS rows like those of D. */
    void (*table)(void *D, int64_t ld, int64_t m, int64_t n, const void *table, int64_t ldt, int64_t side,
                  const int32_t *xcode, const int32_t *zcode, void *expanded);
    /* out = the kernel's value. `first` >= 0: a tile on the diagonal, row i only has columns up to first + i, the last
     * of which is 1. out may be D. */
    void (*finish)(void *out, int64_t ldo, const void *D, int64_t ld, int64_t m, int64_t n, const agop__shape *s,
                   int64_t first);
    /* The inverse of finish, D = (-ln(k) / scale)^(1/power), in place, for q >= 0.5; a large number where k = 0. */
    void (*unfinish)(void *D, int64_t ld, int64_t m, int64_t n, const agop__shape *s);
    /* D becomes the gradient's weight: L2, LPQ: -(q scale) D^(power-1) k, 0 where D is not above the rounding of the
     * norms; L1: k; SUM: (1 - share D)^(times-1). */
    void (*weights)(void *D, int64_t ld, int64_t m, int64_t n, const agop__shape *s, const void *unorm,
                    const void *znorm);
    /* out[i][j] = a[i*lda] W[i][j], and sum[j] += out[i][j]. out may be W. */
    void (*scale_rows)(void *out, void *sum, const void *W, int64_t ld, int64_t m, int64_t n, const void *a,
                       int64_t lda);
    /* acc[code[i]][j] += W[i][j] where 0 <= code[i] < levels. */
    void (*level_sums)(void *acc, int64_t lda, const void *W, int64_t ld, int64_t m, int64_t n, const int32_t *code,
                       int64_t ldc, int32_t levels);
    /* acc[k][j] = sum_i W[i][j] |d|^(order-1) sign(d), d = xt[k][j] - z[i][k]; SUM: times exp(-scale |d|^order). */
    void (*l1_sums)(void *acc, int64_t lda, const void *W, int64_t ld, int64_t m, int64_t n, const void *xt,
                    int64_t ldx, const void *z, int64_t ldz, int64_t cols, const agop__shape *s);

    /* The next two in double only, NULL in float. */
    /* Z (terms rows, of dtype) = (phi_k(x) - shift_k) factor_k of n observations, 0 where x is NaN. */
    void (*terms)(void *Z, int64_t ldz, int32_t dtype, const double *x, int64_t n, const agop__cpu_variable *v);
    /* sums (variables x terms x padded) += z_i of one variable, in observation row[i], times what r has there of
     * variables from number `least` on. */
    void (*cell_sums)(double *sums, const agop__cell_rows *r, const int32_t *row, const double *z, int64_t n,
                      int32_t least);

    /* bf16, to the nearest and ties to even; for float only, NULL in double. */
    /* x = the nearest bf16 numbers, still as floats. */
    void (*round16)(float *x, int64_t n);
    /* out (bf16) = f x */
    void (*to_bf16)(uint16_t *out, const float *x, int64_t n, float f);
    /* scale_rows, but what is stored and summed is rounded; out16 (rows ld apart, too) holds the same as bf16. */
    void (*scale_rows16)(uint16_t *out16, float *out, float *sum, const float *W, int64_t ld, int64_t m, int64_t n,
                         const float *a, int64_t lda);
} agop__cpu_loops;

/* [0] float, [1] double. The last two only exist for x86-64. */
extern const agop__cpu_loops *const agop__cpu_baseline[2];
extern const agop__cpu_loops *const agop__cpu_avx2[2];
extern const agop__cpu_loops *const agop__cpu_avx512[2];

/* The loops for this machine: isa is "auto" or the name of one set, which then is taken or refused. */
agop_status agop__cpu_dispatch(const agop__cpu_loops *const **out, const char *isa, agop__err *e);

#endif
