/* cmd_predict.c - agop predict: answers for the rows of a table, one line each, in order.
 *
 * Rows are read, answered and written block by block, so memory does not grow with the file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "json_print.h"
#include "progress.h"
#include "result_file.h"
#include "signals.h"
#include "words.h"

enum { BLOCK_ROWS = 16384 };

static const opt own[] = {
    {"output", 'o', OPT_TEXT, "FILE", "-", 0, 0, "the CSV file the answers go to; - is standard output"},
    {"proba", 0, OPT_FLAG, NULL, NULL, 0, 0, "also the probability of each class, as columns p_<class>"},
    {"interval", 0, OPT_REAL, "LEVEL", NULL, 0, 1,
     "also where the truth lies with this probability, as columns lower and upper; of classes the column set"},
    {"interval-kind", 0, OPT_TEXT, "constant|local", "auto", 0, 0,
     "as wide everywhere, or wider where errors are larger; auto: what the fit found to be better"},
    {NULL, 0, OPT_FLAG, NULL, NULL, 0, 0, NULL},
};

const opt_verb verb_predict = {
    "predict",
    "MODEL DATA",
    "answers for the rows of a table",
    "Write a header and one row per row of DATA, in order: prediction (with several targets one prediction_TARGET "
    "each), then p_CLASS with --proba, lower and upper (lower_TARGET, upper_TARGET) with --interval; of classes set, "
    "the classes that the truth is among with that probability, the likeliest first, with | between. Columns are found "
    "by name; the target may be there or not. Memory does not grow with DATA; - is standard input.",
    2,
    2,
    own,
    cmd_predict,
};

typedef struct answers {
    agop_model *m;
    FILE       *file;
    int64_t     targets, classes; /* classes: 0 for a regression */
    int64_t     rows;
    int         proba;
    double      level;     /* of intervals; 0: none */
    int         form;
    double     *value, *p; /* room for one block */
    double     *lower, *upper;
    double     *member;    /* of the sets of classes */
} answers;

static void write_bound_name(const answers *a, const char *bound, int64_t j)
{
    char name[1024];

    if (a->targets == 1)
        snprintf(name, sizeof name, "%s", bound);
    else
        snprintf(name, sizeof name, "%s_%s", bound, agop_model_output_name(a->m, AGOP_VALUE, j));
    fputc(',', a->file);
    words_csv(a->file, name);
}

static void write_header(const answers *a)
{
    char name[1024];

    for (int64_t j = 0; j < a->targets; j++) {
        if (a->targets == 1)
            snprintf(name, sizeof name, "prediction");
        else
            snprintf(name, sizeof name, "prediction_%s", agop_model_output_name(a->m, AGOP_VALUE, j));
        if (j)
            fputc(',', a->file);
        words_csv(a->file, name);
    }
    for (int64_t j = 0; a->proba && j < a->classes; j++) {
        snprintf(name, sizeof name, "p_%s", agop_model_output_name(a->m, AGOP_PROBA, j));
        fputc(',', a->file);
        words_csv(a->file, name);
    }
    if (a->level > 0 && a->classes > 0)
        fputs(",set", a->file);
    for (int64_t j = 0; a->level > 0 && a->classes == 0 && j < a->targets; j++) {
        write_bound_name(a, "lower", j);
        write_bound_name(a, "upper", j);
    }
    fputc('\n', a->file);
}

/* The classes of one set joined into a text, the likeliest first; member is used up. NULL: no memory. */
static char *join_set(const answers *a, int64_t row)
{
    double *member = a->member + row * a->classes, *p = a->p + row * a->classes;
    size_t  length = 1;
    char   *text, *end;

    for (int64_t k = 0; k < a->classes; k++)
        length += member[k] > 0 ? strlen(agop_model_output_name(a->m, AGOP_PROBA, k)) + 1 : 0;
    text = run_room((int64_t)length, 1);
    if (!text)
        return NULL;
    end = text;
    for (int64_t top = 0; top >= 0;) {
        top = -1;
        for (int64_t k = 0; k < a->classes; k++)
            top = member[k] > 0 && (top < 0 || p[k] > p[top]) ? k : top;
        if (top < 0)
            break;
        end += sprintf(end, "%s%s", end > text ? "|" : "", agop_model_output_name(a->m, AGOP_PROBA, top));
        member[top] = 0;
    }
    return text;
}

