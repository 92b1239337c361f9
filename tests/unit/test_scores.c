/* test_scores.c - every score against scikit-learn; the constants are printed by tests/data/score_truth.py. */
#include <math.h>

#include "table_support.h"

#include "rfm/target.h"

/* ---- targets without a table ---- */

static agop__target regression(int columns)
{
    static char *name[] = {"price", "rent \xe9"};
    return (agop__target){.columns = columns, .outputs = columns, .name = name};
}

static agop__target classes(int K)
{
    agop__target g = {.classification = 1, .columns = 1};
    char         text[8];
    for (int k = 0; k < K; k++) {
        int n = snprintf(text, sizeof text, "c%d", k);
        (void)agop__dict_add(&g.classes, text, (size_t)n);
    }
    return g;
}

static agop__scores score(const agop__target *g, const double *p, const double *truth, const double *w, int64_t rows)
{
    agop__err    e = {0};
    agop__scores s;
    assert_int_equal(agop__scores_make(&s, g, p, truth, w, rows, &e), AGOP_OK);
    return s;
}

/* ---- numbers ---- */

static const double y_true[] = {1.5, 10, 2, 30, -1, 20, 4, 25, 0.5, 5, 3, 40};
static const double y_said[] = {1.25, 12, 2.5, 28, -2, 15, 4, 35, 1, 5, 2, 20};
static const double weight[] = {1, 2, .5, 3, 1, 4};

static void test_numbers__agree_with_scikit_learn(void **state)
{
    agop__target g = regression(2);
    agop__scores s = score(&g, y_said, y_true, NULL, 6);

    (void)state;
    assert_close(s.target_r2[0], 0.8381578947368421, 1e-14);
    assert_close(s.target_rmse[0], 0.65351613088992178, 1e-14);
    assert_close(s.target_mae[0], 0.54166666666666663, 1e-14);
    assert_close(s.target_r2[1], 0.36040000000000005, 1e-14);
    assert_close(s.target_rmse[1], 9.4251436770657939, 1e-14);
    assert_close(s.target_mae[1], 6.5, 1e-14);
    assert_close(s.r2, 0.59927894736842102, 1e-14);
    assert_close(s.mse, 44.630208333333329, 1e-13);
    assert_close(s.rmse, (0.65351613088992178 + 9.4251436770657939) / 2, 1e-14); /* means over targets */
    assert_close(s.mae, (0.54166666666666663 + 6.5) / 2, 1e-14);
    agop__scores_free(&s);
    assert_null(s.target_r2);
}

static void test_numbers__agree_with_scikit_learn_under_weights(void **state)
{
    agop__target g = regression(2);
    agop__scores s = score(&g, y_said, y_true, weight, 6);

    (void)state;
    assert_close(s.target_r2[0], 0.72511248593925759, 1e-14);
    assert_close(s.target_rmse[0], 0.67967383482015142, 1e-14);
    assert_close(s.target_mae[0], 0.54347826086956519, 1e-14);
    assert_close(s.target_r2[1], -0.28672965116279059, 1e-14);
    assert_close(s.target_rmse[1], 12.936298778512985, 1e-14);
    assert_close(s.target_mae[1], 10.304347826086957, 1e-14);
    assert_close(s.r2, 0.2191914173882335, 1e-14);
    assert_close(s.mse, 83.904891304347828, 1e-13);
    agop__scores_free(&s);
}

static void test_numbers__a_constant_truth_is_met_or_not(void **state)
{
    static const double truth[] = {1e9 + .1, 1e9 + .1, 1e9 + .1}, near[] = {1e9 + .1, 1e9 + .1, 1e9 + 1};
    agop__target        g = regression(1);
    agop__scores        s = score(&g, truth, truth, NULL, 3);

    (void)state;
    assert_true(s.r2 == 1 && s.rmse == 0 && s.mae == 0);
    agop__scores_free(&s);
    s = score(&g, near, truth, NULL, 3);
    assert_true(s.r2 == 0); /* as scikit-learn has it: neither minus infinity nor NaN */
    agop__scores_free(&s);
}

