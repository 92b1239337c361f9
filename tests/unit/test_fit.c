/* test_fit.c - agop_fit through the public header: what must not change a fit, what it must find, and how it stops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "agop/agop.h"
#include "numbers.h"

enum { N = 300, M = 100, D = 4 };
static agop_ctx *ctx;

typedef struct data {
    float  *x;     /* (N + M) x D */
    double *y[2];  /* N + M each */
    double *weight;
} data;

/* y0 depends on columns 1 and 2, y1 on column 3. */
static data make(uint64_t seed, double shift, double scale)
{
    data    d = {.x = calloc((N + M) * D, sizeof(float)),
                 .y = {calloc(N + M, sizeof(double)), calloc(N + M, sizeof(double))}};
    double *v = normals((N + M) * D, seed);
    d.weight  = calloc(N + M, sizeof(double));
    for (int i = 0; i < N + M; i++) {
        double *r = v + i * D;
        if (i % 10 == 9 && i < N)
            memcpy(r, r - D, D * sizeof *r); /* coincident rows */
        d.y[0][i]   = r[0] * r[1] + .5 * r[0];
        d.y[1][i]   = sin(2 * r[2]);
        d.weight[i] = 1;
        for (int k = 0; k < D; k++)
            d.x[i * D + k] = (float)(scale * (r[k] + shift));
    }
    free(v);
    return d;
}

static void drop(data *d)
{
    free(d->x);
    free(d->y[0]);
    free(d->y[1]);
    free(d->weight);
}

static agop_table *table(const data *d, int first, int rows)
{
    agop_table *t;
    agop_mat    X = {.data = d->x + first * D, .rows = rows, .cols = D, .ld = D, .dtype = AGOP_F32};
    assert_int_equal(agop_table_from_mat(&t, ctx, &X), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "y", d->y[0] + first), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "y2", d->y[1] + first), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "w", d->weight + first), AGOP_OK);
    return t;
}

/* options: "name=value name=value"; y2 and w are dropped unless they are used. */
static agop_settings *settings(const char *options)
{
    agop_settings *s;
    char           text[256], *at = NULL;
    assert_int_equal(agop_settings_new(&s, ctx), AGOP_OK);
    assert_int_equal(agop_settings_set(s, ctx, "target", "y"), AGOP_OK);
    assert_int_equal(agop_settings_set(s, ctx, "drop", "y2,w"), AGOP_OK);
    (void)snprintf(text, sizeof text, "%s", options);
    for (char *word = strtok_r(text, " ", &at); word; word = strtok_r(NULL, " ", &at)) {
        char *value = strchr(word, '=');
        *value++    = '\0';
        if (agop_settings_set(s, ctx, word, value) != AGOP_OK)
            fail_msg("%s", agop_errmsg(ctx));
    }
    return s;
}

static agop_model *fit(const data *d, const char *options)
{
    agop_table    *t = table(d, 0, N);
    agop_settings *s = settings(options);
    agop_model    *m = NULL;
    if (agop_fit(&m, ctx, t, NULL, s) != AGOP_OK)
        fail_msg("%s", agop_errmsg(ctx));
    agop_settings_free(s);
    agop_table_free(t);
    return m;
}

/* Predictions for the M rows after the training rows, one column per target; malloc'd. */
static double *predict(const agop_model *m, const data *d)
{
    agop_table *t = table(d, N, M);
    int64_t     c = agop_model_outputs(m, AGOP_VALUE);
    agop_mat out  = {.rows = M, .cols = c, .ld = c, .dtype = AGOP_F64, .data = calloc((size_t)(M * c), sizeof(double))};
    assert_int_equal(agop_predict(&out, ctx, m, t, AGOP_VALUE), AGOP_OK);
    agop_table_free(t);
    return out.data;
}

