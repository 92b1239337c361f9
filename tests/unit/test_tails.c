/* test_tails.c - tail probabilities against SciPy, closed forms and published tables; a score's p-value against the
 * laws it must have in the cases that are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "backend/backend.h"
#include "depend/tails.h"
#include "numbers.h"

/* log10 of probabilities: `digits` is the relative error of the probability itself. */
static void near(double log10p, double truth, double relative)
{
    double most = relative / log(10) + 4e-16 * fabs(truth);

    if (!(fabs(log10p - truth) <= most))
        fail_msg("log10 p = %.15g, not %.15g", log10p, truth);
}

static agop__null column(int terms, const double *corr)
{
    agop__null a;

    agop__null_make(&a, corr, terms);
    return a;
}

/* Correlations rho^|i-j|. */
static agop__null chain(int terms, double rho)
{
    double corr[AGOP__TERMS_MOST * AGOP__TERMS_MOST];

    for (int i = 0; i < terms; i++)
        for (int j = 0; j < terms; j++)
            corr[i * terms + j] = pow(rho, i > j ? i - j : j - i);
    return column(terms, corr);
}

static double largest(const agop__null *x, const agop__null *y, double u)
{
    return agop__max_log10p(x, y, &u, 1, 0);
}

/* ---- single numbers ---- */

/* numpy.log10(2) + scipy.stats.norm.logsf(z)/numpy.log(10) */
static void test_normal__tails_are_scipys(void **state)
{
    static const double z[] = {0, 1, 5, 37, 100};
    static const double truth[] = {0, -.49851554582798957, -6.241615676726674, -298.94115118294604,
                                   -2173.5705128733707};
    (void)state;
    for (int k = 0; k < 5; k++)
        assert_true(fabs(agop__normal_log10p(z[k]) + log10(2) - truth[k]) <= 3e-13 * (1 + fabs(truth[k])));
    assert_true(agop__normal_log10p(-40) == 0);
}

/* scipy.stats.gamma.logsf(x, shape)/numpy.log(10) */
static void test_gamma__tails_are_scipys(void **state)
{
    (void)state;
    near(agop__gamma_log10p(.5, .1), -.1839438311160218, 1e-13);
    near(agop__gamma_log10p(.5, 300), -131.77620096739147, 1e-12);
    near(agop__gamma_log10p(18, 3), -1.5511051588323039e-09, 1e-15);
    near(agop__gamma_log10p(18, 40), -4.459612654113031, 1e-12);
    near(agop__gamma_log10p(500, 700), -15.152912143226173, 1e-11);
    assert_true(agop__gamma_log10p(2, 0) == 0);
}

/* (numpy.log(2) + scipy.stats.t.logsf(t, freedom))/numpy.log(10) */
static void test_t__tails_are_scipys(void **state)
{
    (void)state;
    near(agop__t_log10p(.5, 3), -.18612026833486955, 1e-13);
    near(agop__t_log10p(-2, 3), -.8559679291560337, 1e-13);
    near(agop__t_log10p(50, 3), -4.754064297554428, 1e-12);
    near(agop__t_log10p(3, 48), -2.369403093827323, 1e-12);
    near(agop__t_log10p(20, 48), -24.19825237714128, 1e-11);
    near(agop__t_log10p(4, 5000), -4.192078317141888, 1e-12);
    near(agop__t_log10p(.1, 1e6), -.03604965160323585, 1e-12);
    assert_true(agop__t_log10p(0, 7) == 0);
}

static void test_correlation__as_improbable_as_its_t(void **state)
{
    (void)state;
    for (int64_t n = 10; n < 1000; n *= 3)
        for (double r = .05; r < .9; r += .1) {
            double t = r * sqrt((double)(n - 2) / (1 - r * r));
            near(agop__normal_log10p(agop__correlation_z(r, n, 0)) + log10(2), agop__t_log10p(t, (double)(n - 2)),
                 1e-5);
        }
    assert_true(agop__correlation_z(0, 50, 0) == 0);
    assert_true(isfinite(agop__correlation_z(1, 50, 0)) && agop__correlation_z(1, 50, 0) > 30);
}

