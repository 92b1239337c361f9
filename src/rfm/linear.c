/* linear.c - a constant and a ridge regression, to measure a model against; see linear.h.
 *
 * X is never held whole: rows x rows systems are summed over blocks of coordinates, coordinates x coordinates systems
 * over blocks of rows. Eigenvectors cost some thirty times a factor, so of a large system the ridge is chosen on a part
 * of the rows: the best ridge is the ratio of two variances, which does not grow with their number. */
#include "rfm/linear.h"

#include <math.h>
#include <string.h>

#include "backend/ops.h"
#include "base/memory.h"

enum { BLOCK_CELLS = 1 << 21, LARGEST = 4000, MOST_EIGEN = 600, RIDGES = 21 };

/* ---- the design ---- */

static agop_status fail_room(agop_ctx *ctx, double numbers)
{
    return agop__fail_memory(&ctx->err, 8.0 * numbers, "a linear model");
}

/* A value is factor * (v - centre) / spread in the code; here it is in standard deviations. */
static double in_deviations(const agop__schema *s, const agop__field *f)
{
    return (f->rank || f->constant ? 1 : f->spread / f->deviation) / s->factor;
}

agop_status agop__design_open(agop__design *out, agop_ctx *ctx, const agop__schema *s, int normal_scores)
{
    int64_t levels = agop__schema_levels(s), at = 0, k = 0;

    *out       = (agop__design){.schema = s, .step = 1, .height = sqrt(.5)};
    out->from  = agop__malloc(s->numeric, sizeof *out->from);
    out->times = agop__malloc(s->numeric, sizeof *out->times);
    out->group = agop__malloc(levels, sizeof *out->group);
    out->level = agop__malloc(levels, sizeof *out->level);
    if (!out->from || !out->times || !out->group || !out->level) {
        agop__design_close(out);
        return fail_room(ctx, 2.0 * (double)(s->numeric + levels));
    }
    for (int64_t i = 0; i < s->fields; i++) {
        const agop__field *f = &s->field[i];
        int                all = f->is_text ? 0 : 1 + s->normal_scores + f->has_missing;
        for (int j = 0; j < all; j++, at++) {
            if (j == 1 && s->normal_scores && !normal_scores)
                continue;
            out->from[out->values]    = at;
            out->times[out->values++] = j == 0 && !normal_scores ? in_deviations(s, f) : 1;
        }
    }
    for (int32_t g = 0; g < s->groups; g++)
        for (int32_t l = 0; l < s->group_levels[g]; l++, k++) {
            out->group[k] = g;
            out->level[k] = l;
        }
    out->e = out->values + levels;
    return AGOP_OK;
}

void agop__design_close(agop__design *d)
{
    free(d->from);
    free(d->times);
    free(d->group);
    free(d->level);
    memset(d, 0, sizeof *d);
}

void agop__design_rows(agop__design *d, const void *x, const int32_t *code, int32_t dtype, int64_t n)
{
    d->x     = x;
    d->code  = code;
    d->dtype = dtype;
    d->n     = n;
}

void agop__design_take(double *out, const agop__design *d, int64_t first, int64_t rows, int64_t col, int64_t cols)
{
    int64_t p = d->schema->numeric, g = d->schema->groups;

    for (int64_t i = 0; i < rows; i++) {
        int64_t        row  = (first + i) * d->step;
        const int32_t *code = d->code + row * g;
        for (int64_t j = 0; j < cols; j++) {
            int64_t c = col + j, level = c - d->values;
            if (level >= 0)
                out[i * cols + j] = code[d->group[level]] == d->level[level] ? d->height : 0;
            else if (d->dtype == AGOP_F32)
                out[i * cols + j] = d->times[c] * (double)((const float *)d->x)[row * p + d->from[c]];
            else
                out[i * cols + j] = d->times[c] * ((const double *)d->x)[row * p + d->from[c]];
        }
    }
}

/* ---- one system ---- */

typedef struct ridge_system {
    agop_ctx           *ctx;
    const agop__design *d;
    const double       *Y, *weight; /* of the rows that d steps over, too */
    int64_t             c, k;       /* outputs; size of the system */
    int                 dual;       /* rows x rows */
    double              total;      /* of the weights */
    double             *mean, *shift;
    int64_t             rows, cols; /* of a block of X: one of them is all there are */
    double             *block;
    agop__tile          A, B;       /* k x k, k x c */
} ridge_system;

