/* test_linear.c - the linear model beside every fit: against normal equations solved by a plain loop, and rows left out
 * by leaving them out. */
#include <math.h>

#include "model_support.h"
#include "rfm/linear.h"

enum { MOST = 60, OUTPUTS = 2 };

static agop_ctx *ctx;

/* A design of numeric columns only, standardised by hand, so that X is what the test says it is. */
typedef struct problem {
    agop__schema schema;
    agop__field  field[MOST];
    int64_t      n, e;
    double       x[MOST * MOST], Y[MOST * OUTPUTS], w[MOST];
    agop__design d;
} problem;

#define assert_near(a, b, tolerance) assert_true(fabs((a) - (b)) <= (tolerance))

static uint64_t state;

static double uniform(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(state >> 11) / 9007199254740992.0 - .5;
}

static void make(problem *p, int64_t n, int64_t e, double noise)
{
    memset(p, 0, sizeof *p);
    state = (uint64_t)(n * 100 + e);
    p->n  = n;
    p->e  = e;
    for (int64_t j = 0; j < e; j++)
        p->field[j] = (agop__field){.spread = 1, .deviation = 1};
    p->schema = (agop__schema){.factor = 1, .fields = e, .field = p->field, .numeric = e};
    for (int64_t i = 0; i < n; i++) {
        for (int64_t o = 0; o < OUTPUTS; o++)
            p->Y[i * OUTPUTS + o] = (double)o + noise * uniform();
        for (int64_t j = 0; j < e; j++) {
            p->x[i * e + j] = uniform() + .1 * (double)j;
            for (int64_t o = 0; o < OUTPUTS; o++)
                p->Y[i * OUTPUTS + o] += p->x[i * e + j] * (double)((j * 7 + o) % 5 - 2);
        }
        p->w[i] = .5 + (double)(i % 3);
    }
    assert_int_equal(agop__design_open(&p->d, ctx, &p->schema, 0), AGOP_OK);
    agop__design_rows(&p->d, p->x, NULL, AGOP_F64, n);
    assert_int_equal(p->d.e, e);
}

/* Gauss-Jordan with pivots: A (n x n) and b (n x m), overwritten. */
static void eliminate(double *A, double *b, int64_t n, int64_t m)
{
    for (int64_t c = 0; c < n; c++) {
        int64_t pivot = c;
        for (int64_t i = c; i < n; i++)
            pivot = fabs(A[i * n + c]) > fabs(A[pivot * n + c]) ? i : pivot;
        for (int64_t j = 0; j < n; j++) {
            double t = A[c * n + j];
            A[c * n + j] = A[pivot * n + j];
            A[pivot * n + j] = t;
        }
        for (int64_t j = 0; j < m; j++) {
            double t = b[c * m + j];
            b[c * m + j] = b[pivot * m + j];
            b[pivot * m + j] = t;
        }
        for (int64_t i = 0; i < n; i++) {
            double f = i == c ? 0 : A[i * n + c] / A[c * n + c];
            for (int64_t j = 0; j < n; j++)
                A[i * n + j] -= f * A[c * n + j];
            for (int64_t j = 0; j < m; j++)
                b[i * m + j] -= f * b[c * m + j];
        }
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < m; j++)
            b[i * m + j] /= A[i * n + i];
}

/* The minimum of sum w |y - a - x'b|^2 + ridge |b|^2 without row `without`: e coefficients, then the intercept. */
static void solve_plainly(double *b, const problem *p, const double *w, double ridge, int64_t without)
{
    static double A[(MOST + 1) * (MOST + 1)];
    int64_t       m = p->e + 1;

    memset(A, 0, sizeof A);
    memset(b, 0, (size_t)(m * OUTPUTS) * sizeof *b);
    for (int64_t i = 0; i < p->n; i++) {
        double row[MOST + 1], v = w ? w[i] : 1;
        if (i == without)
            continue;
        memcpy(row, p->x + i * p->e, (size_t)p->e * sizeof *row);
        row[p->e] = 1;
        for (int64_t j = 0; j < m; j++) {
            for (int64_t k = 0; k < m; k++)
                A[j * m + k] += v * row[j] * row[k];
            for (int64_t o = 0; o < OUTPUTS; o++)
                b[j * OUTPUTS + o] += v * row[j] * p->Y[i * OUTPUTS + o];
        }
    }
    for (int64_t j = 0; j < p->e; j++)
        A[j * m + j] += ridge;
    eliminate(A, b, m, OUTPUTS);
}

