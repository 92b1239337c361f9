/* test_cv.c - cross-validation: the same as fits and predictions by hand, and what is reported of them. */
#include <jansson.h>

#include "fail_alloc.h"
#include "model_support.h"
#include "rfm/folds.h"
#include "table/table.h"

#if defined(__SANITIZE_ADDRESS__)
enum { STRIDE = 41 };
#else
enum { STRIDE = 3 };
#endif

enum { ROWS = 60, WIDE = 3 };

#define assert_near(a, b, tolerance) assert_true(fabs((a) - (b)) <= (tolerance))

static agop_ctx *ctx;

static json_t *cv(double **left_out, const agop_table *t, const char *words)
{
    agop_settings *s    = settings_of(ctx, words);
    char          *text = NULL;
    json_t        *j;

    if (agop_cv(&text, left_out, ctx, t, s) != AGOP_OK)
        fail_msg("%s: %s", words, agop_errmsg(ctx));
    j = json_loads(text, 0, NULL);
    assert_non_null(j);
    agop_free(text);
    agop_settings_free(s);
    return j;
}

static agop_table *mixed(void)
{
    agop_table *t = NULL;
    assert_int_equal(make_mixed(&t, ctx, ROWS), AGOP_OK);
    return t;
}

/* Rows of t where wanted[fold] is so, as a program would copy them. */
static agop_table *some_rows(const agop_table *t, const int32_t *fold, int32_t k, int others)
{
    agop_table *out = NULL;
    int64_t     n   = 0;

    for (int i = 0; i < ROWS; i++)
        n += (fold[i] == k) != others;
    assert_int_equal(agop_table_new(&out, ctx, n), AGOP_OK);
    for (int64_t j = 0; j < agop_table_cols(t); j++) {
        double      number[ROWS];
        const char *text[ROWS];
        n = 0;
        for (int i = 0; i < ROWS; i++) {
            if ((fold[i] == k) == others)
                continue;
            number[n] = agop_table_number(t, i, j);
            text[n]   = agop_table_is_text(t, j) && number[n] >= 0 ? agop_table_level(t, j, (int64_t)number[n]) : NULL;
            n++;
        }
        assert_int_equal(agop_table_is_text(t, j) ? agop_table_add_text(out, ctx, agop_table_name(t, j), text)
                                                  : agop_table_add_numeric(out, ctx, agop_table_name(t, j), number),
                         AGOP_OK);
    }
    return out;
}

static void same_as_by_hand(const char *words, const char *target, int what)
{
    agop_table    *t = mixed();
    agop_settings *s = settings_of(ctx, words);
    double        *left_out = NULL, out[ROWS * WIDE], truth[ROWS];
    char           keep[ROWS];
    int32_t        fold[ROWS];
    agop__folds    f = {0};
    agop__err      e;
    json_t        *j = cv(&left_out, t, words);

    memset(keep, 1, sizeof keep);
    for (int i = 0; i < ROWS; i++) { /* classes are in rising order: high, low, middle */
        double v = agop_table_number(t, i, agop__table_find(t, target));
        truth[i] = 0;
        if (what == AGOP_PROBA) {
            char letter = agop_table_level(t, agop__table_find(t, target), (int64_t)v)[0];
            truth[i]    = letter == 'l' ? 1 : letter == 'm' ? 2 : 0;
        }
    }
    assert_int_equal(agop__folds_open(&f, keep, NULL, 0, ROWS, 5, 0, &e), AGOP_OK);
    assert_int_equal(agop__folds_deal(fold, &f, 3, what == AGOP_PROBA ? truth : NULL, 3, ROWS, &e), AGOP_OK);
    for (int32_t k = 0; k < 3; k++) {
        agop_table *train = some_rows(t, fold, k, 1), *test = some_rows(t, fold, k, 0);
        agop_model *m = NULL;
        char       *text = NULL;
        json_t     *score, *theirs = json_object_get(json_array_get(json_object_get(j, "fits"), (size_t)k), "model");
        agop_mat    place = {.data = out, .rows = agop_table_rows(test), .dtype = AGOP_F64};
        int64_t     at    = 0;
        const char *key;
        json_t     *value;

        assert_int_equal(agop_fit(&m, ctx, train, NULL, s), AGOP_OK);
        place.cols = place.ld = agop_model_outputs(m, what);
        assert_int_equal(agop_predict(&place, ctx, m, test, what), AGOP_OK);
        for (int i = 0; i < ROWS; i++)
            if (fold[i] == k)
                assert_memory_equal(left_out + i * place.cols, out + at++ * place.cols,
                                    (size_t)place.cols * sizeof *out);
        assert_int_equal(agop_score(&text, ctx, m, test), AGOP_OK);
        score = json_loads(text, 0, NULL);
        json_object_foreach(theirs, key, value) assert_true(json_equal(value, json_object_get(score, key)));
        json_decref(score);
        agop_free(text);
        agop_model_free(m);
        agop_table_free(train);
        agop_table_free(test);
    }
    agop__folds_close(&f);
    json_decref(j);
    agop_free(left_out);
    agop_settings_free(s);
    agop_table_free(t);
}

