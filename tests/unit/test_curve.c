/* test_curve.c - machines that learn the logarithm, or normal scores, of the target: against the same done by hand,
 * numbers computed in loops, and finite differences. */
#include "model_support.h"

#include <jansson.h>
#include <unistd.h>

#include "fail_alloc.h"
#include "numbers.h"
#include "rfm/curve.h"
#include "rfm/model.h"

enum { ROWS = 160, COLUMNS = 3, NEW = 40 };

static agop_ctx *ctx;

/* y > 0 and skewed; `turn` says what stands in column y. */
static double growing(const double *x)
{
    return exp(sin(2 * x[0]) + x[1] + .1 * x[2]);
}

static agop_table *table_of(const double *x, int64_t rows, double (*turn)(double))
{
    static const char *const names[COLUMNS] = {"a", "b", "c"};
    agop_table *t = NULL;
    double     *v = calloc((size_t)rows, sizeof *v);

    assert_int_equal(agop_table_new(&t, ctx, rows), AGOP_OK);
    for (int j = 0; j < COLUMNS; j++) {
        for (int64_t i = 0; i < rows; i++)
            v[i] = x[i * COLUMNS + j];
        assert_int_equal(agop_table_add_numeric(t, ctx, names[j], v), AGOP_OK);
    }
    for (int64_t i = 0; i < rows; i++)
        v[i] = turn ? turn(growing(x + i * COLUMNS)) : growing(x + i * COLUMNS);
    assert_int_equal(agop_table_add_numeric(t, ctx, "y", v), AGOP_OK);
    free(v);
    return t;
}

static double *predict(const agop_model *m, const agop_table *t)
{
    int64_t  rows = agop_table_rows(t), c = agop_model_outputs(m, AGOP_VALUE);
    double  *v = calloc((size_t)(rows * c), sizeof *v);
    agop_mat out = {v, rows, c, c, AGOP_F64};

    assert_int_equal(agop_predict(&out, ctx, m, t, AGOP_VALUE), AGOP_OK);
    return v;
}

/* Where nobody judges, nothing is corrected: exp of a fit of log y. */
static void test_curve__a_log_target_is_the_exponential_of_a_fit_of_logarithms(void **state)
{
    double     *x = normals(ROWS * COLUMNS, 1), *new = normals(NEW * COLUMNS, 2);
    agop_table *t = table_of(x, ROWS, NULL), *by_hand = table_of(x, ROWS, log), *u = table_of(new, NEW, NULL);
    agop_model *m = fit_table(ctx, t, NULL, "target=y target_transform=log tune=off select=last precision=double");
    agop_model *h = fit_table(ctx, by_hand, NULL, "target=y tune=off select=last precision=double");
    double     *p = predict(m, u), *q = predict(h, u);

    (void)state;
    for (int i = 0; i < NEW; i++)
        if (!(fabs(p[i] / exp(q[i]) - 1) <= 1e-8))
            fail_msg("row %d: %g, not %g", i, p[i], exp(q[i]));
    free(p);
    free(q);
    agop_model_free(m);
    agop_model_free(h);
    agop_table_free(t);
    agop_table_free(by_hand);
    agop_table_free(u);
    free(x);
    free(new);
}

