/* report.c - what a fit did and found, as JSON: the report that the program writes, and that every model carries. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "io/json.h"
#include "rfm/fit.h"

/* A setting as JSON of its own type; text where it stayed `auto`. */
static json_t *setting_value(const agop_setting *row, const agop_settings *s)
{
    const char *text = agop__text(s, row->name);

    if (strcmp(text, "auto") == 0)
        return json_string(text);
    switch (row->type) {
    case AGOP_INT:
    case AGOP_BYTES: return json_integer(agop__int(s, row->name, 0));
    case AGOP_REAL: return json_real(agop__real(s, row->name, 0));
    case AGOP_BOOL: return json_boolean(agop__bool(s, row->name, 0));
    case AGOP_CHOICE:
    case AGOP_TEXT: break;
    }
    return agop__json_shown(text);
}

static const char *kernel_name(int32_t kind)
{
    static const char *const names[] = {"l2", "l1", "lpq", "sum_power"};
    return names[kind - AGOP__L2];
}

static int used_units(const agop__fit *f)
{
    int used = 0;

    for (int64_t i = 0; i < f->steps; i++)
        used |= f->step[i].units;
    for (int64_t k = 0; f->tree && k < f->tree->leaves; k++)
        used |= f->tree->story[k].units;
    return used;
}

/* Every setting as it was used: what was `auto` is replaced by what it came to, if that is one value of it. */
static json_t *settings(const agop__fit *f, const agop_settings *s)
{
    const agop__plan *p = &f->plan;
    json_t           *j = json_object();
    int               bad = !j;

    for (int i = 0; agop_setting_at(i); i++) /* where things were kept changes nothing in the model */
        bad |= strncmp(agop_setting_at(i)->verbs, "fit", 3) == 0 && strcmp(agop_setting_at(i)->name, "cache") != 0 &&
               strcmp(agop_setting_at(i)->name, "resume") != 0 &&
               json_object_set_new(j, agop_setting_at(i)->name, setting_value(agop_setting_at(i), s));
    bad |= json_object_set_new(j, "task", json_string(f->target->classification ? "classification" : "regression"));
    if (!f->told && agop__is_auto(s, "kernel"))
        bad |= json_object_set_new(j, "kernel", json_string(kernel_name(f->shape.kind)));
    if (f->shape.kind == AGOP__LPQ)
        bad |= json_object_set_new(j, "norm", json_real(f->shape.norm));
    if (f->shape.kind == AGOP__SUM) {
        bad |= json_object_set_new(j, "const_mix", json_real(f->shape.const_mix));
        bad |= json_object_set_new(j, "power", json_integer(f->shape.power));
    }
    if (p->transform_given || !p->wide_search || f->target->classification)
        bad |= json_object_set_new(j, "target_transform", json_string(agop__transform_name(p->transform)));
    bad |= json_object_set_new(j, "ridge", json_real(f->ridge));
    bad |= json_object_set_new(j, "bandwidth", json_real(p->bandwidth));
    bad |= json_object_set_new(j, "bandwidth_mode", json_string(p->adaptive ? "adaptive" : "constant"));
    bad |= json_object_set_new(j, "iters", json_integer(p->iters));
    bad |= json_object_set_new(j, "shrink", json_real(p->shrink));
    bad |= json_object_set_new(j, "metric", json_string(p->diagonal ? "diagonal" : "full"));
    bad |= json_object_set_new(j, "leaf_size", json_integer(p->leaf_size));
    if (f->tree)
        bad |= json_object_set_new(j, "temperature", json_real(f->tree->tree->temperature));
    bad |= json_object_set_new(j, "dual", json_string(p->thin ? "on" : "off"));
    bad |= json_object_set_new(j, "matrix_units", json_string(used_units(f) ? "on" : "off"));
    if (!f->schema->normal_scores || !agop__is_auto(s, "normal_scores")) /* else it is a matter of the column */
        bad |= json_object_set_new(j, "normal_scores", json_boolean(f->schema->normal_scores));
    bad |= json_object_set_new(j, "all_rows", json_boolean(p->all_rows));
    bad |= json_object_set_new(j, "divisions", json_integer(p->divisions));
    bad |= json_object_set_new(j, "metric_score", json_string(p->look ? p->look : p->score));
    bad |= json_object_set_new(j, "calibrate", json_boolean(f->target->mapped));
    bad |= json_object_set_new(j, "threshold", json_real(f->target->cut ? f->target->threshold : .5));
    bad |= json_object_set_new(j, "memory", json_integer(p->memory));
    if (bad) {
        json_decref(j);
        return NULL;
    }
    return j;
}

