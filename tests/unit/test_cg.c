/* test_cg.c - conjugate gradients against the direct way and plain loops; the preconditioner against its formula. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "numbers.h"
#include "solve/cg.h"

enum { N = 700, D = 4, C = 3 };
static agop_ctx     *ctx;
static agop__metric  identity;
static double       *X, *Y, *W;
static int32_t       code[N];
static const int32_t levels[1] = {3};

static agop__system make(int solver, int weighted, double q, double L, int32_t dtype)
{
    agop__system s = {.ctx = ctx, .metric = &identity,
                      .shape = {.kind = AGOP__L2, .exponent = q, .bandwidth = L, .height = .7},
                      .x = X, .code = code, .Y = Y,
                      .weight = weighted ? W : NULL, .n = N, .c = C, .x_dtype = AGOP_F64, .memory = INT64_MAX,
                      .tolerance = 1e-6, .solver = solver, .seed = 3};
    assert_int_equal(agop__system_prepare(&s, dtype), AGOP_OK);
    return s;
}

static void test_cg__solves_what_the_direct_way_solves(void **state)
{
    double *a = normals(N * C, 1), *b = normals(N * C, 2);
    (void)state;
    for (int run = 0; run < 8; run++) {
        int            wide = run & 1, weighted = run >> 1 & 1, without = run >> 2;
        agop__solution one = {.alpha = a}, two = {.alpha = b};
        agop__system   s = make(AGOP__SOLVER_DIRECT, weighted, 1, 4, wide ? AGOP_F64 : AGOP_F32);
        agop__system   t = make(AGOP__SOLVER_CG, weighted, 1, 4, wide ? AGOP_F64 : AGOP_F32);
        s.tolerance = t.tolerance = wide ? 1e-11 : 1e-6;
        t.memory                  = without ? 1 : INT64_MAX;
        assert_int_equal(agop__solve(&one, &s, 1e-2, AGOP__CLOSELY), AGOP_OK);
        assert_int_equal(agop__solve(&two, &t, 1e-2, AGOP__CLOSELY), AGOP_OK);
        assert_true(two.steps > 5 && two.steps < 200 && two.residual <= t.tolerance);
        assert_int_equal(two.rank, 256);
        assert_int_equal(two.matrix_free, without);
        assert_int_equal(t.K.mem == NULL, without);
        assert_int_equal(one.steps, 0);
        assert_true(apart(b, a, N * C) < (wide ? 1e-9 : 1e-4));
        agop__system_close(&s);
        agop__system_close(&t);
    }
    free(a);
    free(b);
}

static void test_cg__a_good_guess_saves_steps_and_a_bad_one_costs_none(void **state)
{
    double        *a = normals(N * C, 1);
    agop__system   s = make(AGOP__SOLVER_CG, 0, 1, 4, AGOP_F64);
    agop__solution one = {.alpha = a, .warm = 1};
    int64_t        cold;
    (void)state;
    for (int i = 0; i < N * C; i++)
        a[i] *= 1e6;
    assert_int_equal(agop__solve(&one, &s, 1e-2, AGOP__CLOSELY), AGOP_OK);
    cold = one.steps;
    assert_int_equal(agop__solve(&one, &s, 1e-2, AGOP__CLOSELY), AGOP_OK);
    assert_int_equal(one.steps, 0);
    assert_int_equal(agop__solve(&one, &s, 1.2e-2, AGOP__CLOSELY), AGOP_OK);
    assert_true(one.steps > 0 && one.steps < cold);
    agop__system_close(&s);
    free(a);
}

/* P z = r for P = F F' + D by plain loops, and F F' + (what is left) = K where the rank is full. */
static void test_preconditioner__is_inverted_as_its_formula_says(void **state)
{
    double             *r = normals(N * C, 5), *z = normals(N * C, 6), *f, most = 0, size = 0;
    agop__system        s = make(AGOP__SOLVER_CG, 1, 1, 4, AGOP_F64);
    agop__preconditioner p;
    (void)state;
    assert_int_equal(agop__precondition(&p, &s, 1e-2, 100), AGOP_OK);
    assert_true(p.rank > 60 && p.rank <= 100); /* a row drawn twice counts once, and is made up for later */
    assert_int_equal(agop__precondition_apply(z, &p, r, C), AGOP_OK);
    f = normals(N * p.rank, 7);
    assert_int_equal(ctx->be->get(ctx->self, f, p.rank, AGOP_F64, &(agop__tile){p.F.mem, N, p.rank, p.F.ld, p.F.dtype},
                                  &ctx->err), AGOP_OK);
    for (int64_t i = 0; i < N; i++)
        for (int o = 0; o < C; o++) {
            double v = z[i * C + o] / (p.scale[i] * p.scale[i]);
            for (int64_t k = 0; k < p.rank; k++)
                for (int64_t j = 0; j < N; j++)
                    v += f[i * p.rank + k] / p.scale[i] * f[j * p.rank + k] / p.scale[j] * z[j * C + o];
            most = fmax(most, fabs(v - r[i * C + o]));
            size = fmax(size, fabs(r[i * C + o]));
        }
    assert_true(most < 1e-9 * size);
    agop__precondition_free(&p);
    agop__system_close(&s);
    free(f);
    free(r);
    free(z);
}

