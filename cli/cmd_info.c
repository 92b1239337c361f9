/* cmd_info.c - agop info: what a model or a table is. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "json_print.h"
#include "result_file.h"
#include "words.h"

static const opt own[] = {
    {NULL, 0, OPT_FLAG, NULL, NULL, 0, 0, NULL},
};

const opt_verb verb_info = {
    "info",
    "MODEL|DATA",
    "what a model or a table is",
    "Of a model: its task, columns, settings as used, and how each iteration did. Of a table: rows, and per column "
    "its type, missing cells and range or levels. Which of the two it is, is told from the content.",
    1,
    1,
    own,
    cmd_info,
};

enum { LEVELS_SHOWN = 6 };

/* ---- a model ---- */

static void print_scalar(FILE *f, const json_t *v)
{
    char  number[WORDS_NUMBER];
    char *text;

    if (json_is_string(v)) {
        words_line(f, json_string_value(v));
        return;
    }
    if (json_is_real(v)) {
        snprintf(number, sizeof number, "%.6g", json_real_value(v));
        fputs(number, f);
        return;
    }
    text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
    fputs(text ? text : "", f);
    free(text);
}

static int told_elsewhere(const char *key, int indent)
{
    static const char *const own_way[] = {"d", "features", "target", "columns"};

    for (size_t i = 0; indent == 0 && i < sizeof own_way / sizeof *own_way; i++)
        if (strcmp(key, own_way[i]) == 0)
            return 1;
    return 0;
}

/* "key  value" for every plain entry of an object, less those that print_model tells in its own way. */
static void print_entries(FILE *f, const json_t *object, int indent)
{
    const char *key;
    json_t     *v;

    json_object_foreach((json_t *)object, key, v)
    {
        if (json_is_object(v) || json_is_array(v) || json_is_null(v) || told_elsewhere(key, indent))
            continue;
        fprintf(f, "%*s%-18s ", indent, "", key);
        print_scalar(f, v);
        fputc('\n', f);
    }
}

static void print_iterations(FILE *f, const json_t *list, double best)
{
    static const char *const column[] = {"iter", "validation", "seconds_kernel", "seconds_solve", "seconds_agop"};

    if (json_array_size(list) == 0)
        return;
    fprintf(f, "\n%6s %14s %14s %14s %14s\n", "iter", "validation", "kernel, s", "solve, s", "agop, s");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        fprintf(f, "%6.0f", json_get_number(one, column[0], (double)i));
        for (int k = 1; k < 5; k++) {
            const json_t *v = json_object_get(one, column[k]);
            if (json_is_number(v))
                fprintf(f, k == 1 ? " %14.6g" : " %14.3f", json_number_value(v));
            else
                fprintf(f, " %14s", "-");
        }
        fputs(json_get_number(one, column[0], (double)i) == best ? "  best\n" : "\n", f);
    }
}

/* Machines, one a line: those whose sum is the model, or those that were tried. */
static void print_machines(FILE *f, const char *title, const json_t *list)
{
    if (json_array_size(list) == 0)
        return;
    fprintf(f, "\n%s\n%8s %9s %9s %14s %9s %7s %9s %9s %10s %10s %14s\n", title, "kernel", "exponent", "metric",
            "normal scores", "target", "levels", "weight", "ridge", "bandwidth", "iteration", "validation");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        fprintf(f, "%8s %9.3g %9s %14s %9s %7.3g %9.4f %9.4g %10.4g %10.0f %14.6g\n", json_get_text(one, "kernel", "?"),
                json_get_number(one, "exponent", NAN), json_get_text(one, "metric", "?"),
                json_is_true(json_object_get(one, "normal_scores")) ? "yes" : "no",
                json_get_text(one, "target_transform", "none"), json_get_number(one, "level_height", NAN),
                json_get_number(one, "weight", NAN), json_get_number(one, "ridge", NAN),
                json_get_number(one, "bandwidth", NAN),
                json_get_number(one, "best_iter", NAN), json_get_number(one, "validation", NAN));
    }
}

