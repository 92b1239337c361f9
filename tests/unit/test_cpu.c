/* test_cpu.c - the cpu backend beside its numbers: memory that runs out, memory that is used, threads left as found,
 * tiles that do not fit together, and points that only rounding tells apart. Numbers are tests/conform's. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/backend.h"
#include "fail_alloc.h"

/* OpenMP is the backend's affair; this one question is asked to see that its settings come back. */
int omp_get_max_threads(void);

static agop_ctx            *ctx;
static const agop__backend *be;
static agop__err            err;

static int open_cpu(void **state)
{
    (void)state;
    if (agop_open(&ctx, "cpu", 2) != AGOP_OK)
        return 1;
    be = ctx->be;
    return 0;
}

static int close_cpu(void **state)
{
    (void)state;
    agop_close(ctx);
    return 0;
}

static agop__tile tile(int64_t rows, int64_t cols, int32_t dtype, double value)
{
    agop__tile t;

    assert_int_equal(be->alloc(ctx->self, &t, rows, cols, dtype, &err), AGOP_OK);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++)
            if (dtype == AGOP_F64)
                ((double *)t.mem)[i * t.ld + j] = value * (double)((i * 7 + j * 3) % 11);
            else if (dtype == AGOP_F32)
                ((float *)t.mem)[i * t.ld + j] = (float)(value * (double)((i * 7 + j * 3) % 11));
            else
                ((int32_t *)t.mem)[i * t.ld + j] = (int32_t)((i + j) % 3);
    return t;
}

/* One of everything that takes points, with two groups. */
typedef struct world {
    agop__points x, z;
    agop__tile   table[2], step[2], A, A64, B, Y, Y64, G, K, square;
    int32_t      levels[2];
    agop__kernel k;
} world;

static void make_world(world *w, int64_t n, int64_t m, int64_t r)
{
    *w         = (world){.levels = {3, 3}};
    w->x.u     = tile(n, r, AGOP_F32, 0.1);
    w->z.u     = tile(m, r, AGOP_F32, 0.07);
    w->x.code  = tile(n, 2, AGOP__I32, 0);
    w->z.code  = tile(m, 2, AGOP__I32, 0);
    for (int g = 0; g < 2; g++) {
        w->table[g] = tile(4, 4, AGOP_F32, 0);
        w->step[g]  = tile(3, 1, AGOP_F32, 0);
    }
    w->A      = tile(m, 2, AGOP_F32, 0.3);
    w->A64    = tile(m, 2, AGOP_F64, 0.3);
    w->B      = tile(n, 2, AGOP_F32, 0.2);
    w->Y      = tile(n, 2, AGOP_F32, 0);
    w->Y64    = tile(n, 2, AGOP_F64, 0);
    w->G      = tile(n, 2 * (r + 6), AGOP_F32, 0);
    w->K      = tile(n, m, AGOP_F32, 0);
    w->square = tile(n, n, AGOP_F32, 0);
    w->k      = (agop__kernel){.kind = AGOP__L2, .exponent = 1, .bandwidth = 2, .groups = 2, .levels = w->levels,
                               .tables = w->table, .steps = w->step};
}

static void drop_world(world *w)
{
    agop__tile *all[] = {&w->x.u, &w->z.u, &w->x.code, &w->z.code, &w->table[0], &w->table[1], &w->step[0], &w->step[1],
                         &w->A,   &w->A64, &w->B,      &w->Y,      &w->Y64,    &w->G,        &w->K,        &w->square};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        be->release(ctx->self, all[i]);
}

enum { KERNEL, LOWER, APPLY, APPLY_WIDE, SYMM, GRADIENT, OPERATIONS };

static agop_status run(world *w, int operation)
{
    switch (operation) {
    case KERNEL: return be->kernel(ctx->self, &w->K, &w->k, &w->x, &w->z, &err);
    case LOWER: return be->kernel_lower(ctx->self, &w->square, &w->k, &w->x, &err);
    case APPLY: return be->kernel_apply(ctx->self, &w->Y, &w->k, &w->x, &w->z, &w->A, &err);
    case APPLY_WIDE: return be->kernel_apply(ctx->self, &w->Y64, &w->k, &w->x, &w->z, &w->A64, &err);
    case SYMM: return be->kernel_symm(ctx->self, &w->Y, &w->k, &w->x, NULL, &w->B, &err);
    default: return be->gradient(ctx->self, &w->G, &w->k, &w->x, &w->z, &w->A, &err);
    }
}

static void test_cpu__running_out_of_memory_is_told_wherever_it_happens(void **state)
{
    world w;

    (void)state;
    make_world(&w, 20, 30, 40);
    for (int operation = KERNEL; operation < OPERATIONS; operation++)
        for (int64_t n = 1;; n++) {
            agop_status st;
            int         failed;
            fail_alloc_arm(n);
            st     = run(&w, operation);
            failed = fail_alloc_disarm();
            if (!failed) {
                assert_int_equal(st, AGOP_OK);
                assert_true(n > 2);
                break;
            }
            assert_int_equal(st, AGOP_E_NOMEM);
            assert_non_null(strstr(err.text, "no memory"));
        }
    drop_world(&w);
}

