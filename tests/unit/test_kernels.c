/* test_kernels.c - kernels through their metrics: values and gradients against plain loops and differences, and what
 * must not change them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "kernel/gradient.h"
#include "numbers.h"
#include "solve/solve.h"

enum { N = 60, M = 37, D = 6, LEVELS = 4, C = 2, E = D + LEVELS };
static agop_ctx *ctx;

/* A machine on `d` coordinates and one group, at rows z. */
typedef struct machine {
    agop__metric  m;
    agop__map     map;
    agop__points  x, z;
    agop__tile    A, K;
    agop__average a;
} machine;

static void open_machine(machine *k, const agop__metric *m, const agop__shape *shape, const double *x,
                         const double *z, const int32_t *code, const double *alpha)
{
    memset(k, 0, sizeof *k);
    assert_int_equal(agop__metric_copy(&k->m, m, &ctx->err), AGOP_OK);
    assert_int_equal(agop__map_make(&k->map, ctx, &k->m, shape, AGOP_F64), AGOP_OK);
    assert_int_equal(agop__map_points(&k->x, &k->map, x, AGOP_F64, code, N), AGOP_OK);
    assert_int_equal(agop__map_points(&k->z, &k->map, z, AGOP_F64, code, M), AGOP_OK);
    assert_int_equal(op_alloc(ctx, &k->A, N, C, AGOP_F64), AGOP_OK);
    assert_int_equal(op_put(ctx, &k->A, alpha, C, AGOP_F64), AGOP_OK);
    assert_int_equal(op_alloc(ctx, &k->K, M, N, AGOP_F64), AGOP_OK);
    assert_int_equal(op_kernel(ctx, &k->K, &k->map.kernel, &k->z, &k->x), AGOP_OK);
    k->a = (agop__average){.map = &k->map, .metric = &k->m, .height = shape->height, .x = &k->z, .z = &k->x,
                           .alpha = &k->A, .centre = 1, .route = AGOP__ROUTE_GRADIENTS};
}

static void close_machine(machine *k)
{
    op_release(ctx, &k->A);
    op_release(ctx, &k->K);
    agop__points_free(&k->x, ctx);
    agop__points_free(&k->z, ctx);
    agop__map_free(&k->map);
    agop__metric_free(&k->m);
}

static void kernel_values(double *out, const machine *k)
{
    assert_int_equal(op_get(ctx, out, N, AGOP_F64, &k->K), AGOP_OK);
}

static const int32_t *some_codes(void)
{
    static int32_t code[N];
    for (int i = 0; i < N; i++)
        code[i] = i % (LEVELS + 1) - 1; /* some rows have no level */
    return code;
}

/* A metric of d coordinates whose diagonal is w. */
static void weighted(agop__metric *m, int64_t d, const double *w, int diagonal)
{
    static const int32_t levels[] = {LEVELS};
    assert_int_equal(agop__metric_identity(m, d, 1, levels, diagonal, &ctx->err), AGOP_OK);
    for (int64_t i = 0; i < d; i++)
        m->block[0].m[diagonal ? i : i * (d + 1)] = w[i];
}

/* ---- coordinates of weight zero ---- */

static const double some_weights[D] = {1, 0, .5, 0, .3, 0};
enum { LIVE = 3 };
static const int live[LIVE] = {0, 2, 4};

static double *live_columns(const double *x, int64_t n)
{
    double *out = malloc((size_t)(n * LIVE) * sizeof *out);
    for (int64_t i = 0; i < n; i++)
        for (int k = 0; k < LIVE; k++)
            out[i * LIVE + k] = x[i * D + live[k]];
    return out;
}