static json_t *iterations(const agop__fit *f)
{
    static const char *const route[] = {"none", "gradients", "gram", "dual"};
    json_t *a   = json_array();
    int     bad = !a;

    for (int64_t i = 0; i < f->steps && !bad; i++) {
        const agop__step *s = &f->step[i];
        bad |= json_array_append_new(
            a, json_pack("{s:I, s:I, s:s, s:b, s:o, s:f, s:f, s:i, s:I, s:f, s:f, s:f}", "iter", (json_int_t)s->iter,
                         "rows", (json_int_t)s->rows, "agop_route", route[s->route], "matrix_units", s->units,
                         "validation", agop__json_real(s->validation), "ridge", s->ridge, "bandwidth",
                         s->bandwidth / f->plan.unit, "ridges_tried", s->tries, "cg_steps", (json_int_t)s->cg_steps,
                         "seconds_kernel", s->seconds_kernel, "seconds_solve", s->seconds_solve, "seconds_agop",
                         s->seconds_agop));
    }
    if (bad) {
        json_decref(a);
        return NULL;
    }
    return a;
}

static agop_status validation(json_t **out, const agop__fit *f, agop__err *e)
{
    agop_status st = AGOP_OK;

    *out = NULL;
    if (f->rows.judges)
        TRY(agop__scores_to_json(out, &f->scores, f->target, e));
    else
        *out = json_object();
    if (json_object_set_new(*out, "how", json_string(f->rows.judges ? f->judged_by : "none")) != 0 ||
        json_object_set_new(*out, "rows", json_integer(f->rows.judges)) != 0) {
        json_decref(*out);
        *out = NULL;
        st   = agop__fail_memory(e, 0, "the report");
    }
done:
    return st;
}

/* What a model that hardly looks at the columns, or only along straight lines, scores on the same rows. */
static agop_status comparison(json_t *report, const agop__fit *f, agop__err *e)
{
    const agop__comparison *c = f->beside;
    json_t                 *baseline = NULL, *linear = NULL;
    int                     bad;
    agop_status             st;

    if (c->rows == 0)
        return AGOP_OK;
    TRY(agop__scores_to_json(&baseline, &c->baseline, f->target, e));
    TRY(agop__scores_to_json(&linear, &c->linear, f->target, e));
    bad = json_object_set_new(baseline, "rows", json_integer(c->rows)) |
          json_object_set_new(linear, "rows", json_integer(c->rows)) |
          json_object_set_new(linear, "ridge", json_real(c->ridge)) | json_object_set(report, "baseline", baseline) |
          json_object_set(report, "linear", linear);
    if (bad)
        st = agop__fail_memory(e, 0, "the report");
done:
    json_decref(baseline);
    json_decref(linear);
    return st;
}

static json_t *columns(const agop__schema *schema)
{
    json_t *a   = json_array();
    int     bad = !a;

    for (int64_t i = 0; i < schema->fields && !bad; i++) {
        const agop__field *c = &schema->field[i];
        json_t *one = json_pack("{s:o, s:s}", "name", agop__json_shown(c->name), "type",
                                c->is_text ? "categorical" : "numeric");
        if (c->is_text)
            bad |= json_object_set_new(one, "levels", json_integer(c->levels.count));
        bad |= json_array_append_new(a, one);
    }
    if (bad) {
        json_decref(a);
        return NULL;
    }
    return a;
}

static json_t *machine(const agop__member_story *m, const agop__fit *f)
{
    json_t *j = json_pack("{s:s, s:f, s:s, s:b, s:s, s:f, s:f, s:f, s:f, s:I, s:o, s:f}", "kernel",
                          kernel_name(m->what.kind), "exponent", m->what.exponent, "metric",
                          m->what.diagonal ? "diagonal" : "full", "normal_scores",
                          f->schema->normal_scores && !m->what.plain, "target_transform",
                          agop__transform_name(m->what.transform), "level_height", m->what.height, "weight", m->weight,
                          "ridge", m->ridge, "bandwidth", m->bandwidth / f->plan.unit, "best_iter",
                          (json_int_t)m->best_iter, "validation", agop__json_real(m->validation), "seconds",
                          m->seconds);

    if (m->what.kind == AGOP__LPQ && json_object_set_new(j, "norm", json_real(m->what.norm)) != 0) {
        json_decref(j);
        return NULL;
    }
    return j;
}

/* The machines whose weighted sum is the answer; of a tree those of its first leaf. */
static json_t *members(const agop__fit *f)
{
    json_t *a   = json_array();
    int     bad = !a;

    for (int k = 0; k < f->told && !bad; k++) {
        json_t *j = machine(&f->member[k], f);
        bad |= json_object_set_new(j, "division", json_integer(f->member[k].division));
        bad |= json_array_append_new(a, j);
    }
    if (bad) {
        json_decref(a);
        return NULL;
    }
    return a;
}