static void test_numbers__r2_survives_a_large_offset(void **state)
{
    double       truth[6], said[6];
    agop__target g = regression(1);
    agop__scores s;

    (void)state;
    for (int i = 0; i < 6; i++) {
        truth[i] = 0x1p30 + y_true[2 * i]; /* exact: the values are multiples of 1/4 */
        said[i]  = 0x1p30 + y_said[2 * i];
    }
    s = score(&g, said, truth, NULL, 6);
    assert_close(s.r2, 0.8381578947368421, 1e-9);
    agop__scores_free(&s);
}

/* ---- two classes ---- */

static const double two_true[]   = {0, 1, 1, 0, 1, 0, 0, 1, 1, 0};
static const double two_said[]   = {.1, .4, .35, .8, .8, .4, .2, .9, .4, .6}; /* with ties, also across the classes */
static const double two_weight[] = {1, 2, .5, 3, 1, 1, 2, 1, .25, 1};

static agop__scores two(const double *w)
{
    agop__target g = classes(2);
    agop__scores s;
    double       p[20];

    for (int i = 0; i < 10; i++) {
        p[2 * i]     = 1 - two_said[i];
        p[2 * i + 1] = two_said[i];
    }
    s = score(&g, p, two_true, w, 10);
    agop__dict_free(&g.classes);
    return s;
}

static void test_two_classes__agree_with_scikit_learn(void **state)
{
    agop__scores s = two(NULL);

    (void)state;
    assert_close(s.accuracy, 0.5, 1e-15);
    assert_close(s.log_loss, 0.65759659902653067, 1e-14);
    assert_close(s.brier, 0.24025, 1e-14);
    assert_close(s.auc, 0.66, 1e-14);
    assert_close(s.f1, 4.0 / 9, 1e-14);
    agop__scores_free(&s);
}

static void test_two_classes__agree_with_scikit_learn_under_weights(void **state)
{
    agop__scores s = two(two_weight);

    (void)state;
    assert_close(s.accuracy, 0.47058823529411764, 1e-14);
    assert_close(s.log_loss, 0.76252133232681696, 1e-14);
    assert_close(s.brier, 0.28245098039215688, 1e-14);
    assert_close(s.auc, 0.62828947368421051, 1e-14);
    assert_close(s.f1, 0.372093023255814, 1e-14);
    agop__scores_free(&s);
}

static void test_two_classes__weights_are_relative_and_count_like_copies(void **state)
{
    agop__target g   = classes(2);
    double       p[] = {.7, .3, .2, .8, .4, .6}, truth[] = {0, 1, 0}, w[] = {1, 2, 3}, w10[] = {10, 20, 30};
    double       many_p[] = {.7, .3, .2, .8, .2, .8, .4, .6, .4, .6, .4, .6}, many_truth[] = {0, 1, 1, 0, 0, 0};
    agop__scores a = score(&g, p, truth, w, 3), b = score(&g, p, truth, w10, 3),
                 c = score(&g, many_p, many_truth, NULL, 6);

    (void)state;
    for (int i = 0; i < 5; i++) {
        static const char *const names[] = {"accuracy", "log_loss", "brier", "auc", "f1"};
        assert_close(agop__score_value(&a, names[i]), agop__score_value(&b, names[i]), 1e-14);
        assert_close(agop__score_value(&a, names[i]), agop__score_value(&c, names[i]), 1e-14);
    }
    agop__scores_free(&a);
    agop__scores_free(&b);
    agop__scores_free(&c);
    agop__dict_free(&g.classes);
}

static void test_two_classes__all_ties_are_one_half_and_one_side_is_unknown(void **state)
{
    agop__target g   = classes(2);
    double       p[] = {.5, .5, .5, .5, .5, .5}, mixed[] = {0, 1, 0}, all[] = {1, 1, 1};
    agop__scores s = score(&g, p, mixed, NULL, 3);

    (void)state;
    assert_true(s.auc == .5);
    assert_true(s.f1 == 0); /* never said */
    agop__scores_free(&s);
    s = score(&g, p, all, NULL, 3);
    assert_true(isnan(s.auc));
    assert_true(agop__score_loss(&s, "auc") == 1); /* nothing known: the worst, so that it is never the best */
    assert_true(s.f1 == 0 && s.accuracy == 0);
    agop__scores_free(&s);
    agop__dict_free(&g.classes);
}

/* ---- more classes ---- */

static const double three_true[]   = {0, 1, 2, 2, 1, 0, 0, 1};
static const double three_said[]   = {.6, .3,  .1,  .2, .5, .3, .1, .2, .7, .3, .3, .4,
                                      .5, .25, .25, .4, .3, .3, .1, .8, .1, .2, .5, .3};
