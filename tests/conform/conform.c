/* conform.c - every operation of a backend against reference.c, on one list of cases.
 *
 *   conform cpu | cpu:baseline | cpu:avx2 | cpu:avx512 | check | units | speed
 *
 * "units" is what is asked of matrix units alone, behind the guards of "check"; "speed" is no test, see speed.c.
 *
 * Exit: 0 all agree, 1 some do not (each is a line on stderr), 77 this machine cannot run that backend.
 * Comparisons are written !(difference <= tolerance), so that a NaN fails. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/rng.h"
#include "check.h"
#include "reference.h"
#include "speed.h"

static agop_ctx            *ctx;
static const agop__backend *be;
static agop__rng            rng;
static long                 checks, failures;

/* ---- small tools ---- */

static void *need(void *p)
{
    if (!p) {
        fprintf(stderr, "conform: no memory\n");
        exit(1);
    }
    return p;
}

static double *reals(int64_t n)
{
    return need(calloc((size_t)(n > 0 ? n : 1), sizeof(double)));
}

static double eps_of(int32_t dtype)
{
    return dtype == AGOP_F32 ? FLT_EPSILON : DBL_EPSILON;
}

/* The share of |u|^2 + |z|^2 below which squared distances come from differences: docs/kernels.md. */
static double near_of(int32_t dtype)
{
    return dtype == AGOP_F32 ? 1e-3 : 1e-5;
}

/* Nearly normal, and representable in dtype, so that the reference computes from the same numbers. */
static double draw(int32_t dtype)
{
    double s = -6;
    for (int i = 0; i < 12; i++)
        s += agop__rng_uniform(&rng);
    return dtype == AGOP_F32 ? (double)(float)s : s;
}

static void ok(agop_status st, const agop__err *e, const char *what)
{
    checks++;
    if (st != AGOP_OK) {
        failures++;
        fprintf(stderr, "conform: %s: %s: %s\n", what, agop_status_name(st), e->text);
        exit(1);
    }
}

static void is_true(int fact, const char *what)
{
    checks++;
    if (!fact) {
        failures++;
        fprintf(stderr, "conform: not so: %s\n", what);
    }
}

/* got (n values) against want, each with its tolerance; one line for the worst. */
static void compare(const double *got, const double *want, const double *tolerance, int64_t n, const char *what)
{
    int64_t bad = 0, first = -1;

    for (int64_t i = 0; i < n; i++)
        if (!(fabs(got[i] - want[i]) <= tolerance[i])) {
            bad++;
            first = first < 0 ? i : first;
        }
    checks += n;
    failures += bad > 0;
    if (bad)
        fprintf(stderr, "conform: %s: %lld of %lld differ, first at %lld: %.17g, should be %.17g within %.3g\n", what,
                (long long)bad, (long long)n, (long long)first, got[first], want[first], tolerance[first]);
}

/* A tile whose rows are `slack` further apart than they are long. */
static agop__tile tile(int64_t rows, int64_t cols, int64_t slack, int32_t dtype)
{
    agop__tile t;
    agop__err  e = {0};

    ok(be->alloc(ctx->self, &t, rows, cols + slack, dtype, &e), &e, "alloc");
    t.cols = cols;
    return t;
}

static agop__tile tile_of(const double *values, int64_t rows, int64_t cols, int64_t slack, int32_t dtype)
{
    agop__tile t = tile(rows, cols, slack, dtype);
    agop__err  e = {0};

    ok(be->put(ctx->self, &t, values, cols, AGOP_F64, &e), &e, "put");
    return t;
}

static double *values_of(const agop__tile *t)
{
    double   *v = reals(t->rows * t->cols);
    agop__err e = {0};

    ok(be->get(ctx->self, v, t->cols, AGOP_F64, t, &e), &e, "get");
    return v;
}

static void drop(agop__tile *t)
{
    be->release(ctx->self, t);
}

/* ---- points ---- */

enum { PLAIN, DISCRETE, OFFSET, LATTICE }; /* how coordinates are drawn */

typedef struct tiles_of {
    agop__points p;
    ref_points   ref;
} tiles_of;

static tiles_of make_points(int64_t n, int64_t r, const ref_kernel *k, int mode, int lattice, int32_t dtype)
{
    tiles_of  t = {.ref = {.n = n, .r = r, .g = k->groups}};
    agop__err e = {0};

    t.ref.u    = reals(n * r);
    t.ref.code = need(calloc((size_t)(n * k->groups + 1), sizeof *t.ref.code));
    for (int64_t i = 0; i < n * r; i++)
        switch (mode) {
        case DISCRETE: t.ref.u[i] = (double)agop__rng_below(&rng, 3) - 1; break;
        case OFFSET: t.ref.u[i] = draw(dtype) + 1000; break;
        case LATTICE: t.ref.u[i] = (double)agop__rng_below(&rng, 5) * 0.5 + 0.125 * lattice - 1; break;
        default: t.ref.u[i] = draw(dtype);
        }
    if (mode == OFFSET) /* rows in pairs: equal, or a step of one coordinate apart */
        for (int64_t i = 1; i < n; i += 2)
            for (int64_t j = 0; j < r; j++)
                t.ref.u[i * r + j] = t.ref.u[(i - 1) * r + j] + (i % 4 == 1 && j == 0 ? 0.25 : 0);
    for (int64_t i = 0; i < n * r && dtype == AGOP_F32; i++)
        t.ref.u[i] = (double)(float)t.ref.u[i];
    for (int64_t i = 0; i < n; i++)
        for (int32_t g = 0; g < k->groups; g++) /* now and then a code that is no level */
            t.ref.code[i * k->groups + g] = (int32_t)agop__rng_below(&rng, k->levels[g] + 3) - 1;
    t.p.u = tile_of(t.ref.u, n, r, 5, dtype);
    if (k->groups > 0) {
        t.p.code = tile(n, k->groups, 2, AGOP__I32);
        ok(be->put(ctx->self, &t.p.code, t.ref.code, k->groups, AGOP__I32, &e), &e, "put codes");
    }
    return t;
}

static void drop_points(tiles_of *t)
{
    drop(&t->p.u);
    drop(&t->p.code);
    free(t->ref.u);
    free(t->ref.code);
}

typedef struct kernel_of {
    agop__kernel k;
    ref_kernel   ref;
    agop__tile   table[4], step[4];
} kernel_of;

static double rounded(double v, int32_t dtype)
{
    return dtype == AGOP_F32 ? (double)(float)v : v;
}

/* What levels a and b add to the sum: each steps in its own coordinate, or they are points of `levels` of them. */
static double between(const ref_kernel *k, const double *step, int32_t levels, int points, int32_t a, int32_t b)
{
    double sum = 0;

    if (a == b || !points)
        return a == b ? 0 : ref_term(k, step[a]) + ref_term(k, step[b]);
    for (int32_t t = 0; t < levels; t++)
        sum += ref_term(k, step[a * levels + t] - step[b * levels + t]);
    return sum;
}

/* Of the kinds that can tell, the second group are points. */
static void make_kernel(kernel_of *k, int32_t kind, double q, double L, int64_t r, int groups, int32_t dtype)
{
    /* p of LPQ: q/p of 1/2, 1 and others, p of 1, 2 and others */
    *k = (kernel_of){.ref = {.kind = kind, .q = q, .L = L, .groups = groups, .power = 3, .share = .9 / (double)(r + 30),
                             .p = q == .7 ? 1.2 : fmin(2, q * (q == 1.4 ? 1 : 2))}};
    for (int g = 0; g < groups; g++) {
        int     points = g == 1 && kind != AGOP__L2;
        int32_t levels = g == 0 ? 3 : 21, side = levels + 1;
        int64_t count = points ? side * levels : side;
        double *step = reals(count), *table = reals(side * side);
        for (int64_t a = 0; a < count; a++)
            step[a] = rounded(0.3 + agop__rng_uniform(&rng), dtype);
        for (int32_t a = 0; a < side; a++)
            for (int32_t b = 0; b < side; b++)
                table[a * side + b] = rounded(between(&k->ref, step, levels, points, a, b), dtype);
        k->ref.levels[g] = levels;
        k->ref.points[g] = points;
        k->ref.table[g]  = table;
        k->ref.step[g]   = step;
        k->table[g]      = tile_of(table, side, side, 1, dtype);
        k->step[g]       = points ? tile_of(step, side, levels, 1, dtype) : tile_of(step, levels, 1, 0, dtype);
    }
    k->k = (agop__kernel){.kind = kind, .exponent = q, .bandwidth = L, .norm = k->ref.p, .share = k->ref.share,
                          .power = k->ref.power, .groups = groups, .levels = k->ref.levels, .tables = k->table,
                          .steps = k->step};
}

static void drop_kernel(kernel_of *k)
{
    for (int g = 0; g < k->ref.groups; g++) {
        drop(&k->table[g]);
        drop(&k->step[g]);
        free(k->ref.table[g]);
        free(k->ref.step[g]);
    }
}

/* ---- kernels ---- */

static void check_kernel(const kernel_of *k, const tiles_of *x, const tiles_of *z, int32_t dtype, const char *what)
{
    agop__tile K = tile(x->ref.n, z->ref.n, 3, dtype);
    agop__err  e = {0};
    double    *want = reals(K.rows * K.cols), *tolerance = reals(K.rows * K.cols), *got;

    ok(be->kernel(ctx->self, &K, &k->k, &x->p, &z->p, &e), &e, "kernel");
    got = values_of(&K);
    for (int64_t i = 0; i < K.rows; i++)
        for (int64_t j = 0; j < K.cols; j++)
            ref_pair(&k->ref, &x->ref, i, &z->ref, j, eps_of(dtype), near_of(dtype), &want[i * K.cols + j],
                     &tolerance[i * K.cols + j]);
    compare(got, want, tolerance, K.rows * K.cols, what);
    free(want);
    free(tolerance);
    free(got);
    drop(&K);
}

static void check_lower(const kernel_of *k, const tiles_of *x, int32_t dtype, const char *what)
{
    int64_t    n = x->ref.n;
    agop__err  e = {0};
    double    *want = reals(n * n), *tolerance = reals(n * n), *got;
    agop__tile K;

    for (int64_t i = 0; i < n * n; i++)
        want[i] = 7; /* what the upper triangle holds before, and must hold after */
    K = tile_of(want, n, n, 3, dtype);
    ok(be->kernel_lower(ctx->self, &K, &k->k, &x->p, &e), &e, "kernel_lower");
    got = values_of(&K);
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < i; j++)
            ref_pair(&k->ref, &x->ref, i, &x->ref, j, eps_of(dtype), near_of(dtype), &want[i * n + j],
                     &tolerance[i * n + j]);
        want[i * n + i] = 1; /* exactly */
    }
    compare(got, want, tolerance, n * n, what);
    free(want);
    free(tolerance);
    free(got);
    drop(&K);
}

