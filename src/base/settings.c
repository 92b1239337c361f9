/* settings.c - the one table of settings: defaults, bounds and help are written here and nowhere else.
 * C callers, the program's --help, the bindings, the documentation and the saved model all read it. */
#include "base/settings.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

#define NO_BOUND 0, 0, 0
#define MOST_SECONDS 1e12

static const agop_setting rows[] = {
    /* ---- the table ---- */
    {"target", AGOP_TEXT, "", NO_BOUND, NULL, "COL[,COL...]", "fit score ids",
     "what to predict: columns by name, a column number of an array file, or another file with as many rows"},
    {"task", AGOP_CHOICE, "auto", NO_BOUND, "auto|regression|classification", NULL, "fit",
     "auto: text or few distinct integers are classes"},
    {"categorical", AGOP_TEXT, "", NO_BOUND, NULL, "COL[,COL...]", "fit info ids",
     "columns to read as categories even where they hold numbers"},
    {"numeric", AGOP_TEXT, "", NO_BOUND, NULL, "COL[,COL...]", "fit info ids", "columns that must hold numbers"},
    {"drop", AGOP_TEXT, "", NO_BOUND, NULL, "COL[,COL...]", "fit info ids", "columns to leave out"},
    {"weights", AGOP_TEXT, "", NO_BOUND, NULL, "COL", "fit", "a column of row weights, all positive"},
    {"scale", AGOP_CHOICE, "auto", NO_BOUND, "auto|zscore|none|minmax|rank", NULL, "fit ids",
     "scaling of numeric columns; for a fit all are centred; rank: in ids normal scores; auto: zscore for a fit, rank for "
     "ids"},
    {"normal_scores", AGOP_BOOL, "auto", NO_BOUND, NULL, NULL, "fit",
     "a rank-based copy of each numeric column beside the column itself; auto: unless --tune off, with --scale zscore, "
     "where there are more rows than columns; a column that is close to its normal scores is copied as it is"},
    {"max_levels", AGOP_INT, "1000", 2, 100000, 0, NULL, "N", "fit ids",
     "a categorical column keeps so many of its most frequent levels"},
    {"scale_target", AGOP_CHOICE, "zscore", NO_BOUND, "zscore|none", NULL, "fit", "scaling of a numeric target"},
    {"target_transform", AGOP_CHOICE, "auto", NO_BOUND, "auto|none|log|normal", NULL, "fit",
     "what is learned instead of a numeric target: its logarithm or its normal scores; predictions are turned back; auto: "
     "none, or with --tune full or SECONDS what earns weight"},
    {"class_code", AGOP_CHOICE, "prevalence", NO_BOUND, "prevalence|onehot", NULL, "fit",
     "classes as corners of a simplex whose origin is the class frequencies, or as 0 and 1"},
    {"class_weight", AGOP_CHOICE, "none", NO_BOUND, "none|balanced", NULL, "fit",
     "balanced: rows of a rare class weigh more, so that all classes weigh the same; probabilities are then those of "
     "classes equally frequent"},
    {"loss", AGOP_CHOICE, "squared", NO_BOUND, "squared|logistic", NULL, "fit",
     "what the last solve minimises: squared error, or for classes minus the logarithm of their probabilities"},
    {"calibrate", AGOP_BOOL, "auto", NO_BOUND, NULL, NULL, "fit",
     "probabilities by squared error go through a map that honest predictions like best; auto: unless --tune off"},
    {"threshold", AGOP_REAL, "0.5", 0, 1, 0, "auto", "P|auto", "fit",
     "of two classes the second is the answer from this probability on; auto: what gives honest predictions the best "
     "balanced accuracy (with --metric-score f1 or accuracy that score)"},
    /* ---- the machine ---- */
    {"tune", AGOP_CHOICE, "quick", NO_BOUND, "quick|full|off", "quick|full|SECONDS|off", "fit",
     "quick: ridge by leave-one-out, the metric shrunk, two kernels; full: a search over kernels, exponents, codes, metrics "
     "and functions of the target; a time such as 120s: that search, and averages over more divisions of the rows, for so long; off: fixed "
     "settings"},
    {"kernel", AGOP_CHOICE, "auto", NO_BOUND, "auto|l2|gaussian|l1|lpq|sum_power", NULL, "fit",
     "l2: exp(-(d/L)^q) of the Mahalanobis distance; gaussian: exp(-d^2/(2 L^2)); l1: a product over columns; lpq: "
     "exp(-(d/L)^q) of the distance in the p-norm; sum_power: a power of a mean over columns; auto: a weighted sum of l2 "
     "and l1, or l2 with --tune off"},
    {"exponent", AGOP_REAL, "1", 0, 2, 1, NULL, "Q", "fit",
     "q of every kernel but gaussian; 1 is the Laplace kernel; lpq: at most p"},
    {"norm", AGOP_REAL, "auto", 0, 2, 1, NULL, "P", "fit", "p of the kernel lpq; auto: 1.5, or q where that is larger"},
    {"const_mix", AGOP_REAL, "auto", 0, 0.999, 0, NULL, "SHARE", "fit",
     "share of a constant in the mean that sum_power raises; auto: 0"},
    {"power", AGOP_INT, "auto", 1, 64, 0, NULL, "N", "fit", "what sum_power raises the mean to; auto: 2"},
    {"bandwidth", AGOP_REAL, "auto", 0, 1e12, 1, NULL, "L", "fit",
     "bandwidth of the kernel; auto: 2 x the median distance, or 10 with --tune off"},
    {"bandwidth_mode", AGOP_CHOICE, "auto", NO_BOUND, "auto|constant|adaptive", NULL, "fit",
     "adaptive: the bandwidth is in units of the median distance under the current metric"},
    {"ridge", AGOP_REAL, "auto", 0, 1e12, 0, NULL, "R", "fit",
     "added to the diagonal of the kernel matrix; auto: by leave-one-out, or 1e-3 with --tune off"},
    {"iters", AGOP_INT, "auto", 0, 1000, 0, NULL, "T", "fit",
     "how often the metric is learned anew; auto: 3, or 5 with --tune off"},
    {"metric", AGOP_CHOICE, "auto", NO_BOUND, "auto|full|diagonal", NULL, "fit",
     "full mixes columns, diagonal weighs them (always so for l1); auto: full, in trees whichever predicts better"},
    {"shrink", AGOP_REAL, "auto", 0, 1, 0, NULL, "S", "fit",
     "how far the full metric is drawn to its diagonal after each iteration; auto: 0.5, or 0 with --tune off"},
    {"centre_gradients", AGOP_BOOL, "false", NO_BOUND, NULL, NULL, "fit",
     "take the mean gradient away before the outer product"},
    {"dual", AGOP_CHOICE, "auto", NO_BOUND, "auto|on|off", NULL, "fit",
     "learn the metric in the span of the rows, with the same result; auto: with more coordinates than rows"},
    {"agop_route", AGOP_CHOICE, "auto", NO_BOUND, "auto|gradients|gram", NULL, "fit",
     "how the AGOP is computed, with the same result: by gradients, by n x n matrices, or whichever costs less"},
    {"matrix_units", AGOP_CHOICE, "auto", NO_BOUND, "auto|on|off", NULL, "fit ids",
     "large products of rounded numbers; auto: in fit the AGOP's, in bf16 through oneDNN, where both are there, it pays, "
     "and a trial of a few rows shows no loss of accuracy; in ids of bytes, which only say what is worth computing in "
     "full; on: in bf16"},
    {"select", AGOP_CHOICE, "best", NO_BOUND, "best|last", NULL, "fit",
     "keep the iteration that is judged best, or the last one"},
    {"metric_score", AGOP_CHOICE, "auto", NO_BOUND,
     "auto|mse|rmse|mae|r2|accuracy|brier|log_loss|auc|f1|agop_auc|agop_pearson|agop_r2|callback", NULL, "fit",
     "what the iterations are judged by; auto: mse, or brier for classes; agop_auc, agop_pearson: what the top direction "
     "of the AGOP says of two classes or the target, agop_r2: the top three; callback: a function of the calling program"},
    {"early_stop", AGOP_REAL, "1.1", 1, 1e12, 0, NULL, "FACTOR", "fit",
     "stop once an iteration is judged worse than the best one by this factor"},
    {"holdout", AGOP_REAL, "0", 0, 0.9, 0, NULL, "SHARE", "fit",
     "judge by this share of the rows instead of by halves"},
    {"divisions", AGOP_INT, "auto", 1, 16, 0, NULL, "N", "fit",
     "of the rows into halves, one that learns the metric and one that judges, whose machines are averaged; auto: 4 up to "
     "2000 rows, 2 up to 4000, then 1"},
    {"all_rows", AGOP_BOOL, "auto", NO_BOUND, NULL, NULL, "fit",
     "learn the metric on all rows at the end; auto: only where that takes no time, with --tune off"},
    /* ---- trees of local models ---- */
    {"leaf_size", AGOP_INT, "auto", 16, 1e9, 0, NULL, "N", "fit",
     "more rows than that are split into a tree of local models; auto: 10000"},
    {"split", AGOP_CHOICE, "auto", NO_BOUND, "auto|agop|agop_random|pca|pca_random|linear|fixed", NULL, "fit",
     "direction at whose median rows are split: the top vector of an AGOP, a random one weighted by it, the top or a "
     "random component of rows mapped by it, linear coefficients, or --split-vector; auto: agop in the first tree, "
     "agop_random in others"},
    {"split_vector", AGOP_TEXT, "", NO_BOUND, NULL, "V[,V...]", "fit",
     "direction of --split fixed: one number per encoded coordinate"},
    {"split_rows", AGOP_INT, "2000", 16, 1e6, 0, NULL, "N", "fit", "rows that a direction is found on"},
    {"overlap", AGOP_REAL, "0", 0, 0.5, 0, NULL, "SHARE", "fit",
     "share of a split's rows, those next to the threshold, that both sides learn from"},
    {"trees", AGOP_INT, "auto", 1, 1000, 0, NULL, "N", "fit",
     "trees, whose predictions are averaged; auto: 1, and with --tune SECONDS up to 8, where there is time left"},
    {"tree_iters", AGOP_INT, "1", 1, 100, 0, NULL, "N", "fit",
     "grow the trees so often, each time from the average metric of the leaves before"},
    {"temperature", AGOP_REAL, "auto", 0, 1e6, 0, NULL, "T", "fit",
     "how softly rows are given to leaves, in inter-quartile ranges of each split; 0: to one leaf; auto: by leave-one-out"},
    {"leaves_per_row", AGOP_INT, "4", 1, 1000, 0, NULL, "N", "fit", "leaves of a tree that a row is given to, at most"},
    {"precision", AGOP_CHOICE, "single", NO_BOUND, "single|double", NULL, "fit ids",
     "arithmetic of the kernel matrix; single falls back to double where it does not suffice"},
    {"solver", AGOP_CHOICE, "auto", NO_BOUND, "auto|direct|cg", NULL, "fit",
     "Cholesky, or preconditioned conjugate gradients; auto: the faster one, and cg where the matrix does not fit"},
    {"solver_tolerance", AGOP_REAL, "auto", 1e-12, 1e-2, 1, NULL, "SHARE", "fit",
     "relative residual, looked at in double, at which a solve ends; auto: 1e-4, or 1e-8 with --precision double"},
    /* ---- cross-validation ---- */
    {"folds", AGOP_INT, "5", 2, 1e6, 0, NULL, "K", "cv",
     "parts that the rows are dealt into, each judged by a fit of the others"},
    {"repeats", AGOP_INT, "1", 1, 1000, 0, NULL, "N", "cv", "deal the rows anew so often"},
    {"groups", AGOP_TEXT, "", NO_BOUND, NULL, "COL", "cv",
     "rows with the same value there stay in one part; nothing is learned from the column"},
    /* ---- dependence ---- */
    {"measure", AGOP_CHOICE, "ids", NO_BOUND, "ids|pearson|spearman|dcor|xi|hsic", NULL, "ids",
     "what is scored: the InterDependence Score, or, to compare with, the size of Pearson's or Spearman's correlation, "
     "distance correlation, Chatterjee's xi (the larger of both directions), HSIC with Gaussian kernels"},
    {"p_norm", AGOP_CHOICE, "max", NO_BOUND, "max|l1|l2", NULL, "ids",
     "how the correlations of all features of two variables become one score: the largest, the mean, the root mean "
     "square"},
    {"terms", AGOP_INT, "6", 1, 10, 0, NULL, "K", "ids", "features of a numeric variable"},
    {"width", AGOP_REAL, "1", 0, 1e12, 1, NULL, "W", "ids", "of the features: exp(-x^2 / (2 W^2)) x^k"},
    {"scale_range", AGOP_REAL, "auto", 0, 1e6, 1, NULL, "R", "ids", "with --scale minmax: to 0 .. R; auto: 1"},
    {"top", AGOP_INT, "auto", 1, 1e9, 0, NULL, "K", "ids",
     "keep the K strongest partners of every variable; auto: all"},
    {"min_score", AGOP_REAL, "auto", 0, 1, 1, NULL, "S", "ids", "keep scores from S on; auto: all"},
    {"p_values", AGOP_BOOL, "false", NO_BOUND, NULL, NULL, "ids",
     "how improbable each score is between independent columns, and its false discovery rate among all pairs"},
    {"fdr", AGOP_REAL, "auto", 0, 1, 1, NULL, "RATE", "ids",
     "tell only pairs up to this false discovery rate (Benjamini and Hochberg); includes --p-values; auto: all"},
    {"partners", AGOP_INT, "15", 1, 1e6, 0, NULL, "K", "ids",
     "of programs: every variable is tied to at least its K strongest partners, if they are significant"},
    {"resolution", AGOP_REAL, "1", 0, 1e6, 1, NULL, "R", "ids", "of programs: more are found where it is larger"},
    {"least_members", AGOP_INT, "3", 1, 1e9, 0, NULL, "N", "ids", "leave out programs of fewer variables"},
    {"any_sign", AGOP_BOOL, "false", NO_BOUND, NULL, NULL, "ids",
     "a program may hold variables of which one falls where another rises"},
    /* ---- sparse matrices ---- */
    {"permutations", AGOP_INT, "0", 0, 1e9, 0, NULL, "N", "ids",
     "of every pair that is told p by N shuffles at most, too: (1 + as large) / (1 + N); 20 as large end it"},
    {"compat", AGOP_BOOL, "false", NO_BOUND, NULL, NULL, "ids",
     "the numbers of the authors' own code: --scale none --precision double"},
    {"genes_in_rows", AGOP_BOOL, "auto", NO_BOUND, NULL, NULL, "ids",
     "variables are the rows of the file and observations its columns; auto: where files of 10x Genomics say so"},
    {"layer", AGOP_TEXT, "", NO_BOUND, NULL, "NAME", "ids",
     "which of an .h5ad file's layers, or raw; without it X"},
    {"text", AGOP_BOOL, "false", NO_BOUND, NULL, NULL, "ids",
     "every line of the file is a document, whose words are counted"},
    {"min_rows", AGOP_INT, "0", 0, 2e9, 0, NULL, "N", "ids",
     "leave out variables that are not zero in fewer observations"},
    {"normalise", AGOP_REAL, "0", 0, 1e12, 0, NULL, "SUM", "ids",
     "scale every observation so that its values have this sum; 0: leave them"},
    {"log1p", AGOP_BOOL, "false", NO_BOUND, NULL, NULL, "ids",
     "take log(1 + value), after --normalise"},
    /* ---- every verb ---- */
    {"seed", AGOP_INT, "0", 0, 9e15, 0, NULL, "N", "fit predict score features explain info ids",
     "of what is drawn: divisions of the rows; in ids shuffles and programs; same seed, same result"},
    {"memory", AGOP_BYTES, "auto", 1, 9e18, 0, NULL, "BYTES", "fit predict score features explain info ids",
     "stay under it, or say at the start that it cannot be done; auto: nine tenths of the machine's"},
    {"resume", AGOP_TEXT, "", NO_BOUND, NULL, "FILE", "fit ids",
     "keep what is done in this file (every machine, or pairs that are scored); what was interrupted goes on from there "
     "when it is asked for once more"},
    {"time_limit", AGOP_REAL, "auto", 0, 1e12, 1, NULL, "SECONDS", "fit predict score features explain info ids",
     "stop then (a trailing s, m or h is understood); a fit keeps its best model so far"},
    {"cache", AGOP_TEXT, "", NO_BOUND, NULL, "FOLDER", "fit predict score info ids",
     "keep the table in a nameless file there instead of in memory, for tables that are larger"},
};
enum { COUNT = (int)(sizeof rows / sizeof rows[0]) };

