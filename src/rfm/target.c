/* target.c - targets of a table as outputs of a kernel machine, and back; see target.h. */
#include "rfm/target.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/sort.h"
#include "io/json.h"
#include "solve/logistic.h"

enum { MANY_CLASSES = 1000, FEW_INTEGERS = 20 };

/* ---- names ---- */

static agop_status split_names(agop__target *g, const char *list, agop__err *e)
{
    agop__dict  seen = {0};
    int64_t     at   = 0;
    agop_status st   = AGOP_OK;

    g->columns = 1;
    for (const char *p = list; *p; p++)
        g->columns += *p == ',';
    g->list = agop__strdup(list);
    g->name = agop__calloc(g->columns, sizeof *g->name);
    if (!g->list || !g->name)
        return agop__fail_memory(e, 0, "target names");
    for (const char *p = list; at < g->columns; p++) {
        size_t  k      = strcspn(p, ",");
        char   *one    = g->name[at] = agop__malloc((int64_t)k + 1, 1);
        int64_t number = one ? agop__dict_add(&seen, p, k) : -1;
        if (number < 0) {
            st = agop__fail_memory(e, 0, "target names");
            goto done;
        }
        memcpy(one, p, k);
        one[k] = '\0';
        if (number < at++) {
            st = agop__fail(e, AGOP_E_PARAM, "target names '%.60s' twice", one);
            goto done;
        }
        p += k;
    }
done:
    agop__dict_free(&seen);
    return st;
}

static agop_status find_columns(int64_t *where, const agop__target *g, const agop_table *t, agop__err *e)
{
    for (int64_t k = 0; k < g->columns; k++) {
        where[k] = agop__table_find(t, g->name[k]);
        if (where[k] < 0)
            return agop__fail(e, AGOP_E_DATA, "target column '%.80s' is missing", g->name[k]);
    }
    return AGOP_OK;
}

/* ---- classes ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Distinct numbers of a column, rising, up to `most`; *count = most + 1 when there are more. */
static agop_status distinct_numbers(double **out, int64_t *count, const agop_table *t, int64_t col, int64_t most,
                                    agop__err *e)
{
    double *v = agop__malloc(t->rows, sizeof *v);
    int64_t n = 0, k = 0;

    if (!v)
        return agop__fail_memory(e, 8.0 * (double)t->rows, "classes");
    for (int64_t i = 0; i < t->rows; i++) {
        double x = agop__table_at(t, i, col);
        if (!isnan(x))
            v[n++] = x;
    }
    qsort(v, (size_t)n, sizeof *v, agop__rising);
    for (int64_t i = 0; i < n; i++)
        if (k == 0 || v[i] != v[k - 1]) {
            if (k > most)
                break;
            v[k++] = v[i];
        }
    *out   = v;
    *count = k;
    return AGOP_OK;
}

static agop_status text_classes(agop__target *g, const agop__column *c, int64_t rows, agop__err *e)
{
    const char **sorted = NULL;
    char        *seen   = agop__calloc(c->levels.count, 1);
    int64_t      k      = 0;
    agop_status  st     = AGOP_OK;

    sorted = agop__malloc(c->levels.count, sizeof *sorted);
    if (!sorted || !seen) {
        st = agop__fail_memory(e, 0, "classes");
        goto done;
    }
    for (int64_t i = 0; i < rows; i++) {
        int32_t level = agop__column_code(c, i);
        if (level >= 0)
            seen[level] = 1;
    }
    for (int64_t i = 0; i < c->levels.count; i++)
        if (seen[i])
            sorted[k++] = c->levels.text[i];
    qsort(sorted, (size_t)k, sizeof *sorted, by_text);
    for (int64_t i = 0; i < k; i++)
        if (agop__dict_add(&g->classes, sorted[i], strlen(sorted[i])) < 0) {
            st = agop__fail_memory(e, 0, "classes");
            goto done;
        }
done:
    free(seen);
    free(sorted);
    return st;
}

static agop_status number_classes(agop__target *g, const agop_table *t, int64_t col, agop__err *e)
{
    double     *v = NULL;
    int64_t     k = 0;
    char        text[AGOP__NUMBER_TEXT];
    agop_status st;

    TRY(distinct_numbers(&v, &k, t, col, MANY_CLASSES, e));
    if (k > MANY_CLASSES) {
        st = agop__fail(e, AGOP_E_DATA, "target '%.80s' has more than %d distinct numbers: use --task regression",
                        g->name[0], MANY_CLASSES);
        goto done;
    }
    for (int64_t i = 0; i < k; i++) {
        if (agop__dict_add(&g->classes, text, agop__number_text(text, v[i])) < 0) {
            st = agop__fail_memory(e, 0, "classes");
            goto done;
        }
    }
done:
    free(v);
    return st;
}