/* Indicators of one row in n are both 1 in the same row once in n times, and then r = 1. A gamma number says that
 * within a factor of 10, where Student's t is wrong by dozens of orders of magnitude. */
static void test_correlation__of_rare_rows_is_not_improbable(void **state)
{
    (void)state;
    for (int64_t n = 100; n <= 1000000; n *= 10) {
        double p = 2 * pow(10, agop__normal_log10p(agop__correlation_z(1, n, (double)n)));
        assert_true(p > .1 / (double)n && p < 10 / (double)n);
        assert_true(agop__correlation_z(1, n, 0) > 20);
    }
}

/* scipy.stats.gamma.sf(a + z*sqrt(a), a) + scipy.stats.gamma.cdf(a - z*sqrt(a), a), a = 4 / skew^2; there are so many
 * rows that r is normal but for the skewness. */
static void test_correlation__skewness_is_a_gamma_number(void **state)
{
    static const double skew[] = {0.02, 0.02, 0.02, 0.02, 0.2, 0.2, 0.2, 0.2, 1, 1, 1, 1, 4, 4, 4, 4};
    static const double z[] = {0.5, 2, 5, 12, 0.5, 2, 5, 12, 0.5, 2, 5, 12, 0.5, 2, 5, 12};
    static const double p[] = {
        0.617075444159, 0.0454948659476, 6.13832710685e-07, 3.50962193303e-31,
        0.617111468779, 0.0449720529257, 5.92486034202e-06, 4.38378477763e-20,
        0.617794026515, 0.0423801119917, 0.000474248546129, 2.82084476363e-09,
        0.153513595808, 0.0472467011439, 0.00678053115785, 0.000121774628406};
    (void)state;
    for (int k = 0; k < 16; k++) {
        double found = agop__normal_log10p(agop__correlation_z(z[k] / 1e6, 1000000000001, skew[k] * 1e6));
        near(found + log10(2), log10(p[k]), .01);
    }
}

static void test_correlation__more_skewness_is_more_probable(void **state)
{
    (void)state;
    for (int64_t n = 50; n < 100000; n *= 9)
        for (double z = 4; z < 12; z += 2) {
            double before = INFINITY;
            for (double skew = 1e-3; skew < sqrt((double)n); skew *= 1.5) {
                double now = agop__correlation_z(fmin(1, z / sqrt((double)n)), n, skew);
                assert_true(now <= before * (1 + 1e-3));
                before = now;
            }
        }
}

/* ---- a weighted sum of chi-squares ---- */

static void test_chi2_sum__equal_weights_are_a_gamma_number(void **state)
{
    double w[36];
    (void)state;
    for (int k = 0; k < 36; k++)
        w[k] = 3;
    for (int m = 1; m <= 36; m += 5)
        for (double x = 1e-3; x < 6000; x *= 2.7)
            near(agop__chi2_sum_log10p(w, m, 3 * x), agop__gamma_log10p(.5 * m, .5 * x), 3e-12 * (1 + x));
}

/* Two pairs of weights a > b: P = (a exp(-x/2a) - b exp(-x/2b)) / (a - b). */
static void test_chi2_sum__two_pairs_have_a_closed_form(void **state)
{
    static const double w[] = {5, 2, 2, 5, 0};
    (void)state;
    for (double x = .1; x < 3000; x *= 2)
        near(agop__chi2_sum_log10p(w, 5, x), log10((5 * exp(-x / 10) - 2 * exp(-x / 4)) / 3), 1e-11);
}