static int write_set(const answers *a, int64_t row)
{
    char *text = join_set(a, row);

    if (!text)
        return -1;
    fputc(',', a->file);
    words_csv(a->file, text);
    free(text);
    return 0;
}

/* -1: no memory */
static int write_rows(const answers *a, int64_t rows)
{
    char number[WORDS_NUMBER];

    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < a->targets; j++) {
            double v = a->value[i * a->targets + j];
            if (j)
                fputc(',', a->file);
            if (a->classes > 0)
                words_csv(a->file, agop_model_output_name(a->m, AGOP_PROBA, (int64_t)v));
            else
                fputs(words_number(number, v), a->file);
        }
        for (int64_t j = 0; a->proba && j < a->classes; j++) {
            fputc(',', a->file);
            fputs(words_number(number, a->p[i * a->classes + j]), a->file);
        }
        if (a->level > 0 && a->classes > 0 && write_set(a, i) != 0)
            return -1;
        for (int64_t j = 0; a->level > 0 && a->classes == 0 && j < a->targets; j++) {
            fputc(',', a->file);
            fputs(words_number(number, a->lower[i * a->targets + j]), a->file);
            fputc(',', a->file);
            fputs(words_number(number, a->upper[i * a->targets + j]), a->file);
        }
        fputc('\n', a->file);
    }
    return 0;
}

/* The class that the model answers with: of two by its threshold, else the likeliest. */
static int64_t answer_of(const answers *a, const double *p)
{
    int64_t best = 0;

    if (agop_model_threshold(a->m) != .5)
        return p[1] >= agop_model_threshold(a->m);
    for (int64_t j = 1; j < a->classes; j++)
        if (p[j] > p[best])
            best = j;
    return best;
}

/* With --proba or sets the class is read off the probabilities: the work is done once, and they cannot disagree. */
static int answer_block(run *r, answers *a, const agop_table *t)
{
    int64_t  rows  = agop_table_rows(t);
    agop_mat value = {a->value, rows, a->targets, a->targets, AGOP_F64};
    agop_mat p     = {a->p, rows, a->classes, a->classes, AGOP_F64};
    agop_mat lower = {a->lower, rows, a->targets, a->targets, AGOP_F64};
    agop_mat upper = {a->upper, rows, a->targets, a->targets, AGOP_F64};
    agop_mat set   = {a->member, rows, a->classes, a->classes, AGOP_F64};
    int      code, sets = a->level > 0 && a->classes > 0;

    if (a->proba || sets) {
        DO(run_check(r, sets ? agop_predict_set(&p, &set, r->ctx, a->m, t, a->level)
                             : agop_predict(&p, r->ctx, a->m, t, AGOP_PROBA)));
        for (int64_t i = 0; i < rows; i++)
            a->value[i] = (double)answer_of(a, a->p + i * a->classes);
    } else if (a->level > 0) {
        DO(run_check(r, agop_predict_interval(&value, &lower, &upper, r->ctx, a->m, t, a->level, a->form)));
    } else {
        DO(run_check(r, agop_predict(&value, r->ctx, a->m, t, AGOP_VALUE)));
    }
    if (a->rows == 0) /* not before something has been answered: a level may be refused */
        write_header(a);
    if (write_rows(a, rows) != 0) {
        code = run_fail(r, EXIT_FAILED, "no memory for a set of classes");
        goto done;
    }
    a->rows += rows;
    if (ferror(a->file))
        code = EXIT_DATA; /* result_commit has the sentence; do not compute for nobody */
done:
    return code;
}

