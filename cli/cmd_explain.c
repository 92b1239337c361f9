/* cmd_explain.c - agop explain: why rows are predicted as they are.
 *
 * Here the rows are picked and the library asked; explain_print.c tells what came of it. */
#include <stdlib.h>
#include <string.h>

#include "explanation.h"
#include "json_print.h"
#include "order.h"
#include "png.h"
#include "result_file.h"
#include "words.h"

static const opt own[] = {
    {"output", 'o', OPT_TEXT, "FILE", NULL, 0, 0, "a .csv, .json, .svg or .png file instead of the table"},
    {"rows", 0, OPT_TEXT, "LIST", "all", 0, 0, "rows of DATA to explain, such as 1,5,10-20; the first is 1"},
    {"of", 0, OPT_TEXT, "NAME", NULL, 0, 0,
     "the target or class to explain; else the first target, or the class that is predicted for the row"},
    {"method", 0, OPT_TEXT, "integrated|gradient", "integrated", 0, 0,
     "integrated: gradients along the way from the mean row, which add up to the answer; gradient: at the row alone"},
    {"neighbours", 0, OPT_COUNT, "K", NULL, 1, 1e6,
     "also the K training rows of the largest influence on each answer; as .csv these alone"},
    {"partial", 0, OPT_TEXT, "COL[,COL...]", NULL, 0, 0,
     "instead: the mean prediction as that column moves and all else stays (partial dependence)"},
    {"partial-directions", 0, OPT_COUNT, "K", NULL, 1, 1e6,
     "instead: the mean prediction as rows move along each of the K leading directions of the AGOP among numeric columns"},
    {"top", 0, OPT_COUNT, "K", NULL, 1, 1e9, "so many columns; all in files, 20 in the table, 30 in pictures"},
    {NULL, 0, OPT_FLAG, NULL, NULL, 0, 0, NULL},
};

const opt_verb verb_explain = {
    "explain",
    "MODEL DATA",
    "why rows are predicted as they are",
    "For each row of DATA and each column a contribution, in units of the target (of a class: of its probability): "
    "what the column's difference from the mean training row adds to the answer. With --rows each row is told by "
    "itself, else the mean size of the contributions. With --neighbours also the training rows that weigh most in it.",
    2,
    2,
    own,
    cmd_explain,
};

enum { MOST_CURVES = 1000 }; /* rows that curves are made of */
enum { TOLD_EACH = 3 }; /* so many rows at most are told one by one unasked */

/* ---- which rows ---- */

/* The next "7" or "10-20" of a list. 0: it cannot be read. */
static int next_range(long *from, long *to, const char **list)
{
    char *end;

    *from = *to = strtol(*list, &end, 10);
    if (end == *list)
        return 0;
    if (*end == '-') {
        const char *second = end + 1;
        *to                = strtol(second, &end, 10);
        if (end == second)
            return 0;
    }
    if (*end == ',' && end[1])
        end++;
    else if (*end)
        return 0;
    *list = end;
    return *from >= 1 && *to >= *from;
}

/* Row numbers from 0; *count of them. */
static int pick(run *r, int64_t **row, int64_t *count, int64_t rows)
{
    const char *list = opt_text(r->opt, "rows"), *rest = list && strcmp(list, "all") != 0 ? list : NULL;
    long        from, to;

    *count = rest ? 0 : rows;
    for (const char *p = rest; p && *p;) {
        if (!next_range(&from, &to, &p))
            return run_fail(r, EXIT_USAGE, "--rows must be a list such as 1,5,10-20, not '%.60s'", list);
        if (to > rows)
            return run_fail(r, EXIT_USAGE, "--rows asks for row %ld, but %s has %lld", to, r->opt->operand[1],
                            (long long)rows);
        *count += to - from + 1;
    }
    *row = run_room(*count, sizeof **row);
    if (!*row)
        return run_fail(r, EXIT_FAILED, "no memory for %lld rows", (long long)*count);
    for (int64_t i = 0; i < *count && !rest; i++)
        (*row)[i] = i;
    for (int64_t at = 0; rest && *rest;)
        for (next_range(&from, &to, &rest); from <= to; from++)
            (*row)[at++] = from - 1;
    return EXIT_DONE;
}

