/* test_errors.c - standard errors of scores against the jackknife, which knows nothing of their formulas. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rfm/target.h"

enum { ROWS = 400, WIDE = 3 };

static uint64_t state = 11;

static double uniform(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(state >> 11) / 9007199254740992.0;
}

static double score_without(const agop__target *g, const char *name, const double *p, const double *truth,
                            int64_t width, int64_t without)
{
    static double some_p[ROWS * WIDE], some_truth[ROWS * WIDE];
    agop__scores  s = {0};
    agop__err     e;
    int64_t       n = 0;
    double        v;

    for (int64_t i = 0; i < ROWS; i++) {
        if (i == without)
            continue;
        memcpy(some_p + n * width, p + i * width, (size_t)width * sizeof *p);
        memcpy(some_truth + n * g->columns, truth + i * g->columns, (size_t)g->columns * sizeof *truth);
        n++;
    }
    assert_int_equal(agop__scores_make(&s, g, some_p, some_truth, NULL, n, &e), AGOP_OK);
    v = agop__score_value(&s, name);
    agop__scores_free(&s);
    return v;
}

static double jackknife(const agop__target *g, const char *name, const double *p, const double *truth, int64_t width)
{
    double v[ROWS], mean = 0, square = 0;

    for (int64_t i = 0; i < ROWS; i++)
        mean += (v[i] = score_without(g, name, p, truth, width, i)) / ROWS;
    for (int64_t i = 0; i < ROWS; i++)
        square += (v[i] - mean) * (v[i] - mean);
    return sqrt(square * (ROWS - 1) / ROWS);
}

static void agree(const agop__target *g, const char *const *names, const double *p, const double *truth, int64_t width,
                  double within)
{
    json_t   *j = NULL;
    agop__err e;

    assert_int_equal(agop__scores_errors(&j, g, p, truth, ROWS, &e), AGOP_OK);
    assert_int_equal(json_object_size(j), 3);
    for (int k = 0; k < 3; k++) {
        double want = jackknife(g, names[k], p, truth, width), have = json_number_value(json_object_get(j, names[k]));
        assert_true(have > 0);
        if (fabs(have / want - 1) > within)
            fail_msg("%s: %.10g, jackknife %.10g", names[k], have, want);
    }
    json_decref(j);
}

static void test_errors__of_numbers_are_those_of_the_jackknife(void **unused)
{
    static const char *const names[] = {"r2", "rmse", "mae"};
    double                   p[ROWS * 2], truth[ROWS * 2];
    agop__target             g = {.columns = 1, .outputs = 1};

    (void)unused;
    for (int64_t i = 0; i < ROWS * 2; i++) {
        truth[i] = 1e3 + 5 * uniform() + (i % 2 ? truth[i - 1] - 1e3 : 0);
        p[i]     = truth[i] + (uniform() - .4) * (1 + 3 * (i % 7 == 0));
    }
    agree(&g, names, p, truth, 1, .02);
    g.columns = g.outputs = 2;
    agree(&g, names, p, truth, 2, .02);
}

static void test_errors__of_classes_are_those_of_the_jackknife(void **unused)
{
    static const char *const names[] = {"accuracy", "log_loss", "brier"};
    double                   p[ROWS * WIDE], truth[ROWS];

    (void)unused;
    for (int64_t K = 2; K <= WIDE; K++) {
        agop__target g = {.classification = 1, .columns = 1, .outputs = K - 1};
        for (int64_t k = 0; k < K; k++)
            assert_true(agop__dict_add(&g.classes, &"abc"[k], 1) == k);
        for (int64_t i = 0; i < ROWS; i++) {
            double sum = 0;
            truth[i]   = floor(uniform() * (double)K);
            for (int64_t k = 0; k < K; k++)
                sum += p[i * K + k] = .05 + uniform() + (truth[i] == (double)k ? .5 : 0);
            for (int64_t k = 0; k < K; k++)
                p[i * K + k] /= sum;
        }
        agree(&g, names, p, truth, K, 1e-9); /* means: the jackknife is exact */
        agop__dict_free(&g.classes);
    }
}

static void test_errors__there_is_none_where_a_score_has_no_meaning(void **unused)
{
    agop__target g = {.columns = 1, .outputs = 1};
    double       p[3] = {1, 2, 4}, truth[3] = {2, 2, 2}, met[3] = {1, 2, 3};
    json_t      *j = NULL;
    agop__err    e;

    (void)unused;
    assert_int_equal(agop__scores_errors(&j, &g, p, truth, 3, &e), AGOP_OK); /* a constant truth */
    assert_true(json_is_null(json_object_get(j, "r2")) && json_is_real(json_object_get(j, "rmse")));
    json_decref(j);
    assert_int_equal(agop__scores_errors(&j, &g, p, met, 1, &e), AGOP_OK); /* one row */
    assert_true(json_is_null(json_object_get(j, "mae")));
    json_decref(j);
    assert_int_equal(agop__scores_errors(&j, &g, met, met, 3, &e), AGOP_OK); /* nothing missed */
    assert_true(json_real_value(json_object_get(j, "r2")) == 0 && json_real_value(json_object_get(j, "rmse")) == 0);
    json_decref(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors__of_numbers_are_those_of_the_jackknife),
        cmocka_unit_test(test_errors__of_classes_are_those_of_the_jackknife),
        cmocka_unit_test(test_errors__there_is_none_where_a_score_has_no_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
