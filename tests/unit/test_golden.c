/* test_golden.c - metrics, coefficients and predictions of whole RFM runs against NumPy (tests/data/make_golden.py,
 * and, where it is there, an independent set beside the repository): 1e-9 in double, 2e-4 in single, relative to the
 * largest entry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "golden.h"
#include "kernel/gradient.h"
#include "solve/solve.h"

static agop_ctx *ctx;

static double worst(const double *a, const double *b, int64_t n)
{
    double top = 0, error = 0;
    for (int64_t i = 0; i < n; i++) {
        top   = fmax(top, fabs(b[i]));
        error = isnan(a[i]) ? INFINITY : fmax(error, fabs(a[i] - b[i]));
    }
    return error / top;
}

static void near(const char *what, const char *name, int64_t t, const double *a, const double *b, int64_t n,
                 double limit)
{
    double e = worst(a, b, n);
    if (!(e <= limit))
        fail_msg("%s, iteration %lld: %s differs by %.3e, allowed %.0e", name, (long long)t, what, e, limit);
}

typedef struct golden {
    int64_t  n, m, p, c;
    int32_t  groups, *levels, *code, *code_test;
    double  *X, *Y, *Z;
} golden;

static int32_t *codes(const json_t *j, int64_t n, int32_t g)
{
    int32_t *out = calloc((size_t)(n * g) + 1, sizeof *out);
    for (int64_t i = 0; i < n; i++)
        for (int32_t k = 0; k < g; k++)
            out[i * g + k] = (int32_t)json_integer_value(json_array_get(json_array_get(j, (size_t)i), (size_t)k));
    return out;
}

/* The metric of a case, block by block; a diagonal one is given in full or as its diagonal. */
static void compare_metric(const agop__metric *m, const json_t *M, int blocks, const char *name, int64_t t,
                           double limit)
{
    double a[4096], b[4096], top = 0;
    int64_t n = 0;
    for (int32_t k = 0; k < m->blocks; k++) {
        const json_t *block = blocks ? json_array_get(M, (size_t)k) : M;
        int64_t       d = m->block[k].d, rows = 0, cols = 0;
        double       *want;
        if (!json_is_array(json_array_get(block, 0))) { /* a plain diagonal */
            for (int64_t i = 0; i < d; i++) {
                a[n]   = agop__metric_at(m, k, i);
                b[n++] = json_number_value(json_array_get(block, (size_t)i));
            }
            continue;
        }
        want = golden_matrix(block, &rows, &cols);
        assert_int_equal(rows, d);
        for (int64_t i = 0; i < d; i++)
            for (int64_t j = 0; j < d; j++) {
                a[n]   = m->diagonal ? (i == j ? m->block[k].m[i] : 0) : m->block[k].m[i * d + j];
                b[n++] = want[i * d + j];
            }
        free(want);
    }
    for (int64_t i = 0; i < n; i++)
        top = fmax(top, fabs(b[i]));
    assert_true(top > 0);
    near("the metric", name, t, a, b, n, limit);
}

