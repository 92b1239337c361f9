/* test_decide.c - the threshold of two classes: it decides predictions and scores, `auto` is the best of all thresholds
 * on the honest predictions by counting, it lives in the file, and it is refused where it means nothing. */
#include "model_support.h"

#include <jansson.h>
#include <unistd.h>

#include "fail_alloc.h"
#include "numbers.h"
#include "rfm/fit.h"

enum { N = 300 };

static agop_ctx *ctx;

/* One row in six is "yes": where x1 is large, with noise. */
static agop_table *draw(int *truth, uint64_t seed)
{
    double     *v = normals(N * 3, seed), x[2][N];
    const char *kind[N];
    agop_table *t = NULL;

    for (int i = 0; i < N; i++) {
        x[0][i]  = v[i * 3];
        x[1][i]  = v[i * 3 + 1];
        truth[i] = v[i * 3] + v[i * 3 + 2] > 1.4;
        kind[i]  = truth[i] ? "yes" : "no";
    }
    assert_int_equal(agop_table_new(&t, ctx, N), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "x1", x[0]), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "x2", x[1]), AGOP_OK);
    assert_int_equal(agop_table_add_text(t, ctx, "kind", kind), AGOP_OK);
    free(v);
    return t;
}

static void ask(double *p, double *answer, const agop_model *m, const agop_table *t)
{
    agop_mat all = {p, N, 2, 2, AGOP_F64}, one = {answer, N, 1, 1, AGOP_F64};

    assert_int_equal(agop_predict(&all, ctx, m, t, AGOP_PROBA), AGOP_OK);
    assert_int_equal(agop_predict(&one, ctx, m, t, AGOP_VALUE), AGOP_OK);
}

static double number(const char *text, const char *object, const char *name)
{
    json_t *j = json_loads(text, 0, NULL), *at = object ? json_object_get(j, object) : j;
    double  v = json_number_value(json_object_get(at, name));

    json_decref(j);
    return v;
}

static void test_a_threshold_decides_predictions_and_scores(void **state)
{
    static const char *const words[] = {"target=kind threshold=0.2",
                                        "target=kind threshold=0.2 loss=logistic kernel=l2",
                                        "target=kind threshold=0.2 leaf_size=100",
                                        "target=kind threshold=0.2 select=last"};
    int         truth[N];
    double      p[N * 2], answer[N];
    agop_table *t = draw(truth, 1), *fresh = draw(truth, 2);

    (void)state;
    for (int k = 0; k < 4; k++) {
        agop_model *m    = fit_table(ctx, t, NULL, words[k]);
        char       *text = NULL;
        double      hit = 0, said = 0, is = 0, right = 0;
        ask(p, answer, m, fresh);
        assert_true(agop_model_threshold(m) == .2);
        for (int i = 0; i < N; i++) {
            assert_true(answer[i] == (p[2 * i + 1] >= .2));
            hit += answer[i] * truth[i];
            said += answer[i];
            is += truth[i];
            right += answer[i] == truth[i];
        }
        assert_true(said > is); /* rows between .2 and .5 */
        assert_int_equal(agop_score(&text, ctx, m, fresh), AGOP_OK);
        assert_true(fabs(number(text, NULL, "accuracy") - right / N) < 1e-12);
        assert_true(fabs(number(text, NULL, "f1") - 2 * hit / (said + is)) < 1e-12);
        assert_true(number(agop_model_info(m), "settings", "threshold") == .2);
        agop_free(text);
        agop_model_free(m);
    }
    agop_table_free(fresh);
    agop_table_free(t);
}

/* By a validation table, so that its rows' predictions are those that judged; every threshold is tried by counting. */
static double merit(const double *p, const int *truth, double threshold, int what)
{
    double hit = 0, wrong = 0, P = 0;

    for (int i = 0; i < N; i++) {
        int said = p[2 * i + 1] >= threshold;
        hit += said && truth[i];
        wrong += said && !truth[i];
        P += truth[i];
    }
    return what == 0 ? (hit / P + 1 - wrong / (N - P)) / 2 : what == 1 ? 2 * hit / (P + hit + wrong)
                                                                      : (hit + N - P - wrong) / N;
}

