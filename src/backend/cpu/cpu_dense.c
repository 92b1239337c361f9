/* cpu_dense.c - dense linear algebra of the cpu backend: BLAS and LAPACK behind checked sizes.
 *
 * Tiles are row-major and LAPACK is column-major: it sees the transpose. So "the lower triangle of A" is LAPACK's upper
 * one ("U"), A = L L' is its U'U with U = L', and eigenvectors in its columns are our rows. Nothing is transposed in
 * memory. */
#include <cblas.h>
#include <limits.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "backend/cpu/cpu.h"
#include "backend/cpu/lapack.h"
#include "base/memory.h"

/* Columns of a panel of the factorisation; rows of a strip of A A', at least and at most, and columns at most. */
enum { BLOCK = 256, LEAST_HEIGHT = 64, HEIGHT = 512, WIDE = 2048 };

agop_status agop__blas_int(int *out, int64_t value, agop__err *e)
{
    if (value < 0 || value > INT_MAX)
        return agop__fail(e, AGOP_E_UNSUPPORTED, "a matrix side of %lld is more than this BLAS can count to (%d)",
                          (long long)value, INT_MAX);
    *out = (int)value;
    return AGOP_OK;
}

/* A leading dimension: BLAS wants at least 1 even where there is nothing. */
static agop_status stride(int *out, const agop__tile *t, agop__err *e)
{
    return agop__blas_int(out, t->ld > 0 ? t->ld : 1, e);
}

static agop_status same_dtype(const agop__tile *a, const agop__tile *b, agop__err *e)
{
    if (a->dtype != b->dtype || (a->dtype != AGOP_F32 && a->dtype != AGOP_F64))
        return agop__fail(e, AGOP_E_BUG, "tiles of types %d and %d in one operation", (int)a->dtype, (int)b->dtype);
    return AGOP_OK;
}

/* ---- products ---- */

void agop__cpu_gemm_raw(int32_t dtype, int ta, int tb, int64_t m, int64_t n, int64_t k, double a, const void *A,
                        int64_t lda, const void *B, int64_t ldb, double b, void *C, int64_t ldc)
{
    CBLAS_TRANSPOSE opa = ta ? CblasTrans : CblasNoTrans, opb = tb ? CblasTrans : CblasNoTrans;
    int             rows = (int)(ta ? k : m), cols = (int)(ta ? m : k), incb = tb ? 1 : (int)ldb;

    if (n == 1 && b == 0) { /* what is there may be no number, and gemv may multiply it by b */
        for (int64_t i = 0; i < m; i++)
            memset((char *)C + i * ldc * agop__dtype_bytes(dtype), 0, (size_t)agop__dtype_bytes(dtype));
        b = 1;
    }
    if (n == 1 && k > 0 && dtype == AGOP_F64) /* one column: no BLAS turns such a product into the faster one itself */
        cblas_dgemv(CblasRowMajor, opa, rows, cols, a, A, (int)lda, B, incb, b, C, (int)ldc);
    else if (n == 1 && k > 0)
        cblas_sgemv(CblasRowMajor, opa, rows, cols, (float)a, A, (int)lda, B, incb, (float)b, C, (int)ldc);
    else if (dtype == AGOP_F64)
        cblas_dgemm(CblasRowMajor, opa, opb, (int)m, (int)n, (int)k, a, A, (int)lda, B, (int)ldb, b, C, (int)ldc);
    else
        cblas_sgemm(CblasRowMajor, opa, opb, (int)m, (int)n, (int)k, (float)a, A, (int)lda, B, (int)ldb, (float)b, C,
                    (int)ldc);
}

