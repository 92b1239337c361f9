/* test_stack.c - the AGOP of a sum of machines, the weights of the sum, and what a model of several predicts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <jansson.h>
#include <string.h>

#include "agop/agop.h"
#include "kernel/gradient.h"
#include "numbers.h"
#include "rfm/model.h"
#include "solve/solve.h"

enum { N = 300, D = 4, C = 2, GROUPS = 1, LEVELS = 3 };
static agop_ctx *ctx;

/* ---- the AGOP of a sum ---- */

typedef struct machine {
    agop__metric  m;
    agop__system  s;
    agop__tile    A;
    agop__average a;
    double       *alpha;
} machine;

static double   *rows, *weight;
static int32_t  *code;

static void open_machine(machine *k, int32_t kind, int diagonal, uint64_t seed, int centre)
{
    static const int32_t levels[GROUPS] = {LEVELS};

    memset(k, 0, sizeof *k);
    assert_int_equal(agop__metric_zero(&k->m, D, GROUPS, levels, diagonal, &ctx->err), AGOP_OK);
    for (int32_t b = 0; b < k->m.blocks; b++) {
        int64_t d = k->m.block[b].d;
        double *B = normals(d * d, seed + (uint64_t)b);
        for (int64_t i = 0; i < d; i++) {
            if (diagonal)
                k->m.block[b].m[i] = .2 + B[i] * B[i];
            for (int64_t j = 0; !diagonal && j < d * d; j++)
                k->m.block[b].m[i * d + j % d] += B[j / d * d + i] * B[j / d * d + j % d] / (double)d;
        }
        free(B);
    }
    k->alpha = normals(N * C, seed + 9);
    k->s = (agop__system){.ctx = ctx, .metric = &k->m,
                          .shape = {.kind = kind, .exponent = 1, .bandwidth = 3, .height = .7},
                          .x = rows, .code = code,
                          .Y = k->alpha, .n = N, .c = C, .x_dtype = AGOP_F64, .memory = INT64_MAX};
    assert_int_equal(agop__system_prepare(&k->s, AGOP_F64), AGOP_OK);
    assert_int_equal(op_alloc(ctx, &k->A, N, C, AGOP_F64), AGOP_OK);
    assert_int_equal(op_put(ctx, &k->A, k->alpha, C, AGOP_F64), AGOP_OK);
    k->a = (agop__average){.map = &k->s.map, .metric = &k->m, .height = .7, .x = &k->s.points, .weight = weight,
                           .z = &k->s.points, .alpha = &k->A, .centre = centre, .route = AGOP__ROUTE_GRADIENTS};
}

static void close_machine(machine *k)
{
    op_release(ctx, &k->A);
    agop__system_close(&k->s);
    agop__metric_free(&k->m);
    free(k->alpha);
}

static void make_rows(void)
{
    rows   = normals(N * D, 1);
    weight = normals(N, 2);
    code   = calloc(N * GROUPS, sizeof *code);
    for (int i = 0; i < N; i++) {
        weight[i] = .1 + weight[i] * weight[i];
        code[i]   = i % (LEVELS + 1) - 1; /* some rows have no level */
    }
}

static void drop_rows(void)
{
    free(rows);
    free(weight);
    free(code);
}

