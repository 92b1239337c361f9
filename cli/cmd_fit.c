/* cmd_fit.c - agop fit: learn a model from a table.
 *
 * Everything that can be wrong with the command line and the places to write to is found before the work begins:
 * a fit may take hours. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "json_print.h"
#include "result_file.h"
#include "signals.h"
#include "words.h"

static const opt own[] = {
    {"output", 'o', OPT_TEXT, "MODEL", NULL, 0, 0, "the file the model is written to"},
    {"valid", 0, OPT_TEXT, "FILE", NULL, 0, 0,
     "rows that judge the iterations; without it the metric is learned on one half of the rows and judged on the other"},
    {NULL, 0, OPT_FLAG, NULL, NULL, 0, 0, NULL},
};

const opt_verb verb_fit = {
    "fit",
    "DATA --target COL[,COL...] -o MODEL",
    "learn a model from a table",
    "Fit a Recursive Feature Machine: kernel ridge regression whose metric is learned from the average gradient "
    "outer product of the fitted function. DATA is a table with a line of names (.csv, .tsv, plain, gzip or zstd), an "
    "array (.npy, .npz) or libsvm text; - is standard input. Columns of text are categories, missing cells are "
    "handled. Ctrl-C writes the best model so far; a second one ends at once.",
    1,
    1,
    own,
    cmd_fit,
};

static int check_request(run *r, const char *data, const char *valid, const char *path)
{
    const char *state = opt_text(r->opt, "resume");
    int         code  = EXIT_DONE;

    if (!path)
        return run_fail(r, EXIT_USAGE, "where should the model go? give -o MODEL");
    if (strcmp(path, "-") == 0)
        return run_fail(r, EXIT_USAGE, "a model cannot go to standard output: give -o a file");
    if (valid && strcmp(valid, "-") == 0 && strcmp(data, "-") == 0)
        return run_fail(r, EXIT_USAGE, "only one of DATA and --valid can be standard input");
    if (valid && opt_text(r->opt, "holdout") && strtod(opt_text(r->opt, "holdout"), NULL) > 0)
        return run_fail(r, EXIT_USAGE, "--valid and --holdout both say how to judge: keep one");
    if (r->json && strcmp(r->json, path) == 0)
        return run_fail(r, EXIT_USAGE, "the model and the report cannot be the same file %s", path);
    DO(result_check(r, path));
    if (result_same(path, data) || (valid && result_same(path, valid)))
        return run_fail(r, EXIT_USAGE, "the model would overwrite the data in %s: name another file", path);
    if (state && (strcmp(state, path) == 0 || (r->json && strcmp(state, r->json) == 0)))
        return run_fail(r, EXIT_USAGE, "the state of the fit needs a file of its own: %s is written otherwise", state);
    if (r->json)
        code = result_check(r, r->json);
done:
    return code;
}

/* "x 41 %, y 20 %, z 3 %": the columns with the largest shares. */
static void say_top(run *r, const agop_model *m)
{
    int64_t n = agop_model_columns(m), best[3] = {-1, -1, -1};
    double *v          = malloc((size_t)(n > 0 ? n : 1) * sizeof *v);
    char    line[1024] = "", cut[WORDS_CUT];
    size_t  used       = 0;

    if (v && n > 0 && agop_importance(v, r->ctx, m) == AGOP_OK) {
        for (int k = 0; k < 3; k++)
            for (int64_t j = 0; j < n; j++)
                if (j != best[0] && j != best[1] && j != best[2] && (best[k] < 0 || v[j] > v[best[k]]))
                    best[k] = j;
        for (int k = 0; k < 3 && best[k] >= 0 && used < sizeof line; k++)
            used += (size_t)snprintf(line + used, sizeof line - used, "%s%s %.1f %%", k ? ", " : "",
                                     words_fit(cut, agop_model_column_name(m, best[k]), 40), 100 * v[best[k]]);
        run_say(r, "it looks at %s", line);
    }
    free(v);
}

/* Are two machines the same but for the division of the rows? */
static int same_kind(const json_t *a, const json_t *b)
{
    static const char *const key[] = {"kernel", "exponent", "metric", "normal_scores"};

    for (size_t i = 0; i < sizeof key / sizeof *key; i++)
        if (!json_equal(json_object_get(a, key[i]), json_object_get(b, key[i])))
            return 0;
    return 1;
}

/* "0.62 x l2 + 0.37 x l1", with more than one division of the rows "(each the mean of 4)"; the length. */
static size_t name_members(char *line, size_t size, const json_t *members)
{
    size_t used = 0, mean = 1;

    for (size_t k = 0; k < json_array_size(members) && used < size; k++) {
        const json_t *one    = json_array_get(members, k);
        double        weight = 0;
        size_t        alike  = 0;
        if (json_get_number(one, "division", 0) > 0)
            break; /* counted with their like of the first */
        for (size_t j = 0; j < json_array_size(members); j++)
            if (same_kind(one, json_array_get(members, j))) {
                weight += json_get_number(json_array_get(members, j), "weight", 0);
                alike++;
            }
        mean = alike > mean ? alike : mean;
        used += (size_t)snprintf(line + used, size - used, "%s%.2f x %s", k ? " + " : "", weight,
                                 json_get_text(one, "kernel", "?"));
    }
    if (mean > 1 && used < size)
        used += (size_t)snprintf(line + used, size - used, " (each the mean of %zu)", mean);
    return used;
}