static void test_cv__is_what_fits_and_predictions_by_hand_are(void **state)
{
    (void)state;
    same_as_by_hand("target=y drop=z,kind,w folds=3 seed=5", "y", AGOP_VALUE);
    same_as_by_hand("target=y drop=z,kind weights=w folds=3 seed=5 tune=off", "y", AGOP_VALUE);
    same_as_by_hand("target=kind drop=z,y,w folds=3 seed=5", "kind", AGOP_PROBA);
    same_as_by_hand("target=kind drop=z,y,w folds=3 seed=5 loss=logistic", "kind", AGOP_PROBA);
}

static double number(const json_t *j, const char *a, const char *b)
{
    const json_t *v = json_object_get(json_object_get(j, a), b);
    assert_true(json_is_number(v));
    return json_number_value(v);
}

static void test_cv__means_and_corrected_errors_are_those_of_the_fits(void **state)
{
    agop_table   *t = mixed();
    json_t       *j = cv(NULL, t, "target=y drop=z,kind,w folds=4 repeats=2 tune=off iters=0"), *fits, *linear;
    double        mean = 0, square = 0, apart = 0, apart_square = 0;
    const double  J = 8;

    (void)state;
    fits = json_object_get(j, "fits");
    assert_int_equal(json_array_size(fits), 8);
    for (size_t k = 0; k < 8; k++) {
        double v = number(json_array_get(fits, k), "model", "mae");
        mean += v / J;
        apart += (v - number(json_array_get(fits, k), "linear", "mae")) / J;
    }
    for (size_t k = 0; k < 8; k++) {
        double v = number(json_array_get(fits, k), "model", "mae");
        double d = v - number(json_array_get(fits, k), "linear", "mae");
        square += (v - mean) * (v - mean) / (J - 1);
        apart_square += (d - apart) * (d - apart) / (J - 1);
    }
    linear = json_object_get(json_object_get(j, "scores"), "mae");
    assert_near(number(json_object_get(j, "scores"), "mae", "mean"), mean, 1e-12);
    assert_near(number(json_object_get(j, "scores"), "mae", "standard_error"), sqrt((1 / J + 1.0 / 3) * square), 1e-12);
    assert_near(number(linear, "linear", "difference"), apart, 1e-12);
    assert_near(number(linear, "linear", "difference_standard_error"), sqrt((1 / J + 1.0 / 3) * apart_square), 1e-12);
    json_decref(j);
    agop_table_free(t);
}

static void test_cv__repeats_are_averaged_row_by_row(void **state)
{
    agop_table *t = mixed();
    double     *one = NULL, *two = NULL;
    json_t     *a = cv(&one, t, "target=y drop=z,kind,w tune=off iters=0"),
           *b = cv(&two, t, "target=y drop=z,kind,w tune=off iters=0 repeats=2");

    (void)state;
    assert_memory_not_equal(one, two, ROWS * sizeof *one);
    for (int i = 0; i < ROWS; i++)
        assert_true(isfinite(two[i]));
    for (size_t k = 0; k < 5; k++)
        assert_true(json_equal(json_object_get(json_array_get(json_object_get(a, "fits"), k), "model"),
                               json_object_get(json_array_get(json_object_get(b, "fits"), k), "model")));
    json_decref(a);
    json_decref(b);
    agop_free(one);
    agop_free(two);
    agop_table_free(t);
}

/* straight = 2 u - v, none = 3, rare: one row has a class of its own, patient: six rows each, gap: some missing. */
static agop_table *small(void)
{
    double      u[ROWS], v[ROWS], straight[ROWS], none[ROWS], patient[ROWS], gap[ROWS];
    const char *rare[ROWS];
    agop_table *t     = NULL;
    uint64_t    state = 9;

    for (int i = 0; i < ROWS; i++) {
        double *of[] = {&u[i], &v[i]};
        for (int k = 0; k < 2; k++) {
            state  = state * 6364136223846793005u + 1442695040888963407u;
            *of[k] = (double)(state >> 11) / 9007199254740992.0;
        }
        straight[i] = 2 * u[i] - v[i];
        none[i]     = 3;
        patient[i]  = i / 6;
        gap[i]      = i % 20 == 4 ? (double)NAN : straight[i];
        rare[i]     = i == 17 ? "odd" : u[i] > .5 ? "more" : "less";
    }
    assert_int_equal(agop_table_new(&t, ctx, ROWS), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "u", u), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "v", v), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "straight", straight), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "none", none), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "patient", patient), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "gap", gap), AGOP_OK);
    assert_int_equal(agop_table_add_text(t, ctx, "rare", rare), AGOP_OK);
    return t;
}