/* Imhof, Biometrika 48, 1961, table 1, Q1 and Q2: six weights by multiplicity, four decimals there. */
static void test_chi2_sum__imhofs_table(void **state)
{
    static const double one[] = {.6, .3, .1}, two[] = {.6, .6, .3, .3, .1, .1};
    (void)state;
    assert_true(fabs(pow(10, agop__chi2_sum_log10p(one, 3, .1)) - .9458) < 6e-5);
    assert_true(fabs(pow(10, agop__chi2_sum_log10p(one, 3, .7)) - .5064) < 6e-5);
    assert_true(fabs(pow(10, agop__chi2_sum_log10p(one, 3, 2)) - .1240) < 6e-5);
    assert_true(fabs(pow(10, agop__chi2_sum_log10p(two, 6, .2)) - .9936) < 6e-5);
    assert_true(fabs(pow(10, agop__chi2_sum_log10p(two, 6, 2)) - .3998) < 6e-5);
    assert_true(fabs(pow(10, agop__chi2_sum_log10p(two, 6, 6)) - .0161) < 6e-5);
}

static void test_chi2_sum__falls_and_has_a_scale(void **state)
{
    double w[36], v[36], before = 0;
    (void)state;
    for (int k = 0; k < 36; k++) {
        w[k]      = pow(.4, k % 6) * pow(.7, k / 6);
        v[35 - k] = 1e9 * w[k];
    }
    for (double x = .01; x < 1e5; x *= 1.3) {
        double p = agop__chi2_sum_log10p(w, 36, x);
        assert_true(p < before || p > -1e-15);
        near(agop__chi2_sum_log10p(v, 36, 1e9 * x), p, 1e-10 * (1 + x));
        before = p;
    }
    assert_true(before < -16000);
    assert_true(agop__chi2_sum_log10p(w, 36, 0) == 0);
}

/* ---- the largest ---- */

static void test_max__one_term_or_equal_terms_are_one_normal_number(void **state)
{
    agop__null one = chain(1, 0), equal = chain(AGOP__TERMS_MOST, 1), opposite = chain(AGOP__TERMS_MOST, -1);
    (void)state;
    for (double u = .5; u < 60; u *= 1.7) {
        double truth = agop__normal_log10p(u) + log10(2);
        near(largest(&one, &one, u), truth, 1e-12);
        near(largest(&equal, &opposite, u), truth, 1e-12);
    }
}

/* One-dimensional integrals by scipy.integrate.quad, and four dimensions by scipy.stats.multivariate_normal.cdf at all
 * corners of the box: R_x = [[1, .6], [.6, 1]], R_y = [[1, -.3], [-.3, 1]]. */
static void test_max__small_boxes_are_scipys(void **state)
{
    agop__null one = chain(1, 0), x = chain(2, .6), close = chain(2, -.95), y = chain(2, -.3);
    (void)state;
    near(largest(&one, &x, 1), log10(.4861315124554779), .02);
    near(largest(&x, &one, 3), log10(.005120281576481639), .005);
    near(largest(&x, &one, 5), log10(1.1410051286011562e-06), .005);
    near(largest(&close, &one, 1), log10(.3783609740567094), .02);
    near(largest(&one, &close, 3), log10(.003781265433648502), .01);
    near(largest(&one, &close, 5), log10(9.135866775808672e-07), .01);
    near(largest(&x, &y, 1), log10(.7255626246), .02);
    near(largest(&x, &y, 2), log10(.1498981720), .02);
    near(largest(&y, &x, 3), log10(.0101257889), .01);
    near(largest(&x, &y, 3.5), log10(.0017957337), .01);
}

static void test_max__independent_terms_multiply(void **state)
{
    agop__null x = chain(6, 0);
    (void)state;
    for (double u = 3; u < 20; u++) {
        double p = pow(10, agop__normal_log10p(u)) * 2;
        near(largest(&x, &x, u), log10(-expm1(36 * log1p(-p))), u > 3 ? .02 : .06);
    }
}

/* Two independent terms, each with a level of its own: 1 - (1 - p)(1 - q). */
static void test_max__levels_may_differ(void **state)
{
    agop__null          one = chain(1, 0), two = chain(2, 0);
    static const double u[] = {4, 3.5};
    double              p = 2 * pow(10, agop__normal_log10p(4)), q = 2 * pow(10, agop__normal_log10p(3.5));
    (void)state;
    near(agop__max_log10p(&one, &two, u, 2, 0), log10(p + q - p * q), .005);
    near(agop__max_log10p(&two, &one, u, 2, 0), log10(p + q - p * q), .005);
}