struct agop_settings {
    char *value[COUNT];
};

const agop_setting *agop_setting_at(int i)
{
    return i >= 0 && i < COUNT ? &rows[i] : NULL;
}

static int index_of(const char *name)
{
    for (int i = 0; name && i < COUNT; i++)
        if (agop__same_name(name, rows[i].name))
            return i;
    return -1;
}

agop_status agop__settings_make(agop_settings **out, agop__err *e)
{
    *out = agop__calloc(1, sizeof **out);
    return *out ? AGOP_OK : agop__fail_memory(e, 0, "settings");
}

void agop_settings_free(agop_settings *s)
{
    if (!s)
        return;
    for (int i = 0; i < COUNT; i++)
        free(s->value[i]);
    free(s);
}

agop_status agop__settings_copy(agop_settings **out, const agop_settings *s, agop__err *e)
{
    agop_status st;

    TRY(agop__settings_make(out, e));
    for (int i = 0; i < COUNT; i++)
        if (s && s->value[i] && !((*out)->value[i] = agop__strdup(s->value[i]))) {
            st = agop__fail_memory(e, 0, "settings");
            goto done;
        }
done:
    if (st != AGOP_OK) {
        agop_settings_free(*out);
        *out = NULL;
    }
    return st;
}

/* ---- checking a value against its row ---- */