static const double three_weight[] = {1, 2, .5, 3, 1, 1, 2, 1};

static void test_three_classes__agree_with_scikit_learn(void **state)
{
    agop__target g = classes(3);
    agop__scores s = score(&g, three_said, three_true, NULL, 8);

    (void)state;
    assert_close(s.accuracy, .75, 1e-15);
    assert_close(s.log_loss, 0.97190698083585747, 1e-14);
    assert_close(s.brier, 0.571875, 1e-14);
    assert_close(s.auc, 0.74444444444444446, 1e-14);
    assert_close(s.f1, 7.0 / 9, 1e-14);
    agop__scores_free(&s);
    s = score(&g, three_said, three_true, three_weight, 8);
    assert_close(s.accuracy, 0.73913043478260865, 1e-14);
    assert_close(s.log_loss, 1.0804549662625909, 1e-14);
    assert_close(s.brier, 0.64565217391304341, 1e-14);
    assert_close(s.auc, 0.68333333333333324, 1e-14);
    assert_close(s.f1, 0.74603174603174605, 1e-14);
    agop__scores_free(&s);
    agop__dict_free(&g.classes);
}

static void test_three_classes__one_that_is_neither_there_nor_said_does_not_count(void **state)
{
    agop__target g = classes(4);
    double       p[32];
    agop__scores s;

    (void)state;
    for (int i = 0; i < 8; i++) {
        for (int k = 0; k < 3; k++)
            p[4 * i + k] = .99 * three_said[3 * i + k];
        p[4 * i + 3] = .01;
    }
    s = score(&g, p, three_true, NULL, 8);
    assert_close(s.auc, 0.74444444444444446, 1e-14);
    assert_close(s.f1, 7.0 / 9, 1e-14);
    assert_close(s.log_loss, 0.98195731668935893, 1e-14);
    agop__scores_free(&s);
    p[0] = p[1] = p[2] = .1; /* said once, falsely: it counts, with f1 0 */
    p[3]               = .7;
    s                  = score(&g, p, three_true, NULL, 8);
    assert_close(s.f1, 0.51666666666666661, 1e-14);
    agop__scores_free(&s);
    agop__dict_free(&g.classes);
}

static void test_three_classes__an_unknown_class_counts_as_wrong(void **state)
{
    agop__target g = classes(3);
    double       truth[8];
    agop__scores s;

    (void)state;
    memcpy(truth, three_true, sizeof truth);
    truth[3] = -1;
    s        = score(&g, three_said, truth, NULL, 8);
    assert_close(s.accuracy, .625, 1e-15);
    assert_close(s.auc, 0.74444444444444446, 1e-14);
    assert_close(s.brier, .546875, 1e-14);
    assert_close(s.log_loss, 5.1747176887154236, 1e-14);
    assert_close(s.f1, 2.0 / 3, 1e-14);
    agop__scores_free(&s);
    agop__dict_free(&g.classes);
}

/* Class 1 is said with probability p[i], and true where right[i]. */
static double error_of(const double *p, const int *right, const double *w, int rows)
{
    agop__target g = classes(2);
    double       both[200], truth[100], error;
    agop__scores s;

    for (int i = 0; i < rows; i++) {
        both[2 * i]     = 1 - p[i];
        both[2 * i + 1] = p[i];
        truth[i]        = right[i];
    }
    s = score(&g, both, truth, w, rows);
    error = s.ece;
    agop__scores_free(&s);
    agop__dict_free(&g.classes);
    return error;
}

static void test_calibration_error__is_the_gap_of_accuracy_and_confidence(void **state)
{
    static const int right[30] = {1, 1, 1, 0, 1, 1, 0, 1, 0, 1, /* .7 of ten rows */
                                  1, 1, 0, 0, 1, 1, 0, 1, 0, 1, 1, 1, 0, 0, 1, 1, 0, 1, 0, 1}; /* .6 of twenty */
    double p[30], w[30];

    (void)state;
    for (int i = 0; i < 30; i++) {
        p[i] = i < 10 ? .8 : .6;
        w[i] = i < 10 ? 2 : 1;
    }
    assert_close(error_of(p, right, NULL, 10), .1, 1e-14);
    assert_close(error_of(p, right, NULL, 30), .1 / 3, 1e-14);
    assert_close(error_of(p, right, w, 30), .05, 1e-14); /* ten rows of weight 2 are half of all */
}