static double r2(const double *f, const double *y)
{
    double mean = 0, above = 0, below = 0;
    for (int i = 0; i < M; i++)
        mean += y[i] / M;
    for (int i = 0; i < M; i++) {
        above += (y[i] - f[i]) * (y[i] - f[i]);
        below += (y[i] - mean) * (y[i] - mean);
    }
    return 1 - above / below;
}

static double test_r2(uint64_t seed, double shift, double scale, const char *options)
{
    data        d = make(seed, shift, scale);
    agop_model *m = fit(&d, options);
    double     *f = predict(m, &d), q = r2(f, d.y[0] + N);
    agop_model_free(m);
    free(f);
    drop(&d);
    return q;
}

static void test_fit__a_shift_changes_nothing(void **state)
{
    const char *const options[] = {"scale=none tune=off", "scale=zscore", "scale=none tune=off kernel=l1"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        double plain = test_r2(1, 0, 1, options[i]), moved = test_r2(1, 1000, 1, options[i]);
        assert_true(plain > .5);
        if (!(fabs(plain - moved) < 1e-4))
            fail_msg("%s: R2 %.6f, shifted by 1000 %.6f", options[i], plain, moved);
    }
}

static void test_fit__a_scale_with_the_bandwidth_changes_nothing(void **state)
{
    double plain = test_r2(2, 0, 1, "scale=none tune=off bandwidth=8"),
           large = test_r2(2, 0, 1000, "scale=none tune=off bandwidth=8000"),
           adaptive = test_r2(2, 0, 1000, "scale=none"), small = test_r2(2, 0, 1, "scale=none");
    (void)state;
    assert_true(plain > .5);
    assert_true(fabs(large - plain) < 1e-4);
    assert_true(fabs(adaptive - small) < 1e-4);
}

static void test_fit__the_order_of_columns_does_not_matter(void **state)
{
    data        d = make(3, 0, 1), e = make(3, 0, 1);
    agop_model *a, *b;
    double     *fa, *fb, ia[D], ib[D];
    (void)state;
    for (int i = 0; i < N + M; i++)
        for (int k = 0; k < D; k++)
            e.x[i * D + k] = d.x[i * D + (k + 1) % D];
    a  = fit(&d, "");
    b  = fit(&e, "");
    fa = predict(a, &d);
    fb = predict(b, &e);
    assert_true(apart(fa, fb, M) < 1e-3);
    assert_int_equal(agop_importance(ia, ctx, a), AGOP_OK);
    assert_int_equal(agop_importance(ib, ctx, b), AGOP_OK);
    for (int k = 0; k < D; k++)
        assert_true(fabs(ib[k] - ia[(k + 1) % D]) < 1e-3);
    agop_model_free(a);
    agop_model_free(b);
    free(fa);
    free(fb);
    drop(&d);
    drop(&e);
}

static void test_fit__it_finds_the_columns_that_matter(void **state)
{
    data        d = make(4, 0, 1);
    agop_model *m = fit(&d, "");
    double      share[D], *f = predict(m, &d);
    (void)state;
    assert_int_equal(agop_importance(share, ctx, m), AGOP_OK);
    assert_true(share[0] + share[1] > .9);
    assert_true(fabs(share[0] + share[1] + share[2] + share[3] - 1) < 1e-12);
    assert_true(r2(f, d.y[0] + N) > .9);
    agop_model_free(m);
    free(f);
    drop(&d);
}

/* R2 on fresh noise, mean over five draws. The mean of the rows would give 0. */
static double noise_r2(const char *options)
{
    double mean = 0;
    for (uint64_t draw = 0; draw < 5; draw++) {
        data        d = make(5 + draw, 0, 1);
        double     *noise = normals(N + M, 99 + draw), *f;
        agop_model *m;
        memcpy(d.y[0], noise, (N + M) * sizeof *noise);
        m = fit(&d, options);
        f = predict(m, &d);
        mean += r2(f, d.y[0] + N) / 5;
        agop_model_free(m);
        free(noise);
        free(f);
        drop(&d);
    }
    return mean;
}

