/* curve.c - machines that learn the logarithm, or normal scores, of the target; see curve.h. */
#include "rfm/curve.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/sort.h"
#include "io/json.h"

enum { RESIDUALS = 100 }; /* quantiles of them stand for all */
#define SKEWED .5         /* from this skewness on a transform may gain */
#define MOST_FACTOR 2.0   /* what a few honest rows ask for beyond that is an outlier */

typedef struct side { /* one target column */
    double  mean, spread; /* of t */
    double  low, high;    /* h that were seen */
    int64_t n;            /* normal: distinct values, rising, and their scores */
    double *y, *score;
    double  origin, unit; /* of the model's outputs: (y - origin) / unit */
} side;

struct agop__transform {
    int32_t kind;
    int64_t columns;
    side   *side;
};

/* ---- a curve ---- */

double agop__curve_value(const agop__curve *c, double h)
{
    double at, part;

    h = !(h > c->low) ? c->low : h > c->high ? c->high : h;
    if (c->kind == AGOP__LOG)
        return c->scale * exp(c->rate * h) - c->shift;
    at   = c->high > c->low ? (h - c->low) / (c->high - c->low) * (AGOP__KNOTS - 1) : 0;
    part = at < AGOP__KNOTS - 1 ? at - floor(at) : 1;
    return (1 - part) * c->value[(int)(at - part)] + part * c->value[(int)(at - part) + 1];
}

double agop__curve_slope(const agop__curve *c, double h)
{
    double step = (c->high - c->low) / (AGOP__KNOTS - 1);
    int    at;

    if (!(h > c->low && h < c->high))
        return 0;
    if (c->kind == AGOP__LOG)
        return c->scale * c->rate * exp(c->rate * h);
    at = (int)((h - c->low) / step);
    at = at < AGOP__KNOTS - 1 ? at : AGOP__KNOTS - 2;
    return (c->value[at + 1] - c->value[at]) / step;
}

/* ---- there and back ---- */

/* Along straight lines through (x[i], y[i]), x rising; constant beyond its ends. */
static double between(const double *x, const double *y, int64_t n, double at)
{
    int64_t low = 0, high = n - 1;

    if (!(at > x[0]))
        return y[0];
    if (at >= x[high])
        return y[high];
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (x[middle] <= at)
            low = middle;
        else
            high = middle;
    }
    return y[low] + (y[high] - y[low]) * ((at - x[low]) / (x[high] - x[low]));
}

static double forward(int32_t kind, const side *s, double y)
{
    return kind == AGOP__LOG ? log(y) : between(s->y, s->score, s->n, y);
}

double agop__transform_there(const agop__transform *t, int64_t column, double y)
{
    const side *s = &t->side[column];
    return (forward(t->kind, s, y) - s->mean) / s->spread;
}

double agop__transform_back(const agop__transform *t, int64_t column, double h)
{
    const side *s = &t->side[column];

    h = fmax(s->low - 1, fmin(s->high + 1, h));
    h = s->mean + s->spread * h;
    return t->kind == AGOP__LOG ? exp(h) : between(s->score, s->y, s->n, h);
}

/* ---- learning ---- */

/* Distinct values in rising order, each with the quantile of the middle of its ranks. */
static agop_status learn_scores(side *s, const double *truth, int64_t rows, int64_t columns, agop__err *e)
{
    s->y     = agop__malloc(rows, sizeof *s->y);
    s->score = agop__malloc(rows, sizeof *s->score);
    if (!s->y || !s->score)
        return agop__fail_memory(e, 16.0 * (double)rows, "normal scores of the target");
    for (int64_t i = 0; i < rows; i++)
        s->y[i] = truth[i * columns];
    qsort(s->y, (size_t)rows, sizeof *s->y, agop__rising);
    for (int64_t i = 0, end; i < rows; i = end) {
        for (end = i + 1; end < rows && s->y[end] == s->y[i];)
            end++;
        s->y[s->n]       = s->y[i];
        s->score[s->n++] = agop__normal_quantile((double)(i + end) / 2 / (double)rows);
    }
    return AGOP_OK;
}

