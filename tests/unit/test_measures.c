/* test_measures.c - every measure against SciPy or NumPy on a small table with ties, against loops over all pairs on
 * larger ones, and by what must not change it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "depend/measures.h"
#include "depend/tails.h"
#include "fail_alloc.h"
#include "numbers.h"

enum { N = 12, MANY = 300 };

static const double X[N] = {1.5, 2, 2, 3.25, -1, 0, 0, 4.5, 7, 2.75, -3, 5.5};
static const double Y[N] = {2, 1, 3, 3, -.5, 1, .25, 10, 6, 3, 8, -2};
static const double DISTINCT[N] = {1.5, 2, 2.1, 3.25, -1, 0, .5, 4.5, 7, 2.75, -3, 5.5};
static agop__err    err;

static void near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.15g is not %.15g", a, b);
}

/* Every measure, by number. */
enum { PEARSON, SPEARMAN, DISTANCE, CORRECTED, XI, HSIC, FEATURES, MEASURES };

static agop_status take(agop__measured *out, int measure, const double *x, const double *y, int64_t n)
{
    agop__hsic_how how = {.exact = measure == HSIC ? n : 0, .features = 40, .seed = 3};

    switch (measure) {
    case PEARSON: return agop__pearson(out, x, y, n, &err);
    case SPEARMAN: return agop__spearman(out, x, y, n, &err);
    case DISTANCE: return agop__distance_correlation(out, x, y, n, 0, &err);
    case CORRECTED: return agop__distance_correlation(out, x, y, n, 1, &err);
    case XI: return agop__xi(out, x, y, n, 3, &err);
    default: return agop__hsic(out, x, y, n, &how, &err);
    }
}

static agop__measured of(int measure, const double *x, const double *y, int64_t n)
{
    agop__measured out;

    assert_int_equal(take(&out, measure, x, y, n), AGOP_OK);
    return out;
}

/* x normal, some equal; y = x^2 and noise. */
static void parabola(double *x, double *y, int64_t n)
{
    double *z = normals(2 * n, 11);

    for (int64_t i = 0; i < n; i++) {
        x[i] = i % 3 ? z[i] : .5 * rint(2 * z[i]);
        y[i] = x[i] * x[i] + .5 * z[n + i];
    }
    free(z);
}

/* scipy.stats.pearsonr, spearmanr */
static void test_correlations__are_scipys(void **state)
{
    agop__measured r = of(PEARSON, X, Y, N), s = of(SPEARMAN, X, Y, N);
    (void)state;
    near(r.value, .09629437187802113, 1e-14);
    near(r.log10p, log10(.7659310539408577), 1e-12);
    near(s.value, .23009173911856545, 1e-14);
    near(s.log10p, log10(.4718723639590455), 1e-12);
}

static void test_pearson__of_a_line_is_one(void **state)
{
    double z[N];
    (void)state;
    for (int i = 0; i < N; i++)
        z[i] = 1e9 - 3 * X[i];
    near(of(PEARSON, X, z, N).value, -1, 1e-12);
    assert_true(of(PEARSON, X, X, N).log10p < -60);
    near(of(SPEARMAN, X, z, N).value, -1, 1e-12);
}

/* A, B distances centred in rows and columns: sqrt((A*B).sum()/sqrt((A*A).sum()*(B*B).sum())); U-centred without the
 * root; scipy.stats.chi2.logsf(12*value + 1, 1)/numpy.log(10). */
static void test_distance__is_numpys(void **state)
{
    (void)state;
    near(of(DISTANCE, X, Y, N).value, .5239516540923213, 1e-13);
    near(of(CORRECTED, X, Y, N).value, -.07526044888174982, 1e-13);
    near(of(CORRECTED, X, Y, N).log10p, -.12170060471440285, 1e-12);
    near(of(DISTANCE, X, Y, N).log10p, -.12170060471440285, 1e-12);
}

/* Distances a_ij doubly centred, as the definition has it. */
static void centre(double *a, const double *v, int64_t n)
{
    double *mean = calloc((size_t)n, sizeof *mean), all = 0;

    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            mean[i] += fabs(v[i] - v[j]) / (double)n;
    for (int64_t i = 0; i < n; i++)
        all += mean[i] / (double)n;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            a[i * n + j] = fabs(v[i] - v[j]) - mean[i] - mean[j] + all;
    free(mean);
}

static void test_distance__agrees_with_all_pairs(void **state)
{
    double  x[MANY], y[MANY], ab = 0, aa = 0, bb = 0;
    double *a = calloc(2 * MANY * MANY, sizeof *a), *b = a + MANY * MANY;
    (void)state;
    parabola(x, y, MANY);
    centre(a, x, MANY);
    centre(b, y, MANY);
    for (int k = 0; k < MANY * MANY; k++) {
        ab += a[k] * b[k];
        aa += a[k] * a[k];
        bb += b[k] * b[k];
    }
    near(of(DISTANCE, x, y, MANY).value, sqrt(ab / sqrt(aa * bb)), 1e-12);
    free(a);
}

/* Worked by the formulas of Chatterjee (2021), theorem 2.2, in NumPy; rows' x are distinct, so nothing is drawn. */
static void test_xi__is_numpys(void **state)
{
    double         y[N];
    agop__measured ties = of(XI, DISTINCT, Y, N), none;
    (void)state;
    near(ties.value, .05594405594405594, 1e-14);
    near(ties.log10p, -.41206040310790687, 1e-12);
    for (int i = 0; i < N; i++)
        y[i] = Y[i] + 1e-3 * i;
    none = of(XI, DISTINCT, y, N);
    near(none.value, -.027972027972027913, 1e-14);
    near(none.log10p, -.2511274814384344, 1e-12);
}