/* Of one machine it is the AGOP that there was; twice the same machine is one machine of the sum of the weights. */
static void test_stack__a_sum_of_one_is_that_one(void **state)
{
    (void)state;
    make_rows();
    for (int k = 0; k < 6; k++) {
        int           diagonal = k & 1, centre = k >> 1 & 1;
        int32_t       kind = k >= 4 ? AGOP__L1 : AGOP__L2;
        machine       f;
        agop__metric  alone, once, twice;
        agop__average *a[2];
        double        w[2] = {.75, .5};
        open_machine(&f, kind, diagonal || kind == AGOP__L1, 5, centre);
        a[0] = a[1] = &f.a;
        assert_int_equal(agop__average_gradient(&alone, &f.a), AGOP_OK);
        assert_int_equal(agop__average_mixture(&once, a, (double[]){1}, 1, f.m.diagonal), AGOP_OK);
        assert_int_equal(agop__average_mixture(&twice, a, w, 2, f.m.diagonal), AGOP_OK);
        for (int32_t b = 0; b < alone.blocks; b++) {
            int64_t d = alone.block[b].d, entries = f.m.diagonal ? d : d * d;
            assert_true(agop__metric_at(&alone, b, 0) > 0);
            assert_true(apart(once.block[b].m, alone.block[b].m, entries) < 1e-10);
            for (int64_t i = 0; i < entries; i++)
                twice.block[b].m[i] /= 1.25 * 1.25;
            assert_true(apart(twice.block[b].m, alone.block[b].m, entries) < 1e-10);
        }
        agop__metric_free(&alone);
        agop__metric_free(&once);
        agop__metric_free(&twice);
        close_machine(&f);
    }
    drop_rows();
}

/* Leaves of a tree average their AGOPs. One where l1 has all the weight can give its own in full, with the same
 * diagonal; forms are never mixed. */
static void test_stack__all_agops_of_a_tree_have_one_form(void **state)
{
    machine       f;
    agop__metric  diagonal, full;
    agop__average *a[1];

    (void)state;
    make_rows();
    open_machine(&f, AGOP__L1, 1, 5, 0);
    a[0] = &f.a;
    assert_int_equal(agop__average_gradient(&diagonal, &f.a), AGOP_OK);
    assert_int_equal(agop__average_mixture(&full, a, (double[]){1}, 1, 0), AGOP_OK);
    assert_int_equal(full.diagonal, 0);
    for (int32_t b = 0; b < full.blocks; b++)
        for (int64_t i = 0; i < full.block[b].d; i++)
            assert_true(fabs(agop__metric_at(&full, b, i) - agop__metric_at(&diagonal, b, i)) < 1e-10);
    assert_int_equal(agop__metric_add(&full, &diagonal, 1, &ctx->err), AGOP_E_BUG);
    assert_int_equal(agop__metric_add(&full, &full, 1, &ctx->err), AGOP_OK);
    agop__metric_free(&full);
    agop__metric_free(&diagonal);
    close_machine(&f);
    drop_rows();
}

/* A(f+g) + A(f-g) = 2 A(f) + 2 A(g), whatever kernels and metrics f and g have. */
static void test_stack__sums_obey_the_parallelogram(void **state)
{
    (void)state;
    make_rows();
    for (int k = 0; k < 4; k++) {
        machine       f, g;
        agop__metric  plus, minus, one, other;
        agop__average *a[2] = {&f.a, &g.a};
        open_machine(&f, AGOP__L2, k & 1, 5, k >> 1);
        open_machine(&g, AGOP__L1, 1, 6, k >> 1);
        assert_int_equal(agop__average_mixture(&plus, a, (double[]){1, 1}, 2, 0), AGOP_OK);
        assert_int_equal(agop__average_mixture(&minus, a, (double[]){1, -1}, 2, 0), AGOP_OK);
        assert_int_equal(agop__average_mixture(&one, a, (double[]){1, 0}, 2, 0), AGOP_OK);
        assert_int_equal(agop__average_mixture(&other, a, (double[]){0, 1}, 2, 0), AGOP_OK);
        for (int32_t b = 0; b < plus.blocks; b++) {
            int64_t entries = plus.block[b].d * plus.block[b].d;
            for (int64_t i = 0; i < entries; i++) {
                plus.block[b].m[i] += minus.block[b].m[i];
                one.block[b].m[i] = 2 * one.block[b].m[i] + 2 * other.block[b].m[i];
            }
            assert_true(apart(plus.block[b].m, one.block[b].m, entries) < 1e-10);
        }
        agop__metric_free(&plus);
        agop__metric_free(&minus);
        agop__metric_free(&one);
        agop__metric_free(&other);
        close_machine(&f);
        close_machine(&g);
    }
    drop_rows();
}

