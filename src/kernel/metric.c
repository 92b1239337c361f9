/* metric.c - block-diagonal metrics and the maps made of them; see metric.h. */
#include "kernel/metric.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/sort.h"

/* ---- blocks ---- */

static int64_t entries(const agop__metric *m, int32_t b)
{
    int64_t d = m->block[b].d;
    return m->diagonal || (m->thin && b == 0) ? d : d * d;
}

static agop_status make_blocks(agop__metric *out, int64_t numeric, int32_t groups, const int32_t *levels, int diagonal,
                               int thin, agop__err *e)
{
    memset(out, 0, sizeof *out);
    out->diagonal = diagonal;
    out->thin     = thin;
    out->blocks   = 1 + groups;
    out->block    = agop__calloc(out->blocks, sizeof *out->block);
    if (!out->block)
        return agop__fail_memory(e, 0, "a metric");
    for (int32_t b = 0; b < out->blocks; b++) {
        out->block[b].d = b ? levels[b - 1] : numeric;
        out->block[b].m = agop__calloc(entries(out, b), sizeof(double));
        if (!out->block[b].m) {
            double bytes = 8.0 * (double)entries(out, b);
            agop__metric_free(out);
            return agop__fail_memory(e, bytes, "a metric");
        }
    }
    return AGOP_OK;
}

agop_status agop__metric_zero(agop__metric *out, int64_t numeric, int32_t groups, const int32_t *levels, int diagonal,
                              agop__err *e)
{
    return make_blocks(out, numeric, groups, levels, diagonal, 0, e);
}

static void set_identity(agop__metric *out)
{
    for (int32_t b = 0; b < out->blocks; b++)
        for (int64_t i = 0, d = out->block[b].d; i < d; i++)
            out->block[b].m[entries(out, b) == d ? i : i * d + i] = 1.0;
}

agop_status agop__metric_thin(agop__metric *out, int64_t numeric, int32_t groups, const int32_t *levels, int32_t dtype,
                              agop__err *e)
{
    agop_status st = make_blocks(out, numeric, groups, levels, 0, 1, e);
    if (st != AGOP_OK)
        return st;
    out->dtype = dtype;
    set_identity(out);
    return AGOP_OK;
}

static size_t factor_bytes(const agop__metric *m)
{
    return (size_t)(m->block[0].r * m->block[0].d) * (m->dtype == AGOP_F32 ? 4 : 8);
}

agop_status agop__metric_widen(agop__metric *m, int64_t r, agop__err *e)
{
    free(m->block[0].factor);
    m->block[0].r      = r;
    m->block[0].factor = agop__aligned(r * m->block[0].d, m->dtype == AGOP_F32 ? 4 : 8);
    if (!m->block[0].factor) {
        m->block[0].r = 0;
        return agop__fail_memory(e, 8.0 * (double)r * (double)m->block[0].d, "the factor of the metric");
    }
    return AGOP_OK;
}

agop_status agop__metric_identity(agop__metric *out, int64_t numeric, int32_t groups, const int32_t *levels,
                                  int diagonal, agop__err *e)
{
    agop_status st = agop__metric_zero(out, numeric, groups, levels, diagonal, e);
    if (st != AGOP_OK)
        return st;
    set_identity(out);
    return AGOP_OK;
}

agop_status agop__metric_copy(agop__metric *out, const agop__metric *m, agop__err *e)
{
    memset(out, 0, sizeof *out);
    out->diagonal = m->diagonal;
    out->thin     = m->thin;
    out->dtype    = m->dtype;
    out->blocks   = m->blocks;
    out->block    = agop__calloc(m->blocks, sizeof *out->block);
    if (!out->block)
        return agop__fail_memory(e, 0, "a metric");
    for (int32_t b = 0; b < m->blocks; b++) {
        out->block[b].d = m->block[b].d;
        out->block[b].m = agop__malloc(entries(m, b), sizeof(double));
        if (!out->block[b].m) {
            agop__metric_free(out);
            return agop__fail_memory(e, 0, "a metric");
        }
        memcpy(out->block[b].m, m->block[b].m, (size_t)entries(m, b) * sizeof(double));
    }
    if (m->thin && m->block[0].r) {
        agop_status st = agop__metric_widen(out, m->block[0].r, e);
        if (st != AGOP_OK) {
            agop__metric_free(out);
            return st;
        }
        memcpy(out->block[0].factor, m->block[0].factor, factor_bytes(m));
    }
    return AGOP_OK;
}

