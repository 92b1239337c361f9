/* cv.c - agop_cv: how good a fit is on rows that it has not seen, by cross-validation.
 *
 * The rows are dealt into parts (folds.c); every part is predicted by a fit of the others, which is agop_fit itself, so
 * that whatever it chooses is chosen without the rows that judge. Beside it stand a constant and a linear model
 * (linear.h) of the same rows. What is reported of a score over J fits is its mean and the standard error of that mean,
 *     sqrt((1/J + n_judged / n_learned) s^2),   s^2 the variance over the fits,
 * the corrected one of Nadeau and Bengio (Machine Learning 52, 2003): the fits share most of their rows, which s^2 / J
 * would ignore. Differences are taken fit by fit. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "io/json.h"
#include "rfm/folds.h"
#include "rfm/linear.h"
#include "rfm/model.h"

enum { BLOCK = 4096, STEPS = 1000, OURS = 0, BASELINE = 1, LINEAR = 2, MODELS = 3 };

static const char *const models[MODELS] = {"model", "baseline", "linear"};

typedef struct one_fit {
    int64_t repeat, fold, learned, judged;
    int     cut; /* by its share of the time limit */
    double  seconds;
    json_t *scores[MODELS];
} one_fit;

typedef struct cross {
    agop_ctx         *ctx;
    const agop_table *t;
    agop_settings    *own; /* task and columns settled */
    agop__target      target;
    char             *keep;
    double           *truth;
    int64_t          *group, groups; /* group of every row, or NULL */
    int32_t          *fold;
    int32_t           folds;
    int64_t           repeats, width;
    double           *sum, *count; /* predictions of every row: rows x width; rows */
    one_fit          *fit;         /* folds x repeats; the first `fits` are done */
    int64_t           fits;
    double            started, limit; /* 0: none */
    int               asked;          /* the caller wants an end */
    agop_progress_fn *progress;
    void             *progress_user;
} cross;

/* ---- what is dealt ---- */

/* Numbers of groups in order of arrival: a text is its code, a number is found by its text; missing is one more. */
static agop_status number_groups(cross *c, const agop__column *column, agop__err *e)
{
    agop__dict  seen = {0};
    char        text[AGOP__NUMBER_TEXT];
    agop_status st = AGOP_OK;

    for (int64_t i = 0; i < c->t->rows; i++) {
        int64_t level = -1;
        if (column->is_text) {
            level = agop__column_code(column, i);
        } else if (!isnan(agop__column_at(column, i))) {
            level = agop__dict_add(&seen, text, agop__number_text(text, agop__column_at(column, i)));
            if (level < 0) {
                st = agop__fail_memory(e, 0, "groups");
                goto done;
            }
        }
        c->group[i] = level < 0 ? 0 : level + 1;
    }
    c->groups = 1 + (column->is_text ? column->levels.count : seen.count);
done:
    agop__dict_free(&seen);
    return st;
}

static agop_status read_groups(cross *c, const agop_settings *s)
{
    const char  *name = agop__text(s, "groups"), *drop = agop__text(s, "drop");
    int64_t      col  = agop__table_find(c->t, name);
    agop__buffer list = {0};
    agop_status  st;

    if (!*name)
        return AGOP_OK;
    if (col < 0)
        return agop__no_column(&c->ctx->err, NULL, name, strlen(name), "groups", &c->t->names);
    if (agop__name_in(name, c->target.list))
        return agop__fail(&c->ctx->err, AGOP_E_PARAM, "column '%.80s' cannot be both the target and the groups", name);
    c->group = agop__malloc(c->t->rows, sizeof *c->group);
    if (!c->group)
        return agop__fail_memory(&c->ctx->err, 8.0 * (double)c->t->rows, "groups");
    TRY(number_groups(c, &c->t->column[col], &c->ctx->err));
    agop__buffer_print(&list, "%s%s%s", drop, *drop ? "," : "", name); /* nothing is learned from it */
    st = list.failed ? agop__fail_memory(&c->ctx->err, 0, "groups")
                     : agop__settings_put(c->own, &c->ctx->err, "drop", list.text);
done:
    agop__buffer_free(&list);
    return st;
}

