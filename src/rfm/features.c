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

/* Of a block that is not thin. */
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
        if (m->agop.thin)
            out[fi * ld + fi] += si * si * m->agop.block[0].m[i];
        for (int64_t j = 0; !m->agop.thin && j < m->schema.numeric; j++) {
            agop__schema_slope(&fj, &sj, &m->schema, j);
            out[fi * ld + fj] += si * sj * entry(&m->agop, 0, i, j);
        }
    }
}

/* B J: the factor of a thin AGOP over the features, r x features; NULL: no memory. */
static double *feature_factor(const agop_model *m)
{
    const agop__block *b = &m->agop.block[0];
    int64_t            d = agop_model_features(m), f;
    double            *F = agop__calloc(b->r * d, sizeof *F), slope;

    for (int64_t k = 0; F && k < b->r; k++)
        for (int64_t i = 0; i < b->d; i++) {
            agop__schema_slope(&f, &slope, &m->schema, i);
            F[k * d + f] += slope * agop__factor_at(&m->agop, k * b->d + i);
        }
    return F;
}

/* out += (B J)'(B J) */
static agop_status add_thin(double *out, int64_t ld, agop_ctx *ctx, const agop_model *m)
{
    int64_t     d = agop_model_features(m), r = m->agop.block[0].r;
    double     *F = feature_factor(m);
    agop__tile  T = {0}, A = {0};
    agop_status st = AGOP_OK;

    if (!F)
        return agop__fail_memory(&ctx->err, 8.0 * (double)(r * d), "the AGOP");
    TRY(op_alloc(ctx, &T, r, d, AGOP_F64));
    TRY(op_put(ctx, &T, F, d, AGOP_F64));
    TRY(op_alloc(ctx, &A, d, d, AGOP_F64));
    TRY(op_put(ctx, &A, out, ld, AGOP_F64));
    TRY(op_syrk(ctx, 1, 1.0, &T, 1.0, &A));
    TRY(op_mirror(ctx, &A));
    TRY(op_get(ctx, out, ld, AGOP_F64, &A));
done:
    op_release(ctx, &A);
    op_release(ctx, &T);
    free(F);
    return st;
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
    if (m->agop.thin && m->agop.block[0].r) {
        agop_status st = add_thin(a, out->ld, ctx, m);
        if (st != AGOP_OK)
            return st;
    }
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

/* Numbers of rows first .. first+count-1 in standard deviations from the mean, which the encoded coordinates (ranks,
 * say) do not tell. */
static void put_numbers(double *out, int64_t ld, const agop__schema *s, const agop_table *t, int64_t first,
                        int64_t count)
{
    for (int64_t i = 0; i < s->fields; i++) {
        const agop__field  *f  = &s->field[s->in_order[i]];
        const agop__column *c  = f->is_text ? NULL : &t->column[agop__table_find(t, f->name)];
        double             *to = out + s->start[i];
        for (int64_t row = 0; c && row < count; row++, to += ld) {
            double v = agop__column_at(c, first + row);
            to[0]    = isnan(v) || f->constant ? 0 : (v - f->mean) / f->deviation;
            if (f->has_missing)
                to[1] = isnan(v) ? 1 : 0;
        }
    }
}

static void put_levels(double *out, int64_t ld, const agop__schema *s, const int32_t *code, int64_t count)
{
    for (int64_t row = 0; row < count; row++)
        for (int32_t g = 0; g < s->groups; g++)
            if (code[row * s->groups + g] >= 0)
                out[row * ld + agop__schema_group_feature(s, g) + code[row * s->groups + g]] = 1;
}

agop_status agop_feature_values(agop_mat *out, agop_ctx *ctx, const agop_model *m, const agop_table *t)
{
    enum { ROWS = 1024 };
    const agop__schema *s    = m ? &m->schema : NULL;
    double             *x    = NULL;
    int32_t            *code = NULL;
    agop__surprises     seen = {0};
    agop_status         st   = AGOP_OK;

    if (!ctx)
        return AGOP_E_ARG;
    if (!m || !t || !out)
        return agop__fail(&ctx->err, AGOP_E_ARG, "the features of rows need a place for them, a model and a table");
    if (!out->data || out->rows != t->rows || out->cols != s->features || out->ld < out->cols ||
        out->dtype != AGOP_F64)
        return agop__fail(&ctx->err, AGOP_E_SHAPE, "the features of these rows are %lld x %lld in double",
                          (long long)t->rows, (long long)s->features);
    x    = agop__malloc(ROWS * s->numeric, sizeof *x);
    code = agop__malloc((int64_t)ROWS * s->groups, sizeof *code);
    if (!x || !code) {
        st = agop__fail_memory(&ctx->err, 8.0 * ROWS * (double)s->numeric, "the features of rows");
        goto done;
    }
    for (int64_t first = 0; first < t->rows; first += ROWS) {
        int64_t count = t->rows - first < ROWS ? t->rows - first : ROWS;
        double *to    = (double *)out->data + first * out->ld;
        TRY(agop__schema_encode(x, AGOP_F64, code, s, ctx, t, first, count, &seen)); /* finds what is wrong with t */
        for (int64_t i = 0; i < count; i++)
            memset(to + i * out->ld, 0, (size_t)s->features * sizeof *to);
        put_numbers(to, out->ld, s, t, first, count);
        put_levels(to, out->ld, s, code, count);
    }
    agop__note_surprises(ctx, &seen);
done:
    free(code);
    free(x);
    return st;
}

/* The diagonal of J' A J without the rest: d numbers. The coordinates of a feature stand side by side. 0: no memory. */
static int diagonal(double *out, const agop_model *m)
{
    int64_t fi, fj, features = agop_model_features(m);
    double  si, sj, *F = m->agop.thin ? feature_factor(m) : NULL;

    if (m->agop.thin && !F)
        return 0;
    memset(out, 0, (size_t)features * sizeof *out);
    for (int64_t k = 0; F && k < m->agop.block[0].r; k++)
        for (int64_t j = 0; j < features; j++)
            out[j] += F[k * features + j] * F[k * features + j];
    free(F);
    for (int64_t i = 0; i < m->schema.numeric; i++) {
        agop__schema_slope(&fi, &si, &m->schema, i);
        if (m->agop.thin) {
            out[fi] += si * si * m->agop.block[0].m[i];
            continue;
        }
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
    return 1;
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
    if (!diagonal(a, m)) {
        st = agop__fail_memory(&ctx->err, 0, "importances");
        goto done;
    }
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
    int     negative;

    for (int64_t j = 1; j < d; j++)
        if (fabs(v[j]) > fabs(v[top]) + 1e-12)
            top = j;
    negative = v[top] < 0;
    for (int64_t j = 0; negative && j < d; j++)
        v[j] = -v[j];
}

/* One block's eigenvectors among the top k of all: kept in order of their eigenvalues. */
typedef struct ranking {
    agop_mat *vectors;
    double   *values;
    int64_t   found, d;
} ranking;

/* Insert v (d numbers, `count` of them from `first` on, zero elsewhere). */
static void insert_vector(ranking *r, double value, const double *v, int64_t first, int64_t count)
{
    double *rows = r->vectors->data;
    int64_t at   = r->found < r->vectors->rows ? r->found : r->vectors->rows - 1;

    if (at < r->found && value <= r->values[at])
        return;
    r->found = at + 1 > r->found ? at + 1 : r->found;
    for (; at > 0 && r->values[at - 1] < value; at--) {
        r->values[at] = r->values[at - 1];
        memcpy(rows + at * r->vectors->ld, rows + (at - 1) * r->vectors->ld, (size_t)r->d * sizeof *rows);
    }
    r->values[at] = value;
    memset(rows + at * r->vectors->ld, 0, (size_t)r->d * sizeof *rows);
    memcpy(rows + at * r->vectors->ld + first, v, (size_t)count * sizeof *v);
}

agop_status agop__top_vectors(double *w, double *V, agop_ctx *ctx, const double *A, int64_t n, int64_t top)
{
    agop__tile  a = {0}, tw = {0}, tv = {0};
    agop_status st;

    TRY(op_alloc(ctx, &a, n, n, AGOP_F64));
    TRY(op_alloc(ctx, &tw, top, 1, AGOP_F64));
    TRY(op_alloc(ctx, &tv, top, n, AGOP_F64));
    TRY(op_put(ctx, &a, A, n, AGOP_F64));
    TRY(op_eigh(ctx, &a, &tw, &tv, top));
    TRY(op_get(ctx, w, 1, AGOP_F64, &tw));
    TRY(op_get(ctx, V, n, AGOP_F64, &tv));
done:
    op_release(ctx, &tv);
    op_release(ctx, &tw);
    op_release(ctx, &a);
    return st;
}

/* Eigenvectors of F'F (d x d) from those of F F' (r x r): v = F'u / sqrt(w). */
static agop_status rank_factor(ranking *rank, agop_ctx *ctx, const agop_model *m, double trace)
{
    int64_t     d = rank->d, r = m->agop.block[0].r, top = r < rank->vectors->rows ? r : rank->vectors->rows;
    double     *F = feature_factor(m), *G = agop__malloc(r * r, sizeof *G), *w = agop__malloc(top, sizeof *w);
    double     *U = agop__malloc(top * r, sizeof *U), *v = agop__malloc(d, sizeof *v);
    agop__tile  T = {0}, A = {0};
    agop_status st = AGOP_OK;

    if (!F || !G || !w || !U || !v) {
        st = agop__fail_memory(&ctx->err, 8.0 * (double)(r * d), "directions");
        goto done;
    }
    TRY(op_alloc(ctx, &T, r, d, AGOP_F64));
    TRY(op_put(ctx, &T, F, d, AGOP_F64));
    TRY(op_alloc(ctx, &A, r, r, AGOP_F64));
    TRY(op_gemm(ctx, 0, 1, 1 / trace, &T, &T, 0.0, &A));
    TRY(op_get(ctx, G, r, AGOP_F64, &A));
    TRY(agop__top_vectors(w, U, ctx, G, r, top));
    for (int64_t k = 0; k < top; k++) {
        memset(v, 0, (size_t)d * sizeof *v);
        if (!(w[k] > 0))
            continue; /* the factor does not reach further */
        for (int64_t i = 0; i < r; i++)
            for (int64_t j = 0; j < d; j++)
                v[j] += U[k * r + i] * F[i * d + j] / sqrt(w[k] * trace);
        insert_vector(rank, w[k], v, 0, d);
    }
done:
    op_release(ctx, &A);
    op_release(ctx, &T);
    free(v);
    free(U);
    free(w);
    free(G);
    free(F);
    return st;
}

static agop_status rank_group(ranking *rank, agop_ctx *ctx, const agop_model *m, int32_t g, double trace)
{
    int64_t     first = agop__schema_group_feature(&m->schema, g), n = m->schema.group_levels[g];
    double      h2 = m->schema.height * m->schema.height / trace;
    double     *A = agop__malloc(n * n, sizeof *A), *V = agop__malloc(n * n, sizeof *V);
    double     *w = agop__malloc(n, sizeof *w);
    agop_status st = AGOP_OK;

    if (!A || !w || !V) {
        st = agop__fail_memory(&ctx->err, 16.0 * (double)(n * n), "directions");
        goto done;
    }
    for (int64_t i = 0; i < n * n; i++)
        A[i] = h2 * entry(&m->agop, g + 1, i / n, i % n);
    TRY(agop__top_vectors(w, V, ctx, A, n, n));
    for (int64_t k = 0; k < n; k++)
        insert_vector(rank, w[k], V + k * n, first, n);
done:
    free(V);
    free(w);
    free(A);
    return st;
}

/* A thin AGOP is a factor beside the groups' blocks: nothing is features x features. Directions beyond its rank are
 * zero, with eigenvalue 0. */
static agop_status thin_vectors(agop_mat *vectors, double *eigenvalues, agop_ctx *ctx, const agop_model *m)
{
    int64_t     d = agop_model_features(m);
    ranking     rank  = {.vectors = vectors, .values = eigenvalues, .d = d};
    double     *a     = agop__malloc(d, sizeof *a), trace = 0;
    agop_status st    = AGOP_OK;

    if (!a || !diagonal(a, m)) {
        free(a);
        return agop__fail_memory(&ctx->err, 8.0 * (double)d, "directions");
    }
    for (int64_t i = 0; i < d; i++)
        trace += a[i];
    free(a);
    if (!isfinite(trace))
        return not_finite(ctx);
    trace = trace > 0 ? trace : 1;
    if (m->agop.block[0].r)
        TRY(rank_factor(&rank, ctx, m, trace));
    for (int32_t g = 0; g < m->schema.groups; g++)
        TRY(rank_group(&rank, ctx, m, g, trace));
    for (int64_t i = rank.found; i < vectors->rows; i++) {
        memset((double *)vectors->data + i * vectors->ld, 0, (size_t)d * sizeof(double));
        eigenvalues[i] = 0;
    }
    for (int64_t i = 0; i < rank.found; i++)
        fix_sign((double *)vectors->data + i * vectors->ld, d);
done:
    return st;
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
    if (m->agop.thin)
        return thin_vectors(vectors, eigenvalues, ctx, m);
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