void agop__metric_free(agop__metric *m)
{
    for (int32_t b = 0; m->block && b < m->blocks; b++)
        free(m->block[b].m);
    if (m->block)
        free(m->block[0].factor);
    free(m->block);
    memset(m, 0, sizeof *m);
}

int64_t agop__metric_size(const agop__metric *m)
{
    int64_t d = 0;
    for (int32_t b = 0; b < m->blocks; b++)
        d += m->block[b].d;
    return d;
}

double agop__metric_at(const agop__metric *m, int32_t block, int64_t i)
{
    const agop__block *b   = &m->block[block];
    double             sum = b->m[entries(m, block) == b->d ? i : i * b->d + i];

    for (int64_t k = 0; k < b->r; k++)
        sum += agop__factor_at(m, k * b->d + i) * agop__factor_at(m, k * b->d + i);
    return sum;
}

/* Entries first .. first+count-1 of a diagonal; a factor is read row by row, as it lies in memory. */
static void diagonal_part(double *out, const agop__metric *m, int32_t block, int64_t first, int64_t count)
{
    const agop__block *b    = &m->block[block];
    int                full = entries(m, block) != b->d;

    for (int64_t i = 0; i < count; i++)
        out[i] = b->m[full ? (first + i) * (b->d + 1) : first + i];
    for (int64_t k = 0; k < b->r; k++)
        for (int64_t i = 0; i < count; i++) {
            double v = agop__factor_at(m, k * b->d + first + i);
            out[i] += v * v;
        }
}

void agop__metric_diagonal(double *out, const agop__metric *m, int32_t block)
{
    diagonal_part(out, m, block, 0, m->block[block].d);
}

agop_status agop__metric_diagonal_of(agop__metric *out, const agop__metric *m, agop__err *e)
{
    int32_t    *levels = agop__malloc(m->blocks, sizeof *levels);
    agop_status st;

    if (!levels)
        return agop__fail_memory(e, 0, "a metric");
    for (int32_t b = 1; b < m->blocks; b++)
        levels[b - 1] = (int32_t)m->block[b].d;
    st = agop__metric_zero(out, m->block[0].d, m->blocks - 1, levels, 1, e);
    for (int32_t b = 0; st == AGOP_OK && b < m->blocks; b++)
        agop__metric_diagonal(out->block[b].m, m, b);
    free(levels);
    return st;
}

static void scale_factor(agop__metric *m, double by)
{
    for (int64_t k = 0; k < m->block[0].r * m->block[0].d; k++) {
        if (m->dtype == AGOP_F32)
            ((float *)m->block[0].factor)[k] = (float)(agop__factor_at(m, k) * by);
        else
            ((double *)m->block[0].factor)[k] *= by;
    }
}

/* The factor of m below that of out. */
static agop_status append_factor(agop__metric *out, const agop__metric *m, double w, agop__err *e)
{
    int64_t      d = out->block[0].d, before = out->block[0].r, r = before + m->block[0].r;
    size_t       size = out->dtype == AGOP_F32 ? 4 : 8;
    agop__metric both = *out;
    agop__block  one  = out->block[0];
    agop_status  st;

    one.factor = NULL; /* the old one stays until the new one is there */
    both.block = &one;
    st         = agop__metric_widen(&both, r, e);
    if (st != AGOP_OK)
        return st;
    memcpy(one.factor, out->block[0].factor ? out->block[0].factor : one.factor, (size_t)(before * d) * size);
    for (int64_t k = 0; k < m->block[0].r * d; k++) {
        double v = sqrt(w) * agop__factor_at(m, k);
        if (out->dtype == AGOP_F32)
            ((float *)one.factor)[before * d + k] = (float)v;
        else
            ((double *)one.factor)[before * d + k] = v;
    }
    free(out->block[0].factor);
    out->block[0] = one;
    return AGOP_OK;
}

