/* cpu_points.c - everything that needs distances between points, tile by tile, never the whole matrix.
 *
 *   plan      what is the same for all tiles of one call: precision, route, norms, tables, scratch memory
 *   distances fills a thread's tile with D, the sum under the kernel's power
 *   kernel, kernel_lower, kernel_apply, gradient: what is done with a tile while it is in cache
 *
 * Threads take tiles (or rows of tiles) from a counter and each works alone, BLAS included: a tile's products,
 * exponentials and sums then meet in the same cache. Which thread takes a tile does not change its bits. */
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "backend/cpu/cpu.h"
#include "base/memory.h"

enum {
    TILE_ROWS   = 128,
    TILE_COLS   = 512,
    TILE_SQUARE = 256, /* kernel_lower and gradient */
    CHUNK       = 64,  /* coordinates at a time where points are transposed */
    WIDE_CHUNK  = 256, /* coordinates at a time where points are widened for BLAS */
    /* Up to here |u-z|^2 comes from differences: as fast as a product with so short a sum, and no cancellation. */
    DIRECT_COLS      = 32,
    LITTLE_WORK      = 1 << 15, /* pairs that are not worth waking a thread for */
    GRADIENT_SCRATCH = 8 << 20 /* bytes of sums per thread, before the block of points is made smaller */
};

typedef struct plan {
    const agop__cpu       *self;
    const agop__cpu_loops *f;
    const agop__kernel    *kernel;
    const agop__points    *x, *z; /* rows and columns of tiles */
    agop__shape            shape;
    int32_t                real; /* dtype of all arithmetic */
    int64_t                size; /* its bytes */
    int64_t                r;    /* numeric coordinates */
    int                    direct;
    int64_t                tile_rows, tile_cols;
    int                    threads; /* as many as there are tasks for */
    char                  *xnorm, *znorm;
    const char           **table; /* g tables in `real` */
    int64_t               *table_ld;
    char                  *widened; /* where those are copies */
    char                  *scratch;
    int64_t                scratch_bytes; /* per thread */
    int64_t                at_zt, at_u, at_z, at_xcode, at_zcode, at_table, at_extra; /* D is at 0 */
    atomic_llong           next;
} plan;

