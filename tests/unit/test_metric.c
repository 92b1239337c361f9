/* test_metric.c - metrics, maps and the average gradient outer product: against finite differences, and under what must
 * not change them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "kernel/gradient.h"
#include "numbers.h"
#include "solve/solve.h"

enum { N = 40, D = 5, C = 2 };
static agop_ctx *ctx;

/* A positive definite full metric. */
static void some_metric(agop__metric *m, uint64_t seed)
{
    double *B = normals(D * D, seed);
    assert_int_equal(agop__metric_zero(m, D, 0, NULL, 0, &ctx->err), AGOP_OK);
    for (int i = 0; i < D; i++)
        for (int j = 0; j < D; j++)
            for (int k = 0; k < D; k++)
                m->block[0].m[i * D + j] += B[k * D + i] * B[k * D + j] / D;
    free(B);
}

static agop__system system_of(const agop__metric *m, const double *x, const double *Y, const double *weight, int64_t n,
                              double q)
{
    agop__system s = {.ctx = ctx, .metric = m,
                      .shape = {.kind = AGOP__L2, .exponent = q, .bandwidth = 3, .height = .7},
                      .x = x, .Y = Y, .weight = weight, .n = n,
                      .c = C, .x_dtype = AGOP_F64, .memory = INT64_MAX};
    assert_int_equal(agop__system_prepare(&s, AGOP_F64), AGOP_OK);
    return s;
}

static int route = AGOP__ROUTE_GRADIENTS; /* that the tests take: they all run twice */

static void agop_of(agop__metric *out, agop__system *s, const double *alpha, const double *weight, int centre)
{
    agop__tile    A = {0};
    agop__average a = {.map = &s->map, .metric = s->metric, .height = .7, .x = &s->points, .weight = weight,
                       .z = &s->points, .alpha = &A, .centre = centre, .route = route};
    assert_int_equal(op_alloc(ctx, &A, s->n, C, AGOP_F64), AGOP_OK);
    assert_int_equal(op_put(ctx, &A, alpha, C, AGOP_F64), AGOP_OK);
    assert_int_equal(agop__average_gradient(out, &a),
                     AGOP_OK);
    op_release(ctx, &A);
}

/* d f_o / d x_k at rows z by central differences of predictions. */
static double *differences(agop__system *s, const double *alpha, const double *z, int64_t m)
{
    const double h = 1e-5;
    double *g = calloc((size_t)(m * C * D), sizeof *g), *moved = malloc((size_t)(m * D) * sizeof *moved);
    double *up = malloc((size_t)(m * C) * sizeof *up), *down = malloc((size_t)(m * C) * sizeof *down);
    for (int k = 0; k < D; k++) {
        for (int side = -1; side <= 1; side += 2) {
            memcpy(moved, z, (size_t)(m * D) * sizeof *moved);
            for (int64_t i = 0; i < m; i++)
                moved[i * D + k] += side * h;
            assert_int_equal(agop__apply(side < 0 ? down : up, s, moved, NULL, m, alpha), AGOP_OK);
        }
        for (int64_t i = 0; i < m; i++)
            for (int o = 0; o < C; o++)
                g[(i * C + o) * D + k] = (up[i * C + o] - down[i * C + o]) / (2 * h);
    }
    free(moved);
    free(up);
    free(down);
    return g;
}

static void test_metric__agop_is_the_mean_outer_product_of_differences(void **state)
{
    const double exponents[] = {.7, 1, 1.5, 2};
    double      *x = normals(N * D, 1), *z = normals(N * D, 2), *alpha = normals(N * C, 3);
    agop__metric m;
    (void)state;
    some_metric(&m, 4);
    for (int e = 0; e < 4; e++) {
        /* gradients at rows that are no centres, where differences exist for every exponent */
        agop__system s = system_of(&m, x, alpha, NULL, N, exponents[e]);
        double      *g = differences(&s, alpha, z, N), want[D * D] = {0};
        agop__points at;
        agop__tile   A   = {0};
        agop__metric got = {0};
        agop__average job = {.map = &s.map, .metric = &m, .height = .7, .x = &at, .z = &s.points, .alpha = &A,
                            .route = route};
        for (int64_t i = 0; i < N * C; i++)
            for (int a = 0; a < D; a++)
                for (int b = 0; b < D; b++)
                    want[a * D + b] += g[i * D + a] * g[i * D + b] / N;
        assert_int_equal(agop__map_points(&at, &s.map, z, AGOP_F64, NULL, N), AGOP_OK);
        assert_int_equal(op_alloc(ctx, &A, N, C, AGOP_F64), AGOP_OK);
        assert_int_equal(op_put(ctx, &A, alpha, C, AGOP_F64), AGOP_OK);
        assert_int_equal(agop__average_gradient(&got, &job), AGOP_OK);
        if (!(apart(got.block[0].m, want, D * D) < 1e-7))
            fail_msg("exponent %g: %g", exponents[e], apart(got.block[0].m, want, D * D));
        op_release(ctx, &A);
        agop__points_free(&at, ctx);
        agop__metric_free(&got);
        agop__system_close(&s);
        free(g);
    }
    agop__metric_free(&m);
    free(x);
    free(z);
    free(alpha);
}