static double answer_plainly(const problem *p, const double *b, int64_t i, int64_t o)
{
    double sum = b[p->e * OUTPUTS + o];

    for (int64_t j = 0; j < p->e; j++)
        sum += b[j * OUTPUTS + o] * p->x[i * p->e + j];
    return sum;
}

static double loss_left_out(const problem *p, const double *w, double ridge)
{
    double b[(MOST + 1) * OUTPUTS], loss = 0;

    for (int64_t i = 0; i < p->n; i++) {
        solve_plainly(b, p, w, ridge, i);
        for (int64_t o = 0; o < OUTPUTS; o++) {
            double e = p->Y[i * OUTPUTS + o] - answer_plainly(p, b, i, o);
            loss += (w ? w[i] : 1) * e * e;
        }
    }
    return loss;
}

static void same_answers(problem *p, const double *w, double ridge)
{
    agop__linear l = {0};
    double       b[(MOST + 1) * OUTPUTS], y[MOST * OUTPUTS];

    assert_int_equal(agop__linear_learn(&l, ctx, &p->d, p->Y, OUTPUTS, w, ridge), AGOP_OK);
    assert_int_equal(agop__linear_apply(y, ctx, &l, &p->d), AGOP_OK);
    assert_int_equal(l.rows, p->n);
    solve_plainly(b, p, w, l.ridge, -1);
    for (int64_t i = 0; i < p->n; i++)
        for (int64_t o = 0; o < OUTPUTS; o++)
            assert_near(y[i * OUTPUTS + o], answer_plainly(p, b, i, o), 1e-8);
    agop__linear_free(&l);
}

static void test_linear__answers_are_those_of_the_normal_equations(void **unused)
{
    static const int64_t shape[][2] = {{40, 6}, {12, 30}, {20, 20}, {9, 1}};
    static problem       p;

    (void)unused;
    for (size_t k = 0; k < sizeof shape / sizeof shape[0]; k++) {
        make(&p, shape[k][0], shape[k][1], 1);
        same_answers(&p, NULL, .3);
        same_answers(&p, p.w, .3);
        same_answers(&p, p.w, -1);
        agop__design_close(&p.d);
    }
}

/* The ridge of the documented grid with the smallest loss, every row left out by leaving it out. */
static double best_plainly(const problem *p, const double *w)
{
    double  trace = 0, least = INFINITY, best = 0;
    int64_t k = p->e < p->n ? p->e : p->n;

    for (int64_t j = 0; j < p->e; j++) {
        double mean = 0, total = 0;
        for (int64_t i = 0; i < p->n; i++) {
            mean += (w ? w[i] : 1) * p->x[i * p->e + j];
            total += w ? w[i] : 1;
        }
        mean /= total;
        for (int64_t i = 0; i < p->n; i++)
            trace += (w ? w[i] : 1) * (p->x[i * p->e + j] - mean) * (p->x[i * p->e + j] - mean);
    }
    for (int r = 0; r <= 20; r++) {
        double ridge = trace / (double)k * pow(10, .5 * r - 6), loss = loss_left_out(p, w, ridge);
        if (loss <= least) {
            least = loss;
            best  = ridge;
        }
    }
    return best;
}

static void test_linear__the_ridge_is_best_at_rows_left_out(void **unused)
{
    static const int64_t shape[][2] = {{30, 6}, {12, 20}};
    static problem       p;

    (void)unused;
    for (size_t k = 0; k < sizeof shape / sizeof shape[0]; k++)
        for (int weighted = 0; weighted < 2; weighted++)
            for (double noise = .1; noise < 200; noise *= 10) {
                agop__linear l = {0};
                make(&p, shape[k][0], shape[k][1], noise);
                assert_int_equal(agop__linear_learn(&l, ctx, &p.d, p.Y, OUTPUTS, weighted ? p.w : NULL, -1), AGOP_OK);
                assert_near(l.ridge / best_plainly(&p, weighted ? p.w : NULL), 1, 1e-9);
                agop__linear_free(&l);
                agop__design_close(&p.d);
            }
}

