/* explain_partial.c - agop explain --partial and --partial-directions: the mean prediction as a column moves, or rows
 * along a direction of the AGOP, and the spread of single rows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "direction.h"
#include "explanation.h"
#include "json_print.h"
#include "png.h"
#include "result_file.h"
#include "words.h"

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Value at share p of n sorted numbers, between two by linear interpolation. */
static double quantile(const double *v, int64_t n, double p)
{
    double  at = p * (double)(n - 1);
    int64_t i  = (int64_t)at;

    return i + 1 < n ? v[i] + (at - (double)i) * (v[i + 1] - v[i]) : v[n - 1];
}

/* Values at equal steps from the 2 % to the 98 % quantile of the rows; of few different values, these; of texts, levels
 * that rows have. v: room for the rows. */
static void lay_grid(curve *c, const explanation *x, double *v)
{
    int64_t at = x->place[c->column], n = 0, different = 0;
    int     text = agop_table_is_text(x->t, at);

    for (int64_t i = 0; i < x->rows; i++) {
        double one = agop_table_number(x->t, i, at);
        if (!isnan(one) && !(text && one < 0))
            v[n++] = one;
    }
    qsort(v, (size_t)n, sizeof *v, rising);
    for (int64_t i = 0; i < n; i++)
        different += i == 0 || v[i] != v[i - 1];
    for (int64_t i = 0; i < n && (text || different <= MOST_POINTS); i++)
        if (c->points < MOST_POINTS && (i == 0 || v[i] != v[i - 1]))
            c->grid[c->points++] = v[i];
    for (int64_t k = 0; k < MOST_POINTS && !text && different > MOST_POINTS; k++)
        c->grid[c->points++] = quantile(v, n, .02 + .96 * (double)k / (MOST_POINTS - 1));
    for (int64_t k = 0; k < c->points; k++)
        c->level[k] = text ? agop_table_level(x->t, at, (int64_t)c->grid[k]) : NULL;
}

/* Places at equal steps from the 5 % to the 95 % quantile of where rows stand. v: as above. */
static int lay_along(run *r, curve *c, const explanation *x, double *v)
{
    double low, high;
    int    code;

    DO(run_check(r, agop_along(v, c->direction, r->ctx, x->m, x->t)));
    qsort(v, (size_t)x->rows, sizeof *v, rising);
    low       = quantile(v, x->rows, .05);
    high      = quantile(v, x->rows, .95);
    c->points = low < high ? MOST_POINTS : 1;
    for (int64_t k = 0; k < c->points; k++)
        c->grid[k] = low + (high - low) * (double)k / (MOST_POINTS - 1);
done:
    return code;
}

static int follow(run *r, curve *c, const explanation *x)
{
    double  *v   = run_room(x->rows, sizeof *v), *all = run_room(x->rows * MOST_POINTS, sizeof *all);
    agop_mat out = {all, x->rows, 0, 0, AGOP_F64};
    int      code;

    if (!v || !all) {
        code = run_fail(r, EXIT_FAILED, "no memory for %lld rows", (long long)x->rows);
        goto done;
    }
    if (c->direction)
        DO(lay_along(r, c, x, v));
    else
        lay_grid(c, x, v);
    if (c->points == 0) {
        code = run_fail(r, EXIT_DATA, "--partial: no row has a value in column '%.80s'", c->name);
        goto done;
    }
    out.cols = out.ld = c->points;
    DO(run_check(r, c->direction ? agop_partial_along(&out, r->ctx, x->m, x->t, c->direction, c->grid, c->points,
                                                      x->output[0])
                                 : agop_partial(&out, r->ctx, x->m, x->t, c->column, c->grid, c->points,
                                                x->output[0])));
    for (int64_t k = 0; k < c->points; k++) {
        for (int64_t i = 0; i < x->rows; i++) {
            v[i] = all[i * c->points + k];
            c->mean[k] += v[i] / (double)x->rows;
        }
        qsort(v, (size_t)x->rows, sizeof *v, rising);
        c->low[k]  = quantile(v, x->rows, .1);
        c->high[k] = quantile(v, x->rows, .9);
    }
done:
    free(v);
    free(all);
    return code;
}

/* ---- telling ---- */

static void print_curve(FILE *f, int64_t number, const curve *c)
{
    char text[80];

    if (c->direction)
        fprintf(f, "direction %lld, %.1f %% of the trace: ", (long long)number, 100 * c->share);
    words_line(f, c->name);
    fprintf(f, "\n  %-16s %12s %12s %12s\n", "value", "mean", "10 %", "90 %");
    for (int64_t k = 0; k < c->points; k++) {
        snprintf(text, sizeof text, "%.6g", c->grid[k]);
        fputs("  ", f);
        words_padded(f, c->level[k] ? c->level[k] : text, 16);
        fprintf(f, " %12.5g %12.5g %12.5g\n", c->mean[k], c->low[k], c->high[k]);
    }
}