static void test_preconditioner__of_full_rank_is_the_matrix(void **state)
{
    double              *f, most = 0;
    agop__system         s = make(AGOP__SOLVER_CG, 0, 1, 4, AGOP_F64);
    agop__preconditioner p;
    (void)state;
    assert_int_equal(agop__precondition(&p, &s, 1e-2, 10 * N), AGOP_OK);
    assert_true(p.rank > N / 2 && p.rank <= N);
    f = normals(N * p.F.cols, 7);
    assert_int_equal(ctx->be->get(ctx->self, f, p.F.cols, AGOP_F64, &p.F, &ctx->err), AGOP_OK);
    for (int64_t i = 0; i < N; i += 7)
        for (int64_t j = 0; j < N; j += 5) {
            double k = 0, d2 = code[i] != code[j] ? 2 * .7 * .7 : 0;
            for (int64_t l = 0; l < p.rank; l++)
                k += f[i * p.F.cols + l] / p.scale[i] * f[j * p.F.cols + l] / p.scale[j];
            for (int l = 0; l < D; l++)
                d2 += (X[i * D + l] - X[j * D + l]) * (X[i * D + l] - X[j * D + l]);
            most = fmax(most, fabs(k - exp(-sqrt(d2) / 4)));
        }
    assert_true(most < 1e-4); /* the jitter of the blocks */
    agop__precondition_free(&p);
    agop__system_close(&s);
    free(f);
}

/* Many rows that are the same, and all of them: what is left of the trace is nothing long before the rank is. */
static void test_preconditioner__copes_with_rows_that_coincide(void **state)
{
    double        *x = normals(N * D, 8), *a = normals(N * C, 9);
    agop__solution one = {.alpha = a};
    (void)state;
    for (int distinct = 1; distinct <= 40; distinct += 39) {
        agop__system s;
        for (int64_t i = distinct; i < N; i++)
            memcpy(x + i * D, x + i % distinct * D, D * sizeof *x);
        s      = make(AGOP__SOLVER_CG, 0, 1, 4, AGOP_F32);
        s.x    = x;
        s.code = (const int32_t[N]){0};
        agop__system_close(&s);
        assert_int_equal(agop__system_prepare(&s, AGOP_F32), AGOP_OK);
        assert_int_equal(agop__solve(&one, &s, .1, AGOP__CLOSELY), AGOP_OK);
        assert_true(one.rank <= 256 && one.rank >= distinct && one.residual <= 1e-4);
        agop__system_close(&s);
    }
    free(a);
    free(x);
}