/* A sum, "a tree of 8 leaves", or which iteration was taken; the length. */
static size_t name_result(char *line, size_t size, const json_t *info)
{
    const json_t *members = json_object_get(info, "members"), *tree = json_object_get(info, "tree");

    if (json_is_object(tree))
        return (size_t)snprintf(line, size, "a tree of %.0f leaves", json_get_number(tree, "leaves", 0));
    if (json_array_size(members) > 0)
        return name_members(line, size, members);
    return (size_t)snprintf(line, size, "iteration %.0f of %zu is the best", json_get_number(info, "best_iter", 0),
                            json_array_size(json_object_get(info, "iterations")) - 1);
}

/* ", r2 0.91, rmse 0.3" of the first scores of an object; the length so far. */
static size_t add_scores(char *line, size_t size, size_t used, const json_t *scores, int most)
{
    const json_t *value;
    const char   *key;

    json_object_foreach((json_t *)scores, key, value) if (json_is_real(value) && used < size && most-- > 0)
        used += (size_t)snprintf(line + used, size - used, ", %s %.4g", key, json_number_value(value));
    return used;
}

/* What a model that hardly looks scores on the same rows. */
static void say_comparison(run *r, const json_t *info)
{
    int           classes = strcmp(json_get_text(info, "task", ""), "classification") == 0;
    const json_t *baseline = json_object_get(info, "baseline"), *linear = json_object_get(info, "linear");
    char          line[512];
    size_t        used;

    if (!json_is_object(baseline) || !json_is_object(linear))
        return;
    used = (size_t)snprintf(line, sizeof line, "on the same rows %s", classes ? "class frequencies" : "the mean");
    used = add_scores(line, sizeof line, used, baseline, 2);
    if (used < sizeof line)
        used += (size_t)snprintf(line + used, sizeof line - used, "; a linear model");
    add_scores(line, sizeof line, used, linear, 2);
    run_say(r, "%s", line);
}

static void say_validation(run *r, const json_t *info)
{
    const json_t *valid = json_object_get(info, "validation");
    char          line[512];
    size_t        used = name_result(line, sizeof line, info);
    double        threshold = json_get_number(json_object_get(info, "settings"), "threshold", .5);

    used = add_scores(line, sizeof line, used, valid, INT_MAX);
    if (json_is_object(valid) && used < sizeof line)
        snprintf(line + used, sizeof line - used, " (%s)", json_get_text(valid, "how", "on the training rows"));
    run_say(r, "%s", line);
    if (threshold != .5)
        run_say(r, "it answers %.80s from a probability of %.3g on",
                json_string_value(json_array_get(json_object_get(info, "classes"), 1)), threshold);
    say_comparison(r, info);
}

static void say_summary(run *r, const agop_model *m, const json_t *info, const char *path)
{
    char        took[WORDS_NUMBER], bytes[WORDS_NUMBER];
    const char *why = json_get_text(info, "task_why", NULL);

    run_say(r, "%.0f rows, %lld columns, %s%s%s", json_get_number(info, "n", 0), (long long)agop_model_columns(m),
            json_get_text(info, "task", "a model"), why ? ": " : "", why ? why : "");
    if (strcmp(json_get_text(info, "stopped", ""), "by the time limit") == 0)
        run_say(r, "the time limit ended it: this is the best model so far");
    if (json_array_size(json_object_get(info, "iterations")) > 0)
        say_validation(r, info);
    if (!r->quiet) /* it takes a while where there are many columns */
        say_top(r, m);
    words_seconds(took, json_get_number(info, "seconds", 0));
    words_bytes(bytes, json_get_number(info, "peak_bytes", 0));
    run_say(r, "written to %s after %s, at most %s of memory", path, took, bytes);
}

int cmd_fit(run *r)
{
    const char *data = r->opt->operand[0], *path = opt_text(r->opt, "output"), *judge = opt_text(r->opt, "valid");
    agop_table *train = NULL, *valid = NULL;
    agop_model *m    = NULL;
    json_t     *info = NULL;
    int         code;

    DO(check_request(r, data, judge, path));
    DO(run_table(r, &train, data, NULL));
    if (judge)
        DO(run_table(r, &valid, judge, NULL));
    DO(run_check(r, agop_fit(&m, r->ctx, train, valid, r->settings)));
    DO(run_check(r, agop_model_save(r->ctx, m, path)));
    info = json_read(r, agop_model_info(m));
    if (!info) {
        code = EXIT_FAILED;
        goto done;
    }
    json_object_set_new(info, "model", json_text(path));
    DO(json_report(r, info));
    say_summary(r, m, info, path);
    if (agop_model_stopped(m))
        code = run_settle(r, "the best model so far was written");
    else if (opt_text(r->opt, "resume"))
        (void)unlink(opt_text(r->opt, "resume")); /* nothing is left to go on with */
done:
    json_decref(info);
    agop_model_free(m);
    agop_table_free(valid);
    agop_table_free(train);
    return code;
}
