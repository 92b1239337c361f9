/* test_target.c - what is predicted: which task, which classes, codes there and back, and targets in model files. */
#include <math.h>

#include "table_support.h"

#include "comma_locale.h"
#include "rfm/target.h"

/* ---- tables in a line ---- */

static agop_table *numbers(agop_ctx *ctx, int64_t rows, const char *name, const double *v)
{
    agop_table *t = NULL;
    assert_int_equal(agop_table_new(&t, ctx, rows), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, name, v), AGOP_OK);
    return t;
}

static agop_table *texts(agop_ctx *ctx, int64_t rows, const char *name, const char *const *v)
{
    agop_table *t = NULL;
    assert_int_equal(agop_table_new(&t, ctx, rows), AGOP_OK);
    assert_int_equal(agop_table_add_text(t, ctx, name, v), AGOP_OK);
    return t;
}

/* Learns from t, which is freed, with one setting beside the target. */
static agop_status learn(agop__target *g, char **keep, agop_ctx *ctx, agop_table *t, const char *target,
                         const char *name, const char *value, const double *weight)
{
    agop_settings *s  = settings("target", target, name, value, NULL);
    agop_status    st = agop__target_learn(g, keep, ctx, t, s, weight);
    agop_settings_free(s);
    agop_table_free(t);
    return st;
}

/* For tests that do not look at the rows kept. */
static void learnt(agop__target *g, agop_ctx *ctx, agop_table *t, const char *target, const char *name,
                   const char *value)
{
    char       *keep = NULL;
    agop_status st   = learn(g, &keep, ctx, t, target, name, value, NULL);
    if (st != AGOP_OK)
        fail_msg("%s", ctx->err.text);
    free(keep);
}

static void refused(agop_ctx *ctx, agop_table *t, const char *target, const char *name, const char *value,
                    agop_status want, const char *part)
{
    agop__target g;
    char        *keep = (char *)ctx;
    assert_int_equal(learn(&g, &keep, ctx, t, target, name, value, NULL), want);
    assert_sentence(ctx, part);
    assert_null(keep);
    assert_null(g.name);
}

static void classes_are(const agop__target *g, int n, const char *const *want)
{
    assert_true(g->classification);
    assert_int_equal(g->classes.count, n);
    for (int k = 0; k < n; k++)
        assert_string_equal(g->classes.text[k], want[k]);
}

/* ---- which task ---- */

static void test_task__texts_are_classes_in_rising_order(void **state)
{
    static const char *const v[]    = {"red", "blue", NULL, "Red", "blue", "green"};
    static const char *const want[] = {"Red", "blue", "green", "red"};
    agop_ctx                 ctx    = listen(1);
    agop__target             g;
    char                    *keep = NULL;
    double                   sum  = 0;

    (void)state;
    assert_int_equal(learn(&g, &keep, &ctx, texts(&ctx, 6, "y", v), "y", "seed", "0", NULL), AGOP_OK);
    classes_are(&g, 4, want);
    assert_true(g.is_text);
    assert_int_equal(g.outputs, 3);
    assert_int_equal(keep[2], 0);
    assert_int_equal(keep[0] + keep[1] + keep[3] + keep[4] + keep[5], 5);
    assert_noted("1 rows without a target left out");
    assert_close(g.prior[1], .4, 1e-15);
    for (int k = 0; k < 4; k++)
        sum += g.prior[k];
    assert_close(sum, 1, 1e-15);
    free(keep);
    agop__target_free(&g);
}

static void test_task__numbers_as_classes_are_ordered_as_numbers(void **state)
{
    static const double      v[]    = {10, 9, -1, 9, 10, 0.5, -1, 0.5};
    static const char *const want[] = {"-1", "0.5", "9", "10"};
    agop_ctx                 ctx    = listen(1);
    agop__target             g;

    (void)state;
    learnt(&g, &ctx, numbers(&ctx, 8, "y", v), "y", "task", "classification");
    classes_are(&g, 4, want);
    assert_false(g.is_text);
    agop__target_free(&g);
}

