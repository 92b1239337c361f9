/* cpu.c - the cpu backend: its table, opening, memory, and the one place that speaks OpenMP. See cpu.h. */
#include "backend/cpu/cpu.h"

#include <cblas.h>
#ifdef _OPENMP
#include <omp.h>
#endif
#include <string.h>

#include "base/memory.h"

/* Distributions build OpenBLAS for 64 threads, and its table of work buffers is that long. */
enum { MOST_THREADS = 64 };

/* ---- threads ---- */

void agop__cpu_parallel(int threads, void (*fn)(void *arg, int t, int of), void *arg)
{
#ifdef _OPENMP
    if (threads > 1) {
#pragma omp parallel num_threads(threads)
        fn(arg, omp_get_thread_num(), omp_get_num_threads());
        return;
    }
    /* One thread, or no task: BLAS would not see a parallel region and take all of them. */
    int before = omp_get_max_threads();
    omp_set_num_threads(1);
    fn(arg, 0, 1);
    omp_set_num_threads(before);
#else
    (void)threads;
    fn(arg, 0, 1);
#endif
}

int agop__blas_begin(int threads)
{
#ifdef _OPENMP
    int before = omp_get_max_threads();
    omp_set_num_threads(threads);
    return before;
#else
    (void)threads;
    return 1;
#endif
}

void agop__blas_end(int before)
{
#ifdef _OPENMP
    omp_set_num_threads(before);
#else
    (void)before;
#endif
}