/* ---- which task ---- */

static agop_status choose_task(agop__target *g, agop_ctx *ctx, const agop_table *t, const int64_t *where,
                               const agop_settings *s)
{
    double     *v = NULL;
    int64_t     k = 0, texts = 0;
    int         integers = 1;
    agop_status st       = AGOP_OK;

    for (int64_t i = 0; i < g->columns; i++)
        texts += t->column[where[i]].is_text;
    if (agop__choice(s, "task", "regression")) {
        if (texts)
            st = agop__fail(&ctx->err, AGOP_E_DATA, "target '%.80s' holds text: a regression needs numbers", g->list);
        goto done;
    }
    if (agop__choice(s, "task", "classification") || texts) {
        g->classification = 1;
        if (g->columns > 1)
            st = agop__fail(&ctx->err, AGOP_E_DATA, "classification takes one target column, not %lld",
                            (long long)g->columns);
        goto done;
    }
    if (g->columns > 1)
        goto done;
    TRY(distinct_numbers(&v, &k, t, where[0], FEW_INTEGERS, &ctx->err));
    for (int64_t i = 0; i < k; i++)
        integers = integers && v[i] == floor(v[i]);
    if (integers && k >= 2 && k <= FEW_INTEGERS && (k == 2 || 5 * k <= t->rows)) {
        g->classification = 1;
        agop__note(ctx, "target '%.80s' holds %lld distinct whole numbers, taken as classes (else: --task regression)",
                   g->name[0], (long long)k);
    }
done:
    free(v);
    return st;
}

/* ---- learning ---- */

static agop_status learn_classes(agop__target *g, agop_ctx *ctx, const agop_table *t, int64_t col,
                                 const agop_settings *s, const char *keep, const double *weight)
{
    const agop__column *c     = &t->column[col];
    double              total = 0, *truth = NULL;
    agop_status         st;

    g->is_text = c->is_text;
    g->code    = agop__choice(s, "class_code", "onehot") ? AGOP__CODE_ONEHOT : AGOP__CODE_PREVALENCE;
    if (c->is_text)
        TRY(text_classes(g, c, t->rows, &ctx->err));
    else
        TRY(number_classes(g, t, col, &ctx->err));
    if (agop__choice(s, "loss", "logistic"))
        g->link = AGOP__LINK_SOFTMAX;
    if (g->classes.count < 2) {
        st = agop__fail(&ctx->err, AGOP_E_DATA, "target '%.80s' has %s: two classes are needed", g->name[0],
                        g->classes.count ? "only one class" : "no values");
        goto done;
    }
    if (g->classes.count > FEW_INTEGERS && 2 * g->classes.count > t->rows) {
        st = agop__fail(&ctx->err, AGOP_E_DATA,
                        "target '%.80s' has %lld different values in %lld rows: these are no classes", g->name[0],
                        (long long)g->classes.count, (long long)t->rows);
        goto done;
    }
    if (g->classes.count > MANY_CLASSES) {
        st = agop__fail(&ctx->err, AGOP_E_DATA, "target '%.80s' has %lld distinct texts, more than %d classes",
                        g->name[0], (long long)g->classes.count, MANY_CLASSES);
        goto done;
    }
    g->outputs = g->code == AGOP__CODE_PREVALENCE || g->classes.count == 2 ? g->classes.count - 1 : g->classes.count;
    g->prior   = agop__calloc(g->classes.count, sizeof *g->prior);
    truth      = agop__malloc(t->rows, sizeof *truth);
    if (!g->prior || !truth) {
        st = agop__fail_memory(&ctx->err, 8.0 * (double)t->rows, "classes");
        goto done;
    }
    TRY(agop__target_truth(truth, g, ctx, t));
    for (int64_t i = 0; i < t->rows; i++)
        if (keep[i]) {
            double w = weight ? weight[i] : 1;
            g->prior[(int64_t)truth[i]] += w;
            total += w;
        }
    for (int64_t k = 0; k < g->classes.count; k++)
        g->prior[k] /= total;
done:
    free(truth);
    return st;
}

/* Distances shorter than this lose digits when they are squared. */
static const double SHORTEST = 1e-150;