/* ---- whole models ---- */

enum { ROWS = 400 };

static agop_table *some_table(int noise_only)
{
    static const char *const names[] = {"red", "green", "blue"};
    double      *v = normals(ROWS * 5, 21), x[4][ROWS], y[ROWS];
    const char  *colour[ROWS];
    agop_table  *t;

    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < 4; j++)
            x[j][i] = v[i * 5 + j];
        colour[i] = names[i % 3];
        y[i]      = v[i * 5 + 4];
        if (!noise_only)
            y[i] = (x[0][i] > 0) + x[1][i] * x[2][i] + (i % 3 == 1) + .1 * y[i];
    }
    assert_int_equal(agop_table_new(&t, ctx, ROWS), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "a", x[0]), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "b", x[1]), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "c", x[2]), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "d", x[3]), AGOP_OK);
    assert_int_equal(agop_table_add_text(t, ctx, "colour", colour), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "y", y), AGOP_OK);
    free(v);
    return t;
}

static agop_model *fit(const agop_table *t, const char *kernel, const char *tune, const char *divisions)
{
    agop_settings *s;
    agop_model    *m;

    assert_int_equal(agop_settings_new(&s, ctx), AGOP_OK);
    assert_int_equal(agop_settings_set(s, ctx, "target", "y"), AGOP_OK);
    assert_int_equal(agop_settings_set(s, ctx, "kernel", kernel), AGOP_OK);
    assert_int_equal(agop_settings_set(s, ctx, "tune", tune), AGOP_OK);
    assert_int_equal(agop_settings_set(s, ctx, "divisions", divisions), AGOP_OK);
    if (agop_fit(&m, ctx, t, NULL, s) != AGOP_OK)
        fail_msg("%s", agop_errmsg(ctx));
    agop_settings_free(s);
    return m;
}

static double validation(const agop_model *m, const char *name)
{
    json_t *j = json_loads(agop_model_info(m), 0, NULL);
    double  v = json_number_value(json_object_get(json_object_get(j, "validation"), name));
    json_decref(j);
    return v;
}

/* The sum is at least as good on the rows that judge as any of its machines: each could have had all the weight. */
static void test_stack__the_sum_is_no_worse_than_its_parts(void **state)
{
    agop_table *t = some_table(0);
    agop_model *m = fit(t, "auto", "full", "1");
    json_t     *j = json_loads(agop_model_info(m), 0, NULL), *list = json_object_get(j, "members");
    double      total = 0;

    (void)state;
    assert_true(json_array_size(list) >= 1 && json_array_size(list) <= 4);
    assert_true(json_array_size(json_object_get(j, "tried")) >= 8);
    for (size_t k = 0; k < json_array_size(list); k++) {
        const json_t *one = json_array_get(list, k);
        assert_true(json_number_value(json_object_get(one, "weight")) >= 0);
        assert_true(json_number_value(json_object_get(one, "validation")) >= validation(m, "mse") - 1e-9);
        total += json_number_value(json_object_get(one, "weight"));
    }
    assert_true(total > .8 && total < 1.2);
    assert_true(validation(m, "r2") > .8);
    json_decref(j);
    agop_model_free(m);
    agop_table_free(t);
}

static void predict(double *out, const agop_model *m, const agop_table *t)
{
    agop_mat y = {.data = out, .rows = ROWS, .cols = 1, .ld = 1, .dtype = AGOP_F64};
    assert_int_equal(agop_predict(&y, ctx, m, t, AGOP_VALUE), AGOP_OK);
}