/* Where y rises with x, xi = (n - 2)/(n + 1). */
static void test_xi__of_a_rising_function(void **state)
{
    double y[N];
    (void)state;
    for (int i = 0; i < N; i++)
        y[i] = exp(DISTINCT[i]);
    near(of(XI, DISTINCT, y, N).value, (N - 2.) / (N + 1), 1e-14);
}

/* H K H and H L H in NumPy; scipy.stats.gamma.logsf(n*HSIC, mean**2/var, scale=n*var/mean)/numpy.log(10). */
static void test_hsic__is_numpys(void **state)
{
    agop__measured h = of(HSIC, X, Y, N);
    (void)state;
    near(h.value, .022042570316428797, 1e-14);
    near(h.log10p, -.7897472373560127, 1e-11);
}

/* 2,000 features: the standard error of a kernel value is 1/sqrt(1000) at most. */
static void test_hsic__by_features_comes_near(void **state)
{
    double         x[MANY], y[MANY];
    agop__hsic_how how = {.exact = 0, .features = 2000, .seed = 5};
    agop__measured exact, near_it;
    (void)state;
    parabola(x, y, MANY);
    exact = of(HSIC, x, y, MANY);
    assert_int_equal(agop__hsic(&near_it, x, y, MANY, &how, &err), AGOP_OK);
    near(near_it.value / exact.value, 1, .1);
    near(near_it.log10p / exact.log10p, 1, .15);
    assert_true(exact.log10p < -10);
}

/* Nothing depends on origin or unit, and only xi on the order of rows where x are equal. */
static void test_measures__forget_origin_unit_and_order(void **state)
{
    double x[MANY], y[MANY], u[MANY], v[MANY];
    (void)state;
    parabola(x, y, MANY);
    for (int i = 0; i < MANY; i++) {
        u[i] = 1000 + 16 * x[MANY - 1 - i];
        v[i] = .25 * y[MANY - 1 - i] - 7;
    }
    for (int m = 0; m < MEASURES; m++) {
        agop__measured a = of(m, x, y, MANY), b = of(m, u, v, MANY);
        near(a.value, b.value, m == XI ? .1 : 1e-9);
        near(a.log10p, b.log10p, m == XI ? 10 : 1e-6 * fabs(a.log10p));
    }
}

static void test_measures__see_a_parabola_that_a_line_does_not(void **state)
{
    double x[MANY], y[MANY];
    (void)state;
    parabola(x, y, MANY);
    for (int m = DISTANCE; m < MEASURES; m++)
        assert_true(of(m, x, y, MANY).log10p < -6);
    assert_true(of(PEARSON, x, y, MANY).log10p > -4);
}

/* Of 1,000 independent pairs of columns, with ties or without, p < .05 has a share within four standard errors of its
 * level; the bounds of distance correlation, and gammas by features, only stay below that. */
static void test_measures__are_seldom_significant_when_independent(void **state)
{
    enum { PAIRS = 1000, ROWS = 60 };
    double *z = normals(2 * PAIRS * ROWS, 17), limit = 4 * sqrt(.05 * .95 / PAIRS);
    (void)state;
    for (int rounded = 0; rounded < 2; rounded++)
        for (int m = 0; m < MEASURES; m++) {
            double below = 0;
            for (int64_t p = 0; p < PAIRS; p++) {
                double x[ROWS], y[ROWS];
                for (int i = 0; i < ROWS; i++) {
                    x[i] = z[(2 * p) * ROWS + i];
                    y[i] = z[(2 * p + 1) * ROWS + i];
                    y[i] = rounded ? floor(y[i]) : y[i];
                }
                below += of(m, x, y, ROWS).log10p < log10(.05);
            }
            below /= PAIRS;
            if (!(below <= .05 + limit && below >= (m == DISTANCE || m == CORRECTED ? .02 : .05 - limit)))
                fail_msg("measure %d, rounded %d: %g", m, rounded, below);
        }
    free(z);
}

static void test_measures__of_a_constant_are_zero(void **state)
{
    static const double same[N] = {.1, .1, .1, .1, .1, .1, .1, .1, .1, .1, .1, .1};
    (void)state;
    for (int m = 0; m < MEASURES; m++) {
        assert_true(of(m, X, same, N).value == 0 && isnan(of(m, X, same, N).log10p));
        assert_true(of(m, same, X, N).value == 0 && isnan(of(m, same, X, N).log10p));
    }
}

static void test_measures__without_memory_say_so(void **state)
{
    agop__measured out;
    (void)state;
    for (int m = 0; m < MEASURES; m++) {
        int failed = 1;
        for (int64_t n = 1; failed; n++) {
            fail_alloc_arm(n);
            agop_status st = take(&out, m, X, Y, N);
            failed         = fail_alloc_disarm();
            assert_int_equal(st, failed ? AGOP_E_NOMEM : AGOP_OK);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_correlations__are_scipys),
        cmocka_unit_test(test_pearson__of_a_line_is_one),
        cmocka_unit_test(test_distance__is_numpys),
        cmocka_unit_test(test_distance__agrees_with_all_pairs),
        cmocka_unit_test(test_xi__is_numpys),
        cmocka_unit_test(test_xi__of_a_rising_function),
        cmocka_unit_test(test_hsic__is_numpys),
        cmocka_unit_test(test_hsic__by_features_comes_near),
        cmocka_unit_test(test_measures__forget_origin_unit_and_order),
        cmocka_unit_test(test_measures__see_a_parabola_that_a_line_does_not),
        cmocka_unit_test(test_measures__are_seldom_significant_when_independent),
        cmocka_unit_test(test_measures__of_a_constant_are_zero),
        cmocka_unit_test(test_measures__without_memory_say_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
