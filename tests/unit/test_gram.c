/* test_gram.c - the two routes to the AGOP agree, whatever is asked of them; and which one is chosen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "kernel/gradient.h"
#include "numbers.h"
#include "solve/solve.h"

/* More rows than a panel of the Gram route has, so that there is a last, shorter one. */
enum { N = 700, D = 6, C = 3, GROUPS = 2 };

static agop_ctx *ctx;

typedef struct job {
    double  exponent;
    int     diagonal, centre, weighted, groups, rows; /* rows: of the N, where gradients are taken */
    int32_t dtype;
} job;

/* A positive definite metric, or a positive diagonal. */
static void some_metric(agop__metric *m, const job *j)
{
    static const int32_t levels[GROUPS] = {4, 2};
    assert_int_equal(agop__metric_zero(m, D, j->groups, levels, j->diagonal, &ctx->err), AGOP_OK);
    for (int32_t b = 0; b < m->blocks; b++) {
        int64_t d = m->block[b].d;
        double *B = normals(d * d, 4 + (uint64_t)b);
        for (int64_t i = 0; i < d; i++) {
            if (j->diagonal)
                m->block[b].m[i] = .2 + B[i] * B[i];
            for (int64_t k = 0; !j->diagonal && k < d * d; k++)
                m->block[b].m[i * d + k % d] += B[k / d * d + i] * B[k / d * d + k % d] / (double)d;
        }
        free(B);
    }
}

static void average(agop__metric *out, const job *j, int route)
{
    double      *x = normals(N * D, 1), *alpha = normals(N * C, 2), *weight = normals(N, 3);
    int32_t     *code = calloc(N * GROUPS, sizeof *code);
    agop__metric m;
    agop__tile   A = {0};
    agop__points at;
    agop__system s;

    for (int i = 0; i < N; i++) {
        weight[i] = .1 + weight[i] * weight[i];
        for (int g = 0; g < j->groups; g++)
            code[i * j->groups + g] = i * (g + 3) / 5 % (g ? 2 : 5) - !g; /* group 0 has rows of no level */
    }
    memcpy(x + 3 * D, x + 4 * D, D * sizeof *x); /* rows that coincide */
    some_metric(&m, j);
    s = (agop__system){.ctx = ctx, .metric = &m,
                       .shape = {.kind = AGOP__L2, .exponent = j->exponent, .bandwidth = 3, .height = .7},
                       .x = x, .code = code,
                       .Y = alpha, .n = N, .c = C, .x_dtype = AGOP_F64, .memory = INT64_MAX};
    assert_int_equal(agop__system_prepare(&s, j->dtype), AGOP_OK);
    assert_int_equal(op_alloc(ctx, &A, N, C, j->dtype), AGOP_OK);
    assert_int_equal(op_put(ctx, &A, alpha, C, AGOP_F64), AGOP_OK);
    at = agop__points_rows(&s.points, ctx, 0, j->rows);
    agop__average a = {.map = &s.map, .metric = &m, .height = .7, .x = &at, .weight = j->weighted ? weight : NULL,
                       .z = &s.points, .alpha = &A, .centre = j->centre, .route = route};
    assert_int_equal(agop__average_gradient(out, &a), AGOP_OK);
    assert_int_equal(a.route, route);
    op_release(ctx, &A);
    agop__system_close(&s);
    agop__metric_free(&m);
    free(code);
    free(weight);
    free(alpha);
    free(x);
}

static void test_gram__both_routes_agree(void **state)
{
    static const double exponents[] = {.7, 1, 1.6, 2};
    (void)state;
    for (int k = 0; k < 64; k++) {
        job j = {.exponent = exponents[k % 4], .diagonal = k & 1, .centre = k >> 1 & 1, .weighted = k >> 2 & 1,
                 .groups = k >> 3 & 1 ? GROUPS : 0, .rows = k >> 4 & 1 ? N : 300,
                 .dtype = k >> 5 & 1 ? AGOP_F32 : AGOP_F64};
        double       limit = j.dtype == AGOP_F64 ? 1e-10 : 2e-4;
        agop__metric by_gradients = {0}, by_gram = {0};
        average(&by_gradients, &j, AGOP__ROUTE_GRADIENTS);
        average(&by_gram, &j, AGOP__ROUTE_GRAM);
        for (int32_t b = 0; b < by_gram.blocks; b++) {
            int64_t d = by_gram.block[b].d, entries = j.diagonal ? d : d * d;
            double  off = apart(by_gram.block[b].m, by_gradients.block[b].m, entries);
            assert_true(agop__metric_at(&by_gram, b, 0) > 0);
            if (!(off < limit))
                fail_msg("case %d, block %d: %g apart", k, (int)b, off);
        }
        agop__metric_free(&by_gradients);
        agop__metric_free(&by_gram);
    }
}

