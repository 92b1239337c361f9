/* test_solve.c - against refits, repeated rows and plain loops, and on systems made hard on purpose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "numbers.h"
#include "base/memory.h"
#include "solve/solve.h"

enum { N = 60, D = 3, C = 2 };
static agop_ctx    *ctx;
static agop__metric identity;

static agop__system system_of(const double *x, const double *Y, const double *weight, int64_t n, double q, double L,
                              int32_t dtype)
{
    agop__system s = {.ctx = ctx, .metric = &identity,
                      .shape = {.kind = AGOP__L2, .exponent = q, .bandwidth = L, .height = .7},
                      .x = x, .Y = Y, .weight = weight,
                      .n = n, .c = C, .x_dtype = AGOP_F64, .memory = INT64_MAX, .tolerance = 1e-6};
    assert_int_equal(agop__system_prepare(&s, dtype), AGOP_OK);
    return s;
}

static double kernel(const double *a, const double *b, double q, double L)
{
    double s = 0;
    for (int k = 0; k < D; k++)
        s += (a[k] - b[k]) * (a[k] - b[k]);
    return exp(-pow(sqrt(s) / L, q));
}

/* |Y - (K + ridge/w) alpha| / |Y| by plain loops, worst column. */
static double plain_residual(const double *x, const double *Y, const double *alpha, const double *w, int64_t n,
                             double ridge, double q, double L)
{
    double most = 0;
    for (int o = 0; o < C; o++) {
        double above = 0, below = 0;
        for (int64_t i = 0; i < n; i++) {
            double r = Y[i * C + o] - ridge / (w ? w[i] : 1) * alpha[i * C + o];
            for (int64_t j = 0; j < n; j++)
                r -= kernel(x + i * D, x + j * D, q, L) * alpha[j * C + o];
            above += r * r;
            below += Y[i * C + o] * Y[i * C + o];
        }
        most = fmax(most, sqrt(above / below));
    }
    return most;
}

static void test_solve__the_residual_told_is_the_true_one(void **state)
{
    double        *x = normals(N * D, 1), *Y = normals(N * C, 2), alpha[N * C];
    agop__system   s   = system_of(x, Y, NULL, N, 1, 3, AGOP_F64);
    agop__solution one = {.alpha = alpha};
    (void)state;
    assert_int_equal(agop__solve(&one, &s, 1e-2, AGOP__CLOSELY), AGOP_OK);
    assert_true(one.residual >= 0 && one.residual < 1e-12);
    assert_true(plain_residual(x, Y, alpha, NULL, N, 1e-2, 1, 3) < 1e-12);
    agop__system_close(&s);
    free(x);
    free(Y);
}

static void test_solve__leave_one_out_is_what_refitting_gives(void **state)
{
    double *x = normals(N * D, 3), *Y = normals(N * C, 4), *w = normals(N, 5), alpha[N * C], loo[N * C];
    for (int weighted = 0; weighted < 2; weighted++) {
        agop__solution all = {.alpha = alpha, .loo = loo};
        agop__system   s;
        (void)state;
        for (int i = 0; i < N; i++)
            w[i] = .5 + fabs(w[i]);
        s = system_of(x, Y, weighted ? w : NULL, N, 1, 2, AGOP_F64);
        assert_int_equal(agop__solve(&all, &s, .05, AGOP__CLOSELY), AGOP_OK);
        if (weighted) { /* the last rows alone are the same */
            double         last[N * C];
            agop__solution some = {.alpha = alpha, .loo = last, .loo_first = 37};
            assert_int_equal(agop__solve(&some, &s, .05, AGOP__CLOSELY), AGOP_OK);
            assert_true(apart(last + 37 * C, loo + 37 * C, (N - 37) * C) < 1e-12);
        }
        for (int left = 0; left < N; left += 7) { /* the rest without row `left` */
            double         xr[N * D], Yr[N * C], wr[N], ar[N * C], f[C];
            int            k   = 0;
            agop__solution one = {.alpha = ar};
            agop__system   r;
            for (int i = 0; i < N; i++)
                if (i != left) {
                    memcpy(xr + k * D, x + i * D, D * sizeof *x);
                    memcpy(Yr + k * C, Y + i * C, C * sizeof *Y);
                    wr[k++] = w[i];
                }
            r = system_of(xr, Yr, weighted ? wr : NULL, N - 1, 1, 2, AGOP_F64);
            assert_int_equal(agop__solve(&one, &r, .05, AGOP__CLOSELY), AGOP_OK);
            assert_int_equal(agop__apply(f, &r, x + left * D, NULL, 1, ar), AGOP_OK);
            for (int o = 0; o < C; o++)
                assert_true(fabs(Y[left * C + o] - f[o] - loo[left * C + o]) < 1e-11);
            agop__system_close(&r);
        }
        agop__system_close(&s);
    }
    free(x);
    free(Y);
    free(w);
}

static void test_solve__a_weight_of_two_is_a_row_twice(void **state)
{
    double        *x = normals((N + 1) * D, 6), *Y = normals((N + 1) * C, 7), *z = normals(9 * D, 8), w[N];
    double         a1[N * C], a2[(N + 1) * C], f1[9 * C], f2[9 * C];
    agop__solution one = {.alpha = a1}, two = {.alpha = a2};
    agop__system   s, t;
    (void)state;
    for (int i = 0; i < N; i++)
        w[i] = i == 11 ? 2 : 1;
    memcpy(x + N * D, x + 11 * D, D * sizeof *x);
    memcpy(Y + N * C, Y + 11 * C, C * sizeof *Y);
    s = system_of(x, Y, w, N, 1, 2, AGOP_F64);
    t = system_of(x, Y, NULL, N + 1, 1, 2, AGOP_F64);
    assert_int_equal(agop__solve(&one, &s, .1, AGOP__CLOSELY), AGOP_OK);
    assert_int_equal(agop__solve(&two, &t, .1, AGOP__CLOSELY), AGOP_OK);
    assert_int_equal(agop__apply(f1, &s, z, NULL, 9, a1), AGOP_OK);
    assert_int_equal(agop__apply(f2, &t, z, NULL, 9, a2), AGOP_OK);
    assert_true(apart(f1, f2, 9 * C) < 1e-11);
    agop__system_close(&s);
    agop__system_close(&t);
    free(x);
    free(Y);
    free(z);
}