agop_status agop__cpu_gemm_sides(int64_t mnk[3], int ta, int tb, const agop__tile *A, const agop__tile *B,
                                 const agop__tile *C, agop__err *e)
{
    agop_status st;
    int64_t     m = ta ? A->cols : A->rows, ka = ta ? A->rows : A->cols;
    int64_t     n = tb ? B->rows : B->cols, kb = tb ? B->cols : B->rows;
    int         check;

    TRY(same_dtype(A, B, e));
    TRY(same_dtype(A, C, e));
    if (ka != kb || m != C->rows || n != C->cols)
        TRY(agop__fail(e, AGOP_E_BUG, "product of %lld x %lld and %lld x %lld into %lld x %lld", (long long)m,
                       (long long)ka, (long long)kb, (long long)n, (long long)C->rows, (long long)C->cols));
    TRY(agop__blas_int(&check, m, e));
    TRY(agop__blas_int(&check, n, e));
    TRY(agop__blas_int(&check, ka, e));
    TRY(stride(&check, A, e));
    TRY(stride(&check, B, e));
    TRY(stride(&check, C, e));
    mnk[0] = m;
    mnk[1] = n;
    mnk[2] = ka;
done:
    return st;
}

agop_status agop__cpu_gemm(void *self, int ta, int tb, double a, const agop__tile *A, const agop__tile *B, double b,
                           agop__tile *C, agop__err *e)
{
    agop_status st;
    int64_t     s[3];
    int         before;

    TRY(agop__cpu_gemm_sides(s, ta, tb, A, B, C, e));
    if (s[0] == 0 || s[1] == 0)
        goto done;
    before = agop__blas_begin(((agop__cpu *)self)->threads);
    agop__cpu_gemm_raw(C->dtype, ta, tb, s[0], s[1], s[2], a, A->mem, A->ld > 0 ? A->ld : 1, B->mem,
                       B->ld > 0 ? B->ld : 1, b, C->mem, C->ld);
    agop__blas_end(before);
done:
    return st;
}

/* ---- lower triangles of A A' ---- */

/* C += a op(A) op(A)', in strips: some rows by up to WIDE columns, and their diagonal block. */
typedef struct triangle {
    agop__tile   A, C;
    int          ta;
    double       a;
    int64_t      height; /* of a strip */
    atomic_llong next;
} triangle;

static agop__tile part_of(const agop__tile *t, int64_t i, int64_t j, int64_t rows, int64_t cols)
{
    return (agop__tile){.mem = agop__at(t, i, j), .rows = rows, .cols = cols, .ld = t->ld, .dtype = t->dtype};
}

/* Row i of op(A). */
static const void *operand(const triangle *q, int64_t i)
{
    return q->ta ? agop__at(&q->A, 0, i) : agop__at(&q->A, i, 0);
}

/* The diagonal block of rows i .. i+m-1. */
static void add_square(const triangle *q, int64_t i, int m)
{
    CBLAS_TRANSPOSE op = q->ta ? CblasTrans : CblasNoTrans;
    int             k = (int)(q->ta ? q->A.rows : q->A.cols), lda = (int)q->A.ld, ldc = (int)q->C.ld;
    void           *to = agop__at(&q->C, i, i);

    if (q->C.dtype == AGOP_F64)
        cblas_dsyrk(CblasRowMajor, CblasLower, op, m, k, q->a, operand(q, i), lda, 1.0, to, ldc);
    else
        cblas_ssyrk(CblasRowMajor, CblasLower, op, m, k, (float)q->a, operand(q, i), lda, 1.0f, to, ldc);
}

/* The longest rows first, so that threads end together. */
static void add_strips(void *arg, int t, int of)
{
    triangle     *q = arg;
    const int64_t n = q->C.rows, side = (n + q->height - 1) / q->height, chunks = (n + WIDE - 1) / WIDE;

    (void)t;
    (void)of;
    for (int64_t at; (at = atomic_fetch_add(&q->next, 1)) < side * chunks;) {
        int64_t i = (side - 1 - at / chunks) * q->height, j = at % chunks * WIDE;
        int64_t m = n - i < q->height ? n - i : q->height, wide = i - j < WIDE ? i - j : WIDE;
        if (wide > 0)
            agop__cpu_gemm_raw(q->C.dtype, q->ta, !q->ta, m, wide, q->ta ? q->A.rows : q->A.cols, q->a, operand(q, i),
                               q->A.ld, operand(q, j), q->A.ld, 1, agop__at(&q->C, i, j), q->C.ld);
        if (j == 0)
            add_square(q, i, (int)m);
    }
}

