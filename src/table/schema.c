/* schema.c - learn how the columns of a table become numbers, and how the coordinates are called.
 *
 * Every column is learned by itself, in threads: numbers get a centre, a spread and (when asked) a table of ranks;
 * texts get a dictionary of levels. What a user should know of (constant columns, columns without a value, too many
 * levels) is gathered and told in one note each. encode.c applies what is learned here. */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/sort.h"
#include "base/threads.h"
#include "table/table.h"

static const char missing_name[] = "(missing)";

/* What the threads find out about one column, told afterwards in one place. */
typedef struct outcome {
    agop_status st;
    double      too_large; /* 0, or a value beyond LARGEST */
    int         all_missing;
    int64_t     all_levels; /* before the limit; 0 where there was no need of one */
} outcome;

typedef struct lesson {
    const agop_table *t;
    agop__schema     *s;
    const int64_t    *source; /* column of each field */
    outcome          *found;
    int64_t           max_levels;
    int               where_apart; /* normal scores only of columns that are far from theirs */
} lesson;

enum { SOME = 1024 }; /* cells looked at together */

/* Values beyond this cannot be centred and squared without overflow. */
#define LARGEST 1e300

/* A column is close to its normal scores when their mean square distance is no larger: it is 0 of a normal column, .046
 * of a uniform, .061 of a Gumbel, .19 of an exponential one (docs/tuning.md). */
#define CLOSE .06

/* ---- numeric columns ---- */

/* Mean and population deviation in two passes. Distances from the first value are divided by the longest one, so
 * that neither a far origin nor extreme units cost digits. */
static void learn_moments(agop__field *f, const double *v, int64_t n)
{
    double low = v[0], high = v[0], longest, sum = 0, squares = 0, rest = 0;

    for (int64_t i = 1; i < n; i++) {
        low  = v[i] < low ? v[i] : low;
        high = v[i] > high ? v[i] : high;
    }
    /* a few units in the last place are rounding, not data */
    f->constant = high - low <= 8 * DBL_EPSILON * fmax(fabs(low), fabs(high));
    longest     = high - low > 0 ? high - low : 1;
    for (int64_t i = 0; i < n; i++)
        sum += (v[i] - v[0]) / longest;
    f->mean = v[0] + sum / (double)n * longest;
    for (int64_t i = 0; i < n; i++) {
        double u = (v[i] - f->mean) / longest;
        squares += u * u;
        rest += u;
    }
    rest /= (double)n; /* what rounding left of the mean */
    f->deviation = f->constant ? 1 : sqrt(fmax(squares / (double)n - rest * rest, 0)) * longest;
    f->spread    = high - low; /* kept by minmax; else replaced */
    if (!(f->deviation > 0))
        f->constant = 1;
}

static void choose_spread(agop__field *f, int scale)
{
    f->centre = f->mean;
    if (f->constant)
        f->deviation = f->spread = 1;
    else if (scale == AGOP__SCALE_ZSCORE)
        f->spread = f->deviation;
    else if (scale != AGOP__SCALE_MINMAX)
        f->spread = 1;
}

/* The values that are there, close together; their number. */
static int64_t gather(double *v, const agop__column *c, int64_t rows, double *too_large)
{
    int64_t n = 0;
    double  some[SOME];

    for (int64_t first = 0; first < rows; first += SOME) {
        int64_t here = rows - first < SOME ? rows - first : SOME;
        agop__column_take(some, c, first, here);
        for (int64_t i = 0; i < here; i++) {
            if (isnan(some[i]))
                continue;
            if (!(fabs(some[i]) <= LARGEST))
                *too_large = some[i];
            v[n++] = some[i];
        }
    }
    return n;
}

/* Counts are mostly 0: only what is not takes the time of sorting. */
static void sort_around_zeros(double *v, double *scratch, int64_t n)
{
    int64_t others = 0, below = 0, zeros;

    for (int64_t i = 0; i < n; i++)
        if (v[i] != 0) {
            below += v[i] < 0;
            v[others++] = v[i];
        }
    zeros = n - others;
    agop__sort(v, scratch, others);
    memmove(v + below + zeros, v + below, (size_t)(others - below) * sizeof *v);
    for (int64_t i = 0; i < zeros; i++)
        v[below + i] = 0;
}

