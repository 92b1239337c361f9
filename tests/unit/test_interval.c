/* test_interval.c - prediction intervals: they hold what they promise on rows drawn alike, follow the unit of the
 * target, live in the file, and are refused in a sentence where there is nothing to read them off. */
#include "model_support.h"

#include <jansson.h>
#include <unistd.h>

#include "fail_alloc.h"
#include "numbers.h"
#include "rfm/model.h"

enum { D = 3, MOST = 4000 };

static agop_ctx *ctx;
static char      folder[] = "/tmp/agop_interval_XXXXXX";

/* ---- simulated rows ---- */

/* y = sin(2 x1) + x2 + noise of standard deviation `spread(x)`, as scale y + shift; x3 is noise. */
typedef struct world {
    double shift, scale;
    int    uneven; /* noise of 0.1 where x2 < 0, of 0.6 elsewhere */
} world;

static agop_table *draw(double *truth, const world *w, int64_t rows, uint64_t seed)
{
    static const char *const name[] = {"x1", "x2", "x3"};
    double     *v = normals(rows * (D + 1), seed), column[MOST];
    agop_table *t = NULL;

    assert_int_equal(agop_table_new(&t, ctx, rows), AGOP_OK);
    for (int j = 0; j < D; j++) {
        for (int64_t i = 0; i < rows; i++)
            column[i] = v[i * (D + 1) + j];
        assert_int_equal(agop_table_add_numeric(t, ctx, name[j], column), AGOP_OK);
    }
    for (int64_t i = 0; i < rows; i++) {
        const double *x = v + i * (D + 1);
        double        s = !w->uneven ? .3 : x[1] < 0 ? .1 : .6;
        truth[i]        = w->shift + w->scale * (sin(2 * x[0]) + x[1] + s * x[3]);
    }
    assert_int_equal(agop_table_add_numeric(t, ctx, "y", truth), AGOP_OK);
    free(v);
    return t;
}

static agop_model *fit_world(const world *w, int64_t rows, uint64_t seed, const char *words)
{
    double      truth[MOST];
    agop_table *t = draw(truth, w, rows, seed);
    agop_model *m = fit_table(ctx, t, NULL, words);

    agop_table_free(t);
    return m;
}

typedef struct answer {
    double value[MOST], lower[MOST], upper[MOST];
} answer;

static agop_status ask(answer *a, const agop_model *m, const agop_table *t, double level, int form)
{
    int64_t  rows  = agop_table_rows(t);
    agop_mat value = {a->value, rows, 1, 1, AGOP_F64}, lower = {a->lower, rows, 1, 1, AGOP_F64},
             upper = {a->upper, rows, 1, 1, AGOP_F64};
    return agop_predict_interval(&value, &lower, &upper, ctx, m, t, level, form);
}

/* Share of `rows` new rows whose truth lies between. */
static double coverage(const agop_model *m, const world *w, int64_t rows, uint64_t seed, double level)
{
    static answer a;
    double        truth[MOST], inside = 0;
    agop_table   *t = draw(truth, w, rows, seed);

    if (ask(&a, m, t, level, AGOP_INTERVAL_AUTO) != AGOP_OK)
        fail_msg("%s", agop_errmsg(ctx));
    for (int64_t i = 0; i < rows; i++) {
        assert_true(a.lower[i] <= a.value[i] && a.value[i] <= a.upper[i]);
        inside += a.lower[i] <= truth[i] && truth[i] <= a.upper[i];
    }
    agop_table_free(t);
    return inside / (double)rows;
}

/* Coverage over several fits, each judged by `judges` rows, is a mean of Beta variables; four standard errors. */
static void covers(const world *w, int64_t rows, int64_t judges, const char *words)
{
    static const double level[] = {.5, .8, .9, .95};
    enum { FITS = 3, NEW = 2000 };
    double sum[4] = {0};

    for (uint64_t k = 0; k < FITS; k++) {
        agop_model *m = fit_world(w, rows, 10 + k, words);
        for (int l = 0; l < 4; l++)
            sum[l] += coverage(m, w, NEW, 100 + k, level[l]) / FITS;
        agop_model_free(m);
    }
    for (int l = 0; l < 4; l++) {
        double variance = level[l] * (1 - level[l]) * (1 / (double)judges + 1 / (double)NEW) / FITS;
        if (fabs(sum[l] - level[l]) > 4 * sqrt(variance))
            fail_msg("%s: coverage %.4f at %.2f, four standard errors are %.4f", words, sum[l], level[l],
                     4 * sqrt(variance));
    }
}