static void add_triangle(triangle *q, int threads)
{
    atomic_store(&q->next, 0);
    agop__cpu_parallel(threads, add_strips, q);
}

void agop__cpu_scale(agop__tile *C, double b, int lower)
{
    for (int64_t i = 0; i < C->rows && b != 1; i++) {
        int64_t cols = lower ? i + 1 : C->cols;
        if (b == 0)
            memset(agop__at(C, i, 0), 0, (size_t)(cols * agop__dtype_bytes(C->dtype)));
        else if (C->dtype == AGOP_F64)
            cblas_dscal((int)cols, b, agop__at(C, i, 0), 1);
        else
            cblas_sscal((int)cols, (float)b, agop__at(C, i, 0), 1);
    }
}

/* OpenBLAS's threads share the rows out once, and wait for the one that got the longer ones. */
agop_status agop__cpu_syrk(void *self, int ta, double a, const agop__tile *A, double b, agop__tile *C, agop__err *e)
{
    const agop__cpu *cpu = self;
    triangle         q   = {.A = *A, .C = *C, .ta = ta, .a = a};
    int64_t          s[3];
    agop_status      st;

    TRY(agop__cpu_gemm_sides(s, ta, !ta, A, A, C, e));
    agop__cpu_scale(C, b, 1);
    if (s[0] == 0 || s[2] == 0)
        goto done;
    q.height = (s[0] / (2 * cpu->threads) + 15) / 16 * 16;
    q.height = q.height < LEAST_HEIGHT ? LEAST_HEIGHT : q.height > HEIGHT ? HEIGHT : q.height;
    add_triangle(&q, cpu->threads);
done:
    return st;
}

/* A row of squares at a time: what is read stands in columns, and stays in cache for the side of a square. */
static void mirror_squares(void *arg, int t, int of)
{
    enum { SIDE = 32 };
    agop__tile *C = arg;

    for (int64_t i0 = (int64_t)t * SIDE; i0 < C->rows; i0 += (int64_t)of * SIDE)
        for (int64_t j0 = i0; j0 < C->rows; j0 += SIDE)
            for (int64_t i = i0; i < i0 + SIDE && i < C->rows; i++)
                for (int64_t j = j0 > i ? j0 : i + 1; j < j0 + SIDE && j < C->rows; j++)
                    if (C->dtype == AGOP_F64)
                        *(double *)agop__at(C, i, j) = *(double *)agop__at(C, j, i);
                    else
                        *(float *)agop__at(C, i, j) = *(float *)agop__at(C, j, i);
}

agop_status agop__cpu_mirror(void *self, agop__tile *C, agop__err *e)
{
    const agop__cpu *cpu = self;

    if (C->rows != C->cols)
        return agop__fail(e, AGOP_E_BUG, "a matrix of %lld x %lld has no triangles", (long long)C->rows,
                          (long long)C->cols);
    agop__cpu_parallel(cpu->threads, mirror_squares, C);
    return AGOP_OK;
}

typedef struct entries_job {
    agop__tile       *A;
    const agop__tile *B;
    double            w; /* A += w B; 0: A *= B */
    atomic_llong      next;
} entries_job;

static void combine_rows(void *arg, int t, int of)
{
    entries_job *job  = arg;
    int64_t      cols = job->A->cols;

    (void)t;
    (void)of;
    for (int64_t i; (i = atomic_fetch_add(&job->next, 1)) < job->A->rows;) {
        void       *a = agop__at(job->A, i, 0);
        const void *b = agop__at(job->B, i, 0);
        if (job->A->dtype == AGOP_F64 && job->w != 0)
            for (int64_t j = 0; j < cols; j++)
                ((double *)a)[j] += job->w * ((const double *)b)[j];
        else if (job->A->dtype == AGOP_F64)
            for (int64_t j = 0; j < cols; j++)
                ((double *)a)[j] *= ((const double *)b)[j];
        else if (job->w != 0)
            for (int64_t j = 0; j < cols; j++)
                ((float *)a)[j] += (float)job->w * ((const float *)b)[j];
        else
            for (int64_t j = 0; j < cols; j++)
                ((float *)a)[j] *= ((const float *)b)[j];
    }
}