/* In standard deviations, whatever the scale. */
static double z_score(const agop__field *f, double v)
{
    return (v - f->mean) / f->deviation;
}

/* Scores of a column that is close to them say little that is new, and stretch the ends of a uniform one: it stands
 * beside itself instead. v: its n values, sorted; scratch: room for as many. */
static void replace_close_scores(agop__field *f, const double *v, double *scratch, int64_t n)
{
    double apart = 0;

    memcpy(scratch, v, (size_t)n * sizeof *v);
    agop__interpolate(scratch, f->knot, f->score, f->knots, n);
    for (int64_t i = 0; i < n; i++) {
        double d = z_score(f, v[i]) - scratch[i];
        apart += d * d / (double)n;
    }
    if (apart > CLOSE || fmax(-z_score(f, v[0]), z_score(f, v[n - 1])) > AGOP__FARTHEST_SCORE)
        return;
    for (int64_t k = 0; k < f->knots; k++)
        f->score[k] = z_score(f, f->knot[k]);
}

static void learn_number(agop__field *f, outcome *o, const lesson *l, const agop__column *c)
{
    const agop__schema *s     = l->s;
    int64_t             rows  = l->t->rows, n;
    int                 ranks = s->scale == AGOP__SCALE_RANK, sorted = ranks || s->normal_scores;
    double *v = agop__malloc(rows, sizeof *v), *scratch = sorted ? agop__malloc(rows, sizeof *scratch) : NULL;
    double  zero = 0;

    o->st = AGOP_E_NOMEM;
    if (!v || (sorted && !scratch))
        goto done;
    n              = gather(v, c, rows, &o->too_large);
    o->all_missing = n == 0;
    if (o->too_large != 0) {
        o->st = AGOP_E_DATA;
        goto done;
    }
    if (n > 0) {
        learn_moments(f, v, n);
        f->missing_share = (double)(rows - n) / (double)rows;
    } else {
        f->constant = 1; /* an indicator that never changes would tell nothing either */
    }
    f->has_missing = n > 0 && n < rows;
    choose_spread(f, s->scale);
    if (sorted) {
        sort_around_zeros(v, scratch, n);
        o->st = agop__learn_knots(f, n > 0 ? v : &zero, n > 0 ? n : 1, s->normal_scores, ranks);
        if (o->st == AGOP_OK && l->where_apart && !f->constant)
            replace_close_scores(f, v, scratch, n);
    } else {
        o->st = AGOP_OK;
    }
done:
    free(v);
    free(scratch);
}

/* ---- text columns ---- */

typedef struct level {
    int64_t number, count, order; /* in the column's dictionary; rows that have it; by first appearance */
} level;

static int more_frequent(const void *a, const void *b)
{
    const level *p = a, *q = b;
    if (p->count != q->count)
        return p->count < q->count ? 1 : -1;
    return p->order < q->order ? -1 : p->order > q->order;
}

static int earlier(const void *a, const void *b)
{
    const level *p = a, *q = b;
    return p->order < q->order ? -1 : p->order > q->order;
}

/* The levels that occur, by first appearance in these rows; *missing rows have none. The dictionary of a table may
 * hold texts that no row has, or in another order: what is learned depends on the rows alone. */
static int64_t count_levels(level *seen, int64_t *place, int64_t *missing, const agop__column *c, int64_t rows)
{
    int64_t n = 0;
    int32_t code[SOME];

    for (int64_t i = 0; i < rows; i++) {
        int32_t k;
        if (i % SOME == 0)
            agop__column_codes(code, c, i, rows - i < SOME ? rows - i : SOME);
        k = code[i % SOME];
        if (k < 0) {
            *missing += k == -1;
            continue;
        }
        if (!place[k]) {
            seen[n]  = (level){.number = k, .order = n};
            place[k] = ++n;
        }
        seen[place[k] - 1].count++;
    }
    return n;
}