/* The AGOP of `full`, which has D coordinates, is that of `part`, of the live ones, and zero elsewhere. */
static void same_where_live(const agop__metric *full, const agop__metric *part)
{
    double a[LIVE * LIVE + LEVELS * LEVELS], b[LIVE * LIVE + LEVELS * LEVELS], rest = 0;
    int    side = full->diagonal ? 1 : LIVE, n = 0, groups = full->diagonal ? LEVELS : LEVELS * LEVELS;

    for (int i = 0; i < LIVE; i++)
        for (int j = 0; j < side; j++, n++) {
            a[n] = full->block[0].m[full->diagonal ? live[i] : live[i] * D + live[j]];
            b[n] = part->block[0].m[n];
            rest -= fabs(a[n]);
        }
    for (int i = 0; i < (full->diagonal ? D : D * D); i++)
        rest += fabs(full->block[0].m[i]);
    assert_true(fabs(rest) < 1e-15);
    memcpy(a + n, full->block[1].m, (size_t)groups * sizeof *a);
    memcpy(b + n, part->block[1].m, (size_t)groups * sizeof *b);
    assert_true(b[0] > 0 && b[n] > 0);
    assert_true(apart(a, b, n + groups) < 1e-12);
}

static void test_kernels__a_coordinate_of_weight_zero_is_as_good_as_not_there(void **state)
{
    double *x = normals(N * D, 1), *z = normals(M * D, 2), *alpha = normals(N * C, 3);
    double *xs = live_columns(x, N), *zs = live_columns(z, M), w[LIVE], K[2][M * N];
    (void)state;
    for (int k = 0; k < LIVE; k++)
        w[k] = some_weights[live[k]];
    for (int k = 0; k < 5; k++) {
        const int     diagonal = k != 4;
        agop__shape   shape = {.kind = k < 3 ? AGOP__L1 : AGOP__L2, .exponent = (double[]){1, 1.5, 2, 1, 1}[k],
                               .bandwidth = 3, .height = .7};
        agop__metric  m, s, got, want, mixed;
        machine       one, two;
        agop__average *a[1];
        weighted(&m, D, some_weights, diagonal);
        weighted(&s, LIVE, w, diagonal);
        open_machine(&one, &m, &shape, x, z, some_codes(), alpha);
        open_machine(&two, &s, &shape, xs, zs, some_codes(), alpha);
        assert_int_equal(one.x.u.cols, LIVE);
        kernel_values(K[0], &one);
        kernel_values(K[1], &two);
        assert_memory_equal(K[0], K[1], sizeof K[0]);
        assert_int_equal(agop__average_gradient(&got, &one.a), AGOP_OK);
        assert_int_equal(agop__average_gradient(&want, &two.a), AGOP_OK);
        same_where_live(&got, &want);
        a[0] = &one.a;
        assert_int_equal(agop__average_mixture(&mixed, a, (double[]){1}, 1, diagonal), AGOP_OK);
        same_where_live(&mixed, &want);
        agop__metric_free(&got);
        agop__metric_free(&want);
        agop__metric_free(&mixed);
        close_machine(&one);
        close_machine(&two);
        agop__metric_free(&m);
        agop__metric_free(&s);
    }
    free(x);
    free(z);
    free(xs);
    free(zs);
    free(alpha);
}

/* All of them: every row is the same to the numeric part. */
static void test_kernels__no_coordinate_may_be_left(void **state)
{
    const double  none[D] = {0};
    double       *x = normals(N * D, 4), *alpha = normals(N * C, 5), K[M * N];
    agop__shape   shape = {.kind = AGOP__L1, .exponent = 1, .bandwidth = 3, .height = .7};
    const int32_t *code = some_codes();
    agop__metric  m, got;
    machine       k;
    (void)state;
    weighted(&m, D, none, 1);
    open_machine(&k, &m, &shape, x, x, code, alpha);
    kernel_values(K, &k);
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++)
            assert_int_equal(K[i * N + j] == 1, code[i] == code[j]);
    assert_int_equal(agop__average_gradient(&got, &k.a), AGOP_OK);
    for (int i = 0; i < D; i++)
        assert_true(got.block[0].m[i] == 0);
    assert_true(got.block[1].m[0] > 0);
    agop__metric_free(&got);
    close_machine(&k);
    agop__metric_free(&m);
    free(x);
    free(alpha);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels__a_coordinate_of_weight_zero_is_as_good_as_not_there),
        cmocka_unit_test(test_kernels__no_coordinate_may_be_left),
    };
    int failed;
    if (agop_open(&ctx, "cpu", 2) != AGOP_OK)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    agop_close(ctx);
    return failed;
}