/* ---- the mean ---- */

/* |Z_1| + |Z_2| is the larger one of |Z_1 + Z_2| and |Z_1 - Z_2|, which are independent. */
static void test_mean__of_two_has_a_closed_form(void **state)
{
    static const double rho[] = {0, .6, -.95};
    agop__null          one = chain(1, 0);
    (void)state;
    for (int k = 0; k < 3; k++) {
        agop__null two = chain(2, rho[k]);
        for (double m = .5; m < 30; m *= 1.7) {
            double p = 2 * pow(10, agop__normal_log10p(2 * m / sqrt(2 + 2 * rho[k])));
            double q = 2 * pow(10, agop__normal_log10p(2 * m / sqrt(2 - 2 * rho[k])));
            if (p + q > 0)
                near(agop__mean_log10p(&two, &one, m), log10(p + q - p * q), .1);
        }
    }
}

static void test_mean__of_equal_terms_is_one_normal_number(void **state)
{
    agop__null one = chain(1, 0), equal = chain(AGOP__TERMS_MOST, 1), opposite = chain(AGOP__TERMS_MOST, -1);
    (void)state;
    for (double u = .5; u < 60; u *= 1.7) {
        double truth = agop__normal_log10p(u) + log10(2);
        near(agop__mean_log10p(&one, &one, u), truth, 1e-6 * (1 + u * u));
        near(agop__mean_log10p(&equal, &opposite, u), truth, 1e-5 * (1 + u * u));
    }
}

/* Ten thousand sums of 36 sizes: the share above a level is within four standard errors, and a tenth, of p. */
static void test_mean__many_draws_agree(void **state)
{
    enum { DRAWS = 10000 };
    agop__null x = chain(6, .8), y = chain(6, -.5);
    double    *g = normals(DRAWS * 36, 5), levels[] = {.8, 1.1, 1.5};
    (void)state;
    for (int level = 0; level < 3; level++) {
        double p = pow(10, agop__mean_log10p(&x, &y, levels[level])), beyond = 0;
        for (int64_t d = 0; d < DRAWS; d++) {
            double z[36], sum = 0; /* rows, then columns, are chains: z = rho z' + sqrt(1 - rho^2) g */
            for (int k = 0; k < 36; k++) {
                double start = g[d * 36 + k];
                z[k]         = k % 6 ? -.5 * z[k - 1] + sqrt(.75) * start : start;
            }
            for (int k = 6; k < 36; k++)
                z[k] = .8 * z[k - 6] + .6 * z[k];
            for (int k = 0; k < 36; k++)
                sum += fabs(z[k]);
            beyond += sum > 36 * levels[level];
        }
        assert_true(fabs(beyond / DRAWS - p) <= 4 * sqrt(p / DRAWS) + .1 * p);
        assert_true(p > .001 && p < .9);
    }
    free(g);
}

static void test_max__constant_features_are_none(void **state)
{
    static const double corr[] = {1, 0, .5, 0, 0, 0, .5, 0, 1};
    agop__null          with = column(3, corr), without = chain(2, .5), y = chain(6, .7);
    (void)state;
    assert_int_equal(with.active, 2);
    near(largest(&with, &y, 4), largest(&without, &y, 4), .02);
    near(agop__mean_log10p(&with, &y, 2. / 3), agop__mean_log10p(&without, &y, 1), 1e-9);
    near(agop__null_log10p(&with, &y, 90, AGOP__STRENGTH_RMS, .3 * sqrt(2. / 3), 0),
         agop__null_log10p(&without, &y, 90, AGOP__STRENGTH_RMS, .3, 0), 1e-9);
}

/* ---- a score ---- */