static void test_solve__single_is_refined_to_a_small_residual(void **state)
{
    double        *x = normals(N * D, 9), *Y = normals(N * C, 10), alpha[N * C];
    agop__system   s   = system_of(x, Y, NULL, N, 1, 20, AGOP_F32);
    agop__solution one = {.alpha = alpha};
    (void)state;
    assert_int_equal(agop__solve(&one, &s, 1e-3, AGOP__CLOSELY), AGOP_OK);
    assert_int_equal(s.dtype, AGOP_F32);
    assert_true(one.refinements > 0);
    assert_true(one.residual <= 1e-6);
    assert_int_equal(agop__solve(&one, &s, 1e-3, AGOP__ROUGHLY), AGOP_OK); /* good enough for a metric */
    assert_int_equal(one.refinements, 0);
    assert_true(one.residual > 1e-6 && one.residual <= 2e-3);
    assert_int_equal(agop__solve(&one, &s, 1e-3, AGOP__CLOSELY), AGOP_OK);
    /* the points themselves were rounded to single: the true system differs by that much, and no more */
    assert_true(plain_residual(x, Y, alpha, NULL, N, 1e-3, 1, 20) < 1e-3);
    agop__system_close(&s);
    free(x);
    free(Y);
}

/* A Gaussian kernel matrix with a ridge far below single rounding is not positive definite in single. */
static void test_solve__what_single_cannot_double_does(void **state)
{
    double        *x = normals(N * D, 11), *Y = normals(N * C, 12), alpha[N * C];
    agop__system   s   = system_of(x, Y, NULL, N, 2, 30, AGOP_F32);
    agop__solution one = {.alpha = alpha};
    (void)state;
    assert_int_equal(agop__solve(&one, &s, 1e-9, AGOP__UNCHECKED), AGOP_E_NUMERIC); /* a candidate: no second attempt */
    assert_int_equal(s.dtype, AGOP_F32);
    assert_int_equal(agop__solve(&one, &s, 1e-9, AGOP__ROUGHLY), AGOP_OK);
    assert_int_equal(s.dtype, AGOP_F64);
    assert_true(one.residual <= 1e-4);
    assert_true(plain_residual(x, Y, alpha, NULL, N, 1e-9, 2, 30) < 1e-4);
    agop__system_close(&s);
    free(x);
    free(Y);
}

static void test_solve__the_wider_system_keeps_the_memory_promise(void **state)
{
    enum { MANY = 600 }; /* matrices far larger than what the heap keeps or gives back beside them */
    double        *x = normals(MANY * D, 11), *Y = normals(MANY * C, 12), *alpha = normals(MANY * C, 13);
    agop__system   s   = system_of(x, Y, NULL, MANY, 2, 30, AGOP_F32);
    agop__solution one = {.alpha = alpha};
    (void)state;
    s.memory = agop__held_bytes() + MANY * MANY * 6;
    assert_int_equal(agop__solve(&one, &s, 1e-9, AGOP__CLOSELY), AGOP_E_NUMERIC);
    assert_non_null(strstr(ctx->err.text, "raise ridge"));
    assert_int_equal(agop__solve(&one, &s, 1, AGOP__CLOSELY), AGOP_OK); /* a larger ridge can still be tried */
    agop__system_close(&s);
    free(x);
    free(Y);
    free(alpha);
}

static void test_solve__a_singular_system_is_refused_with_its_ridge(void **state)
{
    double        *x = normals(N * D, 13), *Y = normals(N * C, 14), alpha[N * C];
    agop__solution one = {.alpha = alpha};
    agop__system   s;
    (void)state;
    memcpy(x + 20 * D, x + 5 * D, D * sizeof *x); /* rows 6 and 21 coincide */
    s = system_of(x, Y, NULL, N, 1, 2, AGOP_F32);
    assert_int_equal(agop__solve(&one, &s, 0, AGOP__CLOSELY), AGOP_E_NUMERIC);
    assert_non_null(strstr(ctx->err.text, "raise ridge (now 0)"));
    agop__system_close(&s);
    free(x);
    free(Y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_solve__the_residual_told_is_the_true_one),
        cmocka_unit_test(test_solve__leave_one_out_is_what_refitting_gives),
        cmocka_unit_test(test_solve__a_weight_of_two_is_a_row_twice),
        cmocka_unit_test(test_solve__single_is_refined_to_a_small_residual),
        cmocka_unit_test(test_solve__what_single_cannot_double_does),
        cmocka_unit_test(test_solve__the_wider_system_keeps_the_memory_promise),
        cmocka_unit_test(test_solve__a_singular_system_is_refused_with_its_ridge),
    };
    int failed;
    if (agop_open(&ctx, "cpu", 2) != AGOP_OK)
        return 1;
    if (agop__metric_identity(&identity, D, 0, NULL, 0, &ctx->err) != AGOP_OK)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    agop__metric_free(&identity);
    agop_close(ctx);
    return failed;
}