static void test_fit__noise_is_not_explained(void **state)
{
    double tuned = noise_r2(""), fixed = noise_r2("tune=off");
    (void)state;
    if (!(tuned > -.1 && tuned < .05 && tuned > .2 * fixed))
        fail_msg("R2 %.4f, with fixed settings %.4f", tuned, fixed);
}

static void test_fit__same_seed_same_bits(void **state)
{
    data        d = make(6, 0, 1);
    agop_model *a = fit(&d, "seed=5"), *b = fit(&d, "seed=5"), *c = fit(&d, "seed=6");
    double     *fa = predict(a, &d), *fb = predict(b, &d), *fc = predict(c, &d);
    (void)state;
    assert_memory_equal(fa, fb, M * sizeof *fa);
    assert_true(apart(fc, fa, M) > 0);
    agop_model_free(a);
    agop_model_free(b);
    agop_model_free(c);
    free(fa);
    free(fb);
    free(fc);
    drop(&d);
}

static void test_fit__a_weight_of_two_is_a_row_twice(void **state)
{
    data        d = make(7, 0, 1), e = make(7, 0, 1);
    agop_model *a, *b;
    double     *fa, *fb;
    (void)state;
    /* rows 9, 19, ... coincide with the row before: leave them weightless but for their copies */
    for (int i = 0; i < N; i++)
        d.weight[i] = i % 10 == 8 || i % 10 == 9 ? 1 : 2;
    for (int i = 0; i < N; i++)
        e.weight[i] = i % 10 == 8 ? 1.5 : i % 10 == 9 ? .5 : 2; /* the same total on each pair */
    a  = fit(&d, "weights=w drop=y2 select=last tune=off precision=double");
    b  = fit(&e, "weights=w drop=y2 select=last tune=off precision=double");
    fa = predict(a, &d);
    fb = predict(b, &e);
    assert_true(apart(fb, fa, M) < 1e-8);
    agop_model_free(a);
    agop_model_free(b);
    free(fa);
    free(fb);
    drop(&d);
    drop(&e);
}

static void test_fit__two_targets_without_a_metric_are_two_fits(void **state)
{
    const char *const same = "iters=0 tune=off precision=double";
    data        d = make(8, 0, 1);
    char        text[128];
    agop_model *both, *one, *two;
    double     *f, *f1, *f2;
    (void)state;
    (void)snprintf(text, sizeof text, "%s target=y,y2 drop=w", same);
    both = fit(&d, text);
    (void)snprintf(text, sizeof text, "%s target=y", same);
    one = fit(&d, text);
    (void)snprintf(text, sizeof text, "%s target=y2 drop=y,w", same);
    two = fit(&d, text);
    f   = predict(both, &d);
    f1  = predict(one, &d);
    f2  = predict(two, &d);
    assert_int_equal(agop_model_outputs(both, AGOP_VALUE), 2);
    for (int i = 0; i < M; i++) {
        assert_true(fabs(f[2 * i] - f1[i]) < 1e-10);
        assert_true(fabs(f[2 * i + 1] - f2[i]) < 1e-10);
    }
    agop_model_free(both);
    agop_model_free(one);
    agop_model_free(two);
    free(f);
    free(f1);
    free(f2);
    drop(&d);
}

static void test_fit__gaussian_is_l2_with_exponent_two(void **state)
{
    data        d = make(9, 0, 1);
    agop_model *a = fit(&d, "kernel=gaussian bandwidth=3 tune=off precision=double ridge=0.01"),
               *b = fit(&d, "kernel=l2 exponent=2 bandwidth=4.242640687119285 tune=off precision=double ridge=0.01");
    double     *fa = predict(a, &d), *fb = predict(b, &d);
    (void)state;
    assert_true(apart(fa, fb, M) < 1e-9);
    agop_model_free(a);
    agop_model_free(b);
    free(fa);
    free(fb);
    drop(&d);
}