/* What it predicts is the weighted sum of what its machines say, and a file keeps all of it to the bit. */
static void test_stack__predictions_are_the_weighted_sum(void **state)
{
    static double y[ROWS], again[ROWS], sum[ROWS], one[ROWS];
    agop_table   *t = some_table(0);
    agop_model   *m = fit(t, "auto", "quick", "1"), *back;
    agop__leaf    whole = m->leaf[0];

    (void)state;
    assert_int_equal(whole.members, 2);
    assert_int_equal(whole.member[0].shape.kind, AGOP__L2);
    assert_int_equal(whole.member[1].shape.kind, AGOP__L1);
    predict(y, m, t);
    assert_int_equal(agop_model_save(ctx, m, "test_stack.agop"), AGOP_OK);
    assert_int_equal(agop_model_load(&back, ctx, "test_stack.agop"), AGOP_OK);
    (void)remove("test_stack.agop");
    predict(again, back, t);
    assert_memory_equal(y, again, sizeof y);
    agop_model_free(back);
    for (int64_t k = 0; k < whole.members; k++) { /* each alone, with its weight */
        m->leaf[0].member  = &whole.member[k];
        m->leaf[0].members = 1;
        predict(one, m, t);
        for (int i = 0; i < ROWS; i++) /* the mean of the target is added once, not twice */
            sum[i] = k ? sum[i] + one[i] - m->target.mean[0] : one[i];
    }
    m->leaf[0] = whole;
    for (int i = 0; i < ROWS; i++)
        assert_true(fabs(sum[i] - y[i]) < 1e-9);
    agop_model_free(m);
    agop_table_free(t);
}

/* Nothing to learn: little weight, and what is predicted is near the mean. */
static void test_stack__noise_is_answered_with_the_mean(void **state)
{
    static double y[ROWS];
    agop_table   *t = some_table(1);
    agop_model   *m = fit(t, "auto", "quick", "1");
    double        square = 0;

    (void)state;
    predict(y, m, t);
    for (int i = 0; i < ROWS; i++)
        square += (y[i] - m->target.mean[0]) * (y[i] - m->target.mean[0]) / ROWS;
    assert_true(square < .1);
    /* a little below zero: R^2 compares with the mean of the judging rows, which is not that of all */
    assert_true(fabs(validation(m, "r2")) < .02);
    agop_model_free(m);
    agop_table_free(t);
}

/* A kernel that is named stays alone, and so does a full metric, which l1 cannot have. */
static void test_stack__what_is_named_is_alone(void **state)
{
    agop_table *t = some_table(0);
    agop_model *m = fit(t, "l2", "quick", "1");

    (void)state;
    assert_int_equal(m->leaf[0].members, 1);
    assert_true(m->leaf[0].member[0].weight == 1);
    assert_null(strstr(agop_model_info(m), "\"members\""));
    agop_model_free(m);
    m = fit(t, "auto", "off", "1");
    assert_int_equal(m->leaf[0].members, 1);
    agop_model_free(m);
    agop_table_free(t);
}

static int64_t members_of(const agop_model *m, int32_t kind)
{
    int64_t count = 0;
    for (int64_t k = 0; k < m->leaf[0].members; k++)
        count += m->leaf[0].member[k].shape.kind == kind;
    return count;
}

/* The halves exchange their parts: each division has machines of its own, every row has been judged, and the machines
 * of one kind have one weight. The coefficients of all divisions stand on the same centres: in another order
 * they would predict nothing. */
