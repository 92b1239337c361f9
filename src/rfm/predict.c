/* predict.c - f(x) = sum_j alpha_j k(x, x_j) over the rows of a table, block by block; scores of it. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "io/json.h"
#include "rfm/model.h"

/* Rows go to the backend in whole groups of GROUP for every thread, the last ones filled up with zeros, so that BLAS
 * does the same for every row: what is predicted for a row does not depend, to the last bit, on which other rows came
 * with it. */
enum { BLOCK = 8192, GROUP = 128 };

/* ---- the machine made ready ---- */

static agop_status make_ready(agop__ready *out, agop_ctx *ctx, const agop_model *m, const agop__leaf *leaf,
                              const agop__member *one)
{
    agop_status st;

    TRY(agop__map_make(&out->map, ctx, &one->metric, &one->shape, m->dtype));
    TRY(agop__map_points(&out->centres, &out->map, leaf->x, m->dtype, leaf->code, leaf->n));
    TRY(op_alloc(ctx, &out->alpha, leaf->n, m->target.outputs, m->dtype));
    TRY(op_put(ctx, &out->alpha, one->alpha, m->target.outputs, AGOP_F64));
done:
    return st;
}

agop_status agop__machine_open(agop__machine *out, agop_ctx *ctx, const agop_model *m, const agop__leaf *leaf)
{
    agop_status st = AGOP_OK;

    *out = (agop__machine){.ctx = ctx, .m = m, .leaf = leaf, .ready = agop__calloc(leaf->members, sizeof *out->ready)};
    if (!out->ready)
        return agop__fail_memory(&ctx->err, 0, "predictions");
    for (int64_t k = 0; k < leaf->members; k++)
        TRY(make_ready(&out->ready[k], ctx, m, leaf, &leaf->member[k]));
done:
    if (st != AGOP_OK)
        agop__machine_close(out);
    return st;
}

void agop__machine_close(agop__machine *k)
{
    for (int64_t i = 0; k->ready && i < k->leaf->members; i++) {
        op_release(k->ctx, &k->ready[i].alpha);
        agop__points_free(&k->ready[i].centres, k->ctx);
        agop__map_free(&k->ready[i].map);
    }
    free(k->ready);
    k->ready = NULL;
}

static agop_status apply_one(double *out, agop__machine *k, agop__ready *r, const void *x, const int32_t *code,
                             int64_t rows)
{
    agop__points p = {0};
    agop__tile   Y = {0};
    agop_status  st;

    TRY(agop__map_points(&p, &r->map, x, k->m->dtype, code, rows));
    TRY(op_alloc(k->ctx, &Y, rows, k->m->target.outputs, k->m->dtype));
    TRY(op_kernel_apply(k->ctx, &Y, &r->map.kernel, &p, &r->centres, &r->alpha));
    TRY(op_get(k->ctx, out, k->m->target.outputs, AGOP_F64, &Y));
done:
    op_release(k->ctx, &Y);
    agop__points_free(&p, k->ctx);
    return st;
}

agop_status agop__machine_apply(double *out, agop__machine *k, const void *x, const int32_t *code, int64_t rows)
{
    int64_t     outputs = k->m->target.outputs, size = rows * outputs, members = k->leaf->members;
    double     *one  = members > 1 ? agop__malloc(size, sizeof *one) : NULL;
    agop_status st   = AGOP_OK;

    if (members > 1 && !one)
        return agop__fail_memory(&k->ctx->err, 8.0 * (double)size, "predictions");
    for (int64_t i = 0; i < members; i++) {
        double weight = k->leaf->member[i].weight;
        const agop__curve *curve = k->leaf->member[i].curve;
        double            *y     = i ? one : out;
        TRY(apply_one(y, k, &k->ready[i], x, code, rows));
        for (int64_t j = 0; j < size; j++) {
            double v = curve ? agop__curve_value(&curve[j % outputs], y[j]) : y[j];
            out[j]   = i ? out[j] + weight * v : weight * v;
        }
    }
done:
    free(one);
    return st;
}

/* ---- rows of a table ---- */

static int64_t whole_groups(int64_t rows, int64_t group)
{
    return (rows + group - 1) / group * group;
}

/* Rows of zeros from `first` to `end`. */
static void fill_up(void *x, int32_t *code, const agop_model *m, int64_t first, int64_t end)
{
    size_t width = (size_t)m->schema.numeric * agop__element(m->dtype);

    memset((char *)x + (size_t)first * width, 0, (size_t)(end - first) * width);
    for (int64_t i = first * m->schema.groups; i < end * m->schema.groups; i++)
        code[i] = -1;
}