/* Task and classes are those of all rows, so that a part of them is not taken for something else. */
static agop_status settle(cross *c, const agop_settings *s)
{
    agop_ctx   *ctx = c->ctx;
    agop_status st;

    c->folds   = (int32_t)agop__int(s, "folds", 5);
    c->repeats = agop__int(s, "repeats", 1);
    c->limit   = agop__real(s, "time_limit", 0);
    if (*agop__text(s, "resume")) {
        st = agop__fail(&ctx->err, AGOP_E_PARAM, "a cross-validation is not taken up again: leave --resume away");
        goto done;
    }
    TRY(agop__settings_copy(&c->own, s, &ctx->err));
    TRY(agop__target_learn(&c->target, &c->keep, ctx, c->t, s, NULL));
    TRY(agop__settings_put(c->own, &ctx->err, "task", c->target.classification ? "classification" : "regression"));
    TRY(read_groups(c, s));
    c->width = agop__target_width(&c->target);
    c->truth = agop__malloc(c->t->rows * c->target.columns, sizeof *c->truth);
    c->fold  = agop__malloc(c->t->rows, sizeof *c->fold);
    c->sum   = agop__calloc(c->t->rows * c->width, sizeof *c->sum);
    c->count = agop__calloc(c->t->rows, sizeof *c->count);
    c->fit   = agop__calloc(c->folds * c->repeats, sizeof *c->fit);
    if (!c->truth || !c->fold || !c->sum || !c->count || !c->fit) {
        st = agop__fail_memory(&ctx->err, 8.0 * (double)(c->t->rows * c->width), "predictions");
        goto done;
    }
    TRY(agop__target_truth(c->truth, &c->target, ctx, c->t));
done:
    return st;
}

static agop_status deal(cross *c, int64_t repeat)
{
    agop__err   *e = &c->ctx->err;
    agop__folds  f = {0};
    agop_status  st;

    TRY(agop__folds_open(&f, c->keep, c->group, c->groups, c->t->rows, (uint64_t)agop__int(c->own, "seed", 0),
                         (uint64_t)repeat, e));
    if (f.groups < c->folds)
        TRY(agop__fail(e, AGOP_E_DATA, "%d folds of %lld %s: take --folds %lld or fewer", (int)c->folds,
                       (long long)f.groups, c->group ? "groups" : "usable rows", (long long)f.groups));
    TRY(agop__folds_deal(c->fold, &f, c->folds, c->target.classification ? c->truth : NULL, c->target.classes.count,
                         c->t->rows, e));
done:
    agop__folds_close(&f);
    return st;
}

/* ---- one fold ---- */

typedef struct part {
    int64_t    *row, n;
    agop_table *t;
} part;

static void close_part(part *p)
{
    agop_table_free(p->t);
    free(p->row);
}

/* The rows of a fold, or all others. */
static agop_status open_part(part *p, const cross *c, int32_t fold, int others)
{
    agop_status st;

    p->row = agop__malloc(c->t->rows, sizeof *p->row);
    if (!p->row)
        return agop__fail_memory(&c->ctx->err, 8.0 * (double)c->t->rows, "rows of a fold");
    for (int64_t i = 0; i < c->t->rows; i++)
        if (c->fold[i] >= 0 && (c->fold[i] == fold) != others)
            p->row[p->n++] = i;
    st = agop__table_subset(&p->t, c->t, p->row, p->n, agop__text(c->own, "cache"), &c->ctx->err);
    return st;
}

/* Predictions of a fit's classes as those of all classes: one that it never saw has probability 0. */
static void widen(double *out, const double *p, const cross *c, const agop__target *g, int64_t rows)
{
    int64_t own = agop__target_width(g);

    memset(out, 0, (size_t)(rows * c->width) * sizeof *out);
    for (int64_t k = 0; k < own; k++) {
        int64_t to = k;
        if (g->classification)
            to = agop__dict_find(&c->target.classes, g->classes.text[k], g->classes.length[k]);
        for (int64_t i = 0; i < rows; i++)
            out[i * c->width + to] = p[i * own + k];
    }
}

