/* scores.c - how good predictions are; see target.h. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "io/json.h"
#include "rfm/target.h"

/* ---- numbers ---- */

static void numbers(agop__scores *out, const agop__target *g, const double *predicted, const double *truth,
                    const double *weight, int64_t rows)
{
    int64_t c = g->columns;

    for (int64_t k = 0; k < c; k++) {
        double total = 0, mean = 0, spread = 0, square = 0, absolute = 0;
        for (int64_t i = 0; i < rows; i++) {
            double w = weight ? weight[i] : 1;
            total += w;
            mean += w * (truth[i * c + k] - truth[k]);
        }
        mean = truth[k] + mean / total;
        for (int64_t i = 0; i < rows; i++) {
            double w = weight ? weight[i] : 1, d = truth[i * c + k] - mean, e = truth[i * c + k] - predicted[i * c + k];
            spread += w * d * d;
            square += w * e * e;
            absolute += w * fabs(e);
        }
        /* a constant truth: 1 when it is met, else 0, as scikit-learn has it */
        out->target_r2[k]   = spread > 0 ? 1 - square / spread : square > 0 ? 0 : 1;
        out->target_rmse[k] = sqrt(square / total);
        out->target_mae[k]  = absolute / total;
        out->r2 += out->target_r2[k] / (double)c;
        out->mse += square / total / (double)c;
        out->rmse += out->target_rmse[k] / (double)c;
        out->mae += out->target_mae[k] / (double)c;
    }
}

/* ---- classes ---- */

typedef struct ranked {
    double p, weight;
    int    positive;
} ranked;

static int by_p(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    return (x->p > y->p) - (x->p < y->p);
}

/* Area under the ROC curve of one class against the rest, ties counted half; NaN where one side is empty. */
static double area(ranked *r, int64_t rows)
{
    double positive = 0, negative = 0, sum = 0;

    qsort(r, (size_t)rows, sizeof *r, by_p);
    for (int64_t i = 0, j; i < rows; i = j) {
        double here = 0, below = 0;
        for (j = i; j < rows && r[j].p == r[i].p; j++) {
            here += r[j].positive ? r[j].weight : 0;
            below += r[j].positive ? 0 : r[j].weight;
        }
        sum += here * (negative + .5 * below);
        positive += here;
        negative += below;
    }
    return positive > 0 && negative > 0 ? sum / (positive * negative) : (double)NAN;
}

agop_status agop__area(double *out, const double *value, const double *truth, const double *weight, int64_t rows,
                       agop__err *e)
{
    ranked *r = agop__malloc(rows, sizeof *r);

    if (!r)
        return agop__fail_memory(e, 24.0 * (double)rows, "scores");
    for (int64_t i = 0; i < rows; i++)
        r[i] = (ranked){.p = value[i], .weight = weight ? weight[i] : 1, .positive = truth[i] == 1};
    *out = area(r, rows);
    free(r);
    return AGOP_OK;
}

static void one_class(double *auc, double *f1, ranked *r, int64_t k, int64_t K, const double *p, const double *truth,
                      const int64_t *guess, const double *weight, int64_t rows)
{
    double hit = 0, said = 0, is = 0;

    for (int64_t i = 0; i < rows; i++) {
        double w = weight ? weight[i] : 1;
        int    positive = truth[i] == (double)k;
        r[i] = (ranked){.p = p[i * K + k], .weight = w, .positive = positive};
        hit += positive && guess[i] == k ? w : 0;
        said += guess[i] == k ? w : 0;
        is += positive ? w : 0;
    }
    *auc = area(r, rows);
    *f1  = said + is > 0 ? 2 * hit / (said + is) : (double)NAN;
}