agop_status agop__predict_rows(double *out, double *log_s, agop_ctx *ctx, const agop_model *m, const agop_table *t)
{
    const agop__target *g     = &m->target;
    int64_t             width = agop__target_width(g), group = (int64_t)GROUP * ctx->threads;
    int64_t             block = whole_groups(t->rows < BLOCK ? t->rows : BLOCK, group);
    agop__machine      *k     = agop__calloc(m->leaves, sizeof *k);
    agop__surprises     seen  = {0};
    agop__machine       scale = {0};
    void               *x     = agop__aligned(block * m->schema.numeric, agop__element(m->dtype));
    int32_t            *code  = agop__malloc(block * m->schema.groups, sizeof *code);
    double             *y     = agop__malloc(block * g->outputs, sizeof *y), started = agop__now();
    agop_status         st    = AGOP_OK;

    if (!k || !x || !code || !y) {
        st = agop__fail_memory(&ctx->err, 8.0 * (double)(block * m->schema.numeric), "a block of rows");
        goto done;
    }
    for (int64_t l = 0; l < m->leaves; l++)
        TRY(agop__machine_open(&k[l], ctx, m, &m->leaf[l]));
    if (log_s)
        TRY(agop__machine_open(&scale, ctx, m, &m->scale));
    for (int64_t i = 0; i < t->rows; i += block) {
        int64_t count = t->rows - i < block ? t->rows - i : block;
        if (agop__tell(ctx, "predict", i, t->rows, started, NULL)) {
            st = agop__fail(&ctx->err, AGOP_E_STOPPED, "stopped after %lld of %lld rows", (long long)i,
                            (long long)t->rows);
            goto done;
        }
        int64_t filled = whole_groups(count, group);
        TRY(agop__schema_encode(x, m->dtype, code, &m->schema, ctx, t, i, count, &seen));
        fill_up(x, code, m, count, filled);
        TRY(agop__ask(y, ctx, m, k, x, code, filled, group));
        for (int64_t r = 0; r < count; r++) {
            if (g->classification)
                agop__target_probabilities(out + (i + r) * width, g, y + r * g->outputs);
            else
                agop__target_values(out + (i + r) * width, g, y + r * g->outputs);
        }
        if (log_s) { /* of a regression, whose outputs are its targets */
            TRY(agop__machine_apply(y, &scale, x, code, filled));
            memcpy(log_s + i * width, y, (size_t)(count * width) * sizeof *y);
        }
    }
    agop__note_surprises(ctx, &seen);
done:
    for (int64_t l = 0; k && l < m->leaves; l++)
        agop__machine_close(&k[l]);
    agop__machine_close(&scale);
    free(k);
    free(y);
    free(code);
    free(x);
    return st;
}

/* ---- public ---- */

double agop_model_threshold(const agop_model *m)
{
    return m && m->target.cut ? m->target.threshold : .5;
}

int64_t agop_model_outputs(const agop_model *m, int what)
{
    if (!m)
        return 0;
    if (what == AGOP_PROBA)
        return m->target.classification ? m->target.classes.count : 0;
    return m->target.columns;
}

const char *agop_model_output_name(const agop_model *m, int what, int64_t j)
{
    if (j < 0 || j >= agop_model_outputs(m, what))
        return NULL;
    return what == AGOP_PROBA ? m->target.classes.text[j] : m->target.name[j];
}

static agop_status place_check(const agop_mat *out, int64_t rows, int64_t columns, agop__err *e)
{
    if (out->rows == rows && out->cols == columns && out->ld >= columns && out->dtype == AGOP_F64 &&
        (out->data || rows == 0))
        return AGOP_OK;
    return agop__fail(e, AGOP_E_SHAPE, "predictions are %lld x %lld in double, the place for them %lld x %lld",
                      (long long)rows, (long long)columns, (long long)out->rows, (long long)out->cols);
}

agop_status agop_predict(agop_mat *out, agop_ctx *ctx, const agop_model *m, const agop_table *t, int what)
{
    int64_t     rows, columns, width;
    double     *p  = NULL, *to;
    agop_status st = AGOP_OK;

    if (!ctx)
        return AGOP_E_ARG;
    if (!out || !m || !t || (what != AGOP_VALUE && what != AGOP_PROBA))
        return agop__fail(&ctx->err, AGOP_E_ARG, "predict needs a place for the result, a model and a table");
    rows    = t->rows;
    columns = agop_model_outputs(m, what);
    width   = agop__target_width(&m->target);
    if (columns == 0)
        return agop__fail(&ctx->err, AGOP_E_UNSUPPORTED, "a regression has no class probabilities");
    TRY(place_check(out, rows, columns, &ctx->err));
    p = agop__malloc(rows * width, sizeof *p);
    if (!p)
        return agop__fail_memory(&ctx->err, 8.0 * (double)(rows * width), "predictions");
    TRY(agop__predict_rows(p, NULL, ctx, m, t));
    to = out->data;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++)
            to[i * out->ld + j] = what == AGOP_VALUE && m->target.classification
                                      ? (double)agop__target_decide(&m->target, p + i * width)
                                      : p[i * width + j];
