/* explain_partial.c - agop explain --partial: the mean prediction as a column moves, and the spread of single rows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

static int follow(run *r, curve *c, const explanation *x)
{
    double  *v   = run_room(x->rows, sizeof *v), *all = run_room(x->rows * MOST_POINTS, sizeof *all);
    agop_mat out = {all, x->rows, 0, 0, AGOP_F64};
    int      code;

    if (!v || !all) {
        code = run_fail(r, EXIT_FAILED, "no memory for %lld rows", (long long)x->rows);
        goto done;
    }
    lay_grid(c, x, v);
    if (c->points == 0) {
        code = run_fail(r, EXIT_DATA, "--partial: no row has a value in column '%.80s'", x->name[c->column]);
        goto done;
    }
    out.cols = out.ld = c->points;
    DO(run_check(r, agop_partial(&out, r->ctx, x->m, x->t, c->column, c->grid, c->points, x->output[0])));
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

static void print_curve(FILE *f, const explanation *x, const curve *c)
{
    char text[80];

    words_line(f, x->name[c->column]);
    fprintf(f, "\n  %-16s %12s %12s %12s\n", "value", "mean", "10 %", "90 %");
    for (int64_t k = 0; k < c->points; k++) {
        snprintf(text, sizeof text, "%.6g", c->grid[k]);
        fputs("  ", f);
        words_padded(f, c->level[k] ? c->level[k] : text, 16);
        fprintf(f, " %12.5g %12.5g %12.5g\n", c->mean[k], c->low[k], c->high[k]);
    }
}

static void csv_curve(FILE *f, const explanation *x, const curve *c)
{
    char number[WORDS_NUMBER];

    for (int64_t k = 0; k < c->points; k++) {
        words_csv(f, x->name[c->column]);
        fputc(',', f);
        words_csv(f, c->level[k] ? c->level[k] : words_number(number, c->grid[k]));
        fprintf(f, ",%s", words_number(number, c->mean[k]));
        fprintf(f, ",%s", words_number(number, c->low[k]));
        fprintf(f, ",%s\n", words_number(number, c->high[k]));
    }
}

static json_t *curve_as_json(const explanation *x, const curve *c)
{
    json_t *points = json_array();

    for (int64_t k = 0; k < c->points; k++)
        json_array_append_new(points,
                              json_pack("{s:o, s:o, s:o, s:o}", "value",
                                        c->level[k] ? json_text(c->level[k]) : json_number(c->grid[k]), "mean",
                                        json_number(c->mean[k]), "low", json_number(c->low[k]), "high",
                                        json_number(c->high[k])));
    return json_pack("{s:o, s:o}", "column", json_text(x->name[c->column]), "points", points);
}

static json_t *as_json(const explanation *x, const curve *c, int64_t curves)
{
    json_t *all = json_array();

    for (int64_t k = 0; k < curves; k++)
        json_array_append_new(all, curve_as_json(x, &c[k]));
    return json_pack("{s:o, s:I, s:o}", "output", json_text(agop_model_output_name(x->m, x->what, x->output[0])), "n",
                     (json_int_t)x->rows, "partial", all);
}

static int tell(run *r, const explanation *x, const curve *c, int64_t curves, const char *path, int kind)
{
    curves_picture picture;
    result *o      = NULL;
    json_t *report = r->json || kind == RESULT_JSON ? as_json(x, c, curves) : NULL;
    int     code;

    DO(json_report(r, report));
    if (!path && r->json && strcmp(r->json, "-") == 0)
        goto done;
    DO(result_open(&o, r, path ? path : "-"));
    if (result_is_picture(kind)) {
        picture = (curves_picture){x, c, curves};
        DO(png_or_svg(r, result_file(o), kind == RESULT_PNG, draw_curves, &picture));
    }
    if (kind == RESULT_CSV)
        fputs("column,value,mean,low,high\n", result_file(o));
    for (int64_t k = 0; k < curves && (kind == RESULT_TABLE || kind == RESULT_CSV); k++)
        (kind == RESULT_CSV ? csv_curve : print_curve)(result_file(o), x, &c[k]);
    if (kind == RESULT_JSON)
        json_write(result_file(o), report);
    code = result_commit(r, o);
    o    = NULL;
done:
    result_abandon(o);
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

int explanation_partial(run *r, const explanation *x, const char *columns, const char *path, int kind)
{
    curve  *c      = run_room(x->columns, sizeof *c);
    int64_t curves = 0;
    size_t  length;
    int     code   = EXIT_DONE;

    if (!c)
        return run_fail(r, EXIT_FAILED, "no memory for %lld columns", (long long)x->columns);
    if (x->what == AGOP_PROBA && !opt_text(r->opt, "of")) {
        code = run_fail(r, EXIT_USAGE, "--partial of classes follows one: name it by --of");
        goto done;
    }
    for (const char *rest = columns; *rest;) {
        const char *name = rest;
        int64_t     j    = next_column(x, &rest, &length);
        if (j < 0 || curves == x->columns) {
            code = run_fail(r, EXIT_USAGE, "--partial: %s has no column '%.*s'%s", r->opt->operand[0],
                            length < 80 ? (int)length : 80, name, j < 0 ? "" : " that was not named before");
            goto done;
        }
        c[curves].column = j;
        DO(follow(r, &c[curves++], x));
    }
    DO(run_settle(r, "nothing was written"));
    code = tell(r, x, c, curves, path, kind);
done:
    free(c);
    return code;
}