/* One row twice is the row with twice the weight: the same mean. */
static void test_metric__a_repeated_row_counts_as_twice_its_weight(void **state)
{
    double *x = normals((N + 1) * D, 5), *alpha = normals((N + 1) * C, 6), weight[N + 1];
    for (int centre = 0; centre < 2; centre++) {
        agop__metric m, once = {0}, twice = {0};
        agop__system a, b;
        (void)state;
        some_metric(&m, 7);
        for (int i = 0; i <= N; i++)
            weight[i] = i == 3 ? 2 : 1;
        memcpy(x + N * D, x + 3 * D, D * sizeof *x);
        for (int o = 0; o < C; o++) { /* the same function both times: coefficient halved and repeated */
            alpha[N * C + o] = alpha[3 * C + o] = alpha[3 * C + o] / 2;
        }
        b = system_of(&m, x, alpha, NULL, N + 1, 1.3);
        agop_of(&twice, &b, alpha, NULL, centre);
        for (int o = 0; o < C; o++)
            alpha[3 * C + o] *= 2;
        a = system_of(&m, x, alpha, NULL, N, 1.3);
        agop_of(&once, &a, alpha, weight, centre);
        assert_true(apart(once.block[0].m, twice.block[0].m, D * D) < 1e-12);
        agop__system_close(&a);
        agop__system_close(&b);
        agop__metric_free(&m);
        agop__metric_free(&once);
        agop__metric_free(&twice);
    }
    free(x);
    free(alpha);
}

/* Rows turned by a rotation R (here a reflection I - 2vv'): the AGOP turns with them, R A R'. */
static void test_metric__agop_turns_with_the_rows(void **state)
{
    double      *x = normals(N * D, 8), *alpha = normals(N * C, 9), *v = normals(D, 10), R[D][D], want[D * D] = {0};
    double      *y = calloc(N * D, sizeof *y), norm = 0;
    agop__metric m, turned, plain = {0}, other = {0};
    agop__system a, b;
    (void)state;
    for (int i = 0; i < D; i++)
        norm += v[i] * v[i];
    for (int i = 0; i < D; i++)
        for (int j = 0; j < D; j++)
            R[i][j] = (i == j) - 2 * v[i] * v[j] / norm;
    for (int r = 0; r < N; r++)
        for (int i = 0; i < D; i++)
            for (int j = 0; j < D; j++)
                y[r * D + i] += R[i][j] * x[r * D + j];
    assert_int_equal(agop__metric_identity(&m, D, 0, NULL, 0, &ctx->err), AGOP_OK);
    assert_int_equal(agop__metric_copy(&turned, &m, &ctx->err), AGOP_OK);
    a = system_of(&m, x, alpha, NULL, N, 1);
    b = system_of(&turned, y, alpha, NULL, N, 1);
    agop_of(&plain, &a, alpha, NULL, 0);
    agop_of(&other, &b, alpha, NULL, 0);
    for (int i = 0; i < D; i++)
        for (int j = 0; j < D; j++)
            for (int k = 0; k < D; k++)
                for (int l = 0; l < D; l++)
                    want[i * D + j] += R[i][k] * plain.block[0].m[k * D + l] * R[j][l];
    assert_true(apart(other.block[0].m, want, D * D) < 1e-12);
    agop__system_close(&a);
    agop__system_close(&b);
    agop__metric_free(&m);
    agop__metric_free(&turned);
    agop__metric_free(&plain);
    agop__metric_free(&other);
    free(x);
    free(y);
    free(v);
    free(alpha);
}

static void test_metric__shrinking_keeps_the_diagonal_and_its_mean(void **state)
{
    agop__metric m, before;
    double       mean = 0, after = 0;
    (void)state;
    some_metric(&m, 11);
    assert_int_equal(agop__metric_copy(&before, &m, &ctx->err), AGOP_OK);
    agop__metric_shrink(&m, .5);
    for (int i = 0; i < D; i++) {
        mean += before.block[0].m[i * D + i] / D;
        after += m.block[0].m[i * D + i] / D;
    }
    assert_true(fabs(after - mean) < 1e-14);
    assert_true(fabs(m.block[0].m[1] - .95 * .5 * before.block[0].m[1]) < 1e-15);
    assert_true(fabs(m.block[0].m[0] - (.95 * before.block[0].m[0] + .05 * mean)) < 1e-15);
    agop__metric_free(&m);
    agop__metric_free(&before);
}