static agop_status combine(void *self, agop__tile *A, double w, const agop__tile *B, agop__err *e)
{
    entries_job job = {.A = A, .B = B, .w = w};
    agop_status st;

    TRY(same_dtype(A, B, e));
    if (A->rows != B->rows || A->cols != B->cols)
        TRY(agop__fail(e, AGOP_E_BUG, "%lld x %lld entries with %lld x %lld", (long long)A->rows, (long long)A->cols,
                       (long long)B->rows, (long long)B->cols));
    atomic_init(&job.next, 0);
    agop__cpu_parallel(((agop__cpu *)self)->threads, combine_rows, &job);
done:
    return st;
}

agop_status agop__cpu_multiply(void *self, agop__tile *A, const agop__tile *B, agop__err *e)
{
    return combine(self, A, 0, B, e);
}

agop_status agop__cpu_add(void *self, agop__tile *A, double w, const agop__tile *B, agop__err *e)
{
    return w == 0 ? AGOP_OK : combine(self, A, w, B, e);
}

agop_status agop__cpu_scale_rows(void *self, agop__tile *A, const agop__tile *v, agop__err *e)
{
    (void)self;
    if (v->rows != A->rows || v->dtype != A->dtype)
        return agop__fail(e, AGOP_E_BUG, "%lld factors for %lld rows", (long long)v->rows, (long long)A->rows);
    for (int64_t i = 0; i < A->rows; i++)
        for (int64_t j = 0; j < A->cols; j++) {
            if (A->dtype == AGOP_F64)
                *(double *)agop__at(A, i, j) *= *(double *)agop__at(v, i, 0);
            else
                *(float *)agop__at(A, i, j) *= *(float *)agop__at(v, i, 0);
        }
    return AGOP_OK;
}

agop_status agop__cpu_add_diagonal(void *self, agop__tile *A, double value, const agop__tile *weight, agop__err *e)
{
    (void)self;
    if (A->rows != A->cols || (weight && weight->rows != A->rows))
        return agop__fail(e, AGOP_E_BUG, "diagonal of a %lld x %lld tile", (long long)A->rows, (long long)A->cols);
    for (int64_t i = 0; i < A->rows; i++) {
        double w = 1;
        if (weight)
            w = weight->dtype == AGOP_F64 ? *(double *)agop__at(weight, i, 0)
                                          : (double)*(float *)agop__at(weight, i, 0);
        if (A->dtype == AGOP_F64) {
            double *d = agop__at(A, i, i);
            *d += value / w;
        } else {
            float *f = agop__at(A, i, i);
            *f       = (float)((double)*f + value / w);
        }
    }
    return AGOP_OK;
}

/* ---- factor and solve ---- */

static agop_status square(const agop__tile *A, int *n, int *ld, agop__err *e)
{
    agop_status st;

    TRY(same_dtype(A, A, e));
    if (A->rows != A->cols)
        TRY(agop__fail(e, AGOP_E_BUG, "a square matrix of %lld x %lld", (long long)A->rows, (long long)A->cols));
    TRY(agop__blas_int(n, A->rows, e));
    TRY(stride(ld, A, e));
done:
    return st;
}

/* One step of the blocked factorisation: the panel of columns k0 .. k0+width-1. */
typedef struct panel {
    agop__tile  *A;
    int64_t      k0, width;
    atomic_llong next;
} panel;

