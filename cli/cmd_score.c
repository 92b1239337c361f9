/* cmd_score.c - agop score: how well a model does on rows whose answers are known. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "json_print.h"
#include "result_file.h"
#include "words.h"

static const opt own[] = {
    {"interval", 0, OPT_REAL, "LEVEL", NULL, 0, 1,
     "also the share of rows inside their intervals of this level, and their mean width; of classes, sets and size"},
    {"interval-kind", 0, OPT_TEXT, "constant|local", "auto", 0, 0,
     "as wide everywhere, or wider where errors are larger; auto: what the fit found to be better"},
    {NULL, 0, OPT_FLAG, NULL, NULL, 0, 0, NULL},
};

const opt_verb verb_score = {
    "score",
    "MODEL DATA",
    "how well a model does on rows with known answers",
    "Predict the rows of DATA, which must hold the target, and compare. A regression: r2, rmse, mae; with --interval "
    "coverage and width. Classes: accuracy, log_loss, brier, ece (expected calibration error), auc, f1; with "
    "--interval coverage and size of the sets. With several "
    "targets the mean over them, then each. +- is one standard error, where there is one: by how much a score would "
    "change with other rows of the same kind.",
    2,
    2,
    own,
    cmd_score,
};

/* One aligned line per number, with its standard error where there is one; several targets follow, each under its
 * name. */
static void write_lines(FILE *f, const json_t *score, int indent)
{
    const json_t *errors = json_object_get(score, "standard_error");
    const char *key;
    json_t     *value;
    char        number[WORDS_NUMBER];

    json_object_foreach((json_t *)score, key, value)
    {
        if (json_is_object(value))
            continue;
        if (json_is_real(value))
            snprintf(number, sizeof number, "%.6g", json_real_value(value));
        else if (json_is_integer(value))
            snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        else
            snprintf(number, sizeof number, "undefined");
        fprintf(f, "%*s%-10s %s", indent, "", key, number);
        if (json_is_real(json_object_get(errors, key)))
            fprintf(f, " +- %.2g", json_get_number(errors, key, 0));
        fputc('\n', f);
    }
    json_object_foreach(json_object_get(score, "targets"), key, value)
    {
        fprintf(f, "%*s%s\n", indent, "", key);
        write_lines(f, value, indent + 2);
    }
}

int cmd_score(run *r)
{
    agop_model *m     = NULL;
    agop_table *t     = NULL;
    result     *o     = NULL;
    json_t     *score = NULL;
    char       *text  = NULL;
    double      level;
    int         code, form;

    DO(run_check(r, agop_model_load(&m, r->ctx, r->opt->operand[0])));
    DO(run_interval(r, &level, &form, m));
    DO(run_table(r, &t, r->opt->operand[1], m));
    if (level > 0)
        DO(run_check(r, agop_score_interval(&text, r->ctx, m, t, level, form)));
    else
        DO(run_check(r, agop_score(&text, r->ctx, m, t)));
    score = json_read(r, text);
    if (!score) {
        code = EXIT_FAILED;
        goto done;
    }
    DO(json_report(r, score));
    if (r->json && strcmp(r->json, "-") == 0)
        goto done;
    DO(result_open(&o, r, "-"));
    write_lines(result_file(o), score, 0);
    code = result_commit(r, o);
done:
    json_decref(score);
    agop_free(text);
    agop_table_free(t);
    agop_model_free(m);
    return code;
}