static void learn_text(agop__field *f, outcome *o, const agop__column *c, int64_t rows, int64_t max_levels)
{
    const agop__dict *levels = &c->levels;
    level   *seen    = agop__malloc(levels->count, sizeof *seen);
    int64_t *place   = agop__calloc(levels->count, sizeof *place);
    int64_t  missing = 0, n;

    o->st = AGOP_E_NOMEM;
    if (!seen || !place)
        goto done;
    n = count_levels(seen, place, &missing, c, rows);
    if (n > max_levels) {
        o->all_levels = n;
        qsort(seen, (size_t)n, sizeof *seen, more_frequent);
        n = max_levels;
        qsort(seen, (size_t)n, sizeof *seen, earlier);
    }
    for (int64_t k = 0; k < n; k++)
        if (agop__dict_add(&f->levels, levels->text[seen[k].number], levels->length[seen[k].number]) < 0)
            goto done;
    f->missing_level = -1;
    if (missing > 0 || n == 0) { /* a column of nothing is one level, the missing one */
        f->missing_level = agop__dict_add(&f->levels, missing_name, sizeof missing_name - 1);
        if (f->missing_level < 0)
            goto done;
    }
    o->all_missing = n == 0;
    o->st          = AGOP_OK;
done:
    free(seen);
    free(place);
}

static void learn_one(void *user, int part)
{
    lesson             *l = user;
    agop__field        *f = &l->s->field[part];
    const agop__column *c = &l->t->column[l->source[part]];
    outcome            *o = &l->found[part];
    agop__column        text = {.is_text = 1};

    f->spread        = 1;
    f->deviation     = 1;
    f->missing_level = -1;
    if (!f->is_text) {
        learn_number(f, o, l, c);
    } else if (c->is_text) {
        learn_text(f, o, c, l->t->rows, l->max_levels);
    } else {
        o->st = agop__column_as_text(&text.code, &text.levels, c, l->t->rows, NULL);
        if (o->st != AGOP_OK)
            return;
        learn_text(f, o, &text, l->t->rows, l->max_levels);
        free(text.code);
        agop__dict_free(&text.levels);
    }
}

/* ---- which columns, and as what ---- */

static int left_out(const char *name, const char *except, const agop_settings *s)
{
    return agop__name_in(name, except) || agop__name_in(name, agop__text(s, "drop")) ||
           agop__name_in(name, agop__text(s, "weights"));
}

/* Names that the setting `role` lists must be there, unless another setting takes them away. */
static agop_status check_names(const agop_table *t, const char *role, const char *except, const agop_settings *s,
                               agop__err *e)
{
    const char *rest = agop__text(s, role), *name;

    for (size_t n; (n = agop__next_name(&name, &rest)) > 0;) {
        char word[256];
        if (agop__dict_find(&t->names, name, n) >= 0)
            continue;
        if (n < sizeof word) {
            memcpy(word, name, n);
            word[n] = '\0';
            if (left_out(word, except, s))
                continue;
        }
        return agop__no_column(e, NULL, name, n, role, &t->names);
    }
    return AGOP_OK;
}

static agop_status add_field(agop__schema *out, const agop__column *c, const agop_settings *s, agop__err *e)
{
    agop__field *f           = &out->field[out->fields];
    int          categorical = agop__name_in(c->name, agop__text(s, "categorical"));
    int          numeric     = agop__name_in(c->name, agop__text(s, "numeric"));

    if (categorical && numeric)
        return agop__fail(e, AGOP_E_PARAM, "column '%.60s' is in both categorical and numeric: name it in one",
                          c->name);
    if (c->is_text && numeric)
        return agop__fail(e, AGOP_E_DATA, "column '%.60s' holds text and is in numeric: take it out there", c->name);
    f->is_text = c->is_text || categorical;
    f->name    = agop__strdup(c->name);
    if (!f->name)
        return agop__fail_memory(e, 0, "the name of a column");
    out->fields++;
    return AGOP_OK;
}