done:
    free(p);
    return st;
}

/* Values and half widths of all rows, rows x targets each; `half` holds logarithms of scales on the way. */
static agop_status predict_around(double *p, double *half, agop_ctx *ctx, const agop_model *m, const agop_table *t,
                                  double level, int form)
{
    const agop__target *g     = &m->target;
    int                 local = form == AGOP_INTERVAL_LOCAL;
    agop_status         st;

    TRY(agop__predict_rows(p, local ? half : NULL, ctx, m, t));
    for (int64_t i = 0; i < t->rows * g->columns; i++)
        half[i] = agop__half_width(&m->intervals, g, i % g->columns, level, form, local ? half[i] : 0);
done:
    return st;
}

agop_status agop_predict_interval(agop_mat *value, agop_mat *lower, agop_mat *upper, agop_ctx *ctx, const agop_model *m,
                                  const agop_table *t, double level, int form)
{
    static const double sign[]  = {0, -1, 1};
    agop_mat           *place[] = {value, lower, upper};
    double             *p = NULL, *half = NULL;
    int64_t             c;
    agop_status         st = AGOP_OK;

    if (!ctx)
        return AGOP_E_ARG;
    if (!lower || !upper || !m || !t)
        return agop__fail(&ctx->err, AGOP_E_ARG, "an interval needs places for the result, a model and a table");
    if (m->target.classification)
        return agop__fail(&ctx->err, AGOP_E_UNSUPPORTED, "an interval needs numbers: this model tells classes, of "
                                                         "which there are sets");
    c = m->target.columns;
    TRY(agop__interval_check(&form, &m->intervals, &m->target, level, &ctx->err));
    for (int k = value ? 0 : 1; k < 3; k++)
        TRY(place_check(place[k], t->rows, c, &ctx->err));
    p    = agop__malloc(t->rows * c, sizeof *p);
    half = agop__malloc(t->rows * c, sizeof *half);
    if (!p || !half) {
        st = agop__fail_memory(&ctx->err, 16.0 * (double)(t->rows * c), "predictions");
        goto done;
    }
    TRY(predict_around(p, half, ctx, m, t, level, form));
    for (int k = value ? 0 : 1; k < 3; k++)
        for (int64_t i = 0; i < t->rows * c; i++)
            ((double *)place[k]->data)[i / c * place[k]->ld + i % c] = p[i] + sign[k] * half[i];
done:
    free(half);
    free(p);
    return st;
}

agop_status agop_predict_set(agop_mat *p, agop_mat *member, agop_ctx *ctx, const agop_model *m, const agop_table *t,
                             double level)
{
    int         form = AGOP_INTERVAL_AUTO;
    double     *own = NULL, q;
    int64_t     K;
    agop_status st = AGOP_OK;

    if (!ctx)
        return AGOP_E_ARG;
    if (!member || !m || !t)
        return agop__fail(&ctx->err, AGOP_E_ARG, "a set needs a place for the result, a model and a table");
    if (!m->target.classification)
        return agop__fail(&ctx->err, AGOP_E_UNSUPPORTED, "a set needs classes: this model tells numbers, of which "
                                                         "there are intervals");
    K = m->target.classes.count;
    TRY(agop__interval_check(&form, &m->intervals, &m->target, level, &ctx->err));
    TRY(place_check(member, t->rows, K, &ctx->err));
    if (p)
        TRY(place_check(p, t->rows, K, &ctx->err));
    own = agop__malloc(t->rows * K, sizeof *own);
    if (!own)
        return agop__fail_memory(&ctx->err, 8.0 * (double)(t->rows * K), "predictions");
    TRY(agop__predict_rows(own, NULL, ctx, m, t));
    q = agop__quantile(&m->intervals.constant, 0, level);
    for (int64_t i = 0; i < t->rows; i++) {
        (void)agop__class_set((double *)member->data + i * member->ld, own + i * K, K, q);
        if (p)
            memcpy((double *)p->data + i * p->ld, own + i * K, (size_t)K * sizeof *own);
    }
done:
    free(own);
    return st;
}

/* Rows whose truth is missing are moved out of the way; returns how many are left. half: NULL, or of a regression. */
static int64_t keep_known(double *p, double *half, double *truth, const agop__target *g, int64_t rows)
{
    int64_t width = agop__target_width(g), c = g->columns, kept = 0;
    for (int64_t i = 0; i < rows; i++) {
        if (!agop__target_known(g, truth + i * c))
            continue;
        memmove(p + kept * width, p + i * width, (size_t)width * sizeof *p);
        if (half)
            memmove(half + kept * c, half + i * c, (size_t)c * sizeof *half);
        memmove(truth + kept * c, truth + i * c, (size_t)c * sizeof *truth);
        kept++;
    }
    return kept;
}