static void one_case(const golden *g, const json_t *c, const char *name, int blocks, int32_t dtype, double limit)
{
    int           l1 = json_object_get(c, "kind") && strcmp(json_string_value(json_object_get(c, "kind")), "l1") == 0;
    int           with = json_is_true(json_object_get(c, "groups"));
    int64_t       rows, cols, steps = (int64_t)json_array_size(json_object_get(c, "iterations"));
    double        ridge = golden_number(c, "ridge"), *alpha = calloc((size_t)(g->n * g->c), sizeof *alpha);
    double       *y = calloc((size_t)(g->m * g->c), sizeof *y);
    agop__metric  m = {0}, next = {0};
    agop__shape   shape = {.kind = l1 ? AGOP__L1 : AGOP__L2, .exponent = golden_number(c, "exponent"),
                           .bandwidth = golden_number(c, "bandwidth"), .height = sqrt(.5)};

    assert_int_equal(agop__metric_identity(&m, g->p, with ? g->groups : 0, g->levels,
                                           json_is_true(json_object_get(c, "diag")), &ctx->err),
                     AGOP_OK);
    for (int64_t t = 0; t < steps; t++) {
        const json_t  *it = json_array_get(json_object_get(c, "iterations"), (size_t)t);
        double        *want;
        agop__solution one = {.alpha = alpha};
        agop__tile     A   = {0};
        agop__system   s   = {.ctx     = ctx,
                              .metric  = &m,
                              .shape   = shape,
                              .x       = g->X,
                              .code    = g->code,
                              .Y       = g->Y,
                              .n       = g->n,
                              .c       = g->c,
                              .x_dtype = AGOP_F64,
                              .memory  = INT64_MAX};
        compare_metric(&m, json_object_get(it, "M"), blocks, name, t, limit);
        assert_int_equal(agop__system_prepare(&s, dtype), AGOP_OK);
        assert_int_equal(agop__solve(&one, &s, ridge, AGOP__CLOSELY), AGOP_OK);
        want = golden_matrix(json_object_get(it, "alpha"), &rows, &cols);
        near("alpha", name, t, alpha, want, rows * cols, limit);
        free(want);
        assert_int_equal(agop__apply(y, &s, g->Z, g->code_test, g->m, alpha), AGOP_OK);
        want = golden_matrix(json_object_get(it, "prediction"), &rows, &cols);
        near("the prediction", name, t, y, want, rows * cols, limit);
        free(want);
        assert_int_equal(op_alloc(ctx, &A, g->n, g->c, dtype), AGOP_OK);
        assert_int_equal(op_put(ctx, &A, alpha, g->c, AGOP_F64), AGOP_OK);
        agop__average a = {.map = &s.map, .metric = &m, .height = shape.height, .x = &s.points, .z = &s.points,
                           .alpha = &A, .centre = json_is_true(json_object_get(c, "centre")),
                           .route  = shape.kind == AGOP__L2 && dtype == AGOP_F64 && t % 2 ? AGOP__ROUTE_GRAM
                                                                                          : AGOP__ROUTE_GRADIENTS};
        assert_int_equal(agop__average_gradient(&next, &a), AGOP_OK);
        assert_true(agop__metric_scale(&next));
        op_release(ctx, &A);
        agop__system_close(&s);
        agop__metric_free(&m);
        m = next;
    }
    agop__metric_free(&m);
    free(alpha);
    free(y);
}

/* Returns 0 where the file is not there. */
static int run(const char *path, const char *X, const char *Z, int blocks)
{
    json_t *j = json_load_file(path, 0, NULL);
    golden  g = {0};
    int64_t d;
    size_t  i;
    json_t *c;

    if (!j)
        return 0;
    g.X = golden_matrix(json_object_get(j, X), &g.n, &g.p);
    g.Z = golden_matrix(json_object_get(j, Z), &g.m, &g.p);
    g.Y = golden_matrix(json_object_get(j, "Y"), &d, &g.c);
    g.groups = (int32_t)json_array_size(json_object_get(j, "levels"));
    g.levels = calloc((size_t)g.groups + 1, sizeof *g.levels);
    for (int32_t k = 0; k < g.groups; k++)
        g.levels[k] = (int32_t)json_integer_value(json_array_get(json_object_get(j, "levels"), (size_t)k));
    g.code      = codes(json_object_get(j, "code"), g.n, g.groups);
    g.code_test = codes(json_object_get(j, "code_test"), g.m, g.groups);
    assert_true(json_array_size(json_object_get(j, "cases")) >= 4);
    json_array_foreach(json_object_get(j, "cases"), i, c)
    {
        char name[128];
        (void)snprintf(name, sizeof name, "%s case %zu", path, i);
        one_case(&g, c, name, blocks, AGOP_F64, 1e-9);
        one_case(&g, c, name, blocks, AGOP_F32, 2e-4);
    }
    free(g.X);
    free(g.Y);
    free(g.Z);
    free(g.levels);
    free(g.code);
    free(g.code_test);
    json_decref(j);
    return 1;
}

static void test_golden__runs_agree_with_numpy(void **state)
{
    (void)state;
    assert_true(run("tests/data/golden_rfm.json", "numeric", "numeric_test", 1));
}

static void test_golden__runs_agree_with_the_shared_reference(void **state)
{
    (void)state;
    if (!run("../shared/reference/golden/rfm.json", "X", "Xtest", 0))
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden__runs_agree_with_numpy),
        cmocka_unit_test(test_golden__runs_agree_with_the_shared_reference),
    };
    int failed;
    if (agop_open(&ctx, "cpu", 2) != AGOP_OK)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    agop_close(ctx);
    return failed;
}