/* `dtype` is of the points, `real` of A and Y. */
static void check_apply(const kernel_of *k, const tiles_of *x, const tiles_of *z, int64_t c, int32_t dtype,
                        int32_t real, const char *what)
{
    double    *a = reals(z->ref.n * c), *want = reals(x->ref.n * c), *tolerance = reals(x->ref.n * c), *got;
    agop__err  e = {0};
    agop__tile A, Y = tile(x->ref.n, c, 2, real);

    for (int64_t i = 0; i < z->ref.n * c; i++)
        a[i] = draw(dtype);
    A = tile_of(a, z->ref.n, c, 1, real);
    ok(be->kernel_apply(ctx->self, &Y, &k->k, &x->p, &z->p, &A, &e), &e, "kernel_apply");
    got = values_of(&Y);
    ref_apply(&k->ref, &x->ref, &z->ref, a, c, eps_of(real), near_of(real), want, tolerance);
    compare(got, want, tolerance, x->ref.n * c, what);
    free(a);
    free(want);
    free(tolerance);
    free(got);
    drop(&A);
    drop(&Y);
}

/* As check_apply within x; with a triangle made beforehand, too. */
static void check_symm(const kernel_of *k, const tiles_of *x, int64_t c, int32_t dtype, int32_t real, const char *what)
{
    int64_t    n = x->ref.n;
    double    *a = reals(n * c), *want = reals(n * c), *tolerance = reals(n * c), *got;
    agop__err  e = {0};
    agop__tile A, Y = tile(n, c, 2, real), K = tile(n, n, 3, dtype);

    for (int64_t i = 0; i < n * c; i++)
        a[i] = draw(dtype);
    A = tile_of(a, n, c, 1, real);
    ref_apply(&k->ref, &x->ref, &x->ref, a, c, eps_of(real), near_of(real), want, tolerance);
    ok(be->kernel_symm(ctx->self, &Y, &k->k, &x->p, NULL, &A, &e), &e, "kernel_symm");
    got = values_of(&Y);
    compare(got, want, tolerance, n * c, what);
    free(got);
    if (dtype == real) {
        ok(be->kernel_lower(ctx->self, &K, &k->k, &x->p, &e), &e, "kernel_lower");
        ok(be->kernel_symm(ctx->self, &Y, &k->k, &x->p, &K, &A, &e), &e, "kernel_symm");
        got = values_of(&Y);
        compare(got, want, tolerance, n * c, what);
        free(got);
    }
    free(a);
    free(want);
    free(tolerance);
    drop(&A);
    drop(&Y);
    drop(&K);
}

static void check_weights(const kernel_of *k, const tiles_of *x, const tiles_of *z, int32_t dtype, const char *what)
{
    agop__tile W = tile(x->ref.n, z->ref.n, 3, dtype);
    agop__err  e = {0};
    double    *want = reals(W.rows * W.cols), *tolerance = reals(W.rows * W.cols), *got;

    ok(be->weights(ctx->self, &W, &k->k, &x->p, &z->p, &e), &e, "weights");
    got = values_of(&W);
    for (int64_t i = 0; i < W.rows; i++)
        for (int64_t j = 0; j < W.cols; j++)
            ref_weight(&k->ref, &x->ref, i, &z->ref, j, eps_of(dtype), near_of(dtype), &want[i * W.cols + j],
                       &tolerance[i * W.cols + j]);
    compare(got, want, tolerance, W.rows * W.cols, what);
    free(want);
    free(tolerance);
    free(got);
    drop(&W);
}

static int64_t coordinates(const kernel_of *k, int64_t r)
{
    for (int g = 0; g < k->ref.groups; g++)
        r += k->ref.levels[g];
    return r;
}

static void check_gradient(const kernel_of *k, const tiles_of *x, const tiles_of *z, int64_t c, int32_t dtype,
                           const char *what)
{
    int64_t    e = coordinates(k, x->ref.r), count = x->ref.n * c * e;
    double    *a = reals(z->ref.n * c), *want = reals(count), *tolerance = reals(count), *got;
    agop__err  err = {0};
    agop__tile A, G = tile(x->ref.n, c * e, 2, dtype);

    for (int64_t i = 0; i < z->ref.n * c; i++)
        a[i] = draw(dtype);
    A = tile_of(a, z->ref.n, c, 1, dtype);
    ok(be->gradient(ctx->self, &G, &k->k, &x->p, &z->p, &A, &err), &err, "gradient");
    got = values_of(&G);
    ref_gradient(&k->ref, &x->ref, &z->ref, a, c, eps_of(dtype), near_of(dtype), want, tolerance);
    compare(got, want, tolerance, count, what);
    free(a);
    free(want);
    free(tolerance);
    free(got);
    drop(&A);
    drop(&G);
}

/* Weights and gradients from kernel values instead of coordinates, for the last rows of x. A value of k that is rounded
 * by eps moves -ln k by eps, absolutely: so distances must not be tiny, and the points are spread. */
static void check_known(const kernel_of *k, const tiles_of *x, int32_t dtype, const char *what)
{
    int64_t      n = x->ref.n, first = n / 3, m = n - first, c = 2, e = coordinates(k, x->ref.r);
    double      *a = reals(n * c), *got, *want, *tolerance;
    agop__err    err = {0};
    agop__tile   K = tile(n, n, 1, dtype), A, W = tile(m, n, 3, dtype), G = tile(m, c * e, 2, dtype);
    agop__tile   W0 = tile(m, n, 0, dtype), G0 = tile(m, c * e, 0, dtype);
    agop__kernel known = k->k;
    agop__points last  = {.u = be->rows(ctx->self, &x->p.u, first, m)};

    if (x->p.code.mem)
        last.code = be->rows(ctx->self, &x->p.code, first, m);
    for (int64_t i = 0; i < n * c; i++)
        a[i] = draw(dtype);
    A = tile_of(a, n, c, 1, dtype);
    ok(be->kernel_lower(ctx->self, &K, &k->k, &x->p, &err), &err, "kernel_lower");
    ok(be->weights(ctx->self, &W0, &k->k, &last, &x->p, &err), &err, "weights");
    ok(be->gradient(ctx->self, &G0, &k->k, &last, &x->p, &A, &err), &err, "gradient");
    known.known = &K;
    known.first = first;
    ok(be->weights(ctx->self, &W, &known, &last, &x->p, &err), &err, "weights of known values");
    ok(be->gradient(ctx->self, &G, &known, &last, &x->p, &A, &err), &err, "gradient of known values");
    for (int round = 0; round < 2; round++) {
        int64_t count = round ? m * c * e : m * n;
        double  top   = 0;
        got       = values_of(round ? &G : &W);
        want      = values_of(round ? &G0 : &W0);
        tolerance = reals(count);
        for (int64_t i = 0; i < count; i++)
            top = fmax(top, fabs(want[i]));
        for (int64_t i = 0; i < count; i++)
            tolerance[i] = 200 * eps_of(dtype) * top;
        compare(got, want, tolerance, count, what);
        free(got);
        free(want);
        free(tolerance);
    }
    free(a);
    drop(&K);
    drop(&A);
    drop(&W);
    drop(&W0);
    drop(&G);
    drop(&G0);
}

static const struct {
    int64_t n, m, r;
    int     groups;
} shapes[] = {
    {0, 5, 3, 0},    {5, 0, 3, 1},    {1, 1, 1, 0},     {7, 63, 3, 1},  {64, 65, 31, 0},   {65, 129, 33, 2},
    {129, 64, 40, 0}, {9, 515, 20, 1},  {17, 280, 100, 0}, {9, 13, 0, 2}, {300, 7, 66, 1}, {270, 2, 5, 0},
};

/* Bandwidths keep exponents below about 30, where kernel values are still numbers worth comparing. */
static double bandwidth_for(int32_t kind, double q, int64_t r)
{
    double size = (double)r + 2;
    return kind == AGOP__L2    ? 0.7 * sqrt(size)
           : kind == AGOP__SUM ? 2
                               : 0.7 * pow(size, 1 / q); /* LPQ: q <= p */
}

static void kernel_cases(int32_t dtype)
{
    static const double exponents[] = {0.5, 0.7, 1, 1.4, 2};
    static const char  *modes[]     = {"plain", "discrete", "offset"};
    char                what[200];

    static const char *const names[] = {"", "L2", "L1", "LPQ", "SUM"};

    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++)
        for (int32_t kind = AGOP__L2; kind <= AGOP__SUM; kind++)
            for (int q = 0; q < 5; q++)
                for (int mode = PLAIN; mode <= OFFSET; mode++) {
                    kernel_of k;
                    tiles_of  x, z;
                    int64_t   c = 1 + (int64_t)(s + (size_t)q) % 3;
                    int       general = exponents[q] != 1 && exponents[q] != 2;
                    if (mode != PLAIN && general && (s + (size_t)mode) % 3 != (size_t)q % 3)
                        continue; /* exponents that take the same path take turns */
                    if (kind > AGOP__L1 && (s % 2 == 0 || mode != q % 3))
                        continue; /* what differs from L1 is done pair by pair */
                    make_kernel(&k, kind, exponents[q], bandwidth_for(kind, exponents[q], shapes[s].r), shapes[s].r,
                                shapes[s].groups, dtype);
                    x = make_points(shapes[s].n, shapes[s].r, &k.ref, mode, 0, dtype);
                    z = make_points(shapes[s].m, shapes[s].r, &k.ref, mode, 0, dtype);
#define SAY(op)                                                                                                       \
    (snprintf(what, sizeof what, "%s %s %s q=%g, %lld x %lld points, r=%lld, %d groups, f%d", op,                     \
              names[kind], modes[mode], exponents[q], (long long)shapes[s].n,                      \
              (long long)shapes[s].m, (long long)shapes[s].r, shapes[s].groups, dtype == AGOP_F32 ? 32 : 64),         \
     what)
                    check_kernel(&k, &x, &z, dtype, SAY("kernel"));
                    if (x.ref.n < 200) /* the reference is slow */
                        check_kernel(&k, &x, &x, dtype, SAY("kernel(x,x)"));
                    check_lower(&k, &x, dtype, SAY("kernel_lower"));
                    check_apply(&k, &x, &z, c, dtype, dtype, SAY("kernel_apply"));
                    check_symm(&k, &x, c, dtype, dtype, SAY("kernel_symm"));
                    if (dtype == AGOP_F32)
                        check_symm(&k, &x, c, dtype, AGOP_F64, SAY("kernel_symm in double over"));
                    if (dtype == AGOP_F32)
                        check_apply(&k, &x, &z, c, dtype, AGOP_F64, SAY("kernel_apply in double over"));
                    if (kind == AGOP__L2)
                        check_weights(&k, &x, &z, dtype, SAY("weights"));
                    if (kind == AGOP__L2 && exponents[q] >= .5 && mode == PLAIN)
                        check_known(&k, &x, dtype, SAY("known values"));
                    check_gradient(&k, &x, &z, c, dtype, SAY("gradient"));
                    if (x.ref.n < 100)
                        check_gradient(&k, &x, &x, 1, dtype, SAY("gradient(x,x)"));
#undef SAY
                    drop_points(&x);
                    drop_points(&z);
                    drop_kernel(&k);
                }
}

/* Numeric gradients are the slopes of kernel_apply: differences know nothing of the formulas. x and z lie on lattices
 * half a step apart, so that no coordinate difference is near the kinks of |.|^q. */