/* A_ik := A_ik L_kk^-T, block by block of rows below the panel's diagonal block */
static void panel_rows(void *arg, int t, int of)
{
    panel      *p = arg;
    agop__tile *A = p->A;
    int         ld = (int)A->ld, k = (int)p->width;

    (void)t;
    (void)of;
    for (int64_t i; (i = p->k0 + p->width + atomic_fetch_add(&p->next, 1) * BLOCK) < A->rows;) {
        int         m    = (int)(A->rows - i < BLOCK ? A->rows - i : BLOCK);
        const void *Lkk  = agop__at(A, p->k0, p->k0);
        void       *rows = agop__at(A, i, p->k0);
        if (A->dtype == AGOP_F64)
            cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, m, k, 1.0, Lkk, ld, rows, ld);
        else
            cblas_strsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, m, k, 1.0f, Lkk, ld, rows, ld);
    }
}

/* A_ij -= A_ik A_jk' over the lower triangle to the right of the panel. */
static void panel_update(const panel *p, int threads)
{
    int64_t  first = p->k0 + p->width, left = p->A->rows - first;
    triangle q     = {.A = part_of(p->A, first, p->k0, left, p->width), .C = part_of(p->A, first, first, left, left),
                      .a = -1, .height = HEIGHT};

    add_triangle(&q, threads);
}

/* The first entry of the diagonal from..to-1 that is not a positive number, or -1. OpenBLAS takes the root of a NaN
 * pivot without a word; a NaN in row i of the lower triangle reaches the diagonal of row i, so that is looked at. */
static int64_t bad_pivot(const agop__tile *L, int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++) {
        double d = L->dtype == AGOP_F64 ? *(double *)agop__at(L, i, i) : (double)*(float *)agop__at(L, i, i);
        if (!(d > 0) || isinf(d))
            return i;
    }
    return -1;
}

/* The diagonal block of the panel, by LAPACK on one thread. The bad row, or -1. */
static int64_t factor_block(const panel *p)
{
    agop__tile *A = p->A;
    int         n = (int)p->width, ld = (int)A->ld, info = 0;
    int64_t     bad;

    if (A->dtype == AGOP_F64)
        dpotrf_("U", &n, agop__at(A, p->k0, p->k0), &ld, &info, 1);
    else
        spotrf_("U", &n, agop__at(A, p->k0, p->k0), &ld, &info, 1);
    bad = bad_pivot(A, p->k0, p->k0 + (info > 0 ? info - 1 : n));
    return bad < 0 && info > 0 ? p->k0 + info - 1 : bad;
}

/* Our own loop over blocks, with LAPACK only on the diagonal: OpenBLAS's threads wait for each other by spinning, and
 * on a machine with other work its factorisation was ten times slower than on one thread. Here a thread that has work
 * never waits, and each block sees its updates in the same order however many threads there are: same bits. */
agop_status agop__cpu_cholesky(void *self, agop__tile *A, int64_t *bad_row, agop__err *e)
{
    agop_status st;
    int         n = 0, ld = 1, threads = ((agop__cpu *)self)->threads;
    panel       p = {.A = A};

    *bad_row = -1;
    TRY(square(A, &n, &ld, e));
    for (; p.k0 < n; p.k0 += BLOCK) {
        int before = agop__blas_begin(1);
        p.width    = n - p.k0 < BLOCK ? n - p.k0 : BLOCK;
        *bad_row   = factor_block(&p);
        agop__blas_end(before);
        if (*bad_row >= 0)
            TRY(agop__fail(e, AGOP_E_NUMERIC, "the matrix is not positive definite at row %lld: raise the ridge",
                           (long long)*bad_row));
        if (p.k0 + p.width == n)
            break;
        atomic_store(&p.next, 0);
        agop__cpu_parallel(threads, panel_rows, &p);
        panel_update(&p, threads);
    }
done:
    return st;
}