static void test_metric__scaling_makes_the_largest_entry_one(void **state)
{
    agop__metric m, zero;
    double       top = 0;
    (void)state;
    some_metric(&m, 12);
    assert_int_equal(agop__metric_scale(&m), 1);
    for (int i = 0; i < D * D; i++)
        top = fmax(top, fabs(m.block[0].m[i]));
    assert_true(top == 1);
    assert_int_equal(agop__metric_zero(&zero, D, 0, NULL, 0, &ctx->err), AGOP_OK);
    assert_int_equal(agop__metric_scale(&zero), 0);
    agop__metric_free(&m);
    agop__metric_free(&zero);
}

/* Median of plain Euclidean distances under the identity, by a sort of our own. */
static int rising(const void *a, const void *b)
{
    return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

static void test_metric__the_median_distance_is_the_median_distance(void **state)
{
    double      *x = normals(N * D, 13), all[N * (N - 1) / 2], got = 0;
    agop__metric m;
    agop__system s;
    int          k = 0;
    (void)state;
    assert_int_equal(agop__metric_identity(&m, D, 0, NULL, 0, &ctx->err), AGOP_OK);
    s = system_of(&m, x, x, NULL, N, 1);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < i; j++) {
            double sum = 0;
            for (int c = 0; c < D; c++)
                sum += (x[i * D + c] - x[j * D + c]) * (x[i * D + c] - x[j * D + c]);
            all[k++] = sqrt(sum);
        }
    qsort(all, (size_t)k, sizeof *all, rising);
    assert_int_equal(agop__median_distance(&got, &s.map, &s.points), AGOP_OK);
    assert_true(fabs(got - all[k / 2]) < 1e-12);
    agop__system_close(&s);
    agop__metric_free(&m);
    free(x);
}

/* A singular metric (rank 1) still maps: distances along its null space are zero to rounding. */
static void test_metric__a_singular_metric_maps(void **state)
{
    double       x[2 * D] = {0}, v[D] = {1, 2, 0, -1, 3}, got = 0;
    agop__metric m;
    agop__map    map;
    agop__points p;
    agop__shape  shape = {.kind = AGOP__L2, .exponent = 1, .bandwidth = 1, .height = .7};
    (void)state;
    assert_int_equal(agop__metric_zero(&m, D, 0, NULL, 0, &ctx->err), AGOP_OK);
    for (int i = 0; i < D * D; i++)
        m.block[0].m[i] = v[i / D] * v[i % D];
    x[D] = .5;
    assert_int_equal(agop__map_make(&map, ctx, &m, &shape, AGOP_F64), AGOP_OK);
    assert_int_equal(agop__map_points(&p, &map, x, AGOP_F64, NULL, 2), AGOP_OK);
    assert_int_equal(agop__median_distance(&got, &map, &p), AGOP_OK);
    assert_true(fabs(got - .5) < 1e-7); /* |v'(x - z)| */
    agop__points_free(&p, ctx);
    agop__map_free(&map);
    agop__metric_free(&m);
}

static void test_metric__what_rounding_left_below_zero_becomes_zero(void **state)
{
    double        full[] = {4, 1, .5, 1, -1e-20, .25, .5, .25, 3}, want[] = {4, 0, .5, 0, 0, 0, .5, 0, 3};
    double        thin[] = {4, -1e-20, 3};
    agop__block   square = {.d = 3, .m = full}, line = {.d = 3, .m = thin};
    agop__metric  m = {.blocks = 1, .block = &square}, n = {.diagonal = 1, .blocks = 1, .block = &line};
    (void)state;
    agop__metric_mend(&m);
    agop__metric_mend(&n);
    assert_memory_equal(full, want, sizeof want);
    assert_true(thin[0] == 4 && thin[1] == 0 && thin[2] == 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metric__agop_is_the_mean_outer_product_of_differences),
        cmocka_unit_test(test_metric__a_repeated_row_counts_as_twice_its_weight),
        cmocka_unit_test(test_metric__agop_turns_with_the_rows),
        cmocka_unit_test(test_metric__shrinking_keeps_the_diagonal_and_its_mean),
        cmocka_unit_test(test_metric__scaling_makes_the_largest_entry_one),
        cmocka_unit_test(test_metric__the_median_distance_is_the_median_distance),
        cmocka_unit_test(test_metric__a_singular_metric_maps),
        cmocka_unit_test(test_metric__what_rounding_left_below_zero_becomes_zero),
    };
    int failed;
    if (agop_open(&ctx, "cpu", 2) != AGOP_OK)
        return 1;
    failed = cmocka_run_group_tests_name("by gradients", tests, NULL, NULL);
    route  = AGOP__ROUTE_GRAM;
    failed += cmocka_run_group_tests_name("by the Gram route", tests, NULL, NULL);
    agop_close(ctx);
    return failed;
}