/* With one feature in each column every norm is |r|. */
static void test_score__of_one_feature_is_a_correlation(void **state)
{
    agop__null one = chain(1, 0);
    (void)state;
    for (double r = .1; r < .8; r += .1) {
        double t = r * sqrt(48 / (1 - r * r)), truth = agop__t_log10p(t, 48);
        near(agop__null_log10p(&one, &one, 50, AGOP__STRENGTH_MAX, r, 0), truth, 1e-4);
        near(agop__null_log10p(&one, &one, 50, AGOP__STRENGTH_MEAN, r, 0), truth, 1e-4);
        near(agop__null_log10p(&one, &one, 50, AGOP__STRENGTH_RMS, r, 0), truth, .03);
    }
}

static void test_score__with_many_rows_is_the_limit(void **state)
{
    agop__null x = chain(6, .8), y = chain(6, -.6);
    double     weight[36], n = 1e8, q = 300;
    (void)state;
    for (int k = 0; k < 36; k++)
        weight[k] = x.eigen[k / 6] * y.eigen[k % 6];
    near(agop__null_log10p(&x, &y, (int64_t)n, AGOP__STRENGTH_RMS, sqrt(q / 36 / n), 0),
         agop__chi2_sum_log10p(weight, 36, q), 1e-4);
    near(agop__null_log10p(&x, &y, (int64_t)n, AGOP__STRENGTH_MAX, 5 / sqrt(n), 0), largest(&x, &y, 5), 1e-4);
    near(agop__null_log10p(&x, &y, (int64_t)n, AGOP__STRENGTH_MEAN, 2 / sqrt(n), 0), agop__mean_log10p(&x, &y, 2),
         1e-4);
}

/* With a limit p is the same below it, and above it stays there. */
static void test_score__is_exact_below_a_limit(void **state)
{
    static const double rho[] = {0, .4, -.9, 1}, limits[] = {-.3, -1.3, -3};
    int                 below = 0, spared = 0;
    (void)state;
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < 4; b++)
            for (int norm = AGOP__STRENGTH_MAX; norm <= AGOP__STRENGTH_RMS; norm++)
                for (double score = .02; score < .7; score *= 2) {
                    agop__null x = chain(6, rho[a]), y = chain(6, rho[b]);
                    double     p = agop__null_log10p(&x, &y, 100, norm, score, 0);
                    assert_true(p <= 0);
                    for (int k = 0; k < 3; k++) {
                        double quick = agop__null_log10p(&x, &y, 100, norm, score, limits[k]);
                        assert_true(quick == p || (p > limits[k] && quick >= limits[k] && quick <= 0));
                        below += p < limits[k];
                        spared += quick != p;
                    }
                }
    assert_true(below > 50 && spared > 50);
}

/* All three norms of features that mark one row each. */
static void test_score__of_rare_rows_is_not_improbable(void **state)
{
    static const double rare[] = {10, -10, 10, -10, 10, -10}; /* one row in 100 */
    agop__null          x = chain(6, -.999), y = chain(6, .999);
    (void)state;
    agop__null_skew(&x, rare);
    agop__null_skew(&y, rare);
    for (int norm = AGOP__STRENGTH_MAX; norm <= AGOP__STRENGTH_RMS; norm++) {
        double p = agop__null_log10p(&x, &y, 100, norm, .98, 0);
        assert_true(p > -4 && p < -1);
    }
}

static void test_score__nothing_to_test_is_one(void **state)
{
    static const double zero[4] = {0};
    agop__null          x = chain(6, .5), none = column(2, zero);
    (void)state;
    for (int norm = AGOP__STRENGTH_MAX; norm <= AGOP__STRENGTH_RMS; norm++) {
        assert_true(agop__null_log10p(&x, &none, 100, norm, .5, 0) == 0);
        assert_true(agop__null_log10p(&x, &x, 3, norm, .5, 0) == 0);
        assert_true(agop__null_log10p(&x, &x, 100, norm, 0, 0) == 0);
        assert_true(isfinite(agop__null_log10p(&x, &x, 10000000, norm, 1, 0)));
        assert_true(agop__null_log10p(&x, &none, 100, norm, .5, -3) == 0);
    }
}

/* ---- eigenvalues, many tests ---- */