/* Two passes, the first around the first value, so that a large offset costs no digits. */
static agop_status learn_numbers(agop__target *g, agop_ctx *ctx, const agop_table *t, const int64_t *where,
                                 const agop_settings *s, const char *keep, const double *weight)
{
    g->outputs = g->columns;
    g->mean    = agop__calloc(g->columns, sizeof *g->mean);
    g->spread  = agop__calloc(g->columns, sizeof *g->spread);
    if (!g->mean || !g->spread)
        return agop__fail_memory(&ctx->err, 0, "targets");
    for (int64_t k = 0; k < g->columns; k++) {
        double sum = 0, square = 0, total = 0, longest = 0, first = NAN;
        for (int64_t i = 0; i < t->rows; i++)
            if (keep[i]) {
                double w = weight ? weight[i] : 1, y = agop__table_at(t, i, where[k]);
                first = isnan(first) ? y : first;
                sum += w * (y - first);
                total += w;
            }
        g->mean[k] = first + sum / total;
        for (int64_t i = 0; i < t->rows; i++)
            if (keep[i]) {
                double d = agop__table_at(t, i, where[k]) - g->mean[k];
                square += (weight ? weight[i] : 1) * d * d;
                longest = fmax(longest, fabs(d));
            }
        g->spread[k] = sqrt(square / total);
        if (!isfinite(g->spread[k]) || !isfinite(g->mean[k]))
            return agop__fail(&ctx->err, AGOP_E_DATA, "target '%.80s' has numbers too large to square", g->name[k]);
        if (longest < SHORTEST && longest > 1e-14 * fabs(g->mean[k]))
            return agop__fail(&ctx->err, AGOP_E_DATA, "target '%.80s' has numbers too small to square: rescale it",
                              g->name[k]);
        if (!(g->spread[k] > 1e-14 * fabs(g->mean[k]))) {
            agop__note(ctx, "target '%.80s' is constant", g->name[k]);
            g->spread[k] = 1;
        }
        if (agop__choice(s, "scale_target", "none"))
            g->spread[k] = 1;
    }
    return AGOP_OK;
}

/* Rows with all targets there. */
static agop_status mark_rows(char *keep, agop_ctx *ctx, const agop__target *g, const agop_table *t,
                             const int64_t *where)
{
    int64_t left_out = 0;
    for (int64_t i = 0; i < t->rows; i++) {
        keep[i] = 1;
        for (int64_t k = 0; k < g->columns; k++) {
            const agop__column *c = &t->column[where[k]];
            if (c->is_text ? agop__column_code(c, i) < 0 : isnan(agop__table_at(t, i, where[k])))
                keep[i] = 0;
        }
        left_out += !keep[i];
    }
    if (left_out == t->rows)
        return agop__fail(&ctx->err, AGOP_E_DATA, "no row has a target in column '%.80s'", g->list);
    if (left_out)
        agop__note(ctx, "%lld rows without a target left out", (long long)left_out);
    return AGOP_OK;
}

agop_status agop__target_learn(agop__target *out, char **keep, agop_ctx *ctx, const agop_table *t,
                               const agop_settings *s, const double *weight)
{
    const char *list  = agop__table_targets(t, agop__text(s, "target")); /* "y.npy" is a column by now */
    int64_t    *where = NULL;
    agop_status st;

    memset(out, 0, sizeof *out);
    *keep = NULL;
    if (!*list)
        return agop__fail(&ctx->err, AGOP_E_PARAM, "no target is named: use --target COL");
    TRY(split_names(out, list, &ctx->err));
    where = agop__malloc(out->columns, sizeof *where);
    *keep = agop__malloc(t->rows, 1);
    if (!where || !*keep) {
        st = agop__fail_memory(&ctx->err, (double)t->rows, "targets");
        goto done;
    }
    TRY(find_columns(where, out, t, &ctx->err));
    TRY(choose_task(out, ctx, t, where, s));
    TRY(mark_rows(*keep, ctx, out, t, where));
    if (out->classification)
        TRY(learn_classes(out, ctx, t, where[0], s, *keep, weight));
    else
        TRY(learn_numbers(out, ctx, t, where, s, *keep, weight));
done:
    free(where);
    if (st != AGOP_OK) {
        free(*keep);
        *keep = NULL;
        agop__target_free(out);
    }
    return st;
}

