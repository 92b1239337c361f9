/* test_logistic.c - kernel logistic regression against plain Newton steps in double, refits, and repeated rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "base/memory.h"
#include "numbers.h"
#include "solve/logistic.h"

enum { N = 40, D = 2, MOST = 4 };
static agop_ctx    *ctx;
static agop__metric identity;

/* Rows, their classes, and how frequent those are. */
typedef struct task {
    double      *x, truth[N + 1], prior[MOST];
    int64_t      n;
    agop__labels labels;
} task;

/* noise 0: the classes are sectors of the plane, so that kernels tell them apart without error. */
static void make(task *t, int64_t classes, double noise, uint64_t seed)
{
    double *e = normals(2 * N, seed + 1);
    *t        = (task){.x = normals((N + 1) * D, seed), .n = N};
    for (int i = 0; i < N; i++) {
        double dx = noise * e[2 * i + 1], dy = noise * e[2 * i];
        double angle = atan2(t->x[i * D + 1] + dy, t->x[i * D] + dx) / 6.2831853072 + .5;
        t->truth[i]  = i < classes ? i : fmin((double)classes - 1, floor(angle * (double)classes));
        t->prior[(int)t->truth[i]] += 1.0 / N;
    }
    t->labels = (agop__labels){.truth = t->truth, .prior = t->prior, .classes = classes};
    free(e);
}

static agop__system system_of(const task *t, const double *weight, int32_t dtype, double tolerance)
{
    agop__system s = {.ctx = ctx, .metric = &identity, .shape = {.kind = AGOP__L2, .exponent = 1, .bandwidth = 2,
                      .height = .7}, .x = t->x, .weight = weight, .n = t->n, .c = t->labels.classes - 1,
                      .x_dtype = AGOP_F64, .memory = INT64_MAX, .tolerance = tolerance};
    assert_int_equal(agop__system_prepare(&s, dtype), AGOP_OK);
    return s;
}

static agop__solution solve(double *alpha, double *loo, const task *t, const double *weight, double ridge)
{
    agop__system   s   = system_of(t, weight, AGOP_F64, 1e-10);
    agop__solution one = {.alpha = alpha, .loo = loo};
    assert_int_equal(agop__logistic(&one, &s, &t->labels, ridge), AGOP_OK);
    assert_ptr_equal(s.weight, weight);
    agop__system_close(&s);
    return one;
}

static double kernel(const task *t, int64_t i, int64_t j)
{
    return exp(-hypot(t->x[i * D] - t->x[j * D], t->x[i * D + 1] - t->x[j * D + 1]) / 2);
}

/* z = log prior + B sum_j k_ij a_j, P = softmax(z), by definition. */
static void plain_row(double *P, const task *t, int64_t i, const double *alpha)
{
    int64_t K = t->labels.classes;
    double  sum = 0;
    for (int64_t k = 0; k < K; k++) {
        P[k] = log(t->prior[k]);
        for (int64_t j = 0; j < t->n; j++)
            for (int64_t o = 0; o < K - 1; o++)
                P[k] += kernel(t, i, j) * agop__helmert(k, o) * alpha[j * (K - 1) + o];
        sum += P[k] = exp(P[k]);
    }
    for (int64_t k = 0; k < K; k++)
        P[k] /= sum;
}

/* b <- A^-1 b by elimination with pivots; A, m x m, is lost. */
static void eliminate(double *A, double *b, int m)
{
    for (int k = 0; k < m; k++) {
        int top = k;
        for (int i = k; i < m; i++)
            top = fabs(A[i * m + k]) > fabs(A[top * m + k]) ? i : top;
        for (int j = 0; j < m; j++) {
            double swap    = A[k * m + j];
            A[k * m + j]   = A[top * m + j];
            A[top * m + j] = swap;
        }
        double swap = b[k];
        b[k]        = b[top];
        b[top]      = swap;
        for (int i = 0; i < m; i++) {
            double f = i == k ? 0 : A[i * m + k] / A[k * m + k];
            for (int j = 0; j < m && f != 0; j++)
                A[i * m + j] -= f * A[k * m + j];
            b[i] -= f * b[k];
        }
    }
    for (int k = 0; k < m; k++)
        b[k] /= A[k * m + k];
}

/* Plain Newton steps for the coefficients of K functions that sum to zero, from a = 0: of ridge a = w (e - P), whose
 * Jacobian is ridge I + w (diag P - P P') k_ij. `steps` of them. */
