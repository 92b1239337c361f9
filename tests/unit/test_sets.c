/* test_sets.c - sets of classes: they hold the truth as often as they say on rows drawn alike, are what the formula
 * says of the probabilities, live in the file, and are refused in a sentence where there is nothing to read them
 * off. */
#include "model_support.h"

#include <jansson.h>
#include <unistd.h>

#include "numbers.h"

enum { K = 3, MOST = 2000 };

static agop_ctx         *ctx;
static const char *const class_name[K] = {"one", "three", "two"}; /* in rising order, as in the model */

/* Three classes that overlap: the likeliest of x1, x2 and 0 after noise; x3 says nothing. */
static agop_table *draw(int *truth, int64_t rows, uint64_t seed)
{
    double     *v = normals(rows * 6, seed), column[MOST];
    const char *kind[MOST];
    agop_table *t = NULL;

    assert_int_equal(agop_table_new(&t, ctx, rows), AGOP_OK);
    for (int j = 0; j < 3; j++) {
        char name[16];
        (void)snprintf(name, sizeof name, "x%d", j + 1);
        for (int64_t i = 0; i < rows; i++)
            column[i] = v[i * 6 + j];
        assert_int_equal(agop_table_add_numeric(t, ctx, name, column), AGOP_OK);
    }
    for (int64_t i = 0; i < rows; i++) {
        const double *x = v + i * 6;
        double        of[K] = {1.2 * x[0] + x[3], 1.2 * x[1] + x[4], .5 + x[5]};
        truth[i] = 0;
        for (int k = 1; k < K; k++)
            truth[i] = of[k] > of[truth[i]] ? k : truth[i];
        kind[i] = class_name[truth[i]];
    }
    assert_int_equal(agop_table_add_text(t, ctx, "kind", kind), AGOP_OK);
    free(v);
    return t;
}

static agop_model *fit(int64_t rows, int64_t valid, uint64_t seed, const char *words)
{
    int         truth[MOST];
    agop_table *t = draw(truth, rows, seed), *judge = valid ? draw(truth, valid, seed + 1000) : NULL;
    agop_model *m = fit_table(ctx, t, judge, words);

    agop_table_free(judge);
    agop_table_free(t);
    return m;
}

typedef struct answer {
    double p[MOST * K], member[MOST * K];
} answer;

static agop_status ask(answer *a, const agop_model *m, const agop_table *t, double level)
{
    agop_mat p = {a->p, agop_table_rows(t), K, K, AGOP_F64}, member = {a->member, agop_table_rows(t), K, K, AGOP_F64};

    return agop_predict_set(&p, &member, ctx, m, t, level);
}

/* ---- coverage ---- */

/* Of `fresh` rows so many are covered as often as probability `tail` says on either side, when the quantile is the
 * rank-th of n scores: a beta-binomial distribution, summed exactly. */
static void limits(int64_t *low, int64_t *high, int64_t n, int64_t rank, int64_t fresh, double tail)
{
    double a = (double)rank, b = (double)(n + 1 - rank), N = (double)fresh, sum = 0;

    *low = *high = -1;
    for (int64_t h = 0; h <= fresh; h++) {
        double x = (double)h;
        sum += exp(lgamma(N + 1) - lgamma(x + 1) - lgamma(N - x + 1) + lgamma(x + a) + lgamma(N - x + b) -
                   lgamma(N + a + b) - lgamma(a) - lgamma(b) + lgamma(a + b));
        *low  = *low < 0 && sum > tail ? h : *low;
        *high = *high < 0 && sum >= 1 - tail ? h : *high;
    }
    *high = *high < 0 ? fresh : *high;
}

static void covers(int64_t rows, int64_t valid, const char *words)
{
    static const double level[] = {.8, .9, .95};
    static answer       a;
    int                 truth[MOST];
    int64_t             judges = valid ? valid : rows / 2, low, high; /* half of the rows at least */
    agop_model         *m = fit(rows, valid, 7, words);
    agop_table         *t = draw(truth, MOST, 500);

    for (int l = 0; l < 3; l++) {
        int64_t inside = 0;
        assert_int_equal(ask(&a, m, t, level[l]), AGOP_OK);
        for (int64_t i = 0; i < MOST; i++)
            inside += a.member[i * K + truth[i]] > 0;
        limits(&low, &high, judges, (int64_t)ceil((double)(judges + 1) * level[l] - 1e-9), MOST, 1e-3);
        if (inside < low || inside > high)
            fail_msg("%s: at %.2f %lld of %d rows are covered, not %lld to %lld", words, level[l], (long long)inside,
                     MOST, (long long)low, (long long)high);
    }
    agop_table_free(t);
    agop_model_free(m);
}

static void test_sets_judged_by_a_table_cover_as_often_as_they_say(void **state)
{
    (void)state;
    covers(300, 199, "target=kind");
    covers(300, 199, "target=kind loss=logistic kernel=l2");
    covers(300, 199, "target=kind calibrate=false kernel=l2");
    covers(300, 199, "target=kind class_weight=balanced kernel=l2");
}

static void test_sets_judged_by_leaving_out_cover_as_often_as_they_say(void **state)
{
    (void)state;
    covers(400, 0, "target=kind");
    covers(400, 0, "target=kind kernel=l1");
    covers(400, 0, "target=kind leaf_size=150");
}

/* ---- what they are ---- */