/* A diagonal metric's AGOP is the diagonal of the full one. */
static void test_gram__a_diagonal_is_the_diagonal(void **state)
{
    (void)state;
    for (int route = AGOP__ROUTE_GRADIENTS; route <= AGOP__ROUTE_GRAM; route++) {
        double      *x = normals(N * D, 1), *alpha = normals(N, 2);
        agop__metric m[2], got[2];
        for (int diagonal = 0; diagonal < 2; diagonal++) {
            agop__tile   A = {0};
            agop__system s;
            assert_int_equal(agop__metric_identity(&m[diagonal], D, 0, NULL, diagonal, &ctx->err), AGOP_OK);
            s = (agop__system){.ctx = ctx, .metric = &m[diagonal],
                               .shape = {.kind = AGOP__L2, .exponent = 1, .bandwidth = 3, .height = .7},
                               .x = x, .Y = alpha,
                               .n = N, .c = 1, .x_dtype = AGOP_F64, .memory = INT64_MAX};
            assert_int_equal(agop__system_prepare(&s, AGOP_F64), AGOP_OK);
            assert_int_equal(op_alloc(ctx, &A, N, 1, AGOP_F64), AGOP_OK);
            assert_int_equal(op_put(ctx, &A, alpha, 1, AGOP_F64), AGOP_OK);
            agop__average a = {.map = &s.map, .metric = &m[diagonal], .height = .7, .x = &s.points, .z = &s.points,
                               .alpha = &A, .centre = 1, .route = route};
            assert_int_equal(agop__average_gradient(&got[diagonal], &a), AGOP_OK);
            op_release(ctx, &A);
            agop__system_close(&s);
        }
        for (int i = 0; i < D; i++)
            assert_true(fabs(got[1].block[0].m[i] / got[0].block[0].m[i * D + i] - 1) < 1e-10);
        for (int k = 0; k < 2; k++) {
            agop__metric_free(&m[k]);
            agop__metric_free(&got[k]);
        }
        free(x);
        free(alpha);
    }
}

/* Gradients cost 2 n^2 e c, the Gram route n^3 and more: outputs and coordinates make the difference. */
static void test_gram__the_cheaper_route_is_taken(void **state)
{
    (void)state;
    assert_int_equal(agop__route_choose(10000, 10000, 100, 1, 0), AGOP__ROUTE_GRADIENTS);
    assert_int_equal(agop__route_choose(5000, 5000, 784, 10, 0), AGOP__ROUTE_GRAM);
    assert_int_equal(agop__route_choose(500, 500, 8192, 1, 0), AGOP__ROUTE_GRADIENTS);
    assert_int_equal(agop__route_choose(500, 500, 400, 9, 0), AGOP__ROUTE_GRAM);
    assert_true(agop__route_cost(AGOP__ROUTE_GRADIENTS, 10, 20, 30, 4, 0) >= 2.0 * 10 * 20 * 30 * 4);
    assert_true(agop__route_cost(AGOP__ROUTE_GRAM, 10, 20, 30, 4, 0) >= 10.0 * 20 * 20);
}

static void test_gram__a_route_that_does_not_fit_is_refused(void **state)
{
    double       *x = normals(N * D, 1);
    agop__metric  m, got;
    agop__tile    A = {0};
    agop__system  s;
    agop__average a;
    (void)state;
    assert_int_equal(agop__metric_identity(&m, D, 0, NULL, 0, &ctx->err), AGOP_OK);
    s = (agop__system){.ctx = ctx, .metric = &m,
                       .shape = {.kind = AGOP__L2, .exponent = 1, .bandwidth = 3, .height = .7},
                       .x = x, .Y = x, .n = N, .c = 1,
                       .x_dtype = AGOP_F64, .memory = INT64_MAX};
    assert_int_equal(agop__system_prepare(&s, AGOP_F64), AGOP_OK);
    assert_int_equal(op_alloc(ctx, &A, N, 1, AGOP_F64), AGOP_OK);
    assert_int_equal(op_put(ctx, &A, x, 1, AGOP_F64), AGOP_OK);
    a = (agop__average){.map = &s.map, .metric = &m, .height = .7, .x = &s.points, .z = &s.points, .alpha = &A,
                        .route = AGOP__ROUTE_GRAM, .memory = 1};
    assert_int_equal(agop__average_gradient(&got, &a), AGOP_E_NOMEM);
    a.route = AGOP__ROUTE_AUTO;
    assert_int_equal(agop__average_gradient(&got, &a), AGOP_OK);
    assert_int_equal(a.route, AGOP__ROUTE_GRADIENTS);
    agop__metric_free(&got);
    op_release(ctx, &A);
    agop__system_close(&s);
    agop__metric_free(&m);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gram__both_routes_agree),
        cmocka_unit_test(test_gram__a_diagonal_is_the_diagonal),
        cmocka_unit_test(test_gram__the_cheaper_route_is_taken),
        cmocka_unit_test(test_gram__a_route_that_does_not_fit_is_refused),
    };
    int failed;
    if (agop_open(&ctx, "cpu", 2) != AGOP_OK)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    agop_close(ctx);
    return failed;
}
