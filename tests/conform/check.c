/* check.c - the guarded backend; see check.h. Arithmetic is cpu's, on tiles whose memory we own. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { GUARD = 64, GAP = 3 };
static const unsigned char guard_byte = 0xA5;

/* One live tile. The guards lie at both ends of `block`. */
typedef struct live {
    struct live   *next;
    unsigned char *block, *mem;
    int64_t        rows, cols, ld, bytes;
    int32_t        dtype;
} live;

typedef struct check {
    void   *inner;
    live   *tiles;
    int64_t operations, fail_at;
} check;

static int64_t bytes_of(int32_t dtype)
{
    return dtype == AGOP_F64 ? 8 : 4;
}

/* What an element holds before anything was written: every bit set is a NaN in both precisions. */
static void poison(unsigned char *p, int64_t elements, int32_t dtype)
{
    if (dtype != AGOP__I32) {
        memset(p, 0xFF, (size_t)(elements * bytes_of(dtype)));
        return;
    }
    for (int64_t i = 0; i < elements; i++) {
        const int32_t v = INT32_MIN;
        memcpy(p + 4 * i, &v, 4);
    }
}

static int is_poison(const unsigned char *p, int64_t elements, int32_t dtype)
{
    unsigned char want[8];

    poison(want, 1, dtype);
    for (int64_t i = 0; i < elements; i++)
        if (memcmp(p + i * bytes_of(dtype), want, (size_t)bytes_of(dtype)) != 0)
            return 0;
    return 1;
}

static agop_status count(check *c, agop_status code, agop__err *e, const char *what)
{
    c->operations++;
    if (c->fail_at > 0 && --c->fail_at == 0)
        return agop__fail(e, code, "asked to fail: %s", what);
    return AGOP_OK;
}

int64_t agop__check_live(void *self)
{
    int64_t n = 0;
    for (live *t = ((check *)self)->tiles; t; t = t->next)
        n++;
    return n;
}

int64_t agop__check_operations(void *self)
{
    return ((check *)self)->operations;
}

void agop__check_fail_at(void *self, int64_t n)
{
    ((check *)self)->fail_at = n;
}

/* ---- life ---- */

static agop_status open_check(void **out, const char *spec, int threads, agop__err *e)
{
    check      *c = agop__calloc(1, sizeof *c);
    agop_status st;

    *out = NULL;
    if (!c)
        TRY(agop__fail_memory(e, (double)sizeof *c, "the backend"));
    TRY(agop__backend_cpu.open(&c->inner, spec, threads, e));
    *out = c;
    c    = NULL;
done:
    free(c);
    return st;
}

static void close_check(void *self)
{
    check *c = self;

    if (c->tiles) {
        fprintf(stderr, "check: %lld tiles were never released\n", (long long)agop__check_live(c));
        abort();
    }
    agop__backend_cpu.close(c->inner);
    free(c);
}

static int threads_check(void *self)
{
    return agop__backend_cpu.threads(((check *)self)->inner);
}

static int bytes_check(void *self)
{
    return agop__backend_cpu.bytes(((check *)self)->inner);
}

/* ---- memory ---- */

static agop_status alloc_check(void *self, agop__tile *out, int64_t rows, int64_t cols, int32_t dtype, agop__err *e)
{
    check      *c = self;
    live       *t = NULL;
    agop_status st;

    *out = (agop__tile){0};
    TRY(count(c, AGOP_E_NOMEM, e, "alloc"));
    t = agop__calloc(1, sizeof *t);
    if (!t)
        TRY(agop__fail_memory(e, (double)sizeof *t, "a tile"));
    t->rows  = rows;
    t->cols  = cols;
    t->ld    = cols + GAP;
    t->dtype = dtype;
    if (rows < 0 || cols < 0 || __builtin_mul_overflow(rows, t->ld * bytes_of(dtype), &t->bytes))
        TRY(agop__fail(e, AGOP_E_NOMEM, "a tile of %lld x %lld", (long long)rows, (long long)cols));
    t->block = agop__aligned(t->bytes + 2 * GUARD, 1);
    if (!t->block)
        TRY(agop__fail_memory(e, (double)t->bytes, "a tile"));
    t->mem = t->block + GUARD;
    memset(t->block, guard_byte, GUARD);
    memset(t->mem + t->bytes, guard_byte, GUARD);
    poison(t->mem, rows * t->ld, dtype);
    t->next  = c->tiles;
    c->tiles = t;
    *out     = (agop__tile){.mem = t->mem, .rows = rows, .cols = cols, .ld = t->ld, .dtype = dtype};
    t        = NULL;
done:
    free(t);
    return st;
}