static void test_fit__single_and_double_agree(void **state)
{
    const char *const kernels[] = {"kernel=l2",
                                   "kernel=gaussian",
                                   "kernel=l1",
                                   "kernel=lpq",
                                   "kernel=lpq norm=1.2 metric=diagonal",
                                   "kernel=sum_power",
                                   "kernel=sum_power metric=diagonal power=4 const_mix=0.2",
                                   "kernel=l2 metric=diagonal",
                                   "kernel=l2 exponent=0.7",
                                   "kernel=l2 centre_gradients=true",
                                   "kernel=l2 scale=rank",
                                   "kernel=l2 scale=minmax"};
    data d = make(10, 0, 1);
    (void)state;
    for (int i = 0; i < (int)(sizeof kernels / sizeof *kernels); i++) {
        char        text[128];
        agop_model *a, *b;
        double     *fa, *fb;
        (void)snprintf(text, sizeof text, "%s tune=off ridge=0.01 iters=2 select=last precision=single", kernels[i]);
        a = fit(&d, text);
        (void)snprintf(text, sizeof text, "%s tune=off ridge=0.01 iters=2 select=last precision=double", kernels[i]);
        b  = fit(&d, text);
        fa = predict(a, &d);
        fb = predict(b, &d);
        if (!(apart(fa, fb, M) < 1e-3))
            fail_msg("%s: %g", kernels[i], apart(fa, fb, M));
        assert_true(r2(fb, d.y[0] + N) > .3);
        agop_model_free(a);
        agop_model_free(b);
        free(fa);
        free(fb);
    }
    drop(&d);
}

/* What a kernel has to itself is in the report, resolved. */
static void test_fit__the_report_tells_what_the_kernel_was(void **state)
{
    const char *const told[][2] = {{"kernel=lpq", "\"norm\": 1.5"},
                                   {"kernel=lpq exponent=1.8", "\"norm\": 1.8"},
                                   {"kernel=sum_power", "\"power\": 2"},
                                   {"kernel=sum_power const_mix=0.25", "\"const_mix\": 0.25"},
                                   {"kernel=l2", "\"norm\": \"auto\""}};
    data d = make(10, 0, 1);
    (void)state;
    for (int i = 0; i < 5; i++) {
        char        text[128];
        agop_model *m;
        (void)snprintf(text, sizeof text, "%s iters=0 tune=off", told[i][0]);
        m = fit(&d, text);
        if (!strstr(agop_model_info(m), told[i][1]))
            fail_msg("%s: no %s", told[i][0], told[i][1]);
        agop_model_free(m);
    }
    drop(&d);
}

static void test_fit__a_validation_table_judges(void **state)
{
    data           d = make(11, 0, 1);
    agop_table    *t = table(&d, 0, N), *v = table(&d, N, M);
    agop_settings *s = settings("");
    agop_model    *m = NULL;
    char          *scores = NULL, want[64];
    (void)state;
    assert_int_equal(agop_fit(&m, ctx, t, v, s), AGOP_OK);
    assert_non_null(strstr(agop_model_info(m), "\"how\": \"a validation table\""));
    /* what the report says of that table is what scoring it gives */
    assert_int_equal(agop_score(&scores, ctx, m, v), AGOP_OK);
    (void)snprintf(want, sizeof want, "%.8s", strstr(strstr(agop_model_info(m), "\"validation\": {"), "\"r2\":") + 6);
    assert_memory_equal(strstr(scores, "\"r2\":") + 6, want, 6);
    agop_free(scores);
    agop_model_free(m);
    assert_int_equal(agop_settings_set(s, ctx, "holdout", "0.2"), AGOP_OK);
    assert_int_equal(agop_fit(&m, ctx, t, v, s), AGOP_E_PARAM);
    assert_null(m);
    agop_settings_free(s);
    agop_table_free(t);
    agop_table_free(v);
    drop(&d);
}

