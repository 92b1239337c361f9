/* directions.c - how much the leading directions of an AGOP say of the target, as xRFM's selection metrics do
 * (arXiv 2508.10053): z_k = v_k'x of rows that judge, with v_k the top eigenvectors in encoded coordinates.
 *   agop_auc      area under the ROC curve of z_1, two classes; z_1 has no sign, so the larger of it and 1 less it
 *   agop_pearson  |correlation| of z_1 with the target, mean over the targets; two classes count as 0 and 1
 *   agop_r2       share of the variance of the outputs that a least-squares fit on z_1, z_2, z_3 and a constant has */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "rfm/fit.h"

enum { TOP = 3 };

/* ---- the directions ---- */

static int64_t coordinates(const agop__fit *f)
{
    return f->schema->numeric + agop__schema_levels(f->schema);
}

/* Of judging row i. */
static double weight_of(const agop__fit *f, int64_t i)
{
    return f->rows.weight ? f->rows.weight[f->rows.judge + i] : 1;
}

/* A as one e x e array, levels of groups behind the numbers. */
static void lay_out(double *out, const agop__metric *A, int64_t e)
{
    int64_t at = 0;

    memset(out, 0, (size_t)(e * e) * sizeof *out);
    for (int32_t b = 0; b < A->blocks; at += A->block[b].d, b++)
        for (int64_t i = 0; i < A->block[b].d; i++)
            for (int64_t j = A->diagonal ? i : 0; j < (A->diagonal ? i + 1 : A->block[b].d); j++)
                out[(at + i) * e + at + j] = A->block[b].m[A->diagonal ? i : i * A->block[b].d + j];
}

/* z: top x judges, centred. *found: how many directions the AGOP has, at most `top`. */
static agop_status project(double *z, int *found, const agop__fit *f, const agop__metric *A, int64_t top)
{
    int64_t        e = coordinates(f), n = f->rows.judges, width = f->schema->numeric, groups = f->schema->groups;
    double        *a = agop__malloc(e * e, sizeof *a), *v = agop__malloc(top * e, sizeof *v), w[TOP];
    const char    *x = (const char *)f->rows.x + (size_t)(f->rows.judge * width) * agop__element(f->plan.dtype);
    const int32_t *code = f->rows.code + f->rows.judge * groups;
    agop_status    st   = AGOP_OK;

    *found = 0;
    if (!a || !v) {
        st = agop__fail_memory(&f->ctx->err, 8.0 * (double)(e * e), "directions");
        goto done;
    }
    lay_out(a, A, e);
    TRY(agop__top_vectors(w, v, f->ctx, a, e, top));
    for (int64_t k = 0; k < top && w[k] > 1e-12 * w[0]; k++, ++*found) {
        double total = 0, mean = 0;
        for (int64_t j = width; j < e; j++)
            v[k * e + j] *= f->schema->height;
        for (int64_t i = 0; i < n; i++) {
            double weight = weight_of(f, i);
            z[k * n + i]  = agop__project(v + k * e, f->schema, f->plan.dtype,
                                          x + (size_t)(i * width) * agop__element(f->plan.dtype), code + i * groups);
            total += weight;
            mean += weight * z[k * n + i];
        }
        for (int64_t i = 0; i < n; i++)
            z[k * n + i] -= mean / total;
    }
done:
    free(v);
    free(a);
    return st;
}

/* ---- what they say ---- */

/* Weighted sum of a_i b_i; strides of b. */
static double product(const agop__fit *f, const double *a, const double *b, int64_t stride)
{
    double sum = 0;

    for (int64_t i = 0; i < f->rows.judges; i++)
        sum += weight_of(f, i) * a[i] * b[i * stride];
    return sum;
}

/* y (judges x c) less its means. */
static void centre(double *y, const agop__fit *f, int64_t c)
{
    for (int64_t o = 0; o < c; o++) {
        double total = 0, mean = 0;
        for (int64_t i = 0; i < f->rows.judges; i++) {
            double weight = weight_of(f, i);
            total += weight;
            mean += weight * y[i * c + o];
        }
        for (int64_t i = 0; i < f->rows.judges; i++)
            y[i * c + o] -= mean / total;
    }
}

static double squares(const agop__fit *f, const double *y, int64_t c)
{
    double sum = 0;

    for (int64_t i = 0; i < f->rows.judges * c; i++)
        sum += weight_of(f, i / c) * y[i] * y[i];
    return sum;
}

/* Least squares by making the columns of z orthogonal, one after the other; z and y are centred. */
static double explained(const agop__fit *f, double *z, int count, const double *y, int64_t c)
{
    int64_t n   = f->rows.judges;
    double  sum = 0;

    for (int k = 0; k < count; k++) {
        double *q = z + k * n, whole = product(f, q, q, 1), left;
        for (int p = 0; p < k; p++) {
            double *other = z + p * n, square = product(f, other, other, 1);
            double  share = square > 0 ? product(f, q, other, 1) / square : 0;
            for (int64_t i = 0; i < n; i++)
                q[i] -= share * other[i];
        }
        left = product(f, q, q, 1);
        if (!(left > 1e-12 * whole)) {
            memset(q, 0, (size_t)n * sizeof *q); /* says nothing new */
            continue;
        }
        for (int64_t o = 0; o < c; o++) {
            double along = product(f, q, y + o, c);
            sum += along * along / left;
        }
    }
    return sum / squares(f, y, c);
}

static double correlation(const agop__fit *f, const double *z, const double *truth, int64_t c)
{
    double sum = 0;

    for (int64_t o = 0; o < c; o++) {
        double square = product(f, z, z, 1), spread = 0;
        for (int64_t i = 0; i < f->rows.judges; i++)
            spread += weight_of(f, i) * truth[i * c + o] * truth[i * c + o];
        sum += fabs(product(f, z, truth + o, c)) / sqrt(square * spread) / (double)c;
    }
    return sum;
}

agop_status agop__direction_score(double *out, const agop__fit *f, const agop__metric *A)
{
    const agop__target *g      = f->target;
    int64_t             n      = f->rows.judges, e = coordinates(f), c = g->columns;
    int64_t             top    = strcmp(f->plan.look, "agop_r2") != 0 ? 1 : e < TOP ? e : TOP;
    double             *z      = agop__malloc(top * n, sizeof *z), *Y = NULL;
    double             *truth  = agop__malloc(n * c, sizeof *truth);
    const double       *weight = agop__judge_weight(f);
    int                 found;
    agop_status         st = AGOP_OK;

    *out = (double)NAN;
    if (!z || !truth) {
        st = agop__fail_memory(&f->ctx->err, 8.0 * (double)(n * (top + c)), "directions");
        goto done;
    }
    memcpy(truth, agop__judge_truth(f), (size_t)(n * c) * sizeof *truth);
    TRY(project(z, &found, f, A, top));
    if (found == 0)
        goto done; /* a flat function */
    if (strcmp(f->plan.look, "agop_auc") == 0) {
        TRY(agop__area(out, z, truth, weight, n, &f->ctx->err));
        *out = fmax(*out, 1 - *out);
    } else if (strcmp(f->plan.look, "agop_pearson") == 0) {
        centre(truth, f, c);
        *out = correlation(f, z, truth, c);
    } else {
        TRY(agop__fit_truth(&Y, f, f->rows.judge, n));
        centre(Y, f, g->outputs);
        *out = explained(f, z, found, Y, g->outputs);
    }
done:
    free(Y);
    free(truth);
    free(z);
    return st;
}