static double root_weight(const ridge_system *s, int64_t i)
{
    return s->weight ? sqrt(s->weight[i * s->d->step]) : 1;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void close_system(ridge_system *s)
{
    op_release(s->ctx, &s->A);
    op_release(s->ctx, &s->B);
    free(s->mean);
    free(s->shift);
    free(s->block);
}

static void find_means(ridge_system *s)
{
    int64_t n = s->d->n, e = s->d->e;

    for (int64_t i = 0; i < n; i++) {
        double w = root_weight(s, i);
        s->total += w * w;
        for (int64_t o = 0; o < s->c; o++)
            s->shift[o] += w * w * s->Y[i * s->d->step * s->c + o];
    }
    for (int64_t o = 0; o < s->c; o++)
        s->shift[o] /= s->total;
    for (int64_t first = 0; first < n; first += s->rows)
        for (int64_t col = 0; col < e; col += s->cols) {
            int64_t rows = least(s->rows, n - first), cols = least(s->cols, e - col);
            agop__design_take(s->block, s->d, first, rows, col, cols);
            for (int64_t i = 0; i < rows; i++) {
                double w = root_weight(s, first + i);
                for (int64_t j = 0; j < cols; j++)
                    s->mean[col + j] += w * w * s->block[i * cols + j] / s->total;
            }
        }
}

/* X of a block, centred, every row times the root of its weight. */
static agop_status take_block(agop__tile *X, ridge_system *s, int64_t first, int64_t rows, int64_t col, int64_t cols)
{
    agop_status st;

    agop__design_take(s->block, s->d, first, rows, col, cols);
    for (int64_t i = 0; i < rows; i++) {
        double w = root_weight(s, first + i);
        for (int64_t j = 0; j < cols; j++)
            s->block[i * cols + j] = w * (s->block[i * cols + j] - s->mean[col + j]);
    }
    TRY(op_alloc(s->ctx, X, rows, cols, AGOP_F64));
    TRY(op_put(s->ctx, X, s->block, cols, AGOP_F64));
done:
    return st;
}

/* Y of some rows, in the same way. */
static agop_status take_outputs(agop__tile *Y, ridge_system *s, int64_t first, int64_t rows)
{
    double     *y = agop__malloc(rows * s->c, sizeof *y);
    agop_status st;

    if (!y)
        return fail_room(s->ctx, (double)(rows * s->c));
    for (int64_t i = 0; i < rows; i++)
        for (int64_t o = 0; o < s->c; o++)
            y[i * s->c + o] = root_weight(s, first + i) *
                              (s->Y[(first + i) * s->d->step * s->c + o] - s->shift[o]);
    TRY(op_alloc(s->ctx, Y, rows, s->c, AGOP_F64));
    TRY(op_put(s->ctx, Y, y, s->c, AGOP_F64));
done:
    free(y);
    return st;
}

/* A += X'X (its lower triangle) and B += X'Y over blocks of rows. */
static agop_status sum_over_rows(ridge_system *s)
{
    agop__tile  X = {0}, Y = {0};
    agop_status st = AGOP_OK;

    for (int64_t first = 0; first < s->d->n; first += s->rows) {
        int64_t rows = least(s->rows, s->d->n - first);
        double  add  = first ? 1 : 0;
        TRY(take_block(&X, s, first, rows, 0, s->k));
        TRY(take_outputs(&Y, s, first, rows));
        TRY(op_syrk(s->ctx, 1, 1, &X, add, &s->A));
        TRY(op_gemm(s->ctx, 1, 0, 1, &X, &Y, add, &s->B));
        op_release(s->ctx, &X);
        op_release(s->ctx, &Y);
    }
done:
    op_release(s->ctx, &X);
    op_release(s->ctx, &Y);
    return st;
}

/* A += XX' (its lower triangle) over blocks of coordinates; B = Y. */
static agop_status sum_over_coordinates(ridge_system *s)
{
    agop__tile  X = {0};
    agop_status st;

    TRY(take_outputs(&s->B, s, 0, s->k));
    for (int64_t col = 0; col < s->d->e; col += s->cols) {
        TRY(take_block(&X, s, 0, s->k, col, least(s->cols, s->d->e - col)));
        TRY(op_syrk(s->ctx, 0, 1, &X, col ? 1 : 0, &s->A));
        op_release(s->ctx, &X);
    }
done:
    op_release(s->ctx, &X);
    return st;
}

/* d, Y, weight and c are there; without coordinates there are only means. */
static agop_status open_system(ridge_system *s)
{
    int64_t     n = s->d->n, e = s->d->e;
    agop_status st;

    s->dual  = e > n;
    s->k     = s->dual ? n : e;
    s->rows  = s->dual ? n : least(n, BLOCK_CELLS / (e + 1) + 1);
    s->cols  = s->dual ? least(e, BLOCK_CELLS / n + 1) : e;
    s->mean  = agop__calloc(e, sizeof *s->mean);
    s->shift = agop__calloc(s->c, sizeof *s->shift);
    s->block = agop__malloc(s->rows * s->cols, sizeof *s->block);
    if (!s->mean || !s->shift || !s->block)
        return fail_room(s->ctx, (double)(s->rows * s->cols + e));
    find_means(s);
    if (e == 0)
        return AGOP_OK;
    TRY(op_alloc(s->ctx, &s->A, s->k, s->k, AGOP_F64));
    if (s->dual) {
        TRY(sum_over_coordinates(s));
        goto done;
    }
    TRY(op_alloc(s->ctx, &s->B, s->k, s->c, AGOP_F64));
    TRY(sum_over_rows(s));
done:
    return st;
}

/* ---- the ridge ---- */

/* The system in its eigenvectors. */
typedef struct spectrum {
    int64_t k, c;
    double *s;       /* k eigenvalues */
    double *V;       /* k x k, one eigenvector per row */
    double *b;       /* k x c: X'Y in the eigenvectors */
    double *inverse; /* k x RIDGES: 1 / (s + ridge) */
    double *f;       /* c x RIDGES: room for the answers to one row */
    double  ridge[RIDGES], loss[RIDGES];
} spectrum;

static void close_spectrum(spectrum *p)
{
    free(p->s);
    free(p->V);
    free(p->b);
    free(p->inverse);
    free(p->f);
}

static agop_status allocate_spectrum(spectrum *p, const ridge_system *s)
{
    int64_t k = p->k = s->k, c = p->c = s->c;

    p->s       = agop__malloc(k, sizeof *p->s);
    p->V       = agop__malloc(k * k, sizeof *p->V);
    p->b       = agop__malloc(k * c, sizeof *p->b);
    p->inverse = agop__malloc(k * RIDGES, sizeof *p->inverse);
    p->f       = agop__malloc(c * RIDGES, sizeof *p->f);
    if (!p->s || !p->V || !p->b || !p->inverse || !p->f)
        return fail_room(s->ctx, (double)(k * (k + c + RIDGES)));
    return AGOP_OK;
}

/* Two ridges a decade, around the mean eigenvalue. */
static void choose_grid(spectrum *p)
{
    double trace = 0;

    for (int64_t i = 0; i < p->k; i++)
        trace += p->s[i];
    for (int r = 0; r < RIDGES; r++) {
        p->ridge[r] = (trace > 0 ? trace / (double)p->k : 1) * pow(10, .5 * r - 6);
        p->loss[r]  = 0;
        for (int64_t i = 0; i < p->k; i++)
            p->inverse[i * RIDGES + r] = 1 / (p->s[i] + p->ridge[r]);
    }
}

static agop_status open_spectrum(spectrum *p, const ridge_system *s)
{
    int64_t     k = s->k, c = s->c;
    agop__tile  A = {0}, w = {0}, V = {0}, b = {0};
    agop_status st;

    TRY(allocate_spectrum(p, s));
    TRY(op_alloc(s->ctx, &A, k, k, AGOP_F64));
    TRY(op_alloc(s->ctx, &w, k, 1, AGOP_F64));
    TRY(op_alloc(s->ctx, &V, k, k, AGOP_F64));
    TRY(op_alloc(s->ctx, &b, k, c, AGOP_F64));
    TRY(op_get(s->ctx, p->V, k, AGOP_F64, &s->A));
    TRY(op_put(s->ctx, &A, p->V, k, AGOP_F64)); /* a copy: it is overwritten */
    TRY(op_eigh(s->ctx, &A, &w, &V, k));
    TRY(op_gemm(s->ctx, 0, 0, 1, &V, &s->B, 0, &b));
    TRY(op_get(s->ctx, p->s, 1, AGOP_F64, &w));
    TRY(op_get(s->ctx, p->V, k, AGOP_F64, &V));
    TRY(op_get(s->ctx, p->b, c, AGOP_F64, &b));
    for (int64_t i = 0; i < k; i++) {
        p->s[i] = fmax(p->s[i], 0);
        for (int64_t o = 0; s->dual && o < c; o++) /* V'Y so far */
            p->b[i * c + o] *= sqrt(p->s[i]);
    }
    choose_grid(p);
done:
    op_release(s->ctx, &A);
    op_release(s->ctx, &w);
    op_release(s->ctx, &V);
    op_release(s->ctx, &b);
    return st;
}

/* Adds what row z (in the eigenvectors) with outputs y is off by, under every ridge, were it left out; share: w_i over
 * the sum of all. y and z are times the root of the weight. */
static void left_out(spectrum *p, const double *z, const double *y, double share)
{
    double h[RIDGES];

    for (int r = 0; r < RIDGES; r++)
        h[r] = share;
    memset(p->f, 0, (size_t)(p->c * RIDGES) * sizeof *p->f);
    for (int64_t i = 0; i < p->k; i++) {
        const double *inverse = p->inverse + i * RIDGES;
        for (int r = 0; r < RIDGES; r++)
            h[r] += z[i] * z[i] * inverse[r];
        for (int64_t o = 0; o < p->c; o++)
            for (int r = 0; r < RIDGES; r++)
                p->f[o * RIDGES + r] += z[i] * p->b[i * p->c + o] * inverse[r];
    }
    for (int64_t o = 0; o < p->c; o++)
        for (int r = 0; r < RIDGES; r++) {
            double e = (y[o] - p->f[o * RIDGES + r]) / fmax(1 - h[r], 1e-10);
            p->loss[r] += e * e;
        }
}

static void leave_out(spectrum *p, const ridge_system *s, int64_t i, const double *z, double *y)
{
    double w = root_weight(s, i);

    for (int64_t o = 0; o < s->c; o++)
        y[o] = w * (s->Y[i * s->d->step * s->c + o] - s->shift[o]);
    left_out(p, z, y, w * w / s->total);
}

/* Every row in the eigenvectors: z = V x, or, where they are of the rows, a column of V times the root of s. */
static agop_status leave_each_out(spectrum *p, ridge_system *s)
{
    int64_t     n = s->d->n, k = p->k, most = s->dual ? 1 : s->rows;
    agop__tile  X = {0}, V = {0}, Z = {0};
    double     *z = agop__malloc(most * k, sizeof *z), *y = agop__malloc(s->c, sizeof *y);
    agop_status st = AGOP_OK;

    if (!z || !y) {
        st = fail_room(s->ctx, (double)(most * k));
        goto done;
    }
    for (int64_t i = 0; s->dual && i < n; i++) {
        for (int64_t j = 0; j < k; j++)
            z[j] = sqrt(p->s[j]) * p->V[j * k + i];
        leave_out(p, s, i, z, y);
    }
    if (s->dual)
        goto done;
    TRY(op_alloc(s->ctx, &V, k, k, AGOP_F64));
    TRY(op_put(s->ctx, &V, p->V, k, AGOP_F64));
    for (int64_t first = 0; first < n; first += s->rows) {
        int64_t rows = least(s->rows, n - first);
        TRY(take_block(&X, s, first, rows, 0, k));
        TRY(op_alloc(s->ctx, &Z, rows, k, AGOP_F64));
        TRY(op_gemm(s->ctx, 0, 1, 1, &X, &V, 0, &Z));
        TRY(op_get(s->ctx, z, k, AGOP_F64, &Z));
        op_release(s->ctx, &X);
        op_release(s->ctx, &Z);
        for (int64_t i = 0; i < rows; i++)
            leave_out(p, s, first + i, z + i * k, y);
    }
done:
    op_release(s->ctx, &X);
    op_release(s->ctx, &V);
    op_release(s->ctx, &Z);
    free(z);
    free(y);
    return st;
}

static agop_status best_ridge(double *ridge, ridge_system *s)
{
    spectrum    p    = {0};
    int         best = RIDGES - 1;
    agop_status st;

    TRY(open_spectrum(&p, s));
    TRY(leave_each_out(&p, s));
    for (int r = RIDGES - 1; r >= 0; r--) /* of equals the largest */
        if (p.loss[r] < p.loss[best])
            best = r;
    *ridge = p.ridge[best];
done:
    close_spectrum(&p);
    return st;
}

/* Of a large system, by MOST_EIGEN of its rows. */
static agop_status choose_ridge(double *ridge, ridge_system *s)
{
    agop__design few = *s->d;
    ridge_system part = {.ctx = s->ctx, .d = &few, .Y = s->Y, .weight = s->weight, .c = s->c};
    agop_status  st;

    if (s->k <= MOST_EIGEN)
        return best_ridge(ridge, s);
    few.step *= few.n / MOST_EIGEN;
    few.n = MOST_EIGEN;
    TRY(open_system(&part));
    TRY(best_ridge(ridge, &part));
done:
    close_system(&part);
    return st;
}

/* ---- the model ---- */

/* slope = X'B over blocks of coordinates. */
static agop_status slope_of_rows(double *slope, ridge_system *s)
{
    agop__tile  X = {0}, S = {0};
    agop_status st = AGOP_OK;

    for (int64_t col = 0; col < s->d->e; col += s->cols) {
        int64_t cols = least(s->cols, s->d->e - col);
        TRY(take_block(&X, s, 0, s->k, col, cols));
        TRY(op_alloc(s->ctx, &S, cols, s->c, AGOP_F64));
        TRY(op_gemm(s->ctx, 1, 0, 1, &X, &s->B, 0, &S));
        TRY(op_get(s->ctx, slope + col * s->c, s->c, AGOP_F64, &S));
        op_release(s->ctx, &X);
        op_release(s->ctx, &S);
    }
done:
    op_release(s->ctx, &X);
    op_release(s->ctx, &S);
    return st;
}

static agop_status solve(double *slope, ridge_system *s, double ridge)
{
    int64_t     bad_row;
    agop_status st;

    TRY(op_add_diagonal(s->ctx, &s->A, ridge, NULL));
    TRY(op_cholesky(s->ctx, &s->A, &bad_row));
    TRY(op_solve(s->ctx, &s->A, &s->B));
    st = s->dual ? slope_of_rows(slope, s) : op_get(s->ctx, slope, s->c, AGOP_F64, &s->B);
done:
    return st;
}

agop_status agop__linear_learn(agop__linear *out, agop_ctx *ctx, const agop__design *d, const double *Y, int64_t c,
                               const double *weight, double ridge)
{
    agop__design some = *d;
    ridge_system s    = {.ctx = ctx, .d = &some, .Y = Y, .weight = weight, .c = c};
    int64_t      most = d->e > LARGEST ? LARGEST : AGOP__LINEAR_ROWS;
    agop_status  st;

    if (d->n > most) {
        some.step = d->n / most;
        some.n    = most;
    }
    *out       = (agop__linear){.c = c, .rows = some.n, .ridge = ridge};
    out->slope = agop__calloc(d->e * c, sizeof *out->slope);
    if (!out->slope)
        return fail_room(ctx, (double)(d->e * c));
    TRY(open_system(&s));
    if (d->e > 0) {
        if (ridge < 0)
            TRY(choose_ridge(&out->ridge, &s));
        TRY(solve(out->slope, &s, out->ridge));
    }
    out->mean  = s.mean;
    out->shift = s.shift;
    s.mean = s.shift = NULL;
done:
    close_system(&s);
    if (st != AGOP_OK)
        agop__linear_free(out);
    return st;
}

void agop__linear_free(agop__linear *l)
{
    free(l->mean);
    free(l->shift);
    free(l->slope);
    memset(l, 0, sizeof *l);
}

agop_status agop__linear_apply(double *out, agop_ctx *ctx, const agop__linear *l, const agop__design *d)
{
    double *x = agop__malloc(d->e, sizeof *x);

    if (!x)
        return fail_room(ctx, (double)d->e);
    agop__linear_constant(out, l, d->n);
    for (int64_t i = 0; i < d->n; i++) {
        agop__design_take(x, d, i, 1, 0, d->e);
        for (int64_t j = 0; j < d->e; j++)
            for (int64_t o = 0; o < l->c; o++)
                out[i * l->c + o] += (x[j] - l->mean[j]) * l->slope[j * l->c + o];
    }
    free(x);
    return AGOP_OK;
}

void agop__linear_constant(double *out, const agop__linear *l, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        memcpy(out + i * l->c, l->shift, (size_t)l->c * sizeof *out);
}