/* What judges corrects: a factor of the least squared error on the validation rows, in the unit of y. */
static void test_curve__a_log_target_is_scaled_by_least_squares_on_the_rows_that_judge(void **state)
{
    double     *x = normals(ROWS * COLUMNS, 1), *new = normals(NEW * COLUMNS, 2), yr = 0, rr = 0;
    agop_table *t = table_of(x, ROWS, NULL), *by_hand = table_of(x, ROWS, log), *u = table_of(new, NEW, NULL);
    agop_table *v = table_of(new, NEW, log);
    const char *rest = "target=y tune=off iters=0 precision=double";
    char        words[128];
    agop_model *m, *h = fit_table(ctx, by_hand, v, rest);
    double     *p, *q;
    json_t     *j;

    (void)state;
    (void)snprintf(words, sizeof words, "%s target_transform=log", rest);
    m = fit_table(ctx, t, u, words);
    p = predict(m, u);
    q = predict(h, u);
    for (int i = 0; i < NEW; i++) {
        yr += growing(new + i * COLUMNS) * exp(q[i]);
        rr += exp(2 * q[i]);
    }
    assert_true(fabs(yr / rr - 1) > 1e-3);
    for (int i = 0; i < NEW; i++)
        if (!(fabs(p[i] / exp(q[i]) - yr / rr) <= 1e-8))
            fail_msg("row %d: %g, not %g", i, p[i], exp(q[i]) * yr / rr);
    j  = json_loads(agop_model_info(m), 0, NULL);
    yr = 0;
    for (int i = 0; i < NEW; i++)
        yr += (p[i] - growing(new + i * COLUMNS)) * (p[i] - growing(new + i * COLUMNS)) / NEW;
    rr = json_number_value(json_object_get(json_object_get(j, "validation"), "rmse")); /* in the unit of y */
    if (!(fabs(sqrt(yr) / rr - 1) < 1e-8))
        fail_msg("an error of %g, not %g", rr, sqrt(yr));
    json_decref(j);
    free(p);
    free(q);
    agop_model_free(m);
    agop_model_free(h);
    agop_table_free(t);
    agop_table_free(by_hand);
    agop_table_free(u);
    agop_table_free(v);
    free(x);
    free(new);
}

/* ---- normal scores ---- */

/* The quantile function of the normal distribution, by halving. */
static double score_of(double p)
{
    double low = -9, high = 9;

    for (int i = 0; i < 100; i++)
        *(erfc(-(low + high) / 2 / sqrt(2)) / 2 < p ? &low : &high) = (low + high) / 2;
    return low;
}

enum { VALUES = 7 };
static const double values[VALUES] = {5, 1, 2, 1, 80, 9, 3};

static void test_curve__normal_scores_are_quantiles_of_middle_ranks(void **state)
{
    static const double y[] = {1, 2, 3, 5, 9, 80}, rank[] = {1, 2.5, 3.5, 4.5, 5.5, 6.5};
    double           mean = 0, one = 1, zero = 0, square = 0, z[6];
    agop__target     g = {.columns = 1, .outputs = 1, .mean = &zero, .spread = &one};
    agop__transform *t;
    agop__err        e;

    (void)state;
    assert_int_equal(agop__transform_learn(&t, AGOP__NORMAL, &g, values, VALUES, &e), AGOP_OK);
    for (int k = 0; k < 6; k++) {
        z[k] = score_of(rank[k] / VALUES);
        mean += z[k] * (k ? 1 : 2) / VALUES;
    }
    for (int k = 0; k < 6; k++)
        square += (z[k] - mean) * (z[k] - mean) * (k ? 1 : 2) / VALUES;
    for (int k = 0; k < 6; k++) {
        assert_true(fabs(agop__transform_there(t, 0, y[k]) - (z[k] - mean) / sqrt(square)) < 1e-9);
        assert_true(fabs(agop__transform_back(t, 0, agop__transform_there(t, 0, y[k])) / y[k] - 1) < 1e-9);
    }
    assert_true(agop__transform_there(t, 0, 1e9) == agop__transform_there(t, 0, 80));
    assert_true(fabs(agop__transform_back(t, 0, agop__transform_there(t, 0, 44.5)) - 44.5) < 1e-9);
    agop__transform_free(t);
}

/* At a knot the curve is the mean of the inverse over the honest residuals, in outputs; between knots a straight line;
 * its slope is that of the line. */