static void test_task__few_whole_numbers_are_classes_with_a_note(void **state)
{
    double       v[100];
    agop_ctx     ctx = listen(1);
    agop__target g;

    (void)state;
    for (int i = 0; i < 100; i++)
        v[i] = i % 20;
    learnt(&g, &ctx, numbers(&ctx, 100, "y", v), "y", "seed", "0");
    assert_true(g.classification); /* 20 classes of 100 rows: five rows each */
    assert_noted("20 distinct whole numbers, taken as classes (else: --task regression)");
    agop__target_free(&g);
    learnt(&g, &ctx, numbers(&ctx, 99, "y", v), "y", "seed", "0");
    assert_false(g.classification); /* fewer than five rows each */
    agop__target_free(&g);
    for (int i = 0; i < 100; i++)
        v[i] = i % 21;
    learnt(&g, &ctx, numbers(&ctx, 100, "y", v), "y", "seed", "0");
    assert_false(g.classification); /* 21 are not few */
    agop__target_free(&g);
    for (int i = 0; i < 100; i++)
        v[i] = i % 2 ? 0.5 : 1;
    learnt(&g, &ctx, numbers(&ctx, 100, "y", v), "y", "seed", "0");
    assert_false(g.classification); /* not whole */
    agop__target_free(&g);
    v[0] = 3, v[1] = 4;
    learnt(&g, &ctx, numbers(&ctx, 2, "y", v), "y", "seed", "0");
    assert_true(g.classification); /* two values are two classes, however few rows */
    agop__target_free(&g);
    for (int i = 0; i < 100; i++)
        v[i] = i % 2;
    learnt(&g, &ctx, numbers(&ctx, 100, "y", v), "y", "task", "regression");
    assert_false(g.classification); /* as asked */
    agop__target_free(&g);
}

static void test_task__several_columns_are_a_regression(void **state)
{
    static const double a[] = {0, 1, 0, 1}, b[] = {5, 5, 7, (double)NAN};
    agop_ctx            ctx = listen(1);
    agop_table         *t   = numbers(&ctx, 4, "a", a);
    agop__target        g;
    char               *keep = NULL;

    (void)state;
    assert_int_equal(agop_table_add_numeric(t, &ctx, "b", b), AGOP_OK);
    assert_int_equal(learn(&g, &keep, &ctx, t, "b,a", "seed", "0", NULL), AGOP_OK);
    assert_false(g.classification);
    assert_int_equal(g.columns, 2);
    assert_int_equal(g.outputs, 2);
    assert_string_equal(g.name[0], "b");
    assert_string_equal(g.name[1], "a");
    assert_string_equal(g.list, "b,a");
    assert_int_equal(keep[3], 0); /* one of the two is missing */
    assert_close(g.mean[0], 17.0 / 3, 1e-14);
    assert_close(g.mean[1], 1.0 / 3, 1e-15);
    free(keep);
    agop__target_free(&g);
}

static void test_task__what_cannot_be_is_refused(void **state)
{
    static const char *const words[] = {"a", "b", "a"}, *const same[] = {"a", "a", NULL}, *const none[] = {NULL, NULL};
    static const double v[] = {1, 2, 3}, nan3[] = {(double)NAN, (double)NAN, (double)NAN};
    agop_ctx            ctx = listen(1);
    agop_table         *two;

    (void)state;
    refused(&ctx, numbers(&ctx, 3, "y", v), "z", "seed", "0", AGOP_E_DATA, "target column 'z' is missing");
    refused(&ctx, numbers(&ctx, 3, "y", v), "y,", "seed", "0", AGOP_E_DATA, "target column '' is missing");
    refused(&ctx, numbers(&ctx, 3, "y", v), "y,z,y", "seed", "0", AGOP_E_PARAM, "target names 'y' twice");
    refused(&ctx, numbers(&ctx, 3, "y", v), "", "seed", "0", AGOP_E_PARAM, "no target is named: use --target COL");
    refused(&ctx, texts(&ctx, 3, "y", words), "y", "task", "regression", AGOP_E_DATA,
            "holds text: a regression needs numbers");
    refused(&ctx, texts(&ctx, 3, "y", same), "y", "seed", "0", AGOP_E_DATA,
            "has only one class: two classes are needed");
    refused(&ctx, texts(&ctx, 2, "y", none), "y", "seed", "0", AGOP_E_DATA, "no row has a target in column 'y'");
    refused(&ctx, numbers(&ctx, 3, "y", nan3), "y", "seed", "0", AGOP_E_DATA, "no row has a target in column 'y'");
    refused(&ctx, numbers(&ctx, 0, "y", v), "y", "seed", "0", AGOP_E_DATA, "no row has a target");
    two = texts(&ctx, 3, "y", words);
    assert_int_equal(agop_table_add_numeric(two, &ctx, "x", v), AGOP_OK);
    refused(&ctx, two, "x,y", "seed", "0", AGOP_E_DATA, "classification takes one target column, not 2");
}