static void test_jacobi__rebuilds_the_matrix(void **state)
{
    enum { N = 40 };
    double *A = normals(N * N, 3), *B = calloc(N * N, sizeof *B), *V = calloc(N * N, sizeof *V), e[N], most = 0;
    (void)state;
    for (int i = 0; i < N; i++)
        for (int j = 0; j <= i; j++)
            A[j * N + i] = A[i * N + j];
    memcpy(B, A, N * N * sizeof *B);
    agop__jacobi(B, e, V, N);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double a = 0, v = 0;
            for (int k = 0; k < N; k++) {
                a += V[i * N + k] * e[k] * V[j * N + k];
                v += V[k * N + i] * V[k * N + j];
            }
            most = fmax(most, fmax(fabs(a - A[i * N + j]), fabs(v - (i == j))));
        }
    assert_true(most < 1e-12);
    for (int i = 1; i < N; i++)
        assert_true(e[i] <= e[i - 1]);
    free(A);
    free(B);
    free(V);
}

static void test_permutation__p_is_never_zero(void **state)
{
    (void)state;
    assert_true(agop__permutation_p(0, 99) == .01);
    assert_true(agop__permutation_p(99, 99) == 1);
}

/* scipy 1.11's false_discovery_control([.001, .008, .039, .041, .042, .06, .074, .205, .212, .216]), which is the
 * example of Benjamini and Hochberg's procedure worked by hand: min over later ones of p m / rank. */
static void test_false_discovery__q_by_hand(void **state)
{
    static const double p[] = {.001, .008, .039, .041, .042, .06, .074, .205, .212, .216};
    static const double q[] = {.01, .04, .084, .084, .084, .1, .10571428571428572, .216, .216, .216};
    double              v[10], few[2];
    (void)state;
    for (int i = 0; i < 10; i++)
        v[i] = log10(p[i]);
    memcpy(few, v, sizeof few);
    agop__false_discovery(v, 10, 10);
    for (int i = 0; i < 10; i++)
        near(v[i], log10(q[i]), 1e-12);
    agop__false_discovery(few, 2, 10); /* what was not stored is larger, and changes nothing below */
    near(few[0], log10(q[0]), 1e-12);
    near(few[1], log10(q[1]), 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normal__tails_are_scipys),
        cmocka_unit_test(test_gamma__tails_are_scipys),
        cmocka_unit_test(test_t__tails_are_scipys),
        cmocka_unit_test(test_correlation__as_improbable_as_its_t),
        cmocka_unit_test(test_correlation__of_rare_rows_is_not_improbable),
        cmocka_unit_test(test_correlation__skewness_is_a_gamma_number),
        cmocka_unit_test(test_correlation__more_skewness_is_more_probable),
        cmocka_unit_test(test_chi2_sum__equal_weights_are_a_gamma_number),
        cmocka_unit_test(test_chi2_sum__two_pairs_have_a_closed_form),
        cmocka_unit_test(test_chi2_sum__imhofs_table),
        cmocka_unit_test(test_chi2_sum__falls_and_has_a_scale),
        cmocka_unit_test(test_max__one_term_or_equal_terms_are_one_normal_number),
        cmocka_unit_test(test_max__small_boxes_are_scipys),
        cmocka_unit_test(test_max__independent_terms_multiply),
        cmocka_unit_test(test_max__constant_features_are_none),
        cmocka_unit_test(test_max__levels_may_differ),
        cmocka_unit_test(test_mean__of_two_has_a_closed_form),
        cmocka_unit_test(test_mean__of_equal_terms_is_one_normal_number),
        cmocka_unit_test(test_mean__many_draws_agree),
        cmocka_unit_test(test_score__of_one_feature_is_a_correlation),
        cmocka_unit_test(test_score__with_many_rows_is_the_limit),
        cmocka_unit_test(test_score__is_exact_below_a_limit),
        cmocka_unit_test(test_score__of_rare_rows_is_not_improbable),
        cmocka_unit_test(test_score__nothing_to_test_is_one),
        cmocka_unit_test(test_jacobi__rebuilds_the_matrix),
        cmocka_unit_test(test_permutation__p_is_never_zero),
        cmocka_unit_test(test_false_discovery__q_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