static void csv_curve(FILE *f, const curve *c)
{
    char number[WORDS_NUMBER];

    for (int64_t k = 0; k < c->points; k++) {
        words_csv(f, c->name);
        fputc(',', f);
        words_csv(f, c->level[k] ? c->level[k] : words_number(number, c->grid[k]));
        fprintf(f, ",%s", words_number(number, c->mean[k]));
        fprintf(f, ",%s", words_number(number, c->low[k]));
        fprintf(f, ",%s\n", words_number(number, c->high[k]));
    }
}

static json_t *curve_as_json(const explanation *x, const curve *c)
{
    json_t *points = json_array(), *loadings;

    for (int64_t k = 0; k < c->points; k++)
        json_array_append_new(points,
                              json_pack("{s:o, s:o, s:o, s:o}", "value",
                                        c->level[k] ? json_text(c->level[k]) : json_number(c->grid[k]), "mean",
                                        json_number(c->mean[k]), "low", json_number(c->low[k]), "high",
                                        json_number(c->high[k])));
    if (!c->direction)
        return json_pack("{s:o, s:o}", "column", json_text(c->name), "points", points);
    loadings = json_object();
    for (int64_t j = 0; j < agop_model_features(x->m); j++)
        if (c->direction[j] != 0)
            json_put(loadings, agop_model_feature_name(x->m, j), json_number(c->direction[j]));
    return json_pack("{s:o, s:o, s:o, s:o}", "direction", json_text(c->name), "share", json_number(c->share),
                     "loadings", loadings, "points", points);
}

static json_t *as_json(const explanation *x, const curve *c, int64_t curves)
{
    json_t *all = json_array();

    for (int64_t k = 0; k < curves; k++)
        json_array_append_new(all, curve_as_json(x, &c[k]));
    return json_pack("{s:o, s:I, s:o}", "output", json_text(agop_model_output_name(x->m, x->what, x->output[0])), "n",
                     (json_int_t)x->rows, "partial", all);
}

static int write_curves(run *r, FILE *f, int kind, const void *what)
{
    const curves_picture *p = what;

    if (result_is_picture(kind))
        return png_or_svg(r, f, kind == RESULT_PNG, draw_curves, p);
    if (kind == RESULT_CSV)
        fprintf(f, "%s,value,mean,low,high\n", p->c->direction ? "direction" : "column");
    for (int64_t k = 0; k < p->curves && kind == RESULT_CSV; k++)
        csv_curve(f, &p->c[k]);
    for (int64_t k = 0; k < p->curves && kind == RESULT_TABLE; k++)
        print_curve(f, k + 1, &p->c[k]);
    return EXIT_DONE;
}

static int tell(run *r, const explanation *x, const curve *c, int64_t curves, const char *path, int kind)
{
    curves_picture picture = {x, c, curves};
    json_t        *report  = r->json || kind == RESULT_JSON ? as_json(x, c, curves) : NULL;
    int            code    = report_tell(r, report, path, kind, write_curves, &picture);

    json_decref(report);
    return code;
}

/* The column that the first of a comma list names; *list moves on. -1: there is none of that name. */
static int64_t next_column(const explanation *x, const char **list, size_t *length)
{
    const char *name = *list;

    *length = strcspn(name, ",");
    *list   = name + *length + (name[*length] == ',');
    for (int64_t j = 0; j < x->columns; j++)
        if (strlen(x->name[j]) == *length && memcmp(x->name[j], name, *length) == 0)
            return j;
    return -1;
}

static int name_columns(run *r, curve *c, int64_t *curves, const explanation *x, const char *columns)
{
    size_t length;

    for (const char *rest = columns; *rest;) {
        const char *name = rest;
        int64_t     j    = next_column(x, &rest, &length);
        if (j < 0 || *curves == x->columns)
            return run_fail(r, EXIT_USAGE, "--partial: %s has no column '%.*s'%s", r->opt->operand[0],
                            length < 80 ? (int)length : 80, name, j < 0 ? "" : " that was not named before");
        c[*curves].column = j;
        c[*curves].name   = x->name[j];
        (*curves)++;
    }
    return EXIT_DONE;
}

/* ---- directions ---- */

/* The leading eigenvectors of the AGOP that are about numeric columns, each before its text: numbers and categories
 * share none (ADR 0007), so they are passed over or are told whole, but for indicators of missing cells. */
typedef struct directions {
    double *vector, *share; /* asked x features, asked */
    char (*text)[DIRECTION_TEXT];
} directions;

static void directions_free(directions *d)
{
    free(d->vector);
    free(d->share);
    free(d->text);
    *d = (directions){0};
}