static void test_cg__what_single_cannot_double_does_and_a_singular_system_is_refused(void **state)
{
    double        *a = normals(N * C, 1);
    agop__solution one = {.alpha = a};
    agop__system   s = make(AGOP__SOLVER_CG, 0, 2, 8, AGOP_F32);
    (void)state;
    assert_int_equal(agop__solve(&one, &s, 1e-7, AGOP__CLOSELY), AGOP_OK);
    assert_int_equal(s.dtype, AGOP_F64);
    assert_true(one.residual <= 1e-4);
    assert_int_equal(agop__solve(&one, &s, 0, AGOP__CLOSELY), AGOP_E_NUMERIC);
    assert_non_null(strstr(ctx->err.text, "raise ridge (now 0)"));
    agop__system_close(&s);
    free(a);
}

static void test_cg__is_taken_where_it_pays(void **state)
{
    double          none[1];
    agop__solution  plain = {0}, loo = {.loo = none};
    agop__system    s = {.n = 1999, .memory = INT64_MAX};
    (void)state;
    assert_false(agop__cg_wanted(&s, &plain, AGOP__ROUGHLY));
    s.n = 2000;
    assert_true(agop__cg_wanted(&s, &plain, AGOP__ROUGHLY));
    assert_false(agop__cg_wanted(&s, &plain, AGOP__CLOSELY));
    assert_false(agop__cg_wanted(&s, &plain, AGOP__UNCHECKED));
    s.memory = 1;
    assert_true(agop__cg_wanted(&s, &plain, AGOP__CLOSELY));
    s.n = 20000;
    assert_false(agop__cg_wanted(&s, &loo, AGOP__CLOSELY));
    s.solver = AGOP__SOLVER_DIRECT;
    assert_false(agop__cg_wanted(&s, &plain, AGOP__CLOSELY));
    s.solver = AGOP__SOLVER_CG;
    s.n      = 5;
    assert_true(agop__cg_wanted(&s, &plain, AGOP__CLOSELY));
}

static int stop_at_once(void *user, const agop_progress *p)
{
    *(int *)user += p != NULL;
    return 1;
}

static void test_cg__stops_when_asked(void **state)
{
    double        *a = normals(N * C, 1);
    agop__solution one = {.alpha = a};
    agop__system   s = make(AGOP__SOLVER_CG, 0, 1, 4, AGOP_F32);
    int            calls = 0;
    (void)state;
    ctx->progress      = stop_at_once;
    ctx->progress_user = &calls;
    assert_int_equal(agop__solve(&one, &s, 1e-2, AGOP__CLOSELY), AGOP_E_STOPPED);
    assert_int_equal(calls, 1);
    ctx->progress = NULL;
    agop__system_close(&s);
    free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cg__solves_what_the_direct_way_solves),
        cmocka_unit_test(test_cg__a_good_guess_saves_steps_and_a_bad_one_costs_none),
        cmocka_unit_test(test_preconditioner__is_inverted_as_its_formula_says),
        cmocka_unit_test(test_preconditioner__of_full_rank_is_the_matrix),
        cmocka_unit_test(test_preconditioner__copes_with_rows_that_coincide),
        cmocka_unit_test(test_cg__what_single_cannot_double_does_and_a_singular_system_is_refused),
        cmocka_unit_test(test_cg__is_taken_where_it_pays),
        cmocka_unit_test(test_cg__stops_when_asked),
    };
    int failed;
    if (agop_open(&ctx, "cpu", 2) != AGOP_OK || agop__metric_identity(&identity, D, 1, levels, 0, &ctx->err) != AGOP_OK)
        return 1;
    X = normals(N * D, 21);
    Y = normals(N * C, 22);
    W = normals(N, 23);
    for (int i = 0; i < N; i++) {
        code[i] = i % 3;
        W[i]    = .5 + fabs(W[i]);
        Y[i * C + 2] = 0; /* an output with nothing to solve */
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    agop__metric_free(&identity);
    agop_close(ctx);
    free(X);
    free(Y);
    free(W);
    return failed;
}
