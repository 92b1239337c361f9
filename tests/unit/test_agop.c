/* test_agop.c - what agop.h says of every function: nothing given is an answer, never a crash, and a failure leaves
 * handles NULL. test_table.c, test_reader.c, test_settings.c and test_registry.c do the same for theirs. */
#include "agop/agop.h"
#include "model_support.h"

static agop_ctx *ctx;

static void test_status_functions__refuse_what_is_not_there(void **state)
{
    agop_model    *m = fit_mixed(ctx, "target=y drop=z,kind,w iters=1"), *out = m;
    agop_settings *s = settings_of(ctx, "target=y"), *made = s;
    agop_table    *t = NULL;
    double         v[64] = {0};
    int64_t        d     = agop_model_features(m);
    agop_mat       square = {.data = v, .rows = d, .cols = d, .ld = d, .dtype = AGOP_F64};
    agop_mat       row    = {.data = v, .rows = 1, .cols = d, .ld = d, .dtype = AGOP_F64};
    agop_mat       column = {.data = v, .rows = MIXED_ROWS, .cols = 1, .ld = 1, .dtype = AGOP_F64};
    char          *json   = (char *)v;
    (void)state;
    assert_true(d * d <= 64);
    assert_int_equal(make_mixed(&t, ctx, MIXED_ROWS), AGOP_OK);

    assert_int_equal(agop_settings_new(NULL, ctx), AGOP_E_ARG);
    assert_int_equal(agop_settings_new(&made, NULL), AGOP_E_ARG);
    assert_int_equal(agop_settings_set(s, NULL, "ridge", "1"), AGOP_E_ARG);

    assert_int_equal(agop_fit(NULL, ctx, t, NULL, s), AGOP_E_ARG);
    assert_int_equal(agop_fit(&out, NULL, t, NULL, s), AGOP_E_ARG);
    out = m;
    assert_int_equal(agop_fit(&out, ctx, NULL, NULL, s), AGOP_E_ARG);
    assert_null(out);
    assert_int_equal(agop_fit(&out, ctx, t, NULL, NULL), AGOP_E_PARAM); /* the defaults name no target */
    assert_null(out);

    assert_int_equal(agop_predict(NULL, ctx, m, t, AGOP_VALUE), AGOP_E_ARG);
    assert_int_equal(agop_predict(&column, NULL, m, t, AGOP_VALUE), AGOP_E_ARG);
    assert_int_equal(agop_predict(&column, ctx, NULL, t, AGOP_VALUE), AGOP_E_ARG);
    assert_int_equal(agop_predict(&column, ctx, m, NULL, AGOP_VALUE), AGOP_E_ARG);
    assert_int_equal(agop_predict(&column, ctx, m, t, 2), AGOP_E_ARG);

    assert_int_equal(agop_score(NULL, ctx, m, t), AGOP_E_ARG);
    assert_int_equal(agop_score(&json, NULL, m, t), AGOP_E_ARG);
    assert_int_equal(agop_score(&json, ctx, NULL, t), AGOP_E_ARG);
    assert_null(json);
    assert_int_equal(agop_score(&json, ctx, m, NULL), AGOP_E_ARG);

    assert_int_equal(agop_features(NULL, ctx, m), AGOP_E_ARG);
    assert_int_equal(agop_features(&square, NULL, m), AGOP_E_ARG);
    assert_int_equal(agop_features(&square, ctx, NULL), AGOP_E_ARG);
    assert_int_equal(agop_importance(NULL, ctx, m), AGOP_E_ARG);
    assert_int_equal(agop_importance(v, NULL, m), AGOP_E_ARG);
    assert_int_equal(agop_importance(v, ctx, NULL), AGOP_E_ARG);
    assert_int_equal(agop_vectors(NULL, v, ctx, m), AGOP_E_ARG);
    assert_int_equal(agop_vectors(&row, NULL, ctx, m), AGOP_E_ARG);
    assert_int_equal(agop_vectors(&row, v, NULL, m), AGOP_E_ARG);
    assert_int_equal(agop_vectors(&row, v, ctx, NULL), AGOP_E_ARG);

    assert_int_equal(agop_model_save(NULL, m, "no such folder/m"), AGOP_E_ARG);
    assert_int_equal(agop_model_save(ctx, NULL, "no such folder/m"), AGOP_E_ARG);
    assert_int_equal(agop_model_save(ctx, m, NULL), AGOP_E_ARG);
    out = m;
    assert_int_equal(agop_model_load(&out, ctx, NULL), AGOP_E_ARG);
    assert_null(out);
    assert_int_equal(agop_model_load(NULL, ctx, "m"), AGOP_E_ARG);
    assert_int_equal(agop_model_load(&out, NULL, "m"), AGOP_E_ARG);

    agop_table_free(t);
    agop_settings_free(s);
    agop_model_free(m);
}