static void test_task__a_thousand_classes_and_no_more(void **state)
{
    static double      v[2002];
    static const char *words[2002];
    static char        text[2002][16];
    agop_ctx           ctx = listen(1);
    agop__target       g;

    (void)state;
    for (int i = 0; i < 2002; i++) { /* each of 1001 classes twice */
        v[i] = i / 2 / 7.0;
        (void)snprintf(text[i], sizeof text[i], "c%d", i / 2);
        words[i] = text[i];
    }
    learnt(&g, &ctx, numbers(&ctx, 2000, "y", v), "y", "task", "classification");
    assert_int_equal(g.classes.count, 1000);
    agop__target_free(&g);
    refused(&ctx, numbers(&ctx, 2002, "y", v), "y", "task", "classification", AGOP_E_DATA,
            "more than 1000 distinct numbers: use --task regression");
    refused(&ctx, texts(&ctx, 2002, "y", words), "y", "seed", "0", AGOP_E_DATA,
            "1001 distinct texts, more than 1000 classes");
    learnt(&g, &ctx, texts(&ctx, 42, "y", words), "y", "seed", "0");
    assert_int_equal(g.classes.count, 21);
    agop__target_free(&g);
    refused(&ctx, texts(&ctx, 41, "y", words), "y", "seed", "0", AGOP_E_DATA,
            "21 different values in 41 rows: these are no classes");
}

static void test_task__zero_has_no_sign(void **state)
{
    static const double      v[]    = {-0.0, 0.0, 1, 0.0, -0.0, 1};
    static const char *const want[] = {"0", "1"};
    agop_ctx                 ctx    = listen(1);
    agop_table              *t      = numbers(&ctx, 6, "y", v);
    agop_settings           *s      = settings("target", "y", "task", "classification", NULL);
    agop__target             g;
    char                    *keep = NULL;
    double                   truth[6];

    (void)state;
    assert_int_equal(agop__target_learn(&g, &keep, &ctx, t, s, NULL), AGOP_OK);
    classes_are(&g, 2, want);
    assert_close(g.prior[0], 2.0 / 3, 1e-15);
    assert_int_equal(agop__target_truth(truth, &g, &ctx, t), AGOP_OK);
    for (int i = 0; i < 6; i++)
        assert_true(truth[i] == v[i]);
    free(keep);
    agop__target_free(&g);
    agop_settings_free(s);
    agop_table_free(t);
}

static void test_task__class_names_do_not_depend_on_the_locale(void **state)
{
    static const double      v[]    = {.5, 1.25, .5, 1e300};
    static const char *const want[] = {"0.5", "1.25", "1e+300"};
    agop_ctx                 ctx    = listen(1);
    agop__target             g;
    double                   truth[4];
    agop_table              *t = numbers(&ctx, 4, "y", v);

    (void)state;
    learnt(&g, &ctx, numbers(&ctx, 4, "y", v), "y", "task", "classification");
    if (take_comma_locale()) { /* learned here, asked there */
        assert_int_equal(agop__target_truth(truth, &g, &ctx, t), AGOP_OK);
        assert_true(truth[0] == 0 && truth[1] == 1 && truth[2] == 0 && truth[3] == 2);
        agop__target_free(&g);
        learnt(&g, &ctx, numbers(&ctx, 4, "y", v), "y", "task", "classification");
    }
    (void)setlocale(LC_ALL, "C");
    classes_are(&g, 3, want);
    agop__target_free(&g);
    agop_table_free(t);
}

/* ---- scaling ---- */