/* At the minimum X'(y - f) = ridge slope, X centred. */
static void meets_its_equations(int64_t n, int64_t e)
{
    double       *x = malloc((size_t)(n * e) * sizeof *x), *y = malloc((size_t)n * sizeof *y);
    double       *f = malloc((size_t)n * sizeof *f);
    agop__field  *field  = calloc((size_t)e, sizeof *field);
    agop__schema  schema = {.factor = 1, .fields = e, .field = field, .numeric = e};
    agop__design  d = {0};
    agop__linear  l = {0};

    assert_true(x && y && f && field);
    state = 5;
    for (int64_t j = 0; j < e; j++)
        field[j] = (agop__field){.spread = 1, .deviation = 1};
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < e; j++)
            x[i * e + j] = uniform();
        y[i] = x[i * e] - 2 * x[i * e + 1] + uniform();
    }
    assert_int_equal(agop__design_open(&d, ctx, &schema, 0), AGOP_OK);
    agop__design_rows(&d, x, NULL, AGOP_F64, n);
    assert_int_equal(agop__linear_learn(&l, ctx, &d, y, 1, NULL, -1), AGOP_OK);
    assert_int_equal(agop__linear_apply(f, ctx, &l, &d), AGOP_OK);
    for (int64_t j = 0; j < e; j++) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++)
            sum += (x[i * e + j] - l.mean[j]) * (y[i] - f[i]);
        assert_near(sum, l.ridge * l.slope[j], 1e-8);
    }
    assert_true(l.slope[0] > .3 && l.slope[1] < -.6);
    agop__linear_free(&l);
    agop__design_close(&d);
    free(field);
    free(f);
    free(y);
    free(x);
}

static void test_linear__a_large_system_is_solved_on_all_rows(void **unused)
{
    (void)unused;
    meets_its_equations(900, 650);
    meets_its_equations(650, 900);
}

/* A category is a column per level, a missing cell an indicator, and no column is there twice. */
static void test_linear__a_design_holds_every_column_once(void **unused)
{
    agop_settings *s      = settings_of(ctx, "normal_scores=true");
    agop_table    *t      = NULL;
    agop__schema   schema = {0};
    agop__design   d      = {0};
    double         x[MIXED_ROWS * 8], row[8];
    int32_t        code[MIXED_ROWS * 2];

    (void)unused;
    assert_int_equal(make_mixed(&t, ctx, MIXED_ROWS), AGOP_OK);
    assert_int_equal(agop__schema_learn(&schema, ctx, t, "y,z,w,kind", s), AGOP_OK);
    assert_int_equal(schema.numeric, 5); /* a, its score, b, its score, b (missing) */
    assert_int_equal(agop__schema_encode(x, AGOP_F64, code, &schema, ctx, t, 0, MIXED_ROWS, NULL), AGOP_OK);
    assert_int_equal(agop__design_open(&d, ctx, &schema, 0), AGOP_OK);
    agop__design_rows(&d, x, code, AGOP_F64, MIXED_ROWS);
    assert_int_equal(d.e, 3 + 4); /* a, b, b (missing); three colours and none */
    for (int64_t i = 0; i < MIXED_ROWS; i++) {
        double present = 0;
        agop__design_take(row, &d, i, 1, 0, d.e);
        assert_near(row[0], (agop_table_number(t, i, 0) - schema.field[0].mean) / schema.field[0].deviation,
                            1e-12);
        for (int64_t j = 3; j < d.e; j++)
            present += row[j] * row[j];
        assert_near(present, .5, 1e-12);
    }
    agop__design_close(&d);
    agop__schema_free(&schema);
    agop_table_free(t);
    agop_settings_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear__answers_are_those_of_the_normal_equations),
        cmocka_unit_test(test_linear__the_ridge_is_best_at_rows_left_out),
        cmocka_unit_test(test_linear__a_large_system_is_solved_on_all_rows),
        cmocka_unit_test(test_linear__a_design_holds_every_column_once),
    };
    int failed;

    if (agop_open(&ctx, "cpu", 1) != AGOP_OK)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    agop_close(ctx);
    return failed;
}
