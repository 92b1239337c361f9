/* test_units.c - matrix units: where they are refused, where `auto` takes them, and what a fit on them is worth. What
 * the products themselves give is asked in tests/conform. */
#include "model_support.h"

#include <setjmp.h>

#include "backend/ops.h"
#include "fail_alloc.h"
#include "kernel/gradient.h"
#include "numbers.h"
#include "solve/solve.h"

enum { FEW = 300, MANY = 4000, WIDE = 100 };

static agop_ctx *ctx;

/* Skips the test, with the reason, where this machine has none. */
static void need_units(void)
{
    if (op_units(ctx) == AGOP_OK)
        return;
    print_message("%s\n", agop_errmsg(ctx));
    skip();
}

/* ---- refusals ---- */

static void refused(const char *words, agop_status want, const char *part)
{
    agop_settings *s = settings_of(ctx, words);
    agop_table    *t = NULL;
    agop_model    *m = NULL;

    assert_int_equal(make_mixed(&t, ctx, MIXED_ROWS), AGOP_OK);
    assert_int_equal(agop_fit(&m, ctx, t, NULL, s), want);
    assert_null(m);
    if (!strstr(agop_errmsg(ctx), part))
        fail_msg("'%s' does not say '%s'", agop_errmsg(ctx), part);
    agop_table_free(t);
    agop_settings_free(s);
}

static void test_units__on_is_refused_where_nothing_could_come_of_it(void **state)
{
    (void)state;
    refused("target=y matrix_units=on precision=double", AGOP_E_PARAM, "contradicts --precision double");
    refused("target=y matrix_units=on kernel=l1", AGOP_E_PARAM, "no product for matrix units");
}

/* Loops of another instruction set were asked for, so the processor must not be used behind their back. */
static void test_units__on_is_refused_with_plain_loops(void **state)
{
    agop_ctx *before = ctx;

    (void)state;
    assert_int_equal(agop_open(&ctx, "cpu:baseline", 1), AGOP_OK);
    refused("target=y matrix_units=on", AGOP_E_UNSUPPORTED, "computes with baseline");
    agop_model_free(fit_mixed(ctx, "target=y drop=z,kind,w matrix_units=auto iters=1"));
    agop_close(ctx);
    ctx = before;
}

static void test_units__must_be_asked_for_before_they_are_used(void **state)
{
    agop_ctx    *fresh = NULL;
    agop__tile   t     = {0}, G = {0};
    agop__kernel k     = {.kind = AGOP__L2, .exponent = 1, .bandwidth = 1, .bf16 = 1};

    (void)state;
    assert_int_equal(agop_open(&fresh, "cpu", 1), AGOP_OK);
    assert_int_equal(op_alloc(fresh, &t, 2, 2, AGOP_F32), AGOP_OK);
    assert_int_equal(op_alloc(fresh, &G, 2, 4, AGOP_F32), AGOP_OK);
    memset(t.mem, 0, 4 * sizeof(float));
    agop__points x = {.u = t};
    assert_int_equal(op_round16(fresh, &t), AGOP_E_BUG);
    assert_int_equal(op_gemm16(fresh, 0, 0, 1, &t, &t, 0, &t), AGOP_E_BUG);
    assert_int_equal(op_gradient(fresh, &G, &k, &x, &x, &t), AGOP_E_BUG);
    op_release(fresh, &t);
    op_release(fresh, &G);
    agop_close(fresh);
}

/* ---- whole fits ---- */

/* y depends on two directions of `wide` columns; two targets. */
static agop_table *make_wide(int64_t rows, int wide, uint64_t seed)
{
    agop_table *t = NULL;
    double     *x = normals(rows * wide, seed), *y = normals(rows, 0), *z = normals(rows, 0); /* y, z: set below */

    assert_int_equal(agop_table_new(&t, ctx, rows), AGOP_OK);
    for (int j = 0; j < wide; j++) {
        char name[16];
        (void)snprintf(name, sizeof name, "x%d", j);
        assert_int_equal(agop_table_add_numeric(t, ctx, name, x + j * rows), AGOP_OK);
    }
    for (int64_t i = 0; i < rows; i++) {
        double a = x[i] + x[rows + i], b = x[2 * rows + i] - x[3 * rows + i];
        y[i]     = a + a * b / 2;
        z[i]     = tanh(b);
    }
    assert_int_equal(agop_table_add_numeric(t, ctx, "y", y), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(t, ctx, "z", z), AGOP_OK);
    free(x);
    free(y);
    free(z);
    return t;
}