agop_status agop__metric_add(agop__metric *out, const agop__metric *m, double w, agop__err *e)
{
    if (out->diagonal != m->diagonal || out->thin != m->thin)
        return agop__fail(e, AGOP_E_BUG, "two metrics of different forms were to be added");
    for (int32_t b = 0; b < out->blocks; b++)
        for (int64_t i = 0; i < entries(out, b); i++)
            out->block[b].m[i] += w * m->block[b].m[i];
    return m->thin && m->block[0].r ? append_factor(out, m, w, e) : AGOP_OK;
}

void agop__metric_times(double *out, const agop__metric *m, const double *v)
{
    for (int32_t b = 0; b < m->blocks; b++) {
        const agop__block *k    = &m->block[b];
        int                full = entries(m, b) != k->d;
        for (int64_t i = 0; i < k->d; i++) {
            out[i] = full ? 0 : k->m[i] * v[i];
            for (int64_t j = 0; full && j < k->d; j++)
                out[i] += k->m[i * k->d + j] * v[j];
        }
        for (int64_t r = 0; r < k->r; r++) {
            double dot = 0;
            for (int64_t i = 0; i < k->d; i++)
                dot += agop__factor_at(m, r * k->d + i) * v[i];
            for (int64_t i = 0; i < k->d; i++)
                out[i] += dot * agop__factor_at(m, r * k->d + i);
        }
        out += k->d;
        v += k->d;
    }
}

enum { STRIP = 512 };

/* The largest entry of all diagonals and their sum, a strip at a time. */
static double largest(const agop__metric *m, double *sum)
{
    double top = 0, part[STRIP];

    *sum = 0;
    for (int32_t b = 0; b < m->blocks; b++)
        for (int64_t first = 0; first < m->block[b].d; first += STRIP) {
            int64_t count = m->block[b].d - first < STRIP ? m->block[b].d - first : STRIP;
            diagonal_part(part, m, b, first, count);
            for (int64_t i = 0; i < count; i++) {
                top = fmax(top, part[i]);
                *sum += part[i];
            }
        }
    return top;
}

void agop__metric_scale_by(agop__metric *m, double w)
{
    for (int32_t b = 0; b < m->blocks; b++)
        for (int64_t i = 0; i < entries(m, b); i++)
            m->block[b].m[i] *= w;
    if (m->thin)
        scale_factor(m, sqrt(w));
}

void agop__metric_mend(agop__metric *m)
{
    for (int32_t b = 0; b < m->blocks; b++) {
        int64_t d = m->block[b].d, step = m->diagonal ? 1 : d + 1;
        double *v = m->block[b].m;
        for (int64_t i = 0; i < d; i++) {
            if (!(v[i * step] < 0))
                continue;
            v[i * step] = 0;
            for (int64_t j = 0; j < d && !m->diagonal; j++)
                v[i * d + j] = v[j * d + i] = 0;
        }
    }
}

int agop__metric_scale(agop__metric *m)
{
    double sum, top = largest(m, &sum);

    if (!(top > 0) || !isfinite(top))
        return 0;
    for (int32_t b = 0; b < m->blocks; b++)
        for (int64_t i = 0; i < entries(m, b); i++)
            m->block[b].m[i] /= top;
    if (m->thin)
        scale_factor(m, 1 / sqrt(top));
    return 1;
}

/* The factor shrinks by a number; the diagonal part takes up the difference. */
static void shrink_thin(agop__metric *m, double s, double mean)
{
    agop__block *b    = &m->block[0];
    double       keep = .95 * (1 - s), all[STRIP];

    for (int64_t first = 0; first < b->d; first += STRIP) {
        int64_t count = b->d - first < STRIP ? b->d - first : STRIP;
        diagonal_part(all, m, 0, first, count);
        for (int64_t i = 0; i < count; i++)
            b->m[first + i] = fmax(0, .95 * all[i] + .05 * mean - keep * (all[i] - b->m[first + i]));
    }
    scale_factor(m, sqrt(keep));
}