/* Alone, in any block, or all at once: the same bits. */
static void test_fit__a_row_is_predicted_the_same_in_any_company(void **state)
{
    const char *const options[] = {"", "kernel=l1", "target=y,y2 drop=w", "kernel=lpq", "kernel=sum_power"};
    data d = make(15, 0, 1);
    (void)state;
    for (int k = 0; k < 5; k++) {
        agop_model *m   = fit(&d, options[k]);
        double     *all = predict(m, &d), some[2 * M];
        int64_t     c   = agop_model_outputs(m, AGOP_VALUE);
        for (int first = 0; first < M; first += 13)
            for (int rows = 1; first + rows <= M; rows += 29) {
                agop_table *t   = table(&d, N + first, rows);
                agop_mat    out = {.data = some, .rows = rows, .cols = c, .ld = c, .dtype = AGOP_F64};
                assert_int_equal(agop_predict(&out, ctx, m, t, AGOP_VALUE), AGOP_OK);
                assert_memory_equal(some, all + first * c, (size_t)(rows * c) * sizeof *some);
                agop_table_free(t);
            }
        agop_model_free(m);
        free(all);
    }
    drop(&d);
}

/* ---- stopping ---- */

static int stop_after; /* calls of the listener */

static int stopper(void *user, const agop_progress *p)
{
    (void)user;
    (void)p;
    return stop_after-- <= 0;
}

static void test_fit__a_stop_gives_the_best_so_far(void **state)
{
    data           d = make(12, 0, 1);
    agop_table    *t = table(&d, 0, N);
    agop_settings *s = settings("");
    int            stopped = 0, whole = 0, nothing = 0;
    (void)state;
    agop_on_progress(ctx, stopper, NULL);
    for (int at = 0; !whole; at++) {
        agop_model *m  = NULL;
        agop_status st;
        stop_after = at;
        st         = agop_fit(&m, ctx, t, NULL, s);
        if (st == AGOP_E_STOPPED) {
            assert_null(m);
            nothing++;
            continue;
        }
        assert_int_equal(st, AGOP_OK);
        stopped += agop_model_stopped(m);
        whole += !agop_model_stopped(m);
        agop_on_progress(ctx, NULL, NULL);
        double *f = predict(m, &d);
        assert_true(r2(f, d.y[0] + N) > .3); /* whatever it is, it is a model */
        agop_on_progress(ctx, stopper, NULL);
        free(f);
        agop_model_free(m);
        assert_true(at < 1000);
    }
    agop_on_progress(ctx, NULL, NULL);
    assert_true(nothing > 0 && stopped > 3);
    agop_settings_free(s);
    agop_table_free(t);
    drop(&d);
}

static void test_fit__the_clock_stops_it_too(void **state)
{
    data        d = make(13, 0, 1);
    agop_model *m = fit(&d, "time_limit=0.000001");
    double     *f = predict(m, &d);
    (void)state;
    assert_int_equal(agop_model_stopped(m), 1);
    assert_non_null(strstr(agop_model_info(m), "by the time limit"));
    assert_true(r2(f, d.y[0] + N) > .3);
    agop_model_free(m);
    free(f);
    drop(&d);
}

static void test_fit__the_memory_promise_is_made_at_the_start(void **state)
{
    data           d = make(14, 0, 1);
    agop_table    *t = table(&d, 0, N);
    agop_settings *s = settings("memory=1M");
    agop_model    *m = NULL;
    (void)state;
    assert_int_equal(agop_fit(&m, ctx, t, NULL, s), AGOP_E_NOMEM);
    assert_null(m);
    assert_non_null(strstr(agop_errmsg(ctx), "raise --memory"));
    agop_settings_free(s);
    agop_table_free(t);
    drop(&d);
}