/* B = L^-1 B or L^-T B. For one column the vector routine is three times as fast. */
static void triangular_solve(const agop__tile *L, agop__tile *B, int transposed)
{
    CBLAS_TRANSPOSE op = transposed ? CblasTrans : CblasNoTrans;
    int             n = (int)L->rows, c = (int)B->cols, ld = (int)L->ld, ldb = (int)B->ld;

    if (c == 1 && L->dtype == AGOP_F64)
        cblas_dtrsv(CblasRowMajor, CblasLower, op, CblasNonUnit, n, L->mem, ld, B->mem, ldb);
    else if (c == 1)
        cblas_strsv(CblasRowMajor, CblasLower, op, CblasNonUnit, n, L->mem, ld, B->mem, ldb);
    else if (L->dtype == AGOP_F64)
        cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, op, CblasNonUnit, n, c, 1.0, L->mem, ld, B->mem, ldb);
    else
        cblas_strsm(CblasRowMajor, CblasLeft, CblasLower, op, CblasNonUnit, n, c, 1.0f, L->mem, ld, B->mem, ldb);
}

agop_status agop__cpu_solve(void *self, const agop__tile *L, agop__tile *B, agop__err *e)
{
    agop_status st;
    int         n = 0, ld = 1, c = 0, ldb = 1, before;

    TRY(square(L, &n, &ld, e));
    TRY(same_dtype(L, B, e));
    TRY(agop__blas_int(&c, B->cols, e));
    TRY(stride(&ldb, B, e));
    if (B->rows != L->rows)
        TRY(agop__fail(e, AGOP_E_BUG, "%lld right-hand sides' rows for a factor of %lld", (long long)B->rows,
                       (long long)L->rows));
    if (n == 0 || c == 0)
        goto done;
    before = agop__blas_begin(((agop__cpu *)self)->threads);
    triangular_solve(L, B, 0);
    triangular_solve(L, B, 1);
    agop__blas_end(before);
done:
    return st;
}

/* diag((L L')^-1): the squared lengths of the columns of L^-1. */
typedef struct inverse_job {
    const agop__tile *L;
    agop__tile       *d;
    char             *scratch; /* `threads` times n x width */
    int64_t           width;
    atomic_llong      next;
} inverse_job;

static void inverse_columns(void *arg, int t, int of)
{
    inverse_job      *job  = arg;
    const agop__tile *L    = job->L;
    int64_t           n    = L->rows;
    size_t            size = (size_t)agop__dtype_bytes(L->dtype);
    void             *X    = job->scratch + t * n * job->width * (int64_t)size;

    (void)of;
    for (int64_t j; (j = atomic_fetch_add(&job->next, 1) * job->width) < n;) {
        int     rows = (int)(n - j), cols = (int)(n - j < job->width ? n - j : job->width), ld = (int)L->ld;
        float  *f = X;
        double *d = X;
        /* these columns of the identity, from row j on: above it L^-1 is zero */
        memset(X, 0, (size_t)rows * (size_t)cols * size);
        for (int64_t c = 0; c < cols; c++)
            if (L->dtype == AGOP_F64)
                d[c * cols + c] = 1;
            else
                f[c * cols + c] = 1;
        if (L->dtype == AGOP_F64)
            cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, rows, cols, 1.0,
                        agop__at(L, j, j), ld, d, cols);
        else
            cblas_strsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, rows, cols, 1.0f,
                        agop__at(L, j, j), ld, f, cols);
        for (int64_t c = 0; c < cols; c++)
            *(double *)agop__at(job->d, j + c, 0) = 0;
        for (int64_t r = 0; r < rows; r++)
            for (int64_t c = 0; c < cols; c++) {
                double v = L->dtype == AGOP_F64 ? d[r * cols + c] : (double)f[r * cols + c];
                *(double *)agop__at(job->d, j + c, 0) += v * v;
            }
    }
}