static void test_numbers__a_large_offset_costs_no_digits(void **state)
{
    static const double v[] = {1e9 + 1, 1e9 + 2, 1e9 + 4};
    agop_ctx            ctx = listen(1);
    agop__target        g;
    double              y, back;

    (void)state;
    learnt(&g, &ctx, numbers(&ctx, 3, "y", v), "y", "task", "regression");
    assert_close(g.mean[0], 1e9 + 7.0 / 3, 2e-7);
    assert_close(g.spread[0], sqrt(14.0 / 9), 1e-7);
    agop__target_encode(&y, &g, &v[2]);
    assert_close(y, (5.0 / 3) / sqrt(14.0 / 9), 1e-6);
    agop__target_values(&back, &g, &y);
    assert_close(back, v[2], 2e-7);
    agop__target_free(&g);
}

static void test_numbers__weights_move_mean_and_frequencies(void **state)
{
    static const double      v[] = {1, 2, 6}, w[] = {1, 2, 1};
    static const char *const words[] = {"a", "b", "a"};
    agop_ctx                 ctx     = listen(1);
    agop__target             g;
    char                    *keep = NULL;

    (void)state;
    assert_int_equal(learn(&g, &keep, &ctx, numbers(&ctx, 3, "y", v), "y", "task", "regression", w), AGOP_OK);
    assert_close(g.mean[0], 2.75, 1e-15);
    assert_close(g.spread[0], sqrt((1.75 * 1.75 + 2 * .75 * .75 + 3.25 * 3.25) / 4), 1e-14);
    free(keep);
    agop__target_free(&g);
    assert_int_equal(learn(&g, &keep, &ctx, texts(&ctx, 3, "y", words), "y", "seed", "0", w), AGOP_OK);
    assert_close(g.prior[0], .5, 1e-15);
    free(keep);
    agop__target_free(&g);
}

static void test_numbers__constant_and_unscaled_targets_have_spread_one(void **state)
{
    static const double v[] = {7, 7, 7}, u[] = {1, 2, 9}, large[] = {1e308, -1e308, 1e308};
    static const double small[] = {1e-170, -3e-170, 2e-170}, zero[] = {0, 0, 0};
    agop_ctx            ctx = listen(1);
    agop__target        g;

    (void)state;
    learnt(&g, &ctx, numbers(&ctx, 3, "y", v), "y", "seed", "0");
    assert_noted("target 'y' is constant");
    assert_true(g.mean[0] == 7 && g.spread[0] == 1);
    agop__target_free(&g);
    learnt(&g, &ctx, numbers(&ctx, 3, "y", u), "y", "scale_target", "none");
    assert_true(g.spread[0] == 1 && g.mean[0] == 4);
    agop__target_free(&g);
    refused(&ctx, numbers(&ctx, 3, "y", large), "y", "task", "regression", AGOP_E_DATA, "numbers too large to square");
    refused(&ctx, numbers(&ctx, 3, "y", small), "y", "task", "regression", AGOP_E_DATA, "numbers too small to square");
    learnt(&g, &ctx, numbers(&ctx, 3, "y", zero), "y", "task", "regression");
    assert_noted("target 'y' is constant");
    agop__target_free(&g);
}

/* ---- codes ---- */

/* K classes with frequencies proportional to 1, 2, ... K. */
static void make_classes(agop__target *g, agop_ctx *ctx, int K, const char *code)
{
    const char *words[64];
    char        text[11][16];
    int         rows = 0;

    assert_true(K <= 10);
    for (int k = 0; k < K; k++) {
        (void)snprintf(text[k], sizeof text[k], "c%d", k);
        for (int i = 0; i <= k; i++)
            words[rows++] = text[k];
    }
    learnt(g, ctx, texts(ctx, rows, "y", words), "y", "class_code", code);
    assert_int_equal(g->classes.count, K);
}