static void broken(const live *t, const char *what)
{
    fprintf(stderr, "check: a tile of %lld x %lld was written %s\n", (long long)t->rows, (long long)t->cols, what);
    abort();
}

static void verify(const live *t)
{
    for (int i = 0; i < GUARD; i++) {
        if (t->block[i] != guard_byte)
            broken(t, "before its start");
        if (t->mem[t->bytes + i] != guard_byte)
            broken(t, "past its end");
    }
    for (int64_t i = 0; i < t->rows; i++)
        if (!is_poison(t->mem + (i * t->ld + t->cols) * bytes_of(t->dtype), GAP, t->dtype))
            broken(t, "between its rows");
}

static void release_check(void *self, agop__tile *tile)
{
    live **at = &((check *)self)->tiles, *t;

    if (!tile->mem) {
        *tile = (agop__tile){0};
        return;
    }
    while (*at && (*at)->mem != tile->mem)
        at = &(*at)->next;
    t = *at;
    if (!t) {
        fprintf(stderr, "check: releasing what is no live tile (twice? a view?)\n");
        abort();
    }
    verify(t);
    *at = t->next;
    free(t->block);
    free(t);
    *tile = (agop__tile){0};
}

static agop__tile rows_check(void *self, const agop__tile *t, int64_t first, int64_t n)
{
    if (first < 0 || n < 0 || first + n > t->rows) {
        fprintf(stderr, "check: rows %lld .. %lld of %lld\n", (long long)first, (long long)(first + n - 1),
                (long long)t->rows);
        abort();
    }
    return agop__backend_cpu.rows(((check *)self)->inner, t, first, n);
}

static agop__tile cols_check(void *self, const agop__tile *t, int64_t first, int64_t n)
{
    if (first < 0 || n < 0 || first + n > t->cols) {
        fprintf(stderr, "check: columns %lld .. %lld of %lld\n", (long long)first, (long long)(first + n - 1),
                (long long)t->cols);
        abort();
    }
    return agop__backend_cpu.cols(((check *)self)->inner, t, first, n);
}

/* ---- everything else: count, then cpu ---- */

