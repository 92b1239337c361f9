/* test_exp.c - our exponential and power against long double, for every instruction set that this machine has. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/cpu/cpu_kernel.h"
#include "base/rng.h"

/* Calls fact(loops, is_double) for every instruction set and precision; at least the baseline is always there. */
static void for_all(void (*fact)(const agop__cpu_loops *f, int is_double))
{
    static const char *const sets[] = {"baseline", "avx2", "avx512"};
    agop__err                e      = {0};

    for (int i = 0; i < 3; i++) {
        const agop__cpu_loops *const *loops = NULL;
        agop_status                   st    = agop__cpu_dispatch(&loops, sets[i], &e);
        if (st != AGOP_OK) {
            assert_int_equal(st, AGOP_E_UNSUPPORTED);
            assert_int_not_equal(i, 0);
            printf("not here: %s\n", sets[i]);
            continue;
        }
        for (int d = 0; d < 2; d++) {
            assert_string_equal(loops[d]->isa, sets[i]);
            fact(loops[d], d);
        }
    }
}

/* f of one number, through a whole vector of them. */
static double one_exp(const agop__cpu_loops *f, int is_double, double x)
{
    double d;
    float  s, xs = (float)x;

    if (is_double) {
        f->exp(&d, &x, 1);
        return d;
    }
    f->exp(&s, &xs, 1);
    return (double)s;
}

static double one_pow(const agop__cpu_loops *f, int is_double, double x, double c)
{
    double d;
    float  s, xs = (float)x;

    if (is_double) {
        f->pow(&d, &x, c, 1);
        return d;
    }
    f->pow(&s, &xs, c, 1);
    return (double)s;
}

/* Distance from the exact value in units of its last place. */
static double ulps(double got, long double exact, int is_double)
{
    int         e;
    long double spacing;

    (void)frexpl(exact, &e);
    spacing = ldexpl(1, e - (is_double ? DBL_MANT_DIG : FLT_MANT_DIG));
    return (double)(fabsl((long double)got - exact) / spacing);
}

static double next_sample(agop__rng *r, int is_double)
{
    /* half of them spread over the whole range, half where kernels live */
    double x = -agop__rng_uniform(r) * (agop__rng_below(r, 2) ? 20 : is_double ? 708.39 : 87.33);
    return is_double ? x : (double)(float)x;
}

static void exp_is_accurate(const agop__cpu_loops *f, int is_double)
{
    agop__rng r;
    double    worst = 0, at = 0;

    agop__rng_seed(&r, 3, 3);
    for (int i = 0; i < 400000; i++) {
        double x = next_sample(&r, is_double), u = ulps(one_exp(f, is_double, x), expl((long double)x), is_double);
        if (!(u <= worst)) {
            worst = u;
            at    = x;
        }
    }
    printf("exp %s %s: %.3f ulp at %.17g\n", f->isa, is_double ? "f64" : "f32", worst, at);
    assert_true(worst <= 1.25);
}

static void test_exp__error_is_about_one_ulp_over_the_whole_range(void **state)
{
    (void)state;
    for_all(exp_is_accurate);
}

static void exp_has_edges(const agop__cpu_loops *f, int is_double)
{
    const double smallest = is_double ? DBL_MIN : (double)FLT_MIN;
    const double low      = is_double ? -708.3964185322641 : (double)-87.33654022216797f;

    assert_true(one_exp(f, is_double, 0) == 1);
    assert_true(one_exp(f, is_double, -0.0) == 1);
    assert_true(one_exp(f, is_double, low) >= smallest);
    assert_true(one_exp(f, is_double, low) <= smallest * 1.0001);
    assert_true(one_exp(f, is_double, is_double ? nextafter(low, -1e9) : (double)nextafterf((float)low, -1e9f)) == 0);
    assert_true(one_exp(f, is_double, -1e4) == 0);
    assert_true(one_exp(f, is_double, -3e38) == 0);
    assert_true(one_exp(f, is_double, -INFINITY) == 0);
    assert_true(isnan(one_exp(f, is_double, NAN)));
    assert_true(one_exp(f, is_double, -1e-30) == 1);
}

static void test_exp__below_the_normal_numbers_is_zero_and_nan_stays(void **state)
{
    (void)state;
    for_all(exp_has_edges);
}