static void test_intervals_cover_as_often_as_they_say(void **state)
{
    const world even = {.scale = 1};
    (void)state;
    covers(&even, 300, 150, "target=y");
    covers(&even, 300, 150, "target=y kernel=l1");
}

static void test_intervals_of_a_tree_cover_as_often_as_they_say(void **state)
{
    const world even = {.scale = 1};
    (void)state;
    covers(&even, 500, 250, "target=y leaf_size=150");
}

/* Noise of 0.1 and 0.6 on the two sides of x2 = 0: the default sees it, is wider where there is more, covers both
 * sides, and is narrower on the whole. */
static void test_local_intervals_are_wider_where_noise_is_larger(void **state)
{
    static answer a, b;
    const world   w = {.scale = 1, .uneven = 1};
    double        truth[MOST], width[2] = {0}, inside[2] = {0}, rows[2] = {0}, constant = 0;
    agop_model   *m = fit_world(&w, 1200, 5, "target=y");
    agop_table   *t = draw(truth, &w, MOST, 6);

    (void)state;
    assert_int_equal(ask(&a, m, t, .9, AGOP_INTERVAL_LOCAL), AGOP_OK);
    assert_int_equal(ask(&b, m, t, .9, AGOP_INTERVAL_AUTO), AGOP_OK);
    assert_memory_equal(&a, &b, sizeof a);
    assert_int_equal(ask(&b, m, t, .9, AGOP_INTERVAL_CONSTANT), AGOP_OK);
    for (int i = 0; i < MOST; i++) {
        int side = agop_table_number(t, i, 1) >= 0;
        rows[side]++;
        width[side] += a.upper[i] - a.lower[i];
        inside[side] += a.lower[i] <= truth[i] && truth[i] <= a.upper[i];
        constant += b.upper[i] - b.lower[i];
    }
    assert_true(width[1] / rows[1] > 2.5 * width[0] / rows[0]);
    assert_true(width[0] + width[1] < .9 * constant);
    if (fabs((inside[0] + inside[1]) / MOST - .9) > .04 || inside[0] / rows[0] > .98 || inside[1] / rows[1] < .8)
        fail_msg("coverage %.3f and %.3f", inside[0] / rows[0], inside[1] / rows[1]); /* constant ones: 1 and .8 */
    agop_table_free(t);
    agop_model_free(m);
}

/* Where the size of errors is the same everywhere, local intervals cover as well, and are little wider. */
static void test_local_intervals_do_little_harm_to_even_noise(void **state)
{
    static answer a, b;
    const world   w = {.scale = 1};
    double        truth[MOST], local = 0, constant = 0, inside = 0;
    agop_model   *m = fit_world(&w, 600, 5, "target=y");
    agop_table   *t = draw(truth, &w, MOST, 6);

    (void)state;
    assert_int_equal(ask(&a, m, t, .9, AGOP_INTERVAL_LOCAL), AGOP_OK);
    assert_int_equal(ask(&b, m, t, .9, AGOP_INTERVAL_CONSTANT), AGOP_OK);
    for (int i = 0; i < MOST; i++) {
        local += a.upper[i] - a.lower[i];
        constant += b.upper[i] - b.lower[i];
        inside += a.lower[i] <= truth[i] && truth[i] <= a.upper[i];
    }
    if (local > 1.1 * constant)
        fail_msg("local intervals are %.3f times as wide", local / constant);
    assert_true(fabs(inside / MOST - .9) < .07); /* 300 judged: four standard errors */
    agop_table_free(t);
    agop_model_free(m);
}

/* Without leave-one-out the rows are judged by a function of the other half, which is a little worse. */
static void test_intervals_without_tuning_are_no_narrower_than_they_say(void **state)
{
    const world even = {.scale = 1};
    agop_model *m    = fit_world(&even, 300, 10, "target=y tune=off ridge=0.1");
    double      c    = coverage(m, &even, 4000, 100, .9);

    (void)state;
    if (c < .84 || c > .98)
        fail_msg("coverage %.4f", c);
    agop_model_free(m);
}

static void test_the_unit_of_the_target_is_that_of_the_interval(void **state)
{
    static answer a, b;
    const world   plain = {.scale = 1}, other = {.scale = -1000, .shift = 7};
    double        truth[MOST];
    agop_model   *m = fit_world(&plain, 300, 1, "target=y precision=double"),
               *n = fit_world(&other, 300, 1, "target=y precision=double");
    agop_table *t = draw(truth, &plain, 200, 2);

    (void)state;
    for (int form = AGOP_INTERVAL_AUTO; form <= AGOP_INTERVAL_LOCAL; form++) {
        assert_int_equal(ask(&a, m, t, .9, form), AGOP_OK);
        assert_int_equal(ask(&b, n, t, .9, form), AGOP_OK);
        for (int i = 0; i < 200; i++) {
            assert_true(fabs(b.lower[i] - (7 - 1000 * a.upper[i])) < 1e-5);
            assert_true(fabs(b.upper[i] - (7 - 1000 * a.lower[i])) < 1e-5);
            assert_true(a.upper[i] > a.lower[i]);
        }
    }
    agop_table_free(t);
    agop_model_free(n);
    agop_model_free(m);
}