void agop__metric_shrink(agop__metric *m, double s)
{
    double  mean = 0;
    int64_t size = agop__metric_size(m);

    if (s <= 0 || size == 0)
        return;
    (void)largest(m, &mean);
    mean /= (double)size;
    for (int32_t b = 0; b < m->blocks; b++) {
        int64_t d = m->block[b].d;
        double *v = m->block[b].m;
        if (b == 0 && m->thin) {
            shrink_thin(m, s, mean);
            continue;
        }
        for (int64_t i = 0; i < entries(m, b); i++) {
            int on_diagonal = m->diagonal || i % (d + 1) == 0;
            v[i]            = on_diagonal ? .95 * v[i] + .05 * mean : .95 * (1 - s) * v[i];
        }
    }
}

/* ---- the map ---- */

/* A rounding-sized multiple of the identity makes a singular matrix factorable: it moves squared distances by no more
 * than the rounding of the matrix itself does. */
agop_status agop__factor_psd(double *A, agop_ctx *ctx, int64_t d)
{
    int64_t     bad = -1;
    double     *copy = agop__malloc(d * d, sizeof(double)), top = 0;
    agop__tile  L  = {0};
    agop_status st = AGOP_OK;

    if (!copy)
        return agop__fail_memory(&ctx->err, 8.0 * (double)d * (double)d, "the factor of the metric");
    for (int64_t i = 0; i < d; i++)
        top = fmax(top, A[i * d + i]);
    TRY(op_alloc(ctx, &L, d, d, AGOP_F64));
    for (double jitter = 4e-16 * (double)d * top; ; jitter *= 16) {
        memcpy(copy, A, (size_t)(d * d) * sizeof(double));
        for (int64_t i = 0; i < d; i++)
            copy[i * d + i] += jitter;
        TRY(op_put(ctx, &L, copy, d, AGOP_F64));
        st = op_cholesky(ctx, &L, &bad);
        if (st != AGOP_E_NUMERIC || !(jitter <= 1e-6 * top) || jitter == 0) /* top 0: only a damaged file has it */
            break;
    }
    if (st != AGOP_OK)
        goto done;
    TRY(op_get(ctx, A, d, AGOP_F64, &L));
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = i + 1; j < d; j++)
            A[i * d + j] = 0;
done:
    op_release(ctx, &L);
    free(copy);
    return st;
}

agop_status agop__root_psd(double *A, agop_ctx *ctx, int64_t d)
{
    double     *V = agop__malloc(d * d, sizeof *V), *w = agop__malloc(d, sizeof *w);
    agop__tile  a = {0}, v = {0}, values = {0};
    agop_status st;

    if (!V || !w) {
        st = agop__fail_memory(&ctx->err, 8.0 * (double)d * (double)d, "the root of the metric");
        goto done;
    }
    TRY(op_alloc(ctx, &a, d, d, AGOP_F64));
    TRY(op_alloc(ctx, &v, d, d, AGOP_F64));
    TRY(op_alloc(ctx, &values, d, 1, AGOP_F64));
    TRY(op_put(ctx, &a, A, d, AGOP_F64));
    TRY(op_eigh(ctx, &a, &values, &v, d));
    TRY(op_get(ctx, V, d, AGOP_F64, &v));
    TRY(op_get(ctx, w, 1, AGOP_F64, &values));
    for (int64_t k = 0; k < d; k++)
        for (int64_t i = 0; i < d; i++)
            V[k * d + i] *= sqrt(sqrt(fmax(0, w[k])));
    TRY(op_put(ctx, &v, V, d, AGOP_F64));
    TRY(op_syrk(ctx, 1, 1.0, &v, 0.0, &a));
    TRY(op_mirror(ctx, &a));
    TRY(op_get(ctx, A, d, AGOP_F64, &a));
done:
    op_release(ctx, &a);
    op_release(ctx, &v);
    op_release(ctx, &values);
    free(V);
    free(w);
    return st;
}

/* The numeric block as F F'. */
static agop_status factor(agop__map *map, const agop__metric *m)
{
    agop_ctx   *ctx  = map->ctx;
    int64_t     d    = map->numeric;
    double     *copy = agop__malloc(d * d, sizeof(double));
    agop_status st   = AGOP_OK;

    if (!copy)
        return agop__fail_memory(&ctx->err, 8.0 * (double)d * (double)d, "the factor of the metric");
    memcpy(copy, m->block[0].m, (size_t)(d * d) * sizeof(double));
    TRY((map->kernel.kind == AGOP__L2 ? agop__factor_psd : agop__root_psd)(copy, ctx, d));
    TRY(op_alloc(ctx, &map->F, d, d, map->dtype));
    TRY(op_put(ctx, &map->F, copy, d, AGOP_F64));
done:
    free(copy);
    return st;
}