/* Only proportions of weights matter, at any size, and what cannot be told from nothing is refused. */
static void test_fit__weights_of_any_size(void **state)
{
    static const double units[] = {1, 1e-310, 1e308 / 3};
    double             *first   = NULL;
    (void)state;
    for (int k = 0; k < 3; k++) {
        data d = make(16, 0, 1);
        for (int i = 0; i < N; i++)
            d.weight[i] = units[k] * (i % 3 ? 1 : 2);
        agop_model *m = fit(&d, "weights=w drop=y2 iters=1");
        double     *f = predict(m, &d);
        for (int i = 0; first && i < M; i++)
            assert_true(fabs(f[i] - first[i]) <= 1e-4);
        if (first)
            free(f);
        else
            first = f;
        agop_model_free(m);
        drop(&d);
    }
    free(first);
}

static void test_fit__weights_too_far_apart_are_refused(void **state)
{
    static const double least[] = {2e-20, 5e-21, 1e-300};
    (void)state;
    for (int k = 0; k < 3; k++) {
        data d = make(17, 0, 1);
        for (int i = 0; i < N; i += 5)
            d.weight[i] = least[k];
        agop_table    *t = table(&d, 0, N);
        agop_settings *s = settings("weights=w drop=y2 iters=1");
        agop_model    *m = NULL;
        if (agop_fit(&m, ctx, t, NULL, s) != (k ? AGOP_E_DATA : AGOP_OK))
            fail_msg("%g: %s", least[k], agop_errmsg(ctx));
        if (k)
            assert_non_null(strstr(agop_errmsg(ctx), "too far apart"));
        else
            assert_null(strstr(agop_model_info(m), "nan"));
        agop_model_free(m);
        agop_settings_free(s);
        agop_table_free(t);
        drop(&d);
    }
}

static void test_fit__memory_that_was_given_back_counts_no_more(void **state)
{
    data           d = make(15, 0, 1);
    agop_table    *t = table(&d, 0, N);
    agop_settings *s = settings("iters=0");
    agop_model    *m = NULL;
    size_t         size = 600u << 20;
    char          *big  = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)state;
    assert_true(big != MAP_FAILED);
    memset(big, 1, size);
    assert_int_equal(agop_settings_set(s, ctx, "memory", "500M"), AGOP_OK);
    assert_int_equal(agop_fit(&m, ctx, t, NULL, s), AGOP_E_NOMEM);
    assert_int_equal(munmap(big, size), 0);
    assert_int_equal(agop_fit(&m, ctx, t, NULL, s), AGOP_OK);
    agop_model_free(m);
    agop_settings_free(s);
    agop_table_free(t);
    drop(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fit__a_shift_changes_nothing),
        cmocka_unit_test(test_fit__a_scale_with_the_bandwidth_changes_nothing),
        cmocka_unit_test(test_fit__the_order_of_columns_does_not_matter),
        cmocka_unit_test(test_fit__it_finds_the_columns_that_matter),
        cmocka_unit_test(test_fit__noise_is_not_explained),
        cmocka_unit_test(test_fit__same_seed_same_bits),
        cmocka_unit_test(test_fit__a_weight_of_two_is_a_row_twice),
        cmocka_unit_test(test_fit__two_targets_without_a_metric_are_two_fits),
        cmocka_unit_test(test_fit__gaussian_is_l2_with_exponent_two),
        cmocka_unit_test(test_fit__single_and_double_agree),
        cmocka_unit_test(test_fit__the_report_tells_what_the_kernel_was),
        cmocka_unit_test(test_fit__a_validation_table_judges),
        cmocka_unit_test(test_fit__a_row_is_predicted_the_same_in_any_company),
        cmocka_unit_test(test_fit__a_stop_gives_the_best_so_far),
        cmocka_unit_test(test_fit__the_clock_stops_it_too),
        cmocka_unit_test(test_fit__the_memory_promise_is_made_at_the_start),
        cmocka_unit_test(test_fit__weights_of_any_size),
        cmocka_unit_test(test_fit__weights_too_far_apart_are_refused),
        cmocka_unit_test(test_fit__memory_that_was_given_back_counts_no_more),
    };
    int failed;
    if (agop_open(&ctx, "cpu", 2) != AGOP_OK)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    agop_close(ctx);
    return failed;
}