static void test_calibration_error__is_that_of_fifteen_bins_of_equal_rows(void **state)
{
    enum { ROWS = 60 };
    double p[ROWS], sum = 0;
    int    right[ROWS];

    (void)state;
    for (int i = 0; i < ROWS; i++) { /* rising, in another order in the table */
        int at    = i * 37 % ROWS;
        p[at]     = .51 + .008 * i;
        right[at] = i * i % 7 < 4;
    }
    for (int b = 0; b < 15; b++) {
        double gap = 0;
        for (int i = 4 * b; i < 4 * b + 4; i++)
            gap += (i * i % 7 < 4) - (.51 + .008 * i);
        sum += fabs(gap) / ROWS;
    }
    assert_close(error_of(p, right, NULL, ROWS), sum, 1e-13);
}

static void test_intervals__are_counted_and_measured(void **state)
{
    static const double half[] = {.25, 1, .1, 2, 2, 4, 0, 20, .5, 1, 2, 19};
    agop__target        g = regression(2);
    agop__scores        s = score(&g, y_said, y_true, NULL, 6);

    (void)state;
    agop__scores_intervals(&s, &g, y_said, half, y_true, 6, .9);
    assert_close(s.target_coverage[0], 5.0 / 6, 1e-14); /* all but 2 +- .1 about 2.5 */
    assert_close(s.target_coverage[1], 3.0 / 6, 1e-14); /* 30 +- 2, 25 +- 20, 5 +- 1 */
    assert_close(s.target_width[0], 2 * 4.85 / 6, 1e-14);
    assert_close(s.coverage, 4.0 / 6, 1e-14);
    assert_close(s.width, (9.7 + 94) / 12, 1e-14);
    agop__scores_free(&s);
}

/* ---- names ---- */

static void test_names__fit_the_task(void **state)
{
    static const char *const numbers[] = {"mse", "rmse", "mae", "r2"}, *const of_classes[] = {"accuracy", "brier",
                                                                                              "log_loss", "auc", "f1"};
    agop__target g = regression(1), c = {.classification = 1};
    agop__err    e = {0};

    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(agop__score_check(&g, numbers[i], &e), AGOP_OK);
        assert_int_equal(agop__score_check(&c, numbers[i], &e), AGOP_E_PARAM);
    }
    for (int i = 0; i < 5; i++) {
        assert_int_equal(agop__score_check(&c, of_classes[i], &e), AGOP_OK);
        assert_int_equal(agop__score_check(&g, of_classes[i], &e), AGOP_E_PARAM);
    }
    assert_string_equal(e.text, "metric_score f1 does not fit a regression: take one of mse, rmse, mae, r2, "
                                "agop_pearson, agop_r2");
}

static void test_names__auto_is_mse_or_brier(void **state)
{
    agop__target   g = regression(1), c = {.classification = 1};
    agop_settings *s = settings("seed", "0", NULL), *t = settings("metric_score", "auc", NULL);

    (void)state;
    assert_string_equal(agop__score_name(&g, s), "mse");
    assert_string_equal(agop__score_name(&c, s), "brier");
    assert_string_equal(agop__score_name(&c, t), "auc");
    agop_settings_free(s);
    agop_settings_free(t);
}

static void test_names__a_loss_is_smaller_for_the_better(void **state)
{
    static const char *const numbers[] = {"mse", "rmse", "mae", "r2"}, *const of_classes[] = {"accuracy", "brier",
                                                                                              "log_loss", "auc", "f1"};
    agop__target g = regression(2), c = classes(3);
    double       good[24];
    agop__scores a = score(&g, y_true, y_true, NULL, 6), b = score(&g, y_said, y_true, NULL, 6), x, y;

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_true(agop__score_loss(&a, numbers[i]) < agop__score_loss(&b, numbers[i]));
    for (int i = 0; i < 24; i++)
        good[i] = i % 3 == (int)three_true[i / 3] ? .9 : .05;
    x = score(&c, good, three_true, NULL, 8);
    y = score(&c, three_said, three_true, NULL, 8);
    for (int i = 0; i < 5; i++)
        assert_true(agop__score_loss(&x, of_classes[i]) < agop__score_loss(&y, of_classes[i]));
    assert_true(isnan(agop__score_value(&x, "no score")));
    agop__scores_free(&a);
    agop__scores_free(&b);
    agop__scores_free(&x);
    agop__scores_free(&y);
    agop__dict_free(&c.classes);
}