enum { LONGEST = 70 };

static void exp_ignores_position(const agop__cpu_loops *f, int is_double)
{
    size_t        size = is_double ? sizeof(double) : sizeof(float);
    unsigned char in[LONGEST * 8 + 8], out[LONGEST * 8 + 8], alone[8];
    agop__rng     r;

    agop__rng_seed(&r, 4, 4);
    for (int n = 1; n <= LONGEST; n++) {
        for (int i = 0; i < n; i++) {
            double x = next_sample(&r, is_double);
            float  s = (float)x;
            memcpy(in + (size_t)i * size, is_double ? (void *)&x : (void *)&s, size);
        }
        memset(out, 0x5A, sizeof out);
        f->exp(out, in, n);
        for (int i = 0; i < n; i++) {
            f->exp(alone, in + (size_t)i * size, 1);
            assert_memory_equal(alone, out + (size_t)i * size, size);
        }
        assert_int_equal(out[(size_t)n * size], 0x5A); /* and nothing behind the end is touched */
    }
}

static void test_exp__bits_do_not_depend_on_the_position(void **state)
{
    (void)state;
    for_all(exp_ignores_position);
}

static void exp_does_not_rise(const agop__cpu_loops *f, int is_double)
{
    double before = 2;

    /* by steps of one, then over the seams between powers of two */
    for (int i = 0; i <= 2000; i++) {
        double x = -(double)i * 0.02, y = one_exp(f, is_double, x);
        assert_true(y < before);
        before = y;
    }
}

static void test_exp__is_strictly_decreasing_on_a_grid(void **state)
{
    (void)state;
    for_all(exp_does_not_rise);
}

static void pow_is_accurate(const agop__cpu_loops *f, int is_double)
{
    static const double powers[] = {0.25, 0.35, 0.45, 0.7, 0.95, 1, 1.4, -0.5, -0.3};
    agop__rng           r;
    double              worst = 0;

    agop__rng_seed(&r, 5, 5);
    for (size_t p = 0; p < sizeof powers / sizeof powers[0]; p++)
        for (int i = 0; i < 50000; i++) {
            double c = is_double ? powers[p] : (double)(float)powers[p];
            double x = exp((agop__rng_uniform(&r) * 2 - 1) * (i % 2 ? 2 : is_double ? 400 : 40));
            double u;
            if (!is_double)
                x = (double)(float)x;
            u     = ulps(one_pow(f, is_double, x, c), powl((long double)x, (long double)c), is_double);
            worst = u <= worst ? worst : u;
        }
    printf("pow %s %s: %.3f ulp\n", f->isa, is_double ? "f64" : "f32", worst);
    assert_true(worst <= 3);
}

static void test_pow__error_is_a_few_ulp_however_large_the_argument(void **state)
{
    (void)state;
    for_all(pow_is_accurate);
}

static void pow_has_edges(const agop__cpu_loops *f, int is_double)
{
    assert_true(one_pow(f, is_double, 0, 0.35) == 0);
    assert_true(one_pow(f, is_double, 0, -0.35) == 0);
    assert_true(one_pow(f, is_double, 1, 0.35) == 1);
    assert_true(one_pow(f, is_double, is_double ? 1e-310 : 1e-40, 0.35) == 0);
    assert_true(one_pow(f, is_double, is_double ? 1e-250 : 1e-30, 1.9) == 0);
    assert_true(isinf(one_pow(f, is_double, is_double ? 1e250 : 1e30, 1.9)));
    assert_true(isinf(one_pow(f, is_double, INFINITY, 0.35)));
    assert_true(isnan(one_pow(f, is_double, NAN, 0.35)));
}

static void test_pow__zero_stays_zero_and_the_ends_saturate(void **state)
{
    (void)state;
    for_all(pow_has_edges);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp__error_is_about_one_ulp_over_the_whole_range),
        cmocka_unit_test(test_exp__below_the_normal_numbers_is_zero_and_nan_stays),
        cmocka_unit_test(test_exp__bits_do_not_depend_on_the_position),
        cmocka_unit_test(test_exp__is_strictly_decreasing_on_a_grid),
        cmocka_unit_test(test_pow__error_is_a_few_ulp_however_large_the_argument),
        cmocka_unit_test(test_pow__zero_stays_zero_and_the_ends_saturate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