static int answer_all(run *r, answers *a, agop_reader *reader)
{
    agop_table *t    = NULL;
    int         code = EXIT_DONE;

    progress_by_rows(r->bar);
    for (;;) {
        DO(run_check(r, agop_reader_next(&t, r->ctx, reader, BLOCK_ROWS)));
        if (!t)
            break;
        DO(answer_block(r, a, t));
        progress_rows(r->bar, "predict", a->rows);
        DO(run_settle(r, "nothing was written"));
        agop_table_free(t);
        t = NULL;
    }
    progress_counts(r->bar);
    if (a->rows == 0)
        write_header(a);
done:
    agop_table_free(t);
    return code;
}

static int make_room(run *r, answers *a)
{
    a->targets = agop_model_outputs(a->m, AGOP_VALUE);
    a->classes = agop_model_outputs(a->m, AGOP_PROBA);
    a->proba   = opt_flag(r->opt, "proba");
    if (a->classes < 0)
        a->classes = 0;
    if (a->proba && a->classes == 0)
        return run_fail(r, EXIT_USAGE, "--proba needs a model of classes: %s is a regression", r->opt->operand[0]);
    if (run_interval(r, &a->level, &a->form, a->m) != EXIT_DONE)
        return EXIT_USAGE;
    a->value = malloc((size_t)(BLOCK_ROWS * a->targets) * sizeof *a->value);
    a->p     = malloc((size_t)(BLOCK_ROWS * (a->classes ? a->classes : 1)) * sizeof *a->p);
    a->lower = malloc((size_t)(BLOCK_ROWS * a->targets) * sizeof *a->lower);
    a->upper = malloc((size_t)(BLOCK_ROWS * a->targets) * sizeof *a->upper);
    a->member = malloc((size_t)(BLOCK_ROWS * (a->classes ? a->classes : 1)) * sizeof *a->member);
    return a->value && a->p && a->lower && a->upper && a->member
               ? EXIT_DONE
               : run_fail(r, EXIT_FAILED, "no memory for the answers");
}

static int report(run *r, const answers *a, const char *data, const char *path)
{
    json_t *j;
    int     code;

    if (!r->json)
        return EXIT_DONE;
    j    = json_pack("{s:o, s:o, s:o, s:I, s:I, s:b}", "model", json_text(r->opt->operand[0]), "data", json_text(data),
                     "output", json_text(path), "n", (json_int_t)a->rows, "outputs", (json_int_t)a->targets, "proba",
                     a->proba);
    code = json_report(r, j);
    json_decref(j);
    return code;
}

int cmd_predict(run *r)
{
    const char  *data = r->opt->operand[1], *path = opt_text(r->opt, "output");
    agop_reader *reader = NULL;
    result      *o      = NULL;
    answers      a      = {0};
    int          code;

    path = path ? path : "-";
    if (r->json && strcmp(r->json, path) == 0)
        return run_fail(r, EXIT_USAGE, "the answers and the report cannot both go to %s: give -o a file",
                        strcmp(path, "-") == 0 ? "standard output" : path);
    if (result_same(path, data))
        return run_fail(r, EXIT_USAGE, "the answers would overwrite the data in %s: name another file", path);
    DO(result_check(r, path));
    DO(run_check(r, agop_model_load(&a.m, r->ctx, r->opt->operand[0])));
    DO(make_room(r, &a));
    DO(run_check(r, agop_reader_open(&reader, r->ctx, data, r->settings, a.m)));
    DO(result_open(&o, r, path));
    a.file = result_file(o);
    code = answer_all(r, &a, reader);
    if (code == EXIT_DONE || ferror(a.file)) {
        code = result_commit(r, o);
        o    = NULL;
    }
    if (code == EXIT_DONE)
        code = report(r, &a, data, path);
done:
    result_abandon(o);
    free(a.value);
    free(a.p);
    free(a.lower);
    free(a.upper);
    free(a.member);
    agop_reader_close(reader);
    agop_model_free(a.m);
    return code;
}