static void test_curve__normal_scores_are_turned_back_by_smearing(void **state)
{
    static const double h[] = {.3, -1, .1, -.5, 1.1, .9, 0};
    double           origin = 3, unit = 2;
    agop__target     g = {.columns = 1, .outputs = 1, .mean = &origin, .spread = &unit};
    agop__transform *t;
    agop__curve     *c;
    agop__err        e;

    (void)state;
    assert_int_equal(agop__transform_learn(&t, AGOP__NORMAL, &g, values, VALUES, &e), AGOP_OK);
    assert_int_equal(agop__transform_curves(&c, t, h, values, NULL, VALUES, &e), AGOP_OK);
    for (int k = 0; k < AGOP__KNOTS; k += 8) {
        double step = (c->high - c->low) / (AGOP__KNOTS - 1), at = c->low + k * step, want = 0;
        for (int i = 0; i < VALUES; i++)
            want += agop__transform_back(t, 0, at + agop__transform_there(t, 0, values[i]) - h[i]) / VALUES;
        assert_true(fabs(agop__curve_value(c, at) - (want - origin) / unit) < 1e-9 * 80);
        if (k == 0 || k == AGOP__KNOTS - 1)
            continue;
        want = (agop__curve_value(c, at + .75 * step) - agop__curve_value(c, at + .25 * step)) / (.5 * step);
        assert_true(fabs(agop__curve_slope(c, at + .5 * step) - want) < 1e-6);
    }
    assert_true(agop__curve_value(c, 1e6) == agop__curve_value(c, c->high));
    assert_true(agop__curve_slope(c, 1e6) == 0 && agop__curve_slope(c, -1e6) == 0);
    free(c);
    agop__transform_free(t);
}

/* A transform of ranks does not see what rises with y. */
static void test_curve__normal_scores_are_the_same_of_all_that_rises(void **state)
{
    double     *x = normals(ROWS * COLUMNS, 1), *new = normals(NEW * COLUMNS, 2);
    agop_table *t = table_of(x, ROWS, NULL), *logs = table_of(x, ROWS, log), *u = table_of(new, NEW, NULL);
    const char *words = "target=y tune=off select=last precision=double target_transform=normal";
    agop_model *m = fit_table(ctx, t, NULL, words), *h = fit_table(ctx, logs, NULL, words);

    (void)state;
    assert_int_equal(m->leaf->n, h->leaf->n);
    for (int64_t i = 0; i < m->leaf->n; i++)
        assert_true(fabs(m->leaf->member->alpha[i] - h->leaf->member->alpha[i]) <
                    1e-7 * fabs(h->leaf->member->alpha[i]) + 1e-9);
    agop_model_free(m);
    agop_model_free(h);
    agop_table_free(t);
    agop_table_free(logs);
    agop_table_free(u);
    free(x);
    free(new);
}

/* ---- the rest of a model ---- */

/* The AGOP is that of the answer, not of what the machines learn: finite differences of predictions at all rows. */
static void agop_by_differences(const char *words, double tolerance)
{
    double     *x = normals(ROWS * COLUMNS, 1), h = 1e-4, want[COLUMNS * COLUMNS] = {0}, trace = 0;
    double      got[COLUMNS * COLUMNS], spread[COLUMNS] = {0}, *slope = calloc(ROWS * COLUMNS, sizeof *slope);
    agop_table *t = table_of(x, ROWS, NULL);
    agop_model *m = fit_table(ctx, t, NULL, words);
    agop_mat    out = {got, COLUMNS, COLUMNS, COLUMNS, AGOP_F64};

    for (int j = 0; j < COLUMNS; j++) {
        double     *moved = calloc(ROWS * COLUMNS, sizeof *moved), *p[2], mean = 0;
        for (int k = 0; k < 2; k++) {
            memcpy(moved, x, ROWS * COLUMNS * sizeof *moved);
            for (int i = 0; i < ROWS; i++)
                moved[i * COLUMNS + j] += k ? -h : h;
            agop_table *there = table_of(moved, ROWS, NULL);
            p[k] = predict(m, there);
            agop_table_free(there);
        }
        for (int i = 0; i < ROWS; i++)
            mean += x[i * COLUMNS + j] / ROWS;
        for (int i = 0; i < ROWS; i++)
            spread[j] += (x[i * COLUMNS + j] - mean) * (x[i * COLUMNS + j] - mean) / ROWS;
        for (int i = 0; i < ROWS; i++) /* columns are standardised */
            slope[i * COLUMNS + j] = (p[0][i] - p[1][i]) / (2 * h) * sqrt(spread[j]);
        free(p[0]);
        free(p[1]);
        free(moved);
    }
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLUMNS; j++)
            for (int k = 0; k < COLUMNS; k++)
                want[j * COLUMNS + k] += slope[i * COLUMNS + j] * slope[i * COLUMNS + k];
    for (int j = 0; j < COLUMNS; j++)
        trace += want[j * COLUMNS + j];
    assert_int_equal(agop_features(&out, ctx, m), AGOP_OK);
    for (int j = 0; j < COLUMNS * COLUMNS; j++)
        if (!(fabs(got[j] - want[j] / trace) <= tolerance))
            fail_msg("%s: entry %d is %g, not %g", words, j, got[j], want[j] / trace);
    agop_model_free(m);
    agop_table_free(t);
    free(slope);
    free(x);
}