static int64_t up(int64_t n, int64_t multiple)
{
    return (n + multiple - 1) / multiple * multiple;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t count_of(int64_t length, int64_t per_piece)
{
    return (length + per_piece - 1) / per_piece;
}

/* ---- plan ---- */

static void close_plan(plan *p)
{
    free(p->xnorm);
    if (p->znorm != p->xnorm)
        free(p->znorm);
    free(p->table);
    free(p->table_ld);
    free(p->widened);
    free(p->scratch);
}

static agop_status no_memory(agop__err *e, double bytes)
{
    return agop__fail_memory(e, bytes, "work space of the kernel");
}

static agop_status check_points(const agop__kernel *k, const agop__points *x, const agop__points *z, agop__err *e)
{
    agop_status st;
    int         unused;

    if (x->u.dtype != z->u.dtype || x->u.cols != z->u.cols || (x->u.dtype != AGOP_F32 && x->u.dtype != AGOP_F64))
        TRY(agop__fail(e, AGOP_E_BUG, "points of %lld and %lld coordinates", (long long)x->u.cols,
                       (long long)z->u.cols));
    if (k->groups > 0 && (x->code.cols != k->groups || z->code.cols != k->groups || x->code.rows != x->u.rows ||
                          z->code.rows != z->u.rows))
        TRY(agop__fail(e, AGOP_E_BUG, "points without the codes of %d groups", (int)k->groups));
    if (!(k->exponent > 0 && k->exponent <= 2 && k->bandwidth > 0) || k->kind < AGOP__L2 || k->kind > AGOP__SUM ||
        (k->kind == AGOP__LPQ && !(k->norm >= k->exponent && k->norm <= 2)) ||
        (k->kind == AGOP__SUM && !(k->share > 0 && k->share <= 1 && k->power >= 1)))
        TRY(agop__fail(e, AGOP_E_BUG, "kernel of kind %d, exponent %g, bandwidth %g", (int)k->kind, k->exponent,
                       k->bandwidth));
    TRY(agop__blas_int(&unused, x->u.ld, e));
    TRY(agop__blas_int(&unused, z->u.ld, e));
done:
    return st;
}

static agop_status make_norms(plan *p, char **out, const agop__tile *u, agop__err *e)
{
    int64_t room = u->rows + AGOP__PAD;

    *out = agop__aligned(room, (size_t)p->size);
    if (!*out)
        return no_memory(e, (double)(room * p->size));
    memset(*out, 0, (size_t)(room * p->size)); /* the padding is read */
    p->f->norms(*out, u->mem, u->dtype, u->ld, u->rows, u->cols);
    return AGOP_OK;
}

/* Tables in the precision of the arithmetic: the caller's own, or wider copies. */
static agop_status make_tables(plan *p, agop__err *e)
{
    const agop__kernel *k = p->kernel;
    agop_status         st;
    int64_t             total = 0;

    p->table    = agop__calloc(k->groups, sizeof *p->table);
    p->table_ld = agop__calloc(k->groups, sizeof *p->table_ld);
    if (!p->table || !p->table_ld)
        TRY(no_memory(e, 16.0 * k->groups));
    for (int32_t g = 0; g < k->groups; g++) {
        const agop__tile *t = &k->tables[g];
        if (t->dtype != p->x->u.dtype || t->rows != k->levels[g] + 1 || t->cols != t->rows)
            TRY(agop__fail(e, AGOP_E_BUG, "table of group %d", (int)g));
        p->table[g]    = t->mem;
        p->table_ld[g] = t->ld;
        total += t->rows * t->cols;
    }
    st = AGOP_OK;
    if (p->real == p->x->u.dtype)
        goto done;
    p->widened = agop__malloc(total, (size_t)p->size);
    if (!p->widened)
        TRY(no_memory(e, (double)(total * p->size)));
    for (int32_t g = 0, at = 0; g < k->groups; g++) {
        const agop__tile *t = &k->tables[g];
        p->f->widen(p->widened + at * p->size, t->cols, t->mem, t->dtype, t->ld, t->rows, t->cols);
        p->table[g]    = p->widened + at * p->size;
        p->table_ld[g] = t->cols;
        at += (int32_t)(t->rows * t->cols);
    }
done:
    return st;
}

/* One block of memory for all threads, so that nothing is allocated, and nothing can fail, inside the parallel part. */
static agop_status make_scratch(plan *p, int64_t extra_bytes, agop__err *e)
{
    int64_t chunk = p->direct ? CHUNK : WIDE_CHUNK;
    int     wide  = p->real != p->x->u.dtype;
    int64_t bytes = p->tile_rows * p->tile_cols * p->size;
    double  total;

    p->at_zt = bytes;
    bytes += up(CHUNK * p->tile_cols * p->size, 64);
    p->at_u = bytes;
    bytes += wide ? up(chunk * p->tile_rows * p->size, 64) : 0;
    p->at_z = bytes;
    bytes += wide && !p->direct ? up(chunk * p->tile_cols * p->size, 64) : 0;
    p->at_xcode = bytes;
    bytes += up(p->tile_rows * 4, 64);
    p->at_zcode = bytes;
    bytes += up(p->tile_cols * 4, 64);
    p->at_table = bytes;
    bytes += p->kernel->groups > 0 ? AGOP__FEW_LEVELS * p->tile_cols * p->size : 0;
    p->at_extra      = bytes;
    p->scratch_bytes = up(bytes + extra_bytes, 4096) + 128; /* threads do not share pages nor cache sets */
    total            = (double)p->scratch_bytes * p->threads;
    p->scratch       = agop__aligned(p->threads, (size_t)p->scratch_bytes);
    if (!p->scratch)
        return no_memory(e, total);
    memset(p->scratch, 0, (size_t)(p->threads * p->scratch_bytes)); /* padding holds numbers, not rubbish */
    return AGOP_OK;
}

static agop__shape shape_of(const agop__kernel *k)
{
    agop__shape s = {.kind = k->kind, .q = k->exponent, .scale = pow(k->bandwidth, -k->exponent), .share = k->share,
                     .times = k->power};

    s.order = k->kind == AGOP__L2 ? 2 : k->kind == AGOP__LPQ ? k->norm : k->exponent;
    s.power = k->exponent / s.order;
    s.term  = s.order == 1 ? AGOP__TERM_ABS : s.order == 2 ? AGOP__TERM_SQUARE : AGOP__TERM_POWER;
    if (k->kind == AGOP__SUM)
        s.term = s.order == 1 ? AGOP__TERM_FALL : AGOP__TERM_FALL_POWER;
    return s;
}

/* Tiles of x by z in the precision `real`; tile sizes and extra_bytes of scratch for the caller. norms: 1 they are
 * needed, 0 for distances only, -1 not at all. */
static agop_status open_plan(plan *p, const void *self, int32_t real, const agop__kernel *k, const agop__points *x,
                             const agop__points *z, int64_t tile_rows, int64_t tile_cols, int64_t tasks,
                             int norms, int64_t extra_bytes, agop__err *e)
{
    agop_status st;

    p->self      = self;
    p->f         = p->self->loops[agop__double_of(real)];
    p->kernel    = k;
    p->x         = x;
    p->z         = z;
    p->real      = real;
    p->size      = agop__dtype_bytes(real);
    p->r         = x->u.cols;
    p->tile_rows = tile_rows;
    p->tile_cols = tile_cols;
    p->threads   = (int)smaller(p->self->threads, tasks > 0 ? tasks : 1);
    atomic_init(&p->next, 0);
    TRY(check_points(k, x, z, e));
    p->shape  = shape_of(k);
    p->direct = p->shape.term != AGOP__TERM_SQUARE || p->r <= DIRECT_COLS;
    if (norms > 0 || (norms == 0 && !p->direct)) {
        TRY(make_norms(p, &p->xnorm, &x->u, e));
        if (x == z)
            p->znorm = p->xnorm;
        else
            TRY(make_norms(p, &p->znorm, &z->u, e));
    }
    TRY(make_tables(p, e));
    TRY(make_scratch(p, extra_bytes, e));
done:
    return st;
}

/* Fewer rows per block where there are too few for every thread to have some; not where all of it is little work. */
static int64_t block_of(const void *self, int64_t rows, int64_t cols, int64_t most)
{
    int64_t threads = ((const agop__cpu *)self)->threads, share = up((rows + threads - 1) / threads, AGOP__PAD);

    if (share < 1 || rows < LITTLE_WORK / (cols + 1))
        return most;
    return smaller(share, most);
}

/* ---- a tile of distances ---- */

static char *scratch_of(const plan *p, int t)
{
    return p->scratch + t * p->scratch_bytes;
}

/* Sums over coordinates from differences. */
static void direct_distances(const plan *p, char *w, int64_t i0, int64_t m, int64_t j0, int64_t n)
{
    const agop__tile *x = &p->x->u, *z = &p->z->u;
    int               wide = p->real != x->dtype;

    for (int64_t k = 0; k < p->r; k += CHUNK) {
        int64_t     cols = smaller(CHUNK, p->r - k), ldu = x->ld;
        const char *u    = agop__at(x, i0, k);
        p->f->pack(w + p->at_zt, p->tile_cols, agop__at(z, j0, k), z->dtype, z->ld, n, cols);
        if (wide) {
            p->f->widen(w + p->at_u, CHUNK, u, x->dtype, x->ld, m, cols);
            u   = w + p->at_u;
            ldu = CHUNK;
        }
        p->f->direct(w, p->tile_cols, m, n, u, ldu, w + p->at_zt, p->tile_cols, cols, &p->shape,
                     k > 0);
    }
}

/* |u|^2 + |z|^2 - 2 u.z, the product by BLAS. */
static void product_distances(const plan *p, char *w, int64_t i0, int64_t m, int64_t j0, int64_t n)
{
    const agop__tile *x = &p->x->u, *z = &p->z->u;

    if (p->real == x->dtype)
        agop__cpu_gemm_raw(p->real, 0, 1, m, n, p->r, -2, agop__at(x, i0, 0), x->ld, agop__at(z, j0, 0), z->ld, 0, w,
                           p->tile_cols);
    else
        for (int64_t k = 0; k < p->r; k += WIDE_CHUNK) {
            int64_t cols = smaller(WIDE_CHUNK, p->r - k);
            p->f->widen(w + p->at_u, WIDE_CHUNK, agop__at(x, i0, k), x->dtype, x->ld, m, cols);
            p->f->widen(w + p->at_z, WIDE_CHUNK, agop__at(z, j0, k), z->dtype, z->ld, n, cols);
            agop__cpu_gemm_raw(p->real, 0, 1, m, n, cols, -2, w + p->at_u, WIDE_CHUNK, w + p->at_z, WIDE_CHUNK,
                               k > 0, w, p->tile_cols);
        }
    if (!p->f->squares(w, p->tile_cols, m, n, p->xnorm + i0 * p->size, p->znorm + j0 * p->size, agop__at(x, i0, 0),
                       x->ld, agop__at(z, j0, 0), z->ld, x->dtype, p->r))
        direct_distances(p, w, i0, m, j0, n);
}

/* The codes of one group for rows first .. first+n-1; whatever is no level becomes the table's last row. */
static void codes_of(int32_t *out, const agop__tile *code, int64_t first, int64_t n, int32_t g, int32_t levels)
{
    const int32_t *c = (const int32_t *)code->mem + first * code->ld + g;

    for (int64_t i = 0; i < n; i++)
        out[i] = c[i * code->ld] >= 0 && c[i * code->ld] < levels ? c[i * code->ld] : levels;
}

/* D of rows i0 .. i0+m-1 and columns j0 .. j0+n-1 into the scratch w. */
static void distances(const plan *p, char *w, int64_t i0, int64_t m, int64_t j0, int64_t n)
{
    int32_t *xcode = (int32_t *)(void *)(w + p->at_xcode), *zcode = (int32_t *)(void *)(w + p->at_zcode);

    if (p->r == 0)
        memset(w, 0, (size_t)(m * p->tile_cols * p->size));
    else if (p->direct)
        direct_distances(p, w, i0, m, j0, n);
    else
        product_distances(p, w, i0, m, j0, n);
    for (int32_t g = 0; g < p->kernel->groups; g++) {
        codes_of(xcode, &p->x->code, i0, m, g, p->kernel->levels[g]);
        codes_of(zcode, &p->z->code, j0, n, g, p->kernel->levels[g]);
        memset(zcode + n, 0, (size_t)(p->tile_cols - n) * sizeof *zcode);
        p->f->table(w, p->tile_cols, m, n, p->table[g], p->table_ld[g], p->kernel->levels[g] + 1,
                    xcode, zcode, w + p->at_table);
    }
}

/* Rows i0 .. and columns j0 .. of the symmetric matrix whose lower triangle is K. */
static void take_tile(char *w, int64_t ldw, const agop__tile *K, int64_t i0, int64_t m, int64_t j0, int64_t n)
{
    int64_t size = agop__dtype_bytes(K->dtype);

    for (int64_t i = i0; i < i0 + m; i++) { /* what is below the diagonal */
        int64_t count = smaller(i + 1 - j0, n);
        if (count > 0)
            memcpy(w + (i - i0) * ldw * size, agop__at(K, i, j0), (size_t)(count * size));
    }
    for (int64_t j = j0 > i0 + 1 ? j0 : i0 + 1; j < j0 + n; j++) { /* what is above it: row j, read along */
        int64_t count = smaller(j - i0, m);
        if (K->dtype == AGOP_F64)
            for (int64_t i = 0; i < count; i++)
                ((double *)(void *)w)[i * ldw + j - j0] = ((const double *)agop__at(K, j, i0))[i];
        else
            for (int64_t i = 0; i < count; i++)
                ((float *)(void *)w)[i * ldw + j - j0] = ((const float *)agop__at(K, j, i0))[i];
    }
}

/* As distances, from kernel values where they are known; x_first: what `first` of the kernel adds to row numbers,
 * z_first to those of columns. */
static void any_distances(const plan *p, char *w, int64_t i0, int64_t m, int64_t j0, int64_t n, int64_t x_first,
                          int64_t z_first)
{
    if (!p->kernel->known) {
        distances(p, w, i0, m, j0, n);
        return;
    }
    take_tile(w, p->tile_cols, p->kernel->known, i0 + x_first, m, j0 + z_first, n);
    p->f->unfinish(w, p->tile_cols, m, n, &p->shape);
}

/* z: the rows that the known kernel values are of; x: some of them. */
static agop_status check_known(const agop__kernel *k, const agop__points *x, const agop__points *z, agop__err *e)
{
    const agop__tile *K = k->known;

    if (!K || (k->kind == AGOP__L2 && k->exponent >= .5 && K->dtype == x->u.dtype && K->rows == z->u.rows &&
               K->cols == z->u.rows && k->first >= 0 && k->first + x->u.rows <= z->u.rows))
        return AGOP_OK;
    return agop__fail(e, AGOP_E_BUG, "kernel values of %lld rows for %lld of %lld", (long long)K->rows,
                      (long long)x->u.rows, (long long)z->u.rows);
}

/* ---- kernel and its lower triangle ---- */

typedef struct kernel_job {
    plan        p;
    agop__tile *K;
} kernel_job;

static agop_status check_result(const agop__tile *t, int32_t dtype, int64_t rows, int64_t cols, agop__err *e)
{
    if (t->dtype == dtype && t->rows == rows && t->cols == cols)
        return AGOP_OK;
    return agop__fail(e, AGOP_E_BUG, "a tile of %lld x %lld, type %d, where %lld x %lld, type %d, belongs",
                      (long long)t->rows, (long long)t->cols, (int)t->dtype, (long long)rows, (long long)cols,
                      (int)dtype);
}

static void kernel_tiles(void *arg, int t, int of)
{
    kernel_job *job = arg;
    plan       *p   = &job->p;
    char       *w   = scratch_of(p, t);
    int64_t     across = count_of(job->K->cols, p->tile_cols), down = count_of(job->K->rows, p->tile_rows);

    (void)of;
    for (int64_t at; (at = atomic_fetch_add(&p->next, 1)) < across * down;) {
        int64_t i0 = at / across * p->tile_rows, j0 = at % across * p->tile_cols;
        int64_t m = smaller(p->tile_rows, job->K->rows - i0), n = smaller(p->tile_cols, job->K->cols - j0);
        distances(p, w, i0, m, j0, n);
        p->f->finish(agop__at(job->K, i0, j0), job->K->ld, w, p->tile_cols, m, n, &p->shape, -1);
    }
}

agop_status agop__cpu_kernel(void *self, agop__tile *K, const agop__kernel *k, const agop__points *x,
                             const agop__points *z, agop__err *e)
{
    kernel_job  job = {.K = K};
    agop_status st;
    int64_t     block;

    TRY(check_result(K, x->u.dtype, x->u.rows, z->u.rows, e));
    block = block_of(self, x->u.rows, z->u.rows, TILE_ROWS);
    TRY(open_plan(&job.p, self, x->u.dtype, k, x, z, block, TILE_COLS,
                  count_of(K->rows, block) * count_of(K->cols, TILE_COLS), 0, 0, e));
    agop__cpu_parallel(job.p.threads, kernel_tiles, &job);
done:
    close_plan(&job.p);
    return st;
}

/* ---- the weights of gradients ---- */

static void weight_tiles(void *arg, int t, int of)
{
    kernel_job *job = arg;
    plan       *p   = &job->p;
    char       *w   = scratch_of(p, t);
    int64_t     across = count_of(job->K->cols, p->tile_cols), down = count_of(job->K->rows, p->tile_rows);

    (void)of;
    for (int64_t at; (at = atomic_fetch_add(&p->next, 1)) < across * down;) {
        int64_t i0 = at / across * p->tile_rows, j0 = at % across * p->tile_cols;
        int64_t m = smaller(p->tile_rows, job->K->rows - i0), n = smaller(p->tile_cols, job->K->cols - j0);
        any_distances(p, w, i0, m, j0, n, p->kernel->first, 0);
        p->f->weights(w, p->tile_cols, m, n, &p->shape, p->xnorm + i0 * p->size, p->znorm + j0 * p->size);
        for (int64_t i = 0; i < m; i++)
            memcpy(agop__at(job->K, i0 + i, j0), w + i * p->tile_cols * p->size, (size_t)(n * p->size));
    }
}

agop_status agop__cpu_weights(void *self, agop__tile *W, const agop__kernel *k, const agop__points *x,
                              const agop__points *z, agop__err *e)
{
    kernel_job  job = {.K = W};
    agop_status st;
    int64_t     block;

    if (k->kind != AGOP__L2)
        TRY(agop__fail(e, AGOP_E_BUG, "weights of a kernel of kind %d", (int)k->kind));
    TRY(check_result(W, x->u.dtype, x->u.rows, z->u.rows, e));
    TRY(check_known(k, x, z, e));
    block = block_of(self, x->u.rows, z->u.rows, TILE_ROWS);
    TRY(open_plan(&job.p, self, x->u.dtype, k, x, z, block, TILE_COLS,
                  count_of(W->rows, block) * count_of(W->cols, TILE_COLS), 1, 0, e));
    agop__cpu_parallel(job.p.threads, weight_tiles, &job);
done:
    close_plan(&job.p);
    return st;
}

/* Tile number `at` of a lower triangle of tiles, row by row. */
static void triangle_at(int64_t at, int64_t *row, int64_t *col)
{
    int64_t i = (int64_t)((sqrt(8.0 * (double)at + 1) - 1) / 2);

    while (i * (i + 1) / 2 > at) /* the root is rounded */
        i--;
    while ((i + 1) * (i + 2) / 2 <= at)
        i++;
    *row = i;
    *col = at - i * (i + 1) / 2;
}

static void lower_tiles(void *arg, int t, int of)
{
    kernel_job *job = arg;
    plan       *p   = &job->p;
    char       *w   = scratch_of(p, t);
    int64_t     rows = job->K->rows, side = p->tile_rows, down = count_of(rows, side);

    (void)of;
    for (int64_t at; (at = atomic_fetch_add(&p->next, 1)) < down * (down + 1) / 2;) {
        int64_t i0, j0, m, n;
        triangle_at(at, &i0, &j0);
        i0 *= side;
        j0 *= side;
        m = smaller(side, rows - i0);
        n = smaller(side, rows - j0);
        distances(p, w, i0, m, j0, n);
        p->f->finish(agop__at(job->K, i0, j0), job->K->ld, w, p->tile_cols, m, n, &p->shape, i0 == j0 ? 0 : -1);
    }
}

agop_status agop__cpu_kernel_lower(void *self, agop__tile *K, const agop__kernel *k, const agop__points *x,
                                   agop__err *e)
{
    kernel_job  job = {.K = K};
    agop_status st;
    int64_t     down;

    TRY(check_result(K, x->u.dtype, x->u.rows, x->u.rows, e));
    down = count_of(K->rows, TILE_SQUARE);
    TRY(open_plan(&job.p, self, x->u.dtype, k, x, x, TILE_SQUARE, TILE_SQUARE, down * (down + 1) / 2, 0, 0, e));
    agop__cpu_parallel(job.p.threads, lower_tiles, &job);
done:
    close_plan(&job.p);
    return st;
}

/* ---- products with the kernel matrix ---- */

typedef struct apply_job {
    plan              p;
    agop__tile       *Y;
    const agop__tile *A;
} apply_job;

/* y += op(K) a for an m x n tile K: c columns, leading dimensions ldy and lda */
static void add_product(int32_t real, int transposed, const void *K, int64_t ldk, int64_t m, int64_t n, const void *a,
                        int64_t lda, void *y, int64_t ldy, int64_t c)
{
    agop__cpu_gemm_raw(real, transposed, 0, transposed ? n : m, c, transposed ? m : n, 1, K, ldk, a, lda, 1, y, ldy);
}

static void clear(agop__tile *t)
{
    for (int64_t i = 0; i < t->rows && t->cols > 0; i++)
        memset(agop__at(t, i, 0), 0, (size_t)(t->cols * agop__dtype_bytes(t->dtype)));
}

static void apply_blocks(void *arg, int t, int of)
{
    apply_job *job = arg;
    plan      *p   = &job->p;
    char      *w   = scratch_of(p, t);
    int64_t    rows = p->x->u.rows, cols = p->z->u.rows;

    (void)of;
    for (int64_t i0; (i0 = atomic_fetch_add(&p->next, 1) * p->tile_rows) < rows;) {
        int64_t m = smaller(p->tile_rows, rows - i0);
        for (int64_t j0 = 0; j0 < cols; j0 += p->tile_cols) {
            int64_t n = smaller(p->tile_cols, cols - j0);
            distances(p, w, i0, m, j0, n);
            p->f->finish(w, p->tile_cols, w, p->tile_cols, m, n, &p->shape, -1);
            add_product(p->real, 0, w, p->tile_cols, m, n, agop__at(job->A, j0, 0), job->A->ld,
                        agop__at(job->Y, i0, 0), job->Y->ld, job->A->cols);
        }
    }
}

agop_status agop__cpu_kernel_apply(void *self, agop__tile *Y, const agop__kernel *k, const agop__points *x,
                                   const agop__points *z, const agop__tile *A, agop__err *e)
{
    apply_job   job = {.Y = Y, .A = A};
    agop_status st;
    int64_t     block;
    int         unused;

    TRY(check_result(Y, A->dtype, x->u.rows, A->cols, e));
    TRY(check_result(A, Y->dtype == AGOP_F64 ? AGOP_F64 : x->u.dtype, z->u.rows, Y->cols, e));
    TRY(agop__blas_int(&unused, Y->ld, e));
    TRY(agop__blas_int(&unused, A->ld, e));
    block = block_of(self, x->u.rows, z->u.rows, TILE_ROWS);
    TRY(open_plan(&job.p, self, Y->dtype, k, x, z, block, TILE_COLS, count_of(Y->rows, block), 0, 0, e));
    clear(Y);
    if (z->u.rows > 0 && Y->cols > 0)
        agop__cpu_parallel(job.p.threads, apply_blocks, &job);
done:
    close_plan(&job.p);
    return st;
}

/* ---- the same within one set of rows: the lower triangle of tiles, each used twice ---- */

typedef struct symm_job {
    plan              p;
    agop__tile       *Y;
    const agop__tile *K, *A;
    char             *sums; /* a copy of Y per thread */
    int64_t           bytes;
    int               used; /* copies */
} symm_job;

static void add_tile(const symm_job *job, char *w, char *sums, int64_t i0, int64_t j0)
{
    const plan *p = &job->p;
    int64_t     rows = p->x->u.rows, c = job->A->cols, ld = p->tile_cols;
    int64_t     m = smaller(p->tile_rows, rows - i0), n = smaller(p->tile_cols, rows - j0);
    const char *K = w;

    if (!job->K) {
        distances(p, w, i0, m, j0, n);
        p->f->finish(w, p->tile_cols, w, p->tile_cols, m, n, &p->shape, -1);
    } else if (i0 == j0) {
        take_tile(w, ld, job->K, i0, m, i0, m);
    } else {
        K  = agop__at(job->K, i0, j0);
        ld = job->K->ld;
    }
    add_product(p->real, 0, K, ld, m, n, agop__at(job->A, j0, 0), job->A->ld, sums + i0 * c * p->size, c, c);
    if (i0 != j0)
        add_product(p->real, 1, K, ld, m, n, agop__at(job->A, i0, 0), job->A->ld, sums + j0 * c * p->size, c, c);
}

/* The first row of tiles with the last, the second with the last but one: every thread has the same to do, and always
 * the same tiles, so that sums do not depend on chance. */
static void symm_tiles(void *arg, int t, int of)
{
    symm_job *job  = arg;
    plan     *p    = &job->p;
    int64_t   down = count_of(p->x->u.rows, p->tile_rows);
    char     *sums = job->sums + t * job->bytes;

    if (t == 0)
        job->used = of;
    memset(sums, 0, (size_t)job->bytes);
    for (int64_t r = t; r < (down + 1) / 2; r += of)
        for (int64_t half = 0; half < 2; half++) {
            int64_t i = half ? down - 1 - r : r;
            for (int64_t j = 0; j <= i && (!half || i != r); j++)
                add_tile(job, scratch_of(p, t), sums, i * p->tile_rows, j * p->tile_rows);
        }
}

static void add_sums(void *arg, int t, int of)
{
    symm_job *job  = arg;
    int64_t   rows = job->Y->rows, c = job->Y->cols;

    for (int64_t i = rows * t / of; i < rows * (t + 1) / of; i++)
        for (int64_t k = 0; k < c; k++) {
            double sum = 0;
            for (int s = 0; s < job->used; s++) {
                const char *from = job->sums + s * job->bytes;
                sum += job->p.real == AGOP_F64 ? ((const double *)(const void *)from)[i * c + k]
                                               : (double)((const float *)(const void *)from)[i * c + k];
            }
            if (job->p.real == AGOP_F64)
                *(double *)agop__at(job->Y, i, k) = sum;
            else
                *(float *)agop__at(job->Y, i, k) = (float)sum;
        }
}

agop_status agop__cpu_kernel_symm(void *self, agop__tile *Y, const agop__kernel *k, const agop__points *x,
                                  const agop__tile *K, const agop__tile *A, agop__err *e)
{
    symm_job    job = {.Y = Y, .K = K, .A = A};
    agop_status st;
    int64_t     rows = x->u.rows;
    int         unused;

    TRY(check_result(Y, A->dtype, rows, A->cols, e));
    TRY(check_result(A, Y->dtype == AGOP_F64 ? AGOP_F64 : x->u.dtype, rows, Y->cols, e));
    if (K)
        TRY(check_result(K, Y->dtype, rows, rows, e));
    TRY(agop__blas_int(&unused, A->ld, e));
    TRY(agop__blas_int(&unused, K ? K->ld : 0, e));
    TRY(open_plan(&job.p, self, Y->dtype, k, x, x, TILE_SQUARE, TILE_SQUARE,
                  (count_of(rows, TILE_SQUARE) + 1) / 2, K ? -1 : 0, 0, e));
    job.bytes = up(rows * A->cols * job.p.size, 4096);
    job.sums  = agop__aligned(job.p.threads, (size_t)job.bytes);
    if (!job.sums)
        TRY(no_memory(e, (double)(job.p.threads * job.bytes)));
    if (rows > 0 && A->cols > 0) {
        agop__cpu_parallel(job.p.threads, symm_tiles, &job);
        agop__cpu_parallel(job.p.threads, add_sums, &job);
    }
done:
    free(job.sums);
    close_plan(&job.p);
    return st;
}

/* ---- gradients ----
 *
 * Tiles are turned round here: rows are the training points z_j, columns the evaluation points x_i, so that a row
 * carries one coefficient A_jo and one code. With W_o[j][i] = A_jo w_ij and s_o[i] = sum_j W_o[j][i],
 *
 *   numeric (sums of squares)         G = s_o u_i - W_o' U_z            a product by BLAS
 *   numeric (other sums)              sum_j W_o[j][i] slope(u_i - u_j)  l1_sums
 *   level t                           [code_i = t] s_o[i] - sum over j with code_j = t of W_o[j][i]
 *   levels as points v                sum over levels b of slope(v_code_i - v_b) times the sum over code_j = b of W_o
 *
 * A thread owns a block of x_i and a chunk of outputs; s_o and the level sums stay in scratch until all z are seen.
 * On matrix units W_o is rounded to bf16 first, so that s_o and the product are sums of the same weights: what cancels
 * between them still does. Rows of W_o and U_z are filled up with zeros to one length of the sum. */

typedef struct gradient_job {
    plan              p;
    agop__tile       *G;
    const agop__tile *A;
    int64_t           levels;  /* over all groups */
    int64_t           e;       /* coordinates: r + levels */
    int64_t           outputs; /* per chunk */
    int               by_blas;
    double            factor; /* what the weights lack */
    /* offsets into the extra scratch: scaled tile, sums and level sums, transposed x, l1 sums, W_o and U_z as bf16 */
    int64_t        at_scaled, at_sums, at_xt, at_acc, at_w16, at_z16;
    int64_t        length;     /* of a sum in bf16: tile_rows, or what there is; 0: in the points' own precision */
    int64_t        strip;      /* coordinates that are multiplied together in bf16 */
    agop__product *product;
    atomic_int     failed;
} gradient_job;

/* sums of output o: s_o, then one row per level */
static char *sums_of(const gradient_job *job, char *w, int64_t o)
{
    return w + job->at_sums + o * (1 + job->levels) * job->p.tile_cols * job->p.size;
}

static void add_numeric_l1(const gradient_job *job, char *w, const char *W, int64_t j0, int64_t m, int64_t i0,
                           int64_t n, int64_t o)
{
    const plan       *p = &job->p;
    const agop__tile *z = &p->x->u, *x = &p->z->u;

    for (int64_t k = 0; k < p->r; k += CHUNK) {
        int64_t cols = smaller(CHUNK, p->r - k);
        p->f->pack(w + job->at_xt, p->tile_cols, agop__at(x, i0, k), x->dtype, x->ld, n, cols);
        p->f->l1_sums(w + job->at_acc, p->tile_cols, W, p->tile_cols, m, n, w + job->at_xt, p->tile_cols,
                      agop__at(z, j0, k), z->ld, cols, &p->shape);
        for (int64_t i = 0; i < n; i++) {
            void *g = agop__at(job->G, i0 + i, o * job->e + k);
            if (p->real == AGOP_F64)
                for (int64_t c = 0; c < cols; c++)
                    ((double *)g)[c] += ((double *)(void *)(w + job->at_acc))[c * p->tile_cols + i];
            else
                for (int64_t c = 0; c < cols; c++)
                    ((float *)g)[c] += ((float *)(void *)(w + job->at_acc))[c * p->tile_cols + i];
        }
    }
}

/* Numeric coordinates of m rows of z as bf16, strip after strip, and zeros where there are none. */
static void round_points(const gradient_job *job, char *w, int64_t j0, int64_t m)
{
    const plan *p  = &job->p;
    uint16_t   *to = (uint16_t *)(void *)(w + job->at_z16), *W = (uint16_t *)(void *)(w + job->at_w16);

    for (int64_t k = 0; k < p->r; k += job->strip)
        for (int64_t j = 0; j < job->length; j++, to += job->strip) {
            int64_t cols = j < m ? smaller(job->strip, p->r - k) : 0;
            if (cols > 0)
                p->f->to_bf16(to, agop__at(&p->x->u, j0 + j, k), cols, 1);
            memset(to + cols, 0, (size_t)(job->strip - cols) * sizeof *to);
        }
    /* and no weights, which might be what another tile left */
    memset(W + m * p->tile_cols, 0, (size_t)((job->length - m) * p->tile_cols) * sizeof *W);
}

static void multiply16(gradient_job *job, int t, int64_t i0, int64_t n, int64_t o)
{
    const plan     *p = &job->p;
    const char     *w = scratch_of(p, t);
    const uint16_t *W = (const uint16_t *)(const void *)(w + job->at_w16);
    const uint16_t *z = (const uint16_t *)(const void *)(w + job->at_z16);

    for (int64_t k = 0; k < p->r; k += job->strip, z += job->length * job->strip)
        if (!agop__product_add(job->product, t, W, z, agop__at(job->G, i0, o * job->e + k), job->G->ld, n,
                               smaller(job->strip, p->r - k)))
            atomic_store(&job->failed, 1);
}

/* One tile's share in output o (number `slot` of the chunk). */
static void add_output(gradient_job *job, int t, int64_t j0, int64_t m, int64_t i0, int64_t n, int64_t o,
                       int64_t slot)
{
    const plan       *p    = &job->p;
    const agop__tile *z    = &p->x->u;
    char             *w    = scratch_of(p, t);
    char             *W    = job->outputs > 1 ? w + job->at_scaled : w;
    char             *sums = sums_of(job, w, slot), *level = sums + p->tile_cols * p->size;

    if (job->product)
        p->f->scale_rows16((uint16_t *)(void *)(w + job->at_w16), (float *)(void *)W, (float *)(void *)sums,
                           (float *)(void *)w, p->tile_cols, m, n, agop__at(job->A, j0, o), job->A->ld);
    else
        p->f->scale_rows(W, sums, w, p->tile_cols, m, n, agop__at(job->A, j0, o), job->A->ld);
    for (int32_t g = 0; g < p->kernel->groups; g++) {
        p->f->level_sums(level, p->tile_cols, W, p->tile_cols, m, n, (const int32_t *)p->x->code.mem +
                         j0 * p->x->code.ld + g, p->x->code.ld, p->kernel->levels[g]);
        level += p->kernel->levels[g] * p->tile_cols * p->size;
    }
    if (p->r == 0)
        return;
    if (job->product)
        multiply16(job, t, i0, n, o);
    else if (job->by_blas)
        agop__cpu_gemm_raw(p->real, 1, 0, n, p->r, m, 1, W, p->tile_cols, agop__at(z, j0, 0), z->ld, 1,
                           agop__at(job->G, i0, o * job->e), job->G->ld);
    else
        add_numeric_l1(job, w, W, j0, m, i0, n, o);
}

static double value(const plan *p, const void *array, int64_t at)
{
    return p->real == AGOP_F64 ? ((const double *)array)[at] : (double)((const float *)array)[at];
}

static void set(const plan *p, void *array, int64_t at, double v)
{
    if (p->real == AGOP_F64)
        ((double *)array)[at] = v;
    else
        ((float *)array)[at] = (float)v;
}

static double slope(const plan *p, double d)
{
    double a = fabs(d), order = p->shape.order;
    double f = a > 0 ? pow(a, order - 1) : 0;

    if (p->shape.kind == AGOP__SUM)
        f *= exp(-p->shape.scale * pow(a, order));
    return d < 0 ? -f : f;
}

/* The levels of group b as points: level[t * tile_cols] are the sums of those rows that have level t, and the rest of s
 * is of rows that have none. */
static void finish_points(const gradient_job *job, void *g, int64_t c, double s, const void *level, int32_t code,
                          int32_t b)
{
    const plan       *p      = &job->p;
    const agop__tile *at     = &p->kernel->steps[b];
    int32_t           levels = p->kernel->levels[b];

    code = code >= 0 && code < levels ? code : levels;
    for (int32_t t = 0; t < levels; t++) {
        double here = value(p, agop__at(at, code, t), 0), rest = s, sum = 0;
        for (int32_t a = 0; a < levels; a++) {
            double of = value(p, level, a * p->tile_cols);
            sum += of * slope(p, here - value(p, agop__at(at, a, t), 0));
            rest -= of;
        }
        set(p, g, c + t, job->factor * (sum + rest * slope(p, here - value(p, agop__at(at, levels, t), 0))));
    }
}

/* When all z are seen: numeric coordinates from the product, levels from their sums. */
static void finish_output(const gradient_job *job, char *w, int64_t i0, int64_t n, int64_t o, int64_t slot)
{
    const plan         *p    = &job->p;
    const agop__kernel *k    = p->kernel;
    const char         *sums = sums_of(job, w, slot);

    for (int64_t i = 0; i < n; i++) {
        void       *g = agop__at(job->G, i0 + i, o * job->e);
        const void *u = agop__at(&p->z->u, i0 + i, 0);
        double      s = value(p, sums, i);
        int64_t     c = p->r, row = 1;

        for (int64_t a = 0; a < p->r; a++)
            set(p, g, a, job->factor * (job->by_blas ? value(p, u, a) * s - value(p, g, a) : value(p, g, a)));
        for (int32_t b = 0; b < k->groups; c += k->levels[b], row += k->levels[b], b++) {
            int32_t     code  = ((const int32_t *)p->z->code.mem)[(i0 + i) * p->z->code.ld + b];
            const void *level = sums + (row * p->tile_cols + i) * p->size;
            if (k->kind != AGOP__L2 && k->steps[b].rows > k->levels[b]) {
                finish_points(job, g, c, s, level, code, b);
                continue;
            }
            for (int32_t t = 0; t < k->levels[b]; t++) {
                double f = job->factor;
                if (k->kind != AGOP__L2)
                    f *= slope(p, value(p, agop__at(&k->steps[b], t, 0), 0));
                set(p, g, c + t, f * ((code == t ? s : 0) - value(p, level, t * p->tile_cols)));
            }
        }
    }
}

static void gradient_blocks(void *arg, int t, int of)
{
    gradient_job *job = arg;
    plan         *p   = &job->p;
    char         *w   = scratch_of(p, t);
    int64_t       rows = p->z->u.rows, count = p->x->u.rows, c = job->A->cols;
    int64_t       chunks = count_of(c, job->outputs), blocks = count_of(rows, p->tile_cols);

    (void)of;
    for (int64_t at; (at = atomic_fetch_add(&p->next, 1)) < blocks * chunks;) {
        int64_t i0 = at / chunks * p->tile_cols, n = smaller(p->tile_cols, rows - i0);
        int64_t o0 = at % chunks * job->outputs, outputs = smaller(job->outputs, c - o0);
        memset(sums_of(job, w, 0), 0, (size_t)(outputs * (1 + job->levels) * p->tile_cols * p->size));
        for (int64_t i = 0; i < n; i++)
            memset(agop__at(job->G, i0 + i, o0 * job->e), 0, (size_t)(outputs * job->e * p->size));
        for (int64_t j0 = 0; j0 < count; j0 += p->tile_rows) {
            int64_t m = smaller(p->tile_rows, count - j0);
            any_distances(p, w, j0, m, i0, n, 0, p->kernel->first);
            p->f->weights(w, p->tile_cols, m, n, &p->shape, p->xnorm + j0 * p->size, p->znorm + i0 * p->size);
            if (job->product)
                round_points(job, w, j0, m);
            for (int64_t o = 0; o < outputs; o++)
                add_output(job, t, j0, m, i0, n, o0 + o, o);
        }
        for (int64_t o = 0; o < outputs; o++)
            finish_output(job, w, i0, n, o0 + o, o);
    }
}

/* Sizes of blocks and chunks, so that a thread's sums stay within GRADIENT_SCRATCH. Returns its bytes of extra scratch
 * (offsets are relative to the end of the plan's own). */
static int64_t size_gradient(gradient_job *job, const void *self, int64_t rows, int64_t r, int64_t size,
                             int64_t *block)
{
    int64_t per_point = (1 + job->levels) * size, c = job->A->cols, bytes = 0;

    *block       = block_of(self, rows, job->A->rows, TILE_SQUARE);
    job->outputs = c > 0 ? c : 1;
    while (*block > AGOP__PAD && per_point * job->outputs * *block > GRADIENT_SCRATCH)
        *block = up(*block / 2, AGOP__PAD);
    while (job->outputs > 1 && per_point * job->outputs * *block > GRADIENT_SCRATCH)
        job->outputs = (job->outputs + 1) / 2;
    job->at_scaled = bytes;
    bytes += job->outputs > 1 ? TILE_SQUARE * *block * size : 0;
    job->at_sums = bytes;
    bytes += up(job->outputs * per_point * *block, 64);
    job->at_xt = bytes;
    bytes += job->by_blas ? 0 : CHUNK * *block * size;
    job->at_acc = bytes;
    bytes += job->by_blas ? 0 : CHUNK * *block * size;
    job->at_w16 = bytes;
    bytes += job->length * up(*block, 32) * (int64_t)sizeof(uint16_t);
    job->at_z16 = bytes;
    bytes += job->length * up(r, job->strip) * (int64_t)sizeof(uint16_t);
    return bytes;
}

/* k->bf16: how long the sums are and how wide the strips; 0 and 1 where that was not asked for. */
static agop_status size_gradient16(gradient_job *job, const agop__cpu *self, const agop__kernel *k,
                                   const agop__points *x, const agop__points *z, agop__err *e)
{
    int64_t strips = count_of(x->u.cols, WIDE_CHUNK);

    job->strip = 1;
    if (!k->bf16 || x->u.cols == 0)
        return AGOP_OK;
    if (k->kind != AGOP__L2 || x->u.dtype != AGOP_F32 || !self->units)
        return agop__fail(e, AGOP_E_BUG, "gradients in bf16 of kind %d, type %d", (int)k->kind, (int)x->u.dtype);
    job->length = smaller(up(z->u.rows, AGOP__UNITS_STEP), TILE_SQUARE);
    job->strip  = up(count_of(x->u.cols, strips), AGOP__PAD);
    return AGOP_OK;
}

static agop_status open_gradient16(gradient_job *job, const agop__cpu *self, agop__err *e)
{
    agop__product_shape s = {.m = job->p.tile_cols, .n = job->strip, .k = job->length, .ta = 1};

    return job->length ? agop__product_open(&job->product, self->units, &s, job->p.threads, e) : AGOP_OK;
}

agop_status agop__cpu_gradient(void *self, agop__tile *G, const agop__kernel *k, const agop__points *x,
                               const agop__points *z, const agop__tile *A, agop__err *e)
{
    gradient_job job = {.G = G, .A = A};
    agop_status  st;
    int64_t      block, extra, shift;
    int          unused;

    for (int32_t g = 0; g < k->groups; g++)
        job.levels += k->levels[g];
    job.e       = x->u.cols + job.levels;
    job.by_blas = shape_of(k).term == AGOP__TERM_SQUARE;
    job.factor  = k->kind == AGOP__L2 || k->kind == AGOP__LPQ ? 1 : -k->exponent * shape_of(k).scale;
    if (k->kind == AGOP__SUM)
        job.factor *= k->share * k->power;
    TRY(check_result(A, x->u.dtype, z->u.rows, A->cols, e));
    TRY(check_result(G, x->u.dtype, x->u.rows, A->cols * job.e, e));
    TRY(check_known(k, x, z, e));
    TRY(agop__blas_int(&unused, G->ld, e));
    TRY(size_gradient16(&job, self, k, x, z, e));
    extra = size_gradient(&job, self, x->u.rows, x->u.cols, agop__dtype_bytes(x->u.dtype), &block);
    TRY(open_plan(&job.p, self, x->u.dtype, k, z, x, TILE_SQUARE, block,
                  count_of(G->rows, block) * count_of(A->cols, job.outputs), 1, extra, e));
    shift = job.p.at_extra;
    job.at_scaled += shift;
    job.at_sums += shift;
    job.at_xt += shift;
    job.at_acc += shift;
    job.at_w16 += shift;
    job.at_z16 += shift;
    TRY(open_gradient16(&job, self, e));
    if (A->cols > 0)
        agop__cpu_parallel(job.p.threads, gradient_blocks, &job);
    if (atomic_load(&job.failed))
        TRY(agop__fail(e, AGOP_E_BACKEND, "oneDNN did not finish a product of gradients"));
done:
    agop__product_close(job.product);
    close_plan(&job.p);
    return st;
}