static void test_values_are_those_of_predict_and_higher_levels_are_wider(void **state)
{
    static answer a, b;
    static double value[MOST];
    const world   w = {.scale = 1};
    double        truth[MOST];
    agop_model   *m = fit_world(&w, 300, 1, "target=y");
    agop_table   *t = draw(truth, &w, 200, 2);
    agop_mat      place = {value, 200, 1, 1, AGOP_F64};

    (void)state;
    assert_int_equal(agop_predict(&place, ctx, m, t, AGOP_VALUE), AGOP_OK);
    assert_int_equal(ask(&a, m, t, .5, AGOP_INTERVAL_AUTO), AGOP_OK);
    assert_int_equal(ask(&b, m, t, .95, AGOP_INTERVAL_AUTO), AGOP_OK);
    assert_memory_equal(value, a.value, 200 * sizeof *value);
    for (int i = 0; i < 200; i++)
        assert_true(b.lower[i] < a.lower[i] && a.upper[i] < b.upper[i]);
    agop_table_free(t);
    agop_model_free(m);
}

static void saved_again(const char *words)
{
    static answer a, b;
    const world   w = {.scale = 1, .uneven = 1};
    double        truth[MOST];
    char          path[80];
    agop_model   *m = fit_world(&w, 300, 3, words), *again = NULL;
    agop_table   *t = draw(truth, &w, 300, 4);

    (void)snprintf(path, sizeof path, "%s/m.agop", folder);
    assert_int_equal(agop_model_save(ctx, m, path), AGOP_OK);
    if (agop_model_load(&again, ctx, path) != AGOP_OK)
        fail_msg("%s", agop_errmsg(ctx));
    for (int form = AGOP_INTERVAL_AUTO; form <= AGOP_INTERVAL_LOCAL; form++) {
        assert_int_equal(ask(&a, m, t, .9, form), AGOP_OK);
        assert_int_equal(ask(&b, again, t, .9, form), AGOP_OK);
        assert_memory_equal(&a, &b, sizeof a);
    }
    agop_table_free(t);
    agop_model_free(again);
    agop_model_free(m);
}

static void test_a_saved_model_gives_the_same_intervals_to_the_bit(void **state)
{
    (void)state;
    saved_again("target=y");
    saved_again("target=y leaf_size=100");
}

/* Fit, save, load and ask, with local intervals. */
static agop_status live(answer *a, const agop_table *t, const agop_settings *s, const char *path)
{
    agop_model *m = NULL, *again = NULL;
    char       *json = NULL;
    agop_status st;

    if ((st = agop_fit(&m, ctx, t, NULL, s)) == AGOP_OK && (st = agop_model_save(ctx, m, path)) == AGOP_OK &&
        (st = agop_model_load(&again, ctx, path)) == AGOP_OK &&
        (st = agop_score_interval(&json, ctx, again, t, .9, AGOP_INTERVAL_LOCAL)) == AGOP_OK)
        st = ask(a, again, t, .9, AGOP_INTERVAL_LOCAL);
    agop_free(json);
    agop_model_free(again);
    agop_model_free(m);
    return st;
}

static void test_every_failed_allocation_comes_back(void **state)
{
    static answer  whole, a;
    const world    w = {.scale = 1};
    double         truth[MOST];
    char           path[80];
    agop_table    *t = draw(truth, &w, 80, 1);
    agop_settings *s = settings_of(ctx, "target=y tune=off iters=0");
    int64_t        total;
    int            forgiven = 0, failed;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/fail.agop", folder);
    fail_alloc_arm(0);
    assert_int_equal(live(&whole, t, s, path), AGOP_OK);
    (void)fail_alloc_disarm();
    total = fail_alloc_count();
    for (int64_t n = 1; n <= total; n += 23) {
        fail_alloc_arm(n);
        agop_status st = live(&a, t, s, path);
        failed         = fail_alloc_disarm();
        if (st == AGOP_OK) {
            assert_memory_equal(&a, &whole, sizeof a); /* failed or not: if it says it went well, it did */
            forgiven += failed;
        } else if (st != AGOP_E_NOMEM) {
            fail_msg("allocation %lld of %lld: %s", (long long)n, (long long)total, agop_errmsg(ctx));
        }
    }
    assert_true(forgiven <= 4);
    agop_settings_free(s);
    agop_table_free(t);
}