static int choice_in(const char *value, const char *choices)
{
    size_t n = strlen(value);
    for (const char *p = choices; *p;) {
        size_t k = strcspn(p, "|");
        if (k == n && memcmp(p, value, n) == 0)
            return 1;
        p += k + (p[k] == '|');
    }
    return 0;
}

static int takes_seconds(const agop_setting *r)
{
    return r->placeholder && strstr(r->placeholder, "SECONDS");
}

/* Seconds may carry a unit; everything else is a plain number. */
static int number_of(const agop_setting *r, const char *value, double *v)
{
    char    text[64];
    size_t  n    = strlen(value);
    double  unit = 1;
    int64_t whole;

    if (r->type == AGOP_BYTES) {
        if (!agop__parse_bytes(value, &whole))
            return 0;
        *v = (double)whole;
        return 1;
    }
    if (r->type == AGOP_INT) {
        if (!agop__parse_int(value, &whole))
            return 0;
        *v = (double)whole;
        return 1;
    }
    if (n == 0 || n >= sizeof text)
        return 0;
    memcpy(text, value, n + 1);
    if (takes_seconds(r) && strchr("smh", text[n - 1])) {
        unit        = text[n - 1] == 'h' ? 3600 : text[n - 1] == 'm' ? 60 : 1;
        text[n - 1] = '\0';
    }
    if (!agop__parse_real(text, v))
        return 0;
    *v *= unit;
    return 1;
}