static void test_sets_grow_with_the_level_and_are_never_empty(void **state)
{
    static const double level[] = {.01, .3, .6, .9, .99};
    static answer       a, before;
    int                 truth[MOST];
    agop_model         *m = fit(300, 0, 3, "target=kind kernel=l2");
    agop_table         *t = draw(truth, 400, 4);

    (void)state;
    memset(&before, 0, sizeof before);
    for (int l = 0; l < 5; l++) {
        assert_int_equal(ask(&a, m, t, level[l]), AGOP_OK);
        for (int64_t i = 0; i < 400; i++) {
            const double *p = a.p + i * K;
            int           top = p[1] > p[0] ? 1 : 0, in = 0;
            top = p[2] > p[top] ? 2 : top;
            assert_true(a.member[i * K + top] == 1);
            for (int k = 0; k < K; k++) {
                in += a.member[i * K + k] > 0;
                assert_true(a.member[i * K + k] >= before.member[i * K + k]);
                for (int o = 0; o < K; o++) /* with a class all likelier ones */
                    assert_true(!(p[o] > p[k]) || a.member[i * K + o] >= a.member[i * K + k]);
            }
            assert_in_range(in, 1, K);
        }
        before = a;
    }
    agop_table_free(t);
    agop_model_free(m);
}

static void test_score_counts_coverage_and_size(void **state)
{
    static answer a;
    int           truth[MOST];
    agop_model   *m = fit(300, 0, 5, "target=kind kernel=l2");
    agop_table   *t = draw(truth, 500, 6);
    double        inside = 0, size = 0;
    char         *text = NULL;
    json_t       *j;

    (void)state;
    assert_int_equal(ask(&a, m, t, .9), AGOP_OK);
    for (int64_t i = 0; i < 500; i++) {
        inside += a.member[i * K + truth[i]] / 500;
        for (int k = 0; k < K; k++)
            size += a.member[i * K + k] / 500;
    }
    assert_int_equal(agop_score_interval(&text, ctx, m, t, .9, AGOP_INTERVAL_AUTO), AGOP_OK);
    j = json_loads(text, 0, NULL);
    assert_true(fabs(json_number_value(json_object_get(j, "coverage")) - inside) < 1e-12);
    assert_true(fabs(json_number_value(json_object_get(j, "size")) - size) < 1e-12);
    json_decref(j);
    agop_free(text);
    agop_table_free(t);
    agop_model_free(m);
}

static void test_a_saved_model_gives_the_same_sets(void **state)
{
    static answer a, b;
    char          path[] = "/tmp/agop_sets_XXXXXX";
    int           truth[MOST], file = mkstemp(path);
    agop_model   *m = fit(200, 0, 5, "target=kind leaf_size=90"), *again = NULL;
    agop_table   *t = draw(truth, 300, 6);

    (void)state;
    assert_true(file >= 0);
    assert_int_equal(agop_model_save(ctx, m, path), AGOP_OK);
    assert_int_equal(agop_model_load(&again, ctx, path), AGOP_OK);
    assert_int_equal(ask(&a, m, t, .9), AGOP_OK);
    assert_int_equal(ask(&b, again, t, .9), AGOP_OK);
    assert_memory_equal(&a, &b, sizeof a);
    (void)close(file);
    (void)unlink(path);
    agop_table_free(t);
    agop_model_free(again);
    agop_model_free(m);
}

static void test_what_has_no_sets_says_why(void **state)
{
    static answer a;
    int           truth[MOST];
    agop_table   *t = draw(truth, 60, 6);
    agop_model   *m = fit(100, 0, 5, "target=kind"), *last = fit(100, 0, 5, "target=kind select=last");
    agop_model   *numbers = fit(100, 0, 5, "target=x3");
    agop_mat      member  = {a.member, 60, K, K, AGOP_F64};
    char         *text    = NULL;

    (void)state;
    assert_int_equal(ask(&a, m, t, .995), AGOP_E_PARAM);
    assert_non_null(strstr(agop_errmsg(ctx), "a set of level 0.995 needs more than the 100 rows"));
    assert_int_equal(ask(&a, m, t, 1), AGOP_E_PARAM);
    assert_int_equal(ask(&a, last, t, .9), AGOP_E_DATA);
    assert_non_null(strstr(agop_errmsg(ctx), "no prediction sets"));
    assert_int_equal(ask(&a, numbers, t, .9), AGOP_E_UNSUPPORTED);
    assert_int_equal(agop_score_interval(&text, ctx, m, t, .9, AGOP_INTERVAL_LOCAL), AGOP_E_UNSUPPORTED);
    assert_null(text);
    assert_int_equal(agop_predict_set(NULL, NULL, ctx, m, t, .9), AGOP_E_ARG);
    assert_int_equal(agop_predict_set(NULL, &member, ctx, NULL, t, .9), AGOP_E_ARG);
    assert_int_equal(agop_predict_set(NULL, &member, ctx, m, NULL, .9), AGOP_E_ARG);
    assert_int_equal(agop_predict_set(NULL, &member, NULL, m, t, .9), AGOP_E_ARG);
    assert_int_equal(agop_predict_set(NULL, &member, ctx, m, t, .9), AGOP_OK);
    member.cols = 2;
    assert_int_equal(agop_predict_set(NULL, &member, ctx, m, t, .9), AGOP_E_SHAPE);
    agop_model_free(numbers);
    agop_model_free(last);
    agop_model_free(m);
    agop_table_free(t);
}

static int set_up(void **state)
{
    (void)state;
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
        cmocka_unit_test(test_sets_judged_by_a_table_cover_as_often_as_they_say),
        cmocka_unit_test(test_sets_judged_by_leaving_out_cover_as_often_as_they_say),
        cmocka_unit_test(test_sets_grow_with_the_level_and_are_never_empty),
        cmocka_unit_test(test_score_counts_coverage_and_size),
        cmocka_unit_test(test_a_saved_model_gives_the_same_sets),
        cmocka_unit_test(test_what_has_no_sets_says_why),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