/* r2 of a fit on rows that it has not seen; its report is left in *info, malloc'd. */
static double worth(const char *words, char **info)
{
    agop_settings *s     = settings_of(ctx, words);
    agop_table    *train = make_wide(FEW, 20, 1), *test = make_wide(FEW, 20, 2);
    agop_model    *m     = NULL;
    char          *json  = NULL;
    double         r2;

    if (agop_fit(&m, ctx, train, NULL, s) != AGOP_OK || agop_score(&json, ctx, m, test) != AGOP_OK)
        fail_msg("%s: %s", words, agop_errmsg(ctx));
    r2    = strtod(strstr(json, "\"r2\":") + 5, NULL);
    *info = strdup(agop_model_info(m));
    agop_free(json);
    agop_model_free(m);
    agop_table_free(train);
    agop_table_free(test);
    agop_settings_free(s);
    return r2;
}

static void test_units__a_fit_on_them_scores_the_same_and_says_so(void **state)
{
    static const char *const fits[] = {
        "target=y,z tune=off iters=3 select=last ridge=0.01 agop_route=gradients",
        "target=y,z tune=off iters=3 select=last ridge=0.01 agop_route=gram",
        "target=y drop=z tune=quick metric=diagonal",
        "target=y drop=z kernel=gaussian tune=off iters=2 select=last ridge=0.1 centre_gradients=true agop_route=gram",
    };

    (void)state;
    need_units();
    for (size_t i = 0; i < sizeof fits / sizeof *fits; i++) {
        char   words[256], *on, *off;
        double with, without;
        (void)snprintf(words, sizeof words, "%s matrix_units=on", fits[i]);
        with = worth(words, &on);
        (void)snprintf(words, sizeof words, "%s matrix_units=off", fits[i]);
        without = worth(words, &off);
        if (!(fabs(with - without) <= .001) || !(without > .5))
            fail_msg("%s: r2 %.6f on matrix units, %.6f without", fits[i], with, without);
        assert_non_null(strstr(on, "\"matrix_units\": \"on\""));
        assert_non_null(strstr(on, "\"matrix_units\": true"));
        assert_non_null(strstr(off, "\"matrix_units\": \"off\""));
        assert_null(strstr(off, "\"matrix_units\": true"));
        free(on);
        free(off);
    }
}

/* ---- auto ---- */

/* What `auto` comes to for these points (MANY x wide) and random coefficients of `outputs` functions. */
static int settled(const double *x, int64_t rows, int64_t wide, int64_t outputs, double bandwidth, int32_t dtype)
{
    double      *alpha = normals(rows * outputs, 7);
    agop__metric m, out;
    agop__tile   A = {0};
    agop__system s;

    assert_int_equal(agop__metric_zero(&m, wide, 0, NULL, 1, &ctx->err), AGOP_OK);
    for (int64_t i = 0; i < wide; i++)
        m.block[0].m[i] = 1;
    s = (agop__system){.ctx = ctx, .metric = &m,
                       .shape = {.kind = AGOP__L2, .exponent = 1, .bandwidth = bandwidth, .height = .7},
                       .x = x, .Y = alpha, .n = rows,
                       .c = outputs, .x_dtype = AGOP_F64, .memory = INT64_MAX};
    assert_int_equal(agop__system_prepare(&s, dtype), AGOP_OK);
    assert_int_equal(op_alloc(ctx, &A, rows, outputs, dtype), AGOP_OK);
    assert_int_equal(op_put(ctx, &A, alpha, outputs, AGOP_F64), AGOP_OK);
    agop__average a = {.map = &s.map, .metric = &m, .height = .7, .x = &s.points, .z = &s.points, .alpha = &A};
    assert_int_equal(agop__average_gradient(&out, &a), AGOP_OK);
    agop__metric_free(&out);
    op_release(ctx, &A);
    agop__system_close(&s);
    agop__metric_free(&m);
    free(alpha);
    return a.units;
}