static int copy_column(run *r, agop_table *to, const agop_table *t, int64_t j, const int64_t *row, int64_t count)
{
    const char  *name = agop_table_name(t, j);
    int          text = agop_table_is_text(t, j), code;
    double      *v    = run_room(count, sizeof *v);
    const char **s    = run_room(count, sizeof *s);

    if (!v || !s) {
        code = run_fail(r, EXIT_FAILED, "no memory for %lld rows", (long long)count);
        goto done;
    }
    for (int64_t i = 0; i < count; i++) {
        v[i] = agop_table_number(t, row[i], j);
        s[i] = text && v[i] >= 0 ? agop_table_level(t, j, (int64_t)v[i]) : NULL;
    }
    DO(run_check(r, text ? agop_table_add_text(to, r->ctx, name, s) : agop_table_add_numeric(to, r->ctx, name, v)));
done:
    free(v);
    free(s);
    return code;
}

/* A table of some rows of another, in the order asked for. */
static int take_rows(run *r, agop_table **out, const agop_table *t, const int64_t *row, int64_t count)
{
    int code;

    DO(run_check(r, agop_table_new(out, r->ctx, count)));
    for (int64_t j = 0; j < agop_table_cols(t); j++)
        DO(copy_column(r, *out, t, j, row, count));
done:
    return code;
}

/* ---- gathering ---- */

static void explanation_free(explanation *x)
{
    free(x->number);
    free(x->output);
    free(x->name);
    free(x->place);
    free(x->part);
    free(x->base);
    free(x->value);
    free(x->mean);
    free(x->near);
    free(x->order);
    agop_table_free(x->t);
    agop_model_free(x->m);
}

static int make_room(run *r, explanation *x)
{
    x->columns = agop_model_columns(x->m);
    x->output  = run_room(x->rows, sizeof *x->output);
    x->name    = run_room(x->columns, sizeof *x->name);
    x->place   = run_room(x->columns, sizeof *x->place);
    x->part    = run_room(x->rows * x->columns, sizeof *x->part);
    x->base    = run_room(x->rows, sizeof *x->base);
    x->value   = run_room(x->rows, sizeof *x->value);
    x->mean    = run_room(x->columns, sizeof *x->mean);
    x->order   = run_room(x->columns, sizeof *x->order);
    x->near    = run_room(x->rows * x->neighbours, sizeof *x->near);
    if (!x->near || !x->output || !x->name || !x->place || !x->part || !x->base || !x->value || !x->mean || !x->order)
        return run_fail(r, EXIT_FAILED, "no memory for %lld rows", (long long)x->rows);
    for (int64_t j = 0; j < x->columns; j++) {
        x->name[j] = agop_model_column_name(x->m, j);
        for (int64_t k = 0; k < agop_table_cols(x->t); k++)
            if (strcmp(agop_table_name(x->t, k), x->name[j]) == 0)
                x->place[j] = k;
    }
    return EXIT_DONE;
}

static int asks_for_curves(const run *r)
{
    return opt_text(r->opt, "partial") || opt_count(r->opt, "partial_directions", 0);
}

static int read_rows(run *r, explanation *x)
{
    agop_table *all = NULL;
    int64_t    *row = NULL;
    int         code;

    DO(run_table(r, &all, r->opt->operand[1], x->m));
    DO(pick(r, &row, &x->rows, agop_table_rows(all)));
    if (!row || x->rows == 0) {
        code = run_fail(r, EXIT_DATA, "%s has no rows to explain", r->opt->operand[1]);
        goto done;
    }
    if (asks_for_curves(r) && x->rows > MOST_CURVES) {
        for (int64_t i = 0; i < MOST_CURVES; i++)
            row[i] = row[i * x->rows / MOST_CURVES];
        x->rows = MOST_CURVES;
    }
    DO(take_rows(r, &x->t, all, row, x->rows));
    for (int64_t i = 0; i < x->rows; i++)
        row[i]++;
    x->number = row;
    row       = NULL;
    x->each   = opt_text(r->opt, "rows") || x->rows <= TOLD_EACH || x->neighbours > 0;
done:
    free(row);
    agop_table_free(all);
    return code;
}

/* The output that --of names, or the predicted one of each row. */
static int choose_outputs(run *r, explanation *x)
{
    const char *of      = opt_text(r->opt, "of");
    int64_t     classes = agop_model_outputs(x->m, AGOP_PROBA), outputs, found = -1;
    double     *p       = NULL;
    agop_mat    value;
    int         code = EXIT_DONE;

    x->what = classes > 0 ? AGOP_PROBA : AGOP_VALUE;
    outputs = agop_model_outputs(x->m, x->what);
    for (int64_t k = 0; of && k < outputs; k++)
        if (strcmp(of, agop_model_output_name(x->m, x->what, k)) == 0)
            found = k;
    if (of && found < 0)
        return run_fail(r, EXIT_USAGE, "--of: %s has no %s '%.80s'", r->opt->operand[0],
                        classes > 0 ? "class" : "target", of);
    for (int64_t i = 0; i < x->rows; i++)
        x->output[i] = found > 0 ? found : 0;
    if (of || classes <= 0)
        return EXIT_DONE;
    p = run_room(x->rows, sizeof *p);
    if (!p)
        return run_fail(r, EXIT_FAILED, "no memory for %lld rows", (long long)x->rows);
    value = (agop_mat){p, x->rows, 1, 1, AGOP_F64};
    DO(run_check(r, agop_predict(&value, r->ctx, x->m, x->t, AGOP_VALUE)));
    for (int64_t i = 0; i < x->rows; i++)
        x->output[i] = (int64_t)p[i];
done:
    free(p);
    return code;
}