static void test_codes__decoding_an_encoded_class_gives_that_class(void **state)
{
    static const char *const codes[] = {"prevalence", "onehot"};

    (void)state;
    for (int c = 0; c < 2; c++)
        for (int K = 2; K <= 10; K++) {
            agop_ctx     ctx = listen(1);
            agop__target g;
            make_classes(&g, &ctx, K, codes[c]);
            assert_int_equal(g.outputs, K == 2 || c == 0 ? K - 1 : K);
            for (int k = 0; k < K; k++) {
                double y[10], p[10], truth = k, sum = 0;
                agop__target_encode(y, &g, &truth);
                agop__target_probabilities(p, &g, y);
                for (int i = 0; i < K; i++) { /* clipped to [.001, .999], then normalised */
                    double clipped = i == k ? .999 : .001, total = .999 + .001 * (K - 1);
                    assert_close(p[i], clipped / total, 1e-12);
                    sum += p[i];
                }
                assert_close(sum, 1, 1e-14);
            }
            agop__target_free(&g);
        }
}

static void test_codes__zero_predicts_the_class_frequencies(void **state)
{
    (void)state;
    for (int K = 2; K <= 10; K++) {
        agop_ctx     ctx   = listen(1);
        double       y[10] = {0}, p[10];
        agop__target g;
        make_classes(&g, &ctx, K, "prevalence");
        agop__target_probabilities(p, &g, y);
        for (int k = 0; k < K; k++)
            assert_close(p[k], (k + 1) / (.5 * K * (K + 1)), 1e-14);
        agop__target_free(&g);
    }
}

static void test_codes__the_mean_code_is_zero(void **state)
{
    agop_ctx     ctx     = listen(1);
    double       mean[5] = {0}, y[5];
    agop__target g;

    (void)state;
    make_classes(&g, &ctx, 6, "prevalence");
    for (int k = 0; k < 6; k++) {
        double truth = k;
        agop__target_encode(y, &g, &truth);
        for (int j = 0; j < 5; j++)
            mean[j] += g.prior[k] * y[j];
    }
    for (int j = 0; j < 5; j++)
        assert_close(mean[j], 0, 1e-15);
    agop__target_free(&g);
}

/* Any two probability vectors inside the clip: |y(p) - y(e_k)|^2 = sum_i (p_i - [i = k])^2. */
static void test_codes__squared_distance_in_the_code_is_the_brier_distance(void **state)
{
    (void)state;
    for (int K = 2; K <= 8; K++) {
        agop_ctx     ctx = listen(1);
        agop__target g;
        make_classes(&g, &ctx, K, "prevalence");
        for (int k = 0; k < K; k++) {
            double y[10], code[10], p[10], truth = k, distance = 0, brier = 0;
            for (int j = 0; j < K - 1; j++)
                y[j] = .004 * ((j * 7 + 3 * k) % 5 - 2);
            agop__target_probabilities(p, &g, y);
            agop__target_encode(code, &g, &truth);
            for (int j = 0; j < K - 1; j++)
                distance += (y[j] - code[j]) * (y[j] - code[j]);
            for (int i = 0; i < K; i++) {
                assert_true(p[i] > .0011 && p[i] < .9989); /* the clip does not act */
                brier += (p[i] - (i == k)) * (p[i] - (i == k));
            }
            assert_close(distance, brier, 1e-13);
        }
        agop__target_free(&g);
    }
}

static void test_codes__nonsense_still_gives_probabilities(void **state)
{
    static const char *const codes[] = {"prevalence", "onehot"};
    double                   bad[]   = {(double)NAN, (double)INFINITY, -(double)INFINITY, 1e300, -1e300};

    (void)state;
    for (int c = 0; c < 2; c++)
        for (int b = 0; b < 5; b++) {
            agop_ctx     ctx  = listen(1);
            double       y[5] = {bad[b], bad[b], 0, bad[b], bad[(b + 1) % 5]}, p[5], sum = 0;
            agop__target g;
            make_classes(&g, &ctx, 5, codes[c]);
            agop__target_probabilities(p, &g, y);
            for (int k = 0; k < 5; k++) {
                assert_true(p[k] > 0 && p[k] < 1);
                sum += p[k];
            }
            assert_close(sum, 1, 1e-14);
            agop__target_free(&g);
        }
}

/* ---- truth ---- */