static void difference_cases(void)
{
    static const double exponents[] = {0.5, 0.7, 1, 1.4, 2};
    const double        h           = 1e-5;
    const int64_t       n = 11, m = 37, r = 6, c = 2;
    agop__err           err = {0};
    char                what[100];

    for (int32_t kind = AGOP__L2; kind <= AGOP__SUM; kind++)
        for (int q = 0; q < 5; q++) {
            kernel_of  k;
            tiles_of   x, z;
            agop__tile A, G, Y = tile(n, c, 0, AGOP_F64);
            double    *a = reals(m * c), *got, *want = reals(n * c), *tolerance = reals(n * c), *part = reals(n * c);
            int64_t    e;
            make_kernel(&k, kind, exponents[q], bandwidth_for(kind, exponents[q], r), r, 1, AGOP_F64);
            e = coordinates(&k, r);
            x = make_points(n, r, &k.ref, LATTICE, 0, AGOP_F64);
            z = make_points(m, r, &k.ref, LATTICE, 1, AGOP_F64);
            G = tile(n, c * e, 0, AGOP_F64);
            for (int64_t i = 0; i < m * c; i++)
                a[i] = draw(AGOP_F64);
            A = tile_of(a, m, c, 0, AGOP_F64);
            ok(be->gradient(ctx->self, &G, &k.k, &x.p, &z.p, &A, &err), &err, "gradient");
            got = values_of(&G);
            for (int64_t t = 0; t < r; t++) {
                memset(want, 0, (size_t)(n * c) * sizeof *want);
                for (int side = 1; side >= -1; side -= 2) {
                    double *y;
                    for (int64_t i = 0; i < n; i++)
                        x.ref.u[i * r + t] += side * h;
                    ok(be->put(ctx->self, &x.p.u, x.ref.u, r, AGOP_F64, &err), &err, "put");
                    ok(be->kernel_apply(ctx->self, &Y, &k.k, &x.p, &z.p, &A, &err), &err, "kernel_apply");
                    y = values_of(&Y);
                    for (int64_t i = 0; i < n * c; i++)
                        want[i] += side * y[i] / (2 * h);
                    for (int64_t i = 0; i < n; i++)
                        x.ref.u[i * r + t] -= side * h;
                    free(y);
                }
                for (int64_t i = 0; i < n * c; i++) {
                    part[i]      = got[i / c * c * e + i % c * e + t];
                    tolerance[i] = 1e-6;
                }
                (void)snprintf(what, sizeof what, "gradient against differences, kind %d, q=%g, coordinate %lld",
                               (int)kind, exponents[q], (long long)t);
                compare(part, want, tolerance, n * c, what);
            }
            free(a);
            free(got);
            free(want);
            free(tolerance);
            free(part);
            drop(&A);
            drop(&G);
            drop(&Y);
            drop_points(&x);
            drop_points(&z);
            drop_kernel(&k);
        }
}

/* What is not a number stays so, in its row and nowhere else; many outputs and levels are cut into chunks. */
static void special_cases(int32_t dtype)
{
    agop__err err = {0};
    kernel_of k;
    tiles_of  x, z;

    for (int q = 0; q < 3; q++)
        for (int64_t r = 4; r <= 40; r += 36) {
            double     exponent = q == 0 ? 1 : q == 1 ? 1.4 : 2, *got;
            int        good     = 1;
            agop__tile K;
            make_kernel(&k, AGOP__L2, exponent, 3, 0, 0, dtype);
            x = make_points(5, r, &k.ref, PLAIN, 0, dtype);
            x.ref.u[2 * r + 1] = NAN;
            ok(be->put(ctx->self, &x.p.u, x.ref.u, r, AGOP_F64, &err), &err, "put");
            K = tile(5, 5, 0, dtype);
            ok(be->kernel(ctx->self, &K, &k.k, &x.p, &x.p, &err), &err, "kernel");
            got = values_of(&K);
            for (int i = 0; i < 25; i++)
                good = good && (isnan(got[i]) != 0) == (i / 5 == 2 || i % 5 == 2);
            is_true(good, "a NaN coordinate gives NaN in its row and column, and only there");
            free(got);
            drop(&K);
            drop_points(&x);
            drop_kernel(&k);
        }
    make_kernel(&k, AGOP__L2, 1, 3, 0, 2, dtype);
    x = make_points(200, 6, &k.ref, PLAIN, 0, dtype);
    z = make_points(30, 6, &k.ref, PLAIN, 0, dtype);
    check_gradient(&k, &x, &z, 300, dtype, "gradient of 300 outputs");
    check_apply(&k, &x, &z, 70, dtype, dtype, "kernel_apply of 70 outputs");
    check_gradient(&k, &x, &z, 0, dtype, "gradient of no outputs");
    check_apply(&k, &x, &z, 0, dtype, dtype, "kernel_apply of no outputs");
    check_symm(&k, &x, 70, dtype, dtype, "kernel_symm of 70 outputs");
    check_symm(&k, &x, 0, dtype, dtype, "kernel_symm of no outputs");
    drop_points(&x);
    drop_points(&z);
    drop_kernel(&k);
}

/* Same bits with 1, 2 and 3 threads where results depend on tiles only, and twice with the same number. */
static void repeat_cases(const char *spec)
{
    static const int threads[] = {1, 2, 2, 3};
    agop_ctx        *outer     = ctx;
    double          *first = NULL, *first_y = NULL;

    for (int run = 0; run < 4; run++) {
        kernel_of  k;
        tiles_of   x;
        agop__tile K, A, Y;
        agop__err  err = {0};
        double    *got, *y;
        ok(agop__open_backend(&ctx, be, spec, threads[run]), &err, "open");
        agop__rng_seed(&rng, 5, 5);
        make_kernel(&k, AGOP__L2, 1, 8, 0, 0, AGOP_F32);
        x = make_points(700, 50, &k.ref, PLAIN, 0, AGOP_F32);
        K = tile(700, 700, 0, AGOP_F32);
        Y = tile(700, 1, 0, AGOP_F32);
        A = tile_of(x.ref.u, 700, 1, 0, AGOP_F32);
        ok(be->kernel_lower(ctx->self, &K, &k.k, &x.p, &err), &err, "kernel_lower");
        ok(be->kernel_symm(ctx->self, &Y, &k.k, &x.p, NULL, &A, &err), &err, "kernel_symm");
        got = values_of(&K);
        y   = values_of(&Y);
        for (int64_t i = 0; i < 700; i++)
            for (int64_t j = i + 1; j < 700; j++)
                got[i * 700 + j] = 0; /* never written */
        if (run == 0) {
            first = got;
            got   = NULL;
        } else
            is_true(memcmp(got, first, 700 * 700 * sizeof *got) == 0, "kernel_lower repeats bit for bit");
        if (run == 1) {
            first_y = y;
            y       = NULL;
        } else if (run == 2)
            is_true(memcmp(y, first_y, 700 * sizeof *y) == 0, "kernel_symm repeats bit for bit");
        free(got);
        free(y);
        drop(&K);
        drop(&A);
        drop(&Y);
        drop_points(&x);
        drop_kernel(&k);
        agop_close(ctx);
    }
    free(first);
    free(first_y);
    ctx = outer;
}

/* ---- memory ---- */

static void memory_cases(void)
{
    const double v[6]  = {1, 2.5, -3, 4e-3, 5, 6};
    float        f[12] = {0};
    int32_t      codes[4] = {1, -1, 7, 0}, back[4];
    agop__err    e = {0};
    agop__tile   t = tile_of(v, 3, 2, 1, AGOP_F32), row = be->rows(ctx->self, &t, 1, 2), empty = {0};
    double      *got = values_of(&row);

    is_true(got[0] == -3 && got[1] == (double)4e-3f && got[3] == 6 && row.rows == 2, "rows is a view of rows");
    ok(be->get(ctx->self, f, 4, AGOP_F32, &t, &e), &e, "get");
    is_true(f[0] == 1 && f[1] == 2.5f && f[4] == -3 && f[9] == 6 && f[2] == 0, "get keeps to its columns");
    ok(be->put(ctx->self, &row, f, 4, AGOP_F32, &e), &e, "put");
    free(got);
    got = values_of(&t);
    is_true(got[2] == 1 && got[4] == -3 && got[0] == 1, "put into a view");
    free(got);
    drop(&t);
    t = tile(2, 2, 1, AGOP__I32);
    ok(be->put(ctx->self, &t, codes, 2, AGOP__I32, &e), &e, "put");
    ok(be->get(ctx->self, back, 2, AGOP__I32, &t, &e), &e, "get");
    is_true(memcmp(codes, back, sizeof codes) == 0, "codes go in and out");
    drop(&t);
    is_true(t.mem == NULL && t.rows == 0, "release clears the tile");
    drop(&empty);
    is_true(be->alloc(ctx->self, &t, INT64_MAX / 2, 16, AGOP_F64, &e) == AGOP_E_NOMEM && t.mem == NULL,
            "a tile that no machine holds is refused");
    t = tile(0, 4, 0, AGOP_F32);
    drop(&t);
}

/* ---- dense ---- */

static const int64_t sides[] = {0, 1, 7, 63, 64, 65, 129};
enum { SIDES = sizeof sides / sizeof sides[0] };

static double *draws(int64_t n, int32_t dtype)
{
    double *v = reals(n);
    for (int64_t i = 0; i < n; i++)
        v[i] = draw(dtype);
    return v;
}

static void gemm_cases(int32_t dtype)
{
    for (int s = 0; s < SIDES * 4; s++) {
        int        ta = s & 1, tb = s >> 1 & 1;
        int64_t    m = sides[s / 4], n = sides[(s / 4 + 2) % SIDES], k = sides[(s / 4 + 4) % SIDES];
        double     a = s % 3 - 0.5, b = s % 5 ? 0.25 : 0;
        double    *A = draws(m * k, dtype), *B = draws(k * n, dtype), *C = draws(m * n, dtype), *got;
        double    *tolerance = reals(m * n);
        agop__tile tA = ta ? tile_of(A, k, m, 1, dtype) : tile_of(A, m, k, 4, dtype);
        agop__tile tB = tb ? tile_of(B, n, k, 0, dtype) : tile_of(B, k, n, 2, dtype);
        /* with b = 0 what C held does not matter, not even a NaN */
        agop__tile tC = b == 0 ? tile(m, n, 3, dtype) : tile_of(C, m, n, 3, dtype);
        agop__err  e  = {0};
        ok(be->gemm(ctx->self, ta, tb, a, &tA, &tB, b, &tC, &e), &e, "gemm");
        got = values_of(&tC);
        ref_gemm(ta, tb, m, n, k, a, A, B, b, C, eps_of(dtype), tolerance);
        compare(got, C, tolerance, m * n, "gemm");
        free(A);
        free(B);
        free(C);
        free(got);
        free(tolerance);
        drop(&tA);
        drop(&tB);
        drop(&tC);
    }
}