int64_t agop__score_row(double out[AGOP__ROW_SCORES], const agop__target *g, const double *p, double truth)
{
    int64_t K = g->classes.count, guess = agop__target_decide(g, p);
    double  square = 0, right = 1e-15;

    for (int64_t k = 0; k < K; k++) {
        double is = truth == (double)k, d = p[k] - is;
        square += d * d;
        right = is != 0 ? fmax(p[k], 1e-15) : right;
    }
    out[AGOP__ROW_ACCURACY] = truth == (double)guess;
    out[AGOP__ROW_LOG_LOSS] = -log(right);
    out[AGOP__ROW_BRIER]    = K == 2 ? .5 * square : square;
    return guess;
}

/* Expected calibration error of the likeliest class (Naeini et al. 2015, Guo et al. 2017): rows in rising order of
 * their largest probability, in 15 bins of equal weight; the mean distance of accuracy from mean probability. Rows of
 * one probability are in one bin, that of their middle, so the order of the table has no say. */
static double calibration_error(ranked *r, int64_t rows, double total)
{
    enum { BINS = 15 };
    double gap[BINS] = {0}, passed = 0, sum = 0;

    qsort(r, (size_t)rows, sizeof *r, by_p);
    for (int64_t i = 0, j; i < rows; i = j) {
        double here = 0, off = 0;
        int    bin;
        for (j = i; j < rows && r[j].p == r[i].p; j++) {
            here += r[j].weight;
            off += r[j].weight * (r[j].positive - r[j].p);
        }
        bin = (int)(BINS * (passed + .5 * here) / total);
        gap[bin < BINS ? bin : BINS - 1] += off;
        passed += here;
    }
    for (int b = 0; b < BINS; b++)
        sum += fabs(gap[b]) / total;
    return sum;
}

/* Two classes: auc and f1 of the second one; more: means over the classes that occur (f1: or are said). brier follows
 * scikit-learn: (1 - p)^2 of the second class, or the sum over all classes when there are more than two. */
static void classes(agop__scores *out, const agop__target *g, const double *p, const double *truth,
                    const double *weight, int64_t rows, int64_t *guess, ranked *r)
{
    int64_t K     = g->classes.count, top;
    double  total = 0, aucs = 0, f1s = 0, auc, f1;

    for (int64_t i = 0; i < rows; i++) {
        double w = weight ? weight[i] : 1, row[AGOP__ROW_SCORES];
        guess[i] = agop__score_row(row, g, p + i * K, truth[i]);
        total += w;
        out->accuracy += w * row[AGOP__ROW_ACCURACY];
        out->brier += w * row[AGOP__ROW_BRIER];
        out->log_loss += w * row[AGOP__ROW_LOG_LOSS];
        top = g->cut ? p[i * K + 1] > p[i * K] : guess[i]; /* the likelier one, whatever is answered */
        r[i] = (ranked){.p = p[i * K + top], .weight = w, .positive = truth[i] == (double)top};
    }
    out->ece = calibration_error(r, rows, total);
    out->accuracy /= total;
    out->brier /= total;
    out->log_loss /= total;
    for (int64_t k = K == 2; k < K; k++) {
        one_class(&auc, &f1, r, k, K, p, truth, guess, weight, rows);
        if (!isnan(auc)) {
            out->auc += auc;
            aucs++;
        }
        if (!isnan(f1)) {
            out->f1 += f1;
            f1s++;
        }
    }
    out->auc = aucs > 0 ? out->auc / aucs : (double)NAN;
    out->f1  = f1s > 0 ? out->f1 / f1s : 0;
}