static int is_diagonal(const agop__metric *m)
{
    const agop__block *b = &m->block[0];
    if (m->thin)
        return b->r == 0;
    for (int64_t i = 0; !m->diagonal && i < b->d * b->d; i++)
        if (i % (b->d + 1) != 0 && b->m[i] != 0)
            return 0;
    return 1;
}

/* What two levels of a group add to the squared distance; index `levels` is "no level". */
static double between(const agop__metric *m, int32_t b, double h, int64_t i, int64_t j)
{
    int64_t d  = m->block[b].d;
    double  ii = i < d ? fmax(0, agop__metric_at(m, b, i)) : 0, jj = j < d ? fmax(0, agop__metric_at(m, b, j)) : 0;
    double  ij = !m->diagonal && i < d && j < d ? m->block[b].m[i * d + j] : 0;

    return i == j ? 0 : fmax(0, h * h * (ii + jj - 2 * ij));
}

static agop_status squared_table(agop__map *map, const agop__metric *m, double height, int32_t g)
{
    agop_ctx   *ctx  = map->ctx;
    int64_t     side = m->block[g + 1].d + 1;
    double     *host = agop__malloc(side * side, sizeof(double));
    agop_status st   = AGOP_OK;

    if (!host)
        return agop__fail_memory(&ctx->err, 8.0 * (double)side * (double)side, "distances between categories");
    for (int64_t i = 0; i < side; i++)
        for (int64_t j = 0; j < side; j++)
            host[i * side + j] = between(m, g + 1, height, i, j);
    TRY(op_alloc(ctx, &map->tables[g], side, side, map->dtype));
    TRY(op_put(ctx, &map->tables[g], host, side, AGOP_F64));
done:
    free(host);
    return st;
}

/* What one coordinate adds to the sum of another kind than L2; falls: to that of SUM. */
static double term(const agop__kernel *k, double step, int falls)
{
    double order = k->kind == AGOP__LPQ ? k->norm : k->exponent;
    double v     = order == 1 ? fabs(step) : pow(fabs(step), order); /* pow takes its time to give back what it got */

    return falls ? -expm1(-v * pow(k->bandwidth, -k->exponent)) : v;
}

/* table ((levels+1)^2) of those sums over the coordinates of group g. */
static agop_status fill_table(double *table, const agop__map *map, int32_t g, int falls)
{
    agop_ctx           *ctx    = map->ctx;
    const agop__kernel *k      = &map->kernel;
    const agop__tile   *steps  = &map->steps[g];
    int64_t             levels = map->levels[g], side = levels + 1;
    double             *v      = agop__malloc(steps->rows * steps->cols, sizeof *v);
    agop_status         st;

    if (!v)
        return agop__fail_memory(&ctx->err, 8.0 * (double)(side * side), "distances between categories");
    TRY(op_get(ctx, v, steps->cols, AGOP_F64, steps));
    if (steps->rows == levels) /* each in its own coordinate */
        for (int64_t i = 0; i < levels; i++)
            v[i] = term(k, v[i], falls);
    for (int64_t i = 0; i < side; i++)
        for (int64_t j = 0; j < i; j++) {
            double sum = 0;
            if (steps->rows == levels)
                sum = (i < levels ? v[i] : 0) + v[j];
            for (int64_t t = 0; steps->rows > levels && t < levels; t++)
                sum += term(k, v[i * levels + t] - v[j * levels + t], falls);
            table[i * side + j] = table[j * side + i] = sum;
        }
    for (int64_t i = 0; i < side; i++)
        table[i * side + i] = 0;
done:
    free(v);
    return st;
}

static agop_status put_table(agop__map *map, int32_t g)
{
    int64_t     side = map->levels[g] + 1;
    double     *host = agop__malloc(side * side, sizeof *host);
    agop_status st;

    if (!host)
        return agop__fail_memory(&map->ctx->err, 8.0 * (double)side * (double)side, "distances between categories");
    TRY(fill_table(host, map, g, map->kernel.kind == AGOP__SUM));
    TRY(op_put(map->ctx, &map->tables[g], host, side, AGOP_F64));
done:
    free(host);
    return st;
}