static void test_auto_is_the_best_of_all_thresholds(void **state)
{
    static const char *const words[] = {"target=kind threshold=auto", "target=kind threshold=auto metric_score=f1",
                                        "target=kind threshold=auto metric_score=accuracy"};
    int         truth[N];
    double      p[N * 2], answer[N];
    agop_table *t = draw(truth, 1), *judge = draw(truth, 3);

    (void)state;
    for (int what = 0; what < 3; what++) {
        agop_model *m = fit_table(ctx, t, judge, words[what]);
        double      got;
        ask(p, answer, m, judge);
        got = merit(p, truth, agop_model_threshold(m), what);
        assert_true(agop_model_threshold(m) > 0 && agop_model_threshold(m) < 1);
        for (int i = 0; i < N; i++)
            if (merit(p, truth, p[2 * i + 1], what) > got + 1e-9)
                fail_msg("%s: %g at %g, but %g at %g", words[what], got, agop_model_threshold(m),
                         merit(p, truth, p[2 * i + 1], what), p[2 * i + 1]);
        if (what) /* and that is what the report tells */
            assert_true(fabs(number(agop_model_info(m), "validation", what == 1 ? "f1" : "accuracy") - got) < 1e-9);
        assert_true(what == 2 || agop_model_threshold(m) < .4); /* yes is rare */
        agop_model_free(m);
    }
    agop_table_free(judge);
    agop_table_free(t);
}

static void test_one_half_is_the_likelier_class(void **state)
{
    int         truth[N];
    double      p[N * 2], answer[N];
    agop_table *t = draw(truth, 1);
    agop_model *m = fit_table(ctx, t, NULL, "target=kind threshold=0.5");

    (void)state;
    ask(p, answer, m, t);
    for (int i = 0; i < N; i++)
        assert_true(answer[i] == (p[2 * i + 1] > p[2 * i]));
    assert_true(agop_model_threshold(m) == .5 && agop_model_threshold(NULL) == .5);
    assert_int_equal(m->target.cut, 0);
    agop_model_free(m);
    agop_table_free(t);
}

static void test_a_saved_model_keeps_its_threshold(void **state)
{
    char        path[] = "/tmp/agop_decide_XXXXXX";
    int         truth[N], file = mkstemp(path);
    double      p[2][N * 2], answer[2][N];
    agop_table *t = draw(truth, 1);
    agop_model *m = fit_table(ctx, t, NULL, "target=kind threshold=auto leaf_size=100"), *again = NULL;

    (void)state;
    assert_true(file >= 0);
    assert_int_equal(agop_model_save(ctx, m, path), AGOP_OK);
    assert_int_equal(agop_model_load(&again, ctx, path), AGOP_OK);
    assert_true(agop_model_threshold(again) == agop_model_threshold(m) && agop_model_threshold(m) != .5);
    ask(p[0], answer[0], m, t);
    ask(p[1], answer[1], again, t);
    assert_memory_equal(answer[0], answer[1], sizeof answer[0]);
    (void)close(file);
    (void)unlink(path);
    agop_model_free(again);
    agop_model_free(m);
    agop_table_free(t);
}