static int offered_threads(void)
{
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

/* ---- life ---- */

/* A BLAS that would give wrong numbers or fight over threads is refused, not worked around. */
static agop_status check_blas(agop__err *e)
{
    const char *config  = openblas_get_config();
    const char *version = "OpenBLAS 0.3.30";

#ifdef _OPENMP
    if (openblas_get_parallel() != 2)
        return agop__fail(e, AGOP_E_BACKEND,
                          "this OpenBLAS (%.60s) is not its OpenMP build: install libopenblas0-openmp", config);
#endif
    if (strncmp(config, version, strlen(version)) == 0)
        return agop__fail(e, AGOP_E_BACKEND,
                          "%s multiplies matrices wrongly when threads race: install another version", version);
    return AGOP_OK;
}

/* spec: "cpu", "auto", NULL or "cpu:<instruction set>"; what stands before the colon is another's business. */
static agop_status open_cpu(void **out, const char *spec, int threads, agop__err *e)
{
    const char *colon = spec ? strchr(spec, ':') : NULL;
    agop__cpu  *self  = NULL;
    agop_status st;

    *out = NULL;
    TRY(check_blas(e));
    self = agop__calloc(1, sizeof *self);
    if (!self)
        TRY(agop__fail_memory(e, (double)sizeof *self, "the backend"));
    TRY(agop__cpu_dispatch(&self->loops, colon ? colon + 1 : "auto", e));
    self->bytes   = strcmp(self->loops[0]->isa, "avx512") == 0 ? agop__cpu_byte_loops() : NULL;
    self->threads = threads > 0 ? threads : offered_threads();
    if (self->threads > MOST_THREADS)
        self->threads = MOST_THREADS;
    *out = self;
    self = NULL;
done:
    free(self);
    return st;
}

static void close_cpu(void *self)
{
    agop__units_close(((agop__cpu *)self)->units);
    free(self);
}

static int threads_of(void *self)
{
    return ((agop__cpu *)self)->threads;
}

/* ---- memory ---- */

static agop_status alloc_cpu(void *self, agop__tile *out, int64_t rows, int64_t cols, int32_t dtype, agop__err *e)
{
    size_t  size = (size_t)agop__dtype_bytes(dtype);
    int64_t ld   = cols, count;

    (void)self;
    *out = (agop__tile){0};
    /* Rows a multiple of a page apart fall on the same few cache sets: shift them by one line. */
    if (cols > 0 && cols <= INT64_MAX - 64 && (uint64_t)cols * size % 4096 == 0)
        ld += (int64_t)(64 / size);
    if (rows < 0 || cols < 0)
        return agop__fail(e, AGOP_E_BUG, "a tile of %lld x %lld", (long long)rows, (long long)cols);
    if (__builtin_mul_overflow(rows, ld, &count))
        return agop__fail_memory(e, (double)rows * (double)ld * (double)size, "a matrix");
    out->mem = agop__aligned(count, size);
    if (!out->mem)
        return agop__fail_memory(e, (double)count * (double)size, "a matrix");
    out->rows  = rows;
    out->cols  = cols;
    out->ld    = ld;
    out->dtype = dtype;
    return AGOP_OK;
}

static void release_cpu(void *self, agop__tile *t)
{
    (void)self;
    free(t->mem);
    *t = (agop__tile){0};
}

static agop__tile rows_cpu(void *self, const agop__tile *t, int64_t first, int64_t count)
{
    agop__tile view = *t;

    (void)self;
    view.mem  = agop__at(t, first, 0);
    view.rows = count;
    return view;
}

static agop__tile cols_cpu(void *self, const agop__tile *t, int64_t first, int64_t count)
{
    agop__tile view = *t;

    (void)self;
    view.mem  = agop__at(t, 0, first);
    view.cols = count;
    return view;
}

typedef struct copying { /* rows x cols elements from one array to another; ld in elements */
    char       *to;
    const char *from;
    int64_t     ldt, ldf, rows, cols;
    int32_t     to_dtype, from_dtype;
} copying;

static void copy_row(const copying *c, int64_t i)
{
    char       *t = c->to + i * c->ldt * agop__dtype_bytes(c->to_dtype);
    const char *f = c->from + i * c->ldf * agop__dtype_bytes(c->from_dtype);

    if (c->to_dtype == c->from_dtype)
        memcpy(t, f, (size_t)(c->cols * agop__dtype_bytes(c->to_dtype)));
    else if (c->to_dtype == AGOP_F32)
        for (int64_t j = 0; j < c->cols; j++)
            ((float *)(void *)t)[j] = (float)((const double *)(const void *)f)[j];
    else
        for (int64_t j = 0; j < c->cols; j++)
            ((double *)(void *)t)[j] = (double)((const float *)(const void *)f)[j];
}

static void copy_rows(void *arg, int t, int of)
{
    const copying *c = arg;

    for (int64_t i = c->rows * t / of; i < c->rows * (t + 1) / of; i++)
        copy_row(c, i);
}

/* Threads pay where there is much to copy. */
static agop_status copy(const agop__cpu *self, copying c, agop__err *e)
{
    int64_t bytes = c.rows * c.cols * agop__dtype_bytes(c.to_dtype);

    if (c.to_dtype != c.from_dtype && (c.to_dtype == AGOP__I32 || c.from_dtype == AGOP__I32))
        return agop__fail(e, AGOP_E_BUG, "integers and reals are not converted into each other");
    if (bytes == 0)
        return AGOP_OK;
    if (bytes < 1 << 18)
        copy_rows(&c, 0, 1);
    else
        agop__cpu_parallel(self->threads, copy_rows, &c);
    return AGOP_OK;
}

static agop_status put_cpu(void *self, agop__tile *dst, const void *host, int64_t ld, int32_t dtype, agop__err *e)
{
    return copy(self, (copying){dst->mem, host, dst->ld, ld, dst->rows, dst->cols, dst->dtype, dtype}, e);
}

static agop_status get_cpu(void *self, void *host, int64_t ld, int32_t dtype, const agop__tile *src, agop__err *e)
{
    return copy(self, (copying){host, src->mem, ld, src->ld, src->rows, src->cols, dtype, src->dtype}, e);
}

const agop__backend agop__backend_cpu = {
    .name             = "cpu",
    .deterministic    = 1,
    .open             = open_cpu,
    .close            = close_cpu,
    .threads          = threads_of,
    .alloc            = alloc_cpu,
    .release          = release_cpu,
    .rows             = rows_cpu,
    .cols             = cols_cpu,
    .put              = put_cpu,
    .get              = get_cpu,
    .gemm             = agop__cpu_gemm,
    .syrk             = agop__cpu_syrk,
    .mirror           = agop__cpu_mirror,
    .kernel           = agop__cpu_kernel,
    .kernel_lower     = agop__cpu_kernel_lower,
    .kernel_apply     = agop__cpu_kernel_apply,
    .units            = agop__cpu_units,
    .round16          = agop__cpu_round16,
    .gemm16           = agop__cpu_gemm16,
    .syrk16           = agop__cpu_syrk16,
    .bytes            = agop__cpu_bytes,
    .gemm8            = agop__cpu_gemm8,
    .row_products     = agop__cpu_row_products,
    .kernel_symm      = agop__cpu_kernel_symm,
    .gradient         = agop__cpu_gradient,
    .weights          = agop__cpu_weights,
    .terms            = agop__cpu_terms,
    .term_sums        = agop__cpu_term_sums,
    .strength         = agop__cpu_strength,
    .cell_products    = agop__cpu_cell_products,
    .multiply         = agop__cpu_multiply,
    .add              = agop__cpu_add,
    .scale_rows       = agop__cpu_scale_rows,
    .add_diagonal     = agop__cpu_add_diagonal,
    .cholesky         = agop__cpu_cholesky,
    .solve            = agop__cpu_solve,
    .inverse_diagonal = agop__cpu_inverse_diagonal,
    .eigh             = agop__cpu_eigh,
};