static const char *type_word(const agop_setting *r)
{
    return r->type == AGOP_INT     ? "a whole number"
           : r->type == AGOP_BYTES ? "an amount of memory such as 8G"
                                   : "a number";
}

static agop_status check_number(const agop_setting *r, const char *value, agop__err *e)
{
    double v = 0;
    if (!number_of(r, value, &v))
        return agop__fail(e, AGOP_E_PARAM, "%s must be %s%s, not '%.40s'", r->name, type_word(r),
                          strcmp(r->fallback, "auto") == 0 || r->choices ? " or auto" : "", value);
    if (v < r->low || v > r->high || (r->low_open && v <= r->low))
        return agop__fail(e, AGOP_E_PARAM, "%s must be %s %g and at most %g, not %.40s", r->name,
                          r->low_open ? "more than" : "at least", r->low, r->high, value);
    return AGOP_OK;
}

static agop_status check(const agop_setting *r, const char *value, agop__err *e)
{
    char   near[64];
    double v;

    if (strcmp(value, "auto") == 0 && (strcmp(r->fallback, "auto") == 0 || (r->type == AGOP_REAL && r->choices)))
        return AGOP_OK;
    switch (r->type) {
    case AGOP_TEXT: return AGOP_OK;
    case AGOP_BOOL:
        if (choice_in(value, "true|false"))
            return AGOP_OK;
        return agop__fail(e, AGOP_E_PARAM, "%s must be true or false, not '%.40s'", r->name, value);
    case AGOP_CHOICE:
        if (choice_in(value, r->choices))
            return AGOP_OK;
        if (takes_seconds(r) && number_of(r, value, &v)) /* a time is a choice, too */
            return v > 0 && v <= MOST_SECONDS ? AGOP_OK
                   : agop__fail(e, AGOP_E_PARAM, "%s must be more than 0 and at most %g seconds, not %.40s", r->name,
                                MOST_SECONDS, value);
        if (agop_closest(value, r->choices, near, sizeof near))
            return agop__fail(e, AGOP_E_PARAM, "%s has no choice '%.40s': did you mean %s? (%s)", r->name, value, near,
                              r->choices);
        return agop__fail(e, AGOP_E_PARAM, "%s has no choice '%.40s': take one of %s", r->name, value,
                          r->placeholder ? r->placeholder : r->choices);
    case AGOP_INT:
    case AGOP_REAL:
    case AGOP_BYTES: return check_number(r, value, e);
    }
    return AGOP_OK;
}