/* How a tree came out: one line, and the smallest and largest leaf. */
static void print_tree(FILE *f, const json_t *tree)
{
    const json_t *fits = json_object_get(tree, "fits");
    double        least = INFINITY, most = 0;

    if (!json_is_object(tree))
        return;
    for (size_t i = 0; i < json_array_size(fits); i++) {
        double rows = json_get_number(json_array_get(fits, i), "rows", 0);
        least       = fmin(least, rows);
        most        = fmax(most, rows);
    }
    fputs("\ntree\n", f);
    print_entries(f, tree, 2);
    fprintf(f, "  %-18s %.0f to %.0f\n", "rows of a leaf", least, most);
}

static void print_model(FILE *f, const agop_model *m, const json_t *info)
{
    const json_t *valid = json_object_get(info, "validation");

    print_entries(f, info, 0);
    fprintf(f, "%-18s %lld\n", "columns", (long long)agop_model_columns(m));
    fprintf(f, "%-18s %lld\n", "features", (long long)agop_model_features(m));
    fprintf(f, "%-18s", agop_model_outputs(m, AGOP_PROBA) > 0 ? "classes" : "targets");
    int what = agop_model_outputs(m, AGOP_PROBA) > 0 ? AGOP_PROBA : AGOP_VALUE;
    for (int64_t j = 0; j < agop_model_outputs(m, what); j++) {
        fputs(j ? ", " : " ", f);
        if (j == LEVELS_SHOWN * 2) {
            fprintf(f, "and %lld more", (long long)(agop_model_outputs(m, what) - j));
            break;
        }
        words_line(f, agop_model_output_name(m, what, j));
    }
    fputc('\n', f);
    if (json_is_object(valid)) {
        fputs("\nvalidation\n", f);
        print_entries(f, valid, 2);
    }
    print_machines(f, "members of the sum", json_object_get(info, "members"));
    print_machines(f, "tried on half of the rows", json_object_get(info, "tried"));
    print_tree(f, json_object_get(info, "tree"));
    fputs("\nsettings\n", f);
    print_entries(f, json_object_get(info, "settings"), 2);
    print_iterations(f, json_object_get(info, "iterations"), json_get_number(info, "best_iter", -1));
}

static int info_model(run *r, const char *path)
{
    agop_model *m    = NULL;
    json_t     *info = NULL;
    result     *o    = NULL;
    int         code;

    DO(run_check(r, agop_model_load(&m, r->ctx, path)));
    info = json_read(r, agop_model_info(m));
    if (!info) {
        code = EXIT_FAILED;
        goto done;
    }
    json_object_set_new(info, "model", json_text(path));
    DO(json_report(r, info));
    if (r->json && strcmp(r->json, "-") == 0)
        goto done;
    DO(result_open(&o, r, "-"));
    print_model(result_file(o), m, info);
    code = result_commit(r, o);
done:
    json_decref(info);
    agop_model_free(m);
    return code;
}

/* ---- a table ---- */

typedef struct range {
    double low, high, mean;
} range;

static range range_of(const agop_table *t, int64_t col)
{
    range   s    = {INFINITY, -INFINITY, 0};
    int64_t rows = agop_table_rows(t), seen = 0;

    for (int64_t i = 0; i < rows; i++) {
        double v = agop_table_number(t, i, col);
        if (isnan(v))
            continue;
        s.low  = v < s.low ? v : s.low;
        s.high = v > s.high ? v : s.high;
        s.mean += (v - s.mean) / (double)++seen; /* no sum that could overflow */
    }
    return s;
}