/* ---- quantiles ---- */

/* The least kept score that is as large as the one of the rank, and how many scores lie between, by counting. */
static void test_a_quantile_is_the_score_of_its_rank_or_a_little_more(void **state)
{
    static const int64_t rows[] = {9, 10, 99, 1999, 2000, 2001, 4000, 50001};
    static const double  level[] = {.001, .5, .8, .9, .95, .99};
    double               value[AGOP__QUANTILE_KNOTS];

    (void)state;
    for (int r = 0; r < 8; r++) { /* the score of rank i is i */
        int64_t         n = rows[r], knots = agop__knots(n);
        agop__quantiles q = {.rows = n, .value = value};
        for (int64_t j = 0; j < knots; j++)
            value[j] = ceil((double)((j + 1) * n) / (double)knots - 1e-9);
        for (int l = 0; l < 6; l++) {
            double rank = 1;
            while (rank < (double)(n + 1) * level[l] - 1e-6)
                rank++;
            if (rank > (double)n)
                continue;
            double got = agop__quantile(&q, 0, level[l]), more = got - rank;
            if (more < 0 || more > (n > knots ? ceil((double)n / (double)knots) : 0))
                fail_msg("%lld rows, level %g: rank %g, not %g", (long long)n, level[l], got, rank);
        }
    }
}

/* ---- refusals ---- */

static void refuses(const agop_model *m, const agop_table *t, double level, agop_status st, const char *words)
{
    static answer a;
    assert_int_equal(ask(&a, m, t, level, AGOP_INTERVAL_AUTO), st);
    if (!strstr(agop_errmsg(ctx), words))
        fail_msg("'%s' says nothing of '%s'", agop_errmsg(ctx), words);
}

static void test_what_has_no_interval_says_why(void **state)
{
    const world w = {.scale = 1};
    double      truth[MOST];
    agop_table *t = draw(truth, &w, 100, 2), *mixed = NULL;
    agop_model *m = fit_world(&w, 100, 1, "target=y"), *last = fit_world(&w, 100, 1, "target=y select=last"),
               *classes = fit_mixed(ctx, "target=kind drop=y,z,w"), *old = NULL;

    (void)state;
    assert_int_equal(make_mixed(&mixed, ctx, MIXED_ROWS), AGOP_OK);
    assert_int_equal(agop_model_load(&old, ctx, "tests/data/model-0.1-regression.agop"), AGOP_OK);
    refuses(m, t, 0, AGOP_E_PARAM, "between 0 and 1");
    refuses(m, t, 1, AGOP_E_PARAM, "between 0 and 1");
    refuses(m, t, 1.5, AGOP_E_PARAM, "between 0 and 1");
    refuses(m, t, (double)NAN, AGOP_E_PARAM, "between 0 and 1");
    refuses(m, t, .995, AGOP_E_PARAM, "take a level of at most 0.990099"); /* 100/101 */
    refuses(last, t, .9, AGOP_E_DATA, "no rows judged");
    refuses(old, t, .9, AGOP_E_DATA, "no rows judged");
    refuses(classes, mixed, .9, AGOP_E_UNSUPPORTED, "classes");
    agop_model_free(old);
    agop_model_free(classes);
    agop_model_free(last);
    agop_model_free(m);
    agop_table_free(mixed);
    agop_table_free(t);
}

static int set_up(void **state)
{
    (void)state;
    json_set_alloc_funcs(malloc, free); /* so that its allocations are ours to fail */
    return mkdtemp(folder) && agop_open(&ctx, "cpu", 1) == AGOP_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[80];
    (void)state;
    agop_close(ctx);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_intervals_cover_as_often_as_they_say),
        cmocka_unit_test(test_intervals_of_a_tree_cover_as_often_as_they_say),
        cmocka_unit_test(test_intervals_without_tuning_are_no_narrower_than_they_say),
        cmocka_unit_test(test_local_intervals_are_wider_where_noise_is_larger),
        cmocka_unit_test(test_local_intervals_do_little_harm_to_even_noise),
        cmocka_unit_test(test_the_unit_of_the_target_is_that_of_the_interval),
        cmocka_unit_test(test_values_are_those_of_predict_and_higher_levels_are_wider),
        cmocka_unit_test(test_a_saved_model_gives_the_same_intervals_to_the_bit),
        cmocka_unit_test(test_every_failed_allocation_comes_back),
        cmocka_unit_test(test_a_quantile_is_the_score_of_its_rank_or_a_little_more),
        cmocka_unit_test(test_what_has_no_interval_says_why),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