/* What the sets of rows with probabilities p come to. */
static agop_status score_sets(agop__scores *s, const agop_model *m, const double *p, const double *truth, int64_t rows,
                              double level, agop__err *e)
{
    int64_t K      = m->target.classes.count;
    double *member = agop__malloc(rows * K, sizeof *member), q = agop__quantile(&m->intervals.constant, 0, level);

    if (!member)
        return agop__fail_memory(e, 8.0 * (double)(rows * K), "prediction sets");
    for (int64_t i = 0; i < rows; i++)
        (void)agop__class_set(member + i * K, p + i * K, K, q);
    agop__scores_sets(s, &m->target, member, truth, rows, level);
    free(member);
    return AGOP_OK;
}

/* level 0: nothing is asked of intervals. */
static agop_status score(char **json, agop_ctx *ctx, const agop_model *m, const agop_table *t, double level, int form)
{
    const agop__target *g = NULL;
    int64_t             rows, strange = 0;
    double             *p = NULL, *half = NULL, *truth = NULL;
    agop__scores        s = {0};
    json_t             *j = NULL, *errors = NULL;
    agop_status         st = AGOP_OK;

    if (!ctx)
        return AGOP_E_ARG;
    if (!json)
        return agop__fail(&ctx->err, AGOP_E_ARG, "a score needs a place for its text");
    *json = NULL;
    if (!m || !t)
        return agop__fail(&ctx->err, AGOP_E_ARG, "a score needs a model and a table");
    g = &m->target;
    if (t->rows == 0)
        return agop__fail(&ctx->err, AGOP_E_DATA, "the table has no rows to score");
    p     = agop__malloc(t->rows * agop__target_width(g), sizeof *p);
    truth = agop__malloc(t->rows * g->columns, sizeof *truth);
    half  = level > 0 && !g->classification ? agop__malloc(t->rows * g->columns, sizeof *half) : NULL;
    if (!p || !truth || (level > 0 && !g->classification && !half)) {
        st = agop__fail_memory(&ctx->err, 8.0 * (double)t->rows, "predictions");
        goto done;
    }
    TRY(agop__target_truth(truth, g, ctx, t));
    if (half)
        TRY(predict_around(p, half, ctx, m, t, level, form));
    else
        TRY(agop__predict_rows(p, NULL, ctx, m, t));
    rows = keep_known(p, half, truth, g, t->rows);
    if (rows == 0) {
        st = agop__fail(&ctx->err, AGOP_E_DATA, "no row has a target in column '%.80s'", g->list);
        goto done;
    }
    if (rows < t->rows)
        agop__note(ctx, "%lld rows without a target left out", (long long)(t->rows - rows));
    for (int64_t i = 0; g->classification && i < rows; i++)
        strange += truth[i] < 0;
    if (strange)
        agop__note(ctx, "%lld rows of classes that the fit never saw: counted as wrong", (long long)strange);
    TRY(agop__scores_make(&s, g, p, truth, NULL, rows, &ctx->err));
    if (half)
        agop__scores_intervals(&s, g, p, half, truth, rows, level);
    else if (level > 0)
        TRY(score_sets(&s, m, p, truth, rows, level, &ctx->err));
    TRY(agop__scores_to_json(&j, &s, g, &ctx->err));
    TRY(agop__scores_errors(&errors, g, p, truth, rows, &ctx->err));
    *json = json_object_set_new(j, "n", json_integer(rows)) == 0 && json_object_set(j, "standard_error", errors) == 0
                ? agop__json_dump(j, JSON_INDENT(1) | JSON_REAL_PRECISION(17))
                : NULL;
    if (!*json)
        st = agop__fail_memory(&ctx->err, 0, "scores");
done:
    json_decref(errors);
    json_decref(j);
    agop__scores_free(&s);
    free(half);
    free(truth);
    free(p);
    return st;
}

agop_status agop_score(char **json, agop_ctx *ctx, const agop_model *m, const agop_table *t)
{
    return score(json, ctx, m, t, 0, AGOP_INTERVAL_AUTO);
}

agop_status agop_score_interval(char **json, agop_ctx *ctx, const agop_model *m, const agop_table *t, double level,
                                int form)
{
    agop_status st;

    if (!ctx)
        return AGOP_E_ARG;
    if (json)
        *json = NULL;
    if (m && json)
        TRY(agop__interval_check(&form, &m->intervals, &m->target, level, &ctx->err));
    st = score(json, ctx, m, t, level, form);
done:
    return st;
}