/* Columns of L^-1 a few at a time, each from its own triangle: n^3/3, no n x n array, and threads need not wait. */
agop_status agop__cpu_inverse_diagonal(void *self, agop__tile *L, agop__tile *d, agop__err *e)
{
    agop_status st;
    int         n = 0, ld = 1, threads = ((agop__cpu *)self)->threads;
    inverse_job job = {.L = L, .d = d};

    TRY(square(L, &n, &ld, e));
    if (d->rows != L->rows || d->dtype != AGOP_F64)
        TRY(agop__fail(e, AGOP_E_BUG, "diagonal of length %lld for a factor of %lld", (long long)d->rows,
                       (long long)L->rows));
    if (n == 0)
        goto done;
    /* all threads' columns together at most a sixteenth of the factor, where that leaves enough for BLAS to work on */
    job.width   = n / (16 * (int64_t)threads);
    job.width   = job.width < 16 ? 16 : job.width > BLOCK ? BLOCK : job.width / 16 * 16;
    job.scratch = agop__aligned(threads, (size_t)(n * job.width * agop__dtype_bytes(L->dtype)));
    if (!job.scratch)
        TRY(agop__fail_memory(e, (double)threads * (double)n * (double)job.width * 8, "columns of the inverse"));
    agop__cpu_parallel(threads, inverse_columns, &job);
done:
    free(job.scratch);
    return st;
}

/* ---- eigenvectors ---- */

/* LAPACK gives them smallest first: turn the order of w and of the rows of V round. */
static void largest_first(const double *values, int64_t top, agop__tile *w, agop__tile *V)
{
    for (int64_t i = 0; i < top; i++)
        *(double *)agop__at(w, i, 0) = values[top - 1 - i];
    for (int64_t i = 0; i < top / 2; i++) {
        double *a = agop__at(V, i, 0), *b = agop__at(V, top - 1 - i, 0);
        for (int64_t j = 0; j < V->cols; j++) {
            double swap = a[j];
            a[j]        = b[j];
            b[j]        = swap;
        }
    }
}

/* dsyevr over a range of indices: its workspace is 26 n, where dsyevd's 2 n^2 would overflow an int. */
agop_status agop__cpu_eigh(void *self, agop__tile *A, agop__tile *w, agop__tile *V, int64_t top, agop__err *e)
{
    agop_status  st;
    const double none = 0;
    double      *values = NULL, *work = NULL, room = 0;
    int         *support = NULL, *iwork = NULL, iroom = 0;
    int          n = 0, ld = 1, ldv = 1, first, found = 0, lwork = -1, liwork = -1, info = 0, before;

    TRY(square(A, &n, &ld, e));
    TRY(stride(&ldv, V, e));
    if (top < 0 || top > n || w->rows != top || V->rows != top || V->cols != n || A->dtype != AGOP_F64 ||
        w->dtype != AGOP_F64 || V->dtype != AGOP_F64)
        TRY(agop__fail(e, AGOP_E_BUG, "%lld eigenvectors of a %d x %d matrix", (long long)top, n, n));
    if (top == 0)
        goto done;
    first = n - (int)top + 1;
    for (int pass = 0; pass < 2; pass++) { /* ask for the sizes of the workspaces, then compute */
        before = agop__blas_begin(((agop__cpu *)self)->threads);
        dsyevr_("V", "I", "U", &n, A->mem, &ld, &none, &none, &first, &n, &none, &found, values, V->mem, &ldv, support,
                pass ? work : &room, &lwork, pass ? iwork : &iroom, &liwork, &info, 1, 1, 1);
        agop__blas_end(before);
        if (info != 0)
            TRY(agop__fail(e, AGOP_E_BACKEND, "the symmetric eigensolver failed with code %d", info));
        if (pass)
            break;
        lwork   = (int)room;
        liwork  = iroom;
        values  = agop__malloc(n, sizeof *values);
        support = agop__malloc(2 * top, sizeof *support);
        work    = agop__malloc(lwork, sizeof *work);
        iwork   = agop__malloc(liwork, sizeof *iwork);
        if (!values || !support || !work || !iwork)
            TRY(agop__fail_memory(e, (double)(n + lwork) * 8, "the eigensolver"));
    }
    if (found != top)
        TRY(agop__fail(e, AGOP_E_BACKEND, "the symmetric eigensolver found %d of %lld eigenvectors", found,
                       (long long)top));
    largest_first(values, top, w, V);
done:
    free(values);
    free(support);
    free(work);
    free(iwork);
    return st;
}
