/* test_directions.c - the scores that judge an iteration by the directions of its AGOP, against the directions of a
 * model and textbook formulas: all rows learn, one table judges, and there is one iteration, so both AGOPs are one. */
#include <jansson.h>

#include "model_support.h"

enum { LEARN = 60, JUDGE = 40, D = 4, TOP = 3 };

typedef struct rows {
    double      x[D][LEARN], y[LEARN], z[LEARN];
    const char *kind[LEARN];
    int64_t     n;
} rows;

static void fill(rows *r, int64_t n, uint32_t seed)
{
    r->n = n;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < D; j++) {
            seed       = seed * 1664525u + 1013904223u;
            r->x[j][i] = ((double)(seed >> 8) / 16777216.0 - .5) * (j + 1) + 3 * j;
        }
        r->y[i]    = sin(3 * r->x[0][i]) + r->x[1][i] / 2 - (r->x[2][i] - 6) * (r->x[2][i] - 6) / 4;
        r->z[i]    = r->x[1][i] * r->x[0][i];
        r->kind[i] = r->y[i] + (i % 5 - 2) / 5. > .9 ? "yes" : "no";
    }
}

static agop_table *table_of(agop_ctx *ctx, const rows *r)
{
    agop_table *t = NULL;

    assert_int_equal(agop_table_new(&t, ctx, r->n), AGOP_OK);
    for (int j = 0; j < D; j++) {
        char name[16];
        (void)snprintf(name, sizeof name, "x%d", j);
        assert_int_equal(agop_table_add_numeric(t, ctx, name, r->x[j]), AGOP_OK);
    }
    assert_int_equal(agop_table_add_numeric(t, ctx, "y", r->y), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "z", r->z), AGOP_OK);
    assert_int_equal(agop_table_add_text(t, ctx, "kind", r->kind), AGOP_OK);
    return t;
}

/* The model of one iteration; *score: what judged it. */
static agop_model *fit_once(double *score, agop_ctx *ctx, const rows *learn, const rows *judge, const char *words)
{
    char        all[256];
    agop_table *t = table_of(ctx, learn), *valid = table_of(ctx, judge);
    agop_model *m;
    json_t     *j;

    (void)snprintf(all, sizeof all, "%s tune=off iters=0 all_rows=true precision=double kernel=l2", words);
    m      = fit_table(ctx, t, valid, all);
    j      = json_loads(agop_model_info(m), 0, NULL);
    *score = json_number_value(json_object_get(json_array_get(json_object_get(j, "iterations"), 0), "validation"));
    assert_string_equal(json_string_value(json_object_get(json_object_get(j, "settings"), "metric_score")),
                        strstr(words, "agop_"));
    json_decref(j);
    agop_table_free(valid);
    agop_table_free(t);
    return m;
}

/* Positions of the judging rows along the top directions of the model. */
static void project(double z[TOP][JUDGE], agop_ctx *ctx, const agop_model *m, const rows *learn, const rows *judge)
{
    double   v[TOP][D], w[TOP];
    agop_mat place = {v, TOP, D, D, AGOP_F64};

    assert_int_equal(agop_vectors(&place, w, ctx, m), AGOP_OK);
    memset(z, 0, TOP * sizeof *z);
    for (int j = 0; j < D; j++) {
        double mean = 0, square = 0;
        for (int i = 0; i < learn->n; i++)
            mean += learn->x[j][i] / (double)learn->n;
        for (int i = 0; i < learn->n; i++)
            square += (learn->x[j][i] - mean) * (learn->x[j][i] - mean) / (double)learn->n;
        for (int i = 0; i < judge->n; i++)
            for (int k = 0; k < TOP; k++)
                z[k][i] += v[k][j] * (judge->x[j][i] - mean) / sqrt(square);
    }
}