static double *newton(const task *t, const double *weight, double ridge, int steps)
{
    int     K = (int)t->labels.classes, m = (int)t->n * K;
    double *a = calloc((size_t)m, sizeof *a), *A = malloc((size_t)m * (size_t)m * sizeof *A);
    double *r = malloc((size_t)m * sizeof *r), P[MOST];
    for (int step = 0; step < steps; step++) {
        for (int i = 0; i < t->n; i++) {
            double w = weight ? weight[i] : 1, sum = 0;
            for (int k = 0; k < K; k++) {
                P[k] = log(t->prior[k]);
                for (int j = 0; j < t->n; j++)
                    P[k] += kernel(t, i, j) * a[j * K + k];
                sum += P[k] = exp(P[k]);
            }
            for (int k = 0; k < K; k++)
                P[k] /= sum;
            for (int k = 0; k < K; k++) {
                r[i * K + k] = w * ((t->truth[i] == k) - P[k]) - ridge * a[i * K + k];
                for (int j = 0; j < t->n; j++)
                    for (int l = 0; l < K; l++)
                        A[(i * K + k) * m + j * K + l] = (i == j && k == l ? ridge : 0) +
                                                         w * ((k == l ? P[k] : 0) - P[k] * P[l]) * kernel(t, i, j);
            }
        }
        eliminate(A, r, m);
        for (int k = 0; k < m; k++)
            a[k] += r[k];
    }
    free(A);
    free(r);
    return a;
}

static void test_logistic__the_basis_is_orthonormal_and_sums_to_zero(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        double sum = 0;
        for (int k = 0; k < 6; k++)
            sum += agop__helmert(k, i);
        assert_true(fabs(sum) < 1e-14);
        for (int j = 0; j < 5; j++) {
            double inner = 0;
            for (int k = 0; k < 6; k++)
                inner += agop__helmert(k, i) * agop__helmert(k, j);
            assert_true(fabs(inner - (i == j)) < 1e-14);
        }
    }
}

static void test_logistic__no_output_predicts_the_frequencies(void **state)
{
    double y[3] = {0}, prior[4] = {.1, .2, .3, .4}, P[4];
    (void)state;
    agop__softmax(P, prior, 4, y);
    assert_true(apart(P, prior, 4) < 1e-15);
    for (int k = 0; k < 3; k++)
        y[k] = -1e5;
    agop__softmax(P, prior, 4, y); /* outputs of any size are probabilities */
    assert_true(fabs(P[0] + P[1] + P[2] + P[3] - 1) < 1e-15);
}

static void test_logistic__coefficients_are_those_of_plain_newton_steps(void **state)
{
    (void)state;
    for (int64_t K = 2; K <= MOST; K++) {
        task    t;
        double  alpha[N * MOST], w[N], most = 0;
        double *plain, *e = normals(N, 30);
        make(&t, K, .7, 10 + (uint64_t)K);
        for (int i = 0; i < N; i++)
            w[i] = .3 + fabs(e[i]);
        plain = newton(&t, K == 3 ? w : NULL, .05, 25);
        assert_true(solve(alpha, NULL, &t, K == 3 ? w : NULL, .05).residual <= 1e-10);
        for (int i = 0; i < N; i++)
            for (int k = 0; k < K; k++) {
                double a = 0;
                for (int o = 0; o < K - 1; o++)
                    a += agop__helmert(k, o) * alpha[i * (K - 1) + o];
                most = fmax(most, fabs(a - plain[i * K + k]) * .05);
            }
        assert_true(most < 1e-9);
        free(plain);
        free(e);
        free(t.x);
    }
}

static void test_logistic__the_gradient_is_zero(void **state)
{
    task   t;
    double alpha[N * 2], P[MOST], left = 0, all = 0;
    (void)state;
    make(&t, 3, .5, 3);
    (void)solve(alpha, NULL, &t, NULL, 1e-3);
    for (int i = 0; i < N; i++) {
        plain_row(P, &t, i, alpha);
        for (int o = 0; o < 2; o++) {
            double g = 0;
            for (int k = 0; k < 3; k++)
                g += agop__helmert(k, o) * ((t.truth[i] == k) - P[k]);
            left += (g - 1e-3 * alpha[i * 2 + o]) * (g - 1e-3 * alpha[i * 2 + o]);
            all += g * g;
        }
    }
    assert_true(sqrt(left / all) < 1e-9);
    free(t.x);
}

