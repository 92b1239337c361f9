/* features.c - the AGOP of a fitted model in the words of its table: features, importances, directions. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "rfm/model.h"

int64_t agop_model_features(const agop_model *m)
{
    return m ? agop__schema_features(&m->schema) : 0;
}

int64_t agop_model_columns(const agop_model *m)
{
    return m ? m->schema.fields : 0;
}

const char *agop_model_column_name(const agop_model *m, int64_t j)
{
    return j >= 0 && j < agop_model_columns(m) ? m->schema.field[j].name : NULL;
}

static double entry(const agop__metric *m, int32_t b, int64_t i, int64_t j)
{
    if (m->diagonal)
        return i == j ? m->block[b].m[i] : 0;
    return m->block[b].m[i * m->block[b].d + j];
}

/* Values of 1e300 and --scale none: the square of a slope is no number. */
static agop_status not_finite(agop_ctx *ctx)
{
    return agop__fail(&ctx->err, AGOP_E_NUMERIC,
                      "the AGOP is not finite in units of standard deviations: rescale the largest columns");
}

/* J' A J: encoded coordinates to features by the slope of each coordinate. */
static void add_numeric(double *out, int64_t ld, const agop_model *m)
{
    int64_t fi, fj;
    double  si, sj;

    for (int64_t i = 0; i < m->schema.numeric; i++) {
        agop__schema_slope(&fi, &si, &m->schema, i);
        for (int64_t j = 0; j < m->schema.numeric; j++) {
            agop__schema_slope(&fj, &sj, &m->schema, j);
            out[fi * ld + fj] += si * sj * entry(&m->agop, 0, i, j);
        }
    }
}

agop_status agop_features(agop_mat *out, agop_ctx *ctx, const agop_model *m)
{
    int64_t d     = agop_model_features(m);
    double *a     = out ? out->data : NULL, trace = 0;

    if (!ctx)
        return AGOP_E_ARG;
    if (!m || !out)
        return agop__fail(&ctx->err, AGOP_E_ARG, "the AGOP needs a place for it and a model");
    if (!a || out->rows != d || out->cols != d || out->ld < d || out->dtype != AGOP_F64)
        return agop__fail(&ctx->err, AGOP_E_SHAPE, "the AGOP is %lld x %lld in double", (long long)d, (long long)d);
    for (int64_t i = 0; i < d; i++)
        memset(a + i * out->ld, 0, (size_t)d * sizeof *a);
    add_numeric(a, out->ld, m);
    for (int32_t g = 0; g < m->schema.groups; g++) {
        int64_t first = agop__schema_group_feature(&m->schema, g), levels = m->schema.group_levels[g];
        double  h2 = m->schema.height * m->schema.height;
        for (int64_t i = 0; i < levels; i++)
            for (int64_t j = 0; j < levels; j++)
                a[(first + i) * out->ld + first + j] = h2 * entry(&m->agop, g + 1, i, j);
    }
    for (int64_t i = 0; i < d; i++)
        trace += a[i * out->ld + i];
    if (!isfinite(trace))
        return not_finite(ctx);
    for (int64_t i = 0; trace > 0 && i < d; i++)
        for (int64_t j = 0; j < d; j++)
            a[i * out->ld + j] /= trace;
    return AGOP_OK;
}

/* The diagonal of J' A J without the rest: d numbers. The coordinates of a feature stand side by side. */
static void diagonal(double *out, const agop_model *m)
{
    int64_t fi, fj;
    double  si, sj;

    memset(out, 0, (size_t)agop_model_features(m) * sizeof *out);
    for (int64_t i = 0; i < m->schema.numeric; i++) {
        agop__schema_slope(&fi, &si, &m->schema, i);
        out[fi] += si * si * entry(&m->agop, 0, i, i);
        for (int64_t j = i + 1; j < m->schema.numeric; j++) {
            agop__schema_slope(&fj, &sj, &m->schema, j);
            if (fj != fi)
                break;
            out[fi] += 2 * si * sj * entry(&m->agop, 0, i, j);
        }
    }
    for (int32_t g = 0; g < m->schema.groups; g++)
        for (int64_t i = 0, first = agop__schema_group_feature(&m->schema, g); i < m->schema.group_levels[g]; i++)
            out[first + i] = m->schema.height * m->schema.height * entry(&m->agop, g + 1, i, i);
}