static void test_cpu__dense_operations_tell_when_memory_runs_out(void **state)
{
    agop__tile A = tile(5, 5, AGOP_F64, 0), w = tile(3, 1, AGOP_F64, 0), V = tile(3, 5, AGOP_F64, 0), d;

    (void)state;
    d = tile(5, 1, AGOP_F64, 0);
    for (int64_t n = 1;; n++) {
        agop_status st;
        int         failed;
        for (int i = 0; i < 25; i++)
            ((double *)A.mem)[i] = i % 6 == 0 ? i + 1 : 0;
        fail_alloc_arm(n);
        st     = be->eigh(ctx->self, &A, &w, &V, 3, &err);
        failed = fail_alloc_disarm();
        if (!failed) {
            assert_int_equal(st, AGOP_OK);
            assert_true(n > 4);
            break;
        }
        assert_int_equal(st, AGOP_E_NOMEM);
    }
    fail_alloc_arm(1);
    assert_int_equal(be->inverse_diagonal(ctx->self, &A, &d, &err), AGOP_E_NOMEM);
    assert_true(fail_alloc_disarm());
    be->release(ctx->self, &A);
    be->release(ctx->self, &w);
    be->release(ctx->self, &V);
    be->release(ctx->self, &d);
}

static void test_cpu__openmp_is_left_as_it_was_found(void **state)
{
    int64_t bad;
    int     before = omp_get_max_threads();
    world   w;

    (void)state;
    for (int threads = 1; threads <= 3; threads += 2) {
        agop_ctx *outer = ctx;
        assert_int_equal(agop_open(&ctx, "cpu", threads), AGOP_OK);
        make_world(&w, 20, 30, 40);
        for (int operation = KERNEL; operation < OPERATIONS; operation++)
            assert_int_equal(run(&w, operation), AGOP_OK);
        assert_int_equal(be->add_diagonal(ctx->self, &w.square, 1, NULL, &err), AGOP_OK);
        assert_int_equal(be->cholesky(ctx->self, &w.square, &bad, &err), AGOP_OK);
        assert_int_equal(be->gemm(ctx->self, 0, 1, 1, &w.x.u, &w.z.u, 0, &w.K, &err), AGOP_OK);
        assert_int_equal(omp_get_max_threads(), before);
        drop_world(&w);
        agop_close(ctx);
        ctx = outer;
    }
}

/* Coordinates that differ by less than their own rounding are one point to the gradient, whose weight d^(q-2) would
 * turn that noise into a direction; the kernel itself takes them as they are. */
static void test_gradient__points_within_rounding_of_each_other_give_no_direction(void **state)
{
    const int64_t r = 3;
    world         w;

    (void)state;
    make_world(&w, 2, 1, r);
    for (int64_t j = 0; j < r; j++)
        ((float *)w.z.u.mem)[j] = ((float *)w.x.u.mem)[j] = ((float *)w.x.u.mem)[w.x.u.ld + j] = 1;
    ((float *)w.x.u.mem)[0]           = 1.0f + 1.1920929e-7f; /* one rounding away */
    ((float *)w.x.u.mem)[w.x.u.ld]    = 1.0f + 1e-4f;         /* a real step */
    ((int32_t *)w.x.code.mem)[0]      = ((int32_t *)w.z.code.mem)[0];
    ((int32_t *)w.x.code.mem)[1]      = ((int32_t *)w.z.code.mem)[1];
    ((float *)w.A.mem)[0]             = 1;
    w.k.exponent                      = 0.5;
    assert_int_equal(run(&w, GRADIENT), AGOP_OK);
    for (int64_t j = 0; j < w.G.cols; j++)
        assert_true(((float *)w.G.mem)[j] == 0);
    assert_true(((float *)w.G.mem)[w.G.ld] < -1);
    drop_world(&w);
}

static void test_cpu__tiles_that_do_not_fit_are_our_fault_and_told(void **state)
{
    int64_t    bad;
    world      w;
    agop__tile wrong = tile(3, 4, AGOP_F32, 0), ints = tile(3, 4, AGOP__I32, 0);
    double     host[12];

    (void)state;
    make_world(&w, 20, 30, 40);
    assert_int_equal(be->kernel(ctx->self, &wrong, &w.k, &w.x, &w.z, &err), AGOP_E_BUG);
    assert_int_equal(be->kernel_lower(ctx->self, &wrong, &w.k, &w.x, &err), AGOP_E_BUG);
    assert_int_equal(be->kernel_apply(ctx->self, &wrong, &w.k, &w.x, &w.z, &w.A, &err), AGOP_E_BUG);
    assert_int_equal(be->kernel_apply(ctx->self, &w.Y, &w.k, &w.x, &w.z, &w.A64, &err), AGOP_E_BUG);
    assert_int_equal(be->gradient(ctx->self, &wrong, &w.k, &w.x, &w.z, &w.A, &err), AGOP_E_BUG);
    assert_int_equal(be->gemm(ctx->self, 0, 0, 1, &w.x.u, &w.z.u, 0, &w.K, &err), AGOP_E_BUG);
    assert_int_equal(be->cholesky(ctx->self, &wrong, &bad, &err), AGOP_E_BUG);
    assert_int_equal(be->solve(ctx->self, &w.square, &wrong, &err), AGOP_E_BUG);
    assert_int_equal(be->get(ctx->self, host, 4, AGOP_F64, &ints, &err), AGOP_E_BUG);
    w.k.exponent = 2.5;
    assert_int_equal(run(&w, KERNEL), AGOP_E_BUG);
    w.k.exponent = NAN;
    assert_int_equal(run(&w, KERNEL), AGOP_E_BUG);
    be->release(ctx->self, &wrong);
    be->release(ctx->self, &ints);
    drop_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cpu__running_out_of_memory_is_told_wherever_it_happens),
        cmocka_unit_test(test_cpu__dense_operations_tell_when_memory_runs_out),
        cmocka_unit_test(test_cpu__openmp_is_left_as_it_was_found),
        cmocka_unit_test(test_gradient__points_within_rounding_of_each_other_give_no_direction),
        cmocka_unit_test(test_cpu__tiles_that_do_not_fit_are_our_fault_and_told),
    };
    return cmocka_run_group_tests(tests, open_cpu, close_cpu);
}