static void test_stack__divisions_are_averaged(void **state)
{
    static double y[ROWS], target[ROWS];
    agop_table   *t = some_table(0);
    agop_model   *m = fit(t, "auto", "quick", "3");
    json_t       *j = json_loads(agop_model_info(m), 0, NULL), *list = json_object_get(j, "members");
    double        judged = json_number_value(json_object_get(json_object_get(j, "validation"), "rows"));

    (void)state;
    assert_int_equal(members_of(m, AGOP__L2), 3);
    assert_int_equal(members_of(m, AGOP__L1), 3);
    assert_int_equal(json_array_size(list), 6);
    assert_true(judged == ROWS);
    for (size_t k = 2; k < 6; k++) {
        const json_t *one = json_array_get(list, k), *first = json_array_get(list, k % 2);
        assert_true(json_integer_value(json_object_get(one, "division")) == (json_int_t)(k / 2));
        assert_true(json_equal(json_object_get(one, "weight"), json_object_get(first, "weight")));
    }
    predict(y, m, t);
    for (int i = 0; i < ROWS; i++)
        target[i] = agop_table_number(t, i, agop_table_cols(t) - 1);
    for (int64_t k = 0; k < 6; k++) { /* each fits the rows it was solved on */
        agop__leaf whole = m->leaf[0];
        double     error = 0, spread = 0, share = whole.member[k].weight;
        m->leaf[0].member        = &whole.member[k];
        m->leaf[0].members       = 1;
        whole.member[k].weight   = 1;
        predict(y, m, t);
        whole.member[k].weight   = share;
        m->leaf[0]               = whole;
        for (int i = 0; i < ROWS; i++) {
            error += (y[i] - target[i]) * (y[i] - target[i]);
            spread += (target[i] - m->target.mean[0]) * (target[i] - m->target.mean[0]);
        }
        assert_true(error < .25 * spread);
    }
    json_decref(j);
    agop_model_free(m);
    agop_table_free(t);
}

/* A search of so many seconds ends in time, says what it tried, and is not called stopped. */
static void test_stack__a_search_for_seconds_tells_what_it_tried(void **state)
{
    agop_table *t = some_table(0);
    agop_model *m = fit(t, "auto", "30s", "1");
    json_t     *j = json_loads(agop_model_info(m), 0, NULL), *tried = json_object_get(j, "tried");
    double      total = 0;

    (void)state;
    assert_string_equal(json_string_value(json_object_get(j, "stopped")), "no");
    assert_true(json_array_size(tried) >= 2);
    for (size_t k = 0; k < json_array_size(tried); k++)
        total += json_number_value(json_object_get(json_array_get(tried, k), "weight"));
    assert_true(total > .5);
    assert_int_equal(agop_model_stopped(m), 0);
    json_decref(j);
    agop_model_free(m);
    agop_table_free(t);
}

/* The one of those tried whose `key` is `value`; fails if it was dropped without a word. */
static const json_t *tried_with(const json_t *j, const char *key, const char *value)
{
    const json_t *list = json_object_get(j, "tried");

    for (size_t k = 0; k < json_array_size(list); k++) {
        const json_t *one = json_array_get(list, k);
        if (strcmp(json_string_value(json_object_get(one, key)), value) == 0)
            return one;
    }
    fail_msg("nothing with %s %s was tried", key, value);
    return NULL;
}

/* What is said of a candidate is what a fit of it alone says of its best iteration on the same halves. */
static void test_stack__the_lpq_candidate_is_that_kernel(void **state)
{
    agop_table    *t = some_table(0);
    agop_model    *m = fit(t, "auto", "full", "1"), *alone;
    agop_settings *s;
    json_t        *j = json_loads(agop_model_info(m), 0, NULL), *k;
    const json_t  *one = tried_with(j, "kernel", "lpq"), *step;

    (void)state;
    assert_int_equal(agop_settings_new(&s, ctx), AGOP_OK);
    assert_int_equal(agop_settings_set(s, ctx, "target", "y"), AGOP_OK);
    assert_int_equal(agop_settings_set(s, ctx, "kernel", "lpq"), AGOP_OK);
    assert_int_equal(agop_settings_set(s, ctx, "exponent", "1"), AGOP_OK);
    assert_int_equal(agop_settings_set(s, ctx, "norm", "1.2"), AGOP_OK);
    assert_int_equal(agop_fit(&alone, ctx, t, NULL, s), AGOP_OK);
    k    = json_loads(agop_model_info(alone), 0, NULL);
    step = json_array_get(json_object_get(k, "iterations"),
                          (size_t)json_integer_value(json_object_get(k, "best_iter")));
    assert_true(json_number_value(json_object_get(one, "norm")) == 1.2);
    assert_true(json_number_value(json_object_get(one, "validation")) > 0);
    assert_true(json_number_value(json_object_get(one, "validation")) ==
                json_number_value(json_object_get(step, "validation")));
    json_decref(k);
    json_decref(j);
    agop_settings_free(s);
    agop_model_free(alone);
    agop_model_free(m);
    agop_table_free(t);
}