static agop_status choose_fields(agop__schema *out, int64_t **source, const agop_table *t, const char *except,
                                 const agop_settings *s, agop__err *e)
{
    agop_status st = AGOP_OK;

    TRY(check_names(t, "categorical", except, s, e));
    TRY(check_names(t, "numeric", except, s, e));
    out->field = agop__calloc(t->cols, sizeof *out->field);
    *source    = agop__malloc(t->cols, sizeof **source);
    if (!out->field || !*source) {
        st = agop__fail_memory(e, (double)t->cols * (double)sizeof *out->field, "a schema");
        goto done;
    }
    for (int64_t j = 0; j < t->cols; j++) {
        if (left_out(t->column[j].name, except, s))
            continue;
        (*source)[out->fields] = j;
        TRY(add_field(out, &t->column[j], s, e));
    }
    if (out->fields == 0)
        st = agop__fail(e, AGOP_E_DATA, "there is no column to learn from: all are targets, weights or dropped");
    else if (t->rows == 0)
        st = agop__fail(e, AGOP_E_DATA, "there are no rows to learn from");
    else if (out->fields > INT32_MAX)
        st = agop__fail(e, AGOP_E_DATA, "%" PRId64 " columns are too many", out->fields);
done:
    return st;
}

/* ---- notes ---- */

enum { CONSTANT, EMPTY, LONG };

static int told_by(const agop__field *f, const outcome *o, int about)
{
    if (about == LONG)
        return o->all_levels > 0;
    if (about == EMPTY)
        return o->all_missing;
    return !f->is_text && f->constant && !o->all_missing;
}

/* One note for all columns of a kind: their number, and the first five by name. */
static agop_status tell(agop_ctx *ctx, const agop__schema *s, const lesson *l, int about)
{
    static const char *const one[]  = {"column has one value only and is left out", "column has no value at all",
                                       "column has more levels than max_levels, only the most frequent are kept"};
    static const char *const many[] = {"columns have one value only and are left out", "columns have no value at all",
                                       "columns have more levels than max_levels, only the most frequent are kept"};
    agop__buffer             names  = {0};
    int64_t                  n      = 0;
    agop_status              st     = AGOP_OK;

    for (int64_t i = 0; i < s->fields; i++) {
        if (!told_by(&s->field[i], &l->found[i], about) || ++n > 5)
            continue;
        agop__buffer_print(&names, "%s%.60s", n > 1 ? ", " : "", s->field[i].name);
        if (about == LONG)
            agop__buffer_print(&names, " (%" PRId64 ")", l->found[i].all_levels);
    }
    if (names.failed)
        st = agop__fail_memory(&ctx->err, 0, "a note");
    else if (n > 0)
        agop__note(ctx, "%" PRId64 " %s: %s%s", n, n == 1 ? one[about] : many[about], names.text, n > 5 ? ", ..." : "");
    agop__buffer_free(&names);
    return st;
}

static agop_status first_failure(const agop__schema *s, const lesson *l, agop__err *e)
{
    for (int64_t i = 0; i < s->fields; i++) {
        const outcome *o = &l->found[i];
        if (o->st == AGOP_E_DATA)
            return agop__fail(e, AGOP_E_DATA, "column '%.60s' holds %g, too large to be scaled: drop or rescale it",
                              s->field[i].name, o->too_large);
        if (o->st != AGOP_OK)
            return agop__fail_memory(e, (double)l->t->rows * 16, "learning the columns");
    }
    return AGOP_OK;
}

/* ---- learn ---- */

const char *const agop__scale_names[AGOP__SCALES] = {[AGOP__SCALE_ZSCORE] = "zscore",
                                                     [AGOP__SCALE_NONE]   = "none",
                                                     [AGOP__SCALE_MINMAX] = "minmax",
                                                     [AGOP__SCALE_RANK]   = "rank"};