void agop__target_free(agop__target *g)
{
    for (int64_t k = 0; g->name && k < g->columns; k++)
        free(g->name[k]);
    free(g->name);
    free(g->list);
    free(g->mean);
    free(g->spread);
    free(g->prior);
    agop__dict_free(&g->classes);
    memset(g, 0, sizeof *g);
}

/* ---- truth ---- */

static agop_status class_truth(double *truth, const agop__target *g, agop_ctx *ctx, const agop_table *t, int64_t col)
{
    const agop__column *c   = &t->column[col];
    double             *map = NULL; /* level of the table -> class */
    char                text[AGOP__NUMBER_TEXT];

    if (c->is_text) {
        map = agop__malloc(c->levels.count, sizeof *map);
        if (!map)
            return agop__fail_memory(&ctx->err, 0, "classes");
        for (int64_t k = 0; k < c->levels.count; k++)
            map[k] = (double)agop__dict_find(&g->classes, c->levels.text[k], c->levels.length[k]);
    }
    for (int64_t i = 0; i < t->rows; i++) {
        if (c->is_text) {
            int32_t level = agop__column_code(c, i);
            truth[i]      = level >= 0 ? map[level] : level == -1 ? (double)NAN : -1;
        } else {
            double v = agop__table_at(t, i, col);
            truth[i] = isnan(v) ? (double)NAN : (double)agop__dict_find(&g->classes, text, agop__number_text(text, v));
        }
    }
    free(map);
    return AGOP_OK;
}

agop_status agop__target_truth(double *truth, const agop__target *g, agop_ctx *ctx, const agop_table *t)
{
    int64_t    *where = agop__malloc(g->columns, sizeof *where);
    agop_status st    = AGOP_OK;

    if (!where)
        return agop__fail_memory(&ctx->err, 0, "targets");
    TRY(find_columns(where, g, t, &ctx->err));
    if (g->classification) {
        TRY(class_truth(truth, g, ctx, t, where[0]));
        goto done;
    }
    for (int64_t k = 0; k < g->columns; k++) {
        if (t->column[where[k]].is_text) {
            st = agop__fail(&ctx->err, AGOP_E_DATA, "target column '%.80s' holds text where numbers are expected",
                            g->name[k]);
            goto done;
        }
        for (int64_t i = 0; i < t->rows; i++)
            truth[i * g->columns + k] = agop__table_at(t, i, where[k]);
    }
done:
    free(where);
    return st;
}

int agop__target_known(const agop__target *g, const double *truth)
{
    for (int64_t k = 0; k < g->columns; k++)
        if (isnan(truth[k]))
            return 0;
    return 1;
}

/* ---- codes ---- */

int64_t agop__target_width(const agop__target *g)
{
    return g->classification ? g->classes.count : g->columns;
}

void agop__target_encode(double *y, const agop__target *g, const double *truth)
{
    int64_t k = g->classification ? (int64_t)truth[0] : 0;

    for (int64_t j = 0; j < g->outputs; j++) {
        if (!g->classification) {
            y[j] = (truth[j] - g->mean[j]) / g->spread[j];
        } else if (g->code == AGOP__CODE_ONEHOT) {
            y[j] = g->outputs == 1 ? k == 1 : k == j;
        } else {
            y[j] = agop__helmert(k, j);
            for (int64_t i = 0; i <= j + 1; i++)
                y[j] -= g->prior[i] * agop__helmert(i, j);
        }
    }
}

void agop__target_values(double *values, const agop__target *g, const double *y)
{
    for (int64_t j = 0; j < g->columns; j++)
        values[j] = agop__target_score(g, y, j);
}

double agop__target_score(const agop__target *g, const double *y, int64_t k)
{
    double p;

    if (!g->classification)
        return g->mean[k] + g->spread[k] * y[k];
    if (g->code == AGOP__CODE_ONEHOT)
        return g->outputs > 1 ? y[k] : k ? y[0] : 1 - y[0];
    p = g->link == AGOP__LINK_SOFTMAX ? log(fmax(g->prior[k], 1e-300)) : g->prior[k];
    for (int64_t j = k ? k - 1 : 0; j < g->outputs; j++)
        p += agop__helmert(k, j) * y[j];
    return p;
}

void agop__target_probabilities(double *p, const agop__target *g, const double *y)
{
    int64_t K   = g->classes.count;
    double  sum = 0;

    if (g->link == AGOP__LINK_SOFTMAX) {
        agop__softmax(p, g->prior, K, y);
        return;
    }
    for (int64_t k = 0; k < K; k++) {
        p[k] = agop__target_score(g, y, k);
        p[k] = !(p[k] > .001) ? .001 : p[k] > .999 ? .999 : p[k];
        sum += p[k];
    }
    for (int64_t k = 0; k < K; k++)
        p[k] /= sum;
    if (g->mapped)
        agop__target_map(p, K, g->map);
}