agop_status agop_importance(double *importance, agop_ctx *ctx, const agop_model *m)
{
    int64_t      field = 0;
    double      *a = NULL, total = 0;
    agop__buffer name = {0};
    agop_status  st   = AGOP_OK;

    if (!ctx)
        return AGOP_E_ARG;
    if (!m || !importance)
        return agop__fail(&ctx->err, AGOP_E_ARG, "importances need a place for them and a model");
    a = agop__malloc(agop_model_features(m), sizeof *a);
    if (!a)
        return agop__fail_memory(&ctx->err, 8.0 * (double)agop_model_features(m), "importances");
    diagonal(a, m);
    memset(importance, 0, (size_t)m->schema.fields * sizeof *importance);
    for (int64_t j = 0; j < agop_model_features(m); j++) {
        agop__buffer_free(&name);
        TRY(agop__schema_feature(&name, &field, &m->schema, j, &ctx->err));
        importance[field] += a[j] < 0 ? 0 : a[j]; /* a NaN stays one */
        total += a[j] < 0 ? 0 : a[j];
    }
    if (!isfinite(total)) {
        st = not_finite(ctx);
        goto done;
    }
    for (int64_t k = 0; k < m->schema.fields; k++)
        importance[k] = total > 0 ? importance[k] / total : 0;
done:
    agop__buffer_free(&name);
    free(a);
    return st;
}

/* Eigenvectors have no sign of their own: the largest loading is made positive. */
static void fix_sign(double *v, int64_t d)
{
    int64_t top = 0;
    for (int64_t j = 1; j < d; j++)
        if (fabs(v[j]) > fabs(v[top]) + 1e-12)
            top = j;
    for (int64_t j = 0; v[top] < 0 && j < d; j++)
        v[j] = -v[j];
}

agop_status agop_vectors(agop_mat *vectors, double *eigenvalues, agop_ctx *ctx, const agop_model *m)
{
    int64_t     d    = agop_model_features(m), k = vectors ? vectors->rows : 0;
    double     *a    = NULL;
    agop_mat    view = {.rows = d, .cols = d, .ld = d, .dtype = AGOP_F64};
    agop__tile  A = {0}, w = {0}, V = {0};
    agop_status st = AGOP_OK;

    if (!ctx)
        return AGOP_E_ARG;
    if (!m || !vectors || !eigenvalues)
        return agop__fail(&ctx->err, AGOP_E_ARG, "vectors need a place for them and their eigenvalues, and a model");
    if (k < 1 || k > d || !vectors->data || vectors->cols != d || vectors->ld < d || vectors->dtype != AGOP_F64)
        return agop__fail(&ctx->err, AGOP_E_SHAPE, "vectors are 1 to %lld rows of %lld in double", (long long)d,
                          (long long)d);
    view.data = a = agop__malloc(d * d, sizeof *a);
    if (!a)
        return agop__fail_memory(&ctx->err, 8.0 * (double)d * (double)d, "the AGOP");
    TRY(agop_features(&view, ctx, m));
    TRY(op_alloc(ctx, &A, d, d, AGOP_F64));
    TRY(op_alloc(ctx, &w, k, 1, AGOP_F64));
    TRY(op_alloc(ctx, &V, k, d, AGOP_F64));
    TRY(op_put(ctx, &A, a, d, AGOP_F64));
    TRY(op_eigh(ctx, &A, &w, &V, k));
    TRY(op_get(ctx, vectors->data, vectors->ld, AGOP_F64, &V));
    TRY(op_get(ctx, eigenvalues, 1, AGOP_F64, &w));
    for (int64_t i = 0; i < k; i++)
        fix_sign((double *)vectors->data + i * vectors->ld, d);
done:
    op_release(ctx, &V);
    op_release(ctx, &w);
    op_release(ctx, &A);
    free(a);
    return st;
}