static agop_status score(one_fit *fit, int who, const cross *c, const part *judges, const double *p,
                         const agop__target *own)
{
    agop__target g       = c->target; /* decides as `own` does, where there is one */
    int64_t      columns = c->target.columns;
    double      *truth   = agop__malloc(judges->n * columns, sizeof *truth);
    agop__scores s = {0};
    agop_status  st;

    if (!truth)
        return agop__fail_memory(&c->ctx->err, 8.0 * (double)judges->n, "scores");
    for (int64_t i = 0; i < judges->n; i++)
        memcpy(truth + i * columns, c->truth + judges->row[i] * columns, (size_t)columns * sizeof *truth);
    if (own) {
        g.cut       = own->cut;
        g.threshold = own->threshold;
    }
    TRY(agop__scores_make(&s, &g, p, truth, NULL, judges->n, &c->ctx->err));
    TRY(agop__scores_to_json(&fit->scores[who], &s, &c->target, &c->ctx->err));
done:
    agop__scores_free(&s);
    free(truth);
    return st;
}

/* Encoded rows of a part, a block of them. */
typedef struct encoded {
    agop__design d;
    double      *x, *Y, *weight, *y;
    int32_t     *code;
    int64_t     *row;
} encoded;

static void close_encoded(encoded *n)
{
    agop__design_close(&n->d);
    free(n->x);
    free(n->Y);
    free(n->weight);
    free(n->y);
    free(n->code);
    free(n->row);
}

static agop_status open_encoded(encoded *n, const cross *c, const agop_model *m, int64_t rows)
{
    const agop__schema *s = &m->schema;

    n->x      = agop__aligned(rows * s->numeric, sizeof *n->x);
    n->code   = agop__malloc(rows * s->groups, sizeof *n->code);
    n->Y      = agop__malloc(rows * m->target.outputs, sizeof *n->Y);
    n->y      = agop__malloc(rows * c->width, sizeof *n->y);
    n->weight = agop__malloc(rows, sizeof *n->weight);
    n->row    = agop__malloc(rows, sizeof *n->row);
    if (!n->x || !n->code || !n->Y || !n->y || !n->weight || !n->row)
        return agop__fail_memory(&c->ctx->err, 8.0 * (double)(rows * s->numeric), "a linear model");
    return agop__design_open(&n->d, c->ctx, s, 0);
}

/* Learned on at most AGOP__LINEAR_ROWS of the rows, evenly over the table. */
static agop_status learn_linear(agop__linear *l, const cross *c, const agop_model *m, const part *learners)
{
    int64_t     n      = learners->n < AGOP__LINEAR_ROWS ? learners->n : AGOP__LINEAR_ROWS;
    int64_t     weight = *m->weights ? agop__table_find(learners->t, m->weights) : -1;
    double     *truth  = agop__malloc(learners->n * m->target.columns, sizeof *truth), total = 0;
    encoded     some   = {0};
    agop_status st;

    if (!truth)
        return agop__fail_memory(&c->ctx->err, 8.0 * (double)learners->n, "a linear model");
    TRY(open_encoded(&some, c, m, n));
    TRY(agop__target_truth(truth, &m->target, c->ctx, learners->t));
    for (int64_t i = 0; i < n; i++) {
        some.row[i] = (int64_t)((double)i * (double)learners->n / (double)n);
        agop__target_encode(some.Y + i * m->target.outputs, &m->target, truth + some.row[i] * m->target.columns);
        some.weight[i] = weight < 0 ? 1 : agop__table_at(learners->t, some.row[i], weight);
        total += some.weight[i];
    }
    for (int64_t i = 0; i < n; i++)
        some.weight[i] *= (double)n / total;
    TRY(agop__schema_encode_rows(some.x, AGOP_F64, some.code, &m->schema, c->ctx, learners->t, some.row, n));
    agop__design_rows(&some.d, some.x, some.code, AGOP_F64, n);
    TRY(agop__linear_learn(l, c->ctx, &some.d, some.Y, m->target.outputs, some.weight, -1));
done:
    close_encoded(&some);
    free(truth);
    return st;
}