static void test_a_damaged_threshold_is_refused(void **state)
{
    static const char *const lists[] = {"[1.5]", "[-0.1]", "[]", "[0.1,0.2]", "0.3", "[\"x\"]", "[null]", "[1e400]"};
    int          truth[N];
    agop_table  *t = draw(truth, 1);
    agop_model  *m = fit_table(ctx, t, NULL, "target=kind threshold=0.3 tune=off iters=0");
    agop__target read;
    json_t      *j = NULL, *classes, *prior;
    agop__err    e = {0};

    (void)state;
    assert_int_equal(agop__target_to_json(&j, &m->target, &e), AGOP_OK);
    assert_int_equal(agop__target_from_json(&read, j, &e), AGOP_OK);
    assert_true(read.cut && read.threshold == .3);
    agop__target_free(&read);
    for (size_t k = 0; k < sizeof lists / sizeof lists[0]; k++) {
        json_t *bad = json_loads(lists[k], JSON_DECODE_ANY, NULL);
        assert_int_equal(json_object_set_new(j, "threshold", bad ? bad : json_array()), 0);
        assert_int_equal(agop__target_from_json(&read, j, &e), AGOP_E_FORMAT);
        assert_non_null(strstr(e.text, "threshold"));
        agop__target_free(&read);
    }
    classes = json_object_get(j, "classes"); /* of three classes there is none */
    prior   = json_object_get(j, "prior");
    assert_int_equal(json_array_append_new(classes, json_string("zz")) | json_array_append_new(prior, json_real(.1)) |
                         json_object_set_new(j, "threshold", json_pack("[f]", .3)),
                     0);
    assert_int_equal(agop__target_from_json(&read, j, &e), AGOP_E_FORMAT);
    agop__target_free(&read);
    json_decref(j);
    agop_model_free(m);
    agop_table_free(t);
}

static void test_what_has_no_threshold_says_why(void **state)
{
    static const char *const words[][2] = {
        {"target=kind drop=y,z,w threshold=0.3", "a threshold is for two classes: leave --threshold away"},
        {"target=y drop=kind,z,w threshold=auto", "a threshold is for two classes: leave --threshold away"},
        {"target=kind threshold=auto select=last",
         "with --select last nothing is judged, which --threshold auto needs: name a number"}};
    agop_table *t = NULL;

    (void)state;
    assert_int_equal(make_mixed(&t, ctx, MIXED_ROWS), AGOP_OK);
    for (int k = 0; k < 3; k++) {
        agop_settings *s = settings_of(ctx, words[k][0]);
        agop_model    *m = NULL;
        assert_int_equal(agop_fit(&m, ctx, t, NULL, s), AGOP_E_PARAM);
        assert_string_equal(agop_errmsg(ctx), words[k][1]);
        agop_settings_free(s);
    }
    agop_table_free(t);
}

static void test_every_failed_allocation_comes_back(void **state)
{
    int            truth[N];
    agop_table    *t = draw(truth, 1);
    agop_settings *s = settings_of(ctx, "target=kind threshold=auto tune=off iters=0");
    agop_model    *m = NULL;
    int64_t        n = 1;
    agop_status    st;

    (void)state;
    for (int failed = 1; failed; n += 3) {
        fail_alloc_arm(n);
        st     = agop_fit(&m, ctx, t, NULL, s);
        failed = fail_alloc_disarm();
        if (st != AGOP_OK && (!failed || st != AGOP_E_NOMEM))
            fail_msg("allocation %lld: %s", (long long)n, agop_errmsg(ctx));
        assert_true(st != AGOP_OK || agop_model_threshold(m) != .5);
        agop_model_free(m);
        m = NULL;
    }
    assert_true(n > 60);
    agop_settings_free(s);
    agop_table_free(t);
}

static int set_up(void **state)
{
    (void)state;
    json_set_alloc_funcs(malloc, free); /* so that its allocations are ours to fail */
    return agop_open(&ctx, "cpu", 1) == AGOP_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    agop_close(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_threshold_decides_predictions_and_scores),
        cmocka_unit_test(test_auto_is_the_best_of_all_thresholds),
        cmocka_unit_test(test_one_half_is_the_likelier_class),
        cmocka_unit_test(test_a_saved_model_keeps_its_threshold),
        cmocka_unit_test(test_a_damaged_threshold_is_refused),
        cmocka_unit_test(test_every_failed_allocation_comes_back),
        cmocka_unit_test(test_what_has_no_threshold_says_why),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