int agop__scale_of(const agop_settings *s)
{
    int scale = AGOP__SCALE_ZSCORE; /* of "auto", too */

    for (int k = 0; k < AGOP__SCALES; k++)
        scale = agop__choice(s, "scale", agop__scale_names[k]) ? k : scale;
    return scale;
}

agop_status agop__schema_learn(agop__schema *out, agop_ctx *ctx, const agop_table *t, const char *except,
                               const agop_settings *s)
{
    lesson      l      = {.t = t, .s = out, .max_levels = agop__int(s, "max_levels", 1000)};
    int64_t    *source = NULL;
    agop_status st;

    memset(out, 0, sizeof *out);
    out->scale         = agop__scale_of(s);
    out->normal_scores = agop__bool(s, "normal_scores", out->scale == AGOP__SCALE_ZSCORE);
    out->factor        = out->normal_scores ? 0.7 : 1.0;
    out->height        = sqrt(0.5);
    l.where_apart      = out->normal_scores && agop__is_auto(s, "normal_scores");
    TRY(choose_fields(out, &source, t, except, s, &ctx->err));
    l.source = source;
    l.found  = agop__calloc(out->fields, sizeof *l.found);
    if (!l.found) {
        st = agop__fail_memory(&ctx->err, 0, "learning the columns");
        goto done;
    }
    agop__parallel(ctx->threads, (int)out->fields, learn_one, &l);
    TRY(first_failure(out, &l, &ctx->err));
    TRY(agop__schema_finish(out, &ctx->err));
    for (int about = CONSTANT; about <= LONG; about++)
        TRY(tell(ctx, out, &l, about));
done:
    free(source);
    free(l.found);
    if (st != AGOP_OK)
        agop__schema_free(out);
    return st;
}

/* Least squares slope of y on the knots in standard deviations: how fast the copy moves with its column. */
static double regression_slope(const agop__field *f, const double *y)
{
    double mx = 0, my = 0, xy = 0, xx = 0;

    for (int64_t k = 0; k < f->knots; k++) {
        mx += z_score(f, f->knot[k]) / (double)f->knots;
        my += y[k] / (double)f->knots;
    }
    for (int64_t k = 0; k < f->knots; k++) {
        double x = z_score(f, f->knot[k]) - mx;
        xy += x * (y[k] - my);
        xx += x * x;
    }
    return xx > 0 ? xy / xx : 0;
}

/* Features and slopes of the coordinates, so that asking for one costs nothing. */
static void find_slopes(agop__schema *s)
{
    int64_t at = 0, j = 0;

    for (int64_t i = 0; i < s->fields; i++) {
        const agop__field *f = &s->field[i];
        if (f->is_text)
            continue;
        s->feature[at] = j;
        s->slope[at++] =
            f->constant ? 0 : s->factor * (f->rank ? regression_slope(f, f->rank) : f->deviation / f->spread);
        if (s->normal_scores) {
            s->feature[at] = j;
            s->slope[at++] = f->constant ? 0 : s->factor * regression_slope(f, f->score);
        }
        j++;
        if (f->has_missing) {
            s->feature[at] = j++;
            s->slope[at++] = s->height;
        }
    }
    for (int64_t c = 0; c < at; c++) /* a damaged file may hold what no column has */
        if (!isfinite(s->slope[c]))
            s->slope[c] = 0;
}

/* Numbers first, then texts: in_order and start. */
static void order_features(agop__schema *s)
{
    int64_t at = 0, feature = 0;

    for (int text = 0; text <= 1; text++)
        for (int64_t i = 0; i < s->fields; i++) {
            const agop__field *f = &s->field[i];
            if ((f->is_text != 0) != text)
                continue;
            s->in_order[at] = i;
            s->start[at++]  = feature;
            feature += text ? f->levels.count : 1 + (f->has_missing != 0);
        }
}

