/* model.c - life, file and questions of a model.
 *
 * The file is a safetensors file: tensors centres, codes, rows, alpha, metric.0 ..., agop.0 ..., and one JSON text
 * with the schema, the target, the machine and the report. Of a tree's leaves these are called leaf.0.centres and
 * so on, of a leaf's members but the first member.1.alpha and so on. interval.constant may be there or not,
 * and with it interval.scaled, interval.centre and what begins with `scale.`, a leaf.
 *
 * A file is hostile until every count, shape and number in it has been looked at; what does not fit is AGOP_E_FORMAT
 * with a sentence, and nothing is kept. */
#include "rfm/model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/json.h"
#include "io/safetensors.h"

enum { FILE_VERSION = 1, TREE_VERSION = 2, MEMBERS_VERSION = 3, CURVE_VERSION = 4,
       THRESHOLD_VERSION = 5, NEWEST = THRESHOLD_VERSION };

/* ---- life ---- */

void agop__member_free(agop__member *member)
{
    agop__metric_free(&member->metric);
    free(member->alpha);
    free(member->curve);
    memset(member, 0, sizeof *member);
}

void agop__leaf_free(agop__leaf *leaf)
{
    for (int64_t k = 0; leaf->member && k < leaf->members; k++)
        agop__member_free(&leaf->member[k]);
    free(leaf->member);
    free(leaf->x);
    free(leaf->code);
    free(leaf->row);
    memset(leaf, 0, sizeof *leaf);
}

