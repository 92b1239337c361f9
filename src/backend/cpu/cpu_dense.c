/* cpu_dense.c - dense linear algebra of the cpu backend: BLAS and LAPACK behind checked sizes.
 *
 * Tiles are row-major and LAPACK is column-major: it sees the transpose. So "the lower triangle of A" is LAPACK's upper
 * one ("U"), A = L L' is its U'U with U = L', and eigenvectors in its columns are our rows. Nothing is transposed in
 * memory. */
#include <cblas.h>
#include <limits.h>
#include <math.h>

#include "backend/cpu/cpu.h"
#include "backend/cpu/lapack.h"
#include "base/memory.h"

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

    if (dtype == AGOP_F64)
        cblas_dgemm(CblasRowMajor, opa, opb, (int)m, (int)n, (int)k, a, A, (int)lda, B, (int)ldb, b, C, (int)ldc);
    else
        cblas_sgemm(CblasRowMajor, opa, opb, (int)m, (int)n, (int)k, (float)a, A, (int)lda, B, (int)ldb, (float)b, C,
                    (int)ldc);
}

agop_status agop__cpu_gemm(void *self, int ta, int tb, double a, const agop__tile *A, const agop__tile *B, double b,
                           agop__tile *C, agop__err *e)
{
    agop_status st;
    int64_t     m = ta ? A->cols : A->rows, ka = ta ? A->rows : A->cols;
    int64_t     n = tb ? B->rows : B->cols, kb = tb ? B->cols : B->rows;
    int         before, check;

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
    if (m == 0 || n == 0)
        goto done;
    before = agop__blas_begin(self);
    agop__cpu_gemm_raw(C->dtype, ta, tb, m, n, ka, a, A->mem, A->ld > 0 ? A->ld : 1, B->mem, B->ld > 0 ? B->ld : 1, b,
                       C->mem, C->ld);
    agop__blas_end(before);
done:
    return st;
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

/* The first diagonal entry that is not a positive number, or -1. OpenBLAS takes the root of a NaN pivot without a word;
 * a NaN anywhere in row i of the lower triangle reaches the diagonal of row i, so looking there finds them all. */
static int64_t bad_pivot(const agop__tile *L)
{
    for (int64_t i = 0; i < L->rows; i++) {
        double d = L->dtype == AGOP_F64 ? *(double *)agop__at(L, i, i) : (double)*(float *)agop__at(L, i, i);
        if (!(d > 0) || isinf(d))
            return i;
    }
    return -1;
}

agop_status agop__cpu_cholesky(void *self, agop__tile *A, int64_t *bad_row, agop__err *e)
{
    agop_status st;
    int         n = 0, ld = 1, info = 0, before;

    *bad_row = -1;
    TRY(square(A, &n, &ld, e));
    if (n == 0)
        goto done;
    before = agop__blas_begin(self);
    if (A->dtype == AGOP_F64)
        dpotrf_("U", &n, A->mem, &ld, &info, 1);
    else
        spotrf_("U", &n, A->mem, &ld, &info, 1);
    agop__blas_end(before);
    if (info < 0)
        TRY(agop__fail(e, AGOP_E_BACKEND, "the Cholesky factorisation refused its argument %d", -info));
    *bad_row = info > 0 ? info - 1 : bad_pivot(A);
    if (*bad_row >= 0)
        TRY(agop__fail(e, AGOP_E_NUMERIC, "the matrix is not positive definite at row %lld: raise the ridge",
                       (long long)*bad_row));
done:
    return st;
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
    before = agop__blas_begin(self);
    for (int step = 0; step < 2; step++) { /* L, then L' */
        CBLAS_TRANSPOSE op = step ? CblasTrans : CblasNoTrans;
        if (L->dtype == AGOP_F64)
            cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, op, CblasNonUnit, n, c, 1.0, L->mem, ld, B->mem, ldb);
        else
            cblas_strsm(CblasRowMajor, CblasLeft, CblasLower, op, CblasNonUnit, n, c, 1.0f, L->mem, ld, B->mem, ldb);
    }
    agop__blas_end(before);
done:
    return st;
}

/* Column sums of squares of a lower triangle, in double; each thread owns a range of columns. */
typedef struct column_squares {
    const agop__tile *L;
    agop__tile       *d;
} column_squares;

static void sum_columns(void *arg, int t, int of)
{
    column_squares *job = arg;
    int64_t         n = job->L->rows;
    int64_t         from = n * t / of, to = n * (t + 1) / of;

    for (int64_t i = from; i < to; i++)
        *(double *)agop__at(job->d, i, 0) = 0;
    for (int64_t k = from; k < n; k++) {
        int64_t end = k + 1 < to ? k + 1 : to;
        for (int64_t i = from; i < end; i++) {
            double v = job->L->dtype == AGOP_F64 ? *(double *)agop__at(job->L, k, i)
                                                 : (double)*(float *)agop__at(job->L, k, i);
            *(double *)agop__at(job->d, i, 0) += v * v;
        }
    }
}

/* (L L')^-1 = L^-T L^-1, so its diagonal is the squared length of the columns of L^-1; the inverse itself is never formed. */
agop_status agop__cpu_inverse_diagonal(void *self, agop__tile *L, agop__tile *d, agop__err *e)
{
    agop_status    st;
    int            n = 0, ld = 1, info = 0, before;
    column_squares job = {L, d};

    TRY(square(L, &n, &ld, e));
    if (d->rows != L->rows || d->dtype != AGOP_F64)
        TRY(agop__fail(e, AGOP_E_BUG, "diagonal of length %lld for a factor of %lld", (long long)d->rows,
                       (long long)L->rows));
    if (n == 0)
        goto done;
    before = agop__blas_begin(self);
    if (L->dtype == AGOP_F64)
        dtrtri_("U", "N", &n, L->mem, &ld, &info, 1, 1);
    else
        strtri_("U", "N", &n, L->mem, &ld, &info, 1, 1);
    agop__blas_end(before);
    if (info > 0)
        TRY(agop__fail(e, AGOP_E_NUMERIC, "the factor has a zero on its diagonal at row %d: raise the ridge", info - 1));
    if (info < 0)
        TRY(agop__fail(e, AGOP_E_BACKEND, "the triangular inverse refused its argument %d", -info));
    agop__cpu_parallel(((agop__cpu *)self)->threads, sum_columns, &job);
done:
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
        before = agop__blas_begin(self);
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
