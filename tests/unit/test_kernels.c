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

/* ---- every kind against its formula ---- */

/* A metric M = R R whose root is known; rows in its coordinates, E = D + LEVELS of them. */
typedef struct truth {
    agop__metric m;
    double       numeric[D * D], group[LEVELS * LEVELS]; /* R */
    double       height;
} truth;

/* Symmetric and positive definite: B'B. */
static void some_root(double *R, int64_t d, uint64_t seed, int diagonal)
{
    double *B = normals(d * d, seed);
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++) {
            R[i * d + j] = diagonal ? (i == j) * (.3 + fabs(B[i])) : (i == j) * .1;
            for (int64_t k = 0; k < d && !diagonal; k++)
                R[i * d + j] += B[k * d + i] * B[k * d + j] / (double)d;
        }
    free(B);
}

static void square_into(double *out, const double *R, int64_t d, int diagonal)
{
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++) {
            double sum = 0;
            for (int64_t k = 0; k < d; k++)
                sum += R[i * d + k] * R[k * d + j];
            if (!diagonal || i == j)
                out[diagonal ? i : i * d + j] = sum;
        }
}

static void open_truth(truth *t, int diagonal)
{
    static const int32_t levels[] = {LEVELS};
    t->height = .7;
    some_root(t->numeric, D, 11, diagonal);
    some_root(t->group, LEVELS, 12, diagonal);
    assert_int_equal(agop__metric_zero(&t->m, D, 1, levels, diagonal, &ctx->err), AGOP_OK);
    square_into(t->m.block[0].m, t->numeric, D, diagonal);
    square_into(t->m.block[1].m, t->group, LEVELS, diagonal);
}

static void point(double *v, const truth *t, const double *x, int32_t code)
{
    for (int i = 0; i < D; i++) {
        v[i] = 0;
        for (int j = 0; j < D; j++)
            v[i] += t->numeric[i * D + j] * x[j];
    }
    for (int i = 0; i < LEVELS; i++)
        v[D + i] = code >= 0 && code < LEVELS ? t->height * t->group[code * LEVELS + i] : 0;
}

static double formula(const agop__shape *s, const double *u, const double *v)
{
    double sum = 0, q = s->exponent, L = s->bandwidth;
    for (int i = 0; i < E; i++) {
        double d = fabs(u[i] - v[i]);
        sum += s->kind == AGOP__L2    ? d * d
               : s->kind == AGOP__L1  ? pow(d, q)
               : s->kind == AGOP__LPQ ? pow(d, s->norm)
                                      : exp(-pow(d / L, q)) / E;
    }
    return s->kind == AGOP__L2    ? exp(-pow(sqrt(sum) / L, q))
           : s->kind == AGOP__L1  ? exp(-sum / pow(L, q))
           : s->kind == AGOP__LPQ ? exp(-pow(pow(sum, 1 / s->norm) / L, q))
                                  : pow(s->const_mix + (1 - s->const_mix) * sum, s->power);
}