/* Moves the vectors that are mostly about numbers to the front, restricted to them; *kept, at most `wanted`.
 * whole: room for one. */
static int keep_numeric(run *r, int64_t *kept, directions *d, double *whole, const agop_model *m, int64_t asked,
                        int64_t wanted)
{
    int64_t features = agop_model_features(m);
    int     code     = EXIT_DONE;

    *kept = 0;
    for (int64_t k = 0; k < asked && *kept < wanted; k++) {
        double *v = d->vector + *kept * features, cosine = 0;
        memcpy(whole, d->vector + k * features, (size_t)features * sizeof *whole);
        memmove(v, whole, (size_t)features * sizeof *v);
        d->share[*kept] = d->share[k];
        DO(run_check(r, agop_along(NULL, v, r->ctx, m, NULL)));
        for (int64_t j = 0; j < features; j++)
            cosine += v[j] * whole[j];
        *kept += cosine * cosine > .5 && d->share[*kept] > 0;
    }
done:
    return code;
}

static int ask_vectors(run *r, int64_t *kept, directions *d, const agop_model *m, int64_t asked, int64_t wanted)
{
    int64_t  features = agop_model_features(m);
    double  *whole    = run_room(features, sizeof *whole);
    agop_mat V;
    int      code;

    directions_free(d);
    d->vector = run_room(asked * features, sizeof *d->vector);
    d->share  = run_room(asked, sizeof *d->share);
    d->text   = run_room(asked, sizeof *d->text);
    if (!d->vector || !d->share || !d->text || !whole) {
        code = run_fail(r, EXIT_FAILED, "no memory for %lld directions", (long long)asked);
        goto done;
    }
    V = (agop_mat){d->vector, asked, features, features, AGOP_F64};
    DO(run_check(r, agop_vectors(&V, d->share, r->ctx, m)));
    DO(keep_numeric(r, kept, d, whole, m, asked, wanted));
done:
    free(whole);
    return code;
}

/* Asks for more eigenvectors until enough of them are about numbers. */
static int find_directions(run *r, int64_t *found, directions *d, const agop_model *m, int64_t wanted)
{
    int64_t      features = agop_model_features(m), asked = wanted < features ? wanted : features;
    const char **name     = run_room(features, sizeof *name);
    int          code;

    DO(ask_vectors(r, found, d, m, asked, wanted));
    while (*found < wanted && asked < features) {
        asked = 2 * asked < features ? 2 * asked : features;
        DO(ask_vectors(r, found, d, m, asked, wanted));
    }
    if (!name)
        code = run_fail(r, EXIT_FAILED, "no memory for %lld features", (long long)features);
    else if (*found == 0)
        code = run_fail(r, EXIT_DATA, "--partial-directions: %s depends on no numeric column", r->opt->operand[0]);
    for (int64_t j = 0; name && j < features; j++)
        name[j] = agop_model_feature_name(m, j);
    for (int64_t k = 0; name && k < *found; k++)
        direction_text(d->text[k], d->vector + k * features, name, features);
done:
    free(name);
    return code;
}

static int curves_along(run *r, curve **c, int64_t *curves, directions *d, const agop_model *m, int64_t wanted)
{
    int code;

    DO(find_directions(r, curves, d, m, wanted));
    *c = run_room(*curves, sizeof **c);
    if (!*c || !d->share || !d->text) {
        code = run_fail(r, EXIT_FAILED, "no memory for %lld curves", (long long)*curves);
        goto done;
    }
    for (int64_t k = 0; k < *curves; k++)
        (*c)[k] = (curve){
            .name = d->text[k], .direction = d->vector + k * agop_model_features(m), .share = d->share[k]};
done:
    return code;
}

static int curves_of(run *r, curve **c, int64_t *curves, const explanation *x, const char *columns)
{
    *c = run_room(x->columns, sizeof **c);
    return *c ? name_columns(r, *c, curves, x, columns)
              : run_fail(r, EXIT_FAILED, "no memory for %lld columns", (long long)x->columns);
}

int explanation_partial(run *r, const explanation *x, const char *columns, int64_t wanted, const char *path, int kind)
{
    directions d      = {0};
    curve     *c      = NULL;
    int64_t    curves = 0;
    int        code;

    if (x->what == AGOP_PROBA && !opt_text(r->opt, "of"))
        return run_fail(r, EXIT_USAGE, "%s of classes follows one: name it by --of",
                        columns ? "--partial" : "--partial-directions");
    DO(columns ? curves_of(r, &c, &curves, x, columns) : curves_along(r, &c, &curves, &d, x->m, wanted));
    for (int64_t k = 0; k < curves; k++)
        DO(follow(r, &c[k], x));
    DO(run_settle(r, "nothing was written"));
    code = tell(r, x, c, curves, path, kind);
done:
    free(c);
    directions_free(&d);
    return code;
}