static double correlation(const double *a, const double *b, int64_t n)
{
    double ma = 0, mb = 0, ab = 0, aa = 0, bb = 0;

    for (int64_t i = 0; i < n; i++) {
        ma += a[i] / (double)n;
        mb += b[i] / (double)n;
    }
    for (int64_t i = 0; i < n; i++) {
        ab += (a[i] - ma) * (b[i] - mb);
        aa += (a[i] - ma) * (a[i] - ma);
        bb += (b[i] - mb) * (b[i] - mb);
    }
    return ab / sqrt(aa * bb);
}

/* By the normal equations of a constant and TOP columns, Gauss without pivots (they are positive definite). */
static double r2(double z[TOP][JUDGE], const double *y, int64_t n)
{
    double A[TOP + 1][TOP + 2] = {{0}}, left = 0, spread = 0, mean = 0;

    for (int64_t i = 0; i < n; i++) {
        double row[TOP + 2] = {1, z[0][i], z[1][i], z[2][i], y[i]};
        mean += y[i] / (double)n;
        for (int p = 0; p <= TOP; p++)
            for (int q = 0; q <= TOP + 1; q++)
                A[p][q] += row[p] * row[q];
    }
    for (int p = 0; p <= TOP; p++)
        for (int o = 0; o <= TOP; o++) {
            double share = A[o][p] / A[p][p];
            for (int q = 0; q <= TOP + 1 && o != p; q++)
                A[o][q] -= share * A[p][q];
        }
    for (int64_t i = 0; i < n; i++) {
        double fit = A[0][TOP + 1] / A[0][0];
        for (int k = 0; k < TOP; k++)
            fit += A[k + 1][TOP + 1] / A[k + 1][k + 1] * z[k][i];
        left += (y[i] - fit) * (y[i] - fit);
        spread += (y[i] - mean) * (y[i] - mean);
    }
    return 1 - left / spread;
}

static void near(const char *what, double got, double want)
{
    if (!(fabs(got - want) < 1e-9))
        fail_msg("%s: %.12f, by hand %.12f", what, got, want);
}

static void test_directions__scores_are_those_of_the_textbook(void **state)
{
    rows        learn, judge;
    agop_ctx   *ctx = NULL;
    agop_model *m;
    double      z[TOP][JUDGE], truth[JUDGE], got, auc = 0, pairs = 0;

    (void)state;
    fill(&learn, LEARN, 3);
    fill(&judge, JUDGE, 12);
    assert_int_equal(agop_open(&ctx, "cpu", 1), AGOP_OK);

    m = fit_once(&got, ctx, &learn, &judge, "target=y drop=z,kind metric_score=agop_pearson");
    project(z, ctx, m, &learn, &judge);
    near("pearson", got, fabs(correlation(z[0], judge.y, JUDGE)));
    agop_model_free(m);

    m = fit_once(&got, ctx, &learn, &judge, "target=y,z drop=kind metric_score=agop_pearson");
    project(z, ctx, m, &learn, &judge);
    near("pearson of two", got,
         (fabs(correlation(z[0], judge.y, JUDGE)) + fabs(correlation(z[0], judge.z, JUDGE))) / 2);
    agop_model_free(m);

    m = fit_once(&got, ctx, &learn, &judge, "target=y drop=z,kind metric_score=agop_r2");
    project(z, ctx, m, &learn, &judge);
    near("r2", got, r2(z, judge.y, JUDGE));
    agop_model_free(m);

    for (int i = 0; i < JUDGE; i++)
        truth[i] = judge.kind[i][0] == 'y';
    m = fit_once(&got, ctx, &learn, &judge, "target=kind drop=y,z metric_score=agop_r2");
    project(z, ctx, m, &learn, &judge);
    near("r2 of classes", got, r2(z, truth, JUDGE));
    agop_model_free(m);

    m = fit_once(&got, ctx, &learn, &judge, "target=kind drop=y,z metric_score=agop_auc");
    project(z, ctx, m, &learn, &judge);
    for (int i = 0; i < JUDGE; i++)
        for (int j = 0; j < JUDGE; j++)
            if (truth[i] > truth[j]) {
                pairs++;
                auc += z[0][i] > z[0][j] ? 1 : z[0][i] == z[0][j] ? .5 : 0;
            }
    near("auc", got, fmax(auc / pairs, 1 - auc / pairs));
    agop_model_free(m);
    agop_close(ctx);
}