/* The constant and the linear model of a fold. p: room for the judging rows. */
static agop_status compare(one_fit *fit, const cross *c, const agop_model *m, const part *learners, const part *judges,
                           double *p)
{
    agop__target        now  = m->target;
    const agop__target *g    = &now;
    int64_t             own  = agop__target_width(g);
    encoded             some = {0};
    agop__linear        l    = {0};
    agop_status         st;

    now.link   = AGOP__LINK_LINEAR; /* whatever the fit's own outputs are, */
    now.mapped = 0;                 /* and whatever becomes of them */
    TRY(learn_linear(&l, c, m, learners));
    TRY(open_encoded(&some, c, m, BLOCK));
    for (int who = BASELINE; who <= LINEAR; who++) {
        for (int64_t first = 0; first < judges->n; first += BLOCK) {
            int64_t n = judges->n - first < BLOCK ? judges->n - first : BLOCK;
            TRY(agop__schema_encode(some.x, AGOP_F64, some.code, &m->schema, c->ctx, judges->t, first, n, NULL));
            agop__design_rows(&some.d, some.x, some.code, AGOP_F64, n);
            if (who == LINEAR)
                TRY(agop__linear_apply(some.Y, c->ctx, &l, &some.d));
            else
                agop__linear_constant(some.Y, &l, n);
            for (int64_t i = 0; i < n; i++) {
                if (g->classification)
                    agop__target_probabilities(some.y + i * own, g, some.Y + i * g->outputs);
                else
                    agop__target_values(some.y + i * own, g, some.Y + i * g->outputs);
            }
            widen(p + first * c->width, some.y, c, g, n);
        }
        TRY(score(fit, who, c, judges, p, NULL));
    }
done:
    close_encoded(&some);
    agop__linear_free(&l);
    return st;
}

/* The fit's share of the time that is left. */
static agop_status share_time(cross *c)
{
    char   text[64];
    double left = c->limit - (agop__now() - c->started);

    if (!(c->limit > 0))
        return AGOP_OK;
    if (left <= 0)
        return agop__fail(&c->ctx->err, AGOP_E_STOPPED, "the time limit of %g s is over", c->limit);
    (void)snprintf(text, sizeof text, "%.6f", fmax(left / (double)(c->folds * c->repeats - c->fits), 1e-6));
    return agop__settings_put(c->own, &c->ctx->err, "time_limit", text);
}

static agop_status run_fold(cross *c, one_fit *fit)
{
    part          learners = {0}, judges = {0};
    agop_note_fn *note  = c->ctx->note;
    agop_model   *m     = NULL;
    double       *p     = NULL, *own = NULL, began = agop__now();
    agop_status   st;

    TRY(share_time(c));
    TRY(open_part(&learners, c, (int32_t)fit->fold, 1));
    TRY(open_part(&judges, c, (int32_t)fit->fold, 0));
    p   = agop__malloc(judges.n * c->width, sizeof *p);
    own = agop__malloc(judges.n * c->width, sizeof *own);
    if (!p || !own)
        TRY(agop__fail_memory(&c->ctx->err, 16.0 * (double)(judges.n * c->width), "predictions"));
    c->ctx->note = c->fits ? NULL : note; /* one fit says what there is to say of the columns */
    st = agop_fit(&m, c->ctx, learners.t, NULL, c->own);
    if (st == AGOP_E_DATA) {
        agop__err told = c->ctx->err;
        st = agop__fail(&c->ctx->err, st, "without part %lld of %d: %.400s", (long long)fit->fold + 1, (int)c->folds,
                        told.text);
    }
    TRY(st);
    c->ctx->note = NULL;
    if (c->asked)
        TRY(agop__fail(&c->ctx->err, AGOP_E_STOPPED, "stopped in the middle of a fold"));
    TRY(agop__predict_rows(own, NULL, c->ctx, m, judges.t));
    widen(p, own, c, &m->target, judges.n);
    TRY(score(fit, OURS, c, &judges, p, &m->target));
    for (int64_t i = 0; i < judges.n; i++) {
        for (int64_t k = 0; k < c->width; k++)
            c->sum[judges.row[i] * c->width + k] += p[i * c->width + k];
        c->count[judges.row[i]]++;
    }
    TRY(compare(fit, c, m, &learners, &judges, p));
    fit->learned = learners.n;
    fit->judged  = judges.n;
    fit->cut     = m->stopped;
    fit->seconds = agop__now() - began;
done:
    c->ctx->note = note;
    agop_model_free(m);
    free(own);
    free(p);
    close_part(&judges);
    close_part(&learners);
    return st;
}