/* Where there is a context, there is a sentence. */
static void test_status_functions__say_that_the_place_is_missing(void **state)
{
    double   v = 1;
    agop_mat X = {.data = &v, .rows = 1, .cols = 1, .ld = 1, .dtype = AGOP_F64};
    (void)state;
    for (int k = 0; k < 9; k++) {
        char       *old;
        agop_status st;
        assert_int_equal(agop_settings_set(NULL, ctx, "old", "sentence"), AGOP_E_ARG);
        old = strdup(agop_errmsg(ctx));
        st  = k == 0   ? agop_settings_new(NULL, ctx)
              : k == 1 ? agop_table_new(NULL, ctx, 1)
              : k == 2 ? agop_table_from_mat(NULL, ctx, &X)
              : k == 3 ? agop_reader_open(NULL, ctx, "x", NULL, NULL)
              : k == 4 ? agop_reader_next(NULL, ctx, NULL, 0)
              : k == 5 ? agop_table_read(NULL, ctx, "x", NULL, NULL)
              : k == 6 ? agop_fit(NULL, ctx, NULL, NULL, NULL)
              : k == 7 ? agop_score(NULL, ctx, NULL, NULL)
                       : agop_model_load(NULL, ctx, "x");
        assert_int_equal(st, AGOP_E_ARG);
        assert_string_not_equal(agop_errmsg(ctx), old);
        free(old);
    }
}

static void test_questions__have_an_answer_for_no_model(void **state)
{
    char near[8];
    (void)state;
    assert_int_equal(agop_model_outputs(NULL, AGOP_VALUE), 0);
    assert_null(agop_model_output_name(NULL, AGOP_PROBA, 0));
    assert_int_equal(agop_model_features(NULL), 0);
    assert_null(agop_model_feature_name(NULL, 0));
    assert_int_equal(agop_model_columns(NULL), 0);
    assert_null(agop_model_column_name(NULL, 0));
    assert_null(agop_model_info(NULL));
    assert_int_equal(agop_model_stopped(NULL), 0);
    assert_null(agop_closest(NULL, "a|b", near, sizeof near));
    assert_null(agop_closest("word", NULL, near, sizeof near));
    assert_null(agop_closest("word", "word|b", NULL, 8));
    agop_on_progress(NULL, NULL, NULL);
    agop_on_note(NULL, NULL, NULL);
    agop_model_free(NULL);
}

static void test_predict__no_rows_need_no_place(void **state)
{
    agop_model *m    = fit_mixed(ctx, "target=y drop=z,kind,w iters=1");
    agop_mat    none = {.rows = 0, .cols = 1, .ld = 1, .dtype = AGOP_F64};
    agop_table *t    = NULL;
    (void)state;
    assert_int_equal(make_mixed(&t, ctx, 0), AGOP_OK);
    assert_int_equal(agop_predict(&none, ctx, m, t, AGOP_VALUE), AGOP_OK);
    agop_table_free(t);
    assert_int_equal(make_mixed(&t, ctx, 1), AGOP_OK);
    none.rows = 1;
    assert_int_equal(agop_predict(&none, ctx, m, t, AGOP_VALUE), AGOP_E_SHAPE);
    agop_table_free(t);
    agop_model_free(m);
}

static void test_features__what_is_not_finite_is_told(void **state)
{
    static const double x[] = {-1e300, 1e300, 5e299, -3e299, 2e299, 0}, y[] = {1, 2, 5, 3, 4, .5};
    agop_settings *s = settings_of(ctx, "target=y task=regression scale=none precision=double iters=1");
    agop_model    *m = NULL;
    agop_table    *t = NULL;
    double         a = 0;
    agop_mat       A = {.data = &a, .rows = 1, .cols = 1, .ld = 1, .dtype = AGOP_F64};
    (void)state;
    assert_int_equal(agop_table_new(&t, ctx, 6), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "x", x), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "y", y), AGOP_OK);
    assert_int_equal(agop_fit(&m, ctx, t, NULL, s), AGOP_OK);
    assert_int_equal(agop_features(&A, ctx, m), AGOP_E_NUMERIC);
    assert_non_null(strstr(agop_errmsg(ctx), "not finite"));
    assert_int_equal(agop_importance(&a, ctx, m), AGOP_E_NUMERIC);
    agop_model_free(m);
    agop_table_free(t);
    agop_settings_free(s);
}

static int open_one(void **state)
{
    (void)state;
    return agop_open(&ctx, "cpu", 2);
}

static int close_one(void **state)
{
    (void)state;
    agop_close(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_functions__refuse_what_is_not_there),
        cmocka_unit_test(test_status_functions__say_that_the_place_is_missing),
        cmocka_unit_test(test_questions__have_an_answer_for_no_model),
        cmocka_unit_test(test_features__what_is_not_finite_is_told),
        cmocka_unit_test(test_predict__no_rows_need_no_place),
    };
    return cmocka_run_group_tests(tests, open_one, close_one);
}