/* What was explored on half of the rows, whether it became a machine or not; of a tree, in its first leaf. */
static json_t *tried(const agop__fit *f)
{
    json_t *a   = json_array();
    int     bad = !a;

    for (int k = 0; k < f->tries && !bad; k++) {
        json_t *j = machine(&f->tried[k], f);
        bad |= json_object_set_new(j, "shrink", json_boolean(f->tried[k].what.shrink));
        bad |= json_array_append_new(a, j);
    }
    if (bad) {
        json_decref(a);
        return NULL;
    }
    return a;
}

/* What is told of a tree: its leaves, how deep they lie, how rows are given to them. */
static json_t *tree(const agop__fit *f)
{
    static const char *const rule[] = {"agop", "agop_random", "pca", "pca_random", "linear", "fixed"};
    const agop__grown *g    = f->tree;
    json_t            *list = json_array(), *j;
    int                bad  = !list;

    for (int64_t k = 0; k < g->leaves && !bad; k++) {
        const agop__leaf_story *s = &g->story[k];
        bad |= json_array_append_new(list, json_pack("{s:I, s:I, s:f, s:I, s:o, s:i, s:f}", "tree", (json_int_t)s->tree,
                                                     "rows", (json_int_t)s->rows, "ridge", s->ridge, "best_iter",
                                                     (json_int_t)s->best_iter, "validation",
                                                     agop__json_real(s->validation), "tried", s->tries, "seconds",
                                                     s->seconds));
    }
    j = json_pack("{s:I, s:I, s:I, s:I, s:s, s:f, s:I, s:o}", "trees", (json_int_t)g->tree->trees, "leaves",
                  (json_int_t)g->leaves, "depth", (json_int_t)g->depth, "leaf_size", (json_int_t)f->plan.leaf_size,
                  "split", rule[f->plan.split], "temperature", g->tree->temperature, "leaves_per_row",
                  (json_int_t)g->tree->most, "fits", list);
    if (bad && j) {
        json_decref(j);
        j = NULL;
    }
    return j;
}

/* The solve whose coefficients the model has. */
static json_t *solver(const agop__fit *f)
{
    const char *method = f->plan.logistic ? "newton" : f->cg_steps ? "cg" : "direct";

    return json_pack("{s:s, s:f, s:o, s:i, s:I, s:I, s:b, s:b, s:I}", "method", method,
                     "bandwidth", f->shape.bandwidth / f->plan.unit, "residual",
                     f->residual < 0 ? json_null() : agop__json_real(f->residual), "refinements", f->refinements,
                     "steps", (json_int_t)f->cg_steps, "rank", (json_int_t)f->cg_rank, "matrix_free", f->matrix_free,
                     "double", f->in_double, "centres", (json_int_t)f->centres);
}

agop_status agop__fit_report(char **out, const agop__fit *f, const agop_settings *s)
{
    agop__err  *e      = &f->ctx->err;
    json_t     *judged = NULL, *j = NULL, *classes = NULL;
    static const char *const stopped[] = {"no", "by the caller", "by the time limit"};
    agop_status st;

    *out = NULL;
    TRY(validation(&judged, f, e));
    j = json_pack("{s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:I, s:O, s:s, s:o, s:f, s:f, s:I, s:o, s:o}", "task",
                  f->target->classification ? "classification" : "regression", "n", (json_int_t)f->rows.n, "d",
                  (json_int_t)f->schema->fields, "features", (json_int_t)agop__schema_features(f->schema), "outputs",
                  (json_int_t)f->target->outputs, "settings", settings(f, s), "iterations", iterations(f), "best_iter",
                  (json_int_t)f->step[f->best].iter, "validation", judged, "stopped", stopped[f->stopped], "solver",
                  solver(f), "seconds_last_solve", f->seconds_final, "seconds", agop__now() - f->started,
                  "peak_bytes", (json_int_t)agop__peak_bytes(), "columns", columns(f->schema),
                  "target", agop__json_shown(f->target->list));
    if (j)
        TRY(comparison(j, f, e));
    if (j && f->told && json_object_set_new(j, "members", members(f)) != 0)
        goto done;
    if (j && f->tries && json_object_set_new(j, "tried", tried(f)) != 0)
        goto done;
    if (j && f->tree && json_object_set_new(j, "tree", tree(f)) != 0)
        goto done;
    if (j && f->target->mapped && json_object_set_new(j, "probability_map", agop__json_reals(f->target->map, 2)) != 0)
        goto done;
    if (j && f->target->classification) {
        int bad = json_object_set_new(j, "classes", classes = json_array());
        for (int64_t k = 0; k < f->target->classes.count && !bad; k++)
            bad = json_array_append_new(classes, agop__json_shown(f->target->classes.text[k]));
        if (bad)
            goto done;
    }
    *out = j ? agop__json_dump(j, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) : NULL;
done:
    json_decref(j);
    json_decref(judged);
    if (st == AGOP_OK && !*out)
        st = agop__fail_memory(e, 0, "the report");
    return st;
}