void agop__target_map(double *p, int64_t classes, const double *map)
{
    double top = -INFINITY, sum = 0;

    for (int64_t k = 0; k < classes; k++) {
        p[k] = map[0] * log(p[k]) + map[1] * p[k];
        top  = fmax(top, p[k]);
    }
    for (int64_t k = 0; k < classes; k++)
        sum += p[k] = exp(p[k] - top);
    for (int64_t k = 0; k < classes; k++)
        p[k] /= sum;
}

int64_t agop__target_decide(const agop__target *g, const double *p)
{
    int64_t best = 0;

    if (g->cut)
        return p[1] >= g->threshold;
    for (int64_t k = 1; k < g->classes.count; k++)
        if (p[k] > p[best])
            best = k;
    return best;
}

/* ---- JSON ---- */

/* Code, link and whether there is a map are one word, so that a reader that does not know them refuses the file. */
static const char *const code_names[] = {"prevalence", "onehot", "logistic", "prevalence mapped", "onehot mapped"};
enum { LOGISTIC = 2, MAPPED, CODES = MAPPED + 2 };

static int code_number(const agop__target *g)
{
    return g->link == AGOP__LINK_SOFTMAX ? LOGISTIC : g->mapped ? MAPPED + g->code : g->code;
}

agop_status agop__target_to_json(json_t **out, const agop__target *g, agop__err *e)
{
    json_t *j = json_object();
    int     bad = json_object_set_new(j, "classification", json_boolean(g->classification)) |
              json_object_set_new(j, "columns", agop__json_texts(g->name, g->columns));

    if (g->classification) {
        bad |= json_object_set_new(j, "is_text", json_boolean(g->is_text)) |
               json_object_set_new(j, "code", json_string(code_names[code_number(g)])) |
               json_object_set_new(j, "classes", agop__json_texts(g->classes.text, g->classes.count)) |
               json_object_set_new(j, "prior", agop__json_reals(g->prior, g->classes.count));
        if (g->mapped)
            bad |= json_object_set_new(j, "map", agop__json_reals(g->map, 2));
        if (g->cut)
            bad |= json_object_set_new(j, "threshold", agop__json_reals(&g->threshold, 1));
    } else {
        bad |= json_object_set_new(j, "mean", agop__json_reals(g->mean, g->columns)) |
               json_object_set_new(j, "spread", agop__json_reals(g->spread, g->columns));
    }
    if (bad) {
        json_decref(j);
        *out = NULL;
        return agop__fail_memory(e, 0, "the target's description");
    }
    *out = j;
    return AGOP_OK;
}

static agop_status read_reals(double **out, const json_t *a, int64_t n, double low, const char *what, agop__err *e)
{
    if (!json_is_array(a) || (int64_t)json_array_size(a) != n)
        return agop__fail(e, AGOP_E_FORMAT, "damaged model: target '%s' is not a list of %lld numbers", what,
                          (long long)n);
    *out = agop__calloc(n, sizeof **out);
    if (!*out)
        return agop__fail_memory(e, 0, "a model");
    for (int64_t i = 0; i < n; i++) {
        (*out)[i] = json_number_value(json_array_get(a, (size_t)i));
        if (!json_is_number(json_array_get(a, (size_t)i)) || !isfinite((*out)[i]) || !((*out)[i] >= low))
            return agop__fail(e, AGOP_E_FORMAT, "damaged model: target '%s' holds a value that cannot be", what);
    }
    return AGOP_OK;
}

static agop_status read_names(agop__target *g, const json_t *a, agop__err *e)
{
    agop__buffer list = {0};

    g->columns = (int64_t)json_array_size(a);
    g->name    = agop__calloc(g->columns, sizeof *g->name);
    if (!g->name)
        return agop__fail_memory(e, 0, "a model");
    for (int64_t k = 0; k < g->columns; k++) {
        size_t length = 0;
        int    found  = agop__json_text_in(&g->name[k], &length, json_array_get(a, (size_t)k));
        if (found == 0 || (found > 0 && (length == 0 || strchr(g->name[k], ',')))) {
            agop__buffer_free(&list);
            return agop__fail(e, AGOP_E_FORMAT, "damaged model: a target column has no usable name");
        }
        if (found < 0)
            list.failed = 1;
        else
            agop__buffer_print(&list, "%s%s", k ? "," : "", g->name[k]);
    }
    g->list = list.text;
    if (list.failed || !g->list)
        return agop__fail_memory(e, 0, "a model");
    return AGOP_OK;
}