/* z_1 - z_0 = -sqrt(2) y, so that a ridge of r on y is one of r/2 on the difference. */
static void test_logistic__two_classes_are_binary_logistic_regression(void **state)
{
    task   t;
    double alpha[N], f[N] = {0}, a[N] = {0}, ridge = .02;
    (void)state;
    make(&t, 2, .5, 5);
    (void)solve(alpha, NULL, &t, NULL, ridge);
    for (int step = 0; step < 25; step++) { /* (K + r/2 H^-1) a = f + H^-1 (y - p) */
        double A[N * N], b[N];
        for (int i = 0; i < N; i++) {
            double p = 1 / (1 + t.prior[0] / t.prior[1] * exp(-f[i])), h = p * (1 - p);
            b[i]     = f[i] + (t.truth[i] - p) / h;
            for (int j = 0; j < N; j++)
                A[i * N + j] = kernel(&t, i, j) + (i == j ? .5 * ridge / h : 0);
        }
        eliminate(A, b, N);
        memcpy(a, b, sizeof a);
        for (int i = 0; i < N; i++) {
            f[i] = 0;
            for (int j = 0; j < N; j++)
                f[i] += kernel(&t, i, j) * a[j];
        }
    }
    for (int i = 0; i < N; i++)
        assert_true(fabs(a[i] + sqrt(2) * alpha[i]) < 1e-7);
    free(t.x);
}

static void test_logistic__classes_without_error_stay_finite(void **state)
{
    task   t;
    double alpha[N * 2], P[MOST];
    (void)state;
    make(&t, 3, 0, 7);
    (void)solve(alpha, NULL, &t, NULL, 1e-6);
    for (int i = 0; i < N; i++) {
        plain_row(P, &t, i, alpha);
        assert_true(isfinite(alpha[2 * i]) && P[(int)t.truth[i]] > .99);
    }
    free(t.x);
}

static void test_logistic__a_weight_of_two_is_a_row_twice(void **state)
{
    task   t;
    double one[N * 2], two[(N + 1) * 2], w[N], f1[MOST], f2[MOST];
    (void)state;
    make(&t, 3, .5, 9);
    for (int i = 0; i < N; i++)
        w[i] = i == 11 ? 2 : 1;
    (void)solve(one, NULL, &t, w, .05);
    memcpy(t.x + (size_t)N * D, t.x + 11 * D, D * sizeof *t.x);
    t.truth[N] = t.truth[11];
    t.n        = N + 1;
    (void)solve(two, NULL, &t, NULL, .05);
    for (int i = 0; i < N; i += 3) {
        t.n = N;
        plain_row(f1, &t, i, one);
        t.n = N + 1;
        plain_row(f2, &t, i, two);
        assert_true(apart(f1, f2, 3) < 1e-8);
    }
    free(t.x);
}

/* Against fits without the row, at the prior of all. One Newton step for two classes; more have the mean curvature. */
static void test_logistic__leaving_one_out_is_close_to_a_fit_without_the_row(void **state)
{
    (void)state;
    for (int64_t K = 2; K <= 3; K++) {
        task   t;
        double alpha[N * 2], loo[N * 2], apart_now = 0, moved = 0;
        int    c = (int)K - 1;
        make(&t, K, .5, 40 + (uint64_t)K);
        (void)solve(alpha, loo, &t, NULL, .3);
        for (int left = 0; left < N; left++) {
            task   rest = t;
            double few[N * 2], x[N * D];
            int    k = 0;
            for (int i = 0; i < N; i++)
                if (i != left) {
                    memcpy(x + k * D, t.x + i * D, D * sizeof *x);
                    rest.truth[k++] = t.truth[i];
                }
            rest.n            = N - 1;
            rest.x            = x;
            rest.labels.truth = rest.truth;
            (void)solve(few, NULL, &rest, NULL, .3);
            for (int o = 0; o < c; o++) {
                double f = 0, y = 0;
                for (int i = 0, j = 0; i < N; i++) {
                    y += kernel(&t, left, i) * alpha[i * c + o];
                    f += i == left ? 0 : kernel(&t, left, i) * few[j++ * c + o];
                }
                apart_now += (f - loo[left * c + o]) * (f - loo[left * c + o]);
                moved += (f - y) * (f - y);
            }
        }
        assert_true(sqrt(apart_now / moved) < (K == 2 ? .02 : .12));
        free(t.x);
    }
}