static void test_curve__the_agop_is_that_of_the_answer(void **state)
{
    (void)state;
    agop_by_differences("target=y tune=off kernel=gaussian precision=double iters=2 target_transform=none", 1e-4);
    agop_by_differences("target=y tune=off kernel=gaussian precision=double iters=2 target_transform=log", 1e-4);
    agop_by_differences("target=y tune=off kernel=gaussian precision=double iters=2 target_transform=normal", 1e-3);
}

/* A wide search tries both, on a table made for the logarithm takes it, twice the same, and a file keeps it. */
static void test_curve__a_wide_search_finds_the_logarithm(void **state)
{
    double     *x = normals(ROWS * COLUMNS, 1), *new = normals(NEW * COLUMNS, 2), logs = 0;
    agop_table *t = table_of(x, ROWS, NULL), *u = table_of(new, NEW, NULL);
    agop_model *m     = fit_table(ctx, t, NULL, "target=y tune=full");
    agop_model *twice = fit_table(ctx, t, NULL, "target=y tune=full"), *back;
    double     *p = predict(m, u), *q = predict(twice, u), *r;
    json_t     *j = json_loads(agop_model_info(m), 0, NULL), *list = json_object_get(j, "tried");
    char        path[64] = "/tmp/agop-curve-XXXXXX";
    int         seen[2] = {0}, file = mkstemp(path);

    (void)state;
    for (size_t k = 0; k < json_array_size(list); k++) {
        const char *name = json_string_value(json_object_get(json_array_get(list, k), "target_transform"));
        seen[0] += strcmp(name, "log") == 0;
        seen[1] += strcmp(name, "normal") == 0;
    }
    assert_int_equal(seen[0], 2);
    assert_int_equal(seen[1], 2);
    for (int64_t k = 0; k < m->leaf->members; k++)
        logs += m->leaf->member[k].curve && m->leaf->member[k].curve->kind == AGOP__LOG ? m->leaf->member[k].weight : 0;
    assert_true(logs > .3);
    assert_memory_equal(p, q, NEW * sizeof *p);
    assert_true(file >= 0);
    assert_int_equal(agop_model_save(ctx, m, path), AGOP_OK);
    assert_int_equal(agop_model_load(&back, ctx, path), AGOP_OK);
    r = predict(back, u);
    assert_memory_equal(p, r, NEW * sizeof *p);
    close(file);
    (void)remove(path);
    free(p);
    free(q);
    free(r);
    json_decref(j);
    agop_model_free(m);
    agop_model_free(twice);
    agop_model_free(back);
    agop_table_free(t);
    agop_table_free(u);
    free(x);
    free(new);
}

static void test_curve__only_skewed_targets_are_worth_it(void **state)
{
    double even[8] = {-3, -2, -1, 0, 0, 1, 2, 3}, up[8] = {1, 1, 1, 2, 2, 3, 9, 40}, down[8];

    (void)state;
    for (int i = 0; i < 8; i++)
        down[i] = 50 - up[i];
    assert_int_equal(agop__transforms_for(even, 8, 1), 0);
    assert_int_equal(agop__transforms_for(up, 8, 1), 1 << AGOP__LOG | 1 << AGOP__NORMAL);
    assert_int_equal(agop__transforms_for(down, 8, 1), 1 << AGOP__NORMAL);
    up[0] = 0;
    assert_int_equal(agop__transforms_for(up, 8, 1), 1 << AGOP__NORMAL);
}

