/* test_calibrate.c - the map to probabilities: its minimum by differences, what it keeps, where it is left out. */
#include "coin_support.h"

#include "numbers.h"
#include "rfm/fit.h"
#include "rfm/model.h"

static agop_ctx *ctx;
enum { N = 400, K = 3 };
static double prior[K] = {.5, .3, .2};

/* Honest outputs in the code of 0 and 1, so that they are the shares p themselves, and the classes that happened. */
static void make(agop_model *m, double *y, double *truth, double *weight, double a, double b)
{
    double *z = normals(N * (K + 1), 7), map[2] = {a, b};
    *m = (agop_model){.target = {.classification = 1, .columns = 1, .outputs = K, .code = AGOP__CODE_ONEHOT,
                                 .classes = {.count = K}, .prior = prior}};
    for (int i = 0; i < N; i++) {
        double p[K], u = .5 * erfc(-z[i * (K + 1) + K] / sqrt(2)), sum = 0;
        for (int k = 0; k < K; k++)
            sum += p[k] = exp(z[i * (K + 1) + k]);
        for (int k = 0; k < K; k++)
            y[i * K + k] = p[k] /= sum;
        agop__target_map(p, K, map);
        truth[i]  = u < p[0] ? 0 : u < p[0] + p[1] ? 1 : 2;
        weight[i] = 1 + i % 3;
    }
    free(z);
}

/* What the model answers after it, and how good that is. weight may be NULL. */
static agop__scores answer(agop_model *m, const double *y, const double *truth, const double *weight, int64_t n)
{
    agop__fit    f = {.ctx = ctx, .target = &m->target, .plan = {.calibrate = 1, .threshold = .5, .score = "brier"}};
    agop__honest h = {.n = n, .y = y, .truth = truth, .weight = weight};
    assert_int_equal(agop__fit_answers(m, &f, &h), AGOP_OK);
    agop__intervals_free(&m->intervals);
    return f.scores;
}

/* The same written down once more: sum w log 1/P + |(a, b) - (1, 0)|^2 / 2. */
static double loss_of(const double *y, const double *truth, const double *weight, double a, double b)
{
    double sum = .5 * ((a - 1) * (a - 1) + b * b);
    for (int i = 0; i < N; i++) {
        double clipped[K], total = 0, all = 0;
        for (int k = 0; k < K; k++)
            total += clipped[k] = fmin(.999, fmax(.001, y[i * K + k]));
        for (int k = 0; k < K; k++) {
            clipped[k] /= total;
            all += pow(clipped[k], a) * exp(b * clipped[k]);
        }
        sum -= weight[i] * log(pow(clipped[(int)truth[i]], a) * exp(b * clipped[(int)truth[i]]) / all);
    }
    return sum;
}

/* Mean difference of the probabilities under two maps. */
static double off(const double *y, const double *map, const double *truly)
{
    double sum = 0;
    for (int i = 0; i < N; i++) {
        double p[K], q[K];
        memcpy(p, y + i * K, sizeof p);
        memcpy(q, y + i * K, sizeof q);
        agop__target_map(p, K, map);
        agop__target_map(q, K, truly);
        for (int k = 0; k < K; k++)
            sum += fabs(p[k] - q[k]) / (N * K);
    }
    return sum;
}

static void test_calibrate__the_map_has_the_least_loss(void **state)
{
    static double y[N * K], truth[N], weight[N];
    agop_model    m;
    agop__scores  s;
    double        at, h = 1e-4;
    (void)state;
    make(&m, y, truth, weight, .4, 3);
    s = answer(&m, y, truth, weight, N);
    assert_int_equal(m.target.mapped, 1);
    at = loss_of(y, truth, weight, m.target.map[0], m.target.map[1]);
    for (int k = 0; k < 2; k++) { /* the slope is flat, and it bends upwards */
        double up   = loss_of(y, truth, weight, m.target.map[0] + (k ? 0 : h), m.target.map[1] + (k ? h : 0));
        double down = loss_of(y, truth, weight, m.target.map[0] - (k ? 0 : h), m.target.map[1] - (k ? h : 0));
        assert_true(fabs(up - down) / (2 * h) < 1e-2);
        assert_true(up > at && down > at);
    }
    assert_true(off(y, m.target.map, (double[]){.4, 3}) < .015); /* what the classes were drawn from, */
    assert_true(off(y, (double[]){1, 0}, (double[]){.4, 3}) > .05); /* and how far that is without a map */
    assert_true(at < loss_of(y, truth, weight, 1, 0) - 10);
    agop__scores_free(&s);
}

static void test_calibrate__scores_are_those_of_the_mapped(void **state)
{
    static double y[N * K], truth[N], weight[N];
    agop_model    m;
    agop__scores  s;
    agop__target  unmapped;
    double        sum = 0, total = 0;
    (void)state;
    make(&m, y, truth, weight, .4, 3);
    s = answer(&m, y, truth, weight, N);
    sum = loss_of(y, truth, weight, m.target.map[0], m.target.map[1]) - loss_of(y, truth, weight, 1, 0);
    for (int i = 0; i < N; i++)
        total += weight[i];
    sum -= .5 * ((m.target.map[0] - 1) * (m.target.map[0] - 1) + m.target.map[1] * m.target.map[1]);
    sum /= total;
    unmapped        = m.target;
    unmapped.mapped = 0;
    {
        agop__scores plain = {0};
        double       p[N * K];
        for (int i = 0; i < N; i++)
            agop__target_probabilities(p + i * K, &unmapped, y + i * K);
        assert_int_equal(agop__scores_make(&plain, &unmapped, p, truth, weight, N, &ctx->err), AGOP_OK);
        assert_true(fabs(s.log_loss - plain.log_loss - sum) < 1e-9);
        assert_true(s.accuracy == plain.accuracy);
        agop__scores_free(&plain);
    }
    agop__scores_free(&s);
}