static void learn_scale(side *s, int32_t kind, const double *truth, int64_t rows, int64_t columns)
{
    double square = 0;

    for (int64_t i = 0; i < rows; i++)
        s->mean += forward(kind, s, truth[i * columns]) / (double)rows;
    s->low  = INFINITY;
    s->high = -INFINITY;
    for (int64_t i = 0; i < rows; i++) {
        double d = forward(kind, s, truth[i * columns]) - s->mean;
        square += d * d / (double)rows;
        s->low  = fmin(s->low, d);
        s->high = fmax(s->high, d);
    }
    s->spread = sqrt(square) > 1e-14 * fabs(s->mean) ? sqrt(square) : 1;
    s->low /= s->spread;
    s->high /= s->spread;
}

agop_status agop__transform_learn(agop__transform **out, int32_t kind, const agop__target *g, const double *truth,
                                  int64_t rows, agop__err *e)
{
    agop__transform *t  = agop__calloc(1, sizeof *t);
    agop_status      st = AGOP_OK;

    if (t) {
        t->kind    = kind;
        t->columns = g->columns;
        t->side    = agop__calloc(g->columns, sizeof *t->side);
    }
    if (!t || !t->side) {
        st = agop__fail_memory(e, 0, "a transformed target");
        goto done;
    }
    for (int64_t k = 0; k < g->columns; k++) {
        t->side[k].origin = g->mean[k];
        t->side[k].unit   = g->spread[k];
        if (kind == AGOP__NORMAL)
            TRY(learn_scores(&t->side[k], truth + k, rows, g->columns, e));
        learn_scale(&t->side[k], kind, truth + k, rows, g->columns);
    }
    *out = t;
    t    = NULL;
done:
    agop__transform_free(t);
    return st;
}

void agop__transform_free(agop__transform *t)
{
    for (int64_t k = 0; t && t->side && k < t->columns; k++) {
        free(t->side[k].y);
        free(t->side[k].score);
    }
    if (t)
        free(t->side);
    free(t);
}

int agop__transforms_for(const double *truth, int64_t rows, int64_t columns)
{
    int any = 0, positive = 1;

    for (int64_t k = 0; k < columns; k++) {
        double mean = 0, square = 0, third = 0;
        for (int64_t i = 0; i < rows; i++) {
            mean += truth[i * columns + k] / (double)rows;
            positive &= truth[i * columns + k] > 0;
        }
        for (int64_t i = 0; i < rows; i++)
            square += (truth[i * columns + k] - mean) * (truth[i * columns + k] - mean) / (double)rows;
        for (int64_t i = 0; i < rows && square > 0; i++) {
            double z = (truth[i * columns + k] - mean) / sqrt(square);
            third += z * z * z / (double)rows;
        }
        any |= (third > SKEWED ? 1 << AGOP__LOG : 0) | (fabs(third) > SKEWED ? 1 << AGOP__NORMAL : 0);
    }
    return positive ? any : any & ~(1 << AGOP__LOG);
}

/* ---- curves ---- */

/* sum w y r / sum w r^2, r what the inverse says. */
static double least_squares_factor(const agop__transform *t, int64_t k, const double *h, const double *truth,
                                   const double *weight, int64_t rows)
{
    double yr = 0, rr = 0, c;

    for (int64_t i = 0; i < rows; i++) {
        double w = weight ? weight[i] : 1, r = agop__transform_back(t, k, h[i * t->columns + k]) / t->side[k].unit;
        yr += w * r * truth[i * t->columns + k] / t->side[k].unit;
        rr += w * r * r;
    }
    c = yr / rr;
    return !isfinite(c) ? 1 : fmax(1 / MOST_FACTOR, fmin(MOST_FACTOR, c));
}

static agop_status smear(agop__curve *c, const agop__transform *t, int64_t k, const double *h, const double *truth,
                         int64_t rows, agop__err *e)
{
    const side *s      = &t->side[k];
    int64_t     count  = rows < RESIDUALS ? rows : RESIDUALS;
    double     *apart  = agop__calloc(rows + 1, sizeof *apart); /* without rows a residual of zero */

    if (!apart)
        return agop__fail_memory(e, 8.0 * (double)rows, "residuals");
    for (int64_t i = 0; i < rows; i++)
        apart[i] = agop__transform_there(t, k, truth[i * t->columns + k]) - h[i * t->columns + k];
    qsort(apart, (size_t)rows, sizeof *apart, agop__rising);
    for (int64_t j = 0; j < count; j++)
        apart[j] = apart[(2 * j + 1) * rows / (2 * count)];
    count = count ? count : 1;
    for (int i = 0; i < AGOP__KNOTS; i++) {
        double at = c->low + (c->high - c->low) * i / (AGOP__KNOTS - 1);
        for (int64_t j = 0; j < count; j++)
            c->value[i] += (agop__transform_back(t, k, at + apart[j]) - s->origin) / s->unit / (double)count;
    }
    free(apart);
    return AGOP_OK;
}