/* A search that tries transforms, cut short by memory at every `STRIDE`th place: nothing is kept, and the answer of a
 * fit that says it went well is the same. */
static void test_curve__a_search_without_memory_says_so(void **state)
{
    enum { FEW = 24, STRIDE = 61 };
    double        *x = normals(FEW * COLUMNS, 3), *want, *have;
    agop_table    *t = table_of(x, FEW, NULL);
    agop_settings *s = settings_of(ctx, "target=y tune=full iters=0 ridge=0.1 divisions=1");
    agop_model    *m = fit_table(ctx, t, NULL, "target=y tune=full iters=0 ridge=0.1 divisions=1");
    int64_t        forgiven = 0;
    int            failed   = 1;

    (void)state;
    want = predict(m, t);
    agop_model_free(m);
    for (int64_t n = 1; failed; n += STRIDE) {
        agop_status st;
        m = NULL;
        fail_alloc_arm(n);
        st     = agop_fit(&m, ctx, t, NULL, s);
        failed = fail_alloc_disarm();
        if (st == AGOP_OK) {
            have = predict(m, t);
            assert_memory_equal(want, have, FEW * sizeof *want);
            free(have);
            forgiven += failed;
        } else if (!failed || st != AGOP_E_NOMEM) {
            fail_msg("allocation %lld: %s", (long long)n, agop_errmsg(ctx));
        }
        agop_model_free(m);
    }
    assert_true(forgiven <= 4);
    free(want);
    agop_settings_free(s);
    agop_table_free(t);
    free(x);
}

/* Leaves, intervals and several targets go on as without. */
static void test_curve__trees_and_several_targets_have_it_too(void **state)
{
    double     *x = normals(ROWS * COLUMNS, 1);
    agop_table *t = table_of(x, ROWS, NULL);
    agop_model *m = fit_table(ctx, t, NULL, "target=y leaf_size=50 target_transform=log");
    double     *p = predict(m, t), error = 0, mean = 0, square = 0;

    (void)state;
    for (int64_t l = 0; l < m->leaves; l++)
        for (int64_t k = 0; k < m->leaf[l].members; k++)
            assert_non_null(m->leaf[l].member[k].curve);
    for (int i = 0; i < ROWS; i++) {
        double y = growing(x + i * COLUMNS);
        error += (p[i] - y) * (p[i] - y) / ROWS;
        mean += y / ROWS;
        square += y * y / ROWS;
    }
    assert_true(error < .2 * (square - mean * mean));
    free(p);
    agop_model_free(m);
    m = fit_mixed(ctx, "target=y,z drop=kind,w target_transform=normal precision=double");
    p = predict_mixed(ctx, m, AGOP_VALUE, MIXED_ROWS);
    for (int i = 0; i < 2 * MIXED_ROWS; i++)
        assert_true(isfinite(p[i]));
    free(p);
    agop_model_free(m);
    agop_table_free(t);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_curve__a_log_target_is_the_exponential_of_a_fit_of_logarithms),
        cmocka_unit_test(test_curve__a_log_target_is_scaled_by_least_squares_on_the_rows_that_judge),
        cmocka_unit_test(test_curve__normal_scores_are_quantiles_of_middle_ranks),
        cmocka_unit_test(test_curve__normal_scores_are_turned_back_by_smearing),
        cmocka_unit_test(test_curve__normal_scores_are_the_same_of_all_that_rises),
        cmocka_unit_test(test_curve__the_agop_is_that_of_the_answer),
        cmocka_unit_test(test_curve__a_wide_search_finds_the_logarithm),
        cmocka_unit_test(test_curve__only_skewed_targets_are_worth_it),
        cmocka_unit_test(test_curve__a_search_without_memory_says_so),
        cmocka_unit_test(test_curve__trees_and_several_targets_have_it_too),
    };
    int failed;

    if (agop_open(&ctx, "auto", 2) != AGOP_OK)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    agop_close(ctx);
    return failed;
}