/* The iteration that is kept is the one of the largest score, with categories, in trees, sums and diagonal metrics. */
static void test_directions__the_best_score_is_kept(void **state)
{
    const char *const words[] = {"target=y drop=z,kind,w tune=off metric_score=agop_pearson early_stop=1e9",
                                 "target=y drop=z,kind,w kernel=l1 metric_score=agop_r2 early_stop=1e9",
                                 "target=kind drop=y,z,w kernel=l2 metric_score=agop_r2 early_stop=1e9",
                                 "target=y drop=z,kind metric_score=agop_r2 weights=w",
                                 "target=y drop=z,kind,w metric_score=agop_pearson leaf_size=16"};
    agop_ctx *ctx = NULL;

    (void)state;
    assert_int_equal(agop_open(&ctx, "cpu", 1), AGOP_OK);
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
        agop_model   *m    = fit_mixed(ctx, words[k]);
        json_t       *info = json_loads(agop_model_info(m), 0, NULL), *all = json_object_get(info, "iterations");
        json_int_t    best = json_integer_value(json_object_get(info, "best_iter"));
        const json_t *chosen = json_array_get(all, (size_t)best);
        for (size_t i = 0; k < 3 && i < json_array_size(all); i++) {
            double here = json_number_value(json_object_get(json_array_get(all, i), "validation"));
            if (!(here >= 0 && here <= 1 + 1e-12 && here <= json_number_value(json_object_get(chosen, "validation"))))
                fail_msg("%s: iteration %zu has %g, the kept one %g", words[k], i, here,
                         json_number_value(json_object_get(chosen, "validation")));
        }
        assert_true(k >= 3 || json_array_size(all) > 1);
        json_decref(info);
        agop_model_free(m);
    }
    agop_close(ctx);
}

static void test_directions__what_does_not_fit_is_told(void **state)
{
    const char *const words[][2] = {
        {"target=kind drop=y,z,w metric_score=agop_auc",
         "metric_score agop_auc does not fit a classification of more than two classes: take one of accuracy, brier, "
         "log_loss, auc, f1, agop_r2"},
        {"target=kind drop=y,z,w metric_score=agop_pearson",
         "metric_score agop_pearson does not fit a classification: take one of accuracy, brier, log_loss, auc, f1, "
         "agop_r2"},
        {"target=y drop=kind,z,w metric_score=agop_auc",
         "metric_score agop_auc does not fit a regression: take one of mse, rmse, mae, r2, agop_pearson, agop_r2"},
        {"target=y drop=kind,z,w metric_score=agop_r2 dual=on",
         "metric_score agop_r2 needs the whole metric: leave --dual away"}};
    agop_ctx *ctx = NULL;

    (void)state;
    assert_int_equal(agop_open(&ctx, "cpu", 1), AGOP_OK);
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
        agop_settings *s = settings_of(ctx, words[k][0]);
        agop_table    *t = NULL;
        agop_model    *m = NULL;
        assert_int_equal(make_mixed(&t, ctx, MIXED_ROWS), AGOP_OK);
        assert_int_equal(agop_fit(&m, ctx, t, NULL, s), AGOP_E_PARAM);
        assert_string_equal(agop_errmsg(ctx), words[k][1]);
        agop_table_free(t);
        agop_settings_free(s);
    }
    agop_close(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_directions__scores_are_those_of_the_textbook),
        cmocka_unit_test(test_directions__the_best_score_is_kept),
        cmocka_unit_test(test_directions__what_does_not_fit_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