/* Of one fit as of all. */
static int tell(void *user, const agop_progress *at)
{
    cross        *c     = user;
    int64_t       total = c->folds * c->repeats;
    char          detail[64];
    agop_progress all = *at;

    (void)snprintf(detail, sizeof detail, "fit %lld of %lld", (long long)c->fits + 1, (long long)total);
    all.detail  = detail;
    all.seconds = agop__now() - c->started;
    if (at->total > 0) {
        all.done  = c->fits * STEPS + (int64_t)(STEPS * ((double)at->done / (double)at->total));
        all.total = total * STEPS;
    }
    c->asked |= c->progress && c->progress(c->progress_user, &all);
    return c->asked;
}

/* All folds of all repeats, or as many as there is time for. */
static agop_status run_folds(cross *c)
{
    agop_ctx   *ctx = c->ctx;
    agop_status st  = AGOP_OK;

    c->progress        = ctx->progress;
    c->progress_user   = ctx->progress_user;
    ctx->progress      = tell;
    ctx->progress_user = c;
    for (int64_t repeat = 0; repeat < c->repeats; repeat++) {
        TRY(deal(c, repeat));
        for (int32_t k = 0; k < c->folds; k++) {
            one_fit *fit = &c->fit[c->fits];
            *fit         = (one_fit){.repeat = repeat, .fold = k};
            TRY(run_fold(c, fit));
            c->fits++;
        }
    }
done:
    ctx->progress      = c->progress;
    ctx->progress_user = c->progress_user;
    return st;
}

/* ---- what comes of it ---- */

/* Over the fits; those where a score is undefined are left out. */
typedef struct summary {
    double mean, error, least, most;
} summary;