/* Of a group of another kernel than L2: a diagonal block moves a level along its own coordinate; a full one puts it
 * where its row of height M_g^(1/2) says, and "no level" at zero. */
static agop_status make_steps(agop__map *map, const agop__metric *m, double height, int32_t g)
{
    agop_ctx          *ctx = map->ctx;
    const agop__block *b   = &m->block[g + 1];
    int64_t            d = b->d, rows = m->diagonal ? d : d + 1, cols = m->diagonal ? 1 : d;
    double            *host = agop__calloc(rows * cols, sizeof *host);
    agop_status        st   = AGOP_OK;

    if (!host)
        return agop__fail_memory(&ctx->err, 8.0 * (double)(rows * cols), "distances between categories");
    memcpy(host, b->m, (size_t)(d * cols) * sizeof *host);
    if (!m->diagonal && d > 0)
        TRY(agop__root_psd(host, ctx, d));
    for (int64_t i = 0; i < d * cols; i++)
        host[i] = height * (m->diagonal ? sqrt(fmax(0, host[i])) : host[i]);
    TRY(op_alloc(ctx, &map->steps[g], rows, cols, map->dtype));
    TRY(op_put(ctx, &map->steps[g], host, cols, AGOP_F64));
    TRY(op_alloc(ctx, &map->tables[g], d + 1, d + 1, map->dtype));
    TRY(put_table(map, g));
done:
    free(host);
    return st;
}

agop_status agop__map_bandwidth(agop__map *map, double bandwidth)
{
    agop_status st = AGOP_OK;

    map->kernel.bandwidth = bandwidth;
    for (int32_t g = 0; map->kernel.kind == AGOP__SUM && g < map->kernel.groups; g++)
        TRY(put_table(map, g));
done:
    return st;
}

/* Of a thin metric: is there anything beside the factor? */
static int has_diagonal(const agop__metric *m)
{
    for (int64_t i = 0; i < m->block[0].d; i++)
        if (m->block[0].m[i] > 0)
            return 1;
    return 0;
}

/* Square roots of the numeric diagonal, whose entries are `step` apart. */
static agop_status take_root(agop__map *map, const agop__metric *m, int64_t step)
{
    map->root = agop__malloc(map->numeric, sizeof(double));
    if (!map->root)
        return agop__fail_memory(&map->ctx->err, 0, "a metric");
    for (int64_t i = 0; i < map->numeric; i++)
        map->root[i] = sqrt(fmax(0, m->block[0].m[i * step]));
    return AGOP_OK;
}

/* A coordinate of weight zero moves no distance and has no gradient: points are made without it. */
static agop_status drop_dead(agop__map *map)
{
    int64_t live = 0;

    for (int64_t i = 0; i < map->numeric; i++)
        live += map->root[i] > 0;
    if (live == map->numeric)
        return AGOP_OK;
    map->mapped = 0;
    map->live   = agop__malloc(live, sizeof *map->live);
    if (!map->live)
        return agop__fail_memory(&map->ctx->err, 0, "a metric");
    for (int64_t i = 0; i < map->numeric; i++)
        if (map->root[i] > 0)
            map->live[map->mapped++] = i;
    return AGOP_OK;
}