agop_status agop__schema_finish(agop__schema *s, agop__err *e)
{
    int32_t g = 0;

    s->numeric  = 0;
    s->groups   = 0;
    s->features = 0;
    for (int64_t i = 0; i < s->fields; i++) {
        const agop__field *f = &s->field[i];
        if (f->is_text && f->levels.count > INT32_MAX)
            return agop__fail(e, AGOP_E_DATA, "column '%.60s' has too many levels", f->name);
        if (f->is_text)
            s->groups++;
        else
            s->numeric += 1 + (s->normal_scores != 0) + (f->has_missing != 0);
        s->features += f->is_text ? f->levels.count : 1 + (f->has_missing != 0);
    }
    s->group_levels = agop__malloc(s->groups, sizeof *s->group_levels);
    s->feature      = agop__malloc(s->numeric, sizeof *s->feature);
    s->slope        = agop__malloc(s->numeric, sizeof *s->slope);
    s->in_order     = agop__malloc(s->fields, sizeof *s->in_order);
    s->start        = agop__malloc(s->fields, sizeof *s->start);
    if (!s->group_levels || !s->feature || !s->slope || !s->in_order || !s->start)
        return agop__fail_memory(e, 0, "a schema");
    for (int64_t i = 0; i < s->fields; i++)
        if (s->field[i].is_text)
            s->group_levels[g++] = (int32_t)s->field[i].levels.count;
    order_features(s);
    find_slopes(s);
    return AGOP_OK;
}

void agop__schema_free(agop__schema *s)
{
    for (int64_t i = 0; s->field && i < s->fields; i++) {
        agop__field *f = &s->field[i];
        free(f->name);
        free(f->knot);
        free(f->score);
        free(f->rank);
        agop__dict_free(&f->levels);
    }
    free(s->field);
    free(s->group_levels);
    free(s->feature);
    free(s->slope);
    free(s->in_order);
    free(s->start);
    memset(s, 0, sizeof *s);
}

/* ---- features: what the coordinates are called ---- */

int64_t agop__schema_features(const agop__schema *s)
{
    return s->features;
}

int64_t agop__schema_levels(const agop__schema *s)
{
    int64_t n = 0;
    for (int32_t g = 0; g < s->groups; g++)
        n += s->group_levels[g];
    return n;
}

int64_t agop__schema_group_feature(const agop__schema *s, int32_t g)
{
    int64_t n = 0;
    for (int64_t i = 0; i < s->fields; i++)
        if (!s->field[i].is_text)
            n += 1 + (s->field[i].has_missing != 0);
    for (int32_t k = 0; k < g; k++)
        n += s->group_levels[k];
    return n;
}

/* The field of feature j and its place in the field: the last one that begins at j or before. */
static int64_t field_of(int64_t *place, const agop__schema *s, int64_t j)
{
    int64_t low = 0, high = s->fields; /* among the fields in the order of their features */

    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (s->start[middle] <= j)
            low = middle;
        else
            high = middle;
    }
    *place = s->fields ? j - s->start[low] : 0;
    return j < s->features && s->fields ? s->in_order[low] : -1;
}

agop_status agop__schema_feature(agop__buffer *name, int64_t *field, const agop__schema *s, int64_t j, agop__err *e)
{
    int64_t            place = 0, i = j < 0 ? -1 : field_of(&place, s, j);
    const agop__field *f;

    if (i < 0)
        return agop__fail(e, AGOP_E_BUG, "feature %" PRId64 " of %" PRId64, j, agop__schema_features(s));
    f = &s->field[i];
    agop__buffer_add(name, f->name, strlen(f->name));
    if (f->is_text) {
        agop__buffer_add(name, "=", 1);
        agop__buffer_add(name, f->levels.text[place], f->levels.length[place]);
    } else if (place == 1) {
        agop__buffer_add(name, " ", 1);
        agop__buffer_add(name, missing_name, sizeof missing_name - 1);
    }
    if (field)
        *field = i;
    return name->failed ? agop__fail_memory(e, 0, "the name of a feature") : AGOP_OK;
}

void agop__schema_slope(int64_t *feature, double *slope, const agop__schema *s, int64_t coordinate)
{
    *feature = s->feature[coordinate];
    *slope   = s->slope[coordinate];
}