#define FORWARD(name, parameters, arguments)                                                                          \
    static agop_status name##_check parameters                                                                       \
    {                                                                                                                 \
        check      *c  = self;                                                                                        \
        agop_status st = count(c, AGOP_E_BACKEND, e, #name);                                                          \
        return st ? st : agop__backend_cpu.name arguments;                                                            \
    }

FORWARD(put, (void *self, agop__tile *dst, const void *host, int64_t ld, int32_t dtype, agop__err *e),
        (c->inner, dst, host, ld, dtype, e))
FORWARD(get, (void *self, void *host, int64_t ld, int32_t dtype, const agop__tile *src, agop__err *e),
        (c->inner, host, ld, dtype, src, e))
FORWARD(gemm,
        (void *self, int ta, int tb, double a, const agop__tile *A, const agop__tile *B, double b, agop__tile *C,
         agop__err *e),
        (c->inner, ta, tb, a, A, B, b, C, e))
FORWARD(syrk, (void *self, int ta, double a, const agop__tile *A, double b, agop__tile *C, agop__err *e),
        (c->inner, ta, a, A, b, C, e))
FORWARD(mirror, (void *self, agop__tile *C, agop__err *e), (c->inner, C, e))
FORWARD(kernel,
        (void *self, agop__tile *K, const agop__kernel *k, const agop__points *x, const agop__points *z, agop__err *e),
        (c->inner, K, k, x, z, e))
FORWARD(kernel_lower, (void *self, agop__tile *K, const agop__kernel *k, const agop__points *x, agop__err *e),
        (c->inner, K, k, x, e))
FORWARD(kernel_apply,
        (void *self, agop__tile *Y, const agop__kernel *k, const agop__points *x, const agop__points *z,
         const agop__tile *A, agop__err *e),
        (c->inner, Y, k, x, z, A, e))
FORWARD(kernel_symm,
        (void *self, agop__tile *Y, const agop__kernel *k, const agop__points *x, const agop__tile *K,
         const agop__tile *A, agop__err *e),
        (c->inner, Y, k, x, K, A, e))
FORWARD(gradient,
        (void *self, agop__tile *G, const agop__kernel *k, const agop__points *x, const agop__points *z,
         const agop__tile *A, agop__err *e),
        (c->inner, G, k, x, z, A, e))
FORWARD(weights,
        (void *self, agop__tile *W, const agop__kernel *k, const agop__points *x, const agop__points *z, agop__err *e),
        (c->inner, W, k, x, z, e))
FORWARD(terms, (void *self, agop__tile *Z, const agop__terms *t, const agop__tile *X, agop__err *e),
        (c->inner, Z, t, X, e))
FORWARD(term_sums, (void *self, agop__tile *s, const agop__terms *t, const agop__tile *X, agop__err *e),
        (c->inner, s, t, X, e))
FORWARD(strength,
        (void *self, agop__tile *S, const agop__tile *G, int32_t K, int32_t L, int norm, int pairwise, agop__err *e),
        (c->inner, S, G, K, L, norm, pairwise, e))
FORWARD(cell_products,
        (void *self, agop__tile *G, const agop__terms *s, const agop__cells *X, const agop__terms *t,
         const agop__cells *Y, int64_t rows, int64_t panel, int own, agop__err *e),
        (c->inner, G, s, X, t, Y, rows, panel, own, e))
FORWARD(units, (void *self, agop__err *e), (c->inner, e))
FORWARD(round16, (void *self, agop__tile *A, agop__err *e), (c->inner, A, e))
FORWARD(gemm16,
        (void *self, int ta, int tb, double a, const agop__tile *A, const agop__tile *B, double b, agop__tile *C,
         agop__err *e),
        (c->inner, ta, tb, a, A, B, b, C, e))
FORWARD(syrk16, (void *self, const agop__tile *A, double b, agop__tile *C, agop__err *e), (c->inner, A, b, C, e))
FORWARD(gemm8,
        (void *self, const agop__tile *A, const agop__tile *B, double b, agop__tile *C, int lower, uint64_t seed,
         agop__tile *step, agop__tile *other, agop__err *e),
        (c->inner, A, B, b, C, lower, seed, step, other, e))
FORWARD(row_products,
        (void *self, agop__tile *s, const agop__tile *A, const agop__tile *B, const agop__tile *pairs, agop__err *e),
        (c->inner, s, A, B, pairs, e))
FORWARD(multiply, (void *self, agop__tile *A, const agop__tile *B, agop__err *e), (c->inner, A, B, e))
FORWARD(add, (void *self, agop__tile *A, double w, const agop__tile *B, agop__err *e), (c->inner, A, w, B, e))
FORWARD(scale_rows, (void *self, agop__tile *A, const agop__tile *v, agop__err *e), (c->inner, A, v, e))
FORWARD(add_diagonal, (void *self, agop__tile *A, double value, const agop__tile *weight, agop__err *e),
        (c->inner, A, value, weight, e))
FORWARD(solve, (void *self, const agop__tile *L, agop__tile *B, agop__err *e), (c->inner, L, B, e))
FORWARD(inverse_diagonal, (void *self, agop__tile *L, agop__tile *d, agop__err *e), (c->inner, L, d, e))
FORWARD(eigh, (void *self, agop__tile *A, agop__tile *w, agop__tile *V, int64_t top, agop__err *e),
        (c->inner, A, w, V, top, e))

/* A request to fail must not look like a matrix that is not positive definite. */
static agop_status cholesky_check(void *self, agop__tile *A, int64_t *bad_row, agop__err *e)
{
    check      *c  = self;
    agop_status st = count(c, AGOP_E_BACKEND, e, "cholesky");

    *bad_row = -1;
    return st ? st : agop__backend_cpu.cholesky(c->inner, A, bad_row, e);
}

const agop__backend agop__backend_check = {
    .name             = "check",
    .deterministic    = 1,
    .open             = open_check,
    .close            = close_check,
    .threads          = threads_check,
    .alloc            = alloc_check,
    .release          = release_check,
    .rows             = rows_check,
    .cols             = cols_check,
    .put              = put_check,
    .get              = get_check,
    .gemm             = gemm_check,
    .syrk             = syrk_check,
    .mirror           = mirror_check,
    .kernel           = kernel_check,
    .kernel_lower     = kernel_lower_check,
    .kernel_apply     = kernel_apply_check,
    .kernel_symm      = kernel_symm_check,
    .gradient         = gradient_check,
    .weights          = weights_check,
    .terms            = terms_check,
    .term_sums        = term_sums_check,
    .strength         = strength_check,
    .cell_products    = cell_products_check,
    .units            = units_check,
    .round16          = round16_check,
    .gemm16           = gemm16_check,
    .syrk16           = syrk16_check,
    .bytes            = bytes_check,
    .gemm8            = gemm8_check,
    .row_products     = row_products_check,
    .multiply         = multiply_check,
    .add              = add_check,
    .scale_rows       = scale_rows_check,
    .add_diagonal     = add_diagonal_check,
    .cholesky         = cholesky_check,
    .solve            = solve_check,
    .inverse_diagonal = inverse_diagonal_check,
    .eigh             = eigh_check,
};