static const agop__shape kinds[] = {
    {.kind = AGOP__L1, .exponent = 1, .bandwidth = 3, .height = .7},
    {.kind = AGOP__L1, .exponent = 1.4, .bandwidth = 3, .height = .7},
    {.kind = AGOP__LPQ, .exponent = 1, .bandwidth = 3, .height = .7, .norm = 1},
    {.kind = AGOP__LPQ, .exponent = 1, .bandwidth = 3, .height = .7, .norm = 1.5},
    {.kind = AGOP__LPQ, .exponent = .7, .bandwidth = 3, .height = .7, .norm = 1.2},
    {.kind = AGOP__LPQ, .exponent = 1, .bandwidth = 3, .height = .7, .norm = 2},
    {.kind = AGOP__LPQ, .exponent = .6, .bandwidth = 3, .height = .7, .norm = .8},
    {.kind = AGOP__SUM, .exponent = 1, .bandwidth = 2, .height = .7, .const_mix = 0, .power = 2},
    {.kind = AGOP__SUM, .exponent = 1.5, .bandwidth = 2, .height = .7, .const_mix = .3, .power = 5},
    {.kind = AGOP__SUM, .exponent = 2, .bandwidth = 2, .height = .7, .const_mix = .1, .power = 1},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void test_kernels__are_their_formulas(void **state)
{
    double        *x = normals(N * D, 13), *z = normals(M * D, 14), *alpha = normals(N * C, 15), K[M * N], want[M * N];
    const int32_t *code = some_codes();
    (void)state;
    memcpy(z, x, D * sizeof *z); /* a pair that coincides */
    for (int k = 0; k < 2 * KINDS; k++) {
        const agop__shape *s = &kinds[k / 2];
        truth              t;
        machine            f;
        double             u[E], v[E];
        if (s->kind == AGOP__L1 && k % 2)
            continue;
        open_truth(&t, k % 2 == 0);
        open_machine(&f, &t.m, s, x, z, code, alpha);
        kernel_values(K, &f);
        for (int i = 0; i < M; i++)
            for (int j = 0; j < N; j++) {
                point(u, &t, z + i * D, code[i]);
                point(v, &t, x + j * D, code[j]);
                want[i * N + j] = formula(s, u, v);
            }
        if (!(apart(K, want, M * N) < 1e-12))
            fail_msg("kind %d of the list: %g", k / 2, apart(K, want, M * N));
        assert_true(K[0] == 1);
        close_machine(&f);
        agop__metric_free(&t.m);
    }
    free(x);
    free(z);
    free(alpha);
}

/* d f_o / d v at the point v of a row, by central differences of the formula. */
static void differences(double *g, const agop__shape *s, const truth *t, double *v, const double *x,
                        const int32_t *code, const double *alpha)
{
    const double h = 1e-7;
    double       u[E];
    memset(g, 0, C * E * sizeof *g);
    for (int j = 0; j < N; j++) {
        point(u, t, x + j * D, code[j]);
        for (int k = 0; k < E; k++) {
            double at = v[k], up, down;
            v[k] = at + h;
            up   = formula(s, v, u);
            v[k] = at - h;
            down = formula(s, v, u);
            v[k] = at;
            for (int o = 0; o < C; o++)
                g[o * E + k] += alpha[j * C + o] * (up - down) / (2 * h);
        }
    }
}

/* out (full, E x E with zeros between the blocks) += R g g' R */
static void add_turned(double *out, const truth *t, const double *g)
{
    double x[E] = {0};
    for (int i = 0; i < D; i++)
        for (int j = 0; j < D; j++)
            x[i] += t->numeric[i * D + j] * g[j];
    for (int i = 0; i < LEVELS; i++)
        for (int j = 0; j < LEVELS; j++)
            x[D + i] += t->group[i * LEVELS + j] * g[D + j];
    for (int i = 0; i < E; i++)
        for (int j = 0; j < E; j++)
            out[i * E + j] += (i < D) == (j < D) ? x[i] * x[j] : 0;
}

static void spread(double *out, const agop__metric *m)
{
    memset(out, 0, E * E * sizeof *out);
    for (int i = 0; i < E; i++)
        for (int j = 0; j < E; j++) {
            int b = i >= D, d = b ? LEVELS : D, r = b ? i - D : i, c = b ? j - D : j;
            if ((i < D) == (j < D) && (!m->diagonal || i == j))
                out[i * E + j] = m->block[b].m[m->diagonal ? r : r * d + c];
        }
}

/* Gradients and AGOPs, alone and in a sum of machines, are those of differences. */
static void test_kernels__have_the_gradients_of_differences(void **state)
{
    double        *x = normals(N * D, 16), *z = normals(M * D, 17), *alpha = normals(N * C, 18);
    double        *got = malloc(M * C * E * sizeof *got), *want = malloc(M * C * E * sizeof *want);
    const int32_t *code = some_codes();
    (void)state;
    for (int k = 0; k < 2 * KINDS; k++) {
        const agop__shape *s = &kinds[k / 2];
        const double       limit = 1e-6;
        truth              t;
        machine            f;
        agop__metric       alone, mixed;
        agop__average     *a[1];
        agop__tile         G = {0};
        double             v[E], sum[E * E] = {0}, flat[E * E];
        if (s->kind == AGOP__L1 && k % 2)
            continue;
        open_truth(&t, k % 2 == 0);
        open_machine(&f, &t.m, s, x, z, code, alpha);
        assert_int_equal(op_alloc(ctx, &G, M, C * E, AGOP_F64), AGOP_OK);
        assert_int_equal(op_gradient(ctx, &G, &f.map.kernel, &f.z, &f.x, &f.A), AGOP_OK);
        assert_int_equal(op_get(ctx, got, C * E, AGOP_F64, &G), AGOP_OK);
        for (int i = 0; i < M; i++) {
            point(v, &t, z + i * D, code[i]);
            differences(want + i * C * E, s, &t, v, x, code, alpha);
            for (int o = 0; o < C; o++)
                add_turned(sum, &t, want + (i * C + o) * E);
        }
        if (!(apart(got, want, M * C * E) < limit))
            fail_msg("gradients, kind %d of the list, %d: %g", k / 2, k % 2, apart(got, want, M * C * E));
        for (int i = 0; i < E * E; i++)
            sum[i] = k % 2 || i % (E + 1) == 0 ? sum[i] / M : 0;
        f.a.centre = 0;
        a[0]       = &f.a;
        assert_int_equal(agop__average_gradient(&alone, &f.a), AGOP_OK);
        spread(flat, &alone);
        assert_true(apart(flat, sum, E * E) < limit);
        assert_int_equal(agop__average_mixture(&mixed, a, (double[]){1}, 1, k % 2 == 0), AGOP_OK);
        spread(flat, &mixed);
        assert_true(apart(flat, sum, E * E) < limit);
        agop__metric_free(&alone);
        agop__metric_free(&mixed);
        op_release(ctx, &G);
        close_machine(&f);
        agop__metric_free(&t.m);
    }
    free(x);
    free(z);
    free(alpha);
    free(got);
    free(want);
}

/* p = 2 is l2, p = q is l1, and one coordinate of a mean is an l1 kernel of that coordinate. */
static void test_kernels__coincide_where_they_should(void **state)
{
    static const double q[] = {1, .6, 1.7, 2};
    double *x = normals(N * D, 19), *z = normals(M * D, 20), *alpha = normals(N * C, 21), K[2][M * N];
    (void)state;
    for (int k = 0; k < 8; k++) {
        truth        t;
        machine      one, two;
        agop__metric a, b;
        double       flat[2][E * E];
        int          radial = k % 2;
        agop__shape  general = {.kind = AGOP__LPQ, .exponent = q[k / 2], .bandwidth = 2, .height = .7,
                                .norm = radial ? 2 : q[k / 2]};
        agop__shape  special = {.kind = radial ? AGOP__L2 : AGOP__L1, .exponent = q[k / 2], .bandwidth = 2,
                                .height = .7};
        open_truth(&t, !radial);
        open_machine(&one, &t.m, &general, x, z, some_codes(), alpha);
        open_machine(&two, &t.m, &special, x, z, some_codes(), alpha);
        kernel_values(K[0], &one);
        kernel_values(K[1], &two);
        assert_true(apart(K[0], K[1], M * N) < 1e-13);
        assert_int_equal(agop__average_gradient(&a, &one.a), AGOP_OK);
        assert_int_equal(agop__average_gradient(&b, &two.a), AGOP_OK);
        spread(flat[0], &a);
        spread(flat[1], &b);
        assert_true(flat[1][E * E - 1] > 0);
        assert_true(apart(flat[0], flat[1], E * E) < 1e-11);
        agop__metric_free(&a);
        agop__metric_free(&b);
        close_machine(&one);
        close_machine(&two);
        agop__metric_free(&t.m);
    }
    free(x);
    free(z);
    free(alpha);
}

/* Coordinates and bandwidth times a number: nothing changes; and a bandwidth that is told later is as good. */
static void test_kernels__only_know_lengths_in_bandwidths(void **state)
{
    double *x = normals(N * D, 22), *alpha = normals(N * C, 23), K[2][M * N], middle[2];
    (void)state;
    for (int k = 0; k < KINDS; k++) {
        truth       t;
        machine     one, two;
        agop__shape wide = kinds[k];
        agop__metric m;
        wide.bandwidth *= 5;
        open_truth(&t, 1);
        assert_int_equal(agop__metric_copy(&m, &t.m, &ctx->err), AGOP_OK);
        agop__metric_scale_by(&m, 25);
        open_machine(&one, &t.m, &kinds[k], x, x, some_codes(), alpha);
        open_machine(&two, &m, &wide, x, x, some_codes(), alpha);
        kernel_values(K[0], &one);
        kernel_values(K[1], &two);
        assert_true(apart(K[1], K[0], M * N) < 1e-13);
        assert_int_equal(agop__median_distance(&middle[0], &one.map, &one.x), AGOP_OK);
        assert_int_equal(agop__median_distance(&middle[1], &two.map, &two.x), AGOP_OK);
        assert_true(fabs(middle[1] / middle[0] - 5) < 1e-12);
        assert_int_equal(agop__map_bandwidth(&one.map, 5 * kinds[k].bandwidth), AGOP_OK);
        assert_int_equal(agop__map_bandwidth(&one.map, kinds[k].bandwidth), AGOP_OK);
        assert_int_equal(op_kernel(ctx, &one.K, &one.map.kernel, &one.z, &one.x), AGOP_OK);
        kernel_values(K[1], &one);
        assert_memory_equal(K[0], K[1], sizeof K[0]);
        assert_int_equal(agop__map_bandwidth(&one.map, 5 * kinds[k].bandwidth), AGOP_OK);
        assert_int_equal(op_kernel(ctx, &one.K, &one.map.kernel, &one.z, &one.x), AGOP_OK);
        kernel_values(K[1], &one);
        assert_true(apart(K[1], K[0], M * N) > .01);
        close_machine(&one);
        close_machine(&two);
        agop__metric_free(&m);
        agop__metric_free(&t.m);
    }
    free(x);
    free(alpha);
}

/* The smallest eigenvalue, of rows that are all different, is well above rounding; with q > p it need not be, which is
 * why that is refused. */
static void test_kernels__are_positive_definite(void **state)
{
    double *x = normals(N * D, 24), *alpha = normals(N * C, 25), w[N];
    (void)state;
    for (int k = 0; k < 2 * KINDS; k++) {
        truth      t;
        machine    f;
        agop__tile K = {0}, V = {0}, values = {0};
        if ((kinds[k / 2].kind == AGOP__L1 && k % 2) || (kinds[k / 2].kind == AGOP__SUM && kinds[k / 2].exponent == 2))
            continue; /* a mean of Gaussians of single coordinates is definite, but barely */
        open_truth(&t, k % 2 == 0);
        open_machine(&f, &t.m, &kinds[k / 2], x, x, some_codes(), alpha);
        assert_int_equal(op_alloc(ctx, &K, N, N, AGOP_F64), AGOP_OK);
        assert_int_equal(op_alloc(ctx, &V, N, N, AGOP_F64), AGOP_OK);
        assert_int_equal(op_alloc(ctx, &values, N, 1, AGOP_F64), AGOP_OK);
        assert_int_equal(op_kernel_lower(ctx, &K, &f.map.kernel, &f.x), AGOP_OK);
        assert_int_equal(op_eigh(ctx, &K, &values, &V, N), AGOP_OK);
        assert_int_equal(op_get(ctx, w, 1, AGOP_F64, &values), AGOP_OK);
        if (!(w[N - 1] > 1e-5))
            fail_msg("kind %d of the list: %g", k / 2, w[N - 1]);
        op_release(ctx, &K);
        op_release(ctx, &V);
        op_release(ctx, &values);
        close_machine(&f);
        agop__metric_free(&t.m);
    }
    free(x);
    free(alpha);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels__a_coordinate_of_weight_zero_is_as_good_as_not_there),
        cmocka_unit_test(test_kernels__no_coordinate_may_be_left),
        cmocka_unit_test(test_kernels__are_their_formulas),
        cmocka_unit_test(test_kernels__have_the_gradients_of_differences),
        cmocka_unit_test(test_kernels__coincide_where_they_should),
        cmocka_unit_test(test_kernels__only_know_lengths_in_bandwidths),
        cmocka_unit_test(test_kernels__are_positive_definite),
    };
    int failed;
    if (agop_open(&ctx, "cpu", 2) != AGOP_OK)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    agop_close(ctx);
    return failed;
}
