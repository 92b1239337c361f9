/* cmd_cv.c - agop cv: how good a fit of this table would be on rows that it has not seen. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "json_print.h"
#include "result_file.h"
#include "words.h"

static const opt own[] = {
    {"output", 'o', OPT_TEXT, "FILE", NULL, 0, 0,
     "a CSV file for the predictions of every row by fits that had not seen it"},
    {"proba", 0, OPT_FLAG, NULL, NULL, 0, 0, "there also the probability of each class, as columns p_<class>"},
    {NULL, 0, OPT_FLAG, NULL, NULL, 0, 0, NULL},
};

const opt_verb verb_cv = {
    "cv",
    "DATA --target COL[,COL...]",
    "how good a fit would be on rows that it has not seen",
    "Cross-validation: the rows are dealt into parts, for classes each with its share of every class, and each part is "
    "predicted by a fit of the others, with all that a fit chooses. Beside the scores stand those of a constant and of a "
    "linear model of the same rows. All options of agop fit are understood. Ctrl-C reports the folds that are done.",
    1,
    1,
    own,
    cmd_cv,
};

static void write_number(FILE *f, const json_t *object, const char *key)
{
    double v = json_get_number(object, key, (double)NAN);

    if (isnan(v))
        fprintf(f, " %9s", "undefined");
    else
        fprintf(f, " %9.4g", v);
}

/* One line per score: ours; the constant, and by how much ours is above it; the same of the linear model. */
static void write_table(FILE *f, const json_t *report)
{
    static const char *const others[] = {"baseline", "linear"};
    const json_t            *scores   = json_object_get(report, "scores"), *value;
    const char              *name;

    fprintf(f, "%-9s %9s %9s %9s %9s", "", "mean", "+-", "min", "max");
    for (int k = 0; k < 2; k++)
        fprintf(f, " %9s %9s %9s", others[k], "apart by", "+-");
    fputc('\n', f);
    json_object_foreach((json_t *)scores, name, value)
    {
        fprintf(f, "%-9s", name);
        write_number(f, value, "mean");
        write_number(f, value, "standard_error");
        write_number(f, value, "minimum");
        write_number(f, value, "maximum");
        for (int k = 0; k < 2; k++) {
            const json_t *other = json_object_get(value, others[k]);
            write_number(f, other, "mean");
            write_number(f, other, "difference");
            write_number(f, other, "difference_standard_error");
        }
        fputc('\n', f);
    }
}

static int64_t largest(const double *v, int64_t n)
{
    int64_t best = 0;

    for (int64_t j = 1; j < n; j++)
        if (v[j] > v[best])
            best = j;
    return best;
}

static void write_header(FILE *f, const json_t *names, int classes, int proba)
{
    char name[1024];

    if (classes || json_array_size(names) == 1)
        fputs("prediction", f);
    for (size_t k = 0; k < json_array_size(names); k++) {
        const char *one = json_string_value(json_array_get(names, k));
        if (classes ? !proba : json_array_size(names) == 1)
            continue;
        snprintf(name, sizeof name, "%s%s", classes ? "p_" : "prediction_", one);
        if (classes || k)
            fputc(',', f);
        words_csv(f, name);
    }
    fputc('\n', f);
}

/* A row that no fit was asked for is a row of empty cells. */
static void write_row(FILE *f, const json_t *names, const double *v, int classes, int proba)
{
    int64_t n     = (int64_t)json_array_size(names);
    int     known = !isnan(v[0]);
    char    number[WORDS_NUMBER];

    if (classes && known)
        words_csv(f, json_string_value(json_array_get(names, (size_t)largest(v, n))));
    for (int64_t k = 0; k < n && (!classes || proba); k++) {
        if (classes || k)
            fputc(',', f);
        if (known)
            fputs(words_number(number, v[k]), f);
    }
    fputc('\n', f);
}

static int write_predictions(run *r, const json_t *report, const double *v, int64_t rows, const char *path)
{
    int           classes = json_is_array(json_object_get(report, "classes")), proba = opt_flag(r->opt, "proba");
    const json_t *names   = json_object_get(report, classes ? "classes" : "targets");
    result       *o       = NULL;
    int           code    = EXIT_DONE;

    if (!path)
        return EXIT_DONE;
    if (proba && !classes) /* too late to refuse: the work is done */
        run_say(r, "the target is numbers, not classes: --proba adds nothing");
    DO(result_open(&o, r, path));
    write_header(result_file(o), names, classes, proba);
    for (int64_t i = 0; i < rows; i++)
        write_row(result_file(o), names, v + i * (int64_t)json_array_size(names), classes, proba);
    code = result_commit(r, o);
done:
    return code;
}

static int check_request(run *r, const char *data, const char *path)
{
    int code = EXIT_DONE;

    if (!path)
        return opt_flag(r->opt, "proba") ? run_fail(r, EXIT_USAGE, "--proba adds columns to the file of -o: name one")
                                         : EXIT_DONE;
    if (r->json && strcmp(r->json, path) == 0)
        return run_fail(r, EXIT_USAGE, "the predictions and the report cannot both go to the same file: name another");
    DO(result_check(r, path));
    if (result_same(path, data))
        return run_fail(r, EXIT_USAGE, "the predictions would overwrite the data in %s: name another file", path);
    if (r->json)
        code = result_check(r, r->json);
done:
    return code;
}

static int write_scores(run *r, const json_t *report, const char *path)
{
    result *o    = NULL;
    int     code = EXIT_DONE;

    if ((r->json && strcmp(r->json, "-") == 0) || (path && strcmp(path, "-") == 0))
        return EXIT_DONE;
    DO(result_open(&o, r, "-"));
    write_table(result_file(o), report);
    code = result_commit(r, o);
done:
    return code;
}

/* Which folds there are, and what +- means. */
static void say_how(run *r, const json_t *report)
{
    double      done = json_get_number(report, "fits_done", 0), folds = json_get_number(report, "folds", 0);
    double      all  = folds * json_get_number(report, "repeats", 0);
    const char *by   = json_get_text(report, "groups", "");
    char        took[WORDS_NUMBER];

    words_seconds(took, json_get_number(report, "seconds", 0));
    run_say(r, "%.0f rows in %.0f folds%s%s, %.0f fits in %s; +- is one standard error (Nadeau and Bengio 2003)",
            json_get_number(report, "n", 0), folds, *by ? " by " : "", by, done, took);
    if (done < all)
        run_say(r, "stopped %s: %.0f of %.0f fits are reported", json_get_text(report, "stopped", ""), done, all);
}

int cmd_cv(run *r)
{
    const char *data   = r->opt->operand[0], *path = opt_text(r->opt, "output");
    agop_table *t      = NULL;
    json_t     *report = NULL;
    double     *v      = NULL;
    char       *text   = NULL;
    int         code;

    DO(check_request(r, data, path));
    DO(run_table(r, &t, data, NULL));
    DO(run_check(r, agop_cv(&text, &v, r->ctx, t, r->settings)));
    report = json_read(r, text);
    if (!report) {
        code = EXIT_FAILED;
        goto done;
    }
    DO(write_predictions(r, report, v, agop_table_rows(t), path));
    DO(json_report(r, report));
    DO(write_scores(r, report, path));
    say_how(r, report);
    code = run_settle(r, "the folds that were done are reported");
done:
    json_decref(report);
    agop_free(text);
    agop_free(v);
    agop_table_free(t);
    return code;
}
