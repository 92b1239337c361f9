/* model.c - life, file and questions of a model.
 *
 * The file is a safetensors file: tensors centres, codes, alpha, metric.0 ..., agop.0 ..., and one JSON text with the
 * schema, the target, the machine and the report. A file is hostile until every count, shape and number in it has been
 * looked at; what does not fit is AGOP_E_FORMAT with a sentence, and nothing is kept. */
#include "rfm/model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/json.h"
#include "io/safetensors.h"

enum { FILE_VERSION = 1 };

/* ---- life ---- */

void agop_model_free(agop_model *m)
{
    if (!m)
        return;
    for (int64_t j = 0, d = m->feature ? agop_model_features(m) : 0; j < d; j++)
        free(m->feature[j]);
    free(m->feature);
    agop__schema_free(&m->schema);
    agop__target_free(&m->target);
    agop__metric_free(&m->metric);
    agop__metric_free(&m->agop);
    free(m->weights);
    free(m->x);
    free(m->code);
    free(m->alpha);
    free(m->info);
    free(m);
}

agop_status agop__model_name_features(agop_model *m, agop__err *e)
{
    int64_t      d = agop_model_features(m), field;
    agop__buffer b = {0};
    agop_status  st;

    m->feature = agop__calloc(d, sizeof *m->feature);
    if (!m->feature)
        return agop__fail_memory(e, 0, "feature names");
    for (int64_t j = 0; j < d; j++) {
        st = agop__schema_feature(&b, &field, &m->schema, j, e);
        if (st != AGOP_OK) {
            agop__buffer_free(&b);
            return st;
        }
        m->feature[j] = b.text;
        memset(&b, 0, sizeof b);
    }
    return AGOP_OK;
}

/* ---- questions ---- */

const char *agop_model_info(const agop_model *m)
{
    return m ? m->info : NULL;
}

int agop_model_stopped(const agop_model *m)
{
    return m ? m->stopped : 0;
}

const char *agop_model_feature_name(const agop_model *m, int64_t j)
{
    return j >= 0 && j < agop_model_features(m) ? m->feature[j] : NULL;
}

const agop__schema *agop__model_schema(const agop_model *m)
{
    return &m->schema;
}

const char *agop__model_targets(const agop_model *m)
{
    return m->target.list;
}

int agop__model_target_is_text(const agop_model *m)
{
    return m->target.classification && m->target.is_text;
}

const char *agop__model_weights(const agop_model *m)
{
    return m->weights;
}

/* ---- saving ---- */

/* Rows of the factor of a thin metric, or -1. */
static json_int_t rank_of(const agop__metric *m)
{
    return m->thin ? m->block[0].r : -1;
}