void agop_model_free(agop_model *m)
{
    if (!m)
        return;
    for (int64_t k = 0; m->leaf && k < m->leaves; k++)
        agop__leaf_free(&m->leaf[k]);
    free(m->leaf);
    agop__tree_free(&m->tree);
    for (int64_t j = 0, d = m->feature ? agop_model_features(m) : 0; j < d; j++)
        free(m->feature[j]);
    free(m->feature);
    agop__schema_free(&m->schema);
    agop__target_free(&m->target);
    agop__metric_free(&m->agop);
    agop__intervals_free(&m->intervals);
    agop__leaf_free(&m->scale);
    free(m->weights);
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

static json_t *describe_member(const agop_model *m, const agop__member *k)
{
    json_t *j = json_pack("{s:i, s:f, s:f, s:f, s:f, s:b, s:I, s:f}", "kind", (int)k->shape.kind, "exponent",
                          k->shape.exponent, "bandwidth", k->shape.bandwidth, "height", k->shape.height, "ridge",
                          k->ridge, "diagonal", k->metric.diagonal, "metric_rank", rank_of(&k->metric), "weight",
                          k->weight);
    int     bad = !j;

    if (k->shape.kind == AGOP__LPQ)
        bad |= json_object_set_new(j, "norm", json_real(k->shape.norm));
    if (k->shape.kind == AGOP__SUM) {
        bad |= json_object_set_new(j, "const_mix", json_real(k->shape.const_mix));
        bad |= json_object_set_new(j, "power", json_integer(k->shape.power));
    }
    if (k->curve)
        bad |= json_object_set_new(j, "curve", agop__curves_to_json(k->curve, m->target.columns));
    if (!bad)
        return j;
    json_decref(j);
    return NULL;
}

/* Its first member, and "others" where there are any. */
static json_t *describe_leaf(const agop_model *m, const agop__leaf *k)
{
    json_t *j = describe_member(m, &k->member[0]), *others = NULL;
    int     bad = !j || json_object_set_new(j, "double", json_boolean(m->dtype == AGOP_F64)) ||
              json_object_set_new(j, "rows", json_integer(k->n)) ||
              (k->members > 1 && json_object_set_new(j, "others", others = json_array()));

    for (int64_t i = 1; i < k->members && !bad; i++)
        bad = json_array_append_new(others, describe_member(m, &k->member[i]));
    if (bad) {
        json_decref(j);
        return NULL;
    }
    return j;
}

/* The lowest version that says it all. */
static int version_of(const agop_model *m)
{
    int least = m->tree.trees ? TREE_VERSION : FILE_VERSION;

    for (int64_t k = 0; k < m->leaves; k++) {
        if (m->leaf[k].members > 1 || m->leaf[k].member[0].weight != 1)
            least = least < MEMBERS_VERSION ? MEMBERS_VERSION : least;
        for (int64_t i = 0; i < m->leaf[k].members; i++)
            if (m->leaf[k].member[i].curve)
                least = CURVE_VERSION;
    }
    return m->target.cut ? THRESHOLD_VERSION : least;
}

/* Splits and leaves; the directions are a tensor. */
static json_t *describe_tree(const agop_model *m)
{
    const agop__tree *t     = &m->tree;
    json_t           *nodes = json_array(), *roots = json_array(), *leaves = json_array(), *j;
    int               bad   = !nodes || !roots || !leaves;

    for (int64_t i = 0; i < t->nodes && !bad; i++)
        bad |= json_array_append_new(nodes, json_pack("{s:f, s:f, s:I, s:I}", "threshold", t->node[i].threshold,
                                                      "scale", t->node[i].scale, "left", (json_int_t)t->node[i].left,
                                                      "right", (json_int_t)t->node[i].right));
    for (int64_t i = 0; i < t->trees && !bad; i++)
        bad |= json_array_append_new(roots, json_integer(t->root[i]));
    for (int64_t i = 0; i < m->leaves && !bad; i++)
        bad |= json_array_append_new(leaves, describe_leaf(m, &m->leaf[i]));
    j = json_pack("{s:o, s:o, s:o, s:f, s:I, s:I}", "nodes", nodes, "roots", roots, "leaves", leaves, "temperature",
                  t->temperature, "most", (json_int_t)t->most, "width", (json_int_t)t->width);
    if (bad && j) {
        json_decref(j);
        j = NULL;
    }
    return j;
}

static json_t *describe_intervals(const agop_model *m)
{
    const agop__intervals *v = &m->intervals;

    if (!v->scaled.rows)
        return json_pack("{s:I}", "rows", (json_int_t)v->constant.rows);
    return json_pack("{s:I, s:I, s:b, s:o}", "rows", (json_int_t)v->constant.rows, "scaled_rows",
                     (json_int_t)v->scaled.rows, "local", v->local, "scale", describe_leaf(m, &m->scale));
}

/* Everything that is no tensor. */
static agop_status describe(char **out, const agop_model *m, agop__err *e)
{
    json_t     *schema = NULL, *target = NULL, *info = NULL, *all = NULL;
    int         bad;
    agop_status st;

    *out = NULL;
    TRY(agop__schema_to_json(&schema, &m->schema, e));
    TRY(agop__target_to_json(&target, &m->target, e));
    TRY(agop__json_parse(&info, m->info, strlen(m->info), "the report", e));
    all = json_pack("{s:s, s:i, s:O, s:O, s:O, s:o, s:b, s:o, s:I, s:b}", "format", "agop recursive feature machine",
                    "version", version_of(m), "schema", schema, "target", target, "report",
                    info, "weights", agop__json_text(m->weights, strlen(m->weights)), "stopped", m->stopped, "machine",
                    describe_leaf(m, &m->leaf[0]), "agop_rank", rank_of(&m->agop), "agop_diagonal",
                    m->agop.diagonal);
    bad = !all || (m->tree.trees && json_object_set_new(all, "tree", describe_tree(m)) != 0) ||
          (m->intervals.constant.rows && json_object_set_new(all, "intervals", describe_intervals(m)) != 0);
    *out = bad ? NULL : agop__json_dump(all, JSON_COMPACT | JSON_REAL_PRECISION(17));
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

/* Tensors under way to a file; names of leaves beyond the only one are "leaf.K.centres". */
typedef struct saving {
    agop__tensor *t;
    char(*name)[96];
    int count, most;
} saving;

static void add(saving *s, const char *prefix, const char *name, int b, const char *dtype, int64_t rows, int64_t cols,
                const void *data)
{
    char *text = s->name[s->count];

    if (b >= 0)
        (void)snprintf(text, sizeof *s->name, "%s%s.%d", prefix, name, b);
    else
        (void)snprintf(text, sizeof *s->name, "%s%s", prefix, name);
    add_matrix(s->t, &s->count, text, dtype, rows, cols, data);
}

static void add_metric(saving *s, const char *prefix, const char *name, const agop__metric *m)
{
    char factor[32];

    for (int32_t b = 0; b < m->blocks; b++)
        add(s, prefix, name, b, "F64", m->block[b].d, block_cols(m, b), m->block[b].m);
    (void)snprintf(factor, sizeof factor, "%s.factor", name);
    if (m->thin)
        add(s, prefix, factor, -1, m->dtype == AGOP_F32 ? "F32" : "F64", m->block[0].r, m->block[0].d,
            m->block[0].factor);
}

/* What tensors of member i are called. */
static void member_prefix(char *out, size_t size, const char *leaf, int64_t i)
{
    if (i > 0)
        (void)snprintf(out, size, "%smember.%lld.", leaf, (long long)i);
    else
        (void)snprintf(out, size, "%s", leaf);
}

static void add_leaf(saving *s, const agop_model *m, const agop__leaf *k, const char *prefix)
{
    char own[64];

    add(s, prefix, "centres", -1, m->dtype == AGOP_F32 ? "F32" : "F64", k->n, m->schema.numeric, k->x);
    add(s, prefix, "codes", -1, "I32", k->n, m->schema.groups, k->code);
    if (k->row)
        add(s, prefix, "rows", -1, "I64", k->n, 1, k->row);
    for (int64_t i = 0; i < k->members; i++) {
        member_prefix(own, sizeof own, prefix, i);
        add(s, own, "alpha", -1, "F64", k->n, m->target.outputs, k->member[i].alpha);
        add_metric(s, own, "metric", &k->member[i].metric);
    }
}

/* What tensors of leaf k are called: nothing before the names where there is no tree. */
static void leaf_prefix(char *out, size_t size, int tree, int64_t k)
{
    out[0] = '\0';
    if (tree)
        (void)snprintf(out, size, "leaf.%lld.", (long long)k);
}

agop_status agop_model_save(agop_ctx *ctx, const agop_model *m, const char *path)
{
    char       *text = NULL, prefix[32];
    saving      s    = {0};
    agop_status st   = AGOP_OK;

    if (!ctx)
        return AGOP_E_ARG;
    if (!m || !path)
        return agop__fail(&ctx->err, AGOP_E_ARG, "saving needs a model and a path");
    for (int64_t k = 0; k < m->leaves; k++)
        s.most += 3 + (int)m->leaf[k].members * (2 + m->agop.blocks);
    s.most += 2 + m->agop.blocks + 3 + 5 + m->agop.blocks; /* and of intervals */
    s.t    = agop__calloc(s.most, sizeof *s.t);
    s.name = agop__calloc(s.most, sizeof *s.name);
    if (!s.t || !s.name) {
        st = agop__fail_memory(&ctx->err, 0, "the model file");
        goto done;
    }
    TRY(describe(&text, m, &ctx->err));
    for (int64_t k = 0; k < m->leaves; k++) {
        leaf_prefix(prefix, sizeof prefix, m->tree.trees > 0, k);
        add_leaf(&s, m, &m->leaf[k], prefix);
    }
    add_metric(&s, "", "agop", &m->agop);
    add(&s, "", "directions", -1, "F64", m->tree.nodes, m->tree.width, m->tree.direction);
    add(&s, "", "interval.constant", -1, "F64", m->target.columns, agop__knots(m->intervals.constant.rows),
        m->intervals.constant.value);
    add(&s, "", "interval.scaled", -1, "F64", m->target.columns, agop__knots(m->intervals.scaled.rows),
        m->intervals.scaled.value);
    if (m->intervals.scaled.rows) {
        add(&s, "", "interval.centre", -1, "F64", m->target.columns, 1, m->intervals.centre);
        add_leaf(&s, m, &m->scale, "scale.");
    }
    TRY(agop__tensors_write(path, text, s.t, s.count, &ctx->err));
done:
    free(text);
    free(s.name);
    free(s.t);
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

/* What only some kernels have. */
static int load_shape(agop__shape *s, const json_t *j, double kind)
{
    double power = 0;

    s->kind = (int32_t)kind;
    if (s->kind == AGOP__LPQ)
        return number_in(&s->norm, j, "norm", s->exponent, 2);
    if (s->kind == AGOP__SUM && (!number_in(&s->const_mix, j, "const_mix", 0, .999) ||
                                 !number_in(&power, j, "power", 1, 64)))
        return 0;
    s->power = (int32_t)power;
    return 1;
}

static agop_status load_member(agop__member *k, const json_t *j, const agop_model *m, const char *path, agop__err *e)
{
    const json_t *curve = json_object_get(j, "curve");
    double        kind;
    int64_t       rank;

    k->weight = 1;
    if (!number_in(&kind, j, "kind", AGOP__L2, AGOP__SUM) || !number_in(&k->shape.exponent, j, "exponent", 1e-9, 2) ||
        !number_in(&k->shape.bandwidth, j, "bandwidth", 1e-300, 1e300) ||
        !number_in(&k->shape.height, j, "height", 1e-300, 1e300) || !number_in(&k->ridge, j, "ridge", 0, 1e300) ||
        (json_object_get(j, "weight") && !number_in(&k->weight, j, "weight", 0, 1e6)) ||
        !load_shape(&k->shape, j, kind))
        return damaged(e, path, "its kernel cannot be read");
    k->metric.diagonal = json_is_true(json_object_get(j, "diagonal"));
    if (!load_rank(&rank, j, "metric_rank") || (k->metric.diagonal && rank >= 0))
        return damaged(e, path, "the rank of its metric cannot be read");
    if (k->shape.kind == AGOP__L1 && !k->metric.diagonal)
        return damaged(e, path, "an l1 kernel with a full metric");
    if (k->shape.kind != AGOP__L2 && rank >= 0)
        return damaged(e, path, "a thin metric of another kernel than l2");
    if (!curve)
        return AGOP_OK;
    if (m->target.classification || !agop__curves_fit(curve, m->target.columns))
        return damaged(e, path, "the transform of its target cannot be read");
    k->curve = agop__curves_from_json(curve, m->target.columns);
    return k->curve ? AGOP_OK : agop__fail_memory(e, 0, "a model");
}

/* The description of member i of a leaf. */
static const json_t *member_json(const json_t *leaf, int64_t i)
{
    return i ? json_array_get(json_object_get(leaf, "others"), (size_t)i - 1) : leaf;
}

static agop_status load_machine(agop_model *m, agop__leaf *k, const json_t *j, const char *path, agop__err *e)
{
    const json_t *others = json_object_get(j, "others");
    double        rows;
    int32_t       dtype = json_is_true(json_object_get(j, "double")) ? AGOP_F64 : AGOP_F32;
    agop_status   st    = AGOP_OK;

    if (!number_in(&rows, j, "rows", 1, 1e12) || (k != m->leaf && dtype != m->dtype) ||
        (others && !json_is_array(others)))
        return damaged(e, path, "its kernel cannot be read");
    m->dtype   = dtype;
    k->n       = (int64_t)rows;
    k->members = 1 + (int64_t)json_array_size(others);
    k->member  = agop__calloc(k->members, sizeof *k->member);
    if (!k->member)
        return agop__fail_memory(e, 0, "a model");
    for (int64_t i = 0; i < k->members; i++)
        TRY(load_member(&k->member[i], member_json(j, i), m, path, e));
done:
    return st;
}

/* A child is a node that comes later (so there are no circles), or a leaf. */
static int is_child(const agop_model *m, int64_t parent, double child)
{
    return child == floor(child) && (child < 0 ? -1 - child < (double)m->leaves
                                               : child > (double)parent && child < (double)m->tree.nodes);
}

static agop_status load_tree(agop_model *m, const json_t *j, const char *path, agop__err *e)
{
    agop__tree   *t = &m->tree;
    const json_t *nodes = json_object_get(j, "nodes"), *roots = json_object_get(j, "roots");
    double        most, width, left, right;

    t->nodes = (int64_t)json_array_size(nodes);
    t->trees = (int64_t)json_array_size(roots);
    t->node  = agop__calloc(t->nodes, sizeof *t->node);
    t->root  = agop__calloc(t->trees, sizeof *t->root);
    if (!t->node || !t->root)
        return agop__fail_memory(e, 0, "a tree");
    if (t->trees < 1 || !number_in(&t->temperature, j, "temperature", 0, 1e6) || !number_in(&most, j, "most", 1, 1e6) ||
        !number_in(&width, j, "width", 0, 1e9) ||
        (int64_t)width != m->schema.numeric + agop__schema_levels(&m->schema))
        return damaged(e, path, "its tree cannot be read");
    t->most  = (int64_t)most;
    t->width = (int64_t)width;
    for (int64_t i = 0; i < t->trees; i++) {
        t->root[i] = json_integer_value(json_array_get(roots, (size_t)i));
        if (!is_child(m, -1, (double)t->root[i]))
            return damaged(e, path, "its tree has a root that is not there");
    }
    for (int64_t i = 0; i < t->nodes; i++) {
        const json_t *n = json_array_get(nodes, (size_t)i);
        if (!number_in(&t->node[i].threshold, n, "threshold", -1e300, 1e300) ||
            !number_in(&t->node[i].scale, n, "scale", 0, 1e300) || !number_in(&left, n, "left", -1e12, 1e12) ||
            !number_in(&right, n, "right", -1e12, 1e12) || !is_child(m, i, left) || !is_child(m, i, right))
            return damaged(e, path, "its tree has a split that cannot be read");
        t->node[i].left  = (int64_t)left;
        t->node[i].right = (int64_t)right;
    }
    return AGOP_OK;
}

/* Files without the key are older than members. */
static int agop_is_diagonal(const agop_model *m, const json_t *all)
{
    const json_t *told = json_object_get(all, "agop_diagonal");
    return told ? json_is_true(told) : m->leaf[0].member[0].metric.diagonal;
}

/* The description of leaf k: the only one, or one of a tree's. */
static const json_t *leaf_json(const json_t *all, int64_t k)
{
    const json_t *tree = json_object_get(all, "tree");
    return tree ? json_array_get(json_object_get(tree, "leaves"), (size_t)k) : json_object_get(all, "machine");
}

static agop_status load_leaves(agop_model *m, const json_t *all, const char *path, agop__err *e)
{
    const json_t *tree = json_object_get(all, "tree");
    int64_t       rank;
    agop_status   st = AGOP_OK;

    m->leaves = tree ? (int64_t)json_array_size(json_object_get(tree, "leaves")) : 1;
    if (m->leaves < 1)
        return damaged(e, path, "its tree has no leaves");
    m->leaf = agop__calloc(m->leaves, sizeof *m->leaf);
    if (!m->leaf)
        return agop__fail_memory(e, 0, "a model");
    for (int64_t k = 0; k < m->leaves; k++)
        TRY(load_machine(m, &m->leaf[k], leaf_json(all, k), path, e));
    if (!load_rank(&rank, all, "agop_rank") || (agop_is_diagonal(m, all) && rank >= 0)) {
        st = damaged(e, path, "the rank of its AGOP cannot be read");
        goto done;
    }
    if (tree)
        TRY(load_tree(m, tree, path, e));
done:
    return st;
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

static agop_status load_description(agop_model *m, const json_t *all, const char *path, agop__err *e)
{
    const json_t *version = json_object_get(all, "version");
    size_t        length  = 0;
    int           found;
    agop_status   st;

    if (!json_is_integer(version) || json_integer_value(version) < 1)
        return damaged(e, path, "it names no version");
    if (json_integer_value(version) > NEWEST)
        return agop__fail(e, AGOP_E_FORMAT,
                          "%.200s: a model of format %lld; this agop reads up to %d: take a newer one", path,
                          (long long)json_integer_value(version), NEWEST);
    st = agop__schema_from_json(&m->schema, json_object_get(all, "schema"), e);
    if (st == AGOP_OK)
        st = agop__target_from_json(&m->target, json_object_get(all, "target"), e);
    if (st != AGOP_OK) {
        name_file(e, path);
        goto done;
    }
    TRY(load_leaves(m, all, path, e));
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

static agop_status load_codes(agop__leaf *k, const char *name, const agop_model *m, const agop__tensors *f,
                              const char *path, agop__err *e)
{
    const agop__tensor *t = NULL;
    int64_t             count = k->n * m->schema.groups;
    agop_status         st;

    if (count > 0) {
        st = agop__tensors_need(&t, f, name, "I32", k->n, m->schema.groups, e);
        if (st != AGOP_OK)
            return st;
    }
    k->code = agop__malloc(count, sizeof *k->code);
    if (!k->code)
        return agop__fail_memory(e, 4.0 * (double)count, "a model");
    for (int64_t i = 0; i < count; i++) {
        k->code[i] = ((const int32_t *)t->data)[i];
        if (k->code[i] < -1 || k->code[i] >= m->schema.group_levels[i % m->schema.groups])
            return damaged(e, path, "'codes' holds a category that is not there");
    }
    return AGOP_OK;
}

/* Older files have none. */
static agop_status load_rows(agop__leaf *k, const char *name, const agop__tensors *f, const char *path, agop__err *e)
{
    const agop__tensor *t  = agop__tensors_find(f, name);
    agop_status         st = AGOP_OK;

    if (!t)
        return AGOP_OK;
    TRY(agop__tensors_need(&t, f, name, "I64", k->n, 1, e));
    k->row = agop__malloc(k->n, sizeof *k->row);
    if (!k->row)
        return agop__fail_memory(e, 8.0 * (double)k->n, "a model");
    memcpy(k->row, t->data, (size_t)k->n * sizeof *k->row);
    for (int64_t i = 0; i < k->n; i++)
        if (k->row[i] < 0)
            return damaged(e, path, "'rows' holds a number below zero");
done:
    return st;
}

/* The blocks of a metric; its diagonal may not be negative. */
static agop_status load_metric(agop__metric *out, const char *name, int diagonal, int64_t rank, const agop_model *m,
                               const agop__tensors *f, const char *path, agop__err *e)
{
    char        one[64];
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

static agop_status load_leaf(agop__leaf *k, const char *prefix, const json_t *j, const agop_model *m,
                             const agop__tensors *f, const char *path, agop__err *e)
{
    char        name[96], own[64];
    int64_t     rank = -1;
    agop_status st;

    (void)snprintf(name, sizeof name, "%scentres", prefix);
    TRY(load_numbers(&k->x, f, name, m->dtype, k->n, m->schema.numeric, path, e));
    (void)snprintf(name, sizeof name, "%scodes", prefix);
    TRY(load_codes(k, name, m, f, path, e));
    (void)snprintf(name, sizeof name, "%srows", prefix);
    TRY(load_rows(k, name, f, path, e));
    for (int64_t i = 0; i < k->members; i++) {
        agop__member *one = &k->member[i];
        void         *v   = NULL;
        member_prefix(own, sizeof own, prefix, i);
        (void)snprintf(name, sizeof name, "%salpha", own);
        TRY(load_numbers(&v, f, name, AGOP_F64, k->n, m->target.outputs, path, e));
        one->alpha = v;
        (void)load_rank(&rank, member_json(j, i), "metric_rank");
        (void)snprintf(name, sizeof name, "%smetric", own);
        TRY(load_metric(&one->metric, name, one->metric.diagonal, rank, m, f, path, e));
    }
done:
    return st;
}

/* Rising lists of numbers that are not negative, one per target. */
static agop_status load_quantiles(agop__quantiles *q, const char *name, const json_t *rows, const agop_model *m,
                                  const agop__tensors *f, const char *path, agop__err *e)
{
    int64_t     n = json_integer_value(rows), knots = agop__knots(n);
    void       *v = NULL;
    agop_status st;

    if (!json_is_integer(rows) || n < 1 || n > 1000000000000)
        return damaged(e, path, "its intervals cannot be read");
    TRY(load_numbers(&v, f, name, AGOP_F64, m->target.columns, knots, path, e));
    *q = (agop__quantiles){.rows = n, .value = v};
    for (int64_t i = 0; i < m->target.columns * knots; i++)
        if (q->value[i] < 0 || (i % knots && q->value[i] < q->value[i - 1]))
            return damaged(e, path, "its intervals are in disorder");
done:
    return st;
}

/* Older files have none, and neither have fits that nobody judged. */
static agop_status load_intervals(agop_model *m, const json_t *all, const agop__tensors *f, const char *path,
                                  agop__err *e)
{
    const json_t    *j = json_object_get(all, "intervals"), *scale = json_object_get(j, "scale");
    agop__intervals *v = &m->intervals;
    void            *centre = NULL;
    agop_status      st;

    if (!j)
        return AGOP_OK;
    TRY(load_quantiles(&v->constant, "interval.constant", json_object_get(j, "rows"), m, f, path, e));
    if (!scale || m->target.classification)
        goto done;
    TRY(load_quantiles(&v->scaled, "interval.scaled", json_object_get(j, "scaled_rows"), m, f, path, e));
    v->local = json_is_true(json_object_get(j, "local"));
    TRY(load_numbers(&centre, f, "interval.centre", AGOP_F64, m->target.columns, 1, path, e));
    v->centre = centre;
    TRY(load_machine(m, &m->scale, scale, path, e));
    TRY(load_leaf(&m->scale, "scale.", scale, m, f, path, e));
done:
    return st;
}

static agop_status load_tensors(agop_model *m, const json_t *all, const agop__tensors *f, const char *path,
                                agop__err *e)
{
    char        prefix[32];
    int64_t     rank = -1;
    void       *v = NULL;
    agop_status st;

    for (int64_t k = 0; k < m->leaves; k++) {
        leaf_prefix(prefix, sizeof prefix, m->tree.trees > 0, k);
        TRY(load_leaf(&m->leaf[k], prefix, leaf_json(all, k), m, f, path, e));
    }
    (void)load_rank(&rank, all, "agop_rank");
    TRY(load_metric(&m->agop, "agop", agop_is_diagonal(m, all), rank, m, f, path, e));
    TRY(load_numbers(&v, f, "directions", AGOP_F64, m->tree.nodes, m->tree.width, path, e));
    m->tree.direction = v;
    TRY(load_intervals(m, all, f, path, e));
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
    TRY(load_description(m, all, path, e));
    TRY(load_tensors(m, all, f, path, e));
    TRY(agop__model_name_features(m, e));
    *out = m;
    m    = NULL;
done:
    agop_model_free(m);
    json_decref(all);
    agop__tensors_close(f);
    return st;
}
