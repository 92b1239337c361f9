/* test_coarse.c - the metric found on few rows first: which rows, and that nothing is lost by it. */
#include <jansson.h>

#include "model_support.h"

enum { ROWS = 8000, FEW = 2400, TESTS = 1000, COLUMNS = 60 };

/* A quarter of FEW rows is just ten times as many as there are columns. */
#define OPTIONS "target=x61 tune=off "

static agop_ctx *ctx;

/* Numbers that every machine has: a linear congruential generator, twelve of them added to something like a normal. */
static double normal(uint64_t *state)
{
    double sum = -6;
    for (int i = 0; i < 12; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        sum += (double)(*state >> 11) / 9007199254740992.0;
    }
    return sum;
}

/* ROWS + TESTS rows of 60 columns, of which three matter: y = (x1 > 0) + x2 x3. */
static double *make(void)
{
    uint64_t state = 7;
    double  *x     = calloc((ROWS + TESTS) * (COLUMNS + 1), sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < ROWS + TESTS; i++) {
        double *row = x + i * (COLUMNS + 1);
        for (int j = 0; j < COLUMNS; j++)
            row[j] = normal(&state);
        row[COLUMNS] = (row[0] > 0) + row[1] * row[2];
    }
    return x;
}

static agop_model *fit(double *x, int64_t rows, const char *words)
{
    agop_mat       mat = {.data = x, .rows = rows, .cols = COLUMNS + 1, .ld = COLUMNS + 1, .dtype = AGOP_F64};
    agop_table    *t   = NULL;
    agop_model    *m;

    assert_int_equal(agop_table_from_mat(&t, ctx, &mat), AGOP_OK);
    m = fit_table(ctx, t, NULL, words);
    agop_table_free(t);
    return m;
}

static double error_of(const agop_model *m, double *x)
{
    double     *first = x + (int64_t)ROWS * (COLUMNS + 1), *f = calloc(TESTS, sizeof *f), sum = 0;
    agop_mat    mat   = {.data = first, .rows = TESTS, .cols = COLUMNS + 1, .ld = COLUMNS + 1, .dtype = AGOP_F64};
    agop_mat    out   = {.data = f, .rows = TESTS, .cols = 1, .ld = 1, .dtype = AGOP_F64};
    agop_table *t     = NULL;
    assert_int_equal(agop_table_from_mat(&t, ctx, &mat), AGOP_OK);
    assert_int_equal(agop_predict(&out, ctx, m, t, AGOP_VALUE), AGOP_OK);
    for (int64_t i = 0; i < TESTS; i++) {
        double e = f[i] - first[i * (COLUMNS + 1) + COLUMNS];
        sum += e * e / TESTS;
    }
    agop_table_free(t);
    free(f);
    return sum;
}

/* The rows of every iteration, from the report. */
static void assert_rows(const agop_model *m, const int *rows, size_t count)
{
    json_t *j = json_loads(agop_model_info(m), 0, NULL), *its = json_object_get(j, "iterations");
    assert_int_equal(json_array_size(its), count);
    for (size_t t = 0; t < count; t++)
        assert_int_equal(json_integer_value(json_object_get(json_array_get(its, t), "rows")), rows[t]);
    json_decref(j);
}

static void test_coarse__a_quarter_then_a_half_then_all(void **state)
{
    static const int judged[] = {600, 600, 600, 1200, 1200, 1200}, last[] = {600, 600, 600, 1200, 1200, 2400},
                     all[] = {2400, 2400, 2400};
    double     *x = make();
    agop_model *m = fit(x, FEW, OPTIONS "all_rows=false early_stop=1e9");
    (void)state;
    assert_rows(m, judged, 6);
    agop_model_free(m);
    m = fit(x, FEW, OPTIONS "all_rows=false select=last");
    assert_rows(m, last, 6);
    agop_model_free(m);
    m = fit(x, FEW, OPTIONS "all_rows=true select=last iters=2");
    assert_rows(m, all, 3);
    agop_model_free(m);
    free(x);
}

static void test_coarse__nothing_is_lost(void **state)
{
    double     *x = make(), coarse, whole;
    agop_model *m = fit(x, ROWS, "target=x61 tune=off");
    (void)state;
    coarse = error_of(m, x);
    agop_model_free(m);
    m     = fit(x, ROWS, "target=x61 tune=off all_rows=true");
    whole = error_of(m, x);
    agop_model_free(m);
    if (!(coarse <= whole + .002 * 1.25)) /* the variance of y is 1.25: R2 may not fall by more than .002 */
        fail_msg("mean squared error %.5f coarse to fine, %.5f on all rows", coarse, whole);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_coarse__a_quarter_then_a_half_then_all),
                                       cmocka_unit_test(test_coarse__nothing_is_lost)};
    int                     failed;
    if (agop_open(&ctx, "cpu", 0) != AGOP_OK)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    agop_close(ctx);
    return failed;
}