/* A well-conditioned symmetric matrix: eigenvalues near 1 (condition below about 10). */
static double *positive_definite(int64_t n, int32_t dtype)
{
    double *A = reals(n * n);

    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++)
            A[i * n + j] = A[j * n + i] =
                rounded(i == j ? 1.5 + 0.1 * draw(dtype) : 0.2 * draw(dtype) / sqrt((double)n), dtype);
    return A;
}

static void fill(double *v, int64_t n, double value)
{
    for (int64_t i = 0; i < n; i++)
        v[i] = value;
}

static void factor_case(int64_t n, int64_t c, int32_t dtype)
{
    double       *A = positive_definite(n, dtype), *L = reals(n * n), *B = draws(n * c, dtype), *want = reals(n);
    double       *tolerance = reals(n * n + n * c + 1), *got, tol = 40 * eps_of(dtype) * ((double)n + 4);
    agop__tile    tA, tB = tile_of(B, n, c, 2, dtype), d = tile(n, 1, 0, AGOP_F64);
    agop__err     e   = {0};
    int64_t       bad = -5;

    is_true(ref_cholesky(A, n, L) == -1, "the test's own matrix is positive definite");
    fill(tolerance, n * n + n * c, tol);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i + 1; j < n; j++)
            A[i * n + j] = NAN; /* the upper triangle is nobody's business */
    tA = tile_of(A, n, n, 3, dtype);
    ok(be->cholesky(ctx->self, &tA, &bad, &e), &e, "cholesky");
    is_true(bad == -1, "bad_row is -1 after a factorisation");
    got = values_of(&tA);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i + 1; j < n; j++)
            got[i * n + j] = 0;
    compare(got, L, tolerance, n * n, "cholesky");
    free(got);

    ok(be->solve(ctx->self, &tA, &tB, &e), &e, "solve");
    ref_solve(L, n, B, c);
    got = values_of(&tB);
    fill(tolerance, n * c, tol * 10);
    compare(got, B, tolerance, n * c, "solve");
    free(got);

    for (int64_t i = 0; i < n; i++) { /* one column of the inverse at a time */
        double *unit = reals(n);
        unit[i]      = 1;
        ref_solve(L, n, unit, 1);
        want[i] = unit[i];
        free(unit);
    }
    ok(be->inverse_diagonal(ctx->self, &tA, &d, &e), &e, "inverse_diagonal");
    got = values_of(&d);
    compare(got, want, tolerance, n, "inverse_diagonal");
    free(got);
    free(A);
    free(L);
    free(B);
    free(want);
    free(tolerance);
    drop(&tA);
    drop(&tB);
    drop(&d);
}

/* Every kind of matrix that has no factor is told, with its first bad row. */
static void refused_case(int64_t n, int64_t row, double pivot, int32_t dtype)
{
    double    *A = positive_definite(n, dtype);
    agop__err  e = {0};
    agop__tile t;
    int64_t    bad = -5;

    A[row * n + row] = pivot;
    t                = tile_of(A, n, n, 0, dtype);
    is_true(be->cholesky(ctx->self, &t, &bad, &e) == AGOP_E_NUMERIC, "cholesky refuses a bad pivot");
    is_true(bad == row, "cholesky names the bad row");
    free(A);
    drop(&t);
}

/* Rows 1 to 3 and columns 1 to 2 of a tile, seen through views: they are scaled by rows, the rest stays. */
static void scale_rows_case(int32_t dtype)
{
    double       A[20], want[20], tolerance[20] = {0};
    const double v[3] = {2, -0.5, 0};
    agop__tile   t, tv = tile_of(v, 3, 1, 2, dtype), part;
    agop__err    e = {0};
    double      *got;

    for (int i = 0; i < 20; i++)
        A[i] = want[i] = i + 1;
    for (int i = 1; i < 4; i++)
        for (int j = 1; j < 3; j++)
            want[4 * i + j] *= v[i - 1];
    t    = tile_of(A, 5, 4, 3, dtype);
    part = be->rows(ctx->self, &t, 1, 3);
    part = be->cols(ctx->self, &part, 1, 2);
    is_true(part.rows == 3 && part.cols == 2, "a view has the rows and columns asked for");
    ok(be->scale_rows(ctx->self, &part, &tv, &e), &e, "scale_rows");
    got = values_of(&t);
    compare(got, want, tolerance, 20, "scale_rows through views");
    free(got);
    drop(&t);
    drop(&tv);
}

/* The same corner of one tile times that of another. */
static void multiply_case(int32_t dtype)
{
    double     A[20], B[20], want[20], tolerance[20] = {0};
    agop__tile a, b, corner, other;
    agop__err  e = {0};
    double    *got;

    for (int i = 0; i < 20; i++) {
        A[i] = want[i] = i + 1;
        B[i]           = i % 3 - .5;
    }
    for (int i = 2; i < 5; i++)
        for (int j = 1; j < 4; j++)
            want[4 * i + j] *= B[4 * i + j];
    a      = tile_of(A, 5, 4, 3, dtype);
    b      = tile_of(B, 5, 4, 1, dtype);
    corner = be->rows(ctx->self, &a, 2, 3);
    corner = be->cols(ctx->self, &corner, 1, 3);
    other  = be->rows(ctx->self, &b, 2, 3);
    other  = be->cols(ctx->self, &other, 1, 3);
    ok(be->multiply(ctx->self, &corner, &other, &e), &e, "multiply");
    got = values_of(&a);
    compare(got, want, tolerance, 20, "multiply through views");
    free(got);
    for (int i = 2; i < 5; i++)
        for (int j = 1; j < 4; j++)
            want[4 * i + j] -= 2 * B[4 * i + j];
    ok(be->add(ctx->self, &corner, -2, &other, &e), &e, "add");
    got = values_of(&a);
    compare(got, want, tolerance, 20, "add through views");
    free(got);
    drop(&a);
    drop(&b);
}

/* What is above the diagonal stays, until it is what is below. */
static void syrk_case(int ta, int64_t n, int64_t k, double a, double b, int32_t dtype)
{
    double    *A = draws(n * k, dtype), *C = draws(n * n, dtype), *want = reals(n * n), *tolerance = reals(n * n), *got;
    agop__tile tA = ta ? tile_of(A, k, n, 1, dtype) : tile_of(A, n, k, 4, dtype), tC;
    agop__err  e  = {0};

    for (int64_t i = 0; i < n * n; i++) {
        want[i] = C[i];
        C[i]    = b == 0 && i % n <= i / n ? NAN : C[i]; /* with b = 0 what C held does not matter */
    }
    tC = tile_of(C, n, n, 3, dtype);
    ref_gemm(ta, !ta, n, n, k, a, A, A, b, want, eps_of(dtype), tolerance);
    ok(be->syrk(ctx->self, ta, a, &tA, b, &tC, &e), &e, "syrk");
    got = values_of(&tC);
    for (int64_t i = 0; i < n * n; i++)
        if (i % n > i / n) {
            is_true(got[i] == C[i], "syrk leaves what is above the diagonal");
            got[i] = want[i];
        }
    compare(got, want, tolerance, n * n, "syrk");
    free(got);
    ok(be->mirror(ctx->self, &tC, &e), &e, "mirror");
    got = values_of(&tC);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++)
            is_true(got[i * n + j] == got[j * n + i] && fabs(got[i * n + j] - want[i * n + j]) <= tolerance[i * n + j],
                    "mirror makes both triangles the lower one");
    free(A);
    free(C);
    free(want);
    free(tolerance);
    free(got);
    drop(&tA);
    drop(&tC);
}

static void syrk_cases(int32_t dtype)
{
    for (int s = 0; s < SIDES * 2; s++)
        syrk_case(s & 1, sides[s / 2], sides[(s / 2 + 2) % SIDES], s % 3 - 0.5, s % 5 ? 0.25 : 0, dtype);
    syrk_case(0, 300, 700, 1, 1, dtype);
    syrk_case(0, 2200, 3, 1, 1, dtype); /* several strips beside each other */
    syrk_case(1, 300, 0, 1, 0, dtype);
    syrk_case(0, 0, 5, 1, 0, dtype);
}