/* The names joined by '|', for the closest match. */
static void all_names(char *out, size_t size)
{
    size_t used = 0;
    out[0]      = '\0';
    for (int i = 0; i < COUNT && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? "|" : "", rows[i].name);
}

agop_status agop__settings_put(agop_settings *s, agop__err *e, const char *name, const char *value)
{
    char        names[1024], near[64];
    int         i = index_of(name);
    char       *copy;
    agop_status st;

    if (!s || !name || !value)
        return agop__fail(e, AGOP_E_ARG, "a setting needs a name and a value");
    if (i < 0) {
        all_names(names, sizeof names);
        if (agop_closest(name, names, near, sizeof near))
            return agop__fail(e, AGOP_E_ARG, "no setting is called '%.40s': did you mean %s?", name, near);
        return agop__fail(e, AGOP_E_ARG, "no setting is called '%.40s'", name);
    }
    st = check(&rows[i], value, e);
    if (st != AGOP_OK)
        return st;
    copy = agop__strdup(value);
    if (!copy)
        return agop__fail_memory(e, 0, "settings");
    free(s->value[i]);
    s->value[i] = copy;
    return AGOP_OK;
}

agop_status agop_settings_new(agop_settings **out, agop_ctx *ctx)
{
    if (!ctx)
        return AGOP_E_ARG;
    if (!out)
        return agop__fail(&ctx->err, AGOP_E_ARG, "new settings need a place for them");
    return agop__settings_make(out, &ctx->err);
}