/* Classes that happen where they are least expected: the map goes flat, and never turns round. */
static void test_calibrate__the_likeliest_class_stays_so(void **state)
{
    static double y[N * K], truth[N], weight[N];
    agop_model    m;
    agop__scores  s;
    agop__target  plain;
    (void)state;
    make(&m, y, truth, weight, 1, 0);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < K; k++)
            truth[i] = k == 0 || y[i * K + k] < y[i * K + (int)truth[i]] ? k : truth[i];
    s            = answer(&m, y, truth, NULL, N);
    plain        = m.target;
    plain.mapped = 0;
    assert_true(m.target.map[0] > 0 && m.target.map[0] + m.target.map[1] > 0);
    for (int i = 0; i < N; i++) {
        double p[K];
        agop__target_probabilities(p, &plain, y + i * K);
        memcpy(y + i * K, p, sizeof p);
        agop__target_map(p, K, m.target.map);
        for (int k = 1; k < K; k++)
            assert_true((p[k] > p[0]) == (y[i * K + k] > y[i * K]));
    }
    agop__scores_free(&s);
}

static void test_calibrate__no_rows_no_map(void **state)
{
    static double y[N * K], truth[N], weight[N];
    agop_model    m;
    agop__scores  s;
    (void)state;
    make(&m, y, truth, weight, 1, 0);
    s = answer(&m, y, truth, weight, 0);
    assert_int_equal(m.target.mapped, 0);
    agop__scores_free(&s);
}

/* The model answers with the map of what it answers without one; trees, too. */
static void test_fit__probabilities_are_mapped(void **state)
{
    static const char *const ways[] = {"kernel=l2", "kernel=auto", "leaf_size=200", "class_code=onehot",
                                       "holdout=0.3", "class_weight=balanced"};
    agop_table *t;
    (void)state;
    make_coin(&t, ctx, 600, 3);
    for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
        char        words[128];
        agop_model *m, *plain;
        double     *p, *q;
        (void)snprintf(words, sizeof words, "target=kind %s", ways[k]);
        m = fit_table(ctx, t, NULL, words);
        (void)snprintf(words, sizeof words, "target=kind calibrate=false %s", ways[k]);
        plain = fit_table(ctx, t, NULL, words);
        assert_int_equal(m->target.mapped, 1);
        assert_int_equal(plain->target.mapped, 0);
        assert_true(told(m, "validation", "log_loss") < told(plain, "validation", "log_loss"));
        p = probabilities(ctx, m, t, 600);
        q = probabilities(ctx, plain, t, 600);
        for (int i = 0; i < 600; i++) {
            agop__target_map(q + 2 * i, 2, m->target.map);
            assert_true(fabs(p[2 * i] - q[2 * i]) < 1e-9 && fabs(p[2 * i] + p[2 * i + 1] - 1) < 1e-12);
        }
        free(p);
        free(q);
        agop_model_free(plain);
        agop_model_free(m);
    }
    agop_table_free(t);
}

static void test_fit__no_map_for_logistic_nor_untuned(void **state)
{
    static const char *const ways[] = {"loss=logistic", "tune=off"};
    agop_table *t;
    (void)state;
    make_coin(&t, ctx, 200, 3);
    for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
        char        words[128];
        agop_model *m;
        (void)snprintf(words, sizeof words, "target=kind %s", ways[k]);
        m = fit_table(ctx, t, NULL, words);
        assert_int_equal(m->target.mapped, 0);
        agop_model_free(m);
    }
    agop_table_free(t);
}

/* ... and through the description in a file, to the bit; one that would turn the order round is refused. */
static void test_target__a_map_survives_its_description(void **state)
{
    static const double bad[][2] = {{0, 1}, {-1, 2}, {1, -1}, {1e13, 0}};
    agop_table   *t;
    agop_model   *m;
    agop__target  again;
    json_t       *j;
    (void)state;
    make_coin(&t, ctx, 200, 3);
    m = fit_table(ctx, t, NULL, "target=kind");
    assert_int_equal(agop__target_to_json(&j, &m->target, &ctx->err), AGOP_OK);
    assert_int_equal(agop__target_from_json(&again, j, &ctx->err), AGOP_OK);
    assert_int_equal(again.mapped, 1);
    assert_memory_equal(again.map, m->target.map, sizeof again.map);
    agop__target_free(&again);
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        (void)json_object_set_new(j, "map", json_pack("[f, f]", bad[k][0], bad[k][1]));
        assert_int_equal(agop__target_from_json(&again, j, &ctx->err), AGOP_E_FORMAT);
        assert_string_equal(ctx->err.text, "damaged model: target 'map' holds a value that cannot be");
    }
    json_decref(j);
    agop_model_free(m);
    agop_table_free(t);
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
        cmocka_unit_test(test_calibrate__the_map_has_the_least_loss),
        cmocka_unit_test(test_calibrate__scores_are_those_of_the_mapped),
        cmocka_unit_test(test_calibrate__the_likeliest_class_stays_so),
        cmocka_unit_test(test_calibrate__no_rows_no_map),
        cmocka_unit_test(test_fit__probabilities_are_mapped),
        cmocka_unit_test(test_fit__no_map_for_logistic_nor_untuned),
        cmocka_unit_test(test_target__a_map_survives_its_description),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