static void test_cv__linear_data_need_no_more_than_the_linear_model(void **state)
{
    agop_table *t = small();
    json_t     *j = cv(NULL, t, "target=straight drop=none,patient,gap,rare"), *rmse;

    (void)state;
    rmse = json_object_get(json_object_get(j, "scores"), "rmse");
    assert_true(number(json_object_get(json_object_get(j, "scores"), "r2"), "linear", "mean") > .9999);
    assert_true(number(rmse, "linear", "difference") > -2 * number(rmse, "linear", "difference_standard_error"));
    assert_true(number(rmse, "baseline", "difference") < 0);
    assert_true(number(json_object_get(json_object_get(j, "scores"), "r2"), "baseline", "mean") < 0);
    json_decref(j);
    agop_table_free(t);
}

static void test_cv__a_constant_target_is_met(void **state)
{
    agop_table *t = small();
    json_t     *j = cv(NULL, t, "target=none task=regression drop=straight,patient,gap,rare");

    (void)state;
    assert_near(number(json_object_get(json_object_get(j, "scores"), "rmse"), "baseline", "mean"), 0, 0);
    assert_near(number(json_object_get(j, "scores"), "rmse", "mean"), 0, 1e-12);
    json_decref(j);
    agop_table_free(t);
}

static void test_cv__a_class_that_a_fit_never_saw_has_no_chance_there(void **state)
{
    agop_table *t = small();
    double     *p = NULL, loss = 0;
    json_t     *j = cv(&p, t, "target=rare drop=none,patient,gap,straight"), *fits = json_object_get(j, "fits");

    (void)state;
    assert_string_equal(json_string_value(json_array_get(json_object_get(j, "classes"), 2)), "odd");
    assert_near(p[17 * 3 + 2], 0, 0);
    assert_near(p[17 * 3] + p[17 * 3 + 1], 1, 1e-12);
    for (size_t k = 0; k < 5; k++)
        loss = fmax(loss, number(json_array_get(fits, k), "model", "log_loss"));
    assert_true(loss > -log(1e-15) / 13); /* a fold of 12 rows; clipped */
    json_decref(j);
    agop_free(p);
    agop_table_free(t);
}

static void test_cv__the_loss_of_a_fit_is_not_that_of_the_others(void **state)
{
    static const char *const others[] = {"baseline", "linear"};
    agop_table *t = mixed();
    json_t     *all  = cv(NULL, t, "target=kind drop=z,y,w folds=3"), *a = json_object_get(all, "fits"),
           *logistic = cv(NULL, t, "target=kind drop=z,y,w folds=3 loss=logistic"),
           *b        = json_object_get(logistic, "fits");

    (void)state;
    for (size_t k = 0; k < 3; k++)
        for (int who = 0; who < 2; who++)
            assert_true(json_equal(json_object_get(json_array_get(a, k), others[who]),
                                   json_object_get(json_array_get(b, k), others[who])));
    json_decref(all);
    json_decref(logistic);
    agop_table_free(t);
}

static void test_cv__rows_without_a_target_are_in_no_fold(void **state)
{
    agop_table *t = small();
    double     *p = NULL;
    json_t     *j = cv(&p, t, "target=gap drop=none,patient,straight,rare tune=off iters=0");

    (void)state;
    for (int i = 0; i < ROWS; i++)
        assert_int_equal(isnan(p[i]), i % 20 == 4);
    assert_int_equal(json_integer_value(json_object_get(j, "n")), ROWS - 3);
    json_decref(j);
    agop_free(p);
    agop_table_free(t);
}

/* With the patients as groups a fit knows nothing of a patient that it is asked for, nor of the column. */
static void test_cv__the_groups_are_no_column_to_learn_from(void **state)
{
    agop_table *t = small();
    double     *p = NULL, *q = NULL;
    json_t     *a = cv(&p, t, "target=straight drop=none,gap,rare groups=patient folds=10 tune=off iters=0"),
           *b = cv(&q, t, "target=straight drop=none,gap,rare,patient groups=patient folds=10 tune=off iters=0"),
           *fits = json_object_get(a, "fits");

    (void)state;
    for (size_t k = 0; k < 10; k++)
        assert_int_equal(json_integer_value(json_object_get(json_array_get(fits, k), "judged")), 6);
    assert_memory_equal(p, q, ROWS * sizeof *p);
    json_decref(a);
    json_decref(b);
    agop_free(p);
    agop_free(q);
    agop_table_free(t);
}

/* ---- stops and failures ---- */

static int stop_at(void *user, const agop_progress *p)
{
    return p->detail && strstr(p->detail, (const char *)user) != NULL;
}