agop_status agop_settings_set(agop_settings *s, agop_ctx *ctx, const char *name, const char *value)
{
    return ctx ? agop__settings_put(s, &ctx->err, name, value) : AGOP_E_ARG;
}

/* ---- reading ---- */

const char *agop_settings_get(const agop_settings *s, const char *name)
{
    int i = index_of(name);
    if (i < 0)
        return NULL;
    return s && s->value[i] ? s->value[i] : rows[i].fallback;
}

const char *agop__text(const agop_settings *s, const char *name)
{
    const char *v = agop_settings_get(s, name);
    return v ? v : "";
}

int agop__is_auto(const agop_settings *s, const char *name)
{
    return strcmp(agop__text(s, name), "auto") == 0;
}

double agop__real(const agop_settings *s, const char *name, double when_auto)
{
    double v;
    int    i = index_of(name);
    if (i < 0 || agop__is_auto(s, name) || !number_of(&rows[i], agop__text(s, name), &v))
        return when_auto;
    return v;
}

double agop__seconds(const agop_settings *s, const char *name)
{
    double v;
    int    i = index_of(name);
    return i >= 0 && number_of(&rows[i], agop__text(s, name), &v) ? v : 0;
}

int64_t agop__int(const agop_settings *s, const char *name, int64_t when_auto)
{
    int64_t v;
    int     i = index_of(name);
    if (i < 0 || agop__is_auto(s, name))
        return when_auto;
    if (rows[i].type == AGOP_BYTES)
        return agop__parse_bytes(agop__text(s, name), &v) ? v : when_auto;
    return agop__parse_int(agop__text(s, name), &v) ? v : when_auto;
}

int agop__bool(const agop_settings *s, const char *name, int when_auto)
{
    return agop__is_auto(s, name) ? when_auto : strcmp(agop__text(s, name), "true") == 0;
}

int agop__choice(const agop_settings *s, const char *name, const char *choice)
{
    return strcmp(agop__text(s, name), choice) == 0;
}