static void diagonal_case(int32_t dtype, int32_t weight_dtype)
{
    const double A[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, w[3] = {1, 2, 4};
    agop__tile   t = tile_of(A, 3, 3, 1, dtype), tw = tile_of(w, 3, 1, 0, weight_dtype);
    agop__err    e = {0};
    double      *got;

    ok(be->add_diagonal(ctx->self, &t, 0.5, NULL, &e), &e, "add_diagonal");
    ok(be->add_diagonal(ctx->self, &t, 2, &tw, &e), &e, "add_diagonal");
    got = values_of(&t);
    is_true(got[0] == 3.5 && got[4] == 6.5 && got[8] == 10 && got[1] == 2 && got[5] == 6 && got[6] == 7,
            "add_diagonal adds value / weight, on the diagonal only");
    free(got);
    drop(&t);
    drop(&tw);
}

/* A = Q diag Q' for Householder's Q = I - 2 v v': values and vectors are known. */
static void eigh_case(int64_t n, int64_t top)
{
    double    *v = draws(n, AGOP_F64), *A = reals(n * n), *lambda = reals(n), norm = 0;
    double    *got, *vectors;
    agop__tile t, w = tile(top, 1, 1, AGOP_F64), V = tile(top, n, 2, AGOP_F64);
    agop__err  e    = {0};
    double     worst = 0;

    for (int64_t i = 0; i < n; i++)
        norm += v[i] * v[i];
    for (int64_t i = 0; i < n; i++) {
        v[i] /= sqrt(norm);
        lambda[i] = (double)((i * 37) % n) - 0.3 * (double)n; /* all different, in no order, some negative */
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double s = 0;
            for (int64_t k = 0; k < n; k++)
                s += ((i == k) - 2 * v[i] * v[k]) * lambda[k] * ((j == k) - 2 * v[j] * v[k]);
            A[i * n + j] = j <= i ? s : NAN;
        }
    t = tile_of(A, n, n, 1, AGOP_F64);
    ok(be->eigh(ctx->self, &t, &w, &V, top, &e), &e, "eigh");
    got     = values_of(&w);
    vectors = values_of(&V);
    for (int64_t i = 0; i < top; i++) {
        double  want = (double)(n - 1 - i) - 0.3 * (double)n, dot = 0;
        int64_t k = 0;
        while (lambda[k] != want && k < n - 1)
            k++;
        for (int64_t j = 0; j < n; j++)
            dot += vectors[i * n + j] * ((j == k) - 2 * v[j] * v[k]);
        worst = fmax(worst, fabs(got[i] - want) + fabs(fabs(dot) - 1));
        if (isnan(got[i] + dot))
            worst = NAN;
    }
    is_true(worst <= 1e-11 * (double)(n + 1), "eigh: largest first, with their vectors as rows");
    free(v);
    free(A);
    free(lambda);
    free(got);
    free(vectors);
    drop(&t);
    drop(&w);
    drop(&V);
}

static void dense_cases(int32_t dtype)
{
    gemm_cases(dtype);
    syrk_cases(dtype);
    for (int s = 0; s < SIDES; s++)
        for (int64_t c = 1; c <= 3; c += 2)
            factor_case(sides[s], c, dtype);
    factor_case(600, 2, dtype); /* several panels */
    for (int i = 0; i < 3; i++) {
        const double pivots[] = {-1, 0, NAN};
        refused_case(1, 0, pivots[i], dtype);
        refused_case(129, 0, pivots[i], dtype);
        refused_case(129, 77, pivots[i], dtype);
        refused_case(700, 650, pivots[i], dtype);
    }
    scale_rows_case(dtype);
    multiply_case(dtype);
    diagonal_case(dtype, AGOP_F64);
    diagonal_case(dtype, AGOP_F32);
}

/* ---- dependence ---- */

enum { SEEN = 701, LEFT = 3, RIGHT = 2 }; /* observations (more than are looked at together), variables */

/* phi_k(x); terms 0: x itself */
static double term_of(double x, int terms, double rate, int k)
{
    double factorial = 1;

    for (int i = 2; i <= k; i++)
        factorial *= i;
    return !terms ? x : fabs(x) > 1e3 ? 0 : exp(-rate * x * x) * pow(x, k) / sqrt(factorial);
}

/* What the rows of pairwise terms sum to, added to what was there. */
static void sums_case(const agop__terms *t, const agop__tile *x, const double *each, const double *off, int64_t rows)
{
    double    *want = reals(rows), *tolerance = reals(rows), *got;
    agop__tile sums;
    agop__err  e = {0};

    for (int64_t r = 0; r < rows; r++)
        want[r] = (double)r;
    sums = tile_of(want, rows, 1, 2, AGOP_F64);
    for (int64_t r = 0; r < rows; r++) {
        double size = fabs(want[r]);
        for (int64_t i = 0; i < SEEN; i++) {
            want[r] += each[r * SEEN + i];
            size += fabs(each[r * SEEN + i]);
            tolerance[r] += off[r * SEEN + i];
        }
        tolerance[r] += SEEN * 0x1p-53 * size;
    }
    ok(be->term_sums(ctx->self, &sums, t, x, &e), &e, "sums of terms");
    got = values_of(&sums);
    compare(got, want, tolerance, rows, "sums of terms");
    free(got);
    free(want);
    free(tolerance);
    drop(&sums);
}

/* Z of w variables, and the correlations want[k w + a][l v + b] of terms, over the observations that both have. */
static agop__tile spread_case(const double *X, int64_t w, int terms, double rate, int pairwise, int32_t dtype)
{
    int64_t     T = terms ? terms : 1, rows = (pairwise ? 2 * T + 1 : T) * w;
    double     *shift = reals(T * w), *factor = reals(T * w), *want = reals(rows * SEEN), *got;
    double     *tolerance = reals(rows * SEEN), eps = dtype == AGOP_F32 ? 0x1p-24 : 0x1p-53;
    agop__tile  x = tile_of(X, w, SEEN, 3, AGOP_F64), Z = tile(rows, SEEN, 1, dtype), at, by;
    agop__terms t = {.count = terms, .rate = rate, .pairwise = pairwise};
    agop__err   e = {0};

    for (int64_t i = 0; i < T * w; i++) {
        shift[i]  = .25 * (double)(i % 3);
        factor[i] = 1 + .5 * (double)(i % 4);
    }
    at       = tile_of(shift, T * w, 1, 0, AGOP_F64);
    by       = tile_of(factor, T * w, 1, 0, AGOP_F64);
    t.shift  = &at;
    t.factor = &by;
    ok(be->terms(ctx->self, &Z, &t, &x, &e), &e, "terms");
    for (int64_t a = 0; a < w; a++)
        for (int64_t i = 0; i < SEEN; i++) {
            double v = X[a * SEEN + i];
            for (int64_t k = 0; k < T; k++) {
                double z = isnan(v) ? 0 : (term_of(v, terms, rate, (int)k) - shift[k * w + a]) * factor[k * w + a];
                double off = isnan(v) ? 0 : 40 * 0x1p-53 * factor[k * w + a] * fmax(1, terms ? 1 : fabs(v));
                off += 2 * eps * fabs(z);
                want[(k * w + a) * SEEN + i]      = z;
                tolerance[(k * w + a) * SEEN + i] = off;
                if (pairwise) {
                    want[((T + k) * w + a) * SEEN + i]      = z * z;
                    tolerance[((T + k) * w + a) * SEEN + i] = 3 * fabs(z) * off + eps * z * z;
                }
            }
            if (pairwise) {
                want[(2 * T * w + a) * SEEN + i]      = !isnan(v);
                tolerance[(2 * T * w + a) * SEEN + i] = 0;
            }
        }
    got = values_of(&Z);
    compare(got, want, tolerance, rows * SEEN, "terms");
    if (pairwise)
        sums_case(&t, &x, want, tolerance, rows);
    free(got);
    free(shift);
    free(factor);
    free(want);
    free(tolerance);
    drop(&x);
    drop(&at);
    drop(&by);
    return Z;
}

/* The correlation of two terms by its definition, over observations that both variables have. */
static double correlation_of(const double *x, const double *y, int p, int k, int q, int l, double rate)
{
    double n = 0, mx = 0, my = 0, sx = 0, sy = 0, both = 0;

    for (int i = 0; i < SEEN; i++)
        if (!isnan(x[i]) && !isnan(y[i])) {
            n++;
            mx += term_of(x[i], p, rate, k);
            my += term_of(y[i], q, rate, l);
        }
    mx /= n;
    my /= n;
    for (int i = 0; i < SEEN; i++)
        if (!isnan(x[i]) && !isnan(y[i])) {
            double u = term_of(x[i], p, rate, k) - mx, v = term_of(y[i], q, rate, l) - my;
            sx += u * u;
            sy += v * v;
            both += u * v;
        }
    return sx > 0 && sy > 0 ? both / sqrt(sx * sy) : 0;
}

/* Variables with missing values against others, p and q terms, by products of their features. */
static void strength_case(int p, int q, int32_t dtype)
{
    double    *X = draws(LEFT * SEEN, AGOP_F64), *Y = draws(RIGHT * SEEN, AGOP_F64), eps;
    double     want[LEFT * RIGHT], tolerance[LEFT * RIGHT], *got;
    int        P = p ? p : 1, Q = q ? q : 1;
    agop__tile Z, V, G = tile((2 * P + 1) * LEFT, (2 * Q + 1) * RIGHT, 2, dtype), S = tile(LEFT, RIGHT, 1, dtype);
    agop__err  e = {0};

    eps = dtype == AGOP_F32 ? 0x1p-24 : 0x1p-53;
    for (int i = 0; i < SEEN; i++) {
        X[i * 3 % (LEFT * SEEN)] = i % 5 ? X[i * 3 % (LEFT * SEEN)] : NAN;
        Y[i] += X[i] == X[i] ? X[i] * X[i] : 0;
        X[2 * SEEN + i] = 1.5; /* a constant */
    }
    Z = spread_case(X, LEFT, p, .5, 1, dtype);
    V = spread_case(Y, RIGHT, q, .5, 1, dtype);
    ok(be->gemm(ctx->self, 0, 1, 1, &Z, &V, 0, &G, &e), &e, "gemm");
    for (int norm = AGOP__STRENGTH_MAX; norm <= AGOP__STRENGTH_RMS; norm++) {
        for (int a = 0; a < LEFT; a++)
            for (int b = 0; b < RIGHT; b++) {
                double most = 0, sum = 0, squares = 0;
                for (int k = 0; k < P; k++)
                    for (int l = 0; l < Q; l++) {
                        double r = fabs(correlation_of(X + a * SEEN, Y + b * SEEN, p, k, q, l, .5));
                        most     = fmax(most, r);
                        sum += r;
                        squares += r * r;
                    }
                want[a * RIGHT + b]      = norm == AGOP__STRENGTH_MAX    ? most
                                           : norm == AGOP__STRENGTH_MEAN ? sum / (P * Q)
                                                                         : sqrt(squares / (P * Q));
                tolerance[a * RIGHT + b] = 2000 * eps; /* of sums of 700, divided by variances of about a hundredth */
            }
        ok(be->strength(ctx->self, &S, &G, P, Q, norm, 1, &e), &e, "strength");
        got = values_of(&S);
        compare(got, want, tolerance, LEFT * RIGHT, "strength, pairwise");
        free(got);
    }
    drop(&Z);
    drop(&V);
    drop(&G);
    drop(&S);
    free(X);
    free(Y);
}

/* Without missing values the correlations are there, and are joined only. */
static void joined_case(int norm, int32_t dtype)
{
    enum { K = 3, L = 2, W = 2, V = 3 };
    double     G[K * W * L * V], want[W * V] = {0}, tolerance[W * V], *got;
    agop__tile g, S = tile(W, V, 2, dtype);
    agop__err  e = {0};

    for (int i = 0; i < K * W * L * V; i++)
        G[i] = (double)((i * 7) % 16 - 8) / 16;
    for (int a = 0; a < W; a++)
        for (int b = 0; b < V; b++) {
            double *s = &want[a * V + b];
            for (int k = 0; k < K; k++)
                for (int l = 0; l < L; l++) {
                    double r = fabs(G[(k * W + a) * (L * V) + l * V + b]);
                    double add = norm == AGOP__STRENGTH_MEAN ? r : r * r;
                    *s         = norm == AGOP__STRENGTH_MAX ? fmax(*s, r) : *s + add;
                }
            *s = norm == AGOP__STRENGTH_MAX ? *s : norm == AGOP__STRENGTH_MEAN ? *s / (K * L) : sqrt(*s / (K * L));
            tolerance[a * V + b] = 4 * (dtype == AGOP_F32 ? 0x1p-24 : 0x1p-53);
        }
    g = tile_of(G, K * W, L * V, 1, dtype);
    ok(be->strength(ctx->self, &S, &g, K, L, norm, 0, &e), &e, "strength");
    got = values_of(&S);
    compare(got, want, tolerance, W * V, "strength");
    free(got);
    drop(&g);
    drop(&S);
}

/* Sparse variables, a few cells in a hundred; one has none, one has all. */
typedef struct sparse_case {
    agop__cells cells;
    agop__tile  shift, factor;
    agop__terms terms;
    int64_t     w;
    double     *z; /* (terms w) x SEEN, 0 where there is no cell */
} sparse_case;

static sparse_case sparse_variables(int64_t w, int terms, double rate)
{
    int64_t     T = terms ? terms : 1, cells = 0;
    double     *x = draws(w * SEEN, AGOP_F64), *at = draws(T * w, AGOP_F64), *by = reals(T * w);
    int32_t    *row = malloc((size_t)(w * SEEN) * sizeof *row), *start = malloc((size_t)(w + 1) * sizeof *start);
    sparse_case c   = {.w = w, .z = reals(T * w * SEEN), .terms = {.count = terms, .rate = rate}};
    agop__err   e   = {0};

    for (int64_t i = 0; i < T * w; i++)
        by[i] = 1 + .5 * (double)(i % 4);
    for (int64_t a = 0; a < w; a++) {
        start[a] = (int32_t)cells;
        for (int64_t i = 0; i < SEEN; i++) {
            if (a % 7 == 5 || (a % 7 != 6 && (i * 31 + a * 17) % 23 > 1))
                continue;
            for (int64_t k = 0; k < T; k++)
                c.z[(k * w + a) * SEEN + i] =
                    (term_of(x[cells], terms, rate, (int)k) - at[k * w + a]) * by[k * w + a];
            row[cells++] = (int32_t)i;
        }
    }
    start[w] = (int32_t)cells;
    ok(be->alloc(ctx->self, &c.cells.start, 1, w + 1, AGOP__I32, &e), &e, "alloc");
    ok(be->alloc(ctx->self, &c.cells.row, 1, cells, AGOP__I32, &e), &e, "alloc");
    ok(be->put(ctx->self, &c.cells.start, start, w + 1, AGOP__I32, &e), &e, "put");
    ok(be->put(ctx->self, &c.cells.row, row, cells, AGOP__I32, &e), &e, "put");
    c.cells.x = tile_of(x, 1, cells, 0, AGOP_F64);
    c.shift   = tile_of(at, T * w, 1, 0, AGOP_F64);
    c.factor  = tile_of(by, T * w, 1, 0, AGOP_F64);
    free(row);
    free(start);
    free(x);
    free(at);
    free(by);
    return c;
}

static void drop_sparse(sparse_case *c)
{
    drop(&c->cells.start);
    drop(&c->cells.row);
    drop(&c->cells.x);
    drop(&c->shift);
    drop(&c->factor);
    free(c->z);
}

/* Where term k of variable a of w stands, in panels. */
static int64_t in_panels(int64_t a, int64_t k, int64_t w, int64_t T, int64_t panel)
{
    int64_t first = a / panel * panel, units = w - first < panel ? w - first : panel;
    return first * T + k * units + a - first;
}

static void cells_case(int64_t w, int64_t v, int terms, int64_t panel, int own)
{
    sparse_case c = sparse_variables(w, terms, .6), d = own ? c : sparse_variables(v, terms, .6);
    int64_t     T = terms ? terms : 1, n = T * w * T * d.w;
    double     *before = draws(n, AGOP_F64), *want = reals(n), *tolerance = reals(n), *got;
    agop__tile  G = tile_of(before, T * w, T * d.w, 3, AGOP_F64);
    agop__err   e = {0};

    c.terms.shift  = &c.shift;
    c.terms.factor = &c.factor;
    d.terms.shift  = &d.shift;
    d.terms.factor = &d.factor;
    ok(be->cell_products(ctx->self, &G, &c.terms, &c.cells, &d.terms, &d.cells, SEEN, panel, own, &e), &e,
       "cell_products");
    got = values_of(&G);
    for (int64_t a = 0; a < w; a++)
        for (int64_t k = 0; k < T; k++)
            for (int64_t b = 0; b < d.w; b++)
                for (int64_t l = 0; l < T; l++) {
                    int64_t at = in_panels(a, k, w, T, panel) * T * d.w + in_panels(b, l, d.w, T, panel);
                    double  sum = before[at], sizes = fabs(before[at]);
                    for (int64_t i = 0; i < SEEN; i++) {
                        double z = c.z[(k * w + a) * SEEN + i] * d.z[(l * d.w + b) * SEEN + i];
                        sum += z;
                        sizes += fabs(z);
                    }
                    if (own && b / panel < a / panel)
                        got[at] = sum; /* nobody wants it */
                    want[at]      = sum;
                    tolerance[at] = 1e-13 * (sizes + 1);
                }
    compare(got, want, tolerance, n, "cell_products");
    free(got);
    free(before);
    free(want);
    free(tolerance);
    drop(&G);
    drop_sparse(&c);
    if (!own)
        drop_sparse(&d);
}

static void cells_cases(void)
{
    static const int terms[] = {6, 0, 1, 3, 10, AGOP__TERMS_MOST};

    for (int i = 0; i < 6; i++) {
        cells_case(11, 13, terms[i], 4, 0);
        cells_case(13, 0, terms[i], 4, 1);
        cells_case(1, 40, terms[i], 32, 0);
    }
}

/* More of them than there is room for. */
static void too_many_terms_case(int32_t dtype)
{
    enum { T = AGOP__TERMS_MOST + 1 };
    agop__tile  Z = tile(T, 2, 0, dtype), x = tile(1, 2, 0, AGOP_F64), each = tile(T, 1, 0, AGOP_F64);
    agop__terms t = {.count = T, .rate = .5, .shift = &each, .factor = &each};
    agop__err   e = {0};

    is_true(be->terms(ctx->self, &Z, &t, &x, &e) == AGOP_E_BUG, "too many terms are refused");
    drop(&Z);
    drop(&x);
    drop(&each);
}

static void dependence_cases(int32_t dtype)
{
    static const int terms[] = {6, 0, AGOP__TERMS_MOST};
    double          *X       = draws(LEFT * SEEN, AGOP_F64);

    X[5] = NAN;
    for (int p = 0; p < 3; p++) {
        agop__tile Z;
        X[9] = terms[p] ? 1e200 : 1; /* its square is infinite, its terms are 0 */
        Z    = spread_case(X, LEFT, terms[p], .7, 0, dtype);
        drop(&Z);
        for (int q = 0; q < 2 && p < 2; q++)
            strength_case(terms[p], terms[q], dtype);
    }
    for (int norm = AGOP__STRENGTH_MAX; norm <= AGOP__STRENGTH_RMS; norm++)
        joined_case(norm, dtype);
    too_many_terms_case(dtype);
    if (dtype == AGOP_F64)
        cells_cases();
    free(X);
}

/* ---- matrix units ---- */

/* Rounding to bf16, eight bits of precision, is off by HALF at most; a product of two such by both, and a little. */
#define HALF 0x1p-8

/* The nearest bf16 by comparison of the two neighbours, which are floats with the lower half of the bits empty. */
static double nearest16(double v)
{
    float    f = (float)v, low, high;
    uint32_t bits;

    memcpy(&bits, &f, 4);
    bits &= 0xffff0000;
    memcpy(&low, &bits, 4); /* towards zero */
    if (!isfinite(f) || low == f)
        return (double)f;
    bits += 0x10000;
    memcpy(&high, &bits, 4);
    if (fabs(v - (double)low) != fabs((double)high - v) || isinf(high))
        return fabs(v - (double)low) < fabs((isinf(high) ? copysign(0x1p128, v) : (double)high) - v) ? (double)low
                                                                                                    : (double)high;
    return bits & 0x10000 ? (double)low : (double)high; /* a tie: the even one */
}

/* Sums of terms that are rounded are those of the rounded single-precision terms. */
static void rounded_sums_case(void)
{
    enum { T = 6, N = (2 * T + 1) * LEFT };
    double     *X = draws(LEFT * SEEN, AGOP_F64), *z, *got, want[N] = {0}, tolerance[N] = {0};
    double      shift[T * LEFT], factor[T * LEFT];
    agop__tile  x, Z = tile(T * LEFT, SEEN, 0, AGOP_F32), sums, at, by;
    agop__terms t = {.count = T, .rate = .7, .shift = &at, .factor = &by, .bf16 = 1};
    agop__err   e = {0};

    X[5] = NAN;
    for (int i = 0; i < T * LEFT; i++) {
        shift[i]  = .1 * (i % 3);
        factor[i] = 1. / (3 + i);
    }
    x    = tile_of(X, LEFT, SEEN, 1, AGOP_F64);
    at   = tile_of(shift, T * LEFT, 1, 0, AGOP_F64);
    by   = tile_of(factor, T * LEFT, 1, 0, AGOP_F64);
    sums = tile_of(want, N, 1, 0, AGOP_F64);
    ok(be->terms(ctx->self, &Z, &t, &x, &e), &e, "terms");
    ok(be->term_sums(ctx->self, &sums, &t, &x, &e), &e, "sums of rounded terms");
    z   = values_of(&Z);
    got = values_of(&sums);
    for (int r = 0; r < T * LEFT; r++)
        for (int i = 0; i < SEEN; i++) {
            double v = nearest16(z[r * SEEN + i]);
            want[r] += v;
            want[T * LEFT + r] += v * v;
            want[2 * T * LEFT + r % LEFT] += r < LEFT && !isnan(X[r * SEEN + i]);
        }
    for (int r = 0; r < N; r++)
        tolerance[r] = SEEN * SEEN * 0x1p-53;
    compare(got, want, tolerance, N, "sums of rounded terms");
    free(X);
    free(z);
    free(got);
    drop(&x);
    drop(&Z);
    drop(&at);
    drop(&by);
    drop(&sums);
}

static void round16_case(int64_t rows, int64_t cols)
{
    double    *v = draws(rows * cols, AGOP_F32), *got;
    agop__err  e = {0};
    agop__tile t;

    for (int64_t i = 0; i < rows * cols; i++) {
        const double odd[] = {0,          1 + HALF,  1 + 3 * HALF, -1 - HALF, 0x1.fefp127,
                              0x1.ffp127, 0x1p-140, INFINITY,     -INFINITY};
        if (i % 3 == 0)
            v[i] = odd[i / 3 % 9];
    }
    t = tile_of(v, rows, cols, 2, AGOP_F32);
    ok(be->round16(ctx->self, &t, &e), &e, "round16");
    got = values_of(&t);
    for (int64_t i = 0; i < rows * cols; i++)
        is_true(got[i] == nearest16(v[i]), "round16 gives the nearest bf16");
    free(v);
    free(got);
    drop(&t);
}

/* |fl(x) fl(y) - x y| <= (2 HALF + HALF^2) |x y| term by term, on top of what float32 sums may be off by. */
static void gemm16_case(int ta, int tb, int64_t m, int64_t n, int64_t k, double a, double b)
{
    double    *A = draws(m * k, AGOP_F32), *B = draws(k * n, AGOP_F32), *C = draws(m * n, AGOP_F32), *got;
    double    *tolerance = reals(m * n), *size = reals(m * n), *none = reals(m * n);
    agop__tile tA = ta ? tile_of(A, k, m, 1, AGOP_F32) : tile_of(A, m, k, 4, AGOP_F32);
    agop__tile tB = tb ? tile_of(B, n, k, 0, AGOP_F32) : tile_of(B, k, n, 2, AGOP_F32);
    agop__tile tC = b == 0 ? tile(m, n, 3, AGOP_F32) : tile_of(C, m, n, 3, AGOP_F32);
    agop__err  e  = {0};

    ok(be->gemm16(ctx->self, ta, tb, a, &tA, &tB, b, &tC, &e), &e, "gemm16");
    got = values_of(&tC);
    ref_gemm(ta, tb, m, n, k, a, A, B, b, C, FLT_EPSILON, tolerance);
    for (int64_t i = 0; i < m * k; i++)
        A[i] = fabs(A[i]);
    for (int64_t i = 0; i < k * n; i++)
        B[i] = fabs(B[i]);
    ref_gemm(ta, tb, m, n, k, fabs(a), A, B, 0, size, 0, none);
    for (int64_t i = 0; i < m * n; i++)
        tolerance[i] += (2 * HALF + HALF * HALF) * (1 + 2 * FLT_EPSILON) * size[i];
    compare(got, C, tolerance, m * n, "gemm16");
    free(A);
    free(B);
    free(C);
    free(got);
    free(tolerance);
    free(size);
    free(none);
    drop(&tA);
    drop(&tB);
    drop(&tC);
}

/* What bf16 can hold it multiplies exactly: small integers have no tolerance. One matrix with itself: A'A; and the
 * lower triangle of AA', twice, because what is there may be no number at first, and is added to then. */
static void exact16_case(int64_t n, int64_t k)
{
    double    *A = reals(k * n), *want = reals(n * n), *none = reals(n * n), *got;
    agop__err  e = {0};
    agop__tile down, along, tC = tile(n, n, 1, AGOP_F32), lower = tile(n, n, 1, AGOP_F32);

    for (int64_t i = 0; i < k * n; i++)
        A[i] = floor(agop__rng_uniform(&rng) * 17) - 8;
    down = tile_of(A, k, n, 1, AGOP_F32);
    ok(be->gemm16(ctx->self, 1, 0, 1, &down, &down, 0, &tC, &e), &e, "gemm16");
    got = values_of(&tC);
    ref_gemm(1, 0, n, n, k, 1, A, A, 0, want, 0, none);
    compare(got, want, none, n * n, "gemm16 of integers");
    free(got);
    along = tile_of(A, n, k, 3, AGOP_F32);
    ok(be->syrk16(ctx->self, &along, 0, &lower, &e), &e, "syrk16");
    ok(be->syrk16(ctx->self, &along, 1, &lower, &e), &e, "syrk16");
    got = values_of(&lower);
    ref_gemm(0, 1, n, n, k, 2, A, A, 0, want, 0, none);
    for (int64_t i = 0; i < n * n; i++)
        got[i] = i % n > i / n ? want[i] : got[i]; /* lost */
    compare(got, want, none, n * n, "syrk16 of integers");
    free(A);
    free(want);
    free(none);
    free(got);
    drop(&down);
    drop(&along);
    drop(&tC);
    drop(&lower);
}

/* A row that holds a NaN or an infinity spoils its own row of the result, and no other: also where the sum is filled up
 * with zeros, which times infinity would be NaN. */
static void gemm16_leak_case(double poison, int ta, int64_t m, int64_t n, int64_t k)
{
    double    *A = draws(m * k, AGOP_F32), *B = draws(k * n, AGOP_F32), *got;
    int64_t    row = m / 2;
    agop__err  e   = {0};
    agop__tile tA, tB = tile_of(B, k, n, 1, AGOP_F32), tC = tile(m, n, 1, AGOP_F32);

    for (int64_t t = 0; t < k; t += 5)
        A[ta ? t * m + row : row * k + t] = poison;
    tA = ta ? tile_of(A, k, m, 0, AGOP_F32) : tile_of(A, m, k, 0, AGOP_F32);
    ok(be->gemm16(ctx->self, ta, 0, 1, &tA, &tB, 0, &tC, &e), &e, "gemm16");
    got = values_of(&tC);
    for (int64_t i = 0; i < m * n; i++)
        is_true((i / n == row) == !isfinite(got[i]), "NaN and infinity stay in their row of gemm16");
    free(A);
    free(B);
    free(got);
    drop(&tA);
    drop(&tB);
    drop(&tC);
}

/* Weights are off by HALF, and so are the coordinates of z: |a w| (HALF |u - v| + (HALF + HALF^2) |v|); levels have
 * weights only. Sums are long enough for several tiles, and no multiple of 32. */
static void gradient16_case(int64_t nx, int64_t nz, int64_t r, int64_t c, int groups)
{
    kernel_of  k;
    tiles_of   x, z;
    int64_t    e, count;
    double    *a, *want, *tolerance, *got;
    agop__err  err = {0};
    agop__tile A, G;

    make_kernel(&k, AGOP__L2, 1, 3 + sqrt((double)r), r, groups, AGOP_F32);
    k.k.bf16 = 1;
    x = make_points(nx, r, &k.ref, PLAIN, 0, AGOP_F32);
    z = make_points(nz, r, &k.ref, PLAIN, 0, AGOP_F32);
    e         = coordinates(&k, r);
    count     = nx * c * e;
    a         = draws(nz * c, AGOP_F32);
    want      = reals(count);
    tolerance = reals(count);
    A         = tile_of(a, nz, c, 1, AGOP_F32);
    G         = tile(nx, c * e, 2, AGOP_F32);
    ok(be->gradient(ctx->self, &G, &k.k, &x.p, &z.p, &A, &err), &err, "gradient in bf16");
    got = values_of(&G);
    ref_gradient(&k.ref, &x.ref, &z.ref, a, c, FLT_EPSILON, near_of(AGOP_F32), want, tolerance);
    for (int64_t i = 0; i < nx; i++)
        for (int64_t j = 0; j < nz; j++) {
            double w, unused;
            ref_weight(&k.ref, &x.ref, i, &z.ref, j, FLT_EPSILON, near_of(AGOP_F32), &w, &unused);
            for (int64_t o = 0; o < c; o++)
                for (int64_t t = 0; t < e; t++) {
                    double v = t < r ? z.ref.u[j * r + t] : 0, d = t < r ? x.ref.u[i * r + t] - v : 1;
                    tolerance[(i * c + o) * e + t] +=
                        1.01 * fabs(a[j * c + o] * w) * (HALF * fabs(d) + (HALF + HALF * HALF) * fabs(v));
                }
        }
    compare(got, want, tolerance, count, "gradient in bf16");
    free(a);
    free(want);
    free(tolerance);
    free(got);
    drop(&A);
    drop(&G);
    drop_points(&x);
    drop_points(&z);
    drop_kernel(&k);
}

static void units_cases(void)
{
    const int64_t widths[] = {1, 15, 16, 33, 100};

    for (int i = 0; i < 5; i++)
        round16_case(7, widths[i]);
    for (int s = 0; s < SIDES * 4; s++)
        gemm16_case(s & 1, s >> 1 & 1, sides[s / 4], sides[(s / 4 + 2) % SIDES], sides[(s / 4 + 4) % SIDES],
                    s % 3 - 0.5, s % 5 ? 0.25 : 0);
    gemm16_case(1, 0, 700, 530, 2300, 1, 0); /* several blocks and stretches, all of uneven length */
    gemm16_case(0, 1, 530, 700, 2100, -1, 1);
    exact16_case(0, 9);
    exact16_case(9, 0);
    exact16_case(40, 100);
    exact16_case(530, 2300);
    exact16_case(600, 3000);
    for (int ta = 0; ta < 2; ta++)
        for (int64_t k = 30; k <= 129; k += 33) { /* 30, 63, 96, 129 */
            gemm16_leak_case(NAN, ta, 65, 40, k);
            gemm16_leak_case(INFINITY, ta, 65, 40, k);
        }
    gradient16_case(20, 30, 40, 1, 0);
    gradient16_case(3, 1, 1, 2, 0);
    gradient16_case(300, 333, 70, 3, 1);
    gradient16_case(40, 70, 600, 2, 0);
    gradient16_case(17, 50, 0, 2, 1);
}

/* ---- bytes ---- */

enum { BYTE_STRETCH = 2048 }; /* columns that are rounded together, at most */

/* What `step` becomes: of every row the largest of its stretches, and of what was there. */
static double *steps_of(const double *v, int64_t rows, int64_t cols, double before)
{
    double *step = reals(rows);

    for (int64_t i = 0; i < rows; i++) {
        step[i] = before;
        for (int64_t k = 0; k < cols; k += BYTE_STRETCH) {
            double low = INFINITY, high = -INFINITY;
            for (int64_t l = k; l < cols && l < k + BYTE_STRETCH; l++) {
                low  = fmin(low, v[i * cols + l]);
                high = fmax(high, v[i * cols + l]);
            }
            step[i] = fmax(step[i], (high - low) / 255);
        }
    }
    return step;
}

static double *squares_of(const double *v, int64_t rows, int64_t cols)
{
    double *s = reals(rows);

    for (int64_t i = 0; i < rows * cols; i++)
        s[i / cols] += v[i] * v[i];
    return s;
}

/* Errors are never above their bound, and in proportion to their deviation: backend.h. `before`: what steps hold. */
static void gemm8_case(int64_t m, int64_t n, int64_t k, double b, int lower, double before)
{
    double    *A = draws(m * k, AGOP_F32), *B = draws(n * k, AGOP_F32), *C = draws(m * n, AGOP_F32), *got, *near;
    double    *tolerance = reals(m * n), *step[2], *square[2], *s;
    agop__tile tA, tB, tC, held[2];
    agop__err  e = {0};

    for (int64_t i = 0; i < m * k; i++) /* rows of different sizes, and far from 0 */
        A[i] = (double)(float)(A[i] * (double)(1 + i / k % 7) + 3);
    tA      = tile_of(A, m, k, 1, AGOP_F32);
    tB      = tile_of(B, n, k, 0, AGOP_F32);
    tC      = b == 0 ? tile(m, n, 3, AGOP_F32) : tile_of(C, m, n, 3, AGOP_F32);
    near    = reals(m > n ? m : n);
    for (int64_t i = 0; i < (m > n ? m : n); i++)
        near[i] = before;
    held[0] = tile_of(near, m, 1, 0, AGOP_F64);
    held[1] = tile_of(near, n, 1, 2, AGOP_F64);
    ok(be->gemm8(ctx->self, &tA, &tB, b, &tC, lower, 1, &held[0], &held[1], &e), &e, "gemm8");
    got       = values_of(&tC);
    step[0]   = steps_of(A, m, k, before);
    step[1]   = steps_of(B, n, k, before);
    square[0] = squares_of(A, m, k);
    square[1] = squares_of(B, n, k);
    ref_gemm(0, 1, m, n, k, 1, A, B, b, C, FLT_EPSILON, tolerance);
    for (int64_t i = 0; i < m * n; i++) {
        double r = step[0][i / n], q = step[1][i % n], d = 0, sure = 0;
        d        = (r * r * square[1][i % n] + q * q * square[0][i / n]) / 4 + (double)k * r * r * q * q / 16;
        for (int64_t l = 0; l < k; l++)
            sure += r * fabs(B[i % n * k + l]) + q * fabs(A[i / n * k + l]) + r * q;
        tolerance[i] += fmin(sure, 6 * sqrt(d)) * (1 + 1e-4);
        if (lower && i % n > i / n) /* lost */
            got[i] = C[i];
    }
    compare(got, C, tolerance, m * n, "gemm8");
    for (int side = 0; side < 2; side++) {
        int64_t rows = side ? n : m;
        s = values_of(&held[side]);
        for (int64_t i = 0; i < rows && m > 0 && n > 0; i++)
            is_true(fabs(s[i] - step[side][i]) <= 1e-6 * step[side][i], "gemm8 tells its steps");
        free(s);
        free(step[side]);
        free(square[side]);
        drop(&held[side]);
    }
    free(A);
    free(B);
    free(C);
    free(got);
    free(near);
    free(tolerance);
    drop(&tA);
    drop(&tB);
    drop(&tC);
}

/* 0 and 255, and then anything between them, in every stretch. */
static double on_a_step(int64_t col)
{
    int64_t at = col % BYTE_STRETCH;

    return at < 2 ? (double)(255 * at) : floor(agop__rng_uniform(&rng) * 256);
}

/* Numbers that stand on a step are multiplied exactly. */
static void exact8_case(int64_t m, int64_t n, int64_t k)
{
    double    *A = reals(m * k), *B = reals(n * k), *want = reals(m * n), *none = reals(m * n), *got;
    agop__tile tA, tB, tC = tile(m, n, 0, AGOP_F32), s = tile_of(none, m, 1, 0, AGOP_F64), t;
    agop__err  e = {0};

    t = tile_of(none, n, 1, 0, AGOP_F64);
    for (int64_t i = 0; i < m * k; i++)
        A[i] = on_a_step(i % k) - 100;
    for (int64_t i = 0; i < n * k; i++)
        B[i] = on_a_step(i % k) - 255;
    tA = tile_of(A, m, k, 0, AGOP_F32);
    tB = tile_of(B, n, k, 0, AGOP_F32);
    ok(be->gemm8(ctx->self, &tA, &tB, 0, &tC, 0, 0, &s, &t, &e), &e, "gemm8");
    got = values_of(&tC);
    ref_gemm(0, 1, m, n, k, 1, A, B, 0, want, 0, none);
    compare(got, want, none, m * n, "gemm8 of integers");
    free(A);
    free(B);
    free(want);
    free(none);
    free(got);
    drop(&tA);
    drop(&tB);
    drop(&tC);
    drop(&s);
    drop(&t);
}

/* What lies between two steps is rounded to both, so that nothing is lost in the mean: sums of k errors of deviation
 * sqrt(share (1 - share)) each, in one product or in many. */
static void fair8_case(double share, int64_t k, int64_t times)
{
    enum { M = 9 };
    double    *A = reals(M * k), *B = reals(k), none[M] = {0}, *got;
    agop__tile tA, tB, tC = tile(M, 1, 0, AGOP_F32), s = tile_of(none, M, 1, 0, AGOP_F64), t;
    agop__err  e = {0};

    t = tile_of(none, 1, 1, 0, AGOP_F64);
    for (int64_t i = 0; i < M * k; i++)
        A[i] = i % k % BYTE_STRETCH == 0 ? 255 : i % k % BYTE_STRETCH == 1 ? 0 : (double)(i / k) * 28 + share;
    for (int64_t i = 0; i < k; i++)
        B[i] = 1;
    tA = tile_of(A, M, k, 0, AGOP_F32);
    tB = tile_of(B, 1, k, 0, AGOP_F32);
    for (int64_t i = 0; i < times; i++)
        ok(be->gemm8(ctx->self, &tA, &tB, i > 0, &tC, 0, (uint64_t)(i * k), &s, &t, &e), &e, "gemm8");
    got = values_of(&tC);
    for (int64_t i = 0; i < M; i++) {
        double sum = 0;
        for (int64_t l = 0; l < k; l++)
            sum += (double)times * A[i * k + l];
        is_true(fabs(got[i] - sum) <= 5 * sqrt((double)(times * k) * share * (1 - share)) + FLT_EPSILON * sum * 4,
                "gemm8 rounds up as often as it should");
    }
    free(A);
    free(B);
    free(got);
    drop(&tA);
    drop(&tB);
    drop(&tC);
    drop(&s);
    drop(&t);
}

/* Errors of the two sides of one matrix are independent: of a row with itself they are of both signs, where equal ones
 * would add up to k / 4. */
static void own8_case(int64_t m, int64_t k)
{
    double    *A = reals(m * k), *zero = reals(m), *got;
    agop__tile tA, tC = tile(m, m, 0, AGOP_F32), s = tile_of(zero, m, 1, 0, AGOP_F64), t;
    agop__err  e = {0};

    t = tile_of(zero, m, 1, 0, AGOP_F64);
    for (int64_t i = 0; i < m * k; i++) /* steps of 1, and nearly all numbers between two of them */
        A[i] = i % k % BYTE_STRETCH < 2 ? 127.5 - 255 * (double)(i % k % BYTE_STRETCH) : (double)(i % 2);
    tA = tile_of(A, m, k, 0, AGOP_F32);
    ok(be->gemm8(ctx->self, &tA, &tA, 0, &tC, 1, 0, &s, &t, &e), &e, "gemm8");
    got = values_of(&tC);
    for (int64_t i = 0; i < m; i++) {
        double square = 0;
        for (int64_t l = 0; l < k; l++)
            square += A[i * k + l] * A[i * k + l];
        is_true(fabs(got[i * m + i] - square) <= 6 * sqrt(square / 2 + (double)k / 16) + FLT_EPSILON * 4 * square,
                "errors of both sides of gemm8 are independent");
    }
    free(A);
    free(zero);
    free(got);
    drop(&tA);
    drop(&tC);
    drop(&s);
    drop(&t);
}

static void row_products_case(int64_t m, int64_t n, int64_t k, int64_t count)
{
    double    *A = draws(m * k, AGOP_F32), *B = draws(n * k, AGOP_F32), *s = draws(count, AGOP_F64), *got;
    double    *tolerance = reals(count);
    int32_t   *pair = need(calloc((size_t)count + 1, 2 * sizeof *pair));
    agop__tile tA = tile_of(A, m, k, 1, AGOP_F32), tB = tile_of(B, n, k, 0, AGOP_F32), ts, pairs;
    agop__err  e = {0};

    ts = tile_of(s, count, 1, 1, AGOP_F64);
    ok(be->alloc(ctx->self, &pairs, count, 2, AGOP__I32, &e), &e, "alloc");
    for (int64_t c = 0; c < count; c++) { /* runs of one row, as they come, and single ones */
        pair[2 * c]     = (int32_t)(c % 11 < 8 ? c / 11 % m : agop__rng_below(&rng, m));
        pair[2 * c + 1] = (int32_t)agop__rng_below(&rng, n);
        tolerance[c]    = 1e-15;
        for (int64_t l = 0; l < k; l++) {
            double product = A[pair[2 * c] * k + l] * B[pair[2 * c + 1] * k + l];
            s[c] += product;
            tolerance[c] += FLT_EPSILON * 20 * fabs(product);
        }
    }
    ok(be->put(ctx->self, &pairs, pair, 2, AGOP__I32, &e), &e, "put");
    ok(be->row_products(ctx->self, &ts, &tA, &tB, &pairs, &e), &e, "row_products");
    got = values_of(&ts);
    compare(got, s, tolerance, count, "row_products");
    free(A);
    free(B);
    free(s);
    free(got);
    free(pair);
    free(tolerance);
    drop(&tA);
    drop(&tB);
    drop(&ts);
    drop(&pairs);
}

/* Where there is nothing that multiplies bytes, and of doubles. */
static void refused8_case(int32_t dtype)
{
    double     none[2] = {0};
    agop__tile A = tile_of(none, 1, 2, 0, dtype), C = tile_of(none, 1, 1, 0, dtype);
    agop__tile s = tile_of(none, 1, 1, 0, AGOP_F64), pairs = tile_of(none, 1, 2, 0, AGOP_F64);
    agop__err  e = {0};

    is_true(be->gemm8(ctx->self, &A, &A, 0, &C, 0, 0, &s, &s, &e) == AGOP_E_BUG, "gemm8 refuses");
    is_true(be->row_products(ctx->self, &s, &A, &A, &pairs, &e) == AGOP_E_BUG, "row_products refuses");
    drop(&A);
    drop(&C);
    drop(&s);
    drop(&pairs);
}

static void bytes_cases(void)
{
    refused8_case(AGOP_F64);
    if (!be->bytes(ctx->self)) {
        refused8_case(AGOP_F32);
        return;
    }
    for (int s = 0; s < SIDES * SIDES; s++)
        gemm8_case(sides[s % SIDES], sides[s / SIDES], sides[(s + s / SIDES) % SIDES] + 1, s % 2 ? 0.5 : 0, 0, 0);
    gemm8_case(100, 150, 5000, 0, 0, 0); /* several panels and stretches */
    gemm8_case(150, 100, 4097, 1, 0, 0.1);
    gemm8_case(150, 150, 2048, 1, 1, 0);
    gemm8_case(7, 49, 0, 0.5, 0, 0);
    for (int64_t k = 2; k < 70; k += 3)
        exact8_case(k % 17 + 1, 60 - k / 2, k);
    for (int64_t tenths = 0; tenths <= 10; tenths += 2)
        fair8_case(0.1 * (double)tenths, 20000, 1);
    exact8_case(5, 50, 2049);
    exact8_case(50, 5, 4100);
    own8_case(60, 20000);
    fair8_case(.5, 60, 2000);
    fair8_case(.3, 2048, 50);
    row_products_case(5, 7, 1, 40);
    row_products_case(40, 30, 255, 300);
    row_products_case(3, 300, 257, 1000);
    row_products_case(30, 30, 5000, 100);
    row_products_case(4, 4, 10, 0);
}

/* ---- main ---- */

static int only_units(void)
{
    agop__err   e  = {0};
    agop_status st = be->units(ctx->self, &e);

    if (st == AGOP_OK)
        units_cases();
    agop_close(ctx);
    printf("conform units: %s%s%ld checks, %ld failures\n", e.text, e.text[0] ? ": " : "", checks, failures);
    return st == AGOP_E_UNSUPPORTED ? 77 : st != AGOP_OK || failures > 0;
}

int main(int argc, char **argv)
{
    const char *spec = argc == 2 ? argv[1] : "";
    agop_status st;

    if (argc != 2) {
        fprintf(stderr, "usage: conform cpu|cpu:baseline|cpu:avx2|cpu:avx512|check|units|speed\n");
        return 2;
    }
    if (strcmp(spec, "speed") == 0)
        return units_speed();
    be = strncmp(spec, "check", 5) == 0 || strcmp(spec, "units") == 0 ? &agop__backend_check : &agop__backend_cpu;
    st = agop__open_backend(&ctx, be, strcmp(spec, "units") == 0 ? "check" : spec, 2);
    if (st != AGOP_OK) {
        fprintf(stderr, "conform: %s\n", agop_errmsg(NULL));
        return st == AGOP_E_UNSUPPORTED ? 77 : 1;
    }
    agop__rng_seed(&rng, 1, 1);
    if (strcmp(spec, "units") == 0)
        return only_units();
    memory_cases();
    for (int32_t dtype = AGOP_F32; dtype <= AGOP_F64; dtype++) {
        kernel_cases(dtype);
        special_cases(dtype);
        dense_cases(dtype);
        dependence_cases(dtype);
        rounded_sums_case();
    }
    difference_cases();
    for (int s = 1; s < SIDES; s++) {
        eigh_case(sides[s], sides[s]);
        eigh_case(sides[s], sides[s] < 5 ? 0 : 5);
    }
    bytes_cases();
    repeat_cases(spec);
    agop_close(ctx);
    printf("conform %s: %ld checks, %ld failures\n", spec, checks, failures);
    return failures > 0;
}