static void test_truth__missing_is_nan_and_an_unknown_class_minus_one(void **state)
{
    static const char *const v[] = {"a", "b"}, *const later[] = {"b", NULL, "c", "a"};
    static const double n[] = {3, 4}, number_later[] = {4, (double)NAN, 3.5, 3};
    agop_ctx            ctx = listen(1);
    agop__target        g;
    double              truth[4];
    agop_table         *t = texts(&ctx, 4, "y", later);

    (void)state;
    learnt(&g, &ctx, texts(&ctx, 2, "y", v), "y", "seed", "0");
    assert_int_equal(agop__target_truth(truth, &g, &ctx, t), AGOP_OK);
    assert_true(truth[0] == 1 && isnan(truth[1]) && truth[2] == -1 && truth[3] == 0);
    agop__target_free(&g);
    agop_table_free(t);

    t = numbers(&ctx, 4, "y", number_later);
    learnt(&g, &ctx, numbers(&ctx, 2, "y", n), "y", "seed", "0");
    assert_int_equal(agop__target_truth(truth, &g, &ctx, t), AGOP_OK);
    assert_true(truth[0] == 1 && isnan(truth[1]) && truth[2] == -1 && truth[3] == 0);
    agop__target_free(&g);
    agop_table_free(t);
}

static void test_truth__a_wrong_table_is_told(void **state)
{
    static const double      v[]     = {1.5, 2.5, 3.5};
    static const char *const words[] = {"a", "b", "c"};
    agop_ctx                 ctx     = listen(1);
    agop__target             g;
    double                   truth[3];
    agop_table              *text = texts(&ctx, 3, "y", words), *other = numbers(&ctx, 3, "z", v);

    (void)state;
    learnt(&g, &ctx, numbers(&ctx, 3, "y", v), "y", "seed", "0");
    assert_int_equal(agop__target_truth(truth, &g, &ctx, text), AGOP_E_DATA);
    assert_sentence(&ctx, "target column 'y' holds text where numbers are expected");
    assert_int_equal(agop__target_truth(truth, &g, &ctx, other), AGOP_E_DATA);
    assert_sentence(&ctx, "target column 'y' is missing");
    agop__target_free(&g);
    agop_table_free(text);
    agop_table_free(other);
}

/* ---- JSON ---- */

static json_t *through_text(const agop__target *g, agop_ctx *ctx)
{
    json_t *j = NULL, *again;
    char   *text;

    assert_int_equal(agop__target_to_json(&j, g, &ctx->err), AGOP_OK);
    text  = json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(17));
    again = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(again);
    free(text);
    json_decref(j);
    return again;
}

static void same_target(const agop__target *a, const agop__target *b)
{
    assert_int_equal(a->classification, b->classification);
    assert_int_equal(a->is_text, b->is_text);
    assert_int_equal(a->columns, b->columns);
    assert_int_equal(a->outputs, b->outputs);
    assert_int_equal(a->code, b->code);
    assert_string_equal(a->list, b->list);
    assert_int_equal(a->classes.count, b->classes.count);
    for (int64_t k = 0; k < a->columns; k++)
        assert_string_equal(a->name[k], b->name[k]);
    for (int64_t k = 0; k < a->classes.count; k++) {
        assert_string_equal(a->classes.text[k], b->classes.text[k]);
        assert_true(a->prior[k] == b->prior[k]);
    }
    for (int64_t k = 0; !a->classification && k < a->columns; k++)
        assert_true(a->mean[k] == b->mean[k] && a->spread[k] == b->spread[k]);
}