/* ---- JSON ---- */

static void test_json__numbers_targets_by_name_and_null_for_what_is_unknown(void **state)
{
    agop__target g = regression(2), c = classes(2);
    agop__err    e   = {0};
    agop__scores s   = score(&g, y_said, y_true, NULL, 6);
    double       p[] = {.5, .5}, truth[] = {1};
    json_t      *j = NULL, *one;

    (void)state;
    assert_int_equal(agop__scores_to_json(&j, &s, &g, &e), AGOP_OK);
    assert_true(json_real_value(json_object_get(j, "r2")) == s.r2);
    one = json_object_get(json_object_get(j, "targets"), "price");
    assert_true(json_real_value(json_object_get(one, "rmse")) == s.target_rmse[0]);
    one = json_object_get(json_object_get(j, "targets"), "rent \xef\xbf\xbd"); /* what is not UTF-8 is shown as such */
    assert_true(json_real_value(json_object_get(one, "mae")) == s.target_mae[1]);
    json_decref(j);
    agop__scores_free(&s);

    s = score(&c, p, truth, NULL, 1);
    assert_int_equal(agop__scores_to_json(&j, &s, &c, &e), AGOP_OK);
    assert_true(json_is_null(json_object_get(j, "auc")));
    assert_true(json_is_real(json_object_get(j, "brier")));
    json_decref(j);
    agop__scores_free(&s);
    agop__dict_free(&c.classes);
}

static void test_memory__every_failed_allocation_comes_back(void **state)
{
    agop__target g = regression(2), c = classes(3);

    (void)state;
    json_set_alloc_funcs(malloc, free);
    for (int kind = 0; kind < 2; kind++)
        for (int64_t n = 1;; n++) {
            agop__err    e = {0};
            agop__scores s = {0};
            json_t      *j = NULL;
            int          failed;
            agop_status  st;
            fail_alloc_arm(n);
            st = kind ? agop__scores_make(&s, &c, three_said, three_true, NULL, 8, &e)
                      : agop__scores_make(&s, &g, y_said, y_true, NULL, 6, &e);
            if (st == AGOP_OK)
                st = agop__scores_to_json(&j, &s, kind ? &c : &g, &e);
            failed = fail_alloc_disarm();
            json_decref(j);
            agop__scores_free(&s);
            assert_int_equal(st, failed ? AGOP_E_NOMEM : AGOP_OK);
            if (!failed) {
                assert_true(n > 10);
                break;
            }
        }
    agop__dict_free(&c.classes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers__agree_with_scikit_learn),
        cmocka_unit_test(test_numbers__agree_with_scikit_learn_under_weights),
        cmocka_unit_test(test_numbers__a_constant_truth_is_met_or_not),
        cmocka_unit_test(test_numbers__r2_survives_a_large_offset),
        cmocka_unit_test(test_two_classes__agree_with_scikit_learn),
        cmocka_unit_test(test_two_classes__agree_with_scikit_learn_under_weights),
        cmocka_unit_test(test_two_classes__weights_are_relative_and_count_like_copies),
        cmocka_unit_test(test_two_classes__all_ties_are_one_half_and_one_side_is_unknown),
        cmocka_unit_test(test_three_classes__agree_with_scikit_learn),
        cmocka_unit_test(test_three_classes__one_that_is_neither_there_nor_said_does_not_count),
        cmocka_unit_test(test_three_classes__an_unknown_class_counts_as_wrong),
        cmocka_unit_test(test_calibration_error__is_the_gap_of_accuracy_and_confidence),
        cmocka_unit_test(test_calibration_error__is_that_of_fifteen_bins_of_equal_rows),
        cmocka_unit_test(test_intervals__are_counted_and_measured),
        cmocka_unit_test(test_names__fit_the_task),
        cmocka_unit_test(test_names__auto_is_mse_or_brier),
        cmocka_unit_test(test_names__a_loss_is_smaller_for_the_better),
        cmocka_unit_test(test_json__numbers_targets_by_name_and_null_for_what_is_unknown),
        cmocka_unit_test(test_memory__every_failed_allocation_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
