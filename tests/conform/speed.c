/* speed.c - `conform speed`: the same product in single precision and in bf16, by turns, on one thread.
 *
 * Processor seconds, best of ten, conversion to bf16 included: other work on the machine disturbs those least. */
#include "speed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "backend/ops.h"
#include "base/rng.h"

enum { TIMES = 10, CENTRES = 3000, ROWS = 1024 };

static agop_ctx *ctx;

static void must(agop_status st)
{
    if (st == AGOP_OK)
        return;
    fprintf(stderr, "conform: %s\n", agop_errmsg(ctx));
    exit(1);
}

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static agop__tile random_tile(int64_t rows, int64_t cols)
{
    double    *v = calloc((size_t)(rows * cols), sizeof *v);
    agop__rng  rng;
    agop__tile t;

    agop__rng_seed(&rng, 1, 1);
    for (int64_t i = 0; v && i < rows * cols; i++)
        v[i] = agop__rng_uniform(&rng) - .5;
    must(op_alloc(ctx, &t, rows, cols, AGOP_F32));
    must(op_put(ctx, &t, v, cols, AGOP_F64));
    free(v);
    return t;
}

static void tell(const char *what, double flops, const double best[2])
{
    printf("%-32s %6.0f %6.0f  x %.2f\n", what, 1e-9 * flops / best[0], 1e-9 * flops / best[1], best[0] / best[1]);
}

/* A (m x k) or A' (A k x m) times B (k x n). */
static void time_gemm(int ta, int64_t m, int64_t n, int64_t k)
{
    agop__tile A = ta ? random_tile(k, m) : random_tile(m, k), B = random_tile(k, n), C = random_tile(m, n);
    double     best[2] = {INFINITY, INFINITY};
    char       what[64];

    for (int i = 0; i < 2 * TIMES; i++) {
        double began = now();
        must((i % 2 ? op_gemm16 : op_gemm)(ctx, ta, 0, 1, &A, &B, 1, &C));
        best[i % 2] = fmin(best[i % 2], now() - began);
    }
    (void)snprintf(what, sizeof what, "%lld x %lld%s, %lld x %lld", (long long)m, (long long)k, ta ? " (A')" : "",
                   (long long)k, (long long)n);
    tell(what, 2.0 * (double)(m * n * k), best);
    op_release(ctx, &A);
    op_release(ctx, &B);
    op_release(ctx, &C);
}

/* The whole operation; the rate is its product's alone. */
static void time_gradient(int64_t d, int64_t c)
{
    agop__points z = {.u = random_tile(CENTRES, d)}, x = {.u = op_rows(ctx, &z.u, 0, ROWS)};
    agop__tile   A = random_tile(CENTRES, c), G = random_tile(ROWS, c * d);
    double       best[2] = {INFINITY, INFINITY};
    char         what[64];

    for (int i = 0; i < 2 * TIMES; i++) {
        agop__kernel k     = {.kind = AGOP__L2, .exponent = 1, .bandwidth = 10, .bf16 = i % 2};
        double       began = now();
        must(op_gradient(ctx, &G, &k, &x, &z, &A));
        best[i % 2] = fmin(best[i % 2], now() - began);
    }
    (void)snprintf(what, sizeof what, "gradients, d = %lld, c = %lld", (long long)d, (long long)c);
    tell(what, 2.0 * (double)(ROWS * c) * (double)(CENTRES * d), best);
    op_release(ctx, &A);
    op_release(ctx, &G);
    op_release(ctx, &z.u);
}

int units_speed(void)
{
    static const int64_t coordinates[] = {64, 100, 500, 784};

    must(agop_open(&ctx, "cpu", 1));
    if (op_units(ctx) != AGOP_OK) {
        printf("%s\n", agop_errmsg(ctx));
        agop_close(ctx);
        return 77;
    }
    printf("%-32s %6s %6s  GFLOP/s\n", "", "f32", "bf16");
    for (int i = 1; i < 4; i++)
        time_gemm(0, 512, coordinates[i], 2048);
    time_gemm(1, 784, 784, 50000);
    time_gemm(1, 5000, 512, 5000);
    for (int i = 0; i < 8; i++)
        time_gradient(coordinates[i / 2], i % 2 ? 10 : 1);
    agop_close(ctx);
    return 0;
}