static void test_json__what_was_learned_comes_back_to_the_bit(void **state)
{
    static const char *const codes[] = {"prevalence", "onehot"};
    static const double      v[] = {.1, 1 / 3.0, 1e-17}, u[] = {1e9 + 1.0 / 7, -5, 3};
    static const char *const odd[] = {"",           "a\"b\\c", "\xc3\xa9 \xf0\x9f\x8c\x8d", "line\nbreak",
                                      "latin \xe9", "\xff\xfe"};
    agop_ctx                 ctx   = listen(1);
    agop__target             g, back;
    agop_table              *t;
    json_t                  *j;

    (void)state;
    for (int c = 0; c < 2; c++)
        for (int K = 2; K < 5; K++) {
            make_classes(&g, &ctx, K, codes[c]);
            j = through_text(&g, &ctx);
            assert_int_equal(agop__target_from_json(&back, j, &ctx.err), AGOP_OK);
            same_target(&g, &back);
            json_decref(j);
            agop__target_free(&g);
            agop__target_free(&back);
        }
    t = numbers(&ctx, 3, "a", v);
    assert_int_equal(agop_table_add_numeric(t, &ctx, "b \xe9", u), AGOP_OK); /* a name that is no UTF-8 */
    learnt(&g, &ctx, t, "b \xe9,a", "seed", "0");
    j = through_text(&g, &ctx);
    assert_int_equal(agop__target_from_json(&back, j, &ctx.err), AGOP_OK);
    same_target(&g, &back);
    json_decref(j);
    agop__target_free(&g);
    agop__target_free(&back);

    learnt(&g, &ctx, texts(&ctx, 6, "y", odd), "y", "seed", "0");
    j = through_text(&g, &ctx);
    assert_int_equal(agop__target_from_json(&back, j, &ctx.err), AGOP_OK);
    same_target(&g, &back);
    json_decref(j);
    agop__target_free(&g);
    agop__target_free(&back);
}

static void test_json__hostile_targets_are_refused(void **state)
{
    static const char *const bad[] = {
        "{}",
        "[]",
        "null",
        "5",
        "\"x\"",
        "{\"columns\": []}",
        "{\"columns\": 5}",
        "{\"columns\": [5]}",
        "{\"columns\": [\"\"], \"mean\": [0], \"spread\": [1]}",
        "{\"columns\": [\"a,b\"], \"mean\": [0], \"spread\": [1]}",
        "{\"columns\": [null], \"mean\": [0], \"spread\": [1]}",
        "{\"columns\": [\"y\"]}",
        "{\"columns\": [\"y\"], \"mean\": [0]}",
        "{\"columns\": [\"y\"], \"spread\": [1]}",
        "{\"columns\": [\"y\"], \"mean\": [0, 1], \"spread\": [1]}",
        "{\"columns\": [\"y\"], \"mean\": 0, \"spread\": [1]}",
        "{\"columns\": [\"y\"], \"mean\": [0], \"spread\": [0]}",
        "{\"columns\": [\"y\"], \"mean\": [0], \"spread\": [-1]}",
        "{\"columns\": [\"y\"], \"mean\": [\"0\"], \"spread\": [1]}",
        "{\"columns\": [\"y\"], \"mean\": [true], \"spread\": [1]}",
        "{\"columns\": [\"y\", \"y\"], \"mean\": [0, 0], \"spread\": [1]}",
        "{\"columns\": [\"y\"], \"classification\": true}",
        "{\"columns\": [\"y\"], \"classification\": true, \"code\": \"onehot\", \"classes\": [\"a\"], \"prior\": [1]}",
        "{\"columns\": [\"y\"], \"classification\": true, \"code\": \"onehot\", \"classes\": [\"a\", \"a\"], \"prior\": [1, 0]}",
        "{\"columns\": [\"y\"], \"classification\": true, \"code\": \"onehot\", \"classes\": [\"a\", 5], \"prior\": [1, 0]}",
        "{\"columns\": [\"y\"], \"classification\": true, \"code\": \"other\", \"classes\": [\"a\", \"b\"], \"prior\": [1, 0]}",
        "{\"columns\": [\"y\"], \"classification\": true, \"code\": 1, \"classes\": [\"a\", \"b\"], \"prior\": [1, 0]}",
        "{\"columns\": [\"y\"], \"classification\": true, \"code\": \"onehot\", \"classes\": [\"a\", \"b\"], \"prior\": [1]}",
        "{\"columns\": [\"y\"], \"classification\": true, \"code\": \"onehot\", \"classes\": [\"a\", \"b\"], \"prior\": [1, -1]}",
        "{\"columns\": [\"y\"], \"classification\": true, \"code\": \"onehot\", \"classes\": [\"a\", \"b\"], \"prior\": [1, null]}",
        "{\"columns\": [\"y\", \"z\"], \"classification\": true, \"code\": \"onehot\", \"classes\": [\"a\", \"b\"], "
        "\"prior\": [1, 1]}",
        "{\"columns\": [\"y\"], \"classification\": true, \"code\": \"onehot\", \"classes\": {\"a\": 1, \"b\": 2}, "
        "\"prior\": [1, 1]}"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        agop__err    e = {0};
        agop__target g;
        json_t      *j  = json_loads(bad[i], JSON_DECODE_ANY, NULL);
        agop_status  st = agop__target_from_json(&g, j, &e);
        if (!j || st != AGOP_E_FORMAT || e.text[0] == '\0')
            fail_msg("%s: %s '%s'", bad[i], agop_status_name(st), e.text);
        assert_null(g.name);
        json_decref(j);
    }
    {
        agop__err    e = {0};
        agop__target g;
        assert_int_equal(agop__target_from_json(&g, NULL, &e), AGOP_E_FORMAT);
    }
}