static void test_units__auto_takes_them_where_they_pay(void **state)
{
    double *x = normals(MANY * WIDE, 5);

    (void)state;
    need_units();
    assert_int_equal(settled(x, MANY, WIDE, 5, 10, AGOP_F32), AGOP__UNITS_ON);
    assert_int_equal(settled(x, MANY, WIDE, 1, 10, AGOP_F32), AGOP__UNITS_OFF);    /* distances take the time */
    assert_int_equal(settled(x, FEW, WIDE, 5, 10, AGOP_F32), AGOP__UNITS_OFF);     /* the trial would */
    assert_int_equal(settled(x, MANY, WIDE / 2, 20, 10, AGOP_F32), AGOP__UNITS_OFF); /* narrow */
    assert_int_equal(settled(x, MANY, WIDE, 5, 10, AGOP_F64), AGOP__UNITS_OFF);
    free(x);
}

/* Rows crowd about a few places far apart: coordinates are a thousand times the distances that matter, and rounding
 * them to 2^-8 would leave nothing. The trial sees it. */
static void test_units__auto_leaves_them_where_accuracy_would_suffer(void **state)
{
    double *x = normals(MANY * WIDE, 5), *place = normals(4 * WIDE, 6);

    (void)state;
    need_units();
    for (int64_t i = 0; i < MANY; i++)
        for (int64_t j = 0; j < WIDE; j++)
            x[i * WIDE + j] = .01 * x[i * WIDE + j] + 10 * place[i % 4 * WIDE + j];
    assert_int_equal(settled(x, MANY, WIDE, 5, 1, AGOP_F32), AGOP__UNITS_OFF);
    x[3] = (double)NAN;
    assert_int_equal(settled(x, MANY, WIDE, 5, 1, AGOP_F32), AGOP__UNITS_OFF);
    free(x);
    free(place);
}

/* ---- memory ---- */

static void test_units__every_failed_allocation_is_told(void **state)
{
    agop_ctx *fresh = NULL;

    (void)state;
    need_units();
    for (int64_t n = 1;; n++) {
        agop_status st;
        int         failed;
        assert_int_equal(agop_open(&fresh, "cpu", 2), AGOP_OK);
        agop__tile A = {0}, C = {0};
        assert_int_equal(op_alloc(fresh, &A, 40, 30, AGOP_F32), AGOP_OK);
        assert_int_equal(op_alloc(fresh, &C, 30, 30, AGOP_F32), AGOP_OK);
        memset(A.mem, 0, 40 * 30 * sizeof(float));
        agop__points x = {.u = op_rows(fresh, &A, 0, 30)};
        agop__tile   alpha = op_cols(fresh, &x.u, 0, 1);
        agop__kernel k     = {.kind = AGOP__L2, .exponent = 1, .bandwidth = 1, .bf16 = 1};
        fail_alloc_arm(n);
        st = op_units(fresh);
        st = st ? st : op_gemm16(fresh, 1, 0, 1, &A, &A, 0, &C);
        st = st ? st : op_gradient(fresh, &C, &k, &x, &x, &alpha);
        failed = fail_alloc_disarm();
        op_release(fresh, &A);
        op_release(fresh, &C);
        assert_int_equal(st, failed ? AGOP_E_NOMEM : AGOP_OK);
        agop_close(fresh);
        if (!failed)
            return;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units__on_is_refused_where_nothing_could_come_of_it),
        cmocka_unit_test(test_units__on_is_refused_with_plain_loops),
        cmocka_unit_test(test_units__must_be_asked_for_before_they_are_used),
        cmocka_unit_test(test_units__a_fit_on_them_scores_the_same_and_says_so),
        cmocka_unit_test(test_units__auto_takes_them_where_they_pay),
        cmocka_unit_test(test_units__auto_leaves_them_where_accuracy_would_suffer),
        cmocka_unit_test(test_units__every_failed_allocation_is_told),
    };
    int failed;

    if (agop_open(&ctx, "cpu", 2) != AGOP_OK)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    agop_close(ctx);
    return failed;
}