/* One that is rising (calibrate.c). */
static agop_status read_map(agop__target *g, const json_t *j, agop__err *e)
{
    double     *map = NULL;
    agop_status st;

    g->mapped = 1;
    TRY(read_reals(&map, json_object_get(j, "map"), 2, -1e12, "map", e));
    memcpy(g->map, map, sizeof g->map);
    if (!(map[0] > 0) || !(map[0] + map[1] > 0) || !(fabs(map[0]) + fabs(map[1]) < 1e12))
        st = agop__fail(e, AGOP_E_FORMAT, "damaged model: target 'map' holds a value that cannot be");
done:
    free(map);
    return st;
}

static agop_status read_threshold(agop__target *g, const json_t *list, agop__err *e)
{
    double     *v = NULL;
    agop_status st;

    TRY(read_reals(&v, list, 1, 0, "threshold", e));
    g->cut       = 1;
    g->threshold = v[0];
    if (g->classes.count != 2 || !(v[0] <= 1))
        st = agop__fail(e, AGOP_E_FORMAT, "damaged model: target 'threshold' holds a value that cannot be");
done:
    free(v);
    return st;
}

static agop_status read_classes(agop__target *g, const json_t *j, agop__err *e)
{
    const json_t *a    = json_object_get(j, "classes");
    const char   *code = json_string_value(json_object_get(j, "code"));
    size_t        n    = json_array_size(a);
    int           at   = 0;

    while (code && at < CODES && strcmp(code, code_names[at]) != 0)
        at++;
    if (n < 2 || n > MANY_CLASSES || !code || at == CODES || g->columns != 1)
        return agop__fail(e, AGOP_E_FORMAT, "damaged model: its classes cannot be read");
    for (size_t k = 0; k < n; k++) {
        char   *s      = NULL;
        size_t  length = 0;
        int     found  = agop__json_text_in(&s, &length, json_array_get(a, k));
        int64_t number = found > 0 ? agop__dict_add(&g->classes, s, length) : 0;
        free(s);
        if (found < 0 || number < 0)
            return agop__fail_memory(e, 0, "a model");
        if (!found || number != (int64_t)k) /* no text, or there already */
            return agop__fail(e, AGOP_E_FORMAT, "damaged model: its classes cannot be read");
    }
    g->is_text = json_is_true(json_object_get(j, "is_text"));
    g->code    = at == LOGISTIC ? AGOP__CODE_PREVALENCE : at % MAPPED;
    g->link    = at == LOGISTIC ? AGOP__LINK_SOFTMAX : AGOP__LINK_LINEAR;
    g->outputs = g->code == AGOP__CODE_PREVALENCE || n == 2 ? (int64_t)n - 1 : (int64_t)n;
    if (at >= MAPPED) {
        agop_status st = read_map(g, j, e);
        if (st != AGOP_OK)
            return st;
    }
    if (json_object_get(j, "threshold")) {
        agop_status st = read_threshold(g, json_object_get(j, "threshold"), e);
        if (st != AGOP_OK)
            return st;
    }
    return read_reals(&g->prior, json_object_get(j, "prior"), (int64_t)n, 0, "prior", e);
}

agop_status agop__target_from_json(agop__target *out, const json_t *j, agop__err *e)
{
    const json_t *names = json_object_get(j, "columns");
    agop_status   st;

    memset(out, 0, sizeof *out);
    if (json_array_size(names) == 0 || json_array_size(names) > 1000000)
        return agop__fail(e, AGOP_E_FORMAT, "damaged model: it names no target");
    TRY(read_names(out, names, e));
    out->classification = json_is_true(json_object_get(j, "classification"));
    if (out->classification) {
        TRY(read_classes(out, j, e));
        goto done;
    }
    out->outputs = out->columns;
    TRY(read_reals(&out->mean, json_object_get(j, "mean"), out->columns, -INFINITY, "mean", e));
    TRY(read_reals(&out->spread, json_object_get(j, "spread"), out->columns, 1e-300, "spread", e));
done:
    if (st != AGOP_OK)
        agop__target_free(out);
    return st;
}