/* ---- no memory ---- */

static void test_memory__every_failed_allocation_comes_back(void **state)
{
    static const char *const words[] = {"red", "blue", NULL, "green", "blue"};
    static const double      v[]     = {1, 2, 5, 2, 1.5};

    (void)state;
    json_set_alloc_funcs(malloc, free);
    for (int kind = 0; kind < 3; kind++) {
        agop_ctx       ctx = listen(1);
        agop_table    *t   = kind == 0 ? texts(&ctx, 5, "y", words) : numbers(&ctx, 5, "y", v);
        agop_settings *s   = settings("target", "y", "task", kind == 2 ? "regression" : "classification", NULL);
        for (int64_t n = 1;; n++) {
            agop__target g, back;
            char        *keep = NULL;
            json_t      *j    = NULL;
            double       truth[5];
            int          failed;
            agop_status  st;
            memset(&g, 0, sizeof g);
            memset(&back, 0, sizeof back);
            fail_alloc_arm(n);
            st = agop__target_learn(&g, &keep, &ctx, t, s, NULL);
            if (st == AGOP_OK)
                st = agop__target_truth(truth, &g, &ctx, t);
            if (st == AGOP_OK)
                st = agop__target_to_json(&j, &g, &ctx.err);
            if (st == AGOP_OK)
                st = agop__target_from_json(&back, j, &ctx.err);
            failed = fail_alloc_disarm();
            json_decref(j);
            free(keep);
            if (!failed)
                same_target(&g, &back);
            agop__target_free(&g);
            agop__target_free(&back);
            assert_int_equal(st, failed ? AGOP_E_NOMEM : AGOP_OK);
            if (!failed) {
                assert_true(n > 20);
                break;
            }
        }
        agop_settings_free(s);
        agop_table_free(t);
    }
    json_set_alloc_funcs(malloc, free);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_task__texts_are_classes_in_rising_order),
        cmocka_unit_test(test_task__numbers_as_classes_are_ordered_as_numbers),
        cmocka_unit_test(test_task__few_whole_numbers_are_classes_with_a_note),
        cmocka_unit_test(test_task__several_columns_are_a_regression),
        cmocka_unit_test(test_task__what_cannot_be_is_refused),
        cmocka_unit_test(test_task__a_thousand_classes_and_no_more),
        cmocka_unit_test(test_task__zero_has_no_sign),
        cmocka_unit_test(test_task__class_names_do_not_depend_on_the_locale),
        cmocka_unit_test(test_numbers__a_large_offset_costs_no_digits),
        cmocka_unit_test(test_numbers__weights_move_mean_and_frequencies),
        cmocka_unit_test(test_numbers__constant_and_unscaled_targets_have_spread_one),
        cmocka_unit_test(test_codes__decoding_an_encoded_class_gives_that_class),
        cmocka_unit_test(test_codes__zero_predicts_the_class_frequencies),
        cmocka_unit_test(test_codes__the_mean_code_is_zero),
        cmocka_unit_test(test_codes__squared_distance_in_the_code_is_the_brier_distance),
        cmocka_unit_test(test_codes__nonsense_still_gives_probabilities),
        cmocka_unit_test(test_truth__missing_is_nan_and_an_unknown_class_minus_one),
        cmocka_unit_test(test_truth__a_wrong_table_is_told),
        cmocka_unit_test(test_json__what_was_learned_comes_back_to_the_bit),
        cmocka_unit_test(test_json__hostile_targets_are_refused),
        cmocka_unit_test(test_memory__every_failed_allocation_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