static void test_cv__a_stop_reports_the_folds_that_are_done(void **state)
{
    agop_table    *t = mixed();
    agop_settings *s = settings_of(ctx, "target=y drop=z,kind,w");
    double        *p = NULL;
    char          *text = NULL, at[] = "fit 3 of", first[] = "fit 1 of";
    int            there = 0;
    json_t        *j;

    (void)state;
    agop_on_progress(ctx, stop_at, at);
    j = cv(&p, t, "target=y drop=z,kind,w");
    assert_int_equal(json_integer_value(json_object_get(j, "fits_done")), 2);
    assert_string_equal(json_string_value(json_object_get(j, "stopped")), "by the caller");
    for (int i = 0; i < ROWS; i++)
        there += !isnan(p[i]);
    assert_int_equal(there, 24);
    json_decref(j);
    agop_free(p);
    agop_on_progress(ctx, stop_at, first);
    assert_int_equal(agop_cv(&text, &p, ctx, t, s), AGOP_E_STOPPED);
    assert_null(text);
    assert_null(p);
    agop_on_progress(ctx, NULL, NULL);
    agop_settings_free(s);
    agop_table_free(t);
}

static void refuse(const agop_table *t, const char *words, agop_status want, const char *sentence)
{
    agop_settings *s    = settings_of(ctx, words);
    char          *text = NULL;

    assert_int_equal(agop_cv(&text, NULL, ctx, t, s), want);
    assert_string_equal(agop_errmsg(ctx), sentence);
    assert_null(text);
    agop_settings_free(s);
}

static void test_cv__what_cannot_be_dealt_is_refused(void **state)
{
    agop_table *t = small();

    (void)state;
    refuse(t, "target=u folds=61", AGOP_E_DATA, "61 folds of 60 usable rows: take --folds 60 or fewer");
    refuse(t, "target=u groups=patient folds=11", AGOP_E_DATA, "11 folds of 10 groups: take --folds 10 or fewer");
    refuse(t, "target=u groups=patients", AGOP_E_DATA,
           "there is no column 'patients' (groups): did you mean 'patient'?");
    refuse(t, "target=u groups=u", AGOP_E_PARAM, "column 'u' cannot be both the target and the groups");
    assert_int_equal(agop_cv(NULL, NULL, ctx, t, NULL), AGOP_E_ARG);
    agop_table_free(t);
}

static void test_cv__every_failed_allocation_comes_back(void **state)
{
    agop_table    *t = mixed();
    agop_settings *s = settings_of(ctx, "target=kind drop=y,z groups=w folds=2 iters=0 kernel=l2");
    int64_t        n;
    int            failed = 1;

    (void)state;
    for (n = 1; failed; n += STRIDE) {
        char       *text = NULL;
        double     *p    = NULL;
        agop_status st;
        fail_alloc_arm(n);
        st     = agop_cv(&text, &p, ctx, t, s);
        failed = fail_alloc_disarm();
        if (st != AGOP_OK && (st != AGOP_E_NOMEM || strncmp(agop_errmsg(ctx), "no memory", 9) != 0))
            fail_msg("allocation %lld: %s '%s'", (long long)n, agop_status_name(st), agop_errmsg(ctx));
        assert_int_equal(st == AGOP_OK, text != NULL);
        assert_int_equal(st == AGOP_OK, p != NULL);
        agop_free(text);
        agop_free(p);
    }
    assert_true(n > 300);
    agop_settings_free(s);
    agop_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cv__is_what_fits_and_predictions_by_hand_are),
        cmocka_unit_test(test_cv__means_and_corrected_errors_are_those_of_the_fits),
        cmocka_unit_test(test_cv__repeats_are_averaged_row_by_row),
        cmocka_unit_test(test_cv__linear_data_need_no_more_than_the_linear_model),
        cmocka_unit_test(test_cv__a_constant_target_is_met),
        cmocka_unit_test(test_cv__a_class_that_a_fit_never_saw_has_no_chance_there),
        cmocka_unit_test(test_cv__the_loss_of_a_fit_is_not_that_of_the_others),
        cmocka_unit_test(test_cv__rows_without_a_target_are_in_no_fold),
        cmocka_unit_test(test_cv__the_groups_are_no_column_to_learn_from),
        cmocka_unit_test(test_cv__a_stop_reports_the_folds_that_are_done),
        cmocka_unit_test(test_cv__what_cannot_be_dealt_is_refused),
        cmocka_unit_test(test_cv__every_failed_allocation_comes_back),
    };
    int failed;

    json_set_alloc_funcs(malloc, free); /* so that jansson's allocations are made to fail, too */
    if (agop_open(&ctx, "cpu", 1) != AGOP_OK)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    agop_close(ctx);
    return failed;
}