static int contribute(run *r, explanation *x)
{
    agop_mat out    = {x->part, x->rows, x->columns, x->columns, AGOP_F64};
    ranked  *order  = NULL;
    int      method = strcmp(x->method, "gradient") == 0 ? AGOP_GRADIENT : AGOP_INTEGRATED, code;

    DO(run_check(r, agop_contributions(&out, x->base, x->value, r->ctx, x->m, x->t, x->output, method)));
    for (int64_t i = 0; i < x->rows * x->columns; i++)
        x->mean[i % x->columns] += (x->part[i] < 0 ? -x->part[i] : x->part[i]) / (double)x->rows;
    order = order_by_size(x->mean, x->columns);
    if (!order)
        code = run_fail(r, EXIT_FAILED, "no memory for %lld columns", (long long)x->columns);
    for (int64_t j = 0; order && j < x->columns; j++)
        x->order[j] = order[j].at;
done:
    free(order);
    return code;
}

/* ---- the command line ---- */

static int check_request(run *r, const char *path, int kind, explanation *x)
{
    x->method = opt_text(r->opt, "method");
    x->method = x->method ? x->method : "integrated";
    x->top    = opt_count(r->opt, "top", 0);
    x->neighbours = opt_count(r->opt, "neighbours", 0);
    if (strcmp(x->method, "integrated") != 0 && strcmp(x->method, "gradient") != 0)
        return run_fail(r, EXIT_USAGE, "--method must be integrated or gradient, not '%.40s'", x->method);
    if (opt_text(r->opt, "partial") && opt_count(r->opt, "partial_directions", 0))
        return run_fail(r, EXIT_USAGE, "--partial follows columns, --partial-directions directions: take one of them");
    if (kind < 0)
        return run_fail(r, EXIT_USAGE, "what should %s be? its name must end in .csv, .json, .svg or .png", path);
    if (path && r->json && strcmp(path, r->json) == 0)
        return run_fail(r, EXIT_USAGE, "-o and --json cannot both go to %s", path);
    for (int i = 0; path && i < r->opt->operands; i++)
        if (result_same(path, r->opt->operand[i]))
            return run_fail(r, EXIT_USAGE, "the explanation would overwrite %s: name another file", path);
    return path ? result_check(r, path) : EXIT_DONE;
}

static int write_explanation(run *r, FILE *f, int kind, const void *what)
{
    if (result_is_picture(kind))
        return png_or_svg(r, f, kind == RESULT_PNG, draw_explanation, what);
    (kind == RESULT_CSV ? explanation_csv : explanation_print)(f, what);
    return EXIT_DONE;
}

static int tell(run *r, const explanation *x, const char *path, int kind)
{
    json_t *report = r->json || kind == RESULT_JSON ? explanation_json(x) : NULL;
    int     code   = report_tell(r, report, path, kind, write_explanation, x);

    json_decref(report);
    return code;
}

int cmd_explain(run *r)
{
    const char *path = opt_text(r->opt, "output");
    int         kind = result_kind(path), code;
    explanation x    = {0};

    DO(check_request(r, path, kind, &x));
    DO(run_check(r, agop_model_load(&x.m, r->ctx, r->opt->operand[0])));
    DO(read_rows(r, &x));
    DO(make_room(r, &x));
    DO(choose_outputs(r, &x));
    if (asks_for_curves(r)) {
        code = explanation_partial(r, &x, opt_text(r->opt, "partial"), opt_count(r->opt, "partial_directions", 0), path,
                                   kind);
        goto done;
    }
    DO(contribute(r, &x));
    if (x.neighbours)
        DO(run_check(r, agop_influence(x.near, r->ctx, x.m, x.t, x.output, x.neighbours)));
    DO(run_settle(r, "nothing was written"));
    DO(tell(r, &x, path, kind));
done:
    explanation_free(&x);
    return code;
}