agop_status agop__scores_make(agop__scores *out, const agop__target *g, const double *predicted, const double *truth,
                              const double *weight, int64_t rows, agop__err *e)
{
    int64_t    *guess = agop__malloc(rows, sizeof *guess);
    ranked     *r     = agop__malloc(rows, sizeof *r);
    agop_status st    = AGOP_OK;

    memset(out, 0, sizeof *out);
    out->target_r2   = agop__calloc(g->columns, sizeof *out->target_r2);
    out->target_rmse = agop__calloc(g->columns, sizeof *out->target_rmse);
    out->target_mae  = agop__calloc(g->columns, sizeof *out->target_mae);
    out->target_coverage = agop__calloc(g->columns, sizeof *out->target_coverage);
    out->target_width    = agop__calloc(g->columns, sizeof *out->target_width);
    if (!guess || !r || !out->target_r2 || !out->target_rmse || !out->target_mae || !out->target_coverage ||
        !out->target_width) {
        st = agop__fail_memory(e, 32.0 * (double)rows, "scores");
        agop__scores_free(out);
        goto done;
    }
    if (g->classification)
        classes(out, g, predicted, truth, weight, rows, guess, r);
    else
        numbers(out, g, predicted, truth, weight, rows);
done:
    free(r);
    free(guess);
    return st;
}

static int is_own(const char *name)
{
    return strcmp(name, "callback") == 0;
}

agop_status agop__scores_judge(agop__scores *out, agop_ctx *ctx, const agop__target *g, const char *name,
                               const double *predicted, const double *truth, const double *weight, int64_t rows)
{
    agop_judged judged = {.truth = truth, .predicted = predicted, .weight = weight, .rows = rows,
                          .targets = g->columns, .columns = agop__target_width(g)};
    agop_status st     = agop__scores_make(out, g, predicted, truth, weight, rows, &ctx->err);

    if (st != AGOP_OK || !is_own(name))
        return st;
    out->own      = ctx->score(ctx->score_user, &judged);
    out->own_loss = isnan(out->own) ? DBL_MAX : ctx->score_rises ? -out->own : out->own;
    out->asked    = 1;
    return AGOP_OK;
}

void agop__scores_intervals(agop__scores *out, const agop__target *g, const double *predicted, const double *half,
                            const double *truth, int64_t rows, double level)
{
    int64_t c = g->columns;

    out->level = level;
    for (int64_t k = 0; k < c; k++) {
        for (int64_t i = k; i < rows * c; i += c) {
            out->target_coverage[k] += (fabs(truth[i] - predicted[i]) <= half[i]) / (double)rows;
            out->target_width[k] += 2 * half[i] / (double)rows;
        }
        out->coverage += out->target_coverage[k] / (double)c;
        out->width += out->target_width[k] / (double)c;
    }
}

void agop__scores_sets(agop__scores *out, const agop__target *g, const double *member, const double *truth,
                       int64_t rows, double level)
{
    int64_t K = g->classes.count;

    out->level = level;
    for (int64_t i = 0; i < rows; i++) {
        out->coverage += truth[i] < 0 ? 0 : member[i * K + (int64_t)truth[i]] / (double)rows;
        for (int64_t k = 0; k < K; k++)
            out->size += member[i * K + k] / (double)rows;
    }
}

void agop__scores_free(agop__scores *s)
{
    free(s->target_r2);
    free(s->target_rmse);
    free(s->target_mae);
    free(s->target_coverage);
    free(s->target_width);
    memset(s, 0, sizeof *s);
}

/* ---- names ---- */

const char *agop__score_name(const agop__target *g, const agop_settings *s)
{
    if (!agop__is_auto(s, "metric_score"))
        return agop__text(s, "metric_score");
    return g->classification ? "brier" : "mse";
}

int agop__score_looks(const char *name)
{
    return agop__name_in(name, "agop_auc,agop_pearson,agop_r2");
}