/* Levels of categories farther apart are another machine, that says something else about the same rows. */
static void test_stack__levels_farther_apart_are_tried(void **state)
{
    agop_table *t = some_table(0);
    agop_model *m = fit(t, "auto", "full", "1");
    json_t     *j = json_loads(agop_model_info(m), 0, NULL), *list = json_object_get(j, "tried");
    double      far = 0, quick = json_number_value(json_object_get(json_array_get(list, 0), "validation"));
    int         found = 0;

    (void)state;
    for (size_t k = 0; k < json_array_size(list); k++) {
        const json_t *one = json_array_get(list, k);
        double        height = json_number_value(json_object_get(one, "level_height"));
        if (fabs(height - sqrt(2)) < 1e-12) {
            found++;
            far = json_number_value(json_object_get(one, "validation"));
        } else {
            assert_true(fabs(height - sqrt(.5)) < 1e-12);
        }
    }
    assert_int_equal(found, 1);
    assert_true(far > 0 && far != quick);
    json_decref(j);
    agop_model_free(m);
    agop_table_free(t);
}

/* Every leaf of a tree searches widely; with seconds, the last ones as well as the first. */
static void every_leaf_tries(const char *tune)
{
    agop_table    *t = some_table(0);
    agop_settings *s;
    agop_model    *m;
    json_t        *j, *fits;

    assert_int_equal(agop_settings_new(&s, ctx), AGOP_OK);
    assert_int_equal(agop_settings_set(s, ctx, "target", "y"), AGOP_OK);
    assert_int_equal(agop_settings_set(s, ctx, "tune", tune), AGOP_OK);
    assert_int_equal(agop_settings_set(s, ctx, "leaf_size", "80"), AGOP_OK);
    assert_int_equal(agop_fit(&m, ctx, t, NULL, s), AGOP_OK);
    j    = json_loads(agop_model_info(m), 0, NULL);
    fits = json_object_get(json_object_get(j, "tree"), "fits");
    assert_true(json_array_size(fits) >= 2);
    assert_string_equal(json_string_value(json_object_get(j, "stopped")), "no");
    for (size_t k = 0; k < json_array_size(fits); k++) /* trees behind the first have what time is left */
        assert_true(json_integer_value(json_object_get(json_array_get(fits, k), "tree")) > 0 ||
                    json_integer_value(json_object_get(json_array_get(fits, k), "tried")) >= 8);
    assert_true(json_array_size(json_object_get(j, "tried")) >= 8);
    json_decref(j);
    agop_settings_free(s);
    agop_model_free(m);
    agop_table_free(t);
}

static void test_stack__every_leaf_of_a_tree_searches(void **state)
{
    (void)state;
    every_leaf_tries("full");
    every_leaf_tries("300s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stack__levels_farther_apart_are_tried),
        cmocka_unit_test(test_stack__every_leaf_of_a_tree_searches),
        cmocka_unit_test(test_stack__the_lpq_candidate_is_that_kernel),
        cmocka_unit_test(test_stack__a_sum_of_one_is_that_one),
        cmocka_unit_test(test_stack__sums_obey_the_parallelogram),
        cmocka_unit_test(test_stack__the_sum_is_no_worse_than_its_parts),
        cmocka_unit_test(test_stack__predictions_are_the_weighted_sum),
        cmocka_unit_test(test_stack__noise_is_answered_with_the_mean),
        cmocka_unit_test(test_stack__all_agops_of_a_tree_have_one_form),
        cmocka_unit_test(test_stack__what_is_named_is_alone),
        cmocka_unit_test(test_stack__divisions_are_averaged),
        cmocka_unit_test(test_stack__a_search_for_seconds_tells_what_it_tried),
    };
    int failed;

    if (agop_open(&ctx, "auto", 2) != AGOP_OK)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    agop_close(ctx);
    return failed;
}