static void print_levels(FILE *f, const agop_table *t, int64_t col)
{
    int64_t n = agop_table_levels(t, col);
    char    cut[WORDS_CUT];

    fprintf(f, "%lld levels:", (long long)n);
    for (int64_t k = 0; k < n && k < LEVELS_SHOWN; k++) {
        fputs(k ? ", " : " ", f);
        words_line(f, words_fit(cut, agop_table_level(t, col, k), 24));
    }
    fputs(n > LEVELS_SHOWN ? ", ...\n" : "\n", f);
}

static void print_table(FILE *f, const agop_table *t, const char *path)
{
    int  wide = 6;
    char cut[WORDS_CUT];

    for (int64_t j = 0; j < agop_table_cols(t); j++)
        if (words_cells(agop_table_name(t, j)) > wide)
            wide = words_cells(agop_table_name(t, j));
    wide = wide < 32 ? wide : 32;
    fprintf(f, "%s: %lld rows, %lld columns\n\n", strcmp(path, "-") == 0 ? "standard input" : path,
            (long long)agop_table_rows(t), (long long)agop_table_cols(t));
    fprintf(f, "%-*s  %-6s  %10s  %s\n", wide, "column", "type", "missing", "range or levels");
    for (int64_t j = 0; j < agop_table_cols(t); j++) {
        const char *name = words_fit(cut, agop_table_name(t, j), wide);
        words_line(f, name);
        fprintf(f, "%*s  %-6s  %10lld  ", wide - words_cells(name), "", agop_table_is_text(t, j) ? "text" : "number",
                (long long)agop_table_missing(t, j));
        if (agop_table_is_text(t, j)) {
            print_levels(f, t, j);
        } else {
            range s = range_of(t, j);
            if (s.low <= s.high)
                fprintf(f, "%.6g to %.6g, mean %.6g\n", s.low, s.high, s.mean);
            else
                fputs("nothing but missing cells\n", f);
        }
    }
}

static json_t *column_as_json(const agop_table *t, int64_t col)
{
    json_t *j = json_object(), *levels;

    json_object_set_new(j, "name", json_text(agop_table_name(t, col)));
    json_object_set_new(j, "type", json_text(agop_table_is_text(t, col) ? "text" : "number"));
    json_object_set_new(j, "missing", json_integer(agop_table_missing(t, col)));
    if (agop_table_is_text(t, col)) {
        levels = json_array();
        for (int64_t k = 0; k < agop_table_levels(t, col); k++)
            json_array_append_new(levels, json_text(agop_table_level(t, col, k)));
        json_object_set_new(j, "levels", levels);
    } else {
        range s = range_of(t, col);
        json_object_set_new(j, "min", json_number(s.low));
        json_object_set_new(j, "max", json_number(s.high));
        json_object_set_new(j, "mean", s.low <= s.high ? json_number(s.mean) : json_null());
    }
    return j;
}

static json_t *table_as_json(const agop_table *t, const char *path)
{
    json_t *j = json_object(), *columns = json_array();

    json_object_set_new(j, "data", json_text(path));
    json_object_set_new(j, "rows", json_integer(agop_table_rows(t)));
    for (int64_t i = 0; i < agop_table_cols(t); i++)
        json_array_append_new(columns, column_as_json(t, i));
    json_object_set_new(j, "columns", columns);
    return j;
}

static int info_table(run *r, const char *path)
{
    agop_table *t    = NULL;
    json_t     *info = NULL;
    result     *o    = NULL;
    int         code;

    DO(run_table(r, &t, path, NULL));
    if (r->json) {
        info = table_as_json(t, path);
        DO(json_report(r, info));
        if (strcmp(r->json, "-") == 0)
            goto done;
    }
    DO(result_open(&o, r, "-"));
    print_table(result_file(o), t, path);
    code = result_commit(r, o);
done:
    json_decref(info);
    agop_table_free(t);
    return code;
}

int cmd_info(run *r)
{
    const char *path = r->opt->operand[0];

    return run_is_model(path) ? info_model(r, path) : info_table(r, path);
}
