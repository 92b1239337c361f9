/* test_rng.c - Philox4x32-10 against the published answers, and what is made of its numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"

/* The known answers published with Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). */
static void test_philox__gives_the_published_answers(void **state)
{
    static const struct {
        uint32_t counter[4], key[2], want[4];
    } cases[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        uint32_t out[4];
        agop__philox(cases[i].counter, cases[i].key, out);
        for (int k = 0; k < 4; k++)
            assert_int_equal(out[k], cases[i].want[k]);
    }
}

static void test_rng__is_the_blocks_one_after_the_other(void **state)
{
    agop__rng r;
    uint32_t  counter[4] = {0, 0, 0x22222222, 0x11111111}, key[2] = {0x44444444, 0x33333333}, out[4];

    (void)state;
    agop__rng_seed(&r, 0x3333333344444444u, 0x1111111122222222u);
    for (uint32_t block = 0; block < 5; block++) {
        counter[0] = block;
        agop__philox(counter, key, out);
        for (int k = 0; k < 4; k++)
            assert_int_equal(agop__rng_u32(&r), out[k]);
    }
}

static void test_rng__the_counter_carries(void **state)
{
    agop__rng r;
    uint32_t  counter[4] = {0, 1, 0, 0}, key[2] = {9, 0}, out[4];

    (void)state;
    agop__rng_seed(&r, 9, 0);
    r.counter[0] = UINT32_MAX;
    for (int k = 0; k < 4; k++)
        (void)agop__rng_u32(&r);
    agop__philox(counter, key, out);
    assert_int_equal(agop__rng_u32(&r), out[0]);
}

static void test_rng__seeds_and_streams_differ_and_repeat(void **state)
{
    agop__rng a, b, c, d;

    (void)state;
    agop__rng_seed(&a, 1, 0);
    agop__rng_seed(&b, 1, 0);
    agop__rng_seed(&c, 2, 0);
    agop__rng_seed(&d, 1, 1);
    for (int i = 0, other_seed = 0, other_stream = 0; i < 100; i++) {
        uint32_t v = agop__rng_u32(&a);
        assert_int_equal(v, agop__rng_u32(&b));
        other_seed += v == agop__rng_u32(&c);
        other_stream += v == agop__rng_u32(&d);
        assert_true(other_seed == 0 && other_stream == 0);
    }
}

static void test_uniform__lies_in_the_unit_interval_with_its_moments(void **state)
{
    agop__rng r;
    double    sum = 0, square = 0, low = 1, high = 0;
    int       n = 100000;

    (void)state;
    agop__rng_seed(&r, 42, 0);
    for (int i = 0; i < n; i++) {
        double v = agop__rng_uniform(&r);
        assert_true(v >= 0 && v < 1);
        low  = v < low ? v : low;
        high = v > high ? v : high;
        sum += v;
        square += v * v;
    }
    /* five standard errors: sqrt(1/12 / n) and sqrt(4/45 / n) */
    assert_true(sum / n > .5 - .0046 && sum / n < .5 + .0046);
    assert_true(square / n > 1.0 / 3 - .0048 && square / n < 1.0 / 3 + .0048);
    assert_true(low < 1e-3 && high > 1 - 1e-3);
}

static double chi_square(int64_t n, int draws, uint64_t seed)
{
    static int64_t count[1000];
    agop__rng      r;
    double         sum = 0, want = (double)draws / (double)n;

    assert_true(n <= 1000);
    memset(count, 0, sizeof count);
    agop__rng_seed(&r, seed, 0);
    for (int i = 0; i < draws; i++) {
        int64_t v = agop__rng_below(&r, n);
        assert_true(v >= 0 && v < n);
        count[v]++;
    }
    for (int64_t k = 0; k < n; k++)
        sum += ((double)count[k] - want) * ((double)count[k] - want) / want;
    return sum;
}

/* The seeds are fixed, so this either always passes or never; the bounds are the 0.0005 and 0.9995 quantiles of
 * chi-square with n - 1 degrees of freedom, from a table. */
static void test_below__is_uniform(void **state)
{
    double x;

    (void)state;
    x = chi_square(2, 20000, 7);
    assert_true(x < 12.1);
    x = chi_square(7, 70000, 8);
    assert_true(x > .299 && x < 24.1);
    x = chi_square(100, 200000, 9);
    assert_true(x > 59.1 && x < 151.9);
    x = chi_square(1000, 500000, 10);
    assert_true(x > 858.4 && x < 1152.7);
}

static void test_below__of_one_is_zero_and_of_all_fits(void **state)
{
    agop__rng r;
    int       upper = 0;

    (void)state;
    agop__rng_seed(&r, 3, 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(agop__rng_below(&r, 1), 0);
    for (int i = 0; i < 1000; i++) {
        int64_t v = agop__rng_below(&r, INT64_MAX);
        assert_true(v >= 0 && v < INT64_MAX);
        upper += v > INT64_MAX / 2;
    }
    assert_true(upper > 400 && upper < 600); /* all 63 bits are used */
}

static void test_shuffle__is_a_permutation(void **state)
{
    int64_t   v[1000], moved = 0;
    char      seen[1000];
    agop__rng r;

    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        int64_t n = seed < 5 ? (int64_t)seed : 50 * (int64_t)seed;
        memset(seen, 0, sizeof seen);
        for (int64_t i = 0; i < n; i++)
            v[i] = i;
        agop__rng_seed(&r, seed, 0);
        agop__rng_shuffle(&r, v, n);
        for (int64_t i = 0; i < n; i++) {
            assert_true(v[i] >= 0 && v[i] < n && !seen[v[i]]);
            seen[v[i]] = 1;
            moved += v[i] != i;
        }
    }
    assert_true(moved > 7000);
}

/* All 24 orders of four, each about as often: the classic wrong shuffle (j below n, not i + 1) fails this by far. */
static void test_shuffle__all_orders_are_equally_likely(void **state)
{
    int       count[256] = {0}, orders = 0, draws = 24000;
    double    sum = 0;
    agop__rng r;

    (void)state;
    agop__rng_seed(&r, 5, 0);
    for (int i = 0; i < draws; i++) {
        int64_t v[4] = {0, 1, 2, 3};
        agop__rng_shuffle(&r, v, 4);
        count[v[0] | v[1] << 2 | v[2] << 4 | v[3] << 6]++;
    }
    for (int k = 0; k < 256; k++)
        if (count[k]) {
            orders++;
            sum += (count[k] - 1000.0) * (count[k] - 1000.0) / 1000.0;
        }
    assert_int_equal(orders, 24);
    assert_true(sum > 6.92 && sum < 52.0); /* 23 degrees of freedom */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_philox__gives_the_published_answers),
        cmocka_unit_test(test_rng__is_the_blocks_one_after_the_other),
        cmocka_unit_test(test_rng__the_counter_carries),
        cmocka_unit_test(test_rng__seeds_and_streams_differ_and_repeat),
        cmocka_unit_test(test_uniform__lies_in_the_unit_interval_with_its_moments),
        cmocka_unit_test(test_below__is_uniform),
        cmocka_unit_test(test_below__of_one_is_zero_and_of_all_fits),
        cmocka_unit_test(test_shuffle__is_a_permutation),
        cmocka_unit_test(test_shuffle__all_orders_are_equally_likely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