agop_status agop__map_make(agop__map *out, agop_ctx *ctx, const agop__metric *m, const agop__shape *shape,
                           int32_t dtype)
{
    int32_t     groups = m->blocks - 1;
    agop_status st     = AGOP_OK;

    memset(out, 0, sizeof *out);
    out->ctx     = ctx;
    out->dtype   = dtype;
    out->numeric = m->block[0].d;
    out->all     = agop__metric_size(m);
    out->levels  = agop__calloc(groups, sizeof *out->levels);
    out->tables  = agop__calloc(groups, sizeof *out->tables);
    out->steps   = agop__calloc(groups, sizeof *out->steps);
    if (!out->levels || !out->tables || !out->steps) {
        st = agop__fail_memory(&ctx->err, 0, "a metric");
        goto done;
    }
    out->kernel = (agop__kernel){.kind = shape->kind, .exponent = shape->exponent, .bandwidth = shape->bandwidth,
                                 .norm = shape->norm, .power = shape->power,
                                 .share = (1 - shape->const_mix) / (double)out->all,
                                 .groups = groups, .levels = out->levels, .tables = out->tables, .steps = out->steps};
    for (int32_t g = 0; g < groups; g++) {
        out->levels[g] = (int32_t)m->block[g + 1].d;
        TRY(shape->kind == AGOP__L2 ? squared_table(out, m, shape->height, g) : make_steps(out, m, shape->height, g));
    }
    out->mapped = out->numeric;
    out->thin   = m->thin;
    if (is_diagonal(m)) {
        TRY(take_root(out, m, m->diagonal || m->thin ? 1 : out->numeric + 1));
        if (!m->thin)
            TRY(drop_dead(out));
    } else if (m->thin) {
        out->mapped = m->block[0].r;
        TRY(op_alloc(ctx, &out->F, m->block[0].r, out->numeric, dtype));
        TRY(op_put(ctx, &out->F, m->block[0].factor, out->numeric, m->dtype));
        if (has_diagonal(m)) {
            out->mapped += out->numeric;
            TRY(take_root(out, m, 1));
        }
    } else {
        TRY(factor(out, m));
    }
done:
    if (st != AGOP_OK)
        agop__map_free(out);
    return st;
}

void agop__map_free(agop__map *map)
{
    if (!map->ctx)
        return;
    op_release(map->ctx, &map->F);
    for (int32_t g = 0; g < map->kernel.groups; g++) {
        if (map->tables)
            op_release(map->ctx, &map->tables[g]);
        if (map->steps)
            op_release(map->ctx, &map->steps[g]);
    }
    free(map->root);
    free(map->live);
    free(map->levels);
    free(map->tables);
    free(map->steps);
    memset(map, 0, sizeof *map);
}

/* ---- rows ---- */

/* Rows times a diagonal, in blocks, so that no second copy of the table is held. */
static agop_status put_scaled(agop__tile *u, const agop__map *map, const void *x, int32_t x_dtype, int64_t n)
{
    enum { BLOCK = 1024 };
    agop_ctx   *ctx = map->ctx;
    int64_t     d   = map->numeric, kept = u->cols, ones = 0;
    double     *row;
    agop_status st  = AGOP_OK;

    while (ones < d && map->root[ones] == 1)
        ones++;
    if (ones == d) /* the identity */
        return op_put(ctx, u, x, d, x_dtype);
    row = agop__malloc(BLOCK * kept, sizeof(double));
    if (!row)
        return agop__fail_memory(&ctx->err, 8.0 * BLOCK * (double)kept, "a block of rows");
    for (int64_t i = 0; i < n; i += BLOCK) {
        int64_t    count = n - i < BLOCK ? n - i : BLOCK;
        agop__tile part  = op_rows(ctx, u, i, count);
        for (int64_t k = 0; k < count * kept; k++) {
            int64_t at = agop__map_coordinate(map, k % kept), from = (i + k / kept) * d + at;
            double  v  = x_dtype == AGOP_F32 ? (double)((const float *)x)[from] : ((const double *)x)[from];
            row[k]     = v * map->root[at];
        }
        TRY(op_put(ctx, &part, row, kept, AGOP_F64));
    }
done:
    free(row);
    return st;
}

agop_status agop__map_points(agop__points *out, const agop__map *map, const void *x, int32_t x_dtype,
                             const int32_t *code, int64_t n)
{
    agop_ctx   *ctx = map->ctx;
    int64_t     d   = map->numeric, rooted = map->live ? map->mapped : d;
    agop__tile  X   = {0}, part;
    agop_status st  = AGOP_OK;

    memset(out, 0, sizeof *out);
    TRY(op_alloc(ctx, &out->u, n, map->mapped, map->dtype));
    if (map->root) { /* the last coordinates, or all */
        part = op_cols(ctx, &out->u, map->mapped - rooted, rooted);
        TRY(put_scaled(&part, map, x, x_dtype, n));
    }
    if (map->F.mem) {
        part = op_cols(ctx, &out->u, 0, map->root ? map->mapped - d : map->mapped);
        TRY(op_alloc(ctx, &X, n, d, map->dtype));
        TRY(op_put(ctx, &X, x, d, x_dtype));
        TRY(op_gemm(ctx, 0, map->thin, 1.0, &X, &map->F, 0.0, &part));
    }
    if (map->kernel.groups) {
        TRY(op_alloc(ctx, &out->code, n, map->kernel.groups, AGOP__I32));
        TRY(op_put(ctx, &out->code, code, map->kernel.groups, AGOP__I32));
    }
done:
    op_release(ctx, &X);
    if (st != AGOP_OK)
        agop__points_free(out, ctx);
    return st;
}