agop_status agop__transform_curves(agop__curve **out, const agop__transform *t, const double *h, const double *truth,
                                   const double *weight, int64_t rows, agop__err *e)
{
    agop__curve *c  = agop__calloc(t->columns, sizeof *c);
    agop_status  st = AGOP_OK;

    if (!c)
        return agop__fail_memory(e, 0, "a transformed target");
    for (int64_t k = 0; k < t->columns; k++) {
        const side *s = &t->side[k];
        c[k].kind = t->kind;
        c[k].low  = s->low - 1;
        c[k].high = s->high + 1;
        if (t->kind == AGOP__NORMAL) {
            TRY(smear(&c[k], t, k, h, truth, rows, e));
            continue;
        }
        c[k].rate  = s->spread;
        c[k].scale = exp(s->mean) / s->unit * (rows ? least_squares_factor(t, k, h, truth, weight, rows) : 1);
        c[k].shift = s->origin / s->unit;
    }
    *out = c;
    c    = NULL;
done:
    free(c);
    return st;
}

/* ---- JSON ---- */

static const char *const names[] = {"none", "log", "normal"};

const char *agop__transform_name(int32_t kind)
{
    return names[kind];
}

static json_t *one_to_json(const agop__curve *c)
{
    if (c->kind == AGOP__LOG)
        return json_pack("{s:s, s:f, s:f, s:f, s:f, s:f}", "transform", names[c->kind], "low", c->low, "high", c->high,
                         "rate", c->rate, "scale", c->scale, "shift", c->shift);
    return json_pack("{s:s, s:f, s:f, s:o}", "transform", names[c->kind], "low", c->low, "high", c->high, "values",
                     agop__json_reals(c->value, AGOP__KNOTS));
}

json_t *agop__curves_to_json(const agop__curve *c, int64_t columns)
{
    json_t *list = json_array();
    int     bad  = !list;

    for (int64_t k = 0; k < columns && !bad; k++)
        bad = json_array_append_new(list, one_to_json(&c[k]));
    if (!bad)
        return list;
    json_decref(list);
    return NULL;
}

static int read_number(double *out, const json_t *j, const char *key)
{
    const json_t *v = json_object_get(j, key);

    *out = json_number_value(v);
    return json_is_number(v) && isfinite(*out);
}

/* Nothing that it can say may overflow. */
static int one_from_json(agop__curve *c, const json_t *j)
{
    const char   *name   = json_string_value(json_object_get(j, "transform"));
    const json_t *values = json_object_get(j, "values");
    int           good   = name && read_number(&c->low, j, "low") && read_number(&c->high, j, "high") &&
               fabs(c->low) < 1e9 && fabs(c->high) < 1e9 && c->low <= c->high;

    if (good && strcmp(name, names[AGOP__LOG]) == 0) {
        c->kind = AGOP__LOG;
        return read_number(&c->rate, j, "rate") && read_number(&c->scale, j, "scale") &&
               read_number(&c->shift, j, "shift") && c->rate >= 0 && c->scale >= 0 &&
               isfinite(c->scale * exp(c->rate * c->high) + fabs(c->shift));
    }
    c->kind = AGOP__NORMAL;
    good    = good && strcmp(name, names[AGOP__NORMAL]) == 0 && json_array_size(values) == AGOP__KNOTS;
    for (size_t i = 0; i < AGOP__KNOTS && good; i++) {
        c->value[i] = json_number_value(json_array_get(values, i));
        good        = json_is_number(json_array_get(values, i)) && fabs(c->value[i]) < DBL_MAX / 4;
    }
    return good;
}

int agop__curves_fit(const json_t *j, int64_t columns)
{
    agop__curve one;
    int         good = (int64_t)json_array_size(j) == columns;

    for (int64_t k = 0; k < columns && good; k++)
        good = one_from_json(&one, json_array_get(j, (size_t)k));
    return good;
}

agop__curve *agop__curves_from_json(const json_t *j, int64_t columns)
{
    agop__curve *c = agop__calloc(columns, sizeof *c);

    for (int64_t k = 0; c && k < columns; k++)
        (void)one_from_json(&c[k], json_array_get(j, (size_t)k));
    return c;
}