agop_status agop__score_check(const agop__target *g, const char *name, agop__err *e)
{
    int for_numbers = agop__name_in(name, "mse,rmse,mae,r2,agop_pearson"), two = g->classes.count == 2;
    if (is_own(name) || strcmp(name, "agop_r2") == 0 || (strcmp(name, "agop_pearson") == 0 && two))
        return AGOP_OK;
    if (for_numbers == !g->classification && (two || strcmp(name, "agop_auc") != 0))
        return AGOP_OK;
    return agop__fail(e, AGOP_E_PARAM, "metric_score %s does not fit a %s: take one of %s", name,
                      !g->classification       ? "regression"
                      : two || for_numbers      ? "classification"
                                                : "classification of more than two classes",
                      !g->classification ? "mse, rmse, mae, r2, agop_pearson, agop_r2"
                      : two ? "accuracy, brier, log_loss, auc, f1, agop_auc, agop_pearson, agop_r2"
                            : "accuracy, brier, log_loss, auc, f1, agop_r2");
}

double agop__score_value(const agop__scores *s, const char *name)
{
    const struct {
        const char *name;
        double      value;
    } all[] = {{"mse", s->mse},           {"rmse", s->rmse},         {"mae", s->mae}, {"r2", s->r2},
               {"accuracy", s->accuracy}, {"log_loss", s->log_loss}, {"brier", s->brier},       {"ece", s->ece},
               {"auc", s->auc},           {"f1", s->f1},             {"coverage", s->coverage}, {"width", s->width},
               {"size", s->size},
               {"callback", s->own}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (strcmp(name, all[i].name) == 0)
            return all[i].value;
    return (double)NAN;
}

/* mse of several targets would be ruled by the one in the largest unit: their mean share of variance instead. */
double agop__score_loss(const agop__scores *s, const char *name)
{
    if (agop__name_in(name, "r2,mse"))
        return 1 - s->r2;
    if (agop__name_in(name, "accuracy,auc,f1")) {
        double v = agop__score_value(s, name);
        return isnan(v) ? 1 : 1 - v;
    }
    return is_own(name) ? s->own_loss : agop__score_value(s, name);
}

/* A key must be UTF-8 like any other text. */
static int set_shown(json_t *object, const char *name, json_t *value)
{
    json_t *key = agop__json_shown(name);
    int     bad = key ? json_object_set(object, json_string_value(key), value) : -1;

    json_decref(key);
    json_decref(value);
    return bad;
}

static json_t *target_scores(const agop__scores *s, int64_t k)
{
    json_t *j   = json_pack("{s:o, s:o, s:o}", "r2", agop__json_real(s->target_r2[k]), "rmse",
                            agop__json_real(s->target_rmse[k]), "mae", agop__json_real(s->target_mae[k]));
    int     bad = !j;

    if (s->level > 0)
        bad |= json_object_set_new(j, "coverage", agop__json_real(s->target_coverage[k])) |
               json_object_set_new(j, "width", agop__json_real(s->target_width[k]));
    if (bad) {
        json_decref(j);
        return NULL;
    }
    return j;
}

agop_status agop__scores_to_json(json_t **out, const agop__scores *s, const agop__target *g, agop__err *e)
{
    static const char *const for_classes[] = {"accuracy", "log_loss", "brier", "ece", "auc", "f1", "coverage", "size"};
    static const char *const for_numbers[] = {"r2", "rmse", "mae", "coverage", "width"};
    json_t                  *j             = json_object(), *all;
    int                      bad           = !j, count = (g->classification ? 6 : 3) + (s->level > 0 ? 2 : 0);

    for (int i = 0; i < count; i++) {
        const char *name = g->classification ? for_classes[i] : for_numbers[i];
        bad |= json_object_set_new(j, name, agop__json_real(agop__score_value(s, name)));
    }
    if (s->asked)
        bad |= json_object_set_new(j, "callback", agop__json_real(s->own));
    if (!g->classification && g->columns > 1) {
        bad |= json_object_set_new(j, "targets", all = json_object());
        for (int64_t k = 0; k < g->columns && !bad; k++)
            bad |= set_shown(all, g->name[k], target_scores(s, k));
    }
    if (bad) {
        json_decref(j);
        *out = NULL;
        return agop__fail_memory(e, 0, "scores");
    }
    *out = j;
    return AGOP_OK;
}