/* Everything that is no tensor. */
static agop_status describe(char **out, const agop_model *m, agop__err *e)
{
    json_t     *schema = NULL, *target = NULL, *info = NULL, *all = NULL;
    agop_status st;

    *out = NULL;
    TRY(agop__schema_to_json(&schema, &m->schema, e));
    TRY(agop__target_to_json(&target, &m->target, e));
    TRY(agop__json_parse(&info, m->info, strlen(m->info), "the report", e));
    all  = json_pack("{s:s, s:i, s:O, s:O, s:O, s:o, s:b, s:{s:i, s:f, s:f, s:f, s:f, s:b, s:b, s:I, s:I, s:I}}",
                     "format", "agop recursive feature machine", "version", FILE_VERSION, "schema", schema, "target", target,
                     "report", info, "weights", agop__json_text(m->weights, strlen(m->weights)), "stopped", m->stopped,
                     "machine", "kind", (int)m->shape.kind, "exponent", m->shape.exponent, "bandwidth",
                     m->shape.bandwidth, "height", m->shape.height, "ridge", m->ridge, "double", m->dtype == AGOP_F64,
                     "diagonal", m->metric.diagonal, "rows", (json_int_t)m->n, "metric_rank", rank_of(&m->metric),
                     "agop_rank", rank_of(&m->agop));
    *out = all ? agop__json_dump(all, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    if (!*out)
        st = agop__fail_memory(e, 0, "the model's description");
done:
    json_decref(all);
    json_decref(info);
    json_decref(target);
    json_decref(schema);
    return st;
}

static void add_matrix(agop__tensor *t, int *count, const char *name, const char *dtype, int64_t rows, int64_t cols,
                       const void *data)
{
    if (rows > 0 && cols > 0)
        t[(*count)++] = (agop__tensor){.name = name, .dtype = dtype, .shape = {rows, cols}, .dims = 2, .data = data};
}

static int64_t block_cols(const agop__metric *m, int32_t b)
{
    return m->diagonal || (m->thin && b == 0) ? 1 : m->block[b].d;
}

static void add_factor(agop__tensor *t, int *count, const char *name, const agop__metric *m)
{
    if (m->thin)
        add_matrix(t, count, name, m->dtype == AGOP_F32 ? "F32" : "F64", m->block[0].r, m->block[0].d,
                   m->block[0].factor);
}

agop_status agop_model_save(agop_ctx *ctx, const agop_model *m, const char *path)
{
    int32_t       blocks = m ? m->metric.blocks : 0;
    char         *text   = NULL;
    int           count  = 0;
    agop__tensor *t      = NULL;
    char(*name)[32]      = NULL;
    agop_status st       = AGOP_OK;

    if (!ctx)
        return AGOP_E_ARG;
    if (!m || !path)
        return agop__fail(&ctx->err, AGOP_E_ARG, "saving needs a model and a path");
    t    = agop__calloc(5 + 2 * blocks, sizeof *t);
    name = agop__calloc(2 * blocks, sizeof *name);
    if (!t || !name) {
        st = agop__fail_memory(&ctx->err, 0, "the model file");
        goto done;
    }
    TRY(describe(&text, m, &ctx->err));
    add_matrix(t, &count, "centres", m->dtype == AGOP_F32 ? "F32" : "F64", m->n, m->schema.numeric, m->x);
    add_matrix(t, &count, "codes", "I32", m->n, m->schema.groups, m->code);
    add_matrix(t, &count, "alpha", "F64", m->n, m->target.outputs, m->alpha);
    for (int32_t b = 0; b < blocks; b++) {
        (void)snprintf(name[2 * b], sizeof *name, "metric.%d", (int)b);
        (void)snprintf(name[2 * b + 1], sizeof *name, "agop.%d", (int)b);
        add_matrix(t, &count, name[2 * b], "F64", m->metric.block[b].d, block_cols(&m->metric, b),
                   m->metric.block[b].m);
        add_matrix(t, &count, name[2 * b + 1], "F64", m->agop.block[b].d, block_cols(&m->agop, b), m->agop.block[b].m);
    }
    add_factor(t, &count, "metric.factor", &m->metric);
    add_factor(t, &count, "agop.factor", &m->agop);
    TRY(agop__tensors_write(path, text, t, count, &ctx->err));
done:
    free(text);
    free(name);
    free(t);
    return st;
}

/* ---- loading ---- */

static agop_status damaged(agop__err *e, const char *path, const char *what)
{
    return agop__fail(e, AGOP_E_FORMAT, "%.200s: damaged model: %s", path, what);
}

/* A finite number in [low, high]. */
static int number_in(double *out, const json_t *j, const char *key, double low, double high)
{
    const json_t *v = json_object_get(j, key);
    *out            = json_number_value(v);
    return json_is_number(v) && *out >= low && *out <= high;
}

/* A metric is thin when its rank is told; -1: it is not. */
static int load_rank(int64_t *rank, const json_t *j, const char *key)
{
    double r = -1;
    if (json_object_get(j, key) && !number_in(&r, j, key, -1, 1e9))
        return 0;
    *rank = (int64_t)r;
    return 1;
}

static agop_status load_machine(agop_model *m, int64_t rank[2], const json_t *j, const char *path, agop__err *e)
{
    double kind, rows;

    if (!number_in(&kind, j, "kind", AGOP__L2, AGOP__L1) || !number_in(&m->shape.exponent, j, "exponent", 1e-9, 2) ||
        !number_in(&m->shape.bandwidth, j, "bandwidth", 1e-300, 1e300) ||
        !number_in(&m->shape.height, j, "height", 1e-300, 1e300) || !number_in(&m->ridge, j, "ridge", 0, 1e300) ||
        !number_in(&rows, j, "rows", 1, 1e12))
        return damaged(e, path, "its kernel cannot be read");
    m->shape.kind      = kind > 1.5 ? AGOP__L1 : AGOP__L2;
    m->dtype           = json_is_true(json_object_get(j, "double")) ? AGOP_F64 : AGOP_F32;
    m->metric.diagonal = json_is_true(json_object_get(j, "diagonal"));
    m->n               = (int64_t)rows;
    if (!load_rank(&rank[0], j, "metric_rank") || !load_rank(&rank[1], j, "agop_rank") ||
        (m->metric.diagonal && (rank[0] >= 0 || rank[1] >= 0)))
        return damaged(e, path, "the rank of its metric cannot be read");
    if (m->shape.kind == AGOP__L1 && !m->metric.diagonal)
        return damaged(e, path, "an l1 kernel with a full metric");
    return AGOP_OK;
}

/* Those who read the schema and the target know no file. */
static void name_file(agop__err *e, const char *path)
{
    char text[sizeof e->text];

    if (e->code != AGOP_E_FORMAT)
        return;
    memcpy(text, e->text, sizeof text);
    agop__fail(e, AGOP_E_FORMAT, "%.200s: %s", path, text);
}

static agop_status load_description(agop_model *m, int64_t rank[2], const json_t *all, const char *path, agop__err *e)
{
    const json_t *version = json_object_get(all, "version");
    size_t        length  = 0;
    int           found;
    agop_status   st;

    if (!json_is_integer(version) || json_integer_value(version) < 1)
        return damaged(e, path, "it names no version");
    if (json_integer_value(version) > FILE_VERSION)
        return agop__fail(e, AGOP_E_FORMAT,
                          "%.200s: a model of format %lld; this agop reads up to %d: take a newer one", path,
                          (long long)json_integer_value(version), FILE_VERSION);
    st = agop__schema_from_json(&m->schema, json_object_get(all, "schema"), e);
    if (st == AGOP_OK)
        st = agop__target_from_json(&m->target, json_object_get(all, "target"), e);
    if (st != AGOP_OK) {
        name_file(e, path);
        goto done;
    }
    TRY(load_machine(m, rank, json_object_get(all, "machine"), path, e));
    m->stopped = json_is_true(json_object_get(all, "stopped"));
    found = agop__json_text_in(&m->weights, &length, json_object_get(all, "weights"));
    if (!found || !json_is_object(json_object_get(all, "report"))) {
        st = damaged(e, path, "its report is missing");
        goto done;
    }
    m->info    = agop__json_dump(json_object_get(all, "report"), JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    if (!m->weights || !m->info)
        st = agop__fail_memory(e, 0, "a model");
done:
    return st;
}

static int all_finite(const void *v, int64_t count, int32_t dtype)
{
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(dtype == AGOP_F32 ? (double)((const float *)v)[i] : ((const double *)v)[i]))
            return 0;
    return 1;
}

/* A copy of a tensor of numbers; rows x cols of zero is an empty array. */
static agop_status load_numbers(void **out, const agop__tensors *f, const char *name, int32_t dtype, int64_t rows,
                                int64_t cols, const char *path, agop__err *e)
{
    const agop__tensor *t = NULL;
    agop_status         st;

    if (rows > 0 && cols > 0) {
        st = agop__tensors_need(&t, f, name, dtype == AGOP_F32 ? "F32" : "F64", rows, cols, e);
        if (st != AGOP_OK)
            return st;
        if (!all_finite(t->data, rows * cols, dtype))
            return agop__fail(e, AGOP_E_FORMAT, "%.200s: damaged model: '%s' holds a value that is not finite", path,
                              name);
    }
    *out = agop__aligned(t ? rows * cols : 0, agop__element(dtype));
    if (!*out)
        return agop__fail_memory(e, 8.0 * (double)rows * (double)cols, "a model");
    if (t)
        memcpy(*out, t->data, (size_t)(rows * cols) * agop__element(dtype));
    return AGOP_OK;
}

static agop_status load_codes(agop_model *m, const agop__tensors *f, const char *path, agop__err *e)
{
    const agop__tensor *t = NULL;
    int64_t             count = m->n * m->schema.groups;
    agop_status         st;

    if (count > 0) {
        st = agop__tensors_need(&t, f, "codes", "I32", m->n, m->schema.groups, e);
        if (st != AGOP_OK)
            return st;
    }
    m->code = agop__malloc(count, sizeof *m->code);
    if (!m->code)
        return agop__fail_memory(e, 4.0 * (double)count, "a model");
    for (int64_t i = 0; i < count; i++) {
        m->code[i] = ((const int32_t *)t->data)[i];
        if (m->code[i] < -1 || m->code[i] >= m->schema.group_levels[i % m->schema.groups])
            return damaged(e, path, "'codes' holds a category that is not there");
    }
    return AGOP_OK;
}

/* The blocks of a metric; its diagonal may not be negative. */
static agop_status load_metric(agop__metric *out, const char *name, int64_t rank, const agop_model *m,
                               const agop__tensors *f, const char *path, agop__err *e)
{
    int         diagonal = m->metric.diagonal;
    char        one[32];
    agop_status st = AGOP_OK;

    memset(out, 0, sizeof *out);
    out->diagonal = diagonal;
    out->thin     = rank >= 0;
    out->dtype    = m->dtype;
    out->blocks   = 1 + m->schema.groups;
    out->block    = agop__calloc(out->blocks, sizeof *out->block);
    if (!out->block)
        return agop__fail_memory(e, 0, "a model");
    for (int32_t b = 0; b < out->blocks; b++) {
        void *v         = NULL;
        out->block[b].d = b ? m->schema.group_levels[b - 1] : m->schema.numeric;
        (void)snprintf(one, sizeof one, "%s.%d", name, (int)b);
        TRY(load_numbers(&v, f, one, AGOP_F64, out->block[b].d, block_cols(out, b), path, e));
        out->block[b].m = v;
        for (int64_t i = 0; i < out->block[b].d; i++)
            if (!(agop__metric_at(out, b, i) >= 0)) {
                st = damaged(e, path, "a metric with a negative diagonal");
                goto done;
            }
    }
    if (rank > 0) {
        (void)snprintf(one, sizeof one, "%s.factor", name);
        TRY(load_numbers(&out->block[0].factor, f, one, m->dtype, rank, m->schema.numeric, path, e));
        out->block[0].r = rank;
    }
done:
    return st;
}

static agop_status load_tensors(agop_model *m, const int64_t rank[2], const agop__tensors *f, const char *path,
                                agop__err *e)
{
    void       *v = NULL;
    agop_status st;

    TRY(load_numbers(&m->x, f, "centres", m->dtype, m->n, m->schema.numeric, path, e));
    TRY(load_numbers(&v, f, "alpha", AGOP_F64, m->n, m->target.outputs, path, e));
    m->alpha = v;
    TRY(load_codes(m, f, path, e));
    TRY(load_metric(&m->metric, "metric", rank[0], m, f, path, e));
    TRY(load_metric(&m->agop, "agop", rank[1], m, f, path, e));
done:
    return st;
}

agop_status agop_model_load(agop_model **out, agop_ctx *ctx, const char *path)
{
    agop__tensors *f    = NULL;
    agop_model    *m    = NULL;
    json_t        *all  = NULL;
    agop__err     *e    = NULL;
    const char    *text = NULL;
    int64_t        rank[2] = {-1, -1}; /* of the metric and the AGOP, where they are thin */
    agop_status    st;

    if (!ctx)
        return AGOP_E_ARG;
    if (!out)
        return agop__fail(&ctx->err, AGOP_E_ARG, "loading needs a place for the model");
    *out = NULL;
    e    = &ctx->err;
    if (!path)
        return agop__fail(e, AGOP_E_ARG, "loading needs the path of a model");
    TRY(agop__tensors_open(&f, path, e));
    text = agop__tensors_metadata(f);
    if (text)
        TRY(agop__json_parse(&all, text, strlen(text), path, e));
    if (!json_is_object(all) || !json_string_value(json_object_get(all, "format")) ||
        strcmp(json_string_value(json_object_get(all, "format")), "agop recursive feature machine") != 0) {
        st = agop__fail(e, AGOP_E_FORMAT, "%.200s: a safetensors file, but not a model of agop", path);
        goto done;
    }
    m = agop__calloc(1, sizeof *m);
    if (!m) {
        st = agop__fail_memory(e, 0, "a model");
        goto done;
    }
    TRY(load_description(m, rank, all, path, e));
    TRY(load_tensors(m, rank, f, path, e));
    TRY(agop__model_name_features(m, e));
    *out = m;
    m    = NULL;
done:
    agop_model_free(m);
    json_decref(all);
    agop__tensors_close(f);
    return st;
}