static double value_of(const one_fit *fit, int who, const char *name)
{
    const json_t *v = json_object_get(fit->scores[who], name);
    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

/* Of a score of `who`, less that of `from` (or nothing: -1). */
static summary sum_up(const cross *c, int who, int from, const char *name)
{
    summary s     = {.mean = 0, .error = (double)NAN, .least = INFINITY, .most = -INFINITY};
    double  count = 0, square = 0, ratio = 0;

    for (int pass = 0; pass < 2; pass++) {
        for (int64_t k = 0; k < c->fits; k++) {
            const one_fit *fit = &c->fit[k];
            double         v   = value_of(fit, who, name) - (from < 0 ? 0 : value_of(fit, from, name));
            if (isnan(v))
                continue;
            if (pass) {
                square += (v - s.mean) * (v - s.mean);
                continue;
            }
            count++;
            s.mean += v;
            s.least = fmin(s.least, v);
            s.most  = fmax(s.most, v);
            ratio += (double)fit->judged / (double)fit->learned;
        }
        s.mean = pass ? s.mean : s.mean / count;
    }
    if (count > 1)
        s.error = sqrt((1 / count + ratio / count) * square / (count - 1));
    return s;
}

static json_t *one_score(const cross *c, const char *name)
{
    summary s = sum_up(c, OURS, -1, name);
    json_t *j = json_pack("{s:o, s:o, s:o, s:o}", "mean", agop__json_real(s.mean), "standard_error",
                          agop__json_real(s.error), "minimum", agop__json_real(s.least), "maximum",
                          agop__json_real(s.most));
    int     bad = !j;

    for (int who = BASELINE; who < MODELS && !bad; who++) {
        summary them = sum_up(c, who, -1, name), difference = sum_up(c, OURS, who, name);
        bad = json_object_set_new(j, models[who],
                                  json_pack("{s:o, s:o, s:o, s:o}", "mean", agop__json_real(them.mean),
                                            "standard_error", agop__json_real(them.error), "difference",
                                            agop__json_real(difference.mean), "difference_standard_error",
                                            agop__json_real(difference.error)));
    }
    if (bad) {
        json_decref(j);
        return NULL;
    }
    return j;
}

static json_t *all_scores(const cross *c)
{
    json_t     *j = json_object(), *value;
    const char *name;
    int         bad = !j;

    json_object_foreach(c->fit[0].scores[OURS], name, value) if (!json_is_object(value) && !bad)
        bad = json_object_set_new(j, name, one_score(c, name));
    if (bad) {
        json_decref(j);
        return NULL;
    }
    return j;
}

static json_t *all_fits(const cross *c)
{
    json_t *a   = json_array();
    int     bad = !a;

    for (int64_t k = 0; k < c->fits && !bad; k++) {
        const one_fit *f = &c->fit[k];
        json_t        *j = json_pack("{s:I, s:I, s:I, s:I, s:b, s:f}", "repeat", (json_int_t)f->repeat + 1, "fold",
                                     (json_int_t)f->fold + 1, "rows", (json_int_t)f->learned, "judged",
                                     (json_int_t)f->judged, "cut_short", f->cut, "seconds", f->seconds);
        bad = !j;
        for (int who = 0; who < MODELS && !bad; who++)
            bad = json_object_set(j, models[who], f->scores[who]);
        bad |= json_array_append_new(a, j);
    }
    if (bad) {
        json_decref(a);
        return NULL;
    }
    return a;
}

static json_t *names(const cross *c)
{
    json_t *a   = json_array();
    int     bad = !a;

    for (int64_t k = 0; k < c->width && !bad; k++)
        bad = json_array_append_new(
            a, agop__json_shown(c->target.classification ? c->target.classes.text[k] : c->target.name[k]));
    if (bad) {
        json_decref(a);
        return NULL;
    }
    return a;
}

static agop_status report(char **out, const cross *c, const char *stopped)
{
    int64_t n = 0;
    json_t *j;

    for (int64_t i = 0; i < c->t->rows; i++)
        n += c->keep[i] != 0;
    j = json_pack("{s:s, s:o, s:I, s:I, s:I, s:o, s:I, s:I, s:s, s:s, s:o, s:o, s:o, s:f, s:I}", "task",
                  c->target.classification ? "classification" : "regression", "target",
                  agop__json_shown(c->target.list), "n", (json_int_t)n, "folds", (json_int_t)c->folds, "repeats",
                  (json_int_t)c->repeats, "groups", agop__json_shown(agop__text(c->own, "groups")), "seed",
                  (json_int_t)agop__int(c->own, "seed", 0), "fits_done", (json_int_t)c->fits, "stopped", stopped,
                  "standard_error", "over the fits, as corrected by Nadeau and Bengio (2003)",
                  c->target.classification ? "classes" : "targets", names(c), "scores", all_scores(c), "fits",
                  all_fits(c), "seconds", agop__now() - c->started, "peak_bytes", (json_int_t)agop__peak_bytes());
    *out = j ? agop__json_dump(j, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(j);
    return *out ? AGOP_OK : agop__fail_memory(&c->ctx->err, 0, "the report");
}

/* Means over the repeats; NaN: no fit was asked for the row. */
static void take_means(cross *c)
{
    for (int64_t i = 0; i < c->t->rows; i++)
        for (int64_t k = 0; k < c->width; k++)
            c->sum[i * c->width + k] = c->count[i] > 0 ? c->sum[i * c->width + k] / c->count[i] : (double)NAN;
}

static void close_cross(cross *c)
{
    for (int64_t k = 0; c->fit && k < c->folds * c->repeats; k++)
        for (int who = 0; who < MODELS; who++)
            json_decref(c->fit[k].scores[who]);
    free(c->fit);
    free(c->count);
    free(c->sum);
    free(c->fold);
    free(c->group);
    free(c->truth);
    free(c->keep);
    agop__target_free(&c->target);
    agop_settings_free(c->own);
}

agop_status agop_cv(char **json, double **left_out, agop_ctx *ctx, const agop_table *t, const agop_settings *s)
{
    cross       c = {.ctx = ctx, .t = t, .started = agop__now()};
    agop_status st;

    if (!ctx)
        return AGOP_E_ARG;
    if (left_out)
        *left_out = NULL;
    if (!json)
        return agop__fail(&ctx->err, AGOP_E_ARG, "a cross-validation needs a place for its text");
    *json = NULL;
    if (!t)
        return agop__fail(&ctx->err, AGOP_E_ARG, "a cross-validation needs a table");
    TRY(settle(&c, s));
    st = run_folds(&c);
    if (st == AGOP_E_STOPPED && c.fits > 0)
        st = report(json, &c, c.asked ? "by the caller" : "by the time limit");
    else if (st == AGOP_OK)
        st = report(json, &c, "no");
    TRY(st);
    take_means(&c);
    if (left_out) {
        *left_out = c.sum;
        c.sum     = NULL;
    }
done:
    close_cross(&c);
    return st;
}
