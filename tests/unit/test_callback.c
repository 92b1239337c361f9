/* test_callback.c - a score of the caller's own: what it is shown, and that its choice is followed. */
#include "model_support.h"

#include <jansson.h>

static agop_ctx *ctx;

enum { COMPARED = 2, MOST_CALLS = 16 }; /* the constant and the linear model are asked about last */
typedef struct seen {
    int     calls, prefer, rises, nothing;
    int64_t rows, targets, columns;
    double  rmse[MOST_CALLS], brier[MOST_CALLS], sum_of_weights;
} seen;

static double judge(void *user, const agop_judged *r)
{
    seen  *s = user;
    double square = 0, brier = 0, total = 0;
    for (int64_t i = 0; i < r->rows; i++) {
        double w = r->weight ? r->weight[i] : 1;
        total += w;
        square += w * pow(r->truth[i * r->targets] - r->predicted[i * r->columns], 2);
        for (int64_t k = 0; k < r->columns; k++)
            brier += w * pow(r->predicted[i * r->columns + k] - (r->truth[i] == (double)k), 2);
    }
    assert_true(s->calls < MOST_CALLS);
    s->rmse[s->calls]  = sqrt(square / total);
    s->brier[s->calls] = brier / total;
    s->rows = r->rows, s->targets = r->targets, s->columns = r->columns, s->sum_of_weights = total;
    if (s->nothing)
        return (double)NAN;
    return (s->calls++ == s->prefer) == s->rises ? 7 : -7;
}

static json_t *report(seen *s, const char *words)
{
    agop_model *m;
    json_t     *j;
    agop_on_score(ctx, judge, s, s->rises);
    m = fit_mixed(ctx, words);
    agop_on_score(ctx, NULL, NULL, 0);
    j = json_loads(agop_model_info(m), 0, NULL);
    agop_model_free(m);
    return j;
}

static double number(const json_t *j, const char *part, const char *name)
{
    return json_number_value(json_object_get(json_object_get(j, part), name));
}

static void test_callback__its_choice_is_followed_whichever_way_is_better(void **state)
{
    (void)state;
    for (int prefer = 0; prefer < 3; prefer++)
        for (int rises = 0; rises < 2; rises++) {
            seen    s = {.prefer = prefer, .rises = rises};
            json_t *j = report(&s, "target=y drop=z,kind,w tune=off iters=2 metric_score=callback");
            assert_int_equal(s.calls, COMPARED + 3); /* no iteration ends the path early */
            assert_int_equal(json_integer_value(json_object_get(j, "best_iter")), prefer);
            assert_true(number(j, "validation", "callback") == (rises ? 7 : -7));
            json_decref(j);
        }
}

static void test_callback__it_sees_the_rows_that_judge(void **state)
{
    seen    s = {.prefer = 1, .rises = 1};
    json_t *j = report(&s, "target=y drop=z,kind tune=off iters=1 metric_score=callback weights=w");
    (void)state;
    assert_int_equal(s.rows, MIXED_ROWS / 2);
    assert_int_equal(s.targets, 1);
    assert_int_equal(s.columns, 1);
    assert_true(s.sum_of_weights > 0 && s.sum_of_weights != MIXED_ROWS / 2);
    assert_true(fabs(s.rmse[1] - number(j, "validation", "rmse")) < 1e-12);
    assert_true(fabs(s.rmse[s.calls - COMPARED] - number(j, "baseline", "rmse")) < 1e-12);
    json_decref(j);
    s = (seen){.prefer = 0, .rises = 0};
    j = report(&s, "target=kind drop=y,z,w tune=off iters=1 metric_score=callback");
    assert_int_equal(s.columns, 3);
    assert_true(fabs(s.brier[0] - number(j, "validation", "brier")) < 1e-12);
    json_decref(j);
}

static void test_callback__not_a_number_is_the_worst(void **state)
{
    seen    s = {.nothing = 1};
    json_t *j = report(&s, "target=y drop=z,kind,w iters=1 metric_score=callback");
    (void)state;
    assert_int_equal(json_integer_value(json_object_get(j, "best_iter")), 0);
    json_decref(j);
}

static void test_callback__without_a_function_is_refused(void **state)
{
    agop_settings *s = settings_of(ctx, "target=y metric_score=callback");
    agop_table    *t = NULL;
    agop_model    *m = NULL;
    (void)state;
    assert_int_equal(make_mixed(&t, ctx, MIXED_ROWS), AGOP_OK);
    assert_int_equal(agop_fit(&m, ctx, t, NULL, s), AGOP_E_PARAM);
    assert_non_null(strstr(agop_errmsg(ctx), "agop_on_score"));
    agop_table_free(t);
    agop_settings_free(s);
}

static int open_all(void **state)
{
    (void)state;
    return agop_open(&ctx, "cpu", 2) != AGOP_OK;
}

static int close_all(void **state)
{
    (void)state;
    agop_close(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_callback__its_choice_is_followed_whichever_way_is_better),
        cmocka_unit_test(test_callback__it_sees_the_rows_that_judge),
        cmocka_unit_test(test_callback__not_a_number_is_the_worst),
        cmocka_unit_test(test_callback__without_a_function_is_refused),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