static void test_logistic__the_last_rows_alone_are_left_out_the_same(void **state)
{
    task           t;
    double         alpha[N * 2], all[N * 2], last[N * 2];
    agop__solution one = {.alpha = alpha, .loo = last, .loo_first = 25};
    agop__system   s;
    (void)state;
    make(&t, 3, .5, 44);
    (void)solve(alpha, all, &t, NULL, .1);
    s = system_of(&t, NULL, AGOP_F64, 1e-10);
    assert_int_equal(agop__logistic(&one, &s, &t.labels, .1), AGOP_OK);
    assert_true(apart(last + 50, all + 50, (N - 25) * 2) < 1e-7);
    agop__system_close(&s);
    free(t.x);
}

static void test_logistic__single_precision_meets_its_tolerance_and_a_guess_saves_steps(void **state)
{
    task           t;
    double         exact[N * 2], alpha[N * 2];
    agop__solution cold = {.alpha = alpha}, warm = {.alpha = alpha, .warm = 1};
    agop__system   s;
    (void)state;
    make(&t, 3, .5, 50);
    (void)solve(exact, NULL, &t, NULL, .01);
    s = system_of(&t, NULL, AGOP_F32, 1e-4);
    assert_int_equal(agop__logistic(&cold, &s, &t.labels, .01), AGOP_OK);
    assert_true(cold.residual <= 1e-4 && cold.steps > 2 && s.dtype == AGOP_F32);
    assert_true(apart(alpha, exact, (int64_t)N * 2) < 1e-3);
    assert_int_equal(agop__logistic(&warm, &s, &t.labels, .01), AGOP_OK);
    assert_int_equal(warm.steps, 0);
    agop__system_close(&s);
    free(t.x);
}

static void test_logistic__weights_of_a_sum_leave_no_slope(void **state)
{
    task          t;
    double       *good, *noise = normals(N * 2, 61), sum[2], P[MOST], w[3];
    const double *y[3];
    agop__err     e;
    (void)state;
    make(&t, 3, .5, 60);
    good = normals(N * 2, 62);
    for (int i = 0; i < N; i++)
        for (int o = 0; o < 2; o++)
            good[2 * i + o] = .3 * good[2 * i + o] + agop__helmert((int)t.truth[i], o);
    y[0] = good, y[1] = noise, y[2] = t.x;
    assert_int_equal(agop__logistic_weights(w, y, 3, &t.labels, NULL, N, &e), AGOP_OK);
    assert_true(w[0] > 1);
    for (int m = 0; m < 3; m++) { /* a slope of zero, or upwards at a weight of zero */
        double slope = 0;
        for (int i = 0; i < N; i++) {
            for (int o = 0; o < 2; o++)
                sum[o] = w[0] * y[0][2 * i + o] + w[1] * y[1][2 * i + o] + w[2] * y[2][2 * i + o];
            agop__softmax(P, t.prior, 3, sum);
            for (int k = 0; k < 3; k++)
                for (int o = 0; o < 2; o++)
                    slope += (P[k] - (t.truth[i] == k)) * agop__helmert(k, o) * y[m][2 * i + o];
        }
        assert_true(w[m] > 0 ? fabs(slope) < 1e-3 : slope > -1e-3);
    }
    free(noise);
    free(good);
    free(t.x);
}

static int open_all(void **state)
{
    (void)state;
    if (agop_open(&ctx, "cpu", 2) != AGOP_OK)
        return -1;
    return agop__metric_identity(&identity, D, 0, NULL, 0, &ctx->err) != AGOP_OK;
}

static int close_all(void **state)
{
    (void)state;
    agop__metric_free(&identity);
    agop_close(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logistic__the_basis_is_orthonormal_and_sums_to_zero),
        cmocka_unit_test(test_logistic__no_output_predicts_the_frequencies),
        cmocka_unit_test(test_logistic__coefficients_are_those_of_plain_newton_steps),
        cmocka_unit_test(test_logistic__the_gradient_is_zero),
        cmocka_unit_test(test_logistic__two_classes_are_binary_logistic_regression),
        cmocka_unit_test(test_logistic__classes_without_error_stay_finite),
        cmocka_unit_test(test_logistic__a_weight_of_two_is_a_row_twice),
        cmocka_unit_test(test_logistic__leaving_one_out_is_close_to_a_fit_without_the_row),
        cmocka_unit_test(test_logistic__the_last_rows_alone_are_left_out_the_same),
        cmocka_unit_test(test_logistic__single_precision_meets_its_tolerance_and_a_guess_saves_steps),
        cmocka_unit_test(test_logistic__weights_of_a_sum_leave_no_slope),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