void agop__points_free(agop__points *p, agop_ctx *ctx)
{
    op_release(ctx, &p->u);
    op_release(ctx, &p->code);
}

agop__points agop__points_rows(const agop__points *p, agop_ctx *ctx, int64_t first, int64_t count)
{
    agop__points view = {0};
    view.u            = op_rows(ctx, &p->u, first, count);
    if (p->code.mem)
        view.code = op_rows(ctx, &p->code, first, count);
    return view;
}

/* ---- the median distance ---- */

static double pair_power(const agop__map *map, const double *u, const int32_t *code, double *const *table, int64_t i,
                         int64_t j)
{
    const agop__kernel *k = &map->kernel;
    double              s = 0;
    for (int64_t c = 0; c < map->mapped; c++) {
        double step = u[i * map->mapped + c] - u[j * map->mapped + c];
        s += k->kind == AGOP__L2 ? step * step : term(k, step, 0);
    }
    for (int32_t g = 0; g < k->groups; g++) {
        int64_t side = k->levels[g] + 1, a = code[i * k->groups + g], b = code[j * k->groups + g];
        a = a < 0 || a >= side ? side - 1 : a;
        b = b < 0 || b >= side ? side - 1 : b;
        s += table[g][a * side + b];
    }
    return s;
}

agop_status agop__median_distance(double *out, const agop__map *map, const agop__points *p)
{
    agop_ctx           *ctx = map->ctx;
    const agop__kernel *k   = &map->kernel;
    int64_t             n = p->u.rows, d = map->mapped, pairs = n * (n - 1) / 2, at = 0;
    double             *u = agop__malloc(n * d, sizeof *u), *s = agop__malloc(pairs, sizeof *s), mean = 0;
    int32_t            *code  = agop__malloc(n * k->groups, sizeof *code);
    double            **table = agop__calloc(k->groups, sizeof *table);
    double              order = k->kind == AGOP__LPQ ? k->norm : k->exponent;
    double              of    = k->kind == AGOP__SUM ? (double)map->all : 1; /* a mean over all coordinates */
    agop_status         st    = AGOP_OK;

    if (!u || !s || !code || !table) {
        st = agop__fail_memory(&ctx->err, 8.0 * (double)(n * d + pairs), "the median distance");
        goto done;
    }
    TRY(op_get(ctx, u, d, AGOP_F64, &p->u));
    if (k->groups)
        TRY(op_get(ctx, code, k->groups, AGOP__I32, &p->code));
    for (int32_t g = 0; g < k->groups; g++) {
        int64_t side = k->levels[g] + 1;
        table[g]     = agop__malloc(side * side, sizeof **table);
        if (!table[g]) {
            st = agop__fail_memory(&ctx->err, 0, "the median distance");
            goto done;
        }
        TRY(k->kind == AGOP__L2 ? op_get(ctx, table[g], side, AGOP_F64, &k->tables[g])
                                : fill_table(table[g], map, g, 0));
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < i; j++) {
            double v = pair_power(map, u, code, table, i, j);
            s[at]    = k->kind == AGOP__L2 ? sqrt(v) : pow(v / of, 1 / order);
            mean += s[at++] / (double)pairs;
        }
    *out = pairs ? agop__select(s, pairs, pairs / 2) : 1;
    if (!(*out > 0)) /* more than half of the pairs coincide */
        *out = mean > 0 ? mean : 1;
done:
    for (int32_t g = 0; table && g < k->groups; g++)
        free(table[g]);
    free(table);
    free(code);
    free(s);
    free(u);
    return st;
}
